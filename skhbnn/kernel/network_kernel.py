"""Compiled forward and backward passes of one network over rows.

Inner loops always run over rows, which lie contiguously, BLOCK of them at once. What the outputs mean, the likelihood
says: a compiled function that turns outputs into a log likelihood and derivatives.
"""

from typing import Any, NamedTuple

import numpy as np

from . import lanes, layers
from .arrays import cut, fill, memory_of, padded, part
from .coordinates import copy_to
from .options import inline, inline_source

ACTIVATIONS = ("identity", "logistic", "tanh", "relu")  # a network's activation code is its index here
IDENTITY, LOGISTIC, TANH, RELU = range(4)

BLOCK = 64  # rows that a pass works on at once: its activations stay in the L1/L2 cache


class NetworkForm(NamedTuple):
    """A network in the form that compiled code takes."""

    sizes: Any  # (layer + 1,): inputs, units of each hidden layer, outputs
    activation: Any  # position in ACTIVATIONS
    fit_intercept: Any


class Shifts(NamedTuple):
    """What is added to the outputs of rows beside the network's: values that several rows may share."""

    codes: Any  # (column, row): position among the values of the first of as many as there are outputs
    values: Any  # (value,)
    grad: Any  # (value,), added to


class Rows(NamedTuple):
    """Rows, and what a likelihood is given and gives beside the outputs.

    Each group, or LANES groups whose rows take turns, fills whole vectors, with rows of weight 0 where need be.
    """

    X: Any  # (feature, row)
    y: Any  # (row,), floats
    weights: Any  # (row,)
    logliks: Any  # (row,), empty unless the log likelihood of each row is asked for
    own: Any  # (own number,): those that the likelihood itself has learned
    own_grad: Any  # (own number,), added to
    shifts: Any  # Shifts, of a likelihood made by ``shifted``


class Block(NamedTuple):
    """Rows that a pass works on at once: rows first to first + m, whole vectors."""

    first: Any
    m: Any
    n_outputs: Any


class Workspace(NamedTuple):
    """The space that a pass over rows works in."""

    units: Any  # (input or unit of any layer * BLOCK,)
    deltas: Any  # two of ((widest layer + 2 + own numbers) * BLOCK,): derivatives in two layers


@inline
def _workspace_sizes(sizes, n_own):
    """Numbers of doubles that a pass needs for units, and for each of two layers' derivatives."""
    total, widest = 0, 0  # by hand: compiling NumPy's sum and max takes a second
    for size in sizes:
        total, widest = total + size, max(widest, size)
    return total * BLOCK, (widest + 2 + n_own) * BLOCK


@inline
def workspace_size(sizes, n_own):
    """Number of doubles of the Workspace for networks of sizes (layer + 1,) and n_own own numbers."""
    n_units, n_deltas = _workspace_sizes(sizes, n_own)
    return n_units + 2 * n_deltas


@inline
def workspace(address, sizes, n_own):
    """A Workspace at an address, and the address behind the Workspace."""
    n_units, n_deltas = _workspace_sizes(sizes, n_own)
    units, at = cut(address, n_units)
    one, at = cut(at, n_deltas)
    other, at = cut(at, n_deltas)
    return Workspace(units, (one, other)), at


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
def forward(w, form, m, units):
    """Compute the outputs of every layer for m rows, whose inputs come first in units (input or unit * m,).

    Returns the ends of the weights and of the units below the outputs: the outputs are units[unit * m:].
    """
    sizes, n_layers, at, unit = form.sizes, form.sizes.size - 1, 0, 0
    for l in range(n_layers):  # noqa: E741
        n_in, n_next = sizes[l], sizes[l + 1]
        bias = at + n_in * n_next
        h = units[unit * m : (unit + n_in) * m]  # (input * m,)
        unit += n_in
        out = units[unit * m : (unit + n_next) * m]  # (output * m,)
        layers.combine_rows(h, n_in, w, at, n_next, 1, bias if form.fit_intercept else -1, out, n_next, m)
        if l < n_layers - 1:
            _activate(form.activation, out, n_next * m)
        at = bias + n_next if form.fit_intercept else bias
    return at, unit


@inline
def differentiate(form, w, output, m, ends, space, jacobian):
    """Write the derivatives of one output of m rows in the weights, (weight * m,), after a forward pass.

    ends: those of the weights and of the units below the outputs.
    """
    sizes, units, deltas = form.sizes, space.units, space.deltas
    at, unit = ends
    delta = deltas[(sizes.size - 1) % 2]
    fill(part(delta, 0, sizes[-1] * m), 0.0)
    fill(part(delta, output * m, m), 1.0)
    for l in range(sizes.size - 2, -1, -1):  # noqa: E741
        n_in, n_next = sizes[l], sizes[l + 1]
        if form.fit_intercept:
            at -= n_next
            copy_to(delta, part(jacobian, at * m, n_next * m))
        at -= n_in * n_next
        unit -= n_in
        h = part(units, unit * m, n_in * m)
        for i in range(n_in):
            of_input = part(jacobian, (at + i * n_next) * m, n_next * m)
            copy_to(delta, of_input)
            for j in range(n_next):
                lanes.multiply_rows(part(of_input, j * m, m), part(h, i * m, m), m)
        if l > 0:
            lower = deltas[l % 2]
            layers.combine_rows(delta, n_next, w, at, 1, n_next, -1, lower, n_in, m)
            _times_slope(form.activation, lower, h, n_in * m)
            delta = lower


@inline
def load_rows(rows, first, m, units):
    """Copy the inputs of m rows from the first on to units (input * m,).

    The copy is contiguous: LLVM vectorises only over rows whose stride it knows.
    """
    for i in range(rows.X.shape[0]):
        for r in range(m):
            units[i * m + r] = rows.X[i, first + r]


@inline_source
def loglik_grad(likelihood, form, w, grad, rows, span, space):
    """Log likelihood of rows span[0] to span[1], whole vectors; the gradient is written to grad.

    likelihood: a compiled function of outputs (output * m,), Rows, Block and scratch space (number * m,), which returns
    the log likelihood of the block, and leaves its derivatives in place of the outputs.
    w, grad: (weight,) of one network, or (weight, LANES) of the networks that every LANES rows see in turn; space:
    Workspace.
    """
    sizes, n_layers = form.sizes, form.sizes.size - 1
    n_out = sizes[n_layers]
    grad[:] = 0.0
    loglik = 0.0
    units, deltas = space.units, space.deltas
    for first in range(span[0], span[1], BLOCK):
        m = min(BLOCK, span[1] - first)
        load_rows(rows, first, m, units)
        at, unit = forward(w, form, m, units)
        delta = units[unit * m : (unit + n_out) * m]  # (output * m,)
        loglik += likelihood(delta, rows, Block(first, m, n_out), deltas[0])
        for l in range(n_layers - 1, -1, -1):  # noqa: E741
            n_in, n_next = sizes[l], sizes[l + 1]
            if form.fit_intercept:
                at -= n_next
                layers.add_sums(delta, n_next, grad, at, m)
            at -= n_in * n_next
            unit -= n_in
            h = units[unit * m : (unit + n_in) * m]  # (input * m,)
            layers.add_products(h, n_in, delta, n_next, grad, at, m)
            if l > 0:
                lower = deltas[l % 2]  # (unit of layer l * m,)
                layers.combine_rows(delta, n_next, w, at, 1, n_next, -1, lower, n_in, m)
                _times_slope(form.activation, lower, h, n_in * m)
                delta = lower
    return loglik


# Likelihoods of a block of rows, made from those of its rows ---------------------------------------------------------


def weighted(score_rows):
    """A compiled likelihood of a block whose rows count as often as their weights say.

    Parameters
    ----------
    score_rows : callable
        A compiled function of outputs (output * m,), Rows, Block and scratch space: it leaves the log likelihood of
        each row first in the space, behind it the derivatives of each row in each own number (own number * m,), and
        the derivatives in the outputs in place of the outputs.

    Returns
    -------
    likelihood : callable
        As ``loglik_grad`` takes it.
    """

    @inline
    def likelihood(z, rows, block, space):
        score_rows(z, rows, block, space)
        m, weights = block.m, part(rows.weights, block.first, block.m)
        for k in range(block.n_outputs):
            lanes.multiply_rows(part(z, k * m, m), weights, m)
        for k in range(rows.own.size):
            rows.own_grad[k] += lanes.dot_rows(part(space, (k + 1) * m, m), weights, m)
        return lanes.dot_rows(space, weights, m)

    return likelihood


def recorded(score_rows):
    """A weighted likelihood of a block, which keeps the log likelihood of each row, unweighted, in ``logliks``."""

    @inline
    def score_and_keep(z, rows, block, space):
        score_rows(z, rows, block, space)
        for r in range(block.m):
            rows.logliks[block.first + r] = space[r]

    return weighted(score_and_keep)


@inline
def _add_shifts(shifts, z, block):
    """Add the values of each row to the outputs z (output * m,) of a block."""
    n_rows, m = shifts.codes.shape[1], block.m
    for c in range(shifts.codes.shape[0]):
        codes = part(shifts.codes, c * n_rows + block.first, m)  # (m,)
        for k in range(block.n_outputs):
            lanes.add_chosen(part(z, k * m, m), shifts.values, codes, k, m)


@inline
def _pull_back_shifts(shifts, delta, block):
    """Add derivatives in the outputs of a block, delta (output * m,), to the gradient in the values of each row."""
    n_rows, m = shifts.codes.shape[1], block.m
    for c in range(shifts.codes.shape[0]):
        codes = part(shifts.codes, c * n_rows + block.first, m)  # (m,)
        for k in range(block.n_outputs):
            lanes.add_to_chosen(part(delta, k * m, m), shifts.grad, codes, k, m)


def shifted(likelihood):
    """A likelihood of a block whose outputs have the Shifts of the rows added, made of one that knows none."""

    @inline
    def add_and_score(z, rows, block, space):
        _add_shifts(rows.shifts, z, block)
        loglik = likelihood(z, rows, block, space)
        _pull_back_shifts(rows.shifts, z, block)
        return loglik

    return add_and_score


# What is asked of many networks or rows ------------------------------------------------------------------------------


LIKELIHOOD: Any = None  # of ``grouped_loglik_grad``, made by ``shifted`` of ``recorded``: ``options.bound`` sets it


def grouped_loglik_grad(form, weights, own, X, y, where, shift):
    """Log likelihood of each row under the network of the row's group, and the gradient of the weighted sum.

    weights: (group, weight); own: (own number,); X: (row, feature); y: (row,); where: group and weight of each row,
    (row,) each; shift: what is added to the outputs, (row, output), or no rows; rows in any order. Returns (row,),
    (group, weight), (own number,) and the shape of shift.
    """
    group, row_weights = where
    n_rows, n_groups = y.size, weights.shape[0]
    is_sorted = True
    for r in range(1, n_rows):
        is_sorted &= group[r] >= group[r - 1]
    order = np.arange(n_rows) if is_sorted else np.argsort(group, kind="mergesort")  # (row,)
    counts, starts = (
        np.zeros(n_groups, dtype=np.int64),
        np.zeros(n_groups + 1, dtype=np.int64),
    )  # (group,), (group + 1,)
    for r in range(n_rows):
        counts[group[r]] += 1
    for g in range(n_groups):
        starts[g + 1] = starts[g] + padded(counts[g])
    n_padded = starts[n_groups]
    inputs, targets, given = np.empty((form.sizes[0], n_padded)), np.empty(n_padded), np.zeros(n_padded)
    place, at = np.empty(n_rows, dtype=np.int64), 0  # (row,)
    for g in range(n_groups):
        for p in range(starts[g], starts[g + 1]):
            source = order[at + min(p - starts[g], counts[g] - 1)]  # the last row fills up the vectors
            targets[p] = y[source]
            for i in range(form.sizes[0]):
                inputs[i, p] = X[source, i]
            if p < starts[g] + counts[g]:
                given[p], place[source] = row_weights[source], p
        at += counts[g]
    own_grad = np.zeros(own.size)  # (own number,)
    memory, address = memory_of(workspace_size(form.sizes, own.size))
    space, _ = workspace(address, form.sizes, own.size)
    found, logliks, grad = np.empty(n_padded), np.empty(n_rows), np.empty_like(weights)
    n_outputs, is_shifted = form.sizes[-1], shift.shape[0] > 0
    codes = np.zeros((1 if is_shifted else 0, n_padded), dtype=np.int64)  # (column, place)
    values, of_values = np.zeros(n_outputs * (1 + n_rows)), np.zeros(n_outputs * (1 + n_rows))  # (value,) each
    if is_shifted:  # the first values, of no row, are those of what fills up the vectors
        for r in range(n_rows):
            codes[0, place[r]] = n_outputs * (1 + r)
            for k in range(n_outputs):
                values[n_outputs * (1 + r) + k] = shift[r, k]
    rows = Rows(inputs, targets, given, found, own, own_grad, Shifts(codes, values, of_values))
    for g in range(n_groups):
        loglik_grad(LIKELIHOOD, form, weights[g], grad[g], rows, (starts[g], starts[g + 1]), space)
    memory[0] = 0.0  # it was in use until here
    shift_grad = np.empty(shift.shape)  # (row, output), or no rows
    for r in range(shift.shape[0]):
        for k in range(n_outputs):
            shift_grad[r, k] = of_values[n_outputs * (1 + r) + k]
    for r in range(n_rows):
        logliks[r] = found[place[r]]
    return logliks, grad, own_grad, shift_grad


@inline
def _load_inputs(X, first, n, units):
    """Copy n rows of X (row, feature) from the first on to units, add rows of 0 up to whole vectors; return the sum."""
    m = padded(n)
    for i in range(X.shape[1]):
        for r in range(m):
            units[i * m + r] = X[first + r, i] if r < n else 0.0
    return m


def network_outputs(weights, X, form):
    """Outputs of all rows under each weight vector.

    weights: (draw, weight); X: (row, feature). Returns (draw, output, row).
    """
    n_draws, n_rows, n_outputs = weights.shape[0], X.shape[0], form.sizes[-1]
    memory, address = memory_of(workspace_size(form.sizes, 0))
    units = workspace(address, form.sizes, 0)[0].units
    outputs = np.empty((n_draws, n_outputs, n_rows))  # (draw, output, row)
    for d in range(n_draws):
        for first in range(0, n_rows, BLOCK):
            n = min(BLOCK, n_rows - first)
            m = _load_inputs(X, first, n, units)
            _, unit = forward(weights[d], form, m, units)
            for k in range(n_outputs):
                for r in range(n):
                    outputs[d, k, first + r] = units[(unit + k) * m + r]
    memory[0] = 0.0  # it was in use until here
    return outputs


def network_jacobian(w, X, form):
    """Derivatives of the outputs of all rows with respect to the weights of one network.

    w: (weight,); X: (row, feature). Returns (row, output, weight).
    """
    n_rows, n_outputs = X.shape[0], form.sizes[-1]
    memory, address = memory_of(workspace_size(form.sizes, 0) + w.size * BLOCK)
    space, at = workspace(address, form.sizes, 0)
    of_rows, _ = cut(at, w.size * BLOCK)
    jacobian = np.empty((n_rows, n_outputs, w.size))  # (row, output, weight)
    for first in range(0, n_rows, BLOCK):
        n = min(BLOCK, n_rows - first)
        m = _load_inputs(X, first, n, space.units)
        ends = forward(w, form, m, space.units)
        for k in range(n_outputs):
            differentiate(form, w, k, m, ends, space, of_rows)
            for i in range(w.size):
                for r in range(n):
                    jacobian[first + r, k, i] = of_rows[i * m + r]
    memory[0] = 0.0  # it was in use until here
    return jacobian
