"""Distinct values of arrays, as :func:`numpy.unique` gives them: codes are counted, and rows packed into one number, not sorted."""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Any, Literal, TypeAlias, TypeVar, overload

import numpy as np
from numpy.typing import NDArray

Scalar = TypeVar("Scalar", bound=np.generic)
Coded: TypeAlias = tuple[NDArray[Scalar], NDArray[np.intp]]

_SPARSE = 4  # times as wide as long: codes are sorted from there on
_SHORT = 256  # width up to which codes are counted, however few they are
_WIDEST = 2**62  # numbers that rows are packed into
_BITS = 62  # flags that go into one of them


@overload
def distinct_values(values: NDArray[Scalar], *, axis: int | None = None) -> NDArray[Scalar]: ...
@overload
def distinct_values(values: NDArray[Scalar], *, return_index: Literal[True], axis: int | None = None) -> Coded[Scalar]: ...
@overload
def distinct_values(values: NDArray[Scalar], *, return_inverse: Literal[True], axis: int | None = None) -> Coded[Scalar]: ...
@overload
def distinct_values(values: NDArray[Scalar], *, return_counts: Literal[True], axis: int | None = None) -> Coded[Scalar]: ...
@overload
def distinct_values(
    values: NDArray[Scalar],
    *,
    return_index: bool = False,
    return_inverse: bool = False,
    return_counts: bool = False,
    axis: int | None = None,
) -> tuple[Any, ...]: ...
def distinct_values(
    values: NDArray[Any],
    *,
    return_index: bool = False,
    return_inverse: bool = False,
    return_counts: bool = False,
    axis: int | None = None,
) -> Any:
    """Find the distinct values, sorted, as :func:`numpy.unique` does.

    Parameters
    ----------
    values : (n,) array, or (n_rows, n_columns) array with an axis
    return_index, return_inverse, return_counts : bool
        Also give the first position of each, which of them each value is, and how often each stands there.
    axis : 0 or 1, optional
        Take rows or columns for values, ordered by their first cell, then by their second.

    Examples
    --------
    >>> found, codes = distinct_values(np.array([7, -1, 7]), return_inverse=True)
    >>> found.tolist(), codes.tolist()
    ([-1, 7], [1, 0, 1])
    """
    wanted = return_index, return_inverse, return_counts
    if axis is None:
        found = _counted(values, *wanted) if values.ndim == 1 and values.dtype.kind in "iu" else None
        return found if found is not None else _sorted(values, return_index, return_inverse, return_counts, None)
    rows = values if axis == 0 else values.T
    key = _packed(rows) if rows.ndim == 2 else None
    if key is None:
        return _sorted(values, return_index, return_inverse, return_counts, axis)
    inverse = distinct_codes(key)
    first = np.empty(int(inverse.max()) + 1, np.intp)
    first[inverse[::-1]] = np.arange(len(inverse) - 1, -1, -1)  # the last one that is assigned to a place stays
    counts = np.bincount(inverse) if return_counts else inverse
    kept = rows[first] if axis == 0 else values[:, first]
    more = [extra for extra, asked in zip((first, inverse, counts), wanted, strict=True) if asked]
    return (kept, *more) if more else kept


_sorted: Callable[..., Any] = np.unique  # its overloads know no flags that are only known when it runs


def _counted(values: NDArray[np.integer], index: bool, inverse: bool, counts: bool) -> Any:
    """Distinct whole numbers by counting; None where they are too far apart for it."""
    n = len(values)
    if not n:
        return None
    low, high = int(values.min()), int(values.max())
    width = high - low + 1
    if width > max(_SPARSE * n, _SHORT) or high >= _WIDEST or low <= -_WIDEST:
        return None
    place = values.astype(np.intp, copy=False)
    place = place - low if low else place
    count = np.bincount(place, minlength=width)
    used = np.flatnonzero(count)
    found = (used + low).astype(values.dtype, copy=False)
    if not (index or inverse or counts):
        return found
    more = []
    if index:
        first = np.empty(width, np.intp)
        first[place[::-1]] = np.arange(n - 1, -1, -1)  # the last one that is assigned to a place stays
        more.append(first[used])
    if inverse:
        rank = np.empty(width, np.intp)
        rank[used] = np.arange(len(used))
        more.append(rank[place])
    if counts:
        more.append(count[used])
    return (found, *more)


def _packed(rows: NDArray[Any]) -> NDArray[np.int64] | None:
    """Number rows (n,) so that equal rows have equal numbers and these are in the order of the rows; None if it cannot be done."""
    kind = rows.dtype.kind
    if not rows.size or kind not in "biuf" or (kind == "f" and np.isnan(rows).any()):
        return None
    if kind == "b":
        n_bits = rows.shape[1]
        weight = 1 << np.arange(_BITS - 1, -1, -1, dtype=np.int64)
        columns = [rows[:, start : start + _BITS] @ weight[-min(_BITS, n_bits - start) :] for start in range(0, n_bits, _BITS)]
    else:
        columns = [distinct_codes(column) if kind == "f" else column for column in rows.T]
    if prod(map(_width, columns)) > max(_SPARSE * len(rows), _SHORT):
        columns = [distinct_codes(column) for column in columns]
    key, width = np.zeros(len(rows), np.int64), 1
    for column in columns:
        if width * _width(column) >= _WIDEST:
            key = distinct_codes(key)
            width = _width(key)
        key = key * _width(column) + (column.astype(np.int64) - int(column.min()))
        width *= _width(column)
    return key


def _width(codes: NDArray[Any]) -> int:
    """How many whole numbers there are from the lowest to the highest code."""
    return int(codes.max()) - int(codes.min()) + 1


def distinct_codes(values: NDArray[Any]) -> NDArray[np.int64]:
    """Number the distinct values (n,) of an array in their order, from 0 without gaps."""
    return np.asarray(distinct_values(values, return_inverse=True)[1], np.int64)
