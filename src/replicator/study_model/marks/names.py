"""What the dates of a subject are called, and which of them are days of visits or of deaths."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from replicator.study_model.spine import Spine

Floats = NDArray[np.float64]

VISIT = "VISIT"  # of the names of marks that are days of visits


def is_death(name: str) -> bool:
    """Whether a mark is the date of death (DTHDTC of SDTM)."""
    return name.rpartition(".")[2] == "DTHDTC"


def visit_mark(number: float) -> str:
    """Name of the mark that is the day of a visit that closes the study."""
    return f"{VISIT} {number:g}"


def is_visit(name: str) -> bool:
    """Whether a mark is the day of a visit; other marks may hang on it."""
    return name.startswith(f"{VISIT} ")


def death_mark(spine: Spine) -> str:
    """Name of the mark that is the date of death; ``""`` where there is none."""
    return next((name for name in spine.marks if is_death(name)), "")


def death_day(spine: Spine) -> Floats:
    """Day of death by subject: (n,), days since 1970-01-01, NaN for the living."""
    return np.floor(spine.marks.get(death_mark(spine), np.full(spine.n, np.nan)))


def died(spine: Spine) -> NDArray[np.bool_]:
    """Whether a subject has a date of death: (n,)."""
    out = np.zeros(spine.n, bool)
    for name, day in spine.marks.items():
        if is_death(name):
            out |= np.isfinite(day)
    return out
