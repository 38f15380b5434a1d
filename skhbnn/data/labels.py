"""Group and class labels: any hashable in, plain Python objects, codes and texts out."""

import datetime
import decimal
import fractions
import hashlib
import math
import numbers
import re
from collections.abc import Mapping, Set

import numpy as np

from ..support.caller import warn_caller
from ..support.wording import shown

ALL_ROWS = "all rows"  # the group of a fit without groups
ADDRESS = re.compile(r"<.* at 0x[0-9A-Fa-f]+>+", re.DOTALL)  # the text of an object without one, or of a function
MOST_DIGITS = 1000  # of a number that is written with decimal digits
# The plain label that one of a subclass is equal to.
OF_SUBCLASSES: dict = {str: str.__str__, bytes: bytes, int: int.__index__, float: float.__float__}
LARGEST_EXPONENT = 100_000  # of a decimal that is a label: as a fraction it has as many digits
LARGEST_ID = 2.0**128  # a float beyond stands for no identifier
# The first whole number of which a float of the dtype holds only some neighbours, by the name of the dtype.
INEXACT = {"float16": 2**11, "halffloat": 2**11, "float32": 2**24, "float": 2**24}


def is_missing(label):
    """Whether a group label is None, NaN, NaT, pandas' NA or masked, or a tuple that holds such a thing."""
    if isinstance(label, tuple):
        return any(is_missing(part) for part in label)
    if label is None or type(label).__name__ in ("NAType", "NaTType", "MaskedConstant"):
        return True
    return label.is_nan() if isinstance(label, decimal.Decimal) else bool(label != label)


def _microseconds(time):
    """A datetime64 or timedelta64 in microseconds, which reach all years; a finer one unchanged."""
    rounded = time.astype(f"{time.dtype.kind}8[us]")
    return rounded if rounded == time else time


def _plain(label):
    """A label as a Python object or a datetime64, which is one and the same for equal labels of several types."""
    if isinstance(label, tuple):
        return tuple(_plain(part) for part in label)
    if isinstance(label, datetime.datetime) and label.tzinfo is not None:
        return label
    if isinstance(label, (datetime.date, np.datetime64)):
        return _microseconds(label.to_datetime64() if hasattr(label, "to_datetime64") else np.datetime64(label))
    if isinstance(label, (datetime.timedelta, np.timedelta64)):
        return _microseconds(label.to_timedelta64() if hasattr(label, "to_timedelta64") else np.timedelta64(label))
    if isinstance(label, decimal.Decimal) and label.is_finite() and abs(label.adjusted()) > LARGEST_EXPONENT:
        raise ValueError(f"its exponent is beyond {LARGEST_EXPONENT:,}")
    label = label.item() if isinstance(label, np.generic) else label
    if isinstance(label, np.longdouble) and float(label) == label:  # which has no item of Python
        return float(label)
    if type(label) is not bool:  # members of an IntEnum or a StrEnum are equal to numbers or texts of another hash
        for base, plain in OF_SUBCLASSES.items():
            if isinstance(label, base):
                return plain(label)
    return label


def _unwrapped(label):
    """A label out of a scalar of PyArrow, or out of an array of no axes as tensors give them; others unchanged."""
    if type(label).__name__ == "MaskedConstant":
        return None
    if hasattr(label, "as_py"):
        return label.as_py()
    if isinstance(label, np.void):  # a row of a structured array
        return label.item()
    if getattr(label, "shape", None) == () and not isinstance(label, np.generic):
        return np.asarray(label)[()]
    return label


def _listed(groups):
    """Labels of any container in a form whose items are labels, to the nanosecond."""
    library, dtype = type(groups).__module__.split(".")[0], getattr(groups, "dtype", None)
    if library == "polars" and getattr(dtype, "time_unit", None) == "ns" and getattr(dtype, "time_zone", None) is None:
        return groups.to_numpy()  # (row,); an item of polars would have microseconds only
    if library == "polars" and (str(dtype) == "Time" or getattr(dtype, "time_unit", None) == "ns"):
        _require_microseconds((groups.dt.nanosecond() % 1000 != 0).any())
    if library == "pyarrow" and str(getattr(groups, "type", "")) == "time64[ns]":
        whole = groups.cast("time64[us]", safe=False).cast("time64[ns]")
        _require_microseconds(not whole.equals(groups))
    return groups.to_pylist() if hasattr(groups, "to_pylist") else groups


def _require_microseconds(are_finer):
    """Raise a ValueError where times are finer than what Python has for them."""
    if are_finer:
        raise ValueError(
            "groups holds times to the nanosecond, of which Python has the microseconds only; give them as text or as "
            "whole numbers."
        )


def label_text(label):
    """Text of a label: equal labels have equal texts, in every process."""
    if isinstance(label, tuple):
        return "(" + ",".join(map(label_text, label)) + ")"
    if isinstance(label, frozenset):  # its own text depends on the hashes of strings
        return "{" + ",".join(sorted(map(label_text, label))) + "}"
    if isinstance(label, np.generic):  # a time; NumPy counts timedelta64 among the integers
        return f"{type(label).__name__}:{label!r}"
    if isinstance(label, complex) and label.imag == 0:
        label = label.real
    if isinstance(label, numbers.Rational) or (isinstance(label, (float, decimal.Decimal)) and math.isfinite(label)):
        value = fractions.Fraction(label)
        if max(abs(value.numerator), value.denominator) < 10**MOST_DIGITS:
            return f"number:{value}"
        return f"number:{value.numerator:x}/{value.denominator:x}"  # Python writes decimal digits slowly, or not at all
    if isinstance(label, datetime.datetime) and label.tzinfo is not None:
        return f"instant:{label.astimezone(datetime.UTC).isoformat()}"
    if type(label).__name__ == "Interval":  # of integers or of floats
        return f"Interval:{label_text(_plain(label.left))},{label_text(_plain(label.right))},{label.closed}"
    return f"{type(label).__name__}:{label!r}"


def label_generator(seed, label):
    """Random generator that seed and label determine, in every process."""
    digest = hashlib.sha256(label_text(label).encode()).digest()
    return np.random.default_rng([seed, int.from_bytes(digest[:8], "little")])


def as_labels(groups, n_rows):
    """Group labels as a list of plain Python objects, None where one is missing.

    Parameters
    ----------
    groups : array-like of shape (n_rows,)
        Labels of any hashable kind.
    n_rows : int
        Number of rows of X.

    Returns
    -------
    labels : list of length n_rows
        Labels of equal value are equal objects, whatever type they came in.

    Raises
    ------
    ValueError
        If there is not one label per row, or a label is not hashable, or has no text of its own.
    """
    shape = getattr(groups, "shape", (n_rows,))
    if len(shape) > 1:
        raise ValueError(
            f"groups must have one dimension, one label per row of X; got shape {shape}. Labels of several "
            "levels are the columns of an array or a table, or tuples."
        )
    if isinstance(groups, (Set, Mapping)):
        raise ValueError(f"groups must be in the order of the rows of X; a {type(groups).__name__} has no such order.")
    if isinstance(groups, (str, bytes)) or not hasattr(groups, "__iter__") or shape == ():
        raise ValueError(
            f"groups must hold one label per row of X; got the single value {shown(groups)}. "
            "A column of X is named in the constructor."
        )
    is_plain = type(groups) is np.ndarray and groups.dtype.kind in "iu"
    labels = groups.tolist() if is_plain else list(map(_unwrapped, _listed(groups)))
    if len(labels) != n_rows:
        raise ValueError(f"groups has {len(labels)} labels, but X has {n_rows} rows; give one label per row.")
    return labels if is_plain else list(map(_checked, labels))


def _checked(label):
    """A label as ``_plain`` gives it, None if it is missing; a ValueError if it can be no label."""
    try:
        if is_missing(label):
            return None
        hash(label)
        plain = _plain(label)
        text_is_address = _has_address(plain)
    except RecursionError:
        raise ValueError("groups holds a label of tuples that are nested too deeply; write it as text.") from None
    except Exception as error:  # of a class that compares, hashes or writes its objects in a way of its own
        why = "not hashable" if isinstance(error, TypeError) else f"no label ({type(error).__name__}: {error})"
        raise ValueError(
            f"groups holds a label that is {why}: {shown(label)}. Use strings, numbers or tuples."
        ) from None
    if text_is_address:
        raise ValueError(
            f"groups holds {shown(label)}, whose text is its address: it would be another group in every process. Use "
            "strings, numbers or tuples, or give the class a __repr__."
        )
    return plain


def _has_address(label):
    """Whether the text of a label, or of a part of it, is an address in memory."""
    if isinstance(label, (tuple, frozenset)):
        return any(map(_has_address, label))
    return not isinstance(label, (str, bytes, numbers.Number)) and ADDRESS.fullmatch(repr(label)) is not None


def read_labels(groups, n_rows, source):
    """Group labels as ``as_labels`` gives them, with a warning of floats too large to tell whole numbers apart.

    Parameters
    ----------
    groups : array-like of shape (n_rows,)
        Labels of any hashable kind.
    n_rows : int
        Number of rows of X.
    source : str
        Where the labels come from, the subject of the warning.

    Returns
    -------
    labels : list of length n_rows
        Group labels, None for a missing one.
    """
    labels = as_labels(groups, n_rows)
    dtype = str(getattr(groups, "dtype", getattr(groups, "type", ""))).lower().partition("[")[0]
    first = INEXACT.get(dtype, 2**53)
    large = next((label for label in labels if type(label) is float and first <= abs(label) < LARGEST_ID), None)
    if large is not None:
        warn_caller(
            f"{source} has floats of {first:,} and more, such as {large:.17g}, at which neighbouring whole numbers are "
            "one float: different ids may have become one group. Keep ids as integers (of pandas' dtype Int64 where "
            'some are missing) or as text, and in a pipeline by set_output(transform="pandas").',
            UserWarning,
        )
    return labels


def rows_by_label(labels):
    """Positions of the rows of each distinct label, as a dict of lists."""
    rows: dict = {}
    for row, label in enumerate(labels):
        rows.setdefault(label, []).append(row)
    return rows


def require_labels(source, missing, amount=None):
    """Raise a ValueError where rows, missing (missing row,), have no label.

    source: where the labels come from, for the error; amount: how many are missing, None for their number.
    """
    if len(missing):
        raise ValueError(
            f"{source} has {amount or len(missing)} missing label(s), the first at row {missing[0]}; "
            "drop those rows or give them a label of their own."
        )


def unique_labels(labels, columns=None):
    """Distinct labels as a sorted list; labels of several kinds, or of a kind without order, by type and text.

    Parameters
    ----------
    labels : list
        Group labels, None for a missing one.
    columns : str, int or list of them, default=None
        Columns of X that hold the labels, for the error. None: the labels were the argument ``groups``.

    Returns
    -------
    distinct : list
        Each label once.

    Raises
    ------
    ValueError
        If a label is missing.
    """
    missing = [i for i, label in enumerate(labels) if label is None]
    source = "groups" if columns is None else f"The column(s) {shown(columns)} of X that groups names"
    require_labels(source, missing, "only" if len(missing) == len(labels) else None)
    every = set(labels)
    if set(map(type, every)) in ({int}, {str}):
        return sorted(every)
    # By text first: sets, also inside tuples, are ordered only in part, and would stand as their hashes have it.
    distinct = sorted(every, key=lambda label: (type(label).__name__, label_text(label)))
    try:
        return sorted(distinct)
    except TypeError:
        return distinct


def encode_labels(labels, known):
    """Position of each label in the list known, (row,); -1 for a label that is not in it."""
    position = {label: i for i, label in enumerate(known)}
    return np.array([position.get(label, -1) for label in labels], dtype=np.int64)  # (row,)


def labels_array(labels):
    """Labels as an array (label,): of a plain dtype that holds all exactly, or else of objects."""
    if labels and type(labels[0]) in (str, int, float, bool) and len({type(label) for label in labels}) == 1:
        plain = np.array(labels)  # (group,)
        if plain.tolist() == labels and type(plain.tolist()[0]) is type(labels[0]):
            return plain
    array = np.empty(len(labels), dtype=object)  # (group,)
    array[:] = labels
    return array


def label_coordinates(labels):
    """Labels as the coordinates of an axis: unchanged where all are of one kind, else as texts that all differ."""
    array = labels_array(labels)  # (group,)
    if array.dtype != object:
        return array.tolist()
    texts = list(map(str, labels))
    return texts if len(set(texts)) == len(texts) else list(map(repr, labels))
