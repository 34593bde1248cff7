"""Columns of a findings dataset that neither series nor visit nor arm gives: what each hangs on, and its values given that."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from replicator.derivations.derive import blanked
from replicator.distinct import distinct_values
from replicator.models.contingency import uncertainty
from replicator.profile.structure import DatasetStructure, Role
from replicator.study_model.attributes import Attributes
from replicator.study_model.column_codes import column_codes
from replicator.study_model.conditions import accuracy, agreement, choose_conditions, codes_among, shared_levels
from replicator.study_model.findings_shares import draw_chances, fit_shares, subject_series
from replicator.study_model.rare_levels import MOST_LEVELS
from replicator.study_model.spine import SITE_VARIABLES
from replicator.tables.dataset import Column, Dataset, Numbers

Codes = NDArray[np.intp]
Cells = NDArray[np.int64]

GIVEN = 0.999  # share of rows in which conditions must give the value
STABLE = 0.95  # share of (subject, series) pairs with a single value from which a number of many values is the subject's own
LEAST_TOLD = 0.2  # of the entropy of a column, from which it hangs on the site
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
        _, first, inverse = distinct_values(_group(self.by, codes), return_index=True, return_inverse=True)
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
        tasks = {name: _tasks(dataset, name, asked.get(name, every), codes, role[name], name in given) for name in names}
        shared = {name: shared_levels(dataset[name], subject, k) for name in names if name not in given}
        shared = {
            name: (code, values)
            for name, (code, values) in shared.items()
            if role[name] is not Role.FLAG and 1 < len(values) <= MOST_LEVELS
        }
        known = {name: code for name, (code, _) in shared.items()}
        groups = _sort_columns(tasks, known, codes, covariates, limits)
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


@dataclass(frozen=True, eq=False)
class _Task:
    """What is to be learned of a column.

    Attributes
    ----------
    name : str
        The column.
    by : str
        By what it is drawn.
    rows : (n,) int
        From which rows.
    target : (n,) int64
        Codes of what is drawn, of these rows.
    where : bool
        Whether only where the column is filled.
    """

    name: str
    by: str
    rows: Codes
    target: Cells
    where: bool


@dataclass(frozen=True, eq=False)
class _Group:
    """Columns that are learned together, from the same rows: by what they are drawn, and what they hang on."""

    by: str
    conditions: tuple[str, ...]
    rows: Codes
    members: list[_Task]


def _tasks(dataset: Dataset, name: str, rows: Codes, codes: Mapping[str, Codes], role: Role, given: bool) -> list[_Task]:
    """What is to be learned of a column that may be filled in `rows`, where its value is `given` or not."""
    cells = column_codes(dataset[name])[0]
    present = (cells >= 0).astype(np.int64)
    filled = rows[cells[rows] >= 0]
    steady = [by for by in ("occasion", "subject") if accuracy(present[rows], [_group(by, codes)[rows]]) >= GIVEN]
    where = _Task(name, next(iter(steady), "row"), rows, present[rows], True)
    if given:
        return [where]
    by = _level(cells, filled, codes, role)
    own = role in (Role.FLAG, Role.VISIT, Role.EPOCH)
    if own or by == "row" or cells.max(initial=-1) < 1 or by in steady:
        return [_Task(name, _level(cells, rows, codes, role), rows, cells[rows], False)]
    return [_Task(name, by, filled, cells[filled], False), where]


def _sort_columns(
    tasks: Mapping[str, Sequence[_Task]],
    known: Mapping[str, Codes],
    codes: Mapping[str, Codes],
    covariates: Sequence[str],
    limits: Collection[str],
) -> list[_Group]:
    """Sort columns by what they hang on; each may hang on the `known` ones (n_rows,) before it."""
    groups: dict[tuple[str, tuple[str, ...], bytes], _Group] = {}
    before: dict[str, Codes] = {}
    for name, of_one in tasks.items():
        for task in of_one:
            rows, own = task.rows, _OfRows({**codes, **before}, task.rows)
            whole = [one for one in before if len(tasks[one]) == 1 or (before[one][rows] >= 0).mean() >= GIVEN]
            pool = _pool(task.by, [] if task.where else whole, covariates, task.where or name in limits)
            conditions = tuple(_choose(task, own, pool))
            new = _Group(task.by, conditions, rows, [])
            groups.setdefault((task.by, conditions, sha256(rows.tobytes()).digest()), new).members.append(task)
        if name in known:
            before[name] = known[name]
    return list(groups.values())


class _OfRows(dict[str, Codes]):
    """Codes of some rows, taken when they are asked for; those of all rows are no copies."""

    def __init__(self, codes: Mapping[str, Codes], rows: Codes) -> None:
        super().__init__()
        self._codes, self._rows = codes, rows
        self._all = np.array_equal(rows, np.arange(len(codes["SUBJECT"])))

    def __missing__(self, name: str) -> Codes:
        self[name] = self._codes[name] if self._all else self._codes[name][self._rows]
        return self[name]


def _choose(task: _Task, own: Mapping[str, Codes], pool: Sequence[str]) -> list[str]:
    """Choose what a column hangs on, of conditions (n,) whose first is always one."""
    target = task.target
    pool = [one for one in pool if one not in SITE_VARIABLES or _site_tells(target, own, pool[0], one)]
    chosen = choose_conditions(target, own, pool)
    owner = _group("subject", own) if task.by == "row" else own["SUBJECT"]
    if task.by != "subject" and agreement(target, [owner]) > agreement(target, [own[one] for one in chosen]):
        steady = [one for one in pool if accuracy(own[one].astype(np.int64), [owner]) >= GIVEN]
        chosen = choose_conditions(target, own, steady)
    together = accuracy(target, [own[one] for one in chosen])
    alone = [one for one in chosen[1:] if accuracy(target, [own[one]]) >= max(together, GIVEN)]
    return alone[:1] or chosen


def _fit_group(
    dataset: Dataset,
    group: _Group,
    known: Mapping[str, Codes],
    codes: Mapping[str, Codes],
    subject: NDArray[np.int32],
    k: int,
) -> tuple[Drawn, tuple[str, ...]]:
    """Learn a group of columns, given all that is `known` of the rows (n_rows,)."""
    rows = group.rows
    if group.by != "row":
        rows = rows[distinct_values(_group(group.by, codes)[rows], return_index=True)[1]]
    conditioned = [known[one][rows] for one in group.conditions]
    asked = [task.name for task in group.members if task.where]
    where_columns = {name: filled_cells(dataset[name].take(rows), conditioned[:1], subject[rows], k) for name in asked}
    open_dataset = dataset.take(rows)
    open_dataset = replace(open_dataset, columns={**open_dataset.columns, **where_columns})
    attributes, notes = Attributes.fit(open_dataset, [task.name for task in group.members], conditioned, subject[rows], k)
    shares = fit_shares(attributes, open_dataset, group.by, conditioned, _of_rows(codes, rows), subject[rows], k)
    return Drawn(group.by, group.conditions, attributes, tuple(where_columns), shares), notes


def _level(cells: Cells, rows: Codes, codes: Mapping[str, Codes], role: Role) -> str:
    """By what a column is drawn, from the `rows` given."""
    occasion = codes["OCCASION"][rows]
    if role in (Role.VISIT, Role.EPOCH) or (accuracy(cells[rows], [occasion]) >= GIVEN and _constant(cells[rows], occasion) > 0):
        return "occasion"
    enough = STABLE if cells.max(initial=-1) >= MOST_LEVELS else GIVEN  # of a category the share in between can be learned
    return "subject" if role is not Role.FLAG and _constant(cells[rows], _group("subject", codes)[rows]) >= enough else "row"


def _group(by: str, codes: Mapping[str, Codes]) -> Codes:
    """Rows that are drawn together: (n_rows,)."""
    if by == "occasion":
        return codes["OCCASION"]
    return subject_series(codes)


def _of_rows(codes: Mapping[str, Codes], rows: Codes) -> dict[str, Codes]:
    """Subject, series and occasion of some rows."""
    return {name: codes[name][rows] for name in ("SUBJECT", "SERIES", "OCCASION")}


def _site_tells(target: Cells, codes: Mapping[str, Codes], first: str, site: str) -> bool:
    """Whether the site tells more of a column, where the first condition does not give it, than many sites tell by chance."""
    _, condition = distinct_values(codes[first], return_inverse=True)
    kinds = distinct_values(np.stack([condition, target]), axis=1)[0]
    open_rows = np.flatnonzero(np.bincount(kinds)[condition] > 1)
    owner = _group("subject", codes)[open_rows]
    rows = open_rows[distinct_values(owner, return_index=True)[1]]
    return uncertainty(target[rows], codes[site][rows]) >= LEAST_TOLD


def _pool(by: str, earlier: Sequence[str], covariates: Sequence[str], unjudged: bool) -> list[str]:
    """Conditions to choose from; the first is always one."""
    if by == "occasion":
        return ["LABEL", *earlier, "ARM", *covariates]
    if by == "subject":
        return ["SERIES", *earlier, "ARM", *covariates]
    judged = ["STATE"] if unjudged else ["POSITION", "STATE", "TENTH"]
    return ["SERIES", *judged, *earlier, "LABEL", "ARM", *covariates]


def _constant(cells: Cells, group: Codes) -> float:
    """Share of groups of two rows or more in which all cells are equal; 0 where there is no such group."""
    _, inverse, size = distinct_values(group, return_inverse=True, return_counts=True)
    inverse = inverse.reshape(-1)
    width = int(cells.max(initial=0)) + 2
    kinds = np.bincount(distinct_values(inverse * width + cells + 1) // width, minlength=len(size))
    several = size > 1
    return float((kinds[several] == 1).mean()) if several.any() else 0.0


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
