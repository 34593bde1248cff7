"""The Gaussian copula: scores, correlation from incomplete data, draws."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy.special import ndtr, ndtri
from scipy.stats import multivariate_normal

from replicator.models.copula import (
    GaussianCopula,
    Kin,
    common_correlation,
    normal_scores,
    pairwise_correlation,
    shrink_correlation,
)
from replicator.models.score_correlation import ScoreCorrelation

COLUMN = hnp.arrays(np.float64, st.integers(1, 60), elements=st.one_of(st.integers(-3, 3).map(float), st.just(np.nan)))


@settings(max_examples=60)
@given(COLUMN)
def test_scores_keep_order_ties_and_gaps(x: np.ndarray) -> None:
    """Higher values score higher, equal ones alike, missing ones nothing; scores sum to 0 with a variance of at most 1."""
    scores = normal_scores(x)
    np.testing.assert_array_equal(np.isnan(scores), np.isnan(x))
    seen = np.isfinite(x)
    if seen.any():
        order = np.argsort(x[seen], kind="stable")
        gaps, steps = np.diff(x[seen][order]), np.diff(scores[seen][order])
        assert (steps[gaps == 0] == 0).all() and (steps[gaps > 0] > 0).all()
        assert scores[seen].sum() == pytest.approx(0, abs=1e-9)
        assert (scores[seen] ** 2).mean() <= 1


@settings(max_examples=40)
@given(st.integers(0, 30), st.integers(0, 12), st.floats(0, 0.9), st.integers(0, 1000))
def test_every_fit_is_a_correlation(n: int, p: int, missing: float, seed: int) -> None:
    """However few subjects and however many gaps: symmetric, ones on the diagonal, no negative variance, draws finite."""
    rng = np.random.default_rng(seed)
    x = np.where(rng.random((n, p)) < missing, np.nan, rng.standard_normal((n, p)))
    scores = np.stack([normal_scores(column) for column in x.T], axis=1) if p else np.empty((n, 0))
    copula = GaussianCopula.fit(scores)
    r = copula.correlation
    assert r.shape == (p, p)
    np.testing.assert_allclose(r, r.T)
    assert (np.abs(r) <= 1 + 1e-9).all() and (copula.unique >= 0).all()
    if p:
        assert (copula.loadings**2).sum(axis=1) + copula.unique == pytest.approx(np.ones(p))
        assert np.linalg.eigvalsh(r).min() > -1e-9
    assert np.isfinite(copula.sample(7, rng)).all()


def test_order_of_subjects_does_not_matter() -> None:
    """Rows in another order give the same copula to the last digits that addition keeps."""
    rng = np.random.default_rng(2)
    scores = np.stack([normal_scores(c) for c in rng.standard_normal((5, 80))], axis=1)
    a, b = GaussianCopula.fit(scores), GaussianCopula.fit(scores[rng.permutation(80)])
    np.testing.assert_allclose(a.correlation, b.correlation, atol=1e-12)


def test_planted_correlation_comes_back_from_incomplete_data() -> None:
    """0.7 between two of three variables, a third of the cells gone, 1,500 subjects: within 0.05, in draws too."""
    rng = np.random.default_rng(3)
    z = rng.standard_normal((1500, 3))
    z[:, 1] = 0.7 * z[:, 0] + np.sqrt(1 - 0.49) * z[:, 1]
    x = np.where(rng.random(z.shape) < 1 / 3, np.nan, np.exp(z))
    copula = GaussianCopula.fit(np.stack([normal_scores(c) for c in x.T], axis=1))
    assert copula.correlation[0, 1] == pytest.approx(0.7, abs=0.05)
    assert np.abs(copula.correlation[2, :2]).max() < 0.08
    drawn = np.corrcoef(copula.sample(20_000, rng).T)
    np.testing.assert_allclose(drawn, copula.correlation, atol=0.03)


def test_variables_that_nobody_has_together_are_independent() -> None:
    """Pairs without four common subjects get no correlation."""
    scores = np.full((20, 2), np.nan)
    scores[:10, 0], scores[10:, 1] = normal_scores(np.arange(10.0)), normal_scores(np.arange(10.0))
    told = ScoreCorrelation.of(scores, pairwise_correlation(scores))
    assert told.correlation[0, 1] == 0
    assert told.pairs[0, 1] < 4


def test_few_factors_keep_the_strongest() -> None:
    """With one factor the planted common factor stays."""
    rng = np.random.default_rng(4)
    common = rng.standard_normal((2000, 1))
    x = 0.8 * common + 0.6 * rng.standard_normal((2000, 6))
    copula = GaussianCopula.fit(np.stack([normal_scores(c) for c in x.T], axis=1), most_factors=1)
    assert copula.loadings.shape == (6, 1)
    assert copula.correlation[0, 1] == pytest.approx(0.64, abs=0.12)


def _factors_and_a_pair(n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Values (n, 120) of three factors and, beside them, of one pair with a correlation of 0.95; and their true correlation."""
    rng = np.random.default_rng(seed)
    loadings = np.random.default_rng(1).uniform(-0.55, 0.55, (120, 3))
    loadings[:2] = 0.0
    truth = loadings @ loadings.T
    truth[0, 1] = truth[1, 0] = 0.95
    np.fill_diagonal(truth, 1.0)
    return rng.standard_normal((n, 120)) @ np.linalg.cholesky(truth).T, truth


def test_few_factors_are_nearer_to_the_truth_than_single_entries_and_a_clear_pair_stays() -> None:
    """Eighty subjects, 120 variables: mean absolute error of the correlations, and the one pair that no factor explains."""
    x, truth = _factors_and_a_pair(80, 2)
    scores = np.stack([normal_scores(column) for column in x.T], axis=1)
    told = ScoreCorrelation.of(scores, pairwise_correlation(scores))
    upper = np.triu_indices(120, 1)
    believed = shrink_correlation(told.correlation, told.pairs)
    alone = np.abs(believed - truth)[upper].mean()
    common = common_correlation(told, believed)
    assert np.abs(common - truth)[upper].mean() < 0.8 * alone
    assert common[0, 1] == pytest.approx(0.95, abs=0.05)
    assert (common == common.T).all()
    assert (np.diag(common) == 1.0).all()


def test_what_is_drawn_follows_few_subjects_less_where_factors_are_few() -> None:
    """The largest share of a draw's variance that lies in the span of eighty source subjects, beside that in the span of others."""
    x, _ = _factors_and_a_pair(80, 3)
    others, _ = _factors_and_a_pair(80, 4)
    model = GaussianCopula.fit(np.stack([normal_scores(column) for column in x.T], axis=1))
    spans = [np.linalg.svd((one - one.mean(axis=0)) / one.std(axis=0), full_matrices=False)[2][:-1] for one in (x, others)]
    own, other = (float(np.trace(span @ model.correlation @ span.T)) / 120 for span in spans)
    raw = np.corrcoef(x.T)
    raw_own, raw_other = (float(np.trace(span @ raw @ span.T)) / 120 for span in spans)
    assert raw_own == pytest.approx(1.0, abs=1e-6)
    assert own - other < 0.2 * (raw_own - raw_other)


def test_many_subjects_keep_every_entry() -> None:
    """With 40,000 subjects the correlations are those of the source, whatever the factors (0.02)."""
    x, truth = _factors_and_a_pair(40_000, 5)
    model = GaussianCopula.fit(x)
    assert np.abs(model.correlation - truth).max() < 0.03


def test_variables_that_nearly_all_have_alike_take_nothing_from_a_factor() -> None:
    """Of 150 subjects, 60 variables of one factor beside 90 in which two of a hundred differ keep the factor's correlations."""
    rng = np.random.default_rng(12)
    x = 0.6 * rng.standard_normal((150, 1)) + 0.8 * rng.standard_normal((150, 60))
    rare = (rng.standard_normal((150, 90)) > 2.0).astype(float)
    model = GaussianCopula.fit(np.stack([normal_scores(one) for one in np.concatenate([x, rare], axis=1).T], axis=1))
    inside = model.correlation[:60, :60][np.triu_indices(60, 1)]
    assert inside.mean() == pytest.approx(0.36, abs=0.06)
    assert np.abs(inside - 0.36).mean() < 0.1
    assert np.abs(model.correlation[60:, 60:][np.triu_indices(90, 1)]).mean() < 0.05


@pytest.mark.parametrize("seed", [21, 22, 23])
def test_rare_variables_that_are_independent_stay_so(seed: int) -> None:
    """Of 250 subjects and 30 independent variables that 1 to 8 of a hundred have, none is told of another, whoever has two."""
    rng = np.random.default_rng(seed)
    share = rng.uniform(0.01, 0.08, 30)
    rare = (rng.random((250, 30)) < share).astype(float)
    rare[0, :2] = 1.0  # one subject has two of them
    model = GaussianCopula.fit(np.stack([normal_scores(one) for one in rare.T], axis=1))
    size = np.abs(model.correlation[np.triu_indices(30, 1)])
    assert size.max() < 0.5
    assert size.mean() < 0.02


def test_a_rare_pair_comes_together_as_often_as_planted() -> None:
    """Latent normals correlate at 0.8, and 5 and 4 of a hundred have them: both have 2.2 of a hundred, within 3 errors of 4,000."""
    rng = np.random.default_rng(31)
    planted, cut = np.array([[1.0, 0.8], [0.8, 1.0]]), ndtri([0.95, 0.96])
    z = rng.multivariate_normal(np.zeros(2), planted, 4000)
    rare = np.concatenate([z > cut, rng.standard_normal((4000, 6)) > 1.7], axis=1).astype(float)
    model = GaussianCopula.fit(np.stack([normal_scores(one) for one in rare.T], axis=1))
    truth = float(multivariate_normal(np.zeros(2), planted).cdf(-cut))
    drawn = float((model.sample(400_000, rng)[:, :2] > cut).all(axis=1).mean())
    assert drawn == pytest.approx(truth, abs=3 * np.sqrt(truth / 4000))


@pytest.mark.parametrize("seed", [41, 42, 43])
@pytest.mark.parametrize("few", [0.5, 0.2])
def test_a_binary_variable_keeps_the_two_means_of_a_number(few: float, seed: int) -> None:
    """A number two standard deviations higher for some, five others one: means within 0.15, spreads within a tenth of the source's.

    Sixty variables share a factor beside it, and what the binary one does to six of them is a factor, too.
    """
    rng = np.random.default_rng(seed)
    has = rng.random(250) < few
    values = 0.5 * rng.standard_normal((250, 1)) + np.sqrt(0.75) * rng.standard_normal((250, 62))
    values[:, 1] += 2.0 * has
    values[:, 2:7] += has[:, None]
    values[:, 0] = has
    model = GaussianCopula.fit(np.stack([normal_scores(one) for one in values.T], axis=1))
    z = model.sample(40_000, rng)[:, :2]
    binary, drawn = z[:, 0] > ndtri(1 - has.mean()), np.quantile(values[:, 1], ndtr(z[:, 1]))
    for one, other in ((binary, has), (~binary, ~has)):
        assert drawn[one].mean() == pytest.approx(values[other, 1].mean(), abs=0.15)
        assert drawn[one].std() == pytest.approx(values[other, 1].std(), rel=0.1)


@pytest.mark.parametrize(("rho", "least"), [(0.25, 0.12), (0.5, 0.45), (0.6, 0.55)])
def test_pairs_of_numbers_and_answers_come_back(rho: float, least: float) -> None:
    """25 pairs of 60 variables (300 subjects, a fifth binary): nearly all of 0.5 and 0.6, half of 0.25, and little else."""
    rng = np.random.default_rng(5)
    x = rng.standard_normal((300, 60))
    x[:, 25:50] = rho * x[:, :25] + np.sqrt(1 - rho**2) * x[:, 25:50]
    x[:, ::5] = x[:, ::5] > 0.3
    found = GaussianCopula.fit(np.stack([normal_scores(one) for one in x.T], axis=1)).correlation
    pairs = np.arange(25), np.arange(25, 50)
    assert least < found[pairs].mean() < rho + 0.03
    found[pairs] = 0.0
    assert np.sqrt((found[np.triu_indices(60, 1)] ** 2).mean()) < 0.02


def test_what_kin_have_in_common_is_not_lost_among_many_pairs() -> None:
    """12 groups of three variables that correlate by 0.35 in 80 subjects, among 150 that do not: 0.35 on average with kin told."""
    rng = np.random.default_rng(6)
    n, rho = 80, 0.35
    group = np.repeat(np.arange(12), 3)
    x = np.sqrt(1 - rho) * rng.standard_normal((n, 36)) + np.sqrt(rho) * rng.standard_normal((n, 12))[:, group]
    scores = np.stack([normal_scores(one) for one in np.hstack([x, rng.standard_normal((n, 150))]).T], axis=1)
    kin = Kin(np.append(group, np.full(150, -1)), np.zeros(186, np.int64))
    together = np.zeros((186, 186), bool)
    together[:36, :36] = (group[:, None] == group) & ~np.eye(36, dtype=bool)
    seen = pairwise_correlation(scores)[together].mean()
    told, alone = (GaussianCopula.fit(scores, kin=one).correlation for one in (kin, None))
    assert told[together].mean() == pytest.approx(seen, abs=0.05)
    assert alone[together].mean() < seen - 0.1
    apart = ~together & ~np.eye(186, dtype=bool)
    assert np.sqrt((told[apart] ** 2).mean()) < 0.05


def test_only_variables_of_one_group_are_kin() -> None:
    """Groups 4 (kind 0), 5 (kind 1), and two variables of none."""
    kin = Kin(np.array([4, 4, 5, 5, -1, -1]), np.array([0, 0, 1, 1, 0, 0]))
    left, right = np.array([0, 0, 2, 4, 1]), np.array([1, 2, 3, 5, 4])
    assert kin.of_pairs(left, right).tolist() == [0, -1, 1, -1, -1]
