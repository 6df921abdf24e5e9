"""A wrong command line or plan gives exactly one line on standard error, nothing on standard output,
and exit status 2."""

import json
import subprocess

import pytest

CASES = {
    "no command": ([], "no command"),
    "unknown command": (["walk"], '"walk"'),
    "no workload": (["run"], "tva run WORKLOAD"),
    "options before the workload": (["run", "--tasks=3", "sleep"], "tva run WORKLOAD"),
    "unknown workload": (["run", "slep"], 'unknown workload "slep": there are sleep'),
    "two workloads": (["run", "sleep", "chain"], '"chain"'),
    "unknown model": (["run", "sleep", "--model=goroutines"], '"goroutines": there are threads'),
    "empty model": (["run", "sleep", "--model="], "unknown model"),
    "unknown parameter": (["run", "sleep", "--tsks=3"], "--tsks"),
    "abbreviated parameter": (["run", "sleep", "--task=3"], "unknown option --task:"),
    "parameter of another workload": (["run", "sleep", "--parts=3"], "--parts"),
    "parameter of another model": (["run", "sleep", "--model=async", "--workers=3"], "pool"),
    "no value": (["run", "sleep", "--tasks"], "--tasks=COUNT"),
    "empty value": (["run", "sleep", "--tasks="], "tasks"),
    "zero": (["run", "sleep", "--tasks=0"], "out of range"),
    "negative": (["run", "sleep", "--tasks=-1"], "out of range"),
    "absurd, as a float": (["run", "sleep", "--tasks=1e9"], "1e9"),
    "absurd": (["run", "sleep", "--tasks=1000000000"], "out of range"),
    "beyond 64 bits": (["run", "sleep", "--tasks=99999999999999999999999"], "out of range"),
    "absurd as a product": (["run", "sleep", "--tasks=10M", "--repeat=1M"], "operations"),
    "unknown unit": (["run", "sleep", "--sleep=3h"], "3h"),
    "no unit": (["run", "sleep", "--sleep=5"], "5ms"),
    "waits beyond the time limit": (["run", "sleep", "--sleep=10s", "--timeout=5s"], "timeout"),
    "no rounds": (["run", "sleep", "--rounds=0"], "rounds"),
    "no time": (["run", "sleep", "--timeout=0"], "timeout"),
    "no such core": (["run", "sleep", "--cpus=999"], "999"),
    "no list of cores": (["run", "sleep", "--cpus=one"], "0-1"),
    "value for a flag": (["run", "sleep", "--json=yes"], "--json"),
    "line break in a value": (["run", "sleep", "--tasks=1\n2"], "tasks"),
    "line break in a name": (["run", "sl\neep"], "unknown workload"),
    "url that is not http": (["run", "fetch", "--url=ftp://127.0.0.1/"], "ftp://127.0.0.1/"),
    "url that is none": (["run", "fetch", "--url=127.0.0.1"], "127.0.0.1"),
    "unknown plan": (["bench", "--plan=fast"], '"fast": there are'),
    "no such plan file": (["bench", "--plan=./none.json"], "none.json"),
    "plan that is a folder": (["bench", "--plan=/tmp"], "/tmp"),
    "regular expression that is none": (["bench", "--plan=smoke", "--only=("], '"("'),
    "nothing selected": (["bench", "--plan=smoke", "--only=xyz"], '"xyz"'),
    "folder that cannot be made": (["bench", "--plan=smoke", "--out=/proc/x"], "/proc/x"),
    "no address": (["origin", "--listen=here"], "here"),
    "argument too many": (["list", "more"], 'what is "more"? see tva list --help'),
    "waits beyond 64 bits": (["run", "fetch", "--tasks=1", "--requests=50M", "--delay=3600s",
                              "--request-timeout=7200s"], "timeout"),
}


def assert_one_line(done, expected):
    assert done.returncode == 2, done
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1 and done.stderr.endswith("\n"), done.stderr
    assert done.stderr.startswith("tva: ")
    assert expected in done.stderr, done.stderr


@pytest.mark.parametrize("name", CASES)
def test_one_line_and_status_2(tva, name):
    arguments, expected = CASES[name]
    assert_one_line(tva(*arguments, timeout=10), expected)


PLANS = {
    "malformed": ('{"name":"x",\n "cells":[}', "line 2, column 11"),
    "empty": ("", "cannot read it"),
    "duplicate key": ('{"name":"x","name":"y","cells":[]}', "duplicate"),
    "not an object": ("[1]", '"name"'),
    "unknown key": ('{"name":"x","rouns":1,"cells":[]}', '"rouns"'),
    "no cells": ('{"name":"x","cells":[]}', "no cells"),
    "wrong cell": ('{"name":"x","cells":[{"workload":"sleep","model":"async","tsks":1}]}',
                   'cell 1: key "tsks"'),
    "wrong value": ('{"name":"x","cells":[{"workload":"sleep","model":"async","tasks":"1x"}]}',
                    "cell 1: tasks"),
}


@pytest.mark.parametrize("name", PLANS)
def test_a_wrong_plan_gives_one_line(tva, name):
    text, expected = PLANS[name]
    (tva.folder / "plan.json").write_text(text, encoding="utf-8")
    assert_one_line(tva("bench", "--plan=plan.json", timeout=10), expected)
    assert not (tva.folder / "results").exists()


def test_a_folder_that_is_not_empty_is_refused_and_left_alone(tva):
    out = tva.folder / "out"
    out.mkdir()
    (out / "mine").write_text("mine", encoding="utf-8")
    assert_one_line(tva("bench", "--plan=smoke", f"--out={out}", timeout=10), str(out))
    assert [entry.name for entry in out.iterdir()] == ["mine"]


def test_a_folder_whose_name_is_no_text_is_refused(tva):
    assert_one_line(tva("bench", "--plan=smoke", b"--out=\xff", timeout=10), "choose another --out")
    assert list(tva.folder.iterdir()) == []


@pytest.mark.parametrize("arguments", [["list"], ["list", "--json"],
                                       ["run", "sleep", "--tasks=1", "--sleep=0"]])
def test_an_output_that_takes_nothing_is_status_1_and_one_line(tva, arguments):
    with open("/dev/full", "w", encoding="utf-8") as full:
        done = subprocess.run([tva.path, *arguments], stdout=full, stderr=subprocess.PIPE,
                              timeout=10, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == ("tva: standard output cannot be written: "
                                            "No space left on device")


def test_a_url_that_is_no_text_is_fetched_and_its_row_printed(tva):
    done = tva("run", "fetch", b"--url=http://127.0.0.1:9/\xff", "--model=async", "--tasks=1",
               "--requests=1", "--json")
    assert "url=http://127.0.0.1:9/%FF," in json.loads(done.stdout)["spec"], done.stderr


def test_an_origin_that_cannot_be_reached_is_counted_by_cause_in_the_row(tva):
    done = tva("run", "fetch", "--url=http://127.0.0.1:9/", "--model=async", "--tasks=2",
               "--requests=4", "--json")
    assert done.returncode == 1, done.stderr
    row = json.loads(done.stdout)
    assert row["status"] == "failed"
    assert row["errors"] == {"ECONNREFUSED": 4}
    assert row["operations"] == 0 and row["verified"] is False
