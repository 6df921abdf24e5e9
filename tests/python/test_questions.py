"""What the report's questions rest on: taxes, growth, situations, blocking, the witness, open loops."""

from dataclasses import replace

import numpy as np
import pytest

import blocking
import cells
import findings
import growth
import open_loop
import reconcile
import situations
import tax
from conftest import synthetic_row
from load import load_run
from synthetic_cells import (BASE, blocking_row, blocking_rows, blocking_spec, floor_rows,
                             open_loop_rows, textbook_rows)


def test_the_tax_is_the_model_beside_its_own_floor():
    taxes = tax.find_taxes(cells.group_cells(floor_rows(tax=1.05)))
    assert [(t.model, t.floor) for t in taxes] == [("threads", "bare-threads"),
                                                   ("async", "bare-callbacks")]
    for t in taxes:
        found = {c.metric.key: c for c in t.comparisons}
        assert found["wall"].low < 1.05 < found["wall"].high
        assert found["cpu"].low < 1.05 < found["cpu"].high
        assert found["rss"].ratio == pytest.approx(1)


def test_floors_are_in_no_comparison_of_models():
    found = findings.find_all(floor_rows())
    assert {c.other for c in found.comparisons} == {"threads"}
    assert {s.model for f in found.families for s in f.series} == {"threads", "async"}


def test_other_workloads_are_in_no_section_of_sleep_fetch_and_chain():
    found = findings.find_all(textbook_rows() + blocking_rows() + open_loop_rows())
    assert found.families == []
    assert {f.workload for f in found.textbook} == {"spawn", "switch", "cpu", "shared", "queue", "files",
                                                    "connections"}
    assert {c.workload for c in found.open_loop} == {"sleep"}


@pytest.mark.parametrize("power", [1.0, 1.5])
def test_growth_is_the_power_beyond_what_the_smallest_n_takes(power):
    points = [(n, 1e6 + 250 * n**power) for n in (10, 1000, 3000, 10000, 30000, 100000)]
    found = growth.growth_of_points(points)
    assert found.power == pytest.approx(power, abs=0.02)
    assert found.low <= power + 0.02 and found.high >= power - 0.02
    assert (found.first, found.last) == (10, 100000)


def test_three_values_of_n_beyond_the_first_give_a_power_without_an_interval():
    found = growth.growth_of_points([(10, 1), (20, 11), (30, 21), (40, 31)])
    assert (found.power, found.low) == (pytest.approx(1), None)
    assert growth.growth_of_points([(10, 1), (20, 11), (30, 21)]) is None


def situation(rows, name):
    found = findings.find_all(rows)
    return next(s for s in situations.find_situations(found.comparisons, found.trends, found.cases)
                if s.name == name)


@pytest.mark.parametrize("name, use", [("Handing over between tasks", "async"), ("Computing", "threads"),
                                       ("Many short-lived tasks", "async"), ("Shared state", "async")])
def test_a_situation_follows_from_the_runs_verdicts(name, use):
    assert situation(textbook_rows(), name).use == use


def test_with_the_models_exchanged_the_other_is_to_be_used():
    names = {"threads": "async", "async": "threads"}
    rows = [{**row, "model": names[row["model"]],
             "model_spec": f"{names[row['model']]}:stack=auto"} for row in textbook_rows()]
    assert situation(rows, "Computing").use == "async"
    assert situation(rows, "Handing over between tasks").use == "threads"


def test_equal_models_are_told_to_be_equal():
    rng = np.random.default_rng(31)
    rows = []
    for r in range(1, 7):
        row = synthetic_row(BASE, "threads", r, rng)
        rows += [row, {**row, "model": "async", "model_spec": "async:stack=auto",
                       "wall_ns": int(row["wall_ns"] * rng.normal(1, 0.01))}]
    assert situation(rows, "Many tasks that mostly wait").use == "either: no decisive difference"


def test_two_rounds_decide_nothing():
    found = situation(textbook_rows(rounds=2), "Computing")
    assert (found.use, found.why) == (situations.UNDECIDED,
                                      "threads and async: no verdict (2 rounds; a verdict takes 3)")


def test_what_was_not_run_is_named_with_the_plan_that_has_it():
    assert situation(textbook_rows(), "Blocking calls inside") == situations.Situation(
        "Blocking calls inside", plan="standard")


def test_time_comes_before_memory():
    rng = np.random.default_rng(32)
    rows = []
    for r in range(1, 7):
        memory = synthetic_row(BASE, "threads", r, rng)["memory"]
        rows += [synthetic_row(BASE, "threads", r, rng, wall_ns=int(1e8 * rng.normal(1, 0.01))),
                 synthetic_row(BASE, "async", r, rng, wall_ns=int(2e8 * rng.normal(1, 0.01)))]
        assert memory["rss_plateau_bytes"] > rows[-1]["memory"]["rss_plateau_bytes"]
    assert situation(rows, "Many tasks that mostly wait").use == "threads"


def test_blocking_is_told_in_words_and_numbers():
    rng = np.random.default_rng(33)
    rows = [blocking_row(blocking_spec(), "async", 1, rng, 100, 101e6),
            blocking_row(blocking_spec(), "threads", 1, rng, 0, 2e5),
            blocking_row(blocking_spec(remedy="offload"), "async", 1, rng, 0, 3e5)]
    cases = blocking.find_cases(cells.group_cells(rows))
    text, = blocking.sentences(blocking.by_situation(cases))
    assert text.startswith("A blocking `sleep` of 100 ms, 1 blocker, delayed 0 of 100 victims in threads "
                           "and 100 of 100 victims by up to 101 ms in async; offloaded in async, 0 of 100 "
                           "victims, at")


def test_helpers_are_a_sweep_where_nothing_else_differs():
    sweeps = blocking.helper_sweeps(blocking.find_cases(cells.group_cells(blocking_rows())))
    (key, sweep), = sweeps.items()
    assert key == ("async", "sleep", 100e6, 4)
    assert [case.helpers for case in sweep] == [1, 2, 4, 8]


def test_blocking_calls_ask_for_the_model_that_delays_nobody():
    found = situation(blocking_rows(), "Blocking calls inside")
    assert found.use == "threads or async, offloaded"
    assert "async: 100 %" in found.why


def test_the_gap_between_intended_and_naive_latency_is_told():
    own = {c.model: c for c in cells.group_cells(open_loop_rows())}
    intended, naive = open_loop.percentiles(own["threads"], "p99")
    assert open_loop.gap(own["threads"], "p99") == intended - naive
    assert intended == pytest.approx(1.396e8, rel=0.02)
    _, verdict, *_ = open_loop.open_loop_blocks(list(own.values()))
    assert "threads" in verdict.items[0]


def account(hyperfine_ms, process_ms, phases_ms=90):
    return reconcile.Account("s", "m", None, hyperfine_ms * 1e6, None, hyperfine_ms * 1e6, 5,
                             process_ms * 1e6, phases_ms * 1e6)


@pytest.mark.parametrize("hyperfine_ms, process_ms, is_reconciled", [
    (104, 100, True), (109, 100, True), (111, 100, False), (89, 100, False),
    (14.9, 10, True), (15.1, 10, False)])
def test_the_witness_agrees_within_5_ms_or_a_tenth(hyperfine_ms, process_ms, is_reconciled):
    assert (account(hyperfine_ms, process_ms, 5).problem is None) == is_reconciled


def test_the_witness_may_differ_by_what_each_of_the_two_varies_by():
    account = reconcile.Account("s", "m", None, 1.4e8, None, 1.4e8, 3, 1e8, 9e7, spread_ns=5e7)
    assert account.problem is None
    assert replace(account, spread_ns=3e7).problem


def test_a_process_cannot_take_less_than_its_phases():
    assert "less than the program's phases" in account(100, 100, 120).problem
    assert replace(account(100, 100), process_ns=None).problem is None


def test_conditions_are_told_where_they_are_not_usual():
    def text(conditions):
        return cells.conditions_of({"conditions": conditions})
    assert text("cpus=0,origin-cpus=,load=0,arenas=auto") == ""
    assert text("conditions:cpus=0,origin-cpus=1,load=2,arenas=1") == "arenas=1, load=2, origin-cpus=1"
    assert cells.conditions_of({}) == ""


def test_the_time_of_a_unit_is_of_a_batch_or_of_all():
    row = dict(workload="spawn", unit="one task", units_per_operation=100, operations=20, wall_ns=10**6,
               latency_ns=dict(p50=5000, mean=6000))
    assert cells.unit_ns(row) == 50
    assert cells.unit_ns({**row, "latency_ns": dict(p50=None, mean=6000)}) == 60
    assert cells.unit_ns({**row, "workload": "queue"}) == 500
    assert cells.unit_ns({**row, "unit": None}) is None


def test_the_witness_is_held_against_trials_under_the_same_conditions(run_folder):
    run = load_run(run_folder)
    result = run.witness["results"][0]
    own = next(cell for cell in run.plan["cells"] if cell["cell"] == result["cell"])
    slow = [{**row, "conditions": "load=2", "process": {"wall_ns": 10**12}} for row in run.rows
            if (row["spec"], row["model_spec"]) == (own["spec"], own["model_spec"])]
    both = replace(run, rows=[*run.rows, *slow])
    assert reconcile.accounts(both) == reconcile.accounts(run)


def test_each_cell_that_hyperfine_timed_has_an_account(run_folder):
    run = load_run(run_folder)
    found = reconcile.accounts(run)
    assert len(found) == len(run.witness["results"]) > 0
    assert [a.problem for a in found] == [None] * len(found)
