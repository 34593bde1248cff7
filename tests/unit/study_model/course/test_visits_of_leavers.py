"""Who leaves is seen after the last dose, and followed up as long after it as those who stay."""

from __future__ import annotations

from functools import cache

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from replicator.profile.find import find_structure
from replicator.sampling.request import Request
from replicator.study_model.course.days import same_distribution
from replicator.study_model.fitting import fit_study_model
from replicator.study_model.marks.marks import Marks
from replicator.study_model.study_model import StudyModel

from ..small_studies import make_study
from ..spines import make_spine

N, LEAVERS = 44, 10  # of whom the last six alone are followed up
DAYS = {1: -14, 2: 0, 3: 14, 4: 28, 5: 56, 6: 84}
EARLY, FOLLOW_UP = 7, 8


def _iso(day: int) -> str:
    return str(np.datetime64("2021-03-01") + day)


@cache
def _model() -> StudyModel:
    rng = np.random.default_rng(4)
    rows: dict[str, list[dict[str, object]]] = {name: [] for name in ("DM", "SV", "EX")}
    for i in range(N):
        who, start, left = f"ST-{i:03d}", 7 * i, i < LEAVERS
        dose = start + 17 + 4 * i if left else start + DAYS[6] + int(rng.integers(-2, 3))
        visits = {number: start + day for number, day in DAYS.items() if start + day < dose}
        visits |= {EARLY: dose + 1} if left else {6: dose}
        visits |= {} if i < LEAVERS - 6 else {FOLLOW_UP: dose + 14 + int(rng.integers(-1, 3))}
        end = max(visits.values())
        dates = {"RFSTDTC": _iso(start), "RFXENDTC": _iso(dose), "RFENDTC": _iso(dose), "RFPENDTC": _iso(end)}
        rows["DM"].append({"USUBJID": who, "SUBJID": who[3:], **dates, "ARMCD": "A", "ARM": "A"})
        rows["SV"] += [{"USUBJID": who, "VISITNUM": number, "SVSTDTC": _iso(day)} for number, day in visits.items()]
        rows["EX"].append({"USUBJID": who, "EXTRT": "X", "EXDOSE": 1, "EXSTDTC": _iso(start), "EXENDTC": _iso(dose)})
    study = make_study(**{name: pd.DataFrame(some).to_dict("list") for name, some in rows.items()})
    return fit_study_model(study, find_structure(study))


def _after_dose(seed: int, number: int) -> pd.Series:
    study = Request(_model(), 300, seed=seed).study()
    visits = study.datasets["SV"].to_frame()
    dose = pd.to_datetime(study.datasets["DM"].to_frame().set_index("USUBJID").RFXENDTC)
    mine = visits[number == visits.VISITNUM].set_index("USUBJID").SVSTDTC
    return (pd.to_datetime(mine) - dose[mine.index]).dt.days


@pytest.mark.parametrize("seed", [1, 2])
def test_the_visit_of_who_leaves_is_after_the_last_dose(seed: int) -> None:
    """On no day up to it, as in nobody of the source."""
    after = _after_dose(seed, EARLY)
    assert len(after) > 25 and after.min() >= 1


@pytest.mark.parametrize("seed", [1, 2])
def test_a_follow_up_is_as_long_after_the_last_dose_of_who_leaves(seed: int) -> None:
    """Two weeks, give or take, whenever the last visit of the course was."""
    after = _after_dose(seed, FOLLOW_UP)
    early = _after_dose(seed, EARLY).index
    assert len(after.index.intersection(early)) > 8
    assert after.between(11, 18).all()


def test_a_visit_at_the_end_hangs_on_what_it_follows_most_closely() -> None:
    """It is counted from the last dose where that tells its day better than the last visit does, and from that one elsewhere."""
    rng = np.random.default_rng(1)
    last = 18000.0 + 84 + rng.integers(0, 100, 60)
    dose = last + np.where(np.arange(60) < 12, rng.integers(5, 30, 60), 0)
    marks = {"LASTVISIT": last, "DM.RFXENDTC": dose, "FIRST": last - 84}
    hanging = {"DM.RFXENDTC": dose + 14 + rng.integers(-1, 2, 60), "LASTVISIT": last + 40 + rng.integers(-1, 2, 60)}
    for base, day in hanging.items():
        spine = make_spine(60, {**marks, "VISIT 8": day, "LAST": day}, anchor=last - 84)
        fitted = Marks.fit(spine, 5, ("LASTVISIT",))[0].marks
        assert {one.name: one.base for one in fitted}["VISIT 8"] == base


@pytest.mark.parametrize(("n", "m", "shift"), [(10, 40, 0.0), (10, 40, 0.6), (60, 300, 0.0), (60, 300, 0.3), (400, 900, 0.1)])
def test_two_samples_are_compared_as_scipy_compares_them(n: int, m: int, shift: float) -> None:
    """Against scipy.stats.ks_2samp, which is exact up to 10,000 values: a fifth of the p-value, or 0.02, over twenty draws."""
    rng = np.random.default_rng(n)
    for _ in range(20):
        one, other = np.sort(rng.normal(shift, 1, n)), np.sort(rng.normal(0, 1, m))
        exact = float(stats.ks_2samp(one, other).pvalue)
        assert same_distribution(one, other) == pytest.approx(exact, rel=0.2, abs=0.02)
