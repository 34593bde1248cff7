"""Groups of rows as integers: keys of several columns, counts, duplicates, medians and running maxima within groups."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from replicator.distinct import distinct_values, packed_keys, perhaps_alike, plainly_differ
from replicator.heavy import pandas as pd
from replicator.profile.coding import in_order_of_rows
from replicator.tables.dataset import Column, Text
from replicator.tables.narrow import NarrowNumbers

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]


def codes_of(column: Column) -> Ints:
    """Return a column as integers, equal where its cells are equal and -1 where missing; numbers to 9 decimals (n_rows,)."""
    if isinstance(column, Text):
        return column.codes.astype(np.int64)
    if isinstance(column, NarrowNumbers):
        return column.rounded.coded[0]
    codes, _ = pd.factorize(np.round(column.values, 9))
    return np.asarray(codes, np.int64)


def keys_of(column: Column) -> NDArray[np.integer[Any]]:
    """Return a column as integers, equal where its cells are equal, numbers to 9 decimals, in as few bytes as will do (n_rows,)."""
    return column.held if isinstance(column, Text | NarrowNumbers) else codes_of(column)


def combine(keys: Sequence[NDArray[np.integer]]) -> Ints:
    """Return one integer for each row, equal where all `keys` are equal (n_rows,); counted from 0 without gaps."""
    return in_order_of_rows(packed_keys(keys))


def sizes(groups: Ints) -> Ints:
    """Return the size of each row's group (n_rows,)."""
    return np.bincount(groups)[groups] if len(groups) else groups


def repeats(groups: Ints) -> Mask:
    """Mark every row whose group appeared in an earlier row (n_rows,)."""
    return pd.Series(groups).duplicated().to_numpy()


def repeated(keys: Sequence[NDArray[np.integer]]) -> Mask:
    """Mark every row in which all `keys` are those of an earlier row (n_rows,)."""
    out = np.zeros(len(keys[0]), bool)
    if plainly_differ(keys):
        return out
    rows = perhaps_alike(keys)
    out[rows] = repeats(combine([key[rows] for key in keys]))
    return out


def medians(values: Floats, groups: Ints) -> Floats:
    """Return the median of each row's group (n_rows,); `values` without NaN."""
    return ranked_medians(*distinct_values(values, return_inverse=True), groups)


def ranked_medians(levels: Floats, ranks: NDArray[np.integer], groups: Ints) -> Floats:
    """Return the median of each row's group (n_rows,): of the values that have these `ranks` among ascending `levels`."""
    if len(ranks) == 0:
        return np.empty(0, np.float64)
    width = len(levels)
    ordered = np.sort(groups * width + ranks)  # one sort of numbers, instead of orders by the one and then the other
    count = np.bincount(groups)
    start = np.concatenate([[0], np.cumsum(count)[:-1]])
    there = np.flatnonzero(count)
    low, high = (start[there] + (count[there] - 1) // 2, start[there] + count[there] // 2)
    middle = np.full(len(count), np.nan)
    middle[there] = 0.5 * (levels[ordered[low] - there * width] + levels[ordered[high] - there * width])
    return middle[groups]


def subjects_per_group(groups: Ints, subjects: NDArray[np.integer], n_groups: int) -> Ints:
    """Count distinct subjects in each group (n_groups,); rows with a negative group or subject do not count."""
    known = (groups >= 0) & (subjects >= 0)
    width = int(subjects.max(initial=-1)) + 1
    pairs = distinct_values(groups[known] * width + subjects[known].astype(np.int64))
    return np.bincount(pairs // max(width, 1), minlength=n_groups).astype(np.int64)


def majority(groups: Ints, values: Ints, counts: Ints) -> Ints:
    """Return for each pair of a group and a value (n,) the value of the group that most rows have, the smallest in a tie.

    Parameters
    ----------
    groups, values : (n,) int64
        Every pair once.
    counts : (n,) int64
        Rows that have it.
    """
    order = np.lexsort((values, -counts, groups))
    owner, first = distinct_values(groups[order], return_index=True)
    best = np.full(int(groups.max(initial=-1)) + 1, -1, np.int64)
    best[owner] = values[order][first]
    return best[groups]


def running_maximum(values: Floats, groups: Ints) -> Floats:
    """Return the greatest earlier value in each row's group, rows being in order (n_rows,); -inf for a group's first row."""
    highest = pd.Series(values).groupby(groups).cummax()
    return np.asarray(highest.groupby(groups).shift(1).fillna(-np.inf), np.float64)
