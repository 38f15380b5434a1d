"""A model given rows: its log density, compiled and in PyMC, and what is asked of it."""
