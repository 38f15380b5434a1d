"""Compiled functions, made when they are first used or loaded from the disk cache."""

import functools
import hashlib
import warnings
from functools import partial
from importlib import resources

from numba import cfunc, njit, types
from numba.core.caching import FunctionCache

from ..kernel import conditional, counts, log_density, network_kernel
from ..kernel.coordinates import BY_LANE, BY_ROW
from ..kernel.log_density import INTERCEPTS, NO_INTERCEPTS, Parts
from ..kernel.network_kernel import NetworkForm
from ..kernel.options import FASTMATH, OPTIONS, bound
from ..model.families.compiled import weight_prior
from ..model.likelihoods import likelihood
from ..model.pooling import affine
from ..model.scale_priors.compiled import scale_prior

DOUBLES, MATRIX, INTEGERS = types.float64[::1], types.float64[:, ::1], types.int64[::1]
FORM = types.NamedTuple((INTEGERS, types.int64, types.boolean), NetworkForm)


def _sources(folder):
    """The contents of every module below a folder of the package, in the order of their names."""
    for entry in sorted(folder.iterdir(), key=lambda entry: entry.name):
        if entry.is_dir():
            yield from _sources(entry)
        elif entry.name.endswith(".py"):
            yield entry.read_bytes()


@functools.cache
def _digest():
    """A digest of all code that may be compiled.

    Numba's disk cache notices changes of the file of a function, and not of the files that it calls into.
    """
    found = hashlib.sha256()
    for folder in ("density", "kernel", "model"):
        for source in _sources(resources.files(__package__.rpartition(".")[0]) / folder):
            found.update(source)
    return found.hexdigest()[:12]


def _cached(compiler, function):
    """A function in compiled form, from the disk cache or for it; in memory alone where no cache serves."""
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


def _entry(function, *names, **values):
    """A copy of a function with values for global names, named after the variant and the digest of all sources."""
    return bound(function, "_".join((function.__name__, *names, _digest())), **values)


@functools.cache
def logp_callback(likelihood_name, compact, in_lanes, with_intercepts):
    """The C callback that writes the log density and the gradient.

    Each variant is compiled when it is first used.

    Parameters
    ----------
    likelihood_name : str
    compact : bool
        Whether groups have a compact map of the inputs; see ``pooling.affine``.
    in_lanes : bool
        Whether each lane of a vector holds the rows of a group of its own; see ``batches``.
    with_intercepts : bool
        Whether there are random intercepts.

    Returns
    -------
    callback : numba.core.ccallback.CFunc
    """
    double, void = types.CPointer(types.float64), types.voidptr
    signature = types.int64(types.uint64, double, double, double, void)
    kind = likelihood(likelihood_name)
    rows = network_kernel.weighted(kind.score_rows)
    input_map = affine.COMPACT_MAP if compact else affine.INPUT_MAP
    rows, intercepts = (network_kernel.shifted(rows), INTERCEPTS) if with_intercepts else (rows, NO_INTERCEPTS)
    batch = BY_LANE if in_lanes else BY_ROW
    parts = Parts(batch, rows, kind.own_numbers, weight_prior, scale_prior, input_map, intercepts)
    variant = [likelihood_name, *["compact"] * compact, *["in_lanes"] * in_lanes, *["intercepts"] * with_intercepts]
    entry = _entry(log_density.log_density, *variant, PARTS=parts)
    return _cached(partial(cfunc, signature, fastmath=FASTMATH, error_model="numpy"), entry)


@functools.cache
def expand_callback():
    """The C callback by which nutpie stores a draw."""
    double, void = types.CPointer(types.float64), types.voidptr
    signature = types.int64(types.uint64, types.uint64, double, double, void)
    return _cached(partial(cfunc, signature), _entry(log_density.expand))


@functools.cache
def row_logliks(likelihood_name):
    """The compiled function of the rows' log likelihoods and the gradient of the weighted sum, for the PyTensor Op."""
    where = types.Tuple((INTEGERS, DOUBLES))
    signature = types.Tuple((DOUBLES, MATRIX, DOUBLES, MATRIX))(FORM, MATRIX, DOUBLES, MATRIX, DOUBLES, where, MATRIX)
    rows = network_kernel.shifted(network_kernel.recorded(likelihood(likelihood_name).score_rows))
    entry = _entry(network_kernel.grouped_loglik_grad, likelihood_name, LIKELIHOOD=rows)
    return _cached(partial(njit, signature, **OPTIONS), entry)


@functools.cache
def network_outputs():
    """The compiled function of the outputs of a network for all rows, for predictions."""
    signature = types.float64[:, :, ::1](MATRIX, MATRIX, FORM)
    return _cached(partial(njit, signature, **OPTIONS), _entry(network_kernel.network_outputs))


@functools.cache
def least_counts():
    """The compiled function of the quantiles of small counts, for predictions."""
    signature = types.void(MATRIX, MATRIX, MATRIX, DOUBLES, MATRIX)
    return _cached(partial(njit, signature, **OPTIONS), _entry(counts.least_counts))


@functools.cache
def network_jacobian():
    """The compiled function of the derivatives of a network's outputs in the weights, for the curvature."""
    signature = types.float64[:, :, ::1](DOUBLES, MATRIX, FORM)
    return _cached(partial(njit, signature, **OPTIONS), _entry(network_kernel.network_jacobian))


@functools.cache
def conditional_draws(likelihood_name, compact):
    """The compiled function that draws the deviations of a group given what groups share."""
    kind = likelihood(likelihood_name)
    deviations = types.NamedTuple(
        (INTEGERS, DOUBLES, INTEGERS, types.int64, types.float64, types.int64), conditional.Deviations
    )
    shared = types.NamedUniTuple(MATRIX, 3, conditional.Shared)
    rows = MATRIX, DOUBLES, DOUBLES
    noise = types.float64[:, :, ::1], MATRIX
    found = types.Tuple((MATRIX, MATRIX, DOUBLES))
    signature = types.int64(FORM, deviations, types.int64, shared, *rows, *noise, types.float64, found)
    parts = conditional.Parts(
        network_kernel.weighted(kind.score_rows),
        kind.information_rows,
        weight_prior,
        affine.COMPACT_MAP if compact else affine.INPUT_MAP,
    )
    entry = _entry(conditional.conditional_draws, likelihood_name, *["compact"] * compact, PARTS=parts)
    return _cached(partial(njit, signature, **OPTIONS), entry)
