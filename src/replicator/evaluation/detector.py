"""A detector that tries to tell sampled subjects from real ones, and what gives them away."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm, rankdata

from replicator.evaluation.distances import Floats
from replicator.evaluation.features import FeatureTable
from replicator.evaluation.measures import NORMAL_95, OFFENDERS, Direction, Figure, Interval, Offender
from replicator.evaluation.stack import Origin, Stack
from replicator.rules.grouping import Mask

FOLDS = 5
REPEATS = 2  # draws of equally many subjects
HALVINGS = 4  # of the source, where no subjects are held out
MOST_SUBJECTS = 1000  # of each side
FEWEST_SUBJECTS = 4 * FOLDS  # of each side
TREES = 100
BY_CHANCE = 0.01  # probability that a feature is named although none differs
NAME = "detector"
QUESTION = "Can a classifier tell sampled subjects from real ones? (AUC; 0.5 is chance)"

Pair: TypeAlias = tuple[NDArray[np.intp], NDArray[np.intp]]
"""Positions of the subjects of two sets."""


@dataclass(frozen=True)
class Detection:
    """How well two sets of subjects are told apart.

    Attributes
    ----------
    auc : float
        Mean over draws and folds.
    error : float
        Standard error.
    n : int
        Subjects of each side.
    """

    auc: float
    error: float
    n: int


def detector_figure(stack: Stack, table: FeatureTable, rng: np.random.Generator) -> Figure:
    """Tell the sample from real subjects by all features, beside the same attempt on two sets of real subjects.

    With a holdout the real subjects are those held out, and the target is how well the source is told from them; without one they
    are the source, and the target is how well its halves are told apart. The offenders are single features by how well each alone
    tells sampled from real subjects, where that is beyond chance given how many features were looked at.

    Notes
    -----
    An AUC below 0.5 is no detection: where both sides have the same share of each arm, what the detector has seen tells a little
    against what it has not. The target has the same leaning.
    """
    source, sample, holdout = (stack.subjects(origin) for origin in Origin)
    real = holdout if len(holdout) else source
    values = table.values
    if min(len(real), len(sample)) < FEWEST_SUBJECTS or not values.shape[1]:
        why = (
            f"{len(real)} real and {len(sample)} sampled subjects, {values.shape[1]} features: at least {FEWEST_SUBJECTS} subjects "
            f"on each side and one feature are needed."
        )
        nothing = Interval(np.nan, np.nan)
        return Figure(NAME, QUESTION, np.nan, 0.5, nothing, 0.0, 1.0, Direction.LOWER, min(len(real), len(sample)), why)
    found = detect(values, [(real, sample)] * REPEATS, rng)
    halves = [(order[::2], order[1::2]) for order in (rng.permutation(source) for _ in range(HALVINGS))]
    others = [(holdout, source)] * REPEATS if len(holdout) else halves
    enough = min(map(len, others[0])) >= FEWEST_SUBJECTS
    floor = detect(values, others, rng) if enough else Detection(0.5, np.nan, 0)
    margin = NORMAL_95 * found.error
    interval = Interval(max(found.auc - margin, 0.0), min(found.auc + margin, 1.0))
    offenders = tuple(_reasons(table, (real, sample), others[0]))
    said = "" if enough else f"The target is chance: {len(source)} subjects of the source are too few to be told from each other."
    return Figure(NAME, QUESTION, found.auc, floor.auc, interval, 0.0, 1.0, Direction.LOWER, found.n, said, offenders=offenders)


def detect(values: Floats, pairs: Sequence[Pair], rng: np.random.Generator) -> Detection:
    """Tell two sets of subjects apart with a random forest, by cross-validation, with equally many of both.

    Parameters
    ----------
    values : (n_subjects, n_features) float64
        NaN where missing.
    pairs : sequence of two arrays of positions of subjects
        Each pair is told apart once, on subjects and folds of its own; the AUC is the mean.
    rng : numpy.random.Generator
        Draws subjects, folds and trees.

    Returns
    -------
    Detection
        The standard error is DeLong's within a fold, averaged over the pairs, which share most of their subjects.
    """
    n = min(MOST_SUBJECTS, *(len(side) for pair in pairs for side in pair))
    truth = np.repeat([False, True], n)
    aucs, variances = [], []
    for one, two in pairs:
        rows = np.concatenate([rng.permutation(one)[:n], rng.permutation(two)[:n]])
        fold = np.concatenate([rng.permutation(n) % FOLDS, rng.permutation(n) % FOLDS])
        folds = [auc_with_variance(_scores(values[rows], truth, fold == k, rng), truth[fold == k]) for k in range(FOLDS)]
        aucs.append(np.mean([auc for auc, _ in folds]))
        variances.append(np.sum([variance for _, variance in folds]) / FOLDS**2)
    return Detection(float(np.mean(aucs)), float(np.sqrt(np.mean(variances))), n)


def _scores(values: Floats, truth: Mask, held_out: Mask, rng: np.random.Generator) -> Floats:
    """Probability of being of the second set, for those held out."""
    from sklearn.ensemble import RandomForestClassifier  # noqa: PLC0415

    forest = RandomForestClassifier(
        TREES, min_samples_leaf=3, max_features="sqrt", n_jobs=1, random_state=int(rng.integers(1 << 31))
    )
    with_values = values[:, np.isfinite(values[~held_out]).any(axis=0)]
    forest.fit(with_values[~held_out], truth[~held_out])
    return np.asarray(forest.predict_proba(with_values[held_out])[:, 1], np.float64)


def auc_with_variance(scores: Floats, truth: Mask) -> tuple[float, float]:
    """Area under the ROC curve and its variance.

    Parameters
    ----------
    scores : (n,) float64
        Higher for those that are more likely positive.
    truth : (n,) bool
        At least two of each.

    References
    ----------
    E. R. DeLong, D. M. DeLong, D. L. Clarke-Pearson, "Comparing the areas under two or more correlated receiver operating
    characteristic curves", *Biometrics* 44, 1988, pages 837-845; by ranks after X. Sun, W. Xu, *IEEE Signal Processing Letters* 21,
    2014, pages 1389-1393.
    """
    positive, negative = scores[truth], scores[~truth]
    m, n = len(positive), len(negative)
    ranks = rankdata(np.concatenate([positive, negative]))
    above = (ranks[:m] - rankdata(positive)) / n  # share of negatives below each positive
    below = 1.0 - (ranks[m:] - rankdata(negative)) / m  # share of positives above each negative
    return float(above.mean()), float(np.var(above, ddof=1) / m + np.var(below, ddof=1) / n)


def separation(one: Floats, two: Floats) -> tuple[Floats, Floats]:
    """How well each feature alone tells two sets of subjects apart, by its value among those who have one or by who has one.

    Parameters
    ----------
    one, two : (n_one, n_features), (n_two, n_features) float64
        NaN where missing.

    Returns
    -------
    auc : (n_features,) float64
        From 0.5, the better of the two ways.
    error : (n_features,) float64
        Standard error of Mann and Whitney's statistic as a share, were there no difference.
    """
    both = np.concatenate([one, two])
    has = np.isfinite(both)
    ranks = rankdata(both, axis=0, nan_policy="omit")
    n_one, n_two = has[: len(one)].sum(axis=0), has[len(one) :].sum(axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        auc = (np.where(has, ranks, 0.0)[: len(one)].sum(axis=0) - n_one * (n_one + 1) / 2) / (n_one * n_two)
    by_value = np.where(np.minimum(n_one, n_two) >= FEWEST_SUBJECTS, np.abs(np.nan_to_num(auc, nan=0.5) - 0.5), 0.0)
    by_presence = 0.5 * np.abs(n_one / len(one) - n_two / len(two))
    valued = by_value >= by_presence
    m, n = np.where(valued, n_one, len(one)), np.where(valued, n_two, len(two))
    with np.errstate(divide="ignore"):
        error = np.sqrt((m + n + 1) / (12.0 * m * n))
    return 0.5 + np.maximum(by_value, by_presence), error


def _reasons(table: FeatureTable, compared: Pair, floor: Pair) -> list[Offender]:
    """Features that tell the sample from real subjects beyond chance (Bonferroni), best first."""
    of_sample, error = separation(table.values[compared[0]], table.values[compared[1]])
    of_floor, _ = separation(table.values[floor[0]], table.values[floor[1]])
    beyond = np.flatnonzero(of_sample > 0.5 + error * norm.isf(BY_CHANCE / 2 / len(table.names)))
    worst = beyond[np.argsort(-of_sample[beyond], kind="stable")[:OFFENDERS]]
    return [Offender(table.names[i], float(of_sample[i]), float(of_floor[i])) for i in worst.tolist()]
