"""What the report tells of trials that the machine disturbed."""

import pytest

import report
import sections
from conftest import write_run
from load import load_run


@pytest.fixture
def run(tmp_path, all_rows):
    quiet, noisy = all_rows[0], all_rows[1]
    rows = [{**quiet, "attempt": 1, "disturbed": ["steal"]},
            {**quiet, "attempt": 2, "disturbed": []},
            {**noisy, "attempt": 1, "disturbed": ["control", "others"]},
            {**noisy, "attempt": 2, "disturbed": ["control"]}]
    folder = write_run(tmp_path / "r", rows, witness=False)
    (folder / "rounds.jsonl").write_text('{"round":1,"control_spin_ns":18000000}\n'
                                         '{"round":2,"control_spin_ns":27000000}\n')
    return load_run(folder)


def test_repeated_trials_and_those_left_disturbed_are_counted_by_reason(run):
    repeated, left = sections.disturbance_notes(run)
    assert repeated.startswith("2 trials disturbed (control 1, others 1, steal 1) and repeated")
    assert left.startswith("1 trial disturbed (control 1) to the last attempt")


def test_a_run_that_nothing_disturbed_needs_no_note(tmp_path, all_rows):
    assert sections.disturbance_notes(load_run(write_run(tmp_path / "r", all_rows[:3]))) == []


def test_only_the_attempt_that_counts_is_counted_as_a_trial(run):
    assert sections.status_counts(run.rows) == {"ok": 2}


def test_the_report_tells_how_the_control_spin_drifted(run, tmp_path, monkeypatch):
    monkeypatch.setattr(report, "write_charts", lambda *_: [])
    assert report.main([str(run.path), f"--out={tmp_path / 'out'}"]) == 0
    text = (tmp_path / "out" / "report.md").read_text()
    assert "18.0 ms to 27.0 ms" in text and "to the last attempt" in text
