"""What goes together in a subject: rank correlations between features, within a dataset and between datasets."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from replicator.evaluation.distances import FEWEST_ROWS, Floats, Ints
from replicator.evaluation.features import FeatureTable
from replicator.evaluation.group_distances import pearson
from replicator.evaluation.measures import Distances, Family, summarise
from replicator.evaluation.splits import Splits
from replicator.evaluation.stack import Origin, Stack
from replicator.rules.grouping import Mask

MOST_PAIRS = 1500  # of a family
MOST_FEATURES = 600  # that may take part
COMMONEST = 0.9  # share of the commonest value above which a feature varies too little
FEWEST_SUBJECTS = 20  # of the source, who have both features
_CHUNK = 1 << 22  # numbers in memory at once


def correlation_families(stack: Stack, splits: Splits, table: FeatureTable, rng: np.random.Generator) -> tuple[Family, ...]:
    """Compare rank correlations of features.

    Each two datasets (or each dataset with itself) have an equal number of pairs: a quarter of them levels whose correlation is
    most certain in the source, a quarter whatever else is most certain, half drawn from all others. Counts go together most
    certainly of all, since tests are made together; they must not stand before what was found.

    Parameters
    ----------
    table : FeatureTable
    rng : numpy.random.Generator
        Draws the pairs.

    Returns
    -------
    tuple of Family
        ``dependence within domains`` and ``dependence between domains``; the distance is half the difference of two correlations.
    """
    source = stack.origin == Origin.SOURCE
    table = table.take(varied_features(table, source))
    ranks = origin_ranks(table.values, stack.origin)
    one, two = np.triu_indices(len(table.names), 1)
    certainty = _certainty(ranks[source])[one, two]
    known = np.isfinite(certainty)
    one, two, certainty = one[known], two[known], certainty[known]
    of = pd.factorize(np.array(table.datasets, dtype=object))[0].astype(np.int64)
    same = of[one] == of[two]
    levels = table.levels[one] & table.levels[two]
    families = []
    for name, question, mask in (
        ("dependence within domains", "Do the features of a subject in one dataset go together as they should?", same),
        ("dependence between domains", "Do the features of a subject in two datasets go together as they should?", ~same),
    ):
        group = np.minimum(of[one], of[two]) * (of.max(initial=0) + 1) + np.maximum(of[one], of[two])
        at = np.flatnonzero(mask)
        at = at[choose_pairs(group[at], certainty[at], levels[at], rng)]
        families.append(summarise(name, question, _distances(splits, table, ranks, one[at], two[at])))
    return tuple(families)


def origin_ranks(values: Floats, origin: NDArray[np.int8]) -> Floats:
    """Rank every feature within each study, equal ones alike, as shares less 1/2; NaN stays: (n_subjects, n_features).

    A random part of a study has the same order as the study, so that ranks need not be taken anew in every split.
    """
    ranks = np.full(values.shape, np.nan)
    for one in np.unique(origin):
        rows = origin == one
        ranks[rows] = pd.DataFrame(values[rows]).rank(pct=True).to_numpy(np.float64) - 0.5
    return ranks


def choose_pairs(group: Ints, certainty: Floats, levels: Mask, rng: np.random.Generator) -> Ints:
    """Choose pairs so that each group has an equal share of :data:`MOST_PAIRS`, half by certainty and half by chance.

    Of those by certainty half are of two levels, or as many as there are.

    Parameters
    ----------
    group : (n_pairs,) int64
        The datasets of the two features as one integer.
    certainty : (n_pairs,) float64
    levels : (n_pairs,) bool
        Whether both features are levels.

    Returns
    -------
    (n_chosen,) int64
        Positions, in order.
    """
    if not len(group):
        return np.empty(0, np.int64)
    codes = pd.factorize(group)[0].astype(np.int64)
    share = max(MOST_PAIRS // (int(codes.max()) + 1), 2)
    first = levels & (_place_in_group(codes, np.where(levels, -certainty, np.inf)) < share // 4)
    sure = _place_in_group(codes, np.where(first, -np.inf, -certainty)) < share // 2
    chance = _place_in_group(codes, np.where(sure, 2.0, rng.random(len(codes)))) < share - share // 2
    return np.flatnonzero(sure | chance).astype(np.int64)


def _place_in_group(codes: Ints, key: Floats) -> Ints:
    """Place of each entry in its group in the order of `key`, from 0."""
    order = np.lexsort((key, codes))
    first = np.searchsorted(codes[order], np.arange(int(codes.max()) + 1))
    place = np.empty(len(codes), np.int64)
    place[order] = np.arange(len(codes)) - first[codes[order]]
    return place


def varied_features(table: FeatureTable, source: Mask) -> Ints:
    """Features that enough subjects of the source have and whose commonest value is not nearly everybody's; the fullest if many."""
    values = table.values[source]
    n = np.isfinite(values).sum(axis=0)
    commonest = np.array(
        [pd.Series(column).value_counts().max() if m else 0 for column, m in zip(values.T, n.tolist(), strict=True)]
    )
    others = n - commonest
    fit = np.flatnonzero((n >= FEWEST_SUBJECTS) & (others >= np.maximum((1.0 - COMMONEST) * n, FEWEST_ROWS)))
    return np.sort(fit[np.argsort(-others[fit], kind="stable")[:MOST_FEATURES]]).astype(np.int64)


def rank_correlations(ranks: Floats) -> tuple[Floats, Floats]:
    """Correlation of each two features over the subjects who have both, and their number: (n_features, n_features) each."""
    present = np.isfinite(ranks).astype(np.float64)
    filled = np.where(present > 0, ranks, 0.0)
    n = present.T @ present
    x, xx = filled.T @ present, (filled**2).T @ present
    return pearson(n, x, x.T, xx, xx.T, filled.T @ filled), n


def _certainty(ranks: Floats) -> Floats:
    """|Fisher's z| of each correlation by its standard error, (n_features, n_features); NaN where too few have both."""
    r, n = rank_correlations(ranks)
    z = np.arctanh(np.clip(np.abs(r), 0.0, 1.0 - 1e-9)) * np.sqrt(np.maximum(n - 3.0, 0.0))
    return np.where(n >= FEWEST_SUBJECTS, z, np.nan)


def _distances(splits: Splits, table: FeatureTable, ranks: Floats, one: Ints, two: Ints) -> Distances:
    """Differences of the chosen correlations; products of two features are made once, and summed over all splits."""
    sides = (splits.reference, splits.floor, splits.sample)
    masks = np.concatenate(sides).astype(np.float64)
    width = max(_CHUNK // max(len(ranks), 1), 1)
    n, r = np.empty((len(masks), len(one))), np.empty((len(masks), len(one)))
    for start in range(0, len(one), width):
        part = slice(start, start + width)
        a, b = ranks[:, one[part]], ranks[:, two[part]]
        both = np.isfinite(a) & np.isfinite(b)
        a, b = np.where(both, a, 0.0), np.where(both, b, 0.0)
        sums = [masks @ numbers for numbers in (both.astype(np.float64), a, b, a * a, b * b, a * b)]
        n[:, part], r[:, part] = sums[0], pearson(*sums)
    (n_reference, n_floor, n_sample), (reference, floor, sample) = np.split(n, 3), np.split(r, 3)
    told = (n_reference >= FEWEST_ROWS) & (n_floor >= FEWEST_ROWS)
    of_sample = np.where(n_sample > 0, 0.5 * np.abs(reference - sample), 1.0)
    names = tuple(f"{table.names[i]} with {table.names[j]}" for i, j in zip(one.tolist(), two.tolist(), strict=True))
    return Distances(names, np.where(told, of_sample, np.nan), np.where(told, 0.5 * np.abs(reference - floor), np.nan))
