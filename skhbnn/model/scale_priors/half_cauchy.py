"""HalfCauchy(1)."""

import math

from ...kernel.options import inline
from .base import ScalePrior


@inline
def _log_prior(beta, unused, log_scale, scale):
    u = scale / beta
    return log_scale - math.log(1.0 + u * u), 1.0 - 2.0 * u * u / (1.0 + u * u)


class HalfCauchy(ScalePrior):
    """The upper half of Cauchy(0, 1)."""

    name = "half_cauchy"
    parameters = (1.0, 0.0)
    log_constant = math.log(2 / math.pi)
    compiled = staticmethod(_log_prior)

    def pymc(self, name, dims=None):
        import pymc as pm

        return pm.HalfCauchy(name, self.parameters[0], dims=dims)


KIND = HalfCauchy()
