"""A model as data: network, likelihood, family of priors and terms."""
