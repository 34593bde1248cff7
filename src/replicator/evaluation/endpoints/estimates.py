"""Estimates with their 95 % intervals, many at once: means, shares, and differences of two arms."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import norm, t

from replicator.evaluation.distances import Floats, Ints
from replicator.evaluation.measures import NORMAL_95


@dataclass(frozen=True, eq=False)
class Estimates:
    """Estimates of one kind, (n,) float64 each; NaN where one cannot be told.

    Attributes
    ----------
    value, error : (n,) float64
        Estimate and its standard error.
    low, high : (n,) float64
        95 % interval.
    n : (n,) float64
        Subjects behind it; of a difference, of both arms.
    p : (n,) float64
        Probability of so large a difference by chance, two-sided; NaN where nothing is compared.
    """

    value: Floats
    error: Floats
    low: Floats
    high: Floats
    n: Floats
    p: Floats

    def take(self, kept: Ints) -> Estimates:
        """Keep the estimates given by position."""
        return Estimates(*(numbers[kept] for numbers in (self.value, self.error, self.low, self.high, self.n, self.p)))

    @classmethod
    def join(cls, parts: list[Estimates]) -> Estimates:
        """Put estimates one after the other."""
        names = ("value", "error", "low", "high", "n", "p")
        return cls(*(np.concatenate([np.empty(0), *(getattr(part, name) for part in parts)]) for name in names))


@dataclass(frozen=True, eq=False)
class Moments:
    """Number, mean and standard deviation of subjects' values in cells; any shape, the same for all three."""

    n: Floats
    mean: Floats
    sd: Floats

    def of_size(self, n: Floats) -> Moments:
        """Return the same means and standard deviations as if `n` subjects stood behind them, where any did."""
        return replace(self, n=np.where(self.n > 0, n, 0.0))


def grouped_moments(group: Ints, values: Floats, n_groups: int) -> Moments:
    """Moments of values in groups, (n_groups,) each; a negative group is left out."""
    known = group >= 0
    group, values = group[known], values[known]
    n = np.bincount(group, minlength=n_groups).astype(np.float64)
    mean = np.bincount(group, values, minlength=n_groups) / np.maximum(n, 1)
    squares = np.bincount(group, (values - mean[group]) ** 2, minlength=n_groups)
    return Moments(n, np.where(n > 0, mean, np.nan), np.where(n > 1, np.sqrt(squares / np.maximum(n - 1, 1)), np.nan))


def mean_estimates(moments: Moments) -> Estimates:
    """Means with Student's intervals; no interval from one subject."""
    error = moments.sd / np.sqrt(np.maximum(moments.n, 1))
    return _around(moments.mean, error, moments.n - 1, moments.n, np.full(error.shape, np.nan))


def mean_differences(one: Moments, other: Moments) -> Estimates:
    """Differences of means, `one` less `other`, with intervals and p by Welch's approximation.

    References
    ----------
    B. L. Welch, "The generalization of 'Student's' problem when several different population variances are involved", *Biometrika*
    34, 1947, pages 28-35.
    """
    parts = [moments.sd**2 / np.maximum(moments.n, 1) for moments in (one, other)]
    variance = parts[0] + parts[1]
    error = np.sqrt(variance)
    with np.errstate(invalid="ignore", divide="ignore"):
        degrees = variance**2 / sum(
            part**2 / np.maximum(moments.n - 1, 1) for part, moments in zip(parts, (one, other), strict=True)
        )
        degrees = np.where(variance > 0, degrees, one.n + other.n - 2)
        difference = one.mean - other.mean
        p = np.where(error > 0, 2 * t.sf(np.abs(difference) / error, np.maximum(degrees, 1)), np.where(difference == 0, 1.0, 0.0))
    return _around(difference, error, degrees, one.n + other.n, np.where(np.isfinite(error), p, np.nan))


def _around(value: Floats, error: Floats, degrees: Floats, n: Floats, p: Floats) -> Estimates:
    margin = t.ppf(0.975, np.maximum(degrees, 1)) * error
    return Estimates(value, error, value - margin, value + margin, n, p)


def wilson(share: Floats, n: Floats) -> tuple[Floats, Floats]:
    """95 % interval of a share of `n`; `n` may be no whole number.

    References
    ----------
    E. B. Wilson, "Probable inference, the law of succession, and statistical inference", *JASA* 22, 1927, pages 209-212.
    """
    size = np.where(n > 0, n, np.nan)
    z2 = NORMAL_95**2
    middle = (share + z2 / (2 * size)) / (1 + z2 / size)
    margin = NORMAL_95 / (1 + z2 / size) * np.sqrt(share * (1 - share) / size + z2 / (4 * size**2))
    return np.clip(middle - margin, 0.0, 1.0), np.clip(middle + margin, 0.0, 1.0)


def share_estimates(share: ArrayLike, n: ArrayLike) -> Estimates:
    """Shares with Wilson's intervals; the standard error is that of the interval, which is never 0."""
    value, size = np.asarray(share, np.float64), np.asarray(n, np.float64)
    low, high = wilson(value, size)
    low, high = np.minimum(low, value), np.maximum(high, value)
    value = np.where(size > 0, value, np.nan)
    return Estimates(value, (high - low) / (2 * NORMAL_95), low, high, size, np.full(value.shape, np.nan))


def share_differences(one: Estimates, other: Estimates) -> Estimates:
    """Differences of shares with Newcombe's intervals, and p of the score test (chi-square without correction).

    References
    ----------
    R. G. Newcombe, "Interval estimation for the difference between independent proportions", *Statistics in Medicine* 17, 1998,
    pages 873-890, method 10.
    """
    difference = one.value - other.value
    below = np.hypot(one.value - one.low, other.high - other.value)
    above = np.hypot(one.high - one.value, other.value - other.low)
    n = one.n + other.n
    with np.errstate(invalid="ignore", divide="ignore"):
        pooled = (one.value * one.n + other.value * other.n) / n
        error = np.sqrt(pooled * (1 - pooled) * (1 / one.n + 1 / other.n))
        p = np.where(error > 0, 2 * norm.sf(np.abs(difference) / error), np.where(np.isfinite(difference), 1.0, np.nan))
    return Estimates(difference, (above + below) / (2 * NORMAL_95), difference - below, difference + above, n, p)
