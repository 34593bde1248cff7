"""What rows of a sequence say in terms: rare ones are nobody's words, and yet their rows are there."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from replicator.distinct import distinct_values, packed_keys
from replicator.profile.structure import DatasetStructure
from replicator.standards.codelists import Codelist, codelists
from replicator.study_model.columns.codes import column_codes, count_subjects
from replicator.study_model.columns.fatal_terms import fatal_rows
from replicator.tables.dataset import Column, Dataset, Text

OTHER = "OTHER"  # of a codelist the term for what it does not name
REASON = "OTHER REASON"  # what is reported where that is the coded term: nobody reports OTHER


def told_again(
    dataset: Dataset, structure: DatasetStructure, subject: NDArray[np.int32], code: NDArray[np.int64]
) -> NDArray[np.bool_]:
    """Whether a row tells of a death of which an earlier row of its subject tells in the same tuple: (n_rows,)."""
    coded = structure.named("DECOD")
    out = np.zeros(dataset.n_rows, bool)
    rows = np.flatnonzero(fatal_rows(dataset.text(coded).strings()) & (code >= 0)) if coded else np.empty(0, np.intp)
    out[np.delete(rows, distinct_values(packed_keys([subject[rows], code[rows]]), return_index=True)[1])] = True
    return out


def coded_words(dataset: Dataset, structure: DatasetStructure, subject: NDArray[np.int32], k: int) -> Dataset:
    """Let the reported term say what the coded term says where fewer than k subjects share it, and of deaths always."""
    coded, reported = structure.named("DECOD"), structure.named("TERM")
    if not coded or not reported:
        return dataset
    words = dataset.text(coded).strings()
    replaced = (_rare(dataset.text(reported), subject, k) & (words != "")) | fatal_rows(words)
    texts = np.where(replaced, words, dataset.text(reported).strings())
    return dataset.with_column(dataset.variable(reported), Text.of(texts)) if replaced.any() else dataset


def dead_or_not(dataset: Dataset, structure: DatasetStructure) -> list[tuple[str, NDArray[np.int64], Column]]:
    """Coded and reported terms as codes (n_rows,) and levels where they tell of a death; none where none does.

    Elsewhere they are the terms for what is not named.
    """
    coded, reported = structure.named("DECOD"), structure.named("TERM")
    fatal = fatal_rows(dataset.text(coded).strings()) if coded else np.zeros(dataset.n_rows, bool)
    if not fatal.any():
        return []
    nothing = {coded: OTHER, reported: REASON}
    terms = {name: Text.of(np.where(fatal, dataset.text(name).strings(), text)) for name, text in nothing.items() if name}
    return [(name, *column_codes(text)) for name, text in terms.items()]


def join_rare_terms(
    dataset: Dataset, structure: DatasetStructure, subject: NDArray[np.int32], k: int
) -> tuple[Dataset, tuple[str, ...]]:
    """Give coded terms that fewer than k subjects share the codelist's term for what it does not name.

    Together at least `k` subjects must have them, so that their rows, of a participation that was not completed, can be learned.
    Deaths keep their term. What is reported of them is :data:`REASON`, or the coded term in a study that reports in coded terms.

    Parameters
    ----------
    dataset : Dataset
    structure : DatasetStructure
    subject : (n_rows,) int32
    k : int

    Returns
    -------
    dataset : Dataset
        With such terms as :data:`OTHER`.
    notes : tuple of str
    """
    coded, reported = structure.named("DECOD"), structure.named("TERM")
    lists = [one for one in codelists() if coded and OTHER in one.terms and one.fits(coded, dataset.domain)]
    if not lists or coded not in dataset:
        return dataset, ()
    words = dataset.text(coded).strings()
    rare = _rare(dataset.text(coded), subject, k) & ~fatal_rows(words)
    rare &= np.any([_bound(dataset, one) for one in lists], axis=0)
    joined = np.unique(subject[rare | (words == OTHER)])
    if not rare.any() or len(joined) < k:
        return dataset, ()
    notes = (
        f"{dataset.name}.{coded}: {len(np.unique(words[rare])):,} terms that fewer than {k} subjects share are written {OTHER}, in "
        f"{int(rare.sum()):,} of {dataset.n_rows:,} rows. Lower k to keep them.",
    )
    terms = {coded: OTHER}
    if reported:
        own_words = len(np.unique(subject[dataset.text(reported).strings() != words])) >= k
        terms[reported] = REASON if own_words else OTHER
    for name, term in terms.items():
        texts = np.where(rare, term, dataset.text(name).strings())
        dataset = dataset.with_column(dataset.variable(name), Text.of(texts))
    return dataset, notes


def _rare(column: Text, subject: NDArray[np.int32], k: int) -> NDArray[np.bool_]:
    """Whether a cell has a text that fewer than k subjects share: (n_rows,)."""
    codes, levels = column_codes(column)
    return np.asarray(np.append(count_subjects(codes, subject, len(levels)) < k, False)[codes], np.bool_)


def _bound(dataset: Dataset, codelist: Codelist) -> NDArray[np.bool_]:
    """Whether the codelist binds each row: (n_rows,)."""
    bound = np.ones(dataset.n_rows, bool)
    for name, value in codelist.only_where:
        bound &= dataset.text(name).strings() == value if name in dataset else True
    return bound
