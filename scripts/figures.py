"""Lays out the charts of a run: which cells go into which figure, with title, caption and text for
those who do not see it. Draws through charts.py, computes through cells.py and stats.py.
"""

from dataclasses import dataclass

import matplotlib.pyplot as plt

import cells as rows_of
import charts
import stats
import verdicts
from load import dig
from units import count_text, plural, significant

SINGLE = (5.4, 3.7)  # inches; at 72 points an inch it fits a phone unscaled
PNG_DPI = 160


@dataclass(frozen=True)
class Figure:
    """A chart to be saved as charts/<name>.svg and .png. section: where the report shows it.
    is_wide: it takes the page's whole width; only: 'wide' or 'narrow' pages alone show it."""

    name: str
    section: str
    title: str
    caption: str
    drawing: object
    is_wide: bool = False
    only: str | None = None


def each_figure(families, comparisons, rows):
    """Yields all figures of a run, in the order of the report; each is saved before the next is
    asked for."""
    yield from answer_figures(comparisons)
    several = [family for family in families if len(family.sizes) > 1]
    for make, own in ((memory_figure, several), (wall_figure, several), (cpu_figure, several),
                      (overshoot_figure, families), (throughput_figure, families),
                      (latency_figure, families)):
        yield from (figure for figure in make_each(make, own) if figure)
    yield from timeline_figures(rows)


def make_each(make, families):
    """One figure a family. Of a workload, families with one N alone are left to the tables, if it
    has any with more. Names are numbered where a workload has several."""
    for workload in dict.fromkeys(f.workload for f in families):
        own = [f for f in families if f.workload == workload and f.sizes]
        chosen = [f for f in own if len(f.sizes) > 1] or own[:1]
        for number, family in enumerate(chosen, 1):
            yield make(family, workload if number == 1 else f"{workload}-{number}")


def new_axes(count=1, size=SINGLE, **options):
    return plt.subplots(1, count, figsize=size, layout="constrained", squeeze=False, **options)


def curve_of(series, figure):
    """charts.Curve of the medians of figure(row) that are above 0, as a log axis needs."""
    points = [(cell.tasks, cell.median(figure)) for cell in series.cells]
    points = [(n, i) for n, i in points if i and i.estimate > 0]
    if not points:
        return None
    return charts.Curve(series.label, series.model, series.variant, [n for n, _ in points],
                        [i.estimate for _, i in points], [i.low for _, i in points],
                        [i.high for _, i in points])


def curves_of(family, figure):
    return [curve for curve in (curve_of(s, figure) for s in family.series) if curve]


def interval_note(family):
    """What the bars of a chart against N are, from how many rounds."""
    counts = [len(cell.ok) for s in family.series for cell in s.cells if cell.ok]
    low, high = min(counts), max(counts)
    trials = f"n = {low}" if low == high else f"n = {low} to {high}"
    bars = "bars are its 95 % bootstrap interval"
    if high < stats.MIN_ROUNDS:
        bars = f"no interval, which takes {stats.MIN_ROUNDS} trials"
    elif low < stats.FEW_ROUNDS:
        bars += f", too narrow with fewer than {stats.FEW_ROUNDS} trials"
    return (f"A point is the median of a cell's trials ({trials}); {bars}. Points of one N are set "
            "apart sideways to be seen.")


def figure_of(family, name, kind, section, what, note, drawing, **options):
    title = f"{family.title}: {what}"
    caption = f"{note} Parameters: {family.params}."
    return Figure(f"{kind}-{name}", section, title, caption, drawing, **options)


def wall_figure(family, name):
    curves = curves_of(family, rows_of.wall_ns)
    if not curves:
        return None
    drawing, axes = new_axes()
    charts.draw_wall_time(axes[0, 0], curves, ideal_of(family), stops_of(family))
    note = "Black line: what the waits of the spec take alone. " + interval_note(family)
    if stops_of(family):
        note += " A cross at the upper edge: the machine stopped the model there."
    return figure_of(family, name, "time", "time", "wall time against N", note, drawing)


def ideal_of(family):
    found = {c.tasks: dig(row, "ideal_ns") for s in family.series for c in s.cells for row in c.ok}
    return sorted(found.items())


def stops_of(family):
    return [(c.tasks, s.model) for s in family.series for c in s.cells
            if not c.ok and any(row["status"] == "limited" for row in c.rows)
            and family.sizes[0] <= c.tasks <= family.sizes[-1]]


def cpu_figure(family, name):
    curves = curves_of(family, rows_of.cpu_per_operation_ns)
    if not curves:
        return None
    drawing, axes = new_axes()
    charts.draw_cpu(axes[0, 0], curves)
    return figure_of(family, name, "cpu", "time", "CPU time per operation, user and system",
                     interval_note(family), drawing)


def throughput_figure(family, name):
    if family.workload != "fetch":
        return None
    drawing, axes = new_axes()
    charts.draw_throughput(axes[0, 0], curves_of(family, rows_of.throughput))
    return figure_of(family, name, "throughput", "fetch", "fetches per second against N",
                     interval_note(family), drawing)


MEMORY_PANELS = (("RSS", rows_of.rss_per_task_bytes, "rss_plateau_bytes"),
                 ("whole: RSS, page tables, kernel", rows_of.whole_per_task_bytes,
                  "whole_plateau_bytes"))


def memory_figure(family, name):
    panels = [(title, curves_of(family, figure), key) for title, figure, key in MEMORY_PANELS]
    panels = [panel for panel in panels if panel[1]]
    if not panels:
        return None
    drawing, axes = new_axes(len(panels), (3.7 * len(panels) + 0.6, 3.7), sharey=True, sharex=True)
    for ax, (title, curves, key) in zip(axes[0], panels):
        charts.draw_memory(ax, curves)
        ax.set_title(title)
    for ax, (title, curves, key) in zip(axes[0], panels):
        charts.draw_slopes(ax, curves, slopes_of(family, key))
    axes[0, -1].set_ylabel("" if len(panels) > 1 else axes[0, -1].get_ylabel())
    charts.draw_legend(axes[0, 0], above=20)
    note = interval_note(family) + (
        " A reading is (plateau - base) / N; readings at or below 0 have no place on a log axis. "
        "Numbers at the right: the slope of memory against N, where N has at least five values.")
    return figure_of(family, name, "memory", "memory", "memory per task against N", note, drawing,
                     is_wide=True)


def slopes_of(family, key):
    lines = [(s, rows_of.memory_line(s, key)) for s in family.series]
    return {s.label: line.slope for s, line in lines if line and line.low is not None}


def overshoot_figure(family, name):
    return ecdf_figure(family, name, "overshoot_ns", "overshoot", "waiting",
                       "woke minus due") if family.workload == "sleep" else None


def latency_figure(family, name):
    return ecdf_figure(family, name, "latency_ns", "latency", "fetch",
                       "latency of a fetch") if family.workload == "fetch" else None


def ecdf_figure(family, name, key, kind, section, x_label):
    """Merged distributions at the largest N at which most models have one."""
    tasks = widest_common_size(family)
    merged = [(s, rows_of.merged(s.at(tasks), key)) for s in family.series if s.at(tasks)]
    merged = [(s, distribution) for s, distribution in merged if distribution]
    if not merged:
        return None
    curves, marks = [], []
    for series, distribution in merged:
        values, shares = stats.ecdf(distribution)
        none = [None] * len(values)
        curves.append(charts.Curve(series.label, series.model, series.variant, list(values),
                                   list(shares), none, none))
        marks += percentile_marks(series, distribution)
    drawing, axes = new_axes()
    charts.draw_ecdf(axes[0, 0], curves, marks, x_label)
    note = (f"Distributions of all rounds merged by adding bucket counts ({count_text(tasks)} tasks); "
            "marks: median, 90th, 99th and 99.9th percentile, where ten samples lie beyond.")
    return figure_of(family, name, kind, section, f"{kind} at {count_text(tasks)} tasks", note,
                     drawing)


def percentile_marks(series, distribution):
    found = [(stats.percentile(distribution, p), p / 100000) for p in stats.PER_100K.values()]
    return [(series.model, series.variant, ns, share) for ns, share in found if ns is not None]


def widest_common_size(family):
    """The largest N at which as many series have ok trials as at any N."""
    def coverage(tasks):
        return sum(1 for s in family.series if s.at(tasks) and s.at(tasks).ok)
    return max(family.sizes, key=lambda tasks: (coverage(tasks), tasks))


def timeline_figures(rows):
    """One figure for each spec and placement with timelines, a panel for each model's first ok
    trial, the time axis in common."""
    groups = {}
    for row in rows:
        if (row["status"] == "ok" and row.get("timeline")
                and row["workload"] in rows_of.CORE_WORKLOADS):
            group = groups.setdefault((row["spec"], row["cpus"]), {})
            group.setdefault((row["model"], row["model_spec"]), row)
    for number, ((spec, cpus), group) in enumerate(groups.items(), 1):
        yield timeline_figure(spec, cpus, list(group.values()), number)


def timeline_figure(spec, cpus, rows, number):
    rows = sorted(rows, key=lambda row: rows_of.rank(rows_of.MODEL_ORDER, row["model"]))
    tasks = max(row["tasks"] for row in rows)
    height = 0.6 + len(rows) * (0.75 + 0.17 * min(tasks, 24))
    drawing, axes = plt.subplots(len(rows), 1, figsize=(7.2, height), sharex=True, squeeze=False,
                                 layout="constrained")
    for ax, row in zip(axes[:, 0], rows):
        spans = [(t, kind, begin / 1e6, end / 1e6) for t, kind, begin, end in row["timeline"]]
        label = row["model"] if count_models(rows, row) == 1 else row["model_spec"]
        charts.draw_timeline(ax, spans, label, row["model"], (dig(row, "ideal_ns") or 0) / 1e6)
    axes[-1, 0].set_xlabel("time since main began, ms")
    axes[-1, 0].set_xlim(left=-0.01 * axes[-1, 0].get_xlim()[1])
    charts.draw_legend(axes[0, 0], above=20, handles=charts.timeline_legend())
    title = ", ".join(p for p in (f"{rows[0]['workload']}: how the tasks interleave",
                                  rows_of.cpus_text(cpus)) if p)
    caption = (f"One trial of {spec} in each model (round {rows[0]['round']}), a row per task in the "
               "order spawned. Running takes microseconds and is drawn a hair wide at least. "
               "Trials with a timeline are in no other figure: the observer costs time.")
    return Figure("timeline" if number == 1 else f"timeline-{number}", "chain", title, caption,
                  drawing, is_wide=True)


def count_models(rows, row):
    return sum(1 for other in rows if other["model"] == row["model"])


def answer_figures(comparisons):
    """The whole answer: side by side for a wide page, one below the other for a narrow one."""
    memory = answer_memory_key(comparisons)
    panels = [(title, answers_of(comparisons, key)) for key, title in (
        ("wall", "Wall time"), ("cpu", "CPU per operation"),
        (memory, f"Memory per task ({'whole' if memory == 'whole' else 'RSS'})"))]
    if not panels[0][1]:
        return []
    limits = answer_limits([a for _, answers in panels for a in answers])
    reference = verdicts.REFERENCE_MODEL
    rows = len(panels[0][1]) + len({a.group for a in panels[0][1]})
    caption = answer_caption(comparisons)
    title = f"What each model takes, beside {reference}"
    return [Figure(name, "answer", title, caption, draw(panels, limits, reference, rows), True, only)
            for name, draw, only in (("answer", wide_answer, "wide"),
                                     ("answer-narrow", narrow_answer, "narrow"))]


def answer_memory_key(comparisons):
    """Whole memory where the run has it for any pair, otherwise RSS."""
    return "whole" if any(c.metric.key == "whole" and c.ratio for c in comparisons) else "rss"


def answers_of(comparisons, key):
    """charts.Answer of one metric, a row for each workload, placement and pair of the headline,
    labelled with the N of its wall time."""
    chosen = verdicts.headline(comparisons)
    walls = {pair_of(c): c.tasks for c in chosen if c.metric.key == "wall"}
    return [charts.Answer(answer_group(c, chosen), f"{c.other}, {plural(walls[pair_of(c)], 'task')}",
                          c.other_model, c.ratio, c.low, c.high,
                          answer_text(c, walls[pair_of(c)]), c.outcome in ("other", "reference"))
            for c in chosen if c.metric.key == key]


def pair_of(comparison):
    return comparison.workload, comparison.cpus, comparison.other


def answer_group(comparison, chosen):
    """The workload, with its placement where not all have the same."""
    if len({c.cpus for c in chosen}) == 1:
        return comparison.workload
    return f"{comparison.workload}, {rows_of.cpus_text(comparison.cpus) or 'all cores'}"


def answer_text(comparison, tasks):
    """The ratio in short; its N where that is not the row's, `tasks`, and not a range of N."""
    if comparison.ratio is None:
        return "n/a"
    place = f" at {charts.size_text(comparison.tasks)}"
    place = "" if comparison.basis or comparison.tasks == tasks else place
    if comparison.outcome == "none":
        return f"none seen{place}"
    if abs(comparison.ratio - 1) < 0.1:
        text = f"{100 * (comparison.ratio - 1):+.2g} %"
    else:
        text = f"{significant(comparison.ratio, 3 if comparison.ratio < 10 else 2)}x"
    return text + place + (", no interval" if comparison.outcome == "no verdict" else "")


def answer_limits(answers):
    """A range that holds 1 and all ends, at least a factor of 2 to each side."""
    ends = [v for a in answers for v in (a.low, a.ratio, a.high) if v]
    return min([0.5] + [v / 1.3 for v in ends]), max([2] + [v * 1.3 for v in ends])


def wide_answer(panels, limits, reference, rows):
    drawing, axes = new_axes(3, (11.2, 0.9 + 0.27 * rows), sharey=True)
    for ax, (title, answers) in zip(axes[0], panels):
        charts.draw_answer(ax, answers, title, reference, limits)
    return drawing


def narrow_answer(panels, limits, reference, rows):
    drawing, axes = plt.subplots(3, 1, figsize=(5.2, 3 * (0.9 + 0.27 * rows)), squeeze=False,
                                 layout="constrained")
    for ax, (title, answers) in zip(axes[:, 0], panels):
        charts.draw_answer(ax, answers, title, reference, limits)
    return drawing


def answer_caption(comparisons):
    rounds = [c.rounds for c in verdicts.headline(comparisons) if c.rounds]
    span = f"{min(rounds)} to {max(rounds)}" if rounds and min(rounds) < max(rounds) else (
        f"{rounds[0]}" if rounds else "0")
    return (f"Each mark is how much a model takes, divided by what async takes for the same spec: "
            f"right of the line async takes less, left of it (grey) more. Thick bars: the interval of "
            f"the ratio, paired within rounds (n = {span} rounds), or, for memory, of the ratio "
            "of the slopes where N has at least five values. Hollow mark: no difference seen "
            "(\"none seen\"), or no verdict. The verdicts name each spec.")


def save_figure(figure, folder):
    """Writes folder/<name>.svg and .png and closes the drawing. The same data gives the same bytes:
    no date, and ids from a fixed salt (charts.RC)."""
    drawing = figure.drawing
    drawing.draw_without_rendering()
    drawing.set_layout_engine("none")  # laid out once, for both files
    drawing.savefig(folder / f"{figure.name}.svg", metadata={"Date": None, "Creator": "tva"})
    drawing.savefig(folder / f"{figure.name}.png", dpi=PNG_DPI, metadata={"Software": None})
    plt.close(drawing)
