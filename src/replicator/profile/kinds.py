"""What one row of a dataset is: from the standard's names where it has them, from the dataset's shape where not."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping

import numpy as np

from replicator.profile.coding import Codes, codes_of, combine, n_groups
from replicator.profile.structure import Kind
from replicator.standards.variables import domain_standard, is_suffix, subject_names, variable_standard
from replicator.tables.dataset import Dataset, Study, Text

_ENOUGH_NAMES = 2  # variables that must share two letters before those count as the dataset's prefix


def find_subject_variable(study: Study) -> str:
    """Find the variable that names the subject in all datasets that have subjects.

    USUBJID where any dataset has it; else the name of :func:`replicator.standards.variables.subject_names` that most datasets have,
    the likeliest of several (SUBJID stands in DM alone in most studies, beside the variable that tells subjects apart); else the
    variable that has no missing cell, tells the rows of one dataset apart and in another dataset repeats only values of the first.

    Returns
    -------
    str
        ``""`` if there is none.
    """
    held = Counter(name for dataset in study.datasets.values() for name in dataset.names)
    if "USUBJID" in held:
        return "USUBJID"
    by_plain_name = {name.replace("_", ""): name for name in sorted(held)}
    known = [by_plain_name[plain] for plain in subject_names() if plain in by_plain_name]
    return max(known, key=held.__getitem__) if known else _subject_by_shape(study)


def _subject_by_shape(study: Study) -> str:
    filled = [dataset for dataset in study.datasets.values() if dataset.n_rows]
    for parent in filled:
        for name in parent.names:
            column = parent.text(name)
            if column.missing.any() or len(np.unique(column.codes)) < parent.n_rows or parent.n_rows < 2:
                continue
            children = [other for other in filled if other is not parent and name in other]
            known = set(column.compact().levels)
            repeated = [set(other.text(name).compact().levels) for other in children]
            if children and all(values <= known for values in repeated):
                return name
    return ""


def find_prefix(dataset: Dataset) -> str:
    """Find the letters before the dataset's variables: its domain's, else those that the names share; ``""`` if they share none."""
    domain = dataset.domain.upper()
    candidates = [domain[-2:] if re.fullmatch(r"AP[A-Z]{2}", domain) else domain[:2], dataset.name[:2]]
    count = Counter(name[:2] for name in dataset.names if is_suffix(name[2:]) and variable_standard(name) is None)
    for candidate in candidates:
        if count[candidate]:
            return candidate
    shared, times = count.most_common(1)[0] if count else ("", 0)
    return shared if times >= _ENOUGH_NAMES else ""


def find_kind(dataset: Dataset, subject: str, prefix: str) -> Kind:
    """Find what one row of a dataset is.

    Parameters
    ----------
    dataset : Dataset
        Any dataset of the study.
    subject : str
        Name of the subject variable.
    prefix : str
        See :func:`find_prefix`.
    """
    names = set(dataset.names)
    if {"QNAM", "QVAL"} <= names:
        return Kind.QUALIFIERS
    domain = dataset.domain.upper()
    domain = domain[-2:] if re.fullmatch(r"AP[A-Z]{2}", domain) else domain
    standard = domain_standard(domain) or domain_standard(dataset.name)
    if standard is not None and standard.kind in (Kind.REFERENCE, Kind.LINKS):
        return Kind(standard.kind)
    if subject not in names:
        return Kind.REFERENCE
    return Kind(standard.kind) if standard is not None else _kind_by_shape(dataset, subject, prefix)


def _kind_by_shape(dataset: Dataset, subject: str, prefix: str) -> Kind:
    names = set(dataset.names)

    def has(*suffixes: str) -> bool:
        return any(prefix + suffix in names for suffix in suffixes)

    if {"IDVAR", "IDVARVAL"} <= names:
        return Kind.LINKS
    if (
        (has("TESTCD", "TEST") and has("ORRES", "STRESC", "STRESN"))
        or {"PARAMCD", "AVAL"} <= names
        or {"PARAMCD", "AVALC"} <= names
    ):
        return Kind.FINDINGS
    if has("TRT"):
        return Kind.INTERVENTIONS
    if has("TERM", "DECOD"):
        return Kind.EVENTS
    group = combine([codes_of(dataset[subject])], dataset.n_rows)
    if dataset.n_rows and n_groups(group) == dataset.n_rows:
        return Kind.SUBJECTS
    visits = [name for name in dataset.names if is_visit_name(name)]
    if visits and _only_visits(dataset, subject, group, visits):
        return Kind.SCHEDULE
    return Kind.INTERVENTIONS if any(re.search(r"DOSE|DRUG|MEDIC", name) for name in names) else Kind.EVENTS


def is_visit_name(name: str) -> bool:
    """Tell whether a name outside the standard speaks of a visit."""
    return bool(re.search(r"VISIT|(^|_)VIS(_|$|N)", name))


def _only_visits(dataset: Dataset, subject: str, group: Codes, visits: list[str]) -> bool:
    """Tell whether subject and visit tell rows apart and nothing was measured: no decimals and no free text beside dates."""
    keyed = any(n_groups(combine([group, codes_of(dataset[name])], dataset.n_rows)) == dataset.n_rows for name in visits)
    others = [name for name in dataset.names if name != subject and name not in visits]
    return keyed and all(_dated_or_named(name) or _constant(dataset, name) for name in others)


def _dated_or_named(name: str) -> bool:
    return bool(re.search(r"DATE|DTC$|(^|_)DT$|TIME|DY$|DAY|(^|_)ID$|STUDY|SITE|EPOCH|PERIOD|ARM|TYPE", name))


def _constant(dataset: Dataset, name: str) -> bool:
    codes = codes_of(dataset[name])
    return bool((codes == codes[:1]).all())


def find_parent(dataset: Dataset, study: Study, kinds: Mapping[str, Kind]) -> str:
    """Find the dataset that a SUPP-- qualifies.

    SUPPLBCH belongs to LBCH; SUPPLB to LB, or, where LB was split, to the part of that domain with the most subjects in common.

    Returns
    -------
    str
        ``""`` if the study has no such dataset.
    """
    by_name = re.sub(r"^(SUPP|SQ)", "", dataset.name)
    if by_name in study and by_name != dataset.name:
        return by_name
    column = dataset.columns.get("RDOMAIN")
    related = set(column.compact().levels) if isinstance(column, Text) else set()
    possible = [
        name for name, kind in kinds.items() if kind is not Kind.QUALIFIERS and study[name].domain in related and study[name].n_rows
    ]
    if not possible:
        return ""
    subject = find_subject_variable(study)
    mine = set(dataset.text(subject).compact().levels) if subject in dataset else set()

    def in_common(name: str) -> int:
        return len(mine & set(study[name].text(subject).compact().levels)) if subject in study[name] else 0

    return max(possible, key=in_common)
