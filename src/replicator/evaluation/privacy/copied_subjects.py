"""Copied subjects: sampled subjects who are one subject of the source, as it is or with its numbers changed a little."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.stats import chi2

from replicator.evaluation.distances import Floats
from replicator.evaluation.features import FeatureTable
from replicator.evaluation.measures import Direction, Figure
from replicator.evaluation.privacy.alone import holders
from replicator.evaluation.privacy.copied_series import Windows
from replicator.evaluation.privacy.groups import HALVED, Groups, Mask, around, over_draws, untold
from replicator.evaluation.privacy.nearest import distances, scaled
from replicator.evaluation.stack import Origin, Stack

FEWEST_WINDOWS = 4  # of a subject, for it to be told whether another one is a copy of it
MOSTLY = 0.5  # share of a subject's series from which another subject is a copy of it
FULL = 0.5  # share of what the fuller subjects of the source have, for a subject to be known well enough to be recognised
FEWEST_REAL = 20  # well-known real subjects, for it to be told how near two of them come
TAIL = 0.1  # share of these whose nearness tells of the rest
BY_CHANCE = 0.001  # probability that any sampled subject is called a near copy although it is as near as real subjects come
UNSURE = 0.025  # probability that the tail is heavier than it is taken to be
SUBJECTS = "copied subjects"
QUESTION = "Which share of subjects is one subject of the source: most of its series, or nearer to it than real subjects ever come?"
_LEAST = 1e-6  # nearness below which subjects are alike: where real ones are, too, none is a copy for that
_CHUNK = 1 << 24  # distances in memory at once


def copied_subjects_figure(stack: Stack, table: FeatureTable, windows: Windows, groups: Groups, looked_at: Mask) -> Figure:
    """Share of subjects who are copies, as they are or nearly.

    A copy has most of its series in common with one subject of the source; the target is the same share among real subjects who are
    others than those of the source. A near copy is told by :func:`near_copies`; real subjects are none, by its definition.

    Parameters
    ----------
    looked_at : (n_subjects,) bool
        Real subjects whose distances are taken.
    """
    held = windows.held(len(stack.origin))
    near, known_well = near_copies(stack, table, looked_at)
    told = known_well | (np.asarray(held.sum(axis=1)).ravel() >= FEWEST_WINDOWS)
    n_told = int((told & groups.sample).sum())
    if not groups.told or not n_told:
        why = f"{n_told} sampled subjects of whom enough is known, {groups.size} real subjects a side: nothing to compare."
        return untold(SUBJECTS, QUESTION, 0.0, why)
    sides = zip(groups.known, groups.others, groups.drawn, strict=True)
    found = np.array([_shares(held, known, (sample, others), near, told) for known, others, sample in sides])
    value, expected = over_draws(found[:, 0])[0], over_draws(found[:, 1])[0]
    _, error = over_draws(found[:, 0] - found[:, 1])
    said = HALVED if groups.taught else ""
    interval = around(value, error, 0.0, 1.0)
    return Figure(SUBJECTS, QUESTION, value, expected, interval, 0.0, 1.0, Direction.LOWER, n_told, said)


def _shares(held: sparse.csr_matrix, known: Mask, sides: tuple[Mask, Mask], near: Mask, told: Mask) -> Floats:
    """Share of copies among sampled and among other real subjects, of those of whom enough is known: (2,)."""
    alone = np.flatnonzero(holders(held, known) == 1)
    owned, n_own = held[np.flatnonzero(known)][:, alone], np.asarray(held.sum(axis=1)).ravel()
    copies = near.copy()
    members = np.flatnonzero((sides[0] | sides[1]) & (n_own >= FEWEST_WINDOWS))
    if len(members) and len(alone):
        common = sparse.csr_matrix(held[members][:, alone] @ owned.T)
        copies[members] |= np.asarray(common.max(axis=1).todense()).ravel() > MOSTLY * n_own[members]
    return np.array([copies[mask & told].mean() if (mask & told).any() else np.nan for mask in sides])


def near_copies(stack: Stack, table: FeatureTable, looked_at: Mask) -> tuple[Mask, Mask]:
    """Sampled subjects who lie nearer to one of the source than real subjects ever come.

    How near a subject comes is its distance to one of the source, divided by the distance of that one to the nearest other of the
    source; the least of these counts. The logarithms of the smallest tenth among real subjects (those held out to the source, else
    those of the source to each other) tell by their mean excess how fast nearer ones grow rarer [1]_; its upper limit is taken.
    Where fewer than :data:`BY_CHANCE` of as many as are sampled would be expected is what no real subject comes to.

    Parameters
    ----------
    looked_at : (n_subjects,) bool
        Real subjects whose distances are taken.

    Returns
    -------
    near, known_well : (n_subjects,) bool
        Sampled subjects who are near copies; all who are known well enough to be recognised: by half as many features as the fuller
        subjects of the source have. Of others little more is known than that they were screened, and many are alike.

    References
    ----------
    .. [1] B. M. Hill, "A simple general approach to inference about the tail of a distribution", *Annals of Statistics* 3, 1975,
       pages 1163-1174.
    """
    has = np.isfinite(table.values).sum(axis=1)
    of_source = stack.origin == Origin.SOURCE
    nobody = np.zeros(len(has), bool)
    if not table.values.shape[1] or not of_source.any():
        return nobody, nobody
    known_well = has >= max(FULL * float(np.quantile(has[of_source], 0.9)), 1.0)
    source, others, sample = (
        np.flatnonzero(known_well & mask)
        for mask in (
            of_source & looked_at,
            (stack.origin == Origin.HOLDOUT) & looked_at,
            stack.origin == Origin.SAMPLE,
        )
    )
    if len(source) < FEWEST_REAL or len(others) not in (0, *range(FEWEST_REAL, len(has))):
        return nobody, nobody
    place = scaled(table.values, looked_at & (stack.origin != Origin.SAMPLE))
    among = distances(place[source], place[source])
    np.fill_diagonal(among, np.inf)
    alone = among.min(axis=1)
    real = _nearness(place, others, source, alone) if len(others) else _nearness_among(among)
    near = nobody.copy()
    bound = _bound(real, len(sample))
    near[sample] = (_nearness(place, sample, source, alone) < bound) & (bound > 2 * _LEAST)
    return near, known_well


def _nearness(place: Floats, subjects: NDArray[np.intp], source: NDArray[np.intp], alone: Floats) -> Floats:
    """How near each subject comes to one of the source, relative to the nearest other of the source (n_subjects,)."""
    width = max(_CHUNK // max(len(source), 1), 1)
    parts = [
        (distances(place[subjects[i : i + width]], place[source]) / np.maximum(alone, _LEAST)).min(axis=1)
        for i in range(0, len(subjects), width)
    ]
    return np.concatenate([np.empty(0), *parts])


def _nearness_among(among: Floats) -> Floats:
    """The same of each subject of the source to all others of it (n_source,); `among` is infinite on the diagonal."""
    second = np.partition(among, 1, axis=0)[:2]
    without = np.where(among == second[0], second[1], second[0])  # what is nearest to the column, the row's subject left out
    return np.asarray((among / np.maximum(without, _LEAST)).min(axis=1))


def _bound(real: Floats, n_sampled: int) -> float:
    """Nearness that as many subjects as are sampled would come below with the probability :data:`BY_CHANCE`."""
    logs = np.sort(np.log(np.maximum(real, _LEAST)))
    n_tail = max(round(TAIL * len(logs)), 5)
    excess = 2.0 * float((logs[n_tail] - logs[:n_tail]).sum()) / float(chi2.ppf(UNSURE, 2 * n_tail))
    expected = max(n_sampled * n_tail / len(logs), 1.0)
    return float(np.exp(logs[n_tail] - excess * np.log(expected / BY_CHANCE)))
