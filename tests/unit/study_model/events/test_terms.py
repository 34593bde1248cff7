"""Terms, and what stands in for the rare ones."""

from __future__ import annotations

import numpy as np
import pandas as pd

from replicator.config import FitConfig
from replicator.profile.find import dataset_structure
from replicator.profile.structure import Kind
from replicator.standards.medicine_use import load_medicine_use
from replicator.standards.stand_ins import load_stand_ins
from replicator.study_model.events.catalogue import TermCatalogue
from replicator.study_model.events.names import Namer, Wanted
from replicator.study_model.events.terms import fit_terms
from replicator.tables.dataset import Dataset, Text


def test_stand_ins_are_given_by_the_route_of_those_that_they_stand_for() -> None:
    """Planted: 60 medicines of one subject each, by mouth, on the skin or as eye drops: every stand-in suits its pool's route."""
    n = 60
    routes = np.array(["ORAL", "TOPICAL", "OPHTHALMIC"], object)[np.arange(n) % 3]
    routes[:2] = "NASAL"  # two subjects: too few for a pool of their own
    frame = pd.DataFrame(
        {"USUBJID": [f"S{i}" for i in range(n)], "CMTRT": [f"OWN{chr(65 + i % 26)}{i}" for i in range(n)], "CMROUTE": routes}
    )
    dataset = Dataset.from_frame("CM", frame)
    structure = dataset_structure(dataset, Kind.INTERVENTIONS, "CM", "USUBJID")
    terms = fit_terms(dataset, structure, np.arange(n, dtype=np.int32), FitConfig())
    catalogue, use = terms.catalogue, load_medicine_use()
    medicines = set(load_stand_ins().terms("", "medication"))
    names = catalogue.columns[0].strings()
    given = {label.rsplit(" ", 1)[-1]: place for place, label in enumerate(catalogue.labels)}
    assert set(given) == {"ORAL", "TOPICAL", "OPHTHALMIC"}
    for route, place in given.items():
        own = names[catalogue.first[place] : catalogue.first[place] + catalogue.count[place]].tolist()
        listed = [name for name in own if name in medicines]
        assert listed
        assert all(use.suits(name, route) for name in listed)
    assert len(set(names.tolist())) == len(names)


def _catalogue(terms: list[str], classes: list[str], adults: bool = True, name: str = "AE") -> TermCatalogue:
    """One subject a term, all terms rare, in classes of many."""
    frame = pd.DataFrame({"USUBJID": [f"S{i}" for i in range(len(terms))], f"{name}TERM": terms})
    frame[f"{name}DECOD"], frame[f"{name}BODSYS"] = terms, classes
    dataset = Dataset.from_frame(name, frame)
    structure = dataset_structure(dataset, Kind.EVENTS, name, "USUBJID")
    return fit_terms(dataset, structure, np.arange(len(terms), dtype=np.int32), FitConfig(), adults=adults).catalogue


def test_coded_stand_ins_are_plain_terms_of_the_class_however_many_are_wanted() -> None:
    """Planted: 400 rare terms of one class, more than are listed: as many stand-ins as the class has, none of them made up."""
    classes = ["CARDIAC DISORDERS"] * 400 + ["EYE DISORDERS"] * 20
    catalogue = _catalogue([f"OWN {i:04d} X" for i in range(420)], classes)
    decod = catalogue.columns[catalogue.variables.index("AEDECOD")].strings()
    listed = load_stand_ins().by_kind["event"]
    assert set(decod.tolist()) <= set(listed["CARDIAC DISORDERS"]) | set(listed["EYE DISORDERS"])
    assert len(set(decod.tolist())) == len(decod) > 90


def test_what_begins_in_childhood_stands_in_for_children_only() -> None:
    """Planted: more rare infections than are listed, so that all that may be are offered."""
    terms = [f"OWN {i:04d} X" for i in range(400)] + [f"MINE {i} Y" for i in range(10)]
    classes = ["INFECTIONS AND INFESTATIONS"] * 400 + ["EYE DISORDERS"] * 10
    of_adults, of_children = (set(_catalogue(terms, classes, adults).columns[0].strings().tolist()) for adults in (True, False))
    assert {"MEASLES", "MUMPS"} <= of_children - of_adults


def test_what_is_lost_once_is_not_lost_again() -> None:
    """A subject of whom three operations are drawn: the second one on the same organ is another, or is told."""
    text = Text.of(["APPENDICECTOMY", "HYSTERECTOMY", "VAGINAL HYSTERECTOMY", "COLONOSCOPY"])
    zero, four = np.zeros(1, np.int64), np.array([4])
    pool = TermCatalogue(
        ("MHDECOD",),
        (text,),
        ("pool",),
        np.zeros(1, np.int32),
        ("",),
        np.array([2], np.int32),
        zero,
        four,
        np.arange(1, 5) / 4,
        np.full(4, -1),
        (),
        np.array([0, 1, 1, -1]),
        np.zeros(4),
        np.zeros(4, bool),
        np.zeros(4, bool),
        np.full(4, -1),
        (),
        *np.zeros((4, 0), np.int64),
    )
    assert pool.loses_again(np.array([0, 0, 1, 0, 0]), np.array([1, 2, 2, 3, 3])).tolist() == [False, True, False, False, False]
    who = np.repeat(np.arange(200), 2)
    row = pool.sample(who, np.zeros(400, np.int64), np.tile([0, 1], 200), np.random.default_rng(1))
    assert not pool.loses_again(who, row).any()
    assert set(row.tolist()) == {0, 1, 2, 3}


def test_a_class_without_terms_left_is_not_given_those_of_another() -> None:
    """Where only its own will do, two are left out of two more than the class has; what then stands for a class is unspecified."""
    name = "REPRODUCTIVE SYSTEM AND BREAST DISORDERS"
    stand_ins = load_stand_ins()
    neutral = {term for term in stand_ins.by_kind["event"][name] if not stand_ins.sex_of(term)}
    namer = Namer(stand_ins, "event", set(), np.random.default_rng(1), adults=True)
    drawn = namer.names(name, len(neutral) + 2, Wanted(), own=True)
    assert set(drawn) == neutral and len(drawn) == len(neutral)
    assert namer.names(name, 1, Wanted(), own=True) == []
    assert namer.unspecified(name) == f"{name}, UNSPECIFIED"
    assert namer.unspecified(name) == f"{name}, UNSPECIFIED 2"


def test_a_stand_in_is_of_the_class_that_it_is_written_with_where_classes_are_too_small_to_group_terms() -> None:
    """Eight classes of one term that five subjects have, six of one that one has: a stand-in goes with a class of the eight."""
    listed = load_stand_ins().by_kind["event"]
    common, rare = sorted(listed)[:8], sorted(listed)[8:14]
    terms = [(f"OWN {name}", name) for name in common for _ in range(5)] + [(f"RARE {name}", name) for name in rare]
    frame = pd.DataFrame(terms, columns=["AEDECOD", "AEBODSYS"])
    frame["AETERM"], frame["USUBJID"] = frame["AEDECOD"], [f"S{i}" for i in range(len(frame))]
    dataset = Dataset.from_frame("AE", frame)
    structure = dataset_structure(dataset, Kind.EVENTS, "AE", "USUBJID")
    catalogue = fit_terms(dataset, structure, np.arange(len(frame), dtype=np.int32), FitConfig()).catalogue
    cells = (catalogue.columns[catalogue.variables.index(name)].strings().tolist() for name in ("AEDECOD", "AEBODSYS"))
    made = [(term, name) for term, name in zip(*cells, strict=True) if not term.startswith("OWN")]
    assert len(made) >= 6 and all(name in common and term in listed[name] for term, name in made)
