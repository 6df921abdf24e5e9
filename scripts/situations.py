"""Which model to use in which situation: rules over the verdicts of a run. Pure functions; no answer
stands here, only which verdicts a situation is about and how they are put together.

Beside `async`, the reference, each other model is weighed by all verdicts of the situation. A
difference of less than DECISIVE is told but decides nothing.
"""

from dataclasses import dataclass

import blocking
import cells as rows_of
import crossings
import verdicts
from units import count_text, factor_text, percent_text, plural, time_text

DECISIVE = 1.1
UNDECIDED = "undecided"
DELAYED_SHARE = 0.05  # of the victims; fewer count as none


@dataclass(frozen=True)
class Situation:
    """A row of the table: the model to use, why, under which condition; `plan` has its cells where
    the run has none, and then all else is empty."""

    name: str
    use: str = ""
    why: str = ""
    holds: str = ""
    plan: str = ""


@dataclass(frozen=True)
class Topic:
    """A situation that is about comparisons: those of `workload` that `choose` picks."""

    name: str
    workload: str
    choose: callable
    plan: str = "standard"


def largest(comparisons):
    """Those of the largest N that several metrics have a verdict at, by verdicts.weight()."""
    return verdicts.headline(comparisons)


def smallest(comparisons):
    """Those of the smallest N; slopes, which are over all N, are none of them."""
    own = [c for c in comparisons if not c.basis]
    least = min((c.tasks for c in own), default=0)
    return [c for c in own if c.tasks == least]


def all_of(comparisons):
    return comparisons


TOPICS = (
    Topic("Many tasks that mostly wait", "sleep", largest, "quick"),
    Topic("Few tasks that mostly wait", "sleep", smallest, "quick"),
    Topic("Fetching over the network", "fetch", largest, "quick"),
    Topic("Steps that wait for one another", "chain", largest, "quick"),
    Topic("Many idle connections", "connections", largest),
    Topic("Computing", "cpu", largest),
    Topic("Shared state", "shared", all_of),
    Topic("Handing over between tasks", "switch", all_of),
    Topic("Passing items through a queue", "queue", all_of),
    Topic("Many short-lived tasks", "spawn", largest),
    Topic("Reading and writing files", "files", all_of),
)


def find_situations(comparisons, trends, cases):
    """A Situation for each topic; comparisons as of verdicts.compare_run(), trends of crossings,
    cases of blocking."""
    found = [topic_situation(topic, comparisons, trends) for topic in TOPICS]
    return found[:4] + [blocking_situation(cases)] + found[4:]


def topic_situation(topic, comparisons, trends):
    own = [c for c in comparisons if c.workload == topic.workload]
    unpinned = [c for c in own if c.cpus is None]
    own = topic.choose(unpinned or own)
    if not own:
        return Situation(topic.name, plan=topic.plan)
    use, why = decide(own)
    return Situation(topic.name, use, why, condition(topic, own, trends))


def decide(comparisons):
    """(the model to use, by how much) of the comparisons of one situation."""
    others = dict.fromkeys(c.other for c in comparisons)
    sides = {other: weigh([c for c in comparisons if c.other == other]) for other in others}
    reference = comparisons[0].reference
    better = [other for other, side in sides.items() if side == "other"]
    whole = set(sides.values())
    if better:
        use = " or ".join(better)
    elif whole == {"reference"}:
        use = reference
    elif whole <= {"reference", "even"}:
        use = "either" if whole == {"even"} else " or ".join(
            [reference, *(other for other, side in sides.items() if side == "even")])
    elif "split" in whole:
        use = "depends: see why"
    else:
        use = UNDECIDED
    return use, "; ".join(reasons([c for c in comparisons if c.other == other]) for other in others)


def weigh(comparisons):
    """'reference' or 'other', whichever wins all that is decisive; 'split' where both do; 'even' where
    no decisive difference was seen; 'undecided' without any verdict."""
    judged = [c for c in comparisons if c.outcome != "no verdict"]
    if not judged:
        return UNDECIDED
    winners = {c.outcome for c in judged if c.outcome != "none" and is_decisive(c)}
    if len(winners) > 1:
        return "split"
    return winners.pop() if winners else "even"


def is_decisive(c):
    return max(c.ratio, 1 / c.ratio) >= DECISIVE


def reasons(comparisons):
    """'beside threads: async wall time 1.9x, CPU per operation 8.1x; threads overshoot p99 1.3x'."""
    groups = {}
    for c in comparisons:
        if c.outcome in ("other", "reference"):
            winner = c.other if c.outcome == "other" else c.reference
            by = factor_text(max(c.ratio, 1 / c.ratio))
            groups.setdefault(winner, {}).setdefault(c.metric.title, []).append((c, by))
    parts = [f"{winner} better in " + ", ".join(
        metric_words(title, found) for title, found in metrics.items())
        for winner, metrics in sorted(groups.items(), key=lambda item: -len(item[1]))]
    none = count(comparisons, "none")
    unknown = count(comparisons, "no verdict")
    parts += [f"no difference seen in {plural(none, 'figure')}"] if none else []
    parts += [f"no verdict in {plural(unknown, 'figure')}"] if unknown else []
    return f"beside {comparisons[0].other}: " + ", ".join(parts)


def count(comparisons, outcome):
    return sum(c.outcome == outcome for c in comparisons)


def metric_words(title, found):
    """'wall time 1.9x', or of several specs 'time per unit 1.9x to 8.2x'."""
    ratios = sorted(found, key=lambda item: max(item[0].ratio, 1 / item[0].ratio))
    ends = list(dict.fromkeys([ratios[0][1], ratios[-1][1]]))
    return f"{title} {' to '.join(ends)}"


def condition(topic, comparisons, trends):
    """Where this was seen, and where along N the winner changes."""
    specs = dict.fromkeys(c.spec for c in comparisons)
    sizes = sorted({c.tasks for c in comparisons})
    places = sorted({rows_of.cpus_text(c.cpus) or "all cores" for c in comparisons})
    parts = [f"N = {count_text(sizes[0])}" + (f" to {count_text(sizes[-1])}" if len(sizes) > 1 else "")]
    parts += [rows_of.family_params(next(iter(specs)), (*rows_of.SIZE_PARAMS, "seed"))
              if len(specs) == 1 else plural(len(specs), "spec")]
    parts += places
    parts += [f"{t.metric.title}: {crossings.finding_text(t)} ({t.other} : {t.reference})"
              for t in trends if t.workload == topic.workload and t.axis == "tasks"
              and t.found.kind == "crosses" and t.metric.key == "wall" and t.other_model == "threads"]
    return "; ".join(part for part in parts if part)


def blocking_situation(cases):
    """What to do where tasks make blocking calls: by the share of others that are delayed."""
    name = "Blocking calls inside"
    groups = {s: group for s, group in blocking.by_situation(cases).items()
              if any(c.remedy == "direct" for c in group)}
    situation = blocking.choose_situation(groups)
    if situation is None:
        return Situation(name, plan="standard")
    group = groups[situation]
    least = min(delayed_share(case) for case in group)
    fine = [case for case in group if delayed_share(case) <= least + DELAYED_SHARE]
    direct = [case.label for case in fine if case.remedy == "direct"]
    remedied = [case.label for case in fine if case.remedy != "direct"]
    use = " or ".join([*direct, *remedied])
    if len(fine) == len(group):
        use = "either"
    why = ", ".join(f"{case.label}: {percent_text(delayed_share(case)) if delayed_share(case) else '0 %'}"
                    for case in group) + " of the others delayed"
    kind, block_ns, blockers = situation
    return Situation(name, use, why, f"`{kind}` of {time_text(block_ns)}, "
                     f"{plural(blockers, 'blocker')}, {plural(group[0].victims, 'other')}")


def delayed_share(case):
    return case.median("victims_delayed").estimate / case.victims
