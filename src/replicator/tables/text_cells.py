"""Cells of text as files hold them, made into columns: one spelling of missing, no trailing blanks.

SAS does not store trailing blanks, so a study has none either, whatever file it came from; leading blanks mean something
(``IDVARVAL='   2'``) and stay. Levels come out sorted and used, so that equal columns are equal in every detail.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from replicator.counting import counted
from replicator.tables.dataset import Column, Dataset, Text


def clean_text(codes: NDArray[np.int32], levels: Sequence[str]) -> tuple[Text, int]:
    """Trim trailing blanks of levels, merge those that become equal, drop the unused and sort the rest.

    Parameters
    ----------
    codes : (n_rows,) int32
        Position in `levels`; -1 is missing.
    levels : sequence of str
        May repeat, may hold ``""``.

    Returns
    -------
    Text
        The clean column.
    int
        Number of rows whose text lost trailing blanks and is not empty.
    """
    trimmed = [level.rstrip(" ") for level in levels]
    distinct = sorted(set(trimmed) - {""})
    rank = {level: position for position, level in enumerate(distinct)}
    mapping = np.array([rank.get(level, -1) for level in trimmed] + [-1], dtype=np.int32)
    shortened = np.array([old != new != "" for old, new in zip(levels, trimmed, strict=True)] + [False])
    text = Text(mapping[codes], np.array(distinct, dtype=object))
    if len(distinct) and np.bincount(text.codes + 1, minlength=len(distinct) + 1)[1:].min() == 0:
        text = text.compact()
    return text, int(shortened[codes].sum())


def text_from_arrow(column: pa.ChunkedArray) -> tuple[Text, int]:
    """Make a column of text from Arrow strings, plain or dictionary-encoded; as :func:`clean_text` returns it."""
    if not pa.types.is_dictionary(column.type):
        column = column.dictionary_encode()
    array = column.unify_dictionaries().combine_chunks()
    if isinstance(array, pa.ChunkedArray):  # no chunk at all, or more than one array can hold
        array = pa.concat_arrays(array.chunks) if array.num_chunks else pa.array([], pa.string()).dictionary_encode()
    codes = array.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int32)
    levels = ["" if level is None else level for level in array.dictionary.to_pylist()]
    return clean_text(codes, levels)


def longest_text(column: Text, encoding: str = "utf-8") -> int:
    """Bytes of the longest text in a column, 0 if all are missing; characters that the encoding lacks count as one."""
    texts = column.levels.tolist()
    sizes = [*map(len, texts)] if "".join(texts).isascii() else [len(level.encode(encoding, "replace")) for level in texts]
    longest = max(sizes, default=0)
    if longest and (column.codes == sizes.index(longest)).any():
        return longest
    return int(np.array(sizes, np.int64)[column.used].max(initial=0))  # the longest one is not used


_WINDOWS = {byte: bytes([byte]).decode("cp1252", errors="ignore") or chr(byte) for byte in range(128, 256)}


def decode_windows(data: bytes) -> str:
    """Decode Windows-1252; the five bytes that it leaves open become the control characters of Latin-1, so nothing is lost."""
    return data.decode("latin-1").translate(_WINDOWS)


def clean_dataset(dataset: Dataset) -> tuple[Dataset, list[str]]:
    """Apply :func:`clean_text` to all text of a dataset; returns it and a note if cells lost trailing blanks."""
    columns: dict[str, Column] = {}
    n_trimmed = 0
    for name, column in dataset.columns.items():
        if isinstance(column, Text):
            column, trimmed = clean_text(column.codes, column.levels.tolist())
            n_trimmed += trimmed
        columns[name] = column
    return replace(dataset, columns=columns), trimming_note(dataset.name, n_trimmed)


def trimming_note(dataset: str, n_cells: int) -> list[str]:
    """One sentence if cells lost trailing blanks, else nothing."""
    return [f"{dataset}: {counted(n_cells, 'cell')} ended in blanks, which SAS does not keep; trimmed."] if n_cells else []
