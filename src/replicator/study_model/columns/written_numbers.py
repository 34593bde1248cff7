"""Numbers as they are written: decimals, filled with zeros or not."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from replicator.distinct import distinct_values
from replicator.tables.dataset import Text, number_text

Codes = NDArray[np.intp]
Floats = NDArray[np.float64]


def write_numbers(value: Floats, places: NDArray[np.int64], fixed: NDArray[np.bool_], digits: NDArray[np.int64]) -> Text:
    """Write numbers as text: with fixed decimals where asked for, else in the shortest form; NaN is missing."""
    out = np.full(len(value), -1, np.int32)
    rows = np.flatnonzero(np.isfinite(value))
    style_of_each = np.where(fixed[rows], np.maximum(places[rows], 0) + 1, 0) * 100 + digits[rows]
    styles, style = distinct_values(style_of_each, return_inverse=True)
    numbers, number = distinct_values(value[rows], return_inverse=True)
    pairs, pair = distinct_values(style * len(numbers) + number, return_inverse=True)
    listed = zip(styles[pairs // max(len(numbers), 1)].tolist(), numbers[pairs % max(len(numbers), 1)].tolist(), strict=True)
    texts = [_write_one(one // 100 - 1, one % 100, what) for one, what in listed]
    inner = Text.of(texts)
    out[rows] = inner.codes.take(pair)
    return Text(out, inner.levels)


def _write_one(decimals: int, digits: int, number: float) -> str:
    text = number_text(number) if decimals < 0 else f"{number + 0.0:.{decimals}f}"
    whole, point, rest = text.partition(".")
    return whole.zfill(digits) + point + rest if digits else text


def count_places(text: Text, value: Floats, series: Codes, n_series: int) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Decimals of each series' numbers as written, and whether zeros fill them."""
    after = np.array([len(str(level).partition(".")[2]) for level in text.levels] + [0], np.int64)[text.codes]
    zero = np.array([("." in str(level)) and str(level).endswith("0") for level in text.levels] + [False], bool)[text.codes]
    rows = np.isfinite(value) & (series >= 0) & ~text.missing
    width = int(after.max(initial=0)) + 1
    counts = np.bincount(series[rows] * width + after[rows], minlength=n_series * width).reshape(n_series, width)
    total = counts.sum(axis=1)
    share = np.cumsum(counts, axis=1) / np.maximum(total, 1)[:, None]
    places = (share < 0.995).sum(axis=1)
    filled = np.bincount(series[rows], weights=zero[rows], minlength=n_series) > 0
    mode = counts[np.arange(n_series), np.minimum(places, width - 1)] / np.maximum(total, 1)
    return np.minimum(places, width - 1), filled & (mode >= 0.9)
