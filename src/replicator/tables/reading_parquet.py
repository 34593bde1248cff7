"""Parquet: one dataset a file; labels, lengths and formats in the metadata of its fields."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from replicator.counting import counted
from replicator.errors import ReadError
from replicator.tables.dataset import Column, Dataset, Numbers, Text, Variable
from replicator.tables.decimals import stated_decimals
from replicator.tables.file_kinds import parquet_parts
from replicator.tables.narrow import narrowed_column
from replicator.tables.reading_csv import check_names
from replicator.tables.subject_part import SubjectPart
from replicator.tables.text_cells import text_from_arrow, trimming_note

_EXACT = 2**53  # beyond, float64 skips whole numbers


def read_parquet(path: Path, name: str, part: SubjectPart | None = None) -> tuple[Dataset, list[str]]:
    """Read one dataset from Parquet.

    Strings become text, numbers and booleans numbers, dates and times ISO 8601 text, whole numbers beyond 2**53 text.

    Parameters
    ----------
    path : Path
        The file, or a folder of files whose rows follow each other.
    name : str
        Name of the dataset.
    part : SubjectPart, optional
        The subjects whose rows are read, row group by row group; all by default.

    Raises
    ------
    ReadError
        If a column is of a type that no dataset holds, names are repeated, or files of a folder differ in their columns.
    """
    files = parquet_parts(path) or [path]
    schema = pq.read_schema(files[0])
    texts = [field.name for field in schema if pa.types.is_string(field.type) or pa.types.is_large_string(field.type)]
    tables = [_table(pq.ParquetFile(file, read_dictionary=texts), part) for file in files]
    other = next((file for file, table in zip(files, tables, strict=True) if not table.schema.equals(tables[0].schema)), None)
    if other is not None:
        raise ReadError(f"{path.name}: {other.name} has other columns than {files[0].name}; put files of one dataset there.")
    table = pa.concat_tables(tables)
    cells = dict(enumerate(table.columns))  # each goes once it is read, so that a large dataset is not there twice
    del table, tables
    kept = [position for position, field in enumerate(schema) if not field.name.startswith("__index_level_")]
    notes = [] if len(kept) == len(schema) else [f"{name}: the row index that pandas stored was left out."]
    keys = [schema.field(position).name.strip().upper() for position in kept]
    check_names(path.name, keys)
    variables: list[Variable] = []
    columns: dict[str, Column] = {}
    n_trimmed = 0
    dated: list[str] = []
    for key, position in zip(keys, kept, strict=True):
        column, trimmed, note = _column(path, name, key, cells.pop(position))
        n_trimmed += trimmed
        notes += [note] if note else []
        dated += [key] if pa.types.is_temporal(schema.field(position).type) else []
        columns[key] = narrowed_column(column)
        variables.append(_variable(key, column, schema.field(position).metadata or {}))
    notes += trimming_note(name, n_trimmed)
    if dated:
        notes.append(
            f"{name}: {counted(len(dated), 'column')} of Parquet dates and times, read as ISO 8601 text: {', '.join(dated)}."
        )
    label = (schema.metadata or {}).get(b"label", b"").decode()
    return Dataset(name, tuple(variables), columns, label), notes


def _table(file: pq.ParquetFile, part: SubjectPart | None) -> pa.Table:
    """Read the rows of the subjects that are wanted."""
    if part is None or not file.num_row_groups:
        return file.read()
    return pa.concat_tables(part.of_table(file.read_row_group(group)) for group in range(file.num_row_groups))


def _variable(name: str, column: Column, metadata: dict[bytes, bytes]) -> Variable:
    length = metadata.get(b"length", b"")
    return Variable(
        name,
        metadata.get(b"label", b"").decode(),
        "char" if isinstance(column, Text) else "num",
        int(length) if length.isdigit() else None,
        metadata.get(b"format", b"").decode(),
        metadata.get(b"codelist", b"").decode(),
        stated_decimals(metadata.get(b"decimals", b"").decode()) if isinstance(column, Numbers) else None,
    )


def _column(path: Path, dataset: str, name: str, column: pa.ChunkedArray) -> tuple[Column, int, str]:
    """One column, the number of cells that lost trailing blanks, and a note or ``""``."""
    kind = column.type.value_type if pa.types.is_dictionary(column.type) else column.type
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        return *text_from_arrow(column), ""
    if pa.types.is_null(kind):
        return Text(np.full(len(column), -1, np.int32), np.empty(0, object)), 0, ""
    if pa.types.is_dictionary(column.type):
        column = column.cast(kind)
    if pa.types.is_temporal(kind) and not pa.types.is_duration(kind):
        if pa.types.is_timestamp(kind):
            whole = kind.unit == "s" or pc.all(pc.equal(pc.subsecond(column), 0.0)).as_py() in (True, None)
            column = pc.strftime(column.cast(pa.timestamp("s"), safe=False) if whole else column, format="%Y-%m-%dT%H:%M:%S")
        return text_from_arrow(column.cast(pa.string()))[0], 0, ""
    if pa.types.is_integer(kind) and len(column):
        extremes = pc.min_max(column).as_py()
        if extremes["max"] is not None and max(extremes["max"], -extremes["min"]) > _EXACT:
            return (
                text_from_arrow(column.cast(pa.string()))[0],
                0,
                f"{dataset}.{name}: whole numbers beyond 2**53 were read as text.",
            )
    if pa.types.is_boolean(kind):
        column = column.cast(pa.int8())
    if pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind) or pa.types.is_boolean(kind):
        values = np.array(column.cast(pa.float64(), safe=False).to_numpy(), dtype=np.float64)
        infinite = np.isinf(values)
        note = f"{dataset}.{name}: {counted(int(infinite.sum()), 'infinite cell')}, read as missing." if infinite.any() else ""
        return Numbers(np.where(infinite, np.nan, values)), 0, note
    raise ReadError(f"{path.name}: column {name} is of Parquet type {kind}, which no dataset holds; make it text or a number.")
