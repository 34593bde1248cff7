"""Names of SDTM variables and domains: what a name says about role, type, label and class.

The tables stand in ``data/variables.json``, which names its source. A variable is found by its whole name first (``USUBJID``), then
by what follows the two letters of its domain (``LBTESTCD`` is ``--TESTCD``).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Literal, cast


@dataclass(frozen=True)
class VariableStandard:
    """What the standard says about a name.

    Attributes
    ----------
    pattern : str
        The whole name, or ``--`` and what follows the domain's letters.
    role : str
        One of the values of :class:`replicator.profile.structure.Role`.
    type : "char" or "num"
        Data type.
    label : str
        At most 40 characters.
    kind : str
        Kind of dataset that has it: ``findings``, ``events``, ``interventions``, ``subjects``, ``qualifiers``, ``reference``,
        ``analysis`` (ADaM) or ``all``.
    """

    pattern: str
    role: str
    type: Literal["char", "num"]
    label: str
    kind: str


@dataclass(frozen=True)
class DomainStandard:
    """A domain of the standard: its code, label, kind of dataset and, where it has no subjects, the variables of its key."""

    code: str
    label: str
    kind: str
    keys: tuple[str, ...]


@cache
def _tables() -> Mapping[str, Any]:
    text = files("replicator.standards").joinpath("data/variables.json").read_text(encoding="utf-8")
    return cast(Mapping[str, Any], json.loads(text))


def domain_standard(code: str) -> DomainStandard | None:
    """Look up a domain by its code; ``None`` if the standard has no such domain.

    Examples
    --------
    >>> domain_standard("LB").kind, domain_standard("XX")
    ('findings', None)
    """
    entry = _tables()["domains"].get(code.upper())
    return None if entry is None else DomainStandard(code.upper(), entry["label"], entry["kind"], tuple(entry["keys"]))


def variable_standard(name: str, prefix: str = "") -> VariableStandard | None:
    """Look up a variable by its name, given the letters that the variables of its dataset begin with.

    Parameters
    ----------
    name : str
        Upper case.
    prefix : str
        For example ``LB``; ``""`` if the dataset's names carry none.

    Examples
    --------
    >>> variable_standard("LBTESTCD", "LB").pattern, variable_standard("LBTESTCD", "VS")
    ('--TESTCD', None)
    """
    tables = _tables()
    entry, pattern = tables["variables"].get(name), name
    if entry is None and prefix and name.startswith(prefix):
        entry, pattern = tables["suffixes"].get(name[len(prefix) :]), f"--{name[len(prefix) :]}"
    return None if entry is None else VariableStandard(pattern, *entry)


def is_suffix(text: str) -> bool:
    """Tell whether the standard has a variable ``--text``."""
    return text in _tables()["suffixes"]


def subject_names() -> tuple[str, ...]:
    """Names that a subject variable goes by, likeliest first, compared without underscores; ``USUBJID`` is the standard's."""
    return tuple(_tables()["subject_names"])
