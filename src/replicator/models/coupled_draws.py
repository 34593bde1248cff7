"""Categories that rows of one group tend to share: how much, and draws that keep it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from replicator.models.backoff import BackoffTable, Codes
from replicator.special import ndtr

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Pairs: TypeAlias = tuple[NDArray[np.intp], NDArray[np.intp]]
"""Rows that stand to each other: two of each pair."""

MOST_DRAWN = 40_000  # pairs that are looked through for those that may agree or not
MOST_PAIRS = 4000  # that a correlation is found from
SAME = 1e-6  # nearer to 1 than this, the probability that a pair agrees by chance leaves nothing to be found
TRIES = 8  # draws of each pair
STEPS = 12  # halvings of the interval that a correlation lies in
SURE = 3.0  # standard errors, were there no correlation, by which pairs must agree more often than by chance


def draw_coupled(table: BackoffTable, given: Sequence[Codes], chance: Floats) -> NDArray[np.int32]:
    """Read targets (n,) off the distributions of a table at the uniform numbers (n,) `chance`."""
    row, chances, target = table.chances(given, len(chance))
    return _read_off(np.cumsum(chances, axis=1), target, row, chance).astype(np.int32)


def group_chances(groups: Sequence[Codes], shares: Sequence[float], n: int, rng: np.random.Generator) -> Floats:
    r"""Uniform numbers (n,) that rows of one group share in part.

    Parameters
    ----------
    groups : sequence of (n,) int
        Groups of rows, by component.
    shares : sequence of float
        Share of the variance that each component has; they sum to 1 at most.

    Notes
    -----
    The number of a row is :math:`\Phi\bigl(\sum_c \sqrt{s_c}\, z_{c,g_c} + \sqrt{1 - \sum_c s_c}\, e\bigr)`.
    """
    latent = np.sqrt(max(0.0, 1.0 - sum(shares))) * rng.standard_normal(n)
    for group, share in zip(groups, shares, strict=True):
        inverse = np.unique(group, return_inverse=True)[1].reshape(-1)
        latent += np.sqrt(share) * rng.standard_normal(int(inverse.max(initial=-1)) + 1)[inverse]
    return np.asarray(ndtr(latent), np.float64)


def pair_correlation(
    table: BackoffTable,
    target: Ints,
    given: Sequence[Codes],
    pairs: Pairs,
    subject: Codes,
    k: int,
) -> float:
    """Correlation of the normal numbers behind two rows with which pairs would agree as often as they do.

    Parameters
    ----------
    table : BackoffTable
        Fitted on the rows.
    target : (n_rows,) int64
        Codes; -1 is missing.
    given : sequence of (n_rows,) int
        Conditions of the table.
    pairs : two arrays (n_pairs,) int
        Rows of each pair.
    subject : (n_rows,) int
        Whose row it is.
    k : int
        Fewest subjects that must have a pair.

    Returns
    -------
    float
        From 0 to 1; 0 where pairs agree no more often than rows drawn apart, by `SURE` standard errors over subjects.
    """
    both = np.concatenate(pairs)
    row, chances, listed = table.chances([np.asarray(codes, np.int64)[both] for codes in given], len(both))
    row_one, row_two = np.split(row, 2)
    by_chance = np.einsum("ij,ij->i", chances[row_one], chances[row_two])
    open_pairs = np.flatnonzero(by_chance < 1.0 - SAME)[:MOST_PAIRS]
    one, two, row_one, row_two, by_chance = (x[open_pairs] for x in (*pairs, row_one, row_two, by_chance))
    if len(np.unique(subject[one])) < max(k, 2):
        return 0.0
    agree = float((target[one] == target[two]).mean())
    # pairs of one subject may say the same
    error = np.sqrt((np.bincount(subject[one], np.sqrt(by_chance * (1.0 - by_chance))) ** 2).sum()) / len(one)
    if agree - by_chance.mean() <= SURE * error:
        return 0.0
    steps = np.cumsum(chances, axis=1)
    left, apart = np.random.default_rng(0).standard_normal((2, TRIES, len(one)))
    here = _read_off(steps, listed, np.tile(row_one, TRIES), ndtr(left).ravel())

    def expected(correlation: float) -> float:
        there = ndtr(correlation * left + np.sqrt(1.0 - correlation**2) * apart)
        return float((here == _read_off(steps, listed, np.tile(row_two, TRIES), there.ravel())).mean())

    low, high = 0.0, 1.0
    for _ in range(STEPS):
        middle = (low + high) / 2.0
        low, high = (middle, high) if expected(middle) < agree else (low, middle)
    return high


def draw_pairs(group: Codes, rng: np.random.Generator) -> Pairs:
    """Draw pairs of rows of one group: two arrays (n_pairs,), each row with another at most once, `MOST_DRAWN` at most."""
    order = np.lexsort((rng.random(len(group)), group))
    same = group[order][1:] == group[order][:-1]
    first = np.flatnonzero(same)
    kept = rng.permutation(first)[:MOST_DRAWN]
    return order[kept], order[kept + 1]


def _read_off(steps: Floats, codes: Ints, row: NDArray[np.intp], chance: Floats) -> Ints:
    """Code at a uniform number (n,) of the cumulated distribution of each row."""
    if not len(codes):
        return np.full(len(chance), -1, np.int64)
    flat = (steps / np.maximum(steps[:, -1:], 1e-300) + np.arange(len(steps))[:, None]).ravel()
    at = np.searchsorted(flat, row + np.minimum(chance, 1.0 - 1e-12), side="right")
    return np.asarray(codes[np.minimum(at - row * len(codes), len(codes) - 1)], np.int64)
