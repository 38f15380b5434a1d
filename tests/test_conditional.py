"""Draws of a group given what groups share: against SciPy's minimiser, dense matrices, formulas and quadrature."""

from dataclasses import replace

import numpy as np
import pytest
from models import hierarchical_model, random_rows
from numba import njit
from scipy import integrate, optimize, stats
from scipy.special import expit

from skhbnn.data.rows import GroupedData
from skhbnn.data.subsets import of_groups
from skhbnn.density.density import Density
from skhbnn.density.forward import network_outputs
from skhbnn.inference.conditional import conditional_weights, deviation_draws
from skhbnn.kernel.conditional import TRIES, Shared
from skhbnn.kernel.network_kernel import Block, Rows
from skhbnn.model import build, families, likelihoods
from skhbnn.model.likelihoods import likelihood
from skhbnn.model.network import Network
from skhbnn.model.weights import group_weights

N_CLASSES = 3
STEP = 1e-4  # of finite differences
CLIMBS = 40  # to a mode: each goes on from where the one before ended, and where rows fit badly steps gain little


def outputs_of(name):
    return likelihood(name).n_outputs(N_CLASSES if likelihood(name).is_of_classes else None)


def density_of(name, hidden=(3,), family="normal", pooling=("affine", "partial"), n_inputs=2, size=11, **priors):
    """The density of one group, and its rows."""
    n_classes = N_CLASSES if name == "ordinal" else None
    network = Network((n_inputs, *hidden, outputs_of(name)), "tanh", True)
    data = random_rows([size], n_inputs, name, network.n_outputs, seed=3, n_classes=n_classes)
    model = build.hierarchical_model(
        network, name, np.full(len(network.layers), 0.8), pooling, family, n_classes=n_classes, **priors
    )
    return Density(model, replace(data, weights=data.weights * np.linspace(0.5, 2, len(data.y))))


def shared_of(density, x):
    """What groups share at a point, as one draw."""
    made = group_weights(density.layout, x)
    return Shared(made.mean[None], made.scales[None], made.own[None])


def drawn(density, x, noise, uniforms=None, near=1e-20):
    """Deviations and log ratios of the group of a density, given the shared numbers of a point, one draw each."""
    data = density.data
    shared = Shared(*(np.repeat(array, len(noise), axis=0) for array in shared_of(density, x)))
    n_candidates = noise.shape[1] - 1
    uniforms = np.full((len(noise), 1 + n_candidates), 0.5) if uniforms is None else uniforms
    rows = data.X, data.y, data.weights
    return deviation_draws(density.model)(shared, *rows, noise, uniforms, n_candidates, near)[:2]


def after_climbs(density, x, noise, start):
    """Deviations and log ratios of CLIMBS draws without noise, the last of them at the mode, and of noise (draw, z)."""
    n_draws, n = CLIMBS + len(noise), noise.shape[1]
    every = np.zeros((n_draws, 2, n))
    every[0, 0], every[CLIMBS:, 1] = start, noise
    uniforms = np.ones((n_draws, 2))  # never another mode than that of the draw before
    uniforms[0, 0] = 0  # but first the one that a climb from the start ends in
    return drawn(density, x, every, uniforms)


def with_deviations(density, x, z):
    return np.concatenate([x[: density.layout.n_shared], z])


def point_of(density, seed=0):
    return np.random.default_rng(seed).normal(0, 0.5, density.n_dim)


def dense_precision(density, x, z):
    """Precision of deviations: the information of the outputs, with their derivatives by finite differences."""
    model, data, n = density.model, density.data, len(z)

    def outputs(z):
        weights = group_weights(density.layout, with_deviations(density, x, z)).weights  # (group, weight)
        return network_outputs(model.network, weights, data.X)[0]  # (output, row)

    steps = STEP * np.eye(n)
    jacobian = np.array([(outputs(z + s) - outputs(z - s)) / (2 * STEP) for s in steps])  # (z, output, row)
    own = group_weights(density.layout, x).own
    k = model.network.n_outputs
    information = model.likelihood.information(outputs(z), own)[:, :k, :k] * data.weights[:, None, None]
    return np.einsum("iar,rab,jbr->ij", jacobian, information, jacobian) + np.diag(prior_curvature(model.family, z))


def prior_curvature(family, z):
    """Negative second derivatives of the log density of unconstrained numbers at scale 1."""
    law = {"normal": stats.norm, "laplace": stats.laplace, "student_t": stats.t(4), "cauchy": stats.cauchy}[family.name]

    def logp(v):
        return law.logpdf(family.from_unconstrained(v, 1.0)) + np.log(family.slope(v, 1.0))

    return -(logp(z + STEP) - 2 * logp(z) + logp(z - STEP)) / STEP**2


@pytest.mark.parametrize("name", likelihoods.NAMES)
def test_compiled_information_is_that_of_the_formula(name):
    kind = likelihood(name).of_classes(N_CLASSES if name == "ordinal" else None)
    rng, n, k = np.random.default_rng(0), 16, outputs_of(name)
    outputs, own = 2 * rng.normal(size=(k, n)), kind.own_from_unconstrained(rng.normal(size=len(kind.own)))
    information = kind.information_rows
    call = njit(lambda z, rows, block, out: information(z, rows, block, out))
    rows, out = (
        Rows(np.empty((0, 0)), np.zeros(n), np.ones(n), np.empty(0), own, np.zeros(len(own)), None),
        np.empty(k * k * n),
    )
    call(outputs.reshape(-1).copy(), rows, Block(0, n, k), out)
    expected = kind.information(outputs, own)[:, :k, :k]  # (row, output, output)
    np.testing.assert_allclose(out.reshape(k, k, n), np.moveaxis(expected, 0, -1), rtol=1e-9, atol=1e-12)


CASES = [
    *((name, "normal", ("affine", "partial")) for name in likelihoods.NAMES),
    *(("bernoulli", family, ("partial", "partial")) for family in families.NAMES),
    ("categorical", "student_t", ("complete", "partial")),
    ("poisson", "normal", ("none", "none")),
]


@pytest.mark.parametrize(("name", "family", "pooling"), CASES)
def test_mode_and_precision(name, family, pooling):
    density = density_of(name, family=family, pooling=pooling)
    x, n = point_of(density), density.layout.n_of_group
    z, _ = after_climbs(density, x, np.eye(n), start=np.random.default_rng(8).normal(size=n))
    mode, columns = z[CLIMBS - 1], z[CLIMBS:] - z[CLIMBS - 1]
    gradient = density.logp_grad(with_deviations(density, x, mode))[1][density.layout.n_shared :]
    precision = dense_precision(density, x, mode)
    np.testing.assert_allclose(np.linalg.inv(columns.T @ columns), precision, rtol=1e-3, atol=1e-3)
    assert gradient @ np.linalg.solve(precision, gradient) < 1e-8

    def objective(z):
        value, slope = density.logp_grad(with_deviations(density, x, z))
        return -value, -slope[density.layout.n_shared :]

    found = optimize.minimize(objective, mode + 0.05, jac=True, method="BFGS", options={"gtol": 1e-7})
    np.testing.assert_allclose(mode, found.x, atol=1e-4)


@pytest.mark.parametrize("n_inputs", [2, 5])  # the second has a compact map
def test_ratios_are_those_of_the_densities(n_inputs):
    density = density_of("categorical", n_inputs=n_inputs)
    x, n = point_of(density), density.layout.n_of_group
    noise = 0.3 * np.random.default_rng(1).normal(size=(4, n))
    z, ratios = after_climbs(density, x, noise, start=np.zeros(n))
    of_mode = density.logp_grad(with_deviations(density, x, z[CLIMBS - 1]))[0]
    for point, ratio, e in zip(z[CLIMBS:], ratios[CLIMBS:, 0], noise, strict=True):
        expected = density.logp_grad(with_deviations(density, x, point))[0] - of_mode + 0.5 * e @ e
        np.testing.assert_allclose(ratio, expected, atol=1e-6)


def test_draws_of_a_linear_model_are_exact():
    density = density_of("normal", hidden=(), pooling=("partial",), n_inputs=3)
    x, data = point_of(density), density.data
    made = group_weights(density.layout, x)
    design = np.column_stack([data.X, np.ones(len(data.y))])  # (row, weight)
    sd = made.scales[[0, 0, 0, 1]]  # of the deviation of each weight
    precision = (design.T * data.weights) @ design / made.own[0] ** 2 + np.diag(sd**-2)
    residual = data.y - design @ made.mean
    mean = np.linalg.solve(precision, (design.T * data.weights) @ residual) / made.own[0] ** 2
    noise = np.random.default_rng(2).normal(size=(4_000, 3, 4))
    uniforms = np.random.default_rng(3).random((4_000, 3))
    z, ratios = drawn(density, x, noise, uniforms)
    np.testing.assert_allclose(ratios, 0, atol=1e-8)
    deviations, cov = sd * z, np.linalg.inv(precision)  # (draw, weight)
    error = np.sqrt(np.diag(cov) / len(z))
    assert np.all(np.abs(deviations.mean(axis=0) - mean) < 4 * error)
    white = (deviations - mean) @ np.linalg.cholesky(precision)  # (draw, weight): standard normal
    assert np.all(np.abs(np.cov(white.T) - np.eye(4)) < 4 * np.sqrt(2 / len(z)))


def test_draws_follow_the_density_in_one_dimension():
    """Three rows of one class: skewed, so that draws of the normal distribution would not do."""
    network = Network((1, 1), "tanh", False)
    model = hierarchical_model(network, [1.0], ("partial",), group_scale_prior=3.0)
    X, y, n = np.array([[0.5], [1.0], [1.5]]), np.ones(3), 10_000
    shared = Shared(np.zeros((n, 1)), np.empty((n, 0)), np.empty((n, 0)))
    rng = np.random.default_rng(0)
    noise, uniforms = rng.normal(size=(n, 1 + 4 + 8, 1)), rng.random((n, 1 + 4 + 8 * (1 + TRIES)))
    z, ratios, log_evidence = deviation_draws(model)(shared, X, y, np.ones(3), noise, uniforms, 4, 1e-20)

    def density(v, power):
        return v**power * np.exp(-0.5 * v**2) * np.prod(expit(3 * v * X[:, 0]))

    moments = [integrate.quad(density, -8, 8, args=(power,))[0] for power in range(5)]
    mean, second = moments[1] / moments[0], moments[2] / moments[0]
    sd, sd_of_second = np.sqrt(second - mean**2), np.sqrt(moments[4] / moments[0] - second**2)
    assert abs(z.mean() - mean) < 4 * sd / np.sqrt(n) + 0.002  # of steps that did not forget the candidate
    assert abs(np.mean(z**2) - second) < 4 * sd_of_second / np.sqrt(n) + 0.002
    # The mean ratio is that of the evidence to the one of the normal distribution.
    top = optimize.minimize_scalar(lambda v: -density(v, 0), bounds=(-3, 5), method="bounded", options={"xatol": 1e-10})
    p = expit(3 * top.x * X[:, 0])
    normal = -top.fun * np.sqrt(2 * np.pi / (1 + 9 * np.sum(X[:, 0] ** 2 * p * (1 - p))))
    np.testing.assert_allclose(log_evidence, np.log(normal) - 0.5 * np.log(2 * np.pi), atol=1e-5)
    weights = np.exp(ratios.ravel())
    assert abs(weights.mean() - moments[0] / normal) < 4 * weights.std() / np.sqrt(weights.size)


@pytest.fixture(scope="module")
def many():
    """Rows of some groups, a model and draws of what they share."""
    density = Density(
        hierarchical_model(Network((2, 3, 1), "tanh", True), [0.8, 0.8], ("affine", "partial")),
        random_rows([5, 12, 3, 70, 9], 2, seed=4),
    )
    x = np.random.default_rng(5).normal(0, 0.5, (30, density.n_dim))
    made = group_weights(density.layout, x)
    return density, (made.mean, made.scales, made.own)


def test_draws_depend_on_neither_threads_nor_other_groups(many):
    density, shared = many
    weights, pareto_k, _ = conditional_weights(density.model, density.data, shared, seed=7)
    in_threads = conditional_weights(density.model, density.data, shared, seed=7, n_threads=3)
    some = conditional_weights(density.model, of_groups(density.data, np.array([1, 3])), shared, seed=7)
    np.testing.assert_array_equal(in_threads[0], weights)
    np.testing.assert_array_equal(in_threads[1], pareto_k)
    np.testing.assert_array_equal(some[0], weights[:, [1, 3]])
    np.testing.assert_array_equal(some[1], pareto_k[[1, 3]])
    assert np.all(np.isfinite(pareto_k))


def test_another_seed_gives_other_draws(many):
    density, shared = many
    first, second = (conditional_weights(density.model, density.data, shared, seed)[0] for seed in (0, 1))
    assert not np.any(np.all(first == second, axis=(0, 2)))


def test_groups_that_share_all_weights_have_the_mean(many):
    density, (mean, _, _) = many
    model = hierarchical_model(Network((2, 3, 1), "tanh", True), [0.8, 0.8], ("complete", "complete"))
    weights, *_ = conditional_weights(model, density.data, (mean, np.empty((30, 0)), np.empty((30, 0))), seed=0)
    np.testing.assert_array_equal(weights, np.repeat(mean[:, None], 5, axis=1).astype(np.float32))


def test_density_that_is_not_finite_is_told():
    network = Network((1, 1), "identity", False)
    model = hierarchical_model(network, [1.0], ("partial",), likelihood_name="poisson", group_scale_prior=1.0)
    data = GroupedData(np.full((1, 1), 1e6), np.ones(1), np.ones(1), np.array([0, 1]), ["a"], np.zeros(1, int))
    shared = np.ones((30, 1)), np.empty((30, 0)), np.empty((30, 0))
    weights, pareto_k, _ = conditional_weights(model, data, shared, seed=0)
    assert pareto_k[0] == np.inf
    assert np.all(np.isfinite(weights))
