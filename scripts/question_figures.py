"""Lays out the charts of single questions: the memory ledger, cores, unit times, the tax, the ladder,
the drift. See figures.py."""

import matplotlib.pyplot as plt
import numpy as np

import cells as rows_of
import charts
import figures
import ladder
import question_charts as drawings
import tax
import verdicts
from load import dig
from tables import each_cell
from tax_section import LARGE
from units import count_text

LEDGER_KEYS = {"RSS": "rss_plateau_bytes", "page tables": "page_tables_bytes",
               "kernel stacks": "kernel_stack_bytes", "slab": "slab_bytes"}
MOST_STACKS = 16
BY_UNIT = ("spawn", "switch", "shared", "queue")


def ledger_figures(families):
    """What a task costs by who keeps it: of the workload that has most N with memory."""
    own = [f for f in families if f.workload == "sleep" and any(memory_sizes(s) for s in f.series)]
    own = [f for f in own if most_sizes(f) > 1] or own
    stacks = [stack for f in sorted(own, key=most_sizes, reverse=True)
              for stack in stacks_of(f, own)][:MOST_STACKS]
    if not stacks:
        return
    drawing, axes = figures.new_axes(1, (5.6, 1.25 + 0.42 * len(stacks)))
    drawings.draw_ledger(axes[0, 0], stacks)
    charts.draw_legend(axes[0, 0])
    yield figures.Figure(
        "ledger", "ledger", "What RSS says, and what the machine pays",
        "Slopes of memory against N where there are several N, otherwise what one N took above the base, "
        "divided by N. RSS (plain) is what tools show of a process; page tables, kernel stacks and slab "
        "are kept by the kernel for its tasks and belong to no process. A part at or below 0 is noise of "
        "the reading and is not drawn.", drawing)


def memory_sizes(series):
    return [c.tasks for c in series.cells
            if c.median(lambda row: dig(row, "memory", "rss_plateau_bytes"))]


def most_sizes(family):
    return max((len(memory_sizes(s)) for s in family.series), default=0)


def stacks_of(family, families):
    """drawings.Stack of each series that has memory; labelled with what sets its family apart."""
    apart = different(family.params, [f.params for f in families])
    for series in family.series:
        if memory_sizes(series):
            parts = {name: part_of(series, key) for name, key in LEDGER_KEYS.items()}
            yield drawings.Stack(rows_of.joined(series.label, apart, rows_of.cpus_text(family.cpus)),
                                 parts)


def different(params, others):
    """The parameters in which a family's text differs from any other's."""
    common = set.intersection(*(set(p.split(", ")) for p in others))
    return " ".join(part for part in params.split(", ") if part not in common)


def part_of(series, key):
    """Bytes per task of one part, or None where it was not measured."""
    values = [(c.tasks, c.median(lambda row: dig(row, "memory", key))) for c in series.cells]
    values = [(n, i.estimate) for n, i in values if i]
    if not values:
        return None
    if not any(v for _, v in values):
        return 0.0
    line = rows_of.memory_line(series, key)
    if line:
        return line.slope
    cell = next(c for c in reversed(series.cells) if c.tasks == values[-1][0])
    if key == "rss_plateau_bytes":
        return cell.median(rows_of.rss_per_task_bytes).estimate
    return values[-1][1] / values[-1][0]


def mark_rows(families, figure):
    """(names, marks) of figure(row): a row for each family and N, a group for each workload."""
    names, marks = [], []
    for family, series, cell in each_cell(families):
        found = cell.median(figure)
        if found is None or found.estimate <= 0:
            continue
        own = [f.params for f in families if f.workload == family.workload]
        apart = different(family.params, own) if len(set(own)) > 1 else ""
        name = family.workload, rows_of.joined(apart, f"N={charts.size_text(cell.tasks)}",
                                               rows_of.cpus_text(family.cpus))
        if name not in names:
            names.append(name)
        marks.append(drawings.Mark(names.index(name), series.label, series.model, series.variant,
                                   found.estimate, found.low, found.high))
    return names, marks


def cores_figures(families, cores):
    names, marks = mark_rows([f for f in families if f.workload == "cpu"], rows_of.cores_busy)
    if marks:
        drawing, axes = figures.new_axes(1, (5.4, 1.6 + 0.3 * len(names)))
        drawings.draw_cores(axes[0, 0], names, marks, cores)
        yield figures.Figure(
            "cores", "cores", "How many cores computing tasks keep busy",
            "Medians of CPU time by wall time, with 95 % intervals: the speed-up over one core. Dashed: "
            "one core; full line: all cores of the machine.", drawing)
    own = [f for f in families if f.workload in BY_UNIT]
    names, marks = mark_rows(own, rows_of.unit_ns)
    if marks:
        drawing, axes = figures.new_axes(1, (5.6, 1.6 + 0.27 * (len(names) + len(
            {group for group, _ in names}))))
        drawings.draw_unit_times(axes[0, 0], names, marks)
        yield figures.Figure(
            "units", "cores", "One task started, one switch, one increment, one item",
            "Medians with 95 % intervals; what each time is of, the tables say.", drawing)


def ratio_figures(name, section, groups, title, reference, caption):
    """Rows of ratios: `groups` is [(panel's title, [charts.Answer])], panels side by side for a wide page,
    one below the other for a narrow one."""
    limits = figures.answer_limits([a for _, answers in groups for a in answers])
    height = 1.2 + 0.27 * max(len(answers) + 1.2 * len({a.group for a in answers})
                              for _, answers in groups)
    wide, across = figures.new_axes(len(groups), (1.6 + 4.1 * len(groups), height))
    narrow, down = plt.subplots(len(groups), 1, figsize=(5.4, len(groups) * height), squeeze=False,
                                layout="constrained")
    for axes in (across[0], down[:, 0]):
        for ax, (panel, answers) in zip(axes, groups):
            charts.draw_answer(ax, answers, panel, reference, limits)
    yield figures.Figure(name, section, title, caption, wide, True, "wide")
    yield figures.Figure(f"{name}-narrow", section, title, caption, narrow, True, "narrow")


def tax_figures(taxes):
    groups = []
    for key, title in (("wall", "Wall time"), ("cpu", "CPU per operation")):
        answers = [charts.Answer(t.workload, f"{t.model}, N={charts.size_text(t.tasks)}", t.model, c.ratio,
                                 c.low, c.high, tax_text(c), c.outcome in ("other", "reference"))
                   for t in tax.largest(taxes) for c in t.comparisons if c.metric.key == key]
        groups += [(title, answers)] if answers else []
    if groups:
        yield from ratio_figures(
            "tax", "tax", groups, "Each model beside the same work by hand", "its floor",
            "Right of the line a model takes more than its floor: `threads` beside bare pthreads, `async` "
            "beside bare libevent callbacks. Bars: the ratio's interval; hollow: no difference seen, or "
            "no verdict.")


def tax_text(c):
    if c.ratio is None:
        return "n/a"
    if c.outcome == "none":
        return "none seen"
    text = f"{c.ratio:.3g}x" if c.ratio > LARGE else f"{100 * (c.ratio - 1):+.2g} %"
    return text + (", no interval" if c.low is None else "")


def ladder_figures(ladders):
    groups = []
    for key in ladder.METRICS:
        answers = [rung_answer(own, rung, key) for own in ladders for rung in own.rungs
                   if key in rung.comparisons]
        if answers:
            title = next(m.title for m in verdicts.METRICS if m.key == key)
            groups.append((title[0].upper() + title[1:], answers))
    if groups:
        yield from ratio_figures(
            "ladder", "changes", groups, "One flag at a time: threads beside async", "async",
            "The ratio threads : async of the base and of each rung, which turns one flag, with its "
            "interval. Hollow: no difference seen, or no verdict. \u25c0 marks a rung that changes the "
            "winner, or whether there is one.")


def rung_answer(own, rung, key):
    c = rung.comparisons[key]
    effect = "base" if rung is own.base else ladder.effect(own.base, rung, key)
    mark = {ladder.CHANGES: " \u25c0 changes the winner", ladder.DECIDES: " \u25c0 shows one",
            ladder.FADES: " \u25c0 hides it"}.get(effect, "")
    text = "n/a" if c.ratio is None else f"{c.ratio:.3g}x" + mark
    return charts.Answer(own.workload, rung.flag or "the base", "threads", c.ratio, c.low, c.high, text,
                         c.outcome in ("other", "reference"))


def drift_figures(rounds):
    if len(rounds) < 3:
        return
    spins = [r["control_spin_ns"] for r in rounds]
    middle = float(np.median(spins))
    drawing, axes = figures.new_axes(1, (5.4, 2.6))
    drawings.draw_drift(axes[0, 0], [r["round"] for r in rounds],
                        [100 * (spin / middle - 1) for spin in spins])
    yield figures.Figure("drift", "noise", "The same work before each round",
                         f"A fixed amount of hashing before each of {count_text(len(rounds))} rounds: where "
                         "it grows or varies, the machine has changed (frequency, heat, neighbours).",
                         drawing)
