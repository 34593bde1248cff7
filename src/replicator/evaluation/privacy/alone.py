"""What one real subject alone has, and how much of it somebody else comes up with: the sample, or other real subjects."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from replicator.evaluation.measures import OFFENDERS, Direction, Figure, Offender
from replicator.evaluation.privacy.groups import HALVED, Floats, Groups, Mask, around, over_draws, untold


@dataclass(frozen=True, eq=False)
class Held:
    """Who has which values of one kind.

    Attributes
    ----------
    name : str
        What the values are of.
    counts : (n_subjects, n_values) sparse matrix
        Above 0 where a subject has a value.
    """

    name: str
    counts: sparse.csr_matrix


def alone_figure(name: str, question: str, kinds: Sequence[Held], groups: Groups) -> Figure:
    """Of the values that one subject of the source alone has, the share that the sample has.

    With a holdout these are values of exactly one real subject, and the target is the share that the sample has of those whose one
    owner is held out: what one subject alone has, a sample meets by chance. Without one they are values of exactly one subject of
    half of the source; who could meet them by chance are equally many subjects of the other half (the target) and of the sample.

    Parameters
    ----------
    name, question : str
        Of the figure.
    kinds : sequence of Held
        Pooled; the offenders are single kinds.
    groups : Groups

    Notes
    -----
    The standard error comes from draws of half the size, and is never less than were each value met independently of the others.
    """
    if not groups.told or not kinds:
        return untold(name, question, np.nan, f"{len(kinds)} kinds of values, {groups.size} real subjects a side: too little.")
    met, n = np.zeros((2, 2, len(groups.known), len(kinds)))  # of the source, and beside it; draws; kinds
    for k, held in enumerate(kinds):
        met[:, :, k], n[:, :, k] = _met(held.counts, groups)
    total = n.sum(axis=2)
    shares = np.where(total > 0, met.sum(axis=2) / np.maximum(total, 1.0), np.nan)
    (value, _), (target, _) = over_draws(shares[0]), over_draws(shares[1])
    _, error = over_draws(shares[0] - shares[1])
    if not np.isfinite(value - target):
        return untold(name, question, np.nan, "No subject is the only one with any of them.")
    full = len(groups.known) // 2
    of_kind, n_kind = met[:, :full].sum(axis=1), n[:, :full].sum(axis=1)
    of_source, beside = np.where(n_kind > 0, of_kind / np.maximum(n_kind, 1.0), 0.0)
    error = max(error, _independent_error(of_kind.sum(axis=1) / full, n_kind.sum(axis=1) / full))
    worst = np.argsort(beside - of_source, kind="stable")[:OFFENDERS].tolist()
    offenders = tuple(Offender(kinds[i].name, float(of_source[i]), float(beside[i])) for i in worst if of_source[i] > beside[i])
    n_met, n_alone = float(of_kind[0].sum() / full), float(n_kind[0].sum() / full)
    said = f"{n_met:,.0f} of {n_alone:,.0f} that one of {groups.size:,} subjects has. {HALVED if groups.taught else ''}".strip()
    interval = around(value, error, 0.0, 1.0)
    return Figure(name, question, value, target, interval, 0.0, 1.0, Direction.LOWER, round(n_alone), said, offenders)


def _independent_error(met: Floats, n: Floats) -> float:
    """Standard error of the difference of two shares, were all values met independently; smoothed for few."""
    share = (met.sum() + 1.0) / (n.sum() + 2.0)
    return float(np.sqrt(share * (1.0 - share) * (1.0 / np.maximum(n, 1.0)).sum()))


def _met(counts: sparse.csr_matrix, groups: Groups) -> tuple[Floats, Floats]:
    """Count values that are met, and all that one subject alone has, of the source and beside it: (2, n_draws) each."""
    met, n = np.zeros((2, 2, len(groups.known)))
    held = sparse.csr_matrix(counts)
    held.data = np.ones_like(held.data)
    if groups.taught:
        for i, (known, others, made) in enumerate(zip(groups.known, groups.others, groups.made, strict=True)):
            alone = holders(held, known) == 1
            n[:, i] = alone.sum()
            met[0, i], met[1, i] = (int((alone & (holders(held, mask) > 0)).sum()) for mask in (made, others))
        return met, n
    held = held[:, np.flatnonzero(holders(held, groups.real) == 1)]
    sampled = holders(held, groups.sample) > 0
    for side, masks in enumerate((groups.known, groups.others)):
        for i, mask in enumerate(masks):
            owned = holders(held, mask) > 0
            n[side, i], met[side, i] = owned.sum(), (owned & sampled).sum()
    return met, n


def holders(held: sparse.csr_matrix, mask: Mask) -> NDArray[np.float64]:
    """Count the subjects of a mask who have each value: (n_values,)."""
    return np.asarray(held[np.flatnonzero(mask)].sum(axis=0), np.float64).ravel()
