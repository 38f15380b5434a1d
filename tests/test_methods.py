"""Draws by the methods of inference against quadrature or an optimum, and what is said of a bad choice of one."""

import warnings

import numpy as np
import pytensor
import pytest
from agreement import assert_moments, moments
from scipy import stats
from scipy.optimize import minimize
from scipy.special import logsumexp
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.model_selection import RandomizedSearchCV

import skhbnn
from conftest import quiet_fit
from skhbnn import FlatBNNClassifier, HierarchicalBNNClassifier, InformedPriorBNNClassifier
from skhbnn.estimators import prior_sources
from skhbnn.inference.methods import infer
from skhbnn.inference.trace import Settings

GRID = np.linspace(-7, 7, 561)  # (point,)


@pytest.fixture(scope="module")
def rows():
    """Twelve rows of one feature: logistic regression without an intercept has one weight."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(12, 1))  # (row, feature)
    return X, (rng.random(12) < 1 / (1 + np.exp(-2 * X[:, 0]))).astype(int)


def log_posterior(rows, w, prior):
    """Unnormalised log posterior density of slopes w (point,) for standardised inputs."""
    X, y = rows
    logits = w[:, None] * ((X[:, 0] - X[:, 0].mean()) / X[:, 0].std())  # (point, row)
    return (y * logits - np.logaddexp(0, logits)).sum(axis=1) + prior.logpdf(w)


def quadrature(rows, prior):
    """Mean and standard deviation of the slope."""
    return moments(GRID, log_posterior(rows, GRID, prior))


def fit(rows, inference="nuts", **params):
    settings = {"fit_intercept": False, "prior_scale": 1.0, "random_state": 0, "inference": inference, **params}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # PyMC's advice, and convergence of short runs
        return FlatBNNClassifier((), **settings).fit(*rows)


def assert_agrees(fitted, mean, std):
    assert_moments(fitted.posterior_.weights[:, :, 0, 0], mean, std, least_ess=200)


@pytest.mark.parametrize(
    ("family", "prior"),
    [
        ("normal", stats.norm(0, 1.5)),
        ("laplace", stats.laplace(0, 1.5)),
        ("student_t", stats.t(4, 0, 1.5)),
        ("cauchy", stats.cauchy(0, 1.5)),
    ],
)
def test_every_weight_prior_equals_quadrature(rows, family, prior):
    fitted = fit(rows, weight_prior=family, prior_scale=1.5, draws=2000)
    assert_agrees(fitted, *quadrature(rows, prior))


@pytest.mark.parametrize(
    ("inference", "params"),
    [
        ("metropolis", {"draws": 4000, "tune": 1000, "chains": 2}),
        ("pymc", {"draws": 1000, "chains": 2, "sample_kwargs": {"nuts_sampler": "pymc"}}),
    ],
)
def test_samplers_of_pymc_equal_quadrature(rows, inference, params):
    assert_agrees(fit(rows, inference, **params), *quadrature(rows, stats.norm()))


@pytest.mark.usefixtures("interpreted")
def test_steps_are_those_that_pymc_was_told_to_make(rows):
    fitted = fit(rows, "metropolis", draws=20, tune=20, chains=1, sample_kwargs={"tune": 60, "draws": 30})
    assert fitted.posterior_.weights.shape[1] == 30
    assert fitted.n_iter_ == 90


def test_map_equals_an_optimum_found_elsewhere(rows):
    fitted = fit(rows, "map")
    best = minimize(lambda w: -log_posterior(rows, w, stats.norm())[0], 0.0, method="Nelder-Mead", tol=1e-9)
    assert fitted.posterior_.weights.shape == (1, 1, 1, 1)
    np.testing.assert_allclose(fitted.posterior_.weights.item(), best.x[0], rtol=1e-4)
    assert np.all(fitted.predict_std(rows[0]) == 0)
    assert fitted.diagnostics_.converged


@pytest.mark.parametrize("inference", ["advi", "fullrank_advi"])
def test_advi_finds_the_best_normal_approximation(rows, inference):
    """Of one weight the posterior is nearly normal: the optimum of the ELBO is found by quadrature."""
    fitted = fit(rows, inference, draws=4000)
    elbo = fitted.diagnostics_.elbo
    assert len(elbo) == fitted.diagnostics_.n_iter
    nodes = np.linspace(-5, 5, 201)  # (node,)
    weights = stats.norm.pdf(nodes) / stats.norm.pdf(nodes).sum()  # (node,)

    def negative_elbo(parameters):
        mean, sigma = parameters[0], np.exp(parameters[1])
        expected = weights @ log_posterior(rows, mean + sigma * nodes, stats.norm())
        return -(expected + np.log(sigma) + 0.5 * np.log(2 * np.pi * np.e))

    best = minimize(negative_elbo, [0.0, 0.0], method="Nelder-Mead", tol=1e-9)
    draws = fitted.posterior_.weights.ravel()  # (draw,)
    assert abs(draws.mean() - best.x[0]) < 0.35  # where the optimiser ends varies by 0.09, its steps are 0.01
    np.testing.assert_allclose(draws.std(), np.exp(best.x[1]), rtol=0.12)
    assert abs(elbo[-500:].mean() + best.fun) < 0.1


def test_a_minibatch_stands_for_all_rows():
    """The likelihood of a minibatch is scaled up: its posterior is as narrow as that of all rows."""
    rng = np.random.default_rng(1)
    X = rng.normal(size=(400, 1))  # (row, feature)
    y = (rng.random(400) < 1 / (1 + np.exp(-X[:, 0]))).astype(int)  # (row,)
    mean, std = quadrature((X, y), stats.norm())
    fitted = fit((X, y), "advi", batch_size=50, draws=4000)
    draws = fitted.posterior_.weights.ravel()  # (draw,)
    assert abs(draws.mean() - mean) < std
    assert 2 / 3 * std < draws.std() < 1.5 * std  # unscaled it would be sqrt(8) times as wide
    # One coordinate is all but normal, and the bound all but the evidence, not a minibatch's share of it.
    evidence = logsumexp(log_posterior((X, y), GRID, stats.norm())) + np.log(GRID[1] - GRID[0])
    elbo = fitted.diagnostics_.elbo[-1000:]  # (iteration,)
    assert abs(elbo.mean() - evidence) < 1 + 4 * elbo.std() / np.sqrt(1000)


def test_progress_of_advi_ends_where_a_callback_stops_it(flat):
    """Also where the ELBO does so: all iterations that there were are told as all that there are."""

    def stop(approximation, losses, iteration):
        if iteration == 7:
            raise StopIteration

    told: list = []
    limits = {"inference": "advi", "chains": 1, "tune": 1, "draws": 10, "target_accept": 0.9, "cores": 1}
    settings = Settings(**limits, max_iter=5000, sample_kwargs={"callbacks": [stop]})
    with pytensor.config.change_flags(mode="FAST_COMPILE"):
        trace = infer(flat.posterior_.model, flat.training_data_, settings, 0, lambda *steps: told.append(steps))
    assert told == [(trace.n_iter, trace.n_iter)]
    assert trace.n_iter < 10


@pytest.mark.usefixtures("interpreted")
def test_metropolis_leaves_its_start_under_a_map_of_many_inputs():
    """At 0, where PyMC starts Metropolis steps, the factor of the map has no density."""
    rng = np.random.default_rng(0)
    X, groups = rng.normal(size=(20, 6)), np.repeat(np.arange(2), 10)  # (row, feature), (row,)
    limits = {"chains": 2, "tune": 5, "draws": 10, "random_state": 0}
    estimator = HierarchicalBNNClassifier((2,), inference="metropolis", pooling="affine", **limits)
    fitted = quiet_fit(estimator, X, (X[:, 0] > 0).astype(int), groups=groups)
    assert np.ptp(fitted.posterior_.group_mean, axis=1).max(axis=1).min() > 0  # in each chain
    assert np.isfinite(fitted.predict_proba(X, groups=groups)).all()


@pytest.mark.usefixtures("interpreted")
def test_fits_of_the_samplers_of_pymc_are_saved(rows, tmp_path):
    """PyMC counts the steps of NUTS by floats, which a file does not take."""
    fitted = fit(rows, "pymc", draws=10, tune=10, chains=1)
    fitted.save(tmp_path / "fit.skhbnn")
    loaded = skhbnn.load(tmp_path / "fit.skhbnn")
    np.testing.assert_array_equal(loaded.predict_proba(rows[0]), fitted.predict_proba(rows[0]))


@pytest.mark.usefixtures("interpreted")
def test_advi_warns_when_max_iter_ends_it(rows):
    with pytest.warns(ConvergenceWarning, match="still rising after 20 iterations: raise max_iter"):
        FlatBNNClassifier((), inference="advi", max_iter=20, random_state=0).fit(*rows)


@pytest.mark.usefixtures("interpreted")
def test_advi_that_turns_nan_names_the_iteration(rows):
    import pymc as pm

    fitted = fit(rows)
    fitted.set_params(inference="advi", sample_kwargs={"obj_optimizer": pm.sgd(learning_rate=1e200)})
    with np.errstate(all="ignore"), pytest.raises(FloatingPointError, match=r"advi turned NaN after iteration \d+"):
        fitted.fit(*rows)
    with pytest.raises(NotFittedError):
        fitted.predict(rows[0])


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"inference": "advi", "batch_size": 13}, "batch_size=13, but there are 12 rows"),
        ({"batch_size": 5}, "batch_size is only for inference='advi' or 'fullrank_advi', and inference='nuts'"),
        ({"sample_kwargs": {"cores": 1}}, "sample_kwargs is only for inference='advi'"),
        ({"inference": "vb"}, "'inference' parameter of FlatBNNClassifier must be a str among .*'nuts'"),
        ({"weight_prior": "horseshoe"}, "'weight_prior' parameter .* must be a str among .*'laplace'"),
        ({"prior_scale": -1.0}, "prior_scale"),
        ({"prior_scale": [1.0, 2.0, 1.0]}, "prior_scale has 3 entries, but the network has 1 layers"),
    ],
)
def test_bad_parameters_say_what_is_wrong(rows, params, message):
    with pytest.raises(ValueError, match=message):
        FlatBNNClassifier((), **params).fit(*rows)


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"pooling": ["partial"]}, r"pooling has 1 entries, but the network has 2 layers of weights \(1 hidden"),
        ({"pooling": ["partial", "some"]}, "must be one of 'complete', 'partial', 'none', 'affine', got 'some'"),
        ({"pooling": "full"}, "'pooling' parameter"),
        ({"group_scale_prior": "gamma"}, "'group_scale_prior' parameter .*'half_cauchy'"),
        ({"group_scale_prior": 0.0}, "'group_scale_prior' parameter"),
        ({"prior_scale": [1.0, 0.0]}, "prior_scale must be positive and finite in every layer"),
    ],
)
def test_bad_priors_of_groups_say_what_is_wrong(moons, params, message):
    with pytest.raises(ValueError, match=message):
        HierarchicalBNNClassifier((2,), **params).fit(moons.X, moons.y, groups=moons.groups)


def test_cauchy_groups_have_no_covariance_for_a_prior(fit_groups, moons, monkeypatch):
    """Refused before anything is computed from the draws."""
    fitted = fit_groups(groups=moons.groups, weight_prior="cauchy")
    monkeypatch.setattr(prior_sources, "weigh_chains", None)
    for now in ("cauchy", "normal"):  # what the fit was made with counts
        with pytest.raises(ValueError, match='weight_prior="cauchy"'):
            InformedPriorBNNClassifier.from_hierarchical(fitted.set_params(weight_prior=now))


@pytest.mark.usefixtures("interpreted")
@pytest.mark.parametrize(
    ("inference", "group_scale_prior"),
    [("laplace", "half_normal"), ("map", "half_normal"), ("laplace", 0.5), ("map", 0.5), ("advi", "half_normal")],
)
def test_methods_far_from_the_posterior_of_groups_say_so(inference, group_scale_prior, moons):
    """The mode only where scales are learned, with which it runs off."""
    params = {"group_scale_prior": group_scale_prior, "chains": 1, "max_iter": 5, "draws": 10, "random_state": 0}
    estimator = HierarchicalBNNClassifier((2,), inference=inference, **params)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        estimator.fit(moons.X, moons.y, groups=moons.groups)
    texts = [str(warning.message) for warning in caught if warning.category is UserWarning]
    if group_scale_prior == 0.5:
        assert texts == []
    else:
        assert len(texts) == 1
        assert texts[0].startswith(f"inference={inference!r} ")
        assert 'Use inference="nuts"' in texts[0]


def test_grid_search_reaches_every_choice(moons):
    """Priors, pooling and width as plain parameters, groups as a column."""
    table = np.c_[moons.X, moons.groups]  # (row, feature and group)
    grid = {
        "weight_prior": ["normal", "laplace", "student_t", "cauchy"],
        "group_scale_prior": ["half_normal", "half_cauchy", "inverse_gamma", 0.5],
        "pooling": ["partial", ["complete", "none"]],
        "prior_scale": [0.7, "fan_in", [1.0, 2.0]],
    }
    model = HierarchicalBNNClassifier((2,), groups=2, chains=1, tune=20, draws=20, random_state=0)
    search = RandomizedSearchCV(
        model, grid, n_iter=12, cv=2, scoring="neg_log_loss", random_state=0, error_score="raise"
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        search.fit(table, moons.y)
    assert np.all(np.isfinite(search.cv_results_["mean_test_score"]))
    assert len(np.unique(search.cv_results_["mean_test_score"])) > 6  # the choices do something
