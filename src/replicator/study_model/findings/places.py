"""Where results lie: to the limits of their ranges, and among the tenths of their series."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from replicator.models.marginals import QuantileMarginal
from replicator.profile.structure import DatasetStructure
from replicator.tables.dataset import Column, Numbers

Floats = NDArray[np.float64]
Codes = NDArray[np.intp]


def find_ranges(structure: DatasetStructure) -> tuple[tuple[str, str, str], ...]:
    """Result, lower and upper limit that a dataset compares, the standard ones first."""
    pairs = (("STRESN", "STNRLO", "STNRHI"), ("ORRES", "ORNRLO", "ORNRHI"))
    named = [(structure.named(a), structure.named(b), structure.named(c)) for a, b, c in pairs]
    return tuple((a, b, c) for a, b, c in named if a and b and c)


def place_in_range(columns: Mapping[str, Column], ranges: Sequence[tuple[str, str, str]]) -> Codes:
    """Where the result stands to its limits: 0 not known, 1 below, 2 within, 3 above; by the first limits that are there."""
    size = len(next(iter(columns.values())))
    out = np.zeros(size, np.intp)
    for result, low, high in ranges:
        if not {result, low, high} <= set(columns):
            continue
        value, lower, upper = (_numbers(columns[name]) for name in (result, low, high))
        known = (out == 0) & np.isfinite(value) & (np.isfinite(lower) | np.isfinite(upper))
        with np.errstate(invalid="ignore"):
            place = np.where(value < lower, 1, np.where(value > upper, 3, 2))
        out = np.where(known, place, out)
    return out


def _numbers(column: Column) -> Floats:
    if isinstance(column, Numbers):
        return column.values
    return column.spelled.take(column.codes)


def fit_tenths(value: Floats, series: Codes, subject: NDArray[np.int32], n_series: int, k: int) -> Floats:
    """Tenths of each series' numbers, none of them a value that fewer than `k` subjects share; infinite where there are none."""
    cuts = np.full((n_series, 9), np.inf)
    for j in range(n_series):
        mine = (series == j) & np.isfinite(value)
        marginal = QuantileMarginal.fit(value[mine], subject[mine], k=k)
        if marginal.n:
            cuts[j] = marginal.quantile(np.linspace(0.1, 0.9, 9))
    return cuts


def tenth_of(value: Floats, series: Codes, cuts: Floats) -> Codes:
    """Tenth of its series that a number lies in: 1 to 10, 0 where there is none."""
    out, rows = np.zeros(len(value), np.intp), np.flatnonzero(np.isfinite(value))
    out[rows] = (value[rows] >= cuts.T.take(series[rows], axis=1)).sum(axis=0) + 1
    return out
