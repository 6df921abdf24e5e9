"""Everything that the report tells of a run, computed once: from rows to comparisons, trends, taxes,
ladders. Draws and words nothing."""

from dataclasses import dataclass

import aa
import blocking
import cells as rows_of
import crossings
import ladder
import tax
import verdicts

FEW_RUNGS = 3  # from so many on, a plan is taken to be about its flags


@dataclass(frozen=True)
class Findings:
    """`families` are of the core workloads, `textbook` of the others; comparisons of both. `pairs` are
    the comparisons of A/A pairs, `cases` the blocking cells."""

    cells: list
    families: list
    textbook: list
    comparisons: list
    trends: list
    pairs: list
    taxes: list
    ladders: list
    cases: list
    open_loop: list


def find_all(rows):
    """The Findings of a run's rows."""
    cells = rows_of.group_cells(rows)
    pairs = aa.compare_pairs(aa.pair_cells(cells))
    spread_of = aa.spread_from(pairs)
    ladders = ladder.find_ladders(cells, spread_of)
    own = [c for c in cells if rows_of.is_competitor(c) and c.workload != blocking.WORKLOAD]
    core = [c for c in own if c.workload in rows_of.CORE_WORKLOADS]
    aside = rung_cells(ladders)
    families = rows_of.group_families([c for c in core if c not in aside])
    textbook = rows_of.group_families([c for c in own if c.workload not in rows_of.CORE_WORKLOADS])
    comparisons = verdicts.compare_run(families + textbook, spread_of)
    return Findings(cells, families, textbook, comparisons,
                    crossings.each_trend(core, families, comparisons, spread_of), pairs,
                    tax.find_taxes(cells, spread_of), ladders, blocking.find_cases(cells),
                    [c for c in cells if rows_of.is_open_loop(c) and not c.conditions])


def rung_cells(ladders):
    """The cells that stand on a rung of a long ladder and nowhere else: those whose model and
    parameters were run at one N alone. The base speaks for them in the other sections."""
    aside = []
    for own in ladders:
        if len(own.rungs) > FEW_RUNGS:
            base = own.base.pair
            aside += [c for rung in own.rungs[1:] for c in (rung.pair.threads, rung.pair.async_)
                      if c not in (base.threads, base.async_) and c.cpus is None]
    return aside
