"""Find the structure of a study: kinds, roles, contents, keys, dependencies, derivations."""

from __future__ import annotations

import numpy as np

from replicator.counting import counted
from replicator.derivations.find import find_derivations
from replicator.errors import StudyError
from replicator.profile.coding import Codes, codes_of
from replicator.profile.dependencies import find_dependencies, find_duplicates, find_subject_constant
from replicator.profile.keys import find_keys, find_other_keys
from replicator.profile.kinds import find_kind, find_parent, find_prefix, find_subject_variable
from replicator.profile.roles import find_variable
from replicator.profile.structure import Content, DatasetStructure, Kind, StudyStructure
from replicator.tables.dataset import Dataset, Study
from replicator.threads import one_thread

ONE_ROW_A_SUBJECT = 0.8  # rows that repeat a subject, or name none, are faults up to this share of good ones


@one_thread
def find_structure(study: Study, derivations: bool = True) -> StudyStructure:
    """Find what is in a study.

    Parameters
    ----------
    study : Study
        As read; SUPP-- not joined.
    derivations : bool
        Whether to look for derivations among the variables as they stand; without, ``structure.derivations`` is empty.

    Returns
    -------
    StudyStructure
        Datasets in the order of the study.

    Raises
    ------
    StudyError
        If no dataset has rows, or none has a variable that names the subject.
    """
    if not any(dataset.n_rows for dataset in study.datasets.values()):
        listed = ", ".join(study.datasets) or "none"
        raise StudyError(f"No dataset (of {len(study.datasets)}: {listed}) has a row; give datasets with data.")
    subject = find_subject_variable(study)
    if not subject:
        raise StudyError(
            f"No dataset (of {len(study.datasets)}: {', '.join(study.datasets)}) has a variable that names the subject; "
            "add USUBJID to each dataset that is about subjects."
        )
    prefixes = {name: find_prefix(dataset) for name, dataset in study.datasets.items()}
    kinds = {name: find_kind(dataset, subject, prefixes[name]) for name, dataset in study.datasets.items()}
    datasets: dict[str, DatasetStructure] = {}
    for name, dataset in study.datasets.items():
        parent = find_parent(dataset, study, kinds) if kinds[name] is Kind.QUALIFIERS else ""
        prefix = prefixes[parent] if parent else prefixes[name]
        datasets[name] = dataset_structure(dataset, kinds[name], prefix, subject, parent)
    subjects = _subjects_dataset(study, datasets, subject)
    found = find_derivations(study, datasets, subjects) if derivations else ()
    return StudyStructure(datasets, subjects, found, tuple(_notes(study, datasets, subject, subjects)), subject)


def dataset_structure(dataset: Dataset, kind: Kind, prefix: str, subject: str, parent: str = "") -> DatasetStructure:
    """Describe one dataset whose kind is known; also used after SUPP-- variables were joined to it.

    Parameters
    ----------
    dataset : Dataset
        The dataset.
    kind, prefix : Kind, str
        As :func:`replicator.profile.kinds.find_kind` and :func:`replicator.profile.kinds.find_prefix` give them.
    subject : str
        Name of the study's subject variable; a dataset may lack it.
    parent : str
        Of a SUPP--.
    """
    variables = tuple(find_variable(dataset, name, subject, prefix, kind) for name in dataset.names)
    codes: dict[str, Codes] = {name: codes_of(dataset[name]).astype(np.int32) for name in dataset.names}  # half as many bytes
    has_subject = subject in dataset
    subjects = codes[subject] if has_subject else np.arange(dataset.n_rows)
    n_subjects = next((variable.n_levels for variable in variables if variable.name == subject), 0)
    keys = find_keys(kind, dataset.domain, prefix, variables, codes, dataset.n_rows)
    return DatasetStructure(
        name=dataset.name,
        kind=kind,
        prefix=prefix,
        n_rows=dataset.n_rows,
        n_subjects=n_subjects,
        variables=variables,
        keys=keys,
        parent=parent,
        dependencies=find_dependencies(variables, codes, subjects, prefix),
        subject_constant=find_subject_constant(variables, codes, subjects) if has_subject else (),
        duplicates=find_duplicates(dataset, variables),
        other_keys=find_other_keys(kind, prefix, variables, codes, dataset.n_rows, keys),
    )


def _subjects_dataset(study: Study, datasets: dict[str, DatasetStructure], subject: str) -> str:
    """Choose the dataset of subjects: one row a subject but for a few, DM before others, then the one with the most subjects."""
    possible = [
        name
        for name, structure in datasets.items()
        if structure.kind is Kind.SUBJECTS and structure.n_rows and structure.n_subjects >= ONE_ROW_A_SUBJECT * structure.n_rows
    ]
    return max(possible, key=lambda name: (study[name].domain == "DM", datasets[name].n_subjects), default="")


def _notes(study: Study, datasets: dict[str, DatasetStructure], subject: str, subjects: str) -> list[str]:
    notes = []
    if subject != "USUBJID":
        notes.append(f"No dataset has USUBJID; {subject} names the subject.")
    if not subjects:
        notes.append("No dataset has one row a subject; subjects are those that the other datasets name.")
    known = set(study[subjects].text(subject).compact().levels) if subjects else set()
    for name, structure in datasets.items():
        if not structure.n_rows:
            notes.append(f"{name}: no rows; the dataset is kept with its {counted(len(structure.variables), 'variable')}.")
            continue
        nameless = next((variable.n_missing for variable in structure.variables if variable.name == subject), 0)
        if nameless:
            notes.append(f"{name}: rows without {subject} belong to no subject, {nameless:,} of {structure.n_rows:,}.")
        if known and structure.n_subjects:
            unknown = set(study[name].text(subject).compact().levels) - known
            if unknown:
                notes.append(f"{name}: not in {subjects}: {len(unknown):,} of {counted(structure.n_subjects, 'subject')}.")
        if structure.kind is Kind.QUALIFIERS and not structure.parent:
            notes.append(f"{name}: the study has no dataset that it qualifies.")
        if structure.kind is Kind.SUBJECTS and structure.n_subjects < structure.n_rows:
            notes.append(
                f"{name}: {counted(structure.n_rows, 'row')} for {counted(structure.n_subjects, 'subject')}; "
                "one row a subject was expected."
            )
        empty = [variable.name for variable in structure.variables if variable.content is Content.EMPTY]
        if empty:
            them = "it" if len(empty) == 1 else "them"
            notes.append(f"{name}: no cell is filled in {', '.join(empty)}; nothing can be learned of {them}.")
    return notes
