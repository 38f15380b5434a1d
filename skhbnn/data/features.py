"""Features that are no numbers: an error that names their columns and says what to do."""

import datetime
import numbers
import warnings
from contextlib import contextmanager

import numpy as np

from ..support.wording import MAX_LETTERS, named, short_errors
from .labels import is_missing
from .tables import dtypes_of, masks_as_nan, names_of, take_column

TEXT, TIMES, DURATIONS, LISTS, DICTS = "text", "dates or times", "durations", "lists", "dicts"
MISSING, INFINITE, NO_FLOATS = "missing values", "infinite values", "numbers that are no floats of 64 bits"
# What to do about the columns of each kind.
ADVICE = {
    TEXT: "Encode text as numbers, for instance with OneHotEncoder.",
    TIMES: "Make numbers of them, for instance days since a first day, or leave them out.",
    DURATIONS: "Make numbers of them, for instance seconds, or leave them out.",
    "periods": "Make numbers of them, for instance their years and months, or leave them out.",
    "intervals": "Make numbers of them, for instance their middles, or leave them out.",
    **dict.fromkeys((LISTS, DICTS), "Give each entry a column of its own, or leave them out."),
    MISSING: "Fill them in, for instance with SimpleImputer, or leave out their rows.",
    INFINITE: "Put finite numbers in their place, or leave out their rows.",
}
OF_GROUPS = (
    "A column that holds the groups is named in the constructor, as in groups='column'; "
    "drop it where one network is fitted."
)
OF_SPARSE = "In a pipeline: OneHotEncoder(sparse_output=False), or sparse_threshold=0 of a ColumnTransformer."
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
    if isinstance(value, (numbers.Number, np.bool_)):
        return None if is_missing(value) or _is_float(value) else NO_FLOATS
    if is_missing(value):
        return None
    return TYPES.get(type(value).__name__, f"objects of the type {type(value).__name__}")


def _is_float(value):
    """Whether a number is within the range of floats, and real."""
    if isinstance(value, (complex, np.complexfloating)):
        return False
    try:
        float(value)
    except (TypeError, ValueError, OverflowError):
        return False
    return True


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
    return next(filter(None, map(_kind_of_value, _values(X, position))), None)


def _gaps(X):
    """Columns of X with missing or infinite values by kind, as a dict of lists, and the first row of one, or None."""
    kinds = [enumerate(map(_kind_of_gap, _values(X, position))) for position in range(X.shape[1])]
    firsts = [next(((row, kind) for row, kind in of_column if kind), (None, None)) for of_column in kinds]
    first = min((row for row, _ in firsts if row is not None), default=None)
    return _columns_by_kind(X, lambda position: firsts[position][1]), first


def _kind_of_gap(value):
    """What a value is, if it is missing or infinite."""
    if is_missing(value):
        return MISSING
    return INFINITE if isinstance(value, (float, np.floating)) and np.isinf(value) else None


def _values(X, position):
    """Values of a column of X."""
    column = take_column(X, position)
    return column.to_pylist() if hasattr(column, "to_pylist") else column


def _fault(found, error=None):
    """Error that names the columns of each kind: a ValueError, or for dicts what scikit-learn's checks raise."""
    said = "" if error is None else f": {_first_line(error)}"
    sentences = [
        f"X has {kind} in column(s) {named(names)}{said}. "
        + ADVICE.get(kind, "Make numbers of them, or leave them out.")
        for kind, names in found.items()
    ]
    error_type = type(error) if set(found) == {DICTS} else ValueError
    return error_type(" ".join([*sentences, OF_GROUPS]))


def _first_line(error):
    """The first line of the text of an error, without its full stop."""
    return str(error).partition("\n")[0][: 2 * MAX_LETTERS].rstrip(". ")


def _fault_of_gaps(found, row, error):
    """A ValueError that begins in scikit-learn's words, and names the columns of gaps by kind and the first row."""
    words = _first_line(error)  # behind them it advises other estimators
    where = " and ".join(f"{kind} in column(s) {named(names)}" for kind, names in found.items())
    return ValueError(f"{words}: {where}, the first at row {row}. {' '.join(ADVICE[kind] for kind in found)}")


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
    dtypes, kind = dtypes_of(X), getattr(getattr(X, "dtype", None), "kind", "")
    if dtypes is None and kind in ("m", "M") and len(getattr(X, "shape", ())) == 2:
        dtypes = [X.dtype] * X.shape[1]
    kinds = {dtype: _kind_of_dtype(dtype) for dtype in set(dtypes or ())}
    if any(kinds.values()):
        raise _fault(_columns_by_kind(X, lambda position: kinds[dtypes[position]]))


@contextmanager
def naming_columns(X):
    """Context in which an error of the checks of X names the columns that hold no numbers; each is a ValueError.

    Only where columns are not to blame, a ValueError or TypeError of scikit-learn stays as it is.
    """
    try:
        with (
            short_errors(f"X, a {type(X).__name__},"),
            np.errstate(over="ignore", invalid="ignore"),  # floats overflow in a sum that scikit-learn looks at
            masks_as_nan(),
        ):
            yield
    except (ValueError, TypeError) as error:
        if "Sparse data was passed" in str(error):
            raise type(error)(f"{error} {OF_SPARSE}") from None
        if isinstance(X, np.matrix):
            raise
        table = X
        if not hasattr(X, "shape") and isinstance(X, (list, tuple)):
            _check_lengths(X, error)
            table = _array_of_lists(X)
        if len(getattr(table, "shape", ())) == 2 and not hasattr(table, "nnz"):
            found = _columns_by_kind(table, lambda position: _kind_of_column(table, position))
            if found:
                raise _fault(found, error) from None
            found, row = ({}, None) if "feature names" in str(error) else _gaps(table)
            if found:
                raise _fault_of_gaps(found, row, error) from None
        if hasattr(X, "nnz") or error.__cause__ is not None or _is_array_of_numbers(X):
            raise
        raise ValueError(f"X is a {type(X).__name__} that cannot become an array of numbers: {error}") from error


def _is_array_of_numbers(X):
    """Whether NumPy makes an array of numbers of X, whatever its shape."""
    try:
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of complex numbers
            np.asarray(X, dtype=float)
    except Exception:  # of any library
        return False
    return True


def _check_lengths(X, error):
    """Raise a ValueError where lists are rows of several lengths."""
    lengths = [len(row) for row in X if isinstance(row, (list, tuple))]
    if len(lengths) == len(X) and len(set(lengths)) > 1:
        row = next(row for row, length in enumerate(lengths) if length != lengths[0])
        raise ValueError(
            f"X has rows of several lengths: row 0 holds {lengths[0]} value(s), and row {row} holds {lengths[row]}."
        ) from error


def _array_of_lists(X):
    """Rows given as lists, as an array (row, column) of objects; an empty one where the rows are something else."""
    if not X or not all(isinstance(row, (list, tuple)) for row in X):
        return np.empty(0)
    array: np.ndarray = np.empty((len(X), len(X[0])), dtype=object)  # (row, column)
    for i, row in enumerate(X):
        for j, value in enumerate(row):
            array[i, j] = value
    return array
