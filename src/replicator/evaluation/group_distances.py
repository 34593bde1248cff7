"""Distances in many groups at once: shares of subjects, means, spreads, correlations and distributions, for all splits."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from replicator.evaluation.distances import (
    BY_CHANCE,
    FEWEST_ROWS,
    Floats,
    Ints,
    Statistic,
    contrast,
    count_matrix,
    lacks_by_chance,
)
from replicator.evaluation.splits import Splits

SAME = 1e-9  # relative difference from which two numbers are two
Both: TypeAlias = tuple[Floats, Floats]
"""Distances of sample and floor from the reference, (n_splits, n_groups) each."""


def within(splits: Splits, members: NDArray[np.bool_]) -> Splits:
    """Keep only some subjects on every side; `members` is a mask over subjects (n_subjects,)."""
    return Splits(splits.reference & members, splits.floor & members, splits.sample & members)


def compare_shares(splits: Splits, having: sparse.csr_matrix, members: NDArray[np.bool_] | None = None) -> Both:
    """Compare the share of subjects who have something; `having` is (n_subjects, n_groups) of 0 and 1, `members` as below."""

    def share(mask: NDArray[np.bool_]) -> tuple[Floats, Floats]:
        n = mask.sum(axis=1, dtype=np.float64)[:, None]
        return np.asarray(_totals(mask, having) / np.maximum(n, 1.0)), np.broadcast_to(n, (len(n), having.shape[1]))

    everybody = np.ones(having.shape[0], bool) if members is None else members
    return _compared(splits, contrast(share, members), sparse.csr_matrix(everybody[:, None].astype(np.float64)), 1.0)


def compare_means(
    splits: Splits,
    total: sparse.csr_matrix,
    count: sparse.csr_matrix,
    members: NDArray[np.bool_] | None = None,
    *,
    span: float = 1.0,
) -> Both:
    """Compare means of numbers; two that are `span` apart are as far apart as can be.

    Parameters
    ----------
    total, count : (n_subjects, n_groups) sparse matrices
        Sum of a subject's numbers, and how many there are.
    members : (n_subjects,) bool, optional
        Compare by how much these subjects' means differ from those of all of their side.
    """

    def mean(mask: NDArray[np.bool_]) -> tuple[Floats, Floats]:
        n = _totals(mask, count)
        return _totals(mask, total) / np.maximum(n, 1.0), n

    return _compared(splits, contrast(mean, members), count, span, members=members)


def compare_spreads(splits: Splits, values: sparse.csr_matrix, present: sparse.csr_matrix) -> Both:
    """Compare standard deviations between subjects of numbers between 0 and 1, in units of the largest possible one, 1/2.

    Parameters
    ----------
    values, present : (n_subjects, n_groups) sparse matrices
        A number for each subject, and 1 where there is one.
    """
    return _compared(splits, _deviation(values, present), present, 0.5)


def compare_deviations(splits: Splits, values: sparse.csr_matrix, present: sparse.csr_matrix) -> Both:
    """Compare standard deviations between subjects of any numbers: the distance is by what share the smaller falls short.

    Where all sampled subjects have one number, their parts show no noise that chance could be judged by. It is then NaN for both if
    as many real subjects could all have that number as well, given how many do, with a probability above
    :data:`~.distances.BY_CHANCE`.

    Parameters
    ----------
    values, present : (n_subjects, n_groups) sparse matrices
        A number for each subject, and 1 where there is one.
    """

    def short(a: Floats, b: Floats) -> Floats:
        larger = np.maximum(a, b)
        return np.where(larger > 0, 1.0 - np.minimum(a, b) / np.where(larger > 0, larger, 1.0), 0.0)

    alike = _alike_by_chance(splits, values, present)
    sample, floor = _compared(splits, _deviation(values, present), present, 1.0, short)
    return np.where(alike, np.nan, sample), np.where(alike, np.nan, floor)


def _alike_by_chance(splits: Splits, values: sparse.csr_matrix, present: sparse.csr_matrix) -> NDArray[np.bool_]:
    """Tell the groups whose sampled subjects all have one number, and real ones do not, but as many might: (n_groups,)."""
    sampled, real = (np.asarray(mask.any(axis=0), bool) for mask in (splits.sample, splits.reference | splits.floor))
    who, group = present.nonzero()
    if not len(who):
        return np.zeros(present.shape[1], bool)
    number = np.asarray(values[who, group], np.float64).ravel()
    low, high = np.full((2, present.shape[1]), np.nan)
    of_sample = sampled[who]
    np.fmin.at(low, group[of_sample], number[of_sample])
    np.fmax.at(high, group[of_sample], number[of_sample])
    n_sampled, n_real, n_same = (
        np.bincount(group[rows], minlength=present.shape[1])
        for rows in (of_sample, real[who], real[who] & (np.abs(number - low[group]) <= SAME * np.maximum(np.abs(low[group]), 1.0)))
    )
    one_number = (n_sampled > 0) & (high - low <= SAME * np.maximum(np.abs(low), 1.0))
    return np.asarray(one_number & (n_same < n_real) & ((n_same / np.maximum(n_real, 1)) ** n_sampled > BY_CHANCE))


def _deviation(values: sparse.csr_matrix, present: sparse.csr_matrix) -> Statistic:
    squares = values.multiply(values).tocsr()

    def deviation(mask: NDArray[np.bool_]) -> tuple[Floats, Floats]:
        n = _totals(mask, present)
        least = np.maximum(n, 1.0)
        mean = _totals(mask, values) / least
        return np.sqrt(np.maximum(_totals(mask, squares) / least - mean**2, 0.0)), n

    return deviation


def compare_correlations(
    splits: Splits, one: sparse.csr_matrix, two: sparse.csr_matrix, has_one: sparse.csr_matrix, has_two: sparse.csr_matrix
) -> Both:
    """Compare the correlation of two numbers of the same subject, group by group; the distance is half the difference.

    Parameters
    ----------
    one, two : (n_subjects, n_groups) sparse matrices
        The numbers.
    has_one, has_two : (n_subjects, n_groups) sparse matrices
        1 where there is one.
    """
    present = has_one.multiply(has_two)
    a, b = one.multiply(has_two), two.multiply(has_one)
    parts = [x.tocsr() for x in (present, a, b, a.multiply(a), b.multiply(b), a.multiply(b))]

    def correlation(mask: NDArray[np.bool_]) -> tuple[Floats, Floats]:
        n, x, y, xx, yy, xy = (_totals(mask, part) for part in parts)
        return pearson(n, x, y, xx, yy, xy), n

    return _compared(splits, correlation, parts[0], 2.0)


def pearson(n: Floats, x: Floats, y: Floats, xx: Floats, yy: Floats, xy: Floats) -> Floats:
    """Correlation from counts, sums, sums of squares and of products; 0 where one of the two does not vary."""
    least = np.maximum(n, 1.0)
    covariance = xy / least - x * y / least**2
    variances = (xx / least - (x / least) ** 2) * (yy / least - (y / least) ** 2)
    varies = variances > 1e-18
    return np.where(varies, np.clip(covariance / np.sqrt(np.where(varies, variances, 1.0)), -1.0, 1.0), 0.0)


def compare_distributions(
    splits: Splits, subject: Ints, groups: Ints, codes: Ints, n_groups: int, n_codes: int, *, ordered: bool
) -> Both:
    """Compare the distribution over codes within each group of rows.

    Parameters
    ----------
    subject, groups, codes : (n_rows,) int
        Rows with -1 in any are left out.
    ordered : bool
        Codes are numbered values: the Kolmogorov-Smirnov distance, else the total variation.
    """
    known = (groups >= 0) & (codes >= 0)
    joint = np.where(known, groups * n_codes + codes, -1)
    counts = count_matrix(subject, joint, splits.reference.shape[1], n_groups * n_codes)

    def distribution(mask: NDArray[np.bool_]) -> tuple[Floats, Floats]:
        totals = _totals(mask, counts).reshape(len(mask), n_groups, n_codes)
        n = totals.sum(axis=2)
        return totals / np.maximum(n, 1.0)[:, :, None], n

    def apart(a: Floats, b: Floats) -> Floats:
        if ordered:
            return np.asarray(np.abs(np.cumsum(a - b, axis=2)).max(axis=2, initial=0.0))
        return np.asarray(0.5 * np.abs(a - b).sum(axis=2))

    return _compared(
        splits, distribution, count_matrix(subject, np.where(known, groups, -1), len(splits.reference[0]), n_groups), 1.0, apart
    )


def _totals(mask: NDArray[np.bool_], matrix: sparse.csr_matrix) -> Floats:
    return np.asarray(mask.astype(np.float64) @ matrix)


def _difference(a: Floats, b: Floats) -> Floats:
    return np.abs(a - b)


def _compared(
    splits: Splits,
    statistic: Statistic,
    having: sparse.csr_matrix,
    span: float,
    apart: Callable[[Floats, Floats], Floats] = _difference,
    *,
    members: NDArray[np.bool_] | None = None,
) -> Both:
    """Distances of a statistic and the number behind it: NaN where too few are real.

    Where only the sample has none it is 1, or NaN if that may be by chance, given who of the real subjects is in `having`.
    """
    (reference, n), (floor, n_floor), (sample, n_sample) = map(statistic, (splits.reference, splits.floor, splits.sample))
    told = (n >= FEWEST_ROWS) & (n_floor >= FEWEST_ROWS)
    lacking = np.where(lacks_by_chance(splits, having, members), np.nan, 1.0)
    of_sample = np.where(n_sample > 0, np.minimum(apart(reference, sample) / span, 1.0), lacking)
    of_floor = np.minimum(apart(reference, floor) / span, 1.0)
    return np.where(told, of_sample, np.nan), np.where(told, of_floor, np.nan)
