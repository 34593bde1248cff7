"""Times of day: how often there is one, at which hours, and how round the minutes are."""

from __future__ import annotations

import numpy as np

from replicator.evaluation.giveaways.giveaway import Asked
from replicator.evaluation.giveaways.statistics import distance_of_rows, share_of_rows
from replicator.evaluation.stack import Origin, Stack
from replicator.profile.structure import Kind

TOPIC = "times of day"
HOURS, MINUTES = 24, 60
QUARTER, FIVE = 15, 5


def clock_giveaways(stack: Stack) -> list[Asked]:
    """Ask for the times of day of all dates."""
    view = stack.view
    names: list[str] = []
    subjects, with_time, dated, minutes, entries = [], [], [], [], []
    for name in view.names:
        if view.facts(name).kind in (Kind.REFERENCE, Kind.LINKS, Kind.QUALIFIERS):
            continue
        of_source = stack.rows(name, Origin.SOURCE)
        for variable in view.date_variables(name):
            dates = view.dates(name, variable)
            timed = np.isfinite(dates.minute)
            if not timed[of_source].any() and not (timed & ~of_source).any():
                continue
            subjects.append(view.subject(name))
            with_time.append(timed)
            dated.append(dates.full)
            minutes.append(np.nan_to_num(dates.minute))
            entries.append(np.full(len(timed), len(names), np.int64))
            names.append(f"{name}.{variable}")
    lacks = "No date of the source has a time."
    if not names:
        return [Asked(TOPIC, one, question, None, lacks) for one, question in _QUESTIONS.items()]
    subject, timed, full, minute, entry = (np.concatenate(parts) for parts in (subjects, with_time, dated, minutes, entries))
    of_hour = minute.astype(np.int64) % MINUTES
    hour = np.where(timed, minute.astype(np.int64) // MINUTES, -1)
    exact = timed & (minute > 0)  # midnight is often no time at all
    statistics = (
        share_of_rows(stack, subject, full, timed, entry, names),
        distance_of_rows(stack, subject, hour, HOURS + 1, entry, names),
        share_of_rows(stack, subject, exact, of_hour % QUARTER == 0, entry, names),
        share_of_rows(stack, subject, exact, (of_hour % FIVE == 0) & (of_hour % QUARTER != 0), entry, names),
    )
    return [
        Asked(TOPIC, one, question, statistic, lacks)
        for (one, question), statistic in zip(_QUESTIONS.items(), statistics, strict=True)
    ]


_QUESTIONS = {
    "dates with a time": "Have as many dates a time of day as should have one?",
    "hours of the day": "Are the hours those of the source? Distance from the source.",
    "minutes at quarters": "Do times fall on full quarters of an hour as often as when somebody writes them down?",
    "minutes at fives": "Do times fall on the other multiples of five minutes as often as when somebody writes them down?",
}
