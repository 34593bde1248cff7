"""How the results of a findings dataset are written: decimals, leading zeros, standard units and further original units."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from replicator.profile.structure import DatasetStructure
from replicator.study_model.columns.codes import count_subjects
from replicator.study_model.columns.written_numbers import count_places
from replicator.tables.dataset import Dataset, Numbers, Text

Codes = NDArray[np.intp]
Floats = NDArray[np.float64]

ALIKE = 0.01  # of a factor, or of a result, by which a pair may differ from it and keep it
SAME = 1e-6  # of a factor, by which it may differ and be the same
STEADY = 0.9  # share of a series' pairs that must keep a line with an offset
MOST_PLACES = 8  # decimals beyond which a number is written as it is


@dataclass(frozen=True, eq=False)
class Written:
    """How the numbers of each series are written.

    Attributes
    ----------
    factor, offset : (n_series,) float64
        --STRESN = factor x number + offset.
    places : (n_series, 3) int64
        Decimals of --ORRES, --STRESC, --STRESN; -1 for as many as it takes.
    fixed : (n_series, 3) bool
        Whether zeros fill the decimals (``4.0``).
    filled : (n_series, 3) bool
        Whether the variable is filled at all.
    digits : (n_series, 2) int64
        Digits before the point that leading zeros fill (``098.6``) in --ORRES and --STRESC; 0 for none.
    unit_series : (n_units,) int64
        Series whose original results come in a further unit than the usual one.
    units : Text
        Those units, (n_units,).
    unit_factor, unit_offset : (n_units,) float64
        --STRESN = factor x result in that unit + offset.
    unit_places : (n_units,) int64
        Decimals of results in that unit.
    """

    kind: ClassVar[str] = "written results"

    factor: Floats
    offset: Floats
    places: NDArray[np.int64]
    fixed: NDArray[np.bool_]
    filled: NDArray[np.bool_]
    digits: NDArray[np.int64]
    unit_series: NDArray[np.int64]
    units: Text
    unit_factor: Floats
    unit_offset: Floats
    unit_places: NDArray[np.int64]


def round_to(value: Floats, places: NDArray[np.int64]) -> Floats:
    """Round values (n,) to decimals (n,); below 0 they stay as they are."""
    unit = 10.0 ** np.maximum(places, 0)
    with np.errstate(invalid="ignore"):
        return np.where(places < 0, value, np.round(np.round(value * unit) / unit, 12))


def _leading(text: Text, value: Floats, series: Codes, n_series: int) -> NDArray[np.int64]:
    """Digits before the point that leading zeros fill: (n_series,), 0 where numbers are not filled up."""
    whole = [str(level).lstrip("-").partition(".")[0] for level in text.levels]
    width = np.array([len(one) for one in whole] + [0], np.int64)[text.codes]
    padded = np.array([len(one) > 1 and one.startswith("0") for one in whole] + [False], bool)[text.codes]
    rows = np.isfinite(value) & (series >= 0) & ~text.missing
    most = np.zeros(n_series, np.int64)
    np.maximum.at(most, series[rows & padded], width[rows & padded])
    short = rows & (width < most[series])
    some = np.bincount(series[rows], weights=padded[rows], minlength=n_series)
    return np.where(some > np.bincount(series[short], minlength=n_series), most, 0)


@dataclass
class OriginalUnits:
    """Original units of the rows, and the usual one of each series."""

    unit: Text
    usual: Codes
    subject: Codes
    raw: Floats

    @classmethod
    def of(cls, dataset: Dataset, structure: DatasetStructure, series: Codes, subject: Codes, n_series: int) -> OriginalUnits:
        """Read --ORRESU; without it no row is in another unit."""
        name, original = structure.named("ORRESU"), structure.named("ORRES")
        if not name or not original or dataset[name].missing.all():
            return cls(Text.constant("", dataset.n_rows), np.full(n_series, -1, np.intp), subject, np.full(dataset.n_rows, np.nan))
        unit = dataset.text(name)
        seen = (series >= 0) & ~unit.missing
        width = max(len(unit.levels), 1)
        counts = np.bincount(series[seen] * width + unit.codes[seen], minlength=n_series * width).reshape(n_series, width)
        usual = np.where(counts.sum(axis=1) > 0, counts.argmax(axis=1), -1)
        return cls(unit, usual, subject, dataset.numbers(original))

    def others(self, series: Codes) -> NDArray[np.bool_]:
        """Rows in another unit than the usual one."""
        other: NDArray[np.bool_] = (series >= 0) & ~self.unit.missing & (self.unit.codes != np.append(self.usual, -1)[series])
        return other

    def convert(self, value: Floats, number: Floats, series: Codes, n_series: int, k: int) -> Floats:
        """Put all results of a series into its usual unit, by way of --STRESN, whose factor `k` subjects keep."""
        others = self.others(series)
        if not others.any():
            return value
        rows = np.isfinite(value) & np.isfinite(number) & (series >= 0) & ~others
        factor, offset = _fit_lines(value[rows], number[rows], series[rows], n_series, self.subject[rows], k)
        steep = np.where(factor == 0, np.nan, factor)[series]
        return np.where(
            others & np.isfinite(number), np.round((number - offset[series]) / steep, 6), np.where(others, np.nan, value)
        )


def _fit_lines(x: Floats, y: Floats, j: Codes, n_series: int, who: Codes, k: int) -> tuple[Floats, Floats]:
    """Factor and offset of each series' line through its pairs; no offset where a factor alone does.

    A factor that fewer than `k` of the subjects `who` (n,) keep is none: it is 1. A line is fitted to the pairs that keep it, and
    is none unless nearly all do, of `k` subjects: one mistyped pair bends nothing.
    """
    ratio = np.where(x != 0, y / np.where(x != 0, x, 1), np.nan)
    factor = np.ones(n_series)
    order = np.lexsort([ratio, j])
    edges = np.searchsorted(j[order], np.arange(n_series + 1))
    for s in range(n_series):
        mine = order[edges[s] : edges[s + 1]]
        mine = mine[np.isfinite(ratio[mine]) & (ratio[mine] != 0)]
        if len(mine):
            middle = float(np.median(ratio[mine]))
            alike = mine[np.abs(ratio[mine] / middle - 1) <= ALIKE]
            if len(np.unique(who[alike])) >= k:  # the median itself only if as many have it: else it is somebody's
                same = alike[np.abs(ratio[alike] / middle - 1) <= SAME]
                shared = middle if len(np.unique(who[same])) >= k else float(ratio[alike].mean())
                factor[s] = float(f"{shared:.8g}")
    kept = _near_a_line(x, y, j, n_series)
    lined = np.bincount(j[kept], minlength=n_series) >= STEADY * np.bincount(j, minlength=n_series)
    x, y, j, who = x[kept], y[kept], j[kept], who[kept]
    count = np.maximum(np.bincount(j, minlength=n_series), 1)
    mean_x, mean_y = np.bincount(j, weights=x, minlength=n_series) / count, np.bincount(j, weights=y, minlength=n_series) / count
    sxx = np.bincount(j, weights=(x - mean_x[j]) ** 2, minlength=n_series)
    sxy = np.bincount(j, weights=(x - mean_x[j]) * (y - mean_y[j]), minlength=n_series)
    slope = np.where(sxx > 0, sxy / np.where(sxx > 0, sxx, 1), factor)
    offset = mean_y - slope * mean_x
    miss = np.bincount(j, weights=(y - factor[j] * x) ** 2, minlength=n_series)
    line_miss = np.bincount(j, weights=(y - slope[j] * x - offset[j]) ** 2, minlength=n_series)
    level = np.bincount(j, weights=(y - mean_y[j]) ** 2, minlength=n_series) <= 1e-12 * count * mean_y**2  # one number for many
    straight = (count >= 5) & ((slope != 0) | (level & (sxx > 0))) & (miss > 4 * line_miss + 1e-12 * count * mean_y**2)
    straight &= lined & (count_subjects(j.astype(np.int64), who.astype(np.int32), n_series) >= k)
    return np.where(straight, slope, factor), np.where(straight, offset, 0.0)


def _near_a_line(x: Floats, y: Floats, j: Codes, n_series: int) -> NDArray[np.bool_]:
    """Mask of the pairs (n,) that keep a line through most pairs of their series.

    Its slope is the median of those between pairs that lie half of the series apart, its offset the median of what is left.

    References
    ----------
    P. K. Sen, "Estimates of the regression coefficient based on Kendall's tau", *JASA* 63, 1968, pages 1379-1389.
    """
    kept = np.zeros(len(x), bool)
    order = np.lexsort([x, j])
    edges = np.searchsorted(j[order], np.arange(n_series + 1))
    for s in range(n_series):
        mine = order[edges[s] : edges[s + 1]]
        half = len(mine) // 2
        run, rise = (one[mine[half : 2 * half]] - one[mine[:half]] for one in (x, y))
        slope = float(np.median(rise[run > 0] / run[run > 0])) if (run > 0).any() else 0.0
        left = y[mine] - slope * x[mine]
        size = np.abs(y[mine])
        if len(mine):
            kept[mine] = np.abs(left - np.median(left)) <= ALIKE * np.maximum(size, np.median(size)) + 1e-12
    return kept


def _other_units(units: OriginalUnits, number: Floats, series: Codes, k: int) -> list[tuple[int, int, float, float, int]]:
    """Units beside the usual one that at least k subjects have: series, unit, factor, offset, decimals."""
    others = np.flatnonzero(units.others(series) & np.isfinite(units.raw) & np.isfinite(number))
    found = []
    for j, u in np.unique(np.stack([series[others], units.unit.codes[others]], axis=1), axis=0).tolist():
        rows = others[(series[others] == j) & (units.unit.codes[others] == u)]
        if len(np.unique(units.subject[rows])) >= k:
            factor, offset = _fit_lines(units.raw[rows], number[rows], np.zeros(len(rows), np.intp), 1, units.subject[rows], k)
            written = Numbers(units.raw[rows]).text()
            places, _ = count_places(written, units.raw[rows], np.zeros(len(rows), np.intp), 1)
            found.append((j, u, float(factor[0]), float(offset[0]), int(places[0])))
    return found


def read_writing(
    original: Text,
    text: Text,
    number: Floats,
    value: Floats,
    series: Codes,
    n_series: int,
    has_original: bool,
    units: OriginalUnits,
    k: int,
) -> Written:
    """Learn how numbers become --STRESN, and how each variable is written."""
    usual = ~units.others(series)
    rows = np.isfinite(value) & np.isfinite(number) & (series >= 0) & usual  # what was converted tells nothing of the factor
    factor, offset = _fit_lines(value[rows], number[rows], series[rows], n_series, units.subject[rows], k)
    shortest = Numbers(np.round(number, 12)).text()
    as_text = [original if has_original else Numbers(value).text(), text, shortest]
    found = [count_places(t, np.where(usual, value, np.nan), series, n_series) for t in as_text]
    places = np.stack([np.where(p > MOST_PLACES, -1, p) for p, _ in found], axis=1)
    inside = np.isfinite(value) & (series >= 0)
    every = np.maximum(np.bincount(series[inside], minlength=n_series), 1)
    gone = [original.missing, text.missing, np.isnan(number)]
    filled = [np.bincount(series[inside], weights=~missing[inside], minlength=n_series) > 0.5 * every for missing in gone]
    more = _other_units(units, number, series, k)
    return Written(
        factor,
        offset,
        places,
        np.stack([f for _, f in found], axis=1),
        np.stack(filled, axis=1),
        np.stack([_leading(t, np.where(usual, value, np.nan), series, n_series) for t in as_text[:2]], axis=1),
        np.array([one[0] for one in more], np.int64),
        Text(np.array([one[1] for one in more], np.int32), units.unit.levels).compact(),
        np.array([one[2] for one in more], np.float64),
        np.array([one[3] for one in more], np.float64),
        np.array([one[4] for one in more], np.int64),
    )
