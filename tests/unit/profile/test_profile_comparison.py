"""Comparisons of profiles: planted changes are found with their size, and nothing else."""

from __future__ import annotations

import pytest

from replicator.errors import ReadError
from replicator.profile.compare import compare_profiles
from replicator.profile.differences import Change, Difference, ProfileComparison, share_change, shift, variation
from replicator.profile.profile import profile_study
from replicator.profile.study_profile import Level, Levels, Quantiles
from replicator.tables.dataset import Dataset, Study

from .profiled_studies import planted_study, study


def differences(before: Study, after: Study) -> list[Difference]:
    return list(compare_profiles(profile_study(before), profile_study(after)).differences)


def changed(whole: Study, name: str, **columns: object) -> Study:
    """Return the study with some columns of one dataset changed."""
    frame = whole[name].to_frame()
    for column, value in columns.items():
        frame[column] = value
    return study(*(Dataset.from_frame(name, frame) if d.name == name else d for d in whole.datasets.values()))


def test_a_study_does_not_differ_from_itself() -> None:
    assert differences(planted_study(), planted_study()) == []


def test_two_draws_of_one_study_hardly_differ() -> None:
    """Three standard errors let few of the hundred or so comparisons through."""
    found = differences(planted_study(n=200, seed=1), planted_study(n=200, seed=2))
    assert len([d for d in found if d.size > 0.2]) == 0


def test_a_planted_shift_is_found_with_its_size() -> None:
    """Eight kilograms are 0.78 standard deviations of a spread of 10.2."""
    found = differences(planted_study(n=200, seed=1), planted_study(n=200, seed=1, shift=8))
    weight = next(d for d in found if d.where == "VS.WEIGHT" and d.change is Change.DISTRIBUTION)
    assert weight.size == pytest.approx(8 / 10.2, abs=0.08)


def test_a_planted_incidence_is_found() -> None:
    found = differences(planted_study(n=300, rash=0.1), planted_study(n=300, rash=0.8))
    rash = next(d for d in found if d.change is Change.INCIDENCE and d.where == "AE.RASH")
    assert rash.size == pytest.approx(0.35, abs=0.08)  # half of the subjects are in the arm


def test_datasets_variables_tests_codes_labels_and_rules() -> None:
    before = planted_study()
    frame = before["VS"].to_frame()
    frame["VSPOS"] = "SITTING"
    frame.loc[frame.VSTESTCD == "HEIGHT", "VSSTRESU"] = "m"
    frame.loc[0, "VSTEST"] = "WEIGHT, misspelt"
    vs = Dataset.from_frame("VS", frame.drop(columns="VSORRES"), labels={"VSDTC": "Date of measurement"})
    after = study(before["DM"], before["SV"], vs)
    found = {(d.change, d.where): d for d in differences(before, after)}
    assert (Change.DATASET, "AE") in found
    assert found[Change.VARIABLE, "VS.VSPOS"].before == ""
    assert found[Change.VARIABLE, "VS.VSORRES"].after == ""
    assert found[Change.TEST, "VS.HEIGHT"].after == "unit m"
    assert found[Change.LABEL, "VS.VSDTC"].after == "Date of measurement"
    assert (Change.RULE, "VS.VSTEST") in found
    coded = changed(before, "DM", SEX=["U"] * 20 + ["F", "M"] * 20)
    assert found_codes(before, coded) == {"DM.SEX=U"}


def found_codes(before: Study, after: Study) -> set[str]:
    return {d.where for d in differences(before, after) if d.change is Change.CODE}


def test_missing_cells_and_partial_dates() -> None:
    before = planted_study()
    start = before["AE"].to_frame()["AESTDTC"]
    after = changed(changed(before, "AE", AESTDTC=[d[:7] for d in start]), "DM", AGE=[None] * 30 + [50.0] * 30)
    found = {d.where: d for d in differences(before, after) if d.change is Change.MISSING}
    assert found["AE.AESTDTC known to less than the day"].size == 1.0
    assert found["DM.AGE missing"].size == 0.5


def test_the_most_important_stands_first() -> None:
    before = planted_study()
    after = study(*(d for d in planted_study(shift=8).datasets.values() if d.name != "SV"))
    found = differences(before, after)
    assert (found[0].change, found[0].where) == (Change.DATASET, "SV")
    assert [d.importance for d in found] == sorted((d.importance for d in found), reverse=True)


def test_json_and_foreign_json() -> None:
    comparison = compare_profiles(profile_study(planted_study()), profile_study(planted_study(shift=9)))
    assert ProfileComparison.from_json(comparison.to_json()) == comparison
    with pytest.raises(ReadError):
        ProfileComparison.from_json("{}")


def test_shares_by_hand() -> None:
    """0.5 against 0.6 of 100: the standard error is sqrt(0.55 * 0.45 * 0.02) = 0.0704, three of them 0.211."""
    assert share_change(0.5, 100, 0.6, 100) is None
    assert share_change(0.5, 1000, 0.6, 1000) == pytest.approx(0.1)
    assert share_change(0.0, 100, 0.0, 100) is None


def test_shifts_by_hand() -> None:
    """One standard deviation apart in all quantiles; ten subjects a side have a standard error of 0.447."""
    one = Quantiles(10, 0.0, 1.0, -2, -1.6, -0.7, 0, 0.7, 1.6, 2)
    two = Quantiles(10, 1.0, 1.0, -1, -0.6, 0.3, 1, 1.7, 2.6, 3)
    assert shift(one, 10, two, 10) is None
    assert shift(one, 100, two, 100) == pytest.approx(1.0)
    constant = Quantiles(10, 3.0, 0.0, *[3.0] * 7)
    assert shift(constant, 10, constant, 10) is None
    assert shift(constant, 10, Quantiles(10, 4.0, 0.0, *[4.0] * 7), 10) == 1.0


def test_variation_by_hand() -> None:
    """Half F and half M against all F are half a unit apart; unnamed values stand together."""
    both = Levels((Level("F", 50, 50), Level("M", 50, 50)))
    only = Levels((Level("F", 100, 100),))
    assert variation(both, 100, only, 100) == pytest.approx(0.5)
    assert variation(both, 100, both, 100) is None
    assert variation(both, 100, Levels(()), 100) is None
