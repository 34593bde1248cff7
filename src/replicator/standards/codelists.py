"""Codelists, units and plausible results of common tests, as versioned data.

The lists stand in ``data/codelists.json`` and ``data/codelists_units.json``, which name their source and date.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, cast


@dataclass(frozen=True)
class Codelist:
    """A list of permitted terms.

    Attributes
    ----------
    name, title : str
        Short name of the codelist (``SEX``) and what it is about.
    extensible : bool
        Whether a sponsor may add terms.
    variables, suffixes : tuple of str
        Variables that it belongs to, by whole name and by what follows the domain's letters.
    terms : tuple of str
        Submission values.
    only_where : tuple of (str, str)
        Variables and the value that each must have in a row for the codelist to bind it.
    """

    name: str
    title: str
    extensible: bool
    variables: tuple[str, ...]
    suffixes: tuple[str, ...]
    terms: tuple[str, ...]
    only_where: tuple[tuple[str, str], ...] = ()

    def fits(self, variable: str, prefix: str) -> bool:
        """Tell whether a variable of a dataset with these letters is bound to the codelist."""
        return variable in self.variables or bool(
            prefix and variable.startswith(prefix) and variable[len(prefix) :] in self.suffixes
        )


def _read(name: str) -> Mapping[str, Any]:
    return cast(Mapping[str, Any], json.loads(files("replicator.standards").joinpath(f"data/{name}").read_text(encoding="utf-8")))


@cache
def codelists() -> tuple[Codelist, ...]:
    """Return all built-in codelists.

    Examples
    --------
    >>> next(c for c in codelists() if c.name == "ND").terms
    ('NOT DONE',)
    """
    return tuple(
        Codelist(
            name,
            entry["title"],
            entry["extensible"],
            tuple(entry["variables"]),
            tuple(entry["suffixes"]),
            tuple(entry["terms"]),
            tuple(entry.get("only_where", {}).items()),
        )
        for name, entry in _read("codelists.json")["codelists"].items()
    )


def codelists_version() -> str:
    """Return the version of the terminology that the codelists were taken from."""
    return str(_read("codelists.json")["version"])


@cache
def _units() -> Mapping[str, Any]:
    return _read("codelists_units.json")


@cache
def _unit_parts() -> frozenset[str]:
    return frozenset(_units()["units"].split())


def is_unit(text: str) -> bool:
    """Tell whether a text is put together from known units, with powers of ten, products and quotients.

    Examples
    --------
    >>> is_unit("10^9/L"), is_unit("h*ng/mL"), is_unit("mL/min/1.73m2"), is_unit("parsecs")
    (True, True, True, False)
    """
    parts = [part for part in re.split(r"[/*() ]+", text) if part]
    known = _unit_parts()
    return bool(parts) and all(part in known or re.fullmatch(r"10\^\d+|\d+(\.\d+)?", part) for part in parts)


def plausible_results(test: str) -> Mapping[str, tuple[float, float]]:
    """Return the plausible bounds of a test's result by unit; empty for a test that is not in the list.

    Examples
    --------
    >>> plausible_results("TEMP")["C"]
    (30.0, 44.0)
    """
    return {unit: (float(low), float(high)) for unit, (low, high) in _units()["tests"].get(test, {}).items()}
