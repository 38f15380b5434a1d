"""The base of the families of priors: all that a family must define."""

from collections.abc import Callable

import numpy as np


class Family:
    """A family of prior distributions around 0, in a form that suits the sampler.

    A weight w = from_unconstrained(v, scale) is a smooth function of the unconstrained v, chosen so that v has neither
    a kink nor heavy tails, which NUTS pays for with short steps. Formulas take an array namespace ``xp``, NumPy or
    PyTensor, and serve both.

    Attributes
    ----------
    name : str
    variance : float
        Variance at scale 1.
    shape : float
        Degrees of freedom, where the family has them.
    compiled : callable
        Compiled function of shape, v, scale, gradient, values and slopes, (coordinate,) each: adds the gradient of the
        log density of v, writes the values and their derivatives in v, which are padded to whole vectors, and returns
        the log density without its constants.
    """

    name: str
    variance: float
    shape = 0.0
    compiled: Callable

    def log_constant(self, scale):
        """Logarithms of the density of v at 0 under each of some scales, (coordinate,)."""
        raise NotImplementedError

    def from_unconstrained(self, v, scale, xp=np):
        """Weights made of unconstrained v, under a prior of the scale given."""
        raise NotImplementedError

    def to_unconstrained(self, w, scale, xp=np):
        """Unconstrained v of weights, under a prior of the scale given."""
        raise NotImplementedError

    def slope(self, v, scale, xp=np):
        """Derivatives of ``from_unconstrained`` in v."""
        raise NotImplementedError

    def draw(self, rng, shape):
        """Draws of weights at scale 1, a float32 array of the shape given."""
        raise NotImplementedError

    def pymc(self, name, scale, dims):
        """The PyMC variable of weights with the scale given, in the model of the context."""
        raise NotImplementedError
