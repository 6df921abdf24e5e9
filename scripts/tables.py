"""What the report's sections have in common: cells of tables, tables of cells, and verdicts."""

import cells as rows_of
import stats
import verdicts
from document import Heading, Paragraph, Table, Value, Verdict
from load import dig
from units import count_text, interval_text, time_text

CELL_COLUMNS = ["workload", "N", "model"]


def value(number, to_text):
    return Value(to_text(number), number)


def interval_value(interval, steps, digits=3):
    return Value(interval_text(interval, steps, digits), interval.estimate if interval else None)


def median_value(cell, figure, to_text):
    """The median alone, where a table has no room for its interval."""
    interval = cell.median(figure)
    return value(interval.estimate if interval else None, to_text)


def key_figure(*keys):
    """The figure row[key][key]..."""
    return lambda row: dig(row, *keys)


def each_cell(families):
    """(family, series, cell) of every cell with an ok trial, by family, N, model."""
    found = [(f, s, c) for f in families for s in f.series for c in s.cells if c.ok]
    order = {id(f): place for place, f in enumerate(families)}
    return sorted(found, key=lambda item: (order[id(item[0])], item[2].tasks))


def cell_head(family, series, cell):
    return [family.title, Value(count_text(cell.tasks), cell.tasks), series.label]


def distribution_table(families, key, what):
    rows = [[*cell_head(family, series, cell), *distribution_values(rows_of.merged(cell, key))]
            for family, series, cell in each_cell(families)]
    return Table([*CELL_COLUMNS, "operations", *PERCENTILE_COLUMNS], rows,
                 f"{what}, trials merged; n/a: fewer than ten samples lie beyond")


PERCENTILE_COLUMNS = ["median", "90th", "99th", "99.9th", "maximum"]


def distribution_values(merged):
    """Count, percentiles and maximum of a stats.Distribution, or of None."""
    found = [stats.percentile(merged, p) for p in stats.PER_100K.values()]
    return [value(merged.count if merged else None, count_text), *(value(ns, time_text) for ns in found),
            value(float(merged.max) if merged else None, time_text)]


def verdict_of(comparisons, metrics=None):
    """A Verdict of the headline's comparisons: an item for each workload, placement and pair, of the
    metrics in `metrics`, {key}, or all."""
    chosen = [c for c in verdicts.headline(comparisons) if metrics is None or c.metric.key in metrics]
    groups = {}
    for c in chosen:
        groups.setdefault((c.workload, c.cpus, c.other), []).append(c)
    return Verdict([pair_words(own) for own in groups.values()]) if groups else Paragraph(
        "No verdict: no spec was run by `async` and another model.")


def pair_words(comparisons):
    """'sleep, 1,000 tasks, threads against async: wall time: async by 1.5x (1.4..1.6); ...'"""
    most = max(comparisons, key=lambda c: c.rounds)
    head = rows_of.joined(most.workload, f"N = {count_text(most.tasks)}", rows_of.cpus_text(most.cpus),
                          f"{most.other} against {most.reference}")
    return f"{head}: " + "; ".join(f"{c.metric.title}: {verdicts.short(c)}" for c in comparisons) + "."


def missing(title, anchor, plan):
    """A question that the run has no cells for."""
    return [Heading(2, title, anchor),
            Paragraph(f"This run has no cells for it; `make bench PLAN={plan}` does.")]
