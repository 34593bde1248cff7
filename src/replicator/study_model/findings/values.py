"""Values of all tests of a findings dataset on their latent scales: means by visit and arm, subjects, and what varies in them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from replicator.models.copula import Kin
from replicator.models.longitudinal import TwoLevel
from replicator.models.ordinal import hermite_coefficients, level_scores
from replicator.models.persistence import Course, Occasions
from replicator.models.repeats import Neighbours, fit_repeats, repeat_residuals
from replicator.study_model.findings.circumstances import Circumstances
from replicator.study_model.findings.extremes import tie_extremes
from replicator.study_model.findings.levels import ADDITIVE, Observed
from replicator.study_model.findings.means import (
    FEWEST_OTHERS,
    ever_other,
    group_means,
    latent_shift,
    means_and_endings,
    site_effects,
)
from replicator.study_model.findings.results import Results

Codes = NDArray[np.intp]
Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Values:
    r"""Latent values of all columns.

    Attributes
    ----------
    shift : (n_columns, n_arms, n_cells) float64
        Mean of additive columns on their scale; of the others, of the latent normal.
    width : (n_columns,) float64
        Standard deviation around the shift that gives a ranked or levelled column unit variance; 1 for additive ones.
    bottom, top : (n_columns,) float64
        Share of subjects who are always at the lowest or highest level.
    latent : TwoLevel
        Around the shift.
    repeats : (n_columns,) float64
        Chance that a subject's residual is the one before; empty where nothing repeats.
    sites : (n_columns, n_sites + 1) float64
        What is added to the shift at a site; 0 in the last, which stands for subjects of none.
    endings : (n_columns, n_endings) float64
        What is added before a death; 0 in the last, which stands for all other occasions.
    """

    kind: ClassVar[str] = "findings values"

    shift: Floats
    width: Floats
    bottom: Floats
    top: Floats
    latent: TwoLevel
    repeats: Floats = field(default_factory=lambda: np.empty(0))
    sites: Floats = field(default_factory=lambda: np.zeros((0, 1)))
    endings: Floats = field(default_factory=lambda: np.zeros((0, 1)))

    @classmethod
    def fit(
        cls,
        results: Results,
        observed: Observed,
        occasion: Codes,
        where: Circumstances,
        occasions: Occasions,
        sizes: tuple[int, int, int, int],
        kin: Kin,
        k: int,
    ) -> tuple[Values, dict[str, Floats]]:
        """Learn.

        Parameters
        ----------
        results, observed : Results, Observed
            Latent columns and their observations.
        occasion : (n,) int
            Occasion of each observation.
        where : Circumstances
            Of each occasion.
        occasions : Occasions
            Whose and when.
        sizes : (n_arms, n_cells, n_sites, n_endings)
            Extents.
        kin : Kin
            Columns that are measured together.
        k : int
            Fewest subjects behind a quantile.

        Returns
        -------
        Values, dict of str to (n_seen, n_columns) float64
            Features of each subject seen.
        """
        column, n_columns = observed.column, len(results.form)
        scores = level_scores(results.share)
        hermite = hermite_coefficients(results.share)
        discrete = results.form != ADDITIVE
        shown = np.where(discrete, np.maximum((hermite**2).sum(axis=1), 1e-6), 1.0)
        y = scores[column, np.maximum(observed.level, 0)]
        added = ~discrete[column]
        y[added] = results.scales.forward(observed.number[added], results.series[column[added]].astype(np.intp))
        subject = occasions.run[occasion]
        at = where.take(occasion)
        shift, endings = means_and_endings(y, column, subject, at, (n_columns, *sizes), k)
        rare = discrete & (ever_other(results, observed, subject) < FEWEST_OTHERS * k)
        shift[rare] = group_means(y, column, n_columns)[rare, None, None]
        endings[rare] = 0.0
        rest = y - shift[column, at.arm, at.cell] - endings[column, at.ending]
        sites = site_effects(np.where(rare[column], 0.0, rest), column, subject, at.site, (n_columns, sizes[2]), k)
        rest -= sites[column, at.site]
        middle = group_means(np.where(added, observed.number, 0.0), column, n_columns)
        typical = np.zeros(len(results.scales.power))
        typical[results.series] = np.where(discrete, 0.0, middle)
        rounding = np.where(discrete, 0.0, results.scales.rounding_variance(typical)[results.series])
        latent, features = TwoLevel.fit(
            rest, occasion, column, occasions, hermite, discrete, rounding, n_cells=sizes[1], kin=kin, k=k
        )
        moved, sites, endings, width = latent_shift(shift, sites, endings, shown, results.form, column, at, subject)
        level, bottom, top = tie_extremes(features["level"], y, column, subject, discrete)
        pairs = Neighbours.of(observed.level, column, occasion, where.arm, where.cell, occasions)
        latent, repeats = _with_repeats(latent, pairs, results.share, moved, width, discrete, _sizes(column, subject, n_columns))
        return cls(moved, width, bottom, top, latent, repeats, sites, endings), {**features, "level": level}

    def sample(
        self,
        noise: Floats,
        seen: NDArray[np.bool_],
        features: Mapping[str, Floats],
        where: Circumstances,
        occasions: Occasions,
        luck: Floats,
    ) -> Floats:
        """Put latent values together.

        Returns
        -------
        (n_occasions, n_columns) float64
            Meaningful where `seen`; `luck` (n_occasions,) are the uniform draws that decide what is repeated.
        """
        if len(self.repeats):
            noise = repeat_residuals(noise, seen, self.repeats, luck, occasions)
        deviation = self.latent.compose(noise, seen, features, occasions)
        by_cell, by_site = np.ascontiguousarray(np.moveaxis(self.shift, 0, -1)), np.ascontiguousarray(self.sites.T)
        mean = by_cell[where.arm, where.cell] + by_site.take(where.site, axis=0)
        if len(self.endings):
            mean += np.ascontiguousarray(self.endings.T)[where.ending]
        return mean + self.width * deviation

    def take(self, columns: Codes) -> Values:
        """Keep some columns, to put together; noise is drawn of all columns at once."""
        return replace(
            self,
            shift=self.shift[columns],
            width=self.width[columns],
            bottom=self.bottom[columns],
            top=self.top[columns],
            latent=self.latent.take(columns),
            repeats=self.repeats[columns] if len(self.repeats) else self.repeats,
            sites=self.sites[columns],
            endings=self.endings[columns] if len(self.endings) else self.endings,
        )


def _with_repeats(
    latent: TwoLevel,
    pairs: Neighbours,
    share: Floats,
    shift: Floats,
    width: Floats,
    discrete: NDArray[np.bool_],
    sizes: NDArray[np.intp],
) -> tuple[TwoLevel, Floats]:
    """Let repeats make as much of the residuals' correlation as they explain; chances (n_columns,), empty where all are 0."""
    near = group_means(np.exp(-pairs.gap / max(latent.memory, 1e-9)), pairs.series, len(share))
    lasting = np.where(discrete, latent.serial * near, 0.0)
    course = Course.of(sizes, latent.slope > 0)
    level = discrete & (latent.slope == 0)  # of a subject who moves steadily, repeats are not told from the slope
    chance = fit_repeats(pairs, share, shift, width, lasting, latent.within, level, course)
    serial, inflation = latent.serial.copy(), latent.inflation.copy()
    for j in np.flatnonzero(chance > 0).tolist():
        left = max(lasting[j] - chance[j], 0.0) / (1 - chance[j])
        serial[j] = min(left / max(near[j], 1e-9), 1.0)
        inflation[j] = 1 / np.sqrt(course.kept(j, np.array([max(lasting[j], chance[j])]))[0])
    return replace(latent, serial=serial, inflation=inflation), chance if (chance > 0).any() else np.empty(0)


def _sizes(column: Codes, subject: Codes, n_columns: int) -> NDArray[np.intp]:
    """Subjects (most + 1, n_columns) by their number of values of each column."""
    key, size = np.unique(column * (int(subject.max(initial=0)) + 1) + subject, return_counts=True)
    out = np.zeros((int(size.max(initial=0)) + 1, n_columns), np.intp)
    np.add.at(out, (size, key // (int(subject.max(initial=0)) + 1)), 1)
    return out
