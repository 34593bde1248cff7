"""Terms, and what stands in for the rare ones."""

from __future__ import annotations

import numpy as np
import pandas as pd

from replicator.config import FitConfig
from replicator.profile.find import dataset_structure
from replicator.profile.structure import Kind
from replicator.standards.stand_ins import load_stand_ins
from replicator.study_model.events_terms import fit_terms
from replicator.tables.dataset import Dataset


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
    catalogue, stand_ins = terms.catalogue, load_stand_ins()
    names = catalogue.columns[0].strings()
    given = {label.rsplit(" ", 1)[-1]: place for place, label in enumerate(catalogue.labels)}
    assert set(given) == {"ORAL", "TOPICAL", "OPHTHALMIC"}
    for route, place in given.items():
        own = names[catalogue.first[place] : catalogue.first[place] + catalogue.count[place]].tolist()
        listed = [name for name in own if name in stand_ins.terms("", "medication")]
        assert listed
        assert all(stand_ins.suits(name, route) for name in listed)
    assert len(set(names.tolist())) == len(names)


def test_routes_of_stand_ins_are_routes_of_listed_medicines() -> None:
    """Every medicine under a route is in the lists; one in two lists may be taken either way."""
    stand_ins = load_stand_ins()
    known = set(stand_ins.terms("", "medication"))
    listed = set().union(*stand_ins.by_route.values())
    assert listed <= known
    assert stand_ins.suits("METHOTREXATE", "ORAL") and stand_ins.suits("METHOTREXATE", "INTRAMUSCULAR")
    assert not stand_ins.suits("LATANOPROST", "ORAL")
    assert stand_ins.suits("LATANOPROST", "A ROUTE NOBODY LISTED")
