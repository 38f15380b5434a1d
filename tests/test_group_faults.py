"""Faulty group labels: each gets an error that says which label, column or argument is wrong."""

import decimal
import functools

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from scipy.sparse import csr_array

from skhbnn import HierarchicalBNNClassifier

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

NAN = float("nan")
MISSING = {
    "None": [None],
    "NaN": [NAN],
    "float array": np.array([NAN]),
    "pandas NA": [pd.NA],
    "nullable int": pd.array([None], dtype="Int64"),
    "categorical": pd.Categorical([NAN]),
    "NaT": [pd.NaT],
    "datetime64": np.array(["NaT"], dtype="M8[D]"),
    "timedelta64": np.array(["NaT"], dtype="m8[D]"),
    "polars": pl.Series([None], dtype=pl.String),
    "decimal": [decimal.Decimal("nan")],
    "signalling decimal": [decimal.Decimal("snan")],
    "masked": [np.ma.masked],
    "masked array": np.ma.array([1], mask=True),
    "part of a tuple": [("a", NAN)],
}


@pytest.mark.parametrize("form", MISSING)
def test_missing_label(form, as_table, fit_groups, hierarchical, moons):
    """An error in fit that says which row, by either way; at predict one unseen group, whatever its form."""
    label = next(iter(MISSING[form]))
    labels = ["k", "l", "m", label, *["n"] * 56]
    with pytest.raises(ValueError, match=r"1 missing label\(s\), the first at row 3"):
        fit_groups(groups=labels)
    with pytest.raises(ValueError, match=r"1 missing label\(s\), the first at row 3"):
        fit_groups(as_table("array", moons.X, np.fromiter(labels, dtype=object), 0), column=0)
    if isinstance(label, tuple):  # at predict, alone, it is of two levels
        return
    expected = hierarchical.predict_proba(moons.X_new[:1], groups=[None])
    np.testing.assert_array_equal(hierarchical.predict_proba(moons.X_new[:1], groups=MISSING[form]), expected)


class Raising:
    """A label of which one method raises an error."""

    def __init__(self, method):
        self.method = method

    def __ne__(self, other):
        return self._or_raise("ne", False)

    def __hash__(self):
        return self._or_raise("hash", 0)

    def __repr__(self):
        return self._or_raise("repr", "a label")

    def _or_raise(self, method, value):
        if self.method == method:
            raise KeyError(method)
        return value


NESTED = functools.reduce(lambda inner, _: (inner,), range(50_000), 1)
FINE = pl.Series(np.arange(60).astype("M8[ns]")).dt.replace_time_zone("UTC")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda groups: [*groups[:-1], NESTED], "nested too deeply; write it as text"),
        (lambda groups: [*groups[:-1], Raising("ne")], r"no label \(KeyError: 'ne'\): a label"),
        (lambda groups: [*groups[:-1], Raising("hash")], r"no label \(KeyError: 'hash'\): a label"),
        (lambda groups: [*groups[:-1], Raising("repr")], r"no label \(KeyError: 'repr'\): a Raising without a text"),
        (lambda groups: [*groups[:-1], decimal.Decimal("1e999999999")], "its exponent is beyond 100,000"),
        (lambda groups: [*groups[:-1], (1, lambda: 0)], "whose text is its address"),
        (lambda groups: FINE, "groups holds times to the nanosecond, of which Python has the microseconds only"),
        (lambda groups: pa.array(range(60), pa.time64("ns")), "groups holds times to the nanosecond"),
        (lambda groups: groups[:-1], "groups has 59 labels, but X has 60 rows"),
        (lambda groups: "k" * 60, "the single value 'kkk"),
        (lambda groups: 3, "the single value 3"),
        (lambda groups: np.array(3), r"the single value array\(3\)"),
        (lambda groups: set(range(60)), "a set has no such order"),
        (lambda groups: groups[:, None, None], r"groups must have one dimension.*\(60, 1, 1\)"),
        (lambda groups: pd.DataFrame({"g": groups[:-1]}), "groups has 59 labels, but X has 60 rows"),
        (lambda groups: [*[("a", 1)] * 59, ("b",)], "groups has tuples of 1, 2 labels: give every row a label of each"),
        (lambda groups: [*groups[:-1], ["k"]], r"not hashable: \['k'\]"),
        (lambda groups: [*groups[:-1], ("k", {5})], r"not hashable: \('k', \{5\}\)"),
        (lambda groups: [*groups[:-1], object()], r"groups holds <object object at 0x.*whose text is its address"),
    ],
    ids=[
        *["nested", "comparison", "hash", "text", "exponent", "function in a tuple"],
        *["times of polars", "times of PyArrow"],
        *["too few", "one string", "one number", "no axis", "set", "three dimensions", "frame", "ragged"],
        *["unhashable", "unhashable in a tuple", "without a text"],
    ],
)
def test_faulty_argument(change, message, fit_groups, moons):
    with pytest.raises(ValueError, match=message):
        fit_groups(groups=change(moons.groups))


@pytest.mark.parametrize(
    ("form", "column", "message"),
    [
        ("pandas", "q", r"groups='q' is not a column of X.*\['g', 'a', 'b'\]"),
        ("polars", ["g", "q"], r"groups='q' is not a column of X.*\['g', 'a', 'b'\]"),
        ("array", 3, "groups=3 is not the index of a column of X, which has 3 columns"),
        ("array", -4, "groups=-4 is not the index of a column"),
        ("array", [0, -3], r"groups=\[0, -3\] names a column of X twice"),
        ("pandas", ["g", 0], r"groups=\['g', 0\] names a column of X twice"),
        ("array", "g", "groups='g' names a column, but X is a ndarray without column names"),
        ("lists", "g", "groups='g' names a column, but X is a .* without column names"),
        ("array", [], r"groups=\[\]"),
        ("array", [0.5], r"groups=\[?0\.5"),
        ("pandas", [None], r"groups=\[?None"),
    ],
)
def test_faulty_column(form, column, message, as_table, fit_groups, moons):
    with pytest.raises(ValueError, match=message):
        fit_groups(as_table(form, moons.X, moons.groups, 0), column=column)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda X: X[:, :1], "names every column of X: none is left"),
        (lambda X: X[:, 1], "Expected 2D array"),
        (lambda X: [[0, 1, 2]] * 59 + [[0]], "Expected 2D array|inhomogeneous"),
        (lambda X: csr_array(X.astype(float)), "dense data is required"),
        (lambda X: np.array([*X[:, 0], ["k"]], dtype=object)[-60:, None], r"not hashable: \['k'\]"),
    ],
    ids=["nothing but the label", "one-dimensional", "ragged", "sparse", "unhashable"],
)
def test_faulty_table(change, message, as_table, fit_groups, moons):
    with pytest.raises((ValueError, TypeError), match=message):
        fit_groups(change(as_table("array", moons.X, moons.groups, 0)), column=0)


def test_both_ways_at_once(as_table, fit_groups, moons):
    with pytest.raises(ValueError, match=r"both ways: as the argument groups and as the column\(s\) 0"):
        fit_groups(as_table("array", moons.X, moons.groups, 0), groups=moons.groups, column=0)


@pytest.fixture(scope="module")
def fits(as_table, fit_groups, hierarchical, moons):
    """One fit for each way that groups came in, and the X that goes with it."""
    table = as_table("array", moons.X, moons.groups, 0)
    return {
        "argument": (hierarchical, moons.X),
        "column": (fit_groups(table, column=0), table),
        "none": (fit_groups(), moons.X),
    }


METHODS = [name for name in dir(HierarchicalBNNClassifier) if name.startswith(("predict", "sample", "score"))]


@pytest.mark.parametrize(
    ("way", "groups", "message"),
    [
        ("argument", None, r"needs them here too: pass groups= to this method, or .*groups='column'"),
        ("argument", [0, 1], "groups has 2 labels, but X has 60 rows"),
        ("argument", [[0]] * 60, r"not hashable: \[0\]"),
        ("column", [0] * 60, "both ways"),
        ("none", [0] * 60, "fitted without any"),
    ],
)
@pytest.mark.parametrize("method", METHODS)
def test_groups_at_predict_must_go_with_the_fit(method, way, groups, message, fits, moons):
    fitted, X = fits[way]
    with pytest.raises(ValueError, match=message):
        getattr(fitted, method)(X, **({"y": moons.y} if method == "score" else {}), groups=groups)
