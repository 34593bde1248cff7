"""Columns beside the results: units and ranges go together, and are missing where the source's were."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from replicator.sampling.request import Request
from replicator.study_model.columns.conditions import accuracy, agreement
from replicator.study_model.findings.drawn import filled_cells
from replicator.study_model.fitting import fit_study_model
from replicator.tables.dataset import Text

from ..small_studies import make_study, structured

PARTS = ["LBTESTCD", "LBORRESU", "LBORNRLO", "LBORNRHI", "LBSTRESU", "LBSTNRLO", "LBSTNRHI"]


@pytest.fixture(scope="module")
def frames() -> tuple[pd.DataFrame, pd.DataFrame]:
    """Two tests: units by site, ranges by unit and sex; every twelfth potassium was not done, without unit and range."""
    rng = np.random.default_rng(3)
    n, rows = 60, []
    sex = rng.choice(["F", "M"], n)
    for i in range(n):
        own = ("mg/dL", 1.0) if i % 2 else ("umol/L", 88.4)
        high = 1.1 if sex[i] == "F" else 1.3
        for visit in (1, 2, 3):
            base = {"USUBJID": f"S{i:03}", "VISITNUM": float(visit), "LBDTC": f"2020-0{visit}-{1 + i % 28:02}"}
            value = round(float(rng.uniform(0.6, 1.4) * own[1]), 1)
            limits = {"LBORNRLO": f"{0.5 * own[1]:g}", "LBORNRHI": f"{high * own[1]:g}", "LBSTNRLO": 44.2, "LBSTNRHI": high * 88.4}
            units = {"LBORRESU": own[0], "LBSTRESU": "umol/L"}
            rows.append(
                {**base, "LBTESTCD": "CREAT", "LBORRES": f"{value:g}", "LBSTRESN": value * 88.4 / own[1], **units, **limits}
            )
            if (3 * i + visit) % 12:
                own_unit = "mEq/L" if i % 2 else "mmol/L"
                value = round(float(rng.uniform(3.4, 5.2)), 1)
                limits = {"LBORNRLO": "3.5", "LBORNRHI": "5.1", "LBSTNRLO": 3.5, "LBSTNRHI": 5.1}
                more = {"LBORRES": f"{value:g}", "LBSTRESN": value, "LBORRESU": own_unit, "LBSTRESU": "mmol/L", **limits}
            else:
                more = {"LBSTAT": "NOT DONE"}
            rows.append({**base, "LBTESTCD": "K", **more})
    lb = pd.DataFrame(rows)
    lb["LBSEQ"] = lb.groupby("USUBJID").cumcount() + 1.0
    lb["LBSTRESC"] = lb["LBSTRESN"].map(lambda value: f"{value:g}", na_action="ignore")
    dm = {"USUBJID": [f"S{i:03}" for i in range(n)], "SITEID": ["02" if i % 2 else "01" for i in range(n)], "SEX": sex}
    dm["RFSTDTC"] = [f"2020-01-{1 + i % 28:02}" for i in range(n)]
    study, structure = structured(make_study(DM=dm, LB={name: lb[name].tolist() for name in lb.columns}))
    return lb, Request(fit_study_model(study, structure), 200, 1).study()["LB"].to_frame()


def test_units_and_ranges_go_together(frames: tuple[pd.DataFrame, pd.DataFrame]) -> None:
    """Every combination of test, units and ranges in the sample is one of the source's, and all of them come."""
    known, drawn = (set(frame[PARTS].astype(str).itertuples(index=False, name=None)) for frame in frames)
    assert drawn == known


def test_what_was_not_done_has_no_unit(frames: tuple[pd.DataFrame, pd.DataFrame]) -> None:
    """Units are missing exactly where there is no result, which is about as often as in the source."""
    source, sample = frames
    undone = sample["LBSTAT"].eq("NOT DONE")
    assert undone.equals(sample["LBORRESU"].isna()) and undone.equals(sample["LBORRES"].isna())
    assert undone.mean() == pytest.approx(source["LBSTAT"].eq("NOT DONE").mean(), rel=0.5)


def test_blanks_of_too_few_are_filled_and_those_of_more_stay() -> None:
    """Two of ten subjects lack what the others have of the first test; of the second nobody has it but one."""
    test, subject = np.repeat([0, 1], 10), np.tile(np.arange(10, dtype=np.int32), 2)
    unit = Text.of(["", "", *["mmol/L"] * 8, "g/L", *[""] * 9])
    few, enough = (np.isfinite(filled_cells(unit, [test], subject, k).values) for k in (3, 2))
    assert few.tolist() == [True] * 11 + [False] * 9
    assert enough.tolist() == [False] * 2 + [True] * 9 + [False] * 9


def test_accuracy_is_the_share_of_right_guesses() -> None:
    """Two rows of three are guessed from the first condition, all with the second."""
    cells, first, second = np.array([0, 0, 1]), np.array([4, 4, 4]), np.array([1, 1, 2])
    assert accuracy(cells, [first]) == pytest.approx(2 / 3)
    assert accuracy(cells, [first, second]) == 1.0


def test_a_place_that_subjects_mostly_keep() -> None:
    """Where a subject is measured is nearly its own: most keep one place throughout; the value differs a little by place."""
    rng = np.random.default_rng(5)
    n, visits = 200, 8
    habit = np.repeat(rng.standard_normal(n), visits)
    ear = np.sqrt(0.98) * habit + np.sqrt(0.02) * rng.standard_normal(n * visits) > 0.3
    kept = (ear.reshape(n, visits).std(axis=1) == 0).mean()
    value = np.round(36.6 - 0.3 * ear + rng.normal(0, 0.3, n * visits), 1)
    ids = [f"S{i:03}" for i in range(n)]
    vs = {
        "USUBJID": np.repeat(ids, visits).tolist(),
        "VSSEQ": np.tile(np.arange(1.0, visits + 1), n).tolist(),
        "VSTESTCD": ["TEMP"] * (n * visits),
        "VSLOC": np.where(ear, "EAR", "ORAL CAVITY").tolist(),
        "VSSTRESN": value.tolist(),
        "VISITNUM": np.tile(np.arange(1.0, visits + 1), n).tolist(),
        "VSDTC": [f"2020-{visit:02}-{1 + i % 28:02}" for i in range(n) for visit in range(1, visits + 1)],
    }
    study, structure = structured(make_study(DM={"USUBJID": ids, "RFSTDTC": [f"2020-01-{1 + i % 28:02}" for i in range(n)]}, VS=vs))
    drawn = Request(fit_study_model(study, structure), 400, 3).study()["VS"].to_frame()
    ears = drawn.assign(ear=drawn["VSLOC"] == "EAR").groupby("USUBJID")["ear"].mean()
    assert ears.mean() == pytest.approx(ear.mean(), abs=0.08)
    assert 0.7 < kept < 0.95
    assert ((ears == 0) | (ears == 1)).mean() == pytest.approx(kept, abs=0.08)


def test_agreement_leaves_a_row_itself_out() -> None:
    """Of three rows two agree with one of two others; a row of a condition of its own says nothing."""
    assert agreement(np.array([0, 0, 1]), [np.array([4, 4, 4])]) == pytest.approx(1 / 3)
    assert agreement(np.array([0, 0, 1]), [np.array([4, 4, 5])]) == 1.0
    assert agreement(np.array([0, 0, 1]), [np.array([4, 5, 6])]) == 0.0
