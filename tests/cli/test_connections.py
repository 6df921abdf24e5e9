"""The workloads connections and files from the command line: whole trials, with their companions."""

import json
import os
import resource
import subprocess

import pytest

from test_bench import live_processes

MODELS = ["async", "async-multi", "pool", "threads"]


def rows_of(done):
    """The rows on standard output, by model."""
    return {row["model"]: row for row in map(json.loads, done.stdout.splitlines())}


def run_with_descriptors(tva, count, *arguments):
    """Runs tva where no process may have more than so many descriptors."""
    def limit_files():
        resource.setrlimit(resource.RLIMIT_NOFILE, (count, count))

    return subprocess.run([tva.path, *arguments], cwd=tva.folder, timeout=60, capture_output=True,
                          text=True, preexec_fn=limit_files, check=False)


def test_a_client_holds_its_idle_connections_while_the_active_ones_are_answered(tva):
    done = tva("run", "connections", "--model=async,threads", "--tasks=100", "--active=4",
               "--requests=10", "--pause=5ms", "--hold=800ms", "--json")
    assert done.returncode == 0, done.stderr
    for row in rows_of(done).values():
        assert row["status"] == "ok" and row["verified"] is True and row["clients"] is None
        assert row["operations"] == 4 * 10 + 96 == row["origin"]["requests"]
        assert row["latency_ns"]["count"] == 40
        assert row["peak_in_flight"] == 100
        assert row["wall_ns"] >= row["ideal_ns"] == 800_000_000
        assert row["figures"] == {"idle_answered_early": 0}


def test_a_pool_as_a_client_holds_as_many_connections_as_it_has_workers(tva):
    done = tva("run", "connections", "--model=pool", "--workers=4", "--tasks=20", "--active=8",
               "--requests=5", "--pause=1ms", "--hold=50ms", "--json")
    row = rows_of(done)["pool"]
    assert row["status"] == "ok" and row["peak_in_flight"] == 4
    assert row["wall_ns"] >= 12 / 4 * 50_000_000


def test_a_server_gives_as_many_answers_as_its_clients_count(tva):
    done = tva("run", "connections", "--side=server", "--tasks=100", "--active=4",
               "--requests=250", "--pause=0", "--json")
    assert done.returncode == 0, done.stderr
    rows = rows_of(done)
    assert set(rows) == set(MODELS)
    for row in rows.values():
        clients = row["clients"]
        assert row["status"] == "ok" and row["verified"] is True and row["origin"] is None
        assert row["operations"] == 1000 + 96 == clients["requests"]
        assert clients["connections"] == 100
        assert clients["wrong"] == 0 == clients["failed"]
        assert clients["latency_ns"]["count"] == 1000 == row["latency_ns"]["count"]
        # The client's figure contains the server's, and the way there and back.
        assert clients["latency_ns"]["mean"] > row["latency_ns"]["mean"]


@pytest.mark.parametrize("side", ["client", "server"])
@pytest.mark.parametrize("model", ["async", "threads"])
def test_too_few_descriptors_limit_it_by_name(tva, side, model):
    done = run_with_descriptors(tva, 128, "run", "connections", f"--side={side}",
                                f"--model={model}", "--tasks=300", "--requests=2", "--json")
    assert done.returncode == 0, done.stderr
    row = rows_of(done)[model]
    assert row["status"] == "limited" and row["verified"] is False
    assert row["limit"]["name"] == "RLIMIT_NOFILE" and row["limit"]["value"] == 128
    assert 100 <= row["limit"]["reached"] < 128


@pytest.mark.parametrize("side", ["client", "server"])
def test_a_trial_killed_at_its_time_limit_leaves_no_process(tva, side):
    done = tva("run", "connections", f"--side={side}", "--model=async", "--tasks=50",
               "--active=1", "--requests=1M", "--pause=0", "--hold=100ms", "--timeout=300ms",
               "--json")
    row = rows_of(done)["async"]
    assert row["status"] == "timeout" and row["verified"] is False
    assert live_processes(tva.folder) == []


def test_a_server_without_clients_says_so(tva):
    done = tva("trial", "connections:side=server,tasks=10,active=1", "async:")
    assert done.returncode == 1
    assert json.loads(done.stdout)["reason"] == "connections: no clients were started"


def test_clients_tell_what_they_counted_when_they_are_ended(tva):
    with tva.start("clients") as clients:
        assert 0 < int(clients.stdout.readline()) < 65536
        clients.terminate()
        counts = json.loads(clients.stdout.readline())
        assert clients.wait(timeout=10) == 0
    assert counts["connections"] == counts["requests"] == counts["wrong"] == counts["failed"] == 0
    assert counts["latency_ns"]["count"] == 0


@pytest.mark.parametrize("arguments", [["--mode=both"], ["--mode=write", "--fsync=yes"],
                                       ["--mode=read", "--remedy=offload"]])
def test_files_are_right_in_all_models_and_nothing_is_left(tva, arguments, monkeypatch):
    scratch = tva.folder / "scratch"
    scratch.mkdir()
    monkeypatch.setenv("TMPDIR", str(scratch))
    done = tva("run", "files", "--tasks=8", "--files=5", "--bytes=10000", *arguments, "--json")
    assert done.returncode == 0, done.stderr
    rows = rows_of(done)
    assert set(rows) == set(MODELS)
    for row in rows.values():
        assert row["status"] == "ok" and row["verified"] is True and row["operations"] == 40
    assert os.listdir(scratch) == []


def test_files_directly_in_a_loop_are_one_at_a_time_and_offloaded_are_not(tva):
    rows = {}
    for remedy in ("direct", "offload"):
        done = tva("run", "files", "--model=async", "--tasks=8", "--files=5", "--bytes=1MiB",
                   f"--remedy={remedy}", "--json")
        rows[remedy] = rows_of(done)["async"]
    assert rows["direct"]["peak_in_flight"] == 1
    assert rows["offload"]["peak_in_flight"] == 8
    assert rows["offload"]["loop_occupancy"] < rows["direct"]["loop_occupancy"]


def test_files_of_a_killed_trial_are_removed_by_the_next(tva, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tva.folder))
    done = tva("run", "files", "--model=async", "--files=100k", "--timeout=300ms", "--json")
    assert rows_of(done)["async"]["status"] == "timeout"
    assert len(os.listdir(tva.folder)) == 1
    tva("run", "files", "--model=async", "--files=1", "--json")
    assert os.listdir(tva.folder) == []
