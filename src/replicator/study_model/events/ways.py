"""What goes with a term that is not kept: one value for the whole study, whichever chunk of a sample the term turns up in.

What followed from a term in every row of the source follows from what stands in for it. Chunks are drawn apart, so that a value
chosen among the rows of one chunk may be another in the next: it is chosen here, while the study is learned, for every row of the
catalogue at once.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from replicator.rng import stream
from replicator.study_model.agreement.rows import Agreement
from replicator.study_model.events.catalogue import TermCatalogue
from replicator.study_model.events.columns import told_by_dates
from replicator.study_model.events.part import EventsPart
from replicator.study_model.events.turns import find_turns
from replicator.study_model.events.untreated import TREATED
from replicator.tables.dataset import Column, Dataset, Text, Variable

Ints = NDArray[np.int64]

COPIES = 12  # draws of how each row of the catalogue is given, of which those count that suit it


def settle_ways(part: EventsPart, agreement: Agreement) -> Agreement:
    """Let an agreement say what goes with the terms that its tables lack, by draws from the part with numbers of their own.

    Parameters
    ----------
    part : EventsPart
    agreement : Agreement
        Of the part's dataset.
    """
    terms = set(part.catalogue.variables)
    wanted = [one.exact and not {*one.determinants, one.dependent} <= terms for one in agreement.following]
    if not any(wanted) or not len(part.catalogue.edge):
        return agreement
    rng = stream(0, "ways", part.name)
    return agreement.settled_by(_draw(part, rng), wanted, rng)


def _draw(part: EventsPart, rng: np.random.Generator) -> Dataset:
    """Draw occurrences of every row of the catalogue, as a sample would, with all that goes with the terms."""
    catalogue = part.catalogue
    row = np.repeat(np.arange(len(catalogue.columns[0]), dtype=np.int64), COPIES)
    kind_of = _kinds(catalogue)[row]
    n, block, owner = len(row), catalogue.block[kind_of].astype(np.int64), np.arange(len(row))
    arm = owner % max(len(part.arms), 1)
    of_each = catalogue.of_each(block, kind_of, row, owner)
    start, end = part.patterns.sample([block, kind_of, arm], find_turns(owner), owner, rng, of_each.lasting & ~of_each.own)
    dated, once = told_by_dates(part.columns.phases, start, end, np.zeros(n, bool)), np.zeros(n, np.int64)
    cells = part.columns.qualifiers.sample(
        [*dated, block, catalogue.family[row], kind_of, arm, once, once],
        (np.full(n, TREATED, np.int64), np.ones(n, bool)),
        rng,
        n,
        owner,
    )
    said = zip(catalogue.variables, catalogue.columns, strict=True)
    columns: dict[str, Column] = {name: column.take(row) for name, column in said} | cells
    if part.uses is not None and part.uses.route in columns:
        fits = part.uses.suits(catalogue, row, columns)
        some = np.bincount(row[fits], minlength=int(row.max(initial=-1)) + 1) > 0
        kept = np.flatnonzero(fits | ~some[row])
        row, kind_of, owner = row[kept], kind_of[kept], np.arange(len(kept))
        columns = {name: column.take(kept) for name, column in columns.items()}
    if part.indications is not None:
        columns = part.indications.apply(columns, kind_of)
    if part.routes is not None:
        columns = part.routes.apply(columns, owner, kind_of, rng)
    if part.doses is not None:
        columns = part.doses.apply(columns, owner, kind_of, rng, listed=True)
    if part.uses is not None:
        columns = part.uses.apply(columns, catalogue.slots[kind_of] != 1, owner, rng)
    variables = tuple(Variable(name, type="char" if isinstance(column, Text) else "num") for name, column in columns.items())
    return Dataset(part.name, variables, columns)


def _kinds(catalogue: TermCatalogue) -> Ints:
    """Kind of each row of the catalogue (n_rows,); that of the largest pool for rows that are of none."""
    out = np.full(len(catalogue.columns[0]), int(catalogue.count.argmax()), np.int64)
    kind = np.concatenate([np.arange(len(catalogue.first)), catalogue.other_kind])
    first, count = (
        np.concatenate(two) for two in ((catalogue.first, catalogue.other_first), (catalogue.count, catalogue.other_count))
    )
    inside = np.arange(int(count.sum())) - np.repeat(np.cumsum(count) - count, count)
    out[np.repeat(first, count) + inside] = np.repeat(kind, count)
    return out
