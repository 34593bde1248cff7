"""The source of a findings dataset as a part learns it: every row on its occasion, with the arm and the site of its subject."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from replicator.counting import counted
from replicator.models.persistence import Occasions
from replicator.profile.structure import Content, DatasetStructure, Role
from replicator.study_model.columns.day_offsets import DayOffsets
from replicator.study_model.findings.circumstances import Circumstances
from replicator.study_model.findings.ending import endings
from replicator.study_model.findings.features import codes_of
from replicator.study_model.findings.grid import Cells, Grid, find_cells, place_rows, source_grid
from replicator.study_model.findings.rows import FindingsRows
from replicator.study_model.findings.sites import find_sites, sites_of_subjects
from replicator.study_model.spine import Spine
from replicator.tables.dataset import Dataset
from replicator.tables.dates import parse_dates

Codes = NDArray[np.intp]
Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class SourceFindings:
    """Rows of the source, each on its occasion.

    Attributes
    ----------
    dataset, structure, spine : Dataset, DatasetStructure, Spine
        The source.
    rows : FindingsRows
        Series and visits of the rows.
    who : (n_rows,) int
        Subject of each row.
    cells, grid : Cells, Grid
        Kinds of occasions, and the occasions.
    start : DayOffsets
        Days from the anchor of occasions that the spine does not schedule.
    occasion : (n_rows,) int
        Occasion of each row; -1 for none.
    kept : (n_rows,) bool
        Rows that are learned: with an occasion, and of a series that at least k subjects have.
    learned : Dataset
        These rows.
    site_name : str
        Covariate that tells sites apart, ``""`` if none does.
    site_place : (n_codes,) int64
        Number of each site of at least k subjects; -1 of the others.
    site_of_subject : (n_subjects,) int
        Number of each subject's site; that of none is one more than the last.
    """

    dataset: Dataset
    structure: DatasetStructure
    spine: Spine
    rows: FindingsRows
    who: Codes
    cells: Cells
    grid: Grid
    start: DayOffsets
    occasion: Codes
    kept: Flags
    learned: Dataset
    site_name: str
    site_place: NDArray[np.int64]
    site_of_subject: Codes

    @classmethod
    def of(
        cls,
        dataset: Dataset,
        structure: DatasetStructure,
        rows: FindingsRows,
        subject: NDArray[np.int32],
        spine: Spine,
        k: int,
    ) -> SourceFindings:
        """Place the rows of a dataset, of the subjects (n_rows,), on occasions that the spine or they themselves make."""
        who = subject.astype(np.intp)
        cells = find_cells(rows, who, spine)
        grid, start = source_grid(cells, rows, who, _main_day(dataset, structure), spine, k)
        occasion = place_rows(grid, cells, rows, who)
        name, place = find_sites(spine, k)
        kept = (occasion >= 0) & (rows.series >= 0)
        learned, sites = dataset.take(np.flatnonzero(kept)), sites_of_subjects(spine, name, place)
        return cls(dataset, structure, spine, rows, who, cells, grid, start, occasion, kept, learned, name, place, sites)

    @property
    def inside(self) -> Codes:
        """Positions of the rows that are learned: (n_learned,)."""
        return np.flatnonzero(self.kept)

    @property
    def n_sites(self) -> int:
        """Number of sites of at least k subjects."""
        return int(self.site_place.max(initial=-1)) + 1

    @property
    def arm(self) -> Codes:
        """Arm of each occasion: (n_occasions,)."""
        return self.spine.arm[self.grid.subject].astype(np.intp)

    @property
    def site(self) -> Codes:
        """Site of each occasion: (n_occasions,)."""
        return self.site_of_subject[self.grid.subject]

    @property
    def circumstances(self) -> Circumstances:
        """What tells the means of results at each occasion."""
        return Circumstances(self.arm, self.grid.cell, self.site, endings(self.grid.subject, self.spine))

    @property
    def occasions(self) -> Occasions:
        """Whose each occasion is, and when from the anchor."""
        return Occasions(self.grid.subject, self.grid.day - self.spine.anchor[self.grid.subject], self.grid.cell)

    @property
    def present(self) -> Flags:
        """What was measured when: (n_occasions, n_series)."""
        out = np.zeros((len(self.grid.subject), self.rows.n_series), bool)
        out[self.occasion[self.kept], self.rows.series[self.kept]] = True
        return out

    @property
    def date_names(self) -> tuple[str, ...]:
        """Date variables that are filled in some row that is learned."""
        names = (one.name for one in self.structure.variables if one.role is Role.DATE or one.content is Content.DATE)
        return tuple(name for name in names if not self.learned[name].missing.all())

    def of_series(self, name: str) -> Codes:
        """Codes of a variable in the first row of each series: (n_series,), all alike for the name ``""``."""
        return codes_of(self.dataset, name)[self.rows.first_row]

    @property
    def topic(self) -> Codes:
        """What each series measures, counted from 0: (n_series,)."""
        names = self.rows.series_names
        return np.unique(self.of_series(names[0] if names else ""), return_inverse=True)[1]

    @property
    def category(self) -> Codes:
        """Instrument or panel of each series, -1 without: (n_series,)."""
        return self.of_series(self.structure.named("CAT"))

    @property
    def series_labels(self) -> tuple[str, ...]:
        """Name of each series: its topic, with the other variables where several series share it."""
        cells = [self.dataset.text(name).strings()[self.rows.first_row] for name in self.rows.series_names]
        if not cells:
            return tuple("ALL" for _ in range(self.rows.n_series))
        topics = [str(text) for text in cells[0]]
        full = ["|".join(str(part) for part in parts) for parts in zip(*cells, strict=True)]
        return tuple(topic if topics.count(topic) == 1 else long for topic, long in zip(topics, full, strict=True))

    def notes(self, k: int) -> tuple[str, ...]:
        """Tell which rows are not learned."""
        name, notes = self.dataset.name, []
        rare = int((self.rows.series < 0).sum())
        if rare:
            notes.append(
                f"{name}: tests that fewer than {k} subjects have are not learned, {counted(rare, 'row')}; lower k to keep more."
            )
        outside = int(((self.occasion < 0) & (self.rows.series >= 0)).sum())
        if outside:
            notes.append(
                f"{name}: what is at a visit that the schedule does not have for the subject is not learned, "
                f"{counted(outside, 'row')}."
            )
        return tuple(notes)


def _main_day(dataset: Dataset, structure: DatasetStructure) -> Floats:
    """Day on which each row was made, where it is known in full: (n_rows,), days since 1970-01-01."""
    name = structure.named("DTC") or structure.named("STDTC") or next(iter(structure.with_role(Role.DATE)), "")
    return parse_dates(dataset.text(name)).full_day if name else np.full(dataset.n_rows, np.nan)
