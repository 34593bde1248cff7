"""Units, and limits of reference ranges: what is drawn for one series must be known of that series, never of another alone."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from replicator.derivations.derive import chosen
from replicator.study_model.columns.codes import column_codes, count_subjects, take_codes
from replicator.study_model.columns.conditions import codes_among
from replicator.study_model.columns.rare_levels import prepare_column
from replicator.tables.dataset import Column, Dataset

Codes = NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class SeriesValues:
    """Values of one column by series.

    Attributes
    ----------
    name : str
        The column.
    levels : Column
        Values that at least k subjects share in some series: (n_levels,).
    known : (n_series, n_levels) bool
        Whether at least k subjects share a value in a series.
    usual : (n_series,) int64
        The value that most rows of a series have among those known, -1 where none is.
    always : (n_series,) bool
        Whether no row of a series that has a result, if values go with results, lacks a value.
    """

    kind: ClassVar[str] = "values of series"

    name: str
    levels: Column
    known: NDArray[np.bool_]
    usual: NDArray[np.int64]
    always: NDArray[np.bool_] = field(default_factory=lambda: np.empty(0, bool))

    @classmethod
    def fit(
        cls,
        name: str,
        column: Column,
        series: Codes,
        n_series: int,
        subject: NDArray[np.int32],
        asked: NDArray[np.bool_],
        k: int,
    ) -> SeriesValues:
        """Learn from the cells (n_rows,) of rows of known `series`, of which those `asked` may have a value at all."""
        codes, levels = column_codes(column)
        size = len(levels)
        pair = np.where(codes >= 0, series * size + codes, -1)
        known = (count_subjects(pair, subject, n_series * size) >= k).reshape(n_series, size)
        rows = np.bincount(pair[pair >= 0], minlength=n_series * size).reshape(n_series, size)
        kept = np.flatnonzero(known.any(axis=0))
        known, rows = known[:, kept], np.where(known, rows, 0)[:, kept]
        usual = np.where(known.any(axis=1), rows.argmax(axis=1), -1) if len(kept) else np.full(n_series, -1)
        lacking = np.bincount(series[asked & column.missing], minlength=n_series) > 0
        return cls(name, take_codes(levels, kept.astype(np.int64)), known, usual.astype(np.int64), ~lacking)

    def hold(self, column: Column, series: Codes) -> Column:
        """Give cells (n_rows,) whose value their series does not have its usual one, or none where it has none.

        So are those without a value, of a series that never lacks one: what they say together with other columns is few subjects'.
        """
        at = codes_among(column, self.levels)
        fine = column.missing
        if len(self.always):
            fine = fine & ~self.always[series]
        if len(self.levels):
            fine = fine | ((at >= 0) & self.known[series, np.maximum(at, 0)])
        if fine.all():
            return column
        return chosen(~fine, take_codes(self.levels, self.usual[series]), column)


def fit_of_series(
    dataset: Dataset,
    asked: Mapping[str, NDArray[np.bool_]],
    series: Codes,
    n_series: int,
    subject: NDArray[np.int32],
    k: int,
) -> tuple[SeriesValues, ...]:
    """Learn columns, of rows (n_rows,) that may have a value, but for numbers of so many values that a marginal draws them."""
    return tuple(
        SeriesValues.fit(name, dataset[name], series, n_series, subject, rows, k)
        for name, rows in asked.items()
        if not dataset[name].missing.all() and prepare_column(dataset, name, subject, k)[0] is not None
    )


def hold_of_series(limits: Collection[SeriesValues], columns: Mapping[str, Column], series: Codes) -> dict[str, Column]:
    """Columns (n_rows,) of which that was learned, as their series have them; the others are left out."""
    return {one.name: one.hold(columns[one.name], series) for one in limits if one.name in columns}
