"""Flags of the last record before a date, by test: baseline before treatment, end point before its end."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from replicator.derivations.derivation import Derivation
from replicator.derivations.rule import DatasetFacts, Outcome, Source, words
from replicator.derivations.workspace import Workspace
from replicator.distinct import distinct_values
from replicator.tables.dataset import Text

SERIES = ("CAT", "SCAT", "SPEC", "LOC", "LAT", "DIR", "POS", "METHOD", "TPT", "TPTNUM", "EVAL", "EVALID", "OBJ", "BDAGNT")
POSITIONS = ("POS", "TPT", "TPTNUM", "LOC", "LAT", "SPEC")


def propose_last_flags(source: Source) -> Iterable[Derivation]:
    """Propose --BLFL, --LOBXFL and further flags of findings as the last result before a reference date, in the usual variants."""
    for facts in source.of_kind("findings"):
        topic, result = facts.named("TESTCD"), _result(facts)
        date = facts.named("DTC")
        if not topic or not result:
            continue
        for target in source.workspace.study[facts.name].names:
            if not _is_flag(source.workspace, f"{facts.name}.{target}") or target in (facts.named("STAT"), facts.named("DRVFL")):
                continue
            first = ("RFSTDTC", "RFXSTDTC")
            baseline = target in (facts.named("BLFL"), facts.named("LOBXFL"))
            references = source.reference_dates(*(first if baseline else ("RFXENDTC", "RFENDTC", *first)))
            for groups in _groupings(source, facts, topic):
                inputs = (f"{facts.name}.{result}", *(f"{facts.name}.{name}" for name in groups))
                for reference in references if date else ():
                    for compare in ("day", "moment", "before"):
                        for ties in ("last", "all of the day"):
                            parameters: dict[str, object] = {"by": list(groups), "compare": compare, "ties": ties}
                            dated = (*inputs, f"{facts.name}.{date}", reference)
                            yield Derivation(facts.name, target, "baseline_flag", dated, parameters)
            visit = _flagged_visit(source, facts, target)
            if visit is not None:
                inputs = (f"{facts.name}.{result}", f"{facts.name}.VISITNUM")
                yield Derivation(facts.name, target, "baseline_flag", inputs, {"visit": visit})


def _result(facts: DatasetFacts) -> str:
    return facts.named("STRESC") or facts.named("STRESN") or facts.named("ORRES")


def _is_flag(workspace: Workspace, name: str) -> bool:
    dataset, variable = name.split(".")
    column = workspace.study[dataset][variable]
    if not isinstance(column, Text):
        return False
    used = distinct_values(column.codes[column.codes >= 0])
    return len(used) == 1 and column.levels[used[0]] == "Y"


def _groupings(source: Source, facts: DatasetFacts, topic: str) -> list[tuple[str, ...]]:
    """List what one flag stands for: a test, a test and its position or time point, a test with all that tells series apart."""
    found = []
    for suffixes in (SERIES, (), POSITIONS):
        names = [name for name in (facts.named(suffix) for suffix in suffixes) if name]
        varying = [name for name in names if source.workspace.codes(f"{facts.name}.{name}")[1] > 1]
        found.append((topic, *varying))
    return list(dict.fromkeys(found))


def _flagged_visit(source: Source, facts: DatasetFacts, target: str) -> float | None:
    """Return the VISITNUM at which most flags stand, None if fewer than k subjects have one there."""
    workspace = source.workspace
    if "VISITNUM" not in workspace.study[facts.name]:
        return None
    visits = workspace.numbers(f"{facts.name}.VISITNUM")
    rows = np.flatnonzero(~workspace.missing(f"{facts.name}.{target}") & ~np.isnan(visits))
    if not len(rows):
        return None
    values, place, counts = distinct_values(np.round(visits[rows], 9), return_inverse=True, return_counts=True)
    shared = distinct_values(workspace.subject(facts.name)[rows[place == counts.argmax()]])
    return float(values[counts.argmax()]) if len(shared) >= source.k else None


def compute_last_flags(workspace: Workspace, derivation: Derivation) -> Outcome:
    """Flag the last non-missing result of each group that is not after the reference, or all results of one visit."""
    parameters, dataset = derivation.parameters, derivation.dataset
    present = ~workspace.missing(derivation.inputs[0]) & (workspace.subject(dataset) >= 0)
    everywhere = np.ones(len(present), bool)
    visit = parameters.get("visit")
    if isinstance(visit, (int, float)):
        at_visit = np.abs(workspace.numbers(derivation.inputs[1]) - visit) < 1e-9
        return Outcome(words(present & at_visit, "Y"), everywhere)
    by = parameters["by"]
    group = workspace.groups(dataset, [str(name) for name in by] if isinstance(by, (list, tuple)) else [])
    moment = workspace.moments(derivation.inputs[-2])
    reference = workspace.dates(derivation.inputs[-1])
    allowed = _not_after(workspace, derivation, moment, reference.full_day, reference.minute)
    rows = np.flatnonzero(present & allowed)
    order = rows[np.lexsort((rows, moment[rows], group[rows]))]
    flagged = np.zeros(len(present), bool)
    if len(order):
        last = np.append(group[order][1:] != group[order][:-1], True)
        flagged[order[last]] = True
        if parameters["ties"] == "all of the day":
            day = np.full(int(group.max()) + 1, np.nan)
            day[group[order[last]]] = np.floor(moment[order[last]])
            flagged[order] = np.floor(moment[order]) == day[group[order]]
    return Outcome(words(flagged, "Y"), everywhere)


def _not_after(
    workspace: Workspace, derivation: Derivation, moment: NDArray[np.float64], day: NDArray[np.float64], minute: NDArray[np.float64]
) -> NDArray[np.bool_]:
    """Tell which rows (n_rows,) are not after the subject's reference: by day, by moment, or strictly before its day."""
    reference = workspace.of_subject(derivation.dataset, day)
    compare = derivation.parameters["compare"]
    if compare == "before":
        return np.floor(moment) < reference
    if compare == "moment":
        clock = workspace.of_subject(derivation.dataset, np.where(np.isnan(minute), 1439.99, minute))
        return moment <= reference + clock / 1440.0
    return np.floor(moment) <= reference
