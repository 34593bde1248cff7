"""Occasions on which subjects were seen: those of the source, those of a sample, and the rows that belong to each."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from replicator.distinct import distinct_values
from replicator.study_model.columns.day_offsets import DayOffsets
from replicator.study_model.findings.rows import MOST_REPEATS, FindingsRows
from replicator.study_model.spine import Spine
from replicator.tables.spelling import is_number

Codes = NDArray[np.intp]
Floats = NDArray[np.float64]

IN_SPINE = 0.9  # share of a visit's records that the spine must know for the visit to be the spine's


@dataclass(frozen=True, eq=False)
class Cells:
    """Kinds of occasions: a visit and the number of the record at it.

    Attributes
    ----------
    label, repeat : (n_cells,) int
        Of each cell.
    scheduled : (n_cells,) bool
        Whether the spine knows the visit; otherwise the dataset has it to itself.
    """

    label: Codes
    repeat: Codes
    scheduled: NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Grid:
    """Occasions at which something may be measured, ordered by subject, day and record.

    Attributes
    ----------
    subject, cell : (n,) int
        Whose, and of which kind.
    day : (n,) float64
        Day of the spine's visit; NaN for occasions of the dataset alone.
    number : (n,) float64
        VISITNUM of the spine's visit; NaN likewise.
    """

    subject: Codes
    cell: Codes
    day: Floats
    number: Floats

    def take(self, rows: Codes | NDArray[np.bool_]) -> Grid:
        """Keep the occasions given by position or mask."""
        return Grid(self.subject[rows], self.cell[rows], self.day[rows], self.number[rows])


def find_cells(rows: FindingsRows, subject: Codes, spine: Spine) -> Cells:
    """Find the kinds of occasions, and which of them the spine schedules.

    A cell is scheduled where the spine has nearly all of its occasions.
    """
    known = np.isfinite(rows.number) & in_spine(subject, rows.number, spine)
    key, cell = distinct_values(rows.label * MOST_REPEATS + rows.repeat, return_inverse=True)
    share = np.bincount(cell, weights=known) / np.bincount(cell)
    return Cells(key // MOST_REPEATS, key % MOST_REPEATS, share >= IN_SPINE)


def in_spine(subject: Codes, number: Floats, spine: Spine) -> NDArray[np.bool_]:
    """Tell which (subject, visit number) pairs the spine has: (n,) bool."""
    visits = spine.visits
    if not len(visits.number) or not len(number):
        return np.zeros(len(number), bool)
    _, codes = distinct_values(np.concatenate([visits.number, number]), return_inverse=True)
    width = int(codes.max()) + 1
    there = visits.subject.astype(np.intp) * width + codes[: len(visits.number)]
    return np.asarray(np.isin(subject * width + codes[len(visits.number) :], there), bool) & np.isfinite(number)


def lay_grid(cells: Cells, labels: tuple[str, ...], spine: Spine) -> Grid:
    """List all occasions that the cells allow for the subjects of a spine."""
    visits = spine.visits
    names = {float(text): i for i, text in enumerate(labels[:-1]) if is_number(text)}
    numbers = np.array(sorted(names), np.float64)
    codes = np.array([names[value] for value in numbers.tolist()], np.intp)
    place = np.minimum(np.searchsorted(numbers, visits.number), max(len(numbers) - 1, 0))
    known = numbers[place] == visits.number if len(numbers) else np.zeros(len(visits.number), bool)
    label = np.where(known, codes[place] if len(codes) else 0, len(labels) - 1)
    subject, cell, day, number = [], [], [], []
    for c in range(len(cells.label)):
        if cells.scheduled[c]:
            rows = np.flatnonzero(label == cells.label[c])
            subject.append(visits.subject[rows].astype(np.intp))
            day.append(visits.day[rows])
            number.append(visits.number[rows])
        else:
            subject.append(np.arange(spine.n))
            day.append(np.full(spine.n, np.nan))
            number.append(np.full(spine.n, np.nan))
        cell.append(np.full(len(subject[-1]), c, np.intp))
    if not subject:
        empty = np.empty(0)
        return Grid(np.empty(0, np.intp), np.empty(0, np.intp), empty, empty)
    who, what, when = np.concatenate(subject), np.concatenate(cell), np.concatenate(day)
    return Grid(who, what, when, np.concatenate(number))


def source_grid(cells: Cells, rows: FindingsRows, who: Codes, day: Floats, spine: Spine, k: int) -> tuple[Grid, DayOffsets]:
    """Occasions of the source: days of the spine's visits, else those on which the rows were made."""
    grid = lay_grid(cells, rows.labels, spine)
    occasion = place_rows(grid, cells, rows, who)
    seen = (occasion >= 0) & np.isfinite(day)
    made = np.full(len(grid.subject), np.inf)
    np.minimum.at(made, occasion[seen], day[seen])
    own = np.where(np.isfinite(made) & ~cells.scheduled[grid.cell], made, np.nan)
    start = DayOffsets.fit(own - spine.anchor[grid.subject], grid.cell, grid.subject, k)
    expected = spine.anchor[grid.subject] + start.middle(grid.cell)
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


def _in_order(grid: Grid, cells: Cells) -> Grid:
    order = np.lexsort([cells.repeat[grid.cell], grid.cell, grid.day, grid.subject])
    return grid.take(order)
