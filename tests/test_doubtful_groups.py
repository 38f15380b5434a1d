"""Labels that are probably no groups: a feature, a number of the rows, rounded ids, one group; what fit warns of."""

import decimal
import fractions
import re

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.base import clone
from sklearn.compose import ColumnTransformer
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skhbnn import HierarchicalBNNClassifier, PerGroupClassifier
from skhbnn.data.doubts import doubt_of_labels

pytestmark = [
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.FitFailedWarning"),  # of groups of one row
]


@pytest.fixture(scope="module", params=["hierarchical", "per group"])
def estimator(request, small):
    """An estimator of groups, quick enough to be fitted to as many groups as rows."""
    if request.param == "hierarchical":
        return HierarchicalBNNClassifier(**small)
    return PerGroupClassifier(LogisticRegression(), fallback=LogisticRegression(), on_error="fallback")


@pytest.fixture(scope="module")
def table(moons):
    return pd.DataFrame(moons.X, columns=["a", "b"]).assign(shop=moons.groups)


def warnings_of(fit):
    """Texts of the UserWarnings of a fit that speak of groups."""
    with pytest.warns(UserWarning, match="group") as caught:
        fit()
    texts = [str(warning.message) for warning in caught if warning.category is UserWarning]
    assert all(warning.filename == __file__ for warning in caught if warning.category is UserWarning)
    return texts


# A feature in the place of the groups ------------------------------------------------------------------------------


def test_a_column_transformer_that_moves_the_column(estimator, table, moons):
    scale = ColumnTransformer([("scale", StandardScaler(), ["a", "b"])], remainder="passthrough")
    pipeline = make_pipeline(scale, clone(estimator).set_params(groups=0))
    (text,) = warnings_of(lambda: pipeline.fit(table[["shop", "a", "b"]], moons.y))
    first = StandardScaler().fit_transform(table[["a"]])[0, 0]
    assert "The column(s) at [0] of X that groups=0 names has labels that are fractional numbers, such as " in text
    assert repr(first) in text or f"{first:.10f}"[:8] in text
    assert 'set_output(transform="pandas")' in text


def test_the_name_of_the_column_is_said(estimator, table, moons):
    (text,) = warnings_of(lambda: clone(estimator).set_params(groups=0).fit(table, moons.y))
    assert text.startswith("The column(s) 'a' of X that groups=0 names has labels that are fractional")
    (text,) = warnings_of(lambda: clone(estimator).set_params(groups="b").fit(table, moons.y))
    assert text.startswith("The column(s) 'b' of X that groups='b' names has labels that are fractional")


def test_components_in_the_place_of_columns(estimator, table, moons):
    pipeline = make_pipeline(PCA(random_state=0), clone(estimator).set_params(groups=2))
    assert "fractional" in warnings_of(lambda: pipeline.fit(table, moons.y))[0]


def test_weights_by_position(estimator, moons):
    (text,) = warnings_of(lambda: clone(estimator).fit(moons.X, moons.y, np.linspace(0.5, 1, 60)))
    assert text.startswith("groups has labels that are fractional numbers")
    assert "The third argument of fit is groups; weights of rows go by name: sample_weight=" in text


@pytest.mark.parametrize("kind", [int, str, "datetime64[D]", "category"])
def test_a_number_of_the_rows(kind, estimator, moons):
    rows = pd.Series(np.arange(60)).astype(int if kind in (int, "category") else "int64")
    labels = rows.astype(kind) if kind != "datetime64[D]" else rows.to_numpy().astype(kind)
    (text,) = warnings_of(lambda: clone(estimator).fit(moons.X, moons.y, groups=labels))
    assert "has a label of its own for 60 of 60 rows, such as " in text


@pytest.mark.parametrize(
    ("labels", "doubt"),
    [
        ([*range(50), *[50] * 10], "a label of its own for 50 of 60 rows"),
        ([*range(40), *[50] * 20], None),
        (np.repeat(np.arange(30), 2).tolist(), None),
        ([1, 2, 3, 4], None),
        ([1.0, 2.0, 3.0] * 20, None),
        ([float("inf"), 1.0] * 30, None),
        ([0.5, 1.0] * 30, r"fractional numbers, such as 0\.5"),
        ([decimal.Decimal("1.5"), 2] * 30, "fractional numbers"),
        ([fractions.Fraction(1, 2), 2] * 30, "fractional numbers"),
        ([("a", 0.25), ("b", 1)] * 30, "fractional numbers"),
        (["0.5", "1.5"] * 30, None),
        ([True] * 60, "one label in all 60 rows, True"),
        (["x" * 1000] * 60, "one label in all 60 rows, 'xxx"),
    ],
)
def test_what_is_doubtful(labels, doubt):
    found = doubt_of_labels(labels, len(labels))
    if doubt is None:
        assert found is None
    else:
        assert re.search(doubt, found)
        assert len(found) < 300


@pytest.mark.parametrize("groups", [True, False, [True]])
def test_a_boolean_is_no_index(groups, estimator, table, moons):
    with pytest.raises(ValueError, match="is neither the name nor the index of a column of X"):
        clone(estimator).set_params(groups=groups).fit(table.to_numpy(), moons.y)


@pytest.mark.parametrize("names", [[1, 2, 3], ["1", "2", "3"], [3, 2, 1]])
def test_a_number_that_means_two_columns(names, estimator, table, moons):
    table = table.set_axis(names, axis=1)
    number = 1
    with pytest.raises(
        ValueError, match=rf"groups={number} means two columns of X: the one named '?1'?, and the one at"
    ):
        clone(estimator).set_params(groups=number).fit(table, moons.y)


def test_a_number_that_means_one_column(estimator, table, moons):
    expected = clone(estimator).set_params(groups="shop").fit(table, moons.y).predict_proba(table)
    for names, number in (([0, 1, 2], 2), ([0, 1, 2], -1), ([2019, 2020, 2021], 2021), ([2019, 2020, 2021], 2)):
        named = table.set_axis(names, axis=1)
        fitted = clone(estimator).set_params(groups=number).fit(named, moons.y)
        np.testing.assert_allclose(fitted.predict_proba(named), expected, rtol=1e-9)
        assert fitted.group_columns_ == [2]


# One group ---------------------------------------------------------------------------------------------------------


def test_one_group(estimator, table, moons):
    (text,) = warnings_of(lambda: clone(estimator).fit(moons.X, moons.y, groups=["k"] * 60))
    assert text.startswith("groups has one label in all 60 rows, 'k': of one group there is nothing to learn.")
    (text,) = warnings_of(lambda: clone(estimator).set_params(groups="shop").fit(table.assign(shop=7), moons.y))
    assert text.startswith("The column(s) 'shop' of X that groups='shop' names has one label in all 60 rows, 7")


# Ids of 64 bits ----------------------------------------------------------------------------------------------------

IDS = np.int64(1_583_715_738_627_261_000) + np.arange(4) * 1000


def test_ids_that_went_through_floats(estimator, table, moons):
    table = table.assign(shop=IDS[moons.groups])
    for X, column in (
        (table.to_numpy(), 2),
        (table.astype(float), "shop"),
        (pl.DataFrame(table.astype(float)), "shop"),
    ):
        texts = warnings_of(lambda X=X, column=column: clone(estimator).set_params(groups=column).fit(X, moons.y))
        where = repr(column)
        assert texts[0].startswith(f"The column {where} of X that groups names has floats of 9,007,199,254,740,992 and")
        assert "1.5837157386272" in texts[0]
    texts = warnings_of(lambda: clone(estimator).fit(moons.X, moons.y, groups=IDS[moons.groups].astype(float)))
    assert texts[0].startswith("groups has floats of 9,007,199,254,740,992 and more")


def test_ids_that_went_through_floats_of_32_bits(estimator, moons):
    labels = (16_777_217 + 1000 * moons.groups).astype(np.float32)
    (text,) = warnings_of(lambda: clone(estimator).fit(moons.X, moons.y, groups=labels))
    assert text.startswith("groups has floats of 16,777,216 and more")
    clone(estimator).fit(moons.X, moons.y, groups=labels - 16_777_216)


def test_ids_that_went_through_floats_when_predicting(estimator, moons):
    fitted = clone(estimator).fit(moons.X, moons.y, groups=IDS[moons.groups])
    with pytest.warns(UserWarning, match="groups has floats of 9,007,199,254,740,992 and more"):
        fitted.predict(moons.X, groups=IDS[moons.groups].astype(float))


@pytest.mark.parametrize(
    "labels",
    [
        [2**63, 2**63 + 1, -1, 5],
        [2**64 - 1, 2**64 - 2, 0, 1],
        [2**63 - 1, 2**63, 3, 4],
        [10**30, 10**30 + 1, 1, 2],
        ["a", "a\0", "b", "a\0\0"],
        [b"a", b"a\0", b"b", b"c"],
    ],
)
def test_groups_are_exact(labels, estimator, moons):
    fitted = clone(estimator).fit(moons.X, moons.y, groups=[labels[code] for code in moons.groups])
    assert fitted.groups_.tolist() == sorted(labels)
    assert set(map(type, fitted.groups_.tolist())) == set(map(type, labels))


@pytest.mark.parametrize("dtype", [np.uint64, np.int64, "UInt64", "uint64[pyarrow]"])
def test_integers_of_64_bits_stay_what_they_are(dtype, estimator, table, moons):
    column = pd.Series(IDS[moons.groups]).astype(dtype)
    fitted = clone(estimator).set_params(groups="shop").fit(table.assign(shop=column), moons.y)
    assert fitted.groups_.tolist() == IDS.tolist()
