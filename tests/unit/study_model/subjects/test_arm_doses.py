"""Arms on the scale of doses."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from replicator.profile.find import find_structure
from replicator.study_model.source import read_source
from replicator.study_model.subjects.arm_doses import arm_doses
from replicator.tables.dataset import Dataset, Study


def _study(arms: list[str], doses: dict[int, list[float]]) -> Study:
    who = np.repeat(list(doses), [len(given) for given in doses.values()])

    subjects = pd.DataFrame({"USUBJID": [f"S-{i:02d}" for i in range(len(arms))], "ARM": arms, "SEX": "F"})
    exposure = pd.DataFrame(
        {
            "USUBJID": subjects["USUBJID"].to_numpy()[who],
            "EXTRT": "DRUG",
            "EXDOSE": np.concatenate([np.array(given) for given in doses.values()]),
        }
    )
    return Study({"DM": Dataset.from_frame("DM", subjects), "EX": Dataset.from_frame("EX", exposure)})


def test_doses_of_arms_are_medians_of_subjects_on_a_logarithmic_scale() -> None:
    """Doses 0, 10 and 40, one subject with a reduced last dose and one untreated arm: log(1), log(2), log(5) and none."""
    arms = ["A"] * 3 + ["B"] * 3 + ["C"] * 3 + ["D"] * 2
    doses = {i: [[0.0], [10.0, 10.0, 5.0], [40.0]][i // 3] for i in range(9)}
    study = _study(arms, doses)
    source = read_source(study, find_structure(study))
    place = dict(zip(source.spine.arms, arm_doses(source), strict=True))
    assert [place[name] for name in "ABC"] == pytest.approx([0, np.log(2), np.log(5)])
    assert np.isnan(place["D"])
