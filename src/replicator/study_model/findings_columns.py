"""Columns of a findings dataset beside its results and dates: those that series or visit give, and those drawn given them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from replicator.profile.structure import Content, DatasetStructure, Role
from replicator.study_model.attributes import Attributes, column_codes
from replicator.study_model.findings_layout import FindingsRows
from replicator.study_model.spine import Spine
from replicator.tables.dataset import Column, Dataset, Numbers, Text, number_text

Codes = NDArray[np.intp]
Floats = NDArray[np.float64]

GIVEN = 0.999  # share of rows in which a series or a visit must give the value
STABLE = 0.95  # share of (subject, series) pairs with a single value from which a column is the subject's own
GAIN = 0.2  # of the wrong guesses that a further condition must take away
MOST_CONDITIONS = 3
FEWEST_IN_ARM = 2  # subjects of an arm who must all show what is said to be its design
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
class Drawn:
    """Columns drawn given conditions.

    Attributes
    ----------
    by : str
        What is drawn once: ``row``, ``subject`` (and series) or ``occasion``.
    conditions : tuple of str
        Names of the conditions, the most important first.
    attributes : Attributes
        The columns.
    """

    kind: ClassVar[str] = "findings attributes"

    by: str
    conditions: tuple[str, ...]
    attributes: Attributes

    def sample(self, codes: Mapping[str, Codes], n: int, rng: np.random.Generator) -> dict[str, Column]:
        """Draw the columns of `n` rows."""
        if self.by == "row":
            return dict(self.attributes.sample([codes[name] for name in self.conditions], rng, n))
        group = (
            codes["OCCASION"]
            if self.by == "occasion"
            else codes["SUBJECT"] * (int(codes["SERIES"].max(initial=0)) + 1) + codes["SERIES"]
        )
        _, first, inverse = np.unique(group, return_index=True, return_inverse=True)
        drawn = self.attributes.sample([codes[name][first] for name in self.conditions], rng, len(first))
        return {name: column.take(inverse.reshape(-1)) for name, column in drawn.items()}


@dataclass(frozen=True, eq=False)
class OtherColumns:
    """All columns but results and dates.

    Attributes
    ----------
    by_series, by_label, by_arm : Table
        Given by the series, by the visit, and by the arm (a planned dose is the design's, not a subject's).
    stem : str
        What stands before the number in the name of an unplanned visit; ``""`` if nothing does.
    drawn, judged : tuple of Drawn
        Columns that do not hang on the result, and those that do.
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
    """

    kind: ClassVar[str] = "findings columns"

    by_series: Table
    by_label: Table
    by_arm: Table
    stem: str
    drawn: tuple[Drawn, ...]
    judged: tuple[Drawn, ...]
    ranges: tuple[tuple[str, str, str], ...]
    cuts: Floats
    empty: tuple[str, ...]
    numeric: tuple[str, ...]
    with_result: tuple[str, ...] = ()
    results: tuple[str, ...] = ()

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
        skipped = set(results) | set(structure.with_role(*MADE_ELSEWHERE))
        kinds = {variable.name: variable for variable in structure.variables}
        names = [
            name for name in dataset.names if name not in skipped and name != "VISITNUM" and kinds[name].content is not Content.DATE
        ]
        empty = [name for name in names if kinds[name].content is Content.EMPTY or dataset[name].missing.all()]
        names = [name for name in names if name not in empty]
        subject = codes["SUBJECT"].astype(np.int32)
        series_columns: dict[str, Column] = {}
        label_columns: dict[str, Column] = {}
        arm_columns: dict[str, Column] = {}
        left: list[str] = []
        planned = codes["LABEL"] < len(rows.labels) - 1
        for name in names:
            column = dataset[name]
            cells, _ = column_codes(column)
            visit = kinds[name].role in (Role.VISIT, Role.EPOCH)
            flag = kinds[name].role is Role.FLAG
            if visit and _accuracy(cells[planned], [codes["LABEL"][planned]]) >= GIVEN and rows.visit_name:
                label_columns[name] = _by_code(column, cells, codes["LABEL"], len(rows.labels), subject, k)
            elif not flag and _accuracy(cells, [codes["SERIES"]]) >= GIVEN:
                series_columns[name] = _by_code(column, cells, codes["SERIES"], rows.n_series, subject, k)
            elif not flag and not visit and _accuracy(cells, [codes["ARM"]]) >= GIVEN:
                arm_columns[name] = _by_code(column, cells, codes["ARM"], len(spine.arms), subject, min(k, FEWEST_IN_ARM))
            else:
                left.append(name)
        cuts = _tenths(value, codes["SERIES"], rows.n_series)
        ranges = _ranges(structure)
        judged_codes = {"POSITION": _position(dataset.columns, ranges), "TENTH": _tenth(value, codes["SERIES"], cuts)}
        drawn, notes = _draw(dataset, structure, left, {**codes, **judged_codes}, tuple(spine.covariates), subject, k)
        judged = tuple(one for one in drawn if set(one.conditions) & set(judged_codes))
        drawn = tuple(one for one in drawn if one not in judged)
        stem = _stem(dataset, codes["LABEL"], len(rows.labels) - 1, rows.number) if "VISIT" in label_columns else ""
        numeric = tuple(name for name in dataset.names if isinstance(dataset[name], Numbers))
        without = _without_result(dataset.columns, results)
        with_result = tuple(name for name in names if without.any() and dataset[name].missing[without].all())
        columns = cls(
            Table(series_columns),
            Table(label_columns),
            Table(arm_columns),
            stem,
            drawn,
            judged,
            ranges,
            cuts,
            tuple(empty),
            numeric,
            with_result,
            tuple(results),
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
            out["VISITNUM"] = column if "VISITNUM" in self.numeric else Text.of(column.strings())
        if self.stem and has_number:
            visit = out["VISIT"]
            if isinstance(visit, Text):
                out["VISIT"] = _name_unplanned(visit, number, self.stem)
        for one in self.drawn:
            out.update(one.sample(codes, n, rng))
        for name in self.empty:
            out[name] = Numbers(np.full(n, np.nan)) if name in self.numeric else Text.constant("", n)
        return out

    def judge(
        self, columns: Mapping[str, Column], codes: Mapping[str, Codes], value: Floats, rng: np.random.Generator
    ) -> dict[str, Column]:
        """Make the columns that hang on results (n,), given the results and limits among the columns."""
        judged = {
            **codes,
            "POSITION": _position(columns, self.ranges),
            "TENTH": _tenth(value, codes["SERIES"], self.cuts),
        }
        out: dict[str, Column] = {}
        for one in self.judged:
            out.update(one.sample(judged, len(value), rng))
        without = _without_result(columns, self.results)
        made = {**columns, **out}
        for name in (name for name in self.with_result if name in made):
            column = made[name]
            out[name] = (
                Text(np.where(without, np.int32(-1), column.codes), column.levels)
                if isinstance(column, Text)
                else Numbers(np.where(without, np.nan, column.values))
            )
        return out


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
    levels = pd.to_numeric(pd.Series(column.levels, dtype=object), errors="coerce").to_numpy(np.float64)
    return np.append(levels, np.nan)[column.codes]


def _tenths(value: Floats, series: Codes, n_series: int) -> Floats:
    cuts = np.full((n_series, 9), np.inf)
    for j in range(n_series):
        mine = value[(series == j) & np.isfinite(value)]
        if len(mine):
            cuts[j] = np.quantile(mine, np.linspace(0.1, 0.9, 9))
    return cuts


def _tenth(value: Floats, series: Codes, cuts: Floats) -> Codes:
    """Tenth of its series that a number lies in: 1 to 10, 0 where there is none."""
    place = (np.nan_to_num(value)[:, None] >= cuts[series]).sum(axis=1) + 1
    return np.where(np.isfinite(value), place, 0).astype(np.intp)


def _draw(
    dataset: Dataset,
    structure: DatasetStructure,
    names: list[str],
    codes: Mapping[str, Codes],
    covariates: Sequence[str],
    subject: NDArray[np.int32],
    k: int,
) -> tuple[tuple[Drawn, ...], tuple[str, ...]]:
    """Sort columns by what they hang on, and learn each group together."""
    groups: dict[tuple[str, tuple[str, ...]], list[str]] = {}
    pair = codes["SUBJECT"] * (int(codes["SERIES"].max(initial=0)) + 1) + codes["SERIES"]
    roles = {variable.name: variable.role for variable in structure.variables}
    for name in names:
        cells, _ = column_codes(dataset[name])
        if roles[name] in (Role.VISIT, Role.EPOCH) or _accuracy(cells, [codes["OCCASION"]]) >= GIVEN:
            by, pool = "occasion", ["LABEL", "ARM", *covariates]
        elif _constant(cells, pair) >= STABLE and roles[name] is not Role.FLAG:
            by, pool = "subject", ["SERIES", "ARM", *covariates]
        else:
            by, pool = "row", ["SERIES", "POSITION", "STATE", "TENTH", "LABEL", "ARM", *covariates]
        groups.setdefault((by, tuple(_conditions(cells, codes, pool))), []).append(name)
    drawn: list[Drawn] = []
    notes: list[str] = []
    for (by, conditions), members in groups.items():
        rows = np.arange(len(subject))
        if by != "row":
            _, rows = np.unique(codes["OCCASION"] if by == "occasion" else pair, return_index=True)
        attributes, more = Attributes.fit(dataset.take(rows), members, [codes[name][rows] for name in conditions], subject[rows], k)
        drawn.append(Drawn(by, conditions, attributes))
        notes += more
    return tuple(drawn), tuple(notes)


def _conditions(cells: NDArray[np.int64], codes: Mapping[str, Codes], pool: Sequence[str]) -> list[str]:
    """Greedily choose the conditions that take away wrong guesses; the first of the pool is always one."""
    chosen = [pool[0]]
    wrong = 1 - _accuracy(cells, [codes[pool[0]]])
    while wrong > 0.002 and len(chosen) <= MOST_CONDITIONS:
        rest = [name for name in pool if name not in chosen]
        if not rest:
            break
        tried = [1 - _accuracy(cells, [codes[c] for c in [*chosen, name]]) for name in rest]
        best = int(np.argmin(tried))
        if wrong - tried[best] < GAIN * wrong:
            break
        chosen.append(rest[best])
        wrong = tried[best]
    return chosen


def _accuracy(cells: NDArray[np.int64], given: Sequence[Codes]) -> float:
    """Share of rows whose cell is the most frequent one of their conditions."""
    if not len(cells):
        return 1.0
    key = np.zeros(len(cells), np.int64)
    for codes in given:
        _, key = np.unique(key * (int(codes.max()) + 2) + codes + 1, return_inverse=True)
    width = int(cells.max()) + 2
    pairs, counts = np.unique(key * width + cells + 1, return_counts=True)
    best = np.zeros(int(key.max()) + 1, np.int64)
    np.maximum.at(best, pairs // width, counts)
    return float(best.sum() / len(cells))


def _constant(cells: NDArray[np.int64], group: Codes) -> float:
    """Share of groups of two rows or more in which all cells are equal; 0 where there is no such group."""
    _, inverse, size = np.unique(group, return_inverse=True, return_counts=True)
    inverse = inverse.reshape(-1)
    width = int(cells.max(initial=0)) + 2
    kinds = np.bincount(np.unique(inverse * width + cells + 1) // width, minlength=len(size))
    several = size > 1
    return float((kinds[several] == 1).mean()) if several.any() else 0.0


def _by_code(column: Column, cells: NDArray[np.int64], codes: Codes, n: int, subject: NDArray[np.int32], k: int) -> Column:
    """Most frequent cell of each code, missing where fewer than k subjects share it; one row a code and one more for -1."""
    width = int(cells.max(initial=0)) + 2
    key, first, inverse, counts = np.unique(codes * width + cells + 1, return_index=True, return_inverse=True, return_counts=True)
    span = int(subject.max(initial=0)) + 1
    shared = np.bincount(np.unique(inverse.reshape(-1) * span + subject) // span, minlength=len(key)) >= k
    row = np.full(n + 1, -1, np.intp)
    for place in np.argsort(counts, kind="stable").tolist():
        if shared[place]:
            row[key[place] // width] = first[place]
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
    values, inverse = np.unique(number[unnamed], return_inverse=True)
    codes = visit.codes.copy()
    codes[unnamed] = len(visit.levels) + inverse.reshape(-1)
    return Text(codes, np.append(visit.levels, np.array([stem + number_text(value) for value in values.tolist()], object)))
