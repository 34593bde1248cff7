"""What is learned from a sample holds for real subjects where the sample keeps what goes together, and only there."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from replicator.evaluation.features import feature_table
from replicator.evaluation.features_at_reference import features_at_reference
from replicator.evaluation.measures import Figure
from replicator.evaluation.stack import Stack, stack_studies
from replicator.evaluation.timeline import Timeline
from replicator.evaluation.utility import find_targets, utility_figures
from replicator.evaluation.verdict import Grade, judge_figure
from replicator.tables.dataset import Dataset, Study

from .made_study import made_study


def study(seed: int, n: int = 300, *, of_age: float = 1.0) -> Study:
    """Let subjects over 55 have no headache and others have one on day 5, as far as `of_age` says."""
    made = made_study(seed, n)
    rng = np.random.default_rng(seed)
    dm, ae = made["DM"].to_frame(), made["AE"].to_frame()
    drawn = np.where(rng.random(n) < of_age, dm["AGE"].to_numpy(float) < 55, rng.random(n) < 0.5)
    ae = ae[ae["AEDECOD"] != "HEADACHE"]
    first = pd.to_datetime(dm["RFSTDTC"])
    extra = pd.DataFrame({"USUBJID": dm["USUBJID"], "AESTDTC": (first + pd.Timedelta(days=5)).dt.strftime("%Y-%m-%d")})[drawn]
    extra = extra.assign(STUDYID="MADE", DOMAIN="AE", AESEQ=99.0, AETERM="HEADACHE", AEDECOD="HEADACHE", AESEV="MILD", AEENDTC="")
    ae = pd.concat([ae, extra[ae.columns]], ignore_index=True)
    return made.with_datasets([Dataset.from_frame("AE", ae) if one.name == "AE" else one for one in made.datasets.values()])


def stacked(*studies: Study) -> tuple[Stack, Timeline]:
    stack = stack_studies(*studies)
    return stack, Timeline(stack)


def figures(*studies: Study) -> dict[str, Figure]:
    stack, timeline = stacked(*studies)
    found = utility_figures(stack, timeline, feature_table(stack, timeline), np.random.default_rng(1))
    return {one.name: one for one in found}


def test_other_real_subjects_are_as_useful() -> None:
    found = figures(study(1), study(2), study(3))
    assert set(found) == {"leaving predicted", "event predicted", "change predicted, LB", "arm predicted"}
    by_lot = found.pop("leaving predicted")  # nothing tells who leaves
    assert judge_figure(by_lot).grade is Grade.UNKNOWN and "no better than a guess" in by_lot.note
    assert all(judge_figure(one).grade is Grade.FINE for one in found.values()), found
    event = found["event predicted"]
    assert event.target > 0.8 and event.value > 0.8 and event.n == 300
    assert "HEADACHE" in event.question
    assert found["arm predicted"].target > 0.6


@pytest.mark.parametrize("held_out", [True, False])
def test_a_lost_relation_is_lost_by_the_prediction_and_by_no_other(held_out: bool) -> None:
    studies = [study(1), study(2, of_age=0.0)] + ([study(3)] if held_out else [])
    found = figures(*studies)
    assert found["event predicted"].value < 0.65 < 0.8 < found["event predicted"].target
    assert judge_figure(found["event predicted"]).grade is Grade.FINDING
    assert judge_figure(found["change predicted, LB"]).grade is Grade.FINE
    assert bool(found["event predicted"].note) is not held_out


def test_the_same_generator_gives_the_same_figures() -> None:
    one, other = figures(study(1, 90), study(2, 90)), figures(study(1, 90), study(2, 90))
    assert {name: (f.value, f.target) for name, f in one.items()} == {name: (f.value, f.target) for name, f in other.items()}


def test_nothing_after_the_reference_day_is_a_feature() -> None:
    stack, timeline = stacked(study(1), study(2))
    known = features_at_reference(stack, timeline)
    assert {"DM AGE", "DM ARM Active", "LB ALT at baseline"} <= set(known.names)
    assert not [name for name in known.names if "RFENDTC" in name or "HEADACHE" in name]
    later = made_study(1)
    frame = later["LB"].to_frame()
    frame.loc[frame["VISITNUM"] > 2, "LBSTRESN"] += 1000.0
    changed = later.with_datasets([Dataset.from_frame("LB", frame) if one.name == "LB" else one for one in later.datasets.values()])
    both = [features_at_reference(*stacked(one, made_study(2))) for one in (later, changed)]
    np.testing.assert_array_equal(both[0].values, both[1].values)


def test_the_change_is_that_of_the_last_visit_that_half_came_to() -> None:
    stack, timeline = stacked(made_study(1, 120), made_study(2, 120))
    target = next(
        one for one in find_targets(stack, timeline, feature_table(stack, timeline)) if one.name == "change predicted, LB"
    )
    assert "WEEK 8" in target.question
    lb = made_study(1, 120)["LB"].to_frame()
    alt = lb[lb["LBTESTCD"] == "ALT"].pivot(index="USUBJID", columns="VISITNUM", values="LBSTRESN")
    ast = lb[lb["LBTESTCD"] == "AST"].pivot(index="USUBJID", columns="VISITNUM", values="LBSTRESN")
    ours = np.sort(target.values[(stack.origin == 0) & np.isfinite(target.values)])
    assert any(np.allclose(ours, np.sort((one[5.0] - one[2.0]).dropna())) for one in (alt, ast))


@pytest.mark.parametrize("kept", [("LB",), ("AE",), ("DM",), ("DM", "DS"), ("SV",)])
def test_what_cannot_be_predicted_is_said(kept: tuple[str, ...]) -> None:
    found = figures(*(Study({name: made_study(seed, 12)[name] for name in kept}) for seed in (4, 5)))
    assert all(np.isnan(one.value) and one.note for one in found.values())
