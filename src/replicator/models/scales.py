r"""Scales on which numeric series are additive: a power transform, bounds, and the precision of the record.

All series of a dataset are held together, one array entry each.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from replicator.distinct import distinct_values
from replicator.models.group_effects import shrink_to_pool
from replicator.models.marginals import QuantileMarginal

Floats = NDArray[np.float64]
Codes = NDArray[np.intp]

POWERS = (1.0, 0.5, 0.0)  # untransformed, square root, logarithm: the steps of Tukey's ladder that keep their meaning
CLEARLY = 1.92  # by which the square root must be likelier than the untransformed scale: a likelihood ratio of one parameter at 5 %
MOST_DECIMALS = 8  # more places than this are the noise of a floating-point number, not a precision
LEAST_TAIL = 0.01  # share of values that a tail is told from
TAIL = 4.0  # scales of an exponential tail at which it has all but ended (1 in 55 of its values lies further out)
FEWEST_FOR_DIGITS = 100  # values before a preference for last digits is believed
CYCLES = (10, 5, 2)  # last digits are told apart up to these; the middle half of the values spans a cycle at least


@dataclass(frozen=True, eq=False)
class NumericScales:
    r"""Transforms and precision of `n_series` numeric series.

    Attributes
    ----------
    power : (n_series,) float64
        :math:`\lambda` of the Box-Cox family: 1 leaves values as they are, 0 is the logarithm.
    shift : (n_series,) float64
        Added before the transform, in units of the series; more than 0 only where a power below 1 meets zeros.
    low, high : (n_series,) float64
        Bounds of sampled values: where a tail like the source's has all but ended, and no single subject's extreme.
    decimals : (n_series,) int64
        Places of the record; -1 where values are not rounded.
    digits : (n_series, n_groups + 1, 11) float64
        Cumulated shares of the last digits 0 to 9, starting at 0, by group of subjects (of a site, say) and last of all together;
        evenly spread where there is no preference.

    References
    ----------
    Box, Cox: An analysis of transformations. J. R. Stat. Soc. B 26 (1964) 211-252.
    """

    kind: ClassVar[str] = "numeric scales"

    power: Floats
    shift: Floats
    low: Floats
    high: Floats
    decimals: NDArray[np.int64]
    digits: Floats

    @classmethod
    def fit(
        cls,
        values: Floats,
        series: Codes,
        subject: Codes,
        decimals: NDArray[np.int64],
        *,
        group: Codes | None = None,
        n_groups: int = 0,
        k: int = 5,
    ) -> NumericScales:
        """Choose transform, bounds and digits of every series.

        Parameters
        ----------
        values : (n,) float64
            Finite results.
        series, subject : (n,) int
            Which series a value belongs to, and whose it is.
        decimals : (n_series,) int
            Places of each series' record.
        group : (n,) int, optional
            Group of subjects, 0 to `n_groups`, the last of them for subjects of none.
        n_groups : int
            Groups that may have last digits of their own.
        k : int
            Fewest subjects behind a bound, and behind the last digits of a group.
        """
        n_series = len(decimals)
        smallest = np.full(n_series, np.inf)
        np.minimum.at(smallest, series, values)
        positive = _smallest_positive(values, series, subject, n_series, k)
        shift = np.where((smallest == 0) & np.isfinite(positive), positive / 2, 0.0)
        allowed = (smallest >= 0) & np.isfinite(positive)
        power = _best_power(values, series, subject, shift, allowed, n_series)
        shift = np.where(power < 1, shift, 0.0)
        low, high = np.zeros(n_series), np.zeros(n_series)
        order = np.argsort(series, kind="stable")
        edges = np.searchsorted(series[order], np.arange(n_series + 1))
        for j in range(n_series):
            rows = order[edges[j] : edges[j + 1]]
            low[j], high[j] = _bounds(values[rows], subject[rows], k)
        decimals = np.where(decimals > MOST_DECIMALS, -1, decimals)
        unit = 10.0 ** -np.maximum(decimals, 0)
        low = np.where(decimals < 0, low, np.round(np.ceil(low / unit - 1e-6) * unit, MOST_DECIMALS))
        high = np.where(decimals < 0, high, np.maximum(low, np.round(np.floor(high / unit + 1e-6) * unit, MOST_DECIMALS)))
        whose = np.full(len(values), n_groups) if group is None else group
        wide = _steps_across(values, series, decimals, n_series)
        cells = (series, whose, subject)
        return cls(power, shift, low, high, decimals, _last_digits(values, cells, decimals, wide, (n_series, n_groups), k))

    def forward(self, values: Floats, series: Codes) -> Floats:
        """Transform values of the given series: (n,) float64."""
        return _transform(values, self.power[series], self.shift[series])

    def backward(self, latent: Floats, series: Codes, group: Codes | None = None) -> Floats:
        """Turn transformed values back, keep them in bounds and record them as the series and group do: (n,) float64."""
        power, raw = self.power[series], latent.copy()
        logged, rooted = np.flatnonzero(power == 0), np.flatnonzero((power > 0) & (power != 1))
        raw[logged] = np.exp(np.minimum(latent[logged], 700.0))
        raw[rooted] = np.maximum(1 + power[rooted] * latent[rooted], 0.0) ** (1 / power[rooted])
        raw -= self.shift[series]
        return self.record(np.clip(raw, self.low[series], self.high[series]), series, group)

    def record(self, raw: Floats, series: Codes, group: Codes | None = None) -> Floats:
        """Round to the places of the series with the preference for last digits of the group, or of all: (n,) float64."""
        places, low, high = self.decimals[series], self.low[series], self.high[series]
        unit = (10.0 ** -np.maximum(self.decimals, 0))[series]
        steps = np.round(raw / unit)
        even, lean = self._preferences
        whose = np.full(len(series), -1) if group is None else group
        uneven = np.flatnonzero(~even[series, whose])
        of, by = series[uneven], whose[uneven]
        # cells of unequal digits are wider on one side: without the lean the mean would move
        place = (raw[uneven] / unit[uneven] - lean[of, by] + 0.5) / 10
        decade = np.floor(place)
        digit = np.minimum((place - decade >= self._edges_of_digits[:, of, by]).sum(axis=0), 9)
        preferred = decade * 10 + digit
        # beyond a bound the same digit of the next decade within
        inward = (preferred * unit[uneven] < low[uneven]) * 1.0 - (preferred * unit[uneven] > high[uneven])
        steps[uneven] = preferred + 10.0 * inward
        return np.where(places < 0, raw, np.clip(np.round(steps * unit, MOST_DECIMALS), low, high))

    @cached_property
    def _edges_of_digits(self) -> Floats:
        """Where each last digit ends within a decade: (10, n_series, n_groups)."""
        return np.ascontiguousarray(np.moveaxis(self.digits[..., 1:], -1, 0))

    @cached_property
    def _preferences(self) -> tuple[NDArray[np.bool_], Floats]:
        """Whether all last digits are as frequent, and by how much the mean of the others would move: by series and group."""
        even = np.abs(self.digits - np.linspace(0, 1, 11)).max(axis=2) < 1e-9
        return even, np.diff(self.digits, axis=2) @ np.arange(10.0) - 4.5

    def rounding_variance(self, typical: Floats) -> Floats:
        """Variance that rounding adds on the transformed scale near typical values: (n_series,) float64."""
        position = (np.arange(200) + 0.5) / 20  # within ten steps
        digits = self.digits[:, -1]
        lean = np.diff(digits, axis=1) @ np.arange(10.0) - 4.5
        digit = np.clip((position[None, :, None] / 10 >= digits[:, None, 1:]).sum(axis=2), 0, 9)
        error = ((digit - (position - 0.5 + lean[:, None])) ** 2).mean(axis=1) * 10.0 ** (-2 * np.maximum(self.decimals, 0))
        moved = np.maximum(np.abs(typical + self.shift), 0.5 * 10.0 ** -np.maximum(self.decimals, 0))
        bend = np.where(self.power == 1, 1.0, moved ** (self.power - 1))
        return np.where(self.decimals < 0, 0.0, error * bend**2)


def _smallest_positive(values: Floats, series: Codes, subject: Codes, n_series: int, k: int) -> Floats:
    """Mean of the smallest positive values of the `k` subjects who have the smallest: (n_series,), infinite with fewer subjects."""
    rows = np.flatnonzero(values > 0)
    rows = rows[np.lexsort((values[rows], subject[rows], series[rows]))]
    own = rows[np.append(True, (np.diff(series[rows]) != 0) | (np.diff(subject[rows]) != 0))[: len(rows)]]
    own = own[np.lexsort((values[own], series[own]))]
    rank = np.arange(len(own)) - np.searchsorted(series[own], series[own])
    used = own[rank < k]
    n = np.bincount(series[used], minlength=n_series)
    return np.where(n >= k, np.bincount(series[used], values[used], n_series) / np.maximum(n, 1), np.inf)


def _bounds(values: Floats, subject: Codes, k: int) -> tuple[float, float]:
    """Bounds of one series; few subjects have those of :class:`QuantileMarginal`, and what never was negative stays so."""
    if len(distinct_values(subject)) < 2 * k:
        marginal = QuantileMarginal.fit(values, subject, k=k)
        return marginal.floor, marginal.ceiling
    order = np.argsort(values, kind="stable")
    x, who = values[order], subject[order]
    low, high = -_end_of_tail(-x, who, k), _end_of_tail(x[::-1], who[::-1], k)
    return max(low, 0.0) if x[0] >= 0 else low, high


def _end_of_tail(x: Floats, who: Codes, k: int) -> float:
    r"""Where the upper tail of values, highest first, has all but ended.

    Notes
    -----
    Of an exponential tail :math:`a + s \ln(m / r)` at rank *r*, the means of the first *m* values and of the *n* after them are
    :math:`a + s` and :math:`a + s [1 - (1 + m/n) \ln(1 + n/m)]`. Both are means over at least *k* subjects.
    """
    first = np.sort(distinct_values(who, return_index=True)[1])
    m = max(int(first[k - 1]) + 1, round(LEAST_TAIL * len(x)))
    later = np.sort(distinct_values(who[m:], return_index=True)[1])
    n = max(int(later[k - 1]) + 1, min(m, len(x) - m)) if len(later) >= k else len(x) - m
    if n == 0 or len(later) < k:
        return float(x[:m].mean())
    top, next_ones = float(x[:m].mean()), float(x[m : m + n].mean())
    scale = (top - next_ones) / ((1 + m / n) * np.log(1 + n / m))
    return float(top + (TAIL - 1) * scale)


def _transform(values: Floats, power: Floats, shift: Floats) -> Floats:
    moved = values + shift
    safe = np.maximum(moved, np.finfo(np.float64).tiny)
    rooted = (safe ** np.where(power > 0, power, 1) - 1) / np.where(power > 0, power, 1)
    return np.where(power == 1, values, np.where(power == 0, np.log(safe), rooted))


def _best_power(values: Floats, series: Codes, subject: Codes, shift: Floats, allowed: NDArray[np.bool_], n_series: int) -> Floats:
    """Box-Cox profile likelihood of the scatter within subjects, or of all values where subjects have one each."""
    n_subjects = int(subject.max(initial=0)) + 1
    count = np.bincount(series, minlength=n_series)
    _, pair = distinct_values(series * n_subjects + subject, return_inverse=True)
    pairs = np.bincount(series, weights=1 / np.bincount(pair)[pair], minlength=n_series) if len(pair) else np.zeros(n_series)
    repeated = count - pairs >= 0.5 * count
    inside = allowed[series]
    logs = np.bincount(
        series, weights=np.where(inside, np.log(np.where(inside, values + shift[series], 1.0)), 0.0), minlength=n_series
    )
    group = np.where(repeated[series], pair, len(count) + int(pair.max(initial=0)) + 1 + series)
    _, group = distinct_values(group, return_inverse=True)
    size = np.bincount(group)
    best, chosen = np.full(n_series, -np.inf), np.ones(n_series)
    for power in POWERS:
        y = _transform(np.where(inside, values, 1.0), np.full(len(values), power), shift[series])
        y = np.where(inside, y, values)
        centred = y - (np.bincount(group, weights=y) / size)[group]
        scatter = np.bincount(series, weights=centred**2, minlength=n_series)
        with np.errstate(divide="ignore", invalid="ignore"):
            likelihood = -0.5 * count * np.log(scatter / np.maximum(count, 1)) + (power - 1) * logs
        # what scatters by its level mostly does so in proportion: the logarithm needs to be likelier, the square root clearly so
        better = allowed & (likelihood > best + (CLEARLY if power == POWERS[1] else 0.0)) & (scatter > 0)
        better |= (power == 1.0) & (scatter > 0)
        best, chosen = np.where(better, likelihood, best), np.where(better, power, chosen)
    return chosen


def _steps_across(values: Floats, series: Codes, decimals: NDArray[np.int64], n_series: int) -> Floats:
    """Steps of the record that the middle half of each series' values spans: (n_series,)."""
    order = np.lexsort([values, series])
    n = np.bincount(series, minlength=n_series)
    start = np.cumsum(n) - n
    some = np.flatnonzero(n > 0)
    low, high = (values[order[start[some] + n[some] * part // 4]] for part in (1, 3))
    out = np.zeros(n_series)
    out[some] = np.round((high - low) * 10.0 ** np.maximum(decimals[some], 0))
    return out


def _last_digits(
    values: Floats,
    cells: tuple[Codes, Codes, Codes],
    decimals: NDArray[np.int64],
    wide: Floats,
    sizes: tuple[int, int],
    k: int,
) -> Floats:
    """Cumulated shares of last digits (n_series, n_groups + 1, 11), even unless there is a clear preference.

    Where the middle half of the values spans fewer steps than there are digits, these are uneven by the shape of the distribution
    alone; whether such values keep to every second or every fifth step can still be told.

    Parameters
    ----------
    values : (n,) float64
        Results.
    cells : tuple of (n,) int
        Series, group and subject of each.
    decimals, wide : (n_series,)
        Places, and steps across the middle half.
    sizes : tuple of int
        Numbers of series and groups.
    k : int
        Fewest subjects behind the digits of a group.
    """
    series, group, subject = cells
    n_series, n_groups = sizes
    cycle = np.max([np.where(wide >= steps, steps, 1) for steps in CYCLES], axis=0)
    steps = np.round(np.abs(values) * 10.0 ** np.maximum(decimals, 0)[series])
    cell = series * (n_groups + 1) + group
    found = np.bincount(cell * 10 + (steps % cycle[series]).astype(np.intp), minlength=n_series * (n_groups + 1) * 10)
    counts = found.reshape(n_series, n_groups + 1, 10).astype(np.float64)
    pairs = distinct_values(np.stack([cell, subject]), axis=1)[0]
    subjects = np.bincount(pairs, minlength=n_series * (n_groups + 1)).reshape(n_series, n_groups + 1)
    pooled = counts.sum(axis=1)
    told = (decimals >= 0) & (cycle > 1)
    clear = _is_uneven(pooled, cycle)
    apart = (_is_uneven(counts[:, :n_groups], cycle[:, None]) & (subjects[:, :n_groups] >= k)).any(axis=1)
    shares = np.full((n_series, n_groups + 1, 10), 0.1)
    for j in np.flatnonzero(told & (clear | apart)).tolist():
        folded = np.arange(10) % cycle[j]
        all_of_them = pooled[j] / pooled[j].sum()
        own = shrink_to_pool(counts[j, :n_groups], np.zeros(n_groups, np.int64)) if n_groups else np.empty((0, 10))
        own = np.where((subjects[j, :n_groups] >= k)[:, None], own, all_of_them)
        shares[j] = np.concatenate([own, all_of_them[None]])[:, folded] * cycle[j] / 10
    return np.concatenate([np.zeros((n_series, n_groups + 1, 1)), np.cumsum(shares, axis=2)], axis=2)


def _is_uneven(counts: Floats, cycle: NDArray[np.integer]) -> NDArray[np.bool_]:
    """Whether the counts (..., 10) of the digits of a cycle are clearly not those of chance: (...)."""
    total = counts.sum(axis=-1)
    expected = np.maximum(total, 1) / cycle
    used = np.arange(10) < np.asarray(cycle)[..., None]
    chi = (np.where(used, counts - expected[..., None], 0.0) ** 2).sum(axis=-1) / expected
    return np.asarray((chi > 60.0 + 0.1 * total) & (total >= FEWEST_FOR_DIGITS), bool)
