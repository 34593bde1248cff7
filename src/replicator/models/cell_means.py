r"""Means of repeated measurements by visit and arm, each shrunk as far as its own noise asks for (empirical Bayes)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from replicator.special import hurwitz_zeta, psi

Floats = NDArray[np.float64]
Codes = NDArray[np.intp]

LIMIT = 0.5  # standard errors that a clear effect is moved by at most
CLEAR = 3.0  # standard errors from which an effect is clear
ROUNDS = 12  # of alternation between subjects and cells; more change the means by a small part of their standard error
PASSES = 3  # of estimating variances about the means, and the means given the variances


@dataclass(frozen=True, eq=False)
class CellMeans:
    r"""Expected value of each series at each visit in each arm.

    Attributes
    ----------
    mean : (n_series, n_arms, n_cells) float64
        :math:`\mu_j + \alpha_{ja} + \beta_{jv} + \gamma_{jav}`; finite everywhere.

    Notes
    -----
    :math:`y_{ijv} = \mu_j + \alpha_{ja} + \beta_{jv} + \gamma_{jav} + F_{ij} + e_{ijv}`. All effects are estimated with the
    subjects' own levels taken out, so that drop-out does not bend them. Each group of effects is shrunk by
    :math:`\tau^2 / (\tau^2 + \sigma^2 / n)`, where :math:`\tau^2` is what the scatter of the effects leaves above their noise:
    nothing is left of effects that noise explains, and almost all of effects that are clear.

    References
    ----------
    Efron, Morris: Stein's estimation rule and its competitors. JASA 68 (1973) 117-130.
    """

    kind: ClassVar[str] = "cell means"

    mean: Floats

    @classmethod
    def fit(
        cls,
        y: Floats,
        series: Codes,
        subject: Codes,
        arm: Codes,
        cell: Codes,
        sizes: tuple[int, int, int],
        *,
        fewest: int = 2,
    ) -> CellMeans:
        """Estimate the means.

        Parameters
        ----------
        y : (n,) float64
            Finite values on the additive scale.
        series, subject, arm, cell : (n,) int
            Of each value.
        sizes : (n_series, n_arms, n_cells)
            Extents of the table.
        fewest : int
            Subjects below which an arm, a cell or a cell of an arm has no effect of its own.
        """
        groups = _Groups.of(series, subject, arm, cell, sizes)
        overall = _means(y, series, sizes[0])
        rest = y - overall[series]
        mean = np.zeros(sizes)
        for _ in range(PASSES):
            within, between = variance_components(rest - mean.reshape(-1)[groups.cell], groups.pair, groups.pair_series, sizes[0])
            adjusted = _adjusted(rest, groups, within, between, sizes)
            mean = _shrunk(adjusted, groups, within, between, sizes, fewest)
        return cls(overall[:, None, None] + mean)


@dataclass(frozen=True, eq=False)
class _Groups:
    """Groups that values belong to.

    Attributes
    ----------
    cell : (n,) int
        Number of (series, arm, cell) of each value.
    pair : (n,) int
        Number of (series, subject) of each value.
    pair_series, pair_arm : (n_pairs,) int
        Series, and number of (series, arm), of each pair.
    """

    cell: Codes
    pair: Codes
    pair_series: Codes
    pair_arm: Codes

    @classmethod
    def of(cls, series: Codes, subject: Codes, arm: Codes, cell: Codes, sizes: tuple[int, int, int]) -> _Groups:
        n_subjects = int(subject.max(initial=0)) + 1
        key, pair = np.unique(series * n_subjects + subject, return_inverse=True)
        pair_arm = np.zeros(len(key), np.intp)
        pair_arm[pair] = series * sizes[1] + arm
        return cls((series * sizes[1] + arm) * sizes[2] + cell, pair, key // n_subjects, pair_arm)


def _adjusted(y: Floats, groups: _Groups, within: Floats, between: Floats, sizes: tuple[int, int, int]) -> Floats:
    r"""Means (n_series, n_arms, n_cells) as they would be had all subjects of the arm been seen at the cell.

    Notes
    -----
    A mixed model by alternation. Given the means, a subject's level is its average deviation times
    :math:`\tau^2 / (\tau^2 + \sigma^2 / n)` (the best linear unbiased prediction); given the levels, the means are averages of
    what is left. The levels of an arm are centred in each round, which makes the rounds few.
    """
    n_pairs, n_arms, n_cells = len(groups.pair_series), sizes[0] * sizes[1], sizes[0] * sizes[1] * sizes[2]
    size = np.bincount(groups.pair, minlength=n_pairs)
    variance = between[groups.pair_series] + _ratio(within[groups.pair_series], size)
    reliability = _ratio(between[groups.pair_series], variance)
    weight = _ratio(np.ones(n_pairs), variance, 1.0)
    total = np.bincount(groups.pair_arm, weights=weight, minlength=n_arms)
    profile, level = np.zeros(n_cells), np.zeros(n_pairs)
    for _ in range(ROUNDS):
        shown = _means(y - profile[groups.cell], groups.pair, n_pairs)
        centre = _ratio(np.bincount(groups.pair_arm, weights=weight * shown, minlength=n_arms), total)[groups.pair_arm]
        level = reliability * (shown - centre)
        profile = _means(y - level[groups.pair], groups.cell, n_cells)
    return profile.reshape(sizes)


def _shrunk(adjusted: Floats, groups: _Groups, within: Floats, between: Floats, sizes: tuple[int, int, int], fewest: int) -> Floats:
    """Split adjusted means into effects of arm, cell and both, each shrunk for its own noise: (n_series, n_arms, n_cells)."""
    count = np.bincount(groups.cell, minlength=adjusted.size).astype(np.float64).reshape(sizes)
    arm_effect, cell_effect = np.zeros(sizes[:2]), np.zeros((sizes[0], sizes[2]))
    for _ in range(ROUNDS):
        cell_effect = _ratio((count * (adjusted - arm_effect[:, :, None])).sum(axis=1), count.sum(axis=1))
        arm_effect = _ratio((count * (adjusted - cell_effect[:, None, :])).sum(axis=2), count.sum(axis=2))
    crossed = adjusted - arm_effect[:, :, None] - cell_effect[:, None, :]

    visits = count.sum(axis=1)
    cell_kept = shrink_effects(cell_effect, _noise(within, visits, fewest), visits >= fewest)
    subjects = np.bincount(groups.pair_arm, minlength=sizes[0] * sizes[1]).astype(np.float64).reshape(sizes[:2])
    size = _ratio(count.sum(axis=2), subjects, 1.0)
    arm_noise = np.where(subjects >= fewest, _ratio(between[:, None] + within[:, None] / size, subjects, np.inf), np.inf)
    arm_kept = shrink_effects(arm_effect, arm_noise, subjects >= fewest)
    return arm_kept[:, :, None] + cell_kept[:, None, :] + _shrink_crossed(crossed, count, within, fewest)


def _noise(within: Floats, count: Floats, fewest: int) -> Floats:
    """Error variance of means of `count` (n_series, n_effects) values; infinite where too few."""
    return np.where(count >= fewest, _ratio(within[:, None] + 0.0 * count, count, np.inf), np.inf)


def variance_components(rest: Floats, pair: Codes, pair_series: Codes, n_series: int) -> tuple[Floats, Floats]:
    """Variance within and between subjects by moments.

    Parameters
    ----------
    rest : (n,) float64
        Values without their means.
    pair : (n,) int
        Number of the (series, subject) pair of each value.
    pair_series : (n_pairs,) int
        Series of each pair.
    n_series : int
        Number of series.

    Returns
    -------
    within, between : (n_series,) float64
        Never negative; where no subject has two values all variance counts as between.
    """
    size = np.bincount(pair, minlength=len(pair_series)).astype(np.float64)
    level = _means(rest, pair, len(pair_series))
    scatter = np.bincount(pair_series[pair], weights=(rest - level[pair]) ** 2, minlength=n_series)
    freedom = np.bincount(pair_series, weights=size - 1, minlength=n_series)
    within = _ratio(scatter, freedom)
    n_pairs = np.bincount(pair_series, minlength=n_series)
    centre = _means(level, pair_series, n_series)
    spread = _ratio(
        np.bincount(pair_series, weights=(level - centre[pair_series]) ** 2, minlength=n_series), np.maximum(n_pairs - 1, 1)
    )
    inverse = _ratio(np.bincount(pair_series, weights=1 / np.maximum(size, 1), minlength=n_series), np.maximum(n_pairs, 1))
    return within, np.maximum(spread - within * inverse, 0.0)


def _means(values: Floats, group: Codes, n_groups: int) -> Floats:
    return _ratio(np.bincount(group, weights=values, minlength=n_groups), np.bincount(group, minlength=n_groups))


def _ratio(
    top: NDArray[np.float64] | NDArray[np.intp], bottom: NDArray[np.float64] | NDArray[np.intp], empty: float = 0.0
) -> Floats:
    out: Floats = np.where(bottom > 0, top / np.where(bottom > 0, bottom, 1), empty)
    return out


def shrink_effects(effect: Floats, noise: Floats, seen: NDArray[np.bool_]) -> Floats:
    """Pull each row's effects to their mean as far as their noise explains them; unseen ones become the mean.

    Parameters
    ----------
    effect, noise : (n_series, n_effects) float64
        Estimates and their error variances, infinite where not to be believed.
    seen : (n_series, n_effects) bool
        Which effects were estimated.
    """
    weight = np.where(seen & np.isfinite(noise), 1 / np.maximum(noise, 1e-12), 0.0)
    total = weight.sum(axis=1, keepdims=True)
    centre = _ratio((weight * effect).sum(axis=1, keepdims=True), total)
    deviation = np.where(weight > 0, effect - centre, 0.0)
    count = (weight > 0).sum(axis=1, keepdims=True)
    # DerSimonian and Laird's moment estimate of the variance of true effects
    scatter = (weight * deviation**2).sum(axis=1, keepdims=True)
    scale = total - _ratio((weight**2).sum(axis=1, keepdims=True), total)
    variance = np.maximum(_ratio(scatter - (count - 1), scale), 0.0)
    return centre + np.where(seen, believed_share(deviation, noise, variance) * deviation, 0.0)


def _shrink_crossed(effect: Floats, count: Floats, within: Floats, fewest: int) -> Floats:
    r"""Pull what an arm has of its own at a cell to 0 as far as noise explains it; nothing is left where too few were seen.

    Parameters
    ----------
    effect, count : (n_series, n_arms, n_cells) float64
        What arm and cell leave of the means, and values behind them.
    within : (n_series,) float64
        Variance of a value around its subject's level.

    Notes
    -----
    Without true effects :math:`Q = \sum n\hat\gamma^2 / \sigma^2` is a chi-square of :math:`f = (a - 1)(v - 1)` degrees of
    freedom, as the effects of arms and cells are taken out; with effects of variance :math:`\tau^2` it is
    :math:`1 + \bar n \tau^2 / \sigma^2` times as large. What one series tells of that factor is mostly chance, of a variance of
    :math:`2 / f` on the logarithm, so series are themselves drawn to what they have in common, as far as chance explains how
    they differ [1]_.

    References
    ----------
    .. [1] G. K. Smyth, "Linear models and empirical Bayes methods for assessing differential expression in microarray experiments",
       *Statistical Applications in Genetics and Molecular Biology* 3, 2004, article 3, on variances of many series.
    """
    of_cell = np.broadcast_to(within[:, None, None], count.shape)
    weight = np.where((count >= fewest) & (of_cell > 0), _ratio(count, of_cell), 0.0)
    seen = weight > 0
    cells = seen.sum(axis=(1, 2))
    freedom = np.maximum(cells - seen.any(axis=2).sum(axis=1) - seen.any(axis=1).sum(axis=1) + 1, 0).astype(np.float64)
    scatter = (weight * effect**2).sum(axis=(1, 2))
    told = (freedom > 0) & (scatter > 0)
    half = np.where(told, freedom, 2.0) / 2
    factor = np.where(told, np.log(np.where(told, scatter, 1.0) / 2) - psi(half), 0.0)
    factor = shrink_effects(factor[None], np.where(told, hurwitz_zeta(2.0, half), np.inf)[None], told[None])[0]
    variance = np.where(told, np.maximum(np.expm1(factor), 0.0), 0.0) * _ratio(
        within * cells, np.where(seen, count, 0.0).sum(axis=(1, 2))
    )
    flat = (len(effect), -1)
    noise = np.where(seen, _ratio(np.ones_like(weight), weight), np.inf).reshape(flat)
    return (effect.reshape(flat) * believed_share(effect.reshape(flat), noise, variance[:, None])).reshape(effect.shape)


def believed_share(deviation: Floats, noise: Floats, variance: Floats) -> Floats:
    """Share of each deviation (n_series, n_effects) that is believed, given its error variance and that of true ones."""
    known = np.isfinite(noise)
    error = np.where(known, noise, 0.0)
    kept = np.where(known, variance / (variance + np.where(known, noise, 1.0) + 1e-300), 0.0)
    # an effect that stands far above its noise is moved by half a standard error at most (Efron and Morris's limited translation)
    moved = np.minimum((1 - kept) * np.abs(deviation), LIMIT * np.sqrt(error))
    clear = known & (np.abs(deviation) > CLEAR * np.sqrt(error))
    return np.where(clear, 1 - moved / np.maximum(np.abs(deviation), 1e-300), kept)
