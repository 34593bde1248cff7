"""Putting a catalogue of terms together: common terms as they are, rare ones as stand-ins."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from replicator.config import FitConfig
from replicator.heavy import pandas as pd
from replicator.rng import stream
from replicator.standards.stand_ins import load_stand_ins
from replicator.study_model.columns.codes import count_subjects
from replicator.study_model.events.catalogue import TermCatalogue, Terms
from replicator.study_model.events.families import family_of, find_families
from replicator.study_model.events.names import Namer, Style, Wanted
from replicator.study_model.events.source_terms import RARE_CLASS, SourceTerms, modal_code
from replicator.tables.dataset import Column, Numbers, Text

Ints = NDArray[np.int64]

CONSTANT = 0.95  # share of a pool's occurrences that must agree in a value for its stand-ins to have it
SHARED = 1.3  # terms per value, from which on a variable stands above the term
SEXES = ("", "F", "M")
NEUTRAL = -3
OTHERS = 6  # medicines of a pool for each further route


@dataclass(frozen=True, eq=False)
class _Kinds:
    """Kinds of a catalogue as they are added: rows and their edges, how many one subject may have, name and sex."""

    first: list[int] = field(default_factory=list)
    count: list[int] = field(default_factory=list)
    edge: list[float] = field(default_factory=list)
    slots: list[int] = field(default_factory=list)
    labels: list[str] = field(default_factory=list)

    def add(self, first: int, count: int, slots: int, label: str) -> None:
        """Add a kind of `count` rows that are equally frequent."""
        self.edge.extend(len(self.first) + (i + 1) / count for i in range(count))
        self.first.append(first)
        self.count.append(count)
        self.slots.append(slots)
        self.labels.append(label)


class CatalogueBuilder:
    """Puts a catalogue together, kind by kind (loops run over distinct terms, not over rows)."""

    def __init__(self, source: SourceTerms, config: FitConfig, adults: bool) -> None:
        self.source, self.config, self.names = source, config, source.names
        self.coded, self.unit, self.subject, self.kept = source.coded, source.unit, source.subject, source.kept
        self.basis, self.block, self.base, self.topic = source.basis, source.block, source.base, source.topic
        grouping = {source.grouped_by, source.classed_by}
        above = {name for name in self.names if name in grouping or _stands_above(self.unit, self.coded[name][0])}
        self.above = above - {self.base, self.topic}
        self.texts = {name: [str(t) for t in levels.strings()] for name, (_, levels) in self.coded.items()}
        self.styles = {name: Style.of(self.texts[name], config.k) for name in self.names}
        self.modal = {name: modal_code(codes, self.unit, len(self.kept))[0] for name, (codes, _) in self.coded.items()}
        self.rare = {name: self._rare_texts(name) for name in self.names}
        self.cells: dict[str, list[str]] = {name: [] for name in self.names}
        self.own: set[str] = set()
        self.settled: list[int] = []
        self.rng = stream(0, "stand-ins", source.dataset)
        known = {text.casefold() for texts in self.texts.values() for text in texts}
        self.namer = Namer(load_stand_ins(), source.kind, known, self.rng, adults)
        self.numbers = {name: self.styles[name].numbering(self.texts[name], self.rng) for name in self.names}
        self.spent: dict[str, list[str]] = {name: [] for name in self.names}

    @property
    def n_rows(self) -> int:
        """Rows of the catalogue so far."""
        return len(self.cells[self.names[0]])

    def _rare_texts(self, name: str) -> set[str]:
        people = count_subjects(self.coded[name][0], self.subject, len(self.texts[name]))
        return {text.casefold() for text, n in zip(self.texts[name], people.tolist(), strict=True) if n < self.config.k_terms}

    def build(self, grave: bool) -> Terms:
        """Make the catalogue: the common terms, a pool of stand-ins for each class, and fatal terms if wanted."""
        common = np.flatnonzero(self.kept)
        kinds = self._common(common)
        self.own = set(self._terms())
        sex = self._sexes()
        keys, pool = self._pools(sex)
        self._add_pools(kinds, keys, pool)
        begin = self.n_rows
        others = np.array(self._others(keys, len(common)), np.int64).reshape(-1, 4)
        before = self.n_rows
        if grave:
            self._grave()
        fatal = np.arange(before, self.n_rows, dtype=np.int64)
        beside = self.n_rows - begin
        kinds.edge.extend(len(kinds.first) + (i + 1) / beside for i in range(beside))
        blocks = np.concatenate([self.block[common], keys[:, 0]])
        said = self._said()
        families = find_families(said, self.unit, self.subject, self.config.k)
        catalogue = TermCatalogue(
            self.names,
            tuple(self._column(name) for name in self.names),
            tuple(kinds.labels),
            np.unique(blocks, return_inverse=True)[1].reshape(-1).astype(np.int32),
            tuple(SEXES[code] for code in np.concatenate([sex[common], keys[:, 3]]).tolist()),
            np.array(kinds.slots, np.int32),
            np.array(kinds.first, np.int64),
            np.array(kinds.count, np.int64),
            np.array(kinds.edge),
            *self._needs(),
            self._lost(),
            np.array([self.namer.least_age_of(words) for words in self._words()], np.float64),
            np.array([self.namer.lasts(words) for words in self._words()], bool),
            np.array([self.namer.is_grave(words) for words in self._words()], bool),
            family_of(self._terms_written(), families),
            tuple(self.source.route_names[code] for code in self.source.shared_routes.tolist()),
            *others.T,
        )
        kind_of_unit = np.where(self.kept, np.cumsum(self.kept) - 1, len(common) + pool)
        sets = self.source.needs.sets
        needs = tuple(sets[code] for code in np.append(self.source.needs.of_unit[common], keys[:, 4]).tolist())
        return Terms(
            catalogue, kind_of_unit[self.unit], self.unit, family_of(said, families)[self.unit], self._notes(), fatal, needs
        )

    def _pools(self, sex: Ints) -> tuple[Ints, Ints]:
        """Pools of rare terms: class, basis, route, sex and needs, and the pool of each term (n_units,), -1 for common ones."""
        plain = np.stack([self.block, self.basis, self.source.route, sex], axis=1)
        cell = np.unique(plain, axis=0, return_inverse=True)[1].reshape(-1)
        need = self.source.needs.pooled(cell, ~self.kept, self.unit, self.subject, self.config.k)
        key = np.column_stack([plain, need])[~self.kept]
        pool = np.full(len(self.kept), -1, np.int64)
        if not len(key):
            return key, pool
        keys, of_rare = np.unique(key, axis=0, return_inverse=True)
        pool[~self.kept] = of_rare.reshape(-1)
        return keys, pool

    def _add_pools(self, kinds: _Kinds, keys: Ints, pool: Ints) -> None:
        """Add a kind for each pool, with about as many stand-ins as it has terms."""
        pairs = np.unique(np.stack([self.unit, self.subject], axis=1), axis=0)
        for p, (block, basis, _, bound, need) in enumerate(keys.tolist()):
            mine = np.flatnonzero(pool == p)
            inside = pairs[np.isin(pairs[:, 0], mine)]
            size = _pool_size(len(mine), len(inside))
            most = int(np.bincount(inside[:, 1]).max())
            name = self.source.class_name(block)
            donor = self._donors(block, basis, size)
            wanted = self._wanted(keys, p)
            if donor is None or {self._class_of(unit) for unit in donor.tolist()} == {name}:
                names = self.namer.names(name, size, wanted)
                donor = donor if donor is None else donor[: len(names)]
            else:
                names, donor = self._names_by_donor(donor, wanted)
            said = [f"of {name}" if name else "", f"given {wanted.route}" if wanted.route else "", "of one sex" if bound else ""]
            given_for = [f"for {' and '.join(need.lower() for need in wanted.needs)}"] if wanted.needs else []
            label = " ".join(["rare terms", *filter(None, said), *given_for])
            kinds.add(self.n_rows, len(names), int(min(len(names), max(2, 2 * most))), label)
            self._pool(block, basis, names, donor, bool(need))

    def _wanted(self, keys: Ints, pool: int) -> Wanted:
        """What stands in for the terms of a pool; where these are of no one need, nothing with a need that others have.

        Others are the pools beside it, of its class, route and sex, and common terms that alone are given for something.
        """
        _, basis, route, bound, need = keys[pool].tolist()
        sets = self.source.needs.sets
        near = keys[(keys[:, :4] == keys[pool, :4]).all(axis=1), 4].tolist()
        others = frozenset(one for code in near for one in sets[code]) | self.source.needs.by_common
        apart = others if not need else frozenset()
        by = self.source.route_names[route] if route >= 0 else ""
        return Wanted(by, SEXES[bound], basis != -2 or not self.source.is_coded, sets[need], apart)

    def _notes(self) -> tuple[str, ...]:
        """Tell how many terms are replaced."""
        beside = self.source.n_represented
        rare = int((~self.kept).sum()) + beside
        alike = " of the same class" if any(self.source.class_names) else ""
        note = (
            f"{self.source.dataset}.{self.base}: terms of fewer than {self.config.k_terms} subjects (k_terms) are replaced by "
            f"stand-ins{alike}, {rare:,} of {len(self.kept) + beside:,}; lower k_terms to keep them."
        )
        return (note,) if rare else ()

    def _grave(self) -> None:
        """Rows of what somebody may die of, class by class of those that the source has.

        Where classes are too small to group the terms, the classes that common terms stand in serve one by one; where none is
        listed, anything does.
        """
        units = np.flatnonzero(self.kept & (self.basis == -2))
        blocks = np.unique(self.block[units]).tolist()
        groups = [
            (units[self.block[units] == block], self.namer.grave(self.source.class_names[block]))
            for block in blocks
            if block >= 0 and self.source.class_names[block]
        ]
        if not any(names for _, names in groups):
            written = {name: self.modal[name][units] for name in self.names if name not in (self.base, self.topic)}
            groups = [
                (units[codes == code], self.namer.grave(self.texts[name][code]))
                for name, codes in written.items()
                for code in np.unique(codes[codes >= 0]).tolist()
            ]
        if len(units) and not any(names for _, names in groups):
            groups = [(units, self.namer.grave(""))]
        for members, names in groups:
            if names:
                donor = members[self.rng.integers(0, len(members), len(names))]
                self._pool(int(self.block[donor[0]]), -2, names, donor)

    def _others(self, keys: Ints, n_common: int) -> list[tuple[int, int, int, int]]:
        """Make rows of medicines of each pool's class that are given by shared routes other than the pool's: see `other_kind`.

        How many there are of a route says nothing of the source.
        """
        out = []
        for p, (block, basis, route, _, need) in enumerate(keys.tolist()):
            if not 0 <= block < len(self.source.class_names):
                continue
            name, wanted = self.source.class_names[block], self._wanted(keys, p)
            for place, code in enumerate(self.source.shared_routes.tolist()):
                by = replace(wanted, route=self.source.route_names[code])
                names = self.namer.given(name, OTHERS, by) if code != route else []
                if names:
                    out.append((n_common + p, place, self.n_rows, len(names)))
                    self._pool(block, basis, names, self._donors(block, basis, len(names)), bool(need))
        return out

    def _donors(self, block: int, basis: int, size: int) -> Ints | None:
        donors = np.flatnonzero(self.kept & (self.basis == basis) & ((self.block == block) | (block == RARE_CLASS)))
        return donors[self.rng.integers(0, len(donors), size)] if len(donors) else None

    def _needs(self) -> tuple[Ints, tuple[tuple[str, ...], ...]]:
        """What each row that is a stand-in is given for; of the source's own terms, and of pools of one need, the source tells."""
        told = [name in self.own for name in self._terms()]
        for row in self.settled:
            told[row] = True
        words = [() if one else self.namer.needs_of(name.upper()) for name, one in zip(self._terms(), told, strict=True)]
        needs = tuple(dict.fromkeys(one for one in words if one))
        return np.array([needs.index(one) if one else -1 for one in words], np.int64), needs

    def _terms(self) -> list[str]:
        """Cell of each row that names the term."""
        return self.cells[self.topic or self.base]

    def _lost(self) -> Ints:
        """What each row says is lost for ever, numbered; -1 for nothing."""
        said = [self.namer.lost_by(words) for words in self._words()]
        numbers = {one: number for number, one in enumerate(dict.fromkeys(filter(None, said)))}
        return np.array([numbers.get(one, -1) for one in said], np.int64)

    def _said(self) -> list[str]:
        """Words of each term of the source: as it is coded, or as it was reported."""
        by = [self.base if basis == -2 or not self.topic else self.topic for basis in self.basis.tolist()]
        codes = [int(self.modal[name][unit]) for unit, name in enumerate(by)]
        return [self.texts[name][code] if code >= 0 else "" for name, code in zip(by, codes, strict=True)]

    def _terms_written(self) -> list[str]:
        """Words of each row of the catalogue: as it is coded, or as it was reported."""
        return [one or two for one, two in zip(self.cells[self.base], self.cells[self.topic or self.base], strict=True)]

    def _words(self) -> Iterable[tuple[str, ...]]:
        """Cells of each row that name the term itself, not what stands above it."""
        return zip(*(self.cells[name] for name in self.names if name not in self.above), strict=True)

    def _sexes(self) -> Ints:
        """Position in SEXES of the sex that alone has each term; of the rare ones only where enough subjects have such terms."""
        cells = [[self.texts[name][c] if c >= 0 else "" for c in self.modal[name].tolist()] for name in self.names]
        sex = np.array([SEXES.index(self.namer.sex_of(words)) for words in zip(*cells, strict=True)], np.int64)
        cell = np.unique(np.stack([self.block, self.basis, self.source.route, sex], axis=1), axis=0, return_inverse=True)[
            1
        ].reshape(-1)
        rare = np.where(self.kept, -1, cell)[self.unit]
        people = count_subjects(rare, self.subject, int(cell.max()) + 1)
        return np.where(self.kept | (people[cell] >= self.config.k), sex, 0)

    def _names_by_donor(self, donor: Ints, wanted: Wanted) -> tuple[list[str], Ints]:
        """Names of the donors' classes, and the donor of each; a donor is left without, where its class has no more."""
        out = [""] * len(donor)
        classes = np.array([self._class_of(unit) for unit in donor.tolist()], object)
        for one in dict.fromkeys(classes.tolist()):
            places = np.flatnonzero(classes == one).tolist()
            drawn = self.namer.names(one, len(places), wanted, own=True)
            for place, name in zip(places, drawn, strict=False):
                out[place] = name
        if not any(out):
            out[0] = self.namer.unspecified(classes[0])
        return [name for name in out if name], donor[[bool(name) for name in out]]

    def _class_of(self, unit: int) -> str:
        """Class that a term is written with, where the standard has a variable for it; else that of its block."""
        if not self.source.classed_by:
            return self.source.class_name(int(self.block[unit]))
        code = int(self.modal[self.source.classed_by][unit])
        return self.texts[self.source.classed_by][code] if code >= 0 else ""

    def _display(self, unit: int) -> str:
        for name in (self.base, self.topic, *self.names):
            if name and self.modal[name][unit] >= 0 and not (name == self.base and self.basis[unit] != -2):
                return str(self.texts[name][self.modal[name][unit]])
        return "TERM"

    def _common(self, common: Ints) -> _Kinds:
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
            return _Kinds()
        way, index, weight = np.unique(np.stack([unit_of, key], axis=1), axis=0, return_index=True, return_counts=True)
        for name in self.names:
            for u, c in zip(way[:, 0].tolist(), chosen[name][index].tolist(), strict=True):
                if c == NEUTRAL:
                    self.cells[name].append(self._neutral(name, self._display(int(common[u]))))
                else:
                    self.cells[name].append(self.texts[name][c] if c >= 0 else "")
        count = np.bincount(way[:, 0], minlength=len(common))
        first = np.cumsum(count) - count
        running = np.cumsum(weight)
        total = np.bincount(way[:, 0], weights=weight, minlength=len(common))
        before = (np.cumsum(total) - total)[way[:, 0]]
        edge = way[:, 0] + (running - before) / total[way[:, 0]]
        labels = [self._display(int(u)) for u in common]
        return _Kinds(first.tolist(), count.tolist(), edge.tolist(), [1] * len(common), labels)

    def _neutral(self, name: str, display: str) -> str:
        """Cell of a variable where its own values are too rare: the term itself, but never the text of one of the rare values."""
        if self.styles[name].numbered:
            if not self.numbers[name]:
                self.numbers[name] = self.styles[name].numbering([*self.texts[name], *self.spent[name]], self.rng)
            self.spent[name].append(self.numbers[name].pop())
            return self.spent[name][-1]
        text = self.styles[name].write(display)
        return self.styles[name].write(f"{display} NOS") if text.casefold() in self.rare[name] else text

    def _pool(self, block: int, basis: int, names: list[str], donor: Ints | None, settled: bool = False) -> None:
        """Rows of a pool's stand-ins; a donor is the common term from which each takes what stands above a term.

        Of those that are settled it is learned who has them, whatever they are given for.
        """
        self.settled.extend(range(self.n_rows, self.n_rows + len(names)) if settled else ())
        peers = np.flatnonzero((self.block == block) & (self.basis == basis))
        rows = np.isin(self.unit, peers)
        for name in self.names:
            code = self.coded[name][0][rows]
            values, inverse, counts = np.unique(code, return_inverse=True, return_counts=True)
            top = int(counts.argmax())
            people = len(np.unique(self.subject[rows][inverse.reshape(-1) == top]))
            if counts[top] >= CONSTANT * counts.sum() and people >= self.config.k_terms and (len(peers) > 1 or values[top] < 0):
                self.cells[name] += [self.texts[name][values[top]] if values[top] >= 0 else ""] * len(names)
            elif donor is not None and name in self.above:
                self.cells[name] += [self._above(name, unit) for unit in donor.tolist()]
            else:
                self.cells[name] += [self._neutral(name, text) for text in names]

    def _above(self, name: str, unit: int) -> str:
        """What stands above a term, as most of its occurrences say; the term itself where that is too rare."""
        code = int(self.modal[name][unit])
        text = self.texts[name][code] if code >= 0 else ""
        return self._neutral(name, self._display(unit)) if text.casefold() in self.rare[name] else text

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
