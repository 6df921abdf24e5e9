"""2: what a task costs in memory and to start."""

import cells as rows_of
import stats
import textbook
import units
from document import Heading, Paragraph, Table, Value
from load import dig
from tables import (CELL_COLUMNS, cell_head, each_cell, interval_value, key_figure, median_value,
                    missing, value, verdict_of)
from units import COUNT_STEPS, bytes_text, count_text, plural

TITLE, ANCHOR = "2. How much does a task cost?", "memory"
MEMORY_PARTS = ("page_tables_bytes", "kernel_stack_bytes", "slab_bytes")


def cost_section(families, comparisons, textbook_families, pictures):
    spawn = textbook.part_blocks("spawn", textbook_families)
    if not families and not spawn:
        return missing(TITLE, ANCHOR, "quick")
    memory = [
        verdict_of([c for c in comparisons if c.workload in ("sleep", "spawn")],
                   {"cpu", "rss", "whole", "unit"}),
        *pictures,
        Paragraph("The cost of a task is the slope of memory at the plateau (all N spawned, as many "
                  "under way as the model allows) against N; the base is the intercept. RSS leaves "
                  "out what the kernel keeps for a thread, so the whole is beside it: RSS, page "
                  "tables, kernel stacks and slab. In a pool a task that has not begun is an entry "
                  "in a queue and has no stack: its slope is that of waiting in line."),
        slope_table(families), memory_table(families)] if families else []
    return [Heading(2, TITLE, ANCHOR), *memory, *spawn]


def slope_table(families):
    rows = []
    for family in families:
        for series in family.series:
            for name, key in (("RSS", "rss_plateau_bytes"), ("whole", "whole_plateau_bytes")):
                line = rows_of.memory_line(series, key)
                rows.append([f"{family.title} ({family.params})", series.label, name,
                             *slope_cells(line, series, key)])
    return Table(["workload", "model", "memory", "bytes per task", "95 % interval", "base",
                  "95 % interval", "values of N", "N from..to"], rows,
                 "Slope and intercept of memory against N")


def slope_cells(line, series, key):
    sizes = [c.tasks for c in series.cells if c.median(key_figure("memory", key)) is not None]
    tail = [Value(count_text(len(sizes)), len(sizes)),
            f"{count_text(sizes[0])}..{count_text(sizes[-1])}" if sizes else units.MISSING]
    if line is None:
        why = "no reading" if not sizes else "one N alone gives no slope"
        return [value(None, bytes_text), why, value(None, bytes_text), units.MISSING, *tail]
    if line.low is None:
        why = f"none: {plural(line.count, 'value')} of N, takes {stats.MIN_SLOPE_N}"
        return [value(line.slope, count_text), why, value(line.intercept, bytes_text), why, *tail]
    return [value(line.slope, count_text), f"{count_text(line.low)} to {count_text(line.high)}",
            value(line.intercept, bytes_text),
            f"{bytes_text(line.intercept_low)} to {bytes_text(line.intercept_high)}", *tail]


def memory_table(families):
    def per_task(key):
        return lambda row: (None if dig(row, "memory", key) is None
                            else dig(row, "memory", key) / row["tasks"])
    rows = []
    for family, series, cell in each_cell(families):
        figures = [rows_of.rss_per_task_bytes, *(per_task(key) for key in MEMORY_PARTS),
                   rows_of.whole_per_task_bytes]
        sources = {dig(row, "memory", "kernel_source") or units.MISSING for row in cell.ok}
        rows.append([*cell_head(family, series, cell),
                     interval_value(cell.median(figures[0]), COUNT_STEPS),
                     *(median_value(cell, figure, count_text) for figure in figures[1:-1]),
                     interval_value(cell.median(figures[-1]), COUNT_STEPS), ", ".join(sorted(sources)),
                     median_value(cell, key_figure("stack", "size_bytes"), bytes_text),
                     median_value(cell, key_figure("stack", "used_peak_bytes"), bytes_text)])
    return Table([*CELL_COLUMNS, "RSS, B/task", "page tables, B/task", "kernel stacks, B/task",
                  "slab, B/task", "whole, B/task", "kernel's share from", "stack given",
                  "stack used"], rows,
                 "Memory above the base, divided by N: medians, with 95 % intervals")
