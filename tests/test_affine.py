"""Affine pooling: each group sees the inputs through an affine map of its own."""

import copy
from dataclasses import replace

import numpy as np
import pytest
from models import hierarchical_model
from scipy import special, stats
from scipy.linalg import block_diag

import skhbnn
from skhbnn import HierarchicalBNNClassifier, InformedPriorBNNClassifier
from skhbnn.data.rows import group_rows
from skhbnn.data.standardizer import Standardizer
from skhbnn.density.forward import network_outputs
from skhbnn.model.build import layer_scales
from skhbnn.model.network import Network
from skhbnn.model.pooling import layer_pooling
from skhbnn.model.terms import Layout
from skhbnn.model.weights import group_weights
from skhbnn.posterior.group_prior import SHARED_STD, output_mean_covariance


@pytest.mark.parametrize("hidden", [(4,), (4, 3), ()])
@pytest.mark.parametrize("fit_intercept", [True, False])
def test_the_weights_of_a_group_see_mapped_inputs(hidden, fit_intercept):
    """The logits of x under a group's weights are those of x A + s under the weights that all groups share."""
    network = Network((3, *hidden, 3), "tanh", fit_intercept)
    model = hierarchical_model(
        network, np.ones(len(network.layers)), ("affine", *("complete",) * len(hidden)), "normal", 0.5
    )
    rng = np.random.default_rng(0)
    layout = Layout(model, np.arange(4)[None])
    x = rng.normal(size=layout.n_dim)  # (n_dim,)
    shared, own = x[: network.n_weights], x[network.n_weights :].reshape(4, -1)  # (weight,), (group, entry of the map)
    made = group_weights(layout, x)
    np.testing.assert_array_equal(made.mean, shared)
    X = rng.normal(size=(20, 3))  # (row, input)
    for g in range(4):
        matrix, shift = np.eye(3) + 0.5 * own[g, :9].reshape(3, 3), 0.5 * own[g, 9:]  # (input, input), (input,)
        mapped = X @ matrix + (shift if fit_intercept else 0)  # (row, input)
        expected = network_outputs(network, shared[None], mapped)[0]  # (logit, row)
        found = network_outputs(network, made.weights[None, g], X)[0]  # (logit, row)
        np.testing.assert_allclose(found, expected, rtol=1e-11, atol=1e-12)


def test_forms_of_pooling_and_of_scales():
    for hidden, expected in {
        (): ("partial",),
        (3,): ("affine", "partial"),
        (3, 3, 3): ("affine", "complete", "complete", "partial"),
    }.items():
        network = Network((2, *hidden, 1), "tanh", True)
        assert layer_pooling(network, "affine") == expected
        assert layer_scales(network, (1.0, 4.0)) == (*[1.0] * len(hidden), 4.0)
    mapped, shared = ("affine", "complete", "partial"), ("complete", "partial", "partial")
    hidden_shared = ("complete", "complete", "partial")
    for n_in, rows_per_group, expected in (
        *((3, 1, mapped), (4, 7.9, shared), (4, 8, mapped)),
        *((20, 30, shared), (4, 2, shared), (4, 1.9, hidden_shared)),
    ):
        assert layer_pooling(Network((n_in, 3, 2, 1), "tanh", True), "auto", [rows_per_group]) == expected
    assert layer_pooling(Network((20, 3, 1), "tanh", True), "auto", [30]) == ("complete", "partial")
    nested = Network((4, 3, 2, 1), "tanh", True)
    for rows_per_group, expected in (([30, 1], shared), ([30, 8], mapped), ([1.9, 1], hidden_shared)):
        assert layer_pooling(nested, "auto", rows_per_group) == expected
    for rows_per_group in (1, 30):
        assert layer_pooling(Network((20, 1), "tanh", True), "auto", [rows_per_group]) == ("partial",)
    assert layer_pooling(Network((2, 1), "tanh", True), ["affine"]) == ("affine",)
    with pytest.raises(ValueError, match=r"pooling of layer 1 is 'affine', which only the first layer, 0, can have"):
        layer_pooling(Network((2, 3, 1), "tanh", True), ["affine", "affine"])


@pytest.fixture(scope="module")
def mirrored():
    """Two kinds of groups, whose classes lie on opposite sides; 8 groups of 12 rows."""
    rng = np.random.default_rng(0)
    groups = np.repeat(np.arange(8), 24)  # (row,)
    X = rng.normal(size=(len(groups), 2))  # (row, input)
    y = (np.where(groups % 2, -1, 1) * X[:, 0] > 0).astype(int)  # (row,)
    train = np.arange(len(groups)) % 2 == 0  # (row,)
    return X[train], y[train], groups[train], X[~train], y[~train], groups[~train]


@pytest.fixture(scope="module")
def fitted(mirrored):
    X, y, groups, *_ = mirrored
    settings = {"hidden_layer_sizes": (3,), "chains": 2, "tune": 300, "draws": 200, "random_state": 0}
    return HierarchicalBNNClassifier(**settings, pooling=["affine", "complete"]).fit(X, y, groups=groups)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_groups_that_differ_by_a_map(fitted, mirrored):
    """With all weights shared, the map alone tells mirrored groups apart; a network for all of them cannot."""
    X, y, groups, X_test, y_test, groups_test = mirrored
    alike = HierarchicalBNNClassifier(**{**fitted.get_params(), "pooling": "complete"}).fit(X, y, groups=groups)
    right = fitted.score(X_test, y_test, groups=groups_test)
    assert right > 0.85
    coin = stats.binom(len(y_test), 0.5).isf(1e-6) / len(y_test)
    assert alike.score(X_test, y_test, groups=groups_test) < coin < right


def test_group_scales_are_named(fitted):
    assert fitted.posterior_.learned_parts == ["input_map", "input_shift"]
    assert fitted.posterior_.group_scale.shape == (2, 200, 2)
    assert (fitted.posterior_.group_scale > 0).all()
    assert fitted.diagnostics_.learned_parts == ["input_map", "input_shift"]


def test_population_weights_are_mapped_group_means(fitted):
    """For every draw the matrix of unseen groups has the mean W and covariance t² WᵀW in each row."""
    posterior = fitted.posterior_
    mean, scale = posterior.group_mean.reshape(400, -1), posterior.group_scale.reshape(400, 2)
    n_labels = 60
    weights = np.array([posterior.population_weights(f"new {k}") for k in range(n_labels)])  # (label, draw, weight)
    np.testing.assert_array_equal(weights[:, :, 9:], np.broadcast_to(mean[:, 9:], (n_labels, 400, 4)))
    matrix = mean[:, :6].reshape(400, 2, 3).astype(float)  # (draw, input, unit)
    deviations = (weights[:, :, :6] - mean[:, :6]).reshape(n_labels, 400, 2, 3)  # (label, draw, input, unit)
    shifts = (weights[:, :, 6:9] - mean[:, 6:9])[:, :, None]  # (label, draw, 1, unit)
    inverse = np.linalg.pinv(matrix)  # (draw, unit, input)
    for found, sd in ((deviations, scale[:, 0]), (shifts, scale[:, 1])):
        z = np.einsum("ldiu,duk->ldik", found, inverse) / sd[:, None, None]  # (label, draw, input or shift, input)
        assert abs(z.mean()) < 4 / np.sqrt(z.size)
        assert abs((z**2).mean() - 1) < 4 * np.sqrt(2 / z.size)
        assert stats.kstest(z.ravel(), "norm").pvalue > 1e-3


@pytest.mark.parametrize("chain_weights", [None, [0.0, 1.0]])
def test_the_prior_is_around_the_draw_nearest_to_the_mean_prediction(chain_weights, fitted, mirrored):
    X, y, groups, *_ = mirrored
    proba = fitted.sample_proba(X, groups=groups)[:, np.arange(len(y)), y]  # (draw, row)
    fitted = copy.copy(fitted)
    fitted.posterior_ = replace(
        fitted.posterior_, chain_weights=None if chain_weights is None else np.array(chain_weights)
    )
    first = 0 if chain_weights is None else 200  # draw that counts
    distance = np.square(proba[first:] - proba[first:].mean(axis=0)).sum(axis=1)  # (draw,)
    draw = first + distance.argmin()
    chains = "equal" if chain_weights is None else "stacking"
    prior = InformedPriorBNNClassifier.from_hierarchical(fitted, prior_chains=chains)
    mean = fitted.posterior_.group_mean.reshape(400, -1)[draw].astype(float)  # (weight,)
    np.testing.assert_allclose(prior.prior_mean, mean, rtol=1e-6)
    of_map, of_shift = fitted.posterior_.group_scale.reshape(400, 2)[draw].astype(float) ** 2
    gram = mean[:6].reshape(2, 3).T @ mean[:6].reshape(2, 3)  # (unit, unit)
    groups_weights = fitted.posterior_.weights.reshape(400, 8, 13)[draw].astype(float)  # (group, weight)
    precision = np.eye(4) / 4.0**2  # (output weight, output weight)
    for row, g in zip(fitted.standardizer_.transform(X), groups, strict=True):
        w = groups_weights[g]  # (weight,)
        units = np.append(np.tanh(row @ w[:6].reshape(2, 3) + w[6:9]), 1)  # (unit + intercept,)
        p = 1 / (1 + np.exp(-units @ w[9:]))
        precision += p * (1 - p) * np.outer(units, units)
    output = np.linalg.inv(precision)  # (output weight, output weight)
    blocks = [of_map * gram, of_map * gram, of_shift * gram, output]  # inputs, intercepts, output
    np.testing.assert_allclose(prior.prior_cov, block_diag(*blocks) + SHARED_STD**2 * np.eye(13), rtol=1e-5, atol=1e-9)


@pytest.mark.parametrize("sizes", [(2, 3, 1), (2, 3, 3), (2, 1)])
def test_the_mean_output_weights_given_hidden_layers(sizes):
    """Their covariance, from the precision of mean and deviations together, and slopes by finite differences."""
    network, n_groups, rng = Network(sizes, "tanh", True), 4, np.random.default_rng(0)
    pooling = ("affine", "partial")[-len(network.layers) :]
    model = hierarchical_model(network, np.full(len(network.layers), 1.5), pooling, family="laplace")
    groups = np.repeat(np.arange(n_groups), 5)  # (row,)
    X, y = rng.normal(size=(20, 2)), rng.integers(0, max(2, sizes[-1]), 20)  # (row, input), (row,)
    data, _ = group_rows(X, y, groups, list(range(n_groups)), standardizer=Standardizer.identity(2))
    weights = rng.normal(size=(n_groups, network.n_weights))  # (group, weight)
    scales = rng.uniform(0.5, 1.5, len(network.parts) + 2)  # (part,)
    of_part = {part.name: number for number, part in enumerate(network.parts)}
    of_part |= {"input_map": len(of_part), "input_shift": len(of_part) + 1}
    learned = [of_part[name] for name in model.scale_names]
    own = np.arange(network.layers[-1].start, network.n_weights)  # (output weight,)
    part_of_weight = np.repeat(np.arange(len(network.parts)), [p.stop - p.start for p in network.parts])  # (weight,)
    n = len(own)
    joint = np.eye(n * (1 + n_groups)) / (2 * 1.5**2)  # (mean and deviation, mean and deviation)
    for g in range(n_groups):
        at = slice(n * (1 + g), n * (2 + g))
        joint[at, at] = np.diag(1 / (2 * scales[part_of_weight[own]] ** 2))
        to_weights = np.zeros((n, len(joint)))  # (output weight, mean and deviation)
        to_weights[:, :n] = to_weights[:, at] = np.eye(n)
        steps = 1e-5 * np.eye(network.n_weights)[own]  # (output weight, weight)
        ends = [network_outputs(network, weights[g] + sign * steps, X[groups == g]) for sign in (1, -1)]
        slopes = (ends[0] - ends[1]) / 2e-5  # (output weight, logit, row)
        logits = network_outputs(network, weights[[g]], X[groups == g])[0]  # (logit, row)
        padded = np.concatenate([np.zeros_like(logits[:1]), logits]) if sizes[-1] == 1 else logits  # (class, row)
        p = special.softmax(padded, axis=0)[-sizes[-1] :]  # (logit, row)
        spread = np.eye(len(p))[:, :, None] * p - p[:, None] * p  # (logit, logit, row)
        fisher = np.einsum("iar,abr,jbr->ij", slopes, spread, slopes)  # (output weight, output weight)
        joint += to_weights.T @ fisher @ to_weights
    found = output_mean_covariance(model, data, weights, scales[learned], np.empty(0))
    np.testing.assert_allclose(found, np.linalg.inv(joint)[:n, :n], rtol=1e-6, atol=1e-8)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_a_prior_for_new_groups(fitted, mirrored):
    """Three rows of a new mirrored group turn the prior that mirrored groups taught; alone they teach little."""
    X, y, groups, X_test, y_test, groups_test = mirrored
    own = groups == 1
    prior = InformedPriorBNNClassifier.from_hierarchical(fitted)
    informed = prior.fit(X[own][:3], y[own][:3]).predict_proba(X_test[groups_test % 2 == 1])  # (row, class)
    other = prior.fit(X[groups == 0][:3], y[groups == 0][:3]).predict_proba(X_test[groups_test % 2 == 1])
    truth = y_test[groups_test % 2 == 1]
    losses = [-np.log(proba[np.arange(len(truth)), truth]).mean() for proba in (informed, other)]
    assert losses[0] < np.log(2) < losses[1]


def test_saved_and_loaded(fitted, mirrored, tmp_path):
    fitted.save(tmp_path / "affine.skhbnn")
    loaded, X, groups = (
        skhbnn.load(tmp_path / "affine.skhbnn"),
        mirrored[3],
        np.where(mirrored[5] == 3, 99, mirrored[5]),
    )
    np.testing.assert_array_equal(loaded.predict_proba(X, groups=groups), fitted.predict_proba(X, groups=groups))
