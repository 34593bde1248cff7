"""Whether tests that are measured together are as incomplete as they are in real subjects."""

from __future__ import annotations

import numpy as np
from scipy import sparse

from replicator.evaluation.distances import Ints, count_matrix
from replicator.evaluation.giveaways.giveaway import Asked
from replicator.evaluation.giveaways.statistics import Statistic, by_subject, share_of_rows, share_of_sums
from replicator.evaluation.results import Results
from replicator.evaluation.stack import Origin, Stack
from replicator.evaluation.timeline import Timeline
from replicator.evaluation.visit_cells import planned_times
from replicator.rules.grouping import combine

TOPIC = "panels"
USUAL = 0.5  # share of a visit's panels in the source that have a test, from which it belongs there
FEWEST_TESTS = 2  # of a panel


def panel_giveaways(stack: Stack, timeline: Timeline, results: tuple[Results, ...]) -> list[Asked]:
    """Ask how complete the panels of all findings datasets are; a panel is a category of tests at a visit of a subject."""
    return [one for each in results for one in _of_dataset(stack, timeline, each)]


def _of_dataset(stack: Stack, timeline: Timeline, results: Results) -> list[Asked]:
    name = results.dataset
    complete, present = _completeness(stack, timeline, results)
    lacks = f"{name} has no {FEWEST_TESTS} tests that are measured together."
    return [
        Asked(TOPIC, f"{name} complete panels", "Are panels complete as often as real ones?", complete, lacks),
        Asked(TOPIC, f"{name} tests present", "Which share of the tests that belong to a panel has a result?", present, lacks),
    ]


def _completeness(stack: Stack, timeline: Timeline, results: Results) -> tuple[Statistic | None, Statistic | None]:
    view, name = stack.view, results.dataset
    subject = view.subject(name)
    rows = np.flatnonzero((subject >= 0) & (results.test >= 0) & np.isfinite(results.values))
    if not len(rows):
        return None, None
    time, _ = planned_times(stack, timeline, name)
    entry, names = _categories(stack, name)
    kind = combine([time[rows], entry[rows]])
    panel = combine([subject[rows], kind])
    n_panels, n_kinds = int(panel.max()) + 1, int(kind.max()) + 1
    first = np.unique(panel, return_index=True)[1]
    kind_of, who, entry_of = kind[first], subject[rows][first], entry[rows][first]
    cells = count_matrix(panel, results.test[rows], n_panels, len(results.tests)).sign()
    of_source = np.where(stack.origin[who] == Origin.SOURCE, kind_of, -1)
    of_kind = count_matrix(of_source, np.arange(n_panels), n_kinds, n_panels)
    in_kind = np.asarray(of_kind.sum(axis=1)).ravel()
    usual = (sparse.diags_array(1 / np.maximum(in_kind, 1)) @ (of_kind @ cells)).tocsr()
    usual.data = (usual.data >= USUAL).astype(np.float64)
    n_usual = np.asarray(usual.sum(axis=1)).ravel()[kind_of]
    n_found = np.asarray(cells.multiply(usual[kind_of]).sum(axis=1)).ravel()
    asked = np.where(n_usual >= FEWEST_TESTS, entry_of, -1)
    return (
        share_of_rows(stack, who, asked >= 0, n_found == n_usual, entry_of, names),
        share_of_sums(
            stack, by_subject(stack, who, n_found, asked, len(names)), by_subject(stack, who, n_usual, asked, len(names)), names
        ),
    )


def _categories(stack: Stack, name: str) -> tuple[Ints, list[str]]:
    """Number the categories of a dataset's rows (n_rows,), one without; and name them."""
    view = stack.view
    category = view.named(name, "CAT")
    if not category:
        return np.zeros(view.dataset(name).n_rows, np.int64), [name]
    text = view.text(name, category)
    return np.where(text.codes >= 0, text.codes + 1, 0).astype(np.int64), [name, *(f"{name} {level}" for level in text.levels)]
