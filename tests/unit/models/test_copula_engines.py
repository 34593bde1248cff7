"""One battery over every engine of the copula; and what is said where an engine's package is missing."""

import subprocess
import sys
from importlib.util import find_spec

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from replicator.config import FitConfig
from replicator.errors import ConfigError
from replicator.models.copula import Estimator, GaussianCopula, normal_scores
from replicator.models.copula_engines import ENGINES, engine
from replicator.models.joint import JointModel

Floats = NDArray[np.float64]


@pytest.fixture(
    params=[
        pytest.param(
            name,
            marks=pytest.mark.skipif(
                name != "gaussian" and find_spec(name) is None, reason=f"the optional package {name} is not installed"
            ),
        )
        for name in ENGINES
    ]
)
def estimate(request: pytest.FixtureRequest) -> Estimator:
    return engine(request.param)


def planted(n: int, correlation: Floats, seed: int = 1) -> Floats:
    """Draw (n, p) normals of a known correlation."""
    p = len(correlation)
    return np.random.default_rng(seed).multivariate_normal(np.zeros(p), correlation, n)


def scored(values: Floats) -> Floats:
    return np.stack([normal_scores(column) for column in values.T], axis=1)


def exchangeable(p: int, rho: float) -> Floats:
    return np.full((p, p), rho) + (1 - rho) * np.eye(p)


THREE = np.array([[1.0, 0.8, -0.3], [0.8, 1.0, 0.0], [-0.3, 0.0, 1.0]])


def test_planted_correlation_is_found(estimate: Estimator) -> None:
    """Of 4,000 subjects a correlation is known to about 0.016; three standard errors are allowed."""
    copula = GaussianCopula.fit(scored(planted(4000, THREE)), estimate)
    np.testing.assert_allclose(copula.correlation, THREE, atol=0.05)


def test_margins_do_not_matter(estimate: Estimator) -> None:
    """The correlation is of ranks: strictly rising functions of the variables leave it as it is, to the last bit."""
    values = planted(300, THREE)
    bent = np.stack([np.exp(values[:, 0]), values[:, 1] ** 3, np.arctan(values[:, 2])], axis=1)
    a, b = GaussianCopula.fit(scored(values), estimate), GaussianCopula.fit(scored(bent), estimate)
    np.testing.assert_array_equal(a.loadings, b.loadings)


@pytest.mark.parametrize("share", [0.5, 0.15])
def test_discrete_variables_show_their_latent_correlation(estimate: Estimator, share: float) -> None:
    """A yes-or-no variable weakens what is seen of a correlation of 0.6, and not what is learned of it."""
    values = planted(6000, exchangeable(2, 0.6))
    values[:, 1] = values[:, 1] > np.quantile(values[:, 1], 1 - share)
    assert GaussianCopula.fit(scored(values), estimate).correlation[0, 1] == pytest.approx(0.6, abs=0.06)


@pytest.mark.parametrize("missing", [0.3, 0.7])
def test_missing_values_do_not_weaken_a_correlation(estimate: Estimator, missing: float) -> None:
    values = planted(6000, THREE)
    values[np.random.default_rng(2).random(values.shape) < missing] = np.nan
    np.testing.assert_allclose(GaussianCopula.fit(scored(values), estimate).correlation, THREE, atol=0.1)


def test_variables_that_are_missing_together_stay_tied(estimate: Estimator) -> None:
    """A third of the subjects was never dosed and has neither of two variables; those who have them show 0.8."""
    values = planted(3000, THREE)
    values[:1000, :2] = np.nan
    assert GaussianCopula.fit(scored(values), estimate).correlation[0, 1] == pytest.approx(0.8, abs=0.05)


def test_variables_that_nobody_has_together_are_independent(estimate: Estimator) -> None:
    values = planted(200, exchangeable(2, 0.9))
    values[:100, 0] = np.nan
    values[100:, 1] = np.nan
    assert GaussianCopula.fit(scored(values), estimate).correlation[0, 1] == 0


def test_noise_among_many_variables_is_shrunk(estimate: Estimator) -> None:
    """Of 60 independent variables of 80 subjects raw correlations average 0.09 in size; next to nothing may remain."""
    copula = GaussianCopula.fit(scored(planted(80, np.eye(60))), estimate)
    assert np.abs(copula.correlation[np.triu_indices(60, 1)]).mean() < 0.02


def test_few_subjects_and_many_variables_give_a_correlation_matrix(estimate: Estimator) -> None:
    scores = scored(planted(20, exchangeable(80, 0.5)))
    correlation = GaussianCopula.fit(scores, estimate).correlation
    np.testing.assert_allclose(np.diag(correlation), 1.0)
    np.testing.assert_allclose(correlation, correlation.T)
    assert np.linalg.eigvalsh(correlation).min() > -1e-9


def test_columns_without_information_are_independent_of_all(estimate: Estimator) -> None:
    """One all missing, one constant, one with a single value: no warning, and no correlation."""
    values = np.column_stack([planted(50, THREE), np.full((50, 3), np.nan)])
    values[:, 4] = 1.0
    values[7, 5] = 2.0
    correlation = GaussianCopula.fit(scored(values), estimate).correlation
    assert np.isfinite(correlation).all()
    np.testing.assert_array_equal(correlation[3:, :3], 0.0)
    np.testing.assert_array_equal(np.diag(correlation)[3:], 1.0)


@pytest.mark.parametrize("shape", [(0, 0), (0, 3), (1, 3), (2, 1), (10, 0)])
def test_next_to_nothing_is_learned_without_an_error(estimate: Estimator, shape: tuple[int, int]) -> None:
    copula = GaussianCopula.fit(np.random.default_rng(3).standard_normal(shape), estimate)
    np.testing.assert_array_equal(copula.correlation, np.eye(shape[1]))
    assert copula.sample(5, np.random.default_rng(4)).shape == (5, shape[1])


def test_copies_are_tied_and_mirror_images_are_turned(estimate: Estimator) -> None:
    """A singular matrix: a variable, its copy, its negative."""
    x = planted(100, np.eye(1))
    correlation = GaussianCopula.fit(scored(np.column_stack([x, x, -x])), estimate).correlation
    assert correlation[0, 1] > 0.97
    assert correlation[0, 2] < -0.97


def test_the_same_scores_give_the_same_bytes_and_disturb_no_random_state(estimate: Estimator) -> None:
    scores = scored(planted(60, exchangeable(12, 0.4)))
    np.random.seed(11)  # noqa: NPY002
    expected = np.random.random()  # noqa: NPY002
    np.random.seed(11)  # noqa: NPY002
    a = GaussianCopula.fit(scores, estimate)
    assert np.random.random() == expected  # noqa: NPY002
    b = GaussianCopula.fit(scores.copy(), estimate)
    assert a.loadings.tobytes() == b.loadings.tobytes()
    assert a.unique.tobytes() == b.unique.tobytes()


@settings(max_examples=20)
@given(st.data())
def test_any_scores_give_a_correlation_matrix(data: st.DataObject) -> None:
    """Ties, gaps and constants of any kind, for every engine that is installed."""
    n, p = data.draw(st.integers(2, 12)), data.draw(st.integers(1, 5))
    cell = st.one_of(st.just(np.nan), st.integers(0, 3).map(float))
    values = np.array(data.draw(st.lists(st.lists(cell, min_size=p, max_size=p), min_size=n, max_size=n)))
    for name, one in ENGINES.items():
        if name == "gaussian" or find_spec(name) is not None:
            correlation = GaussianCopula.fit(scored(values), one).correlation
            assert np.isfinite(correlation).all()
            assert np.abs(correlation).max() <= 1 + 1e-9
            assert np.linalg.eigvalsh(correlation).min() > -1e-9


def test_sampled_traits_are_tied_like_those_of_the_source(estimate: Estimator) -> None:
    """The whole way through the joint model, in two groups with means 2 apart: 0.7 within groups, a number and a count."""
    z = planted(3000, exchangeable(2, 0.7))
    group = (np.arange(3000) % 2).astype(np.int32)
    values = {"level": 50 + 10 * (z[:, 0] + 2 * group), "count": np.floor(np.exp(0.5 * z[:, 1] + 1))}
    model = JointModel.fit(values, frozenset(), group, np.zeros(2, np.int64), 5, estimate=estimate)
    drawn = model.sample(group, np.random.default_rng(5))
    for g in (0, 1):
        mine = group == g
        of_source = np.corrcoef(*(normal_scores(values[name][mine]) for name in values))[0, 1]
        of_sample = np.corrcoef(*(normal_scores(drawn[name][mine]) for name in values))[0, 1]
        assert of_sample == pytest.approx(of_source, abs=0.06)


def test_every_engine_of_the_settings_exists_and_no_other() -> None:
    assert set(ENGINES) == set(FitConfig.model_fields["copula"].annotation.__args__)  # type: ignore[union-attr]
    assert ENGINES[FitConfig().copula] is engine("gaussian")


def test_an_unknown_engine_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"no copula engine 'vine'; choose one of gaussian, copulas\."):
        engine("vine")


def test_an_engine_without_its_package_is_named_with_the_remedy() -> None:
    """In a process that sees no third-party package of that name: a finder that knows none of it stands in front."""
    script = (
        "import importlib.util, importlib.machinery as m, sys\n"
        "path = m.PathFinder.find_spec\n"
        "m.PathFinder.find_spec = lambda name, *a, **k: None if name.partition('.')[0] == 'copulas' else path(name, *a, **k)\n"
        "from replicator.errors import FitError\n"
        "from replicator.models.copula_engines import engine\n"
        "engine('gaussian')\n"
        "assert 'copulas' not in sys.modules\n"
        "try:\n    engine('copulas')\nexcept FitError as error:\n    print(error)\n"
    )
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=120)
    assert run.returncode == 0, run.stderr
    assert run.stdout.strip() == (
        "The copula engine 'copulas' needs the package copulas, which is not installed; "
        "run pip install \"replicator[copulas]\", or fit with the engine 'gaussian'."
    )
