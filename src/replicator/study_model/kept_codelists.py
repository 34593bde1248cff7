"""Codelists of a Define-XML that go into a model: a term that few subjects have is a word about them wherever it stands."""

from __future__ import annotations

from collections import defaultdict

import numpy as np
from numpy.typing import NDArray

from replicator.standards.codelists import codelists
from replicator.study_model.columns.codes import count_subjects
from replicator.study_model.source import Source, who_of
from replicator.tables.dataset import CodelistTerm, Study, Text


def kept_codelists(
    study: Study, source: Source, subject: str, k: int
) -> tuple[dict[str, tuple[CodelistTerm, ...]], tuple[str, ...]]:
    """Keep of each codelist the terms that enough subjects have in one of its variables, and those that are nobody's.

    Nobody's are terms of the standard's own codelists, of rows about no subject, and of codelists whose variables are all about no
    subject. A codelist that no variable has, such as that of a value of SUPP-- or of a dataset that is left out, keeps what enough
    subjects have in any variable.
    A term that no subject has goes, too: those that are missing then tell nothing of whether somebody had them.

    Parameters
    ----------
    study : Study
        As it was read.
    source : Source
        Whose subjects count.
    subject : str
        Variable that names the subject.
    k : int
        Fewest subjects behind a term.

    Returns
    -------
    kept : dict of str to tuple of CodelistTerm
        The codelists of the study; one may be left without terms.
    notes : tuple of str
        How many terms are not kept, if any.
    """
    shared = {term for one in codelists() for term in one.terms}
    of_subjects: set[str] = set()
    of_design: set[str] = set()
    of_codelist: dict[str, set[str]] = defaultdict(set)
    for dataset in study.datasets.values():
        who = who_of(dataset, source, subject) if subject in dataset else None
        for variable in (one for one in dataset.variables if one.codelist):
            column = dataset.text(variable.name).compact()
            (of_design if who is None else of_subjects).add(variable.codelist)
            of_codelist[variable.codelist] |= _of_enough(column, who, k)
    loose = study.codelists.keys() - of_subjects - of_design
    of_codelist.update(dict.fromkeys(loose, _of_enough_anywhere(study, source, subject, k) if loose else set()))
    kept = {
        name: tuple(
            one for one in terms if name in of_design - of_subjects or one.value in shared or one.value in of_codelist[name]
        )
        for name, terms in study.codelists.items()
    }
    n_all, n_kept = (sum(map(len, some.values())) for some in (study.codelists, kept))
    note = (
        f"Define-XML: terms of codelists that fewer than {k} subjects have are not kept, unless the standard lists them, "
        f"{n_all - n_kept:,} of {n_all:,}; lower k to keep them."
    )
    return kept, (note,) if n_kept < n_all else ()


def _of_enough(column: Text, who: NDArray[np.int32] | None, k: int) -> set[str]:
    """Values of a column (n_rows,) that `k` subjects have; all of a dataset about nobody."""
    if who is None:
        return set(column.levels.tolist())
    codes = np.where(who >= 0, column.codes, -1).astype(np.int64)
    return set(column.levels[count_subjects(codes, who, len(column.levels)) >= k].tolist())


def _of_enough_anywhere(study: Study, source: Source, subject: str, k: int) -> set[str]:
    """Values that `k` subjects have in some variable."""
    found: set[str] = set()
    for dataset in study.datasets.values():
        if subject in dataset:
            who = who_of(dataset, source, subject)
            found.update(*(_of_enough(dataset.text(name).compact(), who, k) for name in dataset.names))
    return found
