"""One date of a subject: which others it equals, and what it is counted from where it equals none."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from replicator.study_model.marks.names import is_death, is_visit
from replicator.study_model.marks.on_visits import latest_before

Floats = NDArray[np.float64]

ABSENT, OTHER = 0, 1  # states of a mark; from 2 on it equals reference state - 2
FEWEST_EQUAL = 0.05  # share of subjects from which an equality is a state of its own
STEADY = 0.9  # share of those who finish, from which a day that lies equally far from another is set by the protocol


@dataclass(frozen=True, eq=False)
class Mark:
    """One date of a subject.

    Attributes
    ----------
    name : str
        As in :attr:`Spine.marks`.
    references : tuple of str
        Marks that it may equal; ``ANCHOR`` is the anchor.
    base : str
        What it is counted from where it equals none.
    visit : str
        Visit of the course on whose day it is, of all who were there: the last dose; ``""`` for none.
    since : bool
        Whether it does not lie before any earlier visit of the course, of those who were not there.
    base_finished : str
        What it is counted from where it equals none, of those who finish the course: the protocol sets the day of their end, while
        others end soon after their last visit; ``""`` where it is `base` as well.
    """

    kind: ClassVar[str] = "mark"

    name: str
    references: tuple[str, ...]
    base: str
    visit: str = ""
    since: bool = False
    base_finished: str = ""

    @classmethod
    def fit(
        cls,
        name: str,
        known: Mapping[str, Floats],
        done: list[str],
        k: int,
        on_visit: NDArray[np.bool_],
        finished: NDArray[np.bool_] | None,
    ) -> tuple[Mark, Floats]:
        """Learn the date of a subject (n,), given the days of those that are `done` before it.

        Parameters
        ----------
        name : str
        known : mapping of str to (n,) float64
            Days of all dates.
        done : list of str
            Those that will be known before it.
        k : int
        on_visit : (n,) bool
            Whether it is on the day of its visit, which tells it.
        finished : (n,) bool or None
            Who finishes the course.

        Returns
        -------
        Mark, state : (n,) float64
        """
        day = known[name]
        present = np.isfinite(day)
        state = np.where(present, OTHER, ABSENT).astype(np.float64)
        left = present & ~on_visit
        by_plan = np.zeros(len(day), bool) if is_visit(name) or is_death(name) else _by_plan(day, known, done, left, k, finished)
        left &= ~by_plan
        references: list[str] = []
        while len(references) < 3:
            hits = [(int((left & (day == known[other])).sum()), -i, other) for i, other in enumerate(done)]
            count, _, best = max(hits)
            if count < max(FEWEST_EQUAL * present.sum(), k):
                break
            same = left & (day == known[best])
            state[same] = 2 + len(references)
            references.append(best)
            left &= ~same
        left |= by_plan
        base = _base(day, known, done, left if left.any() else present, k)
        if finished is None or min((left & finished).sum(), (left & ~finished).sum()) < k:
            return cls(name, tuple(references), base), state
        bases = [_base(day, known, done, left & rows, k) for rows in (~finished, finished)]
        return cls(name, tuple(references), bases[0], base_finished="" if bases[0] == bases[1] else bases[1]), state

    def counted_from(self, day: Mapping[str, Floats], finished: NDArray[np.bool_] | None) -> Floats:
        """Day that the mark is counted from (n,), given the days of other marks and who finishes the course."""
        if not self.base_finished or finished is None:
            return day[self.base]
        return np.where(finished, day[self.base_finished], day[self.base])

    def hold(self, value: Floats, visits: Mapping[str, Floats]) -> Floats:
        """Put the mark (n,) on the day of its visit, and no earlier than the visits before it of those who were not there."""
        if not self.visit:
            return value
        there = visits[self.visit]
        return np.where(np.isfinite(there), there, np.fmax(value, latest_before(self.visit, visits)) if self.since else value)


def _by_plan(
    day: Floats, known: Mapping[str, Floats], done: list[str], rows: NDArray[np.bool_], k: int, finished: NDArray[np.bool_] | None
) -> NDArray[np.bool_]:
    """Whether a day (n,) lies as far from another mark as those of nearly all who finish, who agree with no mark as often."""
    rows = rows if finished is None else rows & finished
    agree = max(int((rows & (day == known[other])).sum()) for other in done)
    best, most = np.zeros(len(day), bool), max(agree, k - 1, int(np.ceil(STEADY * rows.sum())) - 1)
    for other in done:
        distance = day - known[other]
        values, count = np.unique(distance[rows & np.isfinite(distance)], return_counts=True)
        if count.max(initial=0) > most:
            best, most = rows & (distance == values[count.argmax()]), int(count.max())
    return best


def _base(day: Floats, known: Mapping[str, Floats], done: list[str], rows: NDArray[np.bool_], k: int) -> str:
    """What a mark is counted from: where it lies on one side of other marks the nearest such, else the nearest.

    A side that fewer than `k` subjects are on does not count.
    """
    spreads = []
    for other in done:
        distance = (day - known[other])[rows]
        seen = distance[np.isfinite(distance)]
        if len(seen) >= 0.9 * len(distance):
            both_sides = min(int((seen > 0).sum()), int((seen < 0).sum())) >= k
            away = np.abs(seen - np.median(seen))  # where most lie alike from several marks, the others decide
            far = float(np.median(np.abs(seen)))  # one subject lies alike from all of them
            spreads.append((both_sides, float(np.median(away)), float(away.mean()), far, other))
    return min(spreads)[-1] if spreads else "ANCHOR"


def states_given(state: NDArray[np.int64]) -> list[NDArray[np.int64]]:
    """Conditions under which the date of a mark is written: whether it is there at all, and its state (n,)."""
    return [(state != ABSENT).astype(np.int64), state]
