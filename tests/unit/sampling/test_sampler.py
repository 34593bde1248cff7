"""Subjects in chunks: the same for the same seed, whatever is asked for around them."""

from __future__ import annotations

import functools
import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import replicator as rp
from replicator.errors import SampleError
from replicator.profile.find import find_structure
from replicator.sampling.conditions import parse_where
from replicator.sampling.request import Request
from replicator.sampling.sampler import CHUNK, plan_chunks
from replicator.study_model.fitting import fit_study_model
from replicator.study_model.study_model import StudyModel
from replicator.tables.dataset import Dataset, Study

from ...properties.blueprint import Blueprint
from ...properties.strategies import build_study


@functools.cache
def model() -> StudyModel:
    study = build_study(Blueprint(n=90))
    return fit_study_model(study, find_structure(study))


def cells(dataset: Dataset) -> dict[str, list[str]]:
    return {name: dataset.text(name).strings().tolist() for name in dataset.names}


def of_subjects(study: Study, ids: set[str]) -> dict[str, dict[str, list[str]]]:
    """Rows of some subjects, dataset by dataset."""
    return {
        d.name: cells(d.take(np.array([one in ids for one in d.text("USUBJID").strings()], bool)))
        for d in study.datasets.values()
        if "USUBJID" in d
    }


@pytest.mark.parametrize("n", [1, 2, CHUNK - 1, CHUNK + 20])
def test_subject_i_is_the_same_in_every_sample_that_long(n: int) -> None:
    """The first n subjects of a longer sample are those of the shorter, in all datasets."""
    longer, shorter = Request(model(), CHUNK + 60, 5).study(), Request(model(), n, 5).study()
    ids = set(shorter["DM"].text("USUBJID").strings().tolist())
    assert len(ids) == n and longer["DM"].text("USUBJID").strings()[:n].tolist() == shorter["DM"].text("USUBJID").strings().tolist()
    assert of_subjects(longer, ids) == of_subjects(shorter, ids)


def test_workers_do_not_change_the_sample() -> None:
    """Two processes give the same cells as one."""
    one, two = (Request(model(), CHUNK + 10, 6, workers=workers).study() for workers in (1, 2))
    assert {d.name: cells(d) for d in one.datasets.values()} == {d.name: cells(d) for d in two.datasets.values()}


def test_a_domain_stands_for_the_datasets_that_it_is_split_into() -> None:
    """QS of the sample study is QSPG and QSSY; one pipe takes one of them."""
    fitted = rp.load_model(Path(__file__).parents[3] / "models" / "demo.replica")
    assert list(fitted.sample(5, domains=["QS", "DM"]).datasets) == ["DM", "QSPG", "QSSY"]
    with pytest.raises(SampleError, match="QS is split into QSPG, QSSY"):
        fitted.stream_sample(io.BytesIO(), "QS", 5)


def test_domains_leave_the_others_rows_alone() -> None:
    """Asking for two datasets gives those, with the rows of the full sample."""
    full, part = Request(model(), 50, 7).study(), Request(model(), 50, 7, domains=["DM", "VS"]).study()
    assert list(part.datasets) == ["DM", "VS"]
    assert all(cells(part[name]) == cells(full[name]) for name in part.datasets)


def test_other_seeds_give_other_subjects() -> None:
    """Two seeds share no subject's cells."""
    a, b = (Request(model(), 50, seed).study()["DM"].text("RFSTDTC").strings().tolist() for seed in (1, 2))
    assert a != b


def test_arms_are_exact_and_conditions_hold() -> None:
    """5 and 8 of two arms, all of them women above 50."""
    dm = Request(model(), 13, 3, where="SEX=F & AGE>50", arms={"Placebo": 5, "High Dose": 8}).study()["DM"]
    assert sorted(dm.text("ARM").strings().tolist()) == ["High Dose"] * 8 + ["Placebo"] * 5
    assert set(dm.text("SEX").strings().tolist()) == {"F"} and (dm.numbers("AGE") > 50).all()
    assert len(set(dm.text("USUBJID").strings().tolist())) == 13


def test_arms_are_asked_for_by_code_as_well_as_by_name() -> None:
    """The same sample; a code that is none is refused with names and codes, one arm by both of its names too."""
    drawn = rp.load_model(Path(__file__).parents[3] / "models" / "demo.replica").model
    by_name, by_code = ({"RVT-117 50 mg": 3, "Placebo": 2}, {"LOW": 3, "PBO": 2})
    one, other = (Request(drawn, 5, 3, arms=arms).study()["DM"] for arms in (by_name, by_code))
    assert cells(one) == cells(other) and sorted(other.text("ARMCD").strings().tolist()) == ["LOW"] * 3 + ["PBO"] * 2
    assert Request(drawn, 5, 3, arms=by_code).words() == Request(drawn, 5, 3, arms=by_name).words()
    with pytest.raises(SampleError, match=r"'MEDIUM' is not an arm .*'RVT-117 50 mg' \(LOW\)"):
        Request(drawn, 5, 3, arms={"MEDIUM": 5})
    with pytest.raises(SampleError, match="'LOW' and 'RVT-117 50 mg' are the same arm"):
        Request(drawn, 5, 3, arms={"LOW": 2, "RVT-117 50 mg": 3})


def test_chunks_put_together_are_the_sample() -> None:
    """Chunk by chunk the same subjects come as at once."""
    whole = Request(model(), CHUNK + 30, 8).study()["AE"]
    request = Request(model(), CHUNK + 30, 8)
    chunks = [study["AE"] for study in request.draw(request.plan())]
    assert len(chunks) == 2
    assert [row for chunk in chunks for row in cells(chunk)["AETERM"]] == cells(whole)["AETERM"]


@pytest.mark.parametrize(
    "wish",
    [{"n": 0}, {"n": -5}, {"seed": -1}, {"arms": {"Placebo": 3}}, {"n": 3, "arms": {"Nobody": 3}}, {"domains": ["XY"]}],
)
def test_impossible_wishes_are_one_sentence(wish: dict[str, object]) -> None:
    """Out of bounds: nothing is drawn."""
    asked: dict[str, object] = {"n": 10, "seed": 1, **wish}
    with pytest.raises(SampleError):
        Request(model(), **asked)  # type: ignore[arg-type]


def test_conditions_that_nobody_meets_end() -> None:
    """After enough fruitless draws one sentence says how many were tried."""
    with pytest.raises(SampleError, match=r"None of [0-9,]+ drawn subjects meets the conditions; loosen --where"):
        plan_chunks(model(), 5, 1, parse_where("AGE>500", ("AGE",)), None)


@pytest.mark.parametrize(
    ("request_", "word"),
    [
        ({"n": 2.5}, "2.5"),
        ({"n": True}, "True"),
        ({"n": "5"}, "'5'"),
        ({"n": 5, "seed": "x"}, "'x'"),
        ({"n": 5, "seed": 1.0}, "1.0"),
        ({"n": 5, "domains": "DM,XX"}, "'DM,XX'"),
        ({"n": 5, "arms": ["Placebo"]}, "Placebo"),
        ({"n": 5, "arms": {"Placebo": 5.0}}, "5.0"),
        ({"n": 5, "arms": {"Nobody": 5}}, "'Placebo'"),
    ],
)
def test_a_request_of_another_type_is_one_sentence(request_: dict[str, Any], word: str) -> None:
    """What is no number, no list or no mapping is named as it was given; numpy's whole numbers are whole numbers."""
    with pytest.raises(SampleError, match=word) as caught:
        Request(model(), **request_)
    assert "\n" not in str(caught.value) and "''" not in str(caught.value)
    assert Request(model(), np.int64(5), np.uint8(0)).n == 5  # type: ignore[arg-type]


def test_conditions_hold_for_what_follows_from_other_variables() -> None:
    """The sample study's flag of death follows from its date: whoever is asked for by the flag has the date."""
    fitted = rp.load_model(Path(__file__).parents[3] / "models" / "demo.replica")
    dm = fitted.sample(6, seed=2, where="DTHFL=Y")["DM"]
    assert set(dm.text("DTHFL").strings()) == {"Y"}
    assert not dm["DTHDTC"].missing.any()
