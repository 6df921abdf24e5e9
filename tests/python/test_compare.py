"""compare.py on runs with planted changes: what it says, and its exit status."""

import json

import numpy as np
import pytest

import compare
from conftest import SYNTHETIC_ENVIRONMENT, not_ok, synthetic_row, write_run

SPEC = "sleep:tasks=1000,sleep=100ms,jitter=0,repeat=1,seed=1"


def rows_of_run(seed, rounds=7, noise=0.01, **factors):
    """threads, pool and async; `factors` slow a model's wall time down."""
    rng = np.random.default_rng(seed)
    return [synthetic_row(SPEC, model, r, rng, wall_ns=int(
        2e8 * factors.get(model, 1) * np.exp(rng.normal(0, noise))))
        for r in range(1, rounds + 1) for model in ("threads", "pool", "async")]


@pytest.fixture
def run_compare(tmp_path, capsys):
    """Compares two lists of rows; returns the status and what was printed."""
    def run(left, right, *options, kernel=None):
        folders = [write_run(tmp_path / name, rows) for name, rows in (("a", left), ("b", right))]
        if kernel:
            environment = {**SYNTHETIC_ENVIRONMENT, "kernel": kernel}
            (folders[1] / "environment.json").write_text(json.dumps(environment))
        status = compare.main([*map(str, folders), *options])
        return status, capsys.readouterr().out
    return run


def changes_in(text):
    return {c["name"]: c for c in json.loads(text)["changes"]}


def test_equal_runs_have_no_regression(run_compare):
    status, text = run_compare(rows_of_run(1), rows_of_run(2))
    assert status == 0
    assert "regression" not in text and "no change seen" in text


def test_a_model_that_is_ten_percent_slower_is_a_regression_and_its_interval_holds_it(run_compare):
    status, text = run_compare(rows_of_run(1), rows_of_run(2, pool=1.1), "--metric=wall", "--json")
    assert status == 1
    found = changes_in(text)
    verdicts = {name.split(", ")[1].split(":")[0]: c["verdict"] for name, c in found.items()}
    assert verdicts == {"threads": "no change seen", "pool": "regression", "async": "no change seen"}
    pool = next(c for name, c in found.items() if "pool" in name)
    assert pool["low"] < 1.1 < pool["high"]
    assert 1 < pool["visible"] < 1.05


def test_a_faster_model_is_no_regression(run_compare):
    status, text = run_compare(rows_of_run(1), rows_of_run(2, pool=0.8), "--metric=wall")
    assert status == 0
    assert "better by" in text


def test_a_change_below_the_threshold_is_no_regression_though_it_is_seen(run_compare):
    rows = rows_of_run(1, noise=0.002), rows_of_run(2, noise=0.002, pool=1.03)
    assert run_compare(*rows, "--metric=wall")[0] == 1
    status, text = run_compare(*rows, "--metric=wall", "--threshold=5%")
    assert status == 0
    assert "below the threshold by" in text


def test_of_equal_runs_at_most_one_in_twenty_is_called_a_regression(run_compare):
    statuses = [run_compare(rows_of_run(2 * s + 10), rows_of_run(2 * s + 11), "--metric=wall")[0]
                for s in range(40)]
    assert statuses.count(1) <= 4


def test_runs_of_other_machines_are_compared_by_ratios_alone(run_compare):
    slower = rows_of_run(2, threads=3, pool=3, **{"async": 3})
    status, text = run_compare(rows_of_run(1), slower, "--metric=wall", kernel="SYNTHETIC 7")
    assert status == 0
    assert "Of other machines: kernel: SYNTHETIC 6.1, SYNTHETIC 7." in text
    assert "Only ratios between models are compared" in text
    assert "threads : async" in text


def test_a_ratio_that_changed_between_machines_is_a_regression_of_one_of_them(run_compare):
    status, text = run_compare(rows_of_run(1), rows_of_run(2, pool=2), "--metric=wall",
                               kernel="SYNTHETIC 7")
    assert status == 1
    assert "changed by 2.0" in text or "changed by 1.9" in text


def test_ratios_leave_out_the_drift_of_one_machine(run_compare):
    drifted = rows_of_run(2, threads=1.2, pool=1.2, **{"async": 1.2})
    status, text = run_compare(rows_of_run(1), drifted, "--metric=wall")
    assert status == 1
    assert "wall: all 3 cells together, B : A 1.2" in text
    assert run_compare(rows_of_run(1), drifted, "--metric=wall", "--ratios")[0] == 0


def test_cells_of_one_run_alone_are_listed(run_compare):
    rows = [row for row in rows_of_run(2) if row["model"] != "pool"]
    status, text = run_compare(rows_of_run(1), rows, "--metric=wall")
    assert status == 0
    assert f"only in A: {SPEC}, pool:stack=64KiB,workers=32" in text


def test_a_cell_that_no_longer_ends_ok_is_a_regression(run_compare):
    rows = [not_ok(row, "crashed", "ended by signal 11") if row["model"] == "pool" else row
            for row in rows_of_run(2)]
    status, text = run_compare(rows_of_run(1), rows, "--metric=wall")
    assert status == 1
    assert "7 of 7 trials crashed (ended by signal 11)" in text


def test_too_few_rounds_are_not_comparable(run_compare):
    status, text = run_compare(rows_of_run(1), rows_of_run(2, rounds=2, pool=5), "--metric=wall")
    assert status == 0
    assert "not comparable (a verdict takes 3 rounds in both)" in text


def test_runs_without_a_common_cell_are_unusable(run_compare, capsys):
    other = [{**row, "spec": row["spec"].replace("seed=1", "seed=2")} for row in rows_of_run(2)]
    assert run_compare(rows_of_run(1), other)[0] == 2


def test_a_folder_that_is_no_run_is_status_2(tmp_path, capsys):
    assert compare.main([str(tmp_path / "x"), str(tmp_path / "y")]) == 2
    assert "no such folder" in capsys.readouterr().err


@pytest.mark.parametrize("option", ["--threshold=5", "--threshold=x%", "--metric=colour"])
def test_an_option_that_says_nothing_is_status_2(option, capsys):
    with pytest.raises(SystemExit) as raised:
        compare.main(["a", "b", option])
    assert raised.value.code == 2
