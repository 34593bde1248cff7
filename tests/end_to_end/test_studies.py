"""What holds of every sample: who is in it, that it does not depend on how it was made, and that its parts fit together."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import replicator as rp
from replicator.errors import ReplicatorError
from replicator.fitted import FittedStudy
from replicator.tables.dataset import Study

from ..conftest import packaged_study

pytestmark = pytest.mark.slow
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def source() -> Study:
    """The sample study: 24 datasets, two of them of one domain, SUPP-- and RELREC."""
    [folder] = (ROOT / "sample_data").glob("*/xpt")
    return rp.read_study(folder)


@pytest.fixture(scope="module")
def model(source: Study) -> FittedStudy:
    """What was learned of it."""
    return rp.fit(source, cache=False)


def cells(study: Study, subjects: set[str]) -> dict[tuple[str, str], list[str]]:
    """All cells of some subjects, by dataset and variable."""
    out = {}
    for name, dataset in study.datasets.items():
        if "USUBJID" in dataset:
            own = dataset.take(np.array([one in subjects for one in dataset.text("USUBJID").strings()], bool))
            out |= {(name, variable): own.text(variable).strings().tolist() for variable in own.names}
    return out


def subjects_of(study: Study) -> list[str]:
    return list(study["DM"].text("USUBJID").strings())


@pytest.fixture(scope="module")
def long(model: FittedStudy) -> Study:
    """A sample of more than two chunks."""
    return model.sample(1030, seed=5)


@pytest.mark.parametrize("n", [1, 2, 100, 500, 501, 1000])
def test_a_subject_is_the_same_in_every_longer_sample(n: int, model: FittedStudy, long: Study) -> None:
    """A sample of n subjects has n subjects, nobody else's rows, and each is as in the longer sample."""
    sample = model.sample(n, seed=5)
    subjects = subjects_of(sample)
    assert subjects == subjects_of(long)[:n] and len(set(subjects)) == n
    for name, dataset in sample.datasets.items():
        if "USUBJID" in dataset:
            assert set(dataset.text("USUBJID").strings().tolist()) <= set(subjects), name
    assert cells(sample, set(subjects)) == cells(long, set(subjects))


def test_workers_do_not_matter(model: FittedStudy, long: Study) -> None:
    """Two processes make what one makes."""
    assert cells(model.sample(1030, seed=5, workers=2), set(subjects_of(long))) == cells(long, set(subjects_of(long)))


def test_sequence_numbers_go_on_over_the_datasets_of_a_domain(source: Study, long: Study) -> None:
    """QSPG and QSSY share QSSEQ: unique for a subject over both in the source, and so in the sample."""
    for study in (source, long):
        pairs = [
            pair
            for name in ("QSPG", "QSSY")
            for pair in zip(study[name].text("USUBJID").strings(), study[name].numbers("QSSEQ").tolist(), strict=True)
        ]
        assert len(pairs) == len(set(pairs)) > 0


def test_relations_lead_to_rows(long: Study) -> None:
    """Every row of RELREC names a row of the dataset of its domain, and every relation joins two domains."""
    relation = long["RELREC"]
    rows = {
        (long[name].domain, one, variable, value)
        for name, variable in (("AE", "AESEQ"), ("CM", "CMSEQ"))
        for one, value in zip(long[name].text("USUBJID").strings(), long[name].text(variable).strings(), strict=True)
    }
    named = list(zip(*(relation.text(v).strings() for v in ("RDOMAIN", "USUBJID", "IDVAR", "IDVARVAL")), strict=True))
    assert named and set(named) <= rows
    assert {domain for domain, *_ in named} == {"AE", "CM"}


def test_findings_are_dated_within_their_visits(long: Study) -> None:
    """In the source every electrocardiogram is of the visit's first day; dates with and without times keep to it."""
    visits = long["SV"]
    keys = zip(visits.text("USUBJID").strings(), visits.numbers("VISITNUM").tolist(), strict=True)
    starts = dict(zip(keys, visits.text("SVSTDTC").strings(), strict=True))
    findings = long["EG"]
    own = zip(findings.text("USUBJID").strings(), findings.numbers("VISITNUM").tolist(), strict=True)
    dates = [date[:10] for date in findings.text("EGDTC").strings()]
    assert all(starts[key] == date for key, date in zip(own, dates, strict=True) if date)


@pytest.mark.parametrize(
    ("where", "variable", "meets"),
    [
        ("SEX=F", "SEX", lambda text: text == "F"),
        ("SEX=F & AGE>50", "AGE", lambda text: float(text) > 50),
        ("RFICDTC>=2021-06", "RFICDTC", lambda text: text >= "2021-06"),
        ("ARMCD=PBO", "ARMCD", lambda text: text == "PBO"),
    ],
)
def test_conditions_are_met(where: str, variable: str, meets: Callable[[str], bool], model: FittedStudy) -> None:
    """Exactly as many subjects as asked for, and each meets the condition."""
    sample = model.sample(60, seed=1, where=where)
    values = sample["DM"].text(variable).strings().tolist()
    assert len(values) == 60 and all(meets(value) for value in values)


@pytest.mark.parametrize("where", ["AGE=old", "AGE>900", "SEX=Q", "NOSUCH=1", "SEX", "BRTHDTC=1970-01-01 & SEX=F & AGE=51"])
def test_conditions_that_cannot_be_met(where: str, model: FittedStudy) -> None:
    """What no subject, or hardly any, can meet is refused before long."""
    with pytest.raises(ReplicatorError, match="--where"):
        model.sample(60, seed=1, where=where)


def test_numbers_by_arm(model: FittedStudy) -> None:
    """Arms get the numbers that were asked for, also with a condition and beyond one chunk; negative ones are refused."""
    for arms, where in (({"Placebo": 30, "RVT-117 100 mg": 10}, "SEX=F"), ({"Placebo": 700, "RVT-117 100 mg": 3}, None)):
        sample = model.sample(sum(arms.values()), seed=1, arms=arms, where=where)
        found, counts = np.unique(sample["DM"].text("ARM").strings().astype(str), return_counts=True)
        assert dict(zip(found.tolist(), counts.tolist(), strict=True)) == arms
    with pytest.raises(ReplicatorError, match="-5"):
        model.sample(5, arms={"Placebo": -5, "RVT-117 100 mg": 10})


@pytest.mark.parametrize("name", ["adsl", "adae", "adlbhy"])
def test_analysis_datasets_are_learned_alone(name: str) -> None:
    """Datasets of ADaM are of no kind of the standard: they are learned by the shape that they show."""
    model = rp.fit(packaged_study("cdiscpilotadam") / f"{name}.parquet", cache=False)
    sample = model.sample(40, seed=1)
    assert sample[name.upper()].n_rows > 0
    assert len(set(sample[name.upper()].text("USUBJID").strings().tolist())) <= 40
