"""How the columns of occurrences are learned, from all rows and the occurrences that they belong to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from replicator.models.backoff import BackoffTable
from replicator.models.chain import most_telling
from replicator.models.onset import rank_within
from replicator.study_model.columns.attributes import Attributes
from replicator.study_model.columns.codes import column_codes, count_subjects, take_codes
from replicator.study_model.columns.dated import DateFormat, DateGiven
from replicator.study_model.columns.odd_dates import lost_notes
from replicator.study_model.columns.rare_levels import is_worded, protect_levels
from replicator.study_model.events.columns import (
    OccurrenceColumns,
    OtherDate,
    Varying,
    VisitColumns,
    candidate_days,
    phase_of,
    place_among,
    presence_of,
    stage_of,
    told_by_dates,
)
from replicator.study_model.events.fatal import without_deaths
from replicator.study_model.events.ids import RecordIds
from replicator.study_model.events.qualifiers import Qualifiers
from replicator.study_model.events.source import SourceEvents
from replicator.study_model.events.untreated import may_end_treatment, phase_of_treatment
from replicator.study_model.spine import Spine
from replicator.tables.dataset import Dataset, Text, Variable
from replicator.tables.dates import parse_dates

Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

YES = np.array(["Y"], object)


@dataclass(frozen=True, eq=False)
class _Reports:
    """Rows by occurrence and then by the day of their visit.

    Attributes
    ----------
    rows : Dataset
    who : (n_rows,) int32
        Subject.
    occurrence, visit, rank : (n_rows,) int64
        Occurrence of each row, its visit (-1 for none) and its number within the occurrence, from 0.
    head : Dataset
        The first row of each occurrence.
    start : (n,) float64
        Day on which each occurrence starts.
    days : mapping of str to (n_rows,) float64
        Days that another date of a row may follow.
    closed : (n_rows,) bool
        Whether the occurrence was over.
    opening : (n,) bool
        Whether it was over at its first row.
    """

    rows: Dataset
    who: NDArray[np.int32]
    occurrence: Ints
    visit: Ints
    rank: Ints
    head: Dataset
    start: Floats
    days: Mapping[str, Floats]
    closed: Bools
    opening: Bools

    @classmethod
    def of(cls, source: SourceEvents) -> _Reports:
        """Order the rows of the source."""
        found, plan, spine = source.found, source.plan, source.spine
        no_visit = np.full(source.dataset.n_rows, -1, np.int64)
        visit = found.visit if found.visit is not None else no_visit
        day = np.append(spine.visits.day, np.nan)[visit]
        order = np.lexsort((np.arange(len(day)), day, found.of_row))
        rows, who, occurrence, visit = source.dataset.take(order), source.subject[order], found.of_row[order], visit[order]
        rank = rank_within(occurrence)
        first = rank == 0
        head = rows.take(np.flatnonzero(first))
        start, end = (parse_dates(head.text(name)).day if name else np.full(found.n, np.nan) for name in (plan.start, plan.end))
        days = candidate_days(spine, who.astype(np.int64), start[occurrence], end[occurrence], visit)
        with np.errstate(invalid="ignore"):
            closed = days["VISIT"] >= end[occurrence]
        return cls(rows, who, occurrence, visit, rank, head, start, days, closed, closed[first])

    def stages(self) -> Ints:
        """Stage of each row, on which what varies within an occurrence depends: (n_rows,)."""
        return stage_of(self.occurrence, self.closed, self.opening)


def fit_columns(source: SourceEvents, ending: Ints, set_aside: Bools, k: int) -> tuple[OccurrenceColumns, tuple[str, ...]]:
    """Learn all columns of occurrences but their terms, and tell what of them is not kept.

    Parameters
    ----------
    source : SourceEvents
        Rows and occurrences.
    ending : (n,) int64
        How the participation of each occurrence's subject ended.
    set_aside : (n,) bool
        Occurrences whose qualifiers are not learned, such as fatal ones.
    k : int
        Fewest subjects behind anything kept.
    """
    plan, reports = source.plan, _Reports.of(source)
    rows, who, days = reports.rows, reports.who, reports.days
    patterns = (source.start.code, source.end.code, reports.opening)
    phases = np.unique(phase_of(*patterns))
    partial = tuple(name for name in plan.dates if _is_partial(reports, name, k))
    told = told_by_dates(phases, *patterns)
    qualifiers, lost = _fit_qualifiers(source, reports.head, [*plan.ids, *partial], told, ending, set_aside, k)
    later = (reports.rank > 0) & ~set_aside[reports.occurrence]
    varying = tuple(_fit_varying(reports, name, later, k) for name in plan.varying)
    ids = tuple(RecordIds.fit(name, reports.head[name], source.owner, reports.start, k) for name in plan.ids)
    written = None
    if plan.collected:
        column = rows.text(plan.collected)
        written = DateFormat.fit(column, parse_dates(column), [], who, k)
    odd = [
        note
        for name in (plan.collected, *plan.dates)
        if name
        for note in lost_notes(f"{rows.name}.{name}", rows.text(name), parse_dates(rows.text(name)), who, k)
    ]
    placed = tuple(name for name in days if name not in ("START", "END")) if plan.placed else ()
    epochs, rare = Attributes.fit(rows, plan.placed, [place_among(days, placed, rows.n_rows)], who, k)
    columns = OccurrenceColumns(
        plan.start,
        plan.end,
        plan.collected,
        phases,
        qualifiers,
        varying,
        ids,
        _visit_columns(reports, plan.visits, source.spine, k),
        written,
        tuple(_fit_date(reports, name, name in partial, k) for name in plan.dates),
        placed,
        epochs,
    )
    return columns, (*lost, *rare, *odd)


def _fit_qualifiers(
    source: SourceEvents, head: Dataset, present: list[str], given: list[Ints], ending: Ints, set_aside: Bools, k: int
) -> tuple[Qualifiers, tuple[str, ...]]:
    """Learn qualifiers, and where others are `present`, given codes (n,), class, family, term, arm, ending, rows, and the phase.

    Where fewer than `k` subjects have an occurrence that is set aside, what its death does not decide is learned with the others':
    of few severe events, a fatal one may be the one that makes them `k`.
    """
    for name in present:
        there = Text(np.where(head[name].missing, -1, 0).astype(np.int32), YES)
        head = head.with_column(Variable(presence_of(name)), there)
    several = (np.bincount(source.found.of_row, minlength=source.found.n) > 1).astype(np.int64)
    told = len(given)
    given = [*given, source.block, source.family, source.kind_of, source.arm, ending, several]
    groups = (told + 4, told + 3)  # the ending and the arm
    few = len(np.unique(source.owner[set_aside])) < k
    use = np.ones(source.found.n, bool) if few or set_aside.all() else ~set_aside
    head = without_deaths(head, source.structure, set_aside) if few else head
    names = [*(presence_of(name) for name in present), *source.plan.qualifiers]
    treated = phase_of_treatment(source.spine, source.owner, source.start.day)
    final = may_end_treatment(source.spine, source.owner, source.start.day, treated)
    phase = treated[use], final[use]
    return Qualifiers.fit(head.take(use), names, [codes[use] for codes in given], phase, source.owner[use], k, groups)


def _fit_varying(reports: _Reports, name: str, later: Bools, k: int) -> Varying:
    """Learn a column of the rows `later` (n_rows,), none of them the first of its occurrence, given the row before."""
    codes, levels = column_codes(reports.rows[name])
    codes, levels, _ = protect_levels(codes, levels, reports.who, k, is_worded(name, reports.rows.domain))
    rows, who = np.flatnonzero(later), reports.who[later].astype(np.int64)
    told = [codes[rows - 1], reports.stages()[rows]]
    given = np.array(most_telling(codes[rows], told, who, k), np.int64)
    table = BackoffTable.fit(codes[rows], [told[i] for i in given.tolist()], reports.who[later], k=k)
    changes = len(np.unique(who)) >= k and not (codes[rows] == codes[rows - 1]).any()
    return Varying(name, levels, given, table, changes)


def _is_partial(reports: _Reports, name: str, k: int) -> bool:
    """Whether at least `k` subjects have a date, and occurrences that lack it lack it in all their rows."""
    missing, n = reports.rows[name].missing, reports.head.n_rows
    rows, lacking = np.bincount(reports.occurrence, minlength=n), np.bincount(reports.occurrence, missing, minlength=n)
    shared = len(np.unique(reports.who[~missing])) >= k
    return bool(shared and missing.any() and ((lacking == 0) | (lacking == rows)).all())


def _fit_date(reports: _Reports, name: str, partial: bool, k: int) -> OtherDate:
    """Learn a date beside start and end; of one that only some occurrences have, on the rows that have it."""
    column = reports.rows.text(name)
    use = np.flatnonzero(~column.missing if partial else np.ones(len(column), bool))
    dates, who = parse_dates(column.take(use)), reports.who[use]
    day = DateGiven.fit(dates.full_day, {key: value[use] for key, value in reports.days.items()}, [], who, k)
    return OtherDate(name, day, DateFormat.fit(column.take(use), dates, [], who, k))


def _visit_columns(reports: _Reports, names: tuple[str, ...], spine: Spine, k: int) -> VisitColumns | None:
    """Cells of the visit columns by visit number: the most frequent of each column, of those that `k` subjects share."""
    if not names:
        return None
    linked = reports.visit >= 0
    number = np.round(spine.visits.number, 9)[reports.visit[linked]]
    levels, code = np.unique(number, return_inverse=True)
    values = []
    for name in names:
        codes, distinct = column_codes(reports.rows[name])
        cells = np.stack([code.reshape(-1), codes[linked]], axis=1)
        pairs, of_row, counts = np.unique(cells, axis=0, return_inverse=True, return_counts=True)
        shared = count_subjects(of_row.reshape(-1).astype(np.int64), reports.who[linked], len(pairs)) >= k
        pairs, counts = pairs[shared], counts[shared]
        top = np.full(len(levels), -1, np.int64)
        by_count = np.argsort(counts, kind="stable")
        top[pairs[by_count, 0]] = pairs[by_count, 1]
        values.append(take_codes(distinct, np.append(top, -1)))
    return VisitColumns(levels, names, tuple(values))
