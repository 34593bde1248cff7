"""Roles of variables in the SDTM: what a Define-XML says that a variable is in its dataset.

The table stands in ``data/variable_roles.json``, which names its source. What one domain says of a variable comes first, then the
name in the model, then what its kind of content says. Relationship datasets have no roles: the guides before 3.3 gave them none.
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
        ``Identifier``, ``Topic``, ``Timing``, ``Rule`` or one of the five kinds of qualifier; ``None`` if the standard has no such
        variable or its dataset has no roles.

    Examples
    --------
    >>> variable_role("LBORRESU", "LB"), variable_role("VISITNUM", "SV"), variable_role("VISITNUM", "LB"), variable_role("X", "LB")
    ('Variable Qualifier', 'Topic', 'Timing', None)
    """
    tables = _tables()
    if domain.startswith(tuple(tables["without"])):
        return None
    own, standard = tables["by_domain"].get(domain, {}).get(name), variable_standard(name, domain[:2])
    if own is not None or standard is None or standard.kind == "analysis":
        return cast("str | None", own)
    return cast(str, _role_by_name().get(standard.pattern) or tables["by_content"][standard.role])
