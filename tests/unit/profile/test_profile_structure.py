"""Kinds, roles, contents and keys, on studies written out."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from replicator.errors import StudyError
from replicator.profile.find import find_structure
from replicator.profile.roles import decimals_of
from replicator.profile.structure import Content, Kind, Role
from replicator.tables.dataset import Dataset, Study
from replicator.tables.readers import read_study

from .profiled_studies import planted_study, study, table

DM = table("DM", "USUBJID SEX ARM", ("01", "F", "A"), ("02", "M", "A"), ("03", "F", "B"))


def kind_of(dataset: Dataset) -> Kind:
    return find_structure(study(DM, dataset)).datasets[dataset.name].kind


@pytest.mark.parametrize(
    ("dataset", "kind"),
    [
        (table("LBCH", "DOMAIN USUBJID LBTESTCD", ("LB", "01", "ALT")), Kind.FINDINGS),
        (table("SUPPLBCH", "RDOMAIN USUBJID IDVAR IDVARVAL QNAM QVAL", ("LB", "01", "LBSEQ", "1", "X", "Y")), Kind.QUALIFIERS),
        (table("SQLBCH", "RDOMAIN USUBJID QNAM QVAL", ("LB", "01", "X", "Y")), Kind.QUALIFIERS),
        (table("RELREC", "RDOMAIN USUBJID RELID", ("AE", "01", "1")), Kind.LINKS),
        (table("CO", "DOMAIN RDOMAIN USUBJID COVAL", ("CO", "AE", "01", "tired")), Kind.LINKS),
        (table("TA", "DOMAIN ARMCD TAETORD", ("TA", "A", 1)), Kind.REFERENCE),
        (table("SE", "DOMAIN USUBJID ETCD SESTDTC", ("SE", "01", "SCRN", "2020-01-01")), Kind.STATES),
        (table("SV", "DOMAIN USUBJID VISITNUM", ("SV", "01", 1)), Kind.SCHEDULE),
        (table("BW", "DOMAIN USUBJID BWTESTCD BWSTRESN", ("BW", "01", "BW", 20.1)), Kind.FINDINGS),
        (table("XT", "USUBJID XTTESTCD XTORRES", ("01", "WALK", "12"), ("01", "RUN", "3")), Kind.FINDINGS),
        (table("XE", "USUBJID XETERM XESTDTC", ("01", "fall", "2020-01-01"), ("01", "fall", "2020-02-01")), Kind.EVENTS),
        (table("XI", "USUBJID XITRT XISTDTC", ("01", "tea", "2020-01-01"), ("01", "tea", "2020-02-01")), Kind.INTERVENTIONS),
        (table("ADVS", "USUBJID PARAMCD AVAL", ("01", "SYSBP", 120), ("01", "DIABP", 80)), Kind.FINDINGS),
        (table("SITES", "SITE CITY", ("1", "Ulm"), ("2", "Bonn")), Kind.REFERENCE),
    ],
)
def test_kind_is_found_from_the_name_or_the_shape(dataset: Dataset, kind: Kind) -> None:
    assert kind_of(dataset) is kind


def test_a_study_with_names_of_its_own() -> None:
    """Patients, visits, measurements and events without a single name of the standard."""
    own = study(
        table("PATIENTS", "PATIENT_ID GENDER BIRTH", ("p1", "f", 1950), ("p2", "m", 1961), ("p3", "f", 1970)),
        table(
            "VISITS",
            "PATIENT_ID VISIT_NO VISIT_DATE",
            *((p, v, f"2020-0{v}-0{i}") for i, p in enumerate(("p1", "p2", "p3"), 1) for v in (1, 2, 3)),
        ),
        table(
            "PROBLEMS", "PATIENT_ID WHAT SINCE", ("p1", "cough", "2020-01-02"), ("p1", "fever", "2020-01-03"), ("p3", "cough", "")
        ),
        table("CENTRES", "CENTRE CITY", ("1", "Ulm")),
    )
    found = find_structure(own)
    assert found.subject_variable == "PATIENT_ID"
    assert found.subjects == "PATIENTS"
    assert {name: d.kind for name, d in found.datasets.items()} == {
        "PATIENTS": Kind.SUBJECTS,
        "VISITS": Kind.SCHEDULE,
        "PROBLEMS": Kind.EVENTS,
        "CENTRES": Kind.REFERENCE,
    }
    assert found.datasets["VISITS"].keys == ("PATIENT_ID", "VISIT_NO")
    assert found.datasets["PROBLEMS"].variable("SINCE").role is Role.DATE
    assert any("PATIENT_ID names the subject" in note for note in found.notes)


def test_a_subject_variable_of_any_name_is_known_by_what_it_does() -> None:
    """It is filled, tells the rows of one table apart, and comes again in another."""
    own = study(
        table("PEOPLE", "PROBAND HEIGHT", ("a", 1.7), ("b", 1.8)), table("FALLS", "PROBAND HOW", ("a", "stairs"), ("a", "ice"))
    )
    assert find_structure(own).subject_variable == "PROBAND"


def test_animals() -> None:
    found = find_structure(
        study(
            table("DM", "DOMAIN USUBJID SPECIES SETCD", ("DM", "R1", "RAT", "1"), ("DM", "R2", "RAT", "2")),
            table(
                "BW",
                "DOMAIN USUBJID BWTESTCD BWSTRESN VISITDY",
                *(("BW", r, "BW", 200 + d, d) for r in ("R1", "R2") for d in (1, 8)),
            ),
            table(
                "CL",
                "DOMAIN USUBJID POOLID CLTESTCD CLSTRESC",
                ("CL", "R1", "", "OB", "thin"),
                ("CL", "", "P1", "OB", "soft faeces"),
            ),
        )
    )
    assert [d.kind for d in found.datasets.values()] == [Kind.SUBJECTS, Kind.FINDINGS, Kind.FINDINGS]
    assert found.datasets["BW"].keys == ("USUBJID", "VISITDY")
    assert any(note.startswith("CL: rows without USUBJID belong to no subject, 1 of 2") for note in found.notes)


def test_roles_and_contents() -> None:
    n = 40
    frame = pd.DataFrame(
        {
            "STUDYID": "S",
            "USUBJID": [f"S-{i // 4:02d}" for i in range(n)],
            "LBSEQ": np.tile(np.arange(1, 5), n // 4),
            "LBTESTCD": ["ALT", "AST"] * (n // 2),
            "LBORRES": [f"{i / 10:.1f}" if i else "<0.2" for i in range(n)],
            "LBSTRESN": [9.299999999999999, *(i / 10 for i in range(1, n))],
            "LBBLFL": ["Y", None] * (n // 2),
            "LBDTC": [f"2020-01-{i % 28 + 1:02d}T08:30" for i in range(n)],
            "LBDY": np.arange(n) % 28 + 1,
            "LBNAM": None,
            "LBENRTPT": ["BEFORE", None] * (n // 2),
            "LBENTPT": [f"2020-01-{i % 28 + 1:02d}" if i % 2 else None for i in range(n)],
            "LBSTTPT": ["SCREENING", None] * (n // 2),
            "LBXID": [f"x{i}" for i in range(n)],
            "LBCOMM": [f"remark {i // 2}" for i in range(n)],
        }
    )
    found = find_structure(Study({"LB": Dataset.from_frame("LB", frame)})).datasets["LB"]
    assert {v.name: (v.role, v.content, v.decimals) for v in found.variables} == {
        "STUDYID": (Role.IDENTIFIER, Content.CONSTANT, 0),
        "USUBJID": (Role.SUBJECT, Content.CATEGORY, 0),
        "LBSEQ": (Role.SEQUENCE, Content.CATEGORY, 0),
        "LBTESTCD": (Role.TOPIC, Content.CATEGORY, 0),
        "LBORRES": (Role.RESULT, Content.DECIMAL, 1),
        "LBSTRESN": (Role.RESULT, Content.DECIMAL, 1),
        "LBBLFL": (Role.FLAG, Content.CATEGORY, 0),
        "LBDTC": (Role.DATE, Content.DATE, 0),
        "LBDY": (Role.STUDY_DAY, Content.INTEGER, 0),
        "LBNAM": (Role.QUALIFIER, Content.EMPTY, 0),
        "LBENRTPT": (Role.QUALIFIER, Content.CATEGORY, 0),
        "LBENTPT": (Role.DATE, Content.DATE, 0),
        "LBSTTPT": (Role.QUALIFIER, Content.CATEGORY, 0),
        "LBXID": (Role.RECORD_ID, Content.UNIQUE, 0),
        "LBCOMM": (Role.QUALIFIER, Content.FREE_TEXT, 0),
    }
    assert found.variable("LBBLFL").n_missing == n // 2


@pytest.mark.parametrize(
    ("numbers", "decimals"),
    [([9.299999999999999], 1), ([1.0, 2.0], 0), ([0.125, 3.5], 3), ([1e15, 0.5], 1), ([], 0), ([1 / 3], 12)],
)
def test_decimals_are_those_that_binary_noise_leaves(numbers: list[float], decimals: int) -> None:
    assert decimals_of(np.array(numbers, np.float64)) == decimals


def test_partial_dates_are_dates_and_padding_is_not_lost() -> None:
    found = find_structure(
        study(
            DM,
            table("CM", "USUBJID CMTRT CMSTDTC CMENDTC", ("01", "x", "2003", "         ."), ("02", "y", "2003-05", "2004-01-01")),
        )
    )
    cm = found.datasets["CM"]
    assert cm.variable("CMSTDTC").content is Content.DATE
    assert cm.variable("CMENDTC").content is Content.DATE
    assert cm.variable("CMENDTC").n_missing == 0


def test_keys_are_smallest_and_hold_the_subject() -> None:
    vs = table(
        "VS",
        "USUBJID VSSEQ VSTESTCD VSPOS VISITNUM VSTPTNUM VSDTC",
        *(
            (s, i, t, "STANDING" if p > 1 else "SUPINE", v, p, f"2020-01-0{v}")
            for s in ("01", "02")
            for i, (t, v, p) in enumerate((t, v, p) for t in ("SYSBP", "DIABP") for v in (1, 2) for p in (1, 2, 3))
        ),
    )
    assert find_structure(study(DM, vs)).datasets["VS"].keys == ("USUBJID", "VSTESTCD", "VISITNUM", "VSTPTNUM")
    twice = Dataset.from_frame("VS", pd.concat([vs.to_frame().drop(columns="VSSEQ")] * 2, ignore_index=True))
    assert find_structure(study(DM, twice)).datasets["VS"].keys == ()


@pytest.mark.parametrize("name", ["COSORT", "COVAL1"])
def test_comments_are_told_apart_by_their_numbers(name: str) -> None:
    """By the standard a subject may have the same comment twice; what few of them happen to differ in is no key."""
    rows = [("CO", "AE", f"{1 + i // 2:02}", 1 + i % 2, "seen", ("", "again")[i % 2]) for i in range(6)]
    comments = table("CO", f"DOMAIN RDOMAIN USUBJID COSEQ COVAL {name}", *rows)
    assert find_structure(study(DM, comments)).datasets["CO"].keys == ("USUBJID", "COSEQ")


def _told_twice(n: int, severities: tuple[str, str]) -> Dataset:
    """One event of each of `n` subjects on one day, told at two visits; every second of another severity where these differ."""
    rows = [
        (f"{i:02}", 2.0 * i + j, "RASH", severity, "NONE", "2020-01-01", f"2020-01-{2 + 7 * j:02}")
        for i in range(n)
        for j, severity in enumerate(severities[:: 1 - 2 * (i % 2)])
    ]
    return table("AE", "USUBJID AESEQ AETERM AESEV AEREL AESTDTC AEDTC", *rows)


def test_what_tells_reports_of_an_event_apart_is_a_key_too() -> None:
    """Severity differs in all of 30 pairs, of which half would agree by chance; in 12 that may be an accident."""
    dm = table("DM", "USUBJID SEX ARM", *((f"{i:02}", "F", "A") for i in range(30)))

    def other_keys(ae: Dataset) -> tuple[tuple[str, ...], ...]:
        return find_structure(study(dm, ae)).datasets["AE"].other_keys

    assert find_structure(study(dm, _told_twice(30, ("MILD", "SEVERE")))).datasets["AE"].keys == ("USUBJID", "AEDTC")
    assert other_keys(_told_twice(30, ("MILD", "SEVERE"))) == (("USUBJID", "AETERM", "AESTDTC", "AESEV"),)
    assert other_keys(_told_twice(12, ("MILD", "SEVERE"))) == ()
    assert other_keys(_told_twice(30, ("MILD", "MILD"))) == ()


def test_parents_of_supplements() -> None:
    def lab(name: str, subject: str) -> Dataset:
        return table(name, "DOMAIN USUBJID LBTESTCD LBORRES", ("LB", subject, "ALT", "1"))

    def supplement(name: str) -> Dataset:
        return table(name, "RDOMAIN USUBJID IDVAR IDVARVAL QNAM QVAL", ("LB", "02", "LBSEQ", "1", "LBX", "Y"))

    found = find_structure(study(DM, lab("LBCH", "01"), lab("LBHE", "02"), supplement("SUPPLBCH"), supplement("SUPPLB")))
    assert found.datasets["SUPPLBCH"].parent == "LBCH"
    assert found.datasets["SUPPLB"].parent == "LBHE"  # the one with subjects in common
    assert found.datasets["SUPPLB"].prefix == "LB"
    alone = find_structure(study(DM, supplement("SUPPEG")))
    assert any("SUPPEG: the study has no dataset that it qualifies" in note for note in alone.notes)


@pytest.mark.parametrize(("names", "said"), [("COREF", "COREF; nothing can be learned of it"), ("COREF COVAL", "of them")])
def test_columns_without_a_cell_are_told_in_their_number(names: str, said: str) -> None:
    """One is it, two are them."""
    found = find_structure(study(DM, table("CM", f"USUBJID CMTRT {names}", ("01", "ASPIRIN", *[""] * len(names.split())))))
    assert [note for note in found.notes if note.startswith("CM: no cell is filled in COREF") and note.endswith(f"{said}.")]


def test_one_subject_one_domain_and_no_rows() -> None:
    one = find_structure(study(table("DM", "USUBJID AGE", ("01", 50))))
    assert one.datasets["DM"].keys == ("USUBJID",)
    alone = find_structure(study(planted_study()["VS"]))
    assert alone.subjects == ""
    assert any("No dataset has one row a subject" in note for note in alone.notes)
    empty = find_structure(study(DM, table("AE", "USUBJID AETERM")))
    assert empty.datasets["AE"].n_rows == 0
    assert any(note.startswith("AE: no rows") for note in empty.notes)


def test_what_cannot_be_a_study_is_refused_in_a_sentence() -> None:
    with pytest.raises(StudyError, match=r"No dataset \(of 1: DM\) has a row"):
        find_structure(study(table("DM", "USUBJID AGE")))
    with pytest.raises(StudyError, match=r"No dataset \(of 1: TA\) has a variable that names the subject; add USUBJID"):
        find_structure(study(table("TA", "ARMCD ARM", ("A", "Arm A"))))


def test_the_pilot(pilot_folder) -> None:  # type: ignore[no-untyped-def]
    """Kinds, keys and parents of the CDISC pilot study's 31 datasets, as its define.xml and the SDTMIG describe them."""
    found = find_structure(read_study(pilot_folder), derivations=False)
    assert found.subjects == "DM"
    kinds = {name: d.kind for name, d in found.datasets.items()}
    assert all(kinds[name] is Kind.FINDINGS for name in kinds if name[:2] in ("LB", "QS", "SC", "VS"))
    assert all(kinds[name] is Kind.QUALIFIERS for name in kinds if name.startswith("SUPP"))
    assert all(kinds[name] is Kind.REFERENCE for name in ("TA", "TE", "TI", "TS", "TV"))
    assert [kinds[name] for name in ("DM", "SV", "SE", "RELREC")] == [Kind.SUBJECTS, Kind.SCHEDULE, Kind.STATES, Kind.LINKS]
    assert all(kinds[name] is Kind.EVENTS for name in ("AE", "MH", "DS"))
    assert all(kinds[name] is Kind.INTERVENTIONS for name in ("CM", "EX"))
    assert found.datasets["LBCH"].keys == ("USUBJID", "LBTESTCD", "VISITNUM")
    assert found.datasets["SUPPLBUR"].parent == "LBUR"


def test_keys_of_supplemental_qualifiers_are_those_of_the_standard() -> None:
    """One row does not make the subject the key: a subject may have a qualifier of each of its records (SDTMIG 3.4, 8.4)."""
    row = {"RDOMAIN": "AE", "USUBJID": "S-1", "IDVAR": "AESEQ", "IDVARVAL": "1", "QNAM": "AETRTEM", "QVAL": "Y"}
    ae = Dataset.from_frame("AE", pd.DataFrame({"DOMAIN": ["AE"], "USUBJID": ["S-1"], "AESEQ": [1.0], "AETERM": ["RASH"]}))
    found = find_structure(study(DM, ae, Dataset.from_frame("SUPPAE", pd.DataFrame([row]))))
    assert found.datasets["SUPPAE"].keys == ("USUBJID", "RDOMAIN", "IDVAR", "IDVARVAL", "QNAM")
