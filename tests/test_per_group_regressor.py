"""A regressor per group: what each group's estimator says, in the rows of the caller."""

import io

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.dummy import DummyRegressor
from sklearn.exceptions import FitFailedWarning, NotFittedError
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.metrics import r2_score
from sklearn.model_selection import KFold, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import skhbnn
from conftest import quiet_fit
from skhbnn import FlatBNNRegressor, InformedPriorBNNRegressor, PerGroupClassifier, PerGroupRegressor

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

CALLS = {
    "predict": {},
    "predict_std": {},
    "predict_quantiles": {"q": [0.1, 0.5]},
    "predict_interval": {"coverage": 0.5},
}


@pytest.fixture(scope="module")
def networks(small, waves):
    """A network for each group but the last, and one for all rows."""
    estimator = PerGroupRegressor(FlatBNNRegressor(**small), fallback=FlatBNNRegressor(**small), random_state=0)
    rows = waves.groups < 3
    return quiet_fit(estimator, waves.X[rows], waves.y[rows], groups=waves.groups[rows])


def served(networks, waves):
    """Rows of each group to predict, and the estimator that serves them."""
    for group in range(4):
        yield np.flatnonzero(waves.groups_new == group), networks.estimators_.get(group, networks.fallback_)


def test_every_row_has_the_answer_of_its_estimator(networks, waves):
    rows = {"X": waves.X_new, "groups": waves.groups_new}
    y = np.arange(64.0)  # (row,)
    found = {method: getattr(networks, method)(**rows, **arguments) for method, arguments in CALLS.items()}
    uncertainty = networks.predict_uncertainty(**rows)
    density, mean = networks.log_predictive_density(y=y, **rows), networks.sample_mean(**rows, n_draws=10)
    assert mean.shape == networks.sample_predictive(**rows, n_draws=10).shape == (10, 64)
    for at, estimator in served(networks, waves):
        for method, arguments in CALLS.items():
            np.testing.assert_array_equal(found[method][at], getattr(estimator, method)(waves.X_new[at], **arguments))
        for name, values in estimator.predict_uncertainty(waves.X_new[at]).items():
            np.testing.assert_array_equal(uncertainty[name][at], values)
        np.testing.assert_array_equal(density[at], estimator.log_predictive_density(waves.X_new[at], y[at]))
        np.testing.assert_array_equal(mean[:, at], estimator.sample_mean(waves.X_new[at], n_draws=10))
    np.testing.assert_array_equal(networks.predict_quantiles(q=0.1, **rows), found["predict_quantiles"][:, 0])
    assert networks.score(y=y, **rows) == r2_score(y, found["predict"])


def test_new_targets_of_groups_are_independent(networks, waves):
    """No two groups have the noise of each other."""
    X, groups = np.repeat(waves.X_new[:1], 3, axis=0), [0, 1, 2]
    one, again = (networks.sample_predictive(X, groups=groups, random_state=0) for _ in range(2))
    np.testing.assert_array_equal(one, again)
    noise = one - networks.sample_mean(X, groups=groups)  # (draw, row)
    assert (np.abs(np.corrcoef(noise.T)[np.triu_indices(3, 1)]) < 5 / np.sqrt(len(noise))).all()


def test_clones_are_fits_to_the_rows_of_their_group(networks, waves):
    rows = waves.groups == 1
    alone = clone(networks.estimators_[1]).fit(waves.X[rows], waves.y[rows])
    np.testing.assert_array_equal(alone.posterior_.weights, networks.estimators_[1].posterior_.weights)


def test_any_regressor(waves):
    """scikit-learn's own: only the methods that it has, and its predictions."""
    pipeline = make_pipeline(StandardScaler(), LinearRegression())
    fitted = PerGroupRegressor(pipeline, fallback=DummyRegressor()).fit(waves.X, waves.y, groups=waves.groups)
    for group in range(4):
        rows = waves.groups == group
        expected = LinearRegression().fit(waves.X[rows], waves.y[rows]).predict(waves.X_new)
        np.testing.assert_allclose(fitted.predict(waves.X_new, groups=np.full(64, group)), expected, rtol=1e-9)
    np.testing.assert_allclose(fitted.predict(waves.X_new, groups=np.full(64, "new")), waves.y.mean(), rtol=1e-12)
    for method in ("predict_std", "predict_quantiles", "predict_interval", "sample_mean", "log_predictive_density"):
        assert not hasattr(fitted, method)
    assert not hasattr(fitted, "update")


def test_fallback_without_a_method(small, waves):
    fitted = PerGroupRegressor(FlatBNNRegressor(**small), fallback=LinearRegression())
    fitted.fit(waves.X, waves.y, groups=waves.groups)
    fitted.predict(waves.X, groups=["new"] * 64)
    with pytest.raises(ValueError, match="The fallback LinearRegression has no predict_interval"):
        fitted.predict_interval(waves.X, groups=["new"] * 64)


def test_the_prior_as_fallback(hierarchical_regressor, small, waves):
    informed = InformedPriorBNNRegressor.from_hierarchical(hierarchical_regressor)
    fitted = quiet_fit(PerGroupRegressor(informed, fallback="prior"), waves.X, waves.y, groups=waves.groups)
    unseen = ["new"] * 64
    assert not hasattr(fitted.fallback_, "training_data_")
    assert vars(informed).keys() == informed.get_params().keys()  # the user's own is left alone
    np.testing.assert_array_equal(fitted.predict(waves.X, groups=unseen), fitted.fallback_.predict(waves.X))
    assert fitted.predict_std(waves.X, groups=unseen).mean() > fitted.predict_std(waves.X, groups=waves.groups).mean()
    file = io.BytesIO()
    fitted.save(file)
    loaded = skhbnn.load(io.BytesIO(file.getvalue()))
    for groups in (unseen, waves.groups):
        found = loaded.predict_quantiles(waves.X, 0.3, groups=groups)
        np.testing.assert_array_equal(found, fitted.predict_quantiles(waves.X, 0.3, groups=groups))


def test_a_prior_without_unit_is_refused_before_any_fit(waves, small):
    estimator = PerGroupRegressor(InformedPriorBNNRegressor(**small), fallback="prior")
    with pytest.raises(ValueError, match="A prior without rows does not know the unit of y: set target_mean and"):
        estimator.fit(waves.X, waves.y, groups=waves.groups)
    with pytest.raises(NotFittedError):
        estimator.predict(waves.X, groups=waves.groups)


def test_saved_and_loaded(networks, waves):
    file = io.BytesIO()
    networks.save(file)
    loaded = skhbnn.load(io.BytesIO(file.getvalue()))
    for method, arguments in CALLS.items():
        one, other = (
            getattr(fit, method)(waves.X_new, groups=waves.groups_new, **arguments) for fit in (networks, loaded)
        )
        np.testing.assert_array_equal(other, one)


def test_update(networks, small, waves):
    """It is a fit to the old rows and the new ones, and leaves the other groups alone."""
    first = np.arange(64) % 2 == 0
    fitted = PerGroupRegressor(FlatBNNRegressor(**small), random_state=0)
    fitted.fit(waves.X[first], waves.y[first], groups=waves.groups[first])
    before = dict(fitted.estimators_)
    new = ~first & (waves.groups == 1)
    fitted.update(waves.X[new], waves.y[new], groups=waves.groups[new])
    assert [fitted.estimators_[group] is before[group] for group in range(4)] == [True, False, True, True]
    found = fitted.estimators_[1].training_data_
    y = fitted.estimators_[1]._targets_in_callers_form(found.y)  # (row,)
    np.testing.assert_allclose(np.sort(y), np.sort(waves.y[waves.groups == 1]), rtol=1e-12)


def test_checkpoint(networks, small, waves, tmp_path):
    """A run goes on from the groups that are done, and another y is another run."""
    estimator = PerGroupRegressor(FlatBNNRegressor(**small), checkpoint=tmp_path / "run", random_state=0)
    one = clone(estimator).fit(waves.X, waves.y, groups=waves.groups)
    files = {path: path.stat().st_mtime_ns for path in (tmp_path / "run").iterdir()}
    assert len(files) == 5
    other = clone(estimator).fit(waves.X, waves.y, groups=waves.groups)
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "run").iterdir()} == files
    np.testing.assert_array_equal(
        one.predict(waves.X, groups=waves.groups), other.predict(waves.X, groups=waves.groups)
    )
    with pytest.raises(ValueError, match="belongs to another run, which differs in: data y"):
        clone(estimator).fit(waves.X, waves.y + 1, groups=waves.groups)


def test_groups_that_fail(waves):
    """Counts that are none, in one group."""
    y = waves.counts.astype(float)
    y[waves.groups == 2] = -1
    network = FlatBNNRegressor((), likelihood="poisson", inference="map", random_state=0)
    estimator = PerGroupRegressor(network, on_error="fallback", fallback=DummyRegressor())
    with pytest.warns(FitFailedWarning, match="group 2 said: FlatBNNRegressor with likelihood='poisson' cannot have"):
        estimator.fit(waves.X, y, groups=waves.groups)
    assert list(estimator.failed_groups_) == [2]
    np.testing.assert_array_equal(
        estimator.predict(waves.X, groups=np.full(64, 2)), estimator.fallback_.predict(waves.X)
    )


def test_the_column_form_in_a_search(waves):
    table = pd.DataFrame(waves.X, columns=["a", "b"]).assign(group=waves.groups)
    estimator = PerGroupRegressor(LinearRegression(), groups="group")
    folds = KFold(2, shuffle=True, random_state=0)
    scores = cross_val_score(estimator, table, waves.y, cv=folds)
    for score, (train, test) in zip(scores, folds.split(table), strict=True):
        mean = np.empty(64)  # (row,)
        for group in range(4):
            here, there = (rows[waves.groups[rows] == group] for rows in (train, test))
            mean[there] = LinearRegression().fit(waves.X[here], waves.y[here]).predict(waves.X[there])
        assert score == pytest.approx(r2_score(waves.y[test], mean[test]), rel=1e-9)


def test_tasks_do_not_mix(waves):
    with pytest.raises(ValueError, match="estimator must be a regressor, got a LogisticRegression"):
        PerGroupRegressor(LogisticRegression()).fit(waves.X, waves.y, groups=waves.groups)
    with pytest.raises(ValueError, match="estimator must be a classifier, got a FlatBNNRegressor"):
        PerGroupClassifier(FlatBNNRegressor()).fit(waves.X, waves.groups, groups=waves.groups)
    with pytest.raises(ValueError, match='fallback="prior" needs an InformedPriorBNNRegressor as the estimator'):
        PerGroupRegressor(LinearRegression(), fallback="prior").fit(waves.X, waves.y, groups=waves.groups)


def test_classes_of_a_group_in_the_density(moons):
    """A class that a group does not know has density 0 there."""
    y = np.where(moons.groups == 1, 0, moons.y)
    y[moons.groups == 2] += 1
    fitted = PerGroupClassifier(LogisticRegression()).fit(
        moons.X[moons.groups > 1], y[moons.groups > 1], groups=moons.groups[moons.groups > 1]
    )
    rows = {"X": moons.X[:2], "groups": [2, 3]}
    found = fitted.log_predictive_density(y=[0, 1], **rows)
    assert found[0] == -np.inf
    assert found[1] == fitted.predict_log_proba(**rows)[1, 1]
