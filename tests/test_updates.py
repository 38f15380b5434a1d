"""New rows of some groups: ``PerGroupClassifier.update``."""

import numpy as np
import pytest
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.linear_model import LogisticRegression

from conftest import quiet_fit
from skhbnn import FlatBNNClassifier, InformedPriorBNNClassifier, PerGroupClassifier

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


def test_the_posterior_is_the_prior_of_new_rows(fitted, tomorrow, moons):
    X, y = tomorrow
    before = dict(fitted.estimators_)
    by_hand = quiet_fit(InformedPriorBNNClassifier.from_posterior(before[1]), X, y)
    assert fitted.update(X, y, groups=[1] * 10) is fitted
    np.testing.assert_array_equal(
        fitted.predict_proba(moons.X_new, groups=np.ones(60, int)), by_hand.predict_proba(moons.X_new)
    )
    assert all(fitted.estimators_[label] is before[label] for label in (0, 2, 3))


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
    with pytest.raises(ValueError, match=r"y has classes that fit did not see: \[2\]; fit again with rows of them"):
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
    y = np.where((moons.groups == 2) & (moons.y == 1), 2, moons.y)  # (row,)
    fitted = PerGroupClassifier(FlatBNNClassifier(**small)).fit(moons.X, y, groups=moons.groups)
    before = dict(fitted.estimators_)
    with pytest.raises(ValueError, match=r"group 1 had no rows of \[2\] when it was fitted.*All groups stay"):
        fitted.update(moons.X_new[:20], [0, 2] * 10, groups=[2] * 10 + [1] * 10)
    assert fitted.estimators_ == before


def test_only_posteriors_can_be_updated(moons):
    linear = PerGroupClassifier(LogisticRegression()).fit(moons.X, moons.y, groups=moons.groups)
    assert not hasattr(linear, "update")


def test_an_update_warns_as_a_fit_does(fitted, tomorrow):
    X, y = tomorrow
    with pytest.warns(ConvergenceWarning, match=r"1 of 1 fits warned; group 1 said: InformedPriorBNNClassifier"):
        fitted.update(X, y, groups=[1] * 10)
