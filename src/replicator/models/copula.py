"""A Gaussian copula over many variables of few subjects, some of them discrete, some missing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, TypeAlias

import numpy as np
from numpy.typing import NDArray

from replicator.models.adaptive_shrinkage import shared_differences, shrink_differences
from replicator.models.directions import with_fixed_signs
from replicator.models.score_correlation import ScoreCorrelation
from replicator.special import ndtri

Floats = NDArray[np.float64]
FACTOR_ROUNDS = 15  # of iterated principal factors
MOST_COMMON = 0.995  # share of a variable's variance that common factors may explain
EXPLAINED = (0.5, 1.0, 2.0, 4.0)  # standard errors of what factors explain, between classes of pairs
LEAST_DIFFERENCE = 0.05  # standard errors from what factors explain, below which nothing comes to it

Estimator: TypeAlias = Callable[[Floats], Floats]
"""Correlation (p, p) of incomplete scores (n, p); not finite where two variables have none."""


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


def pairwise_correlation(scores: Floats) -> Floats:
    """Pearson correlation of each two variables over the rows that have both.

    Parameters
    ----------
    scores : (n, p) float64
        NaN where missing.

    Returns
    -------
    (p, p) float64
        Not finite where no two rows differ in both.
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
        return np.asarray(covariance / np.sqrt(square_i * square_i.T))


@dataclass(frozen=True, eq=False)
class Kin:
    """Variables that are measured together, such as the questions about one symptom, and which groups of them are alike.

    Attributes
    ----------
    group : (p,) int64
        Variables of one group are kin; -1 for one that has none.
    kind : (p,) int64
        Groups of one kind are alike: the pairs of them all may have something in common.
    """

    group: NDArray[np.int64]
    kind: NDArray[np.int64]

    def of_pairs(self, left: NDArray[np.intp], right: NDArray[np.intp]) -> NDArray[np.int64]:
        """Kind of each pair (n,) of variables that are kin, -1 for all others."""
        together = (self.group[left] == self.group[right]) & (self.group[left] >= 0)
        return np.where(together, self.kind[left], -1)


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
    Correlations of the scores are shrunk by :func:`shrink_correlation`, reduced by :func:`common_correlation` to few factors and
    what pairs differ from these, divided by what the scores show (a discrete score shows its latent normal only in part), and
    made positive by dropping eigenvalues of the scores' matrix that are not: what scores show least is moved most.
    """

    kind: ClassVar[str] = "gaussian copula"

    loadings: Floats
    unique: Floats
    n: int

    @classmethod
    def fit(
        cls,
        scores: Floats,
        estimate: Estimator = pairwise_correlation,
        *,
        weights: Floats | None = None,
        kin: Kin | None = None,
        most_factors: int = 400,
    ) -> GaussianCopula:
        """Learn from normal scores.

        Parameters
        ----------
        scores : (n, p) float64
            From :func:`normal_scores`, one column a variable; NaN where missing.
        estimate : callable
            Correlates the scores; one of :data:`replicator.models.copula_engines.ENGINES`.
        weights : (p, TERMS) float64, optional
            How scores show their latent normals, where the scores do not tell (:meth:`ScoreCorrelation.of`).
        kin : Kin, optional
            Variables that are measured together.
        most_factors : int
            Upper bound of *r*.
        """
        n, p = scores.shape
        if p == 0:
            return cls(np.empty((0, 0)), np.empty(0), n)
        told = ScoreCorrelation.of(scores, estimate(scores), weights)
        correlation = common_correlation(told, shrink_correlation(told.correlation, told.pairs), kin)
        return cls.nearest(correlation, n, told.shown, most_factors)

    @classmethod
    def nearest(cls, correlation: Floats, n: int, shown: Floats | None = None, most_factors: int = 400) -> GaussianCopula:
        """Make a matrix (p, p) that need not be positive one: scores that show `shown` (p,) of it lose negative eigenvalues."""
        shown = np.ones(len(correlation)) if shown is None else shown
        values, vectors = np.linalg.eigh(correlation * np.outer(shown, shown))
        keep = np.argsort(-values)[: min(most_factors, len(correlation))]
        keep = keep[values[keep] > 1e-6]
        loadings = vectors[:, keep] * np.sqrt(values[keep]) / shown[:, None]
        length = np.sqrt((loadings**2).sum(axis=1))
        loadings = loadings / np.maximum(length, 1.0)[:, None]
        loadings = with_fixed_signs(loadings)
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
        common = rng.standard_normal((n, r)) @ self.loadings.T
        own = rng.standard_normal((n, p))
        own *= np.sqrt(self.unique)
        own += common
        return own

    def given(self, z: Floats, j: int, value: Floats) -> Floats:
        r"""Move draws to where they would lie, had variable *j* the given value.

        Parameters
        ----------
        z : (n, p) float64
            From :meth:`sample`.
        j : int
        value : (n,) float64

        Returns
        -------
        (n, p) float64
            :math:`z + R_{\cdot j} (value - z_j)`, distributed as *z* given :math:`z_j = value`; so as *z* itself, if the values are
            standard normal (J.-P. Chiles, P. Delfiner, 2012, Geostatistics, 2nd ed., section 7.3, conditioning by kriging).
        """
        to_j = self.loadings @ self.loadings[j]
        to_j[j] = 1.0
        return np.asarray(z + np.outer(value - z[:, j], to_j), np.float64)


def shrink_correlation(correlation: Floats, pairs: Floats) -> Floats:
    r"""Shrink correlations by what their own distribution says of the noise in them.

    Parameters
    ----------
    correlation : (p, p) float64
    pairs : (p, p) float64
        Effective number of subjects behind each.

    Returns
    -------
    (p, p) float64
        Symmetric, ones on the diagonal.

    Notes
    -----
    With :math:`z = \operatorname{artanh}(r) \sqrt{n - 3}`, of variance 1 about its mean :math:`\mu`, Tweedie's formula gives
    :math:`E(\mu \mid z) = z + \frac{d}{dz} \log f(z)`, where *f* is the density of all *z*, here a histogram smoothed by a normal
    kernel. Where nothing is correlated everything shrinks to 0; a strong correlation among many weak ones stays. With fewer
    than 300 pairs a density cannot be had, and :math:`z \max(0, 1 - 1/z^2)` (James-Stein) is taken instead.

    References
    ----------
    Efron, B. (2011). Tweedie's formula and selection bias. JASA 106, 1602-1614.
    """
    p = len(correlation)
    upper = np.triu_indices(p, 1)
    r, n = correlation[upper], np.maximum(pairs[upper] - 3, 1.0)
    z = _artanh(r) * np.sqrt(n)
    informed = (pairs[upper] >= 4) & (r != 0)
    mu = z * np.maximum(0.0, 1 - 1 / np.maximum(z**2, 1e-12))
    if informed.sum() >= 300:
        mu = np.where(informed, _tweedie(z, z[informed]), 0.0)
    out = np.eye(p)
    out[upper] = np.where(informed, np.tanh(mu / np.sqrt(n)), 0.0)
    return np.maximum(out, out.T) + np.minimum(out, out.T) - np.diag(np.diag(out))


def common_correlation(told: ScoreCorrelation, believed: Floats, kin: Kin | None = None) -> Floats:
    r"""Correlate latent normals by common factors, and by how far pairs differ from what those explain.

    Parameters
    ----------
    told : ScoreCorrelation
    believed : (p, p) float64
        What is left of the correlations of the scores when their noise is taken out, or as they are.
    kin : Kin, optional
        Variables that are measured together.

    Returns
    -------
    (p, p) float64
        Symmetric, ones on the diagonal; need not be positive.

    Notes
    -----
    There are as many factors as eigenvalues beyond :math:`(1 + \sqrt{p/n})^2`, the end of what noise alone makes of *n*
    subjects; *n* is the median of the pairs, and correlations behind which there is less count for less. They are fitted to the
    correlations of the scores, and then told of the latent normals: those of a variable that nearly all subjects have alike are
    multiples of the scores', and would be the largest of all for their noise. What the scores of a pair correlate otherwise
    than those of such latent normals would, in standard errors, is shrunk by
    :func:`~replicator.models.adaptive_shrinkage.shrink_differences`, in classes of what the factors explain: where they explain
    much they miss much, and a difference is sooner believed. What pairs of kin (answers about one symptom, asked of every
    symptom) differ by on average is kept as :func:`~replicator.models.adaptive_shrinkage.shared_differences` has it, and what
    single pairs differ from that is shrunk: one by one they would be lost among thousands of pairs that have nothing to do with
    each other. A pair beyond :math:`\sqrt{2 \log p}` keeps its own, as far as it is `believed`, however few such there are.
    Entries of a large matrix that are right one by one still follow, together, the directions in which the few subjects happen to
    lie; few factors cannot, and differences within the noise of the many pairs that factors explain nothing of are next to
    nothing when they are shrunk.

    References
    ----------
    J. Baik, G. Ben Arous, S. Peche (2005). Phase transition of the largest eigenvalue for nonnull complex sample covariance
    matrices. Annals of Probability 33, 1643-1697.
    J. Fan, Y. Liao, M. Mincheva (2013). Large covariance estimation by thresholding principal orthogonal complements. JRSS B 75,
    603-680 (factors first, then what they leave).
    """
    p = len(believed)
    if p < 2:
        return np.ones((p, p))
    n = max(float(np.median(told.pairs[np.triu_indices(p, 1)])), 1.0)
    even = told.correlation * np.sqrt(np.minimum(told.pairs / n, 1.0))
    np.fill_diagonal(even, 1.0)
    rank = int((np.linalg.eigvalsh(even) > (1 + np.sqrt(p / n)) ** 2).sum())
    loadings = no_more_than_all(common_factors(believed, rank) / told.shown[:, None])
    explained = loadings @ loadings.T
    upper = np.triu_indices(p, 1)
    standard = np.sqrt(np.maximum(told.pairs[upper] - 3, 1.0))
    shown = _artanh(told.show(explained))[upper]
    known = (told.pairs[upper] >= 4) & (told.correlation[upper] != 0)
    apart = np.where(known, (_artanh(told.correlation)[upper] - shown) * standard, 0.0)
    alike = np.full(len(apart), -1) if kin is None else kin.of_pairs(*upper)
    shared = shared_differences(apart, standard, np.where(known, alike, -1))
    explains = np.digitize(np.abs(shown * standard)[known], EXPLAINED)
    differs = shared.copy()
    differs[known] += shrink_differences((apart - shared)[known], explains)
    wanted, clear = np.zeros((p, p)), np.zeros((p, p), bool)
    drawn, own = np.tanh(shown + differs / standard), believed[upper]
    far = (np.abs(apart) > np.sqrt(2 * np.log(p))) & ((shared == 0) | (np.abs(own) > np.abs(drawn)))
    wanted[upper] = np.where(far, own, drawn)
    clear[upper] = far | (np.abs(differs) > LEAST_DIFFERENCE)
    latent = told.latent(wanted, clear)
    out = np.where(clear | clear.T, latent + latent.T, explained)
    np.fill_diagonal(out, 1.0)
    return out


def _artanh(correlation: Floats) -> Floats:
    """Fisher's z of correlations, those near 1 kept finite."""
    return np.arctanh(np.clip(correlation, -0.995, 0.995))


def common_factors(correlation: Floats, rank: int) -> Floats:
    """Loadings (p, rank) of the factors that explain most of correlations (p, p), by iterated principal factors."""
    from scipy.linalg import eigh  # noqa: PLC0415  what sampling need not load

    p = len(correlation)
    common = np.full(p, 0.5)
    loadings = np.zeros((p, rank))
    for _ in range(FACTOR_ROUNDS if rank else 0):
        reduced = correlation.copy()
        np.fill_diagonal(reduced, common)
        values, vectors = eigh(reduced, subset_by_index=(p - rank, p - 1))
        loadings = vectors * np.sqrt(np.maximum(values, 0.0))
        before, common = common, np.minimum((loadings**2).sum(axis=1), MOST_COMMON)
        if np.abs(common - before).max() < 1e-3:
            break
    return no_more_than_all(loadings)


def no_more_than_all(loadings: Floats) -> Floats:
    """Shorten loadings (p, rank) that explain more than a share of `MOST_COMMON` of a variable."""
    length = np.sqrt((loadings**2).sum(axis=1) / MOST_COMMON)
    return np.asarray(loadings / np.maximum(length, 1.0)[:, None], np.float64)


def _tweedie(z: Floats, sample: Floats) -> Floats:
    """Posterior means of normal means given observations `z`, whose density is that of `sample`."""
    width = 0.05
    top = max(6.0, float(np.abs(sample).max()) + 3.0)
    edges = np.arange(-top, top + width, width)
    middle = (edges[:-1] + edges[1:]) / 2
    counts = np.histogram(np.concatenate([sample, -sample]), edges)[0].astype(np.float64)
    bandwidth = 0.35
    reach = np.arange(-int(5 * bandwidth / width), int(5 * bandwidth / width) + 1) * width
    kernel = np.exp(-0.5 * (reach / bandwidth) ** 2)
    density = np.convolve(counts, kernel / kernel.sum(), mode="same") + 1e-3
    slope = np.gradient(np.log(density), width)
    # the kernel widens the density: what it shows of the noise is 1 + bandwidth^2
    mean = middle + (1 + bandwidth**2) * slope
    right = middle > 0
    shrunk = np.maximum.accumulate(np.clip(mean[right], 0.0, middle[right]))
    far = np.abs(z) > 4.5  # so far out the density is that of single pairs: keep all but the noise of one
    magnitude = np.interp(np.abs(z), middle[right], shrunk)
    return np.sign(z) * np.where(far, np.maximum(magnitude, np.abs(z) - 1.0 / np.maximum(np.abs(z), 1.0)), magnitude)
