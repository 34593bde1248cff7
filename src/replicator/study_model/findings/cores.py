"""Panels that are there only where a more common one is: nobody is weighed at a visit at which no vital sign is taken."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
from numpy.typing import NDArray

from replicator.distinct import distinct_values

Codes = NDArray[np.intp]
Flags = NDArray[np.bool_]

WITHOUT = 0.03  # most of a panel's occasions at which its core is not there
CHANCE = 0.1  # most of the occasions without its core at which a panel is there, of those at which it would be by chance


def find_cores(there: Flags, subject: Codes, others: Collection[int], k: int) -> NDArray[np.int64]:
    """Find the panels that come only with another one, their core; of several that a panel comes with, the least common.

    Parameters
    ----------
    there : (n_occasions, n_panels) bool
        What was done when.
    subject : (n_occasions,) int
    others : collection of int
        Panels that have no core, since something else tells of them, and are none: whether they are there is known only with it.
    k : int
        So many subjects with the panel are needed, and as many who had it without the core speak against it.

    Returns
    -------
    (n_cores, 2) int64
        Panel and core; a core that has a core itself comes before its panels.
    """
    size = there.sum(axis=0)
    weight = there.astype(np.float32)
    alone = size[:, None] - weight.T @ weight  # (panels, cores): occasions of the panel without the core
    by_chance = size[:, None] * (1 - size[None, :] / max(len(there), 1))
    fits = (alone <= WITHOUT * size[:, None]) & (alone <= CHANCE * by_chance) & (size[None, :] > size[:, None])
    fits[:, list(others)] = False
    found = []
    for panel in np.argsort(-size, kind="stable").tolist():
        here = there[:, panel]
        if panel in others or len(distinct_values(subject[here])) < k:
            continue
        cores = np.flatnonzero(fits[panel])
        for core in cores[np.argsort(size[cores], kind="stable")].tolist():
            if len(distinct_values(subject[here & ~there[:, core]])) < k:
                found.append((panel, core))
                break
    return np.array(found, np.int64).reshape(-1, 2)


def hold_cores(units: Flags, cores: NDArray[np.int64]) -> Flags:
    """Leave out the panels (n_occasions, n_units) whose core is left out."""
    out = units.copy()
    for panel, core in cores.tolist():
        out[:, panel] &= out[:, core]
    return out
