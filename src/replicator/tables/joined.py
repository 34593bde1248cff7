"""Datasets of the same variables, one below the other."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

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
    texts = [column for column in columns if isinstance(column, Text)]
    every = np.concatenate([text.levels for text in texts])
    place, levels = pd.factorize(every)
    offset = 0
    codes = []
    for text in texts:
        lookup = np.append(place[offset : offset + len(text.levels)], -1)
        codes.append(lookup[text.codes])
        offset += len(text.levels)
    return Text(np.concatenate(codes).astype(np.int32), np.asarray(levels, dtype=object))
