"""Columns as codes: the form in which keys, dependencies and contents are found."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from replicator.distinct import packed_keys
from replicator.heavy import pandas as pd
from replicator.tables.dataset import Column, Text

Codes = NDArray[np.signedinteger[Any]]

_ROOM = 4  # times as many numbers as rows, up to which they are numbered anew by counting


def codes_of(column: Column) -> Codes:
    """Number the distinct cells of a column.

    Returns
    -------
    (n_rows,) int64
        Equal numbers for equal cells; missing cells are equal to each other and have a number of their own (0).
    """
    if isinstance(column, Text):
        return column.codes.astype(np.int64) + 1
    codes, _ = pd.factorize(column.values)
    return codes.astype(np.int64) + 1


def combine(parts: Iterable[Codes], n_rows: int) -> Codes:
    """Number the distinct combinations of codes: (n_rows,) int64 from 0 without gaps, in order of first occurrence."""
    packed = packed_keys(parts)
    return np.zeros(n_rows, np.int64) if len(packed) != n_rows else in_order_of_rows(packed)


def in_order_of_rows(numbers: NDArray[np.int64]) -> NDArray[np.int64]:
    """Number (n,) whole numbers from 0 up anew: from 0 without gaps, in the order in which they come."""
    n, width = len(numbers), int(numbers.max(initial=-1)) + 1
    if width > _ROOM * n:
        return np.asarray(pd.factorize(numbers)[0], np.int64)
    first = np.full(width, n)
    first[numbers[::-1]] = np.arange(n - 1, -1, -1)  # the last one that is assigned to a place stays
    there = np.flatnonzero(first < n)
    place = np.empty(width, np.int64)
    place[there[np.argsort(first[there])]] = np.arange(len(there))
    return place[numbers]


def n_groups(group: Codes) -> int:
    """Count the groups of :func:`combine`."""
    return int(group.max(initial=-1)) + 1


def first_rows(group: Codes) -> NDArray[np.intp]:
    """Return the first row of each group of :func:`combine`, by group."""
    return np.flatnonzero(np.diff(np.maximum.accumulate(group), prepend=-1))
