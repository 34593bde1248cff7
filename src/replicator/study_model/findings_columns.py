"""Columns of a findings dataset beside its results and dates: those that series or visit give, and those drawn given them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from replicator.derivations.derive import blanked
from replicator.distinct import distinct_values
from replicator.models.marginals import QuantileMarginal
from replicator.profile.structure import Content, DatasetStructure, Role
from replicator.study_model.column_codes import column_codes, count_subjects
from replicator.study_model.conditions import accuracy
from replicator.study_model.findings_conditions import GIVEN
from replicator.study_model.findings_drawn import JUDGED, DrawnColumns
from replicator.study_model.findings_of_series import SeriesValues, fit_of_series, hold_of_series
from replicator.study_model.findings_rows import FindingsRows
from replicator.study_model.findings_status import NotDone
from replicator.study_model.spine import Spine
from replicator.tables.dataset import Column, Dataset, Numbers, Text, number_text
from replicator.tables.spelling import spelled_numbers

Codes = NDArray[np.intp]
Floats = NDArray[np.float64]

FEWEST_IN_ARM = 2  # subjects of an arm who must all show what is said to be its design
UNITS = ("ORRESU", "STRESU")
MADE_ELSEWHERE = (Role.IDENTIFIER, Role.SUBJECT, Role.SEQUENCE, Role.RECORD_ID, Role.STUDY_DAY, Role.DATE)


@dataclass(frozen=True, eq=False)
class Table:
    """Columns that a code gives.

    Attributes
    ----------
    columns : dict of str to Column
        One row a code.
    """

    kind: ClassVar[str] = "findings table"

    columns: dict[str, Column]

    def look_up(self, codes: Codes) -> dict[str, Column]:
        """Return the columns of rows with these codes."""
        return {name: column.take(codes) for name, column in self.columns.items()}


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
        given = _find_given(dataset, structure, rows, codes, asked, len(spine.arms), k)
        cuts, ranges = _tenths(value, series, subject, rows.n_series, k), _ranges(structure)
        of_ranges = {name for trio in ranges for name in trio[1:]}
        judged_codes = dict(zip(JUDGED, (_position(dataset.columns, ranges), _tenth(value, series, cuts)), strict=True))
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
        stem = _stem(dataset, codes["LABEL"], len(rows.labels) - 1, rows.number) if "VISIT" in given.by_label else ""
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
                out["VISIT"] = _name_unplanned(visit, number, self.stem)
        out.update(self.drawn.sample(self.where_filled.look_up(codes["SERIES"]), codes, n, rng))
        out.update(hold_of_series(self.of_series, out, codes["SERIES"]))
        for name in self.empty:
            out[name] = Numbers(np.full(n, np.nan)) if name in self.numeric else Text.constant("", n)
        return out

    def judge(
        self, columns: Mapping[str, Column], codes: Mapping[str, Codes], value: Floats, rng: np.random.Generator
    ) -> dict[str, Column]:
        """Make the columns that hang on results (n,), given the results and limits among the columns."""
        found = (_position(columns, self.ranges), _tenth(value, codes["SERIES"], self.cuts))
        judged = {**codes, **dict(zip(JUDGED, found, strict=True))}
        out = self.drawn.judge(columns, judged, len(value), rng)
        without = _without_result(columns, self.results)
        made = {**columns, **out}
        out |= {name: blanked(made[name], without) for name in self.with_result if name in made}
        return out if self.not_done is None else out | self.not_done.hold({**columns, **out}, without, rng)


@dataclass(frozen=True, eq=False)
class _Given:
    """Columns that the series, the visit or the arm gives, those that the series gives where they are filled, and what is left."""

    by_series: dict[str, Column]
    by_label: dict[str, Column]
    by_arm: dict[str, Column]
    where_filled: dict[str, Column]
    left: list[str]


def _find_given(
    dataset: Dataset,
    structure: DatasetStructure,
    rows: FindingsRows,
    codes: Mapping[str, Codes],
    asked: Mapping[str, NDArray[np.bool_]],
    n_arms: int,
    k: int,
) -> _Given:
    """Sort columns by what gives them, of the rows (n_rows,) in which each may be filled at all."""
    given = _Given({}, {}, {}, {}, [])
    subject = codes["SUBJECT"].astype(np.int32)
    series, label, arm = (codes[name] for name in ("SERIES", "LABEL", "ARM"))
    planned = label < len(rows.labels) - 1
    told = count_subjects(arm.astype(np.int64), subject, n_arms) >= FEWEST_IN_ARM
    for name, here in asked.items():
        column, role = dataset[name], structure.variable(name).role
        cells, _ = column_codes(column)
        visit, flag = role in (Role.VISIT, Role.EPOCH), role is Role.FLAG
        filled = cells >= 0
        if visit and accuracy(cells[planned], [label[planned]]) >= GIVEN and rows.visit_name:
            given.by_label[name] = _by_code(column, cells, label, len(rows.labels), subject, k)
        elif not flag and accuracy(cells[here], [series[here]]) >= GIVEN:
            given.by_series[name] = _by_code(column, cells, series, rows.n_series, subject, k, here)
        elif not flag and not visit and told[arm[here]].all() and accuracy(cells[here], [arm[here]]) >= GIVEN:
            given.by_arm[name] = _by_code(column, cells, arm, n_arms, subject, min(k, FEWEST_IN_ARM), here)
        else:
            if not flag and not visit and cells.max() > 0 and accuracy(cells[filled], [series[filled]]) >= GIVEN:
                given.where_filled[name] = _by_code(column, cells, series, rows.n_series, subject, k, filled)
            given.left.append(name)
    return given


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


def _ranges(structure: DatasetStructure) -> tuple[tuple[str, str, str], ...]:
    pairs = (("STRESN", "STNRLO", "STNRHI"), ("ORRES", "ORNRLO", "ORNRHI"))
    named = [(structure.named(a), structure.named(b), structure.named(c)) for a, b, c in pairs]
    return tuple((a, b, c) for a, b, c in named if a and b and c)


def _position(columns: Mapping[str, Column], ranges: Sequence[tuple[str, str, str]]) -> Codes:
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
    levels = spelled_numbers(column.levels.tolist())
    return np.append(levels, np.nan)[column.codes]


def _tenths(value: Floats, series: Codes, subject: NDArray[np.int32], n_series: int, k: int) -> Floats:
    """Tenths of each series' numbers, none of them a value that fewer than `k` subjects share; infinite where there are none."""
    cuts = np.full((n_series, 9), np.inf)
    for j in range(n_series):
        mine = (series == j) & np.isfinite(value)
        marginal = QuantileMarginal.fit(value[mine], subject[mine], k=k)
        if marginal.n:
            cuts[j] = marginal.quantile(np.linspace(0.1, 0.9, 9))
    return cuts


def _tenth(value: Floats, series: Codes, cuts: Floats) -> Codes:
    """Tenth of its series that a number lies in: 1 to 10, 0 where there is none."""
    out, rows = np.zeros(len(value), np.intp), np.flatnonzero(np.isfinite(value))
    out[rows] = (value[rows, None] >= cuts[series[rows]]).sum(axis=1) + 1
    return out


def _by_code(
    column: Column,
    cells: NDArray[np.int64],
    codes: Codes,
    n: int,
    subject: NDArray[np.int32],
    k: int,
    asked: NDArray[np.bool_] | None = None,
) -> Column:
    """Most frequent cell of each code, missing where fewer than k subjects share it; one row a code and one more for -1.

    Of the rows `asked` (n_rows,) alone, if given.
    """
    rows = np.flatnonzero(asked) if asked is not None else np.arange(len(cells))
    width = int(cells.max(initial=0)) + 2
    joint = (codes * width + cells + 1)[rows]
    key, first, inverse, counts = distinct_values(joint, return_index=True, return_inverse=True, return_counts=True)
    shared = count_subjects(inverse.reshape(-1), subject[rows], len(key)) >= k
    row = np.full(n + 1, -1, np.intp)
    for place in np.argsort(counts, kind="stable").tolist():
        if shared[place]:
            row[key[place] // width] = rows[first[place]]
    if isinstance(column, Text):
        return Text(np.append(column.codes, np.int32(-1))[row], column.levels).compact()
    return Numbers(np.append(column.values, np.nan)[row])


def _stem(dataset: Dataset, label: Codes, unplanned: int, number: Floats) -> str:
    """What the names of unplanned visits begin with, if their number follows."""
    rows = np.flatnonzero((label == unplanned) & np.isfinite(number))
    column = dataset["VISIT"]
    if not len(rows) or not isinstance(column, Text):
        return ""
    names, ends = column.take(rows).strings(), [number_text(value) for value in number[rows].tolist()]
    stems = [str(name)[: -len(end)] for name, end in zip(names, ends, strict=True) if str(name).endswith(end)]
    common = max(set(stems), key=stems.count) if stems else ""
    return common if stems.count(common) >= 0.8 * len(rows) else ""


def _name_unplanned(visit: Text, number: Floats, stem: str) -> Text:
    unnamed = np.flatnonzero(visit.missing & np.isfinite(number))
    if not len(unnamed):
        return visit
    values, inverse = distinct_values(number[unnamed], return_inverse=True)
    codes = visit.codes.copy()
    codes[unnamed] = len(visit.levels) + inverse.reshape(-1)
    return Text(codes, np.append(visit.levels, np.array([stem + number_text(value) for value in values.tolist()], object)))
