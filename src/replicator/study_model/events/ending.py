"""How the end of a participation shows in its events: who leaves for an adverse event has one for which the drug was withdrawn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from replicator.models.contingency import contingency_table
from replicator.study_model.columns.codes import column_codes
from replicator.study_model.events.facts import Facts
from replicator.study_model.spine import Spine
from replicator.tables.dataset import Dataset

Ints = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Ending:
    """The state of the participation that tells most about the qualifiers of occurrences.

    Attributes
    ----------
    facts : Facts
        One fact or none.
    """

    kind: ClassVar[str] = "ending"

    facts: Facts

    @classmethod
    def fit(
        cls,
        head: Dataset,
        names: Sequence[str],
        owner: NDArray[np.int32],
        start: NDArray[np.float64],
        facts: Facts,
        holds: NDArray[np.bool_],
        set_aside: NDArray[np.bool_],
        spine: Spine,
    ) -> Ending:
        """Choose the fact: largest log likelihood ratio over the qualifiers of which it tells more than chance would.

        Parameters
        ----------
        head : Dataset
            One row an occurrence.
        names : sequence of str
            Qualifiers.
        owner : (n,) int32
        start : (n,) float64
        facts, holds : Facts and (spine.n, n_facts) bool
            All facts; only those of states count.
        set_aside : (n,) bool
            Occurrences whose qualifiers are not learned, such as fatal ones, unless they are all.
        """
        states = [i for i, name in enumerate(facts.dataset) if spine.told[name].states]
        best, chosen = 0.0, np.empty(0, np.int64)
        used = ~set_aside | set_aside.all()
        columns = [column_codes(head[name])[0][used] for name in names]
        for i in states:
            code = _codes(np.asarray(holds[:, i], bool), owner, start)[used]
            told = sum(max(_told(code, column), 0.0) for column in columns)
            if told > best:
                best, chosen = told, np.array([i], np.int64)
        return cls(facts.take(chosen))

    def codes(self, spine: Spine, owner: NDArray[np.int32] | Ints, start: NDArray[np.float64]) -> Ints:
        """Code each occurrence (n,): 0 without the state, 1 with it, 2 for the last of a subject with it to start."""
        return _codes(np.asarray(self.facts.holds(spine).any(axis=1), bool), owner, start)


def _codes(holds: NDArray[np.bool_], owner: NDArray[np.int32] | Ints, start: NDArray[np.float64]) -> Ints:
    order = np.lexsort((np.arange(len(owner)), np.nan_to_num(start, nan=-np.inf), owner))
    code = holds[owner].astype(np.int64)
    last = order[np.append(owner[order][1:] != owner[order][:-1], True)] if len(order) else order
    code[last] *= 2
    return code


def _told(code: Ints, column: Ints) -> float:
    """Log likelihood ratio of two codes, less what chance would give (Schwarz 1978, Annals of Statistics 6:461)."""
    table = contingency_table(code, column)
    n = table.sum()
    if min(table.shape) < 2 or n < 2:
        return 0.0
    expected = table.sum(axis=1, keepdims=True) * table.sum(axis=0) / n
    ratio = float((table * np.log(np.where(table > 0, table, 1.0) / expected)).sum())
    return float(ratio - 0.5 * (table.shape[0] - 1) * (table.shape[1] - 1) * np.log(n))
