"""Datasets that name no subject: those of the trial's design are copied, and what may be about persons is left out."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from replicator.counting import counted
from replicator.profile.structure import OF_ALL_ROWS, Kind, Role, StudyStructure
from replicator.standards.variables import domain_standard
from replicator.study_model.columns.codes import count_subjects
from replicator.tables.dataset import Dataset, Study

SUBJECT = "SUBJ"  # stands in the names of variables that name subjects
LONG = 6  # characters of an identifier that nothing else is called by chance
_WORD = re.compile(r"[\w./-]+")
DESIGN = "T"  # begins the names of the datasets of the trial's design


def without_persons(study: Study, structure: StudyStructure, k: int) -> tuple[Study, tuple[str, ...]]:
    """Leave out datasets that name no subject and may be about persons all the same.

    Those of the trial's design stay, and other datasets of the standard without subjects (devices, organisms) that have so few rows
    that each may be of `k` subjects; but none that has identifiers of subjects under another name, such as RSUBJID.

    Returns
    -------
    study : Study
    notes : tuple of str
        One for each that is left out, with the reason and the remedy.
    """
    subjects = _identifiers(study, structure, Role.SUBJECT)
    identifiers, n = np.union1d(subjects, _identifiers(study, structure, Role.RECORD_ID)), len(subjects)
    notes = {}
    for name, one in structure.datasets.items():
        if one.kind is Kind.REFERENCE and (why := _reason(study[name], identifiers, n, k) or _of_few(name, study, structure, k)):
            notes[name] = f"{name}: {why}, so nothing of its {counted(study[name].n_rows, 'row')} is kept; {_remedy(structure)}."
    kept = {name: dataset for name, dataset in study.datasets.items() if name not in notes}
    return (replace(study, datasets=kept), tuple(notes.values())) if notes else (study, ())


def _remedy(structure: StudyStructure) -> str:
    return f"give it {structure.subject_variable} if it is about subjects, or add it to the sample if it is not"


def _identifiers(study: Study, structure: StudyStructure, role: Role) -> np.ndarray:
    """Identifiers of subjects: as any dataset about them names them, or beside that in the subjects' own (SUBJID): (n,) of str."""
    found = [np.empty(0, object)]
    for name, one in structure.datasets.items():
        if role is Role.SUBJECT or name == structure.subjects:
            found += [study[name].text(variable).compact().levels for variable in one.with_role(role)]
    levels = np.concatenate(found).astype(str)
    return np.unique(levels[levels != ""])


def _reason(dataset: Dataset, identifiers: np.ndarray, n: int, k: int) -> str:
    """Why a dataset without subjects is left out; ``""`` if it is not."""
    naming = _naming(dataset, identifiers)
    if naming:
        variable, many = next(iter(naming.items()))
        return f"{variable} names {counted(many, 'subject')}"
    standard = domain_standard(dataset.domain) or domain_standard(dataset.name)
    if standard is None or standard.kind != Kind.REFERENCE:
        return "it names no subject and is of no dataset of the trial's design"
    if (dataset.domain or dataset.name).startswith(DESIGN) or dataset.n_rows * k <= n:
        return ""
    return f"it names no subject, and its rows are too many to be of {k} subjects each"


def _of_few(name: str, study: Study, structure: StudyStructure, k: int) -> str:
    """Why a dataset of things is left out: rows of subjects say that fewer than `k` have one of them; ``""`` if it is not."""
    for variable in (one for one in structure.datasets[name].with_role(Role.IDENTIFIER) if one not in OF_ALL_ROWS):
        people: dict[str, int] = {}
        for other, one in structure.datasets.items():
            who = one.with_role(Role.SUBJECT)
            if who and variable in study[other]:
                things, owners = study[other].text(variable).compact(), study[other].text(who[0]).compact()
                owner = np.where(owners.codes < 0, len(owners.levels), owners.codes).astype(np.int32)
                n = count_subjects(things.codes.astype(np.int64), owner, len(things.levels))
                people |= {
                    thing: max(many, people.get(thing, 0)) for thing, many in zip(things.levels.tolist(), n.tolist(), strict=True)
                }
        few = sum(0 < people.get(thing, 0) < k for thing in study[name].text(variable).compact().levels.tolist())
        if few:
            return f"{variable} has {counted(few, 'value')} that fewer than {k} subjects have"
    return ""


def _naming(dataset: Dataset, identifiers: np.ndarray) -> Mapping[str, int]:
    """Columns with identifiers of subjects, as cells or within a text, and of how many.

    One long identifier is enough; of numbers and short ones, which something else may be called as well, it takes two.
    """
    known = frozenset(identifiers.tolist())
    found = {}
    for name in dataset.names:
        values = [str(one) for one in dataset.text(name).compact().levels]
        within = {word.strip(".-/") for one in values for word in _WORD.findall(one)} | {*values}
        named = within & known
        telling = any(len(one) >= LONG and not one.isdecimal() for one in named)
        if telling or (len(named) > 1 and (SUBJECT in name or not _counts(values))):
            found[name] = len(named)
    return found


def _counts(values: Sequence[str]) -> bool:
    """Whether all values are short numbers, as those of visits are: that subjects are numbered alike says nothing.

    Numbers that begin with a zero are no counts.
    """
    return all(value.isdecimal() and len(value) < 4 and not (len(value) > 1 and value[0] == "0") for value in values)
