"""Routes and presentations that somebody would take: no tablet is injected, and what is swallowed is given by no syringe."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from replicator.standards.medicine_use import MedicineUse, load_medicine_use
from replicator.study_model.columns.codes import column_codes, count_subjects
from replicator.study_model.events.medicines import Medicines, distinct_medicines
from replicator.tables.dataset import Column, Dataset, Numbers, Text

Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

UNLIKELY = 1e-6  # weight of a route by which the presentation is not given


@dataclass(frozen=True, eq=False)
class Presentation:
    """In which form, or in which unit and how much of it, the source gives something by each route.

    Attributes
    ----------
    variable : str
        Of the form or the unit.
    amount : str
        Of the dose in that unit; ``""`` for a form.
    route, level : tuple of str
        What at least k subjects of the source share, together with `dose`.
    dose : (n,) float64
        NaN for a form.
    weight : (n,) float64
        Occurrences of each in the source.
    """

    kind: ClassVar[str] = "presentation"

    variable: str
    amount: str
    route: tuple[str, ...]
    level: tuple[str, ...]
    dose: Floats
    weight: Floats

    @classmethod
    def fit(cls, head: Dataset, variable: str, amount: str, route: Text, subject: NDArray[np.int32], k: int) -> Presentation:
        """Learn which forms or units, with their doses, at least `k` subjects share by each route."""
        doses = head[amount] if amount else None
        values = doses.values if isinstance(doses, Numbers) else np.full(head.n_rows, np.nan)
        known, dose = np.unique(values, return_inverse=True)
        column = head.text(variable)
        triples, code, count = np.unique(
            np.stack([route.codes, column.codes, dose.reshape(-1)]), axis=1, return_inverse=True, return_counts=True
        )
        shared = count_subjects(code.reshape(-1).astype(np.int64), subject, len(count)) >= k
        shared &= (triples[:2] >= 0).all(axis=0) & (np.isfinite(known[triples[2]]) | (not amount))
        by, level, dose = triples[:, shared]
        return cls(
            variable,
            amount,
            tuple(route.levels[by].tolist()),
            tuple(column.levels[level].tolist()),
            known[dose],
            count[shared].astype(np.float64),
        )

    def apply(self, columns: Mapping[str, Column], routes: Text, use: MedicineUse, u: Floats) -> dict[str, Column]:
        """Replace what is not given by the route of the row, where the source has something else by it.

        Parameters
        ----------
        columns : mapping of str to Column
        routes : Text
            Of the rows.
        use : MedicineUse
        u : (n_rows,) float64
            Uniform numbers, equal in the rows of one occurrence.
        """
        column, amount = columns[self.variable], columns.get(self.amount)
        if not isinstance(column, Text):
            return dict(columns)
        pairs = set(zip(self.level, self.route, strict=True))
        levels, ways = column.levels.tolist(), routes.levels.tolist()
        odd = np.array([[(one, way) not in pairs and not use.fits(one, way) for way in [*ways, ""]] for one in [*levels, ""]])
        wrong = odd[column.codes, routes.codes] & (column.codes >= 0) & (routes.codes >= 0)
        texts = list(dict.fromkeys([*levels, *self.level]))
        offered = np.array([texts.index(one) for one in self.level], np.int32)
        codes = column.codes.astype(np.int32)
        dose = amount.values.copy() if isinstance(amount, Numbers) else None
        for code in np.unique(routes.codes[wrong]).tolist():
            rows = np.flatnonzero(wrong & (routes.codes == code))
            weight = self._weights(str(ways[code]), use)
            if weight.sum() > 0:
                chosen = np.searchsorted(np.cumsum(weight) / weight.sum(), u[rows], side="right").clip(max=len(weight) - 1)
                codes[rows] = offered[chosen]
                if dose is not None:
                    dose[rows] = self.dose[chosen]
        out: dict[str, Column] = {**columns, self.variable: Text(codes, np.array(texts, object))}
        return out if dose is None else {**out, self.amount: Numbers(dose)}

    def _weights(self, route: str, use: MedicineUse) -> Floats:
        """Weight of each way by a route: those that the source gives by it, else those that fit any route."""
        same = np.array([one == route for one in self.route], bool)
        if not same.any():
            everywhere = {one: all(use.fits(one, by) for by in use.by_route) for one in dict.fromkeys(self.level)}
            same = np.array([everywhere[one] for one in self.level], bool)
        return np.where(same, self.weight, 0.0)


@dataclass(frozen=True, eq=False)
class Routes:
    """What is known of the routes of the source.

    Attributes
    ----------
    route : str
        The variable.
    names : tuple of str
        Variables that name the medicine, the closest name first.
    common : tuple of str
        Routes that at least k subjects share.
    weight : (n_common,) float64
        Occurrences of each.
    kept_kind, kept_route : (n_kept,) int64
        Kinds of terms with a route (position in `common`) that at least k subjects share: such a route stays, however unusual.
    presentations : tuple of Presentation
        Forms and units of doses.
    """

    kind: ClassVar[str] = "routes"

    route: str
    names: tuple[str, ...]
    common: tuple[str, ...]
    weight: Floats
    kept_kind: Ints
    kept_route: Ints
    presentations: tuple[Presentation, ...]

    @classmethod
    def fit(cls, medicines: Medicines) -> Routes | None:
        """Learn from occurrences of medicines; None where they have no routes."""
        head, names, subject, k = medicines.head, medicines.names, medicines.subject, medicines.k
        route, form, unit, dose = (medicines.filled(suffix) for suffix in ("ROUTE", "DOSFRM", "DOSU", "DOSE"))
        if not names or not route or not isinstance(column := head[route], Text):
            return None
        codes, levels = column_codes(column)
        shared = np.flatnonzero(medicines.are_shared(codes, len(levels)))
        amount = dose if dose and isinstance(head[dose], Numbers) else ""
        forms = tuple(
            Presentation.fit(head, name, of, column, subject, k)
            for name, of in ((form, ""), (unit, amount))
            if name and isinstance(head[name], Text)
        )
        weight = np.bincount(codes[codes >= 0], minlength=len(levels))[shared].astype(np.float64)
        kind, code = medicines.own_pairs(codes)
        place = np.searchsorted(shared, code).astype(np.int64)
        return cls(route, names, tuple(levels.strings()[shared].tolist()), weight, kind, place, forms)

    def are_own(self, kind_of: Ints, route: Column) -> Bools:
        """Whether routes (n,) are the source's own for kinds of terms (n,), however unusual."""
        codes, levels = column_codes(route)
        texts = list(dict.fromkeys([*levels.strings().tolist(), *self.common]))
        own = np.pad(self._own(kind_of, texts)[0], ((0, 0), (0, 1)))  # the last for rows without a route, where there may be none
        return np.asarray((codes >= 0) & own[np.arange(len(codes)), codes], bool)

    def apply(self, columns: Mapping[str, Column], occurrence: Ints, kind_of: Ints, rng: np.random.Generator) -> dict[str, Column]:
        """Put routes by which a medicine is given in the place of others, and what is given by a route in the place of what is not.

        A medicine that no list knows is given by the routes by which at least k subjects of the source have it, if there are any.
        One for which no route will do that k subjects share keeps what it was given: another might be that of one subject alone.

        Parameters
        ----------
        columns : mapping of str to Column
            Of the rows.
        occurrence : (n_rows,) int64
            Occurrence of each row; the rows of one are changed alike.
        kind_of : (n,) int64
            Kind of term of each occurrence.
        """
        u = rng.random((1 + len(self.presentations), len(kind_of)))[:, occurrence]
        column = columns[self.route]
        if not isinstance(column, Text):
            return dict(columns)
        use = load_medicine_use()
        named, medicine = distinct_medicines(columns, self.names, len(column))
        given = [use.routes_of(*one) for one in named]
        texts = list(dict.fromkeys([*column.levels.tolist(), *self.common]))
        listed = np.array([[use.allows(one, text) for text in texts] for one in given], bool).reshape(len(given), len(texts))
        known = np.array([bool(one) for one in given], bool)
        own, kept = self._own(kind_of[occurrence], texts)
        allowed = np.where((known[medicine] | ~kept)[:, None], listed[medicine], False) | own
        codes = column.codes.astype(np.int64)
        known_routes = np.flatnonzero(codes >= 0)
        rows = known_routes[~allowed[known_routes, codes[known_routes]]]
        weight = np.zeros(len(texts))
        weight[[texts.index(text) for text in self.common]] = self.weight
        likely = np.where(self._fitting(columns, rows, texts, use), 1.0, UNLIKELY) * weight * allowed[rows]
        edge, total = np.cumsum(likely, axis=1), likely.sum(axis=1)
        codes[rows] = np.where(total > 0, (edge <= (u[0, rows] * total)[:, None]).sum(axis=1).clip(max=len(texts) - 1), codes[rows])
        routes = Text(codes.astype(np.int32), np.array(texts, object)).compact()
        out: dict[str, Column] = {**columns, self.route: routes}
        for presentation, numbers in zip(self.presentations, u[1:], strict=True):
            out = presentation.apply(out, routes, use, numbers)
        return out

    def _fitting(self, columns: Mapping[str, Column], rows: NDArray[np.intp], texts: list[str], use: MedicineUse) -> Bools:
        """Whether the presentation of some rows is given by each route: (n_rows, n_routes)."""
        out = np.ones((len(rows), len(texts)), bool)
        for presentation in self.presentations:
            column = columns[presentation.variable]
            if isinstance(column, Text):
                fits = np.array([[use.fits(str(one), text) for text in texts] for one in [*column.levels.tolist(), ""]], bool)
                out &= fits[column.codes[rows]]
        return out

    def _own(self, kind_of: Ints, texts: list[str]) -> tuple[Bools, Bools]:
        """Which routes are the source's own for the kind of term of each row (n_rows, n_routes), and whether any is (n_rows,)."""
        kinds, place = np.unique(self.kept_kind, return_inverse=True)
        table = np.zeros((len(kinds) + 1, len(texts)), bool)
        table[place.reshape(-1), np.array([texts.index(text) for text in self.common], np.int64)[self.kept_route]] = True
        at = np.searchsorted(kinds, kind_of)
        at = np.where(np.append(kinds, -1)[at] == kind_of, at, len(kinds))
        return table[at], at < len(kinds)
