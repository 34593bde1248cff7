"""Datasets written out."""

from __future__ import annotations

import numpy as np

from replicator.tables.dataset import Column, Dataset, Numbers, Text, Variable


def built_dataset(name: str, **columns: list[str] | np.ndarray[tuple[int], np.dtype[np.float64]]) -> Dataset:
    """Build a dataset of columns written out: arrays are numbers, lists are texts."""
    built: dict[str, Column] = {
        key: Numbers(np.asarray(values, np.float64)) if isinstance(values, np.ndarray) else Text.of(values)
        for key, values in columns.items()
    }
    variables = tuple(Variable(key, "", "num" if isinstance(column, Numbers) else "char") for key, column in built.items())
    return Dataset(name, variables, built)
