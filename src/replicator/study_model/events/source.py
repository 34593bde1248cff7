"""The source of an events dataset as a part learns it: its occurrences, with subject, term, class, arm and dates of each."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from replicator.config import FitConfig
from replicator.profile.structure import DatasetStructure
from replicator.study_model.events.catalogue import Terms
from replicator.study_model.events.dates import DatePattern
from replicator.study_model.events.fatal import fatal_occurrences
from replicator.study_model.events.occurrences import Occurrences, find_occurrences
from replicator.study_model.events.plan import ColumnPlan, column_plan
from replicator.study_model.events.terms import fit_terms
from replicator.study_model.spine import Spine
from replicator.study_model.subjects.birth import OF_AGE, YEAR
from replicator.tables.dataset import Dataset, Text
from replicator.tables.dates import parse_dates

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class KnownDate:
    """Start or end of the source's occurrences.

    Attributes
    ----------
    column : Text or None
        Its cells; None where the dataset has no such variable.
    day : (n,) float64
        Days since 1970-01-01, NaN where there is none.
    pattern : DatePattern
        How it is known.
    """

    column: Text | None
    day: Floats
    pattern: DatePattern

    @classmethod
    def of(cls, head: Dataset, name: str, first: Floats, owner: NDArray[np.int32], k: int) -> KnownDate:
        """Read a date of occurrences of `owner`, given their first days on study; the name is ``""`` where there is none."""
        if not name:
            return cls(None, np.full(head.n_rows, np.nan), DatePattern(np.zeros(head.n_rows, np.int64), ()))
        column = head.text(name)
        dates = parse_dates(column)
        return cls(column, dates.day, DatePattern.of(column, dates, first, owner, k))

    @property
    def code(self) -> Ints:
        """Code of the pattern: (n,)."""
        return self.pattern.code


@dataclass(frozen=True, eq=False)
class TermsOfSubjects:
    """Pairs of a subject and a term that it has.

    Attributes
    ----------
    who, kind_of, times : (n_pairs,) int64
        The subject, the kind of the term, and how often it occurs.
    """

    who: Ints
    kind_of: Ints
    times: Ints

    def count(self, n_subjects: int, n_kinds: int) -> Ints:
        """Number of different terms of each kind: (n_subjects, n_kinds)."""
        out = np.zeros((n_subjects, n_kinds), np.int64)
        np.add.at(out, (self.who, self.kind_of), 1)
        return out


@dataclass(frozen=True, eq=False)
class SourceEvents:
    """Occurrences of the source.

    Attributes
    ----------
    dataset, structure, spine : Dataset, DatasetStructure, Spine
        The source.
    subject : (n_rows,) int32
        Subject of each row.
    found : Occurrences
        Which rows are about the same occurrence.
    plan : ColumnPlan
        Which column is learned how.
    head : Dataset
        First row of each occurrence.
    owner : (n,) int32
        Its subject.
    terms : Terms
        Its term.
    start, end : KnownDate
        Its dates.
    """

    dataset: Dataset
    structure: DatasetStructure
    spine: Spine
    subject: NDArray[np.int32]
    found: Occurrences
    plan: ColumnPlan
    head: Dataset
    owner: NDArray[np.int32]
    terms: Terms
    start: KnownDate
    end: KnownDate

    @classmethod
    def of(
        cls, dataset: Dataset, structure: DatasetStructure, subject: NDArray[np.int32], spine: Spine, config: FitConfig
    ) -> SourceEvents:
        """Find occurrences, and what each is, in a dataset whose rows are of the subjects (n_rows,)."""
        found = find_occurrences(dataset, structure, subject, spine)
        head, owner = dataset.take(found.first_row), subject[found.first_row]
        deadly = bool(fatal_occurrences(head, structure).any())
        terms = fit_terms(head, structure, owner, config, deadly, _are_adults(spine, config.k))
        plan = column_plan(dataset, structure, found)
        first = spine.marks["FIRST"][owner]
        start, end = (KnownDate.of(head, name, first, owner, config.k) for name in (plan.start, plan.end))
        return cls(dataset, structure, spine, subject, found, plan, head, owner, terms, start, end)

    @property
    def kind_of(self) -> Ints:
        """Kind of term of each occurrence: (n,)."""
        return self.terms.kind_of

    @property
    def block(self) -> Ints:
        """Class of each occurrence: (n,)."""
        return self.terms.catalogue.block[self.terms.kind_of].astype(np.int64)

    @property
    def family(self) -> Ints:
        """Family of the term of each occurrence: (n,)."""
        return self.terms.family

    @property
    def arm(self) -> Ints:
        """Arm of each occurrence: (n,)."""
        return self.spine.arm[self.owner].astype(np.int64)

    @property
    def series(self) -> Ints:
        """Number of the subject's term that each occurrence is of: (n,)."""
        return np.unique(np.stack([self.owner.astype(np.int64), self.terms.unit], axis=1), axis=0, return_inverse=True)[1].reshape(
            -1
        )

    def terms_of_subjects(self) -> TermsOfSubjects:
        """List the terms of each subject once."""
        pair, first, times = np.unique(
            np.stack([self.owner.astype(np.int64), self.terms.unit], axis=1), axis=0, return_index=True, return_counts=True
        )
        return TermsOfSubjects(pair[:, 0], self.kind_of[first].astype(np.int64), times)


def _are_adults(spine: Spine, k: int) -> bool:
    """Whether fewer than `k` subjects came of age after their first day on study; so where nothing tells their age."""
    if spine.born is None:
        return True
    return int((spine.marks["FIRST"] < spine.born + OF_AGE * YEAR).sum()) < k
