"""The results of a study: what is planted is found, other real subjects agree as often as they should, and nobody is shown."""

from __future__ import annotations

import json
from functools import cache

import numpy as np
import pandas as pd
import pytest

from replicator.evaluation.endpoints.arms import find_arms
from replicator.evaluation.endpoints.endpoint import Endpoint, EndpointKind
from replicator.evaluation.endpoints.endpoints import Endpoints, compare_endpoints
from replicator.evaluation.endpoints.shifts import LAST, WORST
from replicator.evaluation.sharing import FEWEST_SHARED
from replicator.evaluation.stack import stack_studies
from replicator.evaluation.timeline import Timeline
from replicator.evaluation.verdict import Grade, judge_figure
from replicator.profile.plain import from_plain, to_json_text
from replicator.tables.dataset import Dataset, Study

from .made_study import made_study


def with_indicators(study: Study, above: float = 35.0) -> Study:
    """Tell results over a limit HIGH, and flag the second visit as the baseline."""
    frame = study["LB"].to_frame()
    high = (frame["LBSTRESN"] > above) & (frame["LBTESTCD"] == "ALT")
    frame["LBNRIND"] = np.where(high, "HIGH", "NORMAL")
    frame["LBBLFL"] = np.where(frame["VISITNUM"] == 2, "Y", "")
    return study.with_datasets([Dataset.from_frame("LB", frame) if one.name == "LB" else one for one in study.datasets.values()])


def told(source: Study, sample: Study) -> Endpoints:
    stack = stack_studies(source, sample)
    return compare_endpoints(stack, Timeline(stack))


def one_of(found: Endpoints, kind: EndpointKind, name: str, time: str = "", arm: str = "Active", against: str = "") -> Endpoint:
    return next(one for one in found.of(kind) if (one.name, one.time, one.arm, one.against) == (name, time, arm, against))


@cache
def of_draws() -> Endpoints:
    return told(with_indicators(made_study(1, 400)), with_indicators(made_study(2, 400)))


def test_the_reference_arm_is_the_one_that_says_so() -> None:
    arms = find_arms(stack_studies(made_study(1), made_study(2)))
    assert arms.names == ("Active", "Placebo")
    assert arms.names[arms.control] == "Placebo"
    assert "by its name" in arms.reason


def test_without_a_name_the_largest_arm_is_the_reference() -> None:
    frame = made_study(1)["DM"].to_frame()
    frame["ARM"] = np.where(frame.index % 3 == 0, "Dose 1", "Dose 2")
    study = made_study(1).with_datasets([Dataset.from_frame("DM", frame)])
    arms = find_arms(stack_studies(study, study))
    assert arms.names[arms.control] == "Dose 2"
    assert "largest" in arms.reason


def test_an_arm_that_was_never_treated_is_none() -> None:
    frame = made_study(1)["DM"].to_frame()
    frame["RFXSTDTC"] = frame["RFSTDTC"]
    frame.loc[:19, ["ARM", "RFXSTDTC"]] = ["Screen Failure", ""]
    study = made_study(1).with_datasets([Dataset.from_frame("DM", frame)])
    assert find_arms(stack_studies(study, study)).names == ("Active", "Placebo")


def test_changes_are_those_of_a_plain_calculation() -> None:
    frame = with_indicators(made_study(1, 400))["LB"].to_frame().merge(made_study(1, 400)["DM"].to_frame()[["USUBJID", "ARM"]])
    alt = frame[frame["LBTESTCD"] == "ALT"].pivot(index=["USUBJID", "ARM"], columns="VISITNUM", values="LBSTRESN")
    change = (alt[5.0] - alt[2.0]).dropna()
    by_arm = {arm: change.xs(arm, level="ARM") for arm in ("Active", "Placebo")}
    found = one_of(of_draws(), EndpointKind.CHANGE, "LB ALT", "WEEK 8")
    assert found.source.value == pytest.approx(by_arm["Active"].mean())
    assert found.source.n == len(by_arm["Active"])
    difference = one_of(of_draws(), EndpointKind.CHANGE, "LB ALT", "WEEK 8", against="Placebo")
    assert difference.source.value == pytest.approx(by_arm["Active"].mean() - by_arm["Placebo"].mean())
    assert difference.source.p < 1e-6
    assert difference.sign_kept and difference.inside


def test_the_last_before_the_reference_day_is_the_baseline_without_flags() -> None:
    """Flags stand at the visit on the reference day."""
    plain = told(made_study(1, 400), made_study(2, 400))
    one, other = (one_of(found, EndpointKind.CHANGE, "LB ALT", "WEEK 8") for found in (plain, of_draws()))
    assert (one.source.value, one.source.interval, one.source.n) == (other.source.value, other.source.interval, other.source.n)


def test_incidences_are_shares_of_subjects_of_the_arm() -> None:
    study = made_study(1, 400)
    arm = study["DM"].to_frame().set_index("USUBJID")["ARM"]
    ae = study["AE"].to_frame()
    having = ae.loc[ae["AEDECOD"] == "NAUSEA", "USUBJID"].drop_duplicates().map(arm).value_counts()
    found = one_of(of_draws(), EndpointKind.INCIDENCE, "AE NAUSEA")
    assert found.source.value == pytest.approx(having["Active"] / (arm == "Active").sum())
    assert one_of(of_draws(), EndpointKind.INCIDENCE, "AE any").source.value > found.source.value


def test_shifts_are_shares_of_those_with_the_indicator_at_baseline() -> None:
    frame = with_indicators(made_study(1, 400))["LB"].to_frame().merge(made_study(1, 400)["DM"].to_frame()[["USUBJID", "ARM"]])
    frame = frame[(frame["LBTESTCD"] == "ALT") & (frame["ARM"] == "Active")].sort_values("VISITNUM")
    normal = frame.loc[(frame["VISITNUM"] == 2) & (frame["LBNRIND"] == "NORMAL"), "USUBJID"]
    after = frame[(frame["VISITNUM"] > 2) & frame["USUBJID"].isin(normal)].groupby("USUBJID")["LBNRIND"]
    for when, high in ((LAST, after.last() == "HIGH"), (WORST, after.apply(lambda one: (one == "HIGH").any()))):
        found = one_of(of_draws(), EndpointKind.SHIFT, "LB ALT NORMAL to HIGH", when)
        assert found.source.value == pytest.approx(high.mean())
        assert found.source.n == len(high)


def test_other_real_subjects_agree_as_often_as_expected() -> None:
    for figure in of_draws().figures:
        assert judge_figure(figure).grade is Grade.FINE, figure
    inside = of_draws().figures[0]
    assert inside.value == pytest.approx(inside.target, abs=0.12)
    assert of_draws().leaving == "discontinuation"


def test_a_larger_sample_has_more_inside() -> None:
    """Its interval is as wide as with the source's size, and its own noise is less."""
    found = told(with_indicators(made_study(1, 150)), with_indicators(made_study(2, 3000)))
    small = told(with_indicators(made_study(1, 150)), with_indicators(made_study(2, 150)))
    assert found.figures[0].target > small.figures[0].target + 0.05
    assert found.figures[0].value > 0.85


@pytest.mark.parametrize(("lost", "kind"), [({"arm_effect": -3.0}, EndpointKind.CHANGE), ({"rash": 0.6}, EndpointKind.INCIDENCE)])
def test_a_planted_difference_is_told_by_its_kind(lost: dict[str, float], kind: EndpointKind) -> None:
    found = told(with_indicators(made_study(1, 400)), with_indicators(made_study(2, 400, **lost)))
    before = {one.kind: one.compatible for one in of_draws().agreements}
    after = {one.kind: one.compatible for one in found.agreements}
    assert after[kind] < before[kind] - 0.2
    assert after[EndpointKind.STAYING] == before[EndpointKind.STAYING]


def test_an_effect_that_is_turned_round_loses_its_signs() -> None:
    found = told(made_study(1, 400, arm_effect=3.0), made_study(2, 400, arm_effect=-3.0))
    signs = found.figures[1]
    assert signs.target > 0.9 > 0.7 > signs.value
    turned = [one for one in found.of(EndpointKind.CHANGE) if one.sign_kept is False]
    assert {(one.name, one.time) for one in turned} >= {("LB ALT", "WEEK 4"), ("LB ALT", "WEEK 8")}
    assert "LB ALT" in signs.offenders[0].name and "Active less Placebo" in signs.offenders[0].name


def test_who_leaves_earlier_is_told() -> None:
    """In the sample everybody of the active arm leaves within 30 days."""
    sample = made_study(2, 400)
    frame = sample["DM"].to_frame()
    early = (frame["ARM"] == "Active").to_numpy()
    days = pd.to_timedelta(np.random.default_rng(3).integers(2, 30, len(frame)), unit="D")
    left = (pd.to_datetime(frame["RFSTDTC"]) + days)[early].dt.strftime("%Y-%m-%d")
    ds = sample["DS"].to_frame()
    ds.loc[early, ["DSDECOD", "DSTERM"]] = "OTHER"
    ds.loc[early, "DSSTDTC"] = left  # the participation goes on: they are seen to the end
    changed = {"DS": Dataset.from_frame("DS", ds)}
    found = told(made_study(1, 400), sample.with_datasets([changed.get(one.name, one) for one in sample.datasets.values()]))
    ratio = next(one for one in found.of(EndpointKind.HAZARD))
    assert ratio.source.interval.low < 1.0 < ratio.source.interval.high
    assert ratio.sample.interval.low > 3.0
    assert not ratio.inside and not ratio.compatible
    staying = {(one.arm, one.time): one for one in found.of(EndpointKind.STAYING)}
    assert all(one.inside for (arm, _), one in staying.items() if arm == "Placebo")
    assert not any(one.inside for (arm, _), one in staying.items() if arm == "Active")


def test_small_counts_of_the_source_are_not_shown() -> None:
    found = told(with_indicators(made_study(1, 60, rash=0.1), 38.0), with_indicators(made_study(2, 60, rash=0.1), 38.0))
    for one in found.of(EndpointKind.INCIDENCE, EndpointKind.SHIFT):
        if not one.against and np.isfinite(one.source.value):
            count = round(one.source.value * one.source.n)
            assert count == 0 or count >= FEWEST_SHARED
            assert count == one.source.n or one.source.n - count >= FEWEST_SHARED
    hidden = [one for one in found.of(EndpointKind.INCIDENCE) if np.isnan(one.source.value)]
    assert hidden and all(np.isfinite(one.sample.value) for one in hidden)
    assert all(one.source.n >= FEWEST_SHARED for one in found.entries)


def test_endpoints_survive_json() -> None:
    text = to_json_text(of_draws())
    assert to_json_text(from_plain(Endpoints, json.loads(text), "Endpoints")) == text


@pytest.mark.parametrize("kept", [("LB",), ("AE",), ("DM",), ("DS", "DM"), ("SV",), ("LB", "AE")])
def test_a_study_of_few_datasets_has_what_can_be_told(kept: tuple[str, ...]) -> None:
    found = told(*(Study({name: made_study(seed, 8)[name] for name in kept}) for seed in (4, 5)))
    assert all(one.n > 0 for one in found.agreements)
    assert all(figure.note for figure in found.figures if np.isnan(figure.value))


def test_without_dates_and_flags_results_stand_for_changes() -> None:
    studies = []
    for seed in (1, 2):
        frame = made_study(seed)["LB"].to_frame().drop(columns=["LBDTC"])
        studies.append(Study({"LB": Dataset.from_frame("LB", frame)}))
    found = told(*studies)
    assert {one.kind for one in found.entries} == {EndpointKind.RESULT}
    assert {one.arm for one in found.entries} == {""}
