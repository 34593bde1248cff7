"""Arms and visits that a dataset is closed to: nobody, or too few, have a row there."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from replicator.distinct import distinct_values
from replicator.profile.structure import Kind, StudyStructure
from replicator.standards.treatment_terms import NEVER_TREATED
from replicator.study_model.source import Source

EXPOSURES = ("EX", "EC")
TREATED = ("RFSTDTC", "RFXSTDTC")  # dates of those who took part in what the study is about


def absent_arms(source: Source) -> dict[str, tuple[int, ...]]:
    """Arms of two subjects or more, and no arm at all, of which nobody has a row, by dataset; only datasets that have any such.

    That nobody of an arm of the standard for those never treated has a dose is so by its name, however few they are.
    """
    arms, size = np.array(source.spine.arms, object), np.bincount(source.spine.arm, minlength=len(source.spine.arms))
    untreated = np.array([arm.upper() in NEVER_TREATED for arm in source.spine.arms])
    out = {}
    for name, subject in source.subject.items():
        by_name = untreated if source.datasets[name].domain in EXPOSURES else arms == ""
        told = (size > 1) | ((size > 0) & (by_name | (arms == "")))
        seen = np.bincount(source.spine.arm[distinct_values(subject)], minlength=len(size))
        if len(subject) and ((seen == 0) & told).any():
            out[name] = tuple(np.flatnonzero((seen == 0) & told).tolist())
    return out


def undated(source: Source) -> dict[str, tuple[str, ...]]:
    """Dates that some subjects lack, none of whom has a row, by dataset; only datasets that have any such.

    One subject is enough: who was not treated has no dose, and a study day that is never empty needs the date it is counted from.
    """
    marks = {name: ~np.isfinite(day) for name, day in source.spine.marks.items() if name.rpartition(".")[2] in TREATED}
    out = {}
    for name, subject in source.subject.items():
        needed = tuple(mark for mark, lacks in marks.items() if lacks.any() and not lacks[subject].any())
        if len(subject) and needed:
            out[name] = needed
    return out


def visits_kept(
    source: Source, structure: StudyStructure, k: int
) -> tuple[dict[str, tuple[float, ...]], dict[str, tuple[float, ...]]]:
    """Visits of k subjects that a findings dataset is closed to; and those that it keeps to, if it has hardly any other."""
    closed, kept = {}, {}
    visits = source.spine.visits
    shared = _shared_visits(visits.number, visits.subject, k)
    for name, subject in source.subject.items():
        dataset = source.datasets[name]
        if structure.datasets[name].kind is not Kind.FINDINGS or "VISITNUM" not in dataset or not dataset.n_rows:
            continue
        number = np.round(dataset.numbers("VISITNUM"), 9)
        common = _shared_visits(number, subject, k)
        if len(distinct_values(subject[np.isfinite(number) & ~np.isin(number, [*common, *shared])])) < k:
            kept[name] = common
        else:
            closed[name] = tuple(one for one in shared if one not in common)
    return {name: numbers for name, numbers in closed.items() if numbers}, kept


def _shared_visits(number: NDArray[np.float64], subject: NDArray[np.int32], k: int) -> tuple[float, ...]:
    """Numbers that at least k subjects have, or the most that have one."""
    seen = np.isfinite(number)
    pairs = distinct_values(np.stack([number[seen], subject[seen].astype(np.float64)], axis=1), axis=0)
    numbers, counts = distinct_values(pairs[:, 0], return_counts=True)
    return tuple(numbers[counts >= min(k, counts.max(initial=k))].tolist())
