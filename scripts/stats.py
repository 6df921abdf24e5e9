"""Statistics as pure functions over numbers; knows no row, no model and no file.

Randomness is seeded, so that the same numbers always give the same interval.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy import special

SEED = 20240229
RESAMPLES = 4000
LEVEL = 0.95
MIN_ROUNDS = 3     # fewer give no interval at all
FEW_ROUNDS = 5     # with fewer the bootstrap's interval is too narrow: of three it is their range
MIN_SLOPE_N = 5    # values of N that an interval of a slope takes
MIN_BEYOND = 10    # samples beyond a percentile, below which it is null
PER_100K = {"p50": 50000, "p90": 90000, "p99": 99000, "p999": 99900}


@dataclass(frozen=True)
class Interval:
    """An estimate from `count` values; low and high are None where there are too few of them."""

    estimate: float
    low: float | None
    high: float | None
    count: int


def median_interval(values):
    """The median of `values`, shape (n,), and its 95 % percentile-bootstrap interval.

    Efron and Tibshirani, An Introduction to the Bootstrap, 1993, chapter 13. Returns None for no
    values; with fewer than MIN_ROUNDS the interval is None.
    """
    values = np.asarray(values, dtype=float)
    if not values.size:
        return None
    estimate = float(np.median(values))
    if values.size < MIN_ROUNDS:
        return Interval(estimate, None, None, values.size)
    medians = np.median(values[resample_indices(values.size)], axis=1)
    return Interval(estimate, *tail_quantiles(medians), values.size)


@lru_cache(maxsize=64)
def resample_indices(count):
    """Indices drawn with replacement, shape (RESAMPLES, count), the same for the same count."""
    return np.random.default_rng(SEED).integers(0, count, size=(RESAMPLES, count))


def tail_quantiles(samples):
    """The two ends of the central 95 % of `samples`, shape (n,)."""
    low, high = np.quantile(samples, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(low), float(high)


@dataclass(frozen=True)
class Line:
    """y = intercept + slope * x. Intervals are None with fewer than MIN_SLOPE_N values of x;
    slope_error is the standard error of the slope, `degrees` its degrees of freedom."""

    slope: float
    low: float | None
    high: float | None
    intercept: float
    intercept_low: float | None
    intercept_high: float | None
    slope_error: float | None
    degrees: int
    count: int


def weighted_line(x, y):
    """Fits y = a + b x by least squares on relative errors; x and y have shape (n,), y > 0.

    N spans decades, and so do the readings: an unweighted fit would be decided by the largest N
    alone and its intercept by that point's error. So the standard deviation of a reading is taken
    to be proportional to the reading (Carroll and Ruppert, Transformation and Weighting in
    Regression, 1988, chapter 2), but at least to a hundredth of the largest, for what is off by a
    fixed amount (a page, other processes). Student's t for the interval; a bent line widens it.
    Returns None with fewer than two values of x.
    """
    x, y = np.asarray(x, dtype=float), np.asarray(y, dtype=float)
    if np.unique(x).size < 2:
        return None
    weight = 1 / np.maximum(np.abs(y), 0.01 * np.abs(y).max()) ** 2
    design = np.column_stack([np.ones_like(x), x])
    covariance = np.linalg.inv(design.T @ (design * weight[:, None]))
    intercept, slope = covariance @ (design.T @ (weight * y))
    degrees = np.unique(x).size - 2
    if np.unique(x).size < MIN_SLOPE_N:
        return Line(slope, None, None, intercept, None, None, None, degrees, x.size)
    residual = y - design @ [intercept, slope]
    errors = np.sqrt(np.diag(covariance) * np.sum(weight * residual**2) / degrees)
    reach = student_quantile(degrees) * errors
    return Line(slope, slope - reach[1], slope + reach[1], intercept, intercept - reach[0],
                intercept + reach[0], errors[1], degrees, x.size)


def student_quantile(degrees, alpha=1 - LEVEL):
    """How many standard errors an interval that misses in the share `alpha` of all cases reaches to
    each side."""
    return float(special.stdtrit(degrees, 1 - alpha / 2))


@dataclass(frozen=True)
class Distribution:
    """Merged buckets: lower (inclusive) and upper (exclusive) bounds and counts, shape (k,),
    ascending; min, mean and max are exact."""

    lower: np.ndarray
    upper: np.ndarray
    counts: np.ndarray
    count: int
    min: float
    mean: float
    max: float


def merge(distributions):
    """Adds the bucket counts of rows' distributions. Returns None where nothing was counted.

    Raises ValueError if two of them divide the axis differently.
    """
    parts = [d for d in distributions if d and d["count"]]
    if not parts:
        return None
    counts, uppers = {}, {}
    for lower, upper, count in (bucket for part in parts for bucket in part["buckets"]):
        if uppers.setdefault(lower, upper) != upper:
            raise ValueError(f"bucket from {lower} ends at {upper} and at {uppers[lower]}")
        counts[lower] = counts.get(lower, 0) + count
    bounds = sorted(counts)
    total = sum(part["count"] for part in parts)
    return Distribution(
        np.array(bounds), np.array([uppers[b] for b in bounds]),
        np.array([counts[b] for b in bounds]), total, min(part["min"] for part in parts),
        sum(part["mean"] * part["count"] for part in parts) / total,
        max(part["max"] for part in parts))


def percentile(distribution, per_100k):
    """The value that per_100k of 100,000 samples do not exceed: the inclusive upper end of its
    bucket, or the maximum if less. None with fewer than MIN_BEYOND samples beyond it."""
    if distribution is None:
        return None
    rank = -(-distribution.count * per_100k // 100000)
    if distribution.count - rank < MIN_BEYOND:
        return None
    index = int(np.searchsorted(np.cumsum(distribution.counts), rank))
    return float(min(distribution.upper[index] - 1, distribution.max))


def log_ratios(tables, times, per_100k):
    """Logarithms of the ratio of the two tables' percentiles for each of `times`, shape (b, r);
    nan where a percentile is null or 0. Shape (b,)."""
    top, bottom = (table_percentiles(table, times, per_100k) for table in tables)
    is_known = (top > 0) & (bottom > 0)
    return np.log(np.where(is_known, top, np.nan) / np.where(is_known, bottom, 1))


def bucket_table(rounds):
    """Counts by round and bucket, shape (r, k), and the buckets' inclusive upper ends, shape (k,),
    of `rounds`, a list of lists of row distributions. None if any round counted nothing."""
    merged = [merge(parts) for parts in rounds]
    if not merged or any(part is None for part in merged):
        return None
    ends = np.unique(np.concatenate([np.minimum(m.upper - 1, m.max) for m in merged]))
    counts = np.zeros((len(merged), ends.size))
    for row, part in zip(counts, merged):
        np.add.at(row, np.searchsorted(ends, np.minimum(part.upper - 1, part.max)), part.counts)
    return counts, ends


def table_percentiles(table, times, per_100k):
    """The percentile of each of `times`, shape (b, r): how often each round is taken. Shape (b,),
    nan where fewer than MIN_BEYOND samples lie beyond."""
    counts, ends = table
    cumulative = np.cumsum(times @ counts, axis=1)
    total = cumulative[:, -1]
    rank = np.ceil(total * per_100k / 100000)
    values = ends[(cumulative < rank[:, None]).sum(axis=1)].astype(float)
    return np.where(total - rank < MIN_BEYOND, np.nan, values)


def ecdf(distribution):
    """Steps of the cumulative distribution from the minimum on: values and shares in 0..1, shape
    (k + 1,) each."""
    values = np.minimum(distribution.upper - 1, distribution.max)
    shares = np.cumsum(distribution.counts) / distribution.count
    return np.insert(values, 0, distribution.min), np.insert(shares, 0, 0.0)
