"""How much of what is drawn in a findings dataset is a subject's own, a subject's with one test, or an occasion's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from replicator.models.coupled_draws import Pairs, draw_pairs, group_chances, pair_correlation
from replicator.study_model.columns.attributes import Attributes
from replicator.study_model.columns.blocks import Block, block_conditions
from replicator.study_model.columns.codes import column_codes
from replicator.tables.dataset import Column, Dataset, Numbers, Text

Codes = NDArray[np.intp]
Floats = NDArray[np.float64]


def fit_shares(
    attributes: Attributes,
    dataset: Dataset,
    by: str,
    given: Sequence[Codes],
    codes: Mapping[str, Codes],
    subject: NDArray[np.int32],
    k: int,
) -> Floats:
    """Learn the shares of the variance behind each block's draws.

    Parameters
    ----------
    attributes : Attributes
        Fitted on the rows.
    dataset : Dataset
        The rows (n_rows), as the attributes were fitted on them.
    by : str
        What they are drawn by; see :class:`~replicator.study_model.findings.drawn.Drawn`.
    given : sequence of (n_rows,) int
        Conditions of the attributes.
    codes : mapping of str to (n_rows,) int
        SUBJECT, SERIES and OCCASION of each row.
    subject : (n_rows,) int32
        Whose row it is.
    k : int
        Fewest subjects with rows to be compared.

    Returns
    -------
    (n_blocks, 3) float64
        Of the subject, of the subject with this series, of the occasion.
    """
    out = np.zeros((len(attributes.blocks), 3))
    pairs = _pairs(by, codes)
    before: list[Codes] = []
    for block, shares in zip(attributes.blocks, out, strict=True):
        target = _tuples(block, dataset)
        conditions = block_conditions(given, before)
        before.append(target)
        known = [(one[kept], two[kept]) for one, two in pairs for kept in [(target[one] >= 0) & (target[two] >= 0)]]
        found = [pair_correlation(block.table, target, conditions, pair, subject, k) for pair in known]
        own = found[0]
        series = min(max(found[1] - own, 0.0), 1.0 - own)
        shares[:] = own, series, min(max(found[2] - own, 0.0), 1.0 - own - series)
    return out


def draw_chances(shares: Floats, codes: Mapping[str, Codes], n: int, rng: np.random.Generator) -> list[Floats | None]:
    """Uniform numbers (n,) that decide for each block, None for one whose rows share nothing."""
    groups = (codes["SUBJECT"], subject_series(codes), codes["OCCASION"])
    return [group_chances(groups, block.tolist(), n, rng) if block.any() else None for block in shares]


def subject_series(codes: Mapping[str, Codes]) -> Codes:
    """Rows of one subject and one series: (n_rows,)."""
    return codes["SUBJECT"] * (int(codes["SERIES"].max(initial=0)) + 1) + codes["SERIES"]


def _pairs(by: str, codes: Mapping[str, Codes]) -> list[Pairs]:
    """Rows of one subject, of one subject and series, and of one occasion, that have nothing else in common."""
    rng = np.random.default_rng(0)
    nothing = (np.empty(0, np.intp), np.empty(0, np.intp))
    series, occasion = codes["SERIES"], codes["OCCASION"]
    one, two = draw_pairs(codes["SUBJECT"], rng)
    if by == "occasion":
        return [(one, two), nothing, nothing]
    apart = (series[one] != series[two]) & ((occasion[one] != occasion[two]) | (by == "subject"))
    of_subject = (one[apart], two[apart])
    if by == "subject":
        return [of_subject, nothing, nothing]
    return [of_subject, draw_pairs(subject_series(codes), rng), draw_pairs(occasion, rng)]


def _tuples(block: Block, dataset: Dataset) -> NDArray[np.int64]:
    """Tuple of each row (n_rows,); -1 for one that the block does not have."""
    joint = np.zeros(dataset.n_rows + len(block.values[0]) if block.names else dataset.n_rows, np.int64)
    for name, values in zip(block.names, block.values, strict=True):
        both, levels = column_codes(_stacked(values, dataset[name]))
        _, joint = np.unique(joint * (len(levels) + 1) + both + 1, return_inverse=True)
        joint = joint.reshape(-1).astype(np.int64)
    if not block.names:
        return joint
    n_tuples = len(block.values[0]) - 1  # the last one is of missing cells
    place = np.full(int(joint.max(initial=0)) + 1, -1, np.int64)
    place[joint[:n_tuples]] = np.arange(n_tuples)
    return place[joint[n_tuples + 1 :]]


def _stacked(above: Column, below: Column) -> Column:
    if isinstance(above, Numbers) and isinstance(below, Numbers):
        return Numbers(np.concatenate([above.values, below.values]))
    assert isinstance(above, Text) and isinstance(below, Text)
    return Text.of(np.concatenate([above.strings(), below.strings()]))
