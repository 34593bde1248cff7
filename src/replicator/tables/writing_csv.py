"""Delimited text: commas, UTF-8, line feeds; quotes only where a cell needs them; numbers with their variable's decimals."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

import numpy as np

from replicator.tables.dataset import Column, Dataset, Numbers, Variable
from replicator.tables.dataset_writer import EncodedRows, FileWriter, WriterState
from replicator.tables.decimals import decimal_text
from replicator.tables.lines import Cells, distinct_numbers, joined_lines

_NEEDS_QUOTES = re.compile(r'[",\r\n;\t|]|\A[\s\ufeff]|\s\Z')
_SOME_NEED_QUOTES = re.compile(r'[",\r\n;\t|]|(?:\A|\0)[\s\ufeff]|\s(?:\0|\Z)')  # of cells with NUL between them

_TELLING = (*'",;|', *map(chr, (*range(9, 14), *range(28, 32))), "\0 ", " \0")  # of ASCII: without these, no cell needs quotes


def csv_rows(dataset: Dataset, variables: Sequence[Variable]) -> EncodedRows:
    """Encode rows, in which :func:`~replicator.tables.writable.check_writable` has found nothing.

    Parameters
    ----------
    dataset : Dataset
    variables : sequence of Variable
        In the order of the columns; their decimals tell how numbers are written.
    """
    cells = [_cells(variable, dataset[variable.name]) for variable in variables]
    if len(cells) == 1:
        cells = [Cells([text or '""' for text in cells[0].texts], cells[0].codes)]  # a line with nothing on it would be no row
    return EncodedRows(dataset.n_rows, joined_lines(cells))


class CsvWriter(FileWriter):
    """Writes one dataset as CSV, chunk by chunk.

    Parameters
    ----------
    path : Path or binary file
        The file, which must not exist; or one that is open for writing.
    name, label : str
        Of the dataset; the format keeps neither.
    variables : sequence of Variable
        In the order of the columns; their names become the first line.
    state : WriterState, optional
        Of a writer whose file is to be gone on with.
    """

    def __init__(
        self, path: Path | BinaryIO, name: str, variables: Sequence[Variable], label: str = "", *, state: WriterState | None = None
    ) -> None:
        super().__init__(path, state)
        if state is None:
            self._file.write((",".join(_quoted(variable.name) for variable in variables) + "\n").encode())

    def add(self, rows: EncodedRows) -> None:
        """Put rows behind the others."""
        self._file.write(rows.content)


def _cells(variable: Variable, column: Column) -> Cells:
    """Cells of a column as the file shows them."""
    if isinstance(column, Numbers):
        numbers, codes = distinct_numbers(column)
        return Cells([decimal_text(value, variable.decimals) for value in numbers], codes)
    codes = column.codes
    if codes.min(initial=0) < 0:
        codes = np.where(codes < 0, np.int32(len(column.levels)), codes)
    return Cells([*_all_quoted(column.levels.tolist()), ""], codes)


def _all_quoted(texts: list[str]) -> list[str]:
    """Put quotes around those cells that need them; most columns have none, and one look tells."""
    every = "\0".join(texts)
    if every.isascii() and not any(part in every for part in _TELLING) and not every.startswith(" ") and not every.endswith(" "):
        return texts  # as most are; the pattern takes longer to say so
    return [_quoted(text) for text in texts] if _SOME_NEED_QUOTES.search(every) else texts


def _quoted(text: str) -> str:
    """Put quotes around a cell that would be read otherwise without them."""
    return '"' + text.replace('"', '""') + '"' if _NEEDS_QUOTES.search(text) else text
