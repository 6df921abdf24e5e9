#!/usr/bin/python3
"""Reports on a run: writes report.md, report.html and charts/, and prints the verdict.

report.py RUN [--out=DIR]

Exit status: 0; 1 if a trial was wrong, failed, crashed or timed out, or if hyperfine and the program
do not agree (the report is written all the same); 2 if there is nothing to report on.
"""

import argparse
import sys
from pathlib import Path

import matplotlib

import blocking_figures
import cells as rows_of
import charts
import figures
import question_figures
import reconcile
import verdicts
from appendix import BAD_STATUSES
from certainty_figures import crossover_figures, noise_figures
from document import Picture, to_markdown
from findings import find_all
from load import LoadError, dig, load_run
from page import to_html
from sections import build_document, status_counts
from units import count_text, plural

REPORTS = Path(__file__).resolve().parent.parent / "docs" / "reports"
LINES, COLUMNS = 24, 80


def main(arguments=None):
    options = parse_options(arguments)
    try:
        run = load_run(options.run)
        out = options.out or REPORTS / run.name
        comparisons = write_report(run, out)
    except LoadError as error:
        print(f"report.py: {error}", file=sys.stderr)
        return 2
    except OSError as error:
        print(f"report.py: {error.filename}: {error.strerror}", file=sys.stderr)
        return 2
    print("\n".join(terminal_lines(run, comparisons, out / "report.html")))
    for a in reconcile.accounts(run):
        if a.problem:
            print(f"report.py: {a.problem}: {a.model_spec} {a.spec}", file=sys.stderr)
    return int(is_bad(run))


def is_bad(run):
    """Whether some trial failed, or the outside witness does not agree."""
    return (any(row["status"] in BAD_STATUSES for row in run.rows)
            or any(a.problem for a in reconcile.accounts(run)))


def parse_options(arguments):
    parser = argparse.ArgumentParser(description="Writes the report of a run and prints its verdict.")
    parser.add_argument("run", metavar="RUN", help="folder that tva bench wrote")
    parser.add_argument("--out", metavar="DIR", type=Path,
                        help="folder to write to (default: docs/reports/<name of the run>)")
    return parser.parse_args(arguments)


def write_report(run, out):
    """Writes everything into the folder `out`, made if need be; returns the core comparisons."""
    out.mkdir(parents=True, exist_ok=True)
    found = find_all(run.rows)
    blocks = build_document(run, found, pictures_of(write_charts(run, found, out / "charts")))
    (out / "report.md").write_text(to_markdown(blocks), encoding="utf-8")
    title = f"Threads or async? Run {run.name}"
    (out / "report.html").write_text(to_html(blocks, out / "charts", title), encoding="utf-8")
    return [c for c in found.comparisons if c.workload in rows_of.CORE_WORKLOADS]


def pictures_of(drawn):
    """{section: [Picture]} of figures.Figure."""
    pictures = {}
    for f in drawn:
        picture = Picture(f.name, f.title, f.caption, f.is_wide, f.only)
        pictures.setdefault(f.section, []).append(picture)
    return pictures


def each_figure(run, found):
    """Yields all figures of the report; each is saved before the next is asked for."""
    core = [c for c in found.comparisons if c.workload in rows_of.CORE_WORKLOADS]
    cores = dig(run.environment, "cpu", "cores")
    yield from figures.each_figure(found.families, core, run.rows)
    yield from question_figures.ledger_figures(found.families)
    yield from blocking_figures.each_figure(run.rows, found.cases)
    yield from question_figures.cores_figures(found.textbook, cores)
    yield from question_figures.tax_figures(found.taxes)
    yield from question_figures.ladder_figures(found.ladders)
    yield from crossover_figures(found.trends)
    yield from noise_figures(found.pairs)
    yield from question_figures.drift_figures(run.rounds)


def write_charts(run, found, folder):
    """Draws and saves every chart into `folder`, which then holds no other; returns them."""
    folder.mkdir(parents=True, exist_ok=True)
    for old in [*folder.glob("*.svg"), *folder.glob("*.png")]:
        old.unlink()
    drawn = []
    with matplotlib.rc_context(charts.RC):
        for figure in each_figure(run, found):
            figures.save_figure(figure, folder)
            drawn.append(figure)
    return drawn


def terminal_lines(run, comparisons, path):
    """The verdict as at most LINES lines of COLUMNS columns, the report's path last."""
    counts = ", ".join(f"{count} {status}" for status, count in status_counts(run.rows).items())
    rounds = len({row["round"] for row in run.rows})
    lines = [f"{run.name}: {plural(rounds, 'round')}, {plural(len(run.rows), 'trial')}: {counts}",
             "Which is better, by how much (interval), or what could have been seen:"]
    lines += verdict_lines(verdicts.headline(comparisons), room=LINES - 5)
    if any(line.startswith("*") for line in lines):
        lines.append("* of another spec than the line's head, named in the report")
    if not comparisons:
        lines[1:] = ["nothing to compare: no spec was run by async and another model"]
    warnings = [f"warning: {text}" for text in run.warnings]
    lines += warnings[:max(0, LINES - 1 - len(lines))]
    return [fit(line) for line in lines] + [f"report: {path}"]


def verdict_lines(comparisons, room):
    """A table: metrics down, models against the reference across; a block for each workload, as
    many blocks as fit into `room` lines."""
    lines = []
    for workload, cpus in dict.fromkeys((c.workload, c.cpus) for c in comparisons):
        block = workload_lines([c for c in comparisons if (c.workload, c.cpus) == (workload, cpus)])
        if len(lines) + len(block) > room:
            lines.append("... more in the report")
            break
        lines += block
    return lines


def workload_lines(comparisons):
    """A head with the N of each pair's wall time, then a line for each metric."""
    others = list(dict.fromkeys(c.other for c in comparisons))[:2]
    specs = {c.other: c.spec for c in reversed(comparisons)}
    tasks = {c.spec: c.tasks for c in comparisons}
    place = rows_of.cpus_text(comparisons[0].cpus)
    name = comparisons[0].workload + (f" ({place.split()[-1]})" if place else "")
    heads = [f"{other} : {comparisons[0].reference}, N={count_text(tasks[specs[other]])}"
             for other in others]
    lines = [columns(name, heads)]
    for metric in dict.fromkeys(c.metric for c in comparisons):
        own = [c for other in others for c in comparisons if (c.metric, c.other) == (metric, other)]
        mark = "*" if any(c.spec != specs[c.other] and c.ratio for c in own) else " "
        lines.append(columns(f"{mark} {metric.title}", [verdicts.short(c) for c in own]))
    return lines


def columns(head, texts):
    return fit(f"{head:<20}" + "".join(f"{text:<31}" for text in texts))


def fit(line):
    line = line.rstrip()
    return line if len(line) <= COLUMNS else line[:COLUMNS - 1] + "…"


if __name__ == "__main__":
    sys.exit(main())
