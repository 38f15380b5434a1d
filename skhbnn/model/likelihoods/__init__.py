"""Likelihoods, a module each: the compiled part, the formulas, and PyMC's form.

A likelihood is known by its name here, and nowhere else.
"""

from ..registry import registry

OF_NUMBERS = ("normal", "student_t", "poisson", "negative_binomial")
NAMES = ("bernoulli", "categorical", "ordinal", *OF_NUMBERS)
likelihood = registry(__name__, NAMES)


def likelihood_of_classes(n_classes):
    """The name of the likelihood of so many classes without an order."""
    return "bernoulli" if n_classes == 2 else "categorical"
