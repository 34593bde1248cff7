"""Columns of a findings dataset beside its results and dates: those that series or visit give, and those drawn given them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from replicator.derivations.derive import blanked
from replicator.profile.structure import Content, DatasetStructure, Role
from replicator.study_model.findings.drawn import JUDGED, DrawnColumns
from replicator.study_model.findings.given import Table, find_given
from replicator.study_model.findings.of_series import SeriesValues, fit_of_series, hold_of_series
from replicator.study_model.findings.places import find_ranges, fit_tenths, place_in_range, tenth_of
from replicator.study_model.findings.rows import FindingsRows
from replicator.study_model.findings.status import NotDone
from replicator.study_model.findings.unplanned import find_stem, name_unplanned
from replicator.study_model.spine import Spine
from replicator.tables.dataset import Column, Dataset, Numbers, Text

Codes = NDArray[np.intp]
Floats = NDArray[np.float64]

UNITS = ("ORRESU", "STRESU")
MADE_ELSEWHERE = (Role.IDENTIFIER, Role.SUBJECT, Role.SEQUENCE, Role.RECORD_ID, Role.STUDY_DAY, Role.DATE)


@dataclass(frozen=True, eq=False)
class OtherColumns:
    """All columns but results and dates.

    Attributes
    ----------
    by_series, by_label, by_arm : Table
        Given by the series, by the visit, and by the arm (a planned dose is the design's, not a subject's).
    where_filled : Table
        Given by the series where they are filled; where that is, is drawn.
    stem : str
        What stands before the number in the name of an unplanned visit; ``""`` if nothing does.
    drawn : DrawnColumns
        Columns that nothing gives.
    ranges : tuple of (str, str, str)
        Result, lower and upper limit that are compared, the standard ones first.
    cuts : (n_series, 9) float64
        Tenths of each series' numbers.
    empty : tuple of str
        Columns without a value, `numeric` among them are numbers.
    numeric : tuple of str
        Columns held as numbers, the visit number among them.
    with_result : tuple of str
        Columns that are missing where there is no result, such as units.
    results : tuple of str
        Variables of the result.
    of_series : tuple of SeriesValues
        Units and limits of ranges that are drawn.
    not_done : NotDone or None
        What rows without a result say of their status.
    """

    kind: ClassVar[str] = "findings columns"

    by_series: Table
    by_label: Table
    by_arm: Table
    where_filled: Table
    stem: str
    drawn: DrawnColumns
    ranges: tuple[tuple[str, str, str], ...]
    cuts: Floats
    empty: tuple[str, ...]
    numeric: tuple[str, ...]
    with_result: tuple[str, ...] = ()
    results: tuple[str, ...] = ()
    of_series: tuple[SeriesValues, ...] = ()
    not_done: NotDone | None = None

    @classmethod
    def fit(
        cls,
        dataset: Dataset,
        structure: DatasetStructure,
        rows: FindingsRows,
        codes: Mapping[str, Codes],
        results: Sequence[str],
        value: Floats,
        spine: Spine,
        k: int,
    ) -> tuple[OtherColumns, tuple[str, ...]]:
        """Learn.

        Parameters
        ----------
        dataset, structure, rows
            The dataset without rows that are not learned.
        codes : mapping of str to (n_rows,) int
            Conditions by name: SERIES, LABEL, ARM, SUBJECT, OCCASION, STATE and the spine's covariates.
        results : sequence of str
            Result variables, made elsewhere.
        value : (n_rows,) float64
            Results that are numbers.
        spine : Spine
            Its covariates may be conditions.
        k : int
            Fewest subjects behind anything kept.
        """
        names, empty = _open_columns(dataset, structure, results)
        subject, series = codes["SUBJECT"].astype(np.int32), codes["SERIES"]
        without = _without_result(dataset.columns, results)
        with_result = tuple(name for name in names if without.any() and dataset[name].missing[without].all())
        asked = {name: ~without if name in with_result else np.ones(len(without), bool) for name in names}
        given = find_given(dataset, structure, rows, codes, asked, len(spine.arms), k)
        cuts, ranges = fit_tenths(value, series, subject, rows.n_series, k), find_ranges(structure)
        of_ranges = {name for trio in ranges for name in trio[1:]}
        judged_codes = dict(zip(JUDGED, (place_in_range(dataset.columns, ranges), tenth_of(value, series, cuts)), strict=True))
        drawn, notes = DrawnColumns.fit(
            dataset,
            structure,
            given.left,
            {**codes, **judged_codes},
            tuple(spine.covariates),
            subject,
            {name: np.flatnonzero(~without) for name in with_result},
            given.where_filled,
            of_ranges,
            k,
        )
        unplanned = len(rows.labels) - 1
        stem = find_stem(dataset, codes["LABEL"], unplanned, rows.number, subject, k) if "VISIT" in given.by_label else ""
        numeric = tuple(name for name in dataset.names if isinstance(dataset[name], Numbers))
        of_series = of_ranges | {structure.named(suffix) for suffix in UNITS}
        columns = cls(
            Table(given.by_series),
            Table(given.by_label),
            Table(given.by_arm),
            Table(given.where_filled),
            stem,
            drawn,
            ranges,
            cuts,
            empty,
            numeric,
            with_result,
            tuple(results),
            fit_of_series(
                dataset, {name: asked[name] for name in given.left if name in of_series}, series, rows.n_series, subject, k
            ),
            NotDone.fit(dataset, structure, without, subject, k),
        )
        return columns, notes

    def sample(
        self, codes: Mapping[str, Codes], number: Floats, has_number: bool, n: int, rng: np.random.Generator
    ) -> dict[str, Column]:
        """Make the columns of `n` rows with these codes and visit numbers."""
        out = {
            **self.by_series.look_up(codes["SERIES"]),
            **self.by_label.look_up(codes["LABEL"]),
            **self.by_arm.look_up(codes["ARM"]),
        }
        if has_number:
            column = Numbers(number)
            out["VISITNUM"] = column if "VISITNUM" in self.numeric else column.text()
        if self.stem and has_number:
            visit = out["VISIT"]
            if isinstance(visit, Text):
                out["VISIT"] = name_unplanned(visit, number, self.stem)
        out.update(self.drawn.sample(self.where_filled.look_up(codes["SERIES"]), codes, n, rng))
        out.update(hold_of_series(self.of_series, out, codes["SERIES"]))
        for name in self.empty:
            out[name] = Numbers(np.full(n, np.nan)) if name in self.numeric else Text.constant("", n)
        return out

    def judge(
        self, columns: Mapping[str, Column], codes: Mapping[str, Codes], value: Floats, rng: np.random.Generator
    ) -> dict[str, Column]:
        """Make the columns that hang on results (n,), given the results and limits among the columns."""
        found = (place_in_range(columns, self.ranges), tenth_of(value, codes["SERIES"], self.cuts))
        judged = {**codes, **dict(zip(JUDGED, found, strict=True))}
        out = self.drawn.judge(columns, judged, len(value), rng)
        without = _without_result(columns, self.results)
        made = {**columns, **out}
        out |= {name: blanked(made[name], without) for name in self.with_result if name in made}
        return out if self.not_done is None else out | self.not_done.hold({**columns, **out}, without, rng)


def _open_columns(dataset: Dataset, structure: DatasetStructure, results: Sequence[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Columns to learn, and those without a value."""
    made = {*results, *structure.with_role(*MADE_ELSEWHERE), "VISITNUM"}
    content = {name: structure.variable(name).content for name in dataset.names if name not in made}
    names = [name for name, one in content.items() if one is not Content.DATE]
    empty = tuple(name for name in names if content[name] is Content.EMPTY or dataset[name].missing.all())
    return tuple(name for name in names if name not in empty), empty


def _without_result(columns: Mapping[str, Column], results: Sequence[str]) -> NDArray[np.bool_]:
    """Rows in which no variable of the result is filled: (n_rows,)."""
    filled = [~columns[name].missing for name in results if name in columns]
    size = len(next(iter(columns.values()))) if columns else 0
    return ~np.any(filled, axis=0) if filled else np.zeros(size, bool)
