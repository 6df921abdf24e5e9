"""3: how far the models scale: time against N, how it grows, and where the machine stops them."""

import cells as rows_of
import crossings
import growth
import verdicts
from document import Heading, Paragraph, Table, Value, Verdict
from load import dig
from tables import (CELL_COLUMNS, cell_head, distribution_table, each_cell, interval_value,
                    key_figure, median_value, missing)
from units import TIME_STEPS, count_text, time_text

TITLE, ANCHOR = "3. How far does it scale?", "time"


def scale_section(families, cells, trends, pictures, chain_pictures):
    if not families:
        return missing(TITLE, ANCHOR, "quick")
    own = [f for f in families if f.workload != "fetch"]
    return [Heading(2, TITLE, ANCHOR), Verdict(scale_words(families, cells, trends)),
            *pictures,
            Paragraph("Wall time runs from the call that runs main to its return: spawn, run and "
                      "join. The ideal is what the waits of the spec take if nothing else costs "
                      "time, the same for all models; a pool of M workers cannot reach it beyond M "
                      "tasks."),
            time_table(families), *chain_blocks(own, chain_pictures)]


def scale_words(families, cells, trends):
    """How CPU time grows, which N were reached, where the machine stopped a model, where the winner
    changes."""
    chosen = max((f for f in families if len(f.sizes) > 1), default=families[0],
                 key=lambda f: (f.workload == "sleep", f.sizes[-1:] or [0], len(f.sizes)))
    words = []
    for series in chosen.series:
        sizes = [c.tasks for c in series.cells if c.ok]
        found = growth.growth_of(series, rows_of.cpu_ns)
        if found:
            words.append(f"{chosen.title}, {series.label}: {growth.words(found)}.")
        elif sizes:
            words.append(f"{chosen.title}, {series.label}: up to N = {count_text(sizes[-1])}.")
    words += [f"{text}." for text in verdicts.limits(cells)]
    words += [f"{t.workload}, {t.metric.title}: {crossings.finding_text(t)}." for t in trends
              if t.axis == "tasks" and t.metric.key == "wall" and t.found.kind == "crosses"]
    if not any(row["status"] == "limited" for cell in cells for row in cell.rows):
        words.append("The machine stopped no model at the N that were run.")
    return words


def time_table(families):
    rows = []
    for family, series, cell in each_cell(families):
        rows.append([
            *cell_head(family, series, cell), Value(count_text(len(cell.ok)), len(cell.ok)),
            interval_value(cell.median(rows_of.wall_ns), TIME_STEPS, 4),
            median_value(cell, beyond_ideal_ns, time_text),
            *(median_value(cell, key_figure(key), time_text)
              for key in ("spawn_ns", "run_ns", "join_ns")),
            interval_value(cell.median(rows_of.cpu_per_operation_ns), TIME_STEPS),
            median_value(cell, key_figure("peak_in_flight"), count_text),
            median_value(cell, key_figure("switches", "voluntary"), count_text),
            median_value(cell, key_figure("faults", "minor"), count_text)])
    return Table([*CELL_COLUMNS, "trials", "wall time", "beyond ideal", "spawn", "run", "join",
                  "CPU per operation", "peak in flight", "voluntary switches", "minor faults"], rows,
                 "Time: medians of the trials that are ok, with 95 % intervals")


def beyond_ideal_ns(row):
    wall, ideal = dig(row, "wall_ns"), dig(row, "ideal_ns")
    return None if wall is None or ideal is None else wall - ideal


def chain_blocks(families, pictures):
    own = [f for f in families if f.workload == "chain"]
    if not own and not pictures:
        return []
    table = [distribution_table(own, "latency_ns", "Latency of a chain")] if own else []
    return [Heading(3, "Chains: tasks that interleave"), *pictures,
            Paragraph("A chain's parts run one after the other, since each needs what the part "
                      "before it returned; the chains run side by side. A panel shows one trial."),
            *table]
