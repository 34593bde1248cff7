"""Values of all tests of a findings dataset on their latent scales: means by visit and arm, subjects, and what varies in them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

from replicator.models.cell_means import CellMeans
from replicator.models.class_effects import fit_class_effects
from replicator.models.copula import normal_scores
from replicator.models.group_effects import shrink_means
from replicator.models.longitudinal import TwoLevel
from replicator.models.ordinal import hermite_coefficients, level_scores
from replicator.models.persistence import Course, Occasions
from replicator.models.repeats import Neighbours, fit_repeats, repeat_residuals
from replicator.study_model.findings_levels import ADDITIVE, LEVELLED, Observed, subject_weights
from replicator.study_model.findings_results import Results

Codes = NDArray[np.intp]
Floats = NDArray[np.float64]

FEWEST_OTHERS = 2  # times k subjects who once had another level than the usual one, from which visits and arms tell them apart
MOST_EXPLAINED = 0.8  # of a latent normal's variance by visit and arm
ROUNDS = 3  # of means of visits given what precedes deaths, and that given the means


@dataclass(frozen=True, eq=False)
class Circumstances:
    """What tells the mean of a result: (n_occasions,) int each, or (n,) of each observation.

    Attributes
    ----------
    arm, cell, site : int
        Arm, kind of occasion, and site, the last for subjects of none.
    ending : int
        How near a death, from :func:`replicator.study_model.findings_ending.endings`.
    """

    arm: Codes
    cell: Codes
    site: Codes
    ending: Codes

    def take(self, rows: Codes) -> Circumstances:
        """Of some occasions."""
        return Circumstances(self.arm[rows], self.cell[rows], self.site[rows], self.ending[rows])


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
        shift, endings = _means_and_endings(y, column, subject, at, (n_columns, *sizes), k)
        rare = discrete & (_others(results, observed, subject) < FEWEST_OTHERS * k)
        shift[rare] = _means(y, column, n_columns)[rare, None, None]
        endings[rare] = 0.0
        rest = y - shift[column, at.arm, at.cell] - endings[column, at.ending]
        sites = _site_effects(np.where(rare[column], 0.0, rest), column, subject, at.site, (n_columns, sizes[2]), k)
        rest -= sites[column, at.site]
        middle = _means(np.where(added, observed.number, 0.0), column, n_columns)
        typical = np.zeros(len(results.scales.power))
        typical[results.series] = np.where(discrete, 0.0, middle)
        rounding = np.where(discrete, 0.0, results.scales.rounding_variance(typical)[results.series])
        latent, features = TwoLevel.fit(rest, occasion, column, occasions, hermite, discrete, rounding, n_cells=sizes[1], k=k)
        moved, sites, endings, width = _latent_shift(shift, sites, endings, shown, results.form, column, at, subject)
        level, bottom, top = _tie_extremes(features["level"], y, column, subject, discrete)
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
        mean = by_cell[where.arm, where.cell] + by_site[where.site]
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

    def spread_ties(self, level: Floats, rng: np.random.Generator) -> Floats:
        """Spread drawn levels that stand for "always lowest" or "always highest" over the normals they stand for.

        Parameters
        ----------
        level : (n_seen, n_columns) float64
            Drawn features.
        """
        u = rng.random(level.shape)
        low_score, high_score = _tail_mean(self.bottom), -_tail_mean(self.top)
        low = (self.bottom > 0) & (level <= low_score + 1e-9)
        high = (self.top > 0) & (level >= high_score - 1e-9)
        level = np.where(low, ndtri(np.clip(u * self.bottom, 1e-6, 1 - 1e-6)), level)
        return np.where(high, ndtri(np.clip(1 - u * self.top, 1e-6, 1 - 1e-6)), level)


def _others(results: Results, observed: Observed, subject: Codes) -> Codes:
    """Subjects who ever had another level than the most frequent one: (n_columns,)."""
    usual = results.share.argmax(axis=1) if results.share.size else np.zeros(len(results.form), np.intp)
    other = observed.level != usual[observed.column]
    pairs = np.unique(np.stack([observed.column[other], subject[other]]), axis=1)
    return np.bincount(pairs[0], minlength=len(results.form))


def decode(results: Results, latent: Floats, row: Codes, column: Codes) -> tuple[Codes, Floats]:
    """Read levels and probabilities or transformed values off latent values.

    Parameters
    ----------
    latent : (n_occasions, n_columns) float64
        From :meth:`Values.sample`.
    row, column : (n,) int
        Which ones.

    Returns
    -------
    level : (n,) int
        Of levelled columns; 0 for others.
    value : (n,) float64
        What :meth:`Results.numbers` takes.
    """
    value = latent.ravel()[row * latent.shape[1] + column]
    form = results.form[column]
    level = np.zeros(len(row), np.intp)
    normal = np.flatnonzero(form != ADDITIVE)
    value[normal] = ndtr(value[normal])
    there, i = np.flatnonzero(form == LEVELLED), 0
    edge, last = results.edges
    while len(there):  # who is beyond an edge is asked about the next
        of = column[there]
        there = there[(value[there] >= edge[of, i]) & (last[of] > i)]
        level[there] += 1
        i += 1
    return level, value


def _site_effects(rest: Floats, column: Codes, subject: Codes, site: Codes, sizes: tuple[int, int], k: int) -> Floats:
    """How far subjects of a site lie from others of their arm and visit: (n_columns, n_sites + 1), drawn towards 0."""
    n_columns, n_sites = sizes
    out = np.zeros((n_columns, n_sites + 1))
    known = np.flatnonzero(site < n_sites)
    if not n_sites or not len(known):
        return out
    span = int(subject.max()) + 1
    pair, first, inverse = np.unique(column[known] * span + subject[known], return_index=True, return_inverse=True)
    mean = _means(rest[known], inverse, len(pair))
    cell = pair // span * n_sites + site[known[first]]
    n = np.bincount(cell, minlength=n_columns * n_sites).reshape(n_columns, n_sites).astype(np.float64)
    centre = _means(mean, cell, n_columns * n_sites).reshape(n.shape)
    variance = _variance(mean, cell, n_columns * n_sites).reshape(n.shape)
    for j in range(n_columns):
        there = np.flatnonzero(n[j])
        if len(there):
            out[j, there] = shrink_means(n[j, there], centre[j, there], variance[j, there], k=k)
    return out


def _means_and_endings(
    y: Floats, column: Codes, subject: Codes, at: Circumstances, sizes: tuple[int, int, int, int, int], k: int
) -> tuple[Floats, Floats]:
    """Means (n_columns, n_arms, n_cells), and what comes to them before a death (n_columns, n_endings); each given the other."""
    endings = np.zeros((sizes[0], sizes[4]))
    shift = CellMeans.fit(y, column, subject, at.arm, at.cell, sizes[:3], fewest=k).mean
    for _ in range(ROUNDS):
        rest = y - shift[column, at.arm, at.cell]
        endings = fit_class_effects(rest, column, subject, at.ending, (sizes[0], sizes[4]), fewest=k)
        if not endings.any():
            break
        shift = CellMeans.fit(y - endings[column, at.ending], column, subject, at.arm, at.cell, sizes[:3], fewest=k).mean
    return shift, endings


def _latent_shift(
    shift: Floats,
    sites: Floats,
    endings: Floats,
    shown: Floats,
    form: NDArray[np.int64],
    column: Codes,
    at: Circumstances,
    subject: Codes,
) -> tuple[Floats, Floats, Floats, Floats]:
    """Means of level scores as shifts of a latent normal whose levels keep their shares over all rows, and its width.

    Parameters
    ----------
    at : Circumstances
        Of each row.

    Returns
    -------
    shift : (n_columns, n_arms, n_cells) float64
        Of additive columns as it was.
    sites, endings : (n_columns, n_sites + 1), (n_columns, n_endings) float64
        Likewise.
    width : (n_columns,) float64
        What is left of the standard deviation of 1; 1 for additive columns.
    """
    n = len(shift)
    discrete = form != ADDITIVE
    alike = subject_weights(column * (int(subject.max(initial=0)) + 1) + subject)
    weight = np.where(form[column] == LEVELLED, alike, 1.0)
    total = np.bincount(column, weights=weight, minlength=n)
    mean = shift[column, at.arm, at.cell] + endings[column, at.ending]
    middle = np.where(discrete, np.bincount(column, weights=weight * mean, minlength=n) / np.maximum(total, 1e-9), 0.0)
    moved, ended = (shift - middle[:, None, None]) / shown[:, None, None], endings / shown[:, None]
    # a site's share of the variance is that of the scores: where a level is rare, its mean is no measure of so large a shift
    told = sites / np.sqrt(shown[:, None])
    explained = _variance(moved[column, at.arm, at.cell] + told[column, at.site] + ended[column, at.ending], column, n)
    scale = np.where(discrete, np.sqrt(np.minimum(1.0, MOST_EXPLAINED / np.maximum(explained, 1e-12))), 1.0)[:, None]
    moved = np.where(discrete[:, None, None], moved * scale[:, :, None], shift)
    told, ended = np.where(discrete[:, None], told * scale, sites), np.where(discrete[:, None], ended * scale, endings)
    return moved, told, ended, np.where(discrete, np.sqrt(1 - np.minimum(explained, MOST_EXPLAINED)), 1.0)


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
    near = _means(np.exp(-pairs.gap / max(latent.memory, 1e-9)), pairs.series, len(share))
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


def _means(values: Floats, group: Codes, n: int) -> Floats:
    return np.bincount(group, weights=values, minlength=n) / np.maximum(np.bincount(group, minlength=n), 1)


def _variance(values: Floats, group: Codes, n: int) -> Floats:
    count = np.maximum(np.bincount(group, minlength=n), 1)
    mean = np.bincount(group, weights=values, minlength=n) / count
    return np.bincount(group, weights=(values - mean[group]) ** 2, minlength=n) / count


def _tail_mean(share: Floats) -> Floats:
    """Mean of a standard normal below its quantile at `share`."""
    safe = np.clip(share, 1e-9, 1 - 1e-9)
    out: Floats = -np.exp(-0.5 * ndtri(safe) ** 2) / np.sqrt(2 * np.pi) / safe
    return out


def _tie_extremes(
    level: Floats, y: Floats, column: Codes, subject: Codes, discrete: NDArray[np.bool_]
) -> tuple[Floats, Floats, Floats]:
    """Normal scores of the levels of discrete columns; subjects always lowest (or highest) share one score."""
    out = level.copy()
    n_columns = level.shape[1]
    bottom, top = np.zeros(n_columns), np.zeros(n_columns)
    least, most = np.full(level.shape, np.inf), np.full(level.shape, -np.inf)
    np.minimum.at(least, (subject, column), y)
    np.maximum.at(most, (subject, column), y)
    lowest, highest = np.full(n_columns, np.inf), np.full(n_columns, -np.inf)
    np.minimum.at(lowest, column, y)
    np.maximum.at(highest, column, y)
    for c in np.flatnonzero(discrete):
        seen = np.isfinite(least[:, c])
        if highest[c] <= lowest[c]:
            out[:, c] = np.nan
            continue
        value = np.where(np.isfinite(level[:, c]), level[:, c], 0.0)
        span = np.abs(value).max() + 1
        low, high = seen & (most[:, c] == lowest[c]), seen & (least[:, c] == highest[c])
        value = np.where(low, -span, np.where(high, span, value))
        out[:, c] = normal_scores(np.where(seen, value, np.nan))
        bottom[c], top[c] = low.sum() / max(1, seen.sum()), high.sum() / max(1, seen.sum())
    return out, bottom, top
