"""Columns of a table that hold group labels, and columns that hold text."""

import numbers
from contextlib import contextmanager

from sklearn.utils import _safe_indexing

from .labels import as_labels


@contextmanager
def naming_text_columns(X):
    """Context in which an error of scikit-learn's checks of X names the columns that hold text."""
    try:
        yield
    except ValueError as error:
        text = _text_columns(X)
        if not text:
            raise
        raise ValueError(
            f"X has text in column(s) {', '.join(map(repr, text))}: {error}. Encode text as numbers, for instance "
            "with OneHotEncoder. A column that holds the groups is named in the constructor, as in "
            "HierarchicalBNNClassifier(groups='column'); drop it where one network is fitted."
        ) from None


def _text_columns(X):
    """Names of the columns of a table X that hold text, or their positions where X has no names."""
    if len(getattr(X, "shape", ())) != 2 or hasattr(X, "nnz"):
        return []
    columns = [_safe_indexing(X, position, axis=1) for position in range(X.shape[1])]
    names = list(X.columns) if hasattr(X, "columns") else range(X.shape[1])
    return [name for name, column in zip(names, columns, strict=True) if any(isinstance(v, str) for v in column)]


def take_group_columns(X, columns):
    """Inputs of the network and group labels, taken from different columns of one table.

    Parameters
    ----------
    X : {ndarray, dataframe} of shape (n_rows, n_columns)
        Inputs and group labels side by side.
    columns : str, int, or list or tuple of them
        Name or index of the column of labels. With several columns a label is the tuple of their values.

    Returns
    -------
    inputs : {ndarray, dataframe} of shape (n_rows, n_features)
        Columns of X that hold no labels.
    labels : list of length n_rows
        Group labels, None for a missing one.

    Raises
    ------
    ValueError
        If a column is not in X or named twice, or none is left.
    """
    several = isinstance(columns, (list, tuple))
    if several and not columns:
        raise ValueError(f"groups={columns!r} names no column of X; use None for no groups.")
    positions = [_column_position(X, column) for column in (columns if several else [columns])]
    if len(set(positions)) != len(positions):
        raise ValueError(f"groups={columns!r} names a column of X twice.")
    n_columns = X.shape[1]
    values = [as_labels(_safe_indexing(X, position, axis=1), X.shape[0]) for position in positions]
    if several:
        labels = [None if any(v is None for v in row) else row for row in zip(*values, strict=True)]
    else:
        labels = values[0]
    if len(positions) == n_columns:
        raise ValueError(f"groups={columns!r} names every column of X: none is left for the inputs of the network.")
    inputs = _safe_indexing(X, [i for i in range(n_columns) if i not in positions], axis=1)
    return inputs, labels


def _column_position(X, column):
    """Position in X of a column that is named or numbered; a ValueError says why there is none."""
    n_columns = X.shape[1]
    if isinstance(column, str):
        if not hasattr(X, "columns"):
            raise ValueError(
                f"groups={column!r} names a column, but X is a {type(X).__name__} without column names; "
                "give the column's index instead, or pass X as a dataframe."
            )
        names = list(X.columns)
        if names.count(column) > 1:
            raise ValueError(
                f"groups={column!r} names {names.count(column)} columns of X; give one of them another name."
            )
        if column not in names:
            raise ValueError(f"groups={column!r} is not a column of X, whose columns are {names}.")
        return names.index(column)
    if not isinstance(column, numbers.Integral):
        raise ValueError(f"groups={column!r} is neither the name nor the index of a column of X.")
    if not -n_columns <= column < n_columns:
        raise ValueError(f"groups={column!r} is not the index of a column of X, which has {n_columns} columns.")
    return column % n_columns
