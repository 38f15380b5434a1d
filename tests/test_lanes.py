"""The kernel's elementary functions over their whole range, against mpmath; its results on other instruction sets."""

import math
from pathlib import Path

import mpmath
import numpy as np
import pytest
from numba import njit

from skhbnn.kernel.arrays import all_finite
from skhbnn.kernel.lane_groups import (
    add_combinations,
    add_scaled,
    add_to_members,
    load_members,
    pull_back,
    pull_back_combinations,
    store_members,
)
from skhbnn.kernel.lanes import (
    LANES,
    add_chosen,
    add_to_chosen,
    dot_rows,
    exp_rows,
    logistic_rows,
    relu_rows,
    subtract_logs,
    tanh_rows,
)
from skhbnn.kernel.layers import add_products, add_sums, combine_rows
from skhbnn.kernel.network_kernel import BLOCK
from skhbnn.model.likelihoods.bernoulli import bernoulli_rows

SMALLEST = np.exp(-708.0)  # what exp_rows gives from there on downwards
PRECISION = 120  # bits: doubles have 53


def compiled(rows):
    """A function of an array of any length from a loop over whole vectors."""

    @njit
    def loop(x):
        rows(x, x.size)

    def function(x):
        padded = np.zeros(-(-len(x) // LANES) * LANES)  # (point, padded to whole vectors)
        padded[: len(x)] = x
        loop(padded)
        return padded[: len(x)]

    return function


exp, tanh, logistic, relu = (compiled(rows) for rows in (exp_rows, tanh_rows, logistic_rows, relu_rows))


@njit
def bernoulli_block(logits, labels, logliks):
    bernoulli_rows(logits, labels, 0, logits.size, logliks)


def bernoulli(z, y):
    """Log likelihood of each logit, and its derivative, (point,) each."""
    size = -(-len(z) // LANES) * LANES
    logits, labels, values = np.zeros(size), np.zeros(size), np.empty(size)  # (point, padded to whole vectors)
    logits[: len(z)], labels[: len(z)] = z, y
    bernoulli_block(logits, labels, values)
    return values[: len(z)], logits[: len(z)]


@njit
def dot(a, b):
    return dot_rows(a, b, a.size)


@njit
def log_block(x, values):
    values[:] = 0.0
    subtract_logs(values, x, x.size)


def log(x):
    """Logarithms of doubles (point,)."""
    padded = np.ones(-(-len(x) // LANES) * LANES)  # (point, padded to whole vectors)
    padded[: len(x)] = x
    values = np.empty_like(padded)  # (point, padded to whole vectors)
    log_block(padded, values)
    return -values[: len(x)]


def errors(found, function, x):
    """Differences of doubles found (point,) from an mpmath function of x (point,), and its values as doubles."""
    with mpmath.workprec(PRECISION):
        exact = [function(mpmath.mpf(v)) for v in x.tolist()]
        high = np.array([float(v) for v in exact])  # (point,)
        low = np.array([float(v - mpmath.mpf(h)) for v, h in zip(exact, high.tolist(), strict=True)])  # (point,)
    return np.abs((found - high) - low), high


def magnitudes():
    """Where a rounding could go wrong: the breaks of the range reduction, subnormals, and points of every size."""
    rng = np.random.default_rng(0)
    k = np.r_[0:40, 40:1020:20, 1020, 1021]  # exp(-x) = 2**-k exp(r): k changes halfway between multiples of log(2)
    breaks = (k + 0.5) * np.log(2)  # (break,)
    points = np.concatenate(
        [
            *(breaks, np.nextafter(breaks, 0), np.nextafter(breaks, 1e3), k * np.log(2)),
            *(rng.uniform(0, 1, 500), rng.uniform(0, 40, 1000), rng.uniform(0, 708, 1000)),
            *(np.geomspace(5e-324, 1e-300, 60), np.geomspace(1e-300, 1, 300)),
            *([0.0, np.finfo(float).tiny, 18.714973875118524, 36.7368005696771, 707.9999, 708.0],),
        ]
    )  # (point,)
    return points[points <= 708]


def test_exp():
    """Within two units in the last place for -708 <= x <= 0."""
    x = -magnitudes()
    found = exp(x)
    error, exact = errors(found, mpmath.exp, x)
    assert (error <= 2 * np.spacing(exact)).all()
    assert (found <= 1).all()
    # Further down it stays where it is, less than any normal number's last place from 0 in every sum with 1.
    below = np.array([-np.nextafter(708, 709), -745.2, -746.0, -1e5, -1e300, -np.finfo(float).max, -np.inf])
    np.testing.assert_allclose(exp(below), SMALLEST, rtol=5e-16)
    np.testing.assert_array_equal(exp(np.array([0.0, -0.0])), [1, 1])


def test_log():
    """Within one unit in the last place, or 2e-16 near 1, of positive normal numbers of every size."""
    rng = np.random.default_rng(0)
    two, root = 2.0 ** np.arange(-1022, 1024), np.sqrt(0.5) * 2.0 ** np.arange(-1021, 1024)
    x = np.concatenate(
        [
            *(two, np.nextafter(two[1:], 0), np.nextafter(two, np.inf)),
            *(root, np.nextafter(root, 0), np.nextafter(root, np.inf)),
            *(rng.uniform(0.5, 2, 2000), np.exp(rng.uniform(-708, 709, 2000)), 1 + np.geomspace(1e-16, 1, 300)),
        ]
    )  # (point,)
    found = log(x)
    error, exact = errors(found, mpmath.log, x)
    assert (error <= np.maximum(np.spacing(np.abs(exact)), 2e-16)).all()
    np.testing.assert_array_equal(log(np.array([1.0, np.inf])), [0.0, np.nan])


def test_tanh():
    """Within 4e-16 of the truth everywhere, odd to the last bit, never beyond 1."""
    x = magnitudes()
    found = tanh(x)
    error, _ = errors(found, mpmath.tanh, x)
    assert error.max() <= 4e-16
    assert (found <= 1).all()
    np.testing.assert_array_equal(tanh(-x), -found)
    far = np.array([20.0, 354.0, 355.0, 1e5, 1e300, np.finfo(float).max, np.inf])
    np.testing.assert_array_equal(tanh(np.r_[far, -far]), np.r_[np.ones(7), -np.ones(7)])
    np.testing.assert_array_equal(np.signbit(tanh(np.array([0.0, -0.0, 5e-324, -5e-324]))), [False, True] * 2)


def test_logistic():
    """Within four units in the last place for x >= -708."""
    x = magnitudes()
    x = np.r_[x, -x]
    found = logistic(x)
    error, exact = errors(found, lambda v: 1 / (1 + mpmath.exp(-v)), x)
    assert (error <= 4 * np.spacing(exact)).all()
    assert (found <= 1).all()
    far = np.array([708.1, 745.2, 1e5, 1e300, np.finfo(float).max, np.inf])
    np.testing.assert_array_equal(logistic(far), 1)
    np.testing.assert_allclose(logistic(-far), SMALLEST, rtol=1e-15)


def test_bernoulli():
    """Log likelihood within 4e-16 nats, or of its own size where that is more; its derivative within 4e-16."""
    x = magnitudes()[::8]
    z = np.r_[x, -x, 1e3, -1e3]
    for label in (0.0, 1.0):
        value, slope = bernoulli(z, np.full(len(z), label))
        error, exact = errors(value, lambda v, sign=1 - 2 * label: -mpmath.log1p(mpmath.exp(sign * v)), z)
        assert (error <= 4e-16 * np.maximum(1, np.abs(exact))).all()
        error, _ = errors(slope, lambda v, label=label: label - 1 / (1 + mpmath.exp(-v)), z)
        assert error.max() <= 4e-16
        far = np.array([1e5, -1e5, 1e300, -1e300])
        value, slope = bernoulli(far, np.full(4, label))
        np.testing.assert_array_equal(value, np.minimum(0, far * (2 * label - 1)))
        np.testing.assert_allclose(slope, label - (far > 0), rtol=0, atol=1e-300)


def test_dot():
    rng = np.random.default_rng(0)
    a, b = rng.normal(0, 10, (2, BLOCK))  # (row,) each
    exact = math.fsum(a * b)
    assert abs(dot(a, b) - exact) <= BLOCK * np.finfo(float).eps * np.abs(a * b).sum()


@pytest.mark.parametrize("function", [exp, log, tanh, logistic, relu])
def test_nan_stays(function):
    """In every lane, so that a point where a sum overflowed is not taken for a good one."""
    x = np.full(3 * LANES, 1.0 if function is log else -1.0)
    x[5:20] = np.nan
    np.testing.assert_array_equal(np.isnan(function(x)), np.isnan(x))


@pytest.mark.parametrize("logit", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("label", [0.0, 1.0])
def test_no_likelihood_at_a_logit_that_is_not_finite(logit, label):
    assert not np.isfinite(bernoulli([logit], [label])[0])


# Products of layers --------------------------------------------------------------------------------------------------


@njit
def combined(h, w, stride, step, constant, out):
    combine_rows(h.reshape(-1), h.shape[0], w, 2, stride, step, constant, out.reshape(-1), *out.shape)


@njit
def with_products(a, b, out):
    add_products(a.reshape(-1), a.shape[0], b.reshape(-1), b.shape[0], out, 1, a.shape[1])


SHAPES = [(n_in, n_out, m) for n_in in (1, 2, 3, 5) for n_out in (1, 2, 3, 4, 7) for m in (8, 16, 24, BLOCK)]


@pytest.mark.parametrize(("n_in", "n_out", "m"), SHAPES)
def test_combine_rows(n_in, n_out, m):
    """Both ways through a layer, and with constants: what NumPy's matrix product has, and nothing beyond it."""
    rng = np.random.default_rng(0)
    w, h = rng.normal(size=3 + n_in * n_out + n_out), rng.normal(size=(n_in, m))  # (3 + weight,), (input, row)
    matrix, intercepts = w[2 : 2 + n_in * n_out].reshape(n_in, n_out), w[-n_out:]
    for stride, step, kernel in ((n_out, 1, matrix), (1, n_in, matrix.reshape(n_out, n_in).T)):
        for constant, added in ((-1, 0.0), (len(w) - n_out, intercepts[:, None])):
            out = np.full((n_out + 1, m), 9.0)  # (output and one more, row)
            combined(h, w, stride, step, constant, out[:n_out])
            np.testing.assert_allclose(out[:n_out], kernel.T @ h + added, rtol=1e-13, atol=1e-14)
            np.testing.assert_array_equal(out[n_out], 9.0)


@pytest.mark.parametrize(("n_in", "n_out", "m"), SHAPES)
def test_add_products(n_in, n_out, m):
    """NumPy's matrix product, added to what was there."""
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(n_in, m)), rng.normal(size=(n_out, m))  # (input, row), (output, row)
    out = np.full(n_in * n_out + 2, 9.0)  # (one before, input * output, one behind)
    with_products(a, b, out)
    np.testing.assert_allclose(out[1:-1].reshape(n_in, n_out), 9.0 + a @ b.T, rtol=1e-13, atol=1e-13)
    np.testing.assert_array_equal(out[[0, -1]], 9.0)


@pytest.mark.parametrize(("n_in", "n_out", "m"), SHAPES)
def test_combine_rows_by_lane(n_in, n_out, m):
    """Row r sees the weights of lane r % LANES."""
    rng = np.random.default_rng(0)
    w, h = (
        rng.normal(size=(3 + n_in * n_out + n_out, LANES)),
        rng.normal(size=(n_in, m)),
    )  # (weight, lane), (input, row)
    constant = len(w) - n_out
    for stride, step in ((n_out, 1), (1, n_in)):
        out = np.empty((n_out, m))  # (output, row)
        combined(h, w, stride, step, constant, out)
        for r in range(m):
            for j in range(n_out):
                terms = [w[2 + i * stride + j * step, r % LANES] * h[i, r] for i in range(n_in)]
                np.testing.assert_allclose(out[j, r], w[constant + j, r % LANES] + sum(terms), rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize(("n_in", "n_out", "m"), SHAPES)
def test_add_products_by_lane(n_in, n_out, m):
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(n_in, m)), rng.normal(size=(n_out, m))  # (input, row), (output, row)
    out = np.full((n_in * n_out + 2, LANES), 9.0)  # (one before, input * output, one behind; lane)
    with_products(a, b, out)
    for lane in range(LANES):
        expected = 9.0 + a[:, lane::LANES] @ b[:, lane::LANES].T
        np.testing.assert_allclose(out[1:-1, lane].reshape(n_in, n_out), expected, rtol=1e-13, atol=1e-13)
    np.testing.assert_array_equal(out[[0, -1]], 9.0)


@njit
def with_sums(a, out):
    add_sums(a.reshape(-1), a.shape[0], out, 1, a.shape[1])


@pytest.mark.parametrize("m", [8, 24, BLOCK])
def test_add_sums(m):
    a = np.random.default_rng(0).normal(size=(3, m))  # (input, row)
    together, by_lane = np.full(5, 9.0), np.full((5, LANES), 9.0)  # (one before, input, one behind)
    with_sums(a, together)
    with_sums(a, by_lane)
    np.testing.assert_allclose(together[1:-1], 9.0 + a.sum(axis=1), rtol=1e-13)
    np.testing.assert_allclose(by_lane[1:-1], 9.0 + a.reshape(3, -1, LANES).sum(axis=1), rtol=1e-13)
    for out in (together, by_lane):
        np.testing.assert_array_equal(out[[0, -1]], 9.0)


# Coordinates of groups, lane by lane ---------------------------------------------------------------------------------


@njit
def loaded(addresses, n, out):
    load_members(addresses, n, out)


@njit
def stored(addresses, n, values):
    store_members(addresses, n, values)


@pytest.mark.parametrize("n", [0, 1, 7, 8, 9, 16, 41])
def test_members_are_transposed(n):
    """There and back, from members that stand in any order, and nothing else is touched."""
    rng = np.random.default_rng(n)
    x = rng.normal(size=(LANES + 2, n))  # (member, coordinate)
    members = rng.permutation(len(x))[:LANES]  # (lane,)
    by_lane = np.full(n * LANES + 1, 9.0)  # (coordinate * lane, and one)
    loaded(x.ctypes.data + members * x.strides[0], n, by_lane)
    np.testing.assert_array_equal(by_lane[:-1].reshape(n, LANES), x[members].T)
    assert by_lane[-1] == 9
    back = np.full_like(x, 9.0)  # (member, coordinate)
    stored(back.ctypes.data + members * back.strides[0], n, by_lane)
    np.testing.assert_array_equal(back[members], x[members])
    np.testing.assert_array_equal(np.delete(back, members, axis=0), 9.0)


@njit
def added(addresses, n, values):
    add_to_members(addresses, n, values)


@pytest.mark.parametrize("n", [0, 1, 8, 19])
def test_lanes_that_share_a_member_add_up(n):
    rng = np.random.default_rng(n)
    values, members = rng.normal(size=(n, LANES)), np.array([3, 1, 3, 3, 0, 1, 4, 3])[:LANES]  # (number, lane), (lane,)
    x = np.full((5, n), 9.0)  # (member, number)
    added(x.ctypes.data + members * x.strides[0], n, values.reshape(-1))
    expected = np.full((5, n), 9.0)  # (member, number)
    np.add.at(expected, members, values.T)
    np.testing.assert_allclose(x, expected, rtol=1e-14)


@njit
def with_chosen(a, values, codes, shift):
    add_chosen(a, values, codes, shift, a.size)


@njit
def with_sums_of_chosen(a, sums, codes, shift):
    add_to_chosen(a, sums, codes, shift, a.size)


@pytest.mark.parametrize("m", [8, 24, BLOCK])
def test_values_that_rows_choose(m):
    """Rows of a vector may choose one value, whose sum then has all of them."""
    rng = np.random.default_rng(m)
    a, values, codes = rng.normal(size=m), rng.normal(size=7), rng.integers(0, 6, m)  # (row,), (value,), (row,)
    for shift in (0, 1):
        found, sums = a.copy(), values.copy()
        with_chosen(found, values, codes, shift)
        np.testing.assert_array_equal(found, a + values[codes + shift])
        with_sums_of_chosen(a, sums, codes, shift)
        expected = values.copy()
        np.add.at(expected, codes + shift, a)
        np.testing.assert_allclose(sums, expected, rtol=1e-13)


@njit
def with_scaled(positions, factors, values, out):
    add_scaled(positions, factors, values, positions.size, out)


@njit
def pulled_back(positions, factors, values, slopes, gradient, grad, grad_factors):
    pull_back(positions, factors, values, slopes, positions.size, gradient, grad, grad_factors)


def test_scaled_values_and_back():
    """Positions may come twice, where two terms add to one weight."""
    rng = np.random.default_rng(0)
    positions, factors = np.array([4, 0, 4, 2]), rng.normal(size=4)  # (coordinate,)
    values, slopes = rng.normal(size=(2, 4, LANES))  # (coordinate, lane) each
    out = np.full((5, LANES), 9.0)  # (entry, lane)
    with_scaled(positions, factors, values.reshape(-1), out)
    expected = np.full((5, LANES), 9.0)
    np.add.at(expected, positions, factors[:, None] * values)
    np.testing.assert_allclose(out, expected, rtol=1e-14)
    gradient = rng.normal(size=(5, LANES))  # (entry, lane)
    grad, grad_factors = np.full((2, 4 * LANES), 9.0)  # (coordinate * lane,) each
    pulled_back(positions, factors, values.reshape(-1), slopes.reshape(-1), gradient, grad, grad_factors)
    of_positions = gradient[positions]  # (coordinate, lane)
    np.testing.assert_allclose(grad, 9 + (factors[:, None] * slopes * of_positions).ravel(), rtol=1e-14)
    np.testing.assert_allclose(grad_factors, 9 + (values * of_positions).ravel(), rtol=1e-14)


@njit
def with_combinations(w, start, n, rank, basis):
    add_combinations(w, start, n, rank, basis.reshape(-1), basis.shape[1])


@njit
def combinations_pulled_back(grad, w, start, n, rank, basis, grad_basis):
    pull_back_combinations(grad, w, start, n, rank, basis.reshape(-1), basis.shape[1], grad_basis.reshape(-1))


@pytest.mark.parametrize(("n", "rank", "n_units"), [(1, 1, 1), (3, 2, 2), (6, 3, 3), (2, 2, 5)])
def test_combinations_of_a_basis(n, rank, n_units):
    rng = np.random.default_rng(0)
    start = n * n_units + 1
    w, grad = rng.normal(size=(2, start + n * rank, LANES))  # (entry, lane) each
    basis, grad_basis = rng.normal(size=(rank, n_units)), np.full((rank, n_units), 9.0)  # (row, unit) each
    factors = w[start:].reshape(n, rank, LANES)
    expected = w.copy()
    expected[: n * n_units] += np.einsum("ikl,kj->ijl", factors, basis).reshape(-1, LANES)
    found = w.copy()
    with_combinations(found, start, n, rank, basis)
    np.testing.assert_allclose(found, expected, rtol=1e-13)
    rows = grad[: n * n_units].reshape(n, n_units, LANES)
    expected = grad.copy()
    expected[start:] = np.einsum("ijl,kj->ikl", rows, basis).reshape(-1, LANES)
    of_basis = 9.0 + np.einsum("ikl,ijl->kj", factors, rows)
    combinations_pulled_back(grad, w, start, n, rank, basis, grad_basis)
    np.testing.assert_allclose(grad, expected, rtol=1e-13)
    np.testing.assert_allclose(grad_basis, of_basis, rtol=1e-13)


def test_all_finite():
    """One entry is enough, wherever it stands; the largest and the smallest doubles are finite."""
    finite = np.array([0.0, -0.0, 5e-324, -1.0, np.finfo(float).max, -np.finfo(float).max, 1e-300, 3.0, 2.0])
    check = njit(lambda a: all_finite(a))
    assert check(finite)
    assert check(finite[:0])
    for at in range(len(finite)):
        for value in (np.nan, np.inf, -np.inf):
            changed = finite.copy()
            changed[at] = value
            assert not check(changed)


# Instruction sets --------------------------------------------------------------------------------------------------

PROGRAM = f"""
import sys
sys.path.insert(0, {str(Path(__file__).parent)!r})
import numpy as np
from models import make_density
from skhbnn.model.network import Network

MODELS = [
    ("flat", "tanh", 1, {{"family": "cauchy"}}),
    ("hierarchical", "tanh", 1, {{}}),
    ("hierarchical", "logistic", 3, {{"family": "student_t", "group_scale_prior": "half_cauchy"}}),
    ("hierarchical", "identity", 1, {{"family": "laplace", "group_scale_prior": "inverse_gamma"}}),
    ("informed", "relu", 3, {{}}),
]
for kind, activation, n_outputs, priors in MODELS:
    sizes = [1, 70, 9] if kind == "hierarchical" else [130]
    density = make_density(kind, Network((3, 5, 4, n_outputs), activation, True), sizes, **priors)
    for seed, size in enumerate([0.1, 0.5, 1.0, 2.0, 3.0]):
        logp, grad = density.logp_grad(size * np.random.default_rng(seed).standard_normal(density.n_dim))
        print(*map(float.hex, [logp, *grad]))
"""


def test_instruction_set(run_python, tmp_path):
    """Log densities and gradients within 1e-12 of their size on the oldest processor of this one's kind.

    On x86 that one has neither AVX nor fused multiply-adds.
    """
    here = run_python(PROGRAM)
    there = run_python(
        PROGRAM, NUMBA_CPU_NAME="generic", NUMBA_CPU_FEATURES="", NUMBA_CACHE_DIR=str(tmp_path)
    ).splitlines()
    assert len(there) == 25
    for a, b in zip(here.splitlines(), there, strict=True):
        expected, found = (np.array([float.fromhex(number) for number in line.split()]) for line in (a, b))
        np.testing.assert_allclose(found[0], expected[0], rtol=1e-12)
        size = np.abs(expected[1:]).max()
        np.testing.assert_allclose(found[1:], expected[1:], rtol=0, atol=1e-12 * size)
