"""What few rounds can tell of a ratio: what was seen of its logarithm, when it may be called a
difference, and how large one must be to be seen. Pure functions over numbers; all logarithms are
natural ones, alpha is a share of 0..1.

Why Student's t and not the bootstrap: of five rounds that agree in sign the bootstrap of the median
always leaves out 0, though equal models do that in one run of sixteen. Why Student's t may be trusted
on noise that is not normal: the rounds are shuffled, so of two equal models the logarithm of the ratio
in a round is as likely d as -d, whatever the tails and however the machine drifts, and under that
symmetry Student's t claims a difference no more often than it says at the usual levels (Efron,
Student's t-Test Under Symmetry Conditions, JASA 64, 1969). tests/python/test_inference.py simulates it.
"""

from dataclasses import dataclass, replace

import numpy as np
from scipy import special

import stats
from stats import FEW_ROUNDS, MIN_ROUNDS, student_quantile

ALPHA = 1 - stats.LEVEL


@dataclass(frozen=True)
class Finding:
    """What was seen of the logarithm of a ratio in `count` rounds.

    `estimate` is what is shown; what is tested is `center`, with its standard error and degrees of
    freedom. error is None where there are too few rounds for a verdict.
    """

    estimate: float
    center: float
    error: float | None
    degrees: float
    count: int

    @property
    def ratio(self):
        return float(np.exp(self.estimate))


def finding_of_logs(logs, estimate=None):
    """The Finding of the logarithm in each round, shape (n,): its median, unless `estimate` is given,
    tested by its mean. None for no rounds."""
    logs = np.asarray(logs, dtype=float)
    if not logs.size:
        return None
    shown = float(np.median(logs)) if estimate is None else estimate
    if logs.size < MIN_ROUNDS:
        return Finding(shown, float(np.mean(logs)), None, logs.size - 1, logs.size)
    error = float(np.std(logs, ddof=1) / np.sqrt(logs.size))
    return Finding(shown, float(np.mean(logs)), error, logs.size - 1, logs.size)


def finding_of_jackknife(whole, without):
    """The Finding of an estimate over all rounds, `whole`, from the estimates with one round left
    out each, `without`, shape (n,). Tukey's jackknife: the pseudo-values are taken to be Student's
    (Miller, The Jackknife: A Review, Biometrika 61, 1974)."""
    without = np.asarray(without, dtype=float)
    count = without.size
    if count < FEW_ROUNDS or np.isnan(without).any():
        return Finding(whole, whole, None, count - 1, count)
    error = np.sqrt((count - 1) / count * np.sum((without - without.mean()) ** 2))
    return Finding(whole, whole, float(error), count - 1, count)


def round_logs(values):
    """{round: mean logarithm} of {round: [values]}, all positive: the trials of one round are one
    observation, their geometric mean."""
    return {r: float(np.mean(np.log(of_round))) for r, of_round in values.items()}


def paired_logs(left, right):
    """The logarithm of left : right in each round that both have, ascending by round. The logarithm
    makes a : b and b : a the same finding."""
    left, right = round_logs(left), round_logs(right)
    return [left[r] - right[r] for r in sorted(set(left) & set(right))]


def paired_ratio(left, right):
    """The Finding of left : right, paired within rounds; {round: [values]}, all positive.
    None where no round has both."""
    return finding_of_logs(paired_logs(left, right))


def percentile_ratio(left, right, per_100k):
    """The Finding of the ratio of a percentile, paired within rounds. `left` and `right` map a round
    to the row distributions of its trials. None where no round has both, or where either percentile
    of all rounds is null or 0."""
    tables = round_tables(left, right)
    if tables is None:
        return None
    return finding_by_rounds(lambda times: stats.log_ratios(tables, times, per_100k),
                             len(tables[0][0]))


def percentile_finding(rounds, per_100k):
    """As percentile_ratio(), of the percentile's own logarithm."""
    table = stats.bucket_table([rounds[r] for r in sorted(rounds)])
    if table is None:
        return None
    def logs(times):
        values = stats.table_percentiles(table, times, per_100k)
        return np.log(np.where(values > 0, values, np.nan))
    return finding_by_rounds(logs, len(table[0]))


def finding_by_rounds(logs_of, count):
    """The Finding of what `count` rounds say when merged; logs_of() gives the logarithms for each of
    `times`, shape (b, count): how often each round is taken.

    What is shown is of all rounds merged, never an average. What is tested is what each round says by
    itself; where that is null in some, having too few samples, the jackknife over rounds.
    """
    one = np.eye(count)
    whole = float(logs_of(np.ones((1, count)))[0])
    if np.isnan(whole):
        return None
    single = logs_of(one)
    if not np.isnan(single).any():
        return finding_of_logs(single, whole)
    return finding_of_jackknife(whole, logs_of(1 - one))


def round_tables(left, right):
    """stats.bucket_table() of both sides over the rounds that both have, or None."""
    rounds = sorted(set(left) & set(right))
    tables = [stats.bucket_table([side[r] for r in rounds]) for side in (left, right)]
    return None if any(table is None for table in tables) else tables


def percentile_logs(left, right, per_100k):
    """As paired_logs(), of the ratio of a percentile of {round: row distributions}; empty unless
    there is one in every round that both have."""
    tables = round_tables(left, right)
    if tables is None:
        return []
    logs = stats.log_ratios(tables, np.eye(len(tables[0][0])), per_100k)
    return [] if np.isnan(logs).any() else logs.tolist()


def difference(left, right):
    """The Finding of two independent ones' difference, that is, of the ratio of their ratios.
    Welch's degrees of freedom (The Generalization of Student's Problem, Biometrika 34, 1947)."""
    estimate, center = left.estimate - right.estimate, left.center - right.center
    count = min(left.count, right.count)
    if left.error is None or right.error is None:
        return Finding(estimate, center, None, 0, count)
    squares = np.array([left.error, right.error]) ** 2
    parts = squares**2 / np.array([left.degrees, right.degrees])
    degrees = squares.sum() ** 2 / parts.sum() if parts.sum() > 0 else left.degrees + right.degrees
    return Finding(estimate, center, float(np.sqrt(squares.sum())), float(degrees), count)


def slope_ratio(left, right):
    """The Finding of the ratio of two stats.Line's slopes, their errors taken to be relative to the
    slope. None unless both have an interval and that is above 0."""
    if not all(line and line.low is not None and line.low > 0 for line in (left, right)):
        return None
    return difference(*(Finding(float(np.log(line.slope)), float(np.log(line.slope)),
                                line.slope_error / line.slope, line.degrees, line.count)
                        for line in (left, right)))


def pooled_spread(findings):
    """The spread of the logarithm within a round between cells that are the same: the root of its
    mean square about 0, which is known to be the truth, over the rounds of all `findings`. (The
    mean square about 0 is center^2 + (n - 1) error^2.) None where no finding has an error."""
    known = [f for f in findings if f.error is not None]
    if not known:
        return None
    squares = sum(f.count * (f.center**2 + (f.count - 1) * f.error**2) for f in known)
    return float(np.sqrt(squares / sum(f.count for f in known)))


def at_least(finding, spread):
    """`finding` with a standard error no less than rounds with this `spread` have."""
    if spread is None or finding.error is None:
        return finding
    return replace(finding, error=max(finding.error, spread / finding.count**0.5))


def p_value(finding):
    """Two-sided, of no difference: Student's, of the mean or of what is shown, whichever is nearer
    to 0; 1 where they lie on different sides. So what is claimed is never less than what is called
    visible."""
    if finding.estimate * finding.center <= 0:
        return 1.0
    if finding.error == 0:
        return 0.0
    nearer = min(abs(finding.estimate), abs(finding.center))
    return float(2 * special.stdtr(finding.degrees, -nearer / finding.error))


def family_alpha(p_values, rate=ALPHA):
    """The level at which every interval of a family of m findings is drawn: max(k, 1) rate / m.

    k of them are called differences by Benjamini and Hochberg's procedure (JRSS B 57, 1995). An
    interval at this level leaves out 0 for those k and no other, and of the intervals that do, at
    most the share `rate` misses the truth in the long run (Benjamini and Yekutieli, False Discovery
    Rate-Adjusted Multiple Confidence Intervals, JASA 100, 2005). Where nothing differs, any
    claim at all is made in at most the share `rate` of all runs.
    """
    ordered = np.sort(np.asarray(p_values, dtype=float))
    if not ordered.size:
        return rate
    steps = rate * np.arange(1, ordered.size + 1) / ordered.size
    passed = np.flatnonzero(ordered <= steps)
    return float(steps[passed[-1]] if passed.size else steps[0])


def interval(finding, alpha=ALPHA):
    """(low, high) of the ratio: Student's interval of the mean logarithm, and as much about what is
    shown. Leaves out 1 just where p_value() is below alpha."""
    reach = student_quantile(finding.degrees, alpha) * finding.error
    ends = sorted((finding.center, finding.estimate))
    return float(np.exp(ends[0] - reach)), float(np.exp(ends[1] + reach))


def smallest_visible(finding, alpha=ALPHA):
    """The smallest ratio above 1 that a finding with this error would have been called a difference
    at: exp(t(1 - alpha/2, degrees) error), the half-width of its own interval. After at_least() it
    is no less than what the A/A pair's spread asks for with as many rounds: so "not seen" and "could
    not have been seen" are one statement (Hoenig and Heisey, The Abuse of Power, The American
    Statistician 55, 2001: the interval, not a power computed afterwards)."""
    return float(np.exp(min(700, student_quantile(finding.degrees, alpha) * finding.error)))
