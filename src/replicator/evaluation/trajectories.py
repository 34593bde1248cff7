"""How tests run over the visits: level by visit and arm, spread, the tie from one visit to the next, who was measured when."""

from __future__ import annotations

import numpy as np

from replicator.evaluation.group_distances import (
    Both,
    compare_correlations,
    compare_means,
    compare_shares,
    compare_spreads,
    within,
)
from replicator.evaluation.measures import Distances, Family, summarise
from replicator.evaluation.sharing import shared_arms
from replicator.evaluation.splits import Splits
from replicator.evaluation.stack import Stack
from replicator.evaluation.timeline import Timeline
from replicator.evaluation.visit_cells import Cells, visit_cells


def trajectory_families(stack: Stack, splits: Splits, timeline: Timeline) -> tuple[Family, ...]:
    """Compare the course of all tests over the planned times.

    A value counts as its position among the source's values of the same test at the same time, so that all tests and times
    weigh alike, and a distance of 0.1 says: shifted by a tenth of the subjects.

    Returns
    -------
    tuple of Family
        ``trajectories``: levels by visit, and by arm and visit; ``spread over time``: spread between subjects by visit, and the
        correlation from one visit to the next; ``attendance``: the share of subjects measured by visit.
    """
    cells = visit_cells(stack, timeline)
    return (
        summarise(
            "trajectories",
            "Does each test have the right level at each visit, in each arm?",
            Distances.join([part for one in cells for part in _levels(stack, splits, one)], len(splits)),
        ),
        summarise(
            "spread over time",
            "Do subjects differ as much at each visit, and does a subject stay as near to itself from one visit to the next?",
            Distances.join([part for one in cells for part in _spreads(splits, one)], len(splits)),
        ),
        summarise(
            "attendance",
            "Are as many subjects measured at each visit, in each arm?",
            Distances.join([part for one in cells for part in _measured(stack, splits, one)], len(splits)),
        ),
    )


def _levels(stack: Stack, splits: Splits, cells: Cells) -> list[Distances]:
    def compared(some: Splits) -> Both:
        return compare_means(some, cells.mean, cells.present)

    whole = _named(cells, "level", "", compared(splits))
    arms = [_named(cells, "level", f" in {arm}", compared(within(splits, members))) for arm, members in shared_arms(stack)]
    return [whole, *arms]


def _measured(stack: Stack, splits: Splits, cells: Cells) -> list[Distances]:
    whole = _named(cells, "measured", "", compare_shares(splits, cells.present))
    arms = [
        _named(cells, "measured", f" in {arm}", compare_shares(within(splits, members), cells.present))
        for arm, members in shared_arms(stack)
    ]
    return [whole, *arms]


def _spreads(splits: Splits, cells: Cells) -> list[Distances]:
    spread = _named(cells, "spread", "", compare_spreads(splits, cells.mean, cells.present))
    first = np.flatnonzero(cells.following >= 0)
    second = cells.following[first]
    tied = compare_correlations(
        splits, cells.mean[:, first], cells.mean[:, second], cells.present[:, first], cells.present[:, second]
    )
    names = tuple(
        f"{cells.dataset} {cells.tests[a]} from {cells.times[a]} to {cells.times[b]}"
        for a, b in zip(first.tolist(), second.tolist(), strict=True)
    )
    return [spread, Distances(names, *tied)]


def _named(cells: Cells, what: str, where: str, both: Both) -> Distances:
    return Distances(tuple(cells.label(i, what) + where for i in range(len(cells.tests))), *both)
