"""Rows that tell of the last time that something is measured."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from replicator.models.persistence import Occasions
from replicator.study_model.findings.closing import find_last_times
from replicator.study_model.sequence.context import dated_terms, last_day
from replicator.study_model.spine import Spine, Told
from replicator.tables.dataset import Text

from ..spines import make_spine

N, VISITS, K = 60, 6, 5
TERM = ("DS", "DSDECOD", "FINAL LAB VISIT", "DSSTDTC")


def _spine(final: np.ndarray, n: int = N) -> Spine:
    """Everybody is told of in two rows: a final laboratory visit on some day, and an end on study day 100."""
    spine = make_spine(n)
    subject = np.repeat(np.arange(n, dtype=np.int32), 2)
    term = Text.of(["FINAL LAB VISIT", "END"] * n)
    day = np.stack([spine.anchor + final, spine.anchor + 100], axis=1).ravel()
    return replace(spine, told={"DS": Told(subject, {"DSDECOD": term}, np.full(2 * n, np.nan), True, False, {"DSSTDTC": day})})


def _planted(n: int = N) -> tuple[Spine, Occasions, np.ndarray, np.ndarray]:
    """Visits every 14 days; panel 0 at half of them, always at the final one and never after it; panel 1 at all."""
    rng = np.random.default_rng(3)
    at = rng.integers(1, VISITS - 1, n)
    rank = np.tile(np.arange(VISITS), n)
    last = np.repeat(at, VISITS)
    there = np.stack([(rng.random(n * VISITS) < 0.5) & (rank < last) | (rank == last), np.ones(n * VISITS, bool)], axis=1)
    occasions = Occasions(np.repeat(np.arange(n), VISITS), 14.0 * rank)
    return _spine(14.0 * at, n), occasions, rank, there


def test_the_panel_that_ends_with_a_row_is_found_and_held() -> None:
    """Drawn without the row the panel is anywhere; held by it, it is there on the day and not after; elsewhere it stays."""
    spine, occasions, rank, there = _planted()
    visits = np.ones(len(rank), bool)
    (one,) = find_last_times(there, rank, VISITS, spine, occasions, visits, K)
    assert (one.panel, one.term, one.on, one.after) == (0, TERM, 1.0, 0.0)
    drawn = np.random.default_rng(4).random(len(rank)) < 0.5
    held = one.hold(drawn, rank, spine, occasions, visits, np.random.default_rng(5).random(len(rank)))
    day = (last_day(spine, TERM) - spine.anchor)[occasions.subject]
    assert held[occasions.day == day].all() and not held[occasions.day > day].any()
    np.testing.assert_array_equal(held[occasions.day < day], drawn[occasions.day < day])


def test_of_two_visits_on_a_day_the_likelier_one_has_the_panel() -> None:
    """A visit of a kind at which the panel never is, on the day of each visit, is not taken for it."""
    spine, occasions, rank, there = _planted()
    twice = Occasions(np.repeat(occasions.subject, 2), np.repeat(occasions.day, 2))
    cell = np.repeat(rank, 2)
    cell[1::2] = VISITS
    both = np.repeat(there, 2, axis=0)
    both[1::2] = False
    visits = np.ones(len(cell), bool)
    (one,) = find_last_times(both[:, :1], cell, VISITS + 1, spine, twice, visits, K)
    held = one.hold(np.zeros(len(cell), bool), cell, spine, twice, visits, np.random.default_rng(5).random(len(cell)))
    assert one.on == 1.0 and held[::2].sum() == N and not held[1::2].any()


def test_a_panel_that_is_not_always_there_ends_with_a_row_as_well() -> None:
    """Three of five visits have it until the day and on it, and none after: on the day it is there as drawn, and not after."""
    spine, occasions, rank, _ = _planted()
    day = (last_day(spine, TERM) - spine.anchor)[occasions.subject]
    there = (np.random.default_rng(8).random((len(rank), 1)) < 0.6) & (occasions.day <= day)[:, None]
    visits = np.ones(len(rank), bool)
    (one,) = find_last_times(there, rank, VISITS, spine, occasions, visits, K)
    assert (one.term, one.on, one.after) == (TERM, 0.0, 0.0)
    drawn = np.random.default_rng(9).random(len(rank)) < 0.6
    held = one.hold(drawn, rank, spine, occasions, visits, np.zeros(len(rank)))
    np.testing.assert_array_equal(held, drawn & (occasions.day <= day))


def test_what_the_kind_of_visit_tells_is_no_last_time() -> None:
    """All have the row at the last visit but one, and the panel is at all visits but the last: the visit tells that by itself."""
    _, occasions, rank, _ = _planted()
    spine = _spine(np.full(N, 14.0 * (VISITS - 2)))
    there = (rank < VISITS - 1)[:, None]
    assert find_last_times(there, rank, VISITS, spine, occasions, np.ones(len(rank), bool), K) == ()


def test_what_fewer_than_k_show_is_not_learned() -> None:
    """Four subjects share a term on a day: nothing is known of it."""
    spine, occasions, rank, there = _planted(4)
    assert dated_terms(spine, K) == []
    assert find_last_times(there, rank, VISITS, spine, occasions, np.ones(len(rank), bool), K) == ()


def test_a_term_is_dated_by_its_own_rows() -> None:
    """Both terms are known; each has the days of its own rows, and a term that nobody has none."""
    spine = _spine(np.arange(N) * 1.0)
    assert dated_terms(spine, K) == [TERM, ("DS", "DSDECOD", "END", "DSSTDTC")] or dated_terms(spine, K)[::-1] == [
        TERM,
        ("DS", "DSDECOD", "END", "DSSTDTC"),
    ]
    np.testing.assert_array_equal(last_day(spine, TERM) - spine.anchor, np.arange(N))
    assert np.isnan(last_day(spine, ("DS", "DSDECOD", "DEATH", "DSSTDTC"))).all()
