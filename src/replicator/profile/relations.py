"""Relations: variables of the same rows, numbers of the same subjects across datasets, dates before and after other dates."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from replicator.heavy import pandas as pd
from replicator.profile.coding import codes_of
from replicator.profile.cohort import ARMS, Cohort
from replicator.profile.protected import count_subjects, rounded
from replicator.profile.results import result_numbers
from replicator.profile.structure import Content, DatasetStructure, Kind, Role, StudyStructure
from replicator.profile.study_profile import Association, DateOrder
from replicator.tables.dataset import Dataset, Numbers, Study, Text
from replicator.tables.dates import parse_dates

_MOST_LEVELS = 30  # of a category whose associations are looked at
_MOST_CATEGORIES = 16  # a dataset
_WEAKEST_V = 0.2
_FEWEST_SUBJECTS = 20  # for a rank correlation
_STANDARD_ERRORS = 4.0  # a rank correlation must be so many away from 0, since thousands are looked at
_PER_PAIR_OF_DATASETS = 8  # the strongest are named
_NEARLY_ALWAYS = 0.9  # share of pairs of dates in one order, from which the order is named
_MARKS = ("RFICDTC", "RFSTDTC", "RFXSTDTC", "RFENDTC", "RFXENDTC", "RFPENDTC", "DTHDTC", "TRTSDT", "TRTEDT")


def find_row_associations(dataset: Dataset, structure: DatasetStructure) -> tuple[Association, ...]:
    """Find categories of a dataset that go together, strongest first; pairs that follow from each other exactly are left out.

    The measure is Cramér's V with the bias correction of Bergsma (2013), J. Korean Stat. Soc. 42, 323-328; missing is a category.
    """
    skipped = (Role.TOPIC, Role.SYNONYM, Role.VISIT, Role.TIMEPOINT, Role.EPOCH, Role.RESULT)
    known = {frozenset((d.dependent, determinant)) for d in structure.dependencies for determinant in d.determinants}
    known |= {frozenset(pair) for pair in structure.duplicates}
    names = [
        variable.name
        for variable in structure.variables
        if variable.content is Content.CATEGORY
        and 2 <= variable.n_levels + (variable.n_missing > 0) <= _MOST_LEVELS
        and variable.role not in (Role.SUBJECT, Role.IDENTIFIER, Role.RECORD_ID, Role.SEQUENCE)
        and not (structure.kind is Kind.FINDINGS and variable.role in skipped)
    ][:_MOST_CATEGORIES]
    codes = {name: np.unique(codes_of(dataset[name]), return_inverse=True)[1] for name in names}
    found = [
        Association(f"{dataset.name}.{left}", f"{dataset.name}.{right}", "cramer", rounded(value), dataset.n_rows)
        for left, right in combinations(names, 2)
        if frozenset((left, right)) not in known
        for value in [_cramer(codes[left], codes[right])]
        if value >= _WEAKEST_V
    ]
    return tuple(sorted(found, key=lambda a: -a.value)[:_PER_PAIR_OF_DATASETS])


def _cramer(left: NDArray[np.int64], right: NDArray[np.int64]) -> float:
    n, rows, columns = len(left), int(left.max()) + 1, int(right.max()) + 1
    table = np.bincount(left * columns + right, minlength=rows * columns).reshape(rows, columns).astype(np.float64)
    expected = table.sum(axis=1, keepdims=True) * table.sum(axis=0, keepdims=True) / n
    chi2 = float(((table - expected) ** 2 / expected).sum())
    if n < 3:
        return 0.0
    phi2 = max(0.0, chi2 / n - (rows - 1) * (columns - 1) / (n - 1))
    size = min(rows - (rows - 1) ** 2 / (n - 1), columns - (columns - 1) ** 2 / (n - 1)) - 1
    return float(np.sqrt(phi2 / size)) if size > 0 else 0.0


def find_subject_associations(
    study: Study, structure: StudyStructure, rows: Mapping[str, NDArray[np.int64]], cohort: Cohort, k: int
) -> tuple[Association, ...]:
    """Find numbers of a subject that go together: demography, the level of each test, the number of events, of visits.

    Spearman's correlation on the subjects who have both (ranks taken among all who have the one); the strongest of each pair of
    datasets are named, strongest first.
    """
    names, columns = _subject_numbers(study, structure, rows, cohort, k)
    if len(names) < 2:
        return ()
    values = np.stack(columns, axis=1)
    known = ~np.isnan(values)
    ranks = np.where(known, pd.DataFrame(values).rank().to_numpy(), 0.0)
    ranks = np.where(known, ranks - ranks.sum(axis=0) / np.maximum(known.sum(axis=0), 1), 0.0)
    mask = known.astype(np.float64)
    n = mask.T @ mask
    with np.errstate(invalid="ignore", divide="ignore"):
        total = ranks.T @ mask
        spread = (ranks**2).T @ mask - total**2 / n
        rho = (ranks.T @ ranks - total * total.T / n) / np.sqrt(spread * spread.T)
        enough = np.abs(rho) * np.sqrt(np.maximum(n - 3, 0)) > _STANDARD_ERRORS
    enough &= n >= max(_FEWEST_SUBJECTS, k)
    left, right = np.nonzero(np.triu(enough, 1))
    order = np.argsort(-np.abs(rho[left, right]), kind="stable")
    named: Counter[frozenset[str]] = Counter()
    found = []
    for i, j in zip(left[order].tolist(), right[order].tolist(), strict=True):
        pair = frozenset((names[i].partition(".")[0], names[j].partition(".")[0]))
        if _same_variable(names[i], names[j]) or named[pair] >= _PER_PAIR_OF_DATASETS:
            continue
        named[pair] += 1
        found.append(Association(names[i], names[j], "spearman", rounded(float(rho[i, j])), int(n[i, j])))
    return tuple(found)


def _same_variable(left: str, right: str) -> bool:
    """Tell whether two names are indicators of one variable (``DM.RACE=WHITE`` and ``DM.RACE=ASIAN``)."""
    return "=" in left and "=" in right and left.partition("=")[0] == right.partition("=")[0]


def _subject_numbers(
    study: Study, structure: StudyStructure, rows: Mapping[str, NDArray[np.int64]], cohort: Cohort, k: int
) -> tuple[list[str], list[NDArray[np.float64]]]:
    names: list[str] = []
    columns: list[NDArray[np.float64]] = []
    for name, subject in rows.items():
        found = structure.datasets[name]
        use = subject < cohort.n
        if name == structure.subjects:
            _add_demography(study[name], found, subject, use, cohort, k, names, columns)
        elif found.kind is Kind.FINDINGS:
            _add_levels(study[name], found, subject, use, cohort, k, names, columns)
        elif found.kind in (Kind.EVENTS, Kind.INTERVENTIONS, Kind.SCHEDULE):
            names.append(f"{name}.rows")
            columns.append(np.bincount(subject[use], minlength=cohort.n).astype(np.float64))
    varied = [i for i, column in enumerate(columns) if len(np.unique(column[~np.isnan(column)])) > 1]
    return [names[i] for i in varied], [columns[i] for i in varied]


def _add_demography(
    dataset: Dataset,
    found: DatasetStructure,
    subject: NDArray[np.int64],
    use: NDArray[np.bool_],
    cohort: Cohort,
    k: int,
    names: list[str],
    columns: list[NDArray[np.float64]],
) -> None:
    copies = {copy for copy, _ in found.duplicates}
    for variable in found.variables:
        other_arm = variable.name in ARMS and variable.name != cohort.arm_variable
        if variable.role is not Role.QUALIFIER or variable.name in copies or other_arm:
            continue
        if variable.content in (Content.INTEGER, Content.DECIMAL) and isinstance(dataset[variable.name], Numbers):
            column = np.full(cohort.n, np.nan)
            column[subject[use]] = dataset.numbers(variable.name)[use]
            names.append(f"{dataset.name}.{variable.name}")
            columns.append(column)
        elif variable.content is Content.CATEGORY:
            text = dataset.text(variable.name).compact()
            count = np.bincount(text.codes[use & (text.codes >= 0)], minlength=len(text.levels))
            shown = np.flatnonzero(count >= k)
            for level in (shown[1:] if len(text.levels) == 2 and len(shown) == 2 else shown).tolist():
                column = np.full(cohort.n, np.nan)
                column[subject[use]] = np.where(text.codes[use] < 0, np.nan, text.codes[use] == level)
                names.append(f"{dataset.name}.{variable.name}={text.levels[level]}")
                columns.append(column)


def _add_levels(
    dataset: Dataset,
    found: DatasetStructure,
    subject: NDArray[np.int64],
    use: NDArray[np.bool_],
    cohort: Cohort,
    k: int,
    names: list[str],
    columns: list[NDArray[np.float64]],
) -> None:
    results = result_numbers(dataset, found)
    if results is None:
        return
    test, number = results
    use = use & ~np.isnan(number)
    cell = test.codes[use].astype(np.int64) * cohort.n + subject[use]
    shape = (len(test.levels), cohort.n)
    count = np.bincount(cell, minlength=shape[0] * shape[1]).reshape(shape)
    total = np.bincount(cell, number[use], minlength=shape[0] * shape[1]).reshape(shape)
    mean = np.where(count > 0, total / np.maximum(count, 1), np.nan)
    for i in np.flatnonzero((count > 0).sum(axis=1) >= max(k, _FEWEST_SUBJECTS)).tolist():
        names.append(f"{dataset.name}.{test.levels[i]}")
        columns.append(mean[i])


def find_date_orders(
    study: Study, structure: StudyStructure, rows: Mapping[str, NDArray[np.int64]], cohort: Cohort, k: int
) -> tuple[DateOrder, ...]:
    """Find dates that lie nearly always on one side of another: within a row, and against the subject's reference dates."""
    marks = _marks(study, structure, rows, cohort)
    found: list[DateOrder] = []
    for name, subject in rows.items():
        described = structure.datasets[name]
        copies = {copy for copy, _ in described.duplicates}
        dates = {
            date: parse_dates(study[name].text(date)).full_day
            for date in described.with_role(Role.DATE)
            if described.variable(date).content is Content.DATE and date not in copies and isinstance(study[name][date], Text)
        }
        if name != structure.subjects:
            for date, days in dates.items():
                for mark, reference in marks.items():
                    _compare(f"{name}.{date}", days, mark, cohort.of_rows(reference, subject), subject, k, found)
        for left, right in combinations(dates, 2):
            _compare(f"{name}.{left}", dates[left], f"{name}.{right}", dates[right], subject, k, found)
    return tuple(found)


def _marks(
    study: Study, structure: StudyStructure, rows: Mapping[str, NDArray[np.int64]], cohort: Cohort
) -> dict[str, NDArray[np.float64]]:
    if not structure.subjects:
        return {}
    head, found = study[structure.subjects], structure.datasets[structure.subjects]
    copies = {copy for copy, _ in found.duplicates}
    marks = {}
    for name in _MARKS:
        if name in head and name not in copies and isinstance(head[name], Text) and found.variable(name).content is Content.DATE:
            day = np.full(cohort.n + 1, np.nan)
            day[rows[structure.subjects]] = parse_dates(head.text(name)).full_day
            marks[f"{structure.subjects}.{name}"] = day[: cohort.n]
    return marks


def _compare(
    left: str,
    left_days: NDArray[np.float64],
    right: str,
    right_days: NDArray[np.float64],
    subject: NDArray[np.int64],
    k: int,
    found: list[DateOrder],
) -> None:
    apart = left_days - right_days
    known = ~np.isnan(apart)
    n = int(known.sum())
    if n == 0 or int(count_subjects(np.zeros(n, np.int64), subject[known], 1)[0]) < k:
        return
    before, equal, after = (float(side[known].mean()) for side in (apart < 0, apart == 0, apart > 0))
    if 1 - before >= _NEARLY_ALWAYS or 1 - after >= _NEARLY_ALWAYS:
        found.append(DateOrder(left, right, n, rounded(before), rounded(equal), rounded(after)))
