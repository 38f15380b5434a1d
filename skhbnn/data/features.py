"""Features that are no numbers: an error that names their columns and says what to do."""

import datetime
import numbers
from contextlib import contextmanager

import numpy as np

from ..support.wording import MAX_LETTERS, named
from .labels import is_missing
from .tables import dtypes_of, names_of, take_column

TEXT, TIMES, DURATIONS, LISTS, DICTS = "text", "dates or times", "durations", "lists", "dicts"
# What to do about the columns of each kind.
ADVICE = {
    TEXT: "Encode text as numbers, for instance with OneHotEncoder.",
    TIMES: "Make numbers of them, for instance days since a first day, or leave them out.",
    DURATIONS: "Make numbers of them, for instance seconds, or leave them out.",
    "periods": "Make numbers of them, for instance their years and months, or leave them out.",
    "intervals": "Make numbers of them, for instance their middles, or leave them out.",
    **dict.fromkeys((LISTS, DICTS), "Give each entry a column of its own, or leave them out."),
}
OF_GROUPS = (
    "A column that holds the groups is named in the constructor, as in HierarchicalBNNClassifier(groups='column'); "
    "drop it where one network is fitted."
)
# Beginnings of the names of dtypes in NumPy, pandas, polars and PyArrow, in the order in which they are tried.
DTYPES = {
    "timedelta": DURATIONS,
    "duration": DURATIONS,
    "month_day_nano": DURATIONS,
    "date": TIMES,
    "time": TIMES,
    "period": "periods",
    "interval": "intervals",
    **dict.fromkeys(("list", "large_list", "fixed_size_list", "struct", "array", "map"), LISTS),
}
TYPES = {"Period": "periods", "Interval": "intervals", "Timedelta": DURATIONS}


def _kind_of_dtype(dtype):
    """What a column of the dtype holds that is no number; None where only the values can tell."""
    text = str(dtype).lower()
    return next((kind for beginning, kind in DTYPES.items() if text.startswith(beginning)), None)


def _kind_of_value(value):
    """What a value is, if it is no number; None for a number or a missing value."""
    if isinstance(value, str):
        return TEXT
    if isinstance(value, dict):
        return DICTS
    if isinstance(value, (list, tuple, set, frozenset)) or getattr(value, "shape", ()) != ():
        return LISTS
    if isinstance(value, (np.datetime64, datetime.date, datetime.time)):
        return None if is_missing(value) else TIMES
    if isinstance(value, (np.timedelta64, datetime.timedelta)):
        return None if is_missing(value) else DURATIONS
    if isinstance(value, (numbers.Number, np.bool_)) or is_missing(value):
        return None
    return TYPES.get(type(value).__name__, f"objects of the type {type(value).__name__}")


def _columns_by_kind(X, kind_of):
    """Names of the columns of X that are no numbers, or their positions, as a dict of lists by what they hold."""
    found: dict = {}
    for position, name in enumerate(names_of(X) or range(X.shape[1])):
        kind = kind_of(position)
        if kind is not None:
            found.setdefault(kind, []).append(name)
    return found


def _kind_of_column(X, position):
    """What a column of X holds that is no number; None if all are numbers."""
    column = take_column(X, position)
    values = column.to_pylist() if hasattr(column, "to_pylist") else column
    return next(filter(None, map(_kind_of_value, values)), None)


def _fault(found, error=None):
    """Error that names the columns of each kind: a ValueError, or for dicts what scikit-learn's checks raise."""
    said = "" if error is None else f": {str(error)[: 2 * MAX_LETTERS].rstrip('. ')}"
    sentences = [
        f"X has {kind} in column(s) {named(names)}{said}. "
        + ADVICE.get(kind, "Make numbers of them, or leave them out.")
        for kind, names in found.items()
    ]
    error_type = type(error) if set(found) == {DICTS} else ValueError
    return error_type(" ".join([*sentences, OF_GROUPS]))


def check_dtypes(X):
    """Raise a ValueError where X has columns of dates, times or lists by their dtype: some would become numbers.

    Parameters
    ----------
    X : {array-like, dataframe} of shape (n_rows, n_features)
        Features as a caller passes them.

    Raises
    ------
    ValueError
        If there are such columns; it names them.
    """
    dtypes = dtypes_of(X)
    if dtypes is None and getattr(getattr(X, "dtype", None), "kind", "") in "mM" and len(getattr(X, "shape", ())) == 2:
        dtypes = [X.dtype] * X.shape[1]
    kinds = {dtype: _kind_of_dtype(dtype) for dtype in set(dtypes or ())}
    if any(kinds.values()):
        raise _fault(_columns_by_kind(X, lambda position: kinds[dtypes[position]]))


@contextmanager
def naming_columns(X):
    """Context in which an error of scikit-learn's checks of X names the columns that hold no numbers."""
    try:
        yield
    except (ValueError, TypeError) as error:
        table = X
        if not hasattr(X, "shape") and isinstance(X, (list, tuple)):
            table = _array_of_lists(X)
        if len(getattr(table, "shape", ())) != 2 or hasattr(table, "nnz"):
            raise
        found = _columns_by_kind(table, lambda position: _kind_of_column(table, position))
        if not found:
            raise
        raise _fault(found, error) from None


def _array_of_lists(X):
    """Rows given as lists, as an array (row, column) of objects; an empty one where the rows differ in length."""
    lengths = {len(row) if isinstance(row, (list, tuple)) else -1 for row in X}
    if len(lengths) != 1 or -1 in lengths:
        return np.empty(0)
    array: np.ndarray = np.empty((len(X), *lengths), dtype=object)  # (row, column)
    for i, row in enumerate(X):
        for j, value in enumerate(row):
            array[i, j] = value
    return array
