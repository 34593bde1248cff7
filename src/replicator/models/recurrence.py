"""How a subject's repeated events fall on the kinds of event that the subject has."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Integers = NDArray[np.int32] | NDArray[np.int64] | NDArray[np.intp]

PRIOR = 5.0  # pairs of subject and kind that the rate over all kinds counts for


@dataclass(frozen=True, eq=False)
class Recurrence:
    """Repeats beyond the first event of a kind.

    Attributes
    ----------
    rate : (n_kinds,) float64
        Mean number of repeats of a kind in a subject who has it, drawn to the mean over all kinds of its group.
    concentration : float
        Of the Dirichlet distribution that spreads a subject's repeats over its kinds; small: all on one kind.
    """

    kind: ClassVar[str] = "recurrence"

    rate: Floats
    concentration: float

    @classmethod
    def fit(cls, subject: Integers, kind_of: Integers, repeats: Integers, group: Integers) -> Recurrence:
        """Learn from pairs of subject and kind.

        Parameters
        ----------
        subject, kind_of : (n_pairs,) int
            Who has which kind.
        repeats : (n_pairs,) int
            Events of that kind beyond the first.
        group : (n_kinds,) int
            Kinds that are alike (common ones, pools of rare ones).
        """
        n_kinds = len(group)
        pairs = np.bincount(kind_of, minlength=n_kinds)
        total = np.bincount(kind_of, weights=repeats, minlength=n_kinds)
        mean = float(total.sum() / max(1, pairs.sum()))
        groups = int(group.max(initial=-1)) + 1
        alike = (np.bincount(group, weights=total, minlength=groups) + mean) / (
            np.bincount(group, weights=pairs, minlength=groups) + 1
        )
        rate = (total + PRIOR * alike[group]) / (pairs + PRIOR)
        n = int(subject.max(initial=-1)) + 1
        weight = rate[kind_of] + 1e-12
        share = weight / np.bincount(subject, weights=weight, minlength=n)[subject]
        each = np.bincount(subject, weights=repeats, minlength=n)
        together = float((repeats * (repeats - 1.0)).sum())
        chances = float((each * (each - 1)).sum())
        by_chance = float((np.bincount(subject, weights=share**2, minlength=n) * each * (each - 1)).sum())
        if chances <= 0 or together <= by_chance:
            return cls(rate, 1000.0)
        # E sum p^2 = (A q + 1) / (A + 1) with q the sum of squared shares
        return cls(rate, float(np.clip((chances - together) / (together - by_chance), 0.05, 1000.0)))

    def sample(self, subject: Integers, kind_of: Integers, repeats: Integers, rng: np.random.Generator) -> Integers:
        """Draw the number of repeats of each pair.

        Parameters
        ----------
        subject, kind_of : (n_pairs,) int
            Pairs, ordered by subject.
        repeats : (n_subjects,) int
            Repeats that each subject has in all.

        Returns
        -------
        (n_pairs,) int64
        """
        n = len(repeats)
        if not len(subject):
            return np.empty(0, np.int64)
        weight = self.rate[kind_of] + 1e-9
        share = weight / np.bincount(subject, weights=weight, minlength=n)[subject]
        drawn = _dirichlet_weights(share * self.concentration, subject, n, rng)
        edge = np.cumsum(drawn)
        have = np.bincount(subject, minlength=n) > 0
        last = np.cumsum(np.bincount(subject, minlength=n)) - 1
        high = np.where(have, edge[last], 0.0)
        first = last - np.bincount(subject, minlength=n) + 1
        low = np.where(first > 0, edge[first - 1], 0.0)
        owner = np.repeat(np.arange(n), np.where(have, repeats, 0))
        point = low[owner] + rng.random(len(owner)) * (high - low)[owner]
        pair = np.clip(np.searchsorted(edge, point, side="right"), first[owner], last[owner])
        return np.bincount(pair, minlength=len(subject))


def _dirichlet_weights(shape: Floats, owner: Integers, n: int, rng: np.random.Generator) -> Floats:
    """Gamma variables over the largest of the same owner; by logarithms, since those of small shape are next to nothing."""
    shape = np.maximum(shape, 1e-3)
    log = np.log(rng.standard_gamma(shape + 1)) + np.log(np.maximum(rng.random(len(shape)), 1e-300)) / shape
    most = np.full(n, -np.inf)
    np.maximum.at(most, owner, log)
    return np.asarray(np.exp(log - most[owner]) + 1e-12, np.float64)
