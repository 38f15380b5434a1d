"""Rows, classes and groups of a fit: labels in any form in, one canonical order of the rows out."""

import datetime
import decimal
import fractions
import hashlib
import math
import numbers
from collections.abc import Mapping, Set
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
from sklearn.utils import _safe_indexing

ALL_ROWS = "all rows"  # the group of a fit without groups
FARTHEST = 1e100  # in standard units: what a network makes of larger inputs could overflow


@dataclass(frozen=True, eq=False)
class Standardizer:
    """Shift and scale that bring every feature to mean 0 and standard deviation 1 on the training rows.

    Parameters
    ----------
    mean, scale : ndarray of shape (n_features,)
        A constant feature has scale 1, or 1e-12 of its size if that is more, as has one that varies by less than the
        smallest normal number.
    """

    mean: np.ndarray
    scale: np.ndarray

    @classmethod
    def of(cls, X):
        """Make the standardizer of some rows.

        Parameters
        ----------
        X : ndarray of shape (n_rows, n_features)
            Rows in the caller's units.

        Returns
        -------
        standardizer : Standardizer
            That of their means and standard deviations.
        """
        # In units of a power of two, which changes no digit, so that sums do not overflow.
        exponent = np.frexp(np.abs(X).max(axis=0))[1]  # (feature,)
        X = np.ldexp(X, -exponent)  # (row, feature)
        mean = X.mean(axis=0)  # (feature,)
        # Divided by the largest entry first, so that squares do not vanish.
        centred = X - mean  # (row, feature)
        largest = np.abs(centred).max(axis=0)  # (feature,)
        constant = largest <= 1e-12 * np.abs(X).max(axis=0)
        safe = np.where(constant, 1.0, largest)  # (feature,)
        scale = np.ldexp(safe * np.sqrt(np.mean((centred / safe) ** 2, axis=0)), exponent)  # (feature,)
        constant |= scale < np.finfo(float).tiny
        rounding = np.ldexp(1e-12 * np.abs(X).max(axis=0), exponent)  # (feature,); more than 1 for huge numbers only
        return cls(np.ldexp(mean, exponent), np.where(constant, np.maximum(1.0, rounding), scale))

    @classmethod
    def identity(cls, n_features):
        """Make the standardizer that leaves rows as they are.

        Parameters
        ----------
        n_features : int
            Number of their features.

        Returns
        -------
        standardizer : Standardizer
            Of mean 0 and scale 1.
        """
        return cls(np.zeros(n_features), np.ones(n_features))

    def transform(self, X):
        """Bring rows to standard units.

        Parameters
        ----------
        X : ndarray of shape (n_rows, n_features)
            Rows in the caller's units.

        Returns
        -------
        X : ndarray of shape (n_rows, n_features)
            The same in standard units; what is farther than 1e100 of them counts as that.
        """
        standard = 0.5 * X  # (row, feature); halves, because the difference of two numbers may overflow
        standard -= 0.5 * self.mean
        with np.errstate(over="ignore"):
            standard /= 0.5 * self.scale
        return np.clip(standard, -FARTHEST, FARTHEST, out=standard)

    def inverse_transform(self, X):
        """Bring rows back to the caller's units.

        Parameters
        ----------
        X : ndarray of shape (n_rows, n_features)
            Rows in standard units.

        Returns
        -------
        X : ndarray of shape (n_rows, n_features)
            The same in the caller's units.
        """
        return X * self.scale + self.mean


@dataclass(frozen=True, eq=False)
class GroupedData:
    """The rows of a fit, sorted by group and then by value, so that a fit depends on the set of rows only.

    Parameters
    ----------
    X : ndarray of shape (n_rows, n_features)
        Standardised inputs.
    y : ndarray of shape (n_rows,)
        Class codes.
    offsets : ndarray of shape (n_groups + 1,)
        Group g owns the rows offsets[g]:offsets[g + 1].
    group_labels : list
        One label per group.
    order : ndarray of shape (n_rows,)
        The position of each row in the caller's X.
    """

    X: np.ndarray
    y: np.ndarray
    offsets: np.ndarray
    group_labels: list
    order: np.ndarray

    @property
    def n_groups(self):
        """Number of groups."""
        return len(self.offsets) - 1

    @property
    def group_of_row(self):
        """Code of the group of each row, (row,)."""
        return np.repeat(np.arange(self.n_groups), np.diff(self.offsets))


def group_rows(X, y, codes, group_labels, standardizer=None):
    """Sort the rows by group code and value; standardise them.

    Parameters
    ----------
    X : ndarray of shape (n_rows, n_features)
    y, codes : ndarray of shape (n_rows,)
        Class and group codes.
    group_labels : list
    standardizer : Standardizer, default=None
        None: that of the rows themselves.

    Returns
    -------
    data : GroupedData
    standardizer : Standardizer
    """
    order = np.lexsort((y, *X.T[::-1], codes))  # (row,)
    X, y = X[order], y[order]
    # After sorting: the last digit of a mean depends on the order of its terms.
    standardizer = standardizer or Standardizer.of(X)
    offsets = np.searchsorted(codes[order], np.arange(len(group_labels) + 1)).astype(np.int64)  # (group + 1,)
    return GroupedData(standardizer.transform(X), y, offsets, group_labels, order), standardizer


def is_missing(label):
    """Whether a group label is None, NaN, NaT or pandas' NA, or a tuple that holds one."""
    if isinstance(label, tuple):
        return any(is_missing(part) for part in label)
    if label is None or type(label).__name__ in ("NAType", "NaTType"):
        return True
    return bool(label != label)


def _microseconds(time):
    """A datetime64 or timedelta64 in microseconds, which reach all years, unless it is finer."""
    rounded = time.astype(f"{time.dtype.kind}8[us]")
    return rounded if rounded == time else time


def _plain(label):
    """A label as the Python object, or the datetime64, that equal labels of other types become too."""
    if isinstance(label, tuple):
        return tuple(_plain(part) for part in label)
    if isinstance(label, datetime.datetime) and label.tzinfo is not None:
        return label
    if isinstance(label, (datetime.date, np.datetime64)):
        return _microseconds(label.to_datetime64() if hasattr(label, "to_datetime64") else np.datetime64(label))
    if isinstance(label, (datetime.timedelta, np.timedelta64)):
        return _microseconds(label.to_timedelta64() if hasattr(label, "to_timedelta64") else np.timedelta64(label))
    return label.item() if isinstance(label, np.generic) else label


def label_text(label):
    """A text that is the same for equal labels, in every process."""
    if isinstance(label, tuple):
        return "(" + ",".join(map(label_text, label)) + ")"
    if isinstance(label, frozenset):  # its own text depends on the hashes of strings
        return "{" + ",".join(sorted(map(label_text, label))) + "}"
    if isinstance(label, np.generic):  # a time; NumPy counts timedelta64 among the integers
        return f"{type(label).__name__}:{label!r}"
    if isinstance(label, (numbers.Rational, float, decimal.Decimal)) and math.isfinite(label):
        return f"number:{fractions.Fraction(label)}"
    if isinstance(label, datetime.datetime) and label.tzinfo is not None:
        return f"instant:{label.astimezone(datetime.UTC).isoformat()}"
    return f"{type(label).__name__}:{label!r}"


def label_generator(seed, label):
    """A random generator that the seed and the label determine, in every process."""
    digest = hashlib.sha256(label_text(label).encode()).digest()
    return np.random.default_rng([seed, int.from_bytes(digest[:8], "little")])


def as_labels(groups, n_rows):
    """Group labels as a list of plain Python objects, None where one is missing.

    Raises
    ------
    ValueError
        If there is not one label per row, or a label is not hashable, or has no text of its own.
    """
    shape = getattr(groups, "shape", (n_rows,))
    if len(shape) > 1:
        raise ValueError(
            f"groups must have one dimension, one label per row of X; got shape {shape}. Labels of several columns are "
            "tuples, or name the columns in the constructor."
        )
    if isinstance(groups, (Set, Mapping)):
        raise ValueError(f"groups must be in the order of the rows of X; a {type(groups).__name__} has no such order.")
    if isinstance(groups, (str, bytes)) or not hasattr(groups, "__iter__"):
        raise ValueError(
            f"groups must hold one label per row of X; got the single value {groups!r}. "
            "A column of X is named in the constructor."
        )
    labels = list(groups)
    if len(labels) != n_rows:
        raise ValueError(f"groups has {len(labels)} labels, but X has {n_rows} rows; give one label per row.")
    for label in labels:
        try:
            hash(label)
        except TypeError:
            raise ValueError(
                f"groups holds a label that is not hashable: {label!r}. Use strings, numbers or tuples."
            ) from None
        if type(label).__repr__ is object.__repr__:
            raise ValueError(
                f"groups holds {label!r}, whose text is its address: it would be another group in every process. Use "
                "strings, numbers or tuples, or give the class a __repr__."
            )
    return [None if is_missing(label) else _plain(label) for label in labels]


@contextmanager
def naming_text_columns(X):
    """Say in an error of scikit-learn's checks of X which columns hold text."""
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
    if len(getattr(X, "shape", ())) != 2 or hasattr(X, "nnz"):
        return []
    columns = [_safe_indexing(X, position, axis=1) for position in range(X.shape[1])]
    names = list(X.columns) if hasattr(X, "columns") else range(X.shape[1])
    return [name for name, column in zip(names, columns, strict=True) if any(isinstance(v, str) for v in column)]


def check_no_class_missing(y):
    """Raise a ValueError if a class label is missing; a list with NaN would become an array with the class "nan"."""
    numeric = getattr(getattr(y, "dtype", None), "kind", "O") in "biufc"
    if numeric or (not isinstance(y, (list, tuple)) and len(getattr(y, "shape", ())) != 1):
        return  # of numbers scikit-learn's own error says it
    missing = [row for row, label in enumerate(y) if not hasattr(label, "__len__") and is_missing(label)]
    if missing:
        raise ValueError(f"y has {len(missing)} missing value(s), the first at row {missing[0]}; drop those rows.")


def take_group_columns(X, columns):
    """Split X into the inputs of the network and the group labels that stand in some of its columns.

    Parameters
    ----------
    X : {array-like, dataframe} of shape (n_rows, n_columns)
    columns : str, int, or list or tuple of them
        With several columns a label is the tuple of their values.

    Returns
    -------
    inputs : same type as X
    labels : list of length n_rows

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


def rows_by_label(labels):
    """The rows of each distinct label, as a dict of lists."""
    rows: dict = {}
    for row, label in enumerate(labels):
        rows.setdefault(label, []).append(row)
    return rows


def unique_labels(labels, columns=None):
    """The distinct labels, sorted; labels of several kinds, or of a kind without order, are sorted by type and text.

    Parameters
    ----------
    labels : list
    columns : str, int or list of them, default=None
        The columns of X that they came from, for the error.

    Raises
    ------
    ValueError
        If a label is missing.
    """
    missing = [i for i, label in enumerate(labels) if label is None]
    if missing:
        source = "groups" if columns is None else f"The column(s) {columns!r} of X that groups names"
        amount = "only missing" if len(missing) == len(labels) else f"{len(missing)} missing"
        raise ValueError(
            f"{source} has {amount} label(s), the first at row {missing[0]}; "
            "drop those rows or give them a label of their own."
        )
    # By text first: sets, also inside tuples, are ordered only in part, and would stand as their hashes have it.
    distinct = sorted(set(labels), key=lambda label: (type(label).__name__, label_text(label)))
    try:
        return sorted(distinct)
    except TypeError:
        return distinct


def encode_labels(labels, known):
    """Position of each label in known, (row,); -1 for a label that is not there."""
    position = {label: i for i, label in enumerate(known)}
    return np.array([position.get(label, -1) for label in labels], dtype=np.int64)  # (row,)


def labels_array(labels):
    """Labels as an array: of their own dtype where they are of one kind, else of objects."""
    if labels and type(labels[0]) in (str, int, float, bool) and len({type(label) for label in labels}) == 1:
        return np.array(labels)  # (group,)
    array = np.empty(len(labels), dtype=object)  # (group,)
    array[:] = labels
    return array


def label_coordinates(labels):
    """Labels as the coordinates of an axis: as they are where they are of one kind, else as texts that all differ."""
    array = labels_array(labels)  # (group,)
    if array.dtype != object:
        return array.tolist()
    texts = list(map(str, labels))
    return texts if len(set(texts)) == len(texts) else list(map(repr, labels))
