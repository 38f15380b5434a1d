"""Prediction bands of regressors: what is kept, drawn and labelled, and what is wrong with a request."""

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from conftest import legend_texts, quiet_fit
from skhbnn import FlatBNNRegressor, HierarchicalBNNRegressor, PerGroupRegressor
from skhbnn.plotting import PredictionBandDisplay

TICKS = 7  # along a curve, or along each side of a surface


def lower_median(values):
    """The middle one of the values, or the lower one of two."""
    return np.sort(values)[(len(values) - 1) // 2]


def assert_bands(display, regressor, panel, points, groups):
    """The bands of a panel are what the public methods say at the points."""
    options = {} if groups is None else {"groups": groups}
    tails = [(1 - display.coverage) / 2, (1 + display.coverage) / 2]
    of_mean = np.quantile(regressor.sample_mean(points, **options), tails, axis=0).T
    interval = regressor.predict_interval(points, coverage=display.coverage, **options)
    np.testing.assert_allclose(display.mean[panel], regressor.predict(points, **options), rtol=1e-9)
    np.testing.assert_allclose(display.mean_interval[panel], of_mean, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(display.interval[panel], interval, rtol=1e-9, atol=1e-12)


def test_bands_of_groups(hierarchical_regressor, waves):
    rows = waves.groups != 2  # (row,)
    X, y, groups = waves.X[rows], waves.y[rows], waves.groups[rows]
    display = PredictionBandDisplay.from_estimator(
        hierarchical_regressor, X, y, groups=groups, feature="x1", coverage=0.8, grid_resolution=TICKS
    )
    assert display.panels == [0, 1, 3]
    assert display.feature_name == "x1"
    assert display.fixed == {"x0": pytest.approx(lower_median(X[:, 0]))}
    margin = 0.05 * np.ptp(X[:, 1])
    np.testing.assert_allclose(
        display.values, np.linspace(X[:, 1].min() - margin, X[:, 1].max() + margin, TICKS), rtol=1e-12
    )
    points = np.column_stack([np.full(TICKS, lower_median(X[:, 0])), display.values])
    for panel, group in enumerate(display.panels):
        assert_bands(display, hierarchical_regressor, panel, points, [group] * TICKS)
        np.testing.assert_array_equal(display.rows[panel], X[groups == group, 1])
        np.testing.assert_array_equal(display.row_targets[panel], y[groups == group])


def test_bands_of_group_columns(clinics):
    fitted, table, y = clinics
    display = PredictionBandDisplay.from_estimator(fitted, table, y, feature=2, fixed={"dose": 90}, grid_resolution=5)
    assert display.panels == ["a", "b", "c", "d"]
    assert display.fixed == {"dose": 90}
    for panel, clinic in enumerate(display.panels):
        points = pd.DataFrame({"dose": 90.0, "clinic": clinic, "age": display.values})
        assert_bands(display, fitted, panel, points, None)


def test_bands_without_groups(flat_regressor, waves):
    display = PredictionBandDisplay.from_estimator(flat_regressor, waves.X, grid_resolution=TICKS)
    assert display.panels == [None]
    assert display.feature_name == "x0"
    assert display.row_targets is None
    assert display.axes_[0].get_title() == ""
    points = np.column_stack([display.values, np.full(TICKS, lower_median(waves.X[:, 1]))])
    assert_bands(display, flat_regressor, 0, points, None)


def test_bands_are_over_the_steepest_feature(small):
    """Of a target that one continuous column makes; a column of two values comes after it, though it stands first."""
    rng = np.random.default_rng(0)
    X = np.column_stack([np.arange(80) % 2, rng.normal(size=(80, 2))])  # (row, feature)
    y, groups = 3 * X[:, 0] + X[:, 1] - 0.1 * X[:, 2] + 0.1 * rng.normal(size=80), np.repeat(["a", "b"], 40)
    fitted = quiet_fit(HierarchicalBNNRegressor(**{**small, "tune": 150}), X, y, groups=groups)
    display = PredictionBandDisplay.from_estimator(fitted, X, y, groups=groups, grid_resolution=TICKS)
    assert display.feature_name == "x1"
    alone = quiet_fit(FlatBNNRegressor(**{**small, "tune": 150}), X, y)
    assert PredictionBandDisplay.from_estimator(alone, X, grid_resolution=TICKS).feature_name == "x1"


def test_bands_of_counts(counts_regressor, waves):
    display = PredictionBandDisplay.from_estimator(
        counts_regressor, waves.X, waves.counts, groups=waves.groups, grid_resolution=TICKS
    )
    points = np.column_stack([display.values, np.full(TICKS, lower_median(waves.X[:, 1]))])
    assert_bands(display, counts_regressor, 3, points, [3] * TICKS)
    np.testing.assert_array_equal(display.interval, np.round(display.interval))


def test_bands_of_a_network_per_group(per_group_regressor, waves):
    display = PredictionBandDisplay.from_estimator(
        per_group_regressor, waves.X, waves.y, groups=waves.groups, feature="x0", grid_resolution=TICKS
    )
    points = np.column_stack([display.values, np.full(TICKS, lower_median(waves.X[:, 1]))])
    for panel, group in enumerate(display.panels):
        assert_bands(display, per_group_regressor, panel, points, [group] * TICKS)


def test_bands_of_a_network_per_group_of_a_table(small, clinics):
    """Names of columns are those of the fits within."""
    _, table, y = clinics
    fitted = quiet_fit(PerGroupRegressor(FlatBNNRegressor(**small), groups="clinic"), table, y)
    display = PredictionBandDisplay.from_estimator(fitted, table, y, feature="age", grid_resolution=TICKS)
    points = pd.DataFrame({"dose": lower_median(table["dose"]), "clinic": "b", "age": display.values})
    assert_bands(display, fitted, 1, points, None)
    alone = quiet_fit(PerGroupRegressor(FlatBNNRegressor(**small)), table[["dose", "age"]], y)
    display = PredictionBandDisplay.from_estimator(alone, table[["dose", "age"]], grid_resolution=TICKS)
    points = pd.DataFrame({"dose": display.values, "age": lower_median(table["age"])})
    assert_bands(display, alone, 0, points, None)


def test_bands_of_an_unseen_group(hierarchical_regressor, waves):
    display = PredictionBandDisplay.from_estimator(
        hierarchical_regressor, waves.X[:2], groups=[0, 9], grid_resolution=TICKS
    )
    assert display.panels == [0, 9]
    points = np.column_stack([display.values, np.full(TICKS, lower_median(waves.X[:2, 1]))])
    assert_bands(display, hierarchical_regressor, 1, points, [9] * TICKS)


def test_bands_have_labels(clinics):
    fitted, table, y = clinics
    display = PredictionBandDisplay.from_estimator(fitted, table, y, feature="age", grid_resolution=TICKS)
    assert [axes.get_title() for axes in display.axes_] == [f"group {clinic}" for clinic in "abcd"]
    assert display.axes_[0].get_ylabel() == "response"
    assert display.axes_[-1].get_xlabel() == "age"
    (legend,) = display.figure_.legends
    names = ["90 % of new targets", "90 % of the posterior of the mean", "predicted mean", "rows"]
    assert legend_texts(legend) == names
    assert legend.get_title().get_text() == f"at dose = {lower_median(table['dose']):.4g}"
    for panel, axes in enumerate(display.axes_):
        (curve,) = axes.get_lines()
        np.testing.assert_array_equal(curve.get_ydata(), display.mean[panel])
        wide, narrow, points = axes.collections
        for band, interval in ((wide, display.interval[panel]), (narrow, display.mean_interval[panel])):
            drawn = band.get_paths()[0].vertices[:, 1]
            assert (drawn.min(), drawn.max()) == (interval.min(), interval.max())
        own = table["clinic"] == display.panels[panel]
        np.testing.assert_allclose(points.get_offsets(), np.column_stack([table["age"], y])[own], atol=1e-9)


def test_a_legend_of_many_held_features_is_as_wide_as_the_figure(small, waves):
    wide = np.column_stack([waves.X, np.random.default_rng(0).normal(size=(64, 18))])
    fitted = quiet_fit(FlatBNNRegressor(**{**small, "hidden_layer_sizes": ()}), wide, waves.y)
    display = PredictionBandDisplay.from_estimator(fitted, wide, waves.y, grid_resolution=TICKS)
    display.figure_.canvas.draw()
    (legend,) = display.figure_.legends
    assert "x19 = " in legend.get_title().get_text()
    box, whole = legend.get_window_extent(), display.figure_.bbox
    assert whole.x0 <= box.x0 < box.x1 <= whole.x1


def test_bands_on_given_axes(flat_regressor, waves):
    figure, axes = plt.subplots()
    display = PredictionBandDisplay.from_estimator(flat_regressor, waves.X, waves.y, ax=axes)
    assert display.figure_ is figure
    assert axes.get_legend().get_title().get_text().startswith("at x1 = ")
    with pytest.raises(ValueError, match=r"ax holds 2 axes, but the display has 1 panel\(s\)"):
        display.plot([axes, axes])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"feature": "weight"}, r"feature: 'weight' is not a feature of the fit, whose features are \['dose', 'age'\]"),
        ({"feature": "clinic"}, "feature: 'clinic' holds the groups"),
        ({"fixed": {"dose": 1}}, "fixed holds 'dose', which the display varies"),
        ({"coverage": 1.0}, "coverage"),
        ({"grid_resolution": 1}, "grid_resolution"),
        ({"groups": ["a"] * 64}, "groups came in both ways"),
    ],
)
def test_wrong_requests_of_bands(clinics, options, message):
    fitted, table, y = clinics
    with pytest.raises(ValueError, match=message):
        PredictionBandDisplay.from_estimator(fitted, table, y, **options)


def test_bands_of_too_many_groups(hierarchical_regressor, waves):
    with pytest.raises(ValueError, match="The rows are of 37 groups, too many for one figure: pass the rows of 36"):
        PredictionBandDisplay.from_estimator(hierarchical_regressor, waves.X[:37], groups=np.arange(37))
