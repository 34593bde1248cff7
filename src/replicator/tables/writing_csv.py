"""Delimited text: commas, UTF-8, line feeds; quotes only where a cell needs them; numbers with their variable's decimals."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from replicator.distinct import distinct_values
from replicator.tables.dataset import Column, Dataset, Numbers, Variable
from replicator.tables.dataset_writer import FileWriter, WriterState
from replicator.tables.decimals import decimal_text

_NEEDS_QUOTES = re.compile(r'[",\r\n;\t|]|\A[\s\ufeff]|\s\Z')
_SOME_NEED_QUOTES = re.compile(r'[",\r\n;\t|]|(?:\A|\0)[\s\ufeff]|\s(?:\0|\Z)')  # of cells with NUL between them
_ROWS_AT_ONCE = 200_000
_POOL = pa.system_memory_pool()  # which gives back what Arrow's own pools keep, a hundred megabytes of a large study
_FEW = 16  # times as many rows as combinations, for columns to be written as one


class CsvWriter(FileWriter):
    """Writes one dataset as CSV, chunk by chunk.

    Parameters
    ----------
    path : Path or binary file
        The file, which must not exist; or one that is open for writing.
    name, label : str
        Of the dataset; the format keeps neither.
    variables : sequence of Variable
        In the order of the columns; their names become the first line, their decimals tell how numbers are written.
    state : WriterState, optional
        Of a writer whose file is to be gone on with.
    """

    def __init__(
        self, path: Path | BinaryIO, name: str, variables: Sequence[Variable], label: str = "", *, state: WriterState | None = None
    ) -> None:
        super().__init__(path, state)
        self._name = name
        self._variables = tuple(variables)
        if state is None:
            self._file.write((",".join(_quoted(variable.name) for variable in variables) + "\n").encode())

    def append(self, dataset: Dataset) -> None:
        """Add the rows of a chunk, in which :func:`~replicator.tables.writable.check_writable` has found nothing."""
        for start in range(0, dataset.n_rows, _ROWS_AT_ONCE):
            rows = np.arange(start, min(start + _ROWS_AT_ONCE, dataset.n_rows))
            part = dataset if len(rows) == dataset.n_rows else dataset.take(rows)
            cells = [self._cells(variable, part[variable.name]) for variable in self._variables]
            cells[-1] = _Cells([f"{text}\n" for text in cells[-1].texts], cells[-1].codes)
            arrays = [
                pc.take(_strings(one.texts), _plain(one.codes.astype(np.int32), pa.int32()), memory_pool=_POOL)
                for one in _side_by_side(cells)
            ]
            self._file.write(_bytes(pc.binary_join_element_wise(*arrays, _strings([","])[0], memory_pool=_POOL)))

    def _cells(self, variable: Variable, column: Column) -> _Cells:
        """Cells of a column as the file shows them."""
        if isinstance(column, Numbers):
            found = pc.dictionary_encode(_plain(column.values, pa.float64()), memory_pool=_POOL)
            texts = [decimal_text(value, variable.decimals) for value in found.dictionary.to_pylist()]
            cells = _Cells(texts, np.frombuffer(found.indices.buffers()[1], np.int32, len(found)))
        else:
            codes = np.where(column.codes < 0, len(column.levels), column.codes)
            cells = _Cells([*_all_quoted(column.levels.tolist()), ""], codes)
        if len(self._variables) == 1:
            return _Cells([text or '""' for text in cells.texts], cells.codes)  # a line with nothing on it would be no row
        return cells


@dataclass(frozen=True)
class _Cells:
    """Cells of a column, or of several with commas between them: distinct `texts`, and which each row has, (n_rows,) int."""

    texts: list[str]
    codes: NDArray[np.integer]


def _side_by_side(columns: Sequence[_Cells]) -> list[_Cells]:
    """Make one column of neighbours that have few combinations, such as a test's code, name and unit."""
    out = [columns[0]]
    for right in columns[1:]:
        left, n, width = out[-1], len(right.codes), len(right.texts)
        if len(left.texts) * width <= n:
            pair = left.codes.astype(np.intp) * width + right.codes
            used, codes = distinct_values(pair, return_inverse=True)
            if len(used) * _FEW <= n:
                out[-1] = _Cells([f"{left.texts[one // width]},{right.texts[one % width]}" for one in used.tolist()], codes)
                continue
        out.append(right)
    return out


def _all_quoted(texts: list[str]) -> list[str]:
    """Put quotes around those cells that need them; most columns have none, and one look tells."""
    return [_quoted(text) for text in texts] if _SOME_NEED_QUOTES.search("\0".join(texts)) else texts


def _quoted(text: str) -> str:
    """Put quotes around a cell that would be read otherwise without them."""
    return '"' + text.replace('"', '""') + '"' if _NEEDS_QUOTES.search(text) else text


def _strings(texts: list[str]) -> pa.Array:
    """Make Arrow strings; :func:`pyarrow.array` would load pandas."""
    encoded = [text.encode() for text in texts]
    offsets = np.cumsum([0, *map(len, encoded)], dtype=np.int32)
    return pa.Array.from_buffers(pa.string(), len(texts), [None, pa.py_buffer(offsets), pa.py_buffer(b"".join(encoded))])


def _plain(values: NDArray[Any], kind: pa.DataType) -> pa.Array:
    """Make an Arrow array of numbers (n,), none of them null, without a copy."""
    return pa.Array.from_buffers(kind, len(values), [None, pa.py_buffer(np.ascontiguousarray(values))])


def _bytes(strings: pa.Array) -> memoryview:
    """All strings of an array, one after the other."""
    offsets = np.frombuffer(strings.buffers()[1], np.int32, len(strings) + 1, strings.offset * 4)
    return memoryview(strings.buffers()[2])[int(offsets[0]) : int(offsets[-1])]
