"""Groups as an argument of every method or as columns of X, for the estimators that have them."""

import warnings
from collections.abc import Callable

import numpy as np
from sklearn.metrics import accuracy_score
from sklearn.utils import check_array
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import _num_samples, check_is_fitted, validate_data

from ..data.columns import take_group_columns
from ..data.labels import as_labels
from ..posterior import prediction
from .base import column_names


def unseen_text(labels):
    """Which labels the fit did not see, for an error."""
    return f"groups holds {len(labels)} label(s) that fit did not see: {', '.join(map(repr, labels))}."


def _offered(method):
    """Whether an estimator offers a method, for ``available_if``."""
    return lambda estimator: estimator._offers(method)


class GroupsMixin:
    """Both ways of groups, and the methods of prediction that take them.

    The estimator stores the parameter ``groups``, sets ``groups_`` in fit, and has what the methods return for X and
    groups: ``_labels`` and the like.
    """

    groups: str | int | list | tuple | None
    groups_: np.ndarray | None
    _labels: Callable
    _proba: Callable
    _std: Callable
    _uncertainty: Callable
    _sample_proba: Callable

    # Routed by default: with metadata routing on, nobody has to call set_fit_request.
    __metadata_request__fit = {"groups": True}
    __metadata_request__predict = {"groups": True}
    __metadata_request__predict_proba = {"groups": True}
    __metadata_request__predict_log_proba = {"groups": True}
    __metadata_request__score = {"groups": True}

    def _check_inputs(self, X, reset):
        """X without group columns, checked."""
        raise NotImplementedError

    def _input_names(self):
        """Names of the columns of X that hold no groups."""
        names = column_names(self)
        if self.groups is None:
            return names
        columns = self.groups if isinstance(self.groups, (list, tuple)) else [self.groups]
        taken = {column if isinstance(column, str) else names[column] for column in columns}
        return [name for name in names if name not in taken]

    def _split(self, X, groups, reset):
        """X without its group columns, and the group labels; None where there are none."""
        if self.groups is None:
            X = self._check_inputs(X, reset)
            return X, None if groups is None else as_labels(groups, _num_samples(X))
        if groups is not None:
            raise ValueError(
                f"groups came in both ways: as the argument groups and as the column(s) {self.groups!r} of X that the "
                "constructor names; use one of them."
            )
        if not hasattr(X, "columns"):
            X = check_array(X, dtype=None if hasattr(X, "dtype") else object, ensure_all_finite=False)  # (row, column)
        inputs, labels = take_group_columns(X, self.groups)
        validate_data(self, X, reset=reset, skip_check_array=True)
        return inputs, labels

    def _warn_without_groups(self):
        """Warn that a fit is of all rows as one group, from the line that called ``fit``."""
        name = type(self).__name__
        warnings.warn(
            f"This {name} was fitted without groups: all rows are one group. Pass groups= to fit, or name their column "
            f"of X in the constructor, {name}(groups='column'), which is the way for scikit-learn's searches and "
            "cross-validation: they keep an argument groups for their splitters unless metadata routing is on.",
            UserWarning,
            stacklevel=4,  # past fit and the wrapper of scikit-learn
        )

    def _check_same_way(self, labels):
        """Raise where a prediction has groups and the fit had none, or the other way round."""
        name = type(self).__name__
        if self.groups_ is None and labels is not None:
            raise ValueError(
                f"groups were given, but this {name} was fitted without any: pass groups to fit, "
                "or name their column in the constructor."
            )
        if self.groups_ is not None and labels is None:
            raise ValueError(
                f"This {name} was fitted with groups and needs them here too: pass groups= to this "
                f"method, or name their column of X in the constructor, {name}(groups='column'). "
                "The column is the way for scikit-learn's scorers and cross_val_predict, which pass on no groups."
            )

    def _offers(self, method):
        """Whether the estimator has a method of prediction."""
        return True

    def predict(self, X, groups=None):
        """Class of each row, as the network or the estimator of its group predicts it.

        Parameters
        ----------
        X : {array-like, dataframe} of shape (n_samples, n_features)
            Rows to predict.
        groups : array-like of shape (n_samples,), default=None
            Group labels, if they are not a column of X.

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
        return self._labels(X, groups)

    @available_if(_offered("predict_proba"))
    def predict_proba(self, X, groups=None):
        """Class probabilities of each row in its group; of Bayesian networks the posterior mean.

        Parameters
        ----------
        X : {array-like, dataframe} of shape (n_samples, n_features)
            Rows to predict.
        groups : array-like of shape (n_samples,), default=None
            Group labels, if they are not a column of X.

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
        return self._proba(X, groups)

    @available_if(_offered("predict_proba"))
    def predict_log_proba(self, X, groups=None):
        """Natural logarithm of ``predict_proba``.

        Parameters
        ----------
        X : {array-like, dataframe} of shape (n_samples, n_features)
            Rows to predict.
        groups : array-like of shape (n_samples,), default=None
            Group labels, if they are not a column of X.

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
        return prediction.logarithm(self._proba(X, groups))

    @available_if(_offered("predict_std"))
    def predict_std(self, X, groups=None):
        """Posterior standard deviation of each class probability: how sure the model is of the probability itself.

        Parameters
        ----------
        X : {array-like, dataframe} of shape (n_samples, n_features)
            Rows to predict.
        groups : array-like of shape (n_samples,), default=None
            Group labels, if they are not a column of X.

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
        return self._std(X, groups)

    @available_if(_offered("predict_uncertainty"))
    def predict_uncertainty(self, X, groups=None):
        """Entropy of the predicted class, split into what data could and could not remove.

        Parameters
        ----------
        X : {array-like, dataframe} of shape (n_samples, n_features)
            Rows to predict.
        groups : array-like of shape (n_samples,), default=None
            Group labels, if they are not a column of X.

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
        return self._uncertainty(X, groups)

    @available_if(_offered("sample_proba"))
    def sample_proba(self, X, groups=None, n_draws=None):
        """Class probabilities under each posterior draw.

        Parameters
        ----------
        X : {array-like, dataframe} of shape (n_samples, n_features)
            Rows to predict.
        groups : array-like of shape (n_samples,), default=None
            Group labels, if they are not a column of X.
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
            As ``predict``; or if n_draws is not between 1 and the number of posterior draws, or is None and not all
            groups have as many.
        """
        return self._sample_proba(X, groups, n_draws)

    def score(self, X, y, groups=None, sample_weight=None):
        """Accuracy of ``predict``.

        Parameters
        ----------
        X : {array-like, dataframe} of shape (n_samples, n_features)
            Rows to predict.
        y : array-like of shape (n_samples,)
            Their true classes.
        groups : array-like of shape (n_samples,), default=None
            Group labels, if they are not a column of X.
        sample_weight : array-like of shape (n_samples,), default=None
            Weight of each row in the mean. None: all the same.

        Returns
        -------
        score : float
            Share of the rows that are predicted right.

        Raises
        ------
        NotFittedError
            If the estimator is not fitted.
        ValueError
            As ``predict``.
        """
        check_is_fitted(self)
        return accuracy_score(y, self.predict(X, groups=groups), sample_weight=sample_weight)
