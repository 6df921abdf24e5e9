"""Loading: what is cut short, missing or of another make."""

import json

import pytest

import load
from conftest import write_run


@pytest.fixture
def rows(all_rows):
    return all_rows[:3]


def test_all_rows_are_loaded_in_their_order(tmp_path, rows):
    run = load.load_run(write_run(tmp_path / "r", rows))
    assert run.rows == rows
    assert (run.name, run.warnings) == ("r", [])


def test_a_last_line_that_was_cut_short_is_left_out_with_a_warning(tmp_path, rows):
    run = load.load_run(write_run(tmp_path / "r", rows, tail='{"schema":1,"run":"syn'))
    assert run.rows == rows
    assert len(run.warnings) == 1 and "line 4" in run.warnings[0]


def test_a_last_line_without_a_newline_counts(tmp_path, rows):
    run = load.load_run(write_run(tmp_path / "r", rows[:2], tail=json.dumps(rows[2])))
    assert run.rows == rows


def test_rubbish_in_the_middle_is_refused_with_its_line(tmp_path, rows):
    folder = write_run(tmp_path / "r", rows, tail="rubbish\n{}\n")
    with pytest.raises(load.LoadError, match=r"trials.jsonl:4:1: not JSON"):
        load.load_run(folder)


def test_another_schema_is_refused(tmp_path, rows):
    folder = write_run(tmp_path / "r", [{**rows[0], "schema": 2}])
    with pytest.raises(load.LoadError, match="schema 2"):
        load.load_run(folder)


def test_a_row_without_a_key_is_refused(tmp_path, rows):
    folder = write_run(tmp_path / "r", rows)
    (folder / "trials.jsonl").write_text('{"schema":1}\n')
    with pytest.raises(load.LoadError, match="no key 'round'"):
        load.load_run(folder)


def test_an_empty_file_is_refused(tmp_path, rows):
    folder = write_run(tmp_path / "r", rows)
    (folder / "trials.jsonl").write_text("")
    with pytest.raises(load.LoadError, match="no trial"):
        load.load_run(folder)


def test_a_missing_folder_is_refused(tmp_path):
    with pytest.raises(load.LoadError, match="no such folder"):
        load.load_run(tmp_path / "nowhere")


def test_a_missing_environment_is_a_warning_and_a_missing_witness_is_not(tmp_path, rows):
    folder = write_run(tmp_path / "r", rows, witness=False)
    (folder / "environment.json").unlink()
    run = load.load_run(folder)
    assert (run.environment, run.witness, len(run.warnings)) == (None, None, 1)


@pytest.mark.parametrize("keys, expected", [(("a", "b"), 1), (("a", "c"), None), (("x", "b"), None)])
def test_dig_gives_none_for_what_is_not_there(keys, expected):
    assert load.dig({"a": {"b": 1}, "x": None}, *keys) == expected


def attempt(row, number, *reasons):
    return {**row, "attempt": number, "disturbed": list(reasons)}


def test_of_attempts_the_last_that_was_not_disturbed_counts(rows):
    row = rows[0]
    first, second, third = attempt(row, 1, "steal"), attempt(row, 2), attempt(row, 3, "others")
    assert load.last_attempts([first, second, third]) == ([second], [first, third])


def test_of_attempts_that_were_all_disturbed_the_last_counts(rows):
    first, second = attempt(rows[0], 1, "steal"), attempt(rows[0], 2, "control")
    assert load.last_attempts([first, second]) == ([second], [first])


def test_two_trials_of_one_cell_in_a_round_are_not_attempts_of_one_another(rows):
    row = rows[0]
    told = [attempt(row, 1), attempt(row, 1, "steal"), attempt(row, 2), attempt(row, 1)]
    assert load.last_attempts(told) == ([told[0], told[2], told[3]], [told[1]])


def test_rows_of_before_there_were_attempts_all_count(rows):
    old = [{key: value for key, value in row.items() if key not in ("attempt", "disturbed")}
           for row in rows]
    assert load.last_attempts(old) == (old, [])


def test_a_run_sets_the_repeated_rows_aside(tmp_path, rows):
    told = [attempt(rows[0], 1, "steal"), attempt(rows[0], 2), attempt(rows[1], 1)]
    run = load.load_run(write_run(tmp_path / "r", told, witness=False))
    assert (run.rows, run.repeated) == (told[1:], told[:1])


def test_rounds_are_loaded_where_there_are_any(tmp_path, rows):
    folder = write_run(tmp_path / "r", rows)
    assert load.load_run(folder).rounds == []
    (folder / "rounds.jsonl").write_text('{"round":1,"control_spin_ns":5}\n{"round":2,"con')
    run = load.load_run(folder)
    assert run.rounds == [{"round": 1, "control_spin_ns": 5}]
    assert "rounds.jsonl (line 2)" in run.warnings[0]
