"""Datasets of the same variables, one below the other."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain

import numpy as np

from replicator.tables.dataset import Column, Dataset, Numbers, Text


def concatenate(datasets: Sequence[Dataset]) -> Dataset:
    """Put datasets of equal variables one below the other; metadata are the first one's."""
    if len(datasets) == 1:
        return datasets[0]
    first = datasets[0]
    columns = {name: _concatenate_columns([dataset[name] for dataset in datasets]) for name in first.names}
    return Dataset(first.name, first.variables, columns, first.label)


def _concatenate_columns(columns: Sequence[Column]) -> Column:
    if all(isinstance(column, Numbers) for column in columns):
        return Numbers(np.concatenate([column.values for column in columns if isinstance(column, Numbers)]))
    return concatenate_texts([column for column in columns if isinstance(column, Text)])


def concatenate_texts(texts: Sequence[Text]) -> Text:
    """Put columns of text one below the other; levels in the order in which the columns have them."""
    levels = list(dict.fromkeys(chain.from_iterable(text.levels.tolist() for text in texts)))
    place = {level: code for code, level in enumerate(levels)}
    codes = [np.array([*(place[level] for level in text.levels.tolist()), -1], np.int32)[text.codes] for text in texts]
    return Text(np.concatenate(codes), np.array(levels, dtype=object))
