"""Which features tell two sets of subjects apart: each alone, and each two together."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm, rankdata

from replicator.evaluation.distances import Floats, Ints
from replicator.evaluation.features import FeatureTable
from replicator.evaluation.measures import OFFENDERS, Offender

FEWEST_SUBJECTS = 20  # of each side
BY_CHANCE = 0.01  # probability that anything is named although nothing differs
MOST_PAIRED = 40  # features that a detector used most, whose pairs are looked at

Pair: TypeAlias = tuple[NDArray[np.intp], NDArray[np.intp]]
"""Positions of the subjects of two sets."""


def find_reasons(table: FeatureTable, importance: Floats, compared: Pair, floor: Pair) -> tuple[Offender, ...]:
    """Name what tells two sets of subjects apart beyond chance, given how much was looked at (Bonferroni), best first.

    What tells real subjects from each other as well is no reason.

    Parameters
    ----------
    table : FeatureTable
    importance : (n_features,) float64
        How much a detector used each feature; pairs are looked at among those that it used most.
    compared, floor : pair of positions of subjects
        The two sets, and two sets of real subjects for comparison.

    Returns
    -------
    tuple of Offender
        Features (``LB ALT level``) and pairs (``LB ALT level against LB AST level``), with the AUC of each alone. A pair is named
        where it tells more than both of its features do; a feature is in one pair at most.
    """
    values = table.values
    alone, error = separation(values[compared[0]], values[compared[1]])
    used = np.sort(np.argsort(-importance, kind="stable")[:MOST_PAIRED])
    one, two, contrasts = rank_contrasts(values, used)
    together, error_together = separation(contrasts[compared[0]], contrasts[compared[1]])
    bound = float(norm.isf(BY_CHANCE / 2 / (len(alone) + len(together))))
    better = together > np.maximum(alone[one], alone[two]) + 2.0 * error_together
    features = np.flatnonzero(alone > 0.5 + bound * error)
    pairs = np.flatnonzero(better & (together > 0.5 + bound * error_together))
    pairs = _each_once(pairs[np.argsort(-together[pairs], kind="stable")], one, two)
    of_floor, _ = separation(values[floor[0]], values[floor[1]])
    pairs_of_floor, _ = separation(contrasts[floor[0]][:, pairs], contrasts[floor[1]][:, pairs])
    named = [Offender(table.names[i], float(alone[i]), float(of_floor[i])) for i in features.tolist()]
    named += [
        Offender(f"{table.names[one[i]]} against {table.names[two[i]]}", float(together[i]), float(pairs_of_floor[at]))
        for at, i in enumerate(pairs.tolist())
    ]
    beyond = [one for one in named if one.sample > one.floor]
    return tuple(sorted(beyond, key=lambda offender: -offender.sample)[:OFFENDERS])


def separation(one: Floats, two: Floats) -> tuple[Floats, Floats]:
    """How well each feature alone tells two sets of subjects apart, by its value among those who have one or by who has one.

    Parameters
    ----------
    one, two : (n_one, n_features), (n_two, n_features) float64
        NaN where missing.

    Returns
    -------
    auc : (n_features,) float64
        From 0.5, the better of the two ways.
    error : (n_features,) float64
        Standard error of Mann and Whitney's statistic as a share, were there no difference.
    """
    both = np.concatenate([one, two])
    has = np.isfinite(both)
    ranks = rankdata(both, axis=0, nan_policy="omit")
    n_one, n_two = has[: len(one)].sum(axis=0), has[len(one) :].sum(axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        auc = (np.where(has, ranks, 0.0)[: len(one)].sum(axis=0) - n_one * (n_one + 1) / 2) / (n_one * n_two)
    by_value = np.where(np.minimum(n_one, n_two) >= FEWEST_SUBJECTS, np.abs(np.nan_to_num(auc, nan=0.5) - 0.5), 0.0)
    by_presence = 0.5 * np.abs(n_one / len(one) - n_two / len(two))
    valued = by_value >= by_presence
    m, n = np.where(valued, n_one, len(one)), np.where(valued, n_two, len(two))
    with np.errstate(divide="ignore"):
        error = np.sqrt((m + n + 1) / (12.0 * m * n))
    return 0.5 + np.maximum(by_value, by_presence), error


def rank_contrasts(values: Floats, used: Ints) -> tuple[Ints, Ints, Floats]:
    """Contrast each two features by their ranks: how far they lie apart, and how far they lie out together.

    The first is 0 where two features have one order, the second where they have opposite ones, so that a relation that one set of
    subjects keeps and another does not shows as a difference of the contrast.

    Parameters
    ----------
    values : (n_subjects, n_features) float64
        NaN where missing.
    used : (n_used,) int64
        Features to be paired.

    Returns
    -------
    one, two : (n_contrasts,) int64
        The features.
    contrasts : (n_subjects, n_contrasts) float64
    """
    some = values[:, used]
    n = np.isfinite(some).sum(axis=0)
    ranks = (rankdata(some, axis=0, nan_policy="omit") - 0.5) / np.maximum(n, 1) - 0.5
    i, j = np.triu_indices(len(used), 1)
    contrasts = np.hstack([np.abs(ranks[:, i] - ranks[:, j]), np.abs(ranks[:, i] + ranks[:, j])])
    return np.tile(used[i], 2), np.tile(used[j], 2), np.round(contrasts, 9)  # equal ones are equal in spite of the arithmetic


def _each_once(pairs: Ints, one: Ints, two: Ints) -> Ints:
    """Keep the pairs, best first, whose features are in no better one; at most as many as are named."""
    seen: set[int] = set()
    kept: list[int] = []
    for at, a, b in zip(pairs.tolist(), one[pairs].tolist(), two[pairs].tolist(), strict=True):
        if len(kept) < OFFENDERS and not {a, b} & seen:
            kept.append(at)
            seen |= {a, b}
    return np.array(kept, np.int64)
