"""Numbers with normal noise: one output, the mean; the scale of the noise is learned, HalfNormal(1)."""

import math

import numpy as np
from scipy.special import ndtr, ndtri

from ...kernel.gamma import HALF_LOG_2_PI
from ...kernel.options import inline
from ..scale_priors import half_normal
from .base import HALF_NORMAL, NumberLikelihood


@inline
def score_rows(z, rows, block, space):
    """Log likelihood of each row, and the derivative in the scale of the noise."""
    scale = rows.own[0]
    constant = HALF_LOG_2_PI + math.log(scale)
    for r in range(block.m):
        u = (rows.y[block.first + r] - z[r]) / scale
        space[r] = -0.5 * u * u - constant
        space[block.m + r] = (u * u - 1.0) / scale
        z[r] = u / scale


@inline
def information_rows(z, rows, block, out):
    """Expected information of each row."""
    for r in range(block.m):
        out[r] = 1.0 / (rows.own[0] * rows.own[0])


class Normal(NumberLikelihood):
    """Normal(output, noise_scale²)."""

    name = "normal"
    own = ("noise_scale",)
    score_rows = staticmethod(score_rows)
    information_rows = staticmethod(information_rows)
    own_numbers = HALF_NORMAL

    def log_likelihood(self, outputs, y, own):
        scale = own[..., 0, None]  # (..., 1)
        return -0.5 * ((y - outputs[..., 0, :]) / scale) ** 2 - np.log(scale) - HALF_LOG_2_PI

    def mean(self, outputs, own):
        return outputs

    def variance(self, outputs, own):
        return np.broadcast_to(own[..., 0, None, None] ** 2, outputs.shape)

    def cdf(self, y, outputs, own):
        return ndtr((y - outputs[..., 0, :]) / own[..., 0, None])

    def quantile(self, q, outputs, own):
        return outputs[..., 0, :] + own[..., 0, None] * ndtri(q)

    def draw(self, rng, outputs, own):
        mean = outputs[..., 0, :]  # (..., row)
        return mean + own[..., 0, None] * rng.standard_normal(mean.shape)

    def information(self, outputs, own):
        scale = np.broadcast_to(own[..., 0, None], (*outputs.shape[:-2], outputs.shape[-1]))  # (..., row)
        return np.stack([scale**-2, np.full(scale.shape, 2.0)], axis=-1)[..., None] * np.eye(2)

    def own_pymc(self):
        return [half_normal.KIND.pymc("noise_scale")]

    def pymc(self, outputs, own):
        import pymc as pm

        return pm.Normal, {"mu": outputs[:, 0], "sigma": own[0]}


KIND = Normal()
