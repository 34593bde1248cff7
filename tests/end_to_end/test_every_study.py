"""Every study at hand goes through fit, sample and validate; one study gives the same sample whatever format it was read from."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

import replicator as rp

from ..conftest import packaged_study

pytestmark = pytest.mark.slow
ROOT = Path(__file__).resolve().parents[2]

SHARED = (
    "cdiscpilot01",
    "pbc",
    "diabetes-mock",
    "pk-sad",
    "pk-crossover",
    "msg-v2/xpt",
    "msg-v2/datasetjson",
    "msg-v2/datasetndjson",
    "msg-v2/datasetjson_compressed",
)
GROUPS = ("oncology", "eye", "vaccine", "metabolic", "neurology", "children", "general")


def all_the_way(source: Path | Sequence[Path]) -> None:
    """Fit, sample 100 subjects, validate; the sample has all datasets and variables, and each of the 100 is there.

    Datasets are lacking that a note says are left out: devices of one subject each.
    """
    study = rp.read_study(source)
    model = rp.fit(study, cache=False)
    synthetic = model.sample(100, seed=1)
    left_out = {note.split(":")[0] for note in model.notes if "so nothing of its" in note}
    assert left_out <= {"DI"}
    assert set(synthetic.datasets) == set(study.datasets) - left_out
    for name, dataset in synthetic.datasets.items():
        assert dataset.names == study[name].names, name
    assert model.describe().sentences()
    assert rp.validate(synthetic, against=model).comparisons
    assert synthetic._repr_html_()


def folder_of(shared: Path, name: str) -> Path:
    """Find a study's folder; formats are folders of their own or files of one folder."""
    folder = shared / name
    if not folder.is_dir():
        pytest.skip(f"no folder {name} among the shared studies")
    return folder


@pytest.mark.parametrize("name", SHARED)
def test_shared_studies(name: str, shared_data: Path) -> None:
    """Studies of other kinds: the pilot as transport files, a long one, small ones, one without exposure, pharmacokinetics."""
    all_the_way(folder_of(shared_data, name))


@pytest.mark.parametrize("name", GROUPS)
def test_packaged_studies(name: str, certificates: ModuleType) -> None:
    """Groups of datasets from oncology, ophthalmology, vaccines, metabolism, neurology and paediatrics."""
    packaged_study("pharmaversesdtm")
    files = certificates.packaged_files(name)
    assert len(files) > 1
    all_the_way(files)


@pytest.mark.parametrize("format", ["csv", "xpt"])
def test_the_sample_study(format: str) -> None:
    """Our own study in both of its formats."""
    [folder] = (ROOT / "sample_data").glob(f"*/{format}")
    all_the_way(folder)


def test_one_study_in_four_formats_gives_one_sample(tmp_path: Path) -> None:
    """The sample study, written as CSV, XPT, Parquet and Dataset-JSON and read again, gives the same subjects."""
    [folder] = (ROOT / "sample_data").glob("*/xpt")
    study = rp.read_study(folder)
    samples = {}
    for format in ("csv", "xpt", "parquet", "json"):
        rp.write_study(study, tmp_path / format, format=format)
        samples[format] = rp.fit(tmp_path / format, cache=False).sample(30, seed=5)
    for format, sample in samples.items():
        assert list(sample.datasets) == list(samples["csv"].datasets), format
        for name, dataset in samples["csv"].datasets.items():
            assert sample[name].names == dataset.names
            for variable in dataset.names:
                assert np.array_equal(sample[name].text(variable).strings(), dataset.text(variable).strings()), (
                    format,
                    name,
                    variable,
                )
