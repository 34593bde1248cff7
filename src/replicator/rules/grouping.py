"""Groups of rows as integers: keys of several columns, counts, duplicates, medians and running maxima within groups."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from replicator.distinct import distinct_values, packed_keys, perhaps_alike
from replicator.heavy import pandas as pd
from replicator.tables.dataset import Column, Numbers, Text
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


def combine(keys: Sequence[NDArray[np.integer]]) -> Ints:
    """Return one integer for each row, equal where all `keys` are equal (n_rows,); counted from 0 without gaps."""
    return np.asarray(pd.factorize(packed_keys(keys))[0], np.int64)


def sizes(groups: Ints) -> Ints:
    """Return the size of each row's group (n_rows,)."""
    return np.bincount(groups)[groups] if len(groups) else groups


def repeats(groups: Ints) -> Mask:
    """Mark every row whose group appeared in an earlier row (n_rows,)."""
    return pd.Series(groups).duplicated().to_numpy()


def repeated(keys: Sequence[NDArray[np.integer]]) -> Mask:
    """Mark every row in which all `keys` are those of an earlier row (n_rows,)."""
    rows = perhaps_alike(keys)
    out = np.zeros(len(keys[0]), bool)
    out[rows] = repeats(combine([key[rows] for key in keys]))
    return out


def medians(values: Floats, groups: Ints) -> Floats:
    """Return the median of each row's group (n_rows,); `values` without NaN."""
    if len(values) == 0:
        return np.empty(0, np.float64)
    order = np.lexsort((values, groups))
    count = np.bincount(groups)
    start = np.concatenate([[0], np.cumsum(count)[:-1]])
    ranked = values[order]
    last = len(ranked) - 1
    low, high = np.minimum(start + np.maximum(count - 1, 0) // 2, last), np.minimum(start + count // 2, last)
    middle = np.asarray(0.5 * (ranked[low] + ranked[high]), np.float64)
    return np.take(middle, groups)


def subjects_per_group(groups: Ints, subjects: NDArray[np.integer], n_groups: int) -> Ints:
    """Count distinct subjects in each group (n_groups,); rows with a negative group or subject do not count."""
    known = (groups >= 0) & (subjects >= 0)
    width = int(subjects.max(initial=-1)) + 1
    pairs = distinct_values(groups[known] * width + subjects[known].astype(np.int64))
    return np.bincount(pairs // max(width, 1), minlength=n_groups).astype(np.int64)


def majority(groups: Ints, values: Ints) -> Ints:
    """Return the most frequent value of each row's group (n_rows,), the smaller one in a tie; both arguments >= 0."""
    width = int(values.max(initial=0)) + 1
    pairs, counts = distinct_values(groups * width + values, return_counts=True)
    owner = pairs // width
    order = np.lexsort((pairs, -counts, owner))
    first = distinct_values(owner[order], return_index=True)
    best = np.full(int(groups.max(initial=-1)) + 1, -1, np.int64)
    best[first[0]] = pairs[order][first[1]] % width
    return best[groups]


def running_maximum(values: Floats, groups: Ints) -> Floats:
    """Return the greatest earlier value in each row's group, rows being in order (n_rows,); -inf for a group's first row."""
    highest = pd.Series(values).groupby(groups).cummax()
    return np.asarray(highest.groupby(groups).shift(1).fillna(-np.inf), np.float64)


def distinct_per_row(groups: Ints, values: Floats) -> Ints:
    """Count the distinct values of each row's group (n_rows,); groups are counted from 0 without gaps."""
    pairs = combine([groups, codes_of(Numbers(values))])
    _, first = distinct_values(pairs, return_index=True)
    return np.bincount(groups[first], minlength=int(groups.max(initial=-1)) + 1)[groups]
