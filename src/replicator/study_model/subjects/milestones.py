"""What a subject's own variables say of its course: flags of weeks completed, populations, reasons; they follow how far it came."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from replicator.models.backoff import BackoffTable
from replicator.models.contingency import uncertainty
from replicator.study_model.columns.conditions import codes_among
from replicator.study_model.course.grid import Grid
from replicator.study_model.spine import Spine
from replicator.tables.dataset import Column

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

TOLD = 0.5  # of the uncertainty of a variable that its course must take away
EACH = 3  # times k subjects in a stretch of the course


@dataclass(frozen=True, eq=False)
class Milestone:
    """A tuple of variables of the subjects' dataset that the course tells.

    Attributes
    ----------
    names : tuple of str
    values : tuple of Column
        Cells of each tuple.
    stretch : (n_positions + 1,) int64
        Stretch of the course in which each last visit of the grid lies; the last for subjects without visits.
    table : BackoffTable
        Tuple given the stretch, the last visit, and the arm.
    """

    kind: ClassVar[str] = "milestone"

    names: tuple[str, ...]
    values: tuple[Column, ...]
    stretch: Ints
    table: BackoffTable

    @classmethod
    def fit(
        cls, names: tuple[str, ...], values: tuple[Column, ...], code: Floats, spine: Spine, grid: Grid, k: int
    ) -> Milestone | None:
        """Learn from the tuple of each subject.

        Parameters
        ----------
        names : tuple of str
        values : tuple of Column
        code : (n,) float64
            Position in `values`, NaN for a tuple that is not kept.
        spine : Spine
            With the course marked.
        grid : Grid
        k : int

        Returns
        -------
        Milestone or None
            None if the last visit tells less than half of what there is to know.
        """
        known = np.flatnonzero(np.isfinite(code))
        place = _places(spine, grid)
        tuples = code[known].astype(np.int64)
        if uncertainty(tuples, place[known]) < TOLD:
            return None
        stretch = _stretches(
            place[known], len(grid.expected) + 1, EACH * k, _partings(place[known], tuples, len(grid.expected) + 1, k)
        )
        given = [stretch[place[known]], place[known], spine.arm[known].astype(np.int64)]
        return cls(names, values, stretch, BackoffTable.fit(tuples, given, known, k=k, closed=True))

    def sample(self, spine: Spine, grid: Grid, rng: np.random.Generator) -> dict[str, Column]:
        """Draw the variables of all subjects."""
        place = _places(spine, grid)
        code = self.table.sample([self.stretch[place], place, spine.arm.astype(np.int64)], rng)
        return {name: column.take(code) for name, column in zip(self.names, self.values, strict=True)}


@dataclass(frozen=True, eq=False)
class PlannedArms:
    """Names of arms that differ from the arm a subject was really in: who leaves before arms part was never in the planned one.

    Attributes
    ----------
    names : tuple of str
    values : tuple of Column
        Cells of each tuple.
    stretch : (n_arms, n_positions + 1) int64
        Stretch of the course of at least k subjects of the arm in which each last visit lies.
    table : BackoffTable
        Tuple given the arm, the categories that names tell as well, the stretch of the course, and the last visit.
    told : mapping of str to Column
        Levels of the categories that the names tell: a set of animals is one of an arm and of a sex.
    """

    kind: ClassVar[str] = "planned arms"

    names: tuple[str, ...]
    values: tuple[Column, ...]
    stretch: Ints
    table: BackoffTable
    told: Mapping[str, Column] = field(default_factory=dict)

    @classmethod
    def fit(
        cls,
        names: tuple[str, ...],
        values: tuple[Column, ...],
        code: Ints,
        spine: Spine,
        grid: Grid,
        k: int,
        told: Mapping[str, Column],
        beside: list[Ints],
    ) -> PlannedArms:
        """Learn from the tuple of each subject (n,), and its codes among the levels told; `spine` has the course marked."""
        place = _places(spine, grid)
        places = [place[spine.arm == arm] for arm in range(len(spine.arms))]
        stretch = np.stack([_whole_stretches(mine, len(grid.expected) + 1, k) for mine in places])
        given = [spine.arm.astype(np.int64), *beside, stretch[spine.arm, place], place]
        table = BackoffTable.fit(code, given, np.arange(spine.n), k=k, closed=True, design_depth=1 + len(beside))
        return cls(names, values, stretch, table, told)

    def sample(self, spine: Spine, grid: Grid, columns: Mapping[str, Column], rng: np.random.Generator) -> dict[str, Column]:
        """Draw the names of all subjects, of whom these columns are known."""
        place = _places(spine, grid)
        beside = [codes_among(columns[name], levels) for name, levels in self.told.items()]
        code = self.table.sample([spine.arm.astype(np.int64), *beside, self.stretch[spine.arm, place], place], rng)
        return {name: column.take(code) for name, column in zip(self.names, self.values, strict=True)}


def _places(spine: Spine, grid: Grid) -> Ints:
    """Position of each subject's last visit of the course (n,), in the order of the planned days; one more for those without."""
    if spine.reached is None:
        return np.full(spine.n, len(grid.expected), np.int64)
    days = np.sort(grid.expected)
    at = np.searchsorted(days, np.where(np.isnan(spine.reached), np.inf, spine.reached))
    return np.where(np.isnan(spine.reached), len(days), np.minimum(at, len(days) - 1)).astype(np.int64)


def _stretches(place: Ints, n: int, least: int, parted: NDArray[np.bool_]) -> Ints:
    """Stretches of neighbouring places with at least so many subjects each, none across a parting: (n,) stretch of each place."""
    count = np.bincount(place, minlength=n)
    full = np.concatenate([[0], np.cumsum(count)[:-1]]) // max(least, 1)
    return np.asarray(np.cumsum((np.diff(full, prepend=0) > 0) | parted), np.int64)


def _partings(place: Ints, code: Ints, n: int, k: int) -> NDArray[np.bool_]:
    """Places from which on no tuple is one that occurs before them, with `k` subjects on either side: (n,)."""
    _, tuples = np.unique(code, return_inverse=True)
    first, last = np.full(int(tuples.max(initial=-1)) + 1, n), np.full(int(tuples.max(initial=-1)) + 1, -1)
    np.minimum.at(first, tuples, place)
    np.maximum.at(last, tuples, place)
    across = ((first[:, None] < np.arange(n)) & (last[:, None] >= np.arange(n))).any(axis=0)
    before = np.concatenate([[0], np.cumsum(np.bincount(place, minlength=n))[:-1]])
    return np.asarray(~across & (np.minimum(before, len(place) - before) >= k), bool)


def _whole_stretches(place: Ints, n: int, least: int) -> Ints:
    """Stretches of neighbouring places, none of which has fewer subjects unless all together do: (n,) stretch of each place."""
    stretch, size = np.zeros(n, np.int64), 0
    left = len(place)
    for at, count in enumerate(np.bincount(place, minlength=n).tolist()):
        if size >= least and left >= least:
            stretch[at:], size = stretch[at] + 1, 0
        size, left = size + count, left - count
    return stretch
