"""When findings are made: days around the visit, and the first day on study."""

from __future__ import annotations

import numpy as np
import pytest

from replicator.study_model.findings.dates import DateColumn
from replicator.tables.dates import Precision, format_dates, parse_dates

N = 600
BASE = np.full(N, 18000.0)
NOTHING = np.zeros(N, np.intp)


def _fitted(day: np.ndarray, start: np.ndarray) -> DateColumn:
    column = format_dates(day, np.full(N, np.nan), np.full(N, Precision.DAY, np.int8))
    who = np.arange(N, dtype=np.intp)
    return DateColumn.fit("LBDTC", column, BASE, BASE, start, who, NOTHING, NOTHING, NOTHING, NOTHING, who, (1, 1), 5)[0]


def _drawn(model: DateColumn, start: np.ndarray) -> np.ndarray:
    rng = np.random.default_rng(4)
    bounds = (start, BASE + 100)
    text = model.sample(BASE, BASE, bounds, np.arange(N, dtype=np.intp), NOTHING, NOTHING, NOTHING, NOTHING, rng)
    return parse_dates(text).day


def test_what_is_made_before_the_first_visit_is_made_on_the_first_day_as_often_as_in_the_source() -> None:
    """Planted: a third of the subjects were on study before their first visit, nine of ten of these with the finding made then.

    180 of 600 are so expected, with a standard deviation of 4.2. On days around the visit and not before the first day, each drawn
    by itself, it would be a tenth of them.
    """
    rng = np.random.default_rng(3)
    early = np.arange(N) % 3 == 0
    start = BASE - np.where(early, rng.integers(2, 90, N), 0)
    made = np.where(early & (rng.random(N) < 0.9), start, BASE)
    model = _fitted(made, start)
    assert model.at_first.tolist() == [pytest.approx((made < BASE).sum() / early.sum())]
    drawn = _drawn(model, start)
    assert abs((drawn == start)[early].sum() - 180) < 17
    assert (drawn == BASE)[~early].all()


def test_the_days_of_too_few_are_not_told() -> None:
    """Four subjects whose finding was made on an earlier first day are fewer than k."""
    start = BASE - np.where(np.arange(N) < 4, 30.0, 0.0)
    assert not _fitted(start, start).at_first.any()
