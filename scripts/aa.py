"""A/A pairs: the same cell twice in a plan, under two indices that only the rows tell apart. Whatever
differs between the two is noise, and no model may be judged by less of it.
"""

from dataclasses import replace

import inference
import verdicts

AGAIN = "again"


def pair_cells(cells):
    """[(Cell, Cell)] of each cell that the plan has twice, by its index there. Rows of runs that
    know no index are of no pair."""
    pairs = []
    for cell in cells:
        indices = sorted({row["cell"] for row in cell.rows if row.get("cell") is not None})
        twins = [replace(cell, rows=tuple(row for row in cell.rows if row.get("cell") == index))
                 for index in indices]
        pairs += zip(twins[::2], twins[1::2])
    return pairs


def compare_pairs(pairs):
    """verdicts.Comparison of each pair, each metric, judged by its own noise alone: each claim of a
    difference among them is a false one."""
    return verdicts.judge([compare_pair(metric, pair) for pair in pairs for metric in verdicts.METRICS
                           if pair[0].workload in metric.workloads])


def compare_pair(metric, pair):
    first, second = pair
    about = dict(metric=metric, workload=first.workload, spec=first.spec, cpus=first.cpus,
                 tasks=first.tasks, other=f"{second.model} {AGAIN}", reference=first.model,
                 other_model=second.model, ideal_ns=None)
    if not all(cell.ok for cell in pair):
        return verdicts.Comparison(**about, reason="a cell without an ok trial")
    found = verdicts.finding_of(metric, (second, first))
    if found is None:
        return verdicts.Comparison(**about, reason="not measured")
    return verdicts.Comparison(**about, finding=found, rounds=found.count,
                               reason=verdicts.why_no_verdict(found))


def spread_from(comparisons):
    """spread_of(metric, place) for verdicts.judge(), from those of the A/A pairs: of the same metric
    and as near to the place, which has a workload and cpus, as there is one: same workload and cores,
    same workload, any."""
    def spread_of(metric, place):
        same = [a for a in comparisons if a.metric == metric and a.reason is None]
        near = [[a for a in same if (a.workload, a.cpus) == (place.workload, place.cpus)],
                [a for a in same if a.workload == place.workload], same]
        return inference.pooled_spread([a.finding for a in next(filter(None, near), [])])
    return spread_of


def claims(comparisons):
    """How many of the comparisons with a verdict claim a difference, and how many there are."""
    judged = [c for c in comparisons if c.reason is None]
    return sum(c.outcome != "none" for c in judged), len(judged)
