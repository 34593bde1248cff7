"""A date of a row, as it stands to other dates that are already known: the same day, the day after, or some days away."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from replicator.models.backoff import BackoffTable, Codes
from replicator.models.clock import ClockTime
from replicator.models.marginals import QuantileMarginal
from replicator.study_model.columns.codes import count_subjects
from replicator.study_model.columns.conditions import join_codes
from replicator.study_model.columns.odd_dates import code_dates, write_dates
from replicator.tables.dataset import Text
from replicator.tables.dates import Dates, Precision

Floats = NDArray[np.float64]
MOST_COMMON = 5  # references that a twentieth of all rows follow
MOST_REFERENCES = 8
LOST = 0.05  # most of a cell's rows that may follow what fewer than k of its subjects follow, if a closer condition shall tell it


@dataclass(frozen=True, eq=False)
class DateFormat:
    """How dates are written: precision, time of day, texts that are no dates, and dates that do not exist.

    Attributes
    ----------
    written : BackoffTable
        Codes of :func:`~replicator.study_model.columns.odd_dates.code_dates`, given conditions.
    minute : ClockTime
        Time of day, minutes since midnight.
    texts : tuple of str
        Texts that are no dates and that at least k subjects share.
    """

    kind: ClassVar[str] = "date format"

    written: BackoffTable
    minute: ClockTime
    texts: tuple[str, ...]

    @classmethod
    def fit(cls, column: Text, dates: Dates, given: Sequence[Codes], subject: NDArray[np.int32], k: int) -> DateFormat:
        """Learn from a column and its parsed dates."""
        codes, texts, _ = code_dates(column, dates, subject, k)
        return cls(BackoffTable.fit(codes, given, subject, k=k), ClockTime.fit(dates.minute, subject, k=k), texts)

    @classmethod
    def to_the_day(cls, given: Sequence[Codes], subject: NDArray[np.int32], k: int) -> DateFormat:
        """Write every day that is drawn, where fewer than `k` subjects have one to learn from."""
        codes = np.full(len(subject), Precision.DAY, np.int64)
        return cls(BackoffTable.fit(codes, given, subject, k=k), ClockTime.fit(np.full(len(subject), np.nan), subject, k=k), ())

    def sample(self, day: Floats, given: Sequence[Codes], rng: np.random.Generator, minute: Floats | None = None) -> Text:
        """Write days (n,), days since 1970-01-01, NaN for missing."""
        n = len(day)
        codes = np.maximum(self.written.sample(given, rng, n), Precision.MISSING).astype(np.int64)
        u = rng.random(n)
        drawn = self.minute.quantile(u) if self.minute.n else np.full(n, np.nan)
        clock = drawn if minute is None else np.where(np.isnan(minute), drawn, minute)
        return write_dates(day, clock, codes, self.texts)


@dataclass(frozen=True, eq=False)
class DateGiven:
    """A day given reference days.

    Attributes
    ----------
    references : tuple of str
        Reference days that the date often equals, and last the one that it is counted from otherwise.
    deltas : tuple of int
        Days that the date usually lies after each reference.
    state : BackoffTable
        Which reference it follows (position), or -1 for none of them, given conditions.
    offset : QuantileMarginal
        Days from the last reference where it follows none.
    asks : bool
        Whether the first condition is that the first reference is there: rows that lack it follow another.
    """

    kind: ClassVar[str] = "date given references"

    references: tuple[str, ...]
    deltas: tuple[int, ...]
    state: BackoffTable
    offset: QuantileMarginal
    asks: bool = False

    @classmethod
    def fit(
        cls,
        day: Floats,
        candidates: Mapping[str, Floats],
        given: Sequence[Codes],
        subject: NDArray[np.int32],
        k: int,
        deltas: Sequence[int] = (0, 1, -1),
        bases: Sequence[str] = (),
        closed: bool = False,
        closer: Codes | None = None,
    ) -> DateGiven | None:
        """Learn from days.

        Parameters
        ----------
        day : (n,) float64
            Days known in full; NaN rows are left out.
        candidates : mapping of str to (n,) float64
            Reference days by name, NaN where there is none.
        given : sequence of (n,) int
            Conditions.
        subject : (n,) int32
            Whose row it is.
        k : int
            Fewest subjects behind anything kept.
        deltas : sequence of int
            Distances at which a date is said to follow a reference.
        bases : sequence of str
            Candidates from which a date that follows none is counted; all by default.
        closed : bool
            Whether rows follow only what at least `k` subjects under their conditions follow, and nothing that others do.
        closer : (n,) int, optional
            One more condition, not below 0, that counts only where nearly all rows under it follow what at least `k` of its
            subjects follow.

        Returns
        -------
        DateGiven or None
            None if no row has a day and a reference.
        """
        known = np.isfinite(day)
        if not known.any():
            return None
        state = np.full(len(day), -1, np.int64)
        chosen: list[tuple[str, int]] = []
        left = known.copy()
        while len(chosen) < MOST_COMMON:
            best = max(
                (
                    (int((left & (day == ref + delta)).sum()), -j, name, delta)
                    for name, ref in candidates.items()
                    for j, delta in enumerate(deltas)
                ),
                default=(0, 0, "", 0),
            )
            hit = left & (day == candidates[best[2]] + best[3]) if best[0] else left & False
            if best[0] < 0.05 * known.sum() or len(np.unique(subject[hit])) < k:
                break
            state[hit] = len(chosen)
            chosen.append((best[2], best[3]))
            left &= ~hit
        cell = join_codes(given, len(day))
        for name, delta in _references_of_cells(day, candidates, cell, left, known, subject, deltas, k)[
            : MOST_REFERENCES - len(chosen)
        ]:
            state[left & (day == candidates[name] + delta)] = len(chosen)
            left &= day != candidates[name] + delta
            chosen.append((name, delta))
        state = _by_cell(day, candidates, chosen, state, cell)
        allowed = {name: candidates[name] for name in bases or candidates}
        base = _closest(day, allowed, left if left.any() else known)
        if base == "":
            return None
        offset = QuantileMarginal.fit((day - candidates[base])[left], subject[left], k=k, decimals=0)
        names = (*(name for name, _ in chosen), base)
        there = np.isfinite(candidates[names[0]]).astype(np.int64)
        asks = bool(chosen) and len(np.unique(there[known])) > 1
        conditions = [there, *given] if asks else [*given]
        if closer is not None:
            conditions.append(_where_sure(closer, state, join_codes([*given, closer], len(day)), known, subject, k))
        table = BackoffTable.fit(
            state[known], [np.asarray(g, np.int64)[known] for g in conditions], subject[known], k=k, closed=closed
        )
        return cls(names, tuple(delta for _, delta in chosen), table, offset, asks)

    def sample(self, candidates: Mapping[str, Floats], given: Sequence[Codes], rng: np.random.Generator, n: int) -> Floats:
        """Draw days (n,); NaN where no reference is there."""
        return self.days_of(candidates, self.sample_states(candidates, given, rng, n), rng)

    def sample_states(
        self, candidates: Mapping[str, Floats], given: Sequence[Codes], rng: np.random.Generator, n: int
    ) -> NDArray[np.int64]:
        """Draw which reference each row follows, -1 for none: (n,)."""
        there = [np.isfinite(candidates[self.references[0]]).astype(np.int64)] if self.asks else []
        return np.asarray(self.state.sample([*there, *given], rng, n), np.int64)

    def days_of(self, candidates: Mapping[str, Floats], state: NDArray[np.int64], rng: np.random.Generator) -> Floats:
        """Draw days (n,) of rows that follow the given references; NaN where no reference is there."""
        n = len(state)
        u = rng.random(n)
        base = candidates[self.references[-1]]
        day = base + (self.offset.quantile(u) if self.offset.n else 0.0)
        follows = np.full(n, np.nan)
        for i in range(len(self.deltas) - 1, -1, -1):
            value = candidates[self.references[i]] + self.deltas[i]
            follows = np.where((state == i) | (np.isnan(follows) & (state >= 0)), value, follows)
        for i, delta in enumerate(self.deltas):  # a row that has neither its reference nor the base takes what there is
            day = np.where(np.isnan(day), candidates[self.references[i]] + delta, day)
        return np.where((state >= 0) & np.isfinite(follows), follows, day)


def _where_sure(
    closer: Codes, state: NDArray[np.int64], cell: NDArray[np.int64], known: NDArray[np.bool_], subject: NDArray[np.int32], k: int
) -> NDArray[np.int64]:
    """Conditions (n,) as they are in cells nearly all of whose rows follow what at least `k` subjects follow, -1 elsewhere."""
    followed = join_codes([cell, state], len(cell))
    shared = count_subjects(np.where(known, followed, -1), subject, int(followed.max(initial=-1)) + 1) >= k
    n_cells = int(cell.max(initial=-1)) + 1
    lost = np.bincount(cell[known], ~shared[followed[known]], minlength=n_cells)
    sure = lost <= LOST * np.bincount(cell[known], minlength=n_cells)
    return np.where(sure[cell], closer, -1)


def _references_of_cells(
    day: Floats,
    candidates: Mapping[str, Floats],
    cell: NDArray[np.int64],
    left: NDArray[np.bool_],
    known: NDArray[np.bool_],
    subject: NDArray[np.int32],
    deltas: Sequence[int],
    k: int,
) -> list[tuple[str, int]]:
    """References that at least half of the rows of a cell follow, though they are few among all; most rows first."""
    n_cells = int(cell.max(initial=-1)) + 1
    size = np.bincount(cell[known], minlength=n_cells)
    found: dict[tuple[str, int], int] = {}
    best, rows = np.zeros(n_cells, np.int64), np.zeros(n_cells, np.int64)
    tried = [(name, delta) for delta in deltas for name in candidates]
    for at, (name, delta) in enumerate(tried):
        hit = left & (day == candidates[name] + delta)
        count = np.bincount(cell[hit], minlength=n_cells)
        shared = count_subjects(np.where(hit, cell, -1), subject, n_cells) >= k
        better = shared & (count >= 0.5 * size) & (count > rows)
        best, rows = np.where(better, at, best), np.where(better, count, rows)
    for at in np.unique(best[rows > 0]).tolist():
        found[tried[at]] = int(rows[(best == at) & (rows > 0)].sum())
    return sorted(found, key=lambda one: (-found[one], one))


def _by_cell(
    day: Floats,
    candidates: Mapping[str, Floats],
    chosen: Sequence[tuple[str, int]],
    state: NDArray[np.int64],
    cell: NDArray[np.int64],
) -> NDArray[np.int64]:
    """Let a row that agrees with several references follow the one that most rows of its cell agree with: (n,)."""
    n_cells = int(cell.max(initial=-1)) + 1
    out, most = state.copy(), np.zeros(len(day), np.int64)
    for position, (name, delta) in enumerate(chosen):
        hit = day == candidates[name] + delta
        agree = np.where(hit, np.bincount(cell[hit], minlength=n_cells)[cell], 0)
        out, most = np.where(agree > most, position, out), np.maximum(agree, most)
    return out


def _closest(day: Floats, candidates: Mapping[str, Floats], rows: NDArray[np.bool_]) -> str:
    """Name of the reference from which the days scatter least, among those that most rows have."""
    best, best_spread = "", np.inf
    for name, reference in candidates.items():
        distance = (day - reference)[rows]
        seen = np.isfinite(distance)
        if seen.mean() < 0.5:
            continue
        spread = float(np.median(np.abs(distance[seen] - np.median(distance[seen])))) + 1000 * float(1 - seen.mean())
        if spread < best_spread:
            best, best_spread = name, spread
    return best
