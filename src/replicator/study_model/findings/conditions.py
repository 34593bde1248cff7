"""What columns beside results hang on, and by what they are drawn: by row, subject or occasion."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256

import numpy as np
from numpy.typing import NDArray

from replicator.distinct import distinct_values
from replicator.models.contingency import uncertainty
from replicator.profile.structure import Role
from replicator.study_model.columns.codes import column_codes
from replicator.study_model.columns.conditions import accuracy, agreement, choose_conditions
from replicator.study_model.columns.rare_levels import MOST_LEVELS
from replicator.study_model.findings.shares import subject_series
from replicator.study_model.spine import SITE_VARIABLES
from replicator.tables.dataset import Dataset

Codes = NDArray[np.intp]
Cells = NDArray[np.int64]

GIVEN = 0.999  # share of rows in which conditions must give the value
STABLE = 0.95  # share of (subject, series) pairs with a single value from which a number of many values is the subject's own
LEAST_TOLD = 0.2  # of the entropy of a column, from which it hangs on the site


@dataclass(frozen=True, eq=False)
class Task:
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
class TaskGroup:
    """Columns that are learned together, from the same rows: by what they are drawn, and what they hang on."""

    by: str
    conditions: tuple[str, ...]
    rows: Codes
    members: list[Task]


def find_tasks(dataset: Dataset, name: str, rows: Codes, codes: Mapping[str, Codes], role: Role, given: bool) -> list[Task]:
    """What is to be learned of a column that may be filled in `rows`, where its value is `given` or not."""
    cells = column_codes(dataset[name])[0]
    present = (cells >= 0).astype(np.int64)
    filled = rows[cells[rows] >= 0]
    steady = [by for by in ("occasion", "subject") if accuracy(present[rows], [drawn_together(by, codes)[rows]]) >= GIVEN]
    where = Task(name, next(iter(steady), "row"), rows, present[rows], True)
    if given:
        return [where]
    by = _level(cells, filled, codes, role)
    own = role in (Role.FLAG, Role.VISIT, Role.EPOCH)
    if own or by == "row" or cells.max(initial=-1) < 1 or by in steady:
        return [Task(name, _level(cells, rows, codes, role), rows, cells[rows], False)]
    return [Task(name, by, filled, cells[filled], False), where]


def sort_columns(
    tasks: Mapping[str, Sequence[Task]],
    known: Mapping[str, Codes],
    codes: Mapping[str, Codes],
    covariates: Sequence[str],
    limits: Collection[str],
) -> list[TaskGroup]:
    """Sort columns by what they hang on; each may hang on the `known` ones (n_rows,) before it."""
    groups: dict[tuple[str, tuple[str, ...], bytes], TaskGroup] = {}
    before: dict[str, Codes] = {}
    for name, of_one in tasks.items():
        for task in of_one:
            rows, own = task.rows, _OfRows({**codes, **before}, task.rows)
            whole = [one for one in before if len(tasks[one]) == 1 or (before[one][rows] >= 0).mean() >= GIVEN]
            pool = _pool(task.by, [] if task.where else whole, covariates, task.where or name in limits)
            conditions = tuple(_choose(task, own, pool))
            new = TaskGroup(task.by, conditions, rows, [])
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


def _choose(task: Task, own: Mapping[str, Codes], pool: Sequence[str]) -> list[str]:
    """Choose what a column hangs on, of conditions (n,) whose first is always one."""
    target = task.target
    pool = [one for one in pool if one not in SITE_VARIABLES or _site_tells(target, own, pool[0], one)]
    chosen = choose_conditions(target, own, pool)
    owner = drawn_together("subject", own) if task.by == "row" else own["SUBJECT"]
    if task.by != "subject" and agreement(target, [owner]) > agreement(target, [own[one] for one in chosen]):
        steady = [one for one in pool if accuracy(own[one].astype(np.int64), [owner]) >= GIVEN]
        chosen = choose_conditions(target, own, steady)
    together = accuracy(target, [own[one] for one in chosen])
    alone = [one for one in chosen[1:] if accuracy(target, [own[one]]) >= max(together, GIVEN)]
    return alone[:1] or chosen


def _level(cells: Cells, rows: Codes, codes: Mapping[str, Codes], role: Role) -> str:
    """By what a column is drawn, from the `rows` given."""
    occasion = codes["OCCASION"][rows]
    if role in (Role.VISIT, Role.EPOCH) or (accuracy(cells[rows], [occasion]) >= GIVEN and _constant(cells[rows], occasion) > 0):
        return "occasion"
    enough = STABLE if cells.max(initial=-1) >= MOST_LEVELS else GIVEN  # of a category the share in between can be learned
    return (
        "subject" if role is not Role.FLAG and _constant(cells[rows], drawn_together("subject", codes)[rows]) >= enough else "row"
    )


def drawn_together(by: str, codes: Mapping[str, Codes]) -> Codes:
    """Rows that are drawn together: (n_rows,)."""
    if by == "occasion":
        return codes["OCCASION"]
    return subject_series(codes)


def _site_tells(target: Cells, codes: Mapping[str, Codes], first: str, site: str) -> bool:
    """Whether the site tells more of a column, where the first condition does not give it, than many sites tell by chance."""
    _, condition = distinct_values(codes[first], return_inverse=True)
    kinds = distinct_values(np.stack([condition, target]), axis=1)[0]
    open_rows = np.flatnonzero(np.bincount(kinds)[condition] > 1)
    owner = drawn_together("subject", codes)[open_rows]
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
