"""Who stays in the study: how long, until discontinuation, why it ended, how many visits."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from replicator.evaluation.distances import (
    FEWEST_ROWS,
    Floats,
    Ints,
    binned,
    compare_counts,
    contrast,
    count_matrix,
    lacks_by_chance,
)
from replicator.evaluation.measures import Distances, Family, summarise
from replicator.evaluation.sharing import FEWEST_SHARED, shared_rows
from replicator.evaluation.splits import Splits
from replicator.evaluation.stack import Origin, Stack
from replicator.evaluation.timeline import Timeline, per_subject
from replicator.profile.structure import Kind
from replicator.rules.grouping import Mask
from replicator.tables.dates import Precision

FIRST_TREATED = ("RFXSTDTC", "TRTSDTC", "RFSTDTC")  # the first of these that the source has tells who was treated
MOST_REASONS = 40
MOST_VISITS = 255  # of one subject; more count as this many


def retention_family(stack: Stack, splits: Splits, timeline: Timeline) -> Family:
    """Compare how long subjects stay, and how they leave."""
    parts = retention_distances(stack, splits, timeline)
    return summarise("retention", "Do subjects stay as long, and leave for the same reasons?", Distances.join(parts, len(splits)))


def retention_distances(
    stack: Stack, splits: Splits, timeline: Timeline, members: Mask | None = None, where: str = ""
) -> list[Distances]:
    """Compare times, reasons and visits, one entry each.

    Parameters
    ----------
    members : (n_subjects,) bool, optional
        Compare how these differ from all.
    where : str
        What is added to each name.
    """
    compared: list[tuple[str, tuple[Floats, Floats]]] = []
    end = timeline.end_of_participation()
    for name, days in (("end of participation", end), ("last day seen", timeline.last_seen())):
        if np.isfinite(days).any():
            compared.append((name, _ordered(splits, days, members)))
    leaving = Leaving.of(stack, timeline)
    if leaving.by_disposition and np.isfinite(leaving.day).any():
        compared.append(("time to discontinuation", _until(splits, leaving.day, leaving.event, members)))
    reasons = _reasons(stack)
    if reasons is not None:
        compared.append(("reason of the end", compare_counts(splits, reasons, members)))
    visits = visits_per_subject(stack)
    if visits is not None:
        compared.append(("visits of a subject", _ordered(splits, np.minimum(visits, MOST_VISITS), members)))
    return [Distances((name + where,), sample[:, None], floor[:, None]) for name, (sample, floor) in compared]


def disposition_rows(stack: Stack) -> tuple[str, str, Mask] | None:
    """Find where the study says how a subject ended: the dataset, the variable, and which of its rows; None without disposition.

    Where --CAT tells disposition events from protocol milestones only the former are taken.
    """
    view = stack.view
    name = next((name for name in view.names if view.dataset(name).domain == "DS"), "")
    variable = (view.named(name, "DECOD") or view.named(name, "TERM")) if name else ""
    if not variable:
        return None
    rows = view.subject(name) >= 0
    category = view.named(name, "CAT")
    if category:
        text = view.text(name, category)
        says = np.array(["DISPOSITION" in str(level).upper() for level in text.levels] + [False])[text.codes]
        if (says & stack.rows(name, Origin.SOURCE)).any():
            rows = rows & says
    return name, variable, rows


def completers(stack: Stack) -> Mask | None:
    """Mask of subjects who completed (n_subjects,); None where no subject of the source is said to have."""
    found = disposition_rows(stack)
    if found is None:
        return None
    name, variable, rows = found
    text = stack.view.text(name, variable)
    says = np.array([str(level).upper().startswith("COMPLETED") for level in text.levels] + [False])[text.codes] & rows
    completed = np.zeros(len(stack.origin), bool)
    completed[stack.view.subject(name)[says]] = True
    return completed if completed[stack.origin == Origin.SOURCE].any() else None


@dataclass(frozen=True, eq=False)
class Leaving:
    """When and how subjects left the study.

    Attributes
    ----------
    day : (n_subjects,) float64
        That of the last row of disposition that has one, else the end of participation: who stops the treatment may be seen for
        months. NaN where neither is known, and of those who never began: where the study has a date of the first treatment, or of
        the reference, those without it.
    event : (n_subjects,) bool
        Whether a subject left without having completed; all did where disposition tells nobody who completed.
    by_disposition : bool
        Whether it tells.
    """

    day: Floats
    event: Mask
    by_disposition: bool

    @classmethod
    def of(cls, stack: Stack, timeline: Timeline) -> Leaving:
        """Find it in the disposition of the source and the sample."""
        found, completed = disposition_rows(stack), completers(stack)
        end = np.where(_began(stack), timeline.end_of_participation(), np.nan)
        if found is None or completed is None:
            return cls(end, np.ones(len(end), bool), by_disposition=False)
        name, _, rows = found
        told = per_subject(np.fmax, np.where(rows, timeline.start(name), np.nan), stack.view.subject(name), len(end))
        return cls(np.where(np.isnan(told) | np.isnan(end), end, told), ~completed, by_disposition=True)


def _began(stack: Stack) -> Mask:
    """Mask of subjects (n_subjects,) who were treated; all where no date tells who was."""
    for variable in FIRST_TREATED:
        there = stack.view.mark(variable).precision >= Precision.YEAR
        if there[stack.origin == Origin.SOURCE].any():
            return np.asarray(there, bool)
    return np.ones(len(stack.origin), bool)


def visits_per_subject(stack: Stack) -> Floats | None:
    """Number of distinct visits of each subject (n_subjects,), from the schedule, else from the findings; None without visits."""
    view, n = stack.view, len(stack.origin)
    for kind in (Kind.SCHEDULE, Kind.FINDINGS):
        counted = []
        for name in view.of_kind(kind):
            variable = next((one for one in ("VISITNUM", "VISIT", "AVISITN") if one in view.dataset(name)), "")
            if variable:
                codes, subject = view.codes(name, variable), view.subject(name)
                known = (codes >= 0) & (subject >= 0)
                width = int(codes.max(initial=0)) + 1
                counted.append(np.bincount(np.unique(subject[known] * width + codes[known]) // width, minlength=n))
        if counted:
            return np.asarray(np.max(counted, axis=0), np.float64)
    return None


def survival(mask: Mask, events: sparse.csr_matrix, exits: sparse.csr_matrix) -> tuple[Floats, Floats]:
    """Kaplan-Meier estimate for each set of subjects.

    Parameters
    ----------
    mask : (n_sets, n_subjects) bool
    events, exits : (n_subjects, n_times) sparse matrices
        1 at the time at which a subject had the event; 1 at the time at which it left for any reason.

    Returns
    -------
    surviving : (n_sets, n_times) float64
        Share without the event after each time.
    at_risk : (n_sets, n_times) float64
        Subjects who had not left before it.

    References
    ----------
    E. L. Kaplan, P. Meier, "Nonparametric estimation from incomplete observations", *JASA* 53, 1958, pages 457-481.
    """
    weights = mask.astype(np.float64)
    left = np.asarray(weights @ exits)
    at_risk = np.cumsum(left[:, ::-1], axis=1)[:, ::-1]
    hazard = np.asarray(weights @ events) / np.maximum(at_risk, 1.0)
    return np.cumprod(1.0 - hazard, axis=1), at_risk


def _ordered(splits: Splits, values: Floats, members: Mask | None) -> tuple[Floats, Floats]:
    codes, n_codes = binned(values)
    counts = count_matrix(np.arange(len(values)), codes, len(values), n_codes)
    return compare_counts(splits, counts, members, ordered=True)


def _until(splits: Splits, end: Floats, event: Mask, members: Mask | None) -> tuple[Floats, Floats]:
    """Largest difference of two Kaplan-Meier curves, as far as enough subjects of the reference are at risk."""
    codes, n_codes = binned(end)
    who = np.arange(len(end))
    exits = count_matrix(who, codes, len(end), n_codes)
    events = count_matrix(who, np.where(event, codes, -1), len(end), n_codes)
    curve = contrast(lambda mask: survival(mask, events, exits), members)
    (reference, at_risk), (floor, n_floor), (sample, n_sample) = map(curve, (splits.reference, splits.floor, splits.sample))
    seen = at_risk >= FEWEST_ROWS
    told = seen.any(axis=1) & (n_floor.max(axis=1, initial=0.0) >= FEWEST_ROWS)
    apart = [np.minimum(np.where(seen, np.abs(reference - other), 0.0).max(axis=1, initial=0.0), 1.0) for other in (sample, floor)]
    lacking = np.where(lacks_by_chance(splits, sparse.csr_matrix(exits.sum(axis=1)), members)[:, 0], np.nan, 1.0)
    of_sample = np.where(n_sample.max(axis=1, initial=0.0) > 0, apart[0], lacking)
    return np.where(told, of_sample, np.nan), np.where(told, apart[1], np.nan)


def _reasons(stack: Stack) -> sparse.csr_matrix | None:
    """Terms of disposition (n_subjects, n_terms); those that fewer than five subjects of the source have are one."""
    found = disposition_rows(stack)
    if found is None:
        return None
    name, variable, rows = found
    text = stack.view.text(name, variable)
    all_codes: Ints = np.where(rows, text.codes, -1).astype(np.int64)
    kept, place, frequent = shared_rows(stack, name, all_codes, len(text.levels), FEWEST_SHARED, MOST_REASONS)
    codes = np.where(frequent, place, np.where(all_codes >= 0, len(kept), -1))
    return count_matrix(stack.view.subject(name), codes, len(stack.origin), len(kept) + 1)
