"""8: what the seam costs over the same work written without it."""

import tax
from certainty import visible_value
from document import Heading, Paragraph, Table, Value, Verdict
from tables import missing
from units import MISSING, count_text, ends_text, factor_text, significant, visible_text

TITLE, ANCHOR = "8. What is the seam's tax?", "tax"
LARGE = 1.5  # ratios above are told as factors
SMALL_NAMES = {"wall": "wall time", "cpu": "CPU", "rss": "RSS", "whole": "memory"}


def tax_section(taxes, pictures):
    if not taxes:
        return missing(TITLE, ANCHOR, "full")
    rows = [[t.workload, Value(count_text(t.tasks), t.tasks), c.metric.title, f"{t.model} : {t.floor}",
             Value(MISSING if c.ratio is None else significant(c.ratio, 4), c.ratio),
             MISSING if c.low is None else ends_text(c.low, c.high), visible_value(c),
             Value(count_text(c.rounds), c.rounds), c.reason or change_text(c), t.spec]
            for t in taxes for c in t.comparisons]
    return [Heading(2, TITLE, ANCHOR), Verdict([tax_words(t) for t in tax.largest(taxes)]), *pictures,
            Paragraph("The floors are the same work written by hand: pthreads, and libevent "
                      "callbacks, without the interface that lets one function run in all models. "
                      "They are no competitors and stand in no other section."),
            Table(["workload", "N", "metric", "models", "ratio", "interval", "smallest visible", "rounds",
                   "tax", "spec"], rows, "Each model beside its floor")]


def tax_words(t):
    parts = [f"{SMALL_NAMES[c.metric.key]} {change_text(c)}" for c in t.comparisons]
    return f"{t.workload}, N = {count_text(t.tasks)}, {t.model} over {t.floor}: {', '.join(parts)}."


def change_text(c):
    """'+4.9 % (+3.1..+6.6)', of more than half as much again the factor, or that none was seen."""
    if c.outcome == "no verdict":
        return f"no verdict ({c.reason})"
    if c.outcome == "none":
        return f"none seen (could see {visible_text(c.visible)})"
    if c.ratio > LARGE:
        return factor_text(c.ratio, c.low, c.high)
    ends = [f"{100 * (v - 1):+.2g}" for v in (c.ratio, c.low, c.high)]
    return f"{ends[0]} % ({ends[1]}..{ends[2]})"
