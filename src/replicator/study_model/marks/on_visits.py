"""How marks stand to visits: whose day they are, which follow them, and which visits of the course they never lie before."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from replicator.study_model.marks.names import is_death, is_visit
from replicator.study_model.marks.orders import never_after
from replicator.study_model.spine import Spine

Floats = NDArray[np.float64]

SURE = 20  # subjects of an arm without exception, from which it is believed that there is none


def past_visits(marks: Mapping[str, Floats], visits: Mapping[str, Floats], spine: Spine, k: int) -> dict[str, Floats]:
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


def followed_mark(name: str, known: Mapping[str, Floats], own: list[str], given: tuple[str, ...], k: int) -> str:
    """The mark that a visit follows, always later, at half the scatter of what is known before all marks or less; ``""`` for none.

    A follow-up is so many days after the last dose, and of who leaves the last visit may be long past then.
    """
    day = known[name]

    def scatter(other: str) -> float:
        distance = day - known[other]
        seen = distance[np.isfinite(distance)]
        return float(np.abs(seen - np.median(seen)).mean()) if len(seen) >= max(k, 0.9 * np.isfinite(day).sum()) else np.inf

    marks = [one for one in own if not is_visit(one) and not is_death(one) and never_after(known[one] + 1, day, max(2, k))]
    least, best = min(((scatter(one), one) for one in marks), default=(np.inf, ""))
    return best if least < 0.5 * min((scatter(one) for one in ("ANCHOR", *given)), default=np.inf) else ""


def visit_of(name: str, known: Mapping[str, Floats], done: list[str], visits: Mapping[str, Floats], k: int) -> str:
    """The visit of the course on whose day a mark is of all who were there, at least `k` of whom no other mark tells it of.

    None if the mark lies as many days from another in everybody, those who were not there among them: it is of the plan.
    """
    if is_death(name) or is_visit(name):
        return ""
    told = np.any([known[name] == known[other] for other in done], axis=0)
    found = [
        (int((there & ~told).sum()), visit)
        for visit, day in visits.items()
        if (there := np.isfinite(day)).any() and bool((known[name] == day)[there].all())
    ]
    people, visit = max(found, default=(0, ""))
    if people < k:
        return ""
    absent = np.isfinite(known[name]) & ~np.isfinite(visits[visit])
    return "" if absent.any() and any(_is_steady(known[name], known[other]) for other in done) else visit


def _is_steady(day: Floats, other: Floats) -> bool:
    """Whether a mark (n,) lies as many days from another in everybody who has it."""
    distance = (day - other)[np.isfinite(day)]
    return bool((distance == distance[0]).all())


def latest_before(visit: str, visits: Mapping[str, Floats]) -> Floats:
    """Latest day of the visits of the course before one: (n,), NaN for none."""
    names = list(visits)
    earlier = [visits[name] for name in names[: names.index(visit)]]
    return np.asarray(np.fmax.reduce([np.full(len(visits[visit]), np.nan), *earlier]), np.float64)
