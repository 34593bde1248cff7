"""Where a row stands among those of its subject: its rank, whether another follows, and the tuple of the one before."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from replicator.study_model.columns.neighbours import Neighbours
from replicator.study_model.spine import Spine

Ints = NDArray[np.int64]

MOST_RANKS = 5  # rows of a subject that are told apart by their rank


def date_conditions(subject: NDArray[np.int32], code: Ints) -> list[Ints]:
    """Conditions of a date: the tuple, the rank, and whether no other row follows."""
    place = Neighbours(subject)
    return [code, np.minimum(place.rank, MOST_RANKS), place.last.astype(np.int64)]


def tuple_before(subject: NDArray[np.int32], code: Ints) -> Ints:
    """One more than the tuple of the row before (n_rows,), 0 for none.

    The last measurement of who completed is on the last visit, that of many who left before it.
    """
    return np.where(Neighbours(subject).first, 0, np.append(0, code[:-1] + 1)) if len(code) else np.empty(0, np.int64)


def column_conditions(subject: NDArray[np.int32], code: Ints, spine: Spine) -> list[Ints]:
    """What columns of rows (n_rows,) may hang on: the tuple, the arm, the rank, and the tuple of the row before."""
    rank = np.minimum(Neighbours(subject).rank, MOST_RANKS)
    return [code, spine.arm[subject].astype(np.int64), rank, tuple_before(subject, code)]
