"""When events happen: intensity over time at risk, and events of one subject that share a day."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Integers = NDArray[np.int32] | NDArray[np.int64] | NDArray[np.intp]

PRIOR = 20.0  # events that the shape over all groups counts for
MOST_BINS = 80
OUTER = 25  # the bins begin and end at the mean of this part of the subjects' first and last days at risk, of k at least


@dataclass(frozen=True, eq=False)
class Intensity:
    r"""Piecewise constant intensity of events, by group.

    Attributes
    ----------
    time : (n_bins + 1,) float64
        Edges, days; an event of day *d* lies at *d* + 1/2. The outer two are means over k subjects or more.
    cumulative : (n_groups + 1, n_bins + 1) float64
        Integrated intensity :math:`\Lambda` up to each edge; the last row is that of all groups.

    Notes
    -----
    Given how many events a subject has, the times of a Poisson process are independent with density
    :math:`\lambda(t)/(\Lambda(b) - \Lambda(a))` on the time at risk *[a, b)*; whatever makes subjects differ in number cancels.
    So :math:`\lambda` is events over subjects at risk (Nelson and Aalen), and a subject who leaves early has them early.
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
            Fewest subjects behind a bin, on average, and behind each end.

        Returns
        -------
        Intensity
            Without events, or with fewer than `k` subjects at risk, nothing is kept, and all days at risk are as likely.
        """
        at = time + 0.5
        risk = np.isfinite(low) & np.isfinite(high) & (high >= low)
        start, stop = low[risk], high[risk] + 1
        if not len(at) or len(start) < k:  # as likely on any day
            return cls(np.array([0.0, 1.0]), np.zeros((n_groups + 1, 2)))
        bins = int(np.clip(len(np.unique(subject)) // k, 1, MOST_BINS))
        inner = np.round(np.quantile(at, np.linspace(0, 1, bins + 1)[1:-1])) if bins > 1 else np.empty(0)
        outer = max(k, -(-len(start) // OUTER))
        ends = np.sort(start)[:outer].mean(), np.sort(stop)[-outer:].mean()
        edges = np.unique(np.concatenate([np.floor(ends[:1]), inner, np.ceil(ends[1:])]))
        edges = edges[(edges >= np.floor(ends[0])) & (edges <= np.ceil(ends[1]))]
        if len(edges) < 2:
            edges = np.array([np.floor(ends[0]), np.floor(ends[0]) + 1.0])
        index = np.clip(np.searchsorted(edges, at, side="right") - 1, 0, len(edges) - 2)
        exposure = _overlap(start, stop, edges)
        count = np.zeros((n_groups, len(edges) - 1))
        np.add.at(count, (group, index), 1.0)
        pooled = count.sum(axis=0)
        blended = np.vstack([count + PRIOR * pooled / pooled.sum(), pooled])
        rate = blended / np.maximum(exposure, 1e-9) * np.diff(edges)
        rate = np.where(exposure < 1e-9, 0.0, rate) + 1e-12
        total = np.cumsum(rate, axis=1)
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


def _overlap(start: Floats, stop: Floats, edges: Floats) -> Floats:
    """Days at risk in each bin, over all subjects: (n_bins,)."""
    upto = np.array([np.clip(edge - start, 0, stop - start).sum() for edge in edges])
    return np.diff(upto)


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
