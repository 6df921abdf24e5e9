"""Lays out the charts on how sure the report is: ratios along N, and the A/A pairs."""

import cells as rows_of
import certainty_charts as drawings
import charts
import crossings
import figures
import inference
import verdicts

PANELS = ("wall", "cpu", "rss")


def crossover_figures(trends):
    """One figure for each workload, placement, parameters and axis with several points: a panel for
    each metric of PANELS, a curve for each model."""
    groups = {}
    for t in trends:
        if t.metric.key in PANELS and len(t.points) > 2:
            groups.setdefault((t.workload, t.cpus, t.params, t.axis), []).append(t)
    numbers = {}
    for (workload, cpus, params, axis), members in groups.items():
        numbers[workload] = numbers.get(workload, 0) + 1
        name = workload if numbers[workload] == 1 else f"{workload}-{numbers[workload]}"
        yield crossover_figure(name, workload, cpus, params, axis, members)


def crossover_figure(name, workload, cpus, params, axis, trends):
    keys = [key for key in PANELS if any(t.metric.key == key for t in trends)]
    drawing, axes = figures.new_axes(len(keys), (3.4 * len(keys) + 0.4, 3.5), sharex=True)
    for ax, key in zip(axes[0], keys):
        own = [t for t in trends if t.metric.key == key]
        marks = [(t.found.at, t.found.low, t.found.high, t.other_model) for t in own if t.found.at]
        drawings.draw_ratio(ax, [ratio_curve(t) for t in own], marks, verdicts.REFERENCE_MODEL)
        ax.set_title(own[0].metric.title)
        drawings.label_axis(ax, sorted({p.x for t in trends for p in t.points}),
                            lambda x: crossings.axis_text(axis, x) if axis != "tasks"
                            else charts.size_text(x), axis_label(axis))
    axes[0, 0].set_ylabel(f"ratio to {verdicts.REFERENCE_MODEL}, log axis")
    charts.draw_legend(axes[0, 0], above=20)
    place = rows_of.cpus_text(cpus)
    title = ", ".join(p for p in (workload, place) if p) + f": ratio to {verdicts.REFERENCE_MODEL} " \
        f"against {crossings.axis_name(axis)}"
    caption = ("Below the line a model takes less than async, above it more. A point is the median ratio "
               "within rounds, a bar its interval; a bar along the line is the interval of a crossing. "
               f"Parameters: {params}.")
    return figures.Figure(f"crossover-{name}", "crossover", title, caption, drawing, is_wide=True)


def axis_label(axis):
    return "tasks (N), log axis" if axis == "tasks" else f"{axis}, log axis"


def ratio_curve(trend):
    points = [p for p in trend.points if p.x > 0]
    ends = [inference.interval(p.finding, trend.alpha) for p in points]
    return charts.Curve(trend.other, trend.other_model, trend.variant, [p.x for p in points],
                        [p.finding.ratio for p in points], [low for low, _ in ends],
                        [high for _, high in ends])


def noise_figures(pairs):
    """One figure of all A/A pairs, a row for each metric of each pair."""
    known = [c for c in pairs if c.ratio is not None and c.low is not None]
    if not known:
        return
    drawing, axes = figures.new_axes(1, (7.2, 1.0 + 0.27 * len(known)))
    rows = [drawings.NoiseRow(f"{c.workload}, {c.reference}: {c.metric.title}", c.reference, c.ratio,
                              c.low, c.high, c.outcome == "none") for c in known]
    drawings.draw_noise(axes[0, 0], rows)
    yield figures.Figure(
        "noise", "noise", "The same cell twice: what noise alone differs by",
        "Each mark is the ratio between two cells that are the same, each bar its interval; a bar that "
        "leaves out the line is a false claim and has a hollow mark.", drawing, is_wide=True)
