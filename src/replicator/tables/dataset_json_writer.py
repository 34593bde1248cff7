"""Dataset-JSON 1.1, written in its three forms, whole or chunk by chunk.

Numeric dates of SAS are written as plain numbers with their ``displayFormat``, which loses nothing.

References
----------
CDISC, *Dataset-JSON v1.1*, 2024, sections 2 (structure) and 3 (data types).
"""

from __future__ import annotations

import json
import os
import shutil
import zlib
from collections.abc import Sequence
from itertools import chain
from json.encoder import encode_basestring
from math import isinf
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np

from replicator._version import __version__
from replicator.counting import counted
from replicator.errors import WriteError
from replicator.tables.dataset import Dataset, Study, Text, Variable, number_text
from replicator.tables.dataset_writer import EncodedRows, WriterState, open_file
from replicator.tables.lines import Cells, distinct_numbers, joined_lines

SUFFIXES = (".json", ".ndjson", ".dsjc")
"""Endings of the three forms, lower case."""

_BLOCK_BYTES = 1 << 20
_BETWEEN = b",\n"  # rows; no text has a line feed, which JSON spells
_EXACT = 2.0**53  # beyond, float64 skips whole numbers


def json_rows(dataset: Dataset, variables: Sequence[Variable]) -> EncodedRows:
    """Encode rows, as arrays with commas between them.

    What is known about them is, of each numeric variable, whether all its numbers are ``whole``, and whether any was ``seen``.

    Parameters
    ----------
    dataset : Dataset
    variables : sequence of Variable
        In the order in which they are written.

    Raises
    ------
    WriteError
        A variable is absent or of the other type, a number is infinite, or a text is no Unicode.
    """
    whole: dict[str, bool] = {}
    seen: dict[str, bool] = {}
    cells: list[Cells] = []
    for variable in variables:
        where, column = f"{dataset.name}.{variable.name}", dataset.columns.get(variable.name)
        if column is None or isinstance(column, Text) != (variable.type == "char"):
            raise WriteError(f"{where}: a chunk has no such column of type {variable.type}; make chunks alike.")
        if isinstance(column, Text):
            texts = [encode_basestring(level) for level in column.levels.tolist()]
            cells.append(Cells([*texts, '""'], np.where(column.codes < 0, np.int32(len(texts)), column.codes)))
            continue
        numbers, codes = distinct_numbers(column)
        known = [number for number in numbers if number == number]
        if any(map(isinf, known)):
            n = int(np.isinf(column.values).sum())
            raise WriteError(f"{where}: {counted(n, 'number is', 'numbers are')} infinite, which JSON cannot hold; let none be.")
        whole[variable.name] = all(number.is_integer() and abs(number) <= _EXACT for number in known)
        seen[variable.name] = bool(known)
        cells.append(Cells([number_text(number) or "null" for number in numbers], codes))
    try:
        lines = joined_lines(cells, "[", "]" + _BETWEEN.decode())
    except UnicodeEncodeError:
        raise WriteError(f"{dataset.name}: a text holds half a surrogate pair, which is no Unicode; correct the source.") from None
    return EncodedRows(dataset.n_rows, lines[: max(0, len(lines) - len(_BETWEEN))], {"whole": whole, "seen": seen})


class DatasetJsonWriter:
    """Writes one dataset, chunk by chunk; the file appears whole when it is closed, or not at all.

    Rows go to a file of their own first: how many there are, and whether a variable holds whole numbers only, stands
    before the rows and is known after them. Equal input gives equal bytes.

    Parameters
    ----------
    path : Path
        Its ending chooses the form, see :data:`SUFFIXES`.
    name, label : str
        Of the dataset.
    variables : sequence of Variable
        In the order in which they are written; every chunk must have them all.
    study : str
        Study identifier for the metadata; ``""`` leaves it out.
    spool : Path, optional
        Folder for the rows, which whoever chose it removes; without it they stand beside the file, and are removed.
    state : WriterState, optional
        Of a writer whose rows are to be gone on with.

    Examples
    --------
    >>> from tempfile import mkdtemp
    >>> folder = Path(mkdtemp())
    >>> variables = (Variable("USUBJID"),)
    >>> with DatasetJsonWriter(folder / "dm.json", "DM", variables) as writer:
    ...     for subject in ("S-1", "S-2"):
    ...         writer.add(json_rows(Dataset("DM", variables, {"USUBJID": Text.of([subject])}), variables))
    >>> json.loads((folder / "dm.json").read_text("utf-8"))["rows"]
    [['S-1'], ['S-2']]
    """

    CREATED = "2000-01-01T00:00:00"
    """Creation time in every file: a fixed one, so that bytes depend on the data alone."""

    def __init__(
        self,
        path: Path,
        name: str,
        variables: Sequence[Variable],
        label: str = "",
        study: str = "",
        *,
        spool: Path | None = None,
        state: WriterState | None = None,
    ) -> None:
        if path.suffix.lower() not in SUFFIXES:
            raise WriteError(f"{path.name}: the ending must be one of {', '.join(SUFFIXES)}; rename the target.")
        self._path, self._name, self._label, self._study = path, name, label, study
        self._is_one_document = path.suffix.lower() == ".json"
        self._variables = tuple(variables)
        numeric = [variable.name for variable in variables if variable.type == "num"]
        self._whole, self._seen, self._n_rows = dict.fromkeys(numeric, True), dict.fromkeys(numeric, False), 0
        if state is not None:
            self._whole, self._seen, self._n_rows = dict(state["whole"]), dict(state["seen"]), state["rows"]
        self._place = path.with_name(f".{path.name}.rows") if spool is None else spool / f"{path.name}.rows"
        self._is_spooled = spool is not None
        self._rows = open_file(self._place, None if state is None else state["bytes"])

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if kind is None:
            self.close()
        else:
            self._rows.close()
            self._remove_rows()

    def state(self) -> dict[str, Any]:
        """Hand all rows so far to the system, and say what is needed to go on from here."""
        self._rows.flush()
        return {"bytes": self._rows.tell(), "rows": self._n_rows, "whole": self._whole, "seen": self._seen}

    def add(self, rows: EncodedRows) -> None:
        """Put rows behind the others."""
        if not rows.n:
            return
        if self._n_rows:
            self._rows.write(_BETWEEN if self._is_one_document else b"\n")
        self._rows.write(rows.content if self._is_one_document else bytes(rows.content).replace(_BETWEEN, b"\n"))
        self._n_rows += rows.n
        for name, is_whole in rows.about["whole"].items():
            self._whole[name] &= is_whole
            self._seen[name] |= rows.about["seen"][name]

    def close(self) -> None:
        """Put metadata and rows together and give the file its name; a second call does nothing."""
        if self._rows.closed:
            return
        part = self._path.with_name(f".{self._path.name}.part")
        try:
            with self._rows as rows, part.open("wb") as target:
                rows.seek(0)
                if self._path.suffix.lower() == ".dsjc":
                    deflater = zlib.compressobj(6)
                    for piece in chain([self._head()], iter(lambda: rows.read(_BLOCK_BYTES), b""), [b"\n"]):
                        target.write(deflater.compress(piece))
                    target.write(deflater.flush())
                else:
                    target.write(self._head())
                    shutil.copyfileobj(rows, target, _BLOCK_BYTES)
                    target.write(b"\n]}\n" if self._is_one_document else b"\n")
            os.replace(part, self._path)
            self._remove_rows()
        finally:
            part.unlink(missing_ok=True)

    def _remove_rows(self) -> None:
        if not self._is_spooled:
            self._place.unlink(missing_ok=True)

    def _head(self) -> bytes:
        header: dict[str, object] = {
            "datasetJSONCreationDateTime": self.CREATED,
            "datasetJSONVersion": "1.1.0",
            "originator": "Replicator",
            "sourceSystem": {"name": "Replicator", "version": __version__},
        }
        if self._study:
            header |= {"studyOID": self._study, "metaDataVersionOID": f"MDV.{self._study}"}
        header |= {
            "itemGroupOID": f"IG.{self._name}",
            "records": self._n_rows,
            "name": self._name,
            "label": self._label,
            "columns": [self._column(variable) for variable in self._variables],
        }
        text = json.dumps(header, ensure_ascii=False, separators=(",", ":"))
        return (text[:-1] + ',"rows":[\n' if self._is_one_document else text + "\n").encode()

    def _column(self, variable: Variable) -> dict[str, object]:
        whole = self._whole.get(variable.name, False) and self._seen[variable.name]
        column: dict[str, object] = {
            "itemOID": f"IT.{self._name}.{variable.name}",
            "name": variable.name,
            "label": variable.label,
            "dataType": "string" if variable.type == "char" else "integer" if whole else "float",
        }
        if variable.length:
            column["length"] = variable.length
        if variable.format:
            column["displayFormat"] = variable.format
        return column


def write_dataset_json(dataset: Dataset, study: Study, path: Path) -> None:
    """Write one dataset of a study as Dataset-JSON 1.1; the ending of `path` chooses the form.

    Raises
    ------
    WriteError
        The data cannot be held by the format.
    OSError
        The target cannot be written.
    """
    with DatasetJsonWriter(path, dataset.name, dataset.variables, dataset.label, study.name) as writer:
        writer.add(json_rows(dataset, dataset.variables))
