"""What every registered likelihood keeps to: formulas, compiled part, draws and PyMC's form say one and the same."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import pymc as pm
import pytensor.tensor as pt
import pytest
from agreement import (
    assert_close,
    assert_equals_pymc,
    assert_gradient_is_right,
    differences,
    logp_function,
    value_name,
)
from compiled_rows import run, scores
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from models import FORMS, in_form
from numba import njit
from scipy import integrate, special, stats

from skhbnn.data.rows import GroupedData
from skhbnn.density import compiled
from skhbnn.density.density import Density
from skhbnn.density.forward import network_form
from skhbnn.density.pymc_model import build_model
from skhbnn.model import build
from skhbnn.model.likelihoods import NAMES, likelihood
from skhbnn.model.likelihoods.base import ClassLikelihood, NumberLikelihood
from skhbnn.model.network import Network

FIXED = settings(derandomize=True, database=None, deadline=None, max_examples=30)
N_CLASSES = 3  # of likelihoods of classes
NUMBERS = [name for name in NAMES if isinstance(likelihood(name), NumberLikelihood)]


@dataclass(frozen=True)
class Case:
    """A likelihood in SciPy's words."""

    distribution: Callable  # outputs of a row (output,) and own numbers (own number,) -> a distribution of its target
    refused: list  # targets that ``check`` must refuse, each by itself
    own_of_identified: Callable = lambda own: own  # own numbers under which identified outputs have the likelihood


CASES = {
    "bernoulli": Case(lambda z, own: stats.bernoulli(special.expit(z[0])), [-1.0, 0.5, 2.0, np.nan]),
    "categorical": Case(
        lambda z, own: stats.rv_discrete(values=(np.arange(len(z)), np.exp(z) / np.exp(z).sum())),
        [-1.0, 0.5, np.nan],
    ),
    "negative_binomial": Case(
        lambda z, own: stats.nbinom(own[0] ** -2, 1 / (1 + own[0] ** 2 * np.exp(z[0]))), [-1.0, np.nan, np.inf]
    ),
    "normal": Case(lambda z, own: stats.norm(z[0], own[0]), [np.nan, np.inf, -np.inf]),
    "ordinal": Case(
        lambda z, own: stats.rv_discrete(
            values=(np.arange(len(own) + 1), np.diff(special.expit([-np.inf, *own - z[0], np.inf])))
        ),
        [-1.0, 0.5, 3.0, np.nan],
        lambda own: own - own[0],
    ),
    "student_t": Case(lambda z, own: stats.t(own[1], z[0], own[0]), [np.nan, np.inf, -np.inf]),
    "poisson": Case(lambda z, own: stats.poisson(np.exp(z[0])), [-1.0, np.nan, np.inf]),
}
COUNTS = [name for name in NUMBERS if likelihood(name).is_count]


@pytest.fixture(scope="module", params=NAMES)
def name(request):
    """The name of every registered likelihood."""
    if request.param not in CASES:
        pytest.fail(f"The likelihood {request.param!r} has no entry in CASES: say there what SciPy calls it.")
    return request.param


def likelihood_of(name):
    """The likelihood, of N_CLASSES where the number of classes matters."""
    return likelihood(name).of_classes(N_CLASSES)


def n_outputs_of(name):
    return likelihood_of(name).n_outputs(N_CLASSES)


def example(name, n_rows, seed=0):
    """Outputs (output, row), own numbers (own number,) and targets (row,) that the likelihood draws."""
    kind, rng = likelihood_of(name), np.random.default_rng(seed)
    outputs = rng.normal(size=(n_outputs_of(name), n_rows))  # (output, row)
    own = kind.own_from_unconstrained(0.4 * rng.normal(size=len(kind.own)))  # (own number,)
    return outputs, own, kind.draw(rng, outputs, own)


def distributions(name, outputs, own):
    return [CASES[name].distribution(z, own) for z in outputs.T]


def log_density(distribution, y):
    return distribution.logpmf(y) if hasattr(distribution, "logpmf") else distribution.logpdf(y)


def expectation(distribution, function):
    """The expectation of a function from targets (row,) to (..., row): by summation, or by quadrature."""
    low, high = distribution.support()
    if hasattr(distribution, "logpmf"):
        last = min(high, next(n for n in 2.0 ** np.arange(3, 20) if distribution.sf(n) < 1e-18))
        y = np.arange(low, last + 1)  # (target,)
        return function(y) @ distribution.pmf(y)
    return integrate.quad_vec(lambda y: distribution.pdf(y) * function(np.array([y]))[..., 0], low, high)[0]


def responses(name, y, n_responses):
    """Targets (row,) as what ``mean`` is the mean of: numbers, or indicators of classes, (response, row)."""
    if not isinstance(likelihood_of(name), ClassLikelihood):
        return np.asarray(y, dtype=float)[None]
    codes = [1] if n_responses == 1 else range(n_responses)
    return np.array([y == code for code in codes], dtype=float)


# The compiled part ---------------------------------------------------------------------------------------------------


def test_log_likelihood_is_scipys(name):
    """Under several draws at once, each with own numbers of its own."""
    draws = [example(name, 20, seed) for seed in range(3)]
    outputs, own, y = (np.stack(parts) for parts in zip(*draws, strict=True))  # (draw, ...)
    found = likelihood_of(name).log_likelihood(outputs, y[0], own)  # (draw, row)
    expected = [
        [log_density(distribution, target) for distribution, target in zip(row, y[0], strict=True)]
        for row in (distributions(name, z, numbers) for z, numbers in zip(outputs, own, strict=True))
    ]
    np.testing.assert_allclose(found, expected, rtol=1e-11, atol=1e-13)


def test_compiled_rows_equal_the_formula(name):
    """Values, and derivatives in the outputs and in the own numbers."""
    kind = likelihood_of(name)
    outputs, own, y = example(name, 100)
    outputs *= 2
    values, of_outputs, of_own = scores(name, outputs, own, y)
    np.testing.assert_allclose(values, kind.log_likelihood(outputs, y, own), rtol=1e-12, atol=1e-14)
    for r in range(len(y)):
        expected = differences(lambda z, r=r: kind.log_likelihood(z[:, None], y[r : r + 1], own)[0], outputs[:, r])
        np.testing.assert_allclose(of_outputs[:, r], expected, rtol=1e-10, atol=1e-11)
        expected = differences(
            lambda numbers, r=r: kind.log_likelihood(outputs[:, r, None], y[r : r + 1], numbers)[0],
            own,
            1e-2 * own.min(initial=1.0),
        )
        np.testing.assert_allclose(of_own[:, r], expected, rtol=1e-9, atol=1e-9)


def test_row_logliks_equal_the_formula(name):
    """The compiled function of the PyTensor Op: rows in any order, weighted gradients."""
    outputs, own, y = example(name, 90, seed=1)
    group = np.random.default_rng(0).permutation(len(y))  # (row,): every row has a network of its own
    row_weights = np.random.default_rng(1).uniform(0, 3, len(y))  # (row,)
    weights = np.empty(outputs.T.shape)  # (group, weight): with one input of 1, the outputs themselves
    weights[group] = outputs.T
    form = network_form(Network((1, len(outputs)), "identity", False))
    arguments = form, weights, own, np.ones((len(y), 1)), y.astype(float), (group, row_weights)
    logliks, of_weights, of_own, _ = compiled.row_logliks(name)(*arguments, np.empty((0, len(outputs))))
    values, of_outputs, of_own_rows = scores(name, outputs, own, y)
    np.testing.assert_allclose(logliks, values, rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(of_weights[group], (row_weights * of_outputs).T, rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(of_own, of_own_rows @ row_weights, rtol=1e-12)


@pytest.mark.parametrize("n", [1, 7, 8, 9, 64])
def test_blocks_add_up_their_rows(name, n):
    """Of any weights: the sum, the derivatives of every row, and 0 in the padding."""
    outputs, own, y = example(name, n, seed=n)
    values, of_outputs, of_own = scores(name, outputs, own, y)
    rng = np.random.default_rng(n)
    for weights in (rng.uniform(0, 3, n), np.ones(n), rng.integers(0, 2, n)):  # (row,) each
        total, z, _, own_grad = run(name, "weighted", outputs, own, y, weights)
        np.testing.assert_allclose(total, values @ weights, rtol=1e-12, atol=1e-14)
        np.testing.assert_allclose(z[:, :n], of_outputs * weights, rtol=1e-11, atol=1e-13)
        np.testing.assert_array_equal(z[:, n:], 0)
        np.testing.assert_allclose(own_grad, of_own @ weights, rtol=1e-11, atol=1e-13)


# Moments, draws, information -----------------------------------------------------------------------------------------


def test_mean_and_variance_are_those_of_the_distribution(name):
    kind = likelihood_of(name)
    outputs, own, _ = example(name, 6)
    mean, variance = kind.mean(outputs.copy(), own), kind.variance(outputs.copy(), own)  # (response, row) each
    assert mean.shape == variance.shape == (kind.n_responses(len(outputs)), 6)
    for r, distribution in enumerate(distributions(name, outputs, own)):
        first = expectation(distribution, lambda y: responses(name, y, len(mean)))
        second = expectation(distribution, lambda y, first=first: (responses(name, y, len(mean)) - first[:, None]) ** 2)
        np.testing.assert_allclose(mean[:, r], first, rtol=1e-8)
        np.testing.assert_allclose(variance[:, r], second, rtol=1e-8)


def test_draws_have_mean_and_variance(name):
    """To 5 standard errors of 40,000 draws of each row."""
    kind, n_draws = likelihood_of(name), 40_000
    outputs, own, _ = example(name, 5)
    mean, variance = kind.mean(outputs.copy(), own), kind.variance(outputs.copy(), own)  # (response, row) each
    y = kind.draw(np.random.default_rng(0), np.repeat(outputs[None], n_draws, axis=0), own[None])  # (draw, row)
    assert y.shape == (n_draws, 5)
    assert y.dtype == kind.dtype
    values = responses(name, y, len(mean))  # (response, draw, row), or with an axis of 1
    values = values.reshape(len(mean), n_draws, 5)
    squares = (values - mean[:, None]) ** 2  # (response, draw, row)
    for quantity, truth in ((values, mean), (squares, variance)):
        error = quantity.std(axis=1) / np.sqrt(n_draws)  # (response, row)
        assert (error < 0.1 * np.sqrt(variance) * np.maximum(1, np.sqrt(variance))).all()
        assert (np.abs(quantity.mean(axis=1) - truth) < 5 * error).all()


def test_information_is_the_variance_of_the_score(name):
    """Of the outputs and of the own numbers in their unconstrained form."""
    kind = likelihood_of(name)
    outputs, own, _ = example(name, 5)
    slope = differences(kind.own_from_unconstrained, kind.own_to_unconstrained(own))  # (own number, unconstrained)
    information = kind.information(outputs, own)  # (row, output + own number, the same)

    def score(y, z):
        _, of_outputs, of_own = scores(name, np.repeat(z[:, None], len(y), axis=1), own, y)
        return np.concatenate([of_outputs, slope.T @ of_own])  # (output + own number, target)

    for r, (z, distribution) in enumerate(zip(outputs.T, distributions(name, outputs, own), strict=True)):
        assert np.abs(expectation(distribution, lambda y, z=z: score(y, z))).max() < 1e-8
        variance = expectation(distribution, lambda y, z=z: np.einsum("it,jt->ijt", score(y, z), score(y, z)))
        np.testing.assert_allclose(information[r], variance, rtol=1e-8, atol=1e-9)
    several = kind.information(np.stack([outputs, -outputs]), np.stack([own, own]))  # (draw, row, ...)
    np.testing.assert_array_equal(several[0], information)
    np.testing.assert_array_equal(several[1], kind.information(-outputs, own))


def test_identified_outputs_have_the_likelihood_of_the_outputs(name):
    outputs, own, y = example(name, 30)
    kind = likelihood_of(name)
    identified = kind.identified(outputs.copy(), own)  # (output, row)
    np.testing.assert_allclose(
        kind.log_likelihood(identified, y, CASES[name].own_of_identified(own)),
        kind.log_likelihood(outputs, y, own),
        rtol=1e-12,
        atol=1e-14,
    )


# Distribution function and quantiles ---------------------------------------------------------------------------------


@pytest.fixture(scope="module", params=NUMBERS)
def of_numbers(request):
    """The name of every likelihood of numbers."""
    return request.param


def test_cdf_is_scipys(of_numbers):
    """Of targets that were drawn, of targets between and below, and under several draws at once."""
    kind = likelihood_of(of_numbers)
    draws = [example(of_numbers, 20, seed) for seed in range(3)]
    outputs, own, targets = (np.stack(parts) for parts in zip(*draws, strict=True))  # (draw, ...)
    for y in (targets[0], targets[1] + 0.5, -targets[2] - 0.5):
        expected = [
            [distribution.cdf(target) for distribution, target in zip(row, y, strict=True)]
            for row in (distributions(of_numbers, z, numbers) for z, numbers in zip(outputs, own, strict=True))
        ]
        np.testing.assert_allclose(kind.cdf(y, outputs, own), expected, rtol=1e-11, atol=1e-13)


@pytest.mark.parametrize("q", [1e-4, 0.05, 0.5, 0.8, 0.999])
@pytest.mark.parametrize("name", [name for name in NUMBERS if not likelihood(name).is_count])
def test_quantiles_are_scipys(name, q):
    kind = likelihood_of(name)
    draws = [example(name, 20, seed)[:2] for seed in range(3)]
    outputs, own = (np.stack(parts) for parts in zip(*draws, strict=True))  # (draw, ...)
    found = kind.quantile(q, outputs, own)  # (draw, row)
    expected = [
        [distribution.ppf(q) for distribution in distributions(name, z, numbers)]
        for z, numbers in zip(outputs, own, strict=True)
    ]
    np.testing.assert_allclose(found, expected, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("name", [name for name in NUMBERS if likelihood(name).is_count])
def test_counts_of_large_rates(name):
    """Draws have mean and variance where NumPy's generator of counts ends, to 5 standard errors."""
    kind, outputs = likelihood_of(name), np.full((20_000, 1, 2), [30.0, 46.0])  # (draw, output, row)
    own = np.full((20_000, len(kind.own)), 0.1)  # (draw, own number)
    found = kind.draw(np.random.default_rng(0), outputs, own)  # (draw, row)
    np.testing.assert_array_equal(found, np.floor(found))
    mean, variance = kind.mean(outputs.copy(), own)[0, 0], kind.variance(outputs, own)[0, 0]  # (row,) each
    assert (np.abs(found.mean(axis=0) - mean) < 5 * np.sqrt(variance / 20_000)).all()
    np.testing.assert_allclose(found.var(axis=0), variance, rtol=0.06)


@pytest.mark.parametrize("name", [name for name in NUMBERS if likelihood(name).is_count])
def test_probabilities_of_counts_follow_from_each_other(name):
    kind = likelihood_of(name)
    draws = [example(name, 20, seed)[:2] for seed in range(3)]
    outputs, own = (np.stack(parts) for parts in zip(*draws, strict=True))  # (draw, ...)
    log_of_0, first, slope = kind.recursion(outputs, own)  # (draw, row) each
    k = np.arange(30)[:, None, None]  # (count, 1, 1)
    steps = (first + k * slope) / (k + 1)  # (count, draw, row)
    expected = [
        [distribution.logpmf(np.arange(31)) for distribution in distributions(name, z, numbers)]
        for z, numbers in zip(outputs, own, strict=True)
    ]  # (draw, row, count)
    expected = np.moveaxis(expected, -1, 0)  # (count, draw, row)
    np.testing.assert_allclose(log_of_0, expected[0], rtol=1e-10)
    np.testing.assert_allclose(log_of_0 + np.cumsum(np.log(steps), axis=0), expected[1:], rtol=1e-9, atol=1e-10)


# Targets and own numbers ---------------------------------------------------------------------------------------------


def test_check(name):
    """It accepts what ``draw`` makes, and refuses other targets in its own words."""
    kind = likelihood_of(name)
    for seed in range(5):
        kind.check(example(name, 50, seed)[2])
    _, _, y = example(name, 4)
    for value in CASES[name].refused:
        with pytest.raises(ValueError, match=rf"^{name} needs "):
            kind.check(np.append(y.astype(float), value))


def test_own_numbers_and_their_unconstrained_forms_are_inverse(name):
    kind = likelihood_of(name)

    @given(arrays(float, (4, len(kind.own)), elements=st.floats(-5, 5)))
    @FIXED
    def inverse(v):
        own = kind.own_from_unconstrained(v)  # (draw, own number)
        assert own.shape == v.shape
        np.testing.assert_allclose(kind.own_to_unconstrained(own), v, rtol=1e-10, atol=1e-10)

    inverse()


def test_compiled_own_numbers_are_those_of_pymc(name):
    """Values and gradient of their log prior, Jacobian included, and the chain rule back to the sampler's numbers."""
    kind = likelihood_of(name)
    constrain, pull_back = kind.own_numbers
    compiled_constrain = njit(lambda free, own, grad: constrain(free, own, grad))
    compiled_pull_back = njit(lambda free, own, grad_own, grad: pull_back(free, own, grad_own, grad))
    with pm.Model(coords={axis: kind.own for axis in kind.own_dims.values() if axis is not None}) as model:
        variables = kind.own_pymc()
    assert [variable.name for variable in variables] == list(kind.own_dims)
    for seed in range(5):
        rng = np.random.default_rng(seed)
        free, grad_own = rng.normal(size=(2, len(kind.own)))  # (own number,) each
        own, grad = np.full(len(kind.own), np.nan), np.full(len(kind.own), 5.0)  # (own number,) each
        logp = compiled_constrain(free, own, grad)
        np.testing.assert_allclose(own, kind.own_from_unconstrained(free), rtol=1e-13)
        if kind.own:
            names = [value_name(model, variable) for variable in kind.own_dims]
            point = dict(zip(names, kind.own_by_variable(free).values(), strict=True))
            expected, gradients = logp_function(model)(point)
            np.testing.assert_allclose(logp, expected, rtol=1e-12)
            of_free = np.concatenate([np.atleast_1d(gradients[value]) for value in names])  # (own number,)
            np.testing.assert_allclose(grad - 5.0, of_free, rtol=1e-11)
        else:
            assert logp == 0
        grad[:] = 5.0
        compiled_pull_back(free, own, grad_own, grad)
        expected = differences(kind.own_from_unconstrained, free).T @ grad_own  # (own number,)
        np.testing.assert_allclose(grad - 5.0, expected, rtol=1e-10)


# PyMC and the whole density ------------------------------------------------------------------------------------------


def test_pymc_has_the_log_likelihood_of(name):
    kind = likelihood_of(name)
    outputs, own, y = example(name, 40)
    distribution, parameters = kind.pymc(pt.as_tensor(outputs.T), pt.as_tensor(own))
    found = pm.logp(distribution.dist(**parameters), pt.as_tensor(y)).eval()  # (row,)
    np.testing.assert_allclose(found, kind.log_likelihood(outputs, y, own), rtol=1e-8, atol=1e-12)


def make_data(name, sizes, seed=0):
    """Rows of two inputs in groups of these sizes."""
    rng = np.random.default_rng(seed)
    _, _, y = example(name, sum(sizes), seed)
    return GroupedData(
        X=rng.normal(size=(sum(sizes), 2)),
        y=y,
        weights=np.ones(sum(sizes)),
        offsets=np.cumsum([0, *sizes]),
        group_labels=[f"group {g}" for g in range(len(sizes))],
        places=np.arange(sum(sizes)),
    )


def make_model(name, structure):
    network = Network((2, 3, n_outputs_of(name)), "tanh", True)
    scale = np.array([0.7, 1.2])  # (layer,)
    if structure == "flat":
        return build.flat_model(network, name, scale, n_classes=N_CLASSES)
    return build.hierarchical_model(network, name, scale, (structure, "partial"), n_classes=N_CLASSES)


STRUCTURES = {"flat": [70], "partial": [4, 1, 65], "affine": [4, 1, 5]}  # sizes of the groups


@pytest.mark.parametrize("structure", STRUCTURES)
@pytest.mark.parametrize("fused", [True, False])
@pytest.mark.parametrize("form", FORMS)
def test_densities_equal_pymc(name, structure, fused, form):
    density = Density(make_model(name, structure), make_data(name, STRUCTURES[structure]))
    assert_equals_pymc(in_form(form, density), fused)


@pytest.mark.parametrize("name", COUNTS)
def test_counts_may_be_fractions(name):
    """As rates with exposures as weights: nothing is cut down."""
    kind, data = likelihood_of(name), make_data(name, STRUCTURES["flat"])
    data = replace(data, y=data.y + np.random.default_rng(0).uniform(0.1, 0.9, len(data.y)))
    kind.check(data.y)
    assert_equals_pymc(Density(make_model(name, "flat"), data), fused=True)
    for arguments in ({"fused": False}, {"fused": False, "batch_size": 8}):
        with pytest.raises(ValueError, match=f"Fractions as targets of {name} need fused=True"):
            build_model(make_model(name, "flat"), data, **arguments)


def with_weights(data, weights):
    return replace(data, weights=np.asarray(weights, dtype=float))


def repeated(data, counts):
    """The rows of the data as often as counts (row,) say."""
    ends = np.concatenate([[0], np.cumsum(counts)])  # (row + 1,)
    order = np.repeat(np.arange(len(counts)), counts)  # (row,)
    copies = {name: getattr(data, name)[order] for name in ("X", "y", "weights")}  # (copy,) each
    return replace(data, **copies, offsets=ends[data.offsets], places=np.arange(len(order)))


@pytest.mark.parametrize("structure", ["flat", "partial"])
@pytest.mark.parametrize("counts", ["some", "zero", "none of a group"])
@pytest.mark.parametrize("form", FORMS)
def test_weights_are_repeated_rows(name, structure, counts, form):
    """Whole weights equal rows that often, and those of weight 0 are not there."""
    model, data = make_model(name, structure), make_data(name, STRUCTURES[structure])
    rng = np.random.default_rng(0)
    times = rng.integers(1 if counts == "some" else 0, 4, len(data.y))  # (row,)
    if counts == "none of a group":
        times[: data.offsets[1]] = 0
    weighted_density = in_form(form, Density(model, with_weights(data, times)))
    plain = in_form(form, Density(model, repeated(data, times)))
    for _ in range(3):
        x = 0.5 * rng.normal(size=plain.n_dim)  # (n_dim,)
        (value, gradient), (expected, of_repeated) = weighted_density.logp_grad(x), plain.logp_grad(x)
        np.testing.assert_allclose(value, expected, rtol=1e-12)
        assert_close(gradient, of_repeated, 1e-12)


@pytest.mark.parametrize("fused", [True, False])
@pytest.mark.parametrize("form", FORMS)
def test_weighted_density(name, fused, form):
    """Any weights: values as PyMC has them, by the compiled log likelihood or its own; and the gradient is right."""
    data = make_data(name, STRUCTURES["partial"])
    weights = np.random.default_rng(0).uniform(0, 3, len(data.y))  # (row,)
    density = in_form(form, Density(make_model(name, "partial"), with_weights(data, weights)))
    assert_equals_pymc(density, fused)
    assert_gradient_is_right(density, 0.5 * np.random.default_rng(1).normal(size=density.n_dim))
