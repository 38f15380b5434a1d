"""Columns of a table that hold group labels."""

import difflib
import numbers

from ..support.wording import MAX_LETTERS, named, shown
from .labels import read_labels
from .levels import level_names
from .tables import names_of, take_column, take_columns

IN_ITS_PLACE = "What selects features must leave the column of groups in its place."
IN_A_PIPELINE = (
    'In a pipeline, set_output(transform="pandas") keeps the names; a ColumnTransformer then calls the column '
    "'passthrough__{0}' or 'remainder__{0}', unless it has verbose_feature_names_out=False. Estimators that make an "
    "array of a dataframe themselves, such as BaggingClassifier, need the index, and numbers as labels."
)


def take_group_columns(X, columns, others=()):
    """Inputs of the network and group labels, taken from different columns of one table.

    Parameters
    ----------
    X : {ndarray, dataframe} of shape (n_rows, n_columns)
        Inputs and group labels side by side.
    columns : str, int, or list or tuple of them
        Name or index of the column of labels. Several columns are levels of groups, the outermost first.
    others : sequence of int, default=()
        Positions of further columns that are no inputs.

    Returns
    -------
    inputs : {ndarray, dataframe} of shape (n_rows, n_features)
        Columns of X that are inputs.
    values : list of list of length n_rows
        Labels of every row, of each column; None for a missing one.
    names : list of str
        Names of the columns as levels of groups.
    positions : list of int
        Positions of the columns of labels.

    Raises
    ------
    ValueError
        If a column is not in X or named twice, or none is left.
    """
    n_rows, n_columns = X.shape
    names = names_of(X)
    positions = column_positions(columns, names, n_columns)
    sources = [column_source(names[i] if names else i, "groups") for i in positions]
    values = [read_labels(take_column(X, i), n_rows, source) for i, source in zip(positions, sources, strict=True)]
    levels = level_names([names[i] for i in positions] if names else None, len(positions))
    return take_inputs(X, [*positions, *others], f"groups={shown(columns)}"), values, levels, positions


def column_source(column, parameter):
    """Text that names a column by its name or position, and the parameter that names it: the subject of a message."""
    return f"The column {shown(column)} of X that {parameter} names"


def take_inputs(X, positions, source):
    """Columns of a table (row, column) without the columns at some positions.

    source: what names the positions, for an error.
    """
    n_columns = X.shape[1]
    if len(positions) == n_columns:
        raise ValueError(
            f"{source} names every column of X: none is left for the inputs of the network. {IN_ITS_PLACE}"
        )
    return take_columns(X, [i for i in range(n_columns) if i not in positions])


def require_names(X, columns, parameter="groups"):
    """Raise a ValueError where a parameter holds names of columns, and X has no names, whatever else X is."""
    if names_of(X) is not None or columns is None:
        return
    for column in columns if isinstance(columns, (list, tuple)) else [columns]:
        if isinstance(column, str):
            raise ValueError(
                f"{parameter}={shown(column)} names a column, but X is a {type(X).__name__} without column names; "
                f"give the column's index instead, or pass X as a dataframe. "
                f"{IN_A_PIPELINE.format(column[:MAX_LETTERS])}"
            )


def column_positions(columns, names, n_columns, parameter="groups"):
    """Positions of the columns that a parameter names.

    Parameters
    ----------
    columns : str, int, or list or tuple of them
        The parameter.
    names : list or None
        Names of the columns of X; None where X has none.
    n_columns : int
        Number of columns of X.
    parameter : str, default="groups"
        Name of the parameter, for errors.

    Returns
    -------
    positions : list of int
        One for each column.

    Raises
    ------
    ValueError
        If a column is not in X, or named twice, or a number means two of them.
    """
    several = _is_several(columns, names)
    if several and not columns:
        raise ValueError(f"{parameter}={shown(columns)} names no column of X; use None for no {parameter}.")
    positions = [_position(column, names, n_columns, parameter) for column in (columns if several else [columns])]
    if len(set(positions)) != len(positions):
        raise ValueError(f"{parameter}={shown(columns)} names a column of X twice.")
    return positions


def _is_several(columns, names):
    """Whether the parameter is a list of columns: a tuple may be the one name of a column."""
    return isinstance(columns, list) or (isinstance(columns, tuple) and not _matches(columns, names))


def _matches(column, names):
    """Positions of the columns of a name."""
    return [i for i, name in enumerate(names or ()) if type(name) is not bool and name == column]


def find_column(column, names, n_columns, parameter):
    """Position of the column that a name or an index means.

    Parameters
    ----------
    column : object
        What a caller passes as a column.
    names : list or None
        Names of the columns; None where they have none.
    n_columns : int
        Number of columns.
    parameter : str
        Name of the parameter, for errors.

    Returns
    -------
    position : int or None
        None if there is no such column.

    Raises
    ------
    ValueError
        If two columns are meant: of one name, or one by its name and the other by its index.
    """
    if isinstance(column, bool) or column is None or isinstance(column, list):
        return None
    matches = _matches(column, names)
    if len(matches) > 1:
        raise ValueError(
            f"{parameter}={shown(column)} names {len(matches)} columns of X; give one of them another name."
        )
    if not isinstance(column, numbers.Integral):
        return matches[0] if matches else None
    number = int(column)
    is_index = -n_columns <= number < n_columns
    alike = matches or (_matches(str(number), names) if is_index else [])
    if is_index and alike and alike != [number % n_columns]:
        raise ValueError(
            f"{parameter}={number} means two columns of X: the one named {shown(names[alike[0]])}, and the one at "
            f"position {number % n_columns}, which is named {shown(names[number % n_columns])}. Give the columns names "
            f"that are other texts, and {parameter} one of those."
        )
    return matches[0] if matches else number % n_columns if is_index else None


def _position(column, names, n_columns, parameter):
    """Position of the column that a name or an index means; a ValueError says why there is none."""
    position = find_column(column, names, n_columns, parameter)
    if position is not None:
        return position
    if isinstance(column, numbers.Integral) and not isinstance(column, bool):
        raise ValueError(
            f"{parameter}={shown(column)} is not the index of a column of X, which has {n_columns} columns"
            + (f", nor the name of one, which are [{named(names)}]." if names else f". {IN_ITS_PLACE}")
        )
    if names is None or isinstance(column, list) or (not isinstance(column, str) and _are_texts(names)):
        raise ValueError(f"{parameter}={shown(column)} is neither the name nor the index of a column of X.")
    raise ValueError(
        f"{parameter}={shown(column)} is not a column of X, whose columns are [{named(names)}].{_meant(column, names)}"
    )


def _are_texts(names):
    """Whether all names of columns are texts."""
    return all(isinstance(name, str) for name in names)


def _meant(column, names):
    """Sentence that names the column that was probably meant, or an empty text."""
    prefixed = [name for name in names if isinstance(name, str) and name.endswith(f"__{column}")]
    if prefixed:
        return (
            f" Did you mean {shown(prefixed[0])}? A ColumnTransformer adds such prefixes unless it has "
            "verbose_feature_names_out=False."
        )
    whole = [name for name in names if isinstance(name, tuple) and column in name]
    if whole:
        return f" Did you mean {shown(whole[0])}? Name all levels of it."
    encoded = [name for name in names if isinstance(name, str) and f"__{name}".find(f"__{column}_") >= 0]
    if encoded:
        return (
            f" The column(s) {named(encoded)} look like {shown(column)} behind a OneHotEncoder: leave the column of "
            'groups as it is, with ("passthrough", ...) in a ColumnTransformer.'
        )
    return nearest(column, names)


def nearest(value, known):
    """A sentence that asks whether a known value that reads like an unknown one was meant; empty where none does."""
    if len(str(value)) > MAX_LETTERS:
        return ""  # to compare long texts takes long
    texts = {str(name).strip().casefold(): name for name in known}
    close = difflib.get_close_matches(str(value).strip().casefold(), texts, n=1, cutoff=0.8)
    return f" Did you mean {shown(texts[close[0]])}?" if close else ""
