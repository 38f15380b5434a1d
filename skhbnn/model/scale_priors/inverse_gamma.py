"""InverseGamma(2, 1), whose mean is 1 and whose mode is 1/3."""

import math

from ...kernel.options import inline
from .base import ScalePrior

SHAPE, SCALE = 2.0, 1.0


@inline
def _log_prior(alpha, beta, log_scale, scale):
    return -alpha * log_scale - beta / scale, beta / scale - alpha


class InverseGamma(ScalePrior):
    """InverseGamma(2, 1)."""

    name = "inverse_gamma"
    parameters = (SHAPE, SCALE)
    log_constant = SHAPE * math.log(SCALE) - math.lgamma(SHAPE)
    compiled = staticmethod(_log_prior)

    def pymc(self, name, dims=None):
        import pymc as pm

        return pm.InverseGamma(name, alpha=SHAPE, beta=SCALE, dims=dims)


KIND = InverseGamma()
