"""Rows of a sequence that tell of a death: all who died have one, and nobody else."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from replicator.study_model.columns.blocks import Block
from replicator.study_model.columns.fatal_terms import fatal_rows

Bools = NDArray[np.bool_]
Ints = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class FatalTuples:
    """Tuples of a death, and those in whose place they stand.

    Attributes
    ----------
    tuples : (n_states,) bool
        Tuples that tell of a death.
    told : int
        The one that all who died have.
    rivals : (n_states,) bool
        Tuples in whose place it stands.
    survived : int
        Tuple that stands for one of a death where the subject lives.
    """

    kind: ClassVar[str] = "fatal tuples"

    tuples: Bools
    told: int
    rivals: Bools
    survived: int

    @classmethod
    def fit(cls, state: Block, code: Ints, once: Bools, n_states: int) -> FatalTuples | None:
        """Learn from the tuples of rows (n_rows,); None where none tells of a death, or nothing else could stand for it.

        In its place stand the tuples of which a subject has one (`once`, sets of them) together with it, or else those that say the
        same beside what tells of the death.
        """
        rows = np.bincount(code, minlength=n_states) if len(code) else np.zeros(n_states, np.int64)
        texts = [column.strings()[:n_states] for column in state.values]
        fatal = np.array([fatal_rows(text) for text in texts], bool).reshape(len(texts), n_states)
        dead = np.asarray(fatal.any(axis=0), bool)
        if not dead.any():
            return None
        placed = dead & once.any(axis=0)
        among = placed if placed.any() else dead
        told = int(np.flatnonzero(among)[rows[among].argmax()])
        beside = [text for text, telling in zip(texts, fatal, strict=True) if not telling[told]]
        same = np.all([text == text[told] for text in beside], axis=0) if beside else np.ones(n_states, bool)
        rivals = (once[once[:, told]].any(axis=0) if placed.any() else same) & ~dead
        if not rivals.any():
            return None
        return cls(dead, told, np.asarray(rivals, bool), int(np.flatnonzero(rivals)[rows[rivals].argmax()]))

    def hold(self, subject: Ints, code: Ints, died: Bools) -> tuple[Ints, Ints]:
        """Let all who died, (n,) bool, have a row of a death in the place of their last rival, and nobody else: rows by subject."""
        dead = died[subject]
        rival = np.flatnonzero(dead & self.rivals[code])
        last = rival[np.append(subject[rival][1:] != subject[rival][:-1], True)] if len(rival) else rival
        code = code.copy()
        code[last] = self.told
        code[~dead & self.tuples[code]] = self.survived
        untold = np.setdiff1d(np.flatnonzero(died), subject[self.tuples[code]])
        subject, code = np.append(subject, untold), np.append(code, np.full(len(untold), self.told))
        order = np.argsort(subject, kind="stable")
        return subject[order], code[order]
