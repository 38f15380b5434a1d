"""Coordinates and weights of LANES groups at once, lane by lane, in LLVM's own vectors."""

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from .lanes import INDEX, LANES, Lanes, Loop, vector_start


def _transposed(builder, vectors):
    """LANES vectors as a square, transposed: in each step halves of blocks change places."""
    kind, width = ir.VectorType(ir.IntType(32), LANES), 1
    while width < LANES:
        low = [i if not i & width else LANES + i - width for i in range(LANES)]
        high = [i + width if not i & width else LANES + i for i in range(LANES)]
        step = list(vectors)
        for i in range(LANES):
            if not i & width:
                a, b = vectors[i], vectors[i + width]
                step[i] = builder.shuffle_vector(a, b, ir.Constant(kind, low))
                step[i + width] = builder.shuffle_vector(a, b, ir.Constant(kind, high))
        vectors, width = step, 2 * width
    return vectors


class _Members:
    """An emitter of loops over the coordinates of the members in the lanes."""

    def __init__(self, loop, addresses, n):
        self.loop, self.builder, self.n = loop, loop.builder, n
        self.pointers = []
        for lane in range(LANES):
            address = self.builder.load(self.builder.gep(loop.data[addresses], [ir.Constant(INDEX, lane)]))
            self.pointers.append(self.builder.inttoptr(address, ir.DoubleType().as_pointer()))

    def _loops(self, square, one):
        """Emit ``square(k)`` for each LANES coordinates from k on, and ``one(k)`` for those left over."""
        step, whole = ir.Constant(INDEX, LANES), self.builder.and_(self.n, ir.Constant(INDEX, -LANES))
        with cgutils.for_range_slice(self.builder, ir.Constant(INDEX, 0), whole, step, inc=True) as (k, _):
            square(k)
        with cgutils.for_range_slice(self.builder, whole, self.n, ir.Constant(INDEX, 1), inc=True) as (k, _):
            one(k)

    def _vector_at(self, pointer, k):
        kind = ir.VectorType(ir.DoubleType(), LANES).as_pointer()
        return self.builder.bitcast(self.builder.gep(pointer, [k]), kind)

    def _positions(self, k):
        scaled = vector_start(self.builder, k)
        return [self.builder.add(scaled, ir.Constant(INDEX, i * LANES)) for i in range(LANES)]

    def load_to(self, array):
        """Emit: write coordinate k of the members to vector k of an array."""
        builder = self.builder

        def square(k):
            rows = [builder.load(self._vector_at(pointer, k), align=8) for pointer in self.pointers]
            for column, at in zip(_transposed(builder, rows), self._positions(k), strict=True):
                self.loop.store(Lanes(builder, column), array, at)

        def one(k):
            vector = ir.Constant(ir.VectorType(ir.DoubleType(), LANES), ir.Undefined)
            for lane, pointer in enumerate(self.pointers):
                number = builder.load(builder.gep(pointer, [k]))
                vector = builder.insert_element(vector, number, ir.Constant(INDEX, lane))
            self.loop.store(Lanes(builder, vector), array, self._positions(k)[0])

        self._loops(square, one)

    def store_from(self, array):
        """Emit: write vector k of an array to coordinate k of the members."""
        self._from(array, lambda number, pointer: number)

    def add_from(self, array):
        """Emit: add vector k of an array to coordinate k of the members, one after the other."""
        builder = self.builder
        self._from(array, lambda number, pointer: builder.fadd(builder.load(pointer, align=8), number))

    def _from(self, array, changed):
        """Emit: write what a function makes of vector k of an array and of the place that is written to."""
        builder = self.builder

        def square(k):
            columns = [self.loop.load(array, at).value for at in self._positions(k)]
            for row, pointer in zip(_transposed(builder, columns), self.pointers, strict=True):
                place = self._vector_at(pointer, k)
                builder.store(changed(row, place), place, align=8)

        def one(k):
            vector = self.loop.load(array, self._positions(k)[0]).value
            for lane, pointer in enumerate(self.pointers):
                number, place = builder.extract_element(vector, ir.Constant(INDEX, lane)), builder.gep(pointer, [k])
                builder.store(changed(number, place), place, align=8)

        self._loops(square, one)


def _of_members(emit):
    """Compiled loop that a method of _Members emits, over the n numbers at each of LANES addresses and an array."""

    @intrinsic
    def loop(typingctx, addresses, n, array):
        kinds = (addresses, n, array)

        def codegen(context, builder, signature, args):
            emit(_Members(Loop(context, builder, kinds, args), 0, args[1]), 2)
            return context.get_dummy_value()

        return types.void(*kinds), codegen

    return loop


# array[k * LANES + lane] is of the k-th number at the address of the lane; lanes that are added to may share one.
load_members = _of_members(_Members.load_to)
store_members = _of_members(_Members.store_from)
add_to_members = _of_members(_Members.add_from)


@intrinsic
def add_scaled(typingctx, positions, factors, values, n, out):
    """Add out[positions[k]] += factors[k] * values[k] for k < n, a vector of LANES numbers each but for the factors."""
    kinds = (positions, factors, values, n, out)

    def codegen(context, builder, signature, args):
        loop = Loop(context, builder, kinds, args)
        with cgutils.for_range(builder, args[3]) as inner:
            at, place = (vector_start(builder, k) for k in (inner.index, loop.number(0, inner.index)))
            factor = loop.number_in_all(1, inner.index)
            loop.store(factor * loop.load(2, at) + loop.load(4, place), 4, place)
        return context.get_dummy_value()

    return types.void(*kinds), codegen


@intrinsic
def pull_back(typingctx, positions, factors, values, slopes, n, gradient, grad, grad_factors):
    """Add what the gradient at positions means for coordinates and factors: the reverse of ``add_scaled``.

    grad[k] += factors[k] * slopes[k] * gradient[positions[k]], grad_factors[k] += values[k] * gradient[positions[k]].
    """
    kinds = (positions, factors, values, slopes, n, gradient, grad, grad_factors)

    def codegen(context, builder, signature, args):
        loop = Loop(context, builder, kinds, args)
        with cgutils.for_range(builder, args[4]) as inner:
            at, place = (vector_start(builder, k) for k in (inner.index, loop.number(0, inner.index)))
            factor = loop.number_in_all(1, inner.index)
            given = loop.load(5, place)
            loop.store(factor * loop.load(3, at) * given + loop.load(6, at), 6, at)
            loop.store(loop.load(2, at) * given + loop.load(7, at), 7, at)
        return context.get_dummy_value()

    return types.void(*kinds), codegen


@intrinsic
def add_combinations(typingctx, w, start, n, rank, basis, n_units):
    """Add w[i * n_units + j] += sum over k < rank of w[start + i * rank + k] * basis[k * n_units + j].

    For i < n and j < n_units; vectors of LANES numbers each but for the basis.
    """
    kinds = (w, start, n, rank, basis, n_units)

    def codegen(context, builder, signature, args):
        loop = Loop(context, builder, kinds, args)
        _, start_, n_, rank_, _, n_units_ = args
        with cgutils.for_range(builder, n_) as rows, cgutils.for_range(builder, n_units_) as units:
            place = vector_start(builder, builder.add(builder.mul(rows.index, n_units_), units.index))
            total = loop.variable(0.0)
            loop.set(total, loop.load(0, place))
            with cgutils.for_range(builder, rank_) as inner:
                at = builder.add(start_, builder.add(builder.mul(rows.index, rank_), inner.index))
                number = loop.number_in_all(4, builder.add(builder.mul(inner.index, n_units_), units.index))
                loop.set(total, number * loop.load(0, vector_start(builder, at)) + loop.get(total))
            loop.store(loop.get(total), 0, place)
        return context.get_dummy_value()

    return types.void(*kinds), codegen


@intrinsic
def pull_back_combinations(typingctx, grad, w, start, n, rank, basis, n_units, grad_basis):
    """Pull a gradient back through ``add_combinations``: write it at the factors, and add to it at the basis.

    grad[start + i * rank + k] = sum over j of grad[i * n_units + j] * basis[k * n_units + j], and grad_basis[k *
    n_units + j] += sum over i and the lanes of w[start + i * rank + k] * grad[i * n_units + j].
    """
    kinds = (grad, w, start, n, rank, basis, n_units, grad_basis)

    def codegen(context, builder, signature, args):
        loop = Loop(context, builder, kinds, args)
        _, _, start_, n_, rank_, _, n_units_, _ = args
        with cgutils.for_range(builder, n_) as rows, cgutils.for_range(builder, rank_) as inner:
            at = vector_start(builder, builder.add(start_, builder.add(builder.mul(rows.index, rank_), inner.index)))
            total = loop.variable(0.0)
            loop.set(total, loop.zeros(LANES))
            with cgutils.for_range(builder, n_units_) as units:
                given = loop.load(0, vector_start(builder, builder.add(builder.mul(rows.index, n_units_), units.index)))
                place = builder.add(builder.mul(inner.index, n_units_), units.index)
                loop.set(total, loop.number_in_all(5, place) * given + loop.get(total))
                added = builder.fadd(loop.number(7, place), (loop.load(1, at) * given).reduce("fadd"))
                builder.store(added, builder.gep(loop.data[7], [place]))
            loop.store(loop.get(total), 0, at)
        return context.get_dummy_value()

    return types.void(*kinds), codegen
