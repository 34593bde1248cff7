"""The part of a findings dataset (LB VS EG QS SC PC ...): what is measured when, and the values of all tests together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cache, partial
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from replicator.config import FitConfig
from replicator.models.persistence import Occasions
from replicator.profile.structure import Content, DatasetStructure, Role
from replicator.study_model.findings_columns import OtherColumns
from replicator.study_model.findings_coordinates import Coordinates
from replicator.study_model.findings_dates import DateColumn, DayOffsets, sample_dates
from replicator.study_model.findings_features import belonging, codes_of, draw_features, feature_columns, name_features
from replicator.study_model.findings_grid import place_rows, sampled_grid, source_grid
from replicator.study_model.findings_layout import Cells, FindingsRows, Grid, find_cells, lay_grid, read_rows
from replicator.study_model.findings_levels import LEVELLED, Observed
from replicator.study_model.findings_products import Products
from replicator.study_model.findings_recorded import Recorded
from replicator.study_model.findings_repeats import Repeats
from replicator.study_model.findings_results import Results, codes_of_results, read_results, states_of_rows
from replicator.study_model.findings_sites import behave_alike, find_sites, lend_ways, sites_of_subjects
from replicator.study_model.findings_totals import Totals, answers_given
from replicator.study_model.findings_units import Units
from replicator.study_model.findings_values import Values, decode
from replicator.study_model.findings_wholes import Wholes, units_of_series
from replicator.study_model.record_ids import RecordIds
from replicator.study_model.spine import Fitted, Rows, Spine
from replicator.tables.dataset import Column, Dataset, Numbers, Text
from replicator.tables.dates import parse_dates

Codes = NDArray[np.intp]
Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
NO_IDS = RecordIds((), {})
NO_PRODUCTS = Products.none()
NO_COORDINATES = Coordinates()
NO_WHOLES = Wholes()
NO_REPEATS = Repeats()
NO_TOTALS = Totals()


@dataclass(frozen=True, eq=False)
class EmptyFindings:
    """A findings dataset of which nothing can be learned: its columns without rows.

    Attributes
    ----------
    names, numeric : tuple of str
        Columns, and those that are numbers.
    """

    kind: ClassVar[str] = "empty findings"

    names: tuple[str, ...]
    numeric: tuple[str, ...]

    @classmethod
    def fit(
        cls, dataset: Dataset, structure: DatasetStructure, subject: NDArray[np.int32], spine: Spine, config: FitConfig
    ) -> Fitted:
        """Keep the columns; see :class:`~replicator.study_model.spine.Part`."""
        return _nothing_learned(dataset, structure, config.k)

    def sample(self, spine: Spine, rng: np.random.Generator) -> Rows:
        """Return the columns without rows; see :class:`~replicator.study_model.spine.Part`."""
        columns: dict[str, Column] = {
            name: Numbers(np.empty(0)) if name in self.numeric else Text.constant("", 0) for name in self.names
        }
        return Rows(np.empty(0, np.int32), columns)


@dataclass(frozen=True, eq=False)
class FindingsPart:
    """The learned model of one findings dataset.

    Attributes
    ----------
    name : str
        The dataset; features come back as ``NAME/feature``.
    labels : tuple of str
        Visits that at least k subjects have; the pool of all others is last.
    visit_numbers : bool
        Whether visits are told apart by VISITNUM.
    label, repeat, scheduled : (n_cells,) int64, int64, bool
        Kinds of occasions (see :class:`Cells`).
    start : DayOffsets
        Days from the anchor of occasions that the spine does not schedule.
    series_labels : tuple of str
        What each series is called in the names of features.
    unit_name : str
        Variable of the original unit, ``""`` if there is none.
    units, results, values, columns : Units, Results, Values, OtherColumns
        What is measured when, what it stands for, how it behaves, and what stands beside it.
    dates : tuple of DateColumn
        When.
    ids : RecordIds
        Identifiers of rows.
    products : Products
        Tests that follow from two others.
    coordinates : Coordinates
        What the levels of tests that belong together are told in.
    wholes : Wholes
        Tests that are parts of another one.
    repeats : Repeats
        Numbers that are taken over from the row before.
    totals : Totals
        Ranges of the totals of instruments.
    site : str
        Covariate that tells sites apart, ``""`` if none does.
    site_place : (n_codes,) int64
        Number of each site of at least k subjects; -1 of the others.
    """

    kind: ClassVar[str] = "findings part"

    name: str
    labels: tuple[str, ...]
    visit_numbers: bool
    label: NDArray[np.int64]
    repeat: NDArray[np.int64]
    scheduled: Flags
    start: DayOffsets
    series_labels: tuple[str, ...]
    unit_name: str
    units: Units
    results: Results
    values: Values
    columns: OtherColumns
    dates: tuple[DateColumn, ...]
    ids: RecordIds = NO_IDS
    products: Products = NO_PRODUCTS
    coordinates: Coordinates = NO_COORDINATES
    wholes: Wholes = NO_WHOLES
    repeats: Repeats = NO_REPEATS
    totals: Totals = NO_TOTALS
    site: str = ""
    site_place: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, np.int64))

    @classmethod
    def fit(
        cls, dataset: Dataset, structure: DatasetStructure, subject: NDArray[np.int32], spine: Spine, config: FitConfig
    ) -> Fitted:
        """Learn a findings dataset; see :class:`~replicator.study_model.spine.Part`."""
        k = config.k
        rows = read_rows(dataset, structure, subject, k)
        who = subject.astype(np.intp)
        if rows.n_series == 0:
            return _nothing_learned(dataset, structure, k)
        cells = find_cells(rows, who, spine)
        main_date = _main_date(dataset, structure)
        day = parse_dates(main_date).full_day if main_date is not None else np.full(dataset.n_rows, np.nan)
        grid, start = source_grid(cells, rows, who, day, spine, k)
        occasion = place_rows(grid, cells, rows, who)
        kept = (occasion >= 0) & (rows.series >= 0)
        notes = _notes(dataset.name, rows, occasion, k)
        site_name, places = find_sites(spine, k)
        of_subject = sites_of_subjects(spine, site_name, places)
        n_sites = int(places.max(initial=-1)) + 1
        series = np.where(kept, rows.series, -1)
        results, observed, more = read_results(dataset, structure, series, who, of_subject[who], (rows.n_series, n_sites), k)
        occasions = Occasions(grid.subject, grid.day - spine.anchor[grid.subject])
        arm = spine.arm[grid.subject].astype(np.intp)
        site = of_subject[grid.subject]
        sizes = (len(spine.arms), len(cells.label))
        values, features = Values.fit(
            results, observed, occasion[observed.row], arm, grid.cell, site, occasions, (*sizes, n_sites), k
        )
        present = np.zeros((len(grid.subject), rows.n_series), bool)
        present[occasion[kept], rows.series[kept]] = True
        units = Units.fit(
            present,
            codes_of_results(results, observed, occasion, present.shape),
            arm,
            grid.cell,
            spine,
            occasions,
            cells.scheduled[grid.cell],
            sizes,
            k,
        )
        inside = np.flatnonzero(kept)
        part_rows = dataset.take(inside)
        state, number = states_of_rows(results, observed, dataset.n_rows)
        codes = _conditions(rows.series[inside], occasion[inside], state[inside], grid, cells, spine)
        columns, further = OtherColumns.fit(
            part_rows, structure, _taken(rows, inside), codes, results.names.present, number[inside], spine, k
        )
        found = [
            DateColumn.fit(
                name,
                part_rows.text(name),
                grid.day[occasion[inside]],
                spine.anchor[who[inside]],
                occasion[inside],
                units.panel[rows.series[inside]].astype(np.intp),
                rows.series[inside],
                grid.cell[occasion[inside]],
                codes["ARM"],
                who[inside],
                (rows.n_series, len(cells.label)),
                k,
            )
            for name in _date_names(structure)
            if not part_rows[name].missing.all()
        ]
        odd = [f"{dataset.name}.{note}" for _, of_one in found for note in of_one]
        series_labels = _series_labels(dataset, rows)
        part = cls(
            dataset.name,
            rows.labels,
            rows.visit_name == "VISITNUM",
            cells.label.astype(np.int64),
            cells.repeat.astype(np.int64),
            cells.scheduled,
            start,
            series_labels,
            structure.named("ORRESU"),
            units,
            results,
            values,
            columns,
            tuple(one for one, _ in found),
            RecordIds.fit(part_rows, structure, subject[inside], k),
            site=site_name,
            site_place=places,
        )
        redraw = cache(partial(part._draw_again, observed, occasion, features, arm, grid.cell, site, occasions))
        recorded = Recorded(results, observed, occasion, occasions.run, redraw)
        products = Products.fit(recorded, k)
        one_unit = units_of_series(codes_of(dataset, part.unit_name), rows.series, rows.n_series)
        wholes = Wholes.fit(recorded, one_unit, products.members.tolist(), k)
        topic = np.unique(codes_of(dataset, rows.series_names[0] if rows.series_names else "")[rows.first_row], return_inverse=True)
        asked_by = [rule.parent for rule in units.follows]
        tied = np.flatnonzero(np.isin(np.arange(rows.n_series), [*products.members, *asked_by]) | wholes.redrawn(rows.n_series))
        repeats = Repeats.fit(recorded, topic[1], tied.tolist(), k)
        category = codes_of(dataset, structure.named("CAT"))[rows.first_row]
        answers = answers_given(results, observed, occasion, len(grid.subject))
        totals = Totals.fit(answers, category, cells.label[grid.cell], occasions.run, k)
        groups = belonging(results, category, products.groups())
        coordinates, free = Coordinates.fit(features["level"], groups)
        part = replace(part, products=products, wholes=wholes, repeats=repeats, totals=totals, coordinates=coordinates)
        named = name_features(part._features(), features, free, occasions.subject[occasions.starts], spine.n, k)
        return Fitted(part, named, (*notes, *more, *further, *odd))

    def sample(self, spine: Spine, rng: np.random.Generator) -> Rows:
        """Draw rows for all subjects of the spine; see :class:`~replicator.study_model.spine.Part`."""
        cells = Cells(self.label.astype(np.intp), self.repeat.astype(np.intp), self.scheduled)
        grid = sampled_grid(lay_grid(cells, self.labels, spine), spine, self.start, cells, rng)
        occasions = Occasions(grid.subject, grid.day - spine.anchor[grid.subject])
        arm = spine.arm[grid.subject].astype(np.intp)
        like = lend_ways(self.site_place)
        site = sites_of_subjects(spine, self.site, like)[grid.subject]
        seen = self.units.sample(arm, grid.cell, spine, occasions, self.scheduled[grid.cell], rng)
        noise, luck = self.values.latent.noise(occasions, rng), rng.random(len(grid.subject))
        drawn = partial(_drawn, spine, self.name)
        features = draw_features(self._features(), drawn, self.results, self.values, self.coordinates, occasions, rng)
        column_seen = seen[:, self.results.series]
        latent = self.values.sample(noise, column_seen, features, arm, grid.cell, site, occasions, luck)
        if self.units.follows:
            asked = self.units.restrict(seen, self._read_off(latent, seen, site))
            latent = self.values.sample(noise, asked[:, self.results.series], features, arm, grid.cell, site, occasions, luck)
        latent = self.totals.hold(latent, seen, self.label[grid.cell], self.results, self._answers)
        seen = self.units.restrict(seen, self._read_off(latent, seen, site))
        occasion, series = np.nonzero(seen)
        number, token = self._results_of(latent, occasion, series, site)
        number = self.repeats.hold(number, occasion, series, occasions.run, rng)
        number = self.products.hold(number, occasion, series, occasions.run, site, self.results, rng)
        number = self.wholes.hold(number, occasion, series, site, self.results, rng)
        state = np.where(token >= 0, token + 1, 0)
        codes = _conditions(series, occasion, state, grid, cells, spine)
        if self.site in codes:
            codes[self.site] = behave_alike(codes[self.site], self.site_place, like)
        visit = self._visit_number(grid, occasion)
        out = self.columns.sample(codes, visit, self.visit_numbers, len(series), rng)
        unit = out.get(self.unit_name)
        out.update(self.results.write(series, number, token, unit if isinstance(unit, Text) else None))
        out.update(self.columns.judge(out, codes, number, rng))
        who = grid.subject[occasion]
        bounds = (spine.marks["FIRST"][who], spine.marks["LAST"][who])
        panel = self.units.panel[series].astype(np.intp)
        day, anchor, cell = grid.day[occasion], spine.anchor[who], grid.cell[occasion]
        out.update(sample_dates(self.dates, day, anchor, bounds, occasion, panel, series, cell, codes["ARM"], rng))
        out.update(self.ids.sample(who.astype(np.int32), out, rng))
        return Rows(who.astype(np.int32), out)

    def _visit_number(self, grid: Grid, occasion: Codes) -> Floats:
        known = [self.visit_numbers and text != "" and not text.startswith("#") for text in self.labels]
        own = np.array([float(text) if there else np.nan for text, there in zip(self.labels, known, strict=True)])
        return np.where(np.isfinite(grid.number), grid.number, own[self.label[grid.cell]])[occasion]

    def _results_of(self, latent: Floats, occasion: Codes, series: Codes, site: Codes) -> tuple[Floats, Codes]:
        """Return number and token (-1 for a number) of each (occasion, series)."""
        token = np.full(len(series), -1, np.intp)
        if not self.results.token.size:  # no text that enough subjects share
            value = self.results.value[series]
            return self.results.numbers(decode(self.results, latent, occasion, value)[1], value, token < 0, site[occasion]), token
        stated = np.flatnonzero(self.results.state[series] >= 0)
        column = self.results.state[series[stated]]
        level, _ = decode(self.results, latent, occasion[stated], column)
        token[stated] = self.results.token[column, level]
        value = self.results.value[series]
        levelled = np.flatnonzero((token < 0) & (self.results.form[value] == LEVELLED))
        level, _ = decode(self.results, latent, occasion[levelled], value[levelled])
        token[levelled] = self.results.token[value[levelled], level]
        _, probability = decode(self.results, latent, occasion, value)
        number = self.results.numbers(probability, value, token < 0, site[occasion])
        return number, self.results.limits.tell(number, series, token)

    def _answers(self, latent: Floats, row: Codes, series: Codes) -> tuple[Floats, Codes]:
        """Number and token of each (row of `latent`, series) that is no measurement: these alone hang on the site."""
        return self._results_of(latent, row, series, np.zeros(len(latent), np.intp))

    def _read_off(self, latent: Floats, seen: Flags, site: Codes) -> Floats:
        """Results of the series that others follow from: (n_occasions, n_series), NaN elsewhere."""
        out = np.full(seen.shape, np.nan)
        for parent in sorted({rule.parent for rule in self.units.follows}):
            rows = np.flatnonzero(seen[:, parent])
            number, token = self._results_of(latent, rows, np.full(len(rows), parent, np.intp), site)
            out[rows, parent] = np.where(token >= 0, -1.0 - token, number)
        return out

    def _features(self) -> list[tuple[str, str, int]]:
        return feature_columns(self.results, self.values, self.coordinates, self.series_labels)

    def _draw_again(
        self,
        observed: Observed,
        occasion: Codes,
        features: Mapping[str, Floats],
        arm: Codes,
        cell: Codes,
        site: Codes,
        occasions: Occasions,
    ) -> Floats:
        """Numbers (n_occasions, n_series) that the model draws for the source's own subjects, before any law is kept."""
        rng = np.random.default_rng(0)
        seen = np.zeros((len(cell), len(self.results.form)), bool)
        seen[occasion[observed.row], observed.column] = True
        known = {name: np.where(np.isfinite(of), of, rng.standard_normal(of.shape)) for name, of in features.items()}
        noise, luck = self.values.latent.noise(occasions, rng), rng.random(len(cell))
        latent = self.values.sample(noise, seen, known, arm, cell, site, occasions, luck)
        out = np.full((len(cell), len(self.results.value)), np.nan)
        rows, columns = np.nonzero(seen & (self.results.value[self.results.series] == np.arange(len(self.results.form))))
        out[rows, self.results.series[columns]] = self.results.numbers(
            decode(self.results, latent, rows, columns)[1], columns, self.results.form[columns] != LEVELLED, site[rows]
        )
        return out


def _drawn(spine: Spine, dataset: str, feature: str) -> Floats | None:
    return spine.features.get(f"{dataset}/{feature}")


def _nothing_learned(dataset: Dataset, structure: DatasetStructure, k: int) -> Fitted:
    made = (Role.IDENTIFIER, Role.SUBJECT, Role.SEQUENCE, Role.RECORD_ID, Role.STUDY_DAY)
    names = tuple(name for name in dataset.names if name not in structure.with_role(*made))
    part = EmptyFindings(names, tuple(name for name in names if isinstance(dataset[name], Numbers)))
    note = (
        f"{dataset.name}: none of its {dataset.n_rows} rows is learned, since no test is shared by {k} subjects; "
        f"lower k to learn them."
    )
    return Fitted(part, {}, (note,) if dataset.n_rows else ())


def _date_names(structure: DatasetStructure) -> tuple[str, ...]:
    return tuple(one.name for one in structure.variables if one.role is Role.DATE or one.content is Content.DATE)


def _main_date(dataset: Dataset, structure: DatasetStructure) -> Text | None:
    name = structure.named("DTC") or structure.named("STDTC") or next(iter(structure.with_role(Role.DATE)), "")
    return dataset.text(name) if name else None


def _notes(name: str, rows: FindingsRows, occasion: Codes, k: int) -> tuple[str, ...]:
    notes = []
    rare = int((rows.series < 0).sum())
    if rare:
        notes.append(
            f"{name}: {rare} rows belong to tests that fewer than {k} subjects have; they are not learned, lower k to keep them."
        )
    outside = int(((occasion < 0) & (rows.series >= 0)).sum())
    if outside:
        notes.append(
            f"{name}: {outside} rows are at visits that the schedule does not have for their subject; they are not learned."
        )
    return tuple(notes)


def _conditions(series: Codes, occasion: Codes, state: Codes, grid: Grid, cells: Cells, spine: Spine) -> dict[str, Codes]:
    who = grid.subject[occasion]
    cell = grid.cell[occasion]
    codes = {
        "SERIES": series,
        "OCCASION": occasion,
        "SUBJECT": who,
        "LABEL": cells.label[cell],
        "ARM": spine.arm[who].astype(np.intp),
        "STATE": state,
    }
    return {**{name: value[who].astype(np.intp) for name, value in spine.covariates.items()}, **codes}


def _taken(rows: FindingsRows, inside: Codes) -> FindingsRows:
    return FindingsRows(
        rows.series_names,
        rows.series[inside],
        rows.n_series,
        rows.first_row,
        rows.visit_name,
        rows.labels,
        rows.label[inside],
        rows.number[inside],
        rows.repeat[inside],
    )


def _series_labels(dataset: Dataset, rows: FindingsRows) -> tuple[str, ...]:
    """Name of each series: its topic, with the other variables where several series share it."""
    cells = [dataset.text(name).strings()[rows.first_row] for name in rows.series_names]
    if not cells:
        return tuple("ALL" for _ in range(rows.n_series))
    topics = [str(text) for text in cells[0]]
    full = ["|".join(str(part) for part in parts) for parts in zip(*cells, strict=True)]
    return tuple(topic if topics.count(topic) == 1 else long for topic, long in zip(topics, full, strict=True))
