"""What any fitted model holds, counted: numbers, texts, kinds of models, and the fewest subjects that a stored value rests on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass

import numpy as np

from replicator.tables.dataset import Text

SUPPORT = "n_subjects"  # the field in which a model says how many subjects it was learned from


@dataclass(frozen=True)
class Holdings:
    """What was counted.

    Attributes
    ----------
    n_numbers : int
        Numbers, in arrays and alone; codes and positions count too.
    texts : tuple of str
        Distinct texts, sorted.
    kinds : mapping of str to int
        Models by kind, most frequent first.
    fewest_subjects : int or None
        Smallest number of subjects among the models that say how many they were learned from; None if none says it.
    """

    n_numbers: int
    texts: tuple[str, ...]
    kinds: Mapping[str, int]
    fewest_subjects: int | None


def count_holdings(model: object) -> Holdings:
    """Count what a tree of dataclasses, mappings, tuples, arrays, texts and numbers holds.

    Examples
    --------
    >>> held = count_holdings({"codes": Text.of(["MALE", "FEMALE", "MALE"]), "mean": 3.5})
    >>> held.n_numbers, held.texts
    (4, ('FEMALE', 'MALE'))
    """
    n_numbers = 0
    texts: set[str] = set()
    kinds: Counter[str] = Counter()
    support: list[int] = []
    for node in _nodes(model):
        if isinstance(node, np.ndarray):
            n_numbers += node.size if node.dtype != object else 0
            texts.update(str(item) for item in node) if node.dtype == object else None
        elif isinstance(node, str):
            texts.add(node)
        elif isinstance(node, int | float):
            n_numbers += 1
        elif is_dataclass(node) and not isinstance(node, Text):
            kinds[str(getattr(node, "kind", type(node).__name__))] += 1
            found = getattr(node, SUPPORT, None)
            if isinstance(found, int | np.integer | np.ndarray):
                support += np.atleast_1d(found).astype(int).tolist()
    learned = [n for n in support if n > 0]  # what was learned from nobody stands empty
    return Holdings(n_numbers, tuple(sorted(texts - {""})), dict(kinds.most_common()), min(learned, default=None))


def _nodes(node: object) -> Iterator[object]:
    """All values of a tree, containers and their keys left out."""
    if isinstance(node, Mapping):
        for value in node.values():
            yield from _nodes(value)
    elif isinstance(node, tuple | list | frozenset | set):
        for value in node:
            yield from _nodes(value)
    elif is_dataclass(node) and not isinstance(node, type):
        yield node
        for field in fields(node):
            yield from _nodes(getattr(node, field.name))
    elif node is not None:
        yield node
