"""Rows as lines of text: cells side by side, each distinct one spelled once, joined by Arrow."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyarrow.compute import JoinOptions, TakeOptions, call_function

from replicator.distinct import first_seen
from replicator.tables.dataset import Numbers

_ROWS_AT_ONCE = 200_000
_POOL = pa.system_memory_pool()  # which gives back what Arrow's own pools keep, a hundred megabytes of a large study
_FEW = 16  # times as many rows as combinations, for columns to be written as one


@dataclass(frozen=True)
class Cells:
    """Cells of a column, or of several with commas between them: distinct `texts`, and which each row has, (n_rows,) int."""

    texts: list[str]
    codes: NDArray[np.integer]


def distinct_numbers(column: Numbers) -> tuple[list[float], NDArray[np.int32]]:
    """Distinct numbers of a column in the order in which they come, NaN among them, and which each row has, (n_rows,)."""
    numbers, codes = first_seen(column.values)
    return numbers.tolist(), codes


def joined_lines(columns: Sequence[Cells], before: str = "", after: str = "\n") -> bytes | memoryview:
    """Join cells by commas, and put something before and after each row; of no rows come no bytes.

    Parameters
    ----------
    columns : sequence of Cells
        Of equal length.
    before, after : str
        Of each row.
    """
    if not columns:
        return b""
    columns = list(columns)
    columns[0] = Cells([f"{before}{text}" for text in columns[0].texts], columns[0].codes)
    columns[-1] = Cells([f"{text}{after}" for text in columns[-1].texts], columns[-1].codes)
    n = len(columns[0].codes)
    pieces = []
    for start in range(0, n, _ROWS_AT_ONCE):
        rows = slice(start, min(start + _ROWS_AT_ONCE, n))
        arrays = [
            call_function(
                "take",
                [string_array(one.texts), plain_array(one.codes.astype(np.int32, copy=False), pa.int32())],
                TakeOptions(),
                _POOL,
            )
            for one in _side_by_side([Cells(one.texts, one.codes[rows]) for one in columns])
        ]
        pieces.append(_content(call_function("binary_join_element_wise", [*arrays, string_array([","])[0]], JoinOptions(), _POOL)))
    return pieces[0] if len(pieces) == 1 else b"".join(pieces)


def string_array(texts: list[str]) -> pa.Array:
    """Make Arrow strings; :func:`pyarrow.array` would load pandas."""
    every = "".join(texts)
    content = every.encode()
    sizes = map(len, texts) if len(content) == len(every) else (len(text.encode()) for text in texts)
    offsets = np.cumsum([0, *sizes], dtype=np.int32)
    return pa.Array.from_buffers(pa.string(), len(texts), [None, pa.py_buffer(offsets), pa.py_buffer(content)])


def plain_array(values: NDArray[Any], kind: pa.DataType, missing: NDArray[np.bool_] | None = None) -> pa.Array:
    """Make an Arrow array of numbers (n,) without a copy, null where they are missing."""
    there = None if missing is None or not missing.any() else pa.py_buffer(np.packbits(~missing, bitorder="little"))
    return pa.Array.from_buffers(kind, len(values), [there, pa.py_buffer(np.ascontiguousarray(values))])


def _side_by_side(columns: Sequence[Cells]) -> list[Cells]:
    """Make one column of neighbours that have few combinations, such as a test's code, name and unit."""
    out = [columns[0]]
    for right in columns[1:]:
        left, n, width = out[-1], len(right.codes), len(right.texts)
        if len(left.texts) * width <= n:
            pair = left.codes * np.int32(width) + right.codes  # below n
            is_used = np.zeros(len(left.texts) * width, bool)
            is_used[pair] = True
            used = np.flatnonzero(is_used)
            if len(used) * _FEW <= n:
                place = np.zeros(len(is_used), np.int32)
                place[used] = np.arange(len(used), dtype=np.int32)
                both = [f"{left.texts[one // width]},{right.texts[one % width]}" for one in used.tolist()]
                out[-1] = Cells(both, place.take(pair))
                continue
        out.append(right)
    return out


def _content(strings: pa.Array) -> memoryview:
    """All strings of an array, one after the other."""
    offsets = np.frombuffer(strings.buffers()[1], np.int32, len(strings) + 1, strings.offset * 4)
    return memoryview(strings.buffers()[2])[int(offsets[0]) : int(offsets[-1])]
