"""The fairness ladder: base and flags are found from the cells alone."""

import pytest

import cells
import findings
import ladder
from synthetic_cells import BASE, RUNGS, ladder_rows


@pytest.fixture(scope="module")
def found():
    own, = ladder.find_ladders(cells.group_cells(ladder_rows()))
    return own


def test_the_base_is_what_most_others_differ_from_in_one_thing(found):
    base = found.base.pair
    assert (base.threads.spec, base.threads.cpus, base.threads.conditions) == (BASE, None, "")
    assert (base.threads.model_spec, base.async_.model_spec) == ("threads:stack=64KiB",
                                                                 "async:stack=auto")


def test_a_rung_is_named_by_its_one_flag_and_another_n_is_none(found):
    assert {rung.flag for rung in found.rungs[1:]} == set(RUNGS) - {"the base"}


@pytest.mark.parametrize("flag, effect", [("cpus=0", ladder.CHANGES), ("load=1", ladder.SAME),
                                          ("cpus=0, origin-cpus=1", ladder.CHANGES),
                                          ("jitter=1ms", ladder.FADES),
                                          ("stack=1MiB in threads", ladder.SAME),
                                          ("timer=coarse", ladder.SAME)])
def test_a_rung_tells_what_becomes_of_the_winner(found, flag, effect):
    rung = next(rung for rung in found.rungs if rung.flag == flag)
    assert rung.comparisons["wall"].ratio == pytest.approx(RUNGS[flag][-1], rel=0.1)
    assert ladder.effect(found.base, rung, "wall") == effect


def test_what_differs_in_two_things_is_no_rung():
    settings = {("spec", "sleep"): "1s", ("condition", "cpus"): "all", ("threads", "stack"): "auto",
                ("async", "stack"): "auto"}
    base = ladder.Pair(None, None, settings)
    def changed(**changes):
        keys = {"sleep": ("spec", "sleep"), "cpus": ("condition", "cpus"),
                "threads": ("threads", "stack"), "other": ("async", "stack")}
        return ladder.Pair(None, None, {**settings, **{keys[k]: v for k, v in changes.items()}})
    assert ladder.difference(base, changed(sleep="2s")) == ("spec", "sleep", "2s")
    assert ladder.difference(base, changed(threads="1MiB", other="1MiB")) == ("models", "stack", "1MiB")
    assert ladder.difference(base, changed(threads="1MiB", other="2MiB")) is None
    assert ladder.difference(base, changed(sleep="2s", cpus="0")) is None
    assert ladder.difference(base, changed()) is None


def test_what_both_models_change_is_not_told_of_one_alone():
    pairs = [ladder.Pair(cell("threads", a), cell("async", b), {("threads", "stack"): a,
                                                               ("async", "stack"): b})
             for a in ("auto", "1MiB") for b in ("auto", "1MiB")]
    assert [flag for flag, _ in ladder.rungs_of(pairs[0], pairs)] == ["stack=1MiB"]


def test_a_pool_is_a_rung_in_place_of_threads_and_never_the_base():
    ok = ({"status": "ok"},)
    pools = [cell("pool", f"64KiB,workers={workers}", ok) for workers in (8, 100)]
    pairs = ladder.pairs_of([*pools, cell("threads", "64KiB", ok), cell("async", "auto", ok)])
    base, rungs = ladder.find_base(pairs)
    assert base.threads.model == "threads"
    assert [flag for flag, _ in rungs] == [f"a pool of {workers} instead"
                                           for workers in (8, 100)]


def cell(model, stack, rows=()):
    return cells.Cell("sleep", BASE, model, f"{model}:stack={stack}", None, 1000, rows)


def test_cells_under_unusual_conditions_are_in_the_ladder_alone():
    found = findings.find_all(ladder_rows())
    specs = {cell.conditions for f in found.families for s in f.series for cell in s.cells}
    assert specs == {""}
    labels = {s.label for f in found.families for s in f.series}
    assert labels == {"threads", "async"}


def test_a_run_without_pairs_has_no_ladder(all_rows):
    only = [row for row in all_rows if row["model"] == "async"]
    assert ladder.find_ladders(cells.group_cells(only)) == []
