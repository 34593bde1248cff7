"""When findings were made: days around the visit, times of day, planned times after a reference, and how they are written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from replicator.distinct import distinct_values
from replicator.models.backoff import BackoffTable
from replicator.models.clock import ClockTime
from replicator.models.marginals import QuantileMarginal
from replicator.study_model.columns.codes import count_subjects
from replicator.study_model.columns.day_offsets import DayOffsets
from replicator.study_model.columns.odd_dates import code_dates, lost_notes, write_dates
from replicator.tables.dataset import Text
from replicator.tables.dates import parse_dates

Codes = NDArray[np.intp]
Floats = NDArray[np.float64]

DAY = 1440.0  # minutes
SAME = 0.98  # share of groups with a single date from which the group has one date


@dataclass(frozen=True, eq=False)
class DateColumn:
    """One date variable of a findings dataset.

    Attributes
    ----------
    name : str
        The variable.
    level : str
        ``occasion``, ``panel`` or ``row``: what has one date.
    offset : DayOffsets
        Of the day from the occasion's base day.
    minute : ClockTime
        Time of day of the base.
    elapsed : (n_series,) float64
        Minutes from the occasion's reference to the series; 0 unless the level is ``row``.
    scatter : QuantileMarginal
        Minutes around it.
    precision : BackoffTable
        How dates are written (codes of :func:`~replicator.study_model.columns.odd_dates.code_dates`) given panel, cell and arm.
    one_day : bool
        Whether the rows of an occasion are (nearly) all of one day.
    texts : tuple of str
        Texts that are no dates and that at least k subjects share.
    pinned : (n_cells, n_series) float64
        Days from the anchor of what was made on the same day of all subjects, though others of its occasion were not; NaN where
        the occasion tells the day. Empty where it always does.
    at_first : (n_cells,) float64
        Where the subject's first day on study lies before the base day, the share made on that first day; 0 where fewer than k
        subjects have such. Those are none of `offset`.
    """

    kind: ClassVar[str] = "findings date"

    name: str
    level: str
    offset: DayOffsets
    minute: ClockTime
    elapsed: Floats
    scatter: QuantileMarginal
    precision: BackoffTable
    one_day: bool = False
    texts: tuple[str, ...] = ()
    pinned: Floats = field(default_factory=lambda: np.empty((0, 0)))
    at_first: Floats = field(default_factory=lambda: np.empty(0))

    @classmethod
    def fit(
        cls,
        name: str,
        column: Text,
        base: Floats,
        anchor: Floats,
        start: Floats,
        occasion: Codes,
        panel: Codes,
        series: Codes,
        cell: Codes,
        arm: Codes,
        subject: Codes,
        sizes: tuple[int, int],
        k: int,
    ) -> tuple[DateColumn, tuple[str, ...]]:
        """Learn a date variable.

        Parameters
        ----------
        name, column : str, (n,) Text
            The variable.
        base : (n,) float64
            Base day of each row's occasion.
        anchor : (n,) float64
            Day zero of each row's subject.
        start : (n,) float64
            First day on study of each row's subject.
        occasion, panel, series, cell, arm, subject : (n,) int
            Of each row.
        sizes : (n_series, n_cells)
            Extents.
        k : int
            Fewest subjects behind a quantile or a precision.

        Returns
        -------
        DateColumn, notes : tuple of str
            A sentence where no cell is a date to the day, and where cells are not kept; the dataset's name goes before it.
        """
        dates = parse_dates(column)
        known = dates.full & np.isfinite(base)
        stamp = np.where(known, (dates.day - base) * DAY + np.nan_to_num(dates.minute), np.nan)
        groups = {"occasion": occasion, "panel": _pairs(occasion, panel), "row": np.arange(len(base))}
        level = next(one for one, group in groups.items() if one == "row" or _single(group[known], stamp[known]) >= SAME)
        timed = known & np.isfinite(dates.minute)
        one_day = _single(occasion[known], np.floor(stamp / DAY)[known]) >= SAME
        elapsed, scatter = np.zeros(sizes[0]), np.zeros(int(timed.sum()))
        reference = stamp
        if level == "row":
            elapsed, reference = _elapsed(stamp, occasion, series, timed, sizes[0], subject, k)
            scatter = (stamp - reference - elapsed[series])[timed]
            reference = np.where(timed, reference, stamp)
        group = groups["occasion" if level == "row" else level]
        order = np.lexsort([~timed[known], group[known]])  # a row with a time speaks for its group
        _, first = np.unique(group[known][order], return_index=True)
        rows = np.flatnonzero(known)[order[first]]
        day = np.floor((stamp if one_day else reference)[rows] / DAY)
        clock = np.where(timed[rows], reference[rows] - np.floor(reference[rows] / DAY) * DAY, np.nan)
        at_first, on_first = _on_first_day(day, np.floor(start[rows]) - base[rows], cell[rows], subject[rows], sizes[1], k)
        others = rows[~on_first]
        codes, texts, _ = code_dates(column, dates, subject, k)
        precision = BackoffTable.fit(codes, [panel, cell, arm], subject, k=k)
        part = cls(
            name,
            level,
            DayOffsets.fit(day[~on_first], cell[others], subject[others], k),
            ClockTime.fit(clock, subject[rows], k=k),
            elapsed,
            QuantileMarginal.fit(np.round(scatter, 3), subject[timed], k=k, decimals=0),
            precision,
            one_day,
            texts,
            _pinned((dates.day - anchor)[known], (base - anchor)[known], series[known], cell[known], subject[known], sizes, k),
            at_first,
        )
        notes = lost_notes(name, column, dates, subject, k)
        if not dates.full.any():
            filled = int((~column.missing).sum())
            notes = (f"{name}: none of its {filled} cells is a date that exists, so its days are those of the visits.", *notes)
        return part, notes

    def sample(
        self,
        base: Floats,
        anchor: Floats,
        bounds: tuple[Floats, Floats],
        occasion: Codes,
        panel: Codes,
        series: Codes,
        cell: Codes,
        arm: Codes,
        rng: np.random.Generator,
    ) -> Text:
        """Draw dates.

        Parameters
        ----------
        base : (n,) float64
            Base day of each row's occasion.
        anchor : (n,) float64
            Day zero of each row's subject.
        bounds : tuple of (n,) float64
            First and last day on study of each row's subject.
        occasion, panel, series, cell, arm : (n,) int
            Of each row.
        """
        group = occasion if self.level != "panel" else _pairs(occasion, panel)
        _, first, inverse = distinct_values(group, return_index=True, return_inverse=True)
        day = base[first] + self.offset.sample(cell[first], rng)
        clock = self.minute.quantile(rng.random(len(first))) if self.minute.n else np.full(len(first), np.nan)
        precision = self.precision.sample([panel[first], cell[first], arm[first]], rng, len(first))
        low, high = np.floor(bounds[0][first]), bounds[1][first]
        if self.at_first.any():
            day = np.where((low < base[first]) & (rng.random(len(first)) < self.at_first[cell[first]]), low, day)
        day = np.where(np.isfinite(low), np.maximum(day, low), day)
        day = np.where(np.isfinite(high), np.minimum(day, high), day)
        if self.level != "row" and not self.pinned.size:
            return write_dates(day, clock, precision.astype(np.int64), self.texts).take(inverse)
        day = day[inverse]
        if self.pinned.size:
            fixed = self.pinned[cell, series]
            day = np.where(np.isfinite(fixed), anchor + fixed, day)
        minute, written = clock[inverse], precision[inverse].astype(np.int64)
        if self.level == "row":
            minute = np.nan_to_num(minute) + self.elapsed[series]
            if self.scatter.n:
                minute = minute + self.scatter.quantile(rng.random(len(minute)))
            if self.one_day:
                minute = np.clip(minute, 0.0, DAY - 1)
            day, minute = day + np.floor(minute / DAY), minute % DAY
        return write_dates(day, minute, written, self.texts)


def _pinned(day: Floats, base: Floats, series: Codes, cell: Codes, subject: Codes, sizes: tuple[int, int], k: int) -> Floats:
    """Day from the anchor of each cell's series whose rows all have the same, but lie on no one day of their occasion.

    Parameters
    ----------
    day, base : (n,) float64
        Days from the anchor, of the rows and of their occasions.
    series, cell, subject : (n,) int
        Of the rows, of which at least `k` subjects' must agree.
    sizes : (n_series, n_cells)
    k : int
    """
    where = cell * sizes[0] + series
    size = sizes[0] * sizes[1]
    low, high, near, far = (np.full(size, edge) for edge in (np.inf, -np.inf, np.inf, -np.inf))
    np.minimum.at(low, where, day)
    np.maximum.at(high, where, day)
    np.minimum.at(near, where, day - base)
    np.maximum.at(far, where, day - base)
    shared = count_subjects(where.astype(np.int64), subject.astype(np.int32), size) >= k
    fixed = np.where(shared & (low == high) & (near < far), low, np.nan)
    return fixed.reshape(sizes[1], sizes[0]) if np.isfinite(fixed).any() else np.empty((0, 0))


def _on_first_day(
    day: Floats, start: Floats, cell: Codes, subject: Codes, n_cells: int, k: int
) -> tuple[Floats, NDArray[np.bool_]]:
    """Share of each cell that is made on an earlier first day on study, and which ones (n,) that are.

    Parameters
    ----------
    day, start : (n,) float64
        Days from the base to what was made, and to the first day on study of its subject.
    cell, subject : (n,) int
    n_cells, k : int
    """
    early = start < 0
    found = early & (day == start)
    people = count_subjects(np.where(found, cell, -1).astype(np.int64), subject.astype(np.int32), n_cells)
    share = np.bincount(cell[found], minlength=n_cells) / np.maximum(np.bincount(cell[early], minlength=n_cells), 1)
    share = np.where(people >= k, share, 0.0)
    return share, found & (share[cell] > 0)


def _pairs(a: Codes, b: Codes) -> Codes:
    return (a * (int(b.max(initial=0)) + 1) + b).astype(np.intp)


def _single(group: Codes, stamp: Floats) -> float:
    """Share of groups in which all rows have the same value."""
    if not len(group):
        return 1.0
    order = np.argsort(group, kind="stable")
    starts = np.flatnonzero(np.concatenate([[True], np.diff(group[order]) != 0]))
    low, high = np.minimum.reduceat(stamp[order], starts), np.maximum.reduceat(stamp[order], starts)
    return float((low == high).mean())


def _elapsed(
    stamp: Floats, occasion: Codes, series: Codes, known: NDArray[np.bool_], n_series: int, subject: Codes, k: int
) -> tuple[Floats, Floats]:
    """Minutes from each occasion's reference to each series, and the reference: (n_series,), (n_rows,)."""
    elapsed, reference = np.zeros(n_series), np.where(known, stamp, np.nan)
    inverse = np.unique(occasion, return_inverse=True)[1].reshape(-1)
    for _ in range(2):
        start = _medians((stamp - elapsed[series])[known], inverse[known], int(inverse.max(initial=0)) + 1)
        middle = _medians((stamp - start[inverse])[known], series[known], n_series)
        elapsed = np.where(np.isnan(middle), 0.0, middle)
        reference = start[inverse]
    shared = np.bincount(
        np.unique(_pairs(series[known], subject[known])) // (int(subject[known].max(initial=0)) + 1), minlength=n_series
    )
    first = elapsed[shared >= k].min() if (shared >= k).any() else 0.0
    steps: Floats = np.rint(np.where(shared >= k, elapsed - first, 0.0))
    return steps, reference + first


def _medians(values: Floats, group: Codes, n: int) -> Floats:
    order = np.lexsort([values, group])
    count = np.bincount(group, minlength=n)
    start = np.concatenate([[0], np.cumsum(count)[:-1]])
    out = np.full(n, np.nan)
    seen = count > 0
    ordered = values[order]
    out[seen] = (ordered[(start + (count - 1) // 2)[seen]] + ordered[(start + count // 2)[seen]]) / 2
    return out


def sample_dates(
    columns: Sequence[DateColumn],
    base: Floats,
    anchor: Floats,
    bounds: tuple[Floats, Floats],
    occasion: Codes,
    panel: Codes,
    series: Codes,
    cell: Codes,
    arm: Codes,
    rng: np.random.Generator,
) -> dict[str, Text]:
    """Draw all date variables of the rows."""
    return {one.name: one.sample(base, anchor, bounds, occasion, panel, series, cell, arm, rng) for one in columns}
