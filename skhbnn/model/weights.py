"""From the unconstrained vector of a model to the weights of every group: the map itself, and its tangents."""

from dataclasses import dataclass

import numpy as np

from .families import from_unconstrained, slope
from .priors import (
    FlatModel,
    InformedModel,
    constant_group_scales,
    n_coordinates,
    weights_with_deviation,
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
    scales = np.empty((*x.shape[:-1], len(model.network.parts)), dtype=x.dtype)  # (..., part)
    scales[:] = constant_group_scales(model)
    scales[..., learned] = np.exp(x[..., n_shared - len(learned) : n_shared])
    return scales


def _mean_scale_shift(model, n_groups, x):
    """Means of the weights, group scales (..., part), and what each group adds, (..., group, deviation)."""
    layer, family = model.network.layer_of_weight, model.weight_prior  # (weight,)
    means, deviations = weights_with_mean(model), weights_with_deviation(model)  # (mean,), (deviation,)
    mean = np.zeros((*x.shape[:-1], len(layer)), dtype=x.dtype)  # (..., weight)
    mean[..., means] = from_unconstrained(family, model.scale[layer[means]], x[..., : len(means)])
    scale = group_scales(model, x)  # (..., part)
    shift = from_unconstrained(family, 1, _deviations(model, n_groups, x))  # (..., group, deviation)
    return mean, scale, shift * scale[..., None, model.network.part_of_weight[deviations]]


def _deviations(model, n_groups, x):
    """The coordinates of each group, (..., group, deviation)."""
    n_shared, n_own = n_coordinates(model)
    return x[..., n_shared:].reshape(*x.shape[:-1], n_groups, n_own)


def _weights(model, mean, shift):
    """Weights of every group, (..., group, weight)."""
    weights = np.repeat(mean[..., None, :], shift.shape[-2], axis=-2)  # (..., group, weight)
    weights[..., weights_with_deviation(model)] += shift
    return weights


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
    means, deviations = weights_with_mean(model), weights_with_deviation(model)  # (mean,), (deviation,)
    part = model.network.part_of_weight[deviations]  # (deviation,)
    n_means, (n_shared, n_own) = len(means), n_coordinates(model)
    mean, group_scale, shift = _mean_scale_shift(model, n_groups, x)
    jacobian = np.zeros((n_groups, len(layer), n_shared + n_own))  # (group, weight, shared + own)
    jacobian[:, means, range(n_means)] = slope(family, model.scale[layer[means]], x[:n_means])
    for rank, learned in enumerate(model.learned_scales):
        there = part == learned  # (deviation,)
        jacobian[:, deviations[there], n_means + rank] = shift[:, there]
    of_deviation = group_scale[part] * slope(family, 1, _deviations(model, n_groups, x))
    jacobian[:, deviations, n_shared + np.arange(n_own)] = of_deviation  # (group, deviation)
    return WeightTangent(_weights(model, mean, shift), jacobian, n_shared)
