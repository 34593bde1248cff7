"""The part of a findings dataset (LB VS EG QS SC PC ...): what is measured when, and the values of all tests together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cache, partial
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from replicator.config import FitConfig
from replicator.models.copula import Kin
from replicator.models.panels import find_panels
from replicator.models.persistence import Occasions
from replicator.profile.structure import DatasetStructure
from replicator.study_model.columns.day_offsets import DayOffsets
from replicator.study_model.findings.circumstances import Circumstances
from replicator.study_model.findings.columns import OtherColumns
from replicator.study_model.findings.completeness import Completeness
from replicator.study_model.findings.coordinates import Coordinates
from replicator.study_model.findings.dates import DateColumn, sample_dates
from replicator.study_model.findings.decoding import columns_of, decode, decode_answers, decode_codes, decode_results
from replicator.study_model.findings.empty import EmptyFindings
from replicator.study_model.findings.ending import N_ENDINGS, before_death, endings, few_died
from replicator.study_model.findings.features import belonging, draw_features, feature_columns, kin_by_name, name_features
from replicator.study_model.findings.grid import Cells, Grid, lay_grid, sampled_grid
from replicator.study_model.findings.levels import LEVELLED, Observed
from replicator.study_model.findings.products import Products
from replicator.study_model.findings.reading import codes_of_results, read_results, states_of_rows
from replicator.study_model.findings.recorded import Recorded
from replicator.study_model.findings.repeats import Repeats
from replicator.study_model.findings.results import Results
from replicator.study_model.findings.rows import read_rows
from replicator.study_model.findings.sites import behave_alike, lend_ways, sites_of_subjects
from replicator.study_model.findings.source import SourceFindings
from replicator.study_model.findings.status import few_not_done, notes_not_done
from replicator.study_model.findings.ties import fit_ties
from replicator.study_model.findings.totals import Totals
from replicator.study_model.findings.units import Units
from replicator.study_model.findings.values import Values
from replicator.study_model.findings.wholes import Wholes
from replicator.study_model.layout.record_ids import RecordIds
from replicator.study_model.spine import Fitted, Rows, Spine
from replicator.tables.dataset import Dataset, Text

Codes = NDArray[np.intp]
Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
NO_IDS = RecordIds((), {})
NO_PRODUCTS = Products.none()
NO_COORDINATES = Coordinates()
NO_WHOLES = Wholes()
NO_REPEATS = Repeats()
NO_TOTALS = Totals()
NO_COMPLETENESS = Completeness()


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
    completeness : Completeness
        Tests that are there only where enough others have a result.
    site : str
        Covariate that tells sites apart, ``""`` if none does.
    site_place : (n_codes,) int64
        Number of each site of at least k subjects; -1 of the others.
    few_died : bool
        Whether fewer than k of the source's subjects died, but some: then nothing is measured on the day of a death.
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
    completeness: Completeness = NO_COMPLETENESS
    site: str = ""
    site_place: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, np.int64))
    few_died: bool = False

    @classmethod
    def fit(
        cls, dataset: Dataset, structure: DatasetStructure, subject: NDArray[np.int32], spine: Spine, config: FitConfig
    ) -> Fitted:
        """Learn a findings dataset; see :class:`~replicator.study_model.spine.Part`."""
        k = config.k
        unsaid = few_not_done(dataset, structure, subject, k)
        if unsaid.any():
            dataset, subject = dataset.take(~unsaid), subject[~unsaid]
        rows = read_rows(dataset, structure, subject, k)
        if rows.n_series == 0:
            return EmptyFindings.fit(dataset, structure, subject, spine, config)
        source = SourceFindings.of(dataset, structure, rows, subject, spine, k)
        results, observed, lost = _read_results(source, k)
        kin = _find_kin(source, results)
        values, features = _fit_values(source, results, observed, kin, k)
        units = _fit_units(source, results, observed, k)
        columns, unkept = _fit_columns(source, results, observed, k)
        dates, odd = _fit_dates(source, units, k)
        part = cls(
            dataset.name,
            rows.labels,
            rows.visit_name == "VISITNUM",
            source.cells.label.astype(np.int64),
            source.cells.repeat.astype(np.int64),
            source.cells.scheduled,
            source.start,
            source.series_labels,
            structure.named("ORRESU"),
            units,
            results,
            values,
            columns,
            dates,
            RecordIds.fit(source.learned, structure, subject[source.inside], k),
            site=source.site_name,
            site_place=source.site_place,
            few_died=few_died(spine, k),
        )
        redraw = cache(partial(part._draw_again, source, observed, features))
        recorded = Recorded(results, observed, source.occasion, source.occasions.run, redraw)
        ties = fit_ties(source, recorded, units, k)
        coordinates, free = Coordinates.fit(features["level"], belonging(results, source.category, ties.products.groups()), k)
        part = replace(part, **ties._asdict(), coordinates=coordinates)
        seen = source.occasions.subject[source.occasions.starts]
        named = name_features(part._features(), features, free, seen, spine.n, k)
        notes = (*notes_not_done(dataset.name, int(unsaid.sum()), k), *source.notes(k), *lost, *unkept, *odd)
        return Fitted(part, named, notes, kin=kin_by_name(part._features(), kin))

    def sample(self, spine: Spine, rng: np.random.Generator) -> Rows:
        """Draw rows for all subjects of the spine; see :class:`~replicator.study_model.spine.Part`."""
        cells = Cells(self.label.astype(np.intp), self.repeat.astype(np.intp), self.scheduled)
        grid = sampled_grid(lay_grid(cells, self.labels, spine), spine, self.start, cells, rng)
        grid = before_death(grid, spine) if self.few_died else grid
        occasions = Occasions(grid.subject, grid.day - spine.anchor[grid.subject], grid.cell)
        arm = spine.arm[grid.subject].astype(np.intp)
        like = lend_ways(self.site_place)
        site = sites_of_subjects(spine, self.site, like)[grid.subject]
        first = self.repeat[grid.cell] == 0
        where = Circumstances(arm, grid.cell, site, endings(grid.subject, spine))
        seen = self.units.sample(arm, grid.cell, spine, occasions, self.scheduled[grid.cell], first, rng)
        seen = self.completeness.ask(seen) & self.results.told
        noise, luck = self.values.latent.noise(occasions, rng), rng.random(len(grid.subject))
        drawn = partial(_drawn, spine, self.name)
        features = draw_features(self._features(), drawn, self.results, self.values, self.coordinates, occasions, rng)
        column_seen = seen[:, self.results.series]
        asked = seen
        if self.units.follows:  # what is asked after a result moves the others of its subject, as lines are taken out of fewer
            columns, latent = columns_of(self.results, self.units.parents), np.zeros(column_seen.shape)
            told = {name: of[:, columns] for name, of in features.items()}
            some = noise[:, columns], column_seen[:, columns], told, where, occasions, luck
            latent[:, columns] = self.values.take(columns).sample(*some)
            asked = self.units.restrict(seen, decode_codes(self.results, self.units.parents, latent, seen, site))
        latent = self.values.sample(noise, asked[:, self.results.series], features, where, occasions, luck)
        latent = self.totals.hold(latent, seen, self.label[grid.cell], self.results, partial(decode_answers, self.results))
        seen = self.units.restrict(seen, decode_codes(self.results, self.units.parents, latent, seen, site))
        occasion, series = np.nonzero(seen)
        number, token = decode_results(self.results, latent, occasion, series, site)
        whole = np.flatnonzero(self.completeness.keep(occasion, series, ~self.results.silent(token), len(seen)))
        occasion, series, number, token = occasion[whole], series[whole], number[whole], token[whole]
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

    def _features(self) -> list[tuple[str, str, int]]:
        return feature_columns(self.results, self.values, self.coordinates, self.series_labels)

    def _draw_again(self, source: SourceFindings, observed: Observed, features: Mapping[str, Floats]) -> Floats:
        """Numbers (n_occasions, n_series) that the model draws for the source's own subjects, before any law is kept."""
        rng = np.random.default_rng(0)
        n, site, occasions = len(source.grid.cell), source.site, source.occasions
        seen = np.zeros((n, len(self.results.form)), bool)
        seen[source.occasion[observed.row], observed.column] = True
        known = {name: np.where(np.isfinite(of), of, rng.standard_normal(of.shape)) for name, of in features.items()}
        noise, luck = self.values.latent.noise(occasions, rng), rng.random(n)
        latent = self.values.sample(noise, seen, known, source.circumstances, occasions, luck)
        out = np.full((n, len(self.results.value)), np.nan)
        rows, columns = np.nonzero(seen & (self.results.value[self.results.series] == np.arange(len(self.results.form))))
        out[rows, self.results.series[columns]] = self.results.numbers(
            decode(self.results, latent, rows, columns)[1], columns, self.results.form[columns] != LEVELLED, site[rows]
        )
        return out


def _drawn(spine: Spine, dataset: str, feature: str) -> Floats | None:
    return spine.features.get(f"{dataset}/{feature}")


def _read_results(source: SourceFindings, k: int) -> tuple[Results, Observed, tuple[str, ...]]:
    """Choose a form for the results of every series, and read the rows that are learned in it."""
    series = np.where(source.kept, source.rows.series, -1)
    sizes = (source.rows.n_series, source.n_sites)
    return read_results(source.dataset, source.structure, series, source.who, source.site_of_subject[source.who], sizes, k)


def _find_kin(source: SourceFindings, results: Results) -> Kin:
    """Find which latent columns of results are measured together: those of the tests of one panel.

    Panels are of one kind that are of one category and have as many tests.
    """
    panel = find_panels(source.present)
    size = np.bincount(panel, minlength=1)[panel]
    kind = np.unique(np.stack([source.category, size]), axis=1, return_inverse=True)[1].reshape(-1)
    own = results.value[results.series] == np.arange(len(results.series))
    return Kin(np.where(own, panel[results.series], -1).astype(np.int64), kind[results.series].astype(np.int64))


def _fit_values(source: SourceFindings, results: Results, observed: Observed, kin: Kin, k: int) -> tuple[Values, dict[str, Floats]]:
    """Learn how results behave, and what they tell of each subject."""
    sizes = (len(source.spine.arms), len(source.cells.label), source.n_sites, N_ENDINGS)
    return Values.fit(results, observed, source.occasion[observed.row], source.circumstances, source.occasions, sizes, kin, k)


def _fit_units(source: SourceFindings, results: Results, observed: Observed, k: int) -> Units:
    """Learn what is measured when."""
    cells, cell, present = source.cells, source.grid.cell, source.present
    return Units.fit(
        present,
        codes_of_results(results, observed, source.occasion, present.shape),
        source.arm,
        cell,
        source.spine,
        source.occasions,
        cells.scheduled[cell],
        cells.repeat[cell] == 0,
        (len(source.spine.arms), len(cells.label)),
        k,
    )


def _fit_columns(source: SourceFindings, results: Results, observed: Observed, k: int) -> tuple[OtherColumns, tuple[str, ...]]:
    """Learn what stands beside results and dates."""
    inside, rows = source.inside, source.rows.take(source.inside)
    state, number = states_of_rows(results, observed, source.dataset.n_rows)
    codes = _conditions(rows.series, source.occasion[inside], state[inside], source.grid, source.cells, source.spine)
    said = results.names.present
    return OtherColumns.fit(source.learned, source.structure, rows, codes, said, number[inside], source.spine, k)


def _fit_dates(source: SourceFindings, units: Units, k: int) -> tuple[tuple[DateColumn, ...], list[str]]:
    """Learn when findings are made: every date, and what is odd in them."""
    inside, occasion, who = source.inside, source.occasion[source.inside], source.who[source.inside]
    series, cell = source.rows.series[inside], source.grid.cell[occasion]
    found = [
        DateColumn.fit(
            name,
            source.learned.text(name),
            source.grid.day[occasion],
            source.spine.anchor[who],
            source.spine.marks["FIRST"][who],
            occasion,
            units.panel[series].astype(np.intp),
            series,
            cell,
            source.arm[occasion],
            who,
            (source.rows.n_series, len(source.cells.label)),
            k,
        )
        for name in source.date_names
    ]
    odd = [f"{source.dataset.name}.{note}" for _, of_one in found for note in of_one]
    return tuple(one for one, _ in found), odd


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
