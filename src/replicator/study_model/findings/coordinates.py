"""Levels of tests that belong together, told in coordinates that do not: items of an instrument, and tests tied by a law.

The subject model takes the noise of few subjects and very many features out of every correlation, and what each of many pairs of
items loses is lost many times over in their sum. Coordinates of the items alone, of which there are few, are not correlated: there
is nothing to lose, and levels made of them vary together as the source's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from replicator.models.copula import common_correlation, pairwise_correlation
from replicator.models.directions import with_fixed_signs
from replicator.models.marginals import QuantileMarginal
from replicator.models.score_correlation import ScoreCorrelation
from replicator.special import ndtr

Codes = NDArray[np.intp]
Floats = NDArray[np.float64]

FEWEST_SUBJECTS = 2  # times the tests of a group, before their correlations are taken together
FEWEST_ITEMS = 5  # of an instrument; the sum of fewer loses little
COMMON = 0.8  # of the subjects of a group's most frequent test, those that a test must have to be told with it
LEAST = 1e-6  # eigenvalue of a correlation
NORMALS = np.linspace(-3.5, 3.5, 29)
N_DRAWN = 20_000
TIED = 1e-3  # standard deviations


@dataclass(frozen=True, eq=False)
class Coordinates:
    """Levels as linear functions of principal coordinates.

    Attributes
    ----------
    columns : (m,) int64
        Latent columns whose levels are told so.
    group : (m,) int64
        Which of them belong together.
    loading : (m, d) float64
        Levels by coordinates of unit variance; 0 for coordinates of another group.
    knots : (m, 29) float64
        Levels that the coordinates give at the normal quantiles :data:`NORMALS`; a level stands for the normal between them. NaN
        for levels of measurements, which stand for themselves.
    """

    kind: ClassVar[str] = "findings coordinates"

    columns: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, np.int64))
    group: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, np.int64))
    loading: Floats = field(default_factory=lambda: np.empty((0, 0)))
    knots: Floats = field(default_factory=lambda: np.empty((0, len(NORMALS))))

    @classmethod
    def fit(cls, level: Floats, groups: Sequence[tuple[Codes, int]], k: int = 1) -> tuple[Coordinates, Floats]:
        """Find the coordinates of each group.

        Parameters
        ----------
        level : (n_seen, n_columns) float64
            Levels of subjects, as normal scores or near them; NaN where there is none.
        groups : sequence of ((n,) int, int)
            Latent columns, no column twice; and how many directions of a group carry nothing but rounding. Where there are such,
            the levels are of measurements, whose standard deviation is taken for 1; others are scores, of less if there are ties.
        k : int
            Fewest subjects behind a quantile of a coordinate.

        Returns
        -------
        Coordinates
            Of the groups with subjects enough.
        scores : (n_seen, d) float64
            Coordinates of the subjects, of unit variance; NaN for a subject without any of a group's levels.
        """
        columns: list[Codes] = []
        loadings: list[Floats] = []
        scores: list[Floats] = []
        knots: list[Floats] = []
        for wanted, idle in groups:
            known = np.isfinite(level[:, wanted]).sum(axis=0)
            mine = wanted[(known > 0) & (known >= COMMON * known.max(initial=0))] if idle == 0 else wanted
            if len(mine) < (2 + idle if idle else FEWEST_ITEMS) or known.max(initial=0) < FEWEST_SUBJECTS * len(mine):
                continue
            found = _principal(level[:, mine], len(mine) - idle, measured=idle > 0)
            if found is None:
                continue
            columns.append(mine)
            loadings.append(found[0])
            scores.append(found[1])
            knots.append(np.full((len(mine), len(NORMALS)), np.nan) if idle else _knots(*found, k))
        if not columns:
            return cls(), np.empty((len(level), 0))
        width = [one.shape[1] for one in loadings]
        loading = np.zeros((sum(map(len, columns)), sum(width)))
        row = col = 0
        for block in loadings:
            loading[row : row + block.shape[0], col : col + block.shape[1]] = block
            row, col = row + block.shape[0], col + block.shape[1]
        group = np.repeat(np.arange(len(columns)), [len(one) for one in columns])
        free = np.concatenate(scores, axis=1)
        return cls(np.concatenate(columns).astype(np.int64), group, loading, np.concatenate(knots)), free

    def members(self, coordinate: int) -> NDArray[np.int64]:
        """Latent columns of the group that a coordinate belongs to."""
        first = int(np.abs(self.loading[:, coordinate]).argmax())
        mine: NDArray[np.int64] = self.columns[self.group == self.group[first]]
        return mine

    def levels(self, scores: Floats, rng: np.random.Generator) -> Floats:
        """Levels (n, m) of `columns` at coordinates (n, d); `rng` parts those that are equal."""
        out = _apart(scores @ self.loading.T, rng)
        for j, knots in enumerate(self.knots):
            if np.isfinite(knots[0]):
                out[:, j] = np.interp(out[:, j], knots, NORMALS)
        return out


def _apart(level: Floats, rng: np.random.Generator) -> Floats:
    """Move levels (n, m) by next to nothing, so that no two are equal."""
    return level + TIED * rng.standard_normal(level.shape)


def _knots(loading: Floats, scores: Floats, k: int) -> Floats:
    """Quantiles of the levels that coordinates (n, d) with loadings (m, d) give, drawn as the subject model draws them: (m, 29).

    A coordinate of rare answers is a spike and a few far off, of which its smoothed distribution has too many between them.
    """
    rng = np.random.default_rng(0)
    drawn = [QuantileMarginal.fit(of, k=k).quantile(rng.random(N_DRAWN)) for of in scores.T]
    levels = _apart(np.stack(drawn, axis=1) @ loading.T, rng)
    return np.asarray(np.quantile(levels, ndtr(NORMALS), axis=0).T, np.float64)


def _principal(level: Floats, most: int, *, measured: bool) -> tuple[Floats, Floats] | None:
    """Loadings (m, d) of at most `most` principal coordinates, and the subjects' scores (n, d); None where nothing varies."""
    deviation = np.nanstd(level, axis=0)
    if not (deviation > 0).all():
        return None
    shown = np.ones(len(deviation)) if measured else np.minimum(deviation, 1.0)
    if measured:
        level = level / deviation
    seen = np.isfinite(level)
    correlation = pairwise_correlation(level)
    if not np.isfinite(correlation).all():
        return None
    if not measured:
        told = ScoreCorrelation.of(level, correlation)
        correlation = common_correlation(told, told.correlation)
    values, vectors = np.linalg.eigh(correlation)
    top = np.argsort(-values)[:most]
    top = top[values[top] > LEAST]
    loading = with_fixed_signs(vectors[:, top] * np.sqrt(values[top]))
    loading /= np.sqrt((loading**2).sum(axis=1))[:, None]
    # a score is the mean of its latent normal: of its variance, and of all covariances, that share
    covariance = np.outer(shown, shown) ** 2 * ((vectors * np.maximum(values, LEAST)) @ vectors.T)
    np.fill_diagonal(covariance, shown**2)
    scores = np.full((len(level), len(top)), np.nan)
    patterns, which = np.unique(seen, axis=0, return_inverse=True)
    for number, there in enumerate(patterns):
        rows = np.flatnonzero(which.reshape(-1) == number)
        if there.any():
            weight = np.linalg.solve(covariance[np.ix_(there, there)], shown[there, None] ** 2 * loading[there])
            scores[rows] = level[np.ix_(rows, there)] @ weight
    deviation = np.nanstd(scores, axis=0)
    if not (deviation > 0).all():
        return None
    return loading, (scores - np.nanmean(scores, axis=0)) / deviation
