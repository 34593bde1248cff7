"""Profiles: planted truth comes back, nothing of fewer than k subjects appears, JSON holds all of it."""

from __future__ import annotations

import itertools
import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from replicator.errors import ConfigError, ReadError
from replicator.profile.find import find_structure
from replicator.profile.profile import profile_study
from replicator.profile.protected import protected_levels, protected_quantiles, settled, told
from replicator.profile.study_profile import StudyProfile
from replicator.tables.dataset import CodelistTerm, Dataset, Study
from replicator.tables.readers import read_study

from .profiled_studies import planted_study, study, table


@pytest.fixture(scope="module")
def planted() -> StudyProfile:
    return profile_study(planted_study(n=400))


def test_tests_have_their_planted_means_and_spreads(planted: StudyProfile) -> None:
    """Weight: mean 70, spread 10 between and 2 within subjects; standard errors of 400 subjects are 0.5, 0.35 and 0.05."""
    weight = next(test for test in planted.dataset("VS").tests if test.code == "WEIGHT")
    assert weight.quantiles is not None and weight.sd_between is not None and weight.sd_within is not None
    assert abs(weight.quantiles.mean - 70) < 2
    assert abs(weight.sd_between - 10) < 1.4
    assert abs(weight.sd_within - 2) < 0.2
    assert (weight.unit, weight.decimals, weight.n_subjects, weight.n_rows) == ("kg", 1, 400, 1200)
    assert weight.course is not None
    assert weight.course.arms == ("Drug", "Placebo")
    assert weight.course.visits == ("BASELINE", "WEEK 4", "WEEK 8")
    assert weight.course.n_subjects == ((200, 200, 200), (200, 200, 200))


def test_planted_relations_are_found(planted: StudyProfile) -> None:
    """Weight goes with height at 0.8 between subjects; three weighings leave 0.79 of it, and Spearman's is a little less."""
    pair = next(a for a in planted.associations if {a.left, a.right} == {"VS.WEIGHT", "VS.HEIGHT"})
    assert 0.68 < pair.value < 0.86
    assert pair.n == 400


def test_events_have_their_planted_incidence(planted: StudyProfile) -> None:
    ae = planted.dataset("AE").occurrences
    assert ae is not None
    rash = next(term for term in ae.terms if term.term == "RASH")
    assert rash.category == "SKIN"
    assert rash.by_arm["Placebo"] == 0.0
    assert rash.by_arm["Drug"] is not None and abs(rash.by_arm["Drug"] - 0.4) < 0.14  # 4 standard errors of 200 subjects
    assert ae.duration is not None and ae.duration.mean == 3 and ae.duration.sd == 0
    assert ae.onset is not None and ae.onset.low >= 1 and ae.onset.high <= 49
    assert ae.share_open == 0


def test_the_visit_grid(planted: StudyProfile) -> None:
    assert [(v.number, v.name, v.planned_day, v.n_subjects) for v in planted.visits] == [
        (1.0, "BASELINE", 1.0, 400),
        (2.0, "WEEK 4", 29.0, 400),
        (3.0, "WEEK 8", 57.0, 400),
    ]
    assert planted.visits[1].day is not None
    assert (planted.visits[1].day.low, planted.visits[1].day.high) == (26.0, 30.0)
    assert planted.visits[1].measured == {"VS": 1.0}


def test_orders_of_dates(planted: StudyProfile) -> None:
    orders = {(o.left, o.right): o for o in planted.date_orders}
    assert orders["AE.AESTDTC", "DM.RFSTDTC"].after == 1.0
    assert orders["AE.AESTDTC", "AE.AEENDTC"].before == 1.0


def test_arms_codelists_and_missing_groups() -> None:
    frame = planted_study().datasets["DM"].to_frame()
    frame["DTHFL"] = np.where(np.arange(60) % 6 == 0, "Y", None)
    frame["DTHDTC"] = np.where(np.arange(60) % 6 == 0, "2020-09-09", None)
    frame["ALIVE"] = np.where(np.arange(60) % 6 == 0, None, "YES")
    dataset = Dataset.from_frame("DM", frame)
    sex = replace(dataset.variable("SEX"), codelist="SEX")
    whole = Study({"DM": dataset.with_column(sex, dataset["SEX"])}, {"SEX": (CodelistTerm("F"), CodelistTerm("U"))})
    profile = profile_study(whole)
    assert {arm.value: arm.n_subjects for arm in profile.arms.shared} == {"Drug": 30, "Placebo": 30}
    use = profile.dataset("DM").variable("SEX").codelist
    assert use is not None and (use.n_values, use.n_used, use.n_rows_outside) == (2, 1, 30)
    groups = {(group.variables, group.together) for group in profile.dataset("DM").missing}
    assert (("DTHFL", "DTHDTC"), True) in groups
    assert (("ALIVE", "DTHFL"), False) in groups


def test_partial_dates_by_precision() -> None:
    cells = ["2003"] * 6 + ["2003-05"] * 5 + ["2003-05-06"] * 4 + ["2003-05-06T10:00"] * 3 + ["unknown"] * 2 + [""]
    cm = table("CM", "USUBJID CMTRT CMSTDTC", *((f"S{i}", "x", cell) for i, cell in enumerate(cells)))
    start = profile_study(study(cm)).dataset("CM").variable("CMSTDTC")
    assert start.precision == {"text": 2, "year": 6, "month": 5, "day": 4, "minute": 3}
    assert start.n_missing == 1
    assert start.period == ("2003-05", "2003-05")


def test_nothing_of_fewer_than_k_subjects_appears() -> None:
    """Each planted secret belongs to four subjects or fewer: texts, numbers, terms, tests, visits, arms, extremes."""
    whole = planted_study(n=80)
    dm, vs, ae = (whole[name].to_frame() for name in ("DM", "VS", "AE"))
    dm["SEX"] = dm["SEX"].astype(object)
    dm.loc[:3, "SEX"] = "SECRETSEX"
    dm.loc[4:7, "ARM"] = "SECRETARM"
    dm.loc[0, "AGE"] = 119117.0
    vs.loc[:3, "VSTESTCD"] = "SECRETTEST"
    vs.loc[10:13, "VISIT"] = "SECRETVISIT"
    vs.loc[10:13, "VISITNUM"] = 77.125
    vs.loc[20, "VSSTRESN"] = 987654.0
    vs.loc[20, "VSORRES"] = "987654"
    ae.loc[:3, "AEDECOD"] = "SECRETTERM"
    ae.loc[:3, "AEBODSYS"] = "SECRETCLASS"
    ae.loc[4, "AESTDTC"] = "1931-07-13"
    secret = study(*(Dataset.from_frame(n, f) for n, f in (("DM", dm), ("VS", vs), ("AE", ae), ("SV", whole["SV"].to_frame()))))
    text = profile_study(secret).to_json()
    for word in ("SECRET", "119117", "987654", "77.125", "1931"):
        assert word not in text, word
    assert "S-001" not in text
    assert "SECRETSEX" in profile_study(secret, k=1).to_json()


@settings(max_examples=80)
@given(
    st.lists(st.tuples(st.integers(0, 12), st.floats(-1e6, 1e6, allow_subnormal=False)), min_size=1, max_size=80), st.integers(2, 6)
)
def test_quantiles_are_ordered_inside_and_withheld_from_the_few(cells: list[tuple[int, float]], k: int) -> None:
    subject = np.array([c[0] for c in cells], np.int64)
    values = np.array([c[1] for c in cells])
    found = protected_quantiles(values, subject, k)
    if len(set(subject.tolist())) < k:
        assert found is None
        return
    assert found is not None
    listed = [found.low, found.p05, found.p25, found.p50, found.p75, found.p95, found.high]
    assert listed == sorted(listed)
    slack = 1e-5 * max(1.0, float(np.abs(values).max()))
    assert values.min() - slack <= found.low and found.high <= values.max() + slack


@pytest.mark.parametrize("n", [10, 12, 17, 23, 30])
def test_quantiles_are_made_of_groups_that_differ_by_groups(n: int) -> None:
    """The outer quantiles are the outer groups' means, the inner lie on the line between neighbouring groups' means.

    Windows around the places would overlap: six times the 5 % quantile of 12 to 30 values less five times the lowest would be the
    sixth value.
    """
    values = np.sort(np.random.default_rng(n).normal(0, 1, n)).round(6)
    edges = np.round(np.linspace(0, n, n // 5 + 1)).astype(int)
    groups = [values[a:b] for a, b in itertools.pairwise(edges)]
    found = protected_quantiles(values, np.arange(n), 5)
    assert found is not None
    middle = [(a + b - 1) / 2 for a, b in itertools.pairwise(edges)]
    expected = np.interp(np.array([0.05, 0.25, 0.5, 0.75, 0.95]) * (n - 1), middle, [group.mean() for group in groups])
    assert [found.low, found.high] == pytest.approx([groups[0].mean(), groups[-1].mean()], rel=1e-5)
    assert [found.p05, found.p25, found.p50, found.p75, found.p95] == pytest.approx(expected, rel=1e-5, abs=1e-5)


@pytest.mark.parametrize("n", [20, 100, 1000])
def test_a_mean_of_all_and_a_mean_of_all_but_one_do_not_tell_the_one(n: int) -> None:
    """The difference of the sums misses the one by sqrt(n) / 20 spreads or more in half of 200 draws (a tenth for the noise)."""
    rng = np.random.default_rng(n)
    values = rng.normal(50, 10, (200, n))
    spread = values.std(axis=1, ddof=1)
    missed = np.abs(n * told(values.mean(axis=1), spread, n) - values[:, 1:].sum(axis=1) - values[:, 0]) / spread
    assert np.median(missed) > 0.9 * np.sqrt(n) / 20
    exact = np.abs(told(values.mean(axis=1), spread, n) - values.mean(axis=1)) / spread * np.sqrt(n)
    assert exact.max() <= 0.2501
    assert told(np.array([7.25, 0.0]), 0.0, n).tolist() == [7.25, 0.0]


def test_an_arm_is_withheld_where_the_others_would_tell_it() -> None:
    """Of 8, 6 and 2 of twenty each the first alone is told (the others have eight), of 8, 6 and 0 all, of 9, 3 and 1 none."""
    ids = [f"S{i:02}" for i in range(60)]
    arms = np.repeat(["A", "B", "C"], 20)
    dm = pd.DataFrame({"DOMAIN": "DM", "USUBJID": ids, "ARM": arms, "ARMCD": arms, "RFSTDTC": "2020-01-01"})
    planted = {"X": (8, 6, 2), "Y": (8, 6, 0), "Z": (9, 3, 1)}
    rows = [(ids[20 * arm + i], term) for term, counts in planted.items() for arm, n in enumerate(counts) for i in range(n)]
    ae = pd.DataFrame(rows, columns=["USUBJID", "AETERM"]).assign(DOMAIN="AE", AESEQ=np.arange(len(rows)) + 1.0)
    ae["AEDECOD"] = ae["AETERM"]
    whole = Study({name: Dataset.from_frame(name, frame) for name, frame in (("DM", dm), ("AE", ae))})
    found = profile_study(whole).dataset("AE").occurrences
    assert found is not None
    by_arm = {term.term: dict(term.by_arm) for term in found.terms}
    assert by_arm == {"X": {"A": 0.4, "B": None, "C": None}, "Y": {"A": 0.4, "B": 0.3, "C": 0.0}, "Z": dict.fromkeys("ABC")}


def test_quantiles_of_many_subjects_are_those_of_the_sample() -> None:
    """Against numpy on 20,000 normal values, one a subject; groups of five change little."""
    values = np.random.default_rng(11).normal(50, 10, 20_000)
    found = protected_quantiles(values, np.arange(20_000), 5)
    assert found is not None
    expected = np.quantile(values, [0.05, 0.25, 0.5, 0.75, 0.95])
    np.testing.assert_allclose([found.p05, found.p25, found.p50, found.p75, found.p95], expected, atol=0.05)


def test_shared_extremes_are_kept_as_they_are() -> None:
    values = np.array([0.0] * 5 + list(range(1, 20)) + [96.0] * 6)
    found = protected_quantiles(values, np.arange(len(values)), 5)
    assert found is not None
    assert (found.low, found.high) == (0.0, 96.0)


def test_levels_count_subjects_and_not_rows() -> None:
    codes = np.array([0] * 10 + [1] * 5 + [-1])
    subject = np.array([0] * 10 + list(range(5)) + [9])
    levels = protected_levels(codes, ["often", "shared"], subject, 5)
    assert [(level.value, level.n_rows, level.n_subjects) for level in levels.shared] == [("shared", 5, 5)]
    assert (levels.n_other_levels, levels.n_other_rows) == (1, 10)


def test_json_holds_all_of_it(planted: StudyProfile) -> None:
    text = planted.to_json()
    assert StudyProfile.from_json(text) == planted
    assert StudyProfile.from_json(text).to_json() == text


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "it is not JSON"),
        ("[]", "has no format number"),
        ('{"format": 99}', "format 99 and this version reads up to 1"),
        ('{"format": 1, "study": 5}', r"StudyProfile.study does not hold what belongs there"),
        ('{"format": 1}', "lacks fields"),
        ('{"format": 1, "associations": [{"value": 1' + "0" * 400 + "}]}", "does not hold what belongs there"),
    ],
)
def test_foreign_json_is_refused_in_a_sentence(text: str, message: str) -> None:
    with pytest.raises(ReadError, match=message):
        StudyProfile.from_json(text)


def test_damaged_json_never_fails_otherwise(planted: StudyProfile) -> None:
    """Replace each of two hundred values, one at a time, by something else: a profile or a ReadError comes out."""
    rng = np.random.default_rng(2)
    text = planted.to_json()
    for _ in range(200):
        plain = json.loads(text)
        here = plain
        while isinstance(here, (dict, list)) and here:
            key = list(here)[rng.integers(len(here))] if isinstance(here, dict) else int(rng.integers(len(here)))
            inner = here[key]
            if not isinstance(inner, (dict, list)) or not inner or rng.random() < 0.2:
                here[key] = [None, "x", 3, 1.5, [], {}, True][rng.integers(7)]
                break
            here = inner
        try:
            StudyProfile.from_json(json.dumps(plain))
        except ReadError as error:
            assert str(error)


@pytest.mark.parametrize("n", [1, 2, 20])
def test_small_studies(n: int) -> None:
    profile = profile_study(planted_study(n=n))
    assert profile.n_subjects == n
    assert len(profile.visits) == (3 if n >= 5 else 0)
    assert StudyProfile.from_json(profile.to_json()) == profile


def test_one_domain_alone_no_rows_and_foreign_shapes() -> None:
    alone = profile_study(study(planted_study()["VS"], table("AE", "USUBJID AETERM")))
    assert alone.subjects == ""
    assert {test.code for test in alone.dataset("VS").tests} == {"WEIGHT", "HEIGHT"}
    assert alone.dataset("AE").n_rows == 0 and alone.dataset("AE").occurrences is None
    wide = study(
        table("PATIENTS", "PATIENT_ID GENDER", *((f"p{i}", "fm"[i % 2]) for i in range(12))),
        table("CHECKS", "PATIENT_ID VISIT_NO PULSE", *((f"p{i}", v, 60 + i + v) for i in range(12) for v in (1, 2))),
    )
    profile = profile_study(wide)
    assert profile.dataset("CHECKS").variable("PULSE").quantiles is not None


def test_a_structure_at_hand_is_used_and_k_is_checked() -> None:
    whole = planted_study()
    structure = find_structure(whole, derivations=False)
    assert profile_study(whole, structure).derivations == ()
    with pytest.raises(ConfigError, match="k is 0"):
        profile_study(whole, structure, k=0)


def test_progress_is_told() -> None:
    told: list[tuple[str, int, int]] = []
    profile_study(planted_study(), progress=lambda what, done, total: told.append((what, done, total)))
    assert [step[0] for step in told] == ["DM", "SV", "VS", "AE"]
    assert all(total == 4 for _, _, total in told)


def test_the_pilot(pilot_folder) -> None:  # type: ignore[no-untyped-def]
    """Counts of the CDISC pilot study as its report gives them: 254 treated of 306, arms of 86, 84 and 84."""
    source = read_study(pilot_folder)
    profile = profile_study(source, find_structure(source, derivations=False))
    assert {arm.value: arm.n_subjects for arm in profile.arms.shared} == {
        "Placebo": 86,
        "Xanomeline High Dose": 84,
        "Xanomeline Low Dose": 84,
        "Screen Failure": 52,
    }
    sysbp = next(test for test in profile.dataset("VS").tests if test.code == "SYSBP")
    values = source["VS"].to_frame().query("VSTESTCD == 'SYSBP'")["VSSTRESN"]
    assert sysbp.quantiles is not None
    assert sysbp.quantiles.mean == pytest.approx(float(values.mean()), abs=values.std() / np.sqrt(254) / 4)
    assert sysbp.quantiles.p50 == pytest.approx(float(values.median()), abs=1)
    assert profile.dataset("CM").variable("CMSTDTC").precision["year"] > 0
    held = pd.Series([v.name for v in profile.visits])
    assert {"BASELINE", "WEEK 24"} <= set(held)


def test_rows_of_no_subject_count_as_nobody() -> None:
    """A test and a laboratory of four subjects and of a row without one are not named: five are asked for."""
    ids = [f"S{i}" for i in range(20)]
    rows = [(one, "ALT", "CENTRAL") for one in ids] + [(one, "SECRET", "HIDDEN LAB") for one in [*ids[:4], ""]]
    lb = pd.DataFrame(rows, columns=["USUBJID", "LBTESTCD", "LBNAM"]).assign(DOMAIN="LB", LBSTRESN=np.arange(25.0))
    dm = pd.DataFrame({"DOMAIN": "DM", "USUBJID": ids, "SEX": "F"})
    found = profile_study(Study({name: Dataset.from_frame(name, frame) for name, frame in (("DM", dm), ("LB", lb))}))
    assert "SECRET" not in found.to_json()
    assert "HIDDEN LAB" not in found.to_json()
    assert [(test.code, test.n_subjects) for test in found.dataset("LB").tests] == [("ALT", 20)]
    assert found.dataset("LB").n_rows == 25


def test_a_dataset_whose_rows_all_name_no_subject_is_profiled_as_nobodys() -> None:
    """Pooled samples alone: the dataset is there with its rows, and names no test."""
    ids = [f"S{i}" for i in range(20)]
    dm = pd.DataFrame({"DOMAIN": "DM", "USUBJID": ids, "SEX": "F"})
    lb = pd.DataFrame({"DOMAIN": "LB", "USUBJID": "", "POOLID": "P1", "LBTESTCD": ["SECRET", "ALT"] * 5, "LBCAT": ["A", "B"] * 5})
    lb = lb.assign(LBSTRESN=np.arange(10.0), LBSTRESU=["U", "V"] * 5)
    found = profile_study(Study({name: Dataset.from_frame(name, frame) for name, frame in (("DM", dm), ("LB", lb))}))
    assert found.dataset("LB").n_rows == 10
    assert not found.dataset("LB").tests
    assert "SECRET" not in found.to_json()


def test_what_few_have_cannot_be_computed_from_what_is_told_of_the_others() -> None:
    """Forty answers of 1 to 3 and one of 9: mean and deviation are those of the shared ones, with the one moved to the nearest."""
    values = np.append(np.repeat([1.0, 2.0, 3.0], [14, 16, 10]), [9.0, np.nan])
    subject = np.arange(len(values), dtype=np.int64)
    moved = np.where(values == 9.0, 3.0, values)
    np.testing.assert_array_equal(settled(values, np.zeros(len(values), np.int64), subject, 5), moved)
    found = protected_quantiles(values, subject, 5)
    assert found is not None
    moments = np.array([np.nanmean(moved), np.nanstd(moved, ddof=1)])
    assert [found.mean, found.sd] == told(moments, moments[1], 41).tolist()
    many = np.append(values[:-1], [9.5, 10.0, 11.0, 12.0])  # five have what is left: a mean of five is told
    np.testing.assert_array_equal(settled(many, np.zeros(len(many), np.int64), np.arange(len(many), dtype=np.int64), 5), many)
    own = settled(
        np.append(values, [7.0] * 5), np.append(np.zeros(42), np.ones(5)).astype(np.int64), np.arange(47, dtype=np.int64), 5
    )
    assert own[40] == 3.0 and own[42:].tolist() == [7.0] * 5  # each test on its own
