"""Sites of the subjects: which of them have ways of their own, and whose ways the others take."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from replicator.study_model.spine import SITE_VARIABLES, Spine

Codes = NDArray[np.intp]
GOLDEN = (np.sqrt(5.0) - 1) / 2  # multiples of it modulo 1 are spread evenly, however many there are


def find_sites(spine: Spine, k: int) -> tuple[str, NDArray[np.int64]]:
    """Find the variable that tells sites apart, and the sites of `k` subjects.

    Returns
    -------
    name : str
        A covariate of the spine; ``""`` where fewer than two sites have `k` subjects.
    place : (n_codes,) int64
        Number of each site of `k` subjects, counted from 0; -1 of the others.
    """
    for name in SITE_VARIABLES:
        codes = spine.covariates.get(name)
        if codes is None:
            continue
        common = np.bincount(codes[codes >= 0]) >= k
        if common.sum() > 1:
            return name, np.where(common, np.cumsum(common) - 1, -1).astype(np.int64)
    return "", np.empty(0, np.int64)


def lend_ways(place: NDArray[np.int64]) -> NDArray[np.int64]:
    """Let each site of too few subjects behave like one of the others (n_codes,): nothing is known of it, but sites differ."""
    n, few = int(place.max(initial=-1)) + 1, np.flatnonzero(place < 0)
    out = place.copy()
    out[few] = np.floor(np.modf((np.arange(len(few)) + 1) * GOLDEN)[0] * n).astype(np.int64)
    return out


def sites_of_subjects(spine: Spine, name: str, place: NDArray[np.int64]) -> Codes:
    """Number of each subject's site (n_subjects,), that of none where it is not known: one more than the last."""
    none = int(place.max(initial=-1)) + 1
    codes = spine.covariates.get(name)
    if codes is None or not len(place):
        return np.full(spine.n, none, np.intp)
    number = np.append(place, -1)[np.minimum(codes, len(place))]
    return np.where(number < 0, none, number).astype(np.intp)


def behave_alike(codes: NDArray[np.integer], place: NDArray[np.int64], like: NDArray[np.int64]) -> Codes:
    """Codes (n,) of the sites whose ways these sites take: their own, or those of the site that lends them its ways."""
    first = np.full(int(place.max(initial=-1)) + 1, -1, np.int64)
    first[place[place >= 0]] = np.flatnonzero(place >= 0)
    out: Codes = np.append(first[like], -1)[codes].astype(np.intp)
    return out
