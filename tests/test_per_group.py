"""A clone per group: the same as a loop over the groups, whatever runs it, and nothing lost when a part of it fails."""

import hashlib
import pickle
import statistics

import numpy as np
import pytest
from probes import Failing, Talking, Threads
from processes import busy_while
from sklearn.base import clone
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.exceptions import ConvergenceWarning, FitFailedWarning, NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC
from sklearn.utils.estimator_checks import (
    check_dataframe_column_names_consistency,
    check_param_validation,
    estimator_checks_generator,
)

import skhbnn
from skhbnn import FlatBNNClassifier, InformedPriorBNNClassifier, PerGroupClassifier
from skhbnn.support.caller import WARNINGS_PAGE

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

METHODS = ["predict", "predict_proba", "predict_log_proba", "predict_std", "sample_proba"]


def label_seed(seed, text):
    """The generator of a label, by its definition."""
    return np.random.default_rng([seed, int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "little")])


INNER = {
    "logistic": LogisticRegression(),
    "pipeline": make_pipeline(StandardScaler(), RandomForestClassifier(5)),
    "boosting": HistGradientBoostingClassifier(max_iter=5, early_stopping=True),
}


@pytest.mark.parametrize("inner", INNER)
def test_equals_a_loop_over_the_groups(inner, moons):
    """Seeds by label, from the state that random_state gives."""
    fitted = PerGroupClassifier(INNER[inner], random_state=7).fit(moons.X, moons.y, groups=moons.groups)
    seed = int(np.random.RandomState(7).randint(2**31 - 1))
    hits = 0
    for label in range(4):
        estimator, rng = clone(INNER[inner]), label_seed(seed, f"number:{label}")
        for name in sorted(estimator.get_params()):
            if name.endswith("random_state"):
                estimator.set_params(**{name: int(rng.integers(2**31 - 1))})
        rows, new = moons.groups == label, moons.groups_new == label
        estimator.fit(moons.X[rows], moons.y[rows])
        proba = estimator.predict_proba(moons.X_new[new])
        found = {m: getattr(fitted, m)(moons.X_new, groups=moons.groups_new)[new] for m in METHODS[:3]}
        np.testing.assert_allclose(found["predict_proba"], proba, rtol=1e-9)
        np.testing.assert_allclose(np.exp(found["predict_log_proba"]), proba, rtol=1e-9)
        np.testing.assert_array_equal(found["predict"], estimator.predict(moons.X_new[new]))
        hits += np.sum(found["predict"] == moons.y[new])
    assert fitted.score(moons.X_new, moons.y, groups=moons.groups_new) == hits / 60


@pytest.fixture(scope="module")
def per_group(small, moons):
    """A network for each group, with a pooled one for others."""
    flat = FlatBNNClassifier(**small)
    return PerGroupClassifier(flat, fallback=flat, random_state=3).fit(moons.X, moons.y, groups=moons.groups)


def assert_same(first, second, moons):
    labels = [*moons.groups_new[:-2], "unseen", None]
    for method in METHODS:
        found, expected = (getattr(fitted, method)(moons.X_new, groups=labels) for fitted in (first, second))
        np.testing.assert_array_equal(found, expected, err_msg=method)


def test_what_networks_say_comes_through(per_group, moons):
    """Every method gives a row what the estimator of its group says of it; the fallback is a fit to all rows."""
    labels = [*moons.groups_new[:-1].tolist(), "unseen"]
    uncertainty = per_group.predict_uncertainty(moons.X_new, groups=labels)
    fallback = clone(per_group.fallback_).fit(moons.X, moons.y)
    for row in (0, 20, 59):
        estimator = per_group.estimators_.get(labels[row], fallback)
        x = moons.X_new[[row]]
        for method in ("predict_proba", "predict_std"):
            found = getattr(per_group, method)(moons.X_new, groups=labels)[row]
            np.testing.assert_allclose(found, getattr(estimator, method)(x)[0], rtol=1e-9, atol=1e-12)
        draws = per_group.sample_proba(moons.X_new, groups=labels, n_draws=7)
        np.testing.assert_allclose(draws[:, row], estimator.sample_proba(x, n_draws=7)[:, 0], rtol=1e-9)
        for name, value in estimator.predict_uncertainty(x).items():
            assert uncertainty[name][row] == pytest.approx(value[0], rel=1e-9, abs=1e-12)


def test_other_numbers_of_draws(per_group, small, moons):
    other = FlatBNNClassifier(**{**small, "draws": 20})
    fitted = PerGroupClassifier(per_group.estimator, fallback=other).fit(moons.X[:30], moons.y[:30], moons.groups[:30])
    with pytest.raises(ValueError, match=r"different numbers of draws, \[40, 100\]: set n_draws to 40"):
        fitted.sample_proba(moons.X[:2], groups=[0, "unseen"])
    assert fitted.sample_proba(moons.X[:2], groups=[0, "unseen"], n_draws=40).shape == (40, 2, 2)


@pytest.mark.parametrize("n_jobs", [2, -1])
def test_n_jobs_changes_nothing(n_jobs, per_group, moons):
    other = clone(per_group).set_params(n_jobs=n_jobs).fit(moons.X, moons.y, groups=moons.groups)
    assert_same(other, per_group, moons)


def test_backend_that_returns_all_results_of_a_call_at_once(run_python, tmp_path):
    """As Ray's: groups are handed out in portions, and each portion reaches the checkpoint before the next."""
    code = f"""
import os
import numpy as np
from joblib import parallel_config
from sklearn.linear_model import LogisticRegression
from skhbnn import PerGroupClassifier
from skhbnn.datasets import make_rotated_moons
from skhbnn.support import parallel
parallel.TASKS_PER_CALL = 1
X, _, y, _, groups, _ = make_rotated_moons(n_groups=4, n_samples=30, random_state=0)
X[45:, 0] = np.nan
inner = LogisticRegression()
estimator = PerGroupClassifier(inner, checkpoint={str(tmp_path / "run")!r})
with parallel_config(backend="multiprocessing", n_jobs=2):
    try:
        estimator.fit(X, y, groups=groups)
    except ValueError as error:
        print(str(error).splitlines()[0], len(os.listdir({str(tmp_path / "run")!r})))
    three = PerGroupClassifier(inner).fit(X[:45], y[:45], groups=groups[:45])
for label, found in three.estimators_.items():
    rows = groups == label
    print(np.array_equal(found.coef_, LogisticRegression().fit(X[rows], y[rows]).coef_))
"""
    assert run_python(code).splitlines() == ["The fit of group 3 failed: Input X contains NaN. 4", *["True"] * 3]


def test_order_and_names_of_groups_change_nothing(per_group, moons):
    order = np.random.default_rng(0).permutation(60)
    other = clone(per_group).fit(moons.X[order], moons.y[order], groups=moons.groups[order].astype(float))
    assert_same(other, per_group, moons)
    alone = clone(per_group).fit(moons.X[:15], moons.y[:15], groups=moons.groups[:15])  # group 0 without the others
    X, labels = moons.X_new[:15], [0] * 15
    np.testing.assert_array_equal(alone.predict_proba(X, labels), per_group.predict_proba(X, labels))


def test_random_state_none_leaves_that_of_the_estimator(small, moons):
    fitted = PerGroupClassifier(FlatBNNClassifier(**small)).fit(moons.X, moons.y, groups=moons.groups)
    rows = moons.groups == 2
    expected = FlatBNNClassifier(**small).fit(moons.X[rows], moons.y[rows])
    np.testing.assert_array_equal(fitted.estimators_[2].posterior_.weights, expected.posterior_.weights)


@pytest.mark.parametrize("groups", [None, "constant"])
def test_one_group(groups, moons):
    labels = None if groups is None else [groups] * 60
    fitted = PerGroupClassifier(LogisticRegression()).fit(moons.X, moons.y, groups=labels)
    expected = LogisticRegression().fit(moons.X, moons.y)
    found = fitted.predict_proba(moons.X_new, groups=labels)
    np.testing.assert_allclose(found, expected.predict_proba(moons.X_new), rtol=1e-9)
    assert list(fitted.estimators_) == ["all rows" if groups is None else "constant"]


def test_methods_are_those_of_the_estimator(moons):
    fitted = PerGroupClassifier(LinearSVC()).fit(moons.X, moons.y, groups=moons.groups)
    assert fitted.predict(moons.X, groups=moons.groups).shape == (60,)
    for method in ("predict_proba", "predict_log_proba", "predict_std", "predict_uncertainty", "sample_proba"):
        assert not hasattr(fitted, method)
    assert not hasattr(PerGroupClassifier(LogisticRegression()), "predict_std")


# scikit-learn's contract -------------------------------------------------------------------------------------------

SMALL = {"hidden_layer_sizes": (3,), "chains": 1, "tune": 50, "draws": 50}
CHECKED = [LogisticRegression(), FlatBNNClassifier(**SMALL)]


def name_of(check):
    return getattr(check, "func", check).__name__


# The array API check skips itself unless SciPy was imported under SCIPY_ARRAY_API.
CHECKS = [
    pytest.param(estimator, check, id=f"{type(inner).__name__}-{name_of(check)}")
    for inner in CHECKED
    for estimator, check in estimator_checks_generator(PerGroupClassifier(inner))
    if name_of(check) != "check_array_api_input"
]


@pytest.mark.parametrize(("estimator", "check"), CHECKS)
def test_estimator_checks(estimator, check):
    check(estimator)


@pytest.mark.parametrize("check", [check_param_validation, check_dataframe_column_names_consistency])
@pytest.mark.parametrize("inner", CHECKED)
def test_further_checks(inner, check):
    check("PerGroupClassifier", PerGroupClassifier(inner))


def test_pickle_and_clone(per_group, moons):
    assert_same(pickle.loads(pickle.dumps(per_group)), per_group, moons)
    assert_same(clone(per_group).fit(moons.X, moons.y, groups=moons.groups), per_group, moons)
    assert not hasattr(clone(per_group), "estimators_")


# Classes -----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def letters(moons):
    """Class labels: group 0 has a, b; group 1 has b, c; group 2 has all three; group 3 has c alone."""
    y = np.array(list("ab"))[moons.y]
    second = moons.groups == 1
    y[second] = np.array(list("bc"))[moons.y[second]]
    third = np.flatnonzero(moons.groups == 2)
    y[third[:5]] = "c"
    y[moons.groups == 3] = "c"
    return y


def test_classes_that_a_group_lacks(letters, moons):
    rows = moons.groups < 3
    fitted = PerGroupClassifier(LogisticRegression()).fit(moons.X[rows], letters[rows], groups=moons.groups[rows])
    assert fitted.classes_.tolist() == list("abc")
    proba = fitted.predict_proba(moons.X, groups=np.where(rows, moons.groups, 0))
    np.testing.assert_allclose(proba.sum(axis=1), 1, rtol=1e-12)
    for label, columns in enumerate(([0, 1], [1, 2], [0, 1, 2])):
        own = moons.groups == label
        expected = LogisticRegression().fit(moons.X[own], letters[own]).predict_proba(moons.X[own])
        np.testing.assert_allclose(proba[own][:, columns], expected, rtol=1e-9)
        assert np.all(np.delete(proba[own], columns, axis=1) == 0)
    assert set(fitted.predict(moons.X[:15], groups=[1] * 15)) <= {"b", "c"}


def test_classes_are_given_to_an_estimator_that_takes_them(letters, small, moons):
    """The informed prior then fits a group of one class, and no class has probability 0."""
    fitted = PerGroupClassifier(InformedPriorBNNClassifier(**small)).fit(moons.X, letters, groups=moons.groups)
    assert all(estimator.classes_.tolist() == list("abc") for estimator in fitted.estimators_.values())
    assert fitted.predict_proba(moons.X, groups=moons.groups).min() > 0


def test_classes_that_only_the_estimator_knows(letters, small, moons):
    inner = InformedPriorBNNClassifier(classes=list("abcd"), **small)
    fitted = PerGroupClassifier(inner).fit(moons.X, letters, groups=moons.groups)
    assert fitted.classes_.tolist() == list("abcd")
    assert fitted.predict_std(moons.X, groups=moons.groups).shape == (60, 4)


@pytest.mark.parametrize("column", [None, 2])
def test_group_of_one_class(column, letters, moons):
    X = moons.X if column is None else np.c_[moons.X, moons.groups]
    groups = {"groups": moons.groups} if column is None else {}
    estimator = PerGroupClassifier(LogisticRegression(), groups=column)
    source = "" if column is None else r" of column\(s\) 2"
    with pytest.raises(ValueError, match=rf"The fit of group 3(\.0)?{source} failed: .*one class.*on_error"):
        estimator.fit(X, letters, **groups)
    with pytest.raises(NotFittedError):
        estimator.predict(X, **groups)
    estimator.set_params(on_error="fallback", fallback=LogisticRegression())
    with pytest.warns(FitFailedWarning, match=rf"1 of 4 groups failed.* 3(\.0)?\..*{source} said: .*one class"):
        estimator.fit(X, letters, **groups)
    assert list(estimator.failed_groups_) == [3]
    expected = LogisticRegression().fit(moons.X, letters).predict_proba(moons.X[45:])
    np.testing.assert_allclose(estimator.predict_proba(X[45:], **{k: v[45:] for k, v in groups.items()}), expected)


# The fallback ------------------------------------------------------------------------------------------------------


def test_unseen_groups_without_a_fallback(moons):
    fitted = PerGroupClassifier(LogisticRegression()).fit(moons.X, moons.y, groups=moons.groups)
    with pytest.raises(ValueError, match=r"2 label\(s\) that fit did not see: 'oak', 77\. Set fallback"):
        fitted.predict(moons.X_new[:4], groups=["oak", 0, 77, "oak"])


def test_prior_as_the_fallback(small, moons):
    """Without hidden layers a logit is normal under the prior, so quadrature gives the mean and std of p."""
    rng = np.random.default_rng(1)
    mean, root = rng.normal(size=3), rng.normal(size=(3, 3))
    settings = {**small, "hidden_layer_sizes": (), "chains": 4, "draws": 2000, "tune": 20}
    inner = InformedPriorBNNClassifier(
        prior_mean=mean,
        prior_cov=root @ root.T,
        prior_scale=0.7,
        feature_mean=[0.5, 0],
        feature_scale=[2, 1],
        **settings,
    )
    rows = moons.groups == 0
    fitted = PerGroupClassifier(inner, fallback="prior", random_state=0)
    fitted.fit(moons.X[rows], moons.y[rows], groups=moons.groups[rows])
    X = moons.X_new[:5]
    inputs = np.c_[(X[:, 0] - 0.5) / 2, X[:, 1], np.ones(5)]  # (row, weight)
    nodes, weights = np.polynomial.hermite_e.hermegauss(80)
    scale = 0.7 * np.linalg.norm(inputs @ root, axis=1)  # (row,)
    p = 1 / (1 + np.exp(-(inputs @ mean + np.outer(nodes, scale))))  # (node, row)
    first, second = (weights / weights.sum()) @ p, (weights / weights.sum()) @ p**2
    std = np.sqrt(second - first**2)
    labels = ["unseen"] * 5
    assert np.all(np.abs(fitted.predict_proba(X, labels)[:, 1] - first) < 5 * std / np.sqrt(8000))
    np.testing.assert_allclose(fitted.predict_std(X, labels)[:, 1], std, rtol=0.05)  # 5 standard errors or more


def test_prior_as_the_fallback_comes_back_from_a_file(hierarchical, moons, tmp_path):
    inner = InformedPriorBNNClassifier.from_hierarchical(hierarchical)
    fitted = PerGroupClassifier(inner, fallback="prior", random_state=0)
    fitted.fit(moons.X, moons.y, groups=moons.groups).save(tmp_path / "fit")
    loaded, labels = skhbnn.load(tmp_path / "fit"), ["unseen", 0] * 30
    np.testing.assert_array_equal(loaded.predict_proba(moons.X_new, labels), fitted.predict_proba(moons.X_new, labels))


def test_prior_as_the_fallback_has_no_rows(small, moons):
    fitted = PerGroupClassifier(InformedPriorBNNClassifier(**small), fallback="prior")
    prior = fitted.fit(moons.X, moons.y, groups=moons.groups).fallback_
    for method in (prior.to_pymc, prior.to_arviz, lambda: InformedPriorBNNClassifier.from_posterior(prior)):
        with pytest.raises(ValueError, match="is a prior, and was not fitted to any rows"):
            method()


def test_prior_without_units_takes_those_of_all_rows(small, moons):
    inner = InformedPriorBNNClassifier(**small)
    fitted = PerGroupClassifier(inner, fallback="prior").fit(moons.X, moons.y, groups=moons.groups)
    np.testing.assert_allclose(fitted.fallback_.standardizer_.mean, moons.X.mean(axis=0), atol=1e-12)
    assert np.abs(fitted.predict_proba(moons.X, groups=["unseen"] * 60) - 0.5).max() < 0.25


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"fallback": "prior"}, 'fallback="prior" needs an InformedPriorBNNClassifier .* got a LogisticRegression'),
        ({"on_error": "fallback"}, "needs a fallback, and fallback is None"),
        ({"fallback": "pooled"}, "'fallback' parameter"),
        ({"fallback": Failing()}, "The fit of the fallback failed: OverflowError: too large for me"),
        ({"estimator": StandardScaler()}, "'estimator' parameter"),
        (
            {"estimator": HistGradientBoostingClassifier(max_iter=0)},
            "The fit of group 0 failed: .*'max_iter' parameter",
        ),
    ],
)
def test_faulty_parameters(params, message, moons):
    X = np.where(np.arange(60)[:, None] == 59, 2000, moons.X)
    with pytest.raises((ValueError, RuntimeError), match=message):
        PerGroupClassifier(**{"estimator": LogisticRegression(), **params}).fit(X, moons.y, groups=moons.groups)


def test_not_a_classifier(moons):
    with pytest.raises(ValueError, match="estimator must be a classifier, got a LinearRegression"):
        PerGroupClassifier(LinearRegression()).fit(moons.X, moons.y)


def test_fallback_that_cannot_predict(letters, moons):
    two = FrozenEstimator(LogisticRegression().fit(moons.X[:15], letters[:15]))
    rows = moons.groups < 3
    estimator = PerGroupClassifier(LogisticRegression(), fallback=two)
    with pytest.raises(ValueError, match=r"FrozenEstimator cannot predict the class\(es\) \['c'\]"):
        estimator.fit(moons.X[rows], letters[rows], groups=moons.groups[rows])
    estimator.set_params(fallback=LinearSVC()).fit(moons.X[rows], letters[rows], groups=moons.groups[rows])
    assert estimator.predict(moons.X[:1], groups=["unseen"]).shape == (1,)
    with pytest.raises(ValueError, match=r"LinearSVC has no predict_proba, and serves the group\(s\) 'unseen'"):
        estimator.predict_proba(moons.X[:1], groups=["unseen"])


def test_fallback_that_knows_more_classes(moons):
    y = np.where(moons.X[:, 0] > 0.5, 3, moons.y * 2)
    wide = LogisticRegression().fit(moons.X, y)
    assert wide.classes_.tolist() == [0, 2, 3]
    narrow = np.where(moons.y == 1, 3, 0)
    fitted = PerGroupClassifier(LogisticRegression(), fallback=FrozenEstimator(wide))
    fitted.fit(moons.X, narrow, groups=moons.groups)
    assert fitted.classes_.tolist() == [0, 2, 3]
    found = fitted.predict_proba(moons.X, groups=[*moons.groups[:30], *["unseen"] * 30])
    np.testing.assert_allclose(found[30:], wide.predict_proba(moons.X[30:]), rtol=1e-9)
    rows = moons.groups == 1
    expected = LogisticRegression().fit(moons.X[rows], narrow[rows]).predict_proba(moons.X[rows])
    np.testing.assert_allclose(found[rows][:, [0, 2]], expected, rtol=1e-9)
    assert np.all(found[:30, 1] == 0)


# Errors, warnings, progress ----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def large(moons):
    """The inputs with an entry in group 2 that the probes fail, warn or die at."""
    X = moons.X.copy()
    X[30, 0] = 2000
    return X


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_error_in_a_group(n_jobs, large, moons):
    estimator = PerGroupClassifier(Failing(), n_jobs=n_jobs)
    with pytest.raises(RuntimeError, match="The fit of group 2 failed: OverflowError: too large for me") as caught:
        estimator.fit(large, moons.y, groups=moons.groups)
    assert 'raise OverflowError("too large for me")' in caught.value.__notes__[0]
    estimator.set_params(on_error="fallback", fallback=LogisticRegression(max_iter=10**4))
    with pytest.warns(FitFailedWarning, match="1 of 4 groups failed"):
        estimator.fit(large, moons.y, groups=moons.groups)
    assert estimator.failed_groups_ == {2: "OverflowError: too large for me"}
    assert sorted(estimator.estimators_) == [0, 1, 3]
    assert estimator.groups_.tolist() == [0, 1, 2, 3]


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_warnings_of_groups_come_as_one(n_jobs, large, moons):
    with pytest.warns(UserWarning, match="talk") as caught:
        PerGroupClassifier(Talking(max_iter=10**4), n_jobs=n_jobs).fit(large, moons.y, groups=moons.groups)
    assert [str(w.message) for w in caught] == [f"4 of 4 fits warned; group 0 said: small talk. See {WARNINGS_PAGE}"]
    assert caught[0].filename == __file__


@pytest.mark.filterwarnings("default::sklearn.exceptions.ConvergenceWarning")
def test_convergence_warnings_reach_the_caller_from_other_processes(small, moons):
    estimator = PerGroupClassifier(FlatBNNClassifier(tol=1e-6, **small), n_jobs=2)  # which no few draws reach
    with pytest.warns(
        ConvergenceWarning, match="group . said: Predictions of this FlatBNNClassifier are not to be trusted"
    ):
        estimator.fit(moons.X, moons.y, groups=moons.groups)


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_progress(n_jobs, capfd, moons):
    estimator = PerGroupClassifier(LogisticRegression(), n_jobs=n_jobs, fallback=LogisticRegression(), verbose=1)
    estimator.fit(moons.X, moons.y, groups=moons.groups)
    out, err = capfd.readouterr()
    assert not out
    lines = err.splitlines()
    assert [line.split(",")[0] for line in lines] == [f"PerGroupClassifier: {n} of 5 groups" for n in range(1, 6)]
    estimator.set_params(verbose=0).fit(moons.X, moons.y, groups=moons.groups)
    assert capfd.readouterr() == ("", "")


# Threads -----------------------------------------------------------------------------------------------------------


def test_threads_within_a_worker(moons):
    """With several groups at once each has one thread, whatever it asks for; else joblib's default holds."""
    fitted = PerGroupClassifier(Threads(), n_jobs=2).fit(moons.X, moons.y, groups=moons.groups)
    assert all(e.pools_ == 1 and e.jobs_ == [1, 1, 1] for e in fitted.estimators_.values())
    alone = PerGroupClassifier(Threads(), n_jobs=1).fit(moons.X, moons.y, groups=moons.groups)
    assert all(e.pools_ == 1 and e.jobs_[:2] == [1, 4] for e in alone.estimators_.values())


def test_no_more_busy_threads_than_n_jobs(moons):
    """Four chains that each fit asks to run at once would make eight of the two jobs."""
    inner = FlatBNNClassifier(chains=4, tune=1000, draws=1500, n_jobs=4)
    groups = np.arange(60) % 6
    estimator = PerGroupClassifier(inner, n_jobs=2, random_state=0)
    quick = FlatBNNClassifier(chains=1, tune=20, draws=20)
    clone(estimator).set_params(estimator=quick).fit(moons.X, moons.y, groups=groups)  # the processes start and load
    counts = busy_while(lambda: estimator.fit(moons.X, moons.y, groups=groups))
    assert len(counts) >= 3
    assert statistics.median(counts) <= 2
