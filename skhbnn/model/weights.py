"""From the unconstrained vector of a model to the weights of every group: the map itself, and its tangents."""

from dataclasses import dataclass

import numpy as np

from .families import from_unconstrained, slope
from .priors import (
    FlatModel,
    InformedModel,
    constant_group_scales,
    entries_with_deviation,
    n_coordinates,
    part_names,
    part_of_entry,
    weights_with_mean,
)


def group_weights(model, n_groups, x):
    """Group means, group scales and weights of every group.

    Parameters
    ----------
    model : FlatModel, HierarchicalModel or InformedModel
    n_groups : int
    x : ndarray of shape (..., n_dim)

    Returns
    -------
    group_mean : ndarray of shape (..., n_weights) or None
        None for a model of one network.
    group_scale : ndarray of shape (..., n_parts) or None
    weights : ndarray of shape (..., n_groups, n_weights)
    """
    if isinstance(model, InformedModel):
        return None, None, (model.mean + x @ model.cholesky.T)[..., None, :]
    if isinstance(model, FlatModel):
        scale = model.scale[model.network.layer_of_weight]  # (weight,)
        return None, None, from_unconstrained(model.weight_prior, scale, x)[..., None, :]
    mean, group_scale, shift = _mean_scale_shift(model, n_groups, x)
    return mean, group_scale, _weights(model, mean, shift)


def group_scales(model, x):
    """Group scales of a flat or hierarchical model at x (..., n_dim), (..., part)."""
    learned, n_shared = list(model.learned_scales), n_coordinates(model)[0]
    scales = np.empty((*x.shape[:-1], len(part_names(model))), dtype=x.dtype)  # (..., part)
    scales[:] = constant_group_scales(model)
    scales[..., learned] = np.exp(x[..., n_shared - len(learned) : n_shared])
    return scales


def _mean_scale_shift(model, n_groups, x):
    """Means of the weights, group scales (..., part), and what each group adds, (..., group, deviation)."""
    layer, family = model.network.layer_of_weight, model.weight_prior  # (weight,)
    means, deviations = weights_with_mean(model), entries_with_deviation(model)  # (mean,), (deviation,)
    mean = np.zeros((*x.shape[:-1], len(layer)), dtype=x.dtype)  # (..., weight)
    mean[..., means] = from_unconstrained(family, model.scale[layer[means]], x[..., : len(means)])
    scale = group_scales(model, x)  # (..., part)
    shift = from_unconstrained(family, 1, _deviations(model, n_groups, x))  # (..., group, deviation)
    return mean, scale, shift * scale[..., None, part_of_entry(model)[deviations]]


def _deviations(model, n_groups, x):
    """The coordinates of each group, (..., group, deviation)."""
    n_shared, n_own = n_coordinates(model)
    return x[..., n_shared:].reshape(*x.shape[:-1], n_groups, n_own)


def _weights(model, mean, shift):
    """Weights of every group, (..., group, weight)."""
    return through_input_map(model, _entries(model, mean, shift))


def _entries(model, mean, shift):
    """Weights of every group before its input map, and the map, (..., group, entry)."""
    entries = np.repeat(mean_entries(model, mean)[..., None, :], shift.shape[-2], axis=-2)  # (..., group, entry)
    entries[..., entries_with_deviation(model)] += shift
    return entries


def mean_entries(model, mean):
    """Means of the weights (..., weight), and behind them those of the input map, (..., entry)."""
    if not model.input_map:
        return mean
    n_in, fit_intercept = model.network.sizes[0], model.network.fit_intercept
    of_map = np.eye(n_in + fit_intercept, n_in, dtype=mean.dtype).ravel()  # (entry of the map,)
    return np.concatenate([mean, np.broadcast_to(of_map, (*mean.shape[:-1], len(of_map)))], axis=-1)


def through_input_map(model, entries):
    """Weights (..., weight) that see the inputs through the input map behind them in entries (..., entry)."""
    if not model.input_map:
        return entries
    network, first = model.network, model.network.layers[0]
    weights, of_map = np.split(entries, [network.n_weights], axis=-1)
    of_map = of_map.reshape(*of_map.shape[:-1], -1, first.n_in)  # (..., input or shift, input)
    weights, matrix = weights.copy(), first.matrix(weights)  # (..., weight), (..., input, unit)
    mapped = (of_map @ matrix).reshape(*weights.shape[:-1], -1)  # (..., weight of the first layer)
    weights[..., first.kernel] = 0
    weights[..., first.start : first.stop] += mapped
    return weights


def _through_input_map_jacobian(model, entries):
    """Derivatives of ``through_input_map`` at entries (group, entry), (group, weight, entry)."""
    n = model.network.n_weights
    jacobian = np.zeros((len(entries), n, entries.shape[1]))  # (group, weight, entry)
    jacobian[:, range(n), range(n)] = 1
    first = model.network.layers[0]
    matrix, of_map = first.matrix(entries), entries[:, n:].reshape(len(entries), -1, first.n_in)
    jacobian[:, first.kernel, first.kernel] = 0
    for i in range(of_map.shape[1]):  # the inputs, and the shift, whose weights are the intercepts
        for k in range(first.n_in):
            for j in range(first.n_out):
                jacobian[:, i * first.n_out + j, k * first.n_out + j] = of_map[:, i, k]
                jacobian[:, i * first.n_out + j, n + i * first.n_in + k] = matrix[:, k, j]
    return jacobian


@dataclass(frozen=True, eq=False)
class WeightTangent:
    """The weights of every group as functions of the unconstrained vector, to first order around a point.

    Parameters
    ----------
    weights : ndarray of shape (n_groups, n_weights)
        At the point.
    jacobian : ndarray of shape (n_groups, n_weights, n_shared + n_own)
        Derivatives with respect to the shared coordinates and to those of the group.
    n_shared : int
    """

    weights: np.ndarray
    jacobian: np.ndarray
    n_shared: int

    def along(self, steps):
        """Weights at steps (draw, n_dim) from the point, (draw, group, weight)."""
        own = steps[:, self.n_shared :].reshape(len(steps), len(self.weights), -1)  # (draw, group, own)
        of_shared, of_own = np.split(self.jacobian, [self.n_shared], axis=2)  # (group, weight, shared), (..., own)
        change = np.einsum("gws,ds->dgw", of_shared, steps[:, : self.n_shared], optimize=True)
        return self.weights + change + np.einsum("gwz,dgz->dgw", of_own, own, optimize=True)


def weight_tangent(model, n_groups, x):
    """The tangent at x (n_dim,) of a model's map from the unconstrained vector to weights."""
    if isinstance(model, InformedModel):
        return WeightTangent((model.mean + model.cholesky @ x)[None], model.cholesky[None], len(x))
    layer, family = model.network.layer_of_weight, model.weight_prior  # (weight,)
    means, deviations = weights_with_mean(model), entries_with_deviation(model)  # (mean,), (deviation,)
    part = part_of_entry(model)  # (entry,)
    n_means, (n_shared, n_own) = len(means), n_coordinates(model)
    mean, group_scale, shift = _mean_scale_shift(model, n_groups, x)
    entries = _entries(model, mean, shift)  # (group, entry)
    jacobian = np.zeros((n_groups, len(part), n_shared + n_own))  # (group, entry, shared + own)
    jacobian[:, means, range(n_means)] = slope(family, model.scale[layer[means]], x[:n_means])
    for rank, learned in enumerate(model.learned_scales):
        there = part[deviations] == learned  # (deviation,)
        jacobian[:, deviations[there], n_means + rank] = shift[:, there]
    of_deviation = group_scale[part[deviations]] * slope(family, 1, _deviations(model, n_groups, x))
    jacobian[:, deviations, n_shared + np.arange(n_own)] = of_deviation  # (group, deviation)
    if model.input_map:
        jacobian = _through_input_map_jacobian(model, entries) @ jacobian  # (group, weight, shared + own)
    return WeightTangent(through_input_map(model, entries), jacobian, n_shared)
