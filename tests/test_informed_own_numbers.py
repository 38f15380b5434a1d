"""An informed prior of the likelihood's own numbers: the scale of the noise, cutpoints, and the like."""

import numpy as np
import pytest
from models import informed_model, random_prior, random_rows
from scipy.optimize import approx_fprime
from scipy.stats import multivariate_normal

import skhbnn
from conftest import quiet_fit
from skhbnn import (
    FlatBNNRegressor,
    HierarchicalBNNClassifier,
    HierarchicalBNNRegressor,
    InformedPriorBNNClassifier,
    InformedPriorBNNRegressor,
)
from skhbnn.density.curvature import laplace_approximation
from skhbnn.density.density import Density
from skhbnn.density.pymc_model import build_model, unconstrained
from skhbnn.model import build
from skhbnn.model.likelihoods import likelihood
from skhbnn.model.network import Network
from skhbnn.model.terms import Layout
from skhbnn.model.weights import group_weights
from skhbnn.posterior.group_prior import location_draws

N_CLASSES = 4
KINDS = ["normal", "student_t", "negative_binomial", "ordinal"]
NETWORK = Network((2, 3, 1), "tanh", True)


def density_of(name, seed=0):
    """Density of a network under an informed prior of weights and own numbers, the mean, and the Cholesky factor."""
    n_classes = N_CLASSES if name == "ordinal" else None
    kind, rng = likelihood(name).of_classes(n_classes), np.random.default_rng(seed)
    n = NETWORK.n_weights + len(kind.own)
    root = rng.normal(size=(n, n))  # (entry, entry)
    factor = np.linalg.cholesky(root @ root.T / n + 0.1 * np.eye(n))  # (entry, entry)
    mean = 0.5 * rng.normal(size=n)  # (entry,)
    data = random_rows((9,), 2, name, n_classes=n_classes, seed=seed)
    model = build.informed_model(NETWORK, name, mean, factor, n_classes)
    return Density(model, data), mean, factor


@pytest.mark.parametrize("name", KINDS)
def test_density_is_the_formula(name):
    """Weights and own numbers are mean + L z with a standard normal z; the own prior of the likelihood is gone."""
    density, mean, factor = density_of(name)
    kind, data = density.model.likelihood, density.data
    assert density.n_dim == len(mean)
    rng = np.random.default_rng(3)
    for _ in range(3):
        z = 0.5 * rng.normal(size=len(mean))  # (entry,)
        entries = mean + factor @ z
        own = kind.own_from_unconstrained(entries[NETWORK.n_weights :])  # (own number,)
        w = entries[: NETWORK.n_weights]
        hidden = np.tanh(data.X @ w[:6].reshape(2, 3) + w[6:9])  # (row, unit)
        outputs = (hidden @ w[9:12] + w[12])[None]  # (output, row)
        expected = multivariate_normal(np.zeros(len(z))).logpdf(z)
        expected += data.weights @ kind.log_likelihood(outputs, data.y, own)
        value, gradient = density.logp_grad(z)
        np.testing.assert_allclose(value, expected, rtol=1e-10)
        numeric = approx_fprime(z, lambda at: density.logp_grad(at)[0], 1e-6)
        np.testing.assert_allclose(gradient, numeric, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("name", KINDS)
def test_density_is_that_of_pymc(name):
    density, mean, _ = density_of(name)
    pymc_model = build_model(density.model, density.data)
    assert [variable.name for variable in pymc_model.free_RVs] == ["z"]
    assert set(density.model.likelihood.own_dims) <= {variable.name for variable in pymc_model.deterministics}
    logp, dlogp = pymc_model.compile_logp(mode="FAST_COMPILE"), pymc_model.compile_dlogp(mode="FAST_COMPILE")
    z = 0.3 * np.random.default_rng(4).normal(size=len(mean))  # (entry,)
    value, gradient = density.logp_grad(z)
    np.testing.assert_allclose(value, logp({"z": z}), rtol=1e-8)
    np.testing.assert_allclose(gradient, dlogp({"z": z}), rtol=1e-8, atol=1e-8)
    x = unconstrained(density.layout, {"z": z[None, None]})  # (1, 1, entry)
    np.testing.assert_array_equal(x[0, 0], z)


@pytest.mark.parametrize("name", KINDS)
def test_tangent_has_the_own_numbers(name):
    """The Gauss-Newton precision without rows is the identity, and with rows J' I J more, own numbers included."""
    density, mean, factor = density_of(name)
    z = np.zeros(len(mean))  # (entry,)
    found = laplace_approximation(density, z).shared  # (entry, entry)
    kind, data, n = density.model.likelihood, density.data, NETWORK.n_weights
    own = kind.own_from_unconstrained(mean[n:])  # (own number,)

    def outputs_of(w, X):
        return np.tanh(X @ w[:6].reshape(2, 3) + w[6:9]) @ w[9:12] + w[12]  # (row,)

    expected = np.eye(len(mean))  # (entry, entry)
    for x, weight in zip(data.X, data.weights, strict=True):
        jacobian = np.zeros((1 + len(own), len(mean)))  # (output + own number, entry)
        jacobian[0, :n] = approx_fprime(mean[:n], lambda w, x=x: outputs_of(w, x[None])[0], 1e-7)
        jacobian[1:, n:] = np.eye(len(own))
        information = kind.information(outputs_of(mean[:n], x[None])[None], own)[0]  # (output + own, the same)
        expected += weight * (jacobian @ factor).T @ information @ (jacobian @ factor)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4)


def test_weights_alone_keep_the_prior_of_the_likelihood():
    mean, factor = random_prior(NETWORK)
    model = informed_model(NETWORK, mean, factor, "normal")
    layout = Layout(model, np.zeros((1, 1), int))
    assert not model.has_own_entries
    assert layout.n_dim == NETWORK.n_weights + 1
    assert group_weights(layout, np.zeros(layout.n_dim)).own == pytest.approx([1.0])


def lines(n_groups, n_rows, noise, seed):
    """Rows of groups, each with a line of its own."""
    rng = np.random.default_rng(seed)
    groups = np.repeat(np.arange(n_groups), n_rows)  # (row,)
    X = rng.uniform(-2, 2, (len(groups), 1))  # (row, feature)
    slopes, levels = 1 + 0.3 * rng.normal(size=(2, n_groups))  # (group,) each
    return X, slopes[groups] * X[:, 0] + levels[groups] + noise * rng.normal(size=len(groups)), groups


@pytest.fixture(scope="module")
def hierarchical():
    X, y, groups = lines(12, 20, 0.5, 0)
    model = HierarchicalBNNRegressor((), chains=2, tune=200, draws=200, random_state=0)
    return model.fit(X, y, groups=groups)


@pytest.mark.parametrize("align", [True, False])
def test_a_new_group_knows_the_noise(hierarchical, align):
    """Of two rows: the posterior of the noise stays at the old groups', where HalfNormal(1) knows next to nothing."""
    informed = InformedPriorBNNRegressor.from_hierarchical(hierarchical, align=align)
    n = hierarchical.posterior_.network.n_weights
    assert informed.prior_mean.shape == (n + 1,)
    assert informed.prior_cov.shape == (n + 1, n + 1)
    X, y, _ = lines(1, 2, 0.5, 1)
    unit = hierarchical.target_standardizer_.scale[0]
    old = unit * hierarchical.posterior_.own.mean()
    noise = unit * informed.fit(X, y).posterior_.own.ravel()  # (draw,)
    assert abs(noise.mean() - old) < 0.05 * old
    assert noise.std() < 0.15 * old
    of_weights = {"prior_mean": informed.prior_mean[:n], "prior_cov": informed.prior_cov[:n, :n]}
    alone = informed.set_params(**of_weights, target_accept=0.995, tune=1000)
    assert (unit * quiet_fit(alone, X, y).posterior_.own).std() > 0.5 * old


def test_prior_of_all_draws_has_their_moments(hierarchical):
    informed = InformedPriorBNNRegressor.from_hierarchical(hierarchical, align=False, prior_chains="equal")
    log_noise = np.log(hierarchical.posterior_.own.astype(float)).ravel()  # (draw,)
    np.testing.assert_allclose(informed.prior_mean[-1], log_noise.mean(), rtol=1e-5)
    np.testing.assert_allclose(informed.prior_cov[-1, -1], log_noise.var(ddof=1) + 0.01**2, rtol=1e-5)
    np.testing.assert_array_equal(location_draws(hierarchical.posterior_)[:, -1].shape, log_noise.shape)


def test_another_likelihood_takes_the_weights_alone(hierarchical):
    informed = InformedPriorBNNRegressor.from_hierarchical(hierarchical, likelihood="student_t")
    assert len(informed.prior_mean) == hierarchical.posterior_.network.n_weights


def test_posterior_as_prior_has_the_noise():
    X, y, _ = lines(1, 60, 0.5, 2)
    flat = FlatBNNRegressor((), chains=2, tune=200, draws=300, random_state=0).fit(X, y)
    informed = InformedPriorBNNRegressor.from_posterior(flat)
    np.testing.assert_allclose(np.exp(informed.prior_mean[-1]), flat.posterior_.own.mean(), rtol=0.05)
    prior = informed.fit(X[:1], y[:1])
    assert prior.posterior_.own.mean() == pytest.approx(flat.posterior_.own.mean(), rel=0.05)


def test_cutpoints_come_with_the_level_of_the_outputs():
    """Cutpoints and the intercept move together in the posterior; only both together say how often a class comes."""
    rng = np.random.default_rng(0)
    groups = np.repeat(np.arange(10), 30)  # (row,)
    X = rng.normal(size=(300, 1))  # (row, feature)
    latent = X[:, 0] + 0.3 * rng.normal(size=10)[groups] + rng.logistic(size=300)  # (row,)
    y = np.digitize(latent, [-1.0, 0.0, 1.5])  # (row,)
    settings = {"likelihood": "ordinal", "chains": 2, "tune": 200, "draws": 200, "random_state": 0}
    old = HierarchicalBNNClassifier((), pooling="partial", **settings).fit(X, y, groups=groups)
    informed = InformedPriorBNNClassifier.from_hierarchical(old)
    new = informed.fit(X[:1], y[:1])
    expected = old.predict_proba(X[:40], groups=["new"] * 40)  # (row, class)
    np.testing.assert_allclose(new.predict_proba(X[:40]), expected, atol=0.12)
    of_all = InformedPriorBNNClassifier.from_hierarchical(old, align=False, prior_chains="equal").prior_cov
    both = np.cov(old.posterior_.group_mean[..., -1].ravel(), old.posterior_.own[..., 0].ravel())  # (2, 2)
    np.testing.assert_allclose(of_all[1, 2], both[0, 1], rtol=1e-4)
    assert both[0, 1] > 0.5 * both[1, 1]  # otherwise the covariance would say little


def test_a_fit_is_saved_and_loaded(hierarchical, tmp_path):
    X, y, _ = lines(1, 3, 0.5, 3)
    fitted = InformedPriorBNNRegressor.from_hierarchical(hierarchical).fit(X, y)
    fitted.save(tmp_path / "model.zip")
    again = skhbnn.load(tmp_path / "model.zip")
    np.testing.assert_array_equal(again.predict_interval(X), fitted.predict_interval(X))
    np.testing.assert_array_equal(again.posterior_.own, fitted.posterior_.own)


@pytest.mark.usefixtures("interpreted")
@pytest.mark.parametrize("inference", ["laplace", "map", "advi"])
def test_methods_of_inference(hierarchical, inference):
    """They agree about the noise with NUTS, of a posterior that is near normal."""
    X, y, _ = lines(1, 6, 0.5, 4)
    informed = InformedPriorBNNRegressor.from_hierarchical(hierarchical, inference=inference, draws=200)
    noise = informed.fit(X, y).posterior_.own.mean()
    assert noise == pytest.approx(hierarchical.posterior_.own.mean(), rel=0.1)


def test_prior_of_a_wrong_length_names_the_own_numbers():
    X, y, _ = lines(1, 6, 0.5, 4)
    with pytest.raises(ValueError, match="behind which noise_scale may stand"):
        InformedPriorBNNRegressor((), prior_mean=np.zeros(5)).fit(X, y)
    with pytest.raises(ValueError, match=r"prior_cov has shape \(2, 2\)"):
        InformedPriorBNNRegressor((), prior_mean=np.zeros(3), prior_cov=np.eye(2)).fit(X, y)


def test_display_of_the_prior_is_of_the_weights(hierarchical):
    pytest.importorskip("matplotlib")
    from skhbnn.plotting import PriorPosteriorDisplay

    X, y, _ = lines(1, 6, 0.5, 4)
    fitted = InformedPriorBNNRegressor.from_hierarchical(hierarchical).fit(X, y)
    display = PriorPosteriorDisplay.from_estimator(fitted)
    assert len(display.weight_names) == hierarchical.posterior_.network.n_weights
