"""Network, priors, compiled density, and the same models in PyMC."""
