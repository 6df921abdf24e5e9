"""How a figure grows with N: its power, from the medians of each N. Pure functions over numbers."""

from dataclasses import dataclass

import numpy as np

import stats
from units import count_text, time_text

FEWEST = 3          # values of N that a power is told of
SMALLEST_SHARE = 0.001  # of the largest N: below that, what a process costs anyway outweighs its tasks


@dataclass(frozen=True)
class Growth:
    """figure = constant * N ** power from `first` to `last`; low and high are the power's 95 %
    interval, None with fewer than stats.MIN_SLOPE_N values of N; `top` is the figure at `last`."""

    power: float
    low: float | None
    high: float | None
    first: int
    last: int
    top: float


def growth_of(series, figure):
    """The Growth of the median of figure(row) over the N of a series from a thousandth of the largest
    on, or None where they are too few."""
    points = [(c.tasks, c.median(figure)) for c in series.cells if c.ok]
    points = [(n, i.estimate) for n, i in points if i and i.estimate > 0]
    points = [(n, y) for n, y in points if n >= SMALLEST_SHARE * points[-1][0]]
    if len(points) < FEWEST:
        return None
    sizes, values = np.array(points, dtype=float).T
    return Growth(*power_law(sizes, values), int(sizes[0]), int(sizes[-1]), float(values[-1]))


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
    return (f"CPU time grows as N to the power of {found.power:.2f}{ends} from N = "
            f"{count_text(found.first)} to {count_text(found.last)}, where it is "
            f"{time_text(found.top)}; 1 is linear")
