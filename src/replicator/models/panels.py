r"""Which of many things are done at an occasion: panels that come together, and members that a panel misses."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from replicator.models.longitudinal import TwoLevel
from replicator.models.ordinal import hermite_coefficients
from replicator.models.persistence import Occasions
from replicator.special import ndtri

Floats = NDArray[np.float64]
Codes = NDArray[np.intp]
Flags = NDArray[np.bool_]

SAME_PANEL = 0.8  # Jaccard index of two members' occasions, from which they count as one panel
SURE = 0.005  # nearer to 0 or 1 than this, a probability says nothing about a subject


def find_panels(present: Flags) -> Codes:
    """Group columns that come together.

    Parameters
    ----------
    present : (n_occasions, n_series) bool
        What was done when.

    Returns
    -------
    (n_series,) int
        Number of each column's panel, from 0.
    """
    n_series = present.shape[1]
    weight = present.astype(np.float32)
    both = weight.T @ weight
    count = np.diag(both)
    union = count[:, None] + count[None, :] - both
    alike = both >= SAME_PANEL * np.maximum(union, 1)
    panel = np.full(n_series, -1, np.intp)
    found = 0
    for leader in np.argsort(-count, kind="stable"):
        if panel[leader] < 0:
            panel[(panel < 0) & alike[leader]] = found
            panel[leader] = found
            found += 1
    return panel


@dataclass(frozen=True, eq=False)
class Presence:
    r"""Presence of units at occasions, by arm and cell, with subjects who miss more than others.

    Attributes
    ----------
    probability : (n_units, n_arms, 2 * n_cells) float64
        That a unit is there; the second half of the cells is for special occasions.
    latent : TwoLevel
        Of the latent normal *z*; a unit is there where :math:`\Phi(z) < p`.
    """

    kind: ClassVar[str] = "panel presence"

    probability: Floats
    latent: TwoLevel

    @classmethod
    def fit(
        cls,
        present: Flags,
        possible: Flags,
        arm: Codes,
        cell: Codes,
        special: Flags,
        occasions: Occasions,
        sizes: tuple[int, int],
        *,
        k: int = 5,
    ) -> Presence:
        """Learn presence.

        Parameters
        ----------
        present, possible : (n_occasions, n_units) bool
            What was there, and what could have been (a member only where its panel is).
        arm, cell : (n_occasions,) int
            Arm of the subject, and kind of the occasion.
        special : (n_occasions,) bool
            Occasions that are of another sort whatever their kind, such as a subject's last visit on treatment.
        occasions : Occasions
            Whose and when.
        sizes : (n_arms, n_cells)
            Extents of the table.
        k : int
            Subjects behind an arm's own probability.
        """
        n_arms, n_cells = sizes[0], 2 * sizes[1]
        n_units = present.shape[1]
        cell = cell + sizes[1] * special
        group = arm * n_cells + cell
        tried = _sums(possible, group, n_arms * n_cells).reshape(n_arms, n_cells, n_units)
        done = _sums(present & possible, group, n_arms * n_cells).reshape(n_arms, n_cells, n_units)
        in_cell = _cell_shares(done.sum(axis=0), tried.sum(axis=0), k)
        raw = _share(done, tried, np.broadcast_to(in_cell, tried.shape))
        kept = tried / np.maximum(tried + _prior_size(raw, in_cell, tried), 1e-9)
        probability = np.moveaxis(in_cell + kept * (raw - in_cell), 2, 0)

        p = probability[:, arm, cell].T  # (n_occasions, n_units)
        unsure = possible & (p > SURE) & (p < 1 - SURE)
        height = np.exp(-0.5 * ndtri(np.clip(p, 1e-9, 1 - 1e-9)) ** 2) / np.sqrt(2 * np.pi)
        score = np.where(present, -height / np.maximum(p, 1e-9), height / np.maximum(1 - p, 1e-9))
        rows, units = np.nonzero(unsure)
        typical = _share((p * unsure).sum(axis=0), unsure.sum(axis=0).astype(np.float64), np.full(n_units, 0.5))
        share = np.stack([typical, 1 - typical], axis=1)
        hermite = hermite_coefficients(share)
        everything = np.ones(n_units, bool)
        latent, _ = TwoLevel.fit(
            score[rows, units], rows, units, occasions, hermite, everything, np.zeros(n_units), n_cells=sizes[1], k=k
        )
        # presence drifts with the cells' own probabilities: subjects differ in level only
        return cls(probability, replace(latent, within=1 - latent.between, slope=np.zeros(n_units)))

    @cached_property
    def _threshold(self) -> Floats:
        """Standard normal below which a unit is there: (n_arms, 2 * n_cells, n_units)."""
        return np.ascontiguousarray(np.moveaxis(ndtri(self.probability), 0, -1))

    def sample(self, arm: Codes, cell: Codes, special: Flags, occasions: Occasions, rng: np.random.Generator) -> Flags:
        """Draw presence: (n_occasions, n_units) bool."""
        cell = cell + self.probability.shape[2] // 2 * special
        noise = self.latent.noise(occasions, rng)
        n_seen, n_units = len(occasions.starts), len(self.probability)
        trait = rng.standard_normal((n_seen, n_units)) * np.sqrt(self.latent.between)
        z = trait[occasions.run] + np.sqrt(self.latent.within) * noise
        return np.asarray(z < self._threshold[arm, cell], bool)


def _cell_shares(done: Floats, tried: Floats, k: int) -> Floats:
    """Share of each unit in each cell: (n_cells, n_units).

    Special occasions of a kind are few: their share is drawn to what special occasions do to units that are usual, or unusual, at
    the kind, which counts for `k` occasions. A unit that was never there at a kind stays away from its special occasions too.
    """
    half = len(done) // 2
    overall = _share(done.sum(axis=0), tried.sum(axis=0), np.zeros(done.shape[1]))
    at_kind = _share(done[:half] + done[half:], tried[:half] + tried[half:], np.broadcast_to(overall, (half, done.shape[1])))
    plain = _share(done[:half], tried[:half], at_kind)
    usual = plain >= 0.5
    prior = plain.copy()
    for those in (usual, ~usual):
        total = np.where(those, tried[half:], 0.0).sum(axis=0)
        common = _share(np.where(those, done[half:], 0.0).sum(axis=0), total, np.full(done.shape[1], np.nan))
        prior = np.where(those & (total > 0), common, prior)
    special = np.where(at_kind > 0, (done[half:] + k * prior) / (tried[half:] + k), 0.0)
    return np.concatenate([plain, special])


def _prior_size(raw: Floats, mean: Floats, tried: Floats) -> Floats:
    """Trials that the common probability counts for against an arm's own: (n_cells, n_units).

    Moments of the beta-binomial distribution: near 0 where arms differ like yes and no, large where chance explains them.
    """
    total = tried.sum(axis=0)
    arms = (tried > 0).sum(axis=0)
    variance = mean * (1 - mean)
    scatter = (tried * (raw - mean) ** 2).sum(axis=0)
    room = total - np.where(total > 0, (tried**2).sum(axis=0) / np.where(total > 0, total, 1), 0.0)
    usable = (variance > 0) & (arms > 1) & (room > arms - 1)
    likeness = (_share(scatter, variance, np.zeros_like(scatter)) - (arms - 1)) / np.where(usable, room - (arms - 1), 1.0)
    likeness = np.where(usable, np.clip(likeness, 1e-6, 1.0), 1e-6)
    return 1 / likeness - 1


def _sums(flags: Flags, group: Codes, n_groups: int) -> Floats:
    out = np.zeros((n_groups, flags.shape[1]))
    order = np.argsort(group, kind="stable")
    starts = np.flatnonzero(np.concatenate([[True], np.diff(group[order]) != 0])) if len(group) else np.empty(0, np.intp)
    if len(starts):
        out[group[order][starts]] = np.add.reduceat(flags[order].astype(np.float64), starts, axis=0)
    return out


def _share(part: Floats, whole: Floats, empty: Floats) -> Floats:
    return np.where(whole > 0, part / np.where(whole > 0, whole, 1), empty)
