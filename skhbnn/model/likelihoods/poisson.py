"""Counts: one output, the logarithm of the rate."""

import math

import numpy as np
from scipy.special import gammaincc, gammaln

from ...kernel.options import inline
from .base import CountLikelihood, log_rates, random_counts, rates


@inline
def score_rows(z, rows, block, space):
    """Log likelihood of each row."""
    for r in range(block.m):
        rate, y = math.exp(z[r]), rows.y[block.first + r]
        space[r] = y * z[r] - rate - math.lgamma(y + 1.0)
        z[r] = y - rate


@inline
def information_rows(z, rows, block, out):
    """Expected information of each row."""
    for r in range(block.m):
        out[r] = math.exp(z[r])


class Poisson(CountLikelihood):
    """Poisson(exp(output))."""

    name = "poisson"
    score_rows = staticmethod(score_rows)
    information_rows = staticmethod(information_rows)

    def log_likelihood(self, outputs, y, own):
        output = log_rates(outputs[..., 0, :])  # (..., row)
        return y * output - np.exp(output) - gammaln(y + 1)

    def variance(self, outputs, own):
        return rates(outputs)

    def cdf(self, y, outputs, own):
        rate = rates(outputs[..., 0, :])  # (..., row)
        return np.where(y < 0, 0.0, gammaincc(np.floor(np.maximum(y, 0)) + 1, rate))

    def recursion(self, outputs, own):
        rate = rates(outputs[..., 0, :])  # (..., row)
        return -rate, rate, np.zeros_like(rate)

    def draw(self, rng, outputs, own):
        return random_counts(rng, rates(outputs[..., 0, :]))

    def information(self, outputs, own):
        return rates(outputs[..., 0, :])[..., None, None]  # (..., row, 1, 1)

    def pymc(self, outputs, own):
        import pymc as pm
        import pytensor.tensor as pt

        return pm.Poisson, {"mu": pt.exp(outputs[:, 0])}


KIND = Poisson()
