"""What single columns and pairs of columns of one dataset show: distributions, joint categories, missing cells, partial dates."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations

import numpy as np
from scipy import sparse

from replicator.evaluation.distances import Ints, binned, compare_counts, count_matrix
from replicator.evaluation.measures import Distances
from replicator.evaluation.splits import Splits
from replicator.evaluation.stack import Origin, Stack
from replicator.profile.structure import Kind, Role
from replicator.rules.grouping import codes_of
from replicator.tables.dates import Precision

FEWEST_ROWS_OF_TEST = 30  # rows of the source, for a test to be looked at on its own
FEW_NUMBERS = 12  # columns with no more distinct numbers are categories
NUMERIC = 0.97  # share of cells that are numbers from which a text column is numeric
MOST_LEVELS = 40  # categories of a column that takes part in pairs
FREE = 0.5  # distinct texts a row from which a column is free text and has no distribution to compare

_NOT_COMPARED = (Role.IDENTIFIER, Role.SUBJECT, Role.SEQUENCE, Role.RECORD_ID, Role.DATE)


@dataclass(frozen=True, eq=False)
class ComparedColumn:
    """A column in codes.

    Attributes
    ----------
    dataset, variable : str
    subject, codes : (n_rows,) int64
        Position of the subject, and of the value; -1 where missing.
    n_codes : int
        Distinct values, or bins of a numeric column.
    ordered : bool
        Whether the codes are numbers in order.
    """

    dataset: str
    variable: str
    subject: Ints
    codes: Ints
    n_codes: int
    ordered: bool


def compared_columns(stack: Stack) -> tuple[ComparedColumn, ...]:
    """Choose the columns that have a distribution: no identifiers, dates, empty columns or free texts of the source."""
    found = []
    for name, variable in _variables(stack):
        subject, of_source = stack.view.subject(name), stack.rows(name, Origin.SOURCE)
        numbers = stack.view.dataset(name).numbers(variable)
        filled = stack.view.filled(name, variable) & of_source
        n_filled = int(filled.sum())
        if not n_filled:
            continue
        is_number = np.isfinite(numbers[filled]).mean() > NUMERIC
        if is_number and len(np.unique(numbers[filled])) > FEW_NUMBERS:
            codes, n_codes = binned(numbers)
            found.append(ComparedColumn(name, variable, subject, codes, n_codes, True))
            continue
        codes = codes_of(stack.view.dataset(name)[variable])
        if len(np.unique(codes[filled])) <= FREE * max(int(of_source.sum()), 1):
            found.append(ComparedColumn(name, variable, subject, codes, int(codes.max(initial=-1)) + 1, False))
    return tuple(found)


def _variables(stack: Stack) -> list[tuple[str, str]]:
    view = stack.view
    return [
        (name, one.name)
        for name in view.names
        if view.facts(name).kind not in (Kind.REFERENCE, Kind.LINKS) and view.subject_variable(name)
        for one in view.facts(name).variables
        if one.role not in _NOT_COMPARED
    ]


def marginal_distances(stack: Stack, splits: Splits, columns: tuple[ComparedColumn, ...]) -> Distances:
    """Compare each column's distribution, and each test's results."""
    n = len(stack.origin)
    parts = [
        _entry(f"{c.dataset}.{c.variable}", splits, count_matrix(c.subject, c.codes, n, c.n_codes), ordered=c.ordered)
        for c in columns
    ]
    for name in stack.view.of_kind(Kind.FINDINGS):
        parts += _tests(stack, splits, name)
    return Distances.join(parts, len(splits))


def _entry(name: str, splits: Splits, counts: sparse.csr_matrix, *, ordered: bool) -> Distances:
    sample, floor = compare_counts(splits, counts, ordered=ordered)
    return Distances((name,), sample[:, None], floor[:, None])


def _tests(stack: Stack, splits: Splits, name: str) -> list[Distances]:
    view, n = stack.view, len(stack.origin)
    test, result = view.named(name, "TESTCD"), view.named(name, "STRESN")
    if not test or not result:
        return []
    subject, numbers = view.subject(name), view.dataset(name).numbers(result)
    tests = view.text(name, test)
    of_source = stack.rows(name, Origin.SOURCE) & np.isfinite(numbers)
    rows_of = np.bincount(tests.codes[of_source & (tests.codes >= 0)], minlength=len(tests.levels))
    found = []
    for code in np.flatnonzero(rows_of >= FEWEST_ROWS_OF_TEST).tolist():
        rows = np.flatnonzero(tests.codes == code)
        codes, n_codes = binned(numbers[rows])
        counts = count_matrix(subject[rows], codes, n, n_codes)
        found.append(_entry(f"{name}.{result} [{tests.levels[code]}]", splits, counts, ordered=True))
    return found


def pair_distances(stack: Stack, splits: Splits, columns: tuple[ComparedColumn, ...]) -> Distances:
    """Compare the joint distribution of each two categorical columns of a dataset."""
    n = len(stack.origin)
    parts = []
    for name in stack.view.names:
        categories = [c for c in columns if c.dataset == name and not c.ordered and 1 < c.n_codes <= MOST_LEVELS]
        for one, two in combinations(categories, 2):
            codes = (one.codes + 1) * (two.n_codes + 1) + two.codes + 1  # a missing cell is a value here
            counts = count_matrix(one.subject, codes, n, (one.n_codes + 1) * (two.n_codes + 1))
            parts.append(_entry(f"{name}.{one.variable} with {two.variable}", splits, counts, ordered=False))
    return Distances.join(parts, len(splits))


def missing_distances(stack: Stack, splits: Splits) -> Distances:
    """Compare each column's share of missing cells."""
    parts = []
    for name, variable in _variables(stack):
        missing = ~stack.view.filled(name, variable)
        parts.append(_shares(stack, splits, name, f"{name}.{variable} missing", missing.astype(np.int64), 2))
    return Distances.join(parts, len(splits))


def partial_date_distances(stack: Stack, splits: Splits) -> Distances:
    """Compare how exactly each date is told: not at all, to the year, month, day, or with a time."""
    view = stack.view
    parts = [
        _shares(
            stack,
            splits,
            name,
            f"{name}.{variable} precision",
            view.dates(name, variable).precision.astype(np.int64),
            len(Precision),
        )
        for name in view.names
        if view.facts(name).kind not in (Kind.REFERENCE, Kind.LINKS)
        for variable in view.date_variables(name)
    ]
    return Distances.join(parts, len(splits))


def _shares(stack: Stack, splits: Splits, dataset: str, name: str, codes: Ints, n_codes: int) -> Distances:
    return _entry(name, splits, count_matrix(stack.view.subject(dataset), codes, len(stack.origin), n_codes), ordered=False)
