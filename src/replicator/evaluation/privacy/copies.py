"""Copies: identifiers, texts and series of results that one subject of the source has and that a sampled subject has too."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import sparse

from replicator.evaluation.distances import Floats, Ints, count_matrix
from replicator.evaluation.measures import OFFENDERS, Direction, Figure, Interval, Offender
from replicator.evaluation.privacy.alone import Held, alone_figure, holders
from replicator.evaluation.privacy.groups import HALVED, Groups, Mask, around, error_of_target, over_draws, untold
from replicator.evaluation.results import results_of
from replicator.evaluation.sharing import FEWEST_SHARED, source_subjects
from replicator.evaluation.stack import Origin, Stack
from replicator.evaluation.timeline import Timeline
from replicator.profile.structure import Kind, Role
from replicator.rules.grouping import combine
from replicator.tables.dataset import Text
from replicator.tables.dates import Precision, parse_dates

LENGTH = 5  # results in a row that must be equal
VARIED = 3  # distinct results among them: a series of equal ones says nothing of anybody
FEWEST_WINDOWS = 4  # of a subject, for it to be told whether another one is a copy of it
MOSTLY = 0.5  # share of a subject's series from which another subject is a copy of it
SERIES, SUBJECTS, TEXTS, IDENTIFIERS = "copied series", "copied subjects", "copied texts", "copied identifiers"
SERIES_QUESTION = f"Which share of series has {LENGTH} results in a row that one subject of the source alone has?"
SUBJECTS_QUESTION = "Which share of subjects has most of its series in common with one subject of the source?"
TEXTS_QUESTION = "Of the texts in words that one subject of the source alone has, which share is in the sample?"
IDENTIFIERS_QUESTION = "How many of the source's subject identifiers are in the sample?"

_NO_WORDS = (Role.IDENTIFIER, Role.SUBJECT, Role.SEQUENCE, Role.DATE, Role.RECORD_ID)


def identifier_figure(stack: Stack) -> Figure:
    """Identifiers of the source's subjects that the sample has; none may be."""
    source, sample = (
        {str(one)[2:] for one in stack.view.subject_ids[stack.subjects(origin)]} for origin in (Origin.SOURCE, Origin.SAMPLE)
    )
    n = float(len(source & sample))
    return Figure(IDENTIFIERS, IDENTIFIERS_QUESTION, n, 0.0, Interval(n, n), 0.0, float(len(source)), Direction.LOWER, len(sample))


def text_figure(stack: Stack, groups: Groups) -> Figure:
    """Texts in words (with two letters in a row, and no dates) that one subject alone has."""
    kinds = [held for name in stack.view.names for held in _words(stack, name)]
    return alone_figure(TEXTS, TEXTS_QUESTION, kinds, groups)


def _words(stack: Stack, name: str) -> list[Held]:
    """Who has which text, for each variable in words of a dataset."""
    view, found = stack.view, []
    if view.facts(name).kind is Kind.REFERENCE or not view.subject_variable(name):
        return []
    for one in view.facts(name).variables:
        column = view.dataset(name).columns.get(one.name)
        if one.role in _NO_WORDS or not isinstance(column, Text) or not len(column.levels):
            continue
        in_words = np.array([bool(re.search(r"[^\W\d_]{2}", str(level))) for level in column.levels], bool)
        every = Text(np.arange(len(column.levels), dtype=np.int32), column.levels)
        in_words &= parse_dates(every).precision < Precision.YEAR
        if in_words.any():
            codes = np.where(np.append(in_words, False)[column.codes], column.codes, -1).astype(np.int64)
            counts = count_matrix(view.subject(name), codes, len(stack.origin), len(column.levels))
            found.append(Held(f"{name}.{one.name}", counts))
    return found


class Windows:
    """Results of all tests of all subjects, :data:`LENGTH` in a row, numbered so that equal ones have equal numbers.

    Attributes
    ----------
    subject, series, window : (n_windows,) int64
        Whose it is, the series (one for each subject and test) and the number.
    name : (n_series,) object
        Test of each series; ``""`` where fewer than five subjects of the source have it.
    n_windows : int
        Distinct ones.
    """

    def __init__(self, stack: Stack, timeline: Timeline) -> None:
        parts = [_windows(stack, timeline, name) for name in stack.view.of_kind(Kind.FINDINGS)]
        found = [part for part in parts if part is not None]
        none = np.empty(0, np.int64)
        self.subject = np.concatenate([none, *(part[0] for part in found)])
        offsets = np.cumsum([0, *(int(part[1].max(initial=-1)) + 1 for part in found)])
        self.series = np.concatenate([none, *(part[1] + at for part, at in zip(found, offsets, strict=False))])
        widths = np.cumsum([0, *(int(part[2].max(initial=-1)) + 1 for part in found)])
        self.window = np.concatenate([none, *(part[2] + at for part, at in zip(found, widths, strict=False))])
        self.name = np.concatenate([np.empty(0, object), *(part[3] for part in found)])
        self.n_windows = int(widths[-1])

    def held(self, n_subjects: int) -> sparse.csr_matrix:
        """Who has which window: (n_subjects, n_windows), 1 where somebody does."""
        held = count_matrix(self.subject, self.window, n_subjects, self.n_windows)
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


def series_figures(stack: Stack, timeline: Timeline, groups: Groups) -> tuple[Figure, Figure]:
    """Series that one subject of the source alone has: how many the sample has, and whether most are of the same subject.

    Both beside the same share among real subjects who are others than those of the source; short series of few values agree by
    chance. A series is all results of a subject and test. The interval of the first counts how many series the target rests on: of
    a large sample every share is certain, and that of the few real subjects beside it is not.
    """
    windows, n = Windows(stack, timeline), len(stack.origin)
    n_sampled = len(np.unique(windows.series[groups.sample[windows.subject]]))
    if not groups.told or not n_sampled:
        why = f"{n_sampled} series of {LENGTH} or more results that vary, {groups.size} real subjects a side: nothing to compare."
        return untold(SERIES, SERIES_QUESTION, 0.0, why), untold(SUBJECTS, SUBJECTS_QUESTION, 0.0, why)
    held = windows.held(n)
    found = np.array([_copied(windows, held, *sides) for sides in zip(groups.known, groups.others, groups.drawn, strict=True)])
    figures = []
    for i, (name, question) in enumerate(((SERIES, SERIES_QUESTION), (SUBJECTS, SUBJECTS_QUESTION))):
        of_sample, of_others = found[:, i, 0], found[:, i, 1]
        value, expected = over_draws(of_sample)[0], over_draws(of_others)[0]
        _, error = over_draws(of_sample - of_others)
        if name == SERIES:
            error = float(np.hypot(error, error_of_target(expected, _mean_series(windows, groups))))
        interval = around(value, error, 0.0, 1.0)
        size = n_sampled if name == SERIES else int(groups.sample.sum())
        said = HALVED if groups.taught else ""
        worst = _worst_tests(windows, held, groups) if name == SERIES else ()
        figures.append(Figure(name, question, value, expected, interval, 0.0, 1.0, Direction.LOWER, size, said, worst))
    return figures[0], figures[1]


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
    """Share of series hit, and share of subjects who are copies, of the sample and of other real subjects: (2, 2)."""
    alone = holders(held, known) == 1
    found = np.zeros((2, 2))
    owned = held[np.flatnonzero(known)][:, np.flatnonzero(alone)]
    n_own = np.asarray(held.sum(axis=1)).ravel()
    for i, mask in enumerate((sample, others)):
        _, hit = _series_hit(windows, alone, mask)
        found[0, i] = hit.mean() if len(hit) else np.nan
        members = np.flatnonzero(mask & (n_own >= FEWEST_WINDOWS))
        if len(members):
            common = sparse.csr_matrix(held[members][:, np.flatnonzero(alone)] @ owned.T)
            most = np.asarray(common.max(axis=1).todense()).ravel() if common.nnz else np.zeros(len(members))
            found[1, i] = float(np.mean(most > MOSTLY * n_own[members]))
    return found


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
