"""The report's sections on how sure it is: where the winner changes, and how noisy the machine was."""

import numpy as np

import aa
import cells as rows_of
import crossings
import stats
from document import Heading, Paragraph, Table, Value, Verdict
from load import dig
from units import (MISSING, count_text, ends_text, percent_text, plural, significant, time_text,
                   visible_text)


def crossover_blocks(trends, pictures):
    """From which N, or which work or wait of a task, on a model wins."""
    if not trends:
        return []
    crossing = [t for t in trends if t.found.kind == "crosses"]
    if crossing:
        verdict = Verdict([f"{crossing_place(t)}: {t.metric.title}: {crossings.finding_text(t)}."
                           for t in crossing])
    else:
        verdict = Verdict(["Nowhere within the range that was run does the winner change."])
    return [
        Heading(3, "Where does the winner change?"), verdict, *pictures,
        Paragraph("From the smallest to the largest N, and along the work or the wait of a task where "
                  "the plan varies that, the ratio of two models is followed from point to point. A "
                  "crossing is where its logarithm, straight between the points, is 0; its interval "
                  "holds every place at which the two cannot be told apart. Memory is that of one N "
                  "above the base, divided by N, here, not the slope."),
        crossover_table(trends)]


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


def noise_section(run, pairs, pictures):
    """What the A/A pairs, the control spin and the trials' disturbances say; `pairs` are
    aa.compare_pairs()."""
    words = [pairs_words(pairs), *drift_words(run.rounds), *disturbance_words(run),
             *resumed_words(run)]
    return [Heading(2, "10. How noisy was this machine?", "noise"), Verdict(words), *pictures,
            *([disturbance_table(run)] if has_reasons(run) else []),
            *([noise_table(pairs)] if pairs else [])]


def pairs_words(pairs):
    if not pairs:
        return ("The run has no A/A pair, a cell that is in the plan twice: the smallest visible "
                "differences rest on each comparison's own spread alone.")
    claimed, judged = aa.claims(pairs)
    cells = len(dict.fromkeys((c.spec, c.cpus, c.reference) for c in pairs))
    share = f" ({percent_text(claimed / judged)})" if judged and claimed else ""
    return (f"The plan has {plural(cells, 'cell')} twice. Of {plural(judged, 'verdict')} between a cell "
            f"and itself, {claimed} {'claims' if claimed == 1 else 'claim'} a difference{share}; each "
            "such claim is false, and at most 5 % are to be expected. What the two differ by is noise: "
            "no comparison of the same metric is judged by less of it.")


def drift_words(rounds):
    """How the same hashing before each round varied; a round that was resumed has it twice."""
    spins = [r["control_spin_ns"] for r in rounds]
    if len(spins) < 2:
        return []
    middle = float(np.median(spins))
    return [f"The control spin, the same work, {plural(len(spins), 'time')} before a "
            f"round or the rest of one: median "
            f"{time_text(middle)}, from {100 * (min(spins) / middle - 1):+.1f} % to "
            f"{100 * (max(spins) / middle - 1):+.1f} %; the last against the first "
            f"{100 * (spins[-1] / spins[0] - 1):+.1f} %."]


def resumed_words(run):
    """How often the run was gone on with."""
    resumed = dig(run.environment, "resumed") or []
    if not resumed:
        return []
    boots = {part.get("boot_id") for part in resumed} - {dig(run.environment, "boot_id")}
    rebooted = f", {plural(len(boots), 'time')} after a reboot" if boots else ""
    return [f"The run was cut short and gone on with {plural(len(resumed), 'time')}{rebooted}."]


def disturbance_words(run):
    """How many trials were disturbed, and what became of them."""
    rows = run.rows + run.repeated
    if not any("disturbed" in row for row in rows):
        return ["The run does not tell which of its trials were disturbed."]
    left = sum(bool(row.get("disturbed")) for row in run.rows)
    return [f"{plural(len(run.repeated), 'attempt')} set aside because a trial was disturbed and run "
            f"again; of the {plural(len(run.rows), 'trial')} that count, {left:,} "
            f"{'was' if left == 1 else 'were'} disturbed to the last attempt and "
            f"{'is' if left == 1 else 'are'} in the figures, since there is no better."]


REASONS = {"steal": "the hypervisor gave the cores to others",
           "throttled": "a CPU quota stopped the trial",
           "others": "other processes used the cores",
           "control": "the control ticker was late too",
           "quiet": "the trial's own quiet part was as late as what it was to tell apart"}


def has_reasons(run):
    return any(row.get("disturbed") for row in run.rows + run.repeated)


def disturbance_table(run):
    rows = []
    for reason in dict.fromkeys(r for row in run.rows + run.repeated for r in row.get("disturbed") or []):
        counts = [sum(reason in (row.get("disturbed") or []) for row in side)
                  for side in (run.repeated, run.rows)]
        rows.append([reason, REASONS.get(reason, ""), *(Value(count_text(c), c) for c in counts)])
    return Table(["reason", "meaning", "attempts set aside", "trials that count"], rows,
                 "Disturbed trials by reason; one may have several")


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
