"""The compiled parts of all families as one function."""

from ...kernel.options import folded
from . import NAMES, family

FUNCTIONS = list(dict.fromkeys(family(name).compiled for name in NAMES))  # Cauchy's is Student's t's
weight_prior = folded(FUNCTIONS)


def number(family):
    """The position of the compiled function of a family, the first argument of ``weight_prior``."""
    return FUNCTIONS.index(family.compiled)
