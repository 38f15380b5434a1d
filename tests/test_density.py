"""The compiled density against the PyMC models, finite differences and plain NumPy."""

from itertools import combinations, product

import numpy as np
import pytest
import reference
from agreement import assert_equals_pymc
from models import FORMS, in_form, make_density
from scipy import stats

from skhbnn.model.network import Network

SIZES = {"flat": [17], "hierarchical": [1, 70, 9], "informed": [130]}  # rows; 64 are worked on at once
CHOICES = {
    "activation": ["tanh", "relu", "logistic", "identity"],
    "n_outputs": [1, 3],
    "fit_intercept": [True, False],
    "family": ["normal", "laplace", "student_t", "cauchy"],
    "prior_scale": [0.7, [0.4, 1.3], "fan_in"],
    "group_scale_prior": ["half_normal", "half_cauchy", "inverse_gamma", 0.6],
    "pooling": list(product(["partial", "complete", "none", "affine"], ["partial", "complete", "none"])),
}
KINDS = {  # what each model can choose
    "flat": ["activation", "n_outputs", "fit_intercept", "family", "prior_scale"],
    "hierarchical": list(CHOICES),
    "informed": ["activation", "n_outputs", "fit_intercept"],
}
GRID = [
    (kind, dict(zip(names, values, strict=True)))
    for kind, names in KINDS.items()
    for values in product(*(CHOICES[name] for name in names))
]


def covering(grid):
    """A small part of the grid in which every pair of choices of a model meets."""
    pairs = [{(kind, *map(str, pair)) for pair in combinations(choice.items(), 2)} for kind, choice in grid]
    missing, chosen = set().union(*pairs), []
    while missing:
        best = max(range(len(grid)), key=lambda index: len(pairs[index] & missing))
        missing -= pairs[best]
        chosen.append(grid[best])
    return chosen


def density_of(kind, choice):
    """A small density of one point of the grid."""
    priors = {**choice}
    network = Network((2, 3, priors.pop("n_outputs")), priors.pop("activation"), priors.pop("fit_intercept"))
    return make_density(kind, network, [4, 1, 5] if kind == "hierarchical" else [7], **priors)


@pytest.mark.parametrize("fused", [True, False])
def test_density_and_gradient_equal_pymc(fused, full_grid):
    """Every pair of choices meets; ``pytest --full-grid`` takes all combinations, which takes an hour."""
    for kind, choice in (GRID if full_grid else covering(GRID))[fused::2]:
        try:
            assert_equals_pymc(density_of(kind, choice), fused)
        except AssertionError as error:
            raise AssertionError(f"{kind} {choice}") from error


@pytest.mark.parametrize("kind", ["flat", "hierarchical", "informed"])
@pytest.mark.parametrize("fused", [True, False])
@pytest.mark.parametrize("form", FORMS)
def test_densities_of_many_rows_equal_pymc(kind, fused, form):
    """More rows than are worked on at once, two hidden layers."""
    assert_equals_pymc(in_form(form, make_density(kind, Network((3, 4, 2, 3), "tanh", True), SIZES[kind])), fused)


@pytest.mark.parametrize("form", FORMS)
def test_density_and_gradient_equal_numpy_over_the_whole_grid(form):
    rng = np.random.default_rng(2)
    for kind, choice in GRID:
        if kind == "informed":
            continue
        density = in_form(form, density_of(kind, choice))
        x = 0.5 * rng.normal(size=density.n_dim)  # (n_dim,)
        value, gradient = density.logp_grad(x)
        context = f"{kind} {choice}"
        np.testing.assert_allclose(
            value, reference.log_density(density.model, density.data, x), rtol=1e-11, err_msg=context
        )
        np.testing.assert_allclose(
            gradient, reference.gradient(density.model, density.data, x), rtol=1e-9, atol=1e-10, err_msg=context
        )


@pytest.mark.parametrize("kind", ["flat", "hierarchical", "informed"])
@pytest.mark.parametrize("hidden", [(), (3,), (5, 4, 3)])
@pytest.mark.parametrize("n_outputs", [1, 11])
@pytest.mark.parametrize("form", FORMS)
def test_gradient_equals_finite_differences(kind, hidden, n_outputs, form):
    density = in_form(form, make_density(kind, Network((2, *hidden, n_outputs), "tanh", True), SIZES[kind], seed=2))
    x = np.random.default_rng(3).normal(size=density.n_dim)  # (n_dim,)
    step = 1e-5
    numeric = [
        (density.logp_grad(x + step * unit)[0] - density.logp_grad(x - step * unit)[0]) / (2 * step)
        for unit in np.eye(density.n_dim)
    ]
    np.testing.assert_allclose(density.logp_grad(x)[1], numeric, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("n_outputs", [1, 4])
@pytest.mark.parametrize("form", FORMS)
def test_log_likelihood_equals_a_loop_over_rows(n_outputs, form):
    """The kernel's blocks, products and padding against the textbook formula, a row at a time."""
    network = Network((2, 3, n_outputs), "logistic", True)
    density = in_form(form, make_density("hierarchical", network, SIZES["hierarchical"], seed=4))
    x = np.random.default_rng(5).normal(size=density.n_dim)  # (n_dim,)
    n, data = network.n_weights, density.data
    mu, log_sd, z = x[:n], x[n : n + 4], x[n + 4 :].reshape(data.n_groups, n)
    sd = np.exp(log_sd)  # (part,): matrix and intercepts of two layers
    expected = stats.norm(0, 0.7).logpdf(mu).sum() + stats.norm.logpdf(z).sum()
    expected += (stats.halfnorm.logpdf(sd) + log_sd).sum()
    for row, (inputs, code) in enumerate(zip(data.X, data.y, strict=True)):
        g = np.searchsorted(data.offsets, row, side="right") - 1
        w = mu + np.repeat(sd, [6, 3, 3 * n_outputs, n_outputs]) * z[g]  # (weight,)
        h = 1 / (1 + np.exp(-(inputs @ w[:6].reshape(2, 3) + w[6:9])))  # (unit,)
        logits = h @ w[9 : 9 + 3 * n_outputs].reshape(3, n_outputs) + w[9 + 3 * n_outputs :]  # (logit,)
        if n_outputs == 1:
            logits = np.array([0, logits[0]])  # (class,)
        expected += logits[code] - np.log(np.exp(logits).sum())
    np.testing.assert_allclose(density.logp_grad(x)[0], expected, rtol=1e-12)


@pytest.mark.parametrize("form", FORMS)
def test_an_overflowing_point_is_not_finite(form):
    """Far out the density must say so, or the sampler would not see a divergence."""
    density = in_form(form, make_density("hierarchical", Network((2, 3, 1), "tanh", True), SIZES["hierarchical"]))
    x = np.zeros(density.n_dim)  # (n_dim,)
    x[0] = 1e200
    assert not np.isfinite(density.logp_grad(x)[0])
    x[0] = np.nan
    assert not np.isfinite(density.logp_grad(x)[0])
