"""How many subjects of the source stand behind a value, so that only what several share is named or looked at on its own."""

from __future__ import annotations

import numpy as np
import pandas as pd

from replicator.evaluation.distances import Ints
from replicator.evaluation.stack import Origin, Stack
from replicator.rules.grouping import Mask
from replicator.tables.dataset import Text

FEWEST_SHARED = 5  # subjects of the source, for a value to be named in a result
MOST_ARMS = 12


def source_subjects(stack: Stack, name: str, codes: Ints, n_codes: int) -> Ints:
    """Count the distinct subjects of the source who have each code.

    Parameters
    ----------
    name : str
        Dataset.
    codes : (n_rows,) int64
        A code for each of its rows; -1 is none.
    n_codes : int

    Returns
    -------
    (n_codes,) int64
    """
    rows = stack.rows(name, Origin.SOURCE) & (codes >= 0)
    pairs = pd.unique(stack.view.subject(name)[rows] * max(n_codes, 1) + codes[rows])
    return np.bincount(pairs % max(n_codes, 1), minlength=n_codes).astype(np.int64)


def most_shared(n_subjects: Ints, fewest: float, most: int) -> Ints:
    """Positions of the codes that at least `fewest` subjects have, at most `most` of them, most frequent first."""
    order = np.argsort(-n_subjects, kind="stable")[:most]
    return np.asarray(order[n_subjects[order] >= fewest], np.int64)


def enough_subjects(stack: Stack, share: float) -> float:
    """Smallest number of subjects of the source that is `share` of them and never under :data:`FEWEST_SHARED`."""
    return max(float(FEWEST_SHARED), share * len(stack.subjects(Origin.SOURCE)))


def shared_text(stack: Stack, name: str, groups: Ints, n_groups: int, text: Text) -> list[str]:
    """Name each group of rows by the text that most subjects of the source have there; ``""`` where fewer than five share it.

    Parameters
    ----------
    name : str
        Dataset.
    groups : (n_rows,) int64
        Group of each row, -1 without one.
    text : Text
        A column of the dataset.
    """
    width = max(len(text.levels), 1)
    known = (groups >= 0) & (text.codes >= 0)
    both = np.where(known, groups * width + text.codes, -1)
    used, codes = np.unique(both[known], return_inverse=True)
    compact = np.full(len(both), -1, np.int64)
    compact[known] = codes
    behind = source_subjects(stack, name, compact, len(used))
    names = [""] * n_groups
    for at in np.argsort(behind, kind="stable").tolist():  # distinct pairs of group and text; the most frequent comes last
        if behind[at] >= FEWEST_SHARED:
            names[int(used[at]) // width] = str(text.levels[int(used[at]) % width])
    return names


def shared_rows(stack: Stack, name: str, codes: Ints, n_codes: int, fewest: float, most: int) -> tuple[Ints, Ints, Mask]:
    """Keep the frequent codes of a dataset.

    Returns
    -------
    kept : (n_kept,) int64
        The codes, most frequent first.
    place : (n_rows,) int64
        Position of each row's code in `kept`, -1 where it is not kept.
    rows : (n_rows,) bool
        Rows whose code is kept.
    """
    kept = most_shared(source_subjects(stack, name, codes, n_codes), fewest, most)
    place_of = np.full(n_codes + 1, -1, np.int64)
    place_of[kept] = np.arange(len(kept))
    place = place_of[codes]
    return kept, place, place >= 0


def shared_arms(stack: Stack) -> tuple[tuple[str, Mask], ...]:
    """Arms that at least five subjects of the source are in, with a mask over subjects each; none where there is one arm."""
    arm, names = stack.arm
    of_source = np.bincount(arm[(stack.origin == Origin.SOURCE) & (arm >= 0)], minlength=len(names))
    found = most_shared(of_source, FEWEST_SHARED, MOST_ARMS)
    return tuple((names[code], arm == code) for code in np.sort(found).tolist()) if len(found) > 1 else ()


def count_of(n: int, whole: int) -> str:
    """Say how many of a whole have something, so that it does not tell how many they are if one to four have it not.

    >>> count_of(12, 20), count_of(20, 20), count_of(18, 20)
    ('12 of 20', '20 of 20', '16 or more of 20')
    """
    return f"{n:,} of {whole:,}" if _tells(n, whole) else f"{_least(whole):,} or more of {whole:,}"


def share_of(n: int, whole: int) -> str:
    """Say which share of a whole has something, so that it does not tell how many they are if one to four have it not.

    >>> share_of(12, 20), share_of(18, 20)
    ('60%', '80% or more')
    """
    return f"{n / max(whole, 1):.0%}" if _tells(n, whole) else f"{_least(whole) / whole:.0%} or more"


def _tells(n: int, whole: int) -> bool:
    return n == whole or whole - n >= FEWEST_SHARED


def _least(whole: int) -> int:
    return max(whole - FEWEST_SHARED + 1, min(whole, FEWEST_SHARED))
