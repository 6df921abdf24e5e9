"""Draws ratios along an axis and ratios of A/A pairs; as charts.py, only draws."""

from dataclasses import dataclass

from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from charts import (INK, draw_intervals, marker_face, style_of, unit_axis, widen)


def draw_ratio(ax, curves, marks, reference):
    """Ratios to the reference on two log axes; `marks` is [(at, low, high, model)], the crossings."""
    ax.axhline(1, color=style_of(reference).colour, linewidth=2, zorder=1)
    for curve in curves:
        style = style_of(curve.model)
        ax.plot(curve.x, curve.y, color=style.colour, marker=style.marker, linestyle=style.line,
                markerfacecolor=marker_face(curve.model, curve.variant), label=curve.label)
        draw_intervals(ax, curve.x, curve)
    ax.set_xscale("log")
    ax.set_yscale("log")
    for at, low, high, model in marks:
        ax.plot([low, high], [1, 1], color=style_of(model).colour, linewidth=6, alpha=0.6,
                solid_capstyle="butt", zorder=3)
        ax.plot([at], [1], marker="|", markersize=14, color=INK, linestyle="none", zorder=4)
    widen(ax.yaxis, 4)
    unit_axis(ax.yaxis, lambda value: f"{value:g}x")


def label_axis(ax, places, to_text, label):
    """Ticks at the x that were run, those left out that would touch the next one."""
    places = [x for x in places if x > 0]
    span = places[-1] / places[0] if len(places) > 1 else 10
    shown = []
    for x in reversed(places):
        if not shown or shown[-1] / x >= span**0.13:
            shown.append(x)
    ax.xaxis.set_major_locator(FixedLocator(shown[::-1]))
    ax.xaxis.set_major_formatter(FuncFormatter(lambda x, _: to_text(x)))
    ax.xaxis.set_minor_locator(NullLocator())
    ax.set_xlim(places[0] / span**0.06, places[-1] * span**0.06)
    ax.set_xlabel(label)


@dataclass(frozen=True)
class NoiseRow:
    """An A/A pair's ratio with its interval; is_none: no difference is claimed."""

    label: str
    model: str
    ratio: float
    low: float
    high: float
    is_none: bool


def draw_noise(ax, rows):
    """Ratios of A/A pairs, a row each, on a log axis."""
    ax.axvline(1, color="black", linewidth=1.2, zorder=1)
    for y, row in enumerate(rows):
        style = style_of(row.model)
        ax.plot([row.low, row.high], [y, y], color=style.colour, linewidth=4, alpha=0.45,
                solid_capstyle="butt")
        ax.plot([row.ratio], [y], marker=style.marker, markersize=7, color=style.colour,
                markerfacecolor=style.colour if row.is_none else "white", linestyle="none")
    ax.set_xscale("log")
    widen(ax.xaxis, 1.3)
    unit_axis(ax.xaxis, lambda value: f"{value:g}x")
    ax.set_ylim(len(rows) - 0.4, -0.6)
    ax.set_yticks(range(len(rows)), labels=[row.label for row in rows])
    ax.tick_params(axis="y", length=0)
    ax.grid(axis="y", visible=False)
    ax.set_xlabel("ratio of a cell to itself, log axis")
