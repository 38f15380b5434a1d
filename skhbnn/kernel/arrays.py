"""Short arrays in compiled code: made, found at an address, and looked through."""

import numpy as np
from numba import carray, types
from numba.core import cgutils
from numba.extending import intrinsic
from numba.np.arrayobj import populate_array

from . import lanes
from .options import inline


@intrinsic
def _as_pointer(typingctx, address):
    def codegen(context, builder, signature, args):
        return builder.inttoptr(args[0], context.get_value_type(types.voidptr))

    return types.voidptr(types.int64), codegen


@inline
def integers_at(address, n):
    """The n integers at an address, (n,)."""
    return carray(_as_pointer(address), (n,), np.int64)


@inline
def doubles_at(address, n):
    """The n doubles at an address, (n,)."""
    return carray(_as_pointer(address), (n,), np.float64)


@inline
def matrix_at(address, n_rows, n_columns):
    """The matrix of doubles at an address, (n_rows, n_columns)."""
    return carray(_as_pointer(address), (n_rows, n_columns), np.float64)


@inline
def integer_matrix_at(address, n_rows, n_columns):
    """The matrix of integers at an address, (n_rows, n_columns)."""
    return carray(_as_pointer(address), (n_rows, n_columns), np.int64)


@inline
def padded(n):
    """The number of doubles in the whole vectors that hold n."""
    return (n + lanes.LANES - 1) // lanes.LANES * lanes.LANES


# Working arrays are cut out of one memory by its address: arrays that Numba counts references of cost atomic operations
# for every slice. Whoever makes the memory must use it after the last use of what was cut out of it, or it is freed.
# Processors take a load for one of what was just stored 4096 bytes further on: a gap of an odd number of cache lines
# between arrays, whose sizes are whole lines, keeps that rare. Without it a gradient takes up to 1.5 times as long.
GAP = 17 * 8  # doubles
MOST_CUTS = 34


@inline
def memory_of(n):
    """Memory for n doubles in at most MOST_CUTS arrays, and the address of the first cache line in the memory."""
    memory = np.empty(n + 8 + MOST_CUTS * (GAP + 8))  # (n and more,)
    return memory, (memory.ctypes.data + 63) // 64 * 64


@inline
def cut(address, n):
    """An array (n,) at an address, and the address where the next array may start."""
    return doubles_at(address, n), address + 8 * (padded(n) + GAP)


@intrinsic
def part(typingctx, a, start, n):
    """The n numbers of an array from a start, (n,).

    A slice without the care for negative positions, for the end of the array, and for the owner of the memory.
    """
    kind = types.Array(a.dtype, 1, "C")

    def codegen(context, builder, signature, args):
        data = context.make_array(a)(context, builder, args[0]).data
        array, size = context.make_array(kind)(context, builder), context.get_constant(types.intp, 8)
        shape, strides = (cgutils.pack_array(builder, [number], size.type) for number in (args[2], size))
        start_of_part = builder.gep(data, [args[1]])
        populate_array(array, start_of_part, shape, strides, size, meminfo=None)
        return array._getvalue()

    return kind(a, types.intp, types.intp), codegen


@inline
def fill(a, value):
    """Set all numbers of an array to a value; NumPy's own function takes half a second more to compile."""
    for i in range(a.size):
        a[i] = value


@inline
def exp(x, e):
    """Write the exponentials of numbers x (n,) of either sign to e (n,), which is padded to whole vectors."""
    m = padded(x.size)
    for i in range(x.size):
        e[i] = -abs(x[i])
    for i in range(x.size, m):
        e[i] = 0.0
    lanes.exp_rows(e, m)
    for i in range(x.size):
        if x[i] > 0.0:
            e[i] = 1.0 / e[i]


@inline
def all_finite(a):
    """Whether no entry of an array is NaN or infinite, without a branch for each: 0 times such an entry is NaN."""
    s = 0.0
    for i in range(a.size):
        s += 0.0 * a[i]
    return s == 0.0
