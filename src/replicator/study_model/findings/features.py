"""What a findings dataset tells of a subject in single numbers: levels, slopes and spreads of its tests, by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from replicator.models.copula import Kin
from replicator.models.persistence import Occasions
from replicator.study_model.findings.coordinates import Coordinates
from replicator.study_model.findings.extremes import spread_extremes
from replicator.study_model.findings.levels import ADDITIVE
from replicator.study_model.findings.results import Results
from replicator.study_model.findings.values import Values
from replicator.tables.dataset import Dataset

Codes = NDArray[np.intp]
Floats = NDArray[np.float64]
Column = tuple[str, str, int]
"""Name of a feature, its kind (``level``, ``slope``, ``spread`` or ``free``) and its latent column or coordinate."""


def feature_columns(results: Results, values: Values, coordinates: Coordinates, labels: tuple[str, ...]) -> list[Column]:
    """List all features; tests that belong together have their levels in coordinates."""
    together = set(coordinates.columns.tolist())
    found: list[Column] = []
    for column, series in enumerate(results.series.tolist()):
        what = labels[series]
        own = column == results.value[series]
        if column not in together:
            found.append((f"level[{what}]" if own else f"state[{what}]", "level", column))
        if values.latent.slope[column] > 0:
            found.append((f"slope[{what}]", "slope", column))
        if values.latent.spread[column] > 0:
            found.append((f"spread[{what}]", "spread", column))
    for coordinate in range(coordinates.loading.shape[1]):
        first, *others = (labels[series] for series in results.series[coordinates.members(coordinate)].tolist())
        found.append((f"level {coordinate + 1}[{first} and {len(others)} more]", "free", coordinate))
    return found


def belonging(results: Results, category: Codes, tied: Sequence[tuple[NDArray[np.int64], int]]) -> list[tuple[Codes, int]]:
    """Latent columns that belong together, and their idle directions.

    Parameters
    ----------
    results : Results
        Latent columns.
    category : (n_series,) int
        Instrument or panel of each series.
    tied : sequence of ((n,) int64, int)
        Series that laws tie together, and the number of the laws.

    Returns
    -------
    list of ((n,) int, int)
        Tests tied by laws, and the levels and ranks of each category; measured tests without a law keep levels of their own.
    """
    found = [(results.value[series].astype(np.intp), laws) for series, laws in tied]
    own = np.flatnonzero(results.value[results.series] == np.arange(len(results.series)))
    items = own[results.form[own] != ADDITIVE]
    whose = category[results.series[items]]
    return found + [(items[whose == one], 0) for one in np.unique(whose)]


def name_features(
    columns: list[Column], features: Mapping[str, Floats], free: Floats, seen: Codes, n: int, k: int
) -> dict[str, Floats]:
    """Give features and coordinates (n_seen, d) of the subjects `seen` by name, (n,) each, those that k have and that differ."""
    out = {}
    for name, what, column in columns:
        value = np.full(n, np.nan)
        value[seen] = (free if what == "free" else features[what])[:, column]
        known = np.isfinite(value)
        if known.sum() >= k and np.unique(value[known]).size > 1:
            out[name] = value
    return out


def kin_by_name(columns: list[Column], kin: Kin) -> dict[str, tuple[str, str]]:
    """Levels of tests that are measured together: their panel, and its kind."""
    of = ((name, column) for name, what, column in columns if what == "level" and kin.group[column] >= 0)
    return {name: (f"panel {kin.group[column]}", f"category {kin.kind[column]}") for name, column in of}


def draw_features(
    columns: list[Column],
    drawn: Callable[[str], Floats | None],
    results: Results,
    values: Values,
    coordinates: Coordinates,
    occasions: Occasions,
    rng: np.random.Generator,
) -> dict[str, Floats]:
    """Features (n_seen, n_columns) of the subjects seen: as drawn with the subject, independent normals where it has none."""
    who = occasions.subject[occasions.starts] if len(occasions.subject) else np.empty(0, np.intp)
    shape = (len(who), len(results.series))
    out = {name: rng.standard_normal(shape) for name in ("level", "slope", "spread")}
    out["free"] = rng.standard_normal((len(who), coordinates.loading.shape[1]))
    known = np.zeros(shape, bool)
    for name, what, column in columns:
        given = drawn(name)
        if given is not None:
            mine = np.isfinite(given[who])
            out[what][mine, column] = given[who][mine]
            if what == "level":
                known[mine, column] = True
    level = np.where(known, spread_extremes(out["level"], values.bottom, values.top, rng), out["level"])
    level[:, coordinates.columns] = coordinates.levels(out.pop("free"), rng)
    return {**out, "level": level}


def codes_of(dataset: Dataset, name: str) -> Codes:
    """Codes of a variable (n_rows,), all alike for the name ``""``."""
    return dataset.text(name).codes.astype(np.intp) if name else np.full(dataset.n_rows, -1, np.intp)
