"""What earlier datasets tell of a sequence: traits on which its rows may depend, and days on which its dates may hang."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from replicator.study_model.columns.codes import column_codes, count_subjects
from replicator.study_model.columns.conditions import codes_among
from replicator.study_model.columns.neighbours import Neighbours
from replicator.study_model.spine import Spine, Told
from replicator.study_model.visits.days import visit_day
from replicator.tables.dataset import Text

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

MOST_COUNTED = 5  # rows of a sequence; more count as this many
MOST_RANKED = 4  # rows of a sequence whose days others may hang on, beside its last
ROWS, TURNS = "", "turns"  # counted instead of a variable
VISITS, MARKS = "", "marks"  # asked instead of a dataset
BOUNDS = ("FIRST", "LAST")  # marks after which everybody's participation goes on, and nobody's


@dataclass(frozen=True, eq=False)
class Antecedents:
    """Traits of subjects that are known before: what datasets drawn earlier say, visits that were kept, and what came last.

    Attributes
    ----------
    dataset, variable : tuple of str
        Where a trait stands; the variable is :data:`ROWS` for the number of rows, :data:`TURNS` for the number of times that what
        they say changes. A visit that was kept or not has :data:`VISITS` for a dataset and its number for a variable; whether the
        participation went on after a mark has :data:`MARKS` and the mark; whether the mark came after a visit, that visit's number
        for a level.
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
            if _tells(_kept(spine, number), k):
                found.append((VISITS, repr(number), ()))
        found += [(MARKS, name, ()) for name in spine.marks if name not in BOUNDS and _tells(_went_on(spine, name), k)]
        for name, told in spine.told.items():
            if told.dates and _tells(_counted(told, spine.n), k):
                found.append((name, ROWS, ()))
            if told.dates and told.says is not None and _tells(_turned(told, spine.n), k):
                found.append((name, TURNS, ()))
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

    @classmethod
    def after_visits(cls, spine: Spine, numbers: Floats) -> Antecedents:
        """Ask of each mark whether it came after visits of these numbers."""
        found = [(name, repr(number)) for number in numbers.tolist() for name in spine.marks if name not in BOUNDS]
        return cls((MARKS,) * len(found), tuple(name for name, _ in found), tuple((number,) for _, number in found))

    def holding(self, spine: Spine) -> list[NDArray[np.bool_]]:
        """Whether each trait that has two values holds: (n,); of categories, whether the value is the first level."""
        top = [int(dataset in (VISITS, MARKS)) for dataset in self.dataset]
        return [code == one for code, one in zip(self.codes(spine), top, strict=True)]

    def take(self, positions: list[int]) -> Antecedents:
        """Keep the traits at these positions, in this order."""
        return Antecedents(
            tuple(self.dataset[i] for i in positions),
            tuple(self.variable[i] for i in positions),
            tuple(self.levels[i] for i in positions),
        )

    def join(self, more: Antecedents) -> Antecedents:
        """Put further traits behind these."""
        return Antecedents(self.dataset + more.dataset, self.variable + more.variable, self.levels + more.levels)

    def codes(self, spine: Spine) -> list[Ints]:
        """Codes of each trait: (n,), -1 where a subject has none."""
        return [self._code(spine, *one) for one in zip(self.dataset, self.variable, self.levels, strict=True)]

    def _code(self, spine: Spine, dataset: str, variable: str, levels: tuple[str, ...]) -> Ints:
        out = np.full(spine.n, -1, np.int64)
        if dataset == VISITS:
            return _kept(spine, float(variable))
        if dataset == MARKS:
            return _came_after(spine, variable, float(levels[0])) if levels else _went_on(spine, variable)
        told = spine.told.get(dataset)
        if told is None:
            return out
        if variable in (ROWS, TURNS):
            return _counted(told, spine.n) if variable == ROWS else _turned(told, spine.n)
        if variable in told.columns:
            codes, values = column_codes(told.columns[variable])
            of_value = codes_among(Text.of(values.strings()), Text.of(levels))
            np.maximum.at(out, told.subject, np.append(of_value, -1)[codes])
        return out


def told_days(spine: Spine, subject: NDArray[np.int32]) -> dict[str, Floats]:
    """Days of rows of earlier sequences for rows of these subjects: (n_rows,) by name, NaN for none.

    Names are ``DATASET.VARIABLE 2`` for the second row, ``DATASET.VARIABLE last`` for the last, and ``DATASET.VARIABLE turn 2`` for
    the first row that says what the second turn does, or the last such row where the variable is an end.
    """
    out: dict[str, Floats] = {}
    for name, told in spine.told.items():
        if not told.dates:
            continue
        order, turn = _turns(told)
        place = Neighbours(told.subject[order])
        ranked = [(str(rank + 1), place.rank == rank) for rank in range(MOST_RANKED)]
        run = _runs(told.subject[order], turn)
        for variable, day in told.dates.items():
            edge = run.last if variable.endswith("ENDTC") else run.first
            turned = [(f"turn {at + 1}", edge & (turn == at)) for at in range(MOST_RANKED) if told.says is not None]
            for label, rows in [*ranked, ("last", place.last), *turned]:
                of_subject = np.full(spine.n, np.nan)
                of_subject[told.subject[order][rows]] = day[order][rows]
                out[f"{name}.{variable} {label}"] = of_subject[subject]
    return out


Term = tuple[str, str, str, str]  # what a row of an earlier sequence says, and when: dataset, variable, value, date variable


def dated_terms(spine: Spine, k: int) -> list[Term]:
    """What rows say that at least `k` subjects have on a known day, nobody of them twice; of rows that are the same, the first."""
    found: dict[bytes, Term] = {}
    for name, told in spine.told.items():
        for variable, column in told.columns.items() if told.dates else ():
            codes, values = column_codes(column)
            for at, value in enumerate(values.strings().tolist()):
                rows = codes == at
                once = int(rows.sum()) == len(np.unique(told.subject[rows]))
                for date, day in told.dates.items():
                    if once and int((rows & np.isfinite(day)).sum()) >= k:
                        found.setdefault(np.where(rows, day, np.nan).tobytes(), (name, variable, value, date))
    return list(found.values())


def last_day(spine: Spine, term: Term) -> Floats:
    """Latest day of each subject's rows that say so: (n,), days since 1970-01-01, NaN for none."""
    dataset, variable, value, date = term
    out = np.full(spine.n, np.nan)
    told = spine.told.get(dataset)
    if told is not None and variable in told.columns and date in told.dates:
        codes, values = column_codes(told.columns[variable])
        rows = np.isin(codes, np.flatnonzero(values.strings() == value))
        np.fmax.at(out, told.subject[rows], told.dates[date][rows])
    return out


def _tells(code: Ints, k: int) -> bool:
    """Whether two codes (n,) are those of at least `k` subjects each."""
    return bool((np.bincount(code + 1) >= k).sum() > 1)


def _kept(spine: Spine, number: float) -> Ints:
    """Whether each subject had a visit: (n,), 0 or 1."""
    out = np.zeros(spine.n, np.int64)
    out[spine.visits.subject[spine.visits.number == number]] = 1
    return out


def _went_on(spine: Spine, mark: str) -> Ints:
    """Whether the last day on study is after a mark: (n,), 0 or 1, -1 without the mark."""
    day = np.floor(spine.marks.get(mark, np.full(spine.n, np.nan)))
    return np.where(np.isnan(day), -1, np.floor(spine.marks["LAST"]) > day).astype(np.int64)


def _came_after(spine: Spine, mark: str, number: float) -> Ints:
    """Whether a mark is after the day of a visit that was kept: (n,), 0 or 1, -1 without the mark."""
    day = np.floor(spine.marks.get(mark, np.full(spine.n, np.nan)))
    visit = visit_day(spine, np.arange(spine.n, dtype=np.int32), np.full(spine.n, number))
    return np.where(np.isnan(day), -1, day > np.floor(visit)).astype(np.int64)


def _counted(told: Told, n: int) -> Ints:
    return np.minimum(np.bincount(told.subject, minlength=n), MOST_COUNTED).astype(np.int64)


def _turned(told: Told, n: int) -> Ints:
    """How many turns each subject's rows take: (n,), 0 without rows."""
    order, turn = _turns(told)
    out = np.zeros(n, np.int64)
    np.maximum.at(out, told.subject[order], turn + 1)
    return np.minimum(out, MOST_COUNTED)


def _turns(told: Told) -> tuple[NDArray[np.intp], Ints]:
    """Order of the rows (n_rows,) by subject and first day, and how often what they say has changed up to each, so ordered."""
    first = next(iter(told.dates.values()))
    says = np.zeros(len(told.subject), np.int64) if told.says is None else told.says
    order = np.lexsort((first, told.subject))
    place, run = Neighbours(told.subject[order]), _runs(told.subject[order], says[order])
    changes = np.cumsum(run.first)
    return order, (changes - changes[np.arange(len(order)) - place.rank]).astype(np.int64)


def _runs(subject: NDArray[np.int32], code: Ints) -> Neighbours:
    """Rows (n_rows,), sorted by subject, whose neighbours are those of the same code next to them."""
    new = np.ones(len(subject), bool)
    new[1:] = (subject[1:] != subject[:-1]) | (code[1:] != code[:-1])
    return Neighbours(np.cumsum(new).astype(np.int32))
