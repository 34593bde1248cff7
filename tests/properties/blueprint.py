"""What is true of a generated study, and who is in it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray


@dataclass(frozen=True)
class Blueprint:
    """What is true of a generated study.

    Attributes
    ----------
    n : int
        Subjects; arms in turn.
    seed : int
    female : tuple of float
        Share of women by arm; its length is the number of arms.
    leave : tuple of float
        Chance by arm of leaving early, evenly over the treatment.
    attend : float
        Chance that a visit after the first on treatment is kept, while the subject is there.
    visits : tuple of int
        Study days of the planned visits: screening, day 1, and so on.
    dose : tuple of float
        Last dose by arm; arms above 50 mg take 50 mg for the first 14 days.
    correlation : float
        Between height and weight.
    shift : tuple of float
        By which systolic pressure differs by arm after day 1, mmHg.
    rash : tuple of float
        Chance of RASH by arm.
    consent : int
        Days from consent (and screening) to day 1.
    unique : bool
        Whether one subject each has a text and a number of its own in columns that the others share.
    """

    n: int = 60
    seed: int = 1
    female: tuple[float, ...] = (0.3, 0.5, 0.7)
    leave: tuple[float, ...] = (0.1, 0.3, 0.6)
    attend: float = 0.9
    visits: tuple[int, ...] = (-7, 1, 15, 29, 57, 85)
    dose: tuple[float, ...] = (0.0, 50.0, 100.0)
    correlation: float = 0.7
    shift: tuple[float, ...] = (0.0, -5.0, -15.0)
    rash: tuple[float, ...] = (0.1, 0.2, 0.6)
    consent: int = 8
    unique: bool = False

    @property
    def n_arms(self) -> int:
        """Number of arms."""
        return len(self.female)


@dataclass(frozen=True, eq=False)
class Cohort:
    ids: NDArray[np.object_]
    arm: NDArray[np.int64]
    anchor: NDArray[np.datetime64]
    left: NDArray[np.int64]  # study days (from 0) on treatment
    early: NDArray[np.bool_]
    consent: int


def dates_text(day: NDArray[np.datetime64]) -> NDArray[np.object_]:
    return np.where(np.isnat(day), "", np.datetime_as_string(day, unit="D").astype(object))


def numbered(frame: pd.DataFrame, name: str, by: Sequence[str]) -> pd.DataFrame:
    """Sort by subject and the columns `by`, and count the rows of a subject."""
    frame = frame.sort_values(["USUBJID", *by], kind="stable").reset_index(drop=True)
    frame.insert(1, name, (frame.groupby("USUBJID").cumcount() + 1).astype(float))
    return frame
