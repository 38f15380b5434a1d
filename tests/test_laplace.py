"""Laplace's approximation against complex steps, quadrature and theory, and what the estimators make of it."""

import tracemalloc
import warnings
from dataclasses import replace

import numpy as np
import pytest
import reference
from models import flat_model, hierarchical_model, informed_model, random_rows
from processes import start
from scipy import stats
from scipy.special import expit, log_expit, softmax
from sklearn.base import clone
from sklearn.ensemble import BaggingClassifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import skhbnn
from conftest import quiet_fit
from skhbnn import FlatBNNClassifier, HierarchicalBNNClassifier, InformedPriorBNNClassifier, PerGroupClassifier
from skhbnn.data.rows import group_rows
from skhbnn.density.curvature import laplace_approximation
from skhbnn.density.density import Density
from skhbnn.density.forward import tangent_outputs
from skhbnn.inference import laplace
from skhbnn.inference.trace import Settings
from skhbnn.model import build
from skhbnn.model.network import Network
from skhbnn.model.terms import Layout
from skhbnn.model.weights import weight_tangent
from skhbnn.posterior.from_trace import posterior_from_trace

STEP = 1e-30  # of derivatives by complex numbers
SETTINGS = Settings(inference="laplace", chains=3, tune=1, draws=40, target_accept=0.9, cores=1, max_iter=1000)


def make_model(kind, activation="tanh", n_outputs=1, **priors):
    network = Network((2, 3, n_outputs), activation, True)
    if kind == "informed":
        factor = np.tril(np.random.default_rng(1).normal(size=(network.n_weights,) * 2)) / 4  # (weight, weight)
        return informed_model(network, np.linspace(-1, 1, network.n_weights), factor + np.eye(len(factor)))
    make = {"flat": flat_model, "hierarchical": hierarchical_model}[kind]
    return make(network, np.array([0.7, 1.3]), **priors)


def make_rows(sizes, n_classes=2):
    rng = np.random.default_rng(0)
    codes = np.repeat(np.arange(len(sizes)), sizes)  # (row,)
    X = rng.normal(size=(len(codes), 2))  # (row, feature)
    return group_rows(X, rng.integers(0, n_classes, len(codes)), codes, list(range(len(sizes))))[0]


CASES = {
    "flat": make_model("flat"),
    "flat, three classes, Laplace prior": make_model("flat", "logistic", 3, family="laplace"),
    "informed": make_model("informed"),
    "hierarchical": make_model("hierarchical", pooling=("partial", "partial")),
    "complete and partial pooling, Student's t": make_model(
        "hierarchical",
        "relu",
        pooling=("complete", "partial"),
        family="student_t",
        group_scale_prior="half_cauchy",
    ),
    "partial and no pooling, Cauchy, three classes": make_model(
        "hierarchical",
        n_outputs=3,
        pooling=("partial", "none"),
        family="cauchy",
        group_scale_prior="inverse_gamma",
    ),
    "affine": make_model("hierarchical", pooling=("affine", "complete")),
    "affine and partial pooling, Student's t, three classes": make_model(
        "hierarchical", "relu", 3, pooling=("affine", "partial"), family="student_t"
    ),
    "fixed group scale": make_model("hierarchical", "identity", pooling=("partial", "partial"), group_scale_prior=0.4),
}


@pytest.fixture(params=CASES.values(), ids=CASES)
def case(request):
    """A density and a point."""
    model = request.param
    sizes = [4, 0, 7] if model.levels else [9]
    density = Density(model, make_rows(sizes, max(2, model.network.n_outputs)))
    return density, np.random.default_rng(2).uniform(-0.8, 0.8, density.n_dim)


def weights_and_log_prior(model, x, n_groups):
    """Weights (..., group, weight) and log prior of x (..., n_dim), by the formulas of the docstrings."""
    if len(model.factor):
        return (model.location + x @ model.factor.T)[..., None, :], -0.5 * (x**2).sum(axis=-1)
    return reference.weights(model, x, n_groups)


def logits_of_rows(density, x):
    """Logits of every row at x (..., n_dim), (..., row, logit)."""
    weights, _ = weights_and_log_prior(density.model, x, density.data.n_groups)
    rows = zip(density.data.X, density.data.group_of_row, strict=True)
    return np.stack([reference.row_logits(density.model.network, weights[..., g, :], row) for row, g in rows], axis=-2)


def complex_steps(function, x):
    """Value at x (n_dim,), and derivatives, those with respect to x first."""
    return function(x), function(x + 1j * STEP * np.eye(len(x))).imag / STEP


def dense(normal):
    """The whole precision matrix."""
    n_shared, (n_groups, n, _) = len(normal.shared), normal.of_groups.shape
    precision = np.zeros((len(normal.mean),) * 2)  # (dim, dim)
    precision[:n_shared, :n_shared] = normal.shared
    for g in range(n_groups):
        own = slice(n_shared + g * n, n_shared + (g + 1) * n)
        precision[own, own] = normal.of_groups[g]
        precision[:n_shared, own], precision[own, :n_shared] = normal.cross[g], normal.cross[g].T
    return precision


def test_precision_is_that_of_gauss_and_newton(case):
    """Jacobians of the logits on both sides of the Hessians in the logits, less the Hessian of the log prior."""
    density, x = case
    logits, jacobian = complex_steps(
        lambda points: logits_of_rows(density, points), x
    )  # (row, logit), (dim, row, logit)
    if density.model.network.n_outputs == 1:
        hessian = (expit(logits) * expit(-logits))[:, :, None]  # (row, logit, logit)
    else:
        proba = softmax(logits, axis=1)  # (row, class)
        hessian = proba[:, :, None] * (np.eye(3) - proba[:, None])
    expected = np.einsum("irk,rkl,jrl->ij", jacobian, hessian, jacobian)  # (dim, dim)

    def score(point):
        prior = lambda points: weights_and_log_prior(density.model, points, density.data.n_groups)[1]  # noqa: E731
        return complex_steps(prior, point)[1]  # (dim,)

    h = 1e-5
    expected -= np.array([(score(x + h * unit) - score(x - h * unit)) / (2 * h) for unit in np.eye(len(x))])
    np.testing.assert_allclose(dense(laplace_approximation(density, x)), expected, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize(
    ("name", "n_classes"), [("ordinal", 5), ("normal", None), ("student_t", None), ("negative_binomial", None)]
)
def test_precision_of_rows_that_do_not_count_is_that_of_the_prior(name, n_classes):
    """With what the likelihood learns, whose prior need not be independent: derivatives one by one."""
    network = Network((2, 3, 1), "tanh", True)
    model = build.hierarchical_model(network, name, np.ones(2), ("partial", "complete"), n_classes=n_classes)
    data = random_rows([4, 5], 2, name, n_classes=n_classes)
    density = Density(model, replace(data, weights=np.zeros(9)))
    x = np.random.default_rng(0).uniform(-0.8, 0.8, density.n_dim)
    steps = 1e-5 * np.eye(len(x))  # (dim, dim)
    expected = [(density.logp_grad(x - step)[1] - density.logp_grad(x + step)[1]) / 2e-5 for step in steps]
    np.testing.assert_allclose(dense(laplace_approximation(density, x)), expected, rtol=1e-5, atol=1e-6)


def test_arrow_of_blocks_is_a_normal_distribution(case):
    density, x = case
    normal = laplace_approximation(density, x)
    covariance = np.linalg.inv(dense(normal))  # (dim, dim)
    points = x + np.random.default_rng(3).normal(size=(5, len(x)))  # (draw, dim)
    expected = stats.multivariate_normal(x, covariance)
    np.testing.assert_allclose(normal.log_density(points), expected.logpdf(points), rtol=1e-8)
    np.testing.assert_allclose(normal.log_det, np.linalg.slogdet(dense(normal))[1], rtol=1e-10)

    class Units:
        """Standard normal "draws" that show the linear map from them to draws."""

        @staticmethod
        def standard_normal(shape):
            return np.eye(*shape)

    factor = normal.draw(Units, len(x)) - x  # (dim, dim)
    np.testing.assert_allclose(factor.T @ factor, covariance, rtol=1e-7, atol=1e-9)


def test_tangent_of_the_weights(case):
    density, x = case
    n_groups = density.data.n_groups
    steps = np.random.default_rng(4).normal(size=(3, len(x)))  # (draw, dim)
    value, slopes = complex_steps(lambda points: weights_and_log_prior(density.model, points, n_groups)[0], x)
    expected = value + np.einsum("igw,di->dgw", slopes, steps)  # (draw, group, weight)
    np.testing.assert_allclose(weight_tangent(density.layout, x).along(steps), expected, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("activation", ["tanh", "relu", "logistic", "identity"])
@pytest.mark.parametrize("fit_intercept", [True, False])
def test_linearized_network(activation, fit_intercept):
    network = Network((2, 4, 3, 3), activation, fit_intercept)
    rng = np.random.default_rng(0)
    weights, points = rng.normal(size=(2, 5, network.n_weights))  # (draw, weight) each
    X = rng.normal(size=(6, 2))  # (row, feature)
    found = tangent_outputs(network, weights, points, X)  # (draw, logit, row)
    for draw, (w, w0) in enumerate(zip(weights, points, strict=True)):
        for row, x in enumerate(X):
            value, slopes = complex_steps(lambda w, x=x: reference.row_logits(network, w, x), w0)
            np.testing.assert_allclose(found[draw, :, row], value + (w - w0) @ slopes, rtol=1e-9, atol=1e-12)


def test_linearized_predictions_are_a_tangent_in_the_unconstrained_vector(case, monkeypatch):
    """From the draws to the logits at once, with the modes of a fit; of a fit whose importance weights are no good."""
    monkeypatch.setattr(laplace, "PARETO_K_LIMIT", -np.inf)
    network = replace(case[0].model.network, activation="tanh")  # modes of relu lie on its kinks
    density = replace(case[0], model=replace(case[0].model, network=network))
    model, data = density.model, density.data
    trace = laplace.infer(model, data, SETTINGS, 0)
    posterior = posterior_from_trace(Layout(model, data.members), trace, 0)
    found = [
        posterior.predictor.forward(posterior.group_parameters(g).astype(float), data.X) for g in range(data.n_groups)
    ]
    for draw, mode in enumerate(trace.statistics["mode"][0]):
        value, slopes = complex_steps(lambda points: logits_of_rows(density, points), trace.modes[mode])
        expected = value + np.einsum("irk,i->rk", slopes, trace.x[0, draw] - trace.modes[mode])  # (row, logit)
        of_row = [found[g][draw, :, row] for row, g in enumerate(data.group_of_row)]
        np.testing.assert_allclose(of_row, expected, rtol=1e-4, atol=1e-4 * np.abs(expected).max())  # float32


def test_modes_are_weighted_by_their_evidence():
    """A hidden unit and its mirror image, which the prior tells apart; their shares of the posterior by quadrature."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(200, 1))  # (row, feature)
    y = (rng.random(200) < expit(2.5 * np.tanh(1.5 * X[:, 0]))).astype(int)  # (row,)
    data, _ = group_rows(X, y, np.zeros(200, int), ["all"])
    mean, cov = np.array([0.3, 0.1]), np.diag([1.0, 2.0])
    model = informed_model(Network((1, 1, 1), "tanh", False), mean, np.linalg.cholesky(cov))
    grid = np.linspace(-6, 6, 200)  # (point,)
    w = np.stack(np.meshgrid(grid, grid, indexing="ij"), axis=-1)  # (point, point, weight)
    logits = w[..., 1, None] * np.tanh(w[..., :1] * data.X[:, 0])  # (point, point, row)
    log_posterior = log_expit(np.where(data.y == 1, logits, -logits)).sum(axis=-1)
    log_posterior += stats.multivariate_normal(mean, cov).logpdf(w)
    posterior = np.exp(log_posterior - log_posterior.max())
    share = posterior[grid > 0].sum() / posterior.sum()
    assert 0.6 < share < 0.95

    density = Density(model, data)
    tops = laplace.climb(density, replace(SETTINGS, chains=8), 0)
    modes, log_evidence = laplace._distinct_modes(density, tops)
    assert len(modes) == 2
    evidence = posterior.sum() * np.exp(log_posterior.max()) * (grid[1] - grid[0]) ** 2
    np.testing.assert_allclose(np.exp(log_evidence).sum(), evidence, rtol=0.25)  # an approximation
    found = softmax(log_evidence)[[normal.mean[0] + mean[0] > 0 for normal in modes]].sum()
    assert found == pytest.approx(share, abs=0.03)

    trace = laplace.infer(model, data, replace(SETTINGS, chains=8, draws=4000), 0)
    assert trace.modes is None  # importance weights correct the draws
    weights = posterior_from_trace(Layout(model, data.members), trace, 0).weights[0, :, 0]  # (draw, weight)
    assert np.mean(weights[:, 0] > 0) == pytest.approx(share, abs=0.02)
    for i in range(2):
        marginal = posterior.sum(axis=1 - i) / posterior.sum()  # (point,)
        assert weights[:, i].mean() == pytest.approx(marginal @ grid, abs=0.06)
        assert (weights[:, i] ** 2).mean() == pytest.approx(marginal @ grid**2, rel=0.06)


def test_mirror_images_are_one_mode():
    density = Density(make_model("flat"), make_rows([40]))
    tops = laplace.climb(density, replace(SETTINGS, chains=12), 0)
    heights = np.array([-top.fun for top in tops])  # (start,)
    modes, _ = laplace._distinct_modes(density, tops)
    assert len(modes) < len(np.unique(np.round([top.x for top in tops], 3), axis=0))
    assert len(modes) >= len(np.unique(np.round(heights, 0)))


@pytest.mark.parametrize("rate", [1.5, 2.5, 5.0])
def test_pareto_k_of_a_known_tail(rate):
    """Of draws from Exponential(rate), weighed to Exponential(1), the weights are Pareto with k = 1 - 1 / rate."""
    x = np.random.default_rng(0).exponential(1 / rate, 20_000)  # (candidate,)
    log_weights, pareto_k = laplace._smoothed((rate - 1) * x)
    assert pareto_k == pytest.approx(1 - 1 / rate, abs=0.1)
    assert log_weights.shape == x.shape


@pytest.mark.parametrize("spread", 10.0 ** np.arange(1, 30, 2))
def test_hopeless_ratios_are_never_relied_on(spread):
    """All weight is with one candidate or a few, and the others underflow."""
    for seed in range(5):
        _, pareto_k = laplace._smoothed(spread * np.random.default_rng(seed).normal(size=2000))
        assert pareto_k > 0.7


def test_ratios_that_are_not_finite_have_no_weight():
    ratios = np.random.default_rng(0).normal(size=500)  # (candidate,)
    ratios[[3, 200]] = -np.inf, np.nan
    log_weights, _ = laplace._smoothed(ratios)
    assert np.all(softmax(log_weights)[[3, 200]] < 1e-3)


# Fits ---------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def linearized(moons):
    """A fit of groups whose Pareto k is far above the limit."""
    estimator = HierarchicalBNNClassifier((3,), group_scale_prior=0.5, inference="laplace", draws=50, random_state=0)
    with pytest.warns(ConvergenceWarning, match=r"Pareto k .* \(above 0.7\): the posterior is not near normal"):
        return estimator.fit(moons.X, moons.y, groups=moons.groups)


def test_unseen_groups_of_a_linearized_fit(linearized, moons):
    """Their logits are the tangent at the group mean of the mode, along the weights drawn for them."""
    posterior, X = linearized.posterior_, linearized.standardizer_.transform(moons.X_new)
    weights = posterior.population_weights("unseen").astype(float)  # (draw, weight)
    at = posterior.mode_group_mean[posterior.sample_stats["mode"][0]].astype(float)  # (draw, weight)
    found = linearized.sample_proba(moons.X_new, groups=["unseen"] * 60)[:, :, 1]  # (draw, row)
    for draw in (0, 17, 49):
        value, slopes = complex_steps(
            lambda w: np.stack([reference.row_logits(posterior.network, w, x) for x in X], axis=-2), at[draw]
        )
        expected = expit(value + np.einsum("wrk,w->rk", slopes, weights[draw] - at[draw]))[:, 0]  # (row,)
        np.testing.assert_allclose(found[draw], expected, rtol=1e-6, atol=1e-9)


def test_log_likelihood_of_a_linearized_fit(linearized, moons):
    labelled = linearized.to_arviz()
    found = np.asarray(labelled["log_likelihood"]["y"])[0]  # (draw, row)
    proba = linearized.sample_proba(moons.X, groups=moons.groups)  # (draw, row, class)
    np.testing.assert_allclose(np.exp(found), proba[:, np.arange(60), moons.y], rtol=1e-9)


def test_draws_of_a_linearized_network_make_no_prior(linearized, moons):
    with pytest.raises(ValueError, match="linearised around its modes"):
        InformedPriorBNNClassifier.from_hierarchical(linearized)
    with pytest.raises(ValueError, match="linearised around its modes"):
        InformedPriorBNNClassifier.from_posterior(linearized, group=0)


def test_saved_and_loaded(linearized, moons, tmp_path):
    linearized.save(tmp_path / "fit")
    loaded = skhbnn.load(tmp_path / "fit")
    groups = [*moons.groups_new[:-1], "unseen"]
    expected = linearized.predict_proba(moons.X_new, groups=groups)
    np.testing.assert_array_equal(loaded.predict_proba(moons.X_new, groups=groups), expected)
    assert loaded.diagnostics_.pareto_k == linearized.diagnostics_.pareto_k
    linearized.posterior_.sample_stats["mode"][0, 3] += 9
    try:
        with pytest.raises(ValueError, match=r"sample_stats\['mode'\] are not modes"):
            linearized.save(tmp_path / "fit")
    finally:
        linearized.posterior_.sample_stats["mode"][0, 3] -= 9


def test_the_same_seed_gives_the_same_draws_for_any_order(moons):
    estimator = FlatBNNClassifier((2,), inference="laplace", chains=2, draws=30, random_state=0)
    proba = quiet_fit(estimator, moons.X, moons.y).predict_proba(moons.X_new)
    order = np.random.default_rng(0).permutation(60)  # (row,)
    shuffled = quiet_fit(estimator, moons.X[order], moons.y[order]).predict_proba(moons.X_new)
    np.testing.assert_array_equal(shuffled, proba)


def test_first_fit_of_a_process_is_silent_without_a_cache(tmp_path):
    """It imports ArviZ, whose version 0.23 keeps in a cache when it last announced its next version."""
    (tmp_path / "file").touch()
    code = """
import warnings
import numpy as np
from sklearn.exceptions import ConvergenceWarning
from skhbnn import FlatBNNClassifier
warnings.simplefilter("ignore", ConvergenceWarning)
FlatBNNClassifier((), inference="laplace", draws=10).fit(np.arange(20.0)[:, None], np.arange(20) % 2)
"""
    process = start(code, XDG_CACHE_HOME=str(tmp_path / "file" / "cache"))
    assert (*process.communicate(), process.returncode) == ("", "", 0)


def test_fewest_draws(moons):
    """Four draws of a hundred dimensions and more have a Pareto k too."""
    fitted = quiet_fit(FlatBNNClassifier((40,), inference="laplace", chains=1, draws=4), moons.X, moons.y)
    assert fitted.posterior_.weights.shape == (1, 4, 1, 161)
    assert fitted.diagnostics_.pareto_k > 0


def test_max_iter(moons):
    with pytest.warns(ConvergenceWarning, match="still rising after 2 iterations: raise max_iter"):
        FlatBNNClassifier((2,), inference="laplace", max_iter=2).fit(moons.X, moons.y)


def test_memory_is_asked_for(monkeypatch):
    """The peak beside the estimate: where draws outweigh everything, and where matrices do."""
    X, y = np.random.default_rng(0).normal(size=(8, 2)), np.arange(8) % 2  # (row, feature), (row,)
    asked: list = []
    monkeypatch.setattr(laplace, "require_memory", lambda n_bytes, *_: asked.append(n_bytes))
    params = {"inference": "laplace", "chains": 1, "max_iter": 5, "random_state": 0}
    quiet_fit(FlatBNNClassifier((2,), draws=4, **params), X, y)  # what is made once for all fits
    for hidden, draws in [((5,), 8000), ((25, 25), 4)]:
        tracemalloc.start()
        quiet_fit(FlatBNNClassifier(hidden, draws=draws, **params), X, y)
        assert 0.5 < tracemalloc.get_traced_memory()[1] / asked[-1] < 1.2
        tracemalloc.stop()


def test_matrices_that_do_not_fit_are_refused(moons):
    estimator = FlatBNNClassifier((10_000,), inference="laplace", chains=2)
    with pytest.raises(
        MemoryError, match=r"Precision matrices of 2 modes, and 50 draws, of 40001 .*lower hidden_layer"
    ):
        estimator.fit(moons.X, moons.y)


# Refits of groups ---------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def prior(moons):
    params = {"chains": 2, "tune": 30, "draws": 30, "random_state": 0}
    fitted = quiet_fit(HierarchicalBNNClassifier((3,), **params), moons.X, moons.y, groups=moons.groups)
    return InformedPriorBNNClassifier.from_hierarchical(fitted)


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_refits_are_those_groups_whose_first_fit_has_problems(n_jobs, prior, moons):
    def fit(inference, max_iter=1000, **params):
        inner = clone(prior).set_params(inference=inference, chains=1, max_iter=max_iter)
        inner = make_pipeline(StandardScaler(), inner)
        estimator = PerGroupClassifier(inner, random_state=0, n_jobs=n_jobs, **params)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            fits = estimator.fit(moons.X, moons.y, groups=moons.groups).estimators_
        return {label: pipeline[-1] for label, pipeline in fits.items()}, caught

    max_iter = int(np.median([each.n_iter_ for each in fit("laplace")[0].values()]))  # too few for some groups
    (first, _), (second, _) = fit("laplace", max_iter), fit("nuts")
    found, caught = fit("laplace", max_iter, refit_inference="nuts")
    bad = {label for label, each in first.items() if each.diagnostics_.problems()}
    assert bad
    for label, each in found.items():
        expected = second[label] if label in bad else first[label]
        assert each.inference == expected.inference
        np.testing.assert_array_equal(each.posterior_.weights, expected.posterior_.weights)
    assert not any("Pareto" in str(warning.message) or "max_iter" in str(warning.message) for warning in caught)


def test_refit_of_one_group(prior, moons, tmp_path):
    inner = FlatBNNClassifier((3,), inference="laplace", draws=20, random_state=0)
    fitted = PerGroupClassifier(inner, refit_inference="map").fit(moons.X, moons.y)
    assert [each.inference for each in fitted.estimators_.values()] == ["map"]
    fitted.save(tmp_path / "fit")
    assert skhbnn.load(tmp_path / "fit").refit_inference == "map"


def test_updates_are_refitted_too(prior, moons):
    estimator = PerGroupClassifier(clone(prior).set_params(inference="laplace"), refit_inference="nuts")
    quiet_fit(estimator, moons.X, moons.y, groups=moons.groups)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        estimator.update(moons.X_new, moons.y, groups=moons.groups_new)
    for label, fitted in estimator.estimators_.items():
        old, new = moons.groups == label, moons.groups_new == label  # (row,) each
        alone = clone(prior).set_params(inference="laplace")
        quiet_fit(alone, np.vstack([moons.X[old], moons.X_new[new]]), [*moons.y[old], *moons.y[new]])
        assert fitted.inference == ("nuts" if alone.diagnostics_.problems() else "laplace")


class Warned(FlatBNNClassifier):
    """A good fit that warns of something else."""

    def fit(self, X, y):
        warnings.warn("of something else", UserWarning, stacklevel=2)
        return super().fit(X, y)


def test_other_warnings_of_a_good_fit_are_kept():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(80, 1))  # (row, feature)
    y = (X[:, 0] + rng.normal(size=80) > 0).astype(int)  # (row,)
    inner = Warned((), inference="laplace", random_state=0)
    with pytest.warns(UserWarning, match="of something else") as caught:
        fitted = PerGroupClassifier(inner, refit_inference="nuts").fit(X, y)
    assert [str(warning.message) for warning in caught].count("of something else") == len(caught) - 1  # and no groups
    assert [each.inference for each in fitted.estimators_.values()] == ["laplace"]


@pytest.mark.parametrize(
    ("inner", "message"),
    [
        (LogisticRegression(), "refit_inference needs an estimator with a parameter inference, and LogisticRegression"),
        (
            BaggingClassifier(FlatBNNClassifier((), inference="map"), n_estimators=1),
            "refit_inference needs diagnostics_, and BaggingClassifier fits a copy of its FlatBNNClassifier",
        ),
    ],
)
def test_estimators_without_diagnostics_cannot_be_fitted_again(inner, message, moons):
    with pytest.raises(ValueError, match=message):
        PerGroupClassifier(inner, refit_inference="nuts").fit(moons.X, moons.y)


def test_checkpoint_belongs_to_one_refit_inference(moons, tmp_path):
    inner = FlatBNNClassifier((), inference="map", random_state=0)
    estimator = PerGroupClassifier(inner, checkpoint=tmp_path / "run", random_state=0)
    estimator.fit(moons.X, moons.y, groups=moons.groups)
    with pytest.raises(ValueError, match="refit_inference"):
        estimator.set_params(refit_inference="laplace").fit(moons.X, moons.y, groups=moons.groups)
