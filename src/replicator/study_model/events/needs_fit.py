"""Finding what the medicines of a dataset are given for, and which of them depend alike on the conditions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from replicator.models.associations import Groups
from replicator.models.presence import Presence
from replicator.profile.structure import DatasetStructure
from replicator.standards.medicine_needs import load_medicine_needs
from replicator.study_model.columns.codes import column_codes, count_subjects
from replicator.study_model.events.catalogue import TermCatalogue, Terms
from replicator.study_model.events.facts import mentions
from replicator.study_model.events.needs import Bools, Ints, Needs, NeedsOfTerms
from replicator.study_model.events.reasons import Reasons
from replicator.study_model.events.source_terms import modal_code
from replicator.study_model.spine import Spine
from replicator.tables.dataset import Column, Dataset

MOSTLY = 0.5  # share of a term's occurrences that must have one class or indication, for it to tell what the term is given for


def find_needs(
    dataset: Dataset,
    structure: DatasetStructure,
    coded: Mapping[str, tuple[Ints, Column]],
    unit: Ints,
    subject: NDArray[np.int32],
    kept: Bools,
    k: int,
) -> NeedsOfTerms:
    """Find what the medicines of occurrences are given for, by their names, else their classes, and by their indications.

    Parameters
    ----------
    dataset, structure : Dataset, DatasetStructure
        One row an occurrence.
    coded : mapping of str to ((n,) int64, Column)
        Codes and levels of the columns that name the medicine.
    unit, subject : (n,)
        Term and subject of each occurrence.
    kept : (n_units,) bool
        Terms that enough subjects have. What class or indication one has counts if `k` of them say so.
    k : int
    """
    listed = load_medicine_needs()
    above = structure.named("CLAS")
    names = [_usual(*coded[name], unit, len(kept)) for name in coded if name != above]
    classes, indications = (_shared(dataset, structure.named(suffix), unit, subject, kept, k) for suffix in ("CLAS", "INDC"))
    found: list[Needs] = []
    for i in range(len(kept)):
        by_name = listed.of_name(*(texts[i] for texts in names))
        told = (*(by_name or listed.of_class(classes[i])), *listed.of_indication(indications[i]))
        found.append(tuple(dict.fromkeys(told)))
    alone = dict.fromkeys((need,) for needs in found for need in needs)
    sets = tuple(dict.fromkeys([(), *alone, *found]))
    place = {needs: i for i, needs in enumerate(sets)}
    of_unit = np.array([place[needs] for needs in found], np.int64)
    return NeedsOfTerms(sets, of_unit, _by_common(dataset, structure.named("INDC"), unit, subject, kept, k))


@dataclass(frozen=True, eq=False)
class NeedGroups:
    """Kinds of medicine by need, and who has the conditions.

    Attributes
    ----------
    conditions : tuple of tuple of str
        Parts of words of the conditions of each group.
    groups : Groups
        Kinds of each group, and whether some earlier event of a subject mentions one of its conditions.
    """

    conditions: tuple[Needs, ...]
    groups: Groups

    @classmethod
    def fit(cls, terms: Terms, reasons: Reasons, goes: Bools, spine: Spine) -> NeedGroups:
        """Put the kinds of medicine together that are given for the same; none where no earlier event tells of conditions.

        Parameters
        ----------
        terms : Terms
        reasons : Reasons
        goes : (n_kinds,) bool
            Kinds that go with conditions of their own, which make a group beside those of their needs.
        spine : Spine
        """
        names = tuple(dict.fromkeys(need for needs in terms.needs for need in needs))
        listed = load_medicine_needs().conditions
        by_need = [listed[name] for name in names]
        own = [one for one in np.unique(reasons.of_kind[goes & ~reasons.only]).tolist() if reasons.conditions[one] not in by_need]
        conditions = (*by_need, *(reasons.conditions[one] for one in own))
        holds = mentions(spine, conditions) if names else None
        if holds is None:
            return cls((), Groups.none(spine.n, len(terms.needs)))
        member = [[name in needs for needs in terms.needs] for name in names]
        return cls(conditions, Groups(np.array([*member, *(goes & (reasons.of_kind == one) for one in own)], bool), holds))

    def settle(self, presence: Presence, n_facts: int, catalogue: TermCatalogue) -> tuple[Presence, Ints, TermCatalogue]:
        """Keep what shifts need: conditions stand in the catalogue, and behind all other facts.

        Parameters
        ----------
        presence : Presence
            With the facts of the groups behind `n_facts` others.
        n_facts : int
        catalogue : TermCatalogue

        Returns
        -------
        presence : Presence
            With facts as positions among those that are used, and behind them the needs of the catalogue.
        used : (n_used,) int64
            Facts that are used, of the `n_facts`.
        catalogue : TermCatalogue
        """
        own = presence.shift_fact < n_facts
        used, place = np.unique(presence.shift_fact[own], return_inverse=True)
        conditions = [self.conditions[group] for group in (presence.shift_fact[~own] - n_facts).tolist()]
        needs = tuple(dict.fromkeys([*catalogue.needs, *conditions]))
        fact = np.empty(len(own), np.int64)
        fact[own] = place.reshape(-1)
        fact[~own] = [len(used) + needs.index(one) for one in conditions]
        return replace(presence, shift_fact=fact), used.astype(np.int64), replace(catalogue, needs=needs)


def _usual(codes: Ints, levels: Column, unit: Ints, n_units: int) -> list[str]:
    """Most frequent text of each term."""
    words = np.append(levels.strings(), "")
    return [str(words[code]) for code in modal_code(codes, unit, n_units)[0].tolist()]


def _by_common(dataset: Dataset, name: str, unit: Ints, subject: NDArray[np.int32], kept: Bools, k: int) -> frozenset[str]:
    """Needs that indications of `k` subjects name, and no indication of a rare term."""
    if not name or name not in dataset:
        return frozenset()
    codes, levels = column_codes(dataset[name])
    named = [frozenset(load_medicine_needs().of_indication(text)) for text in levels.strings().tolist()]
    shared = np.flatnonzero(count_subjects(codes, subject, len(levels)) >= k)
    of_rare = np.unique(codes[~kept[unit] & (codes >= 0)])
    whole = (frozenset[str]().union(*(named[code] for code in some.tolist())) for some in (shared, of_rare))
    return next(whole) - next(whole)


def _shared(dataset: Dataset, name: str, unit: Ints, subject: NDArray[np.int32], kept: Bools, k: int) -> Sequence[str]:
    """Text that most occurrences of each term have, and of common terms `k` subjects; ``""`` where there is none."""
    if not name or name not in dataset or dataset[name].missing.all():
        return [""] * len(kept)
    codes, levels = column_codes(dataset[name])
    modal, share = modal_code(codes, unit, len(kept))
    people = count_subjects(np.where(codes == modal[unit], unit, -1), subject, len(kept))
    words = np.append(levels.strings(), "")
    told = (share >= MOSTLY) & (~kept | (people >= k))
    return [str(words[code]) if one else "" for code, one in zip(modal.tolist(), told.tolist(), strict=True)]
