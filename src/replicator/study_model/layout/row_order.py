"""The order of the rows of a dataset."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from replicator.distinct import distinct_codes, narrow
from replicator.profile.structure import DatasetStructure, Kind
from replicator.tables.dataset import Column, Dataset, Numbers, Text


def sort_key(column: Column) -> NDArray[np.float64]:
    """Rank of each cell, missing ones first: (n_rows,)."""
    if isinstance(column, Numbers):
        return np.where(np.isnan(column.values), -np.inf, column.values)
    order = np.argsort(column.levels.astype(str), kind="stable") if len(column.levels) else np.empty(0, np.intp)
    rank = np.empty(len(column.levels) + 1)
    rank[order] = np.arange(len(order))
    rank[-1] = -1
    return rank.take(column.codes)


def order_ranks(column: Column) -> NDArray[np.integer]:
    """Order of :func:`sort_key` in whole numbers, (n_rows,)."""
    if isinstance(column, Text):
        return narrow(sort_key(Text(np.arange(-1, len(column.levels), dtype=np.int32), column.levels)).astype(np.int32) + 1)[
            column.codes + 1
        ]
    ranks = distinct_codes(column.values) + 1
    ranks[column.missing] = 0
    return narrow(ranks)


def find_order(dataset: Dataset, structure: DatasetStructure, subject: NDArray[np.int32], sequence: str) -> tuple[str, ...]:
    """The ordering under which most neighbouring rows of the source, in the order of --SEQ, stand as they do."""
    prefix = structure.prefix

    def have(*names: str) -> tuple[str, ...]:
        return tuple(name for name in names if name in dataset)

    topic = have(prefix + "TESTCD", prefix + "DECOD", prefix + "TERM", prefix + "TRT", "ETCD")[:1]
    start = have(prefix + "STDTC", prefix + "DTC")[:1]
    visit = have("VISITNUM")
    point = have(prefix + "TPTNUM", prefix + "POS")
    group = have(prefix + "CAT")
    candidates = {
        (*start, *topic, *point),
        (*visit, *start, *topic, *point),
        (*topic, *visit, *start, *point),
        (*topic, *start, *point),
        (*group, *topic, *visit, *start, *point),
        (*visit, *group, *topic, *point),
        (*group, *visit, *topic, *start, *point),
        (*visit, *topic, *point, *start),
        (*start, *visit, *point, *topic),
        (*visit, *point, *topic, *start),
    }
    if structure.kind is Kind.STATES:
        candidates.add(start)  # states of one day follow each other as they were drawn
    sequence_key = sort_key(dataset[sequence]) if sequence else np.arange(dataset.n_rows)
    order = np.lexsort((np.arange(dataset.n_rows), sequence_key, subject))
    same = subject[order][1:] == subject[order][:-1]
    above, below = order[:-1][same], order[1:][same]
    steps = {name: _steps(sort_key(dataset[name]), above, below) for name in {name for names in candidates for name in names}}
    best: tuple[float, int, tuple[str, ...]] = (-1.0, 0, ())
    for names in sorted(candidates):
        up = below > above
        for name in reversed(names):
            up = np.where(steps[name] == 0, up, steps[name] > 0)
        best = max(best, (float(up.mean()) if len(up) else 1.0, -len(names), names))
    return best[2]


def _steps(key: NDArray[np.float64], above: NDArray[np.intp], below: NDArray[np.intp]) -> NDArray[np.int8]:
    """Whether a key (n_rows,) rises (1), stays (0) or falls (-1) from rows to those below them (n_pairs,)."""
    first, second = key.take(above), key.take(below)
    return (second > first).astype(np.int8) - (second < first)
