"""How tests run over the visits: level by visit, mean and deviation, the tie from one visit to the next, who was measured when."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy import sparse

from replicator.evaluation.distances import Floats, Ints
from replicator.evaluation.group_distances import (
    Both,
    compare_correlations,
    compare_deviations,
    compare_means,
    compare_shares,
    compare_spreads,
)
from replicator.evaluation.measures import Distances, Family, summarise
from replicator.evaluation.splits import Splits
from replicator.evaluation.visit_cells import Cells
from replicator.rules.grouping import Mask

UNIFORM = 12**0.5  # standard deviations from end to end of a uniform distribution, as that of positions is


def trajectory_families(splits: Splits, cells: tuple[Cells, ...]) -> tuple[Family, ...]:
    """Compare the course of all tests over the planned times.

    For levels and spreads a value counts as its position among the source's values of the same test at the same time, so that all
    tests and times weigh alike, and a distance of 0.1 says: shifted by a tenth of the subjects. A position does not say how far off
    a value is, and results are reported as means with standard deviations; so these are compared as well.

    Returns
    -------
    tuple of Family
        ``trajectories``: levels by visit; ``spread over time``: spread between subjects by visit, and the correlation from one
        visit to the next; ``means and deviations``: of tests that are answered in numbers, by visit, in their own units;
        ``attendance``: the share of subjects measured by visit.
    """

    def joined(parts: list[Distances]) -> Distances:
        return Distances.join(parts, len(splits))

    return (
        summarise(
            "trajectories",
            "Does each test have the right level at each visit?",
            joined([levels(splits, one) for one in cells]),
        ),
        summarise(
            "spread over time",
            "Do subjects differ as much at each visit, and does a subject stay as near to itself from one visit to the next?",
            joined([part for one in cells for part in _spreads(splits, one)]),
        ),
        summarise(
            "means and deviations",
            "Does each test have the right mean and standard deviation at each visit, in its own units?",
            joined([part for one in cells for part in _moments(splits, one)]),
        ),
        summarise("attendance", "Are as many subjects measured at each visit?", joined([attendance(splits, one) for one in cells])),
    )


def levels(splits: Splits, cells: Cells, members: Mask | None = None, where: str = "") -> Distances:
    """Compare the mean position of each cell; of `members`, how it differs from that of all."""
    return _named(cells, "level", compare_means(splits, cells.mean, cells.present, members), where)


def attendance(splits: Splits, cells: Cells, members: Mask | None = None, where: str = "") -> Distances:
    """Compare the share of subjects who have each cell; of `members`, how it differs from that of all."""
    return _named(cells, "measured", compare_shares(splits, cells.present, members), where)


def _moments(splits: Splits, cells: Cells) -> tuple[Distances, Distances]:
    kept = np.flatnonzero(cells.measured)
    present = cells.present[:, kept]

    def told(compare: Callable[[sparse.csr_matrix], Both]) -> tuple[Floats, Floats, Floats]:
        cautious, _ = compare(cells.cautious[:, kept])
        return *compare(cells.number[:, kept]), cautious

    return (
        _named(cells, "mean", told(lambda number: compare_means(splits, number, present, span=UNIFORM)), kept=kept),
        _named(cells, "standard deviation", told(lambda number: compare_deviations(splits, number, present)), kept=kept),
    )


def _spreads(splits: Splits, cells: Cells) -> list[Distances]:
    spread = _named(cells, "spread", compare_spreads(splits, cells.mean, cells.present))
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


def _named(cells: Cells, what: str, told: tuple[Floats, ...], where: str = "", kept: Ints | None = None) -> Distances:
    used = range(len(cells.tests)) if kept is None else kept.tolist()
    return Distances(tuple(cells.label(i, what) + where for i in used), *told)
