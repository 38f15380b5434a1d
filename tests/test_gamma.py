"""The rests of the gamma function's logarithm, against SciPy and mpmath."""

import mpmath
import numpy as np
import pytest
from numba import njit
from scipy.special import digamma

from skhbnn.kernel import gamma

PRECISION = 200  # bits: doubles have 53
X = np.concatenate([np.geomspace(1e-4, 1e8, 60), [9.99, 10.0, 10.01]])  # (point,)
STEPS = np.array([0.0, 0.5, 1.0, 3.0, 1e3, 1e6])  # (step,)


@njit
def compiled_rests(x):
    return np.array([gamma.lgamma_rest(number) for number in x])


@njit
def compiled_slopes(x, step):
    return np.array([gamma.lgamma_rest_slope(number, step) for number in x])


def exact(function, *arrays):
    """A function of mpmath's numbers, of the numbers of arrays."""
    with mpmath.workprec(PRECISION):
        return np.array([float(function(*map(mpmath.mpf, numbers))) for numbers in zip(*arrays, strict=True)])


@pytest.mark.parametrize("function", [compiled_rests, gamma.lgamma_rests])
def test_lgamma_rest(function):
    expected = exact(lambda x: mpmath.loggamma(x) - x * mpmath.log(x) + x, X)  # (point,)
    np.testing.assert_allclose(function(X), expected, rtol=1e-14, atol=1e-14)


@pytest.mark.parametrize("function", [compiled_slopes, gamma.lgamma_rest_slopes])
@pytest.mark.parametrize("step", STEPS)
def test_slope_of_the_rest(function, step):
    """To 13 digits of the difference, or to the last digits of what is subtracted: of large x the series alone."""
    steps = np.full(len(X), step)  # (point,)
    expected = exact(lambda x, s: mpmath.digamma(x + s) - mpmath.digamma(x) - mpmath.log1p(s / x), X, steps)  # (point,)
    error = np.abs(function(X, step) - expected)  # (point,)
    assert (error <= 2e-13 * np.abs(expected) + np.where(X < gamma.LARGE, 1e-15 * (2 + 1 / X), 1e-16 / X**2)).all()


def test_slope_holds_the_digamma_function():
    """Far from x the rest has no slope, so that what is left is digamma(x), which SciPy has."""
    x = X[X < 1e4]  # (point,)
    found = np.log(x) - compiled_slopes(x, 1e18)  # (point,)
    np.testing.assert_allclose(found, digamma(x), rtol=1e-13, atol=1e-15)


@pytest.mark.parametrize("sign", [-1, 1])
def test_log1p_rest(sign):
    x = sign * np.append(np.geomspace(1e-12, gamma.NEAR, 40), 0.0)  # (point,)
    expected = exact(lambda x: x - mpmath.log1p(x), x)  # (point,)
    np.testing.assert_allclose(gamma.log1p_rest_series.py_func(x), expected, rtol=1e-15)
