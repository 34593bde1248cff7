"""All measures of a sample in one value, and how they are reached."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from replicator.evaluation.columns import (
    compared_columns,
    marginal_distances,
    missing_distances,
    pair_distances,
    partial_date_distances,
)
from replicator.evaluation.correlations import correlation_families
from replicator.evaluation.detector import detector_figure
from replicator.evaluation.features import feature_table
from replicator.evaluation.measures import Family, Figure, summarise
from replicator.evaluation.occurrences import occurrence_families
from replicator.evaluation.retention import retention_family
from replicator.evaluation.splits import draw_splits
from replicator.evaluation.stack import Origin, stack_studies
from replicator.evaluation.timeline import Timeline
from replicator.evaluation.trajectories import trajectory_families
from replicator.rng import stream
from replicator.tables.dataset import Study


@dataclass(frozen=True)
class Evaluation:
    """How good a sample is.

    Attributes
    ----------
    n_source, n_sample, n_holdout : int
        Subjects; without a holdout the source was halved again and again.
    families : tuple of Family
        Distances against their floor.
    figures : tuple of Figure
        Numbers judged on their own.
    notes : tuple of str
        What the sample lacks, and what could not be told.
    """

    n_source: int
    n_sample: int
    n_holdout: int
    families: tuple[Family, ...]
    figures: tuple[Figure, ...]
    notes: tuple[str, ...]


def evaluate_studies(source: Study, sample: Study, holdout: Study | None = None, seed: int = 0) -> Evaluation:
    """Measure a sample.

    Parameters
    ----------
    source : Study
        What the sample was learned from.
    sample : Study
    holdout : Study, optional
        Subjects that the model never saw.
    seed : int
        Of the splits.
    """
    stack = stack_studies(source, sample, holdout)
    rng = np.random.default_rng(seed)
    splits = draw_splits(stack.origin, rng)
    columns = compared_columns(stack)
    timeline = Timeline(stack)
    features = feature_table(stack, timeline)
    families = (
        summarise(
            "marginals", "Does each variable, and each test, have the right values?", marginal_distances(stack, splits, columns)
        ),
        summarise("pairs", "Do two variables of a dataset go together as they should?", pair_distances(stack, splits, columns)),
        summarise("missingness", "Is as much missing, and where it should be?", missing_distances(stack, splits)),
        summarise("partial dates", "Are dates as exact, and as vague, as they should be?", partial_date_distances(stack, splits)),
        *correlation_families(stack, splits, features, stream(seed, "evaluation", "pairs")),
        *trajectory_families(stack, splits, timeline),
        *occurrence_families(stack, splits, timeline),
        retention_family(stack, splits, timeline),
    )
    figures = (detector_figure(stack, features, stream(seed, "evaluation", "detector")),)
    n_source, n_sample, n_holdout = (len(stack.subjects(origin)) for origin in Origin)
    return Evaluation(n_source, n_sample, n_holdout, families, figures, stack.missing)
