"""Medicines follow the conditions that they are given for, where those of the source do."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from replicator.config import FitConfig
from replicator.profile.find import dataset_structure
from replicator.profile.structure import Kind
from replicator.standards.medicine_needs import load_medicine_needs
from replicator.study_model.events.needs import NeedsOfTerms
from replicator.study_model.events.part import EventsPart
from replicator.study_model.events.terms import fit_terms
from replicator.study_model.spine import Rows, Spine, Told, Visits
from replicator.tables.dataset import Dataset, Text

N = 240
SICK = np.arange(N) < 80
NEEDS = load_medicine_needs()
BRANDS = [
    *(
        "NORVASC",
        "ZESTRIL",
        "DYAZIDE",
        "MONOPRIL",
        "ALTACE",
        "CAPOTEN",
        "COZAAR",
        "MAVIK",
        "LOTENSIN",
        "PLENDIL",
        "VASOTEC",
        "DIOVAN",
    ),
    *("AVAPRO", "BENICAR", "ATACAND", "MICARDIS", "LOZOL", "CORGARD", "SECTRAL", "SULAR", "UNIVASC", "ZIAC", "TENEX", "CATAPRES"),
]
UNKNOWN = [f"VERBATIM_{i:04d}" for i in range(len(BRANDS))]


def _spine() -> Spine:
    history = Text.of(["HYPERTENSION" if sick else "APPENDICECTOMY" for sick in SICK])
    told = Told(np.arange(N, dtype=np.int32), {"MHDECOD": history}, np.full(N, np.nan), occurs=True)
    anchor = np.full(N, 18000.0)
    nothing = Visits(np.empty(0, np.int32), np.empty(0), np.empty(0), np.empty(0))
    marks = {"FIRST": anchor, "LAST": anchor + 60}
    return Spine(N, np.zeros(N, np.int32), ("",), anchor, marks, nothing, {}, {}, told={"MH": told})


def _source(names: list[str], with_it: float, without: float, seed: int, **more: str) -> tuple[Dataset, np.ndarray]:
    """Everybody takes one to three of seven other things, and those with the condition, or not, one of the medicines."""
    rng = np.random.default_rng(seed)
    rows = []
    for i in range(N):
        taken = [f"THING {j}" for j in rng.choice(7, rng.integers(1, 4), replace=False).tolist()]
        medicine = [names[rng.integers(len(names))]] if rng.random() < (with_it if SICK[i] else without) else []
        rows += [(i, name, "") for name in taken] + [(i, name, more.get("indication", "")) for name in medicine]
    subject = np.array([i for i, _, _ in rows], np.int32)
    frame = pd.DataFrame({"USUBJID": [f"S{i}" for i in subject.tolist()], "CMTRT": [name for _, name, _ in rows]})
    if more:
        frame["CMINDC"] = [why for _, _, why in rows]
    return Dataset.from_frame("CM", frame), subject


def _fitted(dataset: Dataset, subject: np.ndarray) -> tuple[EventsPart, dict[str, np.ndarray]]:
    structure = dataset_structure(dataset, Kind.INTERVENTIONS, "CM", "USUBJID")
    fitted = EventsPart.fit(dataset, structure, subject, _spine(), FitConfig())
    assert isinstance(fitted.part, EventsPart)
    return fitted.part, {f"CM/{name}": x for name, x in fitted.features.items()}


def _treated(rows: Rows) -> np.ndarray:
    """Who takes something against high blood pressure, by the names that stand in the rows."""
    names = rows.columns["CMTRT"].strings().tolist()
    out = np.zeros(N, bool)
    out[rows.subject[[("HYPERTENSION" in NEEDS.of_name(name)) for name in names]]] = True
    return out


def test_medicines_of_one_need_follow_its_condition() -> None:
    """Planted: 24 rare brands, taken by 0.6 of those with the condition and 0.05 of the others (0.15: two errors)."""
    dataset, subject = _source(BRANDS, 0.6, 0.05, 1)
    part, features = _fitted(dataset, subject)
    assert ("HYPERTENS", "BLOOD PRESSURE") in part.catalogue.needs
    drawn = np.stack([_treated(part.sample(replace(_spine(), features=features), np.random.default_rng(s))) for s in range(4)])
    takers = dataset.text("CMTRT").strings()
    seen = np.zeros(N, bool)
    seen[subject[np.isin(takers, BRANDS)]] = True
    assert drawn[:, SICK].mean() == pytest.approx(seen[SICK].mean(), abs=0.15)
    assert drawn[:, ~SICK].mean() == pytest.approx(seen[~SICK].mean(), abs=0.08)


def test_medicines_that_follow_no_condition_do_not_come_to() -> None:
    """Planted: the same brands, taken by a third of all: no shift, and the sample has them among both alike (0.1: two errors)."""
    part, features = _fitted(*_source(BRANDS, 0.35, 0.35, 2))
    assert not len(part.presence.shift)
    drawn = np.stack([_treated(part.sample(replace(_spine(), features=features), np.random.default_rng(s))) for s in range(4)])
    assert drawn[:, SICK].mean() - drawn[:, ~SICK].mean() == pytest.approx(0.0, abs=0.1)
    assert drawn.mean() == pytest.approx(0.35, abs=0.1)


def test_names_that_nobody_knows_make_no_group() -> None:
    """Planted: the same association of names that no list has: the pool of rare terms depends on the fact, and on no need."""
    part, _ = _fitted(*_source(UNKNOWN, 0.6, 0.05, 1))
    assert (part.presence.shift_fact < len(part.facts.level)).all()
    assert len(part.presence.shift)
    assert all(" for " not in label for label in part.catalogue.labels)


def test_an_indication_tells_what_unknown_names_are_given_for() -> None:
    """Planted: names that no list has, with the indication: they make a group."""
    part, _ = _fitted(*_source(UNKNOWN, 0.6, 0.05, 1, indication="ARTERIAL HYPERTENSION"))
    assert (part.presence.shift_fact >= len(part.facts.level)).any()
    assert any(label.endswith("for hypertension") for label in part.catalogue.labels)


def test_stand_ins_for_medicines_of_one_need_have_that_need() -> None:
    """Rare brands of two needs and things that are for nothing: each pool's names are given for its need, the rest for neither."""
    lipids = ["LESCOL", "MEVACOR", "PRAVACHOL", "LIPITOR", "CRESTOR", "LIVALO", "ZETIA", "TRICOR"]
    names = BRANDS[:12] + lipids + [f"THING {i}" for i in range(12)]
    dataset = Dataset.from_frame("CM", pd.DataFrame({"USUBJID": [f"S{i}" for i in range(len(names))], "CMTRT": names}))
    structure = dataset_structure(dataset, Kind.INTERVENTIONS, "CM", "USUBJID")
    terms = fit_terms(dataset, structure, np.arange(len(names), dtype=np.int32), FitConfig())
    catalogue = terms.catalogue
    cells = catalogue.columns[0].strings()
    assert not set(cells.tolist()) & set(names)
    assert {needs for needs in terms.needs if needs} >= {("HYPERLIPIDAEMIA",)}
    of_lipids = 0
    for kind, needs in enumerate(terms.needs):
        rows = slice(catalogue.first[kind], catalogue.first[kind] + catalogue.count[kind])
        for name in cells[rows].tolist():
            assert set(needs) <= set(NEEDS.of_name(name))
            assert needs or "HYPERLIPIDAEMIA" not in NEEDS.of_name(name)
        assert (catalogue.need[rows] < 0).all() or not needs
        of_lipids += catalogue.count[kind] if needs == ("HYPERLIPIDAEMIA",) else 0
    assert of_lipids >= len(lipids)


def test_a_common_medicine_stands_for_a_rare_one_that_is_given_for_the_same() -> None:
    """Three subjects take HYTRIN, too few for a pool; nine take CARDURA, given for the same: it stands for the other name."""
    names = ["CARDURA"] * 9 + ["HYTRIN"] * 3 + ["VITAMIN E"] * 20
    dataset = Dataset.from_frame("CM", pd.DataFrame({"USUBJID": [f"S{i}" for i in range(len(names))], "CMTRT": names}))
    structure = dataset_structure(dataset, Kind.INTERVENTIONS, "CM", "USUBJID")
    terms = fit_terms(dataset, structure, np.arange(len(names), dtype=np.int32), FitConfig())
    assert sorted(terms.catalogue.columns[0].strings().tolist()) == ["CARDURA", "VITAMIN E"]
    assert np.bincount(terms.kind_of).tolist() == [12, 20]
    assert terms.notes[0].startswith("CM.CMTRT: terms of fewer than")
    assert "1 of 3" in terms.notes[0]


@settings(max_examples=60)
@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 11)), min_size=1, max_size=60), st.integers(1, 6))
def test_pools_by_need_have_as_many_subjects_as_k(pairs: list[tuple[int, int]], k: int) -> None:
    """Each pool of a need, and what is left of a pool that was divided, unless all of it is too few; and terms have their need."""
    sets = ((), ("A",), ("B",), ("C",), ("A", "B"), ("B", "C"))
    found, unit = np.unique(np.array(pairs), axis=0, return_inverse=True)
    unit, subject = unit.reshape(-1).astype(np.int64), np.arange(len(pairs), dtype=np.int32) % 17
    needs = NeedsOfTerms(sets, found[:, 0].astype(np.int64))
    cell = (found[:, 1] % 2).astype(np.int64)
    pooled = needs.pooled(cell, np.ones(len(found), bool), unit, subject, k)
    for one in np.unique(cell).tolist():
        whole = len(np.unique(subject[(cell == one)[unit]]))
        for code in np.unique(pooled[cell == one]).tolist():
            people = len(np.unique(subject[((cell == one) & (pooled == code))[unit]]))
            assert people >= min(k, whole)
    assert all(set(sets[pool]) <= set(sets[own]) for pool, own in zip(pooled.tolist(), needs.of_unit.tolist(), strict=True))


def test_a_stand_in_is_given_for_nothing_that_the_source_gives_something_else_for() -> None:
    """All medicines for hypertension are one common medicine: what stands for a rare one of another need is for something else.

    At least one of the stand-ins may be given to anybody, since nothing tells what the subjects have.
    """
    n = 60
    names = ["AMLODIPINE" if i < 40 else f"THING {i}" for i in range(n)]
    said = ["HYPERTENSION" if i < 40 else "CYSTITIS" for i in range(n)]
    frame = pd.DataFrame({"USUBJID": [f"S{i}" for i in range(n)], "CMTRT": names, "CMDECOD": names, "CMINDC": said})
    dataset = Dataset.from_frame("CM", frame)
    structure = dataset_structure(dataset, Kind.INTERVENTIONS, "CM", "USUBJID")
    terms = fit_terms(dataset, structure, np.arange(n, dtype=np.int32), FitConfig())
    stand_ins = terms.catalogue.columns[0].strings()[1:].tolist()
    assert stand_ins
    assert not any("HYPERTENSION" in NEEDS.of_name(name) for name in stand_ins)
    assert any(not NEEDS.lasting_conditions(name) for name in stand_ins)
