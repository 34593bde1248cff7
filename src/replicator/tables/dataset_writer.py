"""What all writers of one dataset have in common: opened with its metadata, fed chunk by chunk, closed; and how to go on later."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from pickle import PickleBuffer
from types import TracebackType
from typing import Any, BinaryIO, Protocol, Self, TypeAlias

from replicator.errors import WriteError

WriterState: TypeAlias = Mapping[str, Any]
"""What a writer needs to go on with its file in another process, as JSON; what is written later does not count."""


_APART = 5  # the first protocol of pickle that leaves large values to whoever sends them


@dataclass(frozen=True)
class EncodedRows:
    """Rows of a chunk as a file of some format will hold them; made in any process, put behind each other by the one that writes.

    Attributes
    ----------
    n : int
        How many rows.
    content : bytes or memoryview
        Pickled apart from the rest by whoever asks for it, so that it need not be copied.
    about : mapping
        What the writer of the format has to know besides.
    """

    n: int
    content: bytes | memoryview
    about: Mapping[str, Any] = field(default_factory=dict)

    def __reduce_ex__(self, protocol: Any) -> tuple[Any, ...]:
        content = PickleBuffer(self.content) if protocol >= _APART else bytes(self.content)
        return EncodedRows, (self.n, content, self.about)


class DatasetWriter(Protocol):
    """Writes one dataset to one file.

    Leaving the context without an error finishes the file; leaving it with one only lets go of it, and whoever chose the place of
    the file removes it, or opens it again with the last :meth:`state`.
    """

    def __enter__(self) -> Self:
        """Return the writer."""
        ...

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Finish the file, or let go of it after an error."""
        ...

    def add(self, rows: EncodedRows) -> None:
        """Put the rows of a chunk behind the others."""
        ...

    def state(self) -> dict[str, Any]:
        """Hand all rows so far to the system, and say what is needed to go on from here."""
        ...

    def close(self) -> None:
        """Finish the file; a second call does nothing."""
        ...


def open_file(path: Path, size: int | None = None) -> BinaryIO:
    """Open a new file, or one whose first `size` bytes count, behind them.

    Raises
    ------
    WriteError
        If the file is shorter than that, or gone.
    """
    if size is None:
        return path.open("x+b")
    if not path.is_file() or path.stat().st_size < size:
        found = f"{path.stat().st_size:,} bytes" if path.is_file() else "no file"
        raise WriteError(f"{path}: {found} where {size:,} bytes were written; write the sample anew, with --overwrite.")
    file = path.open("r+b")
    file.truncate(size)
    file.seek(size)
    return file


class FileWriter:
    """The part of a writer that holds the open file; what comes after the last row is :meth:`finish`.

    Parameters
    ----------
    place : Path or binary file
        The file, which must not exist but with `state`; or one that is open for writing, such as a pipe, and stays so.
    state : WriterState, optional
        Of a writer whose file is to be gone on with.
    """

    def __init__(self, place: Path | BinaryIO, state: WriterState | None = None) -> None:
        self._is_finished = False
        self._is_lent = not isinstance(place, Path)
        self._file = open_file(place, None if state is None else state["bytes"]) if isinstance(place, Path) else place

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if kind is None:
            self.close()
        else:
            self._let_go()

    def state(self) -> dict[str, Any]:
        """Hand all rows so far to the system, and say what is needed to go on from here."""
        self._file.flush()
        return {"bytes": self._file.tell()}

    def close(self) -> None:
        """Finish the file; a second call does nothing."""
        if self._is_finished:
            return
        self._is_finished = True
        try:
            self.finish()
        finally:
            self._let_go()

    def _let_go(self) -> None:
        """Close the file, or leave it to whom it belongs."""
        if self._is_lent:
            self._file.flush()
        else:
            self._file.close()

    def finish(self) -> None:
        """Write what follows the rows."""
