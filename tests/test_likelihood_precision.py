"""Likelihoods whose formulas cancel or underflow if they are written as in the books, against mpmath."""

import mpmath
import numpy as np
import pytest
from compiled_rows import scores
from scipy import stats

from skhbnn.model.likelihoods import likelihood

PRECISION = 250  # bits: doubles have 53
EPS = np.finfo(float).eps


def test_poisson_of_fractions():
    """Values and derivatives."""
    outputs, y = np.array([[-2.0, 0.3, 4.0, 1.0]]), np.array([0.25, 0.5, 70.1, 0.0])  # (output, row), (row,)
    with mpmath.workprec(PRECISION):
        pairs = [(mpmath.mpf(z), mpmath.mpf(target)) for z, target in zip(outputs[0], y, strict=True)]
        expected = [float(t * z - mpmath.exp(z) - mpmath.loggamma(t + 1)) for z, t in pairs]  # (row,)
    values, of_outputs, _ = scores("poisson", outputs, np.empty(0), y)
    np.testing.assert_allclose(values, expected, rtol=1e-13)
    np.testing.assert_allclose(of_outputs[0], y - np.exp(outputs[0]), rtol=1e-13)
    np.testing.assert_allclose(likelihood("poisson").log_likelihood(outputs, y, np.empty(0)), expected, rtol=1e-13)


# Negative binomial: overdispersion from 1e-4 to 100, counts up to a million -------------------------------------------

OVERDISPERSIONS = [1e-4, 1e-2, 0.316, 0.317, 1.0, 10.0, 100.0]  # at 0.316 the formulas change
COUNTS = np.array([0.0, 0.5, 1.0, 2.0, 30.0, 1e3, 1e6])  # (count,)
Y, OUTPUT = (
    grid.ravel()  # (row,)
    for grid in np.meshgrid(COUNTS, np.log([1e-3, 0.7, 0.97, 1.03, 5.0, 37.0, 950.0, 1.07e3, 0.9e6, 1.2e6, 1e9]))
)


def exact_negative_binomial(y, output, phi):
    """Log likelihood, the derivatives in output and overdispersion, and the largest part of each, as floats."""
    with mpmath.workprec(PRECISION):
        y, output, phi = map(mpmath.mpf, (y, output, phi))
        a, mean = phi**-2, mpmath.exp(output)
        constant = mpmath.loggamma(a + y) - mpmath.loggamma(a) - mpmath.loggamma(y + 1)
        loglik = constant + a * mpmath.log(a / (a + mean)) + y * mpmath.log(mean / (a + mean))
        d = (y - mean) / (a + mean)
        of_a = mpmath.digamma(a + y) - mpmath.digamma(a) - mpmath.log1p(y / a)  # of the two parts
        of_d = mpmath.log1p(d) - d
        rest = abs(mpmath.digamma(a) - mpmath.log(a) + 1 / (2 * a))
        of_phi = -2 * a / phi * (of_a + of_d)
        sizes = (
            y * abs(output) + y + mpmath.loggamma(y + 1) + abs(loglik) + 1,
            (y + mean) * a / (a + mean),
            2 * a / phi * (abs(of_a) + rest + abs(of_d) * (1 + (y + mean) / (abs(y - mean) + 1))),
        )
        return [float(number) for number in (loglik, a * d, of_phi, *sizes)]


@pytest.mark.parametrize("phi", OVERDISPERSIONS)
def test_negative_binomial(phi):
    """Values and both derivatives, to the last digits of the largest part of each."""
    exact = np.array([exact_negative_binomial(y, output, phi) for y, output in zip(Y, OUTPUT, strict=True)])
    exact, sizes = exact[:, :3].T, exact[:, 3:].T  # (number, row) each
    values, of_outputs, of_own = scores("negative_binomial", OUTPUT[None], np.array([phi]), Y)
    error = np.abs(np.stack([values, of_outputs[0], of_own[0]]) - exact)  # (number, row)
    assert (error <= 100 * EPS * sizes).all()
    formula = likelihood("negative_binomial").log_likelihood(OUTPUT[None], Y, np.array([phi]))  # (row,)
    assert (np.abs(formula - exact[0]) <= 100 * EPS * sizes[0]).all()


def test_negative_binomial_without_overdispersion_is_poisson():
    rows = np.exp(OUTPUT) < 1e4  # (row,)
    found = likelihood("negative_binomial").log_likelihood(OUTPUT[None], Y, np.array([1e-9]))[rows]
    expected = likelihood("poisson").log_likelihood(OUTPUT[None], Y, np.empty(0))[rows]
    np.testing.assert_allclose(found, expected, rtol=1e-10)


@pytest.mark.parametrize(
    ("phi", "mean"), [(0.05, 60.0), (0.05, 128.0), (0.3, 40.0), (0.3, 900.0), (2.0, 70.0), (2.0, 1e4), (30.0, 5.0)]
)
def test_information_about_overdispersion(phi, mean):
    """Where the sum over counts is an integral: against the sum that Lawless (1987) gives, "Negative binomial and mixed
    Poisson regression", Canadian Journal of Statistics 15.
    """
    a = phi**-2
    j = np.arange(3e6 if phi > 1 else 2e4)  # (count,)
    beyond = stats.nbinom.sf(j, a, a / (a + mean))  # (count,)
    rest = beyond[-1] * a**2 / j[-1]  # where the probability falls slowly
    expected = 4 * (np.sum(beyond / (1 + j / a) ** 2) + rest - mean / (1 + mean / a))
    found = likelihood("negative_binomial").information(np.log([[mean]]), np.array([phi]))[0, 1, 1]
    np.testing.assert_allclose(found, expected, rtol=1e-7)


# Ordered classes ------------------------------------------------------------------------------------------------------

CUTPOINTS = np.array([-3.0, -2.0, -2.0 + 1e-6, 5.0])  # (own number,)


def exact_ordinal(output, c):
    """Log likelihood of class c, and its derivatives in output and cutpoints, as floats."""
    with mpmath.workprec(2_000):  # a probability may lie below 1e-300 beside 1
        output, edges = mpmath.mpf(output), [-mpmath.inf, *map(mpmath.mpf, CUTPOINTS), mpmath.inf]
        below, up_to = (1 / (1 + mpmath.exp(output - edge)) for edge in edges[c : c + 2])
        of_edges = np.zeros(len(edges))  # (edge,)
        of_edges[c] = -below * (1 - below) / (up_to - below)
        of_edges[c + 1] = up_to * (1 - up_to) / (up_to - below)
        of_output = (below * (1 - below) - up_to * (1 - up_to)) / (up_to - below)
        return [float(mpmath.log(up_to - below)), float(of_output), *of_edges[1:-1]]


@pytest.mark.parametrize("c", range(len(CUTPOINTS) + 1))
def test_ordinal(c):
    """Values and derivatives, in the tails and between cutpoints that are close to each other."""
    outputs = np.array([-700.0, -40.0, -3.0, -2.0, 0.1, 4.9, 30.0, 700.0])  # (row,)
    expected = np.array([exact_ordinal(output, c) for output in outputs])  # (row, number)
    y = np.full(len(outputs), c)  # (row,)
    values, of_outputs, of_own = scores("ordinal", outputs[None], CUTPOINTS, y)
    np.testing.assert_allclose(values, expected[:, 0], rtol=1e-14, atol=1e-15)
    np.testing.assert_allclose(of_outputs[0], expected[:, 1], rtol=1e-13, atol=1e-15)
    np.testing.assert_allclose(of_own.T, expected[:, 2:], rtol=1e-12, atol=1e-15)
    kind = likelihood("ordinal").of_classes(len(CUTPOINTS) + 1)
    formula = kind.log_likelihood(outputs[None], y, CUTPOINTS)  # (row,)
    np.testing.assert_allclose(formula, expected[:, 0], rtol=1e-13)
    np.testing.assert_allclose(kind.mean(outputs[None], CUTPOINTS)[c], np.exp(expected[:, 0]), rtol=1e-12)
