"""4 and 5: what waiting costs, and fetching."""

import cells as rows_of
import open_loop
import textbook
from document import Heading, Paragraph, Table
from load import dig
from tables import (CELL_COLUMNS, cell_head, distribution_table, each_cell, interval_value,
                    key_figure, median_value, missing, verdict_of)
from units import RATE_STEPS, TIME_STEPS, count_text, percent_text

WAITING, FETCH = "4. What does waiting cost?", "5. Fetching: throughput, latency, CPU?"


def waiting_section(families, comparisons, open_cells, pictures):
    own = [f for f in families if f.workload == "sleep"]
    if not own:
        return missing(WAITING, "waiting", "smoke")
    return [Heading(2, WAITING, "waiting"),
            verdict_of([c for c in comparisons if c.workload == "sleep"], {"overshoot", "cpu"}),
            *pictures,
            Paragraph("Overshoot is how much later than asked a sleep ended. No sleep may end early; "
                      "a trial in which one does is `wrong`."),
            distribution_table(own, "overshoot_ns", "Overshoot of a sleep"),
            *open_loop.open_loop_blocks([c for c in open_cells if c.workload != "fetch"])]


def fetch_section(families, comparisons, open_cells, textbook_families, pictures):
    own = [f for f in families if f.workload == "fetch"]
    connections = textbook.part_blocks("connections", textbook_families,
                                       [c for c in comparisons if c.workload == "connections"])
    if not own and not connections:
        return missing(FETCH, "fetch", "quick")
    fetch = [verdict_of([c for c in comparisons if c.workload == "fetch"]), *pictures,
             Paragraph("Keep in mind the origin, which serves on one core: where it used "
                       f"{percent_text(ORIGIN_SHARE_MAX)} of that or more, it was the limit, not the "
                       "model, and its share is marked so."),
             throughput_table(own), distribution_table(own, "latency_ns", "Latency of a fetch"),
             *open_loop.open_loop_blocks([c for c in open_cells if c.workload == "fetch"])] if own else []
    return [Heading(2, FETCH, "fetch"), *fetch, *connections]


def throughput_table(families):
    rows = [[*cell_head(family, series, cell),
             interval_value(cell.median(rows_of.throughput), RATE_STEPS, 4),
             interval_value(cell.median(rows_of.cpu_per_operation_ns), TIME_STEPS),
             median_value(cell, key_figure("origin", "requests"), count_text),
             median_value(cell, origin_share, origin_text)]
            for family, series, cell in each_cell(families)]
    return Table([*CELL_COLUMNS, "fetches per second", "CPU per fetch", "requests the origin counted",
                  "origin's CPU time / wall time"], rows, "Throughput: medians with 95 % intervals")


# Of one core: the origin serves on one thread, and with this much of it used it is what limits.
ORIGIN_SHARE_MAX = 0.85


def origin_text(share):
    """The share, marked where the origin was the limit, so that the cell tells of it, not of the
    model."""
    text = percent_text(share)
    return text if share is None or share < ORIGIN_SHARE_MAX else f"{text}, the limit"


def origin_share(row):
    """The origin's CPU time by the trial's wall time; 1 is one core, all the time."""
    cpu = dig(row, "origin", "cpu_ns")
    return None if cpu is None or not row.get("wall_ns") else cpu / row["wall_ns"]
