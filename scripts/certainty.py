"""The report's sections on how sure it is: where the winner changes, and how noisy the machine was."""

import aa
import cells as rows_of
import crossings
import stats
from document import Bullets, Heading, Paragraph, Table, Value
from units import MISSING, count_text, ends_text, percent_text, plural, significant, visible_text


def crossover_section(trends, pictures):
    """From which N, or which work or wait of a task, on a model wins."""
    if not trends:
        return []
    crossing = [t for t in trends if t.found.kind == "crosses"]
    if crossing:
        verdict = Bullets([f"{crossing_place(t)}: {t.metric.title}: {crossings.finding_text(t)}."
                           for t in crossing])
    else:
        verdict = Paragraph("Nowhere within the range that was run does the winner change.")
    return [
        Heading(2, "Where does the winner change?", "crossover"),
        Paragraph("From the smallest to the largest N, and along the work or the wait of a task where "
                  "the plan varies that, the ratio of two models is followed from point to point. A "
                  "crossing is where its logarithm, straight between the points, is 0; its interval "
                  "holds every place at which the two cannot be told apart. Memory is that of one N "
                  "above the base, divided by N, here, not the slope."),
        verdict, *pictures, crossover_table(trends)]


def crossing_place(trend):
    place = rows_of.cpus_text(trend.cpus)
    return ", ".join(part for part in (f"{trend.workload} ({trend.params})", place) if part)


def crossover_table(trends):
    rows = [[crossing_place(t), t.metric.title, f"{t.other} : {t.reference}",
             crossings.axis_name(t.axis), range_text(t), at_value(t), crossings.finding_text(t)]
            for t in trends]
    return Table(["workload", "metric", "models", "along", "from..to", "changes at", "what was found"],
                 rows, "Where the winner changes, every metric")


def range_text(trend):
    ends = (crossings.axis_text(trend.axis, trend.points[i].x) for i in (0, -1))
    return "..".join(ends) + f" ({len(trend.points)})"


def at_value(trend):
    if trend.found.at is None:
        return Value(MISSING, None)
    return Value(crossings.interval_text(trend), trend.found.at)


def noise_section(pairs, pictures):
    """What the A/A pairs say; `pairs` are aa.compare_pairs()."""
    head = [Heading(2, "How noisy was this machine?", "noise")]
    if not pairs:
        return [*head, Paragraph(
            "The run has no A/A pair, a cell that is in the plan twice: the smallest visible differences "
            "above rest on each comparison's own spread alone.")]
    claimed, judged = aa.claims(pairs)
    cells = len(dict.fromkeys((c.spec, c.cpus, c.reference) for c in pairs))
    share = f" ({percent_text(claimed / judged)})" if judged else ""
    return [*head, Paragraph(
        f"The plan has {plural(cells, 'cell')} twice. Of {plural(judged, 'verdict')} between a cell and "
        f"itself, {claimed} {'claims' if claimed == 1 else 'claim'} a difference{share}; each such claim "
        "is false, and at most 5 % are to be expected. What the two differ by is noise: no comparison "
        "of the same metric is judged by less of it."),
        *pictures, noise_table(pairs)]


def noise_table(pairs):
    rows = [[", ".join(p for p in (c.spec, rows_of.cpus_text(c.cpus)) if p), c.reference,
             c.metric.title, Value(MISSING if c.ratio is None else significant(c.ratio, 4), c.ratio),
             MISSING if c.low is None else ends_text(c.low, c.high), visible_value(c),
             Value(count_text(c.rounds), c.rounds), noise_verdict(c)] for c in pairs]
    return Table(["spec", "model", "metric", "again : first", "interval", "smallest visible", "rounds",
                  "verdict"], rows, "The same cell, twice")


def visible_value(c):
    return Value(MISSING if c.visible is None else visible_text(c.visible), c.visible)


def noise_verdict(c):
    if c.reason:
        return f"not comparable ({c.reason})"
    return "no difference seen" if c.outcome == "none" else "a difference: false"


def certainty_notes():
    """What the report's method says of verdicts."""
    return [
        "Ratios: the median over rounds of the ratio within a round; on the logarithm, so that a : b "
        "and b : a say the same.",
        "A ratio's interval: Student's t of the logarithms of the rounds, about their mean and about "
        "their median. Rounds are shuffled, so that equal models are as likely to differ one way as the "
        "other, whatever the noise; of few rounds a bootstrap claims too much. A verdict takes "
        f"{stats.MIN_ROUNDS} rounds.",
        "Many comparisons: all of one metric are judged together, after Benjamini and Hochberg, and "
        "their intervals are widened to the level of that (Benjamini and Yekutieli), so that at most "
        "5 % of the differences claimed are none. A model is called better just where the interval "
        "leaves out 1.",
        "Smallest visible: the half-width of a comparison's interval, and no less than what the noise "
        "of the A/A pair asks for with as many rounds; a difference below it is never claimed.",
    ]
