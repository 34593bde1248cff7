r"""The game of one subject in or out: how well it can be told from what is released of some subjects who was among them.

From a pool of *N* subjects *n* are drawn at random, something is released of them, and this is done many times. The attacker knows
all of every subject of the pool and what was released, and says of each subject and release how sure it is that the subject was in.
What is random is who the other subjects were: a release that is a function of its subjects alone always differs with one of them,
but the attacker, who does not know the others, cannot say whose absence made the difference.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri
from scipy.stats import rankdata
from sklearn.covariance import ledoit_wolf
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from replicator.evaluation.measures import NORMAL_95, Interval

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]
Positions = NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class MeansTest:
    r"""The test of likelihood ratios for means: how far they lie from those of the pool in the direction of a subject.

    Attributes
    ----------
    place : (n_pool, n_features) float64
        Subjects of the pool about their mean.
    weighted : (n_pool, n_features) float64
        :math:`z^T P`, where *P* is the inverse of the shrunken covariance of the pool.

    Notes
    -----
    The mean of *n* subjects is about normal with covariance :math:`\Sigma / n`, and a subject :math:`z` moves it by :math:`z / n`.
    The most powerful test of whether it is in is :math:`z^T \Sigma^{-1} \bar x` (Neyman and Pearson). It errs least where the means
    are released exactly; *d* independent variables then tell an average subject apart with an AUC of
    :math:`\Phi(\sqrt{d / 2n})`, and a single one, on which the subject lies *z* standard deviations out, with
    :math:`\Phi(|z| / \sqrt{2n})`.

    References
    ----------
    N. Homer and others, "Resolving individuals contributing trace amounts of DNA to highly complex mixtures", *PLoS Genetics* 4,
    2008, e1000167.
    S. Sankararaman, G. Obozinski, M. I. Jordan, E. Halperin, "Genomic privacy and limits of individual detection in a pool",
    *Nature Genetics* 41, 2009, pages 965-967.
    O. Ledoit, M. Wolf, "A well-conditioned estimator for large-dimensional covariance matrices", *Journal of Multivariate Analysis*
    88, 2004, pages 365-411.
    """

    place: Floats
    weighted: Floats

    @classmethod
    def of(cls, pool: Floats) -> MeansTest:
        """Learn what is known of the pool (n_pool, n_features), none missing."""
        place = pool - pool.mean(axis=0)
        covariance, _ = ledoit_wolf(place, assume_centered=True)
        return cls(place, np.linalg.solve(covariance, place.T).T)

    def scores(self, released: Floats) -> Floats:
        """Say how sure it is that each subject was in each release.

        Parameters
        ----------
        released : (n_fits, n_features) float64
            Means.

        Returns
        -------
        (n_fits, n_pool) float64
        """
        scores: Floats = (released - released.mean(axis=0)) @ self.weighted.T
        return scores

    def expected_auc(self, n: int) -> Floats:
        r"""AUC of the test for each subject of the pool where the exact means of `n` of them are released: (n_pool,).

        Notes
        -----
        Being in moves it by :math:`z^T P z / n`; who the others were gives it the variance :math:`v = s^2 (1 - n/N) / n`,
        where :math:`s^2` is that of :math:`z^T P x` among the others. :math:`\Phi(shift / \sqrt{2v})` is the AUC of two normals.
        """
        total = len(self.place)
        own = (self.weighted * self.place).sum(axis=1)
        covariance = self.place.T @ self.place / total
        among = total * ((self.weighted @ covariance) * self.weighted).sum(axis=1) - own**2
        variance = np.maximum(among / (total - 1) * (1 - n / total) / n, np.finfo(np.float64).tiny)
        auc: Floats = ndtr(own / n / np.sqrt(2 * variance))
        return auc


def as_exact_means(auc: float, n: int, total: int) -> float:
    """How many independent variables tell as much by the exact means of `n` out of `total` subjects."""
    return float(2 * n * (1 - n / total) * ndtri(np.clip(auc, 0.5, 1 - 1e-9)) ** 2)


def learned_scores(seen: Floats, taught: Mask) -> Floats:
    """Scores of a classifier that learned from one half of the fits how subjects look that were in, and judges the other half.

    Parameters
    ----------
    seen : (n_fits, n_pool, n_seen) float64
        What is seen of each subject in each fit.
    taught : (n_fits, n_pool) bool
        Who was in.

    Returns
    -------
    (n_fits, n_pool) float64
        Comparable within each half.

    Notes
    -----
    Each number is taken as it is and about the subject's mean over the fits that were learned from.
    """
    out = np.full(taught.shape, np.nan)
    for judged in halves(len(seen)):
        known = np.setdiff1d(np.arange(len(seen)), judged)
        own = seen[known].mean(axis=0)
        rows = np.concatenate([seen, seen - own], axis=2)
        classifier = make_pipeline(StandardScaler(), LogisticRegression())
        classifier.fit(rows[known].reshape(-1, rows.shape[2]), taught[known].ravel())
        out[judged] = classifier.decision_function(rows[judged].reshape(-1, rows.shape[2])).reshape(len(judged), -1)
    return out


def halves(n_fits: int) -> tuple[Positions, Positions]:
    """Split the fits in two."""
    return np.arange(0, n_fits, 2), np.arange(1, n_fits, 2)


def auc_by_subject(scores: Floats, taught: Mask) -> Floats:
    """AUC of telling the fits that a subject was in from the others: (n_pool,), NaN for one who was in all or none.

    Parameters
    ----------
    scores : (n_fits, n_pool) float64
        Higher for those more likely in.
    taught : (n_fits, n_pool) bool
    """
    inside = taught.sum(axis=0).astype(np.float64)
    outside = len(taught) - inside
    ranks = np.where(taught, rankdata(scores, axis=0), 0.0).sum(axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray((ranks - inside * (inside + 1) / 2) / (inside * outside), np.float64)


def group_auc(scores: Floats, taught: Mask, group: Positions) -> tuple[float, Interval]:
    """Mean AUC over a group of subjects, and its 95 % interval over the fits.

    Parameters
    ----------
    scores : (n_fits, n_pool) float64
        Comparable within each of :func:`halves`.
    taught : (n_fits, n_pool) bool
    group : (n_group,) intp
        Positions in the pool.

    Notes
    -----
    The standard error is the jackknife's: every fit is left out once.
    """

    def mean(kept: Positions) -> float:
        parts = [auc_by_subject(scores[one], taught[one][:, group])[None] for one in (kept[kept % 2 == 0], kept[kept % 2 == 1])]
        return float(np.nanmean(np.concatenate(parts)))

    scores = scores[:, group]
    n = len(scores)
    everything = np.arange(n)
    value = mean(everything)
    without = np.array([mean(np.delete(everything, i)) for i in range(n)])
    error = float(np.sqrt((n - 1) / n * ((without - without.mean()) ** 2).sum()))
    return value, Interval(max(value - NORMAL_95 * error, 0.0), min(value + NORMAL_95 * error, 1.0))
