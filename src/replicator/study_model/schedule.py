"""The visits of a subject beside its course: follow-up, retrieval, and what comes in between."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from replicator.models.backoff import BackoffTable
from replicator.study_model.course_grid import IN_ORDER, LAST_VISIT, Grid, visit_days
from replicator.study_model.dated import DateGiven
from replicator.study_model.marks_names import visit_mark
from replicator.study_model.openness import calendar_openness, move_to_open
from replicator.study_model.spine import Spine, Visits
from replicator.study_model.unscheduled import Unscheduled
from replicator.study_model.visit_days import position

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

LAGS = 5  # bins of the time between the last visit of the course and the last day on study
SELDOM = 0.002  # share of visits on the day of the visit before, up to which there are none


@dataclass(frozen=True, eq=False)
class OtherVisit:
    """A visit with a place of its own, where it is not the one that closes the study.

    Attributes
    ----------
    attended : BackoffTable
        Whether it was kept (1), given the stratum, whether the course went on beyond it or to its end, which visit closed the
        study, the time after the course, and the arm.
    day : DateGiven or None
        Given the anchor, the marks, and the visits of the course ``BEFORE`` and ``AFTER`` it by number.
    in_order : bool
        Whether it lies between the visits of the course of lower and of higher number, and before those with marks of their own.
    always : (n_arms,) bool
        Arms of at least k subjects all of whom kept it.
    reached : bool
        Whether nobody had it who had no visit of the course of its whole number, or between that and its own.
    since : mapping of str to int
        Days, 0 or 1, by which it lies after a mark at the least, of at least k subjects and without exception: an early end is
        after the last dose.
    """

    kind: ClassVar[str] = "other visit"

    attended: BackoffTable
    day: DateGiven | None
    in_order: bool
    always: NDArray[np.bool_]
    reached: bool
    since: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class ScheduleModel:
    """What completes the visits of the course.

    Attributes
    ----------
    numbers : (n_planned,) float64
        VISITNUM of all visits that at least k subjects had, ascending.
    others : (n_others,) float64
        Those of them that are not of the course and whose days are no marks.
    marked : (n_marked,) float64
        Those of them whose days are marks.
    edges : (n_edges,) float64
        Bins of the days from the last visit of the course to the last day on study.
    closing : BackoffTable
        Which of the others (-1 for none) is on the last day on study, given the stratum, the time after the course, and the arm.
    visits : tuple of OtherVisit
        One each of the others.
    distinct : bool
        Whether a subject never has two visits on one day.
    length : BackoffTable
        Days between start and end of a visit (up to 6), given its position in `numbers`.
    unscheduled : Unscheduled or None
    stratum : (n_arms,) int64
        Arms of different strata share nothing.
    openness : (7,) float64
        How readily each day of the week is taken for a visit that follows no plan, Monday first.
    final : float
        VISITNUM of the last visit of the course; NaN where there is none.
    """

    kind: ClassVar[str] = "schedule"

    numbers: Floats
    others: Floats
    marked: Floats
    edges: Floats
    closing: BackoffTable
    visits: tuple[OtherVisit, ...]
    distinct: bool
    length: BackoffTable
    unscheduled: Unscheduled | None
    stratum: Ints
    openness: Floats
    final: float = np.nan

    @classmethod
    def fit(cls, spine: Spine, grid: Grid, stratum: Ints, k: int, named: Floats | None = None) -> ScheduleModel:
        """Learn from the source's spine, marked by its grid (:meth:`Grid.mark`), and the stratum of each arm.

        `named` are numbers of visits that a plan knows (:func:`~replicator.study_model.visit_names.named_visits`), however few
        subjects had them.
        """
        visits = spine.visits
        numbers = np.union1d(grid.numbers, grid.others)
        everyone = np.arange(spine.n)
        after = _after_course(spine)
        late = after[after > 0]
        bins = min(LAGS, len(late) // (3 * k))
        edges = np.unique(np.quantile(late, np.arange(1, bins) / bins)) if bins > 1 else np.empty(0)
        lag = np.where(after > 0, 1 + np.digitize(after, edges), 0)
        other = np.setdiff1d(grid.others, grid.closing)
        day = visit_days(spine, other)
        ends = (day == spine.marks["LAST"][:, None]) & (after > 0)[:, None]
        ends &= ends.sum(axis=0) >= k  # what fewer have on their last day is learned with the rest
        closing = np.where(ends.any(axis=1), ends.argmax(axis=1), -1) if len(other) else np.full(spine.n, -1, np.int64)
        course = grid.course_of(spine)
        mine = stratum[spine.arm]
        given = [mine, closing, lag, spine.arm.astype(np.int64)]
        places = [_references(course, number) for number in other.tolist()]
        near = [_has_near(course, number) for number in other.tolist()]
        final = float(grid.numbers[-1]) if len(grid.numbers) else np.nan
        until = [_before_marked(spine, grid.closing, number) for number in other.tolist()]
        beyond = [_goes_beyond(course, place, final) for place in places]
        others = tuple(
            _fit_other(day[:, j], place, marked, beyond[j], given, closing == j, near[j], spine, k)
            for j, (place, marked) in enumerate(zip(places, until, strict=True))
        )
        where = position(numbers, visits.number)
        planned = where >= 0
        length = np.clip(visits.end - visits.day, 0, 6).astype(np.int64)
        return cls(
            numbers,
            other,
            grid.closing,
            edges,
            BackoffTable.fit(closing, [mine, lag, spine.arm], everyone, k=k),
            others,
            _distinct(visits),
            BackoffTable.fit(length[planned], [where[planned]], visits.subject[planned], k=k),
            Unscheduled.fit(spine, numbers, k, named),
            np.asarray(stratum, np.int64),
            calendar_openness(visits.day, visits.subject),
            final,
        )

    def sample(self, spine: Spine, rng: np.random.Generator) -> Visits:
        """Draw all visits of the subjects of a spine that has those of the course."""
        day = visit_days(spine, self.numbers)
        for number in self.marked.tolist():
            day[:, self.numbers == number] = np.floor(spine.marks[visit_mark(number)])[:, None]
        day[:, np.isin(self.numbers, self.others)] = self._sample_others(spine, rng)
        subject, column = np.nonzero(np.isfinite(day))
        number, start = self.numbers[column], day[subject, column]
        end = start + self.length.sample([column], rng)
        if self.unscheduled is not None:
            more, extra, when = self.unscheduled.sample(day, spine, self.distinct, self.openness, rng)
            subject, number = np.concatenate([subject, more]), np.concatenate([number, extra])
            start, end = np.concatenate([start, when]), np.concatenate([end, when])
        end = np.minimum(end, np.maximum(spine.marks["LAST"][subject], start))
        order = np.lexsort((number, ~self._is_kept_by_all(number, spine.arm[subject]), start, subject))
        subject, number, start, end = subject[order], number[order], start[order], end[order]
        keep = np.ones(len(subject), bool)
        if self.distinct:
            keep[1:] = (subject[1:] != subject[:-1]) | (start[1:] != start[:-1])
        return Visits(subject[keep].astype(np.int32), number[keep], start[keep], end[keep])

    def _is_kept_by_all(self, number: Floats, arm: NDArray[np.int32]) -> NDArray[np.bool_]:
        """Whether a visit (n_visits,) beside the course is one that all of its subject's arm kept."""
        out = np.zeros(len(number), bool)
        for other, visit in zip(self.others.tolist(), self.visits, strict=True):
            out |= (number == other) & visit.always[arm]
        return out

    def _sample_others(self, spine: Spine, rng: np.random.Generator) -> Floats:
        """Draw days of the visits that are not of the course: (n, n_others), NaN for one that was not kept."""
        first, last = spine.marks["FIRST"], spine.marks["LAST"]
        after = _after_course(spine)
        stratum = self.stratum[spine.arm]
        lag = np.where(after > 0, 1 + np.digitize(after, self.edges), 0)
        closing = self.closing.sample([stratum, lag, spine.arm], rng, spine.n)
        closing = np.where(after > 0, closing, -1)
        out = np.full((spine.n, len(self.others)), np.nan)
        since = np.full(spine.n, np.nan)
        for j, other in enumerate(self.visits):
            place = _references(spine, float(self.others[j]))
            beyond = _goes_beyond(spine, place, self.final)
            there = other.attended.sample([stratum, beyond, closing, lag, spine.arm], rng, spine.n) == 1
            there |= other.always[spine.arm]
            if other.reached:
                there &= _has_near(spine, float(self.others[j]))
            if other.day is not None:
                drawn = other.day.sample(place, [stratum, beyond, closing.astype(np.int64), lag], rng, spine.n)
                moved = np.clip(move_to_open(np.floor(drawn), self.openness, rng), first, last)
                latest = last
                if other.in_order:
                    until = np.fmin(place["AFTER"], _before_marked(spine, self.marked, float(self.others[j])))
                    moved = np.fmax(np.fmin(moved, until), np.fmax(place["BEFORE"], since))
                    latest = np.fmin(last, until)
                marked = [np.floor(spine.marks[name]) + days for name, days in other.since.items()]
                least = np.fmax.reduce([np.full(spine.n, np.nan), *marked])
                onward = np.fmin(move_to_open(least, self.openness, rng, onward=True), np.fmax(latest, moved))
                moved = np.where(moved < least, onward, moved)
                out[:, j] = np.where(there, moved, np.nan)
            out[:, j] = np.where(closing == j, last, out[:, j])
            since = np.fmax(since, out[:, j]) if other.in_order else since
        return out


def _fit_other(
    day: Floats,
    place: dict[str, Floats],
    until: Floats,
    beyond: Ints,
    given: list[Ints],
    closes: NDArray[np.bool_],
    near: NDArray[np.bool_],
    spine: Spine,
    k: int,
) -> OtherVisit:
    """Learn a visit of those for whom it did not close the study.

    It is learned given whether the course went on, the stratum, the closing visit, the time after, and the arm.
    """
    everyone = np.arange(len(day), dtype=np.int32)
    stratum, closing, lag, arm = given
    conditions = [stratum, beyond, closing, lag, arm]
    reached = not (np.isfinite(day) & ~near).any()
    free = np.flatnonzero(~closes & near if reached else ~closes)
    seen = np.isfinite(day[free]).astype(np.int64)
    attended = BackoffTable.fit(seen, [codes[free] for codes in conditions], everyone[free], k=k)
    between = ~(day < place["BEFORE"]) & ~(day > np.fmin(place["AFTER"], until))
    in_order = float(between[np.isfinite(day)].mean()) >= IN_ORDER
    size = np.bincount(arm, minlength=len(spine.arms))
    always = (size >= k) & (np.bincount(arm[np.isfinite(day)], minlength=len(spine.arms)) == size)
    when = DateGiven.fit(np.where(closes, np.nan, day), place, conditions[:-1], everyone, k)
    return OtherVisit(attended, when, in_order, always, reached, _after_marks(day, spine, k))


def _after_marks(day: Floats, spine: Spine, k: int) -> dict[str, int]:
    """Marks that a visit (n,) is never before in those who have both, `k` subjects at least, and whether it is always later (1)."""
    found = {}
    for name, mark in spine.marks.items():
        after = (day - np.floor(mark))[np.isfinite(day) & np.isfinite(mark)]
        if len(after) >= k and not (after < 0).any():
            found[name] = int((after > 0).all())
    return found


def _goes_beyond(spine: Spine, place: dict[str, Floats], final: float) -> Ints:
    """Whether the course went on beyond a visit, of which `place` tells the next, or to its last visit: (n,), 0 or 1."""
    out = np.isfinite(place["AFTER"])
    out[spine.visits.subject[spine.visits.number == final]] = True
    return out.astype(np.int64)


def _before_marked(spine: Spine, marked: Floats, number: float) -> Floats:
    """First day of a subject's visits of higher numbers whose days are marks: (n,), NaN for none."""
    out = np.full(spine.n, np.nan)
    for later in marked[marked > number].tolist():
        out = np.fmin(out, np.floor(spine.marks.get(visit_mark(later), out)))
    return out


def _has_near(spine: Spine, number: float) -> NDArray[np.bool_]:
    """Whether a subject has a visit whose number is at least the whole one of a number, and lower than it: (n,)."""
    out = np.zeros(spine.n, bool)
    visits = spine.visits
    out[visits.subject[(visits.number >= np.floor(number)) & (visits.number < number)]] = True
    return out


def _references(spine: Spine, number: float) -> dict[str, Floats]:
    """Days that a visit may hang on: the anchor, the marks, and the nearest visits by number."""
    visits = spine.visits
    before, after = np.full(spine.n, -np.inf), np.full(spine.n, np.inf)
    lower, higher = visits.number < number, visits.number > number
    np.maximum.at(before, visits.subject[lower], visits.day[lower])
    np.minimum.at(after, visits.subject[higher], visits.day[higher])
    near = {"BEFORE": np.where(np.isfinite(before), before, np.nan), "AFTER": np.where(np.isfinite(after), after, np.nan)}
    return {"ANCHOR": spine.anchor} | {name: np.floor(day) for name, day in spine.marks.items()} | near


def _after_course(spine: Spine) -> Floats:
    """Days from the last visit of the course to the last day on study: (n,), 0 where either is not known."""
    last = spine.marks.get(LAST_VISIT, np.full(spine.n, np.nan))
    return np.asarray(np.nan_to_num(np.floor(spine.marks["LAST"]) - last), np.float64)


def _distinct(visits: Visits) -> bool:
    """Whether (nearly) no two visits of a subject are on one day."""
    again = (visits.subject[1:] == visits.subject[:-1]) & (visits.day[1:] == visits.day[:-1])
    return len(again) > 0 and float(again.mean()) <= SELDOM
