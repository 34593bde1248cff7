"""Parquet: text as strings, numbers as float64, null where missing; what is known of a variable in the metadata of its field.

Rows are encoded as a file of their own, whose row group goes into the dataset's file as it is. Text goes there by its codes.
"""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Self

import numpy as np
import pyarrow as pa

from replicator.heavy import parquet as pq
from replicator.tables.dataset import Column, Dataset, Text, Variable
from replicator.tables.dataset_writer import EncodedRows, FileWriter, WriterState, open_file
from replicator.tables.lines import plain_array, string_array
from replicator.tables.parquet_footer import MAGIC, moved, row_groups, whole_footer


def parquet_rows(dataset: Dataset, variables: Sequence[Variable]) -> EncodedRows:
    """Encode rows as a file with their row group; what it says of the variables does not count.

    Parameters
    ----------
    dataset : Dataset
    variables : sequence of Variable
        In the order of the columns.
    """
    names = [variable.name for variable in variables]
    return EncodedRows(dataset.n_rows, _file(pa.Table.from_arrays([_array(dataset[name]) for name in names], names)))


class ParquetWriter(FileWriter):
    """Writes one dataset as Parquet, a row group a chunk.

    Parameters
    ----------
    path : Path or binary file
        The file, which must not exist but with `state`; or one that is open for writing.
    name, label : str
        Of the dataset; kept in the metadata of the schema.
    variables : sequence of Variable
        In the order of the columns; label, length, format, codelist and decimals are kept in the metadata of the fields.
    spool : Path, optional
        Folder for what will stand in the footer, which whoever chose it removes; without it, that is kept in memory.
    state : WriterState, optional
        Of a writer whose file is to be gone on with.
    """

    def __init__(
        self,
        path: Path | BinaryIO,
        name: str,
        variables: Sequence[Variable],
        label: str = "",
        *,
        spool: Path | None = None,
        state: WriterState | None = None,
    ) -> None:
        schema = pa.schema([_field(variable) for variable in variables], metadata={"name": name, "label": label})
        self._empty = _file(schema.empty_table(), is_filled=False)
        known = {"bytes": len(MAGIC), "groups": 0, "rows": 0} if state is None else state
        self._n_bytes, self._n_groups, self._n_rows = int(known["bytes"]), int(known["groups"]), int(known["rows"])
        if spool is None:
            self._entries: BinaryIO = BytesIO()
        else:
            self._entries = open_file(spool / f"{name.lower()}.footer", None if state is None else state["footer"])
        try:
            super().__init__(path, state)
        except BaseException:
            self._entries.close()
            raise
        if state is None:
            self._file.write(MAGIC)

    def add(self, rows: EncodedRows) -> None:
        """Put a row group behind the others."""
        groups = row_groups(rows.content)
        self._entries.write(moved(groups, self._n_bytes - len(MAGIC), self._n_groups))
        self._file.write(groups.data)
        self._n_bytes += len(groups.data)
        self._n_groups += groups.n_groups
        self._n_rows += groups.n_rows

    def state(self) -> dict[str, Any]:
        """Hand all rows so far to the system, and say what is needed to go on from here."""
        self._entries.flush()
        return super().state() | {"footer": self._entries.tell(), "groups": self._n_groups, "rows": self._n_rows}

    def finish(self) -> None:
        """Write the footer."""
        self._entries.seek(0)
        self._file.write(whole_footer(self._empty, self._entries.read(), self._n_groups, self._n_rows))

    def _let_go(self) -> None:
        super()._let_go()
        self._entries.close()


class PartedParquetWriter:
    """Writes one dataset as a folder of Parquet files, one a chunk, which readers take for one dataset.

    Parameters
    ----------
    folder : Path
        Must not exist but with `state`.
    name, label, variables
        As for :class:`ParquetWriter`.
    state : WriterState, optional
        Of a writer whose folder is to be gone on with.
    """

    def __init__(
        self, folder: Path, name: str, variables: Sequence[Variable], label: str = "", *, state: WriterState | None = None
    ) -> None:
        self._folder, self._known = folder, (name, variables, label)
        self._sizes: list[int] = [] if state is None else list(state["parts"])
        folder.mkdir(exist_ok=state is not None)
        for number, size in enumerate(self._sizes):
            open_file(self._part(number), size).close()
        for path in set(folder.iterdir()) - {self._part(number) for number in range(len(self._sizes))}:
            path.unlink()  # of a chunk that was not finished

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Nothing is left to do: every file is finished by itself."""

    def add(self, rows: EncodedRows) -> None:
        """Write rows as the next file."""
        part = self._part(len(self._sizes))
        with ParquetWriter(part, *self._known) as writer:
            writer.add(rows)
        self._sizes.append(part.stat().st_size)

    def state(self) -> dict[str, Any]:
        """Say what is needed to go on from here."""
        return {"parts": self._sizes}

    def close(self) -> None:
        """Do nothing, as every file is finished by itself."""

    def _part(self, number: int) -> Path:
        return self._folder / f"part-{number:05}.parquet"


def _file(table: pa.Table, is_filled: bool = True) -> bytes:
    """The bytes of a file with the rows of a table as a row group, or with none at all."""
    sink = pa.BufferOutputStream()
    with pq.ParquetWriter(sink, table.schema) as writer:
        if is_filled:
            writer.write_table(table)
    content: bytes = sink.getvalue().to_pybytes()
    return content


def _array(column: Column) -> pa.Array:
    """A column as Arrow has it, text by codes into what it holds, in its order; :func:`pyarrow.array` would load pandas."""
    if not isinstance(column, Text):
        return plain_array(column.values, pa.float64(), column.missing)
    place = {level: code for code, level in enumerate(dict.fromkeys(column.levels.tolist()))}
    codes, n = column.codes, len(column)
    if len(place) < len(column.levels):  # of two levels of one text, the file would have no codes
        codes = np.array([*map(place.__getitem__, column.levels.tolist()), -1], np.int32).take(codes)
    first = np.full(len(place) + 1, n)
    first[codes[::-1]] = np.arange(n)[::-1]  # where a code stands more than once, the last assignment counts
    first[-1] = n
    order = np.argsort(first, kind="stable")[: np.count_nonzero(first < n)]
    rank = np.zeros(len(first), np.int32)
    rank[order] = np.arange(len(order), dtype=np.int32)
    texts = list(place)
    levels = string_array([texts[code] for code in order.tolist()])
    return pa.DictionaryArray.from_arrays(plain_array(rank.take(codes), pa.int32(), column.missing), levels)


def _field(variable: Variable) -> pa.Field:
    length = "" if variable.length is None else str(variable.length)
    metadata = {"label": variable.label, "length": length, "format": variable.format, "codelist": variable.codelist}
    if variable.decimals is not None:
        metadata["decimals"] = str(variable.decimals)
    kind = pa.string() if variable.type == "char" else pa.float64()
    return pa.field(variable.name, kind, metadata={key: value for key, value in metadata.items() if value})
