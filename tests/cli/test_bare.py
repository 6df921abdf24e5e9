"""The floors: workloads written by hand for one model each, without the seam."""

import json
import resource
import socket
import subprocess
import threading

import pytest

FLOORS = {"bare-threads": "threads", "bare-callbacks": "async"}


def rows_of(done):
    assert done.returncode == 0, done.stderr
    return {row["model"]: row for row in map(json.loads, done.stdout.splitlines())}


def run_all(tva, workload, *arguments):
    models = ",".join([*FLOORS, *FLOORS.values()])
    rows = rows_of(tva("run", workload, f"--model={models}", *arguments, "--json"))
    assert set(rows) == {*FLOORS, *FLOORS.values()}
    return rows


@pytest.mark.parametrize("arguments", [
    ["--tasks=300", "--sleep=300ms"],
    ["--tasks=50", "--sleep=2ms", "--jitter=30ms", "--repeat=4"],
    ["--tasks=50", "--sleep=0", "--jitter=2us", "--repeat=20"],
    ["--tasks=50", "--sleep=1us", "--repeat=20"],
    ["--tasks=50", "--sleep=0", "--repeat=3"],
])
def test_a_sleep_is_as_right_on_the_floor_as_in_its_model(tva, arguments):
    rows = run_all(tva, "sleep", *arguments)
    assert len({(row["spec"], row["operations"], row["ideal_ns"]) for row in rows.values()}) == 1
    for row in rows.values():
        assert row["status"] == "ok" and row["verified"] is True
        assert row["overshoot_ns"]["min"] >= 0
        assert row["wall_ns"] == row["spawn_ns"] + row["run_ns"] + row["join_ns"]


def test_all_tasks_of_a_floor_are_in_flight_at_once_and_their_memory_is_taken_then(tva):
    for row in run_all(tva, "sleep", "--tasks=300", "--sleep=2s").values():
        assert row["peak_in_flight"] == 300
        assert row["memory"]["rss_plateau_bytes"] > row["memory"]["rss_base_bytes"]


def test_a_chain_is_as_right_on_the_floor_as_in_its_model(tva):
    for arguments in (["--tasks=100", "--parts=3"], ["--tasks=20", "--max-wait=0", "--parts=9"]):
        for row in run_all(tva, "chain", *arguments, "--seed=444").values():
            assert row["status"] == "ok" and row["verified"] is True


@pytest.mark.parametrize("arguments", [
    ["--delay=5ms"],
    ["--delay=0", "--keepalive=no"],
    ["--delay=0", "--size=300KiB"],
    ["--delay=0", "--size=0"],
])
def test_a_fetch_on_the_floor_asks_the_origin_for_as_much_as_in_its_model(tva, arguments):
    rows = run_all(tva, "fetch", "--tasks=20", "--requests=205", *arguments)
    assert len({row["origin"]["bytes"] for row in rows.values()}) == 1
    for row in rows.values():
        assert row["status"] == "ok" and row["verified"] is True
        assert row["operations"] == 205 == row["origin"]["requests"]


class Server:
    """Answers request k of each connection, counted from 0, with answer(k); None: hangs up."""

    def __init__(self, answer):
        self.answer = answer
        self.requests = []
        self.connections = []
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.socket.getsockname()[1]}"
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                connection, _ = self.socket.accept()
            except OSError:
                return
            self.connections.append(connection)
            threading.Thread(target=self.talk, args=(connection,), daemon=True).start()

    def talk(self, connection):
        served = 0
        while request := connection.recv(65536):
            self.requests.append(request)
            answer = self.answer(served)
            served += 1
            if answer is None:
                break
            connection.sendall(answer)
        if answer is None:
            connection.close()


OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


def fetch(tva, server, model, *arguments):
    done = tva("run", "fetch", f"--url={server.url}/a?b=c", f"--model={model}", *arguments,
               "--json", timeout=30)
    return json.loads(done.stdout)


@pytest.mark.parametrize("keepalive", ["yes", "no"])
def test_the_request_of_a_floor_is_that_of_its_model_byte_for_byte(tva, keepalive):
    server = Server(lambda served: OK)
    for model in [*FLOORS, *FLOORS.values()]:
        row = fetch(tva, server, model, "--tasks=1", "--requests=3", f"--keepalive={keepalive}")
        assert row["status"] == "ok", row
    assert len(server.requests) == 12
    assert len(set(server.requests)) == 1, set(server.requests)


@pytest.mark.parametrize("model", [*FLOORS, *FLOORS.values()])
def test_a_kept_connection_that_the_server_closed_is_opened_again_once(tva, model):
    server = Server(lambda served: OK if served < 2 else None)
    row = fetch(tva, server, model, "--tasks=1", "--requests=6")
    assert row["status"] == "ok" and row["operations"] == 6, row
    assert len(server.connections) == 3


@pytest.mark.parametrize("model", [*FLOORS, *FLOORS.values()])
@pytest.mark.parametrize("answer, error", [
    (b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", "HTTP_404"),
    (b"what?\r\n\r\n", "EBADMSG"),
    (None, "EPROTO"),
    (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n", "ETIMEDOUT"),
    (b"", "ETIMEDOUT"),
])
def test_a_floor_fails_of_what_its_model_does(tva, model, answer, error):
    server = Server(lambda served: answer)
    row = fetch(tva, server, model, "--tasks=2", "--requests=4", "--request-timeout=300ms")
    assert row["status"] == "failed" and row["errors"] == {error: 4}, row


@pytest.mark.parametrize("model", FLOORS)
def test_a_floor_counts_an_origin_that_refuses_by_cause(tva, model):
    done = tva("run", "fetch", "--url=http://127.0.0.1:9/", f"--model={model}", "--tasks=2",
               "--requests=2000", "--json")
    assert json.loads(done.stdout)["errors"] == {"ECONNREFUSED": 2000}


@pytest.mark.parametrize("model", FLOORS)
def test_a_floor_says_which_workloads_it_has(tva, model):
    known = {m["name"]: m for m in json.loads(tva("list", "--json").stdout)["models"]}
    assert known[model]["is_floor"] is True
    assert known[model]["workloads"] == ["sleep", "fetch", "chain"]
    assert known["async"]["is_floor"] is False
    for workload in set(known["async"]["workloads"]) - {"sleep", "fetch", "chain"}:
        done = tva("run", workload, f"--model={model}")
        assert done.returncode == 2 and done.stdout == ""
        assert done.stderr == (f'tva: {model}: there is no floor for "{workload}": there are '
                               "sleep, fetch, chain\n")


@pytest.mark.parametrize("model", ["bare-threads", "threads"])
def test_threads_that_the_machine_does_not_allow_are_a_limit_and_the_others_run(tva, model):
    done = subprocess.run(
        [tva.path, "trial", "sleep:tasks=1000,sleep=50ms", f"{model}:stack=16MiB"], timeout=60,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (2 << 30, 2 << 30)),
        capture_output=True, text=True, check=False)
    row = json.loads(done.stdout)
    assert row["status"] == "limited", row
    assert 20 < row["operations"] == row["peak_in_flight"] < 128


def test_floors_run_only_where_they_are_asked_for(tva):
    rows = rows_of(tva("run", "sleep", "--tasks=2", "--sleep=1ms", "--json"))
    assert "async" in rows and not set(rows) & set(FLOORS)


def test_a_thread_of_the_floor_has_the_stack_that_was_asked_for(tva):
    rows = run_all(tva, "sleep", "--tasks=5", "--sleep=1ms", "--stack=128KiB")
    assert rows["bare-threads"]["stack"]["size_bytes"] == 128 * 1024
    assert rows["bare-callbacks"]["stack"]["size_bytes"] is None


@pytest.mark.parametrize("library, called", [
    ("threaded/bare/libtva_threaded_bare.a", "operation_begin"),
    ("async/bare/libtva_async_bare.a", "operation_begin"),
    ("common/bare/libtva_bare.a", "chain_results_create")])
def test_a_floor_calls_nothing_of_the_seam(tva, library, called):
    path = tva.path.parent / library
    assert path.exists(), path
    symbols = subprocess.run(["nm", "--undefined-only", "--format=posix", path], check=True,
                             capture_output=True, text=True).stdout
    names = {line.split()[0] for line in symbols.splitlines() if line.split()[1:] == ["U"]}
    assert called in names
    seam = ("task_", "stream_", "listener_", "model_", "http_get", "http_connection", "fan_out")
    assert not {name for name in names if name.startswith(seam)}
