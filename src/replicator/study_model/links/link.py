"""One kind of relation between rows of two datasets, and which rows may have it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from replicator.models.backoff import BackoffTable
from replicator.study_model.links.levels import LinkedLevels
from replicator.study_model.links.partners import Partners


@dataclass(frozen=True, eq=False)
class LinkEnd:
    """One dataset of a link.

    Attributes
    ----------
    dataset, idvar : str
        The dataset, and the variable by which its row is named.
    levels : LinkedLevels
        Of the variable that tells best which rows are linked.
    linked : BackoffTable
        Whether a row is linked (1) given its level; of the leading end, a row that has a partner who suits.
    count : BackoffTable
        How many rows a link takes.
    width : int
        Characters that IDVARVAL is padded to on the left; 0 for none.
    """

    kind: ClassVar[str] = "link end"

    dataset: str
    idvar: str
    levels: LinkedLevels
    linked: BackoffTable
    count: BackoffTable
    width: int


@dataclass(frozen=True, eq=False)
class Link:
    """A relation between two datasets; the first end leads: each of its linked rows takes rows of the second.

    Attributes
    ----------
    relation : str
        Name of the relation dataset.
    lead, follow : LinkEnd
    partners : Partners
        Which rows of the second suit a row of the first.
    constants : mapping of str to str
        RELTYPE and the like.
    """

    kind: ClassVar[str] = "link"

    relation: str
    lead: LinkEnd
    follow: LinkEnd
    partners: Partners
    constants: Mapping[str, str]


def relation_variables(variable: str) -> tuple[str, ...]:
    """Variables of a relation between rows."""
    return "RDOMAIN", variable, "IDVAR", "IDVARVAL", "RELID"


def candidates(owner: NDArray[np.int32], subject: NDArray[np.int32]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """All pairs of an owner (n,) and a row of the same subject: position of the owner, and row; by owner."""
    order = np.argsort(subject, kind="stable")
    begin, stop = (np.searchsorted(subject[order], owner, side=side) for side in ("left", "right"))
    count = stop - begin
    which = np.repeat(np.arange(len(owner)), count)
    inner = np.arange(len(which)) - np.repeat(np.cumsum(count) - count, count)
    return which, order[np.repeat(begin, count) + inner].astype(np.int64)
