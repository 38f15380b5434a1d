"""What must be refused: labels and entries that are missing or broken, and containers that are not of the rows."""

import decimal
import functools
from collections.abc import Callable

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import xarray as xr

from .labels import Text, objects
from .tables import ARROW, arrow, frame, names, polars, rounded


class Broken:
    """A label of which one method raises an error."""

    def __eq__(self, other):
        raise KeyError("no comparison")

    def __hash__(self):
        return 0


class Nameless(Text):
    """A text that cannot be written."""

    def __repr__(self):
        raise RuntimeError("no text")


def nested(depth):
    """A tuple in a tuple in a tuple."""
    return functools.reduce(lambda inner, _: (inner,), range(depth), 1)


def column(values):
    return objects(values)[:, None]


# Containers that are not in the order of rows, or have not one label for each.
WRONG: dict[str, Callable] = {
    "None in a list": lambda values: [None] * len(values),
    "one value": lambda values: "label",
    "bytes": lambda values: b"label",
    "number": lambda values: 7,
    "no axis": lambda values: np.array("label"),
    "set": set,
    "dict": lambda values: dict(enumerate(values)),
    "two axes": column,
    "frame": lambda values: pd.DataFrame({"g": objects(values)}),
    "polars frame": lambda values: pl.DataFrame({"g": pl.Series(values)}),
    "arrow table": lambda values: pa.table({"g": pa.array(values)}),
    "too few": lambda values: values[:-1],
    "too many": lambda values: [*values, *values[:1], "more"],
    "type": lambda values: int,
    "broken": lambda values: [Broken() for _ in values],
    "nameless": lambda values: [[Nameless("a")] for _ in values],
    "nested deeply": lambda values: [nested(100_000)] * len(values),
    "addresses": lambda values: [(1, lambda: 0)] * len(values),
    "masked": lambda values: np.ma.array(np.zeros(len(values), int), mask=True),
    "function": lambda values: len,
    "lists": lambda values: [[value] for value in values],
    "lazy": lambda values: pl.DataFrame({"g": list(range(len(values)))}).lazy(),
    "list in a Series": lambda values: pl.Series([[1, 2]] * len(values)),
    "struct": lambda values: pa.array([{"a": 1}] * len(values)),
}
ONE_COLUMN = ("two axes", "frame", "polars frame", "arrow table")  # which groups may be, if all labels fit into it
MISSING_ALL = ("None in a list", "masked")  # of these only the labels are missing, which predictions allow
# What stands for a missing label.
MISSING: list = [
    None,
    float("nan"),
    np.nan,
    np.float32("nan"),
    pd.NA,
    pd.NaT,
    np.datetime64("NaT", "s"),
    np.timedelta64("NaT", "s"),
]
MISSING += [decimal.Decimal("nan"), decimal.Decimal("snan"), ("a", None), complex("nan"), np.ma.masked]
# A matrix with one entry missing: every estimator of networks must say so.
HOLES = {
    "NaN": lambda X, hole: hole(np.array(X), np.nan),
    "infinity": lambda X, hole: hole(np.array(X), -np.inf),
    "float16": lambda X, hole: hole(X.clip(-9, 9).astype("f2"), np.nan),
    **{f"objects {value}": lambda X, hole, v=value: hole(objects(X), v) for value in (None, np.nan, pd.NA, pd.NaT)},
    "Decimal": lambda X, hole: hole(objects(X, decimal.Decimal), decimal.Decimal("nan")),
    "signalling": lambda X, hole: hole(objects(X, decimal.Decimal), decimal.Decimal("snan")),
    "masked": lambda X, hole: hole(np.ma.array(X, copy=True), np.ma.masked),
    "masked int": lambda X, hole: hole(np.ma.array(rounded(X, "i8"), copy=True), np.ma.masked),
    "lists": lambda X, hole: hole(objects(X), None).tolist(),
    "masked in lists": lambda X, hole: hole(objects(X), np.ma.masked).tolist(),
    "lists of masked arrays": lambda X, hole: list(hole(np.ma.array(X, copy=True), np.ma.masked)),
    "frame": lambda X, hole: frame(hole(np.array(X), np.nan)),
    "frame of objects": lambda X, hole: frame(hole(objects(X), pd.NA)),
    **{f"frame {d}": lambda X, hole, d=d: frame(hole(objects(X), None)).astype(d) for d in ("Float64", "category")},
    "frame Int64": lambda X, hole: frame(hole(objects(rounded(X, "i8")), None)).astype("Int64"),
    "frame boolean": lambda X, hole: frame(hole(objects(X > 0), None)).astype("boolean"),
    "frame of arrow": lambda X, hole: frame(hole(objects(X), None)).astype(ARROW(pa.float64())),
    "polars": lambda X, hole: pl.DataFrame(hole(objects(X), None).tolist(), schema=names(X), orient="row"),
    "polars NaN": lambda X, hole: polars(hole(np.array(X), np.nan)),
    "arrow": lambda X, hole: arrow(hole(objects(X), None)),
    "arrow int": lambda X, hole: arrow(hole(objects(rounded(X, "i8")), None)),
    "arrow bool": lambda X, hole: arrow(hole(objects(X > 0), None)),
    "xarray": lambda X, hole: xr.DataArray(hole(np.array(X), np.nan)),
}
