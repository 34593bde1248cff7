"""The qualifiers of an occurrence: categories and numbers given its phase, term, class and arm, and given one another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from replicator.counting import counted
from replicator.models.chain import ConditionalChain
from replicator.models.conditional import Codes
from replicator.rng import stream
from replicator.study_model.columns.attributes import Attributes
from replicator.study_model.columns.codes import column_codes, count_subjects
from replicator.study_model.columns.rare_levels import CUSTOMARY, MOST_LEVELS, is_worded, protect_levels
from replicator.study_model.events.rare import RareTerms, join_rare_terms
from replicator.study_model.events.untreated import BEFORE, DRAWS, Untreated, fit_untreated
from replicator.tables.dataset import Column, Dataset, Numbers, Text

TRIES = 60  # draws of an occurrence that may have ended the treatment
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
    rare : tuple of RareTerms
        Of each.
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
    rare: tuple[RareTerms, ...]
    chain: ConditionalChain
    measures: Attributes
    untreated: tuple[Untreated, ...]

    @classmethod
    def fit(
        cls,
        dataset: Dataset,
        names: Sequence[str],
        given: Sequence[Codes],
        phase: tuple[NDArray[np.int64], NDArray[np.bool_]],
        subject: NDArray[np.int32],
        k: int,
        groups: Sequence[int] = (),
    ) -> tuple[Qualifiers, tuple[str, ...]]:
        """Learn columns given codes, and a phase as of :meth:`sample`.

        `groups` are positions of the codes that are groups, such as arms, whose shares are kept whatever tells more of a column.

        Returns the model, and notes on what was not kept.
        """
        treated = phase[0]
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
            code, few = join_rare_terms(code, values, subject, name, dataset.domain, k)
            code, values, withheld = protect_levels(code, values, subject, k, is_worded(name, dataset.domain))
            withheld -= max(len(few) - 1, 0)  # those joined to the one that stands for all
            if few and isinstance(values, Text):  # it comes last
                place = values.strings().tolist().index(few[0])
                order = np.argsort(np.arange(len(values)) == place, kind="stable")
                code, values = np.append(np.argsort(order), -1)[code].astype(np.int64), values.take(order)
            rare.append(few)
            if withheld:
                notes.append(
                    f"{dataset.name}.{name}: {counted(withheld, 'of its values is', 'of its values are')} shared by fewer than {k} "
                    f"subjects and not kept; lower k to keep {'it' if withheld == 1 else 'them'}."
                )
            categories.append(name)
            codes.append(code)
            levels.append(values)
        chain = ConditionalChain.fit(codes, given, subject, k=k, least_match=LEAST_MATCH, groups=groups)
        measures, more = Attributes.fit(dataset, numbers, given, subject, k)
        untreated = fit_untreated(categories, codes, levels, dataset.domain, (chain, given), treated == BEFORE, subject, k)
        again = np.tile(np.arange(len(subject)), DRAWS if any(rare) else 0)
        drafts = chain.sample([one[again] for one in given], stream(0, "rare terms"), len(again))
        terms = []
        for name, few, code, values, draft in zip(categories, rare, codes, levels, drafts, strict=True):
            share = np.bincount(again[draft == len(values) - 1], minlength=len(subject)) / DRAWS
            terms.append(RareTerms.fit(name, few, code == len(values) - 1, share, phase, subject, k))
        return cls(tuple(categories), tuple(levels), tuple(terms), chain, measures, untreated), (*notes, *more)

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
        for j, one in enumerate(self.rare):
            if np.isfinite(one.final):
                self._end_treatments(drawn, j, phase, given, rng)
        for name, levels, one, code in zip(self.names, self.levels, self.rare, drawn, strict=True):
            out[name] = take_levels(levels, code)
            if one.terms:
                out[name] = one.write(out[name], code == len(levels) - 1, final, rng)
        return out | dict(self.measures.sample(given, rng, n))

    def _end_treatments(
        self,
        drawn: list[NDArray[np.int32]],
        column: int,
        phase: tuple[NDArray[np.int64], NDArray[np.bool_]],
        given: Sequence[Codes],
        rng: np.random.Generator,
    ) -> None:
        """Draw occurrences anew as a whole, until as many that may have ended the treatment have a rare term as in the source.

        So what ended it is as severe as what has such a term, and of a kind that may have one.
        """
        rare, code = self.rare[column], len(self.levels[column]) - 1
        lost = rare.lost(drawn[column] == code, phase, rng)
        rows = np.flatnonzero(phase[1] | lost)
        again = np.repeat(rows, TRIES)
        anew = self.chain.sample([codes[again] for codes in given], rng, len(again))
        hits = (anew[column] == code).reshape(len(rows), TRIES)
        wanted = np.zeros(len(rows), bool)
        wanted[~lost[rows]] = rare.choose(hits[~lost[rows]].mean(axis=1), rng)
        fits = hits == wanted[:, None]
        changed = fits.any(axis=1) & ((drawn[column][rows] == code) != wanted)
        place = (np.arange(len(rows)) * TRIES + fits.argmax(axis=1))[changed]
        for codes, new in zip(drawn, anew, strict=True):
            codes[rows[changed]] = new[place]


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
