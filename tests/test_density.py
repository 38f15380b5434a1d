"""The compiled density against the PyMC models, finite differences and plain NumPy."""

import numpy as np
import pytest
from scipy import stats

from skhbnn.data import group_rows
from skhbnn.model.density import Density
from skhbnn.model.network import Network
from skhbnn.model.priors import FlatModel, HierarchicalModel, InformedModel, weight_scales

SIZES = {"flat": [17], "hierarchical": [1, 70, 9], "informed": [130]}  # rows; 64 are worked on at once


def make_density(kind, network, scale=0.7, seed=0):
    rng = np.random.default_rng(seed)
    sizes = SIZES[kind]
    codes = np.repeat(np.arange(len(sizes)), sizes)  # (row,)
    X = rng.normal(size=(len(codes), network.sizes[0]))  # (row, feature)
    y = rng.integers(0, max(2, network.n_logits), len(codes))  # (row,)
    data, _ = group_rows(X, y, codes, [f"group {g}" for g in range(len(sizes))])
    if kind == "flat":
        model = FlatModel(network, weight_scales(network, scale))
    elif kind == "hierarchical":
        model = HierarchicalModel(network, weight_scales(network, scale), group_scale=1.3)
    else:
        root = rng.normal(size=(network.n_weights, network.n_weights))  # (weight, weight)
        cov = root @ root.T / network.n_weights + 0.1 * np.eye(network.n_weights)  # (weight, weight)
        mean = 0.5 * rng.normal(size=network.n_weights)  # (weight,)
        model = InformedModel(network, mean, np.linalg.cholesky(cov))
    return Density(model, data)


def pymc_point(density, x):
    """The unconstrained vector under the names of the PyMC model's value variables."""
    network, n_groups = density.model.network, density.data.n_groups
    n = network.n_weights
    if isinstance(density.model, InformedModel):
        return {"z": x}
    flat = isinstance(density.model, FlatModel)
    point = {}
    if not flat:
        point["group_scale_log__"] = x[n : n + len(network.layers)]
        z = x[n + len(network.layers) :].reshape(n_groups, n)  # (group, weight)
    for index, layer in enumerate(network.layers):
        parts = [(f"coef_{index}", layer.kernel, (layer.n_in, layer.n_out))]
        if network.fit_intercept:
            parts.append((f"intercept_{index}", layer.intercept, (layer.n_out,)))
        for name, part, shape in parts:
            point[name if flat else f"{name}_mean"] = x[:n][part].reshape(shape)
            if not flat:
                point[f"{name}_z"] = z[:, part].reshape(n_groups, *shape)
    return point


def flatten_gradient(model, density, gradient):
    """PyMC's joined gradient in the order of the unconstrained vector."""
    # The mapping from vector to point moves numbers and changes none: applied to positions, it tells where each goes.
    where = pymc_point(density, np.arange(density.n_dim))
    positions = np.concatenate([np.ravel(where[value.name]) for value in model.value_vars])  # (n_dim,)
    ordered = np.empty(density.n_dim)  # (n_dim,)
    ordered[positions] = gradient
    return ordered


@pytest.mark.parametrize("kind", ["flat", "hierarchical", "informed"])
@pytest.mark.parametrize("activation", ["tanh", "relu", "logistic", "identity"])
@pytest.mark.parametrize("n_logits", [1, 3])
@pytest.mark.parametrize("fit_intercept", [True, False])
def test_density_and_gradient_equal_pymc(kind, activation, n_logits, fit_intercept):
    from skhbnn.model.pymc_model import build_model

    network = Network((3, 4, 2, n_logits), activation, fit_intercept)
    density = make_density(kind, network)
    model = build_model(density.model, density.data)
    # Interpreted: compiling each model takes longer than all its evaluations.
    logp = model.compile_logp(mode="FAST_COMPILE")
    gradient = model.compile_dlogp(mode="FAST_COMPILE")
    rng = np.random.default_rng(1)
    for _ in range(3):
        # Moderate logits: PyMC takes log(1 - p) of the rounded p, which loses digits where p is near 1.
        x = 0.5 * rng.normal(size=density.n_dim)  # (n_dim,)
        point = pymc_point(density, x)
        value, grad = density.logp_grad(x)
        np.testing.assert_allclose(value, logp(point), rtol=1e-10)
        np.testing.assert_allclose(grad, flatten_gradient(model, density, gradient(point)), rtol=1e-8, atol=1e-9)


@pytest.mark.parametrize("kind", ["flat", "hierarchical", "informed"])
@pytest.mark.parametrize("hidden", [(), (3,), (5, 4, 3)])
@pytest.mark.parametrize("n_logits", [1, 11])
def test_gradient_equals_finite_differences(kind, hidden, n_logits):
    density = make_density(kind, Network((2, *hidden, n_logits), "tanh", True), seed=2)
    x = np.random.default_rng(3).normal(size=density.n_dim)  # (n_dim,)
    step = 1e-5
    numeric = [
        (density.logp_grad(x + step * unit)[0] - density.logp_grad(x - step * unit)[0]) / (2 * step)
        for unit in np.eye(density.n_dim)
    ]
    np.testing.assert_allclose(density.logp_grad(x)[1], numeric, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("n_logits", [1, 4])
def test_log_likelihood_equals_a_loop_over_rows(n_logits):
    """The kernel's blocks, products and padding against the textbook formula, a row at a time."""
    network = Network((2, 3, n_logits), "logistic", True)
    density = make_density("hierarchical", network, seed=4)
    x = np.random.default_rng(5).normal(size=density.n_dim)  # (n_dim,)
    n, data = network.n_weights, density.data
    mu, log_sd, z = x[:n], x[n : n + 2], x[n + 2 :].reshape(data.n_groups, n)
    sd = np.exp(log_sd)  # (layer,)
    expected = stats.norm(0, 0.7).logpdf(mu).sum() + stats.norm.logpdf(z).sum()
    expected += (stats.halfnorm(scale=1.3).logpdf(sd) + log_sd).sum()
    for row, (inputs, code) in enumerate(zip(data.X, data.y, strict=True)):
        g = np.searchsorted(data.offsets, row, side="right") - 1
        w = mu + sd[[0] * 9 + [1] * (n - 9)] * z[g]  # (weight,): 2 * 3 + 3 in the first layer
        h = 1 / (1 + np.exp(-(inputs @ w[:6].reshape(2, 3) + w[6:9])))  # (unit,)
        logits = h @ w[9 : 9 + 3 * n_logits].reshape(3, n_logits) + w[9 + 3 * n_logits :]  # (logit,)
        if n_logits == 1:
            logits = np.array([0, logits[0]])  # (class,)
        expected += logits[code] - np.log(np.exp(logits).sum())
    np.testing.assert_allclose(density.logp_grad(x)[0], expected, rtol=1e-12)


def test_an_overflowing_point_is_not_finite():
    """Far out the density must say so, or the sampler would not see a divergence."""
    density = make_density("hierarchical", Network((2, 3, 1), "tanh", True))
    x = np.zeros(density.n_dim)  # (n_dim,)
    x[0] = 1e200
    assert not np.isfinite(density.logp_grad(x)[0])
    x[0] = np.nan
    assert not np.isfinite(density.logp_grad(x)[0])


def test_elementary_functions_equal_numpy():
    from numba import njit

    from skhbnn.model import lanes

    @njit
    def run(function, x):
        if function == 0:
            lanes.exp_rows(x, x.size)
        elif function == 1:
            lanes.tanh_rows(x, x.size)
        else:
            lanes.logistic_rows(x, x.size)
        return x

    x = -np.concatenate([np.linspace(0, 40, 4000), np.geomspace(1e-300, 700, 2000)])  # (point,), whole vectors
    both = np.concatenate([x, -x])  # (point,)
    np.testing.assert_allclose(run(0, x.copy()), np.exp(x), rtol=5e-16)
    np.testing.assert_allclose(run(1, both.copy()), np.tanh(both), rtol=0, atol=5e-16)
    np.testing.assert_allclose(run(2, both.copy()), 1 / (1 + np.exp(-both)), rtol=6e-16)
