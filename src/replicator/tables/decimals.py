"""Numbers as their source wrote them: with how many places after the point, and back to text.

``1.0`` and ``1`` are one number. A source that writes ``1.0`` throughout is kept in :attr:`Variable.decimals`, so that what is made
from it looks like it. Only zeros are added and no digit is ever lost: a number that needs more places has them, which is also how
programs write that put ``.0`` behind whole numbers only.
"""

from __future__ import annotations

import re
from math import isfinite

from replicator.tables.dataset import MOST_DECIMALS, Text, number_text

_PLAIN = re.compile(r"-?[0-9]+\.[0-9]+\Z")


def decimal_text(value: float, decimals: int | None) -> str:
    """Write a number in its shortest exact form, with zeros behind it up to a number of decimals; NaN as ``""``.

    Numbers with more decimals, and those so large or small that their shortest form has an exponent, stay as they are.

    Parameters
    ----------
    value : float
        Finite or NaN.
    decimals : int or None
        Places after the point, at least 1; None for the shortest exact form.

    Examples
    --------
    >>> decimal_text(5.0, 1), decimal_text(2.5, 2), decimal_text(0.125, 2), decimal_text(5.0, None)
    ('5.0', '2.50', '0.125', '5')
    """
    text = number_text(value)
    if decimals is None or not text or "e" in text:
        return text
    whole, _, fraction = text.partition(".")
    return f"{whole}.{fraction:0<{decimals}}"


def written_decimals(cells: Text) -> int | None:
    """Tell with how many decimals a column of numbers was written.

    Parameters
    ----------
    cells : Text
        The column as its file has it; levels that are no numbers, such as a spelled missing value, are passed over.

    Returns
    -------
    int or None
        The places with which :func:`decimal_text` gives back every cell; None if the shortest exact form does, or nothing does.
    """
    levels = [str(level) for level in cells.levels.tolist()]
    plain = [level for level in levels if _PLAIN.match(level)]
    if not any(level.endswith("0") for level in plain):
        return None
    decimals = min(len(level.partition(".")[2]) for level in plain)
    if decimals > MOST_DECIMALS:
        return None
    padded = False
    for level in levels:
        try:
            value = float(level)
        except ValueError:
            continue
        if not isfinite(value):
            continue
        if decimal_text(value, decimals) != level:
            return None
        padded |= number_text(value) != level
    return decimals if padded else None


def stated_decimals(text: str) -> int | None:
    """Read the decimals that the metadata of a file state; None where they state none that can be."""
    return int(text) if re.fullmatch("[0-9]{1,2}", text) and 1 <= int(text) <= MOST_DECIMALS else None
