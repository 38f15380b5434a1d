"""Coverage of the intervals of regressors: what is kept and drawn, and what is wrong with a request."""

import matplotlib

matplotlib.use("Agg")

import numpy as np
import pytest
from scipy.stats import beta, norm, poisson

from conftest import legend_texts, quiet_fit
from skhbnn import FlatBNNRegressor
from skhbnn.plotting import IntervalCalibrationDisplay

LEVELS = np.linspace(0.05, 0.95, 19)  # (level,)


@pytest.mark.parametrize("name", ["hierarchical_regressor", "counts_regressor", "per_group_regressor"])
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
