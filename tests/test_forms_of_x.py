"""X in forms that cannot be taken as they are: errors name the form and the columns; sparse matrices are converted."""

import datetime
import decimal
import warnings

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import scipy.sparse as sp
from sklearn.base import clone
from sklearn.feature_extraction import DictVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from conftest import quiet_fit
from skhbnn import FlatBNNClassifier, HierarchicalBNNClassifier, InformedPriorBNNClassifier, PerGroupClassifier

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

NETWORKS = {
    "flat": lambda small: FlatBNNClassifier(**small),
    "informed": lambda small: InformedPriorBNNClassifier(**small),
    "hierarchical": lambda small: HierarchicalBNNClassifier(**small),
    "column": lambda small: HierarchicalBNNClassifier(groups="shop", **small),
    "per group": lambda small: PerGroupClassifier(FlatBNNClassifier(**small), groups="shop"),
}


@pytest.fixture(scope="module", params=NETWORKS)
def network(request, small):
    return NETWORKS[request.param](small)


@pytest.fixture(scope="module")
def table(moons):
    return pd.DataFrame(moons.X, columns=["a", "b"]).assign(shop=moons.groups)


# Columns that are no numbers ---------------------------------------------------------------------------------------

DAYS = pd.date_range("2024-02-28", periods=60)
NO_NUMBERS = {
    "text": (["x"] * 60, "text"),
    "category": (pd.Categorical(["x", "y"] * 30), "text"),
    "datetime64": (DAYS, "dates or times"),
    "time zone": (DAYS.tz_localize("UTC"), "dates or times"),
    "mostly missing": ([pd.Timestamp("2024"), *[pd.NaT] * 59], "dates or times"),
    "date": (DAYS.date, "dates or times"),
    "time of day": ([datetime.time(1)] * 60, "dates or times"),
    "timedelta": (DAYS - DAYS[0], "durations"),
    "timedelta objects": (pd.Series([datetime.timedelta(1)] * 60, dtype=object), "durations"),
    "period": (DAYS.to_period("D"), "periods"),
    "period objects": (pd.Series(DAYS.to_period("D"), dtype=object), "periods"),
    "interval": (pd.cut(np.arange(60), 3), "intervals"),
    "interval index": (pd.IntervalIndex.from_breaks(np.arange(61)), "intervals"),
    "list": ([[1, 2]] * 60, "lists"),
    "tuple": ([(1, 2)] * 60, "lists"),
    "array": ([np.arange(2)] * 60, "lists"),
    "set": ([{1}] * 60, "lists"),
    "arrow date": (pd.Series(DAYS.date, dtype=pd.ArrowDtype(pa.date32())), "dates or times"),
    "arrow time": (pd.Series(DAYS, dtype=pd.ArrowDtype(pa.timestamp("ns"))), "dates or times"),
    "arrow duration": (pd.Series(DAYS - DAYS[0], dtype=pd.ArrowDtype(pa.duration("ns"))), "durations"),
    "arrow list": (pd.Series([[1, 2]] * 60, dtype=pd.ArrowDtype(pa.list_(pa.int64()))), "lists"),
    "object": ([slice(1)] * 60, "objects of the type slice"),
}


@pytest.mark.parametrize("kind", NO_NUMBERS)
def test_columns_that_are_no_numbers_are_named(kind, network, table, moons):
    values, what = NO_NUMBERS[kind]
    with pytest.raises(ValueError, match=rf"X has {what} in column\(s\) 'when'"):
        network.fit(table.assign(when=values), moons.y)


@pytest.mark.parametrize(
    ("values", "what"),
    [
        (pl.Series(DAYS.date.tolist()), "dates or times"),
        (pl.Series(DAYS), "dates or times"),
        (pl.Series([datetime.time(1)] * 60), "dates or times"),
        (pl.Series(DAYS - DAYS[0]), "durations"),
        (pl.Series([[1, 2]] * 60), "lists"),
        (pl.Series([{"x": 1}] * 60), "lists"),
        (pl.Series(["x"] * 60), "text"),
    ],
)
def test_columns_of_polars_that_are_no_numbers_are_named(values, what, network, table, moons):
    with pytest.raises(ValueError, match=rf"X has {what} in column\(s\) 'when'"):
        network.fit(pl.DataFrame(table).with_columns(when=values), moons.y)


@pytest.mark.parametrize(
    "form", [pd.DataFrame.to_numpy, lambda table: table.to_numpy().tolist()], ids=["array", "lists"]
)
def test_without_names_the_index_of_the_column_is_named(form, small, table, moons):
    for values, what in ((DAYS.date, "dates or times"), (["x"] * 60, "text"), ([{1}] * 60, "lists")):
        with pytest.raises(ValueError, match=rf"X has {what} in column\(s\) 2"):
            FlatBNNClassifier(**small).fit(form(table[["a", "b"]].assign(when=values)), moons.y)


@pytest.mark.parametrize("only", [DAYS.to_frame(), DAYS.to_numpy()[:, None], pl.DataFrame({"when": DAYS})])
def test_times_alone_do_not_become_numbers(only, small, moons):
    for X in (only, only - only[:1] if isinstance(only, np.ndarray) else only):
        with pytest.raises(ValueError, match=r"X has (dates or times|durations) in column\(s\)"):
            FlatBNNClassifier(**small).fit(X, moons.y)


def test_when_predicting(flat, shops):
    with pytest.raises(ValueError, match=r"X has dates or times in column\(s\) 1"):
        flat.predict(np.array([[1.0, datetime.date(2024, 1, 1)]], dtype=object))
    fitted, table, _ = shops
    with pytest.raises(ValueError, match=r"X has dates or times in column\(s\) 'debt'"):
        fitted.predict(table.assign(debt=DAYS))


def test_several_kinds_are_all_named(small, table, moons):
    with pytest.raises(
        ValueError, match=r"(?s)X has text in column\(s\) 'pays'.*X has dates or times in column\(s\) 'when'"
    ):
        FlatBNNClassifier(**small).fit(table.assign(pays="card", when=DAYS.date), moons.y)


def test_numbers_in_any_form_are_taken(small, table, moons, flat):
    columns = pd.DataFrame(
        {"a": table["a"].astype(object), "b": pd.Categorical(table["b"])},
    )
    np.testing.assert_array_equal(
        quiet_fit(FlatBNNClassifier(**small), columns, moons.y).predict_proba(columns), flat.predict_proba(moons.X)
    )


# Forms that are no tables ------------------------------------------------------------------------------------------


def records(table):
    return table.to_dict("records")


@pytest.mark.parametrize(
    ("form", "said"),
    [
        (
            lambda table: table.to_records(index=False),
            r"X is a structured array with the fields 'a', 'b', 'shop'; make a",
        ),
        (records, r"X is a list of dicts; make a table of it, pandas.DataFrame\(X\)\.$"),
        (lambda table: tuple(records(table)), r"X is a tuple of dicts; make a table of it"),
        (lambda table: table.to_dict("list"), r"X is a dict with the keys 'a', 'b', 'shop'; make a table of it"),
    ],
    ids=["structured", "dicts", "tuple of dicts", "dict of lists"],
)
def test_forms_that_are_no_tables(form, said, network, table, moons):
    with pytest.raises(ValueError, match=said):
        network.fit(form(table), moons.y)


def test_dicts_that_the_inner_estimator_takes(table, moons):
    inner = make_pipeline(DictVectorizer(), LogisticRegression())
    X = records(table[["a", "b"]])
    fitted = PerGroupClassifier(inner).fit(X, moons.y, groups=moons.groups)
    plain = PerGroupClassifier(LogisticRegression()).fit(moons.X, moons.y, groups=moons.groups)
    np.testing.assert_allclose(
        fitted.predict_proba(X, groups=moons.groups), plain.predict_proba(moons.X, groups=moons.groups), rtol=1e-6
    )


def test_several_columns_of_one_name(network, table, moons):
    twice = pd.DataFrame(np.c_[moons.X, moons.X, moons.groups], columns=["a", "b", "a", "b", "shop"])
    with pytest.raises(ValueError, match="X has 2 columns named 'a'; give each a name of its own"):
        network.fit(twice, moons.y)


@pytest.mark.parametrize(
    ("form", "said"),
    [
        (lambda X: set(X[:, 0].tolist()), "X is a set, whose rows have no order"),
        (lambda X: pl.DataFrame(X).lazy(), r"X is a LazyFrame, whose rows are not computed yet; pass X\.collect\(\)"),
        (lambda X: iter(X.tolist()), "X is a list_iterator that cannot become an array of numbers"),
        (lambda X: int, "X is a type that cannot become an array of numbers"),
        (lambda X: "1 2 3", "X is a str that cannot become an array of numbers"),
        (lambda X: pl.DataFrame(X).cast(pl.Int128), "X, a DataFrame, cannot become an array: InvalidOperationError"),
        (lambda X: [*X.tolist(), [0.0]], "X has rows of several lengths: row 0 holds 2 value.s., and row 60 holds 1"),
        (lambda X: [[10**400, 1]] * 60, r"X has numbers that are no floats of 64 bits in column\(s\) 0: "),
        (lambda X: (X + 1j).astype(object), r"X has numbers that are no floats of 64 bits in column\(s\) 0, 1: "),
        (lambda X: np.ma.masked_less(X, 0), r"X has a masked array of \d+ masked value\(s\), which are missing"),
        (lambda X: list(np.ma.masked_less(X, 0)), r"X has a masked array of \d masked value\(s\)"),
        (lambda X: Raising(X), r"X, a Raising, cannot become an array: KeyError\('no values'\)"),
    ],
    ids=[
        "set",
        "lazy",
        "generator",
        "type",
        "text",
        "128 bits",
        "ragged",
        "huge",
        "complex",
        "masked",
        "rows",
        "raising",
    ],
)
def test_what_is_no_matrix_of_numbers(form, said, small, moons):
    with pytest.raises(ValueError, match=said):
        FlatBNNClassifier(**small).fit(form(moons.X), moons.y)


class Raising:
    """An array that cannot be made."""

    def __init__(self, values):
        self.shape = values.shape

    def __len__(self):
        return self.shape[0]

    def __array__(self, dtype=None, copy=None):
        raise KeyError("no values")


class Buffer:
    """Rows of two axes, which have neither a dtype nor an index."""

    def __init__(self, values):
        self.values = values
        self.shape = values.shape

    def __len__(self):
        return len(self.values)

    def __array__(self, dtype=None, copy=None):
        return np.array(self.values, dtype=dtype)


@pytest.mark.parametrize("form", [Buffer, memoryview, pa.Tensor.from_numpy])
@pytest.mark.parametrize("kind", ["flat", "per group"])
def test_arrays_of_other_libraries(form, kind, small, moons):
    """Of which not all have a dtype, or rows that can be taken."""
    estimator = FlatBNNClassifier(**small) if kind == "flat" else PerGroupClassifier(LogisticRegression())
    groups = {} if kind == "flat" else {"groups": moons.groups}
    expected = clone(estimator).fit(moons.X, moons.y, **groups).predict_proba(moons.X, **groups)
    X = form(np.ascontiguousarray(moons.X))
    np.testing.assert_array_equal(estimator.fit(X, moons.y, **groups).predict_proba(X, **groups), expected)


@pytest.mark.parametrize("hole", [pd.NA, pd.NaT, decimal.Decimal("nan"), decimal.Decimal("snan"), np.ma.masked])
@pytest.mark.parametrize("form", [np.array, pd.DataFrame, np.ndarray.tolist])
def test_missing_values_of_any_library(hole, form, small, moons):
    X = moons.X.astype(object)
    X[7, 1] = hole
    with pytest.raises(ValueError, match=r"missing values in column\(s\) 1, the first at row 7\. Fill them in"):
        FlatBNNClassifier(**small).fit(form(X), moons.y)


@pytest.mark.parametrize(
    "make", [pd.DataFrame, pl.DataFrame, pa.table, Buffer], ids=["pandas", "polars", "arrow", "buffer"]
)
def test_no_columns(make, small):
    empty = {Buffer: np.empty((3, 0)), pa.table: {}, pl.DataFrame: {}, pd.DataFrame: np.empty((3, 0))}[make]
    with pytest.raises(ValueError, match=r"Found array with 0 (sample|feature)\(s\)"):
        FlatBNNClassifier(**small).fit(make(empty), [0, 1, 0])


def test_sums_that_overflow(small, moons):
    """Of finite numbers of both signs; scikit-learn looks at their sum first."""
    X = np.repeat([[1e308, -1e308], [-1e308, 1e308]], 200, axis=0)
    with warnings.catch_warnings():
        warnings.simplefilter("error", RuntimeWarning)
        FlatBNNClassifier(**small).fit(X, np.arange(400) % 2)


# Sparse matrices ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["coo", "dia", "bsr", "dok", "lil", "csr", "csc"])
@pytest.mark.parametrize("kind", ["array", "matrix"])
def test_sparse_formats(form, kind, moons):
    convert = getattr(sp, f"{form}_{kind}")
    X, X_new = convert(sp.csr_array(moons.X)), convert(sp.csr_array(moons.X_new))
    fitted = PerGroupClassifier(LogisticRegression()).fit(X, moons.y, groups=moons.groups)
    plain = PerGroupClassifier(LogisticRegression()).fit(moons.X, moons.y, groups=moons.groups)
    expected = plain.predict_proba(moons.X_new, groups=moons.groups_new)
    np.testing.assert_allclose(fitted.predict_proba(X_new, groups=moons.groups_new), expected, rtol=1e-4)


def test_a_sparse_frame(moons):
    frame = pd.get_dummies(pd.DataFrame({"a": moons.X[:, 0] > 0, "b": moons.X[:, 1] > 0}, dtype=object), sparse=True)
    fitted = PerGroupClassifier(LogisticRegression()).fit(frame.sparse.to_coo(), moons.y, groups=moons.groups)
    assert fitted.score(frame.sparse.to_coo(), moons.y, groups=moons.groups) > 0.6


# No rows -----------------------------------------------------------------------------------------------------------

NO_ROWS = r"Found array with 0 sample\(s\) .*while a minimum of 1 is required"


def test_a_fit_of_no_rows(network, table):
    with pytest.raises(ValueError, match=NO_ROWS):
        network.fit(table[:0], [])
    for nothing in (table[["a", "b"]].to_numpy()[:0], [], table[["a", "b"]][:0], sp.csr_array((0, 2))):
        with pytest.raises(ValueError, match=NO_ROWS):
            PerGroupClassifier(LogisticRegression()).fit(nothing, [], groups=[])


@pytest.mark.parametrize("way", ["argument", "column"])
@pytest.mark.parametrize("method", ["predict", "predict_proba", "predict_std", "predict_uncertainty", "sample_proba"])
@pytest.mark.parametrize("kind", ["hierarchical", "per group"])
def test_predictions_of_no_rows(kind, method, way, small, table, moons):
    network = clone(NETWORKS[kind](small)).set_params(groups="shop" if way == "column" else None)
    X = table if way == "column" else table[["a", "b"]]
    fitted = network.fit(X, moons.y, **({} if way == "column" else {"groups": moons.groups}))
    with pytest.raises(ValueError, match=NO_ROWS):
        getattr(fitted, method)(X[:0], **({} if way == "column" else {"groups": []}))


def test_an_update_of_no_rows(small, table, moons):
    fitted = PerGroupClassifier(FlatBNNClassifier(**small), groups="shop").fit(table, moons.y)
    with pytest.raises(ValueError, match=NO_ROWS):
        fitted.update(table[:0], [])
