"""Products of rows and the weights of a layer, in LLVM's own vectors.

Weights are numbers, (weight,), or vectors with a number for each lane, (weight, LANES): rows r, r + LANES, ... of the
arrays then see the weights of lane r.
"""

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from .lanes import INDEX, LANES, Lanes, Loop, vector_start

TILE = 2  # rows of a product that are kept in registers at once


def _in_tiles(builder, n, body):
    """Emit ``body(positions)`` for all positions below n: tiles of TILE positions, and what is left one by one."""
    one, size = ir.Constant(INDEX, 1), ir.Constant(INDEX, TILE)
    whole = builder.and_(n, ir.Constant(INDEX, -TILE))
    with cgutils.for_range_slice(builder, ir.Constant(INDEX, 0), whole, size, inc=True) as (at, _):
        body([builder.add(at, ir.Constant(INDEX, k)) for k in range(TILE)])
    with cgutils.for_range_slice(builder, whole, n, one, inc=True) as (at, _):
        body([at])


def _coefficients(loop, array, kind):
    """An emitter of the weight at a position, as a function from a width to a vector."""
    builder = loop.builder

    def load(position):
        if kind.ndim == 1:
            number = loop.number(array, position)
            return lambda width: loop.scalar(number, width)
        value = loop.load(array, vector_start(builder, position)).value
        mask = [
            ir.Constant(ir.VectorType(ir.IntType(32), n), [*range(LANES)] * (n // LANES)) for n in (LANES, 2 * LANES)
        ]
        return lambda width: Lanes(builder, builder.shuffle_vector(value, value, mask[width // LANES - 1]))

    return load


def _add_to(loop, array, kind, position, total):
    """Emit the addition of a vector to a weight: lane by lane, or of all lanes to the one number."""
    builder = loop.builder
    if kind.ndim == 1:
        place = builder.gep(loop.data[array], [position])
        builder.store(builder.fadd(builder.load(place), total.reduce("fadd")), place)
    else:
        at = vector_start(builder, position)
        loop.store(total + loop.load(array, at), array, at)


@intrinsic
def combine_rows(typingctx, rows, n_rows, coefficients, start, stride, step, constant, out, n_out, m):
    """Write combinations of rows: out[j * m + r] = constant j + sum over i of coefficient (i, j) * rows[i * m + r].

    For j < n_out and r < m. Coefficient (i, j) is coefficients[start + i * stride + j * step]. Constant j is
    coefficients[constant + j], and 0 where ``constant`` is negative.
    """
    kinds = (rows, n_rows, coefficients, start, stride, step, constant, out, n_out, m)

    def codegen(context, builder, signature, args):
        loop = Loop(context, builder, kinds, args)
        _, n_rows_, _, start_, stride_, step_, constant_, _, n_out_, m_ = args
        no_constant = builder.icmp_signed("<", constant_, ir.Constant(INDEX, 0))
        coefficient = _coefficients(loop, 2, coefficients)

        def tile(outputs):
            at_output = [builder.add(start_, builder.mul(j, step_)) for j in outputs]
            # Without constants an address that may be read all the same.
            at_constant = [builder.select(no_constant, start_, builder.add(constant_, j)) for j in outputs]
            first = [coefficient(at) for at in at_constant]

            def body(r, width):
                totals = [loop.variable(0.0, width) for _ in outputs]
                zero = loop.zeros(width).value
                for total, number in zip(totals, first, strict=True):
                    loop.set(total, Lanes(builder, builder.select(no_constant, zero, number(width).value)))
                with cgutils.for_range(builder, n_rows_) as inner:
                    row = loop.load(0, builder.add(builder.mul(inner.index, m_), r), width)
                    along = builder.mul(inner.index, stride_)
                    for total, at in zip(totals, at_output, strict=True):
                        loop.set(total, coefficient(builder.add(at, along))(width) * row + loop.get(total))
                for total, j in zip(totals, outputs, strict=True):
                    loop.store(loop.get(total), 7, builder.add(builder.mul(j, m_), r))

            loop.pairs(m_, body)

        _in_tiles(builder, n_out_, tile)
        return context.get_dummy_value()

    return types.void(*kinds), codegen


@intrinsic
def add_products(typingctx, a, n_a, b, n_b, out, start, m):
    """Add sums of products: out[start + i * n_b + j] += sum over r < m of a[i * m + r] * b[j * m + r].

    For i < n_a and j < n_b.
    """
    kinds = (a, n_a, b, n_b, out, start, m)

    def codegen(context, builder, signature, args):
        loop = Loop(context, builder, kinds, args)
        _, n_a_, _, n_b_, _, start_, m_ = args

        def tile(left, right):
            totals = [[loop.variable(0.0) for _ in right] for _ in left]
            with loop.vectors(m_) as (r, _):
                rows_a = [loop.load(0, builder.add(builder.mul(i, m_), r)) for i in left]
                rows_b = [loop.load(2, builder.add(builder.mul(j, m_), r)) for j in right]
                for row_a, of_a in zip(rows_a, totals, strict=True):
                    for row_b, total in zip(rows_b, of_a, strict=True):
                        loop.set(total, row_a * row_b + loop.get(total))
            for i, of_a in zip(left, totals, strict=True):
                for j, total in zip(right, of_a, strict=True):
                    place = builder.add(start_, builder.add(builder.mul(i, n_b_), j))
                    _add_to(loop, 4, out, place, loop.get(total))

        _in_tiles(builder, n_a_, lambda left: _in_tiles(builder, n_b_, lambda right: tile(left, right)))
        return context.get_dummy_value()

    return types.void(*kinds), codegen


@intrinsic
def add_sums(typingctx, a, n_a, out, start, m):
    """Add sums: out[start + i] += sum over r < m of a[i * m + r], for i < n_a."""
    kinds = (a, n_a, out, start, m)

    def codegen(context, builder, signature, args):
        loop = Loop(context, builder, kinds, args)
        with cgutils.for_range(builder, args[1]) as rows:
            total, first = loop.variable(0.0), builder.mul(rows.index, args[4])
            with loop.vectors(args[4]) as (r, _):
                loop.set(total, loop.load(0, builder.add(first, r)) + loop.get(total))
            _add_to(loop, 2, out, builder.add(args[3], rows.index), loop.get(total))
        return context.get_dummy_value()

    return types.void(*kinds), codegen
