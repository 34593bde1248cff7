"""What earlier datasets tell of a sequence: traits on which its rows may depend, and days on which its dates may hang."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from replicator.study_model.attributes import column_codes, count_subjects
from replicator.study_model.neighbours import Neighbours
from replicator.study_model.spine import Spine, Told

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

MOST_COUNTED = 5  # rows of a sequence; more count as this many
MOST_RANKED = 4  # rows of a sequence whose days others may hang on, beside its last


@dataclass(frozen=True, eq=False)
class Antecedents:
    """Traits of subjects that stand in datasets drawn earlier: categories, whether any row says a thing, how many rows there are.

    Attributes
    ----------
    dataset, variable : tuple of str
        Where a trait stands; the variable is ``""`` for the number of rows. A visit that was kept or not has no dataset, and its
        number for a variable.
    levels : tuple of tuple of str
        Of a category the values that at least k subjects have; of what some rows of a subject may say the one value that is asked
        for; of a number of rows none.
    """

    kind: ClassVar[str] = "antecedents"

    dataset: tuple[str, ...]
    variable: tuple[str, ...]
    levels: tuple[tuple[str, ...], ...]

    @classmethod
    def find(cls, spine: Spine, k: int) -> Antecedents:
        """Find all traits with two values that at least `k` subjects have each."""
        found: list[tuple[str, str, tuple[str, ...]]] = []
        for number in np.unique(spine.visits.number).tolist():
            kept = int(_kept(spine, number).sum())
            if k <= kept <= spine.n - k:
                found.append(("", repr(number), ()))
        for name, told in spine.told.items():
            if told.dates:
                counts = np.bincount(_counted(told, spine.n), minlength=MOST_COUNTED + 1)
                if (counts >= k).sum() > 1:
                    found.append((name, "", ()))
            several = len(np.unique(told.subject)) < len(told.subject)
            for variable, column in told.columns.items():
                codes, values = column_codes(column)
                people = count_subjects(codes, told.subject, len(values))
                levels = values.strings()[(people >= k) & ((people <= spine.n - k) | (not several))].tolist()
                if several:
                    found += [(name, variable, (level,)) for level in levels]
                elif len(levels) > 1:
                    found.append((name, variable, tuple(levels)))
        return cls(tuple(one[0] for one in found), tuple(one[1] for one in found), tuple(one[2] for one in found))

    def take(self, positions: list[int]) -> Antecedents:
        """Keep the traits at these positions, in this order."""
        return Antecedents(
            tuple(self.dataset[i] for i in positions),
            tuple(self.variable[i] for i in positions),
            tuple(self.levels[i] for i in positions),
        )

    def codes(self, spine: Spine) -> list[Ints]:
        """Codes of each trait: (n,), -1 where a subject has none."""
        return [self._code(spine, *one) for one in zip(self.dataset, self.variable, self.levels, strict=True)]

    def _code(self, spine: Spine, dataset: str, variable: str, levels: tuple[str, ...]) -> Ints:
        out = np.full(spine.n, -1, np.int64)
        if not dataset:
            return _kept(spine, float(variable)).astype(np.int64)
        told = spine.told.get(dataset)
        if told is None:
            return out
        if not variable:
            return _counted(told, spine.n)
        if variable in told.columns:
            place = {level: i for i, level in enumerate(levels)}
            codes, values = column_codes(told.columns[variable])
            of_value = np.array([*(place.get(text, -1) for text in values.strings().tolist()), -1], np.int64)
            np.maximum.at(out, told.subject, of_value[codes])
        return out


def told_days(spine: Spine, subject: NDArray[np.int32]) -> dict[str, Floats]:
    """Days of rows of earlier sequences for rows of these subjects: (n_rows,) by ``DATASET.VARIABLE`` and rank, NaN for none."""
    out: dict[str, Floats] = {}
    for name, told in spine.told.items():
        if not told.dates:
            continue
        first = next(iter(told.dates.values()))
        order = np.lexsort((first, told.subject))
        place = Neighbours(told.subject[order])
        ranked = [(str(rank + 1), place.rank == rank) for rank in range(MOST_RANKED)]
        for variable, day in told.dates.items():
            for label, rows in [*ranked, ("last", place.last)]:
                of_subject = np.full(spine.n, np.nan)
                of_subject[told.subject[order][rows]] = day[order][rows]
                out[f"{name}.{variable} {label}"] = of_subject[subject]
    return out


def _kept(spine: Spine, number: float) -> NDArray[np.bool_]:
    """Whether each subject had a visit: (n,)."""
    out = np.zeros(spine.n, bool)
    out[spine.visits.subject[spine.visits.number == number]] = True
    return out


def _counted(told: Told, n: int) -> Ints:
    return np.minimum(np.bincount(told.subject, minlength=n), MOST_COUNTED).astype(np.int64)
