"""The unconstrained form of a family as a transform of PyMC."""

import pytensor.tensor as pt
from pymc.logprob.transforms import Transform


class Unconstrained(Transform):
    """A transform of PyMC from weights to the unconstrained v that the sampler sees, and back.

    Parameters
    ----------
    family : Family
    scale : float or ndarray
        Scale of the prior of the weights.
    """

    name = "unconstrained"

    def __init__(self, family, scale):
        self.family, self.scale = family, scale

    def forward(self, value, *inputs):
        """Unconstrained v of weights."""
        return self.family.to_unconstrained(value, self.scale, pt)

    def backward(self, value, *inputs):
        """Weights of unconstrained v."""
        return self.family.from_unconstrained(value, self.scale, pt)

    def log_jac_det(self, value, *inputs):
        """Logarithms of the derivatives of the weights in v."""
        return pt.log(self.family.slope(value, self.scale, pt))
