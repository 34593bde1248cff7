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
    return np.zeros(n_rows, np.int64) if len(packed) != n_rows else pd.factorize(packed)[0].astype(np.int64)


def n_groups(group: Codes) -> int:
    """Count the groups of :func:`combine`."""
    return int(group.max(initial=-1)) + 1


def first_rows(group: Codes) -> NDArray[np.intp]:
    """Return the first row of each group of :func:`combine`, by group."""
    return np.flatnonzero(np.diff(np.maximum.accumulate(group), prepend=-1))
