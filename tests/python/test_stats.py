"""Statistics against values by hand and from scipy."""

import numpy as np
import pytest
from scipy import optimize, stats as scipy_stats

import stats
from conftest import exact_percentile, synthetic_distribution


def test_median_of_no_values_is_none():
    assert stats.median_interval([]) is None


@pytest.mark.parametrize("values", [[5.0], [5.0, 7.0]])
def test_fewer_than_three_rounds_give_a_median_without_an_interval(values):
    found = stats.median_interval(values)
    assert (found.estimate, found.low, found.high) == (np.median(values), None, None)


def test_median_interval_agrees_with_scipys_bootstrap():
    values = np.random.default_rng(1).normal(100, 5, 25)
    found = stats.median_interval(values)
    theirs = scipy_stats.bootstrap((values,), np.median, method="percentile", n_resamples=20000,
                                   random_state=2, vectorized=True, axis=-1).confidence_interval
    assert found.estimate == np.median(values)
    assert found.low == pytest.approx(theirs.low, rel=0.01)
    assert found.high == pytest.approx(theirs.high, rel=0.01)


def test_median_interval_of_three_values_is_their_range():
    found = stats.median_interval([1, 2, 9])
    assert (found.low, found.estimate, found.high) == (1, 2, 9)


def test_the_same_values_give_the_same_interval():
    values = np.random.default_rng(3).normal(1, 1, 9)
    assert stats.median_interval(values) == stats.median_interval(values)


def test_weighted_line_agrees_with_scipys_curve_fit():
    x = np.array([10, 100, 1000, 10000, 100000])
    y = (3e6 + 850 * x) * np.array([1.01, 0.99, 1.02, 0.985, 1.003])
    sigma = np.maximum(y, 0.01 * y.max())
    (a, b), covariance = optimize.curve_fit(lambda v, a, b: a + b * v, x, y, sigma=sigma)
    found = stats.weighted_line(x, y)
    reach = scipy_stats.t.ppf(0.975, 3) * np.sqrt(covariance[1, 1])
    assert found.slope == pytest.approx(b, rel=1e-6)
    assert found.intercept == pytest.approx(a, rel=1e-6)
    assert found.high - found.slope == pytest.approx(reach, rel=1e-4)
    assert found.low < 850 < found.high


def test_weighted_line_through_exact_points_has_no_width():
    found = stats.weighted_line([1, 2, 3, 4, 5], [7, 9, 11, 13, 15])
    assert (found.slope, found.intercept) == (pytest.approx(2), pytest.approx(5))
    assert found.high - found.low == pytest.approx(0, abs=1e-9)


def test_fewer_than_five_n_give_a_slope_without_an_interval():
    found = stats.weighted_line([1, 10, 100, 1000], [11, 20, 110, 1010])
    assert found.slope == pytest.approx(1)
    assert (found.low, found.high) == (None, None)


def test_one_n_gives_no_slope():
    assert stats.weighted_line([10], [100]) is None


def test_merging_adds_the_counts_of_buckets():
    left = dict(count=3, min=1, mean=2, max=3, buckets=[[1, 2, 1], [2, 3, 1], [3, 4, 1]])
    right = dict(count=1, min=3, mean=3, max=3, buckets=[[3, 4, 1]])
    found = stats.merge([left, None, right, synthetic_distribution([])])
    assert found.counts.tolist() == [1, 1, 2]
    assert (found.count, found.min, found.mean, found.max) == (4, 1, 2.25, 3)


def test_merging_nothing_gives_none():
    assert stats.merge([None, synthetic_distribution([])]) is None


def test_buckets_that_do_not_fit_together_are_refused():
    with pytest.raises(ValueError):
        stats.merge([dict(count=1, min=1, mean=1, max=1, buckets=[[1, upper, 1]]) for upper in (2, 3)])


@pytest.mark.parametrize("name", list(stats.PER_100K))
def test_merged_percentile_is_at_most_one_percent_above_the_exact_one(name):
    values = np.random.default_rng(5).lognormal(10, 1, 30000).astype(int)
    merged = stats.merge([synthetic_distribution(part) for part in np.split(values, 3)])
    exact = exact_percentile(np.sort(values), stats.PER_100K[name])
    assert exact <= stats.percentile(merged, stats.PER_100K[name]) <= exact * 1.01


def test_a_percentile_is_null_with_fewer_than_ten_samples_beyond():
    assert stats.percentile(stats.merge([synthetic_distribution(range(999))]), 99000) is None
    assert stats.percentile(stats.merge([synthetic_distribution(range(1000))]), 99000) is not None
    assert stats.percentile(None, 50000) is None


def test_merging_makes_percentiles_that_no_single_trial_has():
    parts = [synthetic_distribution(range(500)) for _ in range(2)]
    assert stats.percentile(stats.merge(parts[:1]), 99000) is None
    assert stats.percentile(stats.merge(parts), 99000) == pytest.approx(494, rel=0.01)


def test_ecdf_runs_from_the_minimum_to_one():
    values, shares = stats.ecdf(stats.merge([synthetic_distribution([3, 5, 5, 900])]))
    assert values.tolist() == [3, 3, 5, 900]
    assert shares.tolist() == [0, 0.25, 0.75, 1]
