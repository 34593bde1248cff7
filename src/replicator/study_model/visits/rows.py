"""The schedule dataset (SV): a row a visit of the spine."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from replicator.config import FitConfig
from replicator.profile.structure import DatasetStructure, Role
from replicator.study_model.columns.attributes import Attributes
from replicator.study_model.columns.codes import count_subjects
from replicator.study_model.columns.dated import DateFormat
from replicator.study_model.columns.odd_dates import lost_notes
from replicator.study_model.spine import Fitted, Rows, Spine
from replicator.study_model.visits.days import position
from replicator.tables.dataset import Column, Dataset, Numbers
from replicator.tables.dates import parse_dates


@dataclass(frozen=True, eq=False)
class ScheduleRows:
    """What a row of the schedule holds besides the visit and its dates.

    Attributes
    ----------
    numbers : (n_visits,) float64
        VISITNUM that the attributes know, sorted: those that at least k subjects have.
    attributes : Attributes
        Given the position in `numbers` (-1 for others) and the arm.
    dates : tuple of str
        Date variables; those of ends hold the visit's end, the others its start.
    formats : tuple of DateFormat
        One a date variable.
    """

    kind: ClassVar[str] = "schedule rows"

    numbers: NDArray[np.float64]
    attributes: Attributes
    dates: tuple[str, ...]
    formats: tuple[DateFormat, ...]

    @classmethod
    def fit(
        cls, dataset: Dataset, structure: DatasetStructure, subject: NDArray[np.int32], spine: Spine, config: FitConfig
    ) -> Fitted:
        """Learn a dataset; see :class:`~replicator.study_model.spine.Part`."""
        number = np.round(dataset.numbers("VISITNUM"), 9) if "VISITNUM" in dataset else np.full(dataset.n_rows, np.nan)
        filled = np.isfinite(number)
        found, place = np.unique(number[filled], return_inverse=True)
        numbers = found[count_subjects(place, subject[filled], len(found)) >= config.k]
        dates = structure.with_role(Role.DATE)
        skip = {*structure.with_role(Role.SUBJECT, Role.SEQUENCE, Role.STUDY_DAY, Role.IDENTIFIER), *dates, "VISITNUM"}
        names = [variable.name for variable in structure.variables if variable.name not in skip]
        code = position(numbers, number)
        attributes, notes = Attributes.fit(dataset, names, [code, spine.arm[subject]], subject, config.k)
        formats = []
        for name in dates:
            text = dataset.text(name)
            formats.append(DateFormat.fit(text, parse_dates(text), [code], subject, config.k))
            notes = (*notes, *lost_notes(f"{dataset.name}.{name}", text, parse_dates(text), subject, config.k))
        return Fitted(cls(numbers, attributes, dates, tuple(formats)), {}, notes)

    def sample(self, spine: Spine, rng: np.random.Generator) -> Rows:
        """Make a row for each visit of the spine."""
        visits = spine.visits
        code = position(self.numbers, visits.number)
        columns: dict[str, Column] = dict(self.attributes.sample([code, spine.arm[visits.subject]], rng, len(code)))
        columns["VISITNUM"] = Numbers(visits.number)
        for name, written in zip(self.dates, self.formats, strict=True):
            columns[name] = written.sample(visits.end if "EN" in name[-5:-3] else visits.day, [code], rng)
        return Rows(visits.subject, columns)
