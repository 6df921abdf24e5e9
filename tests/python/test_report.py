"""The report as a whole, on a synthetic run: files, charts, what they need, what they tell."""

import base64
import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import report
import units
from conftest import synthetic_row, write_run
from load import load_run

SCRIPTS = Path(report.__file__).parent
CHARTS = {"answer", "answer-narrow", "memory-sleep", "time-sleep", "cpu-sleep", "overshoot-sleep",
          "throughput-fetch", "latency-fetch", "time-fetch", "time-chain", "timeline"}


@pytest.fixture(scope="module")
def html(report_folder):
    return (report_folder / "report.html").read_text()


@pytest.fixture
def words_only(monkeypatch):
    """For tests of what a report says: drawing takes most of its time."""
    monkeypatch.setattr(report, "write_charts", lambda *_: [])


@pytest.fixture(scope="module")
def markdown(report_folder):
    return (report_folder / "report.md").read_text()


def test_every_file_is_there_and_not_empty(report_folder):
    charts = {path.stem for path in (report_folder / "charts").glob("*.svg")}
    assert CHARTS <= charts
    assert charts == {path.stem for path in (report_folder / "charts").glob("*.png")}
    assert all(path.stat().st_size > 500 for path in report_folder.rglob("*.*"))


def test_the_same_rows_give_the_same_bytes(tmp_path, all_rows):
    rows = [row for row in all_rows if row["tasks"] in (8, 100) and row["workload"] != "fetch"
            and row["round"] < 4]
    folder = write_run(tmp_path / "r", rows)
    once, again = tmp_path / "once", tmp_path / "again"
    for out in (once, again):
        assert report.main([str(folder), f"--out={out}"]) == 0
    paths = [path.relative_to(once) for path in once.rglob("*.*")]
    assert {"report.md", "charts/timeline.svg", "charts/answer.png"} <= set(map(str, paths))
    for path in paths:
        assert (once / path).read_bytes() == (again / path).read_bytes(), path


def test_the_page_loads_nothing_from_elsewhere(html):
    assert not re.search(r"""(src|href)\s*=\s*["']?(https?:)?//""", html)
    assert not re.search(r"@import|url\(", html)


def test_every_chart_is_embedded_in_the_page(html, report_folder):
    embedded = set(re.findall(r"data:image/svg\+xml;base64,([^\"]+)", html))
    for path in (report_folder / "charts").glob("*.svg"):
        assert base64.b64encode(path.read_bytes()).decode() in embedded, path.name


def test_svgs_carry_no_date(report_folder):
    for path in (report_folder / "charts").glob("*.svg"):
        assert "dc:date" not in path.read_text()


def test_every_trial_that_is_not_ok_is_named_with_its_reason(markdown):
    for text in ("pids.max = 32,768, reached 31,980 of 100,000 tasks",
                 "| crashed | 7 |", "ended by signal 11", "| timeout | 7 |", "killed after 60 s"):
        assert text in markdown


def test_the_questions_are_answered_in_their_order(markdown):
    found = re.findall(r"^##? (.*)$", markdown, re.M)
    assert found == [
        "Threads or async?", "1. What should I use?", "2. How much does a task cost?",
        "3. How far does it scale?", "4. What does waiting cost?", "5. Fetching: throughput, latency, CPU?",
        "6. What does a blocking call do?", "7. Does it use the cores?", "8. What is the seam's tax?",
        "9. What would change these answers?", "10. How noisy was this machine?",
        "11. What failed or was left out?", "Every comparison", "An outside witness: hyperfine",
        "The machine and the build", "How the numbers are made", "How to reproduce it"]


def test_the_environment_is_shown_whole(markdown):
    for line in ("| cpu.model | SYNTHETIC CPU |", "| cpu.governor | n/a |",
                 "| limits.nproc | 100, 200 |", "| libraries.0.name | libevent |", "| cpu.mitigations.spectre_v2 | on |"):
        assert line in markdown


def test_hyperfine_stands_beside_the_programs_own_figures(markdown):
    row = next(line for line in markdown.splitlines()
               if line.startswith("| sleep:tasks=1000,") and "| async:stack=auto | 1" in line)
    assert "± 400 µs" in row


def test_the_command_to_reproduce_a_comparison_is_given(markdown):
    assert ("build/tva run sleep --model=threads,async --tasks=10000 --sleep=100ms --jitter=0 "
            "--repeat=1 --seed=1") in markdown
    assert "git checkout 0123abc" in markdown


def test_the_terminal_verdict_fits_a_screen_and_ends_with_the_path(run_folder, capsys, tmp_path,
                                                                    words_only):
    report.main([str(run_folder), f"--out={tmp_path}"])
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) <= 24
    assert all(len(line) <= 80 for line in lines[:-1])
    assert lines[-1] == f"report: {tmp_path}/report.html"
    assert any("async by" in line for line in lines)


def test_null_figures_never_become_zero(tmp_path, all_rows, words_only):
    def without(row):
        memory = {**row["memory"], "kernel_stack_bytes": None, "slab_bytes": None,
                  "whole_plateau_bytes": None, "kernel_source": None}
        return {**row, "memory": memory, "stack": dict(size_bytes=None, used_peak_bytes=None),
                "cpu_user_ns": None, "origin": None}
    rows = [without(row) for row in all_rows if row["status"] == "ok" and row["tasks"] in (10, 100)]
    out = tmp_path / "out"
    assert report.main([str(write_run(tmp_path / "r", rows)), f"--out={out}"]) == 0
    text = (out / "report.md").read_text()
    table = text[text.index("*Memory above the base"):text.index("## 3. How far")]
    cells = [line.split(" | ") for line in table.splitlines() if line.startswith("| sleep")]
    assert cells
    for cell in cells:
        assert cell[5:8] == ["n/a"] * 3 and cell[9].startswith("n/a") and cell[10].startswith("n/a")
    assert "not measured in threads and async" in text


def test_a_run_of_one_round_and_one_model_is_reported(tmp_path, all_rows, capsys):
    rows = [row for row in all_rows if row["model"] == "async" and row["round"] == 1
            and row["status"] == "ok" and row["tasks"] == 10 and row["workload"] == "chain"]
    out = tmp_path / "out"
    assert report.main([str(write_run(tmp_path / "r", rows)), f"--out={out}"]) == 0
    assert "nothing to compare" in capsys.readouterr().out
    assert not (out / "charts" / "answer.svg").exists()


def test_a_run_of_one_round_gives_no_verdict(tmp_path, all_rows, capsys, words_only):
    rows = [row for row in all_rows if row["round"] == 1 and row["status"] == "ok"]
    out = tmp_path / "out"
    assert report.main([str(write_run(tmp_path / "r", rows)), f"--out={out}"]) == 0
    assert "no verdict, seen" in capsys.readouterr().out


def test_a_run_without_any_ok_trial_is_reported(tmp_path, all_rows, words_only):
    rows = [row for row in all_rows if row["status"] in ("crashed", "timeout")]
    out = tmp_path / "out"
    assert report.main([str(write_run(tmp_path / "r", rows)), f"--out={out}"]) == 1
    assert "ended by signal 11" in (out / "report.md").read_text()


def test_bad_input_is_one_line_and_status_2(tmp_path):
    done = subprocess.run([sys.executable, SCRIPTS / "report.py", tmp_path / "nowhere"],
                          capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.count("\n") == 1 and "no such folder" in done.stderr


def test_a_cut_off_run_is_reported_with_a_warning(tmp_path, all_rows, words_only):
    rows = all_rows[:30]
    folder = write_run(tmp_path / "r", rows, tail='{"sch')
    plan = json.loads((folder / "plan.json").read_text())
    plan["cells"][0]["rounds"] += 12
    (folder / "plan.json").write_text(json.dumps(plan))
    assert report.main([str(folder), f"--out={tmp_path / 'out'}"]) == 0
    text = (tmp_path / "out" / "report.md").read_text()
    assert "was cut short" in text
    assert "The plan has 42 trials, the run 30" in text


@pytest.mark.parametrize("value, text", [(None, "n/a"), (0, "0 ns"), (999, "999 ns"),
                                         (1500, "1.50 µs"), (101_300_000, "101 ms"),
                                         (61e9, "61.0 s"), (-2500, "-2.50 µs")])
def test_times_are_written_with_the_unit_that_fits(value, text):
    assert units.time_text(value) == text


@pytest.mark.parametrize("ends, text", [((2.0, 1.9, 2.1), "2.00x (1.90..2.10)"),
                                        ((1.031, 1.028, 1.034), "3.1 % (2.8..3.4)"),
                                        ((34.12,), "34.1x")])
def test_factors_are_written_as_times_or_percent(ends, text):
    assert units.factor_text(*ends) == text


def test_rows_with_pinned_cores_are_told_apart(tmp_path, all_rows):
    rows = [row for row in all_rows if row["workload"] == "sleep" and row["tasks"] in (10, 100)]
    rows += [{**row, "cpus": "0"} for row in rows]
    out = tmp_path / "out"
    report.main([str(write_run(tmp_path / "r", rows)), f"--out={out}"])
    assert "### sleep, pinned to core 0" in (out / "report.md").read_text()
    assert (out / "charts" / "time-sleep-2.svg").exists()


def test_the_fixture_is_what_the_loader_reads(run_folder, all_rows):
    assert load_run(run_folder).rows == all_rows
    assert all_rows[0].keys() == synthetic_row(all_rows[0]["spec"], "async", 1,
                                               np.random.default_rng(1)).keys()
