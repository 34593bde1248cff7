"""When events happen, and at which visits they are reported."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from replicator.models.onset import Intensity, draw_leaders, rank_within, sharing_rate
from replicator.models.reporting import Reporting, pair_visits


def test_intensity_is_events_over_time_at_risk() -> None:
    """Half leave on day 50; events are uniform over the time of each: the intensity is flat (integrated, 10 % of the whole)."""
    rng = np.random.default_rng(1)
    high = np.repeat([49.0, 99.0], 1000)
    subject = rng.permutation(2000)[:1500]
    time = np.floor(rng.random(1500) * (high[subject] + 1))
    risk = rng.random(1500) < (high[subject] + 1) / 100
    model = Intensity.fit(time[risk], subject[risk], np.zeros(int(risk.sum()), int), 1, np.zeros(2000), high)
    whole = model.cumulative[-1, -1]
    assert np.interp([25.0, 50.0, 75.0], model.time, model.cumulative[-1]) / whole == pytest.approx([0.25, 0.5, 0.75], abs=0.06)


def test_those_who_leave_early_for_having_many_do_not_move_the_events_of_the_others() -> None:
    """Planted: 10 events each on days 0 to 19 of the leavers, 2 each on days 0 to 99 of the others, both uniform.

    The draws of those who stay are as those who stay had them (3 days of 100; the two fifths that lie early pull no one forward).
    """
    rng = np.random.default_rng(6)
    high = np.repeat([19.0, 99.0], 300)
    subject = np.repeat(np.arange(600), np.repeat([10, 2], 300))
    time = np.floor(rng.random(len(subject)) * (high[subject] + 1))
    model = Intensity.fit(time, subject, np.zeros(len(time), int), 1, np.zeros(600), high)
    drawn = model.sample(np.zeros(20_000, int), np.zeros(20_000), np.full(20_000, 99.0), rng)
    assert np.quantile(drawn + 0.5, [0.2, 0.5, 0.8]) == pytest.approx(
        np.quantile(time[subject >= 300] + 0.5, [0.2, 0.5, 0.8]), abs=3.0
    )


@settings(max_examples=60)
@given(st.integers(0, 9999), st.integers(2, 6), st.integers(5, 60), st.integers(5, 300), st.integers(1, 4))
def test_no_bin_and_no_factor_is_of_fewer_than_k(seed: int, k: int, n_subjects: int, n_events: int, n_groups: int) -> None:
    """Each bin has events of k subjects or of none, as have the cells in which a group departs from all, and the others there."""
    rng = np.random.default_rng(seed)
    low, high = rng.integers(-40, 1, n_subjects).astype(float), rng.integers(20, 200, n_subjects).astype(float)
    who, group = rng.integers(0, n_subjects, n_events), rng.integers(0, n_groups, n_events)
    time = np.floor(low[who] + rng.beta(0.5, 1.5, n_events) * (high - low + 1)[who])
    model = Intensity.fit(time, who, group, n_groups, low, high, k=k)
    if not model.cumulative.any():
        assert len(np.unique(who)) < k or n_subjects < k
        return
    sides = [len(np.unique(who[time < 0])), len(np.unique(who[time >= 0]))]
    if 0 in model.time.tolist() and min(sides) < k:  # what few have on one side of day 0 counts on the other
        time = np.clip(time, *((0, None) if sides[0] < k else (None, -1)))
    bin_of = np.clip(np.searchsorted(model.time, time + 0.5, side="right") - 1, 0, len(model.time) - 2)
    rate = np.diff(model.cumulative, axis=1)
    told = [len(np.unique(who[bin_of == b])) for b in range(len(model.time) - 1)]
    assert not {*range(1, k)} & {*told}
    assert ((np.array(told) > 0) == (rate[-1] > 1e-9)).all()
    seen = rate[-1] > 1e-9
    factor = rate[:-1][:, seen] / rate[-1][seen]
    for one in range(n_groups):
        parts = np.cumsum(np.append(0, np.abs(np.diff(factor[one])) > 1e-6 * factor[one].max()))
        for part in range(parts[-1] + 1 if parts[-1] else 0):
            inside = np.isin(bin_of, np.flatnonzero(seen)[parts == part])
            for side in (group == one, group != one):
                assert not 0 < len(np.unique(who[inside & side])) < k


def test_a_group_keeps_its_own_time() -> None:
    """Planted: one on days 0 to 19, one on 0 to 99, 400 events each, uniform; quartiles (4 days: 20 events of all count)."""
    rng = np.random.default_rng(8)
    group = np.repeat([0, 1], 400)
    time, who = np.floor(rng.random(800) * np.where(group == 0, 20, 100)), rng.integers(0, 200, 800)
    model = Intensity.fit(time, who, group, 2, np.zeros(200), np.full(200, 99.0))
    for one in (0, 1):
        drawn = model.sample(np.full(9_000, one), np.zeros(9_000), np.full(9_000, 99.0), rng)
        assert np.quantile(drawn, [0.25, 0.5, 0.75]) == pytest.approx(np.quantile(time[group == one], [0.25, 0.5, 0.75]), abs=4.0)


@settings(max_examples=40)
@given(st.lists(st.tuples(st.integers(-50, 300), st.integers(0, 200)), min_size=1, max_size=40), st.integers(0, 999))
def test_draws_stay_within_the_time_at_risk(windows: list[tuple[int, int]], seed: int) -> None:
    low = np.array([w[0] for w in windows], float)
    high = low + np.array([w[1] for w in windows])
    rng = np.random.default_rng(seed)
    who = rng.integers(0, len(low), 30)
    time = np.floor(low[who] + rng.random(30) * (high - low + 1)[who])
    model = Intensity.fit(time, who, np.zeros(30, int), 1, low, high)
    drawn = model.sample(np.full(len(low), 7), low, high, rng)
    assert ((drawn >= low) & (drawn <= high) & (drawn == np.floor(drawn))).all()


@pytest.mark.parametrize("n", [8, 40, 400])
def test_nobodys_first_or_last_day_at_risk_ends_the_intensity(n: int) -> None:
    """The ends are means over at least five subjects: one who stays 100,000 days longer moves the last by a fifth of it at most."""
    low = np.arange(n, dtype=np.float64)
    high = low + 1000
    time, who, group = low + 100, np.arange(n), np.zeros(n, np.int64)
    ends = Intensity.fit(time, who, group, 1, low, high).time[[0, -1]]
    assert not np.isin(ends, [low.min(), high.max() + 1]).any()
    high[-1] += 100_000
    moved = Intensity.fit(time, who, group, 1, low, high).time[-1] - ends[1]
    assert 0 <= moved <= 100_000 / 5 + 1


def test_without_events_no_day_at_risk_is_kept_and_all_are_as_likely() -> None:
    """Uniform on 10 to 19: every day a tenth of the draws (0.01)."""
    none = np.empty(0)
    model = Intensity.fit(none, none.astype(int), none.astype(int), 1, np.full(9, 17.0), np.full(9, 4711.0))
    assert not np.isin([17.0, 4711.0, 4712.0], model.time).any()
    drawn = model.sample(np.zeros(20_000, int), np.full(20_000, 10.0), np.full(20_000, 19.0), np.random.default_rng(3))
    assert np.bincount(drawn.astype(int))[10:] / 20_000 == pytest.approx([0.1] * 10, abs=0.01)


def test_days_are_shared_at_the_source_rate() -> None:
    """The rate at which further events fall on the day of an earlier one survives a draw (0.05)."""
    rng = np.random.default_rng(2)
    owner = np.repeat(np.arange(500), 4)
    leader = draw_leaders(owner, 0.4, rng)
    assert (owner[leader] == owner).all()
    assert (leader[leader] == leader).all()
    assert sharing_rate(owner, leader.astype(float)) == pytest.approx(0.4, abs=0.05)


def test_ranks_count_from_zero() -> None:
    assert rank_within(np.array([3, 1, 3, 3, 1])).tolist() == [0, 0, 1, 2, 1]
    assert len(rank_within(np.empty(0, int))) == 0


def _visits() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    return np.repeat(np.arange(40), 4).astype(np.int32), np.tile([1.0, 2.0, 2.1, 3.0], 40), np.tile([0.0, 10.0, 15.0, 20.0], 40)


def test_reports_come_at_start_and_at_end() -> None:
    """An occurrence from day 5 to 12 is reported at visits 2 and 3, never at 1 nor at the unscheduled 2.1."""
    subject, number, day = _visits()
    owner = np.arange(40)
    start, end = np.full(40, 5.0), np.full(40, 12.0)
    report = (np.repeat(owner, 2), np.stack([owner * 4 + 1, owner * 4 + 3], axis=1).ravel())
    model = Reporting.fit(owner, start, end, subject, number, day, report, 5)
    assert model.number.tolist() == [2.0, 3.0]
    occurrence, visit, closed = model.sample(owner, start, end, subject, number, day, np.random.default_rng(0))
    assert number[visit].reshape(40, 2).tolist() == [[2.0, 3.0]] * 40
    assert closed.reshape(40, 2).tolist() == [[False, True]] * 40
    assert occurrence.tolist() == np.repeat(owner, 2).tolist()


def test_what_few_do_at_a_visit_is_not_told() -> None:
    """Of forty four have an end: whether they report it makes no difference to the chances, that of ten does."""
    subject, number, day = _visits()
    owner, rates = np.arange(40), []
    for n_ended, told in ((4, False), (4, True), (10, False), (10, True)):
        end = np.where(owner < n_ended, 12.0, np.nan)
        at_last = owner * 4 + 3
        report = (np.concatenate([owner, owner[n_ended:], owner[:n_ended][:: 1 if told else 99]]),)
        visits = np.concatenate([owner * 4 + 1, at_last[n_ended:], at_last[:n_ended][:: 1 if told else 99]])
        rates.append(Reporting.fit(owner, np.full(40, 5.0), end, subject, number, day, (report[0], visits), 5).rate[3:])
    assert (rates[0] == rates[1]).all()
    assert (rates[2] != rates[3]).any()


def test_nothing_goes_unreported() -> None:
    """An occurrence that starts after the last visit is reported once all the same."""
    subject, number, day = _visits()
    owner = np.arange(40)
    report = (owner, owner * 4 + 1)
    model = Reporting.fit(owner, np.full(40, 5.0), np.full(40, np.nan), subject, number, day, report, 5)
    occurrence, _, _ = model.sample(owner, np.full(40, 99.0), np.full(40, np.nan), subject, number, day, np.random.default_rng(0))
    assert sorted(occurrence.tolist()) == owner.tolist()
    assert model.last_day(41, subject, number, day)[[0, 40]].tolist()[0] == 10.0


def test_most_are_reported_once_and_some_once_more() -> None:
    """Planted: one report each, at any of ten visits as likely, and of a fifth of those open at later ones one more, never two."""
    rng = np.random.default_rng(4)
    n = 3000
    subject, number, day = np.repeat(np.arange(n), 10), np.tile(np.arange(10.0), n), np.tile(7.0 * np.arange(10), n)
    owner, start, end = np.arange(n), np.zeros(n), np.full(n, np.nan)
    first = rng.integers(0, 10, n)
    again = np.flatnonzero((rng.random(n) < 0.2) & (first < 9))
    second = first[again] + 1 + np.floor(rng.random(len(again)) * (9 - first[again])).astype(int)
    report = np.concatenate([owner, again]), np.concatenate([owner * 10 + first, again * 10 + second])
    model = Reporting.fit(owner, start, end, subject, number, day, report, 5)
    occurrence, visit, _ = model.sample(owner, start, end, subject, number, day, rng)
    times = np.bincount(occurrence, minlength=n)
    assert np.bincount(times, minlength=3)[:3] / n == pytest.approx([0.0, 1 - len(again) / n, len(again) / n], abs=0.02)
    assert (times <= 2).all()
    drawn = number[visit][np.append(True, np.diff(occurrence) > 0)]
    assert np.bincount(drawn.astype(int), minlength=10) / n == pytest.approx([0.1] * 10, abs=0.025)


def test_pairs_of_occurrences_and_visits() -> None:
    """Subject 1 has no visit; subject 2 has two."""
    occurrence, visit = pair_visits(np.array([2, 1, 0]), np.array([0, 2, 2], np.int32))
    assert occurrence.tolist() == [0, 0, 2]
    assert visit.tolist() == [1, 2, 0]
