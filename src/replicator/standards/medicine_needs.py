"""What medicines are given for: which conditions, by names, by stems of names and by words of classes.

The lists are our own, like those of :mod:`replicator.standards.stand_ins`: written down from general knowledge, without
levels of evidence. They say which medicines may belong together in a study and which conditions to look at, and never that somebody
takes one: whether a study's medicines follow its conditions, the study tells.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from replicator.standards.stand_in_lists import read_list

LEAST_BEFORE_STEM = 2  # letters before the stem of a name, so that a word is no stem alone


@dataclass(frozen=True)
class MedicineNeeds:
    """Needs of medicines, each by its name, such as ``HYPERTENSION``.

    Attributes
    ----------
    conditions : mapping of str to tuple of str
        Parts of words of conditions, one of which a medicine for the need is given for.
    lasting : frozenset of str
        Needs that do not pass by themselves, so that a history tells of them.
    sexes : mapping of str to str
        Needs that only one sex has, ``F`` or ``M``.
    by_name : mapping of str to tuple of str
        Needs for which a medicine of this name is given: international names and common trade names, of one or several words.
    by_stem : mapping of str to tuple of str
        Needs for which medicines are given whose names end so.
    by_class : mapping of str to tuple of str
        Needs for which those of a class are given whose name holds this.
    """

    conditions: Mapping[str, tuple[str, ...]]
    lasting: frozenset[str]
    sexes: Mapping[str, str]
    by_name: Mapping[str, tuple[str, ...]]
    by_stem: Mapping[str, tuple[str, ...]]
    by_class: Mapping[str, tuple[str, ...]]

    def of_name(self, *names: str) -> tuple[str, ...]:
        """Return what a medicine is given for by the first of its names that tells; none where no name does.

        A name may hold several medicines, each by its longest listed words, else by the longest stem that ends a word.

        Examples
        --------
        >>> load_medicine_needs().of_name("UNCODED", "Simvastatin 20 mg"), load_medicine_needs().of_name("NYSTATIN")
        (('HYPERLIPIDAEMIA',), ('FUNGAL INFECTION',))
        """
        return next((found for name in names if (found := self._of_words(_words(name)))), ())

    def of_class(self, *names: str) -> tuple[str, ...]:
        """Return what the medicines of a class are given for by the first name of it that tells; none where no name does.

        Examples
        --------
        >>> load_medicine_needs().of_class("Lipid modifying agents, plain"), load_medicine_needs().of_class("CARDIOVASCULAR SYSTEM")
        (('HYPERLIPIDAEMIA',), ())
        """
        return next((found for name in names if (found := _joined(self.by_class, name.upper()))), ())

    def of_indication(self, indication: str) -> tuple[str, ...]:
        """Return the needs that an indication names; of parts of words inside one another, the longest tell.

        Examples
        --------
        >>> load_medicine_needs().of_indication("High blood pressure"), load_medicine_needs().of_indication("HAY FEVER")
        (('HYPERTENSION',), ('ALLERGY',))
        """
        said = self._said(indication)
        whole = {part for part in said if not any(part in other and part != other for other in said)}
        return tuple(need for need, parts in self.conditions.items() if not whole.isdisjoint(parts))

    def perhaps_of(self, condition: str) -> tuple[str, ...]:
        """Return all needs that somebody with a condition may have, those of parts of its words inside one another too.

        Examples
        --------
        >>> load_medicine_needs().of_indication("BACK PAIN"), load_medicine_needs().perhaps_of("BACK PAIN")
        (('MUSCLE SPASM',), ('PAIN', 'MUSCLE SPASM'))
        """
        said = self._said(condition)
        return tuple(need for need, parts in self.conditions.items() if not said.isdisjoint(parts))

    def _said(self, text: str) -> set[str]:
        """Parts of words of conditions that a text has."""
        plain = f" {text.upper()}"
        return {part for parts in self.conditions.values() for part in parts if part in plain}

    def lasting_conditions(self, *names: str) -> tuple[str, ...]:
        """Return parts of words of the conditions for one of which a medicine is given; none where it may be for what passes.

        Examples
        --------
        >>> load_medicine_needs().lasting_conditions("METFORMIN")[0], load_medicine_needs().lasting_conditions("PARACETAMOL")
        ('DIABET', ())
        """
        needs = self.of_name(*names)
        if not self.lasting.issuperset(needs):
            return ()
        return tuple(dict.fromkeys(part for need in needs for part in self.conditions[need]))

    def sex_of(self, *names: str) -> str:
        """Return the sex (``F`` or ``M``) that alone has what a medicine is given for; ``""`` where both may.

        Examples
        --------
        >>> load_medicine_needs().sex_of("TAMSULOSIN"), load_medicine_needs().sex_of("DOXAZOSIN")
        ('M', '')
        """
        found = {self.sexes.get(need, "") for need in self.of_name(*names)}
        return found.pop() if len(found) == 1 else ""

    def _of_words(self, words: list[str]) -> tuple[str, ...]:
        """Needs of a name of some words."""
        found: list[str] = []
        place = 0
        while place < len(words):
            length, needs = self._at(words, place)
            found += needs
            place += length
        return tuple(dict.fromkeys(found))

    def _at(self, words: list[str], place: int) -> tuple[int, tuple[str, ...]]:
        """How many words from a place on are a listed name or end with a stem, at least one, and its needs."""
        for last in range(len(words), place, -1):
            name = " ".join(words[place:last])
            if name in self.by_name:
                return last - place, self.by_name[name]
        word = words[place]
        starts = range(LEAST_BEFORE_STEM, len(word))
        return 1, next((self.by_stem[word[start:]] for start in starts if word[start:] in self.by_stem), ())


def _words(name: str) -> list[str]:
    """Words of a name in capitals, with the signs inside them and without those between."""
    return re.findall(r"[^\W_][\w'+-]*", name.upper())


def _joined(listed: Mapping[str, tuple[str, ...]], text: str) -> tuple[str, ...]:
    """Needs of all keys that a text holds."""
    return tuple(dict.fromkeys(need for key, needs in listed.items() if key in text for need in needs))


@cache
def load_medicine_needs() -> MedicineNeeds:
    """Load the built-in lists."""
    listed = read_list("needs")

    def turned(key: str) -> dict[str, tuple[str, ...]]:
        out: dict[str, list[str]] = {}
        for need, one in listed.items():
            for text in one.get(key, ()):
                out.setdefault(text, []).append(need)
        return {text: tuple(needs) for text, needs in out.items()}

    by_name: dict[str, list[str]] = {}
    for text, needs in turned("names").items():
        by_name.setdefault(" ".join(_words(text)), []).extend(needs)
    return MedicineNeeds(
        {need: tuple(one["conditions"]) for need, one in listed.items()},
        frozenset(need for need, one in listed.items() if one["lasting"]),
        {need: one["sex"] for need, one in listed.items() if "sex" in one},
        {name: tuple(dict.fromkeys(needs)) for name, needs in by_name.items()},
        turned("stems"),
        turned("classes"),
    )
