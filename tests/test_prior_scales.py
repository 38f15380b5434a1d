"""Learned scales of the prior: densities, what is learned, priors made of it, the display and files."""

from itertools import product

import numpy as np
import pandas as pd
import pytest
from agreement import assert_equals_pymc, assert_gradient_is_right
from models import FORMS, in_form, random_rows
from scipy import stats

import skhbnn
from conftest import quiet_fit
from skhbnn import (
    FlatBNNClassifier,
    FlatBNNRegressor,
    HierarchicalBNNClassifier,
    HierarchicalBNNRegressor,
    InformedPriorBNNClassifier,
)
from skhbnn.density.density import Density
from skhbnn.model import families, scale_priors
from skhbnn.model.build import flat_model, hierarchical_model, layer_scales
from skhbnn.model.network import Network
from skhbnn.model.terms import Model
from skhbnn.plotting import InputRelevanceDisplay
from skhbnn.posterior.group_prior import SHARED_STD

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

LEARNED = (*scale_priors.NAMES, "ard")
MIXED = (("ard", 4.0), (0.5, "inverse_gamma"))
NETWORK = Network((3, 2, 1), "tanh", True)
SCIPY = {"half_normal": stats.halfnorm(), "half_cauchy": stats.halfcauchy(), "inverse_gamma": stats.invgamma(2)}
SCIPY["ard"] = SCIPY["half_normal"]


# The density ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("family", families.NAMES)
@pytest.mark.parametrize("scale", LEARNED + MIXED)
def test_flat_densities_equal_pymc(scale, family):
    for k, fit_intercept in enumerate((True, False)):
        network = Network((3, 2, 1), "tanh", fit_intercept)
        location = np.random.default_rng(0).normal(size=network.n_weights) if k else None  # (weight,)
        model = flat_model(network, "bernoulli", layer_scales(network, scale), family, location)
        density = Density(model, random_rows([17], 3))
        assert_equals_pymc(density, fused=bool(k), n_points=2)
        assert_gradient_is_right(density, 0.4 * np.random.default_rng(1).normal(size=density.n_dim))


@pytest.mark.parametrize("pooling", [*product(["partial", "none", "affine"], ["partial"]), ("complete", "none")])
@pytest.mark.parametrize("scale", LEARNED + MIXED)
def test_hierarchical_densities_equal_pymc(scale, pooling):
    """In both forms of the kernel, with group scales under another prior or fixed."""
    for form, group_scale in zip(FORMS, ("inverse_gamma", 0.4), strict=True):
        scales = layer_scales(NETWORK, scale)
        model = hierarchical_model(NETWORK, "bernoulli", scales, pooling, group_scale_prior=group_scale)
        density = in_form(form, Density(model, random_rows([4, 1, 5, 8], 3)))
        assert_equals_pymc(density, fused=form == FORMS[0], n_points=1)
        assert_gradient_is_right(density, 0.4 * np.random.default_rng(1).normal(size=density.n_dim))


@pytest.mark.parametrize("scale", LEARNED)
def test_prior_density_is_the_formula(scale):
    """Of one layer without rows that matter: scales by SciPy, z standard normal, Jacobians included."""
    network = Network((2, 1), "tanh", True)
    model = flat_model(network, "bernoulli", [scale])
    names = ("input_0", "input_1", "layer_0") if scale == "ard" else ("layer_0",)
    assert model.scale_names == model.prior_scales == names
    data = random_rows([5], 2)
    density = Density(model, data)
    x = np.random.default_rng(0).normal(size=density.n_dim)  # (n_dim,)
    z, log_scale = x[:3], x[3:]
    sd = np.exp(log_scale)[
        [names.index(name) for name in ("input_0", "input_1", "layer_0")] if scale == "ard" else [0] * 3
    ]
    w = sd * z  # (weight,)
    logit = data.X @ w[:2] + w[2]  # (row,)
    expected = stats.norm.logpdf(z).sum() + (SCIPY[scale].logpdf(np.exp(log_scale)) + log_scale).sum()
    expected -= np.log1p(np.exp(np.where(data.y == 1, -logit, logit))).sum()
    np.testing.assert_allclose(density.logp_grad(x)[0], expected, rtol=1e-11)


def test_fixed_scales_have_no_learned_ones():
    model = flat_model(NETWORK, "bernoulli", np.array([0.7, 1.2]))
    assert model.scale_names == () == model.prior_scales
    assert isinstance(model, Model)


# What is learned -----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def inputs():
    """Five inputs that y depends on and twenty that it does not."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(250, 25))  # (row, input)
    weights = np.array([1.0, -1.2, 0.9, 1.4, -1.0])  # (relevant input,)
    y = np.tanh(X[:, :3] @ weights[:3]) + 0.7 * X[:, 3:5] @ weights[3:] + 0.3 * rng.normal(size=250)  # (row,)
    return pd.DataFrame(X, columns=[f"c{i}" for i in range(25)]), y


@pytest.fixture(scope="module")
def ard(inputs):
    estimator = FlatBNNRegressor((4,), prior_scale="ard", chains=2, tune=300, draws=200, random_state=0)
    return quiet_fit(estimator, *inputs)


def test_noise_inputs_have_smaller_scales(ard):
    """The largest median scale of a noise input is below the least of a relevant one; noise is near 0."""
    posterior = ard.posterior_
    assert posterior.prior_parts == [*(f"input_{i}" for i in range(25)), "layer_0", "layer_1"]
    medians = np.median(posterior.prior_scale.reshape(-1, 27), axis=0)  # (scale,)
    assert medians[5:25].max() < 0.6 * medians[:5].min()
    prior_median = stats.halfnorm.median()
    assert medians[5:25].max() < 0.5 * prior_median


def test_the_display_ranks_the_inputs(ard):
    display = InputRelevanceDisplay.from_estimator(ard)
    assert set(display.order[:5]) == set(range(5))
    assert display.input_names == [f"c{i}" for i in range(25)]
    np.testing.assert_array_equal(display.scales, ard.posterior_.prior_scale.reshape(-1, 27)[:, :25])
    labels = [text.get_text() for text in display.ax_.get_yticklabels()]
    assert labels == [f"c{i}" for i in display.order]
    low, high = np.quantile(display.scales[:, display.order[0]], [0.05, 0.95])
    (first, *_) = display.ax_.collections[0].get_segments()
    np.testing.assert_allclose(first[:, 0], [low, high])


def test_a_display_needs_scales_of_inputs(flat):
    with pytest.raises(ValueError, match=r"learned no scale of an input.*this FlatBNNClassifier has prior_scale=2.0"):
        InputRelevanceDisplay.from_estimator(flat)


@pytest.mark.parametrize("scale", LEARNED + MIXED)
@pytest.mark.parametrize("estimator", [FlatBNNClassifier, HierarchicalBNNClassifier])
def test_weights_are_scale_times_z(estimator, scale, small, moons, tmp_path):
    """Of a fit to one row, so that draws are near those of the prior; what other tools and files say of the scales."""
    groups = {} if estimator is FlatBNNClassifier else {"groups": moons.groups}
    fitted = quiet_fit(estimator(prior_scale=scale, **small), moons.X, moons.y, **groups)
    posterior = fitted.posterior_
    of_hidden, of_output = scale if isinstance(scale, tuple) else (scale, scale)
    names = ["input_0", "input_1"] * (of_hidden == "ard") + ["layer_0"] * isinstance(of_hidden, str)
    names += ["layer_1"] * isinstance(of_output, str)
    assert posterior.prior_parts == fitted.diagnostics_.prior_parts == names
    assert posterior.prior_scale.shape == (2, 50, len(names))
    assert np.all(posterior.prior_scale > 0)
    assert fitted.diagnostics_.ess_prior_scale.shape == (len(names),)
    labelled = fitted.to_arviz().posterior["prior_scale"]
    assert labelled["prior_part"].values.tolist() == [
        name.replace("input_", "input: x") if name.startswith("input") else name for name in names
    ]
    np.testing.assert_array_equal(labelled, posterior.prior_scale)
    fitted.save(tmp_path / "fit")
    loaded = skhbnn.load(tmp_path / "fit")
    np.testing.assert_array_equal(loaded.posterior_.prior_scale, posterior.prior_scale)
    np.testing.assert_array_equal(
        loaded.predict_proba(moons.X_new, **groups), fitted.predict_proba(moons.X_new, **groups)
    )
    model = fitted.to_pymc()
    assert model.coords["learned_prior"] == tuple(names)
    assert posterior.of_chains(1).prior_scale.shape == (1, 50, len(names))
    assert posterior.thinned(10).prior_scale.shape == (2, 5, len(names))


def test_problems_name_the_scale(flat, small, moons):
    fitted = quiet_fit(FlatBNNClassifier(prior_scale="ard", **small), moons.X, moons.y)
    assert any(
        "of the prior scale of input_" in text or "of the prior scale of layer_" in text
        for text in fitted.diagnostics_.problems()
    )


def test_weights_of_none_pooled_layers_have_the_learned_scale(small, moons):
    fitted = quiet_fit(
        HierarchicalBNNClassifier(pooling="none", prior_scale="half_normal", **small),
        moons.X,
        moons.y,
        groups=moons.groups,
    )
    posterior = fitted.posterior_
    assert posterior.group_scale is None
    layers = np.repeat([0, 1], [9, 4])  # (weight,)
    scale = posterior.prior_scale.reshape(100, 2)[:, layers]  # (draw, weight)
    z = np.array([posterior.population_weights(k) for k in range(10, 50)]) / scale  # (label, draw, weight)
    assert abs((z**2).mean() - 1) < 4.5 * np.sqrt(2 / z.size)


@pytest.mark.usefixtures("interpreted")
def test_every_method_takes_learned_scales(small, moons):
    """Laplace's method and the mode through the tangent, ADVI through PyMC."""
    for inference in ("laplace", "map", "advi"):
        settings = {**small, "inference": inference, "draws": 40, "max_iter": 60}
        fitted = quiet_fit(FlatBNNClassifier(prior_scale="ard", **settings), moons.X, moons.y)
        assert fitted.posterior_.prior_scale.shape[-1] == 4
        assert np.isfinite(fitted.predict_proba(moons.X_new)).all()


def test_no_scale_at_the_mode_says_that_an_input_is_noise(inputs):
    """At the joint mode of z, of sizes Σ z², and of log s under s ~ HalfNormal(1), s² is 1 + Σ z²."""
    settings = {"prior_scale": "ard", "chains": 1, "draws": 20, "max_iter": 2_000, "random_state": 0}
    for inference in ("map", "laplace"):
        fitted = FlatBNNRegressor((4,), inference=inference, **settings).fit(*inputs)
        with pytest.raises(ValueError, match=f"a mode, where none is below 1.*inference='{inference}'.*fit with"):
            InputRelevanceDisplay.from_estimator(fitted)
        if inference == "map":
            assert fitted.posterior_.prior_scale.min() > 1 - 1e-3


# Priors made of fits -------------------------------------------------------------------------------------------------


def test_priors_count_learned_scales(small, waves):
    """Partial pooling: mean and covariance are those of the draws of mu, in which the learned scale is already."""
    fitted = quiet_fit(
        HierarchicalBNNRegressor(pooling="partial", prior_scale="half_cauchy", **small),
        waves.X,
        waves.y,
        groups=waves.groups,
    )
    posterior = fitted.posterior_
    prior = skhbnn.InformedPriorBNNRegressor.from_hierarchical(fitted, align=False, prior_chains="equal")
    mu = posterior.group_mean.reshape(100, -1).astype(float)  # (draw, weight)
    sd = posterior.group_scale.reshape(100, 4).astype(float)[:, np.repeat(range(4), [6, 3, 3, 1])]  # (draw, weight)
    expected = np.cov(mu, rowvar=False) + np.diag((sd**2).mean(axis=0) + SHARED_STD**2)
    np.testing.assert_allclose(prior.prior_cov[:13, :13], expected, rtol=1e-4, atol=1e-5)


def test_the_mean_of_output_weights_has_the_learned_scale(small, moons):
    """Under affine pooling, of the chosen draw: its precision is 1 / s² and that of the rows."""
    fitted = quiet_fit(
        HierarchicalBNNClassifier(prior_scale="half_normal", pooling=["affine", "complete"], **small),
        moons.X,
        moons.y,
        groups=moons.groups,
    )
    prior = InformedPriorBNNClassifier.from_hierarchical(fitted, prior_chains="equal")
    posterior = fitted.posterior_
    draws = posterior.group_mean.reshape(100, 13).astype(float)  # (draw, weight)
    draw = np.abs(draws - prior.prior_mean).sum(axis=1).argmin()
    precision = np.eye(4) / float(posterior.prior_scale.reshape(100, 2)[draw, 1]) ** 2  # (output weight, the same)
    weights = posterior.weights.reshape(100, 4, 13)[draw].astype(float)  # (group, weight)
    for row, g in zip(fitted.standardizer_.transform(moons.X), moons.groups, strict=True):
        units = np.append(np.tanh(row @ weights[g, :6].reshape(2, 3) + weights[g, 6:9]), 1)  # (unit + intercept,)
        p = 1 / (1 + np.exp(-units @ weights[g, 9:]))
        precision += p * (1 - p) * np.outer(units, units)
    expected = np.linalg.inv(precision) + SHARED_STD**2 * np.eye(4)
    np.testing.assert_allclose(prior.prior_cov[9:, 9:], expected, rtol=1e-5, atol=1e-8)


@pytest.mark.parametrize(
    ("prior_scale", "message"),
    [
        ("gamma", "'prior_scale' parameter of FlatBNNClassifier must be"),
        (("gamma", 1.0), r"positive and finite in every layer, or one of 'ard', 'half_normal'.*got \('gamma', 1.0\)"),
        (("ard", 0.0), r"positive and finite in every layer.*got \('ard', 0.0\)"),
        (("ard", None), r"positive and finite in every layer.*got \('ard', None\)"),
        (("ard", "half_cauchy"), r"learned scales of several priors, \('ard', 'half_cauchy'\); give .* one name"),
        (("ard", 1.0, 1.0), "has 3 entries, but the network has 2 layers"),
    ],
)
def test_wrong_scales_are_refused(prior_scale, message, small, moons):
    with pytest.raises(ValueError, match=message):
        FlatBNNClassifier(prior_scale=prior_scale, **small).fit(moons.X, moons.y)


def test_a_name_for_the_hidden_layers_is_that_of_each(small):
    network = Network((3, 2, 4, 1), "tanh", True)
    model = flat_model(network, "bernoulli", layer_scales(network, ("ard", 4.0)))
    assert model.prior_scales == ("input_0", "input_1", "input_2", "layer_0", "layer_1")
    assert model.prior_scale_name == "half_normal"
    linear = Network((3, 1), "tanh", True)
    assert flat_model(linear, "bernoulli", layer_scales(linear, ("ard", 4.0))).prior_scales == ()
