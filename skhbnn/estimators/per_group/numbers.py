"""What an estimator per group knows of numbers: predictions of all groups in the rows of the caller."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import RegressorMixin, is_regressor
from sklearn.utils import check_random_state
from sklearn.utils.validation import _num_samples

from ...data.targets import read_numbers
from ..informed_regressor import InformedPriorBNNRegressor


class GroupNumbersMixin(RegressorMixin):
    """Numbers as the task of an estimator per group.

    Methods of prediction take what ``read_rows`` returns, inputs (row, feature) and group labels.
    """

    _informed = InformedPriorBNNRegressor

    estimator: Any
    fallback: Any
    _answers: Any
    _sampled_answers: Any

    # Fitting -------------------------------------------------------------------------------------------------------

    def _check_task(self):
        if not is_regressor(self.estimator):
            raise ValueError(f"estimator must be a regressor, got a {type(self.estimator).__name__}.")
        if self.fallback == "prior" and isinstance(self.estimator, self._informed):
            self.estimator._unit_of_prior()  # an error before all fits, if there is one

    def _read_targets(self, X, y, weights):
        """Targets (row,) of rows of a fit, whatever their weights (row,)."""
        return read_numbers(self, X, y)

    def _read_new_targets(self, X, y):
        """Targets (row,) of rows that came after the fit."""
        return read_numbers(self, X, y)

    def _shared_parameters(self):
        return {}

    def _targets_for(self, clone, y):
        return y

    def _take_targets(self, fitted, fallback):
        pass

    # Predicting ----------------------------------------------------------------------------------------------------

    def _by_row(self, method, inputs, labels, *of_rows, **arguments):
        """What a method says of each row, (row, ...)."""
        answers = self._answers(method, inputs, labels, *of_rows, **arguments)
        values = np.empty((_num_samples(inputs), *np.shape(answers[0].value)[1:]))  # (row, ...)
        for rows, _, part in answers:
            values[rows] = part
        return values

    def _mean(self, inputs, labels):
        """Expected target, (row,)."""
        return self._by_row("predict", inputs, labels)

    def _std(self, inputs, labels):
        """Posterior standard deviation of the expected target, (row,)."""
        return self._by_row("predict_std", inputs, labels)

    def _quantiles(self, inputs, labels, levels):
        """Quantiles of a new target at levels (level,), (row, level)."""
        return self._by_row("predict_quantiles", inputs, labels, q=levels)

    def _interval(self, inputs, labels, coverage):
        """Central interval of a new target, (row, 2)."""
        return self._by_row("predict_interval", inputs, labels, coverage=coverage)

    def _log_density(self, inputs, labels, y):
        """Logarithm of the predictive density of targets y (row,), in nats, (row,)."""
        return self._by_row("log_predictive_density", inputs, labels, y)

    def _sampled_mean(self, inputs, labels, n_draws):
        """Expected target under n_draws of the posterior draws, (draw, row)."""
        return self._sampled("sample_mean", inputs, labels, n_draws=n_draws)

    def _sampled_targets(self, inputs, labels, n_draws, random_state):
        """A new target under each of n_draws of the posterior draws, (draw, row)."""
        rng = check_random_state(random_state)  # one for all groups: their new targets are independent
        return self._sampled("sample_predictive", inputs, labels, n_draws=n_draws, random_state=rng)

    def _sampled(self, method, inputs, labels, **arguments):
        """What a method says of each row under each draw, (draw, row)."""
        answers = self._sampled_answers(method, inputs, labels, **arguments)
        values = np.empty((len(answers[0].value), _num_samples(inputs)))  # (draw, row)
        for rows, _, part in answers:
            values[:, rows] = part
        return values
