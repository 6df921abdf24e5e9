"""Whether hyperfine and the program tell the same: hyperfine's median wall time of a cell's process
beside what the runner saw of it, and what of that the phases are. Pure functions; times in ns."""

from dataclasses import dataclass

import cells as rows_of
import stats
from load import cell_key, dig
from units import time_text

REMAINDER_NS = 5_000_000
REMAINDER_SHARE = 0.10


@dataclass(frozen=True)
class Account:
    """One cell that hyperfine timed. `process_ns` is the runner's median, from before exec to the
    end; `phases_ns` of spawn, run and join in it; both None without an ok trial. `spread_ns`: half the
    range of hyperfine's times and half that of the runner's, added: they were taken at different
    times, on a machine that varied by so much."""

    spec: str
    model_spec: str
    cpus: str | None
    mean_ns: float
    stddev_ns: float | None
    median_ns: float
    runs: int
    process_ns: float | None
    phases_ns: float | None
    spread_ns: float = 0.0

    @property
    def remainder_ns(self):
        """What hyperfine saw beyond the runner: exec, exit, and how the two differ by chance."""
        return None if self.process_ns is None else self.median_ns - self.process_ns

    @property
    def bound_ns(self):
        """What the remainder may be at most, whichever way."""
        return None if self.process_ns is None else max(
            REMAINDER_NS, REMAINDER_SHARE * self.process_ns, self.spread_ns)

    @property
    def problem(self):
        """What cannot be reconciled, in words: that the two differ by more than the bound, or that a
        process took less than the phases within it. None where all is well; a cell without an ok
        trial has nothing to be reconciled with."""
        if self.process_ns is None:
            return None
        if abs(self.remainder_ns) > self.bound_ns:
            return (f"hyperfine saw {time_text(self.median_ns)}, the runner "
                    f"{time_text(self.process_ns)}, which differ by more than {time_text(self.bound_ns)}")
        if self.median_ns < self.phases_ns - self.bound_ns:
            return (f"hyperfine saw {time_text(self.median_ns)}, less than the program's phases take: "
                    f"{time_text(self.phases_ns)}")
        return None


def accounts(run):
    """An Account for each of hyperfine's results."""
    trials = {}
    for row in run.rows:
        if row["status"] == "ok" and row.get("timeline") is None:
            trials.setdefault(cell_key(row), []).append(row)
    cells = {cell["cell"]: cell for cell in dig(run.plan, "cells") or []}
    return [account(result, cells.get(result.get("cell"), result), trials)
            for result in dig(run.witness, "results") or []]


def account(result, cell, trials):
    rows = trials.get(cell_key(cell), [])
    process, phases = (median_of(rows, figure) for figure in (rows_of.process_wall_ns, rows_of.wall_ns))
    spread = result.get("stddev")
    return Account(result["spec"], result["model_spec"], cell.get("cpus"), result["mean"] * 1e9,
                   None if spread is None else spread * 1e9, result["median"] * 1e9,
                   len(result.get("times") or []), process, phases,
                   half_range(result.get("times") or []) * 1e9 +
                   half_range([ns for ns in map(rows_of.process_wall_ns, rows) if ns is not None]))


def half_range(values):
    return (max(values) - min(values)) / 2 if values else 0.0


def median_of(rows, figure):
    found = stats.median_interval([v for v in map(figure, rows) if v is not None])
    return found.estimate if found else None
