"""Draws. Each draw_x(ax, ...) puts what it is given on one Axes; nothing is loaded, computed or
saved here. Colours are of Okabe and Ito's palette, which people with any colour vision tell apart;
marker and line style say the same without colour.
"""

import math
from dataclasses import dataclass

import matplotlib

matplotlib.use("Agg")

from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import FixedLocator, FuncFormatter, LogLocator, NullFormatter, NullLocator
from matplotlib.transforms import blended_transform_factory

RC = {
    "font.family": "DejaVu Sans", "font.size": 10, "axes.titlesize": 10.5, "axes.labelsize": 10,
    "axes.titleweight": "bold", "axes.titlelocation": "left", "axes.spines.top": False,
    "axes.spines.right": False, "axes.grid": True, "grid.color": "#e3e3e3", "grid.linewidth": 0.7,
    "axes.axisbelow": True, "legend.frameon": False, "legend.fontsize": 9.5, "lines.linewidth": 1.6,
    "lines.markersize": 6, "hatch.linewidth": 0.6, "svg.hashsalt": "tva", "svg.fonttype": "path",
    "figure.facecolor": "white", "savefig.facecolor": "white",
}
INK = "#333333"


@dataclass(frozen=True)
class Style:
    colour: str
    marker: str
    line: str


STYLES = {
    "threads": Style("#D55E00", "s", (0, (5, 1.5))),
    "pool": Style("#009E73", "^", (0, (1, 1.2))),
    "async": Style("#0072B2", "o", "-"),
    "async-multi": Style("#CC79A7", "D", (0, (6, 1.5, 1, 1.5))),
}
OTHER_STYLE = Style("#666666", "v", (0, (3, 1, 1, 1, 1, 1)))


def style_of(model):
    return STYLES.get(model, OTHER_STYLE)


def marker_face(model, variant):
    """A model's first variant has filled markers, others hollow ones."""
    return style_of(model).colour if variant == 0 else "white"


@dataclass(frozen=True)
class Curve:
    """x and y of a model; low and high are the interval's ends at each x, None where there is
    none; all lists of one length."""

    label: str
    model: str
    variant: int
    x: list
    y: list
    low: list
    high: list


def draw_against_n(ax, curves, y_label):
    """Curves on two logarithmic axes, N across. Points are set apart sideways by a few percent, so
    that equal ones stay visible."""
    for place, curve in enumerate(curves):
        style = style_of(curve.model)
        x = [n * 1.04 ** (place - (len(curves) - 1) / 2) for n in curve.x]
        ax.plot(x, curve.y, color=style.colour, marker=style.marker, linestyle=style.line,
                markerfacecolor=marker_face(curve.model, curve.variant), label=curve.label)
        draw_intervals(ax, x, curve)
    ax.set_xscale("log")
    ax.set_yscale("log")
    label_sizes(ax, sorted({n for curve in curves for n in curve.x}))
    ax.set_ylabel(f"{y_label}, log axis")


def draw_intervals(ax, x, curve):
    known = [i for i in range(len(x)) if curve.low[i] is not None and curve.low[i] > 0]
    if known:
        ax.vlines([x[i] for i in known], [curve.low[i] for i in known],
                  [curve.high[i] for i in known], color=style_of(curve.model).colour, linewidth=3,
                  alpha=0.45)


def label_sizes(ax, sizes):
    """Ticks at the values of N that were run, those left out that would touch the next one."""
    span = (sizes[-1] / sizes[0]) if len(sizes) > 1 else 1e6
    shown = []
    for n in reversed(sizes):
        if not shown or shown[-1] / n >= span**0.1:
            shown.append(n)
    ax.xaxis.set_major_locator(FixedLocator(shown[::-1]))
    ax.xaxis.set_major_formatter(FuncFormatter(lambda n, _: size_text(n)))
    ax.xaxis.set_minor_locator(NullLocator())
    ax.set_xlabel("tasks (N), log axis")
    ax.set_xlim(sizes[0] / span**0.06, sizes[-1] * span**0.06)


def size_text(n):
    """1000 as 1k, as on the command line."""
    size, unit = next((s for s in ((10**6, "M"), (10**3, "k")) if n >= s[0] and n % (s[0] / 10) == 0),
                      (1, ""))
    return f"{n / size:,g}{unit}"


# Ticks within a decade, by the axis' span: the first entry whose span is greater.
TICK_STEPS = ((2.5, (1, 1.2, 1.4, 1.6, 1.8, 2, 2.5, 3, 3.5, 4, 4.5, 5, 5.5, 6, 7, 8, 9)),
              (6, (1, 1.5, 2, 3, 4, 5, 7)), (300, (1, 2, 5)), (float("inf"), (1,)))


def unit_axis(axis, to_text):
    """Ticks of a logarithmic axis, each written with the unit that fits it. A short axis has ticks
    between the decades, or it might have none."""
    low, high = axis.get_view_interval()
    steps = next(steps for span, steps in TICK_STEPS if high / low < span)
    axis.set_major_locator(LogLocator(subs=steps))
    axis.set_minor_locator(NullLocator())
    axis.set_major_formatter(FuncFormatter(lambda value, _: to_text(value)))
    axis.set_minor_formatter(NullFormatter())


def tick_text(value, steps):
    size, unit = next((s for s in reversed(steps) if value >= s[0] * 0.9999), steps[0])
    return f"{value / size:,.4g} {unit}"


def tick_time(ns):
    return tick_text(ns, ((1, "ns"), (1e3, "µs"), (1e6, "ms"), (1e9, "s")))


def tick_bytes(size):
    return tick_text(size, ((1, "B"), (1e3, "kB"), (1e6, "MB"), (1e9, "GB")))


def widen(axis, factor):
    """Gives a short logarithmic axis at least a span of `factor`, so that noise looks small."""
    low, high = axis.get_view_interval()
    if high / low < factor:
        middle = (low * high) ** 0.5
        axis.set_view_interval(middle / factor**0.5, middle * factor**0.5, ignore=True)


def draw_legend(ax, above=0.0, **options):
    """Above the axes, where it covers no data, in as many columns as their width takes; `above`: as
    many points higher, for a title."""
    handles = options.get("handles")
    labels = [h.get_label() for h in handles] if handles else ax.get_legend_handles_labels()[1]
    letters = max((len(label) for label in labels), default=0) + 8
    width, height = ax.get_window_extent().size * 72 / ax.figure.dpi
    ax.legend(loc="lower left", bbox_to_anchor=(-0.02, 1 + above / height), columnspacing=1.2,
              ncol=max(1, int(width / 5.2 / letters)) if above == 0 else 4, handlelength=2.6,
              borderaxespad=0.2, **options)


def draw_wall_time(ax, curves, ideal, stops):
    """Wall time in ns against N. `ideal` is [(N, ns)], drawn as a line; `stops` is [(N, model)],
    where the machine stopped a model: a cross at the upper edge."""
    ideal = [(n, ns) for n, ns in ideal if ns]
    if ideal:
        ax.plot(*zip(*ideal), color="black", linewidth=1, zorder=1, label="ideal")
    draw_against_n(ax, curves, "wall time")
    edge = blended_transform_factory(ax.transData, ax.transAxes)
    for n, model in stops:
        ax.plot([n], [0.96], marker="X", markersize=10, color=style_of(model).colour,
                linestyle="none", transform=edge, clip_on=False)
    widen(ax.yaxis, 4)
    unit_axis(ax.yaxis, tick_time)
    draw_legend(ax)


def draw_cpu(ax, curves):
    """CPU time per operation in ns against N."""
    draw_against_n(ax, curves, "CPU time per operation")
    widen(ax.yaxis, 10)
    unit_axis(ax.yaxis, tick_time)
    draw_legend(ax)


def draw_throughput(ax, curves):
    """Operations per second against N."""
    draw_against_n(ax, curves, "operations per second")
    widen(ax.yaxis, 10)
    unit_axis(ax.yaxis, lambda value: f"{value:,.10g}")
    draw_legend(ax)


def draw_memory(ax, curves):
    """Bytes per task against N."""
    draw_against_n(ax, curves, "bytes per task")
    widen(ax.yaxis, 10)
    unit_axis(ax.yaxis, tick_bytes)


def draw_slopes(ax, curves, slopes):
    """Writes slopes, {label: bytes}, to the right of axes whose limits are final: at the height of
    the curve's last point, or as near above it as there is room."""
    low, high = ax.get_ylim()
    last = [(math.log(c.y[-1] / low) / math.log(high / low), c) for c in curves if c.label in slopes]
    floor = 0.0
    for height, curve in sorted(last, key=lambda item: item[0]):
        floor = max(height, floor)
        ax.text(1.015, floor, f"{slopes[curve.label]:,.0f} B", transform=ax.transAxes, fontsize=9,
                va="center", color=style_of(curve.model).colour, fontweight="bold")
        floor += 0.07


def draw_ecdf(ax, curves, marks, x_label):
    """Cumulative shares of times in ns; `marks` is [(model, variant, ns, share)], the percentiles
    to be marked. Times below 100 ns are drawn at 100 ns."""
    for curve in curves:
        style = style_of(curve.model)
        ax.step([max(ns, 100) for ns in curve.x], [100 * share for share in curve.y], where="post",
                color=style.colour, linestyle=style.line)
        ax.plot([], [], color=style.colour, linestyle=style.line, marker=style.marker,
                markerfacecolor=marker_face(curve.model, curve.variant), label=curve.label)
    for model, variant, ns, share in marks:
        ax.plot([max(ns, 100)], [100 * share], marker=style_of(model).marker, linestyle="none",
                color=style_of(model).colour, markerfacecolor=marker_face(model, variant))
    ax.set_xscale("log")
    widen(ax.xaxis, 1.8)
    unit_axis(ax.xaxis, tick_time)
    ax.set_ylim(0, 102)
    ax.set_xlabel(f"{x_label}, log axis")
    ax.set_ylabel("share of operations, %")
    draw_legend(ax)


def draw_timeline(ax, spans, label, model, ideal_ms):
    """A row per task: waiting as a thin hatched bar, running as a full upright one. `spans` is
    [(task, 'wait' or 'run', from_ms, to_ms)]. A run of microseconds is drawn a hair wide."""
    colour = style_of(model).colour
    waits = [s for s in spans if s[1] == "wait"]
    runs = [s for s in spans if s[1] == "run"]
    ax.barh([s[0] for s in waits], [s[3] - s[2] for s in waits], left=[s[2] for s in waits],
            height=0.34, facecolor="#eeeeee", edgecolor="#8a8a8a", hatch="////", linewidth=0.5)
    ax.barh([s[0] for s in runs], [s[3] - s[2] for s in runs], left=[s[2] for s in runs],
            height=0.8, facecolor=colour, edgecolor=colour, linewidth=1.6)
    if ideal_ms:
        ax.axvline(ideal_ms, color="black", linewidth=1)
    tasks = max(s[0] for s in spans) + 1
    ax.set_ylim(tasks - 0.4, -0.6)
    ax.set_yticks(range(0, tasks, max(1, tasks // 8)))
    ax.set_ylabel("task")
    ax.set_title(label)
    ax.grid(axis="y", visible=False)


def timeline_legend():
    """Handles for the legend of the timelines."""
    return [Patch(facecolor="#eeeeee", edgecolor="#8a8a8a", hatch="////", label="waiting"),
            Patch(facecolor=INK, label="running (full height)"),
            Line2D([], [], color="black", linewidth=1, label="ideal: the longest chain")]


@dataclass(frozen=True)
class Answer:
    """One row of the answer: a model's ratio to the reference; `ratio` None where there is none.
    `text` stands at the right edge; is_decided tells whether the interval leaves out 1."""

    group: str
    label: str
    model: str
    ratio: float | None
    low: float | None
    high: float | None
    text: str
    is_decided: bool


def draw_answer(ax, answers, title, reference, limits):
    """Ratios to the reference on a logarithmic axis, a row each, under the name of their group.
    `limits` is the axis' range, which holds 1; right of 1 a model takes more than the reference."""
    heads, places = answer_places(answers)
    ax.axvspan(limits[0], 1, color="#f1f1f1", zorder=0)
    ax.axvline(1, color=style_of(reference).colour, linewidth=2, zorder=1)
    for y, answer in zip(places, answers):
        draw_answer_row(ax, y, answer)
    ax.set_xscale("log")
    ax.set_xlim(limits)
    unit_axis(ax.xaxis, lambda value: f"{value:g}x")
    ax.set_ylim(max(places) + 0.7, -0.6)
    ax.set_yticks([*heads.values(), *places], labels=[*heads, *(a.label for a in answers)])
    for label in ax.get_yticklabels()[:len(heads)]:
        label.set_fontweight("bold")
    ax.tick_params(axis="y", length=0)
    ax.grid(axis="y", visible=False)
    ax.set_title(title)
    ax.set_xlabel(f"less \u2190  ratio to {reference}, log axis  \u2192 more")


def answer_places(answers):
    """{group: y of its name} and the y of each row, downwards."""
    heads, places, y = {}, [], -1.0
    for answer in answers:
        if answer.group not in heads:
            y += 1.25 if heads else 1
            heads[answer.group] = y
        y += 1
        places.append(y)
    return heads, places


def draw_answer_row(ax, y, answer):
    style = style_of(answer.model)
    if answer.ratio is not None:
        if answer.low is not None:
            ax.plot([answer.low, answer.high], [y, y], color=style.colour, linewidth=4, alpha=0.45,
                    solid_capstyle="butt")
        ax.plot([answer.ratio], [y], marker=style.marker, markersize=8, color=style.colour,
                markerfacecolor=style.colour if answer.is_decided else "white", linestyle="none")
    ax.text(1.02, y, answer.text, transform=blended_transform_factory(ax.transAxes, ax.transData),
            va="center", ha="left", fontsize=9.5, fontweight="bold" if answer.is_decided else "normal",
            color=style.colour if answer.is_decided else "#555555")
