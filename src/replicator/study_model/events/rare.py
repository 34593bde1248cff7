"""Rare terms of a closed codelist: drawn as one, and written as one that suits the occurrence."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from replicator.standards.codelists import codelists
from replicator.standards.treatment_terms import ENDS
from replicator.study_model.columns.codes import count_subjects
from replicator.study_model.events.untreated import TREATED
from replicator.tables.dataset import Column, Text

Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class RareTerms:
    """Terms of the standard that fewer than k subjects share, where at least k have one of them: nobody's words.

    Attributes
    ----------
    terms : tuple of str
        How many had which is not kept; none where no terms are rare.
    ends : (n_terms,) bool
        Whether a term says that the treatment ended.
    final : float
        Share of the occurrences for which the treatment may have ended that ended it, if each term is as frequent; NaN where fewer
        than k subjects have such an occurrence, or where all terms end the treatment, or none.
    further : float
        Share of the rare terms drawn for other occurrences under treatment that stay, so that all are as many as in the source.
    """

    kind: ClassVar[str] = "rare terms"

    terms: tuple[str, ...]
    ends: Bools
    final: float
    further: float

    @classmethod
    def fit(
        cls,
        name: str,
        terms: tuple[str, ...],
        rare: Bools,
        draft: Floats,
        phase: tuple[Ints, Bools],
        subject: NDArray[np.int32],
        k: int,
    ) -> RareTerms:
        """Learn from occurrences.

        Parameters
        ----------
        name : str
            The variable.
        terms : tuple of str
        rare : (n,) bool
            Which occurrences have one of them.
        draft : (n,) float64
            Share of draws in which each has.
        phase : two arrays (n,)
            Phase of the treatment, and whether this may have ended for the occurrence.
        subject : (n,) int32
        k : int
        """
        ends = np.isin(terms, [term for suffix, ending in ENDS.items() if name.endswith(suffix) for term in ending])
        treated, final = phase[0] == TREATED, phase[1]
        if not 0 < ends.sum() < len(terms) or len(np.unique(subject[final])) < k:
            return cls(terms, ends, np.nan, 1.0)
        n_rare, n_final = float((rare & treated).sum()), float(final.sum())
        share = min(1.0, n_rare * float(ends.mean()) / n_final)
        others = float(draft[treated & ~final].sum())
        return cls(terms, ends, share, min(1.0, (n_rare - share * n_final) / max(others, 1e-9)))

    def lost(self, rare: Bools, phase: tuple[Ints, Bools], rng: np.random.Generator) -> Bools:
        """Draw which occurrences (n,) that may not have ended the treatment lose the rare term that was drawn for them."""
        return np.asarray(rare & (phase[0] == TREATED) & ~phase[1] & (rng.random(len(rare)) >= self.further), bool)

    def choose(self, chance: Floats, rng: np.random.Generator) -> Bools:
        """Choose the occurrences for which the treatment ended, of those for which it may, given their chances of a rare term (n,).

        As many as in the source, the likelier ones first (a race of exponential times at these rates), and none without a chance.
        """
        wanted = rng.binomial(len(chance), self.final)
        time = rng.exponential(size=len(chance)) / np.maximum(chance, 1e-300)
        return np.asarray((np.argsort(np.argsort(time)) < wanted) & (chance > 0), bool)

    def write(self, column: Column, rare: Bools, final: Bools, rng: np.random.Generator) -> Column:
        """Write a term where one is `rare` (n,): for `final` ones one that ends the treatment, for others none.

        Where there are none of the kind all are as likely.
        """
        u = rng.random(len(final))
        kinds = [which if len(which) else np.arange(len(self.ends)) for which in map(np.flatnonzero, (self.ends, ~self.ends))]
        ending, going_on = (which[(u * len(which)).astype(np.int64)] for which in kinds)
        rows = np.flatnonzero(rare)
        which = np.where(final, ending, going_on)[rows].astype(np.int32)
        assert isinstance(column, Text)
        return column.overlaid(rows, Text(which, np.array(self.terms, object)))


def join_rare_terms(
    codes: Ints, levels: Column, subject: NDArray[np.int32], name: str, domain: str, k: int
) -> tuple[Ints, tuple[str, ...]]:
    """Give rows with a rare term of the variable's codelist the code of the first such term, and return these terms in order.

    Only codelists count to which nobody may add a term, and terms that more than one subject has. None are returned where fewer
    than `k` subjects have any of them, or fewer than two are rare.
    """
    closed = (codelist for codelist in codelists() if codelist.fits(name, domain) and not codelist.extensible)
    terms = {term for codelist in closed for term in codelist.terms}
    if not isinstance(levels, Text) or not terms:
        return codes, ()
    texts = levels.strings()
    people = count_subjects(codes, subject, len(levels))
    few = (people < k) & (people > 1) & np.isin(texts.astype(str), list(terms))
    rows = np.append(few, False)[codes]
    if few.sum() < 2 or len(np.unique(subject[rows])) < k:
        return codes, ()
    ordered = sorted(np.flatnonzero(few).tolist(), key=lambda level: str(texts[level]))
    return np.where(rows, ordered[0], codes), tuple(str(texts[level]) for level in ordered)
