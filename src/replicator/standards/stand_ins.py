"""Ordinary clinical terms by class, which stand in for coded terms that too few subjects share.

The lists are our own: plain words of general medicine, written down class by class from general knowledge, the most ordinary ones
first, in capitals and British spelling as clinical databases have them. No licensed dictionary was copied or consulted, there are
no codes and no hierarchy beyond the class, and no claim that a class lists what a dictionary would. Medicines are international
non-proprietary names under the class words of the anatomical scheme, first the organ, within it the use.
`docs/decisions/stand-in-terms.md` says more. A user who holds a licence hands in a dictionary of their own.
"""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files
from itertools import chain, zip_longest
from pathlib import Path
from typing import Any, cast

from replicator.errors import ConfigError, ReadError

KINDS = ("event", "medication", "indication", "procedure")
"""What a term can be: an adverse event or a piece of history; a medicine; the reason for one; a procedure."""

_EMPTY_WORDS = frozenset(
    re.findall(
        r"\w+",
        """
        ADMINISTRATION AGENT AGENTS AND BY CLASS COMPLICATIONS CONDITIONS DISEASE DISEASES DISORDER DISORDERS DRUG DRUGS EXCL
        EXCLUDING FOR GENERAL IN INCL INCLUDING NEC NOS OF OR ORGAN OTHER PREPARATION PREPARATIONS PROCEDURE PROCEDURES PRODUCT
        PRODUCTS SITE SYSTEM SYSTEMIC SYSTEMS THE THERAPY TISSUE UNSPECIFIED USE USED WITH
        """,
    )
)
"""Words of class names that tell nothing about the class."""

_SYNONYMS = {
    "AIRWAY": "RESPIRATORY",
    "ALLERGY": "IMMUNE",
    "ANTIBIOTIC": "ANTIBACTERIALS",
    "BLOCKER": "BLOCKING",
    "BONE": "MUSCULOSKELETAL",
    "BOWEL": "GASTROINTESTINAL",
    "BRAIN": "NERVOUS",
    "CANCER": "NEOPLASMS",
    "CARDIO": "CARDIAC",
    "CNS": "NERVOUS",
    "DERMATOLOGIC": "SKIN",
    "DIGESTIVE": "GASTROINTESTINAL",
    "GASTRO": "GASTROINTESTINAL",
    "GENITOURINARY": "URINARY",
    "GI": "GASTROINTESTINAL",
    "GYNAECOLOGICAL": "REPRODUCTIVE",
    "GYNECOLOGICAL": "REPRODUCTIVE",
    "HAEMATOLOGICAL": "BLOOD",
    "HEART": "CARDIAC",
    "HEENT": "EAR",
    "HEMATOLOGIC": "BLOOD",
    "HEPATIC": "HEPATOBILIARY",
    "INFECTIOUS": "INFECTIONS",
    "KIDNEY": "RENAL",
    "LABORATORY": "INVESTIGATIONS",
    "LIVER": "HEPATOBILIARY",
    "LUNG": "RESPIRATORY",
    "MENTAL": "PSYCHIATRIC",
    "METABOLIC": "METABOLISM",
    "MUSCLE": "MUSCULOSKELETAL",
    "NEUROLOGICAL": "NERVOUS",
    "NUTRITIONAL": "NUTRITION",
    "ONCOLOGY": "NEOPLASMS",
    "OPHTHALMIC": "EYE",
    "OPHTHALMOLOGIC": "EYE",
    "PAIN": "ANALGESICS",
    "PULMONARY": "RESPIRATORY",
    "SURGERY": "SURGICAL",
    "TUMOUR": "NEOPLASMS",
    "TUMOR": "NEOPLASMS",
    "URINARY": "RENAL",
    "VISION": "EYE",
}
_STEM = 6
"""Letters by which two words are taken for one: CARDIAC and CARDIOVASCULAR differ, ANTIBACTERIAL and ANTIBACTERIALS do not."""

_Classes = Mapping[str, tuple[str, ...]]


@dataclass(frozen=True)
class StandIns:
    """Terms by kind and class.

    Attributes
    ----------
    by_kind : mapping of str to mapping of str to tuple of str
        For each of :data:`KINDS` the terms of each class, most ordinary first. A medicine stands in its narrow class and in the
        wide one around it.
    by_route : mapping of str to frozenset of str
        Medicines that are given by each route of administration. One that is listed under no route is taken by mouth; under
        ``ORAL`` stand those that are taken by mouth beside another route.
    by_sex : mapping of str to tuple of str
        For ``F`` and ``M`` the beginnings of words of terms that only that sex has.
    grave : mapping of str to tuple of str
        Events that somebody may die of, by class of events.
    needs : mapping of str to tuple of str
        Classes of medicines that are given for certain conditions alone: parts of words of these.
    phrases : mapping of str to mapping
        By kind of term, and by route of medicines: the ``words`` on which such a term ends, and the ``forms`` in which a clinician
        says it more closely, ``{}`` standing for the term.
    by_dose : mapping of str to tuple of float
        Usual single doses of medicines taken by mouth, mg, ascending; some common trade names are among them.
    """

    by_kind: Mapping[str, _Classes]
    by_route: Mapping[str, frozenset[str]]
    by_sex: Mapping[str, tuple[str, ...]]
    grave: _Classes
    needs: _Classes
    phrases: Mapping[str, Mapping[str, tuple[str, ...]]]
    by_dose: Mapping[str, tuple[float, ...]]

    def terms(self, class_name: str, kind: str) -> tuple[str, ...]:
        """Return ordinary terms of a class, most ordinary first; never empty.

        Parameters
        ----------
        class_name : str
            As the source writes it, in any case. A name that is not listed is taken for the class that shares most of its telling
            words; one that shares none gets the terms of all classes in turn, from the most ordinary of each.
        kind : str
            One of :data:`KINDS`.

        Raises
        ------
        ConfigError
            The kind is unknown.

        Examples
        --------
        >>> load_stand_ins().terms("Cardiac disorders", "event")[:2]
        ('ATRIAL FIBRILLATION', 'PALPITATIONS')
        >>> load_stand_ins().terms("BETA BLOCKERS", "medication")[0]
        'METOPROLOL'
        """
        return self.by_kind[kind][name] if (name := self.closest(class_name, kind)) else _in_turn(self.by_kind[kind])

    def suits(self, term: str, route: str) -> bool:
        """Whether a medicine is ordinarily given by a route; any is by a route that is not listed.

        Examples
        --------
        >>> load_stand_ins().suits("LOPERAMIDE", "OPHTHALMIC"), load_stand_ins().suits("LOPERAMIDE", "ORAL")
        (False, True)
        """
        wanted = route.upper()
        if wanted not in self.by_route or term in self.by_route[wanted]:
            return True
        return wanted == "ORAL" and not any(term in terms for terms in self.by_route.values())

    def sex_of(self, *texts: str) -> str:
        """Return the sex (``F`` or ``M``) that alone has what one of some texts names; ``""`` where both may.

        Examples
        --------
        >>> load_stand_ins().sex_of("Ovarian cyst"), load_stand_ins().sex_of("Gastrointestinal ulcer")
        ('F', '')
        """
        words = " ".join(texts).upper()
        found = [sex for sex, starts in self.by_sex.items() if any(re.search(rf"\b{re.escape(start)}", words) for start in starts)]
        return found[0] if len(found) == 1 else ""

    def needs_of(self, medicine: str) -> tuple[str, ...]:
        """Return parts of words of the conditions for one of which a medicine is given; none where it may be for anything.

        Examples
        --------
        >>> load_stand_ins().needs_of("METFORMIN")[0], load_stand_ins().needs_of("PARACETAMOL")
        ('DIABET', ())
        """
        classes = self.by_kind["medication"]
        found = (words for name, words in self.needs.items() if any(medicine.startswith(term) for term in classes.get(name, ())))
        return next(found, ())

    def doses(self, *names: str) -> tuple[float, ...]:
        """Return the usual single doses by mouth, mg, of the first name that is listed; none if no name is.

        A name that begins with a listed one, such as that of a salt, is taken for it.

        Examples
        --------
        >>> load_stand_ins().doses("DIGOXIN"), load_stand_ins().doses("UNCODED", "Metoprolol tartrate")
        ((0.125, 0.25), (25, 50, 100))
        """
        for name in names:
            words = name.upper().split()
            for n in range(len(words), 0, -1):
                if found := self.by_dose.get(" ".join(words[:n])):
                    return found
        return ()

    def forms(self, term: str, kind: str, route: str = "") -> tuple[str, ...]:
        """Return the forms in which a clinician may say a term more closely.

        What is done to somebody (an operation) and what is measured take other words than what somebody suffers from.

        Examples
        --------
        >>> load_stand_ins().forms("CHOLECYSTECTOMY", "event")[0], load_stand_ins().forms("CATARACT", "event")[0]
        ('STATUS POST {}', 'SUSPECTED {}')
        """
        if kind == "procedure":
            return self.phrases["procedure"]["forms"]
        if kind == "medication":
            return self.phrases.get(route.upper(), self.phrases["medication"])["forms"]
        for name in ("procedure", "finding"):
            if kind == "event" and any(word.endswith(self.phrases[name]["words"]) for word in term.upper().split()):
                return self.phrases[name]["forms"]
        return self.phrases[kind]["forms"]

    def closest(self, class_name: str, kind: str) -> str:
        """Return the listed class that a name is taken for, ``""`` if it shares a telling word with none.

        Raises
        ------
        ConfigError
            The kind is unknown.
        """
        if kind not in self.by_kind:
            raise ConfigError(f"{kind!r} is no kind of stand-in; choose one of {', '.join(self.by_kind)}.")
        classes = self.by_kind[kind]
        plain = " ".join(class_name.upper().split())
        if plain in classes:
            return plain
        wanted = _words(class_name)
        best = max(classes, key=lambda name: _likeness(wanted, _words(name)), default="")
        return best if best and _likeness(wanted, _words(best)) > (0, 0.0) else ""


def _words(name: str) -> frozenset[str]:
    """Telling words of a class name, cut to their stems; all of them if none is telling."""
    words = re.findall(r"[^\W\d_]+", name.upper().replace("-", ""))
    telling = [word for word in words if word not in _EMPTY_WORDS] or words
    singular = [word.removesuffix("S") for word in telling]
    known = [_SYNONYMS.get(word) or _SYNONYMS.get(short) for word, short in zip(telling, singular, strict=True)]
    return frozenset(short[:_STEM] for short in singular) | frozenset(word.removesuffix("S")[:_STEM] for word in known if word)


def _likeness(wanted: frozenset[str], offered: frozenset[str]) -> tuple[int, float]:
    """How many words two names share, and how much of both these are."""
    shared = len(wanted & offered)
    return shared, shared / max(1, len(wanted | offered))


def _in_turn(classes: _Classes) -> tuple[str, ...]:
    rounds = chain.from_iterable(zip_longest(*classes.values()))
    return tuple(dict.fromkeys(term for term in rounds if term is not None))


def _read(name: str) -> Mapping[str, Any]:
    text = files("replicator.standards").joinpath(f"data/stand_ins_{name}.json").read_text(encoding="utf-8")
    return cast(Mapping[str, Any], json.loads(text))


@cache
def _built_in() -> StandIns:
    medications: dict[str, tuple[str, ...]] = {}
    for wide, narrow in _read("medications").items():
        medications[wide] = _in_turn({name: tuple(terms) for name, terms in narrow.items()})
        medications |= {name: tuple(terms) for name, terms in narrow.items() if name != wide}
    plain = {
        kind: {name: tuple(terms) for name, terms in _read(f"{kind}s").items()} for kind in ("event", "indication", "procedure")
    }
    routes = {route: frozenset(terms) for route, terms in _read("routes").items()}
    sexes = {sex: tuple(starts) for sex, starts in _read("sexes").items()}
    grave = {name: tuple(terms) for name, terms in _read("fatal").items()}
    needs = {name: tuple(words) for name, words in _read("needs").items()}
    phrases = {name: {key: tuple(texts) for key, texts in one.items()} for name, one in _read("forms").items()}
    doses = {name: tuple(mg) for name, mg in _read("doses").items()}
    return StandIns({kind: plain.get(kind, medications) for kind in KINDS}, routes, sexes, grave, needs, phrases, doses)


def load_stand_ins(path: Path | None = None) -> StandIns:
    """Load the built-in lists, or the user's own for the kinds that these have.

    Parameters
    ----------
    path : Path, optional
        A CSV file in UTF-8 with the columns ``term``, ``class`` and ``kind`` (in any order and case; further columns are passed
        over). A kind of which it has at least one term is taken from it alone; the others stay as built in.

    Raises
    ------
    ReadError
        The file cannot be read, lacks a column, holds an unknown kind or an empty term, or has no terms.
    """
    built_in = _built_in()
    if path is None:
        return built_in
    own: dict[str, dict[str, list[str]]] = {}
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = csv.DictReader(file)
            columns = {name.strip().lower(): name for name in rows.fieldnames or []}
            missing = [name for name in ("term", "class", "kind") if name not in columns]
            if missing:
                raise ReadError(f"{path.name}: the dictionary lacks the columns {', '.join(missing)}; give term, class and kind.")
            for row in rows:
                term, name, kind = (" ".join((row[columns[key]] or "").split()) for key in ("term", "class", "kind"))
                if not term or kind.lower() not in KINDS:
                    raise ReadError(
                        f"{path.name}: line {rows.line_num} has the term {term!r} of kind {kind!r}; "
                        f"give a term and one of {', '.join(KINDS)}."
                    )
                own.setdefault(kind.lower(), {}).setdefault(name.upper(), []).append(term)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ReadError(f"{path.name}: the dictionary of stand-ins cannot be read ({error}); give a CSV file in UTF-8.") from None
    if not own:
        raise ReadError(f"{path.name}: the dictionary of stand-ins has no terms; give at least one line after the header.")
    chosen = {kind: {name: tuple(dict.fromkeys(terms)) for name, terms in classes.items()} for kind, classes in own.items()}
    return replace(built_in, by_kind={**built_in.by_kind, **chosen})
