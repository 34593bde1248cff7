"""Engines of the copula: who correlates the normal scores. What is made of the correlation is the same for all of them.

An engine is a function of incomplete scores that returns a matrix, so a model holds arrays whichever engine made it, and a model
made by an engine can be read and sampled where that engine is not installed.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib.util import find_spec
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from replicator.errors import ConfigError, FitError
from replicator.heavy import pandas as pd
from replicator.models.copula import Estimator, pairwise_correlation

Floats = NDArray[np.float64]


def copulas_correlation(scores: Floats) -> Floats:
    r"""Correlate scores with ``copulas.multivariate.GaussianMultivariate``, normal marginals.

    Parameters
    ----------
    scores : (n, p) float64
        NaN where missing.

    Returns
    -------
    (p, p) float64
        NaN where a variable does not vary or no row has both.

    Raises
    ------
    FitError
        If the package is not installed.

    Notes
    -----
    The package refuses missing values. They are set to the mean of their variable, which adds nothing to a covariance, and the
    correlation that comes back is divided by what that takes from it: :math:`n_{ij} / \sqrt{n_i n_j}`, from the rows that have
    both and each. Of two variables that are always missing together nothing is changed.
    """
    _require("copulas")
    from copulas.multivariate import GaussianMultivariate  # noqa: PLC0415
    from copulas.univariate import GaussianUnivariate  # noqa: PLC0415

    seen = np.isfinite(scores)
    count = seen.sum(axis=0).astype(np.float64)
    filled = np.where(seen, scores, 0.0)
    filled = np.where(seen, filled - filled.sum(axis=0) / np.maximum(count, 1.0), 0.0)
    out = np.full((scores.shape[1],) * 2, np.nan)
    varies = np.flatnonzero(np.ptp(filled, axis=0) > 0) if len(scores) else np.empty(0, np.intp)
    if not len(varies):
        return out
    model = GaussianMultivariate(distribution=GaussianUnivariate)
    model.fit(pd.DataFrame(filled[:, varies]))
    both = seen[:, varies].astype(np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        told = both.T @ both / np.sqrt(np.outer(count[varies], count[varies]))
        out[np.ix_(varies, varies)] = np.where(told > 0, model.correlation.to_numpy(np.float64) / told, np.nan)
    return out


ENGINES: Mapping[str, Estimator] = MappingProxyType({"gaussian": pairwise_correlation, "copulas": copulas_correlation})
"""Engines by the name that :class:`~replicator.config.FitConfig` knows them by."""


def engine(name: str) -> Estimator:
    """Return an engine that can run here.

    Raises
    ------
    ConfigError
        If there is none of this name.
    FitError
        If the package that it needs is not installed.
    """
    if name not in ENGINES:
        raise ConfigError(f"There is no copula engine {name!r}; choose one of {', '.join(ENGINES)}.")
    if name != "gaussian":
        _require(name)
    return ENGINES[name]


def _require(package: str) -> None:
    """Refuse to go on without an optional package, which is an extra of the same name.

    Raises
    ------
    FitError
        If it is not installed.
    """
    if find_spec(package) is None:
        raise FitError(
            f"The copula engine {package!r} needs the package {package}, which is not installed; "
            f"run pip install \"replicator[{package}]\", or fit with the engine 'gaussian'."
        )
