"""Priors of learned scales, a module each. A prior is known by its name here, and nowhere else."""

from ..registry import registry

NAMES = ("half_normal", "half_cauchy", "inverse_gamma")
scale_prior = registry(__name__, NAMES)
