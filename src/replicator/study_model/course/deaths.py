"""What a death leaves of visits: none after it, and none that lasts longer than its subject lived."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from replicator.study_model.course.grid import LAST_VISIT, Grid
from replicator.study_model.marks.deaths import Death
from replicator.study_model.marks.names import death_day
from replicator.study_model.spine import Spine, Visits


def until_death(grid: Grid, spine: Spine, death: Death | None) -> Spine:
    """Leave out visits after a death, where the dead of the source had none; who would have none left had the first by then.

    Those on its day are left out, too, where deaths lie between visits. No other lasts longer than its subject lived.

    Parameters
    ----------
    grid : Grid
        Of the course, by which the first and the last visit that are left are marked.
    spine : Spine
    death : Death or None
        How the source's dates of the dead stand; None where nobody died.
    """
    if death is None or LAST_VISIT not in death.before:
        return spine
    visits, died = spine.visits, death_day(spine)[spine.visits.subject]
    late = (visits.day >= died) if death.between_visits else visits.day > died
    visits = replace(visits, end=np.fmin(visits.end, np.where(late, visits.end, died)))
    if not late.any():
        return replace(spine, visits=visits)
    first = late & np.append(True, visits.subject[1:] != visits.subject[:-1])
    visits = replace(visits, day=np.where(first, died, visits.day), end=np.where(first, died, visits.end))
    return grid.mark(replace(spine, visits=visits.take(first | ~late)))


def none_on_death(visits: Visits, spine: Spine, death: Death | None) -> Visits:
    """Leave out visits beside the course on the day of a death, but for a subject's first, where deaths lie between visits."""
    if death is None or not death.between_visits or LAST_VISIT not in death.before:
        return visits
    first = np.append(True, visits.subject[1:] != visits.subject[:-1])[: len(visits.subject)]
    return visits.take(first | ~(visits.day >= death_day(spine)[visits.subject]))
