"""What changed from one run to another, cell by cell, metric by metric. From numbers alone.

The runs' rounds are not paired, so the difference of two findings of one run each is Welch's. On one
machine a cell's figure is compared with its own; between machines only the ratio of a model to the
reference, paired within each run.
"""

from dataclasses import dataclass, field, replace

import aa
import cells as rows_of
import inference
import stats
import verdicts
from load import dig

SAME, BETTER, WORSE, MOVED, SMALL, UNKNOWN = VERDICTS = (
    "no change seen", "better", "regression", "changed", "below the threshold", "not comparable")
CHANGED = (BETTER, WORSE, MOVED, SMALL)
MACHINE_KEYS = (("cpu", "model"), ("cpu", "cores"), ("kernel",))


@dataclass(frozen=True)
class Change:
    """ratio is B : A, of a figure or of a ratio; with interval, and the smallest change above 1 that
    was visible."""

    name: str
    metric: str
    ratio: float | None = None
    low: float | None = None
    high: float | None = None
    visible: float | None = None
    verdict: str = UNKNOWN
    reason: str | None = None


@dataclass(frozen=True)
class Drift:
    """The median of B : A over the cells of a metric."""

    metric: str
    cells: int
    ratio: float


@dataclass(frozen=True)
class Result:
    """other_machine tells in what the machines differ; broken, which cells ended ok in A alone."""

    changes: list
    other_machine: list = field(default_factory=list)
    broken: list = field(default_factory=list)
    only_a: list = field(default_factory=list)
    only_b: list = field(default_factory=list)
    drift: list = field(default_factory=list)
    by_ratio: bool = False

    @property
    def has_regression(self):
        return bool(self.broken) or any(c.verdict in (WORSE, MOVED) for c in self.changes)


def compare(run_a, run_b, metrics, threshold=0.0, by_ratio=False):
    """The Result of two load.Runs over `metrics`; `threshold` is a share of 1. by_ratio: compare
    ratios alone on one machine too, which its drift from run to run leaves alone."""
    others = machine_differences(run_a.environment, run_b.environment)
    by_ratio = by_ratio or bool(others)
    make = ratio_findings if by_ratio else cell_findings
    cells = [{name_of(c): c for c in rows_of.group_cells(run.rows)} for run in (run_a, run_b)]
    findings = [make(run.rows, metrics) for run in (run_a, run_b)]
    found = []
    for metric in metrics:
        found += changes_of(metric, *findings, threshold, by_ratio)
    common = [name for name in cells[0] if name in cells[1]]
    broken = [f"{name}: ok in A; in B {verdicts.why_not_ok(cells[1][name])}" for name in common
              if cells[0][name].ok and not cells[1][name].ok]
    return Result(found, others, broken, [n for n in cells[0] if n not in cells[1]],
                  [n for n in cells[1] if n not in cells[0]],
                  [] if by_ratio else drift_of(found, metrics), by_ratio)


def machine_differences(left, right):
    """['cpu.model: X, Y', ...]; what only one environment tells is no difference."""
    found = []
    for keys in MACHINE_KEYS:
        values = [dig(environment, *keys) for environment in (left, right)]
        if None not in values and values[0] != values[1]:
            found.append(f"{'.'.join(keys)}: {values[0]}, {values[1]}")
    return found


def name_of(cell):
    return rows_of.joined(cell.spec, cell.model_spec, rows_of.cpus_text(cell.cpus), cell.conditions)


def cell_findings(rows, metrics):
    """{(name, metric key): Finding} of the logarithm of each cell's figure. Its error is no less than
    what the A/A pair's spread, which is of two cells, makes of one."""
    cells = rows_of.group_cells(rows)
    spread_of = spread_in(cells)
    found = {}
    for cell in sorted(cells, key=place_of):
        for metric in metrics:
            finding = cell_finding(metric, cell)
            if finding:
                spread = spread_of(metric, cell)
                found[name_of(cell), metric.key] = inference.at_least(
                    finding, spread and spread / 2**0.5)
    return found


def place_of(cell):
    """A sort key: what a reader looks for first."""
    return (rows_of.rank(rows_of.WORKLOAD_ORDER, cell.workload), cell.cpus or "",
            rows_of.family_params(cell.spec, rows_of.SIZE_PARAMS),
            rows_of.rank(rows_of.MODEL_ORDER, cell.model), cell.model_spec, cell.tasks)


def spread_in(cells):
    return aa.spread_from(aa.compare_pairs(aa.pair_cells(cells)))


def cell_finding(metric, cell):
    if cell.workload not in metric.workloads:
        return None
    if metric.distribution:
        rounds = cell.rounds(lambda row: verdicts.counted(row.get(metric.distribution)))
        return inference.percentile_finding(rounds, stats.PER_100K["p99"])
    logs = inference.round_logs(verdicts.positive(cell.rounds(metric.figure)))
    return inference.finding_of_logs(list(logs.values()))


def ratio_findings(rows, metrics):
    """{(name, metric key): Finding} of each model's ratio to the reference, at each N."""
    cells = rows_of.group_cells(rows)
    spread_of = spread_in(cells)
    found = {}
    for family in rows_of.group_families(cells):
        for other, reference, tasks in verdicts.pairs_of(family):
            pair = other.at(tasks), reference.at(tasks)
            name = rows_of.joined(pair[0].spec, f"{other.label} : {reference.label}",
                                  rows_of.cpus_text(family.cpus), family.conditions)
            for metric in metrics if all(cell.ok for cell in pair) else ():
                finding = verdicts.finding_of(metric, pair)
                if finding and family.workload in metric.workloads:
                    found[name, metric.key] = inference.at_least(finding, spread_of(metric, pair[0]))
    return found


def changes_of(metric, left, right, threshold, by_ratio):
    """A Change for each name that both sides have a finding of; those of a metric are a family."""
    keys = [key for key in left if key in right and key[1] == metric.key]
    found = {key[0]: inference.difference(right[key], left[key]) for key in keys}
    known = {name: f for name, f in found.items() if f.error is not None}
    alpha = inference.family_alpha([inference.p_value(f) for f in known.values()])
    result = []
    for name, f in found.items():
        if name not in known:
            result.append(Change(name, metric.key, f.ratio, reason=f"a verdict takes "
                                 f"{stats.MIN_ROUNDS} rounds in both"))
            continue
        low, high = inference.interval(f, alpha)
        change = Change(name, metric.key, f.ratio, low, high, inference.smallest_visible(f, alpha))
        result.append(replace(change, verdict=judge(metric, change, threshold, by_ratio)))
    return result


def judge(metric, change, threshold, by_ratio):
    if change.low <= 1 <= change.high:
        return SAME
    if max(change.ratio, 1 / change.ratio) < 1 + threshold:
        return SMALL
    if by_ratio:
        return MOVED
    return BETTER if (change.ratio > 1) == metric.is_more_better else WORSE


def drift_of(found, metrics):
    """One Drift for each metric of time; what is not time does not drift with the machine."""
    drifts = []
    for metric in metrics:
        ratios = [c.ratio for c in found if c.metric == metric.key]
        if ratios and not metric.memory:
            drifts.append(Drift(metric.key, len(ratios), stats.median_interval(ratios).estimate))
    return drifts
