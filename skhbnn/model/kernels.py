"""Compiled log likelihood and gradient of grouped networks.

One pass over the rows computes the log likelihood of every group's network and its gradient with respect to
every weight. Rows are sorted by group, so group ``g`` owns ``rows offsets[g]:offsets[g + 1]``; nothing is padded.
Inner loops always run over rows, which lie contiguously.
"""

import functools
import hashlib
import math
import pkgutil

import numpy as np
from numba import carray, cfunc, njit, types
from numba.extending import intrinsic

from . import lanes

ACTIVATIONS = ("identity", "logistic", "tanh", "relu")  # a network's activation code is its index here
IDENTITY, LOGISTIC, TANH, RELU = range(4)

# Rows a pass works on at once: its activations stay in the L1/L2 cache, and a product of BLOCK softmax sums, each at
# most the number of classes, stays below 1e308 up to 60,000 classes.
BLOCK = 64

# Reassociation lets LLVM vectorise sums. NaN and inf keep their meaning: they mark a divergent step.
_FASTMATH = {"reassoc", "contract", "nsz", "arcp", "afn"}


def _inline(function):
    """``njit`` with this package's options, inlined into the callback.

    All of it: of a function that stands in several compiled modules the loader keeps one version, and a process that
    loads the callback from the disk cache would keep another than the one that compiled it. They differ in the last
    digits, and then in all draws.
    """
    return njit(fastmath=_FASTMATH, error_model="numpy", nogil=True, forceinline=True)(function)


@_inline
def _activate(activation, h, m):
    if activation == TANH:
        lanes.tanh_rows(h, m)
    elif activation == LOGISTIC:
        lanes.logistic_rows(h, m)
    elif activation == RELU:
        lanes.relu_rows(h, m)


@_inline
def _times_slope(activation, delta, h, m):
    if activation == TANH:
        lanes.times_tanh_slope(delta, h, m)
    elif activation == LOGISTIC:
        lanes.times_logistic_slope(delta, h, m)
    elif activation == RELU:
        lanes.times_relu_slope(delta, h, m)


@_inline
def _binary_output(z, y, first, n, m, scratch):
    """Bernoulli log likelihood of one logit; z becomes d log p / d z."""
    labels = scratch[:m]  # (m,)
    for r in range(n):
        labels[r] = y[first + r]
    for r in range(n, m):  # padding that adds less than rounding does; smaller would be subnormal, and slow
        labels[r] = 0.0
        z[r] = -100.0
    return lanes.bernoulli_rows(z, labels, m)


@_inline
def _softmax_output(z, n_classes, y, first, n, m, scratch):
    """Categorical log likelihood of K logits; z (logit * m) becomes d log p / d z."""
    top, total = scratch[:m], scratch[m : 2 * m]  # (m,)
    for r in range(m):
        top[r] = z[r]
        total[r] = 0.0
    for k in range(1, n_classes):
        zk = z[k * m : (k + 1) * m]
        for r in range(m):
            top[r] = zk[r] if zk[r] > top[r] else top[r]
    loglik = 0.0
    for r in range(n):
        loglik += z[np.int64(y[first + r]) * m + r] - top[r]
    for k in range(n_classes):
        zk = z[k * m : (k + 1) * m]
        lanes.subtract_rows(zk, top, m)
        lanes.exp_rows(zk, m)
        lanes.add_rows(total, zk, m)
    product = 1.0
    for r in range(n):
        product *= total[r]
        total[r] = -1.0 / total[r]
    for r in range(n, m):
        total[r] = 0.0
    for k in range(n_classes):
        lanes.multiply_rows(z[k * m : (k + 1) * m], total, m)
    for r in range(n):
        z[np.int64(y[first + r]) * m + r] += 1.0
    return loglik - math.log(product)


@_inline
def _sum(a, n):
    s = 0.0
    for r in range(n):
        s += a[r]
    return s


@_inline
def _network_loglik_grad(w, grad, sizes, activation, fit_intercept, X, y, start, stop, units, deltas):
    """Log likelihood of rows start:stop under one network; its gradient is written to grad.

    w, grad: (weight,); sizes: (layer + 1,); X: (feature, row); y: (row,) class codes as floats;
    units: (input or unit of any layer * BLOCK) and deltas: (2, (widest layer + 2) * BLOCK) are scratch.
    """
    n_layers = sizes.size - 1
    n_features, n_out = sizes[0], sizes[n_layers]
    grad[:] = 0.0
    loglik = 0.0
    for first in range(start, stop, BLOCK):
        n = min(BLOCK, stop - first)
        m = (n + 7) & ~7
        # A contiguous copy: LLVM vectorises only over rows whose stride it knows.
        for i in range(n_features):
            h = units[i * m : (i + 1) * m]
            for r in range(n):
                h[r] = X[i, first + r]
            for r in range(n, m):
                h[r] = 0.0
        # Forward: the outputs of layer l are units[unit:unit + sizes[l]].
        at, unit = 0, 0
        for l in range(n_layers):  # noqa: E741
            n_in, n_next = sizes[l], sizes[l + 1]
            bias = at + n_in * n_next
            h = units[unit * m : (unit + n_in) * m]  # (input, BLOCK)
            unit += n_in
            for j in range(n_next):
                out = units[(unit + j) * m : (unit + j + 1) * m]  # (BLOCK,)
                lanes.combine_rows(h, n_in, w, at + j, n_next, w[bias + j] if fit_intercept else 0.0, out, m)
            if l < n_layers - 1:
                _activate(activation, units[unit * m :], n_next * m)
            at = bias + n_next if fit_intercept else bias
        # Output: the logits become d log p / d logit.
        delta = units[unit * m : (unit + n_out) * m]  # (logit, BLOCK)
        if n_out == 1:
            loglik += _binary_output(delta, y, first, n, m, deltas[0])
        else:
            loglik += _softmax_output(delta, n_out, y, first, n, m, deltas[0])
        # Backward.
        for l in range(n_layers - 1, -1, -1):  # noqa: E741
            n_in, n_next = sizes[l], sizes[l + 1]
            if fit_intercept:
                at -= n_next
                for j in range(n_next):
                    grad[at + j] += _sum(delta[j * m : (j + 1) * m], m)
            at -= n_in * n_next
            unit -= n_in
            h = units[unit * m : (unit + n_in) * m]  # (input, BLOCK)
            for j in range(n_next):
                d = delta[j * m : (j + 1) * m]  # (m,)
                for i in range(n_in):
                    grad[at + i * n_next + j] += lanes.dot_rows(h[i * m : (i + 1) * m], d, m)
            if l > 0:
                lower = deltas[l % 2]  # (unit of layer l, BLOCK)
                for i in range(n_in):
                    lanes.combine_rows(delta, n_next, w, at + i * n_next, 1, 0.0, lower[i * m : (i + 1) * m], m)
                _times_slope(activation, lower, h, n_in * m)
                delta = lower
    return loglik


@_inline
def _exp(x):
    """Exponential of a short vector of either sign."""
    e = np.zeros((x.size + lanes.LANES - 1) // lanes.LANES * lanes.LANES)  # padded to whole vectors
    for i in range(x.size):
        e[i] = -abs(x[i])
    lanes.exp_rows(e, e.size)
    for i in range(x.size):
        if x[i] > 0.0:
            e[i] = 1.0 / e[i]
    return e


@_inline
def _aligned(n):
    """Space for n doubles from the start of a cache line: vectors across two lines cost a third of the speed."""
    space = np.empty(n + 8)  # (n + 8,)
    start = (64 - space.ctypes.data % 64) % 64 // 8
    return space[start : start + n]


FLAT, HIERARCHICAL, INFORMED = range(3)  # model codes


@_inline
def _standard_normal(x, grad):
    """Add the gradient of the standard normal log density; return its value less the constant."""
    s = 0.0
    for i in range(x.size):
        s += x[i] * x[i]
        grad[i] -= x[i]
    return -0.5 * s


@_inline
def _normal(x, scale, grad):
    """As _standard_normal, for standard deviations scale."""
    s = 0.0
    for i in range(x.size):
        u = x[i] / scale[i]
        s += u * u
        grad[i] -= u / scale[i]
    return -0.5 * s


@_inline
def log_density_grad(
    x, grad, model, sizes, activation, fit_intercept, offsets, X, y, location, scale, layer_of_weight, hyper
):
    """Log density of the unconstrained vector x, Jacobians included; its gradient is written to grad.

    location: (weight,); scale: (weight,), or for the informed model the rows of the lower Cholesky factor
    (weight * weight,); hyper: the sum of all normalising constants, and the scale of the half-normal prior of
    the group scales.
    """
    n_weights = layer_of_weight.size
    n_layers = sizes.size - 1
    units = _aligned(sizes.sum() * BLOCK)  # (input or unit of any layer * BLOCK,)
    deltas = _aligned(2 * (sizes.max() + 2) * BLOCK).reshape((2, -1))  # (2, (widest layer + 2) * BLOCK)
    w, grad_w = np.empty(n_weights), np.empty(n_weights)  # (weight,)
    log_sd = x[n_weights : n_weights + n_layers]  # (layer,), empty but in the hierarchical model
    sd = _exp(log_sd)  # (layer,)
    grad[:] = 0.0
    logp = hyper[0]

    for g in range(offsets.size - 1):
        at = n_weights + n_layers + g * n_weights if model == HIERARCHICAL else 0  # of the group's part of x
        for i in range(n_weights):
            if model == FLAT:
                w[i] = x[i]
            elif model == INFORMED:
                w[i] = location[i]
                for j in range(i + 1):
                    w[i] += scale[i * n_weights + j] * x[j]
            else:
                w[i] = x[i] + sd[layer_of_weight[i]] * x[at + i]
        logp += _network_loglik_grad(
            w, grad_w, sizes, activation, fit_intercept, X, y, offsets[g], offsets[g + 1], units, deltas
        )
        for i in range(n_weights):
            if model == INFORMED:
                for j in range(i + 1):
                    grad[j] += scale[i * n_weights + j] * grad_w[i]
            else:
                grad[i] += grad_w[i]
            if model == HIERARCHICAL:
                layer = layer_of_weight[i]
                grad_z = sd[layer] * grad_w[i]
                grad[at + i] += grad_z
                grad[n_weights + layer] += grad_z * x[at + i]

    if model == INFORMED:
        return logp + _standard_normal(x, grad)
    logp += _normal(x[:n_weights], scale, grad[:n_weights])
    if model == HIERARCHICAL:
        logp += _standard_normal(x[n_weights + n_layers :], grad[n_weights + n_layers :])
        for layer in range(n_layers):  # the half-normal prior and the Jacobian of the logarithm
            u = sd[layer] / hyper[1]
            logp += log_sd[layer] - 0.5 * u * u
            grad[n_weights + layer] += 1.0 - u * u
    return logp


@intrinsic
def _as_pointer(typingctx, address):
    def codegen(context, builder, signature, args):
        return builder.inttoptr(args[0], context.get_value_type(types.voidptr))

    return types.voidptr(types.int64), codegen


def _nutpie_logp(n_dim, x, grad, logp, header):
    """The density in the form nutpie calls: 0, or a positive code for a divergent point.

    header: the addresses and sizes that ``density.py`` lays out in ``Density.header``.
    """
    h = carray(header, (16,), np.int64)
    n_groups, n_rows, n_layers, n_weights = h[1], h[2], h[3], h[4]
    sizes = carray(_as_pointer(h[7]), (n_layers + 1,), np.int64)
    n_scale = n_weights * n_weights if h[0] == INFORMED else n_weights
    gradient = carray(grad, (n_dim,))
    value = log_density_grad(
        carray(x, (n_dim,)),
        gradient,
        h[0],
        sizes,
        h[5],
        h[6] != 0,
        carray(_as_pointer(h[8]), (n_groups + 1,), np.int64),
        carray(_as_pointer(h[9]), (sizes[0], n_rows), np.float64),
        carray(_as_pointer(h[10]), (n_rows,), np.float64),
        carray(_as_pointer(h[11]), (n_weights,), np.float64),
        carray(_as_pointer(h[12]), (n_scale,), np.float64),
        carray(_as_pointer(h[13]), (n_weights,), np.int64),
        carray(_as_pointer(h[14]), (2,), np.float64),
    )
    logp[0] = value
    if not np.isfinite(value):
        return 4
    for i in range(n_dim):
        if not np.isfinite(gradient[i]):
            return 3
    return 0


def _nutpie_expand(n_dim, n_expanded, x, out, header):
    """Store the unconstrained vector as it is; weights are made from it afterwards."""
    for i in range(n_dim):
        out[i] = x[i]
    return 0


# Numba's disk cache notices changes of the file of a function, and not of the files that it calls into.
_SOURCE = hashlib.sha256(b"".join(pkgutil.get_data(__package__, n) or b"" for n in ("lanes.py", "kernels.py")))


def _cached_cfunc(signature, function):
    function.__qualname__ += "_" + _SOURCE.hexdigest()[:12]
    try:
        return cfunc(signature, cache=True)(function)
    except RuntimeError as error:
        if "no locator available" not in str(error):
            raise
        return cfunc(signature)(function)  # no folder can be written: compile in memory


@functools.cache
def nutpie_callbacks():
    """The two C callbacks, compiled or loaded from the disk cache at the first fit of a process."""
    double, void = types.CPointer(types.float64), types.voidptr
    logp = types.int64(types.uint64, double, double, double, void)
    expand = types.int64(types.uint64, types.uint64, double, double, void)
    return _cached_cfunc(logp, _nutpie_logp), _cached_cfunc(expand, _nutpie_expand)
