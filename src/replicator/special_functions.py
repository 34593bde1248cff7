"""Special functions on arrays: the normal distribution, digamma and trigamma, the tails of the binomial distribution.

They are the few that the models and the certificate need; a library for them would be a third of the installation. Normal
probabilities and quantiles use the rational approximations of Cephes, accurate to a few units in the last place.

References
----------
.. [1] S. L. Moshier, *Cephes Mathematical Library*, 1989, ``ndtr.c`` and ``ndtri.c``.
.. [2] M. Abramowitz and I. A. Stegun, *Handbook of Mathematical Functions*, 1964, 6.3.5, 6.3.18, 6.4.6, 6.4.12.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]

_SQRT_HALF = 0.70710678118654752440
_ROOT_TWO_PI = 2.50662827463100050242
_TAIL = 0.13533528323661269189  # exp(-2): quantiles of probabilities below it, or as near to 1, have a series of their own

_ERF = (
    (
        9.60497373987051638749e0,
        9.00260197203842689217e1,
        2.23200534594684319226e3,
        7.00332514112805075473e3,
        5.55923013010394962768e4,
    ),
    (
        1.0,
        3.35617141647503099647e1,
        5.21357949780152679795e2,
        4.59432382970980127987e3,
        2.26290000613890934246e4,
        4.92673942608635921086e4,
    ),
)
_ERFC = (
    (
        2.46196981473530512524e-10,
        5.64189564831068821977e-1,
        7.46321056442269912687e0,
        4.86371970985681366614e1,
        1.96520832956077098242e2,
        5.26445194995477358631e2,
        9.34528527171957607540e2,
        1.02755188689515710272e3,
        5.57535335369399327526e2,
    ),
    (
        1.0,
        1.32281951154744992508e1,
        8.67072140885989742329e1,
        3.54937778887819891062e2,
        9.75708501743205489753e2,
        1.82390916687909736289e3,
        2.24633760818710981792e3,
        1.65666309194161350182e3,
        5.57535340817727675546e2,
    ),
)
_ERFC_FAR = (
    (
        5.64189583547755073984e-1,
        1.27536670759978104416e0,
        5.01905042251180477414e0,
        6.16021097993053585195e0,
        7.40974269950448939160e0,
        2.97886665372100240670e0,
    ),
    (
        1.0,
        2.26052863220117276590e0,
        9.39603524938001434673e0,
        1.20489539808096656605e1,
        1.70814450747565897222e1,
        9.60896809063285878198e0,
        3.36907645100081516050e0,
    ),
)
_QUANTILE = (
    (
        -5.99633501014107895267e1,
        9.80010754185999661536e1,
        -5.66762857469070293439e1,
        1.39312609387279679503e1,
        -1.23916583867381258016e0,
    ),
    (
        1.0,
        1.95448858338141759834e0,
        4.67627912898881538453e0,
        8.63602421390890590575e1,
        -2.25462687854119370527e2,
        2.00260212380060660359e2,
        -8.20372256168333339912e1,
        1.59056225126211695515e1,
        -1.18331621121330003142e0,
    ),
)
_QUANTILE_TAIL = (
    (
        4.05544892305962419923e0,
        3.15251094599893866154e1,
        5.71628192246421288162e1,
        4.40805073893200834700e1,
        1.46849561928858024014e1,
        2.18663306850790267539e0,
        -1.40256079171354495875e-1,
        -3.50424626827848203418e-2,
        -8.57456785154685413611e-4,
    ),
    (
        1.0,
        1.57799883256466749731e1,
        4.53907635128879210584e1,
        4.13172038254672030440e1,
        1.50425385692907503408e1,
        2.50464946208309415979e0,
        -1.42182922854787788574e-1,
        -3.80806407691578277194e-2,
        -9.33259480895457427372e-4,
    ),
)
_QUANTILE_FAR = (
    (
        3.23774891776946035970e0,
        6.91522889068984211695e0,
        3.93881025292474443415e0,
        1.33303460815807542389e0,
        2.01485389549179081538e-1,
        1.23716634817820021358e-2,
        3.01581553508235416007e-4,
        2.65806974686737550832e-6,
        6.23974539184983293730e-9,
    ),
    (
        1.0,
        6.02427039364742014255e0,
        3.67983563856160859403e0,
        1.37702099489081330271e0,
        2.16236993594496635890e-1,
        1.34204006088543189037e-2,
        3.28014464682127739104e-4,
        2.89247864745380683936e-6,
        6.79019408009981274425e-9,
    ),
)


def _polynomial(x: Floats, coefficients: Sequence[float]) -> Floats:
    """Add up a polynomial by Horner's rule, the highest power first."""
    out = np.full_like(x, coefficients[0])
    for coefficient in coefficients[1:]:
        out *= x
        out += coefficient
    return out


def _rational(factor: Floats, x: Floats, polynomials: tuple[Sequence[float], Sequence[float]]) -> Floats:
    """Multiply a factor by one polynomial and divide it by another."""
    return factor * _polynomial(x, polynomials[0]) / _polynomial(x, polynomials[1])


def ndtr(x: ArrayLike) -> Floats:
    """Return the probability that a standard normal variable is at most `x`; NaN of NaN.

    Examples
    --------
    >>> ndtr([-1.0, 0.0, 1.96]).round(6).tolist()
    [0.158655, 0.5, 0.975002]
    """
    scaled = np.asarray(x, np.float64) * _SQRT_HALF
    distance = np.abs(scaled)
    inner = distance < 1.0
    out = np.empty_like(scaled)
    near = scaled[inner]
    out[inner] = 0.5 + 0.5 * _rational(near, near * near, _ERF)
    beyond = distance[~inner]
    with np.errstate(under="ignore"):
        height = np.exp(-beyond * beyond)
    capped = np.minimum(beyond, 40.0)  # from there on nothing is left of the tail
    tail = 0.5 * np.where(beyond < 8.0, _rational(height, capped, _ERFC), _rational(height, capped, _ERFC_FAR))
    out[~inner] = np.where(scaled[~inner] > 0, 1.0 - tail, tail)
    return out


def ndtri(p: ArrayLike) -> Floats:
    """Return the standard normal quantile of `p`: -inf of 0, inf of 1, NaN outside.

    Examples
    --------
    >>> ndtri([0.0, 0.025, 0.5]).round(6).tolist()
    [-inf, -1.959964, 0.0]
    """
    probability = np.asarray(p, np.float64)
    upper = probability > 1.0 - _TAIL
    folded = np.where(upper, 1.0 - probability, probability)
    inner = folded > _TAIL
    out = np.empty_like(probability)
    centred = folded[inner] - 0.5
    squared = centred * centred
    out[inner] = (centred + centred * _rational(squared, squared, _QUANTILE)) * _ROOT_TWO_PI
    with np.errstate(divide="ignore", invalid="ignore"):
        root = np.sqrt(-2.0 * np.log(folded[~inner]))
        inverse = 1.0 / root
        series = np.where(root < 8.0, _rational(inverse, inverse, _QUANTILE_TAIL), _rational(inverse, inverse, _QUANTILE_FAR))
        size = root - np.log(root) / root - series
    size = np.where(np.isposinf(root), np.inf, size)
    out[~inner] = np.where(upper[~inner], size, -size)
    return out


def digamma(x: ArrayLike) -> Floats:
    """Return the derivative of the logarithm of the gamma function, for `x` above 0.

    Examples
    --------
    >>> digamma([1.0, 0.5]).round(6).tolist()
    [-0.577216, -1.96351]
    """
    moved, out = _moved(x, lambda value: -1.0 / value)
    square = 1.0 / (moved * moved)
    series = _polynomial(square, (1 / 12, -691 / 32760, 1 / 132, -1 / 240, 1 / 252, -1 / 120, 1 / 12))
    return out + (np.log(moved) - 0.5 / moved - square * series)


def trigamma(x: ArrayLike) -> Floats:
    """Return the second derivative of the logarithm of the gamma function, for `x` above 0.

    Examples
    --------
    >>> trigamma([1.0, 0.5]).round(6).tolist()
    [1.644934, 4.934802]
    """
    moved, out = _moved(x, lambda value: 1.0 / (value * value))
    square = 1.0 / (moved * moved)
    series = _polynomial(square, (7 / 6, -691 / 2730, 5 / 66, -1 / 30, 1 / 42, -1 / 30, 1 / 6))
    return out + (1.0 / moved + 0.5 * square + square / moved * series)


def _moved(x: ArrayLike, step: Callable[[Floats], Floats]) -> tuple[Floats, Floats]:
    """Move arguments up by whole numbers until they are 10 or more, and add up what the recurrence takes for each step."""
    moved = np.array(x, np.float64)
    out = np.zeros_like(moved)
    while (small := moved < 10).any():
        out = np.where(small, out + step(moved), out)
        moved = np.where(small, moved + 1.0, moved)
    return moved, out


def binomial_at_most(count: int, trials: int, probability: float) -> float:
    """Return the probability of at most `count` successes in so many trials.

    Parameters
    ----------
    count : int
        -1 or more; from `trials` on the probability is 1.
    trials : int
        0 or more.
    probability : float
        Of a success, between 0 and 1, both left out.

    Examples
    --------
    >>> round(binomial_at_most(2, 10, 0.5), 6)
    0.054688
    """
    if count < 0:
        return 0.0
    if count >= trials:
        return 1.0
    successes = np.arange(1, count + 1)
    steps = np.log((trials - successes + 1) / successes) + np.log(probability) - np.log1p(-probability)
    logarithms = trials * np.log1p(-probability) + np.concatenate([[0.0], np.cumsum(steps)])
    largest = logarithms.max()
    return float(min(np.exp(largest) * np.exp(logarithms - largest).sum(), 1.0))
