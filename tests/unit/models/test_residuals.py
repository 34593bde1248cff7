"""Residuals come out of the lines of subjects with the tails that went in."""

from __future__ import annotations

import numpy as np
import pytest

from replicator.models.longitudinal import TwoLevel
from replicator.models.persistence import Occasions
from replicator.models.residuals import GRID, MOST_DRAWN, Lines, Shapes, bend, find_shapes, seeds

SUBJECTS, VISITS = 400, 7


def _occasions() -> Occasions:
    return Occasions(np.repeat(np.arange(SUBJECTS), VISITS), np.tile(28.0 * np.arange(VISITS), SUBJECTS))


def _far(values: np.ndarray) -> float:
    """Share of residuals about the subject's mean beyond 4 robust standard deviations."""
    table = values.reshape(SUBJECTS, VISITS)
    rest = (table - table.mean(axis=1, keepdims=True)).ravel()
    return float((np.abs(rest) > 4 * 1.4826 * np.median(np.abs(rest))).mean())


def _drawn(y: np.ndarray, seed: int) -> np.ndarray:
    """Redraw values of one additive series for their own subjects."""
    occasions, n = _occasions(), SUBJECTS * VISITS
    model, features = TwoLevel.fit(
        y, np.arange(n), np.zeros(n, np.intp), occasions, np.ones((1, 24)), np.array([False]), np.zeros(1)
    )
    rng = np.random.default_rng(seed)
    known = {name: np.where(np.isfinite(of), of, rng.standard_normal(of.shape)) for name, of in features.items()}
    return model.compose(model.noise(occasions, rng), np.ones((n, 1), bool), known, occasions).ravel()


@pytest.mark.parametrize("freedom", [2.5, 4.0])
def test_heavy_tails_come_back(freedom: float) -> None:
    """Of t-distributed residuals as many lie far out in what is drawn as in the source."""
    y = np.random.default_rng(1).standard_t(freedom, SUBJECTS * VISITS)
    wanted = _far(y)
    assert wanted > 0.005
    got = np.mean([_far(_drawn(y, seed)) for seed in range(4)])
    assert got == pytest.approx(wanted, rel=0.25)


def test_skewness_comes_back() -> None:
    """Of values that now and then rise, what is drawn rises, and seldom falls as far."""
    rng = np.random.default_rng(2)
    y = rng.standard_normal(SUBJECTS * VISITS) + 6 * (rng.random(SUBJECTS * VISITS) < 0.04)
    table = _drawn(y, 3).reshape(SUBJECTS, VISITS)
    rest = table - np.median(table, axis=1, keepdims=True)
    assert (rest > 4).mean() == pytest.approx(0.04, abs=0.015)
    assert (rest < -4).mean() < (rest > 4).mean() / 5


def test_normal_residuals_stay_normal() -> None:
    """No tail is made where there is none: beyond 4 deviations lies about one in ten thousand."""
    y = np.random.default_rng(4).standard_normal(SUBJECTS * VISITS)
    assert _far(_drawn(y, 5)) < 0.003


def test_lines_are_taken_out() -> None:
    """What is left has no mean and, where slopes are taken out, no slope, over the values that are there."""
    rng = np.random.default_rng(6)
    occasions = _occasions()
    weight = (rng.random((len(occasions.day), 2)) < 0.8).astype(float)
    lines = Lines.of(weight, occasions, np.array([1]))
    rest, time = lines.out_of(rng.standard_normal(weight.shape)), lines.time
    sums = np.add.reduceat(rest * weight, occasions.starts, axis=0)
    assert np.abs(sums).max() < 1e-9
    assert np.abs(np.add.reduceat(rest[:, [1]] * time * weight[:, [1]], occasions.starts, axis=0)).max() < 1e-6
    assert lines.reach == pytest.approx(np.add.reduceat(time**2 * weight[:, [1]], occasions.starts, axis=0))


def test_shapes_go_by_the_width_of_the_subject() -> None:
    """Normals become the quantiles of their third, and stay as they are in other series."""
    noise = np.random.default_rng(7).standard_normal((3000, 2))
    quantiles = np.stack([np.linspace(-1, 1, len(GRID)), np.linspace(-5, 5, len(GRID)), np.zeros(len(GRID))])[None]
    width = np.repeat([0, 1, 2], 1000)[:, None]
    out = bend(noise, np.array([1]), quantiles, width)
    assert (out[:, 0] == noise[:, 0]).all()
    assert np.abs(out[:1000, 1]).max() <= 1
    assert 1 < np.abs(out[1000:2000, 1]).max() <= 5
    assert (out[2000:, 1] == 0).all()


def test_some_subjects_tell_the_shapes_of_a_large_study() -> None:
    """Beyond 20,000 occasions a part of the subjects is drawn for, of a rare series all, and tails are what they were for all."""
    subjects, rng = 3 * MOST_DRAWN // VISITS, np.random.default_rng(4)
    run = np.repeat(np.arange(subjects), VISITS)
    dense = np.column_stack([rng.standard_t(3, len(run)), np.where(run < 120, rng.standard_normal(len(run)), np.nan)])
    shapes = find_shapes(dense, run, np.ones(2, bool), lambda bent: np.zeros((len(run), len(bent)), np.intp), 5)
    chosen = shapes.subjects(run)
    assert 0.9 * MOST_DRAWN <= len(chosen) * VISITS <= 1.1 * MOST_DRAWN + 120 * VISITS
    assert np.isin(np.arange(120), chosen).all()
    rows = np.flatnonzero(np.isin(run, chosen))
    few = shapes.take(rows)

    def found(shapes: Shapes, n: int) -> np.ndarray:
        width = np.zeros((n, 2), np.intp)
        draws = [rng.standard_normal((n, 2)) for rng in seeds(n)]
        return shapes.quantiles(lambda normal, quantiles: bend(normal, np.arange(2), quantiles, width), draws)

    of_all, of_some = found(shapes, len(run)), found(few, len(rows))
    assert np.allclose(of_some[0, :, 1:-1], of_all[0, :, 1:-1], atol=0.25)
    assert np.isfinite(of_some).all()


def test_small_studies_are_drawn_for_whole() -> None:
    """Of up to 20,000 occasions every subject's are drawn."""
    run = np.repeat(np.arange(SUBJECTS), VISITS)
    dense = np.random.default_rng(1).standard_normal((len(run), 1))
    shapes = find_shapes(dense, run, np.ones(1, bool), lambda bent: np.zeros((len(run), len(bent)), np.intp), 5)
    assert (shapes.subjects(run) == np.arange(SUBJECTS)).all()
