"""When the rows of a sequence are: dates that hang on marks, visits and neighbouring rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from replicator.study_model.dated import DateFormat, DateGiven
from replicator.study_model.neighbours import Neighbours
from replicator.study_model.spine import Spine
from replicator.study_model.visit_days import nearest_visit_day, visit_day
from replicator.tables.dataset import Column, Dataset
from replicator.tables.dates import parse_dates

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

ON_VISITS = 0.9  # share of dates on a visit's day from which all are put there


@dataclass(frozen=True, eq=False)
class SequenceDates:
    """The date variables of a sequence.

    Attributes
    ----------
    names : tuple of str
        The one that orders the rows first.
    days : tuple of DateGiven or None
        One a variable; None where no day is known.
    formats : tuple of DateFormat
        One a variable.
    on_visits : tuple of bool
        Whether a variable's dates fall on days of visits.
    in_order : bool
        Whether first dates never go back from a row to the next.
    apart : bool
        Whether a row never begins before the one before it has ended.
    until : str
        Mark after which no row begins; ``""`` if none.
    at_visits : bool
        Whether a row whose tuple names a visit needs that visit to have taken place.
    """

    kind: ClassVar[str] = "sequence dates"

    names: tuple[str, ...]
    days: tuple[DateGiven | None, ...]
    formats: tuple[DateFormat, ...]
    on_visits: tuple[bool, ...]
    in_order: bool
    apart: bool
    until: str
    at_visits: bool

    @classmethod
    def fit(
        cls,
        dataset: Dataset,
        names: tuple[str, ...],
        days: Mapping[str, Floats],
        subject: NDArray[np.int32],
        code: Ints,
        number: Floats,
        spine: Spine,
        k: int,
    ) -> SequenceDates:
        """Learn from rows sorted by subject and their order.

        Parameters
        ----------
        dataset : Dataset
        names : tuple of str
            Date variables.
        days : mapping of str to (n_rows,) float64
            Their days, NaN unless known in full.
        subject, code : (n_rows,) int32, (n_rows,) int64
            Subject and tuple of each row.
        number : (n_rows,) float64
            VISITNUM where it is part of the tuple, else NaN.
        spine : Spine
        k : int
        """
        if not names:
            return cls((), (), (), (), False, False, "", False)
        place = Neighbours(subject)
        start = days[names[0]]
        given = conditions(subject, code)
        base = _base(spine, subject, number)
        models, formats, on_visits = [], [], []
        for i, name in enumerate(names):
            more = {"START": start, "NEXT START": place.next(start)} if i else {"BEFORE": place.before(start)}
            models.append(DateGiven.fit(days[name], base | more, given, subject, k))
            text = dataset.text(name)
            formats.append(DateFormat.fit(text, parse_dates(text), given, subject, k))
            seen = np.isfinite(days[name])
            there = nearest_visit_day(spine, subject, days[name]) == days[name]
            on_visits.append(bool(len(spine.visits.day)) and bool(seen.any()) and float(there[seen].mean()) >= ON_VISITS)
        apart = len(names) > 1 and _share(days[names[1]] >= place.next(start), days[names[1]] + place.next(start)) <= 0.02
        in_order = _share(place.next(start) < start, start + place.next(start)) <= 0.02
        named = np.isfinite(number)
        at_visits = bool(named.any()) and float(np.isfinite(base["VISIT"])[named].mean()) >= 0.995
        until = _until(start, subject, spine)
        return cls(names, tuple(models), tuple(formats), tuple(on_visits), in_order, apart, until, at_visits)

    def sample(
        self, spine: Spine, subject: NDArray[np.int32], code: Ints, number: Floats, rng: np.random.Generator
    ) -> tuple[dict[str, Floats], NDArray[np.bool_]]:
        """Draw the days of rows (n_rows,) by variable, and tell which rows begin in time."""
        place = Neighbours(subject)
        given = conditions(subject, code)
        base = _base(spine, subject, number)
        days: dict[str, Floats] = {}
        for name, model, on_visit in zip(self.names, self.days, self.on_visits, strict=True):
            if model is None:
                day = np.full(len(subject), np.nan)
            elif not days:
                day = self._starts(model, base, place, given, rng)
            else:
                start = days[self.names[0]]
                day = model.sample(base | {"START": start, "NEXT START": place.next(start)}, given, rng, len(subject))
            days[name] = nearest_visit_day(spine, subject, day) if on_visit else day
        self._tidy(days, place)
        keep = ~(self.at_visits & np.isfinite(number) & np.isnan(base["VISIT"]))
        if self.until:
            keep &= ~(days[self.names[0]] > spine.marks[self.until][subject]) | (place.rank == 0)
        return days, keep

    def write(
        self, days: Mapping[str, Floats], subject: NDArray[np.int32], code: Ints, rng: np.random.Generator
    ) -> dict[str, Column]:
        """Write days as the source writes them."""
        given = conditions(subject, code)
        return {name: written.sample(days[name], given, rng) for name, written in zip(self.names, self.formats, strict=True)}

    def _starts(
        self, model: DateGiven, base: Mapping[str, Floats], place: Neighbours, given: list[Ints], rng: np.random.Generator
    ) -> Floats:
        """Draw first dates rank by rank, since a row may hang on the one before."""
        start = np.full(place.n, np.nan)
        for rank in range(place.most):
            rows = np.flatnonzero(place.rank == rank)
            candidates = {name: value[rows] for name, value in base.items()}
            candidates["BEFORE"] = start[rows - 1] if rank else np.full(len(rows), np.nan)
            start[rows] = model.sample(candidates, [g[rows] for g in given], rng, len(rows))
        return start

    def _tidy(self, days: dict[str, Floats], place: Neighbours) -> None:
        """Keep rows in order; an end is never before its start, nor, where the source kept rows apart, after the next start."""
        if not days:
            return
        first = days[self.names[0]]
        if self.in_order:
            days[self.names[0]] = first = place.running_max(first)
        for name in self.names[1:]:
            if name.endswith("ENDTC"):
                end = np.maximum(days[name], first)
                if self.apart:
                    follower = place.next(first)
                    end = np.where(end >= follower, np.maximum(follower - 1, first), end)
                days[name] = np.where(np.isnan(days[name]), np.nan, end)


def conditions(subject: NDArray[np.int32], code: Ints) -> list[Ints]:
    """Conditions of a date: the tuple, the rank, and whether no other row follows."""
    place = Neighbours(subject)
    return [code, np.minimum(place.rank, 5), place.last.astype(np.int64)]


def order_dates(names: tuple[str, ...]) -> tuple[str, ...]:
    """Start first, then end, then the rest."""
    return tuple(sorted(names, key=lambda name: (not name.endswith("STDTC"), not name.endswith("ENDTC"), names.index(name))))


def _base(spine: Spine, subject: NDArray[np.int32], number: Floats) -> dict[str, Floats]:
    """Days that any date may hang on: the anchor, the marks, and the visit of the row's number."""
    out = {"ANCHOR": spine.anchor[subject]} | {name: day[subject] for name, day in spine.marks.items()}
    return out | {"VISIT": visit_day(spine, subject, number)}


def _share(bad: NDArray[np.bool_], known: Floats) -> float:
    both = np.isfinite(known)
    return float(bad[both].mean()) if both.any() else 0.0


def _until(start: Floats, subject: NDArray[np.int32], spine: Spine) -> str:
    """The nearest mark after which no row begins."""
    found: list[tuple[float, str]] = []
    if not len(start) or np.isfinite(start).mean() < 0.5:
        return ""  # most dates are not known in full: nothing can be said of them
    for name, mark in spine.marks.items():
        limit = mark[subject]
        both = np.isfinite(start) & np.isfinite(limit)
        if both.sum() >= 10 and np.isfinite(mark).mean() > 0.3 and not (start > limit)[both].any():
            found.append((float(np.median((limit - start)[both])), name))
    return min(found)[1] if found else ""
