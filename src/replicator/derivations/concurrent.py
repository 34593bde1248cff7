"""Flags of events that say what another dataset shows: that a treatment was given for it, which begins on the same day."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from replicator.derivations.derivation import Derivation
from replicator.derivations.rule import Outcome, Source, words
from replicator.derivations.workspace import Workspace, distinct_subjects, split_name
from replicator.distinct import packed_keys
from replicator.tables.dataset import Text

NEARLY = 0.95  # share of the events with the flag or with such a treatment that must have both
FIRST_DAY = 2**20  # days before 1970-01-01 from which on days are told apart


def propose_flags_of_day(source: Source) -> Iterable[Derivation]:
    """Propose flags of events (AECONTRT) as whether a row of interventions of the subject begins on the day of the event.

    At least `k` subjects must have an event with both, and `k` one with neither.
    """
    workspace = source.workspace
    for facts in source.of_kind("events"):
        start = facts.named("STDTC")
        flags = [name for name in workspace.study[facts.name].names if _is_flag(workspace, f"{facts.name}.{name}")]
        for other in source.of_kind("interventions") if start and flags else ():
            begins = other.named("STDTC")
            if not begins:
                continue
            inputs = (f"{facts.name}.{start}", f"{other.name}.{begins}")
            hit, known = _begins_that_day(workspace, inputs)
            subject = workspace.subject(facts.name)
            for target in flags:
                yes = workspace.text(f"{facts.name}.{target}").strings() == "Y"
                both, either = hit & yes, known & (hit | yes)
                people = distinct_subjects(np.select([both, known & ~either], [0, 1], -1), subject, 2)
                if both.sum() < NEARLY * either.sum() or min(people) < source.k:
                    continue
                no = "N" if "N" in workspace.text(f"{facts.name}.{target}").compact().levels.tolist() else ""
                yield Derivation(facts.name, target, "flag_of_day", inputs, {"yes": "Y", "no": no})


def compute_flags_of_day(workspace: Workspace, derivation: Derivation) -> Outcome:
    """Write the flag where the day of the event is known."""
    hit, known = _begins_that_day(workspace, derivation.inputs)
    return Outcome(words(hit & known, str(derivation.parameters["yes"]), str(derivation.parameters["no"])), known)


def _begins_that_day(workspace: Workspace, inputs: tuple[str, ...]) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Whether a row of the second date has subject and day of each row of the first, and where that day is known: (n_rows,)."""
    own, other = (_days(workspace, name) for name in inputs)
    known = (own >= 0).all(axis=1)
    keys = packed_keys(np.concatenate([own, other[(other >= 0).all(axis=1)]]).T)
    return np.asarray(known & np.isin(keys[: len(own)], keys[len(own) :]), bool), np.asarray(known, bool)


def _days(workspace: Workspace, name: str) -> NDArray[np.int64]:
    """Subject and day of each row: (n_rows, 2), -1 where one is not known."""
    day = workspace.dates(name).full_day
    return np.stack(
        [workspace.subject(split_name(name)[0]), np.where(np.isfinite(day), day + FIRST_DAY, -1).astype(np.int64)], axis=1
    )


def _is_flag(workspace: Workspace, name: str) -> bool:
    """Whether a column says yes, and nothing but yes and no."""
    dataset, variable = split_name(name)
    column = workspace.study[dataset][variable]
    return isinstance(column, Text) and "Y" in (levels := set(column.compact().levels.tolist())) and levels <= {"Y", "N"}
