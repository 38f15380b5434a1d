"""Public methods of the classifiers whose rows may be in groups."""

from __future__ import annotations

from typing import Any

from sklearn.metrics import accuracy_score

from ..data.reading import read_rows
from ..data.targets import class_codes, plain_classes
from ..posterior import prediction
from ..support.typed import Data, Floats, Labels, Uncertainties, available_if
from .groups import offered


class GroupedClassifierMethods:
    """Methods of prediction of the classifiers with groups."""

    _proba: Any
    _likeliest: Any
    _std: Any
    _uncertainty: Any
    _sampled_proba: Any
    _log_density: Any

    # Routed by default, as in GroupsMixin.
    __metadata_request__predict_proba = {"groups": True}
    __metadata_request__predict_log_proba = {"groups": True}

    def predict(self, X: Data, groups: Data | None = None) -> Labels:
        """Class of each row, predicted by the network or the estimator of the row's group.

        Parameters
        ----------
        X : {array-like, dataframe} of shape (n_samples, n_features)
            Rows to predict.
        groups : array-like of shape (n_samples,) or (n_samples, n_levels), default=None
            Group labels, if they are not columns of X; of several levels with None for a label that is not known.

        Returns
        -------
        y : ndarray of shape (n_samples,)
            Class labels.

        Raises
        ------
        NotFittedError
            If the classifier is not fitted.
        ValueError
            If X is not valid, groups are missing or come in both ways, or hold a label that ``fit`` did not see and
            that the parameters of the classifier refuse.
        """
        return self._likeliest(*read_rows(self, X, groups, reset=False))

    @available_if(offered("predict_proba"))
    def predict_proba(self, X: Data, groups: Data | None = None) -> Floats:
        """Class probabilities of each row in the row's group; of Bayesian networks the posterior mean.

        Parameters
        ----------
        X : {array-like, dataframe} of shape (n_samples, n_features)
            Rows to predict.
        groups : array-like of shape (n_samples,) or (n_samples, n_levels), default=None
            Group labels, if they are not columns of X; of several levels with None for a label that is not known.

        Returns
        -------
        proba : ndarray of shape (n_samples, n_classes)
            Columns in the order of ``classes_``.

        Raises
        ------
        NotFittedError
            If the classifier is not fitted.
        ValueError
            As ``predict``.
        """
        return self._proba(*read_rows(self, X, groups, reset=False))

    @available_if(offered("predict_proba"))
    def predict_log_proba(self, X: Data, groups: Data | None = None) -> Floats:
        """Natural logarithm of the class probabilities that ``predict_proba`` returns.

        Parameters
        ----------
        X : {array-like, dataframe} of shape (n_samples, n_features)
            Rows to predict.
        groups : array-like of shape (n_samples,) or (n_samples, n_levels), default=None
            Group labels, if they are not columns of X; of several levels with None for a label that is not known.

        Returns
        -------
        log_proba : ndarray of shape (n_samples, n_classes)
            Columns in the order of ``classes_``; -inf where the probability is 0.

        Raises
        ------
        NotFittedError
            If the classifier is not fitted.
        ValueError
            As ``predict``.
        """
        return prediction.logarithm(self.predict_proba(X, groups))

    @available_if(offered("predict_std"))
    def predict_std(self, X: Data, groups: Data | None = None) -> Floats:
        """Posterior standard deviation of each class probability: how sure the model is of the probability itself.

        Parameters
        ----------
        X : {array-like, dataframe} of shape (n_samples, n_features)
            Rows to predict.
        groups : array-like of shape (n_samples,) or (n_samples, n_levels), default=None
            Group labels, if they are not columns of X; of several levels with None for a label that is not known.

        Returns
        -------
        std : ndarray of shape (n_samples, n_classes)
            Between 0 and 0.5. A fair coin that is known to be fair has 0.

        Raises
        ------
        NotFittedError
            If the classifier is not fitted.
        ValueError
            As ``predict``.
        """
        return self._std(*read_rows(self, X, groups, reset=False))

    @available_if(offered("predict_uncertainty"))
    def predict_uncertainty(self, X: Data, groups: Data | None = None) -> Uncertainties:
        """Entropy of the predicted class, split into what data could and could not remove.

        Parameters
        ----------
        X : {array-like, dataframe} of shape (n_samples, n_features)
            Rows to predict.
        groups : array-like of shape (n_samples,) or (n_samples, n_levels), default=None
            Group labels, if they are not columns of X; of several levels with None for a label that is not known.

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
            As ``predict``.

        References
        ----------
        .. [1] Depeweg, Hernández-Lobato, Doshi-Velez and Udluft (2018), "Decomposition of uncertainty in Bayesian
           deep learning for efficient and risk-sensitive learning", ICML.
        """
        return self._uncertainty(*read_rows(self, X, groups, reset=False))

    @available_if(offered("sample_proba"))
    def sample_proba(self, X: Data, groups: Data | None = None, n_draws: int | None = None) -> Floats:
        """Class probabilities of each row under each posterior draw.

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
        proba : ndarray of shape (n_draws, n_samples, n_classes)
            The last axis in the order of ``classes_``.

        Raises
        ------
        NotFittedError
            If the classifier is not fitted.
        ValueError
            As ``predict``; or if n_draws is not between 1 and the number of posterior draws, or is None and the groups
            have different numbers of draws.
        """
        return self._sampled_proba(*read_rows(self, X, groups, reset=False), n_draws)

    @available_if(offered("predict_proba"))
    def log_predictive_density(self, X: Data, y: Data, groups: Data | None = None) -> Floats:
        """Logarithm of the posterior predictive probability of the class of each row.

        Parameters
        ----------
        X : {array-like, dataframe} of shape (n_samples, n_features)
            Rows to predict.
        y : array-like of shape (n_samples,)
            Class of each row, one of ``classes_``.
        groups : array-like of shape (n_samples,) or (n_samples, n_levels), default=None
            Group labels, if they are not columns of X; of several levels with None for a label that is not known.

        Returns
        -------
        log_density : ndarray of shape (n_samples,)
            In nats.

        Raises
        ------
        NotFittedError
            If the classifier is not fitted.
        ValueError
            As ``predict``; or if y has a class that the fit does not know.
        """
        inputs, labels = read_rows(self, X, groups, reset=False)
        return self._log_density(inputs, labels, class_codes(self, inputs, y))

    def score(self, X: Data, y: Data, groups: Data | None = None, sample_weight: Data | None = None) -> float:
        """Accuracy of the classes that ``predict`` returns.

        Parameters
        ----------
        X : {array-like, dataframe} of shape (n_samples, n_features)
            Rows to predict.
        y : array-like of shape (n_samples,)
            True class of each row.
        groups : array-like of shape (n_samples,) or (n_samples, n_levels), default=None
            Group labels, if they are not columns of X; of several levels with None for a label that is not known.
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
            As ``predict``.
        """
        return accuracy_score(plain_classes(y), self.predict(X, groups=groups), sample_weight=sample_weight)
