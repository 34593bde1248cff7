"""A Gaussian copula over many variables of few subjects, some of them discrete, some missing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

Floats = NDArray[np.float64]


def normal_scores(values: Floats) -> Floats:
    r"""Turn a variable into normal scores, ties sharing the mean score of their ranks.

    Parameters
    ----------
    values : (n,) float64
        NaN stays NaN.

    Returns
    -------
    (n,) float64
        Values that occupy the probabilities *(a, b]* get :math:`(\varphi(z_a) - \varphi(z_b)) / (b - a)`, the mean of a
        standard normal between its quantiles at *a* and *b*; so a discrete variable has a variance below 1.
    """
    out = np.full(len(values), np.nan)
    seen = np.isfinite(values)
    if not seen.any():
        return out
    _, inverse, counts = np.unique(values[seen], return_inverse=True, return_counts=True)
    edge = np.concatenate([[0], np.cumsum(counts)]) / counts.sum()
    density = np.exp(-0.5 * ndtri(edge) ** 2) / np.sqrt(2 * np.pi)
    out[seen] = (-np.diff(density) / np.diff(edge))[inverse]
    return out


@dataclass(frozen=True, eq=False)
class GaussianCopula:
    r"""Correlation of latent standard normals, as loadings and unique variances.

    Attributes
    ----------
    loadings : (p, r) float64
        :math:`L` with :math:`R = L L^T + \mathrm{diag}(d)`.
    unique : (p,) float64
        :math:`d = 1 - \sum_r L^2`, never negative.
    n : int
        Subjects behind it.

    Notes
    -----
    Entry-wise correlations of the scores are divided by the standard deviations of the scores (a discrete score shows its
    latent normal only in part), shrunk as :math:`r \max(0, 1 - c / (n_{ij} r^2))`, which leaves strong ones alone, and made
    positive by dropping eigenvalues that are not.
    """

    kind: ClassVar[str] = "gaussian copula"

    loadings: Floats
    unique: Floats
    n: int

    @classmethod
    def fit(cls, scores: Floats, *, shrinkage: float = 1.0, most_factors: int = 400) -> GaussianCopula:
        """Learn from normal scores.

        Parameters
        ----------
        scores : (n, p) float64
            From :func:`normal_scores`, one column a variable; NaN where missing.
        shrinkage : float
            *c* above: 1 takes away what noise alone would give.
        most_factors : int
            Upper bound of *r*.
        """
        n, p = scores.shape
        if p == 0:
            return cls(np.empty((0, 0)), np.empty(0), n)
        correlation, pairs = latent_correlation(scores)
        with np.errstate(divide="ignore", invalid="ignore"):
            kept = np.where(correlation == 0, 0.0, np.maximum(0.0, 1 - shrinkage / (pairs * correlation**2)))
        correlation = correlation * np.nan_to_num(kept)
        np.fill_diagonal(correlation, 1.0)
        values, vectors = np.linalg.eigh(correlation)
        keep = np.argsort(-values)[: min(most_factors, p)]
        keep = keep[values[keep] > 1e-6]
        loadings = vectors[:, keep] * np.sqrt(values[keep])
        length = np.sqrt((loadings**2).sum(axis=1))
        loadings = loadings / np.maximum(length, 1.0)[:, None]
        # signs and directions of eigenvectors are arbitrary: fix them, so that equal data give equal bytes
        sign = np.sign(loadings[np.abs(loadings).argmax(axis=0), np.arange(loadings.shape[1])])
        loadings = loadings * np.where(sign == 0, 1.0, sign)
        return cls(loadings, np.maximum(0.0, 1 - (loadings**2).sum(axis=1)), n)

    @property
    def correlation(self) -> Floats:
        """(p, p) float64."""
        out = self.loadings @ self.loadings.T
        np.fill_diagonal(out, 1.0)
        return out

    def sample(self, n: int, rng: np.random.Generator) -> Floats:
        """Draw (n, p) standard normals with this correlation."""
        p, r = self.loadings.shape
        return rng.standard_normal((n, r)) @ self.loadings.T + rng.standard_normal((n, p)) * np.sqrt(self.unique)


def latent_correlation(scores: Floats) -> tuple[Floats, Floats]:
    """Pairwise correlation of the latent normals behind incomplete scores.

    Returns
    -------
    correlation : (p, p) float64
        Within -0.99 and 0.99 off the diagonal; 0 where fewer than 4 subjects have both.
    pairs : (p, p) float64
        Subjects who have both, scaled down where discrete scores carry less.
    """
    seen = np.isfinite(scores)
    filled = np.where(seen, scores, 0.0)
    mask = seen.astype(np.float64)
    pairs = mask.T @ mask
    with np.errstate(divide="ignore", invalid="ignore"):
        sum_i = filled.T @ mask  # sum of i over the rows where j is seen
        mean_i = sum_i / pairs
        square_i = (filled**2).T @ mask / pairs - mean_i**2
        covariance = filled.T @ filled / pairs - mean_i * mean_i.T
        correlation = covariance / np.sqrt(square_i * square_i.T)
        seen_share = np.sqrt(np.nanvar(np.where(seen, scores, np.nan), axis=0)) if len(scores) else np.ones(scores.shape[1])
        latent = correlation / np.outer(seen_share, seen_share)
    weak = (pairs < 4) | ~np.isfinite(latent)
    latent = np.where(weak, 0.0, np.clip(latent, -0.99, 0.99))
    effective = pairs * np.outer(seen_share**2, seen_share**2)
    np.fill_diagonal(latent, 1.0)
    return latent, np.where(np.isfinite(effective), np.maximum(effective, 1e-9), 1e-9)
