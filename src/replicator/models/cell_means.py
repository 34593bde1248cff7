r"""Means of repeated measurements by visit and arm, each shrunk as far as its own noise asks for (empirical Bayes)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Codes = NDArray[np.intp]

LIMIT = 0.5  # standard errors that a clear effect is moved by at most
ROUNDS = 4  # of backfitting between subjects and visits; more change the means by less than their standard error


@dataclass(frozen=True, eq=False)
class CellMeans:
    r"""Expected value of each series at each visit in each arm.

    Attributes
    ----------
    mean : (n_series, n_arms, n_cells) float64
        :math:`\mu_j + \alpha_{ja} + \beta_{jv} + \gamma_{jav}`; finite everywhere.

    Notes
    -----
    :math:`y_{ijv} = \mu_j + \alpha_{ja} + \beta_{jv} + \gamma_{jav} + F_{ij} + e_{ijv}`. Visit effects are estimated with the
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
            Subjects below which an effect of an arm or cell is not believed at all.
        """
        n_series, n_arms, n_cells = sizes
        n_subjects = int(subject.max(initial=0)) + 1
        overall = _means(y, series, n_series)
        pair_key, pair = np.unique(series * n_subjects + subject, return_inverse=True)
        pair_series = pair_key // n_subjects
        pair_n = np.bincount(pair, minlength=len(pair_key)).astype(np.float64)
        pair_arm = np.zeros(len(pair_key), np.intp)
        pair_arm[pair] = arm
        at_visit = series * n_cells + cell
        at_arm_visit = (series * n_arms + arm) * n_cells + cell
        visit_n = np.bincount(at_visit, minlength=n_series * n_cells).astype(np.float64)

        centred = y - overall[series]
        visit = np.zeros(n_series * n_cells)
        level = np.zeros(len(pair_key))
        within = between = np.zeros(n_series)
        for _ in range(ROUNDS):
            rest = centred - visit[at_visit]
            within, between = variance_components(rest, pair, pair_series, n_series)
            level = _means(rest, pair, len(pair_key))
            reliability = between[pair_series] * pair_n
            reliability = _ratio(reliability, reliability + within[pair_series])
            visit = _means(centred - (level * reliability)[pair], at_visit, n_series * n_cells)
        per_visit = visit.reshape(n_series, n_cells)
        noise = _ratio(within[:, None] + 0.0 * per_visit, visit_n.reshape(n_series, n_cells), np.inf)
        per_visit = _shrink(per_visit, noise, visit_n.reshape(n_series, n_cells) > 0)
        rest = centred - per_visit.reshape(-1)[at_visit]

        level = _means(rest, pair, len(pair_key))
        arm_key = pair_series * n_arms + pair_arm
        arm_n = np.bincount(arm_key, minlength=n_series * n_arms).astype(np.float64)
        arm_mean = _means(level, arm_key, n_series * n_arms).reshape(n_series, n_arms)
        spread = _ratio(
            np.bincount(pair_series, weights=(level - arm_mean[pair_series, pair_arm]) ** 2, minlength=n_series),
            np.maximum(np.bincount(pair_series, minlength=n_series) - (arm_n.reshape(n_series, n_arms) > 0).sum(axis=1), 1),
        )
        arm_n = arm_n.reshape(n_series, n_arms)
        arm_noise = np.where(arm_n >= fewest, _ratio(spread[:, None] + 0.0 * arm_n, arm_n, np.inf), np.inf)
        per_arm = _shrink(arm_mean, arm_noise, arm_n >= fewest)

        left = rest - level[pair]
        crossed_n = np.bincount(at_arm_visit, minlength=n_series * n_arms * n_cells).astype(np.float64)
        crossed = _means(left, at_arm_visit, n_series * n_arms * n_cells)
        crossed_noise = np.where(
            crossed_n >= fewest, _ratio(within[np.arange(len(crossed)) // (n_arms * n_cells)], crossed_n, np.inf), np.inf
        )
        shape = (n_series, n_arms * n_cells)
        crossed = _shrink(crossed.reshape(shape), crossed_noise.reshape(shape), (crossed_n >= fewest).reshape(shape))
        mean = overall[:, None, None] + per_arm[:, :, None] + per_visit[:, None, :] + crossed.reshape(n_series, n_arms, n_cells)
        return cls(mean)


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


def _shrink(effect: Floats, noise: Floats, seen: NDArray[np.bool_]) -> Floats:
    """Pull each row's effects to their mean as far as their noise explains them; unseen ones become 0.

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
    kept = np.where(weight > 0, variance / (variance + np.where(weight > 0, noise, 1.0) + 1e-300), 0.0)
    # an effect that stands far above its noise is moved by half a standard error at most (Efron and Morris's limited translation)
    moved = np.minimum((1 - kept) * np.abs(deviation), np.where(weight > 0, LIMIT * np.sqrt(noise), np.inf))
    moved = np.where(weight > 0, moved, np.abs(deviation))
    clear = np.where(weight > 0, np.abs(deviation) > 3 * np.sqrt(np.where(weight > 0, noise, 0.0)), False)
    kept = np.where(clear, 1 - moved / np.maximum(np.abs(deviation), 1e-300), kept)
    return np.where(seen, centre + kept * deviation, 0.0)
