"""Which rows of the source are related."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from replicator.heavy import pandas as pd
from replicator.models.backoff import BackoffTable
from replicator.profile.protected import count_subjects
from replicator.study_model.columns.codes import common_text
from replicator.study_model.links.levels import LinkedLevels
from replicator.study_model.links.link import Link, LinkEnd, candidates, relation_variables
from replicator.study_model.links.partners import Partners
from replicator.study_model.source import Source
from replicator.tables.dataset import Dataset

_MOST = 10  # rows of one end of a relation, or more


def _distinct(ends: pd.Series) -> Any:
    """The different ends of one relation, in order."""
    return tuple(sorted(set(ends)))


def fit_relation(name: str, dataset: Dataset, source: Source, variable: str, k: int) -> tuple[list[Link], int]:
    """Learn the links of a relation dataset that `k` subjects share, and how many of its rows are not learned."""
    frame = pd.DataFrame({c: dataset.text(c).strings() for c in relation_variables(variable)})
    frame["end"] = frame["RDOMAIN"] + "\x1f" + frame["IDVAR"]
    shape = frame.groupby([variable, "RELID"])["end"].agg(_distinct)
    whose = pd.factorize(frame[variable])[0].astype(np.int32)
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
        others = [other for other in dataset.names if other not in relation_variables(variable)]
        constants = {other: common_text(dataset.text(other), whose, k) for other in others}
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
    table = BackoffTable.fit(linked, [levels.codes(dataset)], subject, k=k)
    who = pd.factorize(size.index.get_level_values(variable))[0]
    sizes = np.minimum(size.to_numpy(), _MOST)
    if (count_subjects(sizes, who, _MOST + 1) < k).all():  # no size is shared by k: each is the least that a relation has
        sizes = np.ones_like(sizes)
    count = BackoffTable.fit(sizes, [], who, k=k)
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
    row, partner = candidates(owner, source.subject[follow.dataset])
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
    table = BackoffTable.fit(linked[suits].astype(np.int64), [lead.levels.codes(tables[0])[suits]], owner[suits], k=k)
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
