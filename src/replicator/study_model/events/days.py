"""Days that occurrences are drawn by: marks that bound them, and events and visits beside them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from replicator.distinct import distinct_values
from replicator.study_model.marks.names import death_day
from replicator.study_model.spine import Spine

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


def mark_day(spine: Spine, name: str, last_visit: Floats | None) -> Floats:
    """Day of a mark, by subject; LAST where the subject has none, never after death nor the last visit that could report it."""
    if name == "ANCHOR":
        return spine.anchor
    day = spine.marks.get(name, spine.marks["LAST"])
    day = np.where(np.isnan(day), spine.marks["LAST"], np.floor(day))
    day = np.fmin(day, death_day(spine))
    return day if last_visit is None else np.fmin(day, last_visit)


def event_days(spine: Spine) -> tuple[NDArray[np.int32], Floats]:
    """Subject and day of the events on study that earlier datasets of events have told, by subject and day; each day once."""
    who = [np.empty(0, np.int32), *(told.subject for told in spine.told.values())]
    when = [np.empty(0), *(told.day for told in spine.told.values())]
    subject, day = np.concatenate(who), np.concatenate(when)
    on_study = day > np.append(spine.marks["FIRST"], np.nan)[subject]
    pairs = distinct_values(np.stack([subject[on_study].astype(np.float64), day[on_study]], axis=1), axis=0)
    return pairs[:, 0].astype(np.int32), pairs[:, 1]


def days_after_event(owner: NDArray[np.int32] | Ints, day: Floats, spine: Spine) -> Floats:
    """Days since the last event of the owner up to that day: (n,), infinite where there is none."""
    subject, begin = event_days(spine)
    out = np.full(len(owner), np.inf)
    if not len(subject) or not len(owner):
        return out
    low = float(min(begin.min(), np.nanmin(day, initial=np.inf))) - 1
    span = float(max(begin.max(), np.nanmax(day, initial=-np.inf))) - low + 2
    key = subject * span + begin - low
    at = np.searchsorted(key, owner * span + day - low, side="right") - 1
    mine = (at >= 0) & (subject[at] == owner) & np.isfinite(day)
    return np.where(mine, day - begin[at], out)


def nearest_place(
    owner: NDArray[np.int32] | Ints, day: Floats, low: Floats, high: Floats, places: tuple[NDArray[np.int32], Floats]
) -> Floats:
    """Day of the subject's visit or event that is nearest, within `low` and `high`; else the day itself.

    `places` are the subjects (n_places,) and the days (n_places,) of all visits or events.
    """
    subject, place_day = places
    if not len(place_day) or not len(day):
        return day
    base = min(float(np.min(place_day)), float(np.nanmin(day))) - 1
    span = max(float(np.max(place_day)), float(np.nanmax(day))) - base + 2
    key = subject * span + place_day - base
    order = np.argsort(key, kind="stable")
    key, place_day, subject = key[order], place_day[order], subject[order]
    at = np.searchsorted(key, owner * span + day - base)
    best, distance = day.copy(), np.full(len(day), np.inf)
    for place in (np.maximum(at - 1, 0), np.minimum(at, len(key) - 1)):
        candidate = place_day[place]
        fits = (subject[place] == owner) & (candidate >= low) & (candidate <= high)
        better = fits & (np.abs(candidate - day) < distance)
        best, distance = np.where(better, candidate, best), np.where(better, np.abs(candidate - day), distance)
    return best
