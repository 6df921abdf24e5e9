"""Draws what blocking calls do. Each draw_x(ax, ...) only draws, as in charts.py."""

from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from charts import INK, draw_legend, style_of, tick_time, unit_axis, widen

REMEDY_LINES = {"direct": "-", "offload": (0, (4, 1.5)), "yield": (0, (1, 1.2))}
CONTROL = "#777777"


def draw_lateness(ax, curves, threshold_ns):
    """Shares of ticks that were later than a time. `curves` is [(label, model or None for the
    control, remedy, ns, shares)], both axes logarithmic: what matters is how many are very late."""
    for label, model, remedy, ns, shares in curves:
        style = style_of(model)
        colour = style.colour if model else CONTROL
        line = REMEDY_LINES.get(remedy, (0, (1, 1)))
        ax.step([max(value, 1000) for value in ns], [max(100 * (1 - s), 1e-3) for s in shares],
                where="post", color=colour, linestyle=line, linewidth=1.8 if model else 1.1)
        marker = style.marker if model else ""
        ax.plot([], [], color=colour, linestyle=line, marker=marker,
                markerfacecolor=colour if remedy == "direct" else "white", label=label)
        mark_every(ax, ns, shares, style, colour, remedy, model)
    ax.axvline(threshold_ns, color=INK, linewidth=0.9, linestyle=(0, (2, 2)))
    ax.set_xscale("log")
    ax.set_yscale("log")
    ax.set_ylim(1e-3, 150)
    unit_axis(ax.yaxis, lambda share: f"{share:g} %")
    unit_axis(ax.xaxis, tick_time)
    ax.set_xlabel("lateness of a tick, log axis")
    ax.set_ylabel("ticks later than that, log axis")
    draw_legend(ax)


def mark_every(ax, ns, shares, style, colour, remedy, model):
    """Markers at the shares 10, 1 and 0.1 %, so that curves differ without colour."""
    if not model:
        return
    for level in (0.5, 0.9, 0.99, 0.999):
        at = next((i for i, share in enumerate(shares) if share >= level), None)
        if at is not None and shares[at] < 1:
            ax.plot([max(ns[at], 1000)], [max(100 * (1 - shares[at]), 1e-3)], marker=style.marker,
                    color=colour, linestyle="none",
                    markerfacecolor=colour if remedy == "direct" else "white")


def draw_stolen(ax, title, blocks_ns, blockers, shares):
    """A heat map: the share of blocked time that the mean victim lost; shares[i][j] for blockers[i]
    and blocks_ns[j], None where nothing was run. The number stands in each field."""
    image = ax.imshow([[share if share is not None else float("nan") for share in row]
                       for row in shares], cmap="Greys", vmin=0, vmax=1.25, aspect="auto",
                      origin="lower")
    for i, row in enumerate(shares):
        for j, share in enumerate(row):
            text = "" if share is None else f"{100 * share:.3g} %" if share < 9.995 else f"{share:.3g}x"
            ax.text(j, i, text, ha="center", va="center", fontsize=9.5,
                    color="white" if share is not None and share > 0.6 else INK)
    ax.set_xticks(range(len(blocks_ns)), [tick_time(ns) for ns in blocks_ns])
    ax.set_yticks(range(len(blockers)), [str(count) for count in blockers])
    ax.grid(False)
    ax.set_title(title)
    ax.set_xlabel("length of a blocking call")
    return image


def draw_block(ax, label, model, blocks_ms, ticks_ms, limits):
    """The ticks of some victims around one block. `ticks_ms` is [(victim, due, began)]: a dot where
    a tick began, on time filled, late hollow, with a line from when it was due. Blocks are bars."""
    colour = style_of(model).colour
    for begin, end in blocks_ms:
        ax.axvspan(begin, end, facecolor="#e6e6e6", edgecolor="#8a8a8a", hatch="//", linewidth=0.5,
                   zorder=0)
    late = [t for t in ticks_ms if t[2] - t[1] > 1]
    on_time = [t for t in ticks_ms if t[2] - t[1] <= 1]
    ax.hlines([t[0] for t in late], [t[1] for t in late], [t[2] for t in late], color=colour,
              linewidth=0.8, alpha=0.35)
    ax.plot([t[1] for t in late], [t[0] for t in late], "|", color=colour, markersize=5, alpha=0.7)
    ax.plot([t[2] for t in late], [t[0] for t in late], "o", color=colour, markersize=3.6,
            markerfacecolor="white", linestyle="none")
    ax.plot([t[2] for t in on_time], [t[0] for t in on_time], "o", color=colour, markersize=3,
            linestyle="none")
    ax.set_xlim(limits)
    victims = max((t[0] for t in ticks_ms), default=0)
    ax.set_ylim(victims + 0.7, -0.7)
    ax.set_yticks(range(0, victims + 1, max(1, victims // 3)))
    ax.set_ylabel("victim")
    ax.set_title(label)
    ax.grid(axis="y", visible=False)


def block_legend():
    """Handles for the legend of the pictures of one block."""
    return [Patch(facecolor="#e6e6e6", edgecolor="#8a8a8a", hatch="//", label="a task blocks"),
            Line2D([], [], marker="o", color=INK, markersize=4, linestyle="none", label="tick"),
            Line2D([], [], marker="o", color=INK, markersize=4, markerfacecolor="white",
                   label="late tick, from when it was due")]


def draw_helpers(ax, curves):
    """Lateness against the number of helper threads. `curves` is [(label, model, marker is filled,
    helpers, ns)]."""
    helpers = sorted({count for curve in curves for count in curve[3]})
    for label, model, is_filled, counts, ns in curves:
        style = style_of(model)
        ax.plot(counts, ns, color=style.colour, marker=style.marker, label=label,
                linestyle="-" if is_filled else (0, (4, 1.5)),
                markerfacecolor=style.colour if is_filled else "white")
    ax.set_xscale("log")
    ax.set_yscale("log")
    ax.xaxis.set_major_locator(FixedLocator(helpers))
    ax.xaxis.set_minor_locator(NullLocator())
    ax.xaxis.set_major_formatter(FuncFormatter(lambda count, _: f"{count:g}"))
    widen(ax.yaxis, 10)
    unit_axis(ax.yaxis, tick_time)
    ax.set_xlabel("helper threads, log axis")
    ax.set_ylabel("99th percentile, log axis")
    draw_legend(ax)
