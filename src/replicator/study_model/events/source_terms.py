"""Terms of the source's occurrences as they are found: which are common, and the class and the route of each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from replicator.study_model.events.needs import NeedsOfTerms
from replicator.tables.dataset import Column

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

RARE_CLASS = -9  # class of the terms whose own class too few subjects have


@dataclass(frozen=True, eq=False)
class SourceTerms:
    """Terms of the source's occurrences, before they become a catalogue.

    Attributes
    ----------
    dataset, kind : str
        The dataset, and the kind of its stand-ins: one of :data:`~replicator.standards.stand_ins.KINDS`.
    coded : mapping of str to ((n,) int64, Column)
        Codes and levels of the columns that are terms.
    subject : (n,) int32
        Whose occurrence it is.
    unit : (n,) int64
        Its term.
    kept : (n_units,) bool
        Terms that enough subjects have.
    basis : (n_units,) int64
        -2 for a coded term; else the code under which the topic is the term.
    block : (n_units,) int64
        Class of each term, `RARE_CLASS` where too few subjects have the class.
    class_names : tuple of str
        Names of the classes.
    grouped_by : str
        Variable that groups the terms so; ``""`` for none.
    classed_by : str
        Variable in which the standard has the class of a term, whether the classes are large enough to group them or not; ``""``
        for none.
    base, topic : str
        Variables of the coded term and of the topic; they may be the same, and topic ``""``.
    is_coded : bool
        Whether base holds terms of a dictionary.
    route : (n_units,) int64
        Route by which each rare term is given, -1 for none.
    route_names : tuple of str
        Names of the routes.
    shared_routes : (n_shared,) int64
        Routes that enough subjects share.
    needs : NeedsOfTerms
        What medicines are given for.
    n_represented : int
        Rare terms for which common ones stand that are given for the same; they are no terms here.
    """

    dataset: str
    kind: str
    coded: Mapping[str, tuple[Ints, Column]]
    subject: NDArray[np.int32]
    unit: Ints
    kept: NDArray[np.bool_]
    basis: Ints
    block: Ints
    class_names: tuple[str, ...]
    grouped_by: str
    classed_by: str
    base: str
    topic: str
    is_coded: bool
    route: Ints
    route_names: tuple[str, ...]
    shared_routes: Ints
    needs: NeedsOfTerms
    n_represented: int

    @property
    def names(self) -> tuple[str, ...]:
        """Variables that are terms."""
        return tuple(self.coded)

    def class_name(self, block: int) -> str:
        """Name of a class; ``""`` for that of rare ones."""
        return self.class_names[block] if 0 <= block < len(self.class_names) else ""


def modal_code(codes: Ints, group: Ints, n_groups: int) -> tuple[Ints, Floats]:
    """Most frequent code of each group, and its share."""
    pairs, counts = np.unique(np.stack([group, codes], axis=1), axis=0, return_counts=True)
    order = np.lexsort((pairs[:, 1], counts))
    modal, share = np.full(n_groups, -1, np.int64), np.zeros(n_groups)
    modal[pairs[order, 0]] = pairs[order, 1]
    share[pairs[order, 0]] = counts[order]
    return modal, share / np.maximum(np.bincount(group, minlength=n_groups), 1)
