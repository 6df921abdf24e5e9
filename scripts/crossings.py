"""Which model wins from where on, from a run's cells: along N, and along the work or wait of a task."""

from collections import defaultdict
from dataclasses import dataclass

import cells as rows_of
import crossover
import inference
import stats
import verdicts
from units import count_text, parse_duration, time_text

WORK_PARAMS = ("work", "delay")


@dataclass(frozen=True)
class Trend:
    """other : reference of one metric along an axis, 'tasks' or one of WORK_PARAMS; points as in
    crossover.py, x in tasks or ns; alpha is the level of the metric's verdicts."""

    metric: verdicts.Metric
    workload: str
    cpus: str | None
    params: str
    axis: str
    other: str
    reference: str
    other_model: str
    variant: int
    points: tuple
    alpha: float
    found: crossover.Crossover


def each_trend(cells, families, comparisons, spread_of):
    """Trends of all pairs and metrics with at least two x, along N first."""
    levels = {c.metric: c.alpha for c in comparisons if c.alpha}
    groups = [(family.params, "tasks", list(family.series)) for family in families]
    groups += [(params, axis, list(rows_of.group_series(members)))
               for axis in WORK_PARAMS for params, members in along(cells, axis)]
    return [trend for params, axis, series in groups
            for trend in trends_of(params, axis, series, levels, spread_of)]


def along(cells, axis):
    """[(params, cells)] of the cells that differ in nothing but the model and the axis' parameter."""
    groups = defaultdict(list)
    for cell in cells:
        if axis in rows_of.parse_spec(cell.spec)[1]:
            groups[cell.workload, cell.cpus, rows_of.family_params(cell.spec, (axis,))].append(cell)
    return [(key[-1], members) for key, members in groups.items()]


def trends_of(params, axis, series, levels, spread_of):
    reference = next((s for s in series if s.model == verdicts.REFERENCE_MODEL), None)
    found = []
    for other in series if reference else ():
        for metric in verdicts.METRICS if other is not reference else ():
            points = points_of(metric, axis, other, reference, spread_of)
            if other.cells[0].workload in metric.workloads and len(points) > 1:
                alpha = levels.get(metric, inference.ALPHA)
                found.append(Trend(metric, other.cells[0].workload, other.cells[0].cpus, params, axis,
                                   other.label, reference.label, other.model, other.variant,
                                   tuple(points), alpha, crossover.find_crossover(points, alpha)))
    return found


def points_of(metric, axis, other, reference, spread_of):
    """crossover.Point of each x at which both have the figure in three rounds, ascending."""
    cells = [{axis_value(c, axis): c for c in s.cells if c.ok} for s in (other, reference)]
    points = []
    for x in sorted(set(cells[0]) & set(cells[1])):
        pair = [side[x] for side in cells]
        logs = logs_of(metric, pair)
        if len(logs) < inference.MIN_ROUNDS:
            continue
        spread = spread_of(metric, pair[0])
        finding = inference.at_least(inference.finding_of_logs(list(logs.values())), spread)
        points.append(crossover.Point(x, logs, finding))
    return points


def logs_of(metric, pair):
    """{round: logarithm of the ratio of the two cells' figures}; of a p99 only if every round that
    both have has one."""
    if metric.distribution:
        sides = [cell.rounds(lambda row: verdicts.counted(row.get(metric.distribution)))
                 for cell in pair]
        logs = inference.percentile_logs(*sides, stats.PER_100K["p99"])
    else:
        sides = [verdicts.positive(cell.rounds(metric.figure)) for cell in pair]
        logs = inference.paired_logs(*sides)
    return dict(zip(sorted(set(sides[0]) & set(sides[1])), logs))


def axis_value(cell, axis):
    """A number of tasks, or ns, or a plain number."""
    if axis == "tasks":
        return cell.tasks
    text = rows_of.parse_spec(cell.spec)[1][axis]
    return float(text) if text.isdigit() else parse_duration(text)


def axis_text(axis, x):
    return count_text(x) if axis == "tasks" else time_text(x)


def axis_name(axis):
    return "N" if axis == "tasks" else axis


def winner(trend):
    """The label of the model that is better where the last difference was seen."""
    is_other = (trend.found.sign < 0) != trend.metric.is_more_better
    return trend.other if is_other else trend.reference


def loser(trend):
    return trend.reference if winner(trend) == trend.other else trend.other


def interval_text(trend):
    """'310 (280..420)' of a crossing."""
    at, low, high = (axis_text(trend.axis, x) for x in (trend.found.at, trend.found.low,
                                                        trend.found.high))
    return f"{at} ({low}..{high})"


def finding_text(trend):
    """What was found along the axis, in words."""
    name, found = axis_name(trend.axis), trend.found
    since = None if found.since is None else axis_text(trend.axis, found.since)
    texts = {
        "never": lambda: "not within range: no difference seen anywhere",
        "always": lambda: f"not within range: {winner(trend)} is better at every {name}",
        "starts": lambda: (f"{winner(trend)} is better from {name} = {since} on; "
                           "before that no difference seen"),
        "fades": lambda: (f"{winner(trend)} is better from {name} = {since} to "
                          f"{axis_text(trend.axis, found.until)}; elsewhere no difference seen"),
        "crosses": lambda: (f"{winner(trend)} is better above {name} = {interval_text(trend)}, "
                            f"{loser(trend)} below"),
    }
    return texts[found.kind]()
