"""What first findings say of subjects, for the events that are drawn after them: answers of items, and unusual results of tests."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from replicator.distinct import distinct_codes, distinct_values, stable_order
from replicator.profile.structure import DatasetStructure, Kind, Role
from replicator.study_model.columns.codes import column_codes
from replicator.study_model.spine import Told
from replicator.tables.dataset import Column, Numbers, Text
from replicator.tables.dates import parse_dates

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

TAIL = 0.16  # share of subjects beyond either bound: of a normal that beyond one standard deviation
MOST_ANSWERS = 4  # a test with no more distinct first results than this that are words says each of them
LOW, HIGH = "LOW", "HIGH"


@dataclass(frozen=True, eq=False)
class Answers:
    """What the first result of each test says.

    Attributes
    ----------
    topic : str
        Variable of the test.
    results : tuple of str
        Variables of the result, the number first.
    date : str
        Variable of the date, ``""`` for none: then the first row is the first result.
    tests : tuple of str
        Tests of at least k subjects with more results than an item has answers: only low and high ones of theirs are told.
    low, high : (n_tests,) float64
        Bounds beyond which a result of theirs is unusual, each the mean of k subjects' results; NaN where too few have one.
    """

    kind: ClassVar[str] = "answers"

    topic: str
    results: tuple[str, ...]
    date: str
    tests: tuple[str, ...]
    low: Floats
    high: Floats

    @classmethod
    def fit(cls, columns: Mapping[str, Column], structure: DatasetStructure, subject: NDArray[np.int32], k: int) -> Answers | None:
        """Learn what is unusual in findings of these subjects (n_rows,); None for other datasets and those without tests."""
        topics = structure.with_role(Role.TOPIC)
        results = tuple(name for suffix in ("STRESN", "STRESC", "ORRES") if (name := structure.named(suffix)) in columns)
        if structure.kind is not Kind.FINDINGS or len(topics) != 1 or topics[0] not in columns or not results:
            return None
        plain = cls(topics[0], results, structure.named("DTC"), (), np.empty(0), np.empty(0))
        row, test, names = plain._first(columns, subject)
        texts, value = plain._said(columns, row)
        answer = column_codes(texts)[0]
        tests, low, high = [], [], []
        for code in range(len(names)):
            mine = test == code
            x = np.sort(value[mine & np.isfinite(value)])
            if mine.sum() < k or len(np.unique(answer[mine])) <= (MOST_ANSWERS if 2 * len(x) < mine.sum() else 2):
                continue
            first = max(0, int(TAIL * len(x)) - k // 2)
            enough = len(x) >= first + k
            tests.append(names[code])
            low.append(float(x[first : first + k].mean()) if enough else np.nan)
            high.append(float(x[::-1][first : first + k].mean()) if enough else np.nan)
        return cls(plain.topic, plain.results, plain.date, tuple(tests), np.array(low), np.array(high))

    def tell(self, columns: Mapping[str, Column], subject: NDArray[np.int32]) -> Told:
        """Say what rows of these subjects (n_rows,) tell: the answer to each item, and which results are low or high."""
        row, test, names = self._first(columns, subject)
        texts, value = self._said(columns, row)
        place = {name: i for i, name in enumerate(self.tests)}
        measured = np.array([*(place.get(name, -1) for name in names), -1], np.int64)[test]
        low, high = np.append(self.low, np.nan)[measured], np.append(self.high, np.nan)[measured]
        answer, answers = column_codes(texts)
        said = np.where(measured < 0, answer, np.where(value < low, len(answers), np.where(value > high, len(answers) + 1, -1)))
        kept = np.flatnonzero(said >= 0)
        words = [*answers.strings().tolist(), LOW, HIGH]
        pairs, code = distinct_values(test[kept] * len(words) + said[kept], return_inverse=True)
        levels = [f"{names[pair // len(words)]}: {words[pair % len(words)]}" for pair in pairs.tolist()]
        told = Text(code.astype(np.int32), np.array(levels, object))
        return Told(subject[row[kept]].astype(np.int32), {self.topic: told}, np.full(len(kept), np.nan))

    def _first(self, columns: Mapping[str, Column], subject: NDArray[np.int32]) -> tuple[Ints, Ints, list[str]]:
        """Row of the first result of each subject and test, the test's code (n,), and the names of the tests."""
        test, tests = column_codes(columns[self.topic])
        there = np.zeros(len(subject), bool)
        for name in self.results:
            there |= ~columns[name].missing if name in columns else False
        date = columns.get(self.date)
        day = parse_dates(date).day if isinstance(date, Text) else np.zeros(len(subject))
        rows = np.flatnonzero(there & (test >= 0))
        rows = rows[stable_order(distinct_codes(day[rows]))]
        rows = rows[distinct_values(subject[rows].astype(np.int64) * len(tests) + test[rows], return_index=True)[1]]
        return rows.astype(np.int64), test[rows].astype(np.int64), [str(name) for name in tests.strings().tolist()]

    def _said(self, columns: Mapping[str, Column], row: Ints) -> tuple[Text, Floats]:
        """Results of some rows as texts (n,) and as numbers (n,), NaN where they are none."""
        numbers = [one.take(row) for name in self.results if isinstance(one := columns.get(name), Numbers)]
        texts = [one.take(row) for name in self.results if isinstance(one := columns.get(name), Text)]
        value = numbers[0].values if numbers else np.full(len(row), np.nan)
        return texts[0] if texts else Text.of(numbers[0].strings().tolist()), value


def fit_answers(
    columns: Mapping[str, Mapping[str, Column]],
    structures: Mapping[str, DatasetStructure],
    subject: Mapping[str, NDArray[np.int32]],
    k: int,
) -> dict[str, Answers]:
    """Learn what the findings among some datasets tell, by dataset; `subject` has the subject of each row of each."""
    found = {name: Answers.fit(columns[name], structures[name], subject[name], k) for name in columns}
    return {name: one for name, one in found.items() if one is not None}
