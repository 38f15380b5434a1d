"""Draws of every group's weights and of the group distribution."""

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from ..data.labels import label_generator
from ..model.families import standard_draws
from ..model.network import LinearizedNetwork
from ..model.priors import (
    FlatModel,
    HierarchicalModel,
    InformedModel,
    entries_with_deviation,
    learned_parts,
    part_names,
    part_of_entry,
)
from ..model.weights import group_scales, group_weights, mean_entries, through_input_map, weight_tangent
from ..support.memory import require_memory
from ..support.psis import resampled
from .prediction import log_likelihood

POPULATION_DRAWS = 400  # of a mode's group distribution
DRAWS_AT_ONCE = 64  # of a chain, while they become weights


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
    group_scale : ndarray of shape (n_chains, n_draws, n_parts) or None
        Scale of the group distribution, of the matrix and of the intercepts of every layer (``network.parts`` names
        them): 0 in layers that are completely pooled, the prior's scale in those that are not pooled.
    sample_stats : dict of ndarray of shape (n_chains, n_draws)
        Statistics of the sampler.
    seed : int
        Fixes the weights drawn for unseen groups.
    mode_weights : ndarray of shape (n_modes, n_groups, n_weights) or None
        Where the network is linearised, float32; ``sample_stats["mode"]`` has the mode of each draw. None: it is not.
    mode_group_mean : ndarray of shape (n_modes, n_weights) or None
        The same for unseen groups, of a hierarchical fit.
    chain_weights : ndarray of shape (n_chains,) or None
        Share of each chain in predictions. None: all the same.

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
    mode_weights: np.ndarray | None = None
    mode_group_mean: np.ndarray | None = None
    chain_weights: np.ndarray | None = None

    dims: ClassVar[dict] = {
        "weights": ("chain", "draw", "group", "weight"),
        "group_mean": ("chain", "draw", "weight"),
        "group_scale": ("chain", "draw", "part"),
        "mode_weights": ("mode", "group", "weight"),
        "mode_group_mean": ("mode", "weight"),
    }

    @property
    def network(self):
        """The network of every group."""
        return self.model.network

    @property
    def predictor(self):
        """The network, or its tangent at the modes: what makes logits of ``group_parameters`` and their like."""
        network = self.network
        if self.mode_weights is None:
            return network
        return LinearizedNetwork(network.sizes, network.activation, network.fit_intercept)

    @property
    def n_draws(self):
        """Draws of all chains together."""
        return self.weights.shape[0] * self.weights.shape[1]

    @property
    def learned_group_scale(self):
        """Group scales that were learned, (chain, draw, learned scale); None where there are none."""
        learned = self.model.learned_scales
        return None if self.group_scale is None or not learned else self.group_scale[..., list(learned)]

    @property
    def learned_parts(self):
        """Names of the parts of the network whose group scale was learned."""
        return learned_parts(self.model)

    def __repr__(self):
        shapes = [
            f"{name}{dims}: {getattr(self, name).shape}"
            for name, dims in self.dims.items()
            if getattr(self, name) is not None
        ]
        return f"Posterior({', '.join(shapes)})"

    def group_weights(self, code):
        """Weights of one group over the draws of all chains.

        Parameters
        ----------
        code : int
            Position of the group among the sorted labels.

        Returns
        -------
        weights : ndarray of shape (n_chains * n_draws, n_weights)
            The draws of the first chain first.
        """
        return self.pooled(self.weights[:, :, code])

    def pooled(self, values):
        """Draws of all chains in one, each chain as often as ``chain_weights`` says.

        Parameters
        ----------
        values : ndarray of shape (n_chains, n_draws, ...)
            An array of the posterior.

        Returns
        -------
        values : ndarray of shape (n_chains * n_draws, ...)
            The draws of the first chain first.
        """
        values = values.reshape(self.n_draws, *values.shape[2:])  # (draw, ...)
        if self.chain_weights is None:
            return values
        n_draws = self.weights.shape[1]  # of a chain
        return values[resampled(np.repeat(self.chain_weights / n_draws, n_draws), self.n_draws)]

    def log_likelihood(self, data):
        """Log likelihood of each training row under each draw.

        Parameters
        ----------
        data : GroupedData
            Those rows.

        Returns
        -------
        log_likelihood : ndarray of shape (n_chains, n_draws, n_rows)
            In nats, rows in the order of ``data``.

        Raises
        ------
        MemoryError
            If it would not fit, with as much again for what is made of it.
        """
        what = f"The log likelihood of {len(data.y)} rows under {self.n_draws} draws"
        require_memory(4 * 8 * len(data.y) * self.n_draws, what, "lower draws or chains")
        posterior = replace(self, chain_weights=None)  # every draw once
        parts = [
            log_likelihood(self.predictor, posterior.group_parameters(g), data.X[start:stop], data.y[start:stop])
            for g, (start, stop) in enumerate(zip(data.offsets, data.offsets[1:], strict=False))
        ]
        return np.concatenate(parts, axis=1).reshape(*self.weights.shape[:2], -1)  # (chain, draw, row)

    def of_chains(self, chains):
        """The posterior as some of its chains have it, each of equal weight.

        Parameters
        ----------
        chains : int or array-like of int
            Their numbers, from 0.

        Returns
        -------
        posterior : Posterior
            With those chains only.
        """
        chosen = np.atleast_1d(chains)  # (chain,)
        mean, scale = (None if part is None else part[chosen] for part in (self.group_mean, self.group_scale))
        return replace(
            self,
            weights=self.weights[chosen],
            group_mean=mean,
            group_scale=scale,
            sample_stats={name: values[chosen] for name, values in self.sample_stats.items()},
            chain_weights=None,
        )

    def group_parameters(self, code):
        """What ``predictor`` takes for a group.

        Parameters
        ----------
        code : int
            Position of the group among the sorted labels.

        Returns
        -------
        parameters : ndarray of shape (n_chains * n_draws, n_parameters)
            Weights, and beside them those of the mode where the network is linearised.
        """
        return self._beside(self.group_weights(code), self.mode_weights, (slice(None), code))

    def population_parameters(self, label):
        """What ``predictor`` takes for an unseen group.

        Parameters
        ----------
        label : hashable
            Its label.

        Returns
        -------
        parameters : ndarray of shape (n_chains * n_draws, n_parameters)
            Weights, and beside them those of the mode where the network is linearised.
        """
        return self._beside(self.population_weights(label), self.mode_group_mean)

    def mean_parameters(self):
        """What ``predictor`` takes for the group mean.

        Returns
        -------
        parameters : ndarray of shape (n_chains * n_draws, n_parameters)
            Weights, and beside them those of the mode where the network is linearised.
        """
        return self._beside(self.pooled(np.asarray(self.group_mean)), self.mode_group_mean)

    def _beside(self, weights, modes, of_group=()):
        """Weights (draw, weight), and beside each those of its mode, where there are modes."""
        if modes is None:
            return weights
        return np.concatenate([weights, modes[of_group][self.sample_stats["mode"].ravel()]], axis=1)

    def population_weights(self, label):
        """Weights of an unseen group: one draw from the group distribution per posterior draw, 400 of a mode's.

        The label and the seed of the fit determine them, whatever else is predicted in the same call.

        Parameters
        ----------
        label : hashable
            Its label.

        Returns
        -------
        weights : ndarray of shape (n_chains * n_draws, n_weights) or (400, n_weights)
            The draws of the first chain first.

        Raises
        ------
        ValueError
            If the posterior is of one network and has no group distribution.
        """
        rng = label_generator(self.seed, label)
        if isinstance(self.model, InformedModel) or self.group_mean is None or self.group_scale is None:
            raise ValueError("A posterior of one network has no group distribution to draw an unseen group from.")
        drawn = slice(None) if self.n_draws > 1 else np.zeros(POPULATION_DRAWS, dtype=int)  # (draw,)
        mean = mean_entries(self.model, self.pooled(self.group_mean)[drawn])  # (draw, entry)
        scale = self.pooled(self.group_scale)[drawn][:, part_of_entry(self.model)]  # (draw, entry)
        entries = mean + scale * standard_draws(self.model.weight_prior, rng, mean.shape)  # (draw, entry)
        return through_input_map(self.model, entries)


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
    if trace.modes is not None:
        return _linearized(model, n_groups, trace, seed)
    shape, n_weights = trace.x.shape[:2], model.network.n_weights
    weights = np.empty((*shape, n_groups, n_weights), np.float32)  # (chain, draw, group, weight)
    if not isinstance(model, HierarchicalModel):
        weights[:] = group_weights(model, n_groups, trace.x)[2]
        return Posterior(model, weights, None, None, trace.statistics, seed)
    # Of many groups the draws in single precision from the start, and some at a time: they are large.
    x = trace.x.astype(np.float32, copy=False)  # (chain, draw, n_dim)
    mean = np.empty((*shape, n_weights), np.float32)  # (chain, draw, weight)
    scale = np.empty((*shape, len(part_names(model))), np.float32)  # (chain, draw, part)
    for chain, first in np.ndindex(shape[0], -(-shape[1] // DRAWS_AT_ONCE)):
        some = chain, slice(first * DRAWS_AT_ONCE, (first + 1) * DRAWS_AT_ONCE)
        mean[some], scale[some], weights[some] = group_weights(model, n_groups, x[some])
    return Posterior(model, weights, mean, scale, trace.statistics, seed)


def _linearized(model, n_groups, trace, seed):
    """The posterior of a linearised network: weights to first order around the mode of each draw."""
    grouped = isinstance(model, HierarchicalModel)
    # The group mean is the weights of one more group, without deviations.
    more = [(0, 0), (0, len(entries_with_deviation(model)) if grouped else 0)]
    x, modes, mode = np.pad(trace.x[0], more), np.pad(trace.modes, more), trace.statistics["mode"][0]
    tangents = [weight_tangent(model, n_groups + grouped, point) for point in modes]
    weights = np.empty((1, len(x), n_groups + grouped, model.network.n_weights), dtype=np.float32)
    for m, tangent in enumerate(tangents):
        weights[0, mode == m] = tangent.along(x[mode == m] - modes[m])
    at_modes = np.array([tangent.weights for tangent in tangents], dtype=np.float32)  # (mode, group, weight)
    if not grouped:
        return Posterior(model, weights, None, None, trace.statistics, seed, at_modes)
    group_scale = group_scales(model, trace.x.astype(np.float32))
    own, mean = weights[:, :, :-1], weights[:, :, -1]  # (chain, draw, group, weight), (chain, draw, weight)
    return Posterior(model, own, mean, group_scale, trace.statistics, seed, at_modes[:, :-1], at_modes[:, -1])
