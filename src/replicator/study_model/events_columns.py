"""All columns of an occurrence but its term and its start and end: qualifiers, identifiers, visits, collection dates, epochs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from replicator.config import FitConfig
from replicator.models.backoff import BackoffTable
from replicator.models.onset import rank_within
from replicator.profile.structure import DatasetStructure, Role
from replicator.study_model.attributes import Attributes, column_codes, is_worded, protect_levels
from replicator.study_model.dated import DateFormat, DateGiven
from replicator.study_model.events_dates import Drawn
from replicator.study_model.events_ids import RecordIds
from replicator.study_model.events_occurrences import Occurrences
from replicator.study_model.events_qualifiers import Qualifiers, take_levels
from replicator.study_model.spine import Spine
from replicator.tables.dataset import Column, Dataset, Text, Variable
from replicator.tables.dates import parse_dates

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

VARIES = 0.02  # share of occurrences with several rows within which a column must differ to be one of the row


@dataclass(frozen=True)
class ColumnPlan:
    """Which column is learned how."""

    start: str
    end: str
    collected: str
    visits: tuple[str, ...]
    ids: tuple[str, ...]
    dates: tuple[str, ...]
    placed: tuple[str, ...]
    qualifiers: tuple[str, ...]
    varying: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class VisitColumns:
    """VISITNUM and what follows from it: the cells of each visit number."""

    kind: ClassVar[str] = "visit columns"

    number: Floats
    names: tuple[str, ...]
    values: tuple[Column, ...]


@dataclass(frozen=True, eq=False)
class Varying:
    """A column that changes between the rows of an occurrence, given its value in the first row, and whether more rows follow."""

    kind: ClassVar[str] = "varying column"

    name: str
    levels: Column
    table: BackoffTable


@dataclass(frozen=True, eq=False)
class OtherDate:
    """A date beside start and end: the day given others, and how it is written."""

    kind: ClassVar[str] = "other date"

    name: str
    day: DateGiven | None
    format: DateFormat


@dataclass(frozen=True, eq=False)
class OccurrenceColumns:
    """Columns given occurrences, their dates and their reports.

    Attributes
    ----------
    start, end, collected : str
        Variables of start, end and, where rows are bound to visits, the day of the visit; ``""`` for none.
    phases : (n_phases,) int64
        Codes of start pattern, end pattern and whether the first row came after the end, sorted.
    qualifiers : Qualifiers
        Of the occurrence, given phase, class, term, arm, how the participation ended, and whether it has several rows.
    varying : tuple of Varying
        Of further rows.
    ids : tuple of RecordIds
        Present where the qualifier of their name says so.
    visits : VisitColumns or None
        Where rows are bound to visits.
    written : DateFormat or None
        How the day of the visit is written.
    dates : tuple of OtherDate
        All other dates.
    placed : tuple of str
        Marks between which a row may lie; their order with the start decides `epochs`.
    epochs : Attributes
        EPOCH and the like, given where the start lies.
    """

    kind: ClassVar[str] = "occurrence columns"

    start: str
    end: str
    collected: str
    phases: Ints
    qualifiers: Qualifiers
    varying: tuple[Varying, ...]
    ids: tuple[RecordIds, ...]
    visits: VisitColumns | None
    written: DateFormat | None
    dates: tuple[OtherDate, ...]
    placed: tuple[str, ...]
    epochs: Attributes

    def sample(
        self,
        spine: Spine,
        owner: Ints,
        term: tuple[Ints, Ints, Ints],
        pattern: tuple[Ints, Ints],
        ending: Ints,
        drawn: Drawn,
        rows: tuple[Ints, Ints, NDArray[np.bool_]],
        rng: np.random.Generator,
    ) -> dict[str, Column]:
        """Draw the columns.

        Parameters
        ----------
        owner : (n,) int
            Subject of each occurrence.
        term : three arrays (n,) int
            Kind, class and arm.
        pattern : two arrays (n,) int
            Patterns of start and end.
        ending : (n,) int
            How the participation ended, from :class:`~replicator.study_model.events_ending.Ending`.
        drawn : Drawn
            Start and end.
        rows : three arrays (n_rows,)
            Occurrence, visit (-1 for none) and whether the occurrence was over, of each row; by occurrence and day.
        """
        occurrence, visit, closed = rows
        n = len(owner)
        kind_of, block, arm = term
        rank = rank_within(occurrence)
        opening = np.zeros(n, bool)
        opening[occurrence[rank == 0]] = closed[rank == 0]
        phase = _find(self.phases, _phase(pattern[0], pattern[1], opening))
        several = (np.bincount(occurrence, minlength=n) > 1).astype(np.int64)
        cells = self.qualifiers.sample([phase, block, kind_of, arm, ending, several], rng, n, owner)
        out: dict[str, Column] = {}
        for ids in self.ids:
            present = ~cells.pop(_present(ids.name)).missing
            out[ids.name] = ids.sample(present, owner, drawn.start, rng).take(occurrence)
        out |= {name: column.take(occurrence) for name, column in cells.items()}
        for item in self.varying:
            out[item.name] = _sample_varying(item, cells[item.name], occurrence, rank, _stage(occurrence, closed, opening), rng)
        if self.start:
            out[self.start] = drawn.start_text.take(occurrence)
        if self.end:
            out[self.end] = drawn.end_text.take(occurrence)
        candidates = _candidates(spine, owner[occurrence], drawn.start[occurrence], drawn.end[occurrence], visit)
        if self.visits is not None:
            number = np.append(spine.visits.number, np.nan)[visit]
            place = _find(self.visits.number, np.round(number, 9))
            out |= {name: column.take(place) for name, column in zip(self.visits.names, self.visits.values, strict=True)}
        if self.collected and self.written is not None:
            out[self.collected] = self.written.sample(candidates["VISIT"], [], rng)
        for other in self.dates:
            day = other.day.sample(candidates, [], rng, len(occurrence)) if other.day else np.full(len(occurrence), np.nan)
            out[other.name] = other.format.sample(day, [], rng)
        place_code = _place(candidates, self.placed, len(occurrence))
        return out | dict(self.epochs.sample([place_code], rng, len(occurrence)))


def column_plan(dataset: Dataset, structure: DatasetStructure, found: Occurrences) -> ColumnPlan:
    """Sort the columns by how they are learned."""
    bound = found.visit is not None
    start, end, collected = structure.named("STDTC"), structure.named("ENDTC"), structure.named("DTC")
    if not start and collected and not bound:
        start, collected = collected, ""
    dates = [name for name in structure.with_role(Role.DATE) if name not in (start, end)]
    if bound and collected in dates:
        dates.remove(collected)
    elif not bound:
        collected = ""
    visits = structure.with_role(Role.VISIT) if bound and "VISITNUM" in structure.with_role(Role.VISIT) else ()
    ids = structure.with_role(Role.RECORD_ID)
    placed = structure.with_role(Role.EPOCH)
    roles = [Role.QUALIFIER, Role.FLAG, Role.GROUPING, Role.RESULT, Role.TIMEPOINT]
    qualifiers = [name for name in structure.with_role(*roles) if name not in dates]
    qualifiers += [name for name in structure.with_role(Role.VISIT) if name not in visits]
    several = np.bincount(found.of_row)[found.of_row] > 1
    varying = []
    for name in qualifiers:
        codes = column_codes(dataset[name])[0][several]
        pairs = np.unique(np.stack([found.of_row[several], codes], axis=1), axis=0)[:, 0]
        if len(pairs) and (np.bincount(pairs) > 1).sum() > VARIES * len(np.unique(pairs)):
            varying.append(name)
    return ColumnPlan(start, end, collected, visits, ids, tuple(dates), placed, tuple(qualifiers), tuple(varying))


def fit_columns(
    dataset: Dataset,
    structure: DatasetStructure,
    plan: ColumnPlan,
    found: Occurrences,
    subject: NDArray[np.int32],
    spine: Spine,
    term: tuple[Ints, Ints],
    pattern: tuple[Ints, Ints],
    ending: Ints,
    set_aside: NDArray[np.bool_],
    config: FitConfig,
) -> tuple[OccurrenceColumns, tuple[str, ...]]:
    """Learn the columns of `plan` from all rows and the occurrences that they belong to."""
    order = _row_order(dataset, plan, found, spine)
    occurrence, visit = found.of_row[order], (found.visit[order] if found.visit is not None else np.full(len(order), -1))
    rank = rank_within(occurrence)
    first = np.empty(found.n, np.int64)
    first[occurrence[rank == 0]] = order[rank == 0]
    head, owner = dataset.take(first), subject[first]
    days = [parse_dates(head.text(name)).day if name else np.full(found.n, np.nan) for name in (plan.start, plan.end)]
    candidates = _candidates(spine, subject[order].astype(np.int64), days[0][occurrence], days[1][occurrence], visit)
    with np.errstate(invalid="ignore"):
        closed = candidates["VISIT"] >= days[1][occurrence]
    opening = np.zeros(found.n, bool)
    opening[occurrence[rank == 0]] = closed[rank == 0]
    phase = _phase(pattern[0], pattern[1], opening)
    phases = np.unique(phase)
    for name in plan.ids:
        head = head.with_column(_variable(_present(name)), Text(np.where(head[name].missing, -1, 0).astype(np.int32), _YES))
    use = ~set_aside if (~set_aside).any() else np.ones(found.n, bool)
    given = [_find(phases, phase), term[1], term[0], spine.arm[owner].astype(np.int64), ending]
    given.append((np.bincount(found.of_row, minlength=found.n) > 1).astype(np.int64))
    qualifiers, notes = Qualifiers.fit(
        head.take(use), [*(_present(name) for name in plan.ids), *plan.qualifiers], [g[use] for g in given], owner[use], config.k
    )
    later = (rank > 0) & ~set_aside[occurrence]
    varying = tuple(
        _fit_varying(
            dataset.take(order), name, occurrence, rank, later, _stage(occurrence, closed, opening), subject[order], config.k
        )
        for name in plan.varying
    )
    ids = tuple(RecordIds.fit(name, head[name], owner, days[0], config.k) for name in plan.ids)
    rows, who = dataset.take(order), subject[order]
    written = None
    if plan.collected:
        column = rows.text(plan.collected)
        written = DateFormat.fit(column, parse_dates(column), [], who, config.k)
    others = []
    for name in plan.dates:
        column = rows.text(name)
        dates = parse_dates(column)
        fit = DateGiven.fit(dates.full_day, candidates, [], who, config.k)
        others.append(OtherDate(name, fit, DateFormat.fit(column, dates, [], who, config.k)))
    placed = tuple(name for name in candidates if name not in ("START", "END")) if plan.placed else ()
    epochs, more = Attributes.fit(rows, plan.placed, [_place(candidates, placed, len(order))], who, config.k)
    return (
        OccurrenceColumns(
            plan.start,
            plan.end,
            plan.collected,
            phases,
            qualifiers,
            varying,
            ids,
            _visit_columns(rows, plan, visit, spine),
            written,
            tuple(others),
            placed,
            epochs,
        ),
        (*notes, *more),
    )


_YES = np.array(["Y"], object)


def _present(name: str) -> str:
    return f"{name} present"


def _variable(name: str) -> Variable:
    return Variable(name)


def _row_order(dataset: Dataset, plan: ColumnPlan, found: Occurrences, spine: Spine) -> Ints:
    """Rows by occurrence and then by the day of their visit."""
    n = dataset.n_rows
    day = np.append(spine.visits.day, np.nan)[found.visit] if found.visit is not None else np.zeros(n)
    return np.lexsort((np.arange(n), day, found.of_row)).astype(np.int64)


def _phase(start: Ints, end: Ints, opening: NDArray[np.bool_]) -> Ints:
    return (start * 100 + end) * 2 + opening


def _stage(occurrence: Ints, closed: NDArray[np.bool_], opening: NDArray[np.bool_]) -> Ints:
    """Stage of each row: whether its occurrence was over, whether that was so at its first row, and whether more rows follow."""
    follows = np.append(occurrence[1:] == occurrence[:-1], False) if len(occurrence) else np.zeros(0, bool)
    stage: Ints = closed.astype(np.int64) * 4 + opening[occurrence] * 2 + follows
    return stage


def _find(levels: NDArray[np.generic], values: NDArray[np.generic]) -> Ints:
    """Position among sorted levels, -1 where it is none of them."""
    if not len(levels):
        return np.full(len(values), -1, np.int64)
    at = np.minimum(np.searchsorted(levels, values), len(levels) - 1)
    return np.where(levels[at] == values, at, -1).astype(np.int64)


def _candidates(spine: Spine, owner: Ints, start: Floats, end: Floats, visit: Ints) -> dict[str, Floats]:
    """Days that another date of the row may follow."""
    out = {"START": start, "END": end, "VISIT": np.append(spine.visits.day, np.nan)[visit]}
    out |= {name: np.floor(day)[owner] for name, day in spine.marks.items()}
    return out | {"ANCHOR": spine.anchor[owner]}


def _place(candidates: Mapping[str, Floats], marks: tuple[str, ...], n: int) -> Ints:
    """Where the start (else the visit) lies among marks: 0 before, 1 on the day, 2 after, 3 unknown; digits to base 4."""
    day = np.where(np.isnan(candidates["START"]), candidates["VISIT"], candidates["START"])
    code = np.zeros(n, np.int64)
    for name in marks[:12]:
        gap = day - candidates.get(name, np.full(n, np.nan))
        code = code * 4 + np.where(np.isnan(gap), 3, np.sign(np.nan_to_num(gap)) + 1).astype(np.int64)
    return code


def _visit_columns(rows: Dataset, plan: ColumnPlan, visit: Ints, spine: Spine) -> VisitColumns | None:
    """Cells of the visit columns by visit number: the most frequent combination."""
    if not plan.visits:
        return None
    linked = visit >= 0
    number = np.round(spine.visits.number, 9)[visit[linked]]
    levels, code = np.unique(number, return_inverse=True)
    values = []
    for name in plan.visits:
        codes, distinct = column_codes(rows[name])
        pairs, counts = np.unique(np.stack([code.reshape(-1), codes[linked]], axis=1), axis=0, return_counts=True)
        top = np.full(len(levels), -1, np.int64)
        by_count = np.argsort(counts, kind="stable")
        top[pairs[by_count, 0]] = pairs[by_count, 1]
        values.append(take_levels(distinct, np.append(top, -1)))
    return VisitColumns(levels, plan.visits, tuple(values))


def _fit_varying(
    rows: Dataset,
    name: str,
    occurrence: Ints,
    rank: Ints,
    later: NDArray[np.bool_],
    stage: Ints,
    subject: NDArray[np.int32],
    k: int,
) -> Varying:
    codes, levels = column_codes(rows[name])
    codes, levels, _ = protect_levels(codes, levels, subject, k, is_worded(name, rows.domain))
    head = np.empty(int(occurrence.max(initial=-1)) + 1, np.int64)
    head[occurrence[rank == 0]] = codes[rank == 0]
    given = [stage[later], head[occurrence][later]]
    return Varying(name, levels, BackoffTable.fit(codes[later], given, subject[later], k=k))


def _sample_varying(
    item: Varying,
    head: Column,
    occurrence: Ints,
    rank: Ints,
    stage: Ints,
    rng: np.random.Generator,
) -> Column:
    """Cells of all rows: the first as drawn for the occurrence, later ones given the first."""
    base, distinct = column_codes(head)
    position = {text: i for i, text in enumerate(item.levels.strings().tolist())}
    base = np.append(np.array([position.get(text, -1) for text in distinct.strings().tolist()], np.int64), -1)[base]
    drawn = item.table.sample([stage, base[occurrence]], rng)
    code = np.where(rank > 0, drawn, base[occurrence])
    return take_levels(item.levels, code)
