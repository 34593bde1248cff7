"""Correlations of residuals are those that values show around the means of their subjects."""

import numpy as np
import pytest

from replicator.models.longitudinal import TwoLevel
from replicator.models.persistence import Occasions
from replicator.models.residual_correlation import around_means
from replicator.models.residuals import even_subjects

SUBJECTS, VISITS = 300, 8


def both(of_moving: float, share: float) -> tuple[float, float]:
    """Correlation of what two series are off their subjects' means: in planted values, and in draws of a model of them.

    A `share` of the subjects scatters three times as much as the rest; their two series correlate by `of_moving`, others' not.
    """
    rng = np.random.default_rng(3)
    subject = np.repeat(np.arange(SUBJECTS), VISITS)
    occasions = Occasions(subject, np.tile(30.0 * np.arange(VISITS), SUBJECTS))
    moves = (np.arange(SUBJECTS) < share * SUBJECTS)[subject]
    z = rng.standard_normal((len(subject), 2))
    z[:, 1] = np.where(moves, of_moving * z[:, 0] + np.sqrt(1 - of_moving**2) * z[:, 1], z[:, 1])
    y = z * np.where(moves, 3.0, 1.0)[:, None] + rng.standard_normal((SUBJECTS, 2))[subject]
    n = len(subject)
    model, features = TwoLevel.fit(
        y.T.ravel(),
        np.tile(np.arange(n), 2),
        np.repeat(np.arange(2), n),
        occasions,
        np.ones((2, 24)),
        np.zeros(2, bool),
        np.zeros(2),
    )
    drawn = model.compose(
        model.noise(occasions, np.random.default_rng(8)),
        np.ones((n, 2), bool),
        {name: np.nan_to_num(of) for name, of in features.items()},
        occasions,
    )
    seen, made = (float(np.corrcoef(around_means(of, subject).T)[0, 1]) for of in (y, drawn))
    return seen, made


def test_what_moves_together_in_few_subjects_does_so_in_draws() -> None:
    """A third of the subjects makes the correlation; standardised residuals, of which they are a third, show less of it."""
    seen, made = both(0.9, 1 / 3)
    assert seen > 0.45
    assert made == pytest.approx(seen, abs=0.06)


def test_nothing_is_made_of_nothing() -> None:
    """Subjects who scatter more, and no correlation."""
    _, made = both(0.0, 1 / 3)
    assert abs(made) < 0.06


def test_scores_are_off_the_mean_and_single_values_have_none() -> None:
    """A subject's level does not show."""
    values = np.array([[1.0], [2.0], [101.0], [102.0], [7.0]])
    scores = around_means(values, np.array([0, 0, 1, 1, 2]))
    assert np.isnan(scores[4, 0])
    assert scores[0, 0] == scores[2, 0] == -scores[1, 0] == -scores[3, 0]


def test_few_subjects_stand_for_a_large_study() -> None:
    """All of a small one; of a large one, as many as are drawn for, from one end to the other."""
    assert len(even_subjects(np.repeat(np.arange(100), 10))) == 100
    few = even_subjects(np.repeat(np.arange(10_000), 10))
    assert len(few) == 2_000
    assert few[0] < 10
    assert few[-1] > 9_990
