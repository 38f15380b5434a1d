"""Informed priors of numbers: taken from other fits and from perceptrons, in the unit that they were made for."""

import numpy as np
import pymc as pm
import pytest
from scipy import stats
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline

from conftest import quiet_fit
from skhbnn import (
    FlatBNNClassifier,
    FlatBNNRegressor,
    HierarchicalBNNRegressor,
    InformedPriorBNNClassifier,
    InformedPriorBNNRegressor,
)
from skhbnn.model import likelihoods

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def test_the_unit_of_the_prior_comes_with_it(hierarchical_regressor, waves):
    informed = InformedPriorBNNRegressor.from_hierarchical(hierarchical_regressor)
    assert informed.likelihood == "normal"
    assert (informed.target_mean, informed.target_scale) == pytest.approx((waves.y.mean(), waves.y.std()))
    rows = waves.groups == 1
    informed.fit(waves.X[rows], waves.y[rows])
    assert informed.target_standardizer_.mean[0] == informed.target_mean
    assert informed.target_standardizer_.scale[0] == informed.target_scale
    found = informed.training_data_.y * informed.target_scale + informed.target_mean  # (row,)
    np.testing.assert_allclose(found, waves.y[rows][informed.training_data_.order], rtol=1e-12)


@pytest.mark.parametrize("name", ["hierarchical_regressor", "counts_regressor"])
def test_a_narrow_prior_predicts_the_mean_of_an_old_fit(name, request, waves):
    """With a scale of 1e-4 the weights cannot leave the prior mean, whatever the rows say."""
    fitted = request.getfixturevalue(name)
    informed = InformedPriorBNNRegressor.from_hierarchical(fitted, prior_scale=1e-4)
    quiet_fit(informed, waves.X[:3], waves.counts[:3])
    w = informed.prior_mean  # (weight,)
    h = np.tanh(((waves.X - fitted.standardizer_.mean) / fitted.standardizer_.scale) @ w[:6].reshape(2, 3) + w[6:9])
    output = h @ w[9:12] + w[12]  # (row,)
    counts = name == "counts_regressor"
    expected = np.exp(output) if counts else waves.y.mean() + waves.y.std() * output
    np.testing.assert_allclose(informed.predict(waves.X), expected, rtol=1e-2, atol=1e-2)


def test_a_prior_of_counts_holds_their_offset(counts_regressor, waves):
    """The prior is around the old groups' counts, and not around 1."""
    informed = InformedPriorBNNRegressor.from_hierarchical(counts_regressor)
    assert informed.likelihood == "poisson"
    assert informed.target_mean is informed.target_scale is None
    prior = informed._take_prior(waves.X)
    assert abs(np.log(np.median(prior.predict(waves.X))) - np.log(waves.counts.mean())) < 1


def test_a_group_of_few_rows_learns_from_the_older_groups(waves, small):
    rng = np.random.default_rng(0)
    X, groups = rng.uniform(-2, 2, (240, 1)), np.repeat(np.arange(8), 30)
    y = 50 + 10 * np.sin(2 * X[:, 0]) + groups + rng.normal(size=240)
    old, few, rest = groups < 7, np.arange(210, 216), np.arange(216, 240)
    settings = {**small, "tune": 200, "draws": 200}
    fitted = quiet_fit(HierarchicalBNNRegressor(**settings), X[old], y[old], groups=groups[old])
    informed = quiet_fit(InformedPriorBNNRegressor.from_hierarchical(fitted), X[few], y[few])
    alone = quiet_fit(FlatBNNRegressor(**settings), X[few], y[few])
    with_prior, without = (model.score(X[rest], y[rest]) for model in (informed, alone))
    assert with_prior > 0.5  # the shape of the curve comes from the older groups
    assert with_prior > without + 0.3


def test_from_posterior(hierarchical_regressor, flat_regressor, informed_regressor, waves):
    """It predicts as the old fit does, without its rows."""
    rows = waves.groups == 2
    informed = InformedPriorBNNRegressor.from_posterior(hierarchical_regressor, group=2, covariance="diag")
    assert (informed.target_mean, informed.target_scale) == pytest.approx((waves.y.mean(), waves.y.std()))
    prior = informed.set_params(prior_scale=0.01, draws=200)._take_prior(waves.X)
    old = hierarchical_regressor.predict(waves.X[rows], groups=waves.groups[rows])
    assert np.corrcoef(prior.predict(waves.X[rows]), old)[0, 1] > 0.7
    for fitted in (flat_regressor, informed_regressor):
        informed = InformedPriorBNNRegressor.from_posterior(fitted, covariance="diag")
        assert informed.target_scale == fitted.target_standardizer_.scale[0]


@pytest.mark.parametrize("activation", ["tanh", "relu", "logistic", "identity"])
def test_a_tight_prior_around_a_perceptron_predicts_as_it_does(activation, waves, small):
    mlp = quiet_fit(
        MLPRegressor(hidden_layer_sizes=(4, 3), activation=activation, max_iter=50, random_state=0), waves.X, waves.y
    )
    informed = InformedPriorBNNRegressor.from_mlp(mlp, scale=1e-4, **{**small, "hidden_layer_sizes": (4, 3)})
    assert (informed.target_mean, informed.target_scale) == (0, 1)
    quiet_fit(informed, waves.X, waves.y)
    np.testing.assert_allclose(informed.predict(waves.X), mlp.predict(waves.X), atol=5e-3)


def test_a_perceptron_of_counts(waves, small):
    if "loss" not in MLPRegressor().get_params():
        pytest.skip("scikit-learn before 1.7 has no perceptron of counts")
    mlp = MLPRegressor(loss="poisson", hidden_layer_sizes=(3,), activation="tanh", max_iter=50, random_state=0)
    quiet_fit(mlp, waves.X, waves.counts)
    informed = InformedPriorBNNRegressor.from_mlp(mlp, scale=1e-4, **small)
    quiet_fit(informed, waves.X, waves.counts)
    np.testing.assert_allclose(informed.predict(waves.X), mlp.predict(waves.X), rtol=5e-3)


def test_estimators_of_the_other_task_are_refused(request, waves, moons):
    flat, hierarchical = (request.getfixturevalue(name) for name in ("flat", "hierarchical"))
    numbers = request.getfixturevalue("flat_regressor"), request.getfixturevalue("hierarchical_regressor")
    with pytest.raises(TypeError, match="needs a fitted HierarchicalBNNRegressor, got a HierarchicalBNNClassifier"):
        InformedPriorBNNRegressor.from_hierarchical(hierarchical)
    with pytest.raises(TypeError, match="needs a fitted HierarchicalBNNClassifier, got a HierarchicalBNNRegressor"):
        InformedPriorBNNClassifier.from_hierarchical(numbers[1])
    with pytest.raises(TypeError, match="needs a fitted regressor of this package, got a FlatBNNClassifier"):
        InformedPriorBNNRegressor.from_posterior(flat)
    with pytest.raises(TypeError, match="needs a fitted classifier of this package, got a FlatBNNRegressor"):
        InformedPriorBNNClassifier.from_posterior(numbers[0])
    with pytest.raises(TypeError, match=r"its last step is pipeline\[-1\]"):
        InformedPriorBNNRegressor.from_posterior(make_pipeline(FlatBNNClassifier()))
    with pytest.raises(TypeError, match="from_mlp needs a fitted MLPRegressor, got a MLPClassifier"):
        InformedPriorBNNRegressor.from_mlp(MLPClassifier())
    mlp = quiet_fit(MLPRegressor(hidden_layer_sizes=(3,), max_iter=3), waves.X, np.column_stack([waves.y, waves.y]))
    with pytest.raises(ValueError, match="from_mlp needs an MLPRegressor of one target; this one has 2"):
        InformedPriorBNNRegressor.from_mlp(mlp)


def test_units_that_are_refused(waves):
    with pytest.raises(ValueError, match="target_scale is given, and counts of likelihood='poisson' have no other"):
        InformedPriorBNNRegressor(target_scale=2.0, likelihood="poisson").fit(waves.X, waves.counts)
    for params in ({"target_scale": 0.0}, {"target_scale": np.inf}, {"target_mean": np.nan}, {"target_mean": "a"}):
        with pytest.raises(ValueError, match="The 'target_"):
            InformedPriorBNNRegressor(**params).fit(waves.X, waves.y)


@pytest.mark.parametrize("name", likelihoods.NAMES)
def test_own_numbers_of_a_prior_have_their_prior(name):
    """Drawn as PyMC draws them; of cutpoints PyMC draws the numbers before they are put in order."""
    kind = likelihoods.likelihood(name).of_classes(None if name in likelihoods.OF_NUMBERS else 4)
    found = kind.draw_own(np.random.default_rng(0), (2, 1000))  # (chain, draw, own number)
    assert found.shape == (2, 1000, len(kind.own))
    if not kind.own:
        return
    with pm.Model(coords={axis: list(kind.own) for axis in kind.own_dims.values() if axis}):
        variables = pm.draw(kind.own_pymc(), 2000, random_seed=0)
    expected = np.concatenate([np.reshape(values, (2000, -1)) for values in variables], axis=1)  # (draw, own number)
    expected = np.sort(expected, axis=1) if name == "ordinal" else expected
    for k, own in enumerate(found.reshape(2000, -1).T):
        assert stats.ks_2samp(own, expected[:, k]).pvalue > 1e-3


def test_half_a_unit(waves, small):
    """The other half is 0, or 1, as with the unit of the inputs."""
    for params, expected in (({"target_mean": 3.0}, (3, 1)), ({"target_scale": 2.0}, (0, 2))):
        fitted = quiet_fit(InformedPriorBNNRegressor(**params, **small), waves.X, waves.y)
        assert (fitted.target_standardizer_.mean[0], fitted.target_standardizer_.scale[0]) == expected
