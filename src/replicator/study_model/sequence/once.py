"""Sets of tuples of which a subject has one at most, and those of which everybody has one."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from replicator.study_model.columns.blocks import Block

Ints = NDArray[np.int64]


def find_once(state: Block, code: Ints, subject: NDArray[np.int32], n_states: int, k: int) -> NDArray[np.bool_]:
    """Sets of tuples of which (nearly) no subject has two rows, all of them or those that share a value: (n_sets, n_states)."""
    sets: list[NDArray[np.bool_]] = []
    texts = [column.strings()[:n_states] for column in state.values]
    for members in (np.ones(n_states, bool), *(text == value for text in texts for value in sorted(set(text.tolist())))):
        counts = np.unique(subject[members[code]], return_counts=True)[1]
        if len(counts) >= max(k, 10) and (counts > 1).mean() < 0.01 and not any((members == other).all() for other in sets):
            sets.append(members)
    return np.array(sets, bool).reshape(len(sets), n_states)


def find_obliged(
    once: NDArray[np.bool_], code: Ints, subject: NDArray[np.int32], odd: NDArray[np.bool_], k: int
) -> NDArray[np.bool_]:
    """Whether everybody, `k` subjects at least, has a row of each set, but for those of whom some row is not learned: (n_sets,)."""
    out = np.zeros(len(once), bool)
    for at, states in enumerate(once):
        has = np.zeros(len(odd), bool)
        has[subject[states[code]]] = True
        out[at] = has.sum() >= k and bool(has[~odd].all())
    return out


def first_of_sets(once: NDArray[np.bool_], subject: NDArray[np.int64], code: Ints) -> NDArray[np.bool_]:
    """Whether rows (n_rows,), sorted by subject, stay where a subject keeps the first row of each set alone."""
    keep = np.ones(len(subject), bool)
    for states in once:
        mine = np.flatnonzero(states[code] & keep)
        again = np.zeros(len(mine), bool)
        again[1:] = subject[mine][1:] == subject[mine][:-1]
        keep[mine[again]] = False
    return keep
