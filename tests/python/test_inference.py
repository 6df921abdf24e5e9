"""What may be claimed of few rounds: against values by hand and from scipy, and by simulation."""

import numpy as np
import pytest
from scipy import stats as scipy_stats

import inference
import stats
from conftest import synthetic_distribution

LOGS = [0.10, 0.14, 0.09, 0.12, 0.20]


def line(slope, error, degrees=3):
    reach = stats.student_quantile(degrees) * error
    return stats.Line(slope, slope - reach, slope + reach, 0, 0, 0, error, degrees, degrees + 2)


def claims(findings, alpha):
    return [not low <= 1 <= high for low, high in (inference.interval(f, alpha) for f in findings)]


def test_ratio_is_paired_within_rounds():
    left = {1: [20.0], 2: [400.0], 3: [6000.0], 4: [1.0]}
    right = {1: [10.0], 2: [200.0], 3: [3000.0]}
    found = inference.paired_ratio(left, right)
    assert (found.ratio, found.count) == (pytest.approx(2), 3)
    assert inference.interval(found) == (pytest.approx(2), pytest.approx(2))


def test_trials_of_one_round_count_once_as_their_geometric_mean():
    found = inference.paired_ratio({1: [2.0, 8.0]}, {1: [1.0]})
    assert (found.ratio, found.count, found.error) == (pytest.approx(4), 1, None)


def test_ratio_without_a_common_round_is_none():
    assert inference.paired_ratio({1: [2.0]}, {2: [1.0]}) is None


def test_the_p_value_is_scipys_of_one_sample_moved_to_what_is_nearer_to_no_difference():
    found = inference.finding_of_logs(LOGS)
    moved = np.array(LOGS) - np.mean(LOGS) + np.median(LOGS)
    assert np.median(LOGS) < np.mean(LOGS)
    assert inference.p_value(found) == pytest.approx(scipy_stats.ttest_1samp(moved, 0).pvalue)


def test_the_interval_is_scipys_about_the_mean_and_as_much_about_the_median():
    found = inference.finding_of_logs(LOGS)
    low, high = scipy_stats.t.interval(0.9, 4, np.mean(LOGS), scipy_stats.sem(LOGS))
    assert np.log(inference.interval(found, 0.1)) == pytest.approx(
        [low - np.mean(LOGS) + np.median(LOGS), high])


def test_smallest_visible_is_the_half_width_by_hand():
    found = inference.finding_of_logs([-0.01, 0.0, 0.01])
    assert found.error == pytest.approx(0.01 / 3**0.5)
    assert inference.smallest_visible(found) == pytest.approx(np.exp(4.302653 * 0.01 / 3**0.5))


def test_a_claim_is_never_less_than_the_smallest_visible():
    rng = np.random.default_rng(31)
    for logs in rng.standard_t(2, (500, 6)) * 0.05 + 0.05:
        found = inference.finding_of_logs(logs)
        if claims([found], 0.05)[0]:
            assert max(found.ratio, 1 / found.ratio) > inference.smallest_visible(found)
        assert claims([found], 0.05)[0] == (inference.p_value(found) < 0.05)


def test_where_mean_and_median_disagree_there_is_no_difference():
    assert inference.p_value(inference.finding_of_logs([0.01, 0.01, -0.3])) == 1


def test_differences_called_are_those_of_benjamini_and_hochberg():
    p_values = [0.001, 0.008, 0.039, 0.041, 0.042, 0.06, 0.074, 0.205, 0.212, 0.216]
    alpha = inference.family_alpha(p_values)
    assert alpha == pytest.approx(0.01)
    assert sum(p <= alpha for p in p_values) == 2  # 0.008 <= 2/10 of 0.05, and no later one is


def test_the_level_of_a_family_that_has_no_difference_is_bonferronis():
    assert inference.family_alpha([0.5] * 10) == pytest.approx(0.005)
    assert inference.family_alpha([]) == pytest.approx(0.05)
    assert inference.family_alpha([1e-9] * 10) == pytest.approx(0.05)


def test_the_difference_of_two_findings_is_welchs():
    rng = np.random.default_rng(32)
    left, right = rng.normal(0.3, 0.1, 7), rng.normal(0.2, 0.02, 5)
    found = inference.difference(*(inference.finding_of_logs(v, v.mean()) for v in (left, right)))
    theirs = scipy_stats.ttest_ind(left, right, equal_var=False)
    parts = [v.var(ddof=1) / v.size for v in (left, right)]
    assert found.degrees == pytest.approx(sum(parts)**2 / (parts[0]**2 / 6 + parts[1]**2 / 4))
    assert inference.p_value(found) == pytest.approx(theirs.pvalue)


def test_the_spread_of_equal_cells_is_taken_about_zero():
    logs = [[0.1, -0.2, 0.3], [0.0, 0.1, 0.1]]
    found = inference.pooled_spread([inference.finding_of_logs(part) for part in logs])
    assert found == pytest.approx(np.sqrt(np.mean(np.square(logs))))
    assert inference.pooled_spread([]) is None


def test_no_comparison_is_judged_by_less_noise_than_the_equal_cells_had():
    found = inference.finding_of_logs([0.010, 0.011, 0.012])
    assert claims([found], 0.05) == [True]
    noisy = inference.at_least(found, 0.05)
    assert noisy.error == pytest.approx(0.05 / 3**0.5)
    assert claims([noisy], 0.05) == [False]
    assert inference.smallest_visible(noisy) > 1.1


def test_slope_ratio_has_the_interval_of_independent_errors():
    found = inference.slope_ratio(line(200, 2), line(100, 1))
    assert found.ratio == pytest.approx(2)
    reach = scipy_stats.t.ppf(0.975, 6) * np.sqrt(2) * 0.01
    assert inference.interval(found)[1] == pytest.approx(2 * np.exp(reach))


def test_slope_ratio_is_none_where_a_slope_may_be_zero():
    assert inference.slope_ratio(line(200, 2), line(1, 1)) is None
    assert inference.slope_ratio(line(200, 2), None) is None


def planted_percentiles(rounds, operations, factor, seed):
    rng = np.random.default_rng(seed)
    values = {r: rng.lognormal(10, 0.5, operations).astype(int) for r in range(rounds)}
    return [{r: [synthetic_distribution(v * by)] for r, v in values.items()} for by in (factor, 1)]


@pytest.mark.parametrize("operations", [5000, 400])
def test_ratio_of_percentiles_finds_a_planted_factor(operations):
    found = inference.percentile_ratio(*planted_percentiles(6, operations, 2, 6), 99000)
    low, high = inference.interval(found)
    assert found.ratio == pytest.approx(2, rel=0.02)
    assert 1.9 < low <= high < 2.1


def test_ratio_of_percentiles_is_none_where_one_is_null():
    rounds = {r: [synthetic_distribution(range(1, 100))] for r in range(1, 4)}
    assert inference.percentile_ratio(rounds, rounds, 99000) is None


def test_the_jackknife_of_a_mean_is_the_standard_error_of_the_mean():
    values = np.array([1.0, 2.0, 4.0, 8.0, 9.0])
    without = (values.sum() - values) / 4
    found = inference.finding_of_jackknife(values.mean(), without)
    assert (found.error, found.degrees) == (pytest.approx(scipy_stats.sem(values)), 4)


def noise_of(kind, rng, rounds, cells):
    """Logarithms of one run of cells that are all the same, shape (rounds, cells)."""
    shape = rounds, cells
    if kind == "lognormal":
        return rng.normal(0, 0.05, shape)
    if kind == "heavy tails":
        return 0.03 * rng.standard_t(1.5, shape)
    if kind == "spikes":
        return rng.normal(0, 0.01, shape) + (rng.random(shape) < 0.15) * rng.exponential(0.7, shape)
    if kind == "two speeds":
        return rng.normal(0, 0.005, shape) + 0.34 * (rng.random(shape) < 0.5)
    steps, now = [], 0.0
    for _ in range(rounds * cells):  # drifts on from trial to trial, rounds shuffled
        now = 0.97 * now + 0.02 * rng.standard_t(3)
        steps.append(now)
    return np.array([row[rng.permutation(cells)] for row in np.reshape(steps, shape)])


@pytest.mark.parametrize("kind", ["lognormal", "heavy tails", "spikes", "two speeds", "drift"])
@pytest.mark.parametrize("rounds", [3, 5, 7])
def test_of_equal_cells_at_most_one_in_twenty_verdicts_claims_a_difference(kind, rounds):
    rng = np.random.default_rng(33)
    single, together = [], []
    for _ in range(100):
        logs = noise_of(kind, rng, rounds, 40)
        found = [inference.finding_of_logs(d) for d in (logs[:, :20] - logs[:, 20:]).T]
        single += claims(found, 0.05)
        together += claims(found, inference.family_alpha([inference.p_value(f) for f in found]))
    assert np.mean(single) <= 0.065
    assert np.mean(together) <= 0.05


@pytest.mark.parametrize("kind", ["lognormal", "drift"])
def test_a_slowdown_of_ten_percent_is_found_and_lies_in_its_interval(kind):
    rng = np.random.default_rng(34)
    found, covered = 0, 0
    for _ in range(100):
        logs = 0.3 * noise_of(kind, rng, 7, 20)
        cells = [inference.finding_of_logs(d) for d in (logs[:, :10] - logs[:, 10:]).T]
        slow = inference.finding_of_logs(logs[:, 0] - logs[:, 10] + np.log(1.1))
        alpha = inference.family_alpha([inference.p_value(f) for f in [slow, *cells[1:]]])
        low, high = inference.interval(slow, alpha)
        found += low > 1
        covered += low <= 1.1 <= high
    assert found >= 85
    assert covered >= 90
