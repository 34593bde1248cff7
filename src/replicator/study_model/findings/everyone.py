"""Arms in which nobody goes without being measured."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from replicator.distinct import distinct_values
from replicator.models.persistence import Occasions

Flags = NDArray[np.bool_]
Codes = NDArray[np.intp]


def find_everyone(present: Flags, arm: Codes, occasions: Occasions, n_arms: int, k: int) -> Flags:
    """Arms of at least k subjects with an occasion, none of whom was never measured: (n_arms,) bool."""
    who, first, place = distinct_values(occasions.subject, return_index=True, return_inverse=True)
    measured = np.zeros(len(who), bool)
    measured[place[present.any(axis=1)]] = True
    n_subjects = np.bincount(arm[first], minlength=n_arms)
    return np.asarray((n_subjects >= k) & (np.bincount(arm[first], measured, minlength=n_arms) == n_subjects), np.bool_)


def with_everyone(seen: Flags, everyone: Flags, arm: Codes, cell: Codes, occasions: Occasions) -> Flags:
    """Measure those who must not go without as another is measured, at the first occasion of that kind: (n_occasions, n_series)."""
    some = seen.any(axis=1)
    without = np.ones(int(occasions.subject.max(initial=-1)) + 1, bool)
    without[occasions.subject[some]] = False
    lender = np.full(int(cell.max(initial=-1)) + 1, -1, np.intp)
    measured = np.flatnonzero(some)[::-1]
    lender[cell[measured]] = measured
    open_to = np.flatnonzero(without[occasions.subject] & everyone[arm] & (lender[cell] >= 0))
    _, first = distinct_values(occasions.subject[open_to], return_index=True)
    out = seen.copy()
    out[open_to[first]] = seen[lender[cell[open_to[first]]]]
    return out
