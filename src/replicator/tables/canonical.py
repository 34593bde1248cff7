"""One order for equal contents: whatever order files had their rows in, and readers their levels."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from replicator.tables.dataset import Column, Dataset, Numbers, Study, Text
from replicator.tables.narrow import narrowed


def in_canonical_order(study: Study, subject: str) -> Study:
    """Order levels as text, and the rows of datasets about subjects by subject, --SEQ, dates, visit and all other variables.

    Parameters
    ----------
    study : Study
        As read.
    subject : str
        The variable that names the subject. Datasets without it are about nobody and are copied: they keep the order of their rows.

    Returns
    -------
    Study
        Studies that differ in the order of levels and rows alone come out the same; datasets stay in their order.
    """
    return study.with_datasets(_canonical(dataset, subject) for dataset in study.datasets.values())


def _canonical(dataset: Dataset, subject: str) -> Dataset:
    columns: dict[str, Column] = {}
    for name in dataset.names:
        column = dataset[name]
        columns[name] = _with_sorted_levels(column) if isinstance(column, Text) else column
    dataset = narrowed(replace(dataset, columns=columns))
    if subject not in dataset or dataset.n_rows < 2:
        return dataset
    names = _order_of_keys(dataset, subject)
    keys = [_key(dataset, name) for name in names[:2]]  # subject and --SEQ, which no two rows share in most datasets
    order = np.lexsort(keys[::-1])
    if not _told_apart(keys, order):
        order = np.lexsort([*(_key(dataset, name) for name in names[:1:-1]), *keys[::-1]])
    return dataset if (order == np.arange(len(order))).all() else dataset.take(order)


def _with_sorted_levels(column: Text) -> Text:
    """Drop unused levels and sort the rest; a column that is so already is returned itself."""
    used = np.zeros(len(column.levels) + 1, bool)
    used[column.codes] = True
    texts = column.levels.astype(str) if len(column.levels) else np.empty(0, str)
    if used[:-1].all() and (texts[1:] > texts[:-1]).all():
        return column
    return column.compact()


def _order_of_keys(dataset: Dataset, subject: str) -> list[str]:
    """The subject, --SEQ, dates with starts first, VISITNUM, and all others as they stand."""

    def rank(name: str) -> int:
        endings = ("SEQ", "STDTC", "DTC", "VISITNUM")
        return next((i for i, ending in enumerate(endings) if name.endswith(ending)), len(endings))

    others = [name for name in dataset.names if name != subject]
    return [subject, *sorted(others, key=rank)]


def _key(dataset: Dataset, name: str) -> NDArray[np.float64]:
    """Rank of each cell (n_rows,), missing ones first: numbers, and texts that all are numbers, by size."""
    column = dataset[name]
    if isinstance(column, Numbers):
        return np.where(np.isnan(column.values), -np.inf, column.values)
    value = dataset.numbers(name)
    if np.isfinite(value[~column.missing]).all() and len(np.unique(value[~column.missing])) == len(column.levels):
        return np.where(column.missing, -np.inf, value)
    return column.codes.astype(np.float64)


def _told_apart(keys: list[NDArray[np.float64]], order: NDArray[np.intp]) -> bool:
    """Whether no two neighbours in an order have the same keys."""
    same = np.ones(len(order) - 1, bool)
    for key in keys:
        same &= key[order[1:]] == key[order[:-1]]
    return not same.any()
