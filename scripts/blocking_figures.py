"""Lays out the charts of blocking calls; computes through blocking.py, draws through
blocking_charts.py. See figures.py."""

import matplotlib.pyplot as plt

import blocking
import blocking_charts
import cells as rows_of
import charts
import stats
from figures import Figure, new_axes
from load import dig
from units import plural, time_text

SECTION = "blocking"
STOLEN_ACROSS = 2  # panels
CONTROL_LABEL = "control: another process"


def each_figure(rows, cases):
    """Yields the figures of a run's blocking cells, the picture first."""
    groups = blocking.by_situation(cases)
    makers = (lambda: block_figure(rows), lambda: lateness_figure(groups),
              lambda: stolen_figure(groups), lambda: helpers_figure(cases))
    yield from (figure for figure in (make() for make in makers) if figure)


def situation_text(situation):
    kind, block_ns, blockers = situation
    return f"{kind} of {time_text(block_ns)}, {plural(blockers, 'blocker')}"


def block_figure(rows):
    """The ticks around one block, a panel for each model and remedy, the time axis in common."""
    traced = [row for row in rows if row["status"] == "ok" and dig(row, "blocking", "trace", "ticks")]
    panels = {}
    for row in sorted(traced, key=lambda row: rows_of.rank(rows_of.MODEL_ORDER, row["model"])):
        remedy = rows_of.parse_spec(row["spec"])[1]["remedy"]
        panels.setdefault((row["model"], remedy), row)
    if not panels:
        return None
    drawing, axes = plt.subplots(len(panels), 1, figsize=(5.6, 0.7 + 1.4 * len(panels)), sharex=True,
                                 squeeze=False, layout="constrained")
    for ax, ((model, remedy), row) in zip(axes[:, 0], panels.items()):
        draw_trace(ax, model, remedy, row["blocking"]["trace"])
    axes[-1, 0].set_xlabel("time, ms")
    charts.draw_legend(axes[0, 0], above=20, handles=blocking_charts.block_legend())
    spec = next(iter(panels.values()))["spec"]
    caption = (f"The first block of one trial in each model ({spec} and its remedies), and the ticks "
               "of ten victims around it, from the records of the trials. A line leads from when a "
               "late tick was due to when it ran.")
    return Figure("block", SECTION, "What one blocking call does to ten others", caption, drawing)


def draw_trace(ax, model, remedy, trace):
    blocks = [(begin / 1e6, end / 1e6) for begin, end in trace["blocks"]]
    ticks = [(victim, due / 1e6, began / 1e6) for victim, due, began in trace["ticks"]]
    label = ", ".join(part for part in (model, blocking.REMEDY_WORDS[remedy]) if part)
    ends = [tick[2] for tick in ticks] + [end for _, end in blocks]
    blocking_charts.draw_block(ax, label, model, blocks, ticks, (0, max(ends) * 1.01))


def lateness_figure(groups):
    """How late the ticks were in the situation that most models and remedies were run in."""
    situation = blocking.choose_situation(groups)
    if situation is None:
        return None
    curves, thresholds, control = [], [], []
    for case in groups[situation]:
        merged = case.merged("lateness_ns")
        if merged:
            curves.append((case.label, case.model, case.remedy, *map(list, stats.ecdf(merged))))
            thresholds.append(case.median("threshold_ns").estimate)
            control += [dig(row, "blocking", "control_lateness_ns") for row in case.cell.ok]
    if not curves:
        return None
    beside = stats.merge(control)
    if beside:
        curves.append((CONTROL_LABEL, None, None, *map(list, stats.ecdf(beside))))
    drawing, axes = new_axes(size=(5.6, 4.2))
    blocking_charts.draw_lateness(axes[0, 0], curves, max(thresholds))
    caption = (f"From when each tick was due, so that a tick that waits behind others is late too; "
               f"{situation_text(situation)}; trials merged. Marks: half, 10 %, 1 % and 0.1 % of the "
               "ticks are later. Dashed upright line: the threshold beyond which a victim counts as "
               "delayed, the greatest of the cells' medians.")
    return Figure("lateness", SECTION, "How late the others were", caption, drawing)


def stolen_figure(groups):
    """Heat maps of the kind of call with most durations and numbers of blockers."""
    kinds = {}
    for kind, block_ns, blockers in groups:
        kinds.setdefault(kind, set()).add((block_ns, blockers))
    kind = max(kinds, key=lambda k: len(kinds[k]), default=None)
    if kind is None or len(kinds[kind]) < 4:
        return None
    fields = {}
    for situation, cases in groups.items():
        for case in cases:
            if situation[0] == kind and case.stolen is not None:
                fields.setdefault((case.label), {})[situation[1:]] = case.stolen
    fields = {label: field for label, field in fields.items() if len(field) > 3}
    if not fields:
        return None
    shown = {pair for field in fields.values() for pair in field}
    blocks_ns, blockers = (sorted({pair[i] for pair in shown}) for i in (0, 1))
    rows = -(-len(fields) // STOLEN_ACROSS)
    drawing, axes = plt.subplots(rows, STOLEN_ACROSS, squeeze=False, layout="constrained",
                                 figsize=(5.6, rows * (1.0 + 0.5 * len(blockers))))
    for ax, (label, field) in zip(axes.flat, fields.items()):
        shares = [[field.get((ns, count)) for ns in blocks_ns] for count in blockers]
        blocking_charts.draw_stolen(ax, label, blocks_ns, blockers, shares)
    for ax in axes.flat[len(fields):]:
        ax.set_axis_off()
    for ax in axes[:, 0]:
        ax.set_ylabel("blockers")
    caption = (f"Of each second that the blockers spent in `{kind}` (all blockers added), the share in "
               "which the mean victim stood still with a tick due. In a loop that is all of it; "
               "medians of the trials. Blockers that block at the same time share what they steal in "
               "a model that runs them side by side.")
    return Figure("stolen", SECTION, "Time stolen from each of the others", caption, drawing)


def helpers_figure(cases):
    sweeps = blocking.helper_sweeps(cases)
    curves = []
    for (model, *situation), sweep in sweeps.items():
        for key, what, is_filled in (("lateness_ns", "ticks of the others", True),
                                     ("call_lateness_ns", "the calls themselves", False)):
            points = [(case.helpers, p99_ns(case, key)) for case in sweep]
            points = [(helpers, ns) for helpers, ns in points if ns]
            if points:
                curves.append((f"{model}: {what}", model, is_filled, *map(list, zip(*points))))
    if not curves:
        return None
    drawing, axes = new_axes()
    blocking_charts.draw_helpers(axes[0, 0], curves)
    situation = next(iter(sweeps))[1:]
    caption = (f"Offloaded calls ({situation_text(situation)}): the 99th percentile of how late the "
               "others' ticks began, and of how late the calls did, which wait for a helper where "
               "there are too few (where too few calls were made for a 99th percentile, the latest).")
    return Figure("helpers", SECTION, "How many helper threads", caption, drawing)


def p99_ns(case, key):
    merged = case.merged(key)
    if merged is None:
        return None
    return stats.percentile(merged, stats.PER_100K["p99"]) or merged.max
