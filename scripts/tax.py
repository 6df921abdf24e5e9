"""The seam's tax: what a model takes beside its floor, the same work written by hand without the seam.
Pure functions."""

from dataclasses import dataclass

import cells as rows_of
import verdicts

METRICS = ("wall", "cpu", "rss", "whole")


@dataclass(frozen=True)
class Tax:
    """model : floor, of every metric that was measured, with one spec."""

    model: str
    floor: str
    spec: str
    workload: str
    tasks: int
    comparisons: tuple


def find_taxes(cells, spread_of=None):
    """Taxes of all cells that have a floor beside them, judged together, by workload and N."""
    places, found = [], []
    for cell, floor in pairs_of(cells):
        for metric in verdicts.METRICS:
            if metric.key in METRICS and cell.workload in metric.workloads:
                places.append((cell, floor))
                found.append(verdicts.compare_cells(metric, cell, floor))
    groups = {}
    for (cell, floor), comparison in zip(places, verdicts.judge(found, spread_of)):
        groups.setdefault(id(cell), (cell, floor, []))[2].append(comparison)
    taxes = [Tax(cell.model, floor.model, cell.spec, cell.workload, cell.tasks, tuple(own))
             for cell, floor, own in groups.values()]
    return sorted(taxes, key=lambda t: (rows_of.rank(rows_of.WORKLOAD_ORDER, t.workload), t.tasks,
                                        rows_of.rank(rows_of.MODEL_ORDER, t.model)))


def pairs_of(cells):
    """[(cell, its floor)]; of several variants of a model the first."""
    floors = {place_of(c): c for c in reversed(cells) if c.model in rows_of.FLOORS.values() and c.ok}
    pairs, seen = [], set()
    for cell in cells:
        floor = floors.get((rows_of.FLOORS.get(cell.model), *place_of(cell)[1:]))
        if floor and cell.ok and place_of(cell) not in seen:
            seen.add(place_of(cell))
            pairs.append((cell, floor))
    return pairs


def place_of(cell):
    return cell.model, cell.spec, cell.cpus, cell.conditions


def largest(taxes):
    """The tax of the largest N for each workload and model."""
    return list({(t.workload, t.model): t for t in taxes}.values())
