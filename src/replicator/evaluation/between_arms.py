"""How arms differ: in the level of tests and in who is measured, by visit; in events and treatments; in who stays."""

from __future__ import annotations

from replicator.evaluation.measures import Distances, Family, summarise
from replicator.evaluation.occurrences import incidence_in_arm
from replicator.evaluation.retention import retention_distances
from replicator.evaluation.sharing import shared_arms
from replicator.evaluation.splits import Splits
from replicator.evaluation.stack import Stack
from replicator.evaluation.timeline import Timeline
from replicator.evaluation.trajectories import attendance, levels
from replicator.evaluation.visit_cells import Cells


def arm_family(stack: Stack, splits: Splits, timeline: Timeline, cells: tuple[Cells, ...]) -> Family:
    """Compare by how much each arm differs from all subjects.

    What is wrong in all arms alike is told by the families of levels, attendance, events and retention, and not again here.
    """
    parts: list[Distances] = []
    for arm, members in shared_arms(stack):
        where = f" in {arm}"
        for one in cells:
            parts += [levels(splits, one, members, where), attendance(splits, one, members, where)]
        parts += incidence_in_arm(stack, splits, members, where)
        parts += retention_distances(stack, splits, timeline, members, where)
    question = "Does each arm differ from the others as it should, in levels, attendance, events and staying?"
    return summarise("differences between arms", question, Distances.join(parts, len(splits)))
