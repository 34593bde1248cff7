"""Rules of arm names: a dose that stands in the name of the subject's arm."""

from __future__ import annotations

import re
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from replicator.derivations.derivation import Derivation
from replicator.derivations.rule import Outcome, Source
from replicator.derivations.workspace import Workspace
from replicator.tables.dataset import Numbers

ARMS = ("ACTARM", "ACTARMCD", "ARM", "ARMCD")
DOSE = "DOSE"
LEAST_DOSES = 3  # by chance two arms are named after their doses, three are not
MOST_PLACES = 4
_NUMBER = re.compile(r"\d+(?:\.\d+)?")


def propose_named_doses(source: Source) -> Iterable[Derivation]:
    """Propose doses as the first, second, ... or last number in the name of the subject's arm."""
    workspace = source.workspace
    arms = [f"{source.subjects}.{name}" for name in ARMS if workspace.has(f"{source.subjects}.{name}")]
    for facts in source.about_subjects():
        dataset = workspace.study[facts.name]
        for target in dict.fromkeys((facts.named(DOSE), DOSE)):
            column = dataset.columns.get(target)
            if facts.name == source.subjects or not isinstance(column, Numbers):
                continue
            if len(np.unique(column.values[~column.missing])) < LEAST_DOSES:
                continue
            for arm in arms:
                for place in (*range(-MOST_PLACES, 0), *range(MOST_PLACES)):
                    yield Derivation(facts.name, target, "number_in_arm", (arm,), {"place": place})


def compute_named_doses(workspace: Workspace, derivation: Derivation) -> Outcome:
    """Read the number out of the name of each arm; arms without one say nothing."""
    names = workspace.text(derivation.inputs[0])
    place = derivation.parameters["place"]
    assert isinstance(place, int)
    of_level = np.array([*(_number(str(level), place) for level in names.levels.tolist()), np.nan])
    subject = workspace.subject(derivation.dataset)
    value: NDArray[np.float64] = np.append(of_level[names.codes], np.nan)[subject]
    return Outcome(Numbers(value), np.isfinite(value))


def _number(text: str, place: int) -> float:
    found = _NUMBER.findall(text)
    return float(found[place]) if -len(found) <= place < len(found) else np.nan
