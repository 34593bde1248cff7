"""The visit grid: which visits there are, when they take place, and what is measured at which."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from replicator.heavy import pandas as pd
from replicator.profile.cohort import Cohort
from replicator.profile.protected import count_subjects, protected_quantiles, rounded
from replicator.profile.structure import Content, DatasetStructure, Kind, Role, StudyStructure
from replicator.profile.study_profile import Quantiles, VisitProfile
from replicator.tables.dataset import Dataset, Study, Text, number_text
from replicator.tables.dates import parse_dates


def profile_visits(
    study: Study, structure: StudyStructure, rows: Mapping[str, NDArray[np.int64]], cohort: Cohort, k: int
) -> tuple[tuple[VisitProfile, ...], int]:
    """Profile the visits that at least `k` subjects attended.

    Visits are known by VISITNUM, or by VISIT where the schedule has no numbers; attended are those of the schedule, in a study
    without one those of any findings.

    Returns
    -------
    visits : tuple of VisitProfile
        In the order of their numbers.
    n_rare : int
        Visits that fewer subjects attended.
    """
    named = {name: _visit_variable(found) for name, found in structure.datasets.items() if name in rows and len(rows[name])}
    named = {name: variable for name, variable in named.items() if variable}
    schedules = [name for name in named if structure.datasets[name].kind is Kind.SCHEDULE]
    schedules = schedules or [name for name in named if structure.datasets[name].kind is Kind.FINDINGS]
    if not schedules:
        return (), 0
    variable = named[schedules[0]]
    labels = {name: _labels(study[name], variable) for name, used in named.items() if used == variable}
    levels = pd.Index(pd.unique(np.concatenate([labels[name][0] for name in labels])))
    codes = {name: np.append(levels.get_indexer(pd.Index(values)), -1)[code] for name, (values, code) in labels.items()}
    grid = _Grid(study, codes, rows, cohort, [name for name in schedules if name in codes], k)
    attended = np.unique(np.concatenate([grid.pairs(name) for name in grid.schedules]))
    holders = grid.count(attended, len(levels))
    kept = [i for i in _in_order(levels) if holders[i] >= k]
    measured = {
        name: grid.count(np.intersect1d(attended, grid.pairs(name)), len(levels)) for name in codes if name not in grid.schedules
    }
    profiles = tuple(
        VisitProfile(
            number=float(levels[i]) if isinstance(levels[i], float) else None,
            name=grid.most_common(i, "VISIT", grid.schedules) or _text(levels[i]),
            planned_day=_number(grid.most_common(i, "VISITDY", list(codes))),
            n_subjects=int(holders[i]),
            day=grid.days(i, structure),
            measured={name: rounded(float(count[i] / holders[i])) for name, count in measured.items() if count[i] >= k},
        )
        for i in kept
    )
    return profiles, int((holders > 0).sum()) - len(kept)


def _visit_variable(found: DatasetStructure) -> str:
    visits = [name for name in found.with_role(Role.VISIT) if found.variable(name).content is not Content.EMPTY]
    ranked = [name for name in ("VISITNUM", "VISIT", "AVISITN", "AVISIT") if name in visits]
    return (ranked or visits or [""])[0]


def _labels(dataset: Dataset, variable: str) -> tuple[NDArray[np.object_], NDArray[np.int64]]:
    """Return the distinct visits of a dataset, numbers rounded free of noise, and the position of each row's (-1 missing)."""
    column = dataset[variable]
    values = dataset.numbers(variable).round(9)
    if isinstance(column, Text) and np.isnan(values[~column.missing]).any():
        return column.levels, column.codes.astype(np.int64)
    code, used = pd.factorize(values)
    return np.array(used.tolist(), object), code.astype(np.int64)


def _in_order(levels: pd.Index[Any]) -> list[int]:
    numbers = [float(level) if isinstance(level, float) else np.inf for level in levels]
    return [int(i) for i in np.argsort(np.array(numbers), kind="stable")]


def _text(level: object) -> str:
    return number_text(level) if isinstance(level, float) else str(level)


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


@dataclass(frozen=True, eq=False)
class _Grid:
    """The visit of each row of each dataset that has visits (position among all visits; -1 none), and its subject."""

    study: Study
    codes: Mapping[str, NDArray[np.int64]]
    rows: Mapping[str, NDArray[np.int64]]
    cohort: Cohort
    schedules: list[str]
    k: int

    def pairs(self, name: str) -> NDArray[np.int64]:
        """Return the distinct pairs of visit and subject of a dataset, one number each."""
        code, subject = self.codes[name], self.rows[name]
        use = (code >= 0) & (subject < self.cohort.n)
        return np.unique(code[use] * (self.cohort.n + 1) + subject[use])

    def count(self, pairs: NDArray[np.int64], n_visits: int) -> NDArray[np.int64]:
        """Count the pairs of each visit."""
        return np.bincount(pairs // (self.cohort.n + 1), minlength=n_visits)

    def most_common(self, visit: int, variable: str, names: list[str]) -> str:
        """Return the text of a variable that most subjects have at a visit, if `k` of them do; else ``""``."""
        for name in names:
            if variable in self.study[name]:
                here = np.flatnonzero(self.codes[name] == visit)
                column = self.study[name][variable].take(here)
                text = column if isinstance(column, Text) else Text.of(column.strings())
                filled = text.codes >= 0
                holders = count_subjects(text.codes[filled].astype(np.int64), self.rows[name][here][filled], len(text.levels))
                if len(holders) and holders.max() >= self.k:
                    return str(text.levels[int(holders.argmax())])
        return ""

    def days(self, visit: int, structure: StudyStructure) -> Quantiles | None:
        """Summarise the days from the reference start on which a visit began."""
        for name in self.schedules:
            found = structure.datasets[name]
            dates = [date for date in found.with_role(Role.DATE) if found.variable(date).content is Content.DATE]
            if dates:
                here = np.flatnonzero(self.codes[name] == visit)
                rows = self.rows[name][here]
                day = parse_dates(self.study[name].text(dates[0]).take(here)).full_day
                return protected_quantiles(day - self.cohort.of_rows(self.cohort.reference, rows), rows, self.k)
        return None
