"""SAS transport files of version 5, written as arrays of bytes.

Numbers take 8 bytes. The time stamp is fixed, so that bytes depend on the data alone. Text is UTF-8 or Windows-1252, one for the
whole dataset (:func:`xpt_encoding`). A display format that is no SAS format is left to the Define-XML beside the file. Some readers
tell how many rows there are by the blanks in the last 80 bytes, and lose a row that is no longer than that; where they would, a
text variable gets wider than it need be.

References
----------
SAS Institute, TS-140: The Record Layout of a Data Set in SAS Transport (XPORT) Format.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from replicator.counting import counted
from replicator.errors import WriteError
from replicator.tables import xpt_layout as layout
from replicator.tables.dataset import Dataset, Text, Variable
from replicator.tables.dataset_writer import EncodedRows, FileWriter, WriterState, open_file
from replicator.tables.xpt_rows import LONGEST_TEXT, NUMBER, Encoding, encode_text, starts, widened

LONGEST_NAME, LONGEST_LABEL = 8, 40
CREATED = b"01JAN00:00:00:00"
"""Time stamp of every file."""

_SYSTEM = b"9.4     " + b"Replictr"
_NAME = re.compile(r"[A-Z_][A-Z0-9_]{0,7}")
_COPIED_AT_ONCE = 50_000


class XptWriter(FileWriter):
    """Writes one dataset as a transport file of version 5, chunk by chunk.

    Parameters
    ----------
    path : Path
        The file, which must not exist.
    name, label : str
        Of the dataset.
    variables : sequence of Variable
        In the order of the columns. Rows with a wider field widen it; what stands in the file by then is copied once.
    encoding : {"utf-8", "cp1252"}
        Of all text; a reader that finds bytes that are no UTF-8 takes them for Windows-1252.
    state : WriterState, optional
        Of a writer whose file is to be gone on with.

    Raises
    ------
    WriteError
        If the format cannot hold a name, a label or a length.
    """

    def __init__(
        self,
        path: Path,
        name: str,
        variables: Sequence[Variable],
        label: str = "",
        encoding: Encoding = "utf-8",
        *,
        state: WriterState | None = None,
    ) -> None:
        self._name, self._encoding = name, encoding
        self._variables = tuple(variables)
        self._label_text, self._path = label, path
        if state is None:
            self._widths = [NUMBER if variable.type == "num" else min(variable.length or 1, LONGEST_TEXT) for variable in variables]
            self._n_rows, self._tail, self._place = 0, b"", path
        else:
            self._widths, self._n_rows = list(state["widths"]), state["rows"]
            self._tail, self._place = bytes.fromhex(state["tail"]), path.with_name(state["file"])
            if not self._place.exists():
                self._place = path  # it had its name already when the run was killed
        self._positions = starts(self._widths)
        head = self._head()
        super().__init__(self._place, state)
        if state is None:
            self._file.write(head)
        else:
            self._remove_others()

    def state(self) -> dict[str, Any]:
        """Hand all rows so far to the system, and say what is needed to go on from here."""
        state = super().state()
        self._remove_others()
        return state | {"widths": self._widths, "rows": self._n_rows, "tail": self._tail.hex(), "file": self._place.name}

    def close(self) -> None:
        """Finish the file; a second call does nothing."""
        super().close()
        if self._place != self._path:
            self._remove_others()
            self._place.replace(self._path)
            self._place = self._path

    def _remove_others(self) -> None:
        """Remove what stood in narrower fields, which nobody goes back to."""
        for other in [self._path, *self._path.parent.glob(f"{self._path.name}.wider-*")]:
            if other != self._place:
                other.unlink(missing_ok=True)

    def add(self, rows: EncodedRows) -> None:
        """Put rows behind the others, all in the widest fields that any has."""
        widths = [max(pair) for pair in zip(self._widths, rows.about["widths"], strict=True)]
        if widths != self._widths:
            self._rewrite(widths)
        content = widened(rows.content, rows.about["widths"], widths)
        self._file.write(content)
        self._tail = (self._tail + bytes(content[-layout.RECORD :]))[-layout.RECORD :]
        self._n_rows += rows.n

    def finish(self) -> None:
        """Fill the last record with blanks.

        Raises
        ------
        WriteError
            If the last row is blank and so short that no reader could tell it from the filling.
        """
        length = self._positions[-1]
        blank = self._n_rows > 0 and not self._tail[-length:].strip(b" ")
        if blank and length < layout.RECORD:
            raise WriteError(
                f"{self._name}: the last row is empty, which a transport file cannot tell from its filling when rows are shorter "
                "than 80 bytes; remove the row or write another format."
            )
        kinds = [variable.type for variable in self._variables]
        if self._loses_a_row() and "char" in kinds:
            widths = list(self._widths)
            widths[kinds.index("char")] += layout.RECORD + 1 - length
            self._rewrite(widths)
        self._file.write(b" " * self._filling())

    def _filling(self) -> int:
        """Bytes that complete the last record."""
        return -self._n_rows * self._positions[-1] % layout.RECORD

    def _loses_a_row(self) -> bool:
        """Whether a reader that takes each blank group of eight bytes in the last record for filling counts too few rows."""
        length, filling = self._positions[-1], self._filling()
        if length > layout.RECORD or not self._n_rows:
            return False
        last = (self._tail + b" " * filling)[-layout.RECORD :]
        blank = 8 * sum(last[at : at + 8] == b" " * 8 for at in range(0, layout.RECORD, 8))
        return filling - (blank % length if blank > length else blank) < 0

    def _rewrite(self, widths: list[int]) -> None:
        """Copy the rows written so far into a file with wider fields."""
        start, narrow, old = len(self._head()), self._widths, self._file
        self._widths, self._positions = widths, starts(widths)
        narrower, self._place = self._place, self._path.with_name(f"{self._path.name}.wider-{sum(widths)}")
        old.close()
        with narrower.open("rb") as source:
            source.seek(start)
            self._file = open_file(self._place)
            self._file.write(self._head())
            while content := source.read(_COPIED_AT_ONCE * sum(narrow)):
                self._file.write(widened(content, narrow, widths))

    def _head(self) -> bytes:
        """All records before the first row."""
        if not _NAME.fullmatch(self._name):
            raise WriteError(
                f"{self._name}: a transport file takes dataset names of up to 8 letters, digits and underscores; rename the "
                "dataset or write another format."
            )
        if not 0 < len(self._variables) <= 9999:
            raise WriteError(
                f"{self._name}: {counted(len(self._variables), 'variable')}; a transport file holds 1 to 9,999; "
                "write another format."
            )
        text = self._label(self._name, self._label_text)
        records = np.zeros(len(self._variables), layout.NAMESTR)
        for index, variable in enumerate(self._variables):
            records[index] = self._namestr(index, variable)
        block = records.tobytes()
        zeros = b"0" * 30 + b"  "
        stamp = CREATED.ljust(layout.RECORD)
        return b"".join(
            [
                layout.LIBRARY_5 + layout.HEADER_END + zeros,
                b"SAS     SAS     SASLIB  " + _SYSTEM + b" " * 24 + CREATED,
                stamp,
                layout.MEMBER_5 + layout.HEADER_END + b"000000000000000001600000000140  ",
                layout.DESCRIPTOR_5 + layout.HEADER_END + zeros,
                b"SAS     " + self._name.encode().ljust(8) + b"SASDATA " + _SYSTEM + b" " * 24 + CREATED,
                CREATED + b" " * 16 + text.ljust(40) + b" " * 8,
                layout.NAMESTR_5 + layout.HEADER_END + b"000000%04d" % len(self._variables) + b"0" * 20 + b"  ",
                block.ljust(-(-len(block) // layout.RECORD) * layout.RECORD),
                layout.ROWS_5 + layout.HEADER_END + zeros,
            ]
        )

    def _namestr(self, index: int, variable: Variable) -> tuple[object, ...]:
        """Fields of one NAMESTR record."""
        where = f"{self._name}.{variable.name}"
        if not _NAME.fullmatch(variable.name):
            raise WriteError(
                f"{where}: a transport file takes variable names of up to 8 letters, digits and underscores; rename it or write "
                "another format."
            )
        label = self._label(where, variable.label).ljust(40)
        try:
            form, width, decimals = layout.format_parts(variable.format)
        except ValueError:
            form, width, decimals = "", 0, 0
        if len(form) > 8 or width > 32767:
            form, width, decimals = "", 0, 0
        kind = 1 if variable.type == "num" else 2
        return (
            *(kind, 0, self._widths[index], index + 1, variable.name.encode().ljust(8), label),
            *(form.encode().ljust(8), width, decimals, 0, b"", b" " * 8, 0, 0, self._positions[index], b"", 0, b""),
        )

    def _label(self, where: str, label: str) -> bytes:
        encoded = encode_text(where, label, self._encoding)
        if len(encoded) > LONGEST_LABEL:
            raise WriteError(
                f"{where}: the label has {len(encoded)} bytes, a transport file takes 40; shorten {label[:60]!r} or write "
                "another format."
            )
        return encoded


def xpt_encoding(dataset: Dataset) -> Encoding:
    """Choose the encoding: UTF-8, unless a text or label fits its bounds only in Windows-1252.

    Non-ASCII characters take one byte there and two or more in UTF-8, so a text of 200 characters may fit the one alone.
    """
    texts = [(level, LONGEST_TEXT) for column in dataset.columns.values() if isinstance(column, Text) for level in column.levels]
    texts += [(dataset.label, LONGEST_LABEL), *((variable.label, LONGEST_LABEL) for variable in dataset.variables)]
    special = [(text, bound) for text, bound in texts if not text.isascii()]
    try:
        fits = all(len(text.encode("cp1252")) <= bound for text, bound in special)
    except UnicodeEncodeError:
        return "utf-8"
    return "cp1252" if fits and any(len(text.encode()) > bound for text, bound in special) else "utf-8"
