"""Links between rows (RELREC): which rows of two datasets belong together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from replicator.config import FitConfig
from replicator.heavy import pandas as pd
from replicator.models.backoff import BackoffTable
from replicator.models.onset import rank_within
from replicator.profile.structure import Kind, StudyStructure
from replicator.study_model.links_levels import LinkedLevels
from replicator.study_model.links_partners import Partners
from replicator.study_model.source import Source
from replicator.tables.dataset import Column, Dataset, Text, Variable


@dataclass(frozen=True, eq=False)
class LinkEnd:
    """One dataset of a link.

    Attributes
    ----------
    dataset, idvar : str
        The dataset, and the variable by which its row is named.
    levels : LinkedLevels
        Of the variable that tells best which rows are linked.
    linked : BackoffTable
        Whether a row is linked (1) given its level; of the leading end, a row that has a partner who suits.
    count : BackoffTable
        How many rows a link takes.
    width : int
        Characters that IDVARVAL is padded to on the left; 0 for none.
    """

    kind: ClassVar[str] = "link end"

    dataset: str
    idvar: str
    levels: LinkedLevels
    linked: BackoffTable
    count: BackoffTable
    width: int


@dataclass(frozen=True, eq=False)
class Link:
    """A relation between two datasets; the first end leads: each of its linked rows takes rows of the second.

    Attributes
    ----------
    relation : str
        Name of the relation dataset.
    lead, follow : LinkEnd
    partners : Partners
        Which rows of the second suit a row of the first.
    constants : mapping of str to str
        RELTYPE and the like.
    """

    kind: ClassVar[str] = "link"

    relation: str
    lead: LinkEnd
    follow: LinkEnd
    partners: Partners
    constants: Mapping[str, str]


@dataclass(frozen=True, eq=False)
class LinksModel:
    """All links of a study."""

    kind: ClassVar[str] = "links model"

    links: tuple[Link, ...]

    @classmethod
    def fit(cls, source: Source, structure: StudyStructure, config: FitConfig) -> tuple[LinksModel, tuple[str, ...]]:
        """Learn the relations between rows; those that fewer than k subjects have are named and left out."""
        links: list[Link] = []
        notes: list[str] = []
        variable = structure.subject_variable
        for name, found in structure.datasets.items():
            if found.kind is not Kind.LINKS or name not in source.datasets:
                continue
            dataset = source.datasets[name]
            if not {*_names(variable)} <= set(dataset.names):
                continue
            made, lost = _fit_relation(name, dataset, source, variable, config.k)
            links += made
            if lost:
                notes.append(
                    f"{name}: rows of relations that fewer than {config.k} subjects share or that join no two datasets are not "
                    f"learned, {lost:,} of {dataset.n_rows:,}; lower k to keep more."
                )
        return cls(tuple(links)), tuple(notes)

    def sample(
        self,
        datasets: Mapping[str, Dataset],
        subject: Mapping[str, NDArray[np.int32]],
        variable: str,
        ids: Text,
        rng: np.random.Generator,
    ) -> dict[str, Dataset]:
        """Draw the relation datasets for sampled datasets whose --SEQ and record ids are final.

        Parameters
        ----------
        datasets : mapping of str to Dataset
            Sampled datasets.
        subject : mapping of str to (n_rows,) int32
            Position of each row's subject.
        variable : str
            The subject variable, for example USUBJID.
        ids : Text
            Identifier of each subject.
        """
        pieces: dict[str, list[_End]] = {}
        for number, link in enumerate(self.links):
            ends = pieces.setdefault(link.relation, [])
            ends += _sample_link(link, number, datasets, subject, variable, ids, rng)
        return {name: _related(name, ends, variable) for name, ends in pieces.items()}


def _names(variable: str) -> tuple[str, ...]:
    """Variables of a relation between rows."""
    return "RDOMAIN", variable, "IDVAR", "IDVARVAL", "RELID"


def _distinct(ends: pd.Series) -> Any:
    """The different ends of one relation, in order."""
    return tuple(sorted(set(ends)))


def _fit_relation(name: str, dataset: Dataset, source: Source, variable: str, k: int) -> tuple[list[Link], int]:
    frame = pd.DataFrame({c: dataset.text(c).strings() for c in _names(variable)})
    frame["end"] = frame["RDOMAIN"] + "\x1f" + frame["IDVAR"]
    shape = frame.groupby([variable, "RELID"])["end"].agg(_distinct)
    links: list[Link] = []
    kept = 0
    for ends, groups in shape.groupby(shape):
        members = frame.set_index([variable, "RELID"]).loc[groups.index].reset_index()
        if len(ends) != 2 or members[variable].nunique() < k:
            continue
        named = [end.split("\x1f") for end in ends]
        tables = {end: _domain_dataset(source, end[0], end[1]) for end in map(tuple, named)}
        if any(not table for table in tables.values()):
            continue
        size = members.groupby([variable, "RELID", "end"]).size()
        mean = {end: float(size.xs(end, level="end").mean()) for end in ends}
        order = sorted(ends, key=lambda end: (mean[end], end))
        made = []
        for end in order:
            domain, idvar = end.split("\x1f")
            rows = members[members["end"] == end]
            made.append(
                _fit_end(tables[(domain, idvar)], idvar, rows, size.xs(end, level="end"), source, variable, end == order[0], k)
            )
        constants = {}
        for other in dataset.names:
            if other not in _names(variable):
                constants[other] = str(pd.Series(dataset.text(other).strings()).mode().iloc[0])
        lead, partners = _fit_partners(members, made[0], made[1], source, variable, k)
        links.append(Link(name, lead, made[1], partners, constants))
        kept += len(members)
    return links, len(frame) - kept


def _domain_dataset(source: Source, domain: str, idvar: str) -> str:
    return next((n for n in source.subject if source.datasets[n].domain == domain and idvar in source.datasets[n]), "")


def _fit_end(
    name: str, idvar: str, rows: pd.DataFrame, size: pd.Series, source: Source, variable: str, leads: bool, k: int
) -> LinkEnd:
    """Learn one end; that which leads says who has a relation at all, so it is held against the rows of all subjects."""
    dataset, subject = source.datasets[name], source.subject[name]
    wanted = set(zip(rows[variable], rows["IDVARVAL"].str.strip(), strict=True))
    named = zip(source.ids[subject], dataset.text(idvar).strings(), strict=True)
    linked = np.array([pair in wanted for pair in named], dtype=np.int64)
    concerned = np.isin(subject, np.unique(subject[linked > 0])) | leads
    levels = LinkedLevels.fit(dataset, subject, linked > 0, concerned, {idvar}, k)
    table = BackoffTable.fit(linked, [levels.codes(dataset)], subject, k=min(k, 3))
    who = pd.factorize(size.index.get_level_values(variable))[0]
    count = BackoffTable.fit(np.minimum(size.to_numpy(), 10), [], who, k=k)
    padded = rows["IDVARVAL"].str.startswith(" ").any()
    width = int(rows["IDVARVAL"].str.len().max()) if padded else 0
    return LinkEnd(name, idvar, levels, table, count, width)


def _fit_partners(
    members: pd.DataFrame, lead: LinkEnd, follow: LinkEnd, source: Source, variable: str, k: int
) -> tuple[LinkEnd, Partners]:
    """Learn which rows suit each other, and how often a row that has somebody who suits is linked."""
    tables = (source.datasets[lead.dataset], source.datasets[follow.dataset])
    owner = source.subject[lead.dataset]
    related = [_related_rows(members, end, table, source, variable) for end, table in zip((lead, follow), tables, strict=True)]
    together = related[0].merge(related[1], on=["subject", "RELID"])
    wanted = together["row_x"].to_numpy(np.int64) * tables[1].n_rows + together["row_y"].to_numpy(np.int64)
    row, partner = _candidates(owner, source.subject[follow.dataset])
    codes = lead.levels.codes(tables[0])[row], follow.levels.codes(tables[1])[partner]
    linked = np.isin(np.arange(len(owner)), related[0]["row"])
    mine = linked[row]
    pairs = (row[mine], partner[mine])
    partners = Partners.fit(
        tables,
        pairs,
        np.isin(pairs[0] * tables[1].n_rows + pairs[1], wanted),
        (codes[0][mine], codes[1][mine]),
        owner[pairs[0]],
        k,
    )
    suits = np.unique(row[(partners.score(tables, (row, partner), codes) > 0) | mine])
    table = BackoffTable.fit(linked[suits].astype(np.int64), [lead.levels.codes(tables[0])[suits]], owner[suits], k=min(k, 3))
    return replace(lead, linked=table), partners


def _related_rows(members: pd.DataFrame, end: LinkEnd, table: Dataset, source: Source, variable: str) -> pd.DataFrame:
    """Subject, RELID and row of all rows of one end that are related."""
    cells = members[members["end"] == f"{table.domain}\x1f{end.idvar}"]
    named = pd.DataFrame(
        {
            "subject": pd.Index(source.ids).get_indexer(pd.Index(cells[variable])),
            "cell": cells["IDVARVAL"].str.strip(),
            "RELID": cells["RELID"],
        }
    )
    rows = pd.DataFrame({"subject": source.subject[end.dataset], "cell": table.text(end.idvar).strings()})
    return named.merge(rows.assign(row=np.arange(table.n_rows)), on=["subject", "cell"])[["subject", "RELID", "row"]]


def _candidates(owner: NDArray[np.int32], subject: NDArray[np.int32]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """All pairs of an owner (n,) and a row of the same subject: position of the owner, and row; by owner."""
    order = np.argsort(subject, kind="stable")
    begin, stop = (np.searchsorted(subject[order], owner, side=side) for side in ("left", "right"))
    count = stop - begin
    which = np.repeat(np.arange(len(owner)), count)
    inner = np.arange(len(which)) - np.repeat(np.cumsum(count) - count, count)
    return which, order[np.repeat(begin, count) + inner].astype(np.int64)


@dataclass(frozen=True, eq=False)
class _End:
    """Rows of one end of the relations of a link.

    Attributes
    ----------
    place : (n_rows, 5) int64
        Subject, link, number of the relation, end, and row in its dataset.
    cells : mapping of str to (n_rows,) object
    """

    place: NDArray[np.int64]
    cells: Mapping[str, NDArray[np.object_]]


def _related(name: str, ends: Sequence[_End], variable: str) -> Dataset:
    """Put the rows of a relation dataset in order: by subject, each subject's relations numbered from 1."""
    place = np.concatenate([np.empty((0, 5), np.int64), *(end.place for end in ends)])
    order = np.lexsort(place.T[::-1])
    place = place[order]
    new = np.append(True, (np.diff(place[:, :3], axis=0) != 0).any(axis=1))[: len(place)]
    number = np.cumsum(new) - np.searchsorted(place[new, 0], place[:, 0])
    columns: dict[str, Column] = {}
    for column in dict.fromkeys([*_names(variable), *(cell for end in ends for cell in end.cells)]):
        cells = [end.cells.get(column, np.full(len(end.place), "", object)) for end in ends]
        cell = np.concatenate([np.empty(0, object), *cells])[order]
        if column == "RELID":
            cell = np.array([f"{one}-{n}" for one, n in zip(cell.tolist(), number.tolist(), strict=True)], object)
        columns[column] = Text.of(cell)
    return Dataset(name.upper(), tuple(Variable(column) for column in columns), columns)


def _sample_link(
    link: Link,
    number: int,
    datasets: Mapping[str, Dataset],
    subject: Mapping[str, NDArray[np.int32]],
    variable: str,
    ids: Text,
    rng: np.random.Generator,
) -> list[_End]:
    """Draw the rows of both ends of a link, in the order of the relations; none where a dataset is not there."""
    if link.lead.dataset not in datasets or link.follow.dataset not in datasets:
        return []
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
        ends.append(_End(np.stack(place, axis=1).astype(np.int64), cells | {variable: named, "IDVARVAL": padded, "RELID": named}))
    return ends


def _linked_rows(
    link: Link, tables: tuple[Dataset, Dataset], subjects: tuple[NDArray[np.int32], NDArray[np.int32]], rng: np.random.Generator
) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.intp]]:
    """Draw leading rows and their partners: (n,), (m,), and the leading row, by its position, of each partner (m,)."""
    (leaders, followers), (lead, follow) = tables, (link.lead, link.follow)
    chosen = np.flatnonzero(lead.linked.sample([lead.levels.codes(leaders)], rng, leaders.n_rows) > 0)
    which, partner = _candidates(subjects[0][chosen], subjects[1])
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
