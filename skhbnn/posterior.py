"""Draws of every group's weights, of the group distribution, and their labelled form for ArviZ."""

import hashlib
import warnings
from dataclasses import dataclass, fields
from typing import ClassVar

import numpy as np

from .data import label_text
from .model.network import Network
from .model.priors import HierarchicalModel, InformedModel


@dataclass(frozen=True, eq=False)
class Posterior:
    """Posterior draws of the weights.

    Parameters
    ----------
    network : Network
    weights : ndarray of shape (n_chains, n_draws, n_groups, n_weights)
        Weights of every group's network, float32.
    group_mean : ndarray of shape (n_chains, n_draws, n_weights) or None
        Mean of the group distribution; None for a model of one network.
    group_scale : ndarray of shape (n_chains, n_draws, n_layers) or None
        Standard deviation of the group distribution, one per layer.
    sample_stats : dict of ndarray of shape (n_chains, n_draws)
        Statistics of the sampler.
    seed : int
        Fixes the weights drawn for unseen groups.

    Attributes
    ----------
    dims : dict
        Names of the axes of each array.
    """

    network: Network
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
    def n_draws(self):
        """Draws of all chains together."""
        return self.weights.shape[0] * self.weights.shape[1]

    def __repr__(self):
        shapes = [
            f"{field.name}{self.dims[field.name]}: {getattr(self, field.name).shape}"
            for field in fields(self)
            if field.name in self.dims and getattr(self, field.name) is not None
        ]
        return f"Posterior({', '.join(shapes)})"

    def group_weights(self, code):
        """Weights of one group over the draws of all chains, (draw, weight)."""
        return self.weights[:, :, code].reshape(self.n_draws, -1)

    def population_weights(self, label):
        """Weights of an unseen group: one draw from the group distribution per posterior draw, (draw, weight).

        The label and the seed of the fit determine them, whatever else is predicted in the same call.
        """
        digest = hashlib.sha256(label_text(label).encode()).digest()
        rng = np.random.default_rng([self.seed, int.from_bytes(digest[:8], "little")])
        if self.group_mean is None or self.group_scale is None:
            raise ValueError("A posterior of one network has no group distribution to draw an unseen group from.")
        mean = self.group_mean.reshape(self.n_draws, -1)  # (draw, weight)
        scale = self.group_scale.reshape(self.n_draws, -1)[:, self.network.layer_of_weight]  # (draw, weight)
        return mean + scale * rng.standard_normal(mean.shape, dtype=mean.dtype)


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
    network, x = model.network, trace.x  # (chain, draw, n_dim)
    n_weights, n_layers = network.n_weights, len(network.layers)
    group_mean = group_scale = None
    if isinstance(model, HierarchicalModel):
        n_chains, n_draws = x.shape[:2]
        x = x.astype(np.float32)  # (chain, draw, n_dim)
        group_mean = x[..., :n_weights].copy()  # (chain, draw, weight)
        group_scale = np.exp(x[..., n_weights : n_weights + n_layers])  # (chain, draw, layer)
        weights = x[..., n_weights + n_layers :].reshape(n_chains, n_draws, n_groups, n_weights)  # z for now
        weights = weights * group_scale[:, :, None, network.layer_of_weight]  # (chain, draw, group, weight)
        weights += group_mean[:, :, None]
    elif isinstance(model, InformedModel):
        weights = (model.mean + x @ model.cholesky.T)[:, :, None].astype(np.float32)  # (chain, draw, 1, weight)
    else:
        weights = x[:, :, None].astype(np.float32)  # (chain, draw, 1, weight)
    return Posterior(network, weights, group_mean, group_scale, trace.statistics, seed)


def import_arviz():
    """ArviZ, without the announcement that its version 0.23 prints at import."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        import arviz
    return arviz


def to_arviz(posterior, group_labels, weight_names):
    """The posterior as ArviZ's labelled object: ``InferenceData`` before ArviZ 1, ``DataTree`` since.

    Parameters
    ----------
    posterior : Posterior
    group_labels : list
    weight_names : list of str

    Returns
    -------
    data : arviz.InferenceData or xarray.DataTree
        Groups ``posterior`` and ``sample_stats``.
    """
    arviz = import_arviz()
    arrays = {name: getattr(posterior, name) for name in posterior.dims if getattr(posterior, name) is not None}
    coords = {
        "group": [str(label) for label in group_labels],
        "weight": weight_names,
        "layer": np.arange(len(posterior.network.layers)),
    }
    dims = {name: list(posterior.dims[name][2:]) for name in arrays}
    groups = {"posterior": arrays, "sample_stats": posterior.sample_stats}
    if int(arviz.__version__.split(".")[0]) >= 1:
        return arviz.from_dict(groups, coords=coords, dims=dims)
    return arviz.from_dict(**groups, coords=coords, dims=dims)
