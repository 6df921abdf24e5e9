#!/usr/bin/python3
"""Writes a run's rows for other programs to read.

export.py RUN [--csv=FILE] [--google-benchmark=FILE]

The CSV has a line for each trial, as results/README.md describes it, nested keys joined by dots
(latency_ns.p99), without buckets, timelines and traces; what is null is empty. The JSON has the keys
of Google Benchmark's own (benchmark_format=json): a benchmark is a cell, a repetition one trial of it
that was not observed, an iteration one call of main; then mean, median, stddev and cv of each cell.
FILE may be - for standard output. Exit status: 0; 2 if there is nothing to export.
"""

import argparse
import csv
import io
import json
import statistics
import sys

import cells as rows_of
from load import LoadError, dig, load_run

LEFT_OUT = ("buckets", "timeline", "trace")
COUNTERS = {"items_per_second": rows_of.throughput,
            "cpu_per_operation_ns": rows_of.cpu_per_operation_ns,
            "rss_per_task_bytes": rows_of.rss_per_task_bytes,
            "whole_per_task_bytes": rows_of.whole_per_task_bytes,
            "latency_p50_ns": lambda row: dig(row, "latency_ns", "p50"),
            "latency_p99_ns": lambda row: dig(row, "latency_ns", "p99"),
            "overshoot_p99_ns": lambda row: dig(row, "overshoot_ns", "p99")}
AGGREGATES = (("mean", "time", statistics.fmean), ("median", "time", statistics.median),
              ("stddev", "time", statistics.stdev),
              ("cv", "percentage", lambda values: statistics.stdev(values) / statistics.fmean(values)))


def main(arguments=None):
    options = parse_options(arguments)
    try:
        run = load_run(options.run)
        if options.csv:
            write(options.csv, to_csv(run.rows))
        if options.google_benchmark:
            write(options.google_benchmark, json.dumps(to_google_benchmark(run), indent=2) + "\n")
    except LoadError as error:
        print(f"export.py: {error}", file=sys.stderr)
        return 2
    except OSError as error:
        print(f"export.py: {error.filename}: {error.strerror}", file=sys.stderr)
        return 2
    return 0


def parse_options(arguments):
    parser = argparse.ArgumentParser(description="Writes a run's rows for other programs to read.")
    parser.add_argument("run", metavar="RUN", help="folder that tva bench wrote")
    parser.add_argument("--csv", metavar="FILE", help="a line for each trial; - is standard output")
    parser.add_argument("--google-benchmark", metavar="FILE",
                        help="JSON with Google Benchmark's keys; - is standard output")
    options = parser.parse_args(arguments)
    if not options.csv and not options.google_benchmark:
        parser.error("nothing to do: give --csv or --google-benchmark")
    return options


def write(name, text):
    if name == "-":
        sys.stdout.write(text)
        return
    with open(name, "w", encoding="utf-8", newline="") as file:
        file.write(text)


def to_csv(rows):
    """All rows under the columns that any of them has; an object that
    is null in some rows has no column of its own."""
    flat = [dict(flatten(row)) for row in rows]
    found = list(dict.fromkeys(key for row in flat for key in row))
    nested = {key.rpartition(".")[0] for key in found}
    columns = [key for key in found if key not in nested]
    out = io.StringIO()
    writer = csv.DictWriter(out, columns, lineterminator="\n", extrasaction="ignore")
    writer.writeheader()
    writer.writerows(flat)
    return out.getvalue()


def flatten(row, prefix=""):
    """(dotted key, value) of nested objects; true and false as in JSON."""
    for key, value in row.items():
        if key in LEFT_OUT:
            continue
        if isinstance(value, dict) and value:
            yield from flatten(value, f"{prefix}{key}.")
        elif isinstance(value, (dict, list, bool)):
            yield prefix + key, json.dumps(value)
        else:
            yield prefix + key, value


def to_google_benchmark(run):
    """Google Benchmark's object of a run: context, and the benchmarks, cell after cell."""
    cells = rows_of.group_cells(run.rows)
    families = {workload: index for index, workload in
                enumerate(dict.fromkeys(cell.workload for cell in cells))}
    counts = dict.fromkeys(families, 0)
    found = []
    for cell in cells:
        found += benchmarks_of(cell, families[cell.workload], counts[cell.workload])
        counts[cell.workload] += 1
    return {"context": context_of(run), "benchmarks": found}


def context_of(run):
    """What Google Benchmark tells of a machine, as far as the environment knows it."""
    environment = run.environment
    load = str(dig(environment, "load_before", "average") or "").split()[:3]
    governor = dig(environment, "cpu", "governor")
    scaling = {} if governor is None else {"cpu_scaling_enabled": governor != "performance"}
    return {"date": dig(environment, "time"), "host_name": "", "executable": "tva",
            "num_cpus": dig(environment, "cpu", "cores"), **scaling,
            "load_avg": [float(part) for part in load], "caches": [],
            "library_build_type": "release" if "NDEBUG" in str(dig(environment, "build", "flags"))
            else "debug",
            "json_schema_version": 1, "run": run.name,
            "cpu_model": dig(environment, "cpu", "model"), "kernel": dig(environment, "kernel"),
            "revision": dig(environment, "build", "revision")}


def benchmarks_of(cell, family, instance):
    name = "/".join(p for p in (cell.spec, cell.model_spec, cell.cpus and f"cpus:{cell.cpus}",
                                cell.conditions) if p)
    head = {"family_index": family, "per_family_instance_index": instance, "run_name": name}
    repetitions = len(cell.rows)
    found = [{"name": name, **head, "run_type": "iteration", "repetitions": repetitions,
              "repetition_index": index, "threads": 1, **times_of(row)}
             for index, row in enumerate(cell.rows)]
    timed = [row for row in cell.ok if row.get("wall_ns") and rows_of.cpu_ns(row) is not None]
    if len(timed) > 1:
        found += [aggregate(name, head, repetitions, timed, *how) for how in AGGREGATES]
    return found


def times_of(row):
    """A repetition's times and counters, or its error."""
    times = {"iterations": 1 if row["status"] == "ok" else 0, "real_time": row.get("wall_ns") or 0,
             "cpu_time": rows_of.cpu_ns(row) or 0, "time_unit": "ns"}
    if row["status"] != "ok":
        return {"error_occurred": True, "error_message": f"{row['status']}: {row.get('reason')}",
                **times}
    return times | {key: value for key, value in counters_of(row) if value is not None}


def counters_of(row):
    return [(key, figure(row)) for key, figure in COUNTERS.items()]


def aggregate(name, head, repetitions, rows, aggregate_name, unit, of):
    """One aggregate over the trials that are ok."""
    found = {"name": f"{name}_{aggregate_name}", **head, "run_type": "aggregate",
             "repetitions": repetitions, "threads": 1, "aggregate_name": aggregate_name,
             "aggregate_unit": unit, "iterations": len(rows),
             "real_time": of([row["wall_ns"] for row in rows]),
             "cpu_time": of(list(map(rows_of.cpu_ns, rows))), "time_unit": "ns"}
    counters = {key: [value for value in map(figure, rows) if value is not None]
                for key, figure in COUNTERS.items()}
    return found | {key: of(values) for key, values in counters.items()
                    if len(values) > 1 and statistics.fmean(values) != 0}


if __name__ == "__main__":
    sys.exit(main())
