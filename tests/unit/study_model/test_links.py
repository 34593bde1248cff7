"""Relations between rows."""

from __future__ import annotations

import numpy as np

from replicator.config import FitConfig
from replicator.study_model.links import LinksModel
from replicator.study_model.source import read_source
from replicator.tables.dataset import Study, Text

from ...properties.strategies import Blueprint, build_study
from .small_studies import structured


def _fitted(study: Study, k: int = 5) -> tuple[LinksModel, tuple[str, ...], Study]:
    study, structure = structured(study)
    return *LinksModel.fit(read_source(study, structure), structure, FitConfig(k=k)), study


def test_links_of_the_source_are_drawn_on_the_source() -> None:
    """Headaches are linked to one drug each: every link names two rows of one subject that are there, nearly as often as before."""
    model, notes, study = _fitted(build_study(Blueprint(n=150)))
    assert notes == () and len(model.links) == 1
    ids = Text.of(sorted(set(study["DM"].text("USUBJID").strings().tolist())))
    place = {one: i for i, one in enumerate(ids.strings().tolist())}
    subject = {n: np.array([place[one] for one in study[n].text("USUBJID").strings()], np.int32) for n in ("AE", "CM")}
    drawn = model.sample({"AE": study["AE"], "CM": study["CM"]}, subject, "USUBJID", ids, np.random.default_rng(1))[
        "RELREC"
    ].to_frame()
    assert abs(len(drawn) - study["RELREC"].n_rows) <= 0.4 * study["RELREC"].n_rows
    assert (drawn.groupby(["USUBJID", "RELID"])["RDOMAIN"].agg(tuple) == ("AE", "CM")).all()
    ae, cm = (study[n].to_frame().set_index(["USUBJID", f"{n}SEQ"]) for n in ("AE", "CM"))
    for domain, table in (("AE", ae), ("CM", cm)):
        rows = drawn[drawn["RDOMAIN"] == domain]
        assert all((who, float(seq)) in table.index for who, seq in zip(rows["USUBJID"], rows["IDVARVAL"], strict=True))
    rows = drawn[drawn["RDOMAIN"] == "AE"]
    found = [ae.loc[(who, float(seq)), "AEDECOD"] for who, seq in zip(rows["USUBJID"], rows["IDVARVAL"], strict=True)]
    assert np.mean([one == "HEADACHE" for one in found]) > 0.9


def test_links_of_few_subjects_are_named_and_left_out() -> None:
    """With k above the number of linked subjects nothing is learned, and one sentence says of how many rows."""
    model, notes, study = _fitted(build_study(Blueprint(n=30)), k=1000)
    assert model.links == ()
    assert len(notes) == 1 and f"{study['RELREC'].n_rows} of {study['RELREC'].n_rows} rows" in notes[0]
