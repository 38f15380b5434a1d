"""y of objects that hold one type, and y without some of its values, in every form."""

import collections
import datetime
import decimal
import enum

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.linear_model import LogisticRegression

from skhbnn import FlatBNNClassifier, HierarchicalBNNClassifier, PerGroupClassifier

pytestmark = [
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.DataConversionWarning"),
]


@pytest.fixture(scope="module", params=["flat", "hierarchical", "per group"])
def estimator(request, small):
    """An estimator, and the arguments that its methods take beside X and y."""
    return {
        "flat": FlatBNNClassifier(**small),
        "hierarchical": HierarchicalBNNClassifier(**small),
        "per group": PerGroupClassifier(LogisticRegression()),
    }[request.param]


def groups_of(estimator, moons):
    return {} if isinstance(estimator, FlatBNNClassifier) else {"groups": moons.groups}


@pytest.mark.parametrize(
    ("values", "dtype"),
    [
        ([False, True], bool),
        ([np.False_, np.True_], bool),
        ([0, 1], int),
        ([np.int8(3), 2**40], int),
        ([False, 2], int),
        ([0.0, 1], float),
    ],
)
@pytest.mark.parametrize("form", ["array", "series", "categories", "nullable"])
def test_objects_of_one_type(values, dtype, form, estimator, moons):
    y = np.fromiter((values[code] for code in moons.y), dtype=object)
    y = {"array": y, "series": pd.Series(y, dtype=object), "categories": pd.Series(y, dtype="category")}.get(form, y)
    if form == "nullable":
        y = pd.Series(y).astype({bool: "boolean", int: "Int64", float: "Float64"}[dtype])
    fitted = estimator.fit(moons.X, y, **groups_of(estimator, moons))
    assert fitted.classes_.dtype == dtype
    assert fitted.classes_.tolist() == sorted(values)
    predicted = fitted.predict(moons.X, **groups_of(estimator, moons))
    assert fitted.score(moons.X, y, **groups_of(estimator, moons)) == np.mean(predicted == y.astype(float))


@pytest.mark.parametrize(
    ("values", "said"),
    [
        (["a", 1], r"type\(s\) int, str"),
        ([True, "no"], r"type\(s\) bool, str"),
        ([decimal.Decimal(1), decimal.Decimal(2)], r"type\(s\) Decimal"),
        ([datetime.date(2024, 1, 1), datetime.date(2024, 1, 2)], r"type\(s\) date"),
        ([2**63, -(2**62) - 1], r"type\(s\) int"),
        ([("a",), ("b",)], r"type\(s\) tuple"),
    ],
)
def test_objects_that_are_no_classes(values, said, estimator, moons):
    y = np.empty(60, dtype=object)
    y[:] = [values[code] for code in moons.y]
    with pytest.raises(ValueError, match=rf"Unknown label type: y holds objects of the {said}.*write y\.astype\(str\)"):
        estimator.fit(moons.X, y, **groups_of(estimator, moons))


def test_fractions_are_no_classes(estimator, moons):
    with pytest.raises(ValueError, match="Unknown label type: continuous"):
        estimator.fit(moons.X, (moons.y + 0.5).astype(object), **groups_of(estimator, moons))


FORMS = {
    "list": list,
    "series": lambda y: pd.Series(y, dtype=object),
    "array": lambda y: np.array(y, dtype=object),
    "frame": lambda y: pd.DataFrame({"bought": pd.Series(y, dtype=object)}),
    "column": lambda y: np.array(y, dtype=object)[:, None],
    "list of rows": lambda y: [[label] for label in y],
    "polars frame": lambda y: pl.DataFrame(
        {"bought": [None if label is pd.NA else label for label in y]}, strict=False
    ),
    "pandas text": lambda y: pd.DataFrame({"bought": pd.Series(y, dtype="string")}),
    "categories": lambda y: pd.DataFrame({"bought": pd.Categorical(y)}),
}


# Polars has no NaN in text.
@pytest.mark.parametrize(
    ("form", "hole"),
    [(form, hole) for form in FORMS for hole in (None, np.nan, pd.NA) if form != "polars frame" or hole is not np.nan],
)
def test_a_missing_class(form, hole, estimator, moons):
    y = np.where(moons.y, "yes", "no").astype(object).tolist()
    y[5] = hole
    with pytest.raises(ValueError, match=r"y has 1 missing value\(s\), the first at row 5; drop those rows"):
        estimator.fit(moons.X, FORMS[form](y), **groups_of(estimator, moons))


@pytest.mark.parametrize("form", ["frame", "column", "series", "array"])
def test_a_missing_number(form, estimator, moons):
    y = moons.y.astype(object).tolist()
    y[5] = None
    with pytest.raises(ValueError, match=r"y has 1 missing value\(s\), the first at row 5; drop those rows"):
        estimator.fit(moons.X, FORMS[form](y), **groups_of(estimator, moons))
    y = pd.DataFrame({"bought": pd.Series(moons.y, dtype=float)})
    y.loc[5] = np.nan
    with pytest.raises(ValueError, match=r"Input y? ?contains NaN: the first at row 5\. Drop such rows"):
        estimator.fit(moons.X, y if form == "frame" else y["bought"], **groups_of(estimator, moons))


class Answer(enum.StrEnum):
    NO = "no"
    YES = "yes"


@pytest.mark.parametrize("values", [[2**63, 2**63 + 1], [2**53, 2**53 + 1], [-1, 2**62], [True, 3], ["no", Answer.YES]])
def test_lists_keep_their_classes(values, estimator, moons):
    """NumPy would make floats of large integers."""
    fitted = estimator.fit(moons.X, [values[code] for code in moons.y], **groups_of(estimator, moons))
    assert fitted.classes_.tolist() == values
    assert {type(label) for label in fitted.classes_.tolist()} <= {int, str}


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ([-1, 2**63], r"type\(s\) int"),
        ([10**400, 1], r"type\(s\) int"),
        (["a", 1], r"type\(s\) int, str"),
        ([True, "no"], r"type\(s\) bool, str"),
    ],
)
def test_lists_that_are_no_classes(values, said, estimator, moons):
    """NumPy would make floats or texts of them."""
    with pytest.raises(ValueError, match=rf"Unknown label type: y holds objects of the {said}"):
        estimator.fit(moons.X, [values[code] for code in moons.y], **groups_of(estimator, moons))


class Incomparable:
    def __eq__(self, other):
        raise KeyError("no comparison")

    def __hash__(self):
        return 0


@pytest.mark.parametrize(
    ("form", "said"),
    [
        (lambda y: pl.DataFrame({"y": y}).lazy(), r"y is a LazyFrame.*pass y\.collect\(\)"),
        (lambda y: np.ma.array(y, mask=y == 0), r"y has a masked array of \d+ masked value\(s\)"),
        (lambda y: [*y[:-1].tolist(), np.ma.masked], r"y has 1 missing value\(s\), the first at row 59"),
        (lambda y: collections.deque([*y[:-1].tolist(), None]), r"y has 1 missing value\(s\), the first at row 59"),
        (lambda y: pl.Series([[1, 2, 3]] * 60), r"y holds objects of the type\(s\) list|y should be a 1d array"),
        (lambda y: pl.Series([[1], [1, 2]] * 30), r"y holds objects of the type\(s\) list|y .*inhomogeneous"),
        (lambda y: np.array([(code,) for code in y], dtype=[("y", int)]), r"y holds objects of the type\(s\) tuple"),
        (lambda y: [Incomparable() for _ in y], r"y holds objects of the type\(s\) Incomparable"),
    ],
    ids=["lazy", "masked", "masked in a list", "deque", "lists", "ragged lists", "structured", "incomparable"],
)
def test_forms_that_are_no_classes(form, said, estimator, moons):
    with pytest.raises(ValueError, match=said):
        estimator.fit(moons.X, form(moons.y), **groups_of(estimator, moons))


def test_text_of_numpy(flat, small, moons):
    y = np.where(moons.y, "yes", "no").astype(np.dtypes.StringDType())
    fitted = FlatBNNClassifier(**small).fit(moons.X, y)
    assert fitted.classes_.tolist() == ["no", "yes"]
    np.testing.assert_array_equal(fitted.predict_proba(moons.X_new), flat.predict_proba(moons.X_new))


def test_classes_of_128_bits(flat, small, moons):
    fitted = FlatBNNClassifier(**small).fit(moons.X, pl.Series(moons.y).cast(pl.Int128))
    np.testing.assert_array_equal(fitted.predict_proba(moons.X_new), flat.predict_proba(moons.X_new))
