"""The estimators keep scikit-learn's contract: its own checks, cloning, storing, model selection, routing."""

import pickle

import joblib
import numpy as np
import pandas as pd
import pytest
import sklearn
from sklearn import config_context
from sklearn.base import clone
from sklearn.compose import ColumnTransformer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, log_loss
from sklearn.model_selection import GridSearchCV, GroupKFold, KFold, cross_val_predict, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import (
    check_dataframe_column_names_consistency,
    check_param_validation,
    estimator_checks_generator,
)
from sklearn.utils.fixes import parse_version

from skhbnn import (
    FlatBNNClassifier,
    FlatBNNRegressor,
    HierarchicalBNNClassifier,
    HierarchicalBNNRegressor,
    InformedPriorBNNClassifier,
    InformedPriorBNNRegressor,
    PerGroupClassifier,
    PerGroupRegressor,
)

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

CLASSES = [FlatBNNClassifier, HierarchicalBNNClassifier, InformedPriorBNNClassifier]
CLASSES += [FlatBNNRegressor, HierarchicalBNNRegressor, InformedPriorBNNRegressor]
SMALL = {"hidden_layer_sizes": (3,), "chains": 2, "tune": 50, "draws": 50}


def check_name(check):
    return getattr(check, "func", check).__name__


# check_array_api_input skips itself unless SciPy was imported under SCIPY_ARRAY_API; it has a process of its own below.
CHECKS = [
    pytest.param(estimator, check, id=f"{cls.__name__}-{check_name(check)}")
    for cls in CLASSES
    for estimator, check in estimator_checks_generator(cls(**SMALL))
    if check_name(check) != "check_array_api_input"
]


@pytest.mark.parametrize(("estimator", "check"), CHECKS)
def test_estimator_checks(estimator, check):
    check(estimator)


def test_array_api_check(run_python):
    code = f"""
from sklearn.utils.estimator_checks import check_array_api_input
from skhbnn import {", ".join(cls.__name__ for cls in CLASSES)}
for estimator in {[cls(**SMALL) for cls in CLASSES]}:
    check_array_api_input(type(estimator).__name__, estimator, array_namespace="numpy")
    print(type(estimator).__name__)
"""
    assert run_python(code, SCIPY_ARRAY_API="1").split() == [cls.__name__ for cls in CLASSES]


# scikit-learn runs these two on its own estimators only; its generator leaves them out.
@pytest.mark.parametrize("check", [check_param_validation, check_dataframe_column_names_consistency])
@pytest.mark.parametrize("cls", CLASSES)
def test_further_checks(cls, check):
    check(cls.__name__, cls(**SMALL))


@pytest.mark.parametrize("cls", CLASSES)
def test_constructor_only_stores(cls):
    """Every parameter comes back as the same object, through the constructor, set_params and clone."""
    values = {name: object() for name in cls().get_params()}
    assert all(cls(**values).get_params()[name] is value for name, value in values.items())
    estimator = cls().set_params(**values)
    assert all(getattr(estimator, name) is value for name, value in values.items())
    with pytest.raises(ValueError, match="no_such_parameter"):
        cls().set_params(no_such_parameter=1)


@pytest.mark.parametrize(
    "estimator",
    [*(cls() for cls in CLASSES), PerGroupClassifier(FlatBNNClassifier()), PerGroupRegressor(FlatBNNRegressor())],
    ids=lambda e: type(e).__name__,
)
def test_an_unfitted_estimator_carries_its_parameters_and_nothing_else(estimator):
    assert vars(estimator).keys() == estimator.get_params(deep=False).keys()


@pytest.mark.parametrize("wrap", [lambda estimator: estimator, make_pipeline], ids=["alone", "in a pipeline"])
@pytest.mark.parametrize("make", [HierarchicalBNNClassifier, lambda **params: PerGroupClassifier(LogisticRegression())])
def test_warnings_point_to_the_line_of_the_user(make, wrap, moons, small):
    with pytest.warns(UserWarning, match="was fitted without groups") as caught:
        wrap(make(**small)).fit(moons.X, moons.y)
    assert {warning.filename for warning in caught} == {__file__}


@pytest.mark.parametrize("name", ["flat", "hierarchical", "informed"])
def test_clone_is_unfitted_and_fits_the_same(name, request, moons):
    fitted = request.getfixturevalue(name)
    copy = clone(fitted)
    assert not hasattr(copy, "posterior_")
    assert copy.get_params().keys() == fitted.get_params().keys()
    rows = moons.groups == 1 if name == "informed" else slice(None)
    groups = {"groups": moons.groups} if name == "hierarchical" else {}
    copy.fit(moons.X[rows], moons.y[rows], **groups)
    np.testing.assert_array_equal(copy.posterior_.weights, fitted.posterior_.weights)


@pytest.mark.parametrize("way", ["pickle", "joblib"])
@pytest.mark.parametrize("name", ["flat", "hierarchical", "informed"])
def test_stored_estimator_predicts_the_same(name, way, request, moons, tmp_path):
    fitted = request.getfixturevalue(name)
    if way == "pickle":
        loaded = pickle.loads(pickle.dumps(fitted))
    else:
        joblib.dump(fitted, tmp_path / "estimator.joblib")
        loaded = joblib.load(tmp_path / "estimator.joblib")
    groups = {"groups": np.where(moons.groups_new == 3, 99, moons.groups_new)} if name == "hierarchical" else {}
    expected = fitted.predict_proba(moons.X_new, **groups)  # group 99 is unseen: its weights are drawn anew
    np.testing.assert_array_equal(loaded.predict_proba(moons.X_new, **groups), expected)
    assert type(loaded) is type(fitted)


@pytest.fixture(scope="module")
def frame(moons):
    """The inputs and the group label as columns of one dataframe."""
    return pd.DataFrame(moons.X, columns=["a", "b"]).assign(group=np.array(list("klmn"))[moons.groups])


def splits(cv, frame):
    """The folds; KFold warns if it is given groups."""
    return list(cv.split(frame, groups=frame["group"] if isinstance(cv, GroupKFold) else None))


def held_out_log_losses(frame, y, cv, scaler=None, **params):
    """The loop that cross_val_score stands for, written out, with groups as an argument."""
    losses = []
    for train, test in splits(cv, frame):
        X_train, X_test = frame[["a", "b"]].iloc[train], frame[["a", "b"]].iloc[test]
        if scaler is not None:
            X_train, X_test = scaler.fit_transform(X_train), scaler.transform(X_test)
        estimator = HierarchicalBNNClassifier(**params).fit(X_train, y[train], groups=frame["group"].iloc[train])
        proba = estimator.predict_proba(X_test, groups=frame["group"].iloc[test])
        losses.append(log_loss(y[test], proba, labels=[0, 1]))
    return losses


ROW_FOLDS = KFold(2, shuffle=True, random_state=0)
GROUP_FOLDS = GroupKFold(2)  # every group of a test fold is unseen


@pytest.mark.parametrize("cv", [ROW_FOLDS, GROUP_FOLDS], ids=["rows", "groups"])
def test_cross_val_score_with_the_group_column(frame, moons, small, cv):
    estimator = HierarchicalBNNClassifier(groups="group", **small)
    scores = cross_val_score(estimator, frame, moons.y, cv=splits(cv, frame), scoring="neg_log_loss")
    np.testing.assert_allclose(-scores, held_out_log_losses(frame, moons.y, cv, **small), rtol=1e-12)


def test_cross_val_predict_with_the_group_column(frame, moons, small):
    """Each row's prediction is that of the fit on the other fold."""
    estimator = HierarchicalBNNClassifier(groups="group", **small)
    proba = cross_val_predict(estimator, frame, moons.y, cv=ROW_FOLDS, method="predict_proba")
    for train, test in splits(ROW_FOLDS, frame):
        expected = clone(estimator).fit(frame.iloc[train], moons.y[train]).predict_proba(frame.iloc[test])
        np.testing.assert_allclose(proba[test], expected, rtol=1e-12)


def test_grid_search_with_the_group_column(frame, moons, small):
    estimator = HierarchicalBNNClassifier(groups="group", **small)
    search = GridSearchCV(estimator, {"prior_scale": [0.01, 1.0]}, scoring="neg_log_loss", cv=ROW_FOLDS)
    search.fit(frame, moons.y)
    losses = [held_out_log_losses(frame, moons.y, ROW_FOLDS, prior_scale=scale, **small) for scale in (0.01, 1.0)]
    losses = np.mean(losses, axis=1)  # (setting,)
    np.testing.assert_allclose(-search.cv_results_["mean_test_score"], losses, rtol=1e-12)
    assert search.best_index_ == np.argmin(losses)
    assert search.predict(frame).shape == moons.y.shape


def test_grid_search_over_a_pipeline_that_passes_the_group_column_on(frame, moons, small):
    scaler = ColumnTransformer(
        [("scale", StandardScaler(), ["a", "b"])], remainder="passthrough", verbose_feature_names_out=False
    ).set_output(transform="pandas")
    pipeline = make_pipeline(scaler, HierarchicalBNNClassifier(groups="group", **small))
    grid = {"hierarchicalbnnclassifier__hidden_layer_sizes": [(), (3,)]}
    search = GridSearchCV(pipeline, grid, scoring="neg_log_loss", cv=ROW_FOLDS).fit(frame, moons.y)
    losses = [
        np.mean(held_out_log_losses(frame, moons.y, ROW_FOLDS, StandardScaler(), **{**small, "hidden_layer_sizes": s}))
        for s in [(), (3,)]
    ]
    np.testing.assert_allclose(-search.cv_results_["mean_test_score"], losses, rtol=1e-12)
    fitted = search.best_estimator_[-1]
    assert fitted.groups_.tolist() == list("klmn")
    assert fitted.feature_names_in_.tolist() == ["a", "b", "group"]
    assert fitted.posterior_.network.sizes[0] == 2


@pytest.mark.parametrize("cv", [ROW_FOLDS, GROUP_FOLDS], ids=["rows", "groups"])
def test_metadata_routing_needs_no_request(frame, moons, small, cv):
    """With routing on, groups reach fit and score, each the rows of its fold, without any set_*_request."""
    expected = []
    for train, test in splits(cv, frame):
        fitted = HierarchicalBNNClassifier(**small).fit(moons.X[train], moons.y[train], groups=moons.groups[train])
        expected.append(accuracy_score(moons.y[test], fitted.predict(moons.X[test], groups=moons.groups[test])))
    with config_context(enable_metadata_routing=True):
        estimator = HierarchicalBNNClassifier(**small)
        scores = cross_val_score(estimator, moons.X, moons.y, cv=cv, params={"groups": moons.groups})
    np.testing.assert_allclose(scores, expected, rtol=1e-12)


def test_metadata_routing_through_a_pipeline(moons, small):
    pipeline = make_pipeline(StandardScaler(), HierarchicalBNNClassifier(**small))
    with config_context(enable_metadata_routing=True):
        pipeline.fit(moons.X, moons.y, groups=moons.groups)
        proba = pipeline.predict_proba(moons.X_new, groups=moons.groups_new)
        score = pipeline.score(moons.X_new, moons.y, groups=moons.groups_new)
    scaler, network = pipeline
    direct = network.predict_proba(scaler.transform(moons.X_new), groups=moons.groups_new)
    np.testing.assert_array_equal(proba, direct)
    assert score == accuracy_score(moons.y, direct.argmax(axis=1))


@pytest.mark.skipif(
    parse_version(sklearn.__version__) < parse_version("1.8"),
    reason="scikit-learn before 1.8 passes no groups to the score of a pipeline",
)
def test_metadata_routing_through_a_search_of_a_pipeline(moons, small):
    pipeline = make_pipeline(StandardScaler(), HierarchicalBNNClassifier(**small))
    grid = {"hierarchicalbnnclassifier__prior_scale": [0.5, 1.0]}
    with config_context(enable_metadata_routing=True):
        search = GridSearchCV(pipeline, grid, cv=GROUP_FOLDS).fit(moons.X, moons.y, groups=moons.groups)
    assert search.best_estimator_[-1].groups_.tolist() == [0, 1, 2, 3]
