"""Numbers that follow from a category are drawn by its levels; others are left to the correlation."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from replicator.models.category_effects import CategoryEffects, find_category_effects
from replicator.models.joint import JointModel

Floats = np.ndarray[tuple[int, ...], np.dtype[np.float64]]


def planted(n: int, apart: float, seed: int = 0) -> tuple[dict[str, Floats], np.ndarray[tuple[int, ...], np.dtype[np.int64]]]:
    """Four groups a unit apart, two sexes `apart` units apart, scatter 1, and a length that goes with the rest at 0.7."""
    rng = np.random.default_rng(seed)
    group, sex = np.arange(n) % 4, rng.integers(0, 2, n).astype(np.float64)
    rest = rng.standard_normal(n)
    length = 0.7 * rest + np.sqrt(0.51) * rng.standard_normal(n)
    return {"sex": sex, "weight": apart * sex + group + rest, "length": length}, group


def fit(values: dict[str, Floats], group: np.ndarray[tuple[int, ...], np.dtype[np.int64]]) -> JointModel:
    return JointModel.fit(
        values,
        frozenset({"sex"}),
        group,
        np.zeros(4, np.int64),
        5,
        explained=[name for name in values if name != "sex"],
        explaining=["sex"],
    )


def test_a_number_that_follows_from_a_category_has_its_modes() -> None:
    """Planted: sexes are 6 scatters apart; within sex and arm the scatter is 1, and 0.7 is the correlation with another number."""
    values, group = planted(160, 6.0)
    model = fit(values, group)
    assert [(one.number, one.category) for one in model.effects] == [("weight", "sex")]
    assert np.diff(model.effects[0].mean) == pytest.approx([6.0], abs=3 * np.sqrt(4 / 160))
    many = np.arange(20_000) % 4
    drawn = model.sample(many, np.random.default_rng(1))
    of_sex = {sex: drawn["weight"][drawn["sex"] == sex] - many[drawn["sex"] == sex] for sex in (0.0, 1.0)}
    assert of_sex[1.0].mean() - of_sex[0.0].mean() == pytest.approx(6.0, abs=0.6)
    for sex, mine in of_sex.items():
        assert mine.std() == pytest.approx(1.0, abs=0.2)
        assert np.corrcoef(mine, drawn["length"][drawn["sex"] == sex])[0, 1] == pytest.approx(0.7, abs=0.15)


def test_the_correlation_alone_would_mix_the_levels() -> None:
    """What the effects are for: without them, the scatter within a level is more than half as large again."""
    values, group = planted(160, 6.0)
    mixed = JointModel.fit(values, frozenset({"sex"}), group, np.zeros(4, np.int64), 5)
    assert mixed.effects == ()
    many = np.arange(20_000) % 4
    drawn = mixed.sample(many, np.random.default_rng(1))
    rest = (drawn["weight"] - many)[drawn["sex"] == 1]
    assert rest.std() > 1.5


@pytest.mark.parametrize("apart", [0.0, 0.25, 0.5])
def test_a_number_of_which_a_category_explains_little_is_left_alone(apart: float) -> None:
    """Of sexes up to half a scatter apart, a sixteenth of it, nothing is kept, and the model is that of the correlation alone."""
    values, group = planted(400, apart)
    model = fit(values, group)
    plain = JointModel.fit(values, frozenset({"sex"}), group, np.zeros(4, np.int64), 5)
    assert model.effects == ()
    for name in values:
        one, other = (m.sample(group, np.random.default_rng(2))[name] for m in (model, plain))
        np.testing.assert_array_equal(one, other)


def test_chance_among_many_numbers_is_no_effect() -> None:
    """Of 2,000 numbers of twelve subjects some seem tied to a category by chance; none is taken for it."""
    rng = np.random.default_rng(3)
    values = {f"x{j}": rng.standard_normal(12) for j in range(2000)} | {"c": np.repeat([0.0, 1.0], 6)}
    share = [np.corrcoef(values[f"x{j}"], values["c"])[0, 1] ** 2 for j in range(2000)]
    assert max(share) > 0.7
    assert find_category_effects(values, [f"x{j}" for j in range(2000)], ["c"], np.zeros(12, np.int64), 5) == ()


def test_groups_that_tell_nothing_take_nothing_from_a_category() -> None:
    """Planted: sexes 1.8 scatters apart, and eight groups of five that nothing hangs on, most of them of one sex."""
    rng = np.random.default_rng(6)
    group = np.arange(40) % 8
    sex = ((group < 4) != (rng.random(40) < 0.1)).astype(np.float64)
    values = {"sex": sex, **{f"x{j}": rng.standard_normal(40) + 1.8 * sex * (j < 10) for j in range(40)}}
    found = find_category_effects(values, [f"x{j}" for j in range(40)], ["sex"], group, 5)
    tied = {one.number for one in found}
    assert len(tied & {f"x{j}" for j in range(10)}) >= 8
    assert len(tied) <= 11
    assert np.mean([np.diff(one.mean) for one in found if one.number in {f"x{j}" for j in range(10)}]) == pytest.approx(
        1.5, abs=0.35
    )


def test_what_groups_explain_is_no_effect_of_a_category() -> None:
    """A category that most of a group share explains what the group does, and nothing beyond it."""
    rng = np.random.default_rng(4)
    group = np.arange(200) % 2
    site = np.where(rng.random(200) < 0.95, group, 1 - group).astype(np.float64)
    values = {"site": site, "dose": 8.0 * group + rng.standard_normal(200)}
    assert np.corrcoef(site, values["dose"])[0, 1] ** 2 > 0.5
    assert find_category_effects(values, ["dose"], ["site"], group, 5) == ()


def test_the_category_that_predicts_best_is_taken() -> None:
    """Of a species and a strain within it, the strain tells more; fewer than k subjects of a level are in no mean."""
    rng = np.random.default_rng(5)
    strain = np.repeat([0.0, 1.0, 2.0, 3.0], [40, 40, 40, 4])
    values = {"species": np.floor(strain / 2), "strain": strain}
    values["weight"] = np.array([0.0, 4.0, 20.0, 99.0])[strain.astype(int)] + rng.standard_normal(124)
    (found,) = find_category_effects(values, ["weight"], ["species", "strain"], np.zeros(124, np.int64), 5)
    assert found.category == "strain"
    assert found.value.tolist() == [0.0, 1.0, 2.0]
    assert found.mean - found.mean[0] == pytest.approx([0.0, 4.0, 20.0], abs=0.8)
    assert np.isnan(found.at(np.array([3.0, np.nan]))).all()
    assert (found.added(np.array([3.0, np.nan])) == 0).all()


def test_counts_and_scales_stay_as_they_are() -> None:
    """Whole numbers, and numbers of which many subjects share one, are not moved off their values."""
    rng = np.random.default_rng(6)
    sex = np.arange(100) % 2.0
    level = 5 * sex + rng.standard_normal(100)
    values = {"sex": sex, "count": np.round(20 + level), "ends": np.maximum(level, 0.0), "level": level}
    found = find_category_effects(values, ["count", "ends", "level"], ["sex"], np.zeros(100, np.int64), 5)
    assert [one.number for one in found] == ["level"]


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 60), st.integers(1, 6), st.integers(1, 4), st.integers(0, 1000))
def test_effects_are_means_of_k_subjects_that_cancel_out(n: int, levels: int, groups: int, seed: int) -> None:
    """Whatever the sizes: levels ascend, each of k subjects with a number, and effects are 0 on average over those subjects."""
    rng = np.random.default_rng(seed)
    code = np.where(rng.random(n) < 0.03, np.nan, rng.integers(0, levels, n))
    values = {"c": code, "x": 50.0 * np.nan_to_num(code) + rng.standard_normal(n)}
    values["x"][rng.random(n) < 0.1] = np.nan
    for one in find_category_effects(values, ["x"], ["c"], rng.integers(0, groups, n), 5):
        assert isinstance(one, CategoryEffects)
        assert (np.diff(one.value) > 0).all()
        seen = code[np.isfinite(values["x"])]
        assert all((seen == value).sum() >= 5 for value in one.value)
        assert np.nanmean(one.at(seen)) == pytest.approx(0.0, abs=1e-9)


def test_many_numbers_that_go_with_one_category_keep_their_differences() -> None:
    """Eight numbers, each higher in one sex by 1.2 times the scatter and with nothing else in common, stay so far apart.

    Latent normals cannot all go with a ninth that closely; the standard error of a difference in 4,000 draws is 0.03.
    """
    rng = np.random.default_rng(5)
    sex = (np.arange(300) % 2).astype(float)
    values = {"sex": sex} | {f"measure {j}": 1.2 * sex + rng.normal(size=300) for j in range(8)}
    group = np.zeros(300, np.int64)
    names = [name for name in values if name != "sex"]
    model = JointModel.fit(values, frozenset({"sex"}), group, np.zeros(1, np.int64), 5, explained=names, explaining=["sex"])
    drawn = model.sample(np.zeros(4000, np.int64), np.random.default_rng(6))
    for name in names:
        source, sample = (x[name][x["sex"] == 1].mean() - x[name][x["sex"] == 0].mean() for x in (values, drawn))
        assert sample == pytest.approx(source, abs=0.12)
