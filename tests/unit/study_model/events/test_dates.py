"""When occurrences start and end: shares at visits, shared days, spells before the study."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from replicator.study_model.events.dates import DatePattern, Drawn, sample_dates
from replicator.study_model.events.dates_fit import fit_dates
from replicator.study_model.events.onsets import TermOfEach
from replicator.study_model.spine import Spine, Visits
from replicator.tables.dataset import Text
from replicator.tables.dates import Precision, format_dates, parse_dates

Floats = NDArray[np.float64]


def _spine(n: int) -> Spine:
    anchor = np.full(n, 18000.0)
    day = (anchor[:, None] + np.array([-7.0, 0, 14, 28, 56, 84])).ravel()
    visits = Visits(np.repeat(np.arange(n), 6).astype(np.int32), np.tile(np.arange(6.0), n), day, day)
    marks = {"DM.RFSTDTC": anchor, "FIRST": anchor - 7, "LAST": anchor + 84}
    return Spine(n, np.zeros(n, np.int32), ("",), anchor, marks, visits, {}, {})


def _write(day: Floats) -> Text:
    precision = np.where(np.isnan(day), Precision.MISSING, Precision.DAY).astype(np.int8)
    return format_dates(day, np.full(len(day), np.nan), precision)


def _again(start: Floats, end: Floats, owner: NDArray[np.int32], spine: Spine) -> Drawn:
    columns = _write(start), _write(end)
    first = spine.marks["FIRST"][owner]
    patterns = tuple(DatePattern.of(c, parse_dates(c), first, owner, 5) for c in columns)
    term = TermOfEach.plain(*np.zeros((2, len(owner)), np.int64))
    model = fit_dates(*columns, (patterns[0], patterns[1]), owner, term, spine, None, 5)
    return sample_dates(model, patterns[0].code, patterns[1].code, owner, term, spine, None, np.random.default_rng(9))


def _at_visit(day: Floats) -> float:
    return float(np.isin(day - 18000, [-7, 0, 14, 28, 56, 84]).mean())


def _same_day(owner: NDArray[np.int32], day: Floats) -> float:
    """Share of pairs of events of one subject that start on the same day."""
    both = (owner[:, None] == owner[None, :]) & ~np.eye(len(owner), dtype=bool)
    return float((day[:, None] == day[None, :])[both].mean())


def test_shares_at_visits_and_shared_days_come_back() -> None:
    """300 subjects with 4 events; a quarter starts at a visit, half last a day, a fifth shares its day with the one before.

    Tolerances are three standard errors of a share among 1200 events (0.04) and a little more for pairs.
    """
    rng = np.random.default_rng(2)
    n, each = 300, 4
    spine, owner = _spine(n), np.repeat(np.arange(n), each).astype(np.int32)
    start = np.floor(rng.uniform(0, 80, n * each))
    start = np.where(rng.random(n * each) < 0.25, rng.choice([0.0, 14, 28, 56], n * each), start) + 18000
    for i in range(1, each):
        joins = rng.random(n) < 0.2
        start[i::each] = np.where(joins, start[i - 1 :: each], start[i::each])
    end = np.minimum(start + np.where(rng.random(n * each) < 0.5, 0, rng.integers(1, 20, n * each)), 18084)
    drawn = _again(start, end, owner, spine)
    assert _at_visit(drawn.start) == pytest.approx(_at_visit(start), abs=0.04)
    assert _at_visit(drawn.end) == pytest.approx(_at_visit(end), abs=0.04)
    assert _same_day(owner, drawn.start) == pytest.approx(_same_day(owner, start), abs=0.05)
    assert (drawn.end == drawn.start).mean() == pytest.approx((end == start).mean(), abs=0.05)


def test_spells_before_the_study_last_as_long_as_they_did() -> None:
    """Planted: illnesses that began 1 to 10 years before and lasted a fifth of the time since then at most."""
    rng = np.random.default_rng(3)
    n = 400
    spine, owner = _spine(n), np.arange(n, dtype=np.int32)
    start = 18000 - 7 - np.floor(rng.uniform(365, 3650, n))
    end = np.floor(start + rng.uniform(0, 0.2, n) * (17993 - start))
    drawn = _again(start, end, owner, spine)
    assert (drawn.end < 17993).all()
    assert (drawn.end >= drawn.start).all()
    assert np.median(drawn.end - drawn.start) == pytest.approx(np.median(end - start), rel=0.15)


def test_what_began_shortly_before_the_study_lasts_as_long_as_what_began_on_it() -> None:
    """Planted: lengths of 1 to 40 days wherever they begin, and some things that began years ago: quartiles come back (4 days)."""
    rng = np.random.default_rng(8)
    lag, length = np.floor(rng.uniform(1, 40, 900)), np.floor(rng.uniform(1, 41, 900))
    lag, length = lag[length >= lag], length[length >= lag]
    recent = len(lag)
    lag, length = np.append(lag, np.full(recent, 2000.0)), np.append(length, 2000 + np.floor(rng.uniform(50, 80, recent)))
    start = np.append(17993 - lag, 18000 + np.floor(rng.uniform(0, 40, 1000)))
    length = np.append(length, np.floor(rng.uniform(1, 41, 1000)))
    drawn = _again(start, start + length, np.arange(len(start), dtype=np.int32), _spine(len(start)))
    lately = (drawn.start < 17993) & (drawn.start > 17993 - 41)
    assert lately.sum() > 300
    lasted = (drawn.end - drawn.start)[lately]
    assert np.quantile(lasted, [0.25, 0.5, 0.75]) == pytest.approx(np.quantile(length[:recent], [0.25, 0.5, 0.75]), abs=4.0)


@pytest.mark.parametrize("share", [0.0, 0.4, 1.0])
def test_events_run_on_after_the_participation_as_often_as_in_the_source(share: float) -> None:
    """Of the events that would end after the last day, all, 40 % or none are followed up; never past the day of a death.

    0.02 is three standard errors of a share of 0.07 among 1500 events.
    """
    rng = np.random.default_rng(6)
    n, each = 300, 5
    spine, owner = _spine(n), np.repeat(np.arange(n), each).astype(np.int32)
    dead = np.where(np.arange(n) < 30, 18084.0, np.nan)
    spine = replace(spine, marks={**spine.marks, "DM.DTHDTC": dead})
    start = 18000 + np.floor(rng.uniform(0, 85, n * each))
    end = start + rng.geometric(0.15, n * each)
    stops = (rng.random(n * each) >= share) | np.isfinite(dead[owner])
    end = np.where(stops, np.minimum(end, 18084), end)
    drawn = _again(start, end, owner, spine)
    assert (drawn.end > 18084).mean() == pytest.approx((end > 18084).mean(), abs=0.02)
    assert (drawn.end > 18084).any() == (share > 0)
    assert (drawn.end <= 18084)[np.isfinite(dead[owner])].all()


def test_ends_before_the_study_are_as_near_to_it_as_in_the_source_however_long_ago_the_start_was() -> None:
    """Planted: what began 1 to 20 years before ended 1 to 30 days before. As a part of the time it would end years before."""
    rng, n = np.random.default_rng(7), 200
    spine = _spine(n)
    first = spine.marks["FIRST"]
    start, end = first - rng.integers(365, 7300, n), first - rng.integers(1, 31, n)
    drawn = _again(start, end, np.arange(n, dtype=np.int32), spine)
    away = first - drawn.end
    assert away.min() >= 1
    assert away.max() <= 30
    assert (drawn.end >= drawn.start).all()
    assert away.mean() == pytest.approx(15.5, abs=2.5)


def test_ends_before_the_study_go_with_their_starts_where_those_of_the_source_do() -> None:
    """Planted: half of the time up to the study had gone by, be it one year or twenty."""
    rng, n = np.random.default_rng(8), 200
    spine = _spine(n)
    first = spine.marks["FIRST"]
    span = rng.integers(365, 7300, n)
    drawn = _again(first - span, first - np.floor(span * rng.uniform(0.4, 0.6, n)), np.arange(n, dtype=np.int32), spine)
    part = (drawn.end - drawn.start) / (first - drawn.start)
    assert part.min() > 0.35
    assert part.max() < 0.65
