"""Estimates against published examples."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from replicator.evaluation.endpoints.endpoints import share_interval
from replicator.evaluation.endpoints.estimates import (
    Moments,
    grouped_moments,
    mean_differences,
    mean_estimates,
    share_differences,
    share_estimates,
)
from replicator.evaluation.endpoints.survival import LifeTable, kaplan_meier, log_hazard_ratio, log_rank

# Weeks of remission of acute leukaemia, Freireich et al., Blood 21 (1963) 699-716; as in Cox (1972), table 1.
MP = [6, 6, 6, 7, 10, 13, 16, 22, 23, 6, 9, 10, 11, 17, 19, 20, 25, 32, 32, 34, 35]
MP_EVENT = [True] * 9 + [False] * 12
PLACEBO = [1, 1, 2, 2, 3, 4, 4, 5, 5, 8, 8, 8, 8, 11, 11, 12, 12, 15, 17, 22, 23]


def leukaemia() -> LifeTable:
    """Life table with 6-MP first and placebo second."""
    return LifeTable.of(MP + PLACEBO, MP_EVENT + [True] * 21, [0] * 21 + [1] * 21, 2)


def test_log_rank_of_the_leukaemia_study() -> None:
    """16.79 with one degree of freedom, as in Kleinbaum and Klein, *Survival Analysis*, chapter 2, and R's survdiff."""
    square, p = log_rank(leukaemia())
    assert square == pytest.approx(16.793, abs=5e-4)
    assert p == pytest.approx(4.17e-5, rel=5e-3)


def test_hazard_ratio_of_the_leukaemia_study() -> None:
    """1.572 with standard error 0.412, as in R: coxph(Surv(time, status) ~ placebo), ties after Efron."""
    found, error = log_hazard_ratio(leukaemia())
    assert found == pytest.approx(1.5721, abs=5e-5)
    assert error == pytest.approx(0.4124, abs=5e-5)


def test_kaplan_meier_of_the_leukaemia_study() -> None:
    """Shares and Greenwood's errors of 6-MP at weeks 6, 10 and 23: Kleinbaum and Klein, table 2.3; R's survfit."""
    table = leukaemia()
    found = kaplan_meier(table)
    at = [int(np.flatnonzero(table.times == week)[0]) for week in (6, 10, 23)]
    share = found.share[0, at]
    assert share == pytest.approx([0.8571, 0.7529, 0.4482], abs=5e-5)
    greenwood = np.sqrt(share * (1 - share) / found.effective[0, at])
    assert greenwood == pytest.approx([0.0764, 0.0963, 0.1346], abs=5e-5)
    low, high = found.interval()
    assert ((low <= found.share) & (found.share <= high))[found.share > 0].all()


def test_a_hazard_ratio_that_is_infinite_is_not_told() -> None:
    assert np.isnan(log_hazard_ratio(LifeTable.of([1, 2, 3, 9, 9, 9], [True] * 3 + [False] * 3, [0] * 3 + [1] * 3, 2))[0])
    assert np.isnan(log_hazard_ratio(LifeTable.of([7, 8, 9, 1, 2, 3], [True] * 6, [0] * 3 + [1] * 3, 2))[0])


@given(seed=st.integers(0, 10_000), effect=st.floats(-1.0, 1.0))
def test_exchanging_the_groups_turns_the_hazard_ratio_round(seed: int, effect: float) -> None:
    rng = np.random.default_rng(seed)
    group = np.arange(80) % 2
    time = np.ceil(rng.exponential(30.0, 80) * np.exp(-effect * group))
    event = rng.random(80) < 0.8
    one, other = (LifeTable.of(time, event, which, 2) for which in (group, 1 - group))
    assert log_hazard_ratio(one)[0] == pytest.approx(-log_hazard_ratio(other)[0], abs=1e-7)
    assert log_rank(one)[0] == pytest.approx(log_rank(other)[0])


def test_the_planted_hazard_ratio_is_found() -> None:
    rng = np.random.default_rng(3)
    group = np.repeat([0, 1], 2000)
    found, error = log_hazard_ratio(LifeTable.of(rng.exponential(1.0, 4000) / np.where(group, 2.0, 1.0), group >= 0, group, 2))
    assert abs(found - np.log(2.0)) < 4 * error < 0.2


def test_wilsons_interval() -> None:
    """81 of 263: 0.2553 to 0.3662; 15 of 148: 0.0624 to 0.1605; 0 of 20: 0 to 0.1611 (Newcombe 1998, method 3)."""
    found = share_estimates(np.array([81, 15, 0]) / np.array([263, 148, 20]), [263, 148, 20])
    assert found.low == pytest.approx([0.2553, 0.0624, 0.0], abs=5e-5)
    assert found.high == pytest.approx([0.3662, 0.1605, 0.1611], abs=5e-5)


def test_newcombes_interval_of_a_difference() -> None:
    """56 of 70 less 48 of 80: 0.0524 to 0.3339; 10 of 10 less 0 of 20: 0.6791 to 1 (Newcombe 1998, method 10)."""
    one, other = share_estimates([0.8, 1.0], [70, 10]), share_estimates([0.6, 0.0], [80, 20])
    found = share_differences(one, other)
    assert found.value == pytest.approx([0.2, 1.0])
    assert found.low == pytest.approx([0.0524, 0.6791], abs=5e-5)
    assert found.high == pytest.approx([0.3339, 1.0], abs=5e-5)


def test_welchs_test() -> None:
    """Student's sleep data: t = -1.8608, df = 17.776, p = 0.07939, -3.3655 to 0.2055 (R: t.test(extra ~ group, sleep))."""
    first = [0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0]
    second = [1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4]
    both = grouped_moments(np.repeat([0, 1], 10), np.array(first + second), 2)
    one, other = (Moments(*(numbers[[i]] for numbers in (both.n, both.mean, both.sd))) for i in (0, 1))
    found = mean_differences(one, other)
    assert found.p[0] == pytest.approx(0.07939, abs=5e-6)
    assert (found.low[0], found.high[0]) == pytest.approx((-3.3654832, 0.2054832), abs=1e-6)


def test_the_interval_of_a_mean() -> None:
    """The second group of the sleep data: 2.33, 0.8976775 to 3.7623225 (R: t.test)."""
    values = np.array([1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4])
    found = mean_estimates(grouped_moments(np.zeros(10, np.int64), values, 2))
    assert (found.value[0], found.low[0], found.high[0]) == pytest.approx((2.33, 0.8976775, 3.7623225))
    assert np.isnan(found.value[1])


def test_things_that_go_together_count_as_one() -> None:
    """Nine of ten: Clopper and Pearson's 0.555 to 0.997 (R: binom.test(9, 10)), also where each stands there a hundred times."""
    held = np.array([1.0] * 9 + [0.0])
    alone = share_interval(held, [str(i) for i in range(10)])
    many = share_interval(np.repeat(held, 100), [str(i // 100) for i in range(1000)])
    assert (alone.low, alone.high) == pytest.approx((0.5549839, 0.9974714), abs=1e-6)
    assert (many.low, many.high) == pytest.approx((alone.low, alone.high))
    assert share_interval(np.ones(7), list("aabbccd")).high == 1.0
    halves = np.repeat([1.0, 0.0], 5)
    tests = [str(i) for i in range(10)]
    apart, mixed = (share_interval(halves, tests, datasets) for datasets in (list("aaaaabbbbb"), list("ababababab")))
    assert apart.low < mixed.low and apart.high > mixed.high
