"""Conditions of a trial: where it and its origin run, and the load beside it."""

import json
import os
import signal
import time
from pathlib import Path

import pytest

CORES = sorted(os.sched_getaffinity(0))
TICK_S = 1 / os.sysconf("SC_CLK_TCK")


def rows_of(done):
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def children_of(pid):
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def command_of(pid):
    """What a process was started as: 'origin', 'load', 'trial'; None if it is gone or not ours yet."""
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except OSError:
        return None
    return words[1].decode() if len(words) > 1 else None


def wait_for_child(parent, command, limit_s=20):
    end = time.monotonic() + limit_s
    while time.monotonic() < end:
        for child in children_of(parent.pid):
            if command_of(child) == command:
                return child
        time.sleep(0.01)
    raise AssertionError(f"no child \"{command}\" in {limit_s} s")


def cpu_s(pid):
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) * TICK_S


def end(process):
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=20)


def test_a_row_tells_its_conditions_and_its_cell(tva):
    row, = rows_of(tva("run", "sleep", "--model=async", "--tasks=5", "--sleep=20ms",
                       f"--cpus={CORES[0]}", "--load=1", "--json"))
    assert row["conditions"] == f"cpus={CORES[0]},origin-cpus=,load=1,arenas=auto"
    assert (row["cpus"], row["cell"]) == (str(CORES[0]), 0)
    assert list(row)[2:5] == ["round", "cell", "attempt"]


def test_the_usual_conditions_are_none(tva):
    row, = rows_of(tva("run", "sleep", "--model=async", "--tasks=5", "--sleep=1ms", "--json"))
    assert row["cpus"] is None
    assert row["conditions"] == "cpus=,origin-cpus=,load=0,arenas=auto"


def test_a_list_of_cores_survives_its_way_to_the_trial(tva):
    cores = ",".join(map(str, CORES[::2]))
    row, = rows_of(tva("run", "sleep", "--model=async", "--tasks=5", "--sleep=1ms", "--json",
                       f"--cpus={cores}"))
    assert row["cpus"] == cores and row["status"] == "ok"


def test_the_origin_is_pinned_and_the_trial_is_not(tva):
    run = tva.start("run", "fetch", "--model=async", "--tasks=2", "--requests=2", "--delay=20s",
                    "--request-timeout=60s", f"--origin-cpus={CORES[0]}")
    try:
        origin, trial = wait_for_child(run, "origin"), wait_for_child(run, "trial")
        assert os.sched_getaffinity(origin) == {CORES[0]}
        assert os.sched_getaffinity(trial) == set(CORES)
    finally:
        end(run)


def test_clients_are_pinned_like_an_origin(tva):
    run = tva.start("run", "connections", "--model=async", "--side=server", "--tasks=20",
                    "--active=2", "--requests=4000", f"--origin-cpus={CORES[0]}")
    try:
        clients, trial = wait_for_child(run, "clients"), wait_for_child(run, "trial")
        assert os.sched_getaffinity(clients) == {CORES[0]}
        assert os.sched_getaffinity(trial) == set(CORES)
    finally:
        end(run)


def test_the_load_computes_on_its_threads_as_long_as_the_trial_lasts(tva):
    run = tva.start("run", "sleep", "--model=async", "--tasks=2", "--sleep=20s", "--load=2")
    load = wait_for_child(run, "load")
    try:
        wait_for_child(run, "trial")
        assert len(os.listdir(f"/proc/{load}/task")) == 3  # main waits for its end
        before, begin = cpu_s(load), time.monotonic()
        while cpu_s(load) < before + 0.1:
            assert time.monotonic() < begin + 20
            time.sleep(0.05)
    finally:
        end(run)
    assert command_of(load) is None


def others_share(rows):
    """CPU time of others, of what all cores could have given; the least of a few trials."""
    return min(row["disturbance"]["others_cpu_ns"] / (row["wall_ns"] * len(CORES)) for row in rows)


def test_a_load_is_not_told_as_somebody_elses(tva):
    """Compared with trials beside no load, since there may be others."""
    trials = ["run", "sleep", "--model=async", "--tasks=2", "--sleep=300ms", "--rounds=4", "--json"]
    without = others_share(rows_of(tva(*trials)))
    beside = others_share(rows_of(tva(*trials, f"--load={len(CORES)}")))
    assert beside < without + 0.5  # the load takes all that is left


def test_load_tells_its_threads_and_at_the_end_its_cpu_time(tva):
    load = tva.start("load", "--threads=2")
    assert json.loads(load.stdout.readline()) == {"threads": 2}
    time.sleep(0.3)
    load.send_signal(signal.SIGTERM)
    last, errors = load.communicate(timeout=20)
    assert load.returncode == 0, errors
    assert json.loads(last)["cpu_ns"] > 0


def test_list_tells_the_conditions(tva):
    conditions = json.loads(tva("list", "--json").stdout)["conditions"]
    assert [c["name"] for c in conditions] == ["cpus", "origin-cpus", "load", "arenas"]
    assert "--origin-cpus=LIST" in tva("list").stdout


@pytest.mark.parametrize("arguments, told", [
    (["run", "sleep", "--origin-cpus=999"], "origin-cpus"),
    (["run", "sleep", "--load=-1"], "load"),
    (["run", "sleep", "--arenas=0"], "arenas"),
    (["trial", "--conditions=cpus=x", "sleep:", "async:"], "cpus"),
    (["trial", "--conditions=noise=1", "sleep:", "async:"], "noise"),
    (["load", "--threads=0"], "threads"),
    (["origin", "--cpus=x"], "cpus"),
])
def test_wrong_conditions_are_refused_in_one_line(tva, arguments, told):
    done = tva(*arguments)
    assert done.returncode == 2 and done.stdout == ""
    assert len(done.stderr.splitlines()) == 1 and told in done.stderr


def test_copies_of_a_cell_are_told_apart_by_the_rows_cell_alone(tva):
    plan = tva.folder / "plan.json"
    plan.write_text(json.dumps({"name": "twins", "rounds": 2, "repeats": 0, "cells": [
        {"workload": "sleep", "model": "async", "tasks": 5, "sleep": "1ms", "copies": 2}]}))
    assert tva("bench", f"--plan={plan}", "--out=out").returncode == 0
    out = tva.folder / "out"
    rows = [json.loads(line) for line in (out / "trials.jsonl").read_text().splitlines()]
    assert sorted((row["round"], row["cell"]) for row in rows) == [(1, 0), (1, 1), (2, 0), (2, 1)]
    first, second = json.loads((out / "plan.json").read_text())["cells"]
    assert first.pop("cell") == 0 and second.pop("cell") == 1
    assert first == second
