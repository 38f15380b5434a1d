"""The compiled parts of all priors of scales as one function."""

from ...kernel.options import folded
from . import NAMES
from . import scale_prior as prior

FUNCTIONS = [prior(name).compiled for name in NAMES]
scale_prior = folded(FUNCTIONS)


def number(prior):
    """The position of the compiled function of a prior, the first argument of ``scale_prior``."""
    return FUNCTIONS.index(prior.compiled)
