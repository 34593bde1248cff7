"""Finished datasets: identifiers, numbers, derived variables, qualifiers and links."""

from __future__ import annotations

import functools

import numpy as np
import pytest

from replicator.profile.find import find_structure
from replicator.sampling.request import Request
from replicator.study_model.fitting import fit_study_model
from replicator.tables.dataset import Study
from replicator.tables.dates import parse_dates, study_day

from ...properties.blueprint import Blueprint
from ...properties.strategies import build_study


@functools.cache
def both() -> tuple[Study, Study]:
    """A source, and 80 subjects of its model."""
    source = build_study(Blueprint(n=80))
    return source, Request(fit_study_model(source, find_structure(source)), 80, 2).study()


NAMES = [d.name for d in build_study(Blueprint(n=3)).datasets.values()]


@pytest.mark.parametrize("name", NAMES)
def test_datasets_have_the_sources_variables_and_identifiers(name: str) -> None:
    """Names, types and order of the source; subjects of the sample's DM; --SEQ from 1 without gaps."""
    source, sample = both()
    assert sample[name].variables == source[name].variables
    if "USUBJID" in sample[name]:
        frame = sample[name].to_frame()
        assert set(frame["USUBJID"]) <= set(sample["DM"].text("USUBJID").strings())
        if f"{name}SEQ" in frame:
            assert (frame.groupby("USUBJID").cumcount() + 1 == frame[f"{name}SEQ"]).all()
        for constant in ("STUDYID", "DOMAIN"):
            assert constant not in frame or set(frame[constant]) <= set(source[name].text(constant).strings())


def test_study_days_follow_from_dates() -> None:
    """In every dataset that has them, without a day 0."""
    _, sample = both()
    dm = sample["DM"]
    place = {one: i for i, one in enumerate(dm.text("USUBJID").strings().tolist())}
    reference = parse_dates(dm.text("RFSTDTC")).full_day
    for name, date, day in (("VS", "VSDTC", "VSDY"), ("LB", "LBDTC", "LBDY"), ("SV", "SVSTDTC", "SVSTDY")):
        table = sample[name]
        own = reference[[place[one] for one in table.text("USUBJID").strings()]]
        np.testing.assert_array_equal(study_day(parse_dates(table.text(date)).full_day, own), table.numbers(day))


def test_written_results_agree_with_their_numbers() -> None:
    """--ORRES, --STRESC and --STRESN tell the same."""
    _, sample = both()
    vs = sample["VS"]
    np.testing.assert_array_equal(vs.numbers("VSORRES"), vs.numbers("VSSTRESN"))
    assert vs.text("VSORRES").strings().tolist() == vs.text("VSSTRESC").strings().tolist()


def test_what_is_about_nobody_is_copied() -> None:
    """The trial design is the source's, cell by cell."""
    source, sample = both()
    for name in source["TA"].names:
        assert sample["TA"].text(name).strings().tolist() == source["TA"].text(name).strings().tolist()


def test_one_baseline_a_subject_and_test() -> None:
    """Every subject and test with results has one flagged row at most, before or on the first dose."""
    _, sample = both()
    flagged = sample["VS"].to_frame().query("VSBLFL == 'Y'")
    assert not flagged[["USUBJID", "VSTESTCD"]].duplicated().any()
    assert (flagged["VSDY"] <= 1).all()
