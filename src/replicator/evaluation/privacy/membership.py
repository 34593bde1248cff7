"""Membership: whether it can be told from a sample who was in the source."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.stats import t as student

from replicator.counting import counted
from replicator.evaluation.detector import auc_with_variance
from replicator.evaluation.features import feature_table
from replicator.evaluation.measures import Direction, Figure, Interval
from replicator.evaluation.privacy.groups import MOST_SUBJECTS, NO_HOLDOUT, Floats, Groups, Mask, around, untold
from replicator.evaluation.privacy.nearest import Nearness, distances, said_of_control, scaled
from replicator.evaluation.stack import Origin, Stack, stack_studies
from replicator.evaluation.timeline import Timeline
from replicator.profile.find import find_structure
from replicator.rng import stream
from replicator.rules.view import StudyView
from replicator.tables.dataset import Study

Refit: TypeAlias = Callable[[Study, int], Study]
"""Learns a study and returns a sample of its model; the number is a seed."""

NEIGHBOURS = 5
LEAST = 1e-6  # added to a distance before its logarithm is taken
FEWEST_SHADOWS = 3
FEWEST_SUBJECTS = 8  # of the source, for halves to be learned from
BY_DISTANCE, BY_SHADOWS = "membership by distance", "membership by shadow models"
DISTANCE_QUESTION = "Do subjects of the source lie nearer to the sample than subjects held out? (AUC; 0.5 is chance)"
SHADOW_QUESTION = "Can someone who has models of known halves of the source tell who was in another half? (AUC; 0.5 is chance)"


def distance_figure(nearness: Nearness, groups: Groups, of_source: Mask) -> Figure:
    """Tell subjects of the source from those held out by their distances to the nearest sampled subjects.

    What distances to the control of :func:`~replicator.evaluation.privacy.nearest.nearer_figure` tell is told beside it; the target
    is chance, since near copies of a few subjects show here.

    Parameters
    ----------
    of_source : (n_real,) bool
        Which of the real subjects are of the source.
    """
    if groups.taught:
        return untold(BY_DISTANCE, DISTANCE_QUESTION, 0.5, NO_HOLDOUT)
    fewest = min(int(of_source.sum()), int((~of_source).sum()), len(nearness.sample))
    if not groups.told or fewest < 2:
        n_source, n_others = int(of_source.sum()), int((~of_source).sum())
        why = f"{counted(n_source, 'subject')} of the source, {n_others:,} held out: too few to be told apart."
        return untold(BY_DISTANCE, DISTANCE_QUESTION, 0.5, why)
    auc, variance = auc_with_variance(-_nearest_mean(nearness.apart.T, NEIGHBOURS), of_source)
    control = auc_with_variance(-_nearest_mean(nearness.shuffled.T, NEIGHBOURS), of_source)[0]
    interval = around(auc, float(np.sqrt(variance)), 0.0, 1.0)
    note = said_of_control(control)
    return Figure(BY_DISTANCE, DISTANCE_QUESTION, auc, 0.5, interval, 0.0, 1.0, Direction.LOWER, len(of_source), note)


def shadow_figure(source: Study, n_shadows: int, refit: Refit | None, seed: int) -> Figure:
    """Attack by shadow models.

    Half of the source is drawn `n_shadows` times, learned from, and sampled. The attacker knows who was in each half but one, and
    learns from these what a subject looks like, seen from the sample, that was in: how near the nearest sampled subjects are, how
    many are near, how near for a subject that lies so far from other real ones, how far the sample's means lie on its side, and all
    of this compared with the models of the other halves. Then it tells for each subject whether it was in the remaining half.

    Parameters
    ----------
    source : Study
    n_shadows : int
        At least three; ten or more for a narrow interval. 0 for no attack.
    refit : callable or None
        Learns a study and returns a sample of its model.
    seed : int
        Of the halves and fits.

    Notes
    -----
    A model of half of the subjects keeps each of them less well hidden than the model of all, so the figure bounds that of the
    whole from above for this attack. The interval is Student's, over the halves.

    References
    ----------
    R. Shokri, M. Stronati, C. Song, V. Shmatikov, "Membership inference attacks against machine learning models", *IEEE Symposium
    on Security and Privacy*, 2017, pages 3-18; by comparison with a subject's own distances after N. Carlini and others,
    "Membership inference attacks from first principles", *IEEE Symposium on Security and Privacy*, 2022, pages 1897-1914.
    """
    if not n_shadows or refit is None:
        return untold(BY_SHADOWS, SHADOW_QUESTION, 0.5, "Not tried; ask for models to learn, ten or more (--attack 10).")
    view = StudyView(source, find_structure(replace(source, notes=()), derivations=False))
    subjects = [str(one) for one in view.subject_ids]
    if len(subjects) < FEWEST_SUBJECTS or n_shadows < FEWEST_SHADOWS:
        why = f"{len(subjects)} subjects and {n_shadows} shadow models: at least {FEWEST_SUBJECTS} and {FEWEST_SHADOWS} are needed."
        return untold(BY_SHADOWS, SHADOW_QUESTION, 0.5, why)
    aucs, exact, n_features = attack_halves(source, view.structure.subject_variable, subjects, n_shadows, refit, seed)
    mean, error = float(aucs.mean()), float(aucs.std(ddof=1) / np.sqrt(n_shadows))
    margin = float(student.ppf(0.975, n_shadows - 1)) * error
    interval = Interval(max(mean - margin, 0.0), min(mean + margin, 1.0))
    said = (
        f"{n_shadows} models of {len(subjects) // 2} of {len(subjects)} subjects each; a table of the exact means of "
        f"{n_features:,} features of each half would tell them by {float(exact.mean()):.3f}."
    )
    n = min(len(subjects), MOST_SUBJECTS) * n_shadows
    return Figure(BY_SHADOWS, SHADOW_QUESTION, mean, 0.5, interval, 0.0, 1.0, Direction.LOWER, n, said)


def attack_halves(
    source: Study, variable: str, subjects: list[str], n_shadows: int, refit: Refit, seed: int
) -> tuple[Floats, Floats, int]:
    """Learn from halves of a source and attack each model with what the others teach.

    Parameters
    ----------
    source : Study
    variable : str
        Name of the variable that tells subjects apart.
    subjects : list of str
        All subjects.
    n_shadows : int
    refit : callable
    seed : int

    Returns
    -------
    aucs : (n_shadows,) float64
        Of the attack on each model.
    exact : (n_shadows,) float64
        Of the same attack on a table of the exact means of each half instead, which bounds what means give away.
    n_features : int
        Means in that table.
    """
    rng = stream(seed, "evaluation", "shadow models")
    taught = np.zeros((n_shadows, len(subjects)), bool)
    for row in taught:
        row[rng.permutation(len(subjects))[: len(subjects) // 2]] = True
    looked_at = np.sort(rng.permutation(len(subjects))[:MOST_SUBJECTS])
    seen, means, n_features = [], [], 0
    for i, row in enumerate(taught):
        half = subset(source, variable, {subjects[at] for at in np.flatnonzero(row).tolist()})
        close, standard = closeness(stack_studies(source, refit(half, seed + i)), looked_at)
        seen.append(close)
        means.append((standard[looked_at] @ standard[row].mean(axis=0))[:, None])
        n_features = standard.shape[1]
    return _attack(np.stack(seen), taught[:, looked_at]), _attack(np.stack(means), taught[:, looked_at]), n_features


def subset(study: Study, variable: str, subjects: set[str]) -> Study:
    """Keep the rows of some subjects; datasets about no subject stay whole.

    Parameters
    ----------
    variable : str
        Name of the variable that tells subjects apart.
    subjects : set of str
    """
    kept = []
    for dataset in study.datasets.values():
        if variable in dataset:
            text = dataset.text(variable)
            wanted = np.array([str(level) in subjects for level in text.levels] + [False], bool)
            dataset = dataset.take(wanted[text.codes])
        kept.append(dataset)
    return study.with_datasets(kept)


def closeness(stack: Stack, looked_at: NDArray[np.intp]) -> tuple[Floats, Floats]:
    """What can be seen of subjects of the source from the sample.

    Parameters
    ----------
    stack : Stack
    looked_at : (n,) intp
        Positions among the source's subjects.

    Returns
    -------
    close : (n, 5) float64
        Distance to the nearest sampled subject; geometric mean of the distances to the nearest five; the first divided by the
        distance to the nearest other subject of the source; share of sampled subjects nearer than that; product of the subject's
        features with the sample's means.
    standard : (n_source, n_features) float64
        Features of the source's subjects that differ, standardised.
    """
    table = feature_table(stack, Timeline(stack))
    subjects, sample = stack.subjects(Origin.SOURCE), stack.subjects(Origin.SAMPLE)[:MOST_SUBJECTS]
    source = subjects[looked_at]
    place = scaled(table.values, stack.origin == Origin.SOURCE)
    apart, among = distances(place[source], place[sample]), distances(place[source], place[source])
    np.fill_diagonal(among, np.inf)
    nearest, alone = apart.min(axis=1), among.min(axis=1)
    least = np.finfo(np.float64).tiny
    relative = np.where(alone > 0, nearest / np.maximum(alone, least), 1.0)
    nearer = (apart < alone[:, None]).mean(axis=1)
    deviation = place[subjects].std(axis=0)
    varies = deviation > 0
    standard = (place[:, varies] - place[subjects][:, varies].mean(axis=0)) / deviation[varies]
    leaning = standard[source] @ standard[sample].mean(axis=0)
    return np.column_stack([nearest, _nearest_mean(apart, NEIGHBOURS), relative, nearer, leaning]), standard[subjects]


def _nearest_mean(apart: Floats, n: int) -> Floats:
    """Geometric mean of the `n` smallest distances of each row, to which a single copy counts."""
    n = min(n, apart.shape[1])
    return np.asarray(np.exp(np.log(np.partition(apart, n - 1, axis=1)[:, :n] + LEAST).mean(axis=1)), np.float64)


def _attack(seen: Floats, taught: Mask) -> Floats:
    """AUC of each shadow model under an attack that learned from all others.

    Parameters
    ----------
    seen : (n_shadows, n_subjects, n_seen) float64
    taught : (n_shadows, n_subjects) bool

    Returns
    -------
    (n_shadows,) float64
    """
    from sklearn.linear_model import LogisticRegression  # noqa: PLC0415
    from sklearn.pipeline import make_pipeline  # noqa: PLC0415
    from sklearn.preprocessing import StandardScaler  # noqa: PLC0415

    n = len(seen)
    own = (seen.sum(axis=0) - seen) / (n - 1)  # a subject's own mean over the other models
    features = np.concatenate([seen, seen - own], axis=2)
    aucs = np.full(n, np.nan)
    for i in range(n):
        rest = np.arange(n) != i
        attack = make_pipeline(StandardScaler(), LogisticRegression())
        attack.fit(features[rest].reshape(-1, features.shape[2]), taught[rest].ravel())
        aucs[i], _ = auc_with_variance(attack.decision_function(features[i]), taught[i])
    return aucs
