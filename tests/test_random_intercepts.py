"""Random intercepts of the labels of columns: the density, and estimators with them."""

import copy
import io
import warnings
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import reference
from agreement import assert_equals_pymc, assert_gradient_is_right, assert_moments
from forging import Forged
from models import FORMS, in_form, random_rows
from scipy import stats
from scipy.special import entr, expit, log_expit, softmax
from sklearn.base import clone
from sklearn.compose import ColumnTransformer
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import log_loss
from sklearn.model_selection import GridSearchCV, GroupKFold, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils import Bunch

import skhbnn
from conftest import quiet_fit
from skhbnn import (
    FlatBNNClassifier,
    FlatBNNRegressor,
    HierarchicalBNNClassifier,
    HierarchicalBNNRegressor,
    InformedPriorBNNClassifier,
    PerGroupClassifier,
    load,
)
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


# The data of the estimators' tests ------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def answers():
    """Answers of 6 persons to 5 items: a table, classes, three classes, and numbers."""
    rng = np.random.default_rng(0)
    n = 120
    item, person = rng.integers(0, 5, n), rng.integers(0, 6, n)  # (row,) each
    day = np.where(rng.random(n) < 0.5, "mon", "tue")  # (row,)
    x, z = np.round(8 * rng.normal(size=(2, n))) / 8  # (row,) each: of few values, so that equal rows are there
    table = pd.DataFrame({"x": x, "item": np.array(list("abcde"))[item], "z": z, "person": person, "day": day})
    mean = x + 0.8 * item - 0.5 * person + 0.3 * (day == "mon")  # (row,)
    numbers = mean + 0.5 * rng.normal(size=n)  # (row,)
    return Bunch(X=table, y=(numbers > 1).astype(int), classes=np.digitize(numbers, [0, 2]), numbers=numbers)


@pytest.fixture(scope="module")
def both(small, answers):
    """A hierarchical fit of two classes with two columns of random intercepts."""
    estimator = HierarchicalBNNClassifier(**small, groups="person", random_intercepts=["item", "day"])
    return quiet_fit(estimator, answers.X, answers.y)


@pytest.fixture(scope="module")
def three(small, answers):
    """A flat fit of three classes with one column of random intercepts."""
    return quiet_fit(
        FlatBNNClassifier(**small, random_intercepts="item"), answers.X[["x", "item", "z"]], answers.classes
    )


def codes(labels, known):
    return np.array([list(known).index(label) for label in labels])


def outputs_of(fitted, table, inputs, groups=None):
    """Outputs of rows with known labels under each draw, in plain NumPy, (draw, row, output)."""
    posterior, network = fitted.posterior_, fitted.posterior_.network
    X = (table[inputs].to_numpy() - fitted.standardizer_.mean) / fitted.standardizer_.scale  # (row, feature)
    weights = posterior.weights.reshape(posterior.n_draws, -1, network.n_weights).astype(float)  # (draw, group, weight)
    of_row = np.zeros(len(table), int) if groups is None else codes(groups, fitted.groups_)  # (row,)
    outputs = np.stack(
        [reference.row_logits(network, weights[:, g], x) for g, x in zip(of_row, X, strict=True)], axis=1
    )
    for column, known in zip(posterior.model.random_intercepts, fitted.random_intercept_labels_, strict=True):
        intercepts = posterior.intercepts_of(column.name)  # (chain, draw, label, output)
        intercepts = intercepts.reshape(posterior.n_draws, *intercepts.shape[2:]).astype(float)
        outputs = outputs + intercepts[:, codes(table[column.name], known)]
    return outputs


# Predictions ----------------------------------------------------------------------------------------------------------


def test_predictions_of_two_classes_equal_numpy(both, answers):
    outputs = outputs_of(both, answers.X, ["x", "z"], answers.X["person"])[:, :, 0]  # (draw, row)
    p = expit(outputs)  # (draw, row)
    np.testing.assert_allclose(both.predict_proba(answers.X)[:, 1], p.mean(axis=0), rtol=1e-5)
    np.testing.assert_allclose(both.predict_std(answers.X)[:, 1], p.std(axis=0), rtol=1e-3)
    np.testing.assert_allclose(both.sample_proba(answers.X, n_draws=100)[:, :, 1], p, rtol=1e-4)
    expected = np.log(np.where(answers.y == 1, p, 1 - p).mean(axis=0))  # (row,)
    np.testing.assert_allclose(both.log_predictive_density(answers.X, answers.y), expected, rtol=1e-4, atol=1e-6)
    total = both.predict_uncertainty(answers.X).total  # (row,)
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


def test_log_likelihoods_of_training_rows_equal_numpy(both, answers):
    """They are what stacking and ``to_arviz`` take."""
    outputs = outputs_of(both, answers.X, ["x", "z"], answers.X["person"])[:, :, 0]  # (draw, row)
    expected = log_expit(np.where(answers.y == 1, outputs, -outputs))  # (draw, row)
    data = both.to_arviz()
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
        np.eye(n)[codes(table[name], known)] for name, n, known in (("person", 6, range(6)), ("item", 5, "abcde"))
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


def test_unseen_labels_depend_on_nothing_else(both, answers):
    rows = answers.X.iloc[:6].copy()
    rows["item"] = ["new", "a", None, "new", "b", "other"]
    rows.loc[5, "person"] = 99
    proba = both.sample_proba(rows)  # (draw, row, class)
    for row in range(6):
        np.testing.assert_array_equal(both.sample_proba(rows.iloc[[row]])[:, 0], proba[:, row])
    same = pd.concat([rows.iloc[[0]].assign(x=0.5, z=0.5), rows.iloc[[3]].assign(x=0.5, z=0.5)]).assign(
        person=1, day="mon"
    )
    first, second = both.sample_proba(same).swapaxes(0, 1)  # (draw, class) each
    np.testing.assert_array_equal(first, second)
    third = both.sample_proba(same.iloc[[0]].assign(item="other"))[:, 0]  # (draw, class)
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


def test_unseen_labels_are_refused_if_asked(both, answers):
    refusing = clone(both).set_params(unseen_groups="error")
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


# The rows of a fit ----------------------------------------------------------------------------------------------------


def same_fit(a, b):
    np.testing.assert_array_equal(a.posterior_.weights, b.posterior_.weights)
    np.testing.assert_array_equal(a.posterior_.random_intercepts, b.posterior_.random_intercepts)


def test_order_and_places_of_columns_change_nothing(both, answers):
    order = np.random.default_rng(1).permutation(len(answers.y))  # (row,)
    columns = ["person", "x", "day", "z", "item"]
    same_fit(quiet_fit(clone(both), answers.X[columns].iloc[order], answers.y[order]), both)


def test_rows_are_merged_where_labels_are_equal_too(small):
    X = pd.DataFrame({"x": [0.5, 0.5, 0.5, -1.0], "item": ["a", "a", "b", "b"]})
    fitted = quiet_fit(FlatBNNClassifier(**small, random_intercepts="item"), X, [1, 1, 1, 0])
    data = fitted.training_data_
    found = sorted(zip(data.X[:, 0] > 0, data.intercept_codes[:, 0].tolist(), data.weights.tolist(), strict=True))
    assert found == [(False, 1, 1), (True, 0, 2), (True, 1, 1)]
    repeated = quiet_fit(clone(fitted), X.iloc[[0, 2, 3]], [1, 1, 0], sample_weight=[2, 1, 1])
    same_fit(repeated, fitted)


def test_labels_of_rows_without_weight_are_not_there(small, answers):
    weights = (answers.X["item"] != "c").to_numpy(float)  # (row,)
    table = answers.X[["x", "item"]]
    estimator = FlatBNNClassifier(**small, random_intercepts="item")
    fitted = quiet_fit(estimator, table, answers.y, sample_weight=weights)
    assert fitted.random_intercept_labels_[0].tolist() == list("abde")
    same_fit(fitted, quiet_fit(clone(estimator), table[weights > 0], answers.y[weights > 0]))


def test_arrays_have_columns_by_position(small, answers):
    rows = answers.X.assign(item=codes(answers.X["item"], "abcde"), day=0.0).drop(columns="day").to_numpy(float)
    a = quiet_fit(FlatBNNClassifier(**small, random_intercepts=[1, -1]), rows, answers.y)
    table = answers.X.drop(columns="day")
    b = quiet_fit(FlatBNNClassifier(**small, random_intercepts=["item", "person"]), table, answers.y)
    same_fit(a, b)
    assert a.random_intercept_columns_ == b.random_intercept_columns_ == [1, 3]
    np.testing.assert_array_equal(a.predict_proba(rows), b.predict_proba(table))


def test_groups_as_an_argument(both, answers):
    """The labels of random intercepts are columns all the same."""
    estimator = clone(both).set_params(groups=None)
    table = answers.X.drop(columns="person")
    fitted = quiet_fit(estimator, table, answers.y, groups=answers.X["person"])
    same_fit(fitted, both)
    found = fitted.predict_proba(table, groups=answers.X["person"])  # (row, class)
    np.testing.assert_array_equal(found, both.predict_proba(answers.X))


# Tools around a fit ---------------------------------------------------------------------------------------------------


def test_cross_validation_and_searches(small, answers):
    """Scores of folds equal those by hand, with labels that only test rows have among them."""
    table = answers.X.drop(columns="day")
    steps = ColumnTransformer(
        [("scaled", StandardScaler(), ["x", "z"])], remainder="passthrough", verbose_feature_names_out=False
    )
    model = FlatBNNClassifier(**small, random_intercepts=["item", "person"])
    pipeline = make_pipeline(steps.set_output(transform="pandas"), model)
    folds = GroupKFold(3)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        found = cross_val_score(pipeline, table, answers.y, groups=table["person"], cv=folds, scoring="neg_log_loss")
        for score, (train, test) in zip(found, folds.split(table, groups=table["person"]), strict=True):
            proba = clone(pipeline).fit(table.iloc[train], answers.y[train]).predict_proba(table.iloc[test])
            np.testing.assert_allclose(score, -log_loss(answers.y[test], proba), rtol=1e-12)
        search = GridSearchCV(pipeline, {"flatbnnclassifier__random_intercepts": [["item", "person"], "item"]}, cv=2)
        with pytest.raises(ValueError, match="person"):  # which is no number with one setting less
            GridSearchCV(model, {"random_intercepts": ["item"]}, cv=2, error_score="raise").fit(
                table.astype({"person": str}).replace({"person": {"1": "one"}}), answers.y
            )
        search.fit(table, answers.y)
    assert len(search.cv_results_["params"]) == 2
    search.predict(table)


def test_labelled_posterior(both, answers):
    data = both.to_arviz()
    intercepts = data["posterior"]["random_intercept_item"]
    assert intercepts.dims == ("chain", "draw", "item_label", "output")
    assert intercepts["item_label"].values.tolist() == list("abcde")
    np.testing.assert_array_equal(intercepts.values, both.posterior_.random_intercepts[:, :, :5])
    np.testing.assert_array_equal(both.posterior_.intercepts_of("day"), both.posterior_.random_intercepts[:, :, 5:])
    learned = data["posterior"]["group_scale"]["part"].values.tolist()
    assert learned[-2:] == ["random_intercept_item", "random_intercept_day"] == both.diagnostics_.learned_parts[-2:]
    assert len(both.diagnostics_.r_hat_group_scale) == len(learned)
    assert "item: 5 labels, day: 2 labels" in repr(both.posterior_)
    pymc_model = both.to_pymc()
    assert list(pymc_model.coords["day_label"]) == ["mon", "tue"]
    with pytest.raises(ValueError, match=r"'x' is no column of random intercepts, which are \['item', 'day'\]"):
        both.posterior_.intercepts_of("x")


def test_a_prior_of_a_new_group_leaves_them_out(both):
    informed = InformedPriorBNNClassifier.from_hierarchical(both, align=False, prior_chains="equal")
    network = both.posterior_.network
    assert informed.prior_mean.shape == (network.n_weights,)
    np.testing.assert_allclose(informed.prior_mean, both.posterior_.group_mean.mean(axis=(0, 1)), rtol=1e-4, atol=1e-6)
    assert informed.feature_names == ["x", "z"]


def test_parts_of_a_posterior(both):
    """Chains and draws of the random intercepts are those of the weights."""
    posterior = both.posterior_
    np.testing.assert_array_equal(posterior.of_chains(1).random_intercepts, posterior.random_intercepts[[1]])
    thinned = posterior.thinned(20)
    kept = thinned.weights.transpose(1, 0, 2, 3)  # (draw, chain, group, weight)
    where = [np.flatnonzero((posterior.weights == w[:, None]).all(axis=(0, 2, 3)))[0] for w in kept]  # (draw,)
    np.testing.assert_array_equal(thinned.random_intercepts, posterior.random_intercepts[:, where])


@pytest.mark.parametrize("inference", ["map", "advi"])
def test_other_methods(inference, answers):
    settings = {"hidden_layer_sizes": (), "tune": 20, "draws": 20, "chains": 2, "max_iter": 300, "random_state": 0}
    estimator = FlatBNNRegressor(**settings, inference=inference, random_intercepts="item")
    table = answers.X[["x", "item"]]
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "inference='map' climbs")
        fitted = quiet_fit(estimator, table, answers.numbers)
    assert np.all(np.isfinite(fitted.predict(table)))
    intercepts = fitted.posterior_.random_intercepts
    assert intercepts.shape == (*fitted.posterior_.weights.shape[:2], 5, 1)
    if inference == "map":  # of the effects 0.8 times the position, less their mean
        assert stats.pearsonr(intercepts[0, 0, :, 0], np.arange(5)).statistic > 0.9


def test_laplace_is_refused(answers):
    estimator = FlatBNNClassifier(inference="laplace", random_intercepts="item")
    with pytest.raises(
        ValueError, match="inference='laplace' knows no random_intercepts; set inference to one of 'nuts'"
    ):
        estimator.fit(answers.X[["x", "item"]], answers.y)


# Files ----------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def file(both):
    buffer = io.BytesIO()
    both.save(buffer)
    return buffer.getvalue()


def test_loaded_fits_predict_alike(both, file, answers):
    loaded = load(io.BytesIO(file))
    rows = pd.concat([answers.X, answers.X.assign(item="new"), answers.X.assign(day=None)])
    np.testing.assert_array_equal(loaded.predict_proba(rows), both.predict_proba(rows))
    same_fit(loaded, both)
    assert repr(loaded.posterior_) == repr(both.posterior_)


def forged_codes(forged):
    codes = forged.array("training_data_", "intercept_codes")
    codes[0, 0] = 5
    forged.put(codes, "training_data_", "intercept_codes")


def forged_count(forged):
    forged.record("posterior_", "model")["random_intercepts"]["$tuple"][0]["$RandomIntercept"]["n_labels"] = 4


def forged_scale(forged):
    forged.record("posterior_", "model")["random_intercepts"]["$tuple"][0]["$RandomIntercept"]["scale"] = -1.0


def forged_labels(forged):
    forged.record("training_data_")["intercept_labels"][1] = ["mon", "mon"]


def forged_intercepts(forged):
    intercepts = forged.array("posterior_", "random_intercepts")
    forged.put(intercepts[:, :, :-1].copy(), "posterior_", "random_intercepts")


def forged_columns(forged):
    forged.attributes["random_intercept_columns_"] = [1, 7]


def without_intercepts(forged):
    forged.record("posterior_")["random_intercepts"] = None


def without_codes(forged):
    forged.record("training_data_")["intercept_codes"] = None


FORGERIES = [forged_codes, forged_count, forged_scale, forged_labels, forged_intercepts, forged_columns]
FORGERIES += [without_intercepts, without_codes]


@pytest.mark.parametrize("change", FORGERIES, ids=lambda change: change.__name__)
def test_forged_files_are_refused(change, file):
    forged = Forged(file)
    load(io.BytesIO(forged.build()))
    change(forged)
    with pytest.raises(ValueError, match="not a whole file"):
        load(io.BytesIO(forged.build()))


# Bad input ------------------------------------------------------------------------------------------------------------

BAD = {
    "unknown": ("items", "random_intercepts='items' is not a column of X.* Did you mean 'item'"),
    "twice": (["item", "item"], "random_intercepts=.*names a column of X twice"),
    "also the group": (["person"], "groups and random_intercepts both name the column 'person' of X"),
    "none": ([], "random_intercepts=.* names no column of X; use None"),
    "no such position": (17, "random_intercepts=17 is not the index of a column of X"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_columns(case, answers):
    columns, text = BAD[case]
    with pytest.raises(ValueError, match=text):
        HierarchicalBNNClassifier(groups="person", random_intercepts=columns).fit(answers.X, answers.y)


def test_bad_labels_and_tables(small, answers):
    table, estimator = answers.X[["x", "item"]], FlatBNNClassifier(**small, random_intercepts="item")
    missing = table.assign(item=[*table["item"][:3], None, *table["item"][4:]])
    with pytest.raises(ValueError, match=r"column 'item' of X .* has 1 missing label\(s\), the first at row 3; drop"):
        estimator.fit(missing, answers.y)
    weights = np.arange(len(table)) != 3  # (row,)
    quiet_fit(clone(estimator), missing, answers.y, sample_weight=weights)  # the row does not count
    with pytest.raises(ValueError, match=r"column 'item' of X .* not hashable: \['a'\]"):
        estimator.fit(table.assign(item=[["a"]] * len(table)), answers.y)
    with pytest.raises(ValueError, match="names every column of X: none is left"):
        estimator.fit(table[["item"]], answers.y)
    with pytest.raises(ValueError, match="random_intercepts='item' names a column, but X is a ndarray without"):
        estimator.fit(np.zeros((4, 2)), [0, 1, 0, 1])
    fitted = quiet_fit(clone(estimator), table, answers.y)
    with pytest.raises(ValueError, match=r"random_intercepts=None names none now\. Set it back"):
        clone_of(fitted).set_params(random_intercepts=None).predict(table[["x", "item"]].assign(item=0.0))


def clone_of(fitted):
    return copy.copy(fitted)


def test_doubtful_labels_are_warned_of(small, answers):
    estimator = FlatBNNClassifier(**small, random_intercepts="item")
    alone = answers.X[["x"]].assign(item=[f"row {k}" for k in range(len(answers.y))])
    with pytest.warns(UserWarning, match="column 'item' .* has a label of its own for 120 of 120 rows.* leave such a"):
        quiet_fit(clone(estimator), alone, answers.y)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        clone(estimator).fit(alone.assign(item="one"), answers.y)
    assert any("column 'item' of X that random_intercepts names has one label in all" in str(w.message) for w in caught)


def test_update_of_groups_is_refused(small, answers):
    table = answers.X[["x", "item", "person"]]
    model = PerGroupClassifier(FlatBNNClassifier(**small, random_intercepts="item"), groups="person", n_jobs=1)
    fitted = quiet_fit(model, table, answers.y)
    assert fitted.predict_proba(table).shape == (120, 2)
    with pytest.raises(ValueError, match="update knows no random_intercepts"):
        fitted.update(table, answers.y)


def test_dropped_groups_take_their_rows_with_them(both, answers, tmp_path):
    fitted = copy.deepcopy(both).drop_groups([2])
    rest = answers.X[answers.X["person"] != 2]
    np.testing.assert_array_equal(fitted.predict_proba(rest), both.predict_proba(rest))
    data = fitted.training_data_
    found = [np.array(data.intercept_labels[0])[data.intercept_codes[place, 0]] for place in data.places]
    np.testing.assert_array_equal(np.array(found)[data.places >= 0], rest["item"])
    fitted.save(tmp_path / "fit.skhbnn")
    np.testing.assert_array_equal(skhbnn.load(tmp_path / "fit.skhbnn").predict(rest), both.predict(rest))
