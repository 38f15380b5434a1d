"""Columns of a table of any library by name or index, and tables with other values in a column."""

import sys

import numpy as np
from sklearn.utils import check_array

from ..data.columns import find_column, nearest
from ..data.labels import is_missing
from ..data.tables import as_table, names_of, take_column
from ..support.caller import warn_caller
from ..support.wording import named, short_errors, shown


def sliceable(X):
    """X as a table or an array (row, column) whose rows and columns can be taken.

    Raises
    ------
    ValueError
        If X is neither.
    """
    X = as_table(X)
    if names_of(X) is not None:
        return X
    with short_errors("X"):
        return check_array(X, dtype=None if hasattr(X, "dtype") else object, ensure_all_finite=False)


def numbers_of(X, position, name):
    """A column of X as floats, (row,).

    Raises
    ------
    ValueError
        If it holds anything but numbers.
    """
    try:
        return np.asarray(take_column(X, position), dtype=float)
    except (TypeError, ValueError):
        raise ValueError(
            f"{shown(name)} holds no numbers, of which alone there are slopes and ranges: "
            "average_comparisons compares two of its values."
        ) from None


def has_numbers(X, position):
    """Whether a column of X holds numbers alone; text that reads like numbers is none."""
    column = take_column(X, position)
    values = column.to_pylist() if hasattr(column, "to_pylist") else column
    if any(isinstance(value, str) for value in values):
        return False
    try:
        return bool(np.all(np.isfinite(np.asarray(column, dtype=float))))
    except (TypeError, ValueError):
        return False


def distinct(column):
    """Sorted values of a column, without those that are missing, (value,)."""
    column = np.asarray(column)  # (row,)
    return np.unique(column[[not is_missing(value) for value in column]])


def warn_of_unknown_text(X, position, name, value):
    """Warn of a text that a column of texts does not hold: behind an encoder it may be none of the categories."""
    if isinstance(value, str) and not has_numbers(X, position):
        known = distinct(take_column(X, position)).tolist()
        if known and all(isinstance(text, str) for text in known) and value not in known:
            warn_caller(
                f"No row of X has {shown(value)} in {shown(name)}, whose values are [{named(known)}]: an encoder "
                f"takes it for none of them, so that the effect is not its own.{nearest(value, known)}",
                UserWarning,
            )


def with_column(X, position, values):
    """Table of the values of X, with others in one column: one for all rows, or one for each (row,)."""
    if hasattr(X, "column_names"):  # of PyArrow
        column = sys.modules["pyarrow"].array(_for_each_row(values, len(X)))  # (row,)
        return X.set_column(position, X.column_names[position], column)
    if hasattr(X, "isetitem"):  # of pandas
        X = X.copy(deep=False)
        X.isetitem(position, values)
        return X
    if hasattr(X, "with_columns"):  # of polars
        column = type(X.to_series(position))(names_of(X)[position], _for_each_row(values, len(X)).tolist())
        return X.with_columns(column)
    kind = np.result_type(X, float) if X.dtype.kind in "biuf" and np.asarray(values).dtype.kind in "biuf" else object
    X = X.astype(kind)  # (row, column), a copy
    X[:, position] = values
    return X


def _for_each_row(values, n_rows):
    """Values for each row, (row,)."""
    return np.full(n_rows, values) if np.ndim(values) == 0 else np.asarray(values)


def column_position(names, feature, group_positions, argument):
    """Position of a column of X that a name or an index means.

    Raises
    ------
    ValueError
        If there is no such column, or two are meant, or it holds the groups; the text names the argument.
    """
    position = find_column(feature, names, len(names), argument)
    if position is None:
        raise ValueError(f"{argument}: {shown(feature)} is not a column of X, whose columns are [{named(names)}].")
    if position in group_positions:
        raise ValueError(
            f"{argument}: {shown(feature)} holds the groups and is no feature; by_group=True gives the effects group "
            "by group."
        )
    return position
