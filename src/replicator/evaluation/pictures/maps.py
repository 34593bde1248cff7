"""Maps: what is missing, and what goes together in a subject."""

from __future__ import annotations

import numpy as np

from replicator.evaluation.correlations import origin_ranks, rank_correlations, varied_features
from replicator.evaluation.distances import Floats, Ints
from replicator.evaluation.features import FeatureTable
from replicator.evaluation.pictures.shapes import NO_MAP, Map, Row
from replicator.evaluation.sharing import FEWEST_SHARED, source_subjects
from replicator.evaluation.stack import Origin, Stack
from replicator.profile.structure import Role

MOST_FEATURES = 26  # of one correlation map
MOST_OF_DATASET = 5  # features of one dataset in the map of all
REPEATED = 0.9  # correlation from which a feature says what another has said
FEWEST_PAIRS = 20  # subjects who have both features
_KEYS = (Role.IDENTIFIER, Role.SUBJECT, Role.SEQUENCE)


def missing_map(stack: Stack, name: str) -> Map:
    """Share of missing cells of each variable that has some; None where fewer than five subjects have it, or lack it."""
    view = stack.view
    sides = stack.rows(name, Origin.SOURCE), stack.rows(name, Origin.SAMPLE)
    names: list[str] = []
    source: list[Row] = []
    sample: list[Row] = []
    for variable in (one.name for one in view.facts(name).variables if one.role not in _KEYS and one.name in view.dataset(name)):
        missing = ~view.filled(name, variable)
        shares = [float(missing[side].mean()) if side.any() else 0.0 for side in sides]
        if max(shares) == 0.0 or min(shares) == 1.0:
            continue
        behind = source_subjects(stack, name, missing.astype(np.int64), 2)
        few = bool(((behind > 0) & (behind < FEWEST_SHARED)).any())
        names.append(variable)
        source.append((None if few else shares[0],))
        sample.append((shares[1] if sides[1].any() else None,))
    return Map(tuple(names), ("missing",), tuple(source), tuple(sample))


class Correlations:
    """Rank correlations of the features of source and sample, made once for all maps.

    Parameters
    ----------
    stack : Stack
    table : FeatureTable
    """

    def __init__(self, stack: Stack, table: FeatureTable) -> None:
        source = stack.origin == Origin.SOURCE
        self.table = table.take(varied_features(table, source))
        ranks = origin_ranks(self.table.values, stack.origin)
        self.sides = [_correlations(ranks[stack.origin == one]) for one in (Origin.SOURCE, Origin.SAMPLE)]
        self.datasets = np.array(self.table.datasets, dtype=object)
        strength = np.nan_to_num(np.abs(self.sides[0]))
        np.fill_diagonal(strength, 0.0)
        self._strength = np.where(strength < REPEATED, strength, 0.0)

    def of(self, name: str) -> Map:
        """Features of one dataset: those that go with another of it most, in their order."""
        own = np.flatnonzero(self.datasets == name)
        return self._map(own, self._strength[np.ix_(own, own)].max(axis=1, initial=0.0))

    def between(self) -> Map:
        """Features of all datasets: those that go with a feature of another dataset most."""
        other = self.datasets[:, None] != self.datasets[None, :]
        strength = np.where(other, self._strength, 0.0).max(axis=1, initial=0.0)
        best = [
            self._distinct(at[np.argsort(-strength[at], kind="stable")])[:MOST_OF_DATASET]
            for at in (np.flatnonzero(self.datasets == name) for name in dict.fromkeys(self.table.datasets))
        ]
        chosen: Ints = np.concatenate([np.empty(0, np.int64), *best])
        return self._map(chosen, strength[chosen])

    def _map(self, candidates: Ints, strength: Floats) -> Map:
        if len(candidates) < 2:
            return NO_MAP
        chosen = np.sort(self._distinct(candidates[np.argsort(-strength, kind="stable")]))
        names = tuple(self.table.names[i] for i in chosen.tolist())
        return Map(names, names, *(_rows(side[np.ix_(chosen, chosen)]) for side in self.sides))

    def _distinct(self, ordered: Ints) -> Ints:
        """First features of which none nearly repeats an earlier one."""
        repeats = np.abs(np.nan_to_num(self.sides[0])) > REPEATED
        kept: list[int] = []
        for at in ordered.tolist():
            if len(kept) < MOST_FEATURES and not repeats[at, kept].any():
                kept.append(at)
        return np.array(kept, np.int64)


def _correlations(ranks: Floats) -> Floats:
    """Correlations (n_features, n_features), NaN where too few have both."""
    r, n = rank_correlations(ranks)
    return np.where(n >= FEWEST_PAIRS, r, np.nan)


def _rows(matrix: Floats) -> tuple[Row, ...]:
    return tuple(tuple(None if np.isnan(value) else float(value) for value in row) for row in matrix.tolist())
