"""Footers of Parquet files: taken apart and put together, so that row groups of several files make one without being decoded.

A row group is bytes of its columns, and an entry in the footer that says where they begin. Moved into another file the bytes stay
as they are; in the entry, offsets move by as much as the bytes do. Everything else is copied, known or not.

References
----------
Apache Parquet format 2.11, ``parquet.thrift``: FileMetaData, RowGroup, ColumnChunk, ColumnMetaData.
Apache Thrift, *Thrift compact protocol*.
"""

from __future__ import annotations

from dataclasses import dataclass

MAGIC = b"PAR1"

_TRUE, _FALSE, _BYTE, _I16, _I32, _I64, _DOUBLE, _BINARY, _LIST, _SET, _MAP, _STRUCT = range(1, 13)
_NUM_ROWS, _ROW_GROUPS = 3, 4
_OFFSETS = frozenset(
    {
        (5,),  # of a row group: file_offset
        (1, 2),  # of its column chunks: file_offset, where their metadata are said again; 0 for nowhere
        (1, 4),  # offset_index_offset
        (1, 6),  # column_index_offset
        (1, 3, 9),  # of the metadata of a column chunk: data_page_offset
        (1, 3, 10),  # index_page_offset
        (1, 3, 11),  # dictionary_page_offset
        (1, 3, 14),  # bloom_filter_offset
    }
)
_ORDINAL = (7,)
_LAST_ORDINAL = 2**15 - 1  # the field holds no more; readers go by the order


@dataclass(frozen=True)
class RowGroups:
    """Rows of a Parquet file without the rest of it.

    Attributes
    ----------
    data : bytes or memoryview
        What stands between the magic number and the footer.
    footer : bytes
        The entries of the row groups, one after the other.
    n_groups, n_rows : int
    """

    data: bytes | memoryview
    footer: bytes
    n_groups: int
    n_rows: int


def row_groups(file: bytes | memoryview) -> RowGroups:
    """Take the row groups out of the bytes of a whole file."""
    size = int.from_bytes(file[-8:-4], "little")
    footer = bytes(file[-8 - size : -8])
    fields = {key: footer[begin:end] for key, _, begin, end in _fields(footer)}
    n_groups, begin = _list_head(fields[_ROW_GROUPS], 0)
    n_rows, _ = _integer(fields[_NUM_ROWS], 0)
    return RowGroups(file[len(MAGIC) : -8 - size], fields[_ROW_GROUPS][begin:], n_groups, n_rows)


def moved(groups: RowGroups, by: int, before: int) -> bytes:
    """Give the entries of row groups that stand so many bytes further on in another file, behind so many others there."""
    out = bytearray()
    at = 0
    for number in range(groups.n_groups):
        at = _copy(groups.footer, at, _STRUCT, out, (), by, min(before + number, _LAST_ORDINAL))
    return bytes(out)


def whole_footer(empty: bytes, entries: bytes, n_groups: int, n_rows: int) -> bytes:
    """Make what ends a file: its footer, how long that is, and the magic number.

    Parameters
    ----------
    empty : bytes
        A whole file of the same columns without rows, whose footer says everything else.
    entries : bytes
        Of all row groups, one after the other, from :func:`moved`.
    n_groups, n_rows : int
    """
    footer = empty[-8 - int.from_bytes(empty[-8:-4], "little") : -8]
    out, last = bytearray(), 0
    for key, kind, begin, end in _fields(footer):
        out.append((key - last) << 4 | kind)
        last = key
        if key == _NUM_ROWS:
            _put_integer(out, n_rows)
        elif key == _ROW_GROUPS:
            out.append(min(n_groups, 15) << 4 | _STRUCT)
            if n_groups >= 15:
                _put_varint(out, n_groups)
            out += entries
        else:
            out += footer[begin:end]
    out.append(0)
    return bytes(out) + len(out).to_bytes(4, "little") + MAGIC


def _fields(footer: bytes) -> list[tuple[int, int, int, int]]:
    """Fields of the outermost structure: number, type, and where the value begins and ends."""
    found = []
    at = key = 0
    while footer[at]:
        key, kind, begin = _field_head(footer, at, key)
        at = _copy(footer, begin, kind, bytearray(), (0,), 0, 0)
        found.append((key, kind, begin, at))
    return found


def _field_head(data: bytes, at: int, last: int) -> tuple[int, int, int]:
    """Number and type of a field, and where its value begins."""
    delta, kind = data[at] >> 4, data[at] & 15
    if delta:
        return last + delta, kind, at + 1
    key, begin = _integer(data, at + 1)
    return key, kind, begin


def _list_head(data: bytes, at: int) -> tuple[int, int]:
    """Length of a list, and where its first element begins."""
    n = data[at] >> 4
    return (n, at + 1) if n < 15 else _varint(data, at + 1)


def _copy(data: bytes, at: int, kind: int, out: bytearray, path: tuple[int, ...], by: int, ordinal: int) -> int:
    """Copy a value whose fields from a row group down are `path`, with its offsets moved; returns where it ends."""
    if kind == _STRUCT:
        key = 0
        while data[at]:
            key, inner, begin = _field_head(data, at, key)
            out += data[at:begin]
            at = _copy(data, begin, inner, out, (*path, key), by, ordinal)
        out.append(0)
        return at + 1
    if kind in (_LIST, _SET):
        n, begin = _list_head(data, at)
        inner = data[at] & 15
        out += data[at:begin]
        at = begin
        for _ in range(n):
            at = _copy(data, at, _BYTE if inner in (_TRUE, _FALSE) else inner, out, path, by, ordinal)
        return at
    if kind == _MAP:
        n, begin = _varint(data, at)
        kinds = data[begin] if n else 0
        out += data[at : begin + (n > 0)]
        at = begin + (n > 0)
        for _ in range(n):
            at = _copy(data, at, kinds >> 4, out, (*path, 0), by, ordinal)
            at = _copy(data, at, kinds & 15, out, (*path, 0), by, ordinal)
        return at
    if kind in (_I16, _I32, _I64):
        value, end = _integer(data, at)
        if path == _ORDINAL:
            _put_integer(out, ordinal)
        elif path in _OFFSETS and value:
            _put_integer(out, value + by)
        else:
            out += data[at:end]
        return end
    if kind == _BINARY:
        size, begin = _varint(data, at)
        end = begin + size
    else:
        end = at + {_BYTE: 1, _DOUBLE: 8}.get(kind, 0)  # true and false stand in the type
    out += data[at:end]
    return end


def _varint(data: bytes, at: int) -> tuple[int, int]:
    """Number without a sign, seven bits a byte; and where it ends."""
    value = shift = 0
    while data[at] & 0x80:
        value |= (data[at] & 0x7F) << shift
        shift += 7
        at += 1
    return value | data[at] << shift, at + 1


def _put_varint(out: bytearray, value: int) -> None:
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)


def _integer(data: bytes, at: int) -> tuple[int, int]:
    """Number with a sign, which is its last bit; and where it ends."""
    value, end = _varint(data, at)
    return value >> 1 ^ -(value & 1), end


def _put_integer(out: bytearray, value: int) -> None:
    _put_varint(out, value << 1 ^ value >> 63)
