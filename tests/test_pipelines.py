"""Every place of scikit-learn that an estimator goes to, with groups: each the same as the loop that it stands for."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure
from sklearn import config_context
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import StackingClassifier, VotingClassifier
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.frozen import FrozenEstimator
from sklearn.inspection import DecisionBoundaryDisplay, permutation_importance
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, log_loss
from sklearn.model_selection import (
    GridSearchCV,
    GroupKFold,
    HalvingGridSearchCV,
    KFold,
    RandomizedSearchCV,
    cross_val_predict,
    cross_val_score,
    cross_validate,
    learning_curve,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from skhbnn import HierarchicalBNNClassifier, PerGroupClassifier

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

FOLDS = KFold(2, shuffle=True, random_state=0)
GROUP_FOLDS = GroupKFold(2)  # every group of a test fold is unseen


@pytest.fixture(scope="module", params=["hierarchical", "per group"])
def unfitted(request, small):
    """An estimator that takes groups as an argument, with the name of a parameter to search and its values."""
    if request.param == "hierarchical":
        return HierarchicalBNNClassifier(**small), "prior_scale", [0.05, 1.0]
    inner = LogisticRegression()
    return PerGroupClassifier(inner, fallback=inner, on_error="fallback"), "estimator__C", [0.01, 1.0]


@pytest.fixture
def by_argument(unfitted):
    return clone(unfitted[0])


@pytest.fixture
def by_column(unfitted):
    return clone(unfitted[0]).set_params(groups="group")


@pytest.fixture(scope="module")
def frame(moons):
    """The inputs and the group label as columns of one dataframe."""
    return pd.DataFrame(moons.X, columns=["a", "b"]).assign(group=np.array(list("klmn"))[moons.groups])


def fit_fold(estimator, frame, y, rows):
    """A fit to some rows, with groups as an argument."""
    return clone(estimator).fit(frame[["a", "b"]].iloc[rows], y[rows], groups=frame["group"].iloc[rows])


def proba_of(fitted, frame):
    return fitted.predict_proba(frame[["a", "b"]], groups=frame["group"])


@pytest.fixture
def held_out(by_argument, frame, moons):
    """A function that returns the probabilities of every row by the fit on the other folds, and the folds."""

    def held_out(cv=FOLDS, **params):
        estimator = clone(by_argument).set_params(**params)
        proba = np.empty((60, 2))  # (row, class)
        folds = list(cv.split(frame, groups=frame["group"] if isinstance(cv, GroupKFold) else None))
        for train, test in folds:
            proba[test] = proba_of(fit_fold(estimator, frame, moons.y, train), frame.iloc[test])
        return proba, folds

    return held_out


def fold_means(metric, proba, y, folds):
    return [metric(y[test], proba[test]) for _, test in folds]


def accuracy(y, proba):
    return accuracy_score(y, proba.argmax(axis=1))


# Groups as a column ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("output", ["pandas", "polars"])
def test_pipeline_with_a_column_transformer(output, by_argument, by_column, frame, moons):
    """set_output keeps the names that the estimator finds its group column by."""
    scaler = ColumnTransformer(
        [("scale", StandardScaler(), ["a", "b"])], remainder="passthrough", verbose_feature_names_out=False
    )
    pipeline = make_pipeline(scaler, by_column).set_output(transform=output)
    proba = pipeline.fit(frame, moons.y).predict_proba(frame)
    X = StandardScaler().fit_transform(frame[["a", "b"]])  # of the frame: chains show the last digit
    expected = by_argument.fit(X, moons.y, groups=frame["group"]).predict_proba(X, groups=frame["group"])
    np.testing.assert_allclose(proba, expected, rtol=1e-9)
    assert pipeline[-1].feature_names_in_.tolist() == ["a", "b", "group"]
    assert pipeline.score(frame, moons.y) == accuracy(moons.y, expected)


def test_column_transformer_that_drops_the_column(by_column, frame, moons):
    pipeline = make_pipeline(ColumnTransformer([("scale", StandardScaler(), ["a", "b"])]), by_column)
    with pytest.raises(ValueError, match="groups='group' names a column, but X is a ndarray without column names"):
        pipeline.fit(frame, moons.y)


def test_cross_validation(by_column, held_out, frame, moons):
    proba, folds = held_out()
    found = cross_validate(by_column, frame, moons.y, cv=FOLDS, scoring=["accuracy", "neg_log_loss"])
    np.testing.assert_allclose(found["test_accuracy"], fold_means(accuracy, proba, moons.y, folds))
    np.testing.assert_allclose(-found["test_neg_log_loss"], fold_means(log_loss, proba, moons.y, folds), rtol=1e-12)
    scores = cross_val_score(by_column, frame, moons.y, cv=FOLDS, scoring="neg_log_loss", n_jobs=2)
    np.testing.assert_allclose(scores, found["test_neg_log_loss"], rtol=1e-12)
    predicted = cross_val_predict(by_column, frame, moons.y, cv=FOLDS, method="predict_proba")
    np.testing.assert_allclose(predicted, proba, rtol=1e-12)


def test_cross_validation_over_groups(by_column, held_out, frame, moons):
    """The folds hold groups that the fit did not see."""
    proba, folds = held_out(GROUP_FOLDS)
    found = cross_val_score(by_column, frame, moons.y, cv=GROUP_FOLDS, groups=frame["group"], scoring="neg_log_loss")
    np.testing.assert_allclose(-found, fold_means(log_loss, proba, moons.y, folds), rtol=1e-12)


@pytest.mark.parametrize("search", [GridSearchCV, RandomizedSearchCV])
def test_search(search, by_column, unfitted, held_out, frame, moons):
    _, name, values = unfitted
    extra = {"n_iter": 2, "random_state": 0} if search is RandomizedSearchCV else {}
    found = search(by_column, {name: values}, scoring="neg_log_loss", cv=FOLDS, **extra).fit(frame, moons.y)
    for params, score in zip(found.cv_results_["params"], found.cv_results_["mean_test_score"], strict=True):
        proba, folds = held_out(**params)
        assert -score == pytest.approx(np.mean(fold_means(log_loss, proba, moons.y, folds)), rel=1e-12)
    best = fit_fold(unfitted[0].set_params(**found.best_params_), frame, moons.y, np.arange(60))
    np.testing.assert_allclose(found.predict_proba(frame), proba_of(best, frame), rtol=1e-12)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.FitFailedWarning")  # groups of one class in so few rows
def test_halving_search(by_column, unfitted, frame, moons):
    _, name, values = unfitted
    search = HalvingGridSearchCV(by_column, {name: values}, cv=FOLDS, factor=2, min_resources=30, random_state=0)
    search.fit(frame, moons.y)
    assert search.n_resources_ == [30, 60]
    best = fit_fold(unfitted[0].set_params(**search.best_params_), frame, moons.y, np.arange(60))
    np.testing.assert_allclose(search.predict_proba(frame), proba_of(best, frame), rtol=1e-12)


def test_voting(by_argument, by_column, frame, moons):
    other = make_pipeline(ColumnTransformer([("inputs", "passthrough", ["a", "b"])]), LogisticRegression())
    voting = VotingClassifier([("ours", by_column), ("other", other)], voting="soft").fit(frame, moons.y)
    ours = proba_of(fit_fold(by_argument, frame, moons.y, np.arange(60)), frame)
    plain = LogisticRegression().fit(moons.X, moons.y).predict_proba(moons.X)
    np.testing.assert_allclose(voting.predict_proba(frame), (ours + plain) / 2, rtol=1e-9)


def test_stacking(by_argument, by_column, held_out, frame, moons):
    """The last estimator learns from held-out probabilities and predicts from those of the fit to all rows."""
    stacking = StackingClassifier([("ours", by_column)], LogisticRegression(), cv=FOLDS).fit(frame, moons.y)
    last = LogisticRegression().fit(held_out()[0][:, 1:], moons.y)
    ours = proba_of(fit_fold(by_argument, frame, moons.y, np.arange(60)), frame)
    np.testing.assert_allclose(stacking.transform(frame), ours[:, 1:], rtol=1e-12)
    np.testing.assert_allclose(stacking.predict_proba(frame), last.predict_proba(ours[:, 1:]), rtol=1e-6)


def test_calibration(by_argument, by_column, held_out, frame, moons):
    calibrated = CalibratedClassifierCV(by_column, method="isotonic", cv=FOLDS, ensemble=False).fit(frame, moons.y)
    isotonic = IsotonicRegression(out_of_bounds="clip").fit(held_out()[0][:, 1], moons.y)
    ours = proba_of(fit_fold(by_argument, frame, moons.y, np.arange(60)), frame)
    np.testing.assert_allclose(calibrated.predict_proba(frame)[:, 1], isotonic.predict(ours[:, 1]), atol=1e-9)


def test_permutation_importance(by_argument, by_column, frame, moons):
    """Also the column of groups is permuted; each score is that of the reference on the permuted table."""
    reference = fit_fold(by_argument, frame, moons.y, np.arange(60))
    changed = []

    def score(estimator, X, y):
        changed.append([name for name in frame if not X[name].equals(frame[name])])
        np.testing.assert_array_equal(estimator.predict(X), proba_of(reference, X).argmax(axis=1))
        return estimator.score(X, y)

    fitted = by_column.fit(frame, moons.y)
    found = permutation_importance(fitted, frame, moons.y, scoring=score, n_repeats=3, random_state=0)
    assert changed == [[]] + [[name] for name in frame for _ in range(3)]
    assert found.importances.shape == (3, 3)


def test_learning_curve(by_argument, by_column, held_out, frame, moons):
    sizes, _, scores = learning_curve(
        by_column, frame, moons.y, cv=FOLDS, train_sizes=[20, 30], scoring="neg_log_loss", shuffle=False
    )
    assert sizes.tolist() == [20, 30]
    proba, folds = held_out()
    np.testing.assert_allclose(-scores[1], fold_means(log_loss, proba, moons.y, folds), rtol=1e-12)
    train, test = folds[0]
    proba = proba_of(fit_fold(by_argument, frame, moons.y, train[:20]), frame.iloc[test])
    assert -scores[0, 0] == pytest.approx(log_loss(moons.y[test], proba), rel=1e-12)


def test_decision_boundary_of_one_group(by_column, frame, moons):
    """The display draws two features, so a step before the fitted estimator puts the group in."""
    fitted = by_column.fit(frame, moons.y)
    one_group = make_pipeline(FunctionTransformer(lambda X: X.assign(group="l")), FrozenEstimator(fitted))
    X = frame.loc[frame["group"] == "l", ["a", "b"]]
    display = DecisionBoundaryDisplay.from_estimator(
        one_group, X, response_method="predict_proba", grid_resolution=7, class_of_interest=1, ax=Figure().subplots()
    )
    grid = pd.DataFrame({"a": display.xx0.ravel(), "b": display.xx1.ravel(), "group": "l"})
    np.testing.assert_allclose(display.response.ravel(), fitted.predict_proba(grid)[:, 1], rtol=1e-12)


def test_decision_boundary_of_one_of_the_estimators(frame, moons):
    fitted = PerGroupClassifier(LogisticRegression(), groups="group").fit(frame, moons.y)
    display = DecisionBoundaryDisplay.from_estimator(
        fitted.estimators_["l"], frame[["a", "b"]], response_method="predict", ax=Figure().subplots()
    )
    grid = pd.DataFrame({"a": display.xx0.ravel(), "b": display.xx1.ravel(), "group": "l"})
    np.testing.assert_array_equal(display.response.ravel(), fitted.predict(grid))


# Groups as an argument ---------------------------------------------------------------------------------------------


@pytest.fixture
def routing():
    with config_context(enable_metadata_routing=True):
        yield


def test_requests_are_made_by_the_class(by_argument, routing):
    requests = by_argument.get_metadata_routing()
    for method in ("fit", "predict", "predict_proba", "predict_log_proba", "score"):
        assert getattr(requests, method).requests["groups"] is True


@pytest.mark.parametrize("cv", [FOLDS, GROUP_FOLDS], ids=["rows", "groups"])
def test_routed_cross_validation(cv, by_argument, held_out, frame, moons, routing):
    proba, folds = held_out(cv)
    X, params = frame[["a", "b"]], {"groups": frame["group"]}
    pipeline = make_pipeline(FunctionTransformer(), by_argument)
    for estimator in (by_argument, pipeline):
        scores = cross_validate(estimator, X, moons.y, cv=cv, params=params)["test_score"]
        np.testing.assert_allclose(scores, fold_means(accuracy, proba, moons.y, folds))
    _, _, scores = learning_curve(by_argument, X, moons.y, cv=cv, params=params, train_sizes=[1.0])
    np.testing.assert_allclose(scores[0], fold_means(accuracy, proba, moons.y, folds))


@pytest.mark.parametrize("search", [GridSearchCV, RandomizedSearchCV, HalvingGridSearchCV])
def test_routed_search(search, by_argument, unfitted, held_out, frame, moons, routing):
    _, name, values = unfitted
    extra = {
        RandomizedSearchCV: {"n_iter": 2},
        HalvingGridSearchCV: {"min_resources": 60, "aggressive_elimination": False},
    }.get(search, {})
    found = search(by_argument, {name: values}, cv=FOLDS, **extra)
    found.fit(frame[["a", "b"]], moons.y, groups=frame["group"])
    results = zip(found.cv_results_["params"], found.cv_results_["mean_test_score"], strict=True)
    for params, score in results:
        proba, folds = held_out(**params)
        assert score == pytest.approx(np.mean(fold_means(accuracy, proba, moons.y, folds)))


def test_routed_pipeline(by_argument, frame, moons, routing):
    pipeline = make_pipeline(StandardScaler(), by_argument).fit(moons.X, moons.y, groups=frame["group"])
    X, groups = StandardScaler().fit_transform(moons.X), frame["group"]
    direct = clone(by_argument).fit(X, moons.y, groups=groups)
    for method in ("predict", "predict_proba", "predict_log_proba"):
        found = getattr(pipeline, method)(moons.X, groups=groups)
        np.testing.assert_array_equal(found, getattr(direct, method)(X, groups=groups))
    assert pipeline.score(moons.X, moons.y, groups=groups) == direct.score(X, moons.y, groups=groups)


COLUMN = r"needs them here too.*groups='column'.*way for scikit-learn's scorers and cross_val_predict"


def test_what_cannot_route_names_the_column(by_argument, frame, moons, routing):
    """Whatever predicts without groups says how it can be done."""
    X, y, groups = frame[["a", "b"]], moons.y, frame["group"]
    params = {"params": {"groups": groups}}
    ours = [("ours", by_argument)]
    fitted = clone(by_argument).fit(X, y, groups=groups)
    voting = VotingClassifier(ours).fit(X, y, groups=groups)
    search = GridSearchCV(by_argument, {}, cv=FOLDS).fit(X, y, groups=groups)
    for call in (
        lambda: cross_val_score(by_argument, X, y, cv=FOLDS, scoring="accuracy", error_score="raise", **params),
        lambda: cross_val_predict(by_argument, X, y, cv=FOLDS, **params),
        lambda: StackingClassifier(ours, cv=FOLDS).fit(X, y, groups=groups),
        lambda: CalibratedClassifierCV(by_argument, cv=FOLDS).fit(X, y, groups=groups),
        lambda: permutation_importance(fitted, X, y),
        lambda: DecisionBoundaryDisplay.from_estimator(fitted, X, ax=Figure().subplots()),
        lambda: voting.predict(X),
        lambda: search.predict(X),
    ):
        with pytest.raises(ValueError, match=COLUMN):
            call()


def test_without_routing_groups_reach_fit_only(by_argument, frame, moons):
    X, params = frame[["a", "b"]], {"groups": frame["group"]}
    with pytest.raises(ValueError, match=COLUMN):
        cross_val_score(by_argument, X, moons.y, cv=FOLDS, params=params, error_score="raise")
