"""Reads a run's folder into plain structures; computes nothing but which rows count.

A row stays the dictionary that results/README.md describes. Times are nanoseconds, sizes bytes.
"""

import json
from dataclasses import dataclass, field
from pathlib import Path

SCHEMA = 1
STATUSES = ("ok", "wrong", "failed", "limited", "timeout", "crashed")
REQUIRED = ("round", "workload", "model", "spec", "model_spec", "cpus", "status", "tasks")


class LoadError(Exception):
    """A run that cannot be read; the message is one line: what, which, what to try."""


@dataclass(frozen=True)
class Run:
    """One run: `rows` of trials.jsonl, in the order written, `repeated` those of them that were
    set aside because a further attempt followed; `rounds` of rounds.jsonl; absent files are None."""

    path: Path
    name: str
    rows: list
    plan: dict | None = None
    environment: dict | None = None
    witness: dict | None = None
    warnings: list = field(default_factory=list)
    repeated: list = field(default_factory=list)
    rounds: list = field(default_factory=list)


def dig(row, *keys):
    """The value at row[key][key]..., or None where any part of the way is absent or null."""
    for key in keys:
        if not isinstance(row, dict):
            return None
        row = row.get(key)
    return row


def cell_key(cell_or_row):
    """What a cell of the plan and its rows have in common."""
    return tuple(cell_or_row.get(key) for key in ("spec", "model_spec", "cpus", "conditions"))


def load_run(path):
    """Reads the folder `path` into a Run. Raises LoadError if there is nothing to report on."""
    path = Path(path)
    if not path.is_dir():
        raise LoadError(f"{path}: no such folder (a run is a folder that `tva bench` wrote)")
    warnings = []
    rows, repeated = last_attempts(load_rows(path / "trials.jsonl", warnings))
    rounds = load_rounds(path / "rounds.jsonl", warnings)
    files = {name: load_object(path / f"{name}.json", warnings) for name in ("plan", "environment")}
    witness = load_object(path / "witness.json", warnings, is_optional=True)
    return Run(path, path.resolve().name, rows, witness=witness, warnings=warnings,
               repeated=repeated, rounds=rounds, **files)


def last_attempts(rows):
    """(the rows that count, those set aside), both in order: of each trial the last attempt that was
    not disturbed, or else the last. The attempts of a trial follow one another, and are told from
    the trials of an equal cell, which a round may have twice, by their number. Rows of before there
    were attempts are the only ones of their trials."""
    trials = []
    for row in rows:
        if row.get("attempt", 1) > 1 and trials:
            trials[-1].append(row)
        else:
            trials.append([row])
    chosen = [next((row for row in reversed(trial) if not row.get("disturbed")), trial[-1])
              for trial in trials]
    return chosen, [row for trial, own in zip(trials, chosen) for row in trial if row is not own]


def load_rows(path, warnings):
    """The rows of trials.jsonl."""
    rows = [check_row(row, f"{path}:{number}")
            for number, row in enumerate(load_lines(path, warnings), 1)]
    if not rows:
        raise LoadError(f"{path}: no trial in it (did `tva bench` end before its first trial did?)")
    return rows


def load_rounds(path, warnings):
    """The objects of rounds.jsonl, [] where there is none: only `tva bench` of today writes it."""
    return load_lines(path, warnings) if path.exists() else []


def load_lines(path, warnings):
    """The JSON values of a file, one a line. A last one that was cut short is left out, with a
    warning."""
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").split("\n")
    except OSError as error:
        raise LoadError(f"{path}: {error.strerror} (is this a run of `tva bench`?)") from None
    if not lines[-1]:
        lines.pop()
    values = []
    for number, line in enumerate(lines, 1):
        try:
            values.append(json.loads(line))
        except json.JSONDecodeError as error:
            if number < len(lines):
                raise LoadError(f"{path}:{number}:{error.colno}: not JSON: {error.msg}") from None
            warnings.append(f"The last line of {path.name} (line {number}) was cut short, "
                            "as by a kill; it is left out.")
    return values


def check_row(row, place):
    """Returns `row` if it is one of this schema; raises LoadError otherwise."""
    if not isinstance(row, dict):
        raise LoadError(f"{place}: a row must be a JSON object")
    if row.get("schema") != SCHEMA:
        raise LoadError(f"{place}: schema {row.get('schema')!r}, but this program reads schema "
                        f"{SCHEMA} (use the scripts of the version that wrote the run)")
    for key in REQUIRED:
        if key not in row:
            raise LoadError(f"{place}: no key {key!r}, which every row has (results/README.md)")
    if row["status"] not in STATUSES:
        raise LoadError(f"{place}: status {row['status']!r}, expected one of {', '.join(STATUSES)}")
    return row


def load_object(path, warnings, is_optional=False):
    """The JSON object in `path`; None, with a warning unless optional, where there is none."""
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        if not is_optional:
            warnings.append(f"{path.name} is missing; what it tells is left out.")
        return None
    except OSError as error:
        raise LoadError(f"{path}: {error.strerror}") from None
    except json.JSONDecodeError as error:
        raise LoadError(f"{path}:{error.lineno}:{error.colno}: not JSON: {error.msg}") from None
    if not isinstance(value, dict):
        raise LoadError(f"{path}: expected a JSON object")
    return value
