"""First and last dates."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from replicator.derivations.derivation import Derivation
from replicator.derivations.derive import derive

from .small_studies import days, find_in, make_study, subjects

IDS = subjects(20)


def strings(column: Any) -> list[str]:
    return list(column.strings())


def test_first_and_last_dose() -> None:
    """RFXSTDTC is the first EXSTDTC, RFXENDTC the last of EXENDTC and EXSTDTC; the untreated have neither."""
    start = np.arange(20)
    ends = [*days("2020-03-11", start[:16]), "", *days("2020-03-11", start[17:18])]
    treated = IDS[:18]
    ex = {
        "USUBJID": treated + treated,
        "EXTRT": ["X"] * 36,
        "EXSTDTC": days("2020-03-01", start[:18]) + days("2020-03-08", start[:18]),
        "EXENDTC": days("2020-03-07", start[:18]) + ends,
    }
    last = [end or begin for end, begin in zip(ends, days("2020-03-08", start[:18]), strict=True)]
    dm = {
        "USUBJID": IDS,
        "RFSTDTC": days("2020-02-25", start),
        "RFXSTDTC": [*days("2020-03-01", start[:18]), "", ""],
        "RFXENDTC": [*last, "", ""],
    }
    study = make_study(DM=dm, EX=ex)
    found = find_in(study)
    assert (found["DM", "RFXSTDTC"].rule, found["DM", "RFXSTDTC"].inputs) == ("first", ("EX.EXSTDTC",))
    assert found["DM", "RFXENDTC"].rule == "last" and set(found["DM", "RFXENDTC"].inputs) == {"EX.EXSTDTC", "EX.EXENDTC"}
    for target in ("RFXSTDTC", "RFXENDTC"):
        assert strings(derive(found["DM", target], study)) == dm[target]


def test_end_of_participation_by_the_disposition_event() -> None:
    """RFENDTC is the date of the disposition event, for those who were started."""
    start = np.arange(20)
    ended = days("2020-06-01", start * 3)
    ds = {
        "USUBJID": IDS * 2,
        "DSTERM": ["CONSENT"] * 20 + ["DONE"] * 20,
        "DSDECOD": ["CONSENT"] * 20 + ["COMPLETED"] * 20,
        "DSCAT": ["PROTOCOL MILESTONE"] * 20 + ["DISPOSITION EVENT"] * 20,
        "DSSTDTC": days("2020-01-01", start * 2) + ended,
    }
    dm = {"USUBJID": IDS, "RFSTDTC": [*days("2020-03-01", start[:14]), *[""] * 6], "RFENDTC": [*ended[:14], *[""] * 6]}
    derivation = find_in(make_study(DM=dm, DS=ds))["DM", "RFENDTC"]
    assert derivation.parameters["given"] == "DM.RFSTDTC"
    assert derivation.n_agree == derivation.n_tested == 14


def test_dates_of_a_visit_by_its_findings() -> None:
    """SVSTDTC is the earliest date of the findings at that visit, SVENDTC the latest; a visit without findings keeps its dates."""
    visits = [1.0, 2.0, 2.1]
    rows = [(s, v, i, j) for i, s in enumerate(IDS) for j, v in enumerate(visits)]
    first = days("2020-03-01", [i + 10 * j for _, _, i, j in rows])
    second = days("2020-03-01", [i + 10 * j + (i % 2) for _, _, i, j in rows])
    who, when = [r[0] for r in rows], [r[1] for r in rows]
    kept = [n for n, r in enumerate(rows) if r[3] != 2 or r[2] > 2]
    vs = {"USUBJID": [who[n] for n in kept], "VSTESTCD": ["T"] * len(kept), "VSSTRESN": np.arange(len(kept)) * 1.0}
    vs |= {"VISITNUM": [when[n] for n in kept], "VSDTC": [first[n] + "T09:30" for n in kept]}
    lb = {"USUBJID": vs["USUBJID"], "LBTESTCD": ["U"] * len(kept), "LBSTRESN": np.arange(len(kept)) * 1.0}
    lb |= {"VISITNUM": vs["VISITNUM"], "LBDTC": [second[n] for n in kept]}
    dm = {"USUBJID": IDS, "RFSTDTC": days("2020-03-01", range(20))}
    study = make_study(DM=dm, SV={"USUBJID": who, "VISITNUM": when, "SVSTDTC": first, "SVENDTC": second}, VS=vs, LB=lb)
    found = find_in(study)
    assert found["SV", "SVSTDTC"].rule == "first_at_visit" and found["SV", "SVENDTC"].rule == "last_at_visit"
    assert strings(derive(found["SV", "SVSTDTC"], study)) == first
    assert strings(derive(found["SV", "SVENDTC"], study)) == second


def test_an_element_ends_when_the_next_begins() -> None:
    """SEENDTC is the next SESTDTC; the last element of a subject keeps its end."""
    se = {
        "USUBJID": [s for s in IDS for _ in range(3)],
        "ETCD": ["SCR", "TRT", "FUP"] * 20,
        "SESTDTC": days("2020-03-01", np.tile([0, 7, 60], 20) + np.repeat(np.arange(20), 3)),
        "SEENDTC": days("2020-03-01", np.tile([7, 60, 90], 20) + np.repeat(np.arange(20), 3)),
    }
    study = make_study(DM={"USUBJID": IDS, "RFSTDTC": days("2020-03-01", range(20))}, SE=se)
    derivation = find_in(study)["SE", "SEENDTC"]
    assert (derivation.rule, derivation.parameters["elsewhere"], derivation.n_tested) == ("next_of", "keep", 40)
    assert strings(derive(derivation, study)) == se["SEENDTC"]


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 400), st.booleans()), max_size=40))
@settings(max_examples=60)
def test_extremes_equal_a_plain_loop(rows: list[tuple[int, int, bool]]) -> None:
    """First and last of the dates known to the day equal what a loop over subjects finds."""
    who = subjects(6)
    dates = [days("2020-01-01", [day])[0] if full else "2020" for _, day, full in rows]
    study = make_study(
        DM={"USUBJID": who, "RFSTDTC": ["2020-01-01"] * 6},
        AE={"USUBJID": [who[s] for s, _, _ in rows], "AESTDTC": dates, "AETERM": ["X"] * len(rows)},
    )
    for rule, pick in (("first", min), ("last", max)):
        wanted = [
            pick((d for (s, _, full), d in zip(rows, dates, strict=True) if s == subject and full), default="")
            for subject in range(6)
        ]
        assert strings(derive(Derivation("DM", "RFPENDTC", rule, ("AE.AESTDTC",)), study)) == wanted
