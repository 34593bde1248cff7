"""Visits in between: those whose numbers fewer than k subjects had and no plan knows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from replicator.models.backoff import BackoffTable
from replicator.models.marginals import QuantileMarginal
from replicator.profile.protected import count_subjects
from replicator.study_model.course.grid import visit_days
from replicator.study_model.course.openness import move_to_open
from replicator.study_model.spine import Spine
from replicator.study_model.visits.days import position

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Unscheduled:
    """Visits of numbers that fewer than k subjects had, pooled; without those of the plan, to which too few came.

    Attributes
    ----------
    count : BackoffTable
        How many a subject has, given the arm.
    after : (n_planned,) float64
        Share that follows each planned visit; those after which fewer than k subjects have one share alike what k have of them.
    delay : QuantileMarginal
        Days after that visit.
    numbers : (n_planned, n_most) float64
        Numbers that visits after each planned one are given, NaN where there are no more; none of them is one that fewer than
        k subjects of the source had.
    """

    kind: ClassVar[str] = "unscheduled visits"

    count: BackoffTable
    after: Floats
    delay: QuantileMarginal
    numbers: Floats

    @classmethod
    def fit(cls, spine: Spine, planned: Floats, k: int, named: Floats | None = None) -> Unscheduled | None:
        """Learn the visits of numbers that are not among the planned ones; None where fewer than k subjects have any.

        `named` are further numbers that a plan knows: nothing is said of such visits, of which none has k subjects.
        """
        visits = spine.visits
        where = position(planned, visits.number)
        named = np.empty(0) if named is None else named
        rare = (where < 0) & ~np.isin(np.round(visits.number, 9), named)
        count = np.bincount(visits.subject[rare], minlength=spine.n)
        if int((count > 0).sum()) < k or not len(planned):
            return None
        table = BackoffTable.fit(np.minimum(count, 5), [spine.arm], np.arange(spine.n), k=k)
        base = np.searchsorted(planned, visits.number[rare], side="right") - 1
        base = np.clip(base, 0, len(planned) - 1)
        after = shared_out(base, visits.subject[rare], len(planned), k)
        delay = visits.day[rare] - visit_days(spine, planned)[visits.subject[rare], base]
        fraction = np.abs(visits.number[rare] - np.round(visits.number[rare]))
        step = 0.01 if ((fraction > 0) & (fraction < 0.05)).any() else 0.1
        taken = np.union1d(np.union1d(planned, visits.number), named)
        free = [_free_numbers(number, taken, step) for number in planned.tolist()]
        numbers = np.full((len(free), max(1, max(len(one) for one in free))), np.nan)
        for i, one in enumerate(free):
            numbers[i, : len(one)] = one
        delays = QuantileMarginal.fit(np.maximum(delay, 0), visits.subject[rare], k=k, decimals=0)
        return cls(table, after, delays, numbers)

    def sample(
        self, day: Floats, spine: Spine, distinct: bool, openness: Floats, rng: np.random.Generator
    ) -> tuple[NDArray[np.int32], Floats, Floats]:
        """Draw visits in between.

        Parameters
        ----------
        day : (n, n_planned) float64
            Days of the planned visits, NaN for one that was not kept.
        spine : Spine
        distinct : bool
            Whether they fall before the next visit's day, not on it.
        openness : (7,) float64
            How readily each day of the week is taken, Monday first.
        rng : numpy.random.Generator

        Returns
        -------
        subject : (n_visits,) int32
        number, start : (n_visits,) float64
        """
        count = np.maximum(self.count.sample([spine.arm], rng), 0)
        subject = np.repeat(np.arange(spine.n, dtype=np.int32), count)
        weight = np.where(np.isfinite(day[subject]), self.after, 0.0)
        total = weight.sum(axis=1)
        u = rng.random(len(subject)) * total
        u_delay = rng.random(len(subject))
        delay = self.delay.quantile(u_delay) if self.delay.n else np.zeros(len(subject))  # too few to know: on the same day
        at = (np.cumsum(weight, axis=1) < u[:, None]).sum(axis=1).clip(max=day.shape[1] - 1)
        keep = total > 0
        subject, at, delay = subject[keep], at[keep], delay[keep]
        later = np.minimum.accumulate(np.where(np.isfinite(day), day, np.inf)[:, ::-1], axis=1)[:, ::-1]
        bound = np.append(later[:, 1:], np.full((len(day), 1), np.inf), axis=1)[subject, at]
        bound = np.minimum(bound - float(distinct), spine.marks["LAST"][subject])
        base = day[subject, at]
        start = move_to_open(base + np.maximum(np.round(delay), 0), openness, rng)
        start = np.clip(start, base, np.maximum(bound, base))
        order = np.lexsort((start, at, subject))
        subject, at, start = subject[order], at[order], start[order]
        new_group = np.ones(len(subject), bool)
        new_group[1:] = (subject[1:] != subject[:-1]) | (at[1:] != at[:-1])
        group_start = np.maximum.accumulate(np.where(new_group, np.arange(len(subject)), 0))
        rank = np.arange(len(subject)) - group_start
        number = self.numbers[at, np.minimum(rank, self.numbers.shape[1] - 1)]
        fits = np.isfinite(number) & (rank < self.numbers.shape[1])
        subject, number, start = subject[fits], number[fits], start[fits]
        return subject, number, start


def shared_out(base: NDArray[np.intp], subject: NDArray[np.int32], n_planned: int, k: int) -> Floats:
    """Share of the visits that follow each planned one: (n_planned,); where fewer than k subjects have any, alike or not at all."""
    count = np.bincount(base, minlength=n_planned)
    few = (count > 0) & (count_subjects(base.astype(np.int64), subject.astype(np.int64), n_planned) < k)
    shared = np.where(few, 0.0, count)
    if len(np.unique(subject[few[base]])) >= k:
        shared[few] = count[few].mean()
    return np.asarray(shared / shared.sum())


def _free_numbers(number: float, taken: Floats, step: float) -> list[float]:
    """Up to nine numbers above a planned visit's and below the next whole one that no visit of the source has."""
    wanted = [round(number + step * i, 9) for i in range(1, 100)]
    top = np.floor(number) + 1
    return [x for x in wanted if x < top - 1e-9 and x not in taken][:9]
