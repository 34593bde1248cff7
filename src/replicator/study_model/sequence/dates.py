"""When the rows of a sequence are: dates that hang on marks, visits and neighbouring rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from replicator.study_model.columns.dated import DateFormat, DateGiven
from replicator.study_model.columns.neighbours import Neighbours
from replicator.study_model.sequence.bounds import Bounds, find_lasting
from replicator.study_model.sequence.context import told_days
from replicator.study_model.sequence.distances import steady_distances
from replicator.study_model.sequence.floors import Floors
from replicator.study_model.sequence.on_visits import fall_on_visits, on_another_visit
from replicator.study_model.sequence.pins import END, Pin, begun, find_pins, last_begin, over
from replicator.study_model.sequence.ranks import date_conditions, tuple_before
from replicator.study_model.sequence.references import DELTAS, days_known, follows, told_apart
from replicator.study_model.sequence.repeats import certain_followers
from replicator.study_model.spine import Spine
from replicator.study_model.visits.days import days_of_few, nearest_visit_day
from replicator.tables.dataset import Column, Dataset, Text
from replicator.tables.dates import Precision, format_dates, parse_dates

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

NEXT = "NEXT START"  # first day of the row after


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
    on_visits : tuple of (2 * n_states + 1,) bool
        Whether a variable's dates fall on days of visits, by tuple and whether another row follows; the last for those that too few
        subjects have.
    in_order : bool
        Whether first dates never go back from a row to the next.
    distinct : bool
        Whether no two rows of a subject begin on one day.
    apart : bool
        Whether a row never begins before the one before it has ended.
    until : str
        Mark after which no row begins; ``""`` if none.
    at_visits : bool
        Whether a row whose tuple names a visit needs that visit to have taken place.
    rare : tuple of float
        Of a variable whose days fewer than k subjects have, the share of subjects who get days: k / 2 of the source's, since how
        many there were is not kept; 0 for all others. Nothing of theirs is: their days are those of the visits that the rows name,
        else any day on study.
    pins : tuple of Pin
        Marks that are the first or the last day of all rows of a subject.
    never_before : tuple of bool
        Whether a variable never lies before the first date of its row, of at least k subjects.
    to_next, to_end : Bounds or None
        How long a row may last until the next begins, and until its own end.
    certain : (n_states,) bool
        Tuples that everybody comes to who had the one mostly before: their rows begin with `until`, and do not go missing after it
        unless they name a visit that comes later.
    over : tuple of str
        Marks that are the last end of all rows, and of which none begins later than on the day after: the last dose.
    ended : tuple of str
        Those of them after which no row begins at all.
    since : tuple of str
        Marks that are the first end of all rows, and before which none but the first begins: the end of the screening.
    floors : Floors or None
        What rows never begin before.
    known : tuple of bool
        Whether a variable gives the day of every row: no reference there is then no reason for none.
    lasting : (n_states,) bool
        Where a row may end with the day on which the next begins, tuples of k subjects whose rows all end on a later day than
        they begin: who leaves on the day on which an element would begin has none of it.
    """

    kind: ClassVar[str] = "sequence dates"

    names: tuple[str, ...]
    days: tuple[DateGiven | None, ...]
    formats: tuple[DateFormat, ...]
    on_visits: tuple[NDArray[np.bool_], ...]
    in_order: bool
    distinct: bool
    apart: bool
    until: str
    at_visits: bool
    rare: tuple[float, ...]
    pins: tuple[Pin, ...] = ()
    never_before: tuple[bool, ...] = ()
    to_next: Bounds | None = None
    to_end: Bounds | None = None
    certain: NDArray[np.bool_] = field(default_factory=lambda: np.empty(0, bool))
    over: tuple[str, ...] = ()
    since: tuple[str, ...] = ()
    floors: Floors | None = None
    known: tuple[bool, ...] = ()
    lasting: NDArray[np.bool_] = field(default_factory=lambda: np.empty(0, bool))
    ended: tuple[str, ...] = ()

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
            return cls((), (), (), (), False, False, False, "", False, ())
        place = Neighbours(subject)
        owners = {name: np.unique(subject[np.isfinite(day)]) for name, day in days.items()}
        few = {name for name in names if 0 < len(owners[name]) < min(k, len(np.unique(subject)))}
        days = {name: np.full(len(subject), np.nan) if name in few else day for name, day in days.items()}
        start = days[names[0]]
        given, before = date_conditions(subject, code), tuple_before(subject, code)
        base, told = days_known(spine, subject, number), told_days(spine, subject)
        models, formats, on_visits, never_before = [], [], [], []
        for i, name in enumerate(names):
            more = {"START": start, NEXT: place.next(start)} if i else {"BEFORE": place.before(start)}
            near = base | more | told_apart(days[name], told, base | more, subject, code, k)
            steady = steady_distances(days[name], near, given, subject, k)
            models.append(DateGiven.fit(days[name], near, given, subject, k, (*DELTAS, *steady), closed=True, closer=before))
            text = dataset.text(name)
            others = np.flatnonzero(~np.isin(subject, owners[name])) if name in few else np.arange(len(subject))
            text, theirs = text.take(others), [codes[others] for codes in given]
            formats.append(DateFormat.fit(text, parse_dates(text), theirs, subject[others], k))
            on_visits.append(fall_on_visits(days[name], spine, subject, 2 * code + place.last, k))
            both = np.isfinite(days[name]) & np.isfinite(start)
            never_before.append(len(np.unique(subject[both])) >= k and bool((days[name] >= start)[both].all()))
        apart = len(names) > 1 and _share(days[names[1]] >= place.next(start), days[names[1]] + place.next(start)) <= 0.02
        in_order = _share(place.next(start) < start, start + place.next(start)) <= 0.02
        distinct = bool((start == place.before(start)).sum() == 0) and bool(np.isfinite(start + place.before(start)).any())
        named = np.isfinite(number)
        at_visits = bool(named.any()) and float(np.isfinite(base["VISIT"])[named].mean()) >= 0.995
        until = last_begin(start, subject, spine)
        rare = tuple(min(1.0, k / 2 / spine.n) if name in few else 0.0 for name in names)
        pins = find_pins(days, subject, spine, k)
        end = next((days[name] for name in names[1:] if name.endswith(END)), None)
        return cls(
            names,
            tuple(models),
            tuple(formats),
            tuple(on_visits),
            in_order,
            distinct,
            apart,
            until,
            at_visits,
            rare,
            pins,
            tuple(never_before),
            Bounds.fit(place.next(start) - start, code, subject, k),
            None if end is None else Bounds.fit(end - start, code, subject, k),
            certain_followers(subject, code, k),
            over(start, names[0], pins, subject, spine),
            begun(start, pins, ~place.first, subject, spine),
            Floors.fit(start, base | told, code, subject, k),
            tuple(name not in few and bool(np.isfinite(days[name]).all()) for name in names),
            np.empty(0, bool) if end is None or apart else find_lasting(end - start, code, subject, k),
            over(start, names[0], pins, subject, spine, 0),
        )

    def sample(
        self, spine: Spine, subject: NDArray[np.int32], code: Ints, number: Floats, death: Floats, rng: np.random.Generator
    ) -> tuple[dict[str, Floats], NDArray[np.bool_]]:
        """Draw the days of rows (n_rows,) by variable, and tell which rows begin in time; a row that is a death begins with it."""
        place = Neighbours(subject)
        given = [*date_conditions(subject, code), tuple_before(subject, code)]
        base, told = days_known(spine, subject, number), told_days(spine, subject)
        days: dict[str, Floats] = {}
        seen: dict[str, NDArray[np.bool_]] = {}
        for name, model, on_visit, rare in zip(self.names, self.days, self.on_visits, self.rare, strict=True):
            state = np.full(len(subject), -1, np.int64)
            if model is None:
                day = days_of_few(rare, spine, subject, base["VISIT"], rng)
            elif not days:
                day, state = self._starts(model, base, told, place, given, spine, subject, rng)
            else:
                start = days[self.names[0]]
                near = base | told | {"START": start, NEXT: place.next(start)}
                state = model.sample_states(near, given, rng, len(subject))
                day = model.days_of(near, state, rng)
                if self.to_end is not None and name.endswith(END):
                    fixed = np.isfinite(number) | follows(model, state, {*told, NEXT})
                    day = self.to_end.hold(day, start, code, fixed, spine, subject)
            there = on_visit[np.minimum(2 * code + place.last, len(on_visit) - 1)] & np.isnan(death)
            if self.known and self.known[len(days)]:
                bound = spine.marks["LAST" if name.endswith(END) else "FIRST"]
                day = np.where(np.isnan(day), np.floor(bound)[subject], day)
            if there.any():
                day = np.where(there, nearest_visit_day(spine, subject, day), day)
                free = there & (state < 0)
                day[free] = on_another_visit(model, spine, subject[free], day[free])
            if not days and self.floors is not None:
                floor = np.fmin(self.floors.hold(day, base | told, code), self._latest(subject, spine))
                floor = np.where(there & (nearest_visit_day(spine, subject, floor) != floor), np.nan, floor)
                day = np.where((day < floor) & np.isnan(base["VISIT"]), floor, day)
            seen[name] = there
            day = self._pinned(name, day, there, subject, spine)
            days[name] = day if days else np.where(np.isfinite(death), death, day)
            if self.distinct and len(days) == 1:  # what ends before the next row begins is drawn by where that is
                days[name] = self._part(days[name], place, spine, subject, rng)
        if self.until and len(self.certain):
            limit, start = self._latest(subject, spine), days[self.names[0]]
            moved = self.certain[code] & (start > limit) & ~(base["VISIT"] > limit)  # nobody leaves the visit that a row names
            days[self.names[0]] = np.where(moved, limit, start)
        for name in self.since:
            mark, start = np.floor(spine.marks[name])[subject], days[self.names[0]]
            days[self.names[0]] = np.where(~place.first & (start < mark), mark, start)
        days = self._tidy(days, place)
        keep = ~(self.at_visits & np.isfinite(number) & np.isnan(base["VISIT"]))
        if self.distinct:
            keep &= ~(days[self.names[0]] == place.before(days[self.names[0]]))
        keep &= self.in_time(days, subject, spine)
        end = next((day for name, day in days.items() if name.endswith(END)), None)
        if end is not None and len(self.lasting):
            keep &= ~(self.lasting[code] & (end <= days[self.names[0]]) & ~place.first)
        if not keep.all():
            for name, day in days.items():  # of the rows that are left others are the outermost
                day[keep] = self._pinned(name, day[keep], seen[name][keep], subject[keep], spine)
        dead = np.isfinite(death)
        if dead.any():
            days[self.names[0]] = np.where(dead, death, days[self.names[0]])
        return days, keep | dead

    def _pinned(self, name: str, day: Floats, there: NDArray[np.bool_], subject: NDArray[np.int32], spine: Spine) -> Floats:
        """Hold days (n_rows,) of a variable at marks that bound it; those that are visits' (`there`) move to visits alone."""
        pins = [pin for pin in self.pins if pin.variable == name]
        for pin in pins:
            held = pin.hold(day, subject, spine)
            day = np.where(there & (nearest_visit_day(spine, subject, held) != held), day, held)
        return day

    def in_time(self, days: Mapping[str, Floats], subject: NDArray[np.int32], spine: Spine) -> NDArray[np.bool_]:
        """Whether rows (n_rows,) do not begin after the marks after which none does, but for the first of each subject."""
        if not self.until and not self.over:
            return np.ones(len(subject), bool)
        return np.asarray(~(days[self.names[0]] > self._latest(subject, spine)) | (Neighbours(subject).rank == 0), bool)

    def _latest(self, subject: NDArray[np.int32], spine: Spine) -> Floats:
        """The latest day on which rows (n_rows,) may begin, NaN for any."""
        limits = [np.floor(spine.marks[name]) + (name not in self.ended) for name in self.over]
        limits += [np.floor(spine.marks[self.until])] if self.until else []
        return np.asarray(np.fmin.reduce([np.full(spine.n, np.nan), *limits])[subject], np.float64)

    def settle(self, days: Mapping[str, Floats], subject: NDArray[np.int32], fixed: NDArray[np.bool_]) -> dict[str, Floats]:
        """Put rows that were moved in order again: days (n_rows,) by variable; of `fixed` rows the starts stay."""
        out = self._tidy(days, Neighbours(subject))
        first = self.names[0] if self.names else ""
        return out | {name: np.where(fixed, days[name], day) for name, day in out.items() if name == first}

    def write(
        self, days: Mapping[str, Floats], subject: NDArray[np.int32], code: Ints, rng: np.random.Generator
    ) -> dict[str, Column]:
        """Write days as the source writes them."""
        given = date_conditions(subject, code)
        out: dict[str, Column] = {}
        for name, written, rare in zip(self.names, self.formats, self.rare, strict=True):
            text = written.sample(days[name], given, rng)
            if rare:
                day = days[name]
                known = format_dates(day, np.full(len(day), np.nan), np.full(len(day), Precision.DAY, np.int8)).strings()
                text = Text.of(np.where(np.isfinite(day), known, text.strings()))
            out[name] = text
        return out

    def _starts(
        self,
        model: DateGiven,
        base: Mapping[str, Floats],
        told: Mapping[str, Floats],
        place: Neighbours,
        given: list[Ints],
        spine: Spine,
        subject: NDArray[np.int32],
        rng: np.random.Generator,
    ) -> tuple[Floats, Ints]:
        """Draw first dates rank by rank, since a row may hang on the one before, and what each follows: (n_rows,) both."""
        start, states = np.full(place.n, np.nan), np.full(place.n, -1, np.int64)
        for rank in range(place.most):
            rows = np.flatnonzero(place.rank == rank)
            candidates = {name: value[rows] for name, value in {**base, **told}.items()}
            before = start[rows - 1] if rank else np.full(len(rows), np.nan)
            candidates["BEFORE"] = before
            state = model.sample_states(candidates, [g[rows] for g in given], rng, len(rows))
            start[rows], states[rows] = model.days_of(candidates, state, rng), state
            if rank and self.to_next is not None:
                fixed = np.isfinite(base["VISIT"][rows]) | follows(model, state, told)
                start[rows] = self.to_next.hold(start[rows], before, given[0][rows - 1], fixed, spine, subject[rows])
        return start, states

    def _part(self, first: Floats, place: Neighbours, spine: Spine, subject: NDArray[np.int32], rng: np.random.Generator) -> Floats:
        """Move rows that begin with the one before, or would before it, to any day left after it: (n_rows,)."""
        limit = np.floor(spine.marks[self.until or "LAST"])[subject]
        share = rng.random(place.n)
        out = first.copy()
        for rank in range(1, place.most):
            rows = np.flatnonzero(place.rank == rank)
            before = out[rows - 1]
            room = limit[rows] - before
            same = out[rows] <= before if self.in_order else out[rows] == before
            out[rows] = np.where(same & (room >= 1), before + 1 + np.floor(share[rows] * room), out[rows])
        return out

    def _tidy(self, days: Mapping[str, Floats], place: Neighbours) -> dict[str, Floats]:
        """Keep rows in order; an end is never before its start, nor, where the source kept rows apart, after the next start."""
        out = dict(days)
        if not out:
            return out
        first = out[self.names[0]]
        if self.in_order:
            out[self.names[0]] = first = place.running_max(first)
        for name, never in zip(self.names[1:], self.never_before[1:], strict=True):
            if never:
                out[name] = np.where(out[name] < first, first, out[name])
            if name.endswith(END):
                end = np.maximum(out[name], first)
                if self.apart:
                    follower = place.next(first)
                    end = np.where(end >= follower, np.maximum(follower - 1, first), end)
                out[name] = np.where(np.isnan(out[name]), np.nan, end)
        return out


def order_dates(names: tuple[str, ...]) -> tuple[str, ...]:
    """Start first, then end, then the rest."""
    return tuple(sorted(names, key=lambda name: (not name.endswith("STDTC"), not name.endswith(END), names.index(name))))


def _share(bad: NDArray[np.bool_], known: Floats) -> float:
    both = np.isfinite(known)
    return float(bad[both].mean()) if both.any() else 0.0
