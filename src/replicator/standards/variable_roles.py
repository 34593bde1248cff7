"""Roles of variables in the SDTM: what a Define-XML says that a variable is in its dataset.

The table stands in ``data/variable_roles.json``, which names its source. A domain that uses a variable in a way of its own comes first,
then a name of the model, then what the kind of content says.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any, cast

from replicator.standards.variables import variable_standard


@cache
def _tables() -> Mapping[str, Any]:
    text = files("replicator.standards").joinpath("data/variable_roles.json").read_text(encoding="utf-8")
    return cast(Mapping[str, Any], json.loads(text))


@cache
def _role_by_name() -> Mapping[str, str]:
    return {name: role for role, names in _tables()["by_name"].items() for name in names}


def variable_role(name: str, domain: str) -> str | None:
    """Look up the role of a variable in the SDTM.

    Parameters
    ----------
    name : str
        Upper case.
    domain : str
        Code of the domain, for example ``LB``.

    Returns
    -------
    str or None
        ``Identifier``, ``Topic``, ``Timing`` or one of the five kinds of qualifier; ``None`` if the standard has no such
        variable.

    Examples
    --------
    >>> variable_role("LBORRESU", "LB"), variable_role("VISITNUM", "SV"), variable_role("VISITNUM", "LB"), variable_role("X", "LB")
    ('Variable Qualifier', 'Topic', 'Timing', None)
    """
    standard = variable_standard(name, domain[:2])
    if standard is None or standard.kind == "analysis":
        return None
    tables = _tables()
    role = tables["by_domain"].get(domain, {}).get(name) or _role_by_name().get(standard.pattern)
    return cast(str, role or tables["by_content"][standard.role])
