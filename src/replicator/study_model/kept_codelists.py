"""Codelists of a Define-XML that go into a model: a term that few subjects have is a word about them wherever it stands."""

from __future__ import annotations

from collections import defaultdict

import numpy as np

from replicator.standards.codelists import codelists
from replicator.study_model.columns.codes import count_subjects
from replicator.study_model.source import Source, who_of
from replicator.tables.dataset import CodelistTerm, Study


def kept_codelists(
    study: Study, source: Source, subject: str, k: int
) -> tuple[dict[str, tuple[CodelistTerm, ...]], tuple[str, ...]]:
    """Keep of each codelist the terms that enough subjects have in one of its variables, and those that are nobody's.

    Nobody's are terms of the standard's own codelists, of rows about no subject, and of codelists without a variable about
    subjects.
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
    about_subjects: set[str] = set()
    of_codelist: dict[str, set[str]] = defaultdict(set)
    for dataset in study.datasets.values():
        who = who_of(dataset, source, subject) if subject in dataset else None
        for variable in (one for one in dataset.variables if one.codelist):
            column = dataset.text(variable.name).compact()
            enough = np.ones(len(column.levels), bool)
            if who is not None:
                about_subjects.add(variable.codelist)
                codes = np.where(who >= 0, column.codes, -1).astype(np.int64)
                enough = count_subjects(codes, who, len(column.levels)) >= k
            of_codelist[variable.codelist] |= set(column.levels[enough].tolist())
    kept = {
        name: tuple(one for one in terms if name not in about_subjects or one.value in shared or one.value in of_codelist[name])
        for name, terms in study.codelists.items()
    }
    n_all, n_kept = (sum(map(len, some.values())) for some in (study.codelists, kept))
    note = (
        f"Define-XML: terms of codelists that fewer than {k} subjects have are not kept, unless the standard lists them, "
        f"{n_all - n_kept:,} of {n_all:,}; lower k to keep them."
    )
    return kept, (note,) if n_kept < n_all else ()
