"""How medicines are used: every route of the codelist has an answer, and no list names what the others do not know."""

from __future__ import annotations

import pytest

from replicator.standards.codelists import codelists
from replicator.standards.medicine_use import load_medicine_use, times_a_day
from replicator.standards.stand_ins import load_stand_ins

USE = load_medicine_use()
INJECTED = ("INTRAMUSCULAR", "INTRAVENOUS", "SUBCUTANEOUS", "INTRADERMAL", "INTRATHECAL", "INTRALYMPHATIC")


def test_listed_medicines_are_known() -> None:
    """Every medicine under a route is in the lists; names of routes and routes of presentations lead to routes."""
    assert {term for one in USE.by_route.values() for term in one} <= USE.known
    assert set(USE.route_names.values()) <= set(USE.by_route) | {""}
    assert not set(USE.route_names) & set(USE.by_route)
    assert {route for one in USE.presentations.values() for route in one} <= set(USE.by_route)


@pytest.mark.parametrize(
    "medicine", ["LORATADINE", "LOPERAMIDE", "NAPROXEN SODIUM", "CLOPIDOGREL", "DONEPEZIL", "ALUMINIUM HYDROXIDE"]
)
@pytest.mark.parametrize("route", [*INJECTED, "im", "TRANSDERMAL", "OPHTHALMIC", "INHALATION", "VAGINAL", "URETHRAL"])
def test_what_is_swallowed_is_given_by_no_other_route(medicine: str, route: str) -> None:
    assert not USE.suits(medicine, route)
    assert USE.suits(medicine, "ORAL") and USE.suits(medicine, "PO") and USE.suits(medicine, "UNKNOWN")


@pytest.mark.parametrize(
    ("medicine", "routes"),
    [
        ("METHOTREXATE", {"ORAL", "INTRAMUSCULAR", "SUBCUTANEOUS", "INTRAVENOUS"}),
        ("HYDROCORTISONE, TOPICAL", {"TOPICAL"}),
        ("LATANOPROST", {"OPHTHALMIC"}),
        ("A MEDICINE NOBODY KNOWS", set()),
    ],
)
def test_routes_of_medicines(medicine: str, routes: set[str]) -> None:
    assert USE.routes_of(medicine) >= routes
    assert all(USE.suits(medicine, route) for route in routes)
    assert len(routes) > 1 or USE.routes_of(medicine) == routes


def test_every_route_of_the_codelist_has_a_medicine_or_takes_none_by_mouth() -> None:
    """Of the standard's routes each leads to listed medicines, tells nothing, or is closed to what is swallowed."""
    medicines = load_stand_ins().terms("", "medication")
    for route in next(one for one in codelists() if one.name == "ROUTE").terms:
        suited = {one for one in medicines if USE.suits(one, route)}
        known = USE.route_of(route)
        assert suited if known else len(suited) == len(medicines), route
        assert known in ("", "ORAL") or "LOPERAMIDE" not in suited, route


@pytest.mark.parametrize(
    ("presentation", "route", "fits"),
    [
        ("TABLET", "INTRAMUSCULAR", False),
        ("TABLETS", "PO", True),
        ("TABLET, FILM COATED", "INTRAVENOUS", False),
        ("mg", "INTRAMUSCULAR", True),
        ("PATCH", "ORAL", False),
        ("TABLET", "UNKNOWN", True),
    ],
)
def test_presentations_have_routes(presentation: str, route: str, fits: bool) -> None:
    assert USE.fits(presentation, route) is fits


def test_usual_doses_are_numbers_in_order() -> None:
    """Every listed medicine has at least one dose, ascending and above 0."""
    for name, doses in USE.by_dose.items():
        assert name == name.upper() and doses and min(doses) > 0 and list(doses) == sorted(set(doses)), name


def test_listed_uses_are_of_known_medicines_by_routes_by_which_they_are_given() -> None:
    """Doses are positive, units such as the standard writes, or forms that are given by the route."""
    for name, routes in USE.by_use.items():
        assert name in USE.known, name
        for route, doses in routes.items():
            assert route in USE.routes_of(name), (name, route)
            for dose, unit in doses:
                assert dose > 0 and USE.fits(unit, route), (name, route, unit)


def test_medicines_that_are_taken_seldom_are_known() -> None:
    assert set(USE.most_a_day) <= USE.known
    assert USE.often("DABIGATRAN ETEXILATE") == 2 and USE.often("PARACETAMOL") == 0


@pytest.mark.parametrize(("frequency", "times"), [("QD", 1.0), ("bid", 2.0), ("Q8H", 3.0), ("4 TIMES PER DAY", 4.0), ("PRN", 0.0)])
def test_frequencies(frequency: str, times: float) -> None:
    assert times_a_day(frequency) == times
