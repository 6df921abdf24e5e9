"""Operations at a rate, stack that is touched and work: from the command line to the row."""

import json

import pytest


def rows_of(done):
    """The rows on standard output, by model."""
    assert done.returncode == 0, done.stderr
    return {row["model"]: row for row in map(json.loads, done.stdout.splitlines())}


@pytest.mark.parametrize("arguments, operations", [
    (["sleep", "--tasks=4", "--repeat=25", "--sleep=2ms"], 100),
    (["fetch", "--tasks=10", "--requests=100", "--delay=2ms"], 100),
    (["chain", "--tasks=50", "--max-wait=5ms"], 50),
])
def test_an_open_loop_has_both_latencies_in_every_model(tva, arguments, operations):
    rows = rows_of(tva("run", *arguments, "--rate=500", "--work=100" if arguments[0] != "chain"
                       else "--parts=2", "--json"))
    assert {"threads", "pool", "async"} <= set(rows)
    for row in rows.values():
        assert row["status"] == "ok" and row["verified"] is True, row["reason"]
        naive, intended = row["latency_ns"], row["intended_latency_ns"]
        assert naive["count"] == intended["count"] == operations
        assert intended["min"] >= naive["min"] and intended["mean"] >= naive["mean"]
        assert row["wall_ns"] >= row["ideal_ns"]
    assert len({(row["spec"], row["ideal_ns"]) for row in rows.values()}) == 1


def test_too_few_tasks_hide_the_queue_from_the_naive_latency_alone(tva):
    row, = rows_of(tva("run", "sleep", "--tasks=1", "--repeat=30", "--sleep=20ms", "--rate=100",
                       "--arrivals=fixed", "--model=async", "--json")).values()
    assert row["intended_latency_ns"]["max"] >= (20 * 30 - 10 * 29) * 1_000_000
    assert row["intended_latency_ns"]["mean"] >= 3 * row["latency_ns"]["mean"]


def test_a_closed_loop_has_no_intended_latency(tva):
    row, = rows_of(tva("run", "sleep", "--tasks=2", "--sleep=1ms", "--model=async",
                       "--json")).values()
    assert row["intended_latency_ns"] is None


def test_the_table_of_an_open_loop_says_what_its_latencies_count_from(tva):
    done = tva("run", "sleep", "--tasks=2", "--sleep=1ms", "--rate=1000", "--model=async")
    assert "from due" in done.stdout and "waiting for a free task counts" in done.stdout
    closed = tva("run", "sleep", "--tasks=2", "--sleep=1ms", "--model=async")
    assert "from due" not in closed.stdout


def test_the_memory_of_a_task_grows_by_what_it_touches(tva):
    plain, touched = (rows_of(tva("run", "sleep", "--tasks=200", "--sleep=500ms", f"--touch={size}",
                                  "--model=threads,async", "--json")) for size in ("0", "100KiB"))
    for model in ("threads", "async"):
        grown = (touched[model]["memory"]["rss_plateau_bytes"]
                 - plain[model]["memory"]["rss_plateau_bytes"])
        assert 0.9 < grown / (200 * 100 * 1024) < 1.5, model


@pytest.mark.parametrize("arguments, told", [
    (["sleep", "--arrivals=fixed"], "--rate=1000"),
    (["sleep", "--rate=10", "--arrivals=never"], "poisson, fixed"),
    (["sleep", "--rate=10", "--model=bare-threads"], "bare-threads: rate"),
    (["chain", "--touch=4KiB", "--model=bare-callbacks"], "bare-callbacks: touch"),
    (["fetch", "--touch=64KiB", "--stack=64KiB", "--model=threads"], "--stack=auto"),
    (["sleep", "--touch=16KiB", "--stack=16KiB", "--model=async"], "--stack=auto"),
])
def test_what_cannot_be_run_is_told_in_one_line(tva, arguments, told):
    done = tva("run", *arguments)
    assert done.returncode == 2 and done.stdout == ""
    assert len(done.stderr.splitlines()) == 1 and told in done.stderr


def test_the_table_shows_what_a_workload_is_about(tva):
    blocking = tva("run", "blocking", "--quiet=100ms", "--for=200ms", "--model=async").stdout
    for head in ("delayed", "of 100", "late", "control", "stolen"):
        assert head in blocking
    assert "latency" not in blocking
    switch = tva("run", "switch", "--switches=50", "--batches=5", "--model=async").stdout
    assert "per unit" in switch and "unit: one switch" in switch
    lost = tva("run", "shared", "--lock=none", "--batches=2", "--model=async").stdout
    assert "lost" in lost and "updates" in lost


def test_tasks_that_are_not_counted_have_no_peak(tva):
    row, = rows_of(tva("run", "spawn", "--tasks=10", "--batches=2", "--model=async",
                       "--json")).values()
    assert row["peak_in_flight"] is None


def test_list_tells_the_unit_of_each_workload(tva):
    listed = {w["name"]: w for w in json.loads(tva("list", "--json").stdout)["workloads"]}
    assert listed["switch"]["unit"] == "one switch" and listed["sleep"]["unit"] is None
    assert "its unit one switch" in tva("list").stdout
