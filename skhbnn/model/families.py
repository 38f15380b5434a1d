"""The families of priors: their names, their unconstrained forms, their constants, and draws from them.

A weight of the normal family with scale s is itself the unconstrained v. The others are smooth functions of v, chosen
so that v has neither a kink nor heavy tails, which NUTS pays for with short steps:

- Laplace: w = s · sign(v) (|v| + v²/2). Then log p(v) = -log 2 - |v| - v²/2 + log(1 + |v|), whose kinks at 0 cancel.
- Student's t with nu degrees of freedom, the Cauchy with one: w = s · sqrt(nu) · sinh(v). Then p(v) is proportional to
  cosh(v)^-nu.
"""

import math

import numpy as np
from scipy.special import gammaln

WEIGHT_PRIORS = ("normal", "laplace", "student_t", "cauchy")
DEGREES_OF_FREEDOM = {"student_t": 4.0, "cauchy": 1.0}
STANDARD_VARIANCE = {"normal": 1.0, "laplace": 2.0, "student_t": 2.0, "cauchy": math.inf}  # at scale 1

GROUP_SCALE_PRIORS = ("half_normal", "half_cauchy", "inverse_gamma")
HALF_SCALE = 1.0  # of the half-normal and the half-Cauchy
INVERSE_GAMMA = (2.0, 1.0)  # shape and scale: mean 1, mode 1/3


def log_constant(weight_prior):
    """Logarithm of the density at v = 0 of a weight prior with scale 1."""
    if weight_prior == "normal":
        return -0.5 * math.log(2 * math.pi)
    if weight_prior == "laplace":
        return -math.log(2)
    nu = DEGREES_OF_FREEDOM[weight_prior]
    return float(gammaln((nu + 1) / 2) - gammaln(nu / 2)) - 0.5 * math.log(math.pi)


def to_unconstrained(weight_prior, scale, w):
    """The v of weights w with a prior of that scale."""
    if weight_prior == "normal":
        return w
    if weight_prior == "laplace":
        return np.sign(w) * (np.sqrt(1 + 2 * np.abs(w) / scale) - 1)
    return np.arcsinh(w / (scale * math.sqrt(DEGREES_OF_FREEDOM[weight_prior])))


def from_unconstrained(weight_prior, scale, v):
    """The weights of unconstrained v under a prior of that scale."""
    if weight_prior == "normal":
        return v
    if weight_prior == "laplace":
        return scale * np.sign(v) * (np.abs(v) + 0.5 * v**2)
    return scale * math.sqrt(DEGREES_OF_FREEDOM[weight_prior]) * np.sinh(v)


def slope(weight_prior, scale, v):
    """Derivative of ``from_unconstrained`` with respect to v."""
    if weight_prior == "normal":
        return np.ones_like(v)
    if weight_prior == "laplace":
        return scale * (1 + np.abs(v))
    return scale * math.sqrt(DEGREES_OF_FREEDOM[weight_prior]) * np.cosh(v)


def group_scale_log_constant(group_scale_prior):
    """Logarithm of the constant factor of a group-scale density."""
    if group_scale_prior == "half_normal":
        return 0.5 * math.log(2 / math.pi) - math.log(HALF_SCALE)
    if group_scale_prior == "half_cauchy":
        return math.log(2 / (math.pi * HALF_SCALE))
    shape, scale = INVERSE_GAMMA
    return shape * math.log(scale) - math.lgamma(shape)


def standard_draws(weight_prior, rng, shape):
    """Draws from a weight prior with scale 1, float32."""
    if weight_prior == "normal":
        return rng.standard_normal(shape, dtype=np.float32)
    if weight_prior == "laplace":
        return rng.laplace(size=shape).astype(np.float32)
    return rng.standard_t(DEGREES_OF_FREEDOM[weight_prior], size=shape).astype(np.float32)
