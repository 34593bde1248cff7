"""Distinct values, as :func:`numpy.unique` finds them: codes are counted, numbers hashed, and rows packed into one number."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from math import prod
from typing import Any, Literal, TypeAlias, TypeVar, overload

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyarrow.compute import DictionaryEncodeOptions, call_function

Scalar = TypeVar("Scalar", bound=np.generic)
Coded: TypeAlias = tuple[NDArray[Scalar], NDArray[np.intp]]

_SPARSE = 4  # times as wide as long: codes are sorted from there on
_SHORT = 256  # width up to which codes are counted, however few they are
_GLANCE = 512  # numbers, about, that are looked at before all are
_MANY = 0.98  # of these, beyond which they are sorted
_ROOM = 32  # times as many flags as rows
_WIDEST = 2**62  # numbers that rows are packed into
_HALF = 2**31  # of which two make one of those
_BITS = 62  # flags that go into one of them
_ODD = np.uint64(0x9E3779B97F4A7C15)  # 2 ** 64 by the golden ratio: its multiples spread over all bits
_POOL = pa.system_memory_pool()  # which gives back what Arrow's own pools keep


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
        found = None
        if values.ndim == 1 and values.dtype.kind in "iu":
            found = _counted(values, *wanted)
        if found is None and values.ndim == 1 and values.dtype in (np.float64, np.int64):
            found = _hashed(values, *wanted)
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
        more.append(rank.take(place))
    if counts:
        more.append(count[used])
    return (found, *more)


def _hashed(values: NDArray[Any], index: bool, inverse: bool, counts: bool) -> Any:
    """Distinct numbers of 64 bits by hashing; None where most differ, and where they are too few for it."""
    step = len(values) // _GLANCE
    if not step or len(np.unique(values[::step])) > _MANY * _GLANCE:
        return None
    values = values + 0.0 if values.dtype == np.float64 else values  # negative zero is zero
    seen, code = first_seen(values)
    order = np.argsort(seen)
    found = seen[order]
    if len(found) > 1 and found[-2] != found[-2]:
        return None  # NaN in several spellings
    if not (index or inverse or counts):
        return found
    more = []
    if index:
        first = np.empty(len(seen), np.intp)
        first[code[::-1]] = np.arange(len(code) - 1, -1, -1)  # the last one that is assigned to a place stays
        more.append(first[order])
    if inverse:
        rank = np.empty(len(seen), np.intp)
        rank[order] = np.arange(len(seen))
        more.append(rank.take(code))
    if counts:
        more.append(np.bincount(code)[order])
    return (found, *more)


def first_seen(values: NDArray[Scalar]) -> tuple[NDArray[Scalar], NDArray[np.int32]]:
    """Distinct numbers (n,) of 64 bits in the order in which they come, NaN among them, and which of them each is, (n,)."""
    kind = pa.float64() if values.dtype.kind == "f" else pa.int64()
    numbers = pa.Array.from_buffers(kind, len(values), [None, pa.py_buffer(np.ascontiguousarray(values))])
    found = call_function("dictionary_encode", [numbers], DictionaryEncodeOptions(), _POOL)
    seen = np.frombuffer(found.dictionary.buffers()[1], values.dtype, len(found.dictionary))
    return seen, np.frombuffer(found.indices.buffers()[1], np.int32, len(found))


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
    place = (key >> np.uint64(64 - (4 * len(key)).bit_length())).astype(np.intp)
    rows = np.flatnonzero(np.bincount(place)[place] > 1)  # few have another's first bits, and fewer all
    order = np.sort(key[rows])
    again = order[1:][order[1:] == order[:-1]]
    if not len(again):
        return np.empty(0, np.intp)
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
