"""Delimited text: comma, semicolon or tab; UTF-8 with or without a byte order mark, UTF-16 with one, else Windows-1252."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Literal

import numpy as np
import pyarrow as pa
import pyarrow.csv

from replicator.errors import ReadError
from replicator.tables.column_types import type_columns, with_decimal_points
from replicator.tables.dataset import Dataset, Numbers, Text, Variable
from replicator.tables.decimals import written_decimals
from replicator.tables.signatures import WEB_PAGE, is_web_page
from replicator.tables.text_cells import decode_windows, text_from_arrow, trimming_note

_DELIMITERS = ",;\t|"
_UTF8_MARK = b"\xef\xbb\xbf"
_HEADER_CAP = 1 << 20  # bytes; no line of names is longer


def read_csv(path: Path, name: str, declared: Mapping[str, Literal["char", "num"]]) -> tuple[Dataset, list[str]]:
    """Read one dataset from delimited text.

    ``NA`` is an answer and stays; an empty cell, quoted or not, is missing.

    Parameters
    ----------
    path : Path
        The file; its first line holds the names of the variables.
    name : str
        Name of the dataset.
    declared : mapping of str to {"char", "num"}
        Types by upper-case variable name, from a Define-XML; may be empty.

    Returns
    -------
    Dataset, list of str
        The dataset without labels but with the decimals that numbers are written with, and what reading changed.

    Raises
    ------
    ReadError
        If the file is empty, a row has too many or too few cells, or names are missing or repeated.
    """
    data, notes = _as_utf8(path, name)
    if is_web_page(data):
        raise ReadError(f"{path.name}: this is no table, {WEB_PAGE}; get the file again.")
    data = data.lstrip(b"\r\n")
    if b"\n" not in data:
        data = data.replace(b"\r", b"\n") + b"\n"
    header_text = _first_record(data)
    if not header_text.strip():
        raise ReadError(f"{path.name}: the file holds no header line; a CSV dataset needs the variable names in its first line.")
    delimiter = _sniff(header_text)
    try:
        names = next(csv.reader([header_text], delimiter=delimiter))
    except csv.Error as error:
        raise ReadError(f"{path.name}: the line of variable names is damaged ({error}); mend its quotes.") from error
    keys = [cell.strip().upper() for cell in names]
    check_names(path.name, keys[1:] if _unnamed_first(keys) else keys)
    cells: dict[str, Text] = {}
    n_trimmed = 0
    for key, column in _read_columns(path, data, keys, delimiter).items():
        cells[key], trimmed = text_from_arrow(column)
        n_trimmed += trimmed
    if _unnamed_first(keys):
        if not all(level.isascii() and level.isdigit() for level in cells.pop("").levels):
            raise ReadError(f"{path.name}: column 1 has no name; name every column in the first line.")
        notes.append(f"{name}: the first column has no name and holds row numbers; it was left out.")
    notes += trimming_note(name, n_trimmed)
    if delimiter != ",":
        pointed, comma_notes = with_decimal_points(name, cells, declared)
        cells, declared, notes = cells | pointed, {**declared, **dict.fromkeys(pointed, "num")}, notes + comma_notes
    typed, type_notes = type_columns(name, cells, declared)
    variables = tuple(
        Variable(key, type="num", decimals=written_decimals(cells[key])) if isinstance(column, Numbers) else Variable(key)
        for key, column in typed.items()
    )
    return Dataset(name, variables, typed), notes + type_notes


def _unnamed_first(names: list[str]) -> bool:
    """Tell whether only the first of several columns has no name, as when row numbers were written along."""
    return len(names) > 1 and names[0] == ""


def check_names(file_name: str, names: list[str]) -> None:
    """Raise ReadError unless all variables of a file have names, each once."""
    if "" in names:
        raise ReadError(f"{file_name}: column {names.index('') + 1} has no name; name every column in the first line.")
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        raise ReadError(
            f"{file_name}: duplicate columns {', '.join(repeated)} (case does not tell them apart); rename or remove all but one."
        )


def _as_utf8(path: Path, name: str) -> tuple[bytes, list[str]]:
    """Bytes of a file as UTF-8 without a mark, and a note where they were something else."""
    data = path.read_bytes()
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return data.decode("utf-16").encode(), [f"{name}: the file is UTF-16."]
    if b"\0" in data:
        raise ReadError(f"{path.name}: the file holds NUL bytes and is no text; give a CSV file in UTF-8 or Windows-1252.")
    data = data.removeprefix(_UTF8_MARK)
    if not data.isascii():
        try:
            data.decode("utf-8")
        except UnicodeDecodeError:
            return decode_windows(data).encode(), [f"{name}: the file is not UTF-8 and was read as Windows-1252."]
    return data, []


def _first_record(data: bytes) -> str:
    """Header: the first line, or more of them where a line break stands inside quotes."""
    record = b""
    for line in io.BytesIO(data[:_HEADER_CAP]):
        record += line
        if record.count(b'"') % 2 == 0:
            break
    return record.decode().rstrip("\r\n")


def _sniff(header: str) -> str:
    """Return the delimiter that stands most often outside quotes; a comma if none does."""
    bare = "".join(header.split('"')[::2])
    counts = [bare.count(delimiter) for delimiter in _DELIMITERS]
    return _DELIMITERS[int(np.argmax(counts))]


def _read_columns(path: Path, data: bytes, keys: list[str], delimiter: str) -> dict[str, pa.ChunkedArray]:
    """Columns as dictionary-encoded strings."""
    text = pa.dictionary(pa.int32(), pa.string())
    converting = pa.csv.ConvertOptions(
        column_types=dict.fromkeys(keys, text), null_values=[], strings_can_be_null=False, quoted_strings_can_be_null=False
    )
    block = max(1 << 20, 4 * len(keys) * 1024)
    try:
        table = pa.csv.read_csv(
            pa.BufferReader(data),
            read_options=pa.csv.ReadOptions(column_names=keys, skip_rows_after_names=1, block_size=block),
            parse_options=pa.csv.ParseOptions(delimiter=delimiter, newlines_in_values=True),
            convert_options=converting,
        )
    except pa.ArrowInvalid as error:
        raise ReadError(_ragged(path, data, keys, delimiter)) from error
    spread = data.removesuffix(b"\n").count(b"\n") != table.num_rows  # some line is no row: a cell goes on over its end
    if (spread or data.count(b'"') % 2) and (line := _open_quote(data, delimiter)):
        raise ReadError(
            f"{path.name}: a quote in line {line:,} opens a cell and is never closed where a cell ends, so that what follows would "
            "be read as its text; mend it or export again."
        )
    return dict(zip(keys, table.columns, strict=True))


def _open_quote(data: bytes, delimiter: str) -> int:
    """Line of the first quote that opens a cell and is not closed at its end; 0 if there is none."""
    quoted = re.compile(rb'(?:\A|[%b\r\n])"[^"]*(?:""[^"]*)*+("(?=[%b\r\n]|\Z))?' % ((re.escape(delimiter.encode()),) * 2))
    wrong = next((cell.start() for cell in quoted.finditer(data) if cell[1] is None), None)
    return 0 if wrong is None else data.count(b"\n", 0, wrong + 1) + 1


def _ragged(path: Path, data: bytes, keys: list[str], delimiter: str) -> str:
    """Say which rows do not fit the line of names, without showing what is in them."""
    odd: list[tuple[int, int]] = []

    def collect(row: pa.csv.InvalidRow) -> str:
        odd.append((row.number, row.actual_columns))
        return "skip"

    with suppress(pa.ArrowInvalid):
        pa.csv.read_csv(
            pa.BufferReader(data),
            read_options=pa.csv.ReadOptions(column_names=keys, use_threads=False),
            parse_options=pa.csv.ParseOptions(delimiter=delimiter, newlines_in_values=True, invalid_row_handler=collect),
            convert_options=pa.csv.ConvertOptions(column_types=dict.fromkeys(keys, pa.string())),
        )
    if not odd and data.count(b'"') % 2:
        return f"{path.name}: the file cannot be parsed as CSV, perhaps for a quote that is never closed; mend it or export again."
    if not odd:
        longest = max(map(len, data.split(b"\n")))
        return (
            f"{path.name}: the file cannot be parsed as CSV, perhaps for its longest line of {longest:,} bytes, which is no row of "
            "a dataset; export it again."
        )
    number, cells = odd[0]
    return (
        f"{path.name}: rows with more or fewer cells than the {len(keys)} variable names: {len(odd):,} (first: row {number}, "
        f"{cells} cells); mend delimiters and quotes."
    )
