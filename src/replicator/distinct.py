"""Distinct values, as :func:`numpy.unique` finds them: codes and recorded numbers are counted, and rows packed into one number."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from math import prod
from typing import Any, Literal, TypeAlias, TypeVar, overload

import numpy as np
from numpy.typing import NDArray

Scalar = TypeVar("Scalar", bound=np.generic)
Coded: TypeAlias = tuple[NDArray[Scalar], NDArray[np.intp]]

_SPARSE = 4  # times as wide as long: codes are sorted from there on
_SHORT = 256  # width up to which codes are counted, however few they are
_STEPS = 1.0, 1000.0  # parts of 1 that recorded numbers are whole multiples of
_EXACT = 1e12  # size up to which all of these are told apart
_GLANCE = 64  # numbers that are looked at before all are
_ROOM = 32  # times as many flags as rows
_WIDEST = 2**62  # numbers that rows are packed into
_HALF = 2**31  # of which two make one of those
_BITS = 62  # flags that go into one of them
_ODD = np.uint64(0x9E3779B97F4A7C15)  # 2 ** 64 by the golden ratio: its multiples spread over all bits


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
        kind = values.dtype.kind if values.ndim == 1 else ""
        found = _counted(values, *wanted) if kind in "iu" else _recorded(values, *wanted) if kind == "f" else None
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


def _recorded(values: NDArray[np.floating], index: bool, inverse: bool, counts: bool) -> Any:
    """Distinct numbers that are multiples of a small step, by counting the steps; None where they are not, or lie far apart."""
    unknown = np.isnan(values)
    n_unknown = int(unknown.sum())
    rows = np.flatnonzero(~unknown) if n_unknown else None
    numbers = values if rows is None else values[rows]
    if len(numbers) <= _GLANCE:
        return None
    low, high = float(numbers.min()), float(numbers.max())
    if not (high - low < _SPARSE * len(numbers) and low > -_EXACT and high < _EXACT):  # nor is it between infinite ones
        return None
    steps = next((one for one in _STEPS if _are_multiples(numbers[:_GLANCE], one) and _are_multiples(numbers, one)), None)
    if steps is None:
        return None
    whole = np.rint(numbers * steps)
    least = whole.min()
    if whole.max() - least >= _SPARSE * len(numbers):
        return None
    used, first, which, count = _counted((whole - least).astype(np.intp), True, True, True)
    found = ((used + least) / steps).astype(values.dtype)
    if rows is not None:
        found, count = np.append(found, np.asarray(np.nan, values.dtype)), np.append(count, n_unknown)
        first = np.append(rows[first], unknown.argmax())
        place = np.full(len(values), len(used))
        place[rows] = which
        which = place
    more = [extra for extra, asked in zip((first, which, count), (index, inverse, counts), strict=True) if asked]
    return (found, *more) if more else found


def _are_multiples(numbers: NDArray[np.floating], steps: float) -> bool:
    """Whether all numbers are whole when they are multiplied by `steps`, and the nearest there are to such a part."""
    return bool((np.rint(numbers * steps) / steps == numbers).all())


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
    return packed_keys(columns)


def _width(codes: NDArray[Any]) -> int:
    """How many whole numbers there are from the lowest to the highest code."""
    return int(codes.max()) - int(codes.min()) + 1


def narrow(codes: NDArray[np.integer]) -> NDArray[np.integer]:
    """Codes (n,) from 0 in 16 bits if they fit: numpy sorts these by counting where the order of equal ones is to stay."""
    return codes.astype(np.uint16) if codes.max(initial=0) < 1 << 16 else codes


def stable_order(codes: NDArray[np.integer]) -> NDArray[np.intp]:
    """Positions (n,) of codes from 0 in their order, equal ones as they stand."""
    return np.argsort(narrow(codes), kind="stable")


def distinct_codes(values: NDArray[Any]) -> NDArray[np.int64]:
    """Number the distinct values (n,) of an array in their order, from 0 without gaps."""
    return np.asarray(distinct_values(values, return_inverse=True)[1], np.int64)


def perhaps_alike(columns: Iterable[NDArray[np.integer]]) -> NDArray[np.intp]:
    """Rows whose cells in all columns (n,), from -1 up, come to the same 64 bits as another's: all alike, and hardly any other."""
    key: NDArray[np.uint64] = np.zeros(1, np.uint64)
    for column in columns:
        key = key ^ (column.astype(np.uint64, copy=False) + np.uint64(1))
        key *= _ODD
    order = np.sort(key)
    again = order[1:][order[1:] == order[:-1]]
    if not len(again):
        return np.empty(0, np.intp)
    place = (key >> np.uint64(64 - (4 * len(key)).bit_length())).astype(np.intp)
    rows = np.flatnonzero(np.bincount(place)[place] > 1)  # few have another's first bits, and fewer all
    alike: NDArray[np.bool_] = again[np.minimum(np.searchsorted(again, key[rows]), len(again) - 1)] == key[rows]
    return rows[alike]


def packed_keys(keys: Iterable[NDArray[np.integer]]) -> NDArray[np.int64]:
    """Number (n,) the rows of keys (n,): equal rows, and no others, have equal numbers, in the order of the rows; with gaps."""
    packed, width = np.zeros(1, np.int64), 1
    for key in keys:
        if not len(key):
            return np.empty(0, np.int64)
        cells = key if _width(key) < _HALF else distinct_codes(key)
        steps = _width(cells)
        if width * steps >= _WIDEST:
            packed = distinct_codes(packed)
            width = _width(packed)
        packed = np.add(packed * steps if width > 1 else packed, cells, dtype=np.int64)
        packed -= int(cells.min())
        width *= steps
    return packed


def plainly_differ(keys: Sequence[NDArray[np.integer]]) -> bool:
    """Whether no row of keys (n,) is like another, where there are few enough combinations to tick them off; False where not."""
    n = len(keys[0])
    if not n or prod(map(_width, keys)) > _ROOM * n:
        return False
    number = packed_keys(keys)
    seen = np.zeros(int(number.max()) + 1, bool)
    seen[number] = True
    return int(np.count_nonzero(seen)) == n


def numbered_keys(keys: Iterable[NDArray[np.integer]]) -> NDArray[np.int64]:
    """Number (n,) the rows of keys (n,) likewise, from 0 and so closely that the numbers can be counted."""
    packed = packed_keys(keys)
    return packed if packed.max(initial=-1) < max(_SPARSE * len(packed), _SHORT) else distinct_codes(packed)
