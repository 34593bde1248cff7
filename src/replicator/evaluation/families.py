"""All families of distances, and the one figure that they come to."""

from __future__ import annotations

import numpy as np

from replicator.evaluation.between_arms import arm_family
from replicator.evaluation.columns import (
    ComparedColumn,
    compared_columns,
    marginal_distances,
    missing_distances,
    pair_distances,
    partial_date_distances,
)
from replicator.evaluation.correlations import correlation_families
from replicator.evaluation.features import FeatureTable, feature_table
from replicator.evaluation.measures import Family, summarise
from replicator.evaluation.occurrences import occurrence_families
from replicator.evaluation.retention import retention_family
from replicator.evaluation.splits import draw_splits
from replicator.evaluation.stack import Stack, stack_studies
from replicator.evaluation.timeline import Timeline
from replicator.evaluation.trajectories import trajectory_families
from replicator.evaluation.visit_cells import visit_cells
from replicator.rng import stream
from replicator.tables.dataset import Study


def compare_studies(source: Study, sample: Study, holdout: Study | None = None, seed: int = 0) -> tuple[Family, ...]:
    """Measure all families, and nothing else of an evaluation.

    Parameters
    ----------
    source, sample, holdout : Study
        As for :func:`~replicator.evaluation.evaluation.evaluate_studies`, which finds the same families.
    seed : int
        Of the splits.

    Raises
    ------
    StudyError
        If the sample is of another study, or either side has too few subjects.
    """
    stack = stack_studies(source, sample, holdout)
    timeline = Timeline(stack)
    return measure_families(stack, compared_columns(stack), timeline, feature_table(stack, timeline), seed)


def measure_families(
    stack: Stack, columns: tuple[ComparedColumn, ...], timeline: Timeline, features: FeatureTable, seed: int
) -> tuple[Family, ...]:
    """Measure all families of what has been put together.

    Raises
    ------
    StudyError
        If either side has too few subjects.
    """
    splits = draw_splits(stack.origin, np.random.default_rng(seed))
    cells = visit_cells(stack, timeline)
    return (
        summarise(
            "marginals", "Does each variable, and each test, have the right values?", marginal_distances(stack, splits, columns)
        ),
        summarise("pairs", "Do two variables of a dataset go together as they should?", pair_distances(stack, splits, columns)),
        summarise("missingness", "Is as much missing, and where it should be?", missing_distances(stack, splits)),
        summarise("partial dates", "Are dates as exact, and as vague, as they should be?", partial_date_distances(stack, splits)),
        *correlation_families(stack, splits, features, stream(seed, "evaluation", "pairs")),
        *trajectory_families(splits, cells),
        *occurrence_families(stack, splits, timeline),
        retention_family(stack, splits, timeline),
        arm_family(stack, splits, timeline, cells),
    )
