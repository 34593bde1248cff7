"""What arms have of their own at a visit: kept as far as it is more than noise, in each series and in all of a dataset together."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from replicator.models.cell_means import CellMeans

Floats = NDArray[np.float64]

ARMS, VISITS, EACH = 3, 8, 25  # subjects of each arm


def study(truth: Floats, seed: int) -> tuple[Floats, Floats]:
    """Raw and fitted effects of arm at visit, (n_series, ARMS, VISITS), where these are planted in noise of variance 1."""
    n_series, rng = len(truth), np.random.default_rng(seed)
    subject, visit = np.repeat(np.arange(ARMS * EACH), VISITS), np.tile(np.arange(VISITS), ARMS * EACH)
    arm = subject // EACH
    level = rng.standard_normal((n_series, ARMS * EACH))
    y = truth[:, arm, visit] + level[:, subject] + rng.standard_normal((n_series, len(subject)))
    series = np.repeat(np.arange(n_series), len(subject))
    found = CellMeans.fit(
        y.ravel(), series, np.tile(subject, n_series), np.tile(arm, n_series), np.tile(visit, n_series), (n_series, ARMS, VISITS)
    )
    raw = y.reshape(n_series, ARMS, EACH, VISITS).mean(axis=2)
    return crossed(raw), crossed(found.mean)


def crossed(means: Floats) -> Floats:
    """What arm and visit leave of means."""
    rest = means - means.mean(axis=1, keepdims=True)
    return np.asarray(rest - rest.mean(axis=2, keepdims=True), np.float64)


def planted(n_series: int, spread: float, seed: int) -> Floats:
    """Effects of a standard deviation given in standard errors of a mean."""
    rng = np.random.default_rng(seed)
    return crossed(spread / np.sqrt(EACH) * rng.standard_normal((n_series, ARMS, VISITS)))


def test_effects_as_large_as_their_noise_are_halved() -> None:
    """Then the posterior mean is half of what is seen (Efron and Morris 1973), which is nearer to the truth than all or nothing."""
    truth = planted(40, 1.0, seed=1)
    raw, found = study(truth, seed=2)
    assert 0.4 < float((found * raw).sum() / (raw**2).sum()) < 0.6
    far = [float(((one - truth) ** 2).mean()) for one in (found, raw, np.zeros_like(raw))]
    assert far[0] < 0.65 * min(far[1:])


def test_clear_effects_keep_their_sign() -> None:
    """Of the effects that lie two standard errors off none changes its direction, and few become next to nothing."""
    raw, found = study(planted(40, 1.0, seed=3), seed=4)
    clear = np.abs(raw) > 2 / np.sqrt(EACH)
    share = found[clear] / raw[clear]
    assert clear.sum() > 50
    assert (share > 0).all()
    assert float((share > 0.25).mean()) > 0.95


def test_of_noise_next_to_nothing_is_left() -> None:
    """Where arms do not differ from visit to visit, a twentieth of the scatter of their means may stay."""
    raw, found = study(np.zeros((40, ARMS, VISITS)), seed=5)
    assert float((found**2).mean()) < 0.05 * float((raw**2).mean())


def test_a_series_of_strong_effects_loosens_no_other() -> None:
    """One test of forty that differs by many standard errors is kept; what is noise in the others is not."""
    truth = np.zeros((40, ARMS, VISITS))
    truth[:1] = planted(1, 12.0, seed=6)
    raw, found = study(truth, seed=7)
    assert float((found[0] * raw[0]).sum() / (raw[0] ** 2).sum()) > 0.95
    assert float((found[1:] ** 2).mean()) < 0.1 * float((raw[1:] ** 2).mean())


@given(st.floats(1e-4, 1e4), st.floats(-1e3, 1e3))
def test_units_change_nothing(scale: float, shift: float) -> None:
    """Means of values in other units are the means in other units."""
    rng = np.random.default_rng(8)
    subject, visit = np.repeat(np.arange(20), 4), np.tile(np.arange(4), 20)
    y = rng.standard_normal(80) + (subject % 2) * visit
    at = (np.zeros(80, np.intp), subject, subject % 2, visit, (1, 2, 4))
    first, second = CellMeans.fit(y, *at).mean, CellMeans.fit(shift + scale * y, *at).mean
    np.testing.assert_allclose(second, shift + scale * first, rtol=1e-6, atol=1e-6 * scale)
