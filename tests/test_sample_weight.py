"""Weights of rows: whole ones are repeated rows, to the last bit; rows that are equal are one row of the fit."""

from functools import partial

import numpy as np
import pandas as pd
import pytest
from scipy.special import log_expit
from sklearn import config_context
from sklearn.linear_model import LogisticRegression, PoissonRegressor
from sklearn.model_selection import KFold, cross_val_score
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils import Bunch

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
from skhbnn.posterior.group_prior import moments_of_one_mode
from skhbnn.posterior.stacking import stacking_weights

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

CLASSES = [FlatBNNClassifier, HierarchicalBNNClassifier, InformedPriorBNNClassifier]
GROUPED = (HierarchicalBNNClassifier, PerGroupClassifier)


@pytest.fixture(scope="module")
def rows():
    """Rows of few distinct values, three classes, four groups; weights 0 to 3; and the rows as often as weights say.

    Class "rar" and group "gone" have no row of a weight above 0.
    """
    rng = np.random.default_rng(0)
    X = rng.integers(0, 3, (60, 2)) * [1.0, 0.1]  # (row, feature)
    y, groups = rng.choice(["no", "yes"], 60), rng.choice(["a", "b", "c"], 60).astype(object)  # (row,) each
    weights = rng.integers(0, 4, 60)  # (row,)
    y[:2], groups[2:4], weights[:4] = "rar", "gone", 0
    repeated = rng.permutation(np.repeat(np.arange(60), weights))  # (repeated row,)
    return Bunch(X=X, y=y, groups=groups, weights=weights, repeated=repeated)


def fit(estimator, rows, chosen=slice(None), **arguments):
    grouped = {"groups": rows.groups[chosen]} if isinstance(estimator, GROUPED) else {}
    return estimator.fit(rows.X[chosen], rows.y[chosen], **grouped, **arguments)


def weights_of(fitted):
    """Drawn weights, of every group of an estimator per group, (...,)."""
    inner = getattr(fitted, "estimators_", {"": fitted})
    return np.concatenate([estimator.posterior_.weights.ravel() for estimator in inner.values()])


ESTIMATORS = {
    **{cls.__name__: cls for cls in CLASSES},
    "PerGroupClassifier": lambda **params: PerGroupClassifier(
        InformedPriorBNNClassifier(**params), fallback=FlatBNNClassifier(**params)
    ),
}


METHODS = [(name, inference) for name in ESTIMATORS for inference in ("nuts", "laplace", "map")]
METHODS += [("ordinal", "nuts"), ("ordinal", "laplace")]


@pytest.mark.usefixtures("interpreted")
@pytest.mark.parametrize(("name", "inference"), [*METHODS, ("FlatBNNClassifier", "advi")])
@pytest.mark.filterwarnings("ignore:inference=:UserWarning")
def test_whole_weights_are_repeated_rows(name, inference, rows, small):
    params = {**small, "inference": inference, **({"max_iter": 200} if inference == "advi" else {})}
    make = {**ESTIMATORS, "ordinal": partial(FlatBNNClassifier, likelihood="ordinal")}[name]
    by_weight, by_row = fit(make(**params), rows, sample_weight=rows.weights), fit(make(**params), rows, rows.repeated)
    np.testing.assert_array_equal(weights_of(by_weight), weights_of(by_row))
    np.testing.assert_array_equal(by_weight.classes_, ["no", "yes"])
    if isinstance(by_weight, GROUPED):
        np.testing.assert_array_equal(by_weight.groups_, ["a", "b", "c"])
        known = np.isin(rows.groups, by_weight.groups_)  # (row,)
        probabilities = [f.predict_proba(rows.X[known], rows.groups[known]) for f in (by_weight, by_row)]
        np.testing.assert_array_equal(*probabilities)


@pytest.mark.parametrize("name", ESTIMATORS)
def test_equal_weights_other_than_1(name, rows, small):
    """Rows of weight 3 differ from rows of weight 1: the weights are no shares."""
    counted = np.flatnonzero(rows.weights)  # (counted row,)
    once = fit(ESTIMATORS[name](**small), rows, counted)
    threefold = fit(ESTIMATORS[name](**small), rows, counted, sample_weight=3.0)
    assert not np.array_equal(weights_of(once), weights_of(threefold))
    np.testing.assert_array_equal(
        weights_of(threefold), weights_of(fit(ESTIMATORS[name](**small), rows, np.repeat(counted, 3)))
    )


@pytest.mark.parametrize("fused", [True, False])
def test_fractional_weights_in_the_log_density(fused, rows, small):
    """Log density of the fitted model: prior and weighted log likelihood, of a logistic regression by hand."""
    weights = np.random.default_rng(1).uniform(0, 2, 60)  # (row,)
    y = rows.y == "yes"  # (row,)
    fitted = FlatBNNClassifier(**{**small, "hidden_layer_sizes": (), "prior_scale": 1.0, "standardize": False})
    fitted.fit(rows.X, y, sample_weight=weights)
    coef, intercept = np.array([[0.3], [-0.7]]), np.array([0.2])
    logit = (rows.X @ coef + intercept)[:, 0]  # (row,)
    prior = -0.5 * np.sum(np.r_[coef[:, 0], intercept] ** 2) - 1.5 * np.log(2 * np.pi)
    expected = prior + weights @ log_expit(np.where(y, logit, -logit))
    model = fitted.to_pymc(fused=fused)
    found = model.compile_logp()({"coef_0": coef, "intercept_0": intercept})
    np.testing.assert_allclose(found, expected, rtol=1e-10)


def test_order_of_weighted_rows_changes_nothing(rows, small):
    """Nor does the order of fractional weights of equal rows, whose sum could differ in the last digit."""
    weights = np.random.default_rng(1).uniform(0, 2, 60)  # (row,)
    order = np.random.default_rng(2).permutation(60)  # (row,)
    one, other = (
        fit(HierarchicalBNNClassifier(**small), rows, chosen, sample_weight=weights[chosen])
        for chosen in (np.arange(60), order)
    )
    np.testing.assert_array_equal(one.posterior_.weights, other.posterior_.weights)


def test_equal_rows_are_one(rows, small):
    fitted = fit(HierarchicalBNNClassifier(**small), rows, sample_weight=rows.weights)
    data = fitted.training_data_
    table = pd.DataFrame({"x0": rows.X[:, 0], "x1": rows.X[:, 1], "y": rows.y, "group": rows.groups, "n": rows.weights})
    expected = table[table.n > 0].groupby(["group", "x0", "x1", "y"]).n.sum()
    assert len(data.y) == len(expected) < 50
    np.testing.assert_array_equal(data.weights, expected)
    np.testing.assert_array_equal(data.places == -1, rows.weights == 0)
    counted = np.flatnonzero(rows.weights)  # (counted row,)
    original = fitted.standardizer_.inverse_transform(data.X[data.places[counted]])  # (counted row, feature)
    np.testing.assert_allclose(original, rows.X[counted], atol=1e-12)
    np.testing.assert_array_equal(fitted.classes_[data.y[data.places[counted]]], rows.y[counted])
    labels = np.array(data.group_labels)[data.group_of_row]  # (row,)
    np.testing.assert_array_equal(labels[data.places[counted]], rows.groups[counted])
    assert [data.places[first] for first in data.order] == list(range(len(data.y)))
    assert all(first == np.flatnonzero(data.places == r)[0] for r, first in enumerate(data.order))
    assert set(fitted.diagnostics_.probe_rows) <= set(counted)
    mean, scale = (np.average(v, axis=0, weights=rows.weights) for v in (rows.X, rows.X))
    scale = np.sqrt(np.average((rows.X - mean) ** 2, axis=0, weights=rows.weights))  # (feature,)
    np.testing.assert_allclose(fitted.standardizer_.mean, mean, rtol=1e-12)
    np.testing.assert_allclose(fitted.standardizer_.scale, scale, rtol=1e-12)


def test_arviz_has_every_row_that_counts(rows, small):
    """Each row of X by itself, under its position, with the log likelihood of one such row."""
    fitted = fit(FlatBNNClassifier(**small), rows, sample_weight=rows.weights)
    found = fitted.to_arviz()
    counted = np.flatnonzero(rows.weights)  # (counted row,)
    np.testing.assert_array_equal(found["observed_data"]["row"], counted)
    np.testing.assert_array_equal(found["observed_data"]["y"], (rows.y == "yes")[counted])
    log_proba = np.log(fitted.sample_proba(rows.X[counted]))  # (draw, counted row, class)
    expected = np.where(rows.y[counted] == "yes", log_proba[:, :, 1], log_proba[:, :, 0])
    values = np.asarray(found["log_likelihood"]["y"]).reshape(100, -1)  # (draw, counted row)
    np.testing.assert_allclose(values, expected, rtol=1e-6)


def test_stacking_counts_rows():
    log_likelihood = np.random.default_rng(0).normal(-1, 0.3, (3, 40, 8))  # (chain, draw, row)
    counts = np.array([1, 3, 1, 2, 1, 1, 4, 2])  # (row,)
    repeated = np.repeat(log_likelihood, counts, axis=2)  # (chain, draw, repeated row)
    np.testing.assert_allclose(
        stacking_weights(log_likelihood, counts.astype(float)),
        stacking_weights(repeated, np.ones(counts.sum())),
        atol=1e-6,
    )


@pytest.mark.parametrize("pooling", ["affine", "partial"])
def test_priors_count_rows(pooling, rows, small):
    """The prior made from a fit: weights multiply what a row says, whoever merged the rows."""
    fitted = fit(HierarchicalBNNClassifier(**small, pooling=pooling), rows, sample_weight=rows.weights)
    posterior, data = fitted.posterior_, fitted.training_data_
    copies = np.repeat(np.arange(len(data.y)), data.weights.astype(int))  # (copy,)
    apart = Bunch(
        X=data.X[copies],
        weights=np.ones(len(copies)),
        members=data.members,
        offsets=np.concatenate([[0], np.cumsum(data.weights.astype(int))])[data.offsets],
    )
    log_likelihood = posterior.log_likelihood(data)  # (chain, draw, row)
    found = moments_of_one_mode(posterior, data, log_likelihood)
    expected = moments_of_one_mode(posterior, apart, log_likelihood[:, :, copies])
    for a, b in zip(found, expected, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-8, atol=1e-12)


def test_an_update_with_weights_of_a_fit_without(small, rows):
    kept = np.flatnonzero(rows.groups != "gone")  # (kept row,)
    fitted = fit(PerGroupClassifier(FlatBNNClassifier(**small)), rows, kept)
    with pytest.raises(ValueError, match=r"sample_weight came to update, and every row of fit counts once in this Per"):
        fitted.update(rows.X[kept], rows.y[kept], rows.groups[kept], sample_weight=np.ones(len(kept)))


def test_update_keeps_weights(small, rows):
    """New rows with weights, added to old rows with weights, are one fit to all of them."""
    kept = np.flatnonzero((rows.weights > 0) & (rows.groups != "gone"))  # (kept row,)
    old, new = kept[::2], kept[1::2]
    estimator = PerGroupClassifier(InformedPriorBNNClassifier(**small, feature_mean=[0, 0]), random_state=0)
    updated = fit(estimator, rows, old, sample_weight=rows.weights[old])
    updated.update(rows.X[new], rows.y[new], rows.groups[new], sample_weight=rows.weights[new])
    whole = fit(
        PerGroupClassifier(InformedPriorBNNClassifier(**small, feature_mean=[0, 0]), random_state=0),
        rows,
        kept,
        sample_weight=rows.weights[kept],
    )
    np.testing.assert_allclose(weights_of(updated), weights_of(whole), atol=1e-6)


def test_estimators_per_group_that_take_no_weights(rows):
    with pytest.raises(ValueError, match=r"KNeighborsClassifier.fit takes none: use an estimator that does"):
        fit(PerGroupClassifier(KNeighborsClassifier()), rows, sample_weight=rows.weights)
    with pytest.raises(ValueError, match=r"KNeighborsClassifier.fit takes none"):
        fit(PerGroupClassifier(GaussianNB(), fallback=KNeighborsClassifier()), rows, sample_weight=rows.weights)
    fitted = fit(PerGroupClassifier(LogisticRegression()), rows, sample_weight=rows.weights)
    of_a = rows.groups == "a"
    expected = LogisticRegression().fit(rows.X[of_a], rows.y[of_a], sample_weight=rows.weights[of_a])
    np.testing.assert_allclose(fitted.estimators_["a"].coef_, expected.coef_, rtol=1e-6)


def test_routing(rows, small):
    """Weights are asked for by default; without routing a pipeline's step takes them by its name."""
    X, y = rows.X[4:], rows.y[4:]
    expected = FlatBNNClassifier(**small).fit(StandardScaler().fit(X).transform(X), y, sample_weight=rows.weights[4:])
    pipeline = make_pipeline(StandardScaler(), FlatBNNClassifier(**small))
    pipeline.fit(X, y, flatbnnclassifier__sample_weight=rows.weights[4:])
    np.testing.assert_array_equal(pipeline[-1].posterior_.weights, expected.posterior_.weights)
    with config_context(enable_metadata_routing=True):
        scaler = StandardScaler().set_fit_request(sample_weight=False)
        routed = make_pipeline(scaler, FlatBNNClassifier(**small)).fit(X, y, sample_weight=rows.weights[4:])
        np.testing.assert_array_equal(routed[-1].posterior_.weights, expected.posterior_.weights)
        model = HierarchicalBNNClassifier(**small).set_score_request(sample_weight=True)
        by_row = {"groups": rows.groups[4:], "sample_weight": 1.0 + rows.weights[4:]}
        assert np.isfinite(cross_val_score(model, X, y, cv=KFold(2), params=by_row)).all()


@pytest.mark.parametrize(
    ("weights", "said"),
    [
        (np.r_[1.0, -1.0, np.ones(58)], "Negative values in data passed to `sample_weight`: the first at row 1"),
        (np.r_[np.nan, np.ones(59)], "Input sample_weight contains NaN: the first at row 0. Weights say how often"),
        (np.r_[np.ones(59), np.inf], "Input sample_weight contains infinity .*: the first at row 59"),
        (np.inf, "Input sample_weight contains infinity"),
        (np.nan, "Input sample_weight contains NaN"),
        (1e300, r"sample_weight has the sum 6e\+301, and 1e\+100 is the most"),
        ([*[1.0] * 59, np.ma.masked], "Input sample_weight contains NaN"),
        (["a"] * 60, "sample_weight must hold a number for each row: could not convert string to float: 'a'"),
        (np.full(60, "2020-01-01", "M8[D]"), r"sample_weight must hold a number for each row: .* datetime64\[D\]"),
        ([], "sample_weight must hold a number for each row"),
        (np.zeros(60), "Sample weights must contain at least one non-zero number"),
        (0.0, "Sample weights must contain at least one non-zero number"),
        (np.ones(59), r"sample_weight.shape == \(59,\), expected \(60,\)"),
        (np.ones((60, 1)), "Sample weights must be 1D array or scalar"),
        (np.ma.masked_array(np.ones(60), np.arange(60) == 3), "sample_weight.* mask"),
        (
            pd.Series(np.ones(60), index=np.arange(60)[::-1]),
            "sample_weight is a Series whose index holds the rows of X",
        ),
    ],
)
@pytest.mark.parametrize("name", ESTIMATORS)
def test_bad_weights(name, weights, said, rows, small):
    X = pd.DataFrame(rows.X, columns=["a", "b"])
    grouped = {"groups": rows.groups} if name in ("HierarchicalBNNClassifier", "PerGroupClassifier") else {}
    with pytest.raises(ValueError, match=said):
        ESTIMATORS[name](**small).fit(X, rows.y, **grouped, sample_weight=weights)


REGRESSORS = {
    "flat": FlatBNNRegressor,
    "hierarchical": HierarchicalBNNRegressor,
    "informed": InformedPriorBNNRegressor,
    "per group": lambda **params: PerGroupRegressor(InformedPriorBNNRegressor(**params)),
}


@pytest.mark.parametrize("likelihood", ["normal", "student_t", "poisson", "negative_binomial"])
@pytest.mark.parametrize("name", REGRESSORS)
def test_whole_weights_of_numbers(name, likelihood, rows, small):
    """The unit of the target, and the mean of counts, are those of the repeated rows, too."""
    y = np.round(rows.X[:, 0] + 3 * (rows.y == "yes"))  # (row,)
    estimators = [REGRESSORS[name](likelihood=likelihood, **small) for _ in range(2)]
    grouped = {} if name in ("flat", "informed") else {"groups": rows.groups}
    again = {key: values[rows.repeated] for key, values in grouped.items()}
    one = estimators[0].fit(rows.X, y, **grouped, sample_weight=rows.weights)
    other = estimators[1].fit(rows.X[rows.repeated], y[rows.repeated], **again)
    np.testing.assert_array_equal(weights_of(one), weights_of(other))
    if name in ("flat", "hierarchical"):
        mean = np.average(y, weights=rows.weights)
        if likelihood in ("normal", "student_t"):
            scale = np.sqrt(np.average((y - mean) ** 2, weights=rows.weights))
            np.testing.assert_allclose(one.target_standardizer_.mean, mean, rtol=1e-12)
            np.testing.assert_allclose(one.target_standardizer_.scale, scale, rtol=1e-12)
        else:
            np.testing.assert_allclose(one.posterior_.model.location[-1], np.log(mean), rtol=1e-12)


def test_exposure_as_weight(small):
    """Claims per exposure, weighted by the exposure, have the likelihood of the claims, but for a constant."""
    rng = np.random.default_rng(0)
    X, exposure = rng.normal(size=(50, 1)), rng.uniform(0.5, 4, 50)  # (row, feature), (row,)
    claims = rng.poisson(exposure * np.exp(0.3 + 0.5 * X[:, 0]))  # (row,)
    params = {"hidden_layer_sizes": (), "likelihood": "poisson", "inference": "map", "chains": 1, "prior_scale": 100.0}
    fitted = FlatBNNRegressor(**{**small, **params}).fit(X, claims / exposure, sample_weight=exposure)
    expected = PoissonRegressor(alpha=0, tol=1e-10, max_iter=1000).fit(X, claims / exposure, sample_weight=exposure)
    np.testing.assert_allclose(fitted.predict(X), expected.predict(X), rtol=1e-3)


def test_one_class_left(rows, small):
    """Classes are those of rows that count."""
    with pytest.raises(ValueError, match=r"only one class: 'yes'"):
        FlatBNNClassifier(**small).fit(rows.X, rows.y, sample_weight=rows.y == "yes")


@pytest.mark.parametrize("likelihood", ["normal", "poisson", "negative_binomial"])
@pytest.mark.parametrize("weight", [5e-324, 1e-300, 1e98])
def test_weights_at_the_ends_of_the_floats(weight, likelihood, rows, small):
    """The unit of y and the mean count are weighted means, which do not overflow; predictions are numbers."""
    y = np.round(rows.X[:, 0] + 3)  # (row,)
    weights = np.full(60, weight)  # (row,)
    fitted = FlatBNNRegressor(likelihood=likelihood, **small).fit(rows.X, y, sample_weight=weights)
    if likelihood == "normal":
        np.testing.assert_allclose(fitted.target_standardizer_.mean, y.mean(), rtol=1e-12)
    else:
        np.testing.assert_allclose(fitted.posterior_.model.location[-1], np.log(y.mean()), rtol=1e-12)
    assert np.isfinite(fitted.predict_interval(rows.X)).all()
