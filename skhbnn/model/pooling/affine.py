"""Affine pooling of the first layer: every group sees the inputs through an affine map of its own.

The matrix of a group is A W and its intercepts are b + s W, so that it sees inputs x as x A + s, where all groups have
W and b in common, A = I + sd Z and s = sd z. In deviations: the rows of the matrix are W_i + sd z_i W, and the
intercepts b + sd z W: each has a combination of the rows of a basis added, here of W. ``map_rank`` is the number of
rows of the basis.

With more inputs than units the basis is R with RᵀR = WᵀW, of as many rows as there are units: under a normal prior
z_i W is distributed as u_i R with u_i ~ Normal(0, 1) of fewer numbers, so that the model is unchanged.

Entries of a map, behind the weights: the deviations of the rows of the matrix, row by row, and of the intercepts.
"""

import math

import numpy as np

from ...kernel import lane_groups
from ...kernel.log_density import InputMap
from ...kernel.options import inline
from ..network import Part
from .complete import KIND as complete
from .partial import deviations

PARTS = ("input_map", "input_shift")  # the second in networks with intercepts


def map_rank(network, family_name):
    """Number of rows of the basis of a network's input maps."""
    n_in, n_units = network.sizes[:2]
    return n_units if family_name == "normal" and n_in > n_units else n_in


def map_parts(network, rank):
    """The parts of a network's input map."""
    n_in = network.sizes[0]
    sizes = [n_in * rank, rank][: 1 + network.fit_intercept]
    ends = network.n_weights + np.cumsum([0, *sizes])  # (part + 1,)
    return [
        Part(name=name, layer=0, start=start, stop=stop)
        for name, start, stop in zip(PARTS, ends[:-1].tolist(), ends[1:].tolist(), strict=False)
    ]


def map_terms(network, rank, group_scale, levels):
    """The terms of the input map: deviations at every level of groups."""
    return [term for part in map_parts(network, rank) for term in deviations(part, group_scale, levels)]


KIND = complete  # of the weights of the first layer: groups differ in the map


# Formulas ------------------------------------------------------------------------------------------------------------


def basis(network, rank, weights):
    """The basis that weights (..., weight) give, which is W, or R with RᵀR = WᵀW, (..., rank, unit)."""
    matrix = network.layers[0].matrix(weights)  # (..., input, unit)
    if rank == matrix.shape[-2]:
        return matrix
    upper = np.asarray(np.linalg.qr(matrix, mode="r"))  # (..., unit, unit): of a W of lower rank, too
    return upper * np.where(np.diagonal(upper, axis1=-2, axis2=-1) < 0, -1, 1).astype(upper.dtype)[..., None]


def _split(network, rank, entries):
    """Weights (..., weight), and the deviations of the rows of the first layer (..., row, rank)."""
    weights, of_map = np.split(entries, [network.n_weights], axis=-1)
    return weights, of_map.reshape(*of_map.shape[:-1], -1, rank)


def apply_map(network, rank, entries):
    """Weights (..., weight) with the input map applied, from entries (..., entry) that hold weights and map."""
    weights, deviation = _split(network, rank, entries)
    added = deviation @ basis(network, rank, weights)  # (..., row, unit)
    weights = weights.copy()  # (..., weight)
    weights[..., : network.layers[0].stop] += added.reshape(*weights.shape[:-1], -1)
    return weights


def apply_map_jacobian(network, rank, entries):
    """Derivatives of ``apply_map`` at entries (group, entry), (group, weight, entry)."""
    n, first = network.n_weights, network.layers[0]
    weights, deviation = _split(network, rank, entries)  # (group, weight), (group, row, rank)
    rows = basis(network, rank, weights)  # (group, rank, unit)
    jacobian = np.zeros((len(entries), n, entries.shape[1]))  # (group, weight, entry)
    jacobian[:, range(n), range(n)] = 1
    of_basis = _basis_jacobian(first.matrix(weights), rows)  # (group, rank, unit, weight of the matrix)
    added = np.einsum("gir,grjw->gijw", deviation, of_basis)  # (group, row, unit, weight of the matrix)
    jacobian[:, : first.stop, first.kernel] += added.reshape(len(entries), first.stop, -1)
    for i in range(deviation.shape[1]):
        at = n + i * rank
        jacobian[:, i * first.n_out : (i + 1) * first.n_out, at : at + rank] = np.swapaxes(rows, 1, 2)
    return jacobian


def _basis_jacobian(matrix, rows):
    """Derivatives of the basis in a matrix (group, input, unit), (group, rank, unit, weight of the matrix)."""
    n_groups, n_in, n_units = matrix.shape
    units = np.eye(n_in * n_units).reshape(-1, n_in, n_units)  # (weight, input, unit): a step in each weight
    if rows.shape[1] == n_in:
        steps = np.broadcast_to(units, (n_groups, *units.shape))  # (group, weight, input, unit)
        return np.moveaxis(steps, 1, -1)
    # Of L Lᵀ = G: dL = L Φ(L⁻¹ dG L⁻ᵀ), where Φ keeps the lower triangle and half of the diagonal.
    half = np.swapaxes(matrix, 1, 2)[:, None] @ units  # (group, weight, unit, unit)
    gram = half + np.swapaxes(half, -1, -2)
    lower = np.swapaxes(rows, 1, 2)[:, None]  # (group, 1, unit, unit)
    inner = np.linalg.solve(lower, np.swapaxes(np.linalg.solve(lower, gram), -1, -2))
    inner = np.tril(inner) - 0.5 * np.eye(n_units) * inner
    return np.transpose(lower @ inner, (0, 3, 2, 1))  # of R = Lᵀ


def apply_map_pymc(first, rank, matrix, deviation):
    """What a map adds to the rows of the first layer, as a tensor (group, row, unit).

    first: Layer; matrix: tensor (input, unit); deviation: tensor (group, row, rank).
    """
    import pytensor.tensor as pt

    if rank == first.n_in:
        return deviation @ matrix
    return deviation @ pt.linalg.cholesky(matrix.T @ matrix).T


# The compiled part ---------------------------------------------------------------------------------------------------


@inline
def _copy_matrix(entries, form, rank, basis):
    """Write the basis W."""
    for i in range(basis.size):
        basis[i] = entries[i]


@inline
def _factorize(entries, form, rank, basis):
    """Write the basis R."""
    n_in, n_units = form.sizes[0], form.sizes[1]
    for j in range(n_units):  # row j of R from the columns j, j + 1, ... of WᵀW
        for k in range(n_units):
            s = 0.0
            if k >= j:
                for i in range(n_in):
                    s += entries[i * n_units + j] * entries[i * n_units + k]
                for i in range(j):
                    s -= basis[i * n_units + j] * basis[i * n_units + k]
                s = math.sqrt(s) if k == j else s / basis[j * n_units + j]
            basis[j * n_units + k] = s


@inline
def _apply(w, form, rank, basis):
    """Add to the rows of the first layer what the map makes of the basis."""
    n_rows, n_units = form.sizes[0] + form.fit_intercept, form.sizes[1]
    at = w.shape[0] - n_rows * rank
    if w.ndim == 2:
        lane_groups.add_combinations(w, at, n_rows, rank, basis, n_units)
        return
    for i in range(n_rows):
        for k in range(rank):
            a = w[at + i * rank + k]
            for j in range(n_units):
                w[i * n_units + j] += a * basis[k * n_units + j]


@inline
def _pull_back(grad, w, form, rank, bases):
    """Write the gradient at the map, from the gradient at the weights, and add to the gradient at the basis."""
    n_rows, n_units = form.sizes[0] + form.fit_intercept, form.sizes[1]
    basis, grad_basis = bases
    at = w.shape[0] - n_rows * rank
    if w.ndim == 2:
        lane_groups.pull_back_combinations(grad, w, at, n_rows, rank, basis, n_units, grad_basis)
        return
    for i in range(n_rows):
        for k in range(rank):
            s, a = 0.0, w[at + i * rank + k]
            for j in range(n_units):
                g = grad[i * n_units + j]
                s += g * basis[k * n_units + j]
                grad_basis[k * n_units + j] += a * g
            grad[at + i * rank + k] = s


@inline
def _add_to_matrix(grad, entries, form, rank, bases):
    """Add the gradient at the basis W to the gradient at the matrix."""
    for i in range(bases[1].size):
        grad[i] += bases[1][i]


@inline
def _through_factorization(grad, entries, form, rank, bases):
    """Add to the gradient at the matrix what comes through the basis R [1]_.

    References
    ----------
    .. [1] Murray (2016), "Differentiation of the Cholesky decomposition", arXiv:1602.07527.
    """
    n_in, n = form.sizes[0], form.sizes[1]
    basis, grad_basis = bases
    # G = RᵀR. With P the lower triangle of R R̄ᵀ and half of its diagonal: Ḡ = R⁻¹ (P + Pᵀ) / 2 R⁻ᵀ.
    p = np.empty(n * n)  # (unit, unit)
    for i in range(n):
        for j in range(i + 1):
            s = 0.0
            for k in range(i, n):
                s += basis[i * n + k] * grad_basis[j * n + k]
            p[i * n + j] = p[j * n + i] = 0.5 * s
    for column in range(n):  # R⁻¹ from the left
        for i in range(n - 1, -1, -1):
            s = p[i * n + column]
            for k in range(i + 1, n):
                s -= basis[i * n + k] * p[k * n + column]
            p[i * n + column] = s / basis[i * n + i]
    for row in range(n):  # R⁻ᵀ from the right
        for j in range(n - 1, -1, -1):
            s = p[row * n + j]
            for k in range(j + 1, n):
                s -= p[row * n + k] * basis[j * n + k]
            p[row * n + j] = s / basis[j * n + j]
    for i in range(n_in):
        for j in range(n):
            s = 0.0
            for k in range(n):
                s += entries[i * n + k] * (p[k * n + j] + p[j * n + k])
            grad[i * n + j] += s


INPUT_MAP = InputMap(_copy_matrix, _apply, _pull_back, _add_to_matrix)  # serves models without a map, too
COMPACT_MAP = InputMap(_factorize, _apply, _pull_back, _through_factorization)
