"""Flags of the last record before a date."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from replicator.derivations.baseline import is_flagged_once
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


VISITS = [1.0, 2.0, 3.0, 3.1, 9.0]


def _end_points(pick: str) -> tuple[Study, list[str]]:
    """Flags of the first or last of visits 2 and 3 that each subject came to, of test T alone; every third missed one of them."""
    missed = [2.0] if pick == "last" else [3.0]
    visits = [missed if i % 3 == 0 else [2.0, 3.0] for i in range(N)]
    offsets = dict(zip(VISITS, (-3, 14, 28, 30, 60), strict=True))
    rows = [(i, test, visit) for i in range(N) for test in ("T", "U") for visit in (1.0, *visits[i], 3.1, 9.0)]
    flagged = [visits[i][-1] if pick == "last" else visits[i][0] for i in range(N)]
    flags = ["Y" if test == "T" and visit == flagged[i] else "" for i, test, visit in rows]
    lb = {
        "USUBJID": [IDS[i] for i, _, _ in rows],
        "LBTESTCD": [test for _, test, _ in rows],
        "LBSTRESC": ["5"] * len(rows),
        "LBDTC": [str(np.datetime64(START[i]) + offsets[visit]) for i, _, visit in rows],
        "VISITNUM": [visit for _, _, visit in rows],
    }
    return make_study(DM={"USUBJID": IDS, "RFSTDTC": START}, LB={**lb, "ENDPOINT": flags}), flags


def test_a_flag_of_the_last_of_some_visits() -> None:
    """The visits and tests that ever have the flag are told; what comes after them counts for nothing."""
    study, flags = _end_points("last")
    derivation = find_in(study)["LB", "ENDPOINT"]
    assert {name: derivation.parameters[name] for name in ("pick", "visits", "tests")} == {
        "pick": "last",
        "visits": [2.0, 3.0],
        "tests": ["T"],
    }
    assert strings(derive(derivation, study)) == flags


def test_a_flag_of_the_first_of_some_visits() -> None:
    """Who missed visit 2 has the flag at visit 3."""
    study, flags = _end_points("first")
    derivation = find_in(study)["LB", "ENDPOINT"]
    assert (derivation.parameters["pick"], derivation.parameters["visits"]) == ("first", [2.0, 3.0])
    assert strings(derive(derivation, study)) == flags


@pytest.mark.parametrize(("n", "expected"), [(2, False), (40, True)])
def test_never_two_flags_needs_more_than_chance(n: int, expected: bool) -> None:
    """One flag in four records: of 2 subjects chance would make 0.75 pairs, of 40 it would make 15."""
    group = np.repeat(np.arange(n), 4)
    marked = np.tile([False, True, False, False], n)
    test = np.zeros(4 * n, np.int64)
    assert is_flagged_once(marked, test, group) is expected
    again = marked.copy()
    again[0] = True
    assert not is_flagged_once(again, test, group)
