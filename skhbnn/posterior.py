"""Draws of every group's weights and of the group distribution."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from .data import label_generator
from .model.families import from_unconstrained, standard_draws
from .model.priors import (
    FlatModel,
    HierarchicalModel,
    InformedModel,
    constant_group_scales,
    weights_with_deviation,
    weights_with_mean,
)


@dataclass(frozen=True, eq=False)
class Posterior:
    """Posterior draws of the weights.

    Parameters
    ----------
    model : FlatModel, HierarchicalModel or InformedModel
        Network and priors.
    weights : ndarray of shape (n_chains, n_draws, n_groups, n_weights)
        Weights of every group's network, float32.
    group_mean : ndarray of shape (n_chains, n_draws, n_weights) or None
        Mean of the group distribution, 0 in layers that are not pooled; None for a model of one network.
    group_scale : ndarray of shape (n_chains, n_draws, n_layers) or None
        Scale of the group distribution: 0 in layers that are completely pooled, the prior's scale in those that are
        not pooled.
    sample_stats : dict of ndarray of shape (n_chains, n_draws)
        Statistics of the sampler.
    seed : int
        Fixes the weights drawn for unseen groups.

    Attributes
    ----------
    dims : dict
        Names of the axes of each array.
    """

    model: FlatModel | HierarchicalModel | InformedModel
    weights: np.ndarray
    group_mean: np.ndarray | None
    group_scale: np.ndarray | None
    sample_stats: dict
    seed: int

    dims: ClassVar[dict] = {
        "weights": ("chain", "draw", "group", "weight"),
        "group_mean": ("chain", "draw", "weight"),
        "group_scale": ("chain", "draw", "layer"),
    }

    @property
    def network(self):
        """The network of every group."""
        return self.model.network

    @property
    def n_draws(self):
        """Draws of all chains together."""
        return self.weights.shape[0] * self.weights.shape[1]

    @property
    def learned_group_scale(self):
        """Group scales that were learned, (chain, draw, learned scale); None where there are none."""
        learned = self.model.learned_scales
        return None if self.group_scale is None or not learned else self.group_scale[..., list(learned)]

    def __repr__(self):
        shapes = [
            f"{name}{dims}: {getattr(self, name).shape}"
            for name, dims in self.dims.items()
            if getattr(self, name) is not None
        ]
        return f"Posterior({', '.join(shapes)})"

    def group_weights(self, code):
        """Weights of one group over the draws of all chains, (draw, weight)."""
        return self.weights[:, :, code].reshape(self.n_draws, -1)

    def population_weights(self, label):
        """Weights of an unseen group: one draw from the group distribution per posterior draw, (draw, weight).

        The label and the seed of the fit determine them, whatever else is predicted in the same call.
        """
        rng = label_generator(self.seed, label)
        if isinstance(self.model, InformedModel) or self.group_mean is None or self.group_scale is None:
            raise ValueError("A posterior of one network has no group distribution to draw an unseen group from.")
        mean = self.group_mean.reshape(self.n_draws, -1)  # (draw, weight)
        scale = self.group_scale.reshape(self.n_draws, -1)[:, self.network.layer_of_weight]  # (draw, weight)
        return mean + scale * standard_draws(self.model.weight_prior, rng, mean.shape)


def posterior_from_trace(model, n_groups, trace, seed):
    """Turn draws of the unconstrained vector into draws of weights.

    Parameters
    ----------
    model : FlatModel, HierarchicalModel or InformedModel
    n_groups : int
    trace : Trace
    seed : int

    Returns
    -------
    posterior : Posterior
    """
    x = trace.x  # (chain, draw, n_dim)
    group_mean = group_scale = None
    if isinstance(model, HierarchicalModel):
        group_mean, group_scale, weights = _group_draws(model, n_groups, x.astype(np.float32))
    elif isinstance(model, InformedModel):
        weights = (model.mean + x @ model.cholesky.T)[:, :, None].astype(np.float32)  # (chain, draw, 1, weight)
    else:
        scale = model.scale[model.network.layer_of_weight]  # (weight,)
        weights = from_unconstrained(model.weight_prior, scale, x)[:, :, None].astype(np.float32)
    return Posterior(model, weights, group_mean, group_scale, trace.statistics, seed)


def _group_draws(model, n_groups, x):
    """Group means, group scales and weights of every group, from x (chain, draw, n_dim)."""
    layer = model.network.layer_of_weight  # (weight,)
    means, deviations = weights_with_mean(model), weights_with_deviation(model)  # (mean,), (deviation,)
    n_means, n_scales = len(means), len(model.learned_scales)
    group_mean = np.zeros((*x.shape[:2], len(layer)), dtype=x.dtype)  # (chain, draw, weight)
    group_mean[..., means] = from_unconstrained(model.weight_prior, model.scale[layer[means]], x[..., :n_means])
    group_scale = np.empty((*x.shape[:2], len(model.scale)), dtype=x.dtype)  # (chain, draw, layer)
    group_scale[:] = constant_group_scales(model)
    group_scale[..., list(model.learned_scales)] = np.exp(x[..., n_means : n_means + n_scales])
    z = x[..., n_means + n_scales :].reshape(*x.shape[:2], n_groups, len(deviations))  # (chain, draw, group, deviation)
    weights = np.repeat(group_mean[:, :, None], n_groups, axis=2)  # (chain, draw, group, weight)
    z = from_unconstrained(model.weight_prior, 1, z)
    weights[..., deviations] += z * group_scale[:, :, None, layer[deviations]]
    return group_mean, group_scale, weights
