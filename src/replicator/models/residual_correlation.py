"""Correlation of residuals of one occasion, moved until what is drawn shows around subjects' means what the source shows."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from replicator.models.adaptive_shrinkage import shrink_differences
from replicator.models.copula import EXPLAINED, GaussianCopula, normal_scores, pairwise_correlation
from replicator.models.score_correlation import ScoreCorrelation

Floats = NDArray[np.float64]
Codes = NDArray[np.intp]

ROUNDS = 3  # of drawing and comparing
MOST_Z = 2.6  # of a correlation, in the scale of Fisher's z
FEWEST = 4  # pairs of values, less those that subjects' means take


def around_means(values: Floats, run: Codes) -> Floats:
    """Normal scores (n_occasions, n_series) of what values, NaN where there is none, are off the mean of their subject.

    Subjects with one value of a series have none; `run` (n_occasions,) says whose occasions they are, without gaps.
    """
    seen = np.isfinite(values)
    starts = _starts(run)
    size = np.add.reduceat(seen, starts, axis=0, dtype=np.float64)
    mean = np.add.reduceat(np.where(seen, values, 0.0), starts, axis=0) / np.maximum(size, 1)
    off = np.where(seen & (size > 1).take(run, axis=0), values - mean.take(run, axis=0), np.nan)
    return np.column_stack([normal_scores(one) for one in off.T]) if off.shape[1] else off


def moved_to_seen(
    residual: GaussianCopula, series: Codes, values: Floats, run: Codes, draw: Callable[[GaussianCopula], Floats]
) -> GaussianCopula:
    r"""Move the correlations of the residuals of numbers by what draws miss of those seen.

    Parameters
    ----------
    residual : GaussianCopula
        Of standardised residuals of all series.
    series : (n_numbers,) int
        Those that are numbers; correlations of others stay.
    values : (n_occasions, n_numbers) float64
        Of the source, NaN where there is none.
    run : (n_occasions,) int
        Whose.
    draw : callable
        Gives scores as of :func:`around_means` for residuals of a given correlation, always with the same seed.

    Notes
    -----
    A standardised residual counts alike whether its subject scatters little or much. Where all that varies in a steady subject is
    the noise of each measurement, and what moves in another moves several series at once, correlations of standardised residuals
    are smaller than those of the values; subjects' spreads and slopes of their own, drawn besides, make them smaller still. What
    the source shows otherwise than draws do, in standard errors, is drawn towards 0 as in
    :func:`~replicator.models.copula.common_correlation`; pairs count by the values that are left once means are taken out.
    """
    scores = around_means(values, run)
    seen = np.isfinite(scores)
    told = ScoreCorrelation.of(scores, pairwise_correlation(scores))
    both = seen.astype(np.float64).T @ seen
    whole = np.logical_or.reduceat(seen, _starts(run), axis=0).astype(np.float64)
    pairs = told.pairs * (1 - np.minimum(whole.T @ whole / np.maximum(both, 1.0), 1.0))
    upper = np.triu_indices(len(series), 1)
    standard = np.sqrt(np.maximum(pairs[upper] - 3, 1.0))
    known = (pairs[upper] >= FEWEST) & (told.correlation[upper] != 0)
    if not known.any():
        return residual

    def shown(of: GaussianCopula) -> Floats:
        return _fisher(np.nan_to_num(pairwise_correlation(draw(of))))[upper]

    first = shown(residual)
    apart = np.where(known, (_fisher(told.correlation)[upper] - first) * standard, 0.0)
    differs = np.zeros(len(apart))
    differs[known] = shrink_differences(apart[known], np.digitize(np.abs(first * standard)[known], EXPLAINED))
    goal = first + differs / standard
    correlation, at = residual.correlation, (series[upper[0]], series[upper[1]])
    latent, moved, now = _fisher(correlation[at]), residual, first
    for _ in range(ROUNDS):
        latent = np.clip(latent + np.where(differs != 0, goal - now, 0.0), -MOST_Z, MOST_Z)
        correlation[at] = correlation[at[::-1]] = np.tanh(latent)
        moved = GaussianCopula.nearest(correlation, residual.n)
        now = shown(moved)
    return moved


def _starts(run: Codes) -> NDArray[np.intp]:
    """First occasion of each subject: (n_subjects,)."""
    return np.flatnonzero(np.diff(run, prepend=-1))


def _fisher(correlation: Floats) -> Floats:
    return np.arctanh(np.clip(correlation, -0.99, 0.99))
