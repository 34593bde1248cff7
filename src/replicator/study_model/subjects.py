"""The joint model of the subject: demography, marks, and the features of all parts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from replicator.config import FitConfig
from replicator.distinct import distinct_values
from replicator.models.contingency import cramers_v
from replicator.models.copula_engines import engine
from replicator.models.even_draws import draw_groups
from replicator.models.joint import JointModel
from replicator.profile.structure import Content, DatasetStructure, Role
from replicator.study_model.arm_doses import arm_doses
from replicator.study_model.attributes import column_codes, count_decimals, count_subjects, fit_block, take_codes
from replicator.study_model.birth import BirthDate
from replicator.study_model.classes import draw_classes
from replicator.study_model.course import REACH, Course
from replicator.study_model.course_grid import FIRST_VISIT, LAST_VISIT, Grid, as_visits
from replicator.study_model.dated import DateFormat
from replicator.study_model.marks import ABSENT, OTHER, Marks
from replicator.study_model.milestones import Milestone, PlannedArms
from replicator.study_model.openness import move_to_weekday
from replicator.study_model.source import ARM_VARIABLES, Source
from replicator.study_model.spine import Spine
from replicator.study_model.stand_in_codes import ORDINARY, replace_rare_codes
from replicator.tables.dataset import Column, Dataset, Numbers, Text
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
class Demography:
    """Tuples of categories of the subjects' dataset that are drawn as one trait.

    Attributes
    ----------
    trait : str
        Name in the joint model.
    names : tuple of str
        Variables.
    values : tuple of Column
        Their cells, one row a tuple.
    """

    kind: ClassVar[str] = "demography"

    trait: str
    names: tuple[str, ...]
    values: tuple[Column, ...]


@dataclass(frozen=True, eq=False)
class SubjectModel:
    """Everything that is one value a subject.

    Attributes
    ----------
    dataset : str
        Name of the subjects' dataset; ``""`` if the study has none.
    arms : tuple of str
    arm_share : (n_arms,) float64
        Probability of each arm.
    joint : JointModel
        Traits: ``tuple …``, ``number …``, ``mark …``, ``days …``, ``enrolment``, ``course``, and the features of parts,
        ``PART/feature``; within classes of the course.
    demography : tuple of Demography
    milestones : tuple of Milestone
        Variables that the course tells.
    numbers : tuple of str
        Numeric variables that are traits of their own.
    by_arm : mapping of str to Column
        Variables that follow from the arm: a cell an arm.
    planned : PlannedArms or None
        Names of arms that differ from the arm a subject was really in.
    course : Course
        Which visits a subject comes to, and when.
    marks : Marks
    formats : mapping of str to DateFormat
        How each date variable is written, given the state of its mark.
    weekday : (7,) float64
        Share of anchors by day of the week, Monday first.
    covariates : mapping of str to tuple of str
        Levels of :attr:`Spine.covariates`; ``""`` stands for one that fewer than k subjects share.
    birth : BirthDate or None
        How the date of birth follows from the age.
    """

    kind: ClassVar[str] = "subject model"

    dataset: str
    arms: tuple[str, ...]
    arm_share: Floats
    joint: JointModel
    demography: tuple[Demography, ...]
    milestones: tuple[Milestone, ...]
    numbers: tuple[str, ...]
    by_arm: Mapping[str, Column]
    planned: PlannedArms | None
    course: Course
    marks: Marks
    formats: Mapping[str, DateFormat]
    weekday: Floats
    covariates: Mapping[str, tuple[str, ...]]
    birth: BirthDate | None = None

    @classmethod
    def fit(
        cls,
        source: Source,
        structure: DatasetStructure | None,
        features: Mapping[str, Floats],
        nominal: frozenset[str],
        config: FitConfig,
    ) -> tuple[SubjectModel, tuple[str, ...]]:
        """Learn the subjects' dataset, the marks, and the features of all parts jointly."""
        k = config.k
        stratum = arm_strata(source)
        course = Course.fit(source.spine, stratum, k)
        spine = course.grid.mark(source.spine)
        everyone = np.arange(spine.n, dtype=np.int32)
        own = {name: day for name, day in spine.marks.items() if name not in (FIRST_VISIT, LAST_VISIT) or name in course.given}
        marks, values, states = Marks.fit(replace(spine, marks=own), k, course.given)
        values = values | course.traits(spine)
        values["enrolment"] = spine.anchor.astype(np.float64)
        decimals: dict[str, int | None] = {name: None if name == REACH else 0 for name in values}
        categories: set[str] = {*states, *([REACH] if course.few_leave else [])}
        demography: list[Demography] = []
        milestones: list[Milestone] = []
        numbers: list[str] = []
        formats: dict[str, DateFormat] = {}
        by_arm: dict[str, Column] = {}
        planned: PlannedArms | None = None
        notes: list[str] = []
        birth: BirthDate | None = None
        if structure is not None:
            dataset = source.datasets[structure.name]
            plan = _plan(dataset, structure, spine, k)
            for i, names in enumerate(plan.tuples):
                trait = f"tuple {i + 1}"
                codes, columns, note = _tuple_codes(dataset, names, everyone, k, structure.name)
                notes += note
                if milestone := Milestone.fit(names, columns, codes, spine, course.grid, k):
                    milestones.append(milestone)
                    continue
                values[trait] = codes
                categories.add(trait)
                demography.append(Demography(trait, names, columns))
            for name in plan.numbers:
                numbers.append(name)
                x = dataset.numbers(name)
                values[f"number {name}"], decimals[f"number {name}"] = x, count_decimals(x)
                if np.isnan(x).mean() > 0:
                    values[f"present {name}"] = np.isfinite(x).astype(np.float64)
            by_arm = {name: _by_arm(dataset[name], spine) for name in plan.by_arm}
            planned = _planned(dataset, plan.planned, spine, course.grid, k)
            birth = BirthDate.fit(dataset, spine.marks)
            for name in structure.with_role(Role.DATE):
                text = dataset.text(name)
                state = values.get(f"mark {structure.name}.{name}", np.zeros(spine.n)).astype(np.int64)
                formats[name] = DateFormat.fit(text, parse_dates(text), [state], everyone, k)
        for name, x in features.items():
            if np.isfinite(x).any():
                values[name] = x
        unordered = frozenset(categories) | nominal
        strata = {name: course.ending_stratum for name in values if name.startswith(("mark ", "days "))}
        groups = course.groups(spine)
        doses = np.repeat(arm_doses(source), course.n_groups // max(len(spine.arms), 1))
        joint = JointModel.fit(values, unordered, groups, course.group_stratum, k, decimals, engine(config.copula), strata, doses)
        share = np.bincount(spine.arm, minlength=len(spine.arms)) / max(spine.n, 1)
        weekday = np.bincount((spine.anchor.astype(np.int64) + 3) % 7, minlength=7) + 0.5
        model = cls(
            structure.name if structure is not None else "",
            spine.arms,
            share,
            joint,
            tuple(demography),
            tuple(milestones),
            tuple(numbers),
            by_arm,
            planned,
            course,
            marks,
            formats,
            weekday / weekday.sum(),
            {
                name: _shared_levels(source.datasets[structure.name][name], spine.covariates[name], levels, k)
                for name, levels in source.levels.items()
                if structure is not None
            },
            birth,
        )
        return model, tuple(notes)

    def sample_arms(self, n: int, rng: np.random.Generator) -> NDArray[np.int32]:
        """Draw arms (n,), so that those of the first subjects, however many, are close to their shares."""
        return draw_groups(n, self.arm_share, rng)

    def sample(
        self, arm: NDArray[np.int32], rng: np.random.Generator, before: int = 0, turns: np.random.Generator | None = None
    ) -> tuple[Spine, dict[str, Column]]:
        """Draw subjects of the given arms.

        Parameters
        ----------
        before : int
            Subjects of the same sequence that come before these.
        turns : numpy.random.Generator, optional
            Tells where in the sequence rare states come: a fresh one of the same stream for all its parts.

        Returns
        -------
        spine : Spine
            With the visits of the course alone.
        columns : dict of str to Column
            The subjects' dataset but for identifiers and study days, one row a subject.
        """
        n, order = len(arm), (before, rng if turns is None else turns)
        group, known = draw_classes(self.marks.death, self.joint, self.course, self.arm_share, arm, order, rng)
        drawn = self.joint.sample(group, rng, known)
        anchor = move_to_weekday(np.floor(drawn["enrolment"]), self.weekday, rng)
        spine = self._sample_course(anchor, arm, group, drawn, rng)
        marks = dict(spine.marks)
        columns: dict[str, Column] = {name: column.take(arm) for name, column in self.by_arm.items()}
        if self.planned is not None:
            columns |= self.planned.sample(spine, self.course.grid, rng)
        for item in self.demography:
            code = drawn[item.trait].astype(np.int64)
            columns |= {name: column.take(code) for name, column in zip(item.names, item.values, strict=True)}
        for milestone in self.milestones:
            columns |= milestone.sample(spine, self.course.grid, rng)
        for name in self.numbers:
            value = drawn[f"number {name}"]
            absent = drawn.get(f"present {name}", np.ones(n)) < 0.5
            columns[name] = Numbers(np.where(absent, np.nan, value))
        if self.birth is not None and self.birth.age in columns:
            marks[self.birth.mark] = self.birth.move(marks, columns[self.birth.age], anchor)
        for name, written in self.formats.items():
            day = marks.get(f"{self.dataset}.{name}", np.full(n, np.nan))
            state = drawn.get(f"mark {self.dataset}.{name}", np.zeros(n)).astype(np.int64)
            state = np.where((state == ABSENT) & np.isfinite(day), OTHER, state)
            columns[name] = written.sample(day, [state], rng)
        covariates = {name: _codes_in(columns[name], levels) for name, levels in self.covariates.items() if name in columns}
        return replace(spine, marks=marks, covariates=covariates, features={x: drawn[x] for x in drawn if "/" in x}), columns

    def _sample_course(
        self,
        anchor: Floats,
        arm: NDArray[np.int32],
        group: NDArray[np.int64],
        drawn: Mapping[str, Floats],
        rng: np.random.Generator,
    ) -> Spine:
        """Draw visits and marks, whichever the source shows to come first."""
        course, n = self.course, len(arm)
        marks = self.marks.build(anchor, drawn) if course.horizon else {}
        until = np.floor(marks[course.horizon]) - course.margin - anchor if course.horizon else np.full(n, np.inf)
        until = np.where(np.isnan(until), np.inf, until)
        day = course.sample(anchor, arm, course.reach(group, arm, drawn, until, rng), until, rng)
        spine = course.grid.mark(Spine(n, arm, self.arms, anchor, marks, as_visits(day, course.grid.numbers), {}, {}))
        if not course.horizon:
            built = self.marks.build(anchor, drawn, spine.marks)
            return course.until_death(replace(spine, marks={**spine.marks, **built}), self.marks.death)
        first, last = spine.marks.get(FIRST_VISIT, marks["FIRST"]), spine.marks.get(LAST_VISIT, marks["LAST"])
        bounds = {"FIRST": np.fmin(marks["FIRST"], first), "LAST": np.fmax(marks["LAST"], last)}
        return replace(spine, marks=dict(spine.marks) | bounds)


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


def _planned(dataset: Dataset, names: tuple[str, ...], spine: Spine, grid: Grid, k: int) -> PlannedArms | None:
    """Tuples of arm names given the arm and the course; those that fewer than k subjects share become the nearest others."""
    if not names:
        return None
    everyone = np.arange(spine.n, dtype=np.int32)
    coded = [(name, *column_codes(dataset[name])) for name in names]
    block, code, used = fit_block(coded, [], everyone, k, spine.arm, coverage=0.0)
    return PlannedArms.fit(block.names[:used], block.values, code, spine, grid, k)


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


def _tuple_codes(
    dataset: Dataset, names: tuple[str, ...], subject: NDArray[np.int32], k: int, owner: str
) -> tuple[Floats, tuple[Column, ...], list[str]]:
    """Code the tuples of some variables; rare codes of identifiers become others of the same pattern, rare tuples go."""
    joint = np.zeros(dataset.n_rows, np.int64)
    parts = []
    for name in names:
        column = dataset[name]
        if isinstance(column, Text):
            column = replace_rare_codes(column, subject, k)
        codes, levels = column_codes(column)
        parts.append((codes, levels))
        _, joint = distinct_values(joint * (len(levels) + 1) + codes + 1, return_inverse=True)
    n_tuples = int(joint.max()) + 1 if len(joint) else 0
    stand_in = np.zeros(n_tuples, bool)
    if len(names) == 1 and isinstance(dataset[names[0]], Text):
        before = set(dataset.text(names[0]).levels.tolist())
        codes, levels = parts[0]
        new = np.array([text not in before for text in levels.strings()] + [False])
        stand_in[joint] = new[codes]
    common = (count_subjects(joint, subject, n_tuples) >= k) | stand_in
    lost, listed = int((~common).sum()), ", ".join(names)
    notes = (
        [f"{owner}.{listed}: {lost} values that fewer than {k} subjects share are not kept; lower k to keep them."] if lost else []
    )
    if not common.any():
        return *_of_cells(names, parts, [set(dataset[name].strings().tolist()) for name in names], k), notes
    kept = np.flatnonzero(common)
    first = np.zeros(n_tuples, np.intp)
    first[joint[::-1]] = np.arange(len(joint))[::-1]
    position = np.full(n_tuples, np.nan)
    position[kept] = np.arange(len(kept))
    columns = tuple(take_codes(levels, codes[first[kept]]) for codes, levels in parts)
    return position[joint], columns, notes


def _of_cells(
    names: tuple[str, ...], parts: Sequence[tuple[NDArray[np.int64], Column]], known: Sequence[set[str]], k: int
) -> tuple[Floats, tuple[Column, ...]]:
    """Tuples of cells that may be kept one by one; where everybody has some, new codes or terms of the standard stand in."""
    cells: list[Column] = []
    for name, (codes, levels), texts in zip(names, parts, known, strict=True):
        code = _shared_code(codes, k)
        new = ORDINARY.get(name, ()) or tuple(text for text in levels.strings().tolist() if text not in texts)
        terms = new if code < 0 and (codes >= 0).all() else ()
        cells.append(Text.of(terms) if terms else take_codes(levels, np.array([code])))
    combined = np.array(list(product(*(range(len(one)) for one in cells))), np.intp)
    return (np.arange(len(parts[0][0])) % len(combined)).astype(np.float64), tuple(
        one.take(combined[:, i]) for i, one in enumerate(cells)
    )


def _shared_code(codes: NDArray[np.int64], k: int) -> int:
    """The most frequent code of the subjects (n,), -1 if fewer than `k` share it."""
    count = np.bincount(codes[codes >= 0], minlength=1)
    return int(count.argmax()) if count.max() >= k else -1


def _shared_levels(column: Column, codes: NDArray[np.int32], levels: tuple[str, ...], k: int) -> tuple[str, ...]:
    """Levels in their places; those that fewer than `k` subjects share as their stand-ins, or as ``""`` if they have none."""
    drawn = np.array(levels, object)
    if isinstance(column, Text):
        drawn[codes[codes >= 0]] = replace_rare_codes(column, np.arange(len(codes), dtype=np.int32), k).strings()[codes >= 0]
    count = np.bincount(codes[codes >= 0], minlength=len(levels))
    return tuple(str(text) if n >= k or text != level else "" for level, text, n in zip(levels, drawn, count.tolist(), strict=True))


def _codes_in(column: Column, levels: tuple[str, ...]) -> NDArray[np.int32]:
    """Code a drawn column by the levels of the source; -1 where it is none of them."""
    place = {level: i for i, level in enumerate(levels) if level}
    return np.array([place.get(text, -1) for text in column.strings()], dtype=np.int32)


def arm_strata(source: Source) -> NDArray[np.int64]:
    """Group arms that take part in the same datasets: (n_arms,) stratum of each arm.

    Two arms are of different strata if there is a dataset that nobody of one and most of the other appear in (screen failures
    have no laboratory values); nothing is learned from one stratum for another.
    """
    spine = source.spine
    size = np.maximum(np.bincount(spine.arm, minlength=len(spine.arms)), 1)
    shares = []
    for rows in source.subject.values():
        seen = np.zeros(spine.n, bool)
        seen[rows] = True
        shares.append(np.bincount(spine.arm[seen], minlength=len(spine.arms)) / size)
    signature = np.array(shares)
    stratum = np.full(len(spine.arms), -1, np.int64)
    for arm in np.argsort(-size, kind="stable"):
        for other in range(stratum.max(initial=-1) + 1):
            head = int(np.flatnonzero(stratum == other)[np.argmax(size[stratum == other])])
            a, b = signature[:, arm], signature[:, head]
            if not (((a == 0) & (b > 0.5)) | ((b == 0) & (a > 0.5))).any():
                stratum[arm] = other
                break
        else:
            stratum[arm] = stratum.max() + 1
    return stratum
