"""Facts about subjects on which the terms of a later dataset may depend: a woman, a diabetic, one who left for an event."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from replicator.study_model.spine import Spine
from replicator.tables.dataset import Text
from replicator.tables.dates import Dates

Bools = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Facts:
    """Facts in a fixed order, each a value that some row of the subject has.

    Attributes
    ----------
    dataset, variable, level : tuple of str
        Where the value stands, and which it is; at least k subjects have it.
    """

    kind: ClassVar[str] = "facts"

    dataset: tuple[str, ...]
    variable: tuple[str, ...]
    level: tuple[str, ...]

    @classmethod
    def fit(cls, spine: Spine, k: int) -> tuple[Facts, Bools]:
        """Find the facts that at least `k` subjects share and at least `k` do not; of facts that come to the same, the first.

        Returns
        -------
        Facts
        holds : (n, n_facts) bool
            Of the source's subjects.
        """
        named: list[tuple[str, str, str]] = []
        columns: dict[bytes, Bools] = {}
        for dataset, told in spine.told.items():
            for variable, text in told.columns.items():
                levels, holds = _holders(text, told.subject, spine.n)
                people = holds.sum(axis=0)
                for j in np.flatnonzero((people >= k) & (people <= spine.n - k)).tolist():
                    key = np.packbits(holds[:, j]).tobytes()
                    if key not in columns:
                        columns[key] = holds[:, j]
                        named.append((dataset, variable, str(levels[j])))
        matrix = np.stack(list(columns.values()), axis=1) if columns else np.zeros((spine.n, 0), bool)
        return cls(*(tuple(part) for part in (zip(*named, strict=True) if named else ((), (), ())))), matrix

    def holds(self, spine: Spine) -> Bools:
        """Who has which fact: (n, n_facts)."""
        out = np.zeros((spine.n, len(self.level)), bool)
        for dataset, variable in dict.fromkeys(zip(self.dataset, self.variable, strict=True)):
            told = spine.told.get(dataset)
            if told is None or variable not in told.columns:
                continue
            levels, holds = _holders(told.columns[variable], told.subject, spine.n)
            place = {str(level): j for j, level in enumerate(levels.tolist())}
            for i, fact in enumerate(zip(self.dataset, self.variable, self.level, strict=True)):
                if fact[:2] == (dataset, variable) and fact[2] in place:
                    out[:, i] = holds[:, place[fact[2]]]
        return out

    def take(self, positions: NDArray[np.int64]) -> Facts:
        """Keep the facts at these positions, in this order."""
        chosen = positions.tolist()
        return Facts(*(tuple(part[i] for i in chosen) for part in (self.dataset, self.variable, self.level)))

    def of(self, dataset: str) -> NDArray[np.int64]:
        """Positions of the facts of one dataset."""
        return np.array([i for i, name in enumerate(self.dataset) if name == dataset], np.int64)


def rows_that_mention(spine: Spine, needs: Sequence[Sequence[str]]) -> tuple[NDArray[np.int32], NDArray[np.int64], Dates]:
    """Find the dated events whose term or class holds one of some parts of words.

    Returns
    -------
    subject : (n_found,) int32
    need : (n_found,) int64
        Which of the needs; an event that mentions several comes once for each.
    since : Dates
        When it began.
    """
    subject, found, day, precision = [np.empty(0, np.int32)], [np.empty(0, np.int64)], [np.empty(0)], [np.empty(0, np.int8)]
    for told in spine.told.values():
        if not told.occurs or told.since is None:
            continue
        hit = np.zeros((len(told.subject), len(needs)), bool)
        for column in told.columns.values():
            hit |= _mentioned(column, needs)
        row, need = np.nonzero(hit & np.isfinite(told.since.day)[:, None])
        subject.append(told.subject[row])
        found.append(need.astype(np.int64))
        day.append(told.since.day[row])
        precision.append(told.since.precision[row])
    days = np.concatenate(day)
    return np.concatenate(subject), np.concatenate(found), Dates(days, np.full(len(days), np.nan), np.concatenate(precision))


def mentions(spine: Spine, needs: Sequence[Sequence[str]]) -> Bools | None:
    """Whether a subject has an event whose term or class holds one of some parts of words: (n, n_needs); None without events."""
    texts = [(told.subject, column) for told in spine.told.values() if told.occurs for column in told.columns.values()]
    if not texts:
        return None
    out = np.zeros((spine.n, len(needs)), bool)
    for subject, column in texts:
        row, need = np.nonzero(_mentioned(column, needs))
        out[subject[row], need] = True
    return out


def _mentioned(column: Text, needs: Sequence[Sequence[str]]) -> Bools:
    """Whether each cell holds one of the parts of words of each need: (n, n_needs)."""
    known = _known_mentions(tuple(map(tuple, needs)))
    place = known.places(column.levels.tolist())
    return np.asarray(known.hits[place][column.codes], bool)


class _KnownMentions:
    """What was found out of texts already.

    Attributes
    ----------
    needs : tuple of tuple of str
    hits : (n_texts + 1, n_needs) bool
        Which of the needs each text mentions; the last one is a missing text.
    """

    def __init__(self, needs: tuple[tuple[str, ...], ...]) -> None:
        self.needs = needs
        self.hits = np.zeros((1, len(needs)), bool)
        self._place: dict[str, int] = {}

    def places(self, texts: Sequence[str]) -> NDArray[np.int64]:
        """Rows of the texts, and of a missing one behind them: (n + 1,)."""
        new = [text for text in dict.fromkeys(texts) if text not in self._place]
        if new:
            self.hits = np.concatenate([self.hits[:-1], self._look(new), self.hits[-1:]])
            self._place.update(zip(new, range(len(self._place), len(self._place) + len(new)), strict=True))
        return np.array([*map(self._place.__getitem__, texts), -1], np.int64)

    def _look(self, texts: Sequence[str]) -> Bools:
        """Which of the needs each text mentions: (n, n_needs). Every word is looked for in all texts at once."""
        shown = [f" {text}".upper() for text in texts]
        every = "\0".join(shown)
        begin = np.cumsum([0, *(len(text) + 1 for text in shown[:-1])])
        words: dict[str, list[int]] = {}
        for need, parts in enumerate(self.needs):
            for word in parts:
                words.setdefault(word, []).append(need)
        hits = np.zeros((len(texts), len(self.needs)), bool)
        for word, mine in words.items():
            found = [match.start() for match in re.finditer(re.escape(word), every)]
            hits[(np.searchsorted(begin, found, "right") - 1)[:, None], mine] = True
        return hits


@lru_cache(maxsize=8)
def _known_mentions(needs: tuple[tuple[str, ...], ...]) -> _KnownMentions:
    """What is known of the texts that were looked through for these needs."""
    return _KnownMentions(needs)


def _holders(text: Text, subject: NDArray[np.int32], n: int) -> tuple[NDArray[np.object_], Bools]:
    """Levels of a column, and which subjects have which: (n, n_levels)."""
    compact = text.compact()
    holds = np.zeros((n, len(compact.levels)), bool)
    seen = compact.codes >= 0
    holds[subject[seen], compact.codes[seen]] = True
    return compact.levels, holds
