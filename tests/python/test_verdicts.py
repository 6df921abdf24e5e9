"""Verdicts on rows with planted ratios: who wins, by how much, and when nothing may be said."""

import numpy as np
import pytest

import cells
import verdicts
from conftest import not_ok, synthetic_distribution, synthetic_row

SPEC = "sleep:tasks=1000,sleep=100ms,jitter=0,repeat=1,seed=1"


def planted_rows(rounds=6, **changes):
    """Rows of threads and async with the same figures, but for `changes`, {key: (threads', async's)},
    with a noise of some percent that both share in a round."""
    rng = np.random.default_rng(11)
    rows = []
    for round_ in range(1, rounds + 1):
        noise = rng.normal(1, 0.05)
        for model, side in (("threads", 0), ("async", 1)):
            own = {key: both[side] for key, both in changes.items()}
            row = synthetic_row(SPEC, model, round_, rng, **own)
            row["wall_ns"] = int(row["wall_ns"] * noise) if "wall_ns" in own else row["wall_ns"]
            rows.append(row)
    return rows


def comparison(rows, key):
    families = cells.group_families(cells.group_cells(rows))
    return next(c for c in verdicts.compare_run(families) if c.metric.key == key)


def test_a_model_that_is_twice_as_slow_loses_by_2x():
    found = comparison(planted_rows(wall_ns=(400_000_000, 200_000_000)), "wall")
    assert found.outcome == "reference"
    assert verdicts.sentence(found) == (
        "async is faster than threads by 2.00x (2.00..2.00), "
        "smallest visible under 0.01 %")
    assert verdicts.context(found) == f"threads against async, 1,000 tasks, 6 rounds: `{SPEC}`"


def test_the_same_ratio_the_other_way_round_is_the_other_ones_win():
    found = comparison(planted_rows(wall_ns=(200_000_000, 400_000_000)), "wall")
    assert found.outcome == "other"
    assert verdicts.sentence(found) == (
        "threads is faster than async by 2.00x (2.00..2.00), "
        "smallest visible under 0.01 %")
    assert verdicts.short(found) == "threads by 2.00x (2.00..2.00)"


def test_equal_models_give_no_difference_seen():
    rng = np.random.default_rng(12)
    changes = [0.98, 1.03, 0.99, 1.01, 1.02, 0.97]
    rows = [synthetic_row(SPEC, model, r, rng, wall_ns=int(2e8 * change))
            for r, threads in enumerate(changes, 1)
            for model, change in (("threads", threads), ("async", 1))]
    found = comparison(rows, "wall")
    assert found.outcome == "none"
    assert found.low < 1 < found.high
    assert "no difference seen between threads and async" in verdicts.sentence(found)


def test_a_difference_of_a_few_percent_is_told_in_percent():
    found = comparison(planted_rows(wall_ns=(206_000_000, 200_000_000)), "wall")
    assert verdicts.sentence(found) == (
        "async is faster than threads by 3 % (3..3), smallest visible under 0.01 %")


def test_more_throughput_is_better():
    spec = SPEC.replace("sleep:tasks=1000", "fetch:tasks=1000,requests=1000")
    rng = np.random.default_rng(13)
    rows = [synthetic_row(spec, model, r, rng, wall_ns=wall) for r in range(1, 5)
            for model, wall in (("threads", 100_000_000), ("async", 300_000_000))]
    found = comparison(rows, "throughput")
    assert verdicts.sentence(found) == (
        "threads fetches more per second than async by 3.00x (3.00..3.00), "
        "smallest visible under 0.01 %")


def test_overshoot_is_compared_by_the_p99_of_merged_rounds():
    late = np.random.default_rng(14).lognormal(11, 0.4, 4000).astype(int)
    rows = planted_rows(overshoot_ns=(synthetic_distribution(late * 3), synthetic_distribution(late)))
    found = comparison(rows, "overshoot")
    assert found.ratio == pytest.approx(3, rel=0.02)
    assert found.outcome == "reference"


def test_two_rounds_take_no_verdict():
    found = comparison(planted_rows(rounds=2, wall_ns=(400_000_000, 200_000_000)), "wall")
    assert found.outcome == "no verdict"
    assert verdicts.sentence(found) == ("wall time: not comparable (2 rounds; a verdict takes 3); "
                                        "seen: threads : async 2.00")


def test_a_figure_that_was_not_measured_is_not_comparable():
    rows = planted_rows()
    for row in rows:
        row["memory"] = {**row["memory"], "whole_plateau_bytes": None}
    found = comparison(rows, "whole")
    assert (found.ratio, found.reason) == (None, "not measured in threads and async")


def test_a_model_without_an_ok_trial_is_not_comparable_and_says_why():
    limit = dict(name="pids.max", value=100, reached=90)
    rows = [not_ok(row, "limited", "no more", limit=limit) if row["model"] == "threads" else row
            for row in planted_rows(rounds=3)]
    found = comparison(rows, "wall")
    assert found.reason == "threads: 3 of 3 trials limited (pids.max)"
    assert verdicts.limits(cells.group_cells(rows)) == [
        f"threads was stopped by pids.max = 100 at 90 of 1,000 tasks: `{SPEC}`"]


def test_trials_that_are_wrong_are_in_no_figure():
    rows = planted_rows(wall_ns=(400_000_000, 200_000_000))
    rows[0] = {**rows[0], "status": "wrong", "wall_ns": 1}
    found = comparison(rows, "wall")
    assert (found.rounds, found.ratio) == (5, pytest.approx(2, rel=1e-6))


def test_specs_on_different_cores_are_not_paired():
    rows = [{**row, "cpus": "0" if row["model"] == "async" else None} for row in planted_rows()]
    assert verdicts.compare_run(cells.group_families(cells.group_cells(rows))) == []


def test_memory_is_compared_by_its_slopes_where_n_has_five_values():
    rng = np.random.default_rng(15)
    rows = [synthetic_row(SPEC.replace("tasks=1000", f"tasks={n}"), model, r, rng)
            for n in (10, 100, 1000, 3000, 10000) for r in range(1, 5)
            for model in ("threads", "async")]
    found = comparison(rows, "rss")
    assert found.basis == "slopes over 5 and 5 values of N"
    assert found.low < 9200 / 820 < found.high


def test_variants_of_a_model_are_series_named_by_what_differs():
    rng = np.random.default_rng(16)
    rows = [synthetic_row(SPEC, "pool", 1, rng, model_spec=f"pool:stack=64KiB,workers={w}")
            for w in (8, 32)]
    family, = cells.group_families(cells.group_cells(rows))
    assert [s.label for s in family.series] == ["pool workers=8", "pool workers=32"]


def test_two_numbers_of_requests_at_one_n_are_two_families():
    rng = np.random.default_rng(17)
    specs = [f"fetch:tasks=10,requests={n},seed=1" for n in (10, 100)]
    rows = [synthetic_row(spec, "async", 1, rng) for spec in specs]
    assert len(cells.group_families(cells.group_cells(rows))) == 2


def test_the_headline_takes_the_largest_n_that_both_have():
    rng = np.random.default_rng(18)
    rows = [synthetic_row(SPEC.replace("tasks=1000", f"tasks={n}"), model, r, rng)
            for n in (10, 1000) for r in range(1, 4) for model in ("threads", "async")]
    rows.append(synthetic_row(SPEC.replace("tasks=1000", "tasks=100000"), "async", 1, rng))
    families = cells.group_families(cells.group_cells(rows))
    assert {c.tasks for c in verdicts.headline(verdicts.compare_run(families))} == {1000}
