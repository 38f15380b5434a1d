"""The map from the unconstrained vector of a model to the weights of every group, and tangents of the map."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np


class GroupWeights(NamedTuple):
    """Mean, scales, own numbers, outer groups and weights of the groups that an unconstrained vector stands for.

    Arrays have the leading axes of the vector.
    """

    mean: np.ndarray  # (..., weight): what all rows share
    scales: np.ndarray  # (..., learned scale)
    own: np.ndarray  # (..., own number of the likelihood)
    outer: np.ndarray  # (..., outer group, entry): what the groups within each have in common, before an input map
    weights: np.ndarray  # (..., group, weight)
    intercepts: np.ndarray  # (..., label, output): random ones, of all columns


def group_weights(layout, x):
    """The weights of every group, and what else an unconstrained vector stands for.

    Parameters
    ----------
    layout : Layout
        What the vector of a model holds.
    x : ndarray of shape (..., n_dim)

    Returns
    -------
    weights : GroupWeights
    """
    entries, scales, own, _ = _entries(layout, x)
    model = layout.model
    own = model.likelihood.own_from_unconstrained(own)  # (..., own number)
    mean = entries[0][..., 0, : model.network.n_weights]
    weights = apply_map(model, entries[-1])  # (..., group, weight)
    return GroupWeights(mean, scales, own, _outer(entries), weights, random_intercepts(layout, x, scales))


def random_intercepts(layout, x, scales):
    """Random intercepts of unconstrained vectors x (..., n_dim) and learned scales (..., scale), (..., label, output).

    The labels of all columns stand one column behind the other.
    """
    model, intercepts = layout.model, layout.intercepts(x).copy()  # (..., label, output)
    start, names = 0, model.scale_names
    for column in model.random_intercepts:
        own = slice(start, start + column.n_labels)
        is_learned = isinstance(column.scale, str)
        intercepts[..., own, :] *= scales[..., names.index(column.scale), None, None] if is_learned else column.scale
        start = own.stop
    return intercepts


def _outer(arrays):
    """The arrays (..., member, ...) of the levels between level 0 and the innermost, members of all levels in one."""
    axis = arrays[0].ndim - 2
    return np.concatenate([np.take(arrays[0], [], axis), *arrays[1:-1]], axis=axis)


def apply_map(model, entries):
    """Weights (..., weight) with the input map applied, from entries (..., entry) that hold weights and map."""
    if not model.map_rank:
        return entries[..., : model.network.n_weights]
    from .pooling import affine  # only now: it loads Numba

    return affine.apply_map(model.network, model.map_rank, entries)


def _entries(layout, x):
    """Entries and values of the members of every level, scales, and unconstrained own numbers.

    Entries come first, a list of (..., member, entry); values, the last, are (..., member, coordinate) each.
    """
    model = layout.model
    first, log_scales, own, levels = layout.split(x)
    scales = np.exp(log_scales)  # (..., learned scale)
    free = [first[..., None, :], *levels]  # (..., member, coordinate) each
    base = np.broadcast_to(model.base.astype(x.dtype), (*x.shape[:-1], 1, model.n_entries))  # (..., 1, entry)
    entries: list = []
    values: list = []
    for level, v in enumerate(free):
        at = model.coordinates(level)
        value = model.family.from_unconstrained(v, at.prior_scale.astype(x.dtype)) * factors(at, scales)[..., None, :]
        now = base.copy() if level == 0 else entries[-1][..., layout.parents(level), :]  # (..., member, entry)
        now[..., at.entry] += value
        if level == 0 and len(model.factor):
            now[..., : len(model.factor)] += v[..., : len(model.factor)] @ model.factor.T
        entries.append(now)
        values.append(value)
    if model.has_own_entries:
        own = entries[0][..., 0, model.network.n_weights :]  # (..., own number)
    return entries, scales, own, values


def factors(coordinates, scales):
    """Factors of the values of a level's coordinates: fixed, or a learned scale (..., scale), (..., coordinate)."""
    fixed = coordinates.fixed.astype(scales.dtype)  # (coordinate,)
    is_learned = coordinates.learned >= 0  # (coordinate,)
    result = np.broadcast_to(fixed, (*scales.shape[:-1], len(fixed))).copy()  # (..., coordinate)
    result[..., is_learned] = scales[..., coordinates.learned[is_learned]]
    return result


@dataclass(frozen=True, eq=False)
class WeightTangent:
    """The weights of every group as functions of the unconstrained vector, to first order around a point.

    Parameters
    ----------
    weights : ndarray of shape (n_groups, n_weights)
        At the point.
    jacobian : ndarray of shape (n_groups, n_weights, n_shared + n_of_group)
        Derivatives with respect to the coordinates before the innermost level, and to the coordinates of the group.
    mean : ndarray of shape (n_weights,)
        What all rows share, at the point.
    mean_jacobian : ndarray of shape (n_weights, n_shared)
        Derivatives of the mean.
    own : ndarray of shape (n_own_numbers,)
        The likelihood's own numbers, unconstrained, at the point.
    own_jacobian : ndarray of shape (n_own_numbers, n_shared)
        Derivatives of the own numbers.
    outer : ndarray of shape (n_outer_groups, n_entries)
        Entries of the groups of the outer levels, before an input map, at the point.
    outer_jacobian : ndarray of shape (n_outer_groups, n_entries, n_shared)
        Derivatives of these entries.
    """

    weights: np.ndarray
    jacobian: np.ndarray
    mean: np.ndarray
    mean_jacobian: np.ndarray
    own: np.ndarray
    own_jacobian: np.ndarray
    outer: np.ndarray
    outer_jacobian: np.ndarray

    @property
    def n_shared(self):
        """Number of coordinates before the innermost level."""
        return self.mean_jacobian.shape[1]

    def along(self, steps):
        """Weights at steps (draw, n_dim) from the point, (draw, group, weight)."""
        of_group = steps[:, self.n_shared :].reshape(len(steps), len(self.weights), -1)  # (draw, group, coordinate)
        in_shared, in_group = np.split(self.jacobian, [self.n_shared], axis=2)  # (group, weight, coordinate) each
        change = np.einsum("gws,ds->dgw", in_shared, steps[:, : self.n_shared], optimize=True)
        return self.weights + change + np.einsum("gwz,dgz->dgw", in_group, of_group, optimize=True)

    def mean_along(self, steps):
        """What all rows share at steps (draw, n_dim) from the point, (draw, weight)."""
        return self.mean + steps[:, : self.n_shared] @ self.mean_jacobian.T

    def own_along(self, steps):
        """Unconstrained own numbers at steps (draw, n_dim) from the point, (draw, own number)."""
        return self.own + steps[:, : self.n_shared] @ self.own_jacobian.T

    def outer_along(self, steps):
        """Entries of the outer groups at steps (draw, n_dim) from the point, (draw, outer group, entry)."""
        return self.outer + np.einsum("oes,ds->doe", self.outer_jacobian, steps[:, : self.n_shared], optimize=True)


def weight_tangent(layout, x):
    """The tangent at x (n_dim,) of a model's map from the unconstrained vector to weights."""
    model = layout.model
    n_weights, n_shared = model.network.n_weights, layout.n_shared
    entries, scales, own, values = _entries(layout, x)
    first, _, _, levels = layout.split(x)
    free = [first[None], *levels]  # (member, coordinate) each
    at_scales = layout.blocks[1].start
    jacobian = np.zeros((1, model.n_entries, n_shared + layout.n_of_group))  # (member, entry, coordinate)
    of_outer = [np.empty((0, model.n_entries, n_shared))]  # (member, entry, shared) of each outer level
    for level, (v, block, value) in enumerate(zip(free, layout.level_blocks, values, strict=True)):
        at, innermost = model.coordinates(level), level > 0 and level == len(model.levels)
        if level > 0:
            jacobian = jacobian[layout.parents(level)]  # (member, entry, coordinate)
        member = np.arange(block.n_members)[:, None]  # (member, 1)
        start = np.full(len(member), n_shared) if innermost else block.start + member[:, 0] * block.n_coordinates
        columns = start[:, None] + np.arange(block.n_coordinates)  # (member, coordinate)
        slope = model.family.slope(v, at.prior_scale) * factors(at, scales)  # (member, coordinate)
        jacobian[member, at.entry, columns] += slope
        is_learned = at.learned >= 0  # (coordinate,)
        of_scale = at_scales + at.learned[is_learned]  # (learned coordinate,)
        jacobian[member, at.entry[is_learned], of_scale] += value[:, is_learned]
        if level == 0:
            jacobian[0, : len(model.factor), : len(model.factor)] += model.factor
            of_mean = jacobian[0, :n_weights, :n_shared].copy()  # (weight, shared)
            of_own = np.eye(len(own), n_shared, layout.own_numbers.start)  # (own number, shared)
            if model.has_own_entries:
                of_own = jacobian[0, n_weights:, :n_shared].copy()
        elif not innermost:
            of_outer.append(jacobian[:, :, :n_shared].copy())  # (member, entry, shared)
    mean = entries[0][0, :n_weights]  # (weight,)
    if model.map_rank:
        from .pooling import affine

        jacobian = affine.apply_map_jacobian(model.network, model.map_rank, entries[-1]) @ jacobian
    weights = apply_map(model, entries[-1])  # (group, weight)
    outer = _outer(entries), np.concatenate(of_outer)  # (outer group, entry), and (outer group, entry, shared)
    return WeightTangent(weights, jacobian[:, :n_weights], mean, of_mean, own, of_own, *outer)
