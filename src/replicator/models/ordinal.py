r"""Ordered categories as thresholds on a latent standard normal, and what their scores show of its correlation."""

from __future__ import annotations

from math import factorial

import numpy as np
from numpy.typing import NDArray
from scipy.special import eval_hermitenorm, ndtri

from replicator.models.directions import with_fixed_signs

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


def hermite_weights(share: Floats) -> Floats:
    r"""Share of the scores' covariance that each power of the latent correlation carries.

    Parameters
    ----------
    share : (n_series, n_levels) float64
        Probabilities of the levels; unused levels 0.

    Returns
    -------
    (n_series, TERMS) float64
        :math:`w_n` with :math:`\mathrm{cov}(h(z_1), h(z_2)) = \sum_n w_n \rho^n` for the level scores *h* of two standard
        normals with correlation :math:`\rho`.

    Notes
    -----
    :math:`w_n = c_n^2 / n!` with
    :math:`c_n = \sum_l h_l [\varphi(\tau_{l-1}) He_{n-1}(\tau_{l-1}) - \varphi(\tau_l) He_{n-1}(\tau_l)]` (Mehler's expansion).
    """
    scores = level_scores(share)
    edge = np.concatenate([np.zeros((len(share), 1)), np.clip(np.cumsum(share, axis=1), 0, 1)], axis=1)
    edge[:, -1] = 1.0
    cut = np.clip(ndtri(edge), -8.0, 8.0)
    density = np.exp(-0.5 * cut**2) / np.sqrt(2 * np.pi) * ((edge > 0) & (edge < 1))
    weights = np.empty((len(share), TERMS))
    for n in range(1, TERMS + 1):
        term = density * eval_hermitenorm(n - 1, cut)
        weights[:, n - 1] = (scores * -np.diff(term, axis=1)).sum(axis=1) ** 2 / factorial(n)
    return weights


def latent_correlation(weights: Floats, covariance: Floats) -> Floats:
    """Invert the covariance of level scores to the correlation of the latent normals.

    Parameters
    ----------
    weights : (n_series, TERMS) float64
        From :func:`hermite_weights`.
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
