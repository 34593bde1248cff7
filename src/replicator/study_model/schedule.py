"""Visits: which of the planned ones a subject keeps, when, and what comes in between."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from replicator.models.backoff import BackoffTable
from replicator.models.contingency import contingency_table
from replicator.models.copula import GaussianCopula, normal_scores
from replicator.models.marginals import QuantileMarginal
from replicator.study_model.attributes import count_subjects
from replicator.study_model.spine import Spine, Visits

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

TIED = 0.6  # share of a visit's dates from which it is said to fall on a mark
IN_ORDER = 0.99  # share of neighbouring visits in the order of their numbers from which that order is kept


@dataclass(frozen=True, eq=False)
class PlannedVisit:
    """One visit that at least k subjects had.

    Attributes
    ----------
    number : float
        VISITNUM.
    reference : str
        ``ANCHOR``, or the mark that it falls on.
    offset : QuantileMarginal
        Days from the reference.
    horizon : str
        Mark that decides whether the subject is still there.
    expected : float
        Median day from the anchor.
    edges : (n_edges,) float64
        Bins of the horizon's distance from the expected day.
    attended : BackoffTable
        Whether it was kept (1) given the bin, whether the horizon is the subject's last day, and the arm.
    """

    kind: ClassVar[str] = "planned visit"

    number: float
    reference: str
    offset: QuantileMarginal
    horizon: str
    expected: float
    edges: Floats
    attended: BackoffTable


@dataclass(frozen=True, eq=False)
class Unscheduled:
    """Visits of numbers that fewer than k subjects had, pooled.

    Attributes
    ----------
    count : BackoffTable
        How many a subject has, given the arm.
    after : (n_planned,) float64
        Share that follows each planned visit.
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


@dataclass(frozen=True, eq=False)
class ScheduleModel:
    """The visits of a study.

    Attributes
    ----------
    planned : tuple of PlannedVisit
        By number.
    copula : GaussianCopula
        Of the offsets of all planned visits (who comes late comes late again).
    last_on : str
        Mark on which the last visit before it falls; ``""`` if none.
    last_on_share : float
        How often it does, of the subjects whose visits do not fall on that mark by plan.
    last_on_reach : float
        Days that the mark may lie after the visit's expected day for that.
    ends_at : bool
        Whether no visit that is counted from the anchor lies after `last_on`.
    in_order : (n_planned,) bool
        Visits whose days keep the order of their numbers.
    distinct : bool
        Whether a subject never has two visits on one day.
    length : BackoffTable
        Days between start and end of a visit (up to 6), given its position in `planned`.
    unscheduled : Unscheduled or None
    """

    kind: ClassVar[str] = "schedule"

    planned: tuple[PlannedVisit, ...]
    copula: GaussianCopula
    last_on: str
    last_on_share: float
    last_on_reach: float
    ends_at: bool
    in_order: NDArray[np.bool_]
    distinct: bool
    length: BackoffTable
    unscheduled: Unscheduled | None

    @classmethod
    def fit(cls, spine: Spine, k: int) -> ScheduleModel:
        """Learn the visits of the source's spine."""
        visits = spine.visits
        numbers, code = np.unique(visits.number, return_inverse=True)
        subjects = count_subjects(code.astype(np.int64), visits.subject, len(numbers))
        kept = np.flatnonzero(subjects >= k)
        if not len(kept) and len(numbers):
            kept = np.flatnonzero(subjects == subjects.max())
        position = np.full(len(numbers), -1, np.int64)
        position[kept] = np.arange(len(kept))
        where = position[code] if len(code) else np.empty(0, np.int64)
        day = np.full((spine.n, len(kept)), np.nan)
        planned_rows = where >= 0
        day[visits.subject[planned_rows], where[planned_rows]] = visits.day[planned_rows]
        planned = tuple(
            _fit_planned(float(numbers[n]), day[:, j], spine, k, _spacing(day - spine.anchor[:, None])) for j, n in enumerate(kept)
        )
        scores = [normal_scores(day[:, j] - _reference(spine, visit.reference)) for j, visit in enumerate(planned)]
        copula = GaussianCopula.fit(np.stack(scores, axis=1) if scores else np.empty((spine.n, 0)))
        last_on, share, reach, ends_at = _fit_last(day, planned, spine)
        length = np.clip(visits.end - visits.day, 0, 6).astype(np.int64)
        table = BackoffTable.fit(length[planned_rows], [where[planned_rows]], visits.subject[planned_rows], k=k)
        unscheduled = _fit_unscheduled(spine, where, numbers[kept], k)
        order = _ordered(day, numbers[kept])
        return cls(planned, copula, last_on, share, reach, ends_at, order, _distinct(visits), table, unscheduled)

    def sample(self, spine: Spine, rng: np.random.Generator) -> Visits:
        """Draw the visits of the spine's subjects."""
        n, size = spine.n, len(self.planned)
        day = np.full((n, size), np.nan)
        z = self.copula.sample(n, rng)
        u = ndtr(z)
        for j, visit in enumerate(self.planned):
            reference = _reference(spine, visit.reference)
            there = visit.attended.sample(_attendance_conditions(spine, visit.horizon, visit.expected, visit.edges), rng, n) > 0
            day[:, j] = np.where(there, reference + visit.offset.quantile(u[:, j]), np.nan)
        day = self._tidy(day, spine, rng)
        subject, column = np.nonzero(np.isfinite(day))
        number = np.array([visit.number for visit in self.planned] or [0.0])[column]
        start = day[subject, column]
        end = start + self.length.sample([column], rng)
        extra = self._sample_unscheduled(day, spine, rng)
        subject = np.concatenate([subject.astype(np.int32), extra[0]])
        number, start, end = (np.concatenate(pair) for pair in zip((number, start, end), extra[1:], strict=True))
        end = np.minimum(end, np.maximum(spine.marks["LAST"][subject], start))
        order = np.lexsort((number, start, subject))
        return Visits(subject[order].astype(np.int32), number[order], start[order], end[order])

    def _tidy(self, day: Floats, spine: Spine, rng: np.random.Generator) -> Floats:
        """Put the visits of each subject in order, and the last of them on its mark."""
        first, last = spine.marks["FIRST"][:, None], spine.marks["LAST"][:, None]
        anchored = np.array([visit.reference == "ANCHOR" for visit in self.planned], bool)
        day = np.where(np.isfinite(day), np.clip(day, first, last), np.nan)
        if self.last_on and anchored.any():
            mark = spine.marks[self.last_on]
            expected = np.array([visit.expected for visit in self.planned])
            columns = np.flatnonzero(anchored)[np.argsort(expected[anchored], kind="stable")]
            mine = _running_max(self._before_fixed(day[:, columns], columns))
            if self.ends_at:
                mine = _end_at(mine, mark)
            before = np.isfinite(mine) & ~(mine > mark[:, None])
            at = before.shape[1] - 1 - np.argmax(before[:, ::-1], axis=1)
            near = mark - spine.anchor - expected[columns[at]] <= self.last_on_reach
            tied = (day[:, ~anchored] == mark[:, None]).any(axis=1)
            movable = ~np.array([self._is_fixed(column) for column in columns.tolist()], bool)[at]
            move = before.any(axis=1) & movable & near & ~tied & (rng.random(len(day)) < self.last_on_share)
            rows = np.flatnonzero(move)
            mine[rows, at[rows]] = mark[rows]
            day[:, columns] = mine
        day[:, self.in_order] = _running_max(day[:, self.in_order])
        return self._reach_last_visit(day, spine)

    def _reach_last_visit(self, day: Floats, spine: Spine) -> Floats:
        """Let every subject's visits end on the mark of the last visit: attend one more if the last falls short of it."""
        mark = spine.marks.get("LASTVISIT")
        if mark is None or not self.planned:
            return day
        day = np.where(day > mark[:, None], mark[:, None], day)
        seen = np.isfinite(day)
        short = np.where(seen, day, -np.inf).max(axis=1) < mark
        position = np.arange(len(self.planned))
        last = np.where(seen, position, -1).max(axis=1)
        distance = np.abs(np.array([visit.expected for visit in self.planned]) - (mark - spine.anchor)[:, None])
        distance = np.where(position[None, :] > last[:, None], distance, np.inf)
        at = np.where(np.isfinite(distance.min(axis=1)), distance.argmin(axis=1), last)
        rows = np.flatnonzero(short & (at >= 0))
        day[rows, at[rows]] = mark[rows]
        return _first_of_day(day) if self.distinct else day

    def _is_fixed(self, column: int) -> bool:
        """Whether a planned visit always lies on the same day from the anchor."""
        low, high = self.planned[column].offset.quantile(np.array([0.01, 0.99])).tolist()
        return self.planned[column].reference == "ANCHOR" and low == high

    def _before_fixed(self, day: Floats, columns: Ints) -> Floats:
        """Pull visits back that fall after a later visit which always lies on the same day from the anchor."""
        for j, column in enumerate(columns.tolist()):
            if j and self._is_fixed(column):
                fixed = day[:, [j]]
                day[:, :j] = np.where(day[:, :j] > fixed, fixed, day[:, :j])
        return day

    def _sample_unscheduled(
        self, day: Floats, spine: Spine, rng: np.random.Generator
    ) -> tuple[NDArray[np.int32], Floats, Floats, Floats]:
        empty = np.empty(0)
        if self.unscheduled is None or not self.planned:
            return empty.astype(np.int32), empty, empty, empty
        model = self.unscheduled
        count = np.maximum(model.count.sample([spine.arm], rng), 0)
        subject = np.repeat(np.arange(spine.n, dtype=np.int32), count)
        weight = np.where(np.isfinite(day[subject]), model.after, 0.0)
        total = weight.sum(axis=1)
        u = rng.random(len(subject)) * total
        u_delay = rng.random(len(subject))
        delay = model.delay.quantile(u_delay) if model.delay.n else np.zeros(len(subject))  # too few to know: on the same day
        at = (np.cumsum(weight, axis=1) < u[:, None]).sum(axis=1).clip(max=day.shape[1] - 1)
        keep = total > 0
        subject, at, delay = subject[keep], at[keep], delay[keep]
        later = np.minimum.accumulate(np.where(np.isfinite(day), day, np.inf)[:, ::-1], axis=1)[:, ::-1]
        bound = np.append(later[:, 1:], np.full((len(day), 1), np.inf), axis=1)[subject, at]
        bound = np.minimum(bound, spine.marks["LAST"][subject])
        start = np.minimum(day[subject, at] + np.maximum(np.round(delay), 0), np.maximum(bound, day[subject, at]))
        order = np.lexsort((start, at, subject))
        subject, at, start = subject[order], at[order], start[order]
        new_group = np.ones(len(subject), bool)
        new_group[1:] = (subject[1:] != subject[:-1]) | (at[1:] != at[:-1])
        group_start = np.maximum.accumulate(np.where(new_group, np.arange(len(subject)), 0))
        rank = np.arange(len(subject)) - group_start
        number = model.numbers[at, np.minimum(rank, model.numbers.shape[1] - 1)]
        fits = np.isfinite(number) & (rank < model.numbers.shape[1])
        subject, number, start = subject[fits], number[fits], start[fits]
        return subject, number, start, start


def _running_max(day: Floats) -> Floats:
    """Cumulated maximum along the columns; NaN stays NaN."""
    if day.shape[1] == 0:
        return day
    running = np.maximum.accumulate(np.where(np.isfinite(day), day, -np.inf), axis=1)
    return np.where(np.isfinite(day), running, np.nan)


def _reference(spine: Spine, name: str) -> Floats:
    return spine.anchor if name == "ANCHOR" else spine.marks[name]


def _spacing(offset: Floats) -> float:
    """Median distance between the medians of neighbouring visits, days, at least 1."""
    middle = np.sort(np.array([np.nanmedian(column) for column in offset.T if np.isfinite(column).any()]))
    gaps = np.diff(middle)
    gaps = gaps[gaps > 0]
    return max(1.0, float(np.median(gaps))) if len(gaps) else 7.0


def _fit_planned(number: float, day: Floats, spine: Spine, k: int, spacing: float) -> PlannedVisit:
    seen = np.isfinite(day)
    expected = float(np.median((day - spine.anchor)[seen]))
    reference = "ANCHOR"
    spread = _scatter((day - spine.anchor)[seen])
    for name, mark in spine.marks.items():
        both = seen & np.isfinite(mark)
        if both.sum() < 0.9 * seen.sum() or name == "FIRST":
            continue
        tied = float((day == mark)[both].mean())
        if tied >= TIED and tied > float((day == spine.anchor)[both].mean()) and spread > 0:
            reference, spread = name, 0.0
    everyone = np.arange(spine.n, dtype=np.int32)
    offset = QuantileMarginal.fit(day - _reference(spine, reference), everyone, k=k, decimals=0)
    best = (-1.0, "LAST", np.empty(0))
    for name, mark in spine.marks.items():
        if name != "LAST" and (np.isfinite(mark).mean() < 0.4 or name == "FIRST"):
            continue
        distance = mark - spine.anchor - expected
        edges = _merge_edges(distance, spacing * np.array([-8, -4, -2, -1, -0.5, -0.25, 0, 0.25, 0.5, 1, 2, 4, 8]), k)
        told = _information(np.where(np.isfinite(distance), np.digitize(distance, edges), -1), seen)
        if told > best[0] + 0.01:
            best = (told, name, edges)
    _, horizon, edges = best
    given = _attendance_conditions(spine, horizon, expected, edges)
    attended = BackoffTable.fit(seen.astype(np.int64), given, everyone, k=k, strength=0.0)
    return PlannedVisit(number, reference, offset, horizon, expected, edges, attended)


def _scatter(x: Floats) -> float:
    return float(np.median(np.abs(x - np.median(x)))) if len(x) else 0.0


def _attendance_conditions(spine: Spine, horizon: str, expected: float, edges: Floats) -> list[Ints | NDArray[np.int32]]:
    mark = spine.marks[horizon]
    distance = mark - spine.anchor - expected
    known = np.isfinite(distance)
    bins = np.where(known, np.digitize(np.where(known, distance, 0.0), edges), -1)
    last = np.where(known, (mark == spine.marks["LAST"]).astype(np.int64), -1)
    return [bins, last, spine.arm]


def _merge_edges(distance: Floats, edges: Floats, k: int) -> Floats:
    """Keep edges, those nearest to 0 first, as long as every bin has at least `k` subjects."""
    x = distance[np.isfinite(distance)]
    kept: list[float] = []
    for edge in sorted(edges.tolist(), key=lambda e: (abs(e), e)):
        bins = np.digitize(x, np.sort([*kept, edge]))
        if np.bincount(bins, minlength=len(kept) + 2).min() >= k:
            kept.append(edge)
    return np.sort(np.array(kept))


def _information(bins: Ints, seen: NDArray[np.bool_]) -> float:
    """Mutual information of two codes, nats, less what chance would give."""
    table = contingency_table(bins, seen)
    p = table / table.sum()
    independent = p.sum(axis=1, keepdims=True) * p.sum(axis=0)
    told = float(np.where(p > 0, p * np.log(np.maximum(p, 1e-300) / independent), 0.0).sum())
    return float(told - (table.shape[0] - 1) * (table.shape[1] - 1) / (2 * table.sum()))


def _fit_last(day: Floats, planned: tuple[PlannedVisit, ...], spine: Spine) -> tuple[str, float, float, bool]:
    """The mark on which the last visit before it usually falls, how often, within what reach, and whether visits end there."""
    best = ("", 0.0, 0.0, False)
    anchored = np.array([visit.reference == "ANCHOR" for visit in planned], bool)
    expected = np.array([visit.expected for visit in planned])[anchored]
    if anchored.sum() < 3:
        return best
    mine, tied_visits = day[:, anchored], day[:, ~anchored]
    for name, mark in spine.marks.items():
        if name == "FIRST" or np.isfinite(mark).mean() < 0.3:
            continue
        until = np.where(mine <= mark[:, None], mine, -np.inf)
        before, at = until.max(axis=1), until.argmax(axis=1)
        there = np.isfinite(mark) & np.isfinite(before) & ~(tied_visits == mark[:, None]).any(axis=1)
        if there.sum() < 2 or np.bincount(at[there]).max() > 0.8 * there.sum():
            continue  # the mark falls on one certain visit, not on the last one
        hit = there & (before == mark)
        share = float(hit.sum() / there.sum())
        if share > best[1] + 0.02 and share >= 0.4:
            seen = np.isfinite(mine) & np.isfinite(mark)[:, None]
            reach = float(np.quantile((mark - spine.anchor)[hit] - expected[at[hit]], 0.9 if share < 0.95 else 1.0))
            best = (name, share, reach, float((mine > mark[:, None])[seen].mean()) <= 0.005)
    return best


def _ordered(day: Floats, numbers: Floats) -> NDArray[np.bool_]:
    """Visits in the order of their numbers: all, else the whole-numbered ones, else none: (n_planned,)."""
    for which in (np.ones(len(numbers), bool), numbers == np.round(numbers)):
        seen = np.isfinite(day[:, which])
        kept = (day[:, which] == _running_max(day[:, which]))[seen]
        if seen.any() and float(kept.mean()) >= (0.999 if which.all() else IN_ORDER):
            return which
    return np.zeros(len(numbers), bool)


def _distinct(visits: Visits) -> bool:
    """Whether (nearly) no two visits of a subject are on one day."""
    again = (visits.subject[1:] == visits.subject[:-1]) & (visits.day[1:] == visits.day[:-1])
    return len(again) > 0 and float(again.mean()) <= 0.002


def _first_of_day(day: Floats) -> Floats:
    """Of the visits of a subject on one day keep that of the lowest number."""
    order = np.argsort(np.where(np.isfinite(day), day, np.inf), axis=1, kind="stable")
    ordered = np.take_along_axis(day, order, axis=1)
    again = np.zeros(day.shape, bool)
    again[:, 1:] = ordered[:, 1:] == ordered[:, :-1]
    out = day.copy()
    np.put_along_axis(out, order, np.where(again, np.nan, ordered), axis=1)
    return out


def _end_at(day: Floats, mark: Floats) -> Floats:
    """Let the first visit on or after the mark fall on it, and leave out those after; columns are in order of time."""
    late = day >= mark[:, None]
    at = np.argmax(late, axis=1)
    rows = np.flatnonzero(late.any(axis=1))
    out = np.where(late, np.nan, day)
    out[rows, at[rows]] = mark[rows]
    return out


def _fit_unscheduled(spine: Spine, where: Ints, planned: Floats, k: int) -> Unscheduled | None:
    visits = spine.visits
    rare = where < 0
    if not rare.any() or not len(planned):
        return None
    count = np.bincount(visits.subject[rare], minlength=spine.n)
    table = BackoffTable.fit(np.minimum(count, 5), [spine.arm], np.arange(spine.n), k=min(k, max(1, int((count > 0).sum()))))
    base = np.searchsorted(planned, visits.number[rare], side="right") - 1
    base = np.clip(base, 0, len(planned) - 1)
    after = np.bincount(base, minlength=len(planned)) + 0.5
    start: Mapping[tuple[int, int], float] = {
        (s, w): d for s, w, d in zip(visits.subject[~rare].tolist(), where[~rare].tolist(), visits.day[~rare].tolist(), strict=True)
    }
    delay = np.array(
        [
            d - start.get((s, b), np.nan)
            for s, b, d in zip(visits.subject[rare].tolist(), base.tolist(), visits.day[rare].tolist(), strict=True)
        ]
    )
    fraction = np.abs(visits.number[rare] - np.round(visits.number[rare]))
    step = 0.01 if ((fraction > 0) & (fraction < 0.05)).any() else 0.1
    taken = np.union1d(planned, visits.number[rare])
    free = [_free_numbers(number, taken, step) for number in planned.tolist()]
    numbers = np.full((len(free), max(1, max(len(one) for one in free))), np.nan)
    for i, one in enumerate(free):
        numbers[i, : len(one)] = one
    delays = QuantileMarginal.fit(np.maximum(delay, 0), visits.subject[rare], k=k, decimals=0)
    return Unscheduled(table, after / after.sum(), delays, numbers)


def _free_numbers(number: float, taken: Floats, step: float) -> list[float]:
    """Up to nine numbers above a planned visit's and below the next whole one that no visit of the source has."""
    wanted = [round(number + step * i, 9) for i in range(1, 100)]
    top = np.floor(number) + 1
    return [x for x in wanted if x < top - 1e-9 and x not in taken][:9]
