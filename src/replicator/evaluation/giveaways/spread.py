"""How far results spread: baselines too alike, outliers, and tails that end where the source ends."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from replicator.evaluation.distances import Floats, Ints, count_matrix
from replicator.evaluation.endpoints.baseline import find_baseline
from replicator.evaluation.giveaways.digits import varied_tests
from replicator.evaluation.giveaways.giveaway import Asked, Scale
from replicator.evaluation.giveaways.statistics import Statistic, by_subject, share_of_rows, shared_entries, spread_of_sums
from replicator.evaluation.measures import Direction
from replicator.evaluation.results import Results, characteristics_of, source_positions
from replicator.evaluation.stack import Origin, Stack
from replicator.evaluation.timeline import Timeline
from replicator.rules.grouping import Mask

TOPIC = "spread"
FAR_FENCE = 3.0  # interquartile ranges from the quartiles (J. W. Tukey, Exploratory Data Analysis, Addison-Wesley 1977, section 2D)
FEWEST_OF_TEST = 20  # results of the source, for the fences and extremes of a test
LEAST_SPREAD = 0.5  # of evenly spread positions, under which nearly all baselines of a test are alike
EVEN_SD = 1 / np.sqrt(12.0)  # standard deviation of positions that are evenly spread


def spread_giveaways(stack: Stack, timeline: Timeline, results: tuple[Results, ...]) -> list[Asked]:
    """Ask how far the numbers of all findings datasets, and of the dataset of subjects, spread."""
    found: list[Asked] = []
    ends = []
    for one in results:
        usable = _usable(stack, one)
        found += [_of_baselines(stack, timeline, one, usable), _of_outliers(stack, one, usable, one.dataset)]
        ends.append(_Ends.of(stack, one, usable, one.dataset))
    for one in characteristics_of(stack):
        usable, label = _usable(stack, one), f"{one.dataset} {one.tests[0]}"
        found.append(_of_outliers(stack, one, usable, label))
        ends.append(_Ends.of(stack, one, usable, label))
    return [*found, *_extremes([one for one in ends if one is not None])]


def _usable(stack: Stack, results: Results) -> Mask:
    known = (stack.view.subject(results.dataset) >= 0) & np.isfinite(results.values) & (results.test >= 0)
    return np.asarray(known & np.append(varied_tests(stack, results), False)[results.test])


def _of_baselines(stack: Stack, timeline: Timeline, results: Results, usable: Mask) -> Asked:
    return Asked(
        TOPIC,
        f"{results.dataset} spread of baselines",
        "Do subjects differ at baseline as much as real ones? Standard deviation of ranks; 1 is that of the source.",
        _baselines(stack, timeline, results, usable),
        f"{results.dataset} has no baselines.",
        Scale.RATIO,
    )


def _of_outliers(stack: Stack, results: Results, usable: Mask, label: str) -> Asked:
    question, few = "Is as much beyond Tukey's far fences?", f"{label}: there are no {FEWEST_OF_TEST} numbers that spread."
    return Asked(TOPIC, f"{label} outliers", question, _outliers(stack, results, usable), few, Scale.RARE)


def _baselines(stack: Stack, timeline: Timeline, results: Results, usable: Mask) -> Statistic | None:
    name, subject = results.dataset, stack.view.subject(results.dataset)
    baseline = find_baseline(stack, timeline, name, results.test, results.tests, usable)
    rows = np.unique(baseline.row[baseline.row >= 0])
    if not len(rows):
        return None
    series, who = baseline.series[rows], subject[rows]
    place = source_positions(series, results.values[rows], stack.rows(name, Origin.SOURCE)[rows], len(baseline.names))
    known = np.isfinite(place)
    columns = np.where(known, series, -1)
    values = by_subject(stack, who, np.nan_to_num(place / EVEN_SD), columns, len(baseline.names))
    found = spread_of_sums(stack, values, count_matrix(who, columns, len(stack.origin), len(baseline.names)), baseline.names)
    if found is None:
        return None
    everybody = (stack.origin == Origin.SOURCE)[None]
    varied = np.nan_to_num(found.of(everybody, everybody)[0]) > LEAST_SPREAD
    return replace(found, weights=found.weights * varied)


def _outliers(stack: Stack, results: Results, usable: Mask) -> Statistic | None:
    name = results.dataset
    of_source = usable & stack.rows(name, Origin.SOURCE)
    low, high = _fences(results.test[of_source], results.values[of_source], len(results.tests))
    fenced = usable & (low < high)[results.test]
    beyond = (results.values < low[results.test]) | (results.values > high[results.test])
    labels = tuple(f"{name} {test}" for test in results.tests)
    return share_of_rows(stack, stack.view.subject(name), fenced, beyond, results.test, labels)


def _fences(test: Ints, values: Floats, n_tests: int) -> tuple[Floats, Floats]:
    """Lower and upper far fence of each test (n_tests,); equal to each other where there is no spread or too little is known."""
    order = np.lexsort((values, test))
    n = np.bincount(test, minlength=n_tests)
    start = np.cumsum(n) - n
    ranked = np.append(values[order], 0.0)
    known = n >= FEWEST_OF_TEST
    low, high = (np.where(known, ranked[np.where(known, start + (n - 1) * q // 4, 0)], 0.0) for q in (1, 3))
    return np.where(high > low, low - FAR_FENCE * (high - low), 0.0), np.where(high > low, high + FAR_FENCE * (high - low), 0.0)


def _extremes(ends: list[_Ends]) -> list[Asked]:
    few = f"No test of {FEWEST_OF_TEST} numbers has a spread."
    questions = {
        True: ("extremes reached", "Of the ends of all tests, which share is exactly that of half of the source?", Direction.LOWER),
        False: ("extremes passed", "Of the ends of all tests, which share lies beyond that of half of the source?", Direction.NEAR),
    }
    return [
        Asked(TOPIC, name, question, _ends_statistic(ends, equal=equal) if ends else None, few, direction=direction)
        for equal, (name, question, direction) in questions.items()
    ]


def _ends_statistic(ends: list[_Ends], *, equal: bool) -> Statistic:
    def of(masks: Mask, reference: Mask) -> Floats:
        pairs = zip(masks, reference, strict=True)
        return np.array([[each.compared(one, other, equal=equal) for each in ends] for one, other in pairs])

    return Statistic(
        tuple(each.label for each in ends),
        of,
        np.array([float(len(each.start)) for each in ends]),
        np.array([each.n_subjects for each in ends], np.int64),
        sum(each.rows for each in ends),
    )


class _Ends:
    """Extremes of each subject and test, from which those of any set of subjects follow.

    Each test has two entries: its greatest values, and its smallest with their sign turned.
    """

    def __init__(self, label: str, subject: Ints, entry: Ints, value: Floats, n_subjects: int, rows: int) -> None:
        order = np.argsort(entry, kind="stable")
        self.subject, self.entry, self.value = subject[order], entry[order], value[order]
        self.start = np.flatnonzero(np.append(True, np.diff(self.entry) != 0))
        self.label, self.n_subjects, self.rows = label, n_subjects, rows

    @classmethod
    def of(cls, stack: Stack, results: Results, usable: Mask, label: str) -> _Ends | None:
        """Find the extremes; None where no test has enough numbers that differ."""
        name, subject, n_tests = results.dataset, stack.view.subject(results.dataset), len(results.tests)
        of_source = usable & stack.rows(name, Origin.SOURCE)
        n = np.bincount(results.test[of_source], minlength=n_tests)
        low, high = _fences(results.test[of_source], results.values[of_source], n_tests)
        kept, behind = shared_entries(stack, count_matrix(subject, np.where(usable, results.test, -1), len(stack.origin), n_tests))
        shared = np.zeros(n_tests, bool)
        shared[kept] = True
        used = np.flatnonzero((n >= FEWEST_OF_TEST) & (high > low) & shared)
        if not len(used):
            return None
        place = np.full(n_tests + 1, -1, np.int64)
        place[used] = np.arange(len(used))
        rows = np.flatnonzero(usable & (place[results.test] >= 0))
        parts = []
        for side, sign in enumerate((1.0, -1.0)):
            value, entry, who = sign * results.values[rows], place[results.test[rows]] + side * len(used), subject[rows]
            order = np.lexsort((value, who, entry))
            last = np.append((np.diff(entry[order]) != 0) | (np.diff(who[order]) != 0), True)
            parts.append((who[order][last], entry[order][last], value[order][last]))
        who, entry, value = (np.concatenate(part) for part in zip(*parts, strict=True))
        return cls(label, who, entry, value, int(behind.max()), int(n[used].sum()))

    def compared(self, one: Mask, other: Mask, *, equal: bool) -> float:
        """Share of the ends of a set of subjects that are equal to those of another, or beyond them."""
        first, second = self._ends(one), self._ends(other)
        known = np.isfinite(first) & np.isfinite(second)
        if not known.any():
            return np.nan
        return float(((first == second) if equal else (first > second))[known].mean())

    def _ends(self, mask: Mask) -> Floats:
        return np.maximum.reduceat(np.where(mask[self.subject], self.value, -np.inf), self.start)
