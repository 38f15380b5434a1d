"""y as callers pass it: class labels or numbers, checked and turned into an array."""

import numbers
import sys
from collections.abc import Sequence

import numpy as np
from sklearn.utils import check_consistent_length
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import _check_y

from ..support.wording import named, short_errors, shown
from .labels import is_missing
from .row_errors import naming_row
from .tables import check_no_mask, masks_as_nan, names_of, refuse_lazy, take_column

OF_GAPS = "Drop such rows."


def read_classes(estimator, X, y):
    """Class labels of the rows of a fit, as an array.

    Parameters
    ----------
    estimator : estimator
        Named in errors.
    X : {array-like, dataframe} of shape (n_rows, n_features)
        Rows that the labels belong to.
    y : array-like of shape (n_rows,)
        Class labels as a caller passes them.

    Returns
    -------
    y : ndarray of shape (n_rows,)
        Class labels.

    Raises
    ------
    ValueError
        If y is None, misses a label, holds numbers that are no classes, or has not one label for each row of X.
    """
    _check_passed(estimator, y)
    y = _unwrapped(y)
    _check_no_class_missing(y)
    with naming_row(y, OF_GAPS), short_errors("y"), np.errstate(invalid="ignore"):  # of floats beyond all integers
        y = plain_classes(_check_y(y, estimator=estimator))  # (row,)
        check_classification_targets(y)
    check_consistent_length(X, y)
    return y


def read_known_classes(estimator, X, y):
    """Class labels of rows that came after a fit, as an array.

    Parameters
    ----------
    estimator : estimator
        Fitted.
    X : {array-like, dataframe} of shape (n_rows, n_features)
        Rows that the labels belong to.
    y : array-like of shape (n_rows,)
        Class labels as a caller passes them.

    Returns
    -------
    y : ndarray of shape (n_rows,)
        Class labels, all of them in ``classes_``.

    Raises
    ------
    ValueError
        If y is not valid, or has a class that the fit does not know.
    """
    y, classes = read_classes(estimator, X, y), estimator.classes_  # (row,), (class,)
    unknown = np.setdiff1d(y, classes)
    if len(unknown):
        raise ValueError(
            f"y has classes that fit did not see: [{named(unknown.tolist())}]; it saw [{named(classes.tolist())}]."
        )
    return y


def class_codes(estimator, X, y):
    """Positions in ``classes_`` of class labels as ``read_known_classes`` takes them, (row,)."""
    return np.searchsorted(estimator.classes_, read_known_classes(estimator, X, y))


def read_numbers(estimator, X, y):
    """Targets of rows that are numbers, as an array.

    Parameters
    ----------
    estimator : estimator
        Named in errors.
    X : {array-like, dataframe} of shape (n_rows, n_features)
        Rows that the targets belong to.
    y : array-like of shape (n_rows,)
        Targets as a caller passes them.

    Returns
    -------
    y : ndarray of shape (n_rows,)
        Finite float64 numbers.

    Raises
    ------
    ValueError
        If y is None, misses a number, holds something else than finite numbers, or has not one for each row of X.
    """
    _check_passed(estimator, y)
    if getattr(getattr(y, "dtype", None), "names", None):
        raise ValueError(f"y is a structured array with the fields {named(y.dtype.names)}; pass one of them.")
    y = _unwrapped(y)
    array = _array_of(y)
    if array is not None and array.ndim == 2 and array.shape[1] > 1:
        raise ValueError(
            f"y should be a 1d array, got an array of shape {array.shape} instead: {type(estimator).__name__} has one "
            "target; sklearn.multioutput.MultiOutputRegressor fits one estimator for each of several."
        )
    if array is not None and array.shape[1:] in ((), (1,)) and array.shape:
        y = _as_numbers(array)
    with naming_row(y, OF_GAPS), short_errors("y"), np.errstate(over="ignore"):  # of floats of more digits
        y = _check_y(y, estimator=estimator)  # (row,)
        y = _check_y(y.astype(np.float64), estimator=estimator)  # (row,)
    check_consistent_length(X, y)
    return y


def _array_of(y):
    """The array that NumPy makes of y; None where it makes none, as of lists of several lengths."""
    try:
        with masks_as_nan():
            return np.asarray(y)
    except ValueError:
        return None


def _as_numbers(y):
    """Targets (row,) or (row, 1) as numbers; a ValueError names the first that is no real number, or is missing."""
    if y.dtype.kind in "biufc":
        return y  # of these scikit-learn says what is wrong
    for row, value in enumerate(np.ravel(y.astype(object) if y.dtype.kind == "U" else y)):
        if _is_real(value):
            continue
        if _is_no_value(value):
            raise ValueError(f"Input y contains NaN: the first at row {row}. {OF_GAPS}")
        raise ValueError(
            f"y holds {shown(value)}, a {type(value).__name__}, at row {row}, and a regressor needs numbers."
        )
    return y.astype(np.float64)


def _is_no_value(value):
    """Whether a value of any type is missing."""
    try:
        return is_missing(value)
    except Exception:  # of a class that compares its objects in a way of its own
        return False


def _is_real(value):
    """Whether a value is a real number that a float can hold."""
    if value is np.ma.masked or isinstance(value, (str, bytes, np.datetime64, np.timedelta64)):
        return False
    try:
        float(value)
    except (TypeError, ValueError, OverflowError):
        return False
    return True


def _check_passed(estimator, y):
    """Raise scikit-learn's ValueError where there is no y."""
    if y is None:
        raise ValueError(f"{type(estimator).__name__} requires y to be passed, but the target y is None.")


def class_order(y):
    """The order that a column of classes brings with it.

    Parameters
    ----------
    y : array-like of shape (n_rows,)
        Class labels as a caller passes them.

    Returns
    -------
    order : list or None
        The categories of an ordered pandas categorical, a polars Enum or an ordered dictionary of PyArrow, whether rows
        have them or not; None where labels have no order of their own.
    """
    if len(names_of(y) or ()) == 1:
        y = take_column(y, 0)
    if getattr(getattr(y, "type", None), "ordered", False):  # of PyArrow
        whole = y.unify_dictionaries().chunk(0) if hasattr(y, "unify_dictionaries") else y
        return whole.dictionary.to_pylist()
    dtype = getattr(y, "dtype", None)
    is_ordered = getattr(dtype, "ordered", False) or type(dtype).__name__ == "Enum"
    return list(getattr(dtype, "categories", [])) if is_ordered else None


def with_order(y, order):
    """Class labels as a column that brings an order of classes with it.

    Parameters
    ----------
    y : ndarray of shape (n_rows,)
        Class labels.
    order : list
        All classes in their order, which a column of pandas, polars or PyArrow brought.

    Returns
    -------
    y : Series or DictionaryArray of shape (n_rows,)
        An ordered categorical of pandas, an Enum of polars, or an ordered dictionary of PyArrow, as the first of the
        libraries that is loaded has it.
    """
    if "pandas" in sys.modules:
        pandas = sys.modules["pandas"]
        return pandas.Series(pandas.Categorical(y, categories=order, ordered=True))
    if "polars" in sys.modules:
        polars = sys.modules["polars"]
        return polars.Series(y.tolist(), dtype=polars.Enum(order))
    pyarrow = sys.modules["pyarrow"]
    codes = pyarrow.array([order.index(label) for label in y.tolist()])  # (row,)
    return pyarrow.DictionaryArray.from_arrays(codes, pyarrow.array(order), ordered=True)


def in_order(classes, order):
    """Class labels (class,) in the order of a list that has them all, (class,)."""
    return classes[np.argsort([order.index(label) for label in classes.tolist()])]


def plain_classes(y):
    """Class labels as an array of their own dtype, where they came as objects; text stays as it is.

    Parameters
    ----------
    y : array-like of shape (n_rows,)
        Class labels.

    Returns
    -------
    y : array-like of shape (n_rows,)
        An array of bool or numbers where an array of objects holds nothing else; other arrays unchanged.

    Raises
    ------
    ValueError
        If objects are neither bool, numbers nor text, or some of both.
    """
    y = _unwrapped(y)
    if getattr(getattr(y, "dtype", None), "kind", None) != "O" or len(getattr(y, "shape", ())) != 1:
        return y
    values = list(y)
    if all(isinstance(value, (bool, np.bool_)) for value in values):
        return np.array(values, dtype=bool)  # (row,)
    if all(isinstance(value, (numbers.Integral, np.bool_, float, np.floating)) for value in values):
        plain = np.array(values)  # (row,)
        are_whole = all(isinstance(value, (numbers.Integral, np.bool_)) for value in values)
        are_equal = all(a == b for a, b in zip(plain.tolist(), values, strict=True))
        if are_equal and plain.dtype.kind in ("iu" if are_whole else "f"):
            return plain
    elif all(isinstance(value, str) for value in values):
        plain = np.empty(len(values), dtype=object)  # (row,)
        plain[:] = list(map(str.__str__, values))  # members of a StrEnum are texts of a class of their own
        return plain
    elif any(isinstance(value, bytes) for value in values):
        return y  # scikit-learn says what to do about bytes
    raise _no_classes(values)


def _no_classes(values):
    """Error of objects that are no class labels of one type."""
    kinds = sorted({type(value).__name__ for value in values})
    return ValueError(
        f"Unknown label type: y holds objects of the type(s) {', '.join(kinds)}, such as {named(values[:1])}, that are "
        "no class labels of one type: write y.astype(str), or y.astype(int) for whole numbers."
    )


def _unwrapped(y):
    """Targets of PyArrow and polars as a list, of pandas' own dtypes as an array of objects; any others unchanged.

    A list of several types becomes an array of objects, too: NumPy would make text of numbers, and floats of integers.
    """
    refuse_lazy(y, "y")
    check_no_mask(y, "y")
    library = type(y).__module__.split(".")[0]
    if library != "pandas" and len(names_of(y) or ()) == 1:
        y = take_column(y, 0)
    if getattr(getattr(y, "dtype", None), "kind", "") == "V":
        raise _no_classes(np.ravel(y).tolist())
    if getattr(getattr(y, "dtype", None), "kind", "") == "T":
        return y.astype(object)  # (row,); scikit-learn knows no StringDType
    if library == "pandas" and getattr(y, "ndim", 0) == 1 and not isinstance(y.dtype, np.dtype):
        return y.to_numpy(dtype=object)  # (row,); scikit-learn would make floats of integers and booleans
    if names_of(y) is None and (hasattr(y, "to_pylist") or library == "polars"):
        y = y.to_pylist() if hasattr(y, "to_pylist") else y.to_list()
    if isinstance(y, Sequence) and not isinstance(y, (str, bytes, memoryview)):
        y = list(y)
    if isinstance(y, list) and not any(map(_holds_more, y)):
        types = {type(label) for label in y}
        if len(types) > 1 or int in types:
            array: np.ndarray = np.empty(len(y), dtype=object)  # (row,)
            array[:] = y
            return array
    return y


def _holds_more(label):
    """Whether a label is a list, a tuple, an array or another collection."""
    has_length = hasattr(label, "__len__") and not isinstance(label, (str, bytes))
    return label.shape != () if hasattr(label, "shape") else has_length


def _check_no_class_missing(y):
    """Raise a ValueError if a class label is missing; a list with NaN would become an array with the class "nan"."""
    shape: tuple = getattr(y, "shape", ())
    if len(shape) == 2 and shape[1] == 1:
        y = take_column(y, 0) if names_of(y) is not None else y[:, 0]
    numeric = getattr(getattr(y, "dtype", None), "kind", "O") in "biufc"
    if numeric or (not isinstance(y, (list, tuple)) and len(getattr(y, "shape", ())) != 1):
        return  # of numbers scikit-learn's own error says it
    if isinstance(y, (list, tuple)):
        y = [label[0] if isinstance(label, (list, tuple)) and len(label) == 1 else label for label in y]
    elif any(map(_holds_more, y)):
        raise _no_classes(list(y))
    try:
        missing = [row for row, label in enumerate(y) if not _holds_more(label) and is_missing(label)]
    except Exception:  # of a class that compares its objects in a way of its own
        raise _no_classes(list(y)) from None
    if missing:
        raise ValueError(f"y has {len(missing)} missing value(s), the first at row {missing[0]}; drop those rows.")
