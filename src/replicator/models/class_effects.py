r"""How far values of a class of occasions lie from their subjects' other values: near the end of a participation, say."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from replicator.distinct import distinct_values
from replicator.models.cell_means import believed_share, variance_components

Floats = NDArray[np.float64]
Codes = NDArray[np.intp]

ROUNDS = 40  # of alternation between subjects and classes


def fit_class_effects(
    rest: Floats, series: Codes, subject: Codes, label: Codes, sizes: tuple[int, int], *, fewest: int = 2
) -> Floats:
    r"""Estimate the effects of classes, the subjects' own levels taken out.

    Parameters
    ----------
    rest : (n,) float64
        Values without their means.
    series, subject, label : (n,) int
        Of each value; the last class is the one that the others are held against.
    sizes : (n_series, n_classes)
        Extents of the table.
    fewest : int
        Subjects below which a class has no effect of its own.

    Returns
    -------
    (n_series, n_classes) float64
        0 in the last class.

    Notes
    -----
    :math:`y_{it} = F_i + \delta_{c(i, t)} + e_{it}`, a mixed model by alternation: given the effects, a subject's level is the mean
    of what is left times its reliability; given the levels, an effect is the mean of what they leave. The effects of a series are
    then drawn to 0 by :math:`\tau^2 / (\tau^2 + s^2)`, where :math:`s^2` is the error variance of a difference from the subjects'
    other values and :math:`\tau^2` the mean of :math:`\hat\delta^2 - s^2`; clear ones are hardly moved (Efron and Morris's limited
    translation).
    """
    n_series, n_classes = sizes
    span = int(subject.max(initial=0)) + 1
    key, pair = distinct_values(series * span + subject, return_inverse=True)
    owner, at = key // span, series * n_classes + label
    size = np.maximum(np.bincount(pair, minlength=len(key)), 1).astype(np.float64)
    count = np.bincount(at, minlength=n_series * n_classes).astype(np.float64)
    some = np.maximum(count, 1.0)
    effect = np.zeros(n_series * n_classes)
    within, between = variance_components(rest, pair, owner, n_series)
    variance = (between + 1e-300)[owner]
    for _ in range(ROUNDS):
        level = np.bincount(pair, weights=rest - effect[at], minlength=len(key)) / size
        level *= variance / (variance + within[owner] / size)
        effect = np.bincount(at, weights=rest - level[pair], minlength=len(effect)) / some
        effect.reshape(sizes)[:, -1] = 0.0
    subjects = np.bincount(distinct_values(at * span + subject) // span, minlength=len(effect))
    # what of a value is left once its subject's level, which it helps to tell, is out
    told = np.bincount(at, weights=1 - 1 / size[pair], minlength=len(effect)) / some
    known = (subjects >= fewest) & (told > 0)
    noise = np.where(known, np.repeat(within, n_classes) / np.where(known, some * told, 1.0), np.inf).reshape(sizes)
    noise[:, -1] = np.inf
    found, seen = np.where(np.isfinite(noise), effect.reshape(sizes), 0.0), np.isfinite(noise)
    scatter = np.where(seen, found**2 - np.where(seen, noise, 0.0), 0.0).sum(axis=1)
    spread = np.maximum(scatter / np.maximum(seen.sum(axis=1), 1), 0.0)
    return found * believed_share(found, noise, spread[:, None])
