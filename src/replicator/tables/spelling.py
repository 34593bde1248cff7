"""Numbers as texts spell them, in the digits 0 to 9."""

from __future__ import annotations

import re
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

_NUMBER = re.compile(r"\s*[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?\s*\Z")

_BEYOND = re.compile(r"\s*(<=|>=|<|>|≤|≥)\s*([0-9]+(?:\.[0-9]+)?)\s*")


def is_number(text: str) -> bool:
    """Tell whether a text spells a number, in the digits 0 to 9: what is written otherwise is text to other programs.

    Examples
    --------
    >>> is_number("-1.5e3"), is_number(" 007"), is_number("nan"), is_number("１２"), is_number("1_000")
    (True, True, False, False, False)
    """
    return _NUMBER.match(text) is not None


def limit_of(text: str) -> tuple[str, float] | None:
    """Take apart a result that is told as beyond a limit of quantification: sign and limit; None for any other text.

    Examples
    --------
    >>> limit_of("<0.2"), limit_of(" >= 40 "), limit_of("0.2")
    (('<', 0.2), ('>=', 40.0), None)
    """
    match = _BEYOND.fullmatch(text)
    return None if match is None else (match[1], float(match[2]))


def spelled_numbers(texts: Iterable[str]) -> NDArray[np.float64]:
    """Read texts as numbers (n,), the nearest to what they spell; NaN for what is none, and for what is too large.

    Examples
    --------
    >>> spelled_numbers(["1.5", "", "<2", "1e999"]).tolist()
    [1.5, nan, nan, nan]
    """
    found = np.array([float(text) if _NUMBER.match(text) else np.nan for text in texts], np.float64)
    return np.where(np.isfinite(found), found, np.nan)
