"""The joint model of the subject."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from replicator.config import FitConfig
from replicator.profile.find import find_structure
from replicator.study_model.course.openness import move_to_weekday
from replicator.study_model.source import Source, read_source
from replicator.study_model.subjects.birth import least_age
from replicator.study_model.subjects.joint import SubjectModel, arm_strata
from replicator.tables.dataset import Dataset

from ....properties.blueprint import Blueprint
from ....properties.strategies import build_study
from ..small_studies import make_study


def fitted(blueprint: Blueprint, features: dict[str, np.ndarray] | None = None) -> tuple[Source, SubjectModel]:
    study = build_study(blueprint)
    structure = find_structure(study)
    source = read_source(study, structure)
    return source, SubjectModel.fit(source, structure.datasets["DM"], features or {}, frozenset(), {}, FitConfig())[0]


def test_features_come_with_the_subject() -> None:
    """A feature that goes with age at 0.8 does so among drawn subjects, who have all columns and marks."""
    source, _ = fitted(Blueprint(n=400))
    age = source.datasets["DM"].numbers("AGE")
    rng = np.random.default_rng(1)
    level = 0.8 * (age - age.mean()) / age.std() + 0.6 * rng.standard_normal(400)
    source, model = fitted(Blueprint(n=400), {"VS/level": level})
    spine, columns = model.sample(model.sample_arms(3000, rng), rng)
    drawn = columns["AGE"].values  # type: ignore[union-attr]
    assert np.corrcoef(drawn, spine.features["VS/level"])[0, 1] == pytest.approx(np.corrcoef(age, level)[0, 1], abs=0.06)
    assert set(spine.marks) == {*source.spine.marks, "FIRSTVISIT", "LASTVISIT"}
    assert (spine.marks["FIRST"] <= spine.marks["LAST"]).all()
    assert {"SEX", "RACE", "ARM", "ARMCD", "AGE", "RFSTDTC", "DTHFL"} <= set(columns)


def test_arms_come_in_their_shares() -> None:
    """A third each, and what follows from the arm is the arm's."""
    _, model = fitted(Blueprint(n=90))
    rng = np.random.default_rng(2)
    arm = model.sample_arms(6000, rng)
    assert np.bincount(arm) / 6000 == pytest.approx(np.full(3, 1 / 3), abs=0.03)
    _, columns = model.sample(arm, rng)
    assert set(zip(columns["ARM"].strings(), columns["ARMCD"].strings(), strict=True)) == {
        ("Placebo", "A0"),
        ("Low Dose", "A1"),
        ("High Dose", "A2"),
    }


def test_covariates_are_coded_as_in_the_source() -> None:
    """SEX of the sample has the codes that SEX of the source had."""
    source, model = fitted(Blueprint(n=60))
    spine, columns = model.sample(np.zeros(50, np.int32), np.random.default_rng(3))
    levels = np.array(source.levels["SEX"], object)
    assert levels[spine.covariates["SEX"]].tolist() == columns["SEX"].strings().tolist()


def test_a_level_of_one_subject_is_no_level() -> None:
    """Levels of covariates that fewer than k subjects share are not in the model."""
    _, model = fitted(Blueprint(n=60, unique=True))
    assert not any("UNIQUE" in level for levels in model.covariates.values() for level in levels)


def test_arms_that_miss_a_dataset_are_of_another_stratum() -> None:
    """If nobody of an arm has laboratory values it shares nothing with the others."""
    study = build_study(Blueprint(n=60))
    structure = find_structure(study)
    source = read_source(study, structure)
    assert len(set(arm_strata(source).tolist())) == 1
    placebo = source.spine.arms.index("Placebo")
    for name in ("LB", "VS"):
        source.subject[name] = source.subject[name][source.spine.arm[source.subject[name]] != placebo]  # type: ignore[index]
    stratum = arm_strata(source)
    assert (stratum != stratum[placebo]).sum() == 2


@settings(max_examples=40)
@given(st.lists(st.integers(0, 30_000), min_size=1, max_size=40), st.integers(0, 6), st.integers(0, 100))
def test_days_move_to_the_nearest_weekday(days: list[int], weekday: int, seed: int) -> None:
    """All on the drawn weekday (Monday is 0), none moved by more than three days."""
    day = np.array(days, float)
    moved = move_to_weekday(day, np.eye(7)[weekday], np.random.default_rng(seed))
    assert (np.abs(moved - day) <= 3).all()
    assert ((moved.astype(int) + 3) % 7 == weekday).all()


def test_where_nothing_may_be_kept_ordinary_terms_of_the_standard_stand_in() -> None:
    """Five subjects of two sexes: a sample has both, evenly, whatever the five were; what only one has goes on unnamed."""
    ids = [f"S{i}" for i in range(5)]
    columns = {"USUBJID": ids, "ARMCD": ["A"] * 5, "RFSTDTC": [f"2020-01-0{i + 1}" for i in range(5)]}
    drawn = []
    for sexes in (["F", "F", "M", "M", "F"], ["M", "M", "M", "F", "M"]):
        study = make_study(DM={**columns, "SEX": sexes, "TRIBE": ["X", "Y", "Z", "X", "Y"]})
        structure = find_structure(study)
        source = read_source(study, structure)
        model, _ = SubjectModel.fit(source, structure.datasets["DM"], {}, frozenset(), {}, FitConfig())
        rng = np.random.default_rng(4)
        _, made = model.sample(model.sample_arms(2000, rng), rng)
        drawn.append(made["SEX"].strings())
        assert set(made["TRIBE"].strings().tolist()) == {""}
    assert set(drawn[0].tolist()) == {"F", "M"} and (drawn[0] == drawn[1]).all()
    assert 0.35 < (drawn[0] == "F").mean() < 0.65


def test_why_there_is_no_arm_is_told_by_its_absence() -> None:
    """One screen failure among thirty: the standard's reason stays with those without an arm, somebody's own words do not."""
    columns = {
        "USUBJID": [f"S{i:02d}" for i in range(30)],
        "RFSTDTC": [f"2020-01-{i + 1:02d}" for i in range(30)],
        "ARMCD": ["A", "B"] * 14 + ["A", ""],
    }
    for reason, kept in (("SCREEN FAILURE", {"SCREEN FAILURE"}), ("MOVED TO LYON", {""})):
        study = make_study(DM={**columns, "ARMNRS": [""] * 29 + [reason]})
        structure = find_structure(study)
        source = read_source(study, structure)
        model, _ = SubjectModel.fit(source, structure.datasets["DM"], {}, frozenset(), {}, FitConfig())
        rng = np.random.default_rng(5)
        arm = model.sample_arms(600, rng)
        _, made = model.sample(arm, rng)
        without = np.array(model.arms, object)[arm] == ""
        assert set(made["ARMNRS"].strings()[without].tolist()) == kept
        assert set(made["ARMNRS"].strings()[~without].tolist()) == {""}


@pytest.mark.parametrize(
    ("unit", "young", "least"), [("YEARS", 0, 18.0), ("YEARS", 4, 18.0), ("YEARS", 5, -np.inf), ("MONTHS", 0, -np.inf)]
)
def test_nobody_is_under_age_where_fewer_than_k_are(unit: str, young: int, least: float) -> None:
    age = np.append(np.full(young, 12.0), np.full(30, 40.0))
    dm = pd.DataFrame({"USUBJID": [f"S{i}" for i in range(len(age))], "AGE": age, "AGEU": unit})
    assert least_age(Dataset.from_frame("DM", dm), 5) == least
    assert least_age(Dataset.from_frame("DM", dm.drop(columns="AGE")), 5) == -np.inf
