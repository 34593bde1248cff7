"""The pictures of a report: plain values without looks, source beside sample."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TypeAlias

Row: TypeAlias = tuple[float | None, ...]
"""Numbers of one line of a picture; None where fewer subjects stand behind one than may be shown."""


@dataclass(frozen=True)
class Distribution:
    """A variable or test in source and sample.

    Attributes
    ----------
    edges : tuple of float
        (n_bins + 1,) of a numeric one; the first and last bin also hold what lies beyond. Empty for categories.
    levels : tuple of str
        (n_bins,) names of the categories, most frequent in the source first; empty for numbers.
    source, sample : tuple of float
        (n_bins,) share of the rows.
    n_source, n_sample : int
        Rows.
    """

    edges: tuple[float, ...]
    levels: tuple[str, ...]
    source: tuple[float, ...]
    sample: tuple[float, ...]
    n_source: int
    n_sample: int

    @property
    def is_constant(self) -> bool:
        """Whether all rows of both sides have one category."""
        return len(self.levels) == 1 and self.source == self.sample == (1.0,)


@dataclass(frozen=True)
class VariablePicture:
    """A variable of a dataset, with its label."""

    variable: str
    label: str
    distribution: Distribution


@dataclass(frozen=True)
class Band:
    """Means over planned times with the spread between subjects: (n_times,) each; `n` counts subjects."""

    mean: Row
    sd: Row
    n: tuple[int, ...]


@dataclass(frozen=True)
class ArmCourse:
    """The course of one arm in source and sample; the arm is ``""`` where there is one only."""

    arm: str
    source: Band
    sample: Band

    @property
    def is_shown(self) -> bool:
        """Whether either side has a mean."""
        return any(mean is not None for mean in (*self.source.mean, *self.sample.mean))


@dataclass(frozen=True)
class TestPicture:
    """Results of one test: their distribution, and their course over the planned times.

    Attributes
    ----------
    test, name, unit : str
        Its code, its name in words and the most frequent unit.
    n_subjects : int
        Of the source, who have a result.
    distribution : Distribution or None
    times : tuple of str
        (n_times,) in order; empty where there is no course.
    courses : tuple of ArmCourse
    """

    test: str
    name: str
    unit: str
    n_subjects: int
    distribution: Distribution | None
    times: tuple[str, ...]
    courses: tuple[ArmCourse, ...]


@dataclass(frozen=True)
class Lane:
    """When a term begins: share of all subjects with an onset in each stretch of days.

    Attributes
    ----------
    term : str
    edges : tuple of float
        (n_bins + 1,) days from the reference day; the outer bins also hold what lies beyond.
    source, sample : tuple of float
        (n_bins,) share of the subjects who have it beginning there.
    having_source, having_sample : float
        Share of the subjects who have it at all.
    """

    term: str
    edges: tuple[float, ...]
    source: tuple[float, ...]
    sample: tuple[float, ...]
    having_source: float
    having_sample: float


@dataclass(frozen=True)
class Curve:
    """Share of subjects still without the event at each day (Kaplan-Meier), by arm; ``""`` is everybody.

    The days are far enough apart that five subjects of the source left between them, and end where fewer than five are left.
    The bands are 95 % intervals, (low, high) at each day.
    """

    arm: str
    days: tuple[float, ...]
    source: tuple[float, ...]
    sample: tuple[float, ...]
    n_source: int
    n_sample: int
    source_band: tuple[tuple[float, float], ...]
    sample_band: tuple[tuple[float, float], ...]

    def median(self, *, of_sample: bool) -> float:
        """Day on which half are without the event, as the curve goes from one day to the next; NaN if it never comes so low."""
        side = self.sample if of_sample else self.source
        below = next((i for i, share in enumerate(side) if share <= 0.5), None)
        if below is None:
            return math.nan
        if not below:
            return self.days[0]
        (day, later), (above, share) = self.days[below - 1 : below + 1], side[below - 1 : below + 1]
        return day + (later - day) * (above - 0.5) / (above - share)


@dataclass(frozen=True)
class Map:
    """Two matrices over the same rows and columns, source and sample; a correlation map has its rows for columns."""

    rows: tuple[str, ...]
    columns: tuple[str, ...]
    source: tuple[Row, ...]
    sample: tuple[Row, ...]


@dataclass(frozen=True)
class DatasetPicture:
    """All that is drawn of one dataset.

    Attributes
    ----------
    name, label, kind : str
    rows_source, rows_sample, subjects_source, subjects_sample : int
        Of the source 0 where fewer than five subjects have rows.
    variables : tuple of VariablePicture
    tests : tuple of TestPicture
        Most subjects first.
    lanes : tuple of Lane
        Most frequent first.
    missing : Map
        Share of missing cells of each variable; one column.
    measured : Map
        Share of all subjects measured, tests by planned times.
    correlations : Map
        Spearman's, of the features of its subjects.
    """

    name: str
    label: str
    kind: str
    rows_source: int
    rows_sample: int
    subjects_source: int
    subjects_sample: int
    variables: tuple[VariablePicture, ...]
    tests: tuple[TestPicture, ...]
    lanes: tuple[Lane, ...]
    missing: Map
    measured: Map
    correlations: Map

    @property
    def has_numbers(self) -> bool:
        """Whether a distribution of numbers is among what is drawn."""
        drawn = (*(one.distribution for one in self.variables), *(one.distribution for one in self.tests))
        return any(one is not None and one.edges for one in drawn)


@dataclass(frozen=True)
class Stretch:
    """Something on a time line, from day to day; equal days are a point. `level` tells severity, from 0 to 3."""

    start: float
    end: float
    label: str
    level: int = 0


@dataclass(frozen=True)
class Track:
    """One line of a subject's time line, such as its visits."""

    name: str
    stretches: tuple[Stretch, ...]


@dataclass(frozen=True)
class Series:
    """Results of one test over days, with the range that the chart should show."""

    name: str
    days: tuple[float, ...]
    values: tuple[float, ...]
    low: float
    high: float

    @property
    def points(self) -> tuple[tuple[float, float], ...]:
        """Day and value of each."""
        return tuple(zip(self.days, self.values, strict=True))


@dataclass(frozen=True)
class SubjectPicture:
    """A subject of the sample, or what is typical of at least five of the source.

    Attributes
    ----------
    title : str
    facts : tuple of str
        Who it is, in words.
    tracks : tuple of Track
    series : tuple of Series
    """

    title: str
    facts: tuple[str, ...]
    tracks: tuple[Track, ...]
    series: tuple[Series, ...]


@dataclass(frozen=True)
class Pictures:
    """All pictures.

    Attributes
    ----------
    datasets : tuple of DatasetPicture
    retention : tuple of Curve
        Everybody first, then by arm.
    retention_event : str
        What the curves count, in words.
    correlations : Map
        Spearman's, of features from all datasets.
    sampled, typical : tuple of SubjectPicture
        Subjects of the sample; groups of the source by arm and stay.
    first_day, last_day : float
        What time lines show; what lies beyond is drawn at the edge.
    """

    datasets: tuple[DatasetPicture, ...]
    retention: tuple[Curve, ...]
    retention_event: str
    correlations: Map
    sampled: tuple[SubjectPicture, ...]
    typical: tuple[SubjectPicture, ...]
    first_day: float
    last_day: float

    @property
    def has_levels(self) -> bool:
        """Whether anything on a time line has a severity."""
        tracks = (track for one in (*self.sampled, *self.typical) for track in one.tracks)
        return any(stretch.level for track in tracks for stretch in track.stretches)


NO_MAP = Map((), (), (), ())
