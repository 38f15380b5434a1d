"""Groups as an argument of every method or as columns of X, for the estimators that have them."""

import numpy as np
from sklearn.metrics import accuracy_score
from sklearn.utils import check_array
from sklearn.utils.validation import _num_samples, check_is_fitted, validate_data

from ..data import as_labels, take_group_columns
from .base import column_names


def unseen_text(labels):
    """Which labels the fit did not see, for an error."""
    return f"groups holds {len(labels)} label(s) that fit did not see: {', '.join(map(repr, labels))}."


class GroupsMixin:
    """Both ways of groups; the estimator stores the parameter ``groups`` and sets ``groups_`` in fit."""

    groups: str | int | list | None
    groups_: np.ndarray | None

    # Routed by default: with metadata routing on, nobody has to call set_fit_request.
    __metadata_request__fit = {"groups": True}
    __metadata_request__predict = {"groups": True}
    __metadata_request__predict_proba = {"groups": True}
    __metadata_request__predict_log_proba = {"groups": True}
    __metadata_request__score = {"groups": True}

    def predict(self, X, groups=None):
        """The class of each row, (row,)."""
        raise NotImplementedError

    def _check_inputs(self, X, reset):
        """X without group columns, checked."""
        raise NotImplementedError

    def _input_names(self):
        """Names of the columns of X that hold no groups."""
        names = column_names(self)
        if self.groups is None:
            return names
        columns = self.groups if isinstance(self.groups, list) else [self.groups]
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

    def score(self, X, y, groups=None, sample_weight=None):
        """Accuracy of ``predict``.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
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
