"""ISO 8601 dates of clinical data: full, partial, with and without time; study days without a day 0.

Dates are parsed once per distinct text, so a column costs as much as its levels.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import IntEnum
from functools import cached_property, lru_cache
from weakref import ref

import numpy as np
from numpy.typing import NDArray

from replicator.distinct import distinct_values
from replicator.tables.dataset import Index, Text, taken

MINUTES = 1440.0  # of a day


class Precision(IntEnum):
    """How much of a date is known; `TEXT` is something that is no date (it is kept, not lost)."""

    MISSING = 0
    TEXT = 1
    YEAR = 2
    MONTH = 3
    DAY = 4
    HOUR = 5
    MINUTE = 6
    SECOND = 7


@dataclass(frozen=True, eq=False)
class Dates:
    """Parsed dates.

    Attributes
    ----------
    day : (n,) float64
        Days since 1970-01-01; of a partial date the first possible day; NaN where missing or no date.
    minute : (n,) float64
        Minutes since midnight (seconds as fractions); NaN where no time is given.
    precision : (n,) int8
        A :class:`Precision`.
    """

    day: NDArray[np.float64]
    minute: NDArray[np.float64]
    precision: NDArray[np.int8]

    def __len__(self) -> int:
        return len(self.day)

    def take(self, rows: Index) -> Dates:
        """Keep the rows given by position or mask."""
        return Dates(taken(self.day, rows), taken(self.minute, rows), taken(self.precision, rows))

    def padded(self) -> Dates:
        """Put a missing date behind these, which the position -1 takes."""
        return Dates(np.append(self.day, np.nan), np.append(self.minute, np.nan), np.append(self.precision, np.int8(0)))

    @cached_property
    def first_minute(self) -> NDArray[np.float64]:
        """(n,) first minute since 1970-01-01 that each date can mean, NaN without."""
        return np.asarray(self.day * MINUTES + np.where(np.isnan(self.minute), 0.0, self.minute), np.float64)

    @cached_property
    def last_minute(self) -> NDArray[np.float64]:
        """(n,) last minute since 1970-01-01 that each date can mean, NaN without."""
        last = self.day.copy()
        for precision, unit in ((Precision.YEAR, "datetime64[Y]"), (Precision.MONTH, "datetime64[M]")):
            rows = np.flatnonzero(self.precision == precision)
            if len(rows):
                first = self.day[rows].astype(np.int64).astype("datetime64[D]")
                last[rows] = (first.astype(unit) + 1).astype("datetime64[D]").astype(np.int64) - 1
        return np.asarray(last * MINUTES + np.where(np.isnan(self.minute), MINUTES - 1, self.minute), np.float64)

    @property
    def full(self) -> NDArray[np.bool_]:
        """(n,) mask of dates known to the day."""
        return self.precision >= Precision.DAY

    @property
    def full_day(self) -> NDArray[np.float64]:
        """(n,) days since 1970-01-01, NaN unless known to the day."""
        return np.where(self.full, self.day, np.nan)


_ISO = re.compile(r"(\d{4})(?:-(\d{2})(?:-(\d{2})(?:T(\d{2})(?::(\d{2})(?::(\d{2}(?:\.\d+)?))?)?(?:Z|[+-]\d{2}:?\d{2})?)?)?)?$")


@lru_cache(maxsize=1 << 16)  # the variables of a study share most of their dates
def _parse_one(text: str) -> tuple[float, float, int]:
    nan = float("nan")
    match = _ISO.match(text.strip())
    if match is None:
        return nan, nan, Precision.TEXT
    year, month, day, hour, minute, second = match.groups()
    try:
        start = np.datetime64(f"{year}-{month or '01'}-{day or '01'}", "D")
    except ValueError:
        return nan, nan, Precision.TEXT
    if hour is not None and (int(hour) > 23 or int(minute or 0) > 59 or float(second or 0) >= 60):
        return nan, nan, Precision.TEXT
    known = (
        Precision.SECOND
        if second
        else Precision.MINUTE
        if minute
        else Precision.HOUR
        if hour
        else Precision.DAY
        if day
        else Precision.MONTH
        if month
        else Precision.YEAR
    )
    clock = nan if hour is None else 60.0 * int(hour) + int(minute or 0) + float(second or 0) / 60.0
    return float(start.astype(np.int64)), clock, known


def parse_dates(column: Text) -> Dates:
    """Parse a column of ISO 8601 texts; impossible and foreign ones (``2014-02-30``) come out as `Precision.TEXT`.

    Examples
    --------
    >>> dates = parse_dates(Text.of(["2014-01-02T11:45", "2003-05", "2014-02-30", None]))
    >>> dates.precision.tolist()
    [6, 3, 1, 0]
    """
    return _parse_levels(column.levels).take(column.codes)


_known: dict[int, tuple[ref[NDArray[np.object_]], Dates]] = {}
"""Levels that were parsed and are still there, by their identity: columns that are taken of others have the same."""


def _parse_levels(levels: NDArray[np.object_]) -> Dates:
    """Parse levels, and a missing date behind them."""
    key = id(levels)
    known = _known.get(key)
    if known is None or known[0]() is not levels:
        texts = [str(level) for level in levels.tolist()]
        n = len(texts)
        dates = Dates(np.full(n, np.nan), np.full(n, np.nan), np.zeros(n, np.int8))
        for precision, _, width in _WRITTEN if n > _FEW else ():
            if precision >= Precision.DAY:
                _parse_plain(texts, width, precision, dates)
        for at in np.flatnonzero(dates.precision == Precision.MISSING).tolist():
            dates.day[at], dates.minute[at], dates.precision[at] = _parse_one(texts[at])
        return _remember(levels, dates.padded())
    return known[1]


def _parse_plain(texts: list[str], width: int, precision: Precision, into: Dates) -> None:
    """Parse, all at once, the texts of so many characters that are written in full to this precision, and are right."""
    rows = np.array([at for at, text in enumerate(texts) if len(text) == width], np.intp)
    marks = np.array(["0000-00-00T00:00:00"[:width]]).view(np.uint32)
    letters = np.array([texts[at] for at in rows.tolist()], f"<U{width}").view(np.uint32).reshape(-1, width)
    digit = marks == ord("0")
    numbers = letters - ord("0")  # what comes before 0 becomes a large number
    plain = (numbers[:, digit] <= 9).all(axis=1) & (letters[:, ~digit] == marks[~digit]).all(axis=1)
    rows, numbers = rows[plain], numbers[plain].astype(np.int64)
    year = numbers[:, :4] @ (1000, 100, 10, 1)
    month, day, hour, minute, second = (
        10 * numbers[:, at] + numbers[:, at + 1] if at < width else np.zeros(len(rows), np.int64) for at in (5, 8, 11, 14, 17)
    )
    start = (12 * (year - 1970) + month - 1).astype("datetime64[M]")
    first, after = (one.astype("datetime64[D]").astype(np.int64) for one in (start, start + 1))
    possible = (month >= 1) & (month <= 12) & (day >= 1) & (day <= after - first) & (hour <= 23) & (minute <= 59) & (second <= 59)
    right = rows[possible]
    into.day[right] = (first + day - 1)[possible]
    into.precision[right] = precision
    if precision > Precision.DAY:
        into.minute[right] = (60.0 * hour + minute + second / 60.0)[possible]


def _remember(levels: NDArray[np.object_], dates: Dates) -> Dates:
    """Keep what levels were parsed to as long as they are there."""
    key = id(levels)
    _known[key] = ref(levels, lambda _: _known.pop(key, None)), dates
    return dates


_WRITTEN = (
    (Precision.YEAR, "Y", 4),
    (Precision.MONTH, "M", 7),
    (Precision.DAY, "D", 10),
    (Precision.HOUR, "s", 13),
    (Precision.MINUTE, "s", 16),
    (Precision.SECOND, "s", 19),
)
"""Precisions, the unit of the first moment that each can mean, and the length of its text."""
_FEW = 64  # levels that are quicker parsed one by one
_FIRST_DAY, _LAST_DAY = (int(np.datetime64(text, "D").astype(np.int64)) for text in ("0000-01-01", "9999-12-31"))


def format_dates(day: NDArray[np.float64], minute: NDArray[np.float64], precision: NDArray[np.int8]) -> Text:
    """Write dates at the precision asked for; the inverse of :func:`parse_dates` but for time zones.

    Parameters
    ----------
    day : (n,) float64
        Days since 1970-01-01; fractions are cut off; NaN gives a missing cell.
    minute : (n,) float64
        Minutes since midnight; where NaN, a precision finer than a day becomes a day.
    precision : (n,) int8
        A :class:`Precision`; below YEAR gives a missing cell.
    """
    missing = np.isnan(day) | (precision < Precision.YEAR)
    whole = np.where(missing, 0, np.floor(day)).astype(np.int64)
    known = np.where(np.isnan(minute), np.minimum(precision, Precision.DAY), precision).astype(np.int8)
    clock = np.where(known >= Precision.HOUR, np.round(np.where(np.isnan(minute), 0, minute) * 60), 0).astype(np.int64)
    clock = np.minimum(clock, 86399)
    clock = np.where(known == Precision.MINUTE, clock // 60 * 60, np.where(known == Precision.HOUR, clock // 3600 * 3600, clock))
    key = np.stack([np.where(missing, -1, known).astype(np.int64), whole, clock], axis=1)
    unique, inverse = distinct_values(key, axis=0, return_inverse=True)
    inner = _format_distinct(*unique.T)
    return Text(inner.codes.take(inverse.reshape(-1)), inner.levels)


def _format_distinct(known: NDArray[np.int64], day: NDArray[np.int64], clock: NDArray[np.int64]) -> Text:
    """Write dates (n,) of a precision, -1 for none, with the seconds since midnight; they are parsed by that, too."""
    texts = np.full(len(known), "", object)
    first_day = day.copy()
    for precision, unit, width in _WRITTEN:
        rows = np.flatnonzero(known == precision)
        if len(rows):
            stamps = day[rows].astype("datetime64[D]").astype(f"datetime64[{unit}]")
            first_day[rows] = stamps.astype("datetime64[D]").astype(np.int64)
            if precision > Precision.DAY:
                stamps = stamps + clock[rows].astype("timedelta64[s]")
            texts[rows] = np.datetime_as_string(stamps).astype(f"<U{width}")
    out = Text.of(texts)
    if len(out.levels) and day.min() >= _FIRST_DAY and day.max() <= _LAST_DAY:
        at = np.full(len(out.levels) + 1, -1)
        at[out.codes] = np.arange(len(known))
        at, hour, rest = at[:-1], clock // 3600, clock % 3600
        minute = np.where(known >= Precision.HOUR, 60.0 * hour + rest // 60 + rest % 60 / 60.0, np.nan)
        dates = Dates(first_day[at].astype(np.float64), minute[at], known[at].astype(np.int8))
        _remember(out.levels, dates.padded())
    return out


def study_day(day: NDArray[np.float64], reference: NDArray[np.float64]) -> NDArray[np.float64]:
    """Compute --DY: day of the reference is 1, the day before is -1, there is no day 0 (SDTMIG 3.4, 4.4.4).

    Examples
    --------
    >>> study_day(np.array([10.0, 9.0, np.nan]), np.array([10.0, 10.0, 10.0])).tolist()
    [1.0, -1.0, nan]
    """
    difference = np.floor(day) - np.floor(reference)
    return np.where(difference >= 0, difference + 1, difference)
