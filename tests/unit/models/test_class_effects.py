"""Effects of classes of occasions, the subjects' own levels taken out."""

from __future__ import annotations

import numpy as np
import pytest

from replicator.models.class_effects import fit_class_effects

SUBJECTS, VISITS = 200, 6
SUBJECT, VISIT = np.repeat(np.arange(SUBJECTS), VISITS), np.tile(np.arange(VISITS), SUBJECTS)
ZEROS = np.zeros(len(SUBJECT), np.intp)


def _values(effect: float, ill: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Values and classes, 0 of which is the last visit of the ill: it lies `effect` off, and all their levels are 3 higher."""
    rng = np.random.default_rng(1)
    label = np.where(VISIT == VISITS - 1, np.where(ill[SUBJECT], 0, 1), 2)
    level = 3.0 * ill + rng.standard_normal(SUBJECTS)
    return level[SUBJECT] + effect * (label == 0) + rng.standard_normal(len(SUBJECT)), label


@pytest.mark.parametrize("effect", [-2.0, 1.0])
def test_what_precedes_an_end_is_told_from_the_level_of_those_who_end(effect: float) -> None:
    """The ill lie 3 higher at all visits; only what their last visit adds is found, within two standard errors."""
    y, label = _values(effect, np.arange(SUBJECTS) % 3 == 0)
    found = fit_class_effects(y - y.mean(), ZEROS, SUBJECT, label, (1, 3), fewest=5)[0]
    assert found[0] == pytest.approx(effect, abs=0.3)
    assert found[1] == pytest.approx(0, abs=0.25)
    assert found[2] == 0


def test_chance_has_no_effects() -> None:
    """Of a hundred series of noise little is kept on average, far less than the errors of the means."""
    rng = np.random.default_rng(2)
    series = np.repeat(np.arange(100), len(SUBJECT))
    label = np.where(VISIT == VISITS - 1, SUBJECT % 2, 2)
    found = fit_class_effects(rng.standard_normal(len(series)), series, np.tile(SUBJECT, 100), np.tile(label, 100), (100, 3))
    assert np.abs(found[:, :2]).mean() < 0.06  # the error of a mean of a hundred is 0.11


def test_classes_of_few_have_no_effect() -> None:
    """Of four subjects nothing is kept where five are asked for, of as many as are asked for it is."""
    y, label = _values(6.0, np.arange(SUBJECTS) < 4)
    kept = [fit_class_effects(y, ZEROS, SUBJECT, label, (1, 3), fewest=fewest)[0, 0] for fewest in (5, 4)]
    assert kept[0] == 0
    assert kept[1] == pytest.approx(6, abs=1.3)
