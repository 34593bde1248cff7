"""When events happen: intensity over time at risk, and events of one subject that share a day."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from replicator.subject_groups import group_edges, joined_groups

Floats = NDArray[np.float64]
Integers = NDArray[np.int32] | NDArray[np.int64] | NDArray[np.intp]

PRIOR = 20.0  # events that the shape over all groups counts for
MOST_BINS = 80
LEAST = 1e-9  # events that a subject can be expected to have, to count
STEPS = 60  # of the estimate of an intensity
OUTER = 25  # the bins begin and end at the mean of this part of the subjects' first and last days at risk, of k at least


@dataclass(frozen=True, eq=False)
class Intensity:
    r"""Piecewise constant intensity of events, by group.

    Attributes
    ----------
    time : (n_bins + 1,) float64
        Edges, days; an event of day *d* lies at *d* + 1/2. The outer two are means over k subjects or more; day 0, on which a
        treatment begins, is among them where k subjects are at risk before it.
    cumulative : (n_groups + 1, n_bins + 1) float64
        Integrated intensity :math:`\Lambda` up to each edge; the last row is that of all groups.

    Notes
    -----
    A group's intensity is that of all times a factor, which is constant over neighbouring bins in which `k` subjects or none have
    events of the group, and `k` or none have others.

    Given how many events a subject has, the times of a Poisson process are independent with density
    :math:`\lambda(t)/(\Lambda(b) - \Lambda(a))` on the time at risk *[a, b)*; whatever makes subjects differ in number cancels.
    So :math:`\lambda` is what makes the events' times likeliest given their numbers: events over subjects at risk, each subject *i*
    with the weight :math:`n_i / (\Lambda(b_i) - \Lambda(a_i))`, repeated until it stays (the self-consistent estimate of
    truncated data; each step minorizes the likelihood, Hunter and Lange 2004, American Statistician 58:30). With equal weights,
    as Nelson and Aalen's, those who leave early for having many events would move the events of all the others forward.
    """

    kind: ClassVar[str] = "intensity"

    time: Floats
    cumulative: Floats

    @classmethod
    def fit(
        cls,
        time: Floats,
        subject: Integers,
        group: Integers,
        n_groups: int,
        low: Floats,
        high: Floats,
        *,
        k: int = 5,
    ) -> Intensity:
        """Learn from events.

        Parameters
        ----------
        time : (n,) float64
            Whole days.
        subject, group : (n,) int
            Whose event it is, and its group.
        n_groups : int
            Number of groups.
        low, high : (n_subjects,) float64
            First and last day at risk of each subject; NaN for nobody at risk.
        k : int
            Fewest subjects with events in a bin, and behind each end.

        Returns
        -------
        Intensity
            With fewer than `k` subjects who have events, or are at risk, nothing is kept, and all days at risk are as likely.
        """
        at = time + 0.5
        risk = np.isfinite(low) & np.isfinite(high) & (high >= low)
        start, stop = low[risk], high[risk] + 1
        if min(len(np.unique(subject)), len(start)) < k:  # as likely on any day
            return cls(np.array([0.0, 1.0]), np.zeros((n_groups + 1, 2)))
        edges, at = _edges(at, subject, start, stop, k)
        index = np.clip(np.searchsorted(edges, at, side="right") - 1, 0, len(edges) - 2)
        pooled = np.bincount(index, minlength=len(edges) - 1).astype(np.float64)[None]
        at_risk = _overlap(start, stop, edges)
        number = np.cumsum(risk) - 1
        mine = risk[subject]
        events = np.zeros((n_groups, len(start)))
        np.add.at(events, (group[mine], number[subject[mine]]), 1.0)
        nothing = np.zeros_like(pooled)
        rate, weight = _likeliest(pooled, events.sum(axis=0, keepdims=True), at_risk, nothing, nothing)
        share = PRIOR / pooled.sum()
        own = np.repeat(rate, n_groups, axis=0)
        for one in np.flatnonzero(np.bincount(group, minlength=n_groups)).tolist():
            here = group == one
            sides = [side for side in (here, ~here) if side.any()]
            joined = joined_groups([(index[side], subject[side]) for side in sides], len(edges) - 1, k)
            if not len(joined):
                continue
            cells = np.flatnonzero(np.diff(joined, prepend=-1))
            expected = np.add.reduceat(at_risk * rate, cells, axis=1)  # events by the intensity of all
            count = np.bincount(joined[index[here]], minlength=len(cells)).astype(np.float64)[None]
            prior = share * np.add.reduceat(pooled, cells, axis=1), share * np.add.reduceat(weight * rate, cells, axis=1)
            times, _ = _likeliest(count, events[[one]], expected, *prior)
            own[one] *= times[0, joined]
        total = np.cumsum(np.vstack([own, rate]) * np.diff(edges) + 1e-12, axis=1)
        return cls(edges, np.hstack([np.zeros((n_groups + 1, 1)), total]))

    def sample(self, group: Integers, low: Floats, high: Floats, rng: np.random.Generator) -> Floats:
        """Draw the day of each event.

        Parameters
        ----------
        group : (n,) int
            Out of range for the intensity over all groups.
        low, high : (n,) float64
            First and last day at risk, both included.

        Returns
        -------
        (n,) float64
            Whole days within `low` and `high`.
        """
        last = np.maximum(high, low)
        known = np.where((group >= 0) & (group < len(self.cumulative) - 1), group, len(self.cumulative) - 1)
        u = rng.random(len(low))
        out = np.floor(low + u * (last + 1 - low))
        for row in np.unique(known).tolist():
            mine = known == row
            curve = self.cumulative[row]
            begin, end = np.interp(low[mine], self.time, curve), np.interp(last[mine] + 1, self.time, curve)
            drawn = np.floor(np.interp(begin + u[mine] * (end - begin), curve, self.time))
            out[mine] = np.where(end > begin, drawn, out[mine])
        return np.clip(out, low, last)


def _edges(at: Floats, subject: Integers, start: Floats, stop: Floats, k: int) -> tuple[Floats, Floats]:
    """Part the days at risk into bins, those before day 0 and those after it where `k` subjects are at risk on both sides.

    Returns
    -------
    edges : (n_bins + 1,) float64
        Whole days.
    at : (n,) float64
        Times of the events; where fewer than `k` subjects have any on one side, these lie at the edge of the other.
    """
    outer = max(k, -(-len(start) // OUTER))
    begin, end = np.floor(np.sort(start)[:outer].mean()), np.ceil(np.sort(stop)[-outer:].mean())
    if min((start < 0).sum(), (stop > 0).sum()) < k or not begin < 0 < end:
        end = max(end, begin + 1)
        bins = _bins(at, subject, begin, k)
        return np.append(bins[bins < end], end), at
    before = at < 0
    if len(np.unique(subject[before])) < k:
        at = np.where(before, 0.5, at)
    elif len(np.unique(subject[~before])) < k:
        at = np.where(before, at, -0.5)
    before = at < 0
    sides = _bins(at[before], subject[before], begin, k), _bins(at[~before], subject[~before], 0.0, k)
    return np.concatenate([sides[0][sides[0] < 0], sides[1][sides[1] < end], [end]]), at


def _bins(at: Floats, subject: Integers, begin: float, k: int) -> Floats:
    """Find where the bins begin, each with events of at least `k` subjects: (n_bins,) whole days, `begin` the first.

    They part between the means of neighbouring groups of events, or beside a day that a whole group shares.
    """
    order = np.argsort(at, kind="stable")
    day = at[order]
    first = group_edges(subject[order], k, -(-len(at) // MOST_BINS))
    if len(first) < 3:
        return np.array([begin])
    mean = np.add.reduceat(day, first[:-1]) / np.diff(first)
    alone = day[first[:-1]] == day[first[1:] - 1]
    between = np.round((mean[:-1] + mean[1:]) / 2)
    between = np.where(alone[:-1], np.floor(mean[:-1]) + 1, np.where(alone[1:], np.floor(mean[1:]), between))
    edges = np.append(begin, np.unique(between[between > begin]))
    joined = joined_groups([(np.maximum(np.searchsorted(edges, at, side="right") - 1, 0), subject)], len(edges), k)
    return edges[np.diff(joined, prepend=-1) > 0]


def _overlap(start: Floats, stop: Floats, edges: Floats) -> Floats:
    """Days that each subject is at risk in each bin: (n_subjects, n_bins)."""
    return np.diff(np.clip(edges[None, :] - start[:, None], 0, (stop - start)[:, None]), axis=1)


def _likeliest(count: Floats, events: Floats, at_risk: Floats, prior_count: Floats, prior_weight: Floats) -> tuple[Floats, Floats]:
    """Find the intensities that make the times of each group's events likeliest given their numbers, and the days at risk behind.

    Parameters
    ----------
    count : (n_groups, n_bins) float64
        Events.
    events : (n_groups, n_subjects) float64
        Events of each subject.
    at_risk : (n_subjects, n_bins) float64
        Days.
    prior_count, prior_weight : (1, n_bins) float64
        Events and weighted days at risk that are added to each group's.

    Returns
    -------
    rate, weight : (n_groups, n_bins) float64
    """
    rate = np.broadcast_to((at_risk.sum(axis=0) > 0).astype(np.float64), count.shape)
    weight = np.zeros_like(rate)
    for _ in range(STEPS):
        expected = rate @ at_risk.T
        weight = np.divide(events, expected, out=np.zeros_like(events), where=expected > LEAST) @ at_risk + prior_weight
        rate = np.where(weight > 0, (count + prior_count) / np.where(weight > 0, weight, 1.0), 0.0)
    return rate, weight


def rank_within(owner: Integers) -> NDArray[np.int64]:
    """Number the rows of each owner from 0, in the order in which they stand."""
    order = np.argsort(owner, kind="stable")
    sorted_owner = np.asarray(owner)[order]
    new = np.concatenate([[True], sorted_owner[1:] != sorted_owner[:-1]]) if len(order) else np.empty(0, bool)
    begin = np.maximum.accumulate(np.where(new, np.arange(len(order)), 0)) if len(order) else np.empty(0, np.int64)
    rank = np.empty(len(order), np.int64)
    rank[order] = np.arange(len(order)) - begin
    return rank


def sharing_rate(owner: Integers, day: Floats) -> float:
    """Share of events, the first of each owner aside, whose day an earlier one of the same owner has."""
    if not len(owner):
        return 0.0
    total = np.bincount(owner)
    pairs = np.unique(np.stack([np.asarray(owner, np.float64), day], axis=1), axis=0)
    days = np.bincount(pairs[:, 0].astype(np.intp), minlength=len(total))
    further = float((total - 1)[total > 0].sum())
    return 1 - float((days - 1)[total > 0].sum()) / further if further > 0 else 0.0


def draw_leaders(owner: Integers, rate: float, rng: np.random.Generator) -> NDArray[np.int64]:
    """Draw, for each event, the event of the same owner whose day it shares; most share with none and lead themselves.

    Returns
    -------
    (n,) int64
        Position of the leader, which leads itself.
    """
    n = len(owner)
    rank = rank_within(owner)
    order = np.lexsort((rank, owner))
    place = np.empty(n, np.int64)
    place[order] = np.arange(n)
    joins = (rank > 0) & (rng.random(n) < rate)
    target = np.where(joins, np.floor(rng.random(n) * rank).astype(np.int64), rank)
    leader = order[place - rank + target] if n else np.empty(0, np.int64)
    for _ in range(max(1, int(np.ceil(np.log2(max(2, int(rank.max(initial=0)) + 1)))))):
        leader = leader[leader]
    return leader
