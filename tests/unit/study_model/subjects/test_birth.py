"""Dates of birth that agree with ages."""

from __future__ import annotations

import numpy as np
import pandas as pd
from hypothesis import example, given
from hypothesis import strategies as st

from replicator.study_model.subjects.birth import BirthDate
from replicator.tables.dataset import Dataset, Numbers

MARK, START = "DM.BRTHDTC", "DM.RFSTDTC"


def completed_years(birth: float, day: float) -> int:
    """Age by the calendar."""
    born, now = (np.datetime64(0, "D") + int(x) for x in (birth, day))
    (y0, m0, d0), (y1, m1, d1) = (map(int, str(x).split("-")) for x in (born, now))
    return y1 - y0 - ((m1, d1) < (m0, d0))


@given(st.lists(st.tuples(st.integers(0, 110), st.integers(-40_000, 20_000)), min_size=1, max_size=30), st.integers(10_000, 20_000))
@example([(104, 0)], 12_052)  # 1900 was no leap year
def test_the_calendar_agrees_with_the_age(drawn: list[tuple[int, int]], start: int) -> None:
    """Whatever birth and age were drawn, the moved birth has the age on the day of reference, leap years and all."""
    age, birth = (np.array(x, float) for x in zip(*drawn, strict=True))
    marks = {MARK: birth, START: np.full(len(age), float(start))}
    moved = BirthDate(MARK, "AGE", (START,)).move(marks, Numbers(age), marks[START])
    assert [completed_years(one, start) for one in moved.tolist()] == age.tolist()


def test_subjects_without_age_or_reference() -> None:
    """Without an age the date of birth stays; without the first reference the next counts, and at last the anchor."""
    nan = np.nan
    marks = {MARK: np.array([0.0, 0.0, 0.0]), START: np.array([15_000.0, nan, nan]), "DM.RFICDTC": np.array([nan, 14_000.0, nan])}
    rule = BirthDate(MARK, "AGE", (START, "DM.RFICDTC"))
    moved = rule.move(marks, Numbers(np.array([nan, 30.0, 30.0])), np.array([nan, nan, 16_000.0]))
    assert moved[0] == 0.0
    assert completed_years(moved[1], 14_000) == completed_years(moved[2], 16_000) == 30


def test_only_ages_that_follow_are_believed() -> None:
    """Ages of no relation to the date of birth, in other units or without a date are left alone."""
    rng = np.random.default_rng(1)
    age = np.floor(rng.uniform(20, 70, 50))
    marks = {MARK: 15_000 - np.floor(age * 365.25 + 100), START: np.full(50, 15_000.0)}

    def dataset(values: np.ndarray, unit: str) -> Dataset:
        return Dataset.from_frame("DM", pd.DataFrame({"AGE": values, "AGEU": unit}))

    assert BirthDate.fit(dataset(age, "YEARS"), marks) == BirthDate(MARK, "AGE", (START,))
    assert BirthDate.fit(dataset(rng.permutation(age), "YEARS"), marks) is None
    assert BirthDate.fit(dataset(age, "MONTHS"), marks) is None
    assert BirthDate.fit(dataset(age, "YEARS"), {START: marks[START]}) is None
