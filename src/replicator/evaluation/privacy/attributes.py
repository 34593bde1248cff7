"""Attribute inference: whether the sample tells more about subjects of the source than about anybody else."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from replicator.errors import ConfigError
from replicator.evaluation.columns import FEW_NUMBERS
from replicator.evaluation.features import STUDY, FeatureTable
from replicator.evaluation.measures import OFFENDERS, Direction, Figure, Offender
from replicator.evaluation.privacy.groups import NO_HOLDOUT, Floats, Groups, Mask, around, untold
from replicator.evaluation.privacy.nearest import Nearness, distances, scaled

NEIGHBOURS = 5
MOST_TARGETS = 24
MOST_OF_DATASET = 4
CLOSE = 0.5  # standard deviations within which a guess of a number counts as right
MOST_NAMED = 5  # attributes that a message names
FEWEST_GUESSES = 8  # subjects of each side who have the attribute
BY_DEMOGRAPHY, BY_ALL = "attributes from demography", "attributes from all other datasets"
QUESTION = (
    "How much more often is an attribute guessed right for subjects of the source than for those held out, from {known}? "
    "(0: no more often)"
)
KNOWN = {BY_DEMOGRAPHY: "their demography", BY_ALL: "all that other datasets say of them"}


def attribute_figures(
    nearness: Nearness, table: FeatureTable, subjects: str, groups: Groups, of_source: Mask, chosen: Sequence[str] = ()
) -> tuple[Figure, Figure]:
    """Guess attributes of real subjects from the five sampled subjects who are most like them.

    A number is guessed as their mean, and right within half a standard deviation; what has few values as the most frequent one.
    The first figure knows the subjects dataset, the second everything but the dataset that the attribute comes from.

    Parameters
    ----------
    nearness : Nearness
        Tells who is looked at.
    table : FeatureTable
    subjects : str
        Name of the dataset with one row a subject, ``""`` without one.
    groups : Groups
    of_source : (n_real,) bool
    chosen : sequence of str
        Names of features that are guessed; by default those of each dataset outside demography that most real subjects have and
        that differ most between them.
    """
    targets = [table.names.index(name) for name in chosen] or _targets(table, subjects, nearness)
    return (
        _figure(BY_DEMOGRAPHY, nearness, table, targets, groups, of_source, subjects),
        _figure(BY_ALL, nearness, table, targets, groups, of_source, None),
    )


def check_chosen(table: FeatureTable, chosen: Sequence[str]) -> None:
    """Refuse attributes that nothing is known of.

    Raises
    ------
    ConfigError
        With the names that are most like each.
    """
    for name in chosen:
        if name not in table.names:
            near = get_close_matches(name, table.names, MOST_NAMED, 0.0)
            raise ConfigError(f"There is no attribute {name!r} to infer among {len(table.names):,}; nearest are {'; '.join(near)}.")


def _targets(table: FeatureTable, subjects: str, nearness: Nearness) -> list[int]:
    """Features of datasets other than demography with most distinct values times subjects who have them."""
    of_real = table.values[nearness.real]
    has = np.isfinite(of_real).mean(axis=0)
    codes = np.array([len(pd.unique(column[np.isfinite(column)])) for column in of_real.T])
    found: list[int] = []
    for dataset in dict.fromkeys(table.datasets):
        own = [i for i, one in enumerate(table.datasets) if one == dataset and dataset not in (subjects, STUDY) and codes[i] > 1]
        own.sort(key=lambda i: (-has[i], -codes[i], i))
        found += own[:MOST_OF_DATASET]
    return found[:MOST_TARGETS]


def _figure(
    name: str, nearness: Nearness, table: FeatureTable, targets: list[int], groups: Groups, of_source: Mask, known: str | None
) -> Figure:
    """`known` is the dataset whose features are known; None for all datasets but the target's."""
    question = QUESTION.format(known=KNOWN[name])
    if groups.taught:
        return untold(name, question, 0.0, NO_HOLDOUT, -1.0)
    datasets = np.array(table.datasets, dtype=object)
    place, n_features = scaled(table.values, groups.real), len(table.names)
    right, told = [], []
    near: dict[str, NDArray[np.intp]] = {}
    for target in targets:
        key = table.datasets[target] if known is None else known
        if key not in near:
            used = datasets != key if known is None else datasets == key
            near[key] = _nearest(place[:, np.tile(used, 2)] if n_features else place, nearness)
        if near[key].shape[1]:
            guessed = _right(table.values[:, target], nearness, near[key])
            has = np.isfinite(guessed)
            if min((has & of_source).sum(), (has & ~of_source).sum()) >= FEWEST_GUESSES:
                right.append(guessed)
                told.append(table.names[target])
    if not right:
        why = f"{len(targets)} attributes, {groups.size} real subjects a side: too little is known of them to guess from."
        return untold(name, question, 0.0, why, -1.0)
    guesses = np.array(right)
    guessed_at = np.isfinite(guesses).sum(axis=0)
    each = np.where(guessed_at > 0, np.nansum(guesses, axis=0) / np.maximum(guessed_at, 1), np.nan)
    source, others = (each[side & np.isfinite(each)] for side in (of_source, ~of_source))
    value = float(source.mean() - others.mean())
    error = float(np.sqrt(source.var(ddof=1) / len(source) + others.var(ddof=1) / len(others)))
    of_targets = [(float(np.nanmean(row[of_source])), float(np.nanmean(row[~of_source]))) for row in guesses]
    worst = sorted(range(len(told)), key=lambda i: of_targets[i][1] - of_targets[i][0])[:OFFENDERS]
    offenders = tuple(Offender(told[i], *of_targets[i]) for i in worst if of_targets[i][0] > of_targets[i][1])
    said = f"Guessed right: {source.mean():.0%} of the source, {others.mean():.0%} of those held out, of {_listed(told)}."
    return Figure(
        name, question, value, 0.0, around(value, error, -1.0, 1.0), -1.0, 1.0, Direction.LOWER, len(each), said, offenders
    )


def _listed(names: list[str]) -> str:
    return ", ".join(names) if len(names) <= MOST_NAMED else f"{len(names)} attributes"


def _nearest(place: Floats, nearness: Nearness) -> NDArray[np.intp]:
    """(n_real, n_neighbours) positions among the sampled subjects of those most like each real one; none if nothing is known."""
    n = min(NEIGHBOURS, len(nearness.sample)) if place.shape[1] else 0
    if not n:
        return np.empty((len(nearness.real), 0), np.intp)
    apart = distances(place[nearness.real], place[nearness.sample])
    return np.argpartition(apart, n - 1, axis=1)[:, :n]


def _right(values: Floats, nearness: Nearness, near: NDArray[np.intp]) -> Floats:
    """(n_real,) 1 where the guess is right and 0 where it is not; NaN for subjects without the attribute."""
    truth, offered = values[nearness.real], values[nearness.sample][near]
    has = np.isfinite(truth)
    n_distinct = len(pd.unique(truth[has]))
    known = np.isfinite(offered)
    n = known.sum(axis=1)
    if n_distinct > FEW_NUMBERS:
        guess = np.where(known, offered, 0.0).sum(axis=1) / np.maximum(n, 1)
        correct = np.abs(guess - truth) <= CLOSE * np.std(truth[has])
    else:
        same = (offered[:, :, None] == offered[:, None, :]).sum(axis=2)
        guess = offered[np.arange(len(offered)), np.argmax(np.where(known, same, -1), axis=1)]
        correct = guess == truth
    return np.where(has, np.where(n > 0, correct, False), np.nan)
