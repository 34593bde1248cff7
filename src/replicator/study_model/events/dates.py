"""Start and end of occurrences: how precisely they are known, where they lie on study or before it, and which ones coincide."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from replicator.models.clock import ClockTime
from replicator.models.marginals import QuantileMarginal
from replicator.models.nested_marginals import NestedMarginals, change_places, quantile_between
from replicator.models.onset import Intensity, draw_leaders
from replicator.study_model.events.days import days_after_event, event_days, mark_day, nearest_place
from replicator.study_model.events.following import Following
from replicator.study_model.events.onsets import Onsets, TermOfEach
from replicator.study_model.events.reasons import Behind
from replicator.study_model.events.turns import days_until_next, put_in_turn
from replicator.study_model.marks.names import death_day
from replicator.study_model.spine import Spine
from replicator.tables.dataset import Text
from replicator.tables.dates import Dates, Precision, format_dates

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

FEWEST = 5.0  # values of a length of time behind what is said of how much longer something lasts
SOON = 3.0  # days after the start of an event within which a medicine may have been started for it
ERA_NONE, ERA_HISTORY, ERA_STUDY, ERA_TEXT = range(4)


@dataclass(frozen=True, eq=False)
class DatePattern:
    """How one date of an occurrence is known.

    Attributes
    ----------
    code : (n,) int64
        Ten times the era (0 none, 1 before the study, 2 on study, 3 an odd text) plus the precision, or the odd text's number.
    odd : tuple of str
        Texts that are no dates, each shared by at least k subjects.
    """

    code: Ints
    odd: tuple[str, ...]

    @classmethod
    def of(cls, column: Text, dates: Dates, first: Floats, subject: NDArray[np.int32], k: int) -> DatePattern:
        """Find the pattern of each row; `first` (n,) is the first day on study of the row's subject."""
        era = np.where(np.isnan(dates.day), ERA_NONE, np.where(dates.day < first, ERA_HISTORY, ERA_STUDY))
        code = np.where(era == ERA_NONE, 0, 10 * era + dates.precision).astype(np.int64)
        odd: list[str] = []
        strange = dates.precision == Precision.TEXT
        for level in np.unique(column.codes[strange]).tolist():
            mine = strange & (column.codes == level)
            if len(np.unique(subject[mine])) >= k and len(odd) < 10:
                code[mine] = 10 * ERA_TEXT + len(odd)
                odd.append(str(column.levels[level]))
        return cls(code, tuple(odd))


@dataclass(frozen=True, eq=False)
class OccurrenceDates:
    """When occurrences start and end.

    Attributes
    ----------
    opens, closes : str
        Marks of the subject between which (most) starts on study lie.
    late_until : str
        Mark up to which the other starts lie.
    late_rate : float
        Their rate over the time from `closes` to `late_until`, against the rate between `opens` and `closes`.
    ends : str
        Mark before which (most) ends lie.
    runs_on : float
        Share of occurrences that may end after that, since they are followed up beyond the participation.
    run_on : float
        Days after it that such an occurrence ends at most.
    intensity : Intensity
        Of starts on study, days from the anchor, by class.
    history : Onsets
        Starts before the study.
    follows : Following
        Starts after those of conditions.
    shared, shared_history : float
        Share of an owner's further starts that fall on the day of an earlier one.
    start_at_visit, end_at_visit : float
        Share of starts and ends that are moved to a visit.
    start_at_event : float
        Share of the starts that follow no condition which are moved to soon after an event that is known of the subject.
    event_lag : QuantileMarginal
        Days from the event to such a start.
    duration : NestedMarginals
        Days from start to end, by class and term.
    in_turn : float
        Share of occurrences that end before the next one of the same term begins.
    end_together : float
        Share of ends that fall on that of the occurrence with which they share their start.
    end_offset : QuantileMarginal
        Days from the first day on study to the end, where the start is unknown, or so long before the study that `duration` does
        not tell how much longer it lasts.
    past_share : QuantileMarginal
        Of the time from a start before the study up to the first day on study, how much had gone by at an end before the study.
        Nothing where `past_gap` tells.
    start_minute, end_minute : ClockTime
        Time of day.
    start_odd, end_odd : tuple of str
        Texts that are no dates.
    past_gap : QuantileMarginal, optional
        Days from an end before the study to the first day on study, where these hang less on the start than `past_share` does.
    """

    kind: ClassVar[str] = "occurrence dates"

    opens: str
    closes: str
    late_until: str
    late_rate: float
    ends: str
    intensity: Intensity
    history: Onsets
    follows: Following
    shared: float
    shared_history: float
    start_at_visit: float
    end_at_visit: float
    start_at_event: float
    event_lag: QuantileMarginal
    duration: NestedMarginals
    in_turn: float
    end_together: float
    end_offset: QuantileMarginal
    past_share: QuantileMarginal
    start_minute: ClockTime
    end_minute: ClockTime
    start_odd: tuple[str, ...]
    end_odd: tuple[str, ...]
    runs_on: float = 0.0
    run_on: float = 0.0
    past_gap: QuantileMarginal | None = None


@dataclass(frozen=True, eq=False)
class Drawn:
    """Drawn days: start and end (n,), days since 1970-01-01, NaN where there is none; and how they are written."""

    start: Floats
    end: Floats
    start_text: Text
    end_text: Text


def sample_dates(
    model: OccurrenceDates,
    start_code: Ints,
    end_code: Ints,
    owner: NDArray[np.int32] | Ints,
    term: TermOfEach,
    spine: Spine,
    last_visit: Floats | None,
    rng: np.random.Generator,
    behind: Behind | None = None,
) -> Drawn:
    """Draw start and end of occurrences whose patterns are known.

    Parameters
    ----------
    start_code, end_code : (n,) int
        As in :class:`DatePattern`.
    owner : (n,) int
        Subject of each occurrence.
    term : TermOfEach
        What lasts takes the longer half of the durations.
    last_visit : (spine.n,) float64 or None
        Last day on which an occurrence could be reported, of this spine.
    behind : Behind, optional
        The conditions that occurrences are given for.
    """
    start = _sample_starts(model, start_code, owner, term, spine, last_visit, behind, rng)
    end = _sample_ends(model, start, start_code, end_code, owner, term, spine, rng)
    start_day, end_day = start, end
    u = rng.random((2, len(owner)))
    begin = model.start_minute.quantile(u[0]) if model.start_minute.n else np.full(len(owner), np.nan)
    finish = model.end_minute.quantile(u[1]) if model.end_minute.n else np.full(len(owner), np.nan)
    finish = np.where((start_day == end_day) & (finish < begin), begin, finish)
    return Drawn(
        start_day,
        end_day,
        _write(start_day, begin, start_code, model.start_odd),
        _write(end_day, finish, end_code, model.end_odd),
    )


def _sample_starts(
    model: OccurrenceDates,
    code: Ints,
    owner: NDArray[np.int32] | Ints,
    term: TermOfEach,
    spine: Spine,
    last_visit: Floats | None,
    behind: Behind | None,
    rng: np.random.Generator,
) -> Floats:
    era, precision = code // 10, code % 10
    out = np.full(len(code), np.nan)
    low = mark_day(spine, model.opens, last_visit)
    high = np.maximum(mark_day(spine, model.closes, last_visit), low)
    study = np.flatnonzero(era == ERA_STUDY)
    who = owner[study]
    day = spine.anchor[who] + model.intensity.sample(
        term.block[study], low[who] - spine.anchor[who], high[who] - spine.anchor[who], rng
    )
    if model.late_rate > 0:
        until = np.maximum(mark_day(spine, model.late_until, last_visit), high)
        room, main = (until - high)[who], (high - low)[who] + 1
        late = rng.random(len(study)) * (model.late_rate * room + main) < model.late_rate * room
        day = np.where(late, np.minimum(high[who] + 1 + np.floor(rng.random(len(study)) * room), until[who]), day)
        high = until
    visits = (spine.visits.subject, spine.visits.day)
    moved = rng.random(len(study)) < model.start_at_visit
    day = np.where(moved, nearest_place(who, day, low[who], high[who], visits), day)
    if model.start_at_event > 0:
        moved = (rng.random(len(study)) < model.start_at_event) & ~model.follows.on_study(behind, study)
        lag = model.event_lag.quantile(rng.random(len(study)))
        event = nearest_place(who, day, low[who], high[who], event_days(spine))
        known = np.isfinite(days_after_event(who, event, spine))
        day = np.where(moved & known, np.minimum(event + lag, high[who]), day)
    out[study] = day[draw_leaders(who, model.shared, rng)]
    history = np.flatnonzero(era == ERA_HISTORY)
    leader = draw_leaders(owner[history], model.shared_history, rng)
    out[history] = model.history.sample(precision[history], owner[history], term.take(history), spine, leader, rng)
    if behind is not None:
        limits = (spine.marks["FIRST"][owner] - 1, high[owner])
        out = model.follows.sample(out, precision, (era == ERA_HISTORY, era == ERA_STUDY), term, behind, limits, rng)
    return put_in_turn(out, term.series, code)


def _sample_ends(
    model: OccurrenceDates,
    start: Floats,
    start_code: Ints,
    code: Ints,
    owner: NDArray[np.int32] | Ints,
    term: TermOfEach,
    spine: Spine,
    rng: np.random.Generator,
) -> Floats:
    era = code // 10
    until = np.where(rng.random(len(code)) < model.in_turn, days_until_next(start, term.series), np.inf)
    bound = mark_day(spine, model.ends, None)[owner]
    if model.runs_on > 0:
        further = np.fmin(bound + model.run_on, death_day(spine)[owner])
        bound = np.where(rng.random(len(code)) < model.runs_on, np.maximum(further, bound), bound)
    first, last = spine.marks["FIRST"][owner], np.minimum(bound, until)
    attached = (era == ERA_STUDY) & (start_code // 10 == ERA_STUDY)
    room = np.where(attached, np.maximum(last - start, 0), np.nan)
    u = rng.random(len(code))
    length = np.where(term.lasting, 0.5 + 0.5 * u, u)
    codes, none = [term.block, term.kind_of], np.where(attached, 0.0, np.nan)
    days = model.duration.quantile(codes, length, none, np.where(attached, np.inf, np.nan))
    change_places(days, np.where(attached, 2 * model.duration.cell(codes, len(code)) + term.lasting, -1), none, room, rng)
    days = np.where(days > room, model.duration.quantile(codes, length, none, room), days)
    days = np.where(attached & np.isnan(days), 0.0, days)
    ended = start + np.clip(days, 0, room)
    moved = attached & (rng.random(len(code)) < model.end_at_visit)
    visits = (spine.visits.subject, spine.visits.day)
    ended[moved] = nearest_place(owner[moved], ended[moved], start[moved], last[moved], visits)
    places = np.flatnonzero(attached)
    order = places[np.lexsort((places, start[places], owner[places]))]
    new = (np.diff(owner[order], prepend=-1) != 0) | (np.diff(start[order], prepend=-np.inf) != 0)
    head = order[np.maximum.accumulate(np.where(new, np.arange(len(order)), 0))] if len(order) else order
    joins = ~new & (rng.random(len(order)) < model.end_together)
    ended[order[joins]] = ended[head[joins]]
    free = (era == ERA_STUDY) & ~attached
    bound = np.maximum(last, first)
    gone = first - start
    lasting = free & (model.duration.beyond(codes, gone) >= FEWEST)
    whole = model.duration.quantile(codes, u, np.where(lasting, gone, np.nan), gone + bound - first)
    away = np.where(lasting, whole - gone, _truncated(model.end_offset, u, bound - first))
    floor = np.where(np.isnan(start), first, np.maximum(start, first))
    away = np.where(np.isnan(away), 0.0, away)
    out = np.where(attached, ended, np.where(free, np.clip(first + away, floor, np.maximum(bound, floor)), np.nan))
    past = era == ERA_HISTORY
    if model.past_gap is not None:
        most = np.where(np.isnan(start), np.inf, np.maximum(first - start, 1.0))
        return np.where(past, first - np.floor(quantile_between(model.past_gap, u, np.ones(len(u)), most)), out)
    begin = np.where(np.isnan(start), first - 365.0, np.minimum(start, first - 1))
    part = np.clip(model.past_share.quantile(u), 0.0, 1.0) if model.past_share.n else u
    part = np.where(np.isnan(start), u, part)
    return np.where(past, np.minimum(np.floor(begin + part * np.maximum(first - begin, 1.0)), first - 1), out)


def _truncated(marginal: QuantileMarginal, u: Floats, most: Floats) -> Floats:
    """Draw from a marginal given that the value is at most `most`; NaN where that is NaN or nothing was learned."""
    if not marginal.n:
        return np.where(np.isnan(most), np.nan, 0.0)
    return quantile_between(marginal, u, np.full(len(most), -np.inf), most)


def _write(day: Floats, minute: Floats, code: Ints, odd: tuple[str, ...]) -> Text:
    text = format_dates(day, minute, np.where(code // 10 == ERA_TEXT, 0, code % 10).astype(np.int8))
    if not odd:
        return text
    number = np.where(code // 10 == ERA_TEXT, len(text.levels) + code % 10, text.codes)
    return Text(number.astype(np.int32), np.append(text.levels, np.array(odd, object)))
