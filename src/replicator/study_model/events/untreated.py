"""What events before the first dose say of the treatment: nothing, unless the source knows better."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from replicator.models.chain import ConditionalChain
from replicator.models.conditional import Codes
from replicator.rng import stream
from replicator.standards.baselines import FIRST_DOSES, LAST_DOSES
from replicator.standards.codelists import codelists
from replicator.standards.treatment_terms import COMPLETED, MILESTONES, NOTHING
from replicator.study_model.columns.codes import count_subjects
from replicator.study_model.spine import Spine
from replicator.tables.dataset import Column, Text

Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

TREATED, BEFORE, AFTER = range(3)  # phases of the treatment
DRAWS = 20  # of the source's events, to learn what a draw says of the treatment


@dataclass(frozen=True, eq=False)
class Untreated:
    """How one variable is drawn for occurrences that begin before the first dose.

    Attributes
    ----------
    column : int
        Position of the variable among the qualifiers.
    says : (n_levels,) bool
        Whether a level tells of an effect of the treatment, or of something done about it.
    share : (n_levels,) float64
        Shares of the levels that do not, 0 for all others; of those before the first dose, where k subjects or more tell, else the
        one that the standard has for a treatment not yet given.
    learned : bool
        Whether the source tells the shares: then they are those of every occurrence that says nothing of the treatment.
    stays : float
        Share of draws that tell of the treatment, and may: 0 where fewer than k subjects of the source have such an occurrence.
    """

    kind: ClassVar[str] = "untreated"

    column: int
    says: Bools
    share: Floats
    learned: bool
    stays: float

    def settle(self, codes: Codes, before: Bools, rng: np.random.Generator) -> NDArray[np.int32]:
        """Put levels in the place of drawn ones (n,), where the occurrence is `before` the first dose (n,)."""
        u = rng.random((2, len(codes)))
        told = np.append(self.says, False)[codes]
        chosen = np.searchsorted(np.cumsum(self.share) / self.share.sum(), u[1], side="right")
        free = ~told & (codes >= 0) if self.learned else np.zeros(len(codes), bool)
        return np.where(before & (free | (told & (u[0] >= self.stays))), chosen, codes).astype(np.int32)


def fit_untreated(
    names: Sequence[str],
    columns: Sequence[Codes],
    levels: Sequence[Column],
    domain: str,
    drawn: tuple[ConditionalChain, Sequence[Codes]],
    before: Bools,
    subject: NDArray[np.int32],
    k: int,
) -> tuple[Untreated, ...]:
    """Learn what occurrences say of the treatment before it begins.

    Parameters
    ----------
    names : sequence of str
        Qualifiers.
    columns : sequence of (n,) int
        Their codes, -1 is missing.
    levels : sequence of Column
        Their values.
    domain : str
    drawn : ConditionalChain and its conditions, of (n,) int each
        How they are drawn.
    before : (n,) bool
        Which begin before the first dose.
    subject : (n,) int32
    k : int

    Returns
    -------
    tuple of Untreated
        One for each variable of a relation to the treatment, or of an action taken, with a level that tells of neither.
    """
    chain, given = drawn
    rows = np.flatnonzero(before)
    again = np.tile(rows, DRAWS)
    drafts = chain.sample([codes[again] for codes in given], stream(0, "untreated"), len(again))
    return tuple(
        _of_one(j, rank, rank == n_terms, np.asarray(columns[j], np.int64)[rows], drafts[j], subject[rows], k)
        for j, rank, n_terms in _ranks(names, levels, domain)
        if (rank < n_terms).any()
    )


def _ranks(names: Sequence[str], levels: Sequence[Column], domain: str) -> Iterator[tuple[int, Ints, int]]:
    """Qualifiers that may tell of the treatment: position, rank of each level among the terms that do not, and number of these."""
    for suffix, terms in NOTHING.items():
        for j, (name, values) in enumerate(zip(names, levels, strict=True)):
            if name.rstrip("0123456789") == domain + suffix and isinstance(values, Text):
                texts = [text.upper() for text in values.strings().tolist()]
                yield j, np.array([terms.index(text) if text in terms else len(terms) for text in texts], np.int64), len(terms)


def _of_one(column: int, rank: Ints, says: Bools, codes: Ints, draft: Codes, who: NDArray[np.int32], k: int) -> Untreated:
    """Learn of one qualifier, some of whose levels (n_levels,) say something of the treatment, from rows of these codes."""
    people = count_subjects(codes, who, len(rank))
    share = np.bincount(codes[codes >= 0], minlength=len(rank)) * ((people >= k) & ~says).astype(np.float64)
    learned = bool(share.any())
    if not learned:
        share = (np.arange(len(rank)) == rank.argmin()).astype(np.float64)
    told, drawn = (np.append(says, False)[x] for x in (codes, draft))
    enough = len(np.unique(who[told])) >= k
    stays = min(1.0, float(told.mean()) / max(float(drawn.mean()), 1e-9)) if enough else 0.0
    return Untreated(column, says, share / share.sum(), learned, stays)


def before_first_dose(spine: Spine, owner: NDArray[np.int32] | Ints, start: Floats) -> Bools:
    """Whether occurrences (n,) begin before the first dose of their subject, as they all do who never had one."""
    dose = first_dose(spine)
    if dose is None:
        return np.zeros(len(owner), bool)
    return np.asarray(np.isnan(dose[owner]) | (start < np.floor(dose[owner])), bool)


def phase_of_treatment(spine: Spine, owner: NDArray[np.int32] | Ints, start: Floats) -> Ints:
    """Phase in which each occurrence (n,) begins: :data:`TREATED`, :data:`BEFORE` the first dose, :data:`AFTER` the last one."""
    last = _dose(spine, LAST_DOSES)
    after = np.zeros(len(owner), bool) if last is None else start > np.floor(last[owner])
    return np.where(before_first_dose(spine, owner, start), BEFORE, np.where(after, AFTER, TREATED)).astype(np.int64)


def may_end_treatment(spine: Spine, owner: NDArray[np.int32] | Ints, start: Floats, treated: Ints) -> Bools:
    """Whether the treatment may have ended for each occurrence (n,): the last that begins under it, of those who left.

    Where nothing tells who left, anybody may have.
    """
    left = _left(spine)
    rows = np.flatnonzero(treated == TREATED)
    order = rows[np.lexsort((rows, np.nan_to_num(start[rows], nan=-np.inf), owner[rows]))]
    out = np.zeros(len(owner), bool)
    out[order[np.append(owner[order][1:] != owner[order][:-1], True)] if len(order) else order] = True
    return out & (np.ones(len(owner), bool) if left is None else left[owner])


def _left(spine: Spine) -> Bools | None:
    """Who left before the end (n,), in the standard's terms; None where no state is one of these."""
    leaves, known = np.zeros(spine.n, bool), False
    reasons = {term for codelist in codelists() if codelist.name == "NCOMPLT" for term in codelist.terms} - {COMPLETED, *MILESTONES}
    for told in spine.told.values():
        for text in told.columns.values() if told.states else ():
            levels = text.levels.astype(str)
            known = known or bool(np.isin(levels, [COMPLETED, *reasons]).any())
            leaves[told.subject[np.append(np.isin(levels, list(reasons)), False)[text.codes]]] = True
    return leaves if known else None


def first_dose(spine: Spine) -> Floats | None:
    """Day of the first dose of each subject (n,), NaN for those who had none; None where nothing tells it of anybody."""
    return _dose(spine, FIRST_DOSES)


def _dose(spine: Spine, wanted: Sequence[str]) -> Floats | None:
    """Day of each subject (n,) by the first of the variables that has any, NaN for who has none; None where there is none."""
    for variable in wanted:
        for name, day in spine.marks.items():
            if name.rpartition(".")[2] == variable and np.isfinite(day).any():
                return day
    return None
