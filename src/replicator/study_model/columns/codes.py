"""Columns as codes and their distinct values, and how many subjects have each of these."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from replicator.distinct import distinct_values
from replicator.tables.dataset import Column, Numbers, Text


def column_codes(column: Column) -> tuple[NDArray[np.int64], Column]:
    """Code a column: codes (n_rows,), -1 missing, and the distinct values as a column of their own, sorted."""
    if isinstance(column, Text):
        compact = column.compact()
        return compact.codes.astype(np.int64), Text(np.arange(len(compact.levels), dtype=np.int32), compact.levels)
    codes, levels = column.coded
    return codes.copy(), levels


def count_subjects(codes: NDArray[np.int64], subject: NDArray[np.int32], n: int) -> NDArray[np.int64]:
    """Distinct subjects by code 0 to n - 1; -1 is left out."""
    seen = codes >= 0
    if not seen.any():
        return np.zeros(n, np.int64)
    span = int(subject.max()) + 1
    pairs = distinct_values(codes[seen] * span + subject[seen])
    return np.bincount(pairs // span, minlength=n)


def take_codes(levels: Column, codes: NDArray[np.int64]) -> Column:
    """Cells (n_rows,) of the given codes, -1 missing; the text levels that are not used are gone."""
    if isinstance(levels, Text):
        return Text(codes.astype(np.int32), levels.levels).compact()
    return Numbers(np.append(levels.values, np.nan).take(codes))


def common_text(column: Text, subject: NDArray[np.int32], k: int) -> str:
    """The text that most rows (n_rows,) have, of those that k subjects share; ``""`` for none."""
    codes, levels = column_codes(column)
    rows = np.where(count_subjects(codes, subject, len(levels)) >= k, np.bincount(codes + 1, minlength=len(levels) + 1)[1:], 0)
    return str(levels.strings()[rows.argmax()]) if rows.max(initial=0) > 0 else ""
