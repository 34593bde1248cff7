"""Shifts of range indicators from baseline to the last and to the worst result on treatment, by arm."""

from __future__ import annotations

import numpy as np
import pandas as pd

from replicator.evaluation.distances import Floats, Ints
from replicator.evaluation.endpoints.arms import Arms
from replicator.evaluation.endpoints.baseline import Baseline, find_baseline
from replicator.evaluation.endpoints.endpoint import Compared, EndpointKind
from replicator.evaluation.endpoints.incidence import compare_shares_by_arm
from replicator.evaluation.sharing import FEWEST_SHARED, most_shared, source_subjects
from replicator.evaluation.stack import Origin, Stack
from replicator.evaluation.timeline import Timeline
from replicator.rules.grouping import Mask

NORMAL = ("NORMAL", "N")
LAST, WORST = "last on treatment", "worst on treatment"
MOST_SERIES = 40  # of one dataset
MOST_LEVELS = 6


def shifts(stack: Stack, timeline: Timeline, arms: Arms, name: str) -> list[Compared]:
    """Compare, of those with each indicator at baseline, the share with each indicator afterwards, in one findings dataset.

    The worst result is the last that is not normal, if there is one; normal is what says so, else the most frequent indicator. On
    treatment is until the last dose, where its date is known.
    """
    view = stack.view
    variable, test = view.named(name, "NRIND"), view.named(name, "TESTCD") or view.named(name, "TEST")
    if not variable or not test:
        return []
    text, tests = view.text(name, variable), view.text(name, test)
    levels, codes = _levels(stack, name, text.codes.astype(np.int64), [str(level) for level in text.levels])
    if len(levels) < 2:
        return []
    names = tuple(str(level) for level in tests.levels)
    baseline = find_baseline(stack, timeline, name, tests.codes.astype(np.int64), names, codes >= 0)
    stopped = np.append(view.mark("RFXENDTC").full_day - timeline.reference, np.nan)[view.subject(name)]
    rows = np.flatnonzero(baseline.after & ~(timeline.start(name) > stopped))
    normal = next((i for i, level in enumerate(levels) if level.upper() in NORMAL), 0)
    keys = baseline.series[rows] * len(stack.origin) + view.subject(name)[rows]
    day = np.nan_to_num(timeline.start(name)[rows], nan=-np.inf)
    return [
        _compared(stack, arms, name, baseline, levels, codes, rows[_last(keys, baseline.time[rows], day, first)], when)
        for when, first in ((LAST, np.zeros(len(rows), bool)), (WORST, codes[rows] != normal))
    ]


def _levels(stack: Stack, name: str, codes: Ints, levels: list[str]) -> tuple[list[str], Ints]:
    """Indicators that five subjects of the source have, most frequent first, and each row's."""
    kept = most_shared(source_subjects(stack, name, codes, len(levels)), FEWEST_SHARED, MOST_LEVELS)
    place = np.full(len(levels) + 1, -1, np.int64)
    place[kept] = np.arange(len(kept))
    return [levels[i] for i in kept.tolist()], place[codes]


def _last(keys: Ints, time: Ints, day: Floats, first: Mask) -> Ints:
    """Position of the last row of each key, of those in `first` where it has any."""
    order = np.lexsort((time, day, first, keys))
    ends = np.append(np.diff(keys[order]) != 0, True) if len(order) else np.empty(0, bool)
    return np.asarray(order[ends], np.int64)


def _compared(
    stack: Stack, arms: Arms, name: str, baseline: Baseline, levels: list[str], codes: Ints, rows: Ints, when: str
) -> Compared:
    """Compare shares of each pair of indicators; `rows` is one row a subject and series."""
    n_levels, n_series = len(levels), len(baseline.names)
    subject, series = stack.view.subject(name)[rows], baseline.series[rows]
    before, later = codes[baseline.row[rows]], codes[rows]
    arm = arms.of_subject[subject]
    shape = (len(arms.names), n_series, n_levels, n_levels)
    tables = []
    for origin in (Origin.SOURCE, Origin.SAMPLE):
        one = (stack.origin[subject] == origin) & (arm >= 0)
        place = np.ravel_multi_index((arm[one], series[one], before[one], later[one]), shape)
        tables.append(np.bincount(place, minlength=int(np.prod(shape))).astype(np.float64).reshape(shape))
    chosen = pd.Series(tables[0].sum(axis=(0, 2, 3))).nlargest(MOST_SERIES).index.sort_values().to_numpy()
    tables = [table[:, chosen] for table in tables]
    seen = tables[0].sum(axis=0) >= FEWEST_SHARED
    used = np.flatnonzero(seen.ravel())
    counts = [table.reshape(len(arms.names), -1)[:, used] for table in tables]
    sizes = [np.repeat(table.sum(axis=3), n_levels, axis=2).reshape(len(arms.names), -1)[:, used] for table in tables]
    of, from_, to = np.unravel_index(used, (len(chosen), n_levels, n_levels))
    names = [
        f"{baseline.names[chosen[i]]} {levels[a]} to {levels[b]}"
        for i, a, b in zip(of.tolist(), from_.tolist(), to.tolist(), strict=True)
    ]
    return compare_shares_by_arm(EndpointKind.SHIFT, name, names, when, counts, sizes, arms)
