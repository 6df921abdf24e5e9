"""Which model to use in which situation: rules over the verdicts of a run. Pure functions; no answer
stands here, only which verdicts a situation is about and how they are put together.

Beside `async`, the reference, each other model is weighed by all verdicts of the situation: first by
what is waited for, then by what is used up. A difference of less than DECISIVE is told but decides
nothing.
"""

import re
from dataclasses import dataclass

import blocking
import cells as rows_of
import crossings
import verdicts
from units import count_text, factor_text, percent_text, plural, time_text

DECISIVE = 1.1
TIMES = ("wall", "unit", "throughput", "latency")  # what is waited for comes before what is used up
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

    @property
    def why_briefly(self):
        """What the first pair of models differs in; all else stands among the comparisons."""
        first = self.why.partition("; ")[0]
        decided = re.split(r",? *(?:no difference seen|no verdict) in ", first)[0]
        return first if not decided or decided.endswith(":") else decided


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
    reference = comparisons[0].reference
    groups = {}
    for c in comparisons:
        groups.setdefault(c.other, []).append(c)
    sides = {other: weigh(own) for other, own in groups.items()}
    why = "; ".join(reasons(own) for own in groups.values())
    if set(sides.values()) == {UNDECIDED}:
        return UNDECIDED, why
    use = [reference] if "other" not in sides.values() else []
    use += [other for other, side in sides.items() if side in ("other", "even")]
    words = "either: no decisive difference" if set(sides.values()) == {"even"} else " or ".join(use)
    splits = [f"{other} for {split_words(groups[other])}" for other, side in sides.items()
              if side == "split"]
    return "; ".join([words, *splits]), why


def weigh(comparisons):
    """'reference' or 'other': who is decisively better in what is waited for (TIMES), or where nobody
    is, in what is used up; 'split' where each is in something; 'even' where neither is; 'undecided'
    without any verdict."""
    judged = [c for c in comparisons if c.outcome != "no verdict"]
    if not judged:
        return UNDECIDED
    for is_time in (True, False):
        winners = {c.outcome for c in judged if (c.metric.key in TIMES) == is_time and is_decisive(c)}
        if winners:
            return winners.pop() if len(winners) == 1 else "split"
    return "even"


def is_decisive(c):
    return c.outcome in ("other", "reference") and max(c.ratio, 1 / c.ratio) >= DECISIVE


def split_words(comparisons):
    """What the other model is decisively better in, where both are in something."""
    return " and ".join(dict.fromkeys(c.metric.title for c in comparisons
                                      if c.outcome == "other" and is_decisive(c)))


def reasons(comparisons):
    """'async over threads: wall time 1.9x, CPU per operation 8.1x; no difference seen in ...'."""
    about = f"{comparisons[0].other} and {comparisons[0].reference}"
    if all(c.outcome == "no verdict" for c in comparisons):
        return f"{about}: no verdict ({comparisons[0].reason})"
    groups, rest = {}, {}
    for c in comparisons:
        if c.outcome in ("other", "reference"):
            pair = (c.other, c.reference) if c.outcome == "other" else (c.reference, c.other)
            groups.setdefault(pair, {}).setdefault(c.metric.title, []).append(c)
        else:
            rest.setdefault({"none": "no difference seen"}.get(c.outcome, c.outcome), []).append(c)
    parts = [f"{winner} over {loser}: " + ", ".join(map(metric_words, metrics, metrics.values()))
             for (winner, loser), metrics in sorted(groups.items(), key=lambda g: -len(g[1]))]
    for what, own in rest.items():
        titles = ", ".join(dict.fromkeys(c.metric.title for c in own))
        pair = "" if groups else f"{about}: "
        parts.append(f"{pair}{what} in {titles}")
    return ", ".join(parts)


def metric_words(title, comparisons):
    """'wall time 1.9x', or of several specs 'time per unit 1.9x to 8.2x'."""
    ratios = sorted(max(c.ratio, 1 / c.ratio) for c in comparisons)
    ends = dict.fromkeys(map(factor_text, (ratios[0], ratios[-1])))
    return f"{title} {' to '.join(ends)}"


def condition(topic, comparisons, trends):
    """Where this was seen, and where along N the winner changes."""
    specs = dict.fromkeys(c.spec for c in comparisons)
    sizes = sorted({c.tasks for c in comparisons})
    places = sorted({rows_of.cpus_text(c.cpus) or "all cores" for c in comparisons})
    parts = [f"N = {count_text(sizes[0])}" + (f" to {count_text(sizes[-1])}" if len(sizes) > 1 else "")]
    parts += [spec_words(next(iter(specs))) if len(specs) == 1 else plural(len(specs), "spec")]
    parts += places
    parts += [f"{t.metric.title}: {crossings.finding_text(t)} ({t.other} : {t.reference})"
              for t in trends if t.workload == topic.workload and t.axis == "tasks"
              and t.found.kind == "crosses" and t.metric.key == "wall" and t.other_model == "threads"]
    return "; ".join(part for part in parts if part)


def spec_words(spec):
    """A spec's parameters but for its size, its seed and those that are empty or 0."""
    params = rows_of.family_params(spec, (*rows_of.SIZE_PARAMS, "seed")).split(", ")
    return ", ".join(part for part in params if part.partition("=")[2] not in ("", "0"))


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
    direct = [case.model for case in fine if case.remedy == "direct"]
    remedied = [case.label for case in fine if case.model not in direct]
    use = " or ".join([*direct, *remedied])
    if len(direct) == sum(case.remedy == "direct" for case in group):
        use = "either: no decisive difference"
    why = ", ".join(f"{case.label}: {percent_text(delayed_share(case)) if delayed_share(case) else '0 %'}"
                    for case in group) + " of the others delayed"
    kind, block_ns, blockers = situation
    return Situation(name, use, why, f"`{kind}` of {time_text(block_ns)}, "
                     f"{plural(blockers, 'blocker')}, {plural(group[0].victims, 'other')}")


def delayed_share(case):
    return case.median("victims_delayed").estimate / case.victims
