from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from replicator.evaluation.detector import auc_with_variance, detect, detector_figure
from replicator.evaluation.features import FeatureTable, feature_table
from replicator.evaluation.measures import Direction, Figure
from replicator.evaluation.separation import find_reasons, separation
from replicator.evaluation.stack import Origin, stack_studies
from replicator.evaluation.timeline import Timeline
from replicator.tables.dataset import Study

from .made_study import made_study


def _figure(source: Study, sample: Study, holdout: Study | None = None, seed: int = 1) -> Figure:
    stack = stack_studies(source, sample, holdout)
    return detector_figure(stack, feature_table(stack, Timeline(stack)), np.random.default_rng(seed))


def test_the_area_and_its_variance_are_those_of_their_definition() -> None:
    """DeLong's structural components, written out over all pairs."""
    rng = np.random.default_rng(1)
    scores, truth = np.round(rng.normal(size=60), 1), rng.random(60) < 0.4
    auc, variance = auc_with_variance(scores, truth)
    wins = (scores[truth][:, None] > scores[~truth]) + 0.5 * (scores[truth][:, None] == scores[~truth])
    by_positive, by_negative = wins.mean(axis=1), wins.mean(axis=0)
    assert auc == pytest.approx(roc_auc_score(truth, scores))
    expected = by_positive.var(ddof=1) / len(by_positive) + by_negative.var(ddof=1) / len(by_negative)
    assert variance == pytest.approx(expected)


def test_the_same_process_is_not_told_apart() -> None:
    found = _figure(made_study(1, 150), made_study(2, 150), made_study(3, 150))
    assert found.direction is Direction.LOWER and found.n == 150
    assert abs(found.value - 0.5) < 0.1 and abs(found.target - 0.5) < 0.1
    assert found.interval.low < found.value < found.interval.high
    assert not found.offenders


@pytest.mark.parametrize(
    ("planted", "reason"),
    [({"severe": 0.9}, "AE AESEV"), ({"last_shift": 4.0}, "LB ALT change"), ({"serial": 0.0, "age_effect": 0.0}, "LB ALT spread")],
)
def test_what_gives_a_sample_away_is_named(planted: dict[str, float], reason: str) -> None:
    found = _figure(made_study(1, 150), made_study(2, 150, **planted), made_study(3, 150))
    assert found.interval.low > found.target
    assert found.value > 0.7
    assert reason in found.offenders[0].name, found.offenders
    assert found.offenders[0].sample > found.offenders[0].floor


def test_a_relation_that_no_single_feature_shows_is_detected() -> None:
    rng = np.random.default_rng(5)
    a = rng.normal(size=(400, 1))
    tied = np.hstack([a, a + 0.2 * rng.normal(size=a.shape)])
    free = rng.normal(size=(400, 2)) * tied.std(axis=0)
    found = detect(np.vstack([tied, free]), [(np.arange(400), np.arange(400, 800))], np.random.default_rng(6))
    assert found.auc > 0.75 and found.n == 400
    assert separation(tied, free)[0].max() < 0.57
    table = FeatureTable(("A", "B"), ("X", "Y"), np.vstack([tied, free]), np.ones(2, bool))
    reasons = find_reasons(table, found.importance, (np.arange(400), np.arange(400, 800)), (np.arange(200), np.arange(200, 400)))
    assert [one.name for one in reasons] == ["A against B"]
    assert reasons[0].sample > 0.75 and reasons[0].floor < 0.6


def test_what_only_many_features_tell_together_is_said_with_those_used_most() -> None:
    """Forty of eighty features are shifted by less than one shows alone, given how many are looked at."""
    stack = stack_studies(*(made_study(seed, 150) for seed in (1, 2, 3)))
    shift = np.where(np.arange(80) < 40, 0.16, 0.0)
    values = np.random.default_rng(8).normal(size=(len(stack.origin), 80)) + shift * (stack.origin == Origin.SAMPLE)[:, None]
    table = FeatureTable(tuple(f"X{i}" for i in range(80)), ("LB",) * 80, values, np.ones(80, bool))
    found = detector_figure(stack, table, np.random.default_rng(9))
    assert found.interval.low > found.target and not found.offenders
    said, named = found.note.rstrip(".").split(", most of all ")
    assert "many together" in said
    assert len(named.split(", ")) == 5 and set(named.split(", ")) <= set(table.names[:40])


def test_values_and_their_presence_both_separate() -> None:
    rng = np.random.default_rng(7)
    one, two = rng.normal(size=(200, 3)), rng.normal(size=(200, 3))
    one[:, 0] += 3.0
    one[:150, 1] = np.nan
    auc, error = separation(one, two)
    assert auc[0] == pytest.approx(roc_auc_score(np.repeat([1, 0], 200), np.append(one[:, 0], two[:, 0])))
    assert auc[1] == pytest.approx(0.5 + 0.75 / 2)
    assert auc[2] < 0.5 + 3.0 * error[2]


def test_too_few_subjects_are_told_in_a_note() -> None:
    few = _figure(made_study(1, 16), made_study(2, 200))
    assert np.isnan(few.value) and "16 real and 200 sampled" in few.note
    halves = _figure(made_study(1, 30), made_study(2, 200))
    assert halves.target == 0.5 and "30 subjects of the source" in halves.note and np.isfinite(halves.value)
    stack = stack_studies(made_study(1, 60), made_study(2, 60))
    nothing = FeatureTable((), (), np.empty((120, 0)), np.empty(0, bool))
    assert "0 features" in detector_figure(stack, nothing, np.random.default_rng(0)).note


def test_the_same_seed_gives_the_same_figure() -> None:
    source, sample = made_study(1, 60), made_study(2, 60)
    assert _figure(source, sample, seed=3) == _figure(source, sample, seed=3)
