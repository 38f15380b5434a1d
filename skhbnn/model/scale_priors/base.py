"""The base of the priors of learned scales: all that a prior must define."""

from collections.abc import Callable


class ScalePrior:
    """A prior of a positive scale, whose logarithm the sampler sees.

    Attributes
    ----------
    name : str
    parameters : tuple of two floats
        What the compiled function is given; the second is 0 where one is enough.
    log_constant : float
        Logarithm of the constant factor of the density.
    compiled : callable
        Compiled function of the two parameters, the logarithm of a scale and the scale: the log density of the
        logarithm, Jacobian included, without the constant, and the derivative in the logarithm.
    """

    name: str
    parameters: tuple
    log_constant: float
    compiled: Callable

    def pymc(self, name, dims):
        """The PyMC variable of scales, in the model of the context."""
        raise NotImplementedError
