"""Tests that are done after certain results of another, or instead of it, also where all are mostly done together."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from replicator.profile.find import find_structure
from replicator.sampling.request import Request
from replicator.study_model.fitting import fit_study_model
from replicator.tables.dataset import Study

from ..small_studies import make_study

N, VISITS = 120, 5


def _inventory() -> Study:
    """Four symptoms: a score at every visit; PRESENT=0 where the score is 0, else a frequency. One score is never above 0."""
    rng = np.random.default_rng(5)
    rows: list[tuple[str, str, str, float, str]] = []
    ids = [f"ST-{i:03d}" for i in range(N)]
    start = [np.datetime64("2021-01-04") + i for i in range(N)]
    for i, who in enumerate(ids):
        level = rng.normal(0, 1, 4)
        for v in range(VISITS):
            day = str(start[i] + 28 * v)
            ill = level + rng.normal(0, 1, 4) > np.array([1.6, 1.3, 0.3, 1.5])
            for j, there in enumerate(ill.tolist()):
                score = int(rng.integers(1, 10)) if there and j < 3 else 0
                rows.append((who, f"S{j}", str(score), v + 1.0, day))
                rows.append(
                    (who, f"F{j}", str(int(rng.integers(1, 5))), v + 1.0, day) if there else (who, f"P{j}", "0", v + 1.0, day)
                )
    columns = dict(zip(("USUBJID", "QSTESTCD", "QSORRES", "VISITNUM", "QSDTC"), zip(*rows, strict=True), strict=True))
    dm = {"USUBJID": ids, "RFSTDTC": [str(day) for day in start], "ARM": ["A"] * N}
    return make_study(DM=dm, QS={name: list(cells) for name, cells in columns.items()})


def _wide(study: Study) -> pd.DataFrame:
    qs = study["QS"]
    frame = pd.DataFrame({name: qs[name].strings() for name in ("USUBJID", "VISITNUM", "QSTESTCD", "QSORRES")})
    return frame.pivot(index=["USUBJID", "VISITNUM"], columns="QSTESTCD", values="QSORRES")


@pytest.fixture(scope="module")
def wide() -> tuple[pd.DataFrame, pd.DataFrame]:
    source = _inventory()
    model = fit_study_model(source, find_structure(source))
    return _wide(source), _wide(Request(model, 300, 7).study())


@pytest.mark.parametrize("symptom", [0, 1, 2])
def test_what_is_asked_follows_from_the_score(symptom: int, wide: tuple[pd.DataFrame, pd.DataFrame]) -> None:
    """A frequency where the score is above 0, "not there" where it is 0, without exception, whichever is the more common."""
    real, drawn = wide
    ill = pd.to_numeric(drawn[f"S{symptom}"]) > 0
    assert (drawn[f"F{symptom}"].notna() == ill).all()
    assert (drawn[f"P{symptom}"].notna() == ~ill).all()
    assert ill.mean() == pytest.approx((pd.to_numeric(real[f"S{symptom}"]) > 0).mean(), abs=0.06)


def test_one_of_two_is_asked_where_no_result_tells_which(wide: tuple[pd.DataFrame, pd.DataFrame]) -> None:
    """The score is always 0: the frequency is asked instead of "not there"."""
    real, drawn = wide
    assert (drawn["F3"].notna() != drawn["P3"].notna()).mean() > 0.99
    assert not (drawn["F3"].notna() & drawn["P3"].notna()).any()
    assert drawn["F3"].notna().mean() == pytest.approx(real["F3"].notna().mean(), abs=0.05)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_results_that_nobody_has_twice_tell_nothing(seed: int) -> None:
    """Six subjects are measured once, at the first of four visits; the pressure, another one each time, does not tell when."""
    n, rng = 6, np.random.default_rng(seed)
    ids = [f"S{i}" for i in range(n)]
    rows = [
        (who, "SYSBP", str(pressure), v + 1.0)
        for v in range(4)
        for who, pressure in zip(ids, rng.permutation(n) + 110 + 7 * v, strict=True)
    ]
    rows += [(who, "HEIGHT", str(150 + 5 * i), 1.0) for i, who in enumerate(ids)]
    columns = dict(zip(("USUBJID", "VSTESTCD", "VSORRES", "VISITNUM"), zip(*rows, strict=True), strict=True))
    days = [str(np.datetime64("2021-01-04") + int(7 * row[3])) for row in rows]
    dm = {"USUBJID": ids, "RFSTDTC": ["2021-01-11"] * n, "ARM": ["A"] * n}
    source = make_study(DM=dm, VS={**{name: list(cells) for name, cells in columns.items()}, "VSDTC": days})
    drawn = Request(fit_study_model(source, find_structure(source)), 100, 7).study()["VS"].to_frame()
    heights = drawn[drawn["VSTESTCD"] == "HEIGHT"]
    assert len(heights) == 100 and (heights["VISITNUM"] == 1).all()
