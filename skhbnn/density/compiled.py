"""Callbacks and kernels compiled, or loaded from the disk cache, and what is asked of rows."""

import functools
import hashlib
import warnings
from functools import partial
from importlib import resources

import numpy as np
from numba import cfunc, njit, types
from numba.core.caching import FunctionCache

from ..kernel import log_density, network_kernel


def _network_loglik(weights, X, y, group, row_weights, sizes, activation, fit_intercept):
    """Log likelihood of each row under its group's network, and the gradient of their weighted sum.

    weights: (group, weight); X: (row, feature); y, group, row_weights: (row,), in any order; sizes: (layer + 1,).
    Returns (row,) and (group, weight).
    """
    n_rows, n_groups = y.size, weights.shape[0]
    is_sorted = True
    for r in range(1, n_rows):
        is_sorted &= group[r] >= group[r - 1]
    order = np.arange(n_rows) if is_sorted else np.argsort(group, kind="mergesort")  # (row,)
    inputs, labels, given = np.empty((sizes[0], n_rows)), np.empty(n_rows), np.empty(n_rows)
    offsets = np.zeros(n_groups + 1, dtype=np.int64)  # (group + 1,)
    for r in range(n_rows):
        source = order[r]
        labels[r], given[r] = y[source], row_weights[source]
        offsets[group[source] + 1] += 1
        for i in range(sizes[0]):
            inputs[i, r] = X[source, i]
    units, deltas = network_kernel.scratch(sizes)
    sorted_logliks, logliks, grad = np.empty(n_rows), np.empty(n_rows), np.empty_like(weights)
    for g in range(n_groups):
        offsets[g + 1] += offsets[g]
        start, stop = offsets[g], offsets[g + 1]
        w, grad_w = weights[g], grad[g]  # (weight,)
        network_kernel.network_loglik_grad(
            w,
            grad_w,
            sizes,
            activation,
            fit_intercept,
            inputs,
            labels,
            start,
            stop,
            units,
            deltas,
            sorted_logliks,
            given,
        )
    for r in range(n_rows):
        logliks[order[r]] = sorted_logliks[r]
    return logliks, grad


def _network_logits(weights, X, sizes, activation, fit_intercept):
    """Logits of all rows under each weight vector.

    weights: (draw, weight); X: (row, feature); sizes: (layer + 1,). Returns (draw, logit, row).
    """
    n_draws, n_rows, n_logits = weights.shape[0], X.shape[0], sizes[-1]
    units, _ = network_kernel.scratch(sizes)
    logits = np.empty((n_draws, n_logits, n_rows))  # (draw, logit, row)
    for d in range(n_draws):
        for first in range(0, n_rows, network_kernel.BLOCK):
            n = min(network_kernel.BLOCK, n_rows - first)
            m = network_kernel.padded(n)
            for i in range(sizes[0]):
                for r in range(m):  # padded rows are 0
                    units[i * m + r] = X[first + r, i] if r < n else 0.0
            _, unit = network_kernel.forward(weights[d], sizes, activation, fit_intercept, m, units)
            for k in range(n_logits):
                for r in range(n):
                    logits[d, k, first + r] = units[(unit + k) * m + r]
    return logits


# Numba's disk cache notices changes of the file of a function, and not of the files that it calls into.
def _sources():
    """Every file of the package that may hold compiled code, in the order of their names."""
    for folder in ("skhbnn.density", "skhbnn.kernel"):
        for file in sorted(resources.files(folder).iterdir(), key=lambda file: file.name):
            if file.name.endswith(".py"):
                yield file.read_bytes()


_SOURCE = hashlib.sha256(b"".join(_sources()))


for _function in (log_density.logp_grad, log_density.expand, _network_loglik, _network_logits):
    _function.__qualname__ += "_" + _SOURCE.hexdigest()[:12]


def _cached(compiler, function):
    """The function compiled, or loaded from the disk cache; in memory alone where that cache does not serve."""
    try:
        return compiler(cache=True)(function)
    except OSError:  # the cache cannot be read, or the disk is full
        return compiler(cache=False)(function)
    except Exception as error:  # no folder can be written, or its files are damaged, which ends in errors of any type
        result = compiler(cache=False)(function)  # raises again what is not the cache's fault
        if "no locator available" not in str(error):
            warnings.warn(
                f"The compiled code in {FunctionCache(function).cache_path!r} is damaged ({error!r}), so every process "
                "compiles it anew, which takes seconds: remove that folder.",
                RuntimeWarning,
                stacklevel=2,
            )
        return result


@functools.cache
def nutpie_callbacks():
    """The two C callbacks, compiled or loaded from the disk cache at the first fit of a process."""
    double, void = types.CPointer(types.float64), types.voidptr
    logp = types.int64(types.uint64, double, double, double, void)
    expand = types.int64(types.uint64, types.uint64, double, double, void)
    density = partial(cfunc, logp, fastmath=network_kernel.FASTMATH, error_model="numpy")
    return _cached(density, log_density.logp_grad), _cached(partial(cfunc, expand), log_density.expand)


@functools.cache
def network_loglik():
    """``_network_loglik`` compiled, for the PyTensor Op and the curvature."""
    matrix, vector, integers = types.float64[:, ::1], types.float64[::1], types.int64[::1]
    signature = types.Tuple((vector, matrix))(
        matrix, matrix, integers, integers, vector, integers, types.int64, types.boolean
    )
    return _cached(partial(njit, signature, **network_kernel.OPTIONS), _network_loglik)


@functools.cache
def network_logits():
    """``_network_logits`` compiled, for predictions."""
    matrix, integers = types.float64[:, ::1], types.int64[::1]
    signature = types.float64[:, :, ::1](matrix, matrix, integers, types.int64, types.boolean)
    return _cached(partial(njit, signature, **network_kernel.OPTIONS), _network_logits)
