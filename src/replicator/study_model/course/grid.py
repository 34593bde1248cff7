"""The grid of a study: which visits make up the course of a subject from first to last, and how far each subject came."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from replicator.study_model.columns.codes import count_subjects
from replicator.study_model.marks.names import visit_mark
from replicator.study_model.spine import Spine, Visits

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

IN_ORDER = 0.95  # share of subjects in whom a visit must come after those of lower numbers
USUAL = 0.5  # share of those of an arm who came as far, or further, that a visit of the course must have
COMPLETE = 0.8  # of the earlier visits that others had who came as far, the share that those at a visit must have had
FEWEST_LEFT = 2  # subjects who left and came to a visit after all, from which it is one that follows the course
LATE = 3  # visits before one, which those at it must not have missed more than others
WEEK = 7.0  # days between visits of which too few subjects tell when they are
FIRST_VISIT, LAST_VISIT = "FIRSTVISIT", "LASTVISIT"


@dataclass(frozen=True, eq=False)
class Grid:
    """Visits that at least k subjects had.

    Attributes
    ----------
    numbers : (n_visits,) float64
        VISITNUM of the visits of the course, ascending: who comes to a later one has mostly been at the earlier ones.
    expected : (n_visits,) float64
        Planned day of each, from the anchor; whole days, never falling. Weeks, where no visit has k subjects.
    others : (n_others,) float64
        VISITNUM of visits with a place of their own: follow-up of those who left, retrieval, and what keeps no order.
    closing : (n_closing,) float64
        Those of the others with which the study mostly ends for whoever has them: their days are marks.
    """

    kind: ClassVar[str] = "grid of visits"

    numbers: Floats
    expected: Floats
    others: Floats
    closing: Floats

    @classmethod
    def fit(cls, spine: Spine, k: int) -> Grid:
        """Find the course among the visits of the source."""
        numbers, code = np.unique(spine.visits.number, return_inverse=True)
        subjects = count_subjects(code.astype(np.int64), spine.visits.subject, len(numbers))
        shared = subjects >= k
        common = numbers[shared] if shared.any() else numbers[subjects == subjects.max(initial=0)]
        day = visit_days(spine, common)
        course: list[int] = []
        for j in range(len(common)):
            if not course or (_in_order(day, course, j) and _complete(np.isfinite(day), course, j, spine.arm)):
                course.append(j)
        usual = np.array(course, np.int64)[_usual(np.isfinite(day[:, course]), spine.arm)]
        mine = np.isin(np.arange(len(common)), usual)
        mine[_follow_up(np.isfinite(day), usual)] = False
        offset = day[:, mine] - spine.anchor[:, None]
        if shared.any():
            middle = np.array([np.round(np.median(column[np.isfinite(column)])) for column in offset.T])
        else:  # nobody's days are kept where there are so few
            middle = WEEK * np.arange(offset.shape[1])
        closing = common[~mine][_closes(day[:, ~mine], spine, k)]
        return cls(common[mine], np.maximum.accumulate(middle) if len(middle) else middle, common[~mine], closing)

    def reach(self, spine: Spine) -> NDArray[np.int64]:
        """Position of each subject's last visit of the course: (n,), -1 for those without any."""
        seen = np.isfinite(visit_days(spine, self.numbers))
        last: NDArray[np.int64] = np.where(seen, np.arange(len(self.numbers)), -1).max(axis=1, initial=-1)
        return last

    def course_of(self, spine: Spine) -> Spine:
        """Leave the visits of the course alone."""
        return replace(spine, visits=as_visits(visit_days(spine, self.numbers), self.numbers))

    def mark(self, spine: Spine) -> Spine:
        """Add what visits say of each subject: first and last day of the course, planned day of the last, and days that close."""
        day = visit_days(spine, self.numbers)
        seen = np.isfinite(day)
        first = np.where(seen, day, np.inf).min(axis=1, initial=np.inf)
        last = np.where(seen, day, -np.inf).max(axis=1, initial=-np.inf)
        some = seen.any(axis=1)
        reached = np.full(spine.n, np.nan)
        reached[some] = self.expected[self.reach(spine)[some]]
        marks = {FIRST_VISIT: np.where(some, first, np.nan), LAST_VISIT: np.where(some, last, np.nan)}
        closing = zip(self.closing.tolist(), visit_days(spine, self.closing).T, strict=True)
        marks |= {visit_mark(number): one for number, one in closing if np.isfinite(one).any()}
        return replace(spine, marks={**spine.marks, **marks} if len(self.numbers) else spine.marks, reached=reached)


def visit_days(spine: Spine, numbers: Floats) -> Floats:
    """Day of each subject's visits of the given numbers, ascending: (n, n_numbers), NaN for a visit that was not kept."""
    visits = spine.visits
    out = np.full((spine.n, len(numbers)), np.nan)
    if len(numbers) and len(visits.number):
        at = np.searchsorted(numbers, visits.number).clip(max=len(numbers) - 1)
        known = numbers[at] == visits.number
        out[visits.subject[known], at[known]] = visits.day[known]
    return out


def as_visits(day: Floats, numbers: Floats) -> Visits:
    """Visits of one day each from a table of days (n, n_numbers), ordered by subject, day and number."""
    subject, column = np.nonzero(np.isfinite(day))
    start = day[subject, column]
    order = np.lexsort((numbers[column], start, subject))
    return Visits(subject[order].astype(np.int32), numbers[column][order], start[order], start[order])


def _in_order(day: Floats, course: list[int], j: int) -> bool:
    """Whether a visit comes after those of the course so far."""
    before = np.where(np.isfinite(day[:, course]), day[:, course], -np.inf).max(axis=1)
    both = np.isfinite(day[:, j]) & np.isfinite(before)
    return not both.any() or float((day[:, j] >= before)[both].mean()) >= IN_ORDER


def _complete(seen: Flags, course: list[int], j: int, arm: NDArray[np.int32]) -> bool:
    """Whether those at a visit had been at the earlier ones about as often as all of their arm who came as far.

    Of the last few usual ones this must hold by themselves, of those who came further by the course alone: where few subjects
    leave, those who come to a retrieval visit were at most of the early ones as well.
    """
    mine, there = seen[:, course], seen[:, j]
    late = mine[:, _usual(mine, arm)][:, -LATE:]
    as_far = np.concatenate([_as_far(mine)[:, 1:], np.zeros((len(seen), 1), bool)], axis=1) | there[:, None]
    beyond = np.concatenate([_as_far(late)[:, 1:], np.zeros((len(seen), 1), bool)], axis=1)
    for kept, further in ((mine, as_far), (late, beyond)):
        usual = _share_by_arm(kept & further, further, arm)[arm[there]]
        if float(kept[there].sum()) < COMPLETE * float(usual.sum()):
            return False
    return True


def _usual(seen: Flags, arm: NDArray[np.int32]) -> Flags:
    """Whether, in some arm, most of those who came as far as a visit or further were at it: (n_visits,)."""
    return np.asarray((_share_by_arm(seen, _as_far(seen), arm) >= USUAL).any(axis=0), bool)


def _follow_up(seen: Flags, course: NDArray[np.int64]) -> NDArray[np.int64]:
    """The last visit of the course (its position, or none) if it is for those who left as well.

    Who comes to it without the visit before has then mostly not been at the one before that either. Visits that are missed now and
    then are seldom missed twice running; where most miss the one before, it tells nothing.
    """
    if len(course) <= LATE:
        return course[:0]
    second, before, last = seen[:, course[-LATE:]].T
    skipped = last & ~before
    left, missed = int((skipped & ~second).sum()), int(skipped.sum())
    is_told = missed <= USUAL * int(last.sum())
    return course[-1:] if is_told and left >= FEWEST_LEFT and left > USUAL * missed else course[:0]


def _closes(day: Floats, spine: Spine, k: int) -> Flags:
    """Whether most of those who had a visit, and 2 k of them, had it on their last day on study: (n_visits,)."""
    seen = np.isfinite(day)
    ends = (day == np.floor(spine.marks["LAST"])[:, None]).sum(axis=0)
    return np.asarray((ends >= 2 * k) & (ends > USUAL * seen.sum(axis=0)), bool)


def _as_far(seen: Flags) -> Flags:
    """Whether a subject came as far as each visit, or further: (n, n_visits)."""
    return np.maximum.accumulate(seen[:, ::-1], axis=1)[:, ::-1]


def _share_by_arm(part: Flags, whole: Flags, arm: NDArray[np.int32]) -> Floats:
    """Share of the whole that the part is, by arm: (n_arms, n_visits)."""
    n_arms = int(arm.max(initial=0)) + 1
    had, came = np.zeros((n_arms, part.shape[1])), np.zeros((n_arms, part.shape[1]))
    np.add.at(had, arm.astype(np.intp), part.astype(np.float64))
    np.add.at(came, arm.astype(np.intp), whole.astype(np.float64))
    return had / np.maximum(came, 1.0)
