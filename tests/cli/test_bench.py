"""tva bench: the folder of a run, and what is left when it is stopped or killed."""

import json
import os
import pty
import resource
import signal
import subprocess
import time

PLAN = {
    "name": "tiny",
    "seed": 3,
    "rounds": 2,
    "repeats": 0,
    "timeout": "10s",
    "cells": [
        {"workload": "sleep", "model": ["threads", "async"], "tasks": [1, 20], "sleep": "5ms"},
        {"workload": "chain", "model": "async", "tasks": 3, "max-wait": "5ms", "timeline": True,
         "witness": True, "rounds": 1},
    ],
}
ENDLESS = {
    "name": "endless",
    "rounds": 1000,
    "timeout": "60s",
    "cells": [
        {"workload": "sleep", "model": "async", "tasks": 5, "sleep": "1ms"},
        {"workload": "fetch", "model": "async", "tasks": 5, "requests": 5, "delay": "100ms"},
    ],
}


def test_the_environment_tells_the_limit_of_files_that_trials_raise_theirs_to(tva):
    def limit_files():
        resource.setrlimit(resource.RLIMIT_NOFILE, (128, 256))

    out = tva.folder / "out"
    subprocess.run([tva.path, "bench", f"--plan={write_plan(tva, PLAN)}", f"--out={out}",
                    "--only=^async sleep:tasks=1,"], timeout=30, capture_output=True,
                   preexec_fn=limit_files, check=True)
    environment = json.loads((out / "environment.json").read_text(encoding="utf-8"))
    assert environment["limits"]["RLIMIT_NOFILE"] == 256


def write_plan(tva, plan):
    path = tva.folder / "plan.json"
    path.write_text(json.dumps(plan), encoding="utf-8")
    return path


def rows_in(folder):
    """All rows of a run; that each is whole is what parsing them proves."""
    text = (folder / "trials.jsonl").read_text(encoding="utf-8")
    assert text == "" or text.endswith("\n")
    return [json.loads(line) for line in text.splitlines()]


def wait_until(condition, what, limit_s=20):
    """Polls a condition that another process brings about."""
    end = time.monotonic() + limit_s
    while not condition():
        assert time.monotonic() < end, what
        time.sleep(0.01)


def live_processes(marker):
    """Commands, in the folder `marker`, of the processes that are no zombies."""
    found = []
    for entry in os.listdir("/proc"):
        try:
            if entry.isdigit() and os.readlink(f"/proc/{entry}/cwd") == str(marker):
                with open(f"/proc/{entry}/cmdline", encoding="utf-8") as file:
                    found.append(file.read().replace("\0", " "))
        except OSError:
            pass  # it has ended, or is a zombie
    return found


def test_a_run_leaves_plan_environment_and_rows(tva):
    out = tva.folder / "out"
    done = tva("bench", f"--plan={write_plan(tva, PLAN)}", f"--out={out}")
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == str(out)
    rows = rows_in(out)
    assert len(rows) == 2 * 4 + 1
    assert {row["run"] for row in rows} == {"out"}
    assert [row["round"] for row in rows] == [1] * 5 + [2] * 4
    assert sum(row["timeline"] is not None for row in rows) == 1
    assert {path.name for path in out.iterdir()} == {
        "plan.json", "environment.json", "trials.jsonl", "rounds.jsonl"}
    rounds = [json.loads(line) for line in (out / "rounds.jsonl").read_text().splitlines()]
    assert [round_["round"] for round_ in rounds] == [1, 2]
    assert all(round_["control_spin_ns"] > 1_000_000 for round_ in rounds)


def test_plan_json_has_every_cell_expanded(tva):
    out = tva.folder / "out"
    tva("bench", f"--plan={write_plan(tva, PLAN)}", f"--out={out}")
    plan = json.loads((out / "plan.json").read_text(encoding="utf-8"))
    assert (plan["name"], plan["seed"], plan["rounds"], plan["repeats"]) == ("tiny", 3, 2, 0)
    assert [cell["cell"] for cell in plan["cells"]] == [0, 1, 2, 3, 4]
    last = plan["cells"][4]
    assert set(last) == {"cell", "workload", "model", "spec", "model_spec", "cpus", "conditions",
                         "rounds", "timeline", "witness", "params", "model_params"}
    assert last["rounds"] == 1 and last["timeline"] is True and last["witness"] is True
    assert last["params"]["max-wait"] == "5ms"
    specs = {(cell["model"], cell["spec"]) for cell in plan["cells"]}
    assert specs == {(row["model"], row["spec"]) for row in rows_in(out)}


def test_environment_tells_machine_build_and_load_and_no_host_name(tva):
    out = tva.folder / "out"
    tva("bench", f"--plan={write_plan(tva, PLAN)}", f"--out={out}")
    text = (out / "environment.json").read_text(encoding="utf-8")
    environment = json.loads(text)
    assert environment["cpu"]["cores"] == os.sysconf("SC_NPROCESSORS_ONLN")
    assert environment["kernel"] == os.uname().release
    assert set(environment["libraries"]) == {"libevent", "jansson", "glibc", "http_parser"}
    assert environment["build"]["compiler"] and environment["build"]["revision"]
    assert environment["load_before"]["average"] and environment["load_after"]["average"]
    assert "nodename" not in text and "hostname" not in text


def test_the_default_folder_is_named_after_the_plan(tva):
    done = tva("bench", f"--plan={write_plan(tva, PLAN)}", "--only=chain")
    folder = done.stdout.splitlines()[-1]
    assert folder.startswith("results/tiny-2")
    assert len(rows_in(tva.folder / folder)) == 1


def test_the_same_seed_gives_the_same_order(tva):
    orders = []
    for name in ("a", "b"):
        tva("bench", f"--plan={write_plan(tva, PLAN)}", f"--out={tva.folder / name}")
        orders.append([(row["model_spec"], row["spec"]) for row in rows_in(tva.folder / name)])
    assert orders[0] == orders[1]


def test_progress_without_a_terminal_is_a_line_for_each_trial(tva):
    done = tva("bench", f"--plan={write_plan(tva, PLAN)}", f"--out={tva.folder / 'out'}")
    assert "1/9 " in done.stderr and "9/9 " in done.stderr and "\r" not in done.stderr


def test_progress_on_a_terminal_is_one_line_refreshed(tva):
    terminal, end = pty.openpty()
    command = [tva.path, "bench", f"--plan={write_plan(tva, PLAN)}", f"--out={tva.folder / 'out'}"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=end) as bench:
        os.close(end)
        text = read_all(terminal)
    assert bench.returncode == 0
    assert "\r\x1b[K9/9  round 2  " in text and " left  " in text
    assert text.replace("\r\n", "\n").count("\n") == 1, text  # the last one, that sums up


def read_all(terminal):
    """What came to a terminal until all programs on it had ended."""
    text = b""
    try:
        while block := os.read(terminal, 4096):
            text += block
    except OSError:
        pass  # how Linux tells that the other end is closed
    os.close(terminal)
    return text.decode()


def start_endless(tva):
    out = tva.folder / "out"
    bench = tva.start("bench", f"--plan={write_plan(tva, ENDLESS)}", f"--out={out}")
    trials = out / "trials.jsonl"
    wait_until(lambda: trials.exists() and trials.read_bytes().count(b"\n") >= 3, "no rows came")
    wait_until(lambda: any(" origin " in p for p in live_processes(tva.folder)), "no origin came")
    return bench, out


def test_an_interrupt_keeps_the_rows_and_leaves_no_child(tva):
    bench, out = start_endless(tva)
    bench.send_signal(signal.SIGINT)
    stdout, stderr = bench.communicate(timeout=10)
    assert bench.returncode == 130, stderr
    assert stdout.splitlines()[-1] == str(out)
    assert len(rows_in(out)) >= 3
    assert json.loads((out / "environment.json").read_text(encoding="utf-8"))["load_after"]
    assert live_processes(tva.folder) == []


def test_a_termination_ends_it_with_143(tva):
    bench, out = start_endless(tva)
    bench.terminate()
    bench.communicate(timeout=10)
    assert bench.returncode == 143
    assert len(rows_in(out)) >= 3
    assert live_processes(tva.folder) == []


def test_a_kill_leaves_whole_rows_and_no_process(tva):
    bench, out = start_endless(tva)
    bench.kill()
    bench.communicate(timeout=10)
    wait_until(lambda: live_processes(tva.folder) == [], "a process was left behind")
    assert len(rows_in(out)) >= 3
