"""Public methods of the regressors whose rows may be in groups."""

from __future__ import annotations

from typing import Any

from sklearn.metrics import r2_score

from ..data.reading import read_rows
from ..data.targets import read_numbers
from ..support.typed import Data, Floats, Quantiles, Seed, Uncertainties, available_if
from .groups import offered
from .regressor_methods import check_probability, quantile_levels


class GroupedRegressorMethods:
    """Methods of prediction of the regressors with groups."""

    _mean: Any
    _std: Any
    _quantiles: Any
    _interval: Any
    _uncertainty: Any
    _sampled_mean: Any
    _sampled_targets: Any
    _log_density: Any
    _read_new_targets: Any

    def predict(self, X: Data, groups: Data | None = None) -> Floats:
        """Expected target of each row in the row's group; of Bayesian networks the posterior mean.

        Parameters
        ----------
        X : {array-like, dataframe} of shape (n_samples, n_features)
            Rows to predict.
        groups : array-like of shape (n_samples,) or (n_samples, n_levels), default=None
            Group labels, if they are not columns of X; of several levels with None for a label that is not known.

        Returns
        -------
        mean : ndarray of shape (n_samples,)
            In the unit of y.

        Raises
        ------
        NotFittedError
            If the regressor is not fitted.
        ValueError
            If X is not valid, groups are missing or come in both ways, or hold a label that ``fit`` did not see and
            that the parameters of the regressor refuse.
        """
        return self._mean(*read_rows(self, X, groups, reset=False))

    @available_if(offered("predict_std"))
    def predict_std(self, X: Data, groups: Data | None = None) -> Floats:
        """Posterior standard deviation of the expected target: how sure the model is of the mean itself.

        A new target varies more: ``predict_interval`` says where one is to be expected.

        Parameters
        ----------
        X : {array-like, dataframe} of shape (n_samples, n_features)
            Rows to predict.
        groups : array-like of shape (n_samples,) or (n_samples, n_levels), default=None
            Group labels, if they are not columns of X; of several levels with None for a label that is not known.

        Returns
        -------
        std : ndarray of shape (n_samples,)
            In the unit of y.

        Raises
        ------
        NotFittedError
            If the regressor is not fitted.
        ValueError
            As ``predict``.
        """
        return self._std(*read_rows(self, X, groups, reset=False))

    @available_if(offered("predict_quantiles"))
    def predict_quantiles(self, X: Data, q: Quantiles, groups: Data | None = None) -> Floats:
        """Quantiles of a new target of each row under the posterior predictive distribution.

        A new target is at most a quantile with probability q; counts with probability q at least, and with less the
        next smaller count.

        Parameters
        ----------
        X : {array-like, dataframe} of shape (n_samples, n_features)
            Rows to predict.
        q : float or array-like of shape (n_quantiles,)
            Probabilities between 0 and 1, both excluded.
        groups : array-like of shape (n_samples,) or (n_samples, n_levels), default=None
            Group labels, if they are not columns of X; of several levels with None for a label that is not known.

        Returns
        -------
        quantiles : ndarray of shape (n_samples,) or (n_samples, n_quantiles)
            In the unit of y; a column for each of several q.

        Raises
        ------
        NotFittedError
            If the regressor is not fitted.
        ValueError
            As ``predict``; or if q is not valid.
        """
        inputs, labels = read_rows(self, X, groups, reset=False)
        levels, is_one = quantile_levels(q)  # (level,)
        quantiles = self._quantiles(inputs, labels, levels)  # (row, level)
        return quantiles[:, 0] if is_one else quantiles

    @available_if(offered("predict_interval"))
    def predict_interval(self, X: Data, coverage: float = 0.9, groups: Data | None = None) -> Floats:
        """Central interval that a new target of each row lies in with a given probability.

        Parameters
        ----------
        X : {array-like, dataframe} of shape (n_samples, n_features)
            Rows to predict.
        coverage : float, default=0.9
            Probability of the interval, between 0 and 1, both excluded. Equal probabilities are below and above it.
        groups : array-like of shape (n_samples,) or (n_samples, n_levels), default=None
            Group labels, if they are not columns of X; of several levels with None for a label that is not known.

        Returns
        -------
        interval : ndarray of shape (n_samples, 2)
            Lower and upper end in the unit of y, quantiles of the posterior predictive distribution.

        Raises
        ------
        NotFittedError
            If the regressor is not fitted.
        ValueError
            As ``predict``; or if coverage is not valid.
        """
        inputs, labels = read_rows(self, X, groups, reset=False)
        check_probability("coverage", coverage)
        return self._interval(inputs, labels, coverage)

    @available_if(offered("predict_uncertainty"))
    def predict_uncertainty(self, X: Data, groups: Data | None = None) -> Uncertainties:
        """Variance of a new target, split into what data could and could not remove.

        Parameters
        ----------
        X : {array-like, dataframe} of shape (n_samples, n_features)
            Rows to predict.
        groups : array-like of shape (n_samples,) or (n_samples, n_levels), default=None
            Group labels, if they are not columns of X; of several levels with None for a label that is not known.

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
            As ``predict``.

        References
        ----------
        .. [1] Depeweg, Hernández-Lobato, Doshi-Velez and Udluft (2018), "Decomposition of uncertainty in Bayesian
           deep learning for efficient and risk-sensitive learning", ICML.
        """
        return self._uncertainty(*read_rows(self, X, groups, reset=False))

    @available_if(offered("sample_mean"))
    def sample_mean(self, X: Data, groups: Data | None = None, n_draws: int | None = None) -> Floats:
        """Expected target of each row under each posterior draw.

        Parameters
        ----------
        X : {array-like, dataframe} of shape (n_samples, n_features)
            Rows to predict.
        groups : array-like of shape (n_samples,) or (n_samples, n_levels), default=None
            Group labels, if they are not columns of X; of several levels with None for a label that is not known.
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
            As ``predict``; or if n_draws is not between 1 and the number of posterior draws, or is None and the groups
            have different numbers of draws.
        """
        return self._sampled_mean(*read_rows(self, X, groups, reset=False), n_draws)

    @available_if(offered("sample_predictive"))
    def sample_predictive(
        self, X: Data, groups: Data | None = None, n_draws: int | None = None, random_state: Seed = None
    ) -> Floats:
        """A new target of each row under each posterior draw.

        Parameters
        ----------
        X : {array-like, dataframe} of shape (n_samples, n_features)
            Rows to predict.
        groups : array-like of shape (n_samples,) or (n_samples, n_levels), default=None
            Group labels, if they are not columns of X; of several levels with None for a label that is not known.
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
            As ``predict``; or if n_draws is not between 1 and the number of posterior draws, or is None and the groups
            have different numbers of draws.
        """
        return self._sampled_targets(*read_rows(self, X, groups, reset=False), n_draws, random_state)

    @available_if(offered("log_predictive_density"))
    def log_predictive_density(self, X: Data, y: Data, groups: Data | None = None) -> Floats:
        """Logarithm of the posterior predictive density of the target of each row.

        Parameters
        ----------
        X : {array-like, dataframe} of shape (n_samples, n_features)
            Rows to predict.
        y : array-like of shape (n_samples,)
            Target of each row.
        groups : array-like of shape (n_samples,) or (n_samples, n_levels), default=None
            Group labels, if they are not columns of X; of several levels with None for a label that is not known.

        Returns
        -------
        log_density : ndarray of shape (n_samples,)
            In nats, of a density per unit of y; of counts that of a probability.

        Raises
        ------
        NotFittedError
            If the regressor is not fitted.
        ValueError
            As ``predict``; or if y is not valid.
        """
        inputs, labels = read_rows(self, X, groups, reset=False)
        return self._log_density(inputs, labels, self._read_new_targets(inputs, y))

    def score(self, X: Data, y: Data, groups: Data | None = None, sample_weight: Data | None = None) -> float:
        """Coefficient of determination R² of the expected targets that ``predict`` returns.

        Parameters
        ----------
        X : {array-like, dataframe} of shape (n_samples, n_features)
            Rows to predict.
        y : array-like of shape (n_samples,)
            True target of each row.
        groups : array-like of shape (n_samples,) or (n_samples, n_levels), default=None
            Group labels, if they are not columns of X; of several levels with None for a label that is not known.
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
            As ``predict``; or if y is not valid.
        """
        mean = self.predict(X, groups=groups)  # (row,)
        return float(r2_score(read_numbers(self, mean, y), mean, sample_weight=sample_weight))
