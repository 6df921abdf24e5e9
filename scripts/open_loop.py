"""Open-loop cells: operations that begin at times of their own. Latency from when one should have begun
beside the naive one, from when it did: the gap is what a closed loop leaves out."""

import cells as rows_of
import stats
from document import Heading, Paragraph, Table, Verdict
from tables import value
from units import MISSING, time_text

KEYS = ("intended_latency_ns", "latency_ns")


def open_loop_blocks(cells):
    own = sorted((c for c in cells if c.ok), key=lambda c: (
        c.spec, rows_of.rank(rows_of.MODEL_ORDER, c.model)))
    if not own:
        return []
    worst = max(own, key=lambda c: gap(c, "p99") or 0)
    return [Heading(3, "Open loop: latency from the intended start"),
            Verdict([gap_words(worst)]),
            Paragraph("Operations arrive at a rate of their own, whether or not the model keeps up. "
                      "The naive latency begins when the model begins the operation, so that a model "
                      "that falls behind looks fast; the other begins when it was due."),
            open_loop_table(own)]


def percentiles(cell, name):
    """(from the intended start, naive) in ns, each None where there are too few samples."""
    return [stats.percentile(rows_of.merged(cell, key), stats.PER_100K[name]) for key in KEYS]


def gap(cell, name):
    intended, naive = percentiles(cell, name)
    return None if intended is None or naive is None else intended - naive


def gap_words(cell):
    intended, naive = percentiles(cell, "p99")
    if intended is None or naive is None:
        return "Too few operations for a 99th percentile of the latency from the intended start."
    return (f"Widest gap: {cell.model} with `{cell.spec}`: the 99th percentile is {time_text(intended)} "
            f"from the intended start, {time_text(naive)} by the naive clock: {time_text(intended - naive)} "
            "that a closed loop would not have told of.")


def open_loop_table(cells):
    rows = []
    for cell in cells:
        figures = []
        for name in ("p50", "p99", "p999"):
            pair = percentiles(cell, name)
            figures += [value(ns, time_text) for ns in (*pair, gap(cell, name))]
        rows.append([cell.spec, cell.model, rows_of.joined(rows_of.cpus_text(cell.cpus), cell.conditions)
                     or MISSING, *figures])
    heads = [f"{name} {what}" for name in ("median", "99th", "99.9th")
             for what in ("intended", "naive", "gap")]
    return Table(["spec", "model", "conditions", *heads], rows,
                 "Latency from the intended start beside the naive one, trials merged")
