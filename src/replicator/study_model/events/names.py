"""How terms and their codes are written, and names for terms that stand in for rare ones."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cache
from itertools import chain

import numpy as np

from replicator.standards.medicine_needs import load_medicine_needs
from replicator.standards.medicine_use import load_medicine_use
from replicator.standards.stand_ins import StandIns

MOST_NUMBERS = 200_000
LEAST_CHOICE = 20  # ordinary terms of a class, beyond twice as many as are wanted, from which those are drawn that stand in
MOST_GRAVE = 4  # fatal terms of one class
_NUMBERED = re.compile(r"(\D*)(\d+)$")


@dataclass(frozen=True)
class Style:
    """How a variable's values are written.

    Attributes
    ----------
    case : str
        ``upper``, ``lower``, ``sentence``, ``title`` or ``""`` for no rule.
    prefix : str
        Before the number of numbered values such as ``HLT_0617``.
    width : int
        Digits of that number, padded with zeros; 0 where it is not padded.
    numbered : bool
        Whether values are numbered.
    """

    case: str
    prefix: str
    width: int
    numbered: bool

    @classmethod
    def of(cls, values: list[str], k: int = 1) -> Style:
        """Find the style that most of the distinct values have; a prefix is one that at least `k` of them share."""
        if not values:
            return cls("", "", 0, False)
        found = [m.groups() for m in (_NUMBERED.match(value) for value in values) if m]
        prefixes: dict[str, int] = {}
        for prefix, _ in found:
            prefixes[prefix] = prefixes.get(prefix, 0) + 1
        best = max(prefixes, key=lambda p: prefixes[p], default="")
        if prefixes.get(best, 0) >= max(0.8 * len(values), k if best else 1):
            widths = {len(digits) for prefix, digits in found if prefix == best}
            return cls("", best, widths.pop() if len(widths) == 1 else 0, True)
        rules = {
            "upper": str.upper,
            "sentence": lambda text: text[:1].upper() + text[1:].lower(),
            "title": str.title,
            "lower": str.lower,
        }
        for case, rule in rules.items():
            if sum(rule(value) == value for value in values) >= 0.7 * len(values):
                return cls(case, "", 0, False)
        return cls("", "", 0, False)

    def write(self, text: str) -> str:
        """Write a text in this case."""
        if self.case == "upper":
            return text.upper()
        if self.case == "lower":
            return text.lower()
        if self.case == "sentence":
            return text[:1].upper() + text[1:].lower()
        return text.title() if self.case == "title" else text

    def numbering(self, values: list[str], rng: np.random.Generator) -> list[str]:
        """Numbered values that are none of the source's, in random order; empty where values are not numbered."""
        if not self.numbered:
            return []
        used = {int(m.group(2)) for m in map(_NUMBERED.match, values) if m and m.group(1) == self.prefix}
        wanted = min(6 * len(values) + 60, MOST_NUMBERS)
        low = 1 if self.width else 10 ** (len(str(min(used))) - 1)
        high = 10 ** len(str(max(used))) - 1
        while high - low < wanted + len(used):
            high = 10 * high + 9
        drawn = rng.permutation(np.arange(low, high + 1)) if high - low < 10**6 else rng.integers(low, high + 1, 2 * wanted)
        fresh = [number for number in dict.fromkeys(drawn.tolist()) if number not in used][:wanted]
        return [f"{self.prefix}{number:0{self.width}d}" for number in fresh]


@dataclass(frozen=True)
class Wanted:
    """Which terms stand in.

    Attributes
    ----------
    route : str
        Route by which a medicine is given; ``""`` for any.
    sex : str
        Sex that alone has the term; ``""`` for terms that both may have.
    reported : bool
        Whether terms are reported in somebody's own words.
    needs : tuple of str
        What a medicine is given for, all of these; none for anything.
    apart : frozenset of str
        What it is not given for.
    """

    route: str = ""
    sex: str = ""
    reported: bool = False
    needs: tuple[str, ...] = ()
    apart: frozenset[str] = frozenset()


class Namer:
    """Hands out ordinary terms by class, each once and none that the source has.

    Parameters
    ----------
    stand_ins : StandIns
    kind : str
        What the terms are: one of :data:`~replicator.standards.stand_ins.KINDS`.
    source : set of str
        Texts of the source, casefolded.
    rng : Generator
    adults : bool
        Whether the subjects are adults, so that nothing begins in childhood.
    """

    def __init__(self, stand_ins: StandIns, kind: str, source: set[str], rng: np.random.Generator, adults: bool) -> None:
        self._stand_ins, self._kind, self._used, self._rng, self._adults = stand_ins, kind, set(source), rng, adults
        self._use, self._needs = load_medicine_use(), load_medicine_needs()
        self._listed = cache(self._read)

    def names(self, class_name: str, n: int, wanted: Wanted, own: bool = False) -> list[str]:
        """Return up to `n` names for a class, drawn from its most ordinary ones; at least one, unless only its `own` will do.

        Of medicines those that are given by the wanted route and for the wanted needs, of all terms those that the wanted sex alone
        has, if the class has any left, else those of all classes; where no need is wanted, one of them at least may be given to
        anybody, if there is one for what passes. Coded terms are names of the lists and nothing else, so there may be fewer than
        `n`; of terms that are reported in somebody's own words there may be forms as well.
        """
        listed = self._stand_ins.terms(class_name, self._kind)
        plain = self._ordinary(listed, wanted)
        choice = LEAST_CHOICE * (1 if self._stand_ins.closest(class_name, self._kind) else len(self._stand_ins.by_kind[self._kind]))
        ordinary = [term for term in plain if term.casefold() not in self._used][: 2 * n + choice]
        drawn = [ordinary[i] for i in self._rng.permutation(len(ordinary))]
        anyone = next((term for term in drawn if not wanted.needs and self._is_for_anybody(term)), None)
        out = self._fresh(drawn if anyone is None else [anyone, *drawn], n)
        if wanted.reported:
            out += self._reported(plain, n - len(out), wanted.route)
        others = self._stand_ins.terms("", self._kind)
        if own and self._stand_ins.closest(class_name, self._kind):
            return out
        if wanted.needs and len(out) < n:
            out += self._fresh(self._ordinary(others, wanted), n - len(out))
        if not out:
            out = self._fresh(self._ordinary(others, replace(wanted, needs=(), apart=frozenset())), n)
        return out or [self.unspecified(class_name)]

    def unspecified(self, class_name: str) -> str:
        """Return a name that says no more than its class."""
        rest = f"{class_name.upper()}, UNSPECIFIED" if class_name else "UNSPECIFIED"
        return self._fresh(chain([rest], (f"{rest} {number}" for number in range(2, len(self._used) + 3))), 1)[0]

    def given(self, class_name: str, n: int, wanted: Wanted) -> list[str]:
        """Return up to `n` medicines of a class as they are wanted, or forms of their names, and none of another class."""
        plain = [term for term in self._stand_ins.terms(class_name, self._kind) if self._suits(term, wanted)]
        out = self._fresh(plain, n)
        return out + self._reported(plain, n - len(out), wanted.route) if wanted.reported else out

    def _ordinary(self, listed: Iterable[str], wanted: Wanted) -> list[str]:
        """Those of some terms that are wanted, without what begins in childhood as far as there are others."""
        plain = [term for term in listed if self._suits(term, wanted)]
        return [term for term in plain if not self._is_childish(term)] or plain

    def _reported(self, terms: list[str], n: int, route: str) -> list[str]:
        """Return up to `n` forms in which terms are reported."""
        forms = [self._stand_ins.forms(term, self._kind, route) for term in terms]
        out: list[str] = []
        for i in range(max(map(len, forms), default=0)):
            told = (form[i].format(term) for term, form in zip(terms, forms, strict=True) if i < len(form))
            out += self._fresh(told, n - len(out))
        return out

    def _suits(self, term: str, wanted: Wanted) -> bool:
        sex, needs, routes = self._listed(term)
        if sex != wanted.sex or self._kind != "medication":
            return sex == wanted.sex
        for_it = needs.issuperset(wanted.needs) if wanted.needs else wanted.apart.isdisjoint(needs)
        return for_it and self._use.allows(routes, wanted.route)

    def _read(self, term: str) -> tuple[str, frozenset[str], frozenset[str]]:
        """Sex, needs and routes of a term of the lists, which many pools ask for."""
        if self._kind != "medication":
            return self.sex_of((term,)), frozenset(), frozenset()
        return self.sex_of((term,)), frozenset(self._needs.of_name(term)), self._use.routes_of(term)

    def _is_childish(self, term: str) -> bool:
        return self._adults and self._stand_ins.begins_in_childhood(term)

    def sex_of(self, texts: Iterable[str]) -> str:
        """Return the sex that alone has a term, by the words of its cells, or what a medicine is given for."""
        words = tuple(texts)
        return self._stand_ins.sex_of(*words) or (self._needs.sex_of(*words) if self._kind == "medication" else "")

    def lost_by(self, texts: Iterable[str]) -> str:
        """Return what nobody can lose a second time, if a term says by the words of its cells that it is lost."""
        return self._stand_ins.lost_by(*texts) if self._kind != "medication" else ""

    def needs_of(self, name: str) -> tuple[str, ...]:
        """Return parts of words of the conditions for one of which a medicine is given."""
        return self._needs.lasting_conditions(name) if self._kind == "medication" else ()

    def _is_for_anybody(self, name: str) -> bool:
        """Whether a medicine is known to be given for what may pass."""
        return self._kind == "medication" and bool(self._needs.of_name(name)) and not self.needs_of(name)

    def least_age_of(self, texts: Iterable[str]) -> int:
        """Return the age in years before which a term, by the words of its cells, hardly ever begins; 0 for none."""
        return self._stand_ins.least_age_of(*texts) if self._kind != "medication" else 0

    def lasts(self, texts: Iterable[str]) -> bool:
        """Whether a term, by the words of its cells, does not pass."""
        return self._kind != "medication" and self._stand_ins.lasts(*texts)

    def is_grave(self, texts: Iterable[str]) -> bool:
        """Whether a term, by the words of its cells, is what somebody may die of."""
        return self._kind == "event" and self._stand_ins.is_grave(*texts)

    def grave(self, class_name: str) -> list[str]:
        """Return what somebody may die of, of a class (``""``: of all) and not in the source; none of classes not listed."""
        listed = self._stand_ins.grave
        terms = listed.get(self._stand_ins.closest(class_name, "event"), ()) if class_name else [one[0] for one in listed.values()]
        return self._fresh(terms, MOST_GRAVE)

    def _fresh(self, names: Iterable[str], most: int) -> list[str]:
        out: list[str] = []
        for name in names:
            if len(out) >= most:
                break
            if name.casefold() not in self._used:
                self._used.add(name.casefold())
                out.append(name)
        return out
