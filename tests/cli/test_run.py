"""tva run, list and trial: what they print."""

import json
import re
import time
from pathlib import Path

import pytest

README = Path(__file__).resolve().parents[2] / "results" / "README.md"
LOADED = 3.0  # how much longer than ideal a machine busy with a build may take


def rows_of(done):
    """The rows on standard output, which holds nothing else."""
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def documented_keys():
    """The keys of a row as results/README.md lists them, dotted, in its first table of them."""
    table = README.read_text(encoding="utf-8").split("## A row")[1].split("A distribution (")[0]
    cells = [line.split("|")[1] for line in table.splitlines() if line.startswith("| `")]
    return {key for cell in cells for key in re.findall(r"`([a-z_.]+)`", cell)}


def keys_of(row):
    """All keys of a row, those of the objects with keys of their own dotted."""
    inner = {"memory", "stack", "switches", "faults"}
    plain = {key for key in row if key not in inner}
    return plain | {f"{key}.{name}" for key in inner for name in row[key]}


def test_sleep_is_the_same_in_all_models(tva):
    done = tva("run", "sleep", "--model=threads,pool,async", "--tasks=200", "--sleep=1s",
               "--workers=100", "--json")
    rows = {row["model"]: row for row in rows_of(done)}
    assert set(rows) == {"threads", "pool", "async"}
    for row in rows.values():
        assert row["status"] == "ok" and row["verified"] is True and row["errors"] == {}
        assert row["operations"] == 200
        assert row["ideal_ns"] == 1_000_000_000
        assert row["overshoot_ns"]["min"] >= 0
        assert sum(bucket[2] for bucket in row["latency_ns"]["buckets"]) == 200
        assert row["wall_ns"] == row["spawn_ns"] + row["run_ns"] + row["join_ns"]
    assert len({row["spec"] for row in rows.values()}) == 1
    assert rows["pool"]["peak_in_flight"] == 100
    for model in ("threads", "async"):
        assert rows[model]["peak_in_flight"] == 200
        assert 1 <= rows[model]["wall_ns"] / rows[model]["ideal_ns"] < LOADED
        assert rows[model]["memory"]["rss_plateau_bytes"] > rows[model]["memory"]["rss_base_bytes"]


def test_a_row_has_exactly_the_documented_keys(tva):
    for row in rows_of(tva("run", "sleep", "--tasks=10", "--sleep=10ms", "--json")):
        assert keys_of(row) == documented_keys()
        assert row["schema"] == 1 and row["run"] == "run" and row["round"] == 1


def test_chain_has_one_spec_and_one_ideal_in_all_models(tva):
    done = tva("run", "chain", "--model=threads,async", "--tasks=100", "--seed=444", "--json")
    threads, tasks = rows_of(done)
    assert threads["spec"] == tasks["spec"] and "seed=444" in threads["spec"]
    assert threads["ideal_ns"] == tasks["ideal_ns"]
    assert threads["verified"] and tasks["verified"]
    assert threads["overshoot_ns"] is None


def test_fetch_agrees_with_the_count_of_its_origin(tva):
    done = tva("run", "fetch", "--model=threads,async", "--tasks=20", "--requests=200",
               "--delay=5ms", "--json")
    for row in rows_of(done):
        assert row["status"] == "ok" and row["verified"] is True
        assert row["operations"] == 200 == row["origin"]["requests"]
        assert row["origin"]["bytes"] == 200 * 1024


def test_rounds_are_numbered_and_complete(tva):
    rows = rows_of(tva("run", "sleep", "--model=async,threads", "--tasks=5", "--sleep=1ms",
                       "--rounds=3", "--json"))
    assert sorted((row["round"], row["model"]) for row in rows) == [
        (number, model) for number in (1, 2, 3) for model in ("async", "threads")]


def test_a_trial_is_pinned_to_the_cores_given(tva):
    row, = rows_of(tva("run", "sleep", "--model=async", "--tasks=5", "--sleep=1ms", "--cpus=0",
                       "--json"))
    assert row["cpus"] == "0"


def test_a_trial_is_killed_at_its_time_limit(tva):
    done = tva("run", "sleep", "--model=pool", "--workers=1", "--tasks=100", "--sleep=100ms",
               "--timeout=300ms", "--json")
    row = json.loads(done.stdout)
    assert done.returncode == 1
    assert row["status"] == "timeout" and row["wall_ns"] is None and row["verified"] is False


def test_the_table_has_a_line_for_each_model_and_units(tva):
    done = tva("run", "sleep", "--tasks=10", "--sleep=5ms")
    assert done.returncode == 0
    for model in ("threads", "pool", "async"):
        assert re.search(rf"^{model} +ok .* ms$", done.stdout, re.MULTILINE), done.stdout
    assert "ideal wall time 5.00 ms" in done.stdout


def test_a_trial_prints_its_result_without_a_supervisor(tva):
    done = tva("trial", "sleep:tasks=10,sleep=1ms", "async:")
    result = json.loads(done.stdout)
    assert done.returncode == 0 and result["status"] == "ok" and result["operations"] == 10


def test_a_timeline_has_a_wait_for_each_part_of_each_task(tva):
    done = tva("trial", "--timeline", "chain:tasks=3,parts=2,max-wait=5ms", "async:")
    spans = json.loads(done.stdout)["timeline"]
    assert {span[0] for span in spans} == {0, 1, 2}
    assert all(kind in ("wait", "run") and begin <= end for _, kind, begin, end in spans)
    for task in range(3):
        assert sum(span[0] == task and span[1] == "wait" for span in spans) >= 2


def test_list_tells_all_parameters_with_units_and_defaults(tva):
    listed = json.loads(tva("list", "--json").stdout)
    assert [entry["name"] for entry in listed["models"]][:4] == ["threads", "pool", "async",
                                                                  "async-multi"]
    sleep = next(entry for entry in listed["workloads"] if entry["name"] == "sleep")
    duration = next(entry for entry in sleep["parameters"] if entry["name"] == "sleep")
    assert duration["kind"] == "duration" and duration["unit"] == "ns"
    assert duration["default"] == "100ms" and duration["min"] == 0
    assert "--sleep=DURATION" in tva("list").stdout


@pytest.mark.parametrize("arguments, expected", [
    (["--help"], ["list", "run WORKLOAD", "bench", "origin", "Exit status"]),
    (["run", "--help"], ["sleep", "fetch", "chain", "DURATION", "Example"]),
    (["run", "sleep", "--help"], ["--tasks=COUNT", "(default 1000)", "--sleep=DURATION", "us, ms",
                                  "KiB", "--workers=COUNT", "(default 32)", "--timeout=DURATION"]),
    (["run", "fetch", "--help"], ["--url=URL", "--keepalive=yes|no"]),
    (["bench", "--help"], ["--plan=NAME|FILE", "--out=DIR", "--only=REGEX", "smoke"]),
    (["origin", "--help"], ["--listen=ADDR:PORT"]),
    (["list", "--help"], ["--json"]),
])
def test_help_is_on_standard_output_and_tells(tva, arguments, expected):
    done = tva(*arguments)
    text = " ".join(done.stdout.split())
    assert done.returncode == 0 and done.stderr == ""
    for part in expected:
        assert part in text, (part, done.stdout)


def test_a_trial_inherits_its_control_socket_and_no_other_descriptor(tva):
    run = tva.start("run", "sleep", "--model=threads", "--tasks=1", "--sleep=300ms")
    children = Path(f"/proc/{run.pid}/task/{run.pid}/children")
    seen = []
    while run.poll() is None:
        for child in children.read_text(encoding="utf-8").split():
            try:
                if b"trial" in Path(f"/proc/{child}/cmdline").read_bytes():
                    seen.append({entry.name for entry in Path(f"/proc/{child}/fd").iterdir()})
            except OSError:
                continue  # it has ended meanwhile
        time.sleep(0.02)
    run.communicate(timeout=10)
    # What it has open for a moment, such as a file below /proc, is not in every sample.
    assert set.intersection(*seen) == {"0", "1", "2", "3"}
