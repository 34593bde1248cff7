"""What giveaways are made of: shares, spreads and distances of many entries, as functions of masks over subjects."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy import sparse

from replicator.evaluation.distances import FEWEST_ROWS, Floats, Ints, count_matrix
from replicator.evaluation.sharing import FEWEST_SHARED
from replicator.evaluation.stack import Origin, Stack
from replicator.rules.grouping import Mask

Told = Callable[[Mask, Mask], Floats]


@dataclass(frozen=True, eq=False)
class Statistic:
    """Something that can be told of any set of subjects, for many entries at once.

    Attributes
    ----------
    names : tuple of str
        (n_entries,).
    of : callable
        ``of(masks, reference)``, (n_draws, n_subjects) bool each, gives (n_draws, n_entries) float64; NaN where it cannot be told.
        What is no distance from other subjects leaves `reference` aside.
    weights : (n_entries,) float64
        Of the entries in the whole.
    subjects : (n_entries,) int64
        Subjects of the source behind each.
    rows : int
        Rows, days or pairs of the source that it rests on.
    """

    names: tuple[str, ...]
    of: Told
    weights: Floats
    subjects: Ints
    rows: int

    def on(self, of: Told) -> Statistic:
        """Return another function of the same entries."""
        return replace(self, of=of)


def totals(masks: Mask, matrix: sparse.csr_matrix) -> Floats:
    """Sum a matrix of subjects by entries over each mask: (n_draws, n_entries)."""
    return np.asarray(masks.astype(np.float64) @ matrix)


def by_subject(stack: Stack, subject: Ints, values: Floats, entry: Ints, n_entries: int) -> sparse.csr_matrix:
    """Sum a number of each row by subject and entry: (n_subjects, n_entries); rows with -1 in either are left out."""
    used = (subject >= 0) & (entry >= 0)
    return sparse.csr_matrix((values[used], (subject[used], entry[used])), shape=(len(stack.origin), n_entries))


def share_of_rows(stack: Stack, subject: Ints, asked: Mask, held: Mask, entry: Ints, names: Sequence[str]) -> Statistic | None:
    """Share of the rows asked that hold, by entry; None where no entry has five subjects of the source.

    Parameters
    ----------
    subject : (n_rows,) int64
        Position of each row's subject, -1 without one.
    asked, held : (n_rows,) bool
    entry : (n_rows,) int64
        Entry of each row, -1 without one.
    names : sequence of str
        Of the entries.
    """
    of = np.where(asked, entry, -1)
    return share_of_sums(
        stack,
        by_subject(stack, subject, held.astype(np.float64), of, len(names)),
        by_subject(stack, subject, np.ones(len(of)), of, len(names)),
        names,
    )


def share_of_sums(stack: Stack, held: sparse.csr_matrix, asked: sparse.csr_matrix, names: Sequence[str]) -> Statistic | None:
    """Sum of one matrix (n_subjects, n_entries) over that of another; None where no entry has five subjects of the source."""
    kept, subjects = shared_entries(stack, asked)
    if not len(kept):
        return None
    held, asked = held.tocsr()[:, kept], asked.tocsr()[:, kept]
    weights = totals((stack.origin == Origin.SOURCE)[None], asked)[0]

    def of(masks: Mask, _: Mask) -> Floats:
        n = totals(masks, asked)
        return np.where(n > 0, totals(masks, held) / np.maximum(n, 1e-12), np.nan)

    return Statistic(tuple(names[i] for i in kept.tolist()), of, weights, subjects, round(weights.sum()))


def shared_entries(stack: Stack, asked: sparse.csr_matrix) -> tuple[Ints, Ints]:
    """Entries that five subjects of the source have, and how many have each."""
    having = (asked.tocsr() > 0).astype(np.float64)
    subjects = totals((stack.origin == Origin.SOURCE)[None], having)[0].astype(np.int64)
    kept = np.flatnonzero(subjects >= FEWEST_SHARED)
    return kept, subjects[kept]


def distance_of_rows(stack: Stack, subject: Ints, codes: Ints, n_codes: int, entry: Ints, names: Sequence[str]) -> Statistic | None:
    """Total variation between the codes of rows, by entry, and those of the reference.

    Parameters
    ----------
    subject, codes, entry : (n_rows,) int64
        Rows with -1 in either are left out.
    """
    used = (codes >= 0) & (entry >= 0)
    n = len(stack.origin)
    kept, subjects = shared_entries(stack, count_matrix(subject, np.where(used, entry, -1), n, len(names)))
    if not len(kept) or not n_codes:
        return None
    place = np.full(len(names) + 1, -1, np.int64)
    place[kept] = np.arange(len(kept))
    cell = np.where(used & (place[entry] >= 0), place[entry] * n_codes + codes, -1)
    seen, compact = np.unique(cell[cell >= 0], return_inverse=True)
    column = np.full(len(cell), -1, np.int64)
    column[cell >= 0] = compact
    counts = count_matrix(subject, column, n, len(seen))
    start = np.searchsorted(seen // n_codes, np.arange(len(kept)))
    group = seen // n_codes
    of_source = totals((stack.origin == Origin.SOURCE)[None], counts)[0]
    weights = np.asarray(np.bincount(group, of_source, minlength=len(kept)), np.float64)

    def shares(masks: Mask) -> tuple[Floats, Floats]:
        count = totals(masks, counts)
        rows = np.add.reduceat(count, start, axis=1)
        return count / np.maximum(rows, 1.0)[:, group], rows

    def of(masks: Mask, reference: Mask) -> Floats:
        (one, n_one), (two, n_two) = shares(masks), shares(reference)
        apart = 0.5 * np.add.reduceat(np.abs(one - two), start, axis=1)
        return np.where((n_two >= FEWEST_ROWS) & (n_one > 0), apart, np.nan)

    return Statistic(tuple(names[i] for i in kept.tolist()), of, weights, subjects, round(weights.sum()))


def unseen_in_reference(stack: Stack, name: str, codes: Ints, n_codes: int) -> Statistic | None:
    """Share of rows whose code no subject of the reference has; rows with -1 are left out."""
    counts = count_matrix(stack.view.subject(name), codes, len(stack.origin), n_codes)
    subjects = shared_entries(stack, sparse.csr_matrix(counts.sum(axis=1)))[1] if n_codes else np.empty(0, np.int64)
    if not len(subjects):
        return None

    def of(masks: Mask, reference: Mask) -> Floats:
        count = totals(masks, counts)
        n = count.sum(axis=1)
        unseen = np.where(totals(reference, counts) == 0, count, 0.0).sum(axis=1)
        return np.where(n > 0, unseen / np.maximum(n, 1.0), np.nan)[:, None]

    rows = int(totals((stack.origin == Origin.SOURCE)[None], counts).sum())
    return Statistic((name,), of, np.array([float(rows)]), subjects, rows)


def spread_of_sums(stack: Stack, values: sparse.csr_matrix, present: sparse.csr_matrix, names: Sequence[str]) -> Statistic | None:
    """Standard deviation between subjects of one value each, by entry.

    Parameters
    ----------
    values, present : (n_subjects, n_entries) sparse matrix
        The value, and 1 where there is one.
    """
    kept, subjects = shared_entries(stack, present)
    if not len(kept):
        return None
    values, present = values.tocsr()[:, kept], present.tocsr()[:, kept]
    squares = values.multiply(values).tocsr()

    def of(masks: Mask, _: Mask) -> Floats:
        n = totals(masks, present)
        mean = totals(masks, values) / np.maximum(n, 1)
        variance = (totals(masks, squares) - n * mean**2) / np.maximum(n - 1, 1)
        return np.where(n > 2, np.sqrt(np.maximum(variance, 0.0)), np.nan)

    return Statistic(tuple(names[i] for i in kept.tolist()), of, subjects.astype(np.float64), subjects, int(subjects.sum()))


def dispersion_of_counts(counts: Floats, of_source: Mask, names: Sequence[str]) -> Statistic:
    """Variance over mean of counts by subject (n_subjects, n_entries), all subjects counting (index of dispersion)."""

    def of(masks: Mask, _: Mask) -> Floats:
        n = masks.sum(axis=1)[:, None]
        mean = masks.astype(np.float64) @ counts / n
        variance = (masks.astype(np.float64) @ counts**2 / n - mean**2) * n / np.maximum(n - 1, 1)
        return np.where(mean > 0, variance / np.maximum(mean, 1e-12), np.nan)

    subjects = (counts[of_source] > 0).sum(axis=0).astype(np.int64)
    return Statistic(tuple(names), of, np.ones(counts.shape[1]), subjects, int(counts[of_source].sum()))
