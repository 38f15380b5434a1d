"""Displays of effects keep what the functions of skhbnn.inspection say, and draw it with labels."""

import matplotlib

matplotlib.use("Agg")

import numpy as np
import pandas as pd
import pytest
from matplotlib.text import Annotation
from sklearn.compose import make_column_transformer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

from conftest import legend_texts, quiet_fit
from skhbnn import FlatBNNClassifier, HierarchicalBNNClassifier, HierarchicalBNNRegressor
from skhbnn.inspection import average_comparisons, average_predictions, average_slopes
from skhbnn.plotting import EffectDisplay, GroupRankingDisplay


def test_curve_over_all_rows(hierarchical, moons):
    display = EffectDisplay.from_estimator(
        hierarchical, moons.X, feature="x1", groups=moons.groups, level=0.7, grid_resolution=7
    )
    np.testing.assert_allclose(display.values, np.linspace(moons.X[:, 1].min(), moons.X[:, 1].max(), 7))
    for tick, value in enumerate(display.values):
        table = average_predictions(hierarchical, moons.X, groups=moons.groups, fixed={"x1": value}, level=0.7)
        found = display.mean[0, tick], display.lower[0, tick], display.upper[0, tick]
        np.testing.assert_allclose(found, [table.estimate[0], table.lower[0], table.upper[0]], rtol=1e-10)
    assert display.panels == [None]
    assert display.overall is None
    (axes,) = display.axes_
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("x1", "average P(class 1)")
    assert legend_texts(display.figure_.legends[0]) == ["70 % of its posterior", "average prediction", "rows"]


def test_curves_of_groups_with_held_features(shops):
    fitted, frame, _ = shops
    display = EffectDisplay.from_estimator(
        fitted, frame, feature="income", by_group=True, fixed={"age": 0.5}, class_of_interest="mid", grid_resolution=6
    )
    assert display.panels == ["east", "north", "west"]
    assert display.fixed == {"age": 0.5}
    value = display.values[4]
    fixed = {"age": 0.5, "income": value}
    table = average_predictions(fitted, frame, by_group=True, fixed=fixed, class_of_interest="mid")
    np.testing.assert_allclose(display.mean[:, 4], table.estimate, rtol=1e-10)
    np.testing.assert_allclose(display.upper[:, 4], table.upper, rtol=1e-10)
    whole = average_predictions(fitted, frame, fixed=fixed, class_of_interest="mid")
    assert display.overall[4] == pytest.approx(whole.estimate[0], rel=1e-10)
    np.testing.assert_array_equal(display.rows[0], frame.loc[frame["shop"] == "east", "income"])
    assert display.axes_[1].get_title() == "group north (20 rows)"
    assert display.figure_.legends[0].get_title().get_text() == "at age = 0.5"
    assert "average over all rows" in legend_texts(display.figure_.legends[0])


def test_points_of_categories(small, shops):
    _, frame, y = shops
    frame = frame.assign(colour=np.resize(["red", "green", "blue"], len(frame)))
    encoder = make_column_transformer((OneHotEncoder(sparse_output=False), ["colour"]), remainder="passthrough")
    encoder.set_output(transform="pandas")
    model = make_pipeline(encoder, HierarchicalBNNClassifier(**small, groups="remainder__shop"))
    model = quiet_fit(model, frame, y == "top")
    for by_group in (False, True):
        display = EffectDisplay.from_estimator(model, frame, feature="colour", by_group=by_group)
        assert display.values.tolist() == ["blue", "green", "red"]
        assert [label.get_text() for label in display.axes_[0].get_xticklabels()] == ["blue", "green", "red"]
        table = average_predictions(model, frame, by_group=by_group, fixed={"colour": "green"})
        np.testing.assert_allclose(display.mean[:, 1], table.estimate, rtol=1e-10)


def test_missing_values_are_no_points(small, shops):
    """An encoder and an imputer know what to do with them; the curve is of the values that there are."""
    _, frame, y = shops
    colours = np.resize(np.array(["red", None, "blue"], dtype=object), len(frame))  # (row,)
    frame = frame.assign(colour=colours, age=frame["age"].mask(colours == "red"))
    encoder = make_column_transformer(
        (OneHotEncoder(sparse_output=False), ["colour"]), (SimpleImputer(), ["age"]), remainder="passthrough"
    )
    encoder.set_output(transform="pandas")
    model = make_pipeline(encoder, HierarchicalBNNClassifier(**small, groups="remainder__shop"))
    model = quiet_fit(model, frame, y == "top")
    display = EffectDisplay.from_estimator(model, frame, feature="colour")
    assert display.values.tolist() == ["blue", "red"]
    display = EffectDisplay.from_estimator(model, frame, feature="age", grid_resolution=5)
    np.testing.assert_allclose(display.values, np.linspace(frame["age"].min(), frame["age"].max(), 5))


def test_a_text_that_no_row_has_warns(small, shops):
    _, frame, y = shops
    frame = frame.assign(colour=np.resize(["red", "green", "blue"], len(frame)))
    encoder = make_column_transformer(
        (OneHotEncoder(sparse_output=False, handle_unknown="ignore"), ["colour"]), remainder="passthrough"
    )
    encoder.set_output(transform="pandas")
    model = make_pipeline(encoder, HierarchicalBNNClassifier(**small, groups="remainder__shop"))
    model = quiet_fit(model, frame, y == "top")
    text = r"No row of X has 'gren' in 'colour', whose values are \['blue', 'green', 'red'\].* Did you mean 'green'\?"
    with pytest.warns(UserWarning, match=text):
        average_comparisons(model, frame, "colour", ("red", "gren"))
    with pytest.warns(UserWarning, match=text):
        average_predictions(model, frame, fixed={"colour": "gren"})
    average_comparisons(model, frame, "colour", ("red", "green"), fixed={"age": 1.0})  # nothing to warn of


def test_points_of_few_numbers(small, waves):
    X = np.column_stack([waves.X[:, 0], waves.groups % 2])
    fitted = quiet_fit(HierarchicalBNNRegressor(**small), X, waves.y, groups=waves.groups)
    display = EffectDisplay.from_estimator(fitted, X, feature=1, groups=waves.groups)
    assert display.values.tolist() == [0, 1]
    ends = average_comparisons(fitted, X, 1, (0, 1), groups=waves.groups)
    assert np.diff(display.mean[0])[0] == pytest.approx(ends.estimate[0], rel=1e-9)
    assert display.axes_[0].get_ylabel() == "average expected y"


def test_the_default_feature_is_the_steepest(small):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(80, 3)) * [1, 100, 1]
    y = X[:, 1] > 0
    fitted = quiet_fit(FlatBNNClassifier(**{**small, "hidden_layer_sizes": ()}), X, y)
    assert EffectDisplay.from_estimator(fitted, X, grid_resolution=6).feature_name == "x1"


def test_too_many_panels(linear_groups):
    fitted, X, groups = linear_groups
    with pytest.raises(ValueError, match="The rows are of 45 groups, too many for one figure: pass the rows of 36"):
        EffectDisplay.from_estimator(fitted, X, feature=0, groups=groups, by_group=True)


@pytest.fixture(scope="module")
def linear_groups(small):
    """A fit of 45 groups of two rows, whose means are their labels."""
    rng = np.random.default_rng(0)
    groups = rng.permutation(np.repeat(np.arange(45), 2))
    X = rng.normal(size=(90, 1))
    estimator = HierarchicalBNNRegressor(**{**small, "hidden_layer_sizes": (), "pooling": "partial"})
    return quiet_fit(estimator, X, groups + 0.1 * rng.normal(size=90), groups=groups), X, groups


@pytest.mark.parametrize("quantity", ["prediction", "slope", "comparison"])
def test_ranking(quantity, shops):
    fitted, frame, _ = shops
    common = {"class_of_interest": "top", "fixed": {"debt": -5.0}, "level": 0.8}
    table, options, label = {
        "prediction": (average_predictions, {}, "Average P(class top), debt = -5.0"),
        "slope": (average_slopes, {"feature": "age"}, "Average slope of P(class top) per unit of age, debt = -5.0"),
        "comparison": (
            average_comparisons,
            {"feature": "age", "values": (-1, 1)},
            "Difference of P(class top), age from -1 to 1, debt = -5.0",
        ),
    }[quantity]
    found = table(fitted, frame, *options.values(), by_group=True, **common)
    display = GroupRankingDisplay.from_estimator(fitted, frame, **options, **common)
    order = np.argsort(found.estimate)
    np.testing.assert_allclose(display.estimate, found.estimate[order])
    np.testing.assert_allclose(display.lower, found.lower[order])
    np.testing.assert_allclose(display.upper, found.upper[order])
    assert display.groups.tolist() == found.groups[order].tolist()
    assert display.overall == pytest.approx(table(fitted, frame, *options.values(), **common).estimate[0])
    assert display.ax_.get_xlabel() == display.quantity == label
    assert [tick.get_text() for tick in display.ax_.get_yticklabels()] == display.groups.tolist()


def test_ranking_finds_the_order_and_names_the_extremes(linear_groups):
    fitted, X, groups = linear_groups
    display = GroupRankingDisplay.from_estimator(fitted, X, groups=groups, fixed={0: 0.0})
    assert np.abs(np.argsort(np.argsort(display.groups)) - np.arange(45)).max() <= 3
    named = [child.get_text() for child in display.ax_.get_children() if isinstance(child, Annotation)]
    assert named == [str(label) for label in [*display.groups[:5], *display.groups[:-6:-1]]]
    texts = legend_texts(display.ax_.get_legend())
    assert texts == ["group, 90 % interval", "interval without the average", "average over all rows"]


def test_faults(flat, hierarchical, moons):
    with pytest.raises(ValueError, match=r"values were given without the feature .*: pass feature="):
        GroupRankingDisplay.from_estimator(hierarchical, moons.X, values=(0, 1), groups=moons.groups)
    with pytest.raises(ValueError, match="by_group=True needs groups"):
        GroupRankingDisplay.from_estimator(flat, moons.X)
    with pytest.raises(ValueError, match=r"fixed holds 'x0', whose effect is asked for"):
        EffectDisplay.from_estimator(flat, moons.X, feature=0, fixed={"x0": 1})
    frame = pd.DataFrame(moons.X, columns=["a", "b"])
    with pytest.raises(ValueError, match=r"feature: 'c' is not a column of X"):
        EffectDisplay.from_estimator(quiet_fit(flat.__class__(**flat.get_params()), frame, moons.y), frame, feature="c")
