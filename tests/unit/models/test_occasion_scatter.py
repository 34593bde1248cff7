"""Scatter by kind of occasion is found, in spite of lines and spreads of subjects, and comes back in what is drawn."""

from __future__ import annotations

import numpy as np
import pytest

from replicator.models.longitudinal import TwoLevel
from replicator.models.persistence import Occasions

SUBJECTS, VISITS = 300, 6
CELL = np.tile(np.arange(VISITS), SUBJECTS)
OCCASIONS = Occasions(np.repeat(np.arange(SUBJECTS), VISITS), 30.0 * CELL.astype(np.float64), CELL)


def _fitted(y: np.ndarray, occasions: Occasions = OCCASIONS, k: int = 5) -> tuple[TwoLevel, dict[str, np.ndarray]]:
    n = len(y)
    at, series = np.arange(n), np.zeros(n, np.intp)
    return TwoLevel.fit(y, at, series, occasions, np.ones((1, 24)), np.array([False]), np.zeros(1), n_cells=VISITS, k=k)


def _planted(first: float, seed: int, spread: float) -> np.ndarray:
    """Levels of variance 1 and residuals whose standard deviation at the first visit is `first` times that of the others."""
    rng = np.random.default_rng(seed)
    own = np.exp(spread * rng.standard_normal(SUBJECTS))[OCCASIONS.subject]
    return rng.standard_normal(SUBJECTS)[OCCASIONS.subject] + own * np.where(CELL == 0, first, 1.0) * rng.standard_normal(len(CELL))


@pytest.mark.parametrize("spread", [0.0, 0.5])
@pytest.mark.parametrize("first", [0.5, 2.5])
def test_scatter_before_treatment_comes_back(first: float, spread: float) -> None:
    """The planted ratio of standard deviations is found, and that of what is drawn is the same."""
    model, features = _fitted(_planted(first, 1, spread))
    found = model.scatter[0]
    assert found[0] / found[1:].mean() == pytest.approx(first, rel=0.15)
    rng = np.random.default_rng(2)
    known = {name: np.where(np.isfinite(of), of, rng.standard_normal(of.shape)) for name, of in features.items()}
    ratio = []
    for y in (
        _planted(first, 1, spread),
        model.compose(model.noise(OCCASIONS, rng), np.ones((len(CELL), 1), bool), known, OCCASIONS),
    ):
        table = y.reshape(SUBJECTS, VISITS)
        rest = np.abs(table - np.median(table, axis=1, keepdims=True)).mean(axis=0)
        ratio.append(rest[0] / rest[1:].mean())
    assert ratio[1] == pytest.approx(ratio[0], rel=0.16)  # 2.5 standard errors of two ratios of 300 subjects each


def test_even_scatter_stays_even() -> None:
    """Where all visits scatter alike, chance makes no differences between them."""
    model, _ = _fitted(_planted(1.0, 3, 0.3))
    assert model.scatter[0] == pytest.approx(np.ones(VISITS), abs=0.06)


def test_what_lasts_is_not_taken_for_scatter() -> None:
    """Residuals that last lie farther from the subject's mean at both ends; no kind of occasion scatters more for that."""
    rng = np.random.default_rng(4)
    noise = rng.standard_normal((SUBJECTS, VISITS))
    for visit in range(1, VISITS):
        noise[:, visit] = 0.7 * noise[:, visit - 1] + np.sqrt(1 - 0.49) * noise[:, visit]
    model, _ = _fitted(noise.ravel())
    assert model.scatter[0] == pytest.approx(np.ones(VISITS), abs=0.12)


def test_a_kind_that_few_have_has_no_scatter_of_its_own() -> None:
    """Of four subjects nothing is kept, however far they scatter."""
    cell = np.where((CELL == VISITS - 1) & (OCCASIONS.subject >= 4), VISITS - 2, CELL)
    y = np.where(cell == VISITS - 1, 20.0, 1.0) * np.random.default_rng(5).standard_normal(len(cell))
    scatter = _fitted(y, Occasions(OCCASIONS.subject, OCCASIONS.day, cell))[0].scatter[0]
    assert scatter[VISITS - 1] == pytest.approx(scatter.min(), rel=0.15)
