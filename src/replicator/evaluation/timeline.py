"""Days of rows and subjects, counted from each subject's own reference day."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from replicator.evaluation.stack import Origin, Stack
from replicator.profile.structure import Kind

Floats = NDArray[np.float64]

REFERENCE_DATES = ("RFSTDTC", "RFXSTDTC", "TRTSDTC")
ENDS = ("RFPENDTC", "RFENDTC")
STARTS = (("STDTC", "STDY"), ("DTC", "DY"))
ATTENDED = (Kind.SCHEDULE, Kind.FINDINGS)  # datasets whose dates are those of a subject who was there


class Timeline:
    """Days relative to the reference day, computed once for each dataset.

    The reference day is the first of :data:`REFERENCE_DATES` that a subject has, else the first day at which it was seen. The day
    of reference is 0. A row without a full date takes its study day where there is one.

    Parameters
    ----------
    stack : Stack
    """

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        view = stack.view
        self._starts: dict[str, Floats] = {}
        reference = np.full(len(stack.origin), np.nan)
        for variable in REFERENCE_DATES:
            reference = np.where(np.isnan(reference), view.mark(variable).full_day, reference)
        seen = [
            per_subject(np.fmin, self._date(name, suffix), view.subject(name), len(reference))
            for name in view.of_kind(*ATTENDED)
            for suffix, _ in STARTS
            if view.named(name, suffix)
        ]
        for first in seen:
            reference = np.where(np.isnan(reference), first, reference)
        self.reference = reference

    def start(self, name: str) -> Floats:
        """(n_rows,) day on which each row of a dataset begins or was measured, NaN where it is not known."""
        if name not in self._starts:
            of_source = self.stack.rows(name, Origin.SOURCE)
            days = (self._days(name, *suffixes) for suffixes in STARTS)
            none = np.full(len(of_source), np.nan)
            self._starts[name] = next((found for found in days if np.isfinite(found[of_source]).any()), none)
        return self._starts[name]

    def end(self, name: str) -> Floats:
        """(n_rows,) day on which each row of a dataset ends, NaN where it is not known."""
        return self._days(name, "ENDTC", "ENDY")

    def last_seen(self) -> Floats:
        """(n_subjects,) last day at which a subject was at a visit or measured, NaN if it never was."""
        last = np.full(len(self.reference), np.nan)
        for name in self.stack.view.of_kind(*ATTENDED):
            last = np.fmax(last, per_subject(np.fmax, self.start(name), self.stack.view.subject(name), len(last)))
        return last

    def end_of_participation(self) -> Floats:
        """(n_subjects,) day on which a subject left the study: the first of :data:`ENDS` that it has, or when it was last seen."""
        end = np.full(len(self.reference), np.nan)
        for variable in ENDS:
            end = np.where(np.isnan(end), self.stack.view.mark(variable).full_day - self.reference, end)
        return np.asarray(np.fmax(end, self.last_seen()), np.float64)

    def _date(self, name: str, suffix: str) -> Floats:
        variable = self.stack.view.named(name, suffix)
        none = np.full(self.stack.view.dataset(name).n_rows, np.nan)
        return self.stack.view.dates(name, variable).full_day if variable else none

    def _days(self, name: str, date: str, study_day: str) -> Floats:
        view = self.stack.view
        days = self._date(name, date) - np.append(self.reference, np.nan)[view.subject(name)]
        variable = view.named(name, study_day)
        if variable:
            told = view.dataset(name).numbers(variable)
            return np.where(np.isnan(days), np.where(told > 0, told - 1, told), days)
        return np.asarray(days)


def per_subject(least_or_most: np.ufunc, values: Floats, subject: NDArray[np.int64], n_subjects: int) -> Floats:
    """Take the smallest (``np.fmin``) or largest (``np.fmax``) value of each subject's rows: (n_subjects,), NaN without one."""
    found = np.full(n_subjects, np.nan)
    known = (subject >= 0) & np.isfinite(values)
    least_or_most.at(found, subject[known], values[known])
    return found
