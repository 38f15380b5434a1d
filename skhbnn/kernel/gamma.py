"""Rests of the logarithm of the gamma function, and of log1p: what differences lose where the leading terms are large.

log Γ(x) = x log(x) - x + lgamma_rest(x), and x = log1p(x) + log1p_rest(x).
"""

import math

import numpy as np
from scipy.special import gammaln, psi

from .options import inline

LARGE = 10  # from here on the series below are right to the last digit
HALF_LOG_2_PI = 0.5 * math.log(2 * math.pi)
NEAR = 0.25  # up to here, on either side of 0, log1p_rest is a series


@inline
def _lgamma_rest_series(x):
    """``lgamma_rest`` by Stirling's series."""
    r = 1.0 / (x * x)
    s = ((r * (1 / 156) - 691 / 360360) * r + 1 / 1188) * r - 1 / 1680
    s = ((s * r + 1 / 1260) * r - 1 / 360) * r + 1 / 12
    return HALF_LOG_2_PI - 0.5 * np.log(x) + s / x


@inline
def _digamma_rest_series(x):
    """What log(x) - 1 / (2 x) - digamma(x) is: the series of Stirling's derivative."""
    r = 1.0 / (x * x)
    s = ((r * (1 / 12) - 691 / 32760) * r + 1 / 132) * r - 1 / 240
    return (((s * r + 1 / 252) * r - 1 / 120) * r + 1 / 12) * r


@inline
def log1p_rest_series(x):
    """The rest x - log1p(x) for x near 0, through log1p(x) = 2 atanh(s), s = x / (2 + x)."""
    s = x / (2.0 + x)
    r = s * s
    q = (((r * (1 / 21) + 1 / 19) * r + 1 / 17) * r + 1 / 15) * r + 1 / 13
    q = (((q * r + 1 / 11) * r + 1 / 9) * r + 1 / 7) * r + 1 / 5
    return 2.0 * r / (1.0 - s) - 2.0 * r * s * (q * r + 1 / 3)


# In compiled code --------------------------------------------------------------------------------------------------


@inline
def lgamma_rest(x):
    """The rest log Γ(x) - x log(x) + x, of x > 0."""
    if x < LARGE:
        return math.lgamma(x) - x * math.log(x) + x
    return _lgamma_rest_series(x)


@inline
def _digamma_less_log(x):
    """The difference digamma(x) - log(x), of x > 0: by recurrence where x is small."""
    s = 0.0
    if x < LARGE:
        s = math.log1p(LARGE / x)
        for i in range(LARGE):
            s -= 1.0 / (x + i)
        x += LARGE
    return s - 0.5 / x - _digamma_rest_series(x)


@inline
def lgamma_rest_slope(x, step):
    """By how much more the rest rises at x + step than at x: its derivative there less that at x, of x > 0, step >= 0.

    digamma(x + step) - digamma(x) is log1p(step / x) more.
    """
    y = x + step
    if x < LARGE:
        return _digamma_less_log(y) - _digamma_less_log(x)
    return 0.5 * step / (x * y) - (_digamma_rest_series(y) - _digamma_rest_series(x))


# Of NumPy's arrays ---------------------------------------------------------------------------------------------------


def lgamma_rests(x):
    """``lgamma_rest`` of every number of an array."""
    small = np.minimum(x, LARGE)  # with the shape of x
    of_small = gammaln(small) - small * np.log(small) + small  # with the shape of x
    return np.where(x < LARGE, of_small, _lgamma_rest_series.py_func(np.maximum(x, LARGE)))


def lgamma_rest_slopes(x, step):
    """``lgamma_rest_slope`` of every number of arrays that broadcast against each other."""
    small, large = np.minimum(x, LARGE), np.maximum(x, LARGE)  # with the shape of x
    of_small = psi(small + step) - psi(small) - np.log1p(step / small)  # with the shape of both
    rest = _digamma_rest_series.py_func
    of_large = 0.5 * step / (large * (large + step)) - (rest(large + step) - rest(large))  # with the shape of both
    return np.where(x < LARGE, of_small, of_large)
