"""Public methods of the classifiers of one network.

Each reads the rows that the caller passes, and returns what the estimator has to say of them.
"""

from __future__ import annotations

from typing import Any

from sklearn.metrics import accuracy_score

from ..data.reading import read_rows
from ..data.targets import class_codes, plain_classes
from ..posterior import prediction
from ..support.typed import Data, Floats, Labels, Uncertainties


class ClassifierMethods:
    """Methods of prediction of the classifiers without groups."""

    _proba: Any
    _likeliest: Any
    _std: Any
    _uncertainty: Any
    _sampled_proba: Any
    _log_density: Any

    def predict(self, X: Data) -> Labels:
        """Class of each row: the one of the largest posterior mean probability.

        Parameters
        ----------
        X : {array-like, dataframe} of shape (n_samples, n_features)
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
        return self._likeliest(*read_rows(self, X, reset=False))

    def predict_proba(self, X: Data) -> Floats:
        """Posterior mean of the class probabilities of each row.

        Parameters
        ----------
        X : {array-like, dataframe} of shape (n_samples, n_features)
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
        return self._proba(*read_rows(self, X, reset=False))

    def predict_log_proba(self, X: Data) -> Floats:
        """Natural logarithm of the class probabilities that ``predict_proba`` returns.

        Parameters
        ----------
        X : {array-like, dataframe} of shape (n_samples, n_features)
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
        return prediction.logarithm(self.predict_proba(X))

    def predict_std(self, X: Data) -> Floats:
        """Posterior standard deviation of each class probability: how sure the model is of the probability itself.

        Parameters
        ----------
        X : {array-like, dataframe} of shape (n_samples, n_features)
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
        return self._std(*read_rows(self, X, reset=False))

    def predict_uncertainty(self, X: Data) -> Uncertainties:
        """Entropy of the predicted class, split into what data could and could not remove.

        Parameters
        ----------
        X : {array-like, dataframe} of shape (n_samples, n_features)
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
        return self._uncertainty(*read_rows(self, X, reset=False))

    def sample_proba(self, X: Data, n_draws: int | None = None) -> Floats:
        """Class probabilities of each row under each posterior draw.

        Parameters
        ----------
        X : {array-like, dataframe} of shape (n_samples, n_features)
            Rows to predict.
        n_draws : int, default=None
            Number of draws to use, evenly spaced over the draws of all chains. None: all of them.

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
        return self._sampled_proba(*read_rows(self, X, reset=False), n_draws)

    def log_predictive_density(self, X: Data, y: Data) -> Floats:
        """Logarithm of the posterior predictive probability of the class of each row.

        Parameters
        ----------
        X : {array-like, dataframe} of shape (n_samples, n_features)
            Rows to predict.
        y : array-like of shape (n_samples,)
            Class of each row, one of ``classes_``.

        Returns
        -------
        log_density : ndarray of shape (n_samples,)
            In nats.

        Raises
        ------
        NotFittedError
            If the classifier is not fitted.
        ValueError
            If X is not valid, or y has a class that the fit does not know.
        """
        inputs, labels = read_rows(self, X, reset=False)
        return self._log_density(inputs, labels, class_codes(self, inputs, y))

    def score(self, X: Data, y: Data, sample_weight: Data | None = None) -> float:
        """Accuracy of the classes that ``predict`` returns.

        Parameters
        ----------
        X : {array-like, dataframe} of shape (n_samples, n_features)
            Rows to predict.
        y : array-like of shape (n_samples,)
            True class of each row.
        sample_weight : array-like of shape (n_samples,), default=None
            Weight of each row in the mean. None: equal weights.

        Returns
        -------
        score : float
            Share of the rows whose class is predicted right.

        Raises
        ------
        NotFittedError
            If the classifier is not fitted.
        ValueError
            If X is not valid.
        """
        return accuracy_score(plain_classes(y), self.predict(X), sample_weight=sample_weight)
