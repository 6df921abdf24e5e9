#!/usr/bin/python3
"""Tells whether anything changed from one run to another.

compare.py RUN_A RUN_B [--metric=KEY]... [--threshold=5%] [--ratios] [--json]

Prints a table, a line for each cell and metric that both runs have. Exit status: 0 no regression; 1 some
figure of B is worse than A's, or a cell that ended ok in A does not in B; 2 nothing to compare.
"""

import argparse
import json
import sys
from dataclasses import asdict

import changes
import verdicts
from load import LoadError, load_run
from units import ends_text, factor_text, plural, significant, visible_text

HEAD = ("cell", "metric", "B : A", "interval", "visible", "verdict")


def main(arguments=None):
    options = parse_options(arguments)
    try:
        runs = [load_run(path) for path in (options.run_a, options.run_b)]
        result = changes.compare(*runs, metrics_of(options.metric),
                                 options.threshold, options.ratios)
    except LoadError as error:
        print(f"compare.py: {error}", file=sys.stderr)
        return 2
    if not result.changes and not result.broken:
        print(f"compare.py: {options.run_a} and {options.run_b} have no cell and metric in common "
              "(are they of the same plan?)", file=sys.stderr)
        return 2
    print(json.dumps(to_json(result), indent=2) if options.json else
          "\n".join(text_lines(result, runs)))
    return int(result.has_regression)


def parse_options(arguments):
    parser = argparse.ArgumentParser(
        description="Tells whether anything changed from run A to run B.",
        epilog="A change is told from noise by Student's interval of the logarithms; all of one metric "
               "are judged together, so that at most 5 % of what is called a change is none. Runs of "
               "different machines are compared by the ratios between models alone.")
    parser.add_argument("run_a", metavar="RUN_A", help="folder of the run before")
    parser.add_argument("run_b", metavar="RUN_B", help="folder of the run after")
    parser.add_argument("--metric", metavar="KEY", action="append",
                        choices=[m.key for m in verdicts.METRICS],
                        help="one of %(choices)s; may be repeated (default: all)")
    parser.add_argument("--threshold", metavar="SHARE", type=share, default=0.0,
                        help="a change that is smaller is no regression, even if visible: 5%%")
    parser.add_argument("--ratios", action="store_true",
                        help="compare ratios between models alone, as between machines: the drift of "
                             "a machine from run to run leaves them alone")
    parser.add_argument("--json", action="store_true", help="print JSON")
    return parser.parse_args(arguments)


def share(text):
    """0.05 of '5%'."""
    number = float(text.removesuffix("%")) / 100 if text.endswith("%") else None
    if number is None or not 0 <= number < 10:
        raise argparse.ArgumentTypeError(f"{text!r}: a share in percent, such as 5%")
    return number


def metrics_of(keys):
    return [m for m in verdicts.METRICS if not keys or m.key in keys]


def to_json(result):
    found = asdict(result)
    found["has_regression"] = result.has_regression
    return found


def text_lines(result, runs):
    lines = [f"A: {runs[0].path}", f"B: {runs[1].path}"]
    if result.other_machine:
        lines.append(f"Of other machines: {'; '.join(result.other_machine)}.")
    if result.by_ratio:
        lines.append("Only ratios between models are compared, each paired within its run. Which of "
                     "the two models changed, a ratio cannot tell: each change counts as a regression.")
    lines += ["", *aligned([HEAD, *map(table_row, result.changes)]), ""]
    lines += [f"{note.metric}: all {plural(note.cells, 'cell')} together, B : A "
              f"{significant(note.ratio)}; if the programs are the same, that is the machine's drift, "
              "which no interval holds (--ratios leaves it out)." for note in result.drift]
    lines += [f"regression: {text}" for text in result.broken]
    lines += [f"only in A: {name}" for name in result.only_a]
    lines += [f"only in B: {name}" for name in result.only_b]
    counts = [sum(c.verdict == v for c in result.changes) for v in changes.VERDICTS]
    summary = ", ".join(f"{count} {v}" for count, v in zip(counts, changes.VERDICTS) if count)
    return [*lines, f"{plural(len(result.changes), 'comparison')}: {summary}"]


def table_row(c):
    ends = "n/a" if c.low is None else ends_text(c.low, c.high)
    visible = "n/a" if c.visible is None else visible_text(c.visible)
    size = f" by {factor_text(max(c.ratio, 1 / c.ratio))}" if c.verdict in changes.CHANGED else ""
    why = f" ({c.reason})" if c.reason else ""
    return (c.name, c.metric, "n/a" if c.ratio is None else significant(c.ratio), ends, visible,
            c.verdict + size + why)


def aligned(rows):
    widths = [max(len(row[i]) for row in rows) for i in range(len(HEAD))]
    return ["  ".join(f"{text:<{width}}" for text, width in zip(row, widths)).rstrip()
            for row in rows]


if __name__ == "__main__":
    sys.exit(main())
