"""How often a tuple comes: two doses of a placebo and then the end, though each dose looks like the other."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from replicator.distinct import distinct_values
from replicator.study_model.columns.codes import count_subjects
from replicator.study_model.columns.neighbours import Neighbours

Ints = NDArray[np.int64]

SURE = 0.9  # share of those who have had a tuple so often who have the same one next


def times_had(code: Ints, subject: NDArray[np.int32]) -> Ints:
    """How often each row's tuple has come up to that row: (n_rows,), 1 at its first; rows are sorted by subject and their order."""
    key = subject.astype(np.int64) * (int(code.max(initial=0)) + 1) + code
    order = np.argsort(key, kind="stable")
    _, first, size = distinct_values(key[order], return_index=True, return_counts=True)
    out = np.empty(len(code), np.int64)
    out[order] = np.arange(len(code)) - np.repeat(first, size) + 1
    return out


def place_codes(group: Ints, before: Ints, times: Ints, n_states: int, most: int) -> Ints:
    """One number for a group of arms, the tuple before (0 for none, else 1 + tuple) and how often it has come: (n_rows,)."""
    return (group * (n_states + 1) + before) * (most + 1) + np.minimum(times, most)


def telling_places(place: Ints, target: Ints, subject: NDArray[np.int32], most: int, k: int) -> Ints:
    """Find where the times that a tuple has come tell for sure what the tuple alone does not.

    Parameters
    ----------
    place : (n_rows,) int64
        From :func:`place_codes`.
    target : (n_rows,) int64
        Next tuple.
    subject : (n_rows,) int32
        Whose row it is.
    most : int
        Most times that are told apart.
    k : int
        Fewest subjects who must have the same tuple next.

    Returns
    -------
    (n_places,) int64
        Places, in order, after which :data:`SURE` of the rows go on alike, while those of the same tuple before do not.
    """
    if not len(place):
        return np.empty(0, np.int64)
    _, tuples = distinct_values(place // (most + 1), return_inverse=True)
    places, position = distinct_values(place, return_inverse=True)
    alone, _ = _agreement(tuples, target, subject)
    share, people = _agreement(position, target, subject)
    of_place = np.empty(len(places), np.int64)
    of_place[position] = tuples
    return np.asarray(places[(share >= SURE) & (people >= k) & (alone[of_place] < SURE)], np.int64)


def times_that_tell(place: Ints, telling: Ints, most: int) -> Ints:
    """How often the tuple before has come where that tells what is next, 0 elsewhere: (n_rows,)."""
    return np.where(np.isin(place, telling), place % (most + 1), 0).astype(np.int64)


def _agreement(cell: NDArray[np.intp], target: Ints, subject: NDArray[np.int32]) -> tuple[NDArray[np.float64], Ints]:
    """Share of the rows of each cell that have its most frequent target, and how many subjects have that: (n_cells,) each."""
    n_cells, radix = int(cell.max()) + 1, int(target.max()) + 1
    pairs, pair = distinct_values(cell * radix + target, return_inverse=True)
    rows = np.bincount(pair)
    people = count_subjects(pair.astype(np.int64), subject, len(pairs))
    order = np.lexsort((rows, pairs // radix))
    best = np.zeros(n_cells, np.int64)
    best[pairs[order] // radix] = order
    return rows[best] / np.bincount(cell, minlength=n_cells), people[best]


def certain_followers(subject: NDArray[np.int32], code: Ints, k: int) -> NDArray[np.bool_]:
    """Whether everybody who had the tuple that a tuple mostly comes after, `k` subjects at least, has it too: (n_states,)."""
    n_states = int(code.max(initial=-1)) + 1
    out = np.zeros(n_states, bool)
    after = np.flatnonzero(~Neighbours(subject).first)
    for state in np.unique(code[after]).tolist():
        usual = int(np.bincount(code[after[code[after] == state] - 1]).argmax())
        had, came = np.unique(subject[code == usual]), np.unique(subject[code == state])
        out[state] = usual != state and len(had) >= k and bool(np.isin(had, came).all())
    return out
