"""Rules of repetition."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from replicator.derivations.derive import derive

from .small_studies import days, find_in, make_study, subjects

IDS = subjects(20)
START = days("2020-03-01", range(20))


def strings(column: Any) -> list[str]:
    return list(column.strings())


def test_equal_columns_copy_the_earlier_one() -> None:
    """ACTARM copies ARM; a constant column copies nothing."""
    arms = ["A", "B"] * 10
    found = find_in(
        make_study(DM={"USUBJID": IDS, "RFSTDTC": START, "ARM": arms, "ACTARM": arms, "AGEU": ["Y"] * 20, "X": ["Y"] * 20})
    )
    assert found["DM", "ACTARM"].inputs == ("DM.ARM",)
    assert ("DM", "X") not in found and ("DM", "AGEU") not in found


def test_one_difference_is_no_copy() -> None:
    """A subject who was treated otherwise than planned stays possible."""
    arms = ["A", "B"] * 10
    assert ("DM", "ACTARM") not in find_in(
        make_study(DM={"USUBJID": IDS, "RFSTDTC": START, "ARM": arms, "ACTARM": ["B", *arms[1:]]})
    )


def test_the_anchor_of_the_subject_is_never_derived() -> None:
    """RFSTDTC is drawn: where it equals RFXSTDTC, the latter copies the former, whatever their order."""
    found = find_in(make_study(DM={"USUBJID": IDS, "RFXSTDTC": START, "RFSTDTC": START}))
    assert found["DM", "RFXSTDTC"].inputs == ("DM.RFSTDTC",)
    assert ("DM", "RFSTDTC") not in found


def test_a_date_of_the_subject_in_another_dataset() -> None:
    """The reference time of a concentration is the subject's own start, in every row."""
    pc = {"USUBJID": np.repeat(IDS, 2), "PCTESTCD": ["D"] * 40, "PCSTRESN": np.arange(40.0), "PCRFTDTC": np.repeat(START, 2)}
    study = make_study(DM={"USUBJID": IDS, "RFSTDTC": START}, PC=pc)
    derivation = find_in(study)["PC", "PCRFTDTC"]
    assert derivation.inputs == ("DM.RFSTDTC",)
    assert strings(derive(derivation, study)) == list(np.repeat(START, 2))


def test_site_and_number_are_parts_of_the_identifier() -> None:
    """SITEID and SUBJID by separator, and by position where there is none."""
    parts = [subject.split("-") for subject in IDS]
    found = find_in(make_study(DM={"USUBJID": IDS, "SUBJID": [p[2] for p in parts], "SITEID": [p[1] for p in parts]}))
    assert found["DM", "SITEID"].parameters["part"] == 1 and found["DM", "SUBJID"].parameters["part"] == 2
    plain = ["".join(p) for p in parts]
    study = make_study(DM={"USUBJID": plain, "SITEID": [p[1] for p in parts], "SUBJID": [p[1] + p[2] for p in parts]})
    found = find_in(study)
    assert found["DM", "SITEID"].parameters["start"] == 2 and found["DM", "SITEID"].parameters["length"] == 3
    assert strings(derive(found["DM", "SUBJID"], study)) == [p[1] + p[2] for p in parts]


@pytest.mark.parametrize("no", ["N", ""])
def test_death_flag(no: str) -> None:
    """DTHFL says whether there is a date of death, with N or without."""
    dead = ["2020-09-01"] * 6 + [""] * 14
    study = make_study(DM={"USUBJID": IDS, "RFSTDTC": START, "DTHDTC": dead, "DTHFL": ["Y"] * 6 + [no] * 14})
    derivation = find_in(study)["DM", "DTHFL"]
    assert (derivation.rule, derivation.parameters["test"], derivation.parameters["no"]) == ("flag_of", "present", no)


def test_fatal_outcome_and_seriousness() -> None:
    """AESDTH is Y where the outcome is FATAL; AESER is Y where any criterion is."""
    outcome = ["FATAL", "RECOVERED"] * 10
    hospital = ["Y", "N", "N", "N"] * 5
    death = ["Y" if o == "FATAL" else "N" for o in outcome]
    serious = ["Y" if "Y" in pair else "N" for pair in zip(death, hospital, strict=True)]
    ae = {"USUBJID": IDS, "AETERM": ["X"] * 20, "AESER": serious, "AEOUT": outcome, "AESDTH": death, "AESHOSP": hospital}
    study = make_study(DM={"USUBJID": IDS, "RFSTDTC": START}, AE=ae)
    found = find_in(study)
    assert found["AE", "AESDTH"].parameters["value"] == "FATAL"
    assert set(found["AE", "AESER"].inputs) == {"AE.AESDTH", "AE.AESHOSP"}
    assert strings(derive(found["AE", "AESER"], study)) == serious


def test_status_of_a_missing_result_and_ongoing_events() -> None:
    """VSSTAT is NOT DONE where there is no result; CMENRTPT is ONGOING where there is no end."""
    results = [""] * 6 + ["5"] * 14
    vs = {"USUBJID": IDS, "VSTESTCD": ["T"] * 20, "VSORRES": results, "VSSTAT": ["NOT DONE"] * 6 + [""] * 14}
    cm = {"USUBJID": IDS, "CMTRT": ["T"] * 20, "CMENDTC": START[:12] + [""] * 8, "CMENRTPT": [""] * 12 + ["ONGOING"] * 8}
    study = make_study(DM={"USUBJID": IDS, "RFSTDTC": START}, VS=vs, CM=cm)
    found = find_in(study)
    assert found["VS", "VSSTAT"].parameters["test"] == "missing" and found["CM", "CMENRTPT"].parameters["test"] == "missing"
    assert strings(derive(found["CM", "CMENRTPT"], study)) == cm["CMENRTPT"]


def test_seconds_that_are_always_zero_are_appended() -> None:
    """A reference moment written to the second copies a start that is written to the minute."""
    start = [f"{day}T10:{i:02d}" for i, day in enumerate(START)]
    study = make_study(
        DM={"USUBJID": IDS, "RFSTDTC": start}, PP={"USUBJID": IDS, "PPSEQ": [1.0] * 20, "PPRFTDTC": [f"{one}:00" for one in start]}
    )
    found = find_in(study)["PP", "PPRFTDTC"]
    assert found.inputs == ("DM.RFSTDTC",) and found.parameters["append"] == ":00"
    assert strings(derive(found, study)) == [f"{one}:00" for one in start]
