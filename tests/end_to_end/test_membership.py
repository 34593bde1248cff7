"""Whether it can be told that a subject was in: the attacks of an evaluation on models of many halves, and their bound."""

from __future__ import annotations

from pathlib import Path

import pytest

import replicator as rp
from replicator.evaluation.privacy.membership import attack_halves
from replicator.tables.dataset import Study

pytestmark = pytest.mark.slow
ROOT = Path(__file__).resolve().parents[2]
N = 12


def refitted(half: Study, seed: int) -> Study:
    """A sample of a model of a half, as large as the whole."""
    return rp.fit(half, cache=False).sample(44, seed=seed)


def test_a_model_gives_away_less_than_exact_means() -> None:
    """The bound: of 22 of 44 subjects a model tells who was in less well than a table of the means of the same features would.

    Twelve models; the attack on the means is the same, learned and judged on the same halves, so their difference has the smaller
    error. On average it is 0.10 and more; what three of its standard errors leave of it must stay below none.
    """
    [folder] = (ROOT / "sample_data").glob("*/xpt")
    study = rp.read_study(folder)
    study = study.with_datasets([study[name] for name in ("DM", "DS", "EX", "SV", "VS", "LB", "AE")])
    subjects = sorted(set(study["DM"].text("USUBJID").strings().astype(str)))
    aucs, exact, n_features = attack_halves(study, "USUBJID", subjects, N, refitted, 3)
    assert n_features > 100
    apart = exact - aucs
    assert apart.mean() - 3 * apart.std(ddof=1) / N**0.5 > 0
