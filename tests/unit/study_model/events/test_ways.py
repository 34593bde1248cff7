"""What goes with a stand-in is the same in all chunks of a sample, which are drawn apart."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from replicator.config import FitConfig
from replicator.profile.find import dataset_structure
from replicator.profile.structure import Kind
from replicator.standards.withheld import WITHHELD
from replicator.study_model.agreement.rows import Agreement
from replicator.study_model.events.part import EventsPart
from replicator.study_model.events.ways import settle_ways
from replicator.study_model.spine import Spine, Visits
from replicator.tables.dataset import Column, Dataset, Text, Variable

N = 240
FREQUENT = 3  # medicines that enough subjects have
OFTEN = ("QD", "PRN", "BID")


def _spine(n: int) -> Spine:
    anchor = np.full(n, 18000.0)
    nothing = Visits(np.empty(0, np.int32), np.empty(0), np.empty(0), np.empty(0))
    return Spine(n, np.zeros(n, np.int32), ("",), anchor, {"FIRST": anchor, "LAST": anchor + 60}, nothing, {}, {})


def _source() -> pd.DataFrame:
    """Three medicines that many have, and one of 60 that three have each: how often and how much follows from which it is."""
    common = ("ASPIRIN", "METFORMIN", "RAMIPRIL")
    rows = []
    for i in range(N):
        rare, known = i % 60, i % FREQUENT
        rows.append((f"S{i}", common[known], common[known], "ORAL", (100.0, 500.0, 5.0)[known], "mg", OFTEN[known]))
        if i < 180:
            name = f"OWN{rare:02d}Q"
            rows.append((f"S{i}", name, name, "ORAL", (10.0, 20.0, 40.0)[rare % 3], "mg", OFTEN[rare % 2]))
    return pd.DataFrame(rows, columns=["USUBJID", "CMTRT", "CMDECOD", "CMROUTE", "CMDOSE", "CMDOSU", "CMDOSFRQ"])


@pytest.fixture(scope="module")
def fitted() -> tuple[EventsPart, Agreement, Spine]:
    frame = _source()
    dataset = Dataset.from_frame("CM", frame)
    subject = frame["USUBJID"].str[1:].astype(int).to_numpy(np.int32)
    structure = dataset_structure(dataset, Kind.INTERVENTIONS, "CM", "USUBJID")
    found = EventsPart.fit(dataset, structure, subject, _spine(N), FitConfig())
    assert isinstance(found.part, EventsPart)
    features = {f"CM/{name}": x for name, x in found.features.items()}
    agreement = Agreement.fit(dataset, structure, subject, FitConfig().k)
    return found.part, agreement, Spine(**{**vars(_spine(N)), "features": features})


def _chunk(part: EventsPart, agreement: Agreement, spine: Spine, seed: int) -> pd.DataFrame:
    columns: dict[str, Column] = dict(part.sample(spine, np.random.default_rng(seed)).columns)
    variables = tuple(Variable(name, type="char" if isinstance(column, Text) else "num") for name, column in columns.items())
    held = agreement.hold(Dataset("CM", variables, columns), np.random.default_rng(seed + 100))
    frame = pd.DataFrame({name: held[name].strings() for name in held.names}).fillna("")
    return frame[frame["CMTRT"] != WITHHELD]


@pytest.mark.parametrize("dependent", ["CMDOSFRQ", "CMDOSE"])
@pytest.mark.parametrize("term", ["CMTRT", "CMDECOD"])
def test_chunks_agree_about_stand_ins(fitted: tuple[EventsPart, Agreement, Spine], term: str, dependent: str) -> None:
    part, agreement, spine = fitted
    settled = settle_ways(part, agreement)
    sample = pd.concat([_chunk(part, settled, spine, seed) for seed in range(3)])
    assert sample[term].nunique() > 20
    assert (sample.groupby(term)[dependent].nunique() == 1).all()


def test_stand_ins_are_given_in_more_than_one_way(fitted: tuple[EventsPart, Agreement, Spine]) -> None:
    part, agreement, spine = fitted
    sample = _chunk(part, settle_ways(part, agreement), spine, 1)
    stand_ins = sample[~sample["CMDECOD"].isin(["ASPIRIN", "METFORMIN", "RAMIPRIL"])]
    assert set(stand_ins["CMDOSFRQ"]) >= {"QD", "PRN"}


def test_what_is_kept_of_the_source_stays(fitted: tuple[EventsPart, Agreement, Spine]) -> None:
    part, agreement, _ = fitted
    for before, after in zip(agreement.following, settle_ways(part, agreement).following, strict=True):
        assert (before.keys, before.values) == (after.keys, after.values)
        assert not set(after.others) & set(after.keys)


def test_a_part_is_settled_in_one_way(fitted: tuple[EventsPart, Agreement, Spine]) -> None:
    part, agreement, _ = fitted
    one, two = (settle_ways(part, agreement).following for _ in range(2))
    told = [[dict(zip(x.others, x.of_others.strings(), strict=True)) for x in each if x.of_others] for each in (one, two)]
    assert told[0] == told[1]
    assert any(told[0])
