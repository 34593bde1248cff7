"""Levels of tests that follow from a category of the person, and levels that do not."""

from __future__ import annotations

import numpy as np
import pytest

from replicator.profile.find import find_structure
from replicator.sampling.request import Request
from replicator.study_model.fitting import fit_study_model
from replicator.tables.dataset import Numbers, Study

from ..small_studies import weights_by_sex


def _first(
    study: Study, dataset: str
) -> tuple[np.ndarray[tuple[int], np.dtype[np.str_]], np.ndarray[tuple[int], np.dtype[np.float64]]]:
    """Sex and first result of each subject."""
    sex = dict(zip(study["DM"].text("USUBJID").strings(), study["DM"].text("SEX").strings(), strict=True))
    who, value = study[dataset].text("USUBJID").strings(), study[dataset][f"{dataset}STRESN"]
    assert isinstance(value, Numbers)
    names, first = np.unique(who.astype(str), return_index=True)
    return np.array([sex[name] for name in names]), value.values[first]


def test_weights_are_those_of_the_sex() -> None:
    """Planted: males begin 50 g heavier and scatter by 8 g within sex; potassium is the same in both."""
    study = weights_by_sex()
    model = fit_study_model(study, find_structure(study))
    joint = model.subjects.joint
    assert "BW/level[BW]" in {one.number for one in joint.effects}
    assert not any(one.number.startswith("LB/") for one in joint.effects)
    sample = Request(model, 600, 3).study()
    for dataset, apart, scatter in (("BW", 50.0, 8.0), ("LB", 0.0, 0.32)):
        (sex, value), (sex0, value0) = _first(sample, dataset), _first(study, dataset)
        differ, differ0 = (x[s == "M"].mean() - x[s == "F"].mean() for s, x in ((sex, value), (sex0, value0)))
        assert differ0 == pytest.approx(apart, abs=3 * scatter * np.sqrt(4 / 48))
        assert differ == pytest.approx(differ0, abs=3 * scatter * np.sqrt(4 / 48))
        for one in "FM":
            assert value[sex == one].std() == pytest.approx(value0[sex0 == one].std(), rel=0.3)
