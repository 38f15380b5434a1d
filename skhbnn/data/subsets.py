"""Rows of some of the groups of a fit, and rows of a fit with new rows."""

from dataclasses import replace

import numpy as np

from .labels import encode_labels, unique_labels
from .rows import group_rows
from .standardizer import Standardizer


def of_groups(data, codes):
    """The rows of some groups; rows of X of other groups have the place -1.

    Parameters
    ----------
    data : GroupedData
    codes : ndarray of shape (n_chosen,)
        Positions of the groups, rising.

    Returns
    -------
    data : GroupedData
    """
    is_chosen = np.isin(data.group_of_row, codes)  # (row,)
    place = np.where(is_chosen, np.cumsum(is_chosen) - 1, -1)  # (row,): among the chosen rows
    places = np.where(data.places >= 0, place[data.places], -1)  # (sample,)
    return replace(rows_of_groups(data, codes), places=places)


def rows_of_groups(data, codes):
    """The rows of some groups alone, at the cost of these rows: rows of X have no places among them.

    Parameters
    ----------
    data : GroupedData
    codes : ndarray of shape (n_chosen,)
        Positions of the groups, rising.

    Returns
    -------
    data : GroupedData
    """
    starts, sizes = data.offsets[codes], np.diff(data.offsets)[codes]  # (chosen group,) each
    offsets = np.concatenate([[0], np.cumsum(sizes)])  # (chosen group + 1,)
    rows = np.repeat(starts - offsets[:-1], sizes) + np.arange(offsets[-1])  # (chosen row,)
    return replace(
        data,
        X=data.X[rows],
        y=data.y[rows],
        weights=data.weights[rows],
        offsets=offsets,
        group_labels=[data.group_labels[code] for code in codes],
        places=np.empty(0, np.int64),
        intercept_codes=None if data.intercept_codes is None else data.intercept_codes[rows],
    )


def with_rows(data, X, y, labels, weights):
    """The rows of a fit and new rows, whose places stand behind those of the rows of the fit.

    Parameters
    ----------
    data : GroupedData
    X : ndarray of shape (n_new, n_features)
        Standardised as the rows of the fit were.
    y : ndarray of shape (n_new,)
        Targets as the model takes them.
    labels : list
        Group label of each new row; of a row of weight 0 anything.
    weights : ndarray of shape (n_new,)
        How often each new row counts, 0 or more.

    Returns
    -------
    data : GroupedData
    """
    counted = [label for label, weight in zip(labels, weights, strict=True) if weight > 0]
    known, n_old = unique_labels([*data.group_labels, *counted]), len(data.y)
    of_old = encode_labels(data.group_labels, known)[data.group_of_row]  # (row,)
    found, _ = group_rows(
        np.vstack([data.X, X]),  # (row and new row, feature)
        np.concatenate([data.y, y]),
        np.concatenate([of_old, encode_labels(labels, known)]),
        known,
        weights=np.concatenate([data.weights, weights]),
        standardizer=Standardizer.identity(X.shape[1]),
    )
    old = np.where(data.places >= 0, found.places[:n_old][data.places], -1)  # (sample,)
    return replace(found, places=np.concatenate([old, found.places[n_old:]]))


def require_weights(estimator, fits):
    """Raise a ValueError, for an update with weights, where all rows of the fit count once: units may differ.

    Parameters
    ----------
    estimator : estimator
        Named in the error.
    fits : iterable of GroupedData
        Rows of the fit.
    """
    if all(map(_counts_rows_once, fits)):
        raise ValueError(
            f"sample_weight came to update, and every row of fit counts once in this {type(estimator).__name__}, as it "
            "does without weights: weights in another unit would not go with that. Repeat a row as often as it counts, "
            "or fit all rows again with sample_weight."
        )


def _counts_rows_once(data):
    """Whether every row of X counts once in a fit, as it does where no weights are given."""
    n_samples = np.bincount(data.places[data.places >= 0], minlength=len(data.y))  # (row,)
    return bool(np.all(data.places >= 0) and np.array_equal(n_samples, data.weights))


def some_groups(data, n_groups, rng):
    """Positions of some groups, drawn at random and stratified by size, (n_groups,), rising.

    Parameters
    ----------
    data : GroupedData
    n_groups : int
        No more than there are.
    rng : numpy.random.Generator

    Returns
    -------
    codes : ndarray of shape (n_groups,)
    """
    by_size = np.lexsort((rng.random(data.n_groups), data.group_sizes))  # (group,)
    return np.sort([rng.choice(stratum) for stratum in np.array_split(by_size, n_groups)])
