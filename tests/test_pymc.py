"""The PyMC models: what they are called, that PyMC's own functions run on them, and the compiled Op in them."""

import warnings

import numpy as np
import pymc as pm
import pytensor
import pytensor.tensor as pt
import pytest
import reference
from models import flat_model, hierarchical_model, informed_model, likelihood_of
from scipy.optimize import approx_fprime
from scipy.special import expit

from skhbnn.data.rows import group_rows
from skhbnn.density.loglik_op import NetworkLogLikelihood
from skhbnn.density.pymc_model import build_model, unconstrained
from skhbnn.inference.trace import Trace
from skhbnn.model.network import Network
from skhbnn.model.terms import Layout
from skhbnn.posterior.from_trace import posterior_from_trace

NETWORK = Network((2, 3, 3), "tanh", True)


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(0)
    codes = np.repeat([0, 1, 2], [4, 1, 6])  # (row,)
    X, y = rng.normal(size=(11, 2)), rng.integers(0, 3, 11)  # (row, input), (row,)
    return group_rows(X, y, codes, ["north", "south", "west"])[0]


def quiet(function, *args, **kwargs):
    """Without PyMC's advice about few draws."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return function(*args, **kwargs)


def values(result, name):
    return np.asarray(result[name])


@pytest.mark.parametrize("fused", [True, False])
def test_variables_dims_and_coords_are_named(data, fused):
    model = hierarchical_model(NETWORK, np.ones(2), ("partial", "complete"), "normal", "half_cauchy")
    pymc_model = build_model(model, data, ["age", "height"], fused=fused)
    assert [variable.name for variable in pymc_model.free_RVs] == [
        *("group_scale", "coef_0_z", "coef_0_mean", "intercept_0_z", "intercept_0_mean", "coef_1", "intercept_1")
    ]
    assert pymc_model.coords["group"] == ("north", "south", "west")
    assert pymc_model.coords["input"] == ("age", "height")
    assert pymc_model.coords["learned_part"] == ("coef_0", "intercept_0")
    dims = pymc_model.named_vars_to_dims
    assert tuple(dims["coef_0"]) == ("group", "input", "unit_0")
    assert tuple(dims["coef_1"]) == ("unit_0", "unit_1")
    assert tuple(dims["X"]) == ("row", "input")
    np.testing.assert_array_equal(pymc_model["X"].get_value(), data.X)
    np.testing.assert_array_equal(pymc_model["y_observed"].get_value(), data.y)


def test_variables_of_affine_pooling(data):
    """The shared matrix is a variable of its own, and what the groups have is made of it and their maps."""
    model = hierarchical_model(NETWORK, np.ones(2), ("affine", "complete"))
    pymc_model = build_model(model, data, ["age", "height"])
    assert {variable.name for variable in pymc_model.free_RVs} == {
        *("group_scale", "coef_0_mean", "intercept_0_mean", "input_map_z", "input_shift_z", "coef_1", "intercept_1")
    }
    assert pymc_model.coords["learned_part"] == ("input_map", "input_shift")
    dims = pymc_model.named_vars_to_dims
    assert tuple(dims["input_map"]) == ("group", "input", "mapped_input")
    assert tuple(dims["input_shift"]) == ("group", "mapped_input")
    assert pymc_model.coords["mapped_input"] == ("age", "height")
    with pymc_model:
        prior = quiet(pm.sample_prior_predictive, 50, random_seed=0)
    found = {name: values(prior.prior, name)[0] for name in ("coef_0", "coef_0_mean", "input_map", "input_shift")}
    expected = np.einsum("dgik,dku->dgiu", found["input_map"], found["coef_0_mean"])  # (draw, group, input, unit)
    np.testing.assert_allclose(found["coef_0"], expected, rtol=1e-10, atol=1e-12)
    shifted = values(prior.prior, "intercept_0_mean")[0][:, None]  # (draw, 1, unit)
    shifted = shifted + np.einsum("dgk,dku->dgu", found["input_shift"], found["coef_0_mean"])  # (draw, group, unit)
    np.testing.assert_allclose(values(prior.prior, "intercept_0")[0], shifted, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("n_outputs", [1, 3])
def test_op_equals_numpy_for_rows_in_any_order(n_outputs):
    rng = np.random.default_rng(1)
    network = Network((2, 4, n_outputs), "logistic", True)
    weights = rng.normal(size=(3, network.n_weights))  # (group, weight)
    group = rng.integers(0, 3, 90)  # (row,), unsorted
    X, y = rng.normal(size=(90, 2)), rng.integers(0, max(2, n_outputs), 90)  # (row, input), (row,)
    row_weights = rng.normal(size=90)  # (row,)
    expected = [reference.log_likelihood(network, weights[g], x, code) for g, x, code in zip(group, X, y, strict=True)]
    w = pt.matrix("weights", dtype="float64")
    op = NetworkLogLikelihood(network, likelihood_of(network))
    rows = op.make_node(w, np.empty(0), X, y, group, np.ones(90), np.empty((0, n_outputs))).outputs[0]
    for total in (rows.sum(), (row_weights * rows).sum()):  # the ready gradient, and the general one
        function = pytensor.function([w], [rows, pytensor.grad(total, w)])
        logliks, gradient = function(weights)
        np.testing.assert_allclose(logliks, expected, rtol=1e-10, atol=1e-12)
        scalar = pytensor.function([w], total, mode="FAST_COMPILE")
        numeric = approx_fprime(weights.ravel(), lambda flat: scalar(flat.reshape(weights.shape)), 1e-6)  # noqa: B023
        np.testing.assert_allclose(gradient.ravel(), numeric, rtol=1e-4, atol=1e-4)


def test_op_has_no_second_derivative():
    w = pt.matrix("weights", dtype="float64")
    network = Network((1, 1), "tanh", False)
    op = NetworkLogLikelihood(network, "bernoulli")
    rows = op.make_node(w, np.empty(0), np.ones((2, 1)), [0, 1], [0, 0], np.ones(2), np.empty((0, 1))).outputs[0]
    gradient = pytensor.grad(rows.sum(), w)
    with pytest.raises(
        (NotImplementedError, TypeError, ValueError), match=r"(?i)not.implemented|first derivative|null"
    ):
        pytensor.grad(gradient.sum(), w)


MODELS = [
    flat_model(NETWORK, np.ones(2), "laplace"),
    hierarchical_model(NETWORK, np.ones(2), ("partial", "none"), "student_t", "inverse_gamma"),
    informed_model(NETWORK, np.full(NETWORK.n_weights, 0.1), 0.5 * np.eye(NETWORK.n_weights)),
]


@pytest.mark.parametrize("model", MODELS, ids=["flat", "hierarchical", "informed"])
def test_pymc_functions_run_on_the_model(model, data, request):
    """Prior and posterior predictive draws, sampling and variational inference, all with named variables."""
    if not model.levels:  # compiling takes seconds: once is enough
        request.getfixturevalue("interpreted")
    rows = data if model.levels else group_rows(data.X, data.y, np.zeros(11, int), ["all"])[0]
    with build_model(model, rows):
        prior = quiet(pm.sample_prior_predictive, 20, random_seed=0)
        assert values(prior["prior_predictive"], "y").shape == (1, 20, 11)
        assert set(np.unique(values(prior["prior_predictive"], "y"))) <= {0, 1, 2}
        approximation = quiet(pm.fit, 20, progressbar=False, random_seed=0)
        assert len(approximation.hist) == 20
        settings = {"draws": 10, "tune": 10, "chains": 1, "cores": 1, "random_seed": 0, "progressbar": False}
        trace = quiet(pm.sample, **settings, compute_convergence_checks=False)
        predictive = quiet(pm.sample_posterior_predictive, trace, random_seed=0, progressbar=False)
        assert values(predictive["posterior_predictive"], "y").shape == (1, 10, 11)
    layout = Layout(model, rows.members)
    x = unconstrained(layout, trace["posterior"])  # (chain, draw, n_dim)
    weights = values(trace["posterior"], "coef_1")[0, :, ..., 0]  # (draw, [group,] unit)
    posterior = posterior_from_trace(layout, Trace(x=x), 0)
    own = NETWORK.layers[1].matrix(posterior.weights)[0, ..., 0]  # (draw, group, unit)
    np.testing.assert_allclose(own, weights.reshape(own.shape), rtol=1e-4, atol=1e-5)


def test_posterior_predictive_follows_the_network(data):
    """The distribution that PyMC draws outcomes from is the one whose likelihood the Op computes."""
    model = flat_model(Network((2, 1), "tanh", True), np.full(1, 1e-6))
    one = group_rows(data.X, data.y > 0, np.zeros(11, int), ["all"])[0]
    w = np.array([1.0, -2.0, 0.5])  # (weight,)
    with build_model(model, one) as pymc_model:
        point = {"coef_0": w[:2, None], "intercept_0": w[2:]}
        replaced = pm.do(pymc_model, point)
    outcomes = pm.draw(replaced["y"], 4_000, random_seed=0)  # (draw, row)
    p = expit(one.X @ w[:2] + w[2])  # (row,)
    assert np.all(np.abs(outcomes.mean(axis=0) - p) < 4.5 * np.sqrt(p * (1 - p) / 4_000))


def test_to_pymc_is_the_model_that_was_sampled(hierarchical, moons):
    """The density that NUTS reports for its draws is the PyMC model's."""
    pymc_model = hierarchical.to_pymc()
    plain = hierarchical.to_pymc(fused=False)
    names = [value.name for value in pymc_model.value_vars]
    point = {name: 0.1 * np.ones_like(value) for name, value in pymc_model.initial_point().items()}
    assert set(names) == set(point)
    logp = [model.compile_logp(mode="FAST_COMPILE")(point) for model in (pymc_model, plain)]
    np.testing.assert_allclose(*logp, rtol=1e-9)
    assert pymc_model.coords["group"] == tuple(hierarchical.groups_.tolist())


def test_other_rows_can_be_set(hierarchical):
    """Predicting inside PyMC: new rows through pm.set_data, drawn from the posterior."""
    with hierarchical.to_pymc() as pymc_model:
        pm.set_data({"X": np.zeros((5, 2)), "group_of_row": [3, 0, 1, 1, 2], "y_observed": [0, 0, 0, 0, 0]})
        drawn = pm.draw(pymc_model["y"], 3, random_seed=0)
    assert drawn.shape == (3, 5)
