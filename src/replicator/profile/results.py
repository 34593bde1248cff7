"""Profiles of tests: results of findings by test, their spread between and within subjects, their course over visits by arm."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from replicator.profile.cohort import Cohort
from replicator.profile.protected import count_subjects, protected_levels, protected_quantiles, rounded, settled, told
from replicator.profile.roles import decimals_of
from replicator.profile.structure import Content, DatasetStructure, Kind, Role
from replicator.profile.study_profile import Course, ResultProfile
from replicator.tables.dataset import Column, Dataset, Text, number_text

_FEW_NUMBERS = 12  # tests with so few distinct numbers are scores: their levels are shown as well
_NUMERIC = 0.5  # share of numbers from which a test has quantiles
_MOST_LEVELS = 30


@dataclass(frozen=True, eq=False)
class _Results:
    """Results of all rows: the test of each (position in `codes`), its number if it is one, its text."""

    codes: tuple[str, ...]
    test: NDArray[np.int64]
    number: NDArray[np.float64]
    text: Text
    filled: NDArray[np.bool_]


def profile_results(
    dataset: Dataset, structure: DatasetStructure, rows: NDArray[np.int64], cohort: Cohort, k: int
) -> tuple[tuple[ResultProfile, ...], int]:
    """Profile the tests of a findings dataset, or the variables of a SUPP--.

    Returns
    -------
    tests : tuple of ResultProfile
        Those that at least `k` subjects have, in the order of their codes.
    n_rare : int
        Tests that fewer subjects have.
    """
    results = _results(dataset, structure)
    if results is None:
        return (), 0
    results = replace(results, number=settled(results.number, results.test, rows, k))
    holders = count_subjects(results.test, rows, len(results.codes))
    wanted = np.flatnonzero(holders >= k)
    order = np.argsort(results.test, kind="stable")
    starts = np.searchsorted(results.test[order], np.arange(len(results.codes) + 1))
    courses = _Courses.of(dataset, structure, results, rows, cohort, k)
    profiles = [
        _profile_test(dataset, structure, results, order[starts[i] : starts[i + 1]], rows, k, courses, int(i))
        for i in wanted.tolist()
    ]
    return tuple(profiles), int((holders > 0).sum() - len(wanted))


def topic_of(structure: DatasetStructure) -> str:
    """Name of the variable that holds the test or term of a row; ``""`` if there is none."""
    topics = structure.with_role(Role.TOPIC)
    if topics:
        return topics[0]
    return structure.named("TEST")


def result_numbers(dataset: Dataset, structure: DatasetStructure) -> tuple[Text, NDArray[np.float64]] | None:
    """Return the test of each row and its result as a number (NaN if it is none); ``None`` where rows have no test or result."""
    results = _results(dataset, structure)
    return None if results is None else (Text(results.test.astype(np.int32), np.array(results.codes, object)), results.number)


def _results(dataset: Dataset, structure: DatasetStructure) -> _Results | None:
    topic = topic_of(structure)
    columns = [name for name in structure.with_role(Role.RESULT) if structure.variable(name).content is not Content.EMPTY]
    if not topic or not columns or not dataset.n_rows:
        return None
    test = dataset.text(topic).compact()
    codes = tuple(str(level) for level in test.levels)
    if test.missing.any():
        codes = (*codes, "")
    column = np.where(test.codes < 0, len(test.levels), test.codes).astype(np.int64)
    in_order = ("STRESN", "AVAL", "STRESC", "AVALC", "QVAL", "ORRES")
    ranked = sorted(columns, key=lambda name: next((i for i, end in enumerate(in_order) if name.endswith(end)), len(in_order)))
    number = dataset.numbers(ranked[0])
    texts = [name for name in ranked if isinstance(dataset[name], Text)]
    text = dataset.text(texts[0] if texts else ranked[0])
    if len(ranked) > 1:  # a numeric column is filled where the text is a number
        parsed = dataset.numbers(texts[0]) if texts else number
        number = np.where(np.isnan(number), parsed, number)
    return _Results(codes, column, number, text, ~text.missing | ~np.isnan(number))


def _profile_test(
    dataset: Dataset,
    structure: DatasetStructure,
    results: _Results,
    here: NDArray[np.intp],
    rows: NDArray[np.int64],
    k: int,
    courses: _Courses,
    test: int,
) -> ResultProfile:
    subject, number, filled = rows[here], results.number[here], results.filled[here]
    numeric = ~np.isnan(number)
    share = float(numeric.sum() / filled.sum()) if filled.any() else 0.0
    distinct = np.unique(number[numeric])
    quantiles = protected_quantiles(number, subject, k) if share >= _NUMERIC else None
    levels = None
    if share < 1.0 or len(distinct) <= _FEW_NUMBERS:
        text = results.text.take(here).compact()
        levels = protected_levels(text.codes.astype(np.int64), [str(level) for level in text.levels], subject, k, _MOST_LEVELS)
    between, within = _components(number[numeric], subject[numeric]) if quantiles is not None else (None, None)
    return ResultProfile(
        code=results.codes[test],
        name=_common(dataset, here, subject, k, structure.named("TEST") or ("QLABEL" if "QLABEL" in dataset else "PARAM")),
        category=_common(dataset, here, subject, k, structure.named("CAT")),
        unit=_common(dataset, here, subject, k, structure.named("STRESU") or structure.named("ORRESU")),
        n_rows=len(here),
        n_subjects=len(np.unique(subject)),
        n_missing=int((~filled).sum()),
        share_numeric=rounded(share),
        decimals=decimals_of(distinct) if quantiles is not None else 0,
        quantiles=quantiles,
        levels=levels,
        sd_between=between,
        sd_within=within,
        course=courses.course(test) if quantiles is not None else None,
    )


def _common(dataset: Dataset, here: NDArray[np.intp], subject: NDArray[np.int64], k: int, name: str) -> str:
    """Return the most frequent text of a variable among some rows, if at least `k` subjects have it."""
    if not name or name not in dataset:
        return ""
    column = dataset.text(name).take(here).compact()
    shared = protected_levels(column.codes.astype(np.int64), [str(level) for level in column.levels], subject, k, 1).shared
    return shared[0].value if shared else ""


def _components(number: NDArray[np.float64], subject: NDArray[np.int64]) -> tuple[float | None, float | None]:
    """Estimate the spread between and within subjects by the moments of a one-way analysis of variance, unequal group sizes.

    Within: the mean square about the subjects' means. Between: (mean square of the subjects' means - within) / n0, with
    n0 = (N - sum of n_i squared / N) / (groups - 1); not below 0 (Searle, Casella and McCulloch 1992, 3.6).
    """
    _, code = np.unique(subject, return_inverse=True)
    size = np.bincount(code)
    groups, total = len(size), len(number)
    if groups < 2 or total < 1.2 * groups:
        return None, None
    mean = np.bincount(code, number) / size
    within = float(((number - mean[code]) ** 2).sum() / (total - groups))
    between = float((size * (mean - number.mean()) ** 2).sum() / (groups - 1))
    usual = (total - float((size**2).sum()) / total) / (groups - 1)
    components = np.sqrt([max(0.0, (between - within) / usual), within])
    low, high = told(components, components, groups).tolist()
    return low, high


@dataclass(frozen=True, eq=False)
class _Courses:
    """Counts, sums and sums of squares of all tests by arm and visit, (tests, arms, visits) each; sums about the test's mean."""

    arms: tuple[str, ...]
    visits: tuple[str, ...]
    n_subjects: NDArray[np.int64]
    n: NDArray[np.int64]
    total: NDArray[np.float64]
    squares: NDArray[np.float64]
    center: NDArray[np.float64]
    k: int

    @classmethod
    def of(
        cls, dataset: Dataset, structure: DatasetStructure, results: _Results, rows: NDArray[np.int64], cohort: Cohort, k: int
    ) -> _Courses:
        """Count over the visits that at least `k` subjects attended."""
        names, visit = _visits(dataset, structure, rows, k)
        arm = np.append(cohort.arm, -1)[rows]
        use = (visit >= 0) & (arm >= 0) & ~np.isnan(results.number)
        shape = (len(results.codes), len(cohort.arms), len(names))
        size = int(np.prod(shape))
        cell = (results.test[use] * shape[1] + arm[use]) * shape[2] + visit[use]
        number, test = results.number[use], results.test[use]
        count = np.bincount(test, minlength=shape[0])
        center = np.bincount(test, number, minlength=shape[0]) / np.maximum(count, 1)
        apart = number - center[test]
        return cls(
            cohort.arms,
            names,
            count_subjects(cell, rows[use], size).reshape(shape),
            np.bincount(cell, minlength=size).reshape(shape),
            np.bincount(cell, apart, minlength=size).reshape(shape).astype(np.float64),
            np.bincount(cell, apart**2, minlength=size).reshape(shape).astype(np.float64),
            center,
            k,
        )

    def course(self, test: int) -> Course | None:
        """Return one test's course; ``None`` with fewer than two visits."""
        enough = self.n_subjects[test] >= self.k
        arms, visits = np.flatnonzero(enough.any(axis=1)), np.flatnonzero(enough.any(axis=0))
        if len(visits) < 2:
            return None
        part = np.ix_(arms, visits)
        n, known = np.maximum(self.n[test][part], 1), enough[part]
        mean = self.total[test][part] / n
        sd = np.sqrt(np.maximum(self.squares[test][part] - n * mean**2, 0) / np.maximum(n - 1, 1))
        return Course(
            tuple(self.arms[i] for i in arms.tolist()),
            tuple(self.visits[i] for i in visits.tolist()),
            tuple(
                tuple(int(v) if ok else None for v, ok in zip(row, oks, strict=True))
                for row, oks in zip(self.n_subjects[test][part].tolist(), known.tolist(), strict=True)
            ),
            _open_table(told(mean + self.center[test], sd, self.n_subjects[test][part]), known),
            _open_table(told(sd, sd, self.n_subjects[test][part]), known),
        )


def _open_table(table: NDArray[np.float64], known: NDArray[np.bool_]) -> tuple[tuple[float | None, ...], ...]:
    return tuple(
        tuple(value if ok else None for value, ok in zip(row, oks, strict=True))
        for row, oks in zip(table.tolist(), known.tolist(), strict=True)
    )


def _visits(
    dataset: Dataset, structure: DatasetStructure, rows: NDArray[np.int64], k: int
) -> tuple[tuple[str, ...], NDArray[np.int64]]:
    """Return the visits that at least `k` subjects attended, in their order, and the visit of each row (-1 for others)."""
    if structure.kind is not Kind.FINDINGS:
        return (), np.full(dataset.n_rows, -1, np.int64)
    names = [n for n in ("VISITNUM", "AVISITN", "VISIT", "AVISIT", structure.named("TPTNUM")) if n in dataset]
    names += [name for name in structure.with_role(Role.VISIT, Role.TIMEPOINT) if name not in names]
    name = next((name for name in names if structure.variable(name).n_levels > 1), "")
    if not name:
        return (), np.full(dataset.n_rows, -1, np.int64)
    label = {"VISITNUM": "VISIT", "AVISITN": "AVISIT", structure.named("TPTNUM"): structure.named("TPT")}.get(name, name)
    column = dataset[name]
    values = np.round(column.values, 9) if not isinstance(column, Text) else column.compact().codes.astype(np.float64)
    values = np.where(column.missing, np.nan, values)
    used, code = np.unique(values, return_inverse=True)
    used = used[~np.isnan(used)]
    code = np.where(np.isnan(values), -1, code)
    holders = count_subjects(code[code >= 0], rows[code >= 0], len(used))
    kept = np.flatnonzero(holders >= k)
    named = _shared_names(dataset.text(label if label in dataset else name), code, rows, len(used), k)
    position = np.full(len(used) + 1, -1, np.int64)
    position[kept] = np.arange(len(kept))
    texts = [named[i] or _written(used[i], column) for i in kept.tolist()]
    return tuple(texts), position[code]


def _shared_names(text: Text, code: NDArray[np.int64], rows: NDArray[np.int64], n: int, k: int) -> list[str]:
    """Name of each code (n,) by which most of at least `k` subjects call it; ``""`` where no name is shared by so many."""
    text = text.compact()
    width = max(len(text.levels), 1)
    use = (code >= 0) & ~text.missing
    pair = code[use] * width + text.codes[use]
    holders = count_subjects(pair, rows[use], n * width).reshape(n, width)
    best = holders.argmax(axis=1)
    return (
        [str(text.levels[j]) if holders[i, j] >= k else "" for i, j in enumerate(best.tolist())] if len(text.levels) else [""] * n
    )


def _written(value: float, column: Column) -> str:
    """Write a value of a column as it stands there, or the text that a code stands for."""
    return str(column.compact().levels[int(value)]) if isinstance(column, Text) else number_text(value)
