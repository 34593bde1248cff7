"""Who dies is decided before all else where deaths are rare."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from replicator.config import FitConfig
from replicator.profile.find import find_structure
from replicator.study_model.marks.mark import ABSENT
from replicator.study_model.marks.names import death_day
from replicator.study_model.source import read_source
from replicator.study_model.subjects.classes import draw_classes
from replicator.study_model.subjects.joint import SubjectModel

from ..small_studies import make_study

DEATH = "mark DM.DTHDTC"
PART = 500  # subjects drawn together


def fitted(one_in: int, n: int = 600) -> SubjectModel:
    """Two arms; four in five finish eight visits; of all one in `one_in` dies, on the day on which it leaves.

    Deaths are twice as frequent in the first arm, and the more frequent the older subjects are.
    """
    rng = np.random.default_rng(3)
    arm, age = np.arange(n) % 2, rng.integers(40, 90, n)
    leaves = rng.random(n) < 0.2
    weight = (age - 30.0) ** 2 * (2 - arm)
    dies = leaves & (rng.random(n) < 5 / one_in * weight / weight[leaves].mean())
    start = np.datetime64("2021-01-04") + rng.integers(0, 300, n)
    last = np.where(leaves, rng.integers(1, 7, n), 7)
    end = start + 14 * last
    ids = np.array([f"ST-{i:03d}" for i in range(n)])
    dm = {
        "USUBJID": ids,
        "RFSTDTC": start.astype(str),
        "RFENDTC": end.astype(str),
        "DTHDTC": np.where(dies, end.astype(str), ""),
        "AGE": age.astype(float),
        "ARM": np.where(arm == 0, "Active", "Placebo"),
        "ARMCD": np.where(arm == 0, "A", "P"),
    }
    visit = pd.DataFrame({"who": np.repeat(np.arange(n), last + 1)})
    number = visit.groupby("who").cumcount().to_numpy()
    day = (start[visit["who"]] + 14 * number).astype(str)
    sv = {
        "USUBJID": ids[visit["who"]],
        "VISITNUM": number + 1.0,
        "VISIT": [f"Visit {i + 1}" for i in number],
        "SVSTDTC": day,
        "SVENDTC": day,
    }
    study = make_study(DM=dm, SV=sv)
    structure = find_structure(study)
    return SubjectModel.fit(read_source(study, structure), structure.datasets["DM"], {}, frozenset(), {}, FitConfig())[0]


def drawn(model: SubjectModel, n: int, seed: int) -> tuple[np.ndarray, ...]:
    """Arm, age, death and days on study of `n` subjects, drawn in parts."""
    arms, ages, deaths, stays = [], [], [], []
    for part in range(-(-n // PART)):
        arm = model.sample_arms(PART, np.random.default_rng([seed, part]))
        spine, columns = model.sample(
            arm, np.random.default_rng([seed, part, 1]), part * PART, np.random.default_rng([seed, 10_000])
        )
        arms.append(arm)
        ages.append(columns["AGE"].values)  # type: ignore[union-attr]
        deaths.append(np.isfinite(death_day(spine)))
        stays.append(spine.marks["LAST"] - spine.marks["FIRST"])
    return tuple(np.concatenate(x)[:n] for x in (arms, ages, deaths, stays))


def share_of_deaths(model: SubjectModel) -> float:
    """Probability of a death in the model."""
    trait = model.joint.category(DEATH)
    assert trait is not None
    share = model.course.group_share()
    return float(model.arm_share @ (share * (1 - trait.share(ABSENT).reshape(share.shape))).sum(axis=1))


@pytest.mark.parametrize("one_in", [30, 100])
def test_deaths_are_within_one_of_their_share_whatever_the_number_of_subjects(one_in: int) -> None:
    """Over 1,500 subjects of four seeds; at cuts between chunks one more may move."""
    model = fitted(one_in)
    share = share_of_deaths(model)
    assert 0.3 / one_in < share < 2 / one_in
    for seed in range(4):
        dead = drawn(model, 1500, seed)[2]
        gap = np.cumsum(dead) - share * np.arange(1, 1501)
        assert np.abs(gap[:PART]).max() < 1.05
        assert np.abs(gap).max() < 2


def test_what_goes_with_a_death_goes_with_it_as_where_it_is_left_to_chance() -> None:
    """Shares of the dead by class, ages and days of leaving of the dead and of the others: 15,000 subjects either way."""
    model = fitted(30)
    rng = np.random.default_rng(1)
    arm = model.sample_arms(15_000, rng)
    group, known = draw_classes(model.marks.death, model.joint, model.course, model.arm_share, arm, (0, rng), rng)
    assert known is not None
    even = {**model.joint.sample(group, rng, known), "class": group.astype(float)}
    group = model.course.sample_groups(arm, rng)
    free = {**model.joint.sample(group, rng), "class": group.astype(float)}
    dead = [x[DEATH] != ABSENT for x in (even, free)]
    assert min(dead[0].sum(), dead[1].sum()) > 200
    for one in np.unique(group):
        here = [x["class"] == one for x in (even, free)]
        assert here[0].mean() == pytest.approx(here[1].mean(), abs=0.02)
        p, q = (both[mine].mean() for both, mine in zip(dead, here, strict=True))
        assert p == pytest.approx(q, abs=4.5 * (2 * q / here[1].sum()) ** 0.5)
    for name in ("number AGE", "course"):
        for state in (False, True):
            x, y = (one[name][both == state] for one, both in zip((even, free), dead, strict=True))
            assert x.mean() == pytest.approx(y.mean(), abs=4.5 * y.std() * (1 / len(x) + 1 / len(y)) ** 0.5)
            assert x.std() == pytest.approx(y.std(), rel=4 / min(len(x), len(y)) ** 0.5)
    assert even["number AGE"][dead[0]].mean() > even["number AGE"].mean() + 2


def test_a_subject_is_the_same_however_many_are_drawn() -> None:
    """The first 700 of 1,500 are those of 700."""
    model = fitted(100)
    for few, many in zip(drawn(model, 700, 5), drawn(model, 1500, 5), strict=True):
        assert np.array_equal(few, many[:700])
