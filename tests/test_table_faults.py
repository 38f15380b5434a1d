"""Errors of tables as people have them: text among the features, rows without a class."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
from scipy.sparse import csr_array
from sklearn.linear_model import LogisticRegression

from conftest import quiet_fit
from skhbnn import FlatBNNClassifier, HierarchicalBNNClassifier, InformedPriorBNNClassifier, PerGroupClassifier

TABLE = {"price": [1.0, 2.0, 3.0, 4.0], "pays": ["card", "cash", "card", "cash"], "shop": ["a", "a", "b", "b"]}
CLASSES = ["yes", "no", "no", "yes"]
ESTIMATORS = {
    "flat": FlatBNNClassifier(),
    "informed": InformedPriorBNNClassifier(),
    "hierarchical": HierarchicalBNNClassifier(),
    "column": HierarchicalBNNClassifier(groups="shop"),
    "per group": PerGroupClassifier(LogisticRegression()),
}


@pytest.mark.parametrize("name", ["flat", "informed", "hierarchical", "column"])
@pytest.mark.parametrize("frame", [pd.DataFrame, pl.DataFrame])
def test_text_among_the_features_is_named(name, frame):
    columns = "'pays'" if name == "column" else "'pays', 'shop'"
    with pytest.raises(ValueError, match=rf"X has text in column\(s\) {columns}: .*Encode text as numbers"):
        ESTIMATORS[name].fit(frame(TABLE), CLASSES)


def test_text_in_an_array_is_named_by_the_index_of_its_column():
    with pytest.raises(ValueError, match=r"X has text in column\(s\) 1: "):
        FlatBNNClassifier().fit(np.array([[1.0, "card"], [2.0, "cash"]], dtype=object), [0, 1])


@pytest.mark.parametrize("name", ["flat", "hierarchical"])
def test_text_when_predicting_is_named(name, small):
    X, words = pd.DataFrame({"price": [1.0, 2.0, 3.0, 4.0]}), pd.DataFrame({"price": ["cheap"]})
    fitted = quiet_fit(type(ESTIMATORS[name])(**small), X, CLASSES)
    with pytest.raises(ValueError, match=r"X has text in column\(s\) 'price': "):
        fitted.predict(words)


@pytest.mark.parametrize("name", ["flat", "informed", "hierarchical", "column", "per group"])
@pytest.mark.parametrize("missing", [None, np.nan], ids=repr)
@pytest.mark.parametrize(
    "kind", [list, pd.Series, lambda y: np.array(y, dtype=object)], ids=["list", "series", "array"]
)
def test_a_row_without_a_class_is_named(name, missing, kind):
    X = pd.DataFrame({key: TABLE[key] for key in ("price", "shop")})
    X = X if name == "column" else X[["price"]]
    with pytest.raises(ValueError, match=r"y has 1 missing value\(s\), the first at row 2; drop those rows"):
        ESTIMATORS[name].fit(X, kind([*CLASSES[:2], missing, "yes"]))


@pytest.mark.parametrize("name", ["flat", "column"])
def test_gaps_are_named_behind_the_words_of_scikit_learn(name):
    table = pd.DataFrame({"price": [1.0, 2.0, 3.0, 4.0], "size": [1.0, np.nan, 2.0, np.nan], "shop": [*"aabb"]})
    table = table if name == "column" else table.drop(columns="shop")
    missing = r"^Input X contains NaN: missing values in column\(s\) 'size', the first at row 1\. Fill them in"
    with pytest.raises(ValueError, match=missing):
        ESTIMATORS[name].fit(table, CLASSES)
    infinite = r"^Input X contains infinity .*: infinite values in column\(s\) 'price', the first at row 2\. Put finite"
    with pytest.raises(ValueError, match=infinite):
        ESTIMATORS[name].fit(table.assign(size=0.0, price=[1.0, 2.0, -np.inf, 4.0]), CLASSES)


def test_what_a_pipeline_is_to_do_about_sparse_X(moons):
    with pytest.raises(TypeError, match=r"^Sparse data was passed .* OneHotEncoder\(sparse_output=False\)"):
        FlatBNNClassifier().fit(csr_array(moons.X), moons.y)


@pytest.mark.filterwarnings("ignore:the matrix subclass:PendingDeprecationWarning")
def test_scikit_learn_speaks_of_matrices_and_complex_numbers_in_one_line(moons):
    with pytest.raises(TypeError, match=r"^np\.matrix is not supported"):
        FlatBNNClassifier().fit(np.asmatrix(moons.X), moons.y)
    with pytest.raises(ValueError, match=r"in column\(s\) 0, 1: Complex data not supported\. Make numbers of them"):
        FlatBNNClassifier().fit(moons.X.astype(complex), moons.y)


def test_no_jobs_are_none(moons):
    with pytest.raises(ValueError, match="The 'n_jobs' parameter of FlatBNNClassifier must be None, an int"):
        FlatBNNClassifier(n_jobs=0).fit(moons.X, moons.y)
