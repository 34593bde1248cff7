"""Terms that subjects of a sample have, and stand-ins for those that nobody would be given so."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from replicator.study_model.events.catalogue import TermCatalogue
from replicator.study_model.events.routes import Routes
from replicator.study_model.events.uses import Uses
from replicator.tables.dataset import Column

Ints = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class SubjectTerms:
    """Terms that subjects of a sample have.

    Attributes
    ----------
    who, kind_of, slot, row : (n,) int64
        Subject, kind of the term, which of a pool, and row of the catalogue.
    """

    who: Ints
    kind_of: Ints
    slot: Ints
    row: Ints

    def take(self, rows: NDArray[np.integer]) -> SubjectTerms:
        """Return the terms at some positions, which may come again, as arrays of their own."""
        return SubjectTerms(*(np.asarray(x, np.int64)[rows] for x in (self.who, self.kind_of, self.slot, self.row)))


def choose_uses(
    uses: Uses,
    routes: Routes,
    catalogue: TermCatalogue,
    terms: SubjectTerms,
    pair: NDArray[np.intp],
    occurrence: Ints,
    reasons: NDArray[np.bool_] | None,
    given: Mapping[str, Column],
    rng: np.random.Generator,
) -> tuple[SubjectTerms, Column]:
    """Put stand-ins in the place of those that nobody would be given so, and return them and the routes of all rows.

    Parameters
    ----------
    uses, routes, catalogue : Uses, Routes, TermCatalogue
        How medicines are given, which routes somebody would take, and the terms.
    terms : SubjectTerms
        Of the occurrences.
    pair : (n,) int
        Which of the terms of all subjects each occurrence is about.
    occurrence : (n_rows,) int64
        Occurrence of each row.
    reasons : (n_subjects, n_needs) bool or None
        What the subjects have that medicines are given for.
    given : mapping of str to Column
        Columns of the rows.
    """
    reported, heads = np.unique(pair[occurrence], return_index=True)
    said = terms.take(occurrence[heads])
    told = None if reasons is None else reasons[said.who]
    own = routes.are_own(said.kind_of, given[uses.route].take(heads))
    medicines = (said.kind_of, said.slot, said.row)
    anew = np.full(int(pair.max(initial=-1)) + 1, -1, np.int64)
    anew[reported], given_by = uses.choose(catalogue, medicines, own, told, given, heads, rng)
    row = np.where(anew[pair] >= 0, anew[pair], terms.row)
    return replace(terms, row=row), given_by.take(np.searchsorted(reported, pair[occurrence]))
