"""Checks of a subject's story: death, end of participation, disposition, seriousness."""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

import numpy as np

from replicator.profile.structure import Kind
from replicator.rules.grouping import Mask, repeats
from replicator.rules.rule import Rule
from replicator.rules.tested import Tested, tested
from replicator.rules.view import OBSERVATIONS, StudyView, certainly_after

_CRITERIA = ("SCAN", "SCONG", "SDISAB", "SDTH", "SHOSP", "SLIFE", "SOD", "SMIE")


def _any_row(view: StudyView, name: str, mask: Mask) -> Mask:
    """(n_subjects,) mask of subjects who have a row of `mask` in a dataset."""
    subject = view.subject(name)
    found = np.zeros(view.n_subjects, bool)
    found[subject[mask & (subject >= 0)]] = True
    return found


def _died(view: StudyView) -> Mask | None:
    home = view.subjects_dataset
    if not home or ("DTHFL" not in view.dataset(home) and "DTHDTC" not in view.dataset(home)):
        return None
    died = np.zeros(view.dataset(home).n_rows, bool)
    if "DTHFL" in view.dataset(home):
        died |= view.equals(home, "DTHFL", "Y")
    if "DTHDTC" in view.dataset(home):
        died |= view.filled(home, "DTHDTC")
    return died


def nothing_after(view: StudyView, rule: Rule) -> Iterator[Tested]:
    """No observation or visit is dated certainly after the subject's date named by the parameter ``mark``.

    Domains in the parameter ``except`` are left out (what may be planned, or be written down later).
    """
    mark, left_out = cast(str, rule.parameters["mark"]), cast(list[str], rule.parameters["except"])
    if not view.has_mark(mark):
        return
    for name in view.of_kind(*OBSERVATIONS, Kind.SCHEDULE, Kind.STATES):
        if view.dataset(name).domain in left_out:
            continue
        for suffix in ("DTC", "STDTC"):
            if date := view.named(name, suffix):
                dates, bound = view.dates(name, date), view.mark_of_rows(name, mark)
                yield tested(name, date, ~np.isnan(dates.day) & ~np.isnan(bound.day), certainly_after(dates, bound))


def death_flag_and_date(view: StudyView, rule: Rule) -> Iterator[Tested]:
    """DTHFL is Y if and only if DTHDTC has a date."""
    home = view.subjects_dataset
    if home and "DTHFL" in view.dataset(home) and "DTHDTC" in view.dataset(home):
        flagged, dated = view.equals(home, "DTHFL", "Y"), view.filled(home, "DTHDTC")
        yield tested(home, "DTHFL", np.ones(len(flagged), bool), flagged != dated)


def death_has_disposition(view: StudyView, rule: Rule) -> Iterator[Tested]:
    """A subject who died has a disposition DEATH, and a subject with that disposition has died."""
    home, died = view.subjects_dataset, _died(view)
    names = [name for name in view.of_kind(Kind.EVENTS) if view.dataset(name).domain == "DS" and view.named(name, "DECOD")]
    if died is None or not names:
        return
    told = np.zeros(view.n_subjects, bool)
    present = np.zeros(view.n_subjects, bool)
    for name in names:
        told |= _any_row(view, name, view.equals(name, view.named(name, "DECOD"), "DEATH"))
        present |= _any_row(view, name, np.ones(view.dataset(name).n_rows, bool))
    subject = view.subject(home)
    known = subject >= 0
    wrong = known & (np.append(told, False)[subject] != died)
    either = known & (np.append(told, False)[subject] | died)
    yield tested(home, "DTHFL" if "DTHFL" in view.dataset(home) else "DTHDTC", either & np.append(present, False)[subject], wrong)


def fatal_event_is_death(view: StudyView, rule: Rule) -> Iterator[Tested]:
    """The subject of a fatal event has died."""
    home, died = view.subjects_dataset, _died(view)
    if died is None:
        return
    dead = np.append(_any_row(view, home, died), True)
    for name in view.of_kind(Kind.EVENTS):
        outcome, results_in_death = view.named(name, "OUT"), view.named(name, "SDTH")
        if outcome or results_in_death:
            fatal = np.zeros(view.dataset(name).n_rows, bool)
            if outcome:
                fatal |= view.equals(name, outcome, "FATAL")
            if results_in_death:
                fatal |= view.equals(name, results_in_death, "Y")
            yield tested(name, outcome or results_in_death, fatal, ~dead[view.subject(name)])


def fatal_both_ways(view: StudyView, rule: Rule) -> Iterator[Tested]:
    """An event's outcome is FATAL if and only if it results in death."""
    for name in view.of_kind(Kind.EVENTS):
        outcome, flag = view.named(name, "OUT"), view.named(name, "SDTH")
        if outcome and flag:
            known = view.filled(name, outcome) & view.filled(name, flag)
            yield tested(name, outcome, known, view.equals(name, outcome, "FATAL") != view.equals(name, flag, "Y"))


def serious_has_criterion(view: StudyView, rule: Rule) -> Iterator[Tested]:
    """A serious event has a criterion of seriousness, and an event with one is serious."""
    for name in view.of_kind(Kind.EVENTS):
        serious = view.named(name, "SER")
        criteria = [variable for suffix in _CRITERIA if (variable := view.named(name, suffix))]
        if serious and len(criteria) > 1:
            any_met = np.any([view.equals(name, criterion, "Y") for criterion in criteria], axis=0)
            yield tested(name, serious, view.filled(name, serious), any_met != view.equals(name, serious, "Y"))


def disposition_once(view: StudyView, rule: Rule) -> Iterator[Tested]:
    """A subject has one disposition event for each epoch and subcategory."""
    for name in view.of_kind(Kind.EVENTS):
        category = view.named(name, "CAT")
        if view.dataset(name).domain == "DS" and category:
            applies = view.equals(name, category, "DISPOSITION EVENT") & (view.subject(name) >= 0)
            rows = np.flatnonzero(applies)
            again = np.zeros(len(applies), bool)
            again[rows] = repeats(view.group(name, ("EPOCH", view.named(name, "SCAT")))[rows])
            yield tested(name, view.named(name, "DECOD") or category, applies, again)
