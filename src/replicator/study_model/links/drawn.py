"""Relations of a sample: which rows are related, and the datasets that say so."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from replicator.models.onset import rank_within
from replicator.study_model.links.days import with_common_days
from replicator.study_model.links.link import Link, candidates, relation_variables
from replicator.tables.dataset import Column, Dataset, Text, Variable


@dataclass(frozen=True, eq=False)
class DrawnEnd:
    """Rows of one end of the relations of a link.

    Attributes
    ----------
    place : (n_rows, 5) int64
        Subject, link, number of the relation, end, and row in its dataset.
    cells : mapping of str to (n_rows,) object
    """

    place: NDArray[np.int64]
    cells: Mapping[str, NDArray[np.object_]]


def relation_dataset(name: str, ends: Sequence[DrawnEnd], variable: str) -> Dataset:
    """Put the rows of a relation dataset in order: by subject, each subject's relations numbered from 1."""
    place = np.concatenate([np.empty((0, 5), np.int64), *(end.place for end in ends)])
    order = np.lexsort(place.T[::-1])
    place = place[order]
    new = np.append(True, (np.diff(place[:, :3], axis=0) != 0).any(axis=1))[: len(place)]
    number = np.cumsum(new) - np.searchsorted(place[new, 0], place[:, 0])
    columns: dict[str, Column] = {}
    for column in dict.fromkeys([*relation_variables(variable), *(cell for end in ends for cell in end.cells)]):
        cells = [end.cells.get(column, np.full(len(end.place), "", object)) for end in ends]
        cell = np.concatenate([np.empty(0, object), *cells])[order]
        if column == "RELID":
            cell = np.array([f"{one}-{n}" for one, n in zip(cell.tolist(), number.tolist(), strict=True)], object)
        columns[column] = Text.of(cell)
    return Dataset(name.upper(), tuple(Variable(column) for column in columns), columns)


def sample_link(
    link: Link,
    number: int,
    datasets: Mapping[str, Dataset],
    subject: Mapping[str, NDArray[np.int32]],
    variable: str,
    ids: Text,
    rng: np.random.Generator,
) -> tuple[list[DrawnEnd], dict[str, Dataset]]:
    """Draw the rows of both ends of a link, in the order of the relations; none where a dataset is not there.

    Returns
    -------
    ends : list of DrawnEnd
    datasets : dict of str to Dataset
        Of the partners, whose dates are those of the rows that lead them where they are in the source; empty if none moved.
    """
    if link.lead.dataset not in datasets or link.follow.dataset not in datasets:
        return [], {}
    tables = datasets[link.lead.dataset], datasets[link.follow.dataset]
    rows, partners, group = _linked_rows(link, tables, (subject[link.lead.dataset], subject[link.follow.dataset]), rng)
    owner = subject[link.lead.dataset][rows]
    ends = []
    for side, (end, row, of) in enumerate(((link.lead, rows, np.arange(len(rows))), (link.follow, partners, group))):
        constants = {"RDOMAIN": tables[side].domain, "IDVAR": end.idvar, **link.constants}
        cells = {column: np.full(len(of), value, object) for column, value in constants.items()}
        text, named = tables[side].text(end.idvar).strings()[row], ids.strings()[owner[of]]
        padded = np.array([cell.rjust(end.width) for cell in text.tolist()], object) if end.width else text
        place = [owner[of], np.full(len(of), number), of, np.full(len(of), side), row]
        ends.append(
            DrawnEnd(np.stack(place, axis=1).astype(np.int64), cells | {variable: named, "IDVARVAL": padded, "RELID": named})
        )
    start = link.partners.dates[1] if link.partners.dates else ""
    moved = with_common_days(*tables, link.partners.common, rows[group], partners, start)
    return ends, {} if moved is tables[1] else {link.follow.dataset: moved}


def _linked_rows(
    link: Link, tables: tuple[Dataset, Dataset], subjects: tuple[NDArray[np.int32], NDArray[np.int32]], rng: np.random.Generator
) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.intp]]:
    """Draw leading rows and their partners: (n,), (m,), and the leading row, by its position, of each partner (m,)."""
    (leaders, followers), (lead, follow) = tables, (link.lead, link.follow)
    chosen = np.flatnonzero(lead.linked.sample([lead.levels.codes(leaders)], rng, leaders.n_rows) > 0)
    which, partner = candidates(subjects[0][chosen], subjects[1])
    codes = lead.levels.codes(leaders)[chosen[which]], follow.levels.codes(followers)[partner]
    weight = link.partners.score(tables, (chosen[which], partner), codes)
    with np.errstate(divide="ignore"):
        key = np.log(weight) + rng.gumbel(size=len(weight))  # the largest keys are a draw by weight without replacement
    possible = np.flatnonzero(weight > 0)
    possible = possible[np.lexsort((-key[possible], partner[possible]))]
    possible = possible[np.diff(partner[possible], prepend=-1) != 0]  # a partner goes to one row only
    order = possible[np.lexsort((-key[possible], which[possible]))]
    wanted = np.maximum(follow.count.sample([], rng, len(chosen)), 1)
    order = order[rank_within(which[order]) < wanted[which[order]]]
    group = np.unique(which[order])
    if not link.partners.several:
        group = group[np.unique(subjects[0][chosen[group]], return_index=True)[1]]
    order = order[np.isin(which[order], group)]
    return chosen[group], partner[order], np.searchsorted(group, which[order])
