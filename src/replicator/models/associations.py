"""Which facts about a subject change its chance to have a kind of event: a few, each backed by enough subjects."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from replicator.special import chdtrc

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Ints = NDArray[np.int64]

FALSE_DISCOVERIES = 0.1  # share of associations found that may be none
LEAST_PRIOR = 1.0  # chances that the share expected without the fact counts for, where the fact tells most
FOLDS = 5
SAME = 0.9  # correlation of two facts from which on they are one


@dataclass(frozen=True, eq=False)
class Associations:
    """Pairs of a kind and a fact.

    Attributes
    ----------
    kind_of, fact : (n_pairs,) int64
    aim : (n_pairs,) float64
        Share of the kind's copies that the subjects with the fact have.
    """

    kind_of: Ints
    fact: Ints
    aim: Floats

    def take(self, pairs: Bools) -> Associations:
        """Keep some pairs."""
        return Associations(self.kind_of[pairs], self.fact[pairs], self.aim[pairs])

    def join(self, other: Associations) -> Associations:
        """Put the pairs of another behind these."""
        return Associations(
            np.append(self.kind_of, other.kind_of), np.append(self.fact, other.fact), np.append(self.aim, other.aim)
        )


def no_associations() -> Associations:
    """Return an empty set of pairs."""
    return Associations(np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0))


@dataclass(frozen=True, eq=False)
class Groups:
    """Kinds that may depend on a fact alike, such as medicines for one condition on that condition.

    Attributes
    ----------
    member : (n_groups, n_kinds) bool
        Kinds of each group; a kind may be of several.
    holds : (n, n_groups) bool
        Who has the fact of each group.
    """

    member: Bools
    holds: Bools

    @classmethod
    def none(cls, n: int, n_kinds: int) -> Groups:
        """Return no group of kinds of `n` subjects."""
        return cls(np.zeros((0, n_kinds), bool), np.zeros((n, 0), bool))

    def among(self, subjects: Bools | Ints) -> Groups:
        """Keep some subjects."""
        return Groups(self.member, self.holds[subjects])

    def of(self, kinds: Bools) -> Groups:
        """Keep some kinds as members."""
        return Groups(self.member & kinds, self.holds)


def distinct_facts(facts: Bools) -> Ints:
    """Find the facts (n, n_facts) that are more than one another's copy: positions, in order.

    Of facts that correlate by more than `SAME`, the one that most subjects have stands for all.
    """
    people = facts.sum(axis=0)
    centred = facts - facts.mean(axis=0)
    length = np.sqrt((centred**2).sum(axis=0))
    phi = centred.T @ centred / np.maximum(np.outer(length, length), 1e-12)
    kept = np.zeros(len(people), bool)
    for fact in np.argsort(-people, kind="stable").tolist():
        kept[fact] = not (phi[fact, kept] > SAME).any()
    return np.flatnonzero(kept).astype(np.int64)


def find_associations(
    count: Floats,
    probability: Floats,
    copies: NDArray[np.int32],
    facts: Bools,
    open_kinds: Bools,
    known: Associations,
    k: int,
    admissible: Bools | None = None,
) -> Associations:
    """Find the best fact of each kind whose presence the model does not yet explain.

    Parameters
    ----------
    count : (n, n_kinds) float64
        Copies of each kind that a subject has.
    probability : (n, n_kinds) float64
        Chance of one copy as the model has it so far.
    copies : (n_kinds,) int32
    facts : (n, n_facts) bool
    open_kinds : (n_kinds,) bool
        Kinds that are not decided otherwise.
    known : Associations
        Pairs that the model has already.
    k : int
        Fewest subjects with the fact and the kind, or who should have both by chance if fewer than `k` have.
    admissible : (n_facts, n_kinds) bool, optional
        Pairs that may be; all of them if not given.

    Notes
    -----
    Under the model, *n* chances of the subjects with a fact give *e* presences; *o* are seen. The deviation of *o / n* from *e / n*
    is drawn in by 1 - 1 / :math:`z^2`, where :math:`z^2 / 2` is its gain in log likelihood (James and Stein, 1961, Proc. 4th
    Berkeley Symp. 1:361): what is weakly backed is believed less. A pair counts if its log likelihood also rises in the folds that
    were left out, and if it is among those that Benjamini and Hochberg (1995, J. R. Statist. Soc. B 57:289) accept. A count below
    `k` is replaced by k / 2, spread over the folds as expected: how few there were is nobody's business.
    """
    n_facts, n_kinds = facts.shape[1], count.shape[1]
    fold = np.arange(len(count)) % FOLDS
    seen, expected, chances = (np.zeros((FOLDS, n_facts, n_kinds)) for _ in range(3))
    for f in range(FOLDS):
        holds = facts[fold == f].astype(np.float64)
        seen[f] = holds.T @ count[fold == f]
        expected[f] = holds.T @ (probability[fold == f] * copies)
        chances[f] = holds.sum(axis=0)[:, None] * copies
    o, e, n = seen.sum(axis=0), expected.sum(axis=0), chances.sum(axis=0)
    people = facts.astype(np.float64).T @ (count > 0)
    may = ((people >= k) | ((e >= k) & (o < e))) & open_kinds
    may[known.fact, known.kind_of] = False
    if admissible is not None:
        may &= admissible
    rare = (people < k) & (o > 0)
    o = np.where(rare, np.minimum(k / 2, e), o)
    seen = np.where(rare, o * expected / np.maximum(e, 1e-9), seen)
    aim = _share(o, e, n)
    gain = _gain(o, aim, e, n)
    left_out = np.zeros_like(gain)
    for f in range(FOLDS):
        ratio = _odds(_share(o - seen[f], e - expected[f], n - chances[f])) / _odds(_safe(e - expected[f], n - chances[f]))
        base = _odds(_safe(expected[f], chances[f]))
        moved = ratio * base / (1 + ratio * base)
        left_out += _gain(seen[f], moved, expected[f], chances[f])
    p_value = np.where(may & (left_out > 0), chdtrc(1, np.maximum(2 * gain, 0.0)), 1.0)
    ordered = np.sort(p_value[may])
    passing = np.flatnonzero(ordered <= FALSE_DISCOVERIES * np.arange(1, len(ordered) + 1) / max(len(ordered), 1))
    limit = ordered[passing[-1]] if len(passing) else -1.0
    best = np.where(p_value <= limit, gain, -np.inf).argmax(axis=0) if n_facts else np.zeros(n_kinds, np.int64)
    kinds = np.flatnonzero(p_value[best, np.arange(n_kinds)] <= limit) if n_facts else np.empty(0, np.int64)
    return Associations(kinds.astype(np.int64), best[kinds].astype(np.int64), aim[best[kinds], kinds])


def find_group_associations(count: Floats, probability: Floats, copies: NDArray[np.int32], groups: Groups, k: int) -> Associations:
    """Find the groups whose kinds are more frequent with the fact of the group than the model has it.

    Parameters
    ----------
    count, probability, copies, k
        As in :func:`find_associations`.
    groups : Groups
        Of the same subjects and kinds.

    Returns
    -------
    Associations
        Groups and, under the same number, their facts. The aim is the share of all copies of a group's kinds.

    Notes
    -----
    Whether a subject has any kind of the group is what is tested: that somebody has several does not count for more. One test a
    group, against its own fact alone, is what a kind of a few subjects cannot be given.
    """
    weight = groups.member * copies.astype(np.float64)
    any_of = (count @ groups.member.T > 0).astype(np.float64)
    chance = -np.expm1(np.log1p(-np.minimum(probability, 1 - 1e-9)) @ weight.T)
    n_groups = len(weight)
    some = groups.member.any(axis=1) & ((~groups.holds).sum(axis=0) >= k)
    each = np.ones(n_groups, np.int32)
    found = find_associations(any_of, chance, each, groups.holds, some, no_associations(), k, np.eye(n_groups, dtype=bool)).kind_of
    holds = groups.holds[:, found].astype(np.float64)
    seen = (holds * (count @ groups.member[found].T)).sum(axis=0)
    expected = (holds * (probability @ weight[found].T)).sum(axis=0)
    more = (seen > expected) & ((holds * any_of[:, found]).sum(axis=0) >= k)
    chances = holds.sum(axis=0) * weight[found].sum(axis=1)
    return Associations(found[more], found[more], _share(seen, expected, chances)[more])


def _safe(hits: Floats, chances: Floats) -> Floats:
    return np.asarray(np.clip(hits / np.maximum(chances, 1e-9), 1e-6, 1 - 1e-6), np.float64)


def _share(seen: Floats, expected: Floats, chances: Floats) -> Floats:
    base = _safe(expected, chances)
    told = 2 * _gain(seen, _safe(seen, chances), expected, chances)
    prior = np.maximum(chances / np.maximum(told - 1, 1e-9), LEAST_PRIOR)
    return _safe(seen + prior * base, chances + prior)


def _odds(share: Floats) -> Floats:
    return np.asarray(share / (1 - share), np.float64)


def _gain(seen: Floats, share: Floats, expected: Floats, chances: Floats) -> Floats:
    """Log likelihood of what is seen under a share, against that under the expected one."""
    base = _safe(expected, chances)
    moved = np.clip(share, 1e-6, 1 - 1e-6)
    rest = np.maximum(chances - seen, 0.0)
    return np.asarray(seen * np.log(moved / base) + rest * np.log((1 - moved) / (1 - base)), np.float64)
