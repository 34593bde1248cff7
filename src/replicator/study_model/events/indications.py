"""Indications that go with their medicines: nothing against depression is given for a headache."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from replicator.standards.medicine_needs import load_medicine_needs
from replicator.study_model.columns.codes import column_codes
from replicator.study_model.events.medicines import Medicines, distinct_medicines
from replicator.tables.dataset import Column, Text

Ints = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Indications:
    """What is known of the indications of the source.

    Attributes
    ----------
    variable : str
        The indication.
    names : tuple of str
        Variables that name the medicine, the closest name first.
    common : tuple of str
        Indications that at least k subjects share.
    kept_kind, kept_level : (n_kept,) int64
        Kinds of terms with an indication (position in `common`) that at least k subjects share: such a one stays, whatever it is.
    """

    kind: ClassVar[str] = "indications"

    variable: str
    names: tuple[str, ...]
    common: tuple[str, ...]
    kept_kind: Ints
    kept_level: Ints

    @classmethod
    def fit(cls, medicines: Medicines) -> Indications | None:
        """Learn from occurrences of medicines; None where they have no indications that tell of needs."""
        variable, names = medicines.filled("INDC"), medicines.names
        column = medicines.head[variable] if variable else None
        if not names or not isinstance(column, Text):
            return None
        codes, levels = column_codes(column)
        shared = np.flatnonzero(medicines.are_shared(codes, len(levels)))
        common = tuple(levels.strings()[shared].tolist())
        listed = load_medicine_needs()
        if not any(listed.of_indication(text) for text in common):
            return None
        kind, code = medicines.own_pairs(codes)
        return cls(variable, names, common, kind, np.searchsorted(shared, code).astype(np.int64))

    def apply(self, columns: Mapping[str, Column], kind_of: Ints) -> dict[str, Column]:
        """Put the need of a medicine in the place of an indication that does not go with it.

        Parameters
        ----------
        columns : mapping of str to Column
            Of the rows.
        kind_of : (n_rows,) int64
            Kind of term of each row.

        Notes
        -----
        It is an indication of the source for the same need, the first of those that at least k subjects share, else the name of the
        need by the lists. A medicine that no list knows keeps what it was given.
        """
        column = columns[self.variable]
        if not isinstance(column, Text):
            return dict(columns)
        listed = load_medicine_needs()
        named, medicine = distinct_medicines(columns, self.names, len(column))
        needs = [listed.of_name(*one) for one in named]
        said = {text: frozenset(listed.of_indication(text)) for text in (*self.common, *column.levels.tolist())}
        instead = [next((text for text in self.common if not said[text].isdisjoint(one)), one[0] if one else "") for one in needs]
        texts = list(dict.fromkeys([*column.levels.tolist(), *self.common, *instead]))
        fits = np.array([[not one or not said.get(text, frozenset(one)).isdisjoint(one) for text in texts] for one in needs], bool)
        own = np.isin(kind_of * len(texts) + column.codes, self._own(texts))
        wrong = (column.codes >= 0) & ~fits.reshape(len(needs), len(texts))[medicine, column.codes] & ~own
        put = np.array([texts.index(text) for text in instead], np.int64)
        codes = np.where(wrong, np.append(put, -1)[medicine], column.codes)
        return {**columns, self.variable: Text(codes.astype(np.int32), np.array(texts, object)).compact()}

    def _own(self, texts: list[str]) -> Ints:
        """Kinds and indications of the source, as kind times the number of texts plus position of the text."""
        place = np.array([texts.index(text) for text in self.common], np.int64)
        return np.asarray(self.kept_kind * len(texts) + place[self.kept_level], np.int64)
