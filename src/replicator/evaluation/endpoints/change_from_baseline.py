"""Mean change from baseline by arm and planned visit, and each arm's difference from the reference arm."""

from __future__ import annotations

import numpy as np
import pandas as pd

from replicator.evaluation.distances import Floats, Ints
from replicator.evaluation.endpoints.arms import Arms
from replicator.evaluation.endpoints.baseline import Baseline, find_baseline
from replicator.evaluation.endpoints.endpoint import Compared, EndpointKind, kept_pairs
from replicator.evaluation.endpoints.estimates import (
    Estimates,
    Moments,
    grouped_moments,
    mean_differences,
    mean_estimates,
)
from replicator.evaluation.results import results_of
from replicator.evaluation.sharing import FEWEST_SHARED
from replicator.evaluation.stack import Origin, Stack
from replicator.evaluation.timeline import Timeline
from replicator.rules.grouping import Mask

MOST_SERIES = 60  # of one dataset, those of most subjects
MOST_TIMES = 12  # of one series
SOME = 0.5  # share of a series' subjects who have a baseline, for changes to be looked at and not the results themselves


def subject_changes(stack: Stack, timeline: Timeline, name: str) -> tuple[Baseline, pd.DataFrame, Ints] | None:
    """Mean change of each subject in each series at each planned visit.

    Returns
    -------
    baseline : Baseline
    changes : DataFrame
        ``subject``, ``series``, ``time``, ``value``; one row each.
    is_change : (n_series,) int64
        1 where values are changes, 0 where they are the results themselves; None without tests that are answered in numbers.
    """
    results = results_of(stack, name)
    if results is None or not results.measured.any():
        return None
    usable = np.isfinite(results.values) & np.append(results.measured, False)[results.test]
    baseline = find_baseline(stack, timeline, name, results.test, results.tests, usable)
    used, subject = baseline.series >= 0, stack.view.subject(name)
    based = used & (baseline.row >= 0)
    of_source = stack.rows(name, Origin.SOURCE)
    n_series = len(baseline.names)
    have, all_of = (
        pd.DataFrame({"series": baseline.series[rows], "subject": subject[rows]})
        .drop_duplicates()["series"]
        .value_counts()
        .reindex(range(n_series), fill_value=0)
        .to_numpy()
        for rows in (based & of_source, used & of_source)
    )
    is_change = (have >= SOME * np.maximum(all_of, 1)).astype(np.int64)
    changed = np.append(is_change, 0)[baseline.series] == 1
    rows = np.flatnonzero(used & np.where(changed, baseline.after, True))
    values = results.values[rows] - np.where(changed[rows], results.values[baseline.row[rows]], 0.0)
    frame = pd.DataFrame({"subject": subject[rows], "series": baseline.series[rows], "time": baseline.time[rows], "value": values})
    means = frame.groupby(["series", "time", "subject"], sort=True)["value"].mean().reset_index()
    return baseline, means, is_change


def changes_from_baseline(stack: Stack, timeline: Timeline, arms: Arms, name: str) -> list[Compared]:
    """Compare the courses of all tests of a findings dataset that are answered in numbers.

    Of a test without a baseline, as a rating of change, the results themselves are taken.
    """
    found = subject_changes(stack, timeline, name)
    if found is None:
        return []
    baseline, changes, is_change = found
    n_times, n_arms = len(baseline.times), len(arms.names)
    n_cells = len(baseline.names) * n_times
    who = changes["subject"].to_numpy(np.int64)
    cell = changes["series"].to_numpy(np.int64) * n_times + changes["time"].to_numpy(np.int64)
    value = changes["value"].to_numpy(np.float64)
    arm = arms.of_subject[who]
    sides = [
        _by_arm(np.where((arm >= 0) & (stack.origin[who] == origin), arm * n_cells + cell, -1), value, n_arms, n_cells)
        for origin in (Origin.SOURCE, Origin.SAMPLE)
    ]
    kept = (sides[0].n >= FEWEST_SHARED) & _shown_cells(sides[0].n, len(baseline.names), n_times)
    return [
        _compared(kind, name, baseline, arms, sides, kept & np.repeat(is_change == asked, n_times))
        for kind, asked in ((EndpointKind.CHANGE, 1), (EndpointKind.RESULT, 0))
    ]


def _by_arm(group: Ints, value: Floats, n_arms: int, n_cells: int) -> Moments:
    found = grouped_moments(group, value, n_arms * n_cells)
    return Moments(*(numbers.reshape(n_arms, n_cells) for numbers in (found.n, found.mean, found.sd)))


def _shown_cells(n: Floats, n_series: int, n_times: int) -> Mask:
    """Mask of the cells of the series and times of most subjects: (n_cells,)."""
    of_cell = n.sum(axis=0).reshape(n_series, n_times)
    series = np.argsort(np.argsort(-of_cell.max(axis=1, initial=0.0), kind="stable"), kind="stable") < MOST_SERIES
    times = np.argsort(np.argsort(-of_cell, axis=1, kind="stable"), axis=1, kind="stable") < MOST_TIMES
    return np.asarray((times & series[:, None]).ravel())


def _compared(kind: EndpointKind, name: str, baseline: Baseline, arms: Arms, sides: list[Moments], kept: Mask) -> Compared:
    (cells, of), (compared, other) = kept_pairs(kept, arms.control)
    source, sample = sides
    scaled = sample.of_size(source.n)
    estimates = [
        Estimates.join(
            [
                mean_estimates(_taken(side, of, cells)),
                mean_differences(_taken(side, other, compared), _taken(side, np.full_like(other, arms.control), compared)),
            ]
        )
        for side in (source, sample, scaled)
    ]
    at, n_times = np.append(cells, compared), len(baseline.times)
    reference = arms.names[arms.control] if arms.control >= 0 else ""
    return Compared(
        kind,
        name,
        [baseline.names[i] for i in (at // n_times).tolist()],
        [baseline.times[i] for i in (at % n_times).tolist()],
        [arms.names[i] for i in np.append(of, other).tolist()],
        [""] * len(cells) + [reference] * len(compared),
        estimates,
        np.ones(len(at), bool),
    )


def _taken(side: Moments, arm: Ints, cell: Ints) -> Moments:
    return Moments(side.n[arm, cell], side.mean[arm, cell], side.sd[arm, cell])
