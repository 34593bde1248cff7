"""Terms of an events or interventions dataset: which columns are terms, what is a term, its class and its route."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from replicator.config import FitConfig
from replicator.profile.structure import Content, DatasetStructure, Kind, Role
from replicator.study_model.columns.codes import column_codes, count_subjects
from replicator.study_model.events.catalogue import TermCatalogue, Terms
from replicator.study_model.events.catalogue_fit import CONSTANT, CatalogueBuilder
from replicator.study_model.events.needs import NeedsOfTerms
from replicator.study_model.events.needs_fit import find_needs
from replicator.study_model.events.source_terms import RARE_CLASS, SourceTerms, modal_code
from replicator.tables.dataset import Dataset

Ints = NDArray[np.int64]

TERM_CLASSES = ("BODSYS", "SOC", "CLAS")  # of dictionaries; a class in another sense is one of rows
CLASS_SUFFIXES = ("BODSYS", "SOC", "CLAS", "HLGT", "SCAT", "CAT")
BUCKET_TOPICS = 1.5  # mean number of topics under one coded term in one subject, from which on the code is a bucket and no term


def fit_terms(
    dataset: Dataset,
    structure: DatasetStructure,
    subject: NDArray[np.int32],
    config: FitConfig,
    grave: bool = False,
    adults: bool = True,
) -> Terms:
    """Build the catalogue.

    Parameters
    ----------
    dataset : Dataset
        One row an occurrence.
    structure : DatasetStructure
        Of the dataset.
    subject : (n,) int32
        Whose occurrence it is.
    config : FitConfig
        `k_terms` for coded terms, `k` for texts that nobody coded.
    grave : bool
        Whether stand-ins for fatal events are wanted.
    adults : bool
        Whether the subjects are adults.
    """
    names = [
        name for name in structure.with_role(Role.TOPIC, Role.SYNONYM) if structure.variable(name).content is not Content.EMPTY
    ]
    if not names or not dataset.n_rows:
        one = np.zeros(dataset.n_rows, np.int64)
        return Terms(TermCatalogue.of_one_term(), one, one, one - 1, (), np.empty(0, np.int64), ((),))
    return CatalogueBuilder(_source_terms(dataset, structure, subject, names, config), config, adults).build(grave)


def _source_terms(
    dataset: Dataset, structure: DatasetStructure, subject: NDArray[np.int32], names: list[str], config: FitConfig
) -> SourceTerms:
    """Find the terms of the occurrences, which of them enough subjects have, and class, route and need of each."""
    coded = {name: column_codes(dataset[name]) for name in names}
    codes = {name: coded[name][0] for name in names}
    topic = next((name for name in structure.with_role(Role.TOPIC) if name in names), "")
    base = structure.named("DECOD") if structure.named("DECOD") in names else topic or max(names, key=lambda v: len(coded[v][1]))
    unit, basis_of_row = _units(codes[base], codes[topic] if topic else codes[base], subject, base == topic or not topic)
    n_units = int(unit.max()) + 1
    basis = np.full(n_units, -2, np.int64)
    basis[unit] = basis_of_row
    block, class_names, grouped_by = _classes(dataset, structure, codes, unit, n_units, names)
    kept = count_subjects(unit, subject, n_units) >= np.where((basis == -2) & (base != topic), config.k_terms, config.k)
    block = np.where(_class_is_known(block, unit, subject, config.k_terms), block, RARE_CLASS)
    kind = _stand_in_kind(structure)
    needs = NeedsOfTerms.nothing(n_units)
    n_represented = 0
    if kind == "medication":
        needs = find_needs(dataset, structure, coded, unit, subject, kept, config.k)
        given = modal_code(_route_codes(dataset, structure), unit, n_units)[0]
        cell = np.unique(np.stack([block, basis, given]), axis=1, return_inverse=True)[1].reshape(-1)
        whose = needs.represented(cell, kept, (basis != -2) | (base != structure.named("DECOD")), given, unit, subject, config.k)
        coded = {name: (_represented(column, unit, whose), levels) for name, (column, levels) in coded.items()}
        left, unit = np.unique(whose[unit], return_inverse=True)
        unit, n_represented = unit.reshape(-1).astype(np.int64), n_units - len(left)
        basis, block, kept, needs = basis[left], block[left], kept[left], needs.take(left)
    route, route_names, shared = _routes(dataset, structure, unit, subject, np.stack([block, basis]), ~kept, config.k)
    return SourceTerms(
        structure.name,
        kind,
        coded,
        subject,
        unit,
        kept,
        basis,
        block,
        class_names,
        grouped_by,
        next((name for suffix in TERM_CLASSES if (name := structure.named(suffix)) in names), ""),
        base,
        topic,
        base == structure.named("DECOD"),
        route,
        route_names,
        shared,
        needs,
        n_represented,
    )


def _units(base: Ints, topic: Ints, subject: NDArray[np.int32], same: bool) -> tuple[Ints, Ints]:
    """Number the terms: the coded term, or the topic where the code is missing or a bucket such as UNCODED.

    Returns
    -------
    unit : (n,) int64
    basis : (n,) int64
        -2 coded; else the code (or -1, missing) under which the topic is the term.
    """
    if same:
        return np.unique(base, return_inverse=True)[1].reshape(-1), np.full(len(base), -2, np.int64)
    n = int(base.max(initial=-1)) + 2
    span = int(topic.max(initial=-1)) + 2
    triple = np.unique(np.stack([base + 1, subject.astype(np.int64), topic + 1], axis=1), axis=0)
    double = np.unique(triple[:, :2], axis=0)
    each = np.bincount(triple[:, 0], minlength=n) / np.maximum(np.bincount(double[:, 0], minlength=n), 1)
    topics = np.bincount(np.unique(triple[:, [0, 2]], axis=0)[:, 0], minlength=n)
    bucket = (each > BUCKET_TOPICS) & (topics >= 5)
    bucket[0] = True
    loose = bucket[base + 1]
    unit = np.unique(np.where(loose, (base + 1) * span + topic + 1 + n * span, base), return_inverse=True)[1].reshape(-1)
    return unit.astype(np.int64), np.where(loose, base, -2)


def _classes(
    dataset: Dataset, structure: DatasetStructure, codes: Mapping[str, Ints], unit: Ints, n_units: int, names: list[str]
) -> tuple[Ints, tuple[str, ...], str]:
    """Class of each term, the names of the classes, and the variable that groups the terms so."""
    candidates = [*names, *structure.with_role(Role.GROUPING)]
    preferred = [structure.named(suffix) for suffix in CLASS_SUFFIXES]
    for name in sorted(candidates, key=lambda v: preferred.index(v) if v in preferred else len(preferred)):
        code, levels = (codes[name], column_codes(dataset[name])[1]) if name in codes else column_codes(dataset[name])
        if not 1 < len(levels) <= max(2, n_units // 2):
            continue
        modal, share = modal_code(code, unit, n_units)
        if np.average(share, weights=np.bincount(unit, minlength=n_units)) >= CONSTANT:
            return modal, tuple(str(text) for text in levels.strings()), name
    return np.zeros(n_units, np.int64), ("",), ""


def _routes(
    dataset: Dataset,
    structure: DatasetStructure,
    unit: Ints,
    subject: NDArray[np.int32],
    pool: Ints,
    rare: NDArray[np.bool_],
    k: int,
) -> tuple[Ints, tuple[str, ...], Ints]:
    """Route by which each rare term is mostly given, the names of the routes, and those routes that `k` subjects share.

    A stand-in must be a medicine that is given that way, so the pools (`pool` is (2, n_units)) are divided by it. Routes of a pool
    that fewer than `k` subjects have count as its most frequent one, and where that has fewer, as the most frequent of all rare
    terms; -1 where no route is shared by `k` subjects.
    """
    n_units = len(rare)
    name = structure.named("ROUTE")
    if not name or name not in dataset or dataset[name].missing.all():
        return np.full(n_units, -1, np.int64), (), np.empty(0, np.int64)
    codes, levels = _route_codes(dataset, structure), column_codes(dataset.text(name))[1]
    modal = modal_code(codes, unit, n_units)[0]
    distinct, group = np.unique(np.stack([*pool, modal]), axis=1, return_inverse=True)
    group = group.reshape(-1)
    mine = np.where(rare[unit] & (codes == modal[unit]), group[unit], -1)
    people = count_subjects(mine, subject, distinct.shape[1])
    whole = np.unique(distinct[:2], axis=1, return_inverse=True)[1].reshape(-1)
    order = np.lexsort((people, whole))
    last = np.searchsorted(whole[order], whole, side="right") - 1
    given = np.where(rare[unit], codes, -1)
    overall = count_subjects(given, subject, len(levels))
    most = int(overall.argmax()) if overall.max(initial=0) >= k else -1
    usual = np.where(people[order][last] >= k, distinct[2, order[last]], most)
    route = np.where(people >= k, distinct[2], usual)[group]
    shared = np.flatnonzero(count_subjects(codes, subject, len(levels)) >= k)
    return np.where(rare, route, -1), tuple(levels.strings().tolist()), shared.astype(np.int64)


def _represented(codes: Ints, unit: Ints, whose: Ints) -> Ints:
    """Codes of a column with the most frequent one of its representative for each occurrence of a term that has one."""
    return np.where(whose[unit] != unit, modal_code(codes, unit, len(whose))[0][whose[unit]], codes)


def _route_codes(dataset: Dataset, structure: DatasetStructure) -> Ints:
    """Code of the route of each occurrence, -1 for none."""
    name = structure.named("ROUTE")
    return column_codes(dataset.text(name))[0] if name and name in dataset else np.full(dataset.n_rows, -1, np.int64)


def _class_is_known(block: Ints, unit: Ints, subject: NDArray[np.int32], k_terms: int) -> NDArray[np.bool_]:
    shifted = block + 1
    people = count_subjects(shifted[unit], subject, int(shifted.max()) + 1)
    return people[shifted] >= k_terms


def _stand_in_kind(structure: DatasetStructure) -> str:
    if structure.kind is Kind.QUALIFIERS:
        return "qualifier"
    return "procedure" if structure.prefix == "PR" else "medication" if structure.kind is Kind.INTERVENTIONS else "event"
