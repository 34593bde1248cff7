"""A detector that tries to tell sampled subjects from real ones, and what gives them away."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import rankdata

from replicator.counting import counted
from replicator.evaluation.distances import Floats
from replicator.evaluation.features import FeatureTable
from replicator.evaluation.measures import NORMAL_95, Direction, Figure, Interval
from replicator.evaluation.separation import FEWEST_SUBJECTS, Pair, find_reasons
from replicator.evaluation.stack import Origin, Stack
from replicator.rules.grouping import Mask

FOLDS = 5
REPEATS = 2  # draws of equally many subjects
HALVINGS = 4  # of the source, where no subjects are held out
MOST_SUBJECTS = 1000  # of each side
TREES = 100
OF_FEATURES = 0.15  # share of the features that a split of a tree chooses from; with fewer, what only one gives away is missed
MOST_NAMED = 5  # features that a detector used most, where no single one and no two tell
NAME = "detector"
QUESTION = "Can a classifier tell sampled subjects from real ones? (AUC; 0.5 is chance)"


@dataclass(frozen=True, eq=False)
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
    importance : (n_features,) float64
        How much the forests used each feature: shares of the decrease of Gini's impurity.
    """

    auc: float
    error: float
    n: int
    importance: Floats


def detector_figure(stack: Stack, table: FeatureTable, rng: np.random.Generator) -> Figure:
    """Tell the sample from real subjects by all features, beside the same attempt on two sets of real subjects.

    With a holdout the real subjects are those held out, and the target is how well the source is told from them; without one they
    are the source, and the target is how well its halves are told apart; chance where that is less. The offenders are what tells
    sampled from real subjects: single features, and pairs of those that the detector used most. Where it tells them apart and
    none of these does beyond chance, the note names what it used most.

    Notes
    -----
    An AUC below 0.5 is no detection: where both sides have the same share of each arm, what the detector has seen tells a little
    against what it has not. A sample, whose arms are drawn, need not share that leaning.
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
    floor = detect(values, others, rng) if enough else Detection(0.5, np.nan, 0, np.zeros(values.shape[1]))
    target = max(floor.auc, 0.5)
    margin = NORMAL_95 * found.error
    interval = Interval(max(found.auc - margin, 0.0), min(found.auc + margin, 1.0))
    offenders = find_reasons(table, found.importance, (real, sample), others[0])
    said = (
        ""
        if enough
        else f"The target is chance: {counted(len(source), 'subject')} of the source, too few to be told from each other."
    )
    if not offenders and interval.low > target:
        said = f"{said} {_used_together(table, found)}".lstrip()
    return Figure(NAME, QUESTION, found.auc, target, interval, 0.0, 1.0, Direction.LOWER, found.n, said, offenders=offenders)


def _used_together(table: FeatureTable, found: Detection) -> str:
    most = np.argsort(-found.importance, kind="stable")[:MOST_NAMED].tolist()
    named = ", ".join(table.names[i] for i in most)
    return f"No feature alone and no two of them tell the two apart beyond chance; it takes many together, most of all {named}."


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
    aucs, variances, importance = [], [], np.zeros(values.shape[1])
    for one, two in pairs:
        rows = np.concatenate([rng.permutation(one)[:n], rng.permutation(two)[:n]])
        fold = np.concatenate([rng.permutation(n) % FOLDS, rng.permutation(n) % FOLDS])
        folds = []
        for k in range(FOLDS):
            scores, used = _scores(values[rows], truth, fold == k, rng)
            folds.append(auc_with_variance(scores, truth[fold == k]))
            importance += used / (FOLDS * len(pairs))
        aucs.append(np.mean([auc for auc, _ in folds]))
        variances.append(np.sum([variance for _, variance in folds]) / FOLDS**2)
    return Detection(float(np.mean(aucs)), float(np.sqrt(np.mean(variances))), n, importance)


def _scores(values: Floats, truth: Mask, held_out: Mask, rng: np.random.Generator) -> tuple[Floats, Floats]:
    """Probability of being of the second set, for those held out, and how much each feature was used."""
    from sklearn.ensemble import RandomForestClassifier  # noqa: PLC0415

    forest = RandomForestClassifier(
        TREES, min_samples_leaf=3, max_features=OF_FEATURES, n_jobs=1, random_state=int(rng.integers(1 << 31))
    )
    told = np.isfinite(values[~held_out]).any(axis=0)
    forest.fit(values[~held_out][:, told], truth[~held_out])
    importance = np.zeros(values.shape[1])
    importance[told] = forest.feature_importances_
    return np.asarray(forest.predict_proba(values[held_out][:, told])[:, 1], np.float64), importance


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
