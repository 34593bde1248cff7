"""The main job on the real pilot study: 31 datasets in, a model, new subjects out, held against their source."""

from __future__ import annotations

import hashlib
import json
import time
from pathlib import Path

import numpy as np
import pytest

import replicator as rp
from replicator.cli import main

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for the model and the samples of all tests below."""
    return tmp_path_factory.mktemp("pilot")


@pytest.fixture(scope="module")
def model(place: Path, pilot_folder: Path) -> Path:
    """The pilot study's model, fitted by the command line."""
    assert main(["fit", str(pilot_folder), "-o", str(place / "pilot.replica"), "--quiet"]) == 0
    return place / "pilot.replica"


@pytest.fixture(scope="module")
def fitted(model: Path) -> rp.FittedStudy:
    """The same, loaded."""
    return rp.load_model(model)


@pytest.fixture(scope="module")
def source(pilot_folder: Path) -> rp.Study:
    """The pilot study."""
    return rp.read_study(pilot_folder)


@pytest.fixture(scope="module")
def synthetic(fitted: rp.FittedStudy) -> rp.Study:
    """As many subjects as the source has."""
    return fitted.sample(306, seed=7)


def digests(folder: Path) -> dict[str, str]:
    """Hash every file of a folder."""
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(folder.iterdir())}


def sample(model: Path, out: Path, *options: str) -> Path:
    """Sample by the command line."""
    assert main(["sample", str(model), "-o", str(out), "--quiet", *options]) == 0
    return out


def test_the_sample_has_the_shape_of_its_source(source: rp.Study, synthetic: rp.Study) -> None:
    """The same datasets, variables, labels and types, and about as many rows a subject."""
    assert list(synthetic.datasets) == list(source.datasets)
    for name, dataset in source.datasets.items():
        assert synthetic[name].names == dataset.names, name
        assert [v.label for v in synthetic[name].variables] == [v.label for v in dataset.variables], name
        assert [v.type for v in synthetic[name].variables] == [v.type for v in dataset.variables], name
        if dataset.n_rows >= 300:
            assert 0.7 < synthetic[name].n_rows / dataset.n_rows < 1.4, name


def test_no_subject_of_the_sample_is_one_of_the_source(source: rp.Study, synthetic: rp.Study) -> None:
    """New identifiers, each once, of the old pattern."""
    old, new = (study["DM"].text("USUBJID").strings() for study in (source, synthetic))
    assert len(set(new)) == 306
    assert not set(new) & set(old)
    assert {len(one) for one in new} <= {len(one) for one in old}


def test_the_certificate_is_clean(model: Path, place: Path) -> None:
    """Under the rules of its source the sample breaks none that the source kept."""
    out = sample(model, place / "certified", "-n", "306", "--seed", "7")
    report = place / "certificate.json"
    assert main(["validate", str(out), "--against", str(model), "--json", str(report), "--quiet"]) == 0
    assert json.loads(report.read_text(encoding="utf-8"))


def test_bytes_depend_on_model_seed_and_number_alone(model: Path, place: Path) -> None:
    """Two runs, and any number of workers, write the same bytes; another seed writes others."""
    one = digests(sample(model, place / "one", "-n", "300", "--seed", "3"))
    assert digests(sample(model, place / "two", "-n", "300", "--seed", "3")) == one
    assert digests(sample(model, place / "three", "-n", "300", "--seed", "3", "--workers", "2")) == one
    other = digests(sample(model, place / "other", "-n", "300", "--seed", "4"))
    assert other["dm.csv"] != one["dm.csv"]
    assert other["ta.csv"] == one["ta.csv"]


def test_a_subject_is_the_same_in_every_longer_sample(fitted: rp.FittedStudy, synthetic: rp.Study) -> None:
    """The first 20 of 306 are the 20 of a sample of 20."""
    few = fitted.sample(20, seed=7)
    for name in ("DM", "VS", "AE", "LBCH"):
        ours = few[name].to_frame()
        theirs = synthetic[name].to_frame()
        kept = theirs[theirs["USUBJID"].isin(ours["USUBJID"].unique())].reset_index(drop=True)
        assert ours.equals(kept), name


def test_formats_hold_the_same_study(model: Path, place: Path) -> None:
    """One sample as CSV, XPT, Parquet and Dataset-JSON reads back equal, cell by cell."""
    studies = {
        kind: rp.read_study(sample(model, place / f"as-{kind}", "-n", "40", "--format", kind))
        for kind in ("csv", "xpt", "parquet", "json")
    }
    for kind in ("xpt", "parquet", "json"):
        assert list(studies[kind].datasets) == list(studies["csv"].datasets)
        for name, dataset in studies["csv"].datasets.items():
            for variable in dataset.names:
                left, right = dataset.text(variable).strings(), studies[kind][name].text(variable).strings()
                assert np.array_equal(left, right), (kind, name, variable)


def test_a_second_fit_costs_only_the_hash(pilot_folder: Path, model: Path, place: Path) -> None:
    """The cache gives the same bytes in a small part of the time."""
    start = time.process_time()
    assert main(["fit", str(pilot_folder), "-o", str(place / "again.replica"), "--quiet"]) == 0
    assert time.process_time() - start < 3.0
    assert (place / "again.replica").read_bytes() == model.read_bytes()


def test_exact_numbers_by_arm(fitted: rp.FittedStudy) -> None:
    """--arm gives each arm as many subjects as it was asked for, and no other arm any."""
    arms = fitted.sample(30, seed=1, arms={"Placebo": 20, "Xanomeline High Dose": 10})["DM"].to_frame()["ARM"]
    assert arms.value_counts().to_dict() == {"Placebo": 20, "Xanomeline High Dose": 10}


def test_conditions_hold_for_every_subject(fitted: rp.FittedStudy) -> None:
    """--where gives as many subjects as asked for, and all of them meet the condition."""
    frame = fitted.sample(25, seed=1, where="SEX=F & AGE>65")["DM"].to_frame()
    assert len(frame) == 25
    assert set(frame["SEX"]) == {"F"}
    assert frame["AGE"].min() > 65


def test_only_some_datasets(fitted: rp.FittedStudy, synthetic: rp.Study) -> None:
    """--domains leaves the others out and changes nothing in those that stay."""
    some = fitted.sample(306, seed=7, domains=["DM", "VS"])
    assert set(some.datasets) == {"DM", "VS"}
    assert some["VS"].to_frame().equals(synthetic["VS"].to_frame())


def test_what_the_model_holds(fitted: rp.FittedStudy, source: rp.Study) -> None:
    """No identifier, no term that fewer than three of a dataset's subjects have, no value of fewer than k subjects."""
    description = fitted.describe()
    assert not set(description.texts) & set(source["DM"].text("USUBJID").strings())
    parts = {part.name: set(part.texts) for part in description.parts}
    for name, variable in (("AE", "AETERM"), ("AE", "AEDECOD"), ("CM", "CMDECOD"), ("MH", "MHTERM"), ("MH", "MHDECOD")):
        frame = source[name].to_frame()[["USUBJID", variable]].drop_duplicates()
        counts = frame[variable].value_counts()
        assert not parts[name] & set(counts[counts < 3].index), (name, variable)
    assert description.fewest_subjects is not None
    assert description.fewest_subjects >= 5
    assert "306" in " ".join(description.sentences())


def test_everything_shows_itself(fitted: rp.FittedStudy, source: rp.Study, synthetic: rp.Study) -> None:
    """Studies, models, descriptions and certificates have a page for Jupyter that is well-formed."""
    for value in (source, source["DM"], fitted, fitted.describe(), rp.validate(synthetic, against=fitted)):
        page = value._repr_html_()
        assert page.lstrip().startswith("<"), type(value)
        assert page.count("<table") == page.count("</table>")
