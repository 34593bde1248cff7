r"""What groups do otherwise than a table of other conditions has it: their shares, as far as these are clear of chance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from replicator.distinct import distinct_values, packed_keys

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Codes = NDArray[np.int32] | NDArray[np.int64] | NDArray[np.intp]

ROUNDS = 30
CLOSE = 1e-4  # change of a log share, from which on shares are met
ROUNDING = 1e-6  # of a number of rows, and of a belief: one subject's difference is as large as its own noise
MOST = 4.0  # log share that a group adds at most


@dataclass(frozen=True, eq=False)
class Tilts:
    r"""Factors by which groups change the distributions of a table.

    Attributes
    ----------
    target : (n_targets,) int64
        Codes of the targets, as :meth:`~replicator.models.conditional.ConditionalTable.chances` gives them.
    shift : tuple of (n_codes, n_targets) float64
        Log factors of each grouping by its codes; others, and missing ones, change nothing.

    Notes
    -----
    A table knows the few conditions that tell most, and what goes with them in the source (a relatedness with the class of the
    event, a class with an arm) goes with a group only as far as the group has them. Where the rows of a group have a target *o*
    times, and the table gives it them *e* times, with the difference :math:`d_i` of each subject,
    :math:`z^2 = (\sum d_i)^2 / \sum d_i^2` counts subjects and not rows. The group is given :math:`e + B (o - e)`,
    :math:`B = \max(0, 1 - 1 / z^2)` (James and Stein, 1961, Proc. 4th Berkeley Symp. 1:361), by iterative proportional fitting
    (Deming and Stephan, 1940, Annals of Mathematical Statistics 11:427), one grouping after the other. Of a target that fewer
    than *k* subjects of the group have, though rows of *k* are expected, those of *k* / 2 are taken to be seen.
    """

    kind: ClassVar[str] = "tilts"

    target: Ints
    shift: tuple[Floats, ...]

    @classmethod
    def fit(
        cls, code: Codes, drawn: tuple[NDArray[np.intp], Floats, Ints], groups: Sequence[Codes], subject: Codes, k: int
    ) -> Tilts:
        """Learn from rows.

        Parameters
        ----------
        code : (n,) int
            Target of each row.
        drawn : row (n,), chance (n_distributions, n_targets) and target (n_targets,)
            Distribution of each row, of those that a table has.
        groups : sequence of (n,) int
            Groupings, of which the shares of the last are kept best; codes, -1 is missing.
        subject : (n,) int
            Whose row it is.
        k : int
            Fewest subjects behind a factor.
        """
        row, chance, target = drawn
        known = np.isin(code, target) if len(target) > 1 else np.zeros(len(row), bool)
        expected, who = chance[row[known]], np.asarray(subject, np.int64)[known]
        seen = (np.asarray(code)[known, None] == target).astype(np.float64)
        shift = []
        for codes in groups:
            of = np.asarray(codes, np.int64)[known]
            own = _fit_shift(_aim(seen, expected, of, who, k), expected, of)
            expected = _tilted(expected, own, of)
            shift.append(own)
        return cls(target, tuple(shift))

    def __bool__(self) -> bool:
        """Whether any group changes anything."""
        return any(map(len, self.shift))

    def apply(self, chance: Floats, groups: Sequence[Codes]) -> Floats:
        """Change distributions (n, n_targets) of rows of these groups, (n,) codes each."""
        for own, codes in zip(self.shift, groups, strict=True):
            chance = _tilted(chance, own, np.asarray(codes, np.int64))
        return chance

    def draw(self, row: NDArray[np.intp], chance: Floats, groups: Sequence[Codes], u: Floats) -> NDArray[np.int32]:
        """Draw a target at each point `u` (n,) of the distribution function of each row's changed distribution."""
        edge = np.cumsum(self.apply(chance[row], groups), axis=1)
        at = (u[:, None] * edge[:, -1:] >= edge).sum(axis=1)
        return np.asarray(self.target[np.minimum(at, len(self.target) - 1)], np.int32)


def _tilted(chance: Floats, shift: Floats, group: Ints) -> Floats:
    """Change distributions (n, n_targets) of rows by the factors (n_groups, n_targets) of their groups (n,)."""
    if not len(shift):
        return chance
    place = np.where((group >= 0) & (group < len(shift)), group, len(shift))
    weight = chance * np.exp(np.vstack([shift, np.zeros(chance.shape[1])]))[place]
    return np.asarray(weight / np.maximum(weight.sum(axis=1, keepdims=True), 1e-300), np.float64)


def _fit_shift(aim: Floats, expected: Floats, group: Ints) -> Floats:
    """Find the factors by which groups have as many rows of each target as is aimed at: (n_groups, n_targets), or none."""
    asked = np.isfinite(aim)
    if not asked.any():
        return np.empty((0, aim.shape[1]))
    shift = np.zeros(aim.shape)
    for _ in range(ROUNDS):
        mean = _sums(_tilted(expected, shift, group), group, len(aim))
        step = np.log(np.maximum(aim[asked], 1e-9) / np.maximum(mean[asked], 1e-9))
        shift[asked] = np.clip(shift[asked] + step, -MOST, MOST)
        if np.abs(step).max() < CLOSE:
            break
    return shift


def _sums(values: Floats, group: Ints, n_groups: int) -> Floats:
    """Sums of rows (n, n_targets) by group, those of no group left out: (n_groups, n_targets)."""
    out = np.zeros((n_groups + 1, values.shape[1]))
    np.add.at(out, group, values)
    return out[:n_groups]


def _aim(seen: Floats, expected: Floats, group: Ints, subject: Ints, k: int) -> Floats:
    """Rows that each group is to have of each target: (n_groups, n_targets), NaN where those it is given are as good."""
    n_groups = int(group.max(initial=-1)) + 1
    _, first, of_row = distinct_values(packed_keys([group, subject]), return_index=True, return_inverse=True)
    of_pair = group[first]
    have, due = (_sums(values, of_row, len(first)) for values in (seen, expected))
    o, e, people = (_sums(values, of_pair, n_groups) for values in (have, due, (have > 0).astype(np.float64)))
    size = np.bincount(of_pair[of_pair >= 0], minlength=n_groups)[:, None]
    each = e.sum(axis=1, keepdims=True) / np.maximum(size, 1)
    rare = people < k
    noise = np.where(rare, _sums(due**2, of_pair, n_groups), _sums((have - due) ** 2, of_pair, n_groups))
    may = (size >= k) & (e > 0) & (~rare | ((e >= k * each) & (o < e - ROUNDING)))
    o = np.where(rare, np.minimum(k / 2 * each, e), o)
    square = np.where(may, (o - e) ** 2, 0.0) / np.maximum(noise, 1e-9)
    belief = np.maximum(1 - 1 / np.maximum(square, 1e-9), 0.0)
    believed = belief > ROUNDING
    aim = np.where(believed, e + belief * (o - e), e)
    aim *= e.sum(axis=1, keepdims=True) / np.maximum(aim.sum(axis=1, keepdims=True), 1e-9)
    return np.where(believed.any(axis=1, keepdims=True) & (e > 0), aim, np.nan)
