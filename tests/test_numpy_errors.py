"""Fits and predictions where the caller's program made exceptions of NumPy's floating-point errors."""

import numpy as np
import pytest

from skhbnn import FlatBNNClassifier, HierarchicalBNNClassifier, InformedPriorBNNClassifier, PerGroupClassifier
from skhbnn.support.floats import floats_as_usual

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

METHODS = ["predict", "predict_proba", "predict_log_proba", "predict_std", "predict_uncertainty", "sample_proba"]


@pytest.fixture
def raising():
    """All floating-point errors as exceptions."""
    with np.errstate(all="raise"):
        yield


@pytest.mark.usefixtures("interpreted")
@pytest.mark.filterwarnings("ignore:inference='advi' takes")
@pytest.mark.parametrize("inference", ["nuts", "laplace", "map", "advi"])
def test_every_inference(inference, small, moons, raising):
    settings = {**small, "max_iter": 500} if inference == "advi" else small
    if inference in ("laplace", "map"):
        settings = {**settings, "group_scale_prior": 0.5}
    fitted = HierarchicalBNNClassifier(inference=inference, **settings).fit(moons.X, moons.y, groups=moons.groups)
    for method in METHODS:
        getattr(fitted, method)(moons.X_new * 1e6, groups=moons.groups_new)
    fitted.to_arviz()


@pytest.mark.parametrize("size", [1e-300, 1e-320, 1e300])
@pytest.mark.parametrize("standardize", [True, False])
def test_features_of_any_size(size, standardize, small, moons, raising):
    with np.errstate(under="ignore"):
        X = moons.X * size
    fitted = FlatBNNClassifier(standardize=standardize, **small).fit(X, moons.y)
    assert np.isfinite(fitted.predict_proba(X)).all()


def test_priors_and_groups(small, moons, raising):
    hierarchical = HierarchicalBNNClassifier(**small).fit(moons.X, moons.y, groups=moons.groups)
    prior = InformedPriorBNNClassifier.from_hierarchical(hierarchical)
    InformedPriorBNNClassifier.from_posterior(hierarchical, group=1, covariance="diag").fit(moons.X, moons.y)
    fitted = PerGroupClassifier(prior, fallback="prior").fit(moons.X, moons.y, groups=moons.groups)
    for method in METHODS[:-1]:
        getattr(fitted, method)(moons.X_new, groups=[9, *moons.groups_new[1:]])


def test_what_a_caller_chose_stays(moons):
    """A floating-point error that is ignored stays ignored, and the state is the caller's again behind the call."""
    states = []
    with np.errstate(divide="ignore", over="raise", invalid="warn", under="raise"):
        before = np.geterr()
        floats_as_usual(lambda: states.append(np.geterr()))()
        assert np.geterr() == before
    assert states == [{"divide": "ignore", "over": "warn", "invalid": "warn", "under": "ignore"}]
