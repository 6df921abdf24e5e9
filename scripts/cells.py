"""Groups a run's rows: cells (a model with a spec), series (one model over N), families (what one
chart shows: the specs that differ in nothing but how many tasks there are). Also the figures that
are computed from a single row. Times are nanoseconds, sizes bytes.
"""

from collections import defaultdict
from dataclasses import dataclass
from urllib.parse import unquote

import stats
from load import dig

MODEL_ORDER = ("threads", "pool", "async", "async-multi")
FLOORS = {"threads": "bare-threads", "async": "bare-callbacks"}
CORE_WORKLOADS = ("sleep", "fetch", "chain")
WORKLOAD_ORDER = (*CORE_WORKLOADS, "blocking", "spawn", "switch", "cpu", "shared", "queue", "files",
                  "connections")
USUAL_CONDITIONS = {"origin-cpus": ("",), "load": ("0",), "arenas": ("0", "auto")}
SIZE_PARAMS = ("tasks", "requests")


@dataclass(frozen=True)
class Cell:
    """All trials of one model with one spec on the same cores, in the order they ran. `conditions`
    are what else surrounded them, where that is not as usual: 'load=1'."""

    workload: str
    spec: str
    model: str
    model_spec: str
    cpus: str | None
    tasks: int
    rows: tuple
    conditions: str = ""

    @property
    def ok(self):
        return [row for row in self.rows if row["status"] == "ok"]

    def rounds(self, figure):
        """{round: [values]} of figure(row) over ok trials, those that are null left out."""
        values = defaultdict(list)
        for row in self.ok:
            value = figure(row)
            if value is not None:
                values[row["round"]].append(value)
        return dict(values)

    def median(self, figure):
        """stats.Interval of figure(row) over the ok trials, or None where it is always null."""
        values = self.rounds(figure).values()
        return stats.median_interval([v for of_round in values for v in of_round])


@dataclass(frozen=True)
class Series:
    """One model (variant 0, 1, ... of it) over N: cells ascending by tasks."""

    label: str
    model: str
    variant: int
    cells: tuple

    def at(self, tasks):
        return next((cell for cell in self.cells if cell.tasks == tasks), None)


@dataclass(frozen=True)
class Family:
    """Specs of one workload under the same conditions that differ in their number of tasks alone."""

    workload: str
    cpus: str | None
    params: str
    series: tuple
    conditions: str = ""

    @property
    def sizes(self):
        """All N with an ok trial, ascending."""
        return sorted({cell.tasks for s in self.series for cell in s.cells if cell.ok})

    @property
    def title(self):
        return joined(self.workload, cpus_text(self.cpus), self.conditions)


def joined(*parts):
    """Those of the parts that are not empty, with commas."""
    return ", ".join(part for part in parts if part)


def cpus_text(cpus):
    """'' for all cores."""
    if cpus is None:
        return ""
    return f"pinned to core{'' if cpus.isdigit() else 's'} {cpus}"


def parse_spec(spec):
    """'sleep:tasks=10,seed=1' as its owner and a dict of its parameters, as text, in order."""
    owner, _, rest = spec.partition(":")
    pairs = (part.partition("=") for part in rest.split(",") if part)
    return owner, {name: unquote(value) for name, _, value in pairs}


def conditions_of(row):
    """'arenas=1, load=1': the conditions of a row other than the usual ones and its cores."""
    _, _, text = f":{row.get('conditions') or ''}".rpartition(":")
    found = parse_spec(f"conditions:{text}")[1]
    return ", ".join(f"{name}={value}" for name, value in sorted(found.items())
                     if name != "cpus" and value not in USUAL_CONDITIONS.get(name, ()))


def is_open_loop(cell):
    """Whether operations begin at times of their own, rather than when the one before has ended."""
    return parse_spec(cell.spec)[1].get("rate", "") not in ("", "0")


def is_competitor(cell):
    """Whether the cell is one of those that are compared: no floor, and nothing unusual about it."""
    return not (cell.model in FLOORS.values() or cell.conditions or is_open_loop(cell))


def rank(order, name):
    """A sort key: the known names in their order, then the others by name."""
    return (order.index(name) if name in order else len(order), name)


def group_cells(rows):
    """Cells of all rows but those with a timeline, whose observer costs time of its own."""
    groups = defaultdict(list)
    for row in rows:
        if row.get("timeline") is None:
            key = ("workload", "spec", "model", "model_spec", "cpus", "tasks")
            groups[*(row[name] for name in key), conditions_of(row)].append(row)
    return [Cell(*key, tuple(members), conditions)
            for (*key, conditions), members in groups.items()]


def group_families(cells):
    """Families of all cells, in the order of workloads, unpinned first."""
    groups = defaultdict(list)
    for cell in cells:
        groups[cell.workload, cell.cpus, cell.conditions,
               family_params(cell.spec, SIZE_PARAMS)].append(cell)
    families = []
    for (workload, cpus, conditions, params), members in groups.items():
        for params, part in split_ambiguous(params, members):
            families.append(Family(workload, cpus, params, tuple(group_series(part)), conditions))
    return sorted(families, key=lambda f: (rank(WORKLOAD_ORDER, f.workload), f.cpus or "", f.conditions,
                                           -max(c.tasks for s in f.series for c in s.cells),
                                           f.params))


def family_params(spec, without):
    return ", ".join(f"{k}={v}" for k, v in parse_spec(spec)[1].items() if k not in without)


def split_ambiguous(params, cells):
    """Requests usually grow with tasks. Where one N has several specs they do not, and each number
    of requests is a family of its own. Yields (params, cells)."""
    if len({cell.tasks for cell in cells}) == len({cell.spec for cell in cells}):
        return [(params, cells)]
    parts = defaultdict(list)
    for cell in cells:
        parts[family_params(cell.spec, SIZE_PARAMS[:1])].append(cell)
    return parts.items()


def group_series(cells):
    """Series of one family; a model with several model_specs is one series for each of them."""
    by_model = defaultdict(lambda: defaultdict(list))
    for cell in cells:
        by_model[cell.model][cell.model_spec].append(cell)
    for model in sorted(by_model, key=lambda name: rank(MODEL_ORDER, name)):
        variants = by_model[model]
        labels = variant_labels(model, list(variants))
        for number, (model_spec, members) in enumerate(variants.items()):
            ordered = tuple(sorted(members, key=lambda cell: cell.tasks))
            yield Series(labels[model_spec], model, number, ordered)


def variant_labels(model, model_specs):
    """{model_spec: label}: the model, and what tells its variants apart where there are several."""
    params = {spec: parse_spec(spec)[1] for spec in model_specs}
    names = list(dict.fromkeys(name for values in params.values() for name in values))
    different = [n for n in names if len({values.get(n) for values in params.values()}) > 1]
    return {spec: " ".join([model] + [f"{n}={values.get(n)}" for n in different])
            for spec, values in params.items()}


# Figures of one row: a number, or None where it was not measured.

def wall_ns(row):
    return dig(row, "wall_ns")


def process_wall_ns(row):
    return dig(row, "process", "wall_ns")


def cpu_ns(row):
    user, system = row.get("cpu_user_ns"), row.get("cpu_system_ns")
    return None if user is None or system is None else user + system


def cpu_per_operation_ns(row):
    cpu = cpu_ns(row)
    return None if cpu is None or not row.get("operations") else cpu / row["operations"]


def unit_ns(row):
    """Time of what an operation consists of. Where operations follow one another it is their median
    latency, which leaves out the start; where tasks make them side by side, the wall time divided
    by all of them."""
    units = row.get("units_per_operation")
    if not row.get("unit") or not units:
        return None
    if row["workload"] in ("spawn", "switch"):
        latency = dig(row, "latency_ns", "p50") or dig(row, "latency_ns", "mean")
        return None if latency is None else latency / units
    if not row.get("wall_ns") or not row.get("operations"):
        return None
    return row["wall_ns"] / row["operations"] / units


def cores_busy(row):
    """CPU time by wall time: 2 is two cores, all the time."""
    cpu = cpu_ns(row)
    return None if cpu is None or not row.get("wall_ns") else cpu / row["wall_ns"]


def throughput(row):
    """Operations per second."""
    if not row.get("wall_ns") or not row.get("operations"):
        return None
    return row["operations"] * 1e9 / row["wall_ns"]


def rss_per_task_bytes(row):
    return grown_per_task(row, "rss_plateau_bytes")


def whole_per_task_bytes(row):
    return grown_per_task(row, "whole_plateau_bytes")


def grown_per_task(row, key):
    """What a plateau's memory is above the base, divided by the tasks."""
    plateau, base = dig(row, "memory", key), dig(row, "memory", "rss_base_bytes")
    return None if plateau is None or base is None else (plateau - base) / row["tasks"]


def memory_line(series, key):
    """stats.Line of memory[key] against N: the median of the trials of each N is one point."""
    points = [(cell.tasks, cell.median(lambda row: dig(row, "memory", key))) for cell in series.cells]
    points = [(tasks, found.estimate) for tasks, found in points if found]
    return stats.weighted_line(*zip(*points)) if points else None


def merged(cell, key):
    """stats.Distribution of row[key] over the ok trials of a cell, or None."""
    return stats.merge([row.get(key) for row in cell.ok])
