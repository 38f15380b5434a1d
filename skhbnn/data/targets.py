"""y as callers pass it: class labels, checked and turned into an array."""

import numbers

import numpy as np
from sklearn.utils import check_consistent_length
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import _check_y

from ..support.wording import named
from .labels import is_missing
from .tables import names_of, take_column


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
    y = _unwrapped(y)
    _check_no_class_missing(y)
    y = plain_classes(_check_y(y, estimator=estimator))  # (row,)
    check_classification_targets(y)
    check_consistent_length(X, y)
    return y


def plain_classes(y):
    """Class labels as an array of their own dtype, where they came as objects; text stays as it is.

    Parameters
    ----------
    y : array-like of shape (n_rows,)
        Class labels.

    Returns
    -------
    y : array-like of shape (n_rows,)
        An array of bool or numbers where an array of objects holds nothing else; other arrays unchanged.

    Raises
    ------
    ValueError
        If objects are neither bool, numbers nor text, or some of both.
    """
    y = _unwrapped(y)
    if getattr(getattr(y, "dtype", None), "kind", None) != "O" or len(getattr(y, "shape", ())) != 1:
        return y
    values = list(y)
    kinds = sorted({type(value).__name__ for value in values})
    if all(isinstance(value, (bool, np.bool_)) for value in values):
        return np.array(values, dtype=bool)  # (row,)
    if all(isinstance(value, (numbers.Integral, np.bool_, float, np.floating)) for value in values):
        plain = np.array(values)  # (row,)
        if all(a == b for a, b in zip(plain.tolist(), values, strict=True)):
            return plain
    elif all(isinstance(value, str) for value in values) or any(isinstance(value, bytes) for value in values):
        return y  # scikit-learn says what to do about bytes
    raise ValueError(
        f"Unknown label type: y holds objects of the type(s) {', '.join(kinds)}, such as {named(values[:1])}, that are "
        "no class labels of one type: write y.astype(str), or y.astype(int) for whole numbers."
    )


def _unwrapped(y):
    """Targets of PyArrow as a list, of pandas' own dtypes as an array of objects; any others unchanged."""
    if hasattr(y, "column_names") and len(y.column_names) == 1:
        y = take_column(y, 0)
    if type(y).__module__.split(".")[0] == "pandas" and y.ndim == 1 and not isinstance(y.dtype, np.dtype):
        return y.to_numpy(dtype=object)  # (row,); scikit-learn would make floats of integers and booleans
    return y.to_pylist() if hasattr(y, "to_pylist") and not hasattr(y, "column_names") else y


def _check_no_class_missing(y):
    """Raise a ValueError if a class label is missing; a list with NaN would become an array with the class "nan"."""
    shape: tuple = getattr(y, "shape", ())
    if len(shape) == 2 and shape[1] == 1:
        y = take_column(y, 0) if names_of(y) is not None else y[:, 0]
    numeric = getattr(getattr(y, "dtype", None), "kind", "O") in "biufc"
    if numeric or (not isinstance(y, (list, tuple)) and len(getattr(y, "shape", ())) != 1):
        return  # of numbers scikit-learn's own error says it
    labels = [label[0] if isinstance(label, (list, tuple)) and len(label) == 1 else label for label in y]
    missing = [row for row, label in enumerate(labels) if not hasattr(label, "__len__") and is_missing(label)]
    if missing:
        raise ValueError(f"y has {len(missing)} missing value(s), the first at row {missing[0]}; drop those rows.")
