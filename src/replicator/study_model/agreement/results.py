"""What must agree about one result: its text and its number, its indicator and its range, and which results are not collected."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from replicator.derivations.derive import blanked, chosen
from replicator.distinct import distinct_values
from replicator.profile.structure import DatasetStructure, Kind
from replicator.study_model.columns.codes import column_codes, count_subjects
from replicator.tables.dataset import Column, Dataset, Numbers, Text

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
Codes = NDArray[np.int64]

WORDS = ("LOW", "NORMAL", "HIGH")
SLACK = 1e-9  # relative noise of a number against its limit
CUT = 0.999  # of the last decimal of a text; a number that is further off was not cut off there


@dataclass(frozen=True, eq=False)
class ResultAgreement:
    """What agrees about the results of one findings dataset, as it did in every row of the source.

    Attributes
    ----------
    test, collected, text, number : str
        --TESTCD, --ORRES, --STRESC and --STRESN; ``""`` where the dataset has none, or where text and number did not agree.
    indicator : str
        --NRIND, if it said LOW, NORMAL and HIGH as the result lay to its range; else ``""``.
    ranges : tuple of (str, str, str)
        Result, lower and upper limit; the indicator agrees with one of them at least.
    computed : tuple of str
        Tests that have a standard result and never a collected one.
    shortened : mapping of str to int
        Tests whose texts have fewer decimals than the number, and the fewest that at least k subjects have; none with whole texts.
    cut_off : bool
        Whether these texts are cut off rather than rounded.
    """

    kind: ClassVar[str] = "result agreement"

    test: str
    collected: str
    text: str
    number: str
    indicator: str
    ranges: tuple[tuple[str, str, str], ...]
    computed: tuple[str, ...]
    shortened: Mapping[str, int]
    cut_off: bool

    @classmethod
    def fit(cls, dataset: Dataset, structure: DatasetStructure, subject: NDArray[np.int32], k: int) -> ResultAgreement | None:
        """Learn from a dataset whose rows belong to `subject` (n_rows,); None if it holds no findings or nothing agrees."""
        if structure.kind is not Kind.FINDINGS:
            return None
        test, collected, text, number = (structure.named(suffix) for suffix in ("TESTCD", "ORRES", "STRESC", "STRESN"))
        if not text or not number or not isinstance(dataset[text], Text) or _disagree(dataset, text, number).any():
            text = number = ""
        named = (("STRESN", "STNRLO", "STNRHI"), ("ORRES", "ORNRLO", "ORNRHI"))
        trios = [(structure.named(a), structure.named(b), structure.named(c)) for a, b, c in named]
        ranges = tuple(trio for trio in trios if all(trio))
        indicator = structure.named("NRIND")
        if (
            not indicator
            or not isinstance(dataset[indicator], Text)
            or not ranges
            or _misjudged(dataset, indicator, ranges)[0].any()
        ):
            indicator = ""
        computed: tuple[str, ...] = ()
        standard = structure.named("STRESC") or structure.named("STRESN")
        if test and collected and standard:
            codes, levels = column_codes(dataset[test])
            size = len(levels)
            held = np.bincount(codes[~dataset[collected].missing & (codes >= 0)], minlength=size)
            made = np.where(dataset[standard].missing, -1, codes)
            there = np.flatnonzero((held == 0) & (count_subjects(made, subject, size) >= k))
            computed = tuple(str(one) for one in levels.strings()[there].tolist())
        if not text and not indicator and not computed:
            return None
        shortened, cut_off = _shortened(dataset, test, text, number, subject, k) if test and text else ({}, False)
        return cls(test, collected, text, number, indicator, ranges, computed, shortened, cut_off)

    def hold(self, dataset: Dataset) -> Dataset:
        """Set right what does not agree in the rows of a sample, drawn and derived."""
        if self.computed and {self.test, self.collected} <= set(dataset.names):
            tests = dataset.text(self.test)
            gone = np.array([str(level) in self.computed for level in tests.levels.tolist()] + [False])[tests.codes]
            dataset = dataset.with_column(dataset.variable(self.collected), blanked(dataset[self.collected], gone))
        if self.text and {self.text, self.number} <= set(dataset.names):
            column, value = dataset[self.text], dataset.numbers(self.number)
            places = self._places(dataset)
            wrong = (_disagree(dataset, self.text, self.number) & np.isfinite(value)) | _is_short(dataset, self.text, value, places)
            if wrong.any() and isinstance(column, Text):
                spelled = self._spelled(value, np.where(wrong, places, -1), wrong)
                dataset = dataset.with_column(dataset.variable(self.text), chosen(wrong, spelled, column))
        if self.indicator and {self.indicator, *(name for trio in self.ranges for name in trio)} <= set(dataset.names):
            wrong, state, _ = _misjudged(dataset, self.indicator, self.ranges)
            if wrong.any():
                word = Text(np.where(wrong, state, -1).astype(np.int32), np.array(WORDS, object))
                dataset = dataset.with_column(dataset.variable(self.indicator), chosen(wrong, word, dataset[self.indicator]))
        return dataset

    def _places(self, dataset: Dataset) -> Codes:
        """Decimals of the texts of longer numbers, 0 for tests whose texts are not shortened: (n_rows,)."""
        if not self.shortened or self.test not in dataset:
            return np.zeros(dataset.n_rows, np.int64)
        tests = dataset.text(self.test)
        return np.array([*(self.shortened.get(str(level), 0) for level in tests.levels.tolist()), 0], np.int64).take(tests.codes)

    def _spelled(self, value: Floats, places: Codes, rows: Flags) -> Text:
        """Texts of the numbers (n_rows,) of some rows: to the decimals of the test where it shortens longer ones, else in full."""
        texts = np.full(len(value), "", object)
        texts[rows] = Numbers(value[rows]).strings()
        long = _has_more(value, places) & (places > 0)
        for digits in distinct_values(places[long]).tolist():
            mine = np.flatnonzero(long & (places == digits))
            scaled = np.abs(value[mine]) * 10.0**digits
            short = np.floor(scaled + SLACK * np.maximum(scaled, 1)) if self.cut_off else np.floor(scaled + 0.5)
            texts[mine] = [f"{one:.{digits}f}" for one in (np.copysign(short, value[mine]) / 10.0**digits + 0.0).tolist()]
        return Text.of(texts)

    def judged(self, dataset: Dataset) -> Flags:
        """Rows (n_rows,) whose indicator says how the result lies to its range, whatever else it went with in the source."""
        if not self.indicator or not {self.indicator, *(name for trio in self.ranges for name in trio)} <= set(dataset.names):
            return np.zeros(dataset.n_rows, bool)
        return _misjudged(dataset, self.indicator, self.ranges)[2]


def _disagree(dataset: Dataset, text: str, number: str) -> Flags:
    """Rows whose text spells another number, and not the number cut or rounded to the decimals of the text: (n_rows,)."""
    spelled, value = dataset.numbers(text), dataset.numbers(number)
    column = dataset[text]
    assert isinstance(column, Text)
    step = np.array([10.0 ** -_decimals(level) for level in column.levels.tolist()] + [0.0]).take(column.codes)
    known = np.isfinite(spelled) & np.isfinite(value)
    with np.errstate(invalid="ignore"):
        slack = SLACK * np.maximum(np.abs(value), 1)
        above = np.where(value < 0, spelled - value, value - spelled)  # what was cut off
        cut = (above >= -slack) & (above < CUT * step) & (step < 1)  # nobody cuts a number down to a whole one
        rounded = np.abs(above) <= step / 2 + slack
        far = np.where(value == np.rint(value), np.abs(above) > slack, ~cut & ~rounded)
    return np.asarray(known & far, bool)


def _shortened(
    dataset: Dataset, test: str, text: str, number: str, subject: NDArray[np.int32], k: int
) -> tuple[dict[str, int], bool]:
    """Find the tests whose texts have fewer decimals than their numbers, with the fewest of them, and whether they are cut off."""
    spelled, value, decimals = dataset.numbers(text), dataset.numbers(number), _decimals_of(dataset.text(text))
    rows = np.isfinite(spelled) & np.isfinite(value) & _has_more(value, decimals)
    codes, levels = column_codes(dataset[test])
    width = int(decimals.max(initial=0)) + 1
    pair = np.where(rows & (codes >= 0), codes * width + decimals, -1)
    shared = (count_subjects(pair, subject, len(levels) * width) >= k).reshape(len(levels), width)
    places = np.where(shared.any(axis=1), shared.argmax(axis=1), 0)
    found = {str(levels.strings()[at]): int(places[at]) for at in np.flatnonzero(places).tolist()}
    rows &= np.append(places > 0, False)[codes]
    return found, bool(rows.any() and (np.abs(value[rows]) > np.abs(spelled[rows])).all())


def _has_more(value: Floats, decimals: Codes) -> Flags:
    """Whether numbers (n_rows,) have more than so many decimals each."""
    scaled = value * 10.0**decimals
    with np.errstate(invalid="ignore"):
        return np.asarray(np.abs(scaled - np.rint(scaled)) > SLACK * np.maximum(np.abs(scaled), 1), bool)


def _is_short(dataset: Dataset, text: str, value: Floats, places: Codes) -> Flags:
    """Rows (n_rows,) whose text spells a longer number with fewer decimals than the source does."""
    decimals = _decimals_of(dataset.text(text))
    spelled = np.isfinite(dataset.numbers(text)) & np.isfinite(value)
    return spelled & (decimals < places) & _has_more(value, decimals)


def _decimals_of(column: Text) -> Codes:
    """Decimals of the number that each cell spells, 0 for missing ones: (n_rows,)."""
    return np.array([*(_decimals(str(level)) for level in column.levels.tolist()), 0], np.int64).take(column.codes)


def _decimals(text: str) -> int:
    return len(text.partition(".")[2])


def _misjudged(
    dataset: Dataset, indicator: str, ranges: tuple[tuple[str, str, str], ...]
) -> tuple[Flags, NDArray[np.int64], Flags]:
    """Judge rows (n_rows,): agree with no known range; what the first known one says (0 low, 1 normal, 2 high); one is known."""
    column: Column = dataset[indicator]
    assert isinstance(column, Text)
    said = np.array([WORDS.index(level) if level in WORDS else -1 for level in column.levels.tolist()] + [-1]).take(column.codes)
    known, agrees, state = np.zeros(len(said), bool), np.zeros(len(said), bool), np.full(len(said), -1, np.int64)
    for names in ranges:
        value, low, high = (dataset.numbers(name) for name in names)
        slack = SLACK * np.maximum(np.abs(value), 1)
        usable = (said >= 0) & np.isfinite(value) & np.isfinite(low) & np.isfinite(high)
        place = np.where(value < low - slack, 0, np.where(value > high + slack, 2, 1))
        state = np.where(usable & ~known, place, state)
        agrees |= usable & (place == said)
        known |= usable
    return known & ~agrees, state, known
