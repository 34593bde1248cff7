"""Dates that do not exist (``2014-02-30``) and texts in their place: what is wrong with them, and how to write others like them."""

from __future__ import annotations

import re
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from replicator.derivations.rule import text_of
from replicator.distinct import distinct_values
from replicator.tables.dataset import Text
from replicator.tables.dates import Dates, Precision, format_dates

Codes = NDArray[np.int64]
Floats = NDArray[np.float64]

_PARTS = re.compile(r"\d{4}-(\d{2})(?:-(\d{2}))?(?:T.*)?$")


class Fault(IntEnum):
    """What is wrong with a date, as codes that go on where those of :class:`Precision` end; texts follow from `TEXTS` on."""

    MONTH_ZERO = 8
    MONTH_HIGH = 9
    DAY_ZERO = 10
    DAY_HIGH = 11
    TEXTS = 12


def code_dates(column: Text, dates: Dates, subject: NDArray[np.integer], k: int) -> tuple[Codes, tuple[str, ...], int]:
    """Tell how each date is written.

    Parameters
    ----------
    column : (n,) Text
        Dates as they stand.
    dates : (n,) Dates
        Parsed.
    subject : (n,) int
        Whose they are.
    k : int
        Fewest subjects behind a text that is kept, and behind a fault.

    Returns
    -------
    codes : (n,) int64
        A :class:`Precision`; of what is no date the position of its text among those kept, from ``Fault.TEXTS`` on, else its
        :class:`Fault`, else ``MISSING``.
    texts : tuple of str
        Texts that at least k subjects share.
    lost : int
        Cells that hold something, and of which nothing is kept.
    """
    codes = dates.precision.astype(np.int64)
    strange = dates.precision == Precision.TEXT
    texts: list[str] = []
    for level in distinct_values(column.codes[strange]).tolist():
        mine = strange & (column.codes == level)
        if len(distinct_values(subject[mine])) >= k:
            codes[mine] = Fault.TEXTS + len(texts)
            texts.append(str(column.levels[level]))
    left = codes == Precision.TEXT
    fault = np.full(len(column.levels) + 1, Precision.MISSING, np.int64)
    for level in distinct_values(column.codes[left]).tolist():
        fault[level] = _fault(str(column.levels[level]))
    fault = fault[column.codes]
    codes[left] = fault[left]
    for kind in distinct_values(fault[left]).tolist():
        mine = left & (fault == kind)
        if len(distinct_values(subject[mine])) < k:
            codes[mine] = Precision.MISSING
    return codes, tuple(texts), int((left & (codes == Precision.MISSING)).sum())


def lost_notes(name: str, column: Text, dates: Dates, subject: NDArray[np.integer], k: int) -> tuple[str, ...]:
    """Tell in sentences which ways of being written fewer than `k` subjects have, so that they are not kept; see `code_dates`."""
    lost, filled = code_dates(column, dates, subject, k)[2], int((~column.missing).sum())
    notes = []
    if lost:
        notes.append(
            f"{name}: {lost} of {filled} cells are no dates, and fewer than {k} subjects share them; they come out missing, "
            "lower k to keep them."
        )
    for precision in Precision:
        mine = dates.precision == precision
        if precision > Precision.TEXT and 0 < len(distinct_values(subject[mine])) < k:
            notes.append(
                f"{name}: {int(mine.sum())} of {filled} dates are known to the {precision.name.lower()}, those of fewer "
                f"than {k} subjects; none is written so, lower k to keep them."
            )
    return tuple(notes)


def write_dates(day: Floats, minute: Floats, codes: Codes, texts: tuple[str, ...]) -> Text:
    """Write days (n,) since 1970-01-01 as the codes (n,) of :func:`code_dates` say: of a fault the day itself, made impossible."""
    odd = codes >= Fault.MONTH_ZERO
    column = format_dates(day, minute, np.where(odd, Precision.MISSING, codes).astype(np.int8))
    wrong = np.flatnonzero(odd & ((codes >= Fault.TEXTS) | np.isfinite(day)))
    if not len(wrong):
        return column
    whole = np.where(codes[wrong] >= Fault.TEXTS, 0, np.floor(np.nan_to_num(day[wrong]))).astype(np.int64)
    pairs, inverse = distinct_values(np.stack([codes[wrong], whole]), axis=1, return_inverse=True)
    written = [texts[code - Fault.TEXTS] if code >= Fault.TEXTS else _impossible(code, one) for code, one in pairs.T.tolist()]
    out = column.codes.astype(np.int64)
    out[wrong] = len(column.levels) + inverse.reshape(-1)
    return text_of([*map(str, column.levels), *written], out)


def _fault(text: str) -> int:
    """What is wrong with a text that is no date; ``MISSING`` where it is something else altogether."""
    found = _PARTS.match(text.strip())
    if found is None:
        return Precision.MISSING
    month, day = int(found[1]), int(found[2] or 1)
    if not 1 <= month <= 12:
        return Fault.MONTH_HIGH if month else Fault.MONTH_ZERO
    if day == 0:
        return Fault.DAY_ZERO
    return Fault.DAY_HIGH if day > 28 else Precision.MISSING


def _impossible(fault: int, day: int) -> str:
    """Write a day with a fault: month 0 or 13, day 0 or the one after the month's last."""
    date = np.datetime64(day, "D")
    year, month, rest = str(date).rsplit("-", 2)
    if fault == Fault.MONTH_ZERO:
        month = "00"
    elif fault == Fault.MONTH_HIGH:
        month = "13"
    elif fault == Fault.DAY_ZERO:
        rest = "00"
    else:
        after = (date.astype("datetime64[M]") + 1).astype("datetime64[D]")
        rest = f"{int((after - date.astype('datetime64[M]').astype('datetime64[D]')).astype(int)) + 1:02d}"
    return f"{year}-{month}-{rest}"
