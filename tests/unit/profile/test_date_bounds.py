"""When a date that nobody passes is a bound."""

from __future__ import annotations

import numpy as np
import pytest

from replicator.profile.date_bounds import is_bound


@pytest.mark.parametrize(
    ("gap", "expected"),
    [
        ([0.0] * 5 + [40.0 + 9 * i for i in range(30)], True),  # touched by k
        ([0.0] * 4 + [40.0 + 9 * i for i in range(30)], False),
        ([float(i % 7) + 1 for i in range(10)] + [40.0 + 9 * i for i in range(30)], True),  # nearly touched by many
        ([float(i % 7) + 1 for i in range(9)] + [40.0 + 9 * i for i in range(30)], False),
        ([300.0 + i for i in range(30)], True),  # far away
        ([8.0 + 9 * i for i in range(30)], False),
    ],
)
def test_bounds(gap: list[float], expected: bool) -> None:
    assert is_bound(np.array(gap), 5) is expected


def test_dates_that_bound_nothing_are_seldom_taken_for_bounds() -> None:
    """Of a thousand sets of forty gaps that lie around 0 as often before as after, almost all show one below 0 or none nearby."""
    rng = np.random.default_rng(1)
    sets = rng.normal(60, 40, (1000, 40))
    taken = sum(is_bound(np.round(gap), 5) for gap in sets if gap.min() >= 0)
    assert taken <= 10
