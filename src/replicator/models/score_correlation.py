"""What scores tell of the correlation of latent normals: how far it is to be believed, and how much of it they show."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from replicator.models.ordinal import TERMS, mehler_coefficients

Floats = NDArray[np.float64]

HALVINGS = 20  # of the interval that holds a latent correlation
MOST = 0.99  # size of a correlation


@dataclass(frozen=True, eq=False)
class ScoreCorrelation:
    r"""Correlation of incomplete scores, and what stands behind it.

    Attributes
    ----------
    correlation : (p, p) float64
        Of the scores, within -0.99 and 0.99 off the diagonal; 0 where fewer than 4 subjects have both.
    pairs : (p, p) float64
        Effective number of subjects behind each: those who would know a correlation of normals as well.
    shown : (p,) float64
        Standard deviation of the scores, of latent normals of 1; 1 where they have none.
    weights : (p, TERMS) float64
        :math:`h_n` with :math:`r_{ij} = \sum_n h_{in} h_{jn} \rho_{ij}^n` for the correlation *r* of the scores of two latent
        normals with correlation :math:`\rho` (Mehler's expansion); :math:`h_1` is `shown`.

    Notes
    -----
    The standard error of a correlation in the scale of :math:`\operatorname{artanh}` is :math:`1 / \sqrt{n - 3}` for normals. For
    variables that few subjects have otherwise than all the rest it may be many times that, since one subject who has two of them
    makes most of a correlation. So it is found from the subjects' own contributions, with *u* and *v* of unit variance
    :math:`u v - r (u^2 + v^2) / 2`, and the larger of both is believed: contributions that nobody made do not show their spread.

    References
    ----------
    A. W. van der Vaart (1998). Asymptotic Statistics. Cambridge, example 3.6 (the contributions).
    """

    correlation: Floats
    pairs: Floats
    shown: Floats
    weights: Floats

    @classmethod
    def of(cls, scores: Floats, correlation: Floats, weights: Floats | None = None) -> ScoreCorrelation:
        """Judge correlations by the scores that they are of.

        Parameters
        ----------
        scores : (n, p) float64
            NaN where missing.
        correlation : (p, p) float64
            Of the scores; not finite where two variables have none.
        weights : (p, TERMS) float64, optional
            Of variables whose scores are not their latent normal's alone; NaN or 0 where the scores tell.
        """
        seen = np.isfinite(scores)
        mask = seen.astype(np.float64)
        both = mask.T @ mask
        weak = (both < 4) | ~np.isfinite(correlation)
        correlation = np.where(weak, 0.0, np.clip(correlation, -MOST, MOST))
        np.fill_diagonal(correlation, 1.0)
        used = np.where(seen, scores, np.where(seen.any(axis=0), np.nan, 0.0))
        deviation = np.sqrt(np.nanvar(used, axis=0)) if len(scores) else np.ones(scores.shape[1])
        shown = np.where(deviation > 0, np.minimum(deviation, 1.0), 1.0)
        own = np.zeros((scores.shape[1], TERMS))
        for j in np.flatnonzero(seen.any(axis=0) & (deviation > 0)):
            value, count = np.unique(scores[seen[:, j], j], return_counts=True)
            own[j] = mehler_coefficients(value / deviation[j], np.cumsum(count) / count.sum())
        own[:, 0] = shown
        if weights is not None:
            own = np.where(np.nan_to_num(weights[:, :1]) > 0, weights, own)
        return cls(correlation, _effective_pairs(scores, correlation, both), own[:, 0], own)

    def show(self, latent: Floats) -> Floats:
        """Correlation (p, p) that the scores of latent normals with the correlation (p, p) have."""
        out = np.zeros_like(latent)
        for weight in self.weights.T[::-1]:
            out = latent * (np.outer(weight, weight) + out)
        return out

    def latent(self, shown: Floats, where: NDArray[np.bool_]) -> Floats:
        """Correlation (p, p) of the latent normals whose scores have the correlation `shown` (p, p); 0 but `where` (p, p).

        One that the scores cannot have at all becomes the largest or smallest that there is.
        """
        i, j = np.nonzero(where)
        product, wanted = self.weights[i] * self.weights[j], shown[i, j]
        low, high = np.full(len(i), -MOST), np.full(len(i), MOST)
        for _ in range(HALVINGS):
            middle = (low + high) / 2
            value = np.zeros(len(i))
            for weight in product.T[::-1]:
                value = middle * (weight + value)
            low, high = np.where(value < wanted, middle, low), np.where(value < wanted, high, middle)
        out = np.zeros_like(shown)
        out[i, j] = (low + high) / 2
        return out


def _effective_pairs(scores: Floats, correlation: Floats, both: Floats) -> Floats:
    """Number of subjects (p, p) of normals whose correlation would have the standard error of these, at most `both` (p, p)."""
    seen = np.isfinite(scores)
    mask = seen.astype(np.float64)
    have = np.maximum(mask.sum(axis=0), 1.0)
    u = np.where(seen, scores, 0.0)
    u = (u - u.sum(axis=0) / have) * mask
    second = (u**2).T @ mask / np.maximum(both, 1.0)  # of i, over the subjects who have j
    with np.errstate(divide="ignore", invalid="ignore"):
        scale = np.sqrt(second * second.T)
        square, cube, fourth = (u**2).T @ u**2, (u**3).T @ u, (u**4).T @ mask
        cube, fourth = cube / second / scale, fourth / second**2
        spread = (
            square / scale**2 - correlation * (cube + cube.T) + correlation**2 / 4 * (fourth + fourth.T + 2 * square / scale**2)
        )
        own = (1 - correlation**2) ** 2 * both**2 / spread + 3
    out = np.where(np.isfinite(own), np.minimum(own, both), both)
    np.fill_diagonal(out, np.diag(both))
    return np.maximum(out, 1e-9)
