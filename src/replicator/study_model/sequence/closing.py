"""Rows that a subject has if, and only if, something else happened: a follow-up if the participation went on after treatment."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from replicator.study_model.columns.codes import count_subjects
from replicator.study_model.columns.neighbours import Neighbours
from replicator.study_model.sequence.context import MARKS, VISITS, Antecedents
from replicator.study_model.spine import Spine

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]

NONE, OPEN = -1, -2  # no tuple, and any
LAST = 0.5  # share of a tuple's rows after which no other comes, from which it closes a sequence
ASKED = (VISITS, MARKS)  # of which there are two values
USUALLY, SELDOM = 0.9, 0.05  # least share of subjects with the trait, and most of those without it, who have the tuple


@dataclass(frozen=True, eq=False)
class Closing:
    """Rows whose place is known, given one trait each that tells nearly for sure whether a subject has them.

    Attributes
    ----------
    visit : (n_states,) float64
        Visit that each tuple of the sequence names, NaN for none.
    members : (n_rows, n_states) bool
        Tuples that such a row may be of: one that comes last, or all that name a visit, by its number.
    traits : Antecedents
        One a row.
    rate : (n_rows, 2) float64
        Share of the subjects without and with the trait who have the row.
    put : (n_groups, n_rows) int64
        The tuple that most subjects have there, of each group of arms; :data:`NONE` if fewer than k have any.

    Notes
    -----
    A chain learns what follows each tuple apart, and after a seldom one too few are seen to learn when the sequence closes. The
    trait says so after all of them. Doses that are given out at a visit are taken by those whose last dose is after that visit.
    """

    kind: ClassVar[str] = "closing rows"

    visit: Floats
    members: Flags
    traits: Antecedents
    rate: Floats
    put: Ints

    @classmethod
    def fit(
        cls, code: Ints, visit: Floats, subject: NDArray[np.int32], group: Ints, traits: Antecedents, spine: Spine, k: int
    ) -> Closing:
        """Learn from rows sorted by subject and their order.

        Parameters
        ----------
        code : (n_rows,) int64
            Tuple of each row.
        visit : (n_states,) float64
            Visit that each tuple names, NaN for none.
        subject : (n_rows,) int32
        group : (n,) int64
            Group of arms of each subject.
        traits : Antecedents
            All that may tell.
        spine : Spine
        k : int
        """
        n_states, n_groups = len(visit), int(group.max(initial=-1)) + 1
        last = Neighbours(subject).last
        closes = np.bincount(code[last], minlength=n_states) > LAST * np.bincount(code, minlength=n_states)
        visits = np.unique(visit[np.isfinite(visit)])
        sets = [visit == number for number in visits.tolist()]
        sets += [np.arange(n_states) == state for state in np.flatnonzero(closes & np.isnan(visit)).tolist()]
        traits = traits.take([at for at, dataset in enumerate(traits.dataset) if dataset in ASKED or len(traits.levels[at]) == 1])
        traits = Antecedents.after_visits(spine, visits).join(traits)
        holding = traits.holding(spine)
        found = []
        for members in sets:
            put = _usual_tuples(members, code, subject, group, n_groups, k)
            has = np.zeros(spine.n, bool)
            has[subject[members[code]]] = True
            best = _surest(has, holding, put[group] >= 0, k)
            if best is not None:
                found.append((members, *best, put))
        return cls(
            visit,
            np.array([one[0] for one in found], bool).reshape(len(found), n_states),
            traits.take([one[1] for one in found]),
            np.array([one[2] for one in found], np.float64).reshape(len(found), 2),
            np.array([one[3] for one in found], np.int64).reshape(len(found), n_groups).T,
        )

    def due(self, spine: Spine, group: Ints, rng: np.random.Generator) -> Ints:
        """Draw the tuples that the subjects must have: (n, n_rows), :data:`NONE`, or :data:`OPEN` where the trait says nothing."""
        out = np.full((spine.n, len(self.rate)), NONE, np.int64)
        for j, trait in enumerate(self.traits.holding(spine)):
            right = rng.random(spine.n) < np.where(trait, self.rate[j, 1], 1 - self.rate[j, 0])
            out[:, j] = np.where(right, np.where(trait, self.put[group, j], NONE), OPEN)
        return out

    def has(self, new: Ints) -> Flags:
        """Whether tuples (n,) are of each row: (n, n_rows)."""
        return np.asarray(np.pad(self.members, ((0, 0), (0, 1)))[:, new].T, bool)

    def never(self, new: Ints) -> Flags:
        """Whether tuples (n,) are such as nobody has without the trait."""
        return np.asarray((self.has(new) & (self.rate[:, 0] == 0.0)).any(axis=1), bool)

    def hold(self, new: Ints, due: Ints, had: Flags, rivals: Flags | None = None) -> Ints:
        """Put what is due before the end, or before later visits (n,), and the end where something comes that is not.

        Of `rivals` (n_states, n_states) a subject has one alone: what is due stands for one that comes instead.
        """
        out, end = new.copy(), len(self.visit)
        excluded = np.zeros((end + 1, end + 1), bool)
        excluded[:end, :end] = False if rivals is None else rivals
        visit = np.append(self.visit, np.inf)
        out[(self.has(out) & (due == NONE)).any(axis=1)] = end
        for j in reversed(range(len(self.members))):
            later = (out == end) | (visit[out] > visit[due[:, j]]) | excluded[out, due[:, j]]
            out = np.where(later & (due[:, j] >= 0) & ~had[:, j], due[:, j], out)
        return out


def _usual_tuples(members: Flags, code: Ints, subject: NDArray[np.int32], group: Ints, n_groups: int, k: int) -> Ints:
    """The member that most subjects of each group have: (n_groups,), NONE where fewer than `k` have it."""
    out = np.full(n_groups, NONE, np.int64)
    for one in range(n_groups):
        people = count_subjects(np.where(members[code] & (group[subject] == one), code, -1), subject, len(members))
        if people.max(initial=0) >= k:
            out[one] = people.argmax()
    return out


def _surest(has: Flags, holding: list[Flags], among: Flags, k: int) -> tuple[int, list[float]] | None:
    """The first trait that is wrong of the fewest as to who has a row, and the shares without and with it; None if none is sure."""
    best: tuple[int, int, list[float]] | None = None
    for position, trait in enumerate(holding):
        if min((trait & among).sum(), (~trait & among).sum()) < k:
            continue
        share = [float(has[among & side].mean()) for side in (~trait, trait)]
        wrong = int((has != trait)[among].sum())
        if share[1] >= USUALLY and share[0] <= SELDOM and (best is None or wrong < best[0]):
            best = wrong, position, share
    return best[1:] if best else None
