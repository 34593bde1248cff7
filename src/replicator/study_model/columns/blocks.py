"""Columns that are drawn together: tuples of their cells, each shared by at least k subjects."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from replicator.distinct import distinct_values
from replicator.models.backoff import BackoffTable, Codes
from replicator.study_model.columns.codes import count_subjects, take_codes
from replicator.tables.dataset import Column

MOST_TEMPLATES = 1500
ALIKE = 0.5  # share of columns in which a rare tuple must agree with a common one to stand for it
COVERAGE = 0.98  # share of rows that a wider tuple must still cover


@dataclass(frozen=True, eq=False)
class Block:
    """Columns that are drawn together, as one row of a table of tuples.

    Attributes
    ----------
    names : tuple of str
        Variables.
    values : tuple of Column
        Their cells, one row a tuple; each tuple is shared by at least k subjects.
    table : BackoffTable
        Tuple given the conditions and the tuples of the blocks before.
    """

    kind: ClassVar[str] = "block"

    names: tuple[str, ...]
    values: tuple[Column, ...]
    table: BackoffTable


def block_conditions(given: Sequence[Codes], before: Sequence[Codes]) -> list[Codes]:
    """Conditions of a block: the first given, the tuples of the last two blocks `before`, then the others given."""
    return [*given[:1], *before[-2:], *given[1:]]


def fit_block(
    coded: Sequence[tuple[str, NDArray[np.int64], Column]],
    given: Sequence[Codes],
    subject: NDArray[np.int32],
    k: int,
    arm: NDArray[np.int32] | None = None,
    always: NDArray[np.bool_] | None = None,
    coverage: float = COVERAGE,
    leading: bool = False,
) -> tuple[Block, NDArray[np.int64], int]:
    """Join as many of the leading columns as still leave (nearly) every row in a tuple that may be kept.

    Parameters
    ----------
    coded : sequence of (name, codes, levels)
        Columns from :func:`prepare_column`.
    given : sequence of (n_rows,) int
        Conditions of the block's table.
    subject : (n_rows,) int32
        Whose row it is.
    k : int
        Fewest subjects that must share a tuple.
    arm : (n_subjects,) int32, optional
        Arms of the subjects; if given, a tuple that most of an arm have is kept too: it is the arm's design.
    always : (n_rows,) bool, optional
        Rows of a standard meaning; if given, the most frequent tuple among them is kept whoever has it.
    coverage : float
        Share of the rows covered so far that a wider tuple must still cover, unless it loses the rows of one subject alone.
    leading : bool
        Whether a rare tuple is like another only if it has the same cell in the first column, which says what the row is.

    Returns
    -------
    block : Block
    code : (n_rows,) int64
        Tuple of each row; a rare one becomes the nearest that is kept, -1 if there is none.
    used : int
        How many of the columns were joined.
    """
    joint = np.zeros(len(subject), np.int64)
    used, n_tuples, covered = 0, 1, 1.0
    for _, codes, levels in coded:
        wider, inverse = distinct_values(joint * (len(levels) + 1) + codes + 1, return_inverse=True)
        common = _common(inverse, subject, len(wider), k, arm)
        share = float(common[inverse].mean()) if len(inverse) else 1.0
        if used and (not covered or len(wider) > MOST_TEMPLATES or _loses(common[inverse], subject, coverage * covered)):
            break
        joint, used, n_tuples, covered = inverse, used + 1, len(wider), share
    first = np.full(n_tuples, 0, np.intp)
    first[joint[::-1]] = np.arange(len(joint))[::-1]
    rows = np.bincount(joint, minlength=n_tuples)
    common = _common(joint, subject, n_tuples, k, arm)
    if always is not None and always.any():
        common[np.bincount(joint[always], minlength=n_tuples).argmax()] = True
    kept = np.flatnonzero(common)
    if not used and n_tuples:
        kept = np.zeros(1, np.intp)  # without columns all rows are one tuple
    cells = [codes[first] if len(joint) else np.empty(0, np.int64) for _, codes, _ in coded[:used]]
    position = _nearest(cells, kept, rows, leading)
    code = position[joint] if len(joint) else joint
    seen = code >= 0
    values = [take_codes(levels, np.append(cell[kept], -1)) for cell, (_, _, levels) in zip(cells, coded, strict=False)]
    table = BackoffTable.fit(code[seen], [np.asarray(g, np.int64)[seen] for g in given], subject[seen], k=k)
    # one tuple more, of missing cells, for rows whose tuple is not known
    return Block(tuple(name for name, _, _ in coded[:used]), tuple(values), table), code, used


def is_scattered(codes: NDArray[np.int64], subject: NDArray[np.int32], k: int, arm: NDArray[np.int32] | None) -> bool:
    """Whether a column (n_rows,) holds values, -1 included, that would keep its rows from tuples that may be kept."""
    _, inverse = distinct_values(codes, return_inverse=True)
    common = _common(inverse.astype(np.int64), subject, int(inverse.max(initial=-1)) + 1, k, arm)
    return _loses(common[inverse], subject, COVERAGE)


def is_designed(codes: NDArray[np.int64], subject: NDArray[np.int32], k: int, arm: NDArray[np.int32] | None) -> bool:
    """Whether a column (n_rows,) holds a value that may be kept."""
    return bool(_common(codes + 1, subject, int(codes.max(initial=-1)) + 2, k, arm)[1:].any())


def _loses(kept: NDArray[np.bool_], subject: NDArray[np.int32], share: float) -> bool:
    """Whether fewer than a share of the rows (n_rows,) are kept, and the others are not one subject's alone."""
    lost = subject[~kept]
    return bool(len(lost) > (1 - share) * len(kept) and (lost != lost[0]).any())


def _common(
    code: NDArray[np.int64], subject: NDArray[np.int32], n: int, k: int, arm: NDArray[np.int32] | None
) -> NDArray[np.bool_]:
    """Codes (n,) that at least k subjects share, or at least half of an arm of two subjects or more."""
    common = count_subjects(code, subject, n) >= k
    if arm is not None and len(code):
        n_arms = int(arm.max()) + 1
        size = np.bincount(arm, minlength=n_arms)
        pairs = count_subjects(code * n_arms + arm[subject], subject, n * n_arms).reshape(n, n_arms)
        common |= (pairs >= np.maximum(0.5 * size, min(2, k))).any(axis=1)
    return common


def _nearest(
    cells: Sequence[NDArray[np.int64]], kept: NDArray[np.intp], rows: NDArray[np.int64], leading: bool
) -> NDArray[np.int64]:
    """Position among the kept tuples of each tuple: its own, or the most frequent of those that agree in most columns.

    A tuple that agrees with none in at least half of the columns (with `leading`, the first among them) has no position (-1).
    """
    position = np.full(len(rows), -1, np.int64)
    position[kept] = np.arange(len(kept))
    rare = np.setdiff1d(np.arange(len(rows)), kept)
    if len(rare) and len(kept):
        score = np.zeros((len(rare), len(kept)))
        for i, cell in enumerate(cells):
            weight = len(cells) if leading and not i else 1
            score += weight * (cell[rare][:, None] == cell[kept][None, :])
        best = (score + rows[kept] / (rows.sum() + 1.0)).argmax(axis=1)
        alike = score[np.arange(len(rare)), best] >= ALIKE * len(cells)
        if leading and cells:
            alike &= cells[0][rare] == cells[0][kept[best]]
        position[rare] = np.where(alike, best, -1)
    return position
