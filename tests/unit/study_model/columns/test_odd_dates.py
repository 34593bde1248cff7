"""Dates that do not exist keep their share, and are made impossible in their own way."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from replicator.config import FitConfig
from replicator.profile.find import find_structure
from replicator.study_model.columns.odd_dates import Fault, code_dates, write_dates
from replicator.study_model.findings.part import FindingsPart
from replicator.study_model.source import read_source
from replicator.tables.dataset import Dataset, Numbers, Study, Text, Variable
from replicator.tables.dates import Precision, parse_dates

FAULTS = (Fault.MONTH_ZERO, Fault.MONTH_HIGH, Fault.DAY_ZERO, Fault.DAY_HIGH)


def _coded(texts: list[str], k: int = 3) -> tuple[list[int], tuple[str, ...], int]:
    column = Text.of(texts)
    codes, kept, lost = code_dates(column, parse_dates(column), np.arange(len(texts)), k)
    return codes.tolist(), kept, lost


def test_what_is_wrong_with_a_date() -> None:
    """Days after the month's last, months and days 0, months after the twelfth; dates that exist keep their precision."""
    texts = ["2020-02-30", "2021-04-31", "2019-02-29", "2020-00-11", "2020-00-12", "2020-00-13", "2020-13-01", "2020-14-01"]
    texts += ["2020-20-02", "2020-05-00", "2020-06-00", "2020-07-00", "2020-05-04", "2020-05", ""]
    codes, kept, lost = _coded(texts)
    assert codes[:3] == [Fault.DAY_HIGH] * 3
    assert codes[3:6] == [Fault.MONTH_ZERO] * 3
    assert codes[6:9] == [Fault.MONTH_HIGH] * 3
    assert codes[9:12] == [Fault.DAY_ZERO] * 3
    assert codes[12:] == [Precision.DAY, Precision.MONTH, Precision.MISSING]
    assert (kept, lost) == ((), 0)


def test_words_are_kept_only_if_enough_subjects_share_them() -> None:
    """UNKNOWN, of three subjects, stays; a word of one, and a fault of two, are missing and counted."""
    codes, kept, lost = _coded(["UNKNOWN"] * 3 + ["asked the sister", "2020-02-30", "2020-02-31", "2020-03-01"])
    assert kept == ("UNKNOWN",)
    assert codes == [Fault.TEXTS] * 3 + [Precision.MISSING] * 3 + [Precision.DAY]
    assert lost == 3


@given(st.integers(-20000, 40000), st.sampled_from(FAULTS))
def test_a_day_made_impossible_does_not_exist_and_has_the_fault(day: int, fault: Fault) -> None:
    """It is no date, and is wrong in the way that was asked for."""
    column = write_dates(np.array([float(day)]), np.array([np.nan]), np.array([int(fault)]), ())
    assert parse_dates(column).precision.tolist() == [Precision.TEXT]
    (text,) = column.strings().tolist()
    several = Text.of([text, text + "T10:00", text + "T11"])
    codes, _, _ = code_dates(several, parse_dates(several), np.arange(3), 3)
    assert codes.tolist() == [fault] * 3


def _visits(dates: list[str]) -> tuple[FindingsPart, tuple[str, ...], Text]:
    """Blood pressure of 200 subjects at one visit on these dates."""
    n = len(dates)
    ids = [f"S-{i:03d}" for i in range(n)]
    text = {"STUDYID": ["S"] * n, "DOMAIN": ["VS"] * n, "USUBJID": ids, "VSTESTCD": ["SYSBP"] * n, "VSDTC": dates}
    number = {"VSSTRESN": np.round(np.random.default_rng(1).normal(120, 10, n)), "VISITNUM": np.ones(n)}
    variables = tuple(map(Variable, text)) + tuple(Variable(name, type="num") for name in number)
    cells = {name: Text.of(v) for name, v in text.items()} | {name: Numbers(v) for name, v in number.items()}
    dm = {
        "STUDYID": Text.of(["S"] * n),
        "DOMAIN": Text.of(["DM"] * n),
        "USUBJID": Text.of(ids),
        "RFSTDTC": Text.of(f"2020-{i % 12 + 1:02d}-{i % 28 + 1:02d}" for i in range(n)),
    }
    study = Study({"DM": Dataset("DM", tuple(map(Variable, dm)), dm), "VS": Dataset("VS", variables, cells)})
    structure = find_structure(study)
    source = read_source(study, structure)
    fitted = FindingsPart.fit(source.datasets["VS"], structure.datasets["VS"], source.subject["VS"], source.spine, FitConfig())
    assert isinstance(fitted.part, FindingsPart)
    drawn = fitted.part.sample(source.spine, np.random.default_rng(2)).columns["VSDTC"]
    assert isinstance(drawn, Text)
    return fitted.part, fitted.notes, drawn


def test_a_share_of_impossible_dates_comes_back() -> None:
    """A fifth of the measurements is dated on days after the month's last: so are those of the sample, and no date is copied."""
    dates = [f"20{i // 7 % 10 + 10}-{i % 12 + 1:02d}-{32 + i % 7 if i % 5 == 0 else i % 28 + 1:02d}" for i in range(200)]
    _, notes, drawn = _visits(dates)
    odd = parse_dates(drawn).precision == Precision.TEXT
    assert odd.mean() == pytest.approx(0.2, abs=4 * np.sqrt(0.2 * 0.8 * 2 / 200))
    assert not any("no dates" in note for note in notes)


def test_dates_none_of_which_exists_are_named() -> None:
    """Where all dates are the 30th of February a note says so, and the sample has them too."""
    _, notes, drawn = _visits(["2020-02-30"] * 200)
    assert set(drawn.strings().tolist()) == {"2020-02-30"}
    assert any("VS.VSDTC: none of its 200 cells is a date that exists" in note for note in notes)
