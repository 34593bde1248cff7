r"""Lines of subjects through their own values: levels, slopes and spreads, and what of them is more than scatter."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from replicator.special import hurwitz_zeta, psi

Floats = NDArray[np.float64]
Codes = NDArray[np.intp]

LEAST_SCATTER = 0.1  # share of a variance that rounding may not explain away
FEWEST_FOR_TREND = 20  # subjects with three values, before slopes or spreads of their own are believed
FADINGS = (0.0, 0.25, 0.5, 0.75, 1.0)  # powers of the reach with which the variance of slopes may fall
CLEAR_GAIN = 2.0  # in log-likelihood, from which a variance is believed to fall (chi-square of one degree of freedom, 95 %)


@dataclass(frozen=True, eq=False)
class Lines:
    """Least-squares line of each subject and series.

    Attributes
    ----------
    size, weight : (n_pairs,) float64
        Number of values, and the sum of their weights.
    level, trend : (n_pairs,) float64
        Weighted mean, and slope per day.
    time : (n,) float64
        Days from the mean day of the subject's values.
    reach : (n_pairs,) float64
        Weighted sum of squares of `time`.

    Notes
    -----
    Values are weighted by the inverse of the variance of their residuals: only then say residuals nothing of the line's own error.
    """

    size: Floats
    weight: Floats
    level: Floats
    trend: Floats
    time: Floats
    reach: Floats

    @classmethod
    def of(cls, y: Floats, day: Floats, pair: Codes, n_pairs: int, weight: Floats) -> Lines:
        """Fit values (n,) of pairs of a subject and a series, each with its weight (n,)."""

        def total(values: Floats) -> Floats:
            return np.bincount(pair, weights=weight * values, minlength=n_pairs).astype(np.float64)

        size = np.bincount(pair, minlength=n_pairs).astype(np.float64)
        whole = total(np.ones(len(y)))
        safe = np.where(whole > 0, whole, 1.0)
        level = total(y) / safe
        time = day - (total(day) / safe)[pair]
        reach = total(time**2)
        trend: Floats = np.where(reach > 0, total(time * (y - level[pair])) / np.where(reach > 0, reach, 1), 0.0)
        return cls(size, whole, level, trend, time, reach)


@dataclass(frozen=True, eq=False)
class Slopes:
    r"""How much the slopes of subjects differ beyond what scatter gives.

    Attributes
    ----------
    variance : (n_series,) float64
        :math:`\beta^2` of :math:`\mathrm{var}(B_i) = \beta^2 S_i^{-\gamma}`, where :math:`S_i` is the subject's reach; 0 where
        slopes do not differ clearly.
    fading : (n_series,) float64
        :math:`\gamma`.
    white : (n_series,) float64
        Variance around the slopes.

    Notes
    -----
    What moves steadily has :math:`\gamma = 0`. What wanders, or turns for a while, is the flatter the longer it is seen: its lines
    are steep over short times alone, and with one variance for all those who stay longest would run out of all bounds.
    """

    variance: Floats
    fading: Floats
    white: Floats

    @classmethod
    def of(
        cls, rest: Floats, weight: Floats, lines: Lines, pair: Codes, pair_series: Codes, n_series: int, within: Floats
    ) -> Slopes:
        """Learn from values without their subjects' levels (n,) and their weights; `within` (n_series,) is their variance."""
        trend, reach, size = lines.trend, lines.reach, lines.size
        usable = (size >= 3) & (reach > 0)
        count = np.bincount(pair_series, weights=usable, minlength=n_series)
        explained = np.bincount(pair_series, weights=np.where(usable, trend**2 * reach, 0.0), minlength=n_series)
        scatter = (
            np.bincount(pair_series[pair], weights=np.where(usable[pair], weight * rest**2, 0.0), minlength=n_series) - explained
        )
        freedom = np.bincount(pair_series, weights=np.where(usable, size - 2, 0.0), minlength=n_series)
        white = np.where(freedom > 0, scatter / np.maximum(freedom, 1), within)
        ratio = np.where((count > 0) & (white > 0), explained / np.maximum(count, 1) / np.where(white > 0, white, 1), 0.0)
        # twice the scatter's share, and more than four standard errors of a chi-square with `count` degrees of freedom
        clear = (count >= FEWEST_FOR_TREND) & (ratio > 2) & (ratio > 1 + 4 * np.sqrt(2 / np.maximum(count, 1)))
        rows = np.flatnonzero(usable & clear[pair_series])
        excess = np.where(clear, explained - count * white, 0.0)
        series = pair_series[rows]
        variance, fading, best = np.zeros(n_series), np.zeros(n_series), np.full(n_series, -np.inf)
        for power in FADINGS:
            share = np.bincount(series, weights=reach[rows] ** (1 - power), minlength=n_series)
            found = np.where(share > 0, excess / np.where(share > 0, share, 1), 0.0)
            shown = found[series] * reach[rows] ** -power + white[series] / reach[rows]
            likely = -0.5 * np.bincount(series, weights=np.log(shown) + trend[rows] ** 2 / shown, minlength=n_series)
            better = clear & (likely > best)
            variance, fading = np.where(better, found, variance), np.where(better, power, fading)
            best = np.where(better, likely + (CLEAR_GAIN if power == FADINGS[0] else 0.0), best)
        return cls(variance, fading, np.where(clear, white, within))


def slope_deviation(variance: Floats, fading: Floats, noise: Floats, reach: Floats) -> Floats:
    """Standard deviation of the slopes that subjects show, of scatter of the variance `noise` as well; 0 for no reach."""
    some = np.where(reach > 0, reach, 1.0)
    return np.where(reach > 0, np.sqrt(variance * some**-fading + noise / some), 0.0)


def log_noise(freedom: Floats) -> Floats:
    """Variance of the logarithm of a standard deviation with so many degrees of freedom, of normal values."""
    return np.asarray(0.25 * hurwitz_zeta(2.0, np.maximum(freedom, 1) / 2), np.float64)


def log_bias(freedom: Floats) -> Floats:
    """Mean of the logarithm of a standard deviation with so many degrees of freedom, of standard normal values."""
    half = np.maximum(freedom, 1) / 2
    return np.asarray(0.5 * (psi(half) - np.log(half)), np.float64)


@dataclass(frozen=True, eq=False)
class Spreads:
    """How much the standard deviations of subjects around their lines differ beyond chance.

    Attributes
    ----------
    own : (n_pairs,) float64
        Standard deviation of each subject and series.
    spread, centre : (n_series,) float64
        Standard deviation and mean of its logarithm; the first is 0 where subjects do not differ clearly.
    """

    own: Floats
    spread: Floats
    centre: Floats

    @classmethod
    def of(cls, squares: Floats, freedom: Floats, pair_series: Codes, n_series: int, within: Floats) -> Spreads:
        """Learn from sums of squares around lines and degrees of freedom (n_pairs,); `within` (n_series,) is the usual variance."""
        floor = 0.05 * np.sqrt(within)[pair_series]
        own = np.maximum(np.sqrt(squares / np.maximum(freedom, 1)), floor)
        usable = (freedom >= 2) & (own > 0)
        weight = np.where(usable, freedom, 0.0)
        total = np.bincount(pair_series, weights=weight, minlength=n_series)
        count = np.bincount(pair_series, weights=usable, minlength=n_series)
        logs = np.where(usable, np.log(np.where(usable, own, 1.0)) - log_bias(freedom), 0.0)
        centre = np.bincount(pair_series, weights=weight * logs, minlength=n_series) / np.maximum(total, 1)
        apart = np.bincount(pair_series, weights=weight * (logs - centre[pair_series]) ** 2, minlength=n_series)
        noise = np.bincount(pair_series, weights=weight * log_noise(freedom), minlength=n_series)
        excess = (apart - noise) / np.maximum(total, 1)
        clear = (count >= FEWEST_FOR_TREND) & (excess > 4 * np.sqrt(2 / np.maximum(count, 1)) * noise / np.maximum(total, 1))
        return cls(own, np.where(clear, np.sqrt(np.maximum(excess, 0.0)), 0.0), centre)


@dataclass(frozen=True, eq=False)
class SubjectLines:
    """Values taken apart into lines of subjects and residuals.

    Attributes
    ----------
    lines, slopes, spreads : Lines, Slopes, Spreads
    between, within : (n_series,) float64
        Variance of subjects' levels, and around the lines.
    freedom : (n_pairs,) float64
        Degrees of freedom around the lines.
    varies : (n_series,) bool
        Where subjects have spreads of their own.
    standard : (n,) float64
        Residuals in units in which those of independent draws have unit variance.
    """

    lines: Lines
    slopes: Slopes
    spreads: Spreads
    between: Floats
    within: Floats
    freedom: Floats
    varies: NDArray[np.bool_]
    standard: Floats

    @classmethod
    def of(
        cls,
        y: Floats,
        day: Floats,
        scatter: Floats,
        pair: Codes,
        pair_series: Codes,
        discrete: NDArray[np.bool_],
        rounding: Floats,
    ) -> SubjectLines:
        """Take values apart.

        Parameters
        ----------
        y, day, scatter : (n,) float64
            Values without their means, when they were made, and the relative standard deviation of their residuals.
        pair : (n,) int
            Subject and series of each.
        pair_series : (n_pairs,) int
            Series of each pair.
        discrete : (n_series,) bool
            Series of level scores, which have no spreads of subjects.
        rounding : (n_series,) float64
            Variance that the precision of the record adds.
        """
        n_pairs, n_series, weight = len(pair_series), len(discrete), scatter**-2.0

        def by_series(values: Floats) -> Floats:
            return np.bincount(pair_series, weights=values, minlength=n_series).astype(np.float64)

        lines = Lines.of(y, day, pair, n_pairs, weight)
        rest: Floats = y - lines.level[pair]
        people, freedom = np.bincount(pair_series, minlength=n_series), lines.size - 1
        squares: Floats = np.bincount(pair, weights=weight * rest**2, minlength=n_pairs).astype(np.float64)
        within = by_series(squares) / np.maximum(by_series(freedom), 1.0)
        centre = by_series(lines.level) / np.maximum(people, 1)
        apart = by_series((lines.level - centre[pair_series]) ** 2) / np.maximum(people - 1, 1)
        between = np.maximum(apart - within * by_series(1 / lines.weight) / np.maximum(people, 1), 0.0)
        slopes = Slopes.of(rest, weight, lines, pair, pair_series, n_series, within)
        inclined = (slopes.variance > 0)[pair_series]
        rest = rest - np.where(inclined[pair], lines.trend[pair] * lines.time, 0.0)
        freedom = np.maximum(freedom - inclined, 0)
        squares = np.bincount(pair, weights=weight * rest**2, minlength=n_pairs).astype(np.float64)
        squares = np.maximum(squares - rounding[pair_series] * freedom, LEAST_SCATTER * squares)
        within = np.maximum(slopes.white - rounding, LEAST_SCATTER * slopes.white)
        spreads = Spreads.of(squares, freedom, pair_series, n_series, within)
        varies = ~discrete & (spreads.spread > 0)
        scale = np.where(varies[pair_series] & (freedom >= 2), spreads.own, np.sqrt(within[pair_series]))
        unit = np.sqrt(lines.size / np.maximum(freedom, 1)) / np.where(scale > 0, scale, 1.0)
        standard = np.where(((scale > 0) & (freedom > 0))[pair], rest / scatter * unit[pair], np.nan)
        return cls(lines, slopes, spreads, between, within, freedom, varies, standard)
