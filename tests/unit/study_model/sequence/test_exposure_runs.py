"""A log of doses, a row a day, is a few runs of days; and two datasets that tell the same doses tell them together."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from replicator.config import FitConfig
from replicator.profile.find import find_structure
from replicator.sampling.request import Request
from replicator.study_model.counterparts import find_counterparts, join_counterpart
from replicator.study_model.fitting import fit_study_model
from replicator.study_model.sequence.exposure_runs import RunsPart
from replicator.study_model.source import read_source
from replicator.study_model.study_model import StudyModel
from replicator.tables.dataset import Study, Text
from replicator.tables.dates import parse_dates

from ..small_studies import doses_of_each_day


@pytest.fixture(scope="module")
def study() -> Study:
    """The source."""
    return doses_of_each_day()


@pytest.fixture(scope="module")
def model(study: Study) -> StudyModel:
    """What is learned of it."""
    return fit_study_model(study, find_structure(study))


@pytest.fixture(scope="module")
def sample(model: StudyModel) -> Study:
    """Two hundred subjects."""
    return Request(model, 200, seed=3).study()


def _frame(study: Study, name: str) -> pd.DataFrame:
    frame = pd.DataFrame({one: study[name].text(one).strings() for one in study[name].names})
    date = next(one for one in study[name].names if one.endswith("STDTC"))
    frame["day"] = parse_dates(study[name].text(date)).day
    return frame


def test_runs_are_found_where_days_follow_each_other(study: Study) -> None:
    """The log suits; the same rows every third day, or with a time of day, do not."""
    structure = find_structure(study).datasets["EX"]
    subject = read_source(study, find_structure(study)).subject["EX"]
    log = study["EX"]
    assert RunsPart.suits(log, structure, subject)
    apart = np.arange(0, log.n_rows, 3)
    assert not RunsPart.suits(log.take(apart), structure, subject[apart])
    timed = log.with_column(log.variable("EXSTDTC"), Text.of([f"{one}T08:00" for one in log.text("EXSTDTC").strings()]))
    assert not RunsPart.suits(timed, structure, subject)


def test_a_log_goes_on_day_by_day_to_the_end_of_treatment(model: StudyModel, sample: Study) -> None:
    """Each subject has a row a day from the first day to the last, and the higher dose follows the lower in its arm alone."""
    assert isinstance(model.parts["EC"], RunsPart)
    log, head = _frame(sample, "EC"), _frame(sample, "DM")
    assert log["day"].groupby(log["USUBJID"]).diff().dropna().eq(1).all()
    ends = log.groupby("USUBJID").agg(first=("ECSTDTC", "first"), last=("ECSTDTC", "last"), taken=("ECOCCUR", "last"))
    ends = ends.join(head.set_index("USUBJID"))
    assert (ends["first"] == ends["RFSTDTC"]).all()
    assert (ends["last"] == ends["RFENDTC"])[ends["taken"] == "Y"].all()
    assert 0.2 < (log.groupby("USUBJID").size() == 20).mean() < 0.5
    arm = log["USUBJID"].map(head.set_index("USUBJID")["ARMCD"])
    strength = log["ECPSTRG"].astype(float)
    assert set(strength[arm == "LOW"]) == {10.8} and set(strength[arm == "HIGH"]) == {10.8, 16.2}
    assert strength[arm == "HIGH"].groupby(log["USUBJID"]).diff().dropna().ge(0).all()


def test_what_was_given_is_what_was_collected(model: StudyModel, sample: Study) -> None:
    """EX has the days of EC on which a dose was taken, no others, and the dose that belongs to the strength."""
    [one] = model.counterparts
    assert (one.dataset, one.other, one.topic, one.columns["EXSTDTC"]) == ("EX", "EC", "EXTRT", "ECSTDTC")
    given, collected = _frame(sample, "EX"), _frame(sample, "EC")
    taken = collected[collected["ECOCCUR"] == "Y"]
    assert 0 < len(taken) < len(collected)
    both = taken.merge(given, left_on=["USUBJID", "ECSTDTC"], right_on=["USUBJID", "EXSTDTC"], how="outer", indicator=True)
    assert (both["_merge"] == "both").all() and len(both) == len(given)
    assert np.allclose(both["EXDOSE"].astype(float), both["ECPSTRG"].astype(float) * 5)


def test_a_joined_dataset_comes_off_as_it_was(study: Study) -> None:
    """Joining and splitting the source's own rows gives them back."""
    structure = find_structure(study)
    source = read_source(study, structure)
    datasets = {name: source.datasets[name] for name in ("EX", "EC")}
    [one] = find_counterparts(datasets, structure.datasets, source.subject)
    joined = join_counterpart(one, datasets, structure.datasets, source.subject)
    assert joined.n_rows == datasets["EC"].n_rows
    assert int((~joined["EXTRT"].missing).sum()) == datasets["EX"].n_rows
    assert (joined.numbers("EXDOSE")[~joined["EXTRT"].missing] == datasets["EX"].numbers("EXDOSE")).all()


def test_datasets_that_differ_in_a_row_are_learned_apart(study: Study) -> None:
    """One dose that was given and not collected, or a day collected twice, and neither tells the other."""
    structure = find_structure(study)
    source = read_source(study, structure)
    datasets, subject = {name: source.datasets[name] for name in ("EX", "EC")}, dict(source.subject)
    first = np.arange(datasets["EC"].n_rows) > 0
    less = {**datasets, "EC": datasets["EC"].take(first)}
    assert find_counterparts(less, structure.datasets, {**subject, "EC": subject["EC"][first]}) == ()
    twice = np.append(np.arange(datasets["EC"].n_rows), 0)
    more = {**datasets, "EC": datasets["EC"].take(twice)}
    assert find_counterparts(more, structure.datasets, {**subject, "EC": subject["EC"][twice]}) == ()


def test_a_log_without_a_date_of_end_is_learned_likewise(study: Study) -> None:
    """EX alone has no EXENDTC; its rows follow day by day all the same, but for days missed."""
    alone = Study({"DM": study["DM"], "EX": study["EX"]})
    structure = find_structure(alone)
    source = read_source(alone, structure)
    fitted = RunsPart.fit(source.datasets["EX"], structure.datasets["EX"], source.subject["EX"], source.spine, FitConfig())
    rows = fitted.part.sample(source.spine, np.random.default_rng(1))
    assert "EXENDTC" not in rows.columns
    column = rows.columns["EXSTDTC"]
    assert isinstance(column, Text)
    day = parse_dates(column).day
    step = np.diff(day)[np.diff(rows.subject) == 0]
    assert (step >= 1).all() and (step == 1).mean() > 0.95
