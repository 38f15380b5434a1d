"""Random intercepts of the labels of columns: the density, and estimators with them."""

from dataclasses import replace

import numpy as np
import pytest
from agreement import assert_equals_pymc, assert_gradient_is_right
from models import FORMS, in_form, random_rows

from skhbnn.density.density import Density
from skhbnn.model import likelihoods
from skhbnn.model.build import flat_model, hierarchical_model
from skhbnn.model.network import Network

N_LABELS = {"item": 4, "day": 3}
SIZES = [4, 1, 70, 9]  # rows of groups


def crossed_density(likelihood_name, group_scale_prior="half_normal", weighted=False, grouped=True, seed=0):
    """A density with two columns of random intercepts."""
    n_outputs = 3 if likelihood_name == "categorical" else 1
    n_classes = 4 if likelihood_name == "ordinal" else None
    network, scale = Network((2, 3, n_outputs), "tanh", True), np.ones(2)  # (layer,)
    rows = random_rows(SIZES if grouped else [130], 2, likelihood_name, n_outputs, seed, n_classes)
    rng = np.random.default_rng(seed)
    rows = replace(
        rows,
        weights=rng.integers(1, 4, len(rows.y)).astype(float) if weighted else rows.weights,
        intercept_labels=[list(range(n)) for n in N_LABELS.values()],
        intercept_codes=np.stack([rng.integers(0, n, len(rows.y)) for n in N_LABELS.values()], axis=1),
    )
    arguments = {"n_classes": n_classes, "intercepts": N_LABELS}
    if grouped:
        prior = {"group_scale_prior": group_scale_prior}
        model = hierarchical_model(network, likelihood_name, scale, ("complete", "partial"), **prior, **arguments)
    else:
        model = flat_model(network, likelihood_name, scale, **arguments)
    return Density(model, rows)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("likelihood_name", likelihoods.NAMES)
def test_density_and_gradient_equal_pymc(likelihood_name, form):
    density = in_form(form, crossed_density(likelihood_name))
    assert_equals_pymc(density, fused=True, n_points=1)
    assert_equals_pymc(density, fused=False, n_points=1)


@pytest.mark.parametrize("group_scale_prior", ["inverse_gamma", 0.6])
def test_weighted_densities_of_any_scale_equal_pymc(group_scale_prior):
    density = crossed_density("bernoulli", group_scale_prior, weighted=True)
    for fused in (True, False):
        assert_equals_pymc(density, fused)


@pytest.mark.parametrize("fused", [True, False])
def test_flat_densities_equal_pymc(fused):
    assert_equals_pymc(crossed_density("categorical", grouped=False), fused)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("likelihood_name", likelihoods.NAMES)
def test_gradient_equals_finite_differences(likelihood_name, form):
    density = in_form(form, crossed_density(likelihood_name, weighted=True))
    assert_gradient_is_right(density, 0.5 * np.random.default_rng(3).normal(size=density.n_dim))
