"""The fairness ladder: what an objection, turned into one flag, does to the ratio of threads to async.

A rung is a pair of cells that differs from the base pair in exactly one thing: a parameter of the
spec, one of a model (in one of the two or in both), a condition, or a pool in place of threads. Where
the origin of a pinned trial runs is told with where that is pinned, as one thing. Which pair is the
base is found from the cells alone. Pure functions.
"""

from dataclasses import dataclass

import cells as rows_of
import verdicts

MODELS = ("threads", "async")
POOL = "pool"
PINS = ("cpus", "origin-cpus")
METRICS = ("wall", "cpu")
WORKLOADS = (*rows_of.CORE_WORKLOADS, "cpu")  # parameters of the others are their subject
CHANGES, DECIDES, FADES, SAME, UNKNOWN = (
    "changes the winner", "shows a difference", "hides the difference", "same winner", "no verdict")


@dataclass(frozen=True)
class Pair:
    """threads and async with one spec under the same conditions; `threads` may be a pool, whose
    settings are of the owner 'threads'. `settings` maps (owner, name) to a value; the owner is 'spec',
    'condition' or a model."""

    threads: rows_of.Cell
    async_: rows_of.Cell
    settings: dict


@dataclass(frozen=True)
class Rung:
    """A pair, what it changes ('' for the base), and its comparisons by the metric's key."""

    flag: str
    pair: Pair
    comparisons: dict


@dataclass(frozen=True)
class Ladder:
    workload: str
    rungs: tuple  # the base first

    @property
    def base(self):
        return self.rungs[0]


def find_ladders(cells, spread_of=None):
    """A Ladder for each workload that has a pair and a rung, judged together."""
    found = []
    for workload in (w for w in WORKLOADS if any(c.workload == w for c in cells)):
        pairs = pairs_of([c for c in cells if c.workload == workload and not rows_of.is_open_loop(c)])
        base, rungs = find_base(pairs)
        if rungs:
            found.append((workload, [("", base), *rungs]))
    return judge(found, spread_of)


def pairs_of(cells):
    """Every Pair of cells with ok trials that differ in nothing but the model."""
    groups = {}
    for cell in cells:
        if cell.model in (*MODELS, POOL) and cell.ok:
            key = cell.spec, cell.cpus, cell.conditions
            side = "threads" if cell.model == POOL else cell.model
            groups.setdefault(key, {name: [] for name in MODELS})[side].append(cell)
    return [Pair(threads, other, settings_of(threads, other)) for group in groups.values()
            for threads in group["threads"] for other in group["async"]]


def settings_of(threads, other):
    settings = {("spec", name): value for name, value in rows_of.parse_spec(threads.spec)[1].items()}
    conditions = dict(part.split("=", 1) for part in threads.conditions.split(", ") if part)
    settings |= {("condition", name): value for name, value in conditions.items()}
    settings["condition", "cpus"] = threads.cpus or "all"
    for owner, cell in zip(MODELS, (threads, other)):
        own = rows_of.parse_spec(cell.model_spec)[1]
        if cell.model == POOL:
            settings["threads", "workers"] = own.pop("workers")
        settings |= {(owner, name): value for name, value in own.items()}
    return settings


def find_base(pairs):
    """(base, [(flag, Pair)]): the pair of threads that most others differ from in exactly one thing;
    of several the one with least unusual about it, then the first."""
    best, chosen = None, (None, [])
    for pair in (p for p in pairs if p.threads.model != POOL):
        rungs = rungs_of(pair, pairs)
        weight = len(rungs), -unusual(pair)
        if best is None or weight > best:
            best, chosen = weight, (pair, rungs)
    return chosen


def unusual(pair):
    return len(pair.threads.conditions) + (pair.threads.cpus is not None)


def rungs_of(base, pairs):
    """[(flag, Pair)] of those that differ from the base in one thing. Where a model's parameter was
    changed in both, what has it in one alone is left out: it would say the same twice."""
    found = [(difference(base, pair), pair) for pair in pairs if pair is not base]
    single = [(flag, pair) for flag, pair in found if flag and flag[1] not in rows_of.SIZE_PARAMS]
    both = {flag[1:] for flag, _ in single if flag[0] == "models"}
    return [(flag_text(flag), pair) for flag, pair in single
            if flag[0] not in MODELS or flag[1:] not in both]


def difference(base, pair):
    """(owner, name, value) of the one thing that differs, else None. Owner 'models': a parameter that
    has the same new value in both; name 'workers': a pool's in place of threads."""
    keys = dict.fromkeys([*base.settings, *pair.settings])
    changed = [(owner, name, pair.settings.get((owner, name), "")) for owner, name in keys
               if base.settings.get((owner, name)) != pair.settings.get((owner, name))]
    if len(changed) == 1:
        return changed[0]
    if len(changed) == 2 and {c[0] for c in changed} == set(MODELS) and changed[0][1:] == changed[1][1:]:
        return ("models", *changed[0][1:])
    pins = {name: value for owner, name, value in changed if owner == "condition" and name in PINS}
    if len(changed) == len(pins) == 2 and base.settings.get(("condition", "cpus")) == "all":
        return "condition", "cpus", f"{pins['cpus']}, origin-cpus={pins['origin-cpus'] or 'usual'}"
    return None


def flag_text(flag):
    owner, name, value = flag
    if name == "workers":
        return f"a pool of {value} instead"
    text = f"{name}={value or 'usual'}"
    return f"{text} in {owner}" if owner in MODELS else text


def judge(ladders, spread_of):
    """Ladders with their comparisons, all of one metric being one family."""
    keys, comparisons = [], []
    for workload, rungs in ladders:
        for number, (_, pair) in enumerate(rungs):
            for metric in verdicts.METRICS:
                if metric.key in METRICS and workload in metric.workloads:
                    keys.append((workload, number, metric.key))
                    comparisons.append(verdicts.compare_cells(metric, pair.threads, pair.async_))
    found = dict(zip(keys, verdicts.judge(comparisons, spread_of)))
    return [Ladder(workload, tuple(
        Rung(flag, pair, {k[2]: c for k, c in found.items() if k[:2] == (workload, number)})
        for number, (flag, pair) in enumerate(rungs))) for workload, rungs in ladders]


def effect(base, rung, key):
    """What the rung's flag does to the winner of a metric."""
    before, after = (side.comparisons[key].outcome for side in (base, rung))
    if "no verdict" in (before, after):
        return UNKNOWN
    if before == after:
        return SAME
    if after == "none":
        return FADES
    return DECIDES if before == "none" else CHANGES
