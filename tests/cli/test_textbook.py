"""The workloads that measure one row each of the textbook's table, from the command line."""

import json

import pytest

MODELS = {"threads", "pool", "async"}

# Each small, with the operations and the units in each that it says it has.
SMALL = [
    (["spawn", "--tasks=20", "--batches=3"], 3, 20, "one task"),
    (["switch", "--switches=20", "--batches=3"], 3, 20, "one switch"),
    (["switch", "--by=semaphore", "--switches=20", "--batches=3"], 3, 20, "one switch"),
    (["switch", "--by=pipe", "--tasks=3", "--switches=20", "--batches=3"], 3, 21, "one switch"),
    (["cpu", "--tasks=6", "--work=10k", "--yield-every=1k"], 6, 10_000, "one round of the hash"),
    (["shared", "--lock=atomic", "--batches=3"], 24, 1000, "one increment"),
    (["shared", "--lock=mutex", "--batches=3", "--increments=50"], 24, 50, "one increment"),
    (["queue", "--items=50", "--batches=4"], 8, 50, "one item put or taken"),
]


def rows_of(done):
    """The rows on standard output, by model."""
    assert done.returncode == 0, done.stderr
    return {row["model"]: row for row in map(json.loads, done.stdout.splitlines())}


@pytest.mark.parametrize("arguments, operations, units, unit", SMALL)
def test_it_is_verified_in_all_models_and_says_what_an_operation_consists_of(
        tva, arguments, operations, units, unit):
    rows = rows_of(tva("run", *arguments, "--json"))
    assert MODELS <= set(rows)
    for row in rows.values():
        assert row["status"] == "ok" and row["verified"] is True, row["reason"]
        assert row["operations"] == operations == row["latency_ns"]["count"]
        assert row["units_per_operation"] == units and row["unit"] == unit
    assert len({row["spec"] for row in rows.values()}) == 1


def test_lost_updates_are_a_figure_of_the_row(tva):
    rows = rows_of(tva("run", "shared", "--lock=none", "--wait-inside=yes", "--increments=50",
                       "--batches=4", "--json"))
    assert rows["async"]["figures"] == {"lost_updates_count": 7 * 4 * 50}
    assert rows["threads"]["figures"]["lost_updates_count"] > 0


def test_one_loop_loses_no_update_where_no_task_waits(tva):
    rows = rows_of(tva("run", "shared", "--lock=none", "--model=async", "--json"))
    assert rows["async"]["figures"] == {"lost_updates_count": 0}


def test_tasks_that_need_one_another_are_all_under_way_at_once(tva):
    for row in rows_of(tva("run", "queue", "--items=50", "--json")).values():
        assert row["tasks"] == row["peak_in_flight"] == 8


def test_what_does_not_fit_together_is_told_in_one_line(tva):
    done = tva("run", "shared", "--lock=atomic", "--wait-inside=yes")
    assert done.returncode == 2 and done.stdout == ""
    assert len(done.stderr.splitlines()) == 1 and "--lock=mutex" in done.stderr


def test_list_tells_their_words_and_defaults(tva):
    listed = tva("list").stdout
    for part in ("--by=yield|semaphore|pipe", "--lock=none|atomic|mutex", "--wait-inside=yes|no",
                 "(default 64)", "  spawn: ", "  switch: ", "  cpu: ", "  shared: ", "  queue: "):
        assert part in listed
