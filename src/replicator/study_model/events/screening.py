"""How many events those have who were never dosed: a rate for each day at risk, where too few of them tell the number."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from replicator.study_model.events.dates import OccurrenceDates
from replicator.study_model.events.days import mark_day
from replicator.study_model.events.untreated import before_first_dose, first_dose
from replicator.study_model.spine import Spine

Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

MAINLY = 0.85  # share of occurrences that must start on study for their number to be one of time
ENOUGH = 4  # times k, subjects with an occurrence though never dosed, who tell of their number themselves
PRIOR = 1.0  # occurrences that the rate of all days before the first dose counts for


@dataclass(frozen=True, eq=False)
class Screening:
    """Occurrences of who was never dosed.

    Attributes
    ----------
    rate : float
        Occurrences a day at risk; NaN where their number is drawn as everybody's.
    """

    kind: ClassVar[str] = "screening"

    rate: float

    @classmethod
    def fit(
        cls, owner: NDArray[np.int32], start: Floats, dates: OccurrenceDates, last_visit: Floats | None, spine: Spine, k: int
    ) -> Screening:
        """Learn from occurrences (n,) and their starts, days since 1970-01-01.

        Where some have any, but fewer than `k` subjects, they count for k / 2: how many they were is not kept.
        """
        dose, days = first_dose(spine), _days_at_risk(spine, dates, last_visit)
        on_study = start >= spine.marks["FIRST"][owner]
        if dose is None or on_study.sum() < MAINLY * max(len(owner), 1):
            return cls(np.nan)
        never = np.isnan(dose)
        counted = before_first_dose(spine, owner, start) & on_study
        people = np.bincount(owner[counted], minlength=spine.n)
        having = int((people[never] > 0).sum())
        if not never.any() or (days > 0).sum() < k or having >= ENOUGH * k:
            return cls(np.nan)
        rate = _count(people, k) / float(days.sum())
        if (never & (days > 0)).sum() >= k and rate > 0:
            own = (_count(people[never], k) + PRIOR) / (float(days[never].sum()) + PRIOR / rate)
            rate = own if having >= k or not having else min(own, rate)
        return cls(rate)

    def settle(
        self,
        size: Ints,
        bound: tuple[Bools, Bools],
        dates: OccurrenceDates,
        last_visit: Floats | None,
        spine: Spine,
        rng: np.random.Generator,
    ) -> tuple[Ints, Bools]:
        """Draw how many each has who was never dosed.

        Parameters
        ----------
        size : (n,) int64
            Numbers as drawn for all.
        bound : two arrays (n,) bool
            Who must have some, and who must have none.

        Returns
        -------
        size : (n,) int64
        anew : (n,) bool
            Whose number is drawn here; all theirs are of different terms.
        """
        dose = first_dose(spine)
        if np.isnan(self.rate) or dose is None:
            return size, np.zeros(spine.n, bool)
        anew = np.isnan(dose)
        drawn = rng.poisson(self.rate * np.where(anew, _days_at_risk(spine, dates, last_visit), 0.0))
        must, must_not = bound
        return np.where(anew, np.where(must_not, 0, np.maximum(drawn, must)), size).astype(np.int64), anew


def _days_at_risk(spine: Spine, dates: OccurrenceDates, last_visit: Floats | None) -> Floats:
    """Days before the first dose (n,) on which occurrences may start; of who was never dosed all days."""
    low, high = (mark_day(spine, name, last_visit) for name in (dates.opens, dates.closes))
    dose = first_dose(spine)
    until = high if dose is None else np.fmin(high, np.floor(dose) - 1)
    return np.nan_to_num(np.maximum(until - low + 1, 0.0))


def _count(people: Ints, k: int) -> float:
    """Occurrences of subjects (n,); k / 2 for those of fewer than `k`."""
    return k / 2 if 0 < (people > 0).sum() < k else float(people.sum())
