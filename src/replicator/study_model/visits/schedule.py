"""The visits of a subject beside its course: follow-up, retrieval, and what comes in between."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from replicator.models.backoff import BackoffTable
from replicator.study_model.course.grid import LAST_VISIT, Grid, visit_days
from replicator.study_model.course.openness import calendar_openness, move_to_open
from replicator.study_model.marks.names import visit_mark
from replicator.study_model.spine import Spine, Visits
from replicator.study_model.visits.days import position
from replicator.study_model.visits.others import OtherVisit, before_marked, days_near, goes_beyond, has_near
from replicator.study_model.visits.unscheduled import Unscheduled

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

LAGS = 5  # bins of the time between the last visit of the course and the last day on study
SELDOM = 0.002  # share of visits on the day of the visit before, up to which there are none


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

        `named` are numbers of visits that a plan knows (:func:`~replicator.study_model.visits.names.named_visits`), however few
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
        places = [days_near(course, number) for number in other.tolist()]
        near = [has_near(course, number) for number in other.tolist()]
        final = float(grid.numbers[-1]) if len(grid.numbers) else np.nan
        until = [before_marked(spine, grid.closing, number) for number in other.tolist()]
        beyond = [goes_beyond(course, place, final) for place in places]
        others = tuple(
            OtherVisit.fit(day[:, j], place, marked, beyond[j], given, closing == j, near[j], spine, k)
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
            place = days_near(spine, float(self.others[j]))
            beyond = goes_beyond(spine, place, self.final)
            there = other.attended.sample([stratum, beyond, closing, lag, spine.arm], rng, spine.n) == 1
            there |= other.always[spine.arm]
            if other.reached:
                there &= has_near(spine, float(self.others[j]))
            if other.day is not None:
                drawn = other.day.sample(place, [stratum, beyond, closing.astype(np.int64), lag], rng, spine.n)
                moved = np.clip(move_to_open(np.floor(drawn), self.openness, rng), first, last)
                latest = last
                if other.in_order:
                    until = np.fmin(place["AFTER"], before_marked(spine, self.marked, float(self.others[j])))
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


def _after_course(spine: Spine) -> Floats:
    """Days from the last visit of the course to the last day on study: (n,), 0 where either is not known."""
    last = spine.marks.get(LAST_VISIT, np.full(spine.n, np.nan))
    return np.asarray(np.nan_to_num(np.floor(spine.marks["LAST"]) - last), np.float64)


def _distinct(visits: Visits) -> bool:
    """Whether (nearly) no two visits of a subject are on one day."""
    again = (visits.subject[1:] == visits.subject[:-1]) & (visits.day[1:] == visits.day[:-1])
    return len(again) > 0 and float(again.mean()) <= SELDOM
