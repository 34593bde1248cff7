"""The baseline of each subject's tests, and what comes after it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from replicator.evaluation.distances import Ints
from replicator.evaluation.sharing import shared_text
from replicator.evaluation.stack import Origin, Stack
from replicator.evaluation.timeline import Timeline
from replicator.evaluation.visit_cells import planned_times
from replicator.rules.grouping import Mask, combine

FLAGS = ("LOBXFL", "BLFL")


@dataclass(frozen=True, eq=False)
class Baseline:
    """Rows of a findings dataset and their baseline.

    Attributes
    ----------
    series : (n_rows,) int64
        Test and timepoint of each row, -1 where a row has no result or no subject.
    names : tuple of str
        Of the series, such as ``LB ALT (U/L)``.
    test_of : (n_series,) int64
        The test of each series.
    row : (n_rows,) int64
        The baseline row of the same subject and series, -1 without one.
    after : (n_rows,) bool
        Rows that come after the subject's baseline.
    time : (n_rows,) int64
        Planned visit.
    times : list of str
        Their names.
    """

    series: Ints
    names: tuple[str, ...]
    test_of: Ints
    row: Ints
    after: Mask
    time: Ints
    times: list[str]


def find_baseline(stack: Stack, timeline: Timeline, name: str, test: Ints, tests: tuple[str, ...], usable: Mask) -> Baseline:
    """Find baselines: the flagged row, else the last on or before the reference day.

    Parameters
    ----------
    name : str
        A findings dataset.
    test : (n_rows,) int64
        Position of each row's test in `tests`, -1 without one.
    usable : (n_rows,) bool
        Rows that have a result.

    Notes
    -----
    Without dates, what comes at a later planned visit than the baseline comes after it; without dates and flags there is none.
    """
    view = stack.view
    subject = view.subject(name)
    used = usable & (subject >= 0) & (test >= 0)
    time, times = planned_times(stack, timeline, name, points=False)
    series, labels, test_of = _series(stack, name, test, tests, used)
    group = np.full(len(series), -1, np.int64)
    group[used] = combine([subject[used], series[used]])
    n_groups = int(group.max(initial=-1)) + 1
    day = timeline.start(name)
    flagged = np.zeros(len(series), bool)
    of_source = stack.rows(name, Origin.SOURCE)
    for suffix in FLAGS:
        variable = view.named(name, suffix)
        if variable and (found := view.equals(name, variable, "Y"))[of_source].any():
            flagged |= found
    rows = np.flatnonzero(used & (flagged | (day <= 0)))
    rows = rows[np.lexsort((time[rows], np.nan_to_num(day[rows], nan=-np.inf), flagged[rows], group[rows]))]
    chosen = np.full(n_groups + 1, -1, np.int64)
    chosen[group[rows]] = rows  # the last of each group stays
    row = chosen[group]
    dayed = np.append(day, np.nan)
    known = np.isfinite(day) & np.isfinite(dayed[row])
    later = np.where(known, day > dayed[row], time > np.append(time, 0)[row])
    return Baseline(series, labels, test_of, row, used & (row >= 0) & later, time, times)


def _series(stack: Stack, name: str, test: Ints, tests: tuple[str, ...], used: Mask) -> tuple[Ints, tuple[str, ...], Ints]:
    """Part tests by timepoint where there is one; number, name and test of each series."""
    view = stack.view
    point = next((one for suffix in ("TPTNUM", "TPT") if (one := view.named(name, suffix))), "")
    points = view.codes(name, point) if point else np.full(len(test), -1, np.int64)
    width = int(points.max(initial=-1)) + 2
    keys, codes = np.unique(test[used] * width + points[used] + 1, return_inverse=True)
    series = np.full(len(test), -1, np.int64)
    series[used] = codes
    test_of = keys // width
    none = [""] * len(keys)
    unit = next((one for suffix in ("STRESU", "ORRESU") if (one := view.named(name, suffix))), "")
    units = shared_text(stack, name, series, len(keys), view.text(name, unit)) if unit else none
    text = view.named(name, "TPT") or point
    at = shared_text(stack, name, series, len(keys), view.text(name, text)) if text else none
    labels = (
        " ".join(part for part in (name, tests[i], one, f"({unit})" if unit else "") if part)
        for i, one, unit in zip(test_of.tolist(), at, units, strict=True)
    )
    return series, tuple(labels), test_of
