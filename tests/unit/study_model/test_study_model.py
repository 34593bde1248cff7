"""The model of a whole study."""

from __future__ import annotations

import numpy as np
import pytest

from replicator.config import FitConfig
from replicator.errors import FitError
from replicator.profile.find import find_structure
from replicator.sampling.request import Request
from replicator.study_model.events.part import EventsPart
from replicator.study_model.findings.part import FindingsPart
from replicator.study_model.fitting import fit_study_model
from replicator.study_model.sequence.part import SequencePart
from replicator.study_model.visits.rows import ScheduleRows

from ...properties.blueprint import Blueprint
from ...properties.strategies import build_study
from .small_studies import make_study


def test_each_kind_of_dataset_gets_its_part() -> None:
    """Findings, events, sequences, schedule; what is about nobody is copied; everything has its layout."""
    study = build_study(Blueprint())
    told: list[str] = []
    model = fit_study_model(study, find_structure(study), FitConfig(), lambda what, done, of: told.append(what))
    kinds = {name: type(part) for name, part in model.parts.items()}
    assert kinds["VS"] is kinds["LB"] is kinds["QS"] is FindingsPart
    assert kinds["AE"] is kinds["CM"] is kinds["MH"] is EventsPart
    assert kinds["EX"] is kinds["DS"] is kinds["SE"] is SequencePart
    assert kinds["SV"] is ScheduleRows
    assert set(model.reference) == {"TA"} and {s.name for s in model.supplements} == {"AETRTEM"}
    assert list(model.layouts) == list(study.datasets)
    assert (model.name, model.n_subjects) == ("GEN", 60)
    assert any("VS" in what for what in told)


def test_what_is_withheld_is_said() -> None:
    """Every column with a planted text has a note that names it and the number of values."""
    study = build_study(Blueprint(n=90, unique=True))
    model = fit_study_model(study, find_structure(study))
    for name in ("EX.EXTRT", "DS.DSDECOD", "CM.CMROUTE", "DM.RACE"):
        assert any(name in note and "k" in note for note in model.notes), name
    assert len(set(model.notes)) == len(model.notes)


def test_nobody_to_learn_from() -> None:
    """No subject at all is one sentence."""
    study = build_study(Blueprint(n=4))
    structure = find_structure(study)
    empty = study.with_datasets(d.take(np.empty(0, np.intp)) for d in study.datasets.values())
    with pytest.raises(FitError, match="subject"):
        fit_study_model(empty, structure)


def test_who_has_no_arm_has_no_rows_where_the_source_had_none() -> None:
    """One screen failure without an arm and without exposure: no subject of the model without an arm is exposed either."""
    ids = [f"S{i:02}" for i in range(30)]
    arm = [*["A"] * 15, *["B"] * 14, None]
    start = [f"2020-01-{i % 28 + 1:02}" for i in range(29)]
    dm = {"USUBJID": ids, "ACTARM": arm, "RFSTDTC": [*start, None]}
    ex = {"USUBJID": ids[:-1], "EXTRT": arm[:-1], "EXSTDTC": start}
    study = make_study(DM=dm, EX=ex)
    model = fit_study_model(study, find_structure(study))
    assert [model.subjects.arms[one] for one in model.absent["EX"]] == [""]


def test_one_subject_without_a_first_dose_is_enough_to_know_that_it_has_no_rows() -> None:
    """One screen failure, in an arm of its own, has no first dose and no laboratory results: nobody of a sample has both."""
    ids = [f"S{i:02}" for i in range(12)]
    arm, start = [*["A"] * 11, "SCRNFAIL"], [f"2020-01-{i + 1:02}" for i in range(11)]
    dm = {"USUBJID": ids, "ACTARM": arm, "RFSTDTC": [*start, None]}
    lb = {"USUBJID": ids[:-1], "LBTESTCD": ["K"] * 11, "LBORRES": [str(i) for i in range(11)], "LBDTC": start}
    study = make_study(DM=dm, LB=lb)
    model = fit_study_model(study, find_structure(study))
    assert model.undated["LB"] == ("DM.RFSTDTC",)
    sample = Request(model, 60, seed=1).study()
    undated = set(sample["DM"].text("USUBJID").strings()[sample["DM"]["RFSTDTC"].missing].tolist())
    assert undated and not undated & set(sample["LB"].text("USUBJID").strings().tolist())
