"""Marks: the dates of a subject, as they stand to the anchor and to each other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from replicator.study_model.marks.deaths import Death
from replicator.study_model.marks.mark import ABSENT, OTHER, Mark
from replicator.study_model.marks.names import is_death, is_visit
from replicator.study_model.marks.on_visits import followed_mark, latest_before, past_visits, visit_of
from replicator.study_model.marks.orders import find_orders, never_after, wrapped
from replicator.study_model.spine import Spine

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Marks:
    """All marks of a study, in an order in which each can be drawn from those before it.

    Attributes
    ----------
    marks : tuple of Mark
    orders : tuple of (str, str)
        Pairs whose first never lay after their second.
    implied : tuple of (str, str)
        Pairs of which whoever had the first, `k` subjects at least, had the second.
    death : Death or None
        What ends with a death; None where nobody died.
    apart : tuple of (str, str)
        Those of `orders` whose two never were one day, if the second is a day of its own and not always that of another mark.
    always : mapping of str to (n_strata,) bool
        Strata of arms of at least `k` subjects, all of whom had a mark: it is absent in nobody else of them.
    past : mapping of str to (n_arms, n_visits) float64
        Days, 0 or 1, by which a mark lies after a visit of the course, at least, in all of an arm who were there, as it does not in
        another arm: an actual arm may be told by what was given from that visit on. NaN for none.
    """

    kind: ClassVar[str] = "marks"

    marks: tuple[Mark, ...]
    orders: tuple[tuple[str, str], ...]
    implied: tuple[tuple[str, str], ...] = ()
    death: Death | None = None
    apart: tuple[tuple[str, str], ...] = ()
    always: Mapping[str, NDArray[np.bool_]] = field(default_factory=dict)
    past: Mapping[str, Floats] = field(default_factory=dict)

    @classmethod
    def fit(
        cls,
        spine: Spine,
        k: int,
        given: tuple[str, ...] = (),
        visits: Mapping[str, Floats] | None = None,
        finished: NDArray[np.bool_] | None = None,
        stratum: Ints | None = None,
    ) -> tuple[Marks, dict[str, Floats], frozenset[str]]:
        """Learn how marks stand to each other.

        Parameters
        ----------
        spine : Spine
        k : int
        given : tuple of str
            Marks that will be known before the others are drawn.
        visits : mapping of str to (n,) float64, optional
            Days of the visits of the course in their order, known before as well; NaN for visits that were not kept.
        finished : (n,) bool, optional
            Who finishes the course, where that will be known as well.
        stratum : (n,) int64, optional
            Stratum of the subject's arm, of which one says nothing about the other.

        Returns
        -------
        marks : Marks
        values : dict of str to (n,) float64
            Traits for the joint model: ``mark NAME`` is the state, ``days NAME`` the distance from the base where it is OTHER.
        nominal : frozenset of str
            The states.
        """
        known = {"ANCHOR": np.floor(spine.anchor)} | {
            name: np.floor(day) for name, day in spine.marks.items() if np.isfinite(day).any()
        }
        given = tuple(name for name in given if name in known)
        own = [name for name in known if name != "ANCHOR" and name not in given]
        days = {name: known[name] - known["ANCHOR"] for name in own}
        after = {name: followed_mark(name, known, own, given, k) if is_visit(name) else "" for name in own}
        like = {name: after[name] or name for name in own}  # the one whose place in the order a mark takes
        order = sorted(
            own,
            key=lambda name: (
                not is_visit(name) or after[name] != "",
                is_death(name),
                ("FIRST", "LAST").index(name) + 1 if name in ("FIRST", "LAST") else 0,
                np.isfinite(days[like[name]]).mean() < 0.2,
                float(np.nanmedian(days[like[name]])),
                after[name] != "",
                name,
            ),
        )
        marks: list[Mark] = []
        values: dict[str, Floats] = {}
        done = ["ANCHOR", *given]
        death: Death | None = None
        for name in order:
            visit = visit_of(name, known, done, visits or {}, k)
            on_visit = known[name] == visits[visit] if visit and visits else np.zeros(spine.n, bool)
            mark, state = Mark.fit(name, known, done, k, on_visit, finished)
            if visit and visits:
                early = (known[name] < latest_before(visit, visits)) & ~on_visit
                mark = replace(mark, visit=visit, since=not early.any())
            if is_death(name):
                death = Death.fit(name, known, done[1:], given, k, finished)
                if death.day_of:  # too few to learn their days
                    mark = Mark(name, (death.day_of,), death.day_of)
                    state = np.where(np.isfinite(known[name]), 2.0, ABSENT)
            marks.append(mark)
            values[f"mark {name}"] = state
            distance = known[name] - mark.counted_from(known, finished)
            values[f"days {name}"] = np.where((state == OTHER) & ~on_visit, distance, np.nan)
            done.append(name)
        orders = find_orders(known, done, k)
        values = {name: x for name, x in values.items() if np.isfinite(x).any()}
        apart = tuple((a, b) for a, b in orders if f"days {b}" in values and never_after(known[a] + 1, known[b], max(2, k)))
        there = {name: np.isfinite(day) for name, day in known.items()}
        implied = tuple((a, b) for a in done for b in done if a != b and there[a].sum() >= k and not (there[a] & ~there[b]).any())
        always = {} if stratum is None else {name: _had_by_all(there[name], stratum, k) for name in own}
        past = past_visits({name: known[name] for name in own}, visits or {}, spine, k)
        return cls(tuple(marks), orders, implied, death, apart, always, past), values, frozenset(f"mark {name}" for name in own)

    def build(
        self,
        anchor: Floats,
        drawn: Mapping[str, Floats],
        given: Mapping[str, Floats] | None = None,
        visits: Mapping[str, Floats] | None = None,
        finished: NDArray[np.bool_] | None = None,
        share: Floats | None = None,
        stratum: Ints | None = None,
        arm: NDArray[np.int32] | None = None,
    ) -> dict[str, Floats]:
        """Turn drawn traits into days: (n,) float64 by mark, days since 1970-01-01; marks that are `given` stay what they are.

        Days of the visits of the course, who finishes it, the `arm` (n,) and its `stratum` (n,) are needed where marks were learned
        with them; `share` (n,) tells how far on the way few deaths lie, as in
        :meth:`~replicator.study_model.marks.deaths.Death.hold`.
        """
        day: dict[str, Floats] = {"ANCHOR": np.floor(anchor), **(given or {})}
        nothing = np.full(len(anchor), np.nan)
        free: dict[str, NDArray[np.bool_]] = {}
        for mark in self.marks:
            state = drawn[f"mark {mark.name}"]
            distance = np.round(drawn.get(f"days {mark.name}", nothing))
            base = mark.counted_from(day, finished)
            base = np.where(np.isnan(base), day["ANCHOR"], base)
            value = np.where(state == ABSENT, np.nan, base + np.where(state == OTHER, np.nan_to_num(distance), 0.0))
            for i, reference in enumerate(mark.references):
                same = (state == 2 + i) & np.isfinite(day[reference])
                value = np.where(same, day[reference], value)
            value = self._after_visits(mark.name, mark.hold(value, visits or {}), visits, arm)
            value = self._complete(mark, value, base, day, stratum)
            free[mark.name] = state == OTHER
            self._give_way(mark.name, value, state > OTHER, free, day)
            for a, b in self.orders:
                if b == mark.name and a in day:
                    least = day[a] + (1.0 if (a, b) in self.apart else 0.0)
                    within = np.where(free[b], wrapped(value, base, least), least)
                    value = np.where(value < least, within, value)
                elif a == mark.name and b in day:
                    value = np.where(value > day[b], day[b], value)
            day[mark.name] = value
        if self.death is not None:
            day = self.death.hold(day, tuple(name for name in day if is_visit(name)), share)
        first, last = day.get("FIRST"), day.get("LAST")
        if first is not None and last is not None:
            day["LAST"] = np.maximum(first, last)
        return {name: value for name, value in day.items() if name != "ANCHOR"}

    def usual_state(self, name: str) -> int:
        """A state that subjects of the source who had the mark were in: it equals its first reference if it has any."""
        return OTHER + any(mark.name == name and mark.references for mark in self.marks)

    def _after_visits(self, name: str, value: Floats, visits: Mapping[str, Floats] | None, arm: NDArray[np.int32] | None) -> Floats:
        """Put a mark (n,) no earlier than the visits that it never lies before in the arm."""
        if not visits or arm is None or name not in self.past:
            return value
        least = np.fmax.reduce(np.stack([*visits.values()], axis=1) + self.past[name][arm], axis=1)
        return np.where(value < least, least, value)

    def _give_way(
        self, name: str, value: Floats, same: NDArray[np.bool_], free: Mapping[str, NDArray[np.bool_]], day: dict[str, Floats]
    ) -> None:
        """Move earlier marks that are `free` to a later one (n,) that is the `same` day as another mark, and that they lie after.

        They stay where marks that come before them would forbid it, and visits and deaths have happened on their days.
        """
        for a, b in self.orders:
            if b == name and a in free and (a, b) not in self.apart and not is_visit(a) and not is_death(a):
                before = [day[c] for c, d in self.orders if d == a and c in day]
                least = np.fmax.reduce([np.full(len(value), -np.inf), *before])
                day[a] = np.where(same & free[a] & (day[a] > value) & (value >= least), value, day[a])

    def _complete(self, mark: Mark, value: Floats, base: Floats, day: Mapping[str, Floats], stratum: Ints | None) -> Floats:
        """Give a mark (n,) to those whose arm or other marks imply it, and take it from those who lack one that it implies."""
        nearest = base
        for reference in reversed(mark.references):
            nearest = np.where(np.isfinite(day[reference]), day[reference], nearest)
        if stratum is not None and mark.name in self.always:
            value = np.where(self.always[mark.name][stratum] & np.isnan(value), nearest, value)
        for a, b in self.implied:
            if b == mark.name and a in day:
                value = np.where(np.isfinite(day[a]) & np.isnan(value), nearest, value)
        for a, b in self.implied:
            if a == mark.name and b in day:
                value = np.where(np.isfinite(day[b]), value, np.nan)
        return value


def _had_by_all(there: NDArray[np.bool_], stratum: Ints, k: int) -> NDArray[np.bool_]:
    """Whether all of a stratum, of at least `k` subjects, have a mark, given who has it (n,): (n_strata,)."""
    size = np.bincount(stratum)
    return np.asarray((size >= k) & (np.bincount(stratum[there], minlength=len(size)) == size), np.bool_)
