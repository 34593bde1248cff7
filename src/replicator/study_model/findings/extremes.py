"""Subjects who are always at the lowest or the highest level of a test."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from replicator.models.copula import normal_scores
from replicator.special import ndtri

Floats = NDArray[np.float64]
Codes = NDArray[np.intp]


def _tail_mean(share: Floats) -> Floats:
    """Mean of a standard normal below its quantile at `share`."""
    safe = np.clip(share, 1e-9, 1 - 1e-9)
    out: Floats = -np.exp(-0.5 * ndtri(safe) ** 2) / np.sqrt(2 * np.pi) / safe
    return out


def tie_extremes(
    level: Floats, y: Floats, column: Codes, subject: Codes, discrete: NDArray[np.bool_]
) -> tuple[Floats, Floats, Floats]:
    """Normal scores of the levels of discrete columns; subjects always lowest (or highest) share one score."""
    out = level.copy()
    n_columns = level.shape[1]
    bottom, top = np.zeros(n_columns), np.zeros(n_columns)
    least, most = np.full(level.shape, np.inf), np.full(level.shape, -np.inf)
    np.minimum.at(least, (subject, column), y)
    np.maximum.at(most, (subject, column), y)
    lowest, highest = np.full(n_columns, np.inf), np.full(n_columns, -np.inf)
    np.minimum.at(lowest, column, y)
    np.maximum.at(highest, column, y)
    for c in np.flatnonzero(discrete):
        seen = np.isfinite(least[:, c])
        if highest[c] <= lowest[c]:
            out[:, c] = np.nan
            continue
        value = np.where(np.isfinite(level[:, c]), level[:, c], 0.0)
        span = np.abs(value).max() + 1
        low, high = seen & (most[:, c] == lowest[c]), seen & (least[:, c] == highest[c])
        value = np.where(low, -span, np.where(high, span, value))
        out[:, c] = normal_scores(np.where(seen, value, np.nan))
        bottom[c], top[c] = low.sum() / max(1, seen.sum()), high.sum() / max(1, seen.sum())
    return out, bottom, top


def spread_extremes(level: Floats, bottom: Floats, top: Floats, rng: np.random.Generator) -> Floats:
    """Spread drawn levels that stand for "always lowest" or "always highest" over the normals they stand for.

    Parameters
    ----------
    level : (n_seen, n_columns) float64
        Drawn features.
    bottom, top : (n_columns,) float64
        Share of subjects who are always at the lowest or highest level.
    """
    u = rng.random(level.shape)
    low_score, high_score = _tail_mean(bottom), -_tail_mean(top)
    low = (bottom > 0) & (level <= low_score + 1e-9)
    high = (top > 0) & (level >= high_score - 1e-9)
    level = np.where(low, ndtri(np.clip(u * bottom, 1e-6, 1 - 1e-6)), level)
    return np.where(high, ndtri(np.clip(1 - u * top, 1e-6, 1 - 1e-6)), level)
