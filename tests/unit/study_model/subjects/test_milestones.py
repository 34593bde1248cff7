"""Flags of weeks completed follow the course."""

from __future__ import annotations

import numpy as np
import pytest

from replicator.profile.find import find_structure
from replicator.sampling.request import Request
from replicator.study_model.fitting import fit_study_model
from replicator.study_model.study_model import StudyModel
from replicator.study_model.subjects.milestones import _partings, _stretches, _whole_stretches

from ..small_studies import WEEKS, make_study, weeks_completed


@pytest.fixture(scope="module")
def model() -> StudyModel:
    """The study, learned."""
    study = weeks_completed()
    return fit_study_model(study, find_structure(study))


def test_flags_are_told_by_the_course_and_sex_is_not(model: StudyModel) -> None:
    """What the last visit says is no trait of its own."""
    told = {name for milestone in model.subjects.milestones for name in milestone.names}
    assert told == {"WEEK8FL", "ENDFL"}
    assert any("SEX" in item.names for item in model.subjects.demography)


def test_flags_agree_with_the_last_visit(model: StudyModel) -> None:
    """In a sample as in the source, without exception."""
    sample = Request(model, 500, seed=3).study()
    dm, sv = (sample[name].to_frame() for name in ("DM", "SV"))
    last = sv.groupby("USUBJID")["VISITNUM"].max().reindex(dm["USUBJID"]).to_numpy()
    week = np.array(WEEKS)[last.astype(int) - 1]
    assert ((dm["WEEK8FL"] == "Y").to_numpy() == (week >= 8)).all()
    assert ((dm["ENDFL"] == "Y").to_numpy() == (week == 16)).all()
    assert 0.4 < (week == 16).mean() < 0.6


def test_who_was_not_in_the_planned_arm_had_left_before_it_began(model: StudyModel) -> None:
    """About half of those who left before; 0.02 for what the back-off leaves open where few were seen."""
    sample = Request(model, 500, seed=4).study()
    dm, sv = (sample[name].to_frame() for name in ("DM", "SV"))
    stayed = (sv.groupby("USUBJID")["VISITNUM"].max().reindex(dm["USUBJID"]) > 1).to_numpy()
    other = (dm["ARMCD"] != dm["ACTARMCD"]).to_numpy()
    assert other[stayed].mean() < 0.02
    assert 0.25 < other[~stayed].mean() < 0.75


def test_stretches_of_a_course_have_enough_subjects_each() -> None:
    """Neighbouring places are put together until five have left there; the few at the end go with those before them."""
    place = np.repeat([0, 1, 2, 5, 7, 8], [7, 2, 4, 5, 30, 3])
    np.testing.assert_array_equal(_whole_stretches(place, 10, 5), [0, 1, 1, 2, 2, 2, 3, 3, 3, 3])
    np.testing.assert_array_equal(_whole_stretches(place[:3], 10, 5), np.zeros(10))


def test_no_stretch_goes_on_over_the_visit_at_which_a_flag_is_earned() -> None:
    """Fourteen left on the way, too few for a stretch of fifteen, and none of them has the flag that thirty others have."""
    place = np.repeat([0, 1, 3, 4, 5], [6, 2, 3, 3, 30])
    earned = _partings(place, (place == 5).astype(np.int64), 7, 5)
    np.testing.assert_array_equal(np.flatnonzero(earned), [5])
    np.testing.assert_array_equal(_stretches(place, 7, 15, earned), [0, 0, 0, 0, 0, 1, 2])
    one_left_late = np.append(place, 5), np.append(place == 5, False).astype(np.int64)
    assert not _partings(*one_left_late, 7, 5).any()
    assert not _partings(place[10:], (place[10:] == 5).astype(np.int64), 7, 5).any()


def test_a_set_of_animals_is_of_an_arm_and_of_a_sex() -> None:
    """Four dose groups, of which the last has a set of three males: none is mixed."""
    group = np.repeat([1, 2, 3, 4], [14, 14, 14, 10])
    sex = np.where(np.concatenate([np.tile([True, False], 21), np.arange(10) < 3]), "M", "F")
    names = np.char.add(group.astype(str), sex)
    study = make_study(
        DM={
            "USUBJID": [f"RAT-{i:03d}" for i in range(52)],
            "ARMCD": group.astype(str).tolist(),
            "ARM": [f"Group {one}" for one in group],
            "SETCD": names.tolist(),
            "SEX": sex.tolist(),
            "RFSTDTC": ["2021-03-01"] * 52,
        },
        BW={
            "USUBJID": np.repeat([f"RAT-{i:03d}" for i in range(52)], 2).tolist(),
            "BWTESTCD": ["BW"] * 104,
            "BWORRES": [str(200 + i % 37) for i in range(104)],
            "BWDTC": ["2021-03-01", "2021-03-29"] * 52,
        },
    )
    model = fit_study_model(study, find_structure(study))
    assert model.subjects.planned is not None and list(model.subjects.planned.told) == ["SEX"]
    sample = Request(model, 400, seed=5).study()["DM"].to_frame()
    assert (sample["SETCD"] == sample["ARMCD"] + sample["SEX"]).all()
    assert set(sample["SETCD"]) == set(names.tolist())
