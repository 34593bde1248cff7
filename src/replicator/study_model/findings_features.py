"""What a findings dataset tells of a subject in single numbers: levels, slopes and spreads of its tests, by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from replicator.models.persistence import Occasions
from replicator.study_model.findings_products import Products
from replicator.study_model.findings_results import Results
from replicator.study_model.findings_values import Values

Codes = NDArray[np.intp]
Floats = NDArray[np.float64]
Column = tuple[str, str, int]
"""Name of a feature, its kind (``level``, ``slope``, ``spread`` or ``free``) and its latent column or coordinate."""


def feature_columns(results: Results, values: Values, products: Products, labels: tuple[str, ...]) -> list[Column]:
    """List all features; tests that laws tie together have their levels in the coordinates that the laws leave free."""
    tied = set(results.value[products.tied].tolist())
    found: list[Column] = []
    for column, series in enumerate(results.series.tolist()):
        what = labels[series]
        own = column == results.value[series]
        if column not in tied:
            found.append((f"level[{what}]" if own else f"state[{what}]", "level", column))
        if values.latent.slope[column] > 0:
            found.append((f"slope[{what}]", "slope", column))
        if values.latent.spread[column] > 0:
            found.append((f"spread[{what}]", "spread", column))
    for coordinate in range(products.plane.shape[1]):
        together = ", ".join(labels[series] for series in products.members[products.plane[:, coordinate] != 0].tolist())
        found.append((f"level {coordinate + 1}[{together}]", "free", coordinate))
    return found


def name_features(
    columns: list[Column], features: Mapping[str, Floats], results: Results, products: Products, seen: Codes, n: int, k: int
) -> dict[str, Floats]:
    """Give features of the subjects `seen` (n_seen,) by name, (n,) each, those that k subjects have and that differ."""
    free = {"free": products.scores(features["level"][:, results.value[products.members]])}
    out = {}
    for name, what, column in columns:
        value = np.full(n, np.nan)
        value[seen] = (free if what == "free" else features)[what][:, column]
        known = np.isfinite(value)
        if known.sum() >= k and np.unique(value[known]).size > 1:
            out[name] = value
    return out


def draw_features(
    columns: list[Column],
    drawn: Callable[[str], Floats | None],
    results: Results,
    values: Values,
    products: Products,
    occasions: Occasions,
    rng: np.random.Generator,
) -> dict[str, Floats]:
    """Features (n_seen, n_columns) of the subjects seen: as drawn with the subject, independent normals where it has none."""
    who = occasions.subject[occasions.starts] if len(occasions.subject) else np.empty(0, np.intp)
    shape = (len(who), len(results.series))
    out = {name: rng.standard_normal(shape) for name in ("level", "slope", "spread")}
    out["free"] = rng.standard_normal((len(who), products.plane.shape[1]))
    known = np.zeros(shape, bool)
    for name, what, column in columns:
        given = drawn(name)
        if given is not None:
            mine = np.isfinite(given[who])
            out[what][mine, column] = given[who][mine]
            if what == "level":
                known[mine, column] = True
    level = np.where(known, values.spread_ties(out["level"], rng), out["level"])
    tied = products.tied
    level[:, results.value[tied]] = products.levels(out.pop("free"))
    return {**out, "level": level}
