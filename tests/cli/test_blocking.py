"""tva run blocking: what its rows hold, and what it refuses."""

import json

import pytest

SHORT = ["--victims=10", "--tick=10ms", "--quiet=50ms", "--for=200ms", "--every=100ms",
         "--block=20ms"]

KEYS = {"victims", "victims_delayed", "threshold_ns", "ticks_due", "ticks_missed", "lateness_ns",
        "quiet_lateness_ns", "control_lateness_ns", "call_lateness_ns", "blocked_ns",
        "stolen_ns_per_blocked_s", "recovery_ns", "trace"}


def run(tva, *arguments):
    done = tva("run", "blocking", *SHORT, *arguments, "--json")
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_a_row_has_the_object_blocking_in_every_model(tva):
    rows = run(tva, "--model=threads,pool,async")
    assert {row["model"] for row in rows} == {"threads", "pool", "async"}
    for row in rows:
        assert row["status"] == "ok" and row["verified"] is True, row["reason"]
        assert row["tasks"] == 11 and row["operations"] == 10 * 25
        assert row["figures"] == {"blocking_calls_count": 2}
        blocking = row["blocking"]
        assert KEYS <= set(blocking)
        assert blocking["victims"] == 10 and blocking["ticks_due"] == 10 * 20
        assert blocking["threshold_ns"] >= 10_000_000
        assert blocking["lateness_ns"]["count"] == 10 * 20
        assert blocking["call_lateness_ns"]["count"] == 2
        assert blocking["blocked_ns"] >= 40_000_000
        assert blocking["trace"] is None


def test_in_async_the_latest_tick_waited_for_most_of_the_call(tva):
    for row in run(tva, "--model=async"):
        assert row["blocking"]["lateness_ns"]["max"] > 10_000_000
        assert 0 < row["loop_occupancy"] <= 1


@pytest.mark.parametrize("kind", ["sleep", "spin", "getaddrinfo", "lock"])
@pytest.mark.parametrize("remedy", ["direct", "offload"])
def test_every_kind_and_remedy_runs_in_async_on_its_own_stack(tva, kind, remedy):
    for row in run(tva, "--model=async", f"--kind={kind}", f"--remedy={remedy}", "--blockers=3"):
        assert row["verified"] is True, row["reason"]
        assert row["figures"]["blocking_calls_count"] == 6
        assert row["stack"]["used_peak_bytes"] < row["stack"]["size_bytes"]


def test_an_fsync_takes_what_the_disk_takes(tva):
    for row in run(tva, "--model=async", "--kind=fsync", "--block=60s"):
        assert row["verified"] is True, row["reason"]
        assert row["blocking"]["blocked_ns"] is None or row["blocking"]["blocked_ns"] < 60e9


def test_nobody_blocks_without_blockers(tva):
    for row in run(tva, "--model=threads", "--blockers=0"):
        assert row["tasks"] == 10 and row["verified"] is True
        for key in ("blocked_ns", "stolen_ns_per_blocked_s", "recovery_ns"):
            assert row["blocking"][key] is None


def test_the_spec_holds_every_parameter(tva):
    row = run(tva, "--model=async", "--kind=spin", "--remedy=yield", "--slice=2ms")[0]
    assert row["spec"] == ("blocking:victims=10,tick=10ms,blockers=1,block=20ms,every=100ms,"
                           "quiet=50ms,for=200ms,kind=spin,remedy=yield,slice=2ms,seed=1")


REFUSED = {
    "unknown kind": (["--kind=nap"], "kind: 'nap' is not one of sleep, spin, getaddrinfo"),
    "two kinds": (["--kind=sleep", "--kind=spin"], "kind"),
    "no kind": (["--kind="], "kind"),
    "unknown remedy": (["--remedy=hope"], "remedy: 'hope' is not one of direct, offload, yield"),
    "a sleep that yields": (["--remedy=yield"], "--kind=spin"),
    "no time for a tick": (["--for=5ms", "--tick=10ms"], "--for"),
    "too many calls": (["--blockers=10000", "--for=3600s", "--every=1ms", "--tick=1s"],
                       "fewer --blockers"),
    "too short a block": (["--block=1us"], "out of range"),
    "no victims": (["--victims=0"], "out of range"),
    "tasks are not given": (["--tasks=3"], "--tasks"),
    "calls that take longer than a trial may": (["--block=10s", "--timeout=5s"], "timeout"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_one_line_and_status_2(tva, name):
    arguments, expected = REFUSED[name]
    done = tva("run", "blocking", *arguments, timeout=10)
    assert done.returncode == 2, done
    assert done.stdout == "" and done.stderr.count("\n") == 1, done.stderr
    assert expected in done.stderr, done.stderr
