"""Learn which flags choose one record of a subject's test, such as the last one."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from replicator.derivations.baseline import NO_CHOICE, is_flag, is_flagged_once
from replicator.distinct import distinct_values
from replicator.profile.structure import Kind
from replicator.rules.checks.flags import flagged_rows, qualifiers_of
from replicator.rules.rule import Origin, Rule
from replicator.rules.view import StudyView
from replicator.standards.baselines import FLAGS

FEWEST = 20  # subjects who must have the flag


def learn_flags(view: StudyView, name: str, k: int) -> Iterator[Rule]:
    """Yield a candidate for each flag of a findings dataset, or of its SUPP--, that no subject has twice for a test.

    Flags of baselines are under a rule of the standard.
    """
    topic = view.named(name, "TESTCD")
    if view.facts(name).kind is not Kind.FINDINGS or not topic:
        return
    excepted = {view.named(name, suffix) for suffix in (*FLAGS, *NO_CHOICE)}
    dataset, subject = view.dataset(name), view.subject(name)
    own = [(name, flag) for flag in dataset.names if flag not in excepted and is_flag(dataset[flag])]
    supplied = [(other, str(flag)) for other in qualifiers_of(view, name) for flag in view.text(other, "QNAM").compact().levels]
    test, group = view.group(name, (topic,), by_subject=False), view.group(name, (topic,))
    for home, flag in (*own, *supplied):
        flagged, about = flagged_rows(view, home, name, flag)
        if home != name and (view.equals(home, "QNAM", flag) & ~flagged).any():
            continue
        rows = about[flagged & (about >= 0)]
        marked = np.zeros(dataset.n_rows, bool)
        marked[rows] = True
        people = len(distinct_values(subject[marked & (subject >= 0)]))
        if people >= max(FEWEST, k) and is_flagged_once(marked, test, group):
            yield Rule(
                "SRC-FLAG",
                "flagged_once",
                f"a subject has {flag} on two records of a test; in the source it never does",
                "Leave the flag on the one that it is meant for.",
                origin=Origin.SOURCE,
                dataset=home,
                detail=flag,
                parameters={"flag": flag, "parent": name},
            )
