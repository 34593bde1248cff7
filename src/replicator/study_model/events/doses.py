"""Doses that somebody would take: a rare medicine has its usual doses, and not those of other rare medicines."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from replicator.standards.medicine_use import load_medicine_use
from replicator.study_model.columns.codes import column_codes
from replicator.study_model.events.medicines import Medicines, distinct_medicines
from replicator.tables.dataset import Column, Numbers, Text

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

PER_MG = {"MG": 1.0, "UG": 1000.0, "MCG": 1000.0, "µG": 1000.0, "G": 0.001}
BY_MOUTH = ("", "ORAL")
NEAR = 2.0  # times the greatest usual dose, or this part of the least, is still usual


@dataclass(frozen=True, eq=False)
class Doses:
    """What is known of the doses of the source.

    Attributes
    ----------
    dose, unit, route : str
        Their variables; route is ``""`` where there is none.
    names : tuple of str
        Variables that name the medicine, the closest name first.
    common : (n_common,) float64
        Doses that at least k subjects share, ascending; a usual dose beyond them is not put in.
    kept_kind, kept_dose : (n_kept,) int64, (n_kept,) float64
        Kinds of terms with a dose that at least k subjects have: a dose that is the source's own stays, however unusual.
    """

    kind: ClassVar[str] = "doses"

    dose: str
    unit: str
    route: str
    names: tuple[str, ...]
    common: Floats
    kept_kind: Ints
    kept_dose: Floats

    @classmethod
    def fit(cls, medicines: Medicines) -> Doses | None:
        """Learn from occurrences of medicines; None where they have no doses in numbers, with units."""
        head, structure, names = medicines.head, medicines.structure, medicines.names
        dose, unit = structure.named("DOSE"), structure.named("DOSU")
        if not names or not dose or not unit or not isinstance(head[dose], Numbers) or not isinstance(head[unit], Text):
            return None
        codes, values = column_codes(head[dose])
        assert isinstance(values, Numbers)
        common = np.sort(values.values[medicines.are_shared(codes, len(values))])
        kind, value = medicines.own_pairs(codes)
        return cls(dose, unit, structure.named("ROUTE"), names, common, kind, values.values[value])

    def apply(
        self, columns: Mapping[str, Column], occurrence: Ints, kind_of: Ints, rng: np.random.Generator, *, listed: bool = False
    ) -> dict[str, Column]:
        """Put usual doses in the place of those that nobody would take, in mg where there is none in the unit of the row.

        Parameters
        ----------
        columns : mapping of str to Column
            Of the rows.
        occurrence : (n_rows,) int64
            Occurrence of each row; the rows of one get one dose.
        kind_of : (n,) int64
            Kind of term of each occurrence.
        listed : bool
            Whether a dose near the usual ones is not good enough: one that stands for all doses of a medicine is a usual one.
        """
        u = rng.random(len(kind_of))[occurrence]
        dose, unit = columns[self.dose], columns[self.unit]
        if not isinstance(dose, Numbers) or not isinstance(unit, Text):
            return dict(columns)
        factor = _of_levels(unit, lambda text: PER_MG.get(text.upper(), np.nan))
        if self.route and isinstance(route := columns[self.route], Text):
            elsewhere = _of_levels(route, lambda text: text.upper() not in BY_MOUTH) == 1
            factor = np.where(elsewhere, np.nan, factor)
        named, medicine = distinct_medicines(columns, self.names, len(dose))
        usual = [load_medicine_use().doses(*one) for one in named]
        table = np.full((len(usual), max(map(len, usual), default=0)), np.nan)
        for i, one in enumerate(usual):
            table[i, : len(one)] = one
        least, most = (np.array([pick(one, default=np.nan) for one in usual])[medicine] for pick in (min, max))
        with np.errstate(invalid="ignore"):
            mg = dose.values / factor
            odd = (mg < least / NEAR) | (mg > most * NEAR)
        if listed:
            odd = ~np.isnan(mg) & ~np.isnan(least) & ~np.isclose(table[medicine], mg[:, None], rtol=1e-9).any(axis=1)
        odd &= ~self.are_own(kind_of[occurrence], dose.values)
        rows = np.flatnonzero(odd)
        if not len(rows):
            return dict(columns)
        in_mg = np.flatnonzero([str(text).upper() == "MG" for text in unit.levels.tolist()])[:1]
        there = self._within(table[medicine[rows]] * factor[rows, None]).any(axis=1)
        codes = unit.codes.copy()
        if len(in_mg):  # no dose of the study in another unit is a usual one
            codes[rows[~there]], factor = in_mg[0], factor.copy()
            factor[rows[~there]] = 1.0
        offered = table[medicine[rows]] * factor[rows, None]
        inside = self._within(offered)
        some = inside.any(axis=1)
        codes[rows[~some]] = unit.codes[rows[~some]]
        rows, offered, inside = rows[some], offered[some], inside[some]
        known = np.isin(np.round(offered, 9), np.round(self.common, 9))
        allowed = inside & (known | ~known.any(axis=1, keepdims=True))
        rank = np.floor(u[rows] * allowed.sum(axis=1))
        chosen = ((np.cumsum(allowed, axis=1) > rank[:, None]) & allowed).argmax(axis=1)
        values = dose.values.copy()
        values[rows] = offered[np.arange(len(rows)), chosen]
        return {**columns, self.dose: Numbers(values), self.unit: Text(codes, unit.levels)}

    def _within(self, dose: Floats) -> NDArray[np.bool_]:
        """Whether doses lie within those that enough subjects share."""
        return (dose >= self.common[0]) & (dose <= self.common[-1]) if len(self.common) else np.zeros(dose.shape, bool)

    def are_own(self, kind_of: Ints, dose: Floats) -> NDArray[np.bool_]:
        """Whether a dose (n_rows,) is the source's own for the kind of term: at least k subjects have it."""
        known = np.unique(np.concatenate([self.kept_dose, [np.inf]]))
        width = len(known) + 1
        pairs = self.kept_kind * width + np.searchsorted(known, self.kept_dose)
        at = np.searchsorted(known, np.where(np.isnan(dose), np.inf, dose)).clip(max=len(known) - 1)
        return np.isin(kind_of * width + np.where(known[at] == dose, at, width - 1), pairs)


def _of_levels(column: Text, value: Callable[[str], float]) -> Floats:
    """A number of each cell, from its text; NaN where it is missing: (n_rows,)."""
    return np.append(np.array([float(value(str(text))) for text in column.levels.tolist()], np.float64), np.nan)[column.codes]
