"""The log density of a model given rows, compiled and in PyMC, and what is computed from the density."""
