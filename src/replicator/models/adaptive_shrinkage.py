r"""Many differences of unit variance drawn towards 0 by what their own distribution says of the noise in them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Codes = NDArray[np.intp]

VARIANCES = np.concatenate([[0.0], 2.0 ** np.arange(-2, 9)])  # of true differences
EDGES = np.concatenate([np.arange(0.0, 20.0, 0.05), [np.inf]])  # of classes of the size of a difference
NOTHING = 10.0  # differences that are taken to be noise before any is seen
BORROWED = 50.0  # differences that those of all classes count for in one class
ROUNDS = 60  # of expectation and maximisation


def shrink_differences(z: Floats, group: Codes) -> Floats:
    r"""Expected true differences.

    Parameters
    ----------
    z : (n,) float64
        Observed differences in units of their standard errors.
    group : (n,) int
        Classes that may differ in how large true differences are; a class of few leans on all.

    Returns
    -------
    (n,) float64
        :math:`E(\mu \mid z)`, of the sign of *z* and no larger.

    Notes
    -----
    True differences are a mixture of normals about 0 with the variances :data:`VARIANCES`, of which the first stands for none. The
    weights are those of the largest likelihood, given counts of :data:`NOTHING` (of all classes together) or
    :data:`BORROWED` (of one class) beforehand. Of a component of variance :math:`v` the share :math:`v / (1 + v)` of *z* is kept.

    References
    ----------
    M. Stephens (2017). False discovery rates: a new deal. Biostatistics 18, 275-294.
    """
    size = np.abs(z)
    place = np.clip(np.searchsorted(EDGES, size, side="right") - 1, 0, len(EDGES) - 2)
    middle = EDGES[:-1] + 0.025
    likelihood = np.exp(-0.5 * middle[:, None] ** 2 / (1 + VARIANCES)) / np.sqrt(1 + VARIANCES)
    start = np.full(len(VARIANCES), 1 / len(VARIANCES))
    before = NOTHING * (VARIANCES == 0)
    pooled = _weights(np.bincount(place, minlength=len(middle)), likelihood, start, before)
    out = np.zeros(len(z))
    for one in np.unique(group):
        mine = group == one
        weight = _weights(np.bincount(place[mine], minlength=len(middle)), likelihood, pooled, BORROWED * pooled)
        chance = likelihood * weight
        kept = (chance @ (VARIANCES / (1 + VARIANCES))) / chance.sum(axis=1)
        out[mine] = z[mine] * np.maximum.accumulate(kept)[place[mine]]
    return out


def shared_differences(z: Floats, standard: Floats, kind: Codes) -> Floats:
    r"""What the differences of each kind have in common, as far as it is beyond chance.

    Parameters
    ----------
    z : (n,) float64
        Observed differences in units of their standard errors.
    standard : (n,) float64
        Inverse of their standard errors.
    kind : (n,) int
        Kinds of differences that may be alike; -1 for those that are of none, which have nothing in common.

    Returns
    -------
    (n,) float64
        In units of the standard errors: the weighted mean of the kind, drawn to 0 by :math:`\max(0, 1 - 1/z^2)`, *z* being the mean
        in units of its standard error.

    References
    ----------
    W. James, C. Stein (1961). Estimation with quadratic loss. Proc. 4th Berkeley Symposium 1, 361-379.
    """
    out = np.zeros(len(z))
    for one in np.unique(kind[kind >= 0]):
        mine = kind == one
        weight = float((standard[mine] ** 2).sum())
        mean = float((z[mine] * standard[mine]).sum()) / max(weight, 1e-12)
        out[mine] = mean * max(0.0, 1 - 1 / max(mean**2 * weight, 1e-12)) * standard[mine]
    return out


def _weights(counts: NDArray[np.intp], likelihood: Floats, start: Floats, before: Floats) -> Floats:
    """Weights (n_variances,) of the mixture, given counts (n_classes,) of differences by size."""
    seen = counts > 0
    likelihood, counts, weight = likelihood[seen], counts[seen], start
    for _ in range(ROUNDS):
        chance = likelihood * weight
        total: Floats = (counts / chance.sum(axis=1)) @ chance + before
        weight = total / total.sum()
    return weight
