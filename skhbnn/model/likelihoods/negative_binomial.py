"""Counts that vary more than Poisson's: one output, the logarithm of the mean; the overdispersion is learned."""

import math

import numpy as np
from scipy.special import betainc, betaincc, gammaln

from ...kernel.gamma import (
    NEAR,
    lgamma_rest,
    lgamma_rest_slope,
    lgamma_rest_slopes,
    lgamma_rests,
    log1p_rest_series,
)
from ...kernel.options import inline
from ..scale_priors import half_normal
from .base import HALF_NORMAL, CountLikelihood, log_rates, random_counts, rates

N_EXACT = 64  # counts whose terms in the information are added one by one; beyond them the sum is an integral
ROWS_AT_ONCE = 1_000  # of the information: some 300 terms each


# With a = 1 / overdispersion**2 and d = (y - mean) / (a + mean) the log likelihood is
#     rest(a + y) - rest(a) + (a + y) log1p(d) + y log(mean) - y - log(y!),
# rest being ``lgamma_rest``, and its derivative in a is
#     rest'(a + y) - rest'(a) - (d - log1p(d)).
# For large a nothing in them cancels, as differences of log-gamma functions do.


@inline
def score_rows(z, rows, block, space):
    """Log likelihood of each row, and the derivative in the overdispersion."""
    m, phi = block.m, rows.own[0]
    a = 1.0 / (phi * phi)
    rest = lgamma_rest(a)
    for r in range(m):
        y, mu = rows.y[block.first + r], math.exp(z[r])
        d = (y - mu) / (a + mu)
        if abs(d) < NEAR:
            beyond = log1p_rest_series(d)
            log = d - beyond
        else:
            log = math.log((1.0 + y / a) / (1.0 + mu / a))
            beyond = d - log
        space[r] = lgamma_rest(a + y) - rest + (a + y) * log + y * z[r] - y - math.lgamma(y + 1.0)
        space[m + r] = 2.0 * a / phi * (beyond - lgamma_rest_slope(a, y))
        z[r] = a * d


@inline
def information_rows(z, rows, block, out):
    """Expected information of each row."""
    a = 1.0 / (rows.own[0] * rows.own[0])
    for r in range(block.m):
        mean = math.exp(z[r])
        out[r] = mean / (1.0 + mean / a)


class NegativeBinomial(CountLikelihood):
    """Negative binomial of the mean exp(output), with the variance mean + overdispersion² mean².

    overdispersion ~ HalfNormal(1) is the coefficient of variation of the rate, and 1 / overdispersion² the parameter
    alpha of ``pymc.NegativeBinomial``. Near 0 the distribution is Poisson's.
    """

    name = "negative_binomial"
    own = ("overdispersion",)
    score_rows = staticmethod(score_rows)
    information_rows = staticmethod(information_rows)
    own_numbers = HALF_NORMAL

    def log_likelihood(self, outputs, y, own):
        output = log_rates(outputs[..., 0, :])  # (..., row)
        return _log_likelihood(y, output, np.exp(output), _alpha(own))

    def variance(self, outputs, own):
        mean = rates(outputs)  # (..., 1, row)
        return mean + mean**2 * own[..., 0, None, None] ** 2

    def cdf(self, y, outputs, own):
        ratio, a = np.broadcast_arrays(rates(outputs[..., 0, :]) / _alpha(own), _alpha(own))  # (..., row) each
        above = np.floor(np.maximum(y, 0)) + 1  # (..., row) or (row,)
        # Two names of one number: of the share of either side the smaller one has all digits.
        reached = np.empty(ratio.shape)  # (..., row)
        betaincc(above, a, ratio / (1 + ratio), out=reached, where=ratio < 1)
        betainc(a, above, 1 / (1 + ratio), out=reached, where=ratio >= 1)
        return np.where(y < 0, 0.0, reached)

    def recursion(self, outputs, own):
        mean, a = np.broadcast_arrays(rates(outputs[..., 0, :]), _alpha(own))  # (..., row) each
        return -a * np.log1p(mean / a), mean / (1 + mean / a), mean / (a + mean)

    def draw(self, rng, outputs, own):
        mean = rates(outputs[..., 0, :])  # (..., row)
        a = np.broadcast_to(_alpha(own), mean.shape)  # (..., row)
        return random_counts(rng, mean * (rng.standard_gamma(a) / a))

    def information(self, outputs, own):
        output, a = np.broadcast_arrays(log_rates(outputs[..., 0, :]), _alpha(own))  # (..., row) each
        mean = np.exp(output)  # (..., row)
        information = np.zeros((*mean.shape, 2, 2))  # (..., row, 2, 2): the two are orthogonal
        information[..., 0, 0] = mean / (1 + mean / a)
        blocks = [slice(at, at + ROWS_AT_ONCE) for at in range(0, mean.size, ROWS_AT_ONCE)]
        of_each = [_information_of_dispersion(output.ravel()[block], a.ravel()[block]) for block in blocks]
        information[..., 1, 1] = np.concatenate([np.empty(0), *of_each]).reshape(mean.shape)
        return information

    def own_pymc(self):
        return [half_normal.KIND.pymc("overdispersion")]

    def pymc(self, outputs, own):
        import pymc as pm
        import pytensor.tensor as pt

        return pm.NegativeBinomial, {"mu": pt.exp(outputs[:, 0]), "alpha": own[0] ** -2.0}


def _alpha(own):
    """PyMC's alpha, (..., 1)."""
    return own[..., 0, None] ** -2.0


def _logs(y, mean, a):
    """The arrays log1p(d) and d - log1p(d), of arrays that broadcast against each other."""
    d = (y - mean) / (a + mean)
    near, log = np.abs(d) < NEAR, np.log((1 + y / a) / (1 + mean / a))
    beyond = log1p_rest_series.py_func(np.where(near, d, 0.0))
    return np.where(near, d - beyond, log), np.where(near, beyond, d - log)


def _log_likelihood(y, output, mean, a):
    """The log likelihood of each y, of arrays that broadcast against each other."""
    log, _ = _logs(y, mean, a)
    return lgamma_rests(a + y) - lgamma_rests(a) + (a + y) * log + y * output - y - gammaln(y + 1)


def _information_of_dispersion(output, a):
    """The expected square of the derivative in the logarithm of the overdispersion, (row,).

    The sum over all counts is one of the first N_EXACT, and behind them an integral with the first two terms of Euler
    and Maclaurin's formula, whose derivatives are differences of the terms around its start.
    """
    output, mean, a = output[:, None], np.exp(output)[:, None], a[:, None]  # (row, 1) each
    weights = np.concatenate([np.ones(N_EXACT), np.zeros(2)])  # (count,)
    weights[-3:-1] += np.array([-1, 1]) / 24
    weights[-4:] += np.array([1, -3, 3, -1]) * 17 / 5760
    counts = np.arange(N_EXACT + 2.0)  # (count,)

    start, deviation = N_EXACT - 0.5, np.sqrt(mean + mean**2 / a)  # (row, 1)
    end = np.maximum(mean + 9 * deviation + 40 * mean / a, start)  # (row, 1)
    even = start * (end / start) ** np.linspace(0, 1, 17)  # (row, end), even in the logarithm
    around = mean + deviation * np.arange(-9, 10)  # (row, end)
    ends = np.sort(np.clip(np.concatenate([even, around], axis=1), start, end), axis=1)  # (row, end)
    points, point_weights = np.polynomial.legendre.leggauss(8)  # (point,) each
    half = np.diff(ends, axis=1)[:, :, None] / 2  # (row, panel, 1)
    places = (ends[:, :-1, None] + half * (1 + points)).reshape(len(mean), -1)  # (row, place)
    place_weights = (half * point_weights).reshape(len(mean), -1)  # (row, place)

    def terms(y):
        _, beyond = _logs(y, mean, a)  # (row, y)
        score = 2 * a * (beyond - lgamma_rest_slopes(a, y))  # (row, y)
        return np.exp(_log_likelihood(y, output, mean, a)) * score**2

    return np.sum(terms(counts) * weights, axis=1) + np.sum(terms(places) * place_weights, axis=1)


KIND = NegativeBinomial()
