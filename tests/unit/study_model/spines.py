"""Spines written out, for the tests of what is learned given a spine."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from replicator.study_model.spine import Spine, Visits

Floats = NDArray[np.float64]


def make_spine(
    n: int,
    marks: Mapping[str, Floats] | None = None,
    visits: Visits | None = None,
    arm: NDArray[np.int32] | None = None,
    arms: tuple[str, ...] = ("A", "B"),
    anchor: Floats | None = None,
) -> Spine:
    """Build a spine; anchors are 18000, 18001, ..., FIRST and LAST 10 days before and 100 after unless given."""
    day = 18000.0 + np.arange(n) if anchor is None else anchor
    nothing = np.empty(0)
    return Spine(
        n,
        (np.arange(n) % len(arms)).astype(np.int32) if arm is None else arm,
        arms,
        day,
        {"FIRST": day - 10, "LAST": day + 100, **(marks or {})},
        visits or Visits(nothing.astype(np.int32), nothing, nothing, nothing),
        {},
        {},
    )


def make_visits(day: Floats, number: Floats) -> Visits:
    """Visits of a table (n, n_visits) of days, NaN for a visit that was missed."""
    subject, column = np.nonzero(np.isfinite(day))
    start = day[subject, column]
    order = np.lexsort((start, subject))
    return Visits(subject[order].astype(np.int32), number[column][order], start[order], start[order])
