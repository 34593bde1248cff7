"""Visits with a place of their own beside the course: who keeps them, and when."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from replicator.models.backoff import BackoffTable
from replicator.study_model.columns.dated import DateGiven
from replicator.study_model.course.grid import IN_ORDER
from replicator.study_model.marks.names import visit_mark
from replicator.study_model.spine import Spine

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


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

    @classmethod
    def fit(
        cls,
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
        return cls(attended, when, in_order, always, reached, _after_marks(day, spine, k))


def _after_marks(day: Floats, spine: Spine, k: int) -> dict[str, int]:
    """Marks that a visit (n,) is never before in those who have both, `k` subjects at least, and whether it is always later (1)."""
    found = {}
    for name, mark in spine.marks.items():
        after = (day - np.floor(mark))[np.isfinite(day) & np.isfinite(mark)]
        if len(after) >= k and not (after < 0).any():
            found[name] = int((after > 0).all())
    return found


def goes_beyond(spine: Spine, place: dict[str, Floats], final: float) -> Ints:
    """Whether the course went on beyond a visit, of which `place` tells the next, or to its last visit: (n,), 0 or 1."""
    out = np.isfinite(place["AFTER"])
    out[spine.visits.subject[spine.visits.number == final]] = True
    return out.astype(np.int64)


def before_marked(spine: Spine, marked: Floats, number: float) -> Floats:
    """First day of a subject's visits of higher numbers whose days are marks: (n,), NaN for none."""
    out = np.full(spine.n, np.nan)
    for later in marked[marked > number].tolist():
        out = np.fmin(out, np.floor(spine.marks.get(visit_mark(later), out)))
    return out


def has_near(spine: Spine, number: float) -> NDArray[np.bool_]:
    """Whether a subject has a visit whose number is at least the whole one of a number, and lower than it: (n,)."""
    out = np.zeros(spine.n, bool)
    visits = spine.visits
    out[visits.subject[(visits.number >= np.floor(number)) & (visits.number < number)]] = True
    return out


def days_near(spine: Spine, number: float) -> dict[str, Floats]:
    """Days that a visit may hang on: the anchor, the marks, and the nearest visits by number."""
    visits = spine.visits
    before, after = np.full(spine.n, -np.inf), np.full(spine.n, np.inf)
    lower, higher = visits.number < number, visits.number > number
    np.maximum.at(before, visits.subject[lower], visits.day[lower])
    np.minimum.at(after, visits.subject[higher], visits.day[higher])
    near = {"BEFORE": np.where(np.isfinite(before), before, np.nan), "AFTER": np.where(np.isfinite(after), after, np.nan)}
    return {"ANCHOR": spine.anchor} | {name: np.floor(day) for name, day in spine.marks.items()} | near
