"""Visits and days of a subject: the day of a visit, the visit on a day."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from replicator.study_model.spine import Spine

Floats = NDArray[np.float64]
Subjects = NDArray[np.int32]


def visit_day(spine: Spine, subject: Subjects, number: Floats) -> Floats:
    """Day of a subject's visit of that number: (n_rows,), NaN where the subject did not have it."""
    visits = spine.visits
    out = np.full(len(subject), np.nan)
    if not len(visits.number) or not np.isfinite(number).any():
        return out
    numbers = np.unique(visits.number)
    key = visits.subject.astype(np.int64) * (len(numbers) + 1) + np.searchsorted(numbers, visits.number)
    order = np.argsort(key, kind="stable")
    at = np.searchsorted(numbers, np.where(np.isfinite(number), number, np.inf))
    known = at < len(numbers)
    known[known] = numbers[at[known]] == number[known]
    wanted = subject.astype(np.int64) * (len(numbers) + 1) + at
    found = np.searchsorted(key[order], wanted).clip(max=len(key) - 1)
    hit = known & (key[order][found] == wanted)
    out[hit] = visits.day[order][found[hit]]
    return out


def visit_on(spine: Spine, subject: Subjects, day: Floats) -> Floats:
    """VISITNUM of the subject's last visit on or before a day: (n_rows,), NaN where there is none."""
    order, at, hit = _last_before(spine, subject, day)
    out = np.full(len(subject), np.nan)
    out[hit] = spine.visits.number[order][at[hit]]
    return out


def last_visit_day(spine: Spine, subject: Subjects, day: Floats) -> Floats:
    """Day of the subject's last visit on or before a day: (n_rows,), NaN where there is none."""
    order, at, hit = _last_before(spine, subject, day)
    out = np.full(len(subject), np.nan)
    out[hit] = spine.visits.day[order][at[hit]]
    return out


def nearest_visit_day(spine: Spine, subject: Subjects, day: Floats) -> Floats:
    """The day of the subject's visit nearest to a day: (n_rows,); the day itself for subjects without visits."""
    order, at, hit = _last_before(spine, subject, day)
    if not len(order):
        return day
    who, when = spine.visits.subject[order], spine.visits.day[order]
    before = np.where(hit, when[at.clip(min=0)], np.nan)
    follow = (at + 1).clip(max=len(order) - 1)
    after = np.where((at + 1 < len(order)) & (who[follow] == subject), when[follow], np.nan)
    nearer = np.where(~(np.abs(after - day) < np.abs(before - day)) & np.isfinite(before), before, after)
    return np.where(np.isfinite(nearer) & np.isfinite(day), nearer, day)


def position(numbers: Floats, number: Floats) -> NDArray[np.int64]:
    """Position of each number in an ascending list, -1 if it is not there: (n,)."""
    if not len(numbers):
        return np.full(len(number), -1, np.int64)
    at = np.searchsorted(numbers, np.where(np.isnan(number), np.inf, number)).clip(max=len(numbers) - 1)
    return np.where(numbers[at] == number, at, -1)


def _last_before(spine: Spine, subject: Subjects, day: Floats) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.bool_]]:
    """Order of the visits, position in it of each row's last visit up to its day, and whether there is one."""
    visits = spine.visits
    if not len(visits.number):
        nothing = np.zeros(len(subject), np.intp)
        return np.empty(0, np.intp), nothing - 1, np.zeros(len(subject), bool)
    low = float(np.floor(visits.day.min())) - 1
    span = float(np.ceil(max(visits.day.max(), np.nanmax(day, initial=low)))) - low + 2
    order = visits.in_turn
    who = visits.subject.take(order)
    key = who * span + (visits.day.take(order) - low)
    known = np.isfinite(day) & (day >= low)
    wanted = subject * span + np.where(known, day - low, 0.0)
    at = np.searchsorted(key, wanted, side="right") - 1
    hit = known & (at >= 0) & (who.take(at.clip(min=0)) == subject)
    return order, at, hit


def days_of_few(share: float, spine: Spine, subject: NDArray[np.int32], visit: Floats, rng: np.random.Generator) -> Floats:
    """Days (n_rows,) of a share of the subjects: of the visit that a row names, else any day on study; NaN for all others."""
    if not share:
        return np.full(len(subject), np.nan)
    first, last = np.floor(spine.marks["FIRST"])[subject], np.floor(spine.marks["LAST"])[subject]
    some = np.floor(first + rng.random(len(subject)) * (last - first + 1))
    chosen = (rng.random(spine.n) < share)[subject]
    return np.where(chosen, np.where(np.isfinite(visit), np.floor(visit), some), np.nan)
