"""scripts/bench, in a tree whose tva, witness and report are stubs with given exit statuses."""

import shutil
import subprocess
from pathlib import Path

import pytest

BENCH = Path(__file__).resolve().parents[2] / "scripts" / "bench"
TVA = """#!/bin/sh
echo "tva $*" >> log
echo "a line before"
echo results/some
exit {status}
"""
PYTHON = """#!/bin/sh
echo "$*" >> log
case $1 in
    *witness.py) exit {witness} ;;
    *report.py) exit {report} ;;
esac
"""


@pytest.fixture
def bench(tmp_path):
    """Runs scripts/bench where its three programs end with these statuses; tells its own status and
    what it called, in order."""
    def run(tva=0, witness=0, report=0, arguments=("--only=sleep",)):
        write(tmp_path / "build" / "tva", TVA.format(status=tva))
        write(tmp_path / "python", PYTHON.format(witness=witness, report=report))
        write(tmp_path / "scripts" / "find-python", f"#!/bin/sh\necho {tmp_path}/python\n")
        shutil.copy(BENCH, tmp_path / "scripts" / "bench")
        done = subprocess.run([tmp_path / "scripts" / "bench", "quick", *arguments], timeout=30,
                              stdout=subprocess.PIPE, text=True, check=False)
        run.printed = done.stdout
        return done.returncode, (tmp_path / "log").read_text().splitlines()
    return run


def write(path, text):
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)


MEASURED = "tva bench --plan=quick --only=sleep"
WITNESSED = "scripts/witness.py results/some --tva=build/tva"
REPORTED = "scripts/report.py results/some"


def test_it_measures_then_times_then_reports_on_the_folder_that_tva_named_last(bench):
    assert bench() == (0, [MEASURED, WITNESSED, REPORTED])


@pytest.mark.parametrize("arguments", [("--resume=results/some",), ("--resume", "results/some")])
def test_a_run_is_gone_on_with_under_its_own_plan_and_with_its_witness(bench, arguments):
    assert bench(arguments=arguments) == (
        0, [f"tva bench {' '.join(arguments)}", f"{WITNESSED} --resume", REPORTED])


def test_a_failed_trial_is_reported_and_the_status_is_1(bench):
    assert bench(tva=1, report=1) == (1, [MEASURED, WITNESSED, REPORTED])


@pytest.mark.parametrize("status", [2, 130])
def test_without_a_whole_run_there_is_no_report_and_the_status_is_tvas(bench, status):
    assert bench(tva=status) == (status, [MEASURED])
    assert bench.printed.endswith("results/some\n")


def test_without_a_plan_it_says_what_to_try():
    done = subprocess.run([BENCH], timeout=30, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "bench: which plan? Try scripts/bench quick\n"


def test_a_witness_that_failed_is_status_1_after_the_report(bench):
    assert bench(witness=1) == (1, [MEASURED, WITNESSED, REPORTED])


def test_a_plan_without_a_cell_for_the_witness_is_no_failure(bench):
    assert bench(witness=2) == (0, [MEASURED, WITNESSED, REPORTED])


def test_a_report_that_failed_is_status_1(bench):
    assert bench(report=2) == (1, [MEASURED, WITNESSED, REPORTED])
