"""Which visits rows name, where that is told by their dates."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from replicator.study_model.columns.codes import column_codes, count_subjects
from replicator.study_model.spine import Spine
from replicator.study_model.visits.days import visit_day, visit_on
from replicator.tables.dataset import Dataset, Numbers

Floats = NDArray[np.float64]

NEAR = (1.0, 7.0, 14.0)  # days; the least that no row exceeds is nobody's number
MOSTLY = 0.9  # share of rows at visits that k subjects name, from which others are the few's own
BY_DATE = 0.8  # share of rows whose VISITNUM is that of the last visit up to their date, from which it is taken from there


def nameable_visits(number: Floats, subject: NDArray[np.int32], spine: Spine, k: int) -> Floats:
    """Numbers of the visits that rows (n_rows,) may name."""
    often = _shared_visits(number, subject, k)
    rest = np.isfinite(number) & ~np.isin(number, often)
    if len(np.unique(subject[rest])) < k or rest.sum() <= (1 - MOSTLY) * np.isfinite(number).sum():
        return often
    return np.union1d(often, _shared_visits(np.round(spine.visits.number, 9), spine.visits.subject, k))


def _shared_visits(number: Floats, subject: NDArray[np.int32], k: int) -> Floats:
    """Numbers of visits at which at least k subjects have a row: those of `number` (n_rows,)."""
    codes, numbers = column_codes(Numbers(number))
    assert isinstance(numbers, Numbers)
    return numbers.values[count_subjects(codes, subject, len(numbers)) >= k]


def nearness(dataset: Dataset, subject: NDArray[np.int32], day: Floats, spine: Spine, k: int) -> float:
    """Days from the days (n_rows,) of rows to the visits that they name at most, of :data:`NEAR`; 0 where nothing can be told."""
    apart = np.abs(day - visit_day(spine, subject, np.round(dataset.numbers("VISITNUM"), 9)))
    seen = np.isfinite(apart)
    if len(np.unique(subject[seen])) < k:
        return 0.0
    return next((days for days in NEAR if apart[seen].max() <= days), 0.0)


def with_visits(spine: Spine, numbers: Floats) -> Spine:
    """Leave other visits out, but for subjects who would have none left."""
    visits = spine.visits
    known = np.isin(visits.number, numbers)
    known |= ~np.isin(visits.subject, visits.subject[known])
    return replace(spine, visits=visits.take(known))


def find_visit_date(dataset: Dataset, subject: NDArray[np.int32], days: Mapping[str, Floats], spine: Spine, k: int) -> str:
    """The date variable that gives VISITNUM: the one most often on the visit's own day; ``""`` if none gives it, or lies near."""
    number = np.round(dataset.numbers("VISITNUM"), 9)
    planned = visit_day(spine, subject, number)
    found: list[tuple[float, str]] = []
    for name, day in days.items():
        both = np.isfinite(number) & np.isfinite(day)
        near = both.any() and nearness(dataset, subject, day, spine, k) > 0
        told = (visit_on(spine, subject, day) == number) | (planned == day)  # a visit may have another one on its day
        if near or (both.any() and float(told[both].mean()) >= BY_DATE):
            found.append((float((planned == day)[both].mean()), name))
    return max(found)[1] if found else ""
