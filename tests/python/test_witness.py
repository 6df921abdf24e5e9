"""The witness, with stand-ins for tva (a script that sleeps) and, where it is missing, hyperfine."""

import json
import os
import shutil
import stat

import pytest

import witness
from conftest import write_run

needs_hyperfine = pytest.mark.skipif(not shutil.which("hyperfine"),
                                     reason="hyperfine is not installed")

FAKE_TVA = """#!/bin/sh
case $1 in
origin) echo http://127.0.0.1:9; echo $$ > "$0.pid"; exec sleep 60 ;;
trial) echo "$@" >> "$0.log"; case $* in *tasks=404*) exit 1 ;; esac; sleep 0.02; echo '{}' ;;
esac
"""


@pytest.fixture
def tva(tmp_path):
    path = tmp_path / "tva"
    path.write_text(FAKE_TVA)
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


@pytest.fixture
def folder(tmp_path, all_rows):
    rows = [row for row in all_rows if row["tasks"] == 1000 and row["model"] == "async"
            and row["workload"] in ("sleep", "fetch") and row["round"] == 1]
    return write_run(tmp_path / "run", rows, witness=False)


@needs_hyperfine
def test_hyperfines_results_are_kept_with_the_cell_they_belong_to(folder, tva):
    assert witness.main([str(folder), f"--tva={tva}", "--seconds=0.1"]) == 0
    results = json.loads((folder / "witness.json").read_text())["results"]
    assert [(r["cell"], r["model_spec"]) for r in results] == [(0, "async:stack=auto"),
                                                               (1, "async:stack=auto")]
    assert all(r["mean"] >= 0.02 and len(r["times"]) == witness.RUNS_MIN for r in results)


@needs_hyperfine
def test_gone_on_with_it_times_only_the_cells_that_have_no_result_yet(folder, tva):
    assert witness.main([str(folder), f"--tva={tva}", "--seconds=0.1"]) == 0
    path, log = folder / "witness.json", tva.parent / "tva.log"
    first, second = json.loads(path.read_text())["results"]
    path.write_text(json.dumps({"results": [first]}))
    log.unlink()
    assert witness.main([str(folder), f"--tva={tva}", "--seconds=0.1", "--resume"]) == 0
    results = json.loads(path.read_text())["results"]
    assert results[0] == first and [r["cell"] for r in results] == [0, second["cell"]]
    assert all(" fetch:" in line for line in log.read_text().splitlines())
    log.unlink()
    assert witness.main([str(folder), f"--tva={tva}", "--seconds=0.1", "--resume"]) == 0
    assert not log.exists()


@needs_hyperfine
def test_fetch_is_given_an_origin_which_is_ended(folder, tva):
    witness.main([str(folder), f"--tva={tva}", "--seconds=0.1"])
    lines = (tva.parent / "tva.log").read_text().splitlines()
    assert lines[0].startswith("trial sleep:tasks=1000,")
    assert lines[-1].startswith("trial --origin=http://127.0.0.1:9 fetch:tasks=1000,")
    with pytest.raises(ProcessLookupError):
        os.kill(int((tva.parent / "tva.pid").read_text()), 0)


@needs_hyperfine
def test_a_cell_that_fails_is_named_and_the_others_are_kept(folder, tva, capsys):
    text = (folder / "plan.json").read_text().replace("sleep:tasks=1000", "sleep:tasks=404")
    rows = (folder / "trials.jsonl").read_text().replace("sleep:tasks=1000", "sleep:tasks=404")
    (folder / "plan.json").write_text(text)
    (folder / "trials.jsonl").write_text(rows)
    assert witness.main([str(folder), f"--tva={tva}", "--seconds=0.1"]) == 1
    assert "cell 0: hyperfine:" in capsys.readouterr().err
    assert len(json.loads((folder / "witness.json").read_text())["results"]) == 1


def test_without_hyperfine_it_says_so(folder, tva, capsys, monkeypatch):
    monkeypatch.setenv("PATH", str(folder))
    assert witness.main([str(folder), f"--tva={tva}"]) == 2
    assert capsys.readouterr().err == (
        "witness.py: hyperfine is not installed (try scripts/install-deps)\n")


def test_a_plan_without_a_cell_for_the_witness_is_refused(tmp_path, all_rows, tva, capsys):
    rows = [row for row in all_rows if row["tasks"] == 10][:3]
    assert witness.main([str(write_run(tmp_path / "r", rows)), f"--tva={tva}"]) == 2
    assert 'no cell with "witness": true' in capsys.readouterr().err


@pytest.mark.parametrize("seconds, budget, expected", [([0.1, 0.2], 30, 30), ([1, 2], 30, 9),
                                                       ([10, 20], 30, 3)])
def test_runs_are_chosen_to_fit_the_budget(seconds, budget, expected):
    assert witness.choose_runs(seconds, budget) == expected


def test_a_fetch_from_given_urls_needs_no_origin():
    cell = dict(workload="fetch", params={"url": "http://localhost/"})
    assert not witness.needs_origin(cell)
    assert witness.needs_origin({**cell, "params": {"url": ""}})


def test_cells_are_timed_under_their_conditions():
    cell = dict(workload="sleep", conditions="cpus=0-1,arenas=1", spec="sleep:tasks=1", model_spec="async:stack=auto")
    assert witness.command_of(cell, "tva", None) == ["tva", "trial", "--conditions=cpus=0-1,arenas=1",
                                                     "sleep:tasks=1", "async:stack=auto"]
