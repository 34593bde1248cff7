"""Fitting again after one dataset changed costs that dataset, and gives what a fit from nothing gives."""

from pathlib import Path

import numpy as np
import pytest

import replicator as rp
from replicator.study_model.cache.results import Cache

SAMPLE = Path(__file__).resolve().parents[2] / "sample_data" / "rvt117-204" / "csv"


def test_a_change_in_one_dataset_refits_that_dataset(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only the changed dataset has two entries in the cache; the sample is that of a fit without it."""
    monkeypatch.setenv("REPLICATOR_CACHE", str(tmp_path / "cache"))
    study = rp.read_study(SAMPLE)
    kept = study.with_datasets(study[name] for name in ("DM", "SV", "AE", "CM", "VS"))
    shorter = kept["CM"].take(np.arange(kept["CM"].n_rows) != 3)
    changed = kept.with_datasets(shorter if dataset.name == "CM" else dataset for dataset in kept.datasets.values())
    rp.fit(kept)
    again = rp.fit(changed)
    stages = [entry.stage for entry in Cache().entries()]
    assert stages.count("part_CM") == 2
    assert stages.count("part_AE") == stages.count("part_VS") == 1
    fresh = rp.fit(changed, cache=False)
    first, second = again.sample(20, seed=5), fresh.sample(20, seed=5)
    for name in first.datasets:
        assert first[name].to_frame().equals(second[name].to_frame()), name
