"""Priors taken from elsewhere: a perceptron's weights, and the posterior of an earlier fit."""

import numpy as np
import pandas as pd
import pytest
from scipy.special import softmax
from sklearn.datasets import load_iris
from sklearn.exceptions import NotFittedError
from sklearn.neural_network import MLPClassifier

from conftest import quiet_fit
from skhbnn import FlatBNNClassifier, InformedPriorBNNClassifier


@pytest.fixture(scope="module")
def iris():
    X, y = load_iris(return_X_y=True)
    return X, np.array(["setosa", "versicolor", "virginica"])[y]


@pytest.fixture(scope="module", params=["tanh", "relu", "logistic", "identity"])
def mlp(request, iris):
    return quiet_fit(MLPClassifier((4, 3), activation=request.param, max_iter=200, random_state=0), *iris)


def test_a_tight_prior_around_a_perceptron_predicts_as_it_does(mlp, iris, small):
    """With a scale of 1e-4 the weights cannot leave the perceptron's, whatever the rows say."""
    X, y = iris
    settings = {**small, "hidden_layer_sizes": (4, 3)}
    informed = InformedPriorBNNClassifier.from_mlp(mlp, scale=1e-4, **settings)
    quiet_fit(informed, X, y)
    np.testing.assert_array_equal(informed.classes_, mlp.classes_)
    np.testing.assert_allclose(informed.predict_proba(X), mlp.predict_proba(X), atol=5e-3)


def test_prior_mean_of_a_perceptron_is_its_forward_pass(mlp, iris):
    """The flat vector, read as the documentation says, gives the perceptron's probabilities in plain NumPy."""
    X, _ = iris
    w, h = InformedPriorBNNClassifier.from_mlp(mlp).prior_mean, X
    functions = {"tanh": np.tanh, "relu": lambda z: np.maximum(z, 0), "logistic": lambda z: 1 / (1 + np.exp(-z))}
    for n_in, n_out in ((4, 4), (4, 3), (3, 3)):
        kernel, w = w[: n_in * n_out].reshape(n_in, n_out), w[n_in * n_out :]
        intercept, w = w[:n_out], w[n_out:]
        h = h @ kernel + intercept
        if (n_in, n_out) != (3, 3):
            h = functions.get(mlp.activation, lambda z: z)(h)
    assert w.size == 0
    np.testing.assert_allclose(softmax(h, axis=1), mlp.predict_proba(X), rtol=1e-10)


def test_two_classes_of_a_perceptron(moons, small):
    mlp = quiet_fit(MLPClassifier((3,), activation="tanh", max_iter=50, random_state=0), moons.X, moons.y)
    informed = quiet_fit(InformedPriorBNNClassifier.from_mlp(mlp, scale=1e-4, **small), moons.X, moons.y)
    np.testing.assert_allclose(informed.predict_proba(moons.X), mlp.predict_proba(moons.X), atol=2e-3)


def test_strength_widens_the_prior(iris, small):
    """A wide prior lets the rows move the weights further from the perceptron."""
    X, y = iris
    mlp = quiet_fit(MLPClassifier((3,), activation="tanh", max_iter=5, random_state=0), X, y)
    spread = []
    for scale in (0.01, 0.3):
        informed = quiet_fit(InformedPriorBNNClassifier.from_mlp(mlp, scale=scale, **small), X, y)
        spread.append(np.abs(informed.posterior_.weights - informed.prior_mean).mean())
    assert spread[1] > 5 * spread[0]


def test_perceptrons_that_do_not_fit_are_refused(iris, moons):
    X, y = iris
    with pytest.raises(NotFittedError):
        InformedPriorBNNClassifier.from_mlp(MLPClassifier())
    with pytest.raises(TypeError, match="from_mlp needs a fitted MLPClassifier, got a FlatBNNClassifier"):
        InformedPriorBNNClassifier.from_mlp(FlatBNNClassifier())
    mlp = quiet_fit(MLPClassifier((3,), max_iter=3, random_state=0), X, y)
    with pytest.raises(ValueError, match=r"prior_mean has shape \(27,\), but the 4-2-3 network with intercepts has 19"):
        InformedPriorBNNClassifier.from_mlp(mlp, hidden_layer_sizes=(2,)).fit(X, y)
    with pytest.raises(ValueError, match=r"feature_mean has shape \(4,\), but X has 3 features"):
        InformedPriorBNNClassifier.from_mlp(mlp).fit(X[:, :3], y)
    with pytest.raises(ValueError, match="classes that are not in classes"):
        InformedPriorBNNClassifier.from_mlp(mlp).fit(X, np.where(y == "setosa", "rose", y))
    with pytest.raises(ValueError, match=r"'scale' parameter of .*from_mlp must be a float in the range"):
        InformedPriorBNNClassifier.from_mlp(mlp, scale=0.0)
    labels = np.stack([y == "setosa", y == "virginica"], axis=1).astype(int)  # (row, label)
    multilabel = quiet_fit(MLPClassifier((3,), max_iter=3, random_state=0), X, labels)
    with pytest.raises(ValueError, match="multilabel"):
        InformedPriorBNNClassifier.from_mlp(multilabel)


def test_posterior_of_half_the_rows_then_the_other_half():
    """Logistic regression: the posterior is nearly normal, so two halves in turn equal all rows at once."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(400, 1))  # (row, feature)
    y = (rng.random(400) < 1 / (1 + np.exp(-1 - 0.8 * X[:, 0]))).astype(int)  # (row,)
    settings = {"chains": 4, "tune": 300, "draws": 1000, "random_state": 0}
    first = FlatBNNClassifier((), **settings).fit(X[:200], y[:200])
    second = InformedPriorBNNClassifier.from_posterior(first).fit(X[200:], y[200:])
    scaled = (X - X[:200].mean()) / X[:200].std()  # the informed fit keeps the units of the first
    both = InformedPriorBNNClassifier((), feature_mean=[0], feature_scale=[1], **settings).fit(scaled, y)
    grid = np.linspace(-2, 2, 9)[:, None]  # (row, feature)
    in_two, at_once = second.predict_proba(grid), both.predict_proba((grid - X[:200].mean()) / X[:200].std())
    # The normal approximation of a half, and 4 standard errors of some 2,000 effective draws.
    np.testing.assert_allclose(in_two, at_once, atol=0.015)
    assert np.all(second.predict_std(grid) < first.predict_std(grid))


def test_posterior_of_one_group_of_a_hierarchical_fit(hierarchical, moons, small):
    informed = InformedPriorBNNClassifier.from_posterior(hierarchical, group=2, align=False, random_state=1)
    draws = hierarchical.posterior_.weights[:, :, 2].reshape(100, -1).astype(float)  # (draw, weight)
    np.testing.assert_allclose(informed.prior_mean, draws.mean(axis=0), atol=1e-6)
    np.testing.assert_allclose(informed.prior_cov, np.cov(draws, rowvar=False), rtol=1e-4, atol=1e-6)
    quiet_fit(informed, moons.X_new[:10], [0, 1] * 5)
    assert informed.predict(moons.X_new).shape == (60,)
    for group in (None, "elsewhere"):
        with pytest.raises(ValueError, match="none of the groups of the fit"):
            InformedPriorBNNClassifier.from_posterior(hierarchical, group=group)


def test_posteriors_that_make_no_prior_are_refused(flat, moons):
    with pytest.raises(NotFittedError):
        InformedPriorBNNClassifier.from_posterior(FlatBNNClassifier())
    with pytest.raises(TypeError, match="from_posterior needs a fitted classifier of this package"):
        InformedPriorBNNClassifier.from_posterior(MLPClassifier())
    with pytest.raises(ValueError, match="fitted without groups"):
        InformedPriorBNNClassifier.from_posterior(flat, group=1)
    mode = FlatBNNClassifier((2,), inference="map", random_state=0).fit(moons.X, moons.y)
    for covariance in ("full", "layer", "diag"):
        with pytest.raises(ValueError, match="A mode has no covariance: fit the FlatBNNClassifier with"):
            InformedPriorBNNClassifier.from_posterior(mode, covariance=covariance)


def test_columns_are_those_that_the_prior_was_made_for(fit_groups, moons, small):
    """By name and order, from every source of a prior; without names nothing can be said."""
    table = pd.DataFrame(moons.X, columns=["age", "price"])
    with_groups = table.assign(shop=moons.groups)
    mlp = quiet_fit(MLPClassifier((3,), max_iter=5, random_state=0), table, moons.y)
    priors = [
        InformedPriorBNNClassifier.from_hierarchical(fit_groups(X=with_groups, column="shop")),
        InformedPriorBNNClassifier.from_posterior(quiet_fit(FlatBNNClassifier(**small), table, moons.y)),
        InformedPriorBNNClassifier.from_mlp(mlp, **small),
    ]
    for prior in priors:
        assert prior.feature_names == ["age", "price"]
        for other in (table[["price", "age"]], table.rename(columns={"price": "height"})):
            with pytest.raises(ValueError, match=r"made for the columns \['age', 'price'\] in this order, and X has"):
                prior.fit(other, moons.y)
        for same in (table, moons.X):
            quiet_fit(prior, same, moons.y)
        quiet_fit(prior.set_params(feature_names=None), table.rename(columns={"price": "height"}), moons.y)
    unnamed = InformedPriorBNNClassifier.from_hierarchical(fit_groups(groups=moons.groups))
    assert unnamed.feature_names is None


@pytest.mark.parametrize("name", ["feature_mean", "feature_scale"])
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_units_must_be_finite(name, value, moons):
    with pytest.raises(ValueError, match=f"{name} contains NaN or infinity"):
        InformedPriorBNNClassifier(**{name: [value, 1]}).fit(moons.X, moons.y)


def test_a_covariance_that_does_not_fit_into_memory_is_refused(moons):
    with pytest.raises(MemoryError, match=r"The covariance of 4000001 weights .*lower hidden_layer_sizes"):
        InformedPriorBNNClassifier((1_000_000,)).fit(moons.X, moons.y)
