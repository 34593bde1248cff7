"""Starts before the study: as old as subjects are when it begins, never before birth, and not of the old in the young."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from replicator.study_model.events.dates import DatePattern, Drawn, sample_dates
from replicator.study_model.events.dates_fit import fit_dates
from replicator.study_model.events.onsets import TermOfEach, latest_birth
from replicator.study_model.spine import Spine, Visits
from replicator.tables.dataset import Text
from replicator.tables.dates import Precision, format_dates, parse_dates

Floats = NDArray[np.float64]
YEAR = 365.25
FIRST = 18000.0
N = 600
EARLY, LATE, RECENT = range(3)


def _spine(rng: np.random.Generator) -> Spine:
    anchor = np.full(N, FIRST)
    visits = Visits(np.empty(0, np.int32), np.empty(0), np.empty(0), np.empty(0))
    born = FIRST - rng.uniform(40, 90, N) * YEAR
    marks = {"FIRST": anchor, "LAST": anchor + 84, "DM.BRTHDTC": np.floor(born)}
    return Spine(N, np.zeros(N, np.int32), ("",), anchor, marks, visits, {}, {}, born=np.floor(born))


def _write(day: Floats, precision: int) -> Text:
    return format_dates(day, np.full(len(day), np.nan), np.full(len(day), precision, np.int8))


def _history(spine: Spine, rng: np.random.Generator) -> tuple[NDArray[np.int64], Floats]:
    """Planted: a third has something from childhood, a third something since 60 or so, a third something of the last two years."""
    assert spine.born is not None
    kind_of = np.arange(N) % 3
    age = (FIRST - spine.born) / YEAR
    onset = np.where(kind_of == EARLY, rng.uniform(5, 14, N), np.minimum(rng.uniform(50, 70, N), age - 1))
    day = np.where(kind_of == RECENT, FIRST - rng.uniform(30, 700, N), spine.born + onset * YEAR)
    return kind_of.astype(np.int64), np.floor(day)


def _again(
    kind_of: NDArray[np.int64], day: Floats, spine: Spine, term: TermOfEach | None = None, precision: int = Precision.YEAR
) -> Drawn:
    owner = np.arange(N, dtype=np.int32)
    start, none = _write(day, precision), Text.of([None] * N)
    first = spine.marks["FIRST"]
    patterns = tuple(DatePattern.of(c, parse_dates(c), first, owner, 5) for c in (start, none))
    learned = TermOfEach.plain(np.zeros(N, np.int64), kind_of)
    model = fit_dates(start, none, (patterns[0], patterns[1]), owner, learned, spine, None, 5)
    return sample_dates(model, patterns[0].code, patterns[1].code, owner, term or learned, spine, None, np.random.default_rng(9))


@pytest.mark.parametrize("precision", [Precision.YEAR, Precision.DAY])
def test_ages_and_lags_of_each_term_come_back(precision: int) -> None:
    """What began in childhood does so in a sample, whatever the subjects' ages, and what is new is new.

    Medians are within three standard errors of 200 draws, whose standard deviation is about 8 years.
    """
    rng = np.random.default_rng(4)
    spine = _spine(rng)
    assert spine.born is not None
    kind_of, day = _history(spine, rng)
    drawn = _again(kind_of, day, spine, precision=precision)
    age, was = ((parse_dates(_write(x, precision)).day - spine.born) / YEAR for x in (drawn.start, day))
    for kind in (EARLY, LATE):
        mine = kind_of == kind
        assert np.median(age[mine]) == pytest.approx(np.median(was[mine]), abs=3 * 1.25 * 8 / np.sqrt(200))
    assert age[kind_of == EARLY].max() < 20
    assert (FIRST - drawn.start[kind_of == RECENT]).max() < 4 * YEAR
    assert (drawn.start < FIRST).all()


def test_rare_terms_begin_when_rare_terms_did() -> None:
    """A frequent term began last year, the others of its class 10 to 30 years ago, each one subject's; none is in between."""
    rng = np.random.default_rng(8)
    spine = _spine(rng)
    frequent = np.arange(N) % 2 == 0
    day = FIRST - np.floor(np.where(frequent, rng.uniform(30, 300, N), rng.uniform(10, 30, N) * YEAR))
    drawn = _again(np.where(frequent, 0, np.arange(N)), day, spine, precision=Precision.DAY)
    years = (FIRST - drawn.start) / YEAR
    assert years[frequent].max() < 2
    assert years[~frequent].min() > 5
    assert np.median(years[~frequent]) == pytest.approx(20, abs=3 * 1.25 * 5.8 / np.sqrt(N / 2))


def test_nothing_begins_before_birth() -> None:
    """The year of birth is the first that is drawn, whether the day of birth is known or an age in years."""
    rng = np.random.default_rng(5)
    spine = _spine(rng)
    kind_of, day = _history(spine, rng)
    aged = replace(spine, marks={name: mark for name, mark in spine.marks.items() if name != "DM.BRTHDTC"})
    for one in (spine, aged):
        born = latest_birth(one)
        assert born is not None and spine.born is not None
        drawn = _again(kind_of, np.maximum(day, born), one)
        assert (_year(drawn.start) >= _year(born)).all()
        assert (born == spine.born + (YEAR if one is aged else 0)).all()


def _year(day: Floats) -> NDArray[np.int64]:
    return day.astype("datetime64[D]").astype("datetime64[Y]").astype(np.int64)


def test_a_stand_in_that_is_of_the_old_is_not_of_the_young() -> None:
    """A term that stands in for those of childhood, but hardly ever begins before 45, begins later; the source's own do not."""
    rng = np.random.default_rng(6)
    spine = _spine(rng)
    assert spine.born is not None
    kind_of, day = _history(spine, rng)
    old = (FIRST - spine.born) / YEAR > 50
    for own in (True, False):
        term = TermOfEach(np.zeros(N, np.int64), kind_of, np.full(N, own), np.full(N, 45.0), np.zeros(N, bool), np.arange(N))
        age = (_again(kind_of, day, spine, term).start - spine.born) / YEAR
        early = (kind_of == EARLY) & old
        assert (age[early] > 43.9).all() if not own else (age[early] < 20).all()


def test_what_lasts_takes_the_longer_half_of_the_durations() -> None:
    """Planted: half of all events last a day, half 20 to 40 days; what lasts, and has the time, is none of the first."""
    rng = np.random.default_rng(7)
    spine = _spine(rng)
    owner = np.arange(N, dtype=np.int32)
    start = FIRST + np.floor(rng.uniform(0, 40, N))
    end = start + np.where(np.arange(N) % 2, 0, rng.integers(20, 41, N))
    columns = _write(start, Precision.DAY), _write(end, Precision.DAY)
    patterns = tuple(DatePattern.of(c, parse_dates(c), spine.marks["FIRST"], owner, 5) for c in columns)
    plain = TermOfEach.plain(*np.zeros((2, N), np.int64))
    model = fit_dates(*columns, (patterns[0], patterns[1]), owner, plain, spine, None, 5)
    code = (patterns[0].code, patterns[1].code)
    lasting = replace(plain, lasting=np.arange(N) % 4 == 0)
    drawn = sample_dates(model, *code, owner, lasting, spine, None, np.random.default_rng(8))
    length = drawn.end - drawn.start
    assert length[lasting.lasting & (drawn.start <= FIRST + 84 - 20)].min() >= 10
    assert (length[~lasting.lasting] == 0).mean() == pytest.approx(0.5, abs=0.06)


def test_a_term_of_few_whose_dates_are_of_three_precisions_begins_at_its_age() -> None:
    """Of twelve who had it as children four know the year, four the month, four the day: its ages are learned of all together."""
    rng = np.random.default_rng(6)
    spine = _spine(rng)
    assert spine.born is not None
    few = np.arange(N) < 12
    age = (FIRST - spine.born) / YEAR
    onset = np.where(few, rng.uniform(5, 14, N), np.minimum(rng.uniform(35, 75, N), age - 1))
    precision = np.array([Precision.YEAR, Precision.MONTH, Precision.DAY], np.int8)[np.arange(N) % 3]
    day = np.floor(spine.born + onset * YEAR)
    owner, none = np.arange(N, dtype=np.int32), Text.of([None] * N)
    start = format_dates(day, np.full(N, np.nan), precision)
    patterns = tuple(DatePattern.of(c, parse_dates(c), spine.marks["FIRST"], owner, 5) for c in (start, none))
    term = TermOfEach.plain(np.zeros(N, np.int64), few.astype(np.int64))
    model = fit_dates(start, none, (patterns[0], patterns[1]), owner, term, spine, None, 5)
    drawn = sample_dates(model, patterns[0].code, patterns[1].code, owner, term, spine, None, np.random.default_rng(7))
    began = (drawn.start - spine.born) / YEAR
    assert began[few].max() < 20
    assert np.median(began[~few]) == pytest.approx(np.median(onset[~few]), abs=3)


def test_what_never_begins_in_the_year_of_the_study_begins_before_it() -> None:
    """Planted: ages tell when it begins, at the earliest a year back; of those who are that old by now it would begin this year."""
    rng = np.random.default_rng(3)
    spine = _spine(rng)
    kind_of, day = _history(spine, rng)
    drawn = _again(kind_of, np.where(kind_of == RECENT, FIRST - 2 * YEAR, day), spine)
    assert (_year(drawn.start) < _year(np.full(N, FIRST))).all()
    assert (_year(_again(kind_of, day, spine).start) == _year(np.full(N, FIRST))).any()
