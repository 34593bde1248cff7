"""Slopes of subjects: how much they differ, and whether less the longer subjects are seen."""

from __future__ import annotations

import numpy as np
import pytest

from replicator.models.subject_lines import Lines, Slopes, slope_deviation

SUBJECTS = 400


def _occasions(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Subject and day of three to fourteen visits, 30 days apart."""
    visits = np.random.default_rng(seed).integers(3, 15, SUBJECTS)
    subject = np.repeat(np.arange(SUBJECTS), visits)
    return subject, 30.0 * (np.arange(len(subject)) - np.repeat(np.cumsum(visits) - visits, visits))


def _slopes(y: np.ndarray, subject: np.ndarray, day: np.ndarray) -> tuple[Slopes, Lines]:
    even = np.ones(len(y))
    lines = Lines.of(y, day, subject, SUBJECTS, even)
    rest = y - lines.level[subject]
    return Slopes.of(rest, even, lines, subject, np.zeros(SUBJECTS, np.intp), 1, np.array([rest.var()])), lines


def test_steady_slopes_do_not_fade() -> None:
    """Planted: slopes of standard deviation 0.02 a day whoever is seen for how long, and scatter of 1."""
    subject, day = _occasions(1)
    rng = np.random.default_rng(2)
    slopes, _ = _slopes(0.02 * rng.standard_normal(SUBJECTS)[subject] * day + rng.standard_normal(len(day)), subject, day)
    assert slopes.fading[0] == 0
    assert np.sqrt(slopes.variance[0]) == pytest.approx(0.02, rel=0.1)
    assert slopes.white[0] == pytest.approx(1, rel=0.1)


def test_what_wanders_is_flatter_the_longer_it_is_seen() -> None:
    """The slope of a random walk over T falls with its length as 1/T, so its variance as the cube root of the reach squared."""
    subject, day = _occasions(3)
    step = np.where(day > 0, np.random.default_rng(4).standard_normal(len(day)), 0.0)
    total = np.cumsum(step)
    y = total - total[np.flatnonzero(day == 0)][subject]
    slopes, lines = _slopes(y, subject, day)
    assert slopes.fading[0] in (0.25, 0.5)
    shown = slope_deviation(slopes.variance, slopes.fading, slopes.white, lines.reach)
    for part in (lines.size <= 5, lines.size >= 11):
        assert (lines.trend[part] / shown[part]).std() == pytest.approx(1, rel=0.2)


def test_scatter_alone_has_no_slopes() -> None:
    """Of subjects who do not move nothing is found."""
    subject, day = _occasions(5)
    slopes, _ = _slopes(np.random.default_rng(6).standard_normal(len(day)), subject, day)
    assert slopes.variance[0] == 0
    assert slopes.fading[0] == 0


def test_who_has_no_reach_has_no_slope() -> None:
    """A single visit tells nothing of a slope, whatever others do."""
    shown = slope_deviation(np.array([4.0]), np.array([0.5]), np.array([1.0]), np.array([0.0, 16.0]))
    assert shown.tolist() == [0.0, pytest.approx(np.sqrt(4.0 / 4 + 1.0 / 16))]
