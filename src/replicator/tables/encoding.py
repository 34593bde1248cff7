"""Rows of a dataset as the bytes of a format: what of writing can be done by any process, wherever rows are made.

The first chunk of a dataset settles what all chunks have in common. With that, a chunk's bytes hang on its rows alone.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

import pyarrow as pa

from replicator.errors import WriteError
from replicator.tables.dataset import Dataset, Text, Variable
from replicator.tables.dataset_json import json_rows
from replicator.tables.dataset_writer import EncodedRows
from replicator.tables.text_cells import longest_text
from replicator.tables.writable import check_writable, trailing_blanks
from replicator.tables.writing_csv import csv_rows
from replicator.tables.writing_parquet import parquet_rows
from replicator.tables.writing_xpt import xpt_encoding
from replicator.tables.xpt_rows import LONGEST_TEXT, Encoding, xpt_rows

Format: TypeAlias = Literal["csv", "xpt", "parquet", "json"]


@dataclass(frozen=True)
class Settled:
    """What the chunks of a dataset have in common.

    Attributes
    ----------
    variables : tuple of Variable
        Every text variable has a length that holds the texts of the first chunk; those of others may be longer.
    encoding : {"utf-8", "cp1252"}
        Of text in transport files.
    has_rows : bool
        Whether any chunk has had rows.
    """

    variables: tuple[Variable, ...]
    encoding: Encoding
    has_rows: bool

    def with_rows(self, rows: EncodedRows) -> Settled:
        """Give text variables of a transport file the fields that encoded rows have, so that later ones need not be widened."""
        widths: Sequence[int] = rows.about.get("widths", ())
        if all(variable.type == "num" or variable.length == width for variable, width in zip(self.variables, widths, strict=False)):
            return self
        pairs = zip(self.variables, widths, strict=True)
        variables = (replace(one, length=max(one.length or 1, width)) if one.type == "char" else one for one, width in pairs)
        return replace(self, variables=tuple(variables))


@dataclass(frozen=True)
class EncodedDataset:
    """Rows of one chunk of a dataset, encoded, with what the writer of a study tells of them.

    Attributes
    ----------
    name : str
    rows : EncodedRows
    longest : mapping of str to int
        Bytes of UTF-8 of the longest text, by variable.
    n_trailing : int
        Texts that end in blanks, which the format does not hold.
    first : Dataset or None
        The rows themselves, if the dataset had none before.
    """

    name: str
    rows: EncodedRows
    longest: Mapping[str, int]
    n_trailing: int
    first: Dataset | None


def settle(dataset: Dataset, format: Format) -> Settled:
    """Settle by a chunk what all of them have in common."""
    encoding = xpt_encoding(dataset) if format == "xpt" else "utf-8"
    return Settled(lengthened(dataset.variables, _longest(dataset, encoding), format), encoding, dataset.n_rows > 0)


def encode(dataset: Dataset, format: Format, settled: Settled | None = None) -> EncodedDataset:
    """Encode the rows of a chunk.

    Parameters
    ----------
    dataset : Dataset
    format : {"csv", "xpt", "parquet", "json"}
    settled : Settled, optional
        By an earlier chunk; without it, this is the first one.

    Raises
    ------
    WriteError
        If the format cannot hold the data, or the chunk has not the variables of the first one.
    """
    check_writable(dataset, format)
    common = settled or settle(dataset, format)
    if [(v.name, v.type) for v in dataset.variables] != [(v.name, v.type) for v in common.variables]:
        raise WriteError(f"{dataset.name}: a chunk has other variables or types than the first one; give chunks that are alike.")
    shown = replace(dataset, variables=common.variables)
    try:
        rows = _rows(shown, format, common.encoding)
        longest = _longest(dataset, "utf-8")
    except (pa.ArrowException, UnicodeEncodeError) as error:
        raise WriteError(
            f"{dataset.name}: the data cannot be written ({str(error)[:160]}); correct them or write another format."
        ) from error
    is_first = settled is None or (dataset.n_rows > 0 and not settled.has_rows)
    n_trailing = trailing_blanks(dataset) if format == "xpt" else 0
    return EncodedDataset(dataset.name, rows, longest, n_trailing, shown if is_first else None)


def lengthened(variables: tuple[Variable, ...], longest: Mapping[str, int], format: Format) -> tuple[Variable, ...]:
    """Give text variables a length that holds all texts: the declared one, cut to what the format takes, or that of the longest."""
    most = LONGEST_TEXT if format == "xpt" else sys.maxsize
    return tuple(
        replace(variable, length=max(min(variable.length or 1, most), longest[variable.name]))
        if variable.type == "char"
        else variable
        for variable in variables
    )


def _rows(dataset: Dataset, format: Format, encoding: Encoding) -> EncodedRows:
    if format == "csv":
        return csv_rows(dataset, dataset.variables)
    if format == "parquet":
        return parquet_rows(dataset, dataset.variables)
    if format == "json":
        return json_rows(dataset, dataset.variables)
    return xpt_rows(dataset, dataset.variables, encoding)


def _longest(dataset: Dataset, encoding: str) -> dict[str, int]:
    return {name: longest_text(column, encoding) for name, column in dataset.columns.items() if isinstance(column, Text)}
