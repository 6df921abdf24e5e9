"""tva bench --resume: a run that was killed is gone on with, and ends as if it had not been."""

import json
import random
import signal
import time
from collections import Counter

import pytest

from test_bench import ENDLESS, live_processes, rows_in, start_endless, wait_until, write_plan

SMALL = {
    "name": "small", "seed": 5, "rounds": 3, "repeats": 0, "timeout": "10s",
    "cells": [
        {"workload": "sleep", "model": ["threads", "async"], "tasks": 2, "sleep": "2ms"},
        {"workload": "chain", "model": "async", "tasks": 2, "max-wait": "2ms", "rounds": 2,
         "copies": 2},
    ],
}
SMALL_TRIALS = 2 * 3 + 2 * 2
LONG = {
    "name": "long", "seed": 7, "rounds": 40, "repeats": 1, "timeout": "20s",
    "cells": [
        {"workload": "sleep", "model": ["threads", "async"], "tasks": 5, "sleep": "5ms"},
        {"workload": "chain", "model": "pool", "tasks": 5, "max-wait": "5ms", "copies": 2},
        {"workload": "fetch", "model": "async", "tasks": 2, "requests": 4, "delay": "2ms"},
    ],
}
KILLS = 10


def trials_of(rows):
    """How often each cell was begun in each round."""
    return Counter((row["cell"], row["round"]) for row in rows if row["attempt"] == 1)


def planned(folder):
    plan = json.loads((folder / "plan.json").read_text(encoding="utf-8"))
    return Counter((cell["cell"], round_) for cell in plan["cells"]
                   for round_ in range(1, cell["rounds"] + 1))


def environment_of(folder):
    return json.loads((folder / "environment.json").read_text(encoding="utf-8"))


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def whole_run(tva, plan=None):
    """The folder of a run that went to its end."""
    out = tva.folder / "out"
    done = tva("bench", f"--plan={write_plan(tva, plan or SMALL)}", f"--out={out}")
    assert done.returncode == 0, done.stderr
    return out


def keep_rows(folder, count, edit=lambda row: None):
    """Cuts a run short: its first `count` rows are left, the last of them edited."""
    rows = rows_in(folder)[:count]
    edit(rows[-1])
    text = "".join(json.dumps(row) + "\n" for row in rows)
    (folder / "trials.jsonl").write_text(text, encoding="utf-8")
    return rows


def edit_environment(folder, *keys, value):
    environment = environment_of(folder)
    at = environment
    for key in keys[:-1]:
        at = at[key]
    at[keys[-1]] = value
    (folder / "environment.json").write_text(json.dumps(environment), encoding="utf-8")


def assert_refused(tva, folder, *arguments, words):
    """Refused in one line that has these words, and nothing in the folder changed."""
    before = contents(folder)
    done = tva("bench", f"--resume={folder}", *arguments)
    assert (done.returncode, done.stdout) == (2, ""), done.stderr
    assert len(done.stderr.splitlines()) == 1
    for word in words:
        assert word in done.stderr
    assert contents(folder) == before


def test_ten_kills_at_random_moments_lose_no_row_and_write_none_twice(tva):
    out = tva.folder / "out"
    moments = random.Random(20)
    bench = tva.start("bench", f"--plan={write_plan(tva, LONG)}", f"--out={out}")
    wait_until((out / "plan.json").exists, "the run did not begin")
    known = []
    for _ in range(KILLS):
        time.sleep(moments.uniform(0.02, 0.4))
        bench.kill()
        _, errors = bench.communicate(timeout=20)
        assert bench.returncode == -signal.SIGKILL, errors
        rows = rows_in(out)
        assert rows[:len(known)] == known
        known = rows
        bench = tva.start("bench", f"--resume={out}")
    stdout, stderr = bench.communicate(timeout=120)
    assert bench.returncode == 0, stderr
    assert stdout.splitlines()[-1] == str(out)
    rows = rows_in(out)
    assert rows[:len(known)] == known and known
    assert trials_of(rows) == planned(out)
    attempts = Counter((row["cell"], row["round"], row["attempt"]) for row in rows)
    assert set(attempts.values()) == {1}
    assert environment_of(out)["load_after"]
    wait_until(lambda: live_processes(tva.folder) == [], "a process was left behind")


def test_the_order_is_that_of_a_run_that_was_not_cut_short(tva):
    out = whole_run(tva)
    order = [(row["round"], row["cell"]) for row in rows_in(out)]
    keep_rows(out, 6)
    done = tva("bench", f"--resume={out}")
    assert done.returncode == 0
    assert f"6 of {SMALL_TRIALS} trials are there, going on\n" in done.stderr
    assert [(row["round"], row["cell"]) for row in rows_in(out)] == order


def test_a_round_that_is_gone_on_with_has_a_control_spin_of_its_own(tva):
    out = whole_run(tva)
    keep_rows(out, 5)
    tva("bench", f"--resume={out}")
    rounds = [json.loads(line)["round"] for line in (out / "rounds.jsonl").read_text().splitlines()]
    assert rounds == [1, 2, 3, 2, 3]


def test_last_lines_that_were_cut_short_are_removed(tva):
    out = whole_run(tva)
    rows = keep_rows(out, 6)
    for name in ("trials.jsonl", "rounds.jsonl"):
        with open(out / name, "ab") as file:
            file.write(b'{"schema":1,"run":"ou' + b"\0" * 5000)
    assert tva("bench", f"--resume={out}").returncode == 0
    assert rows_in(out)[:6] == rows
    assert trials_of(rows_in(out)) == planned(out)
    assert all(json.loads(line) for line in (out / "rounds.jsonl").read_text().splitlines())


def test_an_interrupted_run_is_gone_on_with_and_interrupted_again(tva):
    bench, out = start_endless(tva)
    bench.send_signal(signal.SIGINT)
    bench.communicate(timeout=10)
    known = rows_in(out)
    bench = tva.start("bench", f"--resume={out}", f"--plan={write_plan(tva, ENDLESS)}")
    wait_until(lambda: len(rows_in(out)) > len(known), "it did not go on")
    bench.send_signal(signal.SIGINT)
    bench.communicate(timeout=10)
    assert bench.returncode == 130
    assert rows_in(out)[:len(known)] == known


def test_a_disturbed_attempt_is_followed_by_the_next_one(tva):
    out = whole_run(tva, {**SMALL, "repeats": 1})
    first = next(i for i, row in enumerate(rows_in(out)) if row["attempt"] == 1)

    def disturb(row):
        row["disturbed"] = ["steal"]

    rows = keep_rows(out, first + 1, disturb)
    assert tva("bench", f"--resume={out}").returncode == 0
    following = rows_in(out)[first + 1]
    assert [following[key] for key in ("cell", "round", "attempt")] == [
        rows[first]["cell"], rows[first]["round"], 2]
    assert trials_of(rows_in(out)) == planned(out)


def test_a_bad_row_of_the_earlier_part_makes_the_status_1(tva):
    out = whole_run(tva)

    def spoil(row):
        row["status"] = "wrong"

    keep_rows(out, 3, spoil)
    done = tva("bench", f"--resume={out}")
    assert done.returncode == 1
    assert "1 of them failed or wrong" in done.stderr


def test_a_run_of_which_nothing_is_missing_stays_as_it_is(tva):
    out = whole_run(tva)
    before = contents(out)
    done = tva("bench", f"--resume={out}", f"--plan={write_plan(tva, SMALL)}")
    assert done.returncode == 0
    assert f"{SMALL_TRIALS} of {SMALL_TRIALS} trials are there, nothing is missing" in done.stderr
    assert contents(out) == before


def test_a_reboot_in_between_is_allowed_and_noted(tva):
    out = whole_run(tva)
    boot = environment_of(out)["boot_id"]
    keep_rows(out, 2)
    edit_environment(out, "boot_id", value="of-before")
    assert tva("bench", f"--resume={out}").returncode == 0
    environment = environment_of(out)
    assert environment["boot_id"] == "of-before"
    assert [note["boot_id"] for note in environment["resumed"]] == [boot]
    assert environment["resumed"][0]["time"] and environment["load_after"]


def test_a_kill_before_the_first_trial_leaves_a_run_to_go_on_with(tva):
    out = whole_run(tva)
    for name in ("trials.jsonl", "rounds.jsonl"):
        (out / name).write_text("")
    (out / "environment.json").unlink()
    assert tva("bench", f"--resume={out}").returncode == 0
    assert trials_of(rows_in(out)) == planned(out)
    assert environment_of(out)["resumed"] == []


@pytest.mark.parametrize("keys, value", [
    (("build", "id"), "00ff"), (("build", "revision"), "abc"), (("kernel",), "2.4.0"),
    (("cpu", "model"), "Z80"), (("cpu", "cores"), 4096), (("cpu", "allowed"), "77"),
    (("memory_bytes",), 65536), (("libraries", "libevent"), "1.4"), (("clocksource",), "sundial"),
])
def test_another_build_or_machine_is_refused_with_the_difference(tva, keys, value):
    out = whole_run(tva)
    keep_rows(out, 2)
    edit_environment(out, *keys, value=value)
    assert_refused(tva, out, words=[f"{'.'.join(keys)}: was {json.dumps(value)}, is ", str(out)])


def test_another_plan_is_refused_with_the_difference(tva):
    out = whole_run(tva)
    keep_rows(out, 2)
    other = write_plan(tva, {**SMALL, "rounds": 2})
    assert_refused(tva, out, f"--plan={other}", words=["rounds: was 3, is 2", "--plan"])


def test_a_plan_that_was_edited_to_something_else_is_refused(tva):
    out = whole_run(tva)
    keep_rows(out, 2)
    text = (out / "plan.json").read_text().replace('"tasks": "2"', '"tasks": "3"')
    (out / "plan.json").write_text(text)
    assert_refused(tva, out, words=['cells[0].params.tasks: was "3", is "2"'])


@pytest.mark.parametrize("option", ["--only=sleep", "--out=elsewhere"])
def test_options_of_a_new_run_are_refused(tva, option):
    out = whole_run(tva)
    assert_refused(tva, out, option, words=[option.split("=")[0], "leave"])


def test_a_folder_of_no_run_is_refused(tva):
    folder = tva.folder / "none"
    assert tva("bench", f"--resume={folder}").returncode == 2
    folder.mkdir()
    (folder / "a").write_text("b")
    assert_refused(tva, folder, words=[str(folder), "tva bench"])


def test_a_renamed_folder_is_refused_since_rows_carry_its_name(tva):
    out = whole_run(tva)
    keep_rows(out, 2)
    renamed = out.rename(tva.folder / "renamed")
    assert_refused(tva, renamed, words=['"out"', '"renamed"', "line 1"])


def test_a_row_that_is_there_twice_is_refused(tva):
    out = whole_run(tva)
    lines = (out / "trials.jsonl").read_text().splitlines(keepends=True)
    (out / "trials.jsonl").write_text("".join(lines[:2] + lines[:1]))
    assert_refused(tva, out, words=["trials.jsonl: line 3", "not the next"])


def test_two_runners_in_one_folder_are_impossible(tva):
    bench, out = start_endless(tva)
    try:
        done = tva("bench", f"--resume={out}")
        assert (done.returncode, done.stdout) == (2, "")
        assert f"{out} is being written by process {bench.pid}" in done.stderr
    finally:
        bench.send_signal(signal.SIGINT)
        bench.communicate(timeout=10)
    assert set(trials_of(rows_in(out)).values()) == {1}
