"""The course of a subject: how far it comes on the grid of visits, which of them it keeps, and on which days."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from replicator.models.backoff import BackoffTable
from replicator.rng import stream
from replicator.study_model.columns.dated import DateGiven
from replicator.study_model.course.days import VisitDay, leave_apart
from replicator.study_model.course.grid import FIRST_VISIT, LAST_VISIT, Grid, visit_days
from replicator.study_model.course.openness import gap_openness, weekday_openness
from replicator.study_model.course.order import fit_days, neighbour_after, outward
from replicator.study_model.course.reach import beyond_others, find_lowest, find_tops, fit_horizon, fit_top, leaving_positions
from replicator.study_model.marks.names import visit_mark
from replicator.study_model.spine import Spine

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]

REACH = "course"  # the trait of the joint model


@dataclass(frozen=True, eq=False)
class Course:
    """Visits from first to last.

    Attributes
    ----------
    grid : Grid
    order : tuple of int
        Positions in the order in which days are drawn: from the visit nearest to the anchor onward, then backward.
    days : tuple of VisitDay
        One a visit of the grid.
    leaving : DateGiven or None
        Days of the last visit of those who leave before the last visit of the arm, but after the one that the days start from; None
        if they come on the same days as the others.
    attended : tuple of BackoffTable
        Whether a visit before the last is kept, given whether the one before it was, and the arm; one a visit of the grid.
    horizon : str
        Mark that the visits run up to; ``""`` where the participation ends with the last visit, and the marks follow from it.
    margin : float
        Days that the last visit lies before the horizon at least.
    top : (n_arms,) int64
        Position of the last visit of each arm.
    finished : (n_arms,) float64
        Share of each arm that comes to its last visit; empty where that is no class of its own.
    few_leave : bool
        Whether somebody leaves before the last visit of the arm, and fewer than k do.
    lowest : (n_arms,) int64
        Position that everybody of an arm comes to: that of the visit that the days start from, or of the first; -1 where somebody
        had no visit; a later one where everybody of the arm comes beyond what many of others do not.
    possible : (n_positions,) int64
        Positions at which those leave who leave early.
    stratum : (n_arms,) int64
        Arms of one stratum learn from each other.
    openness : (7,) float64
        How readily each day of the week is taken for a visit, Monday first.
    gaps : (7,) float64
        How readily each number of days beyond whole weeks is left between a visit and the one before it.
    """

    kind: ClassVar[str] = "course"

    grid: Grid
    order: tuple[int, ...]
    days: tuple[VisitDay, ...]
    leaving: DateGiven | None
    attended: tuple[BackoffTable, ...]
    horizon: str
    margin: float
    top: Ints
    finished: Floats
    few_leave: bool
    lowest: Ints
    possible: Ints
    stratum: Ints
    openness: Floats
    gaps: Floats

    @classmethod
    def fit(cls, spine: Spine, stratum: Ints, k: int) -> Course:
        """Learn the course of the source's subjects.

        Parameters
        ----------
        spine : Spine
        stratum : (n_arms,) int64
            From :func:`replicator.study_model.subjects.joint.arm_strata`.
        k : int
        """
        grid = Grid.fit(spine, k)
        spine = grid.mark(spine)
        day = visit_days(spine, grid.numbers) - spine.anchor[:, None]
        reach = grid.reach(spine)
        order = outward(day, grid.expected)
        mine = stratum[spine.arm]
        horizon, margin = fit_horizon(spine, grid)
        top, finished = (find_tops(reach, spine.arm, stratum), np.empty(0)) if horizon else fit_top(reach, spine.arm, stratum, k)
        lowest = find_lowest(reach, spine.arm, len(stratum), order[0][0] if order else 0)
        if not horizon:
            lowest = np.maximum(lowest, np.minimum(beyond_others(reach, spine.arm, stratum, k), top - 1))
        top = np.maximum(top, np.where(np.bincount(spine.arm, minlength=len(stratum)) > 0, lowest, -1))
        leaves = (np.arange(len(grid.numbers)) == reach[:, None]) & (reach < top[spine.arm])[:, None]
        leaves &= np.arange(len(grid.numbers)) != (order[0][0] if order else -1)
        apart = not horizon and leave_apart(day - grid.expected, leaves, k)
        days, leaving = fit_days(day, order, grid.expected, leaves & apart, mine, k)
        subject, column = np.nonzero(np.isfinite(day))
        weekday = (spine.anchor[subject].astype(np.int64) + 3) % 7
        openness = weekday_openness(weekday, day[subject, column], subject.astype(np.int32), column.astype(np.int64))
        course = cls(
            grid,
            tuple(j for j, _ in order),
            days,
            leaving,
            _fit_attended(np.isfinite(day), reach, spine.arm, k),
            horizon,
            margin,
            top,
            finished,
            not horizon and 0 < int((reach < top[spine.arm]).sum()) < k,
            lowest,
            leaving_positions(reach[reach < top[spine.arm]] if len(finished) else reach, len(grid.numbers), k),
            np.asarray(stratum, np.int64),
            openness,
            np.ones(7),
        )
        if len(np.unique(grid.numbers)) < 2:
            return course
        return replace(course, gaps=course._fit_gaps(spine, day, reach, k))

    def _fit_gaps(self, spine: Spine, day: Floats, reach: Ints, k: int) -> Floats:
        """How readily each number of days beyond whole weeks is left, (7,): what the source shows beside draws that mind none."""
        until = np.floor(spine.marks[self.horizon]) - self.margin - spine.anchor if self.horizon else np.full(spine.n, np.inf)
        until = np.where(np.isnan(until), np.inf, until)

        def draw(gaps: Floats, rng: np.random.Generator) -> Floats:
            return replace(self, gaps=gaps).sample(spine.anchor, spine.arm, reach, until, rng)

        return gap_openness(day, draw, stream(0, "gaps between visits"), k)

    @property
    def given(self) -> tuple[str, ...]:
        """Marks that are known before the others: the first and the last visit, unless visits run up to a mark."""
        return (FIRST_VISIT, LAST_VISIT) if len(self.grid.numbers) and not self.horizon else ()

    def days_given(self, spine: Spine) -> dict[str, Floats]:
        """Days of the visits of the course, (n,) each in their order, where they are known before marks are drawn."""
        day = visit_days(spine, self.grid.numbers).T if self.given else ()
        return {visit_mark(number): one for number, one in zip(self.grid.numbers.tolist(), day, strict=False)}

    @property
    def n_groups(self) -> int:
        """Classes of subjects within which the joint model works: arms, or arms by whether the course was finished."""
        return len(self.top) * (2 if len(self.finished) else 1)

    @property
    def group_stratum(self) -> Ints:
        """Stratum of each class: (n_groups,); of what a subject is, finishing or not."""
        return np.repeat(self.stratum, 2) if len(self.finished) else self.stratum

    @property
    def ending_stratum(self) -> Ints:
        """Stratum of each class: (n_groups,); of how a participation ends, of which one class says nothing about the other."""
        return self.group_stratum * 2 + np.arange(self.n_groups) % 2 if len(self.finished) else self.stratum

    def groups(self, spine: Spine) -> Ints:
        """Class of each subject of the source: (n,)."""
        arm = spine.arm.astype(np.int64)
        return arm * 2 + (self.grid.reach(spine) >= self.top[arm]) if len(self.finished) else arm

    def finishing(self, group: Ints) -> Flags | None:
        """Whether subjects of these classes (n,) finish the course; None where that is no class of its own."""
        return np.asarray(group % 2 == 1) if len(self.finished) else None

    def group_share(self) -> Floats:
        """Share of each class in its arm: (n_arms, classes of an arm)."""
        return np.stack([1 - self.finished, self.finished], axis=1) if len(self.finished) else np.ones((len(self.top), 1))

    def sample_groups(self, arm: NDArray[np.int32], rng: np.random.Generator, weight: Floats | None = None) -> Ints:
        """Draw the classes (n,) of subjects of the given arms.

        Parameters
        ----------
        arm : (n,) int32
        rng : numpy.random.Generator
        weight : (n, classes of an arm) float64, optional
            How likely each class makes what is known of the subject.
        """
        code = arm.astype(np.int64)
        if not len(self.finished):
            return code
        share = self.group_share()[code] * (1.0 if weight is None else weight)
        finished: Flags = rng.random(len(arm)) * share.sum(axis=1) < share[:, 1]
        return code * 2 + finished

    def traits(self, spine: Spine) -> dict[str, Floats]:
        """How far each subject came, as a trait of the joint model: (n,), NaN for those who finished.

        It is the position of the last visit; where visits run up to a mark, the share of the way to it; where fewer than k leave
        early, whether a subject stayed (1) or left (0).
        """
        if not len(self.grid.numbers):
            return {}
        reach = self.grid.reach(spine).astype(np.float64)
        if self.horizon:
            due = self._due_by(np.floor(spine.marks[self.horizon]) - self.margin - spine.anchor)
            share: Floats = np.where(due > 0, reach / np.maximum(due, 1.0), np.nan)
            return {REACH: share}
        left = reach < self.top[spine.arm]
        if self.few_leave:
            return {REACH: np.where(left, 0.0, 1.0)}
        return {REACH: np.where(left, reach, np.nan) if len(self.finished) else reach}

    def reach(
        self, group: Ints, arm: NDArray[np.int32], drawn: Mapping[str, Floats], until: Floats, rng: np.random.Generator
    ) -> Ints:
        """Turn the drawn trait into the position of each subject's last visit, -1 for none: (n,).

        Parameters
        ----------
        group : (n,) int64
            Class of each subject.
        arm : (n,) int32
        drawn : mapping of str to (n,) float64
            Traits.
        until : (n,) float64
            The horizon's day from the anchor; not used where there is no horizon.
        rng : numpy.random.Generator
        """
        top = self.top[arm]
        trait = np.nan_to_num(drawn.get(REACH, np.zeros(len(arm))))
        if self.horizon:
            far = np.clip(np.round(self._due_by(until) * trait), 0, len(self.grid.numbers) - 1).astype(np.int64)
            return np.maximum(far, self.lowest[arm])
        if self.few_leave:  # when they leave is theirs: any time is as good
            least = np.minimum(np.maximum(self.lowest[arm], 0), top)
            return np.where(trait < 0.5, least + np.floor(rng.random(len(arm)) * (top - least)).astype(np.int64), top)
        at = np.abs(trait[:, None] - self.possible[None, :]).argmin(axis=1)
        left = np.minimum(self.possible[at], top)
        left = np.where(group % 2 == 1, top, np.minimum(left, top - 1)) if len(self.finished) else left
        return np.maximum(left, self.lowest[arm])

    def sample(self, anchor: Floats, arm: NDArray[np.int32], reach: Ints, until: Floats, rng: np.random.Generator) -> Floats:
        """Draw the days of visits.

        Parameters
        ----------
        anchor : (n,) float64
            Days since 1970-01-01.
        arm : (n,) int32
        reach : (n,) int64
            Position of the last visit.
        until : (n,) float64
            Day from the anchor after which there is none.
        rng : numpy.random.Generator

        Returns
        -------
        (n, n_visits) float64
            Days since 1970-01-01, NaN for a visit that was not kept.
        """
        n, size = len(anchor), len(self.grid.numbers)
        kept = self._sample_kept(reach, arm, rng)
        day = np.full((n, size), np.nan)
        weekday = (anchor.astype(np.int64) + 3) % 7
        stratum = self.stratum[arm]
        neighbour, due = np.zeros(n), np.zeros(n)
        start = self.order[0] if self.order else 0
        for j in self.order:
            if j == start - 1:
                neighbour, due = neighbour_after(np.zeros(n), np.zeros(n), day[:, start], float(self.grid.expected[start]))
            rows = np.flatnonzero(kept[:, j])
            day[rows, j] = self.days[j].sample(
                neighbour[rows],
                due[rows],
                (reach[rows] == j) & (j < self.top[arm[rows]]) & (j != start),
                stratum[rows],
                until[rows],
                weekday[rows],
                self.openness,
                self.gaps,
                self.leaving,
                rng,
            )
            neighbour, due = neighbour_after(neighbour, due, day[:, j], float(self.grid.expected[j]))
        return day + anchor[:, None]

    def _sample_kept(self, reach: Ints, arm: NDArray[np.int32], rng: np.random.Generator) -> Flags:
        """Draw which visits are kept: all beyond the last are not, and the last is."""
        kept = np.zeros((len(reach), len(self.grid.numbers)), bool)
        before = np.ones(len(reach), np.int64)
        for j, table in enumerate(self.attended):
            kept[:, j] = (reach == j) | ((reach > j) & (table.sample([before, arm], rng, len(reach)) == 1))
            before = kept[:, j].astype(np.int64)
        return kept

    def _due_by(self, day: Floats) -> Floats:
        """Position of the last visit planned by a day from the anchor, at least 0: (n,)."""
        due = np.searchsorted(self.grid.expected, np.where(np.isfinite(day), day, 0.0), side="right") - 1.0
        return np.asarray(np.maximum(due, 0.0), np.float64)


def _fit_attended(seen: Flags, reach: Ints, arm: NDArray[np.int32], k: int) -> tuple[BackoffTable, ...]:
    tables = []
    before = np.ones(len(reach), np.int64)
    for j in range(seen.shape[1]):
        further = np.flatnonzero(reach > j)
        tables.append(BackoffTable.fit(seen[further, j].astype(np.int64), [before[further], arm[further]], further, k=k))
        before = seen[:, j].astype(np.int64)
    return tuple(tables)
