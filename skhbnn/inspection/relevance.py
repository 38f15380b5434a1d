"""How much a response changes over the features that a network sees: which of them a picture should show."""

import numpy as np

from .effects import STEP

MOST_ROWS = 50  # of a panel, evenly spaced
FEW_VALUES = 5  # of a feature that is hardly continuous


def relevance(expect, X, spread):
    """Average absolute slope of a response in each input, times the input's standard deviation, (input,).

    Absolute values of rows, because a slope that turns from row to row has an average of little meaning.

    Parameters
    ----------
    expect : callable
        Posterior mean of the response at points (point, input), of shape (point, value).
    X : ndarray of shape (n_rows, n_inputs)
        Rows at which slopes are taken, 50 of them at the most.
    spread : ndarray of shape (n_inputs,)
        Standard deviation of each input.
    """
    rows = X[np.unique(np.linspace(0, len(X) - 1, MOST_ROWS).round().astype(int))]  # (row, input)
    found = np.zeros(X.shape[1])  # (input,)
    for i in np.flatnonzero(spread):
        moved = np.tile(rows, (2, 1))  # (row + row, input)
        moved[:, i] += np.repeat([1, -1], len(rows)) * STEP * spread[i]
        above, below = np.split(expect(moved), 2)  # (row, value) each
        found[i] = np.abs(above - below).sum(axis=1).mean() / (2 * STEP)
    return found


def by_relevance(of_inputs, X, panels):
    """Positions of the inputs, the most relevant first; but continuous ones before others.

    Of the continuous ones come first those that differ between rows of a panel: what a group's rows have in common
    shows little of the group.

    Parameters
    ----------
    of_inputs : ndarray of shape (n_inputs,)
        Relevance of each input.
    X : ndarray of shape (n_rows, n_inputs)
        Rows, which tell what is continuous: more than five values.
    panels : list of ndarray of shape (n_rows, n_inputs)
        The rows of each panel.
    """
    is_continuous = np.array([len(np.unique(column)) > FEW_VALUES for column in X.T])  # (input,)
    differs = np.any([np.ptp(rows, axis=0) > 0 for rows in panels], axis=0)  # (input,)
    return np.lexsort((-of_inputs, ~differs, ~is_continuous)).tolist()
