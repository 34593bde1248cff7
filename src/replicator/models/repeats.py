r"""Results that subjects repeat: more often equal to the one before than chance and correlation make them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from replicator.distinct import distinct_values
from replicator.models.persistence import Course, Occasions
from replicator.special import ndtr, ndtri

Floats = NDArray[np.float64]
Codes = NDArray[np.intp]
Flags = NDArray[np.bool_]

FEWEST_PAIRS = 30  # neighbouring results of a series, before repeats are counted
NODES, WEIGHTS = np.polynomial.hermite_e.hermegauss(21)
STEPS = np.linspace(0, 0.95, 20)  # chances that are tried


@dataclass(frozen=True, eq=False)
class Neighbours:
    """Neighbouring results of the same subject and series.

    Attributes
    ----------
    series, arm, before, after : (n_pairs,) int
        Series, arm, and the kinds of the two occasions.
    equal : (n_pairs,) bool
        Whether both are the same level.
    gap : (n_pairs,) float64
        Days between them.
    """

    series: Codes
    arm: Codes
    before: Codes
    after: Codes
    equal: Flags
    gap: Floats

    @classmethod
    def of(cls, level: Codes, series: Codes, occasion: Codes, arm: Codes, cell: Codes, occasions: Occasions) -> Neighbours:
        """Pair results (n,) with the next of their subject and series; `arm` and `cell` are (n_occasions,)."""
        order = np.lexsort([occasion, series])
        first, second = order[:-1], order[1:]
        a, b = occasion[first], occasion[second]
        pairs = (series[first] == series[second]) & (occasions.run[a] == occasions.run[b]) if len(order) else np.empty(0, bool)
        first, second, a, b = first[pairs], second[pairs], a[pairs], b[pairs]
        return cls(series[first], arm[a], cell[a], cell[b], level[first] == level[second], occasions.day[b] - occasions.day[a])


def fit_repeats(
    pairs: Neighbours, share: Floats, shift: Floats, width: Floats, lasting: Floats, within: Floats, discrete: Flags, course: Course
) -> Floats:
    r"""Chance that a subject's residual is the one before, for series of ordered levels on a latent standard normal.

    Parameters
    ----------
    pairs : Neighbours
        Of the source.
    share : (n_series, n_levels) float64
        Of the levels, lowest first.
    shift, width : (n_series, n_arms, n_cells), (n_series,) float64
        Means of the latent normal, and its standard deviation around them.
    lasting : (n_series,) float64
        Correlation of neighbouring residuals before a subject's mean is taken out.
    within : (n_series,) float64
        Variance of residuals; the rest of 1 is the subject's own.
    discrete : (n_series,) bool
        Series to look at; for others the chance is 0.
    course : Course
        What correlation does once the mean is out.

    Returns
    -------
    (n_series,) float64
        0 where correlation explains the repeats.

    Notes
    -----
    With chance *p*, a pair is equal with probability :math:`p + (1 - p) E(\rho)`, where *E* is the probability that two normals
    of correlation :math:`\rho`, shifted as their occasions are, fall into the same level;
    pairs that are not repeated keep :math:`\rho = 1 - \sigma^2 + \sigma^2 (g - p) / (1 - p)` of the correlation *g* of all.
    """
    chance = np.zeros(len(share))
    for j in np.flatnonzero(discrete & (np.bincount(pairs.series, minlength=len(share)) >= FEWEST_PAIRS)).tolist():
        mine = np.flatnonzero(pairs.series == j)
        kinds, count = distinct_values(np.stack([pairs.arm, pairs.before, pairs.after])[:, mine], axis=1, return_counts=True)
        moved = shift[j, kinds[0], kinds[1]], shift[j, kinds[0], kinds[2]]
        seen = float(pairs.equal[mine].mean())
        error = np.sqrt(max(seen * (1 - seen), 1 / len(mine)) / len(mine))
        known = course.neighbours(j, np.maximum(STEPS, lasting[j]))
        left = 1 - within[j] + within[j] * (known - STEPS) / (1 - STEPS)
        alike = _alike(share[j], moved, float(width[j]), left) @ count / count.sum()
        reached = np.maximum.accumulate(STEPS + (1 - STEPS) * alike)
        beyond = (seen - reached[0]) / error
        if beyond > 1:  # James and Stein: as much as its own noise leaves of it
            chance[j] = (1 - 1 / beyond**2) * np.interp(seen, reached, STEPS)
    return chance


def _alike(share: Floats, moved: tuple[Floats, Floats], width: float, correlation: Floats) -> Floats:
    """Probability that two results fall into the same level: (n_correlations, n_kinds)."""
    cut = ndtri(np.clip(np.cumsum(share), 0.0, 1.0))
    cut[-1] = np.inf
    common = np.sqrt(np.clip(correlation, 0.0, 1.0))[:, None, None, None]
    own = np.sqrt(np.clip(1 - correlation, 1e-6, 1.0))[:, None, None, None]
    shift, place = np.unique(np.concatenate(moved), return_inverse=True)
    edge = (cut - shift[:, None])[None, :, None, :] / max(width, 1e-9)
    level = np.diff(ndtr((edge - common * NODES[None, None, :, None]) / own), axis=3, prepend=0.0)
    before, after = np.split(place, 2)
    together: Floats = (level[:, before] * level[:, after]).sum(axis=3) @ WEIGHTS / WEIGHTS.sum()
    return together


def repeat_residuals(noise: Floats, seen: Flags, chance: Floats, luck: Floats, occasions: Occasions) -> Floats:
    """Replace residuals by those of the subject's result before.

    Parameters
    ----------
    noise : (n_occasions, n_series) float64
        Residuals.
    seen : (n_occasions, n_series) bool
        Which values there will be: what is not seen is not repeated.
    chance : (n_series,) float64
        From :func:`fit_repeats`.
    luck : (n_occasions,) float64
        Uniform draws; one for all series of an occasion, so that those which repeat do so together and stay correlated.
    occasions : Occasions
        Whose and when.
    """
    which = np.flatnonzero(chance > 0)
    if not len(which) or not len(noise):
        return noise
    there = seen[:, which]
    count = np.cumsum(there, axis=0)
    before = np.concatenate([np.zeros((1, len(which)), count.dtype), count])[occasions.starts][occasions.run]
    first = there & (count - before == 1)
    new = first | (there & (luck[:, None] >= chance[which]))
    place = np.where(new, np.arange(len(noise))[:, None], 0)
    out = noise.copy()
    out[:, which] = np.take_along_axis(noise[:, which], np.maximum.accumulate(place, axis=0), axis=0)
    return out
