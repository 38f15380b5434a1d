"""The log density of the unconstrained vector, with the gradient, as the C callback that nutpie calls.

The vector holds: the coordinates that all rows share (level 0), the logarithms of the learned scales, the likelihood's
own numbers, and the deviations of the members of level 1 of the groups, member by member, of level 2, and so on. Behind
them are the random intercepts in units of their scales, column by column and label by label, a number for each output.
"""

from typing import Any, NamedTuple

import numpy as np
from numba import carray

from . import lanes
from .arrays import all_finite, cut, doubles_at, exp, fill, integer_matrix_at, integers_at, matrix_at, memory_of, part
from .coordinates import (
    Coordinates,
    add_to,
    add_to_groups,
    add_values,
    copy_to,
    load_groups,
    of_level,
    pull_back,
    store_groups,
)
from .network_kernel import NetworkForm, Rows, Shifts, loglik_grad, workspace, workspace_size
from .options import inline, inline_source


def _fields(names, kind="i8"):
    return [(name, kind) for name in names.split()]


# The data of a call, written by ``Density``. A field of an array holds its address. Level 0 counts as a level, and the
# innermost level, whose members are the groups, may have no coordinates; the others are outer levels. A coordinate is
# one of those of one member of a level, all levels one behind the other; an entry is a weight, or one of the input map
# behind them. A batch is a group, or LANES groups whose rows take turns.
HEADER = np.dtype(
    [
        *_fields("n_layers sizes activation fit_intercept"),  # sizes: (layer + 1,)
        *_fields("n_rows X y row_weights"),  # (feature, row), (row,), (row,): see ``network_kernel.Rows``
        *_fields("n_batches offsets"),  # (batch + 1,): the first row of each
        *_fields("members parents"),  # (batch, lane): the group, or -1, and the outer member it lies in
        *_fields(
            "n_levels places level_starts"
        ),  # (level,): of the first member in the vector; (level + 1,): coordinates
        *_fields("n_outer outer_counts outer_parents"),  # members of outer levels; (outer level,), (outer member,)
        *_fields("level_runs"),  # (level,): whether the entries of its coordinates follow one another
        *_fields("first_moved n_moved"),  # the entries that members of outer levels but level 0 change, or more
        *_fields("n_entries location map_rank"),  # (entry,): what all coordinates are added to
        *_fields("entry prior_scale fixed"),  # (coordinate,): where it is added, scale within the family, factor
        *_fields("n_terms term_stops term_scales"),  # (run of coordinates,): its end; learned scale, or -1
        *_fields("n_factor factor"),  # (weight, weight): lower triangular, of the first coordinates
        *_fields("family"),  # number of its compiled function
        *_fields("family_shape", "f8"),
        *_fields("n_scales scales_place scale_prior scale_parameters"),  # place in the vector; (scale,), (scale, 2)
        *_fields("n_own own_place"),  # the likelihood's own numbers; place in the vector, or -1: the last entries
        *_fields("n_columns n_intercepts intercepts_place"),  # of random intercepts, and their place in the vector
        *_fields("intercept_codes"),  # (column, row): the first of the row's label
        *_fields("intercept_stops intercept_scales fixed_scales"),  # (column,): end; learned scale, or -1; fixed one
        *_fields("constant", "f8"),  # the sum of all normalising constants
    ]
)


class Parts(NamedTuple):
    """The compiled functions of the kinds that a model is made of."""

    batch: Any  # BY_ROW or BY_LANE
    likelihood: Any  # of a block of rows: see ``network_kernel.loglik_grad``
    own: Any  # OwnNumbers of the likelihood
    weight_prior: Any  # number of a family and its shape, v, scales, gradient, values, slopes -> log density
    scale_prior: Any  # number of a prior, two parameters, logarithm of a scale, the scale -> log density, its slope
    input_map: Any  # InputMap
    intercepts: Any  # InterceptParts


class OwnNumbers(NamedTuple):
    """Compiled functions that make the own numbers of a likelihood of unconstrained numbers."""

    constrain: Any  # unconstrained, own, gradient -> log prior, Jacobian included; writes own, adds to the gradient
    pull_back: Any  # unconstrained, own, gradient in own, gradient: adds to the last


class InputMap(NamedTuple):
    """Compiled functions of an input map, whose entries stand behind the weights and change the first layer."""

    start: Any  # entries, form, rank, basis: writes the basis
    apply: Any  # entries of a batch, form, rank, basis: in place
    pull_back: Any  # gradient, entries of a batch, form, rank, (basis, gradient in the basis): adds to the last
    finish: Any  # gradient, entries, form, rank, (basis, gradient in the basis): adds to the first


class InterceptParts(NamedTuple):
    """Compiled functions that make random intercepts: a choice, since even empty loops slow others down."""

    enter: Any  # header, (vector, gradient) at the intercepts, scales, shifts: writes values -> log prior
    leave: Any  # header, (vector, gradient) at the intercepts, (scales, gradient at their logarithms), shifts: adds


@inline
def _enter_nothing(h, ends, scale, shifts):
    return 0.0


@inline
def _leave_nothing(h, ends, scales, shifts):
    pass


@inline
def _enter_intercepts(h, ends, scale, shifts):
    """Write random intercepts times their scales to the values of shifts; return the log prior, without constants."""
    x, grad = ends
    stops, scales = integers_at(h.intercept_stops, h.n_columns), integers_at(h.intercept_scales, h.n_columns)
    fixed = doubles_at(h.fixed_scales, h.n_columns)
    s, start = 0.0, 0
    for c in range(h.n_columns):
        n, factor = stops[c] - start, scale[scales[c]] if scales[c] >= 0 else fixed[c]
        u, grad_u, values = part(x, start, n), part(grad, start, n), part(shifts.values, start, n)  # (intercept,) each
        for i in range(n):
            s += u[i] * u[i]
            grad_u[i] -= u[i]
            values[i] = factor * u[i]
        start = stops[c]
    return -0.5 * s


@inline
def _leave_intercepts(h, ends, scales, shifts):
    """Add to the gradients at random intercepts and at scales what the gradient at the values of shifts means."""
    (x, grad), (scale, grad_log_scale) = ends, scales
    stops, learned = integers_at(h.intercept_stops, h.n_columns), integers_at(h.intercept_scales, h.n_columns)
    fixed = doubles_at(h.fixed_scales, h.n_columns)
    start = 0
    for c in range(h.n_columns):
        n, factor, s = stops[c] - start, scale[learned[c]] if learned[c] >= 0 else fixed[c], 0.0
        u, grad_u, of_values = part(x, start, n), part(grad, start, n), part(shifts.grad, start, n)
        for i in range(n):
            s += u[i] * of_values[i]
            grad_u[i] += factor * of_values[i]
        if learned[c] >= 0:
            grad_log_scale[learned[c]] += factor * s
        start = stops[c]


INTERCEPTS = InterceptParts(_enter_intercepts, _leave_intercepts)
NO_INTERCEPTS = InterceptParts(_enter_nothing, _leave_nothing)
PARTS: Any = None  # Parts: ``options.bound`` sets those of a likelihood


@inline
def _add_scale_priors(scale_prior, h, log_scale, scale, grad):
    """The log density of the logarithms of scales, without constants; the gradient is added to grad."""
    kinds, parameters = integers_at(h.scale_prior, h.n_scales), doubles_at(h.scale_parameters, 2 * h.n_scales)
    s = 0.0
    for i in range(h.n_scales):
        value, slope = scale_prior(kinds[i], parameters[2 * i], parameters[2 * i + 1], log_scale[i], scale[i])
        s += value
        grad[i] += slope
    return s


class Outer(NamedTuple):
    """The members of the outer levels, one behind the other."""

    entries: Any  # (member * entry,)
    grad: Any  # in the entries
    value: Any  # (member's coordinate,), padded to whole vectors
    slope: Any


@inline_source
def _enter_outer(parts, h, ends, coordinates, outer, form, basis):
    """Make the entries of all outer members from the vector; return the log prior.

    ends: the vector and the gradient, which is added to.
    """
    x, grad = ends
    starts, places = integers_at(h.level_starts, h.n_levels + 1), integers_at(h.places, h.n_levels)
    counts, parents = integers_at(h.outer_counts, h.n_levels - 1), integers_at(h.outer_parents, h.n_outer)
    runs, moved, n_moved = integers_at(h.level_runs, h.n_levels), h.first_moved, h.n_moved
    base, triangle = doubles_at(h.location, h.n_entries), matrix_at(h.factor, h.n_factor, h.n_factor)
    logp, member, at = 0.0, 0, 0
    for l in range(h.n_levels - 1):  # noqa: E741
        level = of_level(coordinates, starts, runs, l)
        n = level.entry.size
        for m in range(counts[l]):
            place, value = places[l] + m * n, part(outer.value, at, n + lanes.LANES)
            logp += parts.weight_prior(
                h.family,
                h.family_shape,
                part(x, place, n),
                level.prior_scale,
                part(grad, place, n),
                value,
                part(outer.slope, at, n + lanes.LANES),
            )
            entries = part(outer.entries, member * h.n_entries, h.n_entries)
            if l == 0:
                copy_to(base, entries)
            else:  # nobody asks members of further levels for the other entries, which are those of level 0
                around = parents[member] * h.n_entries + moved
                copy_to(part(outer.entries, around, n_moved), part(entries, moved, n_moved))
            add_values(level, value, entries)
            if l == 0:
                for i in range(h.n_factor):
                    for j in range(i + 1):
                        entries[i] += triangle[i, j] * value[j]
                if h.map_rank > 0:
                    parts.input_map.start(entries, form, h.map_rank, basis)
            member, at = member + 1, at + n
    return logp


@inline_source
def _leave_outer(parts, h, grad, coordinates, outer, form, bases):
    """Add to the gradient what the gradient in the entries of all outer members means, the innermost first."""
    starts, places = integers_at(h.level_starts, h.n_levels + 1), integers_at(h.places, h.n_levels)
    counts, parents = integers_at(h.outer_counts, h.n_levels - 1), integers_at(h.outer_parents, h.n_outer)
    runs, moved, n_moved = integers_at(h.level_runs, h.n_levels), h.first_moved, h.n_moved
    triangle = matrix_at(h.factor, h.n_factor, h.n_factor)
    member, at = h.n_outer, outer.value.size - lanes.LANES
    for l in range(h.n_levels - 2, -1, -1):  # noqa: E741
        level = of_level(coordinates, starts, runs, l)
        n = level.entry.size
        for m in range(counts[l] - 1, -1, -1):
            member, at = member - 1, at - n
            place, slope = places[l] + m * n, part(outer.slope, at, n)
            above = part(outer.grad, member * h.n_entries, h.n_entries)
            if l == 0:
                if h.map_rank > 0:
                    parts.input_map.finish(above, part(outer.entries, 0, h.n_entries), form, h.map_rank, bases)
                for i in range(h.n_factor):
                    for j in range(i + 1):
                        grad[place + j] += triangle[i, j] * slope[j] * above[i]
            else:
                add_to(part(above, moved, n_moved), part(outer.grad, parents[member] * h.n_entries + moved, n_moved))
            pull_back(level, part(outer.value, at, n), slope, above, part(grad, place, n), level.grad_factor)


@inline_source
def _visit_batches(parts, h, ends, innermost, outer, form, bases, rows, space, at):
    """Add up the log priors and likelihoods of all groups, batch by batch, and write the gradients.

    ends: the vector and the gradient; innermost: the Coordinates of a group; space: Workspace; at: an address from
    which memory is free.
    """
    x, grad = ends
    n, n_lanes, n_entries = innermost.entry.size, parts.batch.n_lanes, h.n_entries
    offsets, place = integers_at(h.offsets, h.n_batches + 1), integers_at(h.places, h.n_levels)[h.n_levels - 1]
    members, parents = integers_at(h.members, h.n_batches * n_lanes), integers_at(h.parents, h.n_batches * n_lanes)
    # Arrays of a batch, in which the numbers of the lanes stand beside each other.
    prior_scale, at = cut(at, n * n_lanes)
    for k in range(n):
        for lane in range(n_lanes):
            prior_scale[k * n_lanes + lane] = innermost.prior_scale[k]
    v, at = cut(at, n * n_lanes)
    grad_v, at = cut(at, n * n_lanes)
    value, at = cut(at, n * n_lanes + lanes.LANES)
    slope, at = cut(at, n * n_lanes + lanes.LANES)
    grad_factor, at = cut(at, n * n_lanes)
    fill(grad_factor, 0.0)
    w = parts.batch.entries_at(at, n_entries)
    w_numbers, at = cut(at, n_entries * n_lanes)
    grad_w = parts.batch.entries_at(at, n_entries)
    grad_numbers, at = cut(at, n_entries * n_lanes)
    fill(grad_numbers, 0.0)  # of own numbers among the entries it stays 0
    of_all, at = cut(at, n_entries * n_lanes)  # what all groups share, in each lane
    grad_of_all, at = cut(at, n_entries * n_lanes)
    fill(grad_of_all, 0.0)
    for k in range(n_entries):
        for lane in range(n_lanes):
            of_all[k * n_lanes + lane] = outer.entries[k]
    zeros, at = cut(at, n)  # what an empty lane holds
    fill(zeros, 0.0)
    unused, at = cut(at, n)
    x_addresses = integers_at(at, n_lanes)
    _, at = cut(at, n_lanes)
    grad_addresses = integers_at(at, n_lanes)
    _, at = cut(at, n_lanes)
    outer_addresses = integers_at(at, n_lanes)  # of the gradients in what groups lie in

    moved, n_moved = h.first_moved * n_lanes, h.n_moved * n_lanes  # entries that further outer levels change

    logp = 0.0
    for b in range(h.n_batches):
        for lane in range(n_lanes):
            p = b * n_lanes + lane
            first = 8 * (place + members[p] * n)
            x_addresses[lane] = x.ctypes.data + first if members[p] >= 0 else zeros.ctypes.data
            grad_addresses[lane] = grad.ctypes.data + first if members[p] >= 0 else unused.ctypes.data
        load_groups(x_addresses, n, v, w)
        fill(grad_v, 0.0)
        logp += parts.weight_prior(h.family, h.family_shape, v, prior_scale, grad_v, value, slope)
        copy_to(of_all, w_numbers)
        if n_moved > 0:
            for lane in range(n_lanes):
                first = 8 * (parents[b * n_lanes + lane] * n_entries + h.first_moved)
                x_addresses[lane] = outer.entries.ctypes.data + first
                outer_addresses[lane] = outer.grad.ctypes.data + first
            load_groups(x_addresses, h.n_moved, part(w_numbers, moved, n_moved), w)
        add_values(innermost, value, w)
        if h.map_rank > 0:
            parts.input_map.apply(w, form, h.map_rank, bases[0])
        logp += loglik_grad(parts.likelihood, form, w, grad_w, rows, (offsets[b], offsets[b + 1]), space)
        if h.map_rank > 0:
            parts.input_map.pull_back(grad_w, w, form, h.map_rank, bases)
        pull_back(innermost, value, slope, grad_w, grad_v, grad_factor)
        store_groups(grad_addresses, n, grad_v, w)
        if n_moved > 0:
            add_to_groups(outer_addresses, h.n_moved, part(grad_numbers, moved, n_moved), w)
        add_to(grad_numbers, grad_of_all)
    fill(part(grad_of_all, moved, n_moved), 0.0)  # these are in the gradients of the outer members already
    for k in range(n_entries):
        for lane in range(n_lanes):
            outer.grad[k] += grad_of_all[k * n_lanes + lane]
    for k in range(n):
        for lane in range(n_lanes):
            innermost.grad_factor[k] += grad_factor[k * n_lanes + lane]
    return logp


def log_density(n_dim, x_address, grad_address, logp_address, header):
    """Write the log density, Jacobians included, and the gradient; return 0, or a positive code for a divergent point.

    The PARTS of a model are bound to it before it is compiled.
    """
    h = carray(header, (1,), HEADER)[0]
    x, grad = carray(x_address, (n_dim,)), carray(grad_address, (n_dim,))
    fill(grad, 0.0)
    form = NetworkForm(integers_at(h.sizes, h.n_layers + 1), h.activation, h.fit_intercept != 0)
    starts, counts = integers_at(h.level_starts, h.n_levels + 1), integers_at(h.outer_counts, h.n_levels - 1)
    n_coordinates, n_basis, n_entries = starts[h.n_levels], h.map_rank * form.sizes[1], h.n_entries
    n_values = lanes.LANES  # of outer members
    for l in range(h.n_levels - 1):  # noqa: E741
        n_values += counts[l] * (starts[l + 1] - starts[l])
    n_of_group, n_lanes = n_coordinates - starts[h.n_levels - 1], PARTS.batch.n_lanes
    n_doubles = 2 * (n_coordinates + n_values + h.n_outer * n_entries + n_basis) + 3 * h.n_own + h.n_scales
    n_doubles += n_lanes * (8 * n_of_group + 4 * n_entries) + 5 * lanes.LANES + 2 * h.n_intercepts
    memory, at = memory_of(n_doubles + workspace_size(form.sizes, h.n_own))
    space, at = workspace(at, form.sizes, h.n_own)

    log_scale, grad_log_scale = part(x, h.scales_place, h.n_scales), part(grad, h.scales_place, h.n_scales)  # (scale,)
    scale, at = cut(at, h.n_scales)
    exp(log_scale, scale)
    factor, at = cut(at, n_coordinates)
    grad_factor, at = cut(at, n_coordinates)
    fill(grad_factor, 0.0)
    fixed, stops, term_scales = (
        doubles_at(h.fixed, n_coordinates),
        integers_at(h.term_stops, h.n_terms),
        integers_at(h.term_scales, h.n_terms),
    )
    start = 0
    for t in range(h.n_terms):
        for k in range(start, stops[t]):
            factor[k] = scale[term_scales[t]] if term_scales[t] >= 0 else fixed[k]
        start = stops[t]
    entry, prior_scale = integers_at(h.entry, n_coordinates), doubles_at(h.prior_scale, n_coordinates)  # (coordinate,)
    coordinates = Coordinates(entry, prior_scale, factor, grad_factor, False)  # of all levels

    place, n_intercepts = h.intercepts_place, h.n_intercepts
    ends_of_intercepts = (part(x, place, n_intercepts), part(grad, place, n_intercepts))  # (intercept,) each
    shift, behind = cut(at, n_intercepts)
    grad_shift, behind = cut(behind, n_intercepts)
    at = behind if n_intercepts > 0 else at  # no gaps for nothing
    fill(grad_shift, 0.0)
    shifts = Shifts(integer_matrix_at(h.intercept_codes, h.n_columns, h.n_rows), shift, grad_shift)
    logp_of_intercepts = PARTS.intercepts.enter(h, ends_of_intercepts, scale, shifts)

    entries, at = cut(at, h.n_outer * n_entries)
    grad_entries, at = cut(at, h.n_outer * n_entries)
    fill(grad_entries, 0.0)
    value, at = cut(at, n_values)
    slope, at = cut(at, n_values)
    outer = Outer(entries, grad_entries, value, slope)
    basis, at = cut(at, n_basis)
    grad_basis, at = cut(at, n_basis)
    fill(grad_basis, 0.0)
    bases = (basis, grad_basis)

    logp_of_outer = _enter_outer(PARTS, h, (x, grad), coordinates, outer, form, basis)

    own, at = cut(at, h.n_own)
    grad_own, at = cut(at, h.n_own)
    fill(grad_own, 0.0)
    unused, at = cut(at, h.n_own)
    are_entries, first = h.own_place < 0, n_entries - h.n_own  # entries have the prior of the terms, not their own
    free = part(entries, first, h.n_own) if are_entries else part(x, h.own_place, h.n_own)  # (own number,)
    grad_free = part(grad_entries, first, h.n_own) if are_entries else part(grad, h.own_place, h.n_own)
    logp_of_own = PARTS.own.constrain(free, own, unused if are_entries else grad_free)
    logp = h.constant + (0.0 if are_entries else logp_of_own)
    logp += logp_of_outer + logp_of_intercepts
    X, y = matrix_at(h.X, form.sizes[0], h.n_rows), doubles_at(h.y, h.n_rows)  # (feature, row), (row,)
    rows = Rows(X, y, doubles_at(h.row_weights, h.n_rows), part(own, 0, 0), own, grad_own, shifts)

    innermost = of_level(coordinates, starts, integers_at(h.level_runs, h.n_levels), h.n_levels - 1)
    logp += _visit_batches(PARTS, h, (x, grad), innermost, outer, form, bases, rows, space, at)
    PARTS.own.pull_back(free, own, grad_own, grad_free)
    PARTS.intercepts.leave(h, ends_of_intercepts, (scale, grad_log_scale), shifts)
    _leave_outer(PARTS, h, grad, coordinates, outer, form, bases)

    start = 0
    for t in range(h.n_terms):
        if term_scales[t] >= 0:
            s = 0.0
            for k in range(start, stops[t]):
                s += factor[k] * grad_factor[k]
            grad_log_scale[term_scales[t]] += s
        start = stops[t]
    logp += _add_scale_priors(PARTS.scale_prior, h, log_scale, scale, grad_log_scale)
    memory[0] = logp  # it was in use until here
    logp_address[0] = logp
    if not np.isfinite(logp):
        return 4
    return 0 if all_finite(grad) else 3


def expand(n_dim, n_expanded, x, out, header):
    """Store the unconstrained vector unchanged; weights are made of the stored vectors afterwards."""
    for i in range(n_dim):
        out[i] = x[i]
    return 0
