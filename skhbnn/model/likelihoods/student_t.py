"""Numbers with noise of heavy tails: one output, the mean; the scale and the degrees of freedom are learned."""

import math

import numpy as np
from scipy.special import polygamma, stdtr, stdtrit

from ...kernel.gamma import HALF_LOG_2_PI, lgamma_rest, lgamma_rest_slope, lgamma_rests
from ...kernel.log_density import OwnNumbers
from ...kernel.options import inline
from ..scale_priors import half_normal
from .base import HALF_NORMAL, NumberLikelihood

# Degrees of freedom are 2 + g, g ~ Gamma(SHAPE, RATE).
LEAST, SHAPE, RATE = 2.0, 2.0, 0.1
LOG_CONSTANT = SHAPE * math.log(RATE) - math.lgamma(SHAPE)


@inline
def _constrain(free, own, grad):
    logp = HALF_NORMAL.constrain(free, own, grad)
    g = math.exp(free[1])
    own[1] = LEAST + g
    grad[1] += SHAPE - RATE * g
    return logp + LOG_CONSTANT + SHAPE * free[1] - RATE * g


@inline
def _pull_back(free, own, grad_own, grad):
    HALF_NORMAL.pull_back(free, own, grad_own, grad)
    grad[1] += math.exp(free[1]) * grad_own[1]


@inline
def score_rows(z, rows, block, space):
    """Log likelihood of each row, and the derivatives in the scale and in the degrees of freedom."""
    m, scale, nu = block.m, rows.own[0], rows.own[1]
    rise = lgamma_rest(0.5 * nu + 0.5) - lgamma_rest(0.5 * nu)
    constant = rise + 0.5 * (nu + 1.0) * math.log1p(1.0 / nu) - 0.5 - HALF_LOG_2_PI - math.log(scale)
    slope = math.log1p(1.0 / nu) - 1.0 / nu + lgamma_rest_slope(0.5 * nu, 0.5)
    for r in range(m):
        u = (rows.y[block.first + r] - z[r]) / scale
        v = u * u / nu
        log, share = math.log1p(v), v / (1.0 + v)
        space[r] = constant - 0.5 * (nu + 1.0) * log
        space[m + r] = ((nu + 1.0) * share - 1.0) / scale
        space[2 * m + r] = 0.5 * (slope - log + (1.0 + 1.0 / nu) * share)
        z[r] = (1.0 + 1.0 / nu) * u / ((1.0 + v) * scale)


class StudentT(NumberLikelihood):
    """Student's t with the mean output, the scale noise_scale and the degrees of freedom learned.

    The prior of the degrees of freedom is 2 + g with g ~ Gamma(2, 0.1): that of Juárez and Steel (2010), "Model-based
    clustering of non-Gaussian panel data based on skew-t distributions", Journal of Business & Economic Statistics 28,
    moved by 2, so that the variance is finite.
    """

    name = "student_t"
    own = ("noise_scale", "degrees_of_freedom")
    score_rows = staticmethod(score_rows)
    own_numbers = OwnNumbers(_constrain, _pull_back)

    def log_likelihood(self, outputs, y, own):
        scale, nu = _scale_and_degrees(own)  # (..., 1) each
        rise = lgamma_rests(nu / 2 + 0.5) - lgamma_rests(nu / 2)  # (..., 1)
        constant = rise + (nu + 1) / 2 * np.log1p(1 / nu) - 0.5 - HALF_LOG_2_PI - np.log(scale)  # (..., 1)
        return constant - (nu + 1) / 2 * np.log1p(((y - outputs[..., 0, :]) / scale) ** 2 / nu)

    def mean(self, outputs, own):
        return outputs

    def variance(self, outputs, own):
        scale, nu = _scale_and_degrees(own)  # (..., 1) each
        return np.broadcast_to((scale**2 * nu / (nu - 2))[..., None], outputs.shape)

    def cdf(self, y, outputs, own):
        scale, nu = _scale_and_degrees(own)  # (..., 1) each
        return stdtr(nu, (y - outputs[..., 0, :]) / scale)

    def quantile(self, q, outputs, own):
        scale, nu = _scale_and_degrees(own)  # (..., 1) each
        return outputs[..., 0, :] + scale * stdtrit(nu, q)

    def draw(self, rng, outputs, own):
        scale, nu = _scale_and_degrees(own)  # (..., 1) each
        mean = outputs[..., 0, :]  # (..., row)
        return mean + scale * rng.standard_t(np.broadcast_to(nu, mean.shape))

    def information(self, outputs, own):
        """As Lange, Little and Taylor (1989), "Robust statistical modeling using the t distribution", Journal of the
        American Statistical Association 84, have it, in log(noise_scale) and log(degrees_of_freedom - 2).
        """
        scale, nu = _scale_and_degrees(own)  # (..., 1) each
        g = nu - LEAST  # (..., 1)
        information = np.zeros((*outputs.shape[:-2], outputs.shape[-1], 3, 3))  # (..., row, 3, 3)
        information[..., 0, 0] = (nu + 1) / (nu + 3) / scale**2
        information[..., 1, 1] = 2 * nu / (nu + 3)
        information[..., 1, 2] = information[..., 2, 1] = -2 * g / ((nu + 1) * (nu + 3))
        curvature = polygamma(1, nu / 2) - polygamma(1, nu / 2 + 0.5)  # (..., 1)
        information[..., 2, 2] = g**2 * (curvature / 4 - (nu + 5) / (2 * nu * (nu + 1) * (nu + 3)))
        return information

    def own_from_unconstrained(self, v, xp=np):
        return xp.exp(v) + LEAST * IS_DEGREES.astype(v.dtype)

    def own_to_unconstrained(self, own):
        beyond = own - LEAST * IS_DEGREES.astype(own.dtype)  # (..., own number)
        return np.log(np.maximum(beyond, np.finfo(own.dtype).eps))  # in single precision 2.0000001 is 2

    def draw_own(self, rng, shape):
        own = super().draw_own(rng, shape)  # (*shape, own number)
        own[..., 1] = LEAST + rng.gamma(SHAPE, 1 / RATE, shape)
        return own

    def own_pymc(self):
        import pymc as pm

        beyond = pm.distributions.transforms.Interval(LEAST, None)
        degrees = pm.CustomDist("degrees_of_freedom", dist=_degrees_of_freedom, transform=beyond)
        return [half_normal.KIND.pymc("noise_scale"), degrees]

    def pymc(self, outputs, own):
        import pymc as pm

        return pm.StudentT, {"nu": own[1], "mu": outputs[:, 0], "sigma": own[0]}


IS_DEGREES = np.array([False, True])  # (own number,)


def _scale_and_degrees(own):
    """The scale of the noise and the degrees of freedom, (..., 1) each."""
    return own[..., 0, None], own[..., 1, None]


def _degrees_of_freedom(size):
    """PyMC's distribution of the degrees of freedom."""
    import pymc as pm

    return LEAST + pm.Gamma.dist(SHAPE, RATE, size=size)


KIND = StudentT()
