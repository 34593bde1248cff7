"""At which visits occurrences are reported: none after a death."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from replicator.models.reporting import Reporting
from replicator.study_model.events.source import SourceEvents
from replicator.study_model.marks.names import death_day
from replicator.study_model.spine import Spine

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

Reports = tuple[Ints, Ints, NDArray[np.bool_]]


def fit_reporting(source: SourceEvents, k: int) -> Reporting | None:
    """Learn at which visits occurrences are reported; None where the dataset is not bound to visits."""
    found, spine = source.found, source.spine
    if found.visit is None:
        return None
    linked = found.visit >= 0
    return Reporting.fit(
        source.owner,
        source.start.day,
        source.end.day,
        spine.visits.subject,
        _numbers_in_life(spine),
        spine.visits.day,
        (found.of_row[linked], found.visit[linked]),
        k,
    )


def sample_reports(
    reporting: Reporting | None, owner: Ints, start: Floats, end: Floats, spine: Spine, rng: np.random.Generator
) -> Reports:
    """Draw occurrence, visit (-1 for none) and whether the occurrence was over, of each row: (n_rows,) each."""
    if reporting is None:
        return np.arange(len(owner)), np.full(len(owner), -1), np.zeros(len(owner), bool)
    visits = spine.visits
    return reporting.sample(owner, start, end, visits.subject, _numbers_in_life(spine), visits.day, rng)


def last_reporting_day(reporting: Reporting | None, spine: Spine) -> Floats | None:
    """Day of the last visit of each subject (n,), after which nothing is reported; None where nothing is bound to visits."""
    if reporting is None:
        return None
    return reporting.last_day(spine.n, spine.visits.subject, _numbers_in_life(spine), spine.visits.day)


def _numbers_in_life(spine: Spine) -> Floats:
    """Numbers of the visits; NaN for visits after the subject's death, at which nothing is reported."""
    death = death_day(spine)[spine.visits.subject]
    return np.where(spine.visits.day > death, np.nan, spine.visits.number)
