"""The spine that every dataset hangs on: subjects, arms, marks in time and visits, of the source at fit and of the sample later.

A part learns one dataset *given the spine*; so two datasets are related through the spine and never read each other. What a
dataset tells those that come after it in order stands in the spine as well.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import ClassVar, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from replicator.config import FitConfig
from replicator.profile.structure import DatasetStructure
from replicator.tables.dataset import Column, Dataset, Index, Text
from replicator.tables.dates import Dates

SITE_VARIABLES = ("SITEID", "INVID", "COUNTRY")  # what tells where a subject was seen, the closest first


@dataclass(frozen=True, eq=False)
class Visits:
    """Visits of all subjects, ordered by subject and then by day.

    Attributes
    ----------
    subject : (n_visits,) int32
        Position of the subject in the spine.
    number : (n_visits,) float64
        VISITNUM, rounded to 9 decimals.
    day : (n_visits,) float64
        Start of the visit, days since 1970-01-01.
    end : (n_visits,) float64
        End of the visit, days since 1970-01-01.
    """

    subject: NDArray[np.int32]
    number: NDArray[np.float64]
    day: NDArray[np.float64]
    end: NDArray[np.float64]

    def take(self, rows: Index) -> Visits:
        """Keep the visits given by position or mask."""
        return Visits(self.subject[rows], self.number[rows], self.day[rows], self.end[rows])

    @cached_property
    def in_turn(self) -> NDArray[np.intp]:
        """(n_visits,) order of the visits: by subject, day and number."""
        return np.lexsort((self.number, self.day, self.subject))


@dataclass(frozen=True, eq=False)
class Told:
    """What the rows of one dataset say of subjects, for the datasets that are learned and drawn after it.

    Attributes
    ----------
    subject : (n_rows,) int32
        Position of each row's subject in the spine.
    columns : mapping of str to Text
        Terms and classes, of n_rows each; of the subjects' dataset its categories.
    day : (n_rows,) float64
        Day on which the event of the row starts, days since 1970-01-01; NaN where it is not known or the row is no event.
    states : bool
        Whether rows are states of the participation, such as its end.
    occurs : bool
        Whether rows are events, each with a term.
    dates : mapping of str to (n_rows,) float64
        Days known in full of the rows of a sequence, days since 1970-01-01, by variable, the one that orders the rows first; empty
        for all other datasets.
    says : (n_rows,) int64 or None
        Code of what each row of a sequence says beside its dates and visits, the dose above all; None for all other datasets.
    since : Dates or None
        Start of the event of each row, however much of it is known; None where rows have no such date.
    """

    subject: NDArray[np.int32]
    columns: Mapping[str, Text]
    day: NDArray[np.float64]
    states: bool = False
    occurs: bool = False
    dates: Mapping[str, NDArray[np.float64]] = field(default_factory=dict)
    says: NDArray[np.int64] | None = None
    since: Dates | None = None


@dataclass(frozen=True, eq=False)
class Spine:
    """Subjects in a fixed order, and what all datasets share of them.

    Attributes
    ----------
    n : int
        Number of subjects.
    arm : (n,) int32
        Position in `arms`; every subject has one (a study without arms has the single arm ``""``).
    arms : tuple of str
        Names of the arms.
    anchor : (n,) float64
        The subject's own day zero, days since 1970-01-01: RFSTDTC, else the day on which the first visit would have put it.
    marks : mapping of str to (n,) float64
        Dates of the subject, days since 1970-01-01, NaN where there is none. Names are ``DM.RFENDTC`` and the like; always
        present: ``FIRST`` and ``LAST``, the subject's first and last day on study (no dated record of a visit may lie outside).
    visits : Visits
        The schedule as it was kept.
    covariates : mapping of str to (n,) int32
        Categories of a subject that other datasets may depend on, such as SEX, and its site, however many there are; codes, -1
        missing. ``ARM`` is not among them.
    features : mapping of str to (n,) float64
        Values of the features that the parts declared (`Fitted.features`), by ``DATASET/feature``.
        When a part samples, its own features have been drawn jointly with those of all other parts; every subject has a value
        then: whether it is used is the part's decision.
    reached : (n,) float64 or None
        Planned day, from the anchor, of the last visit of the course that the subject had; NaN for a subject without visits.
    born : (n,) float64 or None
        Earliest day on which the subject can have been born, days since 1970-01-01; NaN where nothing tells.
    told : mapping of str to Told
        What the subjects' dataset, the states and the events that come earlier in order say, by dataset.
    """

    n: int
    arm: NDArray[np.int32]
    arms: tuple[str, ...]
    anchor: NDArray[np.float64]
    marks: Mapping[str, NDArray[np.float64]]
    visits: Visits
    covariates: Mapping[str, NDArray[np.int32]]
    features: Mapping[str, NDArray[np.float64]]
    reached: NDArray[np.float64] | None = None
    born: NDArray[np.float64] | None = None
    told: Mapping[str, Told] = field(default_factory=dict)

    def horizons(self) -> dict[str, NDArray[np.float64]]:
        """Days that tell how far a subject came: the marks, and as ``REACHED`` the day that its last visit was planned for."""
        return ({} if self.reached is None else {"REACHED": self.anchor + self.reached}) | dict(self.marks)


@dataclass(frozen=True, eq=False)
class Rows:
    """Rows of one dataset before they are finished: which subject each belongs to, and the columns that the part is answerable for.

    Identifiers, --SEQ, study days and all other derivations are added afterwards.

    Attributes
    ----------
    subject : (n_rows,) int32
        Position of the subject in the spine; need not be sorted.
    columns : mapping of str to Column
        Of n_rows each.
    """

    subject: NDArray[np.int32]
    columns: Mapping[str, Column]


@dataclass(frozen=True, eq=False)
class Fitted:
    """What fitting a part gives.

    Attributes
    ----------
    part : Part
        The learned model.
    features : mapping of str to (n,) float64
        One number a subject and feature (a test's level, a count of events); NaN where it does not apply. Their joint
        distribution is learned by the subject model, which hands drawn values back in `Spine.features`, prefixed ``DATASET/``.
    notes : tuple of str
        What could not be learned, one sentence each with dataset, variable, count and reason.
    nominal : tuple of str
        Features that are codes without an order.
    kin : mapping of str to (str, str)
        Features that are measured together: their group, and the kind of the group.
    """

    part: Part
    features: Mapping[str, NDArray[np.float64]]
    notes: tuple[str, ...] = ()
    nominal: tuple[str, ...] = ()
    kin: Mapping[str, tuple[str, str]] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class PartSource:
    """What a part is fitted on: a dataset, its structure, the subject of each row (n_rows,), and the spine; see :class:`Part`."""

    dataset: Dataset
    structure: DatasetStructure
    subject: NDArray[np.int32]
    spine: Spine


class Remember(Protocol):
    """Finds the part that was fitted before on the same source, or computes and keeps it."""

    def __call__(self, source: PartSource, compute: Callable[[], Fitted], /) -> Fitted:
        """Return what `compute` returns, or what it returned before."""
        ...


def always(source: PartSource, compute: Callable[[], Fitted], /) -> Fitted:
    """Compute, whatever was computed before."""
    return compute()


class Part(Protocol):
    """The model of one dataset given the spine.

    A part is a frozen dataclass whose fields are only None, bool, int, float, str, tuples and str-keyed dicts of such, numpy arrays
    of bool, int or float, :class:`~replicator.tables.dataset.Text`, and other registered dataclasses. It holds no row of any
    subject, and no text, category, extreme or combination that fewer than ``config.k`` subjects share.
    """

    kind: ClassVar[str]

    @classmethod
    def fit(
        cls, dataset: Dataset, structure: DatasetStructure, subject: NDArray[np.int32], spine: Spine, config: FitConfig
    ) -> Fitted:
        """Learn a dataset.

        Parameters
        ----------
        dataset : Dataset
            SUPP-- variables have been joined to it as columns named ``QNAM`` of type text; rows of unknown subjects are gone.
        structure : DatasetStructure
            Of this dataset, with the joined columns.
        subject : (n_rows,) int32
            Position in the spine of each row's subject.
        """
        ...

    def sample(self, spine: Spine, rng: np.random.Generator) -> Rows:
        """Draw the dataset's rows for the subjects of `spine`, all at once."""
        ...


__all__ = ["Fitted", "Part", "Rows", "Self", "Spine", "Told", "Visits"]
