"""Numbers as text for people. What was not measured is n/a, never 0."""

from math import floor, log10

MISSING = "n/a"


def significant(value, digits=3):
    """`value` with at least `digits` significant digits and no exponent."""
    if value == 0:
        return "0"
    return f"{value:,.{decimals_for(value, digits)}f}"


def decimals_for(value, digits):
    """How many decimals show `value` with `digits` significant digits."""
    return max(0, digits - 1 - floor(log10(abs(value)))) if value else 0


TIME_STEPS = ((1, "ns"), (1e3, "µs"), (1e6, "ms"), (1e9, "s"))
BYTES_STEPS = ((1, "B"), (2**10, "KiB"), (2**20, "MiB"), (2**30, "GiB"))
COUNT_STEPS = ((1, ""),)
RATE_STEPS = ((1, "/s"),)


def step_of(value, steps):
    """The largest of `steps`, ascending pairs (size, unit), that `value` reaches."""
    return next((s for s in reversed(steps) if abs(value) >= s[0]), steps[0])


def scaled(value, steps, digits=3):
    if value is None:
        return MISSING
    size, unit = step_of(value, steps)
    return f"{significant(value / size, digits)} {unit}".strip()


def interval_text(interval, steps, digits=3):
    """'115 ms (114..116)' of a stats.Interval, all in one unit; the estimate alone where there is no
    interval. Has as many decimals as the estimate's `digits` ask for, and one more where they would
    hide the interval."""
    if interval is None:
        return MISSING
    if interval.low is None:
        return scaled(interval.estimate, steps, digits)
    size, unit = step_of(interval.estimate, steps)
    values = [v / size for v in (interval.estimate, interval.low, interval.high)]
    decimals = decimals_for(values[0], digits)
    if values[1] < values[2] and f"{values[1]:.{decimals}f}" == f"{values[2]:.{decimals}f}":
        decimals += 1
    shown = [f"{v:,.{decimals}f}" for v in values]
    return f"{shown[0]} {unit}".strip() + f" ({shown[1]}..{shown[2]})"


def time_text(ns, digits=3):
    return scaled(ns, TIME_STEPS, digits)


DURATION_NS = {"ns": 1, "us": 1e3, "ms": 1e6, "s": 1e9}


def parse_duration(text):
    """Nanoseconds of a duration as specs have it: '100ms', '0'."""
    digits = text.rstrip("nums")
    return float(digits) * DURATION_NS[text[len(digits):]] if float(digits) else 0.0


def bytes_text(size, digits=3):
    return scaled(size, BYTES_STEPS, digits)


def count_text(value):
    """A whole number with its thousands set apart."""
    return MISSING if value is None else f"{round(value):,}"


def percent_text(share):
    return MISSING if share is None else f"{significant(100 * share, 2)} %"


def factor_text(ratio, low=None, high=None):
    """How much more than 1 a ratio is: '2.31x (2.10..2.52)', or below 1.1 '3.1 % (2.8..3.4)'."""
    if ratio < 1.1:
        shown = [f"{100 * (v - 1):.2g}" for v in (ratio, low, high) if v is not None]
        return f"{shown[0]} %" + (f" ({shown[1]}..{shown[2]})" if low is not None else "")
    shown = [significant(v) for v in (ratio, low, high) if v is not None]
    return f"{shown[0]}x" + (f" ({shown[1]}..{shown[2]})" if low is not None else "")


def ends_text(low, high):
    """The ends of a ratio's interval, '0.97..1.31', with more decimals where both are near 1."""
    if 0.9 < low and high < 1.1:
        return f"{low:.4f}..{high:.4f}"
    return f"{significant(low)}..{significant(high)}"


def visible_text(ratio):
    """A smallest visible ratio above 1, as text for 'could have seen ...'."""
    if ratio < 1.0001:
        return "under 0.01 %"
    return factor_text(ratio) if ratio < 1000 else "1,000x+"


def plural(count, word):
    """'1 round', '1,000 tasks'."""
    return f"{count:,} {word}" + ("" if count == 1 else "s")
