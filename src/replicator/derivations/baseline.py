"""Flags of one record by test: the last before a date (a baseline), the first or last of some visits (an end point)."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from replicator.derivations.derivation import Derivation
from replicator.derivations.rule import DatasetFacts, Outcome, Source, words
from replicator.derivations.workspace import Workspace, distinct_subjects
from replicator.distinct import distinct_values
from replicator.tables.dataset import Column, Text

SERIES = ("CAT", "SCAT", "SPEC", "LOC", "LAT", "DIR", "POS", "METHOD", "TPT", "TPTNUM", "EVAL", "EVALID", "OBJ", "BDAGNT")
POSITIONS = ("POS", "TPT", "TPTNUM", "LOC", "LAT", "SPEC")
NO_CHOICE = ("STAT", "DRVFL")  # suffixes of variables that say how a record came about, and choose none of a test's records
PAIRS = 3.0  # pairs of flags that chance would have made, before "never two" is believed: with so many none is rarer than 5 %


def is_flag(column: Column) -> bool:
    """Tell whether a column holds ``Y`` and nothing else."""
    if not isinstance(column, Text):
        return False
    used = distinct_values(column.codes[column.codes >= 0])
    return len(used) == 1 and str(column.levels[used[0]]) == "Y"


def is_flagged_once(marked: NDArray[np.bool_], test: NDArray[np.int64], group: NDArray[np.int64]) -> bool:
    """Tell whether a flag is set on at most one record of a group, and not by chance.

    Parameters
    ----------
    marked : (n_rows,) bool
        Rows that are flagged.
    test : (n_rows,) int64
        Test of each row, from 0.
    group : (n_rows,) int64
        Records of which at most one is flagged, from 0: those of a subject and test.

    Notes
    -----
    Were records flagged independently, each at the rate of its test, a group of n would have n (n - 1) / 2 times the square of
    that rate as many pairs. Only where `PAIRS` would be expected does it say something that there is none.
    """
    if not marked.any() or int(np.bincount(group[marked]).max()) > 1:
        return False
    rate = np.bincount(test[marked], minlength=int(test.max()) + 1) / np.maximum(np.bincount(test), 1)
    _, first, size = distinct_values(group, return_index=True, return_counts=True)
    return bool((rate[test[first]] ** 2 * size * (size - 1) / 2).sum() >= PAIRS)


def propose_last_flags(source: Source) -> Iterable[Derivation]:
    """Propose --BLFL, --LOBXFL and further flags of findings as the last result before a reference date, in the usual variants."""
    for facts in source.of_kind("findings"):
        topic, result = facts.named("TESTCD"), _result(facts)
        date = facts.named("DTC")
        if not topic or not result:
            continue
        for target in source.workspace.study[facts.name].names:
            chosen = target not in {facts.named(suffix) for suffix in NO_CHOICE}
            if not chosen or not is_flag(source.workspace.study[facts.name][target]):
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
            shared = _flagged_visits(source, facts, target, topic) if date and not baseline else {}
            for groups in _groupings(source, facts, topic) if shared else ():
                inputs = tuple(f"{facts.name}.{name}" for name in (result, *groups, "VISITNUM", date))
                for pick in ("last", "first"):
                    yield Derivation(facts.name, target, "baseline_flag", inputs, {"by": list(groups), "pick": pick, **shared})


def _result(facts: DatasetFacts) -> str:
    return facts.named("STRESC") or facts.named("STRESN") or facts.named("ORRES")


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


def _flagged_visits(source: Source, facts: DatasetFacts, target: str, topic: str) -> dict[str, object]:
    """Return the visits and the tests at which k subjects each have the flag; nothing where there are fewer than two visits."""
    workspace = source.workspace
    if "VISITNUM" not in workspace.study[facts.name]:
        return {}
    visits, subject = np.round(workspace.numbers(f"{facts.name}.VISITNUM"), 9), workspace.subject(facts.name)
    rows = np.flatnonzero(~workspace.missing(f"{facts.name}.{target}") & ~np.isnan(visits) & (subject >= 0))
    values, place = distinct_values(visits[rows], return_inverse=True)
    kept = values[distinct_subjects(place.reshape(-1), subject[rows], len(values)) >= source.k]
    column = workspace.text(f"{facts.name}.{topic}")
    tests = column.levels[distinct_subjects(column.codes[rows].astype(np.int64), subject[rows], len(column.levels)) >= source.k]
    return {"visits": kept.tolist(), "tests": sorted(map(str, tests))} if len(kept) > 1 and len(tests) else {}


def compute_last_flags(workspace: Workspace, derivation: Derivation) -> Outcome:
    """Flag the last non-missing result of each group that is not after the reference, all of one visit, or one of some visits."""
    parameters, dataset = derivation.parameters, derivation.dataset
    present = ~workspace.missing(derivation.inputs[0]) & (workspace.subject(dataset) >= 0)
    everywhere = np.ones(len(present), bool)
    visit = parameters.get("visit")
    if isinstance(visit, (int, float)):
        at_visit = np.abs(workspace.numbers(derivation.inputs[1]) - visit) < 1e-9
        return Outcome(words(present & at_visit, "Y"), everywhere)
    by = parameters["by"]
    group = workspace.groups(dataset, [str(name) for name in by] if isinstance(by, (list, tuple)) else [])
    visits, tests = parameters.get("visits"), parameters.get("tests")
    if isinstance(visits, (list, tuple)) and isinstance(tests, (list, tuple)):
        moment = workspace.moments(derivation.inputs[-1])
        planned = np.isin(np.round(workspace.numbers(derivation.inputs[-2]), 9), np.array(visits, np.float64))
        asked = workspace.match(dataset, [derivation.inputs[1].partition(".")[2]], [(str(test),) for test in tests]) >= 0
        rows = np.flatnonzero(present & planned & asked & ~np.isnan(moment))
        order = rows[np.lexsort((rows, moment[rows], group[rows]))]
        outer = np.ones(len(order), bool)
        outer[slice(None, -1) if parameters["pick"] == "last" else slice(1, None)] = group[order][1:] != group[order][:-1]
        flagged = np.zeros(len(present), bool)
        flagged[order[outer]] = True
        return Outcome(words(flagged, "Y"), everywhere)
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
