"""The report's sections: blocks of a document, every number in them from the rows."""

import re

import cells as rows_of
import certainty
import stats
import units
import verdicts
from document import (Bullets, Code, Columns, Contents, Heading, Paragraph, Picture, Table,
                      Value)
from load import dig
from units import (COUNT_STEPS, RATE_STEPS, TIME_STEPS, bytes_text, count_text, interval_text,
                   percent_text, plural, time_text)

BAD_STATUSES = ("wrong", "failed", "timeout", "crashed")


def build_document(run, cells, families, comparisons, trends, pairs, figures):
    """All blocks of the report of a run, first screen first; `trends` are crossings.Trend, `pairs`
    the comparisons of A/A pairs."""
    pictures = [(f.section, Picture(f.name, f.title, f.caption, f.is_wide, f.only)) for f in figures]

    def of(section):
        return [picture for name, picture in pictures if name == section]

    return [
        *answer_section(run, cells, comparisons, of("answer")),
        *memory_section(families, of("memory")),
        *time_section(families, of("time")),
        *waiting_section(families, of("waiting")),
        *fetch_section(families, of("fetch")),
        *chain_section(families, of("chain")),
        *certainty.crossover_section(trends, of("crossover")),
        *comparison_section(comparisons),
        *certainty.noise_section(pairs, of("noise")),
        *witness_section(run),
        *left_out_section(run, cells),
        *environment_section(run),
        *method_section(),
        *reproduce_section(run, comparisons),
    ]


def answer_section(run, cells, comparisons, pictures):
    chosen = verdicts.headline(comparisons)
    return [Heading(1, "Threads or async?"), Paragraph(summary(run)), *tally_blocks(chosen),
            *pictures, Contents(), Heading(2, "The verdict", "verdict"), *verdict_blocks(chosen),
            *limit_blocks(cells)]


def tally_blocks(chosen):
    """One sentence for each model that was compared with the reference."""
    others = dict.fromkeys(c.other for c in chosen)
    return [Bullets([verdicts.tally(chosen, other) + "." for other in others])] if chosen else [
        Paragraph("No spec was run by `async` and another model: nothing to compare.")]


def summary(run):
    """What was run, on which machine, and how it ended, in two sentences."""
    counts = status_counts(run.rows)
    ended = ", ".join(f"{count} {status}" for status, count in counts.items())
    rounds = len({row["round"] for row in run.rows})
    plan = dig(run.plan, "name")
    where = machine(run.environment)
    return (f"Run `{run.name}`" + (f" of plan `{plan}`" if plan else "") +
            f"{where}: {plural(rounds, 'round')}, {plural(len(run.rows), 'trial')} "
            f"({ended}). The same workload function runs in every model; each trial is a fresh "
            "process; ratios are paired within rounds.")


def machine(environment):
    """' on <CPU>, N cores, <kernel>' as far as the environment tells."""
    cores = dig(environment, "cpu", "cores")
    found = [dig(environment, "cpu", "model"), plural(cores, "core") if cores else None,
             dig(environment, "kernel")]
    found = [str(part) for part in found if part]
    return f" on {', '.join(found)}" if found else ""


def status_counts(rows):
    """{status: count} of the statuses that occur, ok first."""
    counts = {}
    for row in sorted(rows, key=lambda row: row["status"] != "ok"):
        counts[row["status"]] = counts.get(row["status"], 0) + 1
    return counts


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


def limit_blocks(cells):
    found = verdicts.limits(cells)
    return [Heading(3, "Where the machine stopped a model"),
            Bullets(found)] if found else []


def value(number, to_text):
    return Value(to_text(number), number)


def interval_value(interval, steps, digits=3):
    return Value(interval_text(interval, steps, digits), interval.estimate if interval else None)


def each_cell(families):
    """(family, series, cell) of every cell with an ok trial, by family, N, model."""
    found = [(f, s, c) for f in families for s in f.series for c in s.cells if c.ok]
    order = {id(f): place for place, f in enumerate(families)}
    return sorted(found, key=lambda item: (order[id(item[0])], item[2].tasks))


def cell_head(family, series, cell):
    return [family.title, Value(count_text(cell.tasks), cell.tasks), series.label]


CELL_COLUMNS = ["workload", "N", "model"]


def memory_section(families, pictures):
    return [
        Heading(2, "What does a task cost?", "memory"),
        Paragraph("The cost of a task is the slope of memory at the plateau (all N spawned, as many "
                  "under way as the model allows) against N; the base is the intercept. RSS leaves "
                  "out what the kernel keeps for a thread, so the whole is beside it: RSS, page "
                  "tables, kernel stacks and slab. In a pool a task that has not begun is an entry "
                  "in a queue and has no stack: its slope is that of waiting in line."),
        *pictures, slope_table(families), memory_table(families)]


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
    sizes = [c.tasks for c in series.cells
             if c.median(lambda row: dig(row, "memory", key)) is not None]
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


MEMORY_PARTS = ("page_tables_bytes", "kernel_stack_bytes", "slab_bytes")


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
                     median_value(cell, lambda row: dig(row, "stack", "size_bytes"), bytes_text),
                     median_value(cell, lambda row: dig(row, "stack", "used_peak_bytes"), bytes_text)])
    return Table([*CELL_COLUMNS, "RSS, B/task", "page tables, B/task", "kernel stacks, B/task",
                  "slab, B/task", "whole, B/task", "kernel's share from", "stack given",
                  "stack used"], rows,
                 "Memory above the base, divided by N: medians, with 95 % intervals")


def median_value(cell, figure, to_text):
    """The median alone, where a table has no room for its interval."""
    interval = cell.median(figure)
    return value(interval.estimate if interval else None, to_text)


def time_section(families, pictures):
    return [Heading(2, "How far does it scale?", "time"),
            Paragraph("Wall time runs from the call that runs main to its return: spawn, run and "
                      "join. The ideal is what the waits of the spec take if nothing else costs "
                      "time, the same for all models; a pool of M workers cannot reach it beyond M "
                      "tasks."),
            *pictures, time_table(families)]


def time_table(families):
    rows = []
    for family, series, cell in each_cell(families):
        rows.append([
            *cell_head(family, series, cell), Value(count_text(len(cell.ok)), len(cell.ok)),
            interval_value(cell.median(rows_of.wall_ns), TIME_STEPS, 4),
            median_value(cell, beyond_ideal_ns, time_text),
            *(median_value(cell, lambda row, key=key: dig(row, key), time_text)
              for key in ("spawn_ns", "run_ns", "join_ns")),
            interval_value(cell.median(rows_of.cpu_per_operation_ns), TIME_STEPS),
            median_value(cell, lambda row: dig(row, "peak_in_flight"), count_text),
            median_value(cell, lambda row: dig(row, "switches", "voluntary"), count_text),
            median_value(cell, lambda row: dig(row, "faults", "minor"), count_text)])
    return Table([*CELL_COLUMNS, "trials", "wall time", "beyond ideal", "spawn", "run", "join",
                  "CPU per operation", "peak in flight", "voluntary switches", "minor faults"], rows,
                 "Time: medians of the trials that are ok, with 95 % intervals")


def beyond_ideal_ns(row):
    wall, ideal = dig(row, "wall_ns"), dig(row, "ideal_ns")
    return None if wall is None or ideal is None else wall - ideal


def waiting_section(families, pictures):
    own = [f for f in families if f.workload == "sleep"]
    if not own:
        return []
    return [Heading(2, "What does waiting cost?", "waiting"),
            Paragraph("Overshoot is how much later than asked a sleep ended. No sleep may end early; "
                      "a trial in which one does is `wrong`."),
            *pictures, distribution_table(own, "overshoot_ns", "Overshoot of a sleep")]


def distribution_table(families, key, what):
    rows = []
    for family, series, cell in each_cell(families):
        merged = rows_of.merged(cell, key)
        found = [stats.percentile(merged, p) for p in stats.PER_100K.values()]
        rows.append([*cell_head(family, series, cell),
                     value(merged.count if merged else None, count_text),
                     *(value(ns, time_text) for ns in found),
                     value(float(merged.max) if merged else None, time_text)])
    return Table([*CELL_COLUMNS, "operations", "median", "90th", "99th", "99.9th", "maximum"], rows,
                 f"{what}, trials merged; n/a: fewer than ten samples lie beyond")


def fetch_section(families, pictures):
    own = [f for f in families if f.workload == "fetch"]
    if not own:
        return []
    return [Heading(2, "Fetching over HTTP", "fetch"),
            Paragraph("Keep in mind the origin: where its CPU time comes near the wall time, it was "
                      "the origin that was measured."),
            *pictures, throughput_table(own), distribution_table(own, "latency_ns",
                                                                 "Latency of a fetch")]


def throughput_table(families):
    rows = []
    for family, series, cell in each_cell(families):
        rows.append([*cell_head(family, series, cell),
                     interval_value(cell.median(rows_of.throughput), RATE_STEPS, 4),
                     median_value(cell, lambda row: dig(row, "origin", "requests"), count_text),
                     median_value(cell, origin_share, percent_text)])
    return Table([*CELL_COLUMNS, "fetches per second", "requests the origin counted",
                  "origin's CPU time / wall time"], rows, "Throughput: medians with 95 % intervals")


def origin_share(row):
    """The origin's CPU time by the trial's wall time; 1 is one core, all the time."""
    cpu = dig(row, "origin", "cpu_ns")
    return None if cpu is None or not row.get("wall_ns") else cpu / row["wall_ns"]


def chain_section(families, pictures):
    own = [f for f in families if f.workload == "chain"]
    if not own and not pictures:
        return []
    table = [distribution_table(own, "latency_ns", "Latency of a chain")] if own else []
    return [Heading(2, "Chains: tasks that interleave", "chain"),
            Paragraph("A chain's parts run one after the other, since each needs what the part "
                      "before it returned; the chains run side by side. A panel shows one trial."),
            *pictures, *table]


def comparison_section(comparisons):
    if not comparisons:
        return []
    rows = [comparison_row(c) for c in verdicts.once(comparisons)]
    return [Heading(2, "Every comparison", "comparisons"),
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
    results = dig(run.witness, "results")
    if not results:
        return [heading, Paragraph("hyperfine did not run; `scripts/witness.py` makes it do so.")]
    trials = {}
    for row in run.rows:
        if row["status"] == "ok" and row.get("timeline") is None:
            trials.setdefault((row["spec"], row["model_spec"], row["cpus"]), []).append(row)
    return [heading, Paragraph(
        "hyperfine times whole processes and knows nothing of this program. Its figures beside "
        "the trial's process as the runner saw it, and the part of that in which tasks ran (medians); "
        "the remainder is hyperfine's median minus the runner's. The rest of a process is start, "
        "preparation of the records, checking and printing."),
        Table(["spec", "model", "hyperfine, mean ± sd", "median", "runs", "process",
               "of which wall time", "remainder", "remainder / process"],
              [witness_row(result, trials, run.plan) for result in results])]


def witness_row(result, trials, plan):
    cells = dig(plan, "cells") or []
    cpus = next((c.get("cpus") for c in cells if c.get("cell") == result.get("cell")), None)
    rows = trials.get((result["spec"], result["model_spec"], cpus), [])
    process, wall = (median_of(rows, figure) for figure in (rows_of.process_wall_ns, rows_of.wall_ns))
    mean = result["mean"] * 1e9
    spread = result.get("stddev")
    shown = time_text(mean) + (f" ± {time_text(spread * 1e9, 2)}" if spread is not None else "")
    median = result["median"] * 1e9
    left = None if process is None else median - process
    runs = len(result.get("times") or [])
    return [", ".join(p for p in (result["spec"], rows_of.cpus_text(cpus)) if p),
            result["model_spec"], Value(shown, mean), value(median, time_text),
            Value(count_text(runs), runs), value(process, time_text), value(wall, time_text), value(left, time_text),
            value(None if left is None else left / process, percent_text)]


def median_of(rows, figure):
    found = stats.median_interval([v for v in map(figure, rows) if v is not None])
    return found.estimate if found else None


def left_out_section(run, cells):
    """Everything that is not in the figures, by name."""
    blocks = [Heading(2, "What failed, was limited or left out", "left-out")]
    notes = list(run.warnings)
    planned = sum(cell.get("rounds", 0) for cell in dig(run.plan, "cells") or [])
    if planned > len(run.rows):
        notes.append(f"The plan has {plural(planned, 'trial')}, the run {len(run.rows)}: it was "
                     "ended before it was through.")
    notes += disturbance_notes(run)
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


def disturbance_notes(run):
    """What the machine did to the trials: how many were repeated, and how many could not be helped."""
    left = [row for row in run.rows if row.get("disturbed")]
    notes = []
    if run.repeated:
        notes.append(f"{plural(len(run.repeated), 'trial')} disturbed ({reasons_text(run.repeated)}) "
                     "and repeated: in no figure above, and kept in trials.jsonl.")
    if left:
        notes.append(f"{plural(len(left), 'trial')} disturbed ({reasons_text(left)}) to the last "
                     "attempt: in the figures above, since there is no better.")
    return notes


def reasons_text(rows):
    """'control 2, steal 1': how many rows were disturbed by each."""
    counts = {}
    for row in rows:
        for reason in row.get("disturbed") or []:
            counts[reason] = counts.get(reason, 0) + 1
    return ", ".join(f"{reason} {count:,}" for reason, count in sorted(counts.items()))


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
    spins = [spin["control_spin_ns"] for spin in run.rounds]
    if spins:
        rows.append(["control spin, the same work before each round",
                     f"{time_text(min(spins))} to {time_text(max(spins))}"])
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
                                  for c in verdicts.headline(comparisons)))
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
