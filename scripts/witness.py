#!/usr/bin/python3
"""Lets hyperfine time whole processes of a run's cells, and keeps its JSON in the run.

witness.py RUN [--tva=build/tva] [--seconds=BUDGET] [--resume]

RUN/witness.json is hyperfine's own JSON, its results of all cells together, each with `cell`, `spec`
and `model_spec` added. Exit status: 0; 1 if hyperfine could not time some cell; 2 if there is nothing
to do it with.
"""

import argparse
import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path

from load import LoadError, cell_key, dig, load_run

DEFAULT_TVA = Path(__file__).resolve().parent.parent / "build" / "tva"
WARMUPS = 1
RUNS_MIN, RUNS_MAX = 3, 30
TIMEOUT_S = 600
ORIGIN_END_S = 10


class WitnessError(Exception):
    """One line: what, which, what to try."""


def main(arguments=None):
    options = parse_options(arguments)
    try:
        run = load_run(options.run)
        cells = witness_cells(run)
        check_tools(options.tva)
        failures = time_cells(run, cells, kept_results(run, options.resume), options)
    except (LoadError, WitnessError) as error:
        print(f"witness.py: {error}", file=sys.stderr)
        return 2
    for failure in failures:
        print(f"witness.py: {failure}", file=sys.stderr)
    return int(bool(failures))


def parse_options(arguments):
    parser = argparse.ArgumentParser(description="Times a run's cells with hyperfine.")
    parser.add_argument("run", metavar="RUN", help="folder that tva bench wrote")
    parser.add_argument("--tva", type=Path, default=DEFAULT_TVA, help="the executable (build/tva)")
    parser.add_argument("--seconds", metavar="BUDGET", type=float,
                        help="how long it may take in all, about (what the plan says)")
    parser.add_argument("--resume", action="store_true",
                        help="time only the cells that RUN/witness.json does not have yet")
    options = parser.parse_args(arguments)
    if options.seconds is not None and not options.seconds > 0:
        parser.error("--seconds: must be above 0")
    return options


def witness_cells(run):
    """The cells of the plan that ask for a witness and had a trial that ended ok."""
    cells = [cell for cell in dig(run.plan, "cells") or [] if cell.get("witness")]
    if not cells:
        raise WitnessError(f"{run.path}/plan.json: no cell with \"witness\": true")
    able = {cell_key(row) for row in run.rows if row["status"] == "ok"}
    cells = [cell for cell in cells if cell_key(cell) in able]
    if not cells:
        raise WitnessError(f"{run.path}: no cell for the witness had a trial that ended ok")
    return cells


def check_tools(tva):
    if not shutil.which("hyperfine"):
        raise WitnessError("hyperfine is not installed (try scripts/install-deps)")
    if not tva.is_file():
        raise WitnessError(f"{tva}: no such program (try make)")


def kept_results(run, is_resumed):
    """hyperfine's results of an earlier part, if it is gone on with."""
    return list(dig(run.witness, "results") or []) if is_resumed else []


def time_cells(run, cells, results, options):
    """Times every cell that `results` has not, and adds its result to them and to the file at once;
    returns one line for each that hyperfine could not time."""
    budget = options.seconds or run.plan["witness_ns"] / 1e9
    runs = choose_runs([trial_seconds(run, cell) for cell in cells], budget)
    known = {result["cell"] for result in results}
    missing = [cell for cell in cells if cell["cell"] not in known]
    failures = []
    with origin_for(missing, options.tva) as url:
        for cell in missing:
            try:
                results.append(time_cell(cell, command_of(cell, options.tva, url), runs))
                write_results(run.path / "witness.json", results)
            except WitnessError as error:
                failures.append(f"cell {cell['cell']}: {error}")
    return failures


def trial_seconds(run, cell):
    """How long a trial of the cell took as a process, at most, in seconds."""
    taken = [dig(row, "process", "wall_ns") or row["wall_ns"] for row in run.rows
             if row["status"] == "ok" and cell_key(row) == cell_key(cell)]
    return max(taken) / 1e9


def choose_runs(seconds, budget):
    """How many runs of each cell, beside the warm-up, fit into the budget; all in seconds."""
    return max(RUNS_MIN, min(RUNS_MAX, int(budget / sum(seconds)) - WARMUPS))


def command_of(cell, tva, url):
    """The words of the command that runs one trial of the cell. Its conditions are of the trial
    alone: a plan has no witness for a cell with a load or a pinned origin."""
    words = [str(tva), "trial"]
    if needs_origin(cell):
        words.append(f"--origin={url}")
    if cell.get("conditions"):
        words.append(f"--conditions={cell['conditions']}")
    return [*words, cell["spec"], cell["model_spec"]]


def needs_origin(cell):
    """Fetch does, unless its parameters name other servers."""
    return cell["workload"] == "fetch" and not dig(cell, "params", "url")


@contextmanager
def origin_for(cells, tva):
    """The URL of an origin that runs as long as the context; None if no cell needs one."""
    if not any(needs_origin(cell) for cell in cells):
        yield None
        return
    with subprocess.Popen([str(tva), "origin"], stdout=subprocess.PIPE, text=True) as origin:
        try:
            url = origin.stdout.readline().strip()
            if not url:
                raise WitnessError(f"{tva} origin: ended without printing its URL")
            yield url
        finally:
            end_process(origin)


def end_process(process):
    """SIGTERM, and SIGKILL for one that does not obey."""
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(ORIGIN_END_S)
    except subprocess.TimeoutExpired:
        process.kill()


def time_cell(cell, words, runs):
    """hyperfine's result of one cell, its keys and ours. Raises WitnessError if it has none."""
    with tempfile.TemporaryDirectory() as folder:
        exported = Path(folder) / "hyperfine.json"
        command = ["hyperfine", "--shell=none", "--style=none", f"--warmup={WARMUPS}",
                   f"--runs={runs}", f"--export-json={exported}", shlex.join(words)]
        status, errors = run_group(command)
        if status:
            last = (errors.strip().splitlines() or ["no message"])[-1]
            raise WitnessError(f"hyperfine: {last} ({shlex.join(words)})")
        result = json.loads(exported.read_text(encoding="utf-8"))["results"][0]
    return {**result, **{key: cell[key] for key in ("cell", "spec", "model_spec")}}


def run_group(command):
    """Runs a command as a process group of its own, so that what it starts ends with it. Returns
    its exit status and its standard error."""
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
                          start_new_session=True) as process:
        try:
            _, errors = process.communicate(timeout=TIMEOUT_S)
            return process.returncode, errors
        except subprocess.TimeoutExpired:
            raise WitnessError(f"hyperfine took more than {TIMEOUT_S} s: ended") from None
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)


def write_results(path, results):
    """Replaces `path` as a whole: a reader never sees half of it."""
    partial = path.with_suffix(".json.part")
    partial.write_text(json.dumps({"results": results}, indent=2) + "\n", encoding="utf-8")
    partial.replace(path)


if __name__ == "__main__":
    sys.exit(main())
