"""The catalogue of terms: all columns that a term decides, common terms as they are, rare ones as stand-ins."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from replicator.models.backoff import Codes
from replicator.study_model.events.onsets import TermOfEach
from replicator.tables.dataset import Column

Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

TRIES = 12  # draws of a stand-in that its subject may need, before another is taken


@dataclass(frozen=True, eq=False)
class TermCatalogue:
    """All that a term decides.

    Attributes
    ----------
    variables : tuple of str
        Topic and synonyms.
    columns : tuple of Column
        Their cells, one row a way of writing a term (a verbatim text or lowest level term of its own).
    labels : tuple of str
        Name of each kind, for those who read the model; a pool's is that of its class.
    block : (n_kinds,) int32
        Class of each kind; kinds are the common terms and, for each class, one pool of rare ones.
    sex : tuple of str
        Sex that alone has a kind, by the words of its terms: ``F``, ``M`` or ``""``, one a kind.
    slots : (n_kinds,) int32
        1 for a common term; how many of a pool one subject may have.
    first, count : (n_kinds,) int64
        Rows of each kind.
    edge : (n_rows,) float64
        Kind plus the cumulated share of its rows.
    need : (n_rows,) int64
        What a stand-in is given for: position in `needs`, -1 for anything, and for those of a pool of one need, which stands in its
        label: who has such is learned.
    needs : tuple of tuple of str
        Parts of words of conditions: of those that stand-ins are given for, and of those on which kinds depend together.
    lost : (n_rows,) int64
        What a term says is lost for ever, such as an organ: its number, -1 for nothing. A subject has it once.
    least_age : (n_rows,) float64
        Age in years before which a term hardly ever begins; 0 for none.
    lasting : (n_rows,) bool
        Whether a term does not pass within days.
    grave : (n_rows,) bool
        Whether a term is what somebody may die of.
    family : (n_rows,) int64
        Terms that begin with the same word, -1 for none.
    routes : tuple of str
        Routes of administration that enough subjects share.
    other_kind, other_route, other_first, other_count : (n_others,) int64
        Stand-ins of pools for medicines given by another route than the pool's: kind, position in `routes`, and rows.
    """

    kind: ClassVar[str] = "term catalogue"

    variables: tuple[str, ...]
    columns: tuple[Column, ...]
    labels: tuple[str, ...]
    block: NDArray[np.int32]
    sex: tuple[str, ...]
    slots: NDArray[np.int32]
    first: Ints
    count: Ints
    edge: Floats
    need: Ints
    needs: tuple[tuple[str, ...], ...]
    lost: Ints
    least_age: Floats
    lasting: Bools
    grave: Bools
    family: Ints
    routes: tuple[str, ...]
    other_kind: Ints
    other_route: Ints
    other_first: Ints
    other_count: Ints

    @classmethod
    def of_one_term(cls) -> TermCatalogue:
        """Return the catalogue of a dataset without terms: its occurrences are all of one kind, which no column names."""
        no, none, nothing = np.zeros(1, np.int64), np.empty(0, np.int64), np.empty(0, bool)
        of_kind = ((), (), ("",), np.zeros(1, np.int32), ("",), np.ones(1, np.int32), no, no)
        return cls(*of_kind, np.empty(0), none, (), none, np.empty(0), nothing, nothing, none, (), none, none, none, none)

    def sample(
        self,
        who: Codes,
        kind_of: Codes,
        slot: Codes,
        rng: np.random.Generator,
        meets: Bools | None = None,
        age: Floats | None = None,
    ) -> Ints:
        """Draw the catalogue's row of each occurrence's subject, kind and slot; two slots of a pool never give the same row.

        `meets` (n, n_needs) says for which needs the subject of an occurrence has a reason; as far as there are others, no stand-in
        is drawn for which there is none. Nor is one that says that the subject loses again what it lost before, nor one that hardly
        ever begins before an age to which the subject has not come: `age` (n,) is that of the subject of each occurrence, years.
        """
        kind_of, slot = np.asarray(kind_of, np.int64), np.asarray(slot, np.int64)
        row = self._draw(kind_of, slot, rng)
        for _ in range(TRIES if len(self.edge) else 0):
            unfit = self.loses_again(who, row)
            if age is not None:
                unfit |= (self.slots[kind_of] > 1) & (age < self.least_age[row])
            if meets is not None and len(self.needs):
                unfit |= (self.need[row] >= 0) & ~meets[np.arange(len(row)), self.need[row]]
            again = np.flatnonzero(unfit)
            if not len(again):
                break
            row[again] = self._draw(kind_of[again], slot[again], rng)
        return row

    def sample_again(
        self,
        kind_of: Ints,
        slot: Ints,
        row: Ints,
        route: Ints,
        suits: tuple[Bools, Bools],
        meets: Bools | None,
        rng: np.random.Generator,
    ) -> Ints:
        """Draw stand-ins anew that do not go with how they turned out to be given.

        Parameters
        ----------
        kind_of, slot, row : (n,) int64
            As drawn.
        route : (n,) int64
            Position in `routes`, -1 for none.
        suits : two arrays (n, n_rows) bool
            Whether a row of the catalogue goes with the route, and with all of how an occurrence is given.
        meets : (n, n_needs) bool, optional
            As in :meth:`sample`.

        Returns
        -------
        (n,) int64
            Rows; one for which nothing better was found, in its pool or among the others of the route, stays.
        """
        by_route, wholly = suits
        out = row.copy()
        stand_in = self.slots[kind_of] > 1
        everyone = np.arange(len(row))
        pairs = {pair: i for i, pair in enumerate(zip(self.other_kind.tolist(), self.other_route.tolist(), strict=True))}
        other = np.array([pairs.get(pair, -1) for pair in zip(kind_of.tolist(), route.tolist(), strict=True)], np.int64)
        for attempt in range(2 * TRIES):
            again = np.flatnonzero(stand_in & ~wholly[everyone, out])
            if attempt >= TRIES:
                again = again[other[again] >= 0]
            if not len(again):
                continue
            if attempt < TRIES:
                drawn = self._draw(kind_of[again], slot[again], rng)
            else:
                place = other[again]
                drawn = self.other_first[place] + np.floor(rng.random(len(again)) * self.other_count[place]).astype(np.int64)
            better = wholly[again, drawn] | (by_route[again, drawn] & ~by_route[again, out[again]])
            if meets is not None and len(self.needs):
                better &= (self.need[drawn] < 0) | meets[again, self.need[drawn]]
            out[again[better]] = drawn[better]
        return out

    def loses(self, row: Ints) -> Bools:
        """Whether an occurrence says that something is lost for ever, so that it does not come again: (n,)."""
        return np.append(self.lost, -1)[row] >= 0

    def loses_again(self, who: Codes, row: Ints) -> Bools:
        """Whether an occurrence says that its subject loses what an earlier one of these said: (n,)."""
        out = self.loses(row)
        some = np.flatnonzero(out)
        pairs = np.stack([np.asarray(who, np.int64)[some], self.lost[row[some]]])
        out[some[np.unique(pairs, axis=1, return_index=True)[1]]] = False
        return out

    def of_each(self, block: Ints, kind_of: Ints, row: Ints, series: Ints) -> TermOfEach:
        """Tell what is known of the terms of occurrences of these classes, kinds, rows and series: (n,) each."""
        own = self.slots[kind_of] == 1
        return TermOfEach(block, kind_of, own, np.append(self.least_age, 0.0)[row], np.append(self.lasting, False)[row], series)

    def _draw(self, kind_of: Codes, slot: Codes, rng: np.random.Generator) -> Ints:
        u = rng.random(len(kind_of))
        if not len(self.edge):
            return np.full(len(kind_of), -1, np.int64)
        common = np.searchsorted(self.edge, kind_of + np.minimum(u, 1 - 1e-9), side="right")
        slots = np.maximum(self.slots[kind_of], 1)
        members = np.maximum((self.count[kind_of] - slot + slots - 1) // slots, 1)
        pooled = self.first[kind_of] + np.minimum(slot + slots * np.floor(u * members).astype(np.int64), self.count[kind_of] - 1)
        row = np.where(slots > 1, pooled, np.clip(common, self.first[kind_of], self.first[kind_of] + self.count[kind_of] - 1))
        return np.asarray(row, np.int64)


@dataclass(frozen=True, eq=False)
class Terms:
    """What the source's occurrences are in terms of a catalogue: kind of each, its term, rare or not, and its family.

    `grave` are rows of the catalogue that belong to no kind: stand-ins for what somebody may die of. `needs` is what each kind of
    medicine is given for.
    """

    catalogue: TermCatalogue
    kind_of: Ints
    unit: Ints
    family: Ints
    notes: tuple[str, ...]
    grave: Ints
    needs: tuple[tuple[str, ...], ...]
