"""Displays of regressors keep what is predicted, draw it with labels, and say what is wrong with a request."""

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.text import Text
from scipy.stats import beta, norm, poisson
from sklearn.linear_model import Ridge

from conftest import legend_texts, quiet_fit
from skhbnn import FlatBNNRegressor, HierarchicalBNNRegressor, PerGroupRegressor, plotting
from skhbnn.plotting import (
    GroupMeanSurfaceDisplay,
    GroupResidualDisplay,
    IntervalCalibrationDisplay,
    PredictionBandDisplay,
    ShrinkageDisplay,
    WeightCorrelationDisplay,
)

TICKS = 7  # along a curve, or along each side of a surface
LEVELS = np.linspace(0.05, 0.95, 19)  # (level,)


def lower_median(values):
    """The middle one of the values, or the lower one of two."""
    return np.sort(values)[(len(values) - 1) // 2]


@pytest.fixture(scope="module")
def clinics(small, waves):
    """A fit with a column of groups between the features, and its table and targets."""
    table = pd.DataFrame({"dose": 100 + 20 * waves.X[:, 0], "clinic": np.array(list("abcd"))[waves.groups]})
    table["age"] = waves.X[:, 1]
    y = pd.Series(50 * waves.y, name="response")
    return quiet_fit(HierarchicalBNNRegressor(**small, groups="clinic"), table, y), table, y


@pytest.fixture(scope="module")
def per_group(small, waves):
    return quiet_fit(PerGroupRegressor(FlatBNNRegressor(**small)), waves.X, waves.y, groups=waves.groups)


# Bands -------------------------------------------------------------------------------------------------------


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


def test_bands_of_a_network_per_group(per_group, waves):
    display = PredictionBandDisplay.from_estimator(
        per_group, waves.X, waves.y, groups=waves.groups, feature="x0", grid_resolution=TICKS
    )
    points = np.column_stack([display.values, np.full(TICKS, lower_median(waves.X[:, 1]))])
    for panel, group in enumerate(display.panels):
        assert_bands(display, per_group, panel, points, [group] * TICKS)


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


# Calibration of intervals ------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["hierarchical_regressor", "counts_regressor", "per_group"])
def test_coverage_is_that_of_predict_interval(name, request, waves):
    fitted = request.getfixturevalue(name)
    y = waves.counts if name == "counts_regressor" else waves.y
    display = IntervalCalibrationDisplay.from_estimator(fitted, waves.X, y, groups=waves.groups)
    np.testing.assert_allclose(display.levels, LEVELS)
    for level, share in zip(LEVELS, display.coverage, strict=True):
        low, high = fitted.predict_interval(waves.X, groups=waves.groups, coverage=level).T
        assert share == np.mean((low <= y) & (y <= high))
    assert display.n_rows == 64
    assert len(set(display.coverage)) > 5


def test_coverage_of_uniform_transforms_is_the_level():
    """Of 2,000 transforms in the middle of as many equal parts, exactly the share of the level is within."""
    pit = (np.random.default_rng(0).permutation(2000) + 0.5) / 2000
    display = IntervalCalibrationDisplay.from_predictions(pit)
    np.testing.assert_allclose(display.coverage, LEVELS, rtol=0, atol=1e-12)
    for hits, low, high in zip(2000 * display.coverage, display.lower, display.upper, strict=True):
        posterior = beta(hits + 0.5, 2000 - hits + 0.5)
        np.testing.assert_allclose([posterior.cdf(low), posterior.cdf(high)], [0.05, 0.95])


def test_coverage_of_normal_predictions():
    rng = np.random.default_rng(1)
    mean, std = rng.normal(size=300), rng.uniform(0.5, 2, 300)
    y = mean + 1.5 * std * rng.normal(size=300)  # of a model that is too sure
    display = IntervalCalibrationDisplay.from_predictions(norm.cdf(y, mean, std), level=0.5, name="sure")
    expected = [np.mean(np.abs(y - mean) <= norm.ppf((1 + level) / 2) * std) for level in LEVELS]
    np.testing.assert_allclose(display.coverage, expected)
    assert np.all(display.coverage < LEVELS)
    assert np.all((display.lower < display.coverage) & (display.coverage < display.upper))


def test_coverage_of_counts_is_that_of_their_quantiles():
    """And at least the level, but for the error of the sample."""
    rng = np.random.default_rng(2)
    rate = rng.gamma(2, 1, 4000)  # (row,)
    y = rng.poisson(rate)
    display = IntervalCalibrationDisplay.from_predictions(
        np.column_stack([poisson.cdf(y - 1, rate), poisson.cdf(y, rate)])
    )
    for level, share in zip(LEVELS, display.coverage, strict=True):
        low, high = poisson.ppf([[(1 - level) / 2], [(1 + level) / 2]], rate)
        assert share == pytest.approx(np.mean((low <= y) & (y <= high)), abs=1e-12)
        assert share >= level - 4 * np.sqrt(level * (1 - level) / 4000)
    assert np.max(display.coverage - LEVELS) > 0.1


def test_coverage_of_rates():
    """Counts divided by exposures lie between the counts below and above them."""
    rng = np.random.default_rng(3)
    X, exposure = rng.normal(size=(40, 1)), rng.uniform(0.5, 3, 40)
    y = rng.poisson(3 * exposure) / exposure
    estimator = FlatBNNRegressor((), likelihood="poisson", chains=2, tune=50, draws=50, random_state=0)
    fitted = quiet_fit(estimator, X, y, sample_weight=exposure)
    display = IntervalCalibrationDisplay.from_estimator(fitted, X, y)
    for level, share in zip(LEVELS, display.coverage, strict=True):
        low, high = fitted.predict_interval(X, coverage=level).T
        assert share == np.mean((low <= y) & (y <= high))


def test_calibration_curves_share_axes(flat_regressor, hierarchical_regressor, waves):
    first = IntervalCalibrationDisplay.from_estimator(flat_regressor, waves.X, waves.y)
    rows = {"X": waves.X, "y": waves.y, "groups": waves.groups}
    second = IntervalCalibrationDisplay.from_estimator(hierarchical_regressor, **rows, name="groups", ax=first.ax_)
    assert second.ax_ is first.ax_
    names = ["perfectly calibrated", "FlatBNNRegressor: 64 rows", "groups: 64 rows"]
    assert legend_texts(first.ax_.get_legend()) == names
    curves = [container.lines[0] for container in first.ax_.containers]
    assert len({curve.get_color() for curve in curves}) == 2
    np.testing.assert_array_equal(curves[1].get_xydata(), np.column_stack([second.levels, second.coverage]))
    assert first.ax_.get_xlabel() == "level of the central predictive interval"
    assert first.ax_.get_ylabel() == "share of targets within, with 90 % intervals"


@pytest.mark.parametrize(
    ("pit", "message"),
    [
        (np.full((5, 3), 0.5), r"shape \(n_samples,\) or \(n_samples, 2\), got \(5, 3\)"),
        ([0.1, 1.1], "below 0 or above 1"),
        ([-0.1, 0.1], "below 0 or above 1"),
        ([[0.1, 0.2], [0.3, 0.2]], r"in row 1: the columns are P\(Y < y\) and P\(Y <= y\)"),
        ([0.1, np.nan], "NaN"),
    ],
)
def test_wrong_transforms(pit, message):
    with pytest.raises(ValueError, match=message):
        IntervalCalibrationDisplay.from_predictions(pit)


def test_calibration_needs_a_target_for_each_row(flat_regressor, counts_regressor, waves):
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        IntervalCalibrationDisplay.from_estimator(flat_regressor, waves.X, waves.y[:-1])
    with pytest.raises(ValueError, match="cannot have the y of row 0, -1"):
        IntervalCalibrationDisplay.from_estimator(counts_regressor, waves.X[:1], [-1], groups=[0])


# Residuals ---------------------------------------------------------------------------------------------------


def expected_residuals(fitted, X, y, **options):
    """Standardised residuals, (row,)."""
    return (y - fitted.predict(X, **options)) / np.sqrt(fitted.predict_uncertainty(X, **options).total)


@pytest.mark.parametrize("name", ["hierarchical_regressor", "counts_regressor", "per_group"])
def test_residuals_by_group(name, request, waves):
    fitted = request.getfixturevalue(name)
    y = (waves.counts if name == "counts_regressor" else waves.y)[:50]
    X, groups = waves.X[:50], waves.groups[:50]  # two rows of the last group
    display = GroupResidualDisplay.from_estimator(fitted, X, y, groups=groups, level=0.8)
    residuals = expected_residuals(fitted, X, y, groups=groups)
    means = np.array([residuals[groups == group].mean() for group in range(4)])
    assert display.groups.tolist() == sorted(range(4), key=lambda group: means[group])
    np.testing.assert_allclose(display.means, np.sort(means), rtol=1e-9)
    for place, group in enumerate(display.groups):
        np.testing.assert_allclose(display.residuals[place], residuals[groups == group], rtol=1e-9)
        interval = norm.interval(0.8, display.means[place], 1 / np.sqrt(np.sum(groups == group)))
        np.testing.assert_allclose([display.lower[place], display.upper[place]], interval, rtol=1e-9)


def test_residuals_by_groups_that_the_fit_does_not_know(flat_regressor, waves):
    display = GroupResidualDisplay.from_estimator(flat_regressor, waves.X, waves.y, groups=waves.groups)
    residuals = expected_residuals(flat_regressor, waves.X, waves.y)
    for group, mean in zip(display.groups, display.means, strict=True):
        assert mean == pytest.approx(residuals[waves.groups == group].mean(), rel=1e-9)
    with pytest.raises(ValueError, match="FlatBNNRegressor was fitted without groups: pass groups="):
        GroupResidualDisplay.from_estimator(flat_regressor, waves.X, waves.y)
    with pytest.raises(ValueError, match="groups has 1 missing label"):
        GroupResidualDisplay.from_estimator(flat_regressor, waves.X[:2], waves.y[:2], groups=["a", None])


def test_residuals_by_group_columns(clinics):
    fitted, table, y = clinics
    display = GroupResidualDisplay.from_estimator(fitted, table, y)
    residuals = expected_residuals(fitted, table, y.to_numpy())
    for clinic, mean in zip(display.groups, display.means, strict=True):
        assert mean == pytest.approx(residuals[table["clinic"] == clinic].mean(), rel=1e-9, abs=1e-12)
    assert [label.get_text() for label in display.ax_.get_yticklabels()] == display.groups.tolist()
    assert display.ax_.get_xlabel() == "standardised residual"


def test_groups_that_the_model_misses_stand_out(flat_regressor, waves):
    """A group whose targets lie six standard deviations above is on top, and in the colour of a warning."""
    std = np.sqrt(flat_regressor.predict_uncertainty(waves.X).total)
    y = flat_regressor.predict(waves.X) + 6 * std * (waves.groups == 2)
    display = GroupResidualDisplay.from_estimator(flat_regressor, waves.X, y, groups=waves.groups)
    np.testing.assert_allclose(display.means, [0, 0, 0, 6], atol=1e-9)
    assert display.groups[-1] == 2
    assert legend_texts(display.ax_.get_legend()) == ["one row", "mean, 90 % interval", "interval without 0"]
    markers = [line for line in display.ax_.get_lines() if line.get_marker() == "D"]
    np.testing.assert_allclose([line.get_xydata() for line in markers], [[[6, 3]]])
    y = flat_regressor.predict(waves.X)
    display = GroupResidualDisplay.from_estimator(flat_regressor, waves.X, y, groups=waves.groups)
    assert legend_texts(display.ax_.get_legend()) == ["one row", "mean, 90 % interval"]


@pytest.mark.parametrize("n_groups", [41, 300])
def test_the_extremes_of_many_groups_are_named(n_groups):
    """Five at either end, each to be read by itself, within the axes."""
    means = np.linspace(-1, 1, n_groups)
    display = GroupResidualDisplay(
        means=means,
        lower=means - 0.2,
        upper=means + 0.2,
        residuals=[np.array([mean]) for mean in means],
        groups=np.array([f"group {i}" for i in range(n_groups)]),
        level=0.9,
    ).plot()
    display.figure_.canvas.draw()
    texts = display.ax_.texts
    named = [*range(5), *range(n_groups - 1, n_groups - 6, -1)]
    assert [text.get_text() for text in texts] == [f"group {i}" for i in named]
    boxes = [Text.get_window_extent(text) for text in texts]  # without the lines to the groups
    assert not any(one.overlaps(other) for i, one in enumerate(boxes) for other in boxes[:i])
    inside = display.ax_.get_window_extent()
    assert all(inside.x0 < box.x0 and box.x1 < inside.x1 for box in boxes)
    assert all(inside.y0 < box.y0 and box.y1 < inside.y1 for box in boxes)
    assert [text.xy[1] for text in texts] == named
    assert display.ax_.get_ylabel() == f"{n_groups} groups"


# Displays of both tasks --------------------------------------------------------------------------------------


def hand_written(w, X):
    """Outputs of a 2-3-1 network with weights w (weight,) for standardised rows X (row, 2), (row,)."""
    return np.tanh(X @ w[:6].reshape(2, 3) + w[6:9]) @ w[9:12] + w[12]


def test_group_mean_of_numbers(hierarchical_regressor):
    display = GroupMeanSurfaceDisplay.from_estimator(hierarchical_regressor, grid_resolution=TICKS)
    points = np.stack([display.xx0.ravel(), display.xx1.ravel()], axis=1)
    X = hierarchical_regressor.standardizer_.transform(points)
    draws = hierarchical_regressor.posterior_.group_mean.reshape(-1, 13).astype(float)
    mean = np.mean([hand_written(w, X) for w in draws], axis=0)
    y = hierarchical_regressor.training_data_.y * hierarchical_regressor.target_standardizer_.scale
    assert np.std(y) > 0.5  # the unit matters
    expected = hierarchical_regressor.target_standardizer_.inverse_transform(mean)
    np.testing.assert_allclose(display.mean.ravel(), expected, rtol=1e-6)
    assert display.proba.shape == (1, TICKS, TICKS, 0)
    np.testing.assert_array_equal(display.axes_[0].get_images()[0].get_array(), display.mean[0])
    assert display.figure_.axes[-1].get_ylabel() == "expected y"
    with pytest.raises(ValueError, match="class_of_interest was given, but a HierarchicalBNNRegressor has no classes"):
        GroupMeanSurfaceDisplay.from_estimator(hierarchical_regressor, class_of_interest=1)


def test_group_mean_of_counts(counts_regressor):
    display = GroupMeanSurfaceDisplay.from_estimator(counts_regressor, grid_resolution=TICKS)
    points = np.stack([display.xx0.ravel(), display.xx1.ravel()], axis=1)
    X = counts_regressor.standardizer_.transform(points)
    draws = counts_regressor.posterior_.group_mean.reshape(-1, 13).astype(float)
    expected = np.mean([np.exp(hand_written(w, X)) for w in draws], axis=0)
    np.testing.assert_allclose(display.mean.ravel(), expected, rtol=1e-5)


def test_shrinkage_of_numbers(hierarchical_regressor, waves):
    """All 64 rows are compared; affine maps of the inputs are in the weights of the groups."""
    display = ShrinkageDisplay.from_estimator(hierarchical_regressor)
    posterior = hierarchical_regressor.posterior_
    X = hierarchical_regressor.standardizer_.transform(waves.X)
    unit = np.std(waves.y)
    for chain in range(2):
        common = np.mean([hand_written(w, X) for w in posterior.group_mean[chain].astype(float)], axis=0)
        for group in range(4):
            own = np.mean([hand_written(w, X) for w in posterior.weights[chain, :, group].astype(float)], axis=0)
            expected = unit * np.mean(np.abs(own - common))
            assert display.distances[chain, group] == pytest.approx(expected, rel=1e-5)
    label = "mean absolute distance of predictions\nfrom those of the group mean, in the unit of y"
    assert display.ax_.get_ylabel() == label
    display = ShrinkageDisplay.from_estimator(hierarchical_regressor, quantity="weights")
    assert display.ax_.get_ylabel() == "Euclidean distance of weights\nfrom those of the group mean"


def test_correlation_of_the_weights_of_a_group(hierarchical_regressor):
    display = WeightCorrelationDisplay.from_estimator(hierarchical_regressor, group=1, align=False)
    weights = hierarchical_regressor.posterior_.group_weights(1).astype(float)
    np.testing.assert_allclose(display.correlation, np.corrcoef(weights.T), atol=1e-6)


# Wrong estimators --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "instead"),
    [
        ("DecisionSurfaceDisplay", "PredictionBandDisplay"),
        ("UncertaintySurfaceDisplay", "PredictionBandDisplay"),
        ("ReliabilityDisplay", "IntervalCalibrationDisplay"),
        ("ConfidentRowsDisplay", "PredictionBandDisplay"),
    ],
)
def test_displays_of_probabilities_name_one_of_numbers(name, instead, flat_regressor, waves):
    rows = (waves.X, waves.y) if name in ("ReliabilityDisplay", "ConfidentRowsDisplay") else ()
    message = (
        rf"{name}.from_estimator needs a fitted classifier .*\(of a regressor there is {instead}\), got a FlatBNNR"
    )
    with pytest.raises(TypeError, match=message):
        getattr(plotting, name).from_estimator(flat_regressor, *rows)
    assert hasattr(plotting, instead)


@pytest.mark.parametrize(
    ("name", "instead"),
    [
        ("PredictionBandDisplay", "DecisionSurfaceDisplay"),
        ("IntervalCalibrationDisplay", "ReliabilityDisplay"),
        ("GroupResidualDisplay", "ReliabilityDisplay"),
    ],
)
def test_displays_of_numbers_name_one_of_probabilities(name, instead, flat, waves, moons):
    message = (
        rf"{name}.from_estimator needs a fitted regressor .*\(of a classifier there is {instead}\), got a FlatBNNC"
    )
    with pytest.raises(TypeError, match=message):
        getattr(plotting, name).from_estimator(flat, moons.X, moons.y)
    assert hasattr(plotting, instead)
    ridge = PerGroupRegressor(Ridge()).fit(waves.X, waves.y, groups=waves.groups)
    with pytest.raises(TypeError, match=r"if its estimator is a FlatBNNRegressor or .*; this one's is a Ridge"):
        getattr(plotting, name).from_estimator(ridge, waves.X, waves.y, groups=waves.groups)
