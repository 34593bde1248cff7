r"""When subjects were seen, and how much of a residual lasts from one occasion to the next."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Codes = NDArray[np.intp]

CORRELATIONS = np.array([0.0, 0.1, 0.2, 0.35, 0.5, 0.6, 0.7, 0.8, 0.87, 0.92, 0.96, 0.985])  # from one value to the next
MEMORIES = (0.5, 1.0, 2.0, 4.0, 8.0)  # multiples of the usual gap between values
FEWEST_PAIRS = 30  # neighbouring residuals, before anything is said about what lasts
LAGS = 3


@dataclass(frozen=True, eq=False)
class Occasions:
    """When subjects were seen, ordered by subject and then by time.

    Attributes
    ----------
    subject : (n_occasions,) int
        Whose occasion it is; not decreasing.
    day : (n_occasions,) float64
        Days since the subject's anchor, not decreasing within a subject.
    cell : (n_occasions,) int, optional
        Kind of each occasion; all are of one kind where none is given.
    """

    subject: Codes
    day: Floats
    cell: Codes | None = None

    @property
    def cells(self) -> Codes:
        """(n_occasions,) int: kind of each occasion."""
        return np.zeros(len(self.subject), np.intp) if self.cell is None else self.cell

    @property
    def starts(self) -> Codes:
        """(n_seen,) int: where each subject's occasions begin."""
        if not len(self.subject):
            return np.empty(0, np.intp)
        return np.flatnonzero(np.concatenate([[True], np.diff(self.subject) != 0]))

    @property
    def run(self) -> Codes:
        """(n_occasions,) int: number of the subject among those seen."""
        if not len(self.subject):
            return np.empty(0, np.intp)
        return np.cumsum(np.concatenate([[0], (np.diff(self.subject) != 0).astype(np.intp)]))

    @property
    def rank(self) -> Codes:
        """(n_occasions,) int: number of the occasion within its subject, from 0."""
        return np.arange(len(self.subject)) - self.starts[self.run] if len(self.subject) else np.empty(0, np.intp)

    def take(self, rows: Codes) -> Occasions:
        """Keep some occasions (n_kept,), in their order."""
        return Occasions(self.subject[rows], self.day[rows], None if self.cell is None else self.cell[rows])


@dataclass(frozen=True, eq=False)
class Persistence:
    """What lasts of the residuals.

    Attributes
    ----------
    serial : (n_series,) float64
        *w*, the share that lasts.
    memory : float
        *m*, days.
    next_one : (n_series,) float64
        Correlation of the lasting share from one value of the series to the next.
    kept : (n_series,) float64
        Variance that is left once a subject's mean and slope are out, as a share of what is left of independent residuals.
    """

    serial: Floats
    memory: float
    next_one: Floats
    kept: Floats

    def kept_at(self, serial: Floats) -> Floats:
        """Variance that is left, as `kept` is, at other shares (n_series,) that last."""
        lost = np.where(self.serial > 0, (1 - self.kept) / np.where(self.serial > 0, self.serial, 1), 0.0)
        return np.clip(1 - serial * lost, 0.05, 1.0)


def lasting_noise(white: Floats, occasions: Occasions, memory: float) -> Floats:
    r"""Correlate independent draws over time: correlation :math:`\exp(-|t - s| / m)` between two occasions of a subject.

    Parameters
    ----------
    white : (n_occasions, n_series) float64
        Standard normals, independent between occasions.
    occasions : Occasions
        Whose and when.
    memory : float
        *m*, days.
    """
    run, rank = occasions.run, occasions.rank
    shape = (len(occasions.starts), int(rank.max(initial=0)) + 1)
    day = np.full(shape, np.nan)
    day[run, rank] = occasions.day
    gap = np.abs(day[:, :, None] - day[:, None, :])
    matrix = np.exp(-gap / memory)
    matrix[np.isnan(gap)] = 0.0
    step = np.arange(shape[1])
    matrix[:, step, step] = 1 + 1e-6
    padded, place = np.zeros((*shape, white.shape[1])), run * shape[1] + rank
    padded.reshape(-1, white.shape[1])[place] = white
    lasting: Floats = np.linalg.cholesky(matrix) @ padded
    return lasting.reshape(-1, white.shape[1]).take(place, axis=0)


def fit_persistence(dense: Floats, occasions: Occasions, inclined: NDArray[np.bool_]) -> Persistence:
    r"""Share of residuals that lasts, by series, and for how long.

    Parameters
    ----------
    dense : (n_occasions, n_series) float64
        Residuals about each subject's own mean (and slope), NaN where nothing was measured.
    occasions : Occasions
        Whose and when.
    inclined : (n_series,) bool
        Where a slope was taken out too.

    Notes
    -----
    Residuals :math:`e` with :math:`V = (1 - w) I + w A`, :math:`A_{ts} = \exp(-|t - s| / m)`, become :math:`P e` once mean and
    slope are out, and :math:`P V P` has negative correlations even if nothing lasts. Sums of products at each lag are compared
    with those of :math:`P V P` at the series' usual gap, which are linear in *w*; *m* is the one that fits lags 2 and 3 best.
    """
    n_series = dense.shape[1]
    nothing = np.zeros(n_series)
    if len(dense) < 3:
        return Persistence(nothing, 1.0, nothing, np.ones(n_series))
    observed, pairs, gap, counts = _products(dense, occasions)
    usable = (pairs[1] >= FEWEST_PAIRS) & (observed[0] > 0) & (gap > 0)
    if not usable.any():
        return Persistence(nothing, 1.0, nothing, np.ones(n_series))
    ratio = np.where(usable, observed / np.where(observed[0] > 0, observed[0], 1), 0.0)
    tables = np.stack([_expected(counts, inclined, float(correlation)) for correlation in CORRELATIONS])
    white, typical = tables[0], float(np.median(gap[usable]))
    best = Persistence(nothing, typical, nothing, np.ones(n_series))
    least = np.inf
    for multiple in MEMORIES:
        memory = multiple * typical
        correlation = np.exp(-gap / memory)
        lasting = _between_tables(tables, correlation)
        a = ratio[1] * white[0] - white[1]
        b = ratio[1] * lasting[0] - lasting[1]
        some = usable & (a > 0)
        serial = np.where(some, np.where(b < 0, a / np.where(some & (b < 0), a - b, 1), 1.0), 0.0).clip(0, 1)
        serial = np.where(serial * correlation > 2 / np.sqrt(np.maximum(pairs[1], 1)), serial, 0.0)
        expected = (1 - serial) * white + serial * lasting
        fitted = expected / np.where(expected[0] > 0, expected[0], 1)
        miss = np.where(usable & (pairs >= FEWEST_PAIRS), ratio - fitted, 0.0)
        total = float((miss[1:] ** 2 * np.sqrt(pairs[1:])).sum())
        if total < least:
            kept = np.where(white[0] > 0, expected[0] / np.where(white[0] > 0, white[0], 1), 1.0)
            least, best = total, Persistence(serial, memory, correlation, np.clip(kept, 0.05, 1.0))
    return best


@dataclass(frozen=True, eq=False)
class Course:
    """What correlation does to residuals once each subject's mean (and slope) is out, by the numbers of values that subjects have.

    Attributes
    ----------
    tables : (n_correlations, LAGS + 1, n_series) float64
        Expected sums of products at each of `CORRELATIONS` and each lag.
    pairs : (n_series,) float64
        Neighbouring values of a subject.
    """

    tables: Floats
    pairs: Floats

    @classmethod
    def of(cls, counts: NDArray[np.intp], inclined: NDArray[np.bool_]) -> Course:
        """From subjects by their number of values (most + 1, n_series), and where a slope is taken out too."""
        tables = np.stack([_expected(counts, inclined, float(one)) for one in CORRELATIONS])
        pairs = np.maximum(np.arange(len(counts)) - 1, 0) @ counts
        return cls(tables, np.maximum(pairs, 1).astype(np.float64))

    def kept(self, series: int, correlation: Floats) -> Floats:
        """Variance that is left, against independent residuals, at correlations (n,) of neighbours."""
        white = self.tables[0, 0, series]
        left = np.interp(correlation, CORRELATIONS, self.tables[:, 0, series])
        return np.clip(left / white if white > 0 else np.ones_like(left), 0.05, 1.0)

    def neighbours(self, series: int, correlation: Floats) -> Floats:
        """Correlation (n,) of neighbours beyond the subject's level, of residuals scaled to the variance of independent ones."""
        product = np.interp(correlation, CORRELATIONS, self.tables[:, 1, series])
        out: Floats = (product / self.kept(series, correlation) - self.tables[0, 1, series]) / self.pairs[series]
        return out


def _products(dense: Floats, occasions: Occasions) -> tuple[Floats, Floats, Floats, NDArray[np.intp]]:
    """Sums of products and pairs by lag (LAGS + 1, n_series), usual gap in days (n_series,), subjects by size (n, n_series)."""
    run, n_seen = occasions.run, len(occasions.starts)
    seen = np.isfinite(dense)
    n_series = dense.shape[1]
    observed, pairs, gap = np.zeros((LAGS + 1, n_series)), np.zeros((LAGS + 1, n_series)), np.zeros(n_series)
    size = np.zeros((n_seen, n_series), np.intp)
    for j in range(n_series):
        rows = np.flatnonzero(seen[:, j])
        value, owner, day = dense[rows, j], run[rows], occasions.day[rows]
        size[:, j] = np.bincount(owner, minlength=n_seen)
        for lag in range(LAGS + 1):
            same = owner[lag:] == owner[: len(owner) - lag]
            observed[lag, j] = (value[lag:] * value[: len(value) - lag])[same].sum()
            pairs[lag, j] = same.sum()
            if lag == 1 and same.any():
                gap[j] = np.median((day[1:] - day[:-1])[same])
    longest = int(size.max(initial=0))
    counts = np.stack([np.bincount(size[:, j], minlength=longest + 1) for j in range(n_series)], axis=1)
    return observed, pairs, gap, counts


def _between_tables(tables: Floats, correlation: Floats) -> Floats:
    """Read the tables (n_correlations, LAGS + 1, n_series) at one correlation a series."""
    below = np.clip(np.searchsorted(CORRELATIONS, correlation, side="right") - 1, 0, len(CORRELATIONS) - 2)
    width = CORRELATIONS[below + 1] - CORRELATIONS[below]
    part = np.clip((correlation - CORRELATIONS[below]) / width, 0, 1)
    columns = np.arange(len(correlation))
    low, high = tables[below, :, columns].T, tables[below + 1, :, columns].T
    out: Floats = low + part * (high - low)
    return out


def _expected(counts: NDArray[np.intp], inclined: NDArray[np.bool_], correlation: float) -> Floats:
    """Expected sums of products at each lag of projected residuals: (LAGS + 1, n_series)."""
    out = np.zeros((LAGS + 1, counts.shape[1]))
    for n in np.flatnonzero(counts.sum(axis=1) > 0).tolist():
        step = np.arange(n)
        matrix = correlation ** np.abs(step[:, None] - step[None, :])
        for tilted in (False, True):
            base = np.stack([np.ones(n), step], axis=1)[:, : 1 + tilted].astype(np.float64)
            if n <= base.shape[1] or not (inclined == tilted).any():
                continue
            q, _ = np.linalg.qr(base)
            project = np.eye(n) - q @ q.T
            covariance = project @ matrix @ project
            sums = np.array([np.trace(covariance, lag) for lag in range(LAGS + 1)])
            out += sums[:, None] * np.where(inclined == tilted, counts[n], 0)[None, :]
    return out
