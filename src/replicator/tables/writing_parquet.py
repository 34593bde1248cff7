"""Parquet: text as strings, numbers as float64, null where missing; what is known of a variable in the metadata of its field."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from types import TracebackType

import pyarrow as pa
import pyarrow.parquet as pq

from replicator.tables.dataset import Dataset, Text, Variable
from replicator.tables.dataset_writer import FileWriter
from replicator.tables.text_cells import text_to_arrow


class ParquetWriter(FileWriter):
    """Writes one dataset as Parquet, a row group a chunk.

    Parameters
    ----------
    path : Path
        The file, which must not exist.
    name, label : str
        Of the dataset; kept in the metadata of the schema.
    variables : sequence of Variable
        In the order of the columns; label, length, format, codelist and decimals are kept in the metadata of the fields.
    """

    def __init__(self, path: Path, name: str, variables: Sequence[Variable], label: str = "") -> None:
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
        self._writer.write_table(pa.Table.from_arrays(arrays, schema=self._schema))

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
