"""Regressors as estimators: groups, tables, pipelines, storing, errors, diagnostics."""

import io
import pickle

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from sklearn import config_context
from sklearn.base import clone, is_regressor
from sklearn.exceptions import NotFittedError
from sklearn.metrics import mean_absolute_error, mean_pinball_loss, r2_score
from sklearn.model_selection import GridSearchCV, GroupKFold, KFold, cross_val_predict, cross_val_score
from sklearn.multioutput import MultiOutputRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import skhbnn
from skhbnn import (
    FlatBNNClassifier,
    FlatBNNRegressor,
    HierarchicalBNNClassifier,
    HierarchicalBNNRegressor,
    InformedPriorBNNClassifier,
    InformedPriorBNNRegressor,
    PerGroupRegressor,
)

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

NAMES = ["flat_regressor", "hierarchical_regressor", "informed_regressor", "counts_regressor"]
CALLS = {
    "predict": {},
    "predict_std": {},
    "predict_quantiles": {"q": [0.1, 0.5]},
    "predict_interval": {"coverage": 0.5},
    "predict_uncertainty": {},
    "sample_mean": {"n_draws": 5},
    "sample_predictive": {"n_draws": 5, "random_state": 1},
}


def rows_of(name, waves):
    """Rows to predict, of groups seen and unseen where the estimator has any."""
    groups = {"groups": np.where(waves.groups_new == 3, 99, waves.groups_new)}
    return {"X": waves.X_new, **(groups if name in ("hierarchical_regressor", "counts_regressor") else {})}


def answers(fitted, **rows):
    """What every method of prediction says, as arrays by name."""
    found = {method: getattr(fitted, method)(**rows, **arguments) for method, arguments in CALLS.items()}
    found |= {f"uncertainty {name}": values for name, values in found.pop("predict_uncertainty").items()}
    y = np.arange(len(rows["X"])) % 3  # (row,)
    return {**found, "log_predictive_density": fitted.log_predictive_density(y=y, **rows)}


def assert_equal_answers(one, other):
    assert one.keys() == other.keys()
    for name, values in one.items():
        np.testing.assert_array_equal(other[name], values, err_msg=name)


# Predictions ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_predictions_go_together(name, request, waves):
    fitted, rows = request.getfixturevalue(name), rows_of(name, waves)
    n_draws = fitted.posterior_.n_draws
    mean, uncertainty = fitted.sample_mean(**rows), fitted.predict_uncertainty(**rows)  # (draw, row), Bunch of (row,)
    assert mean.shape == fitted.sample_predictive(**rows).shape == (n_draws, 64)
    np.testing.assert_allclose(fitted.predict(**rows), mean.mean(axis=0), rtol=1e-10)
    np.testing.assert_allclose(fitted.predict_std(**rows), mean.std(axis=0), rtol=1e-8)
    np.testing.assert_allclose(uncertainty.epistemic, mean.var(axis=0), rtol=1e-8)
    np.testing.assert_array_equal(uncertainty.total, uncertainty.aleatoric + uncertainty.epistemic)
    levels = [0.05, 0.4, 0.95]
    quantiles = fitted.predict_quantiles(**rows, q=levels)  # (row, level)
    assert (np.diff(quantiles, axis=1) >= 0).all()
    np.testing.assert_array_equal(fitted.predict_quantiles(**rows, q=0.4), quantiles[:, 1])
    np.testing.assert_allclose(fitted.predict_interval(**rows, coverage=0.9), quantiles[:, [0, 2]], rtol=1e-9)
    np.testing.assert_array_equal(fitted.predict_interval(**rows), fitted.predict_interval(**rows, coverage=0.9))


@pytest.mark.parametrize("name", ["hierarchical_regressor", "counts_regressor"])
def test_quantiles_are_those_of_new_targets(name, request, waves):
    """The share of new targets up to a quantile, over independent ones of every draw, to 5 standard errors."""
    fitted, rows = request.getfixturevalue(name), rows_of(name, waves)
    y = np.concatenate([fitted.sample_predictive(**rows, random_state=seed) for seed in range(100)])  # (draw, row)
    for level in (0.1, 0.5, 0.9):
        quantile = fitted.predict_quantiles(**rows, q=level)  # (row,)
        error = 5 * np.sqrt(level * (1 - level) / len(y))
        assert (np.mean(y <= quantile, axis=0) > level - error).all()
        assert (np.mean(y < quantile, axis=0) < level + error).all()


@pytest.mark.parametrize("name", NAMES)
def test_intervals_are_quantiles(name, request, waves):
    """One call serves every regressor: levels and coverages stand right behind X."""
    fitted, rows = request.getfixturevalue(name), rows_of(name, waves)
    X, groups = rows.pop("X"), rows
    interval = fitted.predict_interval(X, 0.8, **groups)  # (row, 2)
    np.testing.assert_allclose(interval, fitted.predict_quantiles(X, [0.1, 0.9], **groups), rtol=1e-12, atol=1e-12)


def test_random_state_of_new_targets(hierarchical_regressor, waves):
    rows = rows_of("hierarchical_regressor", waves)
    one, again, other, two = (
        hierarchical_regressor.sample_predictive(**rows, random_state=seed)
        for seed in (0, 0, 1, np.random.RandomState(0))
    )
    np.testing.assert_array_equal(one, again)
    np.testing.assert_array_equal(one, two)
    assert not (one == other).any()
    noise = one - hierarchical_regressor.sample_mean(**rows)  # (draw, row): independent from row to row
    correlation = np.corrcoef(noise.T)[np.triu_indices(64, 1)]  # (pair of rows,)
    assert np.abs(correlation.mean()) < 5 / np.sqrt(len(correlation) * len(noise)) + 0.01


def test_score_is_r2(hierarchical_regressor, flat_regressor, waves):
    weights = np.arange(64.0)  # (row,)
    mean = hierarchical_regressor.predict(waves.X, groups=waves.groups)
    found = hierarchical_regressor.score(waves.X, waves.y, groups=waves.groups, sample_weight=weights)
    assert found == r2_score(waves.y, mean, sample_weight=weights)
    assert flat_regressor.score(waves.X, waves.y) == r2_score(waves.y, flat_regressor.predict(waves.X))
    assert flat_regressor.score(waves.X, pl.Series(waves.y)) == flat_regressor.score(waves.X, waves.y)


@pytest.mark.parametrize("q", [0, 1, -0.1, 1.5, np.nan, "half", None, [], [0.5, 1.0], [[0.5]]])
def test_levels_that_are_none(q, flat_regressor, waves):
    with pytest.raises(ValueError, match=r"^q must be "):
        flat_regressor.predict_quantiles(waves.X, q)


def test_coverages_and_draws_that_are_none(flat_regressor, waves):
    with pytest.raises(ValueError, match="coverage must be between 0 and 1, both excluded, got 1"):
        flat_regressor.predict_interval(waves.X, 1)
    with pytest.raises(ValueError, match="n_draws must be an integer from 1 to the 100 draws"):
        flat_regressor.sample_predictive(waves.X, n_draws=101)


def test_unfitted(waves):
    for estimator in (FlatBNNRegressor(), InformedPriorBNNRegressor(), HierarchicalBNNRegressor()):
        for method, arguments in CALLS.items():
            with pytest.raises(NotFittedError):
                getattr(estimator, method)(waves.X, **arguments)
        with pytest.raises(NotFittedError):
            estimator.log_predictive_density(waves.X, waves.y)
        with pytest.raises(NotFittedError):
            estimator.score(waves.X, waves.y)


# Determinism, storing ------------------------------------------------------------------------------------------------


def test_jobs_and_the_order_of_rows_change_nothing(hierarchical_regressor, waves):
    order = np.random.default_rng(0).permutation(64)
    other = clone(hierarchical_regressor).set_params(n_jobs=2)
    other.fit(waves.X[order], waves.y[order], groups=waves.groups[order])
    rows = rows_of("hierarchical_regressor", waves)
    assert_equal_answers(answers(hierarchical_regressor, **rows), answers(other, **rows))


@pytest.mark.parametrize("name", NAMES)
def test_saved_and_loaded(name, request, waves):
    fitted, rows, file = request.getfixturevalue(name), rows_of(name, waves), io.BytesIO()
    fitted.save(file)
    loaded = skhbnn.load(io.BytesIO(file.getvalue()))
    assert_equal_answers(answers(fitted, **rows), answers(loaded, **rows))
    assert_equal_answers(answers(fitted, **rows), answers(pickle.loads(pickle.dumps(fitted)), **rows))
    assert vars(loaded).keys() == vars(fitted).keys()
    np.testing.assert_array_equal(loaded.training_data_.y, fitted.training_data_.y)


def changed_units(fitted):
    fitted.target_standardizer_.scale[:] = 0


def two_units(fitted):
    fitted.target_standardizer_ = fitted.standardizer_


def targets_of_another_kind(fitted):
    object.__setattr__(fitted.training_data_, "y", np.full(64, -1))


def model_of_classes(fitted):
    object.__setattr__(fitted.posterior_.model, "likelihood_name", "bernoulli")


FORGED = {
    changed_units: "target_standardizer_.scale is not positive",
    two_units: r"target_standardizer_.mean has shape \(2,\)",
    targets_of_another_kind: "training_data_.y",
    model_of_classes: "a bernoulli network of 1 outputs is not one for numbers",
}


@pytest.mark.parametrize("forge", FORGED, ids=lambda forge: forge.__name__)
@pytest.mark.parametrize("name", ["flat_regressor", "counts_regressor"])
def test_fits_that_do_not_hold_together_are_not_loaded(name, forge, request):
    fitted = pickle.loads(pickle.dumps(request.getfixturevalue(name)))
    forge(fitted)
    with pytest.raises(ValueError, match=FORGED[forge]):
        fitted.save(io.BytesIO())


# Groups, tables, pipelines -------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def frame(waves):
    return pd.DataFrame(waves.X, columns=["a", "b"]).assign(group=np.array(list("klmn"))[waves.groups])


def test_groups_as_a_column_are_groups_as_an_argument(frame, waves, small):
    labels, X = frame["group"], frame[["a", "b"]]
    by_argument = HierarchicalBNNRegressor(**small).fit(X, waves.y, groups=labels)
    by_column = HierarchicalBNNRegressor(groups="group", **small).fit(frame, waves.y)
    assert_equal_answers(answers(by_argument, X=X, groups=labels), answers(by_column, X=frame))
    assert by_column.groups_.tolist() == list("klmn")


def test_unseen_groups(frame, waves, small):
    strict = HierarchicalBNNRegressor(groups="group", unseen_groups="error", **small).fit(frame, waves.y)
    unseen = frame.assign(group="z")
    with pytest.raises(ValueError, match="did not see: 'z'"):
        strict.predict_quantiles(unseen, 0.5)
    lenient = strict.set_params(unseen_groups="population")
    assert lenient.predict_std(unseen).mean() > lenient.predict_std(frame).mean()


@pytest.mark.parametrize(
    "y",
    [
        lambda y: y.tolist(),
        lambda y: pd.Series(y, index=range(100, 164)),
        lambda y: pd.Series(y).astype("Float64"),
        lambda y: pl.Series(y),
        lambda y: pl.DataFrame({"y": y}),
        lambda y: pa.array(y),
        lambda y: pa.table({"y": y}),
        lambda y: y.astype(object),
        lambda y: y.astype(np.float32),  # of few digits
    ],
    ids=["list", "series", "nullable", "polars", "polars table", "pyarrow", "pyarrow table", "objects", "float32"],
)
def test_forms_of_y(y, flat_regressor, waves):
    fitted = clone(flat_regressor).fit(pl.DataFrame(waves.X, schema=["a", "b"]), y(waves.y))
    np.testing.assert_array_equal(fitted.posterior_.weights, flat_regressor.posterior_.weights)
    X = pa.table({"a": waves.X[:, 0], "b": waves.X[:, 1]})
    np.testing.assert_array_equal(fitted.predict(X), flat_regressor.predict(waves.X))
    density = fitted.log_predictive_density(X, y(waves.y))
    np.testing.assert_array_equal(density, flat_regressor.log_predictive_density(waves.X, waves.y))


FOLDS = KFold(2, shuffle=True, random_state=0)


def test_scorers_with_the_group_column(frame, waves, small):
    """scikit-learn's own scorers, and the pinball loss of quantiles."""
    estimator = HierarchicalBNNRegressor(groups="group", **small)

    def pinball(fitted, X, y):
        return -mean_pinball_loss(y, fitted.predict_quantiles(X, 0.8), alpha=0.8)

    scores = cross_val_score(estimator, frame, waves.y, cv=FOLDS, scoring="neg_mean_absolute_error")
    pinballs = cross_val_score(estimator, frame, waves.y, cv=FOLDS, scoring=pinball)
    predicted = cross_val_predict(estimator, frame, waves.y, cv=FOLDS)
    for k, (train, test) in enumerate(FOLDS.split(frame)):
        fitted = clone(estimator).fit(frame.iloc[train], waves.y[train])
        np.testing.assert_array_equal(predicted[test], fitted.predict(frame.iloc[test]))
        assert -scores[k] == pytest.approx(mean_absolute_error(waves.y[test], predicted[test]), rel=1e-12)
        quantile = fitted.predict_quantiles(frame.iloc[test], 0.8)  # (row,)
        loss = np.where(waves.y[test] > quantile, 0.8, -0.2) * (waves.y[test] - quantile)  # (row,)
        assert -pinballs[k] == pytest.approx(loss.mean(), rel=1e-12)


def test_grid_search_of_a_pipeline(waves, small):
    pipeline = make_pipeline(StandardScaler(), FlatBNNRegressor(**small))
    grid = {"flatbnnregressor__likelihood": ["normal", "student_t"]}
    search = GridSearchCV(pipeline, grid, cv=FOLDS).fit(waves.X, waves.y)
    for k, likelihood in enumerate(["normal", "student_t"]):
        scores = []
        for train, test in FOLDS.split(waves.X):
            fitted = clone(pipeline).set_params(flatbnnregressor__likelihood=likelihood)
            scores.append(fitted.fit(waves.X[train], waves.y[train]).score(waves.X[test], waves.y[test]))
        assert search.cv_results_["mean_test_score"][k] == pytest.approx(np.mean(scores), rel=1e-12)


def test_metadata_routing_needs_no_request(frame, waves, small):
    expected = []
    folds = GroupKFold(2)
    for train, test in folds.split(waves.X, groups=waves.groups):
        fitted = HierarchicalBNNRegressor(**small).fit(waves.X[train], waves.y[train], groups=waves.groups[train])
        expected.append(fitted.score(waves.X[test], waves.y[test], groups=waves.groups[test]))
    with config_context(enable_metadata_routing=True):
        estimator = HierarchicalBNNRegressor(**small)
        scores = cross_val_score(estimator, waves.X, waves.y, cv=folds, params={"groups": waves.groups})
    np.testing.assert_allclose(scores, expected, rtol=1e-12)


def test_several_targets(waves, small):
    Y = np.column_stack([waves.y, waves.counts])  # (row, target)
    with pytest.raises(ValueError, match=r"shape \(64, 2\) instead: FlatBNNRegressor has one target; .*MultiOutputReg"):
        FlatBNNRegressor(**small).fit(waves.X, Y)
    both = MultiOutputRegressor(FlatBNNRegressor(**small)).fit(waves.X, Y)
    one = FlatBNNRegressor(**small).fit(waves.X, waves.counts)
    np.testing.assert_array_equal(both.predict(waves.X)[:, 1], one.predict(waves.X))


# Targets -------------------------------------------------------------------------------------------------------------

REFUSED = {
    "None": (lambda y: None, "FlatBNNRegressor requires y to be passed, but the target y is None"),
    "NaN": (lambda y: np.append(y[1:], np.nan), r"Input y contains NaN: the first at row 63\. Drop such rows"),
    "missing": (lambda y: [*y[1:].tolist(), None], r"Input y contains NaN: the first at row 63\. Drop such rows"),
    "masked": (lambda y: [*y[1:].tolist(), np.ma.masked], "Input y contains NaN: the first at row 63"),
    "infinite": (
        lambda y: np.append(y[1:], np.inf),
        "Input y contains infinity .*: the first at row 63",
    ),
    "infinite and NaN": (lambda y: np.r_[np.inf, y[2:], np.nan], "Input y contains NaN: the first at row 63"),
    "text": (lambda y: np.array(list("ab") * 32), "y holds 'a', a str, at row 0, and a regressor needs numbers"),
    "dates": (lambda y: np.full(64, "2020-01-01", "M8[D]"), "a datetime64, at row 0"),
    "complex": (lambda y: y + 1j, "Complex data not supported"),
    "long": (lambda y: [*y[1:].tolist(), 10**400], "a int, at row 63"),
    "too few": (lambda y: y[1:], "inconsistent numbers of samples"),
    "ragged": (lambda y: [[1], [2, 3]] * 32, "inhomogeneous"),
    "records": (lambda y: np.zeros(64, "f8,f8"), "structured array with the fields 'f0', 'f1'"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_targets_that_are_refused(case, waves, flat_regressor):
    make, message = REFUSED[case]
    with pytest.raises(ValueError, match=message):
        FlatBNNRegressor().fit(waves.X, make(waves.y))
    if case != "None":
        with pytest.raises(ValueError, match=message):
            flat_regressor.log_predictive_density(waves.X, make(waves.y))


def test_counts_that_are_refused(waves, counts_regressor):
    y = waves.counts.copy()
    y[[7, 9]] = -1
    message = r"Regressor with likelihood='poisson' cannot have the y of row 7, -1.0: poisson needs counts"
    with pytest.raises(ValueError, match=message):
        FlatBNNRegressor(likelihood="poisson").fit(waves.X, y)
    with pytest.raises(ValueError, match=message):
        counts_regressor.log_predictive_density(waves.X, y, groups=waves.groups)


def test_targets_at_the_ends_of_the_floats(waves, small):
    """Whatever has a float is predicted; a variance beyond all floats is infinite."""
    for factor in (1e-300, 1e-160, 1e160, 1e300):
        fitted = FlatBNNRegressor(**small).fit(waves.X, factor * waves.y)
        for method in ("predict", "predict_std", "predict_interval", "sample_predictive"):
            assert np.isfinite(getattr(fitted, method)(waves.X)).all()
        assert np.isinf(fitted.predict_uncertainty(waves.X).total).all() == (factor > 1)
    with pytest.raises(ValueError, match=r"y has 1e\+160 in row 3, and floats are not exact for counts above 2\*\*53"):
        FlatBNNRegressor(likelihood="poisson").fit(waves.X, np.where(np.arange(64) == 3, 1e160, 1))


@pytest.mark.parametrize("likelihood", ["poisson", "negative_binomial"])
def test_counts_of_rows_far_away(likelihood, waves, small):
    """The exponential of what a network without bounds makes of such a row would be beyond all floats."""
    params = {**small, "hidden_layer_sizes": (), "likelihood": likelihood}
    fitted = FlatBNNRegressor(**params).fit(waves.X, waves.counts)
    X = waves.X[:3] * [[1e2], [1e8], [-1e300]]  # (row, feature)
    for method in ("predict", "predict_std", "predict_interval", "sample_mean", "sample_predictive"):
        found = getattr(fitted, method)(X)
        assert ((found >= 0) & np.isfinite(found)).all(), method
    assert np.isfinite(fitted.predict_uncertainty(X).total).all()
    assert np.isfinite(fitted.log_predictive_density(X, waves.counts[:3])).all()
    low, high = fitted.predict_interval(X).T
    assert (low <= high).all()


@pytest.mark.parametrize("likelihood", ["bernoulli", "categorical", "gamma", None])
def test_likelihoods_that_are_refused(likelihood, waves):
    with pytest.raises(ValueError, match="The 'likelihood' parameter of FlatBNNRegressor must be a str among"):
        FlatBNNRegressor(likelihood=likelihood).fit(waves.X, waves.y)


def test_a_failed_fit_leaves_no_fit(flat_regressor, waves):
    estimator = pickle.loads(pickle.dumps(flat_regressor))
    with pytest.raises(ValueError, match="NaN"):
        estimator.fit(waves.X, np.full(64, np.nan))
    with pytest.raises(NotFittedError):
        estimator.predict(waves.X)


# Other inference, diagnostics ----------------------------------------------------------------------------------------


@pytest.mark.usefixtures("interpreted")
@pytest.mark.filterwarnings("ignore:inference=:UserWarning")
@pytest.mark.parametrize(
    ("inference", "likelihood"),
    [
        *((method, "normal") for method in ("laplace", "advi", "fullrank_advi", "map", "metropolis", "pymc")),
        *((method, "poisson") for method in ("laplace", "advi", "map")),
    ],
)
def test_every_inference(inference, likelihood, waves):
    """Of a linear model with enough rows all predict as NUTS does, and so are their intervals."""
    settings = {"hidden_layer_sizes": (), "likelihood": likelihood, "random_state": 0, "chains": 2, "draws": 600}
    y = waves.counts if likelihood == "poisson" else waves.y
    nuts = FlatBNNRegressor(**settings).fit(waves.X, y)
    few = {"tune": 1500, "draws": 1500} if inference == "metropolis" else {}
    fitted = FlatBNNRegressor(**{**settings, **few}, inference=inference).fit(waves.X, y)
    # Where ADVI stops moves by some 0.4 standard deviations from seed to seed.
    error = nuts.predict_std(waves.X) + 0.04 * y.std()  # (row,)
    assert (np.abs(fitted.predict(waves.X) - nuts.predict(waves.X)) < error).all()
    moved = fitted.predict_interval(waves.X, 0.8) - nuts.predict_interval(waves.X, 0.8)  # (row, 2)
    assert (np.abs(moved) <= error[:, None] + (likelihood == "poisson")).all()  # of counts the next one


def test_the_error_is_told_in_standard_deviations_of_y(counts_regressor, hierarchical_regressor, waves):
    """Of a mean of the counts of a probe row, by ArviZ and in the unit that divides counts."""
    from skhbnn.support.libraries import import_arviz

    for fitted, y in ((counts_regressor, waves.counts), (hierarchical_regressor, waves.y)):
        probes = fitted.diagnostics_.probe_rows
        mean = fitted.sample_mean(waves.X[probes], groups=waves.groups[probes])  # (chain * draw, probe)
        mean = mean.reshape(2, 50, -1) / y.std()  # (chain, draw, probe)
        ess = [float(import_arviz().ess(mean[:, :, k], method="mean")) for k in range(mean.shape[2])]
        expected = mean.std(axis=(0, 1)) / np.sqrt(ess)  # (probe,)
        np.testing.assert_allclose(fitted.diagnostics_.mcse, expected, rtol=1e-3)


def test_phrases_of_diagnostics(hierarchical_regressor, hierarchical):
    import dataclasses

    of_numbers = dataclasses.replace(hierarchical_regressor.diagnostics_, tol=1e-9).doubts()[0]
    assert "of the mean, in standard deviations of y, at row " in of_numbers
    assert "(above tol=1e-09)" in of_numbers
    of_classes = dataclasses.replace(hierarchical.diagnostics_, tol=1e-9).doubts()[0]
    assert "of the probability at row " in of_classes
    assert any("of the output at row" in text for text in hierarchical_regressor.diagnostics_.problems())
    assert any("of the logit at row" in text for text in hierarchical.diagnostics_.problems())


def test_tol_stops_at_the_error(waves):
    settings = {"hidden_layer_sizes": (), "draws": 2000, "random_state": 0}
    fitted = FlatBNNRegressor(tol=0.02, **settings).fit(waves.X, waves.y)
    assert fitted.posterior_.weights.shape[1] < 2000
    assert (fitted.diagnostics_.mcse <= 0.02).all()


# Classifiers ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["flat", "hierarchical", "informed"])
def test_log_predictive_density_of_classes(name, request, moons):
    fitted = request.getfixturevalue(name)
    groups = {"groups": moons.groups_new} if name == "hierarchical" else {}
    found = fitted.log_predictive_density(moons.X_new, moons.y, **groups)
    expected = fitted.predict_log_proba(moons.X_new, **groups)[np.arange(len(moons.y)), moons.y]
    np.testing.assert_allclose(found, expected, rtol=1e-9)
    with pytest.raises(ValueError, match=r"y has classes that fit did not see: \[5\]; it saw \[0, 1\]"):
        fitted.log_predictive_density(moons.X_new[:2], [0, 5], **({"groups": moons.groups[:2]} if groups else {}))


def test_tasks_are_known():
    assert all(map(is_regressor, (FlatBNNRegressor(), HierarchicalBNNRegressor(), InformedPriorBNNRegressor())))
    assert is_regressor(PerGroupRegressor(FlatBNNRegressor()))
    assert not any(map(is_regressor, (FlatBNNClassifier(), HierarchicalBNNClassifier(), InformedPriorBNNClassifier())))
