"""Neighbouring values in groups of at least `k` subjects: what is told of such groups, and of sums of them, is told of no one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from replicator.distinct import distinct_values

Codes: TypeAlias = NDArray[np.int32] | NDArray[np.int64] | NDArray[np.intp]


def group_edges(subject: Codes, k: int, size: int | None = None) -> NDArray[np.intp]:
    """Part sorted values into groups of at least `k` subjects.

    Parameters
    ----------
    subject : (n,) int
        Whose value each is, in the order of the values.
    k : int
        Fewest subjects of a group.
    size : int, optional
        Fewest values of a group; `k` by default.

    Returns
    -------
    (n_groups + 1,) intp
        Where the groups begin, and `n`; ``[0]`` if fewer than `k` subjects have a value.

    Notes
    -----
    Groups of about `size` values, of which those with too few subjects are joined with a neighbour. Every value is in one group, so
    any two groups, and any two sums of groups, differ by groups.
    """
    n = len(subject)
    n_groups = max(n // max(size or k, 1), 1)
    edges = np.round(np.linspace(0, n, n_groups + 1)).astype(np.intp)
    if not n:
        return np.zeros(1, np.intp)
    joined = joined_groups([(np.repeat(np.arange(n_groups), np.diff(edges)), subject)], n_groups, k)
    if not len(joined):
        return np.zeros(1, np.intp)
    return np.append(edges[np.flatnonzero(np.diff(joined, prepend=-1))], n)


def joined_groups(members: Sequence[tuple[Codes, Codes]], n_groups: int, k: int) -> NDArray[np.intp]:
    """Join neighbouring groups until each has `k` subjects or none.

    Parameters
    ----------
    members : sequence of ((n,) int, (n,) int)
        Group and subject of each value; of several such pairs each is to have `k` subjects or none.
    n_groups : int
    k : int

    Returns
    -------
    (n_groups,) intp
        The joined group of each, ascending from 0; empty if all together have fewer.
    """
    joined = np.arange(n_groups)
    few = _few(members, joined, k)
    while few.any():
        if len(few) == 1:
            return np.empty(0, np.intp)
        odd = (np.arange(len(few)) - np.maximum.accumulate(np.where(few, 0, np.arange(len(few)) + 1))) % 2 == 0
        onward = few & odd  # the first, third, ... of a run joins the next
        onward[-1] = False
        begins = np.append(True, ~onward[:-1])
        if few[-1] and begins[-1]:
            begins[-1] = False
        joined = (np.cumsum(begins) - 1)[joined]
        few = _few(members, joined, k)
    return joined


def _few(members: Sequence[tuple[Codes, Codes]], joined: NDArray[np.intp], k: int) -> NDArray[np.bool_]:
    few = np.zeros(int(joined[-1]) + 1, bool)
    for group, subject in members:
        width = int(subject.max(initial=0)) + 1
        pairs = distinct_values(joined[group] * width + subject)
        n_subjects = np.bincount(pairs // width, minlength=len(few))
        few |= (n_subjects > 0) & (n_subjects < k)
    return few
