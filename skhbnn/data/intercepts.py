"""Columns of X whose labels have random intercepts: labels as numbers that stand behind the inputs of a row.

The number of a label that the fit knows is its position among the labels of the column. That of any other label is
negative and made of the text of the label, so that the number alone determines the draws of its intercept.
"""

import hashlib

import numpy as np

from ..support.wording import shown
from .columns import column_positions, column_source
from .doubts import unseen_text, warn_of_unseen
from .labels import encode_labels, label_text, read_labels, unique_labels
from .tables import names_of, take_column

DIGEST_BYTES = 6  # a float holds whole numbers of so many bytes


def intercept_positions(X, columns, of_groups):
    """Positions of the columns that the parameter ``random_intercepts`` names.

    Parameters
    ----------
    X : {ndarray, dataframe} of shape (n_rows, n_columns)
        Inputs and labels side by side.
    columns : str, int, list or tuple of them, or None
        The parameter.
    of_groups : list of int
        Positions of the columns that hold the groups.

    Returns
    -------
    positions : list of int
        One for each column.

    Raises
    ------
    ValueError
        If a column is not in X, or named twice, or holds the groups.
    """
    if columns is None:
        return []
    names = names_of(X)
    positions = column_positions(columns, names, X.shape[1], "random_intercepts")
    both = [position for position in positions if position in of_groups]
    if both:
        raise ValueError(
            f"groups and random_intercepts both name the column {shown(names[both[0]] if names else both[0])} of X: "
            "a group has intercepts of its own already; name the column once."
        )
    return positions


def read_intercepts(estimator, X, positions, *, reset):
    """Numbers of the labels of rows, for every column of random intercepts.

    Parameters
    ----------
    estimator : estimator
        Whose method is called.
    X : {ndarray, dataframe} of shape (n_rows, n_columns)
        Inputs and labels side by side.
    positions : list of int
        Positions of the columns of labels.
    reset : bool
        True in a fit, which sets ``random_intercept_labels_`` of the estimator. False afterwards.

    Returns
    -------
    numbers : ndarray of shape (n_rows, len(positions))
        Floats; in a fit -1 for a missing label.

    Raises
    ------
    ValueError
        If a column holds what can be no label, or a label that the fit does not know and ``unseen_groups`` refuses.
    """
    labels = [_read_column(X, position) for position in positions]
    if reset:
        known = [unique_labels([label for label in column if label is not None]) for column in labels]
        estimator.random_intercept_labels_ = known
    else:
        known = estimator.training_data_.intercept_labels
        for position, column, of_fit in zip(positions, labels, known, strict=True):
            _judge_unseen(_source(X, position), column, of_fit, getattr(estimator, "unseen_groups", None))
    numbers = np.empty((X.shape[0], len(positions)))  # (row, column)
    for c, (column, of_fit) in enumerate(zip(labels, known, strict=True)):
        numbers[:, c] = encode_labels(column, of_fit)
        if not reset:
            unseen = {label: _number_of_unseen(label) for label in set(column).difference(of_fit)}
            for row in np.flatnonzero(numbers[:, c] < 0):
                numbers[row, c] = unseen[column[row]]
    return numbers


def _source(X, position):
    """Text that names a column of labels, the subject of a message."""
    names = names_of(X)
    return column_source(names[position] if names else position, "random_intercepts")


def _read_column(X, position):
    """Labels of a column of a table, None for a missing one."""
    source = _source(X, position)
    try:
        return read_labels(take_column(X, position), X.shape[0], source)
    except ValueError as error:
        raise ValueError(f"{source}: {error}") from None


def _judge_unseen(source, labels, known, unseen_groups):
    """Refuse labels that the fit did not see, if so asked, or warn if types or texts say why none was seen."""
    distinct = list(dict.fromkeys(labels))
    unseen = [label for label, code in zip(distinct, encode_labels(distinct, known), strict=True) if code < 0]
    known = known if len(unseen) == len(distinct) else []
    if unseen and unseen_groups == "error":
        raise ValueError(
            f"{unseen_text(unseen, known, source)} "
            'Set unseen_groups="population" to draw their intercepts from the learned distribution.'
        )
    warn_of_unseen(unseen, known, source)


def _number_of_unseen(label):
    """The negative whole number of a label that the fit does not know, in every process one and the same."""
    digest = hashlib.sha256(label_text(label).encode()).digest()
    return -1.0 - int.from_bytes(digest[:DIGEST_BYTES], "little")
