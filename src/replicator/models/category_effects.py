r"""Numbers that follow from a category: means by its levels, beside those of groups, where they explain much of a number."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from replicator.special import fdtrc

Floats = NDArray[np.float64]
Codes = NDArray[np.int32] | NDArray[np.int64]

LEAST = 0.1  # share of the squared error of predictions that a category takes away, from which a number follows from it
FALSE = 0.05  # share of the pairs of a number and a category that seem tied though only chance ties them
COVERED = 0.9  # of the subjects with a number, those who have a level that k of them share
TIED = 0.05  # share of subjects with one value, from which a number is a count or a scale
NEGLIGIBLE = 1e-9  # of a leverage and of the largest singular value


@dataclass(frozen=True, eq=False)
class CategoryEffects:
    r"""What the levels of a category add to a number.

    Attributes
    ----------
    number, category : str
        Their names.
    value : (n_levels,) float64
        Levels of at least *k* subjects, ascending.
    mean : (n_levels,) float64
        What each adds; 0 on average over the subjects.

    Notes
    -----
    A number that a category nearly decides (a body weight, by sex) has as many modes as the category has levels. Tied to the
    category by the correlation of latent normals alone, draws near the border between two modes come out in the wrong one. And
    where many numbers go with one category, as measures of the body do with the sex, latent normals that show each of them as it
    is would contradict each other, and all are weakened. So the number is :math:`x_i = \mu_{g(i)} + \delta_{c(i)} + r_i` by least
    squares, and *r* is what is tied to other traits.
    """

    kind: ClassVar[str] = "category effects"

    number: str
    category: str
    value: Floats
    mean: Floats

    def at(self, level: Floats) -> Floats:
        """What comes to the numbers of subjects with these levels (n,); NaN for those that have no mean of their own."""
        place = np.searchsorted(self.value, level).clip(max=len(self.value) - 1)
        return np.where(self.value[place] == level, self.mean[place], np.nan)

    def added(self, level: Floats) -> Floats:
        """What :meth:`at` says, 0 for levels without a mean of their own."""
        return np.nan_to_num(self.at(level))


def find_category_effects(
    values: Mapping[str, Floats], numbers: Iterable[str], categories: Iterable[str], group: Codes, k: int
) -> tuple[CategoryEffects, ...]:
    r"""Find numbers of which a category explains much beyond groups, and what its levels add.

    Parameters
    ----------
    values : mapping of str to (n,) float64
        Numbers and codes of categories, NaN where there is none.
    numbers, categories : iterable of str
        Names of those that may be explained, and of those that may explain.
    group : (n,) int
        Group of each subject.
    k : int
        Fewest subjects behind the mean of a level.

    Returns
    -------
    tuple of CategoryEffects
        At most one a number: of the category that predicts it best.

    Notes
    -----
    Each subject's number is predicted from the others, by the means of groups alone and with those of levels:
    :math:`e_i / (1 - h_i)` are the errors, *h* the leverages (Allen 1974, Technometrics 16:125-127). The levels must take away more
    than a tenth of the squared errors, and Benjamini and Hochberg's procedure (1995, J. R. Statist. Soc. B 57:289) must accept
    the *F* test of their means at a false discovery rate of 0.05. Groups are left out of it where levels predict better without
    them: else a category that happens to lie unevenly in small groups would lose what it explains to them. Whole
    numbers and those of which many subjects share one are counts and scales, and stay as they are.
    """
    wanted = [name for name in numbers if _is_continuous(values[name], k)]
    among = [name for name in categories if np.unique(values[name][np.isfinite(values[name])]).size > 1]
    tried = [_fit(number, one, values[number], values[one], group, k) for number in wanted for one in among]
    tied = [one for one in tried if one is not None and one.gain > LEAST]
    accepted = _accepted(np.array([one.chance for one in tied]), len(tried))
    best: dict[str, _Tie] = {}
    for one in (one for one, there in zip(tied, accepted.tolist(), strict=True) if there):
        number = one.effects.number
        best[number] = max(best.get(number, one), one, key=lambda tie: tie.gain)
    return tuple(one.effects for one in best.values())


@dataclass(frozen=True, eq=False)
class _Tie:
    """Effects, the share of squared errors that they take away, and the probability that chance makes as much of them."""

    gain: float
    chance: float
    effects: CategoryEffects


def _accepted(chance: Floats, asked: int) -> NDArray[np.bool_]:
    """Which of some probabilities, the smallest of as many as were asked, belong to pairs that are tied: (n,)."""
    ordered = np.sort(chance)
    below = np.flatnonzero(ordered <= FALSE * np.arange(1, len(chance) + 1) / max(asked, 1))
    return np.asarray(chance <= (ordered[below[-1]] if len(below) else -1.0), bool)


def _is_continuous(x: Floats, k: int) -> bool:
    seen = x[np.isfinite(x)]
    if len(seen) < 2 * k or bool((seen == np.round(seen)).all()):
        return False
    return int(np.unique(seen, return_counts=True)[1].max()) < max(k, TIED * len(seen))


def _fit(number: str, category: str, x: Floats, level: Floats, group: Codes, k: int) -> _Tie | None:
    """Tie a number to the levels of a category; None where too few have them, or they explain too little."""
    known = np.flatnonzero(np.isfinite(x) & np.isfinite(level))
    levels, code, people = np.unique(level[known], return_inverse=True, return_counts=True)
    common = people >= k
    rows, code = known[common[code]], (np.cumsum(common) - 1)[code[common[code]]]
    if common.sum() < 2 or len(rows) < COVERED * np.isfinite(x).sum():
        return None
    of_group = np.unique(group[rows], return_inverse=True)[1]
    y, bases = x[rows] - x[rows].mean(), (of_group, np.zeros(len(rows), np.int64))
    beyond = [found for base in bases if (found := _beyond(y, base, code)) is not None]
    alone = min(_errors(y, base) for base in bases)
    if not beyond or alone <= 0:
        return None
    press, chance, mean = min(beyond, key=lambda found: found[0])
    return _Tie(1 - press / alone, chance, CategoryEffects(number, category, levels[common], mean))


def _beyond(y: Floats, base: Codes, code: Codes) -> tuple[float, float, Floats] | None:
    """What levels (n,) tell of values of mean 0 beyond a base (n,): squared errors, the chance of it, means of the levels.

    None where not even means of each base's own levels explain as much as is asked.
    """
    n_levels = int(code.max()) + 1
    if _squares_within(y, base * n_levels + code) > (1 - LEAST) * _squares_within(y, base):
        return None
    by_base = base[:, None] == np.arange(base.max() + 1)
    by_level = code[:, None] == np.arange(n_levels)
    design = np.hstack([by_base, by_level]).astype(np.float64)
    alone, together = _Regression.of(by_base.astype(np.float64), y), _Regression.of(design, y)
    more, freedom = together.rank - alone.rank, len(y) - together.rank
    if more < 1 or freedom < 1:
        return None
    ratio = (alone.squares - together.squares) / more / max(together.squares / freedom, np.finfo(np.float64).tiny)
    mean = together.slopes[by_base.shape[1] :]
    return together.press, float(fdtrc(more, freedom, ratio)), mean - (by_level @ mean).mean()


def _errors(y: Floats, cell: Codes) -> float:
    """Sum of the squared errors of predictions of values (n,) from the others of their cells; who is alone is left out."""
    size = np.bincount(cell)[cell].astype(np.float64)
    mean = (np.bincount(cell, y)[cell] - y) / np.maximum(size - 1, 1)
    return float(((y - mean)[size > 1] ** 2).sum())


def _squares_within(y: Floats, cell: Codes) -> float:
    """Sum of the squared distances of values (n,) from the means of their cells."""
    mean = np.bincount(cell, y) / np.maximum(np.bincount(cell), 1)
    return float(((y - mean[cell]) ** 2).sum())


@dataclass(frozen=True, eq=False)
class _Regression:
    """Least squares: coefficients of least norm, rank, sum of squared residuals, and of errors of predictions from the others."""

    slopes: Floats
    rank: int
    squares: float
    press: float

    @classmethod
    def of(cls, design: Floats, y: Floats) -> _Regression:
        """Regress y (n,) on a design (n, p); who is alone in a column is predicted by nobody, and left out of the errors."""
        left, size, right = np.linalg.svd(design, full_matrices=False)
        used = size > NEGLIGIBLE * size.max(initial=0.0)
        left, size, right = left[:, used], size[used], right[used]
        on_axes = left.T @ y
        rest = y - left @ on_axes
        free = 1 - (left**2).sum(axis=1)
        told = free > NEGLIGIBLE
        return cls(right.T @ (on_axes / size), len(size), float((rest**2).sum()), float(((rest[told] / free[told]) ** 2).sum()))
