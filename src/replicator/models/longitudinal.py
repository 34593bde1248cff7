r"""Many series of repeated measurements of many subjects: level, slope and spread of a subject, and what varies around them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from replicator.distinct import distinct_values
from replicator.models.copula import GaussianCopula, Kin, normal_scores, pairwise_correlation
from replicator.models.occasion_scatter import fit_scatter
from replicator.models.ordinal import latent_correlation
from replicator.models.persistence import Occasions, Persistence, fit_persistence, lasting_noise
from replicator.models.residual_correlation import around_means, moved_to_seen
from replicator.models.residuals import GRID, Lines, Standard, bend, even_subjects, find_shapes, seeds, widths_of
from replicator.models.subject_lines import SubjectLines, log_bias, log_noise, slope_deviation
from replicator.special import binom, ndtri

Floats = NDArray[np.float64]
Codes = NDArray[np.intp]

FARTHEST = 8.0  # of a residual, in standard deviations


@dataclass(frozen=True, eq=False)
class TwoLevel:
    r"""Deviations of `n_series` series from their means.

    Attributes
    ----------
    between, within : (n_series,) float64
        Variance of subjects' levels, and around them.
    slope : (n_series,) float64
        Variance of subjects' slopes per day at a reach of 1; 0 where they do not differ.
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
    fading : (n_series,) float64
        Power of the reach with which the variance of slopes falls.
    scatter : (n_series, n_cells) float64
        Standard deviation of residuals at each kind of occasion, relative to that of all.

    Notes
    -----
    .. math:: y_{it} = F_i \sqrt{\tau^2 + \sigma^2 / n_i} + B_i \sqrt{\beta^2 S_i^{-\gamma} + \sigma^2 / S_i}\,(t - \bar t_i)
              + s_i h_{c(t)} r_{it}

    where *F*, *B* are standardised features, :math:`S_i = \sum w_t (t - \bar t_i)^2` is the subject's reach, :math:`\gamma` the
    fading, :math:`s_i` the subject's own spread, :math:`h_c` the scatter of the kind of occasion, and *r* is orthogonal to 1 and
    *t* within the subject. Values weigh :math:`w_t = h_{c(t)}^{-2}`, in :math:`n_i = \sum w_t` too. Level, slope and spread are
    those that a subject *shows* at its own occasions: their noise is part of the features, so correlations between features are
    those seen in the data and need no correction, and a series without any correlation within subjects has :math:`\tau^2 = 0`.
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
    fading: Floats = field(default_factory=lambda: np.empty(0))
    scatter: Floats = field(default_factory=lambda: np.empty((0, 0)))

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
        n_cells: int = 1,
        kin: Kin | None = None,
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
            From :func:`replicator.models.ordinal.hermite_coefficients`, for series that are level scores.
        discrete : (n_series,) bool
            Which series are level scores; the model of these is that of their latent standard normal.
        rounding : (n_series,) float64
            Variance that the precision of the record adds; it comes back when sampled values are rounded.
        n_cells : int
            Kinds of occasions.
        kin : Kin, optional
            Series that are measured together.
        k : int
            Fewest subjects behind a quantile, and behind what a kind of occasion has of its own.

        Returns
        -------
        model : TwoLevel
            On the scale of the values.
        features : dict of str to (n_seen, n_series) float64
            ``level``, ``slope``, ``spread`` of every subject seen, standardised, NaN where there is none; subjects in the order
            of :attr:`Occasions.starts`.
        """
        run, n_seen, n_series = occasions.run, len(occasions.starts), len(discrete)
        weights = hermite**2
        told = np.where(discrete, np.maximum(weights.sum(axis=1), 1e-6), 1.0)
        pair_key, pair = distinct_values(series * max(n_seen, 1) + run[occasion], return_inverse=True)
        at = (pair_key % max(n_seen, 1), pair_key // max(n_seen, 1))
        pair_series = at[1]
        day, kind = occasions.day[occasion], occasions.cells[occasion]

        def taken_apart(scatter: Floats) -> tuple[SubjectLines, Floats, Persistence]:
            apart = SubjectLines.of(y, day, scatter[series, kind], pair, pair_series, discrete, rounding)
            dense = np.full((len(occasions.subject), n_series), np.nan)
            dense[occasion, series] = np.clip(apart.standard, -FARTHEST, FARTHEST)
            return apart, dense, fit_persistence(dense, occasions, apart.slopes.variance > 0)

        scatter = np.ones((n_series, n_cells if occasions.cell is not None else 1))
        apart, dense, lasts = taken_apart(scatter)
        scatter = fit_scatter(dense, occasions, scatter.shape[1], apart.slopes.variance > 0, apart.varies, ~discrete, lasts, k)
        if (scatter != 1).any():
            apart, dense, lasts = taken_apart(scatter)
        lines, slopes, spreads, freedom = apart.lines, apart.slopes, apart.spreads, apart.freedom
        between, within, slope = apart.between, apart.within, slopes.variance
        spread = np.where(apart.varies, spreads.spread, 0.0)
        shown = np.sqrt(between[pair_series] + within[pair_series] / lines.weight)
        steep = slope_deviation(slope[pair_series], slopes.fading[pair_series], within[pair_series], lines.reach)
        with np.errstate(divide="ignore", invalid="ignore"):
            tilt = lines.trend / steep
            usual = spreads.centre[pair_series] + log_bias(freedom)
            width = (np.log(spreads.own) - usual) / np.sqrt(spread[pair_series] ** 2 + log_noise(freedom))
        of_pairs = {
            "level": np.where(shown > 0, lines.level / np.where(shown > 0, shown, 1), np.nan),
            "slope": np.where((slope[pair_series] > 0) & (lines.size >= 3), tilt, np.nan),
            "spread": np.where(apart.varies[pair_series] & (freedom >= 2) & (spreads.own > 0), width, np.nan),
        }
        features = {name: _spread_out(values, at, (n_seen, n_series)) for name, values in of_pairs.items()}
        lifted = (
            lines.reach
            * slope_deviation(slope[pair_series], slopes.fading[pair_series], np.zeros(1), lines.reach) ** 2
            / lines.size
        )
        lifted = _mean_by(lifted, pair_series, n_series)
        latent = _latent_variances(between, within, slope, lifted, lasts.serial * lasts.next_one, weights, told)
        serial = np.where(discrete, np.clip(latent[3] / np.maximum(lasts.next_one, 1e-6), 0, 1), lasts.serial)
        third = partial(widths_of, features["spread"], run, varies=apart.varies)
        shapes = find_shapes(dense, run, ~discrete, third, k)
        model = cls(
            np.where(discrete, latent[0], between),
            np.where(discrete, latent[1], within),
            np.where(discrete, latent[2], slope),
            spread,
            spreads.centre,
            serial,
            lasts.memory,
            1 / np.sqrt(lasts.kept_at(serial)),
            _residual_copula(dense, discrete, _residual_weights(hermite, latent[0], latent[1], features["level"]), kin),
            shapes.bent,
            np.broadcast_to(ndtri(GRID), (len(shapes.bent), 3, len(GRID))),
            slopes.fading,
            scatter,
        )
        rows = np.flatnonzero(np.isin(run, shapes.subjects(run)))
        drawn, some_occasions = shapes.take(rows), occasions.take(rows)
        draws = [model.noise(some_occasions, rng)[:, shapes.bent] for rng in seeds(len(rows))] if len(shapes.bent) else []
        there = np.isfinite(dense[np.ix_(rows, shapes.bent)])
        treat = model.take(shapes.bent)._treatment(there, drawn.width, some_occasions)
        model = replace(model, quantiles=drawn.quantiles(treat, draws))
        numbers = np.flatnonzero(~discrete)
        if len(numbers) < 2:
            return model, features
        values = np.full(dense.shape, np.nan)
        values[occasion, series] = y
        values, part = values[:, numbers], model.take(numbers)
        chosen = even_subjects(run)
        rows = np.flatnonzero(np.isin(run, chosen))
        there, some_occasions = np.isfinite(values[rows]), occasions.take(rows)
        own = {name: np.nan_to_num(of[np.ix_(chosen, numbers)]) for name, of in features.items()}

        def drawn_around(residual: GaussianCopula) -> Floats:
            noise = replace(model, residual=residual).noise(some_occasions, np.random.default_rng(0))[:, numbers]
            made = part.compose(noise, there, own, some_occasions)
            return around_means(np.where(there, made, np.nan), some_occasions.run)

        return replace(model, residual=moved_to_seen(model.residual, numbers, values, run, drawn_around)), features

    def _treatment(self, seen: NDArray[np.bool_], width: Codes, occasions: Occasions) -> Callable[[Floats, Floats], Floats]:
        """What gives noise (n_occasions, n_series) some quantiles and standardises it, where `seen`, as :meth:`fit` does."""
        at = self._scatter_at(occasions)
        lines = Lines.of(seen / at**2, occasions, np.flatnonzero(self.slope > 0))
        standard = Standard.of(seen, self.slope > 0, self.spread > 0, self.inflation, occasions)

        def treat(noise: Floats, quantiles: Floats) -> Floats:
            return standard.of_residuals(lines.out_of(bend(noise, self.bent, quantiles, width) * at) / at)

        return treat

    def _scatter_at(self, occasions: Occasions) -> Floats:
        """Standard deviations of residuals, relative to those of all: (n_occasions, n_series)."""
        return self.scatter[:, occasions.cells].T if len(self.scatter) else np.ones((len(occasions.subject), len(self.within)))

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
            fading=self.fading[series] if len(self.fading) else self.fading,
            scatter=self.scatter[series] if len(self.scatter) else self.scatter,
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
        at = self._scatter_at(occasions) if len(self.scatter) else None
        weight = seen.astype(np.float64) if at is None else seen / at**2
        tilted = np.flatnonzero(self.slope > 0)
        shaped = bend(noise, self.bent, self.quantiles, widths_of(features["spread"], run, self.bent, self.spread > 0))
        lines = Lines.of(weight, occasions, tilted)
        residual, whole = lines.out_of(shaped if at is None else shaped * at), lines.whole
        fading = self.fading if len(self.fading) else np.zeros(len(self.slope))
        steep = slope_deviation(self.slope[tilted], fading[tilted], self.within[tilted], lines.reach)
        sloping = lines.time * (features["slope"][:, tilted] * steep).take(run, axis=0)
        length = np.tile(np.sqrt(self.within) * self.inflation, (len(starts), 1))
        wide = np.flatnonzero(self.spread > 0)
        if len(wide):
            nu = np.maximum(np.add.reduceat(seen[:, wide], starts, axis=0, dtype=np.float64) - 1 - (self.slope[wide] > 0), 0)
            own = np.exp(
                self.centre[wide] + log_bias(nu) + features["spread"][:, wide] * np.sqrt(self.spread[wide] ** 2 + log_noise(nu))
            )
            actual = np.sqrt(np.add.reduceat(residual[:, wide] ** 2 * weight[:, wide], starts, axis=0) / np.maximum(nu, 1))
            with np.errstate(divide="ignore", invalid="ignore"):
                length[:, wide] = np.where((nu >= 2) & (actual > 0), own / actual, np.sqrt(self.within[wide]))
        residual *= length.take(run, axis=0)
        residual[:, tilted] += sloping
        residual += (features["level"] * np.sqrt(self.between + self.within / np.where(whole > 0, whole, 1.0))).take(run, axis=0)
        return residual


def _mean_by(values: Floats, group: Codes, n_groups: int) -> Floats:
    """Mean of values (n,) by group; 0 for a group without any."""
    return np.bincount(group, weights=values, minlength=n_groups) / np.maximum(np.bincount(group, minlength=n_groups), 1)


def _spread_out(values: Floats, at: tuple[Codes, Codes], shape: tuple[int, int]) -> Floats:
    """Put values (n,) at their places in an array of NaN."""
    out = np.full(shape, np.nan)
    out[at] = values
    return out


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


def _residual_weights(hermite: Floats, level: Floats, rest: Floats, features: Floats) -> Floats:
    r"""How residuals of level scores show the latent residuals: weights (n_series, TERMS) as of a :class:`ScoreCorrelation`.

    Parameters
    ----------
    hermite : (n_series, TERMS) float64
        Coefficients of the scores.
    level, rest : (n_series,) float64
        Variances of the latent normal, of subjects' levels and of residuals.
    features : (n_seen, n_series) float64
        Levels of subjects, standardised.

    Notes
    -----
    Beyond their covariance :math:`\sum_n a_{in} a_{jn} c^n` on different occasions, where *c* is that of the latent levels, two
    scores have on the same occasion :math:`\sum_k r^k (w_i w_j)^{k/2} \sum_{n \ge k} \binom{n}{k} a_{in} a_{jn} c^{n-k}`, if their
    residuals of the variances *w* correlate by *r*; a score varies by :math:`\sum_n a_{in}^2 (1 - l_i^n)` within subjects of the
    level variance *l*. The more subjects keep their level, the less of a residual shows. Two series are told from one weight each:
    what it is with another like itself, with the mean *c* that it has with all.
    """
    power = np.arange(1, hermite.shape[1] + 1)
    varies = np.maximum((hermite**2 * (1 - level[:, None] ** power)).sum(axis=1), 1e-9)
    with np.errstate(invalid="ignore"):
        told = np.nan_to_num(pairwise_correlation(features), nan=0.0, posinf=0.0, neginf=0.0)
    alike = np.clip(told, -1.0, 1.0) * np.sqrt(np.outer(level, level))
    np.fill_diagonal(alike, 0.0)
    common = np.clip(alike.sum(axis=1) / max(len(level) - 1, 1), 0.0, 1.0)
    ways = np.where(power[:, None] <= power, binom(power, power[:, None]), 0.0)  # (k, n)
    lift = np.where(power[None, :] >= power[:, None], power[None, :] - power[:, None], 0)
    square = np.einsum("kn,jkn,jn->jk", ways, common[:, None, None] ** lift, hermite**2, optimize=True)
    shown = square * rest[:, None] ** power / varies[:, None]
    shown /= np.maximum(shown.sum(axis=1), 1.0)[:, None]
    return np.asarray(np.where(hermite < 0, -1.0, 1.0) * np.sqrt(shown), np.float64)


def _residual_copula(dense: Floats, discrete: NDArray[np.bool_], weights: Floats, kin: Kin | None) -> GaussianCopula:
    deviation = np.sqrt(_mean_square(dense))
    scores = dense / np.where(deviation > 0, deviation, 1.0)
    for j in np.flatnonzero(~discrete):
        scores[:, j] = normal_scores(dense[:, j])
    scores[:, np.isfinite(dense).sum(axis=0) < 4] = 0.0
    return GaussianCopula.fit(scores, weights=np.where(discrete[:, None], weights, np.nan), kin=kin)


def _mean_square(dense: Floats) -> Floats:
    seen = np.isfinite(dense)
    out: Floats = (np.where(seen, dense, 0.0) ** 2).sum(axis=0) / np.maximum(seen.sum(axis=0), 1)
    return out
