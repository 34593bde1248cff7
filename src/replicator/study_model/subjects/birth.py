"""Date of birth, so that it agrees with the age that was drawn."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from replicator.tables.dataset import Column, Dataset, Variable

Floats = NDArray[np.float64]

YEAR = 365.25  # days
OF_AGE = 18  # years
AGE = "AGE"
AGREE = 0.95  # share of subjects whose age must follow from the date of birth
REFERENCES = ("RFSTDTC", "RFICDTC", "DMDTC", "RFXSTDTC")
FIRST_DAY, LAST_DAY = 1.0, 364.0  # days since the last birthday that leap years cannot turn into another age


def least_age(dataset: Dataset, k: int) -> float:
    """Age in years below which nobody is drawn: that of adults, where fewer than `k` subjects are younger; else none."""
    if AGE not in dataset or any(level != "YEARS" for level in _units(dataset)):
        return -np.inf
    age = dataset.numbers(AGE)
    return OF_AGE if (age < OF_AGE).sum() < k and np.isfinite(age).any() else -np.inf


def _units(dataset: Dataset) -> list[str]:
    return [str(level) for level in dataset.text("AGEU").compact().levels] if "AGEU" in dataset else []


@dataclass(frozen=True)
class BirthDate:
    """Which mark is the date of birth, and on which day the age is counted.

    Attributes
    ----------
    mark : str
        Of the date of birth.
    age : str
        Variable of the age, years.
    references : tuple of str
        Marks at which it is counted, the best first; a subject without the first takes the next.
    """

    kind: ClassVar[str] = "birth date"

    mark: str
    age: str
    references: tuple[str, ...]

    @classmethod
    def fit(cls, dataset: Dataset, marks: Mapping[str, Floats]) -> BirthDate | None:
        """Find how the ages of a subjects' dataset stand to its dates of birth.

        Parameters
        ----------
        dataset : Dataset
            One row a subject.
        marks : mapping of str to (n,) float64
            Days of the subjects, from :attr:`Spine.marks`.

        Returns
        -------
        BirthDate or None
            None if there is no age in years or no date of birth, or one does not follow from the other.
        """
        birth = f"{dataset.name}.BRTHDTC"
        if AGE not in dataset or birth not in marks or any(level != "YEARS" for level in _units(dataset)):
            return None
        age = dataset.numbers(AGE)
        shares: dict[str, float] = {}
        for name in (f"{dataset.name}.{one}" for one in REFERENCES):
            elapsed = marks.get(name, np.full(len(age), np.nan)) - marks[birth]
            known = np.isfinite(elapsed) & np.isfinite(age)
            if known.any():
                # a birth known to the year alone counts as its first of January, so the age may be a year less
                fits = (age <= np.floor((elapsed + 1) / YEAR)) & (age >= np.floor((elapsed - 1) / YEAR) - 1)
                shares[name] = float(fits[known].mean())
        best = sorted((name for name in shares if shares[name] >= AGREE), key=lambda name: -shares[name])
        return cls(birth, AGE, tuple(best)) if best else None

    def move(self, marks: Mapping[str, Floats], age: Column, anchor: Floats) -> Floats:
        """Move drawn dates of birth (n,) to the year that the age asks for; the day of the year stays about where it is."""
        years = Dataset("", (Variable(self.age),), {self.age: age}).numbers(self.age)
        birth, reference = marks[self.mark], np.full(len(years), np.nan)
        for name in self.references:
            reference = np.where(np.isnan(reference), marks.get(name, reference), reference)
        reference = np.floor(np.where(np.isnan(reference), anchor, reference))
        since = np.clip((reference - birth) % YEAR, FIRST_DAY, LAST_DAY)
        known = np.isfinite(years) & np.isfinite(reference)
        moved = birth.copy()
        moved[known] = _years_before(reference[known], np.floor(years[known])) - np.floor(since[known])
        return moved


def _years_before(day: Floats, years: Floats) -> Floats:
    """The same day of the calendar (n,) so many years before; the 28th of February for the 29th where there is none."""
    date = day.astype("datetime64[D]")
    month = date.astype("datetime64[M]")
    then = month - (12 * years).astype("timedelta64[M]")
    last = (then + 1).astype("datetime64[D]") - then.astype("datetime64[D]") - 1
    same: Floats = (then.astype("datetime64[D]") + np.minimum(date - month.astype("datetime64[D]"), last)).astype(np.float64)
    return same
