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


RIGHT = [
    "2014-01-02",
    "2012-02-29",
    "0000-01-01",
    "9999-12-31",
    "2014-01-02T23:59",
    "2014-01-02T23:59:59",
    "2014-01",
    "2014-01-02T23",
]
ODD = [
    "2014-02-29",
    "1900-02-29",
    "2014-13-01",
    "2014-01-00",
    "2014-01-02T24:00",
    "2014-01-02T11:60",
    "2014-01-02 11:45",
    "\u0662014-01-02",
]


@given(st.lists(st.tuples(st.sampled_from([*RIGHT, *ODD]), st.integers(0, 18), st.sampled_from("0139-T: Z.\x00")), max_size=30))
def test_many_texts_are_parsed_as_each_alone(changes: list[tuple[str, int, str]]) -> None:
    """Of many texts, those that are written in full are parsed all at once, right and wrong ones told apart as one by one."""
    texts = {text[:at] + letter + text[at + 1 :] for text, at, letter in changes}
    days = np.datetime_as_string(np.arange(100).astype("datetime64[D]")).tolist()
    levels = np.array([*days, *sorted({*RIGHT, *ODD, *texts} - set(days))], object)
    together = parse_dates(Text(np.arange(len(levels), dtype=np.int32), levels))
    alone = [parse_dates(Text(np.zeros(1, np.int32), np.array([level], object))) for level in levels.tolist()]
    assert _equal(
        together, Dates(*(np.concatenate([getattr(one, part) for one in alone]) for part in ("day", "minute", "precision")))
    )
