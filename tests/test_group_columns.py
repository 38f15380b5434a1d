"""The column of groups: found by any name, missed behind transformers and in arrays, and not to be set anew."""

import copy
import datetime

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.base import clone
from sklearn.compose import ColumnTransformer, make_column_transformer
from sklearn.ensemble import BaggingClassifier
from sklearn.feature_selection import SequentialFeatureSelector
from sklearn.linear_model import LogisticRegression
from sklearn.multiclass import OneVsOneClassifier
from sklearn.multioutput import ClassifierChain
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.semi_supervised import SelfTrainingClassifier

import skhbnn
from skhbnn import HierarchicalBNNClassifier, InformedPriorBNNClassifier, PerGroupClassifier

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


@pytest.fixture(scope="module", params=["hierarchical", "per group"])
def estimator(request, small):
    if request.param == "hierarchical":
        return HierarchicalBNNClassifier(**small)
    return PerGroupClassifier(LogisticRegression(), fallback=LogisticRegression())


@pytest.fixture(scope="module")
def table(moons):
    return pd.DataFrame(moons.X, columns=["a", "b"]).assign(shop=moons.groups)


@pytest.fixture(scope="module")
def expected(estimator, table, moons):
    return clone(estimator).set_params(groups="shop").fit(table, moons.y).predict_proba(table)


# Names that are no text --------------------------------------------------------------------------------------------

DAY = datetime.date(2024, 2, 28)
NAMES = {
    "levels": (pd.MultiIndex.from_tuples([("f", "a"), ("f", "b"), ("shop", "id")]), ("shop", "id")),
    "levels in a list": (pd.MultiIndex.from_tuples([("f", "a"), ("f", "b"), ("shop", "id")]), [("shop", "id")]),
    "years": ([2019, 2020, 2021], 2021),
    "years as NumPy integers": ([2019, 2020, 2021], np.int64(2021)),
    "floats": ([0.5, 1.5, 2.5], 2.5),
    "dates": ([DAY, DAY + datetime.timedelta(1), DAY + datetime.timedelta(2)], DAY + datetime.timedelta(2)),
    "timestamps": (pd.date_range("2024-02-28", periods=3), pd.Timestamp("2024-03-01")),
}


@pytest.mark.parametrize("kind", NAMES)
def test_names_that_are_no_text(kind, estimator, table, expected, moons):
    names, groups = NAMES[kind]
    named = table.set_axis(names, axis=1)
    fitted = clone(estimator).set_params(groups=groups).fit(named, moons.y)
    assert fitted.group_columns_ == [2]
    np.testing.assert_allclose(fitted.predict_proba(named), expected, rtol=1e-9)
    if isinstance(fitted, HierarchicalBNNClassifier):
        assert fitted._input_names() == ["x0", "x1"]


def test_the_columns_come_back_from_a_file(small, table, moons, tmp_path):
    fitted = HierarchicalBNNClassifier(groups=2021, **small).fit(table.set_axis([2019, 2020, 2021], axis=1), moons.y)
    fitted.save(tmp_path / "fit")
    assert skhbnn.load(tmp_path / "fit").group_columns_ == [2]


@pytest.mark.parametrize(
    ("names", "groups", "meant"),
    [
        (["a", "b", "passthrough__shop"], "shop", "Did you mean 'passthrough__shop'?"),
        (["scale__a", "scale__b", "remainder__shop"], "shop", "Did you mean 'remainder__shop'?"),
        (["a", "b", "Shop "], "shop", "Did you mean 'Shop '?"),
        (["a", "b", "shop_id"], "shopid", "Did you mean 'shop_id'?"),
        (["a", "shop_1", "shop_2"], "shop", r"'shop_1', 'shop_2' look like 'shop' behind a OneHotEncoder"),
        (["a", "encode__shop_1", "encode__shop_2"], "shop", "'encode__shop_1', 'encode__shop_2' look like 'shop'"),
        ([("f", "a"), ("f", "b"), ("shop", "id")], "shop", r"Did you mean \('shop', 'id'\)\? Name all levels"),
    ],
)
def test_the_column_that_was_meant(names, groups, meant, estimator, table, moons):
    with pytest.raises(ValueError, match=rf"groups='{groups}' is not a column of X, whose columns are \[.*{meant}"):
        clone(estimator).set_params(groups=groups).fit(table.set_axis(names, axis=1), moons.y)


def test_a_number_that_is_no_column(estimator, table, moons):
    for names in ([2019, 2020, 2021], ["a", "b", "shop"]):
        with pytest.raises(
            ValueError, match="groups=2022 is not the index of a column of X, which has 3 columns, nor the"
        ):
            clone(estimator).set_params(groups=2022).fit(table.set_axis(names, axis=1), moons.y)


# Behind transformers -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "encode",
    [
        StandardScaler(),
        make_column_transformer((StandardScaler(), ["a", "b"]), ("passthrough", ["shop"])),
        make_column_transformer((OneHotEncoder(), ["shop"]), sparse_threshold=1),
    ],
    ids=["scaler", "columns", "sparse"],
)
def test_a_step_that_drops_the_names(encode, estimator, table, moons):
    pipeline = make_pipeline(encode, clone(estimator).set_params(groups="shop"))
    with pytest.raises(ValueError, match="without column names; give the column's index") as failure:
        pipeline.fit(table, moons.y)
    assert 'set_output(transform="pandas") keeps the names' in str(failure.value)
    assert "'passthrough__shop' or 'remainder__shop'" in str(failure.value)


@pytest.mark.parametrize("library", ["pandas", "polars"])
@pytest.mark.parametrize("rest", ["passthrough", "remainder"])
def test_a_step_that_adds_prefixes(library, rest, estimator, table, moons):
    others = [("passthrough", "passthrough", ["shop"])] if rest == "passthrough" else []
    encode = ColumnTransformer([("scale", StandardScaler(), ["a", "b"]), *others], remainder="passthrough")
    pipeline = make_pipeline(encode, clone(estimator).set_params(groups="shop")).set_output(transform=library)
    with pytest.raises(
        ValueError, match=rf"Did you mean '{rest}__shop'\? A ColumnTransformer adds such prefixes unless"
    ):
        pipeline.fit(table, moons.y)
    named = clone(pipeline).set_params(**{f"{pipeline.steps[-1][0]}__groups": f"{rest}__shop"}).fit(table, moons.y)
    assert named[-1].groups_.tolist() == [0, 1, 2, 3]


# Estimators that make arrays ---------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def quick(small):
    return HierarchicalBNNClassifier(groups=2, **{**small, "tune": 20, "draws": 10})


MAKERS = {
    "bagging": lambda inner: BaggingClassifier(inner, n_estimators=2, random_state=0),
    "one vs one": OneVsOneClassifier,
    "chain": lambda inner: ClassifierChain(inner, order=[0, 1]),
    "self-training": lambda inner: SelfTrainingClassifier(inner, max_iter=1),
}


def targets(name, y):
    if name == "one vs one":
        return np.arange(len(y)) % 3
    if name == "self-training":
        return np.where(np.arange(len(y)) % 5, y, -1)
    return np.c_[y, 1 - y] if name == "chain" else y


@pytest.mark.parametrize("name", MAKERS)
def test_integer_codes_by_their_index(name, quick, table, moons):
    fitted = MAKERS[name](quick).fit(table, targets(name, moons.y))
    assert len(fitted.predict(table)) == 60
    inner = fitted.estimators_ if hasattr(fitted, "estimators_") else [fitted.estimator_]
    for each in inner:
        assert set(each.groups_.tolist()) <= {0, 1, 2, 3}
        assert each.group_columns_ == [2]


@pytest.mark.parametrize("name", MAKERS)
def test_by_name_the_error_says_so(name, quick, table, moons):
    with pytest.raises(ValueError, match="Estimators that make an array of a dataframe themselves, such as Bagging"):
        MAKERS[name](clone(quick).set_params(groups="shop")).fit(table, targets(name, moons.y))


def test_a_selection_of_features(quick, table, moons):
    selector = SequentialFeatureSelector(quick, n_features_to_select=2, cv=2)
    with pytest.raises(ValueError, match="What selects features must leave the column of groups in its place"):
        selector.fit(table[["a", "b", "shop"]], moons.y)


def test_a_selection_of_features_before_the_groups(table, moons, quick):
    """The way that works: select among the features, and let the column of groups pass."""
    select = SequentialFeatureSelector(LogisticRegression(), n_features_to_select=1, cv=2)
    columns = ColumnTransformer([("select", select, ["a", "b"]), ("groups", "passthrough", ["shop"])])
    pipeline = make_pipeline(columns, clone(quick).set_params(groups="groups__shop")).set_output(transform="pandas")
    assert pipeline.fit(table, moons.y)[-1].groups_.tolist() == [0, 1, 2, 3]


# The rows of groups ------------------------------------------------------------------------------------------------

ANOTHER_ORDER = "groups is a Series whose index holds the rows of X in another order: pass groups.loc\\[X.index\\]"


@pytest.mark.parametrize("index", [np.arange(60), [f"r{i}" for i in range(60)], np.arange(60) // 2])
def test_groups_in_another_order_than_the_rows(index, estimator, table, moons):
    table = table.set_axis(index)
    X, groups = table[["a", "b"]], table["shop"]
    mixed = groups.iloc[np.random.default_rng(0).permutation(60)]
    with pytest.raises(ValueError, match=ANOTHER_ORDER):
        clone(estimator).fit(X, moons.y, groups=mixed)
    fitted = clone(estimator).fit(X, moons.y, groups=groups)
    for method in ("predict", "predict_proba"):
        with pytest.raises(ValueError, match=ANOTHER_ORDER):
            getattr(fitted, method)(X, groups=mixed)
    with pytest.raises(ValueError, match=ANOTHER_ORDER):
        fitted.score(X, moons.y, groups=mixed)
    # By position, where one of them has no index of rows, or an index of other rows.
    for other in (mixed.to_numpy(), mixed.reset_index(drop=True).set_axis(range(60, 120)), pl.Series(mixed.tolist())):
        assert len(fitted.predict(X, groups=other)) == 60


# Parameters that were set after the fit ----------------------------------------------------------------------------


def test_parameters_of_predictions_are_checked(small, table, moons):
    fitted = HierarchicalBNNClassifier(groups="shop", **small).fit(table, moons.y)
    with pytest.raises(ValueError, match="'unseen_groups' parameter of HierarchicalBNNClassifier must be a str among"):
        clone_of(fitted).set_params(unseen_groups="eror").predict(table)
    with pytest.raises(ValueError, match="'groups' parameter of HierarchicalBNNClassifier must be"):
        clone_of(fitted).set_params(groups={"shop"}).predict(table)
    assert len(clone_of(fitted).set_params(unseen_groups="error").predict(table)) == 60


def clone_of(fitted):
    """A shallow copy of a fitted estimator."""
    return copy.copy(fitted)


def test_groups_that_were_set_after_the_fit(estimator, table, moons):
    by_column = clone(estimator).set_params(groups="shop").fit(table, moons.y)
    by_argument = clone(estimator).fit(moons.X, moons.y, groups=moons.groups)
    again = r"fit took the groups {}, and the parameter groups is {} now.*Set it back"
    for fitted, groups, X, argument, said in (
        (by_column, "a", table, None, (r"from the column\(s\) of X at \[2\]", "'a'")),
        (by_column, None, table, moons.groups, (r"from the column\(s\) of X at \[2\]", "None")),
        (by_argument, 0, moons.X, None, ("not from a column of X", "0")),
    ):
        with pytest.raises(ValueError, match=again.format(*said)):
            clone_of(fitted).set_params(groups=groups).predict(X, groups=argument)
    assert len(clone_of(by_column).set_params(groups=-1).predict(table)) == 60


# Rows that still hold the column -----------------------------------------------------------------------------------


def test_an_informed_fit_of_rows_with_the_column(small, table, moons):
    prior = InformedPriorBNNClassifier.from_hierarchical(
        HierarchicalBNNClassifier(groups="shop", **small).fit(table, moons.y)
    )
    with pytest.raises(
        ValueError, match=r"made for the columns \['a', 'b'\] in this order, and X has .*; leave out 'shop'"
    ):
        prior.fit(table, moons.y)
    with pytest.raises(
        ValueError, match=r"The prior was made for other columns: .* X has 3 features.* A column of groups"
    ):
        prior.fit(table.to_numpy(), moons.y)
    assert prior.fit(table.drop(columns="shop"), moons.y).n_features_in_ == 2
