"""Public methods of the regressors of one network.

Each reads the rows that the caller passes, and returns what the estimator has to say of them.
"""

from __future__ import annotations

from numbers import Real
from typing import Any

import numpy as np
from sklearn.metrics import r2_score

from ..data.reading import read_rows
from ..data.targets import read_numbers
from ..support.typed import Data, Floats, Quantiles, Seed, Uncertainties
from ..support.wording import shown


def check_probability(name, value):
    """Raise a ValueError unless a value is a number between 0 and 1, both excluded."""
    if not isinstance(value, Real) or not 0 < float(value) < 1:
        raise ValueError(f"{name} must be between 0 and 1, both excluded, got {shown(value)}.")


def quantile_levels(q):
    """Probabilities as a list of floats, and whether q is one number."""
    is_one = np.ndim(q) == 0
    levels = [q] if is_one else list(q)
    if np.ndim(q) > 1 or not levels:
        raise ValueError(f"q must be a number or a sequence of numbers, got {shown(q)}.")
    for level in levels:
        check_probability("q", level)
    return [float(level) for level in levels], is_one


class RegressorMethods:
    """Methods of prediction of the regressors without groups."""

    _mean: Any
    _std: Any
    _quantiles: Any
    _interval: Any
    _uncertainty: Any
    _sampled_mean: Any
    _sampled_targets: Any
    _log_density: Any
    _read_new_targets: Any

    def predict(self, X: Data) -> Floats:
        """Posterior mean of the expected target of each row.

        Parameters
        ----------
        X : {array-like, dataframe} of shape (n_samples, n_features)
            Rows to predict.

        Returns
        -------
        mean : ndarray of shape (n_samples,)
            In the unit of y.

        Raises
        ------
        NotFittedError
            If the regressor is not fitted.
        ValueError
            If X is not valid.
        """
        return self._mean(*read_rows(self, X, reset=False))

    def predict_std(self, X: Data) -> Floats:
        """Posterior standard deviation of the expected target: how sure the model is of the mean itself.

        A new target varies more: ``predict_interval`` says where one is to be expected.

        Parameters
        ----------
        X : {array-like, dataframe} of shape (n_samples, n_features)
            Rows to predict.

        Returns
        -------
        std : ndarray of shape (n_samples,)
            In the unit of y.

        Raises
        ------
        NotFittedError
            If the regressor is not fitted.
        ValueError
            If X is not valid.
        """
        return self._std(*read_rows(self, X, reset=False))

    def predict_quantiles(self, X: Data, q: Quantiles) -> Floats:
        """Quantiles of a new target of each row under the posterior predictive distribution.

        A new target is at most a quantile with probability q; counts with probability q at least, and with less the
        next smaller count.

        Parameters
        ----------
        X : {array-like, dataframe} of shape (n_samples, n_features)
            Rows to predict.
        q : float or array-like of shape (n_quantiles,)
            Probabilities between 0 and 1, both excluded.

        Returns
        -------
        quantiles : ndarray of shape (n_samples,) or (n_samples, n_quantiles)
            In the unit of y; a column for each of several q.

        Raises
        ------
        NotFittedError
            If the regressor is not fitted.
        ValueError
            If X or q is not valid.
        """
        inputs, labels = read_rows(self, X, reset=False)
        levels, is_one = quantile_levels(q)  # (level,)
        quantiles = self._quantiles(inputs, labels, levels)  # (row, level)
        return quantiles[:, 0] if is_one else quantiles

    def predict_interval(self, X: Data, coverage: float = 0.9) -> Floats:
        """Central interval that a new target of each row lies in with a given probability.

        Parameters
        ----------
        X : {array-like, dataframe} of shape (n_samples, n_features)
            Rows to predict.
        coverage : float, default=0.9
            Probability of the interval, between 0 and 1, both excluded. Equal probabilities are below and above it.

        Returns
        -------
        interval : ndarray of shape (n_samples, 2)
            Lower and upper end in the unit of y, quantiles of the posterior predictive distribution.

        Raises
        ------
        NotFittedError
            If the regressor is not fitted.
        ValueError
            If X or coverage is not valid.
        """
        inputs, labels = read_rows(self, X, reset=False)
        check_probability("coverage", coverage)
        return self._interval(inputs, labels, coverage)

    def predict_uncertainty(self, X: Data) -> Uncertainties:
        """Variance of a new target, split into what data could and could not remove.

        Parameters
        ----------
        X : {array-like, dataframe} of shape (n_samples, n_features)
            Rows to predict.

        Returns
        -------
        uncertainty : Bunch
            ``total``, ``aleatoric`` and ``epistemic``, each an ndarray of shape (n_samples,) in the squared unit of y,
            with total = aleatoric + epistemic [1]_: the posterior mean of the variance, and the posterior variance of
            the mean.

        Raises
        ------
        NotFittedError
            If the regressor is not fitted.
        ValueError
            If X is not valid.

        References
        ----------
        .. [1] Depeweg, Hernández-Lobato, Doshi-Velez and Udluft (2018), "Decomposition of uncertainty in Bayesian
           deep learning for efficient and risk-sensitive learning", ICML.
        """
        return self._uncertainty(*read_rows(self, X, reset=False))

    def sample_mean(self, X: Data, n_draws: int | None = None) -> Floats:
        """Expected target of each row under each posterior draw.

        Parameters
        ----------
        X : {array-like, dataframe} of shape (n_samples, n_features)
            Rows to predict.
        n_draws : int, default=None
            Number of draws to use, evenly spaced over the draws of all chains. None: all of them.

        Returns
        -------
        mean : ndarray of shape (n_draws, n_samples)
            In the unit of y.

        Raises
        ------
        NotFittedError
            If the regressor is not fitted.
        ValueError
            If X is not valid, or n_draws is not between 1 and the number of posterior draws.
        """
        return self._sampled_mean(*read_rows(self, X, reset=False), n_draws)

    def sample_predictive(self, X: Data, n_draws: int | None = None, random_state: Seed = None) -> Floats:
        """A new target of each row under each posterior draw.

        Parameters
        ----------
        X : {array-like, dataframe} of shape (n_samples, n_features)
            Rows to predict.
        n_draws : int, default=None
            Number of draws to use, evenly spaced over the draws of all chains. None: all of them.
        random_state : int, RandomState instance or None, default=None
            Seed of the new targets; the posterior draws are those of the fit.

        Returns
        -------
        y : ndarray of shape (n_draws, n_samples)
            In the unit of y.

        Raises
        ------
        NotFittedError
            If the regressor is not fitted.
        ValueError
            If X is not valid, or n_draws is not between 1 and the number of posterior draws.
        """
        return self._sampled_targets(*read_rows(self, X, reset=False), n_draws, random_state)

    def log_predictive_density(self, X: Data, y: Data) -> Floats:
        """Logarithm of the posterior predictive density of the target of each row.

        Parameters
        ----------
        X : {array-like, dataframe} of shape (n_samples, n_features)
            Rows to predict.
        y : array-like of shape (n_samples,)
            Target of each row.

        Returns
        -------
        log_density : ndarray of shape (n_samples,)
            In nats, of a density per unit of y; of counts that of a probability.

        Raises
        ------
        NotFittedError
            If the regressor is not fitted.
        ValueError
            If X or y is not valid.
        """
        inputs, labels = read_rows(self, X, reset=False)
        return self._log_density(inputs, labels, self._read_new_targets(inputs, y))

    def score(self, X: Data, y: Data, sample_weight: Data | None = None) -> float:
        """Coefficient of determination R² of the expected targets that ``predict`` returns.

        Parameters
        ----------
        X : {array-like, dataframe} of shape (n_samples, n_features)
            Rows to predict.
        y : array-like of shape (n_samples,)
            True target of each row.
        sample_weight : array-like of shape (n_samples,), default=None
            Weight of each row in the mean. None: equal weights.

        Returns
        -------
        score : float
            1 less the mean squared error, divided by the variance of y: at most 1, and 0 for the mean of y.

        Raises
        ------
        NotFittedError
            If the regressor is not fitted.
        ValueError
            If X or y is not valid.
        """
        mean = self.predict(X)  # (row,)
        return float(r2_score(read_numbers(self, mean, y), mean, sample_weight=sample_weight))
