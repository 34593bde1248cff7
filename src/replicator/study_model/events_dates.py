"""Start and end of occurrences: how precisely they are known, where they lie on study or before it, and which ones coincide."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from replicator.models.marginals import QuantileMarginal
from replicator.models.onset import Intensity, draw_leaders, rank_within, sharing_rate
from replicator.rng import stream
from replicator.study_model.spine import Spine
from replicator.tables.dataset import Text
from replicator.tables.dates import Dates, Precision, format_dates, parse_dates

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

ERA_NONE, ERA_HISTORY, ERA_STUDY, ERA_TEXT = range(4)
MAINLY = 0.85  # share of starts that must lie before a mark to say that they mainly do
LEAST_AFTER = 0.03  # time after the mark against the time before it
RARER = 0.5  # rate after the mark against the rate before it
WITHIN = 0.98  # share of dates that must lie within a mark to take it for their bound


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
        Mark before which ends lie.
    intensity : Intensity
        Of starts on study, days from the anchor, by class.
    history : dict of str to QuantileMarginal
        By precision: years, months or days from the start to the first day on study.
    shared, shared_history : float
        Share of an owner's further starts that fall on the day of an earlier one.
    start_at_visit, end_at_visit : float
        Share of starts and ends that are moved to a visit.
    duration : tuple of QuantileMarginal
        Days from start to end, of each class that has enough, and last of all.
    duration_class : tuple of int
        The classes.
    end_together : float
        Share of ends that fall on that of the occurrence with which they share their start.
    end_offset : QuantileMarginal
        Days from the first day on study to the end, where the start lies before the study or is unknown.
    start_minute, end_minute : QuantileMarginal
        Time of day.
    start_odd, end_odd : tuple of str
        Texts that are no dates.
    """

    kind: ClassVar[str] = "occurrence dates"

    opens: str
    closes: str
    late_until: str
    late_rate: float
    ends: str
    intensity: Intensity
    history: Mapping[str, QuantileMarginal]
    shared: float
    shared_history: float
    start_at_visit: float
    end_at_visit: float
    duration: tuple[QuantileMarginal, ...]
    duration_class: tuple[int, ...]
    end_together: float
    end_offset: QuantileMarginal
    start_minute: QuantileMarginal
    end_minute: QuantileMarginal
    start_odd: tuple[str, ...]
    end_odd: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Drawn:
    """Drawn days: start and end (n,), days since 1970-01-01, NaN where there is none; and how they are written."""

    start: Floats
    end: Floats
    start_text: Text
    end_text: Text


def fit_dates(
    start: Text | None,
    end: Text | None,
    patterns: tuple[DatePattern, DatePattern],
    owner: NDArray[np.int32],
    block: Ints,
    spine: Spine,
    last_visit: Floats | None,
    k: int,
) -> OccurrenceDates:
    """Learn the dates of occurrences.

    Parameters
    ----------
    start, end : Text or None
        Their dates, one an occurrence.
    patterns : two DatePattern
        Of start and end.
    owner : (n,) int32
        Subject of each occurrence.
    block : (n,) int
        Class of each occurrence.
    spine : Spine
        Of the source.
    last_visit : (spine.n,) float64 or None
        Last day on which an occurrence could have been reported, if it must be reported at a visit.
    k : int
        Fewest subjects behind anything kept.
    """
    n = len(owner)
    nothing = Dates(np.full(n, np.nan), np.full(n, np.nan), np.zeros(n, np.int8))
    s, e = (parse_dates(c) if c is not None else nothing for c in (start, end))
    era_s, era_e = patterns[0].code // 10, patterns[1].code // 10
    fine = s.full & (era_s == ERA_STUDY)
    marks = spine.marks
    opens = _tightest(s.day[fine], owner[fine], {"ANCHOR": spine.anchor, "FIRST": marks["FIRST"]}, True)
    until = _tightest(s.day[fine], owner[fine], marks, False)
    closes, late_rate = _closing(s.day[fine], owner[fine], marks, opens, until, spine, last_visit)
    full_end = e.full & (era_e == ERA_STUDY)
    ends = _tightest(e.day[full_end], owner[full_end], marks, False)
    low, high = _mark(spine, opens, last_visit) - spine.anchor, _mark(spine, closes, last_visit) - spine.anchor
    n_blocks = int(block.max(initial=-1)) + 1
    large = _large_groups(block[fine], owner[fine], n_blocks, 6 * k)
    inside = fine & ~(s.day - spine.anchor[owner] > high[owner])
    offset = np.maximum((s.day - spine.anchor[owner])[inside], low[owner[inside]])
    group = np.where(large[block[inside]], block[inside], n_blocks) if inside.any() else np.empty(0, np.int64)
    intensity = _fit_intensity(offset, owner[inside], group, n_blocks, low, high, k)
    before = era_s == ERA_HISTORY
    first = spine.marks["FIRST"][owner]
    history = {}
    for precision in np.unique(s.precision[before]).tolist():
        mine = before & (s.precision == precision)
        history[str(precision)] = QuantileMarginal.fit(_lag(first[mine], s.day[mine], precision), owner[mine], k=k, decimals=0)
    both = fine & full_end & (e.day >= s.day)
    days = (e.day - s.day)[both]
    duration = [QuantileMarginal.fit(days, owner[both], k=k, decimals=0)]
    classes: list[int] = []
    for c in np.flatnonzero(_large_groups(block[both], owner[both], n_blocks, 4 * k)).tolist():
        mine = block[both] == c
        duration.insert(len(classes), QuantileMarginal.fit(days[mine], owner[both][mine], k=k, decimals=0))
        classes.append(c)
    detached = full_end & ~fine
    fitted = OccurrenceDates(
        opens,
        closes,
        until,
        late_rate,
        ends,
        intensity,
        history,
        sharing_rate(owner[fine], s.day[fine]),
        sharing_rate(owner[before], s.day[before] * 10 + s.precision[before]),
        0.0,
        0.0,
        tuple(duration),
        tuple(classes),
        _together(owner[both], s.day[both], e.day[both]),
        QuantileMarginal.fit((e.day - first)[detached], owner[detached], k=k, decimals=0),
        QuantileMarginal.fit(s.minute, owner, k=k, decimals=0),
        QuantileMarginal.fit(e.minute, owner, k=k, decimals=0),
        patterns[0].odd,
        patterns[1].odd,
    )
    return _with_visit_shares(fitted, (s, e), (fine, full_end), patterns, owner, block, spine, last_visit)


def _with_visit_shares(
    fitted: OccurrenceDates,
    dates: tuple[Dates, Dates],
    fine: tuple[NDArray[np.bool_], NDArray[np.bool_]],
    patterns: tuple[DatePattern, DatePattern],
    owner: NDArray[np.int32],
    block: Ints,
    spine: Spine,
    last_visit: Floats | None,
) -> OccurrenceDates:
    """Set how many dates are moved to visits: what the source has beyond what the model gives by chance."""
    drawn = sample_dates(fitted, patterns[0].code, patterns[1].code, owner, block, spine, last_visit, stream(0, "visit share"))
    shares = []
    for source, day, mask in zip(dates, (drawn.start, drawn.end), fine, strict=True):
        if not mask.any():
            shares.append(0.0)
            continue
        seen = float(_at_visit(owner[mask], source.day[mask], spine).mean())
        chance = float(_at_visit(owner[mask], day[mask], spine).mean())
        shares.append(float(np.clip((seen - chance) / max(1e-9, 1 - chance), 0, 1)))
    return replace(fitted, start_at_visit=shares[0], end_at_visit=shares[1])


def sample_dates(
    model: OccurrenceDates,
    start_code: Ints,
    end_code: Ints,
    owner: NDArray[np.int32] | Ints,
    block: Ints,
    spine: Spine,
    last_visit: Floats | None,
    rng: np.random.Generator,
) -> Drawn:
    """Draw start and end of occurrences whose patterns are known.

    Parameters
    ----------
    start_code, end_code : (n,) int
        As in :class:`DatePattern`.
    owner, block : (n,) int
        Subject and class of each occurrence.
    last_visit : (spine.n,) float64 or None
        As in :func:`fit_dates`, of this spine.
    """
    start = _sample_starts(model, start_code, owner, block, spine, last_visit, rng)
    end = _sample_ends(model, start, start_code, end_code, owner, block, spine, rng)
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
    block: Ints,
    spine: Spine,
    last_visit: Floats | None,
    rng: np.random.Generator,
) -> Floats:
    era, precision = code // 10, code % 10
    out = np.full(len(code), np.nan)
    low = _mark(spine, model.opens, last_visit)
    high = np.maximum(_mark(spine, model.closes, last_visit), low)
    study = np.flatnonzero(era == ERA_STUDY)
    who = owner[study]
    day = spine.anchor[who] + model.intensity.sample(block[study], low[who] - spine.anchor[who], high[who] - spine.anchor[who], rng)
    if model.late_rate > 0:
        until = np.maximum(_mark(spine, model.late_until, last_visit), high)
        room, main = (until - high)[who], (high - low)[who] + 1
        late = rng.random(len(study)) * (model.late_rate * room + main) < model.late_rate * room
        day = np.where(late, np.minimum(high[who] + 1 + np.floor(rng.random(len(study)) * room), until[who]), day)
        high = until
    moved = rng.random(len(study)) < model.start_at_visit
    day = np.where(moved, _nearest_visit(who, day, low[who], high[who], spine), day)
    out[study] = day[draw_leaders(who, model.shared, rng)]
    history = np.flatnonzero(era == ERA_HISTORY)
    first = spine.marks["FIRST"][owner[history]]
    u = rng.random(len(history))
    lag = np.full(len(history), np.nan)
    for name, marginal in model.history.items():
        mine = precision[history] == int(name)
        lag[mine] = marginal.quantile(u[mine])
    day = _before(first, lag, precision[history])
    leader = draw_leaders(owner[history], model.shared_history, rng)
    leader = np.where(precision[history][leader] == precision[history], leader, np.arange(len(history)))
    out[history] = day[leader]
    return out


def _sample_ends(
    model: OccurrenceDates,
    start: Floats,
    start_code: Ints,
    code: Ints,
    owner: NDArray[np.int32] | Ints,
    block: Ints,
    spine: Spine,
    rng: np.random.Generator,
) -> Floats:
    era = code // 10
    first, last = spine.marks["FIRST"][owner], _mark(spine, model.ends, None)[owner]
    attached = (era == ERA_STUDY) & (start_code // 10 == ERA_STUDY)
    room = np.where(attached, np.maximum(last - start, 0), np.nan)
    u = rng.random(len(code))
    days = _truncated(model.duration[-1], u, room)
    for c, marginal in zip(model.duration_class, model.duration, strict=False):
        mine = attached & (block == c)
        days[mine] = _truncated(marginal, u[mine], room[mine])
    ended = start + np.clip(days, 0, room)
    moved = attached & (rng.random(len(code)) < model.end_at_visit)
    ended[moved] = _nearest_visit(owner[moved], ended[moved], start[moved], last[moved], spine)
    places = np.flatnonzero(attached)
    order = places[np.lexsort((places, start[places], owner[places]))]
    new = (np.diff(owner[order], prepend=-1) != 0) | (np.diff(start[order], prepend=-np.inf) != 0)
    head = order[np.maximum.accumulate(np.where(new, np.arange(len(order)), 0))] if len(order) else order
    joins = ~new & (rng.random(len(order)) < model.end_together)
    ended[order[joins]] = ended[head[joins]]
    free = (era == ERA_STUDY) & ~attached
    bound = np.maximum(last, first)
    away = _truncated(model.end_offset, u, bound - first)
    floor = np.where(np.isnan(start), first, np.maximum(start, first))
    away = np.where(np.isnan(away), 0.0, away)
    out = np.where(attached, ended, np.where(free, np.clip(first + away, floor, np.maximum(bound, floor)), np.nan))
    past = era == ERA_HISTORY
    begin = np.where(np.isnan(start), first - 365.0, np.minimum(start, first - 1))
    return np.where(past, np.floor(begin + u * np.maximum(first - begin, 1.0)), out)


def _truncated(marginal: QuantileMarginal, u: Floats, most: Floats) -> Floats:
    """Draw from a marginal given that the value is at most `most`; NaN where that is NaN or nothing was learned."""
    if not marginal.n:
        return np.where(np.isnan(most), np.nan, 0.0)
    share = np.clip(np.nan_to_num(marginal.cdf(most + 0.5), nan=1.0), 1e-6, 1.0)
    return np.minimum(marginal.quantile(u * share), most)


def _write(day: Floats, minute: Floats, code: Ints, odd: tuple[str, ...]) -> Text:
    text = format_dates(day, minute, np.where(code // 10 == ERA_TEXT, 0, code % 10).astype(np.int8))
    if not odd:
        return text
    number = np.where(code // 10 == ERA_TEXT, len(text.levels) + code % 10, text.codes)
    return Text(number.astype(np.int32), np.append(text.levels, np.array(odd, object)))


def _mark(spine: Spine, name: str, last_visit: Floats | None) -> Floats:
    """Day of a mark, by subject; LAST where the subject has no such mark, and never after the last visit that could report it."""
    if name == "ANCHOR":
        return spine.anchor
    day = spine.marks.get(name, spine.marks["LAST"])
    day = np.where(np.isnan(day), spine.marks["LAST"], np.floor(day))
    return day if last_visit is None else np.fmin(day, last_visit)


def _tightest(day: Floats, owner: NDArray[np.int32], marks: Mapping[str, Floats], lower: bool) -> str:
    """Name of the mark that bounds (nearly) all days most closely."""
    default = "FIRST" if lower else "LAST"
    if not len(day):
        return default
    best, best_room = default, np.inf
    for name, mark in marks.items():
        bound = np.floor(mark)[owner]
        known = np.isfinite(bound)
        if known.mean() < 0.9:
            continue
        gap = (day - bound if lower else bound - day)[known]
        room = float(np.maximum(gap, 0).mean())
        if (gap >= 0).mean() >= WITHIN and room < best_room:
            best, best_room = name, room
    return best


def _closing(
    day: Floats,
    owner: NDArray[np.int32],
    marks: Mapping[str, Floats],
    opens: str,
    until: str,
    spine: Spine,
    last_visit: Floats | None,
) -> tuple[str, float]:
    """Find an earlier mark after which starts become rare (the last dose, where follow-up goes on), and how rare."""
    low, top = _mark(spine, opens, last_visit), _mark(spine, until, last_visit)
    best, rate = until, 1.0
    for name, mark in marks.items():
        if not len(day) or np.isfinite(mark[owner]).mean() < 0.9:
            continue
        bound = np.clip(np.where(np.isnan(mark), top, np.floor(mark)), low, np.maximum(top, low))
        out = day > bound[owner]
        before, after = float((bound - low + 1).sum()), float((np.maximum(top, low) - bound).sum())
        if after < LEAST_AFTER * before or (~out).mean() < MAINLY:
            continue
        ratio = (out.sum() / after) / max((~out).sum() / before, 1e-12)
        if ratio < min(rate, RARER):
            best, rate = name, float(ratio)
    return best, rate if best != until else 0.0


def _fit_intensity(
    offset: Floats, owner: NDArray[np.int32], group: Ints, n_blocks: int, low: Floats, high: Floats, k: int
) -> Intensity:
    """Intensity by class; classes too small to have their own are numbered last and get that of all."""
    fitted = Intensity.fit(offset, owner, group, n_blocks + 1, low, high, k=k)
    own = np.zeros(n_blocks, bool)
    own[np.unique(group[group < n_blocks])] = True
    rows = np.where(own, np.arange(n_blocks), n_blocks + 1)
    return Intensity(fitted.time, fitted.cumulative[np.append(rows, n_blocks + 1)])


def _large_groups(group: Ints, owner: NDArray[np.int32], n_groups: int, least: int) -> NDArray[np.bool_]:
    pairs = np.unique(np.stack([group, owner.astype(np.int64)], axis=1), axis=0)
    return np.bincount(pairs[:, 0], minlength=n_groups)[:n_groups] >= least


def _lag(first: Floats, day: Floats, precision: int) -> Floats:
    """Years, months or days between a date known with this precision and the first day on study."""
    if precision >= Precision.DAY:
        return first - day
    unit = "datetime64[Y]" if precision == Precision.YEAR else "datetime64[M]"
    whole = [np.floor(x).astype("datetime64[D]").astype(unit).astype(np.float64) for x in (first, day)]
    return np.asarray(whole[0] - whole[1], np.float64)


def _before(first: Floats, lag: Floats, precision: Ints) -> Floats:
    """First possible day of the date that lies `lag` before; the inverse of :func:`_lag`."""
    steps = np.nan_to_num(lag)
    day = first - np.maximum(steps, 1)
    for unit, mine in (("Y", precision == Precision.YEAR), ("M", precision == Precision.MONTH)):
        period = np.floor(first[mine]).astype("datetime64[D]").astype(f"datetime64[{unit}]") - steps[mine].astype(
            f"timedelta64[{unit}]"
        )
        day[mine] = period.astype("datetime64[D]").astype(np.float64)
    return day


def _together(owner: NDArray[np.int32], start: Floats, end: Floats) -> float:
    """Share of occurrences after the first with the same owner and start whose end is that of the first."""
    _, inverse = np.unique(np.stack([owner.astype(np.float64), start], axis=1), axis=0, return_inverse=True)
    group = inverse.reshape(-1)
    rank = rank_within(group)
    head = np.full(int(group.max(initial=-1)) + 1, np.nan)
    head[group[rank == 0]] = end[rank == 0]
    later = rank > 0
    return float((end[later] == head[group[later]]).mean()) if later.any() else 0.0


def _at_visit(owner: NDArray[np.int32], day: Floats, spine: Spine) -> NDArray[np.bool_]:
    known = np.unique(np.stack([spine.visits.subject.astype(np.float64), spine.visits.day], axis=1), axis=0)
    return np.isin(owner + 1j * day, known[:, 0] + 1j * known[:, 1])


def _nearest_visit(owner: NDArray[np.int32] | Ints, day: Floats, low: Floats, high: Floats, spine: Spine) -> Floats:
    """Day of the subject's visit that is nearest, within `low` and `high`; the day itself where there is none."""
    visits = spine.visits
    if not len(visits.day) or not len(day):
        return day
    base = min(float(np.min(visits.day)), float(np.nanmin(day))) - 1
    span = max(float(np.max(visits.day)), float(np.nanmax(day))) - base + 2
    key = visits.subject * span + visits.day - base
    order = np.argsort(key, kind="stable")
    key, visit_day = key[order], visits.day[order]
    at = np.searchsorted(key, owner * span + day - base)
    best, distance = day.copy(), np.full(len(day), np.inf)
    for place in (np.maximum(at - 1, 0), np.minimum(at, len(key) - 1)):
        candidate = visit_day[place]
        fits = (visits.subject[order][place] == owner) & (candidate >= low) & (candidate <= high)
        better = fits & (np.abs(candidate - day) < distance)
        best, distance = np.where(better, candidate, best), np.where(better, np.abs(candidate - day), distance)
    return best
