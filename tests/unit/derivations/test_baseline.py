"""Flags of the last record before a date."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from replicator.derivations.derive import derive
from replicator.tables.dataset import Study

from .small_studies import days, find_in, make_study, subjects

N = 15
IDS = subjects(N)
START = days("2020-03-10", range(N))


def strings(column: Any) -> list[str]:
    return list(column.strings())


def vitals(offsets: list[int], flags: list[str], result: list[str] | None = None, **more: Any) -> Study:
    """Rows of one test at some days from each subject's start."""
    m = len(offsets)
    dates = [str(np.datetime64(start) + offset) for start in START for offset in offsets]
    vs = {"USUBJID": np.repeat(IDS, m), "VSTESTCD": ["T"] * (N * m), "VSSTRESC": (result or ["5"] * m) * N, "VSDTC": dates}
    extra = {name: list(values) * N for name, values in more.items()}
    return make_study(DM={"USUBJID": IDS, "RFSTDTC": START}, VS={**vs, **extra, "VSBLFL": flags * N})


@pytest.mark.parametrize(
    ("offsets", "flags", "compare"),
    [([-7, -1, 0, 14], ["", "", "Y", ""], "day"), ([-7, -1, 0, 14], ["", "Y", "", ""], "before")],
)
def test_last_result_on_or_before_the_reference(offsets: list[int], flags: list[str], compare: str) -> None:
    """Both usual definitions are told apart: up to the day of first dose, or strictly before it."""
    study = vitals(offsets, flags)
    derivation = find_in(study)["VS", "VSBLFL"]
    assert (derivation.rule, derivation.parameters["compare"]) == ("baseline_flag", compare)
    assert (derivation.n_tested, derivation.n_agree) == (N, N)
    assert strings(derive(derivation, study)) == flags * N


def test_a_missing_result_is_no_baseline() -> None:
    """The flag goes back to the last record that has a result."""
    study = vitals([-7, -1, 0], ["", "Y", ""], result=["5", "6", ""])
    assert strings(derive(find_in(study)["VS", "VSBLFL"], study)) == ["", "Y", ""] * N


def test_one_flag_for_each_position() -> None:
    """Lying and standing have a baseline each."""
    study = vitals([-1, -1, 0, 0], ["", "", "Y", "Y"], VSPOS=["SUPINE", "STANDING"] * 2)
    derivation = find_in(study)["VS", "VSBLFL"]
    assert "VSPOS" in derivation.parameters["by"]  # type: ignore[operator]
    assert derivation.n_agree == 2 * N


def test_a_flag_by_visit() -> None:
    """Where the flag stands at one visit, before treatment or not, the visit explains it."""
    study = vitals([-7, -1, 3], ["Y", "", ""], VISITNUM=[1.0, 2.0, 3.0])
    derivation = find_in(study)["VS", "VSBLFL"]
    assert derivation.parameters["visit"] == 1.0


def test_flags_at_random_are_not_believed() -> None:
    """Agreement on the many cells without a flag does not count."""
    rng = np.random.default_rng(5)
    study = vitals([-7, -1, 0, 14, 20, 30, 40, 50], [""] * 8)
    flags = np.where(rng.random(8 * N) < 0.12, "Y", "")
    frame = study["VS"].to_frame()
    frame["VSBLFL"] = flags
    columns = {name: frame[name].fillna("").tolist() for name in frame if name not in ("STUDYID", "DOMAIN")}
    assert ("VS", "VSBLFL") not in find_in(make_study(DM={"USUBJID": IDS, "RFSTDTC": START}, VS=columns))
