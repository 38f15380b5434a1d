"""Tables of pandas and polars, with groups as categories; names kept, wrong ones refused; what a notebook shows."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.compose import ColumnTransformer
from sklearn.exceptions import NotFittedError
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

from skhbnn import HierarchicalBNNClassifier, PerGroupClassifier

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

LETTERS = np.array(list("klmn"))
GROUPS = {
    "pandas text": lambda labels: pd.Series(labels),
    "pandas objects": lambda labels: pd.Series(labels, dtype=object),
    "pandas categories": lambda labels: pd.Series(pd.Categorical(labels, categories=list("nxmlk"), ordered=True)),
    "polars text": lambda labels: pl.Series(labels),
    "polars categories": lambda labels: pl.Series(labels, dtype=pl.Categorical),
    "polars enum": lambda labels: pl.Series(labels, dtype=pl.Enum(list("nxmlk"))),
}


def table(kind, X, labels):
    """X with columns a and b, and the group column between them."""
    library = pd if kind.startswith("pandas") else pl
    return library.DataFrame({"a": X[:, 0], "group": GROUPS[kind](labels), "b": X[:, 1]})


@pytest.fixture(scope="module", params=["hierarchical", "per group"])
def make(request, small):
    """A function that makes an unfitted estimator with a group column."""
    if request.param == "hierarchical":
        return lambda column: HierarchicalBNNClassifier(groups=column, **small)
    return lambda column: PerGroupClassifier(LogisticRegression(), groups=column)


@pytest.fixture(scope="module")
def expected(make, moons):
    """Probabilities with groups as an argument."""
    fitted = make(None).fit(moons.X, moons.y, groups=LETTERS[moons.groups])
    return fitted.predict_proba(moons.X_new, groups=LETTERS[moons.groups_new])


@pytest.mark.parametrize("kind", GROUPS)
def test_kinds_of_tables(kind, make, expected, moons):
    fitted = make("group").fit(table(kind, moons.X, LETTERS[moons.groups]), moons.y)
    found = fitted.predict_proba(table(kind, moons.X_new, LETTERS[moons.groups_new]))
    np.testing.assert_allclose(found, expected, rtol=1e-9)
    assert fitted.groups_.tolist() == list("klmn")
    assert fitted.feature_names_in_.tolist() == ["a", "group", "b"]
    other = "polars text" if kind.startswith("pandas") else "pandas text"
    found = fitted.predict_proba(table(other, moons.X_new, LETTERS[moons.groups_new]))
    np.testing.assert_allclose(found, expected, rtol=1e-9)


def test_names_must_be_those_of_the_fit(make, moons):
    X = table("pandas text", moons.X, LETTERS[moons.groups])
    fitted = make("group").fit(X, moons.y)
    for wrong in (X.rename(columns={"a": "c"}), X[["b", "group", "a"]]):
        with pytest.raises(ValueError, match="feature names should match"):
            fitted.predict(wrong)
    with pytest.raises(ValueError, match=r"groups='group' is not a column of X, whose columns are \['a', 'b'\]"):
        fitted.predict(X.drop(columns="group"))


@pytest.mark.parametrize("kind", ["pandas objects", "polars text"])
def test_faulty_group_columns(kind, make, moons):
    labels = LETTERS[moons.groups].astype(object)
    X = table(kind, moons.X, labels)
    with pytest.raises(
        ValueError, match=r"groups='shop' is not a column of X, whose columns are \['a', 'group', 'b'\]"
    ):
        make("shop").fit(X, moons.y)
    with pytest.raises(ValueError, match=r"groups=\['group', 1\] names a column of X twice"):
        make(["group", 1]).fit(X, moons.y)
    missing = r"column\(s\) 'group' of X that groups names has only missing label\(s\), the first at row 0"
    with pytest.raises(ValueError, match=missing):
        make("group").fit(table(kind, moons.X, [None] * 60), moons.y)
    labels[[3, 7]] = None
    with pytest.raises(ValueError, match=r"column\(s\) 'group' .* has 2 missing label\(s\), the first at row 3"):
        make("group").fit(table(kind, moons.X, labels), moons.y)


def test_name_of_two_columns(make, moons):
    X = pd.DataFrame(np.c_[moons.groups, moons.X], columns=["group", "a", "group"])
    with pytest.raises(ValueError, match="groups='group' names 2 columns of X"):
        make("group").fit(X, moons.y)


@pytest.mark.parametrize("way", ["repr", "html"])
def test_what_a_notebook_shows(way, make, moons):
    estimator = make("group")
    show = repr if way == "repr" else lambda estimator: estimator._repr_html_()
    before = show(estimator)
    shown = show(estimator.fit(table("pandas text", moons.X, LETTERS[moons.groups]), moons.y))
    assert all(type(estimator).__name__ in text for text in (before, shown))
    assert all("groups" in text and "group" in text for text in (before, shown))
    if way == "html":
        assert "Not fitted" in before
        assert "Not fitted" not in shown


# What only the inner estimator understands -------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["pandas categories", "polars text"])
@pytest.mark.parametrize("n_jobs", [1, 2])
def test_inner_estimator_gets_a_table(kind, n_jobs, moons):
    """A table reaches the clones as one, with names and text, but without its group column."""
    encoder = ColumnTransformer([("text", OneHotEncoder(), ["group"]), ("numbers", "passthrough", ["a", "b"])])
    X = table(kind, moons.X, LETTERS[moons.y])
    columns = {"shop": LETTERS[moons.groups]}
    X = X.assign(**columns) if kind.startswith("pandas") else X.with_columns(shop=pl.Series(columns["shop"]))
    inner = make_pipeline(encoder, LogisticRegression())
    fitted = PerGroupClassifier(inner, groups="shop", n_jobs=n_jobs).fit(X, moons.y)
    for label, estimator in fitted.estimators_.items():
        assert estimator.feature_names_in_.tolist() == ["a", "group", "b"]
        rows = LETTERS[moons.groups] == label
        expected = LogisticRegression().fit(np.c_[moons.y == 0, moons.y, moons.X][rows], moons.y[rows])
        found = fitted.predict_proba(X)[rows]
        np.testing.assert_allclose(
            found, expected.predict_proba(np.c_[moons.y == 0, moons.y, moons.X][rows]), rtol=1e-6
        )


def test_inner_estimator_gets_texts():
    """Not even a table: documents, with groups as an argument."""
    X = ["good day", "bad day", "good night", "bad night"] * 3
    inner = make_pipeline(CountVectorizer(), LogisticRegression())
    fitted = PerGroupClassifier(inner).fit(X, [1, 0, 1, 0] * 3, groups=["en"] * 8 + ["us"] * 4)
    assert fitted.predict(["good", "bad"], groups=["us", "en"]).tolist() == [1, 0]


def test_unfitted(make, moons):
    with pytest.raises(NotFittedError):
        make("group").predict(table("pandas text", moons.X, LETTERS[moons.groups]))
