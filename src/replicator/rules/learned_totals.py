"""Learn the arithmetic between the tests of an occasion: totals of instruments and products such as frequency times severity."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import cast

from replicator.derivations.rule import Source
from replicator.derivations.totals import propose_totals
from replicator.derivations.workspace import Workspace
from replicator.profile.structure import Kind
from replicator.rules.rule import Origin, Rule, Severity
from replicator.rules.view import StudyView


def learn_totals(view: StudyView, name: str, k: int) -> Iterator[Rule]:
    """Yield a candidate for every test of a findings dataset that is the sum or the product of others."""
    facts, subject = view.facts(name), view.subject_variable(name)
    home = view.subjects_dataset
    if facts.kind is not Kind.FINDINGS or not home or subject not in view.dataset(home):
        return
    workspace = Workspace(view.study, home, subject)
    result = view.named(name, "STRESN")
    for derivation in propose_totals(Source(workspace, {name: facts}, home, k)):
        if derivation.target != result:
            continue
        for entry in cast(Sequence[Mapping[str, object]], derivation.parameters["totals"]):
            items = cast(Sequence[str], entry["items"])
            sign = " + " if entry["operation"] == "sum" else " x "
            shown = sign.join(items) if len(items) <= 3 else f"{items[0]}{sign}...{sign}{items[-1]}"
            yield Rule(
                "SRC-TOTAL",
                "adds_up",
                f"{entry['test']} is not the {entry['operation']} of its {len(items)} items",
                "Correct the total or its items.",
                Severity.ERROR,
                Origin.SOURCE,
                name,
                result,
                f"{entry['test']} = {shown}",
                {"test": entry["test"], "items": list(items), "operation": entry["operation"], "by": derivation.parameters["by"]},
            )
