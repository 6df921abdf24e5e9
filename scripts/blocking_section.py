"""The report's section on blocking calls: blocks of a document. See sections.py."""

import blocking
import stats
import textbook
import units
from document import Heading, Paragraph, Table, Value, Verdict
from tables import missing, value
from units import count_text, percent_text, time_text


TITLE, ANCHOR = "6. What does a blocking call do?", "blocking"


def blocking_section(cases, families, comparisons, pictures):
    """`families` and `comparisons` of the workload `files`, whose calls block too."""
    files = textbook.part_blocks("files", families, [c for c in comparisons if c.workload == "files"])
    if not cases:
        return [Heading(2, TITLE, ANCHOR), *files] if files else missing(TITLE, ANCHOR, "quick")
    return [Heading(2, TITLE, ANCHOR), Verdict(blocking.sentences(blocking.by_situation(cases))),
            *pictures,
            Paragraph("Victims tick at times known beforehand while blockers block. A tick is late by "
                      "what passes from when it was due to when it began, however many are late "
                      "behind it. A victim counts as delayed beyond the greatest lateness of the same "
                      "trial's quiet part, in which nobody blocks, but at least one tick."),
            blocking_table(cases), *files]


def blocking_table(cases):
    rows = [[case.kind, value(case.block_ns, time_text), value(case.blockers, count_text), case.label,
             case.cell.model_spec, delayed_cell(case), *lateness_cells(case),
             *(median_cell(case, key) for key in ("threshold_ns", "control", "recovery_ns")),
             value(missed_share(case), percent_text), value(case.stolen, percent_text),
             value(case.cores.estimate if case.cores else None, cores_text)] for case in cases]
    return Table(["kind", "call", "blockers", "model", "model's parameters", "victims delayed", "p50",
                  "p99", "p99.9", "max", "threshold", "control's max", "recovery", "ticks missed",
                  "stolen", "cores busy"], rows,
                 "Blocking calls: lateness of the victims' ticks, trials merged; medians of the rest")


def cores_text(cores):
    return units.MISSING if cores is None else units.significant(cores, 2)


def delayed_cell(case):
    delayed = case.median("victims_delayed").estimate
    return Value(f"{delayed:,.0f} of {case.victims:,}", delayed / case.victims)


def lateness_cells(case):
    merged = case.merged("lateness_ns")
    found = [stats.percentile(merged, stats.PER_100K[name]) for name in ("p50", "p99", "p999")]
    return [value(ns, time_text) for ns in (*found, merged.max if merged else None)]


def median_cell(case, key):
    if key == "control":
        merged = case.merged("control_lateness_ns")
        return value(merged.max if merged else None, time_text)
    found = case.median(key)
    return value(found.estimate if found else None, time_text)


def missed_share(case):
    missed, due = case.median("ticks_missed"), case.median("ticks_due")
    return missed.estimate / due.estimate if due and due.estimate else None
