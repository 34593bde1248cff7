"""Which rows a subject has, one after the other: a Markov chain over row tuples that knows how far the subject came."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from replicator.models.backoff import BackoffTable
from replicator.study_model.columns.blocks import Block
from replicator.study_model.columns.conditions import join_codes
from replicator.study_model.columns.neighbours import Neighbours
from replicator.study_model.marks.names import died
from replicator.study_model.sequence.arms import arm_codes, arm_groups, plan_followed
from replicator.study_model.sequence.closing import Closing
from replicator.study_model.sequence.conditions import in_turn, order_antecedents, subject_conditions, telling_antecedents
from replicator.study_model.sequence.context import Antecedents
from replicator.study_model.sequence.fatal import FatalTuples
from replicator.study_model.sequence.horizon import Horizon
from replicator.study_model.sequence.once import find_obliged, find_once, first_of_sets
from replicator.study_model.sequence.repeats import place_codes, telling_places, times_had, times_that_tell
from replicator.study_model.sequence.returns import Returns
from replicator.study_model.spine import Spine
from replicator.tables.dataset import Numbers

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

MOST_ROWS = 60  # a chain is not followed longer than this


@dataclass(frozen=True, eq=False)
class Chain:
    """A Markov chain over row tuples.

    Attributes
    ----------
    n_states : int
        Number of tuples; one more means the end.
    planned : tuple of str
        Planned arms, where the rows follow the plan and not what was given; else empty, and arms are the spine's.
    group : (n_arms,) int64
        Arms that share their tuples are of one group; nothing is learned from one group for another.
    table : BackoffTable
        Next tuple given the group, the one before (0 at the start, else 1 + tuple), how often that has come where it tells, the
        antecedents, the horizon's coarse bin, how the participation ended, the fine bin, and the arm.
    strays : BackoffTable
        Whether (1) the next tuple is one that `table` does not know under its conditions, and `rare` does, given the same. Tuples
        that are mostly so are unknown to `table` under all conditions.
    rare : BackoffTable
        Which it is then, numbered anew in each group, given the group, the one before and the arm: what is rare in
        one arm may be usual in others.
    antecedents : Antecedents
        What earlier datasets tell of the next tuple.
    asked : (n_states + 1, n_antecedents) int64
        Positions of the antecedents in the order in which they are asked, by the tuple before.
    horizon : Horizon
    closing : Closing
        Rows that are there if something else happened.
    once : (n_sets, n_states) bool
        Sets of tuples of which a subject has one at most.
    deaths : FatalTuples or None
        Tuples of deaths.
    most : int
        Most rows a subject.
    places : (n_places,) int64
        Where it tells how often the tuple before has come, from :func:`~replicator.study_model.sequence.repeats.telling_places`.
    obliged : (n_sets,) bool
        Of which of the sets of `once` everybody has one.
    returns : Returns or None
        Rows like earlier ones of their subject that too few of each group have.
    """

    kind: ClassVar[str] = "chain"

    n_states: int
    planned: tuple[str, ...]
    group: Ints
    table: BackoffTable
    strays: BackoffTable
    rare: BackoffTable
    antecedents: Antecedents
    asked: Ints
    horizon: Horizon
    closing: Closing
    once: NDArray[np.bool_]
    deaths: FatalTuples | None
    most: int
    places: Ints = field(default_factory=lambda: np.empty(0, np.int64))
    obliged: NDArray[np.bool_] = field(default_factory=lambda: np.empty(0, bool))
    returns: Returns | None = None

    @classmethod
    def fit(cls, state: Block, code: Ints, subject: NDArray[np.int32], spine: Spine, k: int, odd: NDArray[np.bool_]) -> Chain:
        """Learn from rows sorted by subject and their order.

        Parameters
        ----------
        state : Block
            The tuples.
        code : (n_rows,) int64
            Tuple of each row.
        subject : (n_rows,) int32
        spine : Spine
        k : int
        odd : (n,) bool
            Subjects who had rows that are no longer there: what follows what is not learned of them.
        """
        n_states = max(len(state.values[0]) - 1, 0) if state.values else int(code.max(initial=-1)) + 1
        horizon = Horizon.fit(code, subject, spine, k)
        planned = plan_followed(code, subject, spine, k)
        arm, n_arms = arm_codes(spine, planned)
        group = arm_groups(code, subject, arm, n_arms, odd)
        place = Neighbours(subject)
        previous = np.where(place.first, 0, np.append(0, code[:-1] + 1)) if len(code) else np.empty(0, np.int64)
        nobody = np.setdiff1d(np.arange(spine.n), subject)
        ends = np.flatnonzero(place.last)
        who = np.concatenate([subject, subject[ends], nobody])
        before = np.concatenate([previous, code[ends] + 1, np.zeros(len(nobody), np.int64)])
        target = np.concatenate([code, np.full(len(ends) + len(nobody), n_states)])
        had, none = times_had(code, subject), np.zeros(len(nobody), np.int64)
        times = np.concatenate([np.where(place.first, 0, np.append(0, had)[:-1]), had[ends], none])
        again = np.concatenate([had > 1, np.zeros(len(ends) + len(nobody), bool)])
        rank = np.concatenate([place.rank, place.rank[ends] + 1, none])
        if 0 < odd.mean() < 0.5:
            whole = ~odd[who]
            who, before, target, times, again, rank = (one[whole] for one in (who, before, target, times, again, rank))
        known = Antecedents.find(spine, k)
        antecedents = telling_antecedents(known, target, before, who, spine, horizon, group[arm], k)
        asked = order_antecedents(antecedents, target, before, who, spine, n_states, k)
        first, *rest = (codes[who] for codes in subject_conditions(spine, horizon, group[arm]))
        at = place_codes(first, before, times, n_states, MOST_ROWS)
        places = telling_places(at, target, who, MOST_ROWS, k)
        repeated = [times_that_tell(at, places, MOST_ROWS)] if len(places) else []
        given = [first, before, *repeated, *in_turn(antecedents.codes(spine), asked, before, who), *rest]
        table = BackoffTable.fit(target, given, who, k=k, closed=True, design_depth=2)
        numbered = first * (n_states + 1) + target
        stray = ~table.lists(given, target)
        seldom = _mostly(stray, join_codes([numbered, before], len(who)))
        stray |= seldom
        seldom_given = [codes[stray] for codes in (first, before, rest[-1])]
        rare = BackoffTable.fit(numbered[stray], seldom_given, who[stray], k=k, closed=True, open_depth=3)
        of_any_arm = [*seldom_given[:2], np.full(len(seldom_given[0]), len(spine.arms))]
        stray[stray] = rare.lists(of_any_arm, numbered[stray])  # one of too few is no reason for another
        usual = ~(stray & seldom)  # what `rare` knows of them does not come by both ways
        table = BackoffTable.fit(target[usual], [codes[usual] for codes in given], who[usual], k=k, closed=True, design_depth=2)
        strays = BackoffTable.fit(stray.astype(np.int64), given, who, k=k)
        most = _most_rows(subject, spine, k)
        once = find_once(state, code, subject, n_states, k)
        closing = Closing.fit(code, _visits_named(state, n_states), subject, group[arm], known, spine, k)
        may = ~once.any(axis=0) & ~closing.members.any(axis=0) & np.isnan(closing.visit)
        drawn = stray & (len(np.unique(who[stray])) >= k)  # others of too few are not
        lost = again & ~drawn & ~table.lists(given, target) & np.append(may, False)[target]
        return cls(
            n_states,
            planned,
            group,
            table,
            strays,
            rare,
            antecedents,
            asked,
            horizon,
            closing,
            once,
            FatalTuples.fit(state, code, once, n_states),
            max(1, min(MOST_ROWS, most)),
            places,
            find_obliged(once, code, subject, odd, k),
            Returns.fit(target == n_states, lost, rank, who.astype(np.int64), may, k),
        )

    def _obliged_sets(self) -> NDArray[np.bool_]:
        """Sets of which everybody has one tuple: (n_obliged, n_states)."""
        return self.once[self.obliged] if len(self.obliged) else self.once[:0]

    def tells_of_death(self, code: Ints) -> NDArray[np.bool_]:
        """Whether each tuple (n_rows,) is one of a death."""
        return np.zeros(len(code), bool) if self.deaths is None else self.deaths.tuples[code]

    def sample(self, spine: Spine, rng: np.random.Generator) -> tuple[NDArray[np.int32], Ints]:
        """Draw rows: subject and tuple of each, (n_rows,), sorted by subject."""
        arm = self.group[arm_codes(spine, self.planned)[0]]
        conditions, told = subject_conditions(spine, self.horizon, arm), self.antecedents.codes(spine)
        due = self.closing.due(spine, arm, rng)
        had = np.zeros(due.shape, bool)
        obliged = self._obliged_sets()
        rivals = np.any(self.once[:, :, None] & self.once[:, None, :], axis=0)
        lacks = np.ones((spine.n, len(obliged)), bool)
        returned = np.zeros(spine.n, bool)
        alive = np.arange(spine.n)
        before = np.zeros(spine.n, np.int64)
        times = np.zeros((spine.n, self.n_states + 1), np.int64)
        subjects, codes = [np.empty(0, np.int64)], [np.empty(0, np.int64)]
        for turn in range(self.most + len(self.closing.rate)):
            group, *rest = (condition[alive] for condition in conditions)
            at = place_codes(group, before[alive], times[alive, before[alive]], self.n_states, MOST_ROWS)
            repeated = [times_that_tell(at, self.places, MOST_ROWS)] if len(self.places) else []
            given = [group, before[alive], *repeated, *in_turn(told, self.asked, before[alive], alive), *rest]
            usual = self.table.sample(given, rng).astype(np.int64)
            rare = self.rare.sample([group, before[alive], rest[-1]], rng).astype(np.int64)
            stray = (self.strays.sample(given, rng) == 1) & (rare // (self.n_states + 1) == group)
            new = np.where(stray, rare % (self.n_states + 1), usual)
            new = new if turn < self.most else np.full_like(new, self.n_states)
            needed = (np.pad(obliged, ((0, 0), (0, 1)))[:, new].T & lacks[alive]).any(axis=1)
            held = self.closing.hold(new, due[alive], had[alive], rivals)
            new = np.where(needed & (held == self.n_states) & ~self.closing.never(new), new, held)
            if self.returns is not None and turn < self.most:
                like = self.returns.sample(returned[alive], turn, times[alive, 1:] > 0, rng)
                open_ = (new == self.n_states) | returned[alive]
                new = np.where(open_, np.where(like < 0, self.n_states, like), new)
                returned[alive] |= open_ & (like >= 0)
            had[alive] |= self.closing.has(new)
            lacks[alive] &= ~np.pad(obliged, ((0, 0), (0, 1)))[:, new].T
            goes_on = (new >= 0) & (new < self.n_states)
            alive, new = alive[goes_on], new[goes_on]
            subjects.append(alive)
            codes.append(new)
            before[alive] = new + 1
            times[alive, new + 1] += 1
        subject, code = np.concatenate(subjects), np.concatenate(codes)
        order = np.argsort(subject, kind="stable")
        subject, code = subject[order], code[order]
        keep = first_of_sets(self.once, subject, code)
        subject, code = subject[keep], code[keep]
        if self.deaths is not None:
            subject, code = self.deaths.hold(subject, code, died(spine))
        return subject.astype(np.int32), code


def _mostly(flags: NDArray[np.bool_], kind: Ints) -> NDArray[np.bool_]:
    """Whether most rows of the same kind are flagged: (n_rows,)."""
    return np.asarray((np.bincount(kind, flags) > 0.5 * np.bincount(kind))[kind], np.bool_)


def _visits_named(state: Block, n_states: int) -> Floats:
    """VISITNUM of each tuple, NaN where it has none: (n_states,)."""
    column = dict(zip(state.names, state.values, strict=True)).get("VISITNUM")
    return column.values[:n_states] if isinstance(column, Numbers) else np.full(n_states, np.nan)


def _most_rows(subject: NDArray[np.int32], spine: Spine, k: int) -> int:
    """Rows that at least k subjects have, or most of an arm of fewer, of the arm in which that is most."""
    counts = np.bincount(subject, minlength=spine.n)
    best = int(np.sort(counts)[::-1][min(k, spine.n) - 1]) if spine.n else 0
    for arm in range(len(spine.arms)):
        mine = np.sort(counts[spine.arm == arm])[::-1]
        if 2 <= len(mine) < 2 * k:
            best = max(best, int(mine[len(mine) // 2]))
    return best
