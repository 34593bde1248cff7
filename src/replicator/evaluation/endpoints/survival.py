"""Survival in two arms: Kaplan and Meier's curve with Greenwood's variance, the log-rank test, Cox's hazard ratio."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import chi2

from replicator.evaluation.distances import Floats
from replicator.evaluation.endpoints.estimates import wilson

MOST_STEPS = 50  # of Newton's method
FARTHEST = 20.0  # logarithm of a hazard ratio from where it is taken for infinite


@dataclass(frozen=True, eq=False)
class LifeTable:
    """Groups of subjects at each distinct time: events, and those still there before it.

    Attributes
    ----------
    times : (n_times,) float64
        Distinct times in order.
    events, at_risk : (n_groups, n_times) float64
    """

    times: Floats
    events: Floats
    at_risk: Floats

    @classmethod
    def of(cls, time: ArrayLike, event: ArrayLike, group: ArrayLike, n_groups: int) -> LifeTable:
        """Count; subjects without a time, or with a negative group, are left out.

        Parameters
        ----------
        time : (n,) float
        event : (n,) bool
            False where a subject was last seen without the event.
        group : (n,) int
        """
        days, happened, which = np.asarray(time, np.float64), np.asarray(event, bool), np.asarray(group, np.int64)
        known = np.isfinite(days) & (which >= 0)
        times, at = np.unique(days[known], return_inverse=True)
        place = which[known] * len(times) + at
        shape = (n_groups, len(times))
        left = np.bincount(place, minlength=n_groups * len(times)).reshape(shape)
        events = np.bincount(place[happened[known]], minlength=n_groups * len(times)).reshape(shape).astype(np.float64)
        return cls(times, events, np.cumsum(left[:, ::-1], axis=1)[:, ::-1].astype(np.float64))


@dataclass(frozen=True, eq=False)
class Staying:
    """Kaplan-Meier estimates, (n_groups, n_times) each.

    Attributes
    ----------
    share : float64
        Without the event after each time.
    effective : float64
        Number of subjects of whom a plain share would have Greenwood's variance; those at risk where nobody had the event yet.
    """

    share: Floats
    effective: Floats

    def interval(self) -> tuple[Floats, Floats]:
        """95 % interval: Wilson's of the effective number [1]_.

        References
        ----------
        .. [1] K. J. Rothman, "Estimation of confidence limits for the cumulative probability of survival in life table analysis",
           *Journal of Chronic Diseases* 31, 1978, pages 557-560.
        """
        return wilson(self.share, self.effective)


def kaplan_meier(table: LifeTable) -> Staying:
    """Estimate the share without the event.

    References
    ----------
    E. L. Kaplan, P. Meier, "Nonparametric estimation from incomplete observations", *JASA* 53, 1958, pages 457-481.
    M. Greenwood, *The natural duration of cancer*, HMSO, London 1926.
    """
    d, n = table.events, np.maximum(table.at_risk, 1.0)
    share: Floats = np.cumprod(1.0 - d / n, axis=1, dtype=np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        spread = np.cumsum(np.where(d > 0, d / (n * (n - d)), 0.0), axis=1)
        effective = (1.0 - share) / (share * spread)
    none = (share >= 1.0) | (share <= 0.0)
    return Staying(share, np.where(none, table.at_risk, effective))


def log_rank(table: LifeTable) -> tuple[float, float]:
    """Chi-square of one degree of freedom and p, of the first two groups of a life table; NaN without events.

    References
    ----------
    N. Mantel, "Evaluation of survival data and two new rank order statistics arising in its consideration", *Cancer Chemotherapy
    Reports* 50, 1966, pages 163-170.
    """
    d, n = table.events[:2].sum(axis=0), table.at_risk[:2].sum(axis=0)
    some = d > 0
    d, n, n_second = d[some], n[some], table.at_risk[1][some]
    expected = d * n_second / n
    variance = (expected * (1 - n_second / n) * (n - d) / np.maximum(n - 1, 1)).sum()
    if not variance > 0:
        return np.nan, np.nan
    square = float((table.events[1][some] - expected).sum() ** 2 / variance)
    return square, float(chi2.sf(square, 1))


def log_hazard_ratio(table: LifeTable) -> tuple[float, float]:
    """Logarithm of the hazard ratio of the second group over the first, and its standard error.

    Cox's partial likelihood of one covariate, ties after Efron, by Newton's method; NaN where a group has no events or the ratio is
    infinite.

    References
    ----------
    D. R. Cox, "Regression models and life-tables", *JRSS B* 34, 1972, pages 187-220.
    B. Efron, "The efficiency of Cox's likelihood function for censored data", *JASA* 72, 1977, pages 557-565.
    """
    if (table.events[:2].sum(axis=1) == 0).any():
        return np.nan, np.nan
    d = table.events[:2].sum(axis=0).astype(np.int64)
    each = np.repeat(np.arange(len(d)), d)  # the time of each event
    order = np.arange(len(each)) - np.repeat(np.cumsum(d) - d, d)
    part = order / d[each]  # of those tied there, how many have gone before
    first, second = (table.at_risk[i][each] - part * table.events[i][each] for i in (0, 1))
    total = float(table.events[1].sum())
    found = 0.0
    for _ in range(MOST_STEPS):
        of_second = np.exp(found) * second / (first + np.exp(found) * second)
        information = float((of_second * (1.0 - of_second)).sum())
        if not information > 0:
            return np.nan, np.nan
        step = (total - float(of_second.sum())) / information
        found += float(np.clip(step, -2.0, 2.0))
        if abs(found) > FARTHEST:
            return np.nan, np.nan
        if abs(step) < 1e-10:
            break
    return found, float(information**-0.5)
