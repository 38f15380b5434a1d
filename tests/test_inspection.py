"""Effects are what closed forms of linear models and loops over rows say, in any form of table, in bounded memory."""

import tracemalloc

import matplotlib

matplotlib.use("Agg")

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from scipy.special import expit
from sklearn.base import clone
from sklearn.compose import make_column_transformer
from sklearn.exceptions import NotFittedError
from sklearn.inspection import PartialDependenceDisplay
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

from conftest import quiet_fit
from skhbnn import (
    FlatBNNClassifier,
    FlatBNNRegressor,
    HierarchicalBNNClassifier,
    HierarchicalBNNRegressor,
    PerGroupClassifier,
    PerGroupRegressor,
)
from skhbnn.inspection import average_comparisons, average_predictions, average_slopes, response

FUNCTIONS = {
    "predictions": average_predictions,
    "comparisons": lambda estimator, X, **options: average_comparisons(estimator, X, 0, (0, 1), **options),
    "slopes": average_slopes,
}


@pytest.fixture(scope="module")
def linear(small):
    return {**small, "hidden_layer_sizes": ()}


@pytest.fixture(scope="module")
def linear_regressor(linear, waves):
    return quiet_fit(HierarchicalBNNRegressor(**linear, pooling="partial"), waves.X, waves.y, groups=waves.groups)


@pytest.fixture(scope="module")
def linear_classifier(linear, moons):
    return quiet_fit(HierarchicalBNNClassifier(**linear, pooling="partial"), moons.X, moons.y, groups=moons.groups)


@pytest.fixture(scope="module")
def table(shops):
    """A fit with a column of groups between the features, its table, and a function that gives it in other forms."""
    fitted, table, _ = shops

    def form(name):
        columns = {column: table[column].tolist() for column in table}
        return {
            "pandas": lambda: table,
            "polars": lambda: pl.DataFrame(columns),
            "pyarrow": lambda: pa.table(columns),
        }[name]()

    return fitted, table, form


def slopes_of_weights(fitted):
    """Slope of the linear predictor in each feature in the caller's units, under each draw, (draw, group, feature)."""
    weights = fitted.posterior_.weights.astype(float)  # (chain, draw, group, weight)
    n_features = fitted.n_features_in_
    assert fitted.posterior_.network.weight_names([f"x{i}" for i in range(n_features)])[0] == "layer 0: x0 -> output 0"
    return weights.reshape(-1, *weights.shape[2:])[..., :n_features] / fitted.standardizer_.scale


# Closed forms ------------------------------------------------------------------------------------------------


def test_slopes_of_a_linear_mean_are_weights(linear_regressor, waves):
    found = average_slopes(linear_regressor, waves.X, groups=waves.groups, by_group=True)
    expected = (
        slopes_of_weights(linear_regressor) * linear_regressor.target_standardizer_.scale
    )  # (draw, group, feature)
    np.testing.assert_allclose(found.draws.reshape(100, 2, 4), expected.transpose(0, 2, 1), rtol=1e-6, atol=1e-8)
    assert found.features == ["x0"] * 4 + ["x1"] * 4
    assert found.groups.tolist() == [0, 1, 2, 3] * 2
    assert found.n_samples.tolist() == [16] * 8
    whole = average_slopes(linear_regressor, waves.X, groups=waves.groups)
    np.testing.assert_allclose(whole.draws, expected.mean(axis=1), rtol=1e-6, atol=1e-8)
    assert whole.groups is None
    assert whole.n_samples.tolist() == [64, 64]


def test_slopes_of_a_logistic_model_are_averages_of_its_derivative(linear_classifier, moons):
    weights = slopes_of_weights(linear_classifier)  # (draw, group, feature)
    proba = linear_classifier.sample_proba(moons.X, groups=moons.groups)[:, :, 1]  # (draw, row)
    derivative = (proba * (1 - proba))[:, :, None] * weights[:, moons.groups]  # (draw, row, feature)
    found = average_slopes(linear_classifier, moons.X, groups=moons.groups)
    np.testing.assert_allclose(found.draws, derivative.mean(axis=1), rtol=1e-6, atol=1e-9)
    first = average_slopes(linear_classifier, moons.X, "x1", groups=moons.groups, class_of_interest=0, by_group=True)
    of_groups = [-derivative[:, moons.groups == g, 1].mean(axis=1) for g in range(4)]
    np.testing.assert_allclose(first.draws, np.transpose(of_groups), rtol=1e-6, atol=1e-9)
    assert first.response == "P(class 0)"


def test_comparisons_of_a_linear_mean(linear_regressor, waves):
    found = average_comparisons(linear_regressor, waves.X, "x1", (-1, 1.5), groups=waves.groups, by_group=True)
    weights = slopes_of_weights(linear_regressor)[:, :, 1] * linear_regressor.target_standardizer_.scale[0]
    np.testing.assert_allclose(found.draws, 2.5 * weights, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(found.estimate, 2.5 * weights.mean(axis=0), rtol=1e-9)
    np.testing.assert_allclose(found.share_above_0, np.mean(weights > 0, axis=0))


def test_comparisons_of_a_logistic_model(linear_classifier, moons):
    """Against the formula of the model at two values, in place of the network's code."""
    weights = slopes_of_weights(linear_classifier)[:, moons.groups]  # (draw, row, feature)
    proba = linear_classifier.sample_proba(moons.X, groups=moons.groups)[:, :, 1]  # (draw, row)
    logit = np.log(proba / (1 - proba))
    at = [expit(logit + weights[:, :, 0] * (value - moons.X[:, 0])) for value in (-0.5, 2)]  # (draw, row) each
    found = average_comparisons(linear_classifier, moons.X, 0, [-0.5, 2], groups=moons.groups)
    np.testing.assert_allclose(found.draws[:, 0], (at[1] - at[0]).mean(axis=1), rtol=1e-7, atol=1e-10)


def test_slopes_of_a_network_with_hidden_units(hierarchical_regressor, waves):
    """Against a derivative by Richardson's extrapolation of far wider differences."""

    def difference(step):
        low, high = (waves.X + np.array([0, move]) for move in (-step, step))  # (row, feature) each
        up, down = (hierarchical_regressor.sample_mean(X, groups=waves.groups) for X in (high, low))  # (draw, row)
        return (up - down) / (2 * step)

    expected = (4 * difference(0.005) - difference(0.01)) / 3
    found = average_slopes(hierarchical_regressor, waves.X, ["x1"], groups=waves.groups)
    np.testing.assert_allclose(found.draws[:, 0], expected.mean(axis=1), rtol=1e-5, atol=1e-6)


def test_predictions_are_averages_over_rows(hierarchical, moons):
    X, groups = moons.X_new[5:], moons.groups_new[5:]
    sampled = hierarchical.sample_proba(X, groups=groups)[:, :, 1]  # (draw, row)
    found = average_predictions(hierarchical, X, groups=groups, level=0.8)
    np.testing.assert_allclose(found.draws[:, 0], sampled.mean(axis=1), rtol=1e-12)
    np.testing.assert_allclose(found.lower, np.quantile(sampled.mean(axis=1), 0.1))
    np.testing.assert_allclose(found.upper, np.quantile(sampled.mean(axis=1), 0.9))
    np.testing.assert_allclose(found.std, sampled.mean(axis=1).std())
    by_group = average_predictions(hierarchical, X, groups=groups, by_group=True)
    expected = [sampled[:, groups == g].mean(axis=1) for g in range(4)]
    np.testing.assert_allclose(by_group.draws, np.transpose(expected), rtol=1e-12)
    assert by_group.n_samples.tolist() == np.bincount(groups).tolist()
    held = np.column_stack([np.full(len(X), 0.3), X[:, 1]])
    np.testing.assert_allclose(
        average_predictions(hierarchical, X, groups=groups, fixed={0: 0.3}, n_draws=10).draws[:, 0],
        hierarchical.sample_proba(held, groups=groups, n_draws=10)[:, :, 1].mean(axis=1),
        rtol=1e-12,
    )


def test_a_new_group_is_drawn_from_the_population(hierarchical, moons):
    groups = np.where(moons.groups == 3, 99, moons.groups)
    found = average_predictions(hierarchical, moons.X, groups=groups, by_group=True)
    new = hierarchical.sample_proba(moons.X[groups == 99], groups=[99] * 15)[:, :, 1]
    assert found.groups.tolist() == [0, 1, 2, 99]
    np.testing.assert_allclose(found.draws[:, 3], new.mean(axis=1), rtol=1e-12)


# Forms -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["pandas", "polars", "pyarrow"])
def test_forms_of_a_table_with_a_column_of_groups(form, table):
    fitted, frame, make = table
    for name in ("age", 4):
        found = average_comparisons(fitted, make(form), name, (-1, 1), by_group=True, class_of_interest="mid")
        column = "age" if name == "age" else "size"
        up, down = (fitted.sample_proba(frame.assign(**{column: float(v)}))[:, :, 1] for v in (1, -1))
        expected = [(up - down)[:, frame["shop"] == shop].mean(axis=1) for shop in ("east", "north", "west")]
        np.testing.assert_allclose(found.draws, np.transpose(expected), rtol=1e-12, atol=1e-15)
        assert found.groups.tolist() == ["east", "north", "west"]
    slopes = average_slopes(fitted, make(form), class_of_interest="top")
    assert slopes.features == ["age", "income", "debt", "size"]
    expected = average_slopes(fitted, frame, class_of_interest="top")
    np.testing.assert_allclose(slopes.draws, expected.draws, rtol=1e-6, atol=1e-10)


@pytest.mark.parametrize("kind", [list, np.array])
def test_arrays_of_objects_and_lists(kind, small, moons):
    rows = [[a, "abcd"[g], b] for (a, b), g in zip(moons.X.tolist(), moons.groups, strict=True)]
    fitted = quiet_fit(HierarchicalBNNClassifier(**small, groups=1), np.array(rows, dtype=object), moons.y)
    X = rows if kind is list else np.array(rows, dtype=object)
    found = average_slopes(fitted, X, by_group=True)
    assert found.features == ["x0"] * 4 + ["x2"] * 4
    apart = quiet_fit(HierarchicalBNNClassifier(**small), moons.X, moons.y, groups=np.array(list("abcd"))[moons.groups])
    expected = average_slopes(apart, moons.X, groups=np.array(list("abcd"))[moons.groups], by_group=True)
    np.testing.assert_allclose(found.draws, expected.draws, rtol=1e-6, atol=1e-9)


def test_a_pipeline_with_categories(small, shops):
    _, frame, y = shops
    frame = frame.assign(colour=np.resize(["red", "green", "blue"], len(frame)))
    encoder = make_column_transformer((OneHotEncoder(sparse_output=False), ["colour"]), remainder="passthrough")
    encoder.set_output(transform="pandas")
    pipeline = make_pipeline(encoder, HierarchicalBNNClassifier(**small, groups="remainder__shop"))
    pipeline = quiet_fit(pipeline, frame, y == "top")
    found = average_comparisons(pipeline, frame, "colour", ("red", "blue"), by_group=True)
    at = [pipeline[-1].sample_proba(encoder.transform(frame.assign(colour=c)))[:, :, 1] for c in ("red", "blue")]
    expected = [(at[1] - at[0])[:, frame["shop"] == shop].mean(axis=1) for shop in ("east", "north", "west")]
    np.testing.assert_allclose(found.draws, np.transpose(expected), rtol=1e-12, atol=1e-15)
    assert average_slopes(pipeline, frame).features == ["age", "income", "debt", "size"]
    with pytest.raises(ValueError, match=r"feature: 'shop' holds the groups"):
        average_comparisons(pipeline, frame, "shop", ("east", "west"))
    with pytest.raises(ValueError, match=r"'colour' holds no numbers"):
        average_slopes(pipeline, frame, "colour")


def test_a_search(small, moons):
    search = GridSearchCV(FlatBNNClassifier(**small), {"activation": ["relu"]}, cv=2)
    search = quiet_fit(search, moons.X, moons.y)
    found = average_slopes(search, moons.X)
    np.testing.assert_array_equal(found.draws, average_slopes(search.best_estimator_, moons.X).draws)


@pytest.mark.parametrize("of_classes", [True, False])
def test_estimators_per_group(of_classes, small, moons, waves):
    if of_classes:
        data, fitted = moons, PerGroupClassifier(FlatBNNClassifier(**small))
    else:
        data, fitted = waves, PerGroupRegressor(FlatBNNRegressor(**small))
    fitted = quiet_fit(fitted, data.X, data.y, groups=data.groups)
    found = average_predictions(fitted, data.X, groups=data.groups, by_group=True)
    for g in range(4):
        own = average_predictions(fitted.estimators_[g], data.X[data.groups == g])
        np.testing.assert_allclose(found.draws[:, g], own.draws[:, 0], rtol=1e-12)


def test_integers_stay_what_they_were_beside_a_slope(small, waves):
    """Whole numbers in X become floats only where a slope moves them."""
    X = np.column_stack([np.round(4 * waves.X).astype(int), waves.groups])
    fitted = quiet_fit(HierarchicalBNNRegressor(**small, groups=2), X, waves.y)
    found = average_slopes(fitted, X, by_group=True)
    expected = average_slopes(fitted, X.astype(float), by_group=True)
    np.testing.assert_array_equal(found.draws, expected.draws)
    assert found.groups.tolist() == [0, 1, 2, 3] * 2


# Memory ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("function", FUNCTIONS)
def test_blocks_of_rows_change_nothing(function, hierarchical, moons, monkeypatch):
    options = {"groups": moons.groups, "by_group": True}
    expected = FUNCTIONS[function](hierarchical, moons.X, **options).draws
    monkeypatch.setattr(response, "BLOCK", 1500)  # of seven rows of a hundred draws and two classes
    np.testing.assert_allclose(FUNCTIONS[function](hierarchical, moons.X, **options).draws, expected, rtol=1e-10)


def test_memory_is_bounded(flat, monkeypatch):
    """Of 40,000 rows the draws of all would take 64 MB, and those of a block 2 MB."""
    X = np.random.default_rng(0).normal(size=(40_000, 2))
    monkeypatch.setattr(response, "BLOCK", 2**18)
    average_predictions(flat, X[:10])
    tracemalloc.start()
    average_predictions(flat, X)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 20e6


# The table ---------------------------------------------------------------------------------------------------


def test_the_table_is_read_and_turned_into_a_frame(hierarchical, moons):
    found = average_comparisons(hierarchical, moons.X, "x0", (0, 1), groups=moons.groups, by_group=True, fixed={1: 2.0})
    title, header, *lines = repr(found).splitlines()
    assert title == "Average difference of P(class 1), x0 from 0 to 1 at x1 = 2.0; 90 % intervals"
    assert header.split() == [
        *("feature", "group", "n_samples", "estimate", "std", "lower", "upper", "share_above_0"),
    ]
    assert [line.split()[:3] for line in lines] == [["x0", str(g), "15"] for g in range(4)]
    frame = found.to_frame()
    assert list(frame) == header.split()
    np.testing.assert_array_equal(frame["upper"], found.upper)
    assert "share_above_0" not in average_predictions(hierarchical, moons.X, groups=moons.groups).to_frame()


def test_a_long_table_is_cut_in_its_text(linear, moons):
    groups = np.repeat(np.arange(30), 2)
    fitted = quiet_fit(HierarchicalBNNClassifier(**linear), moons.X, moons.y, groups=groups)
    found = average_predictions(fitted, moons.X, groups=groups, by_group=True)
    assert len(found) == 30
    lines = repr(found).splitlines()
    assert len(lines) == 23
    assert "(10 more)" in lines


# Faults ------------------------------------------------------------------------------------------------------


def test_features_that_are_not_there(table):
    fitted, frame, _ = table
    known = r"whose columns are \['age', 'shop', 'income', 'debt', 'size'\]"
    with pytest.raises(ValueError, match=rf"features: 'weight' is not a column of X, {known}"):
        average_slopes(fitted, frame, "weight", class_of_interest="top")
    with pytest.raises(ValueError, match=r"feature: 9 is not a column of X"):
        average_comparisons(fitted, frame, 9, (0, 1), class_of_interest="top")
    with pytest.raises(ValueError, match=r"fixed: 'weight' is not a column of X"):
        average_predictions(fitted, frame, fixed={"weight": 1}, class_of_interest="top")
    with pytest.raises(ValueError, match=r"features: 'shop' holds the groups and is no feature; by_group=True gives"):
        average_slopes(fitted, frame, ["age", "shop"], class_of_interest="top")
    with pytest.raises(ValueError, match=r"fixed: 'shop' holds the groups"):
        average_predictions(fitted, frame, fixed={"shop": "east"}, class_of_interest="top")
    with pytest.raises(ValueError, match=r"fixed holds 0, whose effect is asked for"):
        average_slopes(fitted, frame, "age", fixed={0: 3}, class_of_interest="top")


def test_classes_that_are_not_there(table, flat_regressor, waves):
    fitted, frame, _ = table
    with pytest.raises(ValueError, match=r"The fit has 3 classes, \['low', 'mid', 'top'\]: say which one is meant"):
        average_predictions(fitted, frame)
    with pytest.raises(ValueError, match=r"class_of_interest='best' is none of the classes of the fit"):
        average_slopes(fitted, frame, class_of_interest="best")
    with pytest.raises(ValueError, match=r"class_of_interest was given, but a FlatBNNRegressor has no classes"):
        average_predictions(flat_regressor, waves.X, class_of_interest=1)


def test_groups_that_are_not_there(flat, hierarchical, moons, small):
    with pytest.raises(ValueError, match="by_group=True needs groups, but this FlatBNNClassifier was fitted without"):
        average_slopes(flat, moons.X, by_group=True)
    with pytest.raises(ValueError, match="was fitted with groups and needs them here too"):
        average_slopes(hierarchical, moons.X)
    strict = quiet_fit(HierarchicalBNNClassifier(**small, unseen_groups="error"), moons.X, moons.y, groups=moons.groups)
    with pytest.raises(ValueError, match=r"groups holds 1 label\(s\) that fit did not see: 7"):
        average_predictions(strict, moons.X[:3], groups=[0, 7, 1], by_group=True)


def test_other_faults(flat, moons):
    with pytest.raises(
        TypeError, match="average_slopes needs a fitted estimator of this package that has sample_proba"
    ):
        average_slopes(LogisticRegression().fit(moons.X, moons.y), moons.X)
    with pytest.raises(NotFittedError):
        average_predictions(FlatBNNClassifier(), moons.X)
    with pytest.raises(ValueError, match=r"values must hold two values of the feature, from and to; got 3"):
        average_comparisons(flat, moons.X, 0, (1, 2, 3))
    with pytest.raises(ValueError, match="level"):
        average_predictions(flat, moons.X, level=1.5)
    with pytest.raises(ValueError, match="n_draws must be an integer from 1 to the 100 draws"):
        average_predictions(flat, moons.X, n_draws=101)


# scikit-learn's own ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("names", [[1, 0], ["1", "0"]])
def test_a_number_that_means_two_columns(names, flat, moons):
    """The rule of the column of groups: a number is a name or an index, and never two columns."""
    table = pd.DataFrame(moons.X, columns=names)
    fitted = quiet_fit(clone(flat), table, moons.y)
    with pytest.raises(ValueError, match=r"^features=0 means two columns of X: the one named '?0'?, and the one at"):
        average_slopes(fitted, table, 0)
    assert average_slopes(flat, moons.X, -1).features == ["x1"]


def test_missing_and_surplus_arguments_are_named_with_the_function(flat, moons):
    with pytest.raises(TypeError, match=r"^average_comparisons\(\) missing a required argument: 'values'$"):
        average_comparisons(flat, moons.X, 0)
    with pytest.raises(TypeError, match=r"^average_slopes\(\) got an unexpected keyword argument 'by'$"):
        average_slopes(flat, moons.X, by="groups")


def test_partial_dependence_of_scikit_learn(small, waves):
    """With groups as a column of whole numbers, its averages are those of this module; whole features it refuses."""
    frame = pd.DataFrame(np.round(4 * waves.X), columns=["dose", "age"]).assign(clinic=waves.groups)
    fitted = quiet_fit(HierarchicalBNNRegressor(**small, groups="clinic"), frame, waves.y)
    (result,) = PartialDependenceDisplay.from_estimator(fitted, frame, ["dose"], grid_resolution=5).pd_results
    grid = result["grid_values"][0]
    expected = [average_predictions(fitted, frame, fixed={"dose": value}).estimate[0] for value in grid]
    np.testing.assert_allclose(result["average"][0], expected, rtol=1e-6)
    with pytest.raises(ValueError, match="integer data"):
        PartialDependenceDisplay.from_estimator(fitted, frame.astype(int), ["dose"])
    whole = average_predictions(fitted, frame.astype(int), fixed={"dose": 0.5})
    np.testing.assert_allclose(whole.draws, average_predictions(fitted, frame, fixed={"dose": 0.5}).draws, rtol=1e-12)


def test_labels_of_random_intercepts_are_no_numbers_by_default(linear):
    rng = np.random.default_rng(0)
    X = np.column_stack([rng.normal(size=60), rng.integers(0, 4, 60), rng.normal(size=60)])  # (row, column)
    fitted = quiet_fit(FlatBNNRegressor(**linear, random_intercepts=1), X, X[:, 0] + X[:, 1])
    assert average_slopes(fitted, X).features == ["x0", "x2"]
    change = average_comparisons(fitted, X, 1, (0, 3))
    intercepts = fitted.posterior_.intercepts_of("x1").reshape(-1, 4)  # (draw, label)
    expected = (intercepts[:, 3] - intercepts[:, 0]) * fitted.target_standardizer_.scale[0]  # (draw,)
    np.testing.assert_allclose(change.draws[:, 0], expected, rtol=1e-5)
