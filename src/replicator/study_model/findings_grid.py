"""Occasions on which subjects were seen: those of the source, those of a sample, and the rows that belong to each."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from replicator.study_model.findings_dates import DayOffsets
from replicator.study_model.findings_layout import Cells, FindingsRows, Grid, lay_grid
from replicator.study_model.spine import Spine

Codes = NDArray[np.intp]
Floats = NDArray[np.float64]


def source_grid(cells: Cells, rows: FindingsRows, who: Codes, day: Floats, spine: Spine, k: int) -> tuple[Grid, DayOffsets]:
    """Occasions of the source: days of the spine's visits, else those on which the rows were made."""
    grid = lay_grid(cells, rows.labels, spine)
    occasion = place_rows(grid, cells, rows, who)
    seen = (occasion >= 0) & np.isfinite(day)
    made = np.full(len(grid.subject), np.inf)
    np.minimum.at(made, occasion[seen], day[seen])
    own = np.where(np.isfinite(made) & ~cells.scheduled[grid.cell], made, np.nan)
    start = DayOffsets.fit(own - spine.anchor[grid.subject], grid.cell, grid.subject, len(cells.label), k)
    middle = np.array([marginal.quantile(np.array([0.5]))[0] if marginal.n else 0.0 for marginal in start.marginals])
    expected = spine.anchor[grid.subject] + middle[start.own[grid.cell]]
    filled = np.where(np.isfinite(grid.day), grid.day, np.where(np.isfinite(own), own, expected))
    return _in_order(Grid(grid.subject, grid.cell, filled, grid.number), cells), start


def sampled_grid(grid: Grid, spine: Spine, start: DayOffsets, cells: Cells, rng: np.random.Generator) -> Grid:
    """Occasions of a sample, with days drawn for those that the spine does not schedule."""
    day = grid.day.copy()
    open_days = np.flatnonzero(np.isnan(day))
    drawn = spine.anchor[grid.subject[open_days]] + start.sample(grid.cell[open_days], rng)
    low, high = spine.marks["FIRST"][grid.subject[open_days]], spine.marks["LAST"][grid.subject[open_days]]
    drawn = np.where(np.isfinite(low), np.maximum(drawn, low), drawn)
    day[open_days] = np.where(np.isfinite(high), np.minimum(drawn, high), drawn)
    return _in_order(Grid(grid.subject, grid.cell, day, grid.number), cells)


def _in_order(grid: Grid, cells: Cells) -> Grid:
    order = np.lexsort([cells.repeat[grid.cell], grid.cell, grid.day, grid.subject])
    return grid.take(order)


def place_rows(grid: Grid, cells: Cells, rows: FindingsRows, who: Codes) -> Codes:
    """Occasion of each row: (n_rows,) int, -1 where the grid has none."""
    width = int(max(rows.repeat.max(initial=0), cells.repeat.max(initial=0))) + 1
    table = np.full((len(rows.labels), width), -1, np.intp)
    table[cells.label, cells.repeat] = np.arange(len(cells.label))
    cell = table[rows.label, rows.repeat]
    number = np.where(cells.scheduled[cell], rows.number, np.nan)
    both = np.concatenate([np.nan_to_num(grid.number, nan=np.inf), np.nan_to_num(number, nan=np.inf)])
    _, codes = np.unique(both, return_inverse=True)
    span, size = int(codes.max(initial=0)) + 1, len(cells.label)
    there = (grid.subject * size + grid.cell) * span + codes[: len(grid.subject)]
    wanted = (who * size + cell) * span + codes[len(grid.subject) :]
    if not len(there):
        return np.full(len(wanted), -1, np.intp)
    order = np.argsort(there, kind="stable")
    place = np.minimum(np.searchsorted(there[order], wanted), len(there) - 1)
    return np.where(there[order][place] == wanted, order[place], -1)
