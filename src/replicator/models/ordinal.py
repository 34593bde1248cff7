r"""Ordered categories as thresholds on a latent standard normal, and what their scores show of its correlation."""

from __future__ import annotations

from math import factorial, sqrt

import numpy as np
from numpy.typing import NDArray

from replicator.models.directions import with_fixed_signs
from replicator.special import eval_hermitenorm, ndtri

Floats = NDArray[np.float64]

TERMS = 24  # of the Hermite series; the last ones weigh less than 1 % of the first for a level of 2 %


def level_scores(share: Floats) -> Floats:
    r"""Mean of a standard normal within each of its levels.

    Parameters
    ----------
    share : (..., n_levels) float64
        Probabilities along the last axis, adding up to 1.

    Returns
    -------
    (..., n_levels) float64
        :math:`(\varphi(\tau_{l-1}) - \varphi(\tau_l)) / p_l`; 0 for a level without probability.
    """
    edge = np.concatenate([np.zeros((*share.shape[:-1], 1)), np.clip(np.cumsum(share, axis=-1), 0, 1)], axis=-1)
    edge[..., -1] = 1.0
    density = np.exp(-0.5 * ndtri(edge) ** 2) / np.sqrt(2 * np.pi)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(share > 0, -np.diff(density, axis=-1) / np.where(share > 0, share, 1.0), 0.0)


def mehler_coefficients(scores: Floats, cumulative: Floats) -> Floats:
    r"""Coefficients of a step function of a standard normal in normalised Hermite polynomials.

    Parameters
    ----------
    scores : (..., n_levels) float64
        Value of each step, from the lowest normals up.
    cumulative : (..., n_levels) float64
        Probability up to the end of each step; the last one is 1.

    Returns
    -------
    (..., TERMS) float64
        :math:`a_n` with :math:`\mathrm{cov}(g(z_1), h(z_2)) = \sum_n a_n(g)\, a_n(h)\, \rho^n` for two step functions of standard
        normals with correlation :math:`\rho` (Mehler's expansion).

    Notes
    -----
    :math:`a_n = \sum_l (h_{l+1} - h_l)\, \varphi(\tau_l)\, He_{n-1}(\tau_l) / \sqrt{n!}` over the edges :math:`\tau_l` between
    steps.
    """
    end = cumulative[..., :-1]
    cut = np.clip(ndtri(end), -8.0, 8.0)
    step = np.diff(scores, axis=-1) * np.exp(-0.5 * cut**2) / np.sqrt(2 * np.pi) * ((end > 0) & (end < 1))
    terms = [(step * eval_hermitenorm(n - 1, cut)).sum(axis=-1) / sqrt(factorial(n)) for n in range(1, TERMS + 1)]
    return np.stack(terms, axis=-1)


def hermite_coefficients(share: Floats) -> Floats:
    """Coefficients of level scores as functions of their latent normal.

    Parameters
    ----------
    share : (n_series, n_levels) float64
        Probabilities of the levels; unused levels 0.

    Returns
    -------
    (n_series, TERMS) float64
        As of :func:`mehler_coefficients`, but that the last one stands for all that would follow: their squares add up to the
        variance of the scores.
    """
    scores = level_scores(share)
    out = mehler_coefficients(scores, np.clip(np.cumsum(share, axis=-1), 0, 1))
    rest = (share * scores**2).sum(axis=-1) - (out[..., :-1] ** 2).sum(axis=-1)
    out[..., -1] = np.where(out[..., -1] < 0, -1.0, 1.0) * np.sqrt(np.maximum(rest, 0.0))
    return out


def latent_correlation(weights: Floats, covariance: Floats) -> Floats:
    """Invert the covariance of level scores to the correlation of the latent normals.

    Parameters
    ----------
    weights : (n_series, TERMS) float64
        Squares of :func:`hermite_coefficients`.
    covariance : (n_series,) float64
        Of the scores of one series at two times; at or below 0 gives 0.

    Returns
    -------
    (n_series,) float64
        Between 0 and 0.995.
    """
    grid = np.linspace(0, 0.995, 200)
    powers = grid[:, None] ** np.arange(1, weights.shape[1] + 1)
    curve = powers @ weights.T  # (grid, series), increasing
    position = (curve < covariance).sum(axis=0)
    below = np.clip(position - 1, 0, len(grid) - 2)
    columns = np.arange(len(covariance))
    low, high = curve[below, columns], curve[below + 1, columns]
    with np.errstate(divide="ignore", invalid="ignore"):
        part = np.where(high > low, (covariance - low) / (high - low), 0.0)
    found = grid[below] + np.clip(part, 0, 1) * (grid[below + 1] - grid[below])
    return np.where(covariance > 0, found, 0.0)


def order_levels(transitions: Floats, counts: Floats) -> NDArray[np.intp]:
    """Order categories so that those between which subjects move stand side by side.

    Parameters
    ----------
    transitions : (n_levels, n_levels) float64
        How often subjects hold both levels of a pair.
    counts : (n_levels,) float64
        How often each level occurs; the order starts at the end that holds the more common level.

    Returns
    -------
    (n_levels,) int
        Levels in order: the sign of the second eigenvector of the graph's Laplacian (Fiedler's vector).
    """
    n = len(counts)
    if n < 3:
        return np.argsort(-counts, kind="stable")
    weight = transitions + transitions.T
    np.fill_diagonal(weight, 0.0)
    scale = np.sqrt(np.outer(counts, counts))
    weight = weight / np.where(scale > 0, scale, 1.0) + 1e-6
    laplacian = np.diag(weight.sum(axis=1)) - weight
    vector = with_fixed_signs(np.linalg.eigh(laplacian)[1][:, 1:2])[:, 0]
    order = np.argsort(vector, kind="stable")
    half = n // 2
    return order if counts[order[:half]].sum() >= counts[order[n - half :]].sum() else order[::-1]
