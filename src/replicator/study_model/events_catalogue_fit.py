"""Putting a catalogue of terms together: common terms as they are, rare ones as stand-ins."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
from numpy.typing import NDArray

from replicator.config import FitConfig
from replicator.heavy import pandas as pd
from replicator.rng import stream
from replicator.standards.stand_ins import load_stand_ins
from replicator.study_model.attributes import count_subjects
from replicator.study_model.events_catalogue import TermCatalogue, Terms
from replicator.study_model.events_names import Namer, Style
from replicator.tables.dataset import Column, Numbers, Text

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

CONSTANT = 0.95  # share of a pool's occurrences that must agree in a value for its stand-ins to have it
SHARED = 1.3  # terms per value, from which on a variable stands above the term
SEXES = ("", "F", "M")
NEUTRAL = -3
OTHERS = 6  # medicines of a pool for each further route
RARE_CLASS = -9


class CatalogueBuilder:
    """Puts a catalogue together, kind by kind (loops run over distinct terms, not over rows)."""

    def __init__(
        self,
        names: list[str],
        coded: Mapping[str, tuple[Ints, Column]],
        unit: Ints,
        subject: NDArray[np.int32],
        kept: NDArray[np.bool_],
        basis: Ints,
        block: Ints,
        base: str,
        topic: str,
        config: FitConfig,
        route: Ints,
        route_name: tuple[str, ...],
        shared_routes: Ints,
        grouped_by: str,
        coded_base: bool,
        adults: bool,
    ) -> None:
        self.coded_base, self.adults = coded_base, adults
        self.route, self.route_name, self.shared_routes = route, route_name, shared_routes
        self.names, self.coded, self.unit, self.subject, self.kept = names, coded, unit, subject, kept
        self.basis, self.block, self.base, self.topic, self.config = basis, block, base, topic, config
        self.texts = {name: [str(t) for t in coded[name][1].strings()] for name in names}
        self.styles = {name: Style.of(self.texts[name], config.k) for name in names}
        self.above = {
            name: name not in (base, topic) and (name == grouped_by or _stands_above(unit, coded[name][0])) for name in names
        }
        self.modal = {name: modal_code(coded[name][0], unit, len(kept))[0] for name in names}
        self.rare = {name: self._rare_texts(name) for name in names}
        self.cells: dict[str, list[str]] = {name: [] for name in names}
        self.own: set[str] = set()

    def _rare_texts(self, name: str) -> set[str]:
        people = count_subjects(self.coded[name][0], self.subject, len(self.texts[name]))
        return {text.casefold() for text, n in zip(self.texts[name], people.tolist(), strict=True) if n < self.config.k_terms}

    def build(self, dataset: str, stand_in_kind: str, class_names: tuple[str, ...], grave: bool) -> Terms:
        """Make the catalogue of a dataset: the common terms, a pool of stand-ins for each class, and fatal terms if wanted."""
        rng = stream(0, "stand-ins", dataset)
        source = {text.casefold() for texts in self.texts.values() for text in texts}
        namer = Namer(load_stand_ins(), stand_in_kind, source, rng, self.adults)
        numbers = {name: self.styles[name].numbering(self.texts[name], rng) for name in self.names}
        common = np.flatnonzero(self.kept)
        first, count, edge = self._common(common, numbers)
        self.own = set(self.cells[self.topic or self.base])
        sex = self._sexes(namer)
        pool_key = np.stack([self.block, self.basis, self.route, sex], axis=1)[~self.kept]
        keys, pool = np.unique(pool_key, axis=0, return_inverse=True) if len(pool_key) else (pool_key, np.empty(0, np.int64))
        pool = pool.reshape(-1)
        kind_of_unit = np.full(len(self.kept), -1, np.int64)
        kind_of_unit[common] = np.arange(len(common))
        kind_of_unit[~self.kept] = len(common) + pool
        blocks = [*self.block[common].tolist(), *keys[:, 0].tolist()]
        slots, labels = [1] * len(common), [self._display(int(u)) for u in common]
        pairs = np.unique(np.stack([self.unit, self.subject], axis=1), axis=0)
        for p, (block, basis, route, bound) in enumerate(keys.tolist()):
            mine = np.flatnonzero(kind_of_unit == len(common) + p)
            inside = pairs[np.isin(pairs[:, 0], mine)]
            size = _pool_size(len(mine), len(inside))
            most = int(np.bincount(inside[:, 1]).max())
            name = class_names[block] if 0 <= block < len(class_names) else ""
            donor = self._donors(block, basis, size, rng)
            by = self.route_name[route] if route >= 0 else ""
            reported = basis != -2 or not self.coded_base
            if block >= 0 or donor is None:
                names = namer.names(name, size, by, SEXES[bound], reported)
                donor = donor if donor is None else donor[: len(names)]
            else:
                names, donor = self._names_by_donor(donor, class_names, namer, by, SEXES[bound], reported)
            size = len(names)
            first.append(len(self.cells[self.names[0]]))
            count.append(size)
            edge += [len(common) + p + (i + 1) / size for i in range(size)]
            slots.append(int(min(size, max(2, 2 * most))))
            whose = ["of one sex"] if bound else []
            labels.append(" ".join(["rare terms", *([f"of {name}"] if name else []), *([f"given {by}"] if by else []), *whose]))
            self._pool(block, basis, names, donor, numbers)
        begin = len(self.cells[self.names[0]])
        others = np.array(self._others(keys, len(common), class_names, namer, numbers, rng), np.int64).reshape(-1, 4)
        before = len(self.cells[self.names[0]])
        if grave:
            self._grave(class_names, namer, numbers, rng)
        fatal = np.arange(before, len(self.cells[self.names[0]]), dtype=np.int64)
        beside = len(self.cells[self.names[0]]) - begin
        edge += [len(slots) + (i + 1) / beside for i in range(beside)]
        columns = tuple(self._column(name) for name in self.names)
        catalogue = TermCatalogue(
            tuple(self.names),
            columns,
            tuple(labels),
            np.unique(np.array(blocks, np.int64), return_inverse=True)[1].reshape(-1).astype(np.int32),
            (*(SEXES[code] for code in sex[common].tolist()), *(SEXES[code] for code in keys[:, 3].tolist())),
            np.array(slots, np.int32),
            np.array(first, np.int64),
            np.array(count, np.int64),
            np.array(edge),
            *self._needs(namer),
            self._lost(namer),
            np.array([namer.least_age_of(words) for words in self._words()], np.float64),
            np.array([namer.lasts(words) for words in self._words()], bool),
            np.array([namer.is_grave(words) for words in self._words()], bool),
            tuple(self.route_name[code] for code in self.shared_routes.tolist()),
            *others.T,
        )
        rare = int((~self.kept).sum())
        notes = (
            (
                f"{dataset}.{self.base}: {rare} of {len(self.kept)} terms have too few subjects "
                f"(k_terms={self.config.k_terms}) and are replaced by stand-ins of the same class; lower k_terms to keep them.",
            )
            if rare
            else ()
        )
        return Terms(catalogue, kind_of_unit[self.unit], self.unit, notes, fatal)

    def _grave(
        self, class_names: tuple[str, ...], namer: Namer, numbers: Mapping[str, list[str]], rng: np.random.Generator
    ) -> None:
        """Rows of what somebody may die of, class by class of those that the source has.

        Where classes are too small to group the terms, the classes that common terms stand in serve one by one; where none is
        listed, anything does.
        """
        units = np.flatnonzero(self.kept & (self.basis == -2))
        blocks = np.unique(self.block[units]).tolist()
        groups = [
            (units[self.block[units] == block], namer.grave(class_names[block]))
            for block in blocks
            if block >= 0 and class_names[block]
        ]
        if not any(names for _, names in groups):
            written = {name: self.modal[name][units] for name in self.names if name not in (self.base, self.topic)}
            groups = [
                (units[codes == code], namer.grave(self.texts[name][code]))
                for name, codes in written.items()
                for code in np.unique(codes[codes >= 0]).tolist()
            ]
        if len(units) and not any(names for _, names in groups):
            groups = [(units, namer.grave(""))]
        for members, names in groups:
            if names:
                donor = members[rng.integers(0, len(members), len(names))]
                self._pool(int(self.block[donor[0]]), -2, names, donor, numbers)

    def _others(
        self,
        keys: Ints,
        n_common: int,
        class_names: tuple[str, ...],
        namer: Namer,
        numbers: Mapping[str, list[str]],
        rng: np.random.Generator,
    ) -> list[tuple[int, int, int, int]]:
        """Make rows of medicines of each pool's class that are given by shared routes other than the pool's: see `other_kind`.

        How many there are of a route says nothing of the source.
        """
        out = []
        for p, (block, basis, route, bound) in enumerate(keys.tolist()):
            if not 0 <= block < len(class_names):
                continue
            reported = basis != -2 or not self.coded_base
            for place, code in enumerate(self.shared_routes.tolist()):
                by = self.route_name[code]
                names = namer.given(class_names[block], OTHERS, by, SEXES[bound], reported) if code != route else []
                if names:
                    out.append((n_common + p, place, len(self.cells[self.names[0]]), len(names)))
                    self._pool(block, basis, names, self._donors(block, basis, len(names), rng), numbers)
        return out

    def _donors(self, block: int, basis: int, size: int, rng: np.random.Generator) -> Ints | None:
        donors = np.flatnonzero(self.kept & (self.basis == basis) & ((self.block == block) | (block == RARE_CLASS)))
        return donors[rng.integers(0, len(donors), size)] if len(donors) else None

    def _needs(self, namer: Namer) -> tuple[Ints, tuple[tuple[str, ...], ...]]:
        """What each row that is a stand-in is given for; of the source's own terms the source tells."""
        words = [() if name in self.own else namer.needs_of(name.upper()) for name in self.cells[self.topic or self.base]]
        needs = tuple(dict.fromkeys(one for one in words if one))
        return np.array([needs.index(one) if one else -1 for one in words], np.int64), needs

    def _lost(self, namer: Namer) -> Ints:
        """What each row says is lost for ever, numbered; -1 for nothing."""
        said = [namer.lost_by(words) for words in self._words()]
        numbers = {one: number for number, one in enumerate(dict.fromkeys(filter(None, said)))}
        return np.array([numbers.get(one, -1) for one in said], np.int64)

    def _words(self) -> Iterable[tuple[str, ...]]:
        """Cells of each row that name the term itself, not what stands above it."""
        return zip(*(self.cells[name] for name in self.names if not self.above[name]), strict=True)

    def _sexes(self, namer: Namer) -> Ints:
        """Position in SEXES of the sex that alone has each term; of the rare ones only where enough subjects have such terms."""
        cells = [[self.texts[name][c] if c >= 0 else "" for c in self.modal[name].tolist()] for name in self.names]
        sex = np.array([SEXES.index(namer.sex_of(words)) for words in zip(*cells, strict=True)], np.int64)
        cell = np.unique(np.stack([self.block, self.basis, self.route, sex], axis=1), axis=0, return_inverse=True)[1].reshape(-1)
        rare = np.where(self.kept, -1, cell)[self.unit]
        people = count_subjects(rare, self.subject, int(cell.max()) + 1)
        return np.where(self.kept | (people[cell] >= self.config.k), sex, 0)

    def _names_by_donor(
        self, donor: Ints, class_names: tuple[str, ...], namer: Namer, route: str, sex: str, reported: bool
    ) -> tuple[list[str], Ints]:
        """Names of the donors' classes, and the donor of each; a donor is left without, where its class has no more."""
        out = [""] * len(donor)
        for block in np.unique(self.block[donor]).tolist():
            places = np.flatnonzero(self.block[donor] == block).tolist()
            drawn = namer.names(class_names[block] if 0 <= block < len(class_names) else "", len(places), route, sex, reported)
            for place, name in zip(places, drawn, strict=False):
                out[place] = name
        return [name for name in out if name], donor[[bool(name) for name in out]]

    def _display(self, unit: int) -> str:
        for name in (self.base, self.topic, *self.names):
            if name and self.modal[name][unit] >= 0 and not (name == self.base and self.basis[unit] != -2):
                return str(self.texts[name][self.modal[name][unit]])
        return "TERM"

    def _common(self, common: Ints, numbers: Mapping[str, list[str]]) -> tuple[list[int], list[int], list[float]]:
        """Rows of the common terms: their ways of being written that enough subjects share, and a neutral one for the rest."""
        rows = np.flatnonzero(self.kept[self.unit])
        position = np.full(len(self.kept), -1, np.int64)
        position[common] = np.arange(len(common))
        key = position[self.unit[rows]]
        owner = self.subject[rows]
        display = [self._display(int(u)).casefold() for u in common]
        order = sorted(self.names, key=lambda v: (v != self.base, len(self.texts[v])))
        chosen: dict[str, Ints] = {}
        for name in order:
            code = self.coded[name][0][rows]
            pair, inverse = np.unique(np.stack([key, code], axis=1), axis=0, return_inverse=True)
            inverse = inverse.reshape(-1)
            people = count_subjects(inverse, owner, len(pair))
            is_text = name == self.topic and name != self.base
            enough = people >= (self.config.k if is_text else self.config.k_terms)
            if is_text:
                unit_of_key = position[self.unit[rows]][np.unique(inverse, return_index=True)[1]]
                same = [
                    c >= 0 and self.texts[name][c].casefold() == display[u]
                    for c, u in zip(pair[:, 1].tolist(), unit_of_key.tolist(), strict=True)
                ]
                enough |= np.array(same, bool) & (people >= 1)
                enough |= (self.basis[common][unit_of_key] != -2) & (people >= 1)
            chosen[name] = np.where(enough[inverse], code, NEUTRAL)
            key = np.unique(np.stack([key, chosen[name]], axis=1), axis=0, return_inverse=True)[1].reshape(-1)
        unit_of = position[self.unit[rows]]
        if not len(rows):
            return [], [], []
        way, index, weight = np.unique(np.stack([unit_of, key], axis=1), axis=0, return_index=True, return_counts=True)
        for name in self.names:
            for u, c in zip(way[:, 0].tolist(), chosen[name][index].tolist(), strict=True):
                if c == NEUTRAL:
                    self.cells[name].append(self._neutral(name, self._display(int(common[u])), numbers[name]))
                else:
                    self.cells[name].append(self.texts[name][c] if c >= 0 else "")
        count = np.bincount(way[:, 0], minlength=len(common))
        first = np.cumsum(count) - count
        running = np.cumsum(weight)
        total = np.bincount(way[:, 0], weights=weight, minlength=len(common))
        before = (np.cumsum(total) - total)[way[:, 0]]
        edge = way[:, 0] + (running - before) / total[way[:, 0]]
        return first.tolist(), count.tolist(), edge.tolist()

    def _neutral(self, name: str, display: str, numbers: list[str]) -> str:
        """Cell of a variable where its own values are too rare: the term itself, but never the text of one of the rare values."""
        if self.styles[name].numbered:
            return numbers.pop()
        text = self.styles[name].write(display)
        return self.styles[name].write(f"{display} NOS") if text.casefold() in self.rare[name] else text

    def _pool(self, block: int, basis: int, names: list[str], donor: Ints | None, numbers: Mapping[str, list[str]]) -> None:
        """Rows of a pool's stand-ins; a donor is the common term from which each takes what stands above a term."""
        peers = np.flatnonzero((self.block == block) & (self.basis == basis))
        rows = np.isin(self.unit, peers)
        for name in self.names:
            code = self.coded[name][0][rows]
            values, inverse, counts = np.unique(code, return_inverse=True, return_counts=True)
            top = int(counts.argmax())
            people = len(np.unique(self.subject[rows][inverse.reshape(-1) == top]))
            if counts[top] >= CONSTANT * counts.sum() and people >= self.config.k_terms and (len(peers) > 1 or values[top] < 0):
                self.cells[name] += [self.texts[name][values[top]] if values[top] >= 0 else ""] * len(names)
            elif donor is not None and self.above[name]:
                taken = self.modal[name][donor].tolist()
                self.cells[name] += [self.texts[name][c] if c >= 0 else "" for c in taken]
            else:
                self.cells[name] += [self._neutral(name, text, numbers[name]) for text in names]

    def _column(self, name: str) -> Column:
        if isinstance(self.coded[name][1], Numbers):
            return Numbers(pd.to_numeric(pd.Series(self.cells[name], dtype=object), errors="coerce").to_numpy(np.float64))
        return Text.of(self.cells[name])


def _stands_above(unit: Ints, codes: Ints) -> bool:
    """Whether a variable's values group terms; the value with most terms (a bucket) is left out."""
    pairs = np.unique(np.stack([unit, codes], axis=1), axis=0)
    each = np.sort(np.unique(pairs[:, 1], return_counts=True)[1])[:-1]
    return bool(len(each) and each.mean() > SHARED)


def _pool_size(terms: int, pairs: int) -> int:
    """Number of stand-ins of which `pairs` draws show about `terms` different ones."""
    low, high = float(terms), 5.0 * terms + 5
    for _ in range(40):
        middle = (low + high) / 2
        low, high = (middle, high) if middle * (1 - np.exp(-pairs / middle)) < terms else (low, middle)
    return max(1, round(high))


def modal_code(codes: Ints, group: Ints, n_groups: int) -> tuple[Ints, Floats]:
    """Most frequent code of each group, and its share."""
    pairs, counts = np.unique(np.stack([group, codes], axis=1), axis=0, return_counts=True)
    order = np.lexsort((pairs[:, 1], counts))
    modal, share = np.full(n_groups, -1, np.int64), np.zeros(n_groups)
    modal[pairs[order, 0]] = pairs[order, 1]
    share[pairs[order, 0]] = counts[order]
    return modal, share / np.maximum(np.bincount(group, minlength=n_groups), 1)
