"""Learning when occurrences start and end."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from replicator.models.clock import ClockTime
from replicator.models.copula import normal_scores, pairwise_correlation
from replicator.models.marginals import QuantileMarginal
from replicator.models.nested_marginals import NestedMarginals
from replicator.models.onset import Intensity, rank_within, sharing_rate
from replicator.rng import stream
from replicator.study_model.events.dates import ERA_HISTORY, ERA_STUDY, SOON, DatePattern, Drawn, OccurrenceDates, sample_dates
from replicator.study_model.events.days import days_after_event, event_days, mark_day
from replicator.study_model.events.following import Following
from replicator.study_model.events.onsets import Onsets, TermOfEach, steps_back
from replicator.study_model.events.reasons import Behind
from replicator.study_model.events.turns import share_in_turn
from replicator.study_model.spine import Spine
from replicator.tables.dataset import Text
from replicator.tables.dates import Dates, parse_dates

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

MAINLY = 0.85  # share of starts that must lie before a mark to say that they mainly do
LEAST_AFTER = 0.03  # time after the mark against the time before it
RARER = 0.5  # rate after the mark against the rate before it
WITHIN = 0.98  # share of dates that must lie within a mark to take it for their bound


def fit_dates(
    start: Text | None,
    end: Text | None,
    patterns: tuple[DatePattern, DatePattern],
    owner: NDArray[np.int32],
    term: TermOfEach,
    spine: Spine,
    last_visit: Floats | None,
    k: int,
    behind: Behind | None = None,
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
    term : TermOfEach
    spine : Spine
        Of the source.
    last_visit : (spine.n,) float64 or None
        Last day on which an occurrence could have been reported, if it must be reported at a visit.
    k : int
        Fewest subjects behind anything kept.
    behind : Behind, optional
        The conditions that occurrences are given for.
    """
    n, block = len(owner), term.block
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
    low, high = mark_day(spine, opens, last_visit) - spine.anchor, mark_day(spine, closes, last_visit) - spine.anchor
    n_blocks = int(block.max(initial=-1)) + 1
    large = _large_groups(block[fine], owner[fine], n_blocks, 6 * k)
    inside = fine & ~(s.day - spine.anchor[owner] > high[owner])
    offset = np.maximum((s.day - spine.anchor[owner])[inside], low[owner[inside]])
    group = np.where(large[block[inside]], block[inside], n_blocks) if inside.any() else np.empty(0, np.int64)
    intensity = _fit_intensity(offset, owner[inside], group, n_blocks, low, high, k)
    before = era_s == ERA_HISTORY
    first = spine.marks["FIRST"][owner]
    after_birth = _after_birth(s.day, s.precision, owner, spine)
    past_term = (block[before], term.kind_of[before])
    history = Onsets.fit(s.day[before], s.precision[before], owner[before], past_term, spine, after_birth, k)
    eras = (before, era_s == ERA_STUDY)
    follows = Following.none() if behind is None else Following.fit(s, eras, owner, term, behind, first, k)
    both = fine & full_end & (e.day >= s.day)
    days = (e.day - s.day)[both]
    codes = [block[both], term.kind_of[both]]
    detached = full_end & ~fine
    past = (era_e == ERA_HISTORY) & (s.day <= e.day)
    part, gap = _fit_past_ends(s.day[past], e.day[past], first[past], owner[past], k)
    alone = np.flatnonzero(fine)
    alone = alone[~follows.on_study(behind, alone)]
    fitted = OccurrenceDates(
        opens,
        closes,
        until,
        late_rate,
        ends,
        intensity,
        history,
        follows,
        sharing_rate(owner[fine], s.day[fine]),
        sharing_rate(owner[before], s.day[before] * 10 + s.precision[before]),
        0.0,
        0.0,
        0.0,
        _event_lag(owner[alone], s.day[alone], spine, k),
        NestedMarginals.fit(days, codes, owner[both], k=k, least=4 * k, decimals=0),
        share_in_turn(s.day, e.day, term.series),
        _together(owner[both], s.day[both], e.day[both]),
        QuantileMarginal.fit((e.day - first)[detached], owner[detached], k=k, decimals=0),
        part,
        ClockTime.fit(s.minute, owner, k=k),
        ClockTime.fit(e.minute, owner, k=k),
        patterns[0].odd,
        patterns[1].odd,
        past_gap=gap,
    )
    plain = TermOfEach.plain(block, term.kind_of)
    fitted = _with_run_on(fitted, (s, e), both, patterns, owner, plain, spine, last_visit, behind, k)
    return _with_visit_shares(fitted, (s, e), (fine, full_end), patterns, owner, plain, spine, last_visit, behind)


def _with_run_on(
    fitted: OccurrenceDates,
    dates: tuple[Dates, Dates],
    both: NDArray[np.bool_],
    patterns: tuple[DatePattern, DatePattern],
    owner: NDArray[np.int32],
    term: TermOfEach,
    spine: Spine,
    last_visit: Floats | None,
    behind: Behind | None,
    k: int,
) -> OccurrenceDates:
    """Set how many occurrences may end after the mark of their ends: as many as make the source's share of `both` dates so.

    None may where those of fewer than `k` subjects do.
    """
    mark = mark_day(spine, fitted.ends, None)[owner]
    past = (dates[1].day - mark)[both]
    after = past > 0
    most = QuantileMarginal.fit(past[after], owner[both][after], k=k, decimals=0)
    if not most.n:
        return fitted
    free = replace(fitted, runs_on=1.0, run_on=float(np.floor(most.ceiling)))
    codes, rng = (patterns[0].code, patterns[1].code), stream(0, "run on")
    drawn = sample_dates(free, *codes, owner, term, spine, last_visit, rng, behind)
    chance = float((drawn.end - mark)[both].clip(0, 1).mean())
    return replace(free, runs_on=min(1.0, float(after.mean()) / max(chance, 1e-9)))


def _with_visit_shares(
    fitted: OccurrenceDates,
    dates: tuple[Dates, Dates],
    fine: tuple[NDArray[np.bool_], NDArray[np.bool_]],
    patterns: tuple[DatePattern, DatePattern],
    owner: NDArray[np.int32],
    term: TermOfEach,
    spine: Spine,
    last_visit: Floats | None,
    behind: Behind | None,
) -> OccurrenceDates:
    """Set how many dates are moved to visits, and how many starts are shared: what the source has beyond chance.

    Starts come first, since an end lies a duration after its start: an event of one day that starts at a visit ends there.
    """

    def simulate(model: OccurrenceDates) -> Drawn:
        codes, rng = (patterns[0].code, patterns[1].code), stream(0, "visit share")
        return sample_dates(model, *codes, owner, term, spine, last_visit, rng, behind)

    def beyond_chance(source: Floats, drawn: Floats, mask: NDArray[np.bool_]) -> float:
        seen, chance = (float(_at_visit(owner[mask], day[mask], spine).mean()) if mask.any() else 0.0 for day in (source, drawn))
        return _excess(seen, chance)

    alone = replace(fitted, shared=0.0)
    if fitted.event_lag.n:
        drawn = simulate(alone)
        rows = np.flatnonzero(fine[0])
        rows = rows[~fitted.follows.on_study(behind, rows)]
        lags = [days_after_event(owner[rows], day[rows], spine) for day in (dates[0].day, drawn.start)]
        possible = np.isin(owner[rows], event_days(spine)[0])
        near = [float((lag <= SOON)[possible].mean()) for lag in lags]
        alone = replace(alone, start_at_event=_excess(*near))
    moved = beyond_chance(dates[0].day, simulate(alone).start, fine[0])
    alone = replace(alone, start_at_visit=moved)
    shared = _excess(fitted.shared, sharing_rate(owner[fine[0]], simulate(alone).start[fine[0]]))
    alone = replace(alone, shared=shared)
    return replace(alone, end_at_visit=beyond_chance(dates[1].day, simulate(alone).end, fine[1]))


def _fit_past_ends(
    start: Floats, end: Floats, first: Floats, owner: NDArray[np.int32], k: int
) -> tuple[QuantileMarginal, QuantileMarginal | None]:
    """How much of the time up to the study had gone by at ends before it, or else how many days before it they lie.

    Where only what is still taken shortly before the study is recorded, how long ago it began tells little of these days and much
    of that part; of a history of diseases it is the other way round. What hangs less on it is learned.
    """
    span = np.maximum(first - start, 1.0)
    part, gap = (end - start) / span, first - end
    if len(np.unique(owner)) >= k and _rank_correlation(gap, span) <= _rank_correlation(part, span):
        return QuantileMarginal.fit(np.empty(0), owner[:0], k=k, decimals=None), QuantileMarginal.fit(gap, owner, k=k, decimals=0)
    return QuantileMarginal.fit(part, owner, k=k, decimals=None), None


def _rank_correlation(a: Floats, b: Floats) -> float:
    """Size of the correlation of normal scores, 0 where one of them does not vary."""
    found = abs(float(pairwise_correlation(np.column_stack([normal_scores(a), normal_scores(b)]))[0, 1]))
    return found if np.isfinite(found) else 0.0


def _event_lag(owner: NDArray[np.int32], day: Floats, spine: Spine, k: int) -> QuantileMarginal:
    """Days from an event that was told before to a start soon after it; nothing where fewer than `k` subjects have such a start."""
    lag = days_after_event(owner, day, spine)
    soon = lag <= SOON
    if len(np.unique(owner[soon])) < k:
        soon = np.zeros(len(lag), bool)
    return QuantileMarginal.fit(lag[soon], owner[soon], k=k, decimals=0)


def _excess(seen: float, chance: float) -> float:
    """Share of cases that must be made so that `seen` are, where `chance` of them come by themselves."""
    return float(np.clip((seen - chance) / max(1e-9, 1 - chance), 0, 1))


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
    low, top = mark_day(spine, opens, last_visit), mark_day(spine, until, last_visit)
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


def _after_birth(day: Floats, precision: NDArray[np.int8], owner: NDArray[np.int32], spine: Spine) -> bool:
    """Whether (nearly) no start lies in a year, month or day before that in which its subject can have been born."""
    if spine.born is None:
        return False
    age = steps_back(day, spine.born[owner], precision)
    known = np.isfinite(age)
    return bool(known.any()) and float((age < 0)[known].mean()) <= 1 - WITHIN


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
