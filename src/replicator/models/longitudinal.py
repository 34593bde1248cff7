r"""Many series of repeated measurements of many subjects: level, slope and spread of a subject, and what varies around them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri, polygamma, psi

from replicator.distinct import distinct_values
from replicator.models.cell_means import variance_components
from replicator.models.copula import GaussianCopula, normal_scores
from replicator.models.ordinal import latent_correlation
from replicator.models.persistence import Occasions, fit_persistence, lasting_noise
from replicator.models.residuals import GRID, around_lines, bend, find_shapes, standardise, widths_of

Floats = NDArray[np.float64]
Codes = NDArray[np.intp]

LEAST_SCATTER = 0.1  # share of a variance that rounding may not explain away
FEWEST_FOR_TREND = 20  # subjects with three values, before slopes or spreads of their own are believed


@dataclass(frozen=True, eq=False)
class TwoLevel:
    r"""Deviations of `n_series` series from their means.

    Attributes
    ----------
    between, within : (n_series,) float64
        Variance of subjects' levels, and around them.
    slope : (n_series,) float64
        Variance of subjects' slopes per day; 0 where they do not differ.
    spread : (n_series,) float64
        Standard deviation of the logarithm of a subject's own spread; 0 where all subjects have the same.
    centre : (n_series,) float64
        Mean logarithm of a subject's spread.
    serial : (n_series,) float64
        Share of the residual that persists over occasions.
    memory : float
        Days in which the correlation of the persistent share falls to 1/e.
    inflation : (n_series,) float64
        What makes up for the variance that persistent residuals lose to the subject's own mean and slope.
    residual : GaussianCopula
        Of the residuals of the same occasion.
    bent : (n_bent,) int64
        Series whose standardised residuals are not normal.
    quantiles : (n_bent, 3, len(GRID)) float64
        Quantiles they are drawn from, before lines are taken out, at the probabilities `GRID`, for subjects of small, middling
        and wide spread (a wide one often comes of a single far value); each rests on at least *k* subjects.

    Notes
    -----
    .. math:: y_{it} = F_i \sqrt{\tau^2 + \sigma^2 / n_i} + B_i \sqrt{\beta^2 + \sigma^2 / S_i}\,(t - \bar t_i) + s_i\,r_{it}

    where *F*, *B* are standardised features, :math:`S_i = \sum (t - \bar t_i)^2`, :math:`s_i` is the subject's own spread and *r*
    is orthogonal to 1 and *t* within the subject. Level, slope and spread are those that a subject *shows* at its own number of
    occasions: their noise is part of the features, so correlations between features are those seen in the data and need no
    correction, and a series without any correlation within subjects has :math:`\tau^2 = 0`.
    """

    kind: ClassVar[str] = "two-level model"

    between: Floats
    within: Floats
    slope: Floats
    spread: Floats
    centre: Floats
    serial: Floats
    memory: float
    inflation: Floats
    residual: GaussianCopula
    bent: NDArray[np.int64]
    quantiles: Floats

    @classmethod
    def fit(
        cls,
        y: Floats,
        occasion: Codes,
        series: Codes,
        occasions: Occasions,
        hermite: Floats,
        discrete: NDArray[np.bool_],
        rounding: Floats,
        *,
        k: int = 5,
    ) -> tuple[TwoLevel, dict[str, Floats]]:
        """Learn from values without their means.

        Parameters
        ----------
        y : (n,) float64
            Deviations; each series at most once an occasion.
        occasion, series : (n,) int
            Of each value.
        occasions : Occasions
            All occasions.
        hermite : (n_series, TERMS) float64
            From :func:`replicator.models.ordinal.hermite_weights`, for series that are level scores.
        discrete : (n_series,) bool
            Which series are level scores; the model of these is that of their latent standard normal.
        rounding : (n_series,) float64
            Variance that the precision of the record adds; it comes back when sampled values are rounded.
        k : int
            Fewest subjects behind a quantile.

        Returns
        -------
        model : TwoLevel
            On the scale of the values.
        features : dict of str to (n_seen, n_series) float64
            ``level``, ``slope``, ``spread`` of every subject seen, standardised, NaN where there is none; subjects in the order
            of :attr:`Occasions.starts`.
        """
        run, n_seen, n_series = occasions.run, len(occasions.starts), len(discrete)
        told = np.where(discrete, np.maximum(hermite.sum(axis=1), 1e-6), 1.0)
        pair_key, pair = distinct_values(series * max(n_seen, 1) + run[occasion], return_inverse=True)
        at = (pair_key % max(n_seen, 1), pair_key // max(n_seen, 1))
        pair_series = at[1]
        within, between = variance_components(y, pair, pair_series, n_series)
        size, level, trend, time, reach = _lines(y, occasions.day[occasion], pair, len(pair_key))
        rest = y - level[pair]
        slope, white = _slope_variance(rest, trend, reach, size, pair, pair_series, n_series, within)
        inclined = slope[pair_series] > 0
        rest = rest - np.where(inclined[pair], trend[pair] * time, 0.0)
        within = np.where(slope > 0, white, within)
        freedom = np.maximum(size - 1 - inclined, 0)
        scatter = np.bincount(pair, weights=rest**2, minlength=len(pair_key))
        scatter = np.maximum(scatter - rounding[pair_series] * freedom, LEAST_SCATTER * scatter)
        within = np.maximum(within - rounding, LEAST_SCATTER * within)
        own, spread, centre = _spreads(scatter, freedom, pair_series, n_series, within)
        spread = np.where(discrete, 0.0, spread)
        scale = np.where((spread[pair_series] > 0) & (freedom >= 2), own, np.sqrt(within[pair_series]))
        standard = rest * _unit_scale(scale, size, freedom)[pair]
        dense = _spread_out(np.clip(standard, -8, 8), (occasion, series), (len(occasions.subject), n_series))
        lasts = fit_persistence(dense, occasions, slope > 0)
        shown = np.sqrt(between[pair_series] + within[pair_series] / np.maximum(size, 1))
        with np.errstate(divide="ignore", invalid="ignore"):
            tilt = trend / np.sqrt(slope[pair_series] + white[pair_series] / reach)
            width = (np.log(own) - centre[pair_series] - _log_bias(freedom)) / np.sqrt(
                spread[pair_series] ** 2 + _log_noise(freedom)
            )
        of_pairs = {
            "level": np.where(shown > 0, level / np.where(shown > 0, shown, 1), np.nan),
            "slope": np.where(inclined & (size >= 3), tilt, np.nan),
            "spread": np.where((spread[pair_series] > 0) & (freedom >= 2) & (own > 0), width, np.nan),
        }
        features = {name: _spread_out(values, at, (n_seen, n_series)) for name, values in of_pairs.items()}
        reach_share = np.bincount(pair_series, weights=reach / np.maximum(size, 1), minlength=n_series)
        tilted = slope * reach_share / np.maximum(np.bincount(pair_series, minlength=n_series), 1)
        latent = _latent_variances(between, within, slope, tilted, lasts.serial * lasts.next_one, hermite, told)
        serial = np.where(discrete, np.clip(latent[3] / np.maximum(lasts.next_one, 1e-6), 0, 1), lasts.serial)
        third = partial(widths_of, features["spread"], run, varies=spread > 0)
        shapes = find_shapes(dense, run, ~discrete, third, k)
        model = cls(
            np.where(discrete, latent[0], between),
            np.where(discrete, latent[1], within),
            np.where(discrete, latent[2], slope),
            spread,
            centre,
            serial,
            lasts.memory,
            1 / np.sqrt(lasts.kept_at(serial)),
            _residual_copula(dense, told),
            shapes.bent,
            np.broadcast_to(ndtri(GRID), (len(shapes.bent), 3, len(GRID))),
        )
        quantiles = shapes.quantiles(partial(model._standardised, np.isfinite(dense), shapes.width, occasions))
        return replace(model, quantiles=quantiles), features

    def _standardised(
        self, seen: NDArray[np.bool_], width: Codes, occasions: Occasions, quantiles: Floats, rng: np.random.Generator
    ) -> Floats:
        """Residuals (n_occasions, n_series) as :meth:`fit` standardises them, drawn where `seen` with the given quantiles."""
        weight = seen.astype(np.float64)
        shaped = bend(self.noise(occasions, rng), self.bent, quantiles, width)
        residual = around_lines(shaped, weight, occasions, np.flatnonzero(self.slope > 0))[0]
        size = np.add.reduceat(weight, occasions.starts, axis=0)
        freedom = np.maximum(size - 1 - (self.slope > 0), 0)
        return standardise(residual, weight, freedom, self.spread > 0, self.inflation, occasions)

    def noise(self, occasions: Occasions, rng: np.random.Generator) -> Floats:
        """Draw residuals: (n_occasions, n_series) standard normals, correlated across series and over occasions."""
        n = len(occasions.subject)
        fresh = self.residual.sample(n, rng)
        if not (self.serial > 0).any() or n == 0:
            return fresh
        lasting = lasting_noise(self.residual.sample(n, rng), occasions, self.memory)
        return np.sqrt(self.serial) * lasting + np.sqrt(1 - self.serial) * fresh

    def take(self, series: Codes) -> TwoLevel:
        """Keep some series, for :meth:`compose`; the residuals of all series are drawn together."""
        bent = [(i, at) for i, at in enumerate(series.tolist()) if at in self.bent]
        return replace(
            self,
            between=self.between[series],
            within=self.within[series],
            slope=self.slope[series],
            spread=self.spread[series],
            centre=self.centre[series],
            serial=self.serial[series],
            inflation=self.inflation[series],
            bent=np.array([i for i, _ in bent], np.int64),
            quantiles=self.quantiles[np.searchsorted(self.bent, [at for _, at in bent]).astype(np.intp)],
        )

    def compose(self, noise: Floats, seen: NDArray[np.bool_], features: Mapping[str, Floats], occasions: Occasions) -> Floats:
        """Put subjects and residuals together.

        Parameters
        ----------
        noise : (n_occasions, n_series) float64
            From :meth:`noise`.
        seen : (n_occasions, n_series) bool
            Which values there will be; the others come out as some value of no meaning.
        features : mapping of str to (n_seen, n_series) float64
            As from :meth:`fit`, without NaN.
        occasions : Occasions
            When.

        Returns
        -------
        (n_occasions, n_series) float64
            Deviations from the means.
        """
        if not len(noise):
            return noise
        starts, run = occasions.starts, occasions.run
        weight = seen.astype(np.float64)
        size = np.add.reduceat(weight, starts, axis=0)
        safe = np.maximum(size, 1)
        tilted = np.flatnonzero(self.slope > 0)
        shaped = bend(noise, self.bent, self.quantiles, widths_of(features["spread"], run, self.bent, self.spread > 0))
        residual, time, reach = around_lines(shaped, weight, occasions, tilted)
        out = np.zeros_like(noise)
        shown = np.sqrt(self.slope[tilted] + self.within[tilted] / np.where(reach > 0, reach, np.inf))
        out[:, tilted] += time * np.where(reach > 0, features["slope"][:, tilted] * shown, 0.0)[run]
        freedom = np.maximum(size - 1 - (self.slope > 0), 0)
        length = np.tile(np.sqrt(self.within) * self.inflation, (len(starts), 1))
        wide = np.flatnonzero(self.spread > 0)
        if len(wide):
            nu = freedom[:, wide]
            with np.errstate(divide="ignore", invalid="ignore"):
                own = np.exp(
                    self.centre[wide]
                    + _log_bias(nu)
                    + features["spread"][:, wide] * np.sqrt(self.spread[wide] ** 2 + _log_noise(nu))
                )
                actual = np.sqrt(np.add.reduceat(residual[:, wide] ** 2 * weight[:, wide], starts, axis=0) / np.maximum(nu, 1))
                factor = np.where((nu >= 2) & (actual > 0), own / actual, np.sqrt(self.within[wide]))
            length[:, wide] = factor
        out += residual * length[run]
        out += (features["level"] * np.sqrt(self.between + self.within / safe))[run]
        return out


def _lines(y: Floats, day: Floats, pair: Codes, n_pairs: int) -> tuple[Floats, Floats, Floats, Floats, Floats]:
    """Least-squares line of each subject and series.

    Returns
    -------
    size, level, trend : (n_pairs,) float64
        Number of values, their mean, and slope per day.
    time : (n,) float64
        Days from the mean day of the subject's values.
    reach : (n_pairs,) float64
        Sum of squares of `time`.
    """
    size = np.bincount(pair, minlength=n_pairs).astype(np.float64)
    level = np.bincount(pair, weights=y, minlength=n_pairs) / np.maximum(size, 1)
    time = day - (np.bincount(pair, weights=day, minlength=n_pairs) / np.maximum(size, 1))[pair]
    reach = np.bincount(pair, weights=time**2, minlength=n_pairs).astype(np.float64)
    product = np.bincount(pair, weights=time * (y - level[pair]), minlength=n_pairs)
    trend: Floats = np.where(reach > 0, product / np.where(reach > 0, reach, 1), 0.0)
    return size, level, trend, time, reach


def _unit_scale(scale: Floats, size: Floats, freedom: Floats) -> Floats:
    """Factors that give residuals about a subject's line unit variance (n_pairs,); NaN where nothing is left to scatter."""
    leverage = np.sqrt(np.maximum(size, 1) / np.maximum(freedom, 1))
    return np.where((scale > 0) & (freedom > 0), leverage / np.where(scale > 0, scale, 1), np.nan)


def _spread_out(values: Floats, at: tuple[Codes, Codes], shape: tuple[int, int]) -> Floats:
    """Put values (n,) at their places in an array of NaN."""
    out = np.full(shape, np.nan)
    out[at] = values
    return out


def _slope_variance(
    rest: Floats,
    trend: Floats,
    reach: Floats,
    size: Floats,
    pair: Codes,
    pair_series: Codes,
    n_series: int,
    within: Floats,
) -> tuple[Floats, Floats]:
    """Variance of slopes beyond what scatter gives, 0 unless clear; and the variance around the slopes."""
    usable = (size >= 3) & (reach > 0)
    count = np.bincount(pair_series, weights=usable, minlength=n_series)
    explained = np.bincount(pair_series, weights=np.where(usable, trend**2 * reach, 0.0), minlength=n_series)
    scatter = np.bincount(pair_series[pair], weights=np.where(usable[pair], rest**2, 0.0), minlength=n_series) - explained
    freedom = np.bincount(pair_series, weights=np.where(usable, size - 2, 0.0), minlength=n_series)
    white = np.where(freedom > 0, scatter / np.maximum(freedom, 1), within)
    ratio = np.where((count > 0) & (white > 0), explained / np.maximum(count, 1) / np.where(white > 0, white, 1), 0.0)
    total_reach = np.bincount(pair_series, weights=np.where(usable, reach, 0.0), minlength=n_series)
    excess = np.where(total_reach > 0, (explained - count * white) / np.where(total_reach > 0, total_reach, 1), 0.0)
    # twice the scatter's share, and more than four standard errors of a chi-square with `count` degrees of freedom
    clear = (count >= FEWEST_FOR_TREND) & (ratio > 2) & (ratio > 1 + 4 * np.sqrt(2 / np.maximum(count, 1)))
    return np.where(clear, np.maximum(excess, 0.0), 0.0), np.where(clear, white, within)


def _log_noise(freedom: Floats) -> Floats:
    """Variance of the logarithm of a standard deviation with so many degrees of freedom, of normal values."""
    return 0.25 * polygamma(1, np.maximum(freedom, 1) / 2)


def _log_bias(freedom: Floats) -> Floats:
    """Mean of the logarithm of a standard deviation with so many degrees of freedom, of standard normal values."""
    half = np.maximum(freedom, 1) / 2
    return 0.5 * (psi(half) - np.log(half))


def _spreads(scatter: Floats, freedom: Floats, pair_series: Codes, n_series: int, within: Floats) -> tuple[Floats, Floats, Floats]:
    """Each subject's standard deviation, and the spread and mean of its logarithm beyond chance; 0 unless clear."""
    floor = 0.05 * np.sqrt(within)[pair_series]
    own = np.maximum(np.sqrt(scatter / np.maximum(freedom, 1)), floor)
    usable = (freedom >= 2) & (own > 0)
    weight = np.where(usable, freedom, 0.0)
    total = np.bincount(pair_series, weights=weight, minlength=n_series)
    count = np.bincount(pair_series, weights=usable, minlength=n_series)
    logs = np.where(usable, np.log(np.where(usable, own, 1.0)) - _log_bias(freedom), 0.0)
    centre = np.bincount(pair_series, weights=weight * logs, minlength=n_series) / np.maximum(total, 1)
    squares = np.bincount(pair_series, weights=weight * (logs - centre[pair_series]) ** 2, minlength=n_series)
    noise = np.bincount(pair_series, weights=weight * _log_noise(freedom), minlength=n_series)
    excess = (squares - noise) / np.maximum(total, 1)
    clear = (count >= FEWEST_FOR_TREND) & (excess > 4 * np.sqrt(2 / np.maximum(count, 1)) * noise / np.maximum(total, 1))
    return own, np.where(clear, np.sqrt(np.maximum(excess, 0.0)), 0.0), centre


def _latent_variances(
    between: Floats, within: Floats, slope: Floats, tilted: Floats, lasting: Floats, hermite: Floats, told: Floats
) -> tuple[Floats, Floats, Floats, Floats]:
    """Variances and persistence of the standard normals behind level scores.

    Parameters
    ----------
    between, within, slope, lasting : (n_series,) float64
        Of the scores: variances, and correlation of residuals one occasion apart.
    tilted : (n_series,) float64
        Variance of the scores that slopes make.
    hermite, told : (n_series, TERMS), (n_series,) float64
        Of the scores.

    Returns
    -------
    between, within, slope, lasting : (n_series,) float64
        The same for standard normals.
    """
    total = between + within + tilted
    # all that is left around the means has unit variance: what the means explain of the scores is no scatter of theirs
    scale = np.where(total > 0, told / np.where(total > 0, total, 1), 1.0)
    level = latent_correlation(hermite, between * scale)
    inclined = np.minimum(tilted * scale / told**2, 0.9 * (1 - level))
    rest = 1 - level - inclined
    next_one = latent_correlation(hermite, (between + np.maximum(lasting, 0) * within) * scale)
    steep = np.where(tilted > 0, slope * inclined / np.where(tilted > 0, tilted, 1), 0.0)
    return level, rest, steep, np.where(lasting > 0, np.clip((next_one - level) / rest, 0, 1), 0.0)


def _residual_copula(dense: Floats, told: Floats) -> GaussianCopula:
    deviation = np.sqrt(_mean_square(dense))
    scores = dense / np.where(deviation > 0, deviation, 1.0) * np.sqrt(told)
    smooth = np.flatnonzero(told >= 1)
    for j in smooth:
        scores[:, j] = normal_scores(dense[:, j])
    scores[:, np.isfinite(dense).sum(axis=0) < 4] = 0.0
    return GaussianCopula.fit(scores)


def _mean_square(dense: Floats) -> Floats:
    seen = np.isfinite(dense)
    out: Floats = (np.where(seen, dense, 0.0) ** 2).sum(axis=0) / np.maximum(seen.sum(axis=0), 1)
    return out
