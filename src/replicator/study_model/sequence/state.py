"""The tuple of a row: which columns are joined to it, and how rows of one day follow each other by it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from replicator.models.contingency import cramers_v
from replicator.profile.structure import Content, DatasetStructure, Role
from replicator.study_model.columns.blocks import Block, fit_block, is_designed, is_scattered
from replicator.study_model.columns.codes import column_codes
from replicator.study_model.columns.fatal_terms import fatal_rows
from replicator.study_model.columns.neighbours import Neighbours
from replicator.study_model.columns.rare_levels import is_rare, prepare_column
from replicator.study_model.sequence.terms import dead_or_not
from replicator.tables.dataset import Dataset

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


def usual_order(code: Ints, start: Floats, subject: NDArray[np.int32]) -> NDArray[np.intp]:
    """Order rows (n_rows,) of one subject that begin on one day as their tuples usually follow each other."""
    place = Neighbours(subject)
    size = np.bincount(subject, minlength=1)[subject]
    usual = np.bincount(code + 1, place.rank / np.maximum(size - 1, 1)) / np.maximum(np.bincount(code + 1), 1)
    day = np.cumsum(~(place.before(start) == start))
    return np.lexsort((np.arange(len(code)), usual[code + 1], day)) if len(code) else np.empty(0, np.intp)


def fit_state(
    dataset: Dataset, structure: DatasetStructure, skip: set[str], subject: NDArray[np.int32], arm: NDArray[np.int32], k: int
) -> tuple[Block, Ints, list[str], list[str]]:
    """Join the leading columns to the tuple of a row; the columns that are left come last."""
    own = [v for v in structure.variables if v.name not in skip]
    coded = structure.named("DECOD")
    of_design = None if coded else arm  # what happened to subjects, in coded terms, is no arm's design
    rare = {v.name for v in own if is_rare(dataset[v.name], subject, k)}
    codes = {v.name: column_codes(dataset[v.name])[0] for v in own}
    scattered = {name for name in codes if is_scattered(codes[name], subject, k, of_design)}
    design = {name for name in rare - scattered if is_designed(codes[name], subject, k, of_design)}
    plain = [v.name for v in own if v.name not in design and (v.name in rare or v.content in (Content.EMPTY, Content.CONSTANT))]
    varying = [v.name for v in own if v.name not in plain]
    rank = {Role.TOPIC: 0, Role.SYNONYM: 1, Role.GROUPING: 2, Role.VISIT: 3, Role.EPOCH: 4}
    of_arm = {name: round(cramers_v(codes[name], arm[subject]), 1) for name in varying}  # what arms are given is their design
    place = {name: rank.get(structure.variable(name).role, 2) for name in varying}
    varying.sort(key=lambda name: (place[name], name in scattered and place[name] < rank[Role.EPOCH], -of_arm[name]))
    always = fatal_rows(dataset.text(coded).strings()) if coded else None
    notes: list[str] = []
    prepared, late = [], []
    for name in varying:  # tuples of an arm's design alone are kept
        dying = always if structure.variable(name).role in (Role.TOPIC, Role.SYNONYM) else None  # what the standard calls a death
        made, note = prepare_column(dataset, name, subject, 1 if name in rare else k, dying)
        notes += note
        if made is None:
            late.append(name)
        else:
            prepared.append(made)
    state, code, _ = fit_block(prepared, [], subject, k, of_design, always, leading=True)
    known, everyone = (len(np.unique(subject[rows])) for rows in (code >= 0, slice(None)))
    if known < min(k, everyone) or not state.names:  # rows differ in what the standard means at most
        state, code, _ = fit_block(dead_or_not(dataset, structure), [], subject, 1, of_design)
    left = (*(name for name, _, _ in prepared), *late, *plain)
    return state, code, [name for name in left if name not in state.names], notes
