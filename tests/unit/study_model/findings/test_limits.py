"""Results beyond a limit are numbers beyond it: as many, by as many subjects, and converted as the source converts them."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from replicator.profile.find import find_structure
from replicator.sampling.request import Request
from replicator.study_model.findings.limits import ABOVE, BELOW, Limits, find_limits
from replicator.study_model.fitting import fit_study_model
from replicator.tables.dataset import Study, Text

from ..small_studies import make_study

N, VISITS = 150, 5


def _study() -> Study:
    """Bilirubin in mg/dL, log-normal by subject and visit; below 0.2 the laboratory says so. Standard units are umol/L."""
    rng = np.random.default_rng(4)
    ids = [f"ST-{i:03d}" for i in range(N)]
    start = [np.datetime64("2021-01-04") + i for i in range(N)]
    level = rng.normal(np.log(0.35), 0.35, N)
    number = np.round(np.exp(level[:, None] + rng.normal(0, 0.2, (N, VISITS))).ravel(), 1)
    told = number < 0.2
    dm = {"USUBJID": ids, "RFSTDTC": [str(day) for day in start], "ARM": ["A"] * N}
    lb = {
        "USUBJID": np.repeat(ids, VISITS),
        "LBTESTCD": ["BILI"] * len(number),
        "LBORRES": np.where(told, "<0.2", number.astype(str)),
        "LBORRESU": ["mg/dL"] * len(number),
        "LBSTRESC": np.where(told, "<3.42", np.round(number * 17.1, 2).astype(str)),
        "LBSTRESN": np.where(told, np.nan, np.round(number * 17.1, 2)),
        "LBSTRESU": ["umol/L"] * len(number),
        "VISITNUM": np.tile(np.arange(1.0, VISITS + 1), N),
        "LBDTC": [str(day + 28 * v) for day in start for v in range(VISITS)],
    }
    return make_study(DM=dm, LB={name: list(values) for name, values in lb.items()})


def _told(study: Study) -> pd.DataFrame:
    lb = study["LB"]
    return pd.DataFrame({name: lb[name].strings() for name in ("USUBJID", "LBORRES", "LBSTRESC", "LBSTRESN")})


def test_results_beyond_a_limit_are_as_many_and_no_number_lies_beyond_it() -> None:
    """Share of rows, and of subjects who have any, within four standard errors; text and standard text belong together."""
    source = _study()
    model = fit_study_model(source, find_structure(source))
    sample = _told(Request(model, 600, 7).study())
    real = _told(source)
    shares = []
    for frame in (real, sample):
        told = frame["LBORRES"] == "<0.2"
        shares.append((told.mean(), told.groupby(frame["USUBJID"]).any().mean()))
        assert (frame.loc[told, "LBSTRESC"] == "<3.42").all()
        assert (frame.loc[told, "LBSTRESN"] == "").all()
        assert (pd.to_numeric(frame.loc[~told, "LBORRES"]) >= 0.2).all()
    assert shares[0][0] > 0.01
    spread = 4 * np.sqrt(shares[0][1] * (1 - shares[0][1]) * (1 / N + 1 / 600))
    assert shares[1][1] == pytest.approx(shares[0][1], abs=spread)
    assert shares[1][0] == pytest.approx(shares[0][0], rel=0.5)


def _find(texts: list[str], subjects: list[int], k: int = 5) -> tuple[Limits, list[float]]:
    said = Text.of(texts)
    value = np.asarray(pd.to_numeric(pd.Series(texts), errors="coerce"), np.float64)
    rows = len(texts)
    token = said.codes.astype(np.intp)
    zeros = np.zeros(rows, np.intp)
    limits, value = find_limits(said, token, value, np.ones(rows, bool), zeros, np.array(subjects), np.array([1]), k)
    return limits, value.tolist()


@pytest.mark.parametrize(
    ("text", "side", "edge", "number"),
    [("<0.2", BELOW, 0.15, 0.1), ("<=0.2", BELOW, 0.25, 0.2), ("> 9", ABOVE, 9.05, 9.1), ("≥9.5", ABOVE, 9.45, 9.5)],
)
def test_limits_stand_half_a_step_beyond_what_is_measured(text: str, side: float, edge: float, number: float) -> None:
    limits, value = _find([text] * 5 + ["1.0", "2.0"], list(range(7)))
    assert (limits.side.tolist(), limits.edge.tolist()) == ([side], pytest.approx([edge]))
    assert value == pytest.approx([number] * 5 + [1.0, 2.0])


@pytest.mark.parametrize(
    ("texts", "subjects"),
    [
        (["<0.2"] * 4 + ["1.0"], list(range(5))),  # four subjects have it
        (["<0.2"] * 9 + ["1.0"], [0, 1, 2, 3, 0, 1, 2, 3, 0, 4]),
        (["<0.2"] * 5 + ["0.1"] * 5, list(range(10))),  # another laboratory measures below it
        (["NEGATIVE"] * 5 + ["1.0"], list(range(6))),
    ],
)
def test_what_is_no_limit(texts: list[str], subjects: list[int]) -> None:
    limits, value = _find(texts, subjects)
    assert len(limits.series) == 0
    assert np.isnan(value[0])
