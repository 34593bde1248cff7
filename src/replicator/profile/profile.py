"""Profile a study: its structure and what its datasets hold, kept as plain data."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from replicator.arguments import check_instance, check_whole
from replicator.errors import ConfigError, StudyError
from replicator.profile.cohort import Cohort, find_cohort
from replicator.profile.find import find_structure
from replicator.profile.occurrences import profile_occurrences
from replicator.profile.protected import protected_levels, protected_quantiles
from replicator.profile.relations import find_date_orders, find_row_associations, find_subject_associations
from replicator.profile.results import profile_results
from replicator.profile.schedule import profile_visits
from replicator.profile.structure import DatasetStructure, Kind, Role, StudyStructure
from replicator.profile.study_profile import DatasetProfile, DerivationProfile, StudyProfile
from replicator.profile.variables import find_missing_groups, profile_variable
from replicator.standards.variables import domain_standard
from replicator.tables.dataset import Dataset, Study

__all__ = ["StudyProfile", "profile_study"]


def profile_study(
    study: Study,
    structure: StudyStructure | None = None,
    k: int = 5,
    progress: Callable[[str, int, int], None] | None = None,
) -> StudyProfile:
    """Profile a study.

    Parameters
    ----------
    study : Study
        As read.
    structure : StudyStructure, optional
        If it has been found already.
    k : int
        Fewest subjects behind anything named in the profile; at least 1.
    progress : callable, optional
        Called with what is done, the number of datasets done, and their number.

    Raises
    ------
    StudyError
        If it is no study, no dataset has rows, or none has a variable that names the subject.
    ConfigError
        If `k` is no whole number from 1 up.
    """
    check_instance(study, Study, "Study", StudyError, "give what read_study has made")
    check_whole(k, "k", ConfigError, least=1)
    structure = find_structure(study) if structure is None else structure
    cohort = find_cohort(study, structure)
    study, about = _rows_of_subjects(study, structure, cohort)
    datasets = []
    for i, (name, found) in enumerate(structure.datasets.items()):
        if progress is not None:
            progress(name, i, len(structure.datasets))
        datasets.append(_profile_dataset(study, study[name], found, about.get(name), cohort, k))
    about = {name: rows for name, rows in about.items() if structure.datasets[name].kind is not Kind.QUALIFIERS}
    visits, n_rare_visits = profile_visits(study, structure, about, cohort, k)
    known = cohort.arm >= 0
    return StudyProfile(
        study=study.name,
        k=k,
        n_subjects=cohort.n,
        subjects=structure.subjects,
        subject_variable=structure.subject_variable,
        arms=protected_levels(cohort.arm[known], cohort.arms, np.flatnonzero(known), k),
        datasets=tuple(datasets),
        visits=visits,
        n_rare_visits=n_rare_visits,
        associations=find_subject_associations(study, structure, about, cohort, k),
        date_orders=find_date_orders(study, structure, about, cohort, k),
        derivations=tuple(
            DerivationProfile(f"{d.dataset}.{d.target}", d.rule, tuple(d.inputs), d.n_tested, d.n_agree)
            for d in structure.derivations
        ),
        notes=(*study.notes, *structure.notes),
    )


def _rows_of_subjects(study: Study, structure: StudyStructure, cohort: Cohort) -> tuple[Study, dict[str, NDArray[np.int64]]]:
    """Leave out rows that name no subject, of datasets whose others do: they belong to nobody, and count as nobody.

    Returns
    -------
    study : Study
    subjects : dict of str to (n_rows,) int64
        Number of the subject of each row that is left, by dataset.
    """
    datasets, subjects = dict(study.datasets), {}
    for name, found in structure.datasets.items():
        if found.with_role(Role.SUBJECT):
            number = cohort.rows(study[name])
            mine = np.flatnonzero(number < cohort.n)
            if 0 < len(mine) < len(number):
                datasets[name], number = study[name].take(mine), number[mine]
            subjects[name] = number
    return replace(study, datasets=datasets), subjects


def _profile_dataset(
    study: Study, dataset: Dataset, found: DatasetStructure, subjects: NDArray[np.int64] | None, cohort: Cohort, k: int
) -> DatasetProfile:
    """Profile one dataset; rows of the trial's design, which are not about subjects, are shown as they are."""
    standard = domain_standard(dataset.domain) or domain_standard(dataset.name)
    design = subjects is None and standard is not None and standard.kind == Kind.REFERENCE
    rows = np.arange(found.n_rows, dtype=np.int64) if subjects is None else subjects
    reference = np.full(found.n_rows, np.nan) if subjects is None else cohort.of_rows(cohort.reference, subjects)
    fewest = 1 if design else k
    with_results = found.kind in (Kind.FINDINGS, Kind.QUALIFIERS) and subjects is not None
    tests, n_rare = profile_results(dataset, found, rows, cohort, k) if with_results else ((), 0)
    occurring = found.kind in (Kind.EVENTS, Kind.INTERVENTIONS) and subjects is not None
    per_subject = np.bincount(rows[rows < cohort.n]) if subjects is not None else np.empty(0, np.int64)
    present = np.flatnonzero(per_subject)
    return DatasetProfile(
        name=found.name,
        label=dataset.label or (standard.label if standard is not None else ""),
        kind=found.kind,
        parent=found.parent,
        n_rows=found.n_rows,
        n_subjects=found.n_subjects,
        keys=found.keys,
        rows_per_subject=protected_quantiles(per_subject[present].astype(np.float64), present, k),
        variables=tuple(profile_variable(study, dataset, variable, rows, reference, fewest) for variable in found.variables),
        dependencies=found.dependencies,
        subject_constant=found.subject_constant,
        duplicates=found.duplicates,
        missing=find_missing_groups(dataset, found),
        associations=find_row_associations(dataset, found),
        tests=tests,
        n_rare_tests=n_rare,
        occurrences=profile_occurrences(dataset, found, rows, cohort, k) if occurring else None,
        other_keys=found.other_keys,
    )
