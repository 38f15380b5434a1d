"""Compiled log likelihood and gradient of grouped networks.

One pass over the rows computes the log likelihood of every group's network and its gradient with respect to
every weight. Rows are sorted by group, so group ``g`` owns ``rows offsets[g]:offsets[g + 1]``; nothing is padded.
Inner loops always run over rows, which lie contiguously.
"""

import math

import numpy as np
from numba import njit

from . import lanes

ACTIVATIONS = ("identity", "logistic", "tanh", "relu")  # a network's activation code is its index here
IDENTITY, LOGISTIC, TANH, RELU = range(4)

# Rows a pass works on at once: its activations stay in the L1/L2 cache, and a product of BLOCK softmax sums, each at
# most the number of classes, stays below 1e308 up to 60,000 classes.
BLOCK = 64

# Reassociation lets LLVM vectorise sums. NaN and inf keep their meaning: they mark a divergent step.
FASTMATH = {"reassoc", "contract", "nsz", "arcp", "afn"}
OPTIONS = {"fastmath": FASTMATH, "error_model": "numpy", "nogil": True}


def inline(function):
    """``njit`` with this package's options, inlined into the callback.

    All of it: of a function that stands in several compiled modules the loader keeps one version, and a process that
    loads the callback from the disk cache would keep another than the one that compiled it. They differ in the last
    digits, and then in all draws. Without the wrappers for callers in Python and C, which take a fifth of the time.
    """
    return njit(forceinline=True, no_cpython_wrapper=True, no_cfunc_wrapper=True, **OPTIONS)(function)


@inline
def _activate(activation, h, m):
    if activation == TANH:
        lanes.tanh_rows(h, m)
    elif activation == LOGISTIC:
        lanes.logistic_rows(h, m)
    elif activation == RELU:
        lanes.relu_rows(h, m)


@inline
def _times_slope(activation, delta, h, m):
    if activation == TANH:
        lanes.times_tanh_slope(delta, h, m)
    elif activation == LOGISTIC:
        lanes.times_logistic_slope(delta, h, m)
    elif activation == RELU:
        lanes.times_relu_slope(delta, h, m)


@inline
def _row_logliks(z, n_out, y, first, n, m, out):
    """Log likelihood of each row from its logits z (logit * m), for the callers that ask for rows."""
    for r in range(n):
        top = 0.0 if n_out == 1 else z[r]
        for k in range(n_out):
            top = max(top, z[k * m + r])
        total = math.exp(-top) if n_out == 1 else 0.0
        for k in range(n_out):
            total += math.exp(z[k * m + r] - top)
        label = np.int64(y[first + r])
        chosen = label * z[r] if n_out == 1 else z[label * m + r]
        out[first + r] = chosen - top - math.log(total)


@inline
def _binary_output(z, y, first, n, m, scratch):
    """Bernoulli log likelihood of one logit; z becomes d log p / d z."""
    labels = scratch[:m]  # (m,)
    for r in range(n):
        labels[r] = y[first + r]
    for r in range(n, m):  # padding that adds less than rounding does; smaller would be subnormal, and slow
        labels[r] = 0.0
        z[r] = -100.0
    return lanes.bernoulli_rows(z, labels, m)


@inline
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


@inline
def _sum(a, n):
    s = 0.0
    for r in range(n):
        s += a[r]
    return s


@inline
def padded(n):
    """The next whole number of vectors, in doubles."""
    return (n + lanes.LANES - 1) // lanes.LANES * lanes.LANES


@inline
def forward(w, sizes, activation, fit_intercept, m, units):
    """Outputs of every layer on m rows, whose inputs come first in units (input or unit of any layer * m,).

    Returns the ends of the weights and of the units below the logits: the logits are units[unit * m:].
    """
    n_layers, at, unit = sizes.size - 1, 0, 0
    for l in range(n_layers):  # noqa: E741
        n_in, n_next = sizes[l], sizes[l + 1]
        bias = at + n_in * n_next
        h = units[unit * m : (unit + n_in) * m]  # (input, BLOCK)
        unit += n_in
        out = units[unit * m : (unit + n_next) * m]  # (output, BLOCK)
        lanes.combine_rows(h, n_in, w, at, n_next, 1, bias if fit_intercept else -1, out, n_next, m)
        if l < n_layers - 1:
            _activate(activation, units[unit * m :], n_next * m)
        at = bias + n_next if fit_intercept else bias
    return at, unit


@njit(inline="always")  # into the caller's source, under its options: LLVM's passes over it alone would take seconds
def network_loglik_grad(
    w, grad, sizes, activation, fit_intercept, X, y, start, stop, units, deltas, row_logliks, row_weights
):
    """Log likelihood of rows start:stop under one network; its gradient is written to grad.

    w, grad: (weight,); sizes: (layer + 1,); X: (feature, row); y: (row,) class codes as floats;
    units and deltas are scratch.
    row_logliks: (row,) takes the log likelihood of each row, and row_weights: (row,) weighs each in the gradient;
    both may be None.
    """
    n_layers = sizes.size - 1
    n_out = sizes[n_layers]
    grad[:] = 0.0
    loglik = 0.0
    for first in range(start, stop, BLOCK):
        n = min(BLOCK, stop - first)
        m = padded(n)
        # A contiguous copy: LLVM vectorises only over rows whose stride it knows.
        for i in range(sizes[0]):
            h = units[i * m : (i + 1) * m]
            for r in range(n):
                h[r] = X[i, first + r]
            for r in range(n, m):
                h[r] = 0.0
        at, unit = forward(w, sizes, activation, fit_intercept, m, units)
        # Output: the logits become d log p / d logit.
        delta = units[unit * m : (unit + n_out) * m]  # (logit, BLOCK)
        if row_logliks is not None:
            _row_logliks(delta, n_out, y, first, n, m, row_logliks)
        if n_out == 1:
            loglik += _binary_output(delta, y, first, n, m, deltas[0])
        else:
            loglik += _softmax_output(delta, n_out, y, first, n, m, deltas[0])
        if row_weights is not None:
            for k in range(n_out):
                for r in range(n):
                    delta[k * m + r] *= row_weights[first + r]
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
            lanes.add_products(h, n_in, delta, n_next, grad, at, m)
            if l > 0:
                lower = deltas[l % 2]  # (unit of layer l, BLOCK)
                lanes.combine_rows(delta, n_next, w, at, 1, n_next, -1, lower, n_in, m)
                _times_slope(activation, lower, h, n_in * m)
                delta = lower
    return loglik


@inline
def _aligned(n):
    """Space for n doubles from the start of a cache line: vectors across two lines cost a third of the speed."""
    space = np.empty(n + 8)  # (n + 8,)
    start = (64 - space.ctypes.data % 64) % 64 // 8
    return space[start : start + n]


@inline
def scratch(sizes):
    """The space that a pass over rows works in: the outputs of every layer, and two layers' gradients in them."""
    total, widest = 0, 0  # by hand: compiling NumPy's sum and max takes a second
    for size in sizes:
        total, widest = total + size, max(widest, size)
    units = _aligned(total * BLOCK)  # (input or unit of any layer * BLOCK,)
    deltas = _aligned((widest + 2) * BLOCK), _aligned((widest + 2) * BLOCK)  # ((widest layer + 2) * BLOCK,) each
    return units, deltas
