"""How medicines are ordinarily used: by which routes, in which presentations and doses, and how often.

The lists are our own, like those of :mod:`replicator.standards.stand_ins`: written down from general knowledge, without levels of
evidence, for telling what nobody would take, and for no other use.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from itertools import chain

from replicator.standards.stand_in_lists import read_list

BY_MOUTH = "ORAL"


@dataclass(frozen=True)
class MedicineUse:
    """Routes, presentations, doses and frequencies of medicines.

    Attributes
    ----------
    by_route : mapping of str to frozenset of str
        Medicines that are given by each route of administration. One that is listed under no route is taken by mouth; under
        ``ORAL`` stand those that are taken by mouth beside another route.
    route_names : mapping of str to str
        The route of `by_route` that another name of a route stands for; ``""`` for names that tell none.
    presentations : mapping of str to frozenset of str
        Routes by which a form or a unit of form, such as ``TABLET``, is given; one that is not listed is given by any.
    by_dose : mapping of str to tuple of float
        Usual single doses of medicines taken by mouth, mg, ascending; some common trade names are among them.
    by_use : mapping of str to mapping of str to tuple of (float, str)
        Usual single doses of medicines, with their units, by route; those by mouth stand in `by_dose`.
    most_a_day : mapping of str to int
        How often a day a medicine is taken at most.
    known : frozenset of str
        All medicines of the lists.
    """

    by_route: Mapping[str, frozenset[str]]
    route_names: Mapping[str, str]
    presentations: Mapping[str, frozenset[str]]
    by_dose: Mapping[str, tuple[float, ...]]
    by_use: Mapping[str, Mapping[str, tuple[tuple[float, str], ...]]]
    most_a_day: Mapping[str, int]
    known: frozenset[str]

    def route_of(self, route: str) -> str:
        """Return the name under which a route is listed; the route itself where it is not, ``""`` where nothing is told.

        Examples
        --------
        >>> load_medicine_use().route_of("po"), load_medicine_use().route_of("UNKNOWN"), load_medicine_use().route_of("URETHRAL")
        ('ORAL', '', 'URETHRAL')
        """
        plain = " ".join(route.upper().split())
        return self.route_names.get(plain, plain)

    def routes_of(self, *names: str) -> frozenset[str]:
        """Return the routes by which a medicine is given, by the first of its names that is known; none if no name is.

        A route that is a word of the name is the only one. A name that begins with a listed one, such as that of a salt, is taken
        for it.

        Examples
        --------
        >>> load_medicine_use().routes_of("UNCODED", "Loratadine") == {"ORAL"}
        True
        >>> load_medicine_use().routes_of("HYDROCORTISONE, TOPICAL") == {"TOPICAL"}
        True
        """
        for name in names:
            words = _words(name)
            told = frozenset(word for word in words[1:] if word in self.by_route)
            for n in range(len(words), 0, -1):
                listed = " ".join(words[:n])
                if listed in self.known or listed in self.by_dose:
                    return (
                        told or frozenset(route for route, one in self.by_route.items() if listed in one) or frozenset({BY_MOUTH})
                    )
        return frozenset()

    def suits(self, medicine: str, route: str) -> bool:
        """Whether a medicine is ordinarily given by a route; any is by a route that tells nothing, an unknown one by all.

        By a route for which no medicine is listed nothing is given that is taken by mouth.

        Examples
        --------
        >>> load_medicine_use().suits("LOPERAMIDE", "OPHTHALMIC"), load_medicine_use().suits("LOPERAMIDE", "ORAL")
        (False, True)
        """
        return self.allows(self.routes_of(medicine), route)

    def allows(self, given: frozenset[str], route: str) -> bool:
        """Whether what is given by some routes (see :meth:`routes_of`) is given by this one."""
        wanted = self.route_of(route)
        if not wanted or not given:
            return True
        return wanted in given if wanted in self.by_route else BY_MOUTH not in given

    def fits(self, presentation: str, route: str) -> bool:
        """Whether a form or a unit of form is given by a route; what is not listed is by any, such as a number of milligrams.

        Examples
        --------
        >>> load_medicine_use().fits("TABLET", "INTRAMUSCULAR"), load_medicine_use().fits("mg", "INTRAMUSCULAR")
        (False, True)
        """
        wanted = self.route_of(route)
        plain = " ".join(presentation.upper().split())
        names = (plain, plain.removesuffix("S"), plain.split(",")[0].strip())
        listed = next((self.presentations[name] for name in names if name in self.presentations), None)
        return listed is None or not wanted or wanted in listed

    def doses(self, *names: str) -> tuple[float, ...]:
        """Return the usual single doses by mouth, mg, of the first name that is listed; none if no name is.

        A name that begins with a listed one, such as that of a salt, is taken for it.

        Examples
        --------
        >>> load_medicine_use().doses("DIGOXIN"), load_medicine_use().doses("UNCODED", "Metoprolol tartrate")
        ((0.125, 0.25), (25, 50, 100))
        """
        return next((found for start in _starts(names) if (found := self.by_dose.get(start))), ())

    def uses(self, route: str, *names: str) -> tuple[tuple[float, str], ...]:
        """Return the usual single doses by a route other than the mouth, with units, of the first name that is listed.

        Examples
        --------
        >>> load_medicine_use().uses("INHALATION", "OXYGEN")[0], load_medicine_use().uses("ORAL", "METFORMIN")
        ((2.0, 'L/min'), ())
        """
        return self.uses_of(*names).get(self.route_of(route), ())

    def uses_of(self, *names: str) -> Mapping[str, tuple[tuple[float, str], ...]]:
        """Return the usual single doses of the first name that is listed, with units, by the route as it is listed."""
        return next((found for start in _starts(names) if (found := self.by_use.get(start))), {})

    @cached_property
    def measured_routes(self) -> frozenset[str]:
        """Routes by which some medicine has a listed use."""
        return frozenset(chain.from_iterable(self.by_use.values()))

    def often(self, *names: str) -> int:
        """Return how often a day the first name that is listed is taken at most; 0 if no name is.

        Examples
        --------
        >>> load_medicine_use().often("SIMVASTATIN"), load_medicine_use().often("PARACETAMOL")
        (1, 0)
        """
        return next((found for start in _starts(names) if (found := self.most_a_day.get(start))), 0)


def times_a_day(frequency: str) -> float:
    """Return how often a day something is taken, by the term of the standard; 0 where it does not say.

    Examples
    --------
    >>> times_a_day("TID"), times_a_day("Q6H"), times_a_day("PRN")
    (3.0, 4.0, 0.0)
    """
    plain = frequency.upper()
    hours = re.fullmatch(r"Q(\d+)H", plain)
    return 24 / int(hours[1]) if hours and int(hours[1]) else _TIMES_A_DAY.get(plain, 0.0)


_TIMES_A_DAY = {"QD": 1.0, "BID": 2.0, "TID": 3.0, "QID": 4.0, **{f"{n} TIMES PER DAY": float(n) for n in range(3, 13)}}


def _starts(names: Iterable[str]) -> Iterator[str]:
    """Beginnings of some names, word by word, the longest of the first name first."""
    for name in names:
        words = name.upper().split()
        yield from (" ".join(words[:n]) for n in range(len(words), 0, -1))


def _words(name: str) -> list[str]:
    return re.sub(r"[,;()]", " ", name.upper()).split()


@cache
def load_medicine_use() -> MedicineUse:
    """Load the built-in lists."""
    medicines = {term for narrow in read_list("medications").values() for terms in narrow.values() for term in terms}
    routes = {route: frozenset(" ".join(_words(term)) for term in terms) for route, terms in read_list("routes").items()}
    names = {name: route for route, synonyms in read_list("route_names").items() for name in synonyms}
    return MedicineUse(
        routes,
        names,
        {name: frozenset(one) for name, one in read_list("presentations").items()},
        {name: tuple(mg) for name, mg in read_list("doses").items()},
        {
            name: {route: tuple((float(one.split()[0]), one.split()[1]) for one in doses) for route, doses in routes.items()}
            for name, routes in read_list("uses").items()
        },
        {name: int(most) for most, medicines in read_list("frequencies").items() for name in medicines},
        frozenset(" ".join(_words(term)) for term in medicines),
    )
