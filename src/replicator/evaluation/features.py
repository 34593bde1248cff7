"""One row of numbers for each subject: who it is, how long it stayed, what it had and how it was measured."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from replicator.evaluation.columns import FEW_NUMBERS
from replicator.evaluation.distances import Floats, Ints, count_matrix
from replicator.evaluation.occurrences import CLASSES, TERMS, frequent_terms
from replicator.evaluation.results import results_of
from replicator.evaluation.retention import visits_per_subject
from replicator.evaluation.sharing import enough_subjects, shared_rows
from replicator.evaluation.stack import Origin, Stack
from replicator.evaluation.timeline import Timeline, per_subject
from replicator.profile.structure import Kind, Role
from replicator.rules.grouping import Mask
from replicator.tables.dataset import Numbers

SHARE = 0.05  # of the source's subjects, for a category, term or test to be a feature
MOST_LEVELS = 12  # of one variable
MOST_TERMS = 40  # of one dataset
MOST_TESTS = 80  # of one dataset
_DAYS = 1 << 24  # more than any two dates lie apart
STUDY = "study"  # where a feature of no single dataset comes from

NO_FEATURE = (Role.IDENTIFIER, Role.SUBJECT, Role.SEQUENCE, Role.RECORD_ID, Role.DATE, Role.TIMEPOINT)
_SHARES = (Role.QUALIFIER, Role.EPOCH, Role.GROUPING)  # variables whose levels are told as a share of the subject's rows


@dataclass(frozen=True, eq=False)
class FeatureTable:
    """Features of subjects.

    Attributes
    ----------
    names : tuple of str
        (n_features,), in words, such as ``LB ALT level``.
    datasets : tuple of str
        (n_features,) where each comes from; ``study`` if from several.
    values : (n_subjects, n_features) float64
        NaN where a subject has none.
    levels : (n_features,) bool
        Whether it is a number that was found, of the subject or as the mean of a test; not how often, when, or what else.
    """

    names: tuple[str, ...]
    datasets: tuple[str, ...]
    values: Floats
    levels: Mask

    def take(self, kept: Ints) -> FeatureTable:
        """Keep the features given by position."""
        return FeatureTable(
            tuple(self.names[i] for i in kept.tolist()),
            tuple(self.datasets[i] for i in kept.tolist()),
            self.values[:, kept],
            self.levels[kept],
        )


class Columns:
    """Features in the making; :meth:`table` has those that vary in the source and repeat no earlier one."""

    def __init__(self) -> None:
        self.found: list[tuple[str, str, Floats, bool]] = []

    def add(self, dataset: str, name: str, values: Floats, *, level: bool = False) -> None:
        """Add a feature of a dataset, (n_subjects,)."""
        self.add_named(dataset, name if dataset == STUDY else f"{dataset} {name}", values, level=level)

    def add_named(self, dataset: str, name: str, values: Floats, *, level: bool = False) -> None:
        """Add a feature whose name tells its dataset."""
        self.found.append((dataset, name, np.asarray(values, np.float64), level))

    def table(self, of_source: Mask) -> FeatureTable:
        """Put them side by side; `of_source` is a mask over subjects."""
        datasets, names, values, levels = zip(*self.found, strict=True) if self.found else ((), (), (), ())
        rows = np.column_stack(values) if values else np.empty((len(of_source), 0))
        return _telling(FeatureTable(names, datasets, rows, np.array(levels, bool)), of_source)


def feature_table(stack: Stack, timeline: Timeline) -> FeatureTable:
    """Describe every subject of the stack.

    Categories, terms and tests become features where a twentieth of the source's subjects share them, never fewer than five.
    Features that do not vary in the source, or say the same as an earlier one for everybody, are left out.
    """
    columns = Columns()
    view, n = stack.view, len(stack.origin)
    columns.add(STUDY, "days in the study", timeline.end_of_participation())
    columns.add(STUDY, "calendar day of the reference", timeline.reference)
    visits = visits_per_subject(stack)
    if visits is not None:
        columns.add(STUDY, "visits", visits)
    for name in view.names:
        kind = view.facts(name).kind
        if kind is Kind.REFERENCE or not (view.subject(name) >= 0).any():
            continue
        if kind is Kind.SUBJECTS:
            _of_subjects(columns, stack, timeline, name)
            continue
        columns.add(name, "rows", np.bincount(view.subject(name)[view.subject(name) >= 0], minlength=n).astype(np.float64))
        if kind in (Kind.LINKS, Kind.QUALIFIERS):
            continue
        _of_days(columns, stack, timeline, name)
        _of_variables(columns, stack, name)
        if kind is Kind.FINDINGS:
            _of_tests(columns, stack, timeline, name)
        elif kind in (Kind.EVENTS, Kind.INTERVENTIONS):
            _of_terms(columns, stack, timeline, name)
        elif kind is Kind.SCHEDULE:
            _of_schedule(columns, stack, timeline, name)
    return columns.table(stack.origin == Origin.SOURCE)


def subject_means(stack: Stack, name: str, values: Floats) -> Floats:
    """Mean of each subject's finite values in a dataset: (n_subjects,), NaN without one."""
    subject = stack.view.subject(name)
    return _means(values, np.where(np.isfinite(values), subject, -1), len(stack.origin))


def _means(values: Floats, groups: Ints, n_groups: int) -> Floats:
    known = groups >= 0
    n = np.bincount(groups[known], minlength=n_groups)
    total = np.bincount(groups[known], values[known], minlength=n_groups)
    return np.where(n > 0, total / np.maximum(n, 1), np.nan)


def is_number(values: Floats) -> bool:
    """Whether values are too many to be told one by one as categories."""
    return len(pd.unique(values[np.isfinite(values)])) > FEW_NUMBERS


def _of_subjects(columns: Columns, stack: Stack, timeline: Timeline, name: str) -> None:
    """Numbers, dates relative to the reference, and an indicator of each frequent category."""
    view, of_source = stack.view, stack.rows(name, Origin.SOURCE)
    subject = view.subject(name)
    for variable in view.date_variables(name):
        day = view.dates(name, variable).full_day - np.append(timeline.reference, np.nan)[subject]
        columns.add(name, f"{variable} day", subject_means(stack, name, day))
        columns.add(name, f"{variable} given", subject_means(stack, name, view.filled(name, variable).astype(np.float64)))
    for variable in (
        one.name for one in view.facts(name).variables if one.role not in NO_FEATURE and one.name in view.dataset(name)
    ):
        column = view.dataset(name)[variable]
        if isinstance(column, Numbers) and is_number(column.values[of_source]):
            columns.add(name, variable, subject_means(stack, name, column.values), level=True)
            continue
        add_indicators(columns, stack, name, variable)


def add_indicators(columns: Columns, stack: Stack, name: str, variable: str) -> None:
    """Share of a subject's rows that have each frequent level of a variable."""
    text = stack.view.text(name, variable)
    fewest = enough_subjects(stack, SHARE)
    kept, place, _ = shared_rows(stack, name, text.codes.astype(np.int64), len(text.levels), fewest, MOST_LEVELS)
    subject, n = stack.view.subject(name), len(stack.origin)
    rows = np.bincount(subject[subject >= 0], minlength=n)[:, None]
    counts = count_matrix(subject, place, n, len(kept)).toarray()
    shares = np.where(rows > 0, counts / np.maximum(rows, 1), np.nan)
    for i, code in enumerate(kept.tolist()):
        columns.add(name, f"{variable} {text.levels[code]}", shares[:, i])


def _of_days(columns: Columns, stack: Stack, timeline: Timeline, name: str) -> None:
    n, subject, start = len(stack.origin), stack.view.subject(name), timeline.start(name)
    if np.isfinite(start).any():
        columns.add(name, "first day", per_subject(np.fmin, start, subject, n))
        columns.add(name, "last day", per_subject(np.fmax, start, subject, n))
        known = (subject >= 0) & np.isfinite(start)
        pairs = np.unique(subject[known] * _DAYS + np.clip(start[known].astype(np.int64), -_DAYS // 2, _DAYS // 2 - 1) + _DAYS // 2)
        columns.add(name, "distinct days", np.bincount(pairs // _DAYS, minlength=n).astype(np.float64))


def _of_variables(columns: Columns, stack: Stack, name: str) -> None:
    """Share of missing cells of each variable, share of each frequent level, mean of each number."""
    view, of_source = stack.view, stack.rows(name, Origin.SOURCE)
    for one in view.facts(name).variables:
        if one.name not in view.dataset(name) or one.role in (Role.IDENTIFIER, Role.SUBJECT, Role.SEQUENCE):
            continue
        filled = view.filled(name, one.name)
        share = float(filled[of_source].mean()) if of_source.any() else 0.0
        if 0.0 < share < 1.0:
            columns.add(name, f"{one.name} missing", subject_means(stack, name, (~filled).astype(np.float64)))
        if one.role in _SHARES and share > 0.0:
            column = view.dataset(name)[one.name]
            if isinstance(column, Numbers) and is_number(column.values[of_source]):
                columns.add(name, f"{one.name} mean", subject_means(stack, name, column.values))
            else:
                add_indicators(columns, stack, name, one.name)


def _of_tests(columns: Columns, stack: Stack, timeline: Timeline, name: str) -> None:
    """Level, spread, change from first to last, and number of results of each frequent test."""
    results = results_of(stack, name)
    if results is None:
        return
    n, subject = len(stack.origin), stack.view.subject(name)
    test = np.where(np.isfinite(results.values), results.test, -1)
    fewest = enough_subjects(stack, SHARE)
    kept, place, _ = shared_rows(stack, name, test, len(results.tests), fewest, MOST_TESTS)
    rows = np.flatnonzero((place >= 0) & (subject >= 0))
    rows = rows[np.lexsort((_times(stack, timeline, name)[rows], subject[rows], place[rows]))]
    values, group = results.values[rows], place[rows] * n + subject[rows]
    count = np.bincount(group, minlength=len(kept) * n).astype(np.float64)
    level = _means(values, group, len(count))
    squares = _means((values - level[group]) ** 2, group, len(count))
    spread = np.where(count > 1, np.sqrt(squares * count / np.maximum(count - 1, 1)), np.nan)
    change = np.full(len(count), np.nan)
    if len(rows):
        first = np.flatnonzero(np.append(True, group[1:] != group[:-1]))
        last = np.append(first[1:], len(group)) - 1
        change[group[first]] = np.where(last > first, values[last] - values[first], np.nan)
    for what, numbers in (("level", level), ("spread", spread), ("change", change), ("results", count)):
        for i, of_test in enumerate(numbers.reshape(len(kept), n)):
            columns.add(name, f"{results.tests[int(kept[i])]} {what}", of_test, level=what == "level")


def _times(stack: Stack, timeline: Timeline, name: str) -> Floats:
    """Order of the rows of a subject: by day, else by visit, else as they stand (n_rows,)."""
    start = timeline.start(name)
    if np.isfinite(start).any():
        return start
    dataset = stack.view.dataset(name)
    visit = next((one for one in ("VISITNUM", "AVISITN") if one in dataset), "")
    return dataset.numbers(visit) if visit else np.arange(dataset.n_rows, dtype=np.float64)


def _of_terms(columns: Columns, stack: Stack, timeline: Timeline, name: str) -> None:
    """Rows of each frequent term and class, mean duration, share that has ended."""
    for suffixes in (TERMS, CLASSES):
        terms = frequent_terms(stack, name, suffixes, SHARE, MOST_TERMS)
        if terms is not None:
            dense = terms.rows.toarray()
            for i, term in enumerate(terms.names):
                columns.add_named(name, f"{term} rows", dense[:, i])
    lasted = timeline.end(name) - timeline.start(name)
    if np.isfinite(lasted).any():
        columns.add(name, "mean duration", subject_means(stack, name, lasted))


def _of_schedule(columns: Columns, stack: Stack, timeline: Timeline, name: str) -> None:
    """Days between visits: mean and spread; distance from the planned day: mean and spread."""
    start, subject = timeline.start(name), stack.view.subject(name)
    rows = np.flatnonzero((subject >= 0) & np.isfinite(start))
    rows = rows[np.lexsort((start[rows], subject[rows]))]
    same = subject[rows][1:] == subject[rows][:-1]
    gap = np.full(len(start), np.nan)
    gap[rows[1:][same]] = np.diff(start[rows])[same]
    off = np.full(len(start), np.nan)
    if "VISITDY" in stack.view.dataset(name):
        planned = stack.view.dataset(name).numbers("VISITDY")
        off = start - np.where(planned > 0, planned - 1, planned)
    for what, days in (("days between visits", gap), ("days off the plan", off)):
        if np.isfinite(days).any():
            mean = subject_means(stack, name, days)
            columns.add(name, f"{what}, mean", mean)
            columns.add(
                name, f"{what}, spread", np.sqrt(subject_means(stack, name, (days - np.append(mean, np.nan)[subject]) ** 2))
            )


def _telling(table: FeatureTable, of_source: Mask) -> FeatureTable:
    """Leave out what does not vary in the source and what repeats an earlier feature."""
    seen: set[bytes] = set()
    kept = []
    for i, column in enumerate(table.values.T):
        key = np.ascontiguousarray(column).tobytes()
        if key not in seen and len(pd.unique(column[of_source])) > 1:
            kept.append(i)
        seen.add(key)
    return table.take(np.array(kept, np.int64))
