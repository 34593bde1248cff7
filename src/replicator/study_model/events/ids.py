"""Record identifiers such as --SPID: numbered within the subject, by their pattern, never copied."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from replicator.models.marginals import QuantileMarginal
from replicator.models.onset import rank_within
from replicator.study_model.columns.codes import count_subjects
from replicator.tables.dataset import Column, Numbers, Text

Floats = NDArray[np.float64]
_PATTERN = re.compile(r"(.*?)(\d+)(\D*)$")


@dataclass(frozen=True, eq=False)
class RecordIds:
    """How a record identifier is made.

    Attributes
    ----------
    name : str
        The variable.
    numeric : bool
        Whether it is a number.
    before, after : str
        Around the number.
    width : int
        Digits, padded with zeros; 0 where they are not padded.
    offset : QuantileMarginal
        The subject's first number.
    step : QuantileMarginal
        From one number of a subject to the next.
    by_start : bool
        Whether numbers follow the starts; else they stand in random order.
    """

    kind: ClassVar[str] = "event record ids"

    name: str
    numeric: bool
    before: str
    after: str
    width: int
    offset: QuantileMarginal
    step: QuantileMarginal
    by_start: bool

    @classmethod
    def fit(cls, name: str, column: Column, owner: NDArray[np.int32], start: Floats, k: int) -> RecordIds:
        """Learn from the identifiers of occurrences and the day on which each started."""
        texts = column.strings()
        parts = [_PATTERN.match(str(text)) for text in texts]
        number = np.array([float(m.group(2)) if m and len(m.group(2)) <= 15 else np.nan for m in parts])
        seen = np.isfinite(number)
        matched = owner[np.array([m is not None for m in parts], bool)]
        before, after = (_most([m.group(group) for m in parts if m], matched, k) for group in (1, 3))
        widths = {len(m.group(2)) for m in parts if m}
        width = widths.pop() if len(widths) == 1 and any(m and m.group(2)[0] == "0" for m in parts) else 0
        order = np.lexsort((number[seen], owner[seen]))
        who, value, day = owner[seen][order], number[seen][order], start[seen][order]
        rank = rank_within(who)
        step = np.diff(value, prepend=np.nan)
        later = rank > 0
        known = later & np.isfinite(day) & np.isfinite(np.roll(day, 1))
        rises = float((day >= np.roll(day, 1))[known].mean()) if known.any() else 1.0
        return cls(
            name,
            isinstance(column, Numbers),
            before,
            after,
            width,
            QuantileMarginal.fit(value[~later], who[~later], k=k, decimals=0),
            QuantileMarginal.fit(step[later], who[later], k=k, decimals=0),
            rises >= 0.75,
        )

    def sample(self, present: NDArray[np.bool_], owner: NDArray[np.int64], start: Floats, rng: np.random.Generator) -> Column:
        """Number the occurrences that have an identifier; the same subject never gets a number twice."""
        places = np.flatnonzero(present)
        number = np.full(len(present), np.nan)
        day = np.where(np.isnan(start[places]), -np.inf, start[places])
        sort = (rng.random(len(places)), day, owner[places]) if self.by_start else (rng.random(len(places)), owner[places])
        order = places[np.lexsort(sort)]
        who = owner[order]
        new = np.diff(who, prepend=-1) != 0
        u = rng.random((2, len(order)))
        first = np.maximum(np.nan_to_num(self.offset.quantile(u[0]), nan=1.0), 0) if self.offset.n else np.ones(len(order))
        step = np.maximum(np.nan_to_num(self.step.quantile(u[1]), nan=1.0), 1) if self.step.n else np.ones(len(order))
        total = np.cumsum(np.where(new, 0.0, step))
        begin = np.maximum.accumulate(np.where(new, np.arange(len(order)), 0)) if len(order) else np.empty(0, np.int64)
        number[order] = np.round(first[begin] + total - total[begin])
        if self.numeric:
            return Numbers(number)
        unique, inverse = np.unique(number[places], return_inverse=True)
        levels = np.array([f"{self.before}{int(v):0{self.width}d}{self.after}" for v in unique.tolist()], dtype=object)
        codes = np.full(len(present), -1, np.int32)
        codes[places] = inverse.reshape(-1)
        return Text(codes, levels)


def _most(texts: list[str], owner: NDArray[np.int32], k: int) -> str:
    """The text that most have of those that at least k subjects share; ``""`` for none."""
    if not texts:
        return ""
    levels, inverse, counts = np.unique(np.array(texts, object).astype(str), return_inverse=True, return_counts=True)
    shared = count_subjects(inverse.reshape(-1).astype(np.int64), owner, len(levels)) >= k
    return str(levels[np.where(shared, counts, 0).argmax()]) if shared.any() else ""
