"""What stands in for codes that few subjects share: numbers from 1 in the same pattern, ordinary terms of the standard."""

from __future__ import annotations

import re

import numpy as np
from numpy.typing import NDArray

from replicator.distinct import distinct_values
from replicator.study_model.columns.codes import count_subjects
from replicator.tables.dataset import Column, Text

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


def replace_rare_codes(column: Text, subject: NDArray[np.int32], k: int) -> tuple[Text, NDArray[np.bool_]]:
    """Number every level that fewer than `k` subjects share anew, if all levels are codes of one pattern.

    Stand-ins are ``001``, ``002`` and so on, but for codes that `k` subjects share, the level of the most subjects first. They hang
    on how many levels are rare and on nothing else of them, so that they tell none; one may happen to be a rare level.

    Parameters
    ----------
    column : Text
        Codes such as ``701`` or ``DE03``: as many letters and digits in every level. Where letters differ, or fewer than `k`
        subjects have a code, they become ``X``; where they differ there are two digits at least.
    subject : (n_rows,) int32
        Whose row it is.
    k : int
        Fewest subjects that may be recognised by a code.

    Returns
    -------
    column : Text
        The column itself where its levels are words.
    made : (n_rows,) bool
        Rows whose cell is a stand-in.
    """
    compact, nothing = column.compact(), np.zeros(len(column), bool)
    matches = [match for level in compact.levels if (match := _CODE.match(str(level)))]
    shapes = {(_LETTER.sub("X", match.group(1)), len(match.group(2))) for match in matches}
    prefixes = {match.group(1) for match in matches}
    if len(matches) < len(compact.levels) or len(shapes) != 1:
        return column, nothing
    [(bare, width)] = shapes
    if len(prefixes) > 1 and width < FEWEST_DIGITS:
        return column, nothing
    subjects = count_subjects(compact.codes.astype(np.int64), subject, len(compact.levels))
    known = len(distinct_values(subject[compact.codes >= 0])) >= k
    prefix = next(iter(prefixes)) if known and len(prefixes) == 1 else bare
    rare = np.flatnonzero(subjects < k)
    mixed = np.random.default_rng(len(rare)).permutation(len(rare))  # of as many subjects, in no order of their codes
    rare = rare[np.lexsort((mixed, -subjects[rare]))]
    kept = set(compact.levels[subjects >= k].tolist())
    codes = (f"{prefix}{number % 10**width:0{width}d}" for number in range(1, 10**width + 1))
    levels = compact.levels.copy()
    for level, code in zip(rare.tolist(), (code for code in codes if code not in kept), strict=False):
        levels[level] = code
    return Text.of(np.append(levels, "")[compact.codes].tolist()), np.append(subjects < k, False)[compact.codes]


def levels_or_stand_ins(column: Column, codes: NDArray[np.int32], levels: tuple[str, ...], k: int) -> tuple[str, ...]:
    """Levels in their places; those that fewer than `k` subjects share as their stand-ins, or as ``""`` if they have none."""
    drawn, made = np.array(levels, object), np.zeros(len(levels), bool)
    if isinstance(column, Text):
        new, stands_in = replace_rare_codes(column, np.arange(len(codes), dtype=np.int32), k)
        drawn[codes[codes >= 0]] = new.strings()[codes >= 0]
        made[codes[stands_in]] = True
    count = np.bincount(codes[codes >= 0], minlength=len(levels))
    return tuple(str(text) if n >= k or new else "" for text, n, new in zip(drawn, count.tolist(), made.tolist(), strict=True))
