"""Dataset-JSON 1.1: the three forms of CDISC's exchange format, read; the writer's names stand here too.

``.json`` is one document, ``.ndjson`` a line of metadata and a line a row, ``.dsjc`` the latter under zlib. Reading goes by
blocks of rows, so that memory follows the columns and not the text; writing may be done chunk by chunk.

Numeric dates of SAS are read from both of their forms: ISO 8601 text with ``targetDataType: integer``, and plain numbers.
What a :class:`Variable` cannot hold is not kept: ``itemOID``, ``keySequence`` and the origin of the file.

References
----------
CDISC, *Dataset-JSON v1.1*, 2024, sections 2 (structure) and 3 (data types).
"""

from __future__ import annotations

import json
import re
import zlib
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from itertools import chain, islice
from pathlib import Path
from typing import NoReturn

import numpy as np
from numpy.typing import NDArray

from replicator.counting import counted
from replicator.errors import ReadError
from replicator.heavy import pandas as pd
from replicator.tables.dataset import Column, Dataset, Numbers, Text, Variable, number_text
from replicator.tables.dataset_json_writer import SUFFIXES, DatasetJsonWriter, json_rows, write_dataset_json

__all__ = ["SUFFIXES", "DatasetJsonWriter", "json_rows", "read_dataset_json", "write_dataset_json"]

_TEXTS = frozenset({"string", "date", "datetime", "time", "URI"})
_NUMBERS = frozenset({"integer", "float", "double", "decimal", "boolean"})
_BLOCK_ROWS = 20_000
_BLOCK_BYTES = 1 << 20
_LONGEST_LINE = 1 << 26  # bytes; a row of text never comes near it, an inflated bomb does
_SAS_EPOCH = np.datetime64("1960-01-01", "us")
_SAS_TARGET = {
    "date": re.compile(r"\d{4}-\d\d-\d\d"),
    "datetime": re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,6})?)?"),
    "time": re.compile(r"\d\d:\d\d(:\d\d(\.\d{1,6})?)?"),
}


def read_dataset_json(path: Path) -> Dataset:
    """Read one Dataset-JSON 1.1 file of any of the three forms.

    Parameters
    ----------
    path : Path
        Ends with one of :data:`SUFFIXES`, in any case.

    Returns
    -------
    Dataset
        ``string``, ``date``, ``datetime``, ``time`` and ``URI`` become text; ``integer``, ``float``, ``double``, ``decimal`` and
        ``boolean`` (1 and 0) become numbers. Numbers that float64 cannot hold exactly (long identifiers, long decimals) become
        text, digit for digit.

    Raises
    ------
    ReadError
        The file is empty, truncated, no JSON, of another version, or contradicts its own metadata.
    """
    try:
        header, blocks = _document(path) if path.suffix.lower() == ".json" else _lines(path)
        name, label, variables, types = _metadata(path, header)
        columns, n_rows = _columns(path, name, variables, types, blocks)
    except OSError as error:
        raise ReadError(
            f"{path.name}: the file cannot be read ({error.strerror or error}); check the path and its rights."
        ) from None
    except UnicodeDecodeError as error:
        raise ReadError(f"{path.name}: byte {error.start} is not UTF-8, which Dataset-JSON requires; convert the file.") from None
    except RecursionError:
        raise ReadError(f"{path.name}: the JSON is nested too deeply to be a dataset; export the file again.") from None
    except (ValueError, zlib.error) as error:
        raise ReadError(f"{path.name}: the file is damaged or no Dataset-JSON ({error}); export or transfer it again.") from None
    if header.get("records", n_rows) != n_rows:
        raise ReadError(
            f"{path.name} ({name}): {counted(n_rows, 'row')}, where the metadata promise {header['records']}; "
            "transfer the whole file again."
        )
    final = tuple(
        Variable(v.name, v.label, "num" if isinstance(columns[v.name], Numbers) else "char", v.length, v.format) for v in variables
    )
    return Dataset(name, final, columns, label)


def _reject_constant(text: str) -> NoReturn:
    raise ValueError(f"{text} is no number in JSON")


def _parse(text: str) -> object:
    return json.loads(text, parse_constant=_reject_constant)


def _document(path: Path) -> tuple[dict[str, object], Iterator[list[object]]]:
    text = path.read_bytes().decode("utf-8-sig")
    if not text.strip():
        raise ValueError("it is empty")
    return _with_rows(_parse(text))


def _with_rows(header: object) -> tuple[dict[str, object], Iterator[list[object]]]:
    if not isinstance(header, dict):
        raise ValueError("its metadata are no JSON object")
    rows = header.pop("rows", [])
    if not isinstance(rows, list):
        raise ValueError("its rows are no JSON array")
    return header, iter([rows])


def _lines(path: Path) -> tuple[dict[str, object], Iterator[list[object]]]:
    lines = (line for line in _text_lines(path) if line.strip())
    first = next(lines, None)
    if first is None:
        raise ValueError("it is empty")
    header = _parse(first)
    if isinstance(header, dict) and "rows" in header:
        return _with_rows(header)
    if not isinstance(header, dict):
        raise ValueError("its first line is no JSON object")
    return header, _blocks(lines)


def _blocks(lines: Iterator[str]) -> Iterator[list[object]]:
    while block := list(islice(lines, _BLOCK_ROWS)):
        rows = _parse(f"[{','.join(block)}]")
        assert isinstance(rows, list)
        yield rows


def _text_lines(path: Path) -> Iterator[str]:
    """Yield decoded lines without their ends, inflating ``.dsjc`` on the way; no line may exceed the longest allowed."""
    held = b""
    start = True
    for piece in _bytes(path):
        *complete, held = (held + piece).split(b"\n")
        if len(held) > _LONGEST_LINE:
            raise ValueError(f"a line is longer than {_LONGEST_LINE} bytes")
        for line in complete:
            yield line.decode("utf-8-sig" if start else "utf-8")
            start = False
    yield held.decode("utf-8-sig" if start else "utf-8")


def _bytes(path: Path) -> Iterator[bytes]:
    compressed = path.suffix.lower() == ".dsjc"
    with path.open("rb") as file:
        if not compressed:
            yield from iter(lambda: file.read(_BLOCK_BYTES), b"")
            return
        head = file.read(2)
        file.seek(0)
        wrapped = len(head) == 2 and (head == b"\x1f\x8b" or (head[0] & 15 == 8 and int.from_bytes(head, "big") % 31 == 0))
        inflater = zlib.decompressobj(47 if wrapped else -15)  # 47: zlib or gzip by its header; -15: deflate without one
        for piece in iter(lambda: file.read(_BLOCK_BYTES), b""):
            rest = piece
            while rest:
                yield inflater.decompress(rest, _BLOCK_BYTES)
                rest = inflater.unconsumed_tail
        yield inflater.flush()
        if head and not inflater.eof:
            raise ValueError("the compressed data end too early")


def _metadata(path: Path, header: Mapping[str, object]) -> tuple[str, str, list[Variable], list[tuple[str, str]]]:
    version = header.get("datasetJSONVersion")
    if version is None or "columns" not in header or not isinstance(header.get("name"), str):
        raise ReadError(
            f"{path.name}: this is JSON but no Dataset-JSON 1.1 (version, name or columns are missing); export it as 1.1."
        )
    if not str(version).startswith("1.1"):
        raise ReadError(f"{path.name}: Dataset-JSON {version} is not supported; export it as version 1.1.")
    name = str(header["name"]).upper()
    columns = header["columns"]
    if not isinstance(columns, list) or not all(isinstance(column, dict) and column.get("name") for column in columns):
        raise ReadError(f"{path.name} ({name}): the columns are not described by objects with a name; export the file again.")
    variables, types = [], []
    for column in columns:
        kind, length, variable = column.get("dataType"), column.get("length"), str(column["name"]).upper()
        if kind not in _TEXTS | _NUMBERS:
            raise ReadError(f"{path.name} ({name}.{variable}): data type {kind!r} is unknown to Dataset-JSON 1.1; correct it.")
        variables.append(
            Variable(
                variable,
                str(column.get("label") or ""),
                "char" if kind in _TEXTS else "num",
                length if isinstance(length, int) else None,
                str(column.get("displayFormat") or ""),
            )
        )
        types.append((str(kind), str(column.get("targetDataType") or "")))
    names = [variable.name for variable in variables]
    double = sorted({each for each in names if names.count(each) > 1})
    if double:
        raise ReadError(
            f"{path.name} ({name}): {counted(len(double), 'variable occurs', 'variables occur')} twice "
            f"({', '.join(double)}); rename or remove them."
        )
    return name, str(header.get("label") or ""), variables, types


def _columns(
    path: Path, name: str, variables: Sequence[Variable], types: Sequence[tuple[str, str]], blocks: Iterator[list[object]]
) -> tuple[dict[str, Column], int]:
    pieces: list[list[Column]] = [[] for _ in variables]
    n_rows = 0
    for rows in chain(blocks, [[]]):
        if set(map(type, rows)) - {list} or {len(row) for row in rows if isinstance(row, list)} - {len(variables)}:
            raise ValueError(f"a row after row {n_rows} has not {len(variables)} cells as described")
        cells = list(zip(*rows, strict=True)) if rows else [()] * len(variables)
        for number, (variable, (kind, _)) in enumerate(zip(variables, types, strict=True)):
            if not rows and pieces[number]:
                continue
            where = f"{path.name} ({name}.{variable.name})"
            piece = _texts(where, cells[number]) if kind in _TEXTS else _numbers(where, cells[number], kind, n_rows)
            pieces[number].append(piece)
        n_rows += len(rows)
    columns = {variable.name: _joined(pieces[number]) for number, variable in enumerate(variables)}
    for variable, (kind, target) in zip(variables, types, strict=True):
        column = columns[variable.name]
        if kind in _SAS_TARGET and target in ("integer", "float", "double", "decimal") and isinstance(column, Text):
            columns[variable.name] = _sas_numbers(f"{path.name} ({name}.{variable.name})", column, kind)
    return columns, n_rows


def _plain(where: str, value: object) -> str | None:
    if isinstance(value, (list, dict)):
        raise ReadError(f"{where}: a cell holds a list or an object where a single value belongs; correct it.")
    if isinstance(value, bool):
        return "true" if value else "false"
    return None if value is None else number_text(value) if isinstance(value, float) and np.isfinite(value) else str(value)


def _texts(where: str, cells: Sequence[object]) -> Text:
    if set(map(type, cells)) <= {str, type(None)}:
        return Text.of(cells)  # type: ignore[arg-type]
    return Text.of(_plain(where, cell) for cell in cells)


def _numbers(where: str, cells: Sequence[object], kind: str, offset: int) -> Column:
    """Turn cells into numbers, or into text if float64 would change one of them."""
    if kind != "decimal" and set(map(type, cells)) <= {int, float, bool, type(None)}:
        try:
            values = np.array(cells, dtype=np.float64)
        except OverflowError:
            return _texts(where, cells)
        if np.isinf(values).any():
            raise ReadError(
                f"{where}: {counted(int(np.isinf(values).sum()), 'number is', 'numbers are')} too large for a "
                "dataset; correct what is beyond 1.8e308."
            )
        large = np.flatnonzero(np.abs(values) > 2.0**53).tolist()
        return Numbers(values) if all(cells[row] == float(values[row]) for row in large) else _texts(where, cells)
    text = _texts(where, cells)
    try:
        exact = all(Decimal(level) == Decimal(repr(float(level))) for level in text.levels)
    except (InvalidOperation, ValueError, OverflowError):
        bad = int(np.flatnonzero(pd.to_numeric(pd.Series(text.strings()), errors="coerce").isna() & ~text.missing)[0])
        raise ReadError(
            f"{where}: row {offset + bad + 1} holds {cells[bad]!r}, which is not {kind}; correct cell or type."
        ) from None
    if not exact:
        return text
    return Numbers(np.append(np.array([float(level) for level in text.levels], np.float64), np.nan)[text.codes])


def _joined(pieces: Sequence[Column]) -> Column:
    """Join the pieces of one column, as text if any of them is."""
    if len(pieces) == 1:
        return pieces[0]
    if all(isinstance(piece, Numbers) for piece in pieces):
        return Numbers(np.concatenate([piece.values for piece in pieces if isinstance(piece, Numbers)]))
    texts = [piece if isinstance(piece, Text) else Text.of(piece.strings()) for piece in pieces]
    levels, place = np.unique(np.concatenate([text.levels for text in texts]).astype(object), return_inverse=True)
    ends = np.cumsum([len(text.levels) for text in texts])
    recoded: list[NDArray[np.int32]] = []
    for text, end in zip(texts, ends.tolist(), strict=True):
        lookup = np.append(place[end - len(text.levels) : end], -1).astype(np.int32)
        recoded.append(lookup[text.codes])
    return Text(np.concatenate(recoded), levels)


def _sas_numbers(where: str, column: Text, kind: str) -> Numbers:
    """Turn ISO 8601 text into the numbers of SAS: days or seconds since 1960-01-01, seconds since midnight."""
    levels = [str(level) for level in column.levels]
    try:
        bad = [level for level in levels if not _SAS_TARGET[kind].fullmatch(level)]
        full = [f"1960-01-01T{level}" if kind == "time" else level for level in levels]
        stamps = np.array(full if not bad else [], dtype="datetime64[us]")
    except ValueError:
        bad = levels[:1]
    if bad:
        raise ReadError(
            f"{where}: {counted(len(bad), 'value')}, the first {bad[0]!r}, cannot be numbers of a {kind} in "
            "full; complete what is partial."
        )
    seconds = (stamps - _SAS_EPOCH).astype(np.int64) / 1e6
    values = seconds / 86_400 if kind == "date" else seconds
    return Numbers(np.append(values, np.nan)[column.codes])
