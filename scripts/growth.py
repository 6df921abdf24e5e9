"""How a figure grows with N: its power, from the medians of each N, beyond what the smallest N takes:
that is mostly what a process costs anyway. Pure functions over numbers."""

from dataclasses import dataclass

import numpy as np

import stats
from units import count_text, time_text

FEWEST = 3          # values of N that a power is told of
SMALLEST_SHARE = 0.01  # of the largest N: what less than that adds is lost in the noise


@dataclass(frozen=True)
class Growth:
    """figure = base + constant * N ** power from `first` to `last`; low and high are the power's 95 %
    interval, None with fewer than stats.MIN_SLOPE_N values of N; `top` is the figure at `last`."""

    power: float
    low: float | None
    high: float | None
    first: int
    last: int
    top: float


def growth_of(series, figure):
    """The Growth of the median of figure(row) over the N of a series, or None where they are too few."""
    found = [(c.tasks, c.median(figure)) for c in series.cells if c.ok]
    return growth_of_points([(n, i.estimate) for n, i in found if i])


def growth_of_points(points):
    """The Growth of [(N, figure)], ascending: of what each has beyond the first."""
    points = [(n, y) for n, y in points if n == points[0][0] or n >= SMALLEST_SHARE * points[-1][0]]
    beyond = [(n - points[0][0], y - points[0][1]) for n, y in points[1:] if y > points[0][1]]
    if len(beyond) < FEWEST:
        return None
    sizes, values = np.array(beyond, dtype=float).T
    return Growth(*power_law(sizes, values), points[0][0], points[-1][0], float(points[-1][1]))


def power_law(x, y):
    """(power, low, high) of y = a x^b by least squares on logarithms; x and y have shape (n,)."""
    x, y = np.log(x), np.log(y)
    centred = x - x.mean()
    power = float(centred @ y / (centred @ centred))
    if x.size < stats.MIN_SLOPE_N:
        return power, None, None
    residual = y - y.mean() - power * centred
    error = np.sqrt(residual @ residual / (x.size - 2) / (centred @ centred))
    reach = stats.student_quantile(x.size - 2) * float(error)
    return power, power - reach, power + reach


def words(found):
    ends = "" if found.low is None else f" ({found.low:.2f}..{found.high:.2f})"
    return (f"CPU time grows as N to the power of {found.power:.2f}{ends} (1 is linear) from N = "
            f"{count_text(found.first)} to {count_text(found.last)}, where it is {time_text(found.top)}")
