"""Structures of the datasets as they are fitted, and the derivations that are believed."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from replicator.derivations.derivation import Derivation
from replicator.derivations.find import find_derivations
from replicator.distinct import distinct_values
from replicator.profile.find import dataset_structure
from replicator.profile.structure import Content, DatasetStructure, Kind, Role, StudyStructure
from replicator.study_model.columns.codes import column_codes, count_subjects
from replicator.study_model.source import Source
from replicator.tables.dataset import Study

BELIEVED = 0.99  # share of rows on which a derivation must hold to be recomputed
SHARED = 0.95  # share of rows whose identifier k subjects must have in common
REPEATED = 0.2  # share of rows that repeat an identifier within their subject


def joined_structures(
    source: Source, structure: StudyStructure, k: int
) -> tuple[dict[str, DatasetStructure], tuple[Derivation, ...]]:
    """Structures and derivations of the datasets as they are fitted: with SUPP-- columns, without rows of unknown subjects.

    A study day that does not follow from its date is a variable like others, and so is an identifier of findings that groups rows.
    A dose that stands in the name of the arm needs no learning, and parts no rows.
    """
    joined = {}
    for name, dataset in source.datasets.items():
        old = structure.datasets[name]
        same = old.n_rows == dataset.n_rows and len(old.variables) == len(dataset.variables)
        joined[name] = old if same else dataset_structure(dataset, old.kind, old.prefix, structure.subject_variable, old.parent)
    found = find_derivations(Study(source.datasets), joined, structure.subjects, k)
    derivations = tuple(derivation for derivation in found if _believed(derivation, source))
    derived = {(derivation.dataset, derivation.target) for derivation in derivations}
    named = {(derivation.dataset, derivation.target) for derivation in derivations if derivation.rule == "number_in_arm"}
    out = {}
    for name, new in joined.items():
        variables = tuple(
            replace(variable, role=Role.QUALIFIER)
            if (variable.role is Role.STUDY_DAY and (name, variable.name) not in derived)
            or (variable.role is Role.RECORD_ID and new.kind is Kind.FINDINGS and _groups(variable.name, name, source, k))
            else replace(variable, content=Content.CONSTANT)
            if (name, variable.name) in named
            else variable
            for variable in new.variables
        )
        out[name] = replace(new, variables=variables)
    return out, derivations


def _groups(variable: str, name: str, source: Source, k: int) -> bool:
    """Whether an identifier stands for groups of rows (``TARGET``) that subjects share, and not for rows of its own."""
    codes, levels = column_codes(source.datasets[name][variable])
    seen = codes >= 0
    shared = count_subjects(codes, source.subject[name], len(levels)) >= k
    if not seen.any() or float(shared[codes[seen]].mean()) < SHARED:
        return False
    pairs = distinct_values(np.stack([source.subject[name][seen].astype(np.int64), codes[seen]]), axis=1).shape[1]
    return bool(pairs < (1 - REPEATED) * seen.sum())


def _believed(derivation: Derivation, source: Source) -> bool:
    """Whether a derivation is recomputed: nearly all rows agree, and of the marks, which have a model of their own, all do.

    A study day says nothing but its date, so it is believed as soon as it is found. Flags that the source leaves out are left out
    at its rate, so of a flag of one record only those count that stand where the rule has none.
    """
    if f"{derivation.dataset}.{derivation.target}" in source.spine.marks:
        return derivation.n_agree == derivation.n_tested
    exceptions = derivation.parameters.get("exceptions")
    left_out = float(exceptions["missing"]) if derivation.rule == "baseline_flag" and isinstance(exceptions, dict) else 0.0
    return derivation.rule == "study_day" or derivation.n_agree >= (BELIEVED - left_out) * derivation.n_tested
