"""What the verbs of Python are handed: of another type, or out of its bounds, it is refused in one sentence."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import replicator as rp
from replicator.arguments import MOST_SUBJECTS, check_whole
from replicator.errors import ReplicatorError, SampleError

from ..properties.blueprint import Blueprint
from ..properties.strategies import build_study


@pytest.fixture(scope="module")
def study() -> rp.Study:
    return build_study(Blueprint(n=30))


@pytest.fixture(scope="module")
def fitted(study: rp.Study) -> rp.FittedStudy:
    return rp.fit(study, cache=False)


Call = Callable[[rp.FittedStudy, rp.Study, Path], object]

CALLS: dict[str, tuple[Call, str]] = {
    "fit of nothing": (lambda model, study, folder: rp.fit(None), "A NoneType is no path to study data"),  # type: ignore[arg-type]
    "fit with k as text": (lambda model, study, folder: rp.fit(study, k="5"), "k='5': it must be a whole number"),  # type: ignore[arg-type]
    "fit with k as truth": (lambda model, study, folder: rp.fit(study, k=True), "k=True: it must be a whole number"),
    "fit with k too large": (lambda model, study, folder: rp.fit(study, k=10**30), "k=10+: it must be 1000 or less"),
    "no subjects": (lambda model, study, folder: model.sample(None), "The number of subjects is None"),  # type: ignore[arg-type]
    "too many subjects": (
        lambda model, study, folder: model.sample(10**30),
        "give one from 1 to 1,000,000,000, and sample",
    ),
    "far too many subjects": (lambda model, study, folder: model.sample(10**300), "subjects is about 2..997, which is too high"),
    "too many to write": (lambda model, study, folder: model.write_sample(folder / "x", MOST_SUBJECTS + 1), "is too high"),
    "no workers": (
        lambda model, study, folder: model.sample(5, workers=0),
        "0, which is too low; give one from 1 to 256",
    ),
    "workers as text": (lambda model, study, folder: model.sample(5, workers="2"), "workers is '2' and no whole number"),  # type: ignore[arg-type]
    "workers to write": (lambda model, study, folder: model.write_sample(folder / "x", 5, workers=0), "The number of workers is 0"),
    "seed below 0": (lambda model, study, folder: model.sample(5, seed=-1), "The seed is -1, which is too low; give one from 0 up"),
    "domains as number": (lambda model, study, folder: model.sample(5, domains=5), "The domains 5 are no list"),  # type: ignore[arg-type]
    "write to nothing": (lambda model, study, folder: model.write_sample(None, 5), "None is no path of a folder to write"),  # type: ignore[arg-type]
    "write nothing": (lambda model, study, folder: rp.write_study(None, folder / "x"), "None is no Study"),  # type: ignore[arg-type]
    "load nothing": (lambda model, study, folder: rp.load_model(None), "None is no path of a model file"),  # type: ignore[arg-type]
    "load no bytes": (lambda model, study, folder: rp.FittedStudy.of_bytes("x"), "'x' is no model file's bytes"),  # type: ignore[arg-type]
    "save to nothing": (lambda model, study, folder: model.save(None), "None is no path of a model file to write"),  # type: ignore[arg-type]
    "certify a folder": (lambda model, study, folder: model.certify(str(folder)), "is no Study; give what sample"),  # type: ignore[arg-type]
    "validate against data": (lambda model, study, folder: rp.validate(study, against=study), "A Study is no model; give a fitted"),  # type: ignore[call-overload]
    "validate nothing": (lambda model, study, folder: rp.validate(None), "A NoneType is no path to study data"),  # type: ignore[call-overload]
    "profile nothing": (lambda model, study, folder: rp.profile_study(None), "None is no Study; give what read_study"),  # type: ignore[arg-type]
    "profile with k as text": (lambda model, study, folder: rp.profile_study(study, k="5"), "k is '5' and no whole number"),  # type: ignore[arg-type]
    "profile of numbers": (lambda model, study, folder: rp.pipeline.profile_source([5]), "A list is no path to study data"),  # type: ignore[list-item]
    "compare studies": (lambda model, study, folder: rp.compare_profiles(study, study), "A Study is no StudyProfile"),  # type: ignore[arg-type]
    "evaluate with a seed as text": (lambda model, study, folder: rp.evaluate(study, study, seed="1"), "The seed is '1'"),  # type: ignore[arg-type]
    "study of numbers": (lambda model, study, folder: rp.Study({"DM": 3}), "3 is no Dataset, as 'DM' must be"),  # type: ignore[dict-item]
    "study of nothing": (lambda model, study, folder: rp.Study(None), "None is no mapping of names to datasets"),  # type: ignore[arg-type]
    "dataset of lists": (
        lambda model, study, folder: rp.Dataset("DM", (rp.Variable("A"),), {"A": [1]}),  # type: ignore[dict-item]
        "A list is no column, as DM.A must be",
    ),
}


@pytest.mark.parametrize("name", CALLS)
def test_each_verb_refuses_in_one_sentence(name: str, fitted: rp.FittedStudy, study: rp.Study, tmp_path: Path) -> None:
    """The sentence names what was given and what is wanted, and nothing is written."""
    call, words = CALLS[name]
    with pytest.raises(ReplicatorError, match=words) as caught:
        call(fitted, study, tmp_path)
    said = str(caught.value)
    assert "\n" not in said and said.endswith(".") and len(said) < 250
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("value", [1, 8, np.int64(3), np.uint8(8)])
def test_whole_numbers_of_any_kind_are_taken(value: Any) -> None:
    """Numpy's whole numbers are whole numbers, and bounds are permitted."""
    check_whole(value, "It", SampleError, least=1, most=8)


@pytest.mark.parametrize("value", [0, 9, 2.0, np.float64(2), "2", None, True, np.bool_(True), [2]])
def test_all_else_is_refused(value: Any) -> None:
    """Numbers beyond the bounds, and what only looks like a number."""
    with pytest.raises(SampleError, match=r"^It is "):
        check_whole(value, "It", SampleError, least=1, most=8)
