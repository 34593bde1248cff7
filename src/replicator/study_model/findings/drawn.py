"""Columns of a findings dataset that neither series nor visit nor arm gives, drawn one group after the other."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from replicator.derivations.derive import blanked
from replicator.distinct import distinct_values
from replicator.profile.structure import DatasetStructure, Role
from replicator.study_model.columns.attributes import Attributes
from replicator.study_model.columns.conditions import codes_among, shared_levels
from replicator.study_model.columns.rare_levels import MOST_LEVELS
from replicator.study_model.findings.conditions import TaskGroup, drawn_together, find_tasks, sort_columns
from replicator.study_model.findings.shares import draw_chances, fit_shares
from replicator.tables.dataset import Column, Dataset, Numbers

Codes = NDArray[np.intp]

JUDGED = ("POSITION", "TENTH")  # conditions that only results give


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
    where : tuple of str
        Those among them of which only is drawn where they are filled.
    shares : (n_blocks, 3) float64
        How much of each block of columns is the subject's own, the subject's with one series, and the occasion's.
    """

    kind: ClassVar[str] = "findings attributes"

    by: str
    conditions: tuple[str, ...]
    attributes: Attributes
    where: tuple[str, ...]
    shares: NDArray[np.float64]

    def sample(self, codes: Mapping[str, Codes], n: int, rng: np.random.Generator) -> dict[str, Column]:
        """Draw the columns of `n` rows."""
        if self.by == "row":
            chances = draw_chances(self.shares, codes, n, rng)
            return dict(self.attributes.sample([codes[name] for name in self.conditions], rng, n, chances))
        _, first, inverse = distinct_values(drawn_together(self.by, codes), return_index=True, return_inverse=True)
        chances = draw_chances(self.shares, _of_rows(codes, first), len(first), rng)
        drawn = self.attributes.sample([codes[name][first] for name in self.conditions], rng, len(first), chances)
        return {name: column.take(inverse.reshape(-1)) for name, column in drawn.items()}


@dataclass(frozen=True, eq=False)
class DrawnColumns:
    """Columns that are drawn one group after the other.

    Attributes
    ----------
    early, late : tuple of Drawn
        Groups that do not hang on the result, and those that do; a group may hang on the columns of those before.
    levels : dict of str to Column
        Values of the columns that others hang on, each shared by at least k subjects.
    """

    kind: ClassVar[str] = "findings drawn columns"

    early: tuple[Drawn, ...]
    late: tuple[Drawn, ...]
    levels: dict[str, Column]

    @classmethod
    def fit(
        cls,
        dataset: Dataset,
        structure: DatasetStructure,
        names: Sequence[str],
        codes: Mapping[str, Codes],
        covariates: Sequence[str],
        subject: NDArray[np.int32],
        asked: Mapping[str, Codes],
        given: Collection[str],
        limits: Collection[str],
        k: int,
    ) -> tuple[DrawnColumns, tuple[str, ...]]:
        """Sort columns by what they hang on, and learn each group together.

        Parameters
        ----------
        dataset, structure : Dataset, DatasetStructure
            The dataset.
        names : sequence of str
            Columns to learn.
        codes : mapping of str to (n_rows,) int
            Conditions by name, among them those of `JUDGED`.
        covariates : sequence of str
            Names of the subjects' conditions.
        subject : (n_rows,) int32
            Whose row it is.
        asked : mapping of str to (n,) int
            Rows in which a column may be filled at all; every row for those not listed.
        given : collection of str
            Columns whose value is known where they are filled.
        limits : collection of str
            Columns that results are held against, so that they do not hang on the outcome.
        k : int
            Fewest subjects behind anything kept.

        Notes
        -----
        A column that is stable for a subject (and test) or an occasion, but for cells that are missing now and then, is two: its
        value, learned where it is filled, and where that is. A column in which rows of one subject (and test) agree more often than
        rows of the same conditions is the subject's own first of all, and hangs only on what does not vary within one. A condition
        that alone gives the value takes the place of all, so that the value is also given where few rows have it.
        """
        every = np.arange(dataset.n_rows)
        role = {name: structure.variable(name).role for name in names}
        tasks = {name: find_tasks(dataset, name, asked.get(name, every), codes, role[name], name in given) for name in names}
        shared = {name: shared_levels(dataset[name], subject, k) for name in names if name not in given}
        shared = {
            name: (code, values)
            for name, (code, values) in shared.items()
            if role[name] is not Role.FLAG and 1 < len(values) <= MOST_LEVELS
        }
        known = {name: code for name, (code, _) in shared.items()}
        groups = sort_columns(tasks, known, codes, covariates, limits)
        drawn: list[Drawn] = []
        notes: list[str] = []
        for group in groups:
            one, lost = _fit_group(dataset, group, {**codes, **known}, codes, subject, k)
            drawn.append(one)
            notes += lost
        late: list[Drawn] = []
        hanging = set(JUDGED)
        for one, group in zip(drawn, groups, strict=True):
            if hanging & set(one.conditions):
                late.append(one)
                hanging |= {task.name for task in group.members if not task.where}
        used = {condition for one in drawn for condition in one.conditions}
        early = tuple(one for one in drawn if one not in late)
        return cls(early, tuple(late), {name: values for name, (_, values) in shared.items() if name in used}), tuple(notes)

    def sample(
        self, given: Mapping[str, Column], codes: Mapping[str, Codes], n: int, rng: np.random.Generator
    ) -> dict[str, Column]:
        """Draw what does not hang on the result, for `n` rows; the value of the columns `given` is known where they are filled."""
        return self._draw(self.early, dict(given), dict(codes), n, rng)

    def judge(
        self, columns: Mapping[str, Column], codes: Mapping[str, Codes], n: int, rng: np.random.Generator
    ) -> dict[str, Column]:
        """Draw what hangs on the result, for `n` rows with these columns."""
        drawn = {name: codes_among(columns[name], values) for name, values in self.levels.items() if name in columns}
        where = {name for one in self.late for name in one.where}
        known = {name: column for name, column in columns.items() if name in where}
        return self._draw(self.late, known, {**codes, **drawn}, n, rng)

    def _draw(
        self, groups: Sequence[Drawn], out: dict[str, Column], codes: dict[str, Codes], n: int, rng: np.random.Generator
    ) -> dict[str, Column]:
        filled: dict[str, Column] = {}
        for one in groups:
            for name, column in one.sample(codes, n, rng).items():
                if name in one.where:
                    filled[name] = column
                    continue
                out[name] = column
                if name in self.levels:
                    codes[name] = codes_among(column, self.levels[name])
        return {**out, **{name: blanked(out[name], column.missing) for name, column in filled.items()}}


def _fit_group(
    dataset: Dataset,
    group: TaskGroup,
    known: Mapping[str, Codes],
    codes: Mapping[str, Codes],
    subject: NDArray[np.int32],
    k: int,
) -> tuple[Drawn, tuple[str, ...]]:
    """Learn a group of columns, given all that is `known` of the rows (n_rows,)."""
    rows = group.rows
    if group.by != "row":
        rows = rows[distinct_values(drawn_together(group.by, codes)[rows], return_index=True)[1]]
    conditioned = [known[one][rows] for one in group.conditions]
    asked = [task.name for task in group.members if task.where]
    where_columns = {name: filled_cells(dataset[name].take(rows), conditioned[:1], subject[rows], k) for name in asked}
    open_dataset = dataset.take(rows)
    open_dataset = replace(open_dataset, columns={**open_dataset.columns, **where_columns})
    attributes, notes = Attributes.fit(open_dataset, [task.name for task in group.members], conditioned, subject[rows], k)
    shares = fit_shares(attributes, open_dataset, group.by, conditioned, _of_rows(codes, rows), subject[rows], k)
    return Drawn(group.by, group.conditions, attributes, tuple(where_columns), shares), notes


def _of_rows(codes: Mapping[str, Codes], rows: Codes) -> dict[str, Codes]:
    """Subject, series and occasion of some rows."""
    return {name: codes[name][rows] for name in ("SUBJECT", "SERIES", "OCCASION")}


def filled_cells(column: Column, first: Sequence[Codes], subject: NDArray[np.int32], k: int) -> Numbers:
    """1 where a cell is filled, NaN elsewhere.

    Where fewer than `k` subjects in all lack a value that most rows of the same condition have, those rows have it too: which
    result goes without is not known of so few, and a blank beside another one would be in nobody.
    """
    filled = ~column.missing
    cell = distinct_values(first[0], return_inverse=True)[1].reshape(-1) if first else np.zeros(len(filled), np.intp)
    usual = (np.bincount(cell, filled) * 2 > np.bincount(cell))[cell]
    lacking = usual & ~filled
    few = len(distinct_values(subject[lacking])) < k
    return Numbers(np.where(filled | (lacking & few), 1.0, np.nan))
