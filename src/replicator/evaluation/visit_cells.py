"""Findings as cells: a test at a planned time, with one value for each subject who has it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from replicator.evaluation.distances import BY_CHANCE, FEWEST_ROWS, Floats, Ints
from replicator.evaluation.results import Results, results_of, source_positions
from replicator.evaluation.sharing import shared_text, source_subjects
from replicator.evaluation.stack import Origin, Stack
from replicator.evaluation.timeline import Timeline
from replicator.profile.structure import Kind
from replicator.rules.grouping import Mask, combine

_VISITS = (("VISITNUM", "VISIT"), ("VISIT", "VISIT"), ("AVISITN", "AVISIT"), ("AVISIT", "AVISIT"))
_POINTS = (("TPTNUM", "TPT"), ("TPT", "TPT"))


@dataclass(frozen=True, eq=False)
class Cells:
    """Tests at planned times that enough subjects of the source have.

    Attributes
    ----------
    dataset : str
    tests, times : tuple of str
        (n_cells,); a time is ``""`` where the dataset has no visits and timepoints.
    following : (n_cells,) int64
        The cell of the same test at the next time, -1 at the last.
    mean : (n_subjects, n_cells) sparse matrix
        Mean position of the subject's values among the source's of the cell.
    present : (n_subjects, n_cells) sparse matrix
        1 where the subject has a value.
    measured : (n_cells,) bool
        Cells of tests that are answered in numbers.
    number : (n_subjects, n_cells) sparse matrix
        Mean of the subject's values, from the source's mean and in the source's standard deviations of the cell; 0 where these
        are 0.
    cautious : (n_subjects, n_cells) sparse matrix
        The same, where sampled subjects beyond all real ones count as the nearest of these if real subjects might show as many by
        chance and these did not.
    """

    dataset: str
    tests: tuple[str, ...]
    times: tuple[str, ...]
    following: Ints
    mean: sparse.csr_matrix
    present: sparse.csr_matrix
    measured: Mask
    number: sparse.csr_matrix
    cautious: sparse.csr_matrix

    def label(self, cell: int, what: str) -> str:
        """Name a cell in words, such as ``LB ALT level at WEEK 8``."""
        at = f" at {self.times[cell]}" if self.times[cell] else ""
        return f"{self.dataset} {self.tests[cell]} {what}{at}"


def visit_cells(stack: Stack, timeline: Timeline) -> tuple[Cells, ...]:
    """Cells of all findings datasets."""
    found = (results_of(stack, name) for name in stack.view.of_kind(Kind.FINDINGS))
    cells = (_cells(stack, timeline, results) for results in found if results is not None)
    return tuple(one for one in cells if one.tests)


def _cells(stack: Stack, timeline: Timeline, results: Results) -> Cells:
    name, n = results.dataset, len(stack.origin)
    subject, of_source = stack.view.subject(name), stack.rows(name, Origin.SOURCE)
    time, time_names = planned_times(stack, timeline, name)
    usable = (subject >= 0) & (results.test >= 0) & np.isfinite(results.values)
    cell = np.full(len(subject), -1, np.int64)
    used, cell[usable] = np.unique(results.test[usable] * len(time_names) + time[usable], return_inverse=True)
    behind = source_subjects(stack, name, cell, len(used))
    frequent = np.flatnonzero(behind >= FEWEST_ROWS)
    kept = used[frequent]  # by test, then by time
    place = np.full(len(behind) + 1, -1, np.int64)
    place[frequent] = np.arange(len(kept))
    rows = np.flatnonzero(place[cell] >= 0)
    columns, who = place[cell[rows]], subject[rows]
    position = source_positions(columns, results.values[rows], of_source[rows], len(kept))
    count = sparse.csr_matrix((np.ones(len(rows)), (who, columns)), shape=(n, len(kept)))

    def mean_of(numbers: Floats) -> sparse.csr_matrix:
        total = sparse.csr_matrix((numbers, (who, columns)), shape=(n, len(kept)))
        return sparse.csr_matrix((total.data / count.data, total.indices, total.indptr), shape=total.shape)

    present = sparse.csr_matrix((np.ones(len(count.data)), count.indices, count.indptr), shape=count.shape)
    tests = kept // len(time_names)
    number = mean_of(_standardised(columns, results.values[rows], of_source[rows], len(kept)))
    same = np.append(tests[1:] == tests[:-1], False) if len(kept) else np.empty(0, bool)
    return Cells(
        name,
        tuple(results.tests[test] for test in tests.tolist()),
        tuple(time_names[at] for at in (kept % len(time_names)).tolist()),
        np.where(same, np.arange(len(kept)) + 1, -1),
        mean_of(position),
        present,
        results.measured[tests],
        number,
        _within_chance(number, stack.origin == Origin.SAMPLE),
    )


def _standardised(columns: Ints, values: Floats, of_source: Mask, n_cells: int) -> Floats:
    """Values (n_rows,) from the source's mean of their cell, in the source's standard deviations; 0 where these are 0."""
    cell, value = columns[of_source], values[of_source]
    n = np.maximum(np.bincount(cell, minlength=n_cells), 1)
    mean = np.bincount(cell, value, minlength=n_cells) / n
    deviation = np.sqrt(np.bincount(cell, (value - mean[cell]) ** 2, minlength=n_cells) / n)
    varies = deviation > 1e-9 * np.abs(mean)
    return np.where(varies[columns], (values - mean[columns]) / np.where(varies, deviation, 1.0)[columns], 0.0)


def _within_chance(number: sparse.csr_matrix, sampled: Mask) -> sparse.csr_matrix:
    """Draw sampled numbers beyond all real ones of their cell to these, where so many may lie there by chance.

    Where a share p of the sampled subjects lies beyond, n real ones all lie within with the probability (1 - p)^n; above
    :data:`~.distances.BY_CHANCE` nothing is told by it.
    """
    n_cells, cell = number.shape[1], number.indices
    of_sample = np.repeat(sampled, np.diff(number.indptr))
    low, high = np.full((2, n_cells), np.nan)
    np.fmin.at(low, cell[~of_sample], number.data[~of_sample])
    np.fmax.at(high, cell[~of_sample], number.data[~of_sample])
    drawn = np.where(of_sample, np.clip(number.data, low[cell], high[cell]), number.data)
    beyond, n_sampled, n_real = (
        np.bincount(cell[entries], minlength=n_cells) for entries in (drawn != number.data, of_sample, ~of_sample)
    )
    by_chance = (1.0 - beyond / np.maximum(n_sampled, 1)) ** n_real > BY_CHANCE
    return sparse.csr_matrix((np.where(by_chance[cell], drawn, number.data), cell, number.indptr), shape=number.shape)


def planned_times(stack: Stack, timeline: Timeline, name: str, *, points: bool = True) -> tuple[Ints, list[str]]:
    """Number the visits and timepoints of a dataset in their order.

    Parameters
    ----------
    points : bool
        Whether timepoints within a visit are told apart.

    Returns
    -------
    time : (n_rows,) int64
        All 0 where there are neither.
    names : list of str
        Text of each time, or its number where no text is shared by enough subjects; ``""`` without visits and timepoints.
    """
    view = stack.view
    dataset = view.dataset(name)
    visit = next(((one, text) for one, text in _VISITS if one in dataset), None)
    point = next(((one, two) for a, b in _POINTS if (one := view.named(name, a)) and (two := view.named(name, b) or one)), None)
    used = [pair for pair in (visit, point if points else None) if pair is not None]
    if not used or not dataset.n_rows:
        return np.zeros(dataset.n_rows, np.int64), [""]
    codes = combine([view.codes(name, one) for one, _ in used])
    n_times = int(codes.max()) + 1
    of_source = stack.rows(name, Origin.SOURCE)
    keys = [_medians(np.where(of_source, dataset.numbers(one), np.nan), codes, n_times) for one, _ in used]
    day = _medians(np.where(of_source, timeline.start(name), np.nan), codes, n_times)
    order = np.lexsort((*keys[::-1], np.where(np.isfinite(keys[0]), 0.0, day)))
    rank = np.empty(n_times, np.int64)
    rank[order] = np.arange(n_times)
    time = rank[codes]
    names = []
    for one, text in used:
        column = view.text(name, text if text in dataset else one)
        names.append(shared_text(stack, name, time, n_times, column))
    return time, [" ".join(part for part in parts if part) or f"time {i + 1}" for i, parts in enumerate(zip(*names, strict=True))]


def _medians(values: Floats, groups: Ints, n_groups: int) -> Floats:
    """Median of each group's finite values (n_groups,), NaN without one."""
    finite = np.isfinite(values)
    order = np.lexsort((values[finite], groups[finite]))
    size = np.bincount(groups[finite], minlength=n_groups)
    first = np.cumsum(size) - size
    found: NDArray[np.float64] = np.full(n_groups, np.nan)
    has = size > 0
    found[has] = values[finite][order][(first + size // 2)[has]]
    return found
