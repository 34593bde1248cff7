"""What one occurrence is: the rows that report the same event or medication, and the visits at which they do."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from replicator.profile.coding import codes_of, combine
from replicator.profile.structure import DatasetStructure, Role
from replicator.study_model.spine import Spine
from replicator.tables.dataset import Dataset
from replicator.tables.dates import parse_dates

Ints = NDArray[np.int64]

BOUND = 0.9  # share of rows that must lie at a visit of their subject to call the dataset bound to visits
AGREE = 0.98  # share of occurrences within which term and start must agree
MOST_ROWS_A_DAY = 0.01  # share of rows that may repeat a visit within their occurrence


@dataclass(frozen=True, eq=False)
class Occurrences:
    """Occurrences of a source dataset.

    Attributes
    ----------
    of_row : (n_rows,) int64
        Occurrence of each row.
    first_row : (n,) int64
        The first row of each.
    record_id : str
        Variable whose value tells the occurrences of a subject apart; ``""`` if none does.
    visit : (n_rows,) int64 or None
        Visit of the spine at which each row was recorded, -1 for none; None if the dataset is not bound to visits.
    """

    of_row: Ints
    first_row: Ints
    record_id: str
    visit: Ints | None

    @property
    def n(self) -> int:
        """Number of occurrences."""
        return len(self.first_row)


def find_occurrences(dataset: Dataset, structure: DatasetStructure, subject: NDArray[np.int32], spine: Spine) -> Occurrences:
    """Find which rows are about the same occurrence.

    Notes
    -----
    A record identifier (--SPID, --GRPID) that repeats within subjects, and within which term and start agree, says so. Else, in a
    dataset bound to visits, rows of the same subject, term and start are one occurrence, unless they repeat a visit. Else every
    row is an occurrence of its own.
    """
    n = dataset.n_rows
    visit = link_visits(dataset, structure, subject, spine)
    owner = subject.astype(np.int64)
    start = structure.named("STDTC")
    told = [name for name in (*structure.with_role(Role.TOPIC), start) if name]
    same = combine([owner, *(codes_of(dataset[name]) for name in told)], n)
    for name in structure.with_role(Role.RECORD_ID):
        if name not in dataset or dataset[name].missing.all():
            continue
        missing = dataset[name].missing
        own = np.where(missing, np.arange(n) + 1, 0)
        group = combine([owner, codes_of(dataset[name]), own], n)
        groups = int(group.max(initial=-1)) + 1
        if groups > 0.98 * n or not _agree(group, same):
            continue
        return _occurrences(group, name, visit)
    if visit is not None:
        group = same
        repeated = n - len(np.unique(np.stack([group, visit], axis=1), axis=0))
        if int(group.max(initial=-1)) + 1 < 0.98 * n and repeated <= MOST_ROWS_A_DAY * n:
            return _occurrences(group, "", visit)
    return _occurrences(np.arange(n, dtype=np.int64), "", visit)


def _agree(group: Ints, same: Ints) -> bool:
    pairs = np.unique(np.stack([group, same], axis=1), axis=0)
    return len(np.unique(group)) >= AGREE * len(pairs)


def _occurrences(group: Ints, name: str, visit: Ints | None) -> Occurrences:
    _, first, of_row = np.unique(group, return_index=True, return_inverse=True)
    return Occurrences(of_row.reshape(-1).astype(np.int64), first.astype(np.int64), name, visit)


def link_visits(dataset: Dataset, structure: DatasetStructure, subject: NDArray[np.int32], spine: Spine) -> Ints | None:
    """Find the visit of the spine at which each row was recorded: by VISITNUM, else by the day of --DTC.

    Returns
    -------
    (n_rows,) int64 or None
        Position in `spine.visits`, -1 for none; None where too few rows lie at a visit.
    """
    visits = spine.visits
    n = dataset.n_rows
    if not len(visits.day) or not n:
        return None
    number, collected = structure.with_role(Role.VISIT), structure.named("DTC")
    if "VISITNUM" in number:
        wanted = np.round(dataset.numbers("VISITNUM"), 9)
        found = _match(subject, wanted, visits.subject, np.round(visits.number, 9))
    elif collected:
        day = parse_dates(dataset.text(collected)).full_day
        found = _match(subject, day, visits.subject, visits.day)
    else:
        return None
    return found if (found >= 0).mean() >= BOUND else None


def _match(
    subject: NDArray[np.int32], value: NDArray[np.float64], in_subject: NDArray[np.int32], in_value: NDArray[np.float64]
) -> Ints:
    """Position of (subject, value) among others, the first of equal ones; -1 where there is none."""
    levels, code = np.unique(np.concatenate([in_value, value]), return_inverse=True)
    key = np.concatenate([in_subject, subject]).astype(np.int64) * (len(levels) + 1) + code.reshape(-1)
    here, wanted = key[: len(in_value)], key[len(in_value) :]
    order = np.argsort(here, kind="stable")
    at = np.minimum(np.searchsorted(here[order], wanted), len(here) - 1)
    return np.where((here[order[at]] == wanted) & ~np.isnan(value), order[at], -1).astype(np.int64)
