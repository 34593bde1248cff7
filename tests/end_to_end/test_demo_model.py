"""The model that the repository carries is of the sample study that it carries, and this code reads it."""

from __future__ import annotations

from pathlib import Path

import pytest

import replicator as rp

ROOT = Path(__file__).resolve().parents[2]


def test_the_committed_model_is_that_of_the_sample_study() -> None:
    """The same source by content, the same state as a fit by this code has, and subjects can be drawn from it."""
    kept = rp.load_model(ROOT / "models" / "demo.replica")
    fitted = rp.fit(ROOT / "sample_data" / "rvt117-204" / "csv", cache=False)
    assert kept.fingerprint == fitted.fingerprint
    assert kept.model.layouts.keys() == fitted.model.layouts.keys()
    drawn, again = kept.sample(20, seed=7), fitted.sample(20, seed=7)
    assert drawn["DM"].to_frame().equals(again["DM"].to_frame())
    assert [d.n_rows for d in drawn.datasets.values()] == [d.n_rows for d in again.datasets.values()]


@pytest.mark.parametrize("domains", [("CO",), ("SUPPAE",), ("RELREC",), ("AE", "CO")])
def test_links_to_datasets_that_were_not_asked_for_are_no_faults(domains: tuple[str, ...]) -> None:
    """A sample of some datasets is held against its model by what is in it."""
    model = rp.load_model(ROOT / "models" / "demo.replica")
    certificate = rp.validate(model.sample(60, seed=7, domains=domains), against=model)
    assert certificate.holds, certificate.summary()
