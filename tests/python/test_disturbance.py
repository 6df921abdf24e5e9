"""What the report tells of trials that the machine disturbed."""

import pytest

import certainty
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
    text, = certainty.disturbance_words(run)
    assert text.startswith("2 attempts set aside because a trial was disturbed and run again; of the 2 "
                           "trials that count, 1 was disturbed to the last attempt")
    counts = {row[0]: (row[2].number, row[3].number) for row in certainty.disturbance_table(run).rows}
    assert counts == {"steal": (1, 0), "control": (1, 1), "others": (1, 0)}


def test_a_run_of_before_trials_were_watched_says_so(tmp_path, all_rows):
    run = load_run(write_run(tmp_path / "r", all_rows[:3]))
    assert certainty.disturbance_words(run) == [
        "The run does not tell which of its trials were disturbed."]
    assert not certainty.has_reasons(run)


def test_only_the_attempt_that_counts_is_counted_as_a_trial(run):
    assert sections.status_counts(run.rows) == {"ok": 2}


def test_the_report_tells_how_the_control_spin_drifted(run, tmp_path, monkeypatch):
    monkeypatch.setattr(report, "write_charts", lambda *_: [])
    assert report.main([str(run.path), f"--out={tmp_path / 'out'}"]) == 0
    text = (tmp_path / "out" / "report.md").read_text()
    assert "2 times before a round or the rest of one: median 22.5 ms, from -20.0 % to +20.0 %" in text
    assert "the last against the first +50.0 %" in text
