"""Datasets that name no subject: which are copied, and which are left out."""

from __future__ import annotations

import pandas as pd
import pytest

from replicator.profile.find import find_structure
from replicator.study_model.plan import without_persons
from replicator.tables.dataset import Dataset, Study

N = 40


def study(**more: pd.DataFrame) -> Study:
    """Forty subjects, the arms of the plan, and what is given besides."""
    ids = [f"S-{i:03d}" for i in range(N)]
    frames = {
        "DM": pd.DataFrame({"STUDYID": "X", "DOMAIN": "DM", "USUBJID": ids, "SUBJID": [one[2:] + "A" for one in ids], "AGE": 40.0}),
        "TA": pd.DataFrame({"STUDYID": "X", "DOMAIN": "TA", "ARMCD": ["A", "B"], "ETCD": ["E1", "E2"]}),
        **more,
    }
    return Study({name: Dataset.from_frame(name, frame) for name, frame in frames.items()})


def kept(one: Study) -> tuple[list[str], tuple[str, ...]]:
    found, notes = without_persons(one, find_structure(one), 5)
    return list(found.datasets), notes


def test_the_design_stays() -> None:
    assert kept(study()) == (["DM", "TA"], ())


@pytest.mark.parametrize("variable", ["RSUBJID", "SUBJECT", "PATIENT"])
def test_identifiers_under_another_name_are_found(variable: str) -> None:
    """Relatives of subjects, by USUBJID or SUBJID; also where the standard knows the dataset as one of the design."""
    ids = [f"S-{i:03d}" for i in range(12)] if variable == "RSUBJID" else [f"{i:03d}A" for i in range(12)]
    for name in ("APMH", "NT", "TI"):
        names, notes = kept(study(**{name: pd.DataFrame({"STUDYID": "X", "DOMAIN": name, variable: ids, "NOTE": "mother"})}))
        assert names == ["DM", "TA"]
        assert notes[0].startswith(f"{name}: {variable} names 12 subjects, so nothing of its 12 rows is kept; ")


@pytest.mark.parametrize(("rows", "stays"), [(8, True), (9, False)])
def test_devices_are_kept_if_each_may_be_of_k_subjects(rows: int, stays: bool) -> None:
    devices = pd.DataFrame({"STUDYID": "X", "DOMAIN": "DI", "SPDEVID": [f"D{i}" for i in range(rows)], "DIVAL": "x"})
    names, notes = kept(study(DI=devices))
    assert ("DI" in names) is stays
    assert bool(notes) is not stays


def test_what_no_standard_knows_is_left_out_and_told() -> None:
    names, notes = kept(study(ZZ=pd.DataFrame({"CODE": ["1", "2"], "TEXT": ["one", "two"]})))
    assert names == ["DM", "TA"]
    assert notes == (
        "ZZ: it names no subject and is of no dataset of the trial's design, so nothing of its 2 rows is kept; "
        "give it USUBJID if it is about subjects, or add it to the sample if it is not.",
    )


def test_numbers_of_visits_are_no_identifiers() -> None:
    """Subjects are numbered 1 to 40, and so are visits of the plan."""
    one = study(TV=pd.DataFrame({"STUDYID": "X", "DOMAIN": "TV", "VISITNUM": [1.0, 2.0, 3.0], "VISIT": ["V1", "V2", "V3"]}))
    dm = one["DM"].to_frame().assign(SUBJID=[str(i + 1) for i in range(N)])
    numbered = Study({**one.datasets, "DM": Dataset.from_frame("DM", dm)})
    assert kept(numbered) == (["DM", "TA", "TV"], ())


@pytest.mark.parametrize(
    ("variable", "cells"),
    [
        ("WHO", ["001", "002", "003"]),  # numbers that begin with a zero are no counts
        ("SUBJNO", ["1", "2", "3"]),  # named as a subject's
        ("TSVAL", ["by hand", "investigated: S-004; S-017.", "none"]),
        ("TSVAL", ["by hand", "see LONG-0007", "none"]),  # one long identifier is enough
    ],
)
def test_short_numbers_and_identifiers_within_texts_are_found(variable: str, cells: list[str]) -> None:
    one = study(TS=pd.DataFrame({"STUDYID": "X", "DOMAIN": "TS", variable: cells}))
    numbers = [f"{i + 1:03d}" if variable == "WHO" else str(i + 1) for i in range(N)]
    dm = one["DM"].to_frame().assign(SUBJID=numbers)
    dm.loc[39, "USUBJID"] = "LONG-0007"
    names, notes = kept(Study({**one.datasets, "DM": Dataset.from_frame("DM", dm)}))
    assert names == ["DM", "TA"]
    assert notes[0].startswith(f"TS: {variable} names ")


@pytest.mark.parametrize(("holders", "stays"), [(1, False), (4, False), (5, True)])
def test_devices_of_few_subjects_are_left_out(holders: int, stays: bool) -> None:
    """Rows of subjects say whose each of three devices is."""
    one = study(DI=pd.DataFrame({"STUDYID": "X", "DOMAIN": "DI", "SPDEVID": [f"SN-{i}" for i in range(3)], "DIVAL": "x"}))
    who = one["DM"].text("USUBJID").strings()[: 3 * holders]
    exposed = pd.DataFrame({"STUDYID": "X", "DOMAIN": "DX", "USUBJID": who, "SPDEVID": [f"SN-{i % 3}" for i in range(3 * holders)]})
    exposed = exposed.assign(DXTRT="IMPLANT", DXSEQ=1.0)
    names, notes = kept(Study({**one.datasets, "DX": Dataset.from_frame("DX", exposed)}))
    assert ("DI" in names) is stays
    assert stays or notes[0].startswith(
        "DI: SPDEVID has 3 values that fewer than 5 subjects have, so nothing of its 3 rows is kept"
    )
