"""Reads the lists of ordinary clinical words that come with the package."""

from __future__ import annotations

import json
from collections.abc import Mapping
from importlib.resources import files
from typing import Any, cast


def read_list(name: str) -> Mapping[str, Any]:
    """Read one of the lists ``stand_ins_*.json``, by what stands in the place of the star."""
    text = files("replicator.standards").joinpath(f"data/stand_ins_{name}.json").read_text(encoding="utf-8")
    return cast(Mapping[str, Any], json.loads(text))
