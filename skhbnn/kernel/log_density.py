"""The log density of the unconstrained vector and its gradient, as the C callbacks that nutpie calls."""

import math

import numpy as np
from numba import carray, types
from numba.extending import intrinsic

from . import lanes
from .network_kernel import inline, network_loglik_grad, padded, scratch

NORMAL, LAPLACE, STUDENT_T = range(3)  # codes of the families
HALF_NORMAL, HALF_CAUCHY, INVERSE_GAMMA = range(3)
OVERFLOW, UNDERFLOW = 1e100, 1e-100  # a product beyond these becomes a logarithm
HEADER = 24  # numbers that tell the callback where everything is, written by Density.header


@inline
def all_finite(a):
    """Whether no entry is NaN or infinite, without a branch for each: 0 times such a one is NaN."""
    s = 0.0
    for i in range(a.size):
        s += 0.0 * a[i]
    return s == 0.0


@inline
def _full(n, value):
    """As NumPy's, which with its zeros and ones takes half a second more to compile."""
    a = np.empty(n)  # (n,)
    a[:] = value
    return a


@inline
def _exp(x):
    """Exponential of a short vector of either sign."""
    e = _full(padded(x.size), 0.0)
    for i in range(x.size):
        e[i] = -abs(x[i])
    lanes.exp_rows(e, e.size)
    for i in range(x.size):
        if x[i] > 0.0:
            e[i] = 1.0 / e[i]
    return e


@inline
def _weight_prior(family, nu, v, scale, grad, value, slope):
    """Values of a family with mean 0 from unconstrained v, and their log density in v less its constants.

    ``families.py`` has the formulas. The gradient of the log density is added to grad; value and slope, padded to
    whole vectors, take the values and their derivatives with respect to v.
    """
    s, n = 0.0, v.size
    if family == NORMAL:
        for i in range(n):
            u = v[i] / scale[i]
            s += u * u
            grad[i] -= u / scale[i]
            value[i] = v[i]
            slope[i] = 1.0
        return -0.5 * s
    product = 1.0
    if family == LAPLACE:
        for i in range(n):
            a = abs(v[i])
            s += a + 0.5 * a * a
            product *= 1.0 + a
            if product > OVERFLOW:
                s -= math.log(product)
                product = 1.0
            grad[i] -= math.copysign(a * (a + 2.0) / (1.0 + a), v[i])
            value[i] = math.copysign(scale[i] * (a + 0.5 * a * a), v[i])
            slope[i] = scale[i] * (1.0 + a)
        return math.log(product) - s
    m = padded(n)
    for i in range(n):
        value[i] = -abs(v[i])
    for i in range(n, m):
        value[i] = 0.0
    lanes.exp_rows(value, m)
    for i in range(n):
        e = value[i]
        s += abs(v[i])
        product *= 0.5 + 0.5 * e * e  # cosh(v) exp(-|v|), between 1/2 and 1
        if product < UNDERFLOW:
            s += math.log(product)
            product = 1.0
        grad[i] -= math.copysign(nu * (1.0 - e * e) / (1.0 + e * e), v[i])
        half = 0.5 * scale[i] * math.sqrt(nu)
        value[i] = math.copysign(half * (1.0 / e - e), v[i])
        slope[i] = half * (1.0 / e + e)
    return -nu * (s + math.log(product))


@inline
def _add_group_scale_prior(family, first, second, log_sd, sd, grad):
    """Add the gradient of the log density of logarithms of group scales; return it less its constants."""
    s = 0.0
    for i in range(sd.size):
        if family == INVERSE_GAMMA:
            s -= first * log_sd[i] + second / sd[i]
            grad[i] += second / sd[i] - first
        else:
            u = sd[i] / first
            if family == HALF_NORMAL:
                s += log_sd[i] - 0.5 * u * u
                grad[i] += 1.0 - u * u
            else:
                s += log_sd[i] - math.log(1.0 + u * u)
                grad[i] += 1.0 - 2.0 * u * u / (1.0 + u * u)
    return s


@intrinsic
def _as_pointer(typingctx, address):
    def codegen(context, builder, signature, args):
        return builder.inttoptr(args[0], context.get_value_type(types.voidptr))

    return types.voidptr(types.int64), codegen


@inline
def _integers(address, n):
    return carray(_as_pointer(address), (n,), np.int64)


@inline
def _doubles(address, n):
    return carray(_as_pointer(address), (n,), np.float64)


@inline
def _unpack(header):
    """What ``Density.header`` says and points to.

    Network: sizes (layer + 1,), code of the activation, whether there are intercepts, entries of the input map.
    Rows: offsets (group + 1,), X (feature, row), y (row,).
    Shared: the weight of each mean and its prior scale, both (mean,).
    Deviating: of each deviation in a group the weight or the entry of the map, the learned scale or -1, and the scale
    that is not learned, all (deviation,).
    Informed: mean (weight,) and the lower Cholesky factor (weight, weight), both empty in the other models.
    Priors: code of the weights' family, its degrees of freedom, code of the scales' family, its two parameters, the
    number of learned scales, the sum of all normalising constants.
    """
    h = carray(header, (HEADER,), np.int64)
    n_groups, n_rows, n_layers, n_means, n_deviations, n_informed = h[0], h[1], h[2], h[3], h[4], h[5]
    sizes = _integers(h[12], n_layers + 1)
    parameters = _doubles(h[22], 4)
    return (
        (sizes, h[6], h[7] != 0, h[8]),
        (
            _integers(h[13], n_groups + 1),
            carray(_as_pointer(h[14]), (sizes[0], n_rows), np.float64),
            _doubles(h[15], n_rows),
        ),
        (_integers(h[16], n_means), _doubles(h[17], n_means)),
        (_integers(h[18], n_deviations), _integers(h[19], n_deviations), _doubles(h[20], n_deviations)),
        (_doubles(h[21], n_informed), carray(_as_pointer(h[23]), (n_informed, n_informed), np.float64)),
        (h[9], parameters[0], h[10], parameters[1], parameters[2], h[11], parameters[3]),
    )


@inline
def _through_map(w, n_in, n_out, fit_intercept, matrix):
    """Let a group's input map work on the first layer of its weights; matrix keeps what that was.

    w: (weight + entry of the map,) ends with the map A, row by row, and the shift s: inputs x become x A + s, and so
    the matrix W of the layer A W, and its intercepts, which follow on W, greater by s W.
    """
    at = w.size - n_in * (n_in + fit_intercept)
    for i in range(n_in * n_out):
        matrix[i] = w[i]
        w[i] = 0.0
    for i in range(n_in + fit_intercept):
        for k in range(n_in):
            a = w[at + i * n_in + k]
            for j in range(n_out):
                w[i * n_out + j] += a * matrix[k * n_out + j]


@inline
def _through_map_grad(grad, w, n_in, n_out, fit_intercept, matrix, space):
    """The gradient at the weights that ``_through_map`` made becomes that at those it was given, and at the map."""
    at = w.size - n_in * (n_in + fit_intercept)
    for i in range(n_in * n_out):
        space[i] = 0.0
    for i in range(n_in + fit_intercept):
        for k in range(n_in):
            s, a = 0.0, w[at + i * n_in + k]
            for j in range(n_out):
                s += grad[i * n_out + j] * matrix[k * n_out + j]
                space[k * n_out + j] += a * grad[i * n_out + j]
            grad[at + i * n_in + k] = s
    for i in range(n_in * n_out):
        grad[i] = space[i]


def logp_grad(n_dim, x_address, grad_address, logp_address, header):
    """Write the log density, Jacobians included, and its gradient; return 0, or a positive code for a divergent point.

    x holds the shared means, the logarithms of the learned group scales, and the deviations group by group; for the
    informed model only z.
    """
    x, grad = carray(x_address, (n_dim,)), carray(grad_address, (n_dim,))
    network, rows, shared, deviating, informed, priors = _unpack(header)
    sizes, activation, fit_intercept, n_map = network
    offsets, X, y = rows
    weight_of_mean, scale_of_mean = shared
    weight_of_deviation, learned_scale, constant_scale = deviating
    location, cholesky = informed
    family, nu, scale_family, first, second, n_scales, constant = priors

    n_weights, n_means, n_deviations = 0, weight_of_mean.size, weight_of_deviation.size
    for layer in range(sizes.size - 1):
        n_weights += (sizes[layer] + fit_intercept) * sizes[layer + 1]
    units, deltas = scratch(sizes)
    n_own = n_weights + n_map
    w, grad_w = np.empty(n_own), np.empty(n_own)  # (weight + entry of the map,)
    mean, grad_mean = _full(n_own, 0.0), _full(n_own, 0.0)  # (weight + entry of the map,)
    if n_map > 0:
        for i in range(sizes[0]):
            mean[n_weights + i * (sizes[0] + 1)] = 1.0
    matrix, space = np.empty(sizes[0] * sizes[1]), np.empty(sizes[0] * sizes[1])  # (weight of the first matrix,)
    value, slope = np.empty(n_deviations + lanes.LANES), np.empty(n_deviations + lanes.LANES)  # (deviation + padding,)
    mu, mu_slope = np.empty(n_means + lanes.LANES), np.empty(n_means + lanes.LANES)  # (mean + padding,)
    ones = _full(n_deviations, 1.0)  # (deviation,)
    grad[:] = 0.0
    logp = constant + _weight_prior(family, nu, x[:n_means], scale_of_mean, grad[:n_means], mu, mu_slope)
    for i in range(n_means):
        mean[weight_of_mean[i]] = mu[i]
    log_sd = x[n_means : n_means + n_scales]  # (learned scale,)
    sd = _exp(log_sd)[:n_scales]  # (learned scale,)
    sd_deviation, grad_sd = np.empty(n_deviations), _full(n_deviations, 0.0)  # (deviation,)
    for k in range(n_deviations):
        sd_deviation[k] = sd[learned_scale[k]] if learned_scale[k] >= 0 else constant_scale[k]

    for g in range(offsets.size - 1):
        start = n_means + n_scales + g * n_deviations
        z, grad_z = x[start : start + n_deviations], grad[start : start + n_deviations]  # (deviation,)
        logp += _weight_prior(family, nu, z, ones, grad_z, value, slope)
        for i in range(n_own):
            w[i] = mean[i]
        for k in range(n_deviations):
            w[weight_of_deviation[k]] += sd_deviation[k] * value[k]
        for i in range(location.size):
            w[i] = location[i]
            for j in range(i + 1):
                w[i] += cholesky[i, j] * x[j]
        if n_map > 0:
            _through_map(w, sizes[0], sizes[1], fit_intercept, matrix)
        logp += network_loglik_grad(
            w, grad_w, sizes, activation, fit_intercept, X, y, offsets[g], offsets[g + 1], units, deltas, None, None
        )
        if n_map > 0:
            _through_map_grad(grad_w, w, sizes[0], sizes[1], fit_intercept, matrix, space)
        for i in range(n_weights):
            grad_mean[i] += grad_w[i]
        for k in range(n_deviations):
            at_weight = grad_w[weight_of_deviation[k]]
            grad_z[k] += sd_deviation[k] * slope[k] * at_weight
            grad_sd[k] += value[k] * at_weight

    for i in range(n_means):
        grad[i] += mu_slope[i] * grad_mean[weight_of_mean[i]]
    for k in range(n_deviations):
        if learned_scale[k] >= 0:
            grad[n_means + learned_scale[k]] += sd_deviation[k] * grad_sd[k]
    for i in range(location.size):
        for j in range(i + 1):
            grad[j] += cholesky[i, j] * grad_mean[i]
    for i in range(location.size):
        logp -= 0.5 * x[i] * x[i]
        grad[i] -= x[i]
    scales = slice(n_means, n_means + n_scales)
    logp += _add_group_scale_prior(scale_family, first, second, log_sd, sd, grad[scales])
    logp_address[0] = logp
    if not np.isfinite(logp):
        return 4
    return 0 if all_finite(grad) else 3


def expand(n_dim, n_expanded, x, out, header):
    """Store the unconstrained vector as it is; weights are made from it afterwards."""
    for i in range(n_dim):
        out[i] = x[i]
    return 0
