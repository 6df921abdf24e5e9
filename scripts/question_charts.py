"""Draws what single questions need: memory by part, cores busy, times by model, drift. Each
draw_x(ax, ...) only draws, as in charts.py."""

from dataclasses import dataclass

from matplotlib.ticker import FuncFormatter, MaxNLocator

from charts import INK, draw_legend, marker_face, style_of, tick_bytes, tick_time, unit_axis, widen

PARTS = {"RSS": ("#56B4E9", ""), "page tables": ("#ffffff", "////"), "kernel stacks": ("#E69F00", "...."),
         "slab": ("#999999", "xxxx")}


@dataclass(frozen=True)
class Stack:
    """Bytes of a task by the names of PARTS; None where a part was not measured."""

    label: str
    parts: dict


def draw_ledger(ax, stacks):
    """A bar for each model, its parts one after the other, the whole and RSS' share at its end."""
    top = max(sum(v for v in s.parts.values() if v) for s in stacks)
    for name, (colour, hatch) in PARTS.items():
        lefts = [sum(max(v or 0, 0) for n, v in s.parts.items() if before(n, name)) for s in stacks]
        ax.barh(range(len(stacks)), [max(s.parts.get(name) or 0, 0) for s in stacks], left=lefts,
                height=0.62, facecolor=colour, hatch=hatch, edgecolor=INK, linewidth=0.6, label=name)
    for y, stack in enumerate(stacks):
        whole = sum(max(v or 0, 0) for v in stack.parts.values())
        ax.text(whole + 0.015 * top, y, ledger_text(stack, whole), va="center", fontsize=9.5)
    ax.set_yticks(range(len(stacks)), labels=[s.label for s in stacks])
    ax.set_ylim(len(stacks) - 0.45, -0.55)
    ax.set_xlim(0, top * 1.42)
    ax.xaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 5, 10]))
    ax.xaxis.set_major_formatter(FuncFormatter(lambda size, _: tick_bytes(size) if size else "0"))
    ax.tick_params(axis="y", length=0)
    ax.grid(axis="y", visible=False)
    ax.set_xlabel("bytes per task")


def before(name, other):
    order = list(PARTS)
    return order.index(name) < order.index(other)


def ledger_text(stack, whole):
    rss = stack.parts.get("RSS")
    known = all(value is not None for value in stack.parts.values())
    text = f"{whole:,.0f} B" if known else f"{whole:,.0f} B seen"
    return f"{text}, {whole / rss:.3g}x RSS" if rss and rss > 0 and known else text


@dataclass(frozen=True)
class Mark:
    """A figure of a model in a row of a chart; low and high None where there is no interval."""

    row: int
    label: str
    model: str
    variant: int
    value: float
    low: float | None
    high: float | None


def draw_rows(ax, names, marks):
    """Rows with a mark for each model, from left to right; the axis is the caller's. `names` are
    [(group, row)], a group's name stands above its rows."""
    places, heads = row_places(names)
    offsets = model_offsets(marks)
    seen = set()
    for mark in marks:
        style = style_of(mark.model)
        y = places[mark.row] + offsets[mark.label]
        if mark.low is not None:
            ax.plot([mark.low, mark.high], [y, y], color=style.colour, linewidth=4, alpha=0.45,
                    solid_capstyle="butt")
        ax.plot([mark.value], [y], marker=style.marker, markersize=7, color=style.colour,
                markerfacecolor=marker_face(mark.model, mark.variant), linestyle="none",
                label=None if mark.label in seen else mark.label)
        seen.add(mark.label)
    ax.set_yticks([*(y for _, y in heads), *places],
                  labels=[*(name for name, _ in heads), *(row for _, row in names)])
    for label in ax.get_yticklabels()[:len(heads)]:
        label.set_fontweight("bold")
    ax.set_ylim(max(places) + 0.7, -0.7)
    ax.tick_params(axis="y", length=0)


def row_places(names):
    """(y of each row, [(group, y)]), downwards."""
    places, heads, y = [], [], -1.0
    for place, (group, _) in enumerate(names):
        if place == 0 or names[place - 1][0] != group:
            y += 1
            heads.append((group, y))
        y += 1
        places.append(y)
    return places, heads


def model_offsets(marks):
    """A little up or down for each label, so that equal figures stay visible."""
    labels = list(dict.fromkeys(mark.label for mark in marks))
    step = 0.4 / max(1, len(labels) - 1)
    return {label: step * (i - (len(labels) - 1) / 2) for i, label in enumerate(labels)}


def draw_unit_times(ax, names, marks):
    """Times in ns on a log axis."""
    draw_rows(ax, names, marks)
    ax.set_xscale("log")
    widen(ax.xaxis, 10)
    unit_axis(ax.xaxis, tick_time)
    ax.set_xlabel("time of one, log axis")
    draw_legend(ax)


def draw_cores(ax, names, marks, cores):
    """Cores kept busy, from 0; a line where all of them are."""
    draw_rows(ax, names, marks)
    if cores:
        ax.axvline(cores, color="black", linewidth=1)
    ax.axvline(1, color="black", linewidth=0.8, linestyle=(0, (2, 2)))
    top = max([cores or 1, *(mark.value for mark in marks)])
    ax.set_xlim(0, top * 1.12)
    ax.set_xlabel("cores busy: CPU time / wall time")
    draw_legend(ax)


def draw_drift(ax, rounds, changes):
    """Changes of the control spin in % of its median, round by round."""
    ax.axhline(0, color="black", linewidth=1)
    ax.plot(rounds, changes, color=INK, marker="o", linewidth=1.2)
    reach = max(2.0, 1.15 * max(abs(c) for c in changes))
    ax.set_ylim(-reach, reach)
    ax.xaxis.set_major_locator(MaxNLocator(8, integer=True))
    ax.yaxis.set_major_formatter(FuncFormatter(lambda change, _: f"{change:+g} %"))
    ax.set_xlabel("round")
    ax.set_ylabel("control spin, from its median")
