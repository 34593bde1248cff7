"""What all writers of one dataset have in common: opened with its metadata, fed chunk by chunk, closed."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Protocol, Self

from replicator.tables.dataset import Dataset


class DatasetWriter(Protocol):
    """Writes one dataset to one file.

    Leaving the context without an error finishes the file; leaving it with one only lets go of it, and whoever chose the place of
    the file removes it.
    """

    def __enter__(self) -> Self:
        """Return the writer."""
        ...

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Finish the file, or let go of it after an error."""
        ...

    def append(self, dataset: Dataset) -> None:
        """Add the rows of a chunk, which has all variables that the writer was opened with."""
        ...

    def close(self) -> None:
        """Finish the file; a second call does nothing."""
        ...


class FileWriter:
    """The part of a writer that holds the open file; what comes after the last row is :meth:`finish`.

    Parameters
    ----------
    path : Path
        The file, which must not exist.
    """

    def __init__(self, path: Path) -> None:
        self._file: BinaryIO = path.open("xb")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if kind is None:
            self.close()
        else:
            self._file.close()

    def close(self) -> None:
        """Finish the file; a second call does nothing."""
        if self._file.closed:
            return
        try:
            self.finish()
        finally:
            self._file.close()

    def finish(self) -> None:
        """Write what follows the rows."""
