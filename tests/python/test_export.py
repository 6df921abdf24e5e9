"""Exports of a synthetic run: CSV, and Google Benchmark's JSON by its documented keys."""

import csv
import json
import statistics

import pytest

import export

# docs/user_guide.md and src/json_reporter.cc of google/benchmark.
ITERATION_KEYS = {"name", "run_name", "run_type", "repetitions", "repetition_index", "threads",
                  "iterations", "real_time", "cpu_time", "time_unit", "family_index",
                  "per_family_instance_index"}
AGGREGATE_KEYS = (ITERATION_KEYS - {"repetition_index"}) | {"aggregate_name", "aggregate_unit"}
CONTEXT_KEYS = {"date", "host_name", "executable", "num_cpus", "caches", "load_avg",
                "library_build_type", "json_schema_version"}


@pytest.fixture(scope="module")
def exported(run_folder, tmp_path_factory):
    """The CSV's rows and the JSON's object."""
    out = tmp_path_factory.mktemp("export")
    assert export.main([str(run_folder), f"--csv={out / 'x.csv'}",
                        f"--google-benchmark={out / 'x.json'}"]) == 0
    with open(out / "x.csv", newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file)), json.loads((out / "x.json").read_text())


def test_the_csv_has_a_line_for_each_trial_with_its_figures(exported, all_rows):
    lines, _ = exported
    assert len(lines) == len(all_rows)
    for line, row in zip(lines, all_rows):
        assert (line["spec"], line["status"], line["round"]) == (row["spec"], row["status"],
                                                                 str(row["round"]))
        if row["status"] == "ok":
            assert int(line["wall_ns"]) == row["wall_ns"]
            assert int(line["memory.rss_plateau_bytes"]) == row["memory"]["rss_plateau_bytes"]
            assert line["verified"] == "true"


def test_what_is_null_is_empty_in_the_csv_and_never_zero(exported):
    lines, _ = exported
    limited = next(line for line in lines if line["status"] == "limited")
    assert (limited["wall_ns"], limited["latency_ns.p99"], limited["limit.name"]) == ("", "", "pids.max")
    assert "latency_ns" not in limited and "latency_ns.buckets" not in limited


def test_the_json_has_google_benchmarks_keys(exported):
    _, found = exported
    assert set(found) == {"context", "benchmarks"}
    assert CONTEXT_KEYS <= set(found["context"])
    assert found["context"]["load_avg"] == [0.1, 0.2, 0.3]
    for benchmark in found["benchmarks"]:
        assert benchmark["run_type"] in ("iteration", "aggregate")
        keys = ITERATION_KEYS if benchmark["run_type"] == "iteration" else AGGREGATE_KEYS
        assert keys <= set(benchmark), benchmark
        assert benchmark["time_unit"] == "ns"


def test_a_repetition_is_a_trial(exported, all_rows):
    _, found = exported
    spec = "sleep:tasks=1000,sleep=100ms,jitter=0,repeat=1,seed=1"
    rows = [row for row in all_rows if (row["spec"], row["model"]) == (spec, "async")]
    own = [b for b in found["benchmarks"] if b["run_name"] == f"{spec}/async:stack=auto"]
    single = [b for b in own if b["run_type"] == "iteration"]
    assert [b["real_time"] for b in single] == [row["wall_ns"] for row in rows]
    assert [b["repetition_index"] for b in single] == list(range(6))
    assert {b["repetitions"] for b in own} == {6}
    assert single[0]["cpu_time"] == rows[0]["cpu_user_ns"] + rows[0]["cpu_system_ns"]
    aggregates = {b["aggregate_name"]: b for b in own if b["run_type"] == "aggregate"}
    walls = [row["wall_ns"] for row in rows]
    assert list(aggregates) == ["mean", "median", "stddev", "cv"]
    assert aggregates["median"]["real_time"] == statistics.median(walls)
    assert aggregates["cv"]["aggregate_unit"] == "percentage"
    assert aggregates["cv"]["real_time"] == pytest.approx(
        statistics.stdev(walls) / statistics.fmean(walls))
    assert aggregates["median"]["name"] == f"{spec}/async:stack=auto_median"


def test_a_trial_that_is_not_ok_is_an_error(exported):
    _, found = exported
    errors = [b for b in found["benchmarks"] if b.get("error_occurred")]
    assert sorted(b["error_message"] for b in errors) == [
        "crashed: ended by signal 11", "limited: the machine allows no further thread",
        "timeout: killed after 60 s"]
    assert all(b["iterations"] == 0 for b in errors)


def test_nothing_to_export_is_status_2(tmp_path, run_folder, capsys):
    assert export.main([str(tmp_path / "x"), "--csv=-"]) == 2
    with pytest.raises(SystemExit) as raised:
        export.main([str(run_folder)])
    assert raised.value.code == 2
