"""Marks: the dates of a subject, as they stand to the anchor and to each other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from replicator.standards.date_orders import SUBJECT_DATES
from replicator.study_model.deaths import Death
from replicator.study_model.spine import Spine

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

VISIT = "VISIT"  # of the names of marks that are days of visits
ABSENT, OTHER = 0, 1  # states of a mark; from 2 on it equals reference state - 2
FEWEST_EQUAL = 0.05  # share of subjects from which an equality is a state of its own
SURE = 20  # subjects of an arm without exception, from which it is believed that there is none
STEADY = 0.9  # share of those who finish, from which a day that lies equally far from another is set by the protocol


@dataclass(frozen=True, eq=False)
class Mark:
    """One date of a subject.

    Attributes
    ----------
    name : str
        As in :attr:`Spine.marks`.
    references : tuple of str
        Marks that it may equal; ``ANCHOR`` is the anchor.
    base : str
        What it is counted from where it equals none.
    visit : str
        Visit of the course on whose day it is, of all who were there: the last dose; ``""`` for none.
    since : bool
        Whether it does not lie before any earlier visit of the course, of those who were not there.
    base_finished : str
        What it is counted from where it equals none, of those who finish the course: the protocol sets the day of their end, while
        others end soon after their last visit; ``""`` where it is `base` as well.
    """

    kind: ClassVar[str] = "mark"

    name: str
    references: tuple[str, ...]
    base: str
    visit: str = ""
    since: bool = False
    base_finished: str = ""

    def counted_from(self, day: Mapping[str, Floats], finished: NDArray[np.bool_] | None) -> Floats:
        """Day that the mark is counted from (n,), given the days of other marks and who finishes the course."""
        if not self.base_finished or finished is None:
            return day[self.base]
        return np.where(finished, day[self.base_finished], day[self.base])

    def hold(self, value: Floats, visits: Mapping[str, Floats]) -> Floats:
        """Put the mark (n,) on the day of its visit, and no earlier than the visits before it of those who were not there."""
        if not self.visit:
            return value
        there = visits[self.visit]
        return np.where(np.isfinite(there), there, np.fmax(value, _latest_before(self.visit, visits)) if self.since else value)


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
        after = {name: _followed(name, known, own, given, k) if is_visit(name) else "" for name in own}
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
            visit = _visit_of(name, known, done, visits or {}, k)
            on_visit = known[name] == visits[visit] if visit and visits else np.zeros(spine.n, bool)
            mark, state = _fit_one(name, known, done, k, on_visit, finished)
            if visit and visits:
                early = (known[name] < _latest_before(visit, visits)) & ~on_visit
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
        orders = tuple(
            (a, b)
            for a in done
            for b in done
            if a != b and _never_after(known[a], known[b], 1 if _by_standard(a, b) else max(2, k))
        )
        values = {name: x for name, x in values.items() if np.isfinite(x).any()}
        apart = tuple((a, b) for a, b in orders if f"days {b}" in values and _never_after(known[a] + 1, known[b], max(2, k)))
        there = {name: np.isfinite(day) for name, day in known.items()}
        implied = tuple((a, b) for a in done for b in done if a != b and there[a].sum() >= k and not (there[a] & ~there[b]).any())
        always = {} if stratum is None else {name: _had_by_all(there[name], stratum, k) for name in own}
        past = _past_visits({name: known[name] for name in own}, visits or {}, spine, k)
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
        with them; `share` (n,) tells how far on the way few deaths lie (see :meth:`~replicator.study_model.deaths.Death.hold`).
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
                    within = np.where(free[b], _wrapped(value, base, least), least)
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


def _wrapped(value: Floats, base: Floats, least: Floats) -> Floats:
    """Days (n,) before a base whose distance from it is too long, the distance begun anew for each time that it fills the room.

    At the bound itself they would lie on one day, which nobody's need be: of short participations the last dose is no first dose.
    """
    room = np.fmax(base - least, 0.0)
    return np.fmax(base - np.mod(base - value, room + 1.0), least)


def is_death(name: str) -> bool:
    """Whether a mark is the date of death (DTHDTC of SDTM)."""
    return name.rpartition(".")[2] == "DTHDTC"


def visit_mark(number: float) -> str:
    """Name of the mark that is the day of a visit that closes the study."""
    return f"{VISIT} {number:g}"


def is_visit(name: str) -> bool:
    """Whether a mark is the day of a visit; other marks may hang on it."""
    return name.startswith(f"{VISIT} ")


def death_mark(spine: Spine) -> str:
    """Name of the mark that is the date of death; ``""`` where there is none."""
    return next((name for name in spine.marks if is_death(name)), "")


def death_day(spine: Spine) -> Floats:
    """Day of death by subject: (n,), days since 1970-01-01, NaN for the living."""
    return np.floor(spine.marks.get(death_mark(spine), np.full(spine.n, np.nan)))


def _had_by_all(there: NDArray[np.bool_], stratum: Ints, k: int) -> NDArray[np.bool_]:
    """Whether all of a stratum, of at least `k` subjects, have a mark, given who has it (n,): (n_strata,)."""
    size = np.bincount(stratum)
    return np.asarray((size >= k) & (np.bincount(stratum[there], minlength=len(size)) == size), np.bool_)


def _past_visits(marks: Mapping[str, Floats], visits: Mapping[str, Floats], spine: Spine, k: int) -> dict[str, Floats]:
    """Find the visits that a mark never lies before in an arm, as it does in another; see :attr:`Marks.past`."""
    arm, n_arms = spine.arm, len(spine.arms)
    found = {}
    for name, day in marks.items():
        least = np.full((n_arms, len(visits)), np.nan)
        for place, visit in enumerate(visits.values()):
            after = day - visit
            rows = (np.isfinite(after), after < 0, after == 0)
            people, before, same = (np.bincount(arm[chosen], minlength=n_arms) for chosen in rows)
            told = np.where((before + same == 0) & (same + before).any(), 1.0, np.where((before == 0) & before.any(), 0.0, np.nan))
            least[:, place] = np.where(people >= max(k, SURE), told, np.nan)
        if np.isfinite(least).any():
            found[name] = least
    return found


def _never_after(a: Floats, b: Floats, fewest: int) -> bool:
    both = np.isfinite(a) & np.isfinite(b)
    return int(both.sum()) >= fewest and bool((a <= b)[both].all())


def _by_standard(a: str, b: str) -> bool:
    """Whether the standard puts the first of two dates of the subject before the second."""
    return (a.rpartition(".")[2], b.rpartition(".")[2]) in SUBJECT_DATES


def _followed(name: str, known: Mapping[str, Floats], own: list[str], given: tuple[str, ...], k: int) -> str:
    """The mark that a visit follows, always later, at half the scatter of what is known before all marks or less; ``""`` for none.

    A follow-up is so many days after the last dose, and of who leaves the last visit may be long past then.
    """
    day = known[name]

    def scatter(other: str) -> float:
        distance = day - known[other]
        seen = distance[np.isfinite(distance)]
        return float(np.abs(seen - np.median(seen)).mean()) if len(seen) >= max(k, 0.9 * np.isfinite(day).sum()) else np.inf

    marks = [one for one in own if not is_visit(one) and not is_death(one) and _never_after(known[one] + 1, day, max(2, k))]
    least, best = min(((scatter(one), one) for one in marks), default=(np.inf, ""))
    return best if least < 0.5 * min((scatter(one) for one in ("ANCHOR", *given)), default=np.inf) else ""


def _visit_of(name: str, known: Mapping[str, Floats], done: list[str], visits: Mapping[str, Floats], k: int) -> str:
    """The visit of the course on whose day a mark is of all who were there, at least `k` of whom no other mark tells it of."""
    if is_death(name) or is_visit(name):
        return ""
    told = np.any([known[name] == known[other] for other in done], axis=0)
    found = [
        (int((there & ~told).sum()), visit)
        for visit, day in visits.items()
        if (there := np.isfinite(day)).any() and bool((known[name] == day)[there].all())
    ]
    people, visit = max(found, default=(0, ""))
    return visit if people >= k else ""


def _latest_before(visit: str, visits: Mapping[str, Floats]) -> Floats:
    """Latest day of the visits of the course before one: (n,), NaN for none."""
    names = list(visits)
    earlier = [visits[name] for name in names[: names.index(visit)]]
    return np.asarray(np.fmax.reduce([np.full(len(visits[visit]), np.nan), *earlier]), np.float64)


def _fit_one(
    name: str,
    known: Mapping[str, Floats],
    done: list[str],
    k: int,
    on_visit: NDArray[np.bool_],
    finished: NDArray[np.bool_] | None,
) -> tuple[Mark, Floats]:
    day = known[name]
    present = np.isfinite(day)
    state = np.where(present, OTHER, ABSENT).astype(np.float64)
    left = present & ~on_visit
    by_plan = np.zeros(len(day), bool) if is_visit(name) or is_death(name) else _by_plan(day, known, done, left, k, finished)
    left &= ~by_plan
    references: list[str] = []
    while len(references) < 3:
        hits = [(int((left & (day == known[other])).sum()), -i, other) for i, other in enumerate(done)]
        count, _, best = max(hits)
        if count < max(FEWEST_EQUAL * present.sum(), min(k, 2)):
            break
        same = left & (day == known[best])
        state[same] = 2 + len(references)
        references.append(best)
        left &= ~same
    left |= by_plan
    base = _base(day, known, done, left if left.any() else present, k)
    if finished is None or min((left & finished).sum(), (left & ~finished).sum()) < k:
        return Mark(name, tuple(references), base), state
    bases = [_base(day, known, done, left & rows, k) for rows in (~finished, finished)]
    return Mark(name, tuple(references), bases[0], base_finished="" if bases[0] == bases[1] else bases[1]), state


def _by_plan(
    day: Floats, known: Mapping[str, Floats], done: list[str], rows: NDArray[np.bool_], k: int, finished: NDArray[np.bool_] | None
) -> NDArray[np.bool_]:
    """Whether a day (n,) lies as far from another mark as those of nearly all who finish, who agree with no mark as often."""
    rows = rows if finished is None else rows & finished
    agree = max(int((rows & (day == known[other])).sum()) for other in done)
    best, most = np.zeros(len(day), bool), max(agree, k - 1, int(np.ceil(STEADY * rows.sum())) - 1)
    for other in done:
        distance = day - known[other]
        values, count = np.unique(distance[rows & np.isfinite(distance)], return_counts=True)
        if count.max(initial=0) > most:
            best, most = rows & (distance == values[count.argmax()]), int(count.max())
    return best


def _base(day: Floats, known: Mapping[str, Floats], done: list[str], rows: NDArray[np.bool_], k: int) -> str:
    """What a mark is counted from: where it lies on one side of other marks the nearest such, else the nearest.

    A side that fewer than `k` subjects are on does not count.
    """
    spreads = []
    for other in done:
        distance = (day - known[other])[rows]
        seen = distance[np.isfinite(distance)]
        if len(seen) >= 0.9 * len(distance):
            both_sides = min(int((seen > 0).sum()), int((seen < 0).sum())) >= k
            away = np.abs(seen - np.median(seen))  # where most lie alike from several marks, the others decide
            far = float(np.median(np.abs(seen)))  # one subject lies alike from all of them
            spreads.append((both_sides, float(np.median(away)), float(away.mean()), far, other))
    return min(spreads)[-1] if spreads else "ANCHOR"
