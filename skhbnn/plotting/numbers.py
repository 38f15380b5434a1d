"""What the displays of numbers share: which regressors have them, their rows, and what networks say of each row."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np

from ..data.labels import ALL_ROWS
from ..data.reading import read_rows
from ..estimators.per_group.regressor import PerGroupRegressor
from ..estimators.regression import NetworkRegressorMixin
from ..support.pipelines import last_step, transformed
from .checks import last_fit

NumberNetworks: TypeAlias = NetworkRegressorMixin | PerGroupRegressor


def last_regressor(display, estimator, X, of_classes):
    """The fitted regressor of this package that an estimator is, or that a pipeline or search ends in; and its X.

    Raises an error unless Matplotlib is installed and there is one. of_classes: name of the display that a classifier
    has in place of this one.
    """
    meaning = f"regressor of this package (of a classifier there is {of_classes})"
    fitted = last_fit(display, estimator, (NetworkRegressorMixin, PerGroupRegressor), meaning)
    return fitted, transformed(last_step(estimator)[0], X)


def read_inputs(estimator, X, groups):
    """Inputs of the networks (row, input) in the caller's units, and labels or None, of rows that a caller passes.

    Behind the inputs of a row are the numbers of its labels of random intercepts, if the estimator has any.

    Raises
    ------
    TypeError
        If the regressors of a PerGroupRegressor are not networks, or have groups or random intercepts of their own.
    ValueError
        If X or groups is not valid, or a group has no network.
    """
    inputs, labels = read_rows(estimator, X, groups, reset=False)
    if isinstance(estimator, PerGroupRegressor):  # which leaves it to the networks to check the inputs
        _, fitted, _ = _networks(estimator, labels)[0]
        inputs, _ = read_rows(fitted, inputs, reset=False)
    return inputs, labels


def on_rows(estimator, ask, inputs, labels, *of_rows):
    """What the networks say of each row, (row, ...).

    ask takes a fitted regressor of networks, inputs and labels for it, and the part for these rows of each further
    array (row,).
    """
    result = None
    for rows, fitted, own_labels in _networks(estimator, labels):
        part = ask(fitted, inputs[rows], own_labels, *(array[rows] for array in of_rows))  # (row of these, ...)
        if result is None:
            result = np.empty((len(inputs), *part.shape[1:]))  # (row, ...)
        result[rows] = part
    return result


def _networks(estimator, labels):
    """Triples of rows, the regressor of networks that serves them, and the labels that it takes for them."""
    if isinstance(estimator, NetworkRegressorMixin):
        return [(slice(None), estimator, labels)]
    if labels is None:
        served = [(slice(None), estimator.estimators_[ALL_ROWS])]
    else:
        served = estimator._served("predict_quantiles", labels)
    for _, fitted in served:
        if not isinstance(fitted, NetworkRegressorMixin) or getattr(fitted, "groups_", None) is not None:
            raise TypeError(
                "A PerGroupRegressor has such a display if its estimator is a FlatBNNRegressor or an "
                f"InformedPriorBNNRegressor; this one's is a {type(fitted).__name__}."
            )
        if getattr(fitted, "random_intercept_columns_", None):
            raise TypeError("A PerGroupRegressor whose estimator has random_intercepts has no such display.")
    return [(rows, fitted, None) for rows, fitted in served]
