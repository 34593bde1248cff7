"""Stand-ins for rare medicines go with how those were given: route, unit and dose are the source's, and the medicine suits them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar, TypeAlias

import numpy as np
from numpy.typing import NDArray

from replicator.derivations.derive import blanked
from replicator.distinct import distinct_values
from replicator.profile.structure import DatasetStructure
from replicator.standards.medicine_use import BY_MOUTH, MedicineUse, load_medicine_use, times_a_day
from replicator.study_model.columns.codes import column_codes, count_subjects
from replicator.study_model.events.catalogue import TermCatalogue
from replicator.study_model.events.doses import NEAR, PER_MG
from replicator.tables.dataset import Column, Dataset, Numbers, Text

Bools = NDArray[np.bool_]
Doses: TypeAlias = tuple[tuple[float, str], ...]
Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Uses:
    """Which variables say how a medicine is given.

    Attributes
    ----------
    route, unit, dose, often : str
        Route, unit, dose and frequency; ``""`` for those that are not there.
    names : tuple of str
        Variables that name the medicine, the closest name first.
    units : tuple of str
        Units that at least k subjects share; no other is put in.
    most_dose : float
        Greatest dose that at least k subjects share; none beyond it is put in.
    """

    kind: ClassVar[str] = "uses"

    route: str
    unit: str
    dose: str
    often: str
    names: tuple[str, ...]
    units: tuple[str, ...]
    most_dose: float

    @classmethod
    def fit(cls, head: Dataset, structure: DatasetStructure, subject: NDArray[np.int32], k: int) -> Uses | None:
        """Learn from first rows of occurrences of medicines; None where they have no routes, or nothing names them."""
        route, unit, dose, often, *named = (
            name if (name := structure.named(suffix)) and not head[name].missing.all() else ""
            for suffix in ("ROUTE", "DOSU", "DOSE", "DOSFRQ", "TRT", "DECOD")
        )
        names = tuple(filter(None, named))
        if not route or not names or not isinstance(head[route], Text):
            return None
        unit, often = (name if name and isinstance(head[name], Text) else "" for name in (unit, often))
        dose = dose if dose and unit and isinstance(head[dose], Numbers) else ""
        units: tuple[str, ...] = ()
        if unit:
            codes, levels = column_codes(head[unit])
            units = tuple(levels.strings()[count_subjects(codes, subject, len(levels)) >= k].tolist())
        most = np.inf
        if dose:
            codes, doses = column_codes(head[dose])
            shared = count_subjects(codes, subject, len(doses)) >= k
            most = float(doses.values[shared].max(initial=0.0)) if isinstance(doses, Numbers) else np.inf
        return cls(route, unit, dose, often, names, units, most)

    def choose(
        self,
        catalogue: TermCatalogue,
        pairs: tuple[Ints, Ints, Ints],
        own_route: Bools,
        meets: Bools | None,
        columns: Mapping[str, Column],
        head: Ints,
        rng: np.random.Generator,
    ) -> tuple[Ints, Column]:
        """Draw stand-ins anew that nobody would be given so, and let them have routes that do not go with the source's own terms.

        Parameters
        ----------
        catalogue : TermCatalogue
        pairs : three arrays (n,) int64
            Kind, slot and row of the catalogue of each subject's medicines.
        own_route : (n,) bool
            Whether the route is the source's own for the kind of term.
        meets : (n, n_needs) bool, optional
            As in :meth:`TermCatalogue.sample`.
        columns : mapping of str to Column
            Of the rows of the dataset.
        head : (n,) int64
            First row of each of the medicines.

        Returns
        -------
        row : (n,) int64
            Rows of the catalogue.
        route : Column
            Route of each, n cells.
        """
        kind_of, slot, row = pairs
        cells = {name: columns[name].take(head) for name in (self.route, self.unit, self.dose, self.often) if name}
        way, by_route, wholly = self._suits(catalogue, cells)
        route, ways = column_codes(cells[self.route])
        place = {text: i for i, text in enumerate(catalogue.routes)}
        shared = np.array([*(place.get(str(text), -1) for text in ways.strings().tolist()), -1], np.int64)
        partner = _partners(catalogue, kind_of, shared[route], ~by_route[way, row] & ~own_route, rng)
        if (partner != np.arange(len(row))).any():
            cells[self.route] = cells[self.route].take(partner)
            way, by_route, wholly = self._suits(catalogue, cells)
        drawn = catalogue.sample_again(kind_of, slot, row, shared[route[partner]], (by_route[way], wholly[way]), meets, rng)
        return drawn, cells[self.route]

    def suits(self, catalogue: TermCatalogue, row: Ints, columns: Mapping[str, Column]) -> Bools:
        """Whether each medicine (n,), a row of the catalogue, would be given as its columns say."""
        cells = {name: columns[name] for name in (self.route, self.unit, self.dose, self.often) if name}
        way, _, wholly = self._suits(catalogue, cells)
        return np.asarray(wholly[way, row], bool)

    def _suits(self, catalogue: TermCatalogue, cells: Mapping[str, Column]) -> tuple[Ints, Bools, Bools]:
        """How each medicine is given, and which rows of the catalogue go with the route and with all of a way to give it.

        Returns
        -------
        way : (n,) int64
        by_route, wholly : (n_ways, n_rows) bool
        """
        use, of = load_medicine_use(), _listed_uses(catalogue, self.names)
        parts = [(name, *column_codes(column)) for name, column in cells.items()]
        distinct, way = distinct_values(np.stack([codes for _, codes, _ in parts]), axis=1, return_inverse=True)
        by_route, wholly = (np.ones((distinct.shape[1], len(of.most)), bool) for _ in range(2))
        for i, codes in enumerate(distinct.T.tolist()):
            told = {name: levels.take(np.array([code])) for (name, _, levels), code in zip(parts, codes, strict=True) if code >= 0}
            route, unit, often = (_text(told.get(name)) for name in (self.route, self.unit, self.often))
            dose = float(cell.values[0]) if isinstance(cell := told.get(self.dose), Numbers) else np.nan
            if not route:
                continue
            by_route[i] = of.allowed(route)
            wholly[i] = by_route[i] & ((of.most == 0) | (times_a_day(often) <= of.most))
            if use.route_of(route) == BY_MOUTH and unit.upper() in PER_MG:
                with np.errstate(invalid="ignore"):
                    mg = dose / PER_MG[unit.upper()]
                    wholly[i] &= ~((mg < of.least_mg / NEAR) | (mg > of.most_mg * NEAR))
            elif unit:
                unlisted, (listed, which) = _without_use(use, route, unit), of.doses(route)
                wholly[i] &= np.array([(_among(one, unit, dose) if one else unlisted) is not False for one in listed])[which]
        return way.reshape(-1).astype(np.int64), by_route, wholly

    def apply(
        self, columns: Mapping[str, Column], stand_in: Bools, occurrence: Ints, rng: np.random.Generator
    ) -> dict[str, Column]:
        """Put usual doses and units in the place of those that no medicine given otherwise than by mouth has, or none.

        Parameters
        ----------
        columns : mapping of str to Column
            Of the rows, with what stands for the medicines.
        stand_in : (n_rows,) bool
            Whether medicine or dose is not the source's own.
        occurrence : (n_rows,) int64
            The rows of one get one dose.
        """
        if not self.unit:
            return dict(columns)
        use = load_medicine_use()
        unit, dose = columns[self.unit], columns.get(self.dose)
        assert isinstance(unit, Text)
        u = rng.random(int(occurrence.max(initial=-1)) + 1)[occurrence]
        parts = [column_codes(columns[name]) for name in (*self.names, self.route, self.unit, self.dose) if name]
        words = [np.append(levels.strings(), "") for _, levels in parts]
        rows = np.flatnonzero(stand_in & ~unit.missing)
        distinct, way = np.unique(np.stack([codes[rows] for codes, _ in parts]), axis=1, return_inverse=True)
        texts, values = list(unit.levels.tolist()), dose.values.copy() if isinstance(dose, Numbers) else np.full(len(unit), np.nan)
        codes = unit.codes.astype(np.int32)
        gone = np.zeros(len(unit), bool)
        for i, one in enumerate(distinct.T.tolist()):
            cells = [str(words[j][code]) for j, code in enumerate(one)]
            named, route, of = cells[: len(self.names)], cells[len(self.names)], cells[len(self.names) + 1]
            amount = float(cells[-1]) if self.dose and cells[-1] else np.nan
            if not route or _usual(use, named, route, of, amount) is not False:
                continue
            mine = rows[way.reshape(-1) == i]
            offered = [(mg, text) for mg, text in use.uses(route, *named) if text in self.units and mg <= self.most_dose]
            if not offered:
                gone[mine] = True
                continue
            pick = np.floor(u[mine] * len(offered)).astype(np.int64)
            texts += [text for _, text in offered if text not in texts]
            codes[mine] = np.array([texts.index(text) for _, text in offered], np.int32)[pick]
            values[mine] = np.array([mg for mg, _ in offered])[pick]
        out: dict[str, Column] = {**columns, self.unit: blanked(Text(codes, np.array(texts, object)), gone)}
        return out if dose is None else {**out, self.dose: blanked(Numbers(values), gone)}


@dataclass(frozen=True, eq=False)
class _ListedUses:
    """What is known of the medicines of a catalogue, looked up once.

    Attributes
    ----------
    routes : list of frozenset of str
        By which each of the n_rows is given; empty where no list tells.
    uses : list of mapping
        Usual doses of each by a route.
    most : (n_rows,) float64
        How often a day a medicine is taken at most, 0 where no list tells.
    least_mg, most_mg : (n_rows,) float64
        Bounds of the usual single doses by mouth, NaN where no list tells.
    by_route : dict
        Rows that may be given by a route, and their doses by it; filled as routes are asked for.
    """

    routes: list[frozenset[str]]
    uses: list[Mapping[str, Doses]]
    most: Floats
    least_mg: Floats
    most_mg: Floats
    by_route: dict[str, tuple[Bools, list[Doses], Ints]]

    def allowed(self, route: str) -> Bools:
        """Rows (n_rows,) that may be given by a route."""
        return self._of(route)[0]

    def doses(self, route: str) -> tuple[list[Doses], Ints]:
        """Return the distinct usual doses by a route, and which of them each row has, (n_rows,)."""
        return self._of(route)[1:]

    def _of(self, route: str) -> tuple[Bools, list[Doses], Ints]:
        if route not in self.by_route:
            use = load_medicine_use()
            allowed, listed = np.array([use.allows(given, route) for given in self.routes], bool), use.route_of(route)
            doses = [one.get(listed, ()) for one in self.uses]
            place = {one: at for at, one in enumerate(dict.fromkeys(doses))}
            self.by_route[route] = allowed, list(place), np.array([place[one] for one in doses], np.int64)
        return self.by_route[route]


@lru_cache(maxsize=8)
def _listed_uses(catalogue: TermCatalogue, variables: tuple[str, ...]) -> _ListedUses:
    """Look up what is known of the medicines that these variables of a catalogue name."""
    use, place = load_medicine_use(), {name: i for i, name in enumerate(catalogue.variables)}
    found = [catalogue.columns[place[name]].strings().tolist() for name in variables if name in place]
    names = list(zip(*found, strict=True))
    doses = [use.doses(*words) for words in names]
    least_mg, most_mg = (np.array([pick(one, default=np.nan) for one in doses]) for pick in (min, max))
    often = np.array([use.often(*words) for words in names], np.float64)
    routes, uses = [use.routes_of(*words) for words in names], [use.uses_of(*words) for words in names]
    return _ListedUses(routes, uses, often, least_mg, most_mg, {})


def _partners(catalogue: TermCatalogue, kind_of: Ints, route: Ints, odd: Bools, rng: np.random.Generator) -> Ints:
    """With whom each medicine changes routes (n,), itself for most: one of the source's terms whose route is odd with a stand-in.

    The stand-in is one of a pool with others that are given by the odd route, and has the route that most have.
    """
    out = np.arange(len(kind_of))
    own = catalogue.slots[kind_of] == 1
    if not (route >= 0).any():
        return out
    usual = int(np.bincount(route[route >= 0]).argmax())
    free = ~own & (route == usual) & ~odd
    for one in np.unique(route[own & odd & (route >= 0)]).tolist():
        takers = np.flatnonzero(own & odd & (route == one))
        givers = np.flatnonzero(free & np.isin(kind_of, catalogue.other_kind[catalogue.other_route == one]))
        givers = givers[np.argsort(rng.random(len(givers)))][: len(takers)]
        takers = takers[: len(givers)]
        out[takers], out[givers] = givers, takers
        free[givers] = False
    return out


def _usual(use: MedicineUse, names: tuple[str, ...] | list[str], route: str, unit: str, dose: float) -> bool | None:
    """Whether a dose in a unit is a usual one by a route other than the mouth; None where no list tells.

    A weight is none of a medicine without a listed use by a route by which others have one.
    """
    listed = use.uses(route, *names)
    return _among(listed, unit, dose) if listed else _without_use(use, route, unit)


def _without_use(use: MedicineUse, route: str, unit: str) -> bool | None:
    """What :func:`_usual` says of a medicine without a listed use by the route."""
    return False if unit.upper() in PER_MG and use.route_of(route) in use.measured_routes else None


def _among(listed: Doses, unit: str, dose: float) -> bool:
    """Whether a dose in a unit is near a listed one."""
    near = [of for of in listed if of[1].upper() == unit.upper()]
    return any(not dose < usual / NEAR and not dose > usual * NEAR for usual, _ in near)


def _text(cell: Column | None) -> str:
    return str(cell.strings()[0]) if isinstance(cell, Text) else ""
