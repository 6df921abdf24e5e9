"""A/A pairs: the same cell twice in a plan, and what its noise does to verdicts."""

import numpy as np
import pytest

import aa
import cells
import report
import verdicts
from conftest import synthetic_row, write_run

SPEC = "sleep:tasks=1000,sleep=100ms,jitter=0,repeat=1,seed=1"


def twin_rows(rounds=6, slower=1.01, noise=0.05, seed=51):
    """async twice, as cells 0 and 1, and threads, which is slower by a factor with hardly any noise
    of its own; cells 0 and 1 have `noise`."""
    rng = np.random.default_rng(seed)
    rows = []
    for r in range(1, rounds + 1):
        common = 2e8 * rng.normal(1, 0.1)
        walls = [common * np.exp(rng.normal(0, noise)) for _ in range(2)]
        walls.append(np.sqrt(walls[0] * walls[1]) * slower * np.exp(rng.normal(0, 0.0005)))
        rows += [synthetic_row(SPEC, model, r, rng, wall_ns=int(wall), cell=index)
                 for index, (model, wall) in enumerate(zip(("async", "async", "threads"), walls))]
    return rows


def pairs_of(rows):
    return aa.compare_pairs(aa.pair_cells(cells.group_cells(rows)))


def wall_verdict(rows, spread_of=None):
    families = cells.group_families(cells.group_cells(rows))
    return next(c for c in verdicts.compare_run(families, spread_of) if c.metric.key == "wall")


def test_the_cell_that_is_twice_in_the_plan_is_a_pair():
    (first, second), = aa.pair_cells(cells.group_cells(twin_rows()))
    assert {row["cell"] for row in first.rows} == {0}
    assert {row["cell"] for row in second.rows} == {1}
    assert first.spec == second.spec == SPEC


def test_rows_of_runs_that_know_no_index_are_of_no_pair(all_rows):
    assert aa.pair_cells(cells.group_cells(all_rows)) == []
    assert aa.spread_from([])(verdicts.METRICS[0], cells.group_cells(all_rows)[0]) is None


def test_the_spread_of_a_pair_is_the_root_mean_square_of_its_logarithms():
    rows = twin_rows()
    walls = [[row["wall_ns"] for row in rows if row["cell"] == i] for i in (0, 1)]
    logs = np.log(walls[1]) - np.log(walls[0])
    wall = next(m for m in verdicts.METRICS if m.key == "wall")
    spread = aa.spread_from(pairs_of(rows))(wall, cells.group_cells(rows)[0])
    assert spread == pytest.approx(np.sqrt(np.mean(logs**2)))


def test_one_percent_is_no_difference_where_the_pair_says_that_more_is_noise():
    rows = twin_rows(slower=1.01)
    assert wall_verdict(rows).outcome == "reference"
    found = wall_verdict(rows, aa.spread_from(pairs_of(rows)))
    assert found.outcome == "none"
    assert found.visible > 1.03
    assert "could have seen" in verdicts.sentence(found)


def test_ten_percent_is_found_where_the_pair_is_quiet_and_its_interval_holds_it():
    rows = twin_rows(slower=1.10, noise=0.01)
    found = wall_verdict(rows, aa.spread_from(pairs_of(rows)))
    assert found.outcome == "reference"
    assert found.low < 1.10 < found.high
    assert 1.005 < found.visible < 1.05


def test_of_runs_of_equal_cells_alone_few_verdicts_claim_a_difference():
    found = [aa.claims(pairs_of(twin_rows(seed=seed))) for seed in range(40)]
    assert sum(judged for _, judged in found) >= 40
    assert sum(claimed for claimed, _ in found) <= 0.05 * sum(judged for _, judged in found)


def test_the_nearest_pair_is_asked():
    rows = twin_rows() + [{**row, "cpus": "0"} for row in twin_rows(noise=0.2, seed=52)]
    spread_of = aa.spread_from(pairs_of(rows))
    wall = next(m for m in verdicts.METRICS if m.key == "wall")
    free, pinned = (next(c for c in cells.group_cells(rows) if c.cpus == cpus) for cpus in (None, "0"))
    assert spread_of(wall, pinned) > 2 * spread_of(wall, free)


def test_the_report_shows_the_pair(tmp_path):
    out = tmp_path / "out"
    assert report.main([str(write_run(tmp_path / "r", twin_rows())), f"--out={out}"]) == 0
    text = (out / "report.md").read_text()
    assert "The plan has 1 cell twice." in text
    assert "| again : first |" in text
    assert "smallest visible" in text
    assert (out / "charts" / "noise.svg").exists()
