"""9: which objections change the winner, and from which N or work on it changes."""

import certainty
import ladder
import verdicts
from document import Heading, Paragraph, Table, Value, Verdict
from units import MISSING, count_text, ends_text, plural, significant

TITLE, ANCHOR = "9. What would change these answers?", "changes"


def changes_section(ladders, trends, pictures, crossover_pictures):
    along = certainty.crossover_blocks(trends, crossover_pictures)
    if not ladders and not along:
        return [Heading(2, TITLE, ANCHOR), Paragraph(
            "This run has no cells for it; `make bench PLAN=fairness` does.")]
    rungs = [Verdict(ladder_words(ladders)), *pictures,
             Paragraph("A rung turns one flag against the base, with everything else as it was. Only "
                       "the ratio of threads to async is told; its interval is that of the verdicts."),
             ladder_table(ladders)] if ladders else [
        Paragraph("One flag at a time: not in this run; `make bench PLAN=fairness` does it.")]
    return [Heading(2, TITLE, ANCHOR), *rungs, *along]


def ladder_words(ladders):
    words = []
    for own in ladders:
        for key, comparison in own.base.comparisons.items():
            effects = {}
            for rung in own.rungs[1:]:
                effects.setdefault(ladder.effect(own.base, rung, key), []).append(f"`{rung.flag}`")
            words.append(effect_words(own, comparison, effects))
    return words


def effect_words(own, base, effects):
    """Which flags change the winner of a metric, and that the others do not."""
    parts = [f"{what}: {', '.join(effects[what])}" for what in (
        ladder.CHANGES, ladder.DECIDES, ladder.FADES, ladder.UNKNOWN) if what in effects]
    same = len(effects.get(ladder.SAME, []))
    parts += [f"the same winner with {plural(same, 'other flag' if parts else 'flag')}"] if same else []
    return (f"{own.workload}, {base.metric.title}: {verdicts.short(base)} at the base "
            f"(`{base.spec}`); {'; '.join(parts)}.")


def ladder_table(ladders):
    rows = []
    for own in ladders:
        for rung in own.rungs:
            for key, c in rung.comparisons.items():
                effect = "base" if rung is own.base else ladder.effect(own.base, rung, key)
                rows.append([own.workload, rung.flag or "the base", c.metric.title,
                             Value(MISSING if c.ratio is None else significant(c.ratio), c.ratio),
                             MISSING if c.low is None else ends_text(c.low, c.high),
                             certainty.visible_value(c), Value(count_text(c.rounds), c.rounds),
                             c.reason or verdicts.short(c), effect,
                             f"{rung.pair.threads.model_spec} {rung.pair.async_.model_spec} {c.spec}"])
    return Table(["workload", "flag", "metric", "threads : async", "interval", "smallest visible",
                  "rounds", "verdict", "effect", "cells"], rows, "The ladder: one flag at a time")
