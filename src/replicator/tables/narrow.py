"""Columns that take as few bytes as their cells need: a large study is read and held in them.

A column of a study says little a row: one of three arms, one of forty tests, a visit. Codes of so few levels fit one byte or two
instead of four, and so do numbers of which few differ, which take eight. Who asks for ``codes`` or ``values`` gets them as of any
other column; they are made for it and let go after it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from replicator.distinct import distinct_values
from replicator.heavy import pandas as pd
from replicator.tables.dataset import Column, Dataset, Index, Numbers, Text, number_text

_MOST_NUMBERS = 1 << 16  # different ones, whose places two bytes tell
_GLANCE = 1 << 18  # cells, of which fewer differ wherever fewer of all do


class NarrowText(Text):
    """A column of text whose codes take one, two or four bytes."""

    def __init__(self, codes: NDArray[np.integer[Any]], levels: NDArray[np.object_]) -> None:
        kind = np.int8 if len(levels) <= 1 << 7 else np.int16 if len(levels) <= 1 << 15 else np.int32
        object.__setattr__(self, "_narrow", codes.astype(kind, copy=False))
        object.__setattr__(self, "levels", levels)

    _narrow: NDArray[np.integer[Any]]

    @property
    def codes(self) -> NDArray[np.int32]:
        """Position in the levels, (n_rows,) int32; -1 is missing."""
        return self._narrow.astype(np.int32, copy=False)

    @property
    def held(self) -> NDArray[np.integer[Any]]:
        """The codes as they are held."""
        return self._narrow

    def __len__(self) -> int:
        return len(self._narrow)

    def take(self, rows: Index) -> NarrowText:
        """Keep the rows given by position or mask; levels stay."""
        return NarrowText(self._narrow[rows], self.levels)

    @cached_property
    def _compact(self) -> Text | None:
        """The compact column, narrow as well; None if it is this one."""
        found = super()._compact
        return None if found is None else NarrowText(found.codes, found.levels)

    @property
    def missing(self) -> NDArray[np.bool_]:
        """(n_rows,) mask of missing cells."""
        return self._narrow < 0


class NarrowNumbers(Numbers):
    """A column of numbers of which few differ: those, and the place of each cell among them."""

    def __init__(self, codes: NDArray[np.unsignedinteger[Any]], different: NDArray[np.float64]) -> None:
        object.__setattr__(self, "_narrow", codes)
        object.__setattr__(self, "_different", different)

    _narrow: NDArray[np.unsignedinteger[Any]]
    _different: NDArray[np.float64]

    @property
    def values(self) -> NDArray[np.float64]:
        """The numbers, (n_rows,) float64; NaN is missing."""
        values: NDArray[np.float64] = self._different[self._narrow]
        return values

    def __len__(self) -> int:
        return len(self._narrow)

    def take(self, rows: Index) -> NarrowNumbers:
        """Keep the rows given by position or mask."""
        return NarrowNumbers(self._narrow[rows], self._different)

    @cached_property
    def rounded(self) -> NarrowNumbers:
        """The numbers to 9 decimals."""
        return NarrowNumbers(self._narrow, np.round(self._different, 9))

    @property
    def held(self) -> NDArray[np.integer[Any]]:
        """Whole numbers (n_rows,), equal where the numbers are equal to 9 decimals, in as few bytes as they are held in."""
        found, place = distinct_values(np.round(self._different, 9), return_inverse=True)
        return self._narrow if len(found) == len(self._different) else place.astype(self._narrow.dtype)[self._narrow]

    def text(self) -> Text:
        """The numbers as text, as :meth:`strings` writes them."""
        codes, levels = self.coded
        texts = Text.of(map(number_text, levels.values.tolist()))
        return Text(np.append(texts.codes, np.int32(-1))[codes], texts.levels)

    @property
    def coded(self) -> tuple[NDArray[np.int64], Numbers]:
        """Codes (n_rows,), -1 missing, and the distinct numbers, sorted; not kept, for they are quickly told."""
        there = np.bincount(self._narrow, minlength=len(self._different)) > 0
        seen = np.flatnonzero(there & ~np.isnan(self._different))
        values, inverse = distinct_values(self._different[seen], return_inverse=True)
        place = np.full(len(self._different), -1, np.int64)
        place[seen] = inverse
        return place[self._narrow], Numbers(values)

    @property
    def missing(self) -> NDArray[np.bool_]:
        """(n_rows,) mask of missing cells."""
        missing: NDArray[np.bool_] = np.isnan(self._different)[self._narrow]
        return missing


def narrowed(dataset: Dataset) -> Dataset:
    """Hold a dataset in narrow columns, cell by cell the same; those that are so already, and those of many numbers, stay."""
    columns: Mapping[str, Column] = {name: narrowed_column(column) for name, column in dataset.columns.items()}
    return replace(dataset, columns=columns)


def narrowed_column(column: Column) -> Column:
    """Hold one column so."""
    if isinstance(column, NarrowText | NarrowNumbers):
        return column
    return NarrowText(column.codes, column.levels) if isinstance(column, Text) else _narrow_numbers(column)


def _narrow_numbers(column: Numbers) -> Numbers:
    """The places of the numbers among those that differ, bit by bit; the column itself where these would take no less."""
    bits = np.ascontiguousarray(column.values).view(np.int64)
    if len(pd.unique(bits[:_GLANCE])) > _MOST_NUMBERS:
        return column
    codes, used = pd.factorize(bits)
    if len(used) > min(_MOST_NUMBERS, 3 * len(bits) // 4):
        return column
    kind = np.uint8 if len(used) <= 1 << 8 else np.uint16
    return NarrowNumbers(codes.astype(kind), used.view(np.float64))
