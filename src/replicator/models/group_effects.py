r"""What groups that belong together have of their own: shares and levels drawn towards what they share (empirical Bayes)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Codes = NDArray[np.int32] | NDArray[np.int64]

SPREAD_PRIOR = 20.0  # subjects that the common standard deviation counts for
LEAST_SPREAD = 0.01  # of a group on the normal scale
FEWEST_ON_A_LINE = 4  # positions through which a line is drawn: two are left over to say how far they scatter about it
CLEAR = 2.0  # standard errors from which a line is believed


def shrink_to_pool(counts: Floats, stratum: Codes, k: int = 0) -> Floats:
    r"""Probabilities of levels by group, drawn towards those of the stratum.

    Parameters
    ----------
    counts : (n_groups, n_levels) float64
    stratum : (n_groups,) int
    k : int
        A group of fewer subjects has nothing of its own, unless it is a stratum by itself.

    Returns
    -------
    (n_groups, n_levels) float64
        :math:`B_g\,\hat p_g + (1 - B_g)\,\hat p` with :math:`B_g = n_g / (n_g + m)`. The chi-square of homogeneity within the
        stratum gives the :math:`B = \max(0, 1 - df / X^2)` of a group of average size (James-Stein), and so *m*.
    """
    out = np.zeros_like(counts)
    for s in np.unique(stratum):
        rows = stratum == s
        mine = counts[rows]
        total = mine.sum(axis=1, keepdims=True)
        everything = max(float(mine.sum()), 1e-9)
        pool = mine.sum(axis=0) / everything
        expected = total * pool
        used = pool > 0
        chi = float((((mine - expected) ** 2)[:, used] / np.maximum(expected[:, used], 1e-9)).sum())
        groups = int((total > 0).sum())
        df = (groups - 1) * (int(used.sum()) - 1)
        own = mine / np.maximum(total, 1e-9)
        if groups < 2:
            out[rows] = np.where(total > 0, own, pool)
            continue
        average = max(0.0, 1 - df / chi) if chi > 0 and df > 0 else 0.0
        size = (everything - float((total**2).sum()) / everything) / (groups - 1)
        weight = total / (total + size * (1 - average) / average) if average > 0 else np.zeros_like(total)
        weight = np.where(total >= k, weight, 0.0)
        out[rows] = np.where(total > 0, weight * own + (1 - weight) * pool, pool)
    everywhere = counts.sum(axis=0) / max(counts.sum(), 1e-9)
    return np.where(out.sum(axis=1, keepdims=True) > 0, out, everywhere)


@dataclass(frozen=True, eq=False)
class GroupMoments:
    """Means and standard deviations of groups on the normal scale.

    Attributes
    ----------
    shift, scale : (n_groups,) float64
        Of each group; all subjects together have mean 0 and variance 1.
    own : (n_groups,) float64
        Share of a group's mean that is its own; the rest is the mean of all, or that of groups of like position.
    """

    shift: Floats
    scale: Floats
    own: Floats


def shrink_moments(n: Floats, mean: Floats, variance: Floats, *, k: int, position: Floats | None = None) -> GroupMoments:
    r"""Draw moments of groups that belong together towards what they have in common.

    Parameters
    ----------
    n : (n_groups,) float64
        Subjects of each group, 1 or more.
    mean, variance : (n_groups,) float64
        On the normal scale; the variance is that of the maximum of the likelihood (divided by *n*).
    k : int
        A group of fewer subjects has nothing of its own, unless it is the only one.
    position : (n_groups,) float64, optional
        Where groups stand on a scale (of doses, say) along which means may rise or fall; NaN where a group has no place.

    Notes
    -----
    :math:`m_g \sim N(\mu_g,\; \tau^2 + \sigma^2 / n_g)`, where :math:`\mu_g` is a common mean or, where a slope is clear, a line
    through the positions. :math:`\tau^2` is the moment estimate of DerSimonian and Laird. The group keeps
    :math:`\tau^2 / (\tau^2 + \sigma^2 / n_g)` of its distance from :math:`\mu_g`.

    References
    ----------
    DerSimonian, Laird (1986). Meta-analysis in clinical trials. Controlled Clinical Trials 7:177-188.
    Thompson, Sharp (1999). Explaining heterogeneity in meta-analysis. Statistics in Medicine 18:2693-2708.
    """
    if len(n) == 1:
        return GroupMoments(mean, np.sqrt(np.maximum(variance * n / np.maximum(n - 1, 1), LEAST_SPREAD**2)), np.ones(1))
    freedom = float(n.sum()) - len(n)
    if freedom < k:  # nothing tells noise within groups from differences between them
        return GroupMoments(np.zeros(len(n)), np.ones(len(n)), np.zeros(len(n)))
    within = float((n * variance).sum() / freedom)
    centre, between, _ = _regress(n, mean, np.ones((len(n), 1)), within)
    placed = np.zeros(len(n), bool) if position is None else np.isfinite(position)
    if position is not None and len(np.unique(position[placed])) >= FEWEST_ON_A_LINE and n[placed].sum() >= 2 * k:
        design = np.stack([np.ones(int(placed.sum())), position[placed]], axis=1)
        line, rest, clear = _regress(n[placed], mean[placed], design, within)
        if clear > CLEAR:
            centre[placed], between = line, rest
    own = np.where(n >= k, between / (between + within / n) if between > 0 else 0.0, 0.0)
    shift: Floats = centre + own * (mean - centre)
    mixed = np.where(n >= k, (n * variance + SPREAD_PRIOR * within) / (n + SPREAD_PRIOR), within)
    scale: Floats = np.sqrt(np.maximum(mixed, LEAST_SPREAD**2))
    middle = float((n * shift).sum() / n.sum())
    whole = float(np.sqrt((n * ((shift - middle) ** 2 + scale**2)).sum() / n.sum()))
    return GroupMoments((shift - middle) / whole, scale / whole, own)


def shrink_means(n: Floats, mean: Floats, variance: Floats, *, k: int) -> Floats:
    """How far the means of groups lie from the common one, as far as that is clear of chance.

    Parameters
    ----------
    n : (n_groups,) float64
        Subjects of each group, 1 or more.
    mean, variance : (n_groups,) float64
        Of the subjects' values; the variance is that of the maximum of the likelihood.
    k : int
        A group of fewer subjects has nothing of its own.

    Returns
    -------
    (n_groups,) float64
        Of all subjects together the mean is 0. See the notes of :func:`shrink_moments`.
    """
    freedom = float(n.sum()) - len(n)
    if len(n) < 2 or freedom < k:
        return np.zeros(len(n))
    within = float((n * variance).sum() / freedom)
    centre, between, _ = _regress(n, mean, np.ones((len(n), 1)), within)
    own = np.where(n >= k, between / (between + within / n), 0.0) if between > 0 else np.zeros(len(n))
    shift: Floats = own * (mean - centre)
    return shift - float((n * shift).sum() / n.sum())


def _regress(n: Floats, mean: Floats, design: Floats, within: float) -> tuple[Floats, float, float]:
    """Expected means (n_groups,) by the design, variance about them, and the last coefficient in standard errors."""
    coefficient, inverse = _least_squares(n, mean, design)
    left = float((n * (mean - design @ coefficient) ** 2).sum()) - (len(n) - design.shape[1]) * within
    room = float(n.sum()) - float(np.trace(inverse @ (design.T @ ((n**2)[:, None] * design))))
    between = max(0.0, left / room) if room > 1e-9 else 0.0
    coefficient, inverse = _least_squares(1 / np.maximum(between + within / n, 1e-12), mean, design)
    return design @ coefficient, between, abs(float(coefficient[-1])) / max(float(np.sqrt(inverse[-1, -1])), 1e-12)


def _least_squares(weight: Floats, y: Floats, design: Floats) -> tuple[Floats, Floats]:
    inverse: Floats = np.linalg.pinv(design.T @ (weight[:, None] * design)).astype(np.float64)
    return inverse @ (design.T @ (weight * y)), inverse
