"""Where the winner changes, on planted ratios."""

import numpy as np
import pytest

import aa
import cells
import crossings
import crossover
import inference
import verdicts
from conftest import synthetic_row

SIZES = (10, 100, 1000, 10000)


def planted(values, noise=0.01, rounds=6, sizes=SIZES, seed=41):
    """Points with the given mean logarithms at the sizes."""
    rng = np.random.default_rng(seed)
    points = []
    for x, value in zip(sizes, values):
        logs = {r: value + rng.normal(0, noise) for r in range(rounds)}
        points.append(crossover.Point(x, logs, inference.finding_of_logs(list(logs.values()))))
    return points


def test_a_crossing_lies_where_the_logarithm_is_zero_on_a_log_axis():
    found = crossover.find_crossover(planted([-1, -0.5, 0.5, 1], noise=1e-6))
    assert (found.kind, found.sign, found.since) == ("crosses", 1, 1000)
    assert found.at == pytest.approx(10**2.5, rel=1e-3)
    assert found.low <= found.at <= found.high < found.low * 1.05


def test_the_interval_of_a_crossing_widens_with_the_noise():
    quiet, noisy = (crossover.find_crossover(planted([-1, -0.5, 0.5, 1], noise=n)) for n in (0.02, 0.1))
    assert np.log(noisy.high / noisy.low) > 2 * np.log(quiet.high / quiet.low)
    assert 100 < noisy.low < 10**2.5 < noisy.high < 1000


def test_the_interval_of_a_crossing_holds_the_true_one_in_nineteen_of_twenty_runs():
    held = []
    for seed in range(200):
        found = crossover.find_crossover(planted([-0.6, -0.2, 0.3, 0.7], 0.05, 5, seed=seed))
        held.append(found.kind == "crosses" and found.low <= 10**2.4 <= found.high)
    assert np.mean(held) >= 0.93


@pytest.mark.parametrize("values, kind, since", [
    ([0.3, 0.4, 0.5, 0.9], "always", 10), ([0, 0, 0.5, 0.9], "starts", 1000),
    ([0, 0, 0, 0], "never", None), ([0.5, 0.4, 0, 0], "fades", 10)])
def test_without_two_winners_there_is_no_crossing(values, kind, since):
    points = planted([v + 0.0 for v in values], noise=0.02)
    found = crossover.find_crossover(points, alpha=0.01)
    assert (found.kind, found.since, found.at) == (kind, since, None)


def test_an_axis_that_begins_at_zero_is_straight_up_to_its_next_point():
    found = crossover.find_crossover(planted([-1, 1], noise=1e-6, sizes=(0, 50)))
    assert found.at == pytest.approx(25, rel=1e-3)


def test_the_last_of_several_crossings_is_told():
    found = crossover.find_crossover(planted([1, -1, -1, 1], noise=1e-6))
    assert 1000 < found.at < 10000


def trends_of(rows):
    own = cells.group_cells(rows)
    families = cells.group_families(own)
    spread_of = aa.spread_from([])
    return crossings.each_trend(own, families, verdicts.compare_run(families), spread_of)


def rows_along(template, values, factors):
    """Rows of threads and async whose wall times have the given ratio at each value."""
    rng = np.random.default_rng(42)
    return [synthetic_row(template.format(value), model, r, rng,
                          wall_ns=int(1e9 * (factor if model == "threads" else 1) * rng.normal(1, .01)))
            for value, factor in zip(values, factors) for r in range(1, 7)
            for model in ("threads", "async")]


def test_a_crossover_along_n_is_told_in_words():
    rows = rows_along("sleep:tasks={},sleep=100ms,seed=1", (10, 100, 1000), (0.5, 0.8, 1.25))
    trend = next(t for t in trends_of(rows) if t.metric.key == "wall")
    assert trend.found.kind == "crosses"
    assert 250 < trend.found.at < 400
    text = crossings.finding_text(trend)
    assert text.startswith("async is better above N = ") and text.endswith(", threads below")


def test_a_crossover_along_the_delay_has_times():
    rows = rows_along("fetch:tasks=100,requests=100,delay={},seed=1", ("1ms", "10ms", "100ms"),
                      (2, 1.5, 0.6))
    trend = next(t for t in trends_of(rows) if t.axis == "delay" and t.metric.key == "wall")
    assert [p.x for p in trend.points] == [1e6, 1e7, 1e8]
    text = crossings.finding_text(trend)
    assert text.startswith("threads is better above delay = ") and " ms (" in text


def test_of_throughput_more_is_better():
    rows = rows_along("fetch:tasks={},requests=100,seed=1", (10, 100), (2, 2))
    trend = next(t for t in trends_of(rows) if t.metric.key == "throughput")
    assert crossings.finding_text(trend) == "not within range: async is better at every N"
