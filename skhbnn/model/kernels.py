"""Compiled log likelihood and gradient of grouped networks.

One pass over the rows computes the log likelihood of every group's network and its gradient with respect to
every weight. Rows are sorted by group, so group ``g`` owns ``rows offsets[g]:offsets[g + 1]``; nothing is padded.
Inner loops always run over rows, which lie contiguously, so that LLVM vectorises them.

All compiled code of the package stands in this file: Numba's disk cache notices changes of the file that holds
the cached function, and not of the files it calls into.
"""

import functools
import math

import numpy as np
from llvmlite import ir
from numba import carray, cfunc, njit, types
from numba.core import cgutils
from numba.extending import intrinsic

ACTIVATIONS = ("identity", "logistic", "tanh", "relu")  # a network's activation code is its index here
IDENTITY, LOGISTIC, TANH, RELU = range(4)

BLOCK = 64  # rows a pass works on at once: its activations stay in the L1/L2 cache
MAX_CLASSES = 60_000  # a product of BLOCK softmax sums, each at most n_classes, must stay below 1e308

# Reassociation lets LLVM vectorise sums. NaN and inf keep their meaning: they mark a divergent step.
_SUMS = {"reassoc", "contract", "nsz", "arcp", "afn"}


def _compile(flags, **options):
    """``njit`` with this package's options; without the disk cache where no folder can be written."""
    options = {"fastmath": flags, "error_model": "numpy", "nogil": True, **options}

    def decorate(function):
        return _cached(functools.partial(njit, **options), function)

    return decorate


def _cached(decorator, function):
    try:
        return decorator(cache=True)(function)
    except RuntimeError as error:
        if "no locator available" not in str(error):
            raise
        return decorator(cache=False)(function)  # read-only install and home: compile in memory


# Vectors -----------------------------------------------------------------------------------------------------
#
# The loops over rows are written in LLVM's own vectors. The rows of a group are few, so in loops that LLVM vectorises
# itself the checks for overlapping arrays and the left-over rows cost more than the work, and LLVM keeps to half of
# AVX-512. Every array is padded to whole vectors; on narrower machines LLVM splits them.

LANES = 8


class _Lanes:
    """LANES doubles: arithmetic on them emits LLVM instructions.

    Multiplications and additions may be fused, never reordered: the exponential rounds by adding a constant and
    subtracting it again.
    """

    def __init__(self, builder, value):
        self.builder, self.value = builder, value

    def _emit(self, instruction, other):
        if not isinstance(other, _Lanes):
            other = _Lanes(self.builder, ir.Constant(VECTOR, [float(other)] * LANES))
        emit = getattr(self.builder, instruction)
        return _Lanes(self.builder, emit(self.value, other.value, flags=["contract"]))

    def __add__(self, other):
        return self._emit("fadd", other)

    def __sub__(self, other):
        return self._emit("fsub", other)

    def __mul__(self, other):
        return self._emit("fmul", other)

    def reciprocal(self):
        return _Lanes(self.builder, self.builder.fdiv(ir.Constant(VECTOR, [1.0] * LANES), self.value))

    def where_greater(self, limit, yes, no):
        """Yes where self > limit, else no."""
        limits = ir.Constant(VECTOR, [float(limit)] * LANES)
        yes, no = (v.value if isinstance(v, _Lanes) else ir.Constant(VECTOR, [float(v)] * LANES) for v in (yes, no))
        greater = self.builder.fcmp_ordered(">", self.value, limits)
        return _Lanes(self.builder, self.builder.select(greater, yes, no))

    def _bits(self):
        return self.builder.bitcast(self.value, BITS)

    def _from_bits(self, bits):
        return _Lanes(self.builder, self.builder.bitcast(bits, VECTOR))

    def magnitude(self):
        return self._from_bits(self.builder.and_(self._bits(), ir.Constant(BITS, [(1 << 63) - 1] * LANES)))

    def with_sign_of(self, other):
        sign = self.builder.and_(other._bits(), ir.Constant(BITS, [-(1 << 63)] * LANES))
        return self._from_bits(self.builder.or_(self.magnitude()._bits(), sign))

    def power_of_two(self):
        """2**k of a sum k + 1.5 * 2**52, whose low bits hold k."""
        shifted = self.builder.shl(self._bits(), ir.Constant(BITS, [52] * LANES))
        return self._from_bits(self.builder.add(shifted, ir.Constant(BITS, [1023 << 52] * LANES)))

    def reduce(self, instruction):
        """Sum ("fadd") or product ("fmul") of the lanes."""
        combine, lanes, value = getattr(self.builder, instruction), LANES, self.value
        while lanes > 1:
            lanes //= 2
            half = ir.VectorType(ir.IntType(32), lanes)
            low, high = (ir.Constant(half, list(range(at, at + lanes))) for at in (0, lanes))
            value = combine(*(self.builder.shuffle_vector(value, value, mask) for mask in (low, high)))
        return self.builder.extract_element(value, ir.Constant(INDEX, 0))


INDEX = ir.IntType(64)
VECTOR = ir.VectorType(ir.DoubleType(), LANES)
BITS = ir.VectorType(INDEX, LANES)


def _exp(x):
    """exp(x) for x <= 0, to two units in the last place; below -708 it is exp(-708)."""
    x = x.where_greater(-708.0, x, -708.0)
    magic = 6755399441055744.0  # 1.5 * 2**52: adding it rounds to an integer
    shifted = x * 1.4426950408889634 + magic
    k = shifted - magic
    r = x - k * 6.93147180369123816490e-01 - k * 1.90821492927058770002e-10  # |r| <= log(2) / 2
    # exp(r) = 1 + r + r**2 q(r); q interpolates at Chebyshev nodes, relative error 1.6e-17.
    q = r * 2.510038549551032e-08 + 2.7620088445409746e-07
    q = q * r + 2.7557268459997064e-06
    q = q * r + 2.4801521295954376e-05
    q = q * r + 0.00019841269863053618
    q = q * r + 0.0013888888917213717
    q = q * r + 0.008333333333330062
    q = q * r + 0.04166666666662413
    q = q * r + 0.16666666666666669
    q = q * r + 0.5
    p = (q * r + 1.0) * r + 1.0
    return p * shifted.power_of_two()


def _tanh(x):
    e = _exp(x.magnitude() * -2.0)
    return ((e * -1.0 + 1.0) * (e + 1.0).reciprocal()).with_sign_of(x)


def _logistic(x):
    e = _exp(x.magnitude() * -1.0)
    s = (e + 1.0).reciprocal()
    return x.where_greater(0.0, s, e * s)


class _Loop:
    """Emits one loop over the rows of padded arrays, LANES at a time."""

    def __init__(self, context, builder, kinds, args):
        self.builder = builder
        self.data = [
            context.make_array(kind)(context, builder, arg).data if isinstance(kind, types.Array) else None
            for kind, arg in zip(kinds, args, strict=True)
        ]

    def rows(self, m):
        """Context of the loop over r = 0, LANES, ... < m; gives r."""
        zero, step = ir.Constant(INDEX, 0), ir.Constant(INDEX, LANES)
        return cgutils.for_range_slice(self.builder, zero, m, step, inc=True)

    def _pointer(self, array, position):
        return self.builder.bitcast(self.builder.gep(self.data[array], [position]), VECTOR.as_pointer())

    def load(self, array, position):
        return _Lanes(self.builder, self.builder.load(self._pointer(array, position), align=8))

    def store(self, lanes, array, position):
        self.builder.store(lanes.value, self._pointer(array, position), align=8)

    def scalar(self, value):
        one = self.builder.insert_element(ir.Constant(VECTOR, ir.Undefined), value, ir.Constant(INDEX, 0))
        mask = ir.Constant(ir.VectorType(ir.IntType(32), LANES), [0] * LANES)
        return _Lanes(self.builder, self.builder.shuffle_vector(one, one, mask))

    def variable(self, value):
        """A vector that changes from row to row, in memory that LLVM turns into a register."""
        return cgutils.alloca_once_value(self.builder, ir.Constant(VECTOR, [value] * LANES))

    def get(self, variable):
        return _Lanes(self.builder, self.builder.load(variable))

    def set(self, variable, lanes):
        self.builder.store(lanes.value, variable)


def _in_place(function):
    """Compiled ``a[r] = function(a[r])`` for r < m."""

    @intrinsic
    def loop(typingctx, a, m):
        def codegen(context, builder, signature, args):
            rows = _Loop(context, builder, (a, m), args)
            with rows.rows(args[1]) as (r, _):
                rows.store(function(rows.load(0, r)), 0, r)
            return context.get_dummy_value()

        return types.void(a, m), codegen

    return loop


def _in_place_with(function):
    """Compiled ``a[r] = function(a[r], b[r])`` for r < m."""

    @intrinsic
    def loop(typingctx, a, b, m):
        def codegen(context, builder, signature, args):
            rows = _Loop(context, builder, (a, b, m), args)
            with rows.rows(args[2]) as (r, _):
                rows.store(function(rows.load(0, r), rows.load(1, r)), 0, r)
            return context.get_dummy_value()

        return types.void(a, b, m), codegen

    return loop


exp_rows = _in_place(_exp)
tanh_rows = _in_place(_tanh)
logistic_rows = _in_place(_logistic)
relu_rows = _in_place(lambda x: x.where_greater(0.0, x, 0.0))
# The derivatives are written in the activation's own output h.
_times_tanh_slope = _in_place_with(lambda delta, h: delta * (h * h * -1.0 + 1.0))
_times_logistic_slope = _in_place_with(lambda delta, h: delta * (h * (h * -1.0 + 1.0)))
_times_relu_slope = _in_place_with(lambda delta, h: h.where_greater(0.0, delta, 0.0))
_subtract = _in_place_with(lambda a, b: a - b)
_add = _in_place_with(lambda a, b: a + b)
_multiply = _in_place_with(lambda a, b: a * b)


@intrinsic
def _combine(typingctx, rows, n_rows, coefficients, start, stride, constant, out, m):
    """out[r] = constant + sum over i of coefficients[start + i * stride] * rows[i * m + r], for r < m."""
    kinds = (rows, n_rows, coefficients, start, stride, constant, out, m)

    def codegen(context, builder, signature, args):
        loop = _Loop(context, builder, kinds, args)
        _, n_rows_, _, start_, stride_, constant_, _, m_ = args
        total = loop.variable(0.0)
        with loop.rows(m_) as (r, _):
            loop.set(total, loop.scalar(constant_))
            with cgutils.for_range(builder, n_rows_) as inner:
                at = builder.add(start_, builder.mul(inner.index, stride_))
                coefficient = loop.scalar(builder.load(builder.gep(loop.data[2], [at])))
                row = loop.load(0, builder.add(builder.mul(inner.index, m_), r))
                loop.set(total, coefficient * row + loop.get(total))
            loop.store(loop.get(total), 6, r)
        return context.get_dummy_value()

    return types.void(*kinds), codegen


@intrinsic
def _dot(typingctx, a, b, m):
    """Sum of a[r] * b[r] for r < m."""

    def codegen(context, builder, signature, args):
        loop = _Loop(context, builder, (a, b, m), args)
        total = loop.variable(0.0)
        # Set here: the variable is made once for the whole function.
        loop.set(total, _Lanes(builder, ir.Constant(VECTOR, [0.0] * LANES)))
        with loop.rows(args[2]) as (r, _):
            loop.set(total, loop.load(0, r) * loop.load(1, r) + loop.get(total))
        return loop.get(total).reduce("fadd")

    return types.float64(a, b, m), codegen


@intrinsic
def _bernoulli(typingctx, z, y, m):
    """Log likelihood of logits z and classes y; z becomes d log p / d z."""

    def codegen(context, builder, signature, args):
        loop = _Loop(context, builder, (z, y, m), args)
        linear, product = loop.variable(0.0), loop.variable(1.0)
        loop.set(linear, _Lanes(builder, ir.Constant(VECTOR, [0.0] * LANES)))
        loop.set(product, _Lanes(builder, ir.Constant(VECTOR, [1.0] * LANES)))
        with loop.rows(args[2]) as (r, _):
            logit, label = loop.load(0, r), loop.load(1, r)
            e = _exp(logit.magnitude() * -1.0)
            s = (e + 1.0).reciprocal()
            loop.set(linear, (label - logit.where_greater(0.0, 1.0, 0.0)) * logit + loop.get(linear))
            loop.set(product, (e + 1.0) * loop.get(product))  # each factor at most 2: one logarithm a block
            loop.store(label - logit.where_greater(0.0, s, e * s), 0, r)
        log = builder.module.declare_intrinsic("llvm.log", [ir.DoubleType()])
        return builder.fsub(loop.get(linear).reduce("fadd"), builder.call(log, [loop.get(product).reduce("fmul")]))

    return types.float64(z, y, m), codegen


# One network -------------------------------------------------------------------------------------------------


@_compile(_SUMS, forceinline=True)
def _activate(activation, h, m):
    if activation == TANH:
        tanh_rows(h, m)
    elif activation == LOGISTIC:
        logistic_rows(h, m)
    elif activation == RELU:
        relu_rows(h, m)


@_compile(_SUMS, forceinline=True)
def _times_slope(activation, delta, h, m):
    if activation == TANH:
        _times_tanh_slope(delta, h, m)
    elif activation == LOGISTIC:
        _times_logistic_slope(delta, h, m)
    elif activation == RELU:
        _times_relu_slope(delta, h, m)


@_compile(_SUMS, forceinline=True)
def _binary_output(z, y, first, n, m, scratch):
    """Bernoulli log likelihood of one logit; z becomes d log p / d z."""
    labels = scratch[:m]  # (m,)
    for r in range(n):
        labels[r] = y[first + r]
    for r in range(n, m):  # padding that adds less than rounding does; smaller would be subnormal, and slow
        labels[r] = 0.0
        z[r] = -100.0
    return _bernoulli(z, labels, m)


@_compile(_SUMS, forceinline=True)
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
        _subtract(zk, top, m)
        exp_rows(zk, m)
        _add(total, zk, m)
    product = 1.0
    for r in range(n):
        product *= total[r]
        total[r] = -1.0 / total[r]
    for r in range(n, m):
        total[r] = 0.0
    for k in range(n_classes):
        _multiply(z[k * m : (k + 1) * m], total, m)
    for r in range(n):
        z[np.int64(y[first + r]) * m + r] += 1.0
    return loglik - math.log(product)


@_compile(_SUMS, forceinline=True)
def _sum(a, n):
    s = 0.0
    for r in range(n):
        s += a[r]
    return s


@_compile(_SUMS)
def network_loglik_grad(w, grad, sizes, activation, fit_intercept, X, y, start, stop, units, deltas):
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
                _combine(h, n_in, w, at + j, n_next, w[bias + j] if fit_intercept else 0.0, out, m)
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
                    grad[at + i * n_next + j] += _dot(h[i * m : (i + 1) * m], d, m)
            if l > 0:
                lower = deltas[l % 2]  # (unit of layer l, BLOCK)
                for i in range(n_in):
                    _combine(delta, n_next, w, at + i * n_next, 1, 0.0, lower[i * m : (i + 1) * m], m)
                _times_slope(activation, lower, h, n_in * m)
                delta = lower
    return loglik


FLAT, HIERARCHICAL, INFORMED = range(3)  # model codes


@_compile(_SUMS, forceinline=True)
def _standard_normal(x, grad):
    """Add the gradient of the standard normal log density; return its value less the constant."""
    s = 0.0
    for i in range(x.size):
        s += x[i] * x[i]
        grad[i] -= x[i]
    return -0.5 * s


@_compile(_SUMS, forceinline=True)
def _normal(x, scale, grad):
    """As _standard_normal, for standard deviations scale."""
    s = 0.0
    for i in range(x.size):
        u = x[i] / scale[i]
        s += u * u
        grad[i] -= u / scale[i]
    return -0.5 * s


@_compile(_SUMS)
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
    units = np.empty(sizes.sum() * BLOCK)
    deltas = np.empty((2, (sizes.max() + 2) * BLOCK))
    net = (sizes, activation, fit_intercept, X, y)
    logp = hyper[0]

    if model == FLAT:
        logp += network_loglik_grad(x, grad, *net, 0, offsets[-1], units, deltas)
        return logp + _normal(x, scale, grad)

    w = np.empty(n_weights)
    grad_w = np.empty(n_weights)

    if model == INFORMED:
        for i in range(n_weights):
            w[i] = location[i]
            for j in range(i + 1):
                w[i] += scale[i * n_weights + j] * x[j]
        logp += network_loglik_grad(w, grad_w, *net, 0, offsets[-1], units, deltas)
        grad[:] = 0.0
        for i in range(n_weights):
            for j in range(i + 1):
                grad[j] += scale[i * n_weights + j] * grad_w[i]
        return logp + _standard_normal(x, grad)

    mu, grad_mu = x[:n_weights], grad[:n_weights]  # (weight,)
    log_sd, grad_log_sd = x[n_weights : n_weights + n_layers], grad[n_weights : n_weights + n_layers]  # (layer,)
    sd = np.exp(log_sd)  # (layer,)
    grad[:] = 0.0
    for g in range(offsets.size - 1):
        first = n_weights + n_layers + g * n_weights
        z, grad_z = x[first : first + n_weights], grad[first : first + n_weights]  # (weight,)
        for i in range(n_weights):
            w[i] = mu[i] + sd[layer_of_weight[i]] * z[i]
        logp += network_loglik_grad(w, grad_w, *net, offsets[g], offsets[g + 1], units, deltas)
        for i in range(n_weights):
            grad_mu[i] += grad_w[i]
            grad_z[i] = sd[layer_of_weight[i]] * grad_w[i]
            grad_log_sd[layer_of_weight[i]] += grad_z[i] * z[i]
        logp += _standard_normal(z, grad_z)
    for l in range(n_layers):  # noqa: E741
        u = sd[l] / hyper[1]
        logp += log_sd[l] - 0.5 * u * u
        grad_log_sd[l] += 1.0 - u * u
    return logp + _normal(mu, scale, grad_mu)


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


@functools.cache
def nutpie_callbacks():
    """The two C callbacks, compiled or loaded from the disk cache at the first fit of a process."""
    double, void = types.CPointer(types.float64), types.voidptr
    logp = types.int64(types.uint64, double, double, double, void)
    expand = types.int64(types.uint64, types.uint64, double, double, void)
    return _cached(functools.partial(cfunc, logp), _nutpie_logp), _cached(
        functools.partial(cfunc, expand), _nutpie_expand
    )
