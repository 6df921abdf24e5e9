"""What blocking calls did to everybody else: the cells of the workload `blocking`, their figures and
the words for them. Pure functions on rows; times are nanoseconds.
"""

from dataclasses import dataclass

import cells as rows_of
import stats
from load import dig
from units import parse_duration, plural, significant, time_text

WORKLOAD = "blocking"
REMEDY_WORDS = {"direct": "", "offload": "offloaded", "yield": "yielding"}


@dataclass(frozen=True)
class Case:
    """One cell: a model, a remedy, and what blocked. helpers and workers are None where the model
    has none."""

    cell: rows_of.Cell
    kind: str
    remedy: str
    block_ns: float
    blockers: int
    victims: int
    helpers: int | None
    workers: int | None

    @property
    def model(self):
        return self.cell.model

    @property
    def label(self):
        """'async, offloaded'; a direct call is the model's name alone."""
        return ", ".join(part for part in (self.model, REMEDY_WORDS[self.remedy]) if part)

    @property
    def situation(self):
        """What is the same in all cases that are compared: kind, duration, blockers."""
        return self.kind, self.block_ns, self.blockers

    def median(self, key):
        """stats.Interval of blocking[key] over the ok trials, or None."""
        return self.cell.median(lambda row: dig(row, "blocking", key))

    def merged(self, key):
        """stats.Distribution of blocking[key], trials merged, or None."""
        return stats.merge([dig(row, "blocking", key) for row in self.cell.ok])

    @property
    def stolen(self):
        """The share of the blocked time in which the mean victim stood still, or None."""
        found = self.median("stolen_ns_per_blocked_s")
        return None if found is None else found.estimate / 1e9

    @property
    def cores(self):
        """stats.Interval of the cores that the trial kept busy: CPU time by wall time."""
        return self.cell.median(rows_of.cores_busy)


def find_cases(cells):
    """Cases of all cells of the workload with an ok trial, in the order of models and remedies."""
    found = [case_of(cell) for cell in cells if cell.workload == WORKLOAD
             and any(dig(row, "blocking", "victims_delayed") is not None for row in cell.ok)]
    return sorted(found, key=lambda c: (c.kind, c.block_ns, c.blockers,
                                        rows_of.rank(rows_of.MODEL_ORDER, c.model),
                                        list(REMEDY_WORDS).index(c.remedy), c.helpers or 0))


def case_of(cell):
    params = rows_of.parse_spec(cell.spec)[1]
    model_params = rows_of.parse_spec(cell.model_spec)[1]
    helpers, workers = (int(model_params[name]) if name in model_params else None
                        for name in ("helpers", "workers"))
    return Case(cell, params["kind"], params["remedy"], parse_duration(params["block"]),
                int(params["blockers"]), int(params["victims"]), helpers, workers)


def by_situation(cases):
    """{(kind, block_ns, blockers): [Case]}, each model and remedy once: with the most helpers or
    workers, so that their number is not what is shown."""
    groups = {}
    for case in cases:
        group = groups.setdefault(case.situation, {})
        known = group.get((case.model, case.remedy))
        if known is None or size_of(case) > size_of(known):
            group[case.model, case.remedy] = case
    return {situation: list(group.values()) for situation, group in groups.items()}


def size_of(case):
    return (case.helpers or 0, case.workers or 0)


def choose_situation(groups):
    """The situation that most cases share; of several the one that blocks longest: the picture."""
    return max(groups, key=lambda s: (len(groups[s]), s[0] == "sleep", s[1], -s[2]), default=None)


def helper_sweeps(cases):
    """{situation: [Case]} of offloaded cases that differ in their number of helpers alone."""
    groups = {}
    for case in cases:
        if case.remedy == "offload" and case.helpers is not None:
            groups.setdefault((case.model, *case.situation), []).append(case)
    return {key: sorted(group, key=lambda c: c.helpers) for key, group in groups.items()
            if len({case.helpers for case in group}) > 2}


def sentences(groups):
    """Of each kind of call the situation that most models and remedies share, and each in which a
    model of threads was delayed too; the longest block first. All others stand in the table."""
    chosen = {choose_situation({s: groups[s] for s in groups if s[0] == kind})
              for kind, _, _ in groups}
    chosen |= {s for s, cases in groups.items() if any(
        case.model in ("threads", "pool") and case.median("victims_delayed").estimate for case in cases)}
    ordered = sorted(chosen, key=lambda s: (-s[1], s[2], s[0]))
    return [text for text in (sentence(s, groups[s]) for s in ordered) if text]


def sentence(situation, cases):
    """'100 ms sleep, 1 blocker: delayed 100 of 100 victims by up to 101 ms in async, ...'"""
    kind, block_ns, blockers = situation
    direct = [case for case in cases if case.remedy == "direct"]
    if not direct:
        return None
    length = "" if kind == "fsync" else f" of {time_text(block_ns)}"
    head = f"A blocking `{kind}`{length}, {plural(blockers, 'blocker')}, delayed "
    parts = [f"{delay_words(case)} in {case.model}" for case in direct]
    text = head + listed(parts)
    remedies = [case for case in cases if case.remedy != "direct"]
    parts = [f"{case.label.partition(', ')[2]} in {case.model}, {delay_words(case)}"
             f"{cost_words(case, direct)}" for case in remedies]
    return text + "".join(f"; {part}" for part in parts) + "."


def delay_words(case):
    """'100 of 100 victims by up to 101 ms', or '0 of 100 victims'."""
    delayed = case.median("victims_delayed").estimate
    words = f"{delayed:,.0f} of {case.victims:,} victims"
    if not delayed:
        return words
    worst = case.cell.median(lambda row: dig(row, "blocking", "lateness_ns", "max"))
    return f"{words} by up to {time_text(worst.estimate)}"


def cost_words(case, direct):
    """What a remedy costs beside the direct call in the same model, in cores."""
    same = next((other for other in direct if other.model == case.model), None)
    if same is None or case.cores is None or same.cores is None:
        return ""
    change = 100 * (case.cores.estimate - same.cores.estimate)
    if abs(change) < 0.1:
        return ", at no visible cost of CPU"
    return f", at {significant(abs(change), 2)} % of a core {'more' if change > 0 else 'less'}"


def listed(parts):
    return parts[0] if len(parts) == 1 else ", ".join(parts[:-1]) + " and " + parts[-1]
