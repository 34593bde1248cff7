"""Conversion of collected results into standard units, of those beyond a limit (``<0.2``) too."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
from numpy.typing import NDArray

from replicator.derivations.derivation import Derivation
from replicator.derivations.rule import DatasetFacts, Outcome, Source, decimals_of, round_half_up, text_of
from replicator.derivations.workspace import Workspace, distinct_subjects
from replicator.tables.dataset import Numbers, Text
from replicator.tables.spelling import limit_of

FIXED_SCALES = ((5.0 / 9.0, -160.0 / 9.0), (9.0 / 5.0, 32.0), (1.0, 273.15))  # F to C, C to F, C to K
LEAST_IN_GROUP = 0.9
TOLERANCE = 1e-8  # relative


def close(left: NDArray[np.float64], right: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Tell where two numbers are equal but for the noise of floating point; NaN is equal to nothing."""
    return np.abs(left - right) <= TOLERANCE * np.maximum(1.0, np.abs(right))


def _scaled(x: NDArray[np.float64], factor: float, offset: float, decimals: int | None) -> NDArray[np.float64]:
    value = x * factor + offset
    return value if decimals is None else round_half_up(value, decimals)


def _fit_scale(x: NDArray[np.float64], y: NDArray[np.float64]) -> tuple[float, float, int | None] | None:
    """Find factor, offset and decimals with which `x` becomes `y` in nearly all pairs, the shortest factor that does."""
    if np.mean(close(x, y)) >= LEAST_IN_GROUP:
        return 1.0, 0.0, None
    decimals = decimals_of(y)
    away = x != 0
    if not away.any() or (y == y[0]).all() > (x == x[0]).all():  # one number for many is no multiple of them
        return None
    factor = float(np.median(y[away] / x[away]))
    # the largest values say most about the factor where results are rounded
    large = np.argsort(-np.abs(x), kind="stable")[: max(3, len(x) // 10)]
    sharp = float(np.sum(y[large] * x[large]) / np.sum(x[large] ** 2)) if np.any(x[large] != 0) else factor
    candidates = [(float(f"{guess:.{digits}g}"), 0.0) for digits in range(1, 8) for guess in (factor, sharp)]
    candidates += [(factor, 0.0), (sharp, 0.0), *FIXED_SCALES]
    best, best_share = None, 0.0
    for guess, offset in candidates:
        share = float(np.mean(close(_scaled(x, guess, offset, decimals), y)))
        if share > best_share + 0.005:
            best, best_share = (guess, offset, decimals), share
    return best if best_share >= LEAST_IN_GROUP else None


def propose_conversions(source: Source) -> Iterable[Derivation]:
    """Propose --STRESN as a multiple of --ORRES, by test, category, specimen and both units, rounded as in the source."""
    for facts in source.of_kind("findings"):
        found = _conversion(source, facts)
        if found is not None:
            yield found


def _conversion(source: Source, facts: DatasetFacts) -> Derivation | None:
    """--STRESN of one dataset as a multiple of --ORRES."""
    workspace = source.workspace
    origin, target, topic = facts.named("ORRES"), facts.named("STRESN"), facts.named("TESTCD")
    if not (origin and target and topic):
        return None
    by = [name for name in (topic, *(facts.named(suffix) for suffix in ("CAT", "SPEC", "ORRESU", "STRESU"))) if name]
    x, y = workspace.numbers(f"{facts.name}.{origin}"), workspace.numbers(f"{facts.name}.{target}")
    group = workspace.groups(facts.name, by, by_subject=False)
    subject = workspace.subject(facts.name)
    rows = np.flatnonzero(np.isfinite(x) & np.isfinite(y) & (subject >= 0))
    if not len(rows):
        return None
    shared = distinct_subjects(group[rows], subject[rows], int(group.max()) + 1)
    order = rows[np.argsort(group[rows], kind="stable")]
    starts = np.flatnonzero(np.append(True, group[order][1:] != group[order][:-1]))
    texts = [workspace.text(f"{facts.name}.{name}") for name in by]
    table: list[list[object]] = []
    for first, last in zip(starts, np.append(starts[1:], len(order)), strict=True):
        scale = _fit_scale(x[order[first:last]], y[order[first:last]]) if shared[group[order[first]]] >= source.k else None
        if scale is not None:
            row = order[first]
            key = ["" if text.codes[row] < 0 else str(text.levels[text.codes[row]]) for text in texts]
            table.append([key, *scale])
    inputs = (f"{facts.name}.{origin}", *(f"{facts.name}.{name}" for name in by))
    return Derivation(facts.name, target, "converted", inputs, {"by": by, "scales": table}) if table else None


def compute_conversions(workspace: Workspace, derivation: Derivation) -> Outcome:
    """Multiply numeric original results by the factor of their test and units; other results are not known."""
    value = _converted(workspace, derivation.dataset, derivation.parameters, workspace.numbers(derivation.inputs[0]))
    return Outcome(Numbers(value), np.isfinite(value))


def _converted(workspace: Workspace, dataset: str, conversion: Mapping[str, object], x: NDArray[np.float64]) -> NDArray[np.float64]:
    """Numbers (n_rows,) in standard units; NaN where the test and its units have no factor."""
    by, scales = conversion["by"], conversion["scales"]
    assert isinstance(by, (list, tuple)) and isinstance(scales, (list, tuple))
    at = workspace.match(dataset, [str(name) for name in by], [scale[0] for scale in scales])
    factor = np.array([float(scale[1]) for scale in scales] + [np.nan])
    offset = np.array([float(scale[2]) for scale in scales] + [np.nan])
    decimals = np.array([-1 if scale[3] is None else int(scale[3]) for scale in scales] + [-1])
    value = x * factor[at] + offset[at]
    return np.where(decimals[at] >= 0, round_half_up(value, np.maximum(decimals[at], 0)), value)


def bounds_of(source: Source, facts: DatasetFacts, origin: str, target: str) -> tuple[dict[str, object], tuple[str, ...]]:
    """How results beyond a limit are converted, and what that hangs on; nothing where the source rather copies them."""
    workspace = source.workspace
    if not origin:
        return {}, ()
    collected, said = workspace.text(f"{facts.name}.{origin}"), workspace.text(f"{facts.name}.{target}")
    bounded = np.array([limit_of(str(level)) is not None for level in collected.levels] + [False]).take(collected.codes)
    rows = np.flatnonzero(bounded & ~said.missing)
    found = _conversion(source, facts) if len(rows) else None
    if found is None:
        return {}, ()
    written = converted_bounds(workspace, facts.name, found.parameters, collected).take(rows).strings()
    was, now = collected.take(rows).strings(), said.take(rows).strings()
    if (written == now).sum() <= (was == now).sum():
        return {}, ()
    return {"bounds": dict(found.parameters)}, found.inputs[1:]


def converted_bounds(workspace: Workspace, dataset: str, conversion: Mapping[str, object], collected: Text) -> Text:
    """Collected results (n_rows,) with the numbers of those beyond a limit in standard units."""
    found = [limit_of(str(level)) for level in collected.levels.tolist()]
    number = np.array([np.nan if limit is None else limit[1] for limit in found] + [np.nan]).take(collected.codes)
    value = _converted(workspace, dataset, conversion, number)
    rows = np.flatnonzero(np.isfinite(value))
    pairs, which = np.unique(np.stack([collected.codes[rows], value[rows]], axis=1), axis=0, return_inverse=True)
    spelled = Numbers(pairs[:, 1]).strings()
    texts = [f"{limit[0]}{text}" for code, text in zip(pairs[:, 0].astype(int), spelled, strict=True) if (limit := found[code])]
    codes = collected.codes.copy()
    codes[rows] = len(collected.levels) + which.reshape(-1)
    return text_of([*map(str, collected.levels), *texts], codes)
