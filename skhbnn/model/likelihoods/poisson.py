"""Counts: one output, the logarithm of the rate."""

import math

import numpy as np
from scipy.special import gammaln

from ...kernel.options import inline
from .base import Likelihood


@inline
def score_rows(z, rows, block, space):
    """Log likelihood of each row."""
    for r in range(block.m):
        rate, y = math.exp(z[r]), rows.y[block.first + r]
        space[r] = y * z[r] - rate - math.lgamma(y + 1.0)
        z[r] = y - rate


class Poisson(Likelihood):
    """Poisson(exp(output))."""

    name = "poisson"
    dtype = "int64"
    score_rows = staticmethod(score_rows)

    def check(self, y):
        n_faults = int(np.sum(~(np.isfinite(y) & (y >= 0))))
        if n_faults:
            raise ValueError(f"poisson needs counts of at least 0, and {n_faults} row(s) of y are none.")

    def log_likelihood(self, outputs, y, own):
        return y * outputs[..., 0, :] - np.exp(outputs[..., 0, :]) - gammaln(y + 1)

    def mean(self, outputs, own):
        return np.exp(outputs, out=outputs)

    def variance(self, outputs, own):
        return np.exp(outputs)

    def draw(self, rng, outputs, own):
        return rng.poisson(np.exp(outputs[..., 0, :]))

    def information(self, outputs, own):
        return np.exp(outputs[..., 0, :])[..., None, None]  # (..., row, 1, 1)

    def pymc(self, outputs, own):
        import pymc as pm
        import pytensor.tensor as pt

        return pm.Poisson, {"mu": pt.exp(outputs[:, 0])}


KIND = Poisson()
