"""X, groups and y as callers pass them: checked once, and turned into arrays and labels."""

import numpy as np
from sklearn.utils import check_array, check_consistent_length
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import _check_y, _num_samples, check_is_fitted, validate_data

from .columns import naming_text_columns, take_group_columns
from .labels import as_labels, is_missing


def read_rows(estimator, X, groups=None, *, reset):
    """Network inputs and group labels of the rows that a caller passes to a method of an estimator.

    Group labels come as the argument ``groups``, or stand in the columns of X that the estimator's parameter ``groups``
    names. An estimator whose class has ``_checks_values = False`` gets the inputs in the form in which they came, for
    the estimators within it to check.

    Parameters
    ----------
    estimator : estimator
        Whose method is called.
    X : {array-like, dataframe} of shape (n_rows, n_columns)
        Rows, with group columns or without.
    groups : array-like of shape (n_rows,), default=None
        Group labels that are not in X.
    reset : bool
        True in a fit, which sets ``n_features_in_`` and ``feature_names_in_`` of the estimator. False afterwards: X
        must have the columns of the fit, and groups must come if and only if the fit had groups.

    Returns
    -------
    inputs : ndarray of shape (n_rows, n_features)
        Columns of X without the group columns, finite float64 numbers; of the type of X where values are not checked.
    labels : list of length n_rows, or None
        Group labels as plain Python objects, None for a missing one; None instead of a list where there are no groups.

    Raises
    ------
    NotFittedError
        If the estimator is not fitted, and reset is False.
    ValueError, TypeError
        If X or groups is not valid, or they do not go with the fit.
    """
    if not reset:
        check_is_fitted(estimator)
    columns, checks_values = getattr(estimator, "groups", None), getattr(estimator, "_checks_values", True)
    if columns is None:
        read = _read_inputs if checks_values else _note_columns
        inputs = read(estimator, X, reset)  # (row, feature)
        labels = None if groups is None else as_labels(groups, _num_samples(inputs))
    elif groups is not None:
        raise ValueError(
            f"groups came in both ways: as the argument groups and as the column(s) {columns!r} of X that the "
            "constructor names; use one of them."
        )
    else:
        table = X
        if not hasattr(X, "columns"):  # of two axes, so that columns can be taken out
            table = check_array(X, dtype=None if hasattr(X, "dtype") else object, ensure_all_finite=False)
        inputs, labels = take_group_columns(table, columns)
        _note_columns(estimator, table, reset)
        if checks_values:
            with naming_text_columns(inputs):
                inputs = check_array(inputs, dtype=np.float64, estimator=estimator)  # (row, feature)
    if not reset:
        _check_groups_as_in_fit(estimator, labels)
    return inputs, labels


def _read_inputs(estimator, X, reset):
    """X as finite numbers (row, feature), with the number and names of columns noted in a fit, compared afterwards."""
    with naming_text_columns(X):
        return validate_data(estimator, X, reset=reset, dtype=np.float64)  # (row, feature)


def _note_columns(estimator, X, reset):
    """X unchanged; the number and names of its columns are noted in a fit, and compared with the fit's afterwards."""
    if reset or getattr(X, "ndim", 2) == 2:  # of a single row without its second axis a later error says what to do
        validate_data(estimator, X, reset=reset, skip_check_array=True)
    return X


def _check_groups_as_in_fit(estimator, labels):
    """Raise a ValueError where a prediction has groups and the fit had none, or the other way round."""
    fitted_with_groups = getattr(estimator, "groups_", None) is not None
    name = type(estimator).__name__
    if labels is not None and not fitted_with_groups:
        raise ValueError(
            f"groups were given, but this {name} was fitted without any: pass groups to fit, "
            "or name their column in the constructor."
        )
    if labels is None and fitted_with_groups:
        raise ValueError(
            f"This {name} was fitted with groups and needs them here too: pass groups= to this "
            f"method, or name their column of X in the constructor, {name}(groups='column'). "
            "The column is the way for scikit-learn's scorers and cross_val_predict, which pass on no groups."
        )


def read_classes(estimator, X, y):
    """Class labels of the rows of a fit, as an array.

    Parameters
    ----------
    estimator : estimator
        Named in errors.
    X : {array-like, dataframe} of shape (n_rows, n_features)
        Rows that the labels belong to.
    y : array-like of shape (n_rows,)
        Class labels as a caller passes them.

    Returns
    -------
    y : ndarray of shape (n_rows,)
        Class labels.

    Raises
    ------
    ValueError
        If y is None, misses a label, holds numbers that are no classes, or has not one label for each row of X.
    """
    if y is None:
        raise ValueError(f"{type(estimator).__name__} requires y to be passed, but the target y is None.")
    _check_no_class_missing(y)
    y = _check_y(y, estimator=estimator)  # (row,)
    check_classification_targets(y)
    check_consistent_length(X, y)
    return y


def _check_no_class_missing(y):
    """Raise a ValueError if a class label is missing; a list with NaN would become an array with the class "nan"."""
    numeric = getattr(getattr(y, "dtype", None), "kind", "O") in "biufc"
    if numeric or (not isinstance(y, (list, tuple)) and len(getattr(y, "shape", ())) != 1):
        return  # of numbers scikit-learn's own error says it
    missing = [row for row, label in enumerate(y) if not hasattr(label, "__len__") and is_missing(label)]
    if missing:
        raise ValueError(f"y has {len(missing)} missing value(s), the first at row {missing[0]}; drop those rows.")
