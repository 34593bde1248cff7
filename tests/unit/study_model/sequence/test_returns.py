"""A dose that few of each arm take up again is taken up again in a sample as well, and why stands on no other row."""

from __future__ import annotations

from functools import cache

import numpy as np
import pandas as pd
import pytest

from replicator.profile.find import find_structure
from replicator.sampling.request import Request
from replicator.study_model.fitting import fit_study_model
from replicator.study_model.sequence.returns import Returns

from ..small_studies import doses_again

N, AGAIN = 36, 6


@cache
def _sample(seed: int) -> pd.DataFrame:
    study = doses_again(N, AGAIN)
    drawn = Request(fit_study_model(study, find_structure(study)), 300, seed=seed).study()
    frame = drawn.datasets["EX"].to_frame().sort_values(["USUBJID", "EXSTDTC"], kind="stable")
    return frame.assign(
        rank=frame.groupby("USUBJID").cumcount(), start=pd.to_datetime(frame.EXSTDTC), end=pd.to_datetime(frame.EXENDTC)
    )


@pytest.mark.parametrize("seed", [1, 2])
def test_as_many_take_a_dose_up_again(seed: int) -> None:
    """Two of each arm are too few to tell of the arm; six of all are enough: one in six has a third dose, one of its own two."""
    frame = _sample(seed)
    third = frame[frame["rank"] == 2]
    assert frame["rank"].max() == 2
    assert len(third) / 300 == pytest.approx(AGAIN / N, abs=0.06)
    earlier = frame[frame["rank"] < 2].groupby("USUBJID").EXDOSE.agg(set)
    assert all(dose in earlier[who] for who, dose in zip(third.USUBJID, third.EXDOSE, strict=True))


@pytest.mark.parametrize("seed", [1, 2])
def test_why_a_dose_was_changed_stands_on_the_row_that_it_was_changed_to(seed: int) -> None:
    """All third doses have a reason, no first or second one has."""
    frame = _sample(seed)
    assert set(frame.EXADJ[frame["rank"] == 2]) == {"ADVERSE EVENT"}
    assert frame.EXADJ[frame["rank"] < 2].isna().all()


@pytest.mark.parametrize("seed", [1, 2])
def test_the_dose_before_ends_where_the_next_begins(seed: int) -> None:
    """No day is without a dose, and none has two."""
    frame = _sample(seed)
    gap = (frame.groupby("USUBJID").start.shift(-1) - frame.end).dt.days
    assert set(gap.dropna()) == {1}


@pytest.mark.parametrize(("people", "found"), [(5, True), (4, False)])
def test_fewer_than_k_are_nobodys_rule(people: int, found: bool) -> None:
    """Of four subjects with such a row nothing is kept; of five how many they are, and that they have one such row each."""
    subject = np.concatenate([np.arange(20), np.arange(people)])
    rank = np.where(np.arange(len(subject)) < 20, 2, 3)
    back = np.arange(len(subject)) < people  # they go on at the second row, and end at the third
    returns = Returns.fit(~back, back, rank, subject, np.array([True, False, True]), 5)
    assert (returns is not None) == found
    if returns is not None:
        had = np.tile([True, True, False], (4000, 1))
        drawn = returns.sample(np.zeros(4000, bool), 2, had, np.random.default_rng(1))
        assert set(drawn) == {-1, 0} and (drawn == 0).mean() == pytest.approx(people / 20, abs=0.03)
        assert set(returns.sample(np.ones(4000, bool), 3, had, np.random.default_rng(1))) == {-1}
