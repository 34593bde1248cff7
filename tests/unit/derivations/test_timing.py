"""Rules of time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from replicator.derivations.derivation import Derivation
from replicator.derivations.derive import derive
from replicator.tables.dataset import Numbers, Study, Text

from .small_studies import days, find_in, make_study, subjects

IDS = subjects(12)
START = days("2020-03-01", range(12))


def one_row_each(name: str, **columns: Any) -> Study:
    dm = {"USUBJID": IDS, "RFSTDTC": START, "RFENDTC": days("2020-06-01", range(12)), "SEX": ["F", "M"] * 6}
    return make_study(DM=dm, **{name: {"USUBJID": IDS, **columns}})


def strings(column: Any) -> list[str]:
    return list(column.strings())


def test_study_day_of_the_implementation_guide() -> None:
    """SDTMIG 3.4, section 4.4.4: the day of RFSTDTC is 1, the day before is -1, there is no day 0."""
    study = make_study(
        DM={"USUBJID": ["A"] * 1, "RFSTDTC": ["2020-02-28"]},
        VS={"USUBJID": ["A"] * 5, "VSDTC": ["2020-02-28", "2020-02-27", "2020-02-29T08:10", "2020-03", ""]},
    )
    derivation = Derivation("VS", "VSDY", "study_day", ("VS.VSDTC", "DM.RFSTDTC"), {"convention": "no day 0"})
    column = derive(derivation, study)
    assert isinstance(column, Numbers)
    np.testing.assert_array_equal(column.values, [1, -1, 2, np.nan, np.nan])


@pytest.mark.parametrize(
    ("convention", "shift"),
    [
        ("no day 0", lambda d: d + (d >= 0)),
        ("day 0 left out", lambda d: np.where(d == -1, -1, d + 1)),
        ("day 0 between", lambda d: d + 1),
        ("day 0 first", lambda d: d),
    ],
)
def test_study_day_is_found_with_its_convention(convention: str, shift: Callable[[Any], Any]) -> None:
    """A study that counts days in another way is recognised, and sampled in its way."""
    offsets = np.array([-9, -2, -1, 0, 1, 2, 5, 9, 30, 31, 32, 40])
    dates = [str(np.datetime64(s) + o) for s, o in zip(START, offsets, strict=True)]
    study = one_row_each("AE", AETERM=["X"] * 12, AESTDTC=dates, AESTDY=shift(offsets))
    derivation = find_in(study)["AE", "AESTDY"]
    assert (derivation.rule, derivation.parameters["convention"]) == ("study_day", convention)
    assert (derivation.n_agree, derivation.n_tested) == (12, 12)


def test_exceptions_are_counted_by_kind() -> None:
    """A study day left out in some rows of twelve is an exception of the kind missing, if enough subjects have it."""
    for k, told in ((1, 1 / 12), (2, 0.0)):
        study = one_row_each("AE", AETERM=["X"] * 12, AESTDTC=START, AESTDY=[1.0] * 11 + [np.nan])
        derivation = find_in(study, k)["AE", "AESTDY"]
        assert derivation.parameters["exceptions"] == {"missing": told, "added": 0.0, "other": 0.0}
        assert (derivation.n_agree, derivation.n_tested) == (11, 12)


def test_days_without_a_date_are_kept() -> None:
    """Where the rule says nothing and the source had values, what was sampled stays."""
    dates = [*START[:10], "2020", ""]
    study = one_row_each("AE", AETERM=["X"] * 12, AESTDTC=dates, AESTDY=[1.0] * 10 + [5.0, 6.0])
    derivation = find_in(study)["AE", "AESTDY"]
    assert derivation.parameters["elsewhere"] == "keep"
    column = derive(derivation, study)
    assert isinstance(column, Numbers) and column.values.tolist() == [1.0] * 10 + [5.0, 6.0]


def test_age_in_completed_years() -> None:
    """Born on 29 February, someone turns a year older on 1 March of a common year."""
    study = make_study(
        DM={
            "USUBJID": ["A", "B", "C", "D"],
            "BRTHDTC": ["1960-02-29", "1960-02-29", "1960-07-01", "1960"],
            "RFSTDTC": ["2021-02-28", "2021-03-01", "2021-07-01", "2021-07-01"],
        }
    )
    inputs = ("DM.BRTHDTC", "DM.RFSTDTC")
    years = derive(Derivation("DM", "AGE", "age", inputs, {"unit": "years"}), study)
    calendar = derive(Derivation("DM", "AGE", "age", inputs, {"unit": "calendar years"}), study)
    assert strings(years) == ["60", "61", "61", ""]
    assert strings(calendar) == ["61", "61", "61", "61"]


def test_age_is_found_with_its_reference_date() -> None:
    """AGE at consent is not AGE at first treatment."""
    birth = days("1950-05-01", np.arange(12) * 400)
    consent = days("2019-04-30", np.arange(12) * 37)
    study = make_study(DM={"USUBJID": IDS, "BRTHDTC": birth, "RFICDTC": consent, "RFSTDTC": days("2021-01-01", range(12))})
    wanted = derive(Derivation("DM", "AGE", "age", ("DM.BRTHDTC", "DM.RFICDTC"), {"unit": "years"}), study)
    assert isinstance(wanted, Numbers)
    full = make_study(
        DM={**{n: study["DM"].text(n).strings() for n in ("USUBJID", "BRTHDTC", "RFICDTC", "RFSTDTC")}, "AGE": wanted.values}
    )
    assert find_in(full)["DM", "AGE"].inputs == ("DM.BRTHDTC", "DM.RFICDTC")


def test_duration_in_iso_days() -> None:
    """AEDUR counts both the first and the last day if the source does so."""
    lengths = np.arange(12) % 5
    ends = [str(np.datetime64(s) + n) for s, n in zip(START, lengths, strict=True)]
    study = one_row_each("AE", AETERM=["X"] * 12, AESTDTC=START, AEENDTC=ends, AEDUR=[f"P{n + 1}D" for n in lengths])
    derivation = find_in(study)["AE", "AEDUR"]
    assert (derivation.rule, derivation.parameters["added"]) == ("duration", 1)
    assert strings(derive(derivation, study)) == [f"P{n + 1}D" for n in lengths]


def test_treatment_emergence_of_partial_dates() -> None:
    """A start known to the month counts with the last day of the month."""
    study = make_study(
        DM={"USUBJID": ["A"], "RFSTDTC": ["2020-03-10"], "RFXSTDTC": ["2020-03-10"]},
        AE={"USUBJID": ["A"] * 5, "AETERM": ["X"] * 5, "AESTDTC": ["2020-03-09", "2020-03-10", "2020-03", "2020-02", ""]},
    )
    derivation = Derivation("AE", "AETRTEM", "treatment_emergent", ("AE.AESTDTC", "DM.RFXSTDTC"), {"yes": "Y", "no": "N"})
    assert strings(derive(derivation, study)) == ["N", "Y", "Y", "N", ""]


def test_treatment_emergence_with_a_window_after_the_last_dose() -> None:
    """Events up to 30 days after the last dose count, later ones do not."""
    offsets = [-5, 0, 3, 40, 121, 122, 123, 1, 2, 5, 10, 200]
    dates = [str(np.datetime64("2020-03-01") + o) for o in offsets]
    dm = {"USUBJID": IDS, "RFSTDTC": ["2020-03-01"] * 12, "RFXSTDTC": ["2020-03-01"] * 12, "RFXENDTC": ["2020-06-01"] * 12}
    flags = ["Y" if 0 <= o <= 92 + 30 else "N" for o in offsets]
    study = make_study(DM=dm, AE={"USUBJID": IDS, "AETERM": ["X"] * 12, "AESTDTC": dates, "AETRTEM": flags})
    derivation = find_in(study)["AE", "AETRTEM"]
    assert derivation.parameters["days_after"] == 30
    assert strings(derive(derivation, study)) == flags


def test_epoch_from_elements() -> None:
    """A row belongs to the element that has begun last and has not ended."""
    study = make_study(
        DM={"USUBJID": ["A"], "RFSTDTC": ["2020-03-10"]},
        SE={
            "USUBJID": ["A", "A"],
            "ETCD": ["SCR", "TRT"],
            "SESTDTC": ["2020-03-01", "2020-03-10"],
            "SEENDTC": ["2020-03-10", "2020-04-01"],
            "EPOCH": ["SCREENING", "TREATMENT"],
        },
        VS={"USUBJID": ["A", "A", "A", "A", "B"], "VSDTC": ["2020-03-09", "2020-03-10", "2020-05-01", "", "2020-03-10"]},
    )
    inputs = ("VS.VSDTC", "SE.SESTDTC", "SE.SEENDTC", "SE.EPOCH")
    column = derive(Derivation("VS", "EPOCH", "epoch", inputs), study)
    assert isinstance(column, Text)
    assert strings(column) == ["SCREENING", "TREATMENT", "", "", ""]


def test_epoch_from_dates_of_treatment_keeps_the_words_of_the_source() -> None:
    """Words come from the source, and only those that k subjects share."""
    dm = {"USUBJID": IDS, "RFSTDTC": START, "RFXSTDTC": START, "RFXENDTC": days("2020-06-01", range(12))}
    rows = {"USUBJID": IDS * 2, "CETERM": ["X"] * 24, "CESTDTC": days("2020-02-01", range(12)) + days("2020-04-01", range(12))}
    study = make_study(DM=dm, CE={**rows, "EPOCH": ["Run-in"] * 12 + ["On drug"] * 12})
    derivation = find_in(study)["CE", "EPOCH"]
    assert derivation.parameters["words"] == ["Run-in", "On drug", ""]
    assert ("CE", "EPOCH") not in find_in(study, k=13)
