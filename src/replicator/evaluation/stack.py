"""Source, sample and holdout as one study, so that everything is coded once and compared by masks over subjects."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import IntEnum
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from replicator.counting import counted
from replicator.errors import StudyError
from replicator.profile.find import find_structure
from replicator.profile.structure import StudyStructure
from replicator.rules.view import StudyView
from replicator.tables.dataset import Column, Dataset, Numbers, Study, Text, Variable
from replicator.tables.joined import concatenate


class Origin(IntEnum):
    """Where a subject comes from."""

    SOURCE = 0
    SAMPLE = 1
    HOLDOUT = 2


MOST_LOOKED = 3  # datasets beside the subjects' that tell a holdout from the source
LACKS = "the sample lacks the dataset."
_PREFIX = {Origin.SOURCE: "0|", Origin.SAMPLE: "1|", Origin.HOLDOUT: "2|"}


@dataclass(frozen=True, eq=False)
class Stack:
    """The studies together.

    Attributes
    ----------
    view : StudyView
        All rows of all studies; datasets and variables are the source's, and the structure is what the source shows.
    origin : (n_subjects,) int8
        :class:`Origin` of each subject of the view.
    missing : tuple of str
        Datasets and variables of the source that the sample lacks, and those that only the sample has, one sentence each.
    other_studies : str
        That the sample, or who is held out, is of another study than the source, by STUDYID; ``""`` where they are of the same.
    studies : mapping of Origin to Study
        As given.
    """

    view: StudyView
    origin: NDArray[np.int8]
    missing: tuple[str, ...]
    other_studies: str
    studies: Mapping[Origin, Study]

    @property
    def structure(self) -> StudyStructure:
        """Structure of the source."""
        return self.view.structure

    def subjects(self, origin: Origin) -> NDArray[np.intp]:
        """Positions of the subjects of one study."""
        return np.flatnonzero(self.origin == origin)

    def rows(self, name: str, origin: Origin) -> NDArray[np.bool_]:
        """(n_rows,) mask of the rows of a dataset that belong to subjects of one study."""
        return np.asarray(np.append(self.origin, -1)[self.view.subject(name)] == origin)

    @cached_property
    def arm(self) -> tuple[NDArray[np.int64], tuple[str, ...]]:
        """Arm of each subject (n_subjects,), -1 without one, and the arms' names; the arm that was taken before the planned one."""
        for variable in ("ACTARM", "ARM", "ACTARMCD", "ARMCD", "TRT01A", "TRT01P"):
            name, row = self.view.of_subject(variable)
            if name:
                column = self.view.text(name, variable).compact()
                return np.append(column.codes, -1)[row].astype(np.int64), tuple(str(level) for level in column.levels)
        return np.full(len(self.origin), -1, np.int64), ()


def stack_studies(source: Study, sample: Study, holdout: Study | None = None) -> Stack:
    """Put the studies together.

    Raises
    ------
    StudyError
        If the sample has no dataset of the source, or a study names no subjects.
    """
    structure = find_structure(replace(source, notes=()), derivations=False)
    studies = {Origin.SOURCE: source, Origin.SAMPLE: sample} | ({} if holdout is None else {Origin.HOLDOUT: holdout})
    if holdout is not None:
        _check_held_out(source, holdout, structure.subjects)
    shared = [name for name in source.datasets if name in sample.datasets]
    if not shared:
        raise StudyError(
            f"The sample ({', '.join(sample.datasets) or 'nothing'}) has none of the source's "
            f"{counted(len(source.datasets), 'dataset')} ({', '.join(source.datasets)}); give a sample of the same study."
        )
    datasets = {name: _together(name, studies, structure.subject_variable) for name in source.datasets}
    view = StudyView(source.with_datasets(datasets.values()), structure)
    known = {prefix: origin for origin, prefix in _PREFIX.items()}
    origin = np.array([known[str(one)[:2]] for one in view.subject_ids], np.int8)
    return Stack(view, origin, tuple(_differences(source, sample)), _other_studies(studies), studies)


def _check_held_out(source: Study, holdout: Study, subjects: str) -> None:
    """Refuse a holdout most of whose subjects are the source's, by the rows of the subjects and of the smallest other datasets."""
    others = sorted(
        (one.n_rows, name) for name, one in source.datasets.items() if name in holdout and name != subjects and one.n_rows
    )
    looked = [name for name in (subjects, *(name for _, name in others[:MOST_LOOKED])) if name in source and name in holdout]
    same = [_rows_of(source[name]) & _rows_of(holdout[name]) for name in looked]
    if (
        len(looked) < 2
        or looked[0] != subjects
        or any(2 * len(both) <= holdout[name].n_rows for name, both in zip(looked, same, strict=True))
    ):
        return
    raise StudyError(
        f"{subjects}: {len(same[0]):,} of {holdout[subjects].n_rows:,} subjects that are held out are subjects of the source; give "
        "subjects that the model never saw, or none."
    )


def _rows_of(dataset: Dataset) -> set[tuple[str, ...]]:
    return set(zip(*(dataset.text(name).strings().tolist() for name in dataset.names), strict=True))


def _together(name: str, studies: Mapping[Origin, Study], subject: str) -> Dataset:
    first = studies[Origin.SOURCE][name]
    parts = [_aligned(study[name], first, subject, _PREFIX[origin]) if name in study else None for origin, study in studies.items()]
    return concatenate([part for part in parts if part is not None])


def _aligned(dataset: Dataset, first: Dataset, subject: str, prefix: str) -> Dataset:
    """Give a dataset the variables and types of another, and its subjects a prefix."""
    columns: dict[str, Column] = {}
    for variable in first.variables:
        columns[variable.name] = _column(dataset, variable)
    if subject in columns:
        text = dataset.text(subject)
        columns[subject] = Text(text.codes, np.array([prefix + str(level) for level in text.levels], dtype=object))
    variables = tuple(replace(one, type="char") if one.name == subject else one for one in first.variables)
    return Dataset(first.name, variables, columns, first.label)


def _column(dataset: Dataset, variable: Variable) -> Column:
    if variable.name not in dataset:
        n = dataset.n_rows
        return Numbers(np.full(n, np.nan)) if variable.type == "num" else Text.constant("", n)
    return Numbers(dataset.numbers(variable.name)) if variable.type == "num" else dataset.text(variable.name)


def _other_studies(studies: Mapping[Origin, Study]) -> str:
    named = {"the sample": studies[Origin.SAMPLE].name}
    named |= {"who is held out": studies[Origin.HOLDOUT].name} if Origin.HOLDOUT in studies else {}
    own = studies[Origin.SOURCE].name
    others = " and ".join(f"{side} of {name}" for side, name in named.items() if own and name and name != own)
    return (
        f"By STUDYID these are different studies: the source is of {own}, {others}; they are compared all the same."
        if others
        else ""
    )


def _differences(source: Study, sample: Study) -> list[str]:
    found = [f"{name}: {LACKS}" for name in source.datasets if name not in sample]
    found += [f"{name}: only the sample has the dataset." for name in sample.datasets if name not in source]
    for name, dataset in source.datasets.items():
        if name in sample:
            found += [f"{name}.{v}: the sample lacks the variable." for v in dataset.names if v not in sample[name]]
            found += [f"{name}.{v}: only the sample has the variable." for v in sample[name].names if v not in dataset]
    return found
