"""tva ticker: the control beside a trial, and that a trial of blocking carries what it counted."""

import json
import os
import signal
import time

import pytest

LAST_S = 0.5


def run_ticker(tva, *arguments):
    """(its first line, its last line, seconds that it ticked), both as objects."""
    ticker = tva.start("ticker", *arguments)
    first = json.loads(ticker.stdout.readline())
    begin = time.monotonic()
    time.sleep(LAST_S)
    ticker.send_signal(signal.SIGTERM)
    last, errors = ticker.communicate(timeout=20)
    assert ticker.returncode == 0, errors
    return first, json.loads(last), time.monotonic() - begin


def test_every_tick_that_was_due_is_counted_on_every_core(tva):
    first, lateness, ticked_s = run_ticker(tva, "--tick=2ms")
    cores = len(os.sched_getaffinity(0))
    assert (first["tick_ns"], first["cores"]) == (2_000_000, cores)
    assert first["priority"] in ("realtime", "nice", "none")
    least = cores * (LAST_S / 0.002 - 2)
    assert least <= lateness["count"] <= cores * (ticked_s / 0.002 + 2)
    assert sum(count for _, _, count in lateness["buckets"]) == lateness["count"]
    assert 0 <= lateness["min"] <= lateness["p50"] <= lateness["max"]


def test_it_ticks_on_the_cores_that_it_is_given(tva):
    core = min(os.sched_getaffinity(0))
    first, lateness, ticked_s = run_ticker(tva, f"--cpus={core}")
    assert first["cores"] == 1
    assert LAST_S / 0.001 - 2 <= lateness["count"] <= ticked_s / 0.001 + 2


@pytest.mark.parametrize("arguments, told", [
    (["--tick=1us"], "tick"),
    (["--cpus=x"], "cpus"),
    (["further"], "what is \"further\"?"),
])
def test_what_it_cannot_do_it_says(tva, arguments, told):
    done = tva("ticker", *arguments)
    assert done.returncode == 2
    assert told in done.stderr and len(done.stderr.splitlines()) == 1


def test_a_trial_of_blocking_carries_its_control_and_leaves_no_ticker(tva):
    done = tva("run", "blocking", "--model=threads", "--victims=2", "--for=200ms", "--quiet=50ms",
               "--json")
    assert done.returncode == 0, done.stderr
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert [row["attempt"] for row in rows] == list(range(1, len(rows) + 1)) and len(rows) <= 3
    assert all(row["disturbed"] for row in rows[:-1])
    for row in rows:
        control = row["blocking"]["control_lateness_ns"]
        cores = len(os.sched_getaffinity(0))
        assert cores * 150 <= control["count"] <= cores * (row["process"]["wall_ns"] / 1e6 + 5)
        is_late = control["max"] > row["blocking"]["threshold_ns"]
        has_priority = row["blocking"]["control_priority"] != "none"
        assert ("control" in row["disturbed"]) == (is_late and has_priority)


def test_a_trial_of_another_workload_is_not_repeated_by_run(tva):
    done = tva("run", "sleep", "--model=threads", "--tasks=2", "--sleep=5ms", "--json")
    (row,) = [json.loads(line) for line in done.stdout.splitlines()]
    assert row["attempt"] == 1 and row["blocking"] is None
    assert set(row["disturbance"]) == {
        "steal_ns", "cpu_pressure_ns", "io_pressure_ns", "memory_pressure_ns", "run_queue_wait_ns",
        "throttled_ns", "others_cpu_ns", "load_1min", "frequency_min_hz"}
    assert row["disturbance"]["others_cpu_ns"] >= 0
