"""The rows of the textbook table: workloads of their own (spawn, switch, cpu, shared, queue, files,
connections), each with its figures by model. Blocks of a document; see sections.py."""

import cells as rows_of
from document import Heading, Paragraph, Table, Value, Verdict
from load import dig
from tables import (PERCENTILE_COLUMNS, distribution_values, each_cell, interval_value, key_figure,
                    median_value, missing, verdict_of)
from units import (COUNT_STEPS, RATE_STEPS, TIME_STEPS, count_text, percent_text, significant,
                   time_text)

CORES_TITLE, CORES_ANCHOR = "7. Does it use the cores?", "cores"
CORES_PARTS = ("cpu", "shared", "switch", "queue")

TITLES = {
    "spawn": ("Starting and awaiting tasks",
              "Tasks that do next to nothing, spawned and gathered in batches, one batch after the "
              "other; the time is of a batch, divided by its tasks (median)."),
    "cpu": ("Computing", "Tasks that only compute. Cores busy is CPU time divided by wall time: the "
                         "speed-up over one core, as far as all of it is the work."),
    "shared": ("Shared state",
               "Tasks increment shared counters. Without a lock an update is lost where another task "
               "comes between a load and its store; in one loop none can, unless a task waits there. "
               "The time is wall time divided by all increments."),
    "switch": ("Handing over between tasks",
               "A ring of tasks hands a token round; the time is of a batch of hand-overs, divided by "
               "them (median). Threads on two cores pay for waking one another."),
    "queue": ("Passing items through a queue",
              "Producers put items into a bounded queue, consumers take them; each item is put once "
              "and taken once, and the time is wall time divided by both."),
    "files": ("Files", "A loop cannot wait for a file: the calls block it, or are offloaded to helper "
                       "threads."),
    "connections": ("Many idle connections",
                    "Connections are held open while a few of them are active: what each costs, and "
                    "what the active ones notice. On the side of a server, the clients' figures are "
                    "those of a process of their own."),
}


def part_blocks(workload, families, comparisons=()):
    """The subsection of one workload: verdict and table, nothing where the run has none of it."""
    own = [f for f in families if f.workload == workload]
    if not any(cell.ok for f in own for s in f.series for cell in s.cells):
        return []
    title, note = TITLES[workload]
    verdict = [verdict_of(own_comparisons(comparisons, own))] if comparisons else []
    return [Heading(3, title), *verdict, Paragraph(note), part_table(workload, own, title)]


def own_comparisons(comparisons, families):
    return [c for c in comparisons if any(c.workload == f.workload for f in families)]


def cores_section(families, comparisons, pictures):
    """7: computing, shared state, and handing over."""
    own = [f for f in families if f.workload in CORES_PARTS]
    if not own:
        return missing(CORES_TITLE, CORES_ANCHOR, "standard")
    parts = [block for workload in CORES_PARTS for block in part_blocks(workload, own)]
    return [Heading(2, CORES_TITLE, CORES_ANCHOR), Verdict(cores_words(own, comparisons)),
            *pictures, *parts]


def cores_words(families, comparisons):
    """The verdicts of computing, who keeps how many cores busy, and whose updates were lost."""
    computing = verdict_of([c for c in comparisons if c.workload == "cpu"])
    words = list(computing.items) if isinstance(computing, Verdict) else []
    busy = [(series.label, cell.median(rows_of.cores_busy))
            for family, series, cell in each_cell(families) if family.workload == "cpu"]
    if busy:
        words.append("Cores kept busy by computing tasks: " + ", ".join(
            f"{label} {significant(found.estimate)}" for label, found in busy if found) + ".")
    return words + lost_words(families)


def lost_words(families):
    lost = {}
    for family, series, cell in each_cell(families):
        found = cell.median(key_figure("figures", "lost_updates_count"))
        units = cell.median(lambda row: (row.get("operations") or 0) * row["units_per_operation"])
        if found and units and rows_of.parse_spec(cell.spec)[1].get("lock") == "none":
            lost.setdefault((family.params, cell.tasks), []).append(
                f"{series.label} lost {count_text(found.estimate)} of {count_text(units.estimate)}")
    return [f"Increments without a lock ({params}): " + ", ".join(parts) + "."
            for (params, _), parts in lost.items()]


def part_table(workload, families, title):
    names = figure_names(families)
    columns, make = COLUMNS[workload]
    rows = [[rows_of.joined(family.params, rows_of.cpus_text(family.cpus)),
             Value(count_text(cell.tasks), cell.tasks), series.label, *make(cell),
             *(median_value(cell, key_figure("figures", name), count_text) for name in names)]
            for family, series, cell in each_cell(families)]
    heads = [name.removesuffix("_count").replace("_", " ") for name in names]
    return Table(["parameters", "N", "model", *columns, *heads], rows,
                 f"{title}: medians, with 95 % intervals")


def figure_names(families):
    return list(dict.fromkeys(name for f in families for s in f.series for c in s.cells
                              for row in c.ok for name in row.get("figures") or {}))


def unit_cells(cell):
    return [interval_value(cell.median(rows_of.unit_ns), TIME_STEPS),
            median_value(cell, lambda row: by_unit(rows_of.cpu_ns(row), row), time_text),
            interval_value(cell.median(rows_of.cores_busy), COUNT_STEPS, 2)]


UNIT_COLUMNS = ["time", "CPU time", "cores busy"]


def by_unit(figure, row):
    units = (row.get("operations") or 0) * (row.get("units_per_operation") or 1)
    return None if figure is None or not units else figure / units


def rate_cells(cell):
    return [*unit_cells(cell), interval_value(cell.median(unit_rate), RATE_STEPS)]


def unit_rate(row):
    ns = rows_of.unit_ns(row)
    return 1e9 / ns if ns else None


def switch_cells(cell):
    return [*unit_cells(cell), median_value(
        cell, lambda row: by_unit(dig(row, "switches", "voluntary"), row), share_text)]


def share_text(count):
    return count_text(None) if count is None else significant(count, 2)


def cpu_cells(cell):
    return [interval_value(cell.median(rows_of.wall_ns), TIME_STEPS),
            interval_value(cell.median(rows_of.cores_busy), COUNT_STEPS),
            median_value(cell, lambda row: by_unit(rows_of.cpu_ns(row), row), time_text)]


def file_cells(cell):
    return [interval_value(cell.median(rows_of.wall_ns), TIME_STEPS),
            interval_value(cell.median(rows_of.cpu_per_operation_ns), TIME_STEPS),
            median_value(cell, key_figure("loop_occupancy"), percent_text),
            *distribution_values(rows_of.merged(cell, "latency_ns"))]


def connection_cells(cell):
    return [interval_value(cell.median(rows_of.rss_per_task_bytes), COUNT_STEPS),
            interval_value(cell.median(rows_of.whole_per_task_bytes), COUNT_STEPS),
            interval_value(cell.median(rows_of.cpu_per_operation_ns), TIME_STEPS),
            *distribution_values(rows_of.merged(cell, "latency_ns")),
            median_value(cell, key_figure("clients", "latency_ns", "p99"), time_text)]


COLUMNS = {
    "spawn": (UNIT_COLUMNS, unit_cells),
    "shared": (UNIT_COLUMNS, unit_cells),
    "switch": ([*UNIT_COLUMNS, "kernel's switches for each"], switch_cells),
    "queue": ([*UNIT_COLUMNS, "puts and takes a second"], rate_cells),
    "cpu": (["wall time", "cores busy", "CPU time of a round"], cpu_cells),
    "files": (["wall time", "CPU per file", "loop occupied", "files", *PERCENTILE_COLUMNS], file_cells),
    "connections": (["RSS, B/connection", "whole, B/connection", "CPU per request", "requests",
                     *PERCENTILE_COLUMNS, "99th the clients saw"], connection_cells),
}
