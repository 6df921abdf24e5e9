#!/usr/bin/python3
"""Puts measured numbers into documents, from the rows of a run, so that none is typed by hand.

quote.py [--check] [--run=results/reference] [DOCUMENT...]

Replaces what stands between `<!-- quote: KEY -->` and `<!-- /quote -->` in README.md and docs/*.md, or
in the documents given. Keys:

  run                            rounds and trials of the run
  machine                        on what it ran
  situations                     the table of the report's first screen
  verdict WORKLOAD MODEL METRIC  MODEL against async, as the report has it: "async by 8.3x (7.2..9.9)"
  slope MODEL rss|whole          bytes per sleeping task

Exit status: 0; 1 with --check if a document would change; 2 if a key or the run is wrong.
"""

import argparse
import re
import sys
from pathlib import Path

import cells as rows_of
import situations
import verdicts
from document import Table, to_markdown
from findings import find_all
from load import LoadError, load_run
from sections import machine
from units import count_text, plural

ROOT = Path(__file__).resolve().parent.parent
BLOCK = re.compile(r"(<!-- quote: ([^>]*?) -->)(\s*)(.*?)(\s*)(<!-- /quote -->)", re.DOTALL)


class QuoteError(Exception):
    """One line: which key of which document, what is wrong with it."""


def main(arguments=None):
    options = parse_options(arguments)
    try:
        run = load_run(options.run)
        found = find_all(run.rows)
        changed = [path for path in options.documents or documents()
                   if update(path, run, found, options.check)]
    except (LoadError, QuoteError) as error:
        print(f"quote.py: {error}", file=sys.stderr)
        return 2
    what = "differs from the run; scripts/quote.py updates it" if options.check else "updated"
    for path in changed:
        print(f"{path}: {what}")
    return int(options.check and bool(changed))


def parse_options(arguments):
    parser = argparse.ArgumentParser(description="Puts a run's numbers into documents.")
    parser.add_argument("documents", metavar="DOCUMENT", nargs="*", type=Path,
                        help="default: README.md and docs/*.md")
    parser.add_argument("--check", action="store_true", help="change nothing; 1 if something would be")
    parser.add_argument("--run", metavar="RUN", default=ROOT / "results" / "reference")
    return parser.parse_args(arguments)


def documents():
    return [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


def update(path, run, found, is_check):
    """Writes the document with its quotes from the run, unless is_check; tells whether it differs."""
    text = path.read_text(encoding="utf-8")

    def replace(match):
        try:
            return match[1] + match[3] + quote(match[2].split(), run, found) + match[5] + match[6]
        except (KeyError, ValueError, StopIteration):
            raise QuoteError(f"{path}: the run has nothing for the key \"{match[2]}\"") from None
    new = BLOCK.sub(replace, text)
    if new != text and not is_check:
        path.write_text(new, encoding="utf-8")
    return new != text


def quote(words, run, found):
    """The text of a key. Raises KeyError, ValueError or StopIteration for one that there is not."""
    return QUOTES[words[0]](run, found, *words[1:])


def run_words(run, _):
    rounds = len({row["round"] for row in run.rows})
    return f"{plural(rounds, 'round')}, {plural(len(run.rows), 'trial')}"


def machine_words(run, _):
    return machine(run.environment).removeprefix(" on ")


def situation_table(_, found):
    """The report's first table in short: of each situation what the first pair of models differs in."""
    rows = situations.find_situations(found.comparisons, found.trends, found.cases)
    return to_markdown([Table(["situation", "use", "by how much"],
                              [[s.name, f"**{s.use}**", s.why_briefly] for s in rows
                               if not s.plan])]).strip()


def verdict_words(_, found, workload, model, metric):
    own = [c for c in found.comparisons if c.cpus is None]
    return verdicts.short(next(c for c in verdicts.headline(own) if (
        c.workload, c.other, c.metric.key) == (workload, model, metric)))


def slope_words(_, found, model, kind):
    key = {"rss": "rss_plateau_bytes", "whole": "whole_plateau_bytes"}[kind]
    series = [s for f in found.families if f.workload == "sleep" for s in f.series if s.model == model]
    most = max(series, key=lambda s: len(s.cells))
    line = rows_of.memory_line(most, key)
    if line is None:
        raise ValueError
    return f"{count_text(line.slope)} bytes"


QUOTES = {"run": run_words, "machine": machine_words, "situations": situation_table,
          "verdict": verdict_words, "slope": slope_words}


if __name__ == "__main__":
    sys.exit(main())
