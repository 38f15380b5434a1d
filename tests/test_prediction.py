"""Predictions: against a forward pass written out in loops, and against NumPy summaries of the draws."""

import copy
import dataclasses
import math
import tracemalloc
import warnings
from itertools import pairwise

import numpy as np
import pytest
import reference
from models import predictor
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.utils.validation import check_is_fitted

from skhbnn import FlatBNNClassifier, HierarchicalBNNClassifier, InformedPriorBNNClassifier
from skhbnn.density.forward import network_outputs
from skhbnn.model.network import Network
from skhbnn.posterior import prediction

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

CLASSES = [FlatBNNClassifier, HierarchicalBNNClassifier, InformedPriorBNNClassifier]


@pytest.fixture(scope="module")
def three_classes(small, moons):
    """A softmax fit: the third class is far to the right."""
    y = np.where(moons.X[:, 0] > 1, "z", np.array(["x", "y"])[moons.y])
    return FlatBNNClassifier(**small).fit(moons.X, y)


@pytest.fixture(scope="module", params=["flat", "hierarchical", "informed", "three classes"])
def case(request, flat, hierarchical, informed, three_classes, moons):
    """A fitted estimator and the other arguments of its prediction methods, an unseen group among them."""
    if request.param == "hierarchical":
        return hierarchical, {"groups": np.where(moons.groups_new == 3, 99, moons.groups_new)}
    return {"flat": flat, "informed": informed, "three classes": three_classes}[request.param], {}


# Against an independent forward pass -------------------------------------------------------------------------------

ACTIVATIONS = {
    "tanh": math.tanh,
    "relu": lambda a: max(a, 0.0),
    "logistic": lambda a: 1 / (1 + math.exp(-a)),
    "identity": lambda a: a,
}


def slow_proba(weights, row, sizes, activation, fit_intercept):
    """Class probabilities of one row under one weight vector: each layer's matrix row by row, then its intercepts."""
    weights, h = iter(weights.tolist()), list(row)
    for n_in, n_out in pairwise(sizes):
        matrix = [[next(weights) for _ in range(n_out)] for _ in range(n_in)]
        intercepts = [next(weights) if fit_intercept else 0.0 for _ in range(n_out)]
        sums = [intercepts[j] + sum(h[i] * matrix[i][j] for i in range(n_in)) for j in range(n_out)]
        h = [ACTIVATIONS[activation](a) for a in sums]
    assert next(weights, None) is None  # every weight was used
    if len(sums) == 1:
        return [1 / (1 + math.exp(sums[0])), 1 / (1 + math.exp(-sums[0]))]
    exponentials = [math.exp(a - max(sums)) for a in sums]
    return [e / sum(exponentials) for e in exponentials]


@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("hidden", [(), (3,), (3, 2)])
@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_sample_proba_against_loops(activation, fit_intercept, hidden, n_classes, moons):
    y = np.where(moons.X[:, 0] > 1, n_classes - 1, moons.y)
    estimator = FlatBNNClassifier(
        hidden, activation=activation, fit_intercept=fit_intercept, chains=2, tune=20, draws=5, random_state=0
    ).fit(moons.X, y)
    rows = (moons.X_new[:4] - moons.X.mean(axis=0)) / moons.X.std(axis=0)
    np.testing.assert_allclose(estimator.standardizer_.transform(moons.X_new[:4]), rows, rtol=1e-10, atol=1e-12)
    sizes = (2, *hidden, 1 if n_classes == 2 else 3)
    draws = estimator.posterior_.weights.reshape(10, -1)  # (draw, weight): chain after chain
    expected = [[slow_proba(w, row, sizes, activation, fit_intercept) for row in rows] for w in draws]
    np.testing.assert_allclose(estimator.sample_proba(moons.X_new[:4]), expected, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("n_rows", [1, 8, 63, 64, 65, 200])  # compiled code works on 64 rows at once, in vectors of 8
@pytest.mark.parametrize("sizes", [(1, 1), (4, 3), (2, 5, 5, 1), (3, 4, 7, 2)])
def test_logits_of_any_number_of_rows(sizes, n_rows):
    network = Network(sizes, "logistic", True)
    rng = np.random.default_rng(0)
    weights, X = rng.normal(size=(3, network.n_weights)), rng.normal(size=(n_rows, sizes[0]))
    expected = np.stack([reference.row_logits(network, weights, x) for x in X], axis=2)  # (draw, logit, row)
    np.testing.assert_allclose(network_outputs(network, weights, X), expected, rtol=1e-12, atol=1e-13)


def test_each_row_meets_the_weights_of_its_group(hierarchical, moons):
    weights = hierarchical.posterior_.weights.reshape(100, 4, -1)  # (draw, group, weight)
    rows = hierarchical.standardizer_.transform(moons.X_new)
    picked = np.random.default_rng(0).permutation(60)[:8]
    found = hierarchical.sample_proba(moons.X_new[picked], groups=moons.groups_new[picked], n_draws=1)[0]
    expected = [slow_proba(weights[0, moons.groups_new[r]], rows[r], (2, 3, 1), "tanh", True) for r in picked]
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-12)


# Summaries of the draws --------------------------------------------------------------------------------------------


def entropy(proba):
    return -np.sum(np.where(proba > 0, proba * np.log(np.where(proba > 0, proba, 1)), 0), axis=-1)


def test_summaries_against_numpy(case, moons):
    estimator, groups = case
    draws = estimator.sample_proba(moons.X_new, **groups)  # (draw, row, class)
    assert draws.shape == (100, 60, len(estimator.classes_))
    mean = draws.mean(axis=0)  # (row, class)
    proba = estimator.predict_proba(moons.X_new, **groups)
    np.testing.assert_allclose(proba, mean, rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(np.exp(estimator.predict_log_proba(moons.X_new, **groups)), mean, rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(estimator.predict_std(moons.X_new, **groups), draws.std(axis=0), rtol=1e-7, atol=1e-9)
    labels = estimator.classes_[mean.argmax(axis=1)]
    np.testing.assert_array_equal(estimator.predict(moons.X_new, **groups), labels)
    truth = estimator.classes_[moons.y]
    assert estimator.score(moons.X_new, truth, **groups) == np.mean(labels == truth)
    weight = np.arange(60.0)
    weighted = estimator.score(moons.X_new, truth, **groups, sample_weight=weight)
    np.testing.assert_allclose(weighted, np.sum(weight * (labels == truth)) / weight.sum(), rtol=1e-12)


def test_uncertainty_against_numpy(case, moons):
    estimator, groups = case
    draws = estimator.sample_proba(moons.X_new, **groups)  # (draw, row, class)
    total, aleatoric = entropy(draws.mean(axis=0)), entropy(draws).mean(axis=0)  # (row,)
    found = estimator.predict_uncertainty(moons.X_new, **groups)
    np.testing.assert_allclose(found.total, total, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(found.aleatoric, aleatoric, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(found.epistemic, total - aleatoric, rtol=1e-7, atol=1e-12)
    np.testing.assert_allclose(found.total, found.aleatoric + found.epistemic, rtol=1e-14)
    assert (found.epistemic >= 0).all()
    assert (found.total <= math.log(len(estimator.classes_)) * (1 + 1e-12)).all()


def test_equal_draws_have_no_spread():
    """A model that is sure of the probability: std and epistemic entropy are 0, for any number of draws."""
    network = Network((2, 3, 1), "tanh", True)
    rng = np.random.default_rng(0)
    weights = np.tile(rng.standard_normal(network.n_weights), (37, 1))
    X = rng.standard_normal((50, 2))
    assert (prediction.std_proba(predictor(network), weights, X) == 0).all()
    total = prediction.entropy(prediction.mean_proba(predictor(network), weights, X))
    np.testing.assert_allclose(prediction.mean_entropy(predictor(network), weights, X), total, rtol=1e-12)


@pytest.mark.parametrize("n_draws", [1, 2, 7, 99, 100])
def test_thinning(n_draws, flat, moons):
    """The draws are distinct ones of all, in order, from end to end, and as even as whole steps can be."""
    estimator = copy.copy(flat)
    weights = np.random.default_rng(0).standard_normal(flat.posterior_.weights.shape)  # the sampler may repeat a draw
    estimator.posterior_ = dataclasses.replace(flat.posterior_, weights=weights)
    everything = estimator.sample_proba(moons.X_new)
    thinned = estimator.sample_proba(moons.X_new, n_draws=n_draws)
    chosen = np.array([np.flatnonzero((everything == draw).all(axis=(1, 2))) for draw in thinned])
    assert chosen.shape == (n_draws, 1)
    assert chosen[0] == 0
    assert chosen[-1] == (99 if n_draws > 1 else 0)
    step = 99 / max(n_draws - 1, 1)
    assert set(np.diff(chosen[:, 0])) <= {math.floor(step), math.ceil(step)}


@pytest.mark.parametrize("n_draws", [0, -1, 101, 2.0, "all"])
def test_faulty_thinning(case, n_draws, moons):
    estimator, groups = case
    with pytest.raises(ValueError, match=rf"n_draws .* the 100 draws .* got {n_draws!r}"):
        estimator.sample_proba(moons.X_new, **groups, n_draws=n_draws)


# Bounds in size and memory -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["predict_proba", "predict_std", "sample_proba"])
def test_batches_change_nothing(case, method, moons):
    estimator, _ = case
    X = np.tile(moons.X_new, (40, 1))  # 2400 rows x 100 draws x 3 units: more than one block of BLOCK_BYTES
    assert X.shape[0] * 100 * 3 * 8 > prediction.BLOCK_BYTES
    labels = np.tile(np.where(moons.groups_new == 3, 99, moons.groups_new), 40)

    def predict(rows):
        groups = {"groups": labels[rows]} if isinstance(estimator, HierarchicalBNNClassifier) else {}
        return getattr(estimator, method)(X[rows], **groups)

    axis = 1 if method == "sample_proba" else 0
    whole = predict(slice(None))
    batches = [slice(0, 1), slice(1, 8), slice(8, 1000), slice(1000, 2400)]
    in_batches = np.concatenate([predict(batch) for batch in batches], axis=axis)
    # The root in std_proba magnifies the rounding of a variance near 0.
    np.testing.assert_allclose(in_batches, whole, rtol=0, atol=1e-9 if method == "predict_std" else 1e-12)


def peak_bytes(function, *args):
    tracemalloc.start()
    try:
        function(*args)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("statistic", [prediction.mean_proba, prediction.std_proba, prediction.mean_entropy])
@pytest.mark.parametrize(
    ("hidden", "n_draws", "n_rows"), [(3, 400, 20_000), (200, 4, 40_000), (200, 2000, 200)], ids=str
)
def test_memory_is_bounded(statistic, hidden, n_draws, n_rows):
    """A few blocks, and a few numbers a row and a draw, but never draws x rows, rows x units or draws x units."""
    network = Network((2, hidden, 1), "tanh", True)
    rng = np.random.default_rng(0)
    weights = rng.standard_normal((n_draws, network.n_weights)).astype(np.float32)
    X = rng.standard_normal((n_rows, 2))
    bound = 3 * prediction.BLOCK_BYTES + 16 * 8 * n_rows
    assert peak_bytes(statistic, predictor(network), weights, X) < bound


def test_memory_of_predict_proba_is_bounded(hierarchical, moons):
    X, labels = np.tile(moons.X_new, (400, 1)), np.tile(moons.groups_new, 400)  # 24,000 rows x 100 draws x 3 units
    naive = len(X) * 100 * 3 * 8
    bound = 15e6
    assert bound < naive / 3
    assert peak_bytes(hierarchical.predict_proba, X, labels) < bound


# Inputs and faults -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("cls", CLASSES)
def test_scale_of_the_features_does_not_matter(cls, small, moons):
    """A power of two changes no digit, so standardised inputs give the very same draws."""
    scale = np.array([2.0**20, 2.0**-20])
    reference = cls(**small).fit(moons.X, moons.y)
    scaled = cls(**small).fit(moons.X * scale, moons.y)
    np.testing.assert_array_equal(scaled.posterior_.weights, reference.posterior_.weights)
    np.testing.assert_array_equal(scaled.predict_proba(moons.X_new * scale), reference.predict_proba(moons.X_new))


@pytest.mark.parametrize("cls", CLASSES)
def test_large_and_constant_features(cls, small, moons):
    X = np.c_[moons.X * [1e6, 1.0] + [1e6, 0.0], np.full(60, 0.3)]
    assert X[:, 2].mean() != 0.3  # rounding, which standardising must not blow up to a feature
    estimator = cls(**small).fit(X, moons.y)
    np.testing.assert_allclose(estimator.predict_proba(X).sum(axis=1), 1, rtol=1e-12)
    assert np.isfinite(estimator.posterior_.weights).all()
    assert np.abs(estimator.training_data_.X[:, 2]).max() < 1e-9


@pytest.mark.parametrize("cls", CLASSES)
def test_one_class(cls, small, moons):
    with pytest.raises(ValueError, match=r"needs samples of at least 2 classes.* contains only one class: .*7"):
        cls(**small).fit(moons.X, np.full(60, 7))


METHODS = ["predict", "predict_proba", "predict_log_proba", "predict_std", "predict_uncertainty", "sample_proba"]


@pytest.mark.parametrize("cls", CLASSES)
def test_not_fitted(cls, moons):
    estimator = cls()
    for call in (*(lambda m=m: getattr(estimator, m)(moons.X) for m in METHODS), estimator.to_arviz, estimator.to_pymc):
        with pytest.raises(NotFittedError, match=cls.__name__):
            call()
    with pytest.raises(NotFittedError, match=cls.__name__):
        estimator.score(moons.X, moons.y)


@pytest.mark.parametrize("cls", CLASSES)
def test_failed_fit_leaves_the_estimator_unfitted(cls, small, moons):
    """Also one that was fitted before: nothing of two fits is mixed."""
    estimator = cls(**small)
    for _ in range(2):
        with pytest.raises(ValueError, match="hidden_layer_sizes must hold"):
            estimator.set_params(hidden_layer_sizes=(0,)).fit(moons.X, moons.y)
        with pytest.raises(NotFittedError):
            check_is_fitted(estimator)
        with pytest.raises(NotFittedError):
            estimator.predict(moons.X)
        estimator.set_params(hidden_layer_sizes=(3,)).fit(moons.X, moons.y)
        assert estimator.predict(moons.X).shape == (60,)


def test_without_standardising_the_network_sees_the_features_as_they_are(small, moons):
    """Rows that are standardised already: whether the classifier does it once more changes nothing."""
    X = (moons.X - moons.X.mean(axis=0)) / moons.X.std(axis=0)  # (row, feature)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        within, without = (FlatBNNClassifier(**small, standardize=s).fit(X, moons.y) for s in (True, False))
        shifted = FlatBNNClassifier(**small, standardize=False).fit(X + 3, moons.y)
    np.testing.assert_allclose(without.training_data_.X[0], X[without.training_data_.order[0]], rtol=0)
    np.testing.assert_allclose(within.training_data_.X, without.training_data_.X, atol=1e-12)
    assert not np.allclose(shifted.predict_proba(X + 3), without.predict_proba(X))
