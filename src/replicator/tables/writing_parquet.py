"""Parquet: text as strings, numbers as float64, null where missing; what is known of a variable in the metadata of its field."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Self

import pyarrow as pa
import pyarrow.parquet as pq

from replicator.tables.dataset import Dataset, Text, Variable
from replicator.tables.dataset_writer import FileWriter, WriterState, open_file
from replicator.tables.text_cells import text_to_arrow


class PartedParquetWriter:
    """Writes one dataset as Parquet, a file a chunk, so that it can be gone on with; the last step makes one file of them.

    Parameters
    ----------
    path : Path
        The file.
    name, label, variables
        As for :class:`ParquetWriter`.
    spool : Path
        Folder for the parts, which whoever chose it removes.
    state : WriterState, optional
        Of a writer whose parts are to be gone on with.
    """

    def __init__(
        self,
        path: Path,
        name: str,
        variables: Sequence[Variable],
        label: str = "",
        *,
        spool: Path,
        state: WriterState | None = None,
    ) -> None:
        self._path, self._name, self._variables, self._label, self._spool = path, name, tuple(variables), label, spool
        self._sizes: list[int] = [] if state is None else list(state["parts"])
        for number, size in enumerate(self._sizes):
            open_file(self._part(number), size).close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if kind is None:
            self.close()

    def append(self, dataset: Dataset) -> None:
        """Add the rows of a chunk as a file."""
        part = self._part(len(self._sizes))
        part.unlink(missing_ok=True)  # half of it may be left of a run that was killed
        with ParquetWriter(part, self._name, self._variables, self._label) as writer:
            writer.append(dataset)
        self._sizes.append(part.stat().st_size)

    def state(self) -> dict[str, Any]:
        """Say what is needed to go on from here."""
        return {"parts": self._sizes}

    def close(self) -> None:
        """Put the parts together, a row group each."""
        self._path.unlink(missing_ok=True)
        with ParquetWriter(self._path, self._name, self._variables, self._label) as writer:
            for number in range(len(self._sizes)):
                writer.append_rows(pq.read_table(self._part(number)))

    def _part(self, number: int) -> Path:
        return self._spool / f"{self._path.stem}-{number:05}.parquet"


class ParquetWriter(FileWriter):
    """Writes one dataset as Parquet, a row group a chunk.

    Parameters
    ----------
    path : Path or binary file
        The file, which must not exist; or one that is open for writing.
    name, label : str
        Of the dataset; kept in the metadata of the schema.
    variables : sequence of Variable
        In the order of the columns; label, length, format, codelist and decimals are kept in the metadata of the fields.
    """

    def __init__(self, path: Path | BinaryIO, name: str, variables: Sequence[Variable], label: str = "") -> None:
        super().__init__(path)
        self._schema = pa.schema([_field(variable) for variable in variables], metadata={"name": name, "label": label})
        self._writer = pq.ParquetWriter(self._file, self._schema)

    def append(self, dataset: Dataset) -> None:
        """Add the rows of a chunk as a row group."""
        columns = [dataset[name] for name in self._schema.names]
        arrays = [
            text_to_arrow(column) if isinstance(column, Text) else pa.array(column.values, mask=column.missing)
            for column in columns
        ]
        self.append_rows(pa.Table.from_arrays(arrays, schema=self._schema))

    def append_rows(self, table: pa.Table) -> None:
        """Add the rows of a table of the same schema as a row group."""
        self._writer.write_table(table)

    def finish(self) -> None:
        """Write the footer."""
        try:
            self._writer.close()
        finally:
            self._writer.is_open = False

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if kind is not None:
            self._writer.is_open = False  # or pyarrow would try to write the footer when it is collected, into a closed file
        super().__exit__(kind, error, trace)


def _field(variable: Variable) -> pa.Field:
    length = "" if variable.length is None else str(variable.length)
    metadata = {"label": variable.label, "length": length, "format": variable.format, "codelist": variable.codelist}
    if variable.decimals is not None:
        metadata["decimals"] = str(variable.decimals)
    kind = pa.string() if variable.type == "char" else pa.float64()
    return pa.field(variable.name, kind, metadata={key: value for key, value in metadata.items() if value})
