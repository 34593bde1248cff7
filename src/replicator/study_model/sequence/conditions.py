"""What the next tuple of a chain hangs on beside the one before: how far the subject came, its arm, and what is known before."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from replicator.models.chain import most_telling
from replicator.study_model.columns.conditions import join_codes
from replicator.study_model.sequence.context import Antecedents
from replicator.study_model.sequence.horizon import Horizon
from replicator.study_model.spine import Spine

Ints = NDArray[np.int64]


def subject_conditions(spine: Spine, horizon: Horizon, group: Ints) -> list[Ints]:
    """Group, coarse bin of the horizon, how the participation ended, fine bin, and arm of each subject, given the group: (n,)."""
    coarse, fine, last = horizon.codes(spine)
    return [group, coarse, last, fine, spine.arm.astype(np.int64)]


def order_antecedents(antecedents: Antecedents, target: Ints, before: Ints, who: Ints, spine: Spine, n_states: int, k: int) -> Ints:
    """Order the antecedents, after each tuple, by what they tell of the next: (n_states + 1, n_antecedents)."""
    codes = antecedents.codes(spine)
    asked = np.tile(np.arange(len(codes)), (n_states + 1, 1))
    for state in np.unique(before).tolist() if len(codes) > 1 else ():
        rows = before == state
        chosen = most_telling(target[rows], [one[who[rows]] for one in codes], who[rows], k)
        asked[state] = [*chosen, *(i for i in range(len(codes)) if i not in chosen)]
    return asked


def in_turn(codes: list[Ints], asked: Ints, before: Ints, who: Ints) -> list[Ints]:
    """Codes of the antecedents (n_rows,) in the order in which they are asked after the tuple before."""
    if not codes:
        return []
    table = np.stack(codes)
    return [table[asked[before, rank], who] for rank in range(len(codes))]


def telling_antecedents(
    antecedents: Antecedents, target: Ints, before: Ints, who: Ints, spine: Spine, horizon: Horizon, group: Ints, k: int
) -> Antecedents:
    """Keep the antecedents that tell of the next tuple (n_rows,) beside the one before and all else that is known."""
    told = len(antecedents.dataset)
    first, *rest = (codes[who] for codes in subject_conditions(spine, horizon, group))
    pool = [*(codes[who] for codes in antecedents.codes(spine)), *rest]
    chosen = most_telling(target, [*pool, join_codes([first, before], len(before))], who, k)
    return antecedents.take([position for position in chosen if position < told])
