"""Displays of fits of numbers that show weights, scales and the course of a fit."""

import numpy as np
import pytest

from conftest import quiet_fit
from skhbnn import FlatBNNRegressor
from skhbnn.plotting import ElboDisplay, GroupScaleDisplay, PriorPosteriorDisplay, WeightCorrelationDisplay


def test_group_scales(hierarchical_regressor):
    display = GroupScaleDisplay.from_estimator(hierarchical_regressor)
    scales = hierarchical_regressor.posterior_.group_scale  # (chain, draw, part)
    np.testing.assert_array_equal(display.scales, scales.reshape(-1, scales.shape[2]))


def test_prior_and_posterior(informed_regressor):
    display = PriorPosteriorDisplay.from_estimator(informed_regressor, weights=[0])
    assert display.weight_names == informed_regressor.posterior_.network.weight_names(["x0", "x1"])[:1]


def test_correlation_of_weights(flat_regressor):
    weights = flat_regressor.posterior_.group_weights(0).astype(float)  # (draw, weight)
    display = WeightCorrelationDisplay.from_estimator(flat_regressor, align=False)
    np.testing.assert_allclose(display.correlation, np.corrcoef(weights.T), atol=1e-6)


@pytest.mark.usefixtures("interpreted")
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_course_of_a_variational_fit(waves):
    fitted = quiet_fit(FlatBNNRegressor((), inference="advi", max_iter=300, random_state=0), waves.X, waves.y)
    np.testing.assert_array_equal(ElboDisplay.from_estimator(fitted).elbo, fitted.diagnostics_.elbo)
