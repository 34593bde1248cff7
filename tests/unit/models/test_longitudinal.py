"""Level, slope and spread of subjects, taken apart and put together."""

import numpy as np
import pytest
from scipy.special import ndtri

from replicator.models.cell_means import CellMeans
from replicator.models.longitudinal import TwoLevel
from replicator.models.ordinal import hermite_coefficients, level_scores
from replicator.models.panels import Presence, find_panels
from replicator.models.persistence import Occasions


def planted(
    between: float, subjects: int = 300, per_subject: int = 6, slope: float = 0.0, seed: int = 1
) -> tuple[np.ndarray, Occasions]:
    """Values of one series with within-subject variance 1."""
    rng = np.random.default_rng(seed)
    occasions = Occasions(np.repeat(np.arange(subjects), per_subject), np.tile(30.0 * np.arange(per_subject), subjects))
    level = np.sqrt(between) * rng.standard_normal(subjects)
    trend = slope * rng.standard_normal(subjects)
    noise = rng.standard_normal(subjects * per_subject)
    return level[occasions.subject] + trend[occasions.subject] * occasions.day + noise, occasions


def fitted(y: np.ndarray, occasions: Occasions) -> tuple[TwoLevel, dict[str, np.ndarray]]:
    """Fit one additive series measured at every occasion."""
    n = len(y)
    return TwoLevel.fit(y, np.arange(n), np.zeros(n, np.intp), occasions, np.ones((1, 24)), np.array([False]), np.zeros(1))


def test_variances_come_back() -> None:
    """Planted variances 2 and 1 are found within their errors."""
    model, features = fitted(*planted(2.0, seed=2))
    assert model.between[0] == pytest.approx(2, rel=0.2)
    assert model.within[0] == pytest.approx(1, rel=0.1)
    assert features["level"].std() == pytest.approx(1, abs=0.05)


def test_no_correlation_within_subjects_stays_none() -> None:
    """Without a level of the subject, sampled values of a subject are as unlike as those of two."""
    y, occasions = planted(0.0)
    model, features = fitted(y, occasions)
    assert model.between[0] < 0.06
    rng = np.random.default_rng(5)
    drawn = model.compose(
        model.noise(occasions, rng),
        np.ones((len(y), 1), bool),
        {name: rng.standard_normal(features["level"].shape) for name in features},
        occasions,
    )
    table = drawn.reshape(-1, 6)
    correlation = np.corrcoef(table.T)
    assert abs((correlation.sum() - 6) / 30) < 0.08


def test_own_features_give_the_subjects_back() -> None:
    """With the source's features every subject's mean is the source's; with its slopes, the slope too."""
    y, occasions = planted(1.0, slope=0.02)
    model, features = fitted(y, occasions)
    assert model.slope[0] == pytest.approx(0.0004, rel=0.3)
    filled = {name: np.nan_to_num(value) for name, value in features.items()}
    drawn = model.compose(model.noise(occasions, np.random.default_rng(2)), np.ones((len(y), 1), bool), filled, occasions)
    source, sample = y.reshape(-1, 6), drawn.reshape(-1, 6)
    assert sample.mean(axis=1) == pytest.approx(source.mean(axis=1), abs=1e-8)
    day = 30.0 * np.arange(6)
    slopes = [np.polyfit(day, table.T, 1)[0] for table in (source, sample)]
    assert np.corrcoef(slopes[0], slopes[1])[0, 1] > 0.99


def test_spreads_of_their_own_come_back() -> None:
    """Subjects who vary more than others do so in the sample, and those of the source are told apart."""
    rng = np.random.default_rng(4)
    occasions = Occasions(np.repeat(np.arange(300), 8), np.tile(30.0 * np.arange(8), 300))
    own = np.exp(0.6 * rng.standard_normal(300))
    y = own[occasions.subject] * rng.standard_normal(2400)
    model, features = fitted(y, occasions)
    assert model.spread[0] == pytest.approx(0.6, abs=0.1)
    assert np.corrcoef(features["spread"][:, 0], np.log(own))[0, 1] > 0.8


def test_visit_effects_are_not_bent_by_drop_out() -> None:
    """Subjects with low levels leave early; the visits' means still show no trend."""
    rng = np.random.default_rng(6)
    subject, visit = np.repeat(np.arange(400), 5), np.tile(np.arange(5), 400)
    level = rng.standard_normal(400)
    stays = visit <= np.digitize(level, [-0.5, 0.0, 0.5, 1.0])[subject]
    y = 10 + 2 * level[subject] + 0.5 * rng.standard_normal(2000)
    rows = np.flatnonzero(stays)
    zeros = np.zeros(len(rows), np.intp)
    means = CellMeans.fit(y[rows], zeros, subject[rows], zeros, visit[rows], (1, 1, 5)).mean[0, 0]
    raw = [y[rows][visit[rows] == v].mean() for v in range(5)]
    assert raw[4] - raw[0] > 2
    assert abs(means[4] - means[0]) < 0.3


def leaving(seed: int, effect: float) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Value, subject, arm and visit: an effect that grows in the second arm, which those with high values leave early."""
    rng = np.random.default_rng(seed)
    subject, visit = np.repeat(np.arange(200), 6), np.tile(np.arange(6), 200)
    arm = subject % 2
    rest = (10 * rng.standard_normal(200)[subject] + 5 * rng.standard_normal(1200)).reshape(200, 6)
    sign = np.where(np.arange(200) % 2 == 1, 1.0, -1.0)[:, None]
    left = rng.random((200, 5)) < 0.25 / (1 + np.exp(-sign * rest[:, :-1] / 5))
    stays = np.concatenate([np.ones((200, 1), bool), ~np.logical_or.accumulate(left, axis=1)], axis=1).ravel()
    y = 100 + 2 * visit + effect * arm * visit / 5 + rest.ravel()
    return y[stays], subject[stays], arm[stays], visit[stays]


@pytest.mark.parametrize("effect", [-15.0, 0.0])
def test_effects_of_arm_and_visit_are_not_bent_by_drop_out(effect: float) -> None:
    """Who leaves depends on the value before: the means of those who are left lie 8 off, the fitted ones do not."""
    found, raw = [], []
    for seed in range(8):
        y, subject, arm, visit = leaving(seed, effect)
        mean = CellMeans.fit(y, np.zeros(len(y), np.intp), subject, arm, visit, (1, 2, 6)).mean[0]
        found.append(mean[1, 5] - mean[1, 0] - mean[0, 5] + mean[0, 0])
        left = [[y[(arm == a) & (visit == v)].mean() for v in (0, 5)] for a in (0, 1)]
        raw.append(left[1][1] - left[1][0] - left[0][1] + left[0][0])
    assert np.mean(raw) < effect - 5
    assert np.mean(found) == pytest.approx(effect, abs=1.2)  # 2.5 standard errors of a mean over eight studies


def test_arm_effects_are_kept_as_far_as_they_are_clear() -> None:
    """A hundredfold dose effect on six subjects an arm is kept; arms that do not differ are pulled together."""
    rng = np.random.default_rng(7)
    arm, subject = np.repeat(np.arange(5), 6), np.arange(30)
    zeros = np.zeros(30, np.intp)
    clear = CellMeans.fit(3.0 * arm + 0.3 * rng.standard_normal(30), zeros, subject, arm, zeros, (1, 5, 1)).mean[0, :, 0]
    assert np.diff(clear) == pytest.approx(3, abs=0.6)
    none = CellMeans.fit(rng.standard_normal(30), zeros, subject, arm, zeros, (1, 5, 1)).mean[0, :, 0]
    assert none.std() < 0.35


def test_arms_and_visits_of_few_have_the_means_of_all() -> None:
    """Of four subjects an arm nothing of the arm is kept where five are asked for: a value of theirs moves all arms alike."""
    rng = np.random.default_rng(12)
    arm, subject, zeros = np.repeat(np.arange(5), 4), np.arange(20), np.zeros(20, np.intp)
    y = 3.0 * arm + rng.standard_normal(20)
    few = CellMeans.fit(y, zeros, subject, arm, zeros, (1, 5, 1), fewest=5).mean[0, :, 0]
    assert few == pytest.approx(np.full(5, y.mean()))
    assert np.diff(CellMeans.fit(y, zeros, subject, arm, zeros, (1, 5, 1), fewest=4).mean[0, :, 0]).min() > 1


def test_tests_that_come_together_are_a_panel() -> None:
    """Two panels and a test of its own, with a member missing now and then."""
    rng = np.random.default_rng(8)
    first, second, alone = rng.random(500) < 0.9, rng.random(500) < 0.4, rng.random(500) < 0.2
    missed = first & (rng.random(500) < 0.95)
    present = np.stack([first, second, missed, alone, second], axis=1)
    panel = find_panels(present)
    assert panel[0] == panel[2] and panel[1] == panel[4] and len(set(panel.tolist())) == 3


def test_presence_has_its_shares_and_its_absentees() -> None:
    """Shares by arm come back, and subjects who miss more than others still do."""
    rng = np.random.default_rng(9)
    occasions = Occasions(np.repeat(np.arange(400), 6), np.tile(30.0 * np.arange(6), 400))
    arm = (occasions.subject % 2).astype(np.intp)
    trait = rng.standard_normal(400)[occasions.subject]
    there = (0.8 * trait + 0.6 * rng.standard_normal(2400)) < np.where(arm == 0, 1.0, 0.0)
    cell, never = np.zeros(2400, np.intp), np.zeros(2400, bool)
    model = Presence.fit(there[:, None], np.ones((2400, 1), bool), arm, cell, never, occasions, (2, 1))
    drawn = model.sample(arm, cell, never, occasions, rng)[:, 0]
    for one in (0, 1):
        assert drawn[arm == one].mean() == pytest.approx(there[arm == one].mean(), abs=0.05)
    counts = [np.bincount(occasions.subject, weights=flags).std() for flags in (there, drawn)]
    assert counts[1] == pytest.approx(counts[0], rel=0.15)


def _levels_about_visits(told_by_visits: float, lasting: float = 0.0) -> tuple[TwoLevel, np.ndarray, Occasions]:
    """A two-level model of scores of eight levels about the means of their visits, which tell a share of the latent variance.

    Of what is left, 0.7 is the subject's own, and neighbours of the rest are correlated; the scores without their means as well.
    """
    rng = np.random.default_rng(6)
    subjects, visits = 1500, 4
    occasions = Occasions(np.repeat(np.arange(subjects), visits), np.tile(60.0 * np.arange(visits), subjects))
    noise = rng.standard_normal((subjects, visits))
    for visit in range(1, visits):
        noise[:, visit] = lasting * noise[:, visit - 1] + np.sqrt(1 - lasting**2) * noise[:, visit]
    rest = np.sqrt(0.7) * rng.standard_normal((subjects, 1)) + np.sqrt(0.3) * noise
    mean = np.sqrt(told_by_visits) * np.array([-1.0, 1.0, -1.0, 1.0])
    level = np.searchsorted([-1.5, -1.0, -0.5, 0.0, 0.5, 1.0, 1.5], (mean + np.sqrt(1 - told_by_visits) * rest).ravel())
    share = np.bincount(level, minlength=8)[None] / len(level)
    score = level_scores(share)[0][level].reshape(subjects, visits)
    y = (score - score.mean(axis=0)).ravel()
    n, discrete = len(y), np.array([True])
    model = TwoLevel.fit(y, np.arange(n), np.zeros(n, np.intp), occasions, hermite_coefficients(share), discrete, np.zeros(1))[0]
    return model, y, occasions


@pytest.mark.parametrize("told_by_visits", [0.0, 0.15, 0.3])
def test_what_visits_tell_of_levels_is_no_scatter_of_subjects(told_by_visits: float) -> None:
    """The subject's own share of what visits leave is 0.7, however much they tell."""
    model, _, _ = _levels_about_visits(told_by_visits)
    assert model.between[0] == pytest.approx(0.7, abs=0.035)
    assert model.within[0] == pytest.approx(1 - model.between[0], abs=1e-9)


def test_levels_whose_residuals_last_vary_no_more_than_others() -> None:
    """Residuals correlated by 0.6 from visit to visit, put together with their subjects, have unit variance again."""
    model, y, occasions = _levels_about_visits(0.2, lasting=0.6)
    rng = np.random.default_rng(8)
    features = {name: rng.standard_normal((len(occasions.starts), 1)) for name in ("level", "slope", "spread")}
    drawn = model.compose(model.noise(occasions, rng), np.ones((len(y), 1), bool), features, occasions).reshape(-1, 4)
    assert model.serial[0] > 0.3
    assert drawn.var() == pytest.approx(1.0, abs=0.05)
    assert drawn.var(axis=1, ddof=1).mean() == pytest.approx(model.within[0], rel=0.1)


@pytest.mark.parametrize("lasting", [0.3, 0.6, 0.8])
@pytest.mark.parametrize("together", [0.0, 0.3, 0.6])
def test_answers_that_subjects_keep_show_less_of_what_moves_them_together(lasting: float, together: float) -> None:
    """Six answers of two levels, half and a seventh of the time: latent levels and residuals come back, however much lasts."""
    rng = np.random.default_rng(12)
    subjects, visits, n_series = 800, 6, 6
    root = np.linalg.cholesky(together + (1 - together) * np.eye(n_series))
    level = np.linalg.cholesky(0.5 + 0.5 * np.eye(n_series))
    occasions = Occasions(np.repeat(np.arange(subjects), visits), np.tile(14.0 * np.arange(visits), subjects))
    z = np.sqrt(lasting) * (rng.standard_normal((subjects, n_series)) @ level.T)[occasions.subject]
    z += np.sqrt(1 - lasting) * rng.standard_normal((len(z), n_series)) @ root.T
    share = np.tile([[0.5, 0.5], [0.85, 0.15]], (n_series // 2, 1))
    y = np.take_along_axis(level_scores(share), (z > ndtri(share[:, 0])).astype(np.intp).T, axis=1).T
    occasion, series = np.repeat(np.arange(len(z)), n_series), np.tile(np.arange(n_series), len(z))
    every = np.ones(n_series, bool)
    model = TwoLevel.fit(y.ravel(), occasion, series, occasions, hermite_coefficients(share), every, np.zeros(n_series))[0]
    assert model.between.mean() == pytest.approx(lasting, abs=0.03)
    assert model.residual.correlation[np.triu_indices(n_series, 1)].mean() == pytest.approx(together, abs=0.08)


def test_some_series_are_put_together_as_all_are() -> None:
    """Skewed series with slopes and spreads of their own: some of them, in any order, are what they are among all."""
    rng = np.random.default_rng(6)
    occasions = Occasions(np.repeat(np.arange(200), 8), np.tile(30.0 * np.arange(8), 200))
    n, n_series = 1600, 4
    y = (rng.exponential(size=(n, n_series)) - 1) * np.exp(0.5 * rng.standard_normal((200, n_series)))[occasions.subject]
    y[:, 1] += 0.02 * rng.standard_normal(200)[occasions.subject] * occasions.day
    rows, series = (one.ravel() for one in np.indices((n, n_series)))
    model, _ = TwoLevel.fit(
        y.ravel(), rows, series, occasions, np.ones((n_series, 24)), np.zeros(n_series, bool), np.zeros(n_series)
    )
    assert len(model.bent) and (model.slope > 0).any() and (model.spread > 0).any()
    noise, seen = model.noise(occasions, rng), rng.random((n, n_series)) < 0.8
    features = {name: rng.standard_normal((200, n_series)) for name in ("level", "slope", "spread")}
    whole = model.compose(noise, seen, features, occasions)
    for some in (np.array([3, 1]), np.array([0]), np.array([], np.intp)):
        own = {name: of[:, some] for name, of in features.items()}
        assert (model.take(some).compose(noise[:, some], seen[:, some], own, occasions) == whole[:, some]).all()
