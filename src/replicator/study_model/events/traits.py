"""Traits of subjects in a dataset of occurrences: how many terms they have, which of the common ones, how many come again."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from replicator.study_model.events.catalogue import TermCatalogue
from replicator.study_model.spine import Spine

COMMON = 0.06  # share of those with any term, from which on having a term is a trait of the subject
MOST_COMMON = 12
MOST_DECIDED = 0.4  # share of all pairs of subject and term that such traits may decide; the rest makes their number fit
LEAST_REPEATS = 0.02  # share of occurrences that repeat a term, from which on their number is a feature of the subject


def common_terms(count: NDArray[np.int64], catalogue: TermCatalogue, k: int) -> dict[str, int]:
    """Terms that many have and many have not, the most frequent first: feature and kind of each."""
    people = (count > 0).sum(axis=0)
    some = int((count.sum(axis=1) > 0).sum())
    least = max(2 * k, COMMON * some)
    fits = np.flatnonzero((catalogue.slots == 1) & (people >= least) & (people <= some / 2))
    chosen = fits[np.argsort(-people[fits], kind="stable")][:MOST_COMMON]
    chosen = chosen[np.cumsum(people[chosen]) <= MOST_DECIDED * count.sum()]
    out: dict[str, int] = {}
    for kind_of in chosen.tolist():
        name = f"has {catalogue.labels[kind_of]}"
        out[name if name not in out else f"{name} ({kind_of})"] = int(kind_of)
    return out


def everybody_has(count: NDArray[np.int64], spine: Spine, k: int) -> NDArray[np.bool_]:
    """Arms of at least k subjects all of whom have a term."""
    size = np.bincount(spine.arm, minlength=len(spine.arms))
    have = np.bincount(spine.arm[count.sum(axis=1) > 0], minlength=len(spine.arms))
    return np.asarray((size >= k) & (have == size), bool)


def subject_traits(
    owner: NDArray[np.int32], count: NDArray[np.int64], common: Mapping[str, int]
) -> Mapping[str, NDArray[np.float64]]:
    """Number of different terms of each subject, occurrences beyond the first of a term where not rare, and who has the common."""
    terms = count.sum(axis=1).astype(np.float64)
    out = {"terms": terms} | {name: (count[:, kind_of] > 0).astype(np.float64) for name, kind_of in common.items()}
    repeats = np.bincount(owner, minlength=len(count)) - terms
    if repeats.sum() >= LEAST_REPEATS * max(1, len(owner)):
        out["repeats"] = repeats
    return out


def drawn_counts(spine: Spine, name: str) -> NDArray[np.int64]:
    """Counts (n,) as drawn; 0 where the subject has none."""
    drawn = spine.features.get(name)
    if drawn is None:
        return np.zeros(spine.n, np.int64)
    return np.maximum(np.nan_to_num(np.round(drawn)), 0).astype(np.int64)
