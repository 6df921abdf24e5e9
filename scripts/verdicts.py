"""Judges one model against another, metric by metric, and says it in words. From numbers alone.

A ratio is other : reference; what it says of the models is decided by its interval, which judge()
gives to all comparisons of a metric together.
"""

from collections import Counter
from dataclasses import dataclass, replace
from typing import Callable

import cells as figures
import inference
import stats
from load import dig
from units import count_text, ends_text, factor_text, plural, visible_text

REFERENCE_MODEL = "async"


@dataclass(frozen=True)
class Metric:
    """What is compared. `claim` completes '<winner> ... than <loser>'; `figure` is a row's number,
    `distribution` the row's key where it is a p99 instead, `memory` the key whose slope it is."""

    key: str
    title: str
    claim: str
    figure: Callable | None = None
    distribution: str | None = None
    memory: str | None = None
    is_more_better: bool = False
    workloads: tuple = figures.CORE_WORKLOADS


CORE = figures.CORE_WORKLOADS
METRICS = (
    Metric("wall", "wall time", "is faster", figures.wall_ns, workloads=(*CORE, "cpu", "files")),
    Metric("unit", "time per unit", "takes less time for each unit", figures.unit_ns,
           workloads=("spawn", "switch", "shared", "queue")),
    Metric("cpu", "CPU per operation", "uses less CPU time per operation",
           figures.cpu_per_operation_ns,
           workloads=(*CORE, "spawn", "switch", "shared", "queue", "files", "connections")),
    Metric("rss", "memory/task RSS", "needs less memory per task (RSS)",
           figures.rss_per_task_bytes, memory="rss_plateau_bytes",
           workloads=(*CORE, "connections")),
    Metric("whole", "memory/task whole", "needs less memory per task (whole)",
           figures.whole_per_task_bytes, memory="whole_plateau_bytes",
           workloads=(*CORE, "connections")),
    Metric("overshoot", "overshoot p99", "wakes less late (p99 of the overshoot)",
           distribution="overshoot_ns", workloads=("sleep",)),
    Metric("latency", "latency p99", "answers sooner (p99 of the latency)",
           distribution="latency_ns", workloads=("connections",)),
    Metric("throughput", "fetches a second", "fetches more per second", figures.throughput,
           is_more_better=True, workloads=("fetch",)),
)


@dataclass(frozen=True)
class Comparison:
    """ratio is other : reference, of `finding`. `reason` says why there is no verdict; then the ratio
    may still hold what was seen. `basis` says what the ratio is of, where it is not one spec.
    judge() gives low, high, the smallest ratio above 1 that was `visible`, and the `alpha` of both."""

    metric: Metric
    workload: str
    spec: str
    cpus: str | None
    tasks: int
    other: str
    reference: str
    other_model: str
    ideal_ns: int | None
    finding: inference.Finding | None = None
    rounds: int = 0
    reason: str | None = None
    basis: str | None = None
    low: float | None = None
    high: float | None = None
    visible: float | None = None
    alpha: float | None = None

    @property
    def ratio(self):
        return self.finding.ratio if self.finding else None

    @property
    def outcome(self):
        """'other' or 'reference', whichever is better; 'none': no difference seen; 'no verdict'."""
        if self.reason:
            return "no verdict"
        if self.low <= 1 <= self.high:
            return "none"
        return "reference" if (self.ratio > 1) != self.metric.is_more_better else "other"


def compare_run(families, spread_of=None):
    """Comparisons of every family: each other series with the reference, each common N, each
    metric, in this order. `spread_of` is as in judge()."""
    return judge([c for family in families for c in compare_family(family)], spread_of)


def judge(comparisons, spread_of=None):
    """The comparisons with their intervals. All of one metric are one family: their intervals have
    one level, inference.family_alpha(). spread_of(metric, comparison) is the spread between cells
    that are the same, or None; no comparison is judged by less noise than that, but for slopes, which
    are over N and not over rounds."""
    found = list(comparisons)
    for metric in dict.fromkeys(c.metric for c in found):
        own = {i: with_spread(c, spread_of) for i, c in enumerate(found)
               if c.metric == metric and c.reason is None}
        alpha = inference.family_alpha([inference.p_value(c.finding) for c in once(own.values())])
        for i, c in own.items():
            low, high = inference.interval(c.finding, alpha)
            found[i] = replace(c, low=low, high=high, alpha=alpha,
                               visible=inference.smallest_visible(c.finding, alpha))
    return found


def with_spread(c, spread_of):
    if spread_of is None or c.basis:
        return c
    return replace(c, finding=inference.at_least(c.finding, spread_of(c.metric, c)))


def once(comparisons):
    """Without those that repeat the slopes of another N."""
    return list({(c.metric, c.workload, c.cpus, c.other, c.finding) if c.basis else id(c): c
                 for c in comparisons}.values())


def compare_family(family):
    return [compare(metric, other, reference, tasks)
            for other, reference, tasks in pairs_of(family) for metric in METRICS
            if family.workload in metric.workloads]


def pairs_of(family):
    """Yields (other, reference, tasks): each other series with the reference, each N of both."""
    reference = next((s for s in family.series if s.model == REFERENCE_MODEL), None)
    for other in family.series if reference else ():
        sizes = sorted({c.tasks for c in other.cells} & {c.tasks for c in reference.cells})
        for tasks in sizes if other is not reference else ():
            yield other, reference, tasks


def headline(comparisons):
    """What stands in the first place: one comparison for each workload, placement, pair and metric.

    One with a verdict comes before one without, for memory one by slopes before one at a single N;
    then the largest N; then the spec with the shortest waits, which hides least of a model's cost.
    """
    best = {}
    for c in comparisons:
        key = (c.workload, c.cpus, c.other, c.reference, c.metric.key)
        if key not in best or weight(c) > weight(best[key]):
            best[key] = c
    return list(best.values())


def weight(c):
    return (c.reason is None, c.ratio is not None, c.basis is not None, c.tasks, -(c.ideal_ns or 0),
            c.spec)


def compare(metric, other, reference, tasks):
    """The Comparison of two series at one N."""
    cells = [series.at(tasks) for series in (other, reference)]
    about = dict(metric=metric, workload=cells[0].workload, spec=cells[0].spec,
                 cpus=cells[0].cpus, tasks=tasks, other=other.label, reference=reference.label,
                 other_model=other.model, ideal_ns=dig(cells[1].rows[0], "ideal_ns"))
    for series, cell in zip((other, reference), cells):
        if not cell.ok:
            return Comparison(**about, reason=f"{series.label}: {why_not_ok(cell)}")
    return measured(metric, (other, reference), cells, about)


def compare_cells(metric, other, reference):
    """The Comparison of two cells alone, other : reference, each by its model's name."""
    sides = [figures.Series(cell.model, cell.model, 0, (cell,)) for cell in (other, reference)]
    return compare(metric, *sides, reference.tasks)


def measured(metric, series, cells, about):
    """The Comparison of two cells that both have ok trials."""
    found = finding_of(metric, cells)
    if found is None:
        missing = [s.label for s, cell in zip(series, cells) if not has_figure(metric, cell)]
        reason = f"not measured in {' and '.join(missing)}" if missing else "no round has both"
        return Comparison(**about, rounds=common_rounds(cells), reason=reason)
    if metric.memory:
        slopes = [figures.memory_line(s, metric.memory) for s in series]
        by_slope = inference.slope_ratio(*slopes)
        if by_slope:
            basis = f"slopes over {slopes[0].count} and {slopes[1].count} values of N"
            return Comparison(**about, finding=by_slope, rounds=found.count, basis=basis)
    return Comparison(**about, finding=found, rounds=found.count, reason=why_no_verdict(found))


def finding_of(metric, cells):
    """The Finding of the ratio of two cells' figures, paired within rounds, or None."""
    if metric.distribution:
        sides = [cell.rounds(lambda row: counted(row.get(metric.distribution))) for cell in cells]
        return inference.percentile_ratio(*sides, stats.PER_100K["p99"])
    return inference.paired_ratio(*(positive(cell.rounds(metric.figure)) for cell in cells))


def why_no_verdict(found):
    """None where there is one."""
    if found.error is not None:
        return None
    if found.count < stats.FEW_ROUNDS:
        few = stats.MIN_ROUNDS if found.count < stats.MIN_ROUNDS else stats.FEW_ROUNDS
        return f"{plural(found.count, 'round')}; a verdict takes {few}"
    return "without one of the rounds too few samples lie beyond"


def counted(distribution):
    """A row's distribution, or None where it counted nothing."""
    return distribution if dig(distribution, "count") else None


def positive(rounds):
    """Rounds whose values are all above 0: of others there is no ratio."""
    return {r: values for r, values in rounds.items() if min(values) > 0}


def has_figure(metric, cell):
    if metric.distribution:
        merged = figures.merged(cell, metric.distribution)
        return stats.percentile(merged, stats.PER_100K["p99"]) is not None
    return bool(positive(cell.rounds(metric.figure)))


def common_rounds(cells):
    left, right = ({row["round"] for row in cell.ok} for cell in cells)
    return len(left & right)


def why_not_ok(cell):
    """'3 of 3 trials limited (pids.max)': what became of a cell without an ok trial."""
    status, count = Counter(row["status"] for row in cell.rows).most_common(1)[0]
    row = next(row for row in cell.rows if row["status"] == status)
    why = dig(row, "limit", "name") or row.get("reason")
    return f"{count} of {plural(len(cell.rows), 'trial')} {status}" + (f" ({why})" if why else "")


def factor(c):
    """By how much the winner wins, as text."""
    ends = (c.ratio, c.low, c.high)
    return factor_text(*ends) if c.ratio > 1 else factor_text(1 / c.ratio, 1 / c.high, 1 / c.low)


def short(c):
    """The better of the two and by how much, at most 30 columns for ordinary numbers."""
    if c.outcome == "no verdict":
        return "no verdict" if c.ratio is None else f"no verdict, seen {c.ratio:.2f}x"
    if c.outcome == "none":
        return f"none seen (could see {visible_text(c.visible)})"
    return f"{c.reference if c.outcome == 'reference' else c.other} by {factor(c)}"


def sentence(c):
    """What was found, in one sentence, with its interval."""
    basis = f"; {c.basis}" if c.basis else ""
    if c.outcome == "no verdict":
        seen = "" if c.ratio is None else f"; seen: {c.other} : {c.reference} {c.ratio:.2f}"
        return f"{c.metric.title}: not comparable ({c.reason}){seen}"
    if c.outcome == "none":
        return (f"{c.metric.title}: no difference seen between {c.other} and {c.reference} (could "
                f"have seen {visible_text(c.visible)}; {c.other} : {c.reference} "
                f"{ends_text(c.low, c.high)}){basis}")
    winner, loser = c.reference, c.other
    if c.outcome == "other":
        winner, loser = loser, winner
    return (f"{winner} {c.metric.claim} than {loser} by {factor(c)}, smallest visible "
            f"{visible_text(c.visible)}{basis}")


def context(c):
    """What a sentence is about: the models, N, how many rounds, where, and the spec."""
    parts = [f"{c.other} against {c.reference}", plural(c.tasks, "task"), plural(c.rounds, "round"),
             figures.cpus_text(c.cpus)]
    return ", ".join(part for part in parts if part) + f": `{c.spec}`"


def tally(comparisons, other):
    """How the comparisons of one label with the reference came out: a sentence."""
    own = [c for c in comparisons if c.other == other]
    outcomes = Counter(c.outcome for c in own)
    parts = [f"{own[0].reference} is better in {outcomes['reference']}",
             f"{other} in {outcomes['other']}", f"no difference seen in {outcomes['none']}"]
    if outcomes["no verdict"]:
        parts.append(f"no verdict in {outcomes['no verdict']}")
    return f"{own[0].reference} against {other}, {plural(len(own), 'comparison')}: " + ", ".join(parts)


def limits(cells):
    """One sentence for each cell that the machine stopped, by spec and model."""
    found = []
    for cell in cells:
        row = next((row for row in cell.rows if row["status"] == "limited"), None)
        if row:
            name, value, reached = (dig(row, "limit", key) for key in ("name", "value", "reached"))
            found.append(f"{cell.model} was stopped by {name or 'a limit'} = {count_text(value)} "
                         f"at {count_text(reached)} of {count_text(cell.tasks)} tasks: `{cell.spec}`")
    return found
