"""Arrays and tables of PyArrow as groups, X and y: taken as those of pandas and polars are."""

import datetime
import decimal

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression

import skhbnn
from skhbnn import FlatBNNClassifier, HierarchicalBNNClassifier, PerGroupClassifier
from skhbnn.data.labels import as_labels

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

ARRAYS = {
    "array": pa.array,
    "chunked array": lambda values: pa.chunked_array([values[:7], values[7:]]),
    "dictionary": lambda values: pa.array(values).dictionary_encode(),
    "chunked dictionary": lambda values: pa.chunked_array([values]).dictionary_encode(),
    "scalars": lambda values: list(pa.array(values)),
    "objects": lambda values: np.fromiter(pa.array(values), dtype=object),
    "pandas": lambda values: pd.Series(values, dtype=pd.ArrowDtype(pa.array(values).type)),
}


@pytest.fixture(scope="module", params=["hierarchical", "per group"])
def estimator(request, small):
    if request.param == "hierarchical":
        return HierarchicalBNNClassifier(**small)
    return PerGroupClassifier(LogisticRegression(), fallback=LogisticRegression())


@pytest.fixture(scope="module")
def expected(estimator, moons):
    return clone(estimator).fit(moons.X, moons.y, groups=moons.groups)


@pytest.fixture(scope="module", params=["table", "chunked table", "record batch"])
def as_arrow(request):
    """A function that makes a table of columns."""

    def table(columns):
        if request.param == "record batch":
            return pa.record_batch(columns)
        whole = pa.table(columns)
        return whole if request.param == "table" else pa.concat_tables([whole[:20], whole[20:]])

    return table


@pytest.mark.parametrize("form", ARRAYS)
@pytest.mark.parametrize("kind", [int, str])
def test_groups(form, kind, estimator, moons):
    labels, labels_new = (list(map(kind, groups.tolist())) for groups in (moons.groups, moons.groups_new))
    plain = clone(estimator).fit(moons.X, moons.y, groups=labels)
    expected = plain.predict_proba(moons.X_new, groups=labels_new)
    fitted = clone(estimator).fit(moons.X, moons.y, groups=ARRAYS[form](labels))
    assert fitted.groups_.tolist() == plain.groups_.tolist()
    for one, other in ((plain, ARRAYS[form]), (fitted, list), (fitted, ARRAYS[form])):
        np.testing.assert_array_equal(one.predict_proba(moons.X_new, groups=other(labels_new)), expected)


@pytest.mark.parametrize(
    "values",
    [
        [datetime.date(2024, 2, 28), None, datetime.date(2024, 2, 29)],
        [datetime.datetime(2024, 2, 28, 1), None],
        [datetime.datetime(2024, 2, 28, tzinfo=datetime.UTC), None],
        [datetime.timedelta(1), None],
        [datetime.time(1), None],
        [decimal.Decimal("1.5"), None],
        [b"a", None],
        [True, None, False],
        [2**63 - 1, None],
        [1.5, None, float("nan")],
    ],
)
def test_labels_are_those_of_a_list(values):
    assert as_labels(pa.array(values), len(values)) == as_labels(values, len(values))
    assert as_labels(list(pa.array(values)), len(values)) == as_labels(values, len(values))


def test_tables(as_arrow, estimator, expected, moons, tmp_path):
    def table(X, groups):
        return as_arrow({"a": X[:, 0], "b": X[:, 1], "shop": groups})

    X, X_new = table(moons.X, moons.groups), table(moons.X_new, moons.groups_new)
    fitted = clone(estimator).set_params(groups="shop").fit(X, pa.array(moons.y))
    proba = expected.predict_proba(moons.X_new, groups=moons.groups_new)
    np.testing.assert_allclose(fitted.predict_proba(X_new), proba, rtol=1e-9)
    assert fitted.feature_names_in_.tolist() == ["a", "b", "shop"]
    assert fitted.score(X_new, pa.array(moons.y)) == expected.score(moons.X_new, moons.y, groups=moons.groups_new)
    frame = pd.DataFrame(moons.X_new, columns=["a", "b"]).assign(shop=moons.groups_new)
    np.testing.assert_allclose(fitted.predict_proba(frame), proba, rtol=1e-9)
    if isinstance(fitted, HierarchicalBNNClassifier):
        fitted.save(tmp_path / "fit")
        np.testing.assert_array_equal(skhbnn.load(tmp_path / "fit").predict_proba(X_new), fitted.predict_proba(X_new))


def test_faults_of_tables_are_named(as_arrow, estimator, small, moons):
    columns = {"a": moons.X[:, 0], "b": moons.X[:, 1], "shop": moons.groups}
    with pytest.raises(ValueError, match=r"groups='q' is not a column of X, whose columns are \['a', 'b', 'shop'\]\.$"):
        clone(estimator).set_params(groups="q").fit(as_arrow(columns), moons.y)
    for values, kind in ((["x"] * 60, "text"), (pa.array(range(60), pa.date32()), "dates or times")):
        with pytest.raises(ValueError, match=rf"X has {kind} in column\(s\) 'when'"):
            FlatBNNClassifier(**small).fit(as_arrow({**columns, "when": values}), moons.y)


@pytest.mark.parametrize("form", ["array", "chunked array", "dictionary", "pandas"])
@pytest.mark.parametrize("classes", [["no", "yes"], [False, True], [3, 5]])
def test_classes(form, classes, flat, small, moons):
    y = [classes[code] for code in moons.y]
    fitted = FlatBNNClassifier(**small).fit(moons.X, ARRAYS[form](y))
    assert fitted.classes_.tolist() == classes
    np.testing.assert_array_equal(fitted.predict_proba(moons.X_new), flat.predict_proba(moons.X_new))
    assert fitted.score(moons.X, ARRAYS[form](y)) == flat.score(moons.X, moons.y)
    with pytest.raises(ValueError, match=r"y has 1 missing value\(s\), the first at row 2|Input y? ?contains NaN"):
        FlatBNNClassifier(**small).fit(moons.X[:4], ARRAYS[form]([*y[:2], None, y[3]]))


def test_a_table_of_classes(flat, small, moons):
    fitted = FlatBNNClassifier(**small).fit(moons.X, pa.table({"y": moons.y}))
    np.testing.assert_array_equal(fitted.predict_proba(moons.X_new), flat.predict_proba(moons.X_new))
