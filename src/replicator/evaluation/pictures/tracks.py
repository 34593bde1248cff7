"""What subjects' time lines are made of: visits, treatments, events and results with their days, and words that may be shown."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from replicator.evaluation.distances import Floats, Ints
from replicator.evaluation.occurrences import TERMS
from replicator.evaluation.pictures.bins import shared_range
from replicator.evaluation.pictures.shapes import DatasetPicture, TestPicture
from replicator.evaluation.results import Results, results_of
from replicator.evaluation.sharing import FEWEST_SHARED, source_subjects
from replicator.evaluation.stack import Origin, Stack
from replicator.evaluation.timeline import Timeline
from replicator.evaluation.visit_cells import planned_times
from replicator.profile.structure import Kind
from replicator.rules.view import MINUTES
from replicator.tables.dataset import Text

MOST_SERIES = 4
TREATMENTS = ("EX", "EC")  # domains of study treatments, whose rows differ by their doses
RARE = "(rarer)"
STAY, VISITS = "in the study", "visits"
FACTS = ("AGE", "SEX", "RACE", "ETHNIC", "COUNTRY", "SPECIES", "STRAIN")
_SEVERITY = {"MILD": 1, "1": 1, "MODERATE": 2, "2": 2, "SEVERE": 3, "3": 3, "4": 3, "5": 3, "LIFE THREATENING": 3, "FATAL": 3}


@dataclass(frozen=True, eq=False)
class TrackRows:
    """Rows of a dataset on a time line.

    Attributes
    ----------
    name : str
        Of the track.
    subject, code : (n_rows,) int64
        Subject, and position in `labels`; -1 without one.
    start, end : (n_rows,) float64
        Days; the end is NaN where there is none.
    level : (n_rows,) int64
        Severity from 0 (not told) to 3.
    labels : tuple of str
        What a code stands for.
    """

    name: str
    subject: Ints
    code: Ints
    start: Floats
    end: Floats
    level: Ints
    labels: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class SeriesRows:
    """Results of one test: subject, planned time, day and value (n,), and the range that five subjects span.

    What was measured several times at one moment, such as lying and standing, is its mean.
    """

    name: str
    subject: Ints
    time: Ints
    day: Floats
    value: Floats
    low: float
    high: float


def track_rows(stack: Stack, timeline: Timeline) -> tuple[TrackRows, ...]:
    """The stay first, then visits, treatments, events and disposition."""
    view = stack.view
    visits = next((name for kind in (Kind.SCHEDULE, Kind.FINDINGS) for name in view.of_kind(kind) if _has_visits(stack, name)), "")
    found = [_stay(timeline)]
    if visits:
        time, names = planned_times(stack, timeline, visits)
        found.append(_once_a_visit(_rows(stack, timeline, VISITS, visits, time, tuple(names))))
    for name in view.of_kind(Kind.INTERVENTIONS, Kind.EVENTS):
        text = _terms(stack, name)
        if text is not None:
            found.append(_rows(stack, timeline, name, name, text.codes.astype(np.int64), shown_levels(stack, name, text)))
    return tuple(one for one in found if np.isfinite(one.start).any())


def _terms(stack: Stack, name: str) -> Text | None:
    """What each row of a dataset is about, as it is coded or else as it was reported, with the dose of study treatments."""
    view = stack.view
    variables = [one for suffix in TERMS if (one := view.named(name, suffix)) and view.filled(name, one).any()]
    if not variables:
        return None
    words = view.text(name, variables[0]).strings()
    for variable in variables[1:]:
        words = np.where(words == "", view.text(name, variable).strings(), words)
    dose, unit = view.named(name, "DOSE"), view.named(name, "DOSU")
    if dose and view.dataset(name).domain in TREATMENTS:
        doses, units = view.text(name, dose).strings(), view.text(name, unit).strings() if unit else np.full(len(words), "")
        amount = np.array([f" {one} {of}".rstrip() if one else "" for one, of in zip(doses, units, strict=True)], object)
        words = words + amount
    return Text.of(words)


def _stay(timeline: Timeline) -> TrackRows:
    """From the reference day to the end of participation, one row a subject."""
    end = timeline.end_of_participation()
    n = len(end)
    nothing = np.zeros(n, np.int64)
    start = np.where(np.isfinite(timeline.reference), np.fmin(0.0, end), np.nan)
    return TrackRows(STAY, np.arange(n, dtype=np.int64), nothing, start, end, nothing, (STAY,))


def _once_a_visit(rows: TrackRows) -> TrackRows:
    """Keep the first row of each subject at each visit."""
    order = np.lexsort((rows.start, rows.code, rows.subject))
    subject, code = rows.subject[order], rows.code[order]
    first = order[np.append(True, (subject[1:] != subject[:-1]) | (code[1:] != code[:-1]))[: len(order)]]
    return TrackRows(
        rows.name, rows.subject[first], rows.code[first], rows.start[first], rows.end[first], rows.level[first], rows.labels
    )


def _has_visits(stack: Stack, name: str) -> bool:
    return any(variable in stack.view.dataset(name) for variable in ("VISITNUM", "VISIT", "AVISITN", "AVISIT"))


def _rows(stack: Stack, timeline: Timeline, track: str, name: str, code: Ints, labels: tuple[str, ...]) -> TrackRows:
    start, end = timeline.start(name), timeline.end(name)
    variable = next((one for suffix in ("SEV", "TOXGR") if (one := stack.view.named(name, suffix))), "")
    level = np.zeros(len(start), np.int64)
    if variable:
        text = stack.view.text(name, variable)
        level = np.array([_SEVERITY.get(str(one).strip().upper(), 0) for one in text.levels] + [0], np.int64)[text.codes]
    return TrackRows(track, stack.view.subject(name), code, start, end, level, labels)


def shown_levels(stack: Stack, name: str, text: Text) -> tuple[str, ...]:
    """Name the levels of a column of a dataset; those that one to four subjects of the source have are only said to be rarer."""
    behind = source_subjects(stack, name, text.codes.astype(np.int64), len(text.levels))
    return tuple(
        str(level) if n == 0 or n >= FEWEST_SHARED else RARE for level, n in zip(text.levels, behind.tolist(), strict=True)
    )


def series_rows(stack: Stack, timeline: Timeline, datasets: tuple[DatasetPicture, ...]) -> tuple[SeriesRows, ...]:
    """Choose the tests with most numbers over time, of different datasets first, and give their rows."""
    ranked = [
        (place, -test.n_subjects * len(test.times), dataset.name, test)
        for dataset in datasets
        for place, test in enumerate(
            sorted((t for t in dataset.tests if t.times and _is_number(t)), key=lambda t: -t.n_subjects * len(t.times))
        )
    ]
    ranked.sort(key=lambda one: one[:3])
    ranked = ranked[: 2 * MOST_SERIES]
    results = {name: results_of(stack, name) for _, _, name, _ in ranked}
    times = {name: planned_times(stack, timeline, name)[0] for name in results}
    found = (_series(stack, timeline, results[name], times[name], test) for _, _, name, test in ranked)
    return tuple(one for one in found if one is not None)[:MOST_SERIES]


def _is_number(test: TestPicture) -> bool:
    return test.distribution is not None and bool(test.distribution.edges)


def _series(stack: Stack, timeline: Timeline, results: Results | None, time: Ints, test: TestPicture) -> SeriesRows | None:
    if results is None:
        return None
    name = results.dataset
    day, subject = _moments(stack, timeline, name), stack.view.subject(name)
    rows = np.flatnonzero((results.test == results.tests.index(test.test)) & np.isfinite(results.values) & (subject >= 0))
    real = rows[stack.rows(name, Origin.SOURCE)[rows]]
    span = shared_range(results.values[real], subject[real])
    if span is None or not np.isfinite(day[rows]).any():
        return None
    unit = f" ({test.unit})" if test.unit else ""
    found = pd.DataFrame({"subject": subject[rows], "day": day[rows], "time": time[rows], "value": results.values[rows]})
    once = found[np.isfinite(found["day"])].groupby(["subject", "day"], as_index=False).agg({"time": "first", "value": "mean"})
    who, moment, at, value = (once[one].to_numpy() for one in ("subject", "day", "time", "value"))
    return SeriesRows(f"{name} {test.test}{unit}", who, at, moment, value, *span)


def _moments(stack: Stack, timeline: Timeline, name: str) -> Floats:
    """(n_rows,) days and parts of a day at which rows of a findings dataset were measured; whole days where no time is told."""
    day = timeline.start(name)
    variable = stack.view.named(name, "DTC")
    minute = stack.view.dates(name, variable).minute if variable else np.zeros(len(day))
    return np.asarray(day + np.nan_to_num(minute) / MINUTES)


def shown_days(
    stack: Stack, timeline: Timeline, tracks: tuple[TrackRows, ...], series: tuple[SeriesRows, ...]
) -> tuple[float, float]:
    """First and last day that time lines show: those of visits, results and the end of participation that five subjects share."""
    source = stack.origin == Origin.SOURCE
    end = timeline.end_of_participation()
    spans = [shared_range(end[source], np.flatnonzero(source))]
    for track in tracks:
        rows = (track.subject >= 0) & np.append(source, False)[track.subject]
        if track.name == VISITS or spans[0] is None:
            spans.append(shared_range(track.start[rows], track.subject[rows]))
    for one in series:
        rows = source[one.subject]
        spans.append(shared_range(one.day[rows], one.subject[rows]))
    known = [span for span in spans if span is not None]
    if not known:
        return 0.0, 1.0
    first, last = min(0.0, *(span[0] for span in known)), max(span[1] for span in known)
    return first, max(last, first + 1.0)


def first_of_each(rows: TrackRows) -> pd.DataFrame:
    """First day, last end and number of rows of each subject and code."""
    known = (rows.subject >= 0) & (rows.code >= 0) & np.isfinite(rows.start)
    frame = pd.DataFrame({"subject": rows.subject, "code": rows.code, "start": rows.start, "end": rows.end})[known]
    return frame.groupby(["subject", "code"], as_index=False).agg(start=("start", "min"), end=("end", "max"))
