"""What lasts from one occasion to the next."""

import numpy as np
import pytest

from replicator.models.persistence import Occasions, fit_persistence, lasting_noise


def visits(subjects: int, per_subject: int, gap: float = 28.0) -> Occasions:
    """Every subject at the same days."""
    return Occasions(np.repeat(np.arange(subjects), per_subject), np.tile(gap * np.arange(per_subject), subjects))


def centred(values: np.ndarray, occasions: Occasions) -> np.ndarray:
    """Take out each subject's mean."""
    size = np.bincount(occasions.run)
    means = np.stack([np.bincount(occasions.run, weights=column) / size for column in values.T], axis=1)
    return values - means[occasions.run]


def test_occasions_count_within_subjects() -> None:
    """Runs and ranks follow the subjects."""
    occasions = Occasions(np.array([3, 3, 7, 7, 7]), np.array([0.0, 5.0, 1.0, 2.0, 9.0]))
    assert occasions.starts.tolist() == [0, 2]
    assert occasions.run.tolist() == [0, 0, 1, 1, 1]
    assert occasions.rank.tolist() == [0, 1, 0, 1, 2]


def test_noise_lasts_as_long_as_told() -> None:
    """Correlation exp(-gap / memory) between neighbouring occasions, unit variance."""
    occasions = visits(4000, 3, gap=10.0)
    noise = lasting_noise(np.random.default_rng(1).standard_normal((12000, 1)), occasions, 20.0)[:, 0].reshape(-1, 3)
    assert np.corrcoef(noise[:, 0], noise[:, 1])[0, 1] == pytest.approx(np.exp(-0.5), abs=0.03)
    assert noise.std() == pytest.approx(1, abs=0.03)


def test_independent_residuals_have_nothing_that_lasts() -> None:
    """The negative correlation that centring makes is not taken for persistence."""
    occasions = visits(200, 5)
    dense = centred(np.random.default_rng(2).standard_normal((1000, 3)), occasions)
    assert fit_persistence(dense, occasions, np.zeros(3, bool)).serial.max() < 0.15


def test_planted_persistence_comes_back() -> None:
    """Share and memory of what lasts, through centring."""
    occasions = visits(400, 8)
    rng = np.random.default_rng(3)
    lasting = lasting_noise(rng.standard_normal((3200, 2)), occasions, 56.0)
    values = np.sqrt(0.7) * lasting + np.sqrt(0.3) * rng.standard_normal((3200, 2))
    found = fit_persistence(centred(values, occasions), occasions, np.zeros(2, bool))
    one_gap = found.serial * found.next_one
    assert one_gap == pytest.approx(0.7 * np.exp(-0.5), abs=0.1)
    assert (found.kept < 1).all()


def test_missing_values_and_few_occasions_are_no_trouble() -> None:
    """Nothing is said where there is nothing to see."""
    occasions = visits(4, 1)
    found = fit_persistence(np.full((4, 2), np.nan), occasions, np.zeros(2, bool))
    assert found.serial.tolist() == [0.0, 0.0]
