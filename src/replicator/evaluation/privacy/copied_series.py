"""Copied series: results in a row that one subject of the source has and that a sampled subject has too."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import sparse

from replicator.evaluation.distances import Floats, Ints, count_matrix
from replicator.evaluation.measures import OFFENDERS, Direction, Figure, Offender
from replicator.evaluation.privacy.alone import holders
from replicator.evaluation.privacy.groups import HALVED, Groups, Mask, around, error_of_target, over_draws, untold
from replicator.evaluation.results import results_of
from replicator.evaluation.sharing import FEWEST_SHARED, source_subjects
from replicator.evaluation.stack import Stack
from replicator.evaluation.timeline import Timeline
from replicator.profile.structure import Kind
from replicator.rules.grouping import combine

LENGTH = 5  # results in a row that must be equal
VARIED = 3  # distinct results among them: a series of equal ones says nothing of anybody
SERIES = "copied series"
QUESTION = f"Which share of series has {LENGTH} results in a row that one subject of the source alone has?"


class Windows:
    """Results of all tests of all subjects, :data:`LENGTH` in a row, numbered so that equal ones have equal numbers.

    Attributes
    ----------
    subject, series, window : (n_windows,) int64
        Whose it is, the series (one for each subject and test) and the number.
    name : (n_series,) object
        Test of each series; ``""`` where fewer than five subjects of the source have it.
    bounds : (n_datasets + 1,) int64
        Where the numbers of each dataset begin and end.
    """

    def __init__(self, stack: Stack, timeline: Timeline) -> None:
        parts = [_windows(stack, timeline, name) for name in stack.view.of_kind(Kind.FINDINGS)]
        found = [part for part in parts if part is not None]
        none = np.empty(0, np.int64)
        self.subject = np.concatenate([none, *(part[0] for part in found)])
        offsets = np.cumsum([0, *(int(part[1].max(initial=-1)) + 1 for part in found)])
        self.series = np.concatenate([none, *(part[1] + at for part, at in zip(found, offsets, strict=False))])
        self.bounds = np.cumsum([0, *(int(part[2].max(initial=-1)) + 1 for part in found)], dtype=np.int64)
        self.window = np.concatenate([none, *(part[2] + at for part, at in zip(found, self.bounds, strict=False))])
        self.name = np.concatenate([np.empty(0, object), *(part[3] for part in found)])

    def held(self, n_subjects: int) -> sparse.csr_matrix:
        """Who has which window: (n_subjects, n_windows), 1 where somebody does."""
        held = count_matrix(self.subject, self.window, n_subjects, int(self.bounds[-1]))
        held.data[:] = 1.0
        return held


def _windows(stack: Stack, timeline: Timeline, name: str) -> tuple[Ints, Ints, Ints, NDArray[np.object_]] | None:
    """Subject, series, window and names of the series of one dataset."""
    results = results_of(stack, name)
    if results is None:
        return None
    subject = stack.view.subject(name)
    rows = np.flatnonzero((subject >= 0) & (results.test >= 0) & np.isfinite(results.values))
    rows = rows[np.lexsort((rows, timeline.start(name)[rows], subject[rows], results.test[rows]))]
    if len(rows) < LENGTH:
        return None
    values = combine([results.test[rows], pd.factorize(np.round(results.values[rows], 9))[0].astype(np.int64)])
    series = combine([results.test[rows], subject[rows]])
    lags = np.lib.stride_tricks.sliding_window_view(values, LENGTH)
    n_distinct = 1 + (np.diff(np.sort(lags, axis=1), axis=1) > 0).sum(axis=1)
    kept = np.flatnonzero((series[LENGTH - 1 :] == series[: len(lags)]) & (n_distinct >= VARIED))
    if not len(kept):
        return None
    window = combine([lags[kept, i] for i in range(LENGTH)])
    of_series, first = np.unique(series[kept], return_index=True)
    named = source_subjects(stack, name, results.test, len(results.tests)) >= FEWEST_SHARED
    tests = np.array([f"{name} {test}" if known else "" for test, known in zip(results.tests, named, strict=True)], dtype=object)
    place = np.searchsorted(of_series, series[kept])
    return subject[rows[kept]], place, window, tests[results.test[rows[kept[first]]]]


def copied_series_figure(stack: Stack, windows: Windows, groups: Groups) -> Figure:
    """Series that one subject of the source alone has: how many the sample has.

    Beside it stands the same share among real subjects who are others than those of the source; short series of few values agree by
    chance. A series is all results of a subject and test. The interval counts how many series the target rests on: of a large
    sample every share is certain, and that of the few real subjects beside it is not.
    """
    n_sampled = len(np.unique(windows.series[groups.sample[windows.subject]]))
    if not groups.told or not n_sampled:
        why = f"{n_sampled} series of {LENGTH} or more results that vary, {groups.size} real subjects a side: nothing to compare."
        return untold(SERIES, QUESTION, 0.0, why)
    held = windows.held(len(stack.origin))
    found = np.array([_copied(windows, held, *sides) for sides in zip(groups.known, groups.others, groups.drawn, strict=True)])
    value, expected = over_draws(found[:, 0])[0], over_draws(found[:, 1])[0]
    _, error = over_draws(found[:, 0] - found[:, 1])
    error = float(np.hypot(error, error_of_target(expected, _mean_series(windows, groups))))
    said, worst = HALVED if groups.taught else "", _worst_tests(windows, held, groups)
    interval = around(value, error, 0.0, 1.0)
    return Figure(SERIES, QUESTION, value, expected, interval, 0.0, 1.0, Direction.LOWER, n_sampled, said, worst)


def _mean_series(windows: Windows, groups: Groups) -> float:
    """How many series the other real subjects have, over the draws of full size."""
    others = groups.others[: len(groups.others) // 2]
    return float(np.mean([len(np.unique(windows.series[mask[windows.subject]])) for mask in others]))


def _series_hit(windows: Windows, alone: Mask, mask: Mask) -> tuple[Ints, Mask]:
    """Series of some subjects, and which of them hold a window that one known subject alone has."""
    rows = np.flatnonzero(mask[windows.subject])
    series, place = np.unique(windows.series[rows], return_inverse=True)
    hit = np.zeros(len(series), bool)
    hit[place[alone[windows.window[rows]]]] = True
    return series, hit


def _copied(windows: Windows, held: sparse.csr_matrix, known: Mask, others: Mask, sample: Mask) -> Floats:
    """Share of series hit, of the sample and of other real subjects: (2,)."""
    alone = holders(held, known) == 1
    hits = (_series_hit(windows, alone, mask)[1] for mask in (sample, others))
    return np.array([hit.mean() if len(hit) else np.nan for hit in hits])


def _worst_tests(windows: Windows, held: sparse.csr_matrix, groups: Groups) -> tuple[Offender, ...]:
    """Tests whose series are copied most, over one draw."""
    alone = holders(held, groups.known[0]) == 1
    codes, names = pd.factorize(windows.name)
    shares = []
    for mask in (groups.sample, groups.others[0]):
        series, hit = _series_hit(windows, alone, mask)
        n, n_hit = (np.bincount(codes[series], weights, len(names)) for weights in (np.ones(len(hit)), hit.astype(np.float64)))
        shares.append(n_hit / np.maximum(n, 1))
    excess = np.where(np.asarray(names) != "", shares[0] - shares[1], -1.0)
    worst = [int(i) for i in np.argsort(-excess, kind="stable")[:OFFENDERS] if excess[i] > 0]
    return tuple(Offender(str(names[i]), float(shares[0][i]), float(shares[1][i])) for i in worst)
