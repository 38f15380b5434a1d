"""The log density of the unconstrained vector, with the gradient, as the C callback that nutpie calls.

The vector holds: the coordinates that all rows share (level 0), the logarithms of the learned scales, the likelihood's
own numbers, and the deviations of the members of level 1 of the groups, member by member, of level 2, and so on.
"""

from typing import Any, NamedTuple

import numpy as np
from numba import carray

from . import lanes
from .arrays import all_finite, cut, doubles_at, exp, fill, integers_at, matrix_at, memory_of, part
from .network_kernel import NetworkForm, Rows, loglik_grad, workspace, workspace_size
from .options import inline


def _fields(names, kind="i8"):
    return [(name, kind) for name in names.split()]


# The data of a call, written by ``Density``. A field of an array holds its address. Level 0 counts as a level. A
# coordinate is one of those of one member of a level, all levels one behind the other; an entry is a weight, or one of
# the input map behind them.
HEADER = np.dtype(
    [
        *_fields("n_layers sizes activation fit_intercept"),  # sizes: (layer + 1,)
        *_fields("n_rows X y n_row_weights row_weights"),  # (feature, row), (row,), and (row,) or none
        *_fields("n_groups offsets"),  # innermost groups; (group + 1,)
        *_fields("n_levels members"),  # (level, group): the member of each level that every group lies in
        *_fields("places level_starts"),  # (level,): where its first member is in the vector; (level + 1,): coordinates
        *_fields("n_entries location map_rank"),  # (entry,): what all coordinates are added to
        *_fields("entry prior_scale fixed"),  # (coordinate,): where it is added, scale within the family, factor
        *_fields("n_terms term_stops term_scales"),  # (term,): end of its run of coordinates; learned scale, or -1
        *_fields("n_factor factor"),  # (weight, weight): lower triangular, of the first coordinates
        *_fields("family"),  # number of its compiled function
        *_fields("family_shape", "f8"),
        *_fields("n_scales scales_place scale_prior scale_parameters"),  # place in the vector; (scale,), (scale, 2)
        *_fields("n_own own_place"),  # the likelihood's own numbers, and their place in the vector
        *_fields("constant", "f8"),  # the sum of all normalising constants
    ]
)


class Parts(NamedTuple):
    """The compiled functions of the kinds that a model is made of."""

    likelihood: Any  # of a block of rows: see ``network_kernel.loglik_grad``
    own: Any  # OwnNumbers of the likelihood
    weight_prior: Any  # number of a family and its shape, v, scales, gradient, values, slopes -> log density
    scale_prior: Any  # number of a prior, two parameters, logarithm of a scale, the scale -> log density, its slope
    input_map: Any  # InputMap


class OwnNumbers(NamedTuple):
    """Compiled functions that make the own numbers of a likelihood of unconstrained numbers."""

    constrain: Any  # unconstrained, own, gradient -> log prior, Jacobian included; writes own, adds to the gradient
    pull_back: Any  # unconstrained, own, gradient in own, gradient: adds to the last


class InputMap(NamedTuple):
    """Compiled functions of an input map, whose entries stand behind the weights and change the first layer."""

    start: Any  # entries, form, rank, basis: writes the basis
    apply: Any  # weights, form, rank, basis: in place
    pull_back: Any  # gradient, weights, form, rank, (basis, gradient in the basis): adds to the last
    finish: Any  # gradient, entries, form, rank, (basis, gradient in the basis): adds to the first


PARTS: Any = None  # Parts: ``options.bound`` sets those of a likelihood


class Level(NamedTuple):
    """The coordinates of one member of a level, (coordinate,) each."""

    entry: Any
    prior_scale: Any
    factor: Any  # of the values
    value: Any  # padded to whole vectors, as the slope is
    slope: Any
    grad_factor: Any  # added to


@inline
def _of_level(coordinates, starts, level):
    """The Level of one level, cut out of a Level that holds the coordinates of all levels one behind the other."""
    start, n = starts[level], starts[level + 1] - starts[level]
    return Level(
        part(coordinates.entry, start, n),
        part(coordinates.prior_scale, start, n),
        part(coordinates.factor, start, n),
        part(coordinates.value, start + level * lanes.LANES, n + lanes.LANES),
        part(coordinates.slope, start + level * lanes.LANES, n + lanes.LANES),
        part(coordinates.grad_factor, start, n),
    )


@inline
def _add_values(level, entries):
    for k in range(level.entry.size):
        entries[level.entry[k]] += level.factor[k] * level.value[k]


@inline
def _pull_back(level, grad_entries, grad):
    """Add to the gradients at a member's coordinates, and at the factors, what the gradient at the entries means."""
    for k in range(level.entry.size):
        at_entry = grad_entries[level.entry[k]]
        grad[k] += level.factor[k] * level.slope[k] * at_entry
        level.grad_factor[k] += level.value[k] * at_entry


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


def log_density(n_dim, x_address, grad_address, logp_address, header):
    """Write the log density, Jacobians included, and the gradient; return 0, or a positive code for a divergent point.

    The PARTS of a model are bound to it before it is compiled.
    """
    h = carray(header, (1,), HEADER)[0]
    x, grad = carray(x_address, (n_dim,)), carray(grad_address, (n_dim,))
    form = NetworkForm(integers_at(h.sizes, h.n_layers + 1), h.activation, h.fit_intercept != 0)
    n_levels, n_entries, n_groups, rank = h.n_levels, h.n_entries, h.n_groups, h.map_rank
    offsets, members = integers_at(h.offsets, n_groups + 1), integers_at(h.members, n_levels * n_groups)
    starts, places = integers_at(h.level_starts, n_levels + 1), integers_at(h.places, n_levels)
    n_coordinates, n_basis = starts[n_levels], rank * form.sizes[1]
    fill(grad, 0.0)

    n_padded = n_coordinates + n_levels * lanes.LANES
    n_doubles = 2 * n_coordinates + 2 * n_padded + (2 * n_levels + 3) * n_entries + 2 * n_basis
    n_doubles += h.n_scales + 2 * h.n_own + workspace_size(form.sizes, h.n_own)
    memory, at = memory_of(n_doubles)
    scratch, at = workspace(at, form.sizes, h.n_own)

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
    value, at = cut(at, n_padded)
    slope, at = cut(at, n_padded)
    entry, prior_scale = integers_at(h.entry, n_coordinates), doubles_at(h.prior_scale, n_coordinates)  # (coordinate,)
    coordinates = Level(entry, prior_scale, factor, value, slope, grad_factor)

    own, at = cut(at, h.n_own)
    grad_own, at = cut(at, h.n_own)
    fill(grad_own, 0.0)
    free, grad_free = part(x, h.own_place, h.n_own), part(grad, h.own_place, h.n_own)  # (own number,)
    logp = h.constant + PARTS.own.constrain(free, own, grad_free)
    X, y = matrix_at(h.X, form.sizes[0], h.n_rows), doubles_at(h.y, h.n_rows)  # (feature, row), (row,)
    rows = Rows(X, y, doubles_at(h.row_weights, h.n_row_weights), part(own, 0, 0), own, grad_own)

    # Entries of the member of each level that is being worked on, behind those of the level before, and the gradient.
    entries, at = cut(at, (n_levels + 1) * n_entries)
    grads, at = cut(at, (n_levels + 1) * n_entries)
    mapped, at = cut(at, n_entries)  # weights that see the inputs through the map, which stands behind them
    basis, at = cut(at, n_basis)
    grad_basis, at = cut(at, n_basis)
    fill(grad_basis, 0.0)
    base, triangle = doubles_at(h.location, n_entries), matrix_at(h.factor, h.n_factor, h.n_factor)
    for i in range(n_entries):
        entries[i] = base[i]

    innermost = _of_level(coordinates, starts, n_levels - 1)
    for g in range(n_groups):
        for l in range(n_levels):  # noqa: E741
            member = members[l * n_groups + g]
            if g == 0 or members[l * n_groups + g - 1] != member:
                level = innermost
                if l < n_levels - 1:
                    level = _of_level(coordinates, starts, l)
                place, n = places[l] + member * level.entry.size, level.entry.size
                logp += PARTS.weight_prior(
                    h.family,
                    h.family_shape,
                    part(x, place, n),
                    level.prior_scale,
                    part(grad, place, n),
                    level.value,
                    level.slope,
                )
                below, above = part(entries, l * n_entries, n_entries), part(entries, (l + 1) * n_entries, n_entries)
                for i in range(n_entries):
                    above[i] = below[i]
                _add_values(level, above)
                if l < n_levels - 1:  # the gradient of the innermost group is written anew
                    fill(part(grads, (l + 1) * n_entries, n_entries), 0.0)
                if l == 0:
                    for i in range(h.n_factor):
                        for j in range(i + 1):
                            above[i] += triangle[i, j] * level.value[j]
                    if rank > 0:
                        PARTS.input_map.start(above, form, rank, basis)
        w, grad_w = part(entries, n_levels * n_entries, n_entries), part(grads, n_levels * n_entries, n_entries)
        if rank > 0:
            for i in range(n_entries):
                mapped[i] = w[i]
            w = mapped
            PARTS.input_map.apply(w, form, rank, basis)
        logp += loglik_grad(PARTS.likelihood, form, w, grad_w, rows, (offsets[g], offsets[g + 1]), scratch)
        if rank > 0:
            PARTS.input_map.pull_back(grad_w, w, form, rank, (basis, grad_basis))
        for l in range(n_levels - 1, -1, -1):  # noqa: E741
            member = members[l * n_groups + g]
            if g == n_groups - 1 or members[l * n_groups + g + 1] != member:
                level = innermost
                if l < n_levels - 1:
                    level = _of_level(coordinates, starts, l)
                place, n = places[l] + member * level.entry.size, level.entry.size
                below, above = part(grads, l * n_entries, n_entries), part(grads, (l + 1) * n_entries, n_entries)
                if l == 0:
                    if rank > 0:
                        shared = part(entries, n_entries, n_entries)  # (entry,)
                        PARTS.input_map.finish(above, shared, form, rank, (basis, grad_basis))
                    for i in range(h.n_factor):
                        for j in range(i + 1):
                            grad[place + j] += triangle[i, j] * level.slope[j] * above[i]
                _pull_back(level, above, part(grad, place, n))
                for i in range(n_entries):
                    below[i] += above[i]

    start = 0
    for t in range(h.n_terms):
        if term_scales[t] >= 0:
            s = 0.0
            for k in range(start, stops[t]):
                s += factor[k] * grad_factor[k]
            grad_log_scale[term_scales[t]] += s
        start = stops[t]
    logp += _add_scale_priors(PARTS.scale_prior, h, log_scale, scale, grad_log_scale)
    PARTS.own.pull_back(free, own, grad_own, grad_free)
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
