"""All columns of an occurrence but its term and its start and end: qualifiers, identifiers, visits, collection dates, epochs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from replicator.derivations.derive import chosen
from replicator.models.backoff import BackoffTable
from replicator.models.onset import rank_within
from replicator.study_model.columns.attributes import Attributes
from replicator.study_model.columns.codes import column_codes
from replicator.study_model.columns.dated import DateFormat, DateGiven
from replicator.study_model.events.dates import Drawn
from replicator.study_model.events.ids import RecordIds
from replicator.study_model.events.patterns import OF_ERA
from replicator.study_model.events.qualifiers import Qualifiers, take_levels
from replicator.study_model.events.untreated import may_end_treatment, phase_of_treatment
from replicator.study_model.spine import Spine
from replicator.tables.dataset import Column, Text

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

TRIES = 12  # draws of a value that must not be that of the row before


@dataclass(frozen=True, eq=False)
class VisitColumns:
    """VISITNUM and what follows from it: the cells of each visit number."""

    kind: ClassVar[str] = "visit columns"

    number: Floats
    names: tuple[str, ...]
    values: tuple[Column, ...]


@dataclass(frozen=True, eq=False)
class Varying:
    """A column that changes between the rows of an occurrence, from one row to the next.

    Attributes
    ----------
    name : str
    levels : Column
        Values that at least k subjects share.
    given : (n_given,) int64
        What the value of a further row hangs on, the most telling first: 0 the value in the row before, 1 the row's stage, from
        :func:`stage_of`.
    table : BackoffTable
        Value given these.
    changes : bool
        Whether a row never has the value of the row before.
    """

    kind: ClassVar[str] = "varying column"

    name: str
    levels: Column
    given: Ints
    table: BackoffTable
    changes: bool


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
        Of the occurrence, given eras, phase, class, family, term, arm, how the participation ended, whether it has several rows,
        and the phase of the treatment in which it begins.
    varying : tuple of Varying
        Of further rows.
    ids : tuple of RecordIds
        Present where the qualifier of their name says so.
    visits : VisitColumns or None
        Where rows are bound to visits.
    written : DateFormat or None
        How the day of the visit is written.
    dates : tuple of OtherDate
        All other dates. Those that only some occurrences have are there where the qualifier of their name says so.
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
        term: tuple[Ints, Ints, Ints, Ints],
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
        term : four arrays (n,) int
            Kind, family, class and arm.
        pattern : two arrays (n,) int
            Patterns of start and end.
        ending : (n,) int
            How the participation ended, from :class:`~replicator.study_model.events.ending.Ending`.
        drawn : Drawn
            Start and end.
        rows : three arrays (n_rows,)
            Occurrence, visit (-1 for none) and whether the occurrence was over, of each row; by occurrence and day.
        """
        occurrence, visit, closed = rows
        n = len(owner)
        kind_of, family, block, arm = term
        rank = rank_within(occurrence)
        opening = np.zeros(n, bool)
        opening[occurrence[rank == 0]] = closed[rank == 0]
        dated = told_by_dates(self.phases, *pattern, opening)
        several = (np.bincount(occurrence, minlength=n) > 1).astype(np.int64)
        treated = phase_of_treatment(spine, owner, drawn.start)
        final = may_end_treatment(spine, owner, drawn.start, treated)
        cells = self.qualifiers.sample([*dated, block, family, kind_of, arm, ending, several], (treated, final), rng, n, owner)
        out: dict[str, Column] = {}
        able = [*(one.name for one in self.ids), *(one.name for one in self.dates)]
        present = {name: ~cells.pop(presence_of(name)).missing for name in able if presence_of(name) in cells}
        for ids in self.ids:
            out[ids.name] = ids.sample(present[ids.name], owner, drawn.start, rng).take(occurrence)
        out |= {name: column.take(occurrence) for name, column in cells.items()}
        for item in self.varying:
            out[item.name] = _sample_varying(item, cells[item.name], occurrence, rank, stage_of(occurrence, closed, opening), rng)
        if self.start:
            out[self.start] = drawn.start_text.take(occurrence)
        if self.end:
            out[self.end] = drawn.end_text.take(occurrence)
        candidates = candidate_days(spine, owner[occurrence], drawn.start[occurrence], drawn.end[occurrence], visit)
        if self.visits is not None:
            number = np.append(spine.visits.number, np.nan)[visit]
            place = find_levels(self.visits.number, np.round(number, 9))
            out |= {name: column.take(place) for name, column in zip(self.visits.names, self.visits.values, strict=True)}
        if self.collected and self.written is not None:
            out[self.collected] = self.written.sample(candidates["VISIT"], [], rng)
        for other in self.dates:
            day = other.day.sample(candidates, [], rng, len(occurrence)) if other.day else np.full(len(occurrence), np.nan)
            text = other.format.sample(day, [], rng)
            there = present.get(other.name)
            out[other.name] = text if there is None else Text(np.where(there[occurrence], text.codes, -1), text.levels)
        place_code = place_among(candidates, self.placed, len(occurrence))
        return out | dict(self.epochs.sample([place_code], rng, len(occurrence)))


def presence_of(name: str) -> str:
    """Name of the qualifier that tells whether an identifier or a date is there."""
    return f"{name} present"


def phase_of(start: Ints, end: Ints, opening: NDArray[np.bool_]) -> Ints:
    """Code of the patterns of start and end, and of whether the first row came after the end: (n,)."""
    return (start * 100 + end) * 2 + opening


def told_by_dates(phases: Ints, start: Ints, end: Ints, opening: NDArray[np.bool_]) -> list[Ints]:
    """Codes (n,) on which qualifiers depend: the eras of start and end, and the phase, from :func:`phase_of`."""
    eras = phase_of(start // OF_ERA, end // OF_ERA, opening)
    return [eras, find_levels(phases, phase_of(start, end, opening))]


def stage_of(occurrence: Ints, closed: NDArray[np.bool_], opening: NDArray[np.bool_]) -> Ints:
    """Stage of each row: whether its occurrence was over, whether that was so at its first row, and whether more rows follow."""
    follows = np.append(occurrence[1:] == occurrence[:-1], False) if len(occurrence) else np.zeros(0, bool)
    stage: Ints = closed.astype(np.int64) * 4 + opening[occurrence] * 2 + follows
    return stage


def find_levels(levels: NDArray[np.generic], values: NDArray[np.generic]) -> Ints:
    """Position among sorted levels, -1 where it is none of them."""
    if not len(levels):
        return np.full(len(values), -1, np.int64)
    at = np.minimum(np.searchsorted(levels, values), len(levels) - 1)
    return np.where(levels[at] == values, at, -1).astype(np.int64)


def candidate_days(spine: Spine, owner: Ints, start: Floats, end: Floats, visit: Ints) -> dict[str, Floats]:
    """Days that another date of the row may follow."""
    out = {"START": start, "END": end, "VISIT": np.append(spine.visits.day, np.nan)[visit]}
    out |= {name: np.floor(day)[owner] for name, day in spine.marks.items()}
    return out | {"ANCHOR": spine.anchor[owner]}


def place_among(candidates: Mapping[str, Floats], marks: tuple[str, ...], n: int) -> Ints:
    """Where the start (else the visit) lies among marks: 0 before, 1 on the day, 2 after, 3 unknown; digits to base 4."""
    day = np.where(np.isnan(candidates["START"]), candidates["VISIT"], candidates["START"])
    code = np.zeros(n, np.int64)
    for name in marks[:12]:
        gap = day - candidates.get(name, np.full(n, np.nan))
        code = code * 4 + np.where(np.isnan(gap), 3, np.sign(np.nan_to_num(gap)) + 1).astype(np.int64)
    return code


def _sample_varying(
    item: Varying,
    head: Column,
    occurrence: Ints,
    rank: Ints,
    stage: Ints,
    rng: np.random.Generator,
) -> Column:
    """Cells of all rows: the first as drawn for the occurrence, later ones given the one before."""
    base, distinct = column_codes(head)
    kept = {text: i for i, text in enumerate(item.levels.strings().tolist())}
    place = np.array([kept.get(text, -1) for text in distinct.strings().tolist()], np.int64)
    foreign = np.flatnonzero(place < 0)  # what only a first row may have: no row after it knows them
    place[foreign] = len(kept) + np.arange(len(foreign))
    code = np.append(place, -1)[base][occurrence]
    for step in range(1, int(rank.max(initial=0)) + 1):
        rows = np.flatnonzero(rank == step)
        for _ in range(TRIES if item.changes else 1):
            told = (code[rows - 1], stage[rows])
            code[rows] = item.table.sample([told[i] for i in item.given.tolist()], rng, len(rows))
            rows = rows[code[rows] == code[rows - 1]]
    own = np.append(foreign, -1)[np.where(code >= len(kept), code - len(kept), -1)]
    return chosen(own >= 0, take_levels(distinct, own), take_levels(item.levels, np.where(own >= 0, -1, code)))
