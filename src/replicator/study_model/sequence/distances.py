"""Distances that dates of a sequence keep: a titration of a fortnight, of everybody who has one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from replicator.distinct import distinct_values
from replicator.study_model.columns.codes import count_subjects
from replicator.study_model.columns.conditions import join_codes

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

STEADY = 0.95  # share of the rows under the same conditions that lie as far from a reference


def steady_distances(
    day: Floats, candidates: Mapping[str, Floats], given: Sequence[Ints], subject: NDArray[np.int32], k: int
) -> tuple[int, ...]:
    """Find the distances at which nearly all rows under the same conditions lie from a reference.

    Parameters
    ----------
    day : (n_rows,) float64
        Whole days, NaN where they are not known.
    candidates : mapping of str to (n_rows,) float64
        Reference days by name, NaN where there is none.
    given : sequence of (n_rows,) int64
        Conditions.
    subject : (n_rows,) int32
    k : int
        Fewest subjects who must show such a distance.

    Returns
    -------
    tuple of int
        Days, ascending; those of a day or none are left out.
    """
    known = np.flatnonzero(np.isfinite(day))
    if not len(known):
        return ()
    cell = distinct_values(join_codes(given, len(day))[known], return_inverse=True)[1]
    size = np.bincount(cell)
    found: set[int] = set()
    for reference in candidates.values():
        distance = day[known] - np.floor(reference[known])
        rows = np.flatnonzero(np.isfinite(distance))
        values, at = distinct_values(distance[rows], return_inverse=True)
        pairs, pair = distinct_values(cell[rows] * max(len(values), 1) + at, return_inverse=True)
        if not len(pairs):
            continue
        people = count_subjects(pair.astype(np.int64), subject[known][rows], len(pairs))
        steady = (people >= k) & (np.bincount(pair) >= STEADY * size[pairs // len(values)])
        found |= set(values[pairs[steady] % len(values)].astype(np.int64).tolist())
    return tuple(sorted(one for one in found if abs(one) > 1))
