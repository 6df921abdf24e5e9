"""Where along an axis one model starts to win: pure functions over logarithms of ratios.

The ratio is other : reference at each x, ascending; between two of them the logarithm is taken to be
straight over log x (over x from 0 on). A crossing's interval holds every x at which the logarithm,
interpolated round by round, cannot be told from 0 by Student's t: the test turned round, as Fieller
did for a ratio (JRSS B 16, 1954). Not a bootstrap over rounds, which with five of them misses the
truth in a sixth of all cases, and which could contradict the verdicts beside it.
"""

from dataclasses import dataclass

import numpy as np

import inference

STEPS = 200  # between two x


@dataclass(frozen=True)
class Point:
    """One x: {round: logarithm of other : reference} and its inference.Finding."""

    x: float
    logs: dict
    finding: inference.Finding


@dataclass(frozen=True)
class Crossover:
    """Signs are of the logarithm: -1 where other has less than the reference, 1 where more, 0 where
    no difference was seen. `sign` is that of the last x with a difference, seen from `since` on.

    kind: 'crosses': the other sign was seen before; the logarithm is 0, for the last time, at `at`,
    between low and high.
    'starts': no difference was seen before `since`. 'always': the same sign at every x.
    'never': no difference at any x. 'fades': none is seen any more after `until`.
    """

    kind: str
    sign: int = 0
    since: float | None = None
    until: float | None = None
    at: float | None = None
    low: float | None = None
    high: float | None = None


def signs_of(points, alpha):
    """The sign seen at each point, shape (n,)."""
    return [seen_sign(*inference.interval(p.finding, alpha)) if p.finding.error is not None else 0
            for p in points]


def seen_sign(low, high):
    return 0 if low <= 1 <= high else int(np.sign(np.log(low)))


def find_crossover(points, alpha=inference.ALPHA):
    """The Crossover of points, ascending in x, with at most one finding an x."""
    signs = signs_of(points, alpha)
    seen = [i for i, sign in enumerate(signs) if sign]
    if not seen:
        return Crossover("never")
    sign = signs[seen[-1]]
    before = [i for i in seen if signs[i] == -sign]
    since = next(i for i in seen if i > max(before, default=-1))
    until = points[seen[-1]].x
    if before:
        at, low, high = crossing(points[before[-1]:since + 1], sign, alpha)
        return Crossover("crosses", sign, points[since].x, until, at, low, high)
    if seen[-1] < len(points) - 1:
        return Crossover("fades", sign, points[since].x, until)
    kind = "always" if since == 0 else "starts"
    return Crossover(kind, sign, points[since].x, until)


def crossing(points, sign, alpha):
    """(at, low, high): the last x at which the mean logarithm turns to `sign`, and the ends of the x
    at which it cannot be told from 0. At the first point the other sign was seen, at the last `sign`."""
    at, within = None, []
    for left, right in zip(points, points[1:]):
        if sign * left.finding.center <= 0 < sign * right.finding.center:
            share = left.finding.center / (left.finding.center - right.finding.center)
            at = float(between(left.x, right.x, share))
        within += undecided(left, right, alpha)
    return at, min(within + [at]), max(within + [at])


def between(left, right, share):
    """The x at `share` of the way, on a log axis unless it begins at 0."""
    if left <= 0:
        return left + share * (right - left)
    return left * (right / left) ** share


def undecided(left, right, alpha):
    """The x from left to right at which the logarithm cannot be told from 0; all of them where too
    few rounds have both ends. No error is taken to be less than the smaller of the two ends'
    findings': those hold what an A/A pair has added."""
    rounds = sorted(set(left.logs) & set(right.logs))
    shares = np.linspace(0, 1, STEPS + 1)
    if len(rounds) < inference.MIN_ROUNDS:
        return [float(between(left.x, right.x, s)) for s in (0, 1)]
    ends = np.array([[p.logs[r] for r in rounds] for p in (left, right)])
    logs = np.outer(1 - shares, ends[0]) + np.outer(shares, ends[1])
    floor = min(left.finding.error, right.finding.error)
    error = np.maximum(logs.std(axis=1, ddof=1) / len(rounds)**0.5, floor)
    reach = inference.student_quantile(len(rounds) - 1, alpha) * error
    return [float(between(left.x, right.x, s)) for s in shares[np.abs(logs.mean(axis=1)) <= reach]]
