"""Giveaways: a study beside another draw of itself shows none; each planted one is caught by the figure that should catch it."""

from __future__ import annotations

from functools import cache

import numpy as np
import pandas as pd
import pytest

from replicator.errors import StudyError
from replicator.evaluation.features import feature_table
from replicator.evaluation.giveaways.giveaways import Giveaways, find_giveaways
from replicator.evaluation.stack import stack_studies
from replicator.evaluation.timeline import Timeline
from replicator.evaluation.verdict import Grade, judge_giveaway
from replicator.tables.dataset import Dataset, Study

from .reviewed_study import reviewed_study


def found(source: Study, sample: Study, holdout: Study | None = None) -> Giveaways:
    stack = stack_studies(source, sample, holdout)
    timeline = Timeline(stack)
    return find_giveaways(stack, timeline, feature_table(stack, timeline), np.random.default_rng(0))


def shown(giveaways: Giveaways) -> set[str]:
    return {one.figure.name for one in giveaways.shown}


@cache
def source() -> Study:
    return reviewed_study(1)


@pytest.mark.parametrize("seed", [2, 3, 4])
def test_another_draw_of_the_study_shows_nothing(seed: int) -> None:
    giveaways = found(source(), reviewed_study(seed))
    assert not giveaways.shown
    assert len(giveaways.told) > 30
    inside = [one.expected.low <= one.figure.value <= one.expected.high for one in giveaways.told]
    assert np.mean(inside) > 0.85


PLANTS: list[tuple[dict[str, float | bool], str, int]] = [
    ({"weekends": True}, "visits on quiet days of the week", 1),
    ({"weekends": True}, "days of the week", 1),
    ({"jitter": 0.8}, "days from the plan", -1),
    ({"jitter": 0.8}, "visits on the planned day", 1),
    ({"sites_alike": True}, "sites apart in keeping to the plan", -1),
    ({"on_the_minute": True}, "minutes at fives", -1),
    ({"on_the_minute": True}, "minutes at quarters", -1),
    ({"night": True}, "hours of the day", 1),
    ({"all_digits": True}, "LB round values by site", -1),
    ({"any_laboratory": True}, "LB round values by device", -1),
    ({"all_digits": True}, "LB round values by device", -1),
    ({"all_digits": True}, "LB last digits", 1),
    ({"all_digits": True}, "LB round values", -1),
    ({"decimals": 2}, "LB decimals", 1),
    ({"repeats": 0.0}, "LB values repeated", -1),
    ({"baseline_sd": 0.5}, "LB spread of baselines", -1),
    ({"outliers": 0.0}, "LB outliers", -1),
    ({"outliers": 0.08}, "LB outliers", 1),
    ({"skipped": 0.0}, "LB complete panels", 1),
    ({"skipped": 0.0}, "LB tests present", 1),
    ({"clustered": False}, "AE rows by subject", -1),
    ({"on_visit_days": 0.0}, "AE begun on a visit day", -1),
    ({"together": 0.0}, "AE begun on one day", -1),
    ({"agreeing": False}, "AE qualifiers together", 1),
    ({"agreeing": False}, "AE qualifiers never seen together", 1),
    ({"related_by_arm": 0.5}, "AE relation to treatment by arm", 1),
    ({"withdrawn": 0.1}, "left for an event that stopped treatment", -1),
    ({"indicated": 0.0}, "CM indications that the subject has", -1),
    ({"suited": False}, "CM indications that go with the medicine", -1),
    ({"agreeing": False}, "AE AESEV with AESER", -1),
    ({"traced": 0.0}, "deaths with a fatal event", -1),
    ({"traced": 0.0}, "deaths in the disposition", -1),
]


@cache
def planted(plant: tuple[tuple[str, float | bool], ...]) -> Giveaways:
    return found(source(), reviewed_study(2, **dict(plant)))


@pytest.mark.parametrize(("plant", "name", "sign"), PLANTS, ids=lambda one: str(one))
def test_what_is_planted_is_caught(plant: dict[str, float | bool], name: str, sign: int) -> None:
    giveaways = planted(tuple(plant.items()))
    one = next(one for one in giveaways.entries if one.figure.name == name)
    assert one.shows
    assert np.sign(one.effect) == sign
    assert judge_giveaway(one).grade in (Grade.NOTICEABLE, Grade.FINDING)
    assert not one.expected.low <= one.figure.value <= one.expected.high
    assert len(giveaways.shown) <= 4  # and little else


def test_a_holdout_is_the_target_and_the_source_stands_beside_it() -> None:
    giveaways = found(source(), reviewed_study(2, night=True, n=320), reviewed_study(3))
    one = next(one for one in giveaways.entries if one.figure.name == "hours of the day")
    assert one.shows
    assert one.figure.target == one.holdout
    assert abs(one.source - one.holdout) < 0.05 < one.figure.value - one.source
    assert shown(giveaways) == {"hours of the day"}


def visits_of_winter(seed: int, *, holiday: bool) -> Study:
    """Subjects who come every week of a winter; nobody on two days of it."""
    rng = np.random.default_rng(seed)
    n, weeks = 300, 8
    date = (np.datetime64("2021-11-22") + rng.integers(0, 30, n))[:, None] + 7 * np.arange(weeks)
    date = date.ravel()
    closed = np.isin(date, np.array(["2021-12-25", "2022-01-01"], "datetime64[D]"))
    date = np.where(closed & holiday, date + 1, date)
    frame = pd.DataFrame(
        {
            "STUDYID": "WINTER",
            "DOMAIN": "SV",
            "USUBJID": np.repeat([f"S-{i}" for i in range(n)], weeks),
            "VISITNUM": np.tile(np.arange(weeks) + 1.0, n),
            "SVSTDTC": date.astype(str),
        }
    )
    return Study({"SV": Dataset.from_frame("SV", frame)})


def test_visits_on_holidays_that_nobody_named_are_caught() -> None:
    source, other = visits_of_winter(1, holiday=True), visits_of_winter(2, holiday=True)
    assert "visits on holidays" not in shown(found(source, other))
    one = next(one for one in found(source, visits_of_winter(2, holiday=False)).shown if one.figure.name == "visits on holidays")
    assert one.source == 0.0
    assert one.figure.value == pytest.approx(2 / 79, abs=0.015)  # two days of about eleven weeks


def measured(seed: int, n: int = 100, *, ceiling: float = np.inf, spread: float = 1.0) -> Study:
    """One findings dataset alone, of many tests and without dates, visits and arms."""
    rng = np.random.default_rng(seed)
    tests = 40
    frame = pd.DataFrame(
        {
            "STUDYID": "ONE",
            "DOMAIN": "LB",
            "USUBJID": np.repeat([f"S-{i:03d}" for i in range(n)], tests),
            "LBTESTCD": np.tile([f"T{i:02d}" for i in range(tests)], n),
            "LBSTRESN": np.clip(spread * rng.normal(size=n * tests), -ceiling, ceiling).round(2),
            "LBSTAT": "",
        }
    )
    return Study({"LB": Dataset.from_frame("LB", frame)})


def test_tails_that_end_where_the_source_ends_are_caught() -> None:
    bounded = found(measured(1, ceiling=2.0), measured(2, ceiling=2.0))
    assert not bounded.shown  # a bound of the source itself is no giveaway
    samples = (measured(2, spread=0.8), measured(2, spread=1.3), measured(2, ceiling=1.8))
    short, long, piled = (found(measured(1), sample) for sample in samples)
    effects = [next(one for one in each.entries if one.figure.name == "extremes passed").effect for each in (short, long, piled)]
    assert effects[0] < -0.5 < 0.5 < effects[1]
    assert all("extremes passed" in shown(each) for each in (short, long, piled))
    assert "extremes passed" not in shown(found(measured(1), measured(2)))


def test_values_held_at_the_sources_extremes_are_caught() -> None:
    source = measured(1)
    frame = source["LB"].to_frame()
    ends = frame.groupby("LBTESTCD")["LBSTRESN"].agg(["min", "max"])
    sample = measured(2, spread=1.5)["LB"].to_frame()
    low, high = (sample["LBTESTCD"].map(ends[end]).to_numpy(float) for end in ("min", "max"))
    sample["LBSTRESN"] = np.clip(sample["LBSTRESN"].to_numpy(float), low, high)
    one = next(
        one
        for one in found(source, Study({"LB": Dataset.from_frame("LB", sample)})).entries
        if one.figure.name == "extremes reached"
    )
    assert one.shows
    assert one.figure.value > 0.3 > one.source


def test_what_a_study_lacks_is_said_and_never_called_fine() -> None:
    giveaways = found(measured(1, 12), measured(2, 12))
    assert not giveaways.shown
    assert giveaways.untold
    assert all(one.figure.note and not np.isfinite(one.figure.value) for one in giveaways.untold)
    assert {judge_giveaway(one).grade for one in giveaways.untold} == {Grade.UNKNOWN}
    names = {one.figure.name for one in giveaways.untold}
    assert {"visits on holidays", "sites apart in everything", "deaths in the disposition"} <= names


def test_eight_subjects_and_empty_columns_are_enough() -> None:
    study = reviewed_study(1, 8)
    lb = study["LB"].to_frame()
    empty = study.with_datasets(
        [
            Dataset.from_frame("LB", lb.assign(LBSTRESN=np.nan, LBSTRESC="", LBORRES="", LBDTC="")) if one.name == "LB" else one
            for one in study.datasets.values()
        ]
    )
    for source, sample in ((study, reviewed_study(2, 8)), (empty, empty), (study, empty), (empty, study)):
        giveaways = found(source, sample)
        assert all(one.figure.note for one in giveaways.untold)
        assert not any("LB" in one.figure.name for one in giveaways.told if sample is empty)
    with pytest.raises(StudyError, match="too few to compare"):
        found(reviewed_study(1, 6), reviewed_study(2, 6))


def test_nothing_that_few_share_is_named() -> None:
    study = reviewed_study(1)
    lb = study["LB"].to_frame()
    few = sorted(lb["USUBJID"].unique())[:4]
    lb.loc[lb["USUBJID"].isin(few) & (lb["LBTESTCD"] == "AST"), "LBTESTCD"] = "RARE1"
    lb.loc[lb["USUBJID"].isin(few), "LBCAT"] = "SECRET PANEL"
    lb.loc[lb["USUBJID"].isin(few), "VISIT"] = "HOME VISIT"
    secret = study.with_datasets([Dataset.from_frame("LB", lb) if one.name == "LB" else one for one in study.datasets.values()])
    told = repr(found(secret, reviewed_study(2)))
    assert "LB ALT" in told
    assert not any(word in told for word in ("RARE1", "SECRET PANEL", "HOME VISIT", *few))


def test_the_same_seed_tells_the_same() -> None:
    assert found(source(), reviewed_study(2)).told == found(source(), reviewed_study(2)).told


def test_the_summary_names_what_shows() -> None:
    assert "the sample shows none" in found(source(), reviewed_study(2)).summary()
    assert "hours of the day" in planted((("night", True),)).summary()
    assert Giveaways().summary() == "No giveaway of made data could be told of this study."


def aged(seed: int, low: float, high: float, n: int = 120) -> Study:
    """A study of subjects alone, whose ages lie evenly between two."""
    rng = np.random.default_rng(seed)
    age = rng.uniform(low, high, n).round()
    frame = pd.DataFrame(
        {
            "STUDYID": "ONE",
            "DOMAIN": "DM",
            "USUBJID": [f"S-{i:03d}" for i in range(n)],
            "SITEID": rng.integers(100, 900, n).astype(str),  # numbers by look, names by what they are
            "SEX": rng.choice(["F", "M"], n),
            "AGE": age,
        }
    )
    return Study({"DM": Dataset.from_frame("DM", frame)})


def test_ages_beyond_the_sources_are_caught() -> None:
    source = aged(1, 30.0, 40.0)
    assert not found(source, aged(2, 30.0, 40.0)).shown
    far = {one.figure.name: one for one in found(source, aged(2, 0.0, 80.0)).entries}
    assert far["extremes passed"].shows and far["DM AGE outliers"].shows
    assert far["DM AGE outliers"].figure.value == pytest.approx(45 / 80, abs=0.1)  # fences of 30 to 40: 17.5 and 52.5
    assert not any("SITEID" in name for name in far)
