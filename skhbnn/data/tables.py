"""Tables of any library: names, types and columns; forms that are no tables, and what to make of them."""

import contextlib
import sys
import warnings
from collections import Counter
from collections.abc import Mapping, Set

import numpy as np
from scipy.sparse import issparse
from sklearn.utils import _safe_indexing

from ..support.wording import named, short_errors, shown

INDEXED = ("csr", "csc", "lil")  # sparse formats whose rows can be taken


def names_of(X):
    """Names of the columns of a table as a list; None where X has none."""
    if hasattr(X, "column_names"):  # PyArrow's tables, whose columns are the values
        return list(X.column_names)
    return list(X.columns) if hasattr(X, "columns") else None


def dtypes_of(X):
    """The dtype of each column of a table as a list; None where X has no such thing."""
    if names_of(X) is None:
        return None
    return list(getattr(X, "dtypes", getattr(getattr(X, "schema", None), "types", ()))) or None


def take_rows(X, rows):
    """Table of some rows of a table or of an array, (row, column)."""
    return X.take(rows) if hasattr(X, "column_names") else _safe_indexing(X, rows)


def take_column(X, position):
    """One column of a table, (row,)."""
    return X.column(position) if hasattr(X, "column_names") else _safe_indexing(X, position, axis=1)


def take_columns(X, positions):
    """Table of some columns of a table, (row, column)."""
    return X.select(positions) if hasattr(X, "column_names") else _safe_indexing(X, positions, axis=1)


def as_table(X, *, records_pass=False):
    """X in a form whose rows and columns can be taken: unchanged, but for some forms of PyArrow, SciPy and buffers.

    Parameters
    ----------
    X : object
        Rows as a caller passes them.
    records_pass : bool, default=False
        Whether a list of dicts may pass, because an estimator within may understand it.

    Returns
    -------
    X : object
        The rows.

    Raises
    ------
    ValueError
        If X is a structured array, a dict, a list of dicts, a set, a lazy frame, or an array with masked entries.
    """
    if getattr(getattr(X, "dtype", None), "names", None):
        raise ValueError(
            f"X is a structured array with the fields {named(X.dtype.names)}; make a table of it, pandas.DataFrame(X)."
        )
    if isinstance(X, Mapping) and not issparse(X):  # SciPy's dictionary of keys is both
        raise ValueError(
            f"X is a {type(X).__name__} with the keys {named(list(X))}; make a table of it, pandas.DataFrame(X)."
        )
    if not records_pass and isinstance(X, (list, tuple)) and len(X) and isinstance(X[0], Mapping):
        raise ValueError(f"X is a {type(X).__name__} of dicts; make a table of it, pandas.DataFrame(X).")
    if isinstance(X, Set):
        raise ValueError(f"X is a {type(X).__name__}, whose rows have no order; make an array or a table of it.")
    refuse_lazy(X, "X")
    for rows in X if isinstance(X, (list, tuple)) else [X]:
        check_no_mask(rows, "X")
    pyarrow = sys.modules.get("pyarrow")
    if pyarrow is not None and isinstance(X, pyarrow.RecordBatch):
        X = pyarrow.Table.from_batches([X])
    if issparse(X) and X.format not in INDEXED:
        X = X.tocsr()
    if not hasattr(X, "__getitem__") or isinstance(X, memoryview):
        with short_errors(f"X, a {type(X).__name__},"):
            array = np.asarray(X)
        X = X if array.dtype == object else array  # such as None, or a generator
    return X


def refuse_lazy(values, name):
    """Raise a ValueError for a lazy frame of polars, which has no rows yet."""
    if type(values).__name__ == "LazyFrame":
        raise ValueError(f"{name} is a LazyFrame, whose rows are not computed yet; pass {name}.collect().")


def check_no_mask(values, name):
    """Raise a ValueError where an array has masked entries, which NumPy would give their values back."""
    if np.ma.is_masked(values):
        raise ValueError(
            f"{name} has a masked array of {np.ma.count_masked(values)} masked value(s), which are missing: fill them "
            "in, or leave out their rows."
        )


@contextlib.contextmanager
def masks_as_nan():
    """Context in which a masked entry of a list becomes NaN without a warning: NaN is an error."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Warning: converting a masked element to nan", UserWarning)
        yield


def check_names(X):
    """Raise a ValueError where a table has no columns, or several of one name."""
    if names_of(X) == []:
        raise ValueError(f"Found array with 0 feature(s) (shape={tuple(X.shape)}) while a minimum of 1 is required.")
    names = names_of(X) or []
    if len(set(names)) < len(names):
        twice = next(name for name, count in Counter(names).items() if count > 1)
        raise ValueError(f"X has {names.count(twice)} columns named {shown(twice)}; give each a name of its own.")
