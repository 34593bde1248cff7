"""Days that linked rows share: what a medicine is given for ends when the medicine does."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from replicator.derivations.derive import chosen
from replicator.tables.dataset import Column, Dataset, Text
from replicator.tables.dates import parse_dates

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

DAY = 10  # characters of a date that is known to the day


def dates_of(dataset: Dataset) -> list[tuple[str, Floats]]:
    """Dates of a dataset in which a day is known, and the days (n_rows,), NaN where they are not."""
    days = [(name, parse_dates(dataset.text(name)).full_day) for name in dataset.names if name.endswith("DTC")]
    return [(name, day) for name, day in days if np.isfinite(day).any()]


def find_common_days(leading: Dataset, following: Dataset, subject: NDArray[np.int32], k: int) -> tuple[tuple[str, str], ...]:
    """Find ends of following rows that are one day with a date of the row that leads them, wherever both are known.

    One row a pair; at least `k` subjects must have both.
    """
    found: dict[str, tuple[int, str]] = {}
    for a, left in dates_of(leading):
        for b, right in dates_of(following):
            both = np.isfinite(left) & np.isfinite(right)
            if b.endswith("ENDTC") and len(np.unique(subject[both])) >= k and (left == right)[both].all():
                found[b] = max(found.get(b, (0, "")), (int(both.sum()), a))
    return tuple((a, b) for b, (_, a) in found.items())


def with_common_days(
    leading: Dataset, following: Dataset, pairs: Sequence[tuple[str, str]], rows: Ints, partners: Ints, start: str
) -> Dataset:
    """Let dates of the rows `partners` (n_pairs,) be the days of those of the rows that lead them, `rows` (n_pairs,).

    Dates that are known to the day change, if they would not lie before the row's `start`.
    """
    first = parse_dates(following.text(start)).full_day[partners] if start in following else np.full(len(partners), np.nan)
    for a, b in pairs:
        if a not in leading or b not in following:
            continue
        column = following[b]
        day, own = parse_dates(leading.text(a)).full_day[rows], parse_dates(following.text(b)).full_day[partners]
        moved = np.isfinite(own) & (day != own) & ~(day < first) & np.isfinite(day)
        if not moved.any() or not isinstance(column, Text):
            continue
        at, wanted = np.zeros(following.n_rows, np.intp), np.zeros(following.n_rows, bool)
        at[partners[moved]], wanted[partners[moved]] = rows[moved], True
        told = leading.text(a)
        days: Column = Text.of([level[:DAY] for level in map(str, told.levels)]).take(told.codes).take(at)
        following = following.with_column(following.variable(b), chosen(wanted, days, column))
    return following
