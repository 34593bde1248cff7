"""Tests: their results, and their course over the planned times by arm."""

from __future__ import annotations

import numpy as np
import pandas as pd

from replicator.evaluation.distances import Floats, Ints
from replicator.evaluation.pictures.distributions import number_distribution, text_distribution
from replicator.evaluation.pictures.shapes import NO_MAP, ArmCourse, Band, Distribution, Map, Row, TestPicture
from replicator.evaluation.results import Results, results_of
from replicator.evaluation.sharing import FEWEST_SHARED, shared_arms, shared_text, source_subjects
from replicator.evaluation.stack import Origin, Stack
from replicator.evaluation.timeline import Timeline
from replicator.evaluation.visit_cells import planned_times
from replicator.rules.grouping import Mask

MOST_TIMES = 40  # of one test, those with most subjects
MOST_MEASURED = 60  # tests of a map


def test_pictures(stack: Stack, timeline: Timeline, name: str) -> tuple[tuple[TestPicture, ...], Map]:
    """Draw the tests of a findings dataset that five subjects of the source have, and the map of who is measured when."""
    results = results_of(stack, name)
    if results is None:
        return (), NO_MAP
    behind = source_subjects(stack, name, np.where(np.isfinite(results.values), results.test, -1), len(results.tests))
    order = [int(i) for i in np.argsort(-behind, kind="stable") if behind[i] >= FEWEST_SHARED]
    time, times = planned_times(stack, timeline, name)
    courses = _Courses(stack, results, time, times)
    of_test = _row_index(results.test, len(results.tests))
    words = _words(stack, name, results)
    drawn = []
    for test in order:
        at, bands = courses.of(test)
        drawn.append(
            TestPicture(
                results.tests[test],
                words[0][test],
                words[1][test],
                int(behind[test]),
                _distribution(stack, results, test, of_test[test]),
                tuple(times[i] for i in at),
                bands,
            )
        )
    return tuple(drawn), courses.measured(order[:MOST_MEASURED])


def _row_index(test: Ints, n_tests: int) -> list[Ints]:
    """Rows of each test."""
    order = np.argsort(test, kind="stable")
    at = np.searchsorted(test[order], np.arange(n_tests + 1))
    return [order[at[i] : at[i + 1]] for i in range(n_tests)]


def _words(stack: Stack, name: str, results: Results) -> tuple[list[str], list[str]]:
    """Name and unit of each test."""
    found = []
    for suffixes in (("TEST",), ("STRESU", "ORRESU")):
        variable = next((one for suffix in suffixes if (one := stack.view.named(name, suffix))), "")
        none = [""] * len(results.tests)
        text = stack.view.text(name, variable) if variable else None
        found.append(none if text is None else shared_text(stack, name, results.test, len(results.tests), text))
    return found[0], found[1]


def _distribution(stack: Stack, results: Results, test: int, rows: Ints) -> Distribution | None:
    if results.measured[test]:
        return number_distribution(stack, results.dataset, results.values, rows)
    view = stack.view
    variable = view.named(results.dataset, "STRESC") or view.named(results.dataset, "ORRES")
    return text_distribution(stack, results.dataset, view.text(results.dataset, variable), rows)


class _Courses:
    """Means over times by arm, for all tests of a dataset at once."""

    def __init__(self, stack: Stack, results: Results, time: Ints, times: list[str]) -> None:
        self.results, self.times = results, times
        self.arms = (("", np.ones(len(stack.origin), bool)), *shared_arms(stack))
        self.n = {origin: int((stack.origin == origin).sum()) for origin in (Origin.SOURCE, Origin.SAMPLE)}
        subject = stack.view.subject(results.dataset)
        known = np.isfinite(results.values) & (results.test >= 0) & (subject >= 0)
        cell = results.test[known] * len(times) + time[known]
        person = pd.DataFrame({"cell": cell, "subject": subject[known], "value": results.values[known]})
        means = person.groupby(["cell", "subject"], sort=False)["value"].mean()
        who = means.index.get_level_values("subject").to_numpy(np.int64)
        self._cell = means.index.get_level_values("cell").to_numpy(np.int64)
        self._value = means.to_numpy(np.float64)
        size = len(results.tests) * len(times)
        self._sums = {
            (arm, origin): self._summed(np.asarray((stack.origin[who] == origin) & members[who]), size)
            for arm, members in self.arms
            for origin in self.n
        }

    def _summed(self, rows: Mask, size: int) -> tuple[Floats, Floats, Floats]:
        """Count, mean and standard deviation of each cell."""
        cell, value = self._cell[rows], self._value[rows]
        n = np.bincount(cell, minlength=size)
        mean = np.bincount(cell, value, minlength=size) / np.maximum(n, 1)
        squares = np.bincount(cell, (value - mean[cell]) ** 2, minlength=size)
        return n.astype(np.float64), mean, np.sqrt(squares / np.maximum(n - 1, 1))

    def of(self, test: int) -> tuple[list[int], tuple[ArmCourse, ...]]:
        """Times at which five subjects of the source were measured, and the course of each arm; none of words."""
        first = test * len(self.times)
        everybody = self._sums["", Origin.SOURCE][0][first : first + len(self.times)]
        at = np.flatnonzero(everybody >= FEWEST_SHARED)
        if len(at) > MOST_TIMES:
            at = np.sort(at[np.argsort(-everybody[at], kind="stable")[:MOST_TIMES]])
        if len(at) < 2 or not self.results.measured[test]:
            return [], ()
        shown = self.arms[1:] or self.arms
        return at.tolist(), tuple(
            ArmCourse(arm, self._band(arm, Origin.SOURCE, first + at), self._band(arm, Origin.SAMPLE, first + at))
            for arm, _ in shown
        )

    def _band(self, arm: str, origin: Origin, cells: Ints) -> Band:
        n, mean, sd = (numbers[cells] for numbers in self._sums[arm, origin])
        shown = n >= FEWEST_SHARED if origin is Origin.SOURCE else n >= 1
        return Band(_row(mean, shown), _row(sd, shown & (n > 1)), tuple(int(i) for i in np.where(shown, n, 0)))

    def measured(self, tests: list[int]) -> Map:
        """Share of all subjects measured at each time; times at which five subjects of the source were."""
        places = np.array(tests, np.int64)[:, None] * len(self.times) + np.arange(len(self.times))
        if not places.size or len(self.times) < 2:
            return NO_MAP
        source, sample = (self._sums["", origin][0][places] for origin in (Origin.SOURCE, Origin.SAMPLE))
        at = np.flatnonzero((source >= FEWEST_SHARED).any(axis=0))[: 2 * MOST_TIMES]
        seen = source[:, at] >= FEWEST_SHARED
        shares = source[:, at] / self.n[Origin.SOURCE], sample[:, at] / max(self.n[Origin.SAMPLE], 1)
        return Map(
            tuple(self.results.tests[test] for test in tests),
            tuple(self.times[i] for i in at.tolist()),
            tuple(_row(share, shown | (share == 0)) for share, shown in zip(shares[0], seen, strict=True)),
            tuple(_row(share, np.ones(len(share), bool)) for share in shares[1]),
        )


def _row(values: Floats, shown: Mask) -> Row:
    return tuple(float(value) if known else None for value, known in zip(values.tolist(), shown.tolist(), strict=True))
