"""What stands after the questions: every comparison, the witness, the machine, the method, how to
reproduce it; and what failed, which is the eleventh question."""

import re

import cells as rows_of
import certainty
import reconcile
import stats
import units
import verdicts
from document import Bullets, Code, Columns, Heading, Paragraph, Table, Value, Verdict
from load import dig
from tables import value
from units import count_text, percent_text, plural, time_text

BAD_STATUSES = ("wrong", "failed", "timeout", "crashed")


def tally_blocks(chosen):
    """One sentence for each model that was compared with the reference."""
    others = dict.fromkeys(c.other for c in chosen)
    return [Bullets([verdicts.tally(chosen, other) + "." for other in others])] if chosen else []


def verdict_blocks(chosen):
    """The verdicts of the headline: a list for each pair and spec, side by side."""
    blocks = []
    for workload, cpus in dict.fromkeys((c.workload, c.cpus) for c in chosen):
        own = [c for c in chosen if (c.workload, c.cpus) == (workload, cpus)]
        pairs = dict.fromkeys((c.other, c.spec) for c in own)
        lists = [[c for c in own if (c.other, c.spec) == pair] for pair in pairs]
        title = ", ".join(part for part in (workload, rows_of.cpus_text(cpus)) if part)
        blocks += [Heading(3, title), Columns([pair_blocks(members) for members in lists])]
    return blocks


def pair_blocks(comparisons):
    most = max(comparisons, key=lambda c: c.rounds)
    return [Paragraph(verdicts.context(most)),
            Bullets([verdicts.sentence(c) for c in comparisons])]


def comparison_section(comparisons):
    if not comparisons:
        return []
    rows = [comparison_row(c) for c in verdicts.once(comparisons)]
    chosen = verdicts.headline([c for c in comparisons if c.workload in rows_of.CORE_WORKLOADS])
    return [Heading(2, "Every comparison", "comparisons"), *tally_blocks(chosen),
            *verdict_blocks(chosen),
            Paragraph("A ratio is the first model's figure divided by the second's. Where its interval "
                      "holds 1, the verdict is \"none seen\", which is not \"equal\": beside it is "
                      "the smallest difference that could have been seen."),
            Table(["workload", "N", "metric", "models", "ratio", "interval", "smallest visible",
                   "rounds", "verdict", "basis"], rows)]


def comparison_row(c):
    where = ", ".join(part for part in (c.workload, rows_of.cpus_text(c.cpus)) if part)
    return [where, Value(count_text(c.tasks), c.tasks), c.metric.title, f"{c.other} : {c.reference}",
            Value(units.MISSING if c.ratio is None else units.significant(c.ratio), c.ratio),
            units.MISSING if c.low is None else units.ends_text(c.low, c.high),
            certainty.visible_value(c), Value(count_text(c.rounds), c.rounds),
            c.reason or verdicts.short(c), c.basis or c.spec]


def witness_section(run):
    heading = Heading(2, "An outside witness: hyperfine", "witness")
    found = reconcile.accounts(run)
    if not found:
        return [heading, Paragraph("hyperfine did not run; `scripts/witness.py` makes it do so.")]
    bad = [a for a in found if a.problem]
    verdict = (f"{plural(len(bad), 'cell')} of {len(found)} not reconciled." if bad else
               f"hyperfine and the program tell the same in all of {plural(len(found), 'cell')}.")
    return [heading, Verdict([verdict], bool(bad)), Paragraph(
        "hyperfine times whole processes and knows nothing of this program. Its median stands beside "
        "the trial's process as the runner saw it, from before exec to the end, and beside the phases "
        "that the program tells of that: spawn, run and join. The rest of a process is start, preparation "
        "of the records, checking, printing and exit. " + bound_text()),
        Table(["spec", "model", "hyperfine, mean ± sd", "median", "runs", "process", "phases in it",
               "remainder", "at most", "reconciled"], [witness_row(a) for a in found])]


def bound_text():
    return ("The remainder, hyperfine's median minus the runner's, may be at most "
            f"{time_text(reconcile.REMAINDER_NS)} or {percent_text(reconcile.REMAINDER_SHARE)} of the "
            "process, or half the range of hyperfine's times and half that of the runner's together, "
            "whichever is most, either way.")


def witness_row(a):
    shown = time_text(a.mean_ns) + ("" if a.stddev_ns is None else f" ± {time_text(a.stddev_ns, 2)}")
    return [rows_of.joined(a.spec, rows_of.cpus_text(a.cpus)), a.model_spec, Value(shown, a.mean_ns),
            value(a.median_ns, time_text), Value(count_text(a.runs), a.runs),
            *(value(ns, time_text) for ns in (a.process_ns, a.phases_ns, a.remainder_ns, a.bound_ns)),
            units.MISSING if a.process_ns is None else "no" if a.problem else "yes"]


def left_out_section(run, cells):
    """Everything that is not in the figures, by name."""
    blocks = [Heading(2, "11. What failed or was left out?", "left-out")]
    notes = list(run.warnings)
    planned = sum(cell.get("rounds", 0) for cell in dig(run.plan, "cells") or [])
    if planned > len(run.rows):
        notes.append(f"The plan has {plural(planned, 'trial')}, the run {len(run.rows)}: it was "
                     "ended before it was through.")
    notes += [f"Errors within {status} trials of {spec} in {model}: {text}."
              for status, spec, model, text in errors_of(cells)]
    if notes:
        blocks.append(Bullets(notes))
    bad = [row for row in run.rows if row["status"] != "ok"]
    if not bad:
        return [*blocks, Paragraph("Every trial of the run ended ok.")]
    rows = [[row["status"], Value(count_text(row["round"]), row["round"]), row["model_spec"],
             ", ".join(p for p in (row["spec"], rows_of.cpus_text(row["cpus"])) if p),
             why(row)] for row in bad]
    return [*blocks, Paragraph("These trials are in no figure above."),
            Table(["status", "round", "model", "spec", "why"], rows)]


def errors_of(cells):
    """(status, spec, model, 'ECONNRESET 2, HTTP_404 1') of every cell and status with errors."""
    found = []
    for cell in cells:
        for status in dict.fromkeys(row["status"] for row in cell.rows):
            counts = {}
            for row in (row for row in cell.rows if row["status"] == status):
                for name, count in (row.get("errors") or {}).items():
                    counts[name] = counts.get(name, 0) + count
            if counts:
                text = ", ".join(f"{name} {count:,}" for name, count in sorted(counts.items()))
                found.append((status, cell.spec, cell.model, text))
    return found


def why(row):
    limit = row.get("limit")
    parts = [row.get("reason") or ""]
    if limit:
        parts.append(f"{limit.get('name')} = {count_text(limit.get('value'))}, reached "
                     f"{count_text(limit.get('reached'))} of {count_text(row['tasks'])} tasks")
    return "; ".join(part for part in parts if part) or "no reason given"


def flatten(value, prefix=""):
    """(dotted key, text) of everything in nested objects and lists."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from flatten(inner, f"{prefix}.{key}" if prefix else str(key))
    elif isinstance(value, list) and any(isinstance(item, (dict, list)) for item in value):
        for number, inner in enumerate(value):
            yield from flatten(inner, f"{prefix}.{number}")
    elif isinstance(value, list):
        yield prefix, ", ".join(scalar_text(item) for item in value)
    else:
        yield prefix, scalar_text(value)


def scalar_text(value):
    return {None: units.MISSING, True: "yes", False: "no"}.get(value, str(value)) if (
        value is None or isinstance(value, bool)) else str(value)


def environment_section(run):
    if not run.environment:
        return []
    rows = [[key, text] for key, text in flatten(run.environment)]
    return [Heading(2, "The machine and the build", "environment"), Table(["what", "value"], rows)]


def method_section():
    notes = [
        f"Intervals of medians: 95 %, percentile bootstrap, {stats.RESAMPLES:,} resamples with a fixed "
        f"seed; none with fewer than {stats.MIN_ROUNDS} trials.",
        *certainty.certainty_notes(),
        "Percentiles: from merged buckets, never averaged, at most 1 % above the exact one; n/a with "
        "fewer than ten samples beyond.",
        "A p99's ratio: of all rounds merged; tested by that of each round, or, where one has too few "
        "samples for it, by the jackknife over rounds.",
        "Slopes: least squares on relative errors over the medians of each N, Student's t; an interval "
        f"takes {stats.MIN_SLOPE_N} values of N.",
    ]
    return [Heading(2, "How the numbers are made", "method"), Bullets(notes)]


def reproduce_section(run, comparisons):
    plan = dig(run.plan, "name") or "standard"
    built = str(dig(run.environment, "build", "revision"))
    revision = re.match(r"[0-9a-f]{7,40}", built)
    lines = [f"git checkout {revision.group()}"] if revision else []
    if revision and "dirty" in built:
        lines[0] += "  # the run's build had uncommitted changes"
    lines += [f"make bench PLAN={plan}", f"make report RUN=results/{run.name}"]
    blocks = [Heading(2, "How to reproduce it", "reproduce"), Code("\n".join(lines))]
    commands = list(dict.fromkeys(trial_command(c, comparisons)
                                  for c in verdicts.headline(
                                      [c for c in comparisons if c.workload in rows_of.CORE_WORKLOADS])))
    if commands:
        blocks += [Paragraph("A single comparison of the first screen:"), Code("\n".join(commands))]
    return blocks


def trial_command(comparison, comparisons):
    """The `tva run` that runs the models of one spec."""
    own = [c for c in comparisons if (c.spec, c.cpus) == (comparison.spec, comparison.cpus)]
    models = dict.fromkeys([*(c.other_model for c in own), verdicts.REFERENCE_MODEL])
    workload, params = rows_of.parse_spec(comparison.spec)
    options = [f"--{name}={shell_text(part)}" for name, text in params.items() if text
               for part in (text.split("|") if name == "url" else [text])]
    pinning = [f"--cpus={comparison.cpus}"] if comparison.cpus else []
    return " ".join(["build/tva run", workload, f"--model={','.join(models)}", *options, *pinning])


def shell_text(text):
    return text if all(c.isalnum() or c in "._-:/=+" for c in text) else "'" + text + "'"
