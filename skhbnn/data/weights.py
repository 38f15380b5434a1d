"""Weights of rows as callers pass them."""

import contextlib
from itertools import compress

import numpy as np
from sklearn.utils import assert_all_finite
from sklearn.utils.validation import _check_sample_weight

from ..support.wording import short_errors
from .reading import check_same_order
from .row_errors import naming_row
from .tables import check_no_mask, masks_as_nan, refuse_lazy, take_rows

OF_WEIGHTS = "Weights say how often a row counts: finite numbers of at least 0."
MOST_ROWS = 1e100  # that weights may stand for: squares of a log likelihood are still floats


def read_weights(sample_weight, X, inputs):
    """Weights of the rows of a fit, as an array.

    Parameters
    ----------
    sample_weight : array-like of shape (n_rows,), float or None
        Weights as a caller passes them; None: 1 for every row.
    X : {array-like, dataframe} of shape (n_rows, n_columns)
        Rows as the caller passes them, whose index the weights may have.
    inputs : {array-like, dataframe} of shape (n_rows, n_features)
        Rows that were read.

    Returns
    -------
    weights : ndarray of shape (n_rows,)
        0 or more; not all are 0.

    Raises
    ------
    ValueError
        If weights are negative, NaN, infinite, all 0 or beyond all numbers of rows, are not one for each row, or have
        the index of X in another order.
    """
    refuse_lazy(sample_weight, "sample_weight")
    check_no_mask(sample_weight, "sample_weight")
    check_same_order(X, sample_weight, "sample_weight")
    with naming_row(sample_weight, OF_WEIGHTS), short_errors("sample_weight"), _named_errors():
        if getattr(getattr(sample_weight, "dtype", None), "kind", None) in ("M", "m"):
            raise TypeError(f"it holds {type(sample_weight).__name__} of {sample_weight.dtype}.")
        weights = _check_sample_weight(sample_weight, inputs, dtype=np.float64, ensure_non_negative=True)  # (row,)
        assert_all_finite(weights, input_name="sample_weight")  # a number for all rows scikit-learn does not check
    with np.errstate(over="ignore"):
        total = weights.sum()
    if total > MOST_ROWS:
        raise ValueError(
            f"sample_weight has the sum {total:.3g}, and {MOST_ROWS:g} is the most: weights say how often rows count."
        )
    if not weights.any():  # scikit-learn before 1.8 does not mind
        raise ValueError("Sample weights must contain at least one non-zero number.")
    return weights


@contextlib.contextmanager
def _named_errors():
    """Context that puts the name sample_weight into errors without it."""
    try:
        with masks_as_nan():
            yield
    except (TypeError, ValueError) as error:
        if "sample_weight" in str(error) or "Sample weights" in str(error):
            raise
        raise ValueError(f"sample_weight must hold a number for each row: {error}") from None


def counted_rows(X, y, labels, weights):
    """The rows whose weight is not 0.

    Parameters
    ----------
    X : {array-like, dataframe} of shape (n_rows, n_columns)
    y : ndarray of shape (n_rows,)
    labels : list
        Group labels of the rows.
    weights : ndarray of shape (n_rows,) or None
        None: no row has a weight.

    Returns
    -------
    X, y, labels, weights
        Of these rows.
    """
    if weights is None or np.all(weights > 0):
        return X, y, labels, weights
    counts = weights > 0  # (row,)
    return take_rows(X, np.flatnonzero(counts)), y[counts], list(compress(labels, counts)), weights[counts]
