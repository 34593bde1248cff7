"""The qualifiers of an occurrence: categories and numbers given its phase, term, class and arm, and given one another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from replicator.derivations.derive import chosen
from replicator.models.chain import ConditionalChain
from replicator.models.conditional import Codes
from replicator.standards.codelists import codelists
from replicator.standards.treatment_terms import ENDS
from replicator.study_model.attributes import (
    CUSTOMARY,
    MOST_LEVELS,
    Attributes,
    column_codes,
    count_subjects,
    is_worded,
    protect_levels,
)
from replicator.study_model.events_untreated import BEFORE, Untreated, fit_untreated
from replicator.tables.dataset import Column, Dataset, Numbers, Text

LEAST_MATCH = 0.2  # a value taken from a wider cell is wrong more than four times in five if two draws from there agree less often


@dataclass(frozen=True, eq=False)
class Qualifiers:
    """Columns of an occurrence.

    Attributes
    ----------
    names : tuple of str
        Categories.
    levels : tuple of Column
        Values of each; every one is shared by at least k subjects. The last stands for all `rare` ones where there are any.
    rare : tuple of tuple of str
        Of each the terms of a closed codelist of the standard that fewer than k subjects share, where at least k have one of them:
        they are nobody's words, and how many had which is not kept.
    chain : ConditionalChain
        Codes of the categories.
    measures : Attributes
        Numbers with many values.
    untreated : tuple of Untreated
        What categories say of the treatment before it begins.
    """

    kind: ClassVar[str] = "qualifiers"

    names: tuple[str, ...]
    levels: tuple[Column, ...]
    rare: tuple[tuple[str, ...], ...]
    chain: ConditionalChain
    measures: Attributes
    untreated: tuple[Untreated, ...]

    @classmethod
    def fit(
        cls,
        dataset: Dataset,
        names: Sequence[str],
        given: Sequence[Codes],
        treated: NDArray[np.int64],
        subject: NDArray[np.int32],
        k: int,
    ) -> tuple[Qualifiers, tuple[str, ...]]:
        """Learn columns given codes, and given the phase of the treatment (n,) in which occurrences begin.

        Returns the model, and notes on what was not kept.
        """
        given = [*given, treated]
        notes: list[str] = []
        categories: list[str] = []
        codes: list[NDArray[np.int64]] = []
        levels: list[Column] = []
        rare: list[tuple[str, ...]] = []
        numbers: list[str] = []
        for name in names:
            code, values = column_codes(dataset[name])
            if isinstance(values, Numbers) and len(values) > MOST_LEVELS and not _customary(code, len(values), subject, k):
                numbers.append(name)
                continue
            code, few = _join_rare_terms(code, values, subject, name, dataset.domain, k)
            code, values, withheld = protect_levels(code, values, subject, k, is_worded(name, dataset.domain))
            withheld -= max(len(few) - 1, 0)  # those joined to the one that stands for all
            if few and isinstance(values, Text):  # it comes last
                place = values.strings().tolist().index(few[0])
                order = np.argsort(np.arange(len(values)) == place, kind="stable")
                code, values = np.append(np.argsort(order), -1)[code].astype(np.int64), values.take(order)
            rare.append(few)
            if withheld:
                notes.append(
                    f"{dataset.name}.{name}: {withheld} of its values are shared by fewer than {k} subjects and not kept; "
                    "lower k to keep them."
                )
            categories.append(name)
            codes.append(code)
            levels.append(values)
        chain = ConditionalChain.fit(codes, given, subject, k=k, least_match=LEAST_MATCH)
        measures, more = Attributes.fit(dataset, numbers, given, subject, k)
        untreated = fit_untreated(categories, codes, levels, dataset.domain, (chain, given), treated == BEFORE, subject, k)
        return cls(tuple(categories), tuple(levels), tuple(rare), chain, measures, untreated), (*notes, *more)

    def sample(
        self,
        given: Sequence[Codes],
        phase: tuple[NDArray[np.int64], NDArray[np.bool_]],
        rng: np.random.Generator,
        n: int,
        subject: Codes,
    ) -> dict[str, Column]:
        """Draw the columns of `n` occurrences of these subjects, given codes, and a phase.

        That is the phase of the treatment (n,), and whether the treatment may have ended for the occurrence (n,): no rare term says
        so of another.
        """
        treated, final = phase
        out: dict[str, Column] = {}
        given = [*given, treated]
        settle = {one.column: partial(one.settle, before=treated == BEFORE, rng=rng) for one in self.untreated}
        drawn = self.chain.sample(given, rng, n, subject, settle)
        for name, levels, rare, code in zip(self.names, self.levels, self.rare, drawn, strict=True):
            out[name] = take_levels(levels, code)
            if rare:
                ends = np.isin(rare, [term for suffix, terms in ENDS.items() if name.endswith(suffix) for term in terms])
                which = np.where(code == len(levels) - 1, _draw_rare(ends, final, rng), -1)
                out[name] = chosen(which >= 0, Text(which.astype(np.int32), np.array(rare, object)), out[name])
        return out | dict(self.measures.sample(given, rng, n))


def _draw_rare(ends: NDArray[np.bool_], final: NDArray[np.bool_], rng: np.random.Generator) -> NDArray[np.int64]:
    """Draw one of some rare terms for each occurrence (n,): for `final` ones one that ends the treatment, for others none.

    Where there are none of the kind all are as likely.
    """
    u = rng.random(len(final))
    kinds = [which if len(which) else np.arange(len(ends)) for which in (np.flatnonzero(ends), np.flatnonzero(~ends))]
    ending, going_on = (which[(u * len(which)).astype(np.int64)] for which in kinds)
    return np.where(final, ending, going_on).astype(np.int64)


def _join_rare_terms(
    codes: NDArray[np.int64], levels: Column, subject: NDArray[np.int32], name: str, domain: str, k: int
) -> tuple[NDArray[np.int64], tuple[str, ...]]:
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


def _customary(codes: NDArray[np.int64], n_levels: int, subject: NDArray[np.int32], k: int) -> bool:
    """Whether a number is one of customary values, such as doses: few rows have one that fewer than `k` subjects share."""
    rare = count_subjects(codes, subject, n_levels) < k
    rows = np.bincount(codes[codes >= 0], minlength=n_levels)
    return bool(rows[rare].sum() <= CUSTOMARY * rows.sum())


def take_levels(levels: Column, codes: Codes) -> Column:
    """Decode codes (n,) of a column's distinct values; -1 gives a missing cell."""
    if isinstance(levels, Text):
        return Text(np.append(levels.codes, -1)[codes].astype(np.int32), levels.levels)
    return Numbers(np.append(levels.values, np.nan)[codes])
