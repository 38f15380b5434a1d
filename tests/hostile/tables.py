"""X in every container, for fuzzing: each form with the matrix of plain floats that it stands for."""

import array
import collections
import decimal
import fractions
import sys
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import scipy.sparse as sp
import xarray as xr

SPARSE = ("bsr", "coo", "csc", "csr", "dia", "dok", "lil")
ARROW = pd.ArrowDtype


class Form(NamedTuple):
    """A container of X.

    ``dtype`` is what the matrix is rounded to first, ``wrap`` makes the container of the rounded matrix, and ``taken``
    says whether an estimator of networks must take it (True), must refuse it (False), or may do either (None).
    """

    dtype: Any
    wrap: Callable
    taken: bool | None = True


class Tensor:
    """As tensors of other libraries are: an array only through ``__array__``, with a length and rows."""

    def __init__(self, values):
        self._values = values
        self.shape = values.shape
        self.ndim = values.ndim

    def __len__(self):
        return len(self._values)

    def __getitem__(self, key):
        return Tensor(np.asarray(self._values[key]))

    def __iter__(self):
        return (self[i] for i in range(len(self)))

    def __array__(self, dtype=None, copy=None):
        return np.array(self._values, dtype=dtype)


class Bare:
    """Nothing but ``__array__``."""

    def __init__(self, values):
        self._values = values

    def __array__(self, dtype=None, copy=None):
        return np.array(self._values, dtype=dtype)


class Interface:
    """Nothing but NumPy's array interface."""

    def __init__(self, values):
        self._values = values
        self.__array_interface__ = values.__array_interface__


class Broken(Bare):
    """An array that cannot be made."""

    def __init__(self):
        super().__init__(None)

    def __array__(self, dtype=None, copy=None):
        raise KeyError("no values")


class Subclass(np.ndarray):
    """An array of another class."""


class Frame(pd.DataFrame):
    """A table of another class."""

    @property
    def _constructor(self):
        return Frame


def rounded(X, dtype):
    """A matrix of floats as another dtype holds it; integers are small, but for unsigned ones of 64 bits."""
    with np.errstate(all="ignore"):
        if np.dtype(dtype).kind in "iu":
            small = np.round(np.clip(X, -9, 9) * 7)
            small = np.abs(small) if np.dtype(dtype).kind == "u" else small
            return small.astype(dtype) + (np.uint64(2**63) if dtype == np.uint64 else np.dtype(dtype).type(0))
        if np.dtype(dtype).kind == "b":
            return X > 0
        largest = np.finfo(dtype).max if np.dtype(dtype).kind == "f" else np.inf
        return np.clip(X, -largest, largest).astype(dtype)


def plain(form, X):
    """The container of X, and the matrix of floats that it stands for."""
    values = rounded(X, form.dtype)
    return form.wrap(values), values.astype(float)


def names(X):
    return [f"column {i}" for i in range(X.shape[1])]


def strided(X):
    wide = np.full((2 * X.shape[0], 3 * X.shape[1]), np.nan if X.dtype.kind == "f" else 0, dtype=X.dtype)
    wide[::-2, ::3] = X
    return wide[::-2, ::3]


def read_only(X):
    X = X.copy()
    X.flags.writeable = False
    return X


def objects(X, convert=lambda value: value):
    result = np.empty(X.shape, dtype=object)
    for at, value in np.ndenumerate(X):
        result[at] = convert(value.item())
    return result


def frame(X, dtype=None, **options):
    table = pd.DataFrame(X, **{"columns": names(X), **options})
    return table if dtype is None else table.astype(dtype)


def polars(X, dtype=None):
    return pl.DataFrame({name: pl.Series(X[:, i], dtype=dtype) for i, name in enumerate(names(X))})


def arrow(X, dtype=None):
    return pa.table({name: pa.array(X[:, i].tolist(), type=dtype) for i, name in enumerate(names(X))})


def decimals(X):
    return arrow(objects(X, lambda value: decimal.Decimal(int(value))), pa.decimal128(38, 2))


def sparse(format_, kind):
    return lambda X: getattr(sp, f"{format_}_{kind}")(X)


FORMS = {
    "array": Form(float, np.array),
    "Fortran": Form(float, np.asfortranarray),
    "strided": Form(float, strided),
    "read-only": Form(float, read_only),
    "subclass": Form(float, lambda X: X.view(Subclass)),
    "no mask": Form(float, np.ma.array),
    **{dtype: Form(np.dtype(dtype), np.array) for dtype in ("f2", "f4", ">f4", ">f8", "longdouble", "?")},
    **{dtype: Form(np.dtype(dtype), np.array) for dtype in ("i1", "i2", "i4", "i8", ">i8", "u1", "u2", "u4", "u8")},
    "objects": Form(float, objects),
    "objects of int": Form("i8", objects),
    "objects of Decimal": Form("i8", lambda X: objects(X, decimal.Decimal)),
    "objects of Fraction": Form("i8", lambda X: objects(X, fractions.Fraction)),
    "objects of float16": Form("f2", lambda X: objects(X, np.float16)),
    "objects of text": Form(float, lambda X: objects(X, repr), None),
    "text": Form(float, lambda X: objects(X, repr).astype("U25"), None),
    "bytes": Form(float, lambda X: objects(X, repr).astype("S25"), None),
    "StringDType": Form(float, lambda X: objects(X, repr).astype(np.dtypes.StringDType()), None),
    "complex": Form(float, lambda X: X + 0j, None),
    "matrix": Form(float, np.matrix, None),
    "one axis": Form(float, lambda X: X[:, :1].ravel(), False),
    "no axis": Form(float, lambda X: np.array(X.sum() if X.size < 9 else 1.0), False),
    "three axes": Form(float, lambda X: X[:, :, None], False),
    "record": Form(float, lambda X: np.array([tuple(row) for row in X], dtype=[(n, float) for n in names(X)]), False),
    "times": Form("i8", lambda X: X.astype("M8[s]"), False),
    "durations": Form("i8", lambda X: X.astype("m8[s]"), False),
    "void": Form(float, lambda X: np.ascontiguousarray(X).view("V8"), False),
    "lists": Form(float, lambda X: X.tolist()),
    "tuples": Form(float, lambda X: tuple(map(tuple, X.tolist()))),
    "list of arrays": Form(float, lambda X: list(map(np.array, X))),
    "list of Series": Form(float, lambda X: list(map(pd.Series, X))),
    "list of array.array": Form(float, lambda X: [array.array("d", row) for row in X]),
    "deque": Form(float, lambda X: collections.deque(X.tolist()), None),
    "memoryview": Form(float, lambda X: memoryview(np.ascontiguousarray(X)), None),
    "ragged": Form(float, lambda X: [*X.tolist(), [0.0]], False),
    "generator": Form(float, lambda X: iter(X.tolist()), False),
    "dicts": Form(float, lambda X: [dict(enumerate(row)) for row in X.tolist()], False),
    "dict": Form(float, lambda X: dict(enumerate(X.T.tolist())), False),
    "set": Form(float, lambda X: set(X.ravel().tolist()), False),
    "string": Form(float, lambda X: "1 2 3", False),
    "None": Form(float, lambda X: None, False),
    "number": Form(float, lambda X: 3, False),
    "type": Form(float, lambda X: int, False),
    "tensor": Form(float, Tensor, None),
    "bare": Form(float, Bare, None),
    "interface": Form(float, Interface, None),
    "xarray": Form(float, xr.DataArray),
    "Dataset": Form(float, lambda X: xr.Dataset({name: ("row", X[:, i]) for i, name in enumerate(names(X))}), False),
    "huge int": Form(float, lambda X: [[10**400] * X.shape[1] for _ in X], False),
    "int beyond 64 bits": Form(float, lambda X: [[10**30 + i for i in range(X.shape[1])] for _ in X], None),
    "objects without a text": Form(float, lambda X: objects(X, lambda value: object()), False),
    "itself": Form(float, lambda X: within_itself(), False),
    "broken": Form(float, lambda X: Broken(), False),
    "nested deeply": Form(float, lambda X: nested(sys.getrecursionlimit()), False),
    "frame": Form(float, frame),
    "frame of a subclass": Form(float, Frame),
    "frame by columns": Form(float, lambda X: pd.DataFrame({n: X[:, i] for i, n in enumerate(names(X))})),
    "frame without names": Form(float, pd.DataFrame),
    "frame, other index": Form(float, lambda X: frame(X, index=np.arange(len(X))[::-1] * 7)),
    "frame, one index": Form(float, lambda X: frame(X, index=np.zeros(len(X)))),
    "frame, levels of rows": Form(
        float, lambda X: frame(X, index=pd.MultiIndex.from_product([["a"], range(len(X))], names=["a", "b"]))
    ),
    "frame, levels of columns": Form(
        float, lambda X: pd.DataFrame(X, columns=pd.MultiIndex.from_product([["a"], names(X)]))
    ),
    "frame, numbers as names": Form(float, lambda X: frame(X, columns=np.arange(X.shape[1]) + 2000)),
    "frame, times as names": Form(float, lambda X: frame(X, columns=pd.date_range("2024", periods=X.shape[1]))),
    "frame, mixed names": Form(
        float, lambda X: frame(X, columns=[n if i % 2 else i for i, n in enumerate(names(X))]), None
    ),
    "frame, no names": Form(float, lambda X: frame(X, columns=[np.nan] * X.shape[1]), None),
    "frame, one name": Form(float, lambda X: frame(X, columns=["a"] * X.shape[1]), None),
    **{f"frame {d}": Form("i8", lambda X, d=d: frame(X, d)) for d in ("Int64", "Float64", "category", "object")},
    **{f"frame {d}": Form(float, lambda X, d=d: frame(X, d)) for d in ("Float64", "category", "object", "string")},
    "frame boolean": Form(bool, lambda X: frame(X, "boolean")),
    "frame UInt64": Form("u8", lambda X: frame(X, "UInt64")),
    "frame Float32": Form("f4", lambda X: frame(X, "Float32")),
    "frame sparse": Form(float, lambda X: frame(X, pd.SparseDtype(float, 0.0)), None),
    "frame complex": Form(float, lambda X: frame(X + 0j), None),
    "frame of arrow": Form(float, lambda X: frame(X, ARROW(pa.float64()))),
    "frame of arrow int": Form("i8", lambda X: frame(X, ARROW(pa.int64()))),
    "frame of arrow bool": Form(bool, lambda X: frame(X, ARROW(pa.bool_()))),
    "frame of arrow decimal": Form("i8", lambda X: decimals(X).to_pandas(types_mapper=ARROW)),
    "frame of mixed dtypes": Form(
        "i1", lambda X: frame(X).astype(dict(zip(names(X), ("f4", "Int8", "O"), strict=False)))
    ),
    "Series": Form(float, lambda X: pd.Series(X[:, :1].ravel()), False),
    "Index": Form(float, lambda X: pd.MultiIndex.from_arrays(X.T) if X.shape[1] else pd.Index([]), False),
    "polars": Form(float, polars),
    "polars Float32": Form("f4", polars),
    "polars Int8": Form("i1", polars),
    "polars UInt64": Form("u8", polars),
    "polars Boolean": Form(bool, polars),
    "polars Decimal": Form("i8", lambda X: pl.from_arrow(decimals(X))),
    "polars Int128": Form("i8", lambda X: polars(X, pl.Int128), None),
    "polars text": Form(float, lambda X: polars(objects(X, repr), pl.String), None),
    "polars lazy": Form(float, lambda X: polars(X).lazy(), False),
    "polars Series": Form(float, lambda X: pl.Series(X[:, :1].ravel()), False),
    "arrow": Form(float, arrow),
    "arrow batch": Form(float, lambda X: pa.RecordBatch.from_arrays(list(map(pa.array, X.T.copy())), names(X)), None),
    "arrow chunks": Form(float, lambda X: pa.concat_tables([arrow(X[:1]), arrow(X[1:])])),
    "arrow half": Form("f2", lambda X: arrow(X, pa.float16())),
    "arrow uint64": Form("u8", lambda X: arrow(X, pa.uint64())),
    "arrow bool": Form(bool, lambda X: arrow(X, pa.bool_())),
    "arrow decimal": Form("i8", decimals),
    "arrow dictionary": Form(
        float, lambda X: pa.table({n: pa.array(X[:, i]).dictionary_encode() for i, n in enumerate(names(X))})
    ),
    "arrow, one name": Form(
        float, lambda X: pa.Table.from_arrays(list(map(pa.array, X.T.copy())), ["a"] * X.shape[1]), None
    ),
    "arrow array": Form(float, lambda X: pa.array(X[:, 0]) if X.shape[1] else pa.array([]), False),
    "arrow tensor": Form(float, pa.Tensor.from_numpy, None),
    **{f"{f}_{kind}": Form(float, sparse(f, kind), False) for f in SPARSE for kind in ("array", "matrix")},
    "coo of one axis": Form(float, lambda X: sp.coo_array(X[:, :1].ravel()), False),
}


def nested(depth):
    """A list in a list in a list."""
    result: list = []
    for _ in range(depth):
        result = [result]
    return result


def within_itself():
    """A list that is its own row."""
    result: list = []
    result.append(result)
    return result
