"""Random intercepts of the labels of columns: the density, and predictions of known and unseen labels."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import reference
from agreement import assert_equals_pymc, assert_gradient_is_right, assert_moments
from models import FORMS, in_form, random_rows
from scipy import stats
from scipy.special import entr, expit, log_expit, softmax
from sklearn.base import clone

from conftest import quiet_fit
from skhbnn import FlatBNNClassifier, FlatBNNRegressor, HierarchicalBNNRegressor
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
    assert_equals_pymc(density, fused=form == "in lanes", n_points=1)  # both forms are one density


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


# Predictions ---------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def three(small, answers):
    """A flat fit of three classes with one column of random intercepts."""
    return quiet_fit(
        FlatBNNClassifier(**small, random_intercepts="item"), answers.X[["x", "item", "z"]], answers.classes
    )


def outputs_of(fitted, table, inputs, groups=None):
    """Outputs of rows with known labels under each draw, in plain NumPy, (draw, row, output)."""
    posterior, network = fitted.posterior_, fitted.posterior_.network
    X = (table[inputs].to_numpy() - fitted.standardizer_.mean) / fitted.standardizer_.scale  # (row, feature)
    weights = posterior.weights.reshape(posterior.n_draws, -1, network.n_weights).astype(float)  # (draw, group, weight)
    of_row = np.zeros(len(table), int) if groups is None else reference.codes(groups, fitted.groups_)  # (row,)
    outputs = np.stack(
        [reference.row_logits(network, weights[:, g], x) for g, x in zip(of_row, X, strict=True)], axis=1
    )
    for column, known in zip(posterior.model.random_intercepts, fitted.random_intercept_labels_, strict=True):
        intercepts = posterior.intercepts_of(column.name)  # (chain, draw, label, output)
        intercepts = intercepts.reshape(posterior.n_draws, *intercepts.shape[2:]).astype(float)
        outputs = outputs + intercepts[:, reference.codes(table[column.name], known)]
    return outputs


def test_predictions_of_two_classes_equal_numpy(crossed, answers):
    outputs = outputs_of(crossed, answers.X, ["x", "z"], answers.X["person"])[:, :, 0]  # (draw, row)
    p = expit(outputs)  # (draw, row)
    np.testing.assert_allclose(crossed.predict_proba(answers.X)[:, 1], p.mean(axis=0), rtol=1e-5)
    np.testing.assert_allclose(crossed.predict_std(answers.X)[:, 1], p.std(axis=0), rtol=1e-3)
    np.testing.assert_allclose(crossed.sample_proba(answers.X, n_draws=100)[:, :, 1], p, rtol=1e-4)
    expected = np.log(np.where(answers.y == 1, p, 1 - p).mean(axis=0))  # (row,)
    np.testing.assert_allclose(crossed.log_predictive_density(answers.X, answers.y), expected, rtol=1e-4, atol=1e-6)
    total = crossed.predict_uncertainty(answers.X).total  # (row,)
    np.testing.assert_allclose(total, entr([p.mean(axis=0), 1 - p.mean(axis=0)]).sum(axis=0), rtol=1e-4)


def test_predictions_of_three_classes_equal_numpy(three, answers):
    assert three.posterior_.random_intercepts.shape == (2, 50, 5, 3)
    table = answers.X[["x", "item", "z"]]
    proba = softmax(outputs_of(three, table, ["x", "z"]), axis=2)  # (draw, row, class)
    np.testing.assert_allclose(three.predict_proba(table), proba.mean(axis=0), rtol=1e-4)
    np.testing.assert_array_equal(three.predict(table), proba.mean(axis=0).argmax(axis=1))


@pytest.mark.parametrize("likelihood_name", ["normal", "poisson"])
def test_predictions_of_numbers_equal_numpy(likelihood_name, small, answers):
    y = answers.numbers if likelihood_name == "normal" else np.floor(np.abs(answers.numbers))  # (row,)
    estimator = FlatBNNRegressor(**small, likelihood=likelihood_name, random_intercepts=["item", "person"])
    table = answers.X[["item", "x", "person"]]
    fitted = quiet_fit(estimator, table, y)
    outputs = outputs_of(fitted, table, ["x"])[:, :, 0]  # (draw, row)
    if likelihood_name == "poisson":
        mean = np.exp(outputs)  # (draw, row)
    else:
        scale, shift = fitted.target_standardizer_.scale[0], fitted.target_standardizer_.mean[0]
        mean, sd = shift + scale * outputs, scale * fitted.posterior_.own.reshape(-1, 1)  # (draw, row), (draw, 1)
        quantile = fitted.predict_quantiles(table, 0.8)  # (row,)
        np.testing.assert_allclose(stats.norm.cdf(quantile, mean, sd).mean(axis=0), 0.8, rtol=1e-4)
        assert np.all(np.diff(fitted.predict_interval(table)) > 0)
    np.testing.assert_allclose(fitted.predict(table), mean.mean(axis=0), rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(fitted.sample_mean(table), mean, rtol=1e-3, atol=1e-4)
    new = fitted.sample_predictive(table, random_state=0)  # (draw, row)
    variance = mean if likelihood_name == "poisson" else sd**2
    standard = (new - mean) / np.sqrt(variance)  # (draw, row)
    assert abs(standard.mean()) < 4 / np.sqrt(standard.size)


def test_log_likelihoods_of_training_rows_equal_numpy(crossed, answers):
    """They are what stacking and ``to_arviz`` take."""
    outputs = outputs_of(crossed, answers.X, ["x", "z"], answers.X["person"])[:, :, 0]  # (draw, row)
    expected = log_expit(np.where(answers.y == 1, outputs, -outputs))  # (draw, row)
    data = crossed.to_arviz()
    found = np.asarray(data["log_likelihood"]["y"]).reshape(100, -1)  # (draw, row)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


def test_exact_posterior_of_a_linear_model(answers):
    """Fixed scales: given the scale of the noise all is normal, and that scale is integrated over a grid."""
    table = answers.X[["x", "item", "person"]]
    settings = {
        "hidden_layer_sizes": (),
        "chains": 4,
        "tune": 300,
        "draws": 500,
        "target_accept": 0.9,
        "random_state": 0,
    }
    estimator = HierarchicalBNNRegressor(
        **settings, groups="person", random_intercepts="item", group_scale_prior=0.6, prior_scale=1.5, pooling="partial"
    ).fit(table, answers.numbers)
    x = (table["x"] - table["x"].mean()).to_numpy() / table["x"].std(ddof=0)  # (row,)
    y = (answers.numbers - answers.numbers.mean()) / answers.numbers.std()  # (row,)
    one_hot = [
        np.eye(n)[reference.codes(table[name], known)]
        for name, n, known in (("person", 6, range(6)), ("item", 5, "abcde"))
    ]
    person, item = one_hot  # (row, label) each
    design = np.column_stack([1.5 * x, 1.5 * np.ones_like(x), 0.6 * person * x[:, None], 0.6 * person, 0.6 * item])
    sds = np.linspace(0.1, 1.0, 200)[:, None]  # (sd, 1)
    values, vectors = np.linalg.eigh(design @ design.T)  # (direction,), (row, direction)
    along, cov = vectors.T @ y, values + sds**2  # (direction,), (sd, direction)
    log_weights = stats.norm.logpdf(along, scale=np.sqrt(cov)).sum(axis=1) + stats.halfnorm.logpdf(sds[:, 0])  # (sd,)
    weights, means = softmax(log_weights), (values / cov * along) @ vectors.T  # (sd,), (sd, row)
    variances = (values - values**2 / cov) @ (vectors**2).T  # (sd, row)
    mean = weights @ means  # (row,)
    std = np.sqrt(weights @ (variances + (means - mean) ** 2))  # (row,)
    draws = estimator.sample_mean(table)  # (draw, row)
    draws = (draws - answers.numbers.mean()) / answers.numbers.std()
    for row in range(0, len(y), 10):
        assert_moments(draws[:, row].reshape(4, 500), mean[row], std[row], least_ess=200)


# Labels that the fit does not know ------------------------------------------------------------------------------------


def test_unseen_labels_are_drawn_from_their_distribution(three, answers):
    """The outputs less those of the network, in units of the learned scale, are standard normal."""
    rows = answers.X[["x", "item", "z"]].iloc[:40].assign(item=[f"new {k}" for k in range(40)])
    logits = np.log(three.sample_proba(rows))  # (draw, row, class)
    known = rows.assign(item="a")
    without = outputs_of(three, known, ["x", "z"]) - three.posterior_.intercepts_of("item").reshape(100, 5, 3)[:, :1]
    added = logits - without  # (draw, row, class), up to a constant of the row
    added -= added.mean(axis=2, keepdims=True)
    scale = three.posterior_.group_scale.reshape(100, 1, 1)  # the one learned scale
    standard = (added / scale)[:, :, 0] / np.sqrt(2 / 3)  # (draw, row): a class less the mean of three
    assert stats.kstest(standard.ravel(), "norm").pvalue > 1e-4


def test_unseen_labels_depend_on_nothing_else(crossed, answers):
    rows = answers.X.iloc[:6].copy()
    rows["item"] = ["new", "a", None, "new", "b", "other"]
    rows.loc[5, "person"] = 99
    proba = crossed.sample_proba(rows)  # (draw, row, class)
    for row in range(6):
        np.testing.assert_array_equal(crossed.sample_proba(rows.iloc[[row]])[:, 0], proba[:, row])
    same = pd.concat([rows.iloc[[0]].assign(x=0.5, z=0.5), rows.iloc[[3]].assign(x=0.5, z=0.5)]).assign(
        person=1, day="mon"
    )
    first, second = crossed.sample_proba(same).swapaxes(0, 1)  # (draw, class) each
    np.testing.assert_array_equal(first, second)
    third = crossed.sample_proba(same.iloc[[0]].assign(item="other"))[:, 0]  # (draw, class)
    assert np.abs(first - third).max() > 0.01


def test_unseen_labels_of_a_mode(answers):
    """400 draws around the one, whatever stands beside them; known labels have the one."""
    estimator = FlatBNNClassifier((), random_intercepts="item", inference="map", random_state=0)
    table = answers.X[["x", "item"]]
    with pytest.warns(UserWarning, match="shrinks the intercepts too little"):
        fitted = estimator.fit(table, answers.y)
    rows = table.iloc[:4].assign(item=["a", "new", "b", "new"])
    std = fitted.predict_std(rows)[:, 1]  # (row,)
    np.testing.assert_array_equal(std[[0, 2]], 0)
    assert np.all(std[[1, 3]] > 0)
    for row in range(4):
        one = fitted.predict_proba(rows.iloc[[row]])[0]  # (class,)
        np.testing.assert_allclose(one, fitted.predict_proba(rows)[row], rtol=1e-12)


def test_unseen_labels_are_refused_if_asked(crossed, answers):
    refusing = clone(crossed).set_params(unseen_groups="error")
    fitted = quiet_fit(refusing, answers.X, answers.y)
    fitted.predict(answers.X)
    with pytest.raises(ValueError, match=r"column 'item' of X .* holds 1 label\(s\) that fit did not see: 'new'"):
        fitted.predict(answers.X.assign(item=["new", *answers.X["item"][1:]]))


def test_labels_of_another_type_are_warned_of(small, answers):
    table = answers.X[["x", "person"]]
    fitted = quiet_fit(FlatBNNClassifier(**small, random_intercepts="person"), table, answers.y)
    with pytest.warns(
        UserWarning, match=r"column 'person' of X .* holds no label that fit saw\. The labels are of the"
    ):
        fitted.predict(table.astype({"person": str}))
