"""Rows of SAS transport files: fields of fixed width side by side, each distinct text encoded once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import accumulate
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from replicator.counting import counted
from replicator.errors import WriteError
from replicator.tables.dataset import Dataset, Numbers, Text, Variable
from replicator.tables.dataset_writer import EncodedRows
from replicator.tables.ibm_floats import outside_range, to_ibm
from replicator.tables.text_cells import longest_text

Encoding: TypeAlias = Literal["utf-8", "cp1252"]

LONGEST_TEXT = 200
NUMBER = 8
"""Bytes of a number."""


def xpt_rows(dataset: Dataset, variables: Sequence[Variable], encoding: Encoding) -> EncodedRows:
    """Encode rows; what is known about them are the ``widths`` of their fields.

    Parameters
    ----------
    dataset : Dataset
    variables : sequence of Variable
        In the order of the columns. A field is as wide as its variable, or as the longest text if that is longer.
    encoding : {"utf-8", "cp1252"}

    Raises
    ------
    WriteError
        If a text is longer than 200 bytes or has characters that the encoding lacks, or a number is out of range.
    """
    widths = [_width(dataset, variable, encoding) for variable in variables]
    kind = np.dtype([(str(index), f"V{width}") for index, width in enumerate(widths)])
    fields = [
        _fields(dataset, variable, width, encoding).view(f"V{width}")[:, 0]
        for variable, width in zip(variables, widths, strict=True)
    ]
    block = np.empty(dataset.n_rows, kind)
    for index, (variable, field) in enumerate(zip(variables, fields, strict=True)):
        column = dataset[variable.name]
        block[str(index)] = field if isinstance(column, Numbers) else field[column.codes]
    return EncodedRows(dataset.n_rows, block.view(np.uint8).data if widths else b"", {"widths": widths})


def widened(content: bytes | memoryview, narrow: Sequence[int], wide: Sequence[int]) -> bytes | memoryview:
    """Give the fields of rows other widths, none of them narrower; texts are filled up with blanks."""
    if list(narrow) == list(wide):
        return content
    old, new = starts(narrow), starts(wide)
    rows = np.frombuffer(content, np.uint8).reshape(-1, old[-1])
    block = np.full((len(rows), new[-1]), ord(" "), np.uint8)
    for index, width in enumerate(narrow):
        block[:, new[index] : new[index] + width] = rows[:, old[index] : old[index] + width]
    return block.reshape(-1).data


def starts(widths: Iterable[int]) -> list[int]:
    """Where the fields of a row begin; the last one is the length of a row."""
    return [0, *accumulate(widths)]


def encode_text(where: str, text: str, encoding: Encoding) -> bytes:
    """Encode a text of a dataset or variable.

    Raises
    ------
    WriteError
        If it has characters that the encoding lacks.
    """
    try:
        return text.encode(encoding)
    except UnicodeEncodeError as error:
        raise WriteError(
            f"{where}: {text[:40]!r} has the character {text[error.start]!r}, which {encoding} lacks; correct it or "
            "write another format."
        ) from error


def _width(dataset: Dataset, variable: Variable, encoding: Encoding) -> int:
    """Bytes of a field."""
    column, where = dataset[variable.name], f"{dataset.name}.{variable.name}"
    if isinstance(column, Text) != (variable.type == "char"):
        raise WriteError(f"{where}: a chunk has this variable not as {variable.type}; give chunks of equal types.")
    if isinstance(column, Numbers):
        return NUMBER
    longest = longest_text(column, encoding)
    if longest > LONGEST_TEXT:
        sizes = np.array([len(level.encode(encoding, "replace")) for level in column.levels.tolist()] + [0])
        raise WriteError(
            f"{where}: {counted(int((sizes[column.codes] > LONGEST_TEXT).sum()), 'text')} of more than the "
            "200 bytes that a transport file takes; shorten or write another format."
        )
    return max(min(variable.length or 1, LONGEST_TEXT), longest)


def _fields(dataset: Dataset, variable: Variable, width: int, encoding: Encoding) -> NDArray[np.uint8]:
    """(n, width) bytes: of each number; of each distinct text, the last one blank."""
    column, where = dataset[variable.name], f"{dataset.name}.{variable.name}"
    if isinstance(column, Text):
        pieces = [encode_text(where, level, encoding) for level in column.levels.tolist()]
        padded = [piece[:width].ljust(width) for piece in pieces] + [b" " * width]
        return np.frombuffer(b"".join(padded), np.uint8).reshape(len(padded), width)
    outside = outside_range(column.values)
    if outside.any():
        raise WriteError(
            f"{where}: {counted(int(outside.sum()), 'number')} (first: {float(column.values[outside][0])!r}) out of the range of a "
            "transport file, 5.4e-79 to 7.2e75; let cells be missing or write another format."
        )
    return to_ibm(column.values)
