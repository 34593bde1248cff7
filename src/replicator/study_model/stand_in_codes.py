"""What stands in for codes that few subjects share: site numbers of the same pattern, ordinary terms of the standard."""

from __future__ import annotations

import re

import numpy as np
from numpy.typing import NDArray

from replicator.study_model.attributes import count_subjects
from replicator.tables.dataset import Text

ORDINARY = {
    "COUNTRY": ("DEU", "FRA", "GBR", "USA"),
    "ETHNIC": ("HISPANIC OR LATINO", "NOT HISPANIC OR LATINO"),
    "RACE": ("ASIAN", "BLACK OR AFRICAN AMERICAN", "WHITE"),
    "SEX": ("F", "M"),
}
"""Ordinary terms of codelists of which every subject has one; they are the standard's words and say nothing of a source."""

FEWEST_DIGITS = 2  # of codes whose letters differ: one digit may stand behind a word
_LETTER = re.compile(r"[A-Za-z]")
_CODE = re.compile(r"([A-Za-z_-]*)(\d+)$")


def replace_rare_codes(column: Text, subject: NDArray[np.int32], k: int) -> Text:
    """Give every level that fewer than `k` subjects share a stand-in, if all levels are codes of one pattern.

    Parameters
    ----------
    column : Text
        Codes such as ``701`` or ``DE03``: as many letters and digits in every level. Where letters differ, they become ``X`` if
        there are two digits at least.
    subject : (n_rows,) int32
        Whose row it is.
    k : int
        Fewest subjects that may be recognised by a code.

    Returns
    -------
    Text
        The column itself where its levels are words.
    """
    compact = column.compact()
    matches = [_CODE.match(str(level)) for level in compact.levels]
    if not matches or any(match is None for match in matches):
        return column
    shapes = {(_LETTER.sub("X", match.group(1)), len(match.group(2))) for match in matches if match is not None}
    prefixes = {match.group(1) for match in matches if match is not None}
    bare, width = next(iter(shapes))
    if len(shapes) != 1 or (len(prefixes) > 1 and width < FEWEST_DIGITS):
        return column
    subjects = count_subjects(compact.codes.astype(np.int64), subject, len(compact.levels))
    [prefix] = prefixes if len(prefixes) == 1 else {bare}
    rare = np.flatnonzero(subjects < k)
    taken = {int(match.group(2)) for match in matches if match is not None}
    free = [number for number in range(min(taken), 10**width) if number not in taken]
    free += [number for number in range(min(taken) - 1, -1, -1) if number not in taken]
    levels = compact.levels.copy()
    for level, number in zip(rare.tolist(), free, strict=False):
        levels[level] = f"{prefix}{number:0{width}d}"
    return Text(compact.codes, levels).compact() if len(free) >= len(rare) else column
