"""The subjects' dataset: which of its variables follow from the arm or the course, and which are traits of a subject."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from replicator.models.contingency import cramers_v
from replicator.profile.structure import Content, DatasetStructure, Role
from replicator.study_model.columns.blocks import fit_block
from replicator.study_model.columns.codes import column_codes, take_codes
from replicator.study_model.columns.conditions import codes_among, join_codes, shared_levels
from replicator.study_model.columns.dated import DateFormat
from replicator.study_model.columns.measures import count_decimals
from replicator.study_model.columns.odd_dates import lost_notes
from replicator.study_model.course.grid import Grid
from replicator.study_model.marks.mark import states_given
from replicator.study_model.source import ARM_VARIABLES
from replicator.study_model.spine import Spine
from replicator.study_model.subjects.birth import BirthDate
from replicator.study_model.subjects.demography_tuples import Demography, tuple_codes
from replicator.study_model.subjects.milestones import Milestone, PlannedArms
from replicator.tables.dataset import Column, Dataset, Numbers
from replicator.tables.dates import parse_dates

Floats = NDArray[np.float64]
ARM_REASON = "ARMNRS"  # says why a subject has no arm
NO_ARM = (
    "ASSIGNED, NOT TREATED",
    "NOT ASSIGNED",
    "SCREEN FAILURE",
    "UNPLANNED TREATMENT",
)  # CDISC's codelist ARMNULRS: nobody's words
ALIKE = 0.6  # Cramer's V from which two categories are drawn as one tuple


@dataclass(frozen=True, eq=False)
class SubjectsDataset:
    """What is learned of the subjects' dataset alone; nothing of a study without one.

    Attributes
    ----------
    name : str
        The dataset; ``""`` for none.
    demography, milestones, numbers, by_arm, planned, formats, birth
        As in :class:`~replicator.study_model.subjects.joint.SubjectModel`.
    values : mapping of str to (n,) float64
        Traits of the joint model.
    decimals : mapping of str to int or None
        Places to which traits that are numbers are rounded.
    notes : tuple of str
        What is not kept.
    """

    name: str = ""
    demography: tuple[Demography, ...] = ()
    milestones: tuple[Milestone, ...] = ()
    numbers: tuple[str, ...] = ()
    by_arm: Mapping[str, Column] = field(default_factory=dict)
    planned: PlannedArms | None = None
    formats: Mapping[str, DateFormat] = field(default_factory=dict)
    birth: BirthDate | None = None
    values: Mapping[str, Floats] = field(default_factory=dict)
    decimals: Mapping[str, int | None] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    @classmethod
    def fit(
        cls,
        dataset: Dataset,
        structure: DatasetStructure,
        spine: Spine,
        grid: Grid,
        states: Mapping[str, Floats],
        k: int,
    ) -> SubjectsDataset:
        """Learn from one row a subject.

        Parameters
        ----------
        dataset, structure : Dataset, DatasetStructure
            The dataset.
        spine, grid : Spine, Grid
            The subjects with their marks, and the visits of their course.
        states : mapping of str to (n,) float64
            States of the marks, by ``mark DATASET.VARIABLE``.
        k : int
            Fewest subjects behind anything kept.
        """
        everyone = np.arange(spine.n, dtype=np.int32)
        plan = _plan(dataset, structure, spine, k)
        demography: list[Demography] = []
        milestones: list[Milestone] = []
        values: dict[str, Floats] = {}
        notes: list[str] = []
        for i, names in enumerate(plan.tuples):
            codes, columns, lost = tuple_codes(dataset, names, everyone, k, structure.name)
            notes += lost
            if milestone := Milestone.fit(names, columns, codes, spine, grid, k):
                milestones.append(milestone)
            else:
                demography.append(Demography(f"tuple {i + 1}", names, columns))
                values[demography[-1].trait] = codes
        decimals: dict[str, int | None] = {}
        for name in plan.numbers:
            x = dataset.numbers(name)
            values[f"number {name}"], decimals[f"number {name}"] = x, count_decimals(x)
            if np.isnan(x).mean() > 0:
                values[f"present {name}"] = np.isfinite(x).astype(np.float64)
        formats: dict[str, DateFormat] = {}
        for name in structure.with_role(Role.DATE):
            text, state = dataset.text(name), states.get(f"mark {structure.name}.{name}", np.zeros(spine.n))
            given = states_given(state.astype(np.int64))
            if 0 < int((~text.missing).sum()) < k:
                formats[name] = DateFormat.to_the_day(given, everyone, k)
                continue
            formats[name] = DateFormat.fit(text, parse_dates(text), given, everyone, k)
            notes += lost_notes(f"{structure.name}.{name}", text, parse_dates(text), everyone, k)
        return cls(
            structure.name,
            tuple(demography),
            tuple(milestones),
            plan.numbers,
            {name: _by_arm(dataset[name], spine) for name in plan.by_arm},
            _planned(dataset, plan.planned, _told_by_arms(dataset, structure, plan, demography, k), spine, grid, k),
            formats,
            BirthDate.fit(dataset, spine.marks),
            values,
            decimals,
            tuple(notes),
        )


@dataclass(frozen=True)
class _Plan:
    tuples: tuple[tuple[str, ...], ...]
    numbers: tuple[str, ...]
    by_arm: tuple[str, ...]
    planned: tuple[str, ...]


def _plan(dataset: Dataset, structure: DatasetStructure, spine: Spine, k: int) -> _Plan:
    """Decide how each variable of the subjects' dataset is learned."""
    tuples: list[list[str]] = []
    numbers: list[str] = []
    by_arm: list[str] = []
    planned: list[str] = []
    skip = (Role.SUBJECT, Role.SEQUENCE, Role.RECORD_ID, Role.DATE, Role.STUDY_DAY, Role.IDENTIFIER)
    coded: dict[str, NDArray[np.int64]] = {}
    for variable in structure.variables:
        name = variable.name
        if variable.role in skip:
            continue
        if variable.content is Content.EMPTY or _follows_arm(name, dataset[name], spine, k):
            by_arm.append(name)
        elif name in ARM_VARIABLES:
            planned.append(name)
        elif isinstance(dataset[name], Numbers) and variable.content in (Content.INTEGER, Content.DECIMAL, Content.UNIQUE):
            numbers.append(name)
        else:
            codes, _ = column_codes(dataset[name])
            coded[name] = codes
            home = next((group for group in tuples if any(cramers_v(codes, coded[other]) >= ALIKE for other in group)), None)
            if home is None:
                tuples.append([name])
            else:
                home.append(name)
    return _Plan(tuple(tuple(group) for group in tuples), tuple(numbers), tuple(by_arm), tuple(planned))


def _planned(
    dataset: Dataset, names: tuple[str, ...], told: Mapping[str, Column], spine: Spine, grid: Grid, k: int
) -> PlannedArms | None:
    """Tuples of arm names given the arm, what they tell, and the course; rare ones become the nearest others."""
    if not names:
        return None
    everyone = np.arange(spine.n, dtype=np.int32)
    coded = [(name, *column_codes(dataset[name])) for name in names]
    beside = [codes_among(dataset[name], levels) for name, levels in told.items()]
    design = join_codes([spine.arm, *beside], spine.n).astype(np.int32)
    block, code, used = fit_block(coded, [], everyone, k, design, coverage=0.0)
    return PlannedArms.fit(block.names[:used], block.values, code, spine, grid, k, told, beside)


def _told_by_arms(
    dataset: Dataset, structure: DatasetStructure, plan: _Plan, demography: Sequence[Demography], k: int
) -> dict[str, Column]:
    """Traits that follow from the name of an arm, as sexes do from codes of sets of animals: levels of at least k subjects."""
    traits = [name for one in demography for name in one.names]
    told: dict[str, Column] = {}
    for one in structure.dependencies:
        if one.dependent in traits and len(one.determinants) == 1 and one.determinants[0] in plan.planned:
            told[one.dependent] = shared_levels(dataset[one.dependent], np.arange(dataset.n_rows, dtype=np.int32), k)[1]
    return told


def _by_arm(column: Column, spine: Spine) -> Column:
    """The most frequent cell of each arm: what an arm is called and gets is its design."""
    codes, levels = column_codes(column)
    table = np.zeros((len(spine.arms), len(levels) + 1))
    np.add.at(table, (spine.arm.astype(np.intp), codes.astype(np.intp)), 1.0)  # missing comes last
    common = table.argmax(axis=1)
    return take_codes(levels, np.where(common == len(levels), -1, common))


def _follows_arm(name: str, column: Column, spine: Spine, k: int) -> bool:
    """Whether (nearly) all subjects of an arm have the same cell, and at least k subjects share it if it does not name the arm."""
    codes, levels = column_codes(column)
    table = np.zeros((len(spine.arms), len(levels) + 1))
    np.add.at(table, (spine.arm.astype(np.intp), codes.astype(np.intp)), 1.0)
    exceptions = int((table.sum(axis=1) - table.max(axis=1)).sum())
    if name == ARM_REASON and set(levels.strings().tolist()) <= set(NO_ARM):
        return exceptions == 0
    if name in ARM_VARIABLES:
        return exceptions < k
    return exceptions == 0 and bool((table[:, :-1].sum(axis=0) >= k).all())
