"""What the networks' regressors know of numbers: y in the unit of the model, and statistics of predicted numbers."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
from sklearn.base import RegressorMixin
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import StrOptions

from ..data.standardizer import Standardizer
from ..data.targets import read_numbers
from ..model import likelihoods
from ..model.build import output_offset
from ..posterior import prediction, prediction_of_numbers
from ..posterior.draws import Posterior
from ..support.floats import floats_as_usual
from ..support.typed import LikelihoodOfNumbers, Uncertainties
from ..support.wording import shown

MOST_COUNT = 2.0**53


class NetworkRegressorMixin(RegressorMixin):
    """Numbers as the task of an estimator of networks.

    Methods of prediction take what ``read_rows`` returns, inputs (row, feature) and group labels.
    """

    _parameter_constraints: dict = {"likelihood": [StrOptions(set(likelihoods.OF_NUMBERS))]}

    likelihood: LikelihoodOfNumbers
    posterior_: Posterior
    target_standardizer_: Standardizer
    _over_rows: Any
    _chosen_draws: Any

    # Fitting -------------------------------------------------------------------------------------------------------

    def _read_targets(self, X, y, weights):
        """Targets (row,) of the y of a fit, in the caller's unit, whatever the weights (row,)."""
        return self._allowed(likelihoods.likelihood(self.likelihood), read_numbers(self, X, y))

    def _read_new_targets(self, X, y):
        """Targets (row,) of rows to predict, in the caller's unit."""
        return self._allowed(self.posterior_.model.likelihood, read_numbers(self, X, y))

    def _read_targets_again(self, X, y):
        """Targets (row,) in the unit of the model of the y of rows that a fit is to learn as well."""
        return self._targets_in_model(self._read_new_targets(X, y))

    def _allowed(self, kind, y):
        """Targets y (row,), integers where all of them are counts; a ValueError if the likelihood has no such y."""
        if kind.is_count and np.max(y) > MOST_COUNT:
            row = int(np.argmax(y))
            raise ValueError(
                f"y has {y[row]:.3g} in row {row}, and floats are not exact for counts above 2**53; "
                'use a likelihood of numbers, such as "normal".'
            )
        try:
            kind.check(y)
        except ValueError as error:
            row = next(row for row in range(len(y)) if not _is_allowed(kind, y[row : row + 1]))
            name, value = type(self).__name__, shown(y[row].item())
            raise ValueError(
                f"{name} with likelihood={kind.name!r} cannot have the y of row {row}, {value}: {error}"
            ) from None
        are_counts = kind.is_count and np.all(y == np.floor(y))
        return y.astype(np.int64) if are_counts else y

    @floats_as_usual
    def _standardize_targets(self, data):
        """Rows of a fit with the targets in the unit of the model; sets target_standardizer_."""
        self.target_standardizer_ = self._target_standardizer() or Standardizer.of(data.y[:, None], data.weights)
        if likelihoods.likelihood(self.likelihood).is_count:
            return data
        return replace(data, y=self.target_standardizer_.transform(data.y))

    def _target_standardizer(self):
        """Standardizer of the targets that the parameters ask for; None: the one made from the rows of the fit."""
        return Standardizer.identity(1) if likelihoods.likelihood(self.likelihood).is_count else None

    def _targets_in_model(self, y):
        """Targets of the caller (row,) in the unit of the model of a fit."""
        return y if self.posterior_.model.likelihood.is_count else self.target_standardizer_.transform(y)

    def _targets_in_callers_form(self, targets):
        """Targets (row,) of the model in the caller's unit."""
        return self.target_standardizer_.inverse_transform(targets)

    def _likelihood(self):
        """Name of the likelihood of the targets."""
        return self.likelihood

    def _n_outputs(self):
        """Number of outputs of a network."""
        return likelihoods.likelihood(self.likelihood).n_outputs(None)

    def _location(self, network, data):
        """Logarithm of the mean count at the output, of rows without a count the one of half a count, (weight,)."""
        if not likelihoods.likelihood(self.likelihood).is_count:
            return None
        most = data.weights.max()
        share = data.weights / most  # (row,); whose sum is a float
        return output_offset(network, np.log((share @ data.y or 0.5 / most) / share.sum()))

    # Predicting ----------------------------------------------------------------------------------------------------

    @property
    def _unit(self):
        """The unit of a target in the model, in the unit of y."""
        return self.target_standardizer_.scale[0]

    def _mean(self, inputs, labels):
        """Posterior mean of the expected target, (row,)."""
        mean = self._over_rows(prediction_of_numbers.mean_number, inputs, labels)  # (row,)
        return self._targets_in_callers_form(mean)

    def _std(self, inputs, labels):
        """Posterior standard deviation of the expected target, (row,)."""
        return self._unit * self._over_rows(prediction_of_numbers.std_number, inputs, labels)

    def _quantiles(self, inputs, labels, levels):
        """Quantiles of a new target at levels (level,), (row, level)."""
        found = self._over_rows(partial(prediction_of_numbers.quantiles, levels), inputs, labels)  # (row, level)
        return self._targets_in_callers_form(found)

    def _interval(self, inputs, labels, coverage):
        """Central interval of a new target, (row, 2)."""
        return self._quantiles(inputs, labels, [(1 - coverage) / 2, (1 + coverage) / 2])

    def _uncertainty(self, inputs, labels):
        """Bunch of total, aleatoric and epistemic variance of a new target, each (row,)."""
        variances = self._over_rows(prediction_of_numbers.variances, inputs, labels)  # (row, 2)
        with np.errstate(over="ignore"):  # the square of a unit above 1e154 is beyond all floats
            aleatoric, epistemic = (self._unit * (self._unit * variances)).T  # (row,) each
            return Uncertainties(total=aleatoric + epistemic, aleatoric=aleatoric, epistemic=epistemic)

    def _sampled_mean(self, inputs, labels, n_draws):
        """Expected target under n_draws of the posterior draws, (draw, row)."""
        return self._sampled(prediction_of_numbers.sample_mean, inputs, labels, n_draws)

    def _sampled_targets(self, inputs, labels, n_draws, random_state):
        """A new target under each of n_draws of the posterior draws, (draw, row)."""
        rng = np.random.default_rng(check_random_state(random_state).randint(np.iinfo(np.int32).max))
        return self._sampled(partial(prediction_of_numbers.sample_numbers, rng), inputs, labels, n_draws)

    def _sampled(self, statistic, inputs, labels, n_draws):
        """A statistic (draw, row) of n_draws of the posterior draws, in the caller's unit, (chosen draw, row)."""
        return self._targets_in_callers_form(self._of_draws(statistic, inputs, labels, n_draws))

    def _log_density(self, inputs, labels, y):
        """Logarithm of the predictive density of targets y (row,) in the caller's unit, in nats, (row,)."""
        targets = self._targets_in_model(y)  # (row,)
        return self._over_rows(prediction.log_predictive_density, inputs, labels, targets) - np.log(self._unit)


def _is_allowed(kind, y):
    """Whether a likelihood can have the targets y (row,)."""
    try:
        kind.check(y)
    except ValueError:
        return False
    return True
