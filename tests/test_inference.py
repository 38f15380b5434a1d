"""Draws of the three models against quadrature, and the two routes through nutpie against each other."""

import numpy as np
import pytest
from agreement import assert_moments, moments
from models import flat_model, hierarchical_model, informed_model
from scipy import stats
from scipy.special import expit, roots_hermite
from sklearn.exceptions import NotFittedError

from conftest import quiet_fit
from skhbnn import FlatBNNClassifier
from skhbnn.data.rows import group_rows
from skhbnn.density.density import Density
from skhbnn.inference import nutpie_adapter, pilot
from skhbnn.inference.methods import infer
from skhbnn.inference.trace import Settings
from skhbnn.model.network import Network
from skhbnn.model.terms import Layout
from skhbnn.posterior.from_trace import posterior_from_trace

SLOPE = Network((1, 1), "tanh", False)  # logistic regression through the origin: one weight
LINE = Network((1, 1), "tanh", True)  # logistic regression: slope and intercept

SETTINGS = Settings(inference="nuts", chains=4, tune=500, draws=1500, target_accept=0.9, cores=2, max_iter=1)
SHORT = {"chains": 1, "tune": 30, "draws": 30, "cores": 2, "seed": 3, "target_accept": 0.9, "maxdepth": 10}


def rows(sizes, seed=0):
    rng = np.random.default_rng(seed)
    codes = np.repeat(np.arange(len(sizes)), sizes)  # (row,)
    X = rng.normal(size=(len(codes), 1))  # (row, 1)
    y = (rng.random(len(codes)) < expit(1.5 * X[:, 0] * (1 + codes))).astype(int)  # (row,)
    return group_rows(X, y, codes, [f"group {g}" for g in range(len(sizes))])[0]


def log_likelihood(weights, data, group=0):
    """Of logistic regressions with weights (..., slope[, intercept]) on the rows of one group."""
    part = slice(data.offsets[group], data.offsets[group + 1])
    x, y = data.X[part, 0], data.y[part]  # (row,)
    logits = weights[..., :1] * x  # (..., row)
    if weights.shape[-1] == 2:
        logits = logits + weights[..., 1:]
    return (y * logits - np.logaddexp(0, logits)).sum(axis=-1)


def posterior_of(model, data, seed=1):
    trace = infer(model, data, SETTINGS, seed)
    return posterior_from_trace(Layout(model, data.members), trace, seed)


def assert_agrees(draws, mean, std):
    assert_moments(draws, mean, std, least_ess=400)


def test_flat_posterior_equals_quadrature():
    data = rows([12])
    w = np.linspace(-12, 12, 20001)  # (point,)
    truth = moments(w, log_likelihood(w[:, None], data) + stats.norm(0, 2.5).logpdf(w))
    posterior = posterior_of(flat_model(SLOPE, np.array([2.5])), data)
    assert_agrees(posterior.weights[..., 0, 0], *truth)


def test_informed_posterior_equals_quadrature():
    data = rows([8])
    mean, cov = np.array([1.0, -0.5]), np.array([[1.5, 0.9], [0.9, 1.0]])
    grid = np.linspace(-8, 8, 801)  # (point,)
    w = np.stack(np.meshgrid(grid, grid, indexing="ij"), axis=-1)  # (point, point, weight)
    log_density = log_likelihood(w, data) + stats.multivariate_normal(mean, cov).logpdf(w)
    posterior = posterior_of(informed_model(LINE, mean, np.linalg.cholesky(cov)), data)
    for i in range(2):
        assert_agrees(posterior.weights[..., 0, i], *moments(w[..., i], log_density))


@pytest.mark.parametrize("many_groups", [2, 3])
def test_hierarchical_posterior_equals_quadrature(many_groups, monkeypatch):
    """Given the group mean and scale the groups are independent: two nested integrals. With and without a pilot run."""
    monkeypatch.setattr(pilot, "MANY_GROUPS", many_groups)
    monkeypatch.setattr(pilot, "N_GROUPS", 1)
    data = rows([6, 15])
    mu = np.linspace(-6, 7, 201)[:, None, None]  # (mean, 1, 1)
    sd = np.linspace(0.002, 7, 301)[None, :, None]  # (1, scale, 1)
    nodes, node_weights = roots_hermite(60)
    z, z_weight = np.sqrt(2) * nodes, node_weights / np.sqrt(np.pi)  # (node,)
    w = mu + sd * z  # (mean, scale, node)
    likelihood = [np.exp(log_likelihood(w[..., None], data, g)) for g in range(2)]
    evidence = [(part * z_weight).sum(axis=-1) for part in likelihood]  # (mean, scale)
    log_prior = (stats.norm.logpdf(mu) + stats.halfnorm.logpdf(sd))[..., 0]  # (mean, scale)
    log_density = log_prior + np.log(evidence[0]) + np.log(evidence[1])
    density = np.exp(log_density - log_density.max())
    density /= density.sum()
    posterior = posterior_of(hierarchical_model(SLOPE, np.ones(1), ("partial",)), data)
    assert_agrees(posterior.group_mean[..., 0], *moments(mu[..., 0] + 0 * sd[..., 0], log_density))
    assert_agrees(posterior.group_scale[..., 0], *moments(sd[..., 0] + 0 * mu[..., 0], log_density))
    for g in range(2):
        first, second = (((likelihood[g] * z_weight * w**k).sum(axis=-1) / evidence[g] * density).sum() for k in (1, 2))
        assert_agrees(posterior.weights[..., g, 0], first, np.sqrt(second - first**2))


def test_both_nutpie_routes_give_the_same_draws():
    model = hierarchical_model(Network((1, 2, 1), "tanh", True), np.ones(2), ("partial",) * 2)
    density = Density(model, rows([5, 9]))
    settings = {**SHORT, "chains": 2}
    assert nutpie_adapter.has_callback_route()
    compiled, compiled_statistics = nutpie_adapter.run(density, route="c", **settings)
    python, python_statistics = nutpie_adapter.run(density, route="python", **settings)
    np.testing.assert_array_equal(compiled, python)
    for one, other in zip(compiled_statistics, python_statistics, strict=True):
        np.testing.assert_array_equal(one["n_steps"], other["n_steps"])


def test_route_falls_back_where_the_internals_are_missing(monkeypatch):
    density = Density(flat_model(SLOPE, np.ones(1)), rows([9]))
    settings = SHORT
    expected, _ = nutpie_adapter.run(density, **settings)
    monkeypatch.delattr(nutpie_adapter.nutpie._lib, "LogpFunc")
    assert not nutpie_adapter.has_callback_route()
    np.testing.assert_array_equal(nutpie_adapter.run(density, **settings)[0], expected)


def test_a_density_without_a_finite_start_is_an_error():
    data = rows([5])
    data.X[:] = np.nan
    with pytest.raises(RuntimeError):
        posterior_of(flat_model(SLOPE, np.ones(1)), data)


def test_a_failed_fit_leaves_the_estimator_unfitted(monkeypatch):
    X, y = np.arange(10.0)[:, None], np.arange(10) % 2  # (row, 1), (row,)
    classifier = quiet_fit(FlatBNNClassifier((), chains=1, tune=20, draws=20, random_state=0), X, y)
    monkeypatch.setattr(Density, "initial_point", lambda self, seed: np.full(self.n_dim, np.nan))
    with pytest.raises(RuntimeError):
        classifier.fit(X, y)
    with pytest.raises(NotFittedError):
        classifier.predict(X)
