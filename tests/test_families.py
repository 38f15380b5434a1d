"""What every registered family of priors keeps to: formulas, compiled part, draws and PyMC's form agree."""

import numpy as np
import pymc as pm
import pytensor.tensor as pt
import pytest
from agreement import differences, logp_function, value_name
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numba import njit
from scipy import stats

from skhbnn.kernel.arrays import padded
from skhbnn.model.families import NAMES, family
from skhbnn.model.families.compiled import number, weight_prior

FIXED = settings(derandomize=True, database=None, deadline=None, max_examples=50)
SCIPY = {  # at scale 1; of gennorm(1), which is Laplace's, SciPy knows the log density far out
    "normal": stats.norm(),
    "laplace": stats.gennorm(1),
    "student_t": stats.t(4),
    "cauchy": stats.cauchy(),
}
SCALES = [0.3, 1.0, 2.5]

vectors = arrays(float, st.integers(1, 20), elements=st.floats(-30, 30))
positive = st.floats(0.01, 100)


@pytest.fixture(scope="module", params=NAMES)
def kind(request):
    """Every registered family."""
    if request.param not in SCIPY:
        pytest.fail(f"The family {request.param!r} has no entry in SCIPY: say there what SciPy calls it at scale 1.")
    return family(request.param)


@njit
def compiled_prior(position, shape, v, scale, grad, value, slope):
    return weight_prior(position, shape, v, scale, grad, value, slope)


padded_size = njit(lambda n: padded(n))


def run(kind, v, scale):
    """The compiled log density of v (coordinate,), with its gradient, values and slopes, (coordinate,) each."""
    n = len(v)
    grad = np.full(n, 5.0)  # (coordinate,): it is added to
    value, slope = np.full((2, padded_size(n)), np.nan)  # (padded coordinate,) each
    logp = compiled_prior(number(kind), kind.shape, v, np.full(n, scale), grad, value, slope)
    return logp, grad - 5.0, value[:n], slope[:n]


def points(n=40, seed=0):
    return np.random.default_rng(seed).normal(scale=1.5, size=n)  # (coordinate,)


def log_density(kind, v, scale):
    """Log densities of v (coordinate,), from SciPy's of the weights."""
    weights, slope = kind.from_unconstrained(v, scale), kind.slope(v, scale)  # (coordinate,) each
    return SCIPY[kind.name].logpdf(weights / scale) - np.log(scale) + np.log(slope)


def test_weights_and_unconstrained_forms_are_inverse(kind):
    @given(vectors, positive)
    @FIXED
    def inverse(v, scale):
        weights = kind.from_unconstrained(v, scale)  # (coordinate,)
        np.testing.assert_allclose(kind.to_unconstrained(weights, scale), v, rtol=1e-9, atol=1e-9)

    inverse()


def test_weights_grow_with_the_unconstrained_form_and_with_the_scale(kind):
    """They do not decrease in v, are odd, and scale · z at scale 1 has the distribution of a weight."""

    @given(vectors, positive)
    @FIXED
    def grows(v, scale):
        v = np.sort(v)  # (coordinate,)
        weights = kind.from_unconstrained(v, scale)  # (coordinate,)
        assert (np.diff(weights) >= -1e-14 * np.abs(weights[1:])).all()  # up to rounding
        np.testing.assert_array_equal(kind.from_unconstrained(-v, scale), -weights)
        if kind.log_constant(np.array([scale])) == kind.log_constant(np.array([1.0])):  # v has the scale taken out
            np.testing.assert_allclose(weights, scale * kind.from_unconstrained(v, 1.0), rtol=1e-14)

    grows()


@pytest.mark.parametrize("scale", SCALES)
def test_slopes_are_derivatives(kind, scale):
    v = np.append(points(), [0.5, -0.5])  # (coordinate,)
    expected = np.diagonal(differences(lambda at: kind.from_unconstrained(at, scale), v))  # (coordinate,)
    np.testing.assert_allclose(kind.slope(v, scale), expected, rtol=1e-10)


@pytest.mark.parametrize("scale", SCALES)
def test_log_density_is_scipys(kind, scale):
    """The compiled sum and the constants of its coordinates, for vectors of every length modulo the lanes."""
    for n in (1, 7, 8, 9, 40):
        v = points(n, seed=n)
        constant = kind.log_constant(np.full(n, scale))  # (coordinate,)
        assert constant.shape == (n,)
        np.testing.assert_allclose(
            run(kind, v, scale)[0] + constant.sum(), log_density(kind, v, scale).sum(), rtol=1e-12
        )
        at_zero = [log_density(kind, np.zeros(1), scale)[0]] * n
        np.testing.assert_allclose(constant, at_zero, rtol=1e-12)


@pytest.mark.parametrize("scale", SCALES)
def test_compiled_gradient_values_and_slopes(kind, scale):
    v = points()
    _, grad, values, slopes = run(kind, v, scale)
    np.testing.assert_allclose(grad, differences(lambda at: run(kind, at, scale)[0], v), rtol=1e-8, atol=1e-9)
    np.testing.assert_allclose(values, kind.from_unconstrained(v, scale), rtol=1e-13)
    np.testing.assert_allclose(slopes, kind.slope(v, scale), rtol=1e-13)


def test_scales_of_coordinates_may_differ(kind):
    """Compiled and in NumPy: each coordinate is as under its own scale alone."""
    v, scale = points(3), np.array(SCALES)  # (coordinate,) each
    grad, (value, slope) = np.zeros(3), np.zeros((2, 8))
    logp = compiled_prior(number(kind), kind.shape, v, scale, grad, value, slope)
    alone = [run(kind, v[i : i + 1], scale[i]) for i in range(3)]
    np.testing.assert_allclose(logp, sum(one[0] for one in alone), rtol=1e-13)
    for found, position in ((grad, 1), (value[:3], 2), (slope[:3], 3)):
        np.testing.assert_allclose(found, [one[position][0] for one in alone], rtol=1e-14)
    for formula in (kind.from_unconstrained, kind.to_unconstrained, kind.slope):
        expected = [formula(v[i : i + 1], scale[i])[0] for i in range(3)]
        np.testing.assert_allclose(formula(v, scale), expected, rtol=1e-14)


@pytest.mark.parametrize("size", [30.0, 300.0])
def test_far_out(kind, size):
    """Thousands of coordinates up to 300: the products that stand for sums of logarithms do not leave the doubles."""
    v = np.random.default_rng(0).uniform(-size, size, 3000)  # (coordinate,)
    v[:2] = size, -size
    logp, grad, values, slopes = run(kind, v, 0.7)
    with np.errstate(all="raise"):
        expected = log_density(kind, v, 0.7).sum()
    np.testing.assert_allclose(logp + kind.log_constant(np.full(len(v), 0.7)).sum(), expected, rtol=1e-12)
    np.testing.assert_allclose(values, kind.from_unconstrained(v, 0.7), rtol=1e-13)
    np.testing.assert_allclose(slopes, kind.slope(v, 0.7), rtol=1e-13)
    assert np.isfinite(grad).all()
    assert (np.sign(grad) == -np.sign(v)).all()


def test_pytensor_evaluates_the_formulas(kind):
    v = points()
    for formula in (kind.from_unconstrained, kind.to_unconstrained, kind.slope):
        found = formula(pt.as_tensor(v), 0.7, pt).eval()  # (coordinate,)
        np.testing.assert_allclose(found, formula(v, 0.7), rtol=1e-13)


@pytest.mark.parametrize("scale", SCALES)
def test_pymc_variable(kind, scale):
    """Its log density, Jacobian included, and gradient in what the sampler sees."""
    v = points(20)
    with pm.Model(coords={"weight": range(20)}) as model:
        kind.pymc("w", np.float64(scale), "weight")  # of a float that float32 holds PyTensor takes a rough log
    value = value_name(model, "w")
    logp, gradients = logp_function(model)({value: v})
    np.testing.assert_allclose(logp, log_density(kind, v, scale).sum(), rtol=1e-10)
    np.testing.assert_allclose(gradients[value], run(kind, v, scale)[1], rtol=1e-9, atol=1e-10)


def test_draws(kind):
    """Their distribution at scale 1, by the test of Kolmogorov and Smirnov, and their variance where there is one."""
    distribution = SCIPY[kind.name]
    variance = distribution.var()
    np.testing.assert_allclose(kind.variance, np.inf if np.isnan(variance) else variance)
    draws = kind.draw(np.random.default_rng(0), (1000, 1000))  # (row, column)
    assert draws.shape == (1000, 1000)
    assert draws.dtype == np.float32
    draws = draws.astype(float).ravel()  # (draw,)
    assert stats.kstest(draws, distribution.cdf).pvalue > 1e-4
    for q in (0.01, 0.1, 0.5, 0.9, 0.99):
        truth = distribution.ppf(q)
        error = np.sqrt(q * (1 - q) / len(draws)) / distribution.pdf(truth)
        assert abs(np.quantile(draws, q) - truth) < 5 * error
    if np.isfinite(distribution.moment(4)):
        error = np.std(draws**2) / np.sqrt(len(draws))
        assert abs(np.mean(draws**2) - kind.variance) < 5 * error
