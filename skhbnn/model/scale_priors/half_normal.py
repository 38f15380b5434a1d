"""HalfNormal(1)."""

import math

from ...kernel.options import inline
from .base import ScalePrior


@inline
def log_prior(sigma, unused, log_scale, scale):
    """Log density of the logarithm of a scale, without the constant, and the derivative in the logarithm."""
    u = scale / sigma
    return log_scale - 0.5 * u * u, 1.0 - u * u


class HalfNormal(ScalePrior):
    """The upper half of Normal(0, 1)."""

    name = "half_normal"
    parameters = (1.0, 0.0)
    log_constant = 0.5 * math.log(2 / math.pi)
    compiled = staticmethod(log_prior)

    def pymc(self, name, dims=None):
        import pymc as pm

        return pm.HalfNormal(name, self.parameters[0], dims=dims)


KIND = HalfNormal()
