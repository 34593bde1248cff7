"""Dates as text and back."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from replicator.tables.dataset import Text
from replicator.tables.dates import MINUTES, Dates, format_dates, parse_dates

DAYS = st.one_of(st.just(np.nan), st.integers(-800_000, 3_000_000).map(float), st.floats(-1e4, 2e4))
CLOCKS = st.one_of(st.just(np.nan), st.integers(0, 86_400).map(lambda second: second / 60), st.floats(0, 1440))


def _equal(one: Dates, other: Dates) -> bool:
    same = [np.array_equal(one.day, other.day, equal_nan=True), np.array_equal(one.minute, other.minute, equal_nan=True)]
    return all(same) and np.array_equal(one.precision, other.precision)


@given(st.lists(st.tuples(DAYS, CLOCKS, st.integers(0, 7)), max_size=12))
def test_what_was_written_is_known_as_it_reads(rows: list[tuple[float, float, int]]) -> None:
    """Dates of all precisions, years beyond four digits among them: what is remembered of a text is what the text says."""
    day, minute, precision = (np.array([row[i] for row in rows], np.float64) for i in range(3))
    written = format_dates(day, minute, precision.astype(np.int8))
    read = parse_dates(Text(written.codes, written.levels.copy()))  # other levels, of which nothing is known
    assert _equal(parse_dates(written), read)


def test_bounds_of_a_date() -> None:
    """The first and last minute of a leap February, of a year, of a day and of a moment."""
    dates = parse_dates(Text.of(["2020-02", "2021", "2020-03-01", "2020-03-01T10:30", None]))
    first = [
        float(np.datetime64(text, "m").astype(np.int64)) for text in ("2020-02-01", "2021-01-01", "2020-03-01", "2020-03-01T10:30")
    ]
    last = [float(np.datetime64(text, "m").astype(np.int64)) for text in ("2020-02-29", "2021-12-31", "2020-03-01")]
    assert dates.first_minute.tolist()[:4] == first and np.isnan(dates.first_minute[4])
    assert dates.last_minute.tolist()[:4] == [*(day + MINUTES - 1 for day in last), first[3]] and np.isnan(dates.last_minute[4])
