"""The Laplace family: w = scale · sign(v) (|v| + v²/2).

Then log p(v) = -log 2 - |v| - v²/2 + log(1 + |v|), whose kinks at 0 cancel.
"""

import math

import numpy as np

from ...kernel.options import inline
from .base import Family

OVERFLOW = 1e100  # a product beyond it becomes a logarithm


@inline
def _prior(shape, v, scale, grad, value, slope):
    s, product = 0.0, 1.0
    for i in range(v.size):
        a = abs(v[i])
        s += a + 0.5 * a * a
        product *= 1.0 + a
        if product > OVERFLOW:
            s -= math.log(product)
            product = 1.0
        grad[i] -= math.copysign(a * (a + 2.0) / (1.0 + a), v[i])
        value[i] = math.copysign(scale[i] * (a + 0.5 * a * a), v[i])
        slope[i] = scale[i] * (1.0 + a)
    return math.log(product) - s


class Laplace(Family):
    """Laplace(0, scale)."""

    name = "laplace"
    variance = 2.0
    compiled = staticmethod(_prior)

    def log_constant(self, scale):
        return np.full(len(scale), -math.log(2))

    def from_unconstrained(self, v, scale, xp=np):
        return scale * xp.sign(v) * (xp.abs(v) + 0.5 * v**2)

    def to_unconstrained(self, w, scale, xp=np):
        return xp.sign(w) * (xp.sqrt(1 + 2 * xp.abs(w) / scale) - 1)

    def slope(self, v, scale, xp=np):
        return scale * (1 + xp.abs(v))

    def draw(self, rng, shape):
        return rng.laplace(size=shape).astype(np.float32)

    def pymc(self, name, scale, dims):
        import pymc as pm

        from .transform import Unconstrained

        return pm.Laplace(name, 0, scale, dims=dims, default_transform=Unconstrained(self, scale))


KIND = Laplace()
