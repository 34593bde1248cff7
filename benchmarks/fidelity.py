"""How good a stand-in for new subjects a sample of the pilot study is, by the product's own measure.

    .venv/bin/python benchmarks/fidelity.py [--study FOLDER] [--halves TRAIN HOLDOUT] [--subjects N] [--seeds 7 8 9] [--json FILE]
        [--against FILE]

A study is halved by subject within its arms, the same way in every run (or the halves are given); a model is fitted on one half, as
many subjects are sampled with each seed, and each sample is measured against the other half, which the model never saw. Figures
are geometric means over the samples: those of one model differ by some 0.03. `--against` compares with figures that were written
before: exit code 1 when the overall figure worsened by more than 0.05, or a law was lost in any sample.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from main_job import default_study
from small_studies import subject_rows

import replicator as rp
from replicator.evaluation.families import compare_studies
from replicator.evaluation.laws import judge_laws
from replicator.evaluation.measures import overall
from replicator.rules.certificate import Verdict

WORSE = 0.05  # of the overall figure


@dataclass(frozen=True)
class Fidelity:
    """What was measured of one study."""

    study: str
    subjects: int
    seeds: tuple[int, ...]
    overall: float
    low: float
    high: float
    families: dict[str, float]
    laws_held: int
    laws_lost: tuple[str, ...]


def halves(study: rp.Study, seed: int = 0) -> tuple[rp.Study, rp.Study]:
    """Part the subjects in two, within each arm."""
    dm = study["DM"].to_frame()
    rng, train = np.random.default_rng(seed), set()
    for _, subjects in dm.sort_values("USUBJID").groupby("ARM", sort=True)["USUBJID"]:
        train |= set(rng.permutation(subjects.to_numpy(object))[: len(subjects) // 2].tolist())
    return subject_rows(study, train), subject_rows(study, set(dm["USUBJID"]) - train)


def measure(train: rp.Study, holdout: rp.Study, n: int, seeds: Sequence[int]) -> Fidelity:
    """Fit once, sample with each seed, and measure."""
    model = rp.fit(train, cache=False)
    samples = [model.sample(n, seed=seed) for seed in seeds]
    compared = [compare_studies(train, sample, holdout) for sample in samples]
    laws = [judge_laws(train, sample, holdout) for sample in samples]
    figures = [overall(families) for families in compared]
    ratios = {
        one.name: [each.ratio for families in compared for each in families if each.name == one.name]
        for one in compared[0]
        if one.n_entries
    }
    return Fidelity(
        study=train.name,
        subjects=n,
        seeds=tuple(seeds),
        overall=_mean([figure.ratio for figure in figures]),
        low=_mean([figure.interval.low for figure in figures]),
        high=_mean([figure.interval.high for figure in figures]),
        families={name: _mean(found) for name, found in ratios.items()},
        laws_held=min(len(each.sample.of(Verdict.PASSED)) for each in laws),
        laws_lost=tuple(sorted({" ".join(part for part in law if part) for each in laws for law in each.lost})),
    )


def _mean(ratios: Sequence[float]) -> float:
    """Geometric mean, to four places."""
    return round(float(np.exp(np.mean(np.log(ratios)))), 4)


def worsened(found: Fidelity, before: dict[str, object]) -> list[str]:
    """Say what is worse than it was."""
    said = []
    was = float(str(before["overall"]))
    if found.overall > was + WORSE:
        said.append(f"The overall figure is {found.overall:.3f} and was {was:.3f}: worse by more than {WORSE}.")
    known = before["laws_lost"]
    new = [law for law in found.laws_lost if not isinstance(known, list) or law not in known]
    said += [f"The law {law} is lost." for law in new]
    return said


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--study", type=Path, help="a study in any format that replicator reads; by default the pilot study")
    parser.add_argument("--halves", type=Path, nargs=2, metavar=("TRAIN", "HOLDOUT"), help="halves of a study as they are")
    parser.add_argument("--subjects", type=int, help="to sample; by default as many as were learned from")
    parser.add_argument("--seeds", type=int, nargs="+", default=[7, 8, 9], help="of the samples, one each")
    parser.add_argument("--json", type=Path, help="write the figures here as well")
    parser.add_argument("--against", type=Path, help="figures of a former run")
    options = parser.parse_args()
    if options.halves:
        train, holdout = (rp.read_study(folder) for folder in options.halves)
    else:
        train, holdout = halves(rp.read_study(options.study or default_study()))
    found = measure(train, holdout, options.subjects or train["DM"].n_rows, options.seeds)
    for name, ratio in found.families.items():
        print(f"{name:<28} {ratio:>6.3f}")
    print(f"{'overall':<28} {found.overall:>6.3f}  ({found.low:.3f} to {found.high:.3f})")
    print(f"laws held: {found.laws_held}; lost: {', '.join(found.laws_lost) or 'none'}")
    if options.json:
        options.json.write_text(json.dumps(asdict(found), indent=2) + "\n", encoding="utf-8")
    said = worsened(found, json.loads(options.against.read_text(encoding="utf-8"))) if options.against else []
    for sentence in said:
        print(sentence)
    return 1 if said else 0


if __name__ == "__main__":
    sys.exit(main())
