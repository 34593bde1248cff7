"""SAS transport files, versions 5 and 8, read as arrays of bytes.

Text cells lose the blanks that pad them and keep leading ones. Numbers come as they are stored, dates included: a SAS date keeps
its number and its format.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from replicator.counting import counted
from replicator.errors import ReadError
from replicator.tables import xpt_layout as layout
from replicator.tables.dataset import Column, Dataset, Numbers, Variable
from replicator.tables.ibm_floats import from_ibm
from replicator.tables.signatures import WEB_PAGE, is_web_page
from replicator.tables.text_cells import clean_text, decode_windows

_DAMAGED = "{}: the headers of the transport file are damaged or cut short; fetch the file again."


@dataclass(frozen=True)
class _Field:
    """A variable and its place in a row."""

    name: bytes
    label: bytes
    format: bytes
    width: int
    decimals: int
    numeric: bool
    length: int
    position: int


@dataclass(frozen=True)
class _Member:
    """One dataset of a file, before its cells are read."""

    name: bytes
    label: bytes
    fields: list[_Field]
    rows: NDArray[np.uint8]  # (n_rows, row_length)


def read_xpt(path: Path) -> tuple[list[Dataset], list[str]]:
    """Read all datasets of a transport file.

    Parameters
    ----------
    path : Path
        The file.

    Returns
    -------
    list of Dataset, list of str
        In the order of the file, and what reading changed. A dataset that the file leaves unnamed is named after the file.

    Raises
    ------
    ReadError
        If the file is no transport file, or cut short.
    """
    data = path.read_bytes()
    if not data.startswith((layout.LIBRARY_5, layout.LIBRARY_8)):
        raise ReadError(f"{path.name}: not a SAS transport file (XPT); {_what_it_is(data)}.")
    if len(data) % layout.RECORD:
        raise ReadError(
            f"{path.name}: the file is cut short ({counted(len(data), 'byte')}, where records have 80 each); fetch it again."
        )
    modern = data.startswith(layout.LIBRARY_8)
    starts = _aligned(data, layout.MEMBER_8 if modern else layout.MEMBER_5)
    if not starts:
        raise ReadError(_DAMAGED.format(path.name))
    datasets, notes = [], []
    for start, stop in zip(starts, [*starts[1:], len(data)], strict=True):
        dataset, said = _decode(path, _member(path, data, start, stop, modern))
        datasets.append(dataset)
        notes += said
    return datasets, notes


def _what_it_is(data: bytes) -> str:
    head = data[:200].lstrip().lower()
    if not data:
        return "it has no bytes"
    if is_web_page(data):
        return WEB_PAGE
    if b"compressed" in head:
        return "it was made by PROC CPORT; make it again with the XPORT engine"
    return "it does not begin with a library header"


def _aligned(data: bytes, header: bytes) -> list[int]:
    """Offsets of the records that begin with `header`."""
    found, at = [], data.find(header)
    while at >= 0:
        if at % layout.RECORD == 0:
            found.append(at)
        at = data.find(header, at + 1)
    return found


def _member(path: Path, data: bytes, start: int, stop: int, modern: bool) -> _Member:
    """Parse the headers of one dataset, which reaches from `start` to `stop`."""
    cut = ReadError(_DAMAGED.format(path.name))
    size = int(data[start + 74 : start + 78])
    at = start + 4 * layout.RECORD
    names = data[start + 2 * layout.RECORD : start + 3 * layout.RECORD]
    second = data[start + 3 * layout.RECORD : at]
    namestr = layout.NAMESTR_8 if modern else layout.NAMESTR_5
    if not data.startswith(namestr, at) or size < 88 or stop < at + layout.RECORD:
        raise cut
    count = _count(data, at, size)
    at += layout.RECORD
    if at + count * size > stop:
        raise cut
    block = np.frombuffer(data, np.uint8, count * size, at).reshape(count, size)
    table = np.zeros((count, layout.NAMESTR.itemsize), np.uint8)
    table[:, : min(size, table.shape[1])] = block[:, : table.shape[1]]
    records = table.view(layout.NAMESTR).reshape(count)
    at += -(-count * size // layout.RECORD) * layout.RECORD
    long_labels: dict[int, tuple[bytes, bytes, bytes]] = {}
    if modern and data.startswith((layout.LABELS_8, layout.LABELS_9), at):
        long_labels, at = _long_labels(data, at)
    if not data.startswith(layout.ROWS_8 if modern else layout.ROWS_5, at):
        raise cut
    stated = data[at + 48 : at + 63].strip() if modern else b""
    at += layout.RECORD
    fields = [_field(record, long_labels.get(int(record["number"])), modern) for record in records]
    if any(field.position < 0 or field.length < (2 if field.numeric else 1) or field.length > 8 * 4096 for field in fields):
        raise cut
    if any(field.numeric and field.length > 8 for field in fields):
        raise cut
    row_length = max((field.position + field.length for field in fields), default=0)
    rows = _rows(path, data, at, stop, row_length, int(stated) if stated.isdigit() else None)
    name = names[8 : 40 if modern else 16]
    return _Member(name.strip(b" \0"), second[32:72].strip(b" \0"), fields, rows)


def _count(data: bytes, at: int, size: int) -> int:
    """Number of variables: 4 digits, or 6 in files of version 8 by other writers; the one that leads to the next header."""
    for digits in (4, 6):
        count = int(data[at + 54 : at + 54 + digits])
        after = at + layout.RECORD + -(-count * size // layout.RECORD) * layout.RECORD
        if data.startswith(layout.HEADER, after):
            return count
    return int(data[at + 54 : at + 58])


def _long_labels(data: bytes, at: int) -> tuple[dict[int, tuple[bytes, bytes, bytes]], int]:
    """Names, labels and formats that version 8 keeps outside the NAMESTR records, by variable number; and where they end."""
    count = int(data[at + 48 : at + 80].split()[0])
    with_formats = data.startswith(layout.LABELS_9, at)
    start = at = at + layout.RECORD
    found = {}
    for _ in range(count):
        n_sizes = 5 if with_formats else 3
        number, *sizes = np.frombuffer(data, ">u2", n_sizes, at).tolist()
        at += 2 * n_sizes
        texts = []
        for size in sizes:
            texts.append(data[at : at + size])
            at += size
        found[number] = (texts[0], texts[1], texts[2] if with_formats else b"")
    return found, start + -(-(at - start) // layout.RECORD) * layout.RECORD


def _field(record: np.void, long: tuple[bytes, bytes, bytes] | None, modern: bool) -> _Field:
    name = record["long_name"] if modern and record["long_name"].strip(b" \0") else record["name"]
    label, form = record["label"], record["format"]
    width, decimals = int(record["format_width"]), int(record["format_decimals"])
    if long is not None:
        name, label = long[0] or name, long[1] or label
        if long[2]:
            form, width, decimals = long[2].rstrip(b" ."), 0, 0
    return _Field(
        name.strip(b" \0"),
        label.strip(b" \0"),
        form.strip(b" \0"),
        width,
        decimals,
        int(record["type"]) == 1,
        int(record["length"]),
        int(record["position"]),
    )


def _rows(path: Path, data: bytes, at: int, stop: int, length: int, stated: int | None) -> NDArray[np.uint8]:
    """(n_rows, length) bytes of the rows; blanks that fill the last record are no rows."""
    if length == 0:
        return np.empty((0, 0), np.uint8)
    present, rest = divmod(stop - at, length)
    if data[stop - rest : stop].strip(b" ") or (stated is not None and stated > present):
        raise ReadError(f"{path.name}: the file ends within row {present + 1:,}, it is cut short; fetch it again.")
    if stated is None:
        blank = b" " * length
        first_fill = stop - (layout.RECORD - 1)
        while present and at + (present - 1) * length >= first_fill and data[at + (present - 1) * length :][:length] == blank:
            present -= 1
    else:
        present = stated
    return np.frombuffer(data, np.uint8, present * length, at).reshape(present, length)


def _decode(path: Path, member: _Member) -> tuple[Dataset, list[str]]:
    """Turn bytes into columns; the encoding is one for the whole dataset: UTF-8 if all its bytes are, else Windows-1252."""
    raw_texts = {
        index: _distinct(member.rows[:, field.position : field.position + field.length])
        for index, field in enumerate(member.fields)
        if not field.numeric
    }
    pieces = [member.name, member.label, *(piece for field in member.fields for piece in (field.name, field.label, field.format))]
    pieces += [level for _, levels in raw_texts.values() for level in levels]
    notes = []
    try:
        b"\n".join(pieces).decode("utf-8")
        windows = False
    except UnicodeDecodeError:
        windows = True

    def decode(piece: bytes) -> str:
        return decode_windows(piece) if windows else piece.decode("utf-8")

    name = decode(member.name).upper() or path.stem.upper()
    if windows:
        notes.append(f"{name}: the text of {path.name} is not UTF-8 and was read as Windows-1252.")
    variables: list[Variable] = []
    columns: dict[str, Column] = {}
    for index, field in enumerate(member.fields):
        key = decode(field.name).upper()
        column: Column
        if field.numeric:
            values, n_special = from_ibm(member.rows[:, field.position : field.position + field.length])
            column = Numbers(values)
            if n_special:
                notes.append(f"{name}.{key}: {n_special:,} special missing values (.A to .Z, ._) were read as missing.")
        else:
            codes, levels = raw_texts[index]
            column, _ = clean_text(codes, [decode(level) for level in levels])
        if key in columns:
            raise ReadError(f"{path.name}: duplicate columns {key} in dataset {name}; rename or remove all but one.")
        length = None if field.numeric and field.length == 8 else field.length
        form = layout.format_text(decode(field.format), field.width, field.decimals)
        variables.append(Variable(key, decode(field.label), "num" if field.numeric else "char", length, form))
        columns[key] = column
    return Dataset(name, tuple(variables), columns, decode(member.label)), notes


def _distinct(cells: NDArray[np.uint8]) -> tuple[NDArray[np.int32], list[bytes]]:
    """Codes (n,) and distinct texts of fixed-width cells (n, width), without the blanks and NUL bytes that pad them."""
    n, width = cells.shape
    used = np.flatnonzero(((cells != 0x20) & (cells != 0)).any(axis=0)) if n else np.empty(0, np.intp)
    if not len(used):
        return np.full(n, -1, np.int32), []
    width = int(used[-1]) + 1
    packed = np.ascontiguousarray(cells[:, :width])
    array = pa.FixedSizeBinaryArray.from_buffers(pa.binary(width), n, [None, pa.py_buffer(packed)]).dictionary_encode()
    levels = [level.rstrip(b" \0") for level in array.dictionary.to_pylist()]
    return array.indices.to_numpy().astype(np.int32), levels
