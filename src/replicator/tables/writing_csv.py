"""Delimited text: commas, UTF-8, line feeds; quotes only where a cell needs them; numbers with their variable's decimals."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from replicator.tables.dataset import Column, Dataset, Numbers, Variable
from replicator.tables.dataset_writer import FileWriter
from replicator.tables.decimals import decimal_text

_NEEDS_QUOTES = re.compile(r'[",\r\n;\t|]|\A[\s\ufeff]|\s\Z')
_ROWS_AT_ONCE = 200_000


class CsvWriter(FileWriter):
    """Writes one dataset as CSV, chunk by chunk.

    Parameters
    ----------
    path : Path
        The file, which must not exist.
    name, label : str
        Of the dataset; the format keeps neither.
    variables : sequence of Variable
        In the order of the columns; their names become the first line, their decimals tell how numbers are written.
    """

    def __init__(self, path: Path, name: str, variables: Sequence[Variable], label: str = "") -> None:
        super().__init__(path)
        self._name = name
        self._variables = tuple(variables)
        self._file.write((",".join(_quoted(variable.name) for variable in variables) + "\n").encode())

    def append(self, dataset: Dataset) -> None:
        """Add the rows of a chunk, in which :func:`~replicator.tables.writable.check_writable` has found nothing."""
        for start in range(0, dataset.n_rows, _ROWS_AT_ONCE):
            rows = np.arange(start, min(start + _ROWS_AT_ONCE, dataset.n_rows))
            cells = [self._cells(variable, dataset[variable.name].take(rows)) for variable in self._variables]
            lines = pc.binary_join_element_wise(*cells, pa.scalar(","))
            ended = pc.binary_join_element_wise(lines, pa.scalar("\n"), pa.scalar(""))
            self._file.write(_bytes(ended))

    def _cells(self, variable: Variable, column: Column) -> pa.Array:
        """Cells of a column as the file shows them."""
        if isinstance(column, Numbers):
            unique, inverse = np.unique(column.values, return_inverse=True)
            levels, codes = [decimal_text(value, variable.decimals) for value in unique.tolist()], inverse
        else:
            levels, codes = (
                [*(_quoted(level) for level in column.levels.tolist()), ""],
                np.where(column.codes < 0, len(column.levels), column.codes),
            )
        if len(self._variables) == 1:
            levels = [level or '""' for level in levels]  # a line with nothing on it would be no row
        return pa.array(levels, pa.string()).take(pa.array(codes))


def _quoted(text: str) -> str:
    """Put quotes around a cell that would be read otherwise without them."""
    return '"' + text.replace('"', '""') + '"' if _NEEDS_QUOTES.search(text) else text


def _bytes(strings: pa.Array) -> memoryview:
    """All strings of an array, one after the other."""
    offsets = np.frombuffer(strings.buffers()[1], np.int32, len(strings) + 1, strings.offset * 4)
    return memoryview(strings.buffers()[2])[int(offsets[0]) : int(offsets[-1])]
