"""Which arms a sequence follows, the planned or the actual ones, and which arms share their rows."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from replicator.study_model.columns.codes import column_codes, count_subjects
from replicator.study_model.spine import Spine
from replicator.tables.dataset import Text

Ints = NDArray[np.int64]

PLANNED = ("ARMCD", "ARM")  # of SDTM
FEWEST_IN_ARM = 2  # subjects who tell what an arm is given


def arm_codes(spine: Spine, planned: tuple[str, ...]) -> tuple[Ints, int]:
    """Arm of each subject (n,), and how many arms there are; of planned arms one more, of those who have none that is known."""
    if not planned:
        return spine.arm.astype(np.int64), len(spine.arms)
    column = _planned_arms(spine)
    codes, values = column_codes(column) if column is not None else (np.full(spine.n, -1, np.int64), Text.of([]))
    place = {name: i for i, name in enumerate(planned)}
    of_value = np.array([*(place.get(name, len(planned)) for name in values.strings().tolist()), len(planned)], np.int64)
    return of_value[codes], len(planned) + 1


def _planned_arms(spine: Spine) -> Text | None:
    """Planned arm of each subject; None where nothing tells it of every subject."""
    for told in spine.told.values():
        for name in PLANNED:
            if name in told.columns and len(told.subject) == spine.n and not told.states:
                return told.columns[name].take(np.argsort(told.subject, kind="stable"))
    return None


def plan_followed(code: Ints, subject: NDArray[np.int32], spine: Spine, k: int) -> tuple[str, ...]:
    """Planned arms if they tell more of the tuples than the arms that subjects were really in; else nothing.

    They are those of at least `k` subjects, and those for which most of an arm that subjects were really in were planned: what an
    arm is called is its design.
    """
    column = _planned_arms(spine)
    if column is None:
        return ()
    codes, values = column_codes(column)
    shared = count_subjects(codes, np.arange(spine.n, dtype=np.int32), len(values)) >= k
    planned = tuple(values.strings()[shared | _named_by_arms(codes, spine, len(values), k)].tolist())
    told = [_told(code, arm[subject]) for arm in (spine.arm.astype(np.int64), arm_codes(spine, planned)[0])]
    return planned if told[1] > 1.01 * told[0] + 1e-9 else ()


def _named_by_arms(codes: Ints, spine: Spine, n: int, k: int) -> NDArray[np.bool_]:
    """Which of `n` planned arms at least half of some arm were planned for, two subjects or more: (n,)."""
    counts = np.zeros((len(spine.arms), n + 1))
    np.add.at(counts, (spine.arm, codes), 1.0)
    size = counts.sum(axis=1, keepdims=True)
    return np.asarray((counts >= np.maximum(0.5 * size, min(2, k)))[:, :n].any(axis=0), np.bool_)


def _told(code: Ints, arm: Ints) -> float:
    """Mutual information of tuple and arm over rows, nats (plug-in)."""
    if not len(code):
        return 0.0
    table = np.zeros((int(arm.max()) + 1, int(code.max()) + 2))
    np.add.at(table, (arm, code + 1), 1.0 / len(code))
    expected = table.sum(axis=1, keepdims=True) * table.sum(axis=0, keepdims=True)
    filled = table > 0
    return float((table[filled] * np.log(table[filled] / expected[filled])).sum())


def arm_groups(code: Ints, subject: NDArray[np.int32], arm_of: Ints, n_arms: int, odd: NDArray[np.bool_] | None = None) -> Ints:
    """Group arms whose subjects have much the same tuples: (n_arms,) group of each arm.

    Two arms are of one group if less than a fifth of the rows of either are of tuples that the other never has. An arm of whose
    rows none may be kept, those of subjects that are `odd` (n,), is of the group of the largest, and so is one of a
    single subject that shares its tuples with no other: what an arm is given is told by two.
    """
    counts = np.zeros((n_arms, int(code.max(initial=-1)) + 2))
    np.add.at(counts, (arm_of[subject], code), 1.0)
    nobody = np.setdiff1d(np.arange(len(arm_of)) if odd is None else np.flatnonzero(~odd), subject)
    np.add.at(counts[:, -1], arm_of[nobody], 1.0)
    share = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1.0)
    group = np.full(n_arms, -1, np.int64)
    for arm in np.argsort(-counts.sum(axis=1), kind="stable"):
        for other in range(int(group.max(initial=-1)) + 1):
            head = int(np.flatnonzero(group == other)[counts[group == other].sum(axis=1).argmax()])
            apart = max(share[arm][counts[head] == 0].sum(), share[head][counts[arm] == 0].sum())
            if apart < 0.2:
                group[arm] = other
                break
        else:
            group[arm] = group.max() + 1
    if odd is not None:
        group[(counts.sum(axis=1) == 0) & (np.bincount(arm_of[odd], minlength=n_arms) > 0)] = 0
    size = np.bincount(group[arm_of], minlength=n_arms)
    group[(size[group] < FEWEST_IN_ARM) & (counts[:, :-1] > 0).any(axis=1)] = 0
    return group


def told_by_one(group: Ints, subject: NDArray[np.int32], arm_of: Ints) -> int:
    """How many arms with rows (n_rows,), of a single subject each, are in the group of the largest beside others."""
    size = np.bincount(arm_of, minlength=len(group))
    single = (size < FEWEST_IN_ARM) & (np.bincount(arm_of[subject], minlength=len(group)) > 0) & (group == 0)
    return int(single.sum()) if size[group == 0].max(initial=0) >= FEWEST_IN_ARM else 0
