"""New rows of some groups: ``PerGroupClassifier.update``."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.linear_model import LogisticRegression

from conftest import quiet_fit
from skhbnn import FlatBNNClassifier, PerGroupClassifier

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


@pytest.fixture
def fitted(small, moons):
    return quiet_fit(
        PerGroupClassifier(FlatBNNClassifier(**small), random_state=0), moons.X, moons.y, groups=moons.groups
    )


@pytest.fixture(scope="module")
def tomorrow(moons):
    """Ten new rows of group 1, of both classes."""
    rows = np.flatnonzero(moons.groups_new == 1)[:10]
    return moons.X_new[rows], np.arange(10) % 2


def test_updated_groups_are_as_if_fitted_to_all_rows(tomorrow, moons):
    """Of logistic regressions, whose posterior is easily sampled, so that predictions agree to Monte Carlo error."""
    X, y = tomorrow
    inner = FlatBNNClassifier((), chains=4, tune=300, draws=1000)
    fitted = PerGroupClassifier(inner, random_state=0).fit(moons.X, moons.y, groups=moons.groups)
    before = dict(fitted.estimators_)
    assert fitted.update(X, y, groups=[1] * 10) is fitted
    assert all(fitted.estimators_[label] is before[label] for label in (0, 2, 3))
    rows = moons.groups == 1
    at_once = clone(inner).set_params(random_state=1).fit(np.vstack([moons.X[rows], X]), [*moons.y[rows], *y])
    found, expected = (e.predict_proba(moons.X_new) for e in (fitted.estimators_[1], at_once))
    error = 4 * np.sqrt(2) * at_once.predict_std(moons.X_new) / np.sqrt(1000)  # of some 1,000 effective draws each
    assert np.all(np.abs(found - expected) < error)
    assert np.max(np.abs(before[1].predict_proba(moons.X_new) - expected) / error) > 2


@pytest.mark.parametrize("form", [pd.DataFrame, pl.DataFrame])
def test_rows_of_tables_keep_their_names(form, small, moons):
    names = ["age", "price"]
    table = pd.DataFrame(moons.X, columns=names).assign(shop=moons.groups)
    table = form(table.to_dict(orient="list"))
    fitted = quiet_fit(PerGroupClassifier(FlatBNNClassifier(**small), groups="shop", random_state=0), table, moons.y)
    fitted.update(table[:20], moons.y[:20])
    network = fitted.estimators_[moons.groups[0]]
    assert network.feature_names_in_.tolist() == names
    counts = [each.training_data_.weights.sum() for each in fitted.estimators_.values()]
    assert counts == (np.bincount(moons.groups) + np.bincount(moons.groups[:20], minlength=4)).tolist()
    assert fitted.predict(table).shape == (60,)


def test_days_add_up(fitted, tomorrow, moons):
    """The second update goes on from the first: more rows of one class make it likelier."""
    X, _ = tomorrow
    chances = [fitted.predict_proba(X, groups=[1] * 10)[:, 1].mean()]
    for _ in range(2):
        fitted.update(X, np.ones(10, int), groups=[1] * 10)
        chances.append(fitted.predict_proba(X, groups=[1] * 10)[:, 1].mean())
    assert chances[0] < chances[1] < chances[2]


def test_a_new_group_is_fitted_as_fit_does(fitted, tomorrow, small):
    X, y = tomorrow
    fitted.update(X, y, groups=[7] * 10)
    assert fitted.groups_.tolist() == [0, 1, 2, 3, 7]
    alone = quiet_fit(PerGroupClassifier(FlatBNNClassifier(**small), random_state=0), X, y, groups=[7] * 10)
    np.testing.assert_array_equal(fitted.predict_proba(X, groups=[7] * 10), alone.predict_proba(X, groups=[7] * 10))


def test_faults_leave_all_groups_as_they_were(fitted, tomorrow):
    X, y = tomorrow
    before = dict(fitted.estimators_)
    with pytest.raises(ValueError, match=r"y has classes that fit did not see: \[2\]; it saw \[0, 1\]"):
        fitted.update(X, y + 1, groups=[1] * 10)
    wrong = X.copy()
    wrong[7] = np.nan
    with pytest.raises(ValueError, match=r"(?s)The fit of group 3 failed: .*NaN") as failure:
        fitted.update(wrong, y, groups=[1] * 5 + [3] * 5)
    assert str(failure.value).endswith(" All groups stay as they were.")  # then come the notes
    with pytest.raises(ValueError, match="groups"):
        fitted.update(X, y)
    assert fitted.estimators_ == before
    with pytest.raises(NotFittedError):
        PerGroupClassifier(FlatBNNClassifier()).update(X, y, groups=[1] * 10)


def test_a_class_that_is_new_to_a_group(small, moons):
    y = np.array(["a", "b", "c"])[np.where((moons.groups == 2) & (moons.y == 1), 2, moons.y)]  # (row,)
    fitted = PerGroupClassifier(FlatBNNClassifier(**small)).fit(moons.X, y, groups=moons.groups)
    assert fitted.estimators_[1].classes_.tolist() == ["a", "b"]
    fitted.update(moons.X_new[:10], ["a", "c"] * 5, groups=[1] * 10)
    assert fitted.estimators_[1].classes_.tolist() == ["a", "b", "c"]


def test_only_posteriors_can_be_updated(moons):
    linear = PerGroupClassifier(LogisticRegression()).fit(moons.X, moons.y, groups=moons.groups)
    assert not hasattr(linear, "update")


def test_an_update_warns_as_a_fit_does(fitted, tomorrow):
    X, y = tomorrow
    fitted.set_params(estimator__tol=1e-6)  # which no few draws reach
    with pytest.warns(ConvergenceWarning, match=r"1 of 1 fits warned; group 1 said: Predictions"):
        fitted.update(X, y, groups=[1] * 10)
