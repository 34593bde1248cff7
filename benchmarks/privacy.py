"""Whether one subject can be told from a model: the game of in or out, for every subject of a study at once.

    .venv/bin/python benchmarks/privacy.py [--study FOLDER] [--fits 64] [--subjects 60] [--sampled 300] [--json FILE]

For each fit some subjects are drawn at random from all of the study, a model is learned from them, and a sample drawn from
it. The attacker knows everything about everybody, the program, and the sample of each model; not who was drawn. For every
subject it says how sure it is of each model that the subject was in, and its AUC is the share of pairs of models, one with
and one without the subject, that it puts in the right order; 0.5 is chance. All attacks are fixed beforehand, and what the
last one learns it learns from one half of the fits and is judged by the other, so that nothing is chosen by its success:

- nearness: the mean distance to the nearest five sampled subjects;
- means: the test of likelihood ratios for the means of the sample's features, all together and by what they describe;
- both and how many sampled subjects are near, in a classifier.

Beside them stands what the exact means of the same features would tell in place of the sample, as drawn and by the formula.
Figures are means over a group of subjects, with the jackknife's 95 % interval over the fits; the control repeats each with
draws that have nothing to do with the models. `docs/decisions/how-privacy-is-measured.md` says what follows from them.
"""

from __future__ import annotations

import argparse
import json
import platform
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from in_out import MeansTest, as_exact_means, group_auc, learned_scores
from main_job import default_study
from numpy.typing import NDArray

import replicator as rp
from replicator.evaluation.features import feature_table
from replicator.evaluation.privacy.membership import closeness, subset
from replicator.evaluation.privacy.nearest import distances, scaled
from replicator.evaluation.stack import Origin, stack_studies
from replicator.evaluation.timeline import Timeline
from replicator.rng import stream
from replicator.tables.dataset import Study

SUBJECT = "USUBJID"
DOMAINS = ("DM", "VS", "LB", "AE")
FEWEST_FITS = 16
CONTROLS = 8  # draws that have nothing to do with the models
FARTHEST = 4.0  # standard deviations at which a feature is cut
DESCRIBES = ("level", "spread", "change", "results", "rows", "missing")  # last words of features' names
Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]
Positions = NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class Games:
    """What the attacker has, and who was in.

    Attributes
    ----------
    pool : (n_pool, n_features) float64
        Features of all subjects in standard deviations, 0 where one has none.
    names : tuple of str
        (n_features,).
    taught : (n_fits, n_pool) bool
    means : (n_fits, n_features) float64
        Of the samples.
    close : (n_fits, n_pool, 4) float64
        How near the samples come.
    apart : (n_pool,) float64
        Distance of each subject to its nearest neighbour.
    """

    pool: Floats
    names: tuple[str, ...]
    taught: Mask
    means: Floats
    close: Floats
    apart: Floats


def play(study: Study, n_fits: int, n: int, sampled: int) -> Games:
    """Draw subjects, learn and sample, many times."""
    stack = stack_studies(study, study)
    source = stack.subjects(Origin.SOURCE)
    subjects = [str(one).split("|", 1)[1] for one in stack.view.subject_ids[source]]
    place = scaled(feature_table(stack, Timeline(stack)).values, stack.origin == Origin.SOURCE)[source]
    apart = distances(place, place)
    np.fill_diagonal(apart, np.inf)
    taught = np.zeros((n_fits, len(subjects)), bool)
    found: list[tuple[tuple[str, ...], Floats, Floats]] = []
    close = np.empty((n_fits, len(subjects), 4))
    for i, row in enumerate(taught):
        row[stream(i, "benchmark", "privacy").permutation(len(subjects))[:n]] = True
        drawn = {subjects[at] for at in np.flatnonzero(row).tolist()}
        sample = rp.fit(subset(study, SUBJECT, drawn), cache=False).sample(sampled, seed=i)
        stack = stack_studies(study, sample)
        table = feature_table(stack, Timeline(stack))
        close[i] = closeness(stack, np.arange(len(subjects)))[0][:, :4]
        found.append((table.names, table.values[stack.origin == Origin.SOURCE], table.values[stack.origin == Origin.SAMPLE]))
    return _games(found, taught, close, apart.min(axis=1))


def _games(found: list[tuple[tuple[str, ...], Floats, Floats]], taught: Mask, close: Floats, apart: Floats) -> Games:
    """Put the features of all samples in one order and on the scale of the pool."""
    names = sorted(set.intersection(*(set(names) for names, _, _ in found)))
    raw = found[0][1][:, [found[0][0].index(name) for name in names]]
    _, first = np.unique(raw, axis=1, return_index=True)
    spread = np.nanstd(raw, axis=0)
    kept = np.sort(first[spread[first] > 0])
    mean, spread = np.nanmean(raw, axis=0)[kept], spread[kept]
    names = [names[at] for at in kept.tolist()]

    def standard(values: Floats) -> Floats:
        out: Floats = np.nan_to_num(np.clip((values - mean) / spread, -FARTHEST, FARTHEST))
        return out

    columns = [[one.index(name) for name in names] for one, _, _ in found]
    means = np.array([standard(sample[:, at]).mean(axis=0) for (_, _, sample), at in zip(found, columns, strict=True)])
    return Games(standard(raw[:, kept]), tuple(names), taught, means, close, apart)


def attacks(games: Games, taught: Mask) -> dict[str, Floats]:
    """Scores of every attack, (n_fits, n_pool) each; one that learns is told that those in `taught` were in."""
    every = MeansTest.of(games.pool)
    means = every.scores(games.means)
    return {
        "nearness": -games.close[:, :, 1],
        "means": means,
        "both, in a classifier": learned_scores(np.concatenate([games.close, means[:, :, None]], axis=2), taught),
        "exact means instead": every.scores(exact_means(games)),
    }


def exact_means(games: Games) -> Floats:
    """Means of the features over those who were in: (n_fits, n_features)."""
    means: Floats = games.taught @ games.pool / games.taught.sum(axis=1, keepdims=True)
    return means


def parts(games: Games) -> dict[str, Positions]:
    """Features by what they describe."""
    last = np.array([name.rsplit(" ", 1)[-1] for name in games.names])
    kind = np.where(np.isin(last, DESCRIBES), last, "days, categories and the rest")
    return {str(one): np.flatnonzero(kind == one) for one in np.unique(kind)}


def measured(games: Games, group: Positions) -> dict[str, dict[str, float]]:
    """Every attack on a group of subjects, its interval, and its control."""
    n, total = int(games.taught[0].sum()), games.taught.shape[1]
    others = [
        np.array(
            [
                np.isin(np.arange(total), stream(i, "benchmark", "control", c).permutation(total)[:n])
                for i in range(len(games.taught))
            ]
        )
        for c in range(CONTROLS)
    ]
    controls = [{name: group_auc(scores, other, group)[0] for name, scores in attacks(games, other).items()} for other in others]
    found = {}
    for name, scores in attacks(games, games.taught).items():
        value, interval = group_auc(scores, games.taught, group)
        by_chance = [one[name] for one in controls]
        found[name] = {
            "auc": round(value, 3),
            "low": round(interval.low, 3),
            "high": round(interval.high, 3),
            "control": round(float(np.mean(by_chance)), 3),
            "control_sd": round(float(np.std(by_chance, ddof=1)), 3),
            "exact_means": round(as_exact_means(value, n, total), 1),
        }
    return found


def measured_parts(games: Games) -> dict[str, dict[str, float]]:
    """What the means of each part of the features tell of all subjects, beside exact means of the same."""
    n, total = int(games.taught[0].sum()), games.taught.shape[1]
    found = {}
    for name, at in parts(games).items():
        test = MeansTest.of(games.pool[:, at])
        told, _ = group_auc(test.scores(games.means[:, at]), games.taught, np.arange(total))
        exact, _ = group_auc(test.scores(exact_means(games)[:, at]), games.taught, np.arange(total))
        formula = float(test.expected_auc(n).mean())
        found[name] = {"features": len(at), "auc": round(told, 3), "exact": round(exact, 3), "formula": round(formula, 3)}
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--study", type=Path, help="a study in any format that replicator reads; by default the pilot study")
    parser.add_argument("--fits", type=int, default=64)
    parser.add_argument("--subjects", type=int, default=60, help="of each fit")
    parser.add_argument("--sampled", type=int, default=300, help="subjects of each sample")
    parser.add_argument("--json", type=Path, help="write the figures here as well")
    options = parser.parse_args()
    if options.fits < FEWEST_FITS:
        parser.error(f"{options.fits} fits are too few for an interval; at least {FEWEST_FITS} are needed")
    whole = rp.read_study(options.study or default_study())
    study = whole.with_datasets([one for one in whole.datasets.values() if one.domain in DOMAINS])
    start = time.perf_counter()
    games = play(study, options.fits, options.subjects, options.sampled)
    order = np.argsort(games.apart, kind="stable")
    total = len(order)
    groups = {
        "everybody": np.arange(total),
        "the tenth furthest from all others": order[-max(total // 10, 1) :],
        "the middle tenth": order[int(0.45 * total) : int(0.55 * total)],
        "the one furthest from all others": order[-1:],
    }
    figures = {
        "machine": {"system": platform.platform(), "python": platform.python_version()},
        "datasets": list(study.datasets),
        "fits": options.fits,
        "subjects": options.subjects,
        "pool": total,
        "features": len(games.names),
        "sampled": options.sampled,
        "seconds": round(time.perf_counter() - start, 1),
        "formula": round(float(MeansTest.of(games.pool).expected_auc(options.subjects).mean()), 3),
        "groups": {who: measured(games, group) for who, group in groups.items()},
        "parts": measured_parts(games),
    }
    show(figures, games)
    if options.json:
        options.json.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
    return 0


def show(figures: dict[str, object], games: Games) -> None:
    """Print the figures."""
    n, (n_fits, total) = int(games.taught[0].sum()), games.taught.shape
    print(f"{n_fits} fits of {n} of {total} subjects, {len(games.names)} features: AUC of telling who was in")
    groups, by_part = figures["groups"], figures["parts"]
    assert isinstance(groups, dict)
    assert isinstance(by_part, dict)
    for who, found in groups.items():
        print(f"{who}:")
        for name, one in found.items():
            spread = f"({one['low']:.3f} to {one['high']:.3f})  control {one['control']:.3f} +- {one['control_sd']:.3f}"
            print(f"  {name:<24} {one['auc']:.3f}  {spread}  as much as {one['exact_means']:.0f} exact means")
    print(f"exact means of all features by the formula: {figures['formula']:.3f}")
    for name, one in by_part.items():
        line = f"{one['auc']:.3f}  exact means {one['exact']:.3f}, by the formula {one['formula']:.3f}"
        print(f"  {one['features']:>4} of {name:<30} {line}")


if __name__ == "__main__":
    sys.exit(main())
