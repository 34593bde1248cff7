"""One variable's distribution as a quantile function that no single subject can be read from."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from replicator.distinct import distinct_values

Floats = NDArray[np.float64]

ONE_DEVIATION = np.array([0.1587, 0.5, 0.8413])  # probabilities below -1, 0 and 1 of a standard normal
TAIL = 3.0  # scales at which tails end
NORMAL_EXCESS = 0.525  # mean distance from 1 of standard normals above 1

STEPS = 24  # of a decade, in which scales are told that rest on fewer than k subjects beyond an atom


@dataclass(frozen=True, eq=False)
class QuantileMarginal:
    r"""A piecewise linear quantile function with exponential tails.

    Attributes
    ----------
    probability, value : (n_knots,) float64
        Points of the quantile function, both non-decreasing. A flat stretch is an atom: a value with a probability of its own.
        Every value is either shared by at least `k` subjects or the mean over at least `k` subjects.
    lower, upper : float
        Scales of the tails below the first and above the last knot, in units of the variable; 0 where the distribution ends
        in an atom.
    floor, ceiling : float
        Bounds that draws never pass: 0 where the source was never negative, and the tails' own limits.
    decimals : int or None
        Places that draws are rounded to; None leaves them as they are.
    n, n_subjects : int
        Values and subjects behind it.

    Notes
    -----
    Neighbouring sorted values are joined into groups of at least *k* subjects; a group of mean :math:`m` with middle rank
    :math:`p` gives the knot :math:`(p, m)`. Above the boundary :math:`a` of the last group (probability :math:`p_0`)

    .. math:: Q(u) = a + s \\ln\\frac{1 - p_0}{1 - u}, \\qquad s = m_{last} - a,

    whose mean over the tail is :math:`m_{last}`; so the source's extremes are neither kept nor the end of the sample. Tails
    stop at :math:`a + 3s`. Where fewer than :math:`2k` subjects lie beyond the outermost atom, :math:`a` is the atom, and the
    tail begins within it if they are fewer than *k*.
    """

    kind: ClassVar[str] = "quantile marginal"

    probability: Floats
    value: Floats
    lower: float
    upper: float
    floor: float
    ceiling: float
    decimals: int | None
    n: int
    n_subjects: int

    @classmethod
    def fit(
        cls,
        values: Floats,
        subject: NDArray[np.integer] | None = None,
        *,
        k: int = 5,
        max_knots: int = 100,
        decimals: int | None = None,
        bounds: tuple[float, float] = (-np.inf, np.inf),
    ) -> QuantileMarginal:
        """Learn from values.

        Parameters
        ----------
        values : (n,) float64
            NaN and infinite values are left out.
        subject : (n,) int, optional
            Whose value it is; every value a subject of its own by default.
        k : int
            Fewest subjects behind a knot.
        max_knots : int
            Most knots outside of atoms.
        decimals : int, optional
            Places to round draws to.
        bounds : (float, float)
            What the values of others end at: two standard deviations of a normal's shape stay within.

        Returns
        -------
        QuantileMarginal
            With fewer than `k` subjects nothing is kept: `n` is 0 and all draws are NaN. With fewer than twice as many, the
            shape is the normal's: their mean, one standard deviation to either side, and tails that end at three.
        """
        keep = np.isfinite(values)
        owner = np.arange(len(values)) if subject is None else np.asarray(subject)
        x, who = values[keep], owner[keep]
        order = np.argsort(x, kind="stable")
        x, who = x[order], who[order]
        n, n_subjects = len(x), len(distinct_values(who))
        if n == 0 or n_subjects < k:
            return cls(np.array([0.5]), np.array([np.nan]), 0.0, 0.0, np.nan, np.nan, decimals, 0, 0)
        if n_subjects < 2 * k:
            mean, spread = float(x.mean()), float(x.std(ddof=1)) if n_subjects > 2 else 0.0  # of two it would give both away
            spread = max(0.0, np.fmin(spread, np.fmin(mean - bounds[0], bounds[1] - mean) / 2))
            low = max(0.0, mean - 3 * spread) if x[0] >= 0 else mean - 3 * spread
            value, tail = np.maximum(mean + spread * np.array([-1.0, 0.0, 1.0]), low), NORMAL_EXCESS * spread
            return cls(ONE_DEVIATION, value, tail, tail, low, mean + 3 * spread, decimals, n, n_subjects)
        atom, start, stop = _atoms(x, who, k, max_knots)
        probability, value, ends = _knots(x, who, atom, start, stop, k, max_knots)
        lower, upper = ends
        floor = 0.0 if x[0] >= 0 else value[0] - TAIL * lower
        return cls(
            probability,
            value,
            float(lower),
            float(upper),
            float(max(floor, value[0] - TAIL * lower)),
            float(value[-1] + TAIL * upper),
            decimals,
            n,
            n_subjects,
        )

    def within(self, floor: float, ceiling: float) -> QuantileMarginal:
        """Let draws pass neither these bounds nor their own: tails are shortened to end there; bounds that are NaN bind nothing."""
        low, high = float(np.fmax(self.floor, floor)), float(np.fmin(self.ceiling, ceiling))
        lower, upper = (self.value[0] - low) / TAIL, (high - self.value[-1]) / TAIL
        tails = (float(np.clip(lower, 0.0, self.lower)), float(np.clip(upper, 0.0, self.upper)))
        return replace(self, lower=tails[0], upper=tails[1], floor=low, ceiling=high) if self.n else self

    def quantile(self, u: Floats) -> Floats:
        """Return the quantile of each probability: (n,) float64, rounded to `decimals`."""
        p, v = self.probability, self.value
        x = np.asarray(np.interp(u, p, v))
        if self.lower > 0 and (below := u < p[0]).any():
            x[below] = v[0] + self.lower * np.log(np.maximum(u[below], 1e-12) / p[0])
        if self.upper > 0 and (above := u > p[-1]).any():
            x[above] = v[-1] - self.upper * np.log(np.maximum(1 - u[above], 1e-12) / (1 - p[-1]))
        x = np.minimum(np.maximum(x, self.floor), self.ceiling)
        return x if self.decimals is None else x.round(self.decimals)

    def cdf(self, x: Floats) -> Floats:
        """Return the probability of each value, the middle of the jump at an atom; NaN stays NaN."""
        p, v = self.probability, self.value
        rising, falling = self._knots_of_cdf
        right = np.interp(x, rising, p)
        left = 1 - np.interp(-x, falling, (1 - p)[::-1])
        u = (left + right) / 2
        if self.lower > 0:
            u = np.where(x < v[0], p[0] * np.exp(np.minimum(x - v[0], 0.0) / self.lower), u)
        if self.upper > 0:
            u = np.where(x > v[-1], 1 - (1 - p[-1]) * np.exp(np.minimum(v[-1] - x, 0.0) / self.upper), u)
        return np.where(np.isnan(x), np.nan, u)

    @cached_property
    def _knots_of_cdf(self) -> tuple[Floats, Floats]:
        """Increasing knots to find probabilities from below, and from above by negative values."""
        return _strict(self.value), _strict(-self.value[::-1])


def _strict(v: Floats) -> Floats:
    """Make a non-decreasing sequence increasing, so that interpolation takes the last of equal knots."""
    step = np.spacing(np.maximum(np.abs(v), 1e-300)) * 4
    return v + step * np.arange(len(v)) / max(1, len(v))


def _distinct_in_groups(who: NDArray[np.integer], group: NDArray[np.integer], n_groups: int) -> NDArray[np.int64]:
    """Count distinct subjects in each group: (n_groups,)."""
    pairs = distinct_values(np.stack([group, who], axis=1), axis=0)
    return np.bincount(pairs[:, 0], minlength=n_groups)


def _atoms(x: Floats, who: NDArray[np.integer], k: int, max_knots: int) -> tuple[Floats, NDArray[np.intp], NDArray[np.intp]]:
    """Values that at least `k` subjects share and that weigh more than a knot: value, first and past-last position."""
    unique, start, counts = distinct_values(x, return_index=True, return_counts=True)
    group = np.repeat(np.arange(len(unique)), counts)
    subjects = _distinct_in_groups(who, group, len(unique))
    weight = max(1.0, len(x) / (2 * max_knots))
    chosen = (subjects >= k) & (counts >= weight) & (counts > 1)
    return unique[chosen], start[chosen], start[chosen] + counts[chosen]


def _knots(
    x: Floats,
    who: NDArray[np.integer],
    atom: Floats,
    start: NDArray[np.intp],
    stop: NDArray[np.intp],
    k: int,
    max_knots: int,
) -> tuple[Floats, Floats, tuple[float, float]]:
    """Points of the quantile function, and the scales of both tails."""
    n = len(x)
    points: list[tuple[float, float]] = []
    tails = [0.0, 0.0]
    edges = [0, *np.stack([start, stop], axis=1).reshape(-1).tolist(), n]
    for i in range(0, len(edges), 2):  # stretches between atoms
        low, high = edges[i], edges[i + 1]
        means, middles, boundary = _group_means(x[low:high], who[low:high], k, max(1, round(max_knots * (high - low) / n)))
        if len(means):
            first, last = i == 0, i == len(edges) - 2
            if first and len(means) > 1:
                tails[0] = max(0.0, boundary[0] - means[0])
                points.append(((low + boundary[2]) / n, boundary[0]))
            keep = slice(1 if first and len(means) > 1 else 0, len(means) - 1 if last and len(means) > 1 else len(means))
            points += [((low + m) / n, v) for m, v in zip(middles[keep], means[keep], strict=True)]
            if last and len(means) > 1:
                tails[1] = max(0.0, means[-1] - boundary[1])
                points.append(((low + boundary[3]) / n, boundary[1]))
        if i // 2 < len(atom):
            points += [(high / n, float(atom[i // 2])), (edges[i + 2] / n, float(atom[i // 2]))]
    if not points:
        points = [(0.5, float(x.mean()))]
    array = np.array(points)
    p, v = array[:, 0], np.maximum.accumulate(array[:, 1])
    ends = _beyond(-x[::-1], who[::-1], n - start[:1], k), _beyond(x, who, stop[-1:], k)
    below, above = (one[0] / n if one else 0.0 for one in ends)
    below, above = min(below, 1 - above), min(above, 1 - below)  # of one atom both tails may want the same rows
    if ends[0]:
        p, v = np.append(below, p[p > below]), np.append(atom[0], v[p > below])
        tails[0] = ends[0][1]
    if ends[1]:
        p, v = np.append(p[p < 1 - above], 1 - above), np.append(v[p < 1 - above], atom[-1])
        tails[1] = ends[1][1]
    return p, v, (tails[0], tails[1])


def _beyond(x: Floats, who: NDArray[np.integer], stop: NDArray[np.intp], k: int) -> tuple[int, float] | None:
    """Rows and scale of the upper tail where those above the last atom are too few for a shape of their own.

    The tail begins in the atom, with as many of its rows as make k subjects, so that its scale is a mean over so many. Where fewer
    than k lie beyond, the rest of it is the atom, and so it is told in steps of a tenth (IEC 60063, E24): nobody's number can be
    computed from it.

    Parameters
    ----------
    x, who : (n,) float64, (n,) int
        Sorted values, and their subjects.
    stop : (n_atoms,) int
        Past-last position of the last atom; empty if there is none.
    k : int
    """
    n = len(x)
    if not len(stop) or stop[0] == n or (beyond := len(distinct_values(who[stop[0] :]))) >= 2 * k:
        return None
    nearest = np.sort(distinct_values(who[::-1], return_index=True)[1])
    rows = max(n - int(stop[0]), int(nearest[k - 1]) + 1)
    scale = float(x[n - rows :].mean() - x[stop[0] - 1])
    if beyond >= k or scale <= 0:  # a number may lie beyond its atom by less than a mean can tell
        return rows, max(scale, 0.0)
    return rows, float(10.0 ** (np.round(STEPS * np.log10(scale)) / STEPS))


def _group_means(
    x: Floats, who: NDArray[np.integer], k: int, most: int
) -> tuple[list[float], list[float], tuple[float, float, float, float]]:
    """Means and middle ranks of neighbouring values in groups of at least `k` subjects, and the outer groups' inner edges."""
    n = len(x)
    groups = min(most, len(distinct_values(who)) // k, n)
    while groups > 0:
        edge = np.round(np.linspace(0, n, groups + 1)).astype(np.intp)
        index = np.repeat(np.arange(groups), np.diff(edge))
        if (_distinct_in_groups(who, index, groups) >= k).all():
            break
        groups = groups // 2 if groups > 4 else groups - 1
    if groups <= 0:
        return [], [], (0.0, 0.0, 0.0, 0.0)
    mean = np.add.reduceat(x, edge[:-1]) / np.diff(edge)
    middle = (edge[:-1] + edge[1:]) / 2
    if groups > 1:
        inner = (_around(x, who, edge[:3], k), _around(x, who, edge[-3:], k), float(edge[1]), float(edge[-2]))
    else:
        inner = (float(mean[0]), float(mean[0]), float(middle[0]), float(middle[0]))
    return mean.tolist(), middle.tolist(), (float(inner[0]), float(inner[1]), inner[2], inner[3])


def _around(x: Floats, who: NDArray[np.integer], edge: NDArray[np.intp], k: int) -> float:
    """Value at the edge between two groups: the mean of as many sorted values on both sides as belong to at least `k` subjects."""
    low, middle, high = edge.tolist()
    reach = min(-(-k // 2), middle - low, high - middle)
    while len(distinct_values(who[middle - reach : middle + reach])) < k and reach < min(middle - low, high - middle):
        reach = min(2 * reach, middle - low, high - middle)
    near = slice(middle - reach, middle + reach)
    return float(x[near].mean() if len(distinct_values(who[near])) >= k else x[low:high].mean())
