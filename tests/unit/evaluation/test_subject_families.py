"""What is planted in a sample is caught by the family that asks for it, and by no family that does not."""

from __future__ import annotations

from functools import cache

import numpy as np
import pandas as pd
import pytest

from replicator.evaluation.between_arms import arm_family
from replicator.evaluation.correlations import correlation_families
from replicator.evaluation.features import feature_table
from replicator.evaluation.measures import Family
from replicator.evaluation.occurrences import occurrence_families
from replicator.evaluation.retention import retention_family
from replicator.evaluation.splits import draw_splits
from replicator.evaluation.stack import stack_studies
from replicator.evaluation.timeline import Timeline
from replicator.evaluation.trajectories import trajectory_families
from replicator.evaluation.visit_cells import visit_cells
from replicator.tables.dataset import Dataset, Study

from .made_study import made_study

WITHIN, BETWEEN = "dependence within domains", "dependence between domains"
COURSE, SPREAD, MOMENTS, ATTENDANCE = "trajectories", "spread over time", "means and deviations", "attendance"
EVENTS, DAYS, QUALIFIERS, RETENTION, ARMS = "events", "event days", "event qualifiers", "retention", "differences between arms"


def families(source: Study, sample: Study, holdout: Study | None = None) -> dict[str, Family]:
    stack = stack_studies(source, sample, holdout)
    splits = draw_splits(stack.origin, np.random.default_rng(1))
    timeline = Timeline(stack)
    table, cells = feature_table(stack, timeline), visit_cells(stack, timeline)
    found = (
        *correlation_families(stack, splits, table, np.random.default_rng(2)),
        *trajectory_families(splits, cells),
        *occurrence_families(stack, splits, timeline),
        retention_family(stack, splits, timeline),
        arm_family(stack, splits, timeline, cells),
    )
    return {family.name: family for family in found}


@cache
def real(seed: int, n: int = 300) -> Study:
    return made_study(seed, n)


@pytest.mark.parametrize("holdout", [None, 3])
def test_the_same_process_scores_about_one(holdout: int | None) -> None:
    found = families(real(1), real(2), None if holdout is None else real(holdout))
    assert set(found) == {WITHIN, BETWEEN, COURSE, SPREAD, MOMENTS, ATTENDANCE, EVENTS, DAYS, QUALIFIERS, RETENTION, ARMS}
    for family in found.values():
        assert family.n_entries > 0
        assert family.lowest <= family.floor <= family.highest
        assert 0.7 < family.ratio < 1.4, family
        assert family.interval.low < 1.0 < family.interval.high, family
        assert all(one.sample - one.floor < SEEN for one in family.offenders), family.offenders


ONE_PAIR = (WITHIN, BETWEEN)  # a single correlation among hundreds moves no mean: it is told by its name
SEEN = 0.18  # distance beyond that of real subjects at which a planted difference counts as told
PLANTED = {
    "the last visit is shifted in both arms": ({"last_shift": 2.0}, COURSE, "LB ALT level at WEEK 8", (MOMENTS,)),
    "the effect of the arm is gone": ({"arm_effect": -1.0}, ARMS, "LB ALT level at WEEK", (COURSE, MOMENTS)),
    "a subject is not like itself": ({"serial": 0.0, "age_effect": 0.0}, SPREAD, "LB ALT from", ()),
    "two tests do not go together": ({"between_tests": 0.0}, WITHIN, "LB ALT level with LB AST level", ()),
    "age and a test do not go together": ({"age_effect": 0.0}, BETWEEN, "DM AGE with LB ALT level", ()),
    "one event is more frequent": ({"rash": 0.7}, EVENTS, "AE RASH, subjects with it", ()),
    "events come again": ({"again": 0.95}, EVENTS, "more than once", ()),
    "events begin later": ({"onset_shift": 60}, DAYS, "onset day", ()),
    "events are more severe": ({"severe": 0.8}, QUALIFIERS, "AESEV", ()),
    "more subjects leave": ({"leave": 0.8}, RETENTION, "", (ATTENDANCE,)),
    "they leave for another reason": ({"reason": 0.0}, RETENTION, "reason of the end", ()),
    "visits are missed": ({"missed": 0.5}, ATTENDANCE, "measured at", (RETENTION,)),
}


@pytest.mark.parametrize("what", PLANTED)
def test_a_planted_difference_is_caught(what: str) -> None:
    """By the family that asks for it, with what was planted as its worst entry, and by no family that does not ask for it."""
    planted, caught, offender, see_it_too = PLANTED[what]
    found = families(real(1), made_study(2, 300, **planted), real(3))
    worst = found[caught].offenders[0]
    assert offender in worst.name and worst.sample - worst.floor > SEEN, found[caught]
    assert caught in ONE_PAIR or found[caught].ratio > 1.4, found[caught]
    for name, family in found.items():
        assert name in (caught, *see_it_too) or family.ratio < 1.4, family


def test_an_arm_that_the_sample_lacks_is_as_far_as_can_be() -> None:
    sample = real(2)
    dm = sample["DM"].to_frame()
    placebo = dm.loc[dm.ARM == "Placebo", "USUBJID"]
    frames = {name: one.to_frame() for name, one in sample.datasets.items()}
    found = families(
        real(1), Study({name: Dataset.from_frame(name, f[f.USUBJID.isin(placebo)]) for name, f in frames.items()}), real(3)
    )
    of_arm = [one for one in found[ARMS].offenders if one.name.endswith("in Active")]
    assert of_arm and all(one.sample == 1.0 for one in of_arm)


def test_arms_exchanged_are_told_once() -> None:
    """Subjects who are as they should be, in each other's arms: no family tells it but that of the arms."""
    source, sample, holdout = (made_study(seed, 300, arm_effect=2.0) for seed in (1, 2, 3))
    dm = sample["DM"].to_frame()
    exchanged = dm.assign(ARM=np.random.default_rng(5).permutation(dm["ARM"].to_numpy(object)))
    found = families(source, _with(sample, "DM", exchanged), holdout)
    worst = found[ARMS].offenders[0]
    assert worst.name.startswith("LB ALT level at WEEK") and worst.sample - worst.floor > SEEN
    assert found[ARMS].ratio == max(one.ratio for one in found.values())
    assert all(found[name].ratio < 1.3 for name in found if name != ARMS)


def test_a_few_values_far_off_are_told_by_means_and_deviations() -> None:
    """One result in fifty is a hundred times too large: a position too high, but the mean and deviation of nobody's report."""
    sample = real(2)
    lb = sample["LB"].to_frame()
    far = np.random.default_rng(6).random(len(lb)) < 0.02
    lb["LBSTRESN"] = lb["LBSTRESN"].where(~far, 100 * lb["LBSTRESN"])
    lb["LBSTRESC"] = lb["LBSTRESN"].map(str)
    found = families(real(1), _with(sample, "LB", lb), real(3))
    assert found[MOMENTS].ratio > 3.0
    assert found[MOMENTS].offenders[0].name.startswith(("LB ALT", "LB AST"))
    assert all(found[name].ratio < 1.4 for name in found if name != MOMENTS)


@pytest.mark.parametrize(("share", "certain"), [(0.02, False), (0.2, True)])
def test_numbers_that_as_many_real_subjects_may_lack_are_never_certain(share: float, certain: bool) -> None:
    """An answer such as 96 for "not applicable" that one subject in fifty gives: a hundred and eighty others may all give none."""
    sample = real(2, 150)
    lb = sample["LB"].to_frame()
    planted = (lb["LBTESTCD"] == "ALT") & (lb["VISIT"] == "BASELINE")
    lb.loc[lb.index[planted][: round(share * planted.sum())], "LBSTRESN"] = 9600.0
    found = families(real(1, 90), _with(sample, "LB", lb), real(3, 90))[MOMENTS]
    assert {one.name for one in found.offenders[:2]} == {"LB ALT mean at BASELINE", "LB ALT standard deviation at BASELINE"}
    assert found.n_certain == (2 if certain else 0)


def _cut(study: Study, **columns: tuple[str, ...]) -> Study:
    """Keep some datasets, without some of their variables."""
    return Study({name: study[name].without(*gone) for name, gone in columns.items()})


def _with(study: Study, name: str, frame: pd.DataFrame) -> Study:
    """Put a frame in the place of a dataset."""
    return study.with_datasets([one if one.name != name else Dataset.from_frame(name, frame) for one in study.datasets.values()])


def _emptied(study: Study, name: str, *variables: str) -> Study:
    frame = study[name].to_frame()
    for variable in variables:
        frame[variable] = ""
    return _with(study, name, frame)


ODD = {
    "demography alone": lambda s: _cut(s, DM=()),
    "demography without dates and arms": lambda s: _cut(s, DM=("ARM", "RFSTDTC", "RFENDTC")),
    "findings alone": lambda s: _cut(s, LB=()),
    "findings without dates": lambda s: _cut(s, DM=("RFSTDTC", "RFENDTC"), LB=("LBDTC",)),
    "findings without visits": lambda s: _cut(s, DM=(), LB=("VISITNUM", "VISIT")),
    "findings without numbers": lambda s: _cut(s, LB=("LBSTRESN",)),
    "findings without results": lambda s: _cut(s, LB=("LBSTRESN", "LBSTRESC")),
    "events alone": lambda s: _cut(s, AE=()),
    "events without dates and terms": lambda s: _cut(s, AE=("AESTDTC", "AEENDTC", "AETERM", "AEDECOD")),
    "disposition alone": lambda s: _cut(s, DS=("DSCAT",)),
    "columns with nothing in them": lambda s: _emptied(_emptied(s, "LB", "VISIT", "LBDTC"), "AE", "AESEV", "AEENDTC"),
}


@pytest.mark.parametrize("n", [8, 60])
@pytest.mark.parametrize("what", ODD)
def test_any_study_is_measured(what: str, n: int) -> None:
    """A family that has nothing to compare is empty, and says so with NaN; nothing fails."""
    source, sample = ODD[what](made_study(4, n, rash=1.0)), ODD[what](made_study(5, n, rash=1.0))
    for family in families(source, sample).values():
        assert (family.n_entries == 0) == bool(np.isnan(family.ratio))


def test_only_what_five_subjects_of_the_source_share_is_named() -> None:
    source = made_study(6, 60)
    frame = source["AE"].to_frame()
    frame.loc[frame.index[:4], ["AETERM", "AEDECOD"]] = "SECRET TERM"
    lb = source["LB"].to_frame()
    few = lb.USUBJID.isin(pd.unique(lb.USUBJID)[:4])
    lb.loc[few, "VISIT"] = "SECRET VISIT"
    odd = source.with_datasets(
        [
            {"AE": Dataset.from_frame("AE", frame), "LB": Dataset.from_frame("LB", lb)}.get(one.name, one)
            for one in source.datasets.values()
        ]
    )
    stack = stack_studies(odd, made_study(7, 60))
    timeline = Timeline(stack)
    cells = visit_cells(stack, timeline)
    splits = draw_splits(stack.origin, np.random.default_rng(0))
    table = feature_table(stack, timeline)
    assert not [name for name in table.names if "SECRET" in name]
    for family in (
        *trajectory_families(splits, cells),
        *occurrence_families(stack, splits, timeline),
        arm_family(stack, splits, timeline, cells),
    ):
        assert not [one for one in family.offenders if "SECRET" in one.name]
