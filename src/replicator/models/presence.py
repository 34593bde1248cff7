"""Which of many kinds of event a subject has, given how many: incidence by group, and kinds of one block that come together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from replicator.models.associations import Groups, find_associations, find_group_associations, no_associations
from replicator.models.inclusion import added, drawn_to, fit_weights, inclusion, shrunk_means, spread_over
from replicator.models.loads import expected_number, fit_tie, pair_by_load
from replicator.models.shifts import Shifts

Floats = NDArray[np.float64]
Integers = NDArray[np.int32] | NDArray[np.int64] | NDArray[np.intp]

MOST_SPREAD = 2.0  # log odds; beyond this a block is all or nothing
MOST_FITTED = 2_000  # subjects to whom weights and shifts are fitted; incidences are those of all
MOST_CELLS = 2_000_000  # subjects times kinds that are drawn at once
_TRIALS = 3  # draws of all subjects behind a moment


@dataclass(frozen=True, eq=False)
class Presence:
    r"""Fixed-size choice of kinds, subject by subject.

    Attributes
    ----------
    weight : (n_groups + 1, n_kinds) float64
        Log odds of each kind, infinite where everybody has it; the last row is that of all groups together.
    block : (n_kinds,) int32
        Block (class) of each kind.
    copies : (n_kinds,) int32
        How many interchangeable kinds an entry stands for (a pool of rare ones); 1 for a kind of its own.
    spread : float
        Standard deviation, on the scale of log odds, of a subject's own inclination to a block.
    shift_kind, shift_fact : (n_shifts,) int64
        Kinds that depend on facts about the subject, and the facts; those of groups of kinds stand behind all others.
    shift : (n_shifts,) float64
        Log odds that the fact adds to the kind.
    tie : float
        Correlation, within groups, of how many kinds a subject has with how many the facts let expect.

    Notes
    -----
    Subject *i* of group *g* who has :math:`m_i` kinds has kind *u* with probability
    :math:`\pi_{iu} = \sigma(w_{gu} + \sum_f s_{fu} x_{if} + b_{i,block(u)} + c_i)`, where :math:`c_i` makes the probabilities add
    up to :math:`m_i`.
    The choice is systematic sampling in random order, whose inclusion probabilities are exactly :math:`\pi` (Madow, 1949,
    Annals of Mathematical Statistics 20:333).
    """

    kind: ClassVar[str] = "presence"

    weight: Floats
    block: NDArray[np.int32]
    copies: NDArray[np.int32]
    spread: float
    shift_kind: NDArray[np.int64]
    shift_fact: NDArray[np.int64]
    shift: Floats
    tie: float = 0.0

    @classmethod
    def fit(
        cls,
        count: Integers,
        group: Integers,
        n_groups: int,
        block: Integers,
        copies: Integers,
        decided: Sequence[int] = (),
        facts: NDArray[np.bool_] | None = None,
        groups: Groups | None = None,
        barred: NDArray[np.bool_] | None = None,
        *,
        k: int = 5,
    ) -> Presence:
        """Learn from counts.

        Parameters
        ----------
        count : (n_subjects, n_kinds) int
            Whether a subject has a kind; how many of a pool.
        group : (n_subjects,) int
            Group (arm) of each subject, 0 to `n_groups` - 1.
        n_groups : int
            Number of groups.
        block, copies : (n_kinds,) int
            As above.
        decided : sequence of int
            Kinds of which it may be known beforehand who has them; the others' weights are learned given them. One that depends on
            a fact (it is among `shift_kind`) is not taken for known.
        facts : (n_subjects, n_facts) bool, optional
            What else is known beforehand; a few of them for each kind are chosen.
        groups : Groups, optional
            Kinds that may depend alike on a fact beside these: one shift for all of a group.
        barred : (n_subjects, n_kinds) bool, optional
            Kinds that a subject cannot have. One that somebody cannot have is not taken for known.
        k : int
            Fewest subjects, all of whom have a kind, to take it for one that everybody has; fewest behind a shift.
        """
        number, of = count.sum(axis=1).astype(np.int64), np.asarray(group, np.int64)
        some = number > 0
        x, size, group = count[some].astype(np.float64), number[some].astype(np.float64), of[some]
        blocks, pools = np.asarray(block, np.int32), np.asarray(copies, np.int32)
        n_kinds = len(blocks)
        if not len(x):
            nobody = np.empty(0, np.int64)
            return cls(np.zeros((n_groups + 1, n_kinds)), blocks, pools, 0.0, nobody, nobody, np.empty(0))
        target = shrunk_means(x, group, n_groups)
        always = (x > 0).all(axis=0) & (len(x) >= k) & (pools == 1)
        empty = np.bincount(group, minlength=n_groups) == 0
        all_counts, all_groups = x, group
        chosen = spread_over(group, size, MOST_FITTED)
        those, x, size, group = np.flatnonzero(some)[chosen], x[chosen], size[chosen], group[chosen]
        everyone = np.zeros(len(x), np.intp)
        plain = fit_weights(target[:-1], size, group, pools, np.zeros_like(x))
        normal = np.random.Generator(np.random.PCG64(0)).standard_normal((len(x), int(blocks.max(initial=0)) + 1))
        spread = _block_spread(x, size, plain[group], blocks, pools, normal)
        lean = spread * normal[:, blocks]
        told = np.zeros((len(x), 0), bool) if facts is None else facts[those]
        alike = Groups.none(len(x), n_kinds) if groups is None else groups.among(those).of(~always)
        expected = inclusion(plain[group], size, pools)
        alone = find_associations(x, expected, pools, told, ~always, no_associations(), k)
        together = find_group_associations(x, expected, pools, alike, k)
        closed = np.zeros(x.shape, bool) if barred is None else barred[those]
        by_group = alike.member[together.kind_of].any(axis=0)
        dependent = np.union1d(alone.kind_of, np.flatnonzero(by_group | closed.any(axis=0)))
        known = np.union1d(np.setdiff1d(np.asarray(decided, np.intp), dependent), np.flatnonzero(always))
        sure = np.where(closed, -np.inf, 0.0)
        sure[:, known] = np.where(x[:, known] > 0, np.inf, -np.inf)
        table = np.zeros((told.shape[1] + len(alike.member), n_kinds))
        if len(dependent):
            open_kinds = np.ones(n_kinds, bool)
            open_kinds[known] = False
            rest, holds = alike.of(open_kinds), np.hstack([told, alike.holds])
            shifts = Shifts.choose(x, target[-1:], size, pools, sure, told, rest, open_kinds, k)
            chance = shifts.probability(target[-1:], size, everyone)
            target[:-1] = drawn_to(all_counts, all_groups, n_groups, chance, group, pools)
            table = shifts.settle(target[:-1], size, group).table
            lean += added(table, holds)
        lean += sure
        weight = np.vstack(
            [
                fit_weights(target[:-1], size, group, pools, lean),
                fit_weights(target[-1:], size, everyone, pools, lean),
            ]
        )
        if len(known):  # for when nothing is known of them after all
            weight[:-1, known] = plain[:, known]
            weight[-1, known] = fit_weights(target[-1:], size, everyone, pools, np.zeros_like(x))[0, known]
        weight[:, always] = np.inf
        weight[:-1][empty] = weight[-1]
        kind_of, fact = (one.astype(np.int64) for one in np.nonzero(table.T))
        fitted = cls(weight, blocks, pools, spread, kind_of, fact, table[fact, kind_of])
        if not len(kind_of) and not closed.any():
            return fitted
        those = spread_over(of, number, MOST_FITTED)
        nothing = np.zeros((len(those), 0), bool)
        told = np.hstack([nothing if facts is None else facts[those], nothing if groups is None else groups.holds[those]])
        logit = _open(fitted._told(of[those], told), None if barred is None else barred[those])
        return replace(fitted, tie=fit_tie(number[those], expected_number(logit, pools), of[those]))

    def pair(
        self,
        size: NDArray[np.int64],
        group: NDArray[np.int64],
        facts: NDArray[np.bool_],
        rng: np.random.Generator,
        barred: NDArray[np.bool_] | None = None,
    ) -> Integers:
        """Let subjects of a group change places until those whose facts let expect more have more: whose size each takes (n,)."""
        if self.tie <= 0:
            return np.arange(len(size))
        return pair_by_load(size, _open(self._told(group, facts), barred), self.copies, group, self.tie, rng)

    def _told(self, group: NDArray[np.int64], facts: NDArray[np.bool_]) -> Floats:
        """Log odds (n, n_kinds) by group and facts (n, n_facts)."""
        table = np.zeros((facts.shape[1], len(self.block)))
        table[self.shift_fact, self.shift_kind] = self.shift
        return self.weight[self._known(group)] + added(table, facts)

    def _known(self, group: NDArray[np.int64]) -> Integers:
        """Row of `weight` of each subject."""
        return np.where((group >= 0) & (group < len(self.weight) - 1), group, len(self.weight) - 1)

    def sample(
        self,
        size: NDArray[np.int64],
        group: NDArray[np.int64],
        rng: np.random.Generator,
        decided: Mapping[int, NDArray[np.bool_]] | None = None,
        barred: NDArray[np.bool_] | None = None,
        facts: NDArray[np.bool_] | None = None,
    ) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
        """Draw kinds.

        Parameters
        ----------
        size : (n,) int
            Number of different kinds of each subject; more than there are becomes all there are.
        group : (n,) int
            Group of each subject; one that is out of range gets the pooled incidences.
        decided : mapping of int to (n,) bool, optional
            Kinds of which it is known who has them; a subject has at least these.
        barred : (n, n_kinds) bool, optional
            Kinds that a subject cannot have; this rules.
        facts : (n, n_facts) bool, optional
            What is known of the subjects, as at :meth:`fit`, the facts of groups behind the others.

        Returns
        -------
        subject, kind, copy : (n_chosen,) int64
            By subject; `copy` says which of a pool, 0 where there is no pool.
        """
        entry = np.repeat(np.arange(len(self.block)), self.copies)
        copy = np.arange(len(entry)) - np.repeat(np.cumsum(self.copies) - self.copies, self.copies)
        rows = max(1, MOST_CELLS // max(1, len(entry)))
        known = self._known(group)
        told = dict(decided or {})
        if barred is not None:
            told = {kind: has & ~barred[:, kind] for kind, has in told.items()}
        least = sum((has.astype(np.int64) for has in told.values()), np.zeros(len(size), np.int64))
        wanted = np.maximum(size, least)
        subjects, chosen = [np.empty(0, np.int64)], [np.empty(0, np.int64)]
        for low in range(0, len(size), rows):
            part = slice(low, low + rows)
            logit = self.weight[known[part]] if facts is None else self._told(group[part], facts[part])
            logit = logit + self.spread * rng.standard_normal((len(logit), int(self.block.max(initial=0)) + 1))[:, self.block]
            for kind, has in told.items():
                logit[:, kind] = np.where(has[part], np.inf, -np.inf)
            if barred is not None:
                logit = _open(logit, barred[part])
            who, which = _choose(wanted[part], logit, self.copies, entry, rng)
            subjects.append(who + low)
            chosen.append(which)
        subject, position = np.concatenate(subjects), np.concatenate(chosen)
        return subject, entry[position].astype(np.int64), copy[position].astype(np.int64)


def _open(logit: Floats, barred: NDArray[np.bool_] | None) -> Floats:
    """Log odds (n, n_kinds) of which those are none that a subject cannot have."""
    return logit if barred is None else np.where(barred, -np.inf, logit)


def _block_spread(x: Floats, size: Floats, weight: Floats, block: Integers, copies: NDArray[np.int32], normal: Floats) -> float:
    """Find the spread at which the number of kinds from a block scatters as in the source, by simulation and bisection.

    Parameters
    ----------
    x : (n, n_kinds) float64
        Counts.
    weight : (n, n_kinds) float64
        Log odds without inclinations.
    normal : (n, n_blocks) float64
        Standard normals: the inclinations at a spread of 1.
    """
    member = np.zeros((len(block), normal.shape[1]))
    member[np.arange(len(block)), block] = 1.0
    member = member[:, copies @ member > 1]  # a block of one kind says nothing of what comes together,
    some = size > 1  # nor does a subject who has one kind
    if not some.any() or member.shape[1] < 1 or normal.shape[1] < 2:
        return 0.0
    x, size, weight, normal = x[some], size[some], weight[some], normal[some]
    expected = (inclusion(weight, size, copies) * copies) @ member
    seen = float(((x @ member - expected) ** 2).sum())
    entry = np.repeat(np.arange(len(block)), copies)

    def scatter(spread: float) -> float:
        rng = np.random.Generator(np.random.PCG64(1))
        logit, total = weight + spread * normal[:, block], 0.0
        for _ in range(_TRIALS):
            who, which = _choose(size.astype(np.int64), logit, copies, entry, rng)
            drawn = np.zeros_like(x)
            np.add.at(drawn, (who, entry[which]), 1.0)
            total += float(((drawn @ member - expected) ** 2).sum())
        return total / _TRIALS

    low, high = 0.0, MOST_SPREAD
    if seen <= scatter(low):
        return 0.0
    for _ in range(7):
        middle = (low + high) / 2
        low, high = (middle, high) if scatter(middle) < seen else (low, middle)
    return (low + high) / 2


def _choose(
    size: NDArray[np.int64], logit: Floats, copies: NDArray[np.int32], entry: NDArray[np.intp], rng: np.random.Generator
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Draw `size` entries for each row of log odds: row and entry of each choice."""
    possible = (logit > -np.inf) @ copies
    wanted = np.minimum(size, possible).astype(np.float64)
    probability = inclusion(logit, wanted, copies)[:, entry]
    order = np.argsort(rng.random(probability.shape, dtype=np.float32), axis=1)
    total = np.cumsum(np.take_along_axis(probability, order, axis=1), axis=1)
    sure = np.round(total[:, -1])  # rounding must not lose one
    total *= (sure / np.maximum(total[:, -1], 1e-300))[:, None]
    step = np.floor(total + rng.random(len(size))[:, None])
    hit = np.diff(step, axis=1, prepend=0.0) > 0
    who, place = np.nonzero(hit)
    return who.astype(np.int64), order[who, place].astype(np.int64)
