"""The joint model of the subject: demography, marks, and the features of all parts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from replicator.config import FitConfig
from replicator.models.copula_engines import engine
from replicator.models.even_draws import draw_groups
from replicator.models.joint import JointModel
from replicator.profile.structure import DatasetStructure
from replicator.study_model.columns.dated import DateFormat
from replicator.study_model.columns.stand_in_codes import levels_or_stand_ins
from replicator.study_model.course.course import REACH, Course
from replicator.study_model.course.deaths import until_death
from replicator.study_model.course.grid import FIRST_VISIT, LAST_VISIT, as_visits
from replicator.study_model.course.openness import move_to_weekday, weekday_shares
from replicator.study_model.marks.mark import ABSENT, states_given
from replicator.study_model.marks.marks import Marks
from replicator.study_model.source import Source
from replicator.study_model.spine import Spine
from replicator.study_model.subjects.arm_doses import arm_doses
from replicator.study_model.subjects.birth import AGE, BirthDate, least_age
from replicator.study_model.subjects.classes import draw_classes
from replicator.study_model.subjects.demography import SubjectsDataset
from replicator.study_model.subjects.demography_tuples import Demography
from replicator.study_model.subjects.milestones import Milestone, PlannedArms
from replicator.tables.dataset import Column, Numbers

Floats = NDArray[np.float64]


SOME_DAY = 10957.0  # 2000-01-01, on which a study begins of which too few subjects tell when


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
        kin: Mapping[str, tuple[str, str]],
        config: FitConfig,
    ) -> tuple[SubjectModel, tuple[str, ...]]:
        """Learn the subjects' dataset, the marks, and the features of all parts jointly."""
        k = config.k
        stratum = arm_strata(source)
        course = Course.fit(source.spine, stratum, k)
        spine = course.grid.mark(source.spine)
        own = {name: day for name, day in spine.marks.items() if name not in (FIRST_VISIT, LAST_VISIT) or name in course.given}
        marks, values, states = Marks.fit(
            replace(spine, marks=own),
            k,
            course.given,
            course.days_given(spine),
            course.finishing(course.groups(spine)),
            stratum[spine.arm],
        )
        values = {**values, **course.traits(spine), "enrolment": spine.anchor if spine.n >= k else np.full(spine.n, SOME_DAY)}
        decimals: dict[str, int | None] = {name: None if name == REACH else 0 for name in values}
        learned = SubjectsDataset()
        if structure is not None:
            learned = SubjectsDataset.fit(source.datasets[structure.name], structure, spine, course.grid, values, k)
        decimals |= learned.decimals
        values |= {**learned.values, **{name: x for name, x in features.items() if np.isfinite(x).any()}}
        unordered = frozenset([*states, *(one.trait for one in learned.demography)]) | nominal
        unordered |= {name for name, alike in ((REACH, course.few_leave), ("enrolment", spine.n < k)) if alike}
        strata = {name: course.ending_stratum for name in values if name.startswith(("mark ", "days "))}
        groups = course.groups(spine)
        doses = np.repeat(arm_doses(source), course.n_groups // max(len(spine.arms), 1))
        joint = JointModel.fit(
            values,
            unordered,
            groups,
            course.group_stratum,
            k,
            decimals,
            engine(config.copula),
            strata,
            doses,
            kin=kin,
            least={f"number {AGE}": least_age(source.datasets[learned.name], k)} if learned.name else {},
            explained=[name for name in features if name in values and name not in nominal],
            explaining=[one.trait for one in learned.demography],
        )
        model = cls(
            learned.name,
            spine.arms,
            np.bincount(spine.arm, minlength=len(spine.arms)) / max(spine.n, 1),
            joint,
            learned.demography,
            learned.milestones,
            learned.numbers,
            learned.by_arm,
            learned.planned,
            course,
            marks,
            learned.formats,
            weekday_shares(spine.anchor, k),
            _covariates(source, learned.name, k),
            learned.birth,
        )
        return model, learned.notes

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
        for item in self.demography:
            code = drawn[item.trait].astype(np.int64)
            columns |= {name: column.take(code) for name, column in zip(item.names, item.values, strict=True)}
        if self.planned is not None:
            columns |= self.planned.sample(spine, self.course.grid, columns, rng)
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
            state = np.where((state == ABSENT) & np.isfinite(day), self.marks.usual_state(f"{self.dataset}.{name}"), state)
            columns[name] = written.sample(day, states_given(state), rng)
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
        few = self.marks.death is not None and self.marks.death.between_visits
        share = rng.random(n) if few else None
        stratum = course.stratum[arm]
        marks = self.marks.build(anchor, drawn, share=share, stratum=stratum) if course.horizon else {}
        until = np.floor(marks[course.horizon]) - course.margin - anchor if course.horizon else np.full(n, np.inf)
        until = np.where(np.isnan(until), np.inf, until)
        day = course.sample(anchor, arm, course.reach(group, arm, drawn, until, rng), until, rng)
        spine = course.grid.mark(Spine(n, arm, self.arms, anchor, marks, as_visits(day, course.grid.numbers), {}, {}))
        if not course.horizon:
            days, finished = course.days_given(spine), course.finishing(group)
            built = self.marks.build(anchor, drawn, spine.marks, days, finished, share, stratum, arm)
            return until_death(course.grid, replace(spine, marks={**spine.marks, **built}), self.marks.death)
        first, last = spine.marks.get(FIRST_VISIT, marks["FIRST"]), spine.marks.get(LAST_VISIT, marks["LAST"])
        bounds = {"FIRST": np.fmin(marks["FIRST"], first), "LAST": np.fmax(marks["LAST"], last)}
        return replace(spine, marks=dict(spine.marks) | bounds)


def _covariates(source: Source, dataset: str, k: int) -> dict[str, tuple[str, ...]]:
    """Levels of the covariates of the source's subjects, from their dataset; none for the name ``""``."""
    if not dataset:
        return {}
    columns, codes = source.datasets[dataset].columns, source.spine.covariates
    return {name: levels_or_stand_ins(columns[name], codes[name], levels, k) for name, levels in source.levels.items()}


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
