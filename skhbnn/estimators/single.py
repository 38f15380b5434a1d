"""Prediction methods of the estimators that have one network."""

import numpy as np
from sklearn.utils.validation import validate_data

from ..data.columns import naming_text_columns
from ..data.labels import ALL_ROWS, check_no_class_missing
from ..data.rows import group_rows
from ..posterior import prediction
from .base import BaseBNNClassifier


class SingleNetworkClassifier(BaseBNNClassifier):
    """Base of the estimators of one network, which serves every row."""

    def _take_rows(self, X, y, classes=None):
        """Check the rows of a fit, and set what they tell of themselves; them as one group."""
        self._forget()
        check_no_class_missing(y)
        with naming_text_columns(X):
            X, y = validate_data(self, X, y, dtype=np.float64)  # (row, feature), (row,)
        codes, one_group = self._encode_classes(y, classes), np.zeros(len(y), dtype=int)  # (row,)
        data, self.standardizer_ = group_rows(X, codes, one_group, [ALL_ROWS], self._standardizer(X))
        return data

    def _inputs_and_weights(self, X, groups=None):
        with naming_text_columns(X):
            X = validate_data(self, X, reset=False, dtype=np.float64)  # (row, feature)
        rows = np.arange(len(X))  # (row,)
        return self.standardizer_.transform(X), [(rows, self.posterior_.group_parameters(0))]

    def predict_proba(self, X):
        """Posterior mean of the class probabilities.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows to predict.

        Returns
        -------
        proba : ndarray of shape (n_samples, n_classes)
            Columns in the order of ``classes_``.

        Raises
        ------
        NotFittedError
            If the classifier is not fitted.
        ValueError
            If X is not valid.
        """
        return self._proba(X)

    def predict(self, X):
        """The class of the largest posterior mean probability.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows to predict.

        Returns
        -------
        y : ndarray of shape (n_samples,)
            Class labels.

        Raises
        ------
        NotFittedError
            If the classifier is not fitted.
        ValueError
            If X is not valid.
        """
        return self._labels(X)

    def predict_log_proba(self, X):
        """Natural logarithm of ``predict_proba``.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows to predict.

        Returns
        -------
        log_proba : ndarray of shape (n_samples, n_classes)
            Columns in the order of ``classes_``; -inf where the probability is 0.

        Raises
        ------
        NotFittedError
            If the classifier is not fitted.
        ValueError
            If X is not valid.
        """
        return prediction.logarithm(self._proba(X))

    def predict_std(self, X):
        """Posterior standard deviation of each class probability: how sure the model is of the probability itself.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows to predict.

        Returns
        -------
        std : ndarray of shape (n_samples, n_classes)
            Between 0 and 0.5. A fair coin that is known to be fair has 0.

        Raises
        ------
        NotFittedError
            If the classifier is not fitted.
        ValueError
            If X is not valid.
        """
        return self._std(X)

    def predict_uncertainty(self, X):
        """Entropy of the predicted class, split into what data could and could not remove.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows to predict.

        Returns
        -------
        uncertainty : Bunch
            ``total``, ``aleatoric`` and ``epistemic``, each an ndarray of shape (n_samples,) in nats, with
            total = aleatoric + epistemic [1]_.

        Raises
        ------
        NotFittedError
            If the classifier is not fitted.
        ValueError
            If X is not valid.

        References
        ----------
        .. [1] Depeweg, Hernández-Lobato, Doshi-Velez and Udluft (2018), "Decomposition of uncertainty in Bayesian
           deep learning for efficient and risk-sensitive learning", ICML.
        """
        return self._uncertainty(X)

    def sample_proba(self, X, n_draws=None):
        """Class probabilities under each posterior draw.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows to predict.
        n_draws : int, default=None
            So many draws, evenly spaced over those of all chains; None: all.

        Returns
        -------
        proba : ndarray of shape (n_draws, n_samples, n_classes)
            The last axis in the order of ``classes_``.

        Raises
        ------
        NotFittedError
            If the classifier is not fitted.
        ValueError
            If n_draws is not between 1 and the number of posterior draws.
        """
        return self._sample_proba(X, None, n_draws)
