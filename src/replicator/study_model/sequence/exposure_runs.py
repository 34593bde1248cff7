"""Logs of doses, a row a day: rows alike on days that follow each other are one run, and runs are learned as a sequence."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from replicator.config import FitConfig
from replicator.profile.structure import Content, DatasetStructure, Role, VariableStructure
from replicator.study_model.columns.codes import column_codes
from replicator.study_model.columns.neighbours import Neighbours
from replicator.study_model.layout.record_ids import RecordIds
from replicator.study_model.sequence.part import SequencePart
from replicator.study_model.spine import Fitted, Rows, Spine
from replicator.tables.dataset import Column, Dataset, Text, Variable
from replicator.tables.dates import Precision, format_dates, parse_dates

Floats = NDArray[np.float64]

SHORTER = 0.5  # share of the rows that runs may be at most
FEWEST = 2.0  # rows of a subject from which there is something to join
OF_A_ROW = (Role.SUBJECT, Role.SEQUENCE, Role.STUDY_DAY, Role.IDENTIFIER, Role.RECORD_ID, Role.DATE)  # may differ within a run


@dataclass(frozen=True, eq=False)
class RunsPart:
    """A log of days.

    Attributes
    ----------
    start, end : str
        Date variables of a run's first and last day; the second need not be one of the dataset.
    same : tuple of str
        Date variables that name the row's day, too.
    part : SequencePart
        The model of the runs.
    until : str
        Mark after which no run goes on; ``""`` if none.
    gapless : bool
        Whether each run begins on the day after the one before.
    ids : RecordIds
    """

    kind: ClassVar[str] = "runs part"

    start: str
    end: str
    same: tuple[str, ...]
    part: SequencePart
    until: str
    gapless: bool
    ids: RecordIds

    @classmethod
    def suits(cls, dataset: Dataset, structure: DatasetStructure, subject: NDArray[np.int32]) -> bool:
        """Whether each row is about one day known in full, and runs of such days are at most half as many as the rows."""
        start = structure.named("STDTC")
        if not start or dataset.n_rows < FEWEST * max(structure.n_subjects, 1):
            return False
        dates = parse_dates(dataset.text(start))
        others = (dataset.text(name).strings() for name in structure.with_role(Role.DATE) if name != start)
        if not (dates.precision == Precision.DAY).all() or any((one != dataset.text(start).strings()).any() for one in others):
            return False
        return int(_begins(dataset, structure, subject, dates.day)[1].sum()) <= SHORTER * dataset.n_rows

    @classmethod
    def fit(
        cls, dataset: Dataset, structure: DatasetStructure, subject: NDArray[np.int32], spine: Spine, config: FitConfig
    ) -> Fitted:
        """Learn a dataset that it suits; see :class:`~replicator.study_model.spine.Part`."""
        start, end = structure.named("STDTC"), f"{structure.prefix}ENDTC"
        same = structure.with_role(Role.DATE)
        day = parse_dates(dataset.text(start)).day
        order, first = _begins(dataset, structure, subject, day)
        begin = np.flatnonzero(first)
        last = np.append(begin[1:], len(order)) - 1
        runs = dataset.take(order[begin]).without(*structure.with_role(Role.RECORD_ID, Role.SEQUENCE), *same)
        for name, rows in ((start, begin), (end, last)):
            runs = runs.with_column(Variable(name), _written(day[order[rows]]))
        who = subject[order[begin]]
        kept = [variable for variable in structure.variables if variable.name in runs and variable.name not in (start, end)]
        dates = [VariableStructure(name, Role.DATE, Content.DATE, 0, len(begin), 0) for name in (start, end)]
        fitted = SequencePart.fit(runs, replace(structure, n_rows=len(begin), variables=(*kept, *dates)), who, spine, config)
        assert isinstance(fitted.part, SequencePart)
        until = fitted.part.dates.until
        if until and (day[order[last]] > spine.marks[until][who]).any():
            until = ""
        at, next_day = _following(day[order[begin]], who)
        follows = np.isfinite(next_day)
        gapless = bool((next_day == day[order[last]][at] + 1)[follows].all()) and len(np.unique(who[at][follows])) >= config.k
        ids = RecordIds.fit(dataset, structure, subject, config.k)
        return replace(fitted, part=cls(start, end, same, fitted.part, until, gapless, ids))

    def sample(self, spine: Spine, rng: np.random.Generator) -> Rows:
        """Draw runs, and a row for each of their days."""
        runs = self.part.sample(spine, rng)
        first, last = (parse_dates(_text(runs.columns[name])).day for name in (self.start, self.end))
        if self.gapless:
            at, next_day = _following(first, runs.subject)
            last[at] = np.where(np.isfinite(next_day), next_day - 1, last[at])
        for pin in self.part.dates.pins:
            last = pin.hold(last, runs.subject, spine) if pin.variable == self.end and pin.last else last
        if self.until:
            last = np.fmin(last, spine.marks[self.until][runs.subject])
        shortest = -1.0 if self.gapless else 0.0
        length = np.where(np.isfinite(first), np.nan_to_num(np.maximum(last - first, shortest)) + 1, 0).astype(np.int64)
        run = np.repeat(np.arange(len(length)), length)
        day = first[run] + np.arange(len(run)) - np.repeat(np.cumsum(length) - length, length)
        subject = runs.subject[run]
        columns: dict[str, Column] = {
            name: column.take(run) for name, column in runs.columns.items() if name not in (self.start, self.end)
        }
        columns |= dict.fromkeys(self.same, _written(day))
        columns |= self.ids.sample(subject, columns, rng)
        return Rows(subject, columns)


def _begins(
    dataset: Dataset, structure: DatasetStructure, subject: NDArray[np.int32], day: Floats
) -> tuple[NDArray[np.intp], NDArray[np.bool_]]:
    """Order rows by subject, what they say and day, and tell which of them, so ordered, begin a run: (n_rows,) each."""
    said = np.zeros(dataset.n_rows, np.int64)
    for variable in structure.variables:
        if variable.role not in OF_A_ROW and variable.name in dataset:
            codes, levels = column_codes(dataset[variable.name])
            said = np.unique(said * (len(levels) + 1) + codes + 1, return_inverse=True)[1]
    order = np.lexsort((day, said, subject))
    begins = np.ones(dataset.n_rows, bool)
    alike = (subject[order][1:] == subject[order][:-1]) & (said[order][1:] == said[order][:-1])
    begins[1:] = ~(alike & (np.diff(day[order]) == 1))
    return order, begins


def _following(first: Floats, subject: NDArray[np.int32]) -> tuple[NDArray[np.intp], Floats]:
    """Order of runs (n_runs,) by subject and first day, and the first day of the run that follows each, so ordered, or NaN."""
    at = np.lexsort((first, subject))
    return at, Neighbours(subject[at]).next(first[at])


def _written(day: Floats) -> Text:
    """Write days (n,), days since 1970-01-01."""
    return format_dates(day, np.full(len(day), np.nan), np.full(len(day), Precision.DAY, np.int8))


def _text(column: Column) -> Text:
    assert isinstance(column, Text)
    return column
