"""Displays of regressors: residuals by group, those of both tasks, and how either names its counterpart."""

import matplotlib

matplotlib.use("Agg")

import numpy as np
import pytest
from matplotlib.text import Text
from scipy.stats import norm
from sklearn.linear_model import Ridge

from conftest import legend_texts
from skhbnn import PerGroupRegressor, plotting
from skhbnn.plotting import (
    GroupMeanSurfaceDisplay,
    GroupResidualDisplay,
    ShrinkageDisplay,
    WeightCorrelationDisplay,
)

TICKS = 7  # along a curve, or along each side of a surface


# Residuals ---------------------------------------------------------------------------------------------------


def expected_residuals(fitted, X, y, **options):
    """Standardised residuals, (row,)."""
    return (y - fitted.predict(X, **options)) / np.sqrt(fitted.predict_uncertainty(X, **options).total)


@pytest.mark.parametrize("name", ["hierarchical_regressor", "counts_regressor", "per_group_regressor"])
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
