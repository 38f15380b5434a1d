"""Loops over rows, written in LLVM's own vectors.

The rows of a group are few: in loops that LLVM vectorises itself the checks for overlapping arrays and the left-over
rows cost more than the work, and LLVM keeps to half of AVX-512. Here every array is padded to whole vectors, so that
neither is needed; on narrower machines LLVM splits the vectors.
"""

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

LANES = 8  # arrays are padded to whole vectors of so many doubles
INDEX = ir.IntType(64)


class Lanes:
    """A vector of doubles, whose arithmetic emits LLVM instructions.

    Multiplications and additions may be fused, never reordered: the exponential rounds by adding a constant and
    subtracting it again.
    """

    def __init__(self, builder, value):
        self.builder, self.value = builder, value
        self.kind, self.width = value.type, value.type.count

    def _constant(self, number):
        return ir.Constant(self.kind, [float(number)] * self.width)

    def _integer(self, number):
        return ir.Constant(ir.VectorType(INDEX, self.width), [number] * self.width)

    def _emit(self, instruction, other):
        value = other.value if isinstance(other, Lanes) else self._constant(other)
        return Lanes(self.builder, getattr(self.builder, instruction)(self.value, value, flags=["contract"]))

    def __add__(self, other):
        return self._emit("fadd", other)

    def __sub__(self, other):
        return self._emit("fsub", other)

    def __mul__(self, other):
        return self._emit("fmul", other)

    def reciprocal(self):
        """Vector of 1 / x."""
        return Lanes(self.builder, self.builder.fdiv(self._constant(1.0), self.value))

    def where_greater(self, limit, yes, no):
        """Vector of yes where a lane is above the limit, else of no."""
        yes, no = (v.value if isinstance(v, Lanes) else self._constant(v) for v in (yes, no))
        greater = self.builder.fcmp_unordered(">", self.value, self._constant(limit))  # NaN is not hidden
        return Lanes(self.builder, self.builder.select(greater, yes, no))

    def _bits(self):
        return self.builder.bitcast(self.value, ir.VectorType(INDEX, self.width))

    def _from_bits(self, bits):
        return Lanes(self.builder, self.builder.bitcast(bits, self.kind))

    def magnitude(self):
        """Vector of abs(x)."""
        return self._from_bits(self.builder.and_(self._bits(), self._integer((1 << 63) - 1)))

    def with_sign_of(self, other):
        """Vector of the lanes' magnitudes with the signs of another vector."""
        sign = self.builder.and_(other._bits(), self._integer(-(1 << 63)))
        return self._from_bits(self.builder.or_(self.magnitude()._bits(), sign))

    def power_of_two(self):
        """Vector 2**k of sums k + 1.5 * 2**52, whose low bits hold k."""
        shifted = self.builder.shl(self._bits(), self._integer(52))
        return self._from_bits(self.builder.add(shifted, self._integer(1023 << 52)))

    def split_of_two(self):
        """Vectors f and k of positive normal numbers x = f * 2**k, with f from sqrt(1/2) to sqrt(2)."""
        above = self.builder.sub(self._bits(), self._integer(0x3FE6A09E667F3BCD))  # the bits of sqrt(1/2)
        k = self.builder.ashr(above, self._integer(52))
        f = self._from_bits(self.builder.sub(self._bits(), self.builder.shl(k, self._integer(52))))
        return f, Lanes(self.builder, self.builder.sitofp(k, self.kind))

    def reduce(self, instruction):
        """Sum ("fadd") or product ("fmul") of the lanes."""
        combine, lanes, value = getattr(self.builder, instruction), self.width, self.value
        while lanes > 1:
            lanes //= 2
            half = ir.VectorType(ir.IntType(32), lanes)
            low, high = (ir.Constant(half, list(range(at, at + lanes))) for at in (0, lanes))
            value = combine(*(self.builder.shuffle_vector(value, value, mask) for mask in (low, high)))
        return self.builder.extract_element(value, ir.Constant(INDEX, 0))


def exp(x):
    """The vector exp(x) for x <= 0, to two units in the last place; x below -708 counts as -708."""
    x = x.where_greater(-708.0, x, -708.0)
    magic = 6755399441055744.0  # 1.5 * 2**52: adding it rounds to an integer
    shifted = x * 1.4426950408889634 + magic
    k = shifted - magic
    r = x - k * 6.93147180369123816490e-01 - k * 1.90821492927058770002e-10  # |r| <= log(2) / 2
    # exp(r) = 1 + r + r**2 (even(r**2) + r odd(r**2)), interpolated at Chebyshev nodes, relative error 1.6e-17; two
    # short chains of sums overlap where Horner's single one would wait for itself.
    s = r * r
    even = (s * 2.7620088445409746e-07 + 2.4801521295954376e-05) * s + 0.0013888888917213717
    even = (even * s + 0.04166666666662413) * s + 0.5
    odd = (s * 2.510038549551032e-08 + 2.7557268459997064e-06) * s + 0.00019841269863053618
    odd = (odd * s + 0.008333333333330062) * s + 0.16666666666666669
    p = (odd * r + even) * s + r + 1.0
    return p * shifted.power_of_two()


def log(x):
    """The vector of logarithms of positive normal numbers x, to one unit in the last place or 1e-16; else NaN."""
    f, k = x.split_of_two()
    r = f - 1.0
    # log(1 + r) = 2 artanh(s) with s = r / (2 + r); the series in s**2, interpolated at Chebyshev nodes.
    s = r * (f + 1.0).reciprocal()
    z = s * s
    series = (z * 0.14616449685043406 + 0.15331721600556042) * z + 0.18182889125261723
    series = ((series * z + 0.2222221113479508) * z + 0.28571428625975487) * z + 0.39999999999899505
    series = (series * z + 0.666666666666667) * z
    half = r * r * 0.5
    rest = r - half + s * (half + series) + k * 1.90821492927058770002e-10
    return k * 6.93147180369123816490e-01 + rest + x * 0.0  # NaN where x is not finite, whose bits are no f * 2**k


def _tanh(x):
    e = exp(x.magnitude() * -2.0)
    return ((e * -1.0 + 1.0) * (e + 1.0).reciprocal()).with_sign_of(x)


def _logistic(x):
    e = exp(x.magnitude() * -1.0)
    s = (e + 1.0).reciprocal()
    return x.where_greater(0.0, s, e * s)


def vector_start(builder, k):
    """The position of the first number of vector k."""
    return builder.mul(k, ir.Constant(INDEX, LANES))


class Loop:
    """An emitter of one loop over the rows of padded arrays."""

    def __init__(self, context, builder, kinds, args):
        self.builder = builder
        self.data = [
            context.make_array(kind)(context, builder, arg).data if isinstance(kind, types.Array) else None
            for kind, arg in zip(kinds, args, strict=True)
        ]

    def vectors(self, m):
        """Context of the loop over r = 0, LANES, ... < m; gives r."""
        zero, step = ir.Constant(INDEX, 0), ir.Constant(INDEX, LANES)
        return cgutils.for_range_slice(self.builder, zero, m, step, inc=True)

    def pairs(self, m, body):
        """Emit ``body(r, width)`` for rows r to r + width, two vectors at a time so that the work of both overlaps."""
        zero, step = ir.Constant(INDEX, 0), ir.Constant(INDEX, 2 * LANES)
        paired = self.builder.and_(m, ir.Constant(INDEX, -2 * LANES))
        with cgutils.for_range_slice(self.builder, zero, paired, step, inc=True) as (r, _):
            body(r, 2 * LANES)
        with self.builder.if_then(self.builder.icmp_signed("<", paired, m)):
            body(paired, LANES)

    def _pointer(self, array, position, width):
        kind = ir.VectorType(ir.DoubleType(), width).as_pointer()
        return self.builder.bitcast(self.builder.gep(self.data[array], [position]), kind)

    def load(self, array, position, width=LANES):
        """Vector of rows at a position of an array."""
        return Lanes(self.builder, self.builder.load(self._pointer(array, position, width), align=8))

    def store(self, lanes, array, position):
        """Write a vector to a position of an array."""
        self.builder.store(lanes.value, self._pointer(array, position, lanes.width), align=8)

    def scalar(self, value, width):
        """Vector with one number in all lanes."""
        one = ir.Constant(ir.VectorType(ir.DoubleType(), width), ir.Undefined)
        one = self.builder.insert_element(one, value, ir.Constant(INDEX, 0))
        mask = ir.Constant(ir.VectorType(ir.IntType(32), width), [0] * width)
        return Lanes(self.builder, self.builder.shuffle_vector(one, one, mask))

    def zeros(self, width):
        """Vector of zeros."""
        return Lanes(self.builder, ir.Constant(ir.VectorType(ir.DoubleType(), width), [0.0] * width))

    def number(self, array, position):
        """One number of an array."""
        return self.builder.load(self.builder.gep(self.data[array], [position]))

    def number_in_all(self, array, position):
        """Vector with one number of an array in all lanes."""
        return self.scalar(self.number(array, position), LANES)

    def variable(self, value, width=LANES):
        """A vector that changes from row to row, in memory that LLVM turns into registers."""
        start = ir.Constant(ir.VectorType(ir.DoubleType(), width), [value] * width)
        variable = cgutils.alloca_once(self.builder, start.type)
        self.builder.store(start, variable)  # here: the memory is made once for the whole function
        return variable

    def get(self, variable):
        """Vector that a variable holds."""
        return Lanes(self.builder, self.builder.load(variable))

    def set(self, variable, lanes):
        """Let a variable hold a vector."""
        self.builder.store(lanes.value, variable)


def _in_place(function):
    """Compiled ``a[r] = function(a[r])`` for r < m."""

    @intrinsic
    def loop(typingctx, a, m):
        def codegen(context, builder, signature, args):
            rows = Loop(context, builder, (a, m), args)
            rows.pairs(args[1], lambda r, width: rows.store(function(rows.load(0, r, width)), 0, r))
            return context.get_dummy_value()

        return types.void(a, m), codegen

    return loop


def _in_place_with(function):
    """Compiled ``a[r] = function(a[r], b[r])`` for r < m."""

    @intrinsic
    def loop(typingctx, a, b, m):
        def codegen(context, builder, signature, args):
            rows = Loop(context, builder, (a, b, m), args)
            with rows.vectors(args[2]) as (r, _):
                rows.store(function(rows.load(0, r), rows.load(1, r)), 0, r)
            return context.get_dummy_value()

        return types.void(a, b, m), codegen

    return loop


@intrinsic
def dot_rows(typingctx, a, b, m):
    """Compiled sum of ``a[r] * b[r]`` for r < m."""

    def codegen(context, builder, signature, args):
        rows = Loop(context, builder, (a, b, m), args)
        total = rows.variable(0.0)
        with rows.vectors(args[2]) as (r, _):
            rows.set(total, rows.load(0, r) * rows.load(1, r) + rows.get(total))
        return rows.get(total).reduce("fadd")

    return types.float64(a, b, m), codegen


def _numbers_at(rows, codes, shift, array, r):
    """Pointers to the numbers of an array whose positions less a shift are the codes of LANES rows from r on."""
    builder, pointers = rows.builder, []
    for lane in range(LANES):
        code = rows.number(codes, builder.add(r, ir.Constant(INDEX, lane)))
        pointers.append(builder.gep(rows.data[array], [builder.add(code, shift)]))
    return pointers


@intrinsic
def add_chosen(typingctx, a, values, codes, shift, m):
    """Compiled ``a[r] += values[codes[r] + shift]`` for r < m.

    Numbers are put into a vector one by one: a vector that is loaded from what was just stored as numbers must wait.
    """
    kinds = (a, values, codes, shift, m)

    def codegen(context, builder, signature, args):
        rows = Loop(context, builder, kinds, args)
        with rows.vectors(args[4]) as (r, _):
            chosen = ir.Constant(ir.VectorType(ir.DoubleType(), LANES), ir.Undefined)
            for lane, pointer in enumerate(_numbers_at(rows, 2, args[3], 1, r)):
                chosen = builder.insert_element(chosen, builder.load(pointer), ir.Constant(INDEX, lane))
            rows.store(rows.load(0, r) + Lanes(builder, chosen), 0, r)
        return context.get_dummy_value()

    return types.void(*kinds), codegen


@intrinsic
def add_to_chosen(typingctx, a, sums, codes, shift, m):
    """Compiled ``sums[codes[r] + shift] += a[r]`` for r < m, one after the other: rows may share a code."""
    kinds = (a, sums, codes, shift, m)

    def codegen(context, builder, signature, args):
        rows = Loop(context, builder, kinds, args)
        with rows.vectors(args[4]) as (r, _):
            vector = rows.load(0, r).value
            for lane, pointer in enumerate(_numbers_at(rows, 2, args[3], 1, r)):
                number = builder.extract_element(vector, ir.Constant(INDEX, lane))
                builder.store(builder.fadd(builder.load(pointer), number), pointer)
        return context.get_dummy_value()

    return types.void(*kinds), codegen


exp_rows = _in_place(exp)
tanh_rows = _in_place(_tanh)
logistic_rows = _in_place(_logistic)
relu_rows = _in_place(lambda x: x.where_greater(0.0, x, 0.0))
# The derivatives are written in the activation's own output h.
times_tanh_slope = _in_place_with(lambda delta, h: delta * (h * h * -1.0 + 1.0))
times_logistic_slope = _in_place_with(lambda delta, h: delta * (h * (h * -1.0 + 1.0)))
times_relu_slope = _in_place_with(lambda delta, h: h.where_greater(0.0, delta, 0.0))
subtract_rows = _in_place_with(lambda a, b: a - b)
subtract_logs = _in_place_with(lambda a, b: a - log(b))
add_rows = _in_place_with(lambda a, b: a + b)
multiply_rows = _in_place_with(lambda a, b: a * b)
