"""How far groups differ: the share of a variance that lies between sites or devices, and how two codes of a row go together."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy import sparse

from replicator.evaluation.distances import Floats, Ints, count_matrix
from replicator.evaluation.giveaways.statistics import Statistic, by_subject, shared_entries, totals
from replicator.evaluation.sharing import FEWEST_SHARED
from replicator.evaluation.stack import Origin, Stack
from replicator.rules.grouping import Mask

FEWEST_OF_GROUP = 2  # subjects, on average, for the variance within groups to be told
TINY = 1e-9  # of a sum of squares, under which a variance is rounding


def between_groups(values: Floats, group: Ints, names: Sequence[str], of_source: Mask) -> Statistic | None:
    """Share of the variance between subjects that lies between groups, by entry (intraclass correlation from analysis of variance).

    Parameters
    ----------
    values : (n_subjects, n_entries) float64
        NaN where a subject has none.
    group : (n_subjects,) int64
        Such as the site; -1 without one.

    References
    ----------
    A. Donner, "A review of inference procedures for the intraclass correlation coefficient in the one-way random effects model",
    *International Statistical Review* 54, 1986, pages 67-82.
    """
    n_groups = int(group.max(initial=-1)) + 1
    known = np.isfinite(values) & (group >= 0)[:, None]
    subjects = (known & of_source[:, None]).sum(axis=0).astype(np.int64)
    kept = np.flatnonzero(subjects >= FEWEST_SHARED)
    if n_groups < 2 or not len(kept):
        return None
    mean = np.where(known, values, 0.0)[of_source].sum(axis=0) / np.maximum(subjects, 1)
    centred, known = np.where(known, values - mean, 0.0)[:, kept], known[:, kept].astype(np.float64)
    of_group = count_matrix(np.arange(len(group)), group, len(group), n_groups)

    def one(mask: Mask) -> Floats:
        inside = sparse.csr_matrix(of_group.multiply(mask[:, None]).T)
        n, total, square = (np.asarray(inside @ matrix) for matrix in (known, centred, centred**2))
        groups, rows = (n > 0).sum(axis=0), n.sum(axis=0)
        between = (total**2 / np.maximum(n, 1)).sum(axis=0) - total.sum(axis=0) ** 2 / np.maximum(rows, 1)
        within = np.maximum(square.sum(axis=0) - (total**2 / np.maximum(n, 1)).sum(axis=0), 0.0)
        per_group = (rows - (n**2).sum(axis=0) / np.maximum(rows, 1)) / np.maximum(groups - 1, 1)
        mean_between, mean_within = between / np.maximum(groups - 1, 1), within / np.maximum(rows - groups, 1)
        whole = mean_between + (per_group - 1) * mean_within
        told = (groups > 1) & (per_group >= FEWEST_OF_GROUP) & (whole > 0) & (between + within > TINY * square.sum(axis=0))
        return np.where(told, (mean_between - mean_within) / np.where(told, whole, 1.0), np.nan)

    def of(masks: Mask, _: Mask) -> Floats:
        return np.array([one(mask) for mask in masks])

    weights = np.ones(len(kept))
    return Statistic(tuple(names[i] for i in kept.tolist()), of, weights, subjects[kept], int(subjects[kept].max()))


def between_levels(
    stack: Stack, subject: Ints, held: Mask, entry: Ints, level: Ints, n_levels: int, names: Sequence[str]
) -> Statistic | None:
    r"""Share of the variance of a yes or no of rows that lies between levels, by entry: the correlation ratio :math:`\eta^2`.

    Parameters
    ----------
    subject : (n_rows,) int64
        Position of each row's subject, -1 without one.
    held : (n_rows,) bool
    entry, level : (n_rows,) int64
        Such as the test and the device of a row; rows with -1 in either are left out.
    n_levels : int
    names : sequence of str
        Of the entries.

    Returns
    -------
    Statistic or None
        None where there are no two levels, or no entry has five subjects of the source.

    References
    ----------
    K. Pearson, "On the general theory of skew correlation and non-linear regression", *Drapers' Company Research Memoirs* 14, 1905.
    """
    used = (entry >= 0) & (level >= 0)
    n_rows = by_subject(stack, subject, np.ones(len(entry)), np.where(used, entry, -1), len(names))
    kept, subjects = shared_entries(stack, n_rows)
    if n_levels < 2 or not len(kept):
        return None
    cell = np.where(used, entry * n_levels + level, -1)
    asked, yes = (by_subject(stack, subject, one, cell, len(names) * n_levels) for one in (np.ones(len(entry)), held.astype(float)))
    weights = totals((stack.origin == Origin.SOURCE)[None], n_rows)[0, kept]

    def of(masks: Mask, _: Mask) -> Floats:
        n, total = (totals(masks, matrix).reshape(len(masks), len(names), n_levels)[:, kept] for matrix in (asked, yes))
        share = total.sum(axis=2) / np.maximum(n.sum(axis=2), 1.0)
        between = (n * (total / np.maximum(n, 1.0) - share[:, :, None]) ** 2).sum(axis=2)
        whole = n.sum(axis=2) * share * (1.0 - share)
        return np.where(whole > TINY, between / np.where(whole > TINY, whole, 1.0), np.nan)

    return Statistic(tuple(names[i] for i in kept.tolist()), of, weights, subjects, round(weights.sum()))


def association(stack: Stack, name: str, one: Ints, two: Ints) -> Statistic | None:
    """Cramér's V of two codes of the rows of a dataset, bias taken off; rows with -1 in either are left out.

    References
    ----------
    W. Bergsma, "A bias-correction for Cramér's V and Tschuprow's T", *Journal of the Korean Statistical Society* 42, 2013,
    pages 323-328.
    """
    used = (one >= 0) & (two >= 0)
    rows, columns = int(one.max(initial=-1)) + 1, int(two.max(initial=-1)) + 1
    if rows < 2 or columns < 2:
        return None
    counts = count_matrix(stack.view.subject(name), np.where(used, one * columns + two, -1), len(stack.origin), rows * columns)
    subjects = shared_entries(stack, sparse.csr_matrix(counts.sum(axis=1)))[1]
    if not len(subjects):
        return None

    def of(masks: Mask, _: Mask) -> Floats:
        table = totals(masks, counts).reshape(len(masks), rows, columns)
        n = table.sum(axis=(1, 2))
        by_row, by_column = table.sum(axis=2), table.sum(axis=1)
        expected = by_row[:, :, None] * by_column[:, None, :] / np.maximum(n, 1)[:, None, None]
        phi = np.where(expected > 0, (table - expected) ** 2 / np.where(expected > 0, expected, 1), 0).sum(
            axis=(1, 2)
        ) / np.maximum(n, 1)
        r, c = (by_row > 0).sum(axis=1), (by_column > 0).sum(axis=1)
        less = np.maximum(n - 1, 1)
        phi = np.maximum(phi - (r - 1) * (c - 1) / less, 0.0)
        smaller = np.minimum(r - (r - 1) ** 2 / less, c - (c - 1) ** 2 / less) - 1
        return np.where((n > 1) & (smaller > 0), np.sqrt(phi / np.where(smaller > 0, smaller, 1.0)), np.nan)[:, None]

    n_rows = int(totals((stack.origin == Origin.SOURCE)[None], counts).sum())
    return Statistic((name,), of, np.ones(1), subjects, n_rows)
