"""Times that follow from the plan: a sample is taken so many minutes after the dose, by its time point."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from replicator.derivations.derivation import Derivation
from replicator.derivations.rule import DatasetFacts, Outcome, Source
from replicator.derivations.workspace import Workspace, distinct_subjects
from replicator.tables.dates import Precision, format_dates

CONTEXTS = ("PERIOD", "VISITNUM", "EPOCH")  # what tells the doses of a subject apart
LEAST_TIMED = 0.9  # share of dates with a time of day; without times, dates follow from visits


def propose_planned_times(source: Source) -> Iterable[Derivation]:
    """Propose --DTC as a reference moment plus the minutes of its time point, where most rows keep to the plan exactly."""
    workspace = source.workspace
    for facts in source.of_kind("findings"):
        date, point = facts.named("DTC"), _time_point(source, facts)
        if not date or not point:
            continue
        precision = workspace.dates(f"{facts.name}.{date}").precision
        timed = precision[precision > Precision.MISSING]
        if not len(timed) or np.mean(timed >= Precision.HOUR) < LEAST_TIMED:
            continue
        references = source.reference_dates("RFSTDTC", "RFXSTDTC")
        if facts.named("RFTDTC"):
            references = [f"{facts.name}.{facts.named('RFTDTC')}", *references]
        names = workspace.study[facts.name].names
        varying = [name for name in CONTEXTS if name in names and workspace.codes(f"{facts.name}.{name}")[1] > 1]
        for by in [(point,), *((point, name) for name in varying)]:
            for reference in references:
                offsets = _offsets(source, facts.name, date, reference, by)
                if offsets:
                    inputs = (reference, *(f"{facts.name}.{name}" for name in by))
                    parameters = {"by": list(by), "minutes": offsets, "precision": int(np.bincount(timed).argmax())}
                    yield Derivation(facts.name, date, "planned_time", inputs, parameters)


def _time_point(source: Source, facts: DatasetFacts) -> str:
    """Name the variable that tells time points apart: the number, else the elapsed time, else the text."""
    found = [name for name in (facts.named(suffix) for suffix in ("TPTNUM", "ELTM", "TPT")) if name]
    return next((name for name in found if source.workspace.codes(f"{facts.name}.{name}")[1] > 1), "")


def _moments(workspace: Workspace, dataset: str, name: str) -> NDArray[np.float64]:
    """Return a date of the rows, or of their subjects, in minutes since 1970-01-01 (n_rows,)."""
    moments = workspace.moments(name) * 1440.0
    return moments if name.startswith(f"{dataset}.") else workspace.of_subject(dataset, moments)


def _offsets(source: Source, dataset: str, date: str, reference: str, by: Sequence[str]) -> list[list[object]]:
    """List the commonest minutes after the reference for each combination of `by`, where k subjects share them."""
    workspace = source.workspace
    minutes = np.round(_moments(workspace, dataset, f"{dataset}.{date}") - _moments(workspace, dataset, reference), 3)
    group = workspace.groups(dataset, by, by_subject=False)
    rows = np.flatnonzero(~np.isnan(minutes))
    if not len(rows):
        return []
    pairs, inverse, counts = np.unique(
        np.stack([group[rows].astype(np.float64), minutes[rows]]), axis=1, return_inverse=True, return_counts=True
    )
    inverse = inverse.reshape(-1)
    shared = distinct_subjects(inverse.astype(np.int64), workspace.subject(dataset)[rows], len(counts))
    first = np.zeros(len(counts), np.int64)
    first[inverse[::-1]] = rows[::-1]
    order = np.lexsort((-counts, pairs[0]))
    best = order[np.append(True, pairs[0][order][1:] != pairs[0][order][:-1])]
    texts = [workspace.text(f"{dataset}.{name}").take(first[best]).strings() for name in by]
    return [
        [[str(text[i]) for text in texts], float(pairs[1][place])]
        for i, place in enumerate(best.tolist())
        if shared[place] >= source.k
    ]


def compute_planned_times(workspace: Workspace, derivation: Derivation) -> Outcome:
    """Add the minutes of each row's time point to its reference, and write them at the precision of the source."""
    by, minutes, precision = (derivation.parameters[name] for name in ("by", "minutes", "precision"))
    assert isinstance(by, (list, tuple)) and isinstance(minutes, (list, tuple)) and isinstance(precision, int)
    at = workspace.match(derivation.dataset, [str(name) for name in by], [entry[0] for entry in minutes])
    offset = np.array([float(entry[1]) for entry in minutes] + [np.nan])[at]
    moment = np.round(_moments(workspace, derivation.dataset, derivation.inputs[0]) + offset, 3)
    day = np.floor(moment / 1440.0)
    known = ~np.isnan(moment)
    return Outcome(format_dates(day, moment - day * 1440.0, np.full(len(day), precision, np.int8)), known)
