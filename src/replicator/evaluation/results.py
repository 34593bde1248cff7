"""Results of a findings dataset as one number a row, whatever they are: measured numbers, or answers in order of frequency."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from replicator.evaluation.distances import Floats, Ints
from replicator.evaluation.stack import Origin, Stack
from replicator.profile.structure import Role
from replicator.rules.grouping import Mask
from replicator.tables.dataset import Numbers

MOSTLY = 0.5  # share of a test's results of the source that are numbers, from which it is a measured one


@dataclass(frozen=True, eq=False)
class Results:
    """Results of a findings dataset.

    Attributes
    ----------
    dataset : str
    test : (n_rows,) int64
        Test of each row, -1 without one.
    tests : tuple of str
        Their codes (--TESTCD, else --TEST).
    values : (n_rows,) float64
        The number; of a test that is answered in words the rank of the answer in the source, most frequent first; NaN without one.
    measured : (n_tests,) bool
        Tests that are answered in numbers.
    """

    dataset: str
    test: Ints
    tests: tuple[str, ...]
    values: Floats
    measured: Mask


def results_of(stack: Stack, name: str) -> Results | None:
    """Read the results of a dataset; None if it has no tests or no results."""
    view = stack.view
    test = view.named(name, "TESTCD") or view.named(name, "TEST")
    texts = [found for suffix in ("STRESC", "ORRES") if (found := view.named(name, suffix))]
    number = view.named(name, "STRESN")
    if not test or not (texts or number):
        return None
    column = view.text(name, test)
    codes, n_tests = column.codes.astype(np.int64), len(column.levels)
    of_source = stack.rows(name, Origin.SOURCE) & (codes >= 0)
    numbers = view.dataset(name).numbers(number or texts[0])
    filled = np.isfinite(numbers)
    answers = np.full(len(codes), np.nan)
    if texts:
        text = view.text(name, texts[0])
        filled = filled | (text.codes >= 0)
        answers = _ranked(codes, text.codes.astype(np.int64), n_tests, max(len(text.levels), 1), of_source)
    n_filled = np.bincount(codes[of_source & filled], minlength=n_tests)
    n_numbers = np.bincount(codes[of_source & np.isfinite(numbers)], minlength=n_tests)
    measured = n_numbers > MOSTLY * n_filled
    values = np.where(np.append(measured, False)[codes], numbers, answers)
    return Results(name, codes, tuple(str(level) for level in column.levels), np.where(codes < 0, np.nan, values), measured)


def characteristics_of(stack: Stack) -> tuple[Results, ...]:
    """Read the numbers that the dataset of subjects has of each, such as ages: one variable each, as if it were a test."""
    name = stack.view.subjects_dataset
    if not name:
        return ()
    columns = (
        (one.name, stack.view.dataset(name)[one.name]) for one in stack.view.facts(name).variables if one.role is Role.QUALIFIER
    )
    numbers = ((variable, column.values) for variable, column in columns if isinstance(column, Numbers))
    return tuple(
        Results(name, np.where(np.isfinite(values), 0, -1), (variable,), values, np.ones(1, bool)) for variable, values in numbers
    )


def _ranked(test: Ints, answer: Ints, n_tests: int, n_answers: int, of_source: Mask) -> Floats:
    """Rank of each row's answer among the answers of its test, most frequent in the source first, from 0."""
    known = (test >= 0) & (answer >= 0)
    pair, codes = np.unique(test[known] * n_answers + answer[known], return_inverse=True)
    rows = np.bincount(codes[of_source[known]], minlength=len(pair))
    of_test = pair // n_answers
    order = np.lexsort((pair, -rows, of_test))
    first = np.searchsorted(of_test[order], np.arange(n_tests))
    rank = np.empty(len(pair))
    rank[order] = np.arange(len(pair)) - first[of_test[order]]
    found = np.full(len(test), np.nan)
    found[known] = rank[codes]
    return found


def source_positions(groups: Ints, values: Floats, of_source: Mask, n_groups: int) -> Floats:
    """Place each value among the source's values of its group: 0 below all of them, 1 above, halfway among equal ones.

    Positions make different tests, and different times of one test, comparable; outliers weigh no more than their rank.

    Parameters
    ----------
    groups : (n_rows,) int64
        Group of each row, never negative.
    values : (n_rows,) float64
        Without NaN.
    of_source : (n_rows,) bool

    Returns
    -------
    (n_rows,) float64
        NaN in groups that the source does not have.
    """
    if not len(values):
        return np.empty(0)
    order = np.lexsort((values, groups))
    group, value, counted = groups[order], values[order], of_source[order].astype(np.int64)
    block = np.cumsum(np.append(True, (np.diff(group) != 0) | (np.diff(value) != 0))) - 1
    in_block = np.bincount(block, counted)
    in_group = np.bincount(group, counted, minlength=n_groups)
    before_block = np.cumsum(in_block) - in_block
    before_group = np.cumsum(in_group) - in_group
    found = np.empty(len(values))
    with np.errstate(invalid="ignore", divide="ignore"):
        found[order] = (before_block[block] + 0.5 * in_block[block] - before_group[group]) / in_group[group]
    return found
