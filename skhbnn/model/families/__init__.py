"""Families of the priors of weights, a module each: the compiled part, the formulas, and PyMC's form.

A family is known by its name here, and nowhere else.
"""

from ..registry import registry

NAMES = ("normal", "laplace", "student_t", "cauchy")
family = registry(__name__, NAMES)
