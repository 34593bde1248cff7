"""All pictures of a source and its sample."""

from __future__ import annotations

import numpy as np

from replicator.evaluation.columns import ComparedColumn
from replicator.evaluation.features import FeatureTable
from replicator.evaluation.occurrences import occurrence_datasets
from replicator.evaluation.pictures.courses import test_pictures
from replicator.evaluation.pictures.distributions import variable_pictures
from replicator.evaluation.pictures.lanes import lanes
from replicator.evaluation.pictures.maps import Correlations, missing_map
from replicator.evaluation.pictures.shapes import NO_MAP, DatasetPicture, Pictures
from replicator.evaluation.pictures.subjects import sampled_subjects, typical_subjects
from replicator.evaluation.pictures.survival import retention_curves
from replicator.evaluation.pictures.tracks import series_rows, shown_days, track_rows
from replicator.evaluation.sharing import FEWEST_SHARED
from replicator.evaluation.stack import Origin, Stack
from replicator.evaluation.timeline import Timeline
from replicator.profile.structure import Kind


def draw_pictures(stack: Stack, timeline: Timeline, columns: tuple[ComparedColumn, ...], features: FeatureTable) -> Pictures:
    """Draw source and sample.

    Parameters
    ----------
    stack : Stack
    timeline : Timeline
        Of the stack.
    columns : tuple of ComparedColumn
        Variables that have a distribution.
    features : FeatureTable
        Of the subjects.

    Returns
    -------
    Pictures
        Nothing in it stands on fewer than five subjects of the source; rows of the sample stand in it as they are.
    """
    correlations = Correlations(stack, features)
    datasets = tuple(
        _dataset(stack, timeline, columns, correlations, name)
        for name in stack.view.names
        if stack.view.facts(name).kind is not Kind.REFERENCE and stack.view.subject_variable(name)
    )
    tracks = track_rows(stack, timeline)
    series = series_rows(stack, timeline, datasets)
    curves, event = retention_curves(stack, timeline)
    return Pictures(
        datasets,
        curves,
        event,
        correlations.between(),
        sampled_subjects(stack, timeline, tracks, series),
        typical_subjects(stack, timeline, tracks, series),
        *shown_days(stack, timeline, tracks, series),
    )


def _dataset(
    stack: Stack, timeline: Timeline, columns: tuple[ComparedColumn, ...], correlations: Correlations, name: str
) -> DatasetPicture:
    view = stack.view
    sides = stack.rows(name, Origin.SOURCE), stack.rows(name, Origin.SAMPLE)
    subjects = [len(np.unique(view.subject(name)[rows])) for rows in sides]
    findings = view.facts(name).kind is Kind.FINDINGS
    tests, measured = test_pictures(stack, timeline, name) if findings else ((), NO_MAP)
    many = subjects[0] >= FEWEST_SHARED  # how many fewer there are is not told
    return DatasetPicture(
        name,
        view.dataset(name).label,
        view.facts(name).kind.value,
        int(sides[0].sum()) if many else 0,
        int(sides[1].sum()),
        subjects[0] if many else 0,
        subjects[1],
        variable_pictures(stack, name, columns),
        tests,
        lanes(stack, timeline, name) if name in occurrence_datasets(stack) else (),
        missing_map(stack, name) if many else NO_MAP,
        measured,
        correlations.of(name),
    )
