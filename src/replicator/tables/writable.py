"""What a format cannot hold, found before a dataset is written in it."""

from __future__ import annotations

import numpy as np

from replicator.counting import counted
from replicator.errors import WriteError
from replicator.tables.dataset import Dataset, Numbers, Text


def check_writable(dataset: Dataset, format: str) -> None:
    """Refuse numbers that no study holds, and texts that a CSV file could not give back.

    Parameters
    ----------
    dataset : Dataset
        What is to be written.
    format : {"csv", "xpt", "parquet", "json"}
        The other formats hold every text, or say so themselves.

    Raises
    ------
    WriteError
        If a number is infinite, or a text for CSV holds a NUL character.
    """
    for name, column in dataset.columns.items():
        where = f"{dataset.name}.{name}"
        if isinstance(column, Numbers):
            n_infinite = int(np.isinf(column.values).sum())
            if n_infinite:
                raise WriteError(
                    f"{where}: {counted(n_infinite, 'number is', 'numbers are')} infinite, which a study cannot "
                    "hold; let cells be missing instead."
                )
        elif format == "csv" and "\0" in "".join(column.levels.tolist()):
            n_broken = _rows(column, ["\0" in level for level in column.levels.tolist()])
            if n_broken:
                raise WriteError(
                    f"{where}: {counted(n_broken, 'text holds', 'texts hold')} a NUL character, which no CSV "
                    "file can hold; remove it or write Parquet or "
                    "Dataset-JSON."
                )


def trailing_blanks(dataset: Dataset) -> int:
    """Count the texts of a dataset that end in blanks, which a transport file cannot tell from its padding."""
    columns = [column for column in dataset.columns.values() if isinstance(column, Text)]
    return sum(_rows(column, [level.endswith(" ") for level in column.levels.tolist()]) for column in columns)


def _rows(column: Text, chosen: list[bool]) -> int:
    """Count the rows whose level is chosen."""
    return int(np.array([*chosen, False]).take(column.codes).sum())
