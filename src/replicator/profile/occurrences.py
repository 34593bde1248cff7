"""Profiles of events and interventions: who has them, how many, which, when and for how long."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from replicator.profile.cohort import Cohort
from replicator.profile.protected import count_subjects, protected_levels, protected_quantiles, rounded
from replicator.profile.results import topic_of
from replicator.profile.structure import Content, DatasetStructure, Role
from replicator.profile.study_profile import Occurrences, TermProfile
from replicator.tables.dataset import Dataset, Text
from replicator.tables.dates import Precision, parse_dates

_CLASSES = ("BODSYS", "SOC", "CLAS", "CAT")


def profile_occurrences(
    dataset: Dataset, structure: DatasetStructure, rows: NDArray[np.int64], cohort: Cohort, k: int
) -> Occurrences | None:
    """Profile an events or interventions dataset; ``None`` if it has no rows.

    Parameters
    ----------
    dataset, structure : Dataset, DatasetStructure
        The dataset.
    rows : (n_rows,) int64
        Number of the subject of each row.
    cohort : Cohort
        The subjects.
    k : int
        Fewest subjects behind anything named.
    """
    if not dataset.n_rows:
        return None
    size = np.bincount(cohort.arm[cohort.arm >= 0], minlength=len(cohort.arms))
    known = rows < cohort.n
    count = np.bincount(rows[known], minlength=cohort.n)
    start, end = _days(dataset, structure, "STDTC"), _days(dataset, structure, "ENDTC")
    begun = _days(dataset, structure, "DTC") if start is None else start
    onset = None if begun is None else protected_quantiles(begun - cohort.of_rows(cohort.reference, rows), rows, k)
    duration = None if start is None or end is None else protected_quantiles(end - start, rows, k)
    terms, n_other_terms, n_other_rows = _terms(dataset, structure, rows, cohort, size, k)
    return Occurrences(
        subjects_by_arm=_by_arm(np.flatnonzero(count), int((count > 0).sum()), cohort, size, k),
        per_subject=protected_quantiles(count.astype(np.float64), np.arange(cohort.n), k),
        onset=onset,
        duration=duration,
        share_open=_share_open(dataset, structure),
        terms=terms,
        n_other_terms=n_other_terms,
        n_other_rows=n_other_rows,
    )


def term_of(structure: DatasetStructure) -> str:
    """Name of the variable that holds the coded term of a row, else the reported one; ``""`` if there is none."""
    coded = structure.named("DECOD")
    if coded and structure.variable(coded).content is not Content.EMPTY:
        return coded
    return topic_of(structure)


def _days(dataset: Dataset, structure: DatasetStructure, suffix: str) -> NDArray[np.float64] | None:
    name = structure.named(suffix)
    if not name or structure.variable(name).content is not Content.DATE:
        return None
    return parse_dates(dataset.text(name)).full_day


def _share_open(dataset: Dataset, structure: DatasetStructure) -> float | None:
    start, end = structure.named("STDTC"), structure.named("ENDTC")
    if not start or not end:
        return None
    begun = parse_dates(dataset.text(start)).precision >= Precision.YEAR
    return rounded(float(dataset[end].missing[begun].mean())) if begun.any() else None


def _by_arm(
    subjects: NDArray[np.intp], n_subjects: int, cohort: Cohort, size: NDArray[np.int64], k: int
) -> dict[str, float | None]:
    """Return the share of each arm's subjects that are among `subjects`.

    ``None`` where these are 1 to k - 1; and where what all `n_subjects` have beside the arms that are told would be as few, or tell
    that each of the others has one, or the most it can have, the arm with the fewest is not told either.
    """
    arm = cohort.arm[subjects]
    count = np.bincount(arm[arm >= 0], minlength=len(cohort.arms))
    listed = size >= k
    withheld = listed & (count > 0) & (count < k)
    n_few = int(withheld.sum())
    sure = {n_few, n_few * (k - 1)} - {0}
    for i in np.argsort(count, kind="stable")[np.sort(count) >= k].tolist():
        left = n_subjects - int(count[listed & ~withheld].sum())
        if left == 0 or (left >= k and left not in sure):
            break
        withheld[i], sure = True, set()
    return {cohort.arms[i]: (None if withheld[i] else rounded(float(count[i] / size[i]))) for i in np.flatnonzero(listed).tolist()}


def _terms(
    dataset: Dataset, structure: DatasetStructure, rows: NDArray[np.int64], cohort: Cohort, size: NDArray[np.int64], k: int
) -> tuple[tuple[TermProfile, ...], int, int]:
    name = term_of(structure)
    if not name:
        return (), 0, 0
    column = dataset.text(name)
    codes = column.codes.astype(np.int64)
    levels = protected_levels(codes, [str(level) for level in column.levels], rows, k)
    position = {str(level): i for i, level in enumerate(column.levels)}
    classes = _classes(dataset, structure, column, rows, k)
    profiles = [
        TermProfile(
            level.value,
            classes[position[level.value]],
            level.n_rows,
            level.n_subjects,
            _by_arm(np.unique(rows[(codes == position[level.value]) & (rows < cohort.n)]), level.n_subjects, cohort, size, k),
        )
        for level in levels.shared
    ]
    return tuple(profiles), levels.n_other_levels, levels.n_other_rows


def _classes(dataset: Dataset, structure: DatasetStructure, term: Text, rows: NDArray[np.int64], k: int) -> list[str]:
    """Return the class of each term, where at least `k` subjects share it."""
    name = next((structure.named(end) for end in _CLASSES if structure.named(end)), "")
    if not name or name not in structure.with_role(Role.SYNONYM, Role.GROUPING):
        return [""] * len(term.levels)
    column = dataset.text(name)
    filled = column.codes >= 0
    shared = count_subjects(column.codes[filled].astype(np.int64), rows[filled], len(column.levels)) >= k
    of_term = np.full(len(term.levels) + 1, -1, np.int64)
    of_term[term.codes] = column.codes
    return [str(column.levels[i]) if i >= 0 and shared[i] else "" for i in of_term[: len(term.levels)].tolist()]
