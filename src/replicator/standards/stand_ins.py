"""Ordinary clinical terms by class, which stand in for coded terms that too few subjects share.

The lists are our own: plain words of general medicine, written down class by class from general knowledge, the most ordinary ones
first, in capitals and British spelling as clinical databases have them. No licensed dictionary was copied or consulted, there are
no codes and no hierarchy beyond the class, and no claim that a class lists what a dictionary would. Medicines are international
non-proprietary names under the class words of the anatomical scheme, first the organ, within it the use.
`docs/decisions/stand-in-terms.md` and `coded-stand-ins-are-plain.md` say more. A user who holds a licence hands in a dictionary of
their own.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from itertools import chain, zip_longest
from pathlib import Path

from replicator.errors import ConfigError, ReadError
from replicator.standards.stand_in_lists import read_list

KINDS = ("event", "medication", "indication", "procedure", "qualifier")
"""What a term can be: an adverse event or a piece of history; a medicine; the reason for one; a procedure; a short name."""

_QUALIFIERS = tuple(f"RARE{number}" for number in range(1, 10_000))
"""Names of supplemental qualifiers, which say nothing; as many as eight letters allow."""

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
    by_sex : mapping of str to tuple of str
        For ``F`` and ``M`` the beginnings of words of terms that only that sex has, or as good as only.
    by_age : mapping of str to tuple of str
        For ``CHILD`` the beginnings of words of terms that begin in childhood or at birth; for an age in years those of terms that
        hardly ever begin before it.
    lasting : mapping of str to tuple of str
        Beginnings of words of terms that do not pass, such as those of chronic diseases.
    once : mapping of str to tuple of str
        What can be lost once in a life, such as an organ: the beginnings of words of terms that say so.
    grave : mapping of str to tuple of str
        Events that somebody may die of, by class of events.
    phrases : mapping of str to mapping
        By kind of term, and by route of medicines: the ``words`` on which such a term ends, and the ``forms`` in which somebody
        reports it in words of their own, ``{}`` standing for the term. No coded term is said so.
    """

    by_kind: Mapping[str, _Classes]
    by_sex: Mapping[str, tuple[str, ...]]
    by_age: Mapping[str, tuple[str, ...]]
    lasting: Mapping[str, tuple[str, ...]]
    once: Mapping[str, tuple[str, ...]]
    grave: _Classes
    phrases: Mapping[str, Mapping[str, tuple[str, ...]]]

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

    def sex_of(self, *texts: str) -> str:
        """Return the sex (``F`` or ``M``) that alone has what one of some texts names; ``""`` where both may.

        Examples
        --------
        >>> load_stand_ins().sex_of("Ovarian cyst"), load_stand_ins().sex_of("Gastrointestinal ulcer")
        ('F', '')
        """
        found = _telling(self.by_sex, texts)
        return found[0] if len(found) == 1 else ""

    def begins_in_childhood(self, term: str) -> bool:
        """Whether a term names what begins in childhood or at birth.

        Examples
        --------
        >>> load_stand_ins().begins_in_childhood("MEASLES"), load_stand_ins().begins_in_childhood("MELAENA")
        (True, False)
        """
        return bool(_telling({"CHILD": self.by_age["CHILD"]}, (term,)))

    def least_age_of(self, *texts: str) -> int:
        """Return the age in years before which what some texts name hardly ever begins; 0 where it may begin at any.

        Examples
        --------
        >>> load_stand_ins().least_age_of("Cataract operation"), load_stand_ins().least_age_of("APPENDICECTOMY")
        (45, 0)
        """
        return max((int(age) for age in _telling(self.by_age, texts) if age.isdigit()), default=0)

    def lasts(self, *texts: str) -> bool:
        """Whether what some texts name does not pass within days; an operation is over, whatever it was for.

        Examples
        --------
        >>> load_stand_ins().lasts("ARTERIOSCLEROSIS"), load_stand_ins().lasts("CATARACT OPERATION")
        (True, False)
        """
        return bool(_telling(self.lasting, texts)) and not any(self._is_operation(text) for text in texts)

    def is_grave(self, *texts: str) -> bool:
        """Whether one of some texts names what somebody may die of.

        Examples
        --------
        >>> load_stand_ins().is_grave("Myocardial infarction"), load_stand_ins().is_grave("HEADACHE")
        (True, False)
        """
        return any(text.upper() in terms for text in texts for terms in self.grave.values())

    def _is_operation(self, term: str) -> bool:
        return any(word.endswith(self.phrases["operation"]["words"]) for word in term.upper().split())

    def lost_by(self, *texts: str) -> str:
        """Return what nobody can lose a second time, if one of some texts says that it is lost; else ``""``.

        Examples
        --------
        >>> load_stand_ins().lost_by("Vaginal hysterectomy"), load_stand_ins().lost_by("HYSTEROSCOPY")
        ('UTERUS', '')
        """
        return next(iter(_telling(self.once, texts)), "")

    def forms(self, term: str, kind: str, route: str = "") -> tuple[str, ...]:
        """Return the forms in which a term may be reported.

        What is done to somebody (an operation) and what is measured take other words than what somebody suffers from.

        Examples
        --------
        >>> load_stand_ins().forms("CHOLECYSTECTOMY", "event")[0], load_stand_ins().forms("CATARACT", "event")[0]
        ('STATUS POST {}', '{} NOS')
        """
        if kind in ("procedure", "qualifier"):
            return self.phrases[kind]["forms"]
        if kind == "medication":
            return self.phrases.get(route.upper(), self.phrases["medication"])["forms"]
        for name in ("operation", "finding"):
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


def _telling(starts: Mapping[str, tuple[str, ...]], texts: Iterable[str]) -> list[str]:
    """Names under which stands the beginning of a word of some texts."""
    words = " ".join(texts).upper()
    return [name for name, some in starts.items() if _beginning(some).search(words)]


@cache
def _beginning(starts: tuple[str, ...]) -> re.Pattern[str]:
    """Pattern of one of some beginnings of words; of none if there are none."""
    return re.compile(rf"\b(?:{'|'.join(map(re.escape, starts))})" if starts else r"(?!)")


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


@cache
def _built_in() -> StandIns:
    medications: dict[str, tuple[str, ...]] = {}
    for wide, narrow in read_list("medications").items():
        medications[wide] = _in_turn({name: tuple(terms) for name, terms in narrow.items()})
        medications |= {name: tuple(terms) for name, terms in narrow.items() if name != wide}
    plain = {
        kind: {name: tuple(terms) for name, terms in read_list(f"{kind}s").items()} for kind in ("event", "indication", "procedure")
    }
    sexes, ages, lasting, once, grave = (
        {name: tuple(words) for name, words in read_list(one).items()} for one in ("sexes", "ages", "lasting", "once", "fatal")
    )
    phrases = {name: {key: tuple(texts) for key, texts in one.items()} for name, one in read_list("forms").items()}
    by_kind = {**plain, "medication": medications, "qualifier": {"SUPPLEMENTAL QUALIFIERS": _QUALIFIERS}}
    return StandIns({kind: by_kind[kind] for kind in KINDS}, sexes, ages, lasting, once, grave, phrases)


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
