"""Labels of groups and classes of every kind, in every container, for fuzzing."""

import array
import collections
import datetime
import decimal
import enum
import fractions
import ipaddress
import pathlib
import uuid
import zoneinfo
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import xarray as xr

from .tables import ARROW, Subclass, Tensor

Point = collections.namedtuple("Point", ["x", "y"])
Colour = enum.Enum("Colour", [f"C{i:02}" for i in range(40)])
Number = enum.IntEnum("Number", [f"N{i}" for i in range(40)])
Word = enum.StrEnum("Word", [f"w{i:02}" for i in range(40)])
TOKYO = zoneinfo.ZoneInfo("Asia/Tokyo")
DAY, NOON = datetime.date(2024, 2, 20), datetime.datetime(2024, 2, 20, 12)
TEXTS = [
    "",
    " ",
    "a",
    "A",
    "nan",
    "None",
    "0",
    "1.0",
    "\0",
    "é",
    "e\u0301",
    "ﬁ",
    "🙂",
    "\ud800",
    "a" * 300,
    "0x1f",
    "1e5",
]


class Text(str):
    """A text of another class."""


def objects(values):
    result = np.empty(len(values), dtype=object)
    result[:] = values
    return result


def native(*dtypes):
    """NumPy arrays of dtypes that hold the values exactly."""
    return {str(dtype): lambda values, d=dtype: np.array(values, dtype=d) for dtype in dtypes}


def of_pandas(*dtypes):
    return {f"pandas {dtype}": lambda values, d=dtype: pd.Series(values, dtype=d) for dtype in dtypes}


def of_polars(*dtypes):
    return {f"polars {dtype}": lambda values, d=dtype: pl.Series(values, dtype=d) for dtype in dtypes}


def of_arrow(*types):
    own = {f"arrow {t}": lambda values, t=t: pa.array(values, type=t) for t in types}
    chunked = {f"arrow chunks {t}": lambda values, t=t: pa.chunked_array([pa.array(values, type=t)]) for t in types}
    series = {
        f"pandas arrow {t}": lambda values, t=t: pd.Series(pa.array(values, type=t), dtype=ARROW(t)) for t in types
    }
    return own | chunked | series


def to_the_nanosecond(dtype):
    """NumPy arrays of times and durations of pandas, whose digits NumPy itself would drop."""
    return {dtype: lambda values: np.array([value.asm8 for value in values], dtype=dtype)}


def strided(values):
    return np.repeat(np.array(values)[::-1], 2)[::-2]


class Kind(NamedTuple):
    """A kind of labels.

    ``label`` makes one of a number below 40, as plain Python has it, rising with the number where the kind has an
    order. ``own`` are the containers that are for the kind. ``classes`` says whether y may hold the kind: True, False,
    or None where either is right.
    """

    label: Callable
    own: dict
    classes: bool | None = False


INTS = ("i1", "i2", "i4", "i8", ">i4", "u1", "u2", "u4", "u8")
KINDS = {
    "int": Kind(
        lambda i: i,
        {
            **native(*INTS, "f4", "f8", "f2", "longdouble", "c16"),
            **of_pandas("Int8", "Int64", "UInt64", "Float32", "Float64", "int32", "category"),
            **of_polars(pl.Int8, pl.UInt64, pl.Int128, pl.Float64, pl.Decimal(10, 0)),
            **of_arrow(pa.int8(), pa.uint64(), pa.float64(), pa.decimal128(9, 0)),
            "array.array": lambda values: array.array("q", values),
            "bytearray": bytearray,
            "memoryview": lambda values: memoryview(np.array(values)),
            "bool": lambda values: [bool(v) if v < 2 else v for v in values],
            "strided": strided,
            "subclass": lambda values: np.array(values).view(Subclass),
            "NumPy": lambda values: list(np.array(values, "i2")),
            "Decimal": lambda values: list(map(decimal.Decimal, values)),
            "IntEnum": lambda values: [Number(v) if v else v for v in values],
            "sparse": lambda values: pd.Series(values, dtype=pd.SparseDtype(int, 0)),
        },
        True,
    ),
    "negative": Kind(lambda i: i - 20, {**native("i1", "i8"), **of_pandas("Int64"), **of_polars(pl.Int8)}, True),
    "int of 64 bits": Kind(
        lambda i: 2**63 - 50 + i, {**native("i8", "u8"), **of_pandas("Int64"), **of_polars(pl.Int64)}, True
    ),
    "unsigned": Kind(
        lambda i: 2**64 - 60 + i,
        {**native("u8"), **of_pandas("UInt64"), **of_polars(pl.UInt64), **of_arrow(pa.uint64())},
        True,
    ),
    "mixed width": Kind(
        lambda i: -1 - i if i % 2 else 2**63 + i, {"int128": lambda values: pl.Series(values, dtype=pl.Int128)}, None
    ),
    "huge": Kind(lambda i: 10**400 + i, {}, None),
    "thousands of digits": Kind(lambda i: -(10**5000) - i, {}, None),
    "bool": Kind(
        lambda i: i % 2 == 1,
        {**native("?"), **of_pandas("boolean", "bool", "category"), **of_polars(pl.Boolean), **of_arrow(pa.bool_())},
        True,
    ),
    "float": Kind(
        lambda i: i / 8 - 1,
        {
            **native("f2", "f4", "f8", ">f8"),
            **of_pandas("Float32", "Float64"),
            **of_polars(pl.Float32),
            **of_arrow(pa.float32()),
        },
        None,
    ),
    "float ids": Kind(lambda i: float(2**53 + 2 * i), {**native("f8"), **of_pandas("Float64")}, True),
    "floats of any size": Kind(
        lambda i: [-1e308, -1.5, -5e-324, -0.0, 1e-300, 2.0**200, float("inf")][i % 7], {**native("f8")}, None
    ),
    "complex": Kind(lambda i: complex(i, 1), native("c16"), None),
    "text": Kind(
        lambda i: f"label {i:02}",
        {
            **native("U", np.dtypes.StringDType(), "U40"),
            **of_pandas("string", "string[pyarrow]", "str", "category"),
            **of_polars(pl.String, pl.Categorical, pl.Enum([f"label {i:02}" for i in range(40)])),
            **of_arrow(pa.string(), pa.large_string(), pa.string_view()),
            "dictionary": lambda values: pa.array(values).dictionary_encode(),
            "pandas dictionary": lambda values: pd.Series(pa.array(values).dictionary_encode().to_pandas()),
            "np.str_": lambda values: list(map(np.str_, values)),
            "subclass": lambda values: list(map(Text, values)),
        },
        True,
    ),
    "any text": Kind(lambda i: TEXTS[i % len(TEXTS)], {**of_pandas("category")}, None),
    "StrEnum": Kind(lambda i: list(Word)[i], {}, None),
    "bytes": Kind(
        lambda i: b"label %02d" % i,
        {**native("S"), **of_polars(pl.Binary), **of_arrow(pa.binary(), pa.large_binary(), pa.binary(8))},
        None,
    ),
    "date": Kind(
        lambda i: DAY + datetime.timedelta(i),
        {
            **native("M8[D]", "M8[s]", "M8[ns]"),
            **of_pandas("M8[s]", "category"),
            **of_polars(pl.Date),
            **of_arrow(pa.date32(), pa.date64()),
        },
        None,
    ),
    "time": Kind(
        lambda i: NOON + datetime.timedelta(days=i, microseconds=1),
        {
            **native("M8[us]", "M8[ns]"),
            **of_pandas("M8[us]", "M8[ns]", "category"),
            **of_polars(pl.Datetime("us"), pl.Datetime("ns")),
            **of_arrow(pa.timestamp("us"), pa.timestamp("ns")),
            "DatetimeIndex": pd.DatetimeIndex,
        },
        None,
    ),
    "nanoseconds": Kind(
        lambda i: pd.Timestamp(10**18 + i),
        {
            **to_the_nanosecond("M8[ns]"),
            **of_pandas("M8[ns]"),
            **of_arrow(pa.timestamp("ns")),
            "polars": lambda v: pl.Series(pd.DatetimeIndex(v).to_numpy()),
        },
        None,
    ),
    "far time": Kind(
        lambda i: datetime.datetime(1 + 250 * i, 1, 1), {**native("M8[s]"), **of_polars(pl.Datetime("ms"))}, None
    ),
    "time with a zone": Kind(
        lambda i: NOON.replace(tzinfo=TOKYO) + datetime.timedelta(i),
        {
            "pandas": lambda v: pd.Series(pd.DatetimeIndex(v)),
            "pandas UTC": lambda v: pd.Series(pd.DatetimeIndex(v).tz_convert("UTC")),
            **of_polars(pl.Datetime("us", "Asia/Tokyo")),
            **of_arrow(pa.timestamp("us", "Asia/Tokyo"), pa.timestamp("s", "UTC")),
        },
    ),
    "time of day": Kind(
        lambda i: datetime.time(i % 24, 59),
        {**of_polars(pl.Time), **of_arrow(pa.time64("us"), pa.time32("s"), pa.time64("ns"))},
    ),
    "duration": Kind(
        lambda i: datetime.timedelta(i, 1),
        {
            **native("m8[s]", "m8[ns]"),
            **of_pandas("m8[s]", "m8[ns]"),
            **of_polars(pl.Duration("us"), pl.Duration("ns")),
            **of_arrow(pa.duration("us"), pa.duration("ns")),
        },
        None,
    ),
    "nanoseconds long": Kind(
        lambda i: pd.Timedelta(10**15 + i),
        {
            **to_the_nanosecond("m8[ns]"),
            **of_pandas("m8[ns]"),
            **of_arrow(pa.duration("ns")),
            "polars": lambda v: pl.Series(pd.TimedeltaIndex(v).to_numpy()),
        },
    ),
    "period": Kind(
        lambda i: pd.Period("2020-01", "M") + i, {"index": pd.PeriodIndex, **of_pandas("period[M]", "category")}
    ),
    "interval": Kind(lambda i: pd.Interval(i, i + 1), {"index": pd.IntervalIndex, **of_pandas("interval", "category")}),
    "Decimal": Kind(
        lambda i: decimal.Decimal(i) / 4,
        {**of_polars(pl.Decimal(20, 2)), **of_arrow(pa.decimal128(20, 2), pa.decimal256(40, 2))},
    ),
    "Decimal without an end": Kind(lambda i: decimal.Decimal(f"1e{999_000 + i}"), {}),
    "Fraction": Kind(lambda i: fractions.Fraction(i, 3), {}),
    "Fraction beyond floats": Kind(lambda i: fractions.Fraction(10**400 + i, 3), {}),
    "tuple": Kind(
        lambda i: (i // 5, "ab"[i % 2] + str(i % 5)),
        {
            "MultiIndex": pd.MultiIndex.from_tuples,
            "record": lambda v: np.array(v, dtype=[("n", "i8"), ("t", "U2")]),
            "namedtuple": lambda v: [Point(*pair) for pair in v],
            "polars struct": lambda v: pl.Series(v, dtype=pl.Object),
        },
    ),
    "empty tuple": Kind(lambda i: () if i == 0 else (i,), {}),
    "frozenset": Kind(lambda i: frozenset(["x", "y", i]), {}),
    "Enum": Kind(lambda i: list(Colour)[i], {}),
    "UUID": Kind(lambda i: uuid.UUID(int=i), {}),
    "path": Kind(lambda i: pathlib.PurePosixPath(f"/{i:02}"), {}),
    "address": Kind(lambda i: ipaddress.ip_address(i), {}),
    "mixed": Kind(lambda i: [1, "1", 1.5, b"1", (1,), None.__class__, datetime.date(1, 1, 1), 2][i % 8], {}),
    "text and numbers": Kind(lambda i: i if i % 2 else str(i), {}),
    "types": Kind(lambda i: [int, str, float, bool][i % 4], {}),
    "range": Kind(range, {}),
    "slice": Kind(lambda i: ..., {}),
}
REFUSED = ("Decimal without an end",)  # as groups
# Containers that hold labels of any kind as they are.
ANY: dict[str, Callable] = {
    "list": list,
    "tuple": tuple,
    "objects": objects,
    "strided objects": lambda values: objects([v for v in values for _ in (0, 1)])[::2],
    "deque": collections.deque,
    "values of a dict": lambda values: dict(enumerate(values)).values(),
    "iterator": iter,
    "Series": lambda values: pd.Series(objects(values), dtype=object),
    "Series, other index": lambda values: pd.Series(objects(values), index=np.arange(len(values)) + 7, dtype=object),
    "Index": lambda values: pd.Index(objects(values), dtype=object),
    "Categorical": lambda values: pd.Categorical(objects(values), categories=objects(list(dict.fromkeys(values)))),
    "polars objects": lambda values: pl.Series(values, dtype=pl.Object),
    "no mask": lambda values: np.ma.array(objects(values)),
    "xarray": lambda values: xr.DataArray(objects(values), dims=["row"]),
    "tensor": lambda values: Tensor(objects(values)),
}
