"""Models for tests, with the likelihood that the outputs of their network ask for."""

import numpy as np
import pytest

from skhbnn.data.rows import group_rows
from skhbnn.density import batches
from skhbnn.density.density import Density
from skhbnn.density.forward import Forward
from skhbnn.model import build
from skhbnn.model.likelihoods import likelihood
from skhbnn.model.pooling import layer_pooling
from skhbnn.posterior.prediction import Predictor


def likelihood_of(network):
    """Bernoulli for one output, else categorical."""
    return "bernoulli" if network.n_outputs == 1 else "categorical"


def flat_model(network, scale, family="normal", likelihood_name=None):
    return build.flat_model(network, likelihood_name or likelihood_of(network), np.asarray(scale), family)


def hierarchical_model(network, scale, pooling, family="normal", group_scale_prior="half_normal", likelihood_name=None):
    name = likelihood_name or likelihood_of(network)
    return build.hierarchical_model(network, name, np.asarray(scale), tuple(pooling), family, group_scale_prior)


def informed_model(network, mean, cholesky, likelihood_name=None):
    return build.informed_model(network, likelihood_name or likelihood_of(network), mean, cholesky)


def random_prior(network, seed=1):
    """A mean (weight,) and a Cholesky factor (weight, weight) with correlations."""
    rng = np.random.default_rng(seed)
    root = rng.normal(size=(network.n_weights, network.n_weights))  # (weight, weight)
    cov = root @ root.T / network.n_weights + 0.1 * np.eye(network.n_weights)  # (weight, weight)
    return 0.5 * rng.normal(size=network.n_weights), np.linalg.cholesky(cov)


def random_rows(sizes, n_features, likelihood_name="bernoulli", n_outputs=1, seed=0, n_classes=None):
    """Rows of groups of these sizes, with targets that the likelihood allows."""
    rng = np.random.default_rng(seed)
    codes = np.repeat(np.arange(len(sizes)), sizes)  # (row,)
    X = rng.normal(size=(len(codes), n_features))  # (row, feature)
    kind = likelihood(likelihood_name).of_classes(n_classes)
    outputs = rng.normal(size=(n_outputs, len(codes)))  # (output, row)
    own = kind.own_from_unconstrained(np.zeros(len(kind.own)))  # (own number,)
    y = kind.draw(rng, outputs, own)  # (row,)
    return group_rows(X, y, codes, [f"group {g}" for g in range(len(sizes))])[0]


FORMS = ("in rows", "in lanes")  # lanes of a vector hold rows of one group, or each lane a group of its own


def in_form(form, density):
    """A density whose compiled kernel has one of the FORMS, whatever is cheaper."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(batches, "_cheaper_in_lanes", lambda sizes: form == "in lanes")
        assert density._batches.in_lanes == (form == "in lanes")  # made now
    return density


def make_density(kind, network, sizes=(4, 1, 5), seed=0, likelihood_name=None, **priors):
    """A density of a flat, hierarchical or informed model on random rows of groups of these sizes."""
    name = likelihood_name or likelihood_of(network)
    data = random_rows(sizes, network.sizes[0], name, network.n_outputs, seed)
    if kind == "informed":
        return Density(informed_model(network, *random_prior(network), likelihood_name=name), data)
    scale = build.layer_scales(network, priors.pop("prior_scale", 0.7))  # (layer,)
    family = priors.pop("family", "normal")
    if kind == "flat":
        return Density(flat_model(network, scale, family, likelihood_name=name), data)
    pooling = layer_pooling(network, priors.pop("pooling", "partial"))
    return Density(hierarchical_model(network, scale, pooling, family, likelihood_name=name, **priors), data)


def predictor(network):
    """What the functions of ``posterior.prediction`` take for weights of a network."""
    return Predictor(Forward(network), likelihood(likelihood_of(network)))
