"""Pictures show what is in source and sample, and nothing that fewer than five subjects of the source share."""

from __future__ import annotations

import re
from functools import cache

import numpy as np
import pandas as pd
import pytest

from replicator.evaluation.columns import compared_columns
from replicator.evaluation.features import feature_table
from replicator.evaluation.pictures.pictures import draw_pictures
from replicator.evaluation.pictures.shapes import Curve, DatasetPicture, Pictures
from replicator.evaluation.stack import stack_studies
from replicator.evaluation.timeline import Timeline
from replicator.profile.plain import to_json_text
from replicator.tables.dataset import Dataset, Study

from .made_study import made_study

RARE = "AN EVENT OF FOUR"


def pictures_of(source: Study, sample: Study) -> Pictures:
    stack = stack_studies(source, sample)
    timeline = Timeline(stack)
    return draw_pictures(stack, timeline, compared_columns(stack), feature_table(stack, timeline))


@cache
def studies() -> tuple[Study, Study]:
    """Four subjects of the source have an event of their own, which the sample has too."""
    source, sample = made_study(1, 120), made_study(2, 90)
    return _with_rare_event(source, 4), _with_rare_event(sample, 40)


@cache
def pictures() -> Pictures:
    return pictures_of(*studies())


def _with_rare_event(study: Study, n: int) -> Study:
    frame = study["AE"].to_frame()
    chosen = frame["USUBJID"].isin(pd.unique(frame["USUBJID"])[:n])
    frame.loc[chosen, ["AETERM", "AEDECOD"]] = RARE
    return study.with_datasets([Dataset.from_frame("AE", frame) if one.name == "AE" else one for one in study.datasets.values()])


def dataset(name: str) -> DatasetPicture:
    return next(one for one in pictures().datasets if one.name == name)


def test_categories_are_shares_of_rows() -> None:
    drawn = next(one.distribution for one in dataset("DM").variables if one.variable == "SEX")
    for study, shares, n in zip(studies(), (drawn.source, drawn.sample), (drawn.n_source, drawn.n_sample), strict=True):
        sex = study["DM"].to_frame()["SEX"]
        assert n == len(sex)
        assert dict(zip(drawn.levels, shares, strict=True)) == pytest.approx(sex.value_counts(normalize=True).to_dict())


def test_numbers_that_name_something_are_drawn_one_by_one() -> None:
    """Sites of three digits in a text column, and numbers of visits, however many there are."""

    def with_sites(study: Study) -> Study:
        dm = study["DM"].to_frame()
        dm["SITEID"] = [str(701 + i % 15) for i in range(len(dm))]
        lb = study["LB"].to_frame()
        lb["VISITNUM"] = lb["VISITNUM"] + np.arange(len(lb)) % 4 / 10
        changed = {"DM": Dataset.from_frame("DM", dm), "LB": Dataset.from_frame("LB", lb)}
        return study.with_datasets([changed.get(one.name, one) for one in study.datasets.values()])

    drawn = {
        one.variable: one.distribution
        for part in pictures_of(*(with_sites(made_study(seed, 150)) for seed in (1, 2))).datasets
        if part.name in ("DM", "LB")
        for one in part.variables
    }
    assert not drawn["SITEID"].edges and set(drawn["SITEID"].levels) >= {"701", "702", "others"}
    assert not drawn["VISITNUM"].edges and "1.3" in drawn["VISITNUM"].levels
    assert drawn["AGE"].edges


def test_numbers_are_shares_of_bins() -> None:
    """The outer bins hold what lies beyond them."""
    drawn = next(one.distribution for one in dataset("DM").variables if one.variable == "AGE")
    for study, shares in zip(studies(), (drawn.source, drawn.sample), strict=True):
        edges = [-np.inf, *drawn.edges[1:-1], np.inf]
        counted = np.histogram(study["DM"].numbers("AGE"), edges)[0]
        assert shares == pytest.approx(counted / counted.sum())


def test_bins_of_numbers_hold_five_subjects_of_the_source() -> None:
    for drawn in (one.distribution for part in pictures().datasets for one in part.variables):
        counts = np.array(drawn.source) * drawn.n_source
        assert drawn.levels or all(n < 0.5 or n > 4.5 for n in counts.tolist())


def test_courses_are_means_of_subjects_by_arm_and_visit() -> None:
    drawn = next(one for one in dataset("LB").tests if one.test == "ALT")
    assert drawn.times == ("SCREENING", "BASELINE", "WEEK 2", "WEEK 4", "WEEK 8")
    assert [one.arm for one in drawn.courses] == ["Active", "Placebo"]
    for study, side in zip(studies(), ("source", "sample"), strict=True):
        rows = study["LB"].to_frame().merge(study["DM"].to_frame()[["USUBJID", "ARM"]])
        rows = rows[rows["LBTESTCD"] == "ALT"]
        for course in drawn.courses:
            band = getattr(course, side)
            by_visit = rows[rows["ARM"] == course.arm].groupby("VISITNUM")["LBSTRESN"]
            assert band.mean == pytest.approx(by_visit.mean().tolist())
            assert band.sd == pytest.approx(by_visit.std().tolist())
            assert list(band.n) == by_visit.size().tolist()


def test_a_visit_of_four_subjects_has_no_mean() -> None:
    source = studies()[0]
    frame = source["LB"].to_frame()
    arm = source["DM"].to_frame().set_index("USUBJID")["ARM"]
    active = frame["USUBJID"].map(arm) == "Active"
    few = pd.unique(frame.loc[active & (frame["VISITNUM"] == 5), "USUBJID"])[:4]
    frame = frame[~active | (frame["VISITNUM"] != 5) | frame["USUBJID"].isin(few)]
    found = pictures_of(Study({**source.datasets, "LB": Dataset.from_frame("LB", frame)}), studies()[1])
    drawn = next(one for part in found.datasets if part.name == "LB" for one in part.tests if one.test == "ALT")
    assert drawn.courses[0].source.mean[-1] is None
    assert drawn.courses[0].source.n[-1] == 0
    assert drawn.courses[0].sample.mean[-1] is not None
    assert drawn.courses[1].source.mean[-1] is not None


def test_curves_are_kaplan_meiers_at_days_with_five_between() -> None:
    """Without censoring before the end the curve is the share that has not left."""
    curve = pictures().retention[0]
    assert (curve.arm, curve.n_source, curve.n_sample) == ("", 120, 90)
    for study, staying in zip(studies(), (curve.source, curve.sample), strict=True):
        dm = study["DM"].to_frame()
        stay = (pd.to_datetime(dm["RFENDTC"]) - pd.to_datetime(dm["RFSTDTC"])).dt.days.to_numpy()
        left = study["DS"].to_frame().set_index("USUBJID")["DSDECOD"].reindex(dm["USUBJID"]).to_numpy() != "COMPLETED"
        expected = [float(1.0 - (left & (stay < day)).mean()) for day in curve.days]
        before_end = [i for i, day in enumerate(curve.days) if day <= 56]
        assert len(before_end) > 4
        assert [staying[i] for i in before_end] == pytest.approx([expected[i] for i in before_end])


def test_curves_begin_with_all_and_never_rise() -> None:
    """Also those of arms that nobody leaves for weeks."""
    curves = pictures().retention
    assert len(curves) > 1
    for curve in curves:
        assert curve.days[0] <= 0 and list(curve.days) == sorted(curve.days)
        for side, band in ((curve.source, curve.source_band), (curve.sample, curve.sample_band)):
            assert side[0] == 1.0 and band[0] == (1.0, 1.0)
            assert list(side) == sorted(side, reverse=True)


def test_as_many_subjects_of_each_arm_are_drawn_as_groups_stand_beside_them() -> None:
    found = pictures()
    of_source = [one.title for one in found.typical]
    assert len(found.sampled) == len(found.typical) == 10
    assert sorted(one.facts[0] for one in found.sampled) == sorted(of_source)
    assert len(set(of_source)) == 2


def test_a_source_of_few_has_as_many_groups_as_five_subjects_each_allow() -> None:
    arms = made_study(1, 17)["DM"].to_frame()["ARM"].value_counts()
    found = pictures_of(made_study(1, 17), studies()[1])
    assert len(found.typical) == sum(n // 5 for n in arms) < len(found.sampled) == 10


def test_sampled_subjects_stand_beside_a_group_of_their_arm_and_length_of_stay() -> None:
    """Pair by pair: the same arm, and of an arm's pairs who stays longer stands beside the group that does."""
    found = pictures()
    pairs = list(zip(found.sampled, found.typical, strict=False))
    assert [one.facts[0] for one, _ in pairs] == [other.title for _, other in pairs]
    dm = studies()[1]["DM"].to_frame()
    shortest = (pd.to_datetime(dm["RFENDTC"]) - pd.to_datetime(dm["RFSTDTC"])).dt.days.min()
    last = [max(end for track in one.tracks for end in (stretch.end for stretch in track.stretches)) for one in found.sampled]
    assert min(last) > shortest
    means = [float(re.search(r"for ([\d.]+) days", " ".join(other.facts)).group(1)) for _, other in pairs]  # type: ignore[union-attr]
    for arm in {other.title for _, other in pairs}:
        mine = [i for i, (_, other) in enumerate(pairs) if other.title == arm]
        assert [means[i] for i in mine] == sorted(means[i] for i in mine)
        assert max(last[i] for i in mine) == last[mine[-1]]


def test_what_is_left_of_a_whole_tells_of_no_few() -> None:
    """Planted: three subjects of the source of a third group: they are one with the rarest; with nine of them they are apart."""
    for n, levels in ((3, ("Placebo", "Active or others")), (9, ("Placebo", "Active", "Odd"))):
        source = made_study(1, 60)
        dm = source["DM"].to_frame()
        arm = np.where(np.arange(60) < 25, "Active", "Placebo").astype(object)
        arm[-n:] = "Odd"
        changed = Study({**source.datasets, "DM": Dataset.from_frame("DM", dm.assign(ARM=arm))})
        found = (one for part in pictures_of(changed, studies()[1]).datasets for one in part.variables)
        shown = next(one.distribution for one in found if one.variable == "ARM")
        assert set(shown.levels) == set(levels)
        assert sum(shown.source) == pytest.approx(1.0)


def test_where_all_leave_on_one_day_there_is_no_curve() -> None:
    source, sample = (Study({name: made_study(seed, 40)[name] for name in ("DM", "DS")}) for seed in (7, 8))
    one_day = []
    for study in (source, sample):
        dm, ds = study["DM"].to_frame(), study["DS"].to_frame()
        day = dict(zip(dm["USUBJID"], dm["RFSTDTC"], strict=True))
        changed = {"DM": dm.assign(RFENDTC=dm["RFSTDTC"]), "DS": ds.assign(DSSTDTC=ds["USUBJID"].map(day))}
        one_day.append(Study({**study.datasets, **{name: Dataset.from_frame(name, one) for name, one in changed.items()}}))
    assert pictures_of(source, sample).retention != ()
    assert pictures_of(*one_day).retention == ()


def test_results_within_a_day_stand_at_their_time() -> None:
    """Of a study of a single dose the curve is drawn over hours."""
    hours = np.array([0, 2, 6, 12])
    made = []
    for prefix in ("A", "B"):
        who = np.repeat([f"{prefix}{i}" for i in range(12)], len(hours))
        rows = {
            "USUBJID": who,
            "PCTESTCD": "DRUG",
            "PCSTRESN": np.tile(hours, 12) + 0.01 * np.arange(len(who)),
            "PCTPT": np.tile([f"{hour} h" for hour in hours], 12),
            "PCTPTNUM": np.tile(hours.astype(float), 12),
            "PCDTC": np.tile([f"2020-01-01T{hour:02d}:00" for hour in hours], 12),
        }
        made.append(Study({"PC": Dataset.from_frame("PC", pd.DataFrame({"STUDYID": "PK", "DOMAIN": "PC", **rows}))}))
    found = pictures_of(*made)
    for one in (*found.sampled, *found.typical):
        assert one.series[0].days == pytest.approx(tuple(hours / 24))


def test_lanes_hold_the_share_of_subjects_who_have_an_event_beginning() -> None:
    lane = next(one for one in dataset("AE").lanes if one.term == "HEADACHE")
    for study, having, shares in zip(studies(), (lane.having_source, lane.having_sample), (lane.source, lane.sample), strict=True):
        events = study["AE"].to_frame()
        share = events.loc[events["AEDECOD"] == "HEADACHE", "USUBJID"].nunique() / study["DM"].n_rows
        assert having == pytest.approx(share)
        assert max(shares) <= share + 1e-12 <= sum(shares) + 1e-9


def test_shares_of_missing_cells() -> None:
    drawn = dataset("AE").missing
    row = drawn.rows.index("AEENDTC")
    for study, side in zip(studies(), (drawn.source, drawn.sample), strict=True):
        assert side[row] == pytest.approx((study["AE"].to_frame()["AEENDTC"].isna().mean(),))


def test_who_is_measured_when() -> None:
    drawn = dataset("LB").measured
    assert drawn.rows == ("ALT", "AST")
    for study, side in zip(studies(), (drawn.source, drawn.sample), strict=True):
        rows = study["LB"].to_frame()
        shares = rows[rows["LBTESTCD"] == "AST"].groupby("VISITNUM")["USUBJID"].nunique() / study["DM"].n_rows
        assert side[1] == pytest.approx(shares.tolist())


def test_correlation_maps_show_what_was_planted() -> None:
    drawn = pictures().correlations
    age, level = drawn.rows.index("DM AGE"), drawn.rows.index("LB ALT level")
    for side in (drawn.source, drawn.sample):
        assert (side[age][level] or 0.0) > 0.2
        assert side[age][age] == pytest.approx(1.0)


def test_sampled_subjects_are_those_of_the_sample_and_typical_ones_groups_of_the_source() -> None:
    found = pictures()
    assert len(found.sampled) == 10
    assert len(found.typical) == 10
    for one in found.typical:
        assert int(one.facts[0].split()[0]) >= 5
        visits = next(track for track in one.tracks if track.name == "visits")
        told = [stretch.label.split(": ")[1].split(" of ") for stretch in visits.stretches]
        assert all("or more" in count or 5 <= int(count) <= int(n) - 5 or count == n for count, n in told)
    sample = studies()[1]["DM"].to_frame()
    ages = {f"AGE {age:g}" for age in sample["AGE"]}
    assert all(ages & set(one.facts) for one in found.sampled)


def test_what_four_subjects_of_the_source_share_is_never_named() -> None:
    """Not even where the sample is full of it."""
    text = to_json_text(pictures())
    assert RARE not in text
    assert "(rarer)" in text
    assert not any(one in text for one in studies()[0]["DM"].text("USUBJID").strings().tolist())


def test_a_visit_is_drawn_once_however_many_rows_it_has() -> None:
    found = pictures_of(*(Study({"LB": study["LB"]}) for study in studies()))
    for one in found.sampled:
        stay, seen = one.tracks[:2]
        assert (stay.name, len(stay.stretches)) == ("in the study", 1)
        assert seen.name == "visits"
        visits = [stretch.label for stretch in seen.stretches]
        assert len(visits) == len(set(visits)) > 0


@pytest.mark.parametrize("n", [8, 40])
@pytest.mark.parametrize("kept", [("DM",), ("LB",), ("AE",), ("DS", "SV"), ("DM", "LB", "AE", "DS", "SV")])
def test_any_study_can_be_drawn(kept: tuple[str, ...], n: int) -> None:
    source, sample = (Study({name: made_study(seed, n)[name] for name in kept}) for seed in (3, 4))
    found = pictures_of(source, sample)
    assert [one.name for one in found.datasets] == list(source.datasets)
    assert found.first_day < found.last_day


def test_columns_with_nothing_in_them_have_no_picture() -> None:
    source, sample = (_emptied(made_study(seed, 40)) for seed in (5, 6))
    found = pictures_of(source, sample)
    lb = next(one for one in found.datasets if one.name == "LB")
    assert "LBSTRESN" not in {one.variable for one in lb.variables}
    assert lb.tests == ()
    assert found.datasets[[one.name for one in found.datasets].index("AE")].lanes == ()


def _emptied(study: Study) -> Study:
    lb, ae = study["LB"].to_frame(), study["AE"].to_frame()
    lb["LBSTRESN"] = np.nan
    lb[["LBSTRESC", "VISIT"]] = ""
    ae[["AESTDTC", "AEENDTC"]] = ""
    return Study({**study.datasets, "LB": Dataset.from_frame("LB", lb), "AE": Dataset.from_frame("AE", ae)})


@pytest.mark.parametrize(
    ("shares", "median"), [((1.0, 0.8, 0.4), 17.5), ((1.0, 0.5, 0.4), 10.0), ((0.4, 0.3, 0.2), 0.0), ((1.0, 0.9, 0.6), np.nan)]
)
def test_the_median_lies_where_the_curve_passes_a_half(shares: tuple[float, ...], median: float) -> None:
    """Days 0, 10 and 20: from .8 on day 10 to .4 on day 20 it passes .5 on day 17.5."""
    curve = Curve("", (0.0, 10.0, 20.0), shares, shares, 20, 20, (), ())
    assert curve.median(of_sample=False) == pytest.approx(median, nan_ok=True)


def test_profiles_tell_doses_results_and_what_has_no_date() -> None:
    def treated(seed: int, n: int) -> Study:
        study = made_study(seed, n)
        dm = study["DM"].to_frame()
        ex = pd.DataFrame(
            {"STUDYID": "MADE", "DOMAIN": "EX", "USUBJID": dm["USUBJID"], "EXSEQ": 1.0, "EXTRT": "DRUG", "EXDOSE": 54.0}
        )
        ex = ex.assign(EXDOSU="mg", EXSTDTC=dm["RFSTDTC"])
        cm = ex[["STUDYID", "DOMAIN", "USUBJID"]].assign(DOMAIN="CM", CMSEQ=1.0, CMTRT="ASPIRIN", CMDECOD="", CMSTDTC="")
        cm.loc[cm.index % 2 == 0, "CMSTDTC"] = "2020-01-01"
        more = [Dataset.from_frame("EX", ex), Dataset.from_frame("CM", cm)]
        return study.with_datasets([*study.datasets.values(), *more])

    found = pictures_of(treated(1, 120), treated(2, 90))
    for one in (*found.sampled, *found.typical):
        labels = {track.name: [stretch.label for stretch in track.stretches] for track in one.tracks}
        assert all(label.startswith("DRUG 54 mg") for label in labels["EX"])
        assert all(label.startswith("ASPIRIN") for label in labels.get("CM", []))
    counts = {fact for one in found.sampled for fact in one.facts if fact.startswith("CM")}
    assert counts == {"CM: 1", "CM: 1 (0 dated)"}


def test_what_is_measured_twice_at_one_moment_is_one_point() -> None:
    """Lying and standing are no swings of one pressure."""

    def twice(seed: int) -> Study:
        lb = made_study(seed, 60)["LB"].to_frame()
        both = [lb.assign(LBTPTNUM=at, LBTPT=name, LBSTRESN=lb["LBSTRESN"] + 10 * at) for at, name in ((1.0, "LYING"), (2.0, "UP"))]
        return Study({"LB": Dataset.from_frame("LB", pd.concat(both))})

    for one in (found := pictures_of(twice(1), twice(2))).sampled:
        assert all(len(set(line.days)) == len(line.days) for line in one.series)
    assert found.sampled[0].series
