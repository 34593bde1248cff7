"""Flags of weeks completed follow the course."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from replicator.profile.find import find_structure
from replicator.sampling.sampler import sample_study
from replicator.study_model.study_model import StudyModel, fit_study_model
from replicator.tables.dataset import Study

from .small_studies import make_study

N = 240
WEEKS = (0, 2, 4, 8, 12, 16)


def _study() -> Study:
    """Subjects who stay to some week; one flag for week 8, another for the end; sex has nothing to do with it."""
    rng = np.random.default_rng(8)
    dm: list[tuple[object, ...]] = []
    sv: list[tuple[object, ...]] = []
    for i in range(N):
        who, start = f"ST-{i:04d}", np.datetime64("2021-01-04") + int(rng.integers(0, 200))
        last = len(WEEKS) - 1 if rng.random() < 0.5 else int(rng.integers(0, len(WEEKS) - 1))
        days = [start + 7 * week + (int(rng.integers(-1, 2)) if week else 0) for week in WEEKS[: last + 1]]
        flags = ("Y" if WEEKS[last] >= 8 else "", "Y" if last == len(WEEKS) - 1 else "")
        dm.append((who, who[3:], str(start), str(days[-1]), "FM"[int(rng.random() < 0.5)], *flags))
        sv += [(who, j + 1, f"WEEK {WEEKS[j]}", str(day)) for j, day in enumerate(days)]
    frames = {
        "DM": pd.DataFrame(dm, columns=["USUBJID", "SUBJID", "RFSTDTC", "RFENDTC", "SEX", "WEEK8FL", "ENDFL"]),
        "SV": pd.DataFrame(sv, columns=["USUBJID", "VISITNUM", "VISIT", "SVSTDTC"]),
    }
    return make_study(**{name: frame.to_dict("list") for name, frame in frames.items()})


@pytest.fixture(scope="module")
def model() -> StudyModel:
    """The study, learned."""
    study = _study()
    return fit_study_model(study, find_structure(study))


def test_flags_are_told_by_the_course_and_sex_is_not(model: StudyModel) -> None:
    """What the last visit says is no trait of its own."""
    told = {name for milestone in model.subjects.milestones for name in milestone.names}
    assert told == {"WEEK8FL", "ENDFL"}
    assert any("SEX" in item.names for item in model.subjects.demography)


def test_flags_agree_with_the_last_visit(model: StudyModel) -> None:
    """In a sample as in the source, without exception."""
    sample = sample_study(model, 500, seed=3)
    dm, sv = (sample[name].to_frame() for name in ("DM", "SV"))
    last = sv.groupby("USUBJID")["VISITNUM"].max().reindex(dm["USUBJID"]).to_numpy()
    week = np.array(WEEKS)[last.astype(int) - 1]
    assert ((dm["WEEK8FL"] == "Y").to_numpy() == (week >= 8)).all()
    assert ((dm["ENDFL"] == "Y").to_numpy() == (week == 16)).all()
    assert 0.4 < (week == 16).mean() < 0.6
