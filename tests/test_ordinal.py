"""Ordered classes: the order that classes are given in, and columns in the order of classes_ whatever it is."""

import io
from types import SimpleNamespace

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from scipy.special import expit
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.model_selection import KFold, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils import Bunch

from conftest import quiet_fit
from skhbnn import (
    FlatBNNClassifier,
    HierarchicalBNNClassifier,
    InformedPriorBNNClassifier,
    PerGroupClassifier,
    load,
)
from skhbnn.data import targets
from skhbnn.plotting import DecisionSurfaceDisplay

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

LEVELS = ["low", "mid", "top", "beyond"]  # not in the order of the alphabet


@pytest.fixture(scope="module")
def ratings():
    """Ordered classes of 90 rows in 3 groups, as codes and as texts."""
    rng = np.random.default_rng(0)
    X, groups = rng.normal(size=(90, 2)), np.repeat([0, 1, 2], 30)  # (row, feature), (row,)
    codes = np.digitize(X[:, 0] + 0.5 * groups + rng.logistic(size=90), [-1.0, 1.0, 2.5])  # (row,)
    assert len(np.unique(codes)) == 4
    return Bunch(X=X, groups=groups, codes=codes, texts=np.array(LEVELS)[codes])


@pytest.fixture(scope="module")
def by_codes(ratings, small):
    return quiet_fit(
        HierarchicalBNNClassifier(likelihood="ordinal", **small), ratings.X, ratings.codes, groups=ratings.groups
    )


def categorical(texts):
    return pd.Series(pd.Categorical(texts, categories=["never", *LEVELS], ordered=True))


def enumeration(texts):
    return pl.Series(texts.tolist(), dtype=pl.Enum(LEVELS))


def dictionary(texts):
    codes = pa.array([LEVELS.index(text) for text in texts.tolist()])
    return pa.DictionaryArray.from_arrays(codes, pa.array(LEVELS), ordered=True)


FORMS = {
    "pandas": categorical,
    "column": lambda texts: categorical(texts).to_frame("rating"),
    "categorical": lambda texts: categorical(texts).array,
    "polars": enumeration,
    "pyarrow": dictionary,
    "chunks": lambda texts: pa.chunked_array([dictionary(texts)[:40], dictionary(texts)[40:]]),
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.filterwarnings("ignore:A column-vector y:sklearn.exceptions.DataConversionWarning")
def test_an_order_is_kept(form, ratings, by_codes, small):
    """Texts in the order of their categories are the codes of that order; columns are in the order of classes_."""
    estimator = HierarchicalBNNClassifier(likelihood="ordinal", **small)
    fitted = quiet_fit(estimator, ratings.X, FORMS[form](ratings.texts), groups=ratings.groups)
    assert fitted.ordered_classes_.tolist() == LEVELS
    assert fitted.classes_.tolist() == sorted(LEVELS)
    columns = [sorted(LEVELS).index(level) for level in LEVELS]
    X, groups = ratings.X, ratings.groups
    for method in ("predict_proba", "predict_std", "sample_proba"):
        found, expected = (getattr(f, method)(X, groups) for f in (fitted, by_codes))
        np.testing.assert_array_equal(found[..., columns], expected)
    np.testing.assert_array_equal(fitted.predict(X, groups), np.array(LEVELS)[by_codes.predict(X, groups)])
    expected = np.log(by_codes.predict_proba(X, groups)[np.arange(90), ratings.codes])
    np.testing.assert_allclose(fitted.log_predictive_density(X, ratings.texts, groups), expected, rtol=1e-10)
    entropies = [f.predict_uncertainty(X, groups).total for f in (fitted, by_codes)]
    np.testing.assert_allclose(*entropies, rtol=1e-12)


def test_numbers_are_ordered_as_numbers(by_codes):
    assert by_codes.classes_.tolist() == by_codes.ordered_classes_.tolist() == [0, 1, 2, 3]
    assert by_codes.posterior_.network.n_outputs == 1
    assert by_codes.posterior_.own.shape == (2, 50, 3)
    assert (np.diff(by_codes.posterior_.own, axis=2) > 0).all()


def test_probabilities_are_those_of_the_cutpoints(ratings, by_codes):
    """Differences of logistic functions at the cutpoints less the output, averaged over draws."""
    posterior = by_codes.posterior_
    inputs = by_codes.standardizer_.transform(ratings.X)  # (row, input)
    for g in range(3):
        rows = ratings.groups == g
        drawn = []
        for weights, cutpoints in zip(posterior.group_weights(g), posterior.own.reshape(-1, 3), strict=True):
            w = weights.astype(float)
            hidden = np.tanh(inputs[rows] @ w[:6].reshape(2, 3) + w[6:9])  # (row, unit)
            eta = hidden @ w[9:12] + w[12]  # (row,)
            up_to = expit(cutpoints - eta[:, None])  # (row, cutpoint)
            drawn.append(np.diff(up_to, prepend=0, append=1, axis=1))
        found = by_codes.predict_proba(ratings.X[rows], ratings.groups[rows])
        np.testing.assert_allclose(found, np.mean(drawn, axis=0), atol=1e-6)


def test_texts_without_an_order(ratings, small):
    """The alphabet's, with a word about it; none where the classes have no order of their own."""
    with pytest.warns(UserWarning, match=r"order of the alphabet, \['beyond', 'low', 'mid', 'top'\]: pass y as an ord"):
        fitted = quiet_fit(FlatBNNClassifier(likelihood="ordinal", **small), ratings.X, ratings.texts)
    assert fitted.ordered_classes_.tolist() == sorted(LEVELS)
    unordered = quiet_fit(FlatBNNClassifier(**small), ratings.X, categorical(ratings.texts))
    assert unordered.ordered_classes_ is None
    refitted = quiet_fit(fitted.set_params(likelihood="auto"), ratings.X, ratings.texts)
    assert refitted.ordered_classes_ is None


def test_classes_give_an_order(ratings, small):
    """The parameter of an informed prior: rows of a new group need not have them all."""
    few = ratings.codes < 2
    estimator = InformedPriorBNNClassifier(likelihood="ordinal", classes=LEVELS, **small)
    fitted = quiet_fit(estimator, ratings.X[few], ratings.texts[few])
    assert fitted.ordered_classes_.tolist() == LEVELS
    proba = fitted.predict_proba(ratings.X)  # (row, class)
    assert proba.shape == (90, 4)
    assert (proba > 0).all()


def test_priors_keep_the_order(ratings, small):
    estimator = HierarchicalBNNClassifier(likelihood="ordinal", **small)
    hierarchical = quiet_fit(estimator, ratings.X, categorical(ratings.texts), groups=ratings.groups)
    informed = InformedPriorBNNClassifier.from_hierarchical(hierarchical)
    assert (informed.likelihood, list(informed.classes)) == ("ordinal", LEVELS)
    quiet_fit(informed, ratings.X[:10], ratings.texts[:10])
    per_group = PerGroupClassifier(informed, fallback="prior")
    quiet_fit(per_group, ratings.X, categorical(ratings.texts), groups=ratings.groups)
    assert per_group.ordered_classes_.tolist() == per_group.fallback_.ordered_classes_.tolist() == LEVELS
    assert per_group.predict_proba(ratings.X[:2], ["unseen"] * 2).shape == (2, 4)
    bare = PerGroupClassifier(InformedPriorBNNClassifier(likelihood="ordinal", **small))
    quiet_fit(bare, ratings.X, categorical(ratings.texts), groups=ratings.groups)
    assert [fitted.ordered_classes_.tolist() for fitted in bare.estimators_.values()] == [LEVELS] * 3


@pytest.mark.parametrize("library", ["pandas", "polars", "pyarrow"])
@pytest.mark.parametrize("kind", ["flat", "pipeline", "hierarchical"])
def test_estimators_per_group_keep_the_order(kind, library, ratings, small, monkeypatch):
    """Those that have no parameter for it, too, and in an update."""
    if library != "pandas":
        monkeypatch.setattr(targets, "sys", SimpleNamespace(modules={library: {"polars": pl, "pyarrow": pa}[library]}))
    estimator = {
        "flat": FlatBNNClassifier(likelihood="ordinal", **small),
        "pipeline": make_pipeline(StandardScaler(), InformedPriorBNNClassifier(likelihood="ordinal", **small)),
        "hierarchical": HierarchicalBNNClassifier(likelihood="ordinal", **small),
    }[kind]
    y = {"pandas": categorical, "polars": enumeration, "pyarrow": dictionary}[library](ratings.texts)
    fitted = PerGroupClassifier(estimator).fit(ratings.X, y, groups=ratings.groups)
    orders = [(one[-1] if kind == "pipeline" else one).ordered_classes_.tolist() for one in fitted.estimators_.values()]
    assert orders == [[level for level in LEVELS if level in order] for order in orders]
    if kind == "flat":
        fitted.update(ratings.X[:5], y[:5], groups=ratings.groups[:5])
        assert fitted.estimators_[0].ordered_classes_.tolist() == orders[0]


def test_the_order_of_more_classes_is_that_of_an_estimator_that_knows_them(ratings, small):
    few = ratings.codes < 2
    y = categorical(ratings.texts)[few]
    estimator = InformedPriorBNNClassifier(likelihood="ordinal", classes=LEVELS, **small)
    fitted = quiet_fit(PerGroupClassifier(estimator), ratings.X[few], y, groups=ratings.groups[few])
    assert fitted.classes_.tolist() == sorted(LEVELS)
    assert fitted.ordered_classes_.tolist() == LEVELS


def test_files_and_displays(ratings, small):
    estimator = HierarchicalBNNClassifier(likelihood="ordinal", **small)
    fitted = quiet_fit(estimator, ratings.X, categorical(ratings.texts), groups=ratings.groups)
    file = io.BytesIO()
    fitted.save(file)
    file.seek(0)
    loaded = load(file)
    np.testing.assert_array_equal(loaded.ordered_classes_, fitted.ordered_classes_)
    arguments = ratings.X, ratings.groups
    np.testing.assert_array_equal(loaded.predict_proba(*arguments), fitted.predict_proba(*arguments))
    display = DecisionSurfaceDisplay.from_estimator(fitted, groups=[0], class_of_interest="low", grid_resolution=5)
    points = np.stack([display.xx0, display.xx1], axis=-1).reshape(-1, 2)  # (point, feature)
    expected = fitted.predict_proba(points, [0] * len(points)).reshape(5, 5, 4)
    np.testing.assert_allclose(display.proba[0], expected, rtol=1e-6)
    np.testing.assert_array_equal(
        display.row_classes[0], ratings.texts[:30][np.argsort(fitted.training_data_.places[:30])]
    )


def test_scorers_see_the_right_columns(ratings, small):
    """scikit-learn's log loss takes the columns to be in the order of sorted labels."""
    y = categorical(ratings.texts)
    model, folds = FlatBNNClassifier(likelihood="ordinal", **small), KFold(2, shuffle=True, random_state=0)
    scores = cross_val_score(model, ratings.X, y, scoring="neg_log_loss", cv=folds)
    for score, (train, test) in zip(scores, folds.split(ratings.X), strict=True):
        fitted = quiet_fit(model, ratings.X[train], y[train])
        expected = log_loss(ratings.texts[test], fitted.predict_proba(ratings.X[test]), labels=fitted.classes_)
        np.testing.assert_allclose(score, -expected, rtol=1e-12)


def test_two_classes_are_a_logistic_regression(ratings, small):
    """One cutpoint is minus an intercept: the mode is that of a logistic regression with a normal prior."""
    y = ratings.codes > 1
    params = {"hidden_layer_sizes": (), "prior_scale": 1.0, "standardize": False, "inference": "map", "chains": 1}
    fitted = quiet_fit(FlatBNNClassifier(likelihood="ordinal", fit_intercept=False, **params), ratings.X, y)
    expected = LogisticRegression(C=1.0, tol=1e-10, max_iter=1000).fit(ratings.X, y)
    # The intercept has a prior here, Normal(0, 3), and none there.
    np.testing.assert_allclose(fitted.posterior_.weights.ravel(), expected.coef_.ravel(), rtol=0.02)
    np.testing.assert_allclose(fitted.predict_proba(ratings.X), expected.predict_proba(ratings.X), atol=0.02)


def test_bad_likelihood(ratings, small):
    with pytest.raises(ValueError, match="The 'likelihood' parameter of FlatBNNClassifier must be a str among"):
        FlatBNNClassifier(likelihood="normal", **small).fit(ratings.X, ratings.codes)
