"""What is known of a subject on its reference day, from which what comes later can be predicted."""

from __future__ import annotations

import numpy as np

from replicator.evaluation.distances import count_matrix
from replicator.evaluation.endpoints.baseline import find_baseline
from replicator.evaluation.features import (
    MOST_TERMS,
    MOST_TESTS,
    NO_FEATURE,
    SHARE,
    Columns,
    FeatureTable,
    add_indicators,
    is_number,
    subject_means,
)
from replicator.evaluation.occurrences import TERMS, frequent_terms
from replicator.evaluation.results import results_of
from replicator.evaluation.sharing import enough_subjects, most_shared, source_subjects
from replicator.evaluation.stack import Origin, Stack
from replicator.evaluation.timeline import Timeline
from replicator.profile.structure import Kind
from replicator.tables.dataset import Numbers

HISTORY = "MH"  # what it tells without a date lies before the study
DEATH = "DTH"


def features_at_reference(stack: Stack, timeline: Timeline) -> FeatureTable:
    """Describe every subject by demography and arm, baseline results, and what began before the reference day.

    Dates of subjects and what tells of a death are left out, since they tell of later days.
    """
    columns = Columns()
    view = stack.view
    for name in view.names:
        kind = view.facts(name).kind
        if kind is Kind.SUBJECTS:
            _of_subjects(columns, stack, name)
        elif kind is Kind.FINDINGS:
            _of_baseline(columns, stack, timeline, name)
        elif kind in (Kind.EVENTS, Kind.INTERVENTIONS):
            _of_history(columns, stack, timeline, name)
    return columns.table(stack.origin == Origin.SOURCE)


def _of_subjects(columns: Columns, stack: Stack, name: str) -> None:
    view, of_source = stack.view, stack.rows(name, Origin.SOURCE)
    dated = set(view.date_variables(name))
    for one in view.facts(name).variables:
        if one.role in NO_FEATURE or one.name in dated or one.name.startswith(DEATH) or one.name not in view.dataset(name):
            continue
        column = view.dataset(name)[one.name]
        if isinstance(column, Numbers) and is_number(column.values[of_source]):
            columns.add(name, one.name, subject_means(stack, name, column.values), level=True)
        else:
            add_indicators(columns, stack, name, one.name)


def _of_baseline(columns: Columns, stack: Stack, timeline: Timeline, name: str) -> None:
    """Add the baseline result of each frequent test."""
    results = results_of(stack, name)
    if results is None:
        return
    baseline = find_baseline(stack, timeline, name, results.test, results.tests, np.isfinite(results.values))
    rows = np.flatnonzero(baseline.row == np.arange(len(baseline.row)))
    series, subject = baseline.series[rows], stack.view.subject(name)[rows]
    held = np.full(len(baseline.row), -1, np.int64)
    held[rows] = series
    behind = source_subjects(stack, name, held, len(baseline.names))
    for one in most_shared(behind, enough_subjects(stack, SHARE), MOST_TESTS).tolist():
        of_one = series == one
        values = np.full(len(stack.origin), np.nan)
        values[subject[of_one]] = results.values[rows[of_one]]
        columns.add_named(name, f"{baseline.names[one]} at baseline", values, level=True)


def _of_history(columns: Columns, stack: Stack, timeline: Timeline, name: str) -> None:
    """Add whether each frequent term began before the reference day."""
    terms = frequent_terms(stack, name, TERMS, SHARE, MOST_TERMS)
    if terms is None:
        return
    start = timeline.start(name)
    before = (start < 0) | (np.isnan(start) & (stack.view.dataset(name).domain == HISTORY))
    counts = count_matrix(stack.view.subject(name), np.where(before, terms.term, -1), len(stack.origin), len(terms.names))
    for i, has in enumerate(counts.sign().toarray().T):
        columns.add_named(name, f"{terms.names[i]} before", has)
