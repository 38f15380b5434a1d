"""The normal family: a weight is itself the unconstrained v."""

import math

import numpy as np

from ...kernel.options import inline
from .base import Family


@inline
def _prior(shape, v, scale, grad, value, slope):
    s = 0.0
    for i in range(v.size):
        u = v[i] / scale[i]
        s += u * u
        grad[i] -= u / scale[i]
        value[i] = v[i]
        slope[i] = 1.0
    return -0.5 * s


class Normal(Family):
    """Normal(0, scale²)."""

    name = "normal"
    variance = 1.0
    compiled = staticmethod(_prior)

    def log_constant(self, scale):
        return -0.5 * math.log(2 * math.pi) - np.log(scale)

    def from_unconstrained(self, v, scale, xp=np):
        return v

    def to_unconstrained(self, w, scale, xp=np):
        return w

    def slope(self, v, scale, xp=np):
        return xp.ones_like(v)

    def draw(self, rng, shape):
        return rng.standard_normal(shape, dtype=np.float32)

    def pymc(self, name, scale, dims):
        import pymc as pm

        return pm.Normal(name, 0, scale, dims=dims)


KIND = Normal()
