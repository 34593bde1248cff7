"""What arms are called: words of few subjects that are nobody's arm are gone, small arms stay."""

from __future__ import annotations

import pandas as pd
import pytest

from replicator.study_model.layout.arm_names import with_known_arms
from replicator.tables.dataset import Dataset

K = 5


def subjects(**cells: list[str]) -> Dataset:
    n = len(next(iter(cells.values())))
    return Dataset.from_frame("DM", pd.DataFrame({"USUBJID": [f"S-{i}" for i in range(n)], **cells}))


def design(arms: dict[str, str]) -> dict[str, Dataset]:
    return {"TA": Dataset.from_frame("TA", pd.DataFrame({"ARMCD": list(arms), "ARM": list(arms.values())}))}


def words(table: Dataset, variable: str) -> list[str]:
    return table.text(variable).strings().tolist()


def test_a_name_beside_a_code_with_another_name_is_that_of_most() -> None:
    table = subjects(ARM=["Active"] * 8 + ["Active (Dr X)"] * 2 + ["Placebo"] * 3, ARMCD=["A"] * 9 + ["AX"] + ["P"] * 3)
    found, notes = with_known_arms(table, {}, K)
    assert words(found, "ARM") == ["Active"] * 10 + ["Placebo"] * 3
    assert words(found, "ARMCD") == ["A"] * 10 + ["P"] * 3
    assert len(notes) == 2 and "1 in 2 subjects" in notes[0]


def test_what_the_design_does_not_name_is_unplanned_and_small_arms_of_it_stay() -> None:
    table = subjects(
        ARM=["Active"] * 6 + ["Placebo"] * 2 + ["Screen Failure", "as Dr X wished", "", "Other"],
        ARMCD=["A"] * 6 + ["P"] * 2 + ["SCRNFAIL", "DRX", "", ""],
    )
    found, _ = with_known_arms(table, design({"A": "Active", "P": "Placebo"}), K)
    assert words(found, "ARM")[6:] == ["Placebo", "Placebo", "Screen Failure", "Unplanned Treatment", "", "Unplanned Treatment"]
    assert words(found, "ARMCD")[6:] == ["P", "P", "SCRNFAIL", "UNPLAN", "", ""]


@pytest.mark.parametrize("few", [1, 2, 4])
def test_without_a_design_an_arm_of_few_subjects_is_one(few: int) -> None:
    table = subjects(ARM=["Active"] * 6 + ["High"] * few, ARMCD=["A"] * 6 + ["H"] * few)
    assert with_known_arms(table, {}, K) == (table, ())


def test_actual_arms_that_nobody_planned_are_called_so() -> None:
    table = subjects(
        ARM=["Active"] * 6 + ["Placebo"] * 6,
        ACTARM=["Active"] * 6 + ["both, by error of X", *["Placebo"] * 4, "Active"],
        ACTARMCD=["A"] * 6 + ["AX", *["P"] * 4, "A"],
        ARMCD=["A"] * 6 + ["P"] * 6,
    )
    found, notes = with_known_arms(table, {}, K)
    assert words(found, "ACTARM")[6:] == ["Unplanned Treatment", *["Placebo"] * 4, "Active"]
    assert words(found, "ACTARMCD")[6:] == ["UNPLAN", *["P"] * 4, "A"]
    assert len(notes) == 2
    assert with_known_arms(table, {}, 1) == (table, ())
