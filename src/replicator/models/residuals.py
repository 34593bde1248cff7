"""Residuals about the lines of subjects: their shape, and what taking the lines out does to it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from replicator.distinct import distinct_values
from replicator.models.marginals import QuantileMarginal
from replicator.models.persistence import Occasions
from replicator.special import ndtr, ndtri

Floats = NDArray[np.float64]
Codes = NDArray[np.intp]
Flags = NDArray[np.bool_]

GRID = np.concatenate([[0.001, 0.005, 0.01, 0.025], np.linspace(0.05, 0.95, 19), [0.975, 0.99, 0.995, 0.999]])
WIDTHS = (-0.43, 0.43)  # thirds of a standard normal
FARTHEST = 12.0  # standard deviations of a residual before lines are taken out
ROUNDS = 6  # of drawing and comparing, after which quantiles no longer move
MOST_REPEATS = 3  # draws of the source's occasions in each round, if these are few
MOST_DRAWN = 20_000  # occasions of a large study that are drawn in each round: subjects with more of them are not all drawn for
FEWEST_DRAWN = 1_000  # residuals of each third of a series among them
STEPS = (np.arange(2000) + 0.5) / 2000


def bend(noise: Floats, bent: NDArray[np.int64], quantiles: Floats, width: Codes) -> Floats:
    """Give standard normals (n, n_series) the shapes of their series.

    Parameters
    ----------
    bent : (n_bent,) int64
        Series that are not normal.
    quantiles : (n_bent, 3, len(GRID)) float64
        At the probabilities `GRID`, for subjects of small, middling and wide spread.
    width : (n, n_bent) int
        Which of the three.
    """
    out = noise.copy()
    for i, (j, of_one) in enumerate(zip(bent.tolist(), quantiles, strict=True)):
        probability = ndtr(noise[:, j])
        for c in distinct_values(width[:, i]).tolist():
            rows = width[:, i] == c
            out[rows, j] = np.interp(probability[rows], GRID, of_one[c])
    return out


@dataclass(frozen=True, eq=False)
class Lines:
    """Means and slopes of subjects, as far as the occasions and weights of values tell them.

    Attributes
    ----------
    weight : (n_occasions, n_series) float64
        What each value weighs; 0 where there is none.
    starts, run : (n_seen,), (n_occasions,) int
        Where each subject's occasions begin, and whose each is.
    whole : (n_seen, n_series) float64
        Sums of the weights.
    tilted : (n_tilted,) int
        Series that have slopes.
    time : (n_occasions, n_tilted) float64
        Days from the mean day of the subject's values.
    reach : (n_seen, n_tilted) float64
        Weighted sums of squares of `time`.
    """

    weight: Floats
    starts: Codes
    run: Codes
    whole: Floats
    tilted: Codes
    time: Floats
    reach: Floats

    @classmethod
    def of(cls, weight: Floats, occasions: Occasions, tilted: Codes) -> Lines:
        """Find them for values of some weights (n_occasions, n_series) at some occasions."""
        starts, run = occasions.starts, occasions.run
        whole = np.add.reduceat(weight, starts, axis=0)
        day, some = occasions.day[:, None], weight[:, tilted]
        safe = np.where(whole > 0, whole, 1.0)[:, tilted]
        time = day - (np.add.reduceat(day * some, starts, axis=0) / safe).take(run, axis=0)
        return cls(weight, starts, run, whole, tilted, time, np.add.reduceat(time**2 * some, starts, axis=0))

    def out_of(self, values: Floats) -> Floats:
        """Take the mean of each subject's values (n_occasions, n_series) out, and of the series `tilted` the slope."""
        safe = np.where(self.whole > 0, self.whole, 1.0)
        out = (np.add.reduceat(values * self.weight, self.starts, axis=0) / safe).take(self.run, axis=0)
        np.subtract(values, out, out=out)
        if len(self.tilted):
            product = np.add.reduceat(self.time * out[:, self.tilted] * self.weight[:, self.tilted], self.starts, axis=0)
            slope = np.where(self.reach > 0, product / np.where(self.reach > 0, self.reach, 1), 0.0)
            out[:, self.tilted] -= self.time * slope.take(self.run, axis=0)
        return out


@dataclass(frozen=True, eq=False)
class Standard:
    """Units in which residuals about lines that are drawn independently have unit variance.

    Attributes
    ----------
    there : (n_occasions, n_series) float64
        1 where there is a value, else 0.
    freedom : (n_seen, n_series) float64
        Degrees of freedom that are left.
    own : (n_series,) bool
        Series whose residuals are divided by the subject's standard deviation.
    length : (n_series,) float64
        What residuals of the others are multiplied by.
    starts, run : (n_seen,), (n_occasions,) int
        Where each subject's occasions begin, and whose each is.
    shown : (n_seen, n_series) float64
        What a subject's lines have taken of the residuals, to be made up for.
    told : (n_occasions, n_series) bool
        Where there is a residual that tells anything.
    """

    there: Floats
    freedom: Floats
    own: Flags
    length: Floats
    starts: Codes
    run: Codes
    shown: Floats
    told: Flags

    @classmethod
    def of(cls, seen: Flags, tilted: Flags, own: Flags, length: Floats, occasions: Occasions) -> Standard:
        """Find them for values that are `seen` (n_occasions, n_series), of which those of the series `tilted` have slopes."""
        there, starts, run = seen.astype(np.float64), occasions.starts, occasions.run
        size = np.add.reduceat(there, starts, axis=0)
        freedom = np.maximum(size - 1 - tilted, 0)
        shown = np.sqrt(np.maximum(size, 1) / np.maximum(freedom, 1))
        return cls(there, freedom, own, length, starts, run, shown, seen & (freedom > 0)[run])

    def of_residuals(self, residual: Floats) -> Floats:
        """Put residuals (n_occasions, n_series) into these units; NaN where there is none, or nothing is left of freedom."""
        square = np.add.reduceat(residual**2 * self.there, self.starts, axis=0)
        actual = np.sqrt(square / np.maximum(self.freedom, 1))
        divided = np.where(actual > 0, 1 / np.where(actual > 0, actual, 1), 0.0)
        factor = np.where(self.own & (self.freedom >= 2), divided, self.length) * self.shown
        return np.where(self.told, residual * factor.take(self.run, axis=0), np.nan)


def widths_of(spread: Floats, run: Codes, bent: NDArray[np.int64], varies: Flags) -> Codes:
    """Third of each occasion's subject by its spread (n_occasions, n_bent), the middle one where subjects do not differ."""
    return np.where(varies[bent], np.digitize(np.nan_to_num(spread[:, bent]), WIDTHS), 1)[run].astype(np.intp)


def even_subjects(run: Codes) -> NDArray[np.intp]:
    """Numbers of subjects, spread evenly, who have about `MOST_DRAWN` of all occasions (n_occasions,); all if there are no more."""
    n = int(run.max(initial=-1)) + 1
    if len(run) <= MOST_DRAWN:
        return np.arange(n)
    return np.unique(((np.arange(n * MOST_DRAWN // len(run)) + 0.5) * len(run) / MOST_DRAWN).astype(np.intp))


def find_shapes(dense: Floats, run: Codes, wanted: Flags, width: Callable[[NDArray[np.int64]], Codes], k: int) -> Shapes:
    """Find the shapes of standardised residuals (n_occasions, n_series), NaN where there is none.

    Parameters
    ----------
    run : (n_occasions,) int
        Whose.
    wanted : (n_series,) bool
        Series to be looked at; those with few residuals are left out.
    width : callable
        Gives the thirds (n_occasions, n_bent) of the series' subjects.
    k : int
        Fewest subjects behind a quantile.
    """
    bent = np.flatnonzero(wanted & (np.isfinite(dense).sum(axis=0) >= 20 * k)).astype(np.int64)
    third = width(bent)
    rows: list[list[Codes]] = []
    for i, j in enumerate(bent.tolist()):
        seen = np.flatnonzero(np.isfinite(dense[:, j]))
        parts = [seen[third[seen, i] == c] for c in range(3)]
        rows.append([part if len(part) >= 20 * k else seen for part in parts])
    goal = np.empty((len(bent), 3, len(GRID)))
    for i, j in enumerate(bent.tolist()):
        for c in range(3):
            goal[i, c] = QuantileMarginal.fit(dense[rows[i][c], j], run[rows[i][c]], k=k).quantile(GRID)
    return Shapes(bent, third, rows, goal)


class Shapes:
    """Shapes that standardised residuals have once lines are out, and the quantiles to draw from so that they come out so."""

    def __init__(self, bent: NDArray[np.int64], width: Codes, rows: Sequence[Sequence[Codes]], goal: Floats) -> None:
        self.bent, self.width, self._rows, self._goal = bent, width, rows, goal

    def subjects(self, run: Codes) -> NDArray[np.intp]:
        """Numbers of the subjects to draw for, of those (n_occasions,) whose occasions they are.

        All where they have at most `MOST_DRAWN` occasions. Else as many of them, spread evenly, and more where a part of a series
        would keep fewer than `FEWEST_DRAWN` of its residuals: what is drawn tells quantiles better than the source does.
        """
        if len(run) <= MOST_DRAWN:
            return even_subjects(run)
        chosen = np.zeros(int(run.max()) + 1, bool)
        chosen[even_subjects(run)] = True
        for part in (part for parts in self._rows for part in parts):
            if chosen[run[part]].sum() < min(FEWEST_DRAWN, len(part)):
                chosen[run[part[np.linspace(0, len(part) - 1, min(FEWEST_DRAWN, len(part))).astype(np.intp)]]] = True
        return np.flatnonzero(chosen)

    def take(self, rows: NDArray[np.intp]) -> Shapes:
        """Keep some occasions (n_kept,), in their order; shapes stay those of all."""
        place = np.full(len(self.width), -1, np.intp)
        place[rows] = np.arange(len(rows))
        kept = [[place[part][place[part] >= 0] for part in parts] for parts in self._rows]
        return Shapes(self.bent, self.width[rows], kept, self._goal)

    def quantiles(self, treat: Callable[[Floats, Floats], Floats], draws: Sequence[Floats]) -> Floats:
        """Find the quantiles (n_bent, 3, len(GRID)) to draw from.

        Parameters
        ----------
        treat : callable
            Gives normals (n_occasions, n_bent) for the source's occasions the shapes of quantiles and standardises them.
        draws : sequence of (n_occasions, n_bent) float64
            Standard normals, the same in all rounds.

        Notes
        -----
        Lines that are taken out carry a part of a far value with them, and a subject's own spread is told by it: what is drawn
        must have heavier tails than what is seen. Quantiles are moved by what is missing until they no longer are.
        """
        out = np.stack([[_unit(of) for of in three] for three in self._goal]) if len(self.bent) else self._goal
        best, least = out, np.full(out.shape[:2], np.inf)
        for _ in range(ROUNDS if len(self.bent) else 0):
            drawn = [treat(normal, out) for normal in draws]
            seen = np.empty_like(out)
            for i in range(len(self.bent)):
                for c in range(3):
                    seen[i, c] = np.quantile(np.concatenate([one[self._rows[i][c], i] for one in drawn]), GRID)
            miss = self._goal - seen
            far = np.abs(miss).max(axis=2)
            best = np.where((far < least)[:, :, None], out, best)
            least = np.minimum(far, least)
            out = np.stack([[_unit(of) for of in three] for three in out + miss])
        return best


def seeds(n_occasions: int) -> list[np.random.Generator]:
    """Generators, one for each draw of all occasions: several where these are few."""
    repeats = int(np.clip(-(-MOST_DRAWN // max(n_occasions, 1)), 1, MOST_REPEATS))
    return [np.random.default_rng(seed) for seed in np.random.SeedSequence(0).spawn(repeats)]


def _unit(quantiles: Floats) -> Floats:
    """Quantiles of the same shape with mean 0 and variance 1, none too far; the normal's where they do not differ."""
    ordered = np.maximum.accumulate(quantiles)
    draws = np.interp(STEPS, GRID, ordered)
    deviation = float(draws.std())
    if deviation == 0:
        return np.asarray(ndtri(GRID), np.float64)
    return np.asarray(np.clip((ordered - draws.mean()) / deviation, -FARTHEST, FARTHEST), np.float64)
