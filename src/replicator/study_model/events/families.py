"""Families of terms: those that begin with the same word, which often tells more of them than their class.

Reactions at the site of an application are of one class with fatigue and fever, and nothing like them in what they come from.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from replicator.study_model.columns.codes import count_subjects

Ints = NDArray[np.int64]


def find_families(texts: Sequence[str], unit: Ints, subject: NDArray[np.int32], k: int) -> tuple[str, ...]:
    """Find first words that several terms share, and at least `k` subjects.

    Parameters
    ----------
    texts : sequence of str
        Words of each term, n_units.
    unit : (n,) int64
        Term of each occurrence.
    subject : (n,) int32
        Whose occurrence it is.
    k : int
    """
    first = [_first_word(text) for text in texts]
    words = sorted({word for word in first if word and first.count(word) > 1})
    code = _codes(first, words)
    people = count_subjects(code[unit], subject, len(words))
    return tuple(word for word, n in zip(words, people.tolist(), strict=True) if n >= k)


def family_of(texts: Sequence[str], families: Sequence[str]) -> Ints:
    """Family of each text (n,), -1 for none.

    >>> family_of(["Application site pruritus", "FATIGUE"], ["application"]).tolist()
    [0, -1]
    """
    return _codes([_first_word(text) for text in texts], families)


def _codes(words: Sequence[str], known: Sequence[str]) -> Ints:
    place = {word: i for i, word in enumerate(known)}
    return np.array([place.get(word, -1) for word in words], np.int64)


def _first_word(text: str) -> str:
    """Return the first word of more than one, in small letters: a term of one word is of no family."""
    words = text.casefold().split()
    return words[0] if len(words) > 1 else ""
