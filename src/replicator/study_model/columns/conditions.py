"""What a column hangs on: conditions that tell its cells, chosen among others, and the values that they are told by."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from replicator.distinct import distinct_values
from replicator.models.backoff import Codes as AnyCodes
from replicator.study_model.columns.codes import column_codes, count_subjects
from replicator.tables.dataset import Column, Numbers, Text

Codes = NDArray[np.intp]
Cells = NDArray[np.int64]

GAIN = 0.2  # of the wrong guesses that a further condition must take away
MOST_CONDITIONS = 3


def accuracy(cells: Cells, given: Sequence[Codes]) -> float:
    """Share of rows whose cell is the most frequent one of their conditions."""
    if not len(cells):
        return 1.0
    key = join_codes(given, len(cells))
    width = int(cells.max()) + 2
    pairs, counts = distinct_values(key * width + cells + 1, return_counts=True)
    best = np.zeros(int(key.max()) + 1, np.int64)
    np.maximum.at(best, pairs // width, counts)
    return float(best.sum() / len(cells))


def agreement(cells: Cells, given: Sequence[Codes]) -> float:
    """Share of agreement of a row with the other rows of its conditions, over rows that have others; 0 where none has."""
    key = join_codes(given, len(cells))
    width = int(cells.max(initial=-1)) + 2
    _, pair, alike = distinct_values(key * width + cells + 1, return_inverse=True, return_counts=True)
    others = np.bincount(key)[key] - 1
    several = others > 0
    return float(((alike[pair.reshape(-1)] - 1)[several] / others[several]).mean()) if several.any() else 0.0


def choose_conditions(cells: Cells, codes: Mapping[str, Codes], pool: Sequence[str]) -> list[str]:
    """Greedily choose the conditions that take away wrong guesses; the first of the pool is always one."""
    if not pool:
        return []
    chosen = [pool[0]]
    wrong = 1 - accuracy(cells, [codes[pool[0]]])
    while wrong > 0.002 and len(chosen) <= MOST_CONDITIONS:
        rest = [name for name in pool if name not in chosen]
        if not rest:
            break
        tried = [1 - accuracy(cells, [codes[c] for c in [*chosen, name]]) for name in rest]
        best = int(np.argmin(tried))
        if wrong - tried[best] < GAIN * wrong:
            break
        chosen.append(rest[best])
        wrong = tried[best]
    return chosen


def join_codes(given: Sequence[AnyCodes], n: int) -> NDArray[np.int64]:
    """Number of the combination of conditions of each row: (n,)."""
    key = np.zeros(n, np.int64)
    for codes in given:
        key = distinct_values(key * (int(codes.max(initial=-1)) + 2) + codes + 1, return_inverse=True)[1].reshape(-1)
    return key


def shared_levels(column: Column, subject: NDArray[np.int32], k: int) -> tuple[Codes, Column]:
    """Position of each cell (n_rows,) among the values that at least k subjects share, -1 for others; and those values."""
    codes, levels = column_codes(column)
    shared = count_subjects(codes, subject, len(levels)) >= k
    place = np.append(np.where(shared, np.cumsum(shared) - 1, -1), -1)
    kept = levels.take(np.flatnonzero(shared))
    return place.take(codes).astype(np.intp), kept.compact() if isinstance(kept, Text) else kept


def codes_among(column: Column, levels: Column) -> Codes:
    """Position of each cell among `levels`, -1 where it is none of them: (n_rows,)."""
    if isinstance(column, Numbers) and isinstance(levels, Numbers):
        at = np.minimum(np.searchsorted(levels.values, column.values), max(len(levels) - 1, 0))
        there = levels.values[at] == column.values if len(levels) else np.zeros(len(column), bool)
        return np.where(there, at, -1).astype(np.intp)
    assert isinstance(column, Text) and isinstance(levels, Text)
    place = {text: at for at, text in enumerate(levels.strings().tolist())}
    return np.array([*(place.get(text, -1) for text in column.levels.tolist()), -1], np.intp).take(column.codes)
